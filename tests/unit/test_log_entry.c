/* Entries and receipts: what is made is read, and what is not of the form is told by name. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "codec/cbor_wr.h"
#include "cosetest.h"
#include "logtest.h"
#include "need.h"
#include "suite.h"

static struct logtest l;

static void set_up(void)
{
    logtest_open(&l);
}

static void tear_down(void)
{
    logtest_close(&l);
}

START_TEST(att_entry__of_a_label_is_read_as_it_was_made)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct att_entry_facts f = logtest_label_facts();
    struct att_entry e;

    ck_assert_int_eq(att_entry_make(&b, &f, l.issuer), ATT_OK);
    ck_assert_int_eq(att_entry_parse(&e, att_buf_slice(b), NULL), ATT_OK);
    ck_assert_str_eq(e.issuer, f.issuer);
    ck_assert_str_eq(e.subject, f.subject);
    ck_assert_str_eq(e.kind, f.kind);
    ck_assert_str_eq(e.reason, f.reason);
    ck_assert_int_eq(e.iat, f.iat);
    ck_assert_int_eq(e.exp, f.exp);
    ck_assert(e.of_label && e.has_cti && e.has_status && e.has_evidence && e.has_policy &&
              e.has_refvals);
    ck_assert_mem_eq(e.cti, f.cti, sizeof(e.cti));
    ck_assert_int_eq(e.status, 96);
    ck_assert_mem_eq(e.evidence, f.evidence, 32);
    ck_assert_mem_eq(e.policy, f.policy, 32);
    ck_assert_mem_eq(e.refvals, f.refvals, 32);
    ck_assert_mem_eq(e.digest, f.digest, 32);
    ck_assert_int_eq(att_entry_verify(&e, l.issuer->public_key, NULL), ATT_OK);
}
END_TEST

START_TEST(att_entry__without_a_label_needs_no_more_than_it_has)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct att_entry_facts f = logtest_event_facts();
    struct att_entry e;

    ck_assert_int_eq(att_entry_make(&b, &f, l.issuer), ATT_OK);
    ck_assert_int_eq(att_entry_parse(&e, att_buf_slice(b), NULL), ATT_OK);
    ck_assert(!e.of_label && !e.has_cti && !e.has_status && !e.has_evidence && !e.has_policy &&
              !e.has_refvals);
    ck_assert_str_eq(e.subject, "");
    ck_assert_str_eq(e.reason, "");
    ck_assert_int_eq(e.exp, 0);
}
END_TEST

START_TEST(att_entry__of_a_change_of_keys_names_both)
{
    static const char *const KINDS[] = {ATT_ENTRY_LABEL_KEY, ATT_ENTRY_LOG_KEY};
    static const uint8_t before[32] = {1}, now[32] = {2};
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct att_entry_facts f = logtest_event_facts();
    struct att_entry e;

    f.kind = KINDS[_i];
    f.reason = _i == 0 ? ATT_ENTRY_ROTATED : ATT_ENTRY_COMPROMISED;
    f.key_before = before;
    f.key_now = now;
    ck_assert_int_eq(att_entry_make(&b, &f, l.issuer), ATT_OK);
    ck_assert_int_eq(att_entry_parse(&e, att_buf_slice(b), NULL), ATT_OK);
    ck_assert(e.has_key_before && e.has_key_now && !e.has_policy && !e.has_refvals);
    ck_assert_mem_eq(e.key_before, before, 32);
    ck_assert_mem_eq(e.key_now, now, 32);
}
END_TEST

enum change {
    NO_ISSUER,
    NO_KIND,
    NO_TIME,
    BLANK_KIND,
    LABEL_WITHOUT_EXP,
    LABEL_WITHOUT_STATUS,
    LABEL_WITHOUT_CTI,
    LABEL_WITHOUT_SUBJECT,
    EVENT_WITH_EXP,
    EVENT_WITH_STATUS,
    LONG_REASON,
    KEYS_OF_ANOTHER_KIND,
    KEY_CHANGE_WITHOUT_BEFORE,
    KEY_CHANGE_WITHOUT_NOW,
    KEY_CHANGE_WITHOUT_WHY,
    KEY_CHANGE_OF_A_LABEL,
    CHANGES
};

static struct att_entry_facts changed(enum change c)
{
    static const int status = 2;
    static const uint8_t key[32] = {3};
    bool label = c < EVENT_WITH_EXP;
    struct att_entry_facts f = label ? logtest_label_facts() : logtest_event_facts();

    f.issuer = c == NO_ISSUER ? "" : f.issuer;
    f.kind = c == NO_KIND ? "" : c == BLANK_KIND ? "a b" : f.kind;
    f.iat = c == NO_TIME ? 0 : f.iat;
    f.exp = c == LABEL_WITHOUT_EXP ? 0 : c == EVENT_WITH_EXP ? LOGTEST_NOW : f.exp;
    f.status = c == LABEL_WITHOUT_STATUS ? NULL : c == EVENT_WITH_STATUS ? &status : f.status;
    f.cti = c == LABEL_WITHOUT_CTI ? NULL : f.cti;
    f.subject = c == LABEL_WITHOUT_SUBJECT ? NULL : f.subject;
    f.reason = c == LONG_REASON ? "E_0123456789012345678901234567890123456789" : f.reason;
    if (c >= KEYS_OF_ANOTHER_KIND) {
        f = c == KEY_CHANGE_OF_A_LABEL ? logtest_label_facts() : f;
        f.kind = c == KEYS_OF_ANOTHER_KIND ? f.kind : ATT_ENTRY_LABEL_KEY;
        f.reason = c == KEY_CHANGE_WITHOUT_WHY  ? NULL
                   : c == KEY_CHANGE_OF_A_LABEL ? "stolen"
                                                : ATT_ENTRY_ROTATED;
        f.key_before = c == KEY_CHANGE_WITHOUT_BEFORE ? NULL : key;
        f.key_now = c == KEY_CHANGE_WITHOUT_NOW ? NULL : key;
    }
    return f;
}

/* Nothing is signed that nobody would read. */
START_TEST(att_entry_make__refuses_facts_that_are_no_entry)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct att_entry_facts f = changed((enum change)_i);

    ck_assert_int_eq(att_entry_make(&b, &f, l.issuer), ATT_E_INTERNAL);
    ck_assert_ptr_null(b);
}
END_TEST

