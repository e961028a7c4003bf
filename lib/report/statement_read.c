/* Reading period statements: nothing is allocated from a number that somebody wrote, and figures must agree. */
#include <stdlib.h>
#include <string.h>

#include "appraise/result.h"
#include "base/guard.h"
#include "codec/cbor_rd.h"
#include "evidence/profile.h"
#include "report/statement_internal.h"
#include "sign/note.h"

#define TIME_MAX   UINT64_C(253402300799) /* the end of the year 9999 */
#define NUMBER_MAX (UINT64_C(1) << 40)    /* of entries and seconds: no sum of them runs over */

struct reading {
    struct att_cbor c;
    struct att_statement *s; /* owned until it is handed out */
    struct att_slice profile, limits;
    uint32_t seen; /* members: bits */
    bool known;
};

/* A row more, as rows come; NULL and a failed reader when there is no memory. */
static void *push(struct att_cbor *c, void **rows, size_t *count, size_t size)
{
    size_t n = *count;
    void *more = *rows;

    if (!att_cbor_ok(c))
        return NULL;
    if ((n & (n - 1)) == 0) { /* 0, or a power of two: full */
        more = realloc(*rows, (n == 0 ? 1 : 2 * n) * size);
        if (more == NULL) {
            att_cbor_fail(c, ATT_E_NOMEM);
            return NULL;
        }
        *rows = more;
    }
    *count = n + 1;
    memset((char *)more + n * size, 0, size);
    return (char *)more + n * size;
}

static int64_t read_time(struct att_cbor *c)
{
    return (int64_t)att_cbor_uint_max(c, TIME_MAX);
}

static uint64_t read_number(struct att_cbor *c)
{
    return att_cbor_uint_max(c, NUMBER_MAX);
}

static void enter(struct att_cbor *c, uint32_t count)
{
    if (att_cbor_enter_array(c, count) != count)
        att_cbor_fail(c, ATT_E_FORMAT);
}

static bool read_null(struct att_cbor *c)
{
    if (att_cbor_peek(c) != ATT_CBOR_NULL)
        return false;
    att_cbor_null(c);
    return true;
}

static void read_reason(struct att_cbor *c, char out[ATT_ENTRY_REASON_MAX])
{
    if (!read_null(c))
        att_cbor_word_copy(c, out, ATT_ENTRY_REASON_MAX);
}

static bool read_digest(struct att_cbor *c, uint8_t out[32])
{
    if (read_null(c))
        return false;
    att_cbor_bytes_exact(c, out, 32);
    return true;
}

static void read_end(struct att_cbor *c, struct att_statement_end *e)
{
    uint32_t count = 0;

    enter(c, 3);
    e->tree.size = read_number(c);
    att_cbor_bytes_exact(c, e->tree.root, ATT_MERKLE_LEN);
    count = att_cbor_enter_array(c, ATT_MERKLE_PATH_MAX);
    for (uint32_t i = 0; i < count && att_cbor_ok(c); i++)
        att_cbor_bytes_exact(c, e->path.hash[i], ATT_MERKLE_LEN);
    att_cbor_leave(c);
    e->path.count = count;
    att_cbor_leave(c);
}

static void read_tally(struct att_cbor *c, struct att_period *p)
{
    (void)att_cbor_enter_array(c, ATT_PERIOD_TALLIES);
    while (att_cbor_more(c)) {
        struct att_period_tally *t = push(c, (void **)&p->tally, &p->tallies, sizeof(*t));

        if (t == NULL)
            return;
        enter(c, 4);
        att_cbor_word_copy(c, t->kind, sizeof(t->kind));
        read_reason(c, t->reason);
        t->status = read_null(c) ? ATT_PERIOD_NO_STATUS : (int)att_cbor_uint_max(c, INT8_MAX);
        t->count = read_number(c);
        att_cbor_leave(c);
    }
    att_cbor_leave(c);
}

static void read_rules(struct att_cbor *c, struct att_period *p)
{
    (void)att_cbor_enter_array(c, ATT_PERIOD_RULES);
    while (att_cbor_more(c)) {
        struct att_period_rules *r = push(c, (void **)&p->rules, &p->rule_sets, sizeof(*r));

        if (r == NULL)
            return;
        enter(c, 6);
        att_cbor_bytes_exact(c, r->policy, 32);
        att_cbor_bytes_exact(c, r->refvals, 32);
        r->affirming = read_number(c);
        r->warning = read_number(c);
        r->contraindicated = read_number(c);
        r->first_utc = read_time(c);
        att_cbor_leave(c);
    }
    att_cbor_leave(c);
}

