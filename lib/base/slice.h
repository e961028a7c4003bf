/* A borrowed run of bytes: a pointer and a length, owned by somebody else. */
#ifndef ATT_BASE_SLICE_H
#define ATT_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct att_slice {
    const uint8_t *p; /* NULL only when len is 0 */
    size_t len;       /* bytes */
};

static inline struct att_slice att_slice_of(const void *p, size_t len)
{
    return (struct att_slice){.p = p, .len = len};
}

static inline struct att_slice att_slice_str(const char *text)
{
    return att_slice_of(text, strlen(text));
}

/* Not for secrets: the time depends on the content. */
static inline bool att_slice_eq(struct att_slice a, struct att_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

#endif
