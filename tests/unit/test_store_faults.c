/* What is committed is there after any crash or fault, and nothing else. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "storetest.h"

/* Write verdicts until killed: a byte into the pipe for each one that is committed. */
static void write_until_killed(int pipe_fd, int64_t enrolment, int die_after)
{
    int64_t n = 0;

    store_closep(&ts.st); /* the parent closed its own before the fork */
    if (store_open(&ts.st, ts.folder, false, NULL) != ATT_OK)
        _exit(3);
    for (int step = 0;; step++) {
        struct store_outcome o = {.utc = step, .kind = STORE_KIND_STALE};

        if (store_begin(ts.st, NULL) != ATT_OK)
            _exit(4);
        if (storetest_write_verdict(enrolment, "gw-1", (uint8_t)(step + 1), STORE_AFFIRMING) !=
            ATT_OK)
            _exit(5);
        if (step == die_after)
            (void)raise(SIGKILL);
        if (store_outcome_append(&n, ts.st, &o, NULL) != ATT_OK)
            _exit(6);
        if (store_commit(ts.st, NULL) != ATT_OK || write(pipe_fd, "c", 1) != 1)
            _exit(7);
    }
}

/* A process that writes verdicts of one device and tells of each that was committed. */
struct writer {
    pid_t pid;
    int fd;
    int status; /* of waitpid, after the end */
};

static void writer_start(struct writer *w, int die_after)
{
    int fds[2];
    int64_t enrolment = storetest_add_device("gw-1", 0x10);

    store_closep(&ts.st);
    ck_assert_int_eq(pipe(fds), 0);
    w->fd = fds[0];
    w->pid = fork();
    ck_assert_int_ge(w->pid, 0);
    if (w->pid == 0)
        write_until_killed(fds[1], enrolment, die_after);
    (void)close(fds[1]);
}

/* How many it was told of. */
static int writer_end(struct writer *w)
{
    char byte;
    int acknowledged = 0;

    while (read(w->fd, &byte, 1) == 1)
        acknowledged++;
    (void)close(w->fd);
    ck_assert_int_eq(waitpid(w->pid, &w->status, 0), w->pid);
    return acknowledged;
}

START_TEST(store__keeps_what_was_committed_when_killed)
{
    int64_t count = -1;
    int acknowledged = 0;
    struct writer w;

    writer_start(&w, _i);
    acknowledged = writer_end(&w);
    ck_assert(WIFSIGNALED(w.status) && WTERMSIG(w.status) == SIGKILL);

    ck_assert_int_eq(store_open(&ts.st, ts.folder, false, NULL), ATT_OK);
    ck_assert_int_eq(acknowledged, _i);
    ck_assert_int_eq(store_outcome_count(&count, ts.st), ATT_OK);
    ck_assert_int_eq(count, 2 * _i); /* all of the acknowledged, none of the torn one */
    ck_assert_uint_eq(storetest_findings(), 0);
}
END_TEST

/* Killed at a random moment: whole transactions, at least the acknowledged ones. */
START_TEST(store__keeps_whole_transactions_when_killed_anywhere)
{
    int64_t count = -1;
    int acknowledged = 0;
    struct writer w;

    writer_start(&w, 255);
    (void)usleep((useconds_t)(3000 + 2700 * _i));
    (void)kill(w.pid, SIGKILL);
    acknowledged = writer_end(&w);

    ck_assert_int_eq(store_open(&ts.st, ts.folder, false, NULL), ATT_OK);
    ck_assert_int_eq(store_outcome_count(&count, ts.st), ATT_OK);
    ck_assert_int_eq(count % 2, 0);
    ck_assert_int_ge(count, 2 * acknowledged);
    ck_assert_int_le(count, 2 * acknowledged + 2);
    ck_assert_uint_eq(storetest_findings(), 0);
}
END_TEST

static void limit_files_to(rlim_t bytes)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* 200 verdicts at most, until one is refused; count: those that were committed. */
static enum att_err write_until_refused(int64_t *count, int64_t enrolment, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    for (int i = 0; i < 200 && err == ATT_OK; i++) {
        err = store_begin(ts.st, diag);
        if (err == ATT_OK)
            err = storetest_write_verdict(enrolment, "gw-1", (uint8_t)i, STORE_AFFIRMING);
        if (err == ATT_OK)
            err = store_commit(ts.st, diag);
        if (err == ATT_OK)
            (*count)++;
    }
    return err;
}

