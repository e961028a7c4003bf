/*
 * One signature, one scheme named by the caller: yes, no, or could not tell.
 *
 * Signatures come in the raw forms of COSE and the TPM: ECDSA as r and s, RSA as the big-endian number. The
 * kernel's come in DER, which is taken apart here: OpenSSL never reads DER from outside.
 */
#ifndef ATT_CRYPTO_VERIFY_H
#define ATT_CRYPTO_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "crypto/key.h"

enum att_scheme { ATT_SCHEME_ECDSA, ATT_SCHEME_RSASSA, ATT_SCHEME_RSAPSS, ATT_SCHEME_ED25519 };

/*
 * att_verify_digest - verify over a digest that the caller computed.
 *
 * sig     RSA: one number. ECDSA: r || s, each left padded to the field size by the caller
 * Errors  SIGNATURE (does not verify, or is not a possible signature: r or s zero or too large, wrong
 *         length); UNSUPPORTED (scheme and key type do not fit); CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err att_verify_digest(const struct att_pubkey *key, enum att_scheme scheme,
                                            enum att_hash hash, struct att_slice digest,
                                            struct att_slice sig);

/*
 * att_verify_digest_der - a signature as the kernel and X.509 have them; the key says which: RSA PKCS#1 v1.5, or
 * r and s in strict DER (RFC 3279 2.2.3).
 *
 * Errors  SIGNATURE; UNSUPPORTED (Ed25519, which signs no digests); CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err att_verify_digest_der(const struct att_pubkey *key, enum att_hash hash,
                                                struct att_slice digest, struct att_slice sig);

/* att_verify_digest over a message (hash is ignored for Ed25519). */
ATT_MUST_USE enum att_err att_verify(const struct att_pubkey *key, enum att_scheme scheme,
                                     enum att_hash hash, struct att_slice message,
                                     struct att_slice sig);

/* Sign a message with a software key; raw form as above. out_len in bytes; cap at least 512. */
ATT_MUST_USE enum att_err att_sign(const struct att_privkey *key, enum att_scheme scheme,
                                   enum att_hash hash, struct att_slice message, uint8_t *out,
                                   size_t cap, size_t *out_len);

#endif
