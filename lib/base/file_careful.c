/* Files that decide what is believed: only the file that was named, and only when no stranger can change it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/guard.h"

static enum att_err bad_path(struct att_diag *diag, const char *path, const char *what)
{
    char shown[96];

    return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_PATH, "file", "%s is %s",
                    att_escape(shown, sizeof(shown), path, strlen(path)), what);
}

static bool is_ours(uid_t owner)
{
    return owner == geteuid() || owner == 0;
}

static enum att_err bad_owner(struct att_diag *diag, const char *path, const struct stat *st,
                              const char *wanted)
{
    char shown[96];

    return att_fail(diag, ATT_E_DENIED, ATT_R_CFG_PERM, "file",
                    "%s: expected %s, found owner %u, mode %04o",
                    att_escape(shown, sizeof(shown), path, strlen(path)), wanted,
                    (unsigned int)st->st_uid, (unsigned int)(st->st_mode & 07777));
}

/* Whoever can write the folder can put another file in its place. */
static enum att_err check_folder(const char *path, struct att_diag *diag)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX] = ".";
    struct stat st;

    if (slash != NULL) {
        int len =
            snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);

        if (len < 0 || (size_t)len >= sizeof(folder)) {
            return bad_path(diag, path, "too long");
        }
    }
    if (stat(folder, &st) != 0) {
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_FILE, "folder", "%s", strerror(errno));
    }
    if (ATT_GUARD(FILE_FOLDER, !is_ours(st.st_uid) || (st.st_mode & 022) != 0)) {
        return bad_owner(diag, folder, &st,
                         "a folder of this user or root that nobody else can write");
    }
    return ATT_OK;
}

static enum att_err check_open(int fd, const char *path, enum att_file_care care,
                               struct att_diag *diag)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        return att_fail(diag, ATT_E_IO, ATT_R_FILE, "file", "%s", strerror(errno));
    }
    if (ATT_GUARD(FILE_REGULAR, !S_ISREG(st.st_mode))) {
        return bad_path(diag, path, "no regular file");
    }
    if (care == ATT_FILE_SECRET &&
        ATT_GUARD(KEY_PERM, !is_ours(st.st_uid) || (st.st_mode & 077) != 0)) {
        return bad_owner(diag, path, &st, "a file of this user or root with mode 0600");
    }
    if (care == ATT_FILE_OWNED &&
        ATT_GUARD(FILE_OWNED, !is_ours(st.st_uid) || (st.st_mode & 022) != 0)) {
        return bad_owner(diag, path, &st, "a file of this user or root that nobody else can write");
    }
    return care == ATT_FILE_NAMED ? ATT_OK : check_folder(path, diag);
}

static enum att_err cannot_open(const char *path, struct att_diag *diag)
{
    int cause = errno;
    char shown[96];

    if (cause == ELOOP) {
        return bad_path(diag, path, "a symbolic link");
    }
    if (cause == ENXIO || cause == ENODEV) {
        return bad_path(diag, path, "no regular file");
    }
    return att_fail(diag,
                    cause == ENOENT || cause == ENOTDIR ? ATT_E_NOT_FOUND
                    : cause == EACCES || cause == EPERM ? ATT_E_DENIED
                                                        : ATT_E_IO,
                    ATT_R_FILE, "file", "cannot open %s: %s",
                    att_escape(shown, sizeof(shown), path, strlen(path)), strerror(cause));
}

enum att_err att_file_read_careful(struct att_buf **out, const char *path, size_t cap,
                                   enum att_file_care care, struct att_diag *diag)
{
    ATT_CLEANUP(att_closep) int fd = -1;
    enum att_err err = ATT_OK;
    int follow = O_NOFOLLOW;

    if (!ATT_GUARD(FILE_LINK, true)) {
        follow = 0;
    }
    /* O_NONBLOCK: opening a FIFO must not hang before we can refuse it */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | follow);
    if (fd < 0) {
        return cannot_open(path, diag);
    }
    err = check_open(fd, path, care, diag);
    return err == ATT_OK ? att_file_read_fd(out, fd, cap, diag) : err;
}
