/*
 * A bundle checked by a stranger: the label as ever, then what only a bundle has. Keys come from the trust folder alone.
 */
#include <stdlib.h>
#include <string.h>

#include "appraise/bundle.h"
#include "appraise/offline_internal.h"
#include "base/guard.h"
#include "tlog/checkpoint.h"

static void decide(struct att_offline *out, struct att_check *c, enum att_check_status status,
                   enum att_verdict verdict)
{
    c->status = status;
    offline_worsen(out, verdict);
}

/* Memory failing is no verdict; bytes that are none are malformed; whom nobody knows leaves it open. */
enum att_err offline_refuse(struct att_offline *out, struct att_check *c, enum att_err err)
{
    if (offline_undecidable(err))
        return err;
    switch (err) {
    case ATT_E_FORMAT:
    case ATT_E_TRUNCATED:
    case ATT_E_TRAILING:
    case ATT_E_LIMIT:
        decide(out, c, ATT_CHECK_FAIL, ATT_VERDICT_MALFORMED);
        break;
    case ATT_E_UNTRUSTED:
        decide(out, c, ATT_CHECK_NOT_RUN, ATT_VERDICT_UNDECIDED);
        break;
    default:
        decide(out, c, ATT_CHECK_FAIL, ATT_VERDICT_FAIL);
        break;
    }
    return ATT_OK;
}

/* --- the checkpoint --- */

/* Of the log whose receipt the label has, and of every witness that is installed here. */
static enum att_err open_checkpoint(struct att_checkpoint **cp, struct att_slice note,
                                    const struct att_offline *out,
                                    const struct att_trust_rules *rules, struct att_diag *diag)
{
    const struct att_vkey *witness[ATT_CHECKPOINT_WITNESSES];
    struct att_checkpoint_keys keys = {.witness = witness};
    enum att_err err = ATT_E_UNTRUSTED;
    size_t at = 0;

    for (size_t i = 0; i < rules->key_count; i++) {
        if (att_vkey_type(rules->key[i]) == ATT_NOTE_COSIGNATURE &&
            keys.witness_count < ATT_COUNT(witness))
            witness[keys.witness_count++] = rules->key[i];
    }
    while (err == ATT_E_UNTRUSTED &&
           (keys.log = offline_find_log(rules, out->receipt.origin, &at)) != NULL)
        err = att_checkpoint_open(cp, note, &keys, diag);
    return err;
}

/* The entry of the label is in this tree: it is the receipt's own, or the path leads there. */
static enum att_err check_tree(const struct att_bundle_file *b, const struct att_offline_receipt *r,
                               const struct att_merkle_head *tree, struct att_diag *diag)
{
    if (b->has_path)
        return att_merkle_verify_inclusion(tree->root, r->index, tree->size, r->leaf, &b->path,
                                           diag);
    if (tree->size != r->size)
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_PROOF, "checkpoint",
                        "expected the tree of the receipt (%llu entries) or a proof, found one of "
                        "%llu entries",
                        (unsigned long long)r->size, (unsigned long long)tree->size);
    if (ATT_GUARD(BUNDLE_FORK, memcmp(tree->root, r->root, sizeof(r->root)) != 0))
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_TL_FORK, "checkpoint",
                        "receipt and checkpoint are of %llu entries, and of two trees",
                        (unsigned long long)r->size);
    return ATT_OK;
}

static enum att_err judge_checkpoint(struct att_offline *out, struct att_check *c,
                                     const struct att_bundle_file *b,
                                     const struct att_trust_rules *rules)
{
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *cp = NULL;
    const struct att_merkle_head *tree = NULL;
    enum att_err err = open_checkpoint(&cp, b->checkpoint, out, rules, &c->why);

    if (err == ATT_OK) {
        tree = &att_checkpoint_head(cp)->tree;
        err = check_tree(b, &out->receipt, tree, &c->why);
    }
    if (err != ATT_OK)
        return offline_refuse(out, c, err);
    out->checkpoint.known = true;
    out->checkpoint.size = tree->size;
    out->checkpoint.witnesses = att_checkpoint_cosigned(cp);
    return ATT_OK;
}

