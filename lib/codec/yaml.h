/*
 * The strict YAML subset of our configuration, policies and specifications.
 *
 * libyaml's events, our tree: block or flow maps, lists and scalars. Refused with line and column:
 * anchors, aliases, tags, a second document, duplicate keys, keys that are not plain or quoted text,
 * control characters, more than 12 levels, 20,000 nodes or the size cap. Nodes are typed by who reads
 * them: a plain scalar is a number or a boolean only where the reader asks for one.
 */
#ifndef ATT_CODEC_YAML_H
#define ATT_CODEC_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

#define ATT_YAML_CAP 262144

struct att_yaml;      /* a document; owns its nodes */
struct att_yaml_node; /* borrowed from its document */

enum att_yaml_type { ATT_YAML_SCALAR, ATT_YAML_LIST, ATT_YAML_MAP };

/*
 * att_yaml_parse - name is used in messages ("agent.yaml:3:5: ..."); borrowed for the life of the
 * document. Errors FORMAT LIMIT NOMEM, reason FMT_YAML, diag->text starts with name:line:column.
 */
ATT_MUST_USE enum att_err att_yaml_parse(struct att_yaml **out, const char *name,
                                         struct att_slice in, struct att_diag *diag);
void att_yaml_free(struct att_yaml *y);
void att_yaml_freep(struct att_yaml **y);

const struct att_yaml_node *att_yaml_root(const struct att_yaml *y);
enum att_yaml_type att_yaml_type(const struct att_yaml_node *n);
size_t att_yaml_count(const struct att_yaml_node *n); /* items of a list, entries of a map */
const struct att_yaml_node *att_yaml_item(const struct att_yaml_node *list, size_t i);
const char *att_yaml_key(const struct att_yaml_node *map, size_t i);
const struct att_yaml_node *att_yaml_value(const struct att_yaml_node *map, size_t i);
const struct att_yaml_node *att_yaml_get(const struct att_yaml_node *map,
                                         const char *key); /* or NULL */

/* Refuse with the node's place: "name:line:column: " and the message. Returns CONFIG, reason given. */
enum att_err att_yaml_fail(const struct att_yaml_node *n, enum att_reason reason,
                           struct att_diag *diag, const char *fmt, ...) ATT_PRINTF(4, 5);

/*
 * Typed scalars. Strict: a boolean is true or false and plain; a number is plain decimal without
 * leading zeros, within min..max; a duration is a number and one of ms s m h d. CONFIG otherwise.
 */
ATT_MUST_USE enum att_err att_yaml_text(const struct att_yaml_node *n,
                                        const char **out, /* borrowed */
                                        size_t max_len, struct att_diag *diag);
/* What is not in quotes, for readers of other numbers; refused as "expected WHAT, found ...". Borrowed. */
ATT_MUST_USE enum att_err att_yaml_plain(const struct att_yaml_node *n, struct att_slice *out,
                                         const char *what, struct att_diag *diag);
ATT_MUST_USE enum att_err att_yaml_bool(const struct att_yaml_node *n, bool *out,
                                        struct att_diag *diag);
ATT_MUST_USE enum att_err att_yaml_int(const struct att_yaml_node *n, int64_t min, int64_t max,
                                       int64_t *out, struct att_diag *diag);
ATT_MUST_USE enum att_err att_yaml_duration_ms(const struct att_yaml_node *n, int64_t min_ms,
                                               int64_t max_ms, int64_t *out, struct att_diag *diag);

/* CONFIG at the first key of map that is not in the NULL-terminated list. */
ATT_MUST_USE enum att_err att_yaml_only(const struct att_yaml_node *map, const char *const *keys,
                                        struct att_diag *diag);

#endif
