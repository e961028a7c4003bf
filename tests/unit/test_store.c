/* The store's records: what is written is read back, and nothing else. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "storetest.h"

START_TEST(store__reads_back_what_was_written)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *buf = NULL;
    struct store_device want = storetest_device("gw-1", 0x10), got;
    int64_t n = storetest_add_device("gw-1", 0x10);
    struct store_state s;
    struct store_label l;
    enum store_dropped dropped = STORE_DROPPED__END;
    struct store_outcome o;

    storetest_commit_verdict(n, "gw-1", 0x77);
    storetest_reopen();
    want.enrolment = n;
    memset(&got, 0, sizeof(got));
    ck_assert_int_eq(store_device_get(&got, ts.st, "gw-1"), ATT_OK);
    ck_assert_mem_eq(&got, &want, sizeof(want));
    memset(&got, 0, sizeof(got));
    ck_assert_int_eq(
        store_device_by_ek(&got, ts.st, att_slice_of(want.ek_public, want.ek_public_len)), ATT_OK);
    ck_assert_mem_eq(&got, &want, sizeof(want));

    ck_assert_int_eq(att_buf_new(&buf, STORE_BYTES_MAX), ATT_OK);
    ck_assert_int_eq(store_state_get(&s, buf, ts.st, n), ATT_OK);
    ck_assert_int_eq(s.status, STORE_AFFIRMING);
    ck_assert_int_eq(s.last_utc, 5000);
    ck_assert_int_eq(s.deadline_utc, 5600);
    ck_assert(s.has_cti);
    ck_assert(att_slice_eq(s.boot, att_slice_str("boot")));
    ck_assert(att_slice_eq(s.carry, att_slice_str("carry")));

    ck_assert_int_eq(store_label_current(&l, buf, ts.st, "gw-1"), ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(buf), att_slice_str("label")));
    ck_assert_int_eq(l.outcome, 0);
    ck_assert_int_eq(l.exp, 6000);
    ck_assert_int_eq(store_outcome_get(&o, ts.st, 0), ATT_OK);
    ck_assert_int_eq(o.kind, STORE_KIND_LABEL);
    ck_assert(o.has_cti && o.has_evidence && o.has_rules);
    ck_assert_int_eq(store_evidence_get(&dropped, buf, ts.st, 0), ATT_OK);
    ck_assert_int_eq(dropped, STORE_DROPPED_NOT);
    ck_assert_uint_eq(att_buf_len(buf), 3000);
    ck_assert_uint_eq(storetest_findings(), 0);
}
END_TEST

START_TEST(store_get__says_not_found)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *buf = NULL;
    uint8_t none[32] = {0};
    struct store_device d;
    struct store_state s;
    struct store_label l;
    enum store_dropped dropped;
    struct store_outcome o;
    struct store_token t;
    char id[STORE_ID_MAX + 1];

    ck_assert_int_eq(att_buf_new(&buf, 1024), ATT_OK);
    ck_assert_int_eq(store_device_get(&d, ts.st, "gw-1"), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_device_by_ek(&d, ts.st, att_slice_of(none, 32)), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_device_remove(ts.st, "gw-1", NULL), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_state_get(&s, buf, ts.st, 1), ATT_E_NOT_FOUND);
    ck_assert_int_eq(storetest_mark(1, STORE_FAILED, ""), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_label_get(&l, buf, ts.st, none), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_label_current(&l, buf, ts.st, "gw-1"), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_outcome_get(&o, ts.st, 0), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_evidence_get(&dropped, buf, ts.st, 0), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_token_get(&t, ts.st, none), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_token_take(ts.st, none, NULL), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_allow_get(id, ts.st, att_slice_of(none, 32)), ATT_E_NOT_FOUND);
}
END_TEST

START_TEST(store_device_add__gives_an_id_and_an_ek_once)
{
    struct store_device d = storetest_device("gw-1", 0x60); /* other keys, same id */
    struct store_device e = storetest_device("gw-2", 0x10); /* other id, same keys */
    int64_t n = 0;
    int64_t first = storetest_add_device("gw-1", 0x10);
    char *before = storetest_dumped();
    char *after;

    ck_assert_int_eq(store_begin(ts.st, NULL), ATT_OK);
    ck_assert_int_eq(store_mark(ts.st, NULL), ATT_OK);
    ck_assert_int_eq(store_device_add(&n, ts.st, &d, 0, NULL), ATT_E_CONFLICT);
    ck_assert_int_eq(store_mark_undo(ts.st, NULL), ATT_OK);
    ck_assert_int_eq(store_mark(ts.st, NULL), ATT_OK);
    ck_assert_int_eq(store_device_add(&n, ts.st, &e, 0, NULL), ATT_E_CONFLICT);
    ck_assert_int_eq(store_mark_undo(ts.st, NULL), ATT_OK);
    ck_assert_int_eq(store_commit(ts.st, NULL), ATT_OK);
    after = storetest_dumped();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);

    /* Removed and enrolled again it is another enrolment. */
    ck_assert_int_eq(store_device_remove(ts.st, "gw-1", NULL), ATT_OK);
    ck_assert_int_gt(storetest_add_device("gw-1", 0x10), first);
}
END_TEST

