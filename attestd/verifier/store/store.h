/*
 * The keeper's records: who is enrolled, what is known of each device, every outcome, label and evidence.
 *
 * Statements are one code (store_internal.h) over an engine: SQLite (docs/adr/0012-sqlite-wal.md) or PostgreSQL
 * (docs/adr/0038-postgresql.md). One process and one connection own a store at a time. Writes belong between store_begin and store_commit; what is
 * committed survives a power cut. Functions return
 *   IO with ST_FULL     the disk is full or read-only: nothing of this transaction happened, roll back and
 *                       go on; the next one may succeed
 *   NETWORK with ST_LOST  the server cannot be reached: nothing of this transaction happened, as above
 *   BUSY with BUSY      the server gave way to something else: the same transaction may succeed next time
 *   IO, FORMAT          with store_broken() true: a sync failed or the file is damaged, so nobody knows what
 *                       is on the disk; answer nobody and stop the process
 *   NOT_FOUND CONFLICT NOMEM INTERNAL as named; after a failure other than NOT_FOUND go back to a mark or roll back
 * Tokens and nonces are never here in clear, only their SHA-256.
 */
#ifndef ATTESTD_VERIFIER_STORE_STORE_H
#define ATTESTD_VERIFIER_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define STORE_ID_MAX     64 /* characters of a device id */
#define STORE_NAME_MAX   66 /* bytes of a TPM name: algorithm and digest */
#define STORE_PUBLIC_MAX 1024
#define STORE_ATTEST_MAX 1024 /* TPMS_ATTEST and TPMT_SIGNATURE */
#define STORE_REASON_MAX 40
#define STORE_DETAIL_MAX 256
#define STORE_CTI_LEN    16
#define STORE_BLOB_MAX   (64 * 1024) /* one state blob */
#define STORE_BLOBS      3
#define STORE_BYTES_MAX  (16 * 1024 * 1024)

struct store;

/* Where the records are. */
struct store_place {
    const char *folder; /* SQLite: attestd.db in this folder */
    const char
        *postgresql; /* connection string of libpq, and the folder does not count; NULL: SQLite */
};
enum store_how {
    STORE_AS_IT_IS,
    STORE_UPGRADE, /* the tables of an earlier release are brought up to date first: for the service */
    STORE_CREATE, /* make it; CONFLICT when there is one already */
};

/*
 * store_open_at - have the database for this process alone; no other process can write meanwhile. Without
 * STORE_CREATE a missing database is NOT_FOUND (FILE): a service never starts with empty records by accident.
 * Errors  DENIED (CFG_PERM: folder or file open to others, or the server says no) BUSY (ST_LOCK; TL_LOCK: another
 *         attestd has its turn at a shared one) UNSUPPORTED (ST_SCHEMA) FORMAT (ST_CORRUPT) NETWORK (ST_LOST)
 *         CONFIG (CFG_KEY: no connection string) IO NOMEM
 */
ATT_MUST_USE enum att_err store_open_at(struct store **out, const struct store_place *place,
                                        enum store_how how, struct att_diag *diag);
/* The engines' own. */
ATT_MUST_USE enum att_err store_open_sqlite(struct store **out, const char *folder,
                                            enum store_how how, struct att_diag *diag);
ATT_MUST_USE enum att_err store_open_postgresql(struct store **out, const char *conninfo,
                                                enum store_how how, struct att_diag *diag);
/* SQLite in a folder, made or as it is. */
ATT_MUST_USE enum att_err store_open(struct store **out, const char *folder, bool create,
                                     struct att_diag *diag);
/* Could it be one, and without a password in it? Nothing of it is repeated. CONFIG (CFG_KEY). */
ATT_MUST_USE enum att_err store_conninfo_check(const char *conninfo, struct att_diag *diag);
/* Do several hosts have this database, one at a time? */
bool store_shared(const struct store *st);
/* True after a statement that did not reach the server; the next one tries again. */
bool store_lost(const struct store *st);
void store_close(struct store *st); /* NULL is a no-op; an open transaction is rolled back */
void store_closep(struct store **st);

/* True after a failure that leaves the disk's content unknown: stop the process. */
bool store_broken(const struct store *st);

