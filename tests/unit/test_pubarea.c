/* TPMT_PUBLIC: against the TPM stack's marshalling; names of real keys; attributes of AK and EK. */
#include "tcg/pubarea.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/file.h"
#include "base/hex.h"

#define AK_ATTRIBUTES                                                                              \
    (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |            \
     TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |                        \
     TPMA_OBJECT_SIGN_ENCRYPT)
#define EK_ATTRIBUTES                                                                              \
    (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |            \
     TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)

/* The generator of P-256: a point that everybody can look up. */
static const char GX[] = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
static const char GY[] = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

static void put_hex(uint8_t *out, size_t cap, uint16_t *size, const char *hex)
{
    size_t len = 0;

    ck_assert_int_eq(att_hex_decode(out, cap, &len, hex, strlen(hex)), ATT_OK);
    *size = (uint16_t)len;
}

static TPMT_PUBLIC ecc_ak(void)
{
    TPMT_PUBLIC p = {.type = TPM2_ALG_ECC, .nameAlg = TPM2_ALG_SHA256};
    TPMS_ECC_PARMS *e = &p.parameters.eccDetail;

    p.objectAttributes = AK_ATTRIBUTES;
    e->symmetric.algorithm = TPM2_ALG_NULL;
    e->scheme.scheme = TPM2_ALG_ECDSA;
    e->scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
    e->curveID = TPM2_ECC_NIST_P256;
    e->kdf.scheme = TPM2_ALG_NULL;
    put_hex(p.unique.ecc.x.buffer, 32, &p.unique.ecc.x.size, GX);
    put_hex(p.unique.ecc.y.buffer, 32, &p.unique.ecc.y.size, GY);
    return p;
}

/* EK template L-1 of the TCG EK Credential Profile, with a modulus in place of zeros. */
static TPMT_PUBLIC rsa_ek(void)
{
    TPMT_PUBLIC p = {.type = TPM2_ALG_RSA, .nameAlg = TPM2_ALG_SHA256};
    TPMS_RSA_PARMS *d = &p.parameters.rsaDetail;

    p.objectAttributes = EK_ATTRIBUTES;
    put_hex(p.authPolicy.buffer, 32, &p.authPolicy.size,
            "837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa");
    d->symmetric.algorithm = TPM2_ALG_AES;
    d->symmetric.keyBits.aes = 128;
    d->symmetric.mode.aes = TPM2_ALG_CFB;
    d->scheme.scheme = TPM2_ALG_NULL;
    d->keyBits = 2048;
    p.unique.rsa.size = 256;
    memset(p.unique.rsa.buffer, 0xc5, 256);
    return p;
}

static struct att_slice marshal(const TPMT_PUBLIC *p, uint8_t *out, size_t cap)
{
    size_t len = 0;

    ck_assert_uint_eq(Tss2_MU_TPMT_PUBLIC_Marshal(p, out, cap, &len), TSS2_RC_SUCCESS);
    return att_slice_of(out, len);
}

static struct att_pubarea parsed(const TPMT_PUBLIC *p, uint8_t *bytes, size_t cap)
{
    struct att_pubarea out = {0};
    struct att_diag diag = {0};

    ck_assert_msg(att_pubarea_parse(&out, marshal(p, bytes, cap), &diag) == ATT_OK, "%s",
                  diag.text);
    return out;
}

