/*
 * The signing port: "sign these bytes". lib/ declares it; files, PKCS#11 and TPMs implement it.
 */
#ifndef ATT_SIGN_SIGNER_H
#define ATT_SIGN_SIGNER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/key.h"
#include "crypto/verify.h"

enum att_key_class { ATT_KEY_CLASS_FILE, ATT_KEY_CLASS_PKCS11, ATT_KEY_CLASS_TPM };

struct att_signer {
    enum att_key_class key_class;
    enum att_scheme scheme;
    enum att_hash hash;                  /* NONE for Ed25519 */
    const struct att_pubkey *public_key; /* borrowed from the implementation */
    /* message in; raw signature (r||s or the RSA number) of *out_len bytes out, cap at least 512 */
    enum att_err (*sign)(void *ctx, struct att_slice message, uint8_t *out, size_t cap,
                         size_t *out_len);
    void (*free)(void *ctx);
    void *ctx;
};

/* What the implementation says; INTERNAL for a cap below 512. out_len is written on ATT_OK only. */
ATT_MUST_USE enum att_err att_signer_sign(const struct att_signer *s, struct att_slice message,
                                          uint8_t *out, size_t cap, size_t *out_len);
void att_signer_free(struct att_signer *s); /* NULL is a no-op; frees s itself */
void att_signer_freep(struct att_signer **s);

/*
 * A signer over a software key, of which it takes ownership on ATT_OK only. ECDSA with the hash of the
 * curve's size, Ed25519, or RSASSA with SHA-256.
 */
ATT_MUST_USE enum att_err att_signer_software(struct att_signer **out, struct att_privkey *key);

#endif