static void read_gateway(struct att_cbor *c, struct att_period_gateway *g)
{
    uint64_t *const number[] = {&g->affirming, &g->warning, &g->contraindicated,
                                &g->stale,     &g->taken,   &g->enrolled_s,
                                &g->covered_s, &g->gaps,    &g->longest_gap_s};

    enter(c, 3 + ATT_COUNT(number));
    att_cbor_bytes_exact(c, g->ueid, 32);
    g->standing = (enum att_period_standing)att_cbor_uint_max(c, ATT_PERIOD_GONE);
    g->silent = att_cbor_bool(c);
    for (size_t i = 0; i < ATT_COUNT(number); i++)
        *number[i] = read_number(c);
    att_cbor_leave(c);
}

static void read_gateways(struct att_cbor *c, struct att_period *p)
{
    (void)att_cbor_enter_array(c, ATT_PERIOD_GATEWAYS);
    while (att_cbor_more(c)) {
        struct att_period_gateway *g = push(c, (void **)&p->gateway, &p->gateways, sizeof(*g));

        if (g == NULL)
            return;
        read_gateway(c, g);
        if (p->gateways > 1 && memcmp(g[-1].ueid, g->ueid, sizeof(g->ueid)) >= 0)
            att_cbor_fail(c, ATT_E_FORMAT);
    }
    att_cbor_leave(c);
}

static void read_gaps(struct att_cbor *c, struct att_period *p)
{
    enter(c, 2);
    p->gaps = read_number(c);
    (void)att_cbor_enter_array(c, ATT_PERIOD_KEPT);
    while (att_cbor_more(c)) {
        struct att_period_gap *g = push(c, (void **)&p->gap, &p->gaps_kept, sizeof(*g));

        if (g == NULL)
            return;
        enter(c, 4);
        att_cbor_bytes_exact(c, g->ueid, 32);
        g->from = read_time(c);
        g->until = read_time(c);
        g->index = read_number(c);
        att_cbor_leave(c);
    }
    att_cbor_leave(c);
    att_cbor_leave(c);
}

static void read_event(struct att_cbor *c, struct att_period_event *v)
{
    enter(c, 9);
    v->index = read_number(c);
    v->utc = read_time(c);
    att_cbor_word_copy(c, v->kind, sizeof(v->kind));
    read_reason(c, v->reason);
    v->has_ueid = read_digest(c, v->ueid);
    v->has_cti = !read_null(c);
    if (v->has_cti)
        att_cbor_bytes_exact(c, v->cti, sizeof(v->cti));
    v->has_policy = read_digest(c, v->policy);
    v->has_refvals = read_digest(c, v->refvals);
    v->has_about = read_digest(c, v->about);
    att_cbor_leave(c);
}

static void read_events(struct att_cbor *c, struct att_period *p)
{
    enter(c, 2);
    p->events = read_number(c);
    (void)att_cbor_enter_array(c, ATT_PERIOD_KEPT);
    while (att_cbor_more(c)) {
        struct att_period_event *v = push(c, (void **)&p->event, &p->events_kept, sizeof(*v));

        if (v == NULL)
            return;
        read_event(c, v);
    }
    att_cbor_leave(c);
    att_cbor_leave(c);
}

static void read_finding(struct att_cbor *c, struct att_statement_finding *f)
{
    char code[ATT_ENTRY_REASON_MAX] = "";
    struct att_slice text;

    enter(c, 3);
    f->index = read_number(c);
    att_cbor_word_copy(c, code, sizeof(code));
    text = att_cbor_bytes(c, sizeof(f->text) - 1);
    att_cbor_leave(c);
    if (!att_cbor_ok(c))
        return;
    f->reason = att_reason_find(code);
    if (f->reason == ATT_R_NONE || text.len == 0 || memchr(text.p, '\0', text.len) != NULL) {
        att_cbor_fail(c, ATT_E_FORMAT);
        return;
    }
    memcpy(f->text, text.p, text.len);
}

