/*
 * Keeper and appraiser in one process, spoken to by their messages: the deciding half of the verifier
 * with no socket, and with its clocks in the test's hand. Everything else is the real thing: a folder
 * made by attestd init, the database, the keys, a software TPM's quotes.
 */
#ifndef ATT_TEST_INPROC_H
#define ATT_TEST_INPROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway.h"
#include "verifier/appraiser/appraiser.h"
#include "verifier/config.h"
#include "verifier/keeper/keeper.h"

extern int64_t inproc_utc_s, inproc_mono_ms; /* the clocks */
extern const char inproc_policy[];

struct inproc_answer;
struct inproc {
    char dir[64];
    struct config *cfg;
    struct keeper *keeper;
    struct appraiser appraiser;
    struct key_cache *keys;
    struct judge_scratch *scratch;
    struct softtpm_ca *ek_ca;
    struct client_tls *tls; /* gateways want one; nobody connects */
    uint8_t seal_key[MSG_SEAL_LEN];
    /* When it is set, questions go there and not to the keeper in here; inproc_keep takes the answer. */
    void (*carry)(void *ctx, const struct msg *m, struct inproc_answer *a);
    void *carry_ctx;
};

struct inproc *inproc_new(void);
/* With a label key in a token, as attestd init --label-key takes it. */
struct inproc *inproc_new_token(const char *label_key);
/* With its records in this PostgreSQL, as attestd init --postgresql takes it. */
struct inproc *inproc_new_postgresql(const char *conninfo);
void inproc_free(struct inproc *v);
/* Stop the keeper and the appraiser, and start them again from the folder: ATT_OK, or why not. */
enum att_err inproc_restart(struct inproc *v, struct att_diag *diag);
/* The appraiser alone: the keeper is elsewhere (carry). */
enum att_err inproc_appraise(struct inproc *v, struct att_diag *diag);
void inproc_stop(struct inproc *v);
/* Another policy, in force from the next restart. */
void inproc_set_policy(struct inproc *v, const char *yaml);
/* attestd init's arguments for a folder; its exit status. Standard output is swallowed. */
int inproc_init(const char *dir, const char *const *more);

/* The canonical dump of a stopped or running keeper's records; the caller frees it. */
char *inproc_dump(struct inproc *v);

/* One answer, kept. */
struct inproc_answer {
    size_t count;           /* answers that came: one for each question */
    enum att_reason reason; /* NONE: DONE */
    int http;
    enum msg_type type;
    char path[160], text[256];
    struct att_buf *body; /* NULL when there was none */
};
void inproc_answer_clear(struct inproc_answer *a);
void inproc_keep(struct inproc_answer *a, const struct msg *m); /* one answer more */
struct att_slice inproc_body(const struct inproc_answer *a);

/* Hand a message in; with flush, decide at once. */
void inproc_ask(struct inproc *v, const struct msg *m, struct inproc_answer *a, bool flush);
/* One administrator's request; the text of the answer is in a->body. */
void inproc_admin(struct inproc *v, const char *method, const char *path, const char *body,
                  struct inproc_answer *a);
void inproc_token(struct inproc *v, const char *id, char out[64]);

/* Gateways: not connected to anything. has_cert: its EK certificate is from the trusted maker. */
struct inproc_gateway {
    struct gateway *g;
    struct msg_peer peer;
};
void inproc_gateway_new(struct inproc_gateway *out, struct inproc *v, const char *id,
                        bool has_cert);
void inproc_gateway_free(struct inproc_gateway *gw);

/* Enrolment in steps; the reason of the answer, NONE for 200. */
enum att_reason inproc_enrol_begin(struct inproc *v, struct inproc_gateway *gw,
                                   struct gateway_enrolment *e, const char *token);
void inproc_activate_message(struct msg *m, uint8_t *room, size_t cap,
                             const struct gateway_enrolment *e);
enum att_reason inproc_enrol_activate(struct inproc *v, struct inproc_gateway *gw,
                                      struct gateway_enrolment *e);
enum att_reason inproc_enrol(struct inproc *v, struct inproc_gateway *gw, const char *token);

/* Attestation in steps. judged is the appraiser's sealed answer. */
struct inproc_attempt {
    struct gateway_attempt a;
    struct inproc_answer session_answer, context, answer;
    struct att_buf *judged;
    struct wire_outcome outcome; /* borrows answer */
};
void inproc_attempt_clear(struct inproc_attempt *t);
enum att_reason inproc_session(struct inproc *v, struct inproc_gateway *gw,
                               struct inproc_attempt *t);
void inproc_measure(struct inproc_gateway *gw, struct inproc_attempt *t); /* evidence is made */
enum att_reason inproc_judge(struct inproc *v, struct inproc_gateway *gw,
                             struct inproc_attempt *t); /* context and appraisal */
void inproc_commit_message(struct msg *m, const struct inproc_gateway *gw,
                           const struct inproc_attempt *t);
/* The HTTP status, or minus the reason. */
int inproc_commit(struct inproc *v, struct inproc_gateway *gw, struct inproc_attempt *t);
int inproc_attest(struct inproc *v, struct inproc_gateway *gw, struct inproc_attempt *t);

#endif
