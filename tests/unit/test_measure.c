/* Measuring real trees: everything that a file system can put in the way. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/measurer/measure.h"
#include "agent/measurer/measure_internal.h"
#include "crypto/digest.h"

static char dir[64];

static void setup(void)
{
    strcpy(dir, "/tmp/test-measure-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chmod(dir, 0755), 0);
}

static void teardown(void)
{
    char command[96];

    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static const char *at(const char *name)
{
    static char path[8][256];
    static int next;
    char *p = path[next++ % 8];

    (void)snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
    return p;
}

static void put(const char *name, const char *content)
{
    int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
}

/* A list of one or two entries. */
static struct agent_root root[2];
static struct agent_conf conf;

static struct table *measure(const struct table *before, struct measure_stats *stats)
{
    struct measure_stats unused;
    struct table *t = NULL;
    struct att_diag diag = {0};

    conf.root = root;
    conf.hash_threads = 3;
    ck_assert_msg(measure_run(&t, stats != NULL ? stats : &unused, &conf, before, &diag) == ATT_OK,
                  "%s", diag.text);
    return t;
}

static struct table *measure_tree(void)
{
    root[0] = (struct agent_root){.kind = ROOT_TREE, .path = dir};
    conf.root_count = 1;
    return measure(NULL, NULL);
}

static const struct table_row *row_of(const struct table *t, const char *name)
{
    const struct table_row *r = table_find(t, att_slice_str(at(name)));

    ck_assert_msg(r != NULL, "no row for %s", name);
    return r;
}

static void is_file(const struct table_row *r, const char *content)
{
    uint8_t want[32];

    ck_assert_int_eq(r->type, ATT_OWN_FILE);
    ck_assert_uint_eq(r->detail, strlen(content));
    ck_assert_int_eq(att_sha256(att_slice_str(content), want), ATT_OK);
    ck_assert(r->has_digest);
    ck_assert_mem_eq(r->digest, want, 32);
}

START_TEST(measure_run__hashes_a_tree_and_sorts_it)
{
    struct table *t = NULL;

    mkdir(at("b"), 0755);
    mkdir(at("b/empty"), 0755);
    put("b/z", "zzz");
    put("a", "");
    put("c\nd", "new line"); /* names are bytes */
    put("\xff\xfe", "not UTF-8");
    t = measure_tree();
    ck_assert_uint_eq(table_count(t), 4);
    is_file(row_of(t, "a"), "");
    is_file(row_of(t, "b/z"), "zzz");
    is_file(row_of(t, "c\nd"), "new line");
    is_file(row_of(t, "\xff\xfe"), "not UTF-8");
    for (size_t i = 1; i < table_count(t); i++) {
        struct att_slice x = table_name(table_at(t, i - 1));
        struct att_slice y = table_name(table_at(t, i));

        ck_assert_int_lt(memcmp(x.p, y.p, x.len < y.len ? x.len : y.len), 0);
    }
    table_free(t);
}
END_TEST

START_TEST(measure_run__takes_the_same_digest_with_many_threads)
{
    struct table *t = NULL;
    char name[32];
    char content[64];

    for (int i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof(name), "f%d", i);
        (void)snprintf(content, sizeof(content), "content of %d", i);
        put(name, content);
    }
    t = measure_tree();
    ck_assert_uint_eq(table_count(t), 500);
    for (int i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof(name), "f%d", i);
        (void)snprintf(content, sizeof(content), "content of %d", i);
        is_file(row_of(t, name), content);
    }
    table_free(t);
}
END_TEST

