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

#include "base/file.h"
#include "crypto/digest.h"
#include "harness.h"
#include "need.h"
#include "policy/refval.h"

#define DIGESTS 1000000
#define DEVICES 10000

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
    static const struct bench_row LOOK = {"look up one name and digest among 1M", "us", BENCH_TOLD,
                                          0};
    struct stat st;
    struct scene again = *s;

    NEED(stat(s->path, &st) == 0);
    bench_report(&MAP, bench_op_us(map_once, &again), 0);
    bench_report(&SIZE, (double)st.st_size / DIGESTS, 0);
    bench_report(&LOOK, bench_op_us(look_once, &again), 0);
}

/* Private memory of this process before and after ten thousand devices were judged by the one file. */
static void rows_of_fleet(struct scene *s)
{
    static const struct bench_row GROWTH = {"private memory, 10,000 devices by one reference file",
                                            "B", BENCH_AT_MOST, 65536.0};
    size_t before = 0;
    size_t after = 0;

    look_once(s);
    before = bench_process_memory(getpid(), "Private_Dirty:");
    for (uint32_t device = 0; device < DEVICES; device++) {
        for (int i = 0; i < 10; i++) {
            look_once(s);
        }
    }
    after = bench_process_memory(getpid(), "Private_Dirty:");
    bench_report(&GROWTH, after > before ? (double)(after - before) : 0, 0);
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
