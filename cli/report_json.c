/* A period statement as a member of --json. */
#include "appraise/result.h"
#include "base/clock.h"
#include "report_make.h"

static json_t *number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *time_json(int64_t utc)
{
    char text[ATT_TIME_TEXT];

    return json_string(att_time_print(text, sizeof(text), utc));
}

static json_t *word(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

static json_t *digest(bool has, const uint8_t *p, size_t len)
{
    return has ? json_hex(att_slice_of(p, len)) : json_null();
}

static json_t *end_json(const struct att_statement_end *e)
{
    return json_pack("{s:o, s:o}", "size", number(e->tree.size), "root",
                     json_hex(att_slice_of(e->tree.root, ATT_MERKLE_LEN)));
}

static json_t *tally_json(const struct att_period *p)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->tallies; i++) {
        const struct att_period_tally *t = &p->tally[i];

        (void)json_array_append_new(
            list,
            json_pack("{s:s, s:o, s:o, s:o}", "kind", t->kind, "reason", word(t->reason), "status",
                      t->status == ATT_PERIOD_NO_STATUS ? json_null() : number((uint64_t)t->status),
                      "count", number(t->count)));
    }
    return list;
}

static json_t *rules_json(const struct report_making *m, const struct att_period *p)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->rule_sets; i++) {
        const struct att_period_rules *r = &p->rules[i];
        const struct att_policy *policy = report_policy(m, r->policy);
        json_t *o =
            json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "policy", digest(true, r->policy, 32),
                      "refvals", digest(true, r->refvals, 32), "name",
                      policy != NULL ? json_string(policy->name) : json_null(), "affirming",
                      number(r->affirming), "warning", number(r->warning), "contraindicated",
                      number(r->contraindicated), "first", time_json(r->first_utc));

        (void)json_array_append_new(list, o);
    }
    return list;
}

static json_t *gateways_json(const struct att_period *p)
{
    static const char *const STANDING[] = {"unknown", "enrolled", "removed"};
    json_t *list = json_array();

    for (size_t i = 0; i < p->gateways; i++) {
        const struct att_period_gateway *g = &p->gateway[i];

        (void)json_array_append_new(
            list, json_pack("{s:o, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "ueid",
                            digest(true, g->ueid, 32), "standing", STANDING[g->standing], "silent",
                            g->silent ? 1 : 0, "affirming", number(g->affirming), "warning",
                            number(g->warning), "contraindicated", number(g->contraindicated),
                            "stale", number(g->stale), "taken_back", number(g->taken), "enrolled_s",
                            number(g->enrolled_s), "covered_s", number(g->covered_s), "gaps",
                            number(g->gaps), "longest_gap_s", number(g->longest_gap_s)));
    }
    return list;
}

static json_t *gaps_json(const struct att_period *p)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->gaps_kept; i++) {
        const struct att_period_gap *g = &p->gap[i];

        (void)json_array_append_new(
            list,
            json_pack("{s:o, s:o, s:o, s:o}", "ueid", digest(true, g->ueid, 32), "from",
                      time_json(g->from), "until", time_json(g->until), "index", number(g->index)));
    }
    return list;
}

static json_t *events_json(const struct att_period *p)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->events_kept; i++) {
        const struct att_period_event *v = &p->event[i];

        (void)json_array_append_new(
            list, json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "index",
                            number(v->index), "time", time_json(v->utc), "kind", v->kind, "reason",
                            word(v->reason), "ueid", digest(v->has_ueid, v->ueid, 32), "cti",
                            digest(v->has_cti, v->cti, sizeof(v->cti)), "policy",
                            digest(v->has_policy, v->policy, 32), "refvals",
                            digest(v->has_refvals, v->refvals, 32), "about",
                            digest(v->has_about, v->about, 32)));
    }
    return list;
}

json_t *report_json(const struct report_making *m, const struct att_statement *s)
{
    const struct att_period *p = s->period;

    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "from", time_json(p->from), "until", time_json(p->until), "issuer", word(p->issuer),
        "audited", number(s->audited), "begin", end_json(&s->begin), "end", end_json(&s->end),
        "keys", number(s->keys), "closed", p->closed ? 1 : 0, "entries", number(p->end - p->begin),
        "tally", tally_json(p), "rules", rules_json(m, p), "gateways", gateways_json(p),
        "gaps_count", number(p->gaps), "gaps", gaps_json(p), "events_count", number(p->events),
        "events", events_json(p), "findings", number(s->findings));
}
