/* hw/sensor/line.h: applications that write lines, slow and broken ones among them. */
#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "bytes.h"
#include "hwtest.h"
#include "need.h"
#include "remove_tree.h"
#include "sensor/frames.h"
#include "sensor/line.h"
#include "suite.h"

static char top[64], path[96];
static struct att_source source;
static const char *const keys[] = {"tank.level", "tank"};

static enum att_err open_as(uid_t uid, int limit_ms)
{
    struct hw_line_options o = {.path = path,
                                .keys = keys,
                                .key_count = ATT_COUNT(keys),
                                .uids = &uid,
                                .uid_count = 1,
                                .limit_ms = limit_ms,
                                .unfinished_ms = 1000};

    return hw_line_open(&source, &o, NULL);
}

static void set_up(void)
{
    snprintf(top, sizeof top, "/tmp/att-line-XXXXXX");
    NEED(mkdtemp(top) != NULL);
    snprintf(path, sizeof path, "%s/in.sock", top);
    NEED(open_as(geteuid(), 0) == ATT_OK);
}

static void tear_down(void)
{
    source.ops->close(source.ctx);
    remove_tree(top);
}

static int dial(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(at.sun_path, path, strlen(path));
    NEED(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
    return fd;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static enum att_err hear(const char *key, struct bytes *out)
{
    struct att_channel_source what = {.bus = ATT_BUS_LINE};

    memcpy(what.name, key, strlen(key));
    return source.ops->read(source.ctx, &what, out->p, &out->len, NULL);
}

static void expect(const char *key, const char *text)
{
    struct bytes b = {0};

    ck_assert_int_eq(hear(key, &b), ATT_OK);
    bytes_expect_text(bytes_slice(&b), text);
}

static void expect_nothing(const char *key)
{
    struct bytes b = {0};

    ck_assert_int_eq(hear(key, &b), ATT_E_BUSY);
}

/* The writer is told why, and that was all. */
static void expect_hung_up(int fd, const char *why)
{
    char text[256] = "";
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ssize_t n = 0;

    ck_assert_int_eq(poll(&p, 1, 1000), 1);
    n = recv(fd, text, sizeof text - 1, 0);
    ck_assert_int_gt(n, 0);
    ck_assert_msg(strncmp(text, "error: ", 7) == 0 && strstr(text, why) != NULL, "%s", text);
    close(fd);
}

START_TEST(read__gives_what_is_behind_the_key)
{
    int fd = dial();

    expect_nothing("tank");
    say(fd, "tank.level 12.50\ntank {\"level\": 12.5, \"t\": \"a b\"}\n");
    expect("tank.level", "12.50");
    expect("tank", "{\"level\": 12.5, \"t\": \"a b\"}");
    expect_nothing("tank");
    say(fd, "tank.level 1\ntank.level 2\ntank.level 3\n");
    expect("tank.level", "1");
    expect("tank.level", "2");
    expect("tank.level", "3");
    expect_nothing("tank.level");
    close(fd);
}
END_TEST

static size_t waiting(const char *key)
{
    struct att_channel_source what = {.bus = ATT_BUS_LINE};

    memcpy(what.name, key, strlen(key));
    return source.ops->waiting(source.ctx, &what);
}

/* A writer that is faster than the reader is held up, for longer than a line may be unfinished, and loses nothing. */
START_TEST(read__gives_every_line_in_order)
{
    char text[64];
    unsigned int written = 0, heard = 0;
    int fd = dial();

    for (;; written++) {
        int len = snprintf(text, sizeof text, "tank %u\n", written);
        if (send(fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) == len)
            continue;
        ck_assert_uint_eq(waiting("tank.level"), 0); /* takes in what came */
        if (waiting("tank") == heard)
            break; /* the room and the kernel's are full */
        heard = (unsigned int)waiting("tank");
        written--;
    }
    ck_assert_uint_gt(heard, HW_FRAMES_ROOM / 16);
    ck_assert_uint_gt(written, heard);
    usleep(1100000);
    ck_assert_uint_eq(waiting("tank.level"), 0);
    for (unsigned int i = 0; i < written; i++) {
        snprintf(text, sizeof text, "%u", i);
        expect("tank", text);
    }
    expect_nothing("tank");
    say(fd, "tank.level 5\n");
    expect("tank.level", "5");
    close(fd);
}
END_TEST

START_TEST(read__puts_a_line_together)
{
    int fd = dial();

    say(fd, "tank.le");
    expect_nothing("tank.level");
    say(fd, "vel 7");
    expect_nothing("tank.level");
    say(fd, "7\ntank.level 8");
    expect("tank.level", "77");
    expect_nothing("tank.level");
    say(fd, "\n");
    expect("tank.level", "8");
    close(fd);
}
END_TEST

START_TEST(read__waits_for_a_line_as_long_as_it_may)
{
    struct bytes b = {0};
    int64_t start = 0;

    source.ops->close(source.ctx);
    NEED(open_as(geteuid(), 200) == ATT_OK);
    start = att_clock_mono_ms();
    ck_assert_int_eq(hear("tank", &b), ATT_E_BUSY);
    ck_assert_int_ge(att_clock_mono_ms() - start, 190);
    pid_t writer = fork();
    if (writer == 0) {
        usleep(50000);
        say(dial(), "tank 5\n");
        _exit(0);
    }
    expect("tank", "5");
}
END_TEST

START_TEST(read__hangs_up_on_who_breaks_the_rules)
{
    static const struct {
        const char *text, *why;
    } bad[] = {{"tank\n", "expected KEY TEXT"},    {"tank \n", "expected KEY TEXT"},
               {"\n", "expected KEY TEXT"},        {"pump 1\n", "no such key"},
               {"tank.leve 1\n", "no such key"},   {" tank 1\n", "expected KEY TEXT"},
               {"tank 1\npump 1\n", "no such key"}};

    for (size_t i = 0; i < ATT_COUNT(bad); i++) {
        int fd = dial();
        say(fd, bad[i].text);
        (void)hear("tank.level", &(struct bytes){0});
        expect_hung_up(fd, bad[i].why);
    }
    expect("tank", "1"); /* what was right before the mistake counts */
}
END_TEST

START_TEST(read__bounds_a_line)
{
    char text[2048];
    struct bytes b = {0};
    int fd = dial();

    memset(text, '1', sizeof text);
    memcpy(text, "tank ", 5);
    ck_assert_int_eq(send(fd, text, 5 + ATT_FRAME_MAX, 0), 5 + ATT_FRAME_MAX);
    say(fd, "\n");
    ck_assert_int_eq(hear("tank", &b), ATT_OK);
    ck_assert_uint_eq(b.len, ATT_FRAME_MAX);
    ck_assert_int_eq(send(fd, text, 5 + ATT_FRAME_MAX + 1, 0), 5 + ATT_FRAME_MAX + 1);
    say(fd, "\n");
    expect_nothing("tank");
    expect_hung_up(fd, "longer than 512");
    fd = dial();
    ck_assert_int_eq(send(fd, text, sizeof text, 0), (ssize_t)sizeof text);
    expect_nothing("tank");
    expect_hung_up(fd, "too long");
    fd = dial();
    ck_assert_int_eq(send(fd, "tank 1\0002\n", 9, 0), 9);
    expect_nothing("tank");
    expect_hung_up(fd, "byte 0");
}
END_TEST

/* Writers that leave lines unfinished, talk without end, or only hold their place: another one is heard at once. */
START_TEST(read__lets_nobody_wait_for_another)
{
    char flood[8192];
    int slow = dial(), loud = dial(), good = -1;

    say(slow, "tank.level 9");
    for (size_t i = 0; i < sizeof flood; i += 8)
        memcpy(flood + i, "tank 11\n", 8);
    while (send(loud, flood, sizeof flood, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        continue;
    good = dial();
    say(good, "tank.level 4\n");
    int64_t start = att_clock_mono_ms();
    expect("tank.level", "4");
    ck_assert_int_lt(att_clock_mono_ms() - start, 1000);
    usleep(1100000);
    expect_nothing("tank.level");
    expect_hung_up(slow, "not finished in time");
    say(good, "tank.level 6\n");
    expect("tank.level", "6");
    close(loud);
    close(good);
}
END_TEST

START_TEST(read__bounds_the_writers)
{
    int fd[HW_LINE_CLIENTS_MAX], over = -1;

    for (size_t i = 0; i < ATT_COUNT(fd); i++) {
        fd[i] = dial();
        expect_nothing("tank");
    }
    over = dial();
    expect_nothing("tank");
    expect_hung_up(over, "too many writers");
    close(fd[3]);
    expect_nothing("tank");
    over = dial();
    say(over, "tank 3\n");
    expect("tank", "3");
    say(fd[0], "tank 4\n");
    expect("tank", "4");
}
END_TEST

START_TEST(read__knows_its_writers)
{
    int fd = -1;

    source.ops->close(source.ctx);
    NEED(open_as(geteuid() + 1, 0) == ATT_OK);
    fd = dial();
    say(fd, "tank 1\n");
    expect_nothing("tank");
    expect_hung_up(fd, "this user may not write here");
}
END_TEST

START_TEST(open__takes_the_place_of_the_dead_alone)
{
    struct att_source first = source;
    struct stat st;

    ck_assert_int_eq(open_as(geteuid(), 0), ATT_E_CONFLICT);
    pid_t pid = fork();
    if (pid == 0) { /* dies without a word, and leaves its socket behind */
        unlink(path);
        _exit(open_as(geteuid(), 0) == ATT_OK ? 0 : 1);
    }
    usleep(100000);
    ck_assert_int_eq(open_as(geteuid(), 0), ATT_OK);
    first.ops->close(first.ctx);
    ck_assert_int_eq(stat(path, &st), 0); /* the second one's */
    source.ops->close(source.ctx);
    ck_assert_int_ne(stat(path, &st), 0);
    NEED(mkdir(path, 0700) == 0);
    ck_assert_int_eq(open_as(geteuid(), 0), ATT_E_CONFLICT);
    NEED(rmdir(path) == 0);
    NEED(open_as(geteuid(), 0) == ATT_OK);
}
END_TEST

START_TEST(open__refuses_what_cannot_be)
{
    static const char *const spaced[] = {"a b"};
    uid_t uid = geteuid();
    const struct hw_line_options bad[] = {
        {.path = "", .keys = keys, .key_count = 1, .uids = &uid, .uid_count = 1},
        {.path = "/tmp/x", .keys = keys, .key_count = 0, .uids = &uid, .uid_count = 1},
        {.path = "/tmp/x", .keys = spaced, .key_count = 1, .uids = &uid, .uid_count = 1},
        {.path = "/tmp/x", .keys = keys, .key_count = 1, .uids = &uid, .uid_count = 0},
        {.path = "/tmp/x",
         .keys = keys,
         .key_count = 1,
         .uids = &uid,
         .uid_count = 1,
         .limit_ms = -1},
    };
    struct att_source s = {0};
    char text[8];

    for (size_t i = 0; i < ATT_COUNT(bad); i++)
        ck_assert_int_eq(hw_line_open(&s, &bad[i], NULL), ATT_E_CONFIG);
    ck_assert_int_eq(hear("pump", &(struct bytes){0}), ATT_E_CONFIG);
    ck_assert_int_eq(source.ops->describe(source.ctx, NULL, text, sizeof text, NULL),
                     ATT_E_UNSUPPORTED);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {read__gives_what_is_behind_the_key, 0},
        {read__gives_every_line_in_order, 0},
        {read__puts_a_line_together, 0},
        {read__waits_for_a_line_as_long_as_it_may, 0},
        {read__hangs_up_on_who_breaks_the_rules, 0},
        {read__bounds_a_line, 0},
        {read__lets_nobody_wait_for_another, 0},
        {read__bounds_the_writers, 0},
        {read__knows_its_writers, 0},
        {open__takes_the_place_of_the_dead_alone, 0},
        {open__refuses_what_cannot_be, 0},
    };
    const struct suite_fixture fixture = {set_up, tear_down};

    return SUITE_RUN_ROWS("line", rows, &fixture);
}
