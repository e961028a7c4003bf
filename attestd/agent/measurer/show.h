/*
 * What the agent tells a person or a script: text in two languages, or one JSON object, and an exit
 * code that agrees with it.
 */
#ifndef ATTESTD_AGENT_SHOW_H
#define ATTESTD_AGENT_SHOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/measurer/agent.h"
#include "base/err.h"
#include "codec/json.h"

/* Exit codes; nothing but full success is 0. */
enum agent_exit {
    AGENT_EXIT_OK = 0,
    AGENT_EXIT_FALSE = 1,
    AGENT_EXIT_USAGE = 2,
    AGENT_EXIT_UNDECIDED = 3,
    AGENT_EXIT_MALFORMED = 4,
    AGENT_EXIT_NETWORK = 5,
    AGENT_EXIT_TPM = 6,
    AGENT_EXIT_PERMISSION = 7,
    AGENT_EXIT_INTERNAL = 70,
};

struct show {
    bool json, japanese, quiet;
    const char *schema;
    const char
        *manual; /* where the manual tells more of a check, such as "attest-agent(8) DOCTOR" */
    json_t *root, *reasons, *checks; /* only with json */
    int exit;                        /* the worst so far */
};

enum show_state { SHOW_PASS, SHOW_WARN, SHOW_FAIL, SHOW_NOT_RUN };

/* Start a report; show_end prints the JSON object and gives the exit code. */
void show_start(struct show *s, const char *schema);
int show_end(struct show *s);

const char *show_tr(const struct show *s, const char *en, const char *ja);
/* A line for people; nothing with json or quiet. */
void show_line(const struct show *s, const char *fmt, ...) ATT_PRINTF(2, 3);
/* A member of the JSON object. */
void show_text(struct show *s, const char *key, const char *value);
void show_number(struct show *s, const char *key, uint64_t value);

/* A failure of our own: on standard error for people, in reasons[] for scripts. Sets the exit code. */
void show_failure(struct show *s, const struct att_diag *diag);
enum agent_exit show_exit_for(const struct att_diag *diag);
void show_worsen(struct show *s, enum agent_exit code);

/* One line of doctor. id such as "tpm.lockout"; diag says why when it is not a pass. */
void show_check(struct show *s, const char *id, enum show_state state, const struct att_diag *diag,
                const char *detail);

/* An outcome: status, grade with what it does not prove, each reason with digests and what to do. */
void show_outcome(struct show *s, const struct agent *a, const struct agent_outcome *o);

/* The data key (show_data.c): its fingerprint, until when it is authorised, what the TPM last refused; nothing without. */
void show_data_key(struct show *s, const struct agent *a);
/* Why there is none, when an attestation just tried to get one. */
void show_data_key_failure(struct show *s, const struct agent *a);

#endif