static enum att_err check_checkpoint(struct att_offline *out, const struct att_bundle_file *b,
                                     const struct att_trust_rules *rules)
{
    struct att_check *c = offline_add(out, "checkpoint", ATT_CHECK_PASS);

    if (b->checkpoint.len == 0) {
        c->status = ATT_CHECK_NOT_APPLICABLE;
        return ATT_OK;
    }
    if (out->receipt.known)
        return judge_checkpoint(out, c, b, rules);
    if (rules->key_count == 0 && !rules->log_required) {
        c->status = ATT_CHECK_NOT_APPLICABLE; /* no log is trusted here, so none is asked */
        return ATT_OK;
    }
    (void)att_fail(&c->why, ATT_E_NOT_FOUND, ATT_R_TL_NORECEIPT, "checkpoint",
                   "no receipt ties the label to it");
    decide(out, c, ATT_CHECK_NOT_RUN, ATT_VERDICT_UNDECIDED);
    return ATT_OK;
}

/* --- is there a newer label? --- */

static void may_be_newer(struct att_offline *out, struct att_check *c, enum att_reason reason,
                         const char *text)
{
    (void)att_fail(&c->why, ATT_E_STALE, reason, "newer", "%s", text);
    decide(out, c, ATT_CHECK_NOT_RUN, ATT_VERDICT_UNDECIDED);
}

/* Negative: other came before; positive: after; 0 cannot be told. */
static int order(const struct att_offline *out, const struct att_offline *other)
{
    const struct att_offline_receipt *a = &out->receipt;
    const struct att_offline_receipt *b = &other->receipt;

    if (a->known && b->known && strcmp(a->origin, b->origin) == 0)
        return (b->index > a->index) - (b->index < a->index);
    return (other->label.iat > out->label.iat) - (other->label.iat < out->label.iat);
}

static void compare(struct att_offline *out, struct att_check *c, const struct att_offline *other)
{
    const struct att_label *a = &out->label;
    const struct att_label *b = &other->label;
    int later = order(out, other);

    if (ATT_GUARD(NEWER_SUBJECT,
                  strcmp(a->subject, b->subject) != 0 || strcmp(a->issuer, b->issuer) != 0)) {
        may_be_newer(out, c, ATT_R_LBL_SUBJECT, "the other label is another gateway's");
        return;
    }
    if (memcmp(a->cti, b->cti, sizeof(a->cti)) == 0 || later < 0)
        return;
    if (later == 0) {
        may_be_newer(out, c, ATT_R_LBL_NEWEST, "two labels of one second: which came later?");
        return;
    }
    if (ATT_GUARD(SUPERSEDED, later > 0)) {
        (void)att_fail(&c->why, ATT_E_STALE, ATT_R_LBL_SUPERSEDED, "newer",
                       "the gateway has a later label, which says %s", att_tier_name(b->status));
        decide(out, c, ATT_CHECK_FAIL, ATT_VERDICT_FAIL);
    }
}

static enum att_err compare_label(struct att_offline *out, struct att_check *c,
                                  struct att_slice label, const struct offline_judge *by)
{
    struct att_trust_rules rules = {.key = by->rules->key,
                                    .key_count = by->rules->key_count,
                                    .log_required = by->rules->log_required,
                                    .revoked = by->rules->revoked,
                                    .revoked_count = by->rules->revoked_count};
    const struct offline_judge plain = {by->anchors, &rules, by->now};
    struct att_offline *other = calloc(1, sizeof(*other));
    enum att_err err = ATT_E_NOMEM;

    if (other != NULL)
        err = offline_check_label(other, label, &plain);
    if (err != ATT_OK)
        free(other);
    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(NEWER_BELIEVED, !offline_believed(other)))
        may_be_newer(out, c, ATT_R_LBL_NEWEST, "the other label does not verify here");
    else
        compare(out, c, other);
    free(other);
    return ATT_OK;
}

