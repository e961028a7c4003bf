/* Silence: whoever is not heard from by the deadline is stale, also when the verifier was down then. */
#include "common/log.h"
#include "keeper_internal.h"

#define DUE_MAX 64

static enum att_err mark_some(struct keeper *k, const struct store_due *due, size_t count,
                              struct att_diag *diag)
{
    const struct store_mark silent = {.status = STORE_STALE,
                                      .reason = att_reason_code(ATT_R_STALE)};
    enum att_err err = store_begin(k->st, diag);

    if (err != ATT_OK)
        return err;
    for (size_t i = 0; i < count && err == ATT_OK; i++) {
        err = store_state_mark(k->st, due[i].enrolment, &silent, diag);
        if (err == ATT_OK)
            err = keeper_note(k, STORE_KIND_STALE, due[i].id, silent.reason, "", diag);
    }
    if (err == ATT_OK)
        return keeper_commit(k, diag);
    keeper_rollback(k);
    return err;
}

enum att_err keeper_mark_stale(struct keeper *k, struct att_diag *diag)
{
    struct store_due due[DUE_MAX];
    size_t count = 0;

    do {
        enum att_err err = store_due_list(due, DUE_MAX, &count, k->st, k->opt.utc_s());

        if (err != ATT_OK)
            return att_fail(diag, err, ATT_R_ST_CORRUPT, "deadline", "deadlines cannot be read");
        if (count == 0)
            return ATT_OK;
        err = mark_some(k, due, count, diag);
        if (err != ATT_OK)
            return err;
        for (size_t i = 0; i < count; i++)
            log_line(LOG_LEVEL_WARNING, "device.stale", "device=%s", due[i].id);
        k->count.stale += count;
    } while (count == DUE_MAX);
    return ATT_OK;
}

void keeper_tick(struct keeper *k)
{
    struct att_diag diag = {0};
    int64_t now_ms = k->opt.mono_ms();
    int64_t now_utc = k->opt.utc_s();
    size_t dropped = 0;

    sessions_expire(k->sessions, now_ms);
    pendings_expire(k->pendings, now_ms);
    if (store_broken(k->st))
        return;
    if (keeper_mark_stale(k, &diag) != ATT_OK)
        log_diag(LOG_LEVEL_ERROR, "store.stale", &diag);
    if (archive_sweep(&dropped, &k->archive, k->st, now_utc, &diag) != ATT_OK)
        log_diag(LOG_LEVEL_ERROR, "store.evidence", &diag);
    k->count.dropped += dropped;
    keeper_rejudge_some(k);
    if (now_utc - k->tokens_swept_utc < 60)
        return;
    k->tokens_swept_utc = now_utc;
    if (store_token_expire(k->st, now_utc, &diag) != ATT_OK)
        log_diag(LOG_LEVEL_ERROR, "store.tokens", &diag);
}
