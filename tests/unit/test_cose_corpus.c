/*
 * COSE by others: every example of the working group, and real signed statements. What our strict COSE_Sign1
 * takes or refuses, and with which code; where it refuses a structure or an algorithm that we do not use,
 * the signature itself is judged by our cryptography all the same.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/x5chain.h"
#include "base/b64.h"
#include "bytes.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "codec/json.h"
#include "cosetest.h"
#include "manifest.h"
#include "need.h"
#include "suite.h"

#define SIGNERS_MAX 2
#define TAG_SIGN    98

static const struct att_slice NONE = {0};

static json_t *example(const char *name)
{
    char path[128];
    struct att_buf *b = NULL;
    json_t *j = NULL;

    (void)snprintf(path, sizeof(path), "cose/%s", name);
    b = manifest_read(path);
    j = json_loadb((const char *)att_buf_slice(b).p, att_buf_len(b), 0, NULL);
    NEED(j != NULL);
    att_buf_free(b);
    return j;
}

static struct bytes message_of(const json_t *j)
{
    return bytes_unhex(json_string_value(json_object_get(json_object_get(j, "output"), "cbor")));
}

/* A number, which the examples give as base64url or as hex. */
static struct bytes number(const json_t *key, const char *name)
{
    struct bytes b = {0};
    char hex_name[8];
    const char *text = json_string_value(json_object_get(key, name));

    if (text != NULL) {
        NEED(att_b64_decode(b.p, sizeof(b.p), &b.len, ATT_B64_URL, text, strlen(text)) == ATT_OK);
        return b;
    }
    (void)snprintf(hex_name, sizeof(hex_name), "%s_hex", name);
    text = json_string_value(json_object_get(key, hex_name));
    NEED(text != NULL);
    return bytes_unhex(text);
}

static struct att_pubkey *rsa_key(const json_t *key)
{
    struct bytes n = number(key, "n");
    struct att_pubkey *out = NULL;

    NEED(att_pubkey_from_rsa(&out, bytes_slice(&n), 65537, NULL) == ATT_OK);
    return out;
}

static struct att_pubkey *example_key(const json_t *key)
{
    const char *curve = json_string_value(json_object_get(key, "crv"));
    struct att_pubkey *out = NULL;
    struct bytes x;
    struct bytes y;
    enum att_key_type type = ATT_KEY_EC_P521;

    if (curve == NULL) {
        return rsa_key(key);
    }
    x = number(key, "x");
    if (strcmp(curve, "Ed25519") == 0) {
        struct bytes spki = bytes_unhex("302a300506032b6570032100"); /* RFC 8410 section 10.1 */

        memcpy(spki.p + spki.len, x.p, x.len);
        spki.len += x.len;
        NEED(att_pubkey_from_spki(&out, bytes_slice(&spki), NULL) == ATT_OK);
        return out;
    }
    type = strcmp(curve, "P-256") == 0 ? ATT_KEY_EC_P256 : type;
    y = number(key, "y");
    NEED(att_pubkey_from_ec(&out, type, bytes_slice(&x), bytes_slice(&y), NULL) == ATT_OK);
    return out;
}

/* Messages of one signer, judged with the example's key. */
static const struct {
    const char *name;
    enum att_err err;
    enum att_reason reason;
} SIGN1[] = {
    {"ecdsa-examples-ecdsa-sig-01.json", ATT_OK, ATT_R_NONE},
    {"eddsa-examples-eddsa-sig-01.json", ATT_OK, ATT_R_NONE},
    {"CWT-A_3.json", ATT_OK, ATT_R_NONE},
    {"countersign-signed1-01.json", ATT_E_FORMAT, ATT_R_FMT_CBOR}, /* label 7 before label 4 */
    {"ecdsa-examples-ecdsa-sig-03.json", ATT_E_UNSUPPORTED, ATT_R_LBL_ALG}, /* ES512 */
    {"sign1-tests-sign-fail-01.json", ATT_E_FORMAT, ATT_R_FMT_COSE},        /* tag 998 */
    {"sign1-tests-sign-fail-03.json", ATT_E_MISMATCH, ATT_R_LBL_ALG},       /* alg -999 */
    {"sign1-tests-sign-fail-06.json", ATT_E_SIGNATURE, ATT_R_LBL_SIG},
    /* valid COSE, and outside what we accept: alg not protected; no tag */
    {"sign1-tests-sign-pass-01.json", ATT_E_UNSUPPORTED, ATT_R_LBL_ALG},
    {"sign1-tests-sign-pass-03.json", ATT_E_FORMAT, ATT_R_FMT_COSE},
};

