/*
 * A set of names as one digest: what says that nothing is missing.
 *
 * Reference values hold, under "complete:PREFIX", the digest of the set of names that they were made from
 * below PREFIX. A log whose listed names below PREFIX give the same digest left none of them out.
 */
#ifndef ATT_POLICY_NAME_SET_H
#define ATT_POLICY_NAME_SET_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

#define ATT_COMPLETE_PREFIX "complete:"
#define ATT_LINK_PREFIX     "link:" /* a link stands under this and its path */

struct att_name_set;

ATT_MUST_USE enum att_err att_name_set_new(struct att_name_set **out);
void att_name_set_free(struct att_name_set *s);
void att_name_set_freep(struct att_name_set **s);

/* A name as reference values spell it; one that is there already changes nothing. LIMIT NOMEM CRYPTO */
ATT_MUST_USE enum att_err att_name_set_add(struct att_name_set *s, struct att_slice name);

/*
 * att_name_set_digest - SHA-256 over the first 8 bytes of the SHA-256 of each name, in bytewise order;
 * *count is how many names there are.
 */
ATT_MUST_USE enum att_err att_name_set_digest(uint8_t out[32], size_t *count,
                                              struct att_name_set *s);

#endif
