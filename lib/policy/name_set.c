/* Name hashes side by side; sorted and freed of doubles when the digest is asked for. */
#include "policy/name_set.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "policy/refval_internal.h"

#define NAME_HASH 8 /* bytes of SHA-256 of a name */

struct att_name_set {
    uint8_t (*hash)[NAME_HASH];
    size_t count;
    size_t room;
};

enum att_err att_name_set_new(struct att_name_set **out)
{
    struct att_name_set *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return ATT_E_NOMEM;
    }
    *out = s;
    return ATT_OK;
}

void att_name_set_free(struct att_name_set *s)
{
    if (s == NULL) {
        return;
    }
    free(s->hash);
    free(s);
}

void att_name_set_freep(struct att_name_set **s)
{
    att_name_set_free(*s);
    *s = NULL;
}

enum att_err att_name_set_add(struct att_name_set *s, struct att_slice name)
{
    uint8_t full[32];
    enum att_err err = ATT_OK;

    if (s->count >= REFVAL_COUNT_MAX) {
        return ATT_E_LIMIT;
    }
    if (s->count == s->room) {
        size_t room = s->room == 0 ? 16 : 2 * s->room;
        uint8_t(*more)[NAME_HASH] = reallocarray(s->hash, room, sizeof(*more));

        if (more == NULL) {
            return ATT_E_NOMEM;
        }
        s->hash = more;
        s->room = room;
    }
    err = att_sha256(name, full);
    if (err == ATT_OK) {
        memcpy(s->hash[s->count++], full, NAME_HASH);
    }
    return err;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, NAME_HASH);
}

enum att_err att_name_set_digest(uint8_t out[32], size_t *count, struct att_name_set *s)
{
    size_t kept = 0;
    enum att_err err = ATT_OK;

    if (s->count > 0) {
        qsort(s->hash, s->count, sizeof(*s->hash), compare);
    }
    for (size_t i = 0; i < s->count; i++) {
        if (kept == 0 || compare(s->hash[kept - 1], s->hash[i]) != 0) {
            memmove(s->hash[kept++], s->hash[i], NAME_HASH);
        }
    }
    s->count = kept;
    err = att_sha256(att_slice_of(s->hash, kept * sizeof(*s->hash)), out);
    if (err == ATT_OK) {
        *count = kept;
    }
    return err;
}
