/*
 * Measurement logs, on one core: IMA lists of a thousand to a million entries parsed, replayed in one and
 * two banks and judged against 100,000 reference digests, beside the hashing alone that this asks for; what
 * ten new entries cost on a long list; and a firmware log parsed, replayed and judged.
 *
 * Lists are judged as the service judges one that comes in parts.
 *
 *   bench_logs --memory LIST REFERENCES    one judgement of a list in a file: the peak of memory, for a row
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "appraise/bootlog.h"
#include "appraise/parts.h"
#include "base/file.h"
#include "harness.h"
#include "need.h"
#include "policy/policy.h"
#include "policy/refval.h"
#include "scene.h"
#include "softlog.h"
#include "tcg/evlog.h"
#include "tcg/ima.h"

#define REFERENCES 100000
#define SIZES      4
#define EVENTS     99
#define EVENT_LEN  280
#define PART       ((size_t)4 << 20) /* bytes of a list that one message holds */
#define MIB        1048576.0

#define POLICY                                                                                     \
    "policy: bench\nversion: 1\nrequirements:\n"                                                   \
    "  - {id: own, severity: fail, own_items: {under: [/etc]}, title: {en: x, ja: x}}\n"           \
    "  - {id: ima, severity: fail, ima_files: {unlisted: fail}, title: {en: x, ja: x}}\n"

static const uint32_t SIZE[SIZES] = {1000, 10000, 100000, 1000000};
static const enum att_hash BANKS[2] = {ATT_HASH_SHA256, ATT_HASH_SHA384};

struct list {
    struct att_slice bytes; /* the first entries of the longest */
    uint32_t count;
};

struct bench {
    struct softlog longest, boot;
    struct list list[SIZES];
    struct att_buf *refs_bytes;
    struct att_refvals *refs;
    EVP_MD *md[2];
    EVP_MD_CTX *ctx[2];
    struct att_slice *template_data; /* of the longest */
    const struct list *now;
    size_t banks;
};

static void name_of(char out[64], uint32_t i)
{
    (void)snprintf(out, 64, "/usr/lib/pkg-%u/lib.so.%u", (unsigned int)i % REFERENCES,
                   (unsigned int)i % 7);
}

static void make_lists(struct bench *b)
{
    size_t at = 0;

    for (uint32_t i = 0; i < SIZE[SIZES - 1]; i++) {
        char path[64];
        char content[64];

        if (i == SIZE[at]) {
            b->list[at++].bytes.len = b->longest.len;
        }
        name_of(path, i);
        name_of(content, i % REFERENCES);
        softlog_ima(&b->longest, NULL, i == 0 ? "boot_aggregate" : path, att_slice_str(content));
    }
    b->list[at].bytes.len = b->longest.len;
    for (size_t i = 0; i < SIZES; i++) {
        b->list[i].bytes.p = b->longest.p;
        b->list[i].count = SIZE[i];
    }
}

static void make_references(struct bench *b)
{
    ATT_CLEANUP(att_refvals_maker_freep) struct att_refvals_maker *m = NULL;

    NEED(att_refvals_maker_new(&m) == ATT_OK);
    for (uint32_t i = 0; i < REFERENCES; i++) {
        char path[64];
        uint8_t digest[32];

        name_of(path, i);
        NEED(att_sha256(att_slice_str(path), digest) == ATT_OK);
        NEED(att_refvals_maker_add(m, att_slice_str(path), digest) == ATT_OK);
    }
    NEED(att_refvals_maker_finish(&b->refs_bytes, m) == ATT_OK);
    NEED(att_refvals_open(&b->refs, att_buf_slice(b->refs_bytes), NULL) == ATT_OK);
}

static void find_templates(struct bench *b)
{
    struct att_ima it = att_ima_from(softlog_slice(&b->longest));
    struct att_ima_entry e;
    bool more = true;

    b->template_data = calloc(SIZE[SIZES - 1], sizeof(*b->template_data));
    NEED(b->template_data != NULL);
    for (size_t i = 0; i < SIZE[SIZES - 1]; i++) {
        NEED(att_ima_next(&it, &e, &more, NULL) == ATT_OK && more);
        b->template_data[i] = e.template_data;
    }
}

/* The rules of a list's judgement, and where it stands; the structs are large. */
static struct att_policy *list_policy;
static struct att_appraisal_context context;
static struct att_folded folded;
static struct att_result room;