START_TEST(att_entry_verify__holds_to_the_key_that_is_named)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct att_entry_facts f = logtest_event_facts();
    struct att_diag diag = {0};
    struct att_entry e;
    uint8_t *bytes;

    NEED(att_entry_make(&b, &f, l.issuer) == ATT_OK);
    NEED(att_entry_parse(&e, att_buf_slice(b), NULL) == ATT_OK);
    ck_assert_int_eq(att_entry_verify(&e, l.log->public_key, &diag), ATT_E_UNTRUSTED);
    ck_assert_int_eq(diag.reason, ATT_R_TL_SIGNATURE);
    bytes = (uint8_t *)(uintptr_t)att_buf_slice(b).p;
    bytes[att_buf_len(b) - 1] ^= 1;
    ck_assert_int_eq(att_entry_verify(&e, l.issuer->public_key, &diag), ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_TL_SIGNATURE);
}
END_TEST

/* Every bit of an entry: not read any more, or not signed any more. */
START_TEST(att_entry__no_bit_can_be_changed)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct att_entry_facts f = logtest_label_facts();
    struct att_entry e;
    uint8_t *bytes;

    NEED(att_entry_make(&b, &f, l.issuer) == ATT_OK);
    bytes = (uint8_t *)(uintptr_t)att_buf_slice(b).p;
    for (size_t i = 0; i < 8 * att_buf_len(b); i++) {
        bytes[i / 8] ^= (uint8_t)(1U << i % 8);
        ck_assert_msg(att_entry_parse(&e, att_buf_slice(b), NULL) != ATT_OK ||
                          att_entry_verify(&e, l.issuer->public_key, NULL) != ATT_OK,
                      "bit %zu", i);
        bytes[i / 8] ^= (uint8_t)(1U << i % 8);
    }
}
END_TEST

START_TEST(att_entry_of_label__is_the_same_with_and_without_receipts)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *with = NULL;
    const struct att_cose_order order = {.typ = "application/eat+cwt",
                                         .payload = att_slice_str(COSETEST_PAYLOAD)};
    uint8_t bare[32], dressed[32], whole[32];

    NEED(att_cose_make(&label, &order, l.issuer) == ATT_OK);
    ck_assert_int_eq(
        att_receipt_attach(&with, att_buf_slice(label), att_slice_str("receipt"), NULL), ATT_OK);
    ck_assert_int_eq(att_entry_of_label(bare, att_buf_slice(label), NULL), ATT_OK);
    ck_assert_int_eq(att_entry_of_label(dressed, att_buf_slice(with), NULL), ATT_OK);
    NEED(att_sha256(att_buf_slice(label), whole) == ATT_OK);
    ck_assert_mem_eq(bare, dressed, sizeof(bare));
    ck_assert_mem_eq(bare, whole, sizeof(bare));
}
END_TEST

START_TEST(att_receipts_of__gives_what_a_label_carries)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *with = NULL;
    const struct att_cose_order order = {.payload = att_slice_str(COSETEST_PAYLOAD)};
    struct att_slice receipt[ATT_RECEIPTS_MAX];
    struct att_cose m;
    size_t count = 9;

    NEED(att_cose_make(&label, &order, l.issuer) == ATT_OK);
    NEED(att_cose_parse(&m, att_buf_slice(label), NULL) == ATT_OK);
    ck_assert_int_eq(att_receipts_of(receipt, &count, &m, NULL), ATT_OK);
    ck_assert_uint_eq(count, 0);
    NEED(att_receipt_attach(&with, att_buf_slice(label), att_slice_str("receipt"), NULL) == ATT_OK);
    NEED(att_cose_parse(&m, att_buf_slice(with), NULL) == ATT_OK);
    ck_assert_int_eq(att_receipts_of(receipt, &count, &m, NULL), ATT_OK);
    ck_assert_uint_eq(count, 1);
    ck_assert(att_slice_eq(receipt[0], att_slice_str("receipt")));
}
END_TEST

