/*
 * The keeper: nonces, enrolments, decisions, labels and their records. It alone holds database and keys,
 * and signs nothing that it did not verify itself.
 *
 * No socket and no loop in here: a caller hands in messages and flushes. What writes waits for the flush,
 * which decides everything that waits in one transaction and answers only after it is durable; everything
 * else is answered at once. Time and randomness come from outside.
 */
#ifndef ATTESTD_VERIFIER_KEEPER_KEEPER_H
#define ATTESTD_VERIFIER_KEEPER_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "verifier/config.h"
#include "verifier/msg.h"

#define KEEPER_BATCH_MAX       256 /* decisions in one transaction */
#define KEEPER_TOKEN_BYTES     24
#define KEEPER_TOKEN_TTL_S     86400
#define KEEPER_TOKEN_TTL_MAX_S (30 * 86400)

struct keeper;

struct keeper_options {
    const struct config *cfg;                      /* borrowed for the keeper's life */
    const uint8_t *seal_key;                       /* MSG_SEAL_LEN, copied */
    int64_t (*utc_s)(void);                        /* att_clock_utc_s */
    int64_t (*mono_ms)(void);                      /* att_clock_mono_ms */
    enum att_err (*random)(void *out, size_t len); /* att_random */
    struct store *st; /* open already, taken over; NULL: it is opened */
};

/*
 * keeper_new - open database, keys, policy and reference values, and mark who fell silent meanwhile.
 * Errors  of store_open, CONFIG (CFG_KEY CFG_POLICY) DENIED (KEY_FILE) MISMATCH (KEY_STORE) NOT_FOUND
 *         FORMAT IO NOMEM CRYPTO
 */
ATT_MUST_USE enum att_err keeper_new(struct keeper **out, const struct keeper_options *opt,
                                     struct att_diag *diag);
void keeper_free(struct keeper *k); /* what waits is not answered */
void keeper_freep(struct keeper **k);

/* Where an answer goes; called from keeper_take or keeper_flush, the message borrowed for the call. */
struct keeper_client {
    void (*answer)(void *ctx, const struct msg *m);
    void *ctx;
};

/* Take one message; its slices are copied when it has to wait. Every message is answered once. */
void keeper_take(struct keeper *k, const struct msg *m, const struct keeper_client *client);
size_t keeper_waiting(const struct keeper *k);
/* Decide, store, answer everything that waits. */
void keeper_flush(struct keeper *k);
/* Housekeeping that may take milliseconds: call it when the answers are on their way. */
void keeper_tidy(struct keeper *k);
/*
 * keeper_prepare_rules - read policy and reference values again, and judge whether they may follow the present
 * ones. What is refused changes nothing, and an auditor sees that it was tried. The makers of TPMs, their
 * revocation lists and the deny list are read too; they are in force at once, for everybody who is enrolled.
 * *changed  another policy or other reference values wait for keeper_switch_rules
 * Errors    those of rules_load_policy, rules_load_refvals and ek_trust_load; STALE (CFG_ROLLBACK)
 */
ATT_MUST_USE enum att_err keeper_prepare_rules(struct keeper *k, bool *changed,
                                               struct att_diag *diag);
/* From the next challenge on they are in force; the version is durable before. Errors of the store. */
ATT_MUST_USE enum att_err keeper_switch_rules(struct keeper *k, struct att_diag *diag);

/* True once after an administrator put another policy into the file: reload it. */
bool keeper_reload_wanted(struct keeper *k);

/* Nobody is there any more for the answers of this client. */
void keeper_forget(struct keeper *k, const void *ctx);
/* Once a second: deadlines of gateways, challenges and tokens; some endorsement keys are judged again. */
void keeper_tick(struct keeper *k);
/* The disk's content is not known any more: answer nothing, end the process. */
bool keeper_must_stop(const struct keeper *k);

#endif
