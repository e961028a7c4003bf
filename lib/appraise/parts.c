/* One part of a kernel list into the state that the next goes on from, and that state as CBOR. */
#include "appraise/parts.h"

#include <inttypes.h>
#include <string.h>

#include "appraise/items_internal.h"
#include "base/guard.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"

#define PARTS_FIELDS     7
#define AGGREGATE_FIELDS 3

/* Where the list stands: after the parts before, or where the last accepted evidence of this boot ended. */
static struct att_ima_parts start_of(const struct att_appraisal_context *c)
{
    const struct att_log_state *log = &c->prior.log[ATT_LOG_IMA];
    struct att_ima_parts p = c->parts;

    if (!p.known && log->known) {
        p.off = log->off;
        p.count = log->count;
        memcpy(p.pcr, log->pcr, sizeof(p.pcr));
        memcpy(p.padded, log->pcr, sizeof(p.padded));
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

static enum att_err judge(struct att_folded *out, struct att_result *room, struct att_slice part,
                          const struct att_part_input *in, struct att_diag *diag)
{
    struct judging j = {.policy = in->policy, .refvals = in->refvals, .out = room};
    uint64_t first = start_of(in->context).count;
    enum att_err err = ATT_OK;

    memset(room, 0, sizeof(*room));
    err = start(&j, first, in, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = att_judging_start(&j);
    if (err == ATT_OK) {
        err = att_judge_ima_part(&j, part, first, &out->parts);
    }
    att_judging_end(&j);
    out->seen = j.seen_changes;
    out->carry = room->carry;
    out->windows = room->windows;
    return err == ATT_OK ? ATT_OK
                         : att_fail(diag, err, ATT_R_BUSY, "part", "%s", att_err_name(err));
}

enum att_err att_part_fold(struct att_folded *out, struct att_result *room,
                           const struct att_part_input *in, struct att_diag *diag)
{
    struct att_ima_parts p = start_of(in->context);
    size_t taken = 0;
    enum att_err err = check_place(&p, in, diag);

    if (err == ATT_OK) {
        err = att_parts_replay(&p, &taken, in->part, in->policy->bank, in->policy->ima_pcr, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    p.reset_count = in->reset_count;
    p.restart_count = in->restart_count;
    out->parts = p;
    return judge(out, room, att_slice_of(in->part.p, taken), in, diag);
}

static void write_parts(struct att_wr *w, const struct att_ima_parts *p)
{
    att_cbor_wr_array(w, PARTS_FIELDS);
    att_cbor_wr_uint(w, p->reset_count);
    att_cbor_wr_uint(w, p->restart_count);
    att_cbor_wr_uint(w, p->off);
    att_cbor_wr_uint(w, p->count);
    att_cbor_wr_bytes(w, att_slice_of(p->pcr, sizeof(p->pcr)));
    att_cbor_wr_bytes(w, att_slice_of(p->padded, sizeof(p->padded)));
    att_cbor_wr_array(w, p->aggregate_count);
    for (uint32_t i = 0; i < p->aggregate_count; i++) {
        const struct att_ima_aggregate *a = &p->aggregate[i];

        att_cbor_wr_array(w, AGGREGATE_FIELDS);
        att_cbor_wr_uint(w, a->index);
        att_cbor_wr_uint(w, (uint64_t)a->alg);
        att_cbor_wr_bytes(w, att_slice_of(a->digest, a->len));
    }
}

static void read_aggregate(struct att_cbor *c, struct att_ima_aggregate *a)
{
    struct att_slice digest = {0};

    (void)att_cbor_enter_array(c, AGGREGATE_FIELDS);
    a->index = att_cbor_uint(c);
    a->alg = (enum att_hash)att_cbor_uint_max(c, UINT16_MAX);
    digest = att_cbor_bytes(c, sizeof(a->digest));
    att_cbor_leave(c);
    a->len = (uint32_t)digest.len;
    if (digest.len > 0) {
        memcpy(a->digest, digest.p, digest.len);
    }
}

static void read_parts(struct att_cbor *c, struct att_ima_parts *p)
{
    memset(p, 0, sizeof(*p));
    p->known = true;
    (void)att_cbor_enter_array(c, PARTS_FIELDS);
    p->reset_count = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
    p->restart_count = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
    p->off = att_cbor_uint(c);
    p->count = att_cbor_uint(c);
    att_cbor_bytes_exact(c, p->pcr, sizeof(p->pcr));
    att_cbor_bytes_exact(c, p->padded, sizeof(p->padded));
    (void)att_cbor_enter_array(c, ATT_PARTS_AGGREGATES_MAX);
    while (att_cbor_more(c)) {
        read_aggregate(c, &p->aggregate[p->aggregate_count]);
        p->aggregate_count++;
    }
    att_cbor_leave(c);
    att_cbor_leave(c);
}

enum att_err att_parts_encode(struct att_wr *w, const struct att_ima_parts *p,
                              const struct att_windows_seen *seen, uint32_t windows)
{
    att_cbor_wr_array(w, 2);
    write_parts(w, p);
    att_windows_seen_write(w, seen, windows);
    return w->err;
}

enum att_err att_parts_decode(struct att_ima_parts *p, struct att_windows_seen *seen,
                              uint32_t windows, struct att_slice in, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);

    (void)att_cbor_enter_array(&c, 2);
    read_parts(&c, p);
    att_windows_seen_read(&c, seen, windows);
    att_cbor_leave(&c);
    return att_cbor_end_diag(&c, ATT_R_FMT_FRAME, "parts", diag);
}

enum att_err att_folded_encode(struct att_wr *w, const struct att_folded *f)
{
    enum att_err err = ATT_OK;

    att_cbor_wr_array(w, 3);
    att_windows_write(w, &f->windows);
    err = att_carry_encode(w, &f->carry);
    return err != ATT_OK ? err : att_parts_encode(w, &f->parts, &f->seen, f->windows.count);
}

enum att_err att_folded_decode(struct att_folded *f, struct att_slice in, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct att_slice windows = {0};
    struct att_slice carry = {0};
    struct att_slice parts = {0};
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_array(&c, 3);
    windows = att_cbor_item(&c);
    carry = att_cbor_item(&c);
    parts = att_cbor_item(&c);
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_FRAME, "parts", diag);
    if (err == ATT_OK) {
        err = att_windows_decode(&f->windows, windows, diag);
    }
    if (err == ATT_OK) {
        err = att_carry_decode(&f->carry, carry, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    return att_parts_decode(&f->parts, &f->seen, f->windows.count, parts, diag);
}
