/* The own log and its PCR on a real software TPM, through power cuts at every step. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/measurer/ownstore.h"
#include "agent/measurer/ownstore_internal.h"
#include "base/file.h"
#include "swtpm.h"
#include "tcg/ownlog.h"

#define PCR 13U

static struct swtpm *tpm;
static char dir[64];

static void setup(void)
{
    tpm = swtpm_new_blank();
    strcpy(dir, "/tmp/test-ownstore-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
    char command[96];

    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
    swtpm_free(tpm);
}

static struct hw_tpm *tpm_open(void)
{
    struct hw_tpm *t = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(hw_tpm_open(&t, swtpm_tcti(tpm), &diag) == ATT_OK, "%s", diag.text);
    return t;
}

/* What the store says when it opens now. */
static enum att_err try_open(struct own_store **out, struct hw_tpm *t, struct att_diag *diag)
{
    *out = NULL;
    return own_store_open(out, dir, PCR, t, diag);
}

static enum own_found opens(void)
{
    struct hw_tpm *t = tpm_open();
    struct own_store *s = NULL;
    struct att_diag diag = {0};
    enum own_found found = OWN_EQUAL;

    ck_assert_msg(try_open(&s, t, &diag) == ATT_OK, "%s", diag.text);
    found = own_store_found(s);
    own_store_free(s);
    hw_tpm_close(t);
    return found;
}

static void refuses(enum att_reason reason)
{
    struct hw_tpm *t = tpm_open();
    struct own_store *s = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(try_open(&s, t, &diag), ATT_E_MISMATCH);
    ck_assert_msg(diag.reason == reason, "%s: %s", att_reason_code(diag.reason), diag.text);
    ck_assert_ptr_null(s);
    hw_tpm_close(t);
}

static struct table *rows(int count, uint8_t fill)
{
    struct table *t = NULL;

    ck_assert_int_eq(table_new(&t), ATT_OK);
    for (int i = 0; i < count; i++) {
        struct table_row *r = NULL;
        char name[32];

        (void)snprintf(name, sizeof(name), "/f/%04d", i);
        ck_assert_int_eq(table_add(t, att_slice_str(name), &r), ATT_OK);
        r->type = ATT_OWN_FILE;
        r->has_digest = true;
        memset(r->digest, fill, sizeof(r->digest));
    }
    return t;
}

static enum att_err append(int count, uint8_t fill)
{
    struct hw_tpm *t = tpm_open();
    struct own_store *s = NULL;
    struct table *r = rows(count, fill);
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    ck_assert_msg(try_open(&s, t, &diag) == ATT_OK, "%s", diag.text);
    err = own_store_append(s, r, &diag);
    table_free(r);
    own_store_free(s);
    hw_tpm_close(t);
    return err;
}

/* The one log in the folder. */
static void log_path(char *out, size_t cap)
{
    struct hw_tpm *t = tpm_open();
    struct att_clock_info clock;

    ck_assert_int_eq(hw_tpm_clock(&clock, t, NULL), ATT_OK);
    (void)snprintf(out, cap, "%s/own-%u-%u.cel", dir, clock.reset_count, clock.restart_count);
    hw_tpm_close(t);
}

static struct att_buf *log_bytes(void)
{
    struct att_buf *b = NULL;
    char path[128];

    log_path(path, sizeof(path));
    ck_assert_int_eq(att_file_read(&b, path, ATT_OWN_LOG_MAX, NULL), ATT_OK);
    return b;
}

