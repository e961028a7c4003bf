/* Whole files under a cap, and files replaced in one step. */
#ifndef ATT_BASE_FILE_H
#define ATT_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * att_file_read - read a regular file, or standard input for "-", whole.
 *
 * cap     the most bytes; a larger file is LIMIT and nothing is returned
 * Errors  NOT_FOUND DENIED IO LIMIT NOMEM; FORMAT when it is not a regular file (a FIFO would hang us)
 */
ATT_MUST_USE enum att_err att_file_read(struct att_buf **out, const char *path, size_t cap,
                                        struct att_diag *diag);

enum att_file_care {
    ATT_FILE_NAMED, /* the file that was named, itself */
    ATT_FILE_OWNED, /* and of this user or root, writable by nobody else, in a folder that is the same */
    ATT_FILE_SECRET, /* and readable by nobody else */
};

/*
 * att_file_read_careful - a file that decides what is believed: configuration, policies, keys.
 *
 * No link is followed at the end of the path, and "-" is a file name.
 * Errors  CONFIG (CFG_PATH: a link, folder, FIFO, socket or device) DENIED (CFG_PERM: see care; FILE: the
 *         system says no) NOT_FOUND IO LIMIT NOMEM
 */
ATT_MUST_USE enum att_err att_file_read_careful(struct att_buf **out, const char *path, size_t cap,
                                                enum att_file_care care, struct att_diag *diag);

/* The same from an open descriptor, to its end. */
ATT_MUST_USE enum att_err att_file_read_fd(struct att_buf **out, int fd, size_t cap,
                                           struct att_diag *diag);

/*
 * att_file_write - replace a file atomically and durably: temporary beside it (O_EXCL, O_NOFOLLOW),
 * fsync, rename, fsync of the folder. "-" is standard output. CONFIG for a device, FIFO, socket or
 * folder: renaming over a device node would take it from the whole machine.
 */
ATT_MUST_USE enum att_err att_file_write(const char *path, struct att_slice in, mode_t mode,
                                         struct att_diag *diag);

/* Make durable that a file which was made is where it is: its folder is synced. IO DENIED NOT_FOUND. */
ATT_MUST_USE enum att_err att_file_keep_name(const char *path, struct att_diag *diag);

/* Make sure that a private folder (mode 0700, ours, no symlink) is there. */
ATT_MUST_USE enum att_err att_dir_private(const char *path, struct att_diag *diag);

/* Write all of it, through EINTR and short writes. IO. */
ATT_MUST_USE enum att_err att_write_all(int fd, const void *in, size_t len);

/* Close and set to -1; negative is a no-op. For ATT_CLEANUP. */
void att_closep(int *fd);

#endif
