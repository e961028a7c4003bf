/* attestd/agent/sampler/drift.h: clocks that go alike, jump and creep. */
#include <check.h>

#include "agent/sampler/drift.h"
#include "suite.h"

#define UTC INT64_C(1800000000000)

static struct drift drift;

static void set_up(void)
{
    drift = (struct drift){0};
    ck_assert_int_eq(drift_judge(&drift, (struct two_clocks){5000, UTC}), ATT_CHECK_NOT_RUN);
}

static void tear_down(void)
{
}

static void expect(uint64_t tpm_ms, int64_t utc_ms, enum att_check_status want)
{
    ck_assert_int_eq(drift_judge(&drift, (struct two_clocks){5000 + tpm_ms, UTC + utc_ms}), want);
}

START_TEST(drift_judge__takes_clocks_that_go_alike)
{
    for (int i = 1; i <= 3600; i++)
        expect((uint64_t)i * 1000, i * 1000 + i % 7, ATT_CHECK_PASS);
    expect(86400000, 86400000 + DRIFT_MS, ATT_CHECK_PASS); /* after a day without a look */
}
END_TEST

START_TEST(drift_judge__takes_a_slow_tpm)
{
    for (int i = 1; i <= 3600; i++)
        expect((uint64_t)i * 1000, i * 1149, ATT_CHECK_PASS);
}
END_TEST

START_TEST(drift_judge__sees_a_jump)
{
    expect(1000, 1000 + DRIFT_MS + 150, ATT_CHECK_PASS);
    set_up();
    expect(1000, 1000 + DRIFT_MS + 151, ATT_CHECK_FAIL);
    expect(2000, 2000 + DRIFT_MS + 151, ATT_CHECK_PASS); /* told once */
    expect(3000, 3000, ATT_CHECK_FAIL);                  /* and back */
    set_up();
    expect(1000, -600000, ATT_CHECK_FAIL);
    expect(2000, -599000, ATT_CHECK_PASS);
}
END_TEST

/* A second in each second is never a jump. */
START_TEST(drift_judge__sees_what_creeps)
{
    expect(1000, 2000, ATT_CHECK_PASS);
    expect(2000, 4000, ATT_CHECK_PASS);
    expect(3000, 6000, ATT_CHECK_FAIL);
    set_up();
    expect(1000, 0, ATT_CHECK_PASS);
    expect(2000, 0, ATT_CHECK_PASS);
    expect(3000, 0, ATT_CHECK_FAIL);
}
END_TEST

START_TEST(drift_judge__refuses_a_tpm_that_goes_back)
{
    expect(0, 0, ATT_CHECK_PASS);
    ck_assert_int_eq(drift_judge(&drift, (struct two_clocks){4999, UTC}), ATT_CHECK_FAIL);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {drift_judge__takes_clocks_that_go_alike, 0},
        {drift_judge__takes_a_slow_tpm, 0},
        {drift_judge__sees_a_jump, 0},
        {drift_judge__sees_what_creeps, 0},
        {drift_judge__refuses_a_tpm_that_goes_back, 0},
    };
    const struct suite_fixture fixture = {set_up, tear_down};

    return SUITE_RUN_ROWS("drift", rows, &fixture);
}
