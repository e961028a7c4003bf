/* Whether a label still counts: claims that lie about where it is told, and lists that should not be heard. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "bytes.h"
#include "codec/cbor_wr.h"
#include "codec/zlib_stream.h"
#include "evidence/profile.h"
#include "issuer.h"
#include "need.h"

#define NOW   ISSUER_NOW
#define ENTRY 13

static struct issuer is;

/* A genuine label whose status is told in entry ENTRY of ISSUER_URI, or uri NULL: nowhere. */
static struct att_buf *genuine(const char *uri)
{
    struct scene *s = scene_new(NULL, NULL);
    struct att_label_facts facts = issuer_facts(&is);
    struct att_buf *label = NULL;

    facts.status_uri = uri;
    facts.status_index = ENTRY;
    scene_attest(s);
    label = issuer_label(&is, s, &facts);
    scene_free(s);
    return label;
}

/* What the check of one label says; the list, when there is one, is opened before as attestctl does. */
static struct att_check judge(enum att_verdict *verdict, struct att_slice label,
                              const struct att_buf *list, struct att_trust_rules *rules,
                              int64_t now)
{
    struct att_offline *o = calloc(1, sizeof(*o));
    struct att_offline_list l = {0};
    struct att_check c = {0};

    NEED(o != NULL);
    if (list != NULL) {
        ck_assert_int_eq(att_offline_list_open(&l, att_buf_slice(list), is.anchors), ATT_OK);
        rules->status_list = &l;
    }
    ck_assert_int_eq(att_offline_check(o, label, is.anchors, rules, now), ATT_OK);
    NEED(o->check_count > 0);
    c = o->check[o->check_count - 1];
    *verdict = o->verdict;
    att_offline_list_close(&l);
    free(o);
    return c;
}

/* a1 "status_list" {"idx", "uri"} in the middle of a payload */
#define STATUS(idx, uri) "a16b7374617475735f6c697374a263696478" idx "63757269" uri
#define URI              "6161" /* "a" */

/* C-15: the claim in place of the genuine one; empty: the genuine one again. */
static const struct {
    const char *what, *claim;
} CLAIMS[] = {
    {"genuine", ""},
    {"as text", "6576616c6964"},
    {"a number", "00"},
    {"null", "f6"},
    {"an array", "80"},
    {"empty", "a0"},
    {"another way to tell", "a16f6964656e7469666965725f6c697374a0"},
    {"list as text", "a16b7374617475735f6c6973746161"},
    {"no idx", "a16b7374617475735f6c697374a163757269" URI},
    {"no uri", "a16b7374617475735f6c697374a16369647800"},
    {"idx 2^64", STATUS("c249010000000000000000", URI)},
    {"idx 2^64 - 1", STATUS("1bffffffffffffffff", URI)},
    {"idx behind every list", STATUS("1a00800000", URI)},
    {"idx below 0", STATUS("20", URI)},
    {"idx as text", STATUS("6130", URI)},
    {"idx a float", STATUS("f94a80", URI)},
    {"uri empty", STATUS("00", "60")},
    {"uri that steers a terminal", STATUS("00", "641b5b324a")},
    {"uri with a space", STATUS("00", "63612062")},
    {"uri as bytes", STATUS("00", "4161")},
};

