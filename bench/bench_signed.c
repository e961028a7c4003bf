/*
 * Signed files of the kernel's list, on one core: entries a second with a signature each, beside the signatures
 * alone, by the kind of key; and what a list costs in which nothing is good.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/b64.h"
#include "harness.h"
#include "imasigs.h"
#include "need.h"
#include "policy/ima_signed.h"
#include "softlog.h"

#define FILES   400
#define BAD     20000
#define SIG_MAX 600

struct signed_file {
    uint8_t digest[32];
    uint8_t sig[SIG_MAX]; /* with its header */
    size_t len;
};

struct bench {
    EVP_PKEY *pkey;
    struct att_policy *policy;
    struct signed_file *file; /* FILES */
    struct softlog list;
    uint32_t entries, good;
};

static void make_policy(struct bench *b)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(b->pkey, &der);
    char key[ATT_B64_LEN(SIG_MAX)];
    char text[2048];

    NEED(len > 0);
    (void)att_b64_encode(key, sizeof(key), ATT_B64_STD, att_slice_of(der, (size_t)len));
    (void)snprintf(
        text, sizeof(text),
        "policy: bench\nversion: 1\nrequirements:\n"
        "  - {id: f, severity: fail, title: {en: x, ja: x}, ima_files: {unlisted: fail}}\n"
        "  - {id: s, severity: fail, title: {en: x, ja: x},\n"
        "     ima_signed: {under: [/usr], unsigned: fail, keys: [{key: \"%s\"}]}}\n",
        key);
    NEED(att_policy_parse_yaml(&b->policy, "bench", att_slice_str(text), NULL) == ATT_OK);
    OPENSSL_free(der);
}

static void sign(struct bench *b, struct signed_file *f)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(b->pkey, NULL);
    size_t len = SIG_MAX - 9;

    NEED(EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1);
    NEED(EVP_PKEY_sign(ctx, f->sig + 9, &len, f->digest, 32) == 1);
    memcpy(f->sig, "\3\2\4", 3);
    memcpy(f->sig + 3, b->policy->requirement[1].key[0].id, 4);
    f->sig[7] = (uint8_t)(len >> 8);
    f->sig[8] = (uint8_t)len;
    f->len = len + 9;
    EVP_PKEY_CTX_free(ctx);
}

static void add(struct bench *b, const char *content, struct att_slice sig)
{
    const struct imasigs_entry e = {.template_ = "ima-sig",
                                    .path = "/usr/lib/pkg/lib.so",
                                    .prefix = "sha256:",
                                    .hash = ATT_HASH_SHA256,
                                    .content = content,
                                    .sig = sig};

    imasigs_measure(&b->list, NULL, &e);
    b->entries++;
}

static struct bench *make(EVP_PKEY *pkey)
{
    struct bench *b = calloc(1, sizeof(*b));

    NEED(b != NULL && pkey != NULL);
    b->pkey = pkey;
    b->file = calloc(FILES, sizeof(*b->file));
    NEED(b->file != NULL);
    make_policy(b);
    for (size_t i = 0; i < FILES; i++) {
        char content[32];

        (void)snprintf(content, sizeof(content), "file %zu", i);
        NEED(att_sha256(att_slice_str(content), b->file[i].digest) == ATT_OK);
        sign(b, &b->file[i]);
        add(b, content, att_slice_of(b->file[i].sig, b->file[i].len));
    }
    b->good = b->entries;
    return b;
}

static void judge(void *ctx)
{
    const struct bench *b = ctx;
    ATT_CLEANUP(att_signed_freep) struct att_signed *s = NULL;
    struct att_ima it = att_ima_from(softlog_slice(&b->list));
    struct att_ima_entry e;
    struct att_signed_verdict v;
    bool more = true;
    uint32_t good = 0;

    NEED(att_signed_new(&s, b->policy) == ATT_OK);
    while (att_ima_next(&it, &e, &more, NULL) == ATT_OK && more) {
        const struct att_requirement *r = att_signed_rule(NULL, b->policy, &e);

        NEED(r != NULL && att_signed_judge(&v, s, r, &e) == ATT_OK);
        good += v.reason == ATT_R_NONE ? 1 : 0;
    }
    NEED(good == b->good);
}

/* The same signatures, and nothing else. */
static void bare(void *ctx)
{
    const struct bench *b = ctx;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(b->pkey, NULL);

    NEED(EVP_PKEY_verify_init(c) == 1 && EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1);
    for (size_t i = 0; i < FILES; i++) {
        NEED(EVP_PKEY_verify(c, b->file[i].sig + 9, b->file[i].len - 9, b->file[i].digest, 32) ==
             1);
    }
    EVP_PKEY_CTX_free(c);
}

static double judge_rate(void *ctx)
{
    const struct bench *b = ctx;

    return b->entries * 1e6 / bench_op_us(judge, ctx);
}

static double bare_rate(void *ctx)
{
    return FILES * 1e6 / bench_op_us(bare, ctx);
}

static void drop(struct bench *b)
{
    EVP_PKEY_free(b->pkey);
    att_policy_free(b->policy);
    softlog_free(&b->list);
    free(b->file);
    free(b);
}

static void good_lists(const char *word, EVP_PKEY *pkey)
{
    struct bench *b = make(pkey);
    char name[96];
    double v[5];

    for (size_t k = 0; k < 5; k++) {
        v[k] = judge_rate(b);
    }
    (void)snprintf(name, sizeof(name), "signed IMA entries, %s", word);
    bench_report(&(struct bench_row){name, "1/s", BENCH_AT_LEAST, 500}, bench_median(v, 5), 0);
    (void)snprintf(name, sizeof(name), "signed IMA entries beside their signatures, %s", word);
    (void)bench_pairs(&(struct bench_row){name, "1/s", BENCH_AT_LEAST, 0.8}, judge_rate, bare_rate,
                      b);
    drop(b);
}

/* Only the first bad ones are verified, however many there are. */
static void bad_list(EVP_PKEY *pkey)
{
    static const struct bench_row row = {"20,000 badly signed IMA entries, P-384", "us",
                                         BENCH_AT_MOST, 1000000};
    struct bench *b = make(pkey);
    double v[3];

    softlog_clear(&b->list);
    b->entries = 0;
    b->good = 0;
    for (int i = 0; i < BAD; i++) {
        char content[32];

        (void)snprintf(content, sizeof(content), "other file %d", i);
        add(b, content, att_slice_of(b->file[0].sig, b->file[0].len));
    }
    for (size_t k = 0; k < 3; k++) {
        v[k] = bench_op_us(judge, b);
    }
    bench_report(&row, bench_median(v, 3), 0);
    drop(b);
}

int main(void)
{
    (void)bench_pin(BENCH_FIRST_CORE);
    good_lists("RSA-2048", EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048));
    good_lists("P-256", EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
    good_lists("P-384", EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384"));
    bad_list(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384"));
    return 0;
}
