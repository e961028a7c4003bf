/*
 * The folder that attestd init makes: nothing that exists is overwritten, and what was made is taken
 * away again when the rest cannot be.
 */
#ifndef ATTESTD_VERIFIER_KEEPER_FOLDER_H
#define ATTESTD_VERIFIER_KEEPER_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/slice.h"

#define FOLDER_ENTRIES_MAX 40
#define FOLDER_NAME_MAX    40

struct folder {
    const char *path; /* borrowed */
    bool made;        /* the folder itself was not there before */
    char entry[FOLDER_ENTRIES_MAX][FOLDER_NAME_MAX];
    size_t count;
};

/* A private folder (mode 0700, this user's): made, or found. Errors of att_dir_private. */
ATT_MUST_USE enum att_err folder_open(struct folder *f, const char *path, struct att_diag *diag);
/* A file in it, durable. CONFLICT (FILE) when there is one of that name. */
ATT_MUST_USE enum att_err folder_write(struct folder *f, const char *name, struct att_slice bytes,
                                       mode_t mode, struct att_diag *diag);
/* A private folder in it. */
ATT_MUST_USE enum att_err folder_sub(struct folder *f, const char *name, struct att_diag *diag);
/* name is about to be made by somebody else: CONFLICT when it is there; undone like the others. */
ATT_MUST_USE enum att_err folder_claim(struct folder *f, const char *name, struct att_diag *diag);
/* The path of an entry. CONFIG (USAGE) when it is too long. */
ATT_MUST_USE enum att_err folder_path(char *out, size_t cap, const struct folder *f,
                                      const char *name, struct att_diag *diag);
/* Take away what was made, the last first. */
void folder_undo(struct folder *f);

#endif
