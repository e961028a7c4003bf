/* Authenticated encryption for what rests on a disk: AES-256-GCM with a random nonce in front. */
#ifndef ATT_CRYPTO_AEAD_H
#define ATT_CRYPTO_AEAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define ATT_AEAD_KEY_LEN  32
#define ATT_AEAD_OVERHEAD (12 + 16) /* nonce in front, tag behind */

/*
 * att_aead_seal - append nonce, ciphertext and tag to out. aad is bound and not stored.
 * A key may seal 2^32 messages (SP 800-38D 8.3): derive one for each record where there may be more.
 * Errors  LIMIT (out's cap, or 2 GiB), CRYPTO, NOMEM
 */
ATT_MUST_USE enum att_err att_aead_seal(struct att_buf *out, const uint8_t key[ATT_AEAD_KEY_LEN],
                                        struct att_slice aad, struct att_slice in);

/*
 * att_aead_open - append the plaintext; nothing is appended on failure.
 * Errors  TRUNCATED (shorter than the overhead), UNTRUSTED (another key, another aad, changed bytes),
 *         LIMIT CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err att_aead_open(struct att_buf *out, const uint8_t key[ATT_AEAD_KEY_LEN],
                                        struct att_slice aad, struct att_slice sealed);

#endif
