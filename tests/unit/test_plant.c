/* The physics and the commands of examples/plant: water is neither made nor lost, and a seed gives one course. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "base/err.h"
#include "plant/control.h"
#include "suite.h"

static struct plant_site site;

static void set_up(void)
{
    site = (struct plant_site){0};
    plant_init(&site.plant, 7);
}

static void tear_down(void)
{
}

static void tell(const char *line)
{
    char answer[512];

    plant_control(&site, line, answer, sizeof answer);
    ck_assert_msg(strcmp(answer, "ok") == 0, "%s: %s", line, answer);
}

static void run(double seconds)
{
    for (int i = 0; i < (int)lround(seconds / PLANT_STEP_S); i++)
        plant_step(&site.plant);
}

/* What is in the tank is what was there, and came, without what went: by any way. */
static void expect_balance(void)
{
    const struct plant *p = &site.plant;
    double expected = 10000.0 + p->total_in_l - p->total_out_l - p->total_leak_l - p->total_over_l;

    ck_assert_double_eq_tol(p->volume_l, expected, 1e-3);
    ck_assert(p->volume_l >= 0.0 && p->volume_l <= PLANT_FULL_L);
}

START_TEST(step__balances_the_volume)
{
    run(3600);
    expect_balance();
    ck_assert_double_eq(site.plant.total_over_l, 0.0);
    tell("leak 3");
    run(600);
    expect_balance();
    ck_assert_double_eq_tol(site.plant.total_leak_l, 1800.0, 1e-6);
    plant_set_valve(&site.plant, 1.0);
    plant_set_pump(&site.plant, false);
    tell("leak 0");
    run(7200);
    expect_balance();
    ck_assert_double_gt(site.plant.total_over_l, 1000.0);
    ck_assert_double_eq_tol(plant_level_m(&site.plant), PLANT_HEIGHT_M, 1e-9);
    plant_set_valve(&site.plant, 0.0);
    plant_set_pump(&site.plant, true);
    tell("leak 1");
    run(20000);
    expect_balance();
    ck_assert_double_lt(plant_level_m(&site.plant), 0.05);
}
END_TEST

/* The undisturbed hour raises nothing: the controller holds the level, and no sensor moves more than its noise. */
START_TEST(step__holds_the_level)
{
    double low = 5.0, high = 0.0, most = 0.0;

    for (int i = 0; i < 36000; i++) {
        const struct plant *p = &site.plant;
        plant_step(&site.plant);
        low = fmin(low, plant_level_m(p));
        high = fmax(high, plant_level_m(p));
        most = fmax(most, fabs(p->reading[PLANT_LEVEL_A].says - p->reading[PLANT_LEVEL_B].says));
        ck_assert_double_eq_tol(p->reading[PLANT_FLOW_IN].says, p->in_l_s, 0.12);
    }
    ck_assert_double_gt(low, 2.3);
    ck_assert_double_lt(high, 2.7);
    ck_assert_double_lt(most, 0.02);
    ck_assert_double_gt(most, 0.002);
}
END_TEST

START_TEST(init__gives_one_course_for_a_seed)
{
    static struct plant other;

    plant_init(&other, 7);
    for (int i = 0; i < 5000; i++) {
        plant_step(&site.plant);
        plant_step(&other);
    }
    ck_assert_mem_eq(&site.plant, &other, sizeof other);
    plant_init(&other, 8);
    for (int i = 0; i < 5001; i++)
        plant_step(&other);
    ck_assert_double_ne(site.plant.reading[PLANT_LEVEL_A].says, other.reading[PLANT_LEVEL_A].says);
}
END_TEST

