/* Entries are remembered before they are made: a crash in between leaves at most an empty name. */
#include "folder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum att_err folder_path(char *out, size_t cap, const struct folder *f, const char *name,
                         struct att_diag *diag)
{
    int n = snprintf(out, cap, "%s/%s", f->path, name);

    if (n < 0 || (size_t)n >= cap)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--dir", "the path is too long");
    return ATT_OK;
}

enum att_err folder_open(struct folder *f, const char *path, struct att_diag *diag)
{
    struct stat sb;

    *f = (struct folder){.path = path};
    f->made = lstat(path, &sb) != 0 && errno == ENOENT;
    return att_dir_private(path, diag);
}

static enum att_err remember(struct folder *f, const char *name, struct att_diag *diag)
{
    if (f->count == FOLDER_ENTRIES_MAX || strlen(name) >= FOLDER_NAME_MAX)
        return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, name, "too many entries");
    (void)snprintf(f->entry[f->count++], FOLDER_NAME_MAX, "%s", name);
    return ATT_OK;
}

enum att_err folder_claim(struct folder *f, const char *name, struct att_diag *diag)
{
    char path[PATH_MAX];
    struct stat sb;
    enum att_err err = folder_path(path, sizeof(path), f, name, diag);

    if (err != ATT_OK)
        return err;
    if (lstat(path, &sb) == 0)
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_FILE, name,
                        "it exists; remove it, or choose another --dir");
    return remember(f, name, diag);
}

enum att_err folder_write(struct folder *f, const char *name, struct att_slice bytes, mode_t mode,
                          struct att_diag *diag)
{
    char path[PATH_MAX];
    enum att_err err = folder_claim(f, name, diag);

    if (err == ATT_OK)
        err = folder_path(path, sizeof(path), f, name, diag);
    return err == ATT_OK ? att_file_write(path, bytes, mode, diag) : err;
}

enum att_err folder_sub(struct folder *f, const char *name, struct att_diag *diag)
{
    char path[PATH_MAX];
    struct stat sb;
    enum att_err err = folder_path(path, sizeof(path), f, name, diag);

    if (err == ATT_OK && lstat(path, &sb) != 0)
        err = remember(f, name, diag);
    return err == ATT_OK ? att_dir_private(path, diag) : err;
}

void folder_undo(struct folder *f)
{
    char path[PATH_MAX];

    while (f->count > 0) {
        if (folder_path(path, sizeof(path), f, f->entry[--f->count], NULL) == ATT_OK &&
            unlink(path) != 0)
            (void)rmdir(path);
    }
    if (f->made)
        (void)rmdir(f->path);
}
