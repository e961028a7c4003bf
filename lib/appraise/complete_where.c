/*
 * own_complete: where is something missing?
 *
 * Reference values hold no names, so what is missing cannot be called by its own. But they tell what is complete of each
 * folder some levels down (docs/formats/refvals.md): a folder that does not come out the same lacks something, and the
 * narrowest such folders are where a technician looks first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/complete_internal.h"

#define DEPTH_MAX  16
#define TOLD_MAX   3  /* folders by name */
#define SHOWN_ROOM 56 /* bytes of one of them: three fit the words */

/* What is there, by name: all below a folder stands in one stretch. */
struct search {
    const struct judging *j;
    const struct att_seen_entry **at;
    size_t count;
    size_t told;
    char words[ATT_DIAG_TEXT];
};

struct stretch {
    struct att_slice folder; /* without a slash at its end: empty for "/" */
    size_t low, high;
};

static int by_name(const void *a, const void *b)
{
    const struct att_slice x = (*(const struct att_seen_entry *const *)a)->name;
    const struct att_slice y = (*(const struct att_seen_entry *const *)b)->name;
    int order = memcmp(x.p, y.p, x.len < y.len ? x.len : y.len);

    return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

static bool is_below(struct att_slice folder, struct att_slice name)
{
    return name.len > folder.len && name.p[folder.len] == '/' &&
           (folder.len == 0 || memcmp(name.p, folder.p, folder.len) == 0);
}

/* All entries below a folder, from the first on. */
static size_t end_of(const struct search *s, struct att_slice folder, size_t from, size_t high)
{
    while (from < high && is_below(folder, s->at[from]->name)) {
        from++;
    }
    return from;
}

/* The folder in this one that a name stands below; false: it stands in this one itself. */
static bool child_of(struct att_slice *child, struct att_slice folder, struct att_slice name)
{
    size_t start = folder.len + 1;
    const uint8_t *slash = memchr(name.p + start, '/', name.len - start);

    if (slash == NULL) {
        return false;
    }
    *child = att_slice_of(name.p, (size_t)(slash - name.p));
    return true;
}

/* Do the reference values know all of a folder, and is it otherwise here? */
static enum att_err lacks(bool *out, const struct search *s, const struct stretch *g)
{
    ATT_CLEANUP(att_name_set_freep) struct att_name_set *set = NULL;
    char name[sizeof(ATT_COMPLETE_PREFIX) + ATT_OWN_NAME_MAX];
    struct att_refvals_found found = {0};
    uint8_t digest[32];
    size_t count = 0;
    int len = snprintf(name, sizeof(name), "%s%.*s", ATT_COMPLETE_PREFIX, (int)g->folder.len,
                       (const char *)g->folder.p);
    struct att_slice spelled = att_slice_of(name, (size_t)len);
    enum att_err err = att_refvals_look(&found, s->j->refvals, spelled, NULL);

    *out = false;
    if (err != ATT_OK || found.count == 0) {
        return err;
    }
    err = att_name_set_new(&set);
    for (size_t i = g->low; err == ATT_OK && i < g->high; i++) {
        err = att_complete_add(set, s->j, s->at[i], false);
    }
    if (err == ATT_OK) {
        err = att_name_set_digest(digest, &count, set);
    }
    if (err == ATT_OK) {
        err = att_refvals_look(&found, s->j->refvals, spelled, digest);
    }
    *out = err == ATT_OK && !found.same;
    return err;
}

static void tell(struct search *s, struct att_slice folder)
{
    size_t at = strlen(s->words);
    char shown[SHOWN_ROOM];

    s->told++;
    if (s->told > TOLD_MAX + 1) {
        return;
    }
    if (s->told == TOLD_MAX + 1) {
        (void)snprintf(s->words + at, sizeof(s->words) - at, " ...");
        return;
    }
    (void)att_escape(shown, sizeof(shown), folder.p, folder.len);
    (void)snprintf(s->words + at, sizeof(s->words) - at, "%s%s",
                   at == 0 ? "something is missing in " : ", ", folder.len == 0 ? "/" : shown);
}

/* The depth is bounded, and each entry stands in one folder of each depth. */
static enum att_err descend(struct search *s, const struct stretch *g, int depth)
{
    size_t told = s->told;
    size_t i = g->low;
    enum att_err err = ATT_OK;

    while (err == ATT_OK && depth < DEPTH_MAX && i < g->high) {
        struct stretch child = {.low = i};
        bool yes = false;

        if (!child_of(&child.folder, g->folder, s->at[i]->name)) {
            i++;
            continue;
        }
        child.high = end_of(s, child.folder, i, g->high);
        err = lacks(&yes, s, &child);
        if (err == ATT_OK && yes) {
            err = descend(s, &child, depth + 1);
        }
        i = child.high;
    }
    if (err == ATT_OK && s->told == told) {
        tell(s, g->folder); /* in it, or a folder of it with all that it holds */
    }
    return err;
}

/* What is there below the folder, by name. */
static enum att_err collect(struct search *s, struct att_slice folder)
{
    const struct att_seen *seen = s->j->seen;
    size_t room = seen != NULL ? seen->count : 0;

    s->at = calloc(room + 1, sizeof(struct att_seen_entry *));
    if (s->at == NULL) {
        return ATT_E_NOMEM;
    }
    for (size_t i = 0; i < room; i++) {
        if (seen->entry[i].there && is_below(folder, seen->entry[i].name)) {
            s->at[s->count++] = &seen->entry[i];
        }
    }
    qsort(s->at, s->count, sizeof(struct att_seen_entry *), by_name);
    return ATT_OK;
}

enum att_err att_complete_where(char out[ATT_DIAG_TEXT], const struct judging *j,
                                const char *prefix)
{
    struct search s = {.j = j};
    struct stretch all = {.folder = att_slice_str(prefix)};
    enum att_err err = ATT_OK;

    out[0] = '\0';
    if (j->out->windows.count > 0) {
        return ATT_OK; /* a folder that an update is changing lacks nothing by that */
    }
    while (all.folder.len > 0 && prefix[all.folder.len - 1] == '/') {
        all.folder.len--;
    }
    err = collect(&s, all.folder);
    all.high = s.count;
    if (err == ATT_OK) {
        err = descend(&s, &all, 0);
    }
    free(s.at);
    if (err == ATT_OK) {
        (void)snprintf(out, ATT_DIAG_TEXT, "%s", s.words);
    }
    return err;
}
