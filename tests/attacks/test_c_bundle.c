/*
 * Bundles: what a partner gets in one file, from whoever hands it over. A verifier in one process makes the label, its
 * log and its status list; a witness of the test cosigns; the partner has the anchors and nothing else.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/bundle.h"
#include "appraise/offline.h"
#include "attack.h"
#include "base/file.h"
#include "base/hex.h"
#include "bytes.h"
#include "crypto/digest.h"
#include "evidence/profile.h"
#include "logscene.h"
#include "need.h"
#include "notetest.h"
#include "partner.h"
#include "tlog/checkpoint.h"
#include "tlog/receipt.h"
#include "treetest.h"

/* A partner that asks for everything. */
static void open_partner(struct partner *p)
{
    partner_open(p);
    p->rules.key_count = 2;
    p->rules.status_required = true;
    p->rules.witnesses = 1;
}

static void expect(struct partner *p, const struct att_buf *bundle, enum att_verdict verdict,
                   const char *id, enum att_reason reason)
{
    const struct att_check *c = NULL;

    ck_assert_int_eq(att_offline_check_bundle(p->out, att_buf_slice(bundle), p->anchors, &p->rules,
                                              inproc_utc_s),
                     ATT_OK);
    c = partner_check(p->out, id);
    ck_assert_msg(c != NULL, "no check %s", id);
    ck_assert_msg(p->out->verdict == verdict && c->why.reason == reason, "%d %s: %s %s",
                  p->out->verdict, id, att_reason_code(c->why.reason), c->why.text);
}

START_TEST(C_bundle_answers_everything_that_is_asked)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *bundle = NULL;
    struct partner p;

    open_partner(&p);
    label = logscene_label(&p.s);
    bundle = partner_bundle(&p, label);
    expect(&p, bundle, ATT_VERDICT_PASS, "checkpoint", ATT_R_NONE);
    ck_assert(p.out->checkpoint.known && p.out->checkpoint.witnesses == 1);
    ck_assert_uint_eq(p.out->checkpoint.size, p.out->receipt.size);
    ck_assert(p.out->status.known && p.out->status.value == ATT_STATUS_VALID);
    ck_assert_int_eq(partner_check(p.out, "newest")->status, ATT_CHECK_NOT_APPLICABLE);
    p.rules.device_id = "gw-2"; /* C-14 */
    expect(&p, bundle, ATT_VERDICT_FAIL, "subject", ATT_R_LBL_SUBJECT);
    partner_close(&p);
}
END_TEST

/* Nothing that one says was changed: neither of label, log, witnesses nor list. */
static bool same_meaning(const struct att_offline *a, const struct att_offline *b)
{
    struct att_label la = a->label, lb = b->label;

    la.encoded = lb.encoded = (struct att_slice){0};
    return memcmp(&la, &lb, sizeof(la)) == 0 &&
           memcmp(&a->status, &b->status, sizeof(a->status)) == 0 &&
           (!b->receipt.known || memcmp(&a->receipt, &b->receipt, sizeof(a->receipt)) == 0) &&
           b->checkpoint.witnesses <= a->checkpoint.witnesses;
}

/*
 * C-21 over a bundle. Row r flips bit r of every byte. With everything required none is good; with nothing required
 * one that is good says the same: what stands where nobody here looks (the log's part, without its key) may differ.
 */