static void read_findings(struct att_cbor *c, struct att_statement *s)
{
    uint32_t count = 0;

    enter(c, 2);
    s->findings = read_number(c);
    count = att_cbor_enter_array(c, ATT_AUDIT_KEPT);
    for (uint32_t i = 0; i < count && att_cbor_ok(c); i++)
        read_finding(c, &s->finding[i]);
    att_cbor_leave(c);
    att_cbor_leave(c);
    if (att_cbor_ok(c) && count != (s->findings < ATT_AUDIT_KEPT ? s->findings : ATT_AUDIT_KEPT))
        att_cbor_fail(c, ATT_E_FORMAT);
}

static void read_checkpoint(struct att_cbor *c, struct att_statement *s)
{
    struct att_slice note = att_cbor_bytes(c, ATT_NOTE_MAX);

    if (!att_cbor_ok(c))
        return;
    if (note.len == 0) {
        att_cbor_fail(c, ATT_E_FORMAT);
        return;
    }
    if (att_buf_new(&s->checkpoint, note.len) != ATT_OK ||
        att_buf_add_slice(s->checkpoint, note) != ATT_OK)
        att_cbor_fail(c, ATT_E_NOMEM);
}

static void read_period(struct att_cbor *c, struct att_period *p)
{
    enter(c, 2);
    p->from = read_time(c);
    p->until = read_time(c);
    att_cbor_leave(c);
}

static void read_log_member(struct reading *r, enum statement_member member)
{
    struct att_cbor *c = &r->c;

    switch (member) {
    case MEMBER_BEGIN:
        read_end(c, &r->s->begin);
        return;
    case MEMBER_END:
        read_end(c, &r->s->end);
        return;
    case MEMBER_CHECKPOINT:
        read_checkpoint(c, r->s);
        return;
    case MEMBER_AUDIT:
        enter(c, 2);
        r->s->audited = read_number(c);
        r->s->keys = read_number(c);
        att_cbor_leave(c);
        return;
    case MEMBER_FINDINGS:
        read_findings(c, r->s);
        return;
    default:
        (void)att_cbor_item(c);
        r->known = false;
    }
}

static void read_member(struct reading *r, int64_t member)
{
    struct att_cbor *c = &r->c;
    struct att_period *p = r->s->period;

    switch (member) {
    case MEMBER_PROFILE:
        r->profile = att_cbor_text(c, 64);
        return;
    case MEMBER_PERIOD:
        read_period(c, p);
        return;
    case MEMBER_ISSUER:
        if (!read_null(c))
            att_cbor_word_copy(c, p->issuer, sizeof(p->issuer));
        return;
    case MEMBER_CLOSED:
        p->closed = att_cbor_bool(c);
        return;
    case MEMBER_TALLY:
        read_tally(c, p);
        return;
    case MEMBER_RULES:
        read_rules(c, p);
        return;
    case MEMBER_GATEWAYS:
        read_gateways(c, p);
        return;
    case MEMBER_GAPS:
        read_gaps(c, p);
        return;
    case MEMBER_EVENTS:
        read_events(c, p);
        return;
    case MEMBER_LIMITS:
        r->limits = att_cbor_text(c, 64);
        return;
    default:
        read_log_member(r,
                        member < 0 || member >= MEMBERS ? MEMBERS : (enum statement_member)member);
    }
}

static void read_all(struct reading *r)
{
    (void)att_cbor_enter_map(&r->c, 2 * MEMBERS);
    while (att_cbor_more(&r->c)) {
        int64_t member = att_cbor_key_int(&r->c);

        if (att_cbor_ok(&r->c) && member >= 0 && member < MEMBERS)
            r->seen |= UINT32_C(1) << member;
        read_member(r, member);
    }
    att_cbor_leave(&r->c);
}

/* --- figures that must agree --- */

static uint64_t labels_of(const struct att_period *p, int status)
{
    uint64_t count = 0;

    for (size_t i = 0; i < p->tallies; i++)
        count += p->tally[i].status == status ? p->tally[i].count : 0;
    return count;
}

static bool gateways_agree(const struct att_period *p)
{
    uint64_t affirming = 0, warning = 0, contraindicated = 0, gaps = 0;
    uint64_t length = (uint64_t)(p->until - p->from);

    for (size_t i = 0; i < p->gateways; i++) {
        const struct att_period_gateway *g = &p->gateway[i];

        affirming += g->affirming;
        warning += g->warning;
        contraindicated += g->contraindicated;
        gaps += g->gaps;
        if (g->covered_s > length || g->enrolled_s > length || g->longest_gap_s > length)
            return false;
    }
    return affirming == labels_of(p, ATT_TIER_AFFIRMING) &&
           warning == labels_of(p, ATT_TIER_WARNING) &&
           contraindicated == labels_of(p, ATT_TIER_CONTRAINDICATED) && gaps == p->gaps;
}

