/*
 * A sticky reader over nodes of YAML, for files with many keys: after the first refusal every call does nothing, and
 * the refusal stays. A NULL node is what a refused one gave, or an absent one that was allowed to be.
 */
#ifndef ATT_PROV_SPEC_YAML_H
#define ATT_PROV_SPEC_YAML_H

#include "codec/yaml.h"
#include "prov/spec_internal.h"

struct att_spec_yaml {
    enum att_err err;
    struct att_diag *diag;
};

bool att_sy_ok(const struct att_spec_yaml *y);
/* CONFIG, CFG_SPEC, at the node's place; the first one stays. */
void att_sy_refuse(struct att_spec_yaml *y, const struct att_yaml_node *n, const char *fmt, ...)
    ATT_PRINTF(3, 4);
/* What a rule said of map, at the key that it names, or where the map begins. */
void att_sy_rule(struct att_spec_yaml *y, enum att_err err, const struct att_diag *why,
                 const struct att_yaml_node *map);

/* A map with none but these keys. */
void att_sy_only(struct att_spec_yaml *y, const struct att_yaml_node *map, const char *const *keys);
const struct att_yaml_node *att_sy_need(struct att_spec_yaml *y, const struct att_yaml_node *map,
                                        const char *key);
const struct att_yaml_node *att_sy_maybe(struct att_spec_yaml *y, const struct att_yaml_node *map,
                                         const char *key);
/* The items of a list of least..most; 0 when it is refused. */
size_t att_sy_list(struct att_spec_yaml *y, const struct att_yaml_node *n, size_t least,
                   size_t most);

void att_sy_text(struct att_spec_yaml *y, const struct att_yaml_node *n, char *out, size_t cap);
bool att_sy_bool(struct att_spec_yaml *y, const struct att_yaml_node *n);
int64_t att_sy_int(struct att_spec_yaml *y, const struct att_yaml_node *n, int64_t min,
                   int64_t max);
int64_t att_sy_ms(struct att_spec_yaml *y, const struct att_yaml_node *n);
struct att_decimal att_sy_decimal(struct att_spec_yaml *y, const struct att_yaml_node *n);
/* Seconds since 1970 of "2026-04-01" or "2026-04-01T09:00:00Z". */
int64_t att_sy_date(struct att_spec_yaml *y, const struct att_yaml_node *n);
/* The place of a word in a list. */
int att_sy_word(struct att_spec_yaml *y, const struct att_yaml_node *n, const char *const *words,
                size_t count);
void att_sy_title(struct att_spec_yaml *y, const struct att_yaml_node *n, char en[ATT_PROV_NAME],
                  char ja[ATT_PROV_NAME]);

/* One channel, its rules asked; and the relations of a specification whose channels are in order. */
void att_sy_channel(struct att_spec_yaml *y, const struct att_yaml_node *n, struct att_channel *c);
void att_sy_relations(struct att_spec_yaml *y, const struct att_yaml_node *root,
                      struct att_spec *s);

#endif
