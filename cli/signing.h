/* A key to sign with, as people name it on the command line. */
#ifndef CLI_SIGNING_H
#define CLI_SIGNING_H

#include <stdbool.h>

#include "base/err.h"
#include "sign/signer.h"

/*
 * signing_open - "pkcs11:..." (RFC 7512), "file:PATH" or PATH. A file is taken only when the caller's user
 * said --insecure-file-key, and only when it is readable by nobody else.
 * Errors  DENIED (KEY_FILE CFG_PERM) CONFIG (CFG_PATH) NOT_FOUND FORMAT and those of the token
 */
ATT_MUST_USE enum att_err signing_open(struct att_signer **out, const char *key, bool file_ok,
                                       struct att_diag *diag);

#endif
