/* Packages of a Debian repository as a source: which are asked for, what the index says of them, where they are. */
#ifndef CLI_REFVALS_DEBIAN_H
#define CLI_REFVALS_DEBIAN_H

#include "policy/debian.h"
#include "refvals_sources.h"

/* One package that is asked for. Texts are owned. */
struct wanted {
    char *name, *version,
        *arch; /* as asked for; after an index was read, as it has them; or NULL */
    bool any_version, any_arch;
    char *path; /* in the repository; NULL: no index has it */
    uint64_t size;
    uint8_t sha256[32];
    char *file; /* the file that was found; NULL: none */
};

struct wanted_list {
    struct wanted *at;
    size_t count, room;
};
void wanted_clear(struct wanted_list *l);

/* What --status and --package ask for, sorted by name. A refusal names the file and the line. */
ATT_MUST_USE enum att_err wanted_read(struct wanted_list *l, const struct sources *s,
                                      struct att_diag *diag);
/*
 * wanted_index - each --index, checked against --release, gives path, size and digest of what is asked for.
 * Errors  FORMAT TRUNCATED LIMIT (FMT_DEB822 FMT_ARCHIVE); MISMATCH (PKG_INDEX); CONFIG (USAGE) when what was asked
 *         for fits several packages; NOT_FOUND DENIED IO (FILE) NOMEM
 */
ATT_MUST_USE enum att_err wanted_index(struct wanted_list *l, struct making *m,
                                       const struct sources *s, struct att_diag *diag);

/*
 * making_repository - the files of all packages that are asked for, each checked before it is opened.
 * Errors  those above; NOT_FOUND (PKG_MISSING) after each was named; MISMATCH (PKG_DIGEST)
 */
ATT_MUST_USE enum att_err making_repository(struct making *m, const struct sources *s,
                                            struct att_diag *diag);

#endif
