/* Group G, the log as strangers read it: what is not published is not there, and time does not go back. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"
#include "base/file.h"
#include "logscene.h"
#include "need.h"
#include "sign/vkey.h"
#include "tlog/checkpoint.h"
#include "tlog/tile.h"

static enum att_reason ask(struct inproc_answer *a, struct logscene *s, const char *path)
{
    const struct msg m = {.kind = MSG_LOG, .path = att_slice_str(path)};

    inproc_answer_clear(a);
    inproc_ask(s->v, &m, a, false);
    return a->reason;
}

/* The verified size of the published tree. */
static uint64_t published_size(struct logscene *s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *key = NULL;
    struct att_checkpoint *c = NULL;
    struct inproc_answer a = {0};
    struct att_slice text;
    char path[112];
    uint64_t size;

    (void)snprintf(path, sizeof(path), "%s/trust/log.vkey", s->v->dir);
    NEED(att_file_read(&file, path, ATT_VKEY_TEXT + 1, NULL) == ATT_OK);
    text = att_buf_slice(file);
    text.len--;
    NEED(att_vkey_parse(&key, text, NULL) == ATT_OK);
    ck_assert_int_eq(ask(&a, s, "checkpoint"), ATT_R_NONE);
    ck_assert_int_eq(a.type, MSG_TYPE_NOTE);
    ck_assert_int_eq(
        att_checkpoint_open(&c, inproc_body(&a), &(struct att_checkpoint_keys){.log = key}, NULL),
        ATT_OK);
    size = att_checkpoint_head(c)->tree.size;
    att_checkpoint_free(c);
    inproc_answer_clear(&a);
    return size;
}

/* Tiles and bundles of the tree and no others; %u is the size, then one more. */
static const char *const NOT_THERE[] = {
    "tile/0/000.p/%u",
    "tile/entries/000.p/%u",
    "tile/0/000",
    "tile/entries/000",
    "tile/1/000.p/1",
    "tile/0/001.p/1",
    "tile/entries/001.p/1",
    "tile/0/x036/x028/x797/x018/x963/967",
    "tile/63/000.p/1",
    "tile/0/x999/x999/x999/x999/x999/999",
    "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999",
    "tile/entries/../entries/000.p/1",
    "tile/0/../../checkpoint",
    "tile/0/000.p/../../../../attestd.db",
    "../state/attestd.db",
    "checkpoint/",
    "checkpoint/../checkpoint",
    "checkpoint?size=1",
    "other.test/checkpoint",
    "other.test/tile/0/000.p/1",
    "tile/entries/0",
    "tile/00/000.p/1",
    "tile/0/000.p/01",
    "tile/0/000.p/256",
    "tile/0/000.p/0",
    "",
};

START_TEST(G_18__what_is_not_published_is_not_there)
{
    struct inproc_answer a = {0};
    struct logscene s;
    unsigned int size;
    char path[128];

    logscene_open(&s);
    size = (unsigned int)published_size(&s);
    ck_assert_uint_gt(size, 2);
    ck_assert_uint_lt(size, 255);
    for (size_t i = 0; i < ATT_COUNT(NOT_THERE); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(path, sizeof(path), NOT_THERE[i], size + 1);
#pragma GCC diagnostic pop
        ck_assert_msg(ask(&a, &s, path) == ATT_R_HTTP_ROUTE, "%s: %s", path,
                      att_reason_code(a.reason));
    }
    (void)snprintf(path, sizeof(path), "tile/0/000.p/%u", size);
    ck_assert_int_eq(ask(&a, &s, path), ATT_R_NONE);
    ck_assert_int_eq(a.type, MSG_TYPE_TILE);
    ck_assert_uint_eq(inproc_body(&a).len, size * ATT_MERKLE_LEN);
    inproc_answer_clear(&a);
    logscene_close(&s);
}
END_TEST