START_TEST(C_21_bit_flipped_in_a_bundle)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *bundle = NULL;
    const struct att_trust_rules lax = {0};
    struct att_offline *whole_out = calloc(1, sizeof(*whole_out));
    struct att_offline *o = calloc(1, sizeof(*o));
    struct partner p;
    uint8_t *bytes = NULL;
    size_t len = 0;

    NEED(whole_out != NULL && o != NULL);
    open_partner(&p);
    label = logscene_label(&p.s);
    bundle = partner_bundle(&p, label);
    len = att_buf_len(bundle);
    bytes = malloc(len);
    NEED(bytes != NULL);
    memcpy(bytes, att_buf_slice(bundle).p, len);
    NEED(att_offline_check_bundle(whole_out, att_slice_of(bytes, len), p.anchors, &lax,
                                  inproc_utc_s) == ATT_OK);
    ck_assert_int_eq(whole_out->verdict, ATT_VERDICT_PASS);
    for (size_t i = 0; i < len; i++) {
        bytes[i] ^= (uint8_t)(1U << _i);
        ck_assert_int_eq(att_offline_check_bundle(o, att_slice_of(bytes, len), p.anchors, &p.rules,
                                                  inproc_utc_s),
                         ATT_OK);
        ck_assert_msg(o->verdict != ATT_VERDICT_PASS, "byte %zu bit %d is good", i, _i);
        if (i % 16 == 0) {
            NEED(att_offline_check_bundle(o, att_slice_of(bytes, len), p.anchors, &lax,
                                          inproc_utc_s) == ATT_OK);
            ck_assert_msg(o->verdict != ATT_VERDICT_PASS || same_meaning(whole_out, o),
                          "byte %zu bit %d says something else", i, _i);
        }
        bytes[i] ^= (uint8_t)(1U << _i);
    }
    free(bytes);
    free(o);
    free(whole_out);
    partner_close(&p);
}
END_TEST

/* C-17, C-18: a label that was never logged, and one with another's receipt, beside a genuine checkpoint. */
START_TEST(C_17_18_bundle_without_its_receipt)
{
    static const uint8_t none = 0xa0;
    ATT_CLEANUP(att_buf_freep) struct att_buf *first = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *second = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *made = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *checkpoint = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *list = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *bundle = NULL;
    struct att_slice receipt[ATT_RECEIPTS_MAX];
    struct att_cose m;
    size_t count = 0;
    struct partner p;

    open_partner(&p);
    first = logscene_label(&p.s);
    second = logscene_label(&p.s);
    checkpoint = partner_checkpoint(&p, second);
    list = partner_list(&p);
    if (_i == 0) {
        NEED(att_cose_parse(&m, att_buf_slice(first), NULL) == ATT_OK);
        NEED(att_cose_with_unprotected(&made, &m, att_slice_of(&none, 1)) == ATT_OK);
    } else {
        NEED(att_cose_parse(&m, att_buf_slice(second), NULL) == ATT_OK);
        NEED(att_receipts_of(receipt, &count, &m, NULL) == ATT_OK && count == 1);
        NEED(att_receipt_attach(&made, att_buf_slice(first), receipt[0], NULL) == ATT_OK);
    }
    bundle = partner_pack(made, checkpoint, list);
    expect(&p, bundle, _i == 0 ? ATT_VERDICT_UNDECIDED : ATT_VERDICT_FAIL, "log",
           _i == 0 ? ATT_R_TL_NORECEIPT : ATT_R_TL_LEAF);
    ck_assert(!p.out->checkpoint.known);
    ck_assert_int_eq(partner_check(p.out, "checkpoint")->status, ATT_CHECK_NOT_RUN);
    partner_close(&p);
}
END_TEST

/* C-19: the key of the labels is revoked at the entry of the second of three. 0: what was before still counts; 1: nothing. */
START_TEST(C_19_label_key_revoked_at_an_entry)
{
    static const enum att_reason REASON[2][3] = {
        {ATT_R_NONE, ATT_R_LBL_REVOKED, ATT_R_LBL_REVOKED},
        {ATT_R_LBL_REVOKED, ATT_R_LBL_REVOKED, ATT_R_LBL_REVOKED}};
    struct att_revoked_key revoked = {.accept_before = _i == 0};
    struct att_buf *label[3];
    struct att_buf *bundle[3];
    struct att_signer *signer = NULL;
    struct partner p;

    open_partner(&p);
    signer = partner_key(&p, "label.key");
    NEED(att_pubkey_fingerprint(revoked.key, signer->public_key) == ATT_OK);
    for (size_t i = 0; i < 3; i++) {
        label[i] = logscene_label(&p.s);
        bundle[i] = partner_pack(label[i], NULL, NULL);
        partner_look(&p, label[i]);
        if (i == 1) {
            revoked.from = p.out->receipt.index;
            (void)snprintf(revoked.origin, sizeof(revoked.origin), "%s", p.out->receipt.origin);
        }
    }
    p.rules = (struct att_trust_rules){
        .key = p.keys, .key_count = 2, .revoked = &revoked, .revoked_count = 1};
    for (size_t i = 0; i < 3; i++) {
        expect(&p, bundle[i], REASON[_i][i] == ATT_R_NONE ? ATT_VERDICT_PASS : ATT_VERDICT_FAIL,
               "label-key", REASON[_i][i]);
    }
    /* of another log its number says nothing, and without a receipt nobody knows when it was made */
    revoked.origin[0] ^= 1;
    expect(&p, bundle[0], ATT_VERDICT_FAIL, "label-key", ATT_R_LBL_REVOKED);
    revoked.origin[0] ^= 1;
    p.rules.key_count = 0;
    expect(&p, bundle[0], ATT_VERDICT_FAIL, "label-key", ATT_R_LBL_REVOKED);
    revoked.key[0] ^= 1; /* another key is none of it */
    expect(&p, bundle[0], ATT_VERDICT_PASS, "label-key", ATT_R_NONE);
    for (size_t i = 0; i < 3; i++) {
        att_buf_free(label[i]);
        att_buf_free(bundle[i]);
    }
    att_signer_free(signer);
    partner_close(&p);
}
END_TEST

