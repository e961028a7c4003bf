/* What a key is inside, for the other files of this folder. */
#ifndef ATT_CRYPTO_KEY_INTERNAL_H
#define ATT_CRYPTO_KEY_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "crypto/key.h"
#include "crypto/verify.h"

/*
 * What a kept key does not do twice: the operation that it was used for last (preparing one costs as much as
 * several hashes, and a kept key is nearly always used in the same way again), and its fingerprint.
 */
struct att_key_op {
    EVP_PKEY_CTX *ctx; /* NULL: none prepared */
    enum att_scheme scheme;
    enum att_hash hash;
    bool has_fingerprint;
    uint8_t fingerprint[32];
};

struct att_pubkey {
    enum att_key_type type;
    unsigned int bits;
    EVP_PKEY *pkey;
    struct att_key_op *op; /* ours; behind a pointer because users hold the key as const */
};

struct att_privkey {
    enum att_key_type type;
    EVP_PKEY *pkey;
    struct att_key_op *op;
};

#define ATT_EC_FIELD_MAX 66 /* bytes of a P-521 coordinate */

#define ATT_RSA_BITS_MAX 4096

/* A modulus whose primes can be computed from it (roca.c). */
bool att_rsa_is_roca(const BIGNUM *n);

/* Key objects around pkey, which is taken also on failure. NOMEM. */
ATT_MUST_USE enum att_err att_pubkey_wrap(struct att_pubkey **out, EVP_PKEY *pkey,
                                          enum att_key_type type);

ATT_MUST_USE enum att_err att_privkey_wrap(struct att_privkey **out, EVP_PKEY *pkey,
                                           enum att_key_type type);

/* Bytes of one coordinate; 0 when the type is no curve. */
size_t att_key_field_size(enum att_key_type type);

/*
 * att_pubkey_from_x509 - the key of a SubjectPublicKeyInfo that OpenSSL has split into its parts.
 *
 * oaep    also read RSA keys that are named rsaesOaep, as some EK certificates do; *was_oaep (may be
 *         NULL) says that this was needed
 * Errors  as att_pubkey_from_spki
 */
ATT_MUST_USE enum att_err att_pubkey_from_x509(struct att_pubkey **out, const X509_PUBKEY *spki,
                                               bool oaep, bool *was_oaep, struct att_diag *diag);

/* The key without any wrapping: an uncompressed point, or Ed25519's bytes. CRYPTO. */
ATT_MUST_USE enum att_err att_pubkey_raw(const struct att_pubkey *k, uint8_t *out, size_t size);

/* r || s, field bytes each, out of an ECDSA signature in DER that we made. CRYPTO. */
ATT_MUST_USE enum att_err att_ecdsa_raw(uint8_t *out, size_t field, struct att_slice der);

/* What an i2d call gave, len bytes that are freed in any case. NOMEM; len <= 0, its failure: CRYPTO. */
ATT_MUST_USE enum att_err att_der_take(struct att_buf **out, unsigned char *der, int len);

/* The public half of a key that OpenSSL holds, built anew by our rules. */
ATT_MUST_USE enum att_err att_pubkey_from_evp(struct att_pubkey **out, const EVP_PKEY *pkey,
                                              struct att_diag *diag);

#endif
