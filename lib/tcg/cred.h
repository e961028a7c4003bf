/* MakeCredential in software (TPM 2.0 Part 1, 24): a secret that needs both keys. */
#ifndef ATT_TCG_CRED_H
#define ATT_TCG_CRED_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "tcg/pubarea.h"

struct att_credential {
    uint8_t id_object[256]; /* TPM2B_ID_OBJECT, size field included */
    size_t id_object_len;
    uint8_t secret[640]; /* TPM2B_ENCRYPTED_SECRET, size field included */
    size_t secret_len;
};

/*
 * att_credential_make - ek is an RSA (OAEP) or ECC (one-pass ECDH) storage key with
 *                       AES-128/256-CFB
 *
 * secret  at most the size of ek's name hash
 * Errors  UNSUPPORTED (the EK's parameters) LIMIT FORMAT (the EK's key) CRYPTO
 */
ATT_MUST_USE enum att_err att_credential_make(struct att_credential *out,
                                              const struct att_pubarea *ek,
                                              struct att_slice ak_name, struct att_slice secret,
                                              struct att_diag *diag);

#endif