/* A list that the revoked key signed is the word of whoever has it now. */
START_TEST(C_19_list_by_a_revoked_key)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *bundle = NULL;
    struct att_revoked_key revoked = {.accept_before = true, .from = INT64_MAX};
    struct att_signer *signer = NULL;
    struct partner p;

    open_partner(&p);
    label = logscene_label(&p.s);
    bundle = partner_bundle(&p, label);
    signer = partner_key(&p, "label.key");
    NEED(att_pubkey_fingerprint(revoked.key, signer->public_key) == ATT_OK);
    (void)snprintf(revoked.origin, sizeof(revoked.origin), "%s", p.out->receipt.origin);
    p.rules.revoked = &revoked;
    p.rules.revoked_count = 1;
    expect(&p, bundle, ATT_VERDICT_UNDECIDED, "status-list", ATT_R_SL_KEY);
    att_signer_free(signer);
    partner_close(&p);
}
END_TEST

/* C-22: the older of two labels, with everything genuine, beside the newer bundle, label and checkpoint. */
START_TEST(C_22_older_label_is_superseded)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *first = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *second = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *later = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *a = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct partner p;

    open_partner(&p);
    first = logscene_label(&p.s);
    a = partner_bundle(&p, first);
    second = logscene_label(&p.s); /* of the same second: the log has the order */
    b = partner_bundle(&p, second);
    later = partner_checkpoint(&p, second);
    p.rules.newer = att_buf_slice(b);
    expect(&p, a, ATT_VERDICT_FAIL, "newest", ATT_R_LBL_SUPERSEDED);
    p.rules.newer = att_buf_slice(second);
    expect(&p, a, ATT_VERDICT_FAIL, "newest", ATT_R_LBL_SUPERSEDED);
    p.rules.newer = att_buf_slice(later);
    expect(&p, a, ATT_VERDICT_UNDECIDED, "newest", ATT_R_LBL_NEWEST);
    p.rules.newer = att_buf_slice(a);
    expect(&p, b, ATT_VERDICT_PASS, "newest", ATT_R_NONE);
    expect(&p, a, ATT_VERDICT_PASS, "newest", ATT_R_NONE);
    p.rules.newer = att_buf_slice(later);
    expect(&p, b, ATT_VERDICT_PASS, "newest", ATT_R_NONE);
    partner_close(&p);
}
END_TEST

/* A later label of which the last byte is another. */
static struct att_buf *altered(struct partner *p)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = logscene_label(&p->s);
    struct att_slice in = att_buf_slice(label);
    uint8_t last = in.p[in.len - 1] ^ 1;
    struct att_buf *out = NULL;

    NEED(att_buf_new(&out, in.len) == ATT_OK);
    NEED(att_buf_add(out, in.p, in.len - 1) == ATT_OK && att_buf_add(out, &last, 1) == ATT_OK);
    return out;
}

