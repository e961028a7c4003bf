/* Challenges: each nonce serves once, for one device, until its deadline. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "verifier/keeper/session.h"

#define TTL 60000

static struct sessions *table;

static void set_up_with(enum att_err (*source)(void *out, size_t len), size_t total)
{
    struct session_limits limits = {
        .total = total, .per_device = 4, .uploads = 2, .ttl_ms = TTL, .random = source};

    ck_assert_int_eq(sessions_new(&table, &limits), ATT_OK);
}

static void set_up(void)
{
    set_up_with(att_random, 64);
}

static void tear_down(void)
{
    sessions_freep(&table);
}

static struct session *opened(const char *device, int64_t now)
{
    struct session *s = NULL;

    ck_assert_int_eq(session_open(&s, table, device, now, NULL), ATT_OK);
    return s;
}

static struct att_slice id_of(const struct session *s)
{
    return att_slice_of(s->id, sizeof(s->id));
}

static enum att_reason claim_reason(struct att_slice id, const char *device, int64_t now)
{
    struct session *s = NULL;
    struct att_diag diag = {0};

    if (session_claim(&s, table, id, device, now, &diag) == ATT_OK)
        return ATT_R_NONE;
    ck_assert_ptr_null(s);
    return diag.reason;
}

static struct att_buf *answer(const char *text)
{
    struct att_buf *b = NULL;

    ck_assert_int_eq(att_buf_new(&b, 64), ATT_OK);
    ck_assert_int_eq(att_buf_add_slice(b, att_slice_str(text)), ATT_OK);
    return b;
}

START_TEST(session_claim__takes_a_nonce_until_its_deadline_and_not_1_ms_later)
{
    struct session *s = opened("gw-1", 1000);

    ck_assert_int_eq(claim_reason(id_of(s), "gw-1", 1000), ATT_R_NONE);
    ck_assert_int_eq(claim_reason(id_of(s), "gw-1", 1000 + TTL), ATT_R_NONE);
    ck_assert_int_eq(claim_reason(id_of(s), "gw-1", 1000 + TTL + 1), ATT_R_Q_NONCE_EXPIRED);
}
END_TEST

START_TEST(session_claim__takes_a_nonce_once)
{
    struct session *s = opened("gw-1", 0);
    size_t accepted = 0;

    /* of 64 copies that ask in one turn, one is let through. */
    for (int i = 0; i < 64; i++) {
        if (claim_reason(id_of(s), "gw-1", 5) == ATT_R_NONE) {
            session_use(s);
            accepted++;
        } else {
            ck_assert_int_eq(claim_reason(id_of(s), "gw-1", 5), ATT_R_Q_NONCE_USED);
        }
    }
    ck_assert_uint_eq(accepted, 1);
    session_settle(table, s, 200, answer("done"), 6);
    ck_assert_int_eq(claim_reason(id_of(s), "gw-1", 7), ATT_R_Q_NONCE_USED);
}
END_TEST

START_TEST(session_look__gives_the_same_answer_again_until_it_is_forgotten)
{
    struct session *s = opened("gw-1", 0);
    uint8_t id[ATT_SESSION_LEN];
    struct session *again = NULL;

    memcpy(id, s->id, sizeof(id));
    session_use(s);
    session_settle(table, s, 422, answer("refused"), 100);
    for (int64_t now = 100; now <= 100 + TTL; now += TTL / 2) {
        ck_assert_int_eq(
            session_look(&again, table, att_slice_of(id, sizeof(id)), "gw-1", now, NULL), ATT_OK);
        ck_assert_int_eq(again->http_status, 422);
        ck_assert(att_slice_eq(att_buf_slice(again->answer), att_slice_str("refused")));
    }
    ck_assert_int_eq(
        session_look(&again, table, att_slice_of(id, sizeof(id)), "gw-1", 101 + TTL, NULL),
        ATT_E_NOT_FOUND);
    sessions_expire(table, 101 + TTL);
    ck_assert_uint_eq(sessions_count(table), 0);
    ck_assert_int_eq(claim_reason(att_slice_of(id, sizeof(id)), "gw-1", 101 + TTL),
                     ATT_R_Q_NONCE_EXPIRED);
}
END_TEST

START_TEST(session_release__lets_the_gateway_try_again_when_nothing_was_decided)
{
    struct session *s = opened("gw-1", 0);

    session_use(s);
    ck_assert_int_eq(claim_reason(id_of(s), "gw-1", 1), ATT_R_Q_NONCE_USED);
    session_release(s);
    ck_assert_int_eq(claim_reason(id_of(s), "gw-1", 2), ATT_R_NONE);
}
END_TEST

