/* The signed status list: what it must say, who may have signed it, and what labels get from it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "codec/cbor_wr.h"
#include "evidence/profile.h"
#include "issuer.h"
#include "need.h"
#include "suite.h"

#define NOW ISSUER_NOW

START_TEST(token__what_was_signed_comes_out_verified)
{
    struct issuer is;
    struct att_status_facts facts;
    struct att_status_token *t = NULL;
    struct att_status_verified *v = NULL;
    struct att_buf *file = NULL;
    unsigned int value = 9;

    issuer_open(&is);
    facts = issuer_status_facts(&is);
    file = issuer_list(&is, &facts, 13, ATT_STATUS_SUSPENDED);
    ck_assert_int_eq(att_status_token_parse(&t, att_buf_slice(file), NULL), ATT_OK);
    ck_assert_str_eq(t->uri, ISSUER_URI);
    ck_assert_int_eq(t->iat, NOW);
    ck_assert_int_eq(t->exp, NOW + 86400);
    ck_assert_uint_eq(t->ttl_s, 3600);
    ck_assert_uint_eq(att_status_list_count(t->list), 64);
    ck_assert_int_eq(att_status_token_verify(&v, t, is.anchors, NULL), ATT_OK);
    ck_assert_ptr_eq(att_status_token_of(v), t);
    ck_assert(att_status_speaks_for(v, ISSUER_ID));
    ck_assert(!att_status_speaks_for(v, "verifier.other"));
    ck_assert_int_eq(att_status_list_get(&value, t->list, 13, NULL), ATT_OK);
    ck_assert_uint_eq(value, ATT_STATUS_SUSPENDED);
    att_status_verified_free(v);
    att_buf_free(file);
    issuer_close(&is);
}
END_TEST

START_TEST(token_make__refuses_what_nobody_could_read)
{
    struct issuer is;
    struct att_status_list *list = NULL;
    struct att_status_facts facts[5];
    struct att_buf *out = NULL;

    issuer_open(&is);
    NEED(att_status_list_new(&list, 2, 8) == ATT_OK);
    for (size_t i = 0; i < ATT_COUNT(facts); i++) {
        facts[i] = issuer_status_facts(&is);
    }
    facts[0].uri = "";
    facts[1].exp = facts[1].iat;
    facts[2].iat = -1;
    facts[3].x5chain_count = 0;
    facts[4].ttl_s = UINT64_MAX;
    for (size_t i = 0; i < ATT_COUNT(facts); i++) {
        ck_assert_int_eq(att_status_token_make(&out, &facts[i], list, is.signer), ATT_E_INTERNAL);
    }
    ck_assert_ptr_null(out);
    att_status_list_free(list);
    issuer_close(&is);
}
END_TEST

#define SUB  "02617a"       /* "z" */
#define EXP  "041a6ab28d00" /* a day after IAT */
#define IAT  "061a6ab13b80" /* NOW */
#define LIST "19fffda2636c73744b78da3be9f2130003df0207646269747302"
#define TTL  "19fffe190e10"

/* The example of docs/formats/status-list.md: a payload, claim by claim. */
START_TEST(token_parse__gives_the_example_of_the_format_page)
{
    struct bytes payload = bytes_unhex("a5" SUB EXP IAT LIST TTL);
    struct issuer is;
    struct att_status_token *t = NULL;
    struct att_buf *file = NULL;

    issuer_open(&is);
    file = issuer_sign(&is, ATT_TYPE_STATUS_LIST, bytes_slice(&payload));
    ck_assert_int_eq(att_status_token_parse(&t, att_buf_slice(file), NULL), ATT_OK);
    ck_assert_str_eq(t->uri, "z");
    ck_assert_int_eq(t->iat, NOW);
    ck_assert_int_eq(t->exp, NOW + 86400);
    ck_assert_uint_eq(t->ttl_s, 3600);
    ck_assert_uint_eq(att_status_list_count(t->list), 12);
    att_status_token_free(t);
    att_buf_free(file);
    issuer_close(&is);
}
END_TEST