/* 0: of another gateway; 1: altered; 2: a checkpoint of a stranger; 3: no file of ours. */
START_TEST(C_22_newer_that_says_nothing)
{
    static const enum att_reason REASON[] = {ATT_R_LBL_SUBJECT, ATT_R_LBL_NEWEST, ATT_R_TL_CKPT,
                                             ATT_R_TL_CKPT};
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *bundle = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *other = NULL;
    struct att_merkle_head tree = {.size = 100};
    struct att_signer *stranger = notetest_log_signer();
    struct inproc_gateway gw = {0};
    char token[64];
    struct partner p;

    open_partner(&p);
    label = logscene_label(&p.s);
    bundle = partner_bundle(&p, label);
    if (_i == 0) {
        inproc_gateway_new(&gw, p.s.v, "gw-2", true);
        inproc_token(p.s.v, "gw-2", token);
        NEED(inproc_enrol(p.s.v, &gw, token) == ATT_R_NONE);
        inproc_attempt_clear(p.s.t);
        NEED(inproc_attest(p.s.v, &gw, p.s.t) == 200);
        NEED(att_buf_new(&other, p.s.t->outcome.label.len) == ATT_OK);
        NEED(att_buf_add_slice(other, p.s.t->outcome.label) == ATT_OK);
        inproc_gateway_free(&gw);
    } else if (_i == 1) {
        inproc_utc_s += 5; /* believed, it would be later */
        other = altered(&p);
    } else if (_i == 2) {
        other = partner_checkpoint_by(stranger, p.out->receipt.origin, &tree);
    } else {
        NEED(att_buf_new(&other, 16) == ATT_OK && att_buf_add(other, "hello\n", 6) == ATT_OK);
    }
    p.rules.newer = att_buf_slice(other);
    expect(&p, bundle, _i == 3 ? ATT_VERDICT_MALFORMED : ATT_VERDICT_UNDECIDED, "newest",
           REASON[_i]);
    att_signer_free(stranger);
    partner_close(&p);
}
END_TEST

/* The hashes of all entries, as everybody reads them. */
static void read_leaves(struct treetest *t, struct partner *p, uint64_t size)
{
    struct msg m = {.kind = MSG_LOG};
    struct inproc_answer a = {0};
    char path[64];

    (void)snprintf(path, sizeof(path), "tile/0/000.p/%llu", (unsigned long long)size);
    m.path = att_slice_str(path);
    inproc_ask(p->s.v, &m, &a, false);
    NEED(a.http == 200 && inproc_body(&a).len == size * ATT_MERKLE_LEN);
    *t = (struct treetest){.size = size, .leaf = calloc(size, ATT_MERKLE_LEN)};
    NEED(t->leaf != NULL && att_hasher_new(&t->hasher) == ATT_OK);
    memcpy(t->leaf, inproc_body(&a).p, inproc_body(&a).len);
    inproc_answer_clear(&a);
}

/* A later checkpoint: 0 with the proof; 1 without; 2 with one hash changed; 3 of the receipt's size and another root. */
START_TEST(C_bundle_checkpoint_of_another_tree)
{
    static const enum att_reason REASON[] = {ATT_R_NONE, ATT_R_TL_PROOF, ATT_R_TL_PROOF,
                                             ATT_R_TL_FORK};
    ATT_CLEANUP(att_buf_freep) struct att_buf *first = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *second = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *checkpoint = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *list = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *bundle = NULL;
    struct att_signer *log = NULL;
    struct att_merkle_head tree = {0};
    struct att_bundle_file b = {0};
    struct treetest t = {0};
    struct partner p;

    open_partner(&p);
    log = partner_key(&p, "log.key");
    first = logscene_label(&p.s);
    second = logscene_label(&p.s);
    list = partner_list(&p);
    partner_look(&p, second);
    tree.size = p.out->receipt.size;
    memcpy(tree.root, p.out->receipt.root, sizeof(tree.root));
    partner_look(&p, first);
    if (_i == 3) {
        tree.size = p.out->receipt.size;
    } else {
        read_leaves(&t, &p, tree.size);
        treetest_inclusion(&b.path, &t, p.out->receipt.index, tree.size);
    }
    checkpoint = partner_checkpoint_by(log, p.out->receipt.origin, &tree);
    b.has_path = _i == 0 || _i == 2;
    b.path.hash[0][0] ^= _i == 2 ? 1 : 0;
    b.label = att_buf_slice(first);
    b.checkpoint = att_buf_slice(checkpoint);
    b.status = att_buf_slice(list);
    NEED(att_bundle_file_encode(&bundle, &b) == ATT_OK);
    expect(&p, bundle, _i == 0 ? ATT_VERDICT_PASS : ATT_VERDICT_FAIL, "checkpoint", REASON[_i]);
    ck_assert(p.out->checkpoint.known == (_i == 0));
    ck_assert_uint_eq(p.out->checkpoint.witnesses, _i == 0 ? 1 : 0);
    if (_i != 3) {
        treetest_close(&t);
    }
    att_signer_free(log);
    partner_close(&p);
}
END_TEST