START_TEST(att_cose__judges_messages_of_one_signer)
{
    json_t *j = example(SIGN1[_i].name);
    json_t *sign0 = json_object_get(json_object_get(j, "input"), "sign0");
    struct att_pubkey *key = example_key(json_object_get(sign0, "key"));
    struct bytes in = message_of(j);
    struct att_diag diag = {0};
    enum att_err err = cosetest_judge(bytes_slice(&in), key, NONE, &diag);

    ck_assert_msg(err == SIGN1[_i].err && diag.reason == SIGN1[_i].reason, "%s: %s %s: %s",
                  SIGN1[_i].name, att_err_name(err), att_reason_code(diag.reason), diag.text);
    if (err == ATT_OK) {
        manifest_row("cose/", SIGN1[_i].name, "the signature verifies");
    } else {
        manifest_row("cose/", SIGN1[_i].name, "%s: %s", att_reason_code(diag.reason), diag.text);
    }
    att_pubkey_free(key);
    json_decref(j);
}
END_TEST

/*
 * Messages of other kinds: MACs, encryption, several signers. None is a COSE_Sign1 of ours. The reason is
 * FMT_CBOR where keys of a header map do not rise, which is looked at first.
 */
static const struct {
    const char *name;
    enum att_reason reason;
} OTHERS[] = {
    {"CWT-A_5.json", ATT_R_FMT_COSE},
    {"CWT-A_7.json", ATT_R_FMT_COSE},
    {"RFC8152-Appendix_B.json", ATT_R_FMT_CBOR},
    {"RFC8152-Appendix_C_1_2.json", ATT_R_FMT_COSE},
    {"RFC8152-Appendix_C_1_4.json", ATT_R_FMT_COSE},
    {"RFC8152-Appendix_C_3_1.json", ATT_R_FMT_CBOR},
    {"RFC8152-Appendix_C_3_3.json", ATT_R_FMT_CBOR},
    {"RFC8152-Appendix_C_4_1.json", ATT_R_FMT_COSE},
    {"RFC8152-Appendix_C_5_1.json", ATT_R_FMT_COSE},
    {"RFC8152-Appendix_C_5_3.json", ATT_R_FMT_COSE},
    {"RFC8152-Appendix_C_6_1.json", ATT_R_FMT_COSE},
    {"countersign-Encrypt-01.json", ATT_R_FMT_COSE},
    {"countersign-Enveloped-01.json", ATT_R_FMT_COSE},
    {"countersign-Enveloped-03.json", ATT_R_FMT_COSE},
    {"countersign-mac-02.json", ATT_R_FMT_COSE},
    {"countersign-mac0-02.json", ATT_R_FMT_COSE},
    {"countersign-signed-02.json", ATT_R_FMT_CBOR},
    {"ecdsa-examples-ecdsa-01.json", ATT_R_FMT_COSE},
    {"ecdsa-examples-ecdsa-03.json", ATT_R_FMT_COSE},
    {"eddsa-examples-eddsa-01.json", ATT_R_FMT_COSE},
    {"mac0-tests-HMac-01.json", ATT_R_FMT_COSE},
    {"mac0-tests-mac-fail-02.json", ATT_R_FMT_COSE},
    {"mac0-tests-mac-fail-04.json", ATT_R_FMT_COSE},
    {"mac0-tests-mac-fail-07.json", ATT_R_FMT_COSE},
    {"mac0-tests-mac-pass-02.json", ATT_R_FMT_COSE},
    {"rsa-pss-examples-rsa-pss-01.json", ATT_R_FMT_COSE},
    {"rsa-pss-examples-rsa-pss-03.json", ATT_R_FMT_COSE},
    {"sign-tests-ecdsa-01.json", ATT_R_FMT_COSE},
    {"sign-tests-sign-fail-02.json", ATT_R_FMT_COSE},
    {"sign-tests-sign-fail-04.json", ATT_R_FMT_COSE},
    {"sign-tests-sign-fail-07.json", ATT_R_FMT_COSE},
    {"sign-tests-sign-pass-02.json", ATT_R_FMT_COSE},
    {"x509-examples-signed-01.json", ATT_R_FMT_COSE},
    {"x509-examples-signed-03.json", ATT_R_FMT_COSE},
    {"x509-examples-signed-05.json", ATT_R_FMT_COSE},
};

