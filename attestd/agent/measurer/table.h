/*
 * What was measured: one row a name, sorted by name, names and rows in a few large pieces of memory.
 *
 * The same type serves a fresh measurement and what the own log last said; comparing two of them gives
 * the rows that the log has to learn.
 */
#ifndef ATTESTD_AGENT_TABLE_H
#define ATTESTD_AGENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "tcg/ownlog.h"

#define TABLE_ROWS_MAX 262144

struct table_row {
    const uint8_t *name; /* path bytes, or path#key; owned by the table */
    uint32_t name_len;
    uint32_t order;  /* in which it was added */
    uint8_t type;    /* enum att_own_type */
    bool has_digest; /* false: the type has none */
    uint8_t digest[32];
    uint64_t detail;
    uint64_t stamp; /* of the file's metadata when it was read; 0: read it again next time */
};

struct table; /* rows keep their place until the next table_add or table_sort */

ATT_MUST_USE enum att_err table_new(struct table **out);
void table_free(struct table *t);
void table_freep(struct table **t);

/* A new row with this name (copied), everything else zero. LIMIT NOMEM. */
ATT_MUST_USE enum att_err table_add(struct table *t, struct att_slice name, struct table_row **out);
size_t table_count(const struct table *t);
struct table_row *table_at(const struct table *t, size_t i);
struct att_slice table_name(const struct table_row *row);

/* What to do with rows of one name: the log's last word counts, or two answers are no answer. */
enum table_double { TABLE_LAST_WINS, TABLE_CONFLICT };

/*
 * Sort by name and make names unique. With TABLE_CONFLICT, rows that differ become one row that is
 * UNREADABLE with EEXIST: a file that is named like a configuration value hides neither.
 */
void table_sort(struct table *t, enum table_double rule);
const struct table_row *table_find(const struct table *t, struct att_slice name); /* or NULL */

/* The last word of an own log on each of its names: records from offset 0. FORMAT (FMT_CEL) NOMEM. */
ATT_MUST_USE enum att_err table_from_log(struct table **out, struct att_slice log,
                                         struct att_diag *diag);

/*
 * table_changes - rows for the log: new or different ones, and ABSENT for names that the log has and
 * now does not. Both sorted; names in *out are copies.
 */
ATT_MUST_USE enum att_err table_changes(struct table **out, const struct table *logged,
                                        const struct table *now);

/*
 * What is kept of a pass until the next one: which metadata each name had when it was read. The rest is
 * in the own log, so that an idle agent needs 16 bytes a file and not its name and digest.
 */
struct table_stamps {
    struct table_stamp {
        uint64_t name_hash, stamp;
    } * v; /* sorted by name_hash; owned: table_stamps_free */
    size_t count;
};
ATT_MUST_USE enum att_err table_stamps_take(struct table_stamps *out, const struct table *t);
/* Set the stamp of every row that has one, so that the table can serve as the pass before. */
void table_stamps_give(struct table *t, const struct table_stamps *stamps);
void table_stamps_free(struct table_stamps *stamps); /* the content */

struct att_own_item table_item(const struct table_row *row); /* borrows the row */

#endif