/* As the service does it: in parts of what one message holds, each replayed and judged in the policy's bank. */
static void judge_list(const struct list *l, const struct att_refvals *refs)
{
    struct att_part_input in = {
        .context = &context, .policy = list_policy, .refvals = refs, .log_max = ATT_IMA_MAX};

    memset(&context, 0, sizeof(context));
    while (in.off < l->bytes.len) {
        size_t left = l->bytes.len - (size_t)in.off;

        in.part = att_slice_of(l->bytes.p + in.off, left < PART ? left : PART);
        NEED(att_part_fold(&folded, &room, &in, NULL) == ATT_OK && folded.parts.off > in.off);
        context.parts = folded.parts;
        context.seen = folded.seen;
        context.carry = folded.carry;
        context.windows = folded.windows;
        in.off = folded.parts.off;
    }
    NEED(folded.parts.count == l->count && folded.carry.ima_judged == l->count - 1);
    NEED(folded.carry.deviation_count == 0); /* every file has its reference value */
}

static void judge(void *ctx)
{
    const struct bench *b = ctx;
    struct att_pcr_values values;

    judge_list(b->now, b->refs);
    if (b->banks > 1) {
        NEED(att_ima_replay(&values, b->now->bytes, &BANKS[1], 1, false, NULL, NULL) == ATT_OK);
    }
}

static void hash(const struct bench *b, size_t bank, const void *in, size_t len, uint8_t *out)
{
    NEED(EVP_DigestInit_ex2(b->ctx[bank], b->md[bank], NULL) == 1);
    NEED(EVP_DigestUpdate(b->ctx[bank], in, len) == 1 &&
         EVP_DigestFinal_ex(b->ctx[bank], out, NULL) == 1);
}

/* The same template bytes and extends, already found, and nothing else. */
static void bare(void *ctx)
{
    const struct bench *b = ctx;

    for (size_t bank = 0; bank < b->banks; bank++) {
        size_t size = att_hash_size(BANKS[bank]);
        uint8_t both[2 * ATT_HASH_MAX] = {0};

        for (size_t i = 0; i < b->now->count; i++) {
            hash(b, bank, b->template_data[i].p, b->template_data[i].len, both + size);
            hash(b, bank, both, 2 * size, both);
        }
    }
}

static double rate(bench_op *op, void *ctx)
{
    const struct bench *b = ctx;

    return b->now->count * 1e6 / bench_op_us(op, ctx);
}

static double judge_rate(void *ctx)
{
    return rate(judge, ctx);
}

static double bare_rate(void *ctx)
{
    return rate(bare, ctx);
}

/* Per entry: the longest list beside the shortest. */
static double shortest_rate(void *ctx)
{
    struct bench b = *(const struct bench *)ctx;

    b.now = &b.list[0];
    return rate(judge, &b);
}

static void lists(struct bench *b)
{
    static const double GOAL[2] = {1e6, 7e5};
    static const char *const WORD[2] = {"one bank", "two banks"};
    char name[96];

    for (size_t banks = 1; banks <= 2; banks++) {
        struct bench_row beside = {
            .name = name, .unit = "1/s", .bound = BENCH_AT_LEAST, .goal = 0.5};
        struct bench_row alone = {
            .name = name, .unit = "1/s", .bound = BENCH_AT_LEAST, .goal = GOAL[banks - 1]};

        b->banks = banks;
        for (size_t i = 0; i < SIZES; i++) {
            double v[5];

            b->now = &b->list[i];
            for (size_t k = 0; k < 5; k++) {
                v[k] = judge_rate(b);
            }
            (void)snprintf(name, sizeof(name), "IMA list of %u judged, %s", (unsigned int)SIZE[i],
                           WORD[banks - 1]);
            bench_report(&alone, bench_median(v, 5), 0);
            (void)snprintf(name, sizeof(name), "IMA list of %u beside its hashes, %s",
                           (unsigned int)SIZE[i], WORD[banks - 1]);
            (void)bench_pairs(&beside, judge_rate, bare_rate, b);
        }
    }
    (void)snprintf(name, sizeof(name), "IMA entry at 1,000,000 beside 1,000, two banks");
    (void)bench_pairs(&(struct bench_row){name, "1/s", BENCH_AT_LEAST, 0.667}, judge_rate,
                      shortest_rate, b);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static int measure_memory(const char *list, const char *refs)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    ATT_CLEANUP(att_refvals_freep) struct att_refvals *r = NULL;
    char line[256];
    long kib = 0;
    FILE *f = NULL;

    NEED(att_file_read(&bytes, list, ATT_IMA_MAX, NULL) == ATT_OK);
    NEED(att_refvals_map(&r, refs, NULL) == ATT_OK);
    judge_list(&(struct list){att_buf_slice(bytes), SIZE[SIZES - 1]}, r);
    /* getrusage would tell the peak of whoever started us, too */
    f = fopen("/proc/self/status", "r");
    NEED(f != NULL);
    while (kib == 0 && fgets(line, sizeof(line), f) != NULL) {
        (void)sscanf(line, "VmHWM: %ld", &kib);
    }
    (void)fclose(f);
    NEED(kib > 0);
    printf("%ld\n", kib);
    return 0;
}