START_TEST(session_claim__refuses_another_gateway_and_changes_nothing)
{
    struct session *s = opened("gw-1", 0);
    struct session *seen = NULL;

    ck_assert_int_eq(claim_reason(id_of(s), "gw-2", 1), ATT_R_ID_CHANNEL);
    ck_assert_int_eq(session_look(&seen, table, id_of(s), "gw-2", 1, NULL), ATT_E_DENIED);
    ck_assert_int_eq(claim_reason(id_of(s), "gw-1", 1), ATT_R_NONE);
}
END_TEST

START_TEST(session_claim__knows_no_other_id)
{
    uint8_t id[ATT_SESSION_LEN] = {0};
    struct session *s = opened("gw-1", 0);

    ck_assert_int_eq(claim_reason(att_slice_of(id, sizeof(id)), "gw-1", 1), ATT_R_Q_NONCE_EXPIRED);
    ck_assert_int_eq(claim_reason(att_slice_of(s->id, sizeof(s->id) - 1), "gw-1", 1),
                     ATT_R_Q_NONCE_EXPIRED);
    ck_assert_int_eq(claim_reason(att_slice_of(NULL, 0), "gw-1", 1), ATT_R_Q_NONCE_EXPIRED);
}
END_TEST

/* The nth call fails; 0: never. */
static unsigned int fail_at;

static enum att_err failing_random(void *out, size_t len)
{
    if (fail_at > 0) {
        fail_at--;
        if (fail_at == 0)
            return ATT_E_CRYPTO;
    }
    return att_random(out, len);
}

START_TEST(session_open__issues_nothing_without_random_bytes)
{
    struct session *s = NULL;
    struct att_diag diag = {0};

    set_up_with(failing_random, 64);
    for (unsigned int n = 1; n <= 2; n++) {
        fail_at = n;
        ck_assert_int_eq(session_open(&s, table, "gw-1", 0, &diag), ATT_E_CRYPTO);
        ck_assert_int_eq(diag.reason, ATT_R_RNG);
        ck_assert_int_eq(att_reason_info(diag.reason)->http, 503);
        ck_assert_ptr_null(s);
        ck_assert_uint_eq(sessions_count(table), 0);
    }
    ck_assert_int_eq(session_open(&s, table, "gw-1", 0, NULL), ATT_OK);
}
END_TEST

static int compare_nonces(const void *a, const void *b)
{
    return memcmp(a, b, ATT_NONCE_LEN);
}

/* Q-14, short form: over restarts of the table no nonce and no id comes twice. */
START_TEST(session_open__never_repeats_a_nonce)
{
    enum { RESTARTS = 20, EACH = 1000, ALL = RESTARTS * EACH };
    uint8_t(*seen)[ATT_NONCE_LEN] = calloc(ALL, ATT_NONCE_LEN);
    uint8_t zero[ATT_NONCE_LEN] = {0};
    size_t n = 0;

    ck_assert_ptr_nonnull(seen);
    for (int r = 0; r < RESTARTS; r++) {
        set_up_with(att_random, EACH);
        for (int i = 0; i < EACH; i++) {
            char device[16];

            (void)snprintf(device, sizeof(device), "gw-%d", i);
            memcpy(seen[n], opened(device, 0)->nonce, ATT_NONCE_LEN);
            n++;
        }
        tear_down();
    }
    qsort(seen, ALL, ATT_NONCE_LEN, compare_nonces);
    ck_assert_int_ne(memcmp(seen[0], zero, ATT_NONCE_LEN), 0);
    for (size_t i = 1; i < ALL; i++)
        ck_assert_int_ne(memcmp(seen[i - 1], seen[i], ATT_NONCE_LEN), 0);
    free(seen);
}
END_TEST

START_TEST(session_open__bounds_what_one_gateway_can_hold)
{
    struct session *s = NULL;
    struct att_diag diag = {0};
    struct session *first = opened("gw-1", 0);

    for (int i = 1; i < 4; i++)
        (void)opened("gw-1", i);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(session_open(&s, table, "gw-1", 10, &diag), ATT_E_BUSY);
    ck_assert_int_eq(diag.reason, ATT_R_RATE);
    ck_assert_int_eq(att_reason_info(diag.reason)->http, 429);
    ck_assert_uint_eq(sessions_count(table), 4);
    (void)opened("gw-2", 10); /* others are not touched */

    /* Answered, dropped or too old: there is room again. */
    session_use(first);
    session_settle(table, first, 200, answer("ok"), 11);
    (void)opened("gw-1", 12);
    ck_assert_int_eq(session_open(&s, table, "gw-1", 12, NULL), ATT_E_BUSY);
    (void)opened("gw-1", TTL + 2);
}
END_TEST