/* Does a verifier who has the log alone come to the TPM's value, in every bank? */
static uint32_t replays_to_the_pcr(void)
{
    struct att_buf *log = log_bytes();
    struct hw_tpm *t = tpm_open();
    struct att_pcr_values want = {0};
    struct att_pcr_values got = {0};
    struct att_pcr_selection sel = {0};
    struct att_diag diag = {0};
    uint32_t records = 0;

    ck_assert_msg(att_own_replay(&got, att_buf_slice(log), &records, &diag) == ATT_OK, "%s",
                  diag.text);
    ck_assert_uint_ge(got.count, 1);
    sel.count = got.count;
    for (uint32_t i = 0; i < got.count; i++) {
        sel.sel[i] = (struct att_pcr_sel){.bank = got.bank[i].bank, .mask = 1U << PCR, .size = 3};
    }
    ck_assert_int_eq(hw_tpm_pcr_read(&want, t, &sel, NULL), ATT_OK);
    for (uint32_t i = 0; i < got.count; i++) {
        const struct att_pcr_bank *b = att_pcr_bank_find(&want, got.bank[i].bank);

        ck_assert_mem_eq(b->value[PCR], got.bank[i].value[PCR], att_hash_size(b->bank));
    }
    hw_tpm_close(t);
    att_buf_free(log);
    return records;
}

START_TEST(own_store__starts_a_log_and_goes_on_with_it)
{
    struct stat st;
    char path[128];

    ck_assert_int_eq(opens(), OWN_NEW_BOOT);
    ck_assert_uint_eq(replays_to_the_pcr(), 1);
    ck_assert_int_eq(opens(), OWN_EQUAL);
    ck_assert_int_eq(append(3, 1), ATT_OK);
    ck_assert_int_eq(append(2, 2), ATT_OK);
    ck_assert_int_eq(opens(), OWN_EQUAL);
    ck_assert_uint_eq(replays_to_the_pcr(), 3);
    log_path(path, sizeof(path));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(own_store__says_last_what_was_written_last)
{
    struct hw_tpm *t = NULL;
    struct own_store *s = NULL;
    struct table *said = NULL;

    ck_assert_int_eq(append(600, 1), ATT_OK); /* two records */
    ck_assert_int_eq(append(2, 2), ATT_OK);
    ck_assert_uint_eq(replays_to_the_pcr(), 4);
    t = tpm_open();
    ck_assert_int_eq(try_open(&s, t, NULL), ATT_OK);
    ck_assert_int_eq(own_store_table(&said, s, NULL), ATT_OK);
    ck_assert_uint_eq(table_count(said), 600);
    ck_assert_int_eq(table_find(said, att_slice_str("/f/0001"))->digest[5], 2);
    ck_assert_int_eq(table_find(said, att_slice_str("/f/0002"))->digest[5], 1);
    table_free(said);
    own_store_free(s);
    hw_tpm_close(t);
}
END_TEST

static int cut_after; /* steps that still happen */

static void cut(enum own_step step)
{
    (void)step;
    if (--cut_after == 0) {
        (void)kill(getpid(), SIGKILL);
    }
}

/* Steps 1-3 are the boot record's (written, synced, extended), 4-6 and 7-9 those of two item records. */
START_TEST(own_store__survives_a_kill_at_every_step)
{
    int step = _i;
    int in_record = (step - 1) % 3;
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        cut_after = step;
        own_store_on_step = cut;
        (void)append(600, 7);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_assert_int_eq(opens(), in_record == 2 ? OWN_EQUAL : OWN_EXTENDED_LAST);
    ck_assert_uint_eq(replays_to_the_pcr(), (uint32_t)(step - 1) / 3 + 1);
    ck_assert_int_eq(opens(), OWN_EQUAL);
    ck_assert_int_eq(append(1, 8), ATT_OK);
    (void)replays_to_the_pcr();
}
END_TEST

/* The disk lost power inside a write: any number of bytes of the next record may be there. */
START_TEST(own_store__cuts_a_torn_end)
{
    struct att_buf *log = NULL;
    char path[128];
    size_t len = 0;
    int fd = -1;

    ck_assert_int_eq(append(3, 1), ATT_OK);
    log_path(path, sizeof(path));
    log = log_bytes();
    len = att_buf_len(log);
    fd = open(path, O_WRONLY | O_APPEND);
    ck_assert_int_eq(write(fd, att_buf_slice(log).p, (size_t)_i), _i);
    close(fd);
    ck_assert_int_eq(opens(), OWN_CUT_TORN);
    att_buf_free(log);
    log = log_bytes();
    ck_assert_uint_eq(att_buf_len(log), len);
    att_buf_free(log);
    ck_assert_uint_eq(replays_to_the_pcr(), 2);
    ck_assert_int_eq(append(1, 2), ATT_OK);
    ck_assert_uint_eq(replays_to_the_pcr(), 3);
}
END_TEST

/* Power went between making the file and its first record, or inside that record. */
START_TEST(own_store__starts_again_from_a_torn_beginning)
{
    char path[128];
    int fd = -1;

    log_path(path, sizeof(path));
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, "\xa4\x00\x00\x01", 4 * (_i == 1)), 4 * (_i == 1));
    close(fd);
    (void)opens();
    ck_assert_uint_eq(replays_to_the_pcr(), 1);
    ck_assert_int_eq(append(1, 1), ATT_OK);
    ck_assert_uint_eq(replays_to_the_pcr(), 2);
}
END_TEST

