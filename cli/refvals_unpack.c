/* Archives and images: attest-unpack reads them, and its records are added here. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/program.h"
#include "refvals_make.h"
#include "unpack_record.h"

static enum att_err add_text(struct making *m, const struct unpack_record *r, struct att_diag *diag)
{
    if (r->head.len > MAKING_TEXT_MAX - att_buf_len(m->text)) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_ARCHIVE, "archive",
                        "it unpacks to more than %d bytes", MAKING_TEXT_MAX);
    }
    return att_buf_add(m->text, r->text, r->head.len);
}

static enum att_err take(struct making *m, const struct unpack_record *r, struct att_diag *diag)
{
    switch (r->head.kind) {
    case UNPACK_FILE:
        return making_file(m, r->text, r->digest);
    case UNPACK_LINK:
        m->links++;
        return making_item(m, true, r->text, r->digest);
    case UNPACK_TEXT:
        return m->text == NULL ? ATT_E_INTERNAL : add_text(m, r, diag);
    case UNPACK_PACKAGE:
        m->usrmerge = true;
        return ATT_OK;
    case UNPACK_FAIL:
        if (r->head.err == ATT_OK || r->head.err >= ATT_E__COUNT ||
            r->head.reason >= ATT_R__COUNT) {
            return ATT_E_INTERNAL;
        }
        return att_fail(diag, (enum att_err)r->head.err, (enum att_reason)r->head.reason, "archive",
                        "%s", r->text);
    default:
        return ATT_E_INTERNAL;
    }
}

static enum att_err collect(struct making *m, FILE *from, struct att_diag *diag)
{
    struct unpack_record *r = malloc(sizeof(*r));
    enum att_err err = r == NULL ? ATT_E_NOMEM : ATT_OK;

    while (err == ATT_OK) {
        if (!unpack_receive(r, from)) {
            err = att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_ARCHIVE, "archive",
                           "its reader stopped: damaged, or it needs too much memory or time");
        } else if (r->head.kind == UNPACK_END) {
            break;
        } else {
            err = take(m, r, diag);
        }
    }
    free(r);
    return err;
}

/* posix_spawn wants char *const *, and changes nothing behind it. */
static enum att_err start(pid_t *pid, const char *program, const char *what, const int fds[2])
{
    const char *args[] = {UNPACK_PROGRAM, what, NULL};
    union {
        const char *const *from;
        char *const *to;
    } argv = {.from = args};
    posix_spawn_file_actions_t actions;
    int rc = posix_spawn_file_actions_init(&actions);

    if (rc != 0) {
        return ATT_E_NOMEM;
    }
    rc = posix_spawn_file_actions_adddup2(&actions, fds[0], STDIN_FILENO);
    rc = rc == 0 ? posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO) : rc;
    rc = rc == 0 ? posix_spawn(pid, program, &actions, NULL, argv.to, att_guard_environment()) : rc;
    (void)posix_spawn_file_actions_destroy(&actions);
    return rc == 0 ? ATT_OK : ATT_E_IO;
}

static enum att_err unpack(struct making *m, int fd, const char *what, struct att_diag *diag)
{
    char program[PATH_MAX + 64];
    int ends[2] = {-1, -1};
    FILE *from = NULL;
    pid_t pid = -1;
    enum att_err err = att_program_find(program, sizeof(program), UNPACK_PROGRAM, diag);

    if (err != ATT_OK || pipe2(ends, O_CLOEXEC) != 0) {
        return err != ATT_OK ? err : ATT_E_IO;
    }
    err = start(&pid, program, what, (const int[2]){fd, ends[1]});
    (void)close(ends[1]);
    from = fdopen(ends[0], "r");
    if (err == ATT_OK) {
        err = from == NULL ? ATT_E_NOMEM : collect(m, from, diag);
        (void)kill(pid, SIGKILL); /* after the last record nothing of it is waited for */
        (void)waitpid(pid, NULL, 0);
    }
    if (from != NULL) {
        (void)fclose(from);
    } else {
        (void)close(ends[0]);
    }
    return err;
}

static enum att_err open_input(int *out, const char *path, struct att_diag *diag)
{
    struct stat st;
    char shown[128];

    *out = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*out < 0 || fstat(*out, &st) != 0) {
        return att_fail(diag, errno == EACCES ? ATT_E_DENIED : ATT_E_NOT_FOUND, ATT_R_FILE,
                        "archive", "cannot open %s: %s", text_safe(shown, sizeof(shown), path),
                        strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_FILE, "archive", "%s is not a regular file",
                        text_safe(shown, sizeof(shown), path));
    }
    return st.st_size > 0
               ? ATT_OK
               : att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_ARCHIVE, "archive", "it is empty");
}

static enum att_err read_path(struct making *m, const char *path, const char *what,
                              struct att_diag *diag)
{
    ATT_CLEANUP(att_closep) int fd = -1;
    enum att_err err = open_input(&fd, path, diag);

    if (err == ATT_OK) {
        err = unpack(m, fd, what, diag);
        m->usrmerge = false;
    }
    return err;
}

enum att_err making_deb_fd(struct making *m, int fd, struct att_diag *diag)
{
    enum att_err err = unpack(m, fd, "deb", diag);

    m->usrmerge = false;
    return err;
}

enum att_err making_text_fd(struct att_buf **out, struct making *m, int fd, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    enum att_err err = att_buf_new(&text, MAKING_TEXT_MAX);

    m->text = text;
    err = err == ATT_OK ? unpack(m, fd, "text", diag) : err;
    m->text = NULL;
    if (err != ATT_OK) {
        return err;
    }
    *out = text;
    text = NULL;
    return ATT_OK;
}

enum att_err making_image(struct making *m, const char *path, struct att_diag *diag)
{
    return read_path(m, path, "image", diag);
}

enum att_err making_deb(struct making *m, const char *path, struct att_diag *diag)
{
    return read_path(m, path, "deb", diag);
}