START_TEST(pubarea_parse__reads_what_the_tpm_stack_writes)
{
    TPMT_PUBLIC ak = ecc_ak();
    TPMT_PUBLIC ek = rsa_ek();
    uint8_t bytes[1024];
    struct att_pubarea p = parsed(&ak, bytes, sizeof(bytes));

    ck_assert_uint_eq(p.type, TPM2_ALG_ECC);
    ck_assert_int_eq(p.name_alg, ATT_HASH_SHA256);
    ck_assert_uint_eq(p.attributes, ak.objectAttributes);
    ck_assert_uint_eq(p.sym_alg, TPM2_ALG_NULL);
    ck_assert_uint_eq(p.scheme, TPM2_ALG_ECDSA);
    ck_assert_int_eq(p.scheme_hash, ATT_HASH_SHA256);
    ck_assert_uint_eq(p.ecc_curve, 3);
    ck_assert(att_slice_eq(p.ecc_x, att_slice_of(ak.unique.ecc.x.buffer, 32)));
    ck_assert(att_slice_eq(p.ecc_y, att_slice_of(ak.unique.ecc.y.buffer, 32)));

    p = parsed(&ek, bytes, sizeof(bytes));
    ck_assert_uint_eq(p.type, TPM2_ALG_RSA);
    ck_assert(att_slice_eq(p.auth_policy, att_slice_of(ek.authPolicy.buffer, 32)));
    ck_assert_uint_eq(p.sym_alg, TPM2_ALG_AES);
    ck_assert_uint_eq(p.sym_bits, 128);
    ck_assert_uint_eq(p.sym_mode, TPM2_ALG_CFB);
    ck_assert_int_eq(p.scheme_hash, ATT_HASH_NONE);
    ck_assert_uint_eq(p.rsa_bits, 2048);
    ck_assert_uint_eq(p.rsa_exponent, 0);
    ck_assert_uint_eq(p.rsa_n.len, 256);
}
END_TEST

START_TEST(pubarea_parse__reads_every_scheme_of_a_key)
{
    TPMT_PUBLIC p = ecc_ak();
    uint8_t bytes[1024];

    p.parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDAA;
    p.parameters.eccDetail.scheme.details.ecdaa = (TPMS_SCHEME_ECDAA){TPM2_ALG_SHA256, 5};
    p.parameters.eccDetail.kdf.scheme = TPM2_ALG_KDF1_SP800_56A;
    p.parameters.eccDetail.kdf.details.kdf1_sp800_56a.hashAlg = TPM2_ALG_SHA256;
    ck_assert_uint_eq(parsed(&p, bytes, sizeof(bytes)).ecc_y.len, 32);
    p = rsa_ek();
    p.parameters.rsaDetail.scheme.scheme = TPM2_ALG_OAEP;
    p.parameters.rsaDetail.scheme.details.oaep.hashAlg = TPM2_ALG_SHA384;
    ck_assert_int_eq(parsed(&p, bytes, sizeof(bytes)).scheme_hash, ATT_HASH_SHA384);
    p.parameters.rsaDetail.scheme.scheme = TPM2_ALG_RSAES;
    ck_assert_int_eq(parsed(&p, bytes, sizeof(bytes)).scheme_hash, ATT_HASH_NONE);
}
END_TEST

START_TEST(pubarea_parse__takes_the_size_field_off)
{
    TPM2B_PUBLIC wrapped = {.publicArea = ecc_ak()};
    uint8_t bytes[1024];
    uint8_t inner[1024];
    size_t len = 0;
    struct att_pubarea p = {0};

    ck_assert_uint_eq(Tss2_MU_TPM2B_PUBLIC_Marshal(&wrapped, bytes, sizeof(bytes), &len),
                      TSS2_RC_SUCCESS);
    ck_assert_int_eq(att_pubarea_parse(&p, att_slice_of(bytes, len), NULL), ATT_OK);
    ck_assert(att_slice_eq(p.encoded, marshal(&wrapped.publicArea, inner, sizeof(inner))));
    bytes[1]--;
    ck_assert_int_ne(att_pubarea_parse(&p, att_slice_of(bytes, len), NULL), ATT_OK);
}
END_TEST

static void refuse(struct att_slice in, enum att_err want)
{
    struct att_pubarea p = {.type = 77};
    struct att_diag diag = {0};
    enum att_err err = att_pubarea_parse(&p, in, &diag);

    ck_assert_msg(err == want, "%s, not %s", att_err_name(err), att_err_name(want));
    ck_assert_int_eq(diag.reason, ATT_R_FMT_KEY);
    ck_assert_uint_eq(p.type, 77);
}