START_TEST(session_open__keeps_few_outcomes_of_one_gateway)
{
    uint8_t first[ATT_SESSION_LEN];
    struct session *s = NULL;

    for (int i = 0; i < 100; i++) {
        s = opened("gw-1", i);
        if (i == 95)
            memcpy(first, s->id, sizeof(first));
        session_use(s);
        session_settle(table, s, 200, answer("ok"), i);
    }
    ck_assert_uint_eq(sessions_count(table), 4);
    ck_assert_int_eq(claim_reason(id_of(s), "gw-1", 100), ATT_R_Q_NONCE_USED);
    ck_assert_int_eq(claim_reason(att_slice_of(first, sizeof(first)), "gw-1", 100),
                     ATT_R_Q_NONCE_EXPIRED);
}
END_TEST

START_TEST(session_open__bounds_the_total_and_prefers_challenges_to_old_outcomes)
{
    struct session *s = NULL;
    struct att_diag diag = {0};
    char device[16];

    set_up_with(att_random, 8);
    s = opened("gw-a", 0);
    session_use(s);
    session_settle(table, s, 200, answer("ok"), 0);
    for (int i = 0; i < 8; i++) {
        (void)snprintf(device, sizeof(device), "gw-%d", i);
        (void)opened(device, 1);
    }
    ck_assert_uint_eq(sessions_count(table), 8);
    ck_assert_int_eq(session_open(&s, table, "gw-b", 1, &diag), ATT_E_BUSY);
    ck_assert_int_eq(diag.reason, ATT_R_RATE);
    (void)opened("gw-b", TTL + 2);
}
END_TEST

/* S-10: expiry takes the old and keeps the young; a session that is being decided stays. */
START_TEST(sessions_expire__forgets_the_old_alone)
{
    struct session *old = opened("gw-1", 0);
    struct session *deciding = opened("gw-2", 0);
    struct session *young = opened("gw-3", 100);

    (void)old;
    session_use(deciding);
    sessions_expire(table, TTL);
    ck_assert_uint_eq(sessions_count(table), 3);
    sessions_expire(table, TTL + 1);
    ck_assert_uint_eq(sessions_count(table), 2);
    ck_assert_int_eq(claim_reason(id_of(young), "gw-3", TTL + 1), ATT_R_NONE);
    session_settle(table, deciding, 200, answer("ok"), TTL + 2);
    ck_assert_int_eq(claim_reason(id_of(deciding), "gw-2", TTL + 2), ATT_R_Q_NONCE_USED);
}
END_TEST

START_TEST(sessions_drop_device__takes_the_challenges_of_one_gateway)
{
    struct session *mine = opened("gw-1", 0);
    struct session *other = opened("gw-2", 0);
    uint8_t id[ATT_SESSION_LEN];

    memcpy(id, mine->id, sizeof(id));
    sessions_drop_device(table, "gw-1");
    ck_assert_int_eq(claim_reason(att_slice_of(id, sizeof(id)), "gw-1", 1), ATT_R_Q_NONCE_EXPIRED);
    ck_assert_int_eq(claim_reason(id_of(other), "gw-2", 1), ATT_R_NONE);
}
END_TEST

/* A part: as if just opened, and its old nonce is worth nothing. */
START_TEST(session_renew__gives_a_new_challenge_with_all_its_time)
{
    struct session *s = opened("gw-1", 0);
    uint8_t nonce[ATT_NONCE_LEN];

    memcpy(nonce, s->nonce, sizeof(nonce));
    s->has_context = true;
    ck_assert_int_eq(session_renew(table, s, answer("state"), TTL, NULL), ATT_OK);
    ck_assert(memcmp(nonce, s->nonce, sizeof(nonce)) != 0);
    ck_assert(!s->has_context);
    ck_assert_int_eq(s->opened_ms, TTL);
    ck_assert_int_eq(claim_reason(id_of(s), "gw-1", 2 * TTL), ATT_R_NONE);
    ck_assert_int_eq(claim_reason(id_of(s), "gw-1", 2 * TTL + 1), ATT_R_Q_NONCE_EXPIRED);
}
END_TEST

