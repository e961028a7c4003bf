/* One list of Check tests run as a program: the exit code says whether all passed. */
#ifndef ATT_TEST_SUITE_H
#define ATT_TEST_SUITE_H

#include <check.h>
#include <stddef.h>

/* name is the suite's and its one case's: what CK_RUN_CASE takes. timeout in seconds for each test. */
int suite_run(const char *name, const TTest *const *tests, size_t count, double timeout_s);

#define SUITE_RUN(name, tests) suite_run((name), (tests), sizeof(tests) / sizeof((tests)[0]), 120)

/* The same for a case with loops or fixtures, filled by the caller: it is the suite's from here on. */
int suite_run_case(const char *name, TCase *tc);

#endif
