/*
 * Which keys are in force. The records say so, not the configuration: a key comes into force in the transaction of the log entry
 * that says it, and whatever else stands in the configured file afterwards signs nothing (docs/adr/0042-keys-of-the-deployment.md).
 */
#ifndef ATTESTD_VERIFIER_KEEPER_KEYS_H
#define ATTESTD_VERIFIER_KEEPER_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "verifier/config.h"
#include "verifier/keeper/issuer.h"
#include "verifier/store/store.h"

struct keeper;

/*
 * keys_open - the keys in force, by the records. A database that names none yet takes those of the configuration, unless other
 * ones signed in it.
 * Errors  CONFIG (KEY_CHANGED: not the configured key, and not the one in the folder of keys) and those of issuer.h and the store
 */
ATT_MUST_USE enum att_err keys_open(struct issuer **out, const struct config *cfg, struct store *st,
                                    int64_t now_utc, struct att_diag *diag);

/* The key of a row. NULL: it cannot be read. */
struct att_pubkey *keys_public(const struct store_key *row);
/* What entries call it: of a label key the SHA-256 of its SPKI, of a log's that of its verifier key. */
ATT_MUST_USE enum att_err keys_print(uint8_t out[32], const struct config *cfg,
                                     enum store_key_kind kind, const struct att_pubkey *key);
/* The one in force. NOT_FOUND. */
ATT_MUST_USE enum att_err keys_in_force(struct store_key *out, struct store *st,
                                        enum store_key_kind kind);

#define KEYS_PATH 4200
/* NAME of the folder of keys: 1 to STORE_KEY_NAME_MAX of a-z 0-9 - _, so that it leads nowhere else. */
bool keys_name_ok(const char *name);
/* Where it is: NAME.pem, and NAME.key or the URI in NAME.uri. room is of the caller; the place borrows it. */
struct keys_room {
    char chain[KEYS_PATH], key[KEYS_PATH];
};
ATT_MUST_USE enum att_err keys_place(struct issuer_place *out, struct keys_room *room,
                                     const struct config *cfg, const char *name,
                                     struct att_diag *diag);

/* Every key that the log ever had; of a database that names none yet, the configured one. */
struct keys_known {
    struct att_pubkey *key[ISSUER_LOG_KEYS_MAX]; /* owned */
    size_t count;
};
ATT_MUST_USE enum att_err keys_known_load(struct keys_known *out, const struct config *cfg,
                                          struct store *st, struct att_diag *diag);
void keys_known_clear(struct keys_known *k);

/* A key that was opened to take over; once it has, what it took over from. */
struct key_change {
    enum store_key_kind kind;
    bool compromised;
    struct issuer_label label;
    struct att_signer *log, *log_before;
    int64_t until;   /* UTC seconds: so long the one before cosigns checkpoints */
    bool hands_over; /* it does */
    bool in_force;
};
void key_change_free(struct key_change *c);
/* The other way round: the keeper signs with these keys, and with its own again when it is done twice. */
void key_change_turn(struct keeper *k, struct key_change *c);

struct job;
/*
 * keys_settle, keys_undo - after the commit of the transaction that a change stands in, or instead of it. A label key that is
 * only rotated signs from the next entry on: the one that says so is its predecessor's.
 */
void keys_settle(struct keeper *k, struct job *job);
void keys_undo(struct keeper *k, struct job *job);

#endif
