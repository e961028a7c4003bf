/* Evidence at rest: sealed, bound to its row, and bounded in age and size. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "storetest.h"
#include "verifier/keeper/archive.h"

#define KIB 1024

static struct config_evidence limits;
static struct archive archive;
static char key_path[96];
static int64_t gw1, gw2;
static size_t made_room; /* how many rows went for newer ones */

static void set_up(void)
{
    storetest_fixture.set_up();
    (void)snprintf(key_path, sizeof(key_path), "%s/evidence.key", ts.folder);
    limits = (struct config_evidence){
        .key = key_path, .keep_ms = 100 * 1000, .per_gateway = 64 * KIB, .database = 1024 * KIB};
    ck_assert_int_eq(archive_key_make(key_path, NULL), ATT_OK);
    ck_assert_int_eq(archive_open(&archive, &limits, NULL), ATT_OK);
    made_room = 0;
    gw1 = storetest_add_device("gw-1", 0x10);
    gw2 = storetest_add_device("gw-2", 0x40);
}

static void tear_down(void)
{
    archive_close(&archive);
    storetest_fixture.tear_down();
}

/* One outcome whose record is len bytes of fill; its index. */
static int64_t put(int64_t enrolment, const char *device, int64_t utc, uint8_t fill, size_t len)
{
    struct store_outcome o = {.utc = utc, .kind = STORE_KIND_STALE};
    struct store_evidence e = {.enrolment = enrolment, .utc = utc};
    uint8_t *bytes = malloc(len);
    size_t dropped = 0;

    ck_assert_ptr_nonnull(bytes);
    memset(bytes, fill, len);
    (void)snprintf(o.device, sizeof(o.device), "%s", device);
    ck_assert_int_eq(store_begin(ts.st, NULL), ATT_OK);
    ck_assert_int_eq(store_outcome_append(&e.outcome, ts.st, &o, NULL), ATT_OK);
    ck_assert_int_eq(archive_put(&archive, ts.st, &e, device, att_slice_of(bytes, len), NULL),
                     ATT_OK);
    ck_assert_int_eq(archive_make_room(&dropped, &archive, ts.st, enrolment, NULL), ATT_OK);
    ck_assert_int_eq(store_commit(ts.st, NULL), ATT_OK);
    made_room += dropped;
    free(bytes);
    return e.outcome;
}

/* The reason why a record cannot be had; NONE when it is there with len bytes of fill. */
static enum att_reason reason_of(int64_t outcome, const char *device, uint8_t fill, size_t len)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *out = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_buf_new(&out, STORE_BYTES_MAX), ATT_OK);
    if (archive_get(out, &archive, ts.st, outcome, device, &diag) != ATT_OK) {
        ck_assert_uint_eq(att_buf_len(out), 0);
        return diag.reason;
    }
    ck_assert_uint_eq(att_buf_len(out), len);
    for (size_t i = 0; i < len; i++)
        ck_assert_uint_eq(att_buf_slice(out).p[i], fill);
    return ATT_R_NONE;
}

static size_t sweep(int64_t now_utc)
{
    size_t count = 0;

    ck_assert_int_eq(archive_sweep(&count, &archive, ts.st, now_utc, NULL), ATT_OK);
    return count;
}

START_TEST(archive__keeps_records_across_a_restart)
{
    int64_t a = put(gw1, "gw-1", 1000, 0xaa, 5000);

    storetest_reopen();
    archive_close(&archive);
    ck_assert_int_eq(archive_open(&archive, &limits, NULL), ATT_OK);
    ck_assert_int_eq(reason_of(a, "gw-1", 0xaa, 5000), ATT_R_NONE);
    ck_assert_int_eq(reason_of(a + 1, "gw-1", 0, 0), ATT_R_EVIDENCE_NONE);
    ck_assert_uint_eq(storetest_findings(), 0);
}
END_TEST

START_TEST(archive__is_not_readable_without_the_key)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *db = NULL;
    uint8_t clear[64];
    char path[96];
    int64_t a = put(gw1, "gw-1", 1000, 0xaa, 5000);

    memset(clear, 0xaa, sizeof(clear));
    store_closep(&ts.st);
    (void)snprintf(path, sizeof(path), "%s/attestd.db", ts.folder);
    ck_assert_int_eq(att_file_read(&db, path, 16U << 20, NULL), ATT_OK);
    ck_assert_ptr_null(memmem(att_buf_slice(db).p, att_buf_slice(db).len, clear, sizeof(clear)));
    ck_assert_int_eq(store_open(&ts.st, ts.folder, false, NULL), ATT_OK);
    archive.key[0] ^= 1;
    ck_assert_int_eq(reason_of(a, "gw-1", 0, 0), ATT_R_ST_CORRUPT);
}
END_TEST

