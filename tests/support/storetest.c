/* A new store in a folder of its own, for the tests of the store. */
#include "storetest.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "remove_tree.h"

struct storetest ts;

static char server[64]; /* folder of the PostgreSQL that runs for this program; empty: none */

static void set_up(void)
{
    (void)snprintf(ts.folder, sizeof(ts.folder), "/tmp/attestd-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(ts.folder));
    ts.conninfo[0] = '\0';
    ts.place = (struct store_place){.folder = ts.folder};
    ck_assert_int_eq(storetest_open(STORE_CREATE, NULL), ATT_OK);
}

static void tear_down(void)
{
    store_closep(&ts.st);
    remove_tree(ts.folder);
}

const struct suite_fixture storetest_fixture = {set_up, tear_down};

/* --- PostgreSQL --- */

void storetest_pg_sql(const char *conninfo, const char *sql)
{
    PGconn *c = PQconnectdb(conninfo);
    PGresult *r = PQexec(c, sql);

    ck_assert_msg(PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK,
                  "%s: %s", sql, PQerrorMessage(c));
    PQclear(r);
    PQfinish(c);
}

void storetest_pg_server(const char *act)
{
    char line[256];
    int status;

    (void)snprintf(line, sizeof(line), "exec tests/support/pgserver %s %s", act, server);
    status = system(line); /* its words are ours */
    ck_assert_int_eq(status, 0);
}

void storetest_pg_start(void)
{
    char line[256];
    int status;

    if (server[0] != '\0')
        return;
    (void)snprintf(server, sizeof(server), "/tmp/attestd-pg-XXXXXX");
    if (mkdtemp(server) == NULL)
        abort();
    (void)snprintf(line, sizeof(line), "exec tests/support/pgserver start %s %ld", server,
                   (long)getpid());
    status = system(line);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        exit(77);
    if (status != 0)
        abort();
}

static void pg_set_up(void)
{
    static const char form[] = "host=%s/socket dbname=postgres user=attestd";
    char plain[128];
    char sql[64];

    (void)snprintf(plain, sizeof(plain), form, server);
    (void)snprintf(ts.conninfo, sizeof(ts.conninfo),
                   "host=%s/socket dbname=postgres user=attestd options=-csearch_path=t%ld", server,
                   (long)getpid());
    (void)snprintf(sql, sizeof(sql), "CREATE SCHEMA t%ld", (long)getpid());
    storetest_pg_sql(plain, sql);
    ts.place = (struct store_place){.postgresql = ts.conninfo};
    ck_assert_int_eq(storetest_open(STORE_CREATE, NULL), ATT_OK);
}

static void pg_tear_down(void)
{
    store_closep(&ts.st);
}

const struct suite_fixture storetest_pg_fixture = {pg_set_up, pg_tear_down};

int storetest_run_both(const char *name, const struct suite_row *rows, size_t count)
{
    char second[64];
    int first = suite_run_rows(name, rows, count, &storetest_fixture);

    storetest_pg_start();
    (void)snprintf(second, sizeof(second), "%s_postgresql", name);
    return suite_run_rows(second, rows, count, &storetest_pg_fixture) | first;
}

enum att_err storetest_open(enum store_how how, struct att_diag *diag)
{
    enum att_err err = ATT_E_BUSY;

    /* a server lets go of the turn of one that closed when it notices, which is after the close */
    for (int i = 0; i < 500 && err == ATT_E_BUSY; i++) {
        err = store_open_at(&ts.st, &ts.place, how, diag);
        if (err == ATT_E_BUSY) {
            (void)usleep(10000);
        }
    }
    return err;
}

void storetest_reopen(void)
{
    store_closep(&ts.st);
    ck_assert_int_eq(storetest_open(STORE_AS_IT_IS, NULL), ATT_OK);
}

char *storetest_dumped(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(store_dump(ts.st, f), ATT_OK);
    ck_assert_int_eq(fclose(f), 0);
    return text;
}

void storetest_show(void *ctx, const char *text)
{
    (void)ctx;
    ck_assert_ptr_nonnull(text);
}

size_t storetest_findings(void)
{
    size_t n = 99;

    ck_assert_int_eq(store_check(ts.st, storetest_show, NULL, &n), ATT_OK);
    return n;
}

struct store_device storetest_device(const char *id, uint8_t seed)
{
    struct store_device d = {
        .ek_name_len = 34, .ek_public_len = 300, .ak_name_len = 34, .ak_public_len = 90};

    (void)snprintf(d.id, sizeof(d.id), "%s", id);
    memset(d.ek_name, seed, d.ek_name_len);
    memset(d.ek_public, seed + 1, d.ek_public_len);
    memset(d.ak_name, seed + 2, d.ak_name_len);
    memset(d.ak_public, seed + 3, d.ak_public_len);
    memset(d.tls_key, seed + 4, sizeof(d.tls_key));
    memset(d.ek_cert, seed + 5, sizeof(d.ek_cert));
    d.ek_verified = true;
    d.enrolled_utc = 1000;
    return d;
}

int64_t storetest_add_device(const char *id, uint8_t seed)
{
    struct store_device d = storetest_device(id, seed);
    int64_t n = 0;

    ck_assert_int_eq(store_begin(ts.st, NULL), ATT_OK);
    ck_assert_int_eq(store_device_add(&n, ts.st, &d, 2000, NULL), ATT_OK);
    ck_assert_int_eq(store_commit(ts.st, NULL), ATT_OK);
    return n;
}

enum att_err storetest_write_verdict(int64_t enrolment, const char *id, uint8_t seed,
                                     enum store_status status)
{
    static const uint8_t evidence[3000] = {7};
    struct store_outcome o = {.utc = 5000,
                              .kind = STORE_KIND_LABEL,
                              .has_cti = true,
                              .has_evidence = true,
                              .has_rules = true};
    struct store_label l = {.iat = 5000, .exp = 6000, .tier = 2};
    struct store_state s = {.status = status, .last_utc = 5000, .deadline_utc = 5600};
    struct store_evidence e = {.enrolment = enrolment, .utc = 5000};
    enum att_err err;

    (void)snprintf(o.device, sizeof(o.device), "%s", id);
    (void)snprintf(l.device, sizeof(l.device), "%s", id);
    memset(o.cti, seed, sizeof(o.cti));
    memset(o.evidence, seed, sizeof(o.evidence));
    memcpy(l.cti, o.cti, sizeof(l.cti));
    memcpy(s.cti, o.cti, sizeof(s.cti));
    s.has_cti = true;
    s.boot = att_slice_str("boot");
    s.carry = att_slice_str("carry");
    err = store_outcome_append(&o.index, ts.st, &o, NULL);
    l.outcome = e.outcome = o.index;
    if (err == ATT_OK)
        err = store_label_put(ts.st, &l, NULL, att_slice_str("label"), NULL);
    if (err == ATT_OK)
        err = store_policy_put(ts.st, o.policy, att_slice_str("policy"), NULL);
    if (err == ATT_OK)
        err = store_evidence_put(ts.st, &e, att_slice_of(evidence, sizeof(evidence)), NULL);
    if (err == ATT_OK)
        err = store_state_put(ts.st, enrolment, &s, NULL);
    return err;
}

enum att_err storetest_mark(int64_t enrolment, enum store_status status, const char *reason)
{
    struct store_mark mark = {.status = status, .reason = reason};

    return store_state_mark(ts.st, enrolment, &mark, NULL);
}

void storetest_commit_verdict(int64_t enrolment, const char *id, uint8_t seed)
{
    ck_assert_int_eq(store_begin(ts.st, NULL), ATT_OK);
    ck_assert_int_eq(storetest_write_verdict(enrolment, id, seed, STORE_AFFIRMING), ATT_OK);
    ck_assert_int_eq(store_commit(ts.st, NULL), ATT_OK);
}

void storetest_sql(const char *sql)
{
    char path[96];
    sqlite3 *db = NULL;

    if (ts.conninfo[0] != '\0') {
        char text[512];

        (void)snprintf(text, sizeof(text), "SET session_replication_role = replica; %s", sql);
        storetest_pg_sql(ts.conninfo, text);
        return;
    }
    (void)snprintf(path, sizeof(path), "%s/attestd.db", ts.folder);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}
