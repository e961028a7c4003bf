/* File signatures of the kernel's list: read within limits, and verified over the digest that the list has. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "crypto/verify.h"
#include "imasigs.h"
#include "suite.h"
#include "tcg/ima_sig.h"

#define HEAD_LEN 9

static uint8_t digest[ATT_HASH_MAX];

/* An entry of the list with a digest of the file. */
static struct att_ima_entry entry_of(enum att_hash alg, bool verity)
{
    const struct att_slice file = att_slice_str(IMASIGS_FILE);

    ck_assert_int_eq(att_digest(alg, &file, 1, digest), ATT_OK);
    return (struct att_ima_entry){
        .alg = alg, .digest = att_slice_of(digest, att_hash_size(alg)), .verity = verity};
}

static struct att_pubkey *key_of(enum imasigs_key which)
{
    struct bytes der = bytes_unhex(imasigs_spki[which]);
    struct att_pubkey *key = NULL;

    ck_assert_int_eq(att_pubkey_from_spki(&key, bytes_slice(&der), NULL), ATT_OK);
    return key;
}

static enum att_err verify(struct att_slice sig, const struct att_ima_entry *e,
                           enum imasigs_key which, enum att_reason *why)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = key_of(which);
    struct att_ima_sig s;
    struct att_diag diag = {0};
    enum att_err err = att_ima_sig_parse(&s, sig, &diag);

    if (err == ATT_OK) {
        err = att_ima_sig_verify(&s, e, key, &diag);
    }
    *why = diag.reason;
    return err;
}

START_TEST(ima_sig_verify__takes_what_evmctl_and_openssl_signed)
{
    const struct imasigs_row *row = &imasigs[_i];
    struct bytes sig = bytes_unhex(row->sig);
    struct att_ima_entry e = entry_of(row->hash, row->verity);
    enum att_reason why = ATT_R_NONE;
    uint8_t id[ATT_KEY_ID_LEN];
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = key_of(row->key);

    ck_assert_int_eq(verify(bytes_slice(&sig), &e, row->key, &why), ATT_OK);
    ck_assert_int_eq(why, ATT_R_NONE);
    /* the key's id is what evmctl wrote */
    ck_assert_int_eq(att_pubkey_key_id(id, key), ATT_OK);
    ck_assert_mem_eq(sig.p + 3, id + 16, ATT_IMA_KEYID_LEN);
}
END_TEST

START_TEST(ima_sig_verify__refuses_each_flipped_bit_of_file_and_signature)
{
    const struct imasigs_row *row = &imasigs[_i];
    struct bytes sig = bytes_unhex(row->sig);
    struct att_ima_entry e = entry_of(row->hash, row->verity);
    enum att_reason why = ATT_R_NONE;

    digest[0] ^= 1;
    ck_assert_int_eq(verify(bytes_slice(&sig), &e, row->key, &why), ATT_E_SIGNATURE);
    ck_assert_int_eq(why, ATT_R_IMA_SIGBAD);
    digest[0] ^= 1;
    for (size_t at = HEAD_LEN; at < sig.len; at += 7) {
        sig.p[at] ^= 0x10;
        ck_assert_int_eq(verify(bytes_slice(&sig), &e, row->key, &why), ATT_E_SIGNATURE);
        ck_assert_int_eq(why, ATT_R_IMA_SIGBAD);
        sig.p[at] ^= 0x10;
    }
}
END_TEST

START_TEST(ima_sig_verify__refuses_another_key)
{
    const struct imasigs_row *row = &imasigs[_i];
    struct bytes sig = bytes_unhex(row->sig);
    struct att_ima_entry e = entry_of(row->hash, row->verity);
    enum att_reason why = ATT_R_NONE;

    for (int k = 0; k < IMASIGS__KEYS; k++) {
        if (k != (int)row->key) {
            ck_assert_int_eq(verify(bytes_slice(&sig), &e, (enum imasigs_key)k, &why),
                             ATT_E_SIGNATURE);
        }
    }
}
END_TEST

