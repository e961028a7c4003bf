/*
 * Kernel lists that come in parts. The appraiser replays and judges each; what is kept here, in the session
 * and in memory alone, is where that leads. It is nobody's state before evidence explains it by a quote: a
 * session that ends otherwise leaves nothing.
 */
#include <string.h>

#include "base/guard.h"
#include "keeper_internal.h"

enum att_err parts_load(struct keeper *k, const struct session *s, struct att_diag *diag)
{
    return att_folded_decode(&k->folded.folded, att_buf_slice(s->parts), diag);
}

/* The same boot, judged under the same rules, from the same state: then the list may go on. */
static bool may_take_over(const struct session *s, const struct session *from)
{
    return s->has_boot && s->reset_count == from->reset_count &&
           s->restart_count == from->restart_count && s->enrolment == from->enrolment &&
           s->continues == from->continues && s->log_mask == from->log_mask &&
           memcmp(s->policy_digest, from->policy_digest, 32) == 0 &&
           memcmp(s->refvals_digest, from->refvals_digest, 32) == 0 &&
           memcmp(s->windows_digest, from->windows_digest, 32) == 0 &&
           memcmp(s->state_digest, from->state_digest, 32) == 0;
}

void parts_take_over(struct keeper *k, struct session *s)
{
    struct session *from = session_with_parts(k->sessions, s->device_id);

    if (from == NULL)
        return;
    if (ATT_GUARD(PARTS_TAKE_OVER, !may_take_over(s, from)))
        session_drop(k->sessions, from);
    else
        session_inherit(k->sessions, s, from);
}

/* The sealed state was made from the context that this session gave out last: no part counts twice. */
static enum att_err open_folded(struct keeper *k, const struct session *s, const struct msg *m,
                                struct att_diag *diag)
{
    const struct att_ima_parts *p = &k->folded.folded.parts;
    enum att_err err = msg_folded_open(&k->folded, m->sealed, k->seal_key, diag);

    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(PARTS_CONTEXT,
                  !s->has_context || memcmp(k->folded.context_digest, s->context_digest, 32) != 0))
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_PART_ORDER, "part",
                        "another part of this session was taken meanwhile");
    if (ATT_GUARD(PARTS_NAMED, !s->has_boot || p->reset_count != s->reset_count ||
                                   p->restart_count != s->restart_count))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_PART_BOOT, "part",
                        "the session was not opened for boot (%u, %u)",
                        (unsigned int)p->reset_count, (unsigned int)p->restart_count);
    return ATT_OK;
}

/* As small as it is: most lists have no deviation, and many gateways may be on their way. */
static enum att_err keep(struct keeper *k, struct session *s, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *parts = NULL;
    struct att_wr w = att_wr_into(k->room, sizeof(k->room));
    struct att_slice bytes;
    enum att_err err = att_folded_encode(&w, &k->folded.folded);

    if (err == ATT_OK)
        err = att_wr_done(&w, &bytes);
    if (err == ATT_OK)
        err = att_buf_new(&parts, bytes.len);
    if (err == ATT_OK)
        err = att_buf_add_slice(parts, bytes);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_NOMEM, "part", "memory ran out");
    err = session_renew(k->sessions, s, parts, k->opt.mono_ms(), diag);
    if (err == ATT_OK)
        parts = NULL;
    return err;
}

enum att_err attest_part(struct keeper *k, const struct msg *m, struct answer *a,
                         struct att_diag *diag)
{
    const struct unit *u = NULL;
    struct session *s = NULL;
    enum att_err err = keeper_open_session(&u, &s, k, m, diag);

    if (err == ATT_OK)
        err = open_folded(k, s, m, diag);
    if (err == ATT_OK)
        err = keep(k, s, diag);
    return err != ATT_OK ? err : attest_challenge(k, s, u, a, 200, diag);
}