static const struct {
    const char *what, *payload, *typ;
    enum att_err err;
    enum att_reason reason;
} PAYLOADS[] = {
    {"all", "a5" SUB EXP IAT LIST TTL, NULL, ATT_OK, ATT_R_NONE},
    {"without ttl", "a4" SUB EXP IAT LIST, NULL, ATT_OK, ATT_R_NONE},
    {"in another order", "a5" LIST TTL IAT EXP SUB, NULL, ATT_OK, ATT_R_NONE},
    {"an issuer and a text key", "a6016176" SUB EXP IAT LIST "617800", NULL, ATT_OK, ATT_R_NONE},
    {"a label's type", "a5" SUB EXP IAT LIST TTL, ATT_TYPE_LABEL, ATT_E_FORMAT, ATT_R_FMT_STATUS},
    {"no type", "a5" SUB EXP IAT LIST TTL, "", ATT_E_FORMAT, ATT_R_FMT_STATUS},
    {"no sub", "a4" EXP IAT LIST TTL, NULL, ATT_E_FORMAT, ATT_R_FMT_STATUS},
    {"no exp", "a4" SUB IAT LIST TTL, NULL, ATT_E_FORMAT, ATT_R_FMT_STATUS},
    {"no iat", "a4" SUB EXP LIST TTL, NULL, ATT_E_FORMAT, ATT_R_FMT_STATUS},
    {"no list", "a4" SUB EXP IAT TTL, NULL, ATT_E_FORMAT, ATT_R_FMT_STATUS},
    {"sub twice", "a6" SUB SUB EXP IAT LIST TTL, NULL, ATT_E_FORMAT, ATT_R_FMT_STATUS},
    {"list twice", "a6" SUB EXP IAT LIST LIST TTL, NULL, ATT_E_FORMAT, ATT_R_FMT_STATUS},
    {"ttl twice", "a6" SUB EXP IAT LIST TTL TTL, NULL, ATT_E_FORMAT, ATT_R_FMT_STATUS},
    {"sub is empty", "a50260" EXP IAT LIST TTL, NULL, ATT_E_FORMAT, ATT_R_FMT_STATUS},
    {"sub has a line break", "a502610a" EXP IAT LIST TTL, NULL, ATT_E_FORMAT, ATT_R_FMT_STATUS},
    {"sub is a number", "a50201" EXP IAT LIST TTL, NULL, ATT_E_FORMAT, ATT_R_FMT_STATUS},
    {"iat is text", "a5" SUB EXP "066131" LIST TTL, NULL, ATT_E_FORMAT, ATT_R_FMT_STATUS},
    {"iat is before 1970", "a5" SUB EXP "0620" LIST TTL, NULL, ATT_E_FORMAT, ATT_R_FMT_STATUS},
    {"exp is 2^63", "a5" SUB "041b8000000000000000" IAT LIST TTL, NULL, ATT_E_LIMIT,
     ATT_R_FMT_STATUS},
    {"exp is iat", "a5" SUB "041a6ab13b80" IAT LIST TTL, NULL, ATT_E_FORMAT, ATT_R_FMT_STATUS},
    {"exp is a float", "a5" SUB "04fb41dac4ef00000000" IAT LIST TTL, NULL, ATT_E_FORMAT,
     ATT_R_FMT_STATUS},
    {"list is bytes", "a5" SUB EXP IAT "19fffd40" TTL, NULL, ATT_E_FORMAT, ATT_R_FMT_STATUS},
    {"no map", "01", NULL, ATT_E_FORMAT, ATT_R_FMT_STATUS},
};

START_TEST(token_parse__reads_all_or_nothing)
{
    struct bytes payload = bytes_unhex(PAYLOADS[_i].payload);
    const char *typ = PAYLOADS[_i].typ != NULL ? PAYLOADS[_i].typ : ATT_TYPE_STATUS_LIST;
    struct issuer is;
    struct att_status_token *t = NULL;
    struct att_buf *file = NULL;
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    issuer_open(&is);
    file = issuer_sign(&is, typ[0] != '\0' ? typ : NULL, bytes_slice(&payload));
    err = att_status_token_parse(&t, att_buf_slice(file), &diag);
    ck_assert_msg(err == PAYLOADS[_i].err && diag.reason == PAYLOADS[_i].reason, "%s: %s %s: %s",
                  PAYLOADS[_i].what, att_err_name(err), att_reason_code(diag.reason), diag.text);
    ck_assert((t != NULL) == (err == ATT_OK));
    att_status_token_free(t);
    att_buf_free(file);
    issuer_close(&is);
}
END_TEST

/* Not a message at all, one without its certificate, one that is too long. */
START_TEST(token_parse__refuses_messages_of_other_forms)
{
    struct issuer is;
    struct att_status_token *t = NULL;
    struct att_buf *bare = NULL;
    struct att_cose_order order = {.typ = ATT_TYPE_STATUS_LIST};
    struct bytes payload = bytes_unhex("a5" SUB EXP IAT LIST TTL);
    uint8_t *big = calloc(1, ATT_STATUS_FILE_MAX + 1);
    struct att_diag diag = {0};

    NEED(big != NULL);
    issuer_open(&is);
    order.payload = bytes_slice(&payload);
    NEED(att_cose_make(&bare, &order, is.signer) == ATT_OK);
    ck_assert_int_eq(att_status_token_parse(&t, att_buf_slice(bare), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_STATUS);
    ck_assert_str_eq(diag.field, "x5chain");
    ck_assert_int_eq(att_status_token_parse(&t, att_slice_str("list"), &diag), ATT_E_TRUNCATED);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_CBOR);
    ck_assert_int_eq(att_status_token_parse(&t, att_slice_of(big, ATT_STATUS_FILE_MAX + 1), &diag),
                     ATT_E_LIMIT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_STATUS);
    att_buf_free(bare);
    issuer_close(&is);
    free(big);
}
END_TEST

