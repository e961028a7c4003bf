/* A chain of pieces, the newest first. */
#include "base/pool.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

struct att_pool_piece {
    struct att_pool_piece *next;
    alignas(max_align_t) unsigned char bytes[];
};

void *att_pool_get(struct att_pool *p, size_t len)
{
    struct att_pool_piece *piece = NULL;

    if (len > SIZE_MAX - sizeof(*piece)) {
        return NULL;
    }
    piece = calloc(1, sizeof(*piece) + len);
    if (piece == NULL) {
        return NULL;
    }
    piece->next = p->last;
    p->last = piece;
    return piece->bytes;
}

void att_pool_clear(struct att_pool *p)
{
    while (p->last != NULL) {
        struct att_pool_piece *next = p->last->next;

        free(p->last);
        p->last = next;
    }
}
