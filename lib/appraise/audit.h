/*
 * What an auditor asks of the entries of a log, one after the other, beyond their hashes: is each well-formed and signed
 * by a key that an anchor vouches for, does time go forward, and do labels, revocations and enrolments agree?
 *
 * Whoever calls this also feeds the entries to a tree (tlog/tiler.h) and compares its root with a signed checkpoint:
 * without that, nothing here says that the entries are those of the log. Memory does not grow with the log but
 * with what it is about: about 100 bytes for a gateway and 32 for a label that is in force.
 */
#ifndef ATT_APPRAISE_AUDIT_H
#define ATT_APPRAISE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/cert.h"
#include "crypto/merkle.h"
#include "tlog/entry.h"

#define ATT_AUDIT_KEPT    100 /* findings and gaps that are kept; all are counted */
#define ATT_AUDIT_TEXT    ATT_DIAG_TEXT
#define ATT_AUDIT_SIGNERS 64 /* label keys that one log may introduce */
/* Bytes of a state at most: two million gateways, four million labels in force. */
#define ATT_AUDIT_STATE_MAX (256U * 1024 * 1024)

/* Something that is wrong with an entry. */
struct att_audit_finding {
    uint64_t index;
    enum att_err err; /* UNTRUSTED: cannot be decided; of form, or false, as everywhere */
    enum att_reason reason;
    char text[ATT_AUDIT_TEXT]; /* what was expected and found */
};

/* From until: a gateway that is enrolled had no label in force. Not wrong by itself. */
struct att_audit_gap {
    uint8_t ueid[32];    /* SHA-256 of its EK name */
    int64_t from, until; /* UTC seconds */
    uint64_t index; /* of the entry that ended it; of its last entry, of a gateway that is silent */
};

struct att_audit_report {
    uint64_t size; /* entries so far */
    char issuer[ATT_ENTRY_NAME_MAX];
    int64_t first_utc, last_utc;
    uint64_t labels, refused, stale, enrolled, removed, revoked, other; /* entries of each kind */
    uint64_t devices;   /* gateways that the log names */
    uint64_t strays;    /* labels of gateways whose enrolment the log does not have */
    uint64_t keys;      /* label keys that were introduced */
    uint64_t unvouched; /* of them, those that no anchor vouches for; why it is so of the first */
    struct att_diag unvouched_why;
    uint64_t findings, gaps;
    int64_t longest_gap_s, longest_life_s;            /* of a label */
    struct att_audit_finding finding[ATT_AUDIT_KEPT]; /* the first */
    struct att_audit_gap gap[ATT_AUDIT_KEPT];         /* the first */
};

struct att_audit;       /* opaque */
struct att_revoked_key; /* appraise/offline.h */

/* anchors (borrowed) vouch for label keys; without one, signatures are checked and nobody vouches (unvouched). */
ATT_MUST_USE enum att_err att_audit_new(struct att_audit **out, const struct att_anchors *anchors,
                                        struct att_diag *diag);
void att_audit_free(struct att_audit *a);
void att_audit_freep(struct att_audit **a);

/*
 * att_audit_entry - the next entry. What is wrong with it becomes a finding, and the audit goes on.
 *
 * Errors  only what keeps it from going on: LIMIT (LIM_SIZE: too many gateways, labels or keys) CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err att_audit_entry(struct att_audit *a, struct att_slice entry,
                                          struct att_diag *diag);
/* Who sees each entry that could be read, once it is judged; what it says ends the audit. Borrowed until then. */
struct att_audit_watch {
    enum att_err (*entry)(void *ctx, uint64_t index, const struct att_entry *e,
                          struct att_diag *diag);
    void *ctx;
};
void att_audit_watch(struct att_audit *a, const struct att_audit_watch *watch);
/*
 * att_audit_revoke - label keys that do not count any more: an entry of one, from where it was revoked on, is a finding.
 *
 * rows    as att_trust_rules has them; borrowed until the audit ends, as origin, the log's name
 * Returns true when what att_audit_resume went on from was judged by other rows for a key that signed in it, so the audit has to
 *         begin again
 */
bool att_audit_revoke(struct att_audit *a, const char *origin, const struct att_revoked_key *rows,
                      size_t count);
/*
 * att_audit_log_key - after the last entry: whose signature of the checkpoint was verified (att_vkey_fingerprint). One of a key
 * that the log does not name as in force, or any more, is a finding.
 */
void att_audit_log_key(struct att_audit *a, const uint8_t print[32]);
/* A finding about the entry of this index that the caller made, such as a hash that differs. */
void att_audit_find(struct att_audit *a, uint64_t index, const struct att_diag *why);

const struct att_audit_report *att_audit_report(const struct att_audit *a); /* borrowed */
/*
 * Gateways that are enrolled and have no label in force at now_utc: up to cap of them, and how many in all.
 * from is when the last label ended, 0 when there was none; until is now.
 */
uint64_t att_audit_silent(struct att_audit_gap *out, size_t cap, const struct att_audit *a,
                          int64_t now_utc);

/*
 * The state after some entries, to go on from later: docs/formats/log.md. root is that of the tree so far.
 *
 * What comes out of att_audit_resume is as good as the file it was read from: earlier findings, gateways and labels are
 * believed, label keys are judged again by the anchors, and the caller compares root with the log.
 * Errors  LIMIT NOMEM; FORMAT (FMT_AUDIT) and those of certificates
 */
ATT_MUST_USE enum att_err att_audit_save(struct att_buf **out, const struct att_audit *a,
                                         const char *origin, const uint8_t root[ATT_MERKLE_LEN]);
ATT_MUST_USE enum att_err att_audit_resume(struct att_audit **out, uint8_t root[ATT_MERKLE_LEN],
                                           struct att_slice state, const char *origin,
                                           const struct att_anchors *anchors,
                                           struct att_diag *diag);

#endif
