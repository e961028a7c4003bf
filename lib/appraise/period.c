/* Counting the entries of a period. */
#include "appraise/period.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/label.h"
#include "appraise/period_internal.h"
#include "appraise/result.h"
#include "crypto/digest.h"

enum att_err period_room(void **rows, size_t count, size_t *cap, size_t size)
{
    size_t more = *cap == 0 ? 16 : *cap * 2;
    void *grown = NULL;

    if (count < *cap)
        return ATT_OK;
    grown = realloc(*rows, more * size);
    if (grown == NULL)
        return ATT_E_NOMEM;
    *rows = grown;
    *cap = more;
    return ATT_OK;
}

enum att_err att_period_new(struct att_period_maker **out, int64_t from, int64_t until)
{
    ATT_CLEANUP(att_period_maker_freep) struct att_period_maker *m = calloc(1, sizeof(*m));
    enum att_err err = ATT_OK;

    if (m == NULL)
        return ATT_E_NOMEM;
    m->p = calloc(1, sizeof(*m->p));
    if (m->p == NULL)
        return ATT_E_NOMEM;
    err = att_hasher_new(&m->hasher);
    if (err == ATT_OK)
        err = att_random(m->seed, sizeof(m->seed));
    if (err != ATT_OK)
        return err;
    m->p->from = from;
    m->p->until = until;
    *out = m;
    m = NULL;
    return ATT_OK;
}

void att_period_maker_free(struct att_period_maker *m)
{
    if (m == NULL)
        return;
    att_period_free(m->p);
    att_hasher_free(m->hasher);
    audit_map_clear(&m->numbers);
    free(m->gateway);
    free(m);
}

void att_period_maker_freep(struct att_period_maker **m)
{
    att_period_maker_free(*m);
    *m = NULL;
}

void att_period_free(struct att_period *p)
{
    if (p == NULL)
        return;
    free(p->tally);
    free(p->rules);
    free(p->gateway);
    free(p->gap);
    free(p->event);
    free(p);
}

void att_period_freep(struct att_period **p)
{
    att_period_free(*p);
    *p = NULL;
}

uint64_t att_period_count(const struct att_period *p, const char *kind)
{
    uint64_t count = 0;

    for (size_t i = 0; i < p->tallies; i++) {
        if (kind == NULL || strcmp(p->tally[i].kind, kind) == 0)
            count += p->tally[i].count;
    }
    return count;
}

/* --- tallies: in order, so that two makers of one log write the same --- */

static int compare(const struct att_period_tally *a, const struct att_period_tally *b)
{
    int by = strcmp(a->kind, b->kind);

    if (by == 0)
        by = strcmp(a->reason, b->reason);
    return by != 0 ? by : (a->status > b->status) - (a->status < b->status);
}

static enum att_err count_entry(struct att_period_maker *m, const struct att_entry *e)
{
    struct att_period *p = m->p;
    struct att_period_tally t = {.status = e->has_status ? e->status : ATT_PERIOD_NO_STATUS,
                                 .count = 1};
    size_t at = 0;

    (void)snprintf(t.kind, sizeof(t.kind), "%s", e->kind);
    (void)snprintf(t.reason, sizeof(t.reason), "%s", e->reason);
    while (at < p->tallies && compare(&p->tally[at], &t) < 0)
        at++;
    if (at < p->tallies && compare(&p->tally[at], &t) == 0) {
        p->tally[at].count++;
        return ATT_OK;
    }
    if (p->tallies >= ATT_PERIOD_TALLIES)
        return ATT_E_LIMIT;
    if (period_room((void **)&p->tally, p->tallies, &m->tally_cap, sizeof(t)) != ATT_OK)
        return ATT_E_NOMEM;
    memmove(&p->tally[at + 1], &p->tally[at], (p->tallies - at) * sizeof(t));
    p->tally[at] = t;
    p->tallies++;
    return ATT_OK;
}

/* --- rules --- */

static enum att_err rules_of(struct att_period_rules **out, struct att_period_maker *m,
                             const struct att_entry *e)
{
    struct att_period *p = m->p;

    for (size_t i = p->rule_sets; i > 0; i--) {
        *out = &p->rules[i - 1];
        if (memcmp((*out)->policy, e->policy, 32) == 0 &&
            memcmp((*out)->refvals, e->refvals, 32) == 0)
            return ATT_OK;
    }
    if (p->rule_sets >= ATT_PERIOD_RULES)
        return ATT_E_LIMIT;
    if (period_room((void **)&p->rules, p->rule_sets, &m->rules_cap, sizeof(**out)) != ATT_OK)
        return ATT_E_NOMEM;
    *out = &p->rules[p->rule_sets++];
    **out = (struct att_period_rules){.first_utc = e->iat};
    memcpy((*out)->policy, e->policy, 32);
    memcpy((*out)->refvals, e->refvals, 32);
    return ATT_OK;
}

