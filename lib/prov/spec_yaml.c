/* Specifications as people write them: strict YAML, every refusal with file:line:column. */
#include "prov/spec_yaml.h"

#include <stdlib.h>
#include <string.h>

#define NODE const struct att_yaml_node

static void read_head(struct att_spec_yaml *y, NODE *root, struct att_spec *s)
{
    static const char *const KEYS[] = {"specification", "version",    "title",   "batch",
                                       "channels",      "redundancy", "balance", "feedback",
                                       "interlock",     "seals",      NULL};
    static const char *const BATCH[] = {"every", "at_most", NULL};
    NODE *batch = NULL;

    att_sy_only(y, root, KEYS);
    att_sy_text(y, att_sy_need(y, root, "specification"), s->id, sizeof(s->id));
    s->version = (uint64_t)att_sy_int(y, att_sy_need(y, root, "version"), 1, ATT_SPEC_VERSION_MAX);
    att_sy_title(y, att_sy_need(y, root, "title"), s->title_en, s->title_ja);
    batch = att_sy_need(y, root, "batch");
    att_sy_only(y, batch, BATCH);
    s->batch_ms = att_sy_ms(y, att_sy_need(y, batch, "every"));
    s->batch_size =
        (uint32_t)att_sy_int(y, att_sy_need(y, batch, "at_most"), 1, ATT_SPEC_BATCH_MAX);
}

/* The last channel's id must be new. */
static void only_one_of(struct att_spec_yaml *y, NODE *n, const struct att_spec *s)
{
    const char *last = s->channel[s->channel_count - 1].id;

    if (att_sy_ok(y) && att_spec_index(s, last) != (int)s->channel_count - 1) {
        att_sy_refuse(y, att_yaml_get(n, "id"), "expected each id once, found %s again", last);
    }
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct att_channel *)a)->id, ((const struct att_channel *)b)->id);
}

static void read_channels(struct att_spec_yaml *y, NODE *list, struct att_spec *s)
{
    size_t count = att_sy_list(y, list, 1, ATT_SPEC_CHANNELS_MAX);

    for (size_t i = 0; att_sy_ok(y) && i < count; i++) {
        NODE *n = att_yaml_item(list, i);
        struct att_channel *c = NULL;

        y->err = att_spec_add_channel(s, &c);
        if (att_sy_ok(y)) {
            att_sy_channel(y, n, c);
            only_one_of(y, n, s);
        }
    }
    qsort(s->channel, s->channel_count, sizeof(s->channel[0]), by_id);
}

/* What the relations make of each channel, at the channel's place. */
static void check_outputs(struct att_spec_yaml *y, NODE *list, const struct att_spec *s)
{
    for (size_t i = 0; att_sy_ok(y) && i < s->channel_count; i++) {
        NODE *n = att_yaml_item(list, i);
        const char *id = NULL;
        struct att_diag why = {0};

        y->err = att_yaml_text(att_yaml_get(n, "id"), &id, ATT_PROV_ID, y->diag);
        if (att_sy_ok(y)) {
            att_sy_rule(y, att_spec_check_output(s, (size_t)att_spec_index(s, id), &why), &why, n);
        }
    }
}

static void read_spec(struct att_spec_yaml *y, NODE *root, struct att_spec *s)
{
    struct att_diag why = {0};
    NODE *channels = NULL;

    read_head(y, root, s);
    channels = att_sy_need(y, root, "channels");
    read_channels(y, channels, s);
    att_sy_relations(y, root, s);
    check_outputs(y, channels, s);
    if (att_sy_ok(y)) {
        att_sy_rule(y, att_spec_seal(s, &why), &why, root);
    }
}

enum att_err att_spec_parse_yaml(struct att_spec **out, const char *name, struct att_slice in,
                                 struct att_diag *diag)
{
    ATT_CLEANUP(att_yaml_freep) struct att_yaml *doc = NULL;
    ATT_CLEANUP(att_spec_freep) struct att_spec *s = NULL;
    struct att_spec_yaml y = {ATT_OK, diag};
    enum att_err err = att_yaml_parse(&doc, name, in, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (att_yaml_type(att_yaml_root(doc)) != ATT_YAML_MAP) {
        return att_yaml_fail(att_yaml_root(doc), ATT_R_CFG_SPEC, diag,
                             "expected a specification (a map)");
    }
    err = att_spec_new(&s);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "specification", "no memory");
    }
    read_spec(&y, att_yaml_root(doc), s);
    if (y.err == ATT_E_CONFIG && diag != NULL) {
        diag->reason =
            ATT_R_CFG_SPEC; /* also where a reader of YAML refused the type of a scalar */
    }
    if (y.err != ATT_OK) {
        return y.err;
    }
    *out = s;
    s = NULL;
    return ATT_OK;
}
