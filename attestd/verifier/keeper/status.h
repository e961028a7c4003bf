/*
 * Whether labels still count: each gets a place in a status list when it is made, and what an administrator or
 * the end of an enrolment changes there is written in the transaction of the outcome that says so
 * (docs/formats/status-list.md, docs/adr/0036-status-lists-of-the-service.md).
 */
#ifndef ATTESTD_VERIFIER_KEEPER_STATUS_H
#define ATTESTD_VERIFIER_KEEPER_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "appraise/status_list.h"
#include "base/buf.h"
#include "base/err.h"
#include "verifier/store/store.h"

struct keeper;

#define STATUS_CACHED 8 /* tokens that are kept, one a list */

/* Tokens that were signed; zeroed is empty. */
struct status_cache {
    struct status_cached {
        int64_t number; /* 0: an empty slot */
        int64_t until;  /* UTC seconds: then a newer one is signed */
        struct att_buf *token;
    } slot[STATUS_CACHED];
    size_t next; /* the slot that is used next */
};
void status_cache_clear(struct status_cache *c);

/* Where a label's status is told. */
struct status_place {
    int64_t list, place;
    char uri[ATT_STATUS_URI_MAX + 1];
};
/*
 * status_take - inside a transaction: the next place, for a label that expires at exp; a full list is followed by a
 * new one. Places come in an order that nobody can tell who does not have the list's key.
 * Errors  CRYPTO (RNG) INTERNAL and those of the store
 */
ATT_MUST_USE enum att_err status_take(struct status_place *out, struct keeper *k, int64_t exp,
                                      struct att_diag *diag);
/* The name of a list: what labels and the list itself call it. */
void status_uri(char *out, size_t cap, const struct keeper *k, int64_t number);
/*
 * status_order - the place that the n-th label of a list gets: a permutation of 0 to entries - 1 that the key chooses.
 * Errors  INTERNAL (n or entries out of range) CRYPTO
 */
ATT_MUST_USE enum att_err status_order(int64_t *place, const uint8_t key[32], int64_t entries,
                                       int64_t n);

/* What becomes of labels. */
struct status_change {
    enum store_label_status to;
    int64_t outcome; /* the one that says so; -1: only count what would change */
};
struct status_changed {
    size_t labels; /* that are told otherwise than before */
    bool unlisted; /* some are in force that no list speaks of: made before there were lists */
};
/* The newest label of an enrolment, for status_mark_all: ask before the enrolment ends. -1: none. */
ATT_MUST_USE enum att_err status_newest(int64_t *out, struct keeper *k, int64_t enrolment,
                                        struct att_diag *diag);
/*
 * status_mark_all - inside a transaction: every label of an enrolment that is in force, from its newest back. Revoked
 * ones stay so; VALID restores those that were suspended together, not one that was suspended alone.
 */
ATT_MUST_USE enum att_err status_mark_all(struct status_changed *out, struct keeper *k,
                                          int64_t newest, const struct status_change *c,
                                          struct att_diag *diag);
/* The same, as the last outcome says: what ends an enrolment ends its labels. */
ATT_MUST_USE enum att_err status_follow(struct keeper *k, int64_t newest,
                                        enum store_label_status to, struct att_diag *diag);
/* One label, by itself; *changed false: it was told so already. CONFLICT (LBL_REVOKED): it is revoked for good. */
ATT_MUST_USE enum att_err status_may_change(bool *changed, const struct store_label *l,
                                            enum store_label_status to, struct att_diag *diag);
ATT_MUST_USE enum att_err status_mark_label(struct keeper *k, const struct store_label *l,
                                            const struct status_change *c, struct att_diag *diag);

#endif