START_TEST(measure_run__records_a_link_as_a_link)
{
    uint8_t want[32];
    struct table *t = NULL;

    ck_assert_int_eq(symlink("/etc/shadow", at("l")), 0);
    ck_assert_int_eq(symlink("/", at("to-root")), 0);
    ck_assert_int_eq(symlink("nowhere", at("dangling")), 0);
    t = measure_tree();
    ck_assert_uint_eq(table_count(t), 3);
    ck_assert_int_eq(row_of(t, "l")->type, ATT_OWN_LINK);
    ck_assert_int_eq(att_sha256(att_slice_str("/etc/shadow"), want), ATT_OK);
    ck_assert_mem_eq(row_of(t, "l")->digest, want, 32);
    ck_assert_uint_eq(row_of(t, "l")->detail, 0);
    ck_assert_int_eq(row_of(t, "to-root")->type, ATT_OWN_LINK);
    ck_assert_int_eq(row_of(t, "dangling")->type, ATT_OWN_LINK);
    table_free(t);
    /* a link that is listed by itself is one too */
    root[0] = (struct agent_root){.kind = ROOT_FILE, .path = at("l")};
    t = measure(NULL, NULL);
    ck_assert_int_eq(table_at(t, 0)->type, ATT_OWN_LINK);
    table_free(t);
}
END_TEST

START_TEST(measure_run__does_not_open_fifos_sockets_and_devices)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    struct table *t = NULL;

    ck_assert_int_eq(mkfifo(at("fifo"), 0644), 0);
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", at("sock"));
    ck_assert_int_eq(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
    t = measure_tree();
    ck_assert_int_eq(row_of(t, "fifo")->type, ATT_OWN_UNSUPPORTED);
    ck_assert_int_eq(row_of(t, "sock")->type, ATT_OWN_UNSUPPORTED);
    ck_assert(!row_of(t, "fifo")->has_digest);
    table_free(t);
    root[0] = (struct agent_root){.kind = ROOT_FILE, .path = "/dev/null"};
    t = measure(NULL, NULL);
    ck_assert_int_eq(table_at(t, 0)->type, ATT_OWN_UNSUPPORTED);
    table_free(t);
    close(s);
}
END_TEST

START_TEST(measure_run__records_what_it_may_not_read)
{
    struct table *t = NULL;

    put("secret", "s");
    mkdir(at("closed"), 0700);
    put("closed/x", "x");
    ck_assert_int_eq(chmod(at("secret"), 0), 0);
    ck_assert_int_eq(chmod(at("closed"), 0), 0);
    if (geteuid() == 0) { /* root reads everything: be somebody else for a while */
        ck_assert_int_eq(seteuid(65534), 0);
    }
    t = measure_tree();
    ck_assert_int_eq(row_of(t, "secret")->type, ATT_OWN_UNREADABLE);
    ck_assert_uint_eq(row_of(t, "secret")->detail, EACCES);
    ck_assert_int_eq(row_of(t, "closed")->type, ATT_OWN_UNREADABLE);
    ck_assert_uint_eq(row_of(t, "closed")->detail, EACCES);
    if (getuid() == 0) {
        ck_assert_int_eq(seteuid(0), 0);
    }
    ck_assert_int_eq(chmod(at("closed"), 0700), 0);
    table_free(t);
}
END_TEST

START_TEST(measure_run__records_what_is_not_there)
{
    struct table *t = NULL;
    const char *keys[] = {"k"};

    root[0] = (struct agent_root){.kind = ROOT_FILE, .path = at("gone")};
    root[1] = (struct agent_root){.kind = ROOT_TREE, .path = at("no-tree")};
    conf.root_count = 2;
    t = measure(NULL, NULL);
    ck_assert_int_eq(row_of(t, "gone")->type, ATT_OWN_ABSENT);
    ck_assert_int_eq(row_of(t, "no-tree")->type, ATT_OWN_ABSENT);
    table_free(t);
    root[0] =
        (struct agent_root){.kind = ROOT_CONFIG, .path = at("gone"), .word = keys, .word_count = 1};
    conf.root_count = 1;
    t = measure(NULL, NULL);
    ck_assert_int_eq(row_of(t, "gone#k")->type, ATT_OWN_ABSENT);
    table_free(t);
}
END_TEST