/* One write transaction at a time; INTERNAL when misused. Rollback never fails. */
ATT_MUST_USE enum att_err store_begin(struct store *st, struct att_diag *diag);
ATT_MUST_USE enum att_err store_commit(struct store *st, struct att_diag *diag);
void store_rollback(struct store *st);

/* Undo a part of a transaction: mark, then either keep it or go back to the mark. Not nested. */
ATT_MUST_USE enum att_err store_mark(struct store *st, struct att_diag *diag);
ATT_MUST_USE enum att_err store_mark_keep(struct store *st, struct att_diag *diag);
ATT_MUST_USE enum att_err store_mark_undo(struct store *st, struct att_diag *diag);

/* Move committed pages from the log into the database when there are many: call it after answering. */
ATT_MUST_USE enum att_err store_tidy(struct store *st, struct att_diag *diag);

/* Small named values of the whole store. NOT_FOUND LIMIT. */
ATT_MUST_USE enum att_err store_meta_get(struct store *st, const char *key, uint8_t *out,
                                         size_t cap, size_t *len);
ATT_MUST_USE enum att_err store_meta_put(struct store *st, const char *key, struct att_slice value,
                                         struct att_diag *diag);

struct store_device {
    char id[STORE_ID_MAX + 1];
    int64_t enrolment; /* number of the enrolment, never given twice; 0 in what is put */
    uint8_t ek_name[STORE_NAME_MAX];
    size_t ek_name_len;
    uint8_t ek_public[STORE_PUBLIC_MAX];
    size_t ek_public_len;
    uint8_t ak_name[STORE_NAME_MAX];
    size_t ak_name_len;
    uint8_t ak_public[STORE_PUBLIC_MAX];
    size_t ak_public_len;
    uint8_t tls_key[32]; /* SHA-256 of the SPKI */
    uint8_t ek_cert[32]; /* SHA-256 of the certificate; zeros when there was none */
    bool ek_verified;
    int64_t enrolled_utc;
    bool iak; /* read only: its factory's key vouched for it too (store_factory_put) */
};

/* Reads: NOT_FOUND when there is none. by_ek finds whoever holds the key of this public
 * area (TPMT_PUBLIC, padded), whatever else the area says. */
ATT_MUST_USE enum att_err store_device_get(struct store_device *out, struct store *st,
                                           const char *id);
ATT_MUST_USE enum att_err store_device_by_ek(struct store_device *out, struct store *st,
                                             struct att_slice ek_public);
/* CONFLICT when the id or the EK is taken. *enrolment is the new number. */
ATT_MUST_USE enum att_err store_device_add(int64_t *enrolment, struct store *st,
                                           const struct store_device *d, int64_t deadline_utc,
                                           struct att_diag *diag);
/*
 * store_device_next - the row with the next enrolment number after this one. NOT_FOUND: no more. NOMEM IO
 * *damaged: its values do not fit; only out->enrolment, and the id when that fits, mean something.
 */
ATT_MUST_USE enum att_err store_device_next(struct store_device *out, bool *damaged,
                                            struct store *st, int64_t after);
/* The row as it is, and why, into the quarantine; its state goes, its labels and outcomes stay. NOT_FOUND. */
ATT_MUST_USE enum att_err store_device_quarantine(struct store *st, int64_t enrolment,
                                                  const char *why, struct att_diag *diag);
ATT_MUST_USE enum att_err store_quarantine_count(int64_t *out, struct store *st);
/* The device and its state go; its labels and outcomes stay. NOT_FOUND. */
ATT_MUST_USE enum att_err store_device_remove(struct store *st, const char *id,
                                              struct att_diag *diag);

/* The certificates that vouched for its EK when it enrolled, as the keeper encoded them. NOT_FOUND. */
ATT_MUST_USE enum att_err store_ek_chain_put(struct store *st, int64_t enrolment,
                                             struct att_slice certs, struct att_diag *diag);
/* bytes is cleared first. */
ATT_MUST_USE enum att_err store_ek_chain_get(struct att_buf *bytes, struct store *st,
                                             int64_t enrolment);

/* The keys of its factory that were proven when it enrolled, by TPM name, and the certificates of each as above. */
enum store_factory { STORE_FACTORY_IAK = 1, STORE_FACTORY_IDEVID = 2 };
/* CONFLICT when another device has this key. */
ATT_MUST_USE enum att_err store_factory_put(struct store *st, int64_t enrolment,
                                            enum store_factory kind, struct att_slice name,
                                            struct att_slice certs, struct att_diag *diag);
