/* The conformance suite of the store: what is committed is there after any crash, and nothing else. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "verifier/store/store.h"

static char folder[64];
static struct store *st;

static int remove_one(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
    (void)sb;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void set_up(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/attestd-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(store_open(&st, folder, true, NULL), ATT_OK);
}

static void tear_down(void)
{
    store_closep(&st);
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void reopen(void)
{
    store_closep(&st);
    ck_assert_int_eq(store_open(&st, folder, false, NULL), ATT_OK);
}

/* The canonical dump as a string; the caller frees it. */
static char *dumped(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(store_dump(st, f), ATT_OK);
    ck_assert_int_eq(fclose(f), 0);
    return text;
}

static void show(void *ctx, const char *text)
{
    (void)ctx;
    ck_assert_ptr_nonnull(text);
}

static size_t findings(void)
{
    size_t n = 99;

    ck_assert_int_eq(store_check(st, show, NULL, &n), ATT_OK);
    return n;
}

static struct store_device sample_device(const char *id, uint8_t seed)
{
    struct store_device d = {
        .ek_name_len = 34, .ek_public_len = 300, .ak_name_len = 34, .ak_public_len = 90};

    (void)snprintf(d.id, sizeof(d.id), "%s", id);
    memset(d.ek_name, seed, d.ek_name_len);
    memset(d.ek_public, seed + 1, d.ek_public_len);
    memset(d.ak_name, seed + 2, d.ak_name_len);
    memset(d.ak_public, seed + 3, d.ak_public_len);
    memset(d.tls_key, seed + 4, sizeof(d.tls_key));
    memset(d.ek_cert, seed + 5, sizeof(d.ek_cert));
    d.ek_verified = true;
    d.enrolled_utc = 1000;
    return d;
}

static int64_t add_device(const char *id, uint8_t seed)
{
    struct store_device d = sample_device(id, seed);
    int64_t n = 0;

    ck_assert_int_eq(store_begin(st, NULL), ATT_OK);
    ck_assert_int_eq(store_device_add(&n, st, &d, 2000, NULL), ATT_OK);
    ck_assert_int_eq(store_commit(st, NULL), ATT_OK);
    return n;
}

/* One attestation as the keeper writes it, without begin and commit. */
static enum att_err write_verdict(int64_t enrolment, const char *id, uint8_t seed,
                                  enum store_status status)
{
    static const uint8_t evidence[3000] = {7};
    struct store_outcome o = {
        .utc = 5000, .kind = STORE_KIND_LABEL, .has_cti = true, .has_digests = true};
    struct store_label l = {.iat = 5000, .exp = 6000, .tier = 2};
    struct store_state s = {.status = status, .last_utc = 5000, .deadline_utc = 5600};
    enum att_err err;

    (void)snprintf(o.device, sizeof(o.device), "%s", id);
    (void)snprintf(l.device, sizeof(l.device), "%s", id);
    memset(o.cti, seed, sizeof(o.cti));
    memset(o.evidence, seed, sizeof(o.evidence));
    memcpy(l.cti, o.cti, sizeof(l.cti));
    memcpy(s.cti, o.cti, sizeof(s.cti));
    s.has_cti = true;
    s.boot = att_slice_str("boot");
    s.carry = att_slice_str("carry");
    err = store_outcome_append(&o.index, st, &o, NULL);
    l.outcome = o.index;
    if (err == ATT_OK)
        err = store_label_put(st, &l, att_slice_str("label"), NULL);
    if (err == ATT_OK)
        err = store_evidence_put(st, o.index, att_slice_of(evidence, sizeof(evidence)), NULL);
    if (err == ATT_OK)
        err = store_state_put(st, enrolment, &s, NULL);
    return err;
}

static enum att_err mark_as(int64_t enrolment, enum store_status status, const char *reason)
{
    struct store_mark mark = {.status = status, .reason = reason};

    return store_state_mark(st, enrolment, &mark, NULL);
}

static void commit_verdict(int64_t enrolment, const char *id, uint8_t seed)
{
    ck_assert_int_eq(store_begin(st, NULL), ATT_OK);
    ck_assert_int_eq(write_verdict(enrolment, id, seed, STORE_AFFIRMING), ATT_OK);
    ck_assert_int_eq(store_commit(st, NULL), ATT_OK);
}

