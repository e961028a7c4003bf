/* The agent's commands. Each gives an exit code. */
#ifndef ATTESTD_AGENT_CMD_H
#define ATTESTD_AGENT_CMD_H

#include <stdbool.h>

#include "agent/measurer/agent.h"
#include "agent/measurer/conf.h"
#include "agent/measurer/show.h"

/* What the command line said; NULL is absent. */
struct options {
    const char *config, *verifier, *verifier_ca, *id, *token_file, *label, *courier;
    uint64_t batches; /* of sample; 0: until it is stopped */
    bool check_config, verbose;
};

int cmd_doctor(struct show *s, const struct agent_conf *conf, const struct options *o);
int cmd_enrol(struct show *s, const struct agent_conf *conf, const struct options *o);
int cmd_once(struct show *s, const struct agent_conf *conf, const struct options *o);
int cmd_run(struct show *s, const struct agent_conf *conf, const struct options *o);
int cmd_sample(struct show *s, const struct agent_conf *conf, const struct options *o);
int cmd_status(struct show *s, const struct agent_conf *conf, const struct options *o);

/* Keep what came of an attestation: the label, and a note for "status". */
ATT_MUST_USE enum att_err keep_outcome(const struct agent *a, const struct agent_outcome *o,
                                       const char *label_path, struct att_diag *diag);

#endif
