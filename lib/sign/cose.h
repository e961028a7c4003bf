/*
 * COSE_Sign1 (RFC 9052 section 4.2), tag 18; the payload inside, or detached where the caller knows it.
 *
 * Opening is in two steps with two types: att_cose_parse believes nothing; only att_cose_verify makes
 * an att_cose_verified, and the payload can be read from nothing else.
 */
#ifndef ATT_SIGN_COSE_H
#define ATT_SIGN_COSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/cert.h"
#include "crypto/key.h"
#include "sign/signer.h"

#define ATT_COSE_ES256 (-7)
#define ATT_COSE_ES384 (-35)
#define ATT_COSE_EDDSA (-8)

#define ATT_COSE_HEADERS 32   /* labels in one header map */
#define ATT_COSE_SIG_MAX 1024 /* bytes of a signature that is worth looking at */

/* What a parsed, unverified message says of itself; every slice is borrowed from the input. */
struct att_cose {
    int64_t alg;
    struct att_slice protected_bytes;        /* the bstr's content as sent */
    struct att_slice unprotected;            /* the map's encoding as sent */
    struct att_slice kid;                    /* protected only; empty when absent */
    struct att_slice x5chain[ATT_CHAIN_MAX]; /* DER, leaf first; protected only */
    size_t x5chain_count;
    struct att_slice typ;          /* protected 16 as text; empty when absent */
    struct att_slice content_type; /* protected 3 as text; empty when absent */
    struct att_slice cwt_claims;   /* protected 15, the map's encoding; empty when absent */
    bool has_payload_hash, has_vds;
    int64_t payload_hash; /* protected 258 (RFC 9995): the payload is this hash of something */
    struct att_slice preimage_type; /* protected 259 as text: what that is; empty when absent */
    int64_t vds;                    /* protected 395 (RFC 9942): the kind of log */
    struct att_slice
        payload_untrusted; /* for "show", which says "not verified" first; none when detached */
    struct att_slice signature;
};

/*
 * att_cose_parse - FORMAT (FMT_COSE, FMT_CBOR); alg missing or only unprotected: UNSUPPORTED (LBL_ALG);
 * crit anything but absent: UNSUPPORTED (LBL_CRIT); a header label in both maps: FORMAT. Payload nil
 * or empty: FORMAT. Untagged: FORMAT (FMT_COSE).
 *
 * FMT_CBOR is for bytes that are not deterministic CBOR, FMT_COSE for those that are and yet no
 * COSE_Sign1, and for a label twice in one header map. A header map may have ATT_COSE_HEADERS labels;
 * labels without a field above are skipped: crit, which would forbid that, is refused.
 */
ATT_MUST_USE enum att_err att_cose_parse(struct att_cose *out, struct att_slice in,
                                         struct att_diag *diag);
/* The same for a message whose payload is nil: one inside is FORMAT. */
ATT_MUST_USE enum att_err att_cose_parse_detached(struct att_cose *out, struct att_slice in,
                                                  struct att_diag *diag);

struct att_cose_verified; /* opaque */

/*
 * att_cose_verify - alg must be the key's (LBL_ALG), the signature must verify (LBL_SIG).
 * external_aad may be empty. The result borrows m's input.
 * Errors UNSUPPORTED (a key that we do not use with COSE) MISMATCH (alg is not the key's) SIGNATURE
 * CRYPTO NOMEM.
 */
ATT_MUST_USE enum att_err att_cose_verify(struct att_cose_verified **out, const struct att_cose *m,
                                          const struct att_pubkey *key,
                                          struct att_slice external_aad, struct att_diag *diag);
/* The same for a detached payload, which the caller made or has; it is borrowed. */
ATT_MUST_USE enum att_err att_cose_verify_detached(struct att_cose_verified **out,
                                                   const struct att_cose *m,
                                                   struct att_slice payload,
                                                   const struct att_pubkey *key,
                                                   struct att_diag *diag);
struct att_slice att_cose_payload(const struct att_cose_verified *v);
void att_cose_verified_free(struct att_cose_verified *v);
void att_cose_verified_freep(struct att_cose_verified **v);

struct att_cose_order {
    const char *typ;                 /* NULL for none */
    const char *content_type;        /* NULL for none */
    const struct att_slice *x5chain; /* DER, leaf first; count 0 for none */
    size_t x5chain_count;
    struct att_slice kid;          /* empty for none */
    struct att_slice cwt_claims;   /* encoded map for header 15; empty for none */
    struct att_slice external_aad; /* signed, not sent; empty for none */
    struct att_slice payload;
    int64_t payload_hash;      /* label 258; 0 for none */
    const char *preimage_type; /* label 259; NULL for none */
    int64_t vds;               /* label 395; 0 for none */
    bool detached;             /* the payload is signed, not sent */
};
/*
 * Tagged, deterministic, unprotected map empty. UNSUPPORTED (a key that we do not use with COSE),
 * INTERNAL (an order that att_cose_parse would refuse), NOMEM and what the signer says.
 */
ATT_MUST_USE enum att_err att_cose_make(struct att_buf **out, const struct att_cose_order *order,
                                        const struct att_signer *signer);

/*
 * att_cose_with_unprotected - the same message with another unprotected map, which no signature covers: receipts
 * are put in, or everything is taken out.
 *
 * unprotected  an encoded map; a0 for the empty one
 * Errors       INTERNAL (what nobody could read back) NOMEM
 */
ATT_MUST_USE enum att_err att_cose_with_unprotected(struct att_buf **out, const struct att_cose *m,
                                                    struct att_slice unprotected);

#endif