START_TEST(pubarea_parse__refuses_truncation_and_trailing_bytes)
{
    TPMT_PUBLIC ak = ecc_ak();
    TPMT_PUBLIC ek = rsa_ek();
    uint8_t bytes[2048] = {0};
    struct att_slice in = marshal(&ak, bytes, sizeof(bytes));

    for (size_t len = 0; len < in.len; len++) {
        /* at 37 bytes the type 0x0023 reads as the size field of a TPM2B_PUBLIC */
        refuse(att_slice_of(in.p, len), len == 37 ? ATT_E_UNSUPPORTED : ATT_E_TRUNCATED);
    }
    refuse(att_slice_of(in.p, in.len + 1), ATT_E_TRAILING);
    in = marshal(&ek, bytes, sizeof(bytes));
    for (size_t len = 0; len < in.len; len++) {
        refuse(att_slice_of(in.p, len), ATT_E_TRUNCATED);
    }
    refuse(att_slice_of(in.p, in.len + 1), ATT_E_TRAILING);
    refuse(att_slice_of(bytes, ATT_PUBAREA_MAX + 1), ATT_E_LIMIT);
}
END_TEST

static void refuse_with(struct att_slice in, size_t off, uint8_t value, enum att_err want)
{
    uint8_t copy[1024];

    memcpy(copy, in.p, in.len);
    copy[off] = value;
    refuse(att_slice_of(copy, in.len), want);
}

START_TEST(pubarea_parse__refuses_unknown_algorithms_and_reserved_bits)
{
    TPMT_PUBLIC ak = ecc_ak();
    uint8_t bytes[1024];
    struct att_slice in = marshal(&ak, bytes, sizeof(bytes));

    refuse_with(in, 1, 0x08, ATT_E_UNSUPPORTED);  /* a keyed hash object */
    refuse_with(in, 3, 0x10, ATT_E_UNSUPPORTED);  /* no name algorithm */
    refuse_with(in, 4, 0x80, ATT_E_FORMAT);       /* attribute bit 31 */
    refuse_with(in, 7, 0x73, ATT_E_FORMAT);       /* attribute bit 0 */
    refuse_with(in, 9, 0x01, ATT_E_FORMAT);       /* a policy of one byte */
    refuse_with(in, 11, 0x0a, ATT_E_UNSUPPORTED); /* XOR as symmetric */
    refuse_with(in, 13, 0x14, ATT_E_UNSUPPORTED); /* RSASSA for an ECC key */
    refuse_with(in, 15, 0x0a, ATT_E_UNSUPPORTED); /* hash 0x000a */
    refuse_with(in, 17, 0x43, ATT_E_UNSUPPORTED); /* a curve beyond the registry */
    refuse_with(in, 20, 0x01, ATT_E_LIMIT);       /* a coordinate of 288 bytes */
}
END_TEST

START_TEST(pubarea_name__hashes_the_bytes_as_sent)
{
    TPMT_PUBLIC ak = ecc_ak();
    uint8_t bytes[1024];
    struct att_pubarea p = parsed(&ak, bytes, sizeof(bytes));
    uint8_t want[ATT_HASH_MAX];
    uint8_t name[ATT_NAME_MAX];
    size_t len = 0;

    ck_assert_int_eq(att_digest(ATT_HASH_SHA256, &p.encoded, 1, want), ATT_OK);
    ck_assert_int_eq(att_pubarea_name(name, &len, &p), ATT_OK);
    ck_assert_uint_eq(len, 34);
    ck_assert_uint_eq(name[0], 0);
    ck_assert_uint_eq(name[1], 0x0b);
    ck_assert_mem_eq(name + 2, want, 32);
}
END_TEST

START_TEST(qualified_name__refuses_what_is_no_name)
{
    static const uint8_t SHORT[33] = {0, 0x0b};
    static const uint8_t STRANGE[34] = {0, 0x0a};
    uint8_t out[ATT_NAME_MAX];
    size_t len = 77;

    ck_assert_int_eq(
        att_qualified_name(out, &len, ATT_TPM_RH_OWNER, att_slice_of(SHORT, sizeof(SHORT))),
        ATT_E_FORMAT);
    ck_assert_int_eq(
        att_qualified_name(out, &len, ATT_TPM_RH_OWNER, att_slice_of(STRANGE, sizeof(STRANGE))),
        ATT_E_UNSUPPORTED);
    ck_assert_int_eq(att_qualified_name(out, &len, ATT_TPM_RH_OWNER, att_slice_of(SHORT, 0)),
                     ATT_E_UNSUPPORTED);
    ck_assert_uint_eq(len, 77);
}
END_TEST

