/* Owned bytes that grow under a cap and are wiped. */
#include "base/buf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct att_buf {
    uint8_t *p;
    size_t len;
    size_t room; /* bytes allocated */
    size_t cap;  /* most bytes ever */
};

void att_wipe(void *p, size_t len)
{
    if (p != NULL && len > 0) {
        explicit_bzero(p, len);
    }
}

enum att_err att_buf_new(struct att_buf **out, size_t cap)
{
    struct att_buf *b = calloc(1, sizeof(*b));

    if (b == NULL) {
        return ATT_E_NOMEM;
    }
    b->cap = cap;
    *out = b;
    return ATT_OK;
}

void att_buf_free(struct att_buf *b)
{
    if (b == NULL) {
        return;
    }
    att_wipe(b->p, b->room);
    free(b->p);
    free(b);
}

void att_buf_freep(struct att_buf **b)
{
    att_buf_free(*b);
    *b = NULL;
}

/* realloc would leave an unwiped copy behind, so: new memory, copy, wipe, free. */
static enum att_err grow(struct att_buf *b, size_t need)
{
    size_t room = b->room < 64 ? 64 : b->room;
    uint8_t *p = NULL;

    /* who says at first how much comes gets that and no more */
    room = b->p == NULL && need > room ? need : room;
    /* need is at most the cap, so this ends there at the latest, and no doubling overflows */
    while (room < need) {
        room = room > b->cap / 2 ? b->cap : room * 2;
    }
    if (room > b->cap) {
        room = b->cap;
    }
    p = malloc(room);
    if (p == NULL) {
        return ATT_E_NOMEM;
    }
    if (b->len > 0) {
        memcpy(p, b->p, b->len);
    }
    att_wipe(b->p, b->room);
    free(b->p);
    b->p = p;
    b->room = room;
    return ATT_OK;
}

enum att_err att_buf_room(struct att_buf *b, size_t len, uint8_t **out)
{
    enum att_err err = ATT_OK;

    if (len > b->cap - b->len) {
        return ATT_E_LIMIT;
    }
    if (b->len + len > b->room || b->p == NULL) {
        err = grow(b, b->len + len);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = b->p + b->len;
    return ATT_OK;
}

void att_buf_commit(struct att_buf *b, size_t len)
{
    assert(len <= b->room - b->len);
    b->len += len;
}

enum att_err att_buf_add(struct att_buf *b, const void *in, size_t len)
{
    uint8_t *at = NULL;
    enum att_err err = ATT_OK;

    if (len == 0) {
        return ATT_OK;
    }
    err = att_buf_room(b, len, &at);
    if (err != ATT_OK) {
        return err;
    }
    memcpy(at, in, len);
    b->len += len;
    return ATT_OK;
}

enum att_err att_buf_add_slice(struct att_buf *b, struct att_slice in)
{
    return att_buf_add(b, in.p, in.len);
}

void att_buf_clear(struct att_buf *b)
{
    att_wipe(b->p, b->len);
    b->len = 0;
}

void att_buf_drop_front(struct att_buf *b, size_t len)
{
    assert(len <= b->len);
    if (len == 0) {
        return;
    }
    memmove(b->p, b->p + len, b->len - len);
    att_wipe(b->p + (b->len - len), len);
    b->len -= len;
}

struct att_slice att_buf_slice(const struct att_buf *b)
{
    return att_slice_of(b->p, b->len);
}

size_t att_buf_len(const struct att_buf *b)
{
    return b->len;
}