START_TEST(store__reads_back_what_was_written)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *buf = NULL;
    struct store_device want = sample_device("gw-1", 0x10), got;
    int64_t n = add_device("gw-1", 0x10);
    struct store_state s;
    struct store_label l;
    struct store_outcome o;

    commit_verdict(n, "gw-1", 0x77);
    reopen();
    want.enrolment = n;
    memset(&got, 0, sizeof(got));
    ck_assert_int_eq(store_device_get(&got, st, "gw-1"), ATT_OK);
    ck_assert_mem_eq(&got, &want, sizeof(want));
    memset(&got, 0, sizeof(got));
    ck_assert_int_eq(store_device_by_ek(&got, st, att_slice_of(want.ek_name, want.ek_name_len)),
                     ATT_OK);
    ck_assert_mem_eq(&got, &want, sizeof(want));

    ck_assert_int_eq(att_buf_new(&buf, STORE_BYTES_MAX), ATT_OK);
    ck_assert_int_eq(store_state_get(&s, buf, st, n), ATT_OK);
    ck_assert_int_eq(s.status, STORE_AFFIRMING);
    ck_assert_int_eq(s.last_utc, 5000);
    ck_assert_int_eq(s.deadline_utc, 5600);
    ck_assert(s.has_cti);
    ck_assert(att_slice_eq(s.boot, att_slice_str("boot")));
    ck_assert(att_slice_eq(s.carry, att_slice_str("carry")));

    ck_assert_int_eq(store_label_current(&l, buf, st, "gw-1"), ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(buf), att_slice_str("label")));
    ck_assert_int_eq(l.outcome, 0);
    ck_assert_int_eq(l.exp, 6000);
    ck_assert_int_eq(store_outcome_get(&o, st, 0), ATT_OK);
    ck_assert_int_eq(o.kind, STORE_KIND_LABEL);
    ck_assert(o.has_cti && o.has_digests);
    ck_assert_int_eq(store_evidence_get(buf, st, 0), ATT_OK);
    ck_assert_uint_eq(att_buf_len(buf), 3000);
    ck_assert_uint_eq(findings(), 0);
}
END_TEST

START_TEST(store_get__says_not_found)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *buf = NULL;
    uint8_t none[32] = {0};
    struct store_device d;
    struct store_state s;
    struct store_label l;
    struct store_outcome o;
    struct store_token t;
    char id[STORE_ID_MAX + 1];

    ck_assert_int_eq(att_buf_new(&buf, 1024), ATT_OK);
    ck_assert_int_eq(store_device_get(&d, st, "gw-1"), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_device_by_ek(&d, st, att_slice_of(none, 32)), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_device_remove(st, "gw-1", NULL), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_state_get(&s, buf, st, 1), ATT_E_NOT_FOUND);
    ck_assert_int_eq(mark_as(1, STORE_FAILED, ""), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_label_get(&l, buf, st, none), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_label_current(&l, buf, st, "gw-1"), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_outcome_get(&o, st, 0), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_evidence_get(buf, st, 0), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_token_get(&t, st, none), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_token_take(st, none, NULL), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_allow_get(id, st, att_slice_of(none, 32)), ATT_E_NOT_FOUND);
}
END_TEST

START_TEST(store_device_add__gives_an_id_and_an_ek_once)
{
    struct store_device d = sample_device("gw-1", 0x60); /* other keys, same id */
    struct store_device e = sample_device("gw-2", 0x10); /* other id, same keys */
    int64_t n = 0;
    int64_t first = add_device("gw-1", 0x10);
    char *before = dumped();
    char *after;

    ck_assert_int_eq(store_begin(st, NULL), ATT_OK);
    ck_assert_int_eq(store_device_add(&n, st, &d, 0, NULL), ATT_E_CONFLICT);
    ck_assert_int_eq(store_device_add(&n, st, &e, 0, NULL), ATT_E_CONFLICT);
    ck_assert_int_eq(store_commit(st, NULL), ATT_OK);
    after = dumped();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);

    /* Removed and enrolled again it is another enrolment. */
    ck_assert_int_eq(store_device_remove(st, "gw-1", NULL), ATT_OK);
    ck_assert_int_gt(add_device("gw-1", 0x10), first);
}
END_TEST

