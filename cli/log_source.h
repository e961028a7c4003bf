/* A published log (C2SP tlog-tiles) as it is read: a folder, an https address, or the administrator's socket. */
#ifndef CLI_LOG_SOURCE_H
#define CLI_LOG_SOURCE_H

#include "base/buf.h"
#include "base/err.h"
#include "tlog/tile.h"

struct log_source; /* opaque */

struct log_place {
    const char *where;  /* folder, or https://...; NULL: the administrator's socket */
    const char *ca;     /* of an https address: PEM file of the anchor */
    const char *socket; /* path */
};

/*
 * log_source_open - nothing is read yet; of an address, the courier is started and kept.
 * Errors  CONFIG (USAGE) NOT_FOUND (FILE: no such folder) NETWORK (NET_SOCKET) DENIED NOMEM
 */
ATT_MUST_USE enum att_err log_source_open(struct log_source **out, const struct log_place *place,
                                          struct att_diag *diag);
void log_source_close(struct log_source *s); /* NULL is a no-op */
void log_source_closep(struct log_source **s);

/*
 * log_source_get - "checkpoint", or a path of att_tile_path, whole.
 * Errors  NOT_FOUND (TL_MISSING) LIMIT (more than cap) and those of reading files and of the courier
 */
ATT_MUST_USE enum att_err log_source_get(struct att_buf **out, struct log_source *s,
                                         const char *path, size_t cap, struct att_diag *diag);
/*
 * The hashes of a tile. A partial one that is gone is taken from the full one, which the log then has (C2SP
 * tlog-tiles, Partial Tiles). FORMAT (FMT_TLOG) and as log_source_get.
 */
ATT_MUST_USE enum att_err log_source_hashes(uint8_t out[ATT_TILE_WIDTH][ATT_MERKLE_LEN],
                                            struct log_source *s, const struct att_tile *tile,
                                            struct att_diag *diag);
/* The first width entries of a bundle likewise; they borrow *file, which is the caller's. */
ATT_MUST_USE enum att_err log_source_entries(struct att_slice out[ATT_TILE_WIDTH],
                                             struct att_buf **file, struct log_source *s,
                                             const struct att_tile *tile, struct att_diag *diag);

#endif
