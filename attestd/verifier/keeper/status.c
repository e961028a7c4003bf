/* Places in status lists, and what is told there. */
#include "status.h"

#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "crypto/digest.h"
#include "keeper_internal.h"

#define ROUNDS    6
#define HALF_MAX  16 /* bits: four million entries need 11 */
#define LIST_PATH "/status/v1/"

void status_cache_clear(struct status_cache *c)
{
    for (size_t i = 0; i < STATUS_CACHED; i++)
        att_buf_free(c->slot[i].token);
    *c = (struct status_cache){0};
}

/* --- places --- */

/* A round of the network: SHA-256 over key, round and half, cut to the bits of a half. */
static enum att_err mix(uint32_t *out, const uint8_t key[32], uint8_t round, uint32_t half)
{
    const uint8_t what[] = {round, (uint8_t)(half >> 24), (uint8_t)(half >> 16),
                            (uint8_t)(half >> 8), (uint8_t)half};
    const struct att_slice part[] = {att_slice_of(key, 32), att_slice_of(what, sizeof(what))};
    uint8_t digest[32];
    enum att_err err = att_digest(ATT_HASH_SHA256, part, ATT_COUNT(part), digest);

    if (err != ATT_OK)
        return err;
    *out = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 |
           digest[3];
    return ATT_OK;
}

static enum att_err permute(uint32_t *x, const uint8_t key[32], unsigned int half)
{
    uint32_t mask = ((uint32_t)1 << half) - 1;
    uint32_t left = *x >> half;
    uint32_t right = *x & mask;

    for (uint8_t round = 0; round < ROUNDS; round++) {
        uint32_t mixed = 0;
        uint32_t was = right;
        enum att_err err = mix(&mixed, key, round, right);

        if (err != ATT_OK)
            return err;
        right = left ^ (mixed & mask);
        left = was;
    }
    *x = left << half | right;
    return ATT_OK;
}

enum att_err status_order(int64_t *place, const uint8_t key[32], int64_t entries, int64_t n)
{
    unsigned int half = 1;
    uint32_t x = (uint32_t)n;

    while (half < HALF_MAX - 1 && (INT64_C(1) << (2 * half)) < entries)
        half++;
    if (n < 0 || n >= entries || entries > INT64_C(1) << (2 * half))
        return ATT_E_INTERNAL;
    /* a Feistel network over a power of four; what lies beyond the list is sent through again */
    do {
        enum att_err err = permute(&x, key, half);

        if (err != ATT_OK)
            return err;
    } while (x >= entries);
    *place = x;
    return ATT_OK;
}

void status_uri(char *out, size_t cap, const struct keeper *k, int64_t number)
{
    (void)snprintf(out, cap, "%s" LIST_PATH "%lld", k->cfg->status.uri, (long long)number);
}

static enum att_err begin_list(struct store_list *out, struct keeper *k, int64_t number,
                               int64_t longest, struct att_diag *diag)
{
    struct store_list l = {
        .number = number, .longest = longest, .entries = (int64_t)k->cfg->status.entries};
    enum att_err err = k->opt.random(l.key, sizeof(l.key));

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_RNG, "status list", "no random bytes");
    err = store_list_add(k->st, &l, diag);
    if (err == ATT_OK)
        *out = l;
    return err;
}

enum att_err status_take(struct status_place *out, struct keeper *k, int64_t exp,
                         struct att_diag *diag)
{
    struct status_place p = {0};
    struct store_list l = {0};
    enum att_err err = store_list_last(&l, k->st);

    if (err == ATT_E_NOT_FOUND || (err == ATT_OK && ATT_GUARD(STATUS_FULL, l.used >= l.entries)))
        err = begin_list(&l, k, l.number + 1, l.longest, diag);
    else if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "status list", "it cannot be read");
    if (err == ATT_OK)
        err = store_list_take(k->st, l.number, exp, exp - k->opt.utc_s(), diag);
    if (err != ATT_OK)
        return err;
    err = status_order(&p.place, l.key, l.entries, l.used);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "status list", "no place can be given");
    p.list = l.number;
    status_uri(p.uri, sizeof(p.uri), k, l.number);
    *out = p;
    return ATT_OK;
}