START_TEST(store_device_remove__keeps_labels_and_outcomes_but_nothing_current)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *buf = NULL;
    uint8_t cti[STORE_CTI_LEN];
    struct store_label l;
    struct store_state s;
    int64_t n = add_device("gw-1", 0x10);

    commit_verdict(n, "gw-1", 0x77);
    memset(cti, 0x77, sizeof(cti));
    ck_assert_int_eq(att_buf_new(&buf, 1024), ATT_OK);
    ck_assert_int_eq(store_device_remove(st, "gw-1", NULL), ATT_OK);
    ck_assert_int_eq(store_state_get(&s, NULL, st, n), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_label_current(&l, buf, st, "gw-1"), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_label_get(&l, buf, st, cti), ATT_OK);
    ck_assert_uint_eq(findings(), 0);
}
END_TEST

START_TEST(store_label_current__is_that_of_good_evidence_alone)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *buf = NULL;
    static const struct {
        enum store_status status;
        bool current;
    } rows[] = {{STORE_ENROLLED, false},
                {STORE_AFFIRMING, true},
                {STORE_WARNING, true},
                {STORE_FAILED, false},
                {STORE_STALE, false}};
    struct store_label l;
    int64_t n = add_device("gw-1", 0x10);

    ck_assert_int_eq(att_buf_new(&buf, 1024), ATT_OK);
    commit_verdict(n, "gw-1", 0x77);
    for (size_t i = 0; i < ATT_COUNT(rows); i++) {
        ck_assert_int_eq(mark_as(n, rows[i].status, "E_STALE"), ATT_OK);
        ck_assert_int_eq(store_label_current(&l, buf, st, "gw-1"),
                         rows[i].current ? ATT_OK : ATT_E_NOT_FOUND);
    }
}
END_TEST

START_TEST(store_token_take__works_once)
{
    uint8_t digest[32] = {1}, other[32] = {2};
    struct store_token t = {.id = "gw-1", .expires_utc = 100}, got;

    ck_assert_int_eq(store_token_put(st, digest, &t, NULL), ATT_OK);
    ck_assert_int_eq(store_token_put(st, digest, &t, NULL), ATT_E_CONFLICT);
    ck_assert_int_eq(store_token_get(&got, st, digest), ATT_OK);
    ck_assert_str_eq(got.id, "gw-1");
    ck_assert_int_eq(got.expires_utc, 100);
    ck_assert_int_eq(store_token_take(st, digest, NULL), ATT_OK);
    ck_assert_int_eq(store_token_take(st, digest, NULL), ATT_E_NOT_FOUND);

    /* Expiry takes what is old and leaves what is not. */
    ck_assert_int_eq(store_token_put(st, digest, &t, NULL), ATT_OK);
    t.expires_utc = 101;
    ck_assert_int_eq(store_token_put(st, other, &t, NULL), ATT_OK);
    ck_assert_int_eq(store_token_expire(st, 100, NULL), ATT_OK);
    ck_assert_int_eq(store_token_get(&got, st, digest), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_token_get(&got, st, other), ATT_OK);
}
END_TEST

START_TEST(store_allow__lists_a_key_until_it_is_removed)
{
    struct att_slice name = att_slice_str("\x00\x0b name of a key");
    char id[STORE_ID_MAX + 1];

    ck_assert_int_eq(store_allow_put(st, name, "", NULL), ATT_OK);
    ck_assert_int_eq(store_allow_get(id, st, name), ATT_OK);
    ck_assert_str_eq(id, "");
    ck_assert_int_eq(store_allow_put(st, name, "gw-1", NULL), ATT_OK);
    ck_assert_int_eq(store_allow_get(id, st, name), ATT_OK);
    ck_assert_str_eq(id, "gw-1");
    ck_assert_int_eq(store_allow_remove(st, name, NULL), ATT_OK);
    ck_assert_int_eq(store_allow_get(id, st, name), ATT_E_NOT_FOUND);
}
END_TEST

START_TEST(store_due_list__names_the_silent_and_no_other)
{
    struct store_due due[8];
    size_t count = 99;
    int64_t a = add_device("gw-a", 0x10); /* all with deadline 2000 */
    int64_t b = add_device("gw-b", 0x40);
    int64_t c = add_device("gw-c", 0x70);

    ck_assert_int_eq(store_due_list(due, 8, &count, st, 1999), ATT_OK);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(mark_as(a, STORE_FAILED, "E_Q_SIG"), ATT_OK);
    ck_assert_int_eq(mark_as(b, STORE_STALE, "E_STALE"), ATT_OK);
    ck_assert_int_eq(store_due_list(due, 8, &count, st, 2000), ATT_OK);
    ck_assert_uint_eq(count, 2); /* failed, and silent since: due like any other */
    ck_assert_int_eq(due[0].enrolment, a);
    ck_assert_int_eq(due[1].enrolment, c);
    ck_assert_str_eq(due[1].id, "gw-c");
}
END_TEST