START_TEST(measure_run__takes_configuration_values)
{
    struct table *t = NULL;
    const char *keys[] = {"mode", "missing"};
    uint8_t want[32];

    put("gw.conf", "mode = safe\n");
    root[0] = (struct agent_root){
        .kind = ROOT_CONFIG, .path = at("gw.conf"), .word = keys, .word_count = 2};
    conf.root_count = 1;
    t = measure(NULL, NULL);
    ck_assert_uint_eq(table_count(t), 2);
    ck_assert_int_eq(row_of(t, "gw.conf#mode")->type, ATT_OWN_CONFIG);
    ck_assert_int_eq(att_sha256(att_slice_str("safe"), want), ATT_OK);
    ck_assert_mem_eq(row_of(t, "gw.conf#mode")->digest, want, 32);
    ck_assert_int_eq(row_of(t, "gw.conf#missing")->type, ATT_OWN_ABSENT);
    table_free(t);
}
END_TEST

START_TEST(measure_run__hides_nothing_behind_a_name_that_looks_like_a_value)
{
    struct table *t = NULL;
    const char *keys[] = {"mode"};

    put("gw.conf", "mode = safe\n");
    put("gw.conf#mode", "intruder");
    root[0] = (struct agent_root){
        .kind = ROOT_CONFIG, .path = at("gw.conf"), .word = keys, .word_count = 1};
    root[1] = (struct agent_root){.kind = ROOT_TREE, .path = dir};
    conf.root_count = 2;
    t = measure(NULL, NULL);
    ck_assert_int_eq(row_of(t, "gw.conf#mode")->type, ATT_OWN_UNREADABLE);
    ck_assert_uint_eq(row_of(t, "gw.conf#mode")->detail, EEXIST);
    ck_assert(!row_of(t, "gw.conf#mode")->has_digest);
    table_free(t);
}
END_TEST

START_TEST(measure_run__gives_up_on_a_file_that_keeps_changing)
{
    struct table *t = NULL;
    pid_t writer = 0;
    int fd = open(at("busy"), O_RDWR | O_CREAT, 0644);

    ck_assert_int_eq(ftruncate(fd, 64 << 20), 0);
    writer = fork();
    if (writer == 0) {
        for (unsigned int i = 0;; i++) {
            (void)!pwrite(fd, &i, sizeof(i), 0);
        }
    }
    t = measure_tree();
    (void)kill(writer, SIGKILL);
    (void)waitpid(writer, NULL, 0);
    ck_assert_int_eq(row_of(t, "busy")->type, ATT_OWN_UNREADABLE);
    ck_assert_uint_eq(row_of(t, "busy")->detail, EBUSY);
    ck_assert(!row_of(t, "busy")->has_digest);
    table_free(t);
    close(fd);
}
END_TEST

START_TEST(measure_run__leaves_out_what_is_excluded)
{
    static const char *patterns[] = {"*.tmp", "cache", "sub/x"};
    struct table *t = NULL;

    mkdir(at("cache"), 0755);
    mkdir(at("sub"), 0755);
    put("cache/c", "c");
    put("sub/a.tmp", "t");
    put("sub/x", "x");
    put("sub/y", "y");
    put("x", "kept: the pattern has a folder");
    root[0] =
        (struct agent_root){.kind = ROOT_TREE, .path = dir, .word = patterns, .word_count = 3};
    conf.root_count = 1;
    t = measure(NULL, NULL);
    ck_assert_uint_eq(table_count(t), 2);
    (void)row_of(t, "sub/y");
    (void)row_of(t, "x");
    table_free(t);
}
END_TEST

START_TEST(measure_run__names_the_folder_whose_paths_are_too_long)
{
    struct table *t = NULL;
    char name[201];
    int at_fd = open(dir, O_RDONLY | O_DIRECTORY);
    bool found = false;

    memset(name, 'n', 200);
    name[200] = '\0';
    for (int i = 0; i < 25; i++) { /* 5,000 bytes: more than a name of the log holds */
        int next = -1;

        ck_assert_int_eq(mkdirat(at_fd, name, 0755), 0);
        next = openat(at_fd, name, O_RDONLY | O_DIRECTORY);
        close(at_fd);
        at_fd = next;
    }
    close(at_fd);
    t = measure_tree();
    for (size_t i = 0; i < table_count(t); i++) {
        const struct table_row *r = table_at(t, i);

        found = found || (r->type == ATT_OWN_UNREADABLE && r->detail == ENAMETOOLONG);
    }
    ck_assert(found);
    table_free(t);
}
END_TEST