START_TEST(store_device_remove__keeps_labels_and_outcomes_but_nothing_current)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *buf = NULL;
    uint8_t cti[STORE_CTI_LEN];
    struct store_label l;
    struct store_state s;
    int64_t n = storetest_add_device("gw-1", 0x10);

    storetest_commit_verdict(n, "gw-1", 0x77);
    memset(cti, 0x77, sizeof(cti));
    ck_assert_int_eq(att_buf_new(&buf, 1024), ATT_OK);
    ck_assert_int_eq(store_device_remove(ts.st, "gw-1", NULL), ATT_OK);
    ck_assert_int_eq(store_state_get(&s, NULL, ts.st, n), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_label_current(&l, buf, ts.st, "gw-1"), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_label_get(&l, buf, ts.st, cti), ATT_OK);
    ck_assert_uint_eq(storetest_findings(), 0);
}
END_TEST

START_TEST(store_label_current__is_that_of_good_evidence_alone)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *buf = NULL;
    static const struct {
        enum store_status status;
        bool current;
    } rows[] = {{STORE_ENROLLED, false},
                {STORE_AFFIRMING, true},
                {STORE_WARNING, true},
                {STORE_FAILED, false},
                {STORE_STALE, false}};
    struct store_label l;
    int64_t n = storetest_add_device("gw-1", 0x10);

    ck_assert_int_eq(att_buf_new(&buf, 1024), ATT_OK);
    storetest_commit_verdict(n, "gw-1", 0x77);
    for (size_t i = 0; i < ATT_COUNT(rows); i++) {
        ck_assert_int_eq(storetest_mark(n, rows[i].status, "E_STALE"), ATT_OK);
        ck_assert_int_eq(store_label_current(&l, buf, ts.st, "gw-1"),
                         rows[i].current ? ATT_OK : ATT_E_NOT_FOUND);
    }
}
END_TEST

START_TEST(store_token_take__works_once)
{
    uint8_t digest[32] = {1}, other[32] = {2};
    struct store_token t = {.id = "gw-1", .expires_utc = 100}, got;

    ck_assert_int_eq(store_token_put(ts.st, digest, &t, NULL), ATT_OK);
    ck_assert_int_eq(store_token_put(ts.st, digest, &t, NULL), ATT_E_CONFLICT);
    ck_assert_int_eq(store_token_get(&got, ts.st, digest), ATT_OK);
    ck_assert_str_eq(got.id, "gw-1");
    ck_assert_int_eq(got.expires_utc, 100);
    ck_assert_int_eq(store_token_take(ts.st, digest, NULL), ATT_OK);
    ck_assert_int_eq(store_token_take(ts.st, digest, NULL), ATT_E_NOT_FOUND);

    /* Expiry takes what is old and leaves what is not. */
    ck_assert_int_eq(store_token_put(ts.st, digest, &t, NULL), ATT_OK);
    t.expires_utc = 101;
    ck_assert_int_eq(store_token_put(ts.st, other, &t, NULL), ATT_OK);
    ck_assert_int_eq(store_token_expire(ts.st, 100, NULL), ATT_OK);
    ck_assert_int_eq(store_token_get(&got, ts.st, digest), ATT_E_NOT_FOUND);
    ck_assert_int_eq(store_token_get(&got, ts.st, other), ATT_OK);
}
END_TEST

