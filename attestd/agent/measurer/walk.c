/* What there is to measure: the entries below a folder, and the values of a configuration file. */
#include "agent/measurer/measure_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/measurer/pick.h"
#include "base/file.h"

#define CONFIG_FILE_MAX 1048576

/* Folders still to be visited, relative to the root; "" is the root itself. No recursion: a tree as
 * deep as somebody likes costs a string. */
struct pending_folders {
    char **dir;
    size_t count, room;
};

static void pending_free(struct pending_folders *d)
{
    while (d->count > 0) {
        free(d->dir[--d->count]);
    }
    free(d->dir);
    d->dir = NULL;
}

static enum att_err pending_push(struct pending_folders *d, const char *rel)
{
    char *copy = strdup(rel);

    if (copy != NULL && d->count == d->room) {
        size_t room = d->room == 0 ? 32 : 2 * d->room;
        char **grown = reallocarray(d->dir, room, sizeof(*grown));

        if (grown == NULL) {
            free(copy);
            return ATT_E_NOMEM;
        }
        d->dir = grown;
        d->room = room;
    }
    if (copy == NULL) {
        return ATT_E_NOMEM;
    }
    d->dir[d->count++] = copy;
    return ATT_OK;
}

struct walk {
    struct table *table;
    const struct agent_root *root;
    int root_fd;
    dev_t dev;         /* the root's file system */
    struct stat state; /* the agent's own folder; st_ino 0 when there is none */
    struct pending_folders pending;
};

/* Matched against the path below the root and against the last name alone. */
static bool excluded(const struct walk *w, const char *rel, const char *name)
{
    for (size_t i = 0; i < w->root->word_count; i++) {
        const char *pattern = w->root->word[i];

        if (fnmatch(pattern, rel, FNM_PATHNAME) == 0 || fnmatch(pattern, name, FNM_PATHNAME) == 0) {
            return true;
        }
    }
    return false;
}

static enum att_err add_row(struct walk *w, const char *rel, struct table_row **out)
{
    const char *base = strcmp(w->root->path, "/") == 0 ? "" : w->root->path;
    char name[ATT_OWN_NAME_MAX + 1];
    int len = snprintf(name, sizeof(name), "%s%s%s", base,
                       rel[0] == '\0' && base[0] != '\0' ? "" : "/", rel);

    if (len < 0 || (size_t)len >= sizeof(name)) {
        return ATT_E_LIMIT;
    }
    return table_add(w->table, att_slice_of(name, (size_t)len), out);
}

/* A row that no thread will look at. */
static enum att_err add_done(struct walk *w, const char *rel, enum att_own_type type,
                             uint64_t detail)
{
    struct table_row *row = NULL;
    enum att_err err = add_row(w, rel, &row);

    if (err == ATT_OK) {
        row->type = (uint8_t)type;
        row->detail = detail;
        row->stamp = MEASURE_DONE;
    }
    return err;
}

/* Where a path no longer fits a name of the log, its folder stands for it. */
static enum att_err too_long(struct walk *w, const char *dir)
{
    return add_done(w, dir, ATT_OWN_UNREADABLE, ENAMETOOLONG);
}

static bool is_folder(int dirfd, const struct dirent *d)
{
    struct stat st;

    if (d->d_type != DT_UNKNOWN) {
        return d->d_type == DT_DIR;
    }
    return fstatat(dirfd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static enum att_err add_entry(struct walk *w, int dirfd, const char *dir, const struct dirent *d)
{
    size_t base = strcmp(w->root->path, "/") == 0 ? 0 : strlen(w->root->path);
    struct table_row *row = NULL;
    char rel[ATT_OWN_NAME_MAX + 1];
    int len = snprintf(rel, sizeof(rel), "%s%s%s", dir, dir[0] == '\0' ? "" : "/", d->d_name);

    if (len < 0 || (size_t)len + base + 1 > ATT_OWN_NAME_MAX) {
        return too_long(w, dir);
    }
    if (excluded(w, rel, d->d_name)) {
        return ATT_OK;
    }
    return is_folder(dirfd, d) ? pending_push(&w->pending, rel) : add_row(w, rel, &row);
}

static enum att_err read_folder(struct walk *w, const char *rel, int fd)
{
    DIR *dir = fdopendir(fd);
    enum att_err err = ATT_OK;
    int failed = 0;

    if (dir == NULL) {
        int why = errno;

        (void)close(fd);
        return add_done(w, rel, ATT_OWN_UNREADABLE, (uint64_t)why);
    }
    while (err == ATT_OK) {
        const struct dirent *d = NULL;

        errno = 0;
        d = readdir(dir);
        if (d == NULL) {
            failed = errno;
            break;
        }
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0) {
            err = add_entry(w, fd, rel, d);
        }
    }
    (void)closedir(dir);
    if (err == ATT_OK && failed != 0) {
        err = add_done(w, rel, ATT_OWN_UNREADABLE, (uint64_t)failed);
    }
    return err;
}

static bool is_state_folder(const struct walk *w, const struct stat *st)
{
    return w->state.st_ino != 0 && st->st_ino == w->state.st_ino && st->st_dev == w->state.st_dev;
}

static enum att_err visit(struct walk *w, const char *rel)
{
    struct stat st;
    int flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK;
    int fd = rel[0] == '\0' ? openat(w->root_fd, ".", flags | O_CLOEXEC)
                            : measure_open_below(w->root_fd, rel, flags);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) {
        return ATT_OK; /* it went, or changed its kind, between two looks: the next pass sees it */
    }
    if (fd < 0) {
        return add_done(w, rel, ATT_OWN_UNREADABLE, (uint64_t)errno);
    }
    if (fstat(fd, &st) == 0 && (st.st_dev != w->dev || is_state_folder(w, &st))) {
        (void)close(fd);
        return add_done(w, rel, ATT_OWN_UNSUPPORTED, 0);
    }
    return read_folder(w, rel, fd);
}

