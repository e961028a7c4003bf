/* The list of known TPM makers' authorities (certs/vendors.yaml): facts to compare with, no trust. */
#ifndef CLI_MAKERS_H
#define CLI_MAKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct maker {
    char maker[16], name[128],
        kind[16]; /* "IFX", "Infineon OPTIGA(TM) ...", "root" or "intermediate" */
};

/*
 * makers_find - the authority whose certificate has this SHA-256.
 *
 * The list stands in share/attestd/certs beside the program's own folder, or in certs of the tree that the
 * program was built in.
 * Errors  NOT_FOUND: it is not in the list. IO: there is no list. FORMAT CONFIG: the list is not usable.
 */
ATT_MUST_USE enum att_err makers_find(struct maker *out, const uint8_t sha256[32],
                                      struct att_diag *diag);

/* The same in a list that is at hand. */
ATT_MUST_USE enum att_err makers_search(struct maker *out, struct att_slice text,
                                        const uint8_t sha256[32], struct att_diag *diag);

#endif
