/* Change notices: an auditor sees when each was taken in, and when it was withdrawn. */
#include <stdio.h>
#include <string.h>

#include "appraise/record.h"
#include "base/clock.h"
#include "keeper_internal.h"

#define META_NOTICES "notices" /* digests of those that were in force last */

struct earlier {
    uint8_t digest[ATT_NOTICES_MAX][32];
    size_t count;
};

static enum att_err read_earlier(struct earlier *out, struct keeper *k, struct att_diag *diag)
{
    size_t len = 0;
    enum att_err err =
        store_meta_get(k->st, META_NOTICES, out->digest[0], sizeof(out->digest), &len);

    if (err == ATT_E_NOT_FOUND)
        return ATT_OK;
    if (err != ATT_OK || len % 32 != 0)
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ST_CORRUPT, META_NOTICES, "it cannot be read");
    out->count = len / 32;
    return ATT_OK;
}

static bool was_there(const struct earlier *e, const uint8_t digest[32])
{
    for (size_t i = 0; i < e->count; i++) {
        if (memcmp(e->digest[i], digest, 32) == 0)
            return true;
    }
    return false;
}

/* "openssl-3: by maintenance, 2026-11-28T00:00:00Z to 2026-12-01T00:00:00Z, 12 changes" */
static enum att_err note(struct keeper *k, const struct att_notice *n, const char *reason,
                         struct att_diag *diag)
{
    char detail[STORE_DETAIL_MAX], from[32], until[32];

    (void)snprintf(detail, sizeof(detail), "%s: by %s, %s to %s, %zu changes", n->id, n->role,
                   att_time_print(from, sizeof(from), n->from_s),
                   att_time_print(until, sizeof(until), n->until_s), n->change_count);
    return keeper_note(k, STORE_KIND_NOTICE, "", reason, detail, diag);
}

/* Its bytes are kept beside the policies, for whoever repeats a decision of its time. */
static enum att_err take_in(struct keeper *k, const struct att_notice *n, struct att_diag *diag)
{
    enum att_err err = store_policy_put(k->st, n->digest, att_buf_slice(n->bytes), diag);

    return err == ATT_OK ? note(k, n, "", diag) : err;
}

static enum att_err withdraw(struct keeper *k, const uint8_t digest[32], struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    ATT_CLEANUP(att_notice_freep) struct att_notice *n = NULL;
    enum att_err err = att_buf_new(&bytes, STORE_BYTES_MAX);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_NOMEM, "notice", "memory ran out");
    err = store_policy_get(bytes, k->st, digest);
    if (err == ATT_OK)
        err = att_notice_decode(&n, att_buf_slice(bytes), diag);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "notice",
                        "a change notice that was in force cannot be read");
    return note(k, n, att_reason_code(ATT_R_NOTICE_GONE), diag);
}

static enum att_err remember(struct keeper *k, const struct att_notices *now, struct att_diag *diag)
{
    uint8_t room[ATT_NOTICES_MAX * 32];

    for (size_t i = 0; i < now->count; i++)
        memcpy(&room[i * 32], now->notice[i]->digest, 32);
    return store_meta_put(k->st, META_NOTICES, att_slice_of(room, now->count * 32), diag);
}

enum att_err keeper_note_notices(struct keeper *k, const struct att_notices *now,
                                 struct att_diag *diag)
{
    struct earlier before = {.count = 0};
    enum att_err err = read_earlier(&before, k, diag);

    for (size_t i = 0; i < now->count && err == ATT_OK; i++) {
        if (!was_there(&before, now->notice[i]->digest))
            err = take_in(k, now->notice[i], diag);
    }
    for (size_t i = 0; i < before.count && err == ATT_OK; i++) {
        if (att_notices_find((const struct att_notice *const *)now->notice, now->count,
                             before.digest[i]) == NULL)
            err = withdraw(k, before.digest[i], diag);
    }
    return err == ATT_OK ? remember(k, now, diag) : err;
}

enum att_err keeper_add_notices(struct att_record *r, struct notice_bytes *room, struct keeper *k,
                                struct att_diag *diag)
{
    const struct att_windows *w = &k->context.windows;
    enum att_err err = att_appraisal_context_decode(&k->context, r->context, diag);

    for (uint32_t i = 0; i < w->count && err == ATT_OK; i++) {
        err = att_buf_new(&room->bytes[i], STORE_BYTES_MAX);
        if (err == ATT_OK)
            err = store_policy_get(room->bytes[i], k->st, w->window[i].notice);
        if (err == ATT_OK) {
            r->notice[i] = att_buf_slice(room->bytes[i]);
            r->notice_count++;
        }
    }
    return err;
}

void notice_bytes_clear(struct notice_bytes *n)
{
    for (size_t i = 0; i < ATT_NOTICES_MAX; i++)
        att_buf_freep(&n->bytes[i]);
}
