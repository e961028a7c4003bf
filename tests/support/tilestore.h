/* Tiles in memory, as a database would keep them; and a failure at the n-th read. */
#ifndef ATT_TEST_TILESTORE_H
#define ATT_TEST_TILESTORE_H

#include <stddef.h>
#include <stdint.h>

#include "tlog/tree.h"

struct tilestore {
    struct tilestore_row {
        unsigned int level;
        uint64_t index;
        size_t width;
        uint8_t bytes[ATT_TILE_BYTES];
    } * row; /* owned */
    size_t count, cap;
    int reads_left; /* -1: all succeed */
};

void tilestore_open(struct tilestore *s);
void tilestore_close(struct tilestore *s);
struct att_tile_port tilestore_port(struct tilestore *s); /* borrows s */
/* Take over what changed, and settle. */
void tilestore_commit(struct tilestore *s, struct att_tree *t);

#endif
