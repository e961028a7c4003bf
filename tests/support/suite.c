/* Running one list of Check tests. */
#include "suite.h"

#include <stdlib.h>

int suite_run_case(const char *name, TCase *tc)
{
    Suite *suite = suite_create(name);
    SRunner *runner = NULL;
    int failed = 0;

    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int suite_run(const char *name, const TTest *const *tests, size_t count, double timeout_s)
{
    TCase *tc = tcase_create(name);

    tcase_set_timeout(tc, timeout_s);
    for (size_t i = 0; i < count; i++) {
        tcase_add_test(tc, tests[i]);
    }
    return suite_run_case(name, tc);
}

int suite_run_rows(const char *name, const struct suite_row *rows, size_t count,
                   const struct suite_fixture *fixture)
{
    TCase *tc = tcase_create(name);

    tcase_set_timeout(tc, SUITE_TIMEOUT_S);
    if (fixture != NULL) {
        tcase_add_checked_fixture(tc, fixture->set_up, fixture->tear_down);
    }
    for (size_t i = 0; i < count; i++) {
        if (rows[i].times > 0) {
            tcase_add_loop_test(tc, rows[i].test, 0, rows[i].times);
        } else {
            tcase_add_test(tc, rows[i].test);
        }
    }
    return suite_run_case(name, tc);
}
