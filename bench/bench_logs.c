/*
 * Measurement logs: an IMA list of 100,000 entries in one bank beside the hashing that it asks for, the
 * same list beside a short one, and a firmware log of 100 events.
 */
#include <stdio.h>

#include <openssl/evp.h>

#include "harness.h"
#include "need.h"
#include "softlog.h"
#include "tcg/evlog.h"
#include "tcg/ima.h"

#define LONG_LIST  100000
#define SHORT_LIST 1000
#define EVENTS     99
#define EVENT_LEN  280

struct scene {
    struct softlog long_list, short_list, boot;
    EVP_MD *sha256;
    EVP_MD_CTX *md;
    struct att_slice *template_data; /* of the long list */
};

static void make_list(struct softlog *log, int count)
{
    for (int i = 0; i < count; i++) {
        char path[96];

        snprintf(path, sizeof(path), "/usr/lib/x86_64-linux-gnu/package-%d/libname.so.%d", i,
                 i % 7);
        softlog_ima(log, NULL, path, att_slice_str(path));
    }
}

static void make_boot(struct softlog *log)
{
    uint8_t data[EVENT_LEN] = {0};

    for (uint32_t i = 0; i < EVENTS; i++) {
        data[0] = (uint8_t)i;
        softlog_uefi(log, NULL, i % 8, 0x80000001U, att_slice_of(data, sizeof(data)));
    }
}

static void find_templates(struct scene *s)
{
    struct att_ima it = att_ima_from(softlog_slice(&s->long_list));
    struct att_ima_entry e;
    bool more = true;

    s->template_data = calloc(LONG_LIST, sizeof(*s->template_data));
    NEED(s->template_data != NULL);
    for (size_t i = 0; i < LONG_LIST; i++) {
        NEED(att_ima_next(&it, &e, &more, NULL) == ATT_OK && more);
        s->template_data[i] = e.template_data;
    }
}

static void replay(const struct softlog *log, uint32_t expected)
{
    static const enum att_hash bank = ATT_HASH_SHA256;
    struct att_pcr_values values;
    uint32_t entries = 0;

    NEED(att_ima_replay(&values, softlog_slice(log), &bank, 1, false, &entries, NULL) == ATT_OK);
    NEED(entries == expected);
}

static void replay_long(void *ctx)
{
    const struct scene *s = ctx;

    replay(&s->long_list, LONG_LIST);
}

static void replay_short(void *ctx)
{
    const struct scene *s = ctx;

    replay(&s->short_list, SHORT_LIST);
}

static void hash(const struct scene *s, const void *in, size_t len, uint8_t *out)
{
    NEED(EVP_DigestInit_ex2(s->md, s->sha256, NULL) == 1);
    NEED(EVP_DigestUpdate(s->md, in, len) == 1 && EVP_DigestFinal_ex(s->md, out, NULL) == 1);
}

/* The same template bytes and extends, already found. */
static void bare(void *ctx)
{
    const struct scene *s = ctx;
    uint8_t both[64] = {0};

    for (size_t i = 0; i < LONG_LIST; i++) {
        hash(s, s->template_data[i].p, s->template_data[i].len, both + 32);
        hash(s, both, sizeof(both), both);
    }
}

static double per_long(bench_op *op, void *ctx)
{
    return LONG_LIST * 1e6 / bench_op_us(op, ctx);
}

static double long_rate(void *ctx)
{
    return per_long(replay_long, ctx);
}

static double bare_rate(void *ctx)
{
    return per_long(bare, ctx);
}

static double short_rate(void *ctx)
{
    return SHORT_LIST * 1e6 / bench_op_us(replay_short, ctx);
}

static void firmware_log(void *ctx)
{
    const struct scene *s = ctx;
    ATT_CLEANUP(att_evlog_freep) struct att_evlog *log = NULL;
    struct att_pcr_values values;

    NEED(att_evlog_parse(&log, softlog_slice(&s->boot), NULL) == ATT_OK);
    NEED(att_evlog_count(log) == EVENTS + 1 && att_evlog_replay(&values, log, NULL) == ATT_OK);
}

int main(void)
{
    static const struct bench_row list = {"IMA entries beside their hashes", "1/s", BENCH_AT_LEAST,
                                          0.5};
    static const struct bench_row growth = {"IMA entries at 100,000 beside 1,000", "1/s",
                                            BENCH_AT_LEAST, 0.667};
    static const struct bench_row boot = {"firmware log of 100 events, three banks", "us",
                                          BENCH_TOLD, 0};
    static struct scene s;

    make_list(&s.long_list, LONG_LIST);
    make_list(&s.short_list, SHORT_LIST);
    make_boot(&s.boot);
    s.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    s.md = EVP_MD_CTX_new();
    NEED(s.sha256 != NULL && s.md != NULL);
    find_templates(&s);
    bench_pairs(&list, long_rate, bare_rate, &s);
    bench_pairs(&growth, long_rate, short_rate, &s);
    bench_report(&boot, bench_op_us(firmware_log, &s), 0);
    free(s.template_data);
    EVP_MD_CTX_free(s.md);
    EVP_MD_free(s.sha256);
    softlog_free(&s.long_list);
    softlog_free(&s.short_list);
    softlog_free(&s.boot);
    return 0;
}
