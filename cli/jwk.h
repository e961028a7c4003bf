/* Public keys as JSON Web Keys (RFC 7517, RFC 7518 6.2). */
#ifndef CLI_JWK_H
#define CLI_JWK_H

#include "base/err.h"
#include "base/slice.h"
#include "crypto/key.h"

/* A key of type EC; what is private in it is not looked at. FORMAT (FMT_JSON, FMT_KEY); the caller's. */
ATT_MUST_USE enum att_err jwk_key(struct att_pubkey **out, struct att_slice in,
                                  struct att_diag *diag);

#endif