START_TEST(loop__is_a_current_over_the_height)
{
    struct plant *p = &site.plant;

    tell("spoof level-a 0");
    tell("spoof level-b 5");
    run(PLANT_STEP_S);
    ck_assert_uint_eq(plant_loop_ua(p, PLANT_LEVEL_A), 4000);
    ck_assert_uint_eq(plant_loop_ua(p, PLANT_LEVEL_B), 20000);
    tell("break level-a");
    tell("short level-b");
    run(PLANT_STEP_S);
    ck_assert_uint_lt(plant_loop_ua(p, PLANT_LEVEL_A), 3600);
    ck_assert_uint_gt(plant_loop_ua(p, PLANT_LEVEL_B), 21000);
    tell("honest level-a");
    run(PLANT_STEP_S);
    ck_assert_double_eq_tol(plant_loop_ua(p, PLANT_LEVEL_A), 12000, 60);
}
END_TEST

static double says(enum plant_sensor s)
{
    return site.plant.reading[s].says;
}

START_TEST(control__disturbs_one_sensor)
{
    double before = 0.0;

    run(10);
    before = says(PLANT_LEVEL_A);
    tell("freeze level-a");
    plant_set_pump(&site.plant, false);
    run(120);
    ck_assert_double_eq(says(PLANT_LEVEL_A), before);
    ck_assert_double_gt(says(PLANT_LEVEL_B), before + 0.02);
    tell("honest level-a");
    tell("offset level-b 0.5");
    run(1);
    ck_assert_double_eq_tol(says(PLANT_LEVEL_B) - says(PLANT_LEVEL_A), 0.5, 0.03);
    tell("honest level-b");
    tell("noise level-b 0");
    run(1);
    ck_assert_double_eq_tol(says(PLANT_LEVEL_B), plant_level_m(&site.plant), 1e-3);
}
END_TEST

START_TEST(control__replays_what_was_said)
{
    float said[50];

    run(20);
    for (int i = 0; i < 50; i++) {
        run(PLANT_STEP_S);
        said[i] = (float)says(PLANT_FLOW_IN);
    }
    tell("replay flow-in 5");
    for (int i = 0; i < 120; i++) {
        run(PLANT_STEP_S);
        ck_assert_double_eq(says(PLANT_FLOW_IN), (double)said[i % 50]);
    }
}
END_TEST

START_TEST(control__lets_a_valve_not_follow)
{
    tell("valve stuck");
    plant_set_valve(&site.plant, 0.1);
    run(60);
    ck_assert_double_gt(site.plant.valve, 0.5);
    tell("valve follows");
    run(30);
    ck_assert_double_eq_tol(site.plant.valve, 0.1, 1e-9);
    ck_assert_uint_le(plant_valve_permille(&site.plant), 103);
    tell("auto");
    run(60);
    ck_assert_double_gt(site.plant.valve, 0.4);
}
END_TEST

START_TEST(control__refuses_what_it_does_not_know)
{
    static const char *const bad[] = {"",
                                      "freeze",
                                      "freeze pump",
                                      "spoof level-a",
                                      "spoof level-a x",
                                      "break flow-in",
                                      "noise level-a -1",
                                      "leak -1",
                                      "run 1e9",
                                      "run nan",
                                      "map",
                                      "map both",
                                      "a b c d",
                                      "replace 0123456789012345678901234567890123456789"};
    char answer[512];

    for (size_t i = 0; i < ATT_COUNT(bad); i++) {
        plant_control(&site, bad[i], answer, sizeof answer);
        ck_assert_msg(strncmp(answer, "error: ", 7) == 0, "%s: %s", bad[i], answer);
    }
    ck_assert_uint_eq(site.plant.steps, 1);
    tell("map swap");
    ck_assert(site.swapped);
    tell("map normal");
    ck_assert(!site.swapped);
    tell("replace 0002");
    ck_assert_str_eq(site.plant.serial, "SN 0002");
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {step__balances_the_volume, 0},         {step__holds_the_level, 0},
        {init__gives_one_course_for_a_seed, 0}, {loop__is_a_current_over_the_height, 0},
        {control__disturbs_one_sensor, 0},      {control__replays_what_was_said, 0},
        {control__lets_a_valve_not_follow, 0},  {control__refuses_what_it_does_not_know, 0},
    };
    const struct suite_fixture fixture = {set_up, tear_down};

    return SUITE_RUN_ROWS("plant", rows, &fixture);
}