/* bytes is cleared first. NOT_FOUND. */
ATT_MUST_USE enum att_err store_factory_get(struct att_buf *bytes, struct store *st,
                                            int64_t enrolment, enum store_factory kind);
/* Whose it is. NOT_FOUND. */
ATT_MUST_USE enum att_err store_factory_holder(char id[STORE_ID_MAX + 1], struct store *st,
                                               enum store_factory kind, struct att_slice name);

/* The data key of a device, and what its attestation key said of it (TPM2_Certify); it goes with the device. */
struct store_data_key {
    uint8_t area[STORE_PUBLIC_MAX]; /* TPMT_PUBLIC */
    size_t area_len;                /* 0: there is none */
    uint8_t parent[STORE_NAME_MAX]; /* name of the storage key that it stands under */
    size_t parent_len;
    uint8_t attest[STORE_ATTEST_MAX], signature[STORE_ATTEST_MAX];
    size_t attest_len, signature_len;
    int64_t certified_utc;
};
/* In the place of the one before. */
ATT_MUST_USE enum att_err store_data_key_put(struct store *st, int64_t enrolment,
                                             const struct store_data_key *k, struct att_diag *diag);
/* An empty one when there is none. */
ATT_MUST_USE enum att_err store_data_key_get(struct store_data_key *out, struct store *st,
                                             int64_t enrolment);

/* Why an enrolled device gets nothing any more; it goes with the device. */
struct store_hold {
    char reason[STORE_REASON_MAX]; /* code; empty: it is not held */
    bool lasting;                  /* until it enrols again; else until it is judged well */
    int64_t since_utc;             /* as it was when it is put again */
};
ATT_MUST_USE enum att_err store_hold_put(struct store *st, int64_t enrolment,
                                         const struct store_hold *hold, struct att_diag *diag);
/* An empty one when there is none. */
ATT_MUST_USE enum att_err store_hold_get(struct store_hold *out, struct store *st,
                                         int64_t enrolment);
/* NOT_FOUND */
ATT_MUST_USE enum att_err store_hold_remove(struct store *st, int64_t enrolment,
                                            struct att_diag *diag);

enum store_status {
    STORE_ENROLLED,  /* no evidence yet */
    STORE_AFFIRMING, /* the last evidence was good */
    STORE_WARNING,
    STORE_FAILED, /* the last evidence was refused or contraindicated */
    STORE_STALE,  /* silent for too long */
};
const char *store_status_name(enum store_status s);

struct store_state {
    enum store_status status;
    char reason[STORE_REASON_MAX]; /* code; empty when there is nothing to say */
    int64_t last_utc;              /* evidence was last accepted then; 0: never */
    int64_t deadline_utc;          /* silent until then: stale */
    bool has_cti;
    uint8_t cti[STORE_CTI_LEN];            /* the last label, good or bad */
    struct att_slice boot, carry, windows; /* encoded; empty before the first accepted evidence */
};

/* boot, carry and windows borrow blobs, which is cleared first; blobs NULL leaves them out. NOT_FOUND. */
ATT_MUST_USE enum att_err store_state_get(struct store_state *out, struct att_buf *blobs,
                                          struct store *st, int64_t enrolment);
/* All of it, after accepted evidence. */
ATT_MUST_USE enum att_err store_state_put(struct store *st, int64_t enrolment,
                                          const struct store_state *s, struct att_diag *diag);
/* Refused or stale. cti NULL leaves the label as it is; a deadline only ever moves on. */
struct store_mark {
    enum store_status status;
    const char *reason;
    const uint8_t *cti;
    int64_t deadline_utc; /* 0: as it was */
};
ATT_MUST_USE enum att_err store_state_mark(struct store *st, int64_t enrolment,
                                           const struct store_mark *mark, struct att_diag *diag);

/* A page of devices in order of id, after the one named ("" for the first); *count is how many. */
struct store_row {
    struct store_device device;
    struct store_state state; /* without blobs */
    struct store_hold hold;
};
ATT_MUST_USE enum att_err store_device_list(struct store_row *out, size_t cap, size_t *count,
                                            struct store *st, const char *after);