/* 0: two witnesses are asked for; 1: none came; 2: no checkpoint at all; 3: another log's key under its name. */
START_TEST(C_bundle_witnesses_that_are_not_there)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *checkpoint = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *list = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *bundle = NULL;
    struct att_signer *stranger = notetest_log_signer();
    struct att_merkle_head tree = {0};
    struct partner p;

    open_partner(&p);
    label = logscene_label(&p.s);
    checkpoint = partner_checkpoint(&p, label);
    list = partner_list(&p);
    p.rules.witnesses = _i == 0 ? 2 : 1;
    p.rules.key_count = _i == 1 ? 1 : 2; /* the witness is nobody's acquaintance */
    if (_i == 3) {
        tree.size = p.out->receipt.size;
        memcpy(tree.root, p.out->receipt.root, sizeof(tree.root));
        att_buf_freep(&checkpoint);
        checkpoint = partner_checkpoint_by(stranger, p.out->receipt.origin, &tree);
    }
    bundle = partner_pack(label, _i == 2 ? NULL : checkpoint, list);
    expect(&p, bundle, ATT_VERDICT_UNDECIDED, "witnesses", ATT_R_TL_WITNESS);
    ck_assert(p.out->checkpoint.known == (_i < 2));
    att_signer_free(stranger);
    partner_close(&p);
}
END_TEST

/* C-09: a whole and coherent bundle of somebody whom nobody here installed. */
START_TEST(C_09_bundle_brings_no_anchor)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *bundle = NULL;
    struct att_anchors *own = NULL;
    char path[96];
    struct partner p;

    open_partner(&p);
    label = logscene_label(&p.s);
    bundle = partner_bundle(&p, label);
    own = p.anchors;
    p.anchors = NULL;
    NEED(att_anchors_new(&p.anchors) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/ek.d", p.s.v->dir); /* roots of somebody else */
    NEED(att_anchors_load(p.anchors, path, NULL) == ATT_OK && att_anchors_count(p.anchors) > 0);
    expect(&p, bundle, ATT_VERDICT_UNDECIDED, "chain", ATT_R_LBL_KEY);
    att_anchors_free(p.anchors);
    p.anchors = own;
    partner_close(&p);
}
END_TEST

/* A revoked label in a bundle of yesterday's list, and the list of today beside it. */
START_TEST(C_bundle_list_inside_and_beside)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *before = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *after = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *list = NULL;
    struct att_offline_list beside = {0};
    struct inproc_answer a = {0};
    struct partner p;

    open_partner(&p);
    label = logscene_label(&p.s);
    before = partner_bundle(&p, label);
    inproc_admin(p.s.v, "POST", "/labels/revoke", "{\"id\": \"gw-1\", \"reason\": \"stolen\"}", &a);
    NEED(a.http == 200);
    inproc_answer_clear(&a);
    after = partner_bundle(&p, label);
    list = partner_list(&p);
    expect(&p, before, ATT_VERDICT_PASS, "status-list", ATT_R_NONE);
    expect(&p, after, ATT_VERDICT_FAIL, "status-list", ATT_R_LBL_REVOKED);
    NEED(att_offline_list_open(&beside, att_buf_slice(list), p.anchors) == ATT_OK);
    p.rules.status_list = &beside;
    expect(&p, before, ATT_VERDICT_FAIL, "status-list", ATT_R_LBL_REVOKED);
    att_offline_list_close(&beside);
    partner_close(&p);
}
END_TEST

