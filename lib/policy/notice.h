/*
 * Change notices: which measured states become expected for a while, and which end with that.
 *
 * docs/formats/notice.md. A notice is signed by a named role, opens a window of at most seven days, and
 * lists digests; nothing that it does not list is expected because of it. Reference values stay as they are.
 */
#ifndef ATT_POLICY_NOTICE_H
#define ATT_POLICY_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "sign/document.h"

#define ATT_NOTICE_CONTENT_TYPE "application/vnd.attestd.notice+cbor"
#define ATT_NOTICE_PURPOSE      "attestd change notice 1" /* external data of the signature */
#define ATT_NOTICE_SECONDS_MAX  (7 * 86400)
#define ATT_NOTICE_ID_MAX       63
#define ATT_NOTICE_TITLE_MAX    255
#define ATT_NOTICE_DEVICES_MAX  64
#define ATT_NOTICE_DEVICE_MAX   64 /* bytes of a device id */
#define ATT_NOTICE_CHANGES_MAX  4096
#define ATT_NOTICE_BEFORE_MAX   8
#define ATT_NOTICE_NAME_MAX     4095
#define ATT_NOTICE_FILE_MAX     (2 * 1024 * 1024)
#define ATT_NOTICES_MAX         8 /* of one verifier: each label is judged beside all that speak of it */

/* One name, spelt as reference values spell it, and what becomes of it. */
struct att_change {
    struct att_slice name;
    const uint8_t *after; /* 32 bytes; NULL: it will be gone */
    size_t before_count;
    const uint8_t *before[ATT_NOTICE_BEFORE_MAX];
};

/* Where a digest stands in a notice: ordered by digest, for lookups. */
struct att_change_ref {
    const uint8_t *digest;
    uint32_t change;
    bool after;
};

/* Borrows nothing; what it points to is its own. */
struct att_notice {
    char id[ATT_NOTICE_ID_MAX + 1];
    char role[ATT_SIGNER_NAME_MAX + 1];
    char title_en[ATT_NOTICE_TITLE_MAX + 1], title_ja[ATT_NOTICE_TITLE_MAX + 1];
    int64_t from_s, until_s; /* seconds since 1970, UTC: from <= now < until */
    size_t device_count;     /* 0: every device */
    char device[ATT_NOTICE_DEVICES_MAX][ATT_NOTICE_DEVICE_MAX + 1];
    size_t change_count;
    struct att_change *change; /* in order of name, then of after */
    size_t ref_count;
    struct att_change_ref *ref;
    struct att_buf *bytes; /* the encoding */
    uint8_t digest[32];    /* SHA-256 of it */
};

/*
 * att_notice_encode - deterministic CBOR of what a draft says (ref, bytes and digest are not looked at). The
 * changes must stand in order. Errors as of att_notice_decode, which reads the encoding again.
 */
ATT_MUST_USE enum att_err att_notice_encode(struct att_buf **out, const struct att_notice *draft,
                                            struct att_diag *diag);
/* in is copied. Whatever is not as the format says: FORMAT LIMIT TRUNCATED TRAILING with CFG_NOTICE; NOMEM CRYPTO. */
ATT_MUST_USE enum att_err att_notice_decode(struct att_notice **out, struct att_slice in,
                                            struct att_diag *diag);
void att_notice_free(struct att_notice *n);
void att_notice_freep(struct att_notice **n);

/*
 * att_notice_open - a notice that may judge: signed, by a signer whose name is the role that it claims.
 * Errors  SIGNATURE (CFG_NOTICESIG), and those of att_notice_decode
 */
ATT_MUST_USE enum att_err att_notice_open(struct att_notice **out, struct att_slice in,
                                          const struct att_signers *signers, struct att_diag *diag);
/* The same without asking who signed it: for what people look at and try out. kid: the signer it names. */
ATT_MUST_USE enum att_err att_notice_peek(struct att_notice **out, uint8_t kid[32],
                                          struct att_slice in, struct att_diag *diag);
ATT_MUST_USE enum att_err att_notice_sign(struct att_buf **out, struct att_slice encoded,
                                          const struct att_signer *signer);

/* Is it about this device? */
bool att_notice_concerns(const struct att_notice *n, const char *device_id);
bool att_notice_is_open(const struct att_notice *n, int64_t now_s);
/* The refs of one digest: *count of them from the returned one on; NULL when there is none. */
const struct att_change_ref *att_notice_find(const struct att_notice *n, const uint8_t digest[32],
                                             size_t *count);

/* The changes of one name: *count of them from the returned one on; NULL when there is none. */
const struct att_change *att_notice_named(const struct att_notice *n, struct att_slice name,
                                          size_t *count);

/* All that a verifier works with, the oldest first (by from, then id). */
struct att_notices {
    size_t count;
    struct att_notice *notice[ATT_NOTICES_MAX]; /* owned */
};
/*
 * att_notices_load - every *.notice of a folder; NULL: none. Two of one id are refused.
 * Errors  those of att_notice_open and of files, LIMIT (CFG_NOTICE), NOT_FOUND (FILE)
 */
ATT_MUST_USE enum att_err att_notices_load(struct att_notices *out, const char *folder,
                                           const struct att_signers *signers,
                                           struct att_diag *diag);
/* Takes n over; at its place in the order. LIMIT, CONFLICT (CFG_NOTICE). */
ATT_MUST_USE enum att_err att_notices_add(struct att_notices *all, struct att_notice *n,
                                          struct att_diag *diag);
/* Of a list of borrowed notices; NULL when none has this digest. */
const struct att_notice *att_notices_find(const struct att_notice *const *list, size_t count,
                                          const uint8_t digest[32]);
/* The same notices, in the same order? */
bool att_notices_equal(const struct att_notices *x, const struct att_notices *y);
void att_notices_clear(struct att_notices *all);

#endif