/* The order of deadlines holds: one that was renewed outlives those that were opened after it. */
START_TEST(session_renew__outlives_what_was_opened_meanwhile)
{
    struct session *s = opened("gw-1", 0);
    struct session *other = opened("gw-2", 10);

    ck_assert_int_eq(session_renew(table, s, answer("state"), 20, NULL), ATT_OK);
    sessions_expire(table, TTL + 15);
    ck_assert_uint_eq(sessions_count(table), 1);
    ck_assert_ptr_eq(session_with_parts(table, "gw-1"), s);
    sessions_expire(table, TTL + 21);
    ck_assert_uint_eq(sessions_count(table), 0);
    ck_assert_ptr_null(session_with_parts(table, "gw-1"));
    (void)other;
}
END_TEST

static enum att_reason renew_reason(struct session *s)
{
    struct att_buf *parts = answer("state");
    struct att_diag diag = {0};

    if (session_renew(table, s, parts, 1, &diag) == ATT_OK)
        return ATT_R_NONE;
    att_buf_free(parts);
    return diag.reason;
}

/* Whatever ends a session gives its place back. */
START_TEST(session_renew__bounds_those_that_hold_parts)
{
    struct session *a = opened("gw-1", 0);
    struct session *b = opened("gw-2", 0);
    struct session *c = opened("gw-3", 0);

    ck_assert_int_eq(renew_reason(a), ATT_R_NONE);
    ck_assert_int_eq(renew_reason(b), ATT_R_NONE);
    ck_assert_int_eq(renew_reason(a), ATT_R_NONE);
    ck_assert_int_eq(renew_reason(c), ATT_R_RATE);
    ck_assert_ptr_null(session_with_parts(table, "gw-3"));
    session_use(a);
    session_settle(table, a, 200, answer("done"), 2);
    ck_assert_ptr_null(session_with_parts(table, "gw-1"));
    ck_assert_int_eq(renew_reason(c), ATT_R_NONE);
    a = opened("gw-1", 3);
    ck_assert_int_eq(renew_reason(a), ATT_R_RATE);
    session_drop(table, b);
    ck_assert_int_eq(renew_reason(a), ATT_R_NONE);
}
END_TEST

START_TEST(session_inherit__moves_the_parts_and_ends_the_first)
{
    struct session *a = opened("gw-1", 0);
    struct session *b = NULL;

    ck_assert_int_eq(renew_reason(a), ATT_R_NONE);
    b = opened("gw-1", 5);
    session_inherit(table, b, a);
    ck_assert_uint_eq(sessions_count(table), 1);
    ck_assert_ptr_eq(session_with_parts(table, "gw-1"), b);
    session_drop(table, b);
    a = opened("gw-1", 6);
    b = opened("gw-2", 6);
    ck_assert_int_eq(renew_reason(a), ATT_R_NONE);
    ck_assert_int_eq(renew_reason(b), ATT_R_NONE); /* both places were free */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("session");
    TCase *tc = tcase_create("session");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, session_claim__takes_a_nonce_until_its_deadline_and_not_1_ms_later);
    tcase_add_test(tc, session_claim__takes_a_nonce_once);
    tcase_add_test(tc, session_look__gives_the_same_answer_again_until_it_is_forgotten);
    tcase_add_test(tc, session_release__lets_the_gateway_try_again_when_nothing_was_decided);
    tcase_add_test(tc, session_claim__refuses_another_gateway_and_changes_nothing);
    tcase_add_test(tc, session_claim__knows_no_other_id);
    tcase_add_test(tc, session_open__bounds_what_one_gateway_can_hold);
    tcase_add_test(tc, session_open__keeps_few_outcomes_of_one_gateway);
    tcase_add_test(tc, sessions_expire__forgets_the_old_alone);
    tcase_add_test(tc, sessions_drop_device__takes_the_challenges_of_one_gateway);
    tcase_add_test(tc, session_renew__gives_a_new_challenge_with_all_its_time);
    tcase_add_test(tc, session_renew__outlives_what_was_opened_meanwhile);
    tcase_add_test(tc, session_renew__bounds_those_that_hold_parts);
    tcase_add_test(tc, session_inherit__moves_the_parts_and_ends_the_first);
    suite_add_tcase(suite, tc);
    tc = tcase_create("own table");
    tcase_add_checked_fixture(tc, NULL, tear_down);
    tcase_add_test(tc, session_open__issues_nothing_without_random_bytes);
    tcase_add_test(tc, session_open__never_repeats_a_nonce);
    tcase_add_test(tc, session_open__bounds_the_total_and_prefers_challenges_to_old_outcomes);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
