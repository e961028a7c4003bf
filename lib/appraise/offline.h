/*
 * A label checked by a stranger with no network: the daemon's own code, and the anchors of a folder.
 */
#ifndef ATT_APPRAISE_OFFLINE_H
#define ATT_APPRAISE_OFFLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "appraise/label.h"
#include "appraise/status_list.h"
#include "base/check.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/cert.h"
#include "prov/data.h"
#include "sign/vkey.h"
#include "tlog/entry.h"

enum att_verdict {
    ATT_VERDICT_UNDECIDED,
    ATT_VERDICT_PASS,
    ATT_VERDICT_FAIL,
    ATT_VERDICT_MALFORMED
};

struct att_check {
    const char *id; /* "signature", "chain", "time", "status", ... */
    enum att_check_status status;
    struct att_diag why; /* when not PASS */
};

#define ATT_OFFLINE_CHECKS_MAX 24

/*
 * A status list as it stands by itself, for any number of labels: opened once. When it is not usable, list
 * is NULL, and verdict and why say what a label that needs it gets.
 */
struct att_offline_list {
    struct att_status_verified *list; /* owned */
    enum att_verdict verdict;
    struct att_diag why;
    uint8_t signer[32]; /* SHA-256 of its signer's SPKI; with list */
};

/*
 * att_offline_list_open - file is borrowed until att_offline_list_close.
 * Errors  NOMEM CRYPTO INTERNAL only: a list that is malformed, false or a stranger's is a verdict
 */
ATT_MUST_USE enum att_err att_offline_list_open(struct att_offline_list *out, struct att_slice file,
                                                const struct att_anchors *anchors);
void att_offline_list_close(struct att_offline_list *l);

/* A label key that was revoked at an entry of a log (revoked-keys of trust.yaml). */
struct att_revoked_key {
    uint8_t key[32]; /* SHA-256 of its SPKI */
    char origin[ATT_ENTRY_NAME_MAX];
    uint64_t from;      /* entry from which on nothing of it counts */
    bool accept_before; /* what stands before it in that log, as a receipt proves, still does */
};
/* The row of this key, borrowed; NULL when it was not revoked. */
const struct att_revoked_key *att_revoked_find(const struct att_revoked_key *revoked, size_t count,
                                               const uint8_t key[32]);
/* Does what the key signed at this entry of this log still count? */
bool att_revoked_still_counts(const struct att_revoked_key *k, const char *origin, uint64_t index);

/* DIR/trust.yaml: what a verifier of labels requires. Absent means the strict value. */
struct att_trust_rules {
    bool forbid_file_key;
    bool accept_warning; /* --accept warning */
    bool
        log_required; /* the label must have a receipt of one of the logs; without one it is undecided */
    bool log_insisted; /* --require-log: and without one it is refused */
    const struct att_vkey *const
        *key; /* of logs (type 01) and witnesses; borrowed; NULL for none */
    size_t key_count;
    const char *device_id;    /* --device: the label must be for it; NULL for any */
    bool status_required;     /* a list must speak of the label */
    int64_t status_max_age_s; /* a list that is older says nothing; 0: until it expires */
    const struct att_offline_list *status_list; /* --status; NULL: none was given */
    size_t
        witnesses; /* so many of the keys must have cosigned a checkpoint: only a bundle has one */
    const struct att_revoked_key *revoked; /* borrowed */
    size_t revoked_count;
    bool accept_failed_checks;  /* --accept failed-checks: of the data in a bundle */
    att_data_record_fn *record; /* of each record that was proven and repeated; may be NULL */
    void *record_ctx;
    struct att_slice
        newer; /* --newer, of a bundle: another bundle, a label or a checkpoint; borrowed */
};

/* What the status list says of a label; known only when list and entry were found and are the issuer's. */
struct att_offline_status {
    bool known;
    unsigned int value; /* enum att_status_value, or a value that is not known */
    int64_t as_of;      /* UTC seconds: nothing is said about later */
    int64_t next;       /* a newer list is there at the latest then; 0: not said */
};

/* Where the label's entry stands in a log whose receipt it carries; known only when that was verified. */
struct att_offline_receipt {
    bool known;
    char origin[ATT_ENTRY_NAME_MAX];
    uint64_t index, size; /* entry number, and entries in the tree that the log signed */
    int64_t iat;          /* UTC seconds: when it signed */
    uint8_t leaf[32], root[32];
};

/* The checkpoint of a bundle; known only when it was verified and the label's entry is in its tree. */
struct att_offline_checkpoint {
    bool known;
    uint64_t size;    /* entries in its tree */
    size_t witnesses; /* that are installed here and cosigned it */
};

/* What the data of a bundle is worth; known only when all of it was verified. */
struct att_offline_data {
    bool known;
    struct att_data_totals totals;
    uint32_t labels; /* that its batches name */
    uint64_t
        confirmed; /* batches that a label covers: their time is confirmed, of the others it is claimed */
    bool
        from_label; /* the first batch follows the head that its label has: none is missing before it */
};

struct att_offline {
    enum att_verdict verdict; /* malformed before fail before undecided before pass */
    size_t check_count;
    struct att_check check[ATT_OFFLINE_CHECKS_MAX];
    bool has_label; /* parsed; trustworthy only when signature and chain passed */
    struct att_label label;
    struct att_offline_status status;
    struct att_offline_receipt receipt;
    struct att_offline_checkpoint checkpoint;
    struct att_offline_data data;
};

/*
 * att_offline_check - judge one label file at a time.
 * now     UTC seconds: expiry is judged at it, the chain at the label's iat
 * Errors  NOMEM CRYPTO INTERNAL only: a malformed label is a verdict
 */
ATT_MUST_USE enum att_err att_offline_check(struct att_offline *out, struct att_slice label,
                                            const struct att_anchors *anchors,
                                            const struct att_trust_rules *rules, int64_t now);

/*
 * att_offline_check_bundle - the same of a bundle (appraise/bundle.h), with its checkpoint and its status list, and
 * against rules->newer. A list in the rules goes before the one in the bundle. Nothing in it becomes an anchor.
 */
ATT_MUST_USE enum att_err att_offline_check_bundle(struct att_offline *out, struct att_slice bundle,
                                                   const struct att_anchors *anchors,
                                                   const struct att_trust_rules *rules,
                                                   int64_t now);

#endif