/* S-08: no file can grow. Nothing is acknowledged, nothing changes; with room again it goes on. */
START_TEST(store__says_full_and_recovers)
{
    int64_t n = storetest_add_device("gw-1", 0x10);
    struct att_diag diag = {0};
    enum att_err err;
    char *before;
    char *after;
    int64_t count = 0, now = 0;

    (void)signal(SIGXFSZ, SIG_IGN);
    limit_files_to((rlim_t)(64 + 16 * _i) * 1024);
    err = write_until_refused(&count, n, &diag);
    store_rollback(ts.st);
    ck_assert_int_eq(err, ATT_E_IO);
    ck_assert_int_eq(diag.reason, ATT_R_ST_FULL);
    ck_assert(!store_broken(ts.st));
    before = storetest_dumped();
    ck_assert_int_eq(store_begin(ts.st, &diag), ATT_OK);
    err = storetest_write_verdict(n, "gw-1", 0xfe, STORE_AFFIRMING);
    if (err == ATT_OK)
        err = store_commit(ts.st, &diag);
    ck_assert_int_eq(err, ATT_E_IO);
    store_rollback(ts.st);
    ck_assert(!store_broken(ts.st));
    limit_files_to(RLIM_INFINITY);
    after = storetest_dumped();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    storetest_commit_verdict(n, "gw-1", 0xff);
    storetest_reopen();
    ck_assert_uint_eq(storetest_findings(), 0);
    ck_assert_int_eq(store_outcome_count(&now, ts.st), ATT_OK);
    ck_assert_int_eq(now, count + 1);
}
END_TEST

/*
 * Faults below SQLite: the nth write fails, or the next sync does. The writes go through SQLite's own
 * table of system calls; fdatasync and fsync are ours because this program comes first in the order of symbols.
 */
static int writes_until_fault = -1; /* negative: none */
static int write_fault;             /* errno */
static bool sync_fault, folder_fault;
static unsigned int syncs;