/* Messages of several signers: what each signature is worth, over the bytes of the message itself. */
static const struct {
    const char *name;
    enum att_err err[SIGNERS_MAX];
    size_t signers;
} SIGN[] = {
    {"RFC8152-Appendix_C_1_2.json", {ATT_OK, ATT_OK}, 2}, /* ES256 and ES512 */
    {"RFC8152-Appendix_C_1_4.json", {ATT_OK}, 1},
    {"countersign-signed-02.json", {ATT_OK}, 1},
    {"ecdsa-examples-ecdsa-01.json", {ATT_OK}, 1},
    {"ecdsa-examples-ecdsa-03.json", {ATT_OK}, 1},
    {"eddsa-examples-eddsa-01.json", {ATT_OK}, 1},
    {"rsa-pss-examples-rsa-pss-01.json", {ATT_OK}, 1},
    {"rsa-pss-examples-rsa-pss-03.json", {ATT_OK}, 1},
    {"sign-tests-ecdsa-01.json", {ATT_OK}, 1},
    {"sign-tests-sign-fail-02.json", {ATT_E_SIGNATURE}, 1},
    {"sign-tests-sign-fail-04.json", {ATT_E_UNSUPPORTED}, 1}, /* alg -999 */
    {"sign-tests-sign-fail-07.json", {ATT_E_SIGNATURE}, 1},
    {"sign-tests-sign-pass-02.json", {ATT_OK}, 1}, /* external data */
    {"x509-examples-signed-01.json", {ATT_OK}, 1},
    {"x509-examples-signed-03.json", {ATT_OK}, 1},
    {"x509-examples-signed-05.json", {ATT_OK}, 1},
};

