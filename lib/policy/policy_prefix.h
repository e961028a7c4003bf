/*
 * Prefixes of a policy's text against the names that there can be: what a policy may say without being
 * malformed, and what it never means. For `policy check`; the appraisal does not ask.
 */
#ifndef ATT_POLICY_POLICY_PREFIX_H
#define ATT_POLICY_POLICY_PREFIX_H

#include "base/err.h"
#include "base/slice.h"
#include "policy/refval.h"

/* A prefix that nothing lies under: text is "file:line:column: ...". */
typedef void (*att_policy_warning)(void *ctx, const struct att_diag *what);

/*
 * att_policy_check_prefixes - those of own_items and own_complete.
 *
 * text    YAML that att_policy_parse_yaml accepted; name is for messages
 * refs    NULL: no warnings. A compiled file holds no names, so that of own_items a prefix is only looked for
 *         where `refvals make` says of each folder what lies below it: at most 4 deep, beside "complete:/"
 * Errors  CONFIG (CFG_POLICY, with the place): a prefix that does not begin with "/"; those of att_yaml_parse; CRYPTO
 */
ATT_MUST_USE enum att_err att_policy_check_prefixes(const char *name, struct att_slice text,
                                                    const struct att_refvals *refs,
                                                    att_policy_warning warn, void *ctx,
                                                    struct att_diag *diag);

#endif