START_TEST(pubarea_key__gives_the_key_or_says_what_is_wrong)
{
    TPMT_PUBLIC ak = ecc_ak();
    TPMT_PUBLIC ek = rsa_ek();
    uint8_t bytes[1024];
    struct att_pubarea p = parsed(&ak, bytes, sizeof(bytes));
    struct att_pubkey *key = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_pubarea_key(&key, &p, NULL), ATT_OK);
    ck_assert_int_eq(att_pubkey_type(key), ATT_KEY_EC_P256);
    att_pubkey_free(key);
    key = NULL;
    ak.unique.ecc.y.buffer[31] ^= 1;
    p = parsed(&ak, bytes, sizeof(bytes));
    ck_assert_int_eq(att_pubarea_key(&key, &p, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_KEY);

    p = parsed(&ek, bytes, sizeof(bytes));
    ck_assert_int_eq(att_pubarea_key(&key, &p, NULL), ATT_OK);
    ck_assert_int_eq(att_pubkey_type(key), ATT_KEY_RSA);
    ck_assert_uint_eq(att_pubkey_bits(key), 2048);
    att_pubkey_free(key);
    key = NULL;
    ek.unique.rsa.size = 128;
    p = parsed(&ek, bytes, sizeof(bytes));
    ck_assert_int_eq(att_pubarea_key(&key, &p, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_KEY);
    ek.parameters.rsaDetail.keyBits = 1024;
    p = parsed(&ek, bytes, sizeof(bytes));
    ck_assert_int_ne(att_pubarea_key(&key, &p, &diag), ATT_OK);
    ck_assert_int_eq(diag.reason, ATT_R_ID_WEAKKEY);
    ck_assert_ptr_null(key);
}
END_TEST

static void expect_ak(const TPMT_PUBLIC *t, enum att_err want)
{
    uint8_t bytes[1024];
    struct att_pubarea p = parsed(t, bytes, sizeof(bytes));
    struct att_diag diag = {0};

    ck_assert_int_eq(att_pubarea_check_ak(&p, &diag), want);
    ck_assert_int_eq(diag.reason, want == ATT_OK ? ATT_R_NONE : ATT_R_ID_AKATTR);
}

START_TEST(pubarea_check_ak__asks_for_each_attribute)
{
    static const uint32_t FLIPS[] = {
        TPMA_OBJECT_RESTRICTED,
        TPMA_OBJECT_SIGN_ENCRYPT,
        TPMA_OBJECT_FIXEDTPM,
        TPMA_OBJECT_FIXEDPARENT,
        TPMA_OBJECT_SENSITIVEDATAORIGIN,
        TPMA_OBJECT_DECRYPT,
        TPMA_OBJECT_STCLEAR,
        TPMA_OBJECT_NODA,
    };
    TPMT_PUBLIC ak = ecc_ak();

    expect_ak(&ak, ATT_OK);
    for (size_t i = 0; i < ATT_COUNT(FLIPS); i++) {
        ak = ecc_ak();
        ak.objectAttributes ^= FLIPS[i];
        expect_ak(&ak, ATT_E_DENIED);
    }
}
END_TEST

START_TEST(pubarea_check_ak__asks_for_a_fixed_strong_scheme)
{
    TPMT_PUBLIC ak = ecc_ak();
    TPMT_PUBLIC rsa = rsa_ek();

    ak.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
    expect_ak(&ak, ATT_E_DENIED);
    ak = ecc_ak();
    ak.parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA1;
    expect_ak(&ak, ATT_E_DENIED);
    ak.parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA512;
    expect_ak(&ak, ATT_OK);
    rsa.objectAttributes = AK_ATTRIBUTES;
    rsa.parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_NULL;
    expect_ak(&rsa, ATT_E_DENIED);
    rsa.parameters.rsaDetail.scheme.scheme = TPM2_ALG_RSASSA;
    rsa.parameters.rsaDetail.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
    expect_ak(&rsa, ATT_OK);
    rsa.parameters.rsaDetail.scheme.scheme = TPM2_ALG_RSAPSS;
    expect_ak(&rsa, ATT_E_DENIED);
}
END_TEST

START_TEST(pubarea_check_ek__takes_two_curves)
{
    static const uint16_t OTHERS[] = {TPM2_ECC_NIST_P192, TPM2_ECC_NIST_P224, TPM2_ECC_NIST_P521,
                                      TPM2_ECC_BN_P256, TPM2_ECC_SM2_P256};
    TPMT_PUBLIC ek = ecc_ak();
    uint8_t bytes[1024];
    struct att_pubarea p;
    struct att_diag diag = {0};

    ek.objectAttributes = EK_ATTRIBUTES;
    p = parsed(&ek, bytes, sizeof(bytes));
    ck_assert_int_eq(att_pubarea_check_ek(&p, &diag), ATT_OK);
    for (size_t i = 0; i < ATT_COUNT(OTHERS); i++) {
        ek.parameters.eccDetail.curveID = OTHERS[i];
        p = parsed(&ek, bytes, sizeof(bytes));
        ck_assert_int_eq(att_pubarea_check_ek(&p, &diag), ATT_E_DENIED);
        ck_assert_int_eq(diag.reason, ATT_R_ID_WEAKKEY);
    }
}
END_TEST

/* Matrix row I-10: leading zeros left out and written are one endorsement key. */
START_TEST(pubarea_ek_name__does_not_depend_on_leading_zeros)
{
    TPMT_PUBLIC ek = ecc_ak();
    uint8_t a[1024], b[1024];
    uint8_t room[2][ATT_PUBAREA_MAX];
    uint8_t name[3][ATT_NAME_MAX];
    size_t len[3] = {0};
    struct att_slice padded[2] = {{0}};
    struct att_pubarea full, cut;

    memset(ek.unique.ecc.x.buffer, 0, 2);
    full = parsed(&ek, a, sizeof(a));
    memmove(ek.unique.ecc.x.buffer, ek.unique.ecc.x.buffer + 2, 30);
    ek.unique.ecc.x.size = 30;
    cut = parsed(&ek, b, sizeof(b));
    ck_assert_uint_eq(cut.encoded.len, full.encoded.len - 2);
    ck_assert_int_eq(att_pubarea_padded(&padded[0], room[0], &full), ATT_OK);
    ck_assert_int_eq(att_pubarea_padded(&padded[1], room[1], &cut), ATT_OK);
    ck_assert(att_slice_eq(padded[0], full.encoded) && att_slice_eq(padded[1], full.encoded));
    ck_assert_int_eq(att_pubarea_ek_name(name[0], &len[0], &full), ATT_OK);
    ck_assert_int_eq(att_pubarea_ek_name(name[1], &len[1], &cut), ATT_OK);
    ck_assert_int_eq(att_pubarea_name(name[2], &len[2], &cut), ATT_OK);
    ck_assert_mem_eq(name[0], name[1], 34);
    ck_assert_mem_ne(name[0], name[2], 34); /* what a TPM would call it stays as it is */
}
END_TEST

START_TEST(pubarea_check_ek__asks_for_each_attribute)
{
    static const uint32_t FLIPS[] = {
        TPMA_OBJECT_RESTRICTED,  TPMA_OBJECT_SIGN_ENCRYPT,        TPMA_OBJECT_FIXEDTPM,
        TPMA_OBJECT_FIXEDPARENT, TPMA_OBJECT_SENSITIVEDATAORIGIN, TPMA_OBJECT_DECRYPT,
    };
    uint8_t bytes[1024];

    for (size_t i = 0; i <= ATT_COUNT(FLIPS); i++) {
        TPMT_PUBLIC ek = rsa_ek();
        struct att_pubarea p = {0};
        struct att_diag diag = {0};

        ek.objectAttributes ^= i < ATT_COUNT(FLIPS) ? FLIPS[i] : 0;
        p = parsed(&ek, bytes, sizeof(bytes));
        if (i == ATT_COUNT(FLIPS)) {
            ck_assert_int_eq(att_pubarea_check_ek(&p, &diag), ATT_OK);
            continue;
        }
        ck_assert_int_eq(att_pubarea_check_ek(&p, &diag), ATT_E_DENIED);
        ck_assert_int_eq(diag.reason, ATT_R_ID_EKCERT);
    }
}
END_TEST

START_TEST(pubarea_scheme__names_the_only_scheme_of_the_key)
{
    TPMT_PUBLIC ak = ecc_ak();
    TPMT_PUBLIC ek = rsa_ek();
    uint8_t bytes[1024];
    struct att_pubarea p = parsed(&ak, bytes, sizeof(bytes));
    enum att_scheme scheme = ATT_SCHEME_ED25519;
    enum att_hash hash = ATT_HASH_NONE;

    ck_assert_int_eq(att_pubarea_scheme(&scheme, &hash, &p), ATT_OK);
    ck_assert_int_eq(scheme, ATT_SCHEME_ECDSA);
    ck_assert_int_eq(hash, ATT_HASH_SHA256);
    p = parsed(&ek, bytes, sizeof(bytes));
    ck_assert_int_eq(att_pubarea_scheme(&scheme, &hash, &p), ATT_E_UNSUPPORTED);
}
END_TEST

static void read_tpm(struct att_buf **out, const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/tpm/%s", getenv("CORPUS"), name);
    ck_assert_int_eq(att_file_read(out, path, 4096, NULL), ATT_OK);
}

/* Keys that other people's TPMs made, and the name that one of these TPMs gave. */
START_TEST(pubarea_parse__reads_keys_of_real_tpms)
{
    static const char *const FILES[] = {"keylime-ak.pub", "keylime-ek.pub",
                                        "goattest-windows-gcp-ak-Public.bin",
                                        "tpm2tools-ek-template-default.bin"};
    struct att_buf *want = NULL;

    read_tpm(&want, "keylime-ak.name");
    for (size_t i = 0; i < ATT_COUNT(FILES); i++) {
        struct att_buf *bytes = NULL;
        struct att_pubarea p = {0};
        uint8_t name[ATT_NAME_MAX];
        size_t len = 0;

        read_tpm(&bytes, FILES[i]);
        ck_assert_int_eq(att_pubarea_parse(&p, att_buf_slice(bytes), NULL), ATT_OK);
        ck_assert_int_eq(att_pubarea_name(name, &len, &p), ATT_OK);
        if (i == 0) {
            ck_assert(att_slice_eq(att_slice_of(name, len), att_buf_slice(want)));
        }
        if (i == 1) {
            ck_assert_int_eq(att_pubarea_check_ek(&p, NULL), ATT_OK);
        }
        if (i == 2) { /* RSASSA with SHA-1: well-formed, not good enough */
            ck_assert_int_eq(att_pubarea_check_ak(&p, NULL), ATT_E_DENIED);
        }
        att_buf_free(bytes);
    }
    att_buf_free(want);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pubarea");
    TCase *t = tcase_create("pubarea");

    tcase_add_test(t, pubarea_parse__reads_what_the_tpm_stack_writes);
    tcase_add_test(t, pubarea_parse__reads_every_scheme_of_a_key);
    tcase_add_test(t, pubarea_parse__takes_the_size_field_off);
    tcase_add_test(t, pubarea_parse__refuses_truncation_and_trailing_bytes);
    tcase_add_test(t, pubarea_parse__refuses_unknown_algorithms_and_reserved_bits);
    tcase_add_test(t, pubarea_name__hashes_the_bytes_as_sent);
    tcase_add_test(t, qualified_name__refuses_what_is_no_name);
    tcase_add_test(t, pubarea_key__gives_the_key_or_says_what_is_wrong);
    tcase_add_test(t, pubarea_check_ak__asks_for_each_attribute);
    tcase_add_test(t, pubarea_check_ak__asks_for_a_fixed_strong_scheme);
    tcase_add_test(t, pubarea_check_ek__asks_for_each_attribute);
    tcase_add_test(t, pubarea_check_ek__takes_two_curves);
    tcase_add_test(t, pubarea_ek_name__does_not_depend_on_leading_zeros);
    tcase_add_test(t, pubarea_scheme__names_the_only_scheme_of_the_key);
    if (getenv("CORPUS") != NULL && getenv("CORPUS")[0] != '\0') {
        tcase_add_test(t, pubarea_parse__reads_keys_of_real_tpms);
    }
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(suite());
    int failed = 0;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
