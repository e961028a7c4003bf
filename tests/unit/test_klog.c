/* Logs that grow while they are read: from an offset, in parts, under a cap. */
#include "logs/klog.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char folder[64];
static char path[96];

static void make_folder(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/attest-klog-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/log", folder);
}

static void remove_folder(void)
{
    (void)unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void write_log(size_t len)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    for (size_t i = 0; i < len; i++)
        ck_assert_int_ne(fputc((int)(i % 251), f), EOF);
    ck_assert_int_eq(fclose(f), 0);
}

static void expect_part(const struct hw_log_part *part, uint64_t off, size_t len, bool more)
{
    struct att_slice got = att_buf_slice(part->data);

    ck_assert_uint_eq(part->off, off);
    ck_assert_uint_eq(got.len, len);
    ck_assert_int_eq(part->more, more);
    for (size_t i = 0; i < len; i++)
        ck_assert_uint_eq(got.p[i], (off + i) % 251);
}

/* Both ways of reading give the same of a file; the kernel's logs are why there are two. */
static enum att_err (*const READ[])(struct hw_log_part *, const char *, uint64_t, size_t,
                                    struct att_diag *) = {hw_log_read, hw_log_read_in_order};

START_TEST(log_read__gives_the_rest_from_any_offset)
{
    static const size_t offs[] = {0, 1, 4095, 16384, 49999, 50000};

    write_log(50000);
    for (size_t i = 0; i < ATT_COUNT(offs); i++) {
        ATT_CLEANUP(hw_log_part_free) struct hw_log_part part = {.data = NULL};

        ck_assert_int_eq(READ[_i](&part, path, offs[i], 1U << 20, NULL), ATT_OK);
        expect_part(&part, offs[i], 50000 - offs[i], false);
    }
}
END_TEST

START_TEST(log_read__stops_at_the_cap_and_says_so)
{
    static const size_t caps[] = {1, 100, 16384, 16385, 49999};

    write_log(50000);
    for (size_t i = 0; i < ATT_COUNT(caps); i++) {
        ATT_CLEANUP(hw_log_part_free) struct hw_log_part part = {.data = NULL};

        ck_assert_int_eq(READ[_i](&part, path, 0, caps[i], NULL), ATT_OK);
        expect_part(&part, 0, caps[i], true);
        hw_log_part_free(&part);
        ck_assert_int_eq(READ[_i](&part, path, 50000 - caps[i], caps[i], NULL), ATT_OK);
        expect_part(&part, 50000 - caps[i], caps[i], false);
    }
    {
        ATT_CLEANUP(hw_log_part_free) struct hw_log_part part = {.data = NULL};

        ck_assert_int_eq(hw_log_read(&part, path, 0, 50000, NULL), ATT_OK);
        expect_part(&part, 0, 50000, false);
    }
}
END_TEST