START_TEST(store_allow__lists_a_key_until_it_is_removed)
{
    struct att_slice name = att_slice_str("\x00\x0b name of a key");
    char id[STORE_ID_MAX + 1];

    ck_assert_int_eq(store_allow_put(ts.st, name, "", NULL), ATT_OK);
    ck_assert_int_eq(store_allow_get(id, ts.st, name), ATT_OK);
    ck_assert_str_eq(id, "");
    ck_assert_int_eq(store_allow_put(ts.st, name, "gw-1", NULL), ATT_OK);
    ck_assert_int_eq(store_allow_get(id, ts.st, name), ATT_OK);
    ck_assert_str_eq(id, "gw-1");
    ck_assert_int_eq(store_allow_remove(ts.st, name, NULL), ATT_OK);
    ck_assert_int_eq(store_allow_get(id, ts.st, name), ATT_E_NOT_FOUND);
}
END_TEST

START_TEST(store_due_list__names_the_silent_and_no_other)
{
    struct store_due due[8];
    size_t count = 99;
    int64_t a = storetest_add_device("gw-a", 0x10); /* all with deadline 2000 */
    int64_t b = storetest_add_device("gw-b", 0x40);
    int64_t c = storetest_add_device("gw-c", 0x70);

    ck_assert_int_eq(store_due_list(due, 8, &count, ts.st, 1999), ATT_OK);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(storetest_mark(a, STORE_FAILED, "E_Q_SIG"), ATT_OK);
    ck_assert_int_eq(storetest_mark(b, STORE_STALE, "E_STALE"), ATT_OK);
    ck_assert_int_eq(store_due_list(due, 8, &count, ts.st, 2000), ATT_OK);
    ck_assert_uint_eq(count, 2); /* failed, and silent since: due like any other */
    ck_assert_int_eq(due[0].enrolment, a);
    ck_assert_int_eq(due[1].enrolment, c);
    ck_assert_str_eq(due[1].id, "gw-c");
}
END_TEST

