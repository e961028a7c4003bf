/* What happened between two quotes: resetCount decides first, then restartCount, then the clock. */
#include <check.h>
#include <string.h>

#include "evidence/states.h"
#include "suite.h"

static const struct att_clock_info before = {
    .clock_ms = 5000, .reset_count = 7, .restart_count = 2, .safe = true};

/* The states of (reset, restart, clock, safe) after before, and no others. */
static void expect(const struct att_clock_info *now, const struct att_clock_info *prior, bool kexec,
                   const char *codes)
{
    struct att_states s = att_states_of(now, prior, kexec);
    char all[128] = "";

    for (size_t i = 0; i < s.count; i++) {
        (void)strncat(all, att_reason_code(s.reason[i]), sizeof(all) - strlen(all) - 1);
        (void)strncat(all, " ", sizeof(all) - strlen(all) - 1);
        ck_assert_int_eq(att_reason_info(s.reason[i])->http, 200); /* no refusal */
    }
    ck_assert_str_eq(all, codes);
    ck_assert_uint_le(s.count, ATT_STATES_MAX);
}

START_TEST(states_of__follow_the_order_of_time)
{
    static const struct {
        struct att_clock_info now;
        const char *codes;
    } rows[] = {
        {{6000, 7, 2, true}, ""},
        {{6000, 7, 2, false}, "E_TIME_UNSAFE "},
        {{6000, 7, 3, true}, "E_TIME_RESUME "},
        {{100, 7, 3, true}, "E_TIME_RESUME "}, /* the clock is behind, and comes last */
        {{6000, 7, 3, false}, "E_TIME_RESUME E_TIME_UNSAFE "},
        {{6000, 8, 2, true}, "E_TIME_RESET "},
        {{100, 8, 0, true}, "E_TIME_RESET "}, /* restartCount and clock fell: resetCount is first */
        {{100, 8, 0, false}, "E_TIME_UNCLEAN "},
        {{6000, 9, 3, false}, "E_TIME_UNCLEAN "},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expect(&rows[i].now, &before, false, rows[i].codes);
    }
}
END_TEST

START_TEST(states_of__a_first_quote_is_told_as_that)
{
    struct att_clock_info now = before;

    expect(&now, NULL, false, "E_TIME_FIRST ");
    now.safe = false;
    expect(&now, NULL, false, "E_TIME_FIRST E_TIME_UNSAFE ");
    expect(&now, NULL, true, "E_TIME_FIRST E_TIME_KEXEC E_TIME_UNSAFE ");
}
END_TEST

START_TEST(states_of__kexec_is_told_beside_what_moved)
{
    struct att_clock_info now = before;

    now.clock_ms++;
    expect(&now, &before, true, "E_TIME_KEXEC ");
    now.reset_count++;
    expect(&now, &before, true, "E_TIME_RESET E_TIME_KEXEC ");
}
END_TEST

START_TEST(clock_print__gives_each_number)
{
    const struct att_clock_info now = {UINT64_MAX, UINT32_MAX, UINT32_MAX, false};
    char out[160];

    ck_assert_str_eq(att_clock_print(out, sizeof(out), &before, NULL),
                     "resetCount 7, restartCount 2, clock 5000 ms");
    ck_assert_str_eq(att_clock_print(out, sizeof(out), &now, &before),
                     "resetCount 7 to 4294967295, restartCount 2 to 4294967295, "
                     "clock 5000 to 18446744073709551615 ms");
    /* two of the longest fit the keeper's room */
    ck_assert_uint_lt(strlen(att_clock_print(out, sizeof(out), &now, &now)), 144);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        states_of__follow_the_order_of_time,
        states_of__a_first_quote_is_told_as_that,
        states_of__kexec_is_told_beside_what_moved,
        clock_print__gives_each_number,
    };

    return SUITE_RUN("states", tests);
}
