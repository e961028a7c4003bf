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
    enum att_err err = fd < 0 ? ATT_E_IO : making_hash_fd(m, fd, digest);

    if (err == ATT_E_IO) {
        making_skip(m, path);
        return ATT_OK;
    }
    return err == ATT_OK ? making_file(m, name, digest) : err;
}

static enum att_err add_link(struct making *m, const char *path, const char *name)
{
    char target[4096];
    ssize_t n = readlink(path, target, sizeof(target) - 1);

    if (n < 0 || (size_t)n >= sizeof(target) - 1) {
        m->skipped++;
        return ATT_OK;
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

static enum att_err take(struct making *m, const FTSENT *e, size_t strip, struct att_diag *diag)
{
    const char *name = e->fts_pathlen >= strip ? e->fts_path + strip : e->fts_path;

    if (e->fts_level == 0 && (e->fts_info == FTS_NS || e->fts_info == FTS_DNR)) {
        return no_tree(e, diag); /* it was named: leaving it out would make values that miss it */
    }
    switch (e->fts_info) {
    case FTS_F:
        return add_file(m, e->fts_accpath, name);
    case FTS_SL:
    case FTS_SLNONE:
        return add_link(m, e->fts_accpath, name);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        making_skip(m, e->fts_path);
        return ATT_OK;
    default:
        return ATT_OK;
    }
}

enum att_err making_tree(struct making *m, const char *tree, bool as_root, struct att_diag *diag)
{
    char *copy = tidy(tree);
    char *paths[] = {copy, NULL};
    size_t strip = as_root && copy != NULL && strcmp(copy, "/") != 0 ? strlen(copy) : 0;
    FTS *fts = copy == NULL ? NULL : fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    FTSENT *e = NULL;
    enum att_err err = fts == NULL ? ATT_E_NOMEM : making_tree_begin(m);

    while (err == ATT_OK && (e = fts_read(fts)) != NULL) {
        err = take(m, e, strip, diag);
    }
    if (fts != NULL) {
        (void)fts_close(fts);
    }
    if (err == ATT_OK) {
        err = making_tree_end(m, as_root ? "/" : copy);
    }
    free(copy);
    return err;
}
