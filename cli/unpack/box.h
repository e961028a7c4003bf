/*
 * attest-unpack: reading archives and images in a process of its own. What comes out is names and digests.
 *
 * Libraries for archives parse what others packed. A reader that crashes, loops or asks for too much memory
 * ends there, and attestctl says "malformed" and writes nothing.
 */
#ifndef CLI_UNPACK_BOX_H
#define CLI_UNPACK_BOX_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "crypto/digest.h"
#include "unpack/record.h"

/* So many times its own size, and so many bytes beside, are what one file may unpack to. */
#define BOX_RATIO_MAX  2000
#define BOX_RATIO_FREE (UINT64_C(1) << 28)

struct box {
    FILE *to;
    int fd;           /* the file, at its start */
    uint64_t len;     /* its size */
    uint64_t content; /* bytes hashed so far */
    struct att_hasher *hasher;
};

/* One record; digest: of 32 bytes for a file or a link, else NULL. IO. */
ATT_MUST_USE enum att_err box_record(struct box *b, const struct unpack_head *h, const char *text,
                                     const uint8_t *digest);
/* What one file may hold, all in all: a small archive that unpacks without end is refused. */
ATT_MUST_USE enum att_err box_more(struct box *b, uint64_t bytes, struct att_diag *diag);
ATT_MUST_USE enum att_err box_file(struct box *b, const char *name, const uint8_t digest[32]);
ATT_MUST_USE enum att_err box_link(struct box *b, const char *name, const char *target);
/* A part of a text, at most UNPACK_NAME_MAX bytes. */
ATT_MUST_USE enum att_err box_text(struct box *b, const char *part, size_t len);
/* The names that follow are a package's. */
ATT_MUST_USE enum att_err box_package(struct box *b);

/* "a/b", "./a/b" and "/a/b" as "/a/b" in room; empty for the root itself. FORMAT for ".." and LIMIT. */
ATT_MUST_USE enum att_err box_name(char room[UNPACK_NAME_ROOM], const char *name,
                                   struct att_diag *diag);

/*
 * unpack - the whole of b->fd into records; what: "image", "deb" or "text". The caller frees b->hasher.
 * Errors  FORMAT LIMIT (FMT_ARCHIVE), IO, NOMEM
 */
ATT_MUST_USE enum att_err unpack(struct box *b, const char *what, struct att_diag *diag);

/* Readers. */
enum att_err read_archive(struct box *b, struct att_diag *diag);
enum att_err read_deb(struct box *b, struct att_diag *diag);
enum att_err read_ext(struct box *b, struct att_diag *diag);
enum att_err read_squashfs(struct box *b, struct att_diag *diag);
/* One compressed text, whole. */
enum att_err read_text(struct box *b, struct att_diag *diag);

#endif