/* The digest counts by the algorithm that the list says, and for the kind of digest that it is. */
START_TEST(ima_sig_verify__refuses_a_digest_of_another_kind)
{
    const struct imasigs_row *row = &imasigs[_i];
    struct bytes sig = bytes_unhex(row->sig);
    struct att_ima_entry e = entry_of(row->hash, !row->verity);
    enum att_reason why = ATT_R_NONE;

    ck_assert_int_eq(verify(bytes_slice(&sig), &e, row->key, &why), ATT_E_MISMATCH);
    ck_assert_int_eq(why, ATT_R_IMA_SIGFORM);
    e = entry_of(row->hash, row->verity);
    e.alg = ATT_HASH_SM3; /* as long as SHA-256, and nobody signed it */
    ck_assert_int_eq(verify(bytes_slice(&sig), &e, row->key, &why), ATT_E_MISMATCH);
    ck_assert_int_eq(why, ATT_R_IMA_SIGFORM);
    e = entry_of(row->hash == ATT_HASH_SHA512 ? ATT_HASH_SHA256 : ATT_HASH_SHA512, row->verity);
    ck_assert_int_eq(verify(bytes_slice(&sig), &e, row->key, &why), ATT_E_MISMATCH);
}
END_TEST

/* Type and version are signed in version 3 alone; whoever changes them there changes what is signed. */
START_TEST(ima_sig_verify__does_not_take_one_version_for_another)
{
    const struct imasigs_row *row = &imasigs[_i];
    struct bytes sig = bytes_unhex(row->sig);
    struct att_ima_entry e = entry_of(row->hash, row->verity);
    enum att_reason why = ATT_R_NONE;

    if (!row->verity) {
        sig.p[1] = sig.p[1] == 2 ? 3 : 2;
        ck_assert_int_eq(verify(bytes_slice(&sig), &e, row->key, &why), ATT_E_SIGNATURE);
        return;
    }
    sig.p[0] = 3;
    e.verity = false;
    ck_assert_int_eq(verify(bytes_slice(&sig), &e, row->key, &why), ATT_E_SIGNATURE);
}
END_TEST

