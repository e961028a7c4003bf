/*
 * Reference values: a million digests mapped, the size of each, and what a fleet of ten thousand devices costs
 * when all of it is judged by one file.
 */
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "appraise/parts.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "harness.h"
#include "need.h"
#include "policy/policy.h"
#include "policy/refval.h"
#include "softlog.h"
#include "tcg/ima.h"

#define DIGESTS 1000000
#define DEVICES 10000
#define FILES   100 /* on the kernel's list of each device */

struct scene {
    char path[64];
    struct att_refvals *refs;
    uint32_t next;
};

static void name_of(char out[48], uint32_t i)
{
    snprintf(out, 48, "/usr/lib/some/folder/file-%u", i);
}

static void digest_of(uint8_t out[32], uint32_t i)
{
    NEED(att_sha256(att_slice_of(&i, sizeof(i)), out) == ATT_OK);
}

static void make_file(struct scene *s)
{
    ATT_CLEANUP(att_refvals_maker_freep) struct att_refvals_maker *m = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *out = NULL;

    NEED(att_refvals_maker_new(&m) == ATT_OK);
    for (uint32_t i = 0; i < DIGESTS; i++) {
        uint8_t digest[32];
        char name[48];

        name_of(name, i);
        digest_of(digest, i);
        NEED(att_refvals_maker_add(m, att_slice_str(name), digest) == ATT_OK);
    }
    NEED(att_refvals_maker_finish(&out, m) == ATT_OK);
    snprintf(s->path, sizeof(s->path), "/tmp/bench-refvals-%d", (int)getpid());
    NEED(att_file_write(s->path, att_buf_slice(out), 0600, NULL) == ATT_OK);
}

static void map_once(void *ctx)
{
    struct scene *s = ctx;
    struct att_refvals *r = NULL;

    NEED(att_refvals_map(&r, s->path, NULL) == ATT_OK);
    att_refvals_free(r);
}

/* What attestd does besides, each time that it loads one. */
static void check_once(void *ctx)
{
    struct scene *s = ctx;

    NEED(att_refvals_check(s->refs, NULL) == ATT_OK);
}

static void look_once(void *ctx)
{
    struct scene *s = ctx;
    struct att_refvals_found found;
    uint8_t digest[32];
    char name[48];

    s->next = (s->next + 7919) % DIGESTS;
    name_of(name, s->next);
    digest_of(digest, s->next);
    NEED(att_refvals_look(&found, s->refs, att_slice_str(name), digest) == ATT_OK);
    NEED(found.same && att_refvals_has(s->refs, digest));
}

static void rows_of_size(const struct scene *s)
{
    static const struct bench_row MAP = {"map a reference set of 1M digests", "us", BENCH_AT_MOST,
                                         1000.0};
    static const struct bench_row SIZE = {"bytes a reference digest, index included", "B",
                                          BENCH_AT_MOST, 40.0};
    static const struct bench_row CHECK = {"check a mapped reference set of 1M digests", "us",
                                           BENCH_TOLD, 0};
    static const struct bench_row LOOK = {"look up one name and digest among 1M", "us", BENCH_TOLD,
                                          0};
    struct stat st;
    struct scene again = *s;

    NEED(stat(s->path, &st) == 0);
    bench_report(&MAP, bench_op_us(map_once, &again), 0);
    bench_report(&CHECK, bench_op_us(check_once, &again), 0);
    bench_report(&SIZE, (double)st.st_size / DIGESTS, 0);
    bench_report(&LOOK, bench_op_us(look_once, &again), 0);
}

static const char POLICY[] =
    "policy: fleet\nversion: 1\nrequirements:\n"
    "  - {id: ima, severity: fail, ima_files: {unlisted: fail}, title: {en: x, ja: x}}\n";

/* The kernel's list of one device: other files than its neighbour's, all of them in the references. */
static void make_list(struct softlog *list, uint32_t device)
{
    for (uint32_t i = 0; i < FILES; i++) {
        uint8_t digest[32];
        char name[48];

        name_of(name, device * FILES + i);
        digest_of(digest, device * FILES + i);
        softlog_ima_digest(list, NULL, i == 0 ? "boot_aggregate" : name, digest);
    }
}

/* One device judged as the service judges it, in a context of its own. */
static void judge_device(const struct scene *s, const struct att_policy *policy, uint32_t device)
{
    static struct att_appraisal_context context;
    static struct att_folded folded;
    static struct att_result room;
    struct softlog list = {0};
    struct att_part_input in = {.context = &context,
                                .policy = policy,
                                .refvals = s->refs,
                                .reset_count = device,
                                .log_max = ATT_IMA_MAX};

    make_list(&list, device);
    in.part = softlog_slice(&list);
    (void)snprintf(context.device_id, sizeof(context.device_id), "gateway-%u",
                   (unsigned int)device);
    NEED(att_part_fold(&folded, &room, &in, NULL) == ATT_OK);
    NEED(folded.carry.ima_judged == FILES - 1 && folded.carry.deviation_count == 0);
    softlog_free(&list);
}

/* Private memory of this process before and after ten thousand devices were judged by one policy and one file. */
static void rows_of_fleet(struct scene *s)
{
    static const struct bench_row GROWTH = {
        "private memory, 10,000 devices by one policy and references", "B", BENCH_AT_MOST, 65536.0};
    struct att_policy *policy = NULL;
    size_t before = 0;
    size_t after = 0;

    NEED(att_policy_parse_yaml(&policy, "fleet", att_slice_str(POLICY), NULL) == ATT_OK);
    for (uint32_t device = 0; device < 10; device++) {
        judge_device(s, policy, device);
    }
    before = bench_process_memory(getpid(), "Private_Dirty:");
    for (uint32_t device = 0; device < DEVICES; device++) {
        judge_device(s, policy, device);
    }
    after = bench_process_memory(getpid(), "Private_Dirty:");
    bench_report(&GROWTH, after > before ? (double)(after - before) : 0, 0);
    att_policy_free(policy);
}

int main(void)
{
    struct scene s = {.next = 0};

    make_file(&s);
    NEED(att_refvals_map(&s.refs, s.path, NULL) == ATT_OK);
    rows_of_size(&s);
    rows_of_fleet(&s);
    att_refvals_free(s.refs);
    NEED(unlink(s.path) == 0);
    return 0;
}
