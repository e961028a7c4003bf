/* One list of Check tests run as a program: the exit code says whether all passed. */
#ifndef ATT_TEST_SUITE_H
#define ATT_TEST_SUITE_H

#include <check.h>
#include <stddef.h>

#define SUITE_TIMEOUT_S 120

/* name is the suite's and its one case's: what CK_RUN_CASE takes. timeout in seconds for each test. */
int suite_run(const char *name, const TTest *const *tests, size_t count, double timeout_s);

#define SUITE_RUN(name, tests)                                                                     \
    suite_run((name), (tests), sizeof(tests) / sizeof((tests)[0]), SUITE_TIMEOUT_S)

struct suite_row {
    const TTest *test;
    int times; /* a loop test with _i = 0 .. times-1; 0: once */
};

/* Before and after each test, in its own process. */
struct suite_fixture {
    void (*set_up)(void);
    void (*tear_down)(void);
};

/* The same with loops, and a fixture or NULL. */
int suite_run_rows(const char *name, const struct suite_row *rows, size_t count,
                   const struct suite_fixture *fixture);

#define SUITE_RUN_ROWS(name, rows, fixture)                                                        \
    suite_run_rows((name), (rows), sizeof(rows) / sizeof((rows)[0]), (fixture))

/* The same for a case with loops or fixtures, filled by the caller: it is the suite's from here on. */
int suite_run_case(const char *name, TCase *tc);

#endif
