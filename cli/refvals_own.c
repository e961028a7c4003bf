/*
 * Reference values from the own log of a known-good gateway: what stands last under each name.
 *
 * A log is a history. What a file was before it became what it is may be what an intruder made of it, and a
 * name that has gone since must not be asked for: neither is a state to approve.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "refvals_make.h"
#include "tcg/ownlog.h"

/* The state of one name. A file that became a link is one item. */
struct state {
    char *name;
    enum att_own_type type;
    bool has; /* a digest: it is there */
    uint8_t digest[32];
};

struct states {
    struct making *m;
    void *tree; /* tsearch(3), by name */
    enum att_err err;
};

static int by_name(const void *a, const void *b)
{
    const struct state *x = a;
    const struct state *y = b;

    return strcmp(x->name, y->name);
}

static void state_free(void *p)
{
    struct state *s = p;

    free(s->name);
    free(s);
}

static struct state *state_new(const struct att_own_item *item)
{
    struct state *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return NULL;
    }
    s->name = strndup((const char *)item->name.p, item->name.len);
    s->type = item->type;
    s->has = item->digest != NULL;
    if (s->has) {
        memcpy(s->digest, item->digest, 32);
    }
    if (s->name == NULL) {
        free(s);
        return NULL;
    }
    return s;
}

static bool same(const struct state *x, const struct state *y)
{
    return x->type == y->type && memcmp(x->digest, y->digest, 32) == 0;
}

/* The later state takes the place of the one before. */
static enum att_err take_item(struct states *x, const struct att_own_item *item)
{
    struct state *s = state_new(item);
    struct state **at = s == NULL ? NULL : tsearch(s, &x->tree, by_name);

    if (at == NULL) {
        if (s != NULL) {
            state_free(s);
        }
        return ATT_E_NOMEM;
    }
    if (*at != s) {
        x->m->earlier += (*at)->has && !same(*at, s) ? 1 : 0;
        (*at)->type = s->type;
        (*at)->has = s->has;
        memcpy((*at)->digest, s->digest, 32);
        state_free(s);
    }
    return ATT_OK;
}

static enum att_err take_record(struct states *x, const struct att_own_record *rec)
{
    struct att_own_items items = att_own_items_from(rec);
    struct att_own_item item;
    enum att_err err = ATT_OK;

    while (err == ATT_OK && att_own_item_next(&items, &item)) {
        err = take_item(x, &item);
    }
    return err;
}

static enum att_err leave(struct making *m, const struct state *s)
{
    switch (s->type) {
    case ATT_OWN_ABSENT:
        return making_leave(m, LEFT_GONE, s->name);
    case ATT_OWN_UNREADABLE:
        return making_leave(m, LEFT_UNREADABLE, s->name);
    default:
        return making_leave(m, LEFT_UNSUPPORTED, s->name);
    }
}

static enum att_err add_state(struct making *m, const struct state *s)
{
    if (!s->has) {
        return leave(m, s);
    }
    if (strlen(s->name) >= ATT_OWN_NAME_MAX) {
        return making_leave(m, LEFT_NAME, s->name);
    }
    m->links += s->type == ATT_OWN_LINK ? 1 : 0;
    m->files += s->type == ATT_OWN_LINK ? 0 : 1;
    if (s->type == ATT_OWN_CONFIG) { /* a value of a file, which is an item itself */
        return making_add(m, "", s->name, s->digest);
    }
    return making_item(m, s->type == ATT_OWN_LINK, s->name, s->digest);
}

static void add_node(const void *node, VISIT visit, void *arg)
{
    struct states *x = arg;

    if ((visit == postorder || visit == leaf) && x->err == ATT_OK) {
        x->err = add_state(x->m, *(struct state *const *)node);
    }
}

static enum att_err read_log(struct states *x, struct att_slice log, struct att_diag *diag)
{
    struct att_own it = att_own_from(log, 0);
    struct att_own_record rec;
    bool more = true;
    enum att_err err = ATT_OK;

    while (err == ATT_OK) {
        err = att_own_next(&it, &rec, &more, x->m->hasher, diag);
        if (err != ATT_OK || !more) {
            return err;
        }
        err = rec.is_boot ? ATT_OK : take_record(x, &rec);
    }
    return err;
}

enum att_err making_own(struct making *m, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct states x = {.m = m};
    enum att_err err = att_file_read(&file, path, ATT_OWN_LOG_MAX, diag);

    m->own = true;
    err = err == ATT_OK ? read_log(&x, att_buf_slice(file), diag) : err;
    if (err == ATT_OK) {
        twalk_r(x.tree, add_node, &x);
        err = x.err;
    }
    tdestroy(x.tree, state_free);
    return err;
}
