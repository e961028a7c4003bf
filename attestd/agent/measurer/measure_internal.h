/* Shared by the files that measure: one entry at a time (entry), and the walk that finds them. */
#ifndef ATTESTD_AGENT_MEASURE_INTERNAL_H
#define ATTESTD_AGENT_MEASURE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/measurer/conf.h"
#include "agent/measurer/table.h"
#include "base/err.h"
#include "crypto/digest.h"

#define MEASURE_TRIES    3      /* readings of a file that changes under us */
#define MEASURE_READ_LEN 131072 /* bytes of one read */

/* One entry to look at. rel is below dirfd and is opened without following any link on the way. */
struct measure_entry {
    int dirfd;       /* of the tree's root; AT_FDCWD for a file that is listed by itself */
    const char *rel; /* terminated */
    bool block;      /* a block device or image: links are followed, a device may be opened */
};

/* What a thread keeps between entries. */
struct measure_reader {
    struct att_hasher *hasher;
    uint8_t *buffer; /* MEASURE_READ_LEN */
    uint64_t bytes;
    size_t hashed;
};

/*
 * measure_entry - fill type, digest, detail and stamp of a row.
 *
 * before  the same name's row of the pass before, or NULL
 * Errors  CRYPTO; what the system refuses is in the row (UNREADABLE, errno)
 */
ATT_MUST_USE enum att_err measure_entry(struct table_row *row, struct measure_reader *r,
                                        const struct measure_entry *e,
                                        const struct table_row *before);

/* Open below a folder without following links, on any part of the path. -1 and errno. */
int measure_open_below(int dirfd, const char *rel, int flags);

/*
 * measure_walk - a row for every entry below a tree's root that is not a folder. Folders that cannot be
 * read are UNREADABLE rows. Mount points below the root (what lies behind them is another file system)
 * and the agent's own state folder (which changes with every record) are UNSUPPORTED rows.
 * *root_fd is the caller's to close; -1 when the root itself is the only row.
 */
ATT_MUST_USE enum att_err measure_walk(struct table *t, int *root_fd, const struct agent_root *root,
                                       const char *state_dir, struct att_diag *diag);

/* Rows of one configuration file. */
ATT_MUST_USE enum att_err measure_config(struct table *t, const struct agent_root *root,
                                         struct att_diag *diag);

/* Rows that are already complete when they are added (not read by a thread) carry this stamp. */
#define MEASURE_DONE UINT64_MAX

#endif