START_TEST(C15_status_claim_that_cannot_be_asked_is_refused)
{
    static const uint8_t KEY[] = {0x19, 0xff, 0xff};
    static const uint8_t GRADE[] = {0x3a, 0x00, 0x01, 0x11, 0xd4}; /* the claim behind it: -70101 */
    struct bytes claim = bytes_unhex(CLAIMS[_i].claim);
    struct att_buf *label = genuine(ISSUER_URI);
    struct att_buf *changed = NULL;
    struct att_trust_rules rules = {0};
    struct att_offline *o = calloc(1, sizeof(*o));
    struct att_cose m;
    struct bytes payload = {0};
    const uint8_t *from = NULL;
    const uint8_t *to = NULL;
    size_t head = 0;
    size_t tail = 0;

    NEED(o != NULL && att_cose_parse(&m, att_buf_slice(label), NULL) == ATT_OK);
    from = memmem(m.payload_untrusted.p, m.payload_untrusted.len, KEY, sizeof(KEY));
    to = memmem(m.payload_untrusted.p, m.payload_untrusted.len, GRADE, sizeof(GRADE));
    NEED(from != NULL && to != NULL && from < to);
    head = (size_t)(from - m.payload_untrusted.p) + sizeof(KEY);
    tail = (size_t)(to - m.payload_untrusted.p);
    memcpy(payload.p, m.payload_untrusted.p, head);
    payload.len = head;
    if (claim.len == 0) {
        tail = head;
    }
    memcpy(payload.p + payload.len, claim.p, claim.len);
    payload.len += claim.len;
    NEED(payload.len + m.payload_untrusted.len - tail <= sizeof(payload.p));
    memcpy(payload.p + payload.len, m.payload_untrusted.p + tail, m.payload_untrusted.len - tail);
    payload.len += m.payload_untrusted.len - tail;
    changed = issuer_sign(&is, ATT_TYPE_LABEL, bytes_slice(&payload));
    ck_assert_int_eq(att_offline_check(o, att_buf_slice(changed), is.anchors, &rules, NOW), ATT_OK);
    ck_assert_msg(o->verdict == (_i == 0 ? ATT_VERDICT_PASS : ATT_VERDICT_MALFORMED),
                  "%s: verdict %d", CLAIMS[_i].what, o->verdict);
    ck_assert(o->has_label == (_i == 0));
    if (_i == 0) {
        ck_assert_uint_eq(o->label.status_index, ENTRY);
        ck_assert_str_eq(o->label.status_uri, ISSUER_URI);
    } else {
        ck_assert_str_eq(att_reason_code(o->check[0].why.reason), "E_LBL_CLAIM");
    }
    att_buf_free(changed);
    att_buf_free(label);
    free(o);
}
END_TEST

/* A list of the issuer: seconds are after NOW; exp 0 is a day. */
struct listed {
    const char *what;
    unsigned int value;
    int64_t iat, exp, now, max_age;
    enum att_verdict verdict;
    const char *code;
};

static const struct listed LISTED[] = {
    {"valid", 0, 0, 0, 10, 0, ATT_VERDICT_PASS, "OK"},
    {"revoked", 1, 0, 0, 10, 0, ATT_VERDICT_FAIL, "E_LBL_REVOKED"},
    {"revoked in a list that ended", 1, 0, 60, 100, 0, ATT_VERDICT_FAIL, "E_LBL_REVOKED"},
    {"revoked in a list of later", 1, 1000, 0, 10, 0, ATT_VERDICT_FAIL, "E_LBL_REVOKED"},
    {"suspended", 2, 0, 0, 10, 0, ATT_VERDICT_FAIL, "E_LBL_SUSPENDED"},
    {"suspended in a list that ended", 2, 0, 60, 100, 0, ATT_VERDICT_UNDECIDED, "E_SL_TIME"},
    {"an unknown value", 3, 0, 0, 10, 0, ATT_VERDICT_FAIL, "E_SL_VALUE"},
    {"a second before its end", 0, 0, 60, 59, 0, ATT_VERDICT_PASS, "OK"},
    {"at its end", 0, 0, 60, 60, 0, ATT_VERDICT_UNDECIDED, "E_SL_TIME"},
    {"of tomorrow", 0, 1000, 0, 10, 0, ATT_VERDICT_UNDECIDED, "E_SL_TIME"},
    {"within the skew of clocks", 0, 300, 0, 0, 0, ATT_VERDICT_PASS, "OK"},
    {"as old as it may be", 0, 0, 0, 60, 60, ATT_VERDICT_PASS, "OK"},
    {"a second older", 0, 0, 0, 61, 60, ATT_VERDICT_UNDECIDED, "E_SL_TIME"},
};

