/* How long each gateway was enrolled, and how long a label of it was in force. */
#include <stdlib.h>
#include <string.h>

#include "appraise/period_internal.h"
#include "appraise/result.h"

static bool is_kind(const struct att_entry *e, const char *kind)
{
    return strcmp(e->kind, kind) == 0;
}

/* Seconds of [from, until) that are in the period. */
static uint64_t inside(const struct att_period *p, int64_t from, int64_t until)
{
    int64_t first = from > p->from ? from : p->from;
    int64_t last = until < p->until ? until : p->until;

    return last > first ? (uint64_t)(last - first) : 0;
}

/* --- whose row it is --- */

static enum att_err key_of(uint64_t *out, struct att_period_maker *m, const uint8_t ueid[32])
{
    struct att_audit a = {.hasher = m->hasher};

    memcpy(a.seed, m->seed, sizeof(a.seed));
    return audit_key(out, &a, ueid, 32);
}

enum att_err period_gateway_of(struct period_gateway **out, struct att_period_maker *m,
                               const uint8_t ueid[32])
{
    struct audit_row row = {.value = (uint32_t)m->count + 1};
    const struct audit_row *known = NULL;
    enum att_err err = key_of(&row.key, m, ueid);

    if (err != ATT_OK)
        return err;
    known = audit_map_get(&m->numbers, row.key);
    if (known != NULL) {
        *out = &m->gateway[known->value - 1];
        return ATT_OK;
    }
    if (m->count >= ATT_PERIOD_GATEWAYS)
        return ATT_E_LIMIT;
    err = period_room((void **)&m->gateway, m->count, &m->cap, sizeof(*m->gateway));
    if (err == ATT_OK)
        err = audit_map_put(&m->numbers, &row, 0, ATT_PERIOD_GATEWAYS + 1);
    if (err != ATT_OK)
        return err;
    *out = &m->gateway[m->count++];
    memset(*out, 0, sizeof(**out));
    memcpy((*out)->g.ueid, ueid, 32);
    return ATT_OK;
}

/* --- labels in force --- */

static enum att_err note_gap(struct att_period_maker *m, struct period_gateway *g, int64_t until,
                             uint64_t index)
{
    struct att_period *p = m->p;
    struct att_period_gap gap = {.from = g->ended > p->from ? g->ended : p->from,
                                 .until = until < p->until ? until : p->until,
                                 .index = index};
    uint64_t len = inside(p, g->ended, until);

    if (g->g.standing == ATT_PERIOD_GONE || g->ended == 0 || len == 0)
        return ATT_OK;
    g->g.gaps++;
    if (len > g->g.longest_gap_s)
        g->g.longest_gap_s = len;
    if (p->gaps++ >= ATT_PERIOD_KEPT)
        return ATT_OK;
    memcpy(gap.ueid, g->g.ueid, sizeof(gap.ueid));
    if (period_room((void **)&p->gap, p->gaps_kept, &m->gap_cap, sizeof(*p->gap)) != ATT_OK)
        return ATT_E_NOMEM;
    p->gap[p->gaps_kept++] = gap;
    return ATT_OK;
}

/* No label is in force from utc on, or from when it ended. */
static void end_label(struct att_period_maker *m, struct period_gateway *g, int64_t utc)
{
    int64_t until = g->exp < utc ? g->exp : utc;

    if (!g->in_force)
        return;
    g->g.covered_s += inside(m->p, g->since, until);
    g->in_force = false;
    g->ended = until;
}

static enum att_err begin_label(struct att_period_maker *m, struct period_gateway *g, int64_t utc,
                                int64_t exp, uint64_t index)
{
    enum att_err err = ATT_OK;

    if (g->in_force && g->exp < utc)
        end_label(m, g, utc);
    if (!g->in_force) {
        err = note_gap(m, g, utc, index);
        g->since = utc;
    }
    g->in_force = true;
    g->exp = exp;
    g->held_exp = 0;
    return err;
}

static void hold(struct att_period_maker *m, struct period_gateway *g, int64_t utc)
{
    if (g->in_force && g->exp > utc)
        g->held_exp = g->exp;
    end_label(m, g, utc);
}

