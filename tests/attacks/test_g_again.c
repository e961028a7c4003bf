/* G-12: the same statement submitted again, one after the other, at once, and after a crash: one entry, one receipt. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "keepertest.h"
#include "need.h"

/* Evidence of kt.gw, judged and ready to be decided about. */
static void prepare(void)
{
    keepertest_enrol(&kt.gw);
    NEED(inproc_session(kt.v, &kt.gw, kt.t) == ATT_R_NONE);
    inproc_measure(&kt.gw, kt.t);
    NEED(inproc_judge(kt.v, &kt.gw, kt.t) == ATT_R_NONE);
}

/* Submit it; flush: wait until it is durable. The caller clears the answer. */
static void submit(struct inproc_answer *a, bool flush)
{
    struct msg m;

    inproc_commit_message(&m, &kt.gw, kt.t);
    inproc_ask(kt.v, &m, a, flush);
}

/* The outcome of its challenge, asked for: what a retry gets. */
static void expect_the_same(const struct inproc_answer *first)
{
    struct inproc_answer a = {0};
    struct msg m = {.kind = MSG_SESSION_GET, .peer = kt.gw.peer};

    memcpy(m.session, kt.t->a.challenge.session.p, sizeof(m.session));
    inproc_ask(kt.v, &m, &a, false);
    ck_assert_int_eq(a.http, 200);
    ck_assert(att_slice_eq(inproc_body(first), inproc_body(&a))); /* label, receipt and all */
    inproc_answer_clear(&a);
    ck_assert_uint_eq(keepertest_outcomes("label"), 1);
}

START_TEST(G_12__one_after_the_other)
{
    struct inproc_answer first = {0}, again = {0};

    keepertest_fixture.set_up();
    prepare();
    submit(&first, true);
    ck_assert_int_eq(first.http, 200);
    for (int i = 0; i < 3; i++) {
        submit(&again, true);
        ck_assert_int_eq(again.reason, ATT_R_Q_NONCE_USED);
        inproc_answer_clear(&again);
        expect_the_same(&first);
    }
    inproc_answer_clear(&first);
    keepertest_fixture.tear_down();
}
END_TEST

/* The second comes while the first is not durable yet: it is not decided beside it. */
START_TEST(G_12__at_once)
{
    struct inproc_answer first = {0}, beside = {0};

    keepertest_fixture.set_up();
    prepare();
    submit(&first, false);
    submit(&beside, true); /* this makes both durable */
    ck_assert_int_eq(beside.reason, ATT_R_Q_NONCE_USED);
    ck_assert_uint_eq(keepertest_outcomes("label"), 1);
    inproc_answer_clear(&first);
    inproc_answer_clear(&beside);
    keepertest_fixture.tear_down();
}
END_TEST

/* After a restart nobody knows the challenge: no second entry, and the records are as they were. */
START_TEST(G_12__after_a_restart)
{
    struct inproc_answer first = {0}, again = {0};
    struct att_diag diag = {0};
    char *before = NULL;
    char *after = NULL;

    keepertest_fixture.set_up();
    prepare();
    submit(&first, true);
    ck_assert_int_eq(first.http, 200);
    ck_assert_int_eq(inproc_restart(kt.v, &diag), ATT_OK);
    before = inproc_dump(kt.v);
    submit(&again, true);
    ck_assert_int_eq(again.reason, ATT_R_Q_NONCE_EXPIRED);
    after = inproc_dump(kt.v);
    ck_assert_str_eq(before, after);
    ck_assert_uint_eq(keepertest_outcomes("label"), 1);
    free(before);
    free(after);
    inproc_answer_clear(&first);
    inproc_answer_clear(&again);
    keepertest_fixture.tear_down();
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-12", G_12__one_after_the_other, 0, 0},
        {"G-12-beside", G_12__at_once, 0, 0},
        {"G-12-restart", G_12__after_a_restart, 0, 0},
    };

    return attack_rows("attacks: a statement submitted again", rows, ATT_COUNT(rows));
}