/* Who is past the deadline and not yet stale; the longest silent first. */
struct store_due {
    int64_t enrolment;
    char id[STORE_ID_MAX + 1];
};
ATT_MUST_USE enum att_err store_due_list(struct store_due *out, size_t cap, size_t *count,
                                         struct store *st, int64_t now_utc);

/* Enrolment tokens, by SHA-256. id "" allows any device. */
struct store_token {
    char id[STORE_ID_MAX + 1];
    int64_t expires_utc;
    bool replaces; /* the gateway of this id may enrol again, with this TPM or another */
};
ATT_MUST_USE enum att_err store_token_put(struct store *st, const uint8_t digest[32],
                                          const struct store_token *t, struct att_diag *diag);
ATT_MUST_USE enum att_err store_token_get(struct store_token *out, struct store *st,
                                          const uint8_t digest[32]);
/* Take it away: NOT_FOUND when somebody else already did. */
ATT_MUST_USE enum att_err store_token_take(struct store *st, const uint8_t digest[32],
                                           struct att_diag *diag);
/* Forget those that expired at or before now. */
ATT_MUST_USE enum att_err store_token_expire(struct store *st, int64_t now_utc,
                                             struct att_diag *diag);

/* The allow-list of endorsement keys, by TPM name. id "" allows any device id. */
ATT_MUST_USE enum att_err store_allow_put(struct store *st, struct att_slice ek_name,
                                          const char *id, struct att_diag *diag);
ATT_MUST_USE enum att_err store_allow_get(char id[STORE_ID_MAX + 1], struct store *st,
                                          struct att_slice ek_name);
ATT_MUST_USE enum att_err store_allow_remove(struct store *st, struct att_slice ek_name,
                                             struct att_diag *diag);

/* What happened, in order and for ever: the leaves that a transparency log is made of. */
enum store_kind {
    STORE_KIND_INIT = 1,
    STORE_KIND_ENROLLED,
    STORE_KIND_LABEL,   /* evidence accepted */
    STORE_KIND_REFUSED, /* evidence refused; its label is contraindicated */
    STORE_KIND_STALE,
    STORE_KIND_REMOVED,
    STORE_KIND_ALLOWED,     /* a token was made, or an endorsement key allow-listed */
    STORE_KIND_POLICY,      /* policy or reference values are others than before */
    STORE_KIND_NOTICE,      /* a change notice was taken in, or withdrawn */
    STORE_KIND_TRANSFERRED, /* a gateway was given to another organisation, or received from one */
    STORE_KIND_HELD,        /* its endorsement key is not trusted any more */
    STORE_KIND_FREED,       /* and it is again */
    STORE_KIND_REVOKED,     /* labels count no more, for good */
    STORE_KIND_SUSPENDED,   /* for now */
    STORE_KIND_RESTORED,    /* and do again */
    STORE_KIND_LABEL_KEY,   /* another key signs labels, or one that did is revoked */
    STORE_KIND_LOG_KEY,     /* another key signs trees of the log */
    STORE_KIND_CERTIFIED,   /* a data key was certified */
    STORE_KIND__END
};
const char *store_kind_name(enum store_kind k);
/* Outcomes of evidence: their cti is that of the label that came with them; others only speak of one. */
bool store_kind_makes_label(enum store_kind k);

struct store_outcome {
    int64_t index; /* from 0, without gaps; set by the store */
    int64_t utc;
    enum store_kind kind;
    char device[STORE_ID_MAX + 1];
    char reason[STORE_REASON_MAX];
    char detail[STORE_DETAIL_MAX];
    bool has_cti;
    uint8_t cti[STORE_CTI_LEN];
    bool has_evidence, has_rules;
    uint8_t evidence[32];
    uint8_t policy[32],
        refvals
            [32]; /* judged under these; or, of kind POLICY, in force from now on; or, of kinds LABEL_KEY and
                        LOG_KEY, the fingerprints of the key of before and of the one that signs */
    bool has_subject;
    uint8_t subject[32]; /* SHA-256 of the gateway's EK name, where it is about one that is known */
};
ATT_MUST_USE enum att_err store_outcome_append(int64_t *index, struct store *st,
                                               const struct store_outcome *o,
                                               struct att_diag *diag);