/* "P" stands for the profile, "Q" for one of another version. */
static const struct {
    const char *what, *hex;
    enum att_err err;
    enum att_reason reason;
} FORMS[] = {
    {"a label and nothing else", "a2 P 0141aa", ATT_OK, ATT_R_NONE},
    {"a path of no hashes", "a4 P 0141aa 0241bb 0380", ATT_OK, ATT_R_NONE},
    {"no label", "a1 P", ATT_E_FORMAT, ATT_R_FMT_BUNDLE},
    {"an empty label", "a2 P 0140", ATT_E_FORMAT, ATT_R_FMT_BUNDLE},
    {"no profile", "a1 0141aa", ATT_E_FORMAT, ATT_R_FMT_BUNDLE},
    {"another version", "a2 Q 0141aa", ATT_E_UNSUPPORTED, ATT_R_BND_VERSION},
    {"a member of later", "a3 P 0141aa 0880", ATT_E_UNSUPPORTED, ATT_R_BND_VERSION},
    {"a path without a checkpoint", "a3 P 0141aa 0380", ATT_E_FORMAT, ATT_R_FMT_BUNDLE},
    {"a hash of 31 bytes",
     "a4 P 0141aa 0241bb 0381581f00000000000000000000000000000000000000000000000000000000000000",
     ATT_E_FORMAT, ATT_R_FMT_BUNDLE},
    {"members out of order", "a2 0141aa P", ATT_E_FORMAT, ATT_R_FMT_BUNDLE},
    {"a member twice", "a3 P 0141aa 0141aa", ATT_E_FORMAT, ATT_R_FMT_BUNDLE},
    {"a member by name", "a3 P 0141aa 616100", ATT_E_FORMAT, ATT_R_FMT_BUNDLE},
    {"a later member that is no CBOR", "a3 P 0141aa 05ff", ATT_E_FORMAT, ATT_R_FMT_BUNDLE},
    {"something behind it", "a2 P 0141aa 00", ATT_E_TRAILING, ATT_R_FMT_BUNDLE},
    {"cut", "a3 P 0141aa 02", ATT_E_TRUNCATED, ATT_R_FMT_BUNDLE},
};

static struct bytes form(const char *hex)
{
    char profile[] = ATT_PROFILE_BUNDLE;
    char digits[2 * sizeof(profile)];
    char text[512] = "";
    size_t at = 0;

    for (const char *c = hex; *c != '\0'; c++) {
        if (*c == ' ') {
            continue;
        }
        if (*c != 'P' && *c != 'Q') {
            text[at++] = *c;
            text[at] = '\0';
            continue;
        }
        profile[strlen(profile) - 1] = *c == 'P' ? '1' : '2';
        at += (size_t)snprintf(text + at, sizeof(text) - at, "0078%02zx%s", strlen(profile),
                               att_hex_encode(digits, sizeof(digits), att_slice_str(profile)));
    }
    return bytes_unhex(text);
}

START_TEST(C_bundle_of_another_form)
{
    struct bytes in = form(FORMS[_i].hex);
    struct att_bundle_file b;
    struct att_diag diag = {0};
    enum att_err err = att_bundle_file_parse(&b, bytes_slice(&in), &diag);

    ck_assert_msg(err == FORMS[_i].err && diag.reason == FORMS[_i].reason, "%s: %s %s %s",
                  FORMS[_i].what, att_err_name(err), att_reason_code(diag.reason), diag.text);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"C-bundle", C_bundle_answers_everything_that_is_asked, 0, 60},
        {"C-21-bundle", C_21_bit_flipped_in_a_bundle, 8, 300},
        {"C-18-bundle", C_17_18_bundle_without_its_receipt, 2, 60},
        {"C-19", C_19_label_key_revoked_at_an_entry, 2, 60},
        {"C-19-list", C_19_list_by_a_revoked_key, 0, 60},
        {"C-22", C_22_older_label_is_superseded, 0, 60},
        {"C-22-other", C_22_newer_that_says_nothing, 4, 60},
        {"C-bundle-tree", C_bundle_checkpoint_of_another_tree, 4, 60},
        {"C-bundle-witness", C_bundle_witnesses_that_are_not_there, 4, 60},
        {"C-09-bundle", C_09_bundle_brings_no_anchor, 0, 60},
        {"C-bundle-list", C_bundle_list_inside_and_beside, 0, 60},
        {"C-bundle-form", C_bundle_of_another_form, (int)ATT_COUNT(FORMS), 0},
    };

    return attack_rows("attacks: bundles", rows, ATT_COUNT(rows));
}