static enum att_err visit_all(struct walk *w)
{
    enum att_err err = pending_push(&w->pending, "");

    while (err == ATT_OK && w->pending.count > 0) {
        char *rel = w->pending.dir[--w->pending.count];

        err = visit(w, rel);
        free(rel);
    }
    return err;
}

enum att_err measure_walk(struct table *t, int *root_fd, const struct agent_root *root,
                          const char *state_dir, struct att_diag *diag)
{
    struct walk w = {.table = t, .root = root, .root_fd = -1};
    struct stat st;
    enum att_err err = ATT_OK;

    if (state_dir == NULL || stat(state_dir, &w.state) != 0) {
        w.state.st_ino = 0;
    }
    w.root_fd = open(root->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (w.root_fd < 0 || fstat(w.root_fd, &st) != 0) {
        bool gone = errno == ENOENT;

        err = add_done(&w, "", gone ? ATT_OWN_ABSENT : ATT_OWN_UNREADABLE,
                       gone ? 0 : (uint64_t)errno);
    } else {
        w.dev = st.st_dev;
        err = visit_all(&w);
    }
    pending_free(&w.pending);
    *root_fd = w.root_fd;
    if (err != ATT_OK) {
        return att_fail(diag, err, err == ATT_E_NOMEM ? ATT_R_NOMEM : ATT_R_LIM_SIZE, "measure",
                        "%s: more than %d items, or no memory", root->path, TABLE_ROWS_MAX);
    }
    return ATT_OK;
}

/* errno of a file that cannot be read, in the words of att_file_read. */
static int why_not(enum att_err err)
{
    switch (err) {
    case ATT_E_DENIED:
        return EACCES;
    case ATT_E_LIMIT:
        return EFBIG;
    case ATT_E_FORMAT:
        return EINVAL;
    default:
        return EIO;
    }
}

static enum att_err fill_value(struct table_row *row, enum att_err read, struct att_slice text,
                               const struct agent_root *root, const char *key)
{
    enum pick_result result = PICK_UNREADABLE;
    enum att_err err = ATT_OK;

    row->stamp = MEASURE_DONE;
    if (read == ATT_E_NOT_FOUND) {
        row->type = ATT_OWN_ABSENT;
        return ATT_OK;
    }
    row->type = ATT_OWN_UNREADABLE;
    row->detail = (uint64_t)why_not(read);
    if (read != ATT_OK) {
        return ATT_OK;
    }
    err = pick_digest(row->digest, &result, text, root->format, key);
    row->detail = result == PICK_UNREADABLE ? EINVAL : 0;
    row->has_digest = err == ATT_OK && result == PICK_FOUND;
    if (result != PICK_UNREADABLE) {
        row->type = result == PICK_FOUND ? ATT_OWN_CONFIG : ATT_OWN_ABSENT;
    }
    return err;
}

enum att_err measure_config(struct table *t, const struct agent_root *root, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    enum att_err read = att_file_read(&text, root->path, CONFIG_FILE_MAX, NULL);
    enum att_err err = read == ATT_E_NOMEM ? read : ATT_OK;

    for (size_t i = 0; i < root->word_count && err == ATT_OK; i++) {
        char name[ATT_OWN_NAME_MAX + 1];
        struct table_row *row = NULL;
        int len = snprintf(name, sizeof(name), "%s#%s", root->path, root->word[i]);

        if (len < 0 || (size_t)len >= sizeof(name)) {
            err = ATT_E_LIMIT;
            break;
        }
        err = table_add(t, att_slice_of(name, (size_t)len), &row);
        if (err == ATT_OK) {
            err =
                fill_value(row, read, read == ATT_OK ? att_buf_slice(text) : att_slice_of(NULL, 0),
                           root, root->word[i]);
        }
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, err == ATT_E_NOMEM ? ATT_R_NOMEM : ATT_R_LIM_SIZE, "measure",
                        "the values of %s cannot be measured", root->path);
    }
    return ATT_OK;
}