ATT_MUST_USE enum att_err store_outcome_get(struct store_outcome *out, struct store *st,
                                            int64_t index);
ATT_MUST_USE enum att_err store_outcome_count(int64_t *out, struct store *st);

/*
 * The log that the outcomes are sequenced into (keeper/sequencer.h): the entry of an outcome with the salt of its
 * detail, and the tiles of the tree. NOT_FOUND. Rows are put once (CONFLICT), tiles are put again as they grow.
 */
#define STORE_SALT_LEN   16
#define STORE_LEAF_MAX   65535
#define STORE_TILE_BYTES 8192
ATT_MUST_USE enum att_err store_leaf_put(struct store *st, int64_t index,
                                         const uint8_t salt[STORE_SALT_LEN], struct att_slice entry,
                                         struct att_diag *diag);
/* entry is cleared first. */
ATT_MUST_USE enum att_err store_leaf_get(uint8_t salt[STORE_SALT_LEN], struct att_buf *entry,
                                         struct store *st, int64_t index);
ATT_MUST_USE enum att_err store_leaf_count(int64_t *out, struct store *st);
ATT_MUST_USE enum att_err store_tile_put(struct store *st, unsigned int level, uint64_t index,
                                         struct att_slice hashes, struct att_diag *diag);
/* The first len bytes of it; FORMAT when it has fewer. */
ATT_MUST_USE enum att_err store_tile_get(uint8_t *out, size_t len, struct store *st,
                                         unsigned int level, uint64_t index);

/* Does a label still count? The numbers are those of enum att_status_value. */
enum store_label_status { STORE_LABEL_VALID, STORE_LABEL_REVOKED, STORE_LABEL_SUSPENDED };

struct store_label {
    uint8_t cti[STORE_CTI_LEN];
    int64_t outcome; /* index of the outcome that it came with */
    char device[STORE_ID_MAX + 1];
    int64_t iat, exp;
    int tier; /* enum att_tier */
    int64_t list,
        place; /* where its status is told; list 0: nowhere (labels of before there were lists) */
    enum store_label_status status; /* below: read only, but for store_label_mark */
    bool alone;                     /* set for this label, not for all of its gateway */
    int64_t previous; /* outcome of the label that the gateway had before; -1: none that is known */
};
/* last_cti: of the label that the gateway had before, or NULL. */
ATT_MUST_USE enum att_err store_label_put(struct store *st, const struct store_label *l,
                                          const uint8_t *last_cti, struct att_slice bytes,
                                          struct att_diag *diag);
/* bytes is cleared first. NOT_FOUND. */
ATT_MUST_USE enum att_err store_label_get(struct store_label *out, struct att_buf *bytes,
                                          struct store *st, const uint8_t cti[STORE_CTI_LEN]);
/* The label that a device got last, by its outcome; and the label of an outcome, without its bytes. NOT_FOUND */
ATT_MUST_USE enum att_err store_label_last(int64_t *outcome, struct store *st, int64_t enrolment);
ATT_MUST_USE enum att_err store_label_at(struct store_label *out, struct store *st,
                                         int64_t outcome);
/* What the label's list says from now on (status, alone); outcome is the one that says so. */
ATT_MUST_USE enum att_err store_label_mark(struct store *st, const struct store_label *l,
                                           int64_t outcome, struct att_diag *diag);

/* A status list: places are given out once each, in an order that only its key tells (keeper/status.c). */
struct store_list {
    int64_t number; /* from 1 */
    uint8_t key[32];
    int64_t entries;  /* that it has */
    int64_t used;     /* and that were given to labels */
    int64_t last_exp; /* of the labels: then it says nothing any more */
    int64_t longest;  /* life of a label, seconds, in this list or one before it */
};
ATT_MUST_USE enum att_err store_list_add(struct store *st, const struct store_list *l,
                                         struct att_diag *diag);
/* NOT_FOUND */
ATT_MUST_USE enum att_err store_list_last(struct store_list *out, struct store *st);
ATT_MUST_USE enum att_err store_list_get(struct store_list *out, struct store *st, int64_t number);
/* One more place is used, by a label that expires then and lives so long. NOT_FOUND when it is full. */
ATT_MUST_USE enum att_err store_list_take(struct store *st, int64_t number, int64_t exp,
                                          int64_t life_s, struct att_diag *diag);
