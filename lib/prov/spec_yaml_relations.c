/* Relations of channels as people write them: by the channels' ids. */
#include <stdlib.h>
#include <string.h>

#include "prov/spec_yaml.h"

#define NODE const struct att_yaml_node

static uint8_t read_channel(struct att_spec_yaml *y, NODE *n, const struct att_spec *s)
{
    char id[ATT_PROV_ID] = "";
    int i = 0;

    att_sy_text(y, n, id, sizeof(id));
    if (!att_sy_ok(y) || n == NULL) {
        return 0;
    }
    i = att_spec_index(s, id);
    if (i < 0) {
        char shown[64];

        att_sy_refuse(y, n, "expected the id of a channel, found %s",
                      att_escape(shown, sizeof(shown), id, strlen(id)));
        return 0;
    }
    return (uint8_t)i;
}

static int by_index(const void *a, const void *b)
{
    return (int)*(const uint8_t *)a - (int)*(const uint8_t *)b;
}

/* In the order of the specification, whatever order they were written in. */
static size_t read_channels(struct att_spec_yaml *y, NODE *n, const struct att_spec *s,
                            uint8_t out[ATT_SPEC_MEMBERS_MAX])
{
    size_t count = att_sy_list(y, n, 1, ATT_SPEC_MEMBERS_MAX);

    for (size_t i = 0; i < count; i++) {
        out[i] = read_channel(y, att_yaml_item(n, i), s);
    }
    qsort(out, count, sizeof(out[0]), by_index);
    return count;
}

static void read_redundancy(struct att_spec_yaml *y, NODE *n, const struct att_spec *s,
                            void *relation)
{
    static const char *const KEYS[] = {"id", "channels", "tolerance", NULL};
    struct att_redundancy *r = relation;

    att_sy_only(y, n, KEYS);
    r->count = read_channels(y, att_sy_need(y, n, "channels"), s, r->channel);
    r->tolerance = att_sy_decimal(y, att_sy_need(y, n, "tolerance"));
}

/* Keeps the terms in the order of the specification. */
static void add_term(struct att_balance *b, uint8_t channel, struct att_decimal factor)
{
    size_t at = b->count++;

    while (at > 0 && b->channel[at - 1] > channel) {
        b->channel[at] = b->channel[at - 1];
        b->factor[at] = b->factor[at - 1];
        at--;
    }
    b->channel[at] = channel;
    b->factor[at] = factor;
}

static void read_balance(struct att_spec_yaml *y, NODE *n, const struct att_spec *s, void *relation)
{
    static const char *const KEYS[] = {"id", "terms", "tolerance", NULL};
    static const char *const TERM[] = {"channel", "factor", NULL};
    struct att_balance *b = relation;
    NODE *terms = NULL;
    size_t count = 0;

    att_sy_only(y, n, KEYS);
    terms = att_sy_need(y, n, "terms");
    count = att_sy_list(y, terms, 2, ATT_SPEC_MEMBERS_MAX);
    for (size_t i = 0; i < count; i++) {
        NODE *term = att_yaml_item(terms, i);

        att_sy_only(y, term, TERM);
        add_term(b, read_channel(y, att_sy_need(y, term, "channel"), s),
                 att_sy_decimal(y, att_sy_need(y, term, "factor")));
    }
    b->tolerance = att_sy_decimal(y, att_sy_need(y, n, "tolerance"));
}

static void read_feedback(struct att_spec_yaml *y, NODE *n, const struct att_spec *s,
                          void *relation)
{
    static const char *const KEYS[] = {"id",       "command",   "feedback", "tolerance",
                                       "settling", "fail_safe", NULL};
    struct att_feedback *f = relation;

    att_sy_only(y, n, KEYS);
    f->command = read_channel(y, att_sy_need(y, n, "command"), s);
    f->feedback = read_channel(y, att_sy_need(y, n, "feedback"), s);
    f->tolerance = att_sy_decimal(y, att_sy_need(y, n, "tolerance"));
    f->settling_ms = att_sy_ms(y, att_sy_need(y, n, "settling"));
    f->fail_safe = att_sy_decimal(y, att_sy_need(y, n, "fail_safe"));
}

