/* Reference values from folders: as they are, or one that stands for the gateway's root. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "refvals_make.h"

static enum att_err add_file(struct making *m, const char *path, const char *name)
{
    ATT_CLEANUP(att_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    uint8_t digest[32];
    enum att_err err = ATT_E_IO;

    m->at = path; /* a large file is no reason to be silent */
    if (fd >= 0) {
        err = making_hash_fd(m, fd, digest);
    }
    m->at = NULL;
    if (err == ATT_E_IO) {
        return making_leave(m, LEFT_UNREADABLE, path);
    }
    return err == ATT_OK ? making_file(m, name, digest) : err;
}

static enum att_err add_link(struct making *m, const char *path, const char *name)
{
    char target[4096];
    ssize_t n = readlink(path, target, sizeof(target) - 1);

    if (n < 0 || (size_t)n >= sizeof(target) - 1) {
        return making_leave(m, LEFT_UNREADABLE, path);
    }
    target[n] = '\0';
    return making_link(m, name, target);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static enum att_err no_tree(const FTSENT *e, struct att_diag *diag)
{
    char shown[128];

    return att_fail(diag, e->fts_errno == EACCES ? ATT_E_DENIED : ATT_E_NOT_FOUND, ATT_R_FILE,
                    "tree", "cannot open %s: %s", text_safe(shown, sizeof(shown), e->fts_path),
                    strerror(e->fts_errno));
}

/* A copy without slashes at the end, which would stand in the names; "/" itself stays. */
static char *tidy(const char *tree)
{
    char *copy = strdup(tree);
    size_t len = copy != NULL ? strlen(copy) : 0;

    while (len > 1 && copy[len - 1] == '/') {
        copy[--len] = '\0';
    }
    return copy;
}

/* Is this a name as a gateway has it: from the root, and spelt in one way? */
static bool is_absolute(const char *tree)
{
    const char *part = tree;

    while (part != NULL && *part != '\0') {
        size_t len = 0;

        if (*part != '/') {
            return false;
        }
        part++;
        len = strcspn(part, "/");
        if ((len == 0 && strcmp(tree, "/") != 0) || (len == 1 && part[0] == '.') ||
            (len == 2 && part[0] == '.' && part[1] == '.')) {
            return false;
        }
        part += len;
    }
    return tree[0] == '/';
}

static enum att_err check_top(const FTSENT *e, bool as_root, struct att_diag *diag)
{
    char shown[128];

    if (e->fts_info == FTS_NS || e->fts_info == FTS_DNR) {
        return no_tree(e, diag); /* it was named: leaving it out would make values that miss it */
    }
    if (as_root && e->fts_info != FTS_D && e->fts_info != FTS_DP) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_REF_SOURCE, "--root",
                        "expected a folder, found %s, which is none; of an archive or image: "
                        "--image",
                        text_safe(shown, sizeof(shown), e->fts_path));
    }
    if (!as_root && !is_absolute(e->fts_path)) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_REF_SOURCE, "tree",
                        "expected a path as it is on the gateway, from / on, found %s; of a "
                        "folder that stands for the root: --root",
                        text_safe(shown, sizeof(shown), e->fts_path));
    }
    return ATT_OK;
}

/* A folder with another file system on it: nothing of it will be read. */
static bool is_mount(const struct making *m, const FTSENT *e, dev_t top)
{
    return !m->cross && e->fts_info == FTS_D && e->fts_level > 0 && e->fts_dev != top;
}

static enum att_err take(struct making *m, const FTSENT *e, size_t strip)
{
    const char *name = e->fts_pathlen >= strip ? e->fts_path + strip : e->fts_path;

    switch (e->fts_info) {
    case FTS_F:
        return add_file(m, e->fts_accpath, name);
    case FTS_SL:
    case FTS_SLNONE:
        return add_link(m, e->fts_accpath, name);
    case FTS_D:
        making_progress(m, e->fts_path);
        return ATT_OK;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return making_leave(m, LEFT_UNREADABLE, e->fts_path);
    default:
        return ATT_OK;
    }
}

static enum att_err walk(struct making *m, FTS *fts, size_t strip, bool as_root,
                         struct att_diag *diag)
{
    enum att_err err = ATT_OK;
    FTSENT *e = NULL;
    dev_t top = 0;

    while (err == ATT_OK && (e = fts_read(fts)) != NULL) {
        if (e->fts_level == 0) {
            err = check_top(e, as_root, diag);
            top = e->fts_dev;
        }
        if (err == ATT_OK) {
            err =
                is_mount(m, e, top) ? making_leave(m, LEFT_MOUNT, e->fts_path) : take(m, e, strip);
        }
    }
    return err;
}

enum att_err making_tree(struct making *m, const char *tree, bool as_root, struct att_diag *diag)
{
    char *copy = tidy(tree);
    char *paths[] = {copy, NULL};
    size_t strip = as_root && copy != NULL && strcmp(copy, "/") != 0 ? strlen(copy) : 0;
    int how = FTS_PHYSICAL | FTS_NOCHDIR | (m->cross ? 0 : FTS_XDEV);
    FTS *fts = copy == NULL ? NULL : fts_open(paths, how, by_name);
    enum att_err err = fts == NULL ? ATT_E_NOMEM : making_tree_begin(m);

    err = err == ATT_OK ? walk(m, fts, strip, as_root, diag) : err;
    if (fts != NULL) {
        (void)fts_close(fts);
    }
    if (err == ATT_OK) {
        err = making_tree_end(m, as_root ? "/" : copy);
    }
    free(copy);
    return err;
}
