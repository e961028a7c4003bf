/*
 * Pieces of memory of many sizes that are freed together: what a configuration is read into.
 */
#ifndef ATT_BASE_POOL_H
#define ATT_BASE_POOL_H

#include <stddef.h>

struct att_pool_piece;

/* Zeroed is empty. */
struct att_pool {
    struct att_pool_piece *last;
};

/* len zeroed bytes, aligned for any type, until att_pool_clear. NULL: no memory. */
void *att_pool_get(struct att_pool *p, size_t len);

/* Frees all that was got; the pool is empty then. */
void att_pool_clear(struct att_pool *p);

#endif
