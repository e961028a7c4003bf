/* Attack matrix 4.3, rows that need no service: reading logs in pieces, and names that are matched slowly elsewhere. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "appraise/items_internal.h"
#include "logs/klog.h"
#include "need.h"
#include "softlog.h"
#include "tcg/ima.h"

/* ---- L-26: the kernel's pseudo files give what they like --------------------------------------- */

static size_t piece = SIZE_MAX; /* bytes that one read gives at most */
static const char *grows;       /* a file that gains bytes with each read, or NULL */
static struct att_slice growth;
static int growths;

/*
 * In place of the C library's: short reads, and a writer that is as fast as the reader. By its symbol,
 * since the fortified header defines the name itself.
 */
ssize_t read_in_pieces(int fd, void *to, size_t len, off_t off) __asm__("pread");

ssize_t read_in_pieces(int fd, void *to, size_t len, off_t off)
{
    if (grows != NULL && growths > 0) {
        int out = open(grows, O_WRONLY | O_APPEND | O_CLOEXEC);

        NEED(out >= 0 && write(out, growth.p, growth.len) == (ssize_t)growth.len);
        close(out);
        growths--;
    }
    return syscall(SYS_pread64, fd, to, len < piece ? len : piece, off);
}

static char path[] = "/tmp/attest-l26-XXXXXX";

static void make_list(struct softlog *log, size_t entries)
{
    size_t i;

    for (i = 0; i < entries; i++) {
        char name[64];

        snprintf(name, sizeof(name), "/usr/lib/lib%zu.so", i);
        softlog_ima(log, NULL, name, att_slice_str(name));
    }
}

static void write_list(const struct softlog *log)
{
    int fd = mkstemp(path);

    NEED(fd >= 0 && write(fd, log->p, log->len) == (ssize_t)log->len && close(fd) == 0);
}

static uint32_t entries_of(struct att_slice in, struct att_pcr_values *values)
{
    static const enum att_hash bank = ATT_HASH_SHA256;
    uint32_t entries = 0;

    ck_assert_int_eq(att_ima_replay(values, in, &bank, 1, false, &entries, NULL), ATT_OK);
    return entries;
}

START_TEST(L_26__short_reads_give_the_same_list)
{
    static const size_t PIECE[] = {1, 4095, 4096, 16384};
    struct softlog log = {0};
    struct att_pcr_values whole;
    struct att_pcr_values read;
    ATT_CLEANUP(hw_log_part_free) struct hw_log_part part = {.data = NULL};

    make_list(&log, 600);
    write_list(&log);
    piece = PIECE[_i];
    ck_assert_int_eq(hw_log_read(&part, path, 0, ATT_IMA_MAX, NULL), ATT_OK);
    piece = SIZE_MAX;
    ck_assert(!part.more);
    ck_assert(att_slice_eq(att_buf_slice(part.data), softlog_slice(&log)));
    ck_assert_uint_eq(entries_of(softlog_slice(&log), &whole),
                      entries_of(att_buf_slice(part.data), &read));
    ck_assert_mem_eq(&whole, &read, sizeof(whole));
    unlink(path);
    softlog_free(&log);
}
END_TEST

/* What was read is a beginning of what the log became, at the end of an entry, and goes on from there. */
START_TEST(L_26__list_that_grows_meanwhile_is_a_whole_beginning)
{
    struct softlog log = {0};
    struct softlog more = {0};
    struct att_pcr_values values;
    ATT_CLEANUP(hw_log_part_free) struct hw_log_part part = {.data = NULL};
    ATT_CLEANUP(hw_log_part_free) struct hw_log_part rest = {.data = NULL};

    make_list(&log, 300);
    make_list(&more, 1);
    write_list(&log);
    piece = 100;
    grows = path;
    growth = softlog_slice(&more);
    growths = 50;
    ck_assert_int_eq(hw_log_read(&part, path, 0, ATT_IMA_MAX, NULL), ATT_OK);
    piece = SIZE_MAX;
    ck_assert_uint_eq(entries_of(att_buf_slice(part.data), &values), 350);
    growths = 1;
    ck_assert_int_eq(hw_log_read(&rest, path, att_buf_len(part.data), ATT_IMA_MAX, NULL), ATT_OK);
    grows = NULL;
    ck_assert_uint_eq(entries_of(att_buf_slice(rest.data), &values), 1);
    unlink(path);
    softlog_free(&log);
    softlog_free(&more);
}
END_TEST

/* ---- L-30: patterns ---------------------------------------------------------------------------- */

static double microseconds(const struct att_requirement *r, struct att_slice name)
{
    struct timespec from;
    struct timespec to;
    int i;

    NEED(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from) == 0);
    for (i = 0; i < 100; i++) {
        ck_assert(!att_requirement_covers(r, name));
    }
    NEED(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to) == 0);
    return ((double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3) /
           100;
}

/* Names are covered by prefixes, never by patterns: what backtracks elsewhere is compared once. */
START_TEST(L_30__name_is_matched_in_linear_time)
{
    static char name[4097];
    static char prefix[ATT_POLICY_NAMES_MAX][4096];
    char *names[ATT_POLICY_NAMES_MAX];
    const struct att_requirement r = {.name_count = ATT_POLICY_NAMES_MAX, .name = names};
    size_t i;

    memset(name, 'a', sizeof(name) - 1);
    for (i = 0; i < ATT_POLICY_NAMES_MAX; i++) {
        memset(prefix[i], 'a', sizeof(prefix[i]) - 1);
        prefix[i][sizeof(prefix[i]) - 2] = _i == 0 ? 'b' : '*';
        if (_i == 1) {
            memcpy(prefix[i], "(a+)+$", 6);
        }
        names[i] = prefix[i];
    }
    ck_assert_double_le(microseconds(&r, att_slice_str(name)), 1000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("attacks: reading logs");
    SRunner *r = NULL;
    TCase *read = tcase_create("L-26");
    TCase *grow = tcase_create("L-26-grows");
    TCase *match = tcase_create("L-30");
    int failed;

    tcase_add_loop_test(read, L_26__short_reads_give_the_same_list, 0, 4);
    tcase_add_test(grow, L_26__list_that_grows_meanwhile_is_a_whole_beginning);
    tcase_add_loop_test(match, L_30__name_is_matched_in_linear_time, 0, 2);
    suite_add_tcase(s, read);
    suite_add_tcase(s, grow);
    suite_add_tcase(s, match);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