/* The next entry behind *place (-1: the first) that is not valid. NOT_FOUND */
ATT_MUST_USE enum att_err store_list_next(int64_t *place, enum store_label_status *value,
                                          struct store *st, int64_t number);

/*
 * store_label_revoke_of_key - every label that expires after now_utc, of the outcomes from begins to before ends, is revoked for
 * good, as this outcome says. *count: those that were not yet.
 */
ATT_MUST_USE enum att_err store_label_revoke_of_key(int64_t *count, struct store *st,
                                                    const int64_t range[2], int64_t now_utc,
                                                    int64_t outcome, struct att_diag *diag);

/* The keys that sign, and those that did: for ever. A key signs once, from one entry of the log to another. */
enum store_key_kind { STORE_KEY_LABEL = 1, STORE_KEY_LOG = 2 };
#define STORE_KEY_NAME_MAX 64
struct store_key {
    enum store_key_kind kind;
    int64_t nth;                    /* from 1; set by the store */
    uint8_t spki[STORE_PUBLIC_MAX]; /* DER SubjectPublicKeyInfo */
    size_t spki_len;
    char name[STORE_KEY_NAME_MAX +
              1]; /* of its file in the folder of keys; "": the one that the configuration names */
    int64_t begins,
        ends; /* entries: the first that it signs; the first that it does not; -1: in force */
    int64_t revoked; /* entry that revoked it; -1: none */
    int64_t
        cosigns_until; /* UTC seconds: it signs checkpoints too, beside its successor; 0: it does not */
};
/* In force from entry begins on; one must not be. CONFLICT when one is, or this key signed before. */
ATT_MUST_USE enum att_err store_key_add(struct store *st, const struct store_key *k,
                                        struct att_diag *diag);
/* The one in force signs entry ends no more. NOT_FOUND. */
ATT_MUST_USE enum att_err store_key_end(struct store *st, enum store_key_kind kind, int64_t ends,
                                        int64_t cosigns_until, struct att_diag *diag);
/* The nth; for good. NOT_FOUND when there is none, or it is revoked already. */
ATT_MUST_USE enum att_err store_key_revoke(struct store *st, enum store_key_kind kind, int64_t nth,
                                           int64_t outcome, struct att_diag *diag);
/* The one after the nth (0: the first). NOT_FOUND. */
ATT_MUST_USE enum att_err store_key_next(struct store_key *out, struct store *st,
                                         enum store_key_kind kind, int64_t after);

/*
 * The label of a device whose last evidence was affirming or warning, that is neither held nor revoked nor
 * suspended; NOT_FOUND else.
 */
ATT_MUST_USE enum att_err store_label_current(struct store_label *out, struct att_buf *bytes,
                                              struct store *st, const char *device);

/* What an outcome was decided from, sealed by the keeper; its row stays when the bytes are dropped. */
struct store_evidence {
    int64_t outcome, enrolment, utc;
    int64_t size; /* bytes */
};
enum store_dropped {
    STORE_DROPPED_NOT,
    STORE_DROPPED_AGE,      /* kept for as long as the configuration says */
    STORE_DROPPED_GATEWAY,  /* the gateway's share was full: its oldest made room */
    STORE_DROPPED_DATABASE, /* the database was full: the oldest of all made room */
    STORE_DROPPED__END
};
const char *store_dropped_name(enum store_dropped d);

/* bytes.len is the size. LIMIT CONFLICT IO NOMEM. */
ATT_MUST_USE enum att_err store_evidence_put(struct store *st, const struct store_evidence *e,
                                             struct att_slice bytes, struct att_diag *diag);
/* bytes is cleared first; empty when *dropped says why. NOT_FOUND. */
ATT_MUST_USE enum att_err store_evidence_get(enum store_dropped *dropped, struct att_buf *bytes,
                                             struct store *st, int64_t outcome);
/* What is still kept, the oldest first: of one enrolment, or of all with 0. */
ATT_MUST_USE enum att_err store_evidence_oldest(struct store_evidence *out, size_t cap,
                                                size_t *count, struct store *st, int64_t enrolment);
/* NOT_FOUND when it is not kept any more. */
ATT_MUST_USE enum att_err store_evidence_drop(struct store *st, const struct store_evidence *e,
                                              enum store_dropped why, struct att_diag *diag);
