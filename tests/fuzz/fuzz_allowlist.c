/*
 * Every value of an allow-list has a name, and never more digests than the text can hold; what we write of it is
 * read as the same, but for the names that such a list has no place for. Where memory runs out nothing is written;
 * reading says so as well, or that the text is none: jansson tells most of it as what it expected next.
 */
#include <jansson.h>
#include <string.h>

#include "fuzz.h"
#include "policy/import.h"

#define KEPT_MAX 64

struct seen {
    char name[KEPT_MAX][64];
    uint8_t digest[KEPT_MAX][32];
    size_t kept, count;
};

static enum att_err take(void *ctx, struct att_slice name, const uint8_t digest[32])
{
    struct seen *s = ctx;

    HOLDS(name.p != NULL);
    s->count++;
    if (s->kept < KEPT_MAX && name.len < sizeof(s->name[0]) &&
        memchr(name.p, 0, name.len) == NULL) {
        memcpy(s->name[s->kept], name.p, name.len);
        memcpy(s->digest[s->kept], digest, 32);
        s->kept++;
    }
    return ATT_OK;
}

static void round_trip(const struct seen *s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *written = NULL;
    struct att_export v[KEPT_MAX];
    struct seen again = {.count = 0};
    struct att_import io = {.take = take, .ctx = &again};
    size_t left = 0;

    for (size_t i = 0; i < s->kept; i++) {
        v[i] = (struct att_export){s->name[i], s->digest[i]};
    }
    HOLDS(att_allowlist_write(&written, v, s->kept, &left) == ATT_OK && left <= s->kept);
    HOLDS(att_allowlist_read(&io, att_buf_slice(written), NULL) == ATT_OK);
    HOLDS(again.count == s->kept - left);
}

static size_t allowed = SIZE_MAX; /* allocations of jansson until memory runs out */

static void *limited_malloc(size_t size)
{
    if (allowed == 0) {
        return NULL;
    }
    allowed -= allowed == SIZE_MAX ? 0 : 1;
    return malloc(size);
}

static enum att_err forget(void *ctx, struct att_slice name, const uint8_t digest[32])
{
    (void)ctx;
    (void)name;
    (void)digest;
    return ATT_OK;
}

static void without_memory(struct att_slice in, const struct seen *s)
{
    struct att_export v[] = {
        {"/a", s->digest[0]}, {"ima-buf:b", s->digest[0]}, {"c", s->digest[0]}};

    for (size_t n = 0; n < 80; n++) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *written = NULL;
        struct att_import io = {.take = forget};
        size_t left = 0;
        enum att_err err = ATT_OK;

        allowed = n;
        err = att_allowlist_read(&io, in, NULL);
        HOLDS(err == ATT_OK || err == ATT_E_NOMEM || err == ATT_E_FORMAT);
        allowed = n;
        err = att_allowlist_write(&written, v, ATT_COUNT(v), &left);
        HOLDS(err == ATT_OK ? left == 1 : err == ATT_E_NOMEM);
    }
    allowed = SIZE_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen s = {.count = 0};
    struct att_import io = {.take = take, .ctx = &s};
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    json_set_alloc_funcs(limited_malloc, free);
    err = att_allowlist_read(&io, att_slice_of(data, size), &diag);

    HOLDS(err == ATT_OK || diag.reason == ATT_R_FMT_JSON || diag.reason == ATT_R_FMT_ALLOWLIST);
    HOLDS(s.count == io.values && s.count <= size / 64);
    if (err == ATT_OK) {
        round_trip(&s);
        without_memory(att_slice_of(data, size), &s);
    }
    return 0;
}
