/*
 * A gateway in software: a software TPM, its logs and its TLS identity, speaking the wire of
 * attestd/common/wire.h to a real service. Each exchange is cut into steps with everything that is sent
 * lying open between them, so that a test changes one thing and leaves the rest honest.
 */
#ifndef ATT_TEST_GATEWAY_H
#define ATT_TEST_GATEWAY_H

#include "base/buf.h"
#include "client.h"
#include "common/wire.h"
#include "evidence/context.h"
#include "evidence/evidence.h"
#include "softlog.h"
#include "softtpm.h"

#define GATEWAY_OWN_PCR 13U

struct gateway {
    char id[ATT_DEVICE_ID_MAX + 1];
    struct softtpm *tpm; /* owned */
    EVP_PKEY *tls_key;
    X509 *cert;            /* NULL before it is enrolled */
    struct client *client; /* a kept connection with this identity */
    struct softlog log[ATT_LOG__COUNT];
    bool has[ATT_LOG__COUNT]; /* logs that it sends */
};

/* Takes tpm. The logs are empty until gateway_boot. */
struct gateway *gateway_new(struct client_tls *tls, const char *host, uint16_t port, const char *id,
                            struct softtpm *tpm);
void gateway_free(struct gateway *g);

/* Power on: the TPM is reset; firmware, kernel and agent write the same logs each time. */
void gateway_boot(struct gateway *g);
/* The same with logs of another making; NULL: the usual one. */
struct gateway_plan {
    void (*uefi)(struct softlog *log, struct softtpm *tpm);
    void (*ima)(struct softlog *log, struct softtpm *tpm); /* after the firmware log */
};
void gateway_boot_as(struct gateway *g, const struct gateway_plan *plan);
/* The same after TPM2_Shutdown(STATE): restartCount rises instead of resetCount. */
void gateway_restart(struct gateway *g);
/* The kernel's usual list: boot_aggregate and the files. */
void gateway_usual_ima(struct softlog *log, struct softtpm *tpm);
/* What the agent's own log and the IMA list hold after gateway_boot: for reference values. */
#define GATEWAY_FILE_COUNT 3
extern const char *const gateway_files[GATEWAY_FILE_COUNT];    /* names */
extern const char *const gateway_contents[GATEWAY_FILE_COUNT]; /* contents */

/* One enrolment, in steps. All slices of begin and activate may be exchanged before they are sent. */
struct gateway_enrolment {
    struct softtpm_bytes csr;
    struct wire_enrol_begin begin;
    struct client_answer begin_answer;
    struct wire_enrol_challenge challenge; /* after 200; borrows begin_answer */
    uint8_t secret[64];
    size_t secret_len;
    struct softtpm_bytes attest, signature;
    struct wire_enrol_activate activate;
    struct client_answer activate_answer;
};
void gateway_enrol_clear(struct gateway_enrolment *e);
void gateway_enrol_prepare(struct gateway *g, struct gateway_enrolment *e, const char *token);
int gateway_enrol_begin(struct gateway *g, struct gateway_enrolment *e); /* HTTP status */
void gateway_enrol_solve(struct gateway *g, struct gateway_enrolment *e);
int gateway_enrol_activate(struct gateway *g, struct gateway_enrolment *e);
/* All of it; on 200 the gateway has its certificate. */
int gateway_enrol(struct gateway *g, const char *token);

/* One attestation, in steps. */
struct gateway_attempt {
    struct client_answer session_answer;
    struct wire_challenge challenge; /* after 201; borrows session_answer */
    char path[300];                  /* of the session */
    struct att_pcr_selection selection;
    struct att_claims claims;
    struct att_buf *claims_encoded;
    uint8_t qualifying[32];
    struct softtpm_attest attest; /* filled by measure */
    struct softtpm_bytes attest_bytes;
    struct softtpm_signature signature; /* filled by sign */
    struct softtpm_bytes signature_bytes;
    struct att_slice log[ATT_LOG__COUNT];
    struct att_buf *evidence; /* filled by seal */
    struct client_answer answer;
    struct wire_outcome outcome; /* after 200, and 422 with an outcome; borrows answer */
    bool has_outcome;
};
void gateway_attempt_clear(struct gateway_attempt *a);
int gateway_session(struct gateway *g, struct gateway_attempt *a);  /* newSession: HTTP status */
void gateway_measure(struct gateway *g, struct gateway_attempt *a); /* claims, context, attest */
void gateway_sign(struct gateway *g, struct gateway_attempt *a);    /* attest to bytes, signed */
void gateway_seal(struct gateway *g, struct gateway_attempt *a);    /* bytes to evidence */
int gateway_send(struct gateway *g, struct gateway_attempt *a);     /* HTTP status */
/* session, measure, sign, seal: ready to send. Returns the status of newSession. */
int gateway_prepare(struct gateway *g, struct gateway_attempt *a);
/* All of it, clear included: the status of the last answer. */
int gateway_attest(struct gateway *g, struct gateway_attempt *a);

/* GET of the device's current label: HTTP status; 0 when there was no answer. */
int gateway_label(struct gateway *g, struct client_answer *out);

#endif