static bool has_signers(const char *name)
{
    for (size_t i = 0; i < ATT_COUNT(SIGN); i++) {
        if (strcmp(SIGN[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

START_TEST(att_cose_parse__refuses_other_messages_of_the_examples)
{
    json_t *j = example(OTHERS[_i].name);
    struct bytes in = message_of(j);
    struct att_diag diag = {0};
    struct att_cose m;

    ck_assert_msg(att_cose_parse(&m, bytes_slice(&in), &diag) == ATT_E_FORMAT, "%s: %s",
                  OTHERS[_i].name, diag.text);
    ck_assert_msg(diag.reason == OTHERS[_i].reason, "%s: %s %s", OTHERS[_i].name,
                  att_reason_code(diag.reason), diag.text);
    if (!has_signers(OTHERS[_i].name)) {
        manifest_row("cose/", OTHERS[_i].name, "no COSE_Sign1: %s, %s",
                     att_reason_code(diag.reason), diag.text);
    }
    json_decref(j);
}
END_TEST

/* RFC 9053 section 2 and RFC 8230: which of our primitives an algorithm is. */
static bool primitive(int64_t alg, enum att_scheme *scheme, enum att_hash *hash)
{
    static const struct {
        int64_t alg;
        enum att_scheme scheme;
        enum att_hash hash;
    } ALGS[] = {
        {-7, ATT_SCHEME_ECDSA, ATT_HASH_SHA256},   {-36, ATT_SCHEME_ECDSA, ATT_HASH_SHA512},
        {-8, ATT_SCHEME_ED25519, ATT_HASH_NONE},   {-37, ATT_SCHEME_RSAPSS, ATT_HASH_SHA256},
        {-38, ATT_SCHEME_RSAPSS, ATT_HASH_SHA384}, {-39, ATT_SCHEME_RSAPSS, ATT_HASH_SHA512},
    };

    for (size_t i = 0; i < ATT_COUNT(ALGS); i++) {
        if (ALGS[i].alg == alg) {
            *scheme = ALGS[i].scheme;
            *hash = ALGS[i].hash;
            return true;
        }
    }
    return false;
}

/* The bytes under a signature (RFC 9052 section 4.4), and the signature judged over them. */
static enum att_err judge_raw(const struct att_pubkey *key, int64_t alg, const char *context,
                              const struct att_slice parts[], size_t count,
                              struct att_slice signature)
{
    struct bytes tbs = {0};
    struct att_wr w = att_wr_into(tbs.p, sizeof(tbs.p));
    enum att_scheme scheme;
    enum att_hash hash;

    att_cbor_wr_array(&w, count + 1);
    att_cbor_wr_text(&w, context);
    for (size_t i = 0; i < count; i++) {
        att_cbor_wr_bytes(&w, parts[i]);
    }
    NEED(att_wr_ok(&w));
    tbs.len = w.len;
    return primitive(alg, &scheme, &hash)
               ? att_verify(key, scheme, hash, bytes_slice(&tbs), signature)
               : ATT_E_UNSUPPORTED;
}

static int64_t alg_in(struct att_slice protected_bytes)
{
    struct att_cbor c = att_cbor_from_any_order(protected_bytes);
    int64_t alg = 0;

    (void)att_cbor_enter_map(&c, 32);
    while (att_cbor_more(&c)) {
        if (att_cbor_key_int(&c) == 1) {
            alg = att_cbor_int(&c);
        } else {
            (void)att_cbor_item(&c);
        }
    }
    return alg;
}

static void judge_signer(struct att_cbor *c, const char *name, const json_t *signer,
                         struct att_slice body, struct att_slice payload, enum att_err want)
{
    const char *external = json_string_value(json_object_get(signer, "external"));
    struct bytes aad = bytes_unhex(external != NULL ? external : "");
    struct att_pubkey *key = example_key(json_object_get(signer, "key"));
    struct att_slice parts[4] = {body, NONE, bytes_slice(&aad), payload};
    struct att_slice signature;
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_array(c, 3);
    parts[1] = att_cbor_bytes(c, 1024);
    (void)att_cbor_item(c);
    signature = att_cbor_bytes(c, 1024);
    att_cbor_leave(c);
    NEED(att_cbor_ok(c));
    err = judge_raw(key, alg_in(parts[1]), "Signature", parts, 4, signature);
    ck_assert_msg(err == want, "%s: %s", name, att_err_name(err));
    att_pubkey_free(key);
}

START_TEST(att_verify__judges_each_signature_of_several)
{
    json_t *j = example(SIGN[_i].name);
    json_t *signers =
        json_object_get(json_object_get(json_object_get(j, "input"), "sign"), "signers");
    struct bytes in = message_of(j);
    struct att_cbor c = att_cbor_from_any_order(bytes_slice(&in));
    struct att_slice body;
    struct att_slice payload;

    ck_assert_uint_eq(att_cbor_tag(&c), TAG_SIGN);
    (void)att_cbor_enter_array(&c, 4);
    body = att_cbor_bytes(&c, 1024);
    (void)att_cbor_item(&c);
    payload = att_cbor_bytes(&c, 1024);
    ck_assert_uint_eq(att_cbor_enter_array(&c, SIGNERS_MAX), SIGN[_i].signers);
    for (size_t k = 0; k < SIGN[_i].signers; k++) {
        judge_signer(&c, SIGN[_i].name, json_array_get(signers, k), body, payload, SIGN[_i].err[k]);
    }
    manifest_row("cose/", SIGN[_i].name, "no COSE_Sign1: refused; its %s",
                 SIGN[_i].err[0] == ATT_OK            ? "signatures verify"
                 : SIGN[_i].err[0] == ATT_E_SIGNATURE ? "signature does not verify"
                                                      : "algorithm is unknown");
    json_decref(j);
}
END_TEST

/* Certificates of the examples, as PEM and as DER: the same pair twice. */
START_TEST(att_cert_parse__reads_the_certificates_of_the_examples)
{
    static const char *const PAIRS[][2] = {
        {"cose/x509-examples-alice.crt", "cose/x509-examples-alice.der"},
        {"cose/x509-examples-ca.crt", "cose/x509-examples-ca.der"}};
    struct att_cert *c[2] = {NULL, NULL};

    for (size_t k = 0; k < 2; k++) {
        struct att_buf *file = manifest_read(PAIRS[_i][k]);

        ck_assert_int_eq(att_cert_parse(&c[k], att_buf_slice(file), NULL), ATT_OK);
        att_buf_free(file);
    }
    ck_assert(att_slice_eq(att_cert_der(c[0]), att_cert_der(c[1])));
    ck_assert(att_cert_is_ca(c[0]) == (_i == 1));
    for (size_t k = 0; k < 2; k++) {
        manifest_row("", PAIRS[_i][k], "a certificate, and no message");
        att_cert_free(c[k]);
    }
}
END_TEST

/* Texts beside the examples: no message. */
static const char *const BESIDE[] = {"NOTES.txt",
                                     "KeySet.txt",
                                     "cctv-ed25519-README.txt",
                                     "x509-examples-alice.crt",
                                     "x509-examples-alice.der",
                                     "x509-examples-ca.crt",
                                     "x509-examples-ca.der"};

START_TEST(att_cose_parse__refuses_what_lies_beside_the_examples)
{
    char path[128];
    struct att_buf *file = NULL;
    struct att_cose m;

    (void)snprintf(path, sizeof(path), "cose/%s", BESIDE[_i]);
    file = manifest_read(path);
    ck_assert_int_ne(att_cose_parse(&m, att_buf_slice(file), NULL), ATT_OK);
    if (strstr(path, ".txt") != NULL) {
        manifest_row("", path, "a text, and no message");
    }
    att_buf_free(file);
}
END_TEST

/*
 * Real statements with hash envelopes, chains, claims and receipts. They are read; RSA-PSS is no algorithm
 * of our profile, so under their own leaf's key they are refused, though the signatures hold.
 */
static const struct {
    const char *name;
    int64_t alg;
    size_t chain;
} STATEMENTS[] = {
    {"cts-hashv-cwtclaims-b64url.cose", -37, 3},
    {"manifest.spdx.json.sha384.digest.cose", -38, 3},
    {"uvm_0.2.10.cose", -38, 3},
};

START_TEST(att_cose__reads_real_statements_and_refuses_their_algorithm)
{
    char path[128];
    struct att_x5chain signer = {0};
    struct att_buf *b = NULL;
    struct att_cose m;
    struct att_slice parts[3];
    uint8_t flipped[ATT_COSE_SIG_MAX];
    struct att_diag diag = {0};

    (void)snprintf(path, sizeof(path), "scitt/%s", STATEMENTS[_i].name);
    b = manifest_read(path);
    ck_assert_msg(att_cose_parse(&m, att_buf_slice(b), &diag) == ATT_OK, "%s at %zu: %s",
                  STATEMENTS[_i].name, diag.off, diag.text);
    ck_assert_int_eq(m.alg, STATEMENTS[_i].alg);
    ck_assert_uint_eq(m.x5chain_count, STATEMENTS[_i].chain);
    ck_assert_uint_gt(m.cwt_claims.len, 0);
    ck_assert_int_eq(att_x5chain_open(&signer, &m, NULL), ATT_OK);
    ck_assert_int_eq(cosetest_judge(att_buf_slice(b), signer.key, NONE, &diag), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(diag.reason, ATT_R_LBL_ALG);
    parts[0] = m.protected_bytes;
    parts[1] = NONE;
    parts[2] = m.payload_untrusted;
    ck_assert_int_eq(judge_raw(signer.key, m.alg, "Signature1", parts, 3, m.signature), ATT_OK);
    memcpy(flipped, m.signature.p, m.signature.len);
    flipped[m.signature.len / 2] ^= 1;
    ck_assert_int_eq(judge_raw(signer.key, m.alg, "Signature1", parts, 3,
                               att_slice_of(flipped, m.signature.len)),
                     ATT_E_SIGNATURE);
    manifest_row("", path,
                 "read; algorithm %lld is none of ours: E_LBL_ALG; the signature verifies",
                 (long long)m.alg);
    att_x5chain_close(&signer);
    att_buf_free(b);
}
END_TEST

static bool cose_listed(const char *name)
{
    for (size_t i = 0; i < ATT_COUNT(SIGN1); i++) {
        if (strcmp(SIGN1[i].name, name) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < ATT_COUNT(OTHERS); i++) {
        if (strcmp(OTHERS[i].name, name) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < ATT_COUNT(BESIDE); i++) {
        if (strcmp(BESIDE[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool scitt_listed(const char *name)
{
    for (size_t i = 0; i < ATT_COUNT(STATEMENTS); i++) {
        if (strcmp(STATEMENTS[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

START_TEST(the_tables__have_each_file_of_the_manifest)
{
    manifest_covers("cose/", cose_listed, ATT_COUNT(SIGN1) + ATT_COUNT(OTHERS) + ATT_COUNT(BESIDE));
    manifest_covers("scitt/", scitt_listed, ATT_COUNT(STATEMENTS));
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {att_cose__judges_messages_of_one_signer, (int)ATT_COUNT(SIGN1)},
        {att_cose_parse__refuses_other_messages_of_the_examples, (int)ATT_COUNT(OTHERS)},
        {att_verify__judges_each_signature_of_several, (int)ATT_COUNT(SIGN)},
        {att_cert_parse__reads_the_certificates_of_the_examples, 2},
        {att_cose_parse__refuses_what_lies_beside_the_examples, (int)ATT_COUNT(BESIDE)},
        {att_cose__reads_real_statements_and_refuses_their_algorithm, (int)ATT_COUNT(STATEMENTS)},
        {the_tables__have_each_file_of_the_manifest, 0},
    };

    if (manifest_corpus() == NULL) {
        return 77;
    }
    return SUITE_RUN_ROWS("cose_corpus", rows, NULL);
}
