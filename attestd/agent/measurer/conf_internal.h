/* Readers of agent.yaml, for the files that share them. Each refusal has its place: CONFIG (CFG_KEY) NOMEM */
#ifndef ATTESTD_AGENT_CONF_INTERNAL_H
#define ATTESTD_AGENT_CONF_INTERNAL_H

#include <stdint.h>

#include "agent/measurer/conf.h"
#include "codec/yaml.h"

#define CONF_TEXT_MAX 4000 /* leaves room in ATT_OWN_NAME_MAX for "#key" */

/* What every reader below needs. */
struct reader {
    struct agent_conf *conf;
    const char *path; /* of the configuration file */
    struct att_diag *diag;
};

/* Kept by the configuration; relative to its folder, trailing slashes cut. */
ATT_MUST_USE enum att_err conf_keep_path(struct reader *r, const struct att_yaml_node *n,
                                         const char *text, const char **out);
/* A place in the TPM, first to last. */
ATT_MUST_USE enum att_err conf_place(struct reader *r, const struct att_yaml_node *n,
                                     uint32_t first, uint32_t last, uint32_t *out);
/* A persistent handle up to last; absent leaves *out as it was. */
ATT_MUST_USE enum att_err conf_handle_at(struct reader *r, const struct att_yaml_node *root,
                                         const char *key, uint32_t last, uint32_t *out);

/* iak_handle, iak_certificates, idevid_handle, idevid_certificates (conf_factory.c). */
ATT_MUST_USE enum att_err conf_read_factory(struct reader *r, const struct att_yaml_node *root);

/* devices, data, publish (conf_data.c). */
ATT_MUST_USE enum att_err conf_read_data(struct reader *r, const struct att_yaml_node *root);

#endif
