/* One entry of the file system, measured as what it is. */
#include "agent/measurer/measure_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

#define RACY_NS 2000000000LL /* a change this young may not show in the next change's metadata */

/* Without openat2 (before Linux 5.6): folder by folder, each opened as no link. */
static int open_stepwise(int dirfd, const char *rel, int flags)
{
    char part[NAME_MAX + 1];
    int at = dirfd;

    for (;;) {
        const char *slash = strchr(rel, '/');
        size_t len = slash == NULL ? strlen(rel) : (size_t)(slash - rel);
        int next = -1;

        if (len == 0 || len > NAME_MAX) {
            next = -1;
            errno = ENAMETOOLONG;
        } else {
            memcpy(part, rel, len);
            part[len] = '\0';
            next = openat(at, part,
                          O_NOFOLLOW | O_CLOEXEC | (slash == NULL ? flags : O_PATH | O_DIRECTORY));
        }
        if (at != dirfd) {
            int saved = errno;

            (void)close(at);
            errno = saved;
        }
        if (slash == NULL || next < 0) {
            return next;
        }
        at = next;
        rel = slash + 1;
    }
}

int measure_open_below(int dirfd, const char *rel, int flags)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned int)(flags | O_NOFOLLOW | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    long fd = -1;

    if (dirfd == AT_FDCWD) { /* named by the configuration: its folders may be links */
        return openat(dirfd, rel, flags | O_NOFOLLOW | O_CLOEXEC);
    }
    fd = syscall(SYS_openat2, dirfd, rel, &how, sizeof(how));
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
        return open_stepwise(dirfd, rel, flags);
    }
    return (int)fd;
}

static int64_t ns_of(const struct timespec *t)
{
    return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static void mix(uint64_t *h, uint64_t v)
{
    for (int i = 0; i < 8; i++) {
        *h = (*h ^ (v & 0xff)) * 0x100000001b3ULL; /* FNV-1a: a hint, not a proof */
        v >>= 8;
    }
}

/* 0 when the file changed so recently that its metadata could stay the same at the next change. */
static uint64_t stamp_of(const struct stat *st)
{
    uint64_t h = 0xcbf29ce484222325ULL;
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (ns_of(&now) - ns_of(&st->st_ctim) < RACY_NS ||
        ns_of(&now) - ns_of(&st->st_mtim) < RACY_NS) {
        return 0;
    }
    mix(&h, st->st_dev);
    mix(&h, st->st_ino);
    mix(&h, st->st_mode);
    mix(&h, (uint64_t)st->st_size);
    mix(&h, (uint64_t)ns_of(&st->st_mtim));
    mix(&h, (uint64_t)ns_of(&st->st_ctim));
    return h == 0 || h == MEASURE_DONE ? 1 : h;
}

static bool unchanged(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_mode == b->st_mode &&
           a->st_size == b->st_size && ns_of(&a->st_mtim) == ns_of(&b->st_mtim) &&
           ns_of(&a->st_ctim) == ns_of(&b->st_ctim);
}

static void not_read(struct table_row *row, int why)
{
    bool gone = why == ENOENT || why == ENOTDIR;

    row->type = gone ? ATT_OWN_ABSENT : ATT_OWN_UNREADABLE;
    row->detail = gone ? 0 : (uint64_t)why;
    row->has_digest = false;
    row->stamp = 0;
}

/* Everything from here to the end of the descriptor. why: errno, or 0. */
static enum att_err hash_all(struct table_row *row, struct measure_reader *r, int fd, int *why)
{
    enum att_err err = att_hasher_start(r->hasher, ATT_HASH_SHA256);

    row->detail = 0;
    *why = 0;
    while (err == ATT_OK) {
        ssize_t n = read(fd, r->buffer, MEASURE_READ_LEN);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            *why = errno;
            return ATT_OK;
        }
        if (n == 0) {
            break;
        }
        row->detail += (uint64_t)n;
        err = att_hasher_add(r->hasher, r->buffer, (size_t)n);
    }
    if (err == ATT_OK) {
        err = att_hasher_finish(r->hasher, row->digest);
    }
    r->bytes += row->detail;
    r->hashed++;
    row->has_digest = err == ATT_OK;
    return err;
}

