/* own_complete between its files: what the own log showed, and where something lacks. */
#ifndef ATT_APPRAISE_COMPLETE_INTERNAL_H
#define ATT_APPRAISE_COMPLETE_INTERNAL_H

#include "appraise/items_internal.h"
#include "policy/name_set.h"

/* One entry of the log: which item it is about, and whether it was there then. */
struct att_seen_entry {
    uint64_t key; /* of the plain name: a file that became a link is one item */
    size_t order;
    struct att_slice name; /* borrows the log */
    bool link, there;
};

/* By key, the latest of each item, once the log ended. */
struct att_seen {
    struct att_seen_entry *entry;
    size_t count, room;
};

/* The name as reference values spell it, if it has one there; before: and had one before the changes of open windows. */
ATT_MUST_USE enum att_err att_complete_add(struct att_name_set *set, const struct judging *j,
                                           const struct att_seen_entry *e, bool before);

/*
 * att_complete_where - words for a prefix that lacks something (complete_where.c): the narrowest folders that the
 * reference values know all of, and that lack something.
 *
 * out     empty when there is nothing to tell: while an update is under way
 * Errors  NOMEM CRYPTO LIMIT
 */
ATT_MUST_USE enum att_err att_complete_where(char out[ATT_DIAG_TEXT], const struct judging *j,
                                             const char *prefix);

#endif