int fsync(int fd)
{
    struct stat st;

    if (folder_fault && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    syncs++;
    if (sync_fault) {
        errno = EIO;
        return -1;
    }
    return fsync(fd);
}

static ssize_t faulty_pwrite(int fd, const void *p, size_t len, off_t at)
{
    if (writes_until_fault == 0) {
        errno = write_fault;
        return -1;
    }
    if (writes_until_fault > 0)
        writes_until_fault--;
    return pwrite(fd, p, len, at);
}

static void take_over_writes(void)
{
    static const char *const names[] = {"pwrite", "pwrite64"};
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    for (size_t i = 0; i < ATT_COUNT(names); i++)
        (void)vfs->xSetSystemCall(vfs, names[i], (sqlite3_syscall_ptr)faulty_pwrite);
}

static enum att_err try_verdict(int64_t enrolment, struct att_diag *diag)
{
    enum att_err err = store_begin(ts.st, diag);

    if (err == ATT_OK)
        err = storetest_write_verdict(enrolment, "gw-1", 9, STORE_AFFIRMING);
    if (err == ATT_OK)
        err = store_commit(ts.st, diag);
    store_rollback(ts.st);
    return err;
}

/* S-08: no room at the nth write, for every n: nothing happened, and it goes on when there is room. */
START_TEST(store__says_full_at_each_write)
{
    int64_t n = storetest_add_device("gw-1", 0x10);
    char *before = storetest_dumped();
    struct att_diag diag = {0};
    enum att_err err = ATT_E_IO;
    int writes = 0;

    take_over_writes();
    write_fault = _i == 0 ? ENOSPC : EDQUOT;
    while (err != ATT_OK) {
        char *after;

        writes_until_fault = writes;
        err = try_verdict(n, &diag);
        ck_assert(!store_broken(ts.st));
        if (err == ATT_OK)
            break;
        ck_assert_int_eq(err, ATT_E_IO);
        ck_assert_int_eq(diag.reason, ATT_R_ST_FULL);
        writes_until_fault = -1;
        after = storetest_dumped();
        ck_assert_str_eq(before, after);
        free(after);
        writes++;
    }
    ck_assert_int_gt(writes, 3);
    writes_until_fault = -1;
    free(before);
    before = storetest_dumped();
    storetest_reopen();
    {
        char *after = storetest_dumped();

        ck_assert_str_eq(before, after);
        free(after);
    }
    free(before);
    ck_assert_uint_eq(storetest_findings(), 0);
}
END_TEST

/* A write that fails for another reason, and a sync that fails at all: nobody may go on. */
START_TEST(store_broken__after_the_disk_failed)
{
    int64_t n = storetest_add_device("gw-1", 0x10);
    struct att_diag diag = {0};
    int64_t count = -1;

    storetest_commit_verdict(n, "gw-1", 1);
    take_over_writes();
    if (_i == 0) {
        sync_fault = true;
    } else {
        writes_until_fault = 0;
        write_fault = EIO;
    }
    ck_assert_int_eq(try_verdict(n, &diag), ATT_E_IO);
    ck_assert_int_eq(diag.reason, ATT_R_ST_CORRUPT);
    ck_assert(store_broken(ts.st));
    sync_fault = false;
    writes_until_fault = -1;
    syncs = 0;
    store_closep(&ts.st);
    ck_assert_uint_eq(syncs, 0); /* it would succeed, and be believed */
    ck_assert_int_eq(store_open(&ts.st, ts.folder, false, NULL), ATT_OK);
    ck_assert_int_eq(store_outcome_count(&count, ts.st), ATT_OK);
    ck_assert_int_ge(count,
                     1); /* what was acknowledged; the other one was neither promised nor denied */
    ck_assert_int_le(count, 2);
    ck_assert_uint_eq(storetest_findings(), 0);
}
END_TEST

/* What is in a file whose name may be gone tomorrow is not acknowledged: the store does not open. */
START_TEST(store_open__needs_the_folder_on_the_disk)
{
    struct att_diag diag = {0};

    store_closep(&ts.st);
    folder_fault = true;
    ck_assert_int_eq(store_open(&ts.st, ts.folder, false, &diag), ATT_E_IO);
    ck_assert_int_eq(diag.reason, ATT_R_FILE);
    folder_fault = false;
    ck_assert_int_eq(store_open(&ts.st, ts.folder, false, NULL), ATT_OK);
}
END_TEST

/* Does opening the store refuse, or the check find something? Then it is read all the same. */
static bool is_noticed(void)
{
    size_t found = 0;
    char *text = NULL;
    size_t len = 0;
    FILE *f;
    bool noticed;

    if (store_open(&ts.st, ts.folder, false, NULL) != ATT_OK)
        return true;
    f = open_memstream(&text, &len);
    noticed = store_check(ts.st, storetest_show, NULL, &found) != ATT_OK || found > 0;
    (void)!store_dump(ts.st, f);
    (void)fclose(f);
    free(text);
    return noticed;
}

/* S-03, short form: bytes changed anywhere are found, or are read as they stand; nothing crashes. */
START_TEST(store__survives_changed_bytes)
{
    char path[96];
    struct stat sb;
    int fd;
    char *before, *after;
    size_t noticed = 0;

    for (uint8_t i = 0; i < 4; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "gw-%d", i);
        storetest_commit_verdict(storetest_add_device(id, (uint8_t)(0x10 + 0x20 * i)), id,
                                 (uint8_t)(i + 1));
    }
    before = storetest_dumped();
    store_closep(&ts.st);
    (void)snprintf(path, sizeof(path), "%s/attestd.db", ts.folder);
    fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &sb), 0);
    for (int i = 0; i < 200; i++) {
        off_t at = (off_t)(((long)i * 7919 + 31 * _i) % sb.st_size);
        uint8_t old, changed;

        ck_assert_int_eq(pread(fd, &old, 1, at), 1);
        changed = (uint8_t)(old ^ (1 << (i % 8)));
        ck_assert_int_eq(pwrite(fd, &changed, 1, at), 1);
        noticed += is_noticed() ? 1 : 0;
        store_closep(&ts.st);
        ck_assert_int_eq(pwrite(fd, &old, 1, at), 1);
    }
    (void)close(fd);
    ck_assert_uint_gt(noticed, 0);
    ck_assert_int_eq(store_open(&ts.st, ts.folder, false, NULL), ATT_OK);
    after = storetest_dumped();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {store__keeps_what_was_committed_when_killed, 6},
        {store__keeps_whole_transactions_when_killed_anywhere, 12},
        {store__says_full_and_recovers, 8},
        {store__says_full_at_each_write, 2},
        {store_broken__after_the_disk_failed, 2},
        {store_open__needs_the_folder_on_the_disk, 0},
        {store__survives_changed_bytes, 4},
    };

    return SUITE_RUN_ROWS("store_faults", ROWS, &storetest_fixture);
}
