/*
 * Signatures of one file, "hello, gateway\n", made with evmctl 1.4 (version 2) and with openssl (version 3): what
 * the kernel keeps in security.ima.
 */
#ifndef ATT_TEST_IMASIGS_H
#define ATT_TEST_IMASIGS_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/digest.h"
#include "softlog.h"

#define IMASIGS_FILE "hello, gateway\n"

enum imasigs_key { IMASIGS_RSA, IMASIGS_P256, IMASIGS_P384, IMASIGS__KEYS };

#define IMASIGS__ROWS 12

/* SubjectPublicKeyInfo, in hexadecimal digits */
extern const char *const imasigs_spki[IMASIGS__KEYS];

struct imasigs_row {
    enum imasigs_key key;
    enum att_hash hash;
    bool verity; /* over that hash as an fs-verity digest */
    const char *sig;
};

/* Three keys by three hashes in version 2; then version 3: two over fs-verity, one over the file. */
extern const struct imasigs_row imasigs[IMASIGS__ROWS];

/* P-256, over the file's SHA-1 */
extern const char imasigs_sha1[];

/* An entry that the kernel's list would have: spoilt by the test, field by field. */
struct imasigs_entry {
    const char *template_, *path;
    const char *prefix; /* "sha256:", "verity:sha256:" */
    enum att_hash hash; /* what the digest is made by */
    const char *content;
    struct att_slice sig;
};

/* The entry as a kernel that measures that file would write it; sig borrows room, of 1024 bytes. */
struct imasigs_entry imasigs_entry(uint8_t *room, const struct imasigs_row *row, const char *path);
void imasigs_measure(struct softlog *log, struct softtpm *tpm, const struct imasigs_entry *e);

/* The last bytes of the keys' ids, as every one of the signatures has them, in hexadecimal digits. */
extern const char *const imasigs_ids[IMASIGS__KEYS];
/* One key as a map of a policy; id NULL: none is given. Returns out. */
char *imasigs_key(char *out, size_t cap, enum imasigs_key key, const char *id);

#endif