static void read_interlock(struct att_spec_yaml *y, NODE *n, const struct att_spec *s,
                           void *relation)
{
    static const char *const KEYS[] = {"id", "command", "while", "low", "high", NULL};
    struct att_interlock *x = relation;

    att_sy_only(y, n, KEYS);
    x->command = read_channel(y, att_sy_need(y, n, "command"), s);
    x->state = read_channel(y, att_sy_need(y, n, "while"), s);
    x->low = att_sy_decimal(y, att_sy_need(y, n, "low"));
    x->high = att_sy_decimal(y, att_sy_need(y, n, "high"));
}

static void read_seal(struct att_spec_yaml *y, NODE *n, const struct att_spec *s, void *relation)
{
    static const char *const KEYS[] = {"id", "switch", "intact", "covers", NULL};
    struct att_seal *x = relation;

    att_sy_only(y, n, KEYS);
    x->channel = read_channel(y, att_sy_need(y, n, "switch"), s);
    x->intact = att_sy_decimal(y, att_sy_need(y, n, "intact"));
    x->count = read_channels(y, att_sy_need(y, n, "covers"), s, x->covers);
}

/* The last relation's id must be new. */
static void only_one_of(struct att_spec_yaml *y, NODE *n, const struct att_relations *all)
{
    const char *last = att_relation_at(all, *all->count - 1);

    for (size_t i = 0; att_sy_ok(y) && i + 1 < *all->count; i++) {
        if (strcmp(att_relation_at(all, i), last) == 0) {
            att_sy_refuse(y, n, "expected each id once, found %s again", last);
        }
    }
}

static int by_id(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void read_kind(struct att_spec_yaml *y, NODE *list, struct att_spec *s,
                      enum att_relation kind)
{
    static void (*const READ[ATT_RELATION__COUNT])(struct att_spec_yaml *, NODE *,
                                                   const struct att_spec *, void *) = {
        [ATT_RELATION_REDUNDANCY] = read_redundancy,
        [ATT_RELATION_BALANCE] = read_balance,
        [ATT_RELATION_FEEDBACK] = read_feedback,
        [ATT_RELATION_INTERLOCK] = read_interlock,
        [ATT_RELATION_SEAL] = read_seal};
    struct att_relations all = att_spec_relations(s, kind);
    size_t count = att_sy_list(y, list, 1, ATT_SPEC_RELATIONS_MAX);

    for (size_t i = 0; att_sy_ok(y) && i < count; i++) {
        NODE *n = att_yaml_item(list, i);
        struct att_diag why = {0};
        NODE *id = NULL;
        void *r = NULL;

        if (att_yaml_type(n) != ATT_YAML_MAP || att_spec_add_relation(s, kind, &r) != ATT_OK) {
            att_sy_refuse(y, n, "expected a map");
            return;
        }
        READ[kind](y, n, s, r);
        id = att_sy_need(y, n, "id");
        att_sy_text(y, id, r, ATT_PROV_ID);
        if (att_sy_ok(y)) {
            att_sy_rule(y, att_spec_check_relation(s, kind, r, &why), &why, n);
        }
        only_one_of(y, id, &all);
    }
    qsort(all.first, *all.count, all.size, by_id);
}

void att_sy_relations(struct att_spec_yaml *y, const struct att_yaml_node *root, struct att_spec *s)
{
    for (int k = 0; k < ATT_RELATION__COUNT; k++) {
        struct att_relations all = att_spec_relations(s, (enum att_relation)k);

        read_kind(y, att_sy_maybe(y, root, all.key), s, (enum att_relation)k);
    }
}
