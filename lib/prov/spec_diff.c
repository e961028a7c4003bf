/* What differs between two specifications: by what people write, and by the counters that had to rise. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prov/spec_internal.h"
#include "prov/spec_print.h"

/* Each channel by each of its keys and its counter, of both; each relation of both; the head. */
#define CHANGES_MAX                                                                                \
    (2 * ATT_SPEC_CHANNELS_MAX * (ATT_CHANNEL_KEYS + 1) +                                          \
     2 * ATT_RELATION__COUNT * ATT_SPEC_RELATIONS_MAX + 8)

void att_spec_diff_free(struct att_spec_diff *d)
{
    if (d != NULL) {
        free(d->change);
        free(d);
    }
}

void att_spec_diff_freep(struct att_spec_diff **d)
{
    att_spec_diff_free(*d);
    *d = NULL;
}

/* One more, about id; NULL when memory ran out. */
static struct att_spec_change *add(struct att_spec_diff *d, const char *id)
{
    struct att_spec_change *grown = NULL;
    struct att_spec_change *c = NULL;

    if (d->count >= CHANGES_MAX) {
        return NULL;
    }
    grown = realloc(d->change, (d->count + 1) * sizeof(*grown));
    if (grown == NULL) {
        return NULL;
    }
    d->change = grown;
    c = &grown[d->count++];
    memset(c, 0, sizeof(*c));
    (void)snprintf(c->id, sizeof(c->id), "%s", id);
    return c;
}

static enum att_err add_text(struct att_spec_diff *d, const char *id, const char *en,
                             const char *ja)
{
    struct att_spec_change *c = add(d, id);

    if (c == NULL) {
        return ATT_E_NOMEM;
    }
    (void)snprintf(c->en, sizeof(c->en), "%s", en);
    (void)snprintf(c->ja, sizeof(c->ja), "%s", ja);
    return ATT_OK;
}

#define SIDE 208 /* bytes of one side that are shown */

/* As far as it is shown, whole characters. */
static const char *side(char out[SIDE + 4], const char *text, const char *none)
{
    size_t len = strlen(text);

    if (len == 0) {
        return none;
    }
    if (len > SIDE) {
        len = SIDE;
        while (((unsigned char)text[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    (void)snprintf(out, SIDE + 4, "%.*s%s", (int)len, text, text[len] != '\0' ? "..." : "");
    return out;
}

/* "KEY: OLD -> NEW"; empty is none. */
static enum att_err add_pair(struct att_spec_diff *d, const char *id, const char *key,
                             const char *before, const char *after)
{
    struct att_spec_change *c = add(d, id);
    char left[SIDE + 4];
    char right[SIDE + 4];

    if (c == NULL) {
        return ATT_E_NOMEM;
    }
    (void)snprintf(c->en, sizeof(c->en), "%s: %s -> %s", key, side(left, before, "none"),
                   side(right, after, "none"));
    (void)snprintf(c->ja, sizeof(c->ja), "%s: %s → %s", key, side(left, before, "なし"),
                   side(right, after, "なし"));
    return ATT_OK;
}

static const char *text_of(const struct att_buf *b)
{
    return (const char *)att_buf_slice(b).p;
}

/* --- channels --- */

static enum att_err compare_key(struct att_spec_diff *d, const struct att_channel *a,
                                const struct att_channel *b, size_t key)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *before = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *after = NULL;
    enum att_err err = att_channel_print(&before, a, key);

    if (err == ATT_OK) {
        err = att_channel_print(&after, b, key);
    }
    if (err != ATT_OK || strcmp(text_of(before), text_of(after)) == 0) {
        return err;
    }
    return add_pair(d, b->id, att_channel_key(key), text_of(before), text_of(after));
}

static enum att_err compare_channel(struct att_spec_diff *d, const struct att_channel *a,
                                    const struct att_channel *b)
{
    enum att_err err = ATT_OK;

    for (size_t key = 0; err == ATT_OK && key < ATT_CHANNEL_KEYS; key++) {
        err = compare_key(d, a, b, key);
    }
    return err;
}

static enum att_err compare_channels(struct att_spec_diff *d, const struct att_spec *a,
                                     const struct att_spec *b)
{
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && i < a->channel_count; i++) {
        const struct att_channel *other = att_spec_channel(b, a->channel[i].id);

        err = other == NULL
                  ? add_text(d, a->channel[i].id, "the channel is gone", "チャネルがなくなりました")
                  : compare_channel(d, &a->channel[i], other);
    }
    for (size_t i = 0; err == ATT_OK && i < b->channel_count; i++) {
        if (att_spec_channel(a, b->channel[i].id) == NULL) {
            err = add_text(d, b->channel[i].id, "the channel is new", "チャネルが加わりました");
        }
    }
    return err;
}

/* --- relations --- */

static const void *find(const struct att_relation_view *all, const char *id)
{
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(att_relation_view_at(all, i), id) == 0) {
            return att_relation_view_at(all, i);
        }
    }
    return NULL;
}

/* A relation of one side, as it is written; "" when it has none of this id. */
static enum att_err print_one(struct att_buf **out, const struct att_spec *s,
                              enum att_relation kind, const char *id)
{
    struct att_relation_view all = att_spec_relation_view(s, kind);
    const void *r = find(&all, id);
    enum att_err err = ATT_OK;

