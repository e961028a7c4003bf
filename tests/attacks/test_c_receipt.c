/* Group C, labels and the log: a label that was never logged, or that travels with another's receipt. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/offline.h"
#include "attack.h"
#include "base/file.h"
#include "codec/cbor_wr.h"
#include "crypto/cert.h"
#include "logscene.h"
#include "logtest.h"
#include "need.h"
#include "partner.h"
#include "tlog/receipt.h"
#include "treetest.h"

static void expect(struct partner *p, struct att_slice label, enum att_verdict verdict,
                   enum att_reason reason)
{
    const struct att_check *log = NULL;

    ck_assert_int_eq(att_offline_check(p->out, label, p->anchors, &p->rules, inproc_utc_s), ATT_OK);
    log = partner_check(p->out, "log");
    ck_assert_ptr_nonnull(log);
    ck_assert_msg(p->out->verdict == verdict && log->why.reason == reason, "%d %s %s",
                  p->out->verdict, att_reason_code(log->why.reason), log->why.text);
}

/* The label without anything unprotected. */
static struct att_buf *bare(struct att_slice label)
{
    static const uint8_t none = 0xa0;
    struct att_buf *out = NULL;
    struct att_cose m;

    NEED(att_cose_parse(&m, label, NULL) == ATT_OK);
    NEED(att_cose_with_unprotected(&out, &m, att_slice_of(&none, 1)) == ATT_OK);
    return out;
}

static struct att_slice receipt_of(struct att_slice label)
{
    struct att_slice receipt[ATT_RECEIPTS_MAX];
    struct att_cose m;
    size_t count = 0;

    NEED(att_cose_parse(&m, label, NULL) == ATT_OK);
    NEED(att_receipts_of(receipt, &count, &m, NULL) == ATT_OK && count == 1);
    return receipt[0];
}

START_TEST(C_17__label_that_was_never_logged)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *alone = NULL;
    struct partner p;

    partner_open(&p);
    label = logscene_label(&p.s);
    expect(&p, att_buf_slice(label), ATT_VERDICT_PASS, ATT_R_NONE);
    ck_assert(p.out->receipt.known && p.out->receipt.index + 1 == p.out->receipt.size);
    alone = bare(att_buf_slice(label));
    expect(&p, att_buf_slice(alone), ATT_VERDICT_UNDECIDED, ATT_R_TL_NORECEIPT);
    ck_assert(!p.out->receipt.known);
    p.rules.log_insisted = true;
    expect(&p, att_buf_slice(alone), ATT_VERDICT_FAIL, ATT_R_TL_NORECEIPT);
    p.rules.log_insisted = false;
    p.rules.log_required = false;
    expect(&p, att_buf_slice(alone), ATT_VERDICT_PASS, ATT_R_NONE);
    partner_close(&p);
}
END_TEST

START_TEST(C_18__receipt_of_another_label)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *first = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *second = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *mixed = NULL;
    struct partner p;

    partner_open(&p);
    first = logscene_label(&p.s);
    second = logscene_label(&p.s);
    NEED(att_receipt_attach(&mixed, att_buf_slice(first), receipt_of(att_buf_slice(second)),
                            NULL) == ATT_OK);
    expect(&p, att_buf_slice(mixed), ATT_VERDICT_FAIL, ATT_R_TL_LEAF);
    p.rules.log_required = false; /* a wrong one is wrong, asked for or not */
    expect(&p, att_buf_slice(mixed), ATT_VERDICT_FAIL, ATT_R_TL_LEAF);
    partner_close(&p);
}
END_TEST

/* The log says of the label something else than the label says, here that it ends a day later; or is the hash of
 * another label with the same claims. */
