/* attestctl log audit over a log of many bundles: interrupted it goes on, and later it begins where it ended. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "loghouse.h"
#include "need.h"
#include "suite.h"

#define ENTRIES 12000

static struct loghouse house;
static char out[65536];

static void setup(void)
{
    loghouse_open(&house);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        if (i < 100)
            loghouse_enrol(&house, i);
        else
            loghouse_attest(&house, i % 100);
    }
    loghouse_sign(&house);
}

static void teardown(void)
{
    loghouse_close(&house);
}

static void has(const char *text)
{
    ck_assert_msg(strstr(out, text) != NULL, "expected %s: %.2000s", text, out);
}

static void audit(int code)
{
    const char *const args[] = {"log", "audit", "@log", "--state", "@state", NULL};
    int got = loghouse_ctl(&house, out, sizeof(out), args);

    ck_assert_msg(got == code, "expected %d, found %d: %.2000s", code, got, out);
}

/* Starts an audit and sends SIGINT after so many milliseconds; how it ended. */
static int interrupted_after(long ms)
{
    const struct timespec nap = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    char program[512], state[64];
    int status = 0;
    pid_t pid;

    (void)snprintf(program, sizeof(program), "%s/attestctl", getenv("BUILD"));
    (void)snprintf(state, sizeof(state), "%s/state", house.dir);
    pid = fork();
    NEED(pid >= 0);
    if (pid == 0) {
        execl(program, "attestctl", "-q", "log", "audit", house.log, "--state", state, "--trust",
              house.trust, (char *)NULL);
        _exit(127);
    }
    (void)nanosleep(&nap, NULL);
    (void)kill(pid, SIGINT);
    NEED(waitpid(pid, &status, 0) == pid);
    /* before it listens, the signal ends it like any program */
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Whenever it comes, what was judged stays judged and the rest is not forgotten. */
START_TEST(audit__goes_on_where_it_was_interrupted)
{
    int stopped = 0;

    NEED(getenv("BUILD") != NULL);
    for (long ms = 60; ms < 2000 && stopped < 3; ms += 20) {
        int code = interrupted_after(ms);

        ck_assert_msg(code == 0 || code == 130, "%d", code);
        if (code == 0)
            break;
        stopped++;
    }
    ck_assert_int_gt(stopped, 0);
    audit(0);
    has("\"entries\":12000");
    has("\"labels\":11900");
    has("\"enrolled\":100");
    has("\"findings\":0");
    audit(0);
    has("\"resumed_at\":11776"); /* 46 full bundles */
    has("\"labels\":11900");
}
END_TEST

/* New entries alone are read, and what they say of labels of before is judged. */
START_TEST(audit__begins_where_the_last_one_ended)
{
    struct loghouse_room room;
    struct att_entry_facts f = loghouse_label(&house, &room, 7);
    uint64_t index;

    loghouse_add(&house, &f);
    while (house.tiler.size % ATT_TILE_WIDTH != 0)
        loghouse_attest(&house, 8);
    loghouse_sign(&house);
    audit(0);
    index = house.tiler.size;
    f.iat = house.utc;
    loghouse_add(&house, &f); /* the same label, in another bundle */
    loghouse_sign(&house);
    audit(1);
    has("E_TL_LABELS");
    (void)snprintf(room.subject, sizeof(room.subject), "\"resumed_at\":%llu",
                   (unsigned long long)index);
    has(room.subject);
}
END_TEST

/* What was found stays found. */
START_TEST(audit__remembers_findings)
{
    house.utc -= 5;
    for (int i = 0; i < 300; i++)
        loghouse_attest(&house, 9);
    loghouse_sign(&house);
    audit(1);
    has("E_CLK_BACK");
    audit(1);
    has("E_CLK_BACK");
    has("\"findings\":4,"); /* four of them are of before the last one */
    has("\"path\":\"entry 12000\"");
}
END_TEST

int main(void)
{
    const struct suite_fixture fixture = {setup, teardown};
    const struct suite_row ROWS[] = {
        {audit__goes_on_where_it_was_interrupted, 0},
        {audit__begins_where_the_last_one_ended, 0},
        {audit__remembers_findings, 0},
    };

    return SUITE_RUN_ROWS("ctl_audit", ROWS, &fixture);
}
