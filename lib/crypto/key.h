/*
 * Public keys, from whichever form they came in, and private keys in files.
 *
 * A key object is costly to build from DER (150 us) and cheap to keep: callers cache it.
 */
#ifndef ATT_CRYPTO_KEY_H
#define ATT_CRYPTO_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/digest.h"

enum att_key_type {
    ATT_KEY_RSA,
    ATT_KEY_EC_P256,
    ATT_KEY_EC_P384,
    ATT_KEY_EC_P521,
    ATT_KEY_ED25519
};

/* Opaque; what it holds never changes, but it keeps its last prepared operation: one thread at a time. */
struct att_pubkey;
struct att_privkey; /* opaque; software keys (tests, --insecure-file-key, the agent's TLS key) */

/* n big-endian modulus; e 0 means 65537. FORMAT LIMIT (below 2048 or above 4096 bits: WEAKKEY) */
ATT_MUST_USE enum att_err att_pubkey_from_rsa(struct att_pubkey **out, struct att_slice n,
                                              uint32_t e, struct att_diag *diag);
/* x and y at most the field size, left padded here. FORMAT (ID_KEY) when not on the curve. */
ATT_MUST_USE enum att_err att_pubkey_from_ec(struct att_pubkey **out, enum att_key_type curve,
                                             struct att_slice x, struct att_slice y,
                                             struct att_diag *diag);
/* The 32 bytes of an Ed25519 key (RFC 8032 5.1.5). FORMAT (ID_KEY) for another length; CRYPTO. */
ATT_MUST_USE enum att_err att_pubkey_from_ed25519(struct att_pubkey **out, struct att_slice raw,
                                                  struct att_diag *diag);
/* SubjectPublicKeyInfo, DER; exact length. FORMAT UNSUPPORTED. */
ATT_MUST_USE enum att_err att_pubkey_from_spki(struct att_pubkey **out, struct att_slice der,
                                               struct att_diag *diag);
/* PEM "PUBLIC KEY" or "CERTIFICATE", or DER SPKI: what people have in files. */
ATT_MUST_USE enum att_err att_pubkey_from_text(struct att_pubkey **out, struct att_slice in,
                                               struct att_diag *diag);
void att_pubkey_free(struct att_pubkey *k);
void att_pubkey_freep(struct att_pubkey **k);

enum att_key_type att_pubkey_type(const struct att_pubkey *k);
unsigned int att_pubkey_bits(const struct att_pubkey *k);
bool att_pubkey_eq(const struct att_pubkey *a, const struct att_pubkey *b);
/* DER SPKI into a new buffer. */
ATT_MUST_USE enum att_err att_pubkey_spki(struct att_buf **out, const struct att_pubkey *k);
/* SHA-256 of the DER SPKI: how our records name a key. */
ATT_MUST_USE enum att_err att_pubkey_fingerprint(uint8_t out[32], const struct att_pubkey *k);
/*
 * att_pubkey_key_id - SHA-1 of the key's bits: the subject key identifier of method 1 (RFC 5280 4.2.1.2). It finds
 * a key and proves nothing. CRYPTO.
 */
#define ATT_KEY_ID_LEN 20
ATT_MUST_USE enum att_err att_pubkey_key_id(uint8_t out[ATT_KEY_ID_LEN],
                                            const struct att_pubkey *k);
/* Affine coordinates, field size each (EC only). */
ATT_MUST_USE enum att_err att_pubkey_ec_point(const struct att_pubkey *k, uint8_t *x, uint8_t *y,
                                              size_t *size);
/* The 32 bytes of an Ed25519 key; UNSUPPORTED for every other. */
#define ATT_ED25519_LEN 32
ATT_MUST_USE enum att_err att_pubkey_ed25519(uint8_t out[ATT_ED25519_LEN],
                                             const struct att_pubkey *k);

ATT_MUST_USE enum att_err att_privkey_generate(struct att_privkey **out, enum att_key_type type);
ATT_MUST_USE enum att_err att_privkey_from_pem(struct att_privkey **out, struct att_slice pem,
                                               struct att_diag *diag);
ATT_MUST_USE enum att_err att_privkey_pem(struct att_buf **out,
                                          const struct att_privkey *k); /* PKCS#8 */
ATT_MUST_USE enum att_err att_privkey_public(struct att_pubkey **out, const struct att_privkey *k);
void att_privkey_free(struct att_privkey *k);
void att_privkey_freep(struct att_privkey **k);

#endif