    if (r != NULL) {
        return att_relation_print(out, s, kind, r);
    }
    err = att_buf_new(out, 1);
    return err == ATT_OK ? att_buf_add(*out, "", 1) : err;
}

static enum att_err compare_relation(struct att_spec_diff *d, const struct att_spec *a,
                                     const struct att_spec *b, enum att_relation kind,
                                     const char *id)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *before = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *after = NULL;
    struct att_relation_view all = att_spec_relation_view(a, kind);
    enum att_err err = print_one(&before, a, kind, id);

    if (err == ATT_OK) {
        err = print_one(&after, b, kind, id);
    }
    if (err != ATT_OK || strcmp(text_of(before), text_of(after)) == 0) {
        return err;
    }
    return add_pair(d, id, all.key, text_of(before), text_of(after));
}

static enum att_err compare_relations(struct att_spec_diff *d, const struct att_spec *a,
                                      const struct att_spec *b)
{
    enum att_err err = ATT_OK;

    for (int k = 0; err == ATT_OK && k < ATT_RELATION__COUNT; k++) {
        enum att_relation kind = (enum att_relation)k;
        struct att_relation_view before = att_spec_relation_view(a, kind);
        struct att_relation_view after = att_spec_relation_view(b, kind);

        for (size_t i = 0; err == ATT_OK && i < before.count; i++) {
            err = compare_relation(d, a, b, kind, att_relation_view_at(&before, i));
        }
        for (size_t i = 0; err == ATT_OK && i < after.count; i++) {
            const char *id = att_relation_view_at(&after, i);

            err = find(&before, id) == NULL ? compare_relation(d, a, b, kind, id) : ATT_OK;
        }
    }
    return err;
}

/* --- the whole --- */

static enum att_err add_head(struct att_spec_diff *d, const char *key, const char *before,
                             const char *after)
{
    return strcmp(before, after) == 0 ? ATT_OK : add_pair(d, "", key, before, after);
}

static enum att_err compare_heads(struct att_spec_diff *d, const struct att_spec *a,
                                  const struct att_spec *b)
{
    char text[2][2 * ATT_PROV_NAME + 32];
    const struct att_spec *s[] = {a, b};
    enum att_err err = add_head(d, "specification", a->id, b->id);

    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(text[i], sizeof(text[i]), "%" PRIu64, s[i]->version);
    }
    if (err == ATT_OK) {
        err = add_head(d, "version", text[0], text[1]);
    }
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(text[i], sizeof(text[i]), "%s / %s", s[i]->title_en, s[i]->title_ja);
    }
    if (err == ATT_OK) {
        err = add_head(d, "title", text[0], text[1]);
    }
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(text[i], sizeof(text[i]), "{every: %" PRId64 "ms, at_most: %" PRIu32 "}",
                       s[i]->batch_ms, s[i]->batch_size);
    }
    return err == ATT_OK ? add_head(d, "batch", text[0], text[1]) : err;
}

static enum att_err add_counter(struct att_spec_diff *d, const char *id, const struct att_diag *why,
                                uint64_t at_least)
{
    struct att_spec_change *c = add(d, id);

    if (c == NULL) {
        return ATT_E_NOMEM;
    }
    c->counter = true;
    (void)snprintf(c->en, sizeof(c->en), "%s: %s", why->field, why->text);
    (void)snprintf(c->ja, sizeof(c->ja), "%s: version を %" PRIu64 " 以上にしてください",
                   why->field, at_least);
    return ATT_OK;
}

static enum att_err check_counters(struct att_spec_diff *d, const struct att_spec *a,
                                   const struct att_spec *b)
{
    struct att_diag why = {0};
    enum att_err err = ATT_OK;

    if (strcmp(a->id, b->id) == 0 && att_spec_check_version(a, b, &why) != ATT_OK) {
        err = add_counter(d, "", &why, a->version + 1);
    }
    for (size_t i = 0; err == ATT_OK && i < b->channel_count; i++) {
        const struct att_channel *next = &b->channel[i];
        const struct att_channel *now = att_spec_channel(a, next->id);

        if (now != NULL && att_spec_check_calibration(now, next, &why) != ATT_OK) {
            bool same = att_spec_same_calibration(&now->calibration, &next->calibration);

            err = add_counter(d, next->id, &why, now->calibration.version + (same ? 0 : 1));
        }
    }
    return err;
}

enum att_err att_spec_diff(struct att_spec_diff **out, const struct att_spec *a,
                           const struct att_spec *b)
{
    ATT_CLEANUP(att_spec_diff_freep) struct att_spec_diff *d = calloc(1, sizeof(*d));
    enum att_err err = d == NULL ? ATT_E_NOMEM : ATT_OK;

    if (err == ATT_OK) {
        err = compare_heads(d, a, b);
    }
    if (err == ATT_OK) {
        err = compare_channels(d, a, b);
    }
    if (err == ATT_OK) {
        err = compare_relations(d, a, b);
    }
    if (err == ATT_OK) {
        err = check_counters(d, a, b);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = d;
    d = NULL;
    return ATT_OK;
}