static enum att_err unhold(struct att_period_maker *m, struct period_gateway *g, int64_t utc,
                           uint64_t index)
{
    return g->held_exp > utc ? begin_label(m, g, utc, g->held_exp, index) : ATT_OK;
}

/* --- what an entry says --- */

static enum att_err take_label(struct att_period_maker *m, struct period_gateway *g, uint64_t index,
                               const struct att_entry *e)
{
    if (m->begun) {
        g->g.affirming += e->status == ATT_TIER_AFFIRMING ? 1 : 0;
        g->g.warning += e->status == ATT_TIER_WARNING ? 1 : 0;
        g->g.contraindicated += e->status == ATT_TIER_CONTRAINDICATED ? 1 : 0;
    }
    if (!is_kind(e, "label"))
        return ATT_OK; /* a refusal takes nothing back: the label before it lasts until it ends */
    memcpy(g->cti, e->cti, sizeof(g->cti));
    return begin_label(m, g, e->iat, e->exp, index);
}

/* An enrolment ends, and the gap that it was in. */
static enum att_err leave(struct att_period_maker *m, struct period_gateway *g, int64_t utc,
                          uint64_t index)
{
    enum att_err err = ATT_OK;

    end_label(m, g, utc);
    err = note_gap(m, g, utc, index);
    if (g->g.standing == ATT_PERIOD_ENROLLED)
        g->g.enrolled_s += inside(m->p, g->enrolled_since, utc);
    g->ended = 0;
    g->held_exp = 0;
    return err;
}

/* Labels that are taken back, all or the current one; and what gives them back. */
static enum att_err take_back(struct att_period_maker *m, struct period_gateway *g, uint64_t index,
                              const struct att_entry *e)
{
    bool takes = is_kind(e, "revoked") || is_kind(e, "suspended");

    g->g.taken += takes && m->begun ? 1 : 0;
    if (e->has_cti && memcmp(e->cti, g->cti, sizeof(g->cti)) != 0)
        return ATT_OK;
    if (is_kind(e, "revoked")) {
        end_label(m, g, e->iat);
        g->held_exp = 0;
    }
    if (is_kind(e, "suspended") || is_kind(e, "quarantined"))
        hold(m, g, e->iat);
    if (is_kind(e, "restored") || is_kind(e, "released"))
        return unhold(m, g, e->iat, index);
    return ATT_OK;
}

static enum att_err change_standing(struct att_period_maker *m, struct period_gateway *g,
                                    uint64_t index, const struct att_entry *e)
{
    bool enrolled = is_kind(e, "enrolled"), removed = is_kind(e, "removed");
    enum att_err err = ATT_OK;

    if (!enrolled && !removed && !is_kind(e, "transferred"))
        return ATT_OK;
    err = leave(m, g, e->iat, index);
    /* transferred: given or received, the entry does not say which, so the next enrolment tells */
    g->g.standing = enrolled ? ATT_PERIOD_ENROLLED : removed ? ATT_PERIOD_GONE : ATT_PERIOD_UNKNOWN;
    g->enrolled_since = e->iat;
    return err;
}

enum att_err period_gateway_take(struct att_period_maker *m, struct period_gateway *g,
                                 uint64_t index, const struct att_entry *e)
{
    enum att_err err = ATT_OK;

    g->index = index;
    g->g.stale += is_kind(e, "stale") && m->begun ? 1 : 0;
    if (e->of_label)
        return take_label(m, g, index, e);
    err = change_standing(m, g, index, e);
    return err == ATT_OK ? take_back(m, g, index, e) : err;
}

enum att_err period_gateway_end(struct att_period_maker *m, struct period_gateway *g)
{
    int64_t until = m->p->until;
    enum att_err err = ATT_OK;

    if (g->in_force && g->exp > until) {
        g->g.covered_s += inside(m->p, g->since, until);
    } else {
        end_label(m, g, until);
        err = note_gap(m, g, until, g->index);
        g->g.silent = g->g.standing == ATT_PERIOD_ENROLLED;
    }
    if (g->g.standing == ATT_PERIOD_ENROLLED)
        g->g.enrolled_s += inside(m->p, g->enrolled_since, until);
    return err;
}