START_TEST(G_18__over_http_the_same)
{
    static const char *const GONE[] = {
        "/log/",
        "/log/tile/0/x036/x028/x797/x018/x963/967",
        "/log/../admin/v1/devices",
        "/log/tile/0/../../checkpoint",
        "/log/%2e%2e/checkpoint",
        "/other/log/checkpoint",
        "/log/other.test/checkpoint",
        "/admin/v1/log/checkpoint",
    };
    struct client *c = client_new(attack_service->tls, "127.0.0.1", attack_service->port, NULL);
    struct client_answer a = {0};
    char *before = attack_records();

    for (size_t i = 0; i < ATT_COUNT(GONE); i++) {
        (void)client_request(c, &a, "GET", GONE[i], NULL, att_slice_of(NULL, 0));
        ck_assert_msg(a.status == 404 || a.status == 400, "%s: %d", GONE[i], a.status);
    }
    ck_assert(client_request(c, &a, "POST", "/log/checkpoint", "text/plain", att_slice_str("x")));
    ck_assert_int_eq(a.status, 405);
    ck_assert(client_request(c, &a, "GET", "/log/checkpoint", NULL, att_slice_of(NULL, 0)));
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(a.type, "text/plain");
    attack_same_records(before);
    client_answer_clear(&a);
    client_free(c);
}
END_TEST

/* The keeper's process, by its name. */
static pid_t keeper_pid(void)
{
    DIR *d = opendir("/proc");
    const struct dirent *e;
    pid_t found = 0;

    NEED(d != NULL);
    while ((e = readdir(d)) != NULL) {
        pid_t pid = (pid_t)atoi(e->d_name);
        char path[64], name[32] = "";
        FILE *f;

        if (pid <= 0 || getpgid(pid) != attack_service->pid)
            continue;
        (void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
        f = fopen(path, "r");
        if (f == NULL)
            continue;
        if (fgets(name, sizeof(name), f) != NULL && strcmp(name, "keeper\n") == 0)
            found = pid;
        (void)fclose(f);
    }
    (void)closedir(d);
    NEED(found > 0);
    return found;
}

#define READERS 9 /* one more than a front asks for */

/* Whoever reads the log, and be it many, leaves the keeper to the gateways: one too many is sent away. */
START_TEST(G_18__many_readers_wait_at_the_front)
{
    static const char request[] = "GET /log/checkpoint HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct client *c[READERS];
    struct client_answer a = {0};
    pid_t keeper = keeper_pid();

    for (size_t i = 0; i < READERS; i++) {
        c[i] = client_new(attack_service->tls, "127.0.0.1", attack_service->port, NULL);
        client_set_timeout(c[i], 2000);
        ck_assert(client_connect(c[i]));
    }
    NEED(kill(keeper, SIGSTOP) == 0);
    for (size_t i = 0; i < READERS; i++) {
        ck_assert(client_send(c[i], request, sizeof(request) - 1));
        attack_nap_ms(20);
    }
    (void)client_answer(c[READERS - 1], &a);
    NEED(kill(keeper, SIGCONT) == 0);
    ck_assert_int_eq(a.status, 503);
    for (size_t i = 0; i < READERS - 1; i++) {
        ck_assert(client_answer(c[i], &a));
        ck_assert_int_eq(a.status, 200);
    }
    ck_assert(
        client_request(c[READERS - 1], &a, "GET", "/log/checkpoint", NULL, att_slice_of(NULL, 0)));
    ck_assert_int_eq(a.status, 200);
    for (size_t i = 0; i < READERS; i++)
        client_free(c[i]);
    client_answer_clear(&a);
}
END_TEST

/* The clock is put back: nothing is signed until it has passed the time that was signed, and then it goes on. */
START_TEST(G_20__clock_that_was_put_back)
{
    struct logscene s;
    uint64_t size;
    char *before;
    char *after;

    logscene_open(&s);
    if (_i == 1)
        NEED(inproc_restart(s.v, NULL) == ATT_OK); /* the log remembers, not the process */
    size = published_size(&s);
    before = inproc_dump(s.v);
    inproc_utc_s -= 1;
    inproc_attempt_clear(s.t);
    ck_assert_int_eq(inproc_attest(s.v, &s.gw, s.t), -ATT_R_BUSY);
    ck_assert_uint_eq(published_size(&s), size);
    after = inproc_dump(s.v);
    ck_assert_str_eq(before, after);
    inproc_utc_s += 1;
    ck_assert_int_eq(inproc_commit(s.v, &s.gw, s.t), 200);
    ck_assert_uint_eq(published_size(&s), size + 1);
    free(before);
    free(after);
    logscene_close(&s);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-18", G_18__what_is_not_published_is_not_there, 0, 60},
        {"G-18-http", G_18__over_http_the_same, 0, 0},
        {"G-18-many", G_18__many_readers_wait_at_the_front, 0, 0},
        {"G-20", G_20__clock_that_was_put_back, 2, 60},
    };

    return attack_main("attacks: the published log", rows, ATT_COUNT(rows), NULL);
}
