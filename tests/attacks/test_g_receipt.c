/* Group G, receipts and entries: of another log, another kind of tree, another key, or with something slipped in. */
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "codec/cbor_wr.h"
#include "evidence/profile.h"
#include "logtest.h"
#include "need.h"

/* A receipt of entry 5 of 9, and its parts to make others from. */
struct given {
    struct logtest l;
    struct att_buf *entry, *receipt;
    struct att_cose m;
};

static void given_open(struct given *g)
{
    struct att_entry_facts f = logtest_label_facts();

    memset(g, 0, sizeof(*g));
    logtest_open(&g->l);
    NEED(att_entry_make(&g->entry, &f, g->l.issuer) == ATT_OK);
    logtest_receipt(&g->receipt, &g->l, att_buf_slice(g->entry), 5, 9);
    NEED(att_cose_parse_detached(&g->m, att_buf_slice(g->receipt), NULL) == ATT_OK);
}

static void given_close(struct given *g)
{
    att_buf_free(g->entry);
    att_buf_free(g->receipt);
    logtest_close(&g->l);
}

static void refused(const struct given *g, struct att_slice receipt, const char *origin,
                    enum att_reason reason)
{
    struct att_diag diag = {0};
    struct att_receipt r;

    ck_assert_int_ne(att_receipt_verify(&r, receipt, origin, g->l.log->public_key, &diag), ATT_OK);
    ck_assert_msg(diag.reason == reason, "%s %s", att_reason_code(diag.reason), diag.text);
}

/* The root that the receipt proves, which a test may sign in its own way. */
static void root_of(const struct given *g, uint8_t root[ATT_MERKLE_LEN])
{
    struct att_receipt r;

    NEED(att_receipt_verify(&r, att_buf_slice(g->receipt), LOGTEST_ORIGIN, g->l.log->public_key,
                            NULL) == ATT_OK);
    memcpy(root, r.head.root, ATT_MERKLE_LEN);
}

/* Signed by the log, with the vds of another kind of tree, or none: the path means something else there. */
START_TEST(G_14__another_kind_of_log)
{
    static const int64_t VDS[] = {2, 0};
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *receipt = NULL;
    uint8_t root[ATT_MERKLE_LEN];
    struct att_cose_order order = {
        .payload = att_slice_of(root, sizeof(root)), .vds = VDS[_i], .detached = true};
    struct att_cose other;
    struct given g;

    given_open(&g);
    root_of(&g, root);
    order.cwt_claims = g.m.cwt_claims;
    NEED(att_cose_make(&message, &order, g.l.log) == ATT_OK);
    NEED(att_cose_parse_detached(&other, att_buf_slice(message), NULL) == ATT_OK);
    NEED(att_cose_with_unprotected(&receipt, &other, g.m.unprotected) == ATT_OK);
    refused(&g, att_buf_slice(receipt), LOGTEST_ORIGIN, ATT_R_TL_VDS);
    given_close(&g);
}
END_TEST

/* vds where no signature covers it. */
START_TEST(G_14__kind_of_log_that_nobody_signed)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *receipt = NULL;
    uint8_t root[ATT_MERKLE_LEN], room[4096];
    struct att_cose_order order = {.payload = att_slice_of(root, sizeof(root)), .detached = true};
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_slice unprotected;
    struct att_cose other;
    struct given g;

    given_open(&g);
    root_of(&g, root);
    order.cwt_claims = g.m.cwt_claims;
    NEED(att_cose_make(&message, &order, g.l.log) == ATT_OK);
    NEED(att_cose_parse_detached(&other, att_buf_slice(message), NULL) == ATT_OK);
    /* the two members as they are, behind {395: 1 */
    att_cbor_wr_map(&w, 3);
    att_cbor_wr_uint(&w, 395);
    att_cbor_wr_uint(&w, 1);
    att_wr_bytes(&w, g.m.unprotected.p + 1, g.m.unprotected.len - 1);
    NEED(att_cbor_wr_done(&w, &unprotected) == ATT_OK);
    NEED(att_cose_with_unprotected(&receipt, &other, unprotected) == ATT_OK);
    refused(&g, att_buf_slice(receipt), LOGTEST_ORIGIN, ATT_R_TL_VDS);
    given_close(&g);
}
END_TEST