START_TEST(C_18__entry_that_contradicts_the_label)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *entry = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *root = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *receipt = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *mixed = NULL;
    struct att_entry_facts f = {.kind = "label", .of_label = true};
    struct att_merkle_path path = {0};
    struct att_receipt_place place = {.size = 1, .path = &path};
    struct att_receipt_root signed_root = {.head = {.size = 1}};
    struct treetest t;
    struct att_signer *issuer, *log;
    int status;
    struct partner p;

    partner_open(&p);
    label = logscene_label(&p.s);
    expect(&p, att_buf_slice(label), ATT_VERDICT_PASS, ATT_R_NONE);
    issuer = partner_key(&p, "label.key");
    log = partner_key(&p, "log.key");
    f.issuer = p.out->label.issuer;
    f.subject = p.out->label.subject;
    f.cti = p.out->label.cti;
    f.iat = p.out->label.iat;
    f.exp = p.out->label.exp + (_i == 0 ? 86400 : 0);
    status = (int)p.out->label.status;
    f.status = &status;
    NEED(att_entry_of_label(f.digest, att_buf_slice(label), NULL) == ATT_OK);
    f.digest[0] ^= _i == 1 ? 1 : 0;
    NEED(att_entry_make(&entry, &f, issuer) == ATT_OK);
    treetest_open(&t, 1);
    NEED(att_merkle_leaf(signed_root.head.root, t.hasher, att_buf_slice(entry)) == ATT_OK);
    treetest_close(&t);
    signed_root.origin = p.out->receipt.origin;
    NEED(att_receipt_sign(&root, &signed_root, log) == ATT_OK);
    NEED(att_receipt_make(&receipt, att_buf_slice(root), &place, att_buf_slice(entry)) == ATT_OK);
    NEED(att_receipt_attach(&mixed, att_buf_slice(label), att_buf_slice(receipt), NULL) == ATT_OK);
    expect(&p, att_buf_slice(mixed), ATT_VERDICT_FAIL, ATT_R_TL_LEAF);
    att_signer_free(issuer);
    att_signer_free(log);
    partner_close(&p);
}
END_TEST

/* A receipt of a log that nobody here knows is not the receipt that was asked for. */
START_TEST(C_18__receipt_of_a_strangers_log)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *receipt = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *mixed = NULL;
    struct att_entry_facts f = logtest_label_facts();
    ATT_CLEANUP(att_buf_freep) struct att_buf *entry = NULL;
    struct logtest stranger;
    struct partner p;

    partner_open(&p);
    logtest_open(&stranger);
    label = logscene_label(&p.s);
    NEED(att_entry_make(&entry, &f, stranger.issuer) == ATT_OK);
    logtest_receipt(&receipt, &stranger, att_buf_slice(entry), 0, 1);
    NEED(att_receipt_attach(&mixed, att_buf_slice(label), att_buf_slice(receipt), NULL) == ATT_OK);
    expect(&p, att_buf_slice(mixed), ATT_VERDICT_FAIL, ATT_R_TL_RECEIPT);
    logtest_close(&stranger);
    partner_close(&p);
}
END_TEST

/* Nothing else travels where no signature looks. */
START_TEST(C_05__unprotected_header_beside_the_receipts)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *made = NULL;
    static const uint8_t note[] = {0xa1, 0x18, 0x63, 0x01}; /* {99: 1} */
    struct att_cose m;
    struct partner p;

    partner_open(&p);
    label = logscene_label(&p.s);
    NEED(att_cose_parse(&m, att_buf_slice(label), NULL) == ATT_OK);
    NEED(att_cose_with_unprotected(&made, &m, att_slice_of(note, sizeof(note))) == ATT_OK);
    p.rules.log_required = false;
    expect(&p, att_buf_slice(made), ATT_VERDICT_MALFORMED, ATT_R_TL_RECEIPT);
    partner_close(&p);
}
END_TEST

/* C-21 with the receipt: whichever bit is changed, it is "no" or malformed, never "yes" and never "missing". */
START_TEST(C_21__any_bit_of_label_and_receipt)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    uint8_t *bytes;
    struct partner p;

    partner_open(&p);
    label = logscene_label(&p.s);
    bytes = (uint8_t *)(uintptr_t)att_buf_slice(label).p;
    for (size_t i = attack_long() ? 0 : 3; i < 8 * att_buf_len(label); i += attack_long() ? 1 : 7) {
        bytes[i / 8] ^= (uint8_t)(1U << i % 8);
        ck_assert_int_eq(
            att_offline_check(p.out, att_buf_slice(label), p.anchors, &p.rules, inproc_utc_s),
            ATT_OK);
        ck_assert_msg(p.out->verdict == ATT_VERDICT_FAIL || p.out->verdict == ATT_VERDICT_MALFORMED,
                      "bit %zu: %d", i, p.out->verdict);
        bytes[i / 8] ^= (uint8_t)(1U << i % 8);
    }
    partner_close(&p);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"C-05-label", C_05__unprotected_header_beside_the_receipts, 0, 60},
        {"C-17", C_17__label_that_was_never_logged, 0, 60},
        {"C-18", C_18__receipt_of_another_label, 0, 60},
        {"C-18-claims", C_18__entry_that_contradicts_the_label, 2, 60},
        {"C-18-log", C_18__receipt_of_a_strangers_log, 0, 60},
        {"C-21-receipt", C_21__any_bit_of_label_and_receipt, 0, 120},
    };

    return attack_rows("attacks: labels and the log", rows, ATT_COUNT(rows));
}