START_TEST(store_device_list__gives_pages_in_order)
{
    struct store_row rows[2];
    size_t count = 0;

    (void)add_device("gw-c", 0x10);
    (void)add_device("gw-a", 0x40);
    (void)add_device("gw-b", 0x70);
    ck_assert_int_eq(store_device_list(rows, 2, &count, st, ""), ATT_OK);
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(rows[0].device.id, "gw-a");
    ck_assert_str_eq(rows[1].device.id, "gw-b");
    ck_assert_int_eq(rows[1].state.status, STORE_ENROLLED);
    ck_assert_int_eq(store_device_list(rows, 2, &count, st, "gw-b"), ATT_OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(rows[0].device.id, "gw-c");
}
END_TEST

/* S-01: what is bound stays what it is. */
START_TEST(store__keeps_metacharacters_literally)
{
    static const char *const evil[] = {"'; DROP TABLE device; --", "\" OR 1=1 --", "%n%s", "x'00'",
                                       "?1"};
    struct store_device d;

    for (size_t i = 0; i < ATT_COUNT(evil); i++) {
        (void)add_device(evil[i], (uint8_t)(0x10 + 8 * i));
        ck_assert_int_eq(store_device_get(&d, st, evil[i]), ATT_OK);
        ck_assert_str_eq(d.id, evil[i]);
        ck_assert_int_eq(store_meta_put(st, evil[i], att_slice_str(evil[i]), NULL), ATT_OK);
    }
    ck_assert_uint_eq(findings(), 0);
}
END_TEST

START_TEST(store_rollback__leaves_no_trace)
{
    int64_t n = add_device("gw-1", 0x10);
    char *before = dumped();
    char *after;

    ck_assert_int_eq(store_begin(st, NULL), ATT_OK);
    ck_assert_int_eq(write_verdict(n, "gw-1", 1, STORE_AFFIRMING), ATT_OK);
    store_rollback(st);
    after = dumped();
    ck_assert_str_eq(before, after);
    free(after);

    /* A part can be undone and the rest kept. */
    ck_assert_int_eq(store_begin(st, NULL), ATT_OK);
    ck_assert_int_eq(store_mark(st, NULL), ATT_OK);
    ck_assert_int_eq(write_verdict(n, "gw-1", 2, STORE_AFFIRMING), ATT_OK);
    ck_assert_int_eq(store_mark_undo(st, NULL), ATT_OK);
    ck_assert_int_eq(store_commit(st, NULL), ATT_OK);
    after = dumped();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
}
END_TEST

START_TEST(store_commit__without_a_transaction_is_our_mistake)
{
    ck_assert_int_eq(store_commit(st, NULL), ATT_E_INTERNAL);
    ck_assert_int_eq(store_begin(st, NULL), ATT_OK);
    ck_assert_int_eq(store_begin(st, NULL), ATT_E_INTERNAL);
    ck_assert_int_eq(store_commit(st, NULL), ATT_OK);
    ck_assert_int_eq(store_mark(st, NULL), ATT_E_INTERNAL);
}
END_TEST

/* Write verdicts until killed: a byte into the pipe for each one that is committed. */
static void write_until_killed(int pipe_fd, int64_t enrolment, int die_after)
{
    int64_t n = 0;

    store_closep(&st); /* the parent closed its own before the fork */
    if (store_open(&st, folder, false, NULL) != ATT_OK)
        _exit(3);
    for (int step = 0;; step++) {
        struct store_outcome o = {.utc = step, .kind = STORE_KIND_STALE};

        if (store_begin(st, NULL) != ATT_OK)
            _exit(4);
        if (write_verdict(enrolment, "gw-1", (uint8_t)(step + 1), STORE_AFFIRMING) != ATT_OK)
            _exit(5);
        if (step == die_after)
            (void)raise(SIGKILL);
        if (store_outcome_append(&n, st, &o, NULL) != ATT_OK)
            _exit(6);
        if (store_commit(st, NULL) != ATT_OK || write(pipe_fd, "c", 1) != 1)
            _exit(7);
    }
}

START_TEST(store__keeps_what_was_committed_when_killed)
{
    int fds[2];
    int64_t enrolment = add_device("gw-1", 0x10);
    int64_t count = -1;
    char byte;
    int acknowledged = 0;
    int status;
    pid_t pid;

    store_closep(&st);
    ck_assert_int_eq(pipe(fds), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        write_until_killed(fds[1], enrolment, _i);
    (void)close(fds[1]);
    while (read(fds[0], &byte, 1) == 1)
        acknowledged++;
    (void)close(fds[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

    ck_assert_int_eq(store_open(&st, folder, false, NULL), ATT_OK);
    ck_assert_int_eq(acknowledged, _i);
    ck_assert_int_eq(store_outcome_count(&count, st), ATT_OK);
    ck_assert_int_eq(count, 2 * _i); /* all of the acknowledged, none of the torn one */
    ck_assert_uint_eq(findings(), 0);
}
END_TEST

/* Killed at a random moment: whole transactions, at least the acknowledged ones. */
START_TEST(store__keeps_whole_transactions_when_killed_anywhere)
{
    int fds[2];
    int64_t enrolment = add_device("gw-1", 0x10);
    int64_t count = -1;
    char byte;
    int acknowledged = 0;
    int status;
    pid_t pid;

    store_closep(&st);
    ck_assert_int_eq(pipe(fds), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        write_until_killed(fds[1], enrolment, 255);
    (void)close(fds[1]);
    (void)usleep((useconds_t)(3000 + 2700 * _i));
    (void)kill(pid, SIGKILL);
    while (read(fds[0], &byte, 1) == 1)
        acknowledged++;
    (void)close(fds[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);

    ck_assert_int_eq(store_open(&st, folder, false, NULL), ATT_OK);
    ck_assert_int_eq(store_outcome_count(&count, st), ATT_OK);
    ck_assert_int_eq(count % 2, 0);
    ck_assert_int_ge(count, 2 * acknowledged);
    ck_assert_int_le(count, 2 * acknowledged + 2);
    ck_assert_uint_eq(findings(), 0);
}
END_TEST

START_TEST(store_open__admits_one_process)
{
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct store *second = NULL;
        struct att_diag diag = {0};
        enum att_err err = store_open(&second, folder, false, &diag);

        _exit(err == ATT_E_BUSY && diag.reason == ATT_R_ST_LOCK ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

START_TEST(store_open__makes_a_database_only_when_told_to)
{
    struct att_diag diag = {0};
    char path[96];
    struct store *second = NULL;

    store_closep(&st);
    ck_assert_int_eq(store_open(&second, folder, true, &diag), ATT_E_CONFLICT);
    (void)snprintf(path, sizeof(path), "%s/attestd.db", folder);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(store_open(&second, folder, false, &diag), ATT_E_NOT_FOUND);
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert_ptr_null(second);
}
END_TEST

static void run_sql(const char *sql)
{
    char path[96];
    sqlite3 *db = NULL;

    (void)snprintf(path, sizeof(path), "%s/attestd.db", folder);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

START_TEST(store_open__refuses_another_schema_and_another_program)
{
    static const char *const others[] = {"PRAGMA user_version = 2", "PRAGMA user_version = 0",
                                         "PRAGMA application_id = 7"};
    struct att_diag diag = {0};

    store_closep(&st);
    run_sql(others[_i]);
    ck_assert_int_eq(store_open(&st, folder, false, &diag), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(diag.reason, ATT_R_ST_SCHEMA);
}
END_TEST

START_TEST(store_open__refuses_what_is_no_database)
{
    static const char text[] = "this is not the database that you are looking for, is it?";
    struct att_diag diag = {0};
    char path[96];
    int fd;

    store_closep(&st);
    (void)snprintf(path, sizeof(path), "%s/attestd.db", folder);
    fd = open(path, O_WRONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, sizeof(text)), (ssize_t)sizeof(text));
    (void)close(fd);
    ck_assert_int_eq(store_open(&st, folder, false, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ST_CORRUPT);
    ck_assert_ptr_null(st);
}
END_TEST

START_TEST(store_open__refuses_a_missing_table)
{
    struct att_diag diag = {0};

    store_closep(&st);
    run_sql("DROP TABLE token");
    ck_assert_int_eq(store_open(&st, folder, false, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ST_CORRUPT);
}
END_TEST

/* S-06: everything in the folder is for this user alone, while open and after. */
START_TEST(store__files_are_private)
{
    static const char *const names[] = {"attestd.db", "attestd.db-wal", "attestd.lock"};
    mode_t old = umask(0);
    struct stat sb;
    char path[96];

    commit_verdict(add_device("gw-1", 0x10), "gw-1", 1);
    for (size_t i = 0; i < ATT_COUNT(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        ck_assert_int_eq(stat(path, &sb), 0);
        ck_assert_uint_eq(sb.st_mode & 07777, 0600);
    }
    (void)umask(old);
}
END_TEST

START_TEST(store_open__refuses_what_others_can_read)
{
    struct att_diag diag = {0};
    char path[96];

    store_closep(&st);
    (void)snprintf(path, sizeof(path), "%s/attestd.db", folder);
    ck_assert_int_eq(chmod(path, 0640), 0);
    ck_assert_int_eq(store_open(&st, folder, false, &diag), ATT_E_DENIED);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_PERM);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert_int_ne(store_open(&st, folder, false, &diag), ATT_OK);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_PERM);
    ck_assert_int_eq(chmod(folder, 0700), 0);
}
END_TEST

/* S-02: a link in place of a file is not followed. */
START_TEST(store_open__follows_no_link)
{
    static const char *const names[] = {"attestd.db", "attestd.lock"};
    char path[96], victim[96];
    struct stat sb;

    store_closep(&st);
    (void)snprintf(path, sizeof(path), "%s/%s", folder, names[_i]);
    (void)snprintf(victim, sizeof(victim), "%s/victim", folder);
    ck_assert_int_eq(rename(path, victim), 0);
    ck_assert_int_eq(symlink(victim, path), 0);
    ck_assert_int_eq(stat(victim, &sb), 0);
    ck_assert_int_eq(store_open(&st, folder, false, NULL), ATT_E_IO);
    ck_assert_ptr_null(st);
}
END_TEST

static void limit_files_to(rlim_t bytes)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* S-08: no file can grow. Nothing is acknowledged, nothing changes; with room again it goes on. */
START_TEST(store__says_full_and_recovers)
{
    int64_t n = add_device("gw-1", 0x10);
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;
    char *before;
    char *after;
    int64_t count = 0;

    (void)signal(SIGXFSZ, SIG_IGN);
    limit_files_to((rlim_t)(64 + 16 * _i) * 1024);
    for (int i = 0; i < 200 && err == ATT_OK; i++) {
        err = store_begin(st, &diag);
        if (err == ATT_OK)
            err = write_verdict(n, "gw-1", (uint8_t)i, STORE_AFFIRMING);
        if (err == ATT_OK)
            err = store_commit(st, &diag);
        if (err == ATT_OK)
            count++;
    }
    store_rollback(st);
    ck_assert_int_eq(err, ATT_E_IO);
    ck_assert_int_eq(diag.reason, ATT_R_ST_FULL);
    ck_assert(!store_broken(st));
    before = dumped();
    ck_assert_int_eq(store_begin(st, &diag), ATT_OK);
    err = write_verdict(n, "gw-1", 0xfe, STORE_AFFIRMING);
    if (err == ATT_OK)
        err = store_commit(st, &diag);
    ck_assert_int_eq(err, ATT_E_IO);
    store_rollback(st);
    ck_assert(!store_broken(st));
    limit_files_to(RLIM_INFINITY);
    after = dumped();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    commit_verdict(n, "gw-1", 0xff);
    reopen();
    ck_assert_uint_eq(findings(), 0);
    {
        int64_t now = 0;

        ck_assert_int_eq(store_outcome_count(&now, st), ATT_OK);
        ck_assert_int_eq(now, count + 1);
    }
}
END_TEST

/*
 * Faults below SQLite: the nth write fails, or the next sync does. The writes go through SQLite's own
 * table of system calls; fdatasync is ours because this program comes first in the order of symbols.
 */
static int writes_until_fault = -1; /* negative: none */
static int write_fault;             /* errno */
static bool sync_fault;

int fdatasync(int fd)
{
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
    enum att_err err = store_begin(st, diag);

    if (err == ATT_OK)
        err = write_verdict(enrolment, "gw-1", 9, STORE_AFFIRMING);
    if (err == ATT_OK)
        err = store_commit(st, diag);
    store_rollback(st);
    return err;
}

/* S-08: no room at the nth write, for every n: nothing happened, and it goes on when there is room. */
START_TEST(store__says_full_at_each_write)
{
    int64_t n = add_device("gw-1", 0x10);
    char *before = dumped();
    struct att_diag diag = {0};
    enum att_err err = ATT_E_IO;
    int writes = 0;

    take_over_writes();
    write_fault = _i == 0 ? ENOSPC : EDQUOT;
    while (err != ATT_OK) {
        char *after;

        writes_until_fault = writes;
        err = try_verdict(n, &diag);
        ck_assert(!store_broken(st));
        if (err == ATT_OK)
            break;
        ck_assert_int_eq(err, ATT_E_IO);
        ck_assert_int_eq(diag.reason, ATT_R_ST_FULL);
        writes_until_fault = -1;
        after = dumped();
        ck_assert_str_eq(before, after);
        free(after);
        writes++;
    }
    ck_assert_int_gt(writes, 3);
    writes_until_fault = -1;
    free(before);
    before = dumped();
    reopen();
    {
        char *after = dumped();

        ck_assert_str_eq(before, after);
        free(after);
    }
    free(before);
    ck_assert_uint_eq(findings(), 0);
}
END_TEST

/* A write that fails for another reason, and a sync that fails at all: nobody may go on. */
START_TEST(store_broken__after_the_disk_failed)
{
    int64_t n = add_device("gw-1", 0x10);
    struct att_diag diag = {0};
    int64_t count = -1;

    commit_verdict(n, "gw-1", 1);
    take_over_writes();
    if (_i == 0) {
        sync_fault = true;
    } else {
        writes_until_fault = 0;
        write_fault = EIO;
    }
    ck_assert_int_eq(try_verdict(n, &diag), ATT_E_IO);
    ck_assert_int_eq(diag.reason, ATT_R_ST_CORRUPT);
    ck_assert(store_broken(st));
    sync_fault = false;
    writes_until_fault = -1;
    reopen();
    ck_assert_int_eq(store_outcome_count(&count, st), ATT_OK);
    ck_assert_int_ge(count,
                     1); /* what was acknowledged; the other one was neither promised nor denied */
    ck_assert_int_le(count, 2);
    ck_assert_uint_eq(findings(), 0);
}
END_TEST

/* S-03, short form: bytes changed anywhere are found, or are read as they stand; nothing crashes. */
START_TEST(store__survives_changed_bytes)
{
    char path[96];
    struct stat sb;
    int fd;
    char *before;
    size_t noticed = 0;

    for (uint8_t i = 0; i < 4; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "gw-%d", i);
        commit_verdict(add_device(id, (uint8_t)(0x10 + 0x20 * i)), id, (uint8_t)(i + 1));
    }
    before = dumped();
    store_closep(&st);
    (void)snprintf(path, sizeof(path), "%s/attestd.db", folder);
    fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &sb), 0);
    for (int i = 0; i < 200; i++) {
        off_t at = (off_t)(((long)i * 7919 + 31 * _i) % sb.st_size);
        uint8_t old, changed;
        size_t found = 0;

        ck_assert_int_eq(pread(fd, &old, 1, at), 1);
        changed = (uint8_t)(old ^ (1 << (i % 8)));
        ck_assert_int_eq(pwrite(fd, &changed, 1, at), 1);
        if (store_open(&st, folder, false, NULL) != ATT_OK) {
            noticed++;
        } else {
            char *text = NULL;
            size_t len = 0;
            FILE *f = open_memstream(&text, &len);

            if (store_check(st, show, NULL, &found) != ATT_OK || found > 0)
                noticed++;
            (void)!store_dump(st, f);
            (void)fclose(f);
            free(text);
        }
        store_closep(&st);
        ck_assert_int_eq(pwrite(fd, &old, 1, at), 1);
    }
    (void)close(fd);
    ck_assert_uint_gt(noticed, 0);
    ck_assert_int_eq(store_open(&st, folder, false, NULL), ATT_OK);
    {
        char *after = dumped();

        ck_assert_str_eq(before, after);
        free(after);
    }
    free(before);
}
END_TEST

START_TEST(store_check__finds_what_is_missing)
{
    static const char *const harm[] = {
        "DELETE FROM label",
        "DELETE FROM evidence",
        "DELETE FROM outcome WHERE idx = 0",
        "DELETE FROM device_state",
        "UPDATE label SET device = 'gw-2'",
        "UPDATE outcome SET policy = NULL WHERE idx = 1",
        "UPDATE outcome SET cti = x'00' WHERE idx = 1",
    };
    int64_t n = add_device("gw-1", 0x10);

    commit_verdict(n, "gw-1", 1);
    commit_verdict(n, "gw-1", 2);
    ck_assert_uint_eq(findings(), 0);
    store_closep(&st);
    run_sql(harm[_i]);
    ck_assert_int_eq(store_open(&st, folder, false, NULL), ATT_OK);
    ck_assert_uint_gt(findings(), 0);
}
END_TEST

START_TEST(store_tidy__keeps_everything_and_bounds_the_log)
{
    char path[96];
    struct stat sb;
    int64_t n = add_device("gw-1", 0x10);
    char *before;
    char *after;

    for (int i = 0; i < 30; i++) {
        ck_assert_int_eq(store_begin(st, NULL), ATT_OK);
        for (int k = 0; k < 256; k++) {
            uint8_t cti[2] = {(uint8_t)i, (uint8_t)k};
            struct store_outcome o = {.kind = STORE_KIND_STALE, .utc = i};
            int64_t index;

            memcpy(o.cti, cti, sizeof(cti));
            ck_assert_int_eq(store_outcome_append(&index, st, &o, NULL), ATT_OK);
            ck_assert_int_eq(store_evidence_put(st, index, att_slice_of(path, sizeof(path)), NULL),
                             ATT_OK);
        }
        ck_assert_int_eq(write_verdict(n, "gw-1", (uint8_t)(i + 1), STORE_AFFIRMING), ATT_OK);
        ck_assert_int_eq(store_commit(st, NULL), ATT_OK);
        ck_assert_int_eq(store_tidy(st, NULL), ATT_OK);
    }
    before = dumped();
    (void)snprintf(path, sizeof(path), "%s/attestd.db-wal", folder);
    ck_assert_int_eq(stat(path, &sb), 0);
    ck_assert_int_lt(sb.st_size, 20 * 1024 * 1024);
    reopen();
    after = dumped();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *tc = tcase_create("store");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, store__reads_back_what_was_written);
    tcase_add_test(tc, store_get__says_not_found);
    tcase_add_test(tc, store_device_add__gives_an_id_and_an_ek_once);
    tcase_add_test(tc, store_device_remove__keeps_labels_and_outcomes_but_nothing_current);
    tcase_add_test(tc, store_label_current__is_that_of_good_evidence_alone);
    tcase_add_test(tc, store_token_take__works_once);
    tcase_add_test(tc, store_allow__lists_a_key_until_it_is_removed);
    tcase_add_test(tc, store_due_list__names_the_silent_and_no_other);
    tcase_add_test(tc, store_device_list__gives_pages_in_order);
    tcase_add_test(tc, store__keeps_metacharacters_literally);
    tcase_add_test(tc, store_rollback__leaves_no_trace);
    tcase_add_test(tc, store_commit__without_a_transaction_is_our_mistake);
    tcase_add_loop_test(tc, store__keeps_what_was_committed_when_killed, 0, 6);
    tcase_add_loop_test(tc, store__keeps_whole_transactions_when_killed_anywhere, 0, 12);
    tcase_add_test(tc, store_open__admits_one_process);
    tcase_add_test(tc, store_open__makes_a_database_only_when_told_to);
    tcase_add_loop_test(tc, store_open__refuses_another_schema_and_another_program, 0, 3);
    tcase_add_test(tc, store_open__refuses_what_is_no_database);
    tcase_add_test(tc, store_open__refuses_a_missing_table);
    tcase_add_test(tc, store__files_are_private);
    tcase_add_test(tc, store_open__refuses_what_others_can_read);
    tcase_add_loop_test(tc, store_open__follows_no_link, 0, 2);
    tcase_add_loop_test(tc, store__says_full_and_recovers, 0, 8);
    tcase_add_loop_test(tc, store__says_full_at_each_write, 0, 2);
    tcase_add_loop_test(tc, store_broken__after_the_disk_failed, 0, 2);
    tcase_add_loop_test(tc, store__survives_changed_bytes, 0, 4);
    tcase_add_loop_test(tc, store_check__finds_what_is_missing, 0, 7);
    tcase_add_test(tc, store_tidy__keeps_everything_and_bounds_the_log);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