START_TEST(G_status_what_the_list_says_counts_and_for_its_time)
{
    const struct listed *row = &LISTED[_i];
    struct att_status_facts facts = issuer_status_facts(&is);
    struct att_trust_rules rules = {.status_max_age_s = row->max_age};
    struct att_buf *label = genuine(ISSUER_URI);
    struct att_buf *list = NULL;
    enum att_verdict verdict;
    struct att_check c;

    facts.iat = NOW + row->iat;
    facts.exp = facts.iat + (row->exp > 0 ? row->exp : 86400);
    list = issuer_list(&is, &facts, ENTRY, row->value);
    c = judge(&verdict, att_buf_slice(label), list, &rules, NOW + row->now);
    ck_assert_str_eq(c.id, "status-list");
    ck_assert_msg(verdict == row->verdict && strcmp(att_reason_code(c.why.reason), row->code) == 0,
                  "%s: verdict %d, %s: %s", row->what, verdict, att_reason_code(c.why.reason),
                  c.why.text);
    ck_assert((c.status == ATT_CHECK_PASS) == (verdict == ATT_VERDICT_PASS));
    att_buf_free(list);
    att_buf_free(label);
}
END_TEST

/* 0: another list of the issuer; 1: a list that is too short; 2: another verifier under the same root. */
START_TEST(G_status_list_of_somebody_else_is_not_heard)
{
    static const char *const CODES[] = {"E_SL_URI", "E_SL_INDEX", "E_SL_ISSUER"};
    struct att_status_facts facts = issuer_status_facts(&is);
    struct att_trust_rules rules = {0};
    struct att_buf *label = genuine(ISSUER_URI);
    struct att_buf *list = NULL;
    struct att_status_list *entries = NULL;
    struct issuer other;
    enum att_verdict verdict;
    struct att_check c;

    issuer_open_under(&other, &is, ATT_CERT_LABEL_SIGNER, "verifier.other");
    switch (_i) {
    case 0:
        facts.uri = "https://verifier.test/status/v1/2";
        list = issuer_list(&is, &facts, ENTRY, 0);
        break;
    case 1:
        NEED(att_status_list_new(&entries, 2, 12) == ATT_OK);
        NEED(att_status_token_make(&list, &facts, entries, is.signer) == ATT_OK);
        att_status_list_free(entries);
        break;
    default:
        facts = issuer_status_facts(&other);
        list = issuer_list(&other, &facts, ENTRY, 0);
        break;
    }
    c = judge(&verdict, att_buf_slice(label), list, &rules, NOW);
    ck_assert_str_eq(att_reason_code(c.why.reason), CODES[_i]);
    ck_assert_int_eq(verdict, ATT_VERDICT_FAIL);
    ck_assert_int_eq(c.status, ATT_CHECK_FAIL);
    issuer_close(&other);
    att_buf_free(list);
    att_buf_free(label);
}
END_TEST

/* Silence is never "valid": required and not there, given and not named; else it is told as not checked. */
START_TEST(G_status_that_nobody_told_is_not_valid)
{
    struct att_status_facts facts = issuer_status_facts(&is);
    struct att_trust_rules required = {.status_required = true};
    struct att_trust_rules lax = {0};
    struct att_buf *named = genuine(ISSUER_URI);
    struct att_buf *unnamed = genuine(NULL);
    struct att_buf *list = issuer_list(&is, &facts, ENTRY, 0);
    enum att_verdict verdict;
    struct att_check c = judge(&verdict, att_buf_slice(named), NULL, &required, NOW);

    ck_assert_str_eq(att_reason_code(c.why.reason), "E_SL_NONE");
    ck_assert_int_eq(verdict, ATT_VERDICT_UNDECIDED);
    c = judge(&verdict, att_buf_slice(unnamed), list, &required, NOW);
    ck_assert_str_eq(att_reason_code(c.why.reason), "E_SL_NONE");
    ck_assert_int_eq(verdict, ATT_VERDICT_UNDECIDED);
    ck_assert_int_eq(c.status, ATT_CHECK_NOT_RUN);
    c = judge(&verdict, att_buf_slice(named), NULL, &lax, NOW);
    ck_assert_int_eq(c.status, ATT_CHECK_NOT_APPLICABLE);
    ck_assert_int_eq(verdict, ATT_VERDICT_PASS);
    att_buf_free(list);
    att_buf_free(unnamed);
    att_buf_free(named);
}
END_TEST