START_TEST(measure_run__does_not_cross_into_another_file_system_unseen)
{
    struct table *t = NULL;

    mkdir(at("m"), 0755);
    put("m/below", "covered by the mount");
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("t", at("m"), "tmpfs", 0, NULL) != 0) {
        return; /* not permitted here */
    }
    put("m/inside", "of the other file system");
    t = measure_tree();
    ck_assert_uint_eq(table_count(t), 1);
    ck_assert_int_eq(row_of(t, "m")->type, ATT_OWN_UNSUPPORTED);
    table_free(t);
    ck_assert_int_eq(umount(at("m")), 0);
}
END_TEST

/* Else each record would be a change that asks for the next one. */
START_TEST(measure_run__leaves_the_agents_own_folder_out_but_says_so)
{
    struct table *t = NULL;

    mkdir(at("state"), 0700);
    put("state/own-1-0.cel", "log");
    put("x", "x");
    conf.state_dir = at("state");
    t = measure_tree();
    ck_assert_uint_eq(table_count(t), 2);
    ck_assert_int_eq(row_of(t, "state")->type, ATT_OWN_UNSUPPORTED);
    table_free(t);
    conf.state_dir = NULL;
}
END_TEST

START_TEST(measure_open_below__follows_no_link_on_the_way)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY);

    mkdir(at("real"), 0755);
    put("real/f", "f");
    ck_assert_int_eq(symlink("real", at("link")), 0);
    ck_assert_int_ge(measure_open_below(fd, "real/f", O_RDONLY), 0);
    ck_assert_int_eq(measure_open_below(fd, "link/f", O_RDONLY), -1);
    ck_assert_int_eq(errno, ELOOP);
    ck_assert_int_eq(measure_open_below(fd, "real/../../etc/passwd", O_RDONLY), -1);
    close(fd);
}
END_TEST

START_TEST(measure_run__reads_an_image_through_a_link)
{
    struct table *t = NULL;
    uint8_t want[32];

    put("image", "partition bytes");
    ck_assert_int_eq(symlink("image", at("by-label")), 0);
    root[0] = (struct agent_root){.kind = ROOT_BLOCK, .path = at("by-label")};
    conf.root_count = 1;
    t = measure(NULL, NULL);
    ck_assert_int_eq(row_of(t, "by-label")->type, ATT_OWN_BLOCK);
    ck_assert_int_eq(att_sha256(att_slice_str("partition bytes"), want), ATT_OK);
    ck_assert_mem_eq(row_of(t, "by-label")->digest, want, 32);
    table_free(t);
    root[0].path = dir;
    t = measure(NULL, NULL);
    ck_assert_int_eq(table_at(t, 0)->type, ATT_OWN_UNSUPPORTED);
    table_free(t);
}
END_TEST

START_TEST(measure_run__reads_again_only_what_may_have_changed)
{
    struct measure_stats stats;
    struct table *first = NULL;
    struct table *second = NULL;
    struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};

    put("a", "aaaa");
    put("b", "bbbb");
    first = measure_tree();
    second = measure(first, &stats);
    ck_assert_uint_eq(stats.hashed, 2); /* too young for their metadata to be believed */
    table_free(second);
    table_free(first);
    (void)usleep(2200000);
    first = measure_tree();
    second = measure(first, &stats);
    ck_assert_uint_eq(stats.hashed, 0);
    is_file(row_of(second, "a"), "aaaa");
    table_free(second);
    put("b", "BBBB"); /* as long as before, and dated back: the change time tells */
    ck_assert_int_eq(utimensat(AT_FDCWD, at("b"), old, 0), 0);
    second = measure(first, &stats);
    ck_assert_uint_eq(stats.hashed, 1);
    is_file(row_of(second, "b"), "BBBB");
    table_free(second);
    table_free(first);
}
END_TEST

