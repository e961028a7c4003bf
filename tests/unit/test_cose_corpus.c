/* COSE_Sign1 by others: the working group's examples, and real statements. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/b64.h"
#include "base/file.h"
#include "bytes.h"
#include "cosetest.h"
#include "need.h"
#include "suite.h"

static const struct att_slice NONE = {0};
static const char *corpus;

static json_t *example(const char *name)
{
    char path[512];
    struct att_buf *b = NULL;
    json_t *j = NULL;

    (void)snprintf(path, sizeof(path), "%s/cose/%s", corpus, name);
    NEED(att_file_read(&b, path, 1U << 20, NULL) == ATT_OK);
    j = json_loadb((const char *)att_buf_slice(b).p, att_buf_len(b), 0, NULL);
    NEED(j != NULL);
    att_buf_free(b);
    return j;
}

/* A coordinate, which the examples give as base64url or as hex. */
static struct bytes coordinate(const json_t *key, const char *name)
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

static struct att_pubkey *example_key(const json_t *key)
{
    const char *curve = json_string_value(json_object_get(key, "crv"));
    struct bytes x = coordinate(key, "x");
    struct att_pubkey *out = NULL;
    struct bytes y;
    enum att_key_type type = strcmp(curve, "P-256") == 0 ? ATT_KEY_EC_P256 : ATT_KEY_EC_P521;

    if (strcmp(curve, "Ed25519") == 0) {
        struct bytes spki = bytes_unhex("302a300506032b6570032100"); /* RFC 8410 section 10.1 */

        memcpy(spki.p + spki.len, x.p, x.len);
        spki.len += x.len;
        NEED(att_pubkey_from_spki(&out, bytes_slice(&spki), NULL) == ATT_OK);
        return out;
    }
    y = coordinate(key, "y");
    NEED(att_pubkey_from_ec(&out, type, bytes_slice(&x), bytes_slice(&y), NULL) == ATT_OK);
    return out;
}

static const struct {
    const char *name;
    enum att_err err;
    enum att_reason reason;
} EXAMPLES[] = {
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

START_TEST(att_cose__judges_the_working_groups_examples)
{
    json_t *j = example(EXAMPLES[_i].name);
    json_t *sign0 = json_object_get(json_object_get(j, "input"), "sign0");
    const char *hex = json_string_value(json_object_get(json_object_get(j, "output"), "cbor"));
    struct att_pubkey *key = example_key(json_object_get(sign0, "key"));
    struct bytes in = bytes_unhex(hex);
    struct att_diag diag = {0};
    enum att_err err = cosetest_judge(bytes_slice(&in), key, NONE, &diag);

    ck_assert_msg(err == EXAMPLES[_i].err && diag.reason == EXAMPLES[_i].reason, "%s: %s %s: %s",
                  EXAMPLES[_i].name, att_err_name(err), att_reason_code(diag.reason), diag.text);
    att_pubkey_free(key);
    json_decref(j);
}
END_TEST

/* Messages of other kinds: several signatures, MACs, encryption. None is a COSE_Sign1 of ours. */
static const char *const OTHERS[] = {
    "x509-examples-signed-01.json", "x509-examples-signed-03.json",
    "x509-examples-signed-05.json", "RFC8152-Appendix_C_1_2.json",
    "RFC8152-Appendix_C_1_4.json",  "RFC8152-Appendix_C_3_1.json",
    "RFC8152-Appendix_C_3_3.json",  "RFC8152-Appendix_C_4_1.json",
    "RFC8152-Appendix_C_5_1.json",  "RFC8152-Appendix_C_5_3.json",
    "RFC8152-Appendix_C_6_1.json",  "countersign-signed-02.json",
    "ecdsa-examples-ecdsa-01.json", "eddsa-examples-eddsa-01.json",
    "mac0-tests-HMac-01.json",      "rsa-pss-examples-rsa-pss-01.json",
    "sign-tests-ecdsa-01.json",     "sign-tests-sign-pass-02.json",
};

START_TEST(att_cose_parse__refuses_other_messages_of_the_examples)
{
    json_t *j = example(OTHERS[_i]);
    struct bytes in =
        bytes_unhex(json_string_value(json_object_get(json_object_get(j, "output"), "cbor")));
    struct att_diag diag = {0};
    struct att_cose m;

    ck_assert_msg(att_cose_parse(&m, bytes_slice(&in), &diag) == ATT_E_FORMAT, "%s: %s", OTHERS[_i],
                  diag.text);
    ck_assert(diag.reason == ATT_R_FMT_COSE || diag.reason == ATT_R_FMT_CBOR);
    json_decref(j);
}
END_TEST

/* Real statements with hash envelopes, chains, claims and receipts: RSA-PSS, which we do not use. */
static const struct {
    const char *name;
    int64_t alg;
    size_t chain;
} STATEMENTS[] = {
    {"cts-hashv-cwtclaims-b64url.cose", -37, 3},
    {"manifest.spdx.json.sha384.digest.cose", -38, 3},
    {"uvm_0.2.10.cose", -38, 3},
};

START_TEST(att_cose_parse__reads_real_statements)
{
    char path[512];
    struct att_signer *signer = cosetest_signer(ATT_KEY_EC_P256);
    struct att_buf *b = NULL;
    struct att_cose m;
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    (void)snprintf(path, sizeof(path), "%s/scitt/%s", corpus, STATEMENTS[_i].name);
    NEED(att_file_read(&b, path, 1U << 20, NULL) == ATT_OK);
    err = att_cose_parse(&m, att_buf_slice(b), &diag);
    ck_assert_msg(err == ATT_OK, "%s: %s at %zu: %s", STATEMENTS[_i].name, att_err_name(err),
                  diag.off, diag.text);
    ck_assert_int_eq(m.alg, STATEMENTS[_i].alg);
    ck_assert_uint_eq(m.x5chain_count, STATEMENTS[_i].chain);
    ck_assert_uint_gt(m.cwt_claims.len, 0);
    ck_assert_int_eq(cosetest_judge(att_buf_slice(b), signer->public_key, NONE, &diag),
                     ATT_E_MISMATCH);
    att_buf_free(b);
    att_signer_free(signer);
}
END_TEST

int main(void)
{
    TCase *t = NULL;

    corpus = getenv("CORPUS");
    if (corpus == NULL || corpus[0] == '\0') {
        puts("no corpus: set CORPUS to its folder");
        return 77;
    }
    t = tcase_create("cose_corpus");
    tcase_add_loop_test(t, att_cose__judges_the_working_groups_examples, 0,
                        (int)ATT_COUNT(EXAMPLES));
    tcase_add_loop_test(t, att_cose_parse__refuses_other_messages_of_the_examples, 0,
                        (int)ATT_COUNT(OTHERS));
    tcase_add_loop_test(t, att_cose_parse__reads_real_statements, 0, (int)ATT_COUNT(STATEMENTS));
    return suite_run_case("cose_corpus", t);
}
