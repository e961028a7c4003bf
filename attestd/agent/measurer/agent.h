/*
 * The agent at work: who it is, which courier carries for it, and what it measured last.
 *
 * A piece of work (struct agent_work) holds the lock, the TPM and the own log together and gives all of
 * them back before evidence is sent: a bare software TPM serves one at a time, and an idle agent costs
 * no TPM memory.
 */
#ifndef ATTESTD_AGENT_AGENT_H
#define ATTESTD_AGENT_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/measurer/conf.h"
#include "agent/measurer/measure.h"
#include "agent/measurer/ownstore.h"
#include "agent/measurer/state.h"
#include "agent/measurer/table.h"
#include "base/buf.h"
#include "base/err.h"
#include "common/relay.h"
#include "common/wire.h"
#include "evidence/evidence.h"
#include "tpm/tpm.h"

#define AGENT_CONNECT_MS 10000
#define AGENT_REQUEST_MS 60000
#define AGENT_LOG_ROOM   (ATT_EVIDENCE_MAX - 65536) /* bytes of all logs of one evidence together */

struct agent {
    const struct agent_conf *conf;
    struct agent_ident ident;
    struct relay *relay;        /* started when first needed */
    struct table_stamps stamps; /* of the pass before; empty: read everything */
    char build_id[33];          /* of our own executable */
    struct att_diag
        data_key; /* why the data key is not certified; ATT_OK: it is, or nobody was asked */
};

/* Load the enrolment. Errors as state_load. */
ATT_MUST_USE enum att_err agent_open(struct agent *a, const struct agent_conf *conf,
                                     struct att_diag *diag);
void agent_close(struct agent *a);

struct agent_work {
    int lock_fd;
    struct hw_tpm *tpm;
    struct own_store *own;
};

/* Lock, open the TPM, check that it is the enrolled one (TPM_OTHER), bring the own log in step. */
ATT_MUST_USE enum att_err agent_work_open(struct agent_work *w, struct agent *a,
                                          struct att_diag *diag);
void agent_work_close(struct agent_work *w);

/*
 * agent_same_tpm - does the TPM make the endorsement key that was enrolled? Makes it, which takes time on
 * hardware, and leaves nothing behind. Errors as hw_tpm_ek; a TPM that can make no such key is another one.
 */
ATT_MUST_USE enum att_err agent_same_tpm(bool *same, struct hw_tpm *tpm,
                                         const struct agent_ident *ident, struct att_diag *diag);

/*
 * One pass over the list; what changed goes into the own log. now is what was found, the caller's to
 * free; NULL is allowed.
 */
struct agent_pass {
    struct measure_stats stats;
    size_t changes; /* rows written to the log */
    enum own_found found;
};
ATT_MUST_USE enum att_err agent_pass(struct agent_pass *out, struct table **now, struct agent *a,
                                     struct agent_work *w, struct att_diag *diag);

/* Ask the courier; a courier that is gone is replaced once. */
ATT_MUST_USE enum att_err agent_ask(struct relay_answer *out, struct agent *a,
                                    const struct relay_request *request, struct att_diag *diag);

/* A document in answer, or the verifier's refusal as a diagnosis with its own code. */
ATT_MUST_USE enum att_err agent_refusal(const struct relay_answer *answer, struct att_diag *diag);

/* One attestation, from challenge to outcome. */
struct agent_outcome {
    struct relay_answer answer; /* owned: agent_outcome_free; lends to what follows */
    struct wire_outcome wire;
    char code[64]; /* the problem's code when the verifier refused, else empty */
};
void agent_outcome_free(struct agent_outcome *o);

/*
 * agent_attest - quote first, read the logs afterwards, send, take the answer. A challenge that ran out
 * on the way, or that another way of sending needs, is asked for again, at most three times.
 *
 * Errors  what the TPM, the courier and the verifier give; DENIED with the verifier's code when it
 *         refused without judging. A judgement, good or bad, is ATT_OK.
 */
ATT_MUST_USE enum att_err agent_attest(struct agent_outcome *out, struct agent *a,
                                       struct att_diag *diag);

/* Enrolment (enrol.c). device_id NULL: the host's name. token empty: the EK is allow-listed. */
struct agent_enrolment {
    const char *url;
    const char *ca_file; /* PEM; NULL: ca has its text */
    struct att_slice ca;
    const char *device_id;
    struct att_slice token;
};
ATT_MUST_USE enum att_err agent_enrol(struct agent_ident *out, const struct agent_conf *conf,
                                      const struct agent_enrolment *e, struct att_diag *diag);

/* Settings of a courier for this state folder; the paths live in the struct. */
struct agent_courier {
    char key[STATE_PATH_MAX], cert[STATE_PATH_MAX], ca[STATE_PATH_MAX];
    struct relay_settings settings;
};
ATT_MUST_USE enum att_err agent_courier_settings(struct agent_courier *out,
                                                 const struct agent_conf *conf, const char *url,
                                                 struct att_diag *diag);

/*
 * agent_ek_certs - the EK certificates of the TPM's NV, and behind them those of ek_certificates, whose index
 * is beyond NV. Nothing is parsed. Errors as hw_tpm_ek_certs; CONFIG (CFG_KEY) a file that is no DER; LIMIT.
 */
#define AGENT_EK_FILE_INDEX 0x01c08000U
ATT_MUST_USE enum att_err agent_ek_certs(struct hw_ek_certs *out, struct hw_tpm *tpm,
                                         const struct agent_conf *conf, struct att_diag *diag);

#endif