/* True when what was read is one state of the file: nothing moved, and it was as long as it says
 * (files of the kernel have no blocks, and a size that means nothing). */
static bool held_still(const struct stat *before, const struct stat *after,
                       const struct table_row *row)
{
    return unchanged(before, after) && (S_ISBLK(after->st_mode) || after->st_blocks == 0 ||
                                        (uint64_t)after->st_size == row->detail);
}

static bool readable_kind(mode_t mode, bool block)
{
    return S_ISREG(mode) || (block && S_ISBLK(mode));
}

/* One reading. *again: the file moved, or is not what it was when we looked first. */
static enum att_err read_once(struct table_row *row, struct measure_reader *r,
                              const struct measure_entry *e, bool *again)
{
    /* NONBLOCK: should it have become a FIFO since, opening must not wait for a writer */
    int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    ATT_CLEANUP(att_closep)
    int fd = e->block ? open(e->rel, flags) : measure_open_below(e->dirfd, e->rel, flags);
    struct stat before;
    struct stat after;
    int why = 0;
    enum att_err err = ATT_OK;

    *again = false;
    if (fd < 0 && errno == ELOOP) { /* it became a link */
        *again = true;
        return ATT_OK;
    }
    if (fd < 0 || fstat(fd, &before) != 0) {
        not_read(row, errno);
        return ATT_OK;
    }
    if (!readable_kind(before.st_mode, e->block)) {
        *again = true;
        return ATT_OK;
    }
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    row->type = e->block ? ATT_OWN_BLOCK : ATT_OWN_FILE;
    err = hash_all(row, r, fd, &why);
    if (err != ATT_OK) {
        return err;
    }
    if (why != 0 || fstat(fd, &after) != 0) {
        not_read(row, why != 0 ? why : errno);
        return ATT_OK;
    }
    *again = !held_still(&before, &after, row);
    row->stamp = S_ISBLK(after.st_mode) ? 0 : stamp_of(&after);
    return ATT_OK;
}

/* A link is its text, wherever it leads. */
static enum att_err read_link(struct table_row *row, const struct measure_entry *e,
                              const struct stat *st)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(e->dirfd, e->rel, target, sizeof(target));

    if (n < 0 || (size_t)n == sizeof(target)) {
        not_read(row, n < 0 ? errno : ENAMETOOLONG);
        return ATT_OK;
    }
    row->type = ATT_OWN_LINK;
    row->detail = 0;
    row->has_digest = true;
    row->stamp = stamp_of(st);
    return att_sha256(att_slice_of(target, (size_t)n), row->digest);
}

static bool taken_from_before(struct table_row *row, const struct table_row *before,
                              const struct stat *st)
{
    if (before == NULL || before->stamp == 0 || before->stamp == MEASURE_DONE ||
        before->stamp != stamp_of(st)) {
        return false;
    }
    row->type = before->type;
    row->has_digest = before->has_digest;
    row->detail = before->detail;
    row->stamp = before->stamp;
    memcpy(row->digest, before->digest, sizeof(row->digest));
    return true;
}

enum att_err measure_entry(struct table_row *row, struct measure_reader *r,
                           const struct measure_entry *e, const struct table_row *before)
{
    bool again = true;
    enum att_err err = ATT_OK;

    for (int i = 0; i < MEASURE_TRIES && again && err == ATT_OK; i++) {
        struct stat st;

        if (fstatat(e->dirfd, e->rel, &st, e->block ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
            not_read(row, errno);
            return ATT_OK;
        }
        if (i == 0 && taken_from_before(row, before, &st)) {
            return ATT_OK;
        }
        if (S_ISLNK(st.st_mode)) {
            return read_link(row, e, &st);
        }
        if (!readable_kind(st.st_mode, e->block)) { /* opening a device can do things: look only */
            row->type = ATT_OWN_UNSUPPORTED;
            row->has_digest = false;
            row->detail = 0;
            row->stamp = 0;
            return ATT_OK;
        }
        err = read_once(row, r, e, &again);
    }
    if (err == ATT_OK && again) {
        not_read(row, EBUSY);
    }
    return err;
}
