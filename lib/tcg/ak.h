/* An attestation key as a verifier uses it: the key object, its scheme and its names. */
#ifndef ATT_TCG_AK_H
#define ATT_TCG_AK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/key.h"
#include "crypto/verify.h"
#include "tcg/pubarea.h"

struct att_ak {
    struct att_pubkey *key;
    enum att_scheme scheme;
    enum att_hash hash;
    uint8_t name[ATT_NAME_MAX],
        qualified[ATT_NAME_MAX]; /* as a primary under the endorsement hierarchy */
    size_t name_len, qualified_len;
};

/*
 * att_ak_parse - from the TPMT_PUBLIC that was enrolled; clear with att_ak_clear.
 * Errors  as att_pubarea_parse, _scheme and _key; CRYPTO NOMEM
 * Source  TPM 2.0 Part 1, 16 (names)
 */
ATT_MUST_USE enum att_err att_ak_parse(struct att_ak *out, struct att_slice public_area,
                                       struct att_diag *diag);
void att_ak_clear(struct att_ak *ak);

#endif