START_TEST(own_store__refuses_a_strangers_extend)
{
    struct att_buf *before = NULL;
    struct att_buf *after = NULL;

    ck_assert_int_eq(append(3, 1), ATT_OK);
    before = log_bytes();
    ck_assert_int_eq(swtpm_tool(tpm, "tpm2_pcrextend %u:sha256=%064d", PCR, 5), 0);
    refuses(ATT_R_OWN_FOREIGN);
    after = log_bytes();
    ck_assert(att_slice_eq(att_buf_slice(before), att_buf_slice(after)));
    att_buf_free(before);
    att_buf_free(after);
}
END_TEST

/* Only in a bank that the verifier does not quote: still seen. */
START_TEST(own_store__refuses_an_extend_of_another_bank)
{
    ck_assert_int_eq(append(3, 1), ATT_OK);
    ck_assert_int_eq(swtpm_tool(tpm, "tpm2_pcrextend %u:sha1=%040d", PCR, 5), 0);
    refuses(ATT_R_OWN_FOREIGN);
}
END_TEST

START_TEST(own_store__refuses_a_pcr_that_was_used_before_it)
{
    char path[128];

    hw_tpm_close(tpm_open()); /* starts the TPM up */
    ck_assert_int_eq(swtpm_tool(tpm, "tpm2_pcrextend %u:sha256=%064d", PCR, 5), 0);
    refuses(ATT_R_OWN_FOREIGN);
    log_path(path, sizeof(path));
    ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(own_store__refuses_when_the_log_is_gone)
{
    char path[128];

    ck_assert_int_eq(append(3, 1), ATT_OK);
    log_path(path, sizeof(path));
    ck_assert_int_eq(unlink(path), 0);
    refuses(ATT_R_OWN_FOREIGN);
}
END_TEST

static const enum att_hash banks[] = {ATT_HASH_SHA1, ATT_HASH_SHA256, ATT_HASH_SHA384,
                                      ATT_HASH_SHA512};

/* One whole record at the end of the log that the TPM never heard of. */
static void write_record(uint64_t recnum, struct att_slice content, size_t bank_count)
{
    struct att_hasher *h = NULL;
    uint8_t record[2048];
    struct att_wr w = att_wr_into(record, sizeof(record));
    char path[128];
    int fd = -1;

    ck_assert_int_eq(att_hasher_new(&h), ATT_OK);
    ck_assert_int_eq(att_own_record_write(&w, recnum, PCR, banks, bank_count, content, h), ATT_OK);
    log_path(path, sizeof(path));
    fd = open(path, O_WRONLY | O_APPEND);
    ck_assert_int_eq(write(fd, record, w.len), (ssize_t)w.len);
    close(fd);
    att_hasher_free(h);
}

static struct att_slice one_item(uint8_t *room, size_t cap)
{
    struct att_own_item item = {.type = ATT_OWN_ABSENT, .name = att_slice_str("/x")};
    struct att_wr w = att_wr_into(room, cap);
    struct att_slice all;

    ck_assert_int_eq(att_own_items_content(&w, &item, 1), ATT_OK);
    ck_assert_int_eq(att_wr_done(&w, &all), ATT_OK);
    return all;
}

/* Whole records at the end that were never extended: no power cut leaves two of them. */
START_TEST(own_store__refuses_a_log_that_is_far_ahead)
{
    uint8_t content[256];

    ck_assert_int_eq(append(3, 1), ATT_OK);
    write_record(2, one_item(content, sizeof(content)), 4);
    write_record(3, one_item(content, sizeof(content)), 4);
    refuses(ATT_R_OWN_LOG);
}
END_TEST

/* own_pcr was changed in the configuration: the log of one PCR is not extended into another. */
START_TEST(own_store__does_not_extend_the_log_of_another_pcr)
{
    struct hw_tpm *t = NULL;
    struct own_store *s = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(opens(), OWN_NEW_BOOT);
    t = tpm_open();
    ck_assert_int_eq(own_store_open(&s, dir, PCR - 1, t, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_OWN_LOG);
    hw_tpm_close(t);
}
END_TEST

/* Somebody made a bank active or wrote a record of his own: it would be extended in part only. */
START_TEST(own_store__does_not_extend_a_record_without_every_bank)
{
    uint8_t content[256];

    ck_assert_int_eq(append(3, 1), ATT_OK);
    write_record(2, one_item(content, sizeof(content)), 2);
    refuses(ATT_R_OWN_LOG);
}
END_TEST

START_TEST(own_store__does_not_extend_a_boot_record_that_starts_elsewhere)
{
    uint8_t content[1024];
    struct att_wr w = att_wr_into(content, sizeof(content));
    struct att_own_boot boot = {
        .reset_count = 1, .restart_count = 1, .boot_id = "01234567-89ab-4def-8123-456789abcdef"};
    struct att_slice all;

    ck_assert_int_eq(append(3, 1), ATT_OK);
    for (size_t i = 0; i < ATT_COUNT(banks); i++) {
        att_pcr_bank_add(&boot.start, banks[i])->has = 1U << PCR; /* from zero, in mid-log */
    }
    ck_assert_int_eq(att_own_boot_content(&w, &boot), ATT_OK);
    ck_assert_int_eq(att_wr_done(&w, &all), ATT_OK);
    write_record(2, all, 4);
    refuses(ATT_R_OWN_LOG);
}
END_TEST

START_TEST(own_store__refuses_an_edited_log)
{
    struct att_buf *log = NULL;
    struct att_buf *copy = NULL;
    uint8_t *edited = NULL;
    char path[128];
    size_t len = 0;

    ck_assert_int_eq(append(3, 1), ATT_OK);
    ck_assert_int_eq(append(3, 2), ATT_OK);
    log_path(path, sizeof(path));
    log = log_bytes();
    len = att_buf_len(log);
    ck_assert_int_eq(att_buf_new(&copy, len), ATT_OK);
    ck_assert_int_eq(att_buf_room(copy, len, &edited), ATT_OK);
    memcpy(edited, att_buf_slice(log).p, len);
    edited[len - 200] ^= 1; /* inside the last record's items */
    ck_assert_int_eq(att_file_write(path, att_slice_of(edited, len), 0600, NULL), ATT_OK);
    refuses(ATT_R_OWN_LOG);
    att_buf_free(copy);
    att_buf_free(log);
}
END_TEST

START_TEST(own_store__starts_a_new_log_after_a_reboot)
{
    char old[128];

    ck_assert_int_eq(append(3, 1), ATT_OK);
    log_path(old, sizeof(old));
    swtpm_power_cut(tpm);
    ck_assert_int_eq(opens(), OWN_NEW_BOOT);
    ck_assert_int_eq(access(old, F_OK), -1);
    ck_assert_uint_eq(replays_to_the_pcr(), 1);
}
END_TEST

/* Suspended to memory and back: restartCount moved, the PCRs are kept. */
START_TEST(own_store__goes_on_after_a_resume)
{
    char old[128];
    char new[128];

    ck_assert_int_eq(append(3, 1), ATT_OK);
    log_path(old, sizeof(old));
    ck_assert_int_eq(swtpm_tool(tpm, "tpm2_shutdown"), 0);
    swtpm_stop(tpm);
    swtpm_start(tpm);
    ck_assert_int_eq(swtpm_tool(tpm, "tpm2_startup"), 0);
    log_path(new, sizeof(new));
    ck_assert_str_ne(old, new);
    ck_assert_int_eq(opens(), OWN_RESUMED);
    ck_assert_int_eq(access(old, F_OK), -1);
    ck_assert_uint_eq(replays_to_the_pcr(), 3);
    ck_assert_int_eq(append(2, 2), ATT_OK);
    ck_assert_int_eq(opens(), OWN_EQUAL);
    ck_assert_uint_eq(replays_to_the_pcr(), 4);
}
END_TEST

START_TEST(own_store__says_when_the_disk_is_full)
{
    struct hw_tpm *t = tpm_open();
    struct own_store *s = NULL;
    struct table *r = rows(600, 1);
    struct att_diag diag = {0};
    struct own_store *again = NULL;

    ck_assert_int_eq(try_open(&s, t, NULL), ATT_OK);
    /* RLIMIT_FSIZE stands in for a disk without room: the write stops in the middle of the record */
    (void)signal(SIGXFSZ, SIG_IGN);
    {
        struct rlimit small = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
        struct rlimit big = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
        ck_assert_int_eq(own_store_append(s, r, &diag), ATT_E_IO);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &big), 0);
    }
    ck_assert_int_eq(diag.reason, ATT_R_ST_FULL);
    own_store_free(s);
    ck_assert_int_eq(try_open(&again, t, NULL), ATT_OK);
    ck_assert_int_eq(own_store_found(again), OWN_EQUAL); /* what was half written is gone */
    own_store_free(again);
    hw_tpm_close(t);
    table_free(r);
    ck_assert_uint_eq(replays_to_the_pcr(), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ownstore");
    TCase *tc = tcase_create("ownstore");
    SRunner *runner = NULL;
    int failed = 0;

    if (!swtpm_available()) {
        return 77;
    }
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, own_store__starts_a_log_and_goes_on_with_it);
    tcase_add_test(tc, own_store__says_last_what_was_written_last);
    tcase_add_loop_test(tc, own_store__survives_a_kill_at_every_step, 1, 10);
    tcase_add_loop_test(tc, own_store__cuts_a_torn_end, 1, 4);
    tcase_add_loop_test(tc, own_store__starts_again_from_a_torn_beginning, 0, 2);
    tcase_add_test(tc, own_store__refuses_a_strangers_extend);
    tcase_add_test(tc, own_store__refuses_an_extend_of_another_bank);
    tcase_add_test(tc, own_store__refuses_a_pcr_that_was_used_before_it);
    tcase_add_test(tc, own_store__refuses_when_the_log_is_gone);
    tcase_add_test(tc, own_store__refuses_a_log_that_is_far_ahead);
    tcase_add_test(tc, own_store__does_not_extend_the_log_of_another_pcr);
    tcase_add_test(tc, own_store__does_not_extend_a_record_without_every_bank);
    tcase_add_test(tc, own_store__does_not_extend_a_boot_record_that_starts_elsewhere);
    tcase_add_test(tc, own_store__refuses_an_edited_log);
    tcase_add_test(tc, own_store__starts_a_new_log_after_a_reboot);
    tcase_add_test(tc, own_store__goes_on_after_a_resume);
    tcase_add_test(tc, own_store__says_when_the_disk_is_full);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
