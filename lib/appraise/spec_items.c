/* Which transcription specifications stand in the own log, approved: for the label. */
#include <string.h>

#include "appraise/items_internal.h"
#include "base/guard.h"

/* The name behind "spec:", terminated; false for another item, or one that no specification has. */
static bool spec_name(char out[ATT_SPEC_ITEM_NAME], struct att_slice name)
{
    static const size_t PREFIX = sizeof(ATT_SPEC_ITEM) - 1;

    if (name.len <= PREFIX || name.len - PREFIX >= ATT_SPEC_ITEM_NAME ||
        memcmp(name.p, ATT_SPEC_ITEM, PREFIX) != 0) {
        return false;
    }
    for (size_t i = PREFIX; i < name.len; i++) {
        if (name.p[i] <= ' ' || name.p[i] > '~') {
            return false;
        }
    }
    memcpy(out, name.p + PREFIX, name.len - PREFIX);
    out[name.len - PREFIX] = '\0';
    return true;
}

/* The first that does not come before name. */
static uint32_t place_of(const struct att_carry *c, const char *name)
{
    uint32_t at = 0;

    while (at < c->spec_count && strcmp(c->spec[at].name, name) < 0) {
        at++;
    }
    return at;
}

void att_judge_spec(struct att_carry *c, const struct att_own_item *item, bool approved)
{
    char name[ATT_SPEC_ITEM_NAME];
    uint32_t at = 0;

    if (!spec_name(name, item->name)) {
        return;
    }
    at = place_of(c, name);
    if (at < c->spec_count && strcmp(c->spec[at].name, name) == 0) {
        c->spec_count--;
        memmove(&c->spec[at], &c->spec[at + 1], (c->spec_count - at) * sizeof(c->spec[0]));
    }
    if (ATT_GUARD(LABEL_SPEC, !approved) || item->digest == NULL ||
        c->spec_count >= ATT_SPEC_ITEMS_MAX) {
        return;
    }
    memmove(&c->spec[at + 1], &c->spec[at], (c->spec_count - at) * sizeof(c->spec[0]));
    memset(&c->spec[at], 0, sizeof(c->spec[0]));
    memcpy(c->spec[at].name, name, strlen(name));
    memcpy(c->spec[at].digest, item->digest, 32);
    c->spec_count++;
}
