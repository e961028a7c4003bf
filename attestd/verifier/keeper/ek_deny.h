/*
 * The operator's list of endorsement keys that get nothing, whoever vouches for them (ek_deny of attestd.yaml,
 * docs/formats/ek-deny.md): stolen gateways, and keys that are known to be out.
 */
#ifndef ATTESTD_VERIFIER_KEEPER_EK_DENY_H
#define ATTESTD_VERIFIER_KEEPER_EK_DENY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"

#define EK_DENY_FILE_MAX 8388608
#define EK_DENY_MAX      65536 /* entries */

struct ek_deny;

/*
 * ek_deny_parse - a line an entry: a TPM name or the SHA-256 of a certificate, in hexadecimal.
 *
 * name    of the file, for messages
 * Errors  FORMAT LIMIT (CFG_KEY), the text starts with file:line; NOMEM
 */
ATT_MUST_USE enum att_err ek_deny_parse(struct ek_deny **out, const char *name, struct att_slice in,
                                        struct att_diag *diag);
/* From a file that nobody but its owner could have written: and DENIED (CFG_PERM) NOT_FOUND IO. */
ATT_MUST_USE enum att_err ek_deny_load(struct ek_deny **out, const char *path,
                                       struct att_diag *diag);
/* what: a TPM name, or 32 bytes of a certificate's digest. d NULL: an empty list. */
bool ek_deny_has(const struct ek_deny *d, struct att_slice what);
size_t ek_deny_count(const struct ek_deny *d);
void ek_deny_free(struct ek_deny *d);
void ek_deny_freep(struct ek_deny **d);

#endif
