/*
 * The status list: for each label that was issued a few bits that say whether it still counts, in one
 * signed file that anybody may keep (Token Status List, draft-ietf-oauth-status-list, CWT form).
 *
 * Three steps with three types: a list is numbers; a token that was parsed is somebody's word; only
 * att_status_token_verify makes an att_status_verified. docs/formats/status-list.md has every byte.
 *
 * status_list.c and status_make.c decompress nothing; status_read.c does. attestd links the first two.
 */
#ifndef ATT_APPRAISE_STATUS_LIST_H
#define ATT_APPRAISE_STATUS_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/cert.h"
#include "sign/cose.h"
#include "sign/signer.h"

#define ATT_STATUS_BYTES_MAX 1048576 /* of entries: 4,194,304 of 2 bits */
#define ATT_STATUS_FILE_MAX                                                                        \
    (ATT_STATUS_BYTES_MAX * 2) /* of a token; lists that do not shrink too */
#define ATT_STATUS_INDEX_MAX (8U * ATT_STATUS_BYTES_MAX - 1)
#define ATT_STATUS_URI_MAX   255
#define ATT_STATUS_BITS      2 /* of an entry in our own lists */

/* What an entry says (section 7.1 of the draft); 3 and 12 to 15 belong to applications, and no label of
 * ours has one. */
enum att_status_value { ATT_STATUS_VALID, ATT_STATUS_INVALID, ATT_STATUS_SUSPENDED };

/* Text for people and scripts: valid, invalid, suspended, unknown. */
const char *att_status_name(unsigned int value);

/* 1 to ATT_STATUS_URI_MAX printable ASCII characters without a space. */
bool att_status_uri_ok(const char *uri);

struct att_status_list; /* entries of 1, 2, 4 or 8 bits */

/*
 * att_status_list_new - every entry VALID.
 * count   entries, rounded up to whole bytes
 * Errors  LIMIT (no such width, no entry, or more than ATT_STATUS_BYTES_MAX bytes), NOMEM
 */
ATT_MUST_USE enum att_err att_status_list_new(struct att_status_list **out, unsigned int bits,
                                              uint64_t count);
void att_status_list_free(struct att_status_list *l); /* NULL is a no-op */
void att_status_list_freep(struct att_status_list **l);
unsigned int att_status_list_bits(const struct att_status_list *l);
uint64_t att_status_list_count(const struct att_status_list *l);

/* LIMIT: no such entry, or a value that does not fit into its bits. */
ATT_MUST_USE enum att_err att_status_list_set(struct att_status_list *l, uint64_t index,
                                              unsigned int value);
/* MISMATCH (SL_INDEX) when the list has no such entry: silence is not "valid". */
ATT_MUST_USE enum att_err att_status_list_get(unsigned int *out, const struct att_status_list *l,
                                              uint64_t index, struct att_diag *diag);

/* The StatusList map {"lst", "bits"} with the entries compressed. NOMEM INTERNAL. */
ATT_MUST_USE enum att_err att_status_list_encode(struct att_buf **out,
                                                 const struct att_status_list *l);
/*
 * att_status_list_read - the map of anybody: keys in any order, none twice, a width that exists, and
 * entries of at most ATT_STATUS_BYTES_MAX bytes when they are decompressed.
 * Errors  TRUNCATED TRAILING FORMAT LIMIT (FMT_STATUS), NOMEM
 */
ATT_MUST_USE enum att_err att_status_list_read(struct att_status_list **out, struct att_slice map,
                                               struct att_diag *diag);

/* What the issuer says beside the entries. */
struct att_status_facts {
    const char *uri;  /* sub: what labels name; borrowed */
    int64_t iat, exp; /* UTC seconds; at exp the list says nothing any more */
    uint64_t ttl_s;   /* a newer one is there at the latest after so long; 0: not said */
    const struct att_slice *x5chain; /* DER, leaf first: that of the issuer's labels */
    size_t x5chain_count;
};

/* The signed token; the buffer is the caller's. INTERNAL (facts that nobody could read back), NOMEM, and
 * what the signer says. */
ATT_MUST_USE enum att_err att_status_token_make(struct att_buf **out,
                                                const struct att_status_facts *facts,
                                                const struct att_status_list *list,
                                                const struct att_signer *signer);

/* A token that was parsed: nothing in it is believed. Slices borrow the input. */
struct att_status_token {
    struct att_cose cose;
    char uri[ATT_STATUS_URI_MAX + 1];
    int64_t iat, exp;             /* UTC seconds; exp is after iat */
    uint64_t ttl_s;               /* 0: not said */
    struct att_status_list *list; /* owned */
};

/*
 * att_status_token_parse - type, header, claims and list of a token.
 * Errors  TRUNCATED TRAILING FORMAT LIMIT UNSUPPORTED (FMT_STATUS FMT_COSE FMT_CBOR), NOMEM
 */
ATT_MUST_USE enum att_err att_status_token_parse(struct att_status_token **out, struct att_slice in,
                                                 struct att_diag *diag);
void att_status_token_free(struct att_status_token *t); /* NULL is a no-op */
void att_status_token_freep(struct att_status_token **t);

struct
    att_status_verified; /* opaque: signed, by a key that an anchor vouches for as one of labels */

/*
 * att_status_token_verify - signature, then the signer's chain at the token's iat, as for a label.
 *
 * t       is the result's from here on, when ATT_OK is returned; its input must outlive it
 * Errors  UNTRUSTED (SL_KEY: no anchor leads to it; TRUST_NONE: there is none), SIGNATURE MISMATCH
 *         (SL_SIG), FORMAT STALE (SL_CHAIN, FMT_CERT), CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err att_status_token_verify(struct att_status_verified **out,
                                                  struct att_status_token *t,
                                                  const struct att_anchors *anchors,
                                                  struct att_diag *diag);
const struct att_status_token *att_status_token_of(const struct att_status_verified *v);
/* SHA-256 of the signer's SPKI. CRYPTO NOMEM. */
ATT_MUST_USE enum att_err att_status_signer(uint8_t out[32], const struct att_status_verified *v);
/* Does the signer's certificate speak for this verifier? (att_cert_names_verifier) */
bool att_status_speaks_for(const struct att_status_verified *v, const char *verifier_id);
void att_status_verified_free(struct att_status_verified *v); /* NULL is a no-op */
void att_status_verified_freep(struct att_status_verified **v);

#endif
