/* The verifier's processes: what each holds, and what happens when one of them ends. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"
#include "evidence/profile.h"
#include "need.h"

enum { FRONT, APPRAISER, KEEPER, CHILDREN };

static pid_t parent_of(pid_t pid)
{
    char path[64];
    char text[512];
    const char *at;
    int parent = 0;
    size_t n;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    f = fopen(path, "r");
    if (f == NULL) {
        return 0;
    }
    n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    at = strrchr(text, ')'); /* the name may hold anything */
    return at != NULL && sscanf(at, ") %*c %d", &parent) == 1 ? parent : 0;
}

static int by_number(const void *a, const void *b)
{
    return *(const pid_t *)a < *(const pid_t *)b ? -1 : 1;
}

/* In the order of their forks. */
static size_t children_of(pid_t pid, pid_t *out, size_t cap)
{
    DIR *d = opendir("/proc");
    struct dirent *e;
    size_t count = 0;

    NEED(d != NULL);
    while ((e = readdir(d)) != NULL && count < cap) {
        int child = atoi(e->d_name);

        if (child > 0 && parent_of(child) == pid) {
            out[count++] = child;
        }
    }
    closedir(d);
    qsort(out, count, sizeof(*out), by_number);
    return count;
}

static struct service *started(const char *limits, int fronts)
{
    const struct service_options options = {.limits = limits, .fronts = fronts};
    struct service *s = service_new(&options);

    service_start(s);
    attack_service = s;
    return s;
}

/* A master has no child for the moment in which a worker is replaced. */
static pid_t only_child_of(pid_t pid)
{
    pid_t child = 0;

    for (int tries = 0; tries < 3000 && children_of(pid, &child, 1) != 1; tries++) {
        attack_nap_ms(10);
    }
    ck_assert_int_gt(child, 0);
    return child;
}

static pid_t worker_of(const struct service *s)
{
    pid_t child[CHILDREN] = {0};

    ck_assert_uint_eq(children_of(s->pid, child, CHILDREN), CHILDREN);
    return only_child_of(child[APPRAISER]);
}

static int attest(struct gateway *g)
{
    struct gateway_attempt *a = calloc(1, sizeof(*a));
    int status;

    NEED(a != NULL);
    status = gateway_attest(g, a);
    gateway_attempt_clear(a);
    free(a);
    return status;
}

struct sending {
    struct gateway *g;
    struct gateway_attempt a;
    int status;
};

static void *send_it(void *arg)
{
    struct sending *s = arg;

    s->status = gateway_send(s->g, &s->a);
    return NULL;
}

/* What a worker was asked when it died is asked of the next one; nobody is told. */
START_TEST(appraiser__killed_worker_is_replaced_and_its_work_done)
{
    struct service *s = started(NULL, 1);
    struct sending *m = calloc(1, sizeof(*m));
    pid_t worker;
    pthread_t thread;

    NEED(m != NULL);
    m->g = attack_gateway("killed");
    ck_assert_int_eq(gateway_prepare(m->g, &m->a), 201);
    worker = worker_of(s);
    ck_assert_int_eq(kill(worker, SIGSTOP), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, send_it, m), 0);
    attack_nap_ms(200);
    ck_assert_int_eq(kill(worker, SIGKILL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(m->status, 200);
    ck_assert_int_ne(worker_of(s), worker);
    gateway_attempt_clear(&m->a);
    gateway_free(m->g);
    free(m);
    service_free(s);
}
END_TEST

START_TEST(appraiser__worker_is_replaced_after_its_share)
{
    struct service *s = started("{appraiser_evidences: 2}", 1);
    struct gateway *g = attack_gateway("share");
    pid_t first = worker_of(s);

    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(attest(g), 200);
    }
    attack_nap_ms(50);
    ck_assert_int_ne(worker_of(s), first);
    gateway_free(g);
    service_free(s);
}
END_TEST

/* Malformed evidence costs its worker, and nobody else anything. */
START_TEST(appraiser__worker_is_replaced_after_malformed_evidence)
{
    struct service *s = started(NULL, 1);
    struct gateway *g = attack_gateway("malformed");
    struct gateway_attempt *a = calloc(1, sizeof(*a));
    pid_t first = worker_of(s);
    struct client_answer answer = {0};

    NEED(a != NULL);
    ck_assert_int_eq(gateway_session(g, a), 201);
    client_request(g->client, &answer, "POST", a->path, ATT_TYPE_EVIDENCE, att_slice_str("no"));
    attack_refused(&answer, 400, "E_FMT_EVIDENCE");
    attack_nap_ms(100);
    ck_assert_int_ne(worker_of(s), first);
    /* The challenge is still good, and its context is asked for again. */
    gateway_measure(g, a);
    gateway_sign(g, a);
    gateway_seal(g, a);
    ck_assert_int_eq(gateway_send(g, a), 200);
    ck_assert_int_eq(attest(g), 200);
    client_answer_clear(&answer);
    gateway_attempt_clear(a);
    free(a);
    gateway_free(g);
    service_free(s);
}
END_TEST

static bool gone(pid_t pid)
{
    for (int i = 0; i < 500; i++) {
        if (kill(pid, 0) != 0 && errno == ESRCH) {
            return true;
        }
        attack_nap_ms(10);
    }
    return false;
}

/* A dead front, appraiser or keeper ends all with a status that the service manager acts on. */
START_TEST(supervisor__ends_all_when_one_has_died)
{
    struct service *s = started(NULL, 1);
    pid_t child[CHILDREN] = {0};
    int status = 0;

    ck_assert_uint_eq(children_of(s->pid, child, CHILDREN), CHILDREN);
    ck_assert_int_eq(kill(child[_i], SIGKILL), 0);
    ck_assert_int_eq(waitpid(s->pid, &status, 0), s->pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 70);
    for (size_t i = 0; i < CHILDREN; i++) {
        ck_assert(gone(child[i]));
    }
    s->pid = 0;
    service_free(s);
}
END_TEST