/* A payload around this stream, which is a list of 2 bits. */
static struct att_buf *token_around(const struct issuer *by, const char *typ, struct att_slice lst)
{
    struct bytes payload = {0};
    struct att_wr w = att_wr_into(payload.p, sizeof(payload.p));

    att_cbor_wr_map(&w, 4);
    att_cbor_wr_uint(&w, ATT_CLAIM_SUB);
    att_cbor_wr_text(&w, ISSUER_URI);
    att_cbor_wr_uint(&w, ATT_CLAIM_EXP);
    att_cbor_wr_uint(&w, NOW + 60);
    att_cbor_wr_uint(&w, ATT_CLAIM_IAT);
    att_cbor_wr_uint(&w, NOW);
    att_cbor_wr_uint(&w, ATT_CLAIM_SL_LIST);
    att_cbor_wr_map(&w, 2);
    att_cbor_wr_text(&w, "lst");
    att_cbor_wr_bytes(&w, lst);
    att_cbor_wr_text(&w, "bits");
    att_cbor_wr_uint(&w, 2);
    NEED(att_wr_ok(&w));
    payload.len = w.len;
    return issuer_sign(by, typ, bytes_slice(&payload));
}

/* 0: a stranger's; 1: a label in its place; 2: a zip bomb; 3: something behind the stream; 4: the control. */
START_TEST(G_status_list_of_another_form_is_not_heard)
{
    static const char *const CODES[] = {"E_SL_KEY", "E_FMT_STATUS", "E_FMT_STATUS", "E_FMT_STATUS",
                                        "OK"};
    static const enum att_verdict VERDICTS[] = {ATT_VERDICT_UNDECIDED, ATT_VERDICT_MALFORMED,
                                                ATT_VERDICT_MALFORMED, ATT_VERDICT_MALFORMED,
                                                ATT_VERDICT_PASS};
    size_t len = _i == 2 ? ATT_STATUS_BYTES_MAX + 1 : 16;
    uint8_t *zeros = calloc(1, len);
    struct att_trust_rules rules = {0};
    struct att_buf *label = genuine(ISSUER_URI);
    struct att_buf *lst = NULL;
    struct att_buf *list = NULL;
    struct issuer stranger;
    enum att_verdict verdict;
    struct att_check c;

    issuer_open(&stranger);
    NEED(zeros != NULL && att_zlib_deflate(&lst, att_slice_of(zeros, len)) == ATT_OK);
    NEED(_i != 3 || att_buf_add(lst, "", 1) == ATT_OK);
    list = token_around(_i == 0 ? &stranger : &is, _i == 1 ? ATT_TYPE_LABEL : ATT_TYPE_STATUS_LIST,
                        att_buf_slice(lst));
    c = judge(&verdict, att_buf_slice(label), list, &rules, NOW);
    ck_assert_str_eq(att_reason_code(c.why.reason), CODES[_i]);
    ck_assert_int_eq(verdict, VERDICTS[_i]);
    ck_assert(c.why.err != ATT_E_FORMAT || _i == 1);
    ck_assert(_i != 2 || c.why.err == ATT_E_LIMIT);
    ck_assert(_i != 3 || c.why.err == ATT_E_TRAILING);
    issuer_close(&stranger);
    att_buf_free(list);
    att_buf_free(lst);
    att_buf_free(label);
    free(zeros);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"C-15", C15_status_claim_that_cannot_be_asked_is_refused, (int)ATT_COUNT(CLAIMS), 0},
        {"G-status", G_status_what_the_list_says_counts_and_for_its_time, (int)ATT_COUNT(LISTED),
         0},
        {"G-status-other", G_status_list_of_somebody_else_is_not_heard, 3, 0},
        {"G-status-none", G_status_that_nobody_told_is_not_valid, 0, 0},
        {"G-status-form", G_status_list_of_another_form_is_not_heard, 5, 0},
    };
    int code = 0;

    issuer_open(&is);
    code = attack_rows("attacks: status of labels", rows, ATT_COUNT(rows));
    issuer_close(&is);
    return code;
}
