/*
 * What a partner pays for one answer: processor time of "attestctl bundle verify" with the start of the process,
 * beside a program that only starts, loads libcrypto and verifies one ES256 signature under a chain of two
 * certificates (alone/es256.c). The two are started in turn, so that a load on the machine falls on both.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "appraise/bundle.h"
#include "base/clock.h"
#include "base/file.h"
#include "harness.h"
#include "inproc.h"
#include "need.h"

#define RUNS 20 /* in one sample */

/* Paths of the two programs and of what they are given. */
struct scene {
    struct inproc *v;
    char ours[256], limit[256], at[ATT_TIME_TEXT];
    char bundle[96], trust[96], chain[96], signature[96], label[96];
};

static double seconds(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           1e-6 * (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

/* Milliseconds of processor time for one run, which must say yes. */
static double run(char *const *argv)
{
    struct rusage before, after;
    int status = -1;

    NEED(getrusage(RUSAGE_CHILDREN, &before) == 0);
    for (int i = 0; i < RUNS; i++) {
        pid_t pid = fork();

        NEED(pid >= 0);
        if (pid == 0) {
            (void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
            (void)execv(argv[0], argv);
            _exit(127);
        }
        NEED(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    NEED(getrusage(RUSAGE_CHILDREN, &after) == 0);
    return 1e3 * (seconds(&after) - seconds(&before)) / RUNS;
}

static double ours(void *ctx)
{
    struct scene *s = ctx;
    char verb[][8] = {"--trust", "bundle", "verify", "--at"};
    char *const argv[] = {s->ours, verb[0], s->trust,  verb[1], verb[2],
                          verb[3], s->at,   s->bundle, NULL};

    return run(argv);
}

static double limit(void *ctx)
{
    struct scene *s = ctx;
    char *const argv[] = {s->limit, s->chain, s->signature, s->label, NULL};

    return run(argv);
}

static void write_file(const char *path, struct att_slice in)
{
    NEED(att_file_write(path, in, 0600, NULL) == ATT_OK);
}

/* By the key of the labels, over the bytes of one. */
static void write_signature(const struct scene *s, struct att_slice label)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY *key = NULL;
    uint8_t sig[128];
    size_t len = sizeof(sig);
    char path[128];
    FILE *in = NULL;

    (void)snprintf(path, sizeof(path), "%s/label.key", s->v->dir);
    in = fopen(path, "r");
    NEED(in != NULL && md != NULL);
    key = PEM_read_PrivateKey(in, NULL, NULL, NULL);
    (void)fclose(in);
    NEED(key != NULL && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1);
    NEED(EVP_DigestSign(md, sig, &len, label.p, label.len) == 1);
    write_file(s->signature, att_slice_of(sig, len));
    write_file(s->label, label);
    EVP_PKEY_free(key);
    EVP_MD_CTX_free(md);
}

/* Leaf and root in one file. */
static void write_chain(const struct scene *s)
{
    static const char *const names[] = {"label.pem", "label-root.pem"};
    struct att_buf *out = NULL;

    NEED(att_buf_new(&out, 65536) == ATT_OK);
    for (size_t i = 0; i < ATT_COUNT(names); i++) {
        struct att_buf *pem = NULL;
        char path[128];

        (void)snprintf(path, sizeof(path), "%s/%s", s->v->dir, names[i]);
        NEED(att_file_read(&pem, path, 65536, NULL) == ATT_OK);
        NEED(att_buf_add_slice(out, att_buf_slice(pem)) == ATT_OK);
        att_buf_free(pem);
    }
    write_file(s->chain, att_buf_slice(out));
    att_buf_free(out);
}

static struct att_buf *ask(struct inproc *v, const struct msg *m)
{
    struct inproc_answer a = {0};
    struct att_buf *body = NULL;

    inproc_ask(v, m, &a, false);
    NEED(a.http == 200);
    body = a.body;
    a.body = NULL;
    inproc_answer_clear(&a);
    return body;
}

/* One gateway's label with the checkpoint of its log and its status list. */
static void make_bundle(struct scene *s)
{
    const struct msg list_of = {.kind = MSG_STATUS_LIST, .number = 1};
    const struct msg head_of = {.kind = MSG_LOG, .path = att_slice_str("checkpoint")};
    struct inproc_attempt *t = calloc(1, sizeof(*t));
    struct inproc_gateway gw;
    struct att_bundle_file b = {0};
    struct att_buf *list = NULL;
    struct att_buf *head = NULL;
    struct att_buf *out = NULL;
    char token[64];

    NEED(t != NULL);
    inproc_gateway_new(&gw, s->v, "gw-1", true);
    inproc_token(s->v, "gw-1", token);
    NEED(inproc_enrol(s->v, &gw, token) == ATT_R_NONE && inproc_attest(s->v, &gw, t) == 200);
    list = ask(s->v, &list_of);
    head = ask(s->v, &head_of);
    b.label = t->outcome.label;
    b.checkpoint = att_buf_slice(head);
    b.status = att_buf_slice(list);
    NEED(att_bundle_file_encode(&out, &b) == ATT_OK);
    write_file(s->bundle, att_buf_slice(out));
    write_signature(s, b.label);
    att_buf_free(out);
    att_buf_free(list);
    att_buf_free(head);
    inproc_attempt_clear(t);
    inproc_gateway_free(&gw);
    free(t);
}

static void open_scene(struct scene *s)
{
    const char *build = getenv("BUILD");
    const char *dir = NULL;

    s->v = inproc_new();
    dir = s->v->dir;
    build = build != NULL ? build : "build/release";
    (void)snprintf(s->ours, sizeof(s->ours), "%s/attestctl", build);
    (void)snprintf(s->limit, sizeof(s->limit), "%s/bench/alone/es256", build);
    (void)snprintf(s->bundle, sizeof(s->bundle), "%s/one.bundle", dir);
    (void)snprintf(s->trust, sizeof(s->trust), "%s/trust", dir);
    (void)snprintf(s->chain, sizeof(s->chain), "%s/chain", dir);
    (void)snprintf(s->signature, sizeof(s->signature), "%s/signature", dir);
    (void)snprintf(s->label, sizeof(s->label), "%s/one.label", dir);
    (void)att_time_print(s->at, sizeof(s->at), inproc_utc_s);
    write_chain(s);
    make_bundle(s);
}

int main(void)
{
    static const struct bench_row row = {"bundle verify, one label, process start included", "ms",
                                         BENCH_AT_MOST, 2.0};
    static struct scene s;

    open_scene(&s);
    (void)ours(&s); /* pages are in memory from now on */
    (void)limit(&s);
    (void)bench_pairs(&row, ours, limit, &s);
    inproc_free(s.v);
    return 0;
}