/* --- what is told --- */

static bool may_follow(const struct store_label *l, enum store_label_status to)
{
    if (ATT_GUARD(STATUS_FOR_GOOD, l->status == STORE_LABEL_REVOKED))
        return false;
    if (to == STORE_LABEL_VALID)
        return l->status == STORE_LABEL_SUSPENDED && !l->alone;
    return l->status != to;
}

enum att_err status_mark_label(struct keeper *k, const struct store_label *l,
                               const struct status_change *c, struct att_diag *diag)
{
    struct store_label marked = *l;

    marked.status = c->to;
    status_cache_clear(&k->lists);
    return store_label_mark(k->st, &marked, c->outcome, diag);
}

static enum att_err mark_one(struct status_changed *sum, struct keeper *k, struct store_label *l,
                             const struct status_change *c, struct att_diag *diag)
{
    if (l->list == 0) {
        sum->unlisted = true;
        return ATT_OK;
    }
    if (!may_follow(l, c->to))
        return ATT_OK;
    sum->labels++;
    l->alone = false;
    return c->outcome < 0 ? ATT_OK : status_mark_label(k, l, c, diag);
}

enum att_err status_newest(int64_t *out, struct keeper *k, int64_t enrolment, struct att_diag *diag)
{
    int64_t newest = -1;
    enum att_err err = store_label_last(&newest, k->st, enrolment);

    if (err != ATT_OK && err != ATT_E_NOT_FOUND)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "label", "the last one cannot be read");
    *out = newest;
    return ATT_OK;
}

/* From one label to the one before, until no older one can be in force: none lived longer than "longest". */
enum att_err status_mark_all(struct status_changed *out, struct keeper *k, int64_t newest,
                             const struct status_change *c, struct att_diag *diag)
{
    int64_t now = k->opt.utc_s();
    struct status_changed sum = {0};
    struct store_list last = {0};
    struct store_label l;
    enum att_err err = store_list_last(&last, k->st);

    if (err == ATT_E_NOT_FOUND)
        err = ATT_OK;
    for (int64_t at = newest; err == ATT_OK && at >= 0; at = l.previous) {
        err = store_label_at(&l, k->st, at);
        if (err != ATT_OK || l.iat <= now - last.longest)
            break;
        if (l.exp > now)
            err = mark_one(&sum, k, &l, c, diag);
    }
    if (err == ATT_E_NOT_FOUND || err == ATT_E_FORMAT)
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ST_CORRUPT, "label",
                        "the labels cannot be followed back");
    if (err != ATT_OK)
        return err;
    *out = sum;
    return ATT_OK;
}

enum att_err status_follow(struct keeper *k, int64_t newest, enum store_label_status to,
                           struct att_diag *diag)
{
    struct status_change c = {.to = to};
    struct status_changed sum;
    int64_t outcomes = 0;
    enum att_err err = store_outcome_count(&outcomes, k->st);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "outcome", "they cannot be counted");
    c.outcome = outcomes - 1;
    return status_mark_all(&sum, k, newest, &c, diag);
}

enum att_err status_may_change(bool *changed, const struct store_label *l,
                               enum store_label_status to, struct att_diag *diag)
{
    if (l->list == 0)
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_SL_GONE, "label",
                        "it names no status list: it was made before there were any");
    *changed = l->status != to;
    if (*changed && ATT_GUARD(STATUS_RESTORE_REVOKED, l->status == STORE_LABEL_REVOKED))
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_SL_FOR_GOOD, "label",
                        "a revoked label stays revoked");
    return ATT_OK;
}
