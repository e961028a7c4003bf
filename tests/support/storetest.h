/* What tests of the store share: a new store in a folder of its own, devices and verdicts to put in it. */
#ifndef ATT_TEST_STORETEST_H
#define ATT_TEST_STORETEST_H

#include <stddef.h>
#include <stdint.h>

#include "suite.h"
#include "verifier/store/store.h"

/* Made anew for each test; a test may close the store, and open it again. */
struct storetest {
    char folder[64];          /* SQLite */
    char conninfo[256];       /* PostgreSQL; empty: SQLite */
    struct store_place place; /* of the two that it is */
    struct store *st;
};
extern struct storetest ts;
extern const struct suite_fixture storetest_fixture;
/* The same in a schema of its own of a PostgreSQL that storetest_run_both has started. */
extern const struct suite_fixture storetest_pg_fixture;

/* Run the rows with each engine: the exit code. The server of the second is the tests' own, and goes with them. */
int storetest_run_both(const char *name, const struct suite_row *rows, size_t count);
/* Start the server, once a program. 77 when PostgreSQL is not installed. */
void storetest_pg_start(void);

enum att_err storetest_open(enum store_how how, struct att_diag *diag);
void storetest_reopen(void);
/* The canonical dump as a string; the caller frees it. */
char *storetest_dumped(void);
/* How many things store_check finds wrong; what it says of each goes to _show. */
size_t storetest_findings(void);
void storetest_show(void *ctx, const char *text);

/* A device with keys that seed makes; the same, enrolled in a transaction of its own: its enrolment. */
struct store_device storetest_device(const char *id, uint8_t seed);
int64_t storetest_add_device(const char *id, uint8_t seed);
/* One attestation as the keeper writes it, without begin and commit; and as a transaction. */
enum att_err storetest_write_verdict(int64_t enrolment, const char *id, uint8_t seed,
                                     enum store_status status);
void storetest_commit_verdict(int64_t enrolment, const char *id, uint8_t seed);
enum att_err storetest_mark(int64_t enrolment, enum store_status status, const char *reason);

/* Change the closed database behind the store's back. */
void storetest_sql(const char *sql);
/* The same with a connection of its own, whichever engine it is. */
void storetest_pg_sql(const char *conninfo, const char *sql);
/* A program of tests/support (pgserver) of the server that runs. */
void storetest_pg_server(const char *act);

#endif
