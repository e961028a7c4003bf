/*
 * Signing keys in a PKCS#11 token, named by an RFC 7512 address.
 *
 *   pkcs11:token=attestd;object=label-key?module-path=/usr/lib/softhsm/libsofthsm2.so
 *
 * Understood: token, manufacturer, serial, model, slot-id, object, id, type=private; module-path and
 * pin-source=file:PATH. Anything else is refused, pin-value first of all: addresses stand in
 * configurations and process lists.
 */
#ifndef ATT_CRYPTO_P11_H
#define ATT_CRYPTO_P11_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "crypto/key.h"

/* An open token, logged in, and one private key on it. One thread at a time, not across fork. */
struct att_p11_key;

/*
 * att_p11_open - find the one private key that uri names: ECDSA on P-256 or P-384.
 *
 * pin_file  where the PIN is (first line; mode 0600 or stricter), or NULL: then pin-source of the uri.
 *           Giving both is refused.
 * Errors    CONFIG (the address, CFG_KEY); DENIED (the PIN file's mode, CFG_PERM); NOT_FOUND DENIED
 *           UNSUPPORTED CRYPTO (token, PIN, key: KEY_STORE). A key that the token would hand out
 *           (CKA_EXTRACTABLE) or does not say about is DENIED
 */
ATT_MUST_USE enum att_err att_p11_open(struct att_p11_key **out, const char *uri,
                                       const char *pin_file, struct att_diag *diag);
void att_p11_free(struct att_p11_key *k); /* logs out; NULL is a no-op */
void att_p11_freep(struct att_p11_key **k);

const struct att_pubkey *att_p11_public(const struct att_p11_key *k); /* borrowed from k */
/* The hash of the curve's size: SHA-256 or SHA-384. */
enum att_hash att_p11_hash(const struct att_p11_key *k);

/* ECDSA over a message, raw r || s. LIMIT (cap) CRYPTO (the token refused or is gone). */
ATT_MUST_USE enum att_err att_p11_sign(const struct att_p11_key *k, struct att_slice message,
                                       uint8_t *out, size_t cap, size_t *out_len);

#endif
