/* The numbers of RFC 6979, and the key that they are of. */
#include "ecvector.h"

#include <check.h>

#include "bytes.h"

const struct ecvector ECVECTOR[ECVECTOR_COUNT] = {
    {ATT_KEY_EC_P256, ATT_HASH_SHA256,
     "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
     "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
     "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
     "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
     "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"},
    {ATT_KEY_EC_P384, ATT_HASH_SHA384,
     "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e"
     "06aae5286b300c64def8f0ea9055866064a254515480bc13",
     "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9"
     "f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720",
     "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa7"
     "3d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46",
     "99ef4aeb15f178cea1fe40db2603138f130e740a19624526"
     "203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8",
     "ffffffffffffffffffffffffffffffffffffffffffffffff"
     "c7634d81f4372ddf581a0db248b0a77aecec196accc52973"},
    {ATT_KEY_EC_P521, ATT_HASH_SHA512,
     "01894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd37"
     "1123d46e45db6b5d5370a7f20fb633155d38ffa16d2bd761dcac474b9a2f5023a4",
     "00493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a28"
     "a0db25741b5b34a828008b22acc23f924faafbd4d33f81ea66956dfeaa2bfdfcf5",
     "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f17"
     "4e25a1ee9017b5d450606add152b534931d7d4e8455cc91f9b15bf05ec36e377fa",
     "00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af28"
     "2623eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f1ee0e44da4a67a",
     "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"},
};

struct att_pubkey *ecvector_key(const struct ecvector *v)
{
    struct bytes x = bytes_unhex(v->x);
    struct bytes y = bytes_unhex(v->y);
    struct att_pubkey *k = NULL;

    ck_assert_int_eq(att_pubkey_from_ec(&k, v->type, bytes_slice(&x), bytes_slice(&y), NULL),
                     ATT_OK);
    ck_assert_int_eq(att_pubkey_type(k), v->type);
    return k;
}