static void add(struct table *t, const char *name, enum att_own_type type, uint8_t fill)
{
    struct table_row *r = NULL;

    ck_assert_int_eq(table_add(t, att_slice_str(name), &r), ATT_OK);
    r->type = (uint8_t)type;
    r->has_digest = type == ATT_OWN_FILE;
    memset(r->digest, fill, sizeof(r->digest));
}

START_TEST(table_changes__finds_new_changed_and_gone)
{
    struct table *logged = NULL;
    struct table *now = NULL;
    struct table *changes = NULL;

    ck_assert_int_eq(table_new(&logged), ATT_OK);
    ck_assert_int_eq(table_new(&now), ATT_OK);
    add(logged, "gone", ATT_OWN_FILE, 1);
    add(logged, "gone-before", ATT_OWN_ABSENT, 0);
    add(logged, "same", ATT_OWN_FILE, 1);
    add(logged, "changed", ATT_OWN_FILE, 1);
    add(logged, "kind", ATT_OWN_FILE, 1);
    add(now, "changed", ATT_OWN_FILE, 2);
    add(now, "new", ATT_OWN_FILE, 3);
    add(now, "same", ATT_OWN_FILE, 1);
    add(now, "kind", ATT_OWN_UNSUPPORTED, 0);
    table_sort(logged, TABLE_LAST_WINS);
    table_sort(now, TABLE_CONFLICT);
    ck_assert_int_eq(table_changes(&changes, logged, now), ATT_OK);
    ck_assert_uint_eq(table_count(changes), 4);
    ck_assert_int_eq(table_find(changes, att_slice_str("gone"))->type, ATT_OWN_ABSENT);
    ck_assert(!table_find(changes, att_slice_str("gone"))->has_digest);
    ck_assert_int_eq(table_find(changes, att_slice_str("changed"))->digest[0], 2);
    ck_assert_int_eq(table_find(changes, att_slice_str("new"))->digest[0], 3);
    ck_assert_int_eq(table_find(changes, att_slice_str("kind"))->type, ATT_OWN_UNSUPPORTED);
    table_free(changes);
    table_free(logged);
    table_free(now);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("measure");
    TCase *tc = tcase_create("measure");
    SRunner *runner = NULL;
    int failed = 0;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, measure_run__hashes_a_tree_and_sorts_it);
    tcase_add_test(tc, measure_run__takes_the_same_digest_with_many_threads);
    tcase_add_test(tc, measure_run__records_a_link_as_a_link);
    tcase_add_test(tc, measure_run__does_not_open_fifos_sockets_and_devices);
    tcase_add_test(tc, measure_run__records_what_it_may_not_read);
    tcase_add_test(tc, measure_run__records_what_is_not_there);
    tcase_add_test(tc, measure_run__takes_configuration_values);
    tcase_add_test(tc, measure_run__hides_nothing_behind_a_name_that_looks_like_a_value);
    tcase_add_test(tc, measure_run__gives_up_on_a_file_that_keeps_changing);
    tcase_add_test(tc, measure_run__leaves_out_what_is_excluded);
    tcase_add_test(tc, measure_run__names_the_folder_whose_paths_are_too_long);
    tcase_add_test(tc, measure_run__does_not_cross_into_another_file_system_unseen);
    tcase_add_test(tc, measure_run__leaves_the_agents_own_folder_out_but_says_so);
    tcase_add_test(tc, measure_open_below__follows_no_link_on_the_way);
    tcase_add_test(tc, measure_run__reads_an_image_through_a_link);
    tcase_add_test(tc, measure_run__reads_again_only_what_may_have_changed);
    tcase_add_test(tc, table_changes__finds_new_changed_and_gone);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