static void memory(const struct bench *b, const char *self)
{
    static const struct bench_row row = {"IMA list of 1,000,000: peak memory above it", "MiB",
                                         BENCH_AT_MOST, 16};
    char dir[] = "/tmp/attest-bench-XXXXXX";
    char list[64];
    char refs[64];
    char command[512];
    long kib = 0;
    FILE *f = NULL;

    NEED(mkdtemp(dir) != NULL);
    (void)snprintf(list, sizeof(list), "%s/list", dir);
    (void)snprintf(refs, sizeof(refs), "%s/refs", dir);
    NEED(att_file_write(list, softlog_slice(&b->longest), 0600, NULL) == ATT_OK);
    NEED(att_file_write(refs, att_buf_slice(b->refs_bytes), 0600, NULL) == ATT_OK);
    (void)snprintf(command, sizeof(command), "%s --memory %s %s", self, list, refs);
    f = popen(command, "r");
    NEED(f != NULL && fscanf(f, "%ld", &kib) == 1 && pclose(f) == 0);
    bench_report(&row, (double)kib * 1024 / MIB - (double)b->longest.len / MIB, 0);
    (void)remove(list);
    (void)remove(refs);
    (void)rmdir(dir);
}

/* ---- what is new ----------------------------------------------------------------------------- */

static const struct scene_reference KNOWN[] = {{"/etc/a.conf", "a = 1\n"},
                                               {"/etc/b.conf", "b = 2\n"},
                                               {"/usr/bin/tool", "tool"},
                                               {NULL, NULL}};

static void judge_scene(void *ctx)
{
    struct scene *s = ctx;

    NEED(scene_judge(s) == ATT_OK);
    s->prior.clock.clock_ms = 0; /* the same evidence again, for the clock too */
}

/* Evidence with ten new entries, on a list of a million that was judged before; quote and label aside. */
static void ten_more(void)
{
    static const struct bench_row row = {"ten new IMA entries on 1,000,000, whole evidence", "us",
                                         BENCH_AT_MOST, 1000};
    struct scene *s = scene_new(POLICY, KNOWN);
    struct att_boot_state prior;
    struct att_carry carry;
    struct att_log_offsets from;
    double v[5];

    softlog_ima_boot_aggregate(&s->ima, s->tpm);
    for (uint32_t i = 0; i < 1000000; i++) {
        softlog_ima(&s->ima, s->tpm, "/usr/bin/tool", att_slice_str("tool"));
    }
    s->prior.known = true;
    s->prior.clock = s->tpm->clock;
    s->prior.clock.clock_ms = 0;
    s->prior.firmware_version = s->tpm->firmware_version;
    s->prior.log[ATT_LOG_IMA].known = true;
    s->prior.log[ATT_LOG_IMA].off = s->ima.len;
    s->prior.log[ATT_LOG_IMA].count = 1000001;
    memcpy(s->prior.log[ATT_LOG_IMA].pcr, softtpm_pcr(s->tpm, ATT_HASH_SHA256, 10), 32);
    s->from.off[ATT_LOG_IMA] = s->ima.len;
    s->carry.known = true;
    s->carry.ima_judged = 1000000;
    memcpy(s->carry.policy_digest, s->policy->digest, 32);
    memcpy(s->carry.refvals_digest, att_refvals_digest(s->refs), 32);
    for (int i = 0; i < 10; i++) {
        softlog_ima(&s->ima, s->tpm, "/usr/bin/tool", att_slice_str("tool"));
    }
    scene_measure(s, NULL);
    prior = s->prior;
    carry = s->carry;
    from = s->from;
    for (size_t k = 0; k < 5; k++) {
        double start = bench_cpu_s();

        for (int i = 0; i < 50; i++) {
            s->prior = prior;
            s->carry = carry;
            s->from = from;
            judge_scene(s);
        }
        v[k] = (bench_cpu_s() - start) * 1e6 / 50;
    }
    NEED(s->result->status == ATT_TIER_AFFIRMING && s->result->carry.ima_judged == 1000010);
    bench_report(&row, bench_median(v, 5), 0);
    scene_free(s);
}