START_TEST(archive__rows_cannot_trade_places)
{
    int64_t a = put(gw1, "gw-1", 1000, 0xaa, 500);
    int64_t b = put(gw2, "gw-2", 1000, 0xbb, 500);

    store_closep(&ts.st);
    storetest_sql("CREATE TABLE was AS SELECT outcome, bytes FROM evidence;"
                  "UPDATE evidence SET bytes = (SELECT was.bytes FROM was"
                  " WHERE was.outcome <> evidence.outcome); DROP TABLE was");
    ck_assert_int_eq(store_open(&ts.st, ts.folder, false, NULL), ATT_OK);
    ck_assert_int_eq(reason_of(a, "gw-1", 0, 0), ATT_R_ST_CORRUPT);
    ck_assert_int_eq(reason_of(b, "gw-2", 0, 0), ATT_R_ST_CORRUPT);
}
END_TEST

START_TEST(archive__is_bound_to_the_device)
{
    int64_t a = put(gw1, "gw-1", 1000, 0xaa, 500);

    ck_assert_int_eq(reason_of(a, "gw-2", 0, 0), ATT_R_ST_CORRUPT);
    ck_assert_int_eq(reason_of(a, "gw-1", 0xaa, 500), ATT_R_NONE);
}
END_TEST

START_TEST(archive__a_gateway_pushes_out_its_own_alone)
{
    int64_t other = put(gw2, "gw-2", 1000, 0xbb, 20 * KIB);
    int64_t first = put(gw1, "gw-1", 1000, 0xaa, 20 * KIB);
    int64_t last = 0;
    int64_t kept = 0;

    for (int i = 0; i < 50; i++) {
        last = put(gw1, "gw-1", 1000 + i, (uint8_t)i, 20 * KIB);
        ck_assert_int_eq(store_evidence_kept(&kept, ts.st, gw1), ATT_OK);
        ck_assert_int_le(kept, 64 * KIB);
    }
    ck_assert_uint_eq(made_room, 51 - 3);
    ck_assert_int_eq(reason_of(first, "gw-1", 0, 0), ATT_R_EVIDENCE_DROPPED);
    ck_assert_int_eq(reason_of(last, "gw-1", 49, 20 * KIB), ATT_R_NONE);
    ck_assert_int_eq(reason_of(last - 2, "gw-1", 47, 20 * KIB), ATT_R_NONE);
    ck_assert_int_eq(reason_of(last - 3, "gw-1", 0, 0), ATT_R_EVIDENCE_DROPPED);
    ck_assert_int_eq(reason_of(other, "gw-2", 0xbb, 20 * KIB), ATT_R_NONE);
    ck_assert_uint_eq(storetest_findings(), 0);
}
END_TEST

START_TEST(archive__keeps_one_record_larger_than_the_share)
{
    int64_t small = put(gw1, "gw-1", 1000, 1, 10 * KIB);
    int64_t large = put(gw1, "gw-1", 1001, 2, 300 * KIB);

    ck_assert_int_eq(reason_of(small, "gw-1", 0, 0), ATT_R_EVIDENCE_DROPPED);
    ck_assert_int_eq(reason_of(large, "gw-1", 2, 300 * KIB), ATT_R_NONE);
}
END_TEST

START_TEST(archive_sweep__drops_what_is_too_old_and_nothing_else)
{
    int64_t a = put(gw1, "gw-1", 1000, 1, 100);
    int64_t b = put(gw1, "gw-1", 1001, 2, 100);
    int64_t kept = 0;

    ck_assert_uint_eq(sweep(1099), 0);
    ck_assert_uint_eq(sweep(1100), 1);
    ck_assert_int_eq(reason_of(a, "gw-1", 0, 0), ATT_R_EVIDENCE_DROPPED);
    ck_assert_int_eq(reason_of(b, "gw-1", 2, 100), ATT_R_NONE);
    ck_assert_int_eq(store_device_remove(ts.st, "gw-1", NULL), ATT_OK);
    ck_assert_int_eq(reason_of(b, "gw-1", 2, 100), ATT_R_NONE); /* it outlives its device */
    ck_assert_uint_eq(sweep(1101), 1);
    ck_assert_int_eq(store_evidence_kept(&kept, ts.st, gw1), ATT_E_NOT_FOUND);
    ck_assert_uint_eq(storetest_findings(), 0);
}
END_TEST

