/*
 * The audit of a published log beside what nobody can leave out of it.
 *
 * ours   attestctl log audit over a folder: entries per second of processor time, and its resident memory
 * limit  for each entry one SHA-256 over its bytes (the leaf) and one ECDSA P-256 check, key and context kept
 *
 * The log is made here by the code that makes real ones: AUDIT_ENTRIES of them (100000), of 10000 gateways, four a
 * second, each gateway's label renewed before it ends.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "loghouse.h"
#include "need.h"

#define GATEWAYS     10000
#define PER_SECOND   4
#define TBS_BYTES    560 /* what the signature of an entry covers, about */
#define LIMIT_CHECKS 5000

struct audited {
    struct loghouse h;
    uint64_t entries;
    size_t entry_len;
    long max_kib;
    EVP_PKEY *key;
    uint8_t entry[4096], sig[80];
    size_t sig_len;
};

static void make_log(struct audited *s)
{
    loghouse_open(&s->h);
    for (uint64_t i = 0; i < s->entries; i++) {
        if (i < GATEWAYS)
            loghouse_enrol(&s->h, (uint32_t)i);
        else
            loghouse_attest(&s->h, (uint32_t)(i % GATEWAYS));
        s->h.utc -= i % PER_SECOND != 0 ? 1 : 0;
    }
    loghouse_sign(&s->h);
}

/* The bytes of one entry of the log, and a signature of that much. */
static void make_limit(struct audited *s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = loghouse_read(&s->h, "tile/entries/001");
    struct att_slice entry[ATT_TILE_WIDTH];
    EVP_MD_CTX *md = EVP_MD_CTX_new();

    NEED(att_bundle_parse(entry, att_buf_slice(file), ATT_TILE_WIDTH, NULL) == ATT_OK);
    s->entry_len = entry[0].len;
    NEED(s->entry_len <= sizeof(s->entry) && s->entry_len > TBS_BYTES / 2);
    memcpy(s->entry, entry[0].p, s->entry_len);
    s->key = EVP_EC_gen("P-256");
    s->sig_len = sizeof(s->sig);
    NEED(md != NULL && s->key != NULL);
    NEED(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, s->key) == 1);
    NEED(EVP_DigestSign(md, s->sig, &s->sig_len, s->entry, s->entry_len) == 1);
    EVP_MD_CTX_free(md);
}

static double limit_rate(void *ctx)
{
    struct audited *s = ctx;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    EVP_MD_CTX *leaf = EVP_MD_CTX_new();
    double before = bench_cpu_s();

    NEED(md != NULL && leaf != NULL && sha256 != NULL);
    for (int i = 0; i < LIMIT_CHECKS; i++) {
        uint8_t digest[32];

        NEED(EVP_DigestInit_ex(leaf, sha256, NULL) == 1);
        NEED(EVP_DigestUpdate(leaf, s->entry, s->entry_len) == 1);
        NEED(EVP_DigestFinal_ex(leaf, digest, NULL) == 1);
        NEED(EVP_DigestVerifyInit(md, NULL, sha256, NULL, s->key) == 1);
        NEED(EVP_DigestVerify(md, s->sig, s->sig_len, s->entry, s->entry_len) == 1);
    }
    EVP_MD_CTX_free(md);
    EVP_MD_CTX_free(leaf);
    EVP_MD_free(sha256);
    return LIMIT_CHECKS / (bench_cpu_s() - before);
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* One audit by the real program. */
static double ours_rate(void *ctx)
{
    struct audited *s = ctx;
    char program[512];
    struct rusage used;
    int status = 0;
    pid_t pid;

    NEED(getenv("BUILD") != NULL);
    (void)snprintf(program, sizeof(program), "%s/attestctl", getenv("BUILD"));
    pid = fork();
    NEED(pid >= 0);
    if (pid == 0) {
        execl(program, "attestctl", "log", "audit", s->h.log, "--quiet", "--trust", s->h.trust,
              (char *)NULL);
        _exit(127);
    }
    NEED(wait4(pid, &status, 0, &used) == pid);
    NEED(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    s->max_kib = used.ru_maxrss > s->max_kib ? used.ru_maxrss : s->max_kib;
    return (double)s->entries / (seconds(used.ru_utime) + seconds(used.ru_stime));
}

int main(void)
{
    static struct audited s;
    const char *entries = getenv("AUDIT_ENTRIES");
    char name[64];
    struct bench_row rate = {name, "1/s", BENCH_AT_LEAST, 0.60};
    const struct bench_row memory = {"audit, resident memory", "MiB", BENCH_AT_MOST, 64};

    s.entries = entries != NULL && entries[0] != '\0' ? strtoull(entries, NULL, 10) : 100000;
    NEED(s.entries >= 2 * ATT_TILE_WIDTH);
    make_log(&s);
    make_limit(&s);
    (void)snprintf(name, sizeof(name), "audit of %llu entries", (unsigned long long)s.entries);
    (void)bench_pairs(&rate, ours_rate, limit_rate, &s);
    bench_report(&memory, (double)s.max_kib / 1024, 0);
    EVP_PKEY_free(s.key);
    loghouse_close(&s.h);
    return 0;
}