/* A later checkpoint alone: the log went on, and does not say with what. */
static enum att_err compare_checkpoint(struct att_offline *out, struct att_check *c,
                                       struct att_slice note, const struct att_trust_rules *rules)
{
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *cp = NULL;
    enum att_err err = ATT_OK;

    if (!out->receipt.known) {
        may_be_newer(out, c, ATT_R_TL_NORECEIPT, "no receipt tells where the label stands");
        return ATT_OK;
    }
    err = open_checkpoint(&cp, note, out, rules, &c->why);
    if (err != ATT_OK)
        return offline_refuse(out, c, err);
    if (ATT_GUARD(NEWER_CHECKPOINT, att_checkpoint_head(cp)->tree.size > out->receipt.index + 1))
        may_be_newer(out, c, ATT_R_LBL_NEWEST,
                     "the log has entries behind the label's, and a newer label may be among them");
    return ATT_OK;
}

static enum att_err check_newest(struct att_offline *out, const struct offline_judge *by)
{
    struct att_check *c = offline_add(out, "newest", ATT_CHECK_PASS);
    struct att_slice file = by->rules->newer;
    struct att_bundle_file b = {.label = file};
    enum att_err err = ATT_OK;

    if (file.len == 0) {
        c->status = ATT_CHECK_NOT_APPLICABLE;
        return ATT_OK;
    }
    if (!out->has_label) {
        c->status = ATT_CHECK_NOT_RUN;
        return ATT_OK;
    }
    if (att_bundle_file_looks(file))
        err = att_bundle_file_parse(&b, file, &c->why);
    else if (file.p[0] != OFFLINE_COSE_SIGN1)
        return compare_checkpoint(out, c, file, by->rules);
    return err == ATT_OK ? compare_label(out, c, b.label, by) : offline_refuse(out, c, err);
}

/* --- all of it --- */

static enum att_err judge(struct att_offline *out, const struct att_bundle_file *b,
                          const struct offline_judge *by)
{
    enum att_err err = offline_check_label(out, b->label, by);

    if (err == ATT_OK)
        err = check_checkpoint(out, b, by->rules);
    if (err != ATT_OK)
        return err;
    offline_check_witnesses(out, by->rules);
    err = check_newest(out, by);
    return err == ATT_OK && b->batch_count > 0 ? offline_check_data(out, b, by) : err;
}

static enum att_err judge_with_list(struct att_offline *out, const struct att_bundle_file *b,
                                    const struct offline_judge *by)
{
    struct att_trust_rules rules = *by->rules;
    const struct offline_judge own = {by->anchors, &rules, by->now};
    struct att_offline_list list = {0};
    enum att_err err = ATT_OK;

    if (b->status.len == 0 || rules.status_list != NULL)
        return judge(out, b, by);
    err = att_offline_list_open(&list, b->status, by->anchors);
    rules.status_list = &list;
    if (err == ATT_OK)
        err = judge(out, b, &own);
    att_offline_list_close(&list);
    return err;
}

enum att_err att_offline_check_bundle(struct att_offline *out, struct att_slice bundle,
                                      const struct att_anchors *anchors,
                                      const struct att_trust_rules *rules, int64_t now)
{
    const struct offline_judge by = {anchors, rules, now};
    struct att_bundle_file b = {0};
    struct att_diag why = {0};
    struct att_check *c = NULL;
    enum att_err err = att_bundle_file_parse(&b, bundle, &why);

    if (err != ATT_OK) {
        memset(out, 0, sizeof(*out));
        out->verdict = ATT_VERDICT_PASS;
        c = offline_add(out, "bundle", ATT_CHECK_FAIL);
        c->why = why;
        return offline_refuse(out, c, err);
    }
    err = judge_with_list(out, &b, &by);
    if (err != ATT_OK)
        out->verdict = ATT_VERDICT_UNDECIDED;
    return err;
}