START_TEST(archive_sweep__holds_the_database_to_its_size)
{
    int64_t size = 0;
    int64_t last = 0;
    int64_t count = 0;
    char id[16];

    /* 30 gateways, each within its share, together more than the database may hold */
    for (int i = 0; i < 30; i++) {
        (void)snprintf(id, sizeof(id), "many-%d", i);
        last = put(storetest_add_device(id, (uint8_t)(0x80 + 3 * i)), id, 1000, 7, 60 * KIB);
    }
    ck_assert_int_eq(store_size(&size, ts.st), ATT_OK);
    ck_assert_int_gt(size, 1024 * KIB);
    ck_assert_uint_gt(sweep(1001), 0);
    ck_assert_int_eq(store_size(&size, ts.st), ATT_OK);
    ck_assert_int_le(size, 1024 * KIB + 64 * KIB);
    ck_assert_int_eq(store_outcome_count(&count, ts.st), ATT_OK);
    ck_assert_int_eq(count, last + 1); /* no outcome is lost */
    ck_assert_int_eq(reason_of(0, "many-0", 0, 0), ATT_R_EVIDENCE_DROPPED);
    ck_assert_int_eq(reason_of(last, "many-29", 7, 60 * KIB), ATT_R_NONE);
    ck_assert_uint_eq(storetest_findings(), 0);
}
END_TEST

START_TEST(archive_open__wants_a_key_of_its_own)
{
    struct archive a = {0};
    struct att_diag diag = {0};

    ck_assert_int_eq(chmod(key_path, 0640), 0);
    ck_assert_int_eq(archive_open(&a, &limits, &diag), ATT_E_DENIED);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_PERM);
    ck_assert_int_eq(chmod(key_path, 0600), 0);
    for (size_t len = 31; len <= 33; len += 2) {
        static const uint8_t bytes[33];

        ck_assert_int_eq(att_file_write(key_path, att_slice_of(bytes, len), 0600, NULL), ATT_OK);
        ck_assert_int_eq(archive_open(&a, &limits, &diag), ATT_E_FORMAT);
        ck_assert_int_eq(diag.reason, ATT_R_CFG_KEY);
    }
    ck_assert_int_eq(remove(key_path), 0);
    ck_assert_int_eq(archive_open(&a, &limits, &diag), ATT_E_NOT_FOUND);
    ck_assert_int_eq(diag.reason, ATT_R_FILE);
}
END_TEST

START_TEST(archive_check__knows_the_key_of_the_database)
{
    struct att_diag diag = {0};

    ck_assert_int_eq(archive_check(&archive, ts.st, true, NULL), ATT_OK);
    storetest_reopen();
    ck_assert_int_eq(archive_check(&archive, ts.st, true, NULL), ATT_OK);
    archive.key[31] ^= 1;
    ck_assert_int_eq(archive_check(&archive, ts.st, true, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_KEY_EVIDENCE);
    archive.key[31] ^= 1;
    ck_assert_int_eq(archive_check(&archive, ts.st, true, NULL), ATT_OK);
}
END_TEST

START_TEST(archive_check__writes_only_when_told)
{
    uint8_t room[32];
    size_t len = 0;

    ck_assert_int_eq(archive_check(&archive, ts.st, false, NULL), ATT_OK);
    ck_assert_int_eq(store_meta_get(ts.st, "evidence_key", room, sizeof(room), &len),
                     ATT_E_NOT_FOUND);
    ck_assert_int_eq(archive_check(&archive, ts.st, true, NULL), ATT_OK);
    ck_assert_int_eq(store_meta_get(ts.st, "evidence_key", room, sizeof(room), &len), ATT_OK);
    archive.key[31] ^= 1;
    ck_assert_int_eq(archive_check(&archive, ts.st, false, NULL), ATT_E_MISMATCH);
}
END_TEST

int main(void)
{
    static const struct suite_fixture FIXTURE = {set_up, tear_down};
    const struct suite_row ROWS[] = {
        {archive__keeps_records_across_a_restart, 0},
        {archive__is_not_readable_without_the_key, 0},
        {archive__rows_cannot_trade_places, 0},
        {archive__is_bound_to_the_device, 0},
        {archive__a_gateway_pushes_out_its_own_alone, 0},
        {archive__keeps_one_record_larger_than_the_share, 0},
        {archive_sweep__drops_what_is_too_old_and_nothing_else, 0},
        {archive_sweep__holds_the_database_to_its_size, 0},
        {archive_open__wants_a_key_of_its_own, 0},
        {archive_check__knows_the_key_of_the_database, 0},
        {archive_check__writes_only_when_told, 0},
    };

    return SUITE_RUN_ROWS("archive", ROWS, &FIXTURE);
}
