/* One part of a kernel list into the state that the next goes on from. */
#include "appraise/parts.h"

#include <inttypes.h>
#include <string.h>

#include "appraise/items_internal.h"
#include "base/guard.h"
#include "tcg/ima.h"

/* Where the list stands: after the parts before, or where the last accepted evidence of this boot ended. */
static struct att_ima_parts start_of(const struct att_appraisal_context *c)
{
    const struct att_log_state *log = &c->prior.log[ATT_LOG_IMA];
    struct att_ima_parts p = c->parts;

    if (!p.known && log->known) {
        p.off = log->off;
        p.count = log->count;
        memcpy(p.pcr, log->pcr, sizeof(p.pcr));
    }
    return p;
}

static enum att_err check_place(const struct att_ima_parts *p, const struct att_part_input *in,
                                struct att_diag *diag)
{
    if (ATT_GUARD(PARTS_ORDER, in->off != p->off)) {
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_PART_ORDER, "part",
                        "expected the part from byte %" PRIu64 " on, found one from %" PRIu64,
                        p->off, in->off);
    }
    if (ATT_GUARD(PARTS_LIMIT, in->part.len > in->log_max || p->off > in->log_max - in->part.len)) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_PART_LIMIT, "part",
                        "expected a list of at most %" PRIu64 " bytes, found at least %" PRIu64,
                        in->log_max, p->off + in->part.len);
    }
    return ATT_OK;
}

/* Earlier parts, or the evidence before them, count under the rules alone that this one is judged by. */
static enum att_err start_carry(struct att_carry *out, const struct att_part_input *in)
{
    static const uint8_t none[32];
    const uint8_t *refs = in->refvals != NULL ? att_refvals_digest(in->refvals) : none;
    const struct att_carry *c = &in->context->carry;
    uint8_t windows[32];
    enum att_err err = att_windows_digest(windows, &in->context->windows);

    if (err != ATT_OK) {
        return err;
    }
    if (c->known && memcmp(c->policy_digest, in->policy->digest, 32) == 0 &&
        memcmp(c->refvals_digest, refs, 32) == 0 && memcmp(c->windows_digest, windows, 32) == 0) {
        *out = *c;
        return ATT_OK;
    }
    out->known = true;
    memcpy(out->policy_digest, in->policy->digest, 32);
    memcpy(out->refvals_digest, refs, 32);
    memcpy(out->windows_digest, windows, 32);
    return ATT_OK;
}

/* j->out is zeroed. */
static enum att_err start(struct judging *j, uint64_t first, const struct att_part_input *in,
                          struct att_diag *diag)
{
    const struct att_appraisal_context *c = in->context;
    enum att_err err =
        att_windows_notices(j->notice, &c->windows, in->notices, in->notice_count, diag);

    if (err != ATT_OK) {
        return err;
    }
    j->out->windows = c->windows;
    att_judging_windows_start(j, in->reset_count, first > 0, c->parts.known ? &c->seen : NULL);
    err = start_carry(&j->out->carry, in);
    return err != ATT_OK ? att_fail(diag, err, ATT_R_BUSY, "part", "%s", att_err_name(err))
                         : ATT_OK;
}

/* One list, one rule: two would lead to where no kernel gets. */
static enum att_err check_rule(const struct att_ima_parts *p, const struct att_part_input *in,
                               struct att_diag *diag)
{
    if (ATT_GUARD(PARTS_RULE, p->known && p->padded != in->padded)) {
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_PART_ORDER, "part",
                        "expected a list extended as the parts before it, by %s, found %s",
                        att_ima_rule_words(p->padded), att_ima_rule_words(in->padded));
    }
    return ATT_OK;
}

static enum att_err judge(struct att_folded *out, struct att_result *room,
                          struct att_part_entries *part, const struct att_part_input *in)
{
    struct judging j = {.policy = in->policy, .refvals = in->refvals, .out = room};
    enum att_err err = ATT_OK;

    memset(room, 0, sizeof(*room));
    err = start(&j, part->walk.to.count, in, part->diag);
    if (err != ATT_OK) {
        return err;
    }
    err = att_judging_start(&j);
    if (err == ATT_OK) {
        err = att_judge_ima_part(&j, part);
    }
    att_judging_end(&j);
    if (err != ATT_OK) {
        return part->refused
                   ? err
                   : att_fail(part->diag, err, ATT_R_BUSY, "part", "%s", att_err_name(err));
    }
    out->parts = part->walk.to;
    out->seen = j.seen_changes;
    out->carry = room->carry;
    out->windows = room->windows;
    return ATT_OK;
}

enum att_err att_part_fold(struct att_folded *out, struct att_result *room,
                           const struct att_part_input *in, struct att_diag *diag)
{
    struct att_part_entries part = {
        .walk = {.bank = in->policy->bank, .ima_pcr = in->policy->ima_pcr}, .diag = diag};
    struct att_ima_parts p = start_of(in->context);
    enum att_err err = check_place(&p, in, diag);

    if (err == ATT_OK) {
        err = check_rule(&p, in, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    p.reset_count = in->reset_count;
    p.restart_count = in->restart_count;
    p.padded = in->padded;
    err = att_parts_walk_start(&part.walk, &p, in->part, diag);
    if (err == ATT_OK) {
        err = judge(out, room, &part, in);
    }
    att_parts_walk_end(&part.walk);
    return err;
}