/* {394: []}, {394: ["text"]}, {394: h'00'}, {394: [h'00', h'00', h'00', h'00', h'00']} */
static const struct {
    size_t len;
    uint8_t bytes[16];
} BAD_RECEIPTS[] = {
    {5, {0xa1, 0x19, 0x01, 0x8a, 0x80}},
    {7, {0xa1, 0x19, 0x01, 0x8a, 0x81, 0x61, 'x'}},
    {6, {0xa1, 0x19, 0x01, 0x8a, 0x41, 0x00}},
    {15, {0xa1, 0x19, 0x01, 0x8a, 0x85, 0x41, 0, 0x41, 0, 0x41, 0, 0x41, 0, 0x41, 0}},
};

START_TEST(att_receipts_of__refuses_what_is_no_list_of_receipts)
{
    struct att_cose m = {.unprotected = att_slice_of(BAD_RECEIPTS[_i].bytes, BAD_RECEIPTS[_i].len)};
    struct att_slice receipt[ATT_RECEIPTS_MAX];
    struct att_diag diag = {0};
    size_t count = 0;

    ck_assert_int_ne(att_receipts_of(receipt, &count, &m, &diag), ATT_OK);
    ck_assert_int_eq(diag.reason, ATT_R_TL_RECEIPT);
}
END_TEST

static const uint64_t PLACES[][2] = {{0, 1}, {0, 2}, {4, 5}, {255, 256}, {256, 257}, {3, 700}};

START_TEST(att_receipt__proves_an_entry_wherever_it_stands)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *entry = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *receipt = NULL;
    struct att_entry_facts f = logtest_label_facts();
    char origin[ATT_ENTRY_NAME_MAX];
    struct att_receipt r;

    NEED(att_entry_make(&entry, &f, l.issuer) == ATT_OK);
    logtest_receipt(&receipt, &l, att_buf_slice(entry), PLACES[_i][0], PLACES[_i][1]);
    ck_assert_int_eq(att_receipt_origin(origin, sizeof(origin), att_buf_slice(receipt), NULL),
                     ATT_OK);
    ck_assert_str_eq(origin, LOGTEST_ORIGIN);
    ck_assert_int_eq(
        att_receipt_verify(&r, att_buf_slice(receipt), LOGTEST_ORIGIN, l.log->public_key, NULL),
        ATT_OK);
    ck_assert_uint_eq(r.index, PLACES[_i][0]);
    ck_assert_uint_eq(r.head.size, PLACES[_i][1]);
    ck_assert(att_slice_eq(r.entry, att_buf_slice(entry)));
}
END_TEST

START_TEST(att_receipt__no_bit_can_be_changed)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *entry = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *receipt = NULL;
    struct att_entry_facts f = logtest_event_facts();
    struct att_receipt r;
    uint8_t *bytes;

    NEED(att_entry_make(&entry, &f, l.issuer) == ATT_OK);
    logtest_receipt(&receipt, &l, att_buf_slice(entry), 5, 9);
    bytes = (uint8_t *)(uintptr_t)att_buf_slice(receipt).p;
    for (size_t i = 0; i < 8 * att_buf_len(receipt); i++) {
        bytes[i / 8] ^= (uint8_t)(1U << i % 8);
        ck_assert_msg(att_receipt_verify(&r, att_buf_slice(receipt), LOGTEST_ORIGIN,
                                         l.log->public_key, NULL) != ATT_OK,
                      "bit %zu", i);
        bytes[i / 8] ^= (uint8_t)(1U << i % 8);
    }
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {att_entry__of_a_label_is_read_as_it_was_made, 0},
        {att_entry__without_a_label_needs_no_more_than_it_has, 0},
        {att_entry__of_a_change_of_keys_names_both, 2},
        {att_entry_make__refuses_facts_that_are_no_entry, CHANGES},
        {att_entry_verify__holds_to_the_key_that_is_named, 0},
        {att_entry__no_bit_can_be_changed, 0},
        {att_entry_of_label__is_the_same_with_and_without_receipts, 0},
        {att_receipts_of__gives_what_a_label_carries, 0},
        {att_receipts_of__refuses_what_is_no_list_of_receipts, (int)ATT_COUNT(BAD_RECEIPTS)},
        {att_receipt__proves_an_entry_wherever_it_stands, (int)ATT_COUNT(PLACES)},
        {att_receipt__no_bit_can_be_changed, 0},
    };
    const struct suite_fixture fixture = {set_up, tear_down};

    return SUITE_RUN_ROWS("log_entry", rows, &fixture);
}
