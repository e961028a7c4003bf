/* Readers of single keys of attestd.yaml, for config.c: one statement a key. */
#ifndef ATTESTD_VERIFIER_CONFIG_INTERNAL_H
#define ATTESTD_VERIFIER_CONFIG_INTERNAL_H

#include "codec/yaml.h"
#include "verifier/config.h"

/* What the readers share. */
struct reader {
    struct config *cfg;
    struct att_diag *diag;
    const char *folder; /* of the configuration file, with its last slash, or empty */
};

struct size_key {
    const char *key;
    size_t *out;
    int64_t min, max;
};

/*
 * What is absent leaves *out as it was; need_ refuses it. Text is kept by the configuration, paths start at
 * its folder, and each refusal has its place. CONFIG (CFG_KEY) NOMEM
 */
const char *config_keep(struct config *cfg, const char *a, const char *b, const char *c);
const char *config_keep_folder(struct config *cfg, const char *path);
ATT_MUST_USE enum att_err config_no_memory(struct reader *r);
ATT_MUST_USE enum att_err config_read_text(struct reader *r, const char **out,
                                           const struct att_yaml_node *map, const char *key);
ATT_MUST_USE enum att_err config_need_text(struct reader *r, const char **out,
                                           const struct att_yaml_node *map, const char *key);
ATT_MUST_USE enum att_err config_read_path(struct reader *r, const char **out,
                                           const struct att_yaml_node *map, const char *key);
ATT_MUST_USE enum att_err config_need_path(struct reader *r, const char **out,
                                           const struct att_yaml_node *map, const char *key);
ATT_MUST_USE enum att_err config_need_key(struct reader *r, const char **out,
                                          const struct att_yaml_node *map, const char *key);
ATT_MUST_USE enum att_err config_read_bool(struct reader *r, bool *out,
                                           const struct att_yaml_node *map, const char *key);
ATT_MUST_USE enum att_err config_read_address(struct reader *r, const char **host, uint16_t *port,
                                              const struct att_yaml_node *map, const char *key);
ATT_MUST_USE enum att_err config_need_map(struct reader *r, const struct att_yaml_node **out,
                                          const struct att_yaml_node *root, const char *key);
ATT_MUST_USE enum att_err config_read_sizes(struct reader *r, const struct att_yaml_node *n,
                                            const struct size_key *row, size_t count);
ATT_MUST_USE enum att_err config_read_duration(struct reader *r, int64_t *out,
                                               const struct att_yaml_node *map, const char *key);

#endif
