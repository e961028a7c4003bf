/* The primitives of TPM credential protection (TPM 2.0 Part 1, B.10 and C.6): OAEP, one-pass ECDH, CFB. */
#ifndef ATT_CRYPTO_SEAL_H
#define ATT_CRYPTO_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "crypto/key.h"

/* RSA-OAEP with the hash and label (terminating zero included by the caller). out_len: modulus size. */
ATT_MUST_USE enum att_err att_oaep_encrypt(const struct att_pubkey *key, enum att_hash hash,
                                           struct att_slice label, struct att_slice in,
                                           uint8_t *out, size_t cap, size_t *out_len);

/* An ephemeral key on the peer's curve: its point (field size each) and the shared x coordinate. */
ATT_MUST_USE enum att_err att_ecdh_ephemeral(const struct att_pubkey *peer, uint8_t *x, uint8_t *y,
                                             uint8_t *shared_x, size_t *size);

/* AES-CFB, key 16 or 32 bytes, zero IV, in place allowed. */
ATT_MUST_USE enum att_err att_aes_cfb_encrypt(struct att_slice key, struct att_slice in,
                                              uint8_t *out);

#endif