/* The whole way of a first contact: verified and appraised, as much as one evidence holds. */
static void first_contact(void)
{
    static const struct bench_row row = {"IMA entries of a first contact, whole evidence", "1/s",
                                         BENCH_AT_LEAST, 1e6};
    enum { COUNT = 60000 };
    struct scene *s = scene_new(POLICY, KNOWN);
    struct att_boot_state prior = s->prior;
    struct att_log_offsets from;
    double v[5];

    softlog_ima_boot_aggregate(&s->ima, s->tpm);
    for (uint32_t i = 0; i < COUNT; i++) {
        char path[64];

        name_of(path, i);
        softlog_ima(&s->ima, s->tpm, path, att_slice_str("tool"));
    }
    scene_measure(s, NULL);
    from = s->from;
    for (size_t k = 0; k < 5; k++) {
        double start = bench_cpu_s();

        for (int i = 0; i < 5; i++) {
            s->prior = prior;
            s->from = from;
            judge_scene(s);
        }
        v[k] = COUNT * 5 / (bench_cpu_s() - start);
    }
    NEED(s->result->status == ATT_TIER_AFFIRMING && s->result->carry.ima_judged == COUNT);
    bench_report(&row, bench_median(v, 5), 0);
    scene_free(s);
}

/* ---- firmware log ---------------------------------------------------------------------------- */

static void make_boot(struct softlog *log)
{
    uint8_t data[EVENT_LEN] = {0};

    for (uint32_t i = 0; i < EVENTS - 8; i++) {
        data[0] = (uint8_t)i;
        softlog_uefi(log, NULL, i % 8, 0x80000001U, att_slice_of(data, sizeof(data)));
    }
    memset(data, 0, 4);
    for (uint32_t pcr = 0; pcr < 8; pcr++) {
        softlog_uefi(log, NULL, pcr, 4, att_slice_of(data, 4));
    }
}

static void firmware_log(void *ctx)
{
    const struct bench *b = ctx;
    const struct att_boot_rules rules = {.bank = ATT_HASH_SHA256, .pcrs = 0xff};
    ATT_CLEANUP(att_evlog_freep) struct att_evlog *log = NULL;
    struct att_pcr_values values;
    struct att_boot_findings found;
    enum att_boot_claim claim;

    NEED(att_evlog_parse(&log, softlog_slice(&b->boot), NULL) == ATT_OK);
    NEED(att_evlog_count(log) == EVENTS + 1 && att_evlog_replay(&values, log, NULL) == ATT_OK);
    NEED(att_bootlog_check(&found, log, &rules) == ATT_OK && found.count == 0);
    NEED(att_bootlog_secure_boot(&claim, log, &rules) == ATT_OK);
    for (uint32_t pcr = 0; pcr < 8; pcr++) {
        struct att_refvals_found listed;
        char name[32];

        (void)snprintf(name, sizeof(name), "pcr/sha256/%u", (unsigned int)pcr);
        NEED(att_refvals_look(&listed, b->refs, att_slice_str(name),
                              att_pcr_bank_find(&values, ATT_HASH_SHA256)->value[pcr]) == ATT_OK);
    }
}

int main(int argc, char **argv)
{
    static const struct bench_row boot = {"firmware log of 100 events judged, three banks", "us",
                                          BENCH_AT_MOST, 100};
    static struct bench b;

    NEED(att_policy_parse_yaml(&list_policy, "bench", att_slice_str(POLICY), NULL) == ATT_OK);
    if (argc == 4 && strcmp(argv[1], "--memory") == 0) {
        return measure_memory(argv[2], argv[3]);
    }
    (void)bench_pin(BENCH_LAST_CORE);
    make_lists(&b);
    make_references(&b);
    make_boot(&b.boot);
    for (size_t i = 0; i < 2; i++) {
        b.md[i] = EVP_MD_fetch(NULL, i == 0 ? "SHA256" : "SHA384", NULL);
        b.ctx[i] = EVP_MD_CTX_new();
        NEED(b.md[i] != NULL && b.ctx[i] != NULL);
    }
    find_templates(&b);
    lists(&b);
    memory(&b, argv[0]);
    ten_more();
    first_contact();
    bench_report(&boot, bench_op_us(firmware_log, &b), 0);
    for (size_t i = 0; i < 2; i++) {
        EVP_MD_CTX_free(b.ctx[i]);
        EVP_MD_free(b.md[i]);
    }
    free(b.template_data);
    att_policy_free(list_policy);
    att_refvals_free(b.refs);
    att_buf_free(b.refs_bytes);
    softlog_free(&b.longest);
    softlog_free(&b.boot);
    return 0;
}