START_TEST(store_device_list__gives_pages_in_order)
{
    struct store_row rows[2];
    size_t count = 0;

    (void)storetest_add_device("gw-c", 0x10);
    (void)storetest_add_device("gw-a", 0x40);
    (void)storetest_add_device("gw-b", 0x70);
    ck_assert_int_eq(store_device_list(rows, 2, &count, ts.st, ""), ATT_OK);
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(rows[0].device.id, "gw-a");
    ck_assert_str_eq(rows[1].device.id, "gw-b");
    ck_assert_int_eq(rows[1].state.status, STORE_ENROLLED);
    ck_assert_int_eq(store_device_list(rows, 2, &count, ts.st, "gw-b"), ATT_OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(rows[0].device.id, "gw-c");
}
END_TEST

/* S-01: what is bound stays what it is. */
START_TEST(store__keeps_metacharacters_literally)
{
    static const char *const evil[] = {"'; DROP TABLE device; --", "\" OR 1=1 --", "%n%s", "x'00'",
                                       "?1"};
    struct store_device d;

    for (size_t i = 0; i < ATT_COUNT(evil); i++) {
        (void)storetest_add_device(evil[i], (uint8_t)(0x10 + 8 * i));
        ck_assert_int_eq(store_device_get(&d, ts.st, evil[i]), ATT_OK);
        ck_assert_str_eq(d.id, evil[i]);
        ck_assert_int_eq(store_meta_put(ts.st, evil[i], att_slice_str(evil[i]), NULL), ATT_OK);
    }
    ck_assert_uint_eq(storetest_findings(), 0);
}
END_TEST

START_TEST(store_rollback__leaves_no_trace)
{
    int64_t n = storetest_add_device("gw-1", 0x10);
    char *before = storetest_dumped();
    char *after;

    ck_assert_int_eq(store_begin(ts.st, NULL), ATT_OK);
    ck_assert_int_eq(storetest_write_verdict(n, "gw-1", 1, STORE_AFFIRMING), ATT_OK);
    store_rollback(ts.st);
    after = storetest_dumped();
    ck_assert_str_eq(before, after);
    free(after);

    /* A part can be undone and the rest kept. */
    ck_assert_int_eq(store_begin(ts.st, NULL), ATT_OK);
    ck_assert_int_eq(store_mark(ts.st, NULL), ATT_OK);
    ck_assert_int_eq(storetest_write_verdict(n, "gw-1", 2, STORE_AFFIRMING), ATT_OK);
    ck_assert_int_eq(store_mark_undo(ts.st, NULL), ATT_OK);
    ck_assert_int_eq(store_commit(ts.st, NULL), ATT_OK);
    after = storetest_dumped();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
}
END_TEST

START_TEST(store_commit__without_a_transaction_is_our_mistake)
{
    ck_assert_int_eq(store_commit(ts.st, NULL), ATT_E_INTERNAL);
    ck_assert_int_eq(store_begin(ts.st, NULL), ATT_OK);
    ck_assert_int_eq(store_begin(ts.st, NULL), ATT_E_INTERNAL);
    ck_assert_int_eq(store_commit(ts.st, NULL), ATT_OK);
    ck_assert_int_eq(store_mark(ts.st, NULL), ATT_E_INTERNAL);
}
END_TEST

START_TEST(store_check__finds_what_is_missing)
{
    static const char *const harm[] = {
        "DELETE FROM label",
        "DELETE FROM evidence",
        "UPDATE evidence SET dropped = 1",
        "UPDATE evidence SET bytes = substr(bytes, 1, 0)",
        "UPDATE device_state SET kept = kept + 1",
        "DELETE FROM policy",
        "DELETE FROM outcome WHERE idx = 0",
        "DELETE FROM device_state",
        "UPDATE label SET device = 'gw-2'",
        "UPDATE outcome SET policy = NULL WHERE idx = 1",
        "UPDATE outcome SET cti = substr(cti, 1, 1) WHERE idx = 1",
    };
    int64_t n = storetest_add_device("gw-1", 0x10);

    storetest_commit_verdict(n, "gw-1", 1);
    storetest_commit_verdict(n, "gw-1", 2);
    ck_assert_uint_eq(storetest_findings(), 0);
    store_closep(&ts.st);
    storetest_sql(harm[_i]);
    ck_assert_int_eq(storetest_open(STORE_AS_IT_IS, NULL), ATT_OK);
    ck_assert_uint_gt(storetest_findings(), 0);
}
END_TEST

START_TEST(store_tidy__keeps_everything_and_bounds_the_log)
{
    char path[96];
    struct stat sb;
    int64_t n = storetest_add_device("gw-1", 0x10);
    char *before;
    char *after;

    for (int i = 0; i < 30; i++) {
        ck_assert_int_eq(store_begin(ts.st, NULL), ATT_OK);
        for (int k = 0; k < 256; k++) {
            uint8_t cti[2] = {(uint8_t)i, (uint8_t)k};
            struct store_outcome o = {.kind = STORE_KIND_STALE, .utc = i};
            struct store_evidence e = {.enrolment = n};

            memcpy(o.cti, cti, sizeof(cti));
            ck_assert_int_eq(store_outcome_append(&e.outcome, ts.st, &o, NULL), ATT_OK);
            ck_assert_int_eq(store_evidence_put(ts.st, &e, att_slice_of(path, sizeof(path)), NULL),
                             ATT_OK);
        }
        ck_assert_int_eq(storetest_write_verdict(n, "gw-1", (uint8_t)(i + 1), STORE_AFFIRMING),
                         ATT_OK);
        ck_assert_int_eq(store_commit(ts.st, NULL), ATT_OK);
        ck_assert_int_eq(store_tidy(ts.st, NULL), ATT_OK);
    }
    before = storetest_dumped();
    if (ts.place.postgresql == NULL) {
        (void)snprintf(path, sizeof(path), "%s/attestd.db-wal", ts.folder);
        ck_assert_int_eq(stat(path, &sb), 0);
        ck_assert_int_lt(sb.st_size, 20 * 1024 * 1024);
    }
    storetest_reopen();
    after = storetest_dumped();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {store__reads_back_what_was_written, 0},
        {store_get__says_not_found, 0},
        {store_device_add__gives_an_id_and_an_ek_once, 0},
        {store_device_remove__keeps_labels_and_outcomes_but_nothing_current, 0},
        {store_label_current__is_that_of_good_evidence_alone, 0},
        {store_token_take__works_once, 0},
        {store_allow__lists_a_key_until_it_is_removed, 0},
        {store_due_list__names_the_silent_and_no_other, 0},
        {store_device_list__gives_pages_in_order, 0},
        {store__keeps_metacharacters_literally, 0},
        {store_rollback__leaves_no_trace, 0},
        {store_commit__without_a_transaction_is_our_mistake, 0},
        {store_check__finds_what_is_missing, 11},
        {store_tidy__keeps_everything_and_bounds_the_log, 0},
    };

    return storetest_run_both("store", ROWS, ATT_COUNT(ROWS));
}