/* Judge one file by itself: what it gives to labels. */
static void expect_list(struct att_slice file, const struct att_anchors *anchors,
                        enum att_verdict verdict, enum att_reason reason)
{
    struct att_offline_list l;

    ck_assert_int_eq(att_offline_list_open(&l, file, anchors), ATT_OK);
    ck_assert_msg(l.verdict == verdict && l.why.reason == reason, "verdict %d, %s: %s", l.verdict,
                  att_reason_code(l.why.reason), l.why.text);
    ck_assert((l.list != NULL) == (verdict == ATT_VERDICT_PASS));
    att_offline_list_close(&l);
}

/* The chain is judged at the list's own time, as that of a label is. */
START_TEST(token_verify__asks_who_signed_it)
{
    struct issuer is;
    struct issuer other;
    struct issuer server;
    struct att_anchors *nobody = NULL;
    struct att_status_facts facts;
    struct att_buf *file = NULL;

    issuer_open(&is);
    issuer_open(&other);
    issuer_open_under(&server, &is, ATT_CERT_TLS_SERVER, NULL);
    NEED(att_anchors_new(&nobody) == ATT_OK);
    facts = issuer_status_facts(&is);
    file = issuer_list(&is, &facts, 0, 0);
    expect_list(att_buf_slice(file), is.anchors, ATT_VERDICT_PASS, ATT_R_NONE);
    expect_list(att_buf_slice(file), other.anchors, ATT_VERDICT_UNDECIDED, ATT_R_SL_KEY);
    expect_list(att_buf_slice(file), nobody, ATT_VERDICT_UNDECIDED, ATT_R_TRUST_NONE);
    att_buf_freep(&file);
    facts.iat = NOW + 86400 * 31; /* the signer's certificate is good for 30 days */
    facts.exp = facts.iat + 60;
    file = issuer_list(&is, &facts, 0, 0);
    expect_list(att_buf_slice(file), is.anchors, ATT_VERDICT_FAIL, ATT_R_SL_CHAIN);
    att_buf_freep(&file);
    facts = issuer_status_facts(&server); /* under the same root, but no signer of labels */
    file = issuer_list(&server, &facts, 0, 0);
    expect_list(att_buf_slice(file), is.anchors, ATT_VERDICT_FAIL, ATT_R_SL_CHAIN);
    att_buf_freep(&file);
    facts = issuer_status_facts(&is); /* the certificate of one, the key of another */
    file = issuer_list(&other, &facts, 0, 0);
    expect_list(att_buf_slice(file), is.anchors, ATT_VERDICT_FAIL, ATT_R_SL_SIG);
    att_buf_free(file);
    att_anchors_free(nobody);
    issuer_close(&server);
    issuer_close(&other);
    issuer_close(&is);
}
END_TEST

START_TEST(token__no_flipped_bit_is_believed)
{
    struct issuer is;
    struct att_status_facts facts;
    struct att_offline_list l;
    struct att_buf *file = NULL;
    uint8_t *copy = NULL;
    size_t len = 0;

    issuer_open(&is);
    facts = issuer_status_facts(&is);
    file = issuer_list(&is, &facts, 3, ATT_STATUS_INVALID);
    len = att_buf_len(file);
    copy = malloc(len);
    NEED(copy != NULL);
    for (size_t bit = 0; bit < len * 8; bit++) {
        memcpy(copy, att_buf_slice(file).p, len);
        copy[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        ck_assert_int_eq(att_offline_list_open(&l, att_slice_of(copy, len), is.anchors), ATT_OK);
        ck_assert_msg(l.list == NULL && l.verdict != ATT_VERDICT_PASS, "bit %zu is believed", bit);
        att_offline_list_close(&l);
    }
    for (size_t cut = 0; cut < len; cut++) {
        expect_list(att_slice_of(att_buf_slice(file).p, cut), is.anchors, ATT_VERDICT_MALFORMED,
                    ATT_R_FMT_CBOR);
    }
    free(copy);
    att_buf_free(file);
    issuer_close(&is);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {token__what_was_signed_comes_out_verified, 0},
        {token_make__refuses_what_nobody_could_read, 0},
        {token_parse__gives_the_example_of_the_format_page, 0},
        {token_parse__reads_all_or_nothing, (int)ATT_COUNT(PAYLOADS)},
        {token_parse__refuses_messages_of_other_forms, 0},
        {token_verify__asks_who_signed_it, 0},
        {token__no_flipped_bit_is_believed, 0},
    };

    return SUITE_RUN_ROWS("status_token", rows, NULL);
}