static bool rules_agree(const struct att_period *p)
{
    uint64_t affirming = 0, warning = 0, contraindicated = 0;

    for (size_t i = 0; i < p->rule_sets; i++) {
        affirming += p->rules[i].affirming;
        warning += p->rules[i].warning;
        contraindicated += p->rules[i].contraindicated;
    }
    return affirming <= labels_of(p, ATT_TIER_AFFIRMING) &&
           warning <= labels_of(p, ATT_TIER_WARNING) &&
           contraindicated <= labels_of(p, ATT_TIER_CONTRAINDICATED);
}

static bool kept_agree(uint64_t all, size_t kept)
{
    return kept == (all < ATT_PERIOD_KEPT ? all : ATT_PERIOD_KEPT);
}

static bool inside(const struct att_period *p, uint64_t index)
{
    return p->begin <= index && index < p->end;
}

/* What is listed is of the period, and in order. */
static bool lists_agree(const struct att_statement *s)
{
    const struct att_period *p = s->period;
    size_t findings = s->findings < ATT_AUDIT_KEPT ? (size_t)s->findings : ATT_AUDIT_KEPT;

    for (size_t i = 0; i < p->gaps_kept; i++) {
        if (p->gap[i].from < p->from || p->gap[i].from >= p->gap[i].until ||
            p->gap[i].until > p->until)
            return false;
    }
    for (size_t i = 0; i < p->events_kept; i++) {
        if (!inside(p, p->event[i].index) || (i > 0 && p->event[i].index <= p->event[i - 1].index))
            return false;
    }
    for (size_t i = 0; i < findings; i++) {
        if (!inside(p, s->finding[i].index) ||
            (i > 0 && s->finding[i].index < s->finding[i - 1].index))
            return false;
    }
    return kept_agree(p->gaps, p->gaps_kept) && kept_agree(p->events, p->events_kept);
}

static bool figures_agree(const struct att_statement *s)
{
    const struct att_period *p = s->period;

    return p->from < p->until && p->begin <= p->end && p->end <= s->audited &&
           p->closed == (p->end < s->audited) && att_period_count(p, NULL) == p->end - p->begin &&
           gateways_agree(p) && rules_agree(p) && lists_agree(s);
}

static enum att_err check_version(const struct reading *r, struct att_diag *diag)
{
    if (ATT_GUARD(REPORT_VERSION,
                  !att_slice_eq(r->profile, att_slice_str(ATT_PROFILE_REPORT)) || !r->known ||
                      !att_slice_eq(r->limits, att_slice_str(ATT_STATEMENT_LIMITS))))
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_RPT_VERSION, "profile",
                        "expected \"" ATT_PROFILE_REPORT "\" and the members 0 to %d", MEMBERS - 1);
    return ATT_OK;
}

enum att_err att_statement_decode(struct att_statement **out, struct att_slice in,
                                  struct att_diag *diag)
{
    ATT_CLEANUP(att_statement_freep) struct att_statement *s = calloc(1, sizeof(*s));
    struct reading r = {.c = att_cbor_from(in), .s = s, .known = true};
    enum att_err err = ATT_OK;

    if (s != NULL)
        s->period = calloc(1, sizeof(*s->period));
    if (s == NULL || s->period == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "statement", "no memory");
    if (in.len > ATT_STATEMENT_MAX)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_LIM_SIZE, "statement",
                        "expected at most %u bytes, found %zu", ATT_STATEMENT_MAX, in.len);
    read_all(&r);
    err = att_cbor_end_diag(&r.c, ATT_R_FMT_REPORT, "statement", diag);
    if (err == ATT_OK && r.known && r.seen != (UINT32_C(1) << MEMBERS) - 1)
        err = att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_REPORT, "statement",
                       "expected the members 0 to %d, each once", MEMBERS - 1);
    if (err == ATT_OK)
        err = check_version(&r, diag);
    if (err != ATT_OK)
        return err;
    s->period->begin = s->begin.tree.size;
    s->period->end = s->end.tree.size;
    if (ATT_GUARD(REPORT_SUMS, !figures_agree(s)))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_RPT_SUMS, "statement",
                        "its figures contradict each other");
    *out = s;
    s = NULL;
    return ATT_OK;
}