START_TEST(ima_sig_verify__refuses_sha1)
{
    struct bytes sig = bytes_unhex(imasigs_sha1);
    struct att_ima_entry e = entry_of(ATT_HASH_SHA1, false);
    enum att_reason why = ATT_R_NONE;

    ck_assert_int_eq(verify(bytes_slice(&sig), &e, IMASIGS_P256, &why), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(why, ATT_R_IMA_SIGFORM);
}
END_TEST

/* Each field of the header at its limits; the rest of a real signature stays. */
static const struct {
    size_t at;
    uint8_t value;
    enum att_err err;
} BYTES[] = {
    {0, 0, ATT_E_UNSUPPORTED},   {0, 1, ATT_E_UNSUPPORTED},   {0, 2, ATT_E_UNSUPPORTED},
    {0, 4, ATT_E_UNSUPPORTED},   {0, 5, ATT_E_UNSUPPORTED},   {0, 6, ATT_E_UNSUPPORTED},
    {0, 7, ATT_E_UNSUPPORTED},   {0, 255, ATT_E_UNSUPPORTED}, {1, 0, ATT_E_UNSUPPORTED},
    {1, 1, ATT_E_UNSUPPORTED},   {1, 4, ATT_E_UNSUPPORTED},   {2, 0, ATT_E_UNSUPPORTED},
    {2, 3, ATT_E_UNSUPPORTED},   {2, 7, ATT_E_UNSUPPORTED},   {2, 17, ATT_E_UNSUPPORTED},
    {2, 255, ATT_E_UNSUPPORTED}, {7, 3, ATT_E_TRUNCATED},     {7, 4, ATT_E_LIMIT},
    {8, 70, ATT_E_TRAILING},     {8, 72, ATT_E_TRUNCATED},
};

START_TEST(ima_sig_parse__refuses_each_field_beyond_its_limits)
{
    struct bytes sig = bytes_unhex(imasigs[3].sig);
    struct att_ima_sig s;
    struct att_diag diag = {0};

    ck_assert_uint_eq(sig.p[8], 71);
    sig.p[BYTES[_i].at] = BYTES[_i].value;
    ck_assert_int_eq(att_ima_sig_parse(&s, bytes_slice(&sig), &diag), BYTES[_i].err);
    ck_assert_int_eq(diag.reason, ATT_R_IMA_SIGFORM);
}
END_TEST

START_TEST(ima_sig_parse__refuses_each_truncation)
{
    struct bytes sig = bytes_unhex(imasigs[3].sig);
    struct att_ima_sig s;

    ck_assert_int_eq(att_ima_sig_parse(&s, att_slice_of(sig.p, 0), NULL), ATT_E_NOT_FOUND);
    for (size_t len = 1; len < sig.len; len++) {
        ck_assert_int_eq(att_ima_sig_parse(&s, att_slice_of(sig.p, len), NULL), ATT_E_TRUNCATED);
    }
    sig.p[7] = 0;
    sig.p[8] = 0;
    ck_assert_int_eq(att_ima_sig_parse(&s, att_slice_of(sig.p, HEAD_LEN), NULL), ATT_E_FORMAT);
    ck_assert_int_eq(att_ima_sig_parse(&s, bytes_slice(&sig), NULL), ATT_E_FORMAT);
}
END_TEST

START_TEST(ima_sig_parse__takes_the_largest_signature)
{
    static uint8_t room[HEAD_LEN + ATT_IMA_SIG_MAX + 1] = {3, 2, 4, 1, 2, 3, 4, 4, 0};
    struct att_ima_sig s;

    ck_assert_int_eq(att_ima_sig_parse(&s, att_slice_of(room, HEAD_LEN + ATT_IMA_SIG_MAX), NULL),
                     ATT_OK);
    ck_assert_uint_eq(s.sig.len, ATT_IMA_SIG_MAX);
    ck_assert_mem_eq(s.keyid, "\1\2\3\4", 4);
    room[8] = 1;
    ck_assert_int_eq(att_ima_sig_parse(&s, att_slice_of(room, sizeof(room)), NULL), ATT_E_LIMIT);
}
END_TEST

/* DER of an ECDSA signature has one spelling; r and s are above zero and below the order. */
static const char *const NOT_DER[] = {
    "",
    "30",
    "3000",
    "3003020101",
    "3006020101020101ff", /* left over behind */
    "3106020101020101",   /* no sequence */
    "3006030101020101",   /* no integer */
    "308106020101020101", /* a long length where a short one does */
    "3080020101020101",   /* an indefinite length */
    "300702020001020101", /* a zero too many */
    "3006020181020101",   /* negative */
    "3006020100020101",   /* zero */
    "30050200020101",     /* no digits */
    "3027022200ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff020101",
    "3026022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551020101",
};

START_TEST(verify_digest_der__refuses_what_is_not_one_signature)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = key_of(IMASIGS_P256);
    struct att_ima_entry e = entry_of(ATT_HASH_SHA256, false);
    struct bytes der = bytes_unhex(NOT_DER[_i]);

    ck_assert_int_eq(att_verify_digest_der(key, ATT_HASH_SHA256, e.digest, bytes_slice(&der)),
                     ATT_E_SIGNATURE);
}
END_TEST

START_TEST(verify_digest_der__refuses_a_key_that_signs_no_digests)
{
    ATT_CLEANUP(att_privkey_freep) struct att_privkey *private_ = NULL;
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    struct att_ima_entry e = entry_of(ATT_HASH_SHA256, false);

    ck_assert_int_eq(att_privkey_generate(&private_, ATT_KEY_ED25519), ATT_OK);
    ck_assert_int_eq(att_privkey_public(&key, private_), ATT_OK);
    ck_assert_int_eq(att_verify_digest_der(key, ATT_HASH_SHA256, e.digest, e.digest),
                     ATT_E_UNSUPPORTED);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {ima_sig_verify__takes_what_evmctl_and_openssl_signed, IMASIGS__ROWS},
        {ima_sig_verify__refuses_each_flipped_bit_of_file_and_signature, IMASIGS__ROWS},
        {ima_sig_verify__refuses_another_key, IMASIGS__ROWS},
        {ima_sig_verify__refuses_a_digest_of_another_kind, IMASIGS__ROWS},
        {ima_sig_verify__does_not_take_one_version_for_another, IMASIGS__ROWS},
        {ima_sig_verify__refuses_sha1, 0},
        {ima_sig_parse__refuses_each_field_beyond_its_limits, (int)ATT_COUNT(BYTES)},
        {ima_sig_parse__refuses_each_truncation, 0},
        {ima_sig_parse__takes_the_largest_signature, 0},
        {verify_digest_der__refuses_what_is_not_one_signature, (int)ATT_COUNT(NOT_DER)},
        {verify_digest_der__refuses_a_key_that_signs_no_digests, 0},
    };

    return SUITE_RUN_ROWS("ima_sig", rows, NULL);
}
