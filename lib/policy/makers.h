/* The list of known TPM makers' authorities (certs/vendors.yaml): facts to compare with, no trust. */
#ifndef ATT_POLICY_MAKERS_H
#define ATT_POLICY_MAKERS_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct att_maker {
    char maker[16], name[128],
        kind[16]; /* "IFX", "Infineon OPTIGA(TM) ...", "root" or "intermediate" */
};

/* Which authority: the one whose certificate has this SHA-256, or, when that is NULL, the first of this name. */
struct att_maker_wanted {
    const uint8_t *sha256; /* 32 bytes, or NULL */
    const char *name;      /* its common name: what anybody can call himself */
};

/*
 * att_makers_find - the authority in the list.
 *
 * The list stands in share/attestd/certs beside the program's own folder, or in certs of the tree that the
 * program was built in.
 * Errors  NOT_FOUND: it is not in the list. IO: there is no list. FORMAT CONFIG: the list is not usable.
 */
ATT_MUST_USE enum att_err att_makers_find(struct att_maker *out,
                                          const struct att_maker_wanted *wanted,
                                          struct att_diag *diag);

/* The same in a list that is at hand. */
ATT_MUST_USE enum att_err att_makers_search(struct att_maker *out, struct att_slice text,
                                            const struct att_maker_wanted *wanted,
                                            struct att_diag *diag);

#endif
