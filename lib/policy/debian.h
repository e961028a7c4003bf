/*
 * What Debian says of its packages: a repository's index and Release file, and what dpkg has installed.
 *
 * Parsing alone. That an index is the archive's own is the chain "signature of Release, Release names index, index
 * names package"; the first link is not judged here: OpenPGP is apt's business, or gpgv's.
 */
#ifndef ATT_POLICY_DEBIAN_H
#define ATT_POLICY_DEBIAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "codec/deb822.h"

#define ATT_DEB_WORD_MAX 255  /* bytes of a name, a version or an architecture */
#define ATT_DEB_PATH_MAX 2048 /* bytes of Filename */

/* One stanza of Packages. Slices are borrowed from the text, and are only of the characters that Debian allows. */
struct att_deb_package {
    struct att_slice name, version, arch;
    struct att_slice path; /* below the repository: relative, and no component is ".." */
    uint64_t size;
    uint8_t sha256[32];
    size_t line;
};

/*
 * att_deb_package_next - the next package; each must have all of it, so that an index cut anywhere but between two
 * packages is refused. Where it was cut there, only Release tells.
 * Errors  as att_deb822_next
 */
ATT_MUST_USE enum att_err att_deb_package_next(struct att_deb_package *out, struct att_deb822 *it,
                                               bool *more, struct att_diag *diag);

/* One stanza of dpkg's status. */
struct att_deb_status {
    struct att_slice name, version, arch; /* the last two are empty for what was never installed */
    bool unpacked;                        /* its files are there */
    size_t line;
};
ATT_MUST_USE enum att_err att_deb_status_next(struct att_deb_status *out, struct att_deb822 *it,
                                              bool *more, struct att_diag *diag);

/*
 * att_deb_release_names - whether the SHA256 list of a Release or InRelease file names a file Packages, compressed
 * or not, with this digest and size. Of InRelease only what its OpenPGP signature covers is read; text before or
 * behind that is refused, and so is an armour header other than Hash. The signature itself is not looked at.
 * Errors  FORMAT TRUNCATED LIMIT (FMT_DEB822)
 */
ATT_MUST_USE enum att_err att_deb_release_names(bool *named, struct att_slice file,
                                                const uint8_t sha256[32], uint64_t size,
                                                struct att_diag *diag);

/*
 * "NAME[:ARCHITECTURE][=VERSION]", as a person asks for a package; what is left out is empty.
 * Errors  FORMAT, without a diagnosis
 */
ATT_MUST_USE enum att_err att_deb_ask_parse(struct att_deb_status *out, struct att_slice text);

#endif