static enum att_err count_rules(struct att_period_maker *m, const struct att_entry *e)
{
    struct att_period_rules *r = NULL;
    enum att_err err = ATT_OK;

    if (!e->of_label || !e->has_policy || !e->has_refvals)
        return ATT_OK;
    err = rules_of(&r, m, e);
    if (err != ATT_OK)
        return err;
    r->affirming += e->status == ATT_TIER_AFFIRMING ? 1 : 0;
    r->warning += e->status == ATT_TIER_WARNING ? 1 : 0;
    r->contraindicated += e->status == ATT_TIER_CONTRAINDICATED ? 1 : 0;
    return ATT_OK;
}

/* --- events --- */

static enum att_err keep_event(struct att_period_maker *m, uint64_t index,
                               const struct att_entry *e, const uint8_t *ueid)
{
    struct att_period *p = m->p;
    struct att_period_event v = {.index = index,
                                 .utc = e->iat,
                                 .has_ueid = ueid != NULL,
                                 .has_cti = e->has_cti,
                                 .has_policy = e->has_policy,
                                 .has_refvals = e->has_refvals,
                                 .has_about = e->has_evidence};

    if (e->of_label || strcmp(e->kind, "stale") == 0 || p->events++ >= ATT_PERIOD_KEPT)
        return ATT_OK;
    if (period_room((void **)&p->event, p->events_kept, &m->event_cap, sizeof(v)) != ATT_OK)
        return ATT_E_NOMEM;
    (void)snprintf(v.kind, sizeof(v.kind), "%s", e->kind);
    (void)snprintf(v.reason, sizeof(v.reason), "%s", e->reason);
    if (ueid != NULL)
        memcpy(v.ueid, ueid, sizeof(v.ueid));
    memcpy(v.cti, e->cti, sizeof(v.cti));
    memcpy(v.policy, e->policy, sizeof(v.policy));
    memcpy(v.refvals, e->refvals, sizeof(v.refvals));
    memcpy(v.about, e->evidence, sizeof(v.about));
    p->event[p->events_kept++] = v;
    return ATT_OK;
}

/* --- one entry --- */

static enum att_err take_entry(struct att_period_maker *m, uint64_t index,
                               const struct att_entry *e)
{
    struct period_gateway *g = NULL;
    uint8_t ueid[32];
    bool named = audit_ueid(ueid, e->subject);
    enum att_err err = ATT_OK;

    if (named)
        err = period_gateway_of(&g, m, ueid);
    if (named && err == ATT_OK)
        err = period_gateway_take(m, g, index, e);
    if (err != ATT_OK || !m->begun)
        return err;
    err = count_entry(m, e);
    if (err == ATT_OK)
        err = count_rules(m, e);
    return err == ATT_OK ? keep_event(m, index, e, named ? ueid : NULL) : err;
}

enum att_err att_period_entry(struct att_period_maker *m, uint64_t index, const struct att_entry *e,
                              struct att_diag *diag)
{
    struct att_period *p = m->p;
    enum att_err err = ATT_OK;

    if (p->issuer[0] == '\0')
        (void)snprintf(p->issuer, sizeof(p->issuer), "%s", e->issuer);
    p->closed = p->closed || e->iat >= p->until;
    if (p->closed)
        return ATT_OK;
    m->begun = m->begun || e->iat >= p->from;
    p->begin += m->begun ? 0 : 1;
    p->end = index + 1;
    err = take_entry(m, index, e);
    if (err != ATT_OK)
        return att_fail(diag, err, err == ATT_E_LIMIT ? ATT_R_LIM_SIZE : ATT_R_NOMEM, "period",
                        "entry %llu: %s", (unsigned long long)index,
                        err == ATT_E_LIMIT
                            ? "more gateways, reasons or policies than one statement holds; "
                              "take a shorter period"
                            : att_err_name(err));
    return ATT_OK;
}

static int by_ueid(const void *a, const void *b)
{
    const struct att_period_gateway *x = a, *y = b;

    return memcmp(x->ueid, y->ueid, sizeof(x->ueid));
}

enum att_err att_period_finish(struct att_period **out, struct att_period_maker *m)
{
    struct att_period *p = m->p;

    for (size_t i = 0; i < m->count; i++) {
        if (period_gateway_end(m, &m->gateway[i]) != ATT_OK)
            return ATT_E_NOMEM;
    }
    p->gateway = calloc(m->count + 1, sizeof(*p->gateway));
    if (p->gateway == NULL)
        return ATT_E_NOMEM;
    for (size_t i = 0; i < m->count; i++)
        p->gateway[i] = m->gateway[i].g;
    p->gateways = m->count;
    qsort(p->gateway, p->gateways, sizeof(*p->gateway), by_ueid);
    *out = p;
    m->p = NULL;
    return ATT_OK;
}