START_TEST(supervisor__is_outlived_by_nobody)
{
    struct service *s = started(NULL, 2);
    pid_t child[8] = {0};
    pid_t worker[2] = {0};
    size_t count = children_of(s->pid, child, 8);

    ck_assert_uint_eq(count, 5); /* two fronts, two appraisers, the keeper */
    worker[0] = only_child_of(child[2]);
    worker[1] = only_child_of(child[3]);
    ck_assert_int_eq(kill(s->pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(s->pid, NULL, 0), s->pid);
    for (size_t i = 0; i < count; i++) {
        ck_assert(gone(child[i]));
    }
    ck_assert(gone(worker[0]) && gone(worker[1]));
    s->pid = 0;
    service_free(s);
}
END_TEST

START_TEST(fronts__share_the_work)
{
    struct service *s = started(NULL, 2);

    for (int i = 0; i < 4; i++) {
        char id[16];
        struct gateway *g;

        snprintf(id, sizeof(id), "shared-%d", i);
        g = attack_gateway(id);
        client_close(g->client);
        ck_assert_int_eq(attest(g), 200);
        gateway_free(g);
    }
    service_free(s);
}
END_TEST

/* How many descriptors of a process lead to something whose name starts so. */
static size_t descriptors(pid_t pid, const char *prefix)
{
    char path[64];
    char link[512];
    char target[256];
    size_t count = 0;
    DIR *d;
    struct dirent *e;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    d = opendir(path);
    ck_assert_msg(d != NULL, "%s", path);
    while ((e = readdir(d)) != NULL) {
        ssize_t n;

        snprintf(link, sizeof(link), "%s/%s", path, e->d_name);
        n = readlink(link, target, sizeof(target) - 1);
        if (n > 0) {
            target[n] = '\0';
            count += strncmp(target, prefix, strlen(prefix)) == 0 ? 1 : 0;
        }
    }
    closedir(d);
    return count;
}

static size_t status_number(pid_t pid, const char *key)
{
    char path[64];
    char line[256];
    size_t value = (size_t)-1;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    f = fopen(path, "r");
    ck_assert(f != NULL);
    while (fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            value = strtoul(line + strlen(key) + 1, NULL, 10);
        }
    }
    fclose(f);
    return value;
}

/* Only root may look into a process that gives no dumps; its own user may not. */
static void check_descriptors(const struct service *s, const pid_t *child, pid_t worker)
{
    if (geteuid() != 0) {
        char path[64];

        snprintf(path, sizeof(path), "/proc/%d/fd", (int)worker);
        ck_assert_ptr_null(opendir(path));
        ck_assert_int_eq(errno, EACCES);
        return;
    }
    /* Standard output and error are a file of the folder in this test. */
    ck_assert_uint_eq(descriptors(child[FRONT], s->dir), 2);
    ck_assert_uint_eq(descriptors(worker, s->dir), 2);
    ck_assert_uint_ge(descriptors(child[KEEPER], s->dir), 3);
    ck_assert_uint_eq(descriptors(worker, "socket:"), 1);
    ck_assert_uint_eq(descriptors(child[APPRAISER], "socket:"), 1);
    ck_assert_uint_eq(descriptors(child[KEEPER], "socket:"), 1);
}

/* Nobody holds what is another's: the database is the keeper's, the clients are the front's. */
START_TEST(processes__hold_only_what_is_theirs)
{
    struct service *s = started(NULL, 1);
    pid_t child[CHILDREN] = {0};
    pid_t worker = worker_of(s);

    ck_assert_uint_eq(children_of(s->pid, child, CHILDREN), CHILDREN);
    check_descriptors(s, child, worker);
    for (size_t i = 0; i < CHILDREN; i++) {
        ck_assert_uint_eq(status_number(child[i], "NoNewPrivs:"), 1);
    }
    ck_assert_uint_eq(status_number(worker, "NoNewPrivs:"), 1);
    service_free(s);
}
END_TEST

/* Stopped while gateways attest: whoever was told something was told the truth, and it stops in time. */
START_TEST(supervisor__stops_under_load)
{
    struct service *s = started(NULL, 1);
    struct sending *m = calloc(1, sizeof(*m));
    pid_t pid = s->pid;
    int status = 0;
    pthread_t thread;

    NEED(m != NULL);
    m->g = attack_gateway("stopped");
    ck_assert_int_eq(gateway_prepare(m->g, &m->a), 201);
    ck_assert_int_eq(kill(worker_of(s), SIGSTOP), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, send_it, m), 0);
    attack_nap_ms(100);
    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    attack_nap_ms(100);
    ck_assert_int_eq(kill(worker_of(s), SIGCONT), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(m->status, 200);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    s->pid = 0;
    gateway_attempt_clear(&m->a);
    gateway_free(m->g);
    free(m);
    service_free(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("process");
    TCase *tc = tcase_create("process");
    SRunner *runner = NULL;
    int failed = 0;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, appraiser__killed_worker_is_replaced_and_its_work_done);
    tcase_add_test(tc, appraiser__worker_is_replaced_after_its_share);
    tcase_add_test(tc, appraiser__worker_is_replaced_after_malformed_evidence);
    tcase_add_loop_test(tc, supervisor__ends_all_when_one_has_died, FRONT, CHILDREN);
    tcase_add_test(tc, supervisor__is_outlived_by_nobody);
    tcase_add_test(tc, fronts__share_the_work);
    tcase_add_test(tc, processes__hold_only_what_is_theirs);
    tcase_add_test(tc, supervisor__stops_under_load);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