START_TEST(log_read__refuses_a_log_that_became_shorter)
{
    struct hw_log_part part = {.data = NULL};
    struct att_diag diag;

    write_log(1000);
    ck_assert_int_eq(READ[_i](&part, path, 1001, 4096, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_FILE);
    ck_assert_int_eq(READ[_i](&part, path, UINT64_MAX, 4096, &diag), ATT_E_IO);
    write_log(0);
    ck_assert_int_eq(READ[_i](&part, path, 1, 4096, &diag), ATT_E_MISMATCH);
    ck_assert_ptr_null(part.data);
}
END_TEST

START_TEST(log_read__refuses_what_is_no_file)
{
    struct hw_log_part part = {.data = NULL};
    struct att_diag diag;

    ck_assert_int_eq(hw_log_read(&part, path, 0, 4096, &diag), ATT_E_NOT_FOUND);
    ck_assert_int_eq(hw_log_read(&part, "/dev/zero", 0, 4096, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(hw_log_read(&part, folder, 0, 4096, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(hw_log_read(&part, path, 0, 4096, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(unlink(path), 0);
    if (geteuid() != 0) {
        write_log(10);
        ck_assert_int_eq(chmod(path, 0), 0);
        ck_assert_int_eq(hw_log_read(&part, path, 0, 4096, &diag), ATT_E_DENIED);
    }
    ck_assert_ptr_null(part.data);
}
END_TEST

/* The kernel's pseudo files say that they have no bytes, and give them a page at a time. */
START_TEST(log_read__reads_pseudo_files_of_size_zero)
{
    struct hw_log_part whole = {.data = NULL}, rest = {.data = NULL};

    if (access("/proc/kallsyms", R_OK) != 0)
        return; /* a sandbox without it */

    ck_assert_int_eq(hw_log_read(&whole, "/proc/kallsyms", 0, 1U << 26, NULL), ATT_OK);
    ck_assert_uint_gt(att_buf_len(whole.data), 65536);
    ck_assert(!whole.more);
    ck_assert_int_eq(hw_log_read(&rest, "/proc/kallsyms", 5000, 1U << 26, NULL), ATT_OK);
    ck_assert_uint_eq(att_buf_len(rest.data), att_buf_len(whole.data) - 5000);
    ck_assert_mem_eq(att_buf_slice(rest.data).p, att_buf_slice(whole.data).p + 5000, 4096);
    hw_log_part_free(&whole);
    hw_log_part_free(&rest);
}
END_TEST

static void *grow(void *unused)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    uint8_t byte;

    (void)unused;
    for (size_t i = 0; i < 20000; i++) {
        byte = (uint8_t)(i % 251);
        if (write(fd, &byte, 1) != 1)
            break;
    }
    (void)close(fd);
    return NULL;
}

START_TEST(log_read__follows_a_log_that_grows)
{
    pthread_t writer;
    uint64_t off = 0;

    write_log(0);
    ck_assert_int_eq(pthread_create(&writer, NULL, grow, NULL), 0);
    while (off < 20000) {
        struct hw_log_part part = {.data = NULL};

        ck_assert_int_eq(hw_log_read(&part, path, off, 777, NULL), ATT_OK);
        expect_part(&part, off, att_buf_len(part.data), part.more);
        off += att_buf_len(part.data);
        hw_log_part_free(&part);
    }
    ck_assert_int_eq(pthread_join(writer, NULL), 0);
    ck_assert_uint_eq(off, 20000);
}
END_TEST

/* From one end to the other, in steps of any size, also when it grows at its end. */
START_TEST(log_next__goes_on_where_it_stood)
{
    struct hw_log_stream s;
    uint8_t bytes[7001];
    uint64_t off = 3;
    size_t got = sizeof(bytes);

    write_log(50000);
    ck_assert_int_eq(hw_log_begin(&s, path, off, NULL), ATT_OK);
    while (got == sizeof(bytes)) {
        ck_assert_int_eq(hw_log_next(&s, bytes, sizeof(bytes), &got, path, NULL), ATT_OK);
        for (size_t i = 0; i < got; i++)
            ck_assert_uint_eq(bytes[i], (off + i) % 251);
        off += got;
        ck_assert_uint_eq(s.off, off);
    }
    ck_assert_uint_eq(off, 50000);
    write_log(50010);
    ck_assert_int_eq(hw_log_next(&s, bytes, sizeof(bytes), &got, path, NULL), ATT_OK);
    ck_assert_uint_eq(got, 10);
    hw_log_end(&s);
    ck_assert_int_eq(hw_log_begin(&s, path, 50011, NULL), ATT_E_MISMATCH);
    ck_assert_int_eq(hw_log_begin(&s, folder, 0, NULL), ATT_E_FORMAT);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("klog");
    TCase *t = tcase_create("klog");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_loop_test(t, log_read__gives_the_rest_from_any_offset, 0, 2);
    tcase_add_loop_test(t, log_read__stops_at_the_cap_and_says_so, 0, 2);
    tcase_add_loop_test(t, log_read__refuses_a_log_that_became_shorter, 0, 2);
    tcase_add_test(t, log_read__refuses_what_is_no_file);
    tcase_add_test(t, log_read__reads_pseudo_files_of_size_zero);
    tcase_add_test(t, log_read__follows_a_log_that_grows);
    tcase_add_test(t, log_next__goes_on_where_it_stood);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(suite());
    int failed;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