/* 5 of 9 has a path of the shape of 5 of 11: only what is signed tells the sizes apart. */
START_TEST(G_01__size_that_the_log_did_not_sign)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *receipt = NULL;
    uint8_t unprotected[4096];
    struct given g;

    given_open(&g);
    NEED(g.m.unprotected.len <= sizeof(unprotected));
    memcpy(unprotected, g.m.unprotected.p, g.m.unprotected.len);
    NEED(unprotected[10] == 9 && unprotected[11] == 5); /* {396: {-1: [h'83 size index ... */
    unprotected[10] = 11;
    NEED(att_cose_with_unprotected(&receipt, &g.m,
                                   att_slice_of(unprotected, g.m.unprotected.len)) == ATT_OK);
    refused(&g, att_buf_slice(receipt), LOGTEST_ORIGIN, ATT_R_TL_PROOF);
    given_close(&g);
}
END_TEST

START_TEST(G_17__signed_by_the_label_key)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *receipt = NULL;
    struct logtest wrong;
    struct given g;

    given_open(&g);
    wrong = g.l;
    wrong.log = g.l.issuer;
    logtest_receipt(&receipt, &wrong, att_buf_slice(g.entry), 5, 9);
    refused(&g, att_buf_slice(receipt), LOGTEST_ORIGIN, ATT_R_TL_SIGNATURE);
    given_close(&g);
}
END_TEST

START_TEST(G_18__receipt_of_another_log)
{
    struct given g;

    given_open(&g);
    refused(&g, att_buf_slice(g.receipt), "log.test/two", ATT_R_TL_RECEIPT);
    given_close(&g);
}
END_TEST

START_TEST(G_16__entry_signed_by_another_key)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *entry = NULL;
    struct att_entry_facts f = logtest_label_facts();
    struct att_diag diag = {0};
    struct logtest stranger;
    struct att_entry e;
    struct given g;

    given_open(&g);
    logtest_open(&stranger);
    NEED(att_entry_make(&entry, &f, stranger.issuer) == ATT_OK);
    NEED(att_entry_parse(&e, att_buf_slice(entry), NULL) == ATT_OK);
    ck_assert_int_eq(att_entry_verify(&e, g.l.issuer->public_key, &diag), ATT_E_UNTRUSTED);
    ck_assert_int_eq(diag.reason, ATT_R_TL_SIGNATURE);
    logtest_close(&stranger);
    given_close(&g);
}
END_TEST

/* A label of the same key is a signed message too, and no entry. */
START_TEST(G_16__statement_of_another_kind)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *made = NULL;
    struct att_diag diag = {0};
    struct att_entry e;
    struct given g;
    struct att_cose_order order = {
        .typ = ATT_TYPE_LABEL, .payload_hash = -16, .preimage_type = ATT_TYPE_LABEL};

    given_open(&g);
    NEED(att_entry_parse(&e, att_buf_slice(g.entry), NULL) == ATT_OK);
    order.kid = e.message.kid;
    order.cwt_claims = e.message.cwt_claims;
    order.payload = e.message.payload_untrusted;
    NEED(att_cose_make(&made, &order, g.l.issuer) == ATT_OK);
    ck_assert_int_eq(att_entry_parse(&e, att_buf_slice(made), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_TL_ENTRY);
    given_close(&g);
}
END_TEST

/* The same statement in other bytes would be a second entry (G-12). */
START_TEST(G_12__entry_with_an_unprotected_header)
{
    static const uint8_t NOTE[] = {0xa1, 0x18, 0x63, 0x01}; /* {99: 1} */
    ATT_CLEANUP(att_buf_freep) struct att_buf *made = NULL;
    struct att_diag diag = {0};
    struct att_entry e;
    struct given g;

    given_open(&g);
    NEED(att_entry_parse(&e, att_buf_slice(g.entry), NULL) == ATT_OK);
    NEED(att_cose_with_unprotected(&made, &e.message, att_slice_of(NOTE, sizeof(NOTE))) == ATT_OK);
    ck_assert_int_eq(att_entry_parse(&e, att_buf_slice(made), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_TL_ENTRY);
    given_close(&g);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-01-size", G_01__size_that_the_log_did_not_sign, 0, 0},
        {"G-12-header", G_12__entry_with_an_unprotected_header, 0, 0},
        {"G-14", G_14__another_kind_of_log, 2, 0},
        {"G-14-outside", G_14__kind_of_log_that_nobody_signed, 0, 0},
        {"G-16-key", G_16__entry_signed_by_another_key, 0, 0},
        {"G-16-kind", G_16__statement_of_another_kind, 0, 0},
        {"G-17-receipt", G_17__signed_by_the_label_key, 0, 0},
        {"G-18-origin", G_18__receipt_of_another_log, 0, 0},
    };

    return attack_rows("attacks: entries and receipts", rows, ATT_COUNT(rows));
}