/* Bytes kept of an enrolled device. NOT_FOUND. */
ATT_MUST_USE enum att_err store_evidence_kept(int64_t *out, struct store *st, int64_t enrolment);
/* Bytes of the database in use, free pages not counted. */
ATT_MUST_USE enum att_err store_size(int64_t *out, struct store *st);

/* Transfers of gateways that both sides signed, for ever: each is good once (docs/formats/transfer.md). */
enum store_transfer_role { STORE_TRANSFER_GIVEN = 1, STORE_TRANSFER_RECEIVED = 2 };
#define STORE_TRANSFER_ID_LEN 16
#define STORE_EK_KEY_LEN                                                                           \
    64 /* the end of TPMT_PUBLIC: a point on P-256, else enough to tell keys apart */
struct store_transfer {
    uint8_t id[STORE_TRANSFER_ID_LEN];
    enum store_transfer_role role;
    char device[STORE_ID_MAX + 1]; /* what the gateway is called here */
    uint8_t ek_name[STORE_NAME_MAX];
    size_t ek_name_len;
    uint8_t ek_key
        [STORE_EK_KEY_LEN]; /* put only: of a gateway that is given, whatever else its area says */
    bool has_ek_key;
    int64_t outcome;     /* index of the outcome that says so */
    int64_t expires_utc; /* received: the gateway may enrol until then */
    int64_t enrolment;   /* given: that ended; received: that it led to, 0 while there is none */
};
/* CONFLICT when this id is there. */
ATT_MUST_USE enum att_err store_transfer_put(struct store *st, const struct store_transfer *t,
                                             struct att_slice bytes, struct att_diag *diag);
/* bytes is cleared first. NOT_FOUND. */
ATT_MUST_USE enum att_err store_transfer_get(struct store_transfer *out, struct att_buf *bytes,
                                             struct store *st,
                                             const uint8_t id[STORE_TRANSFER_ID_LEN]);
/*
 * The newest that was given under a device id; the newest of an endorsement key, either way, by its name or,
 * when it was given, by the key in its public area; the one that led to an enrolment. NOT_FOUND.
 */
ATT_MUST_USE enum att_err store_transfer_given(struct store_transfer *out, struct store *st,
                                               const char *device);
ATT_MUST_USE enum att_err store_transfer_last(struct store_transfer *out, struct store *st,
                                              struct att_slice ek_name, struct att_slice ek_public);
ATT_MUST_USE enum att_err store_transfer_of(struct store_transfer *out, struct store *st,
                                            int64_t enrolment);
/* The next after this outcome (-1: the first), with its bytes. NOT_FOUND. */
ATT_MUST_USE enum att_err store_transfer_next(struct store_transfer *out, struct att_buf *bytes,
                                              struct store *st, int64_t after);
/* The gateway enrolled by it. NOT_FOUND when it already did. */
ATT_MUST_USE enum att_err store_transfer_use(struct store *st,
                                             const uint8_t id[STORE_TRANSFER_ID_LEN],
                                             int64_t enrolment, struct att_diag *diag);
/* Is a row of this id, or of this endorsement key, in quarantine? */
ATT_MUST_USE enum att_err store_quarantine_holds(bool *out, struct store *st, const char *id,
                                                 struct att_slice ek_name);

/* The policies that evidence was judged by, encoded, under their digests; put again it is the same one. */
ATT_MUST_USE enum att_err store_policy_put(struct store *st, const uint8_t digest[32],
                                           struct att_slice bytes, struct att_diag *diag);
ATT_MUST_USE enum att_err store_policy_get(struct att_buf *bytes, struct store *st,
                                           const uint8_t digest[32]); /* cleared first; NOT_FOUND */

/*
 * store_dump - every record of enrolment, state, label and outcome, in a fixed order, as text: equal
 * dumps mean equal records. Label and evidence bytes stand as they are, in hexadecimal.
 */
ATT_MUST_USE enum att_err store_dump(struct store *st, FILE *out);

/* Page structure, indexes, foreign keys and gaps; say is called once a finding. IO NOMEM INTERNAL. */
ATT_MUST_USE enum att_err store_check(struct store *st, void (*say)(void *ctx, const char *text),
                                      void *ctx, size_t *findings);

#endif
