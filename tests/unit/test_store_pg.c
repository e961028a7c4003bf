/* The PostgreSQL engine where it is not like the other: several processes, a server that goes away, what it says. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "pgproxy.h"
#include "storetest.h"
#include "verifier/store/pg_internal.h"

static enum att_err second_one(struct att_diag *diag)
{
    struct store *other = NULL;
    enum att_err err = store_open_at(&other, &ts.place, STORE_AS_IT_IS, diag);

    store_close(other);
    return err;
}

/* The session of the store ends, as seen by the server; what it held is free when this returns. */
static void cut_off(void)
{
    storetest_sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                  " WHERE application_name = 'attestd' AND pid <> pg_backend_pid()");
}

static enum att_err one_commit(const char *key, struct att_diag *diag)
{
    enum att_err err = store_begin(ts.st, diag);

    if (err == ATT_OK)
        err = store_meta_put(ts.st, key, att_slice_str("value"), diag);
    if (err == ATT_OK)
        return store_commit(ts.st, diag);
    store_rollback(ts.st);
    return err;
}

static void wait_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

static bool has(const char *key)
{
    uint8_t room[16];
    size_t len = 0;
    enum att_err err = store_meta_get(ts.st, key, room, sizeof(room), &len);

    ck_assert(err == ATT_OK || err == ATT_E_NOT_FOUND);
    return err == ATT_OK;
}

/* S-05, and tables that are not there or there already. */
START_TEST(store_open__refuses_other_tables)
{
    static const struct {
        const char *harm;
        enum att_err err;
        enum att_reason reason;
    } rows[] = {
        {"UPDATE schema_version SET version = version + 1", ATT_E_UNSUPPORTED, ATT_R_ST_SCHEMA},
        {"UPDATE schema_version SET version = 1", ATT_E_UNSUPPORTED, ATT_R_ST_SCHEMA},
        {"UPDATE schema_version SET application = 7", ATT_E_UNSUPPORTED, ATT_R_ST_SCHEMA},
        {"DELETE FROM schema_version", ATT_E_UNSUPPORTED, ATT_R_ST_SCHEMA},
        {"DROP TABLE schema_version", ATT_E_NOT_FOUND, ATT_R_FILE},
        {"DROP TABLE token", ATT_E_FORMAT, ATT_R_ST_CORRUPT},
        {"ALTER TABLE token DROP COLUMN replaces", ATT_E_FORMAT, ATT_R_ST_CORRUPT},
        {"DELETE FROM writer", ATT_E_FORMAT, ATT_R_ST_CORRUPT},
    };
    struct att_diag diag = {0};

    store_closep(&ts.st);
    ck_assert_int_eq(storetest_open(STORE_CREATE, &diag), ATT_E_CONFLICT);
    storetest_sql(rows[_i].harm);
    ck_assert_int_eq(storetest_open(STORE_UPGRADE, &diag), rows[_i].err);
    ck_assert_int_eq(diag.reason, rows[_i].reason);
}
END_TEST

/* Nothing of a string with a secret in it is repeated, also when it cannot be read. */
START_TEST(store_open__takes_no_password)
{
    static const char *const conninfo[] = {
        "host=/tmp password=hunter2",
        "postgresql://u:hunter2@localhost/db",
        "host=/tmp sslkey=k sslpassword=hunter2",
        "hunter2",
        "postgresql://u:hunter2@localhost:x:y/?z",
    };
    const struct store_place place = {.postgresql = conninfo[_i]};
    struct att_diag diag = {0};
    struct store *st = NULL;

    ck_assert_int_eq(store_open_at(&st, &place, STORE_AS_IT_IS, &diag), ATT_E_CONFIG);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_KEY);
    ck_assert_ptr_null(strstr(diag.text, "hunter2"));
}
END_TEST

START_TEST(store_open__says_when_there_is_no_server)
{
    const struct store_place place = {.postgresql = "host=/nonexistent dbname=postgres"};
    struct att_diag diag = {0};
    struct store *st = NULL;

    ck_assert_int_eq(store_open_at(&st, &place, STORE_AS_IT_IS, &diag), ATT_E_NETWORK);
    ck_assert_int_eq(diag.reason, ATT_R_ST_LOST);
}
END_TEST

/* The server lets go of a turn when it notices that its client has gone, which is after the client has. */
static enum att_err second_one_soon(struct att_diag *diag)
{
    enum att_err err = ATT_E_BUSY;

    for (int i = 0; i < 500 && err == ATT_E_BUSY; i++) {
        err = second_one(diag);
        if (err == ATT_E_BUSY) {
            (void)usleep(10000);
        }
    }
    return err;
}

/* G-10: one at a time, and the next as soon as the first has gone. */
START_TEST(store_open__gives_turns)
{
    struct att_diag diag = {0};

    ck_assert_int_eq(second_one(&diag), ATT_E_BUSY);
    ck_assert_int_eq(diag.reason, ATT_R_TL_LOCK);
    ck_assert_int_eq(one_commit("a", NULL), ATT_OK);
    store_closep(&ts.st);
    ck_assert_int_eq(second_one_soon(&diag), ATT_OK);
}
END_TEST

/* G-10, with the lock broken: whoever's turn is over writes nothing any more, and must stop. */
START_TEST(store_begin__notices_that_the_turn_is_over)
{
    struct att_diag diag = {0};

    ck_assert_int_eq(one_commit("a", NULL), ATT_OK);
    storetest_sql("UPDATE writer SET epoch = epoch + 1");
    ck_assert_int_eq(one_commit("b", &diag), ATT_E_BUSY);
    ck_assert_int_eq(diag.reason, ATT_R_TL_LOCK);
    ck_assert(store_broken(ts.st));
    storetest_reopen();
    ck_assert(has("a"));
    ck_assert(!has("b"));
}
END_TEST

/* The same when another had its turn while the connection was lost. */
START_TEST(store_revive__notices_that_the_turn_is_over)
{
    struct att_diag diag = {0};

    cut_off();
    ck_assert_int_eq(second_one(&diag), ATT_OK);
    ck_assert_int_eq(one_commit("b", &diag), ATT_E_BUSY);
    ck_assert_int_eq(diag.reason, ATT_R_TL_LOCK);
    ck_assert(store_broken(ts.st));
}
END_TEST

START_TEST(store__connects_again)
{
    struct att_diag diag = {0};

    ck_assert_int_eq(one_commit("a", NULL), ATT_OK);
    cut_off();
    ck_assert(has("a")); /* a read is asked again */
    cut_off();
    (void)one_commit("b", &diag); /* the first may meet the end of the connection */
    ck_assert_int_eq(one_commit("c", &diag), ATT_OK);
    ck_assert(!store_broken(ts.st));
    ck_assert(has("a"));
    ck_assert(has("c"));
}
END_TEST

START_TEST(store__loses_a_transaction_whole)
{
    struct att_diag diag = {0};

    ck_assert_int_eq(store_begin(ts.st, NULL), ATT_OK);
    ck_assert_int_eq(store_meta_put(ts.st, "a", att_slice_str("1"), NULL), ATT_OK);
    cut_off();
    ck_assert_int_eq(store_meta_put(ts.st, "b", att_slice_str("1"), &diag), ATT_E_NETWORK);
    ck_assert_int_eq(diag.reason, ATT_R_ST_LOST);
    ck_assert(store_lost(ts.st));
    ck_assert_int_ne(store_commit(ts.st, NULL), ATT_OK);
    store_rollback(ts.st);
    ck_assert(!store_broken(ts.st));
    ck_assert(!has("a"));
    ck_assert_int_eq(one_commit("c", NULL), ATT_OK);
    ck_assert(!store_lost(ts.st));
}
END_TEST

/* The server ends within the commit, before it is one. */
START_TEST(store_commit__says_when_it_was_none)
{
    struct att_diag diag = {0};

    storetest_sql("CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
                  " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;"
                  "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON meta DEFERRABLE INITIALLY DEFERRED"
                  " FOR EACH ROW EXECUTE FUNCTION die()");
    ck_assert_int_eq(one_commit("a", &diag), ATT_E_NETWORK);
    ck_assert_int_eq(diag.reason, ATT_R_ST_LOST);
    ck_assert(!store_broken(ts.st));
    ck_assert(!has("a"));
    storetest_sql("DROP TRIGGER die ON meta");
    ck_assert_int_eq(one_commit("a", &diag), ATT_OK);
}
END_TEST

/* The commit came through, and the answer did not: it is asked for, and told as what it was. */
START_TEST(store_commit__finds_out_that_it_was_one)
{
    struct pgproxy proxy;
    char folder[96], conninfo[256];
    const char *after = strchr(ts.conninfo, ' ');
    struct att_diag diag = {0};

    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(after - ts.conninfo) - 5, ts.conninfo + 5);
    pgproxy_start(&proxy, folder);
    store_closep(&ts.st);
    (void)snprintf(conninfo, sizeof(conninfo), "host=%s%s", proxy.folder, after);
    ts.place.postgresql = conninfo;
    ck_assert_int_eq(storetest_open(STORE_AS_IT_IS, &diag), ATT_OK);
    for (int i = 0; i < 20; i++) {
        char key[16];

        (void)snprintf(key, sizeof(key), "key-%d", i);
        *proxy.armed = 1;
        ck_assert_int_eq(one_commit(key, &diag), ATT_OK);
        ck_assert_int_eq(*proxy.armed, 0);
        ck_assert(has(key));
    }
    ck_assert(!store_broken(ts.st));
    store_closep(&ts.st);
    pgproxy_stop(&proxy);
}
END_TEST

/* A server that crashes and comes back. */
START_TEST(store__outlives_the_server)
{
    struct att_diag diag = {0};

    ck_assert_int_eq(one_commit("a", NULL), ATT_OK);
    storetest_pg_server("crash");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(one_commit("b", &diag), ATT_E_NETWORK);
        ck_assert_int_eq(diag.reason, ATT_R_ST_LOST);
    }
    ck_assert(!store_broken(ts.st));
    storetest_pg_server("start");
    for (int i = 0; i < 30 && one_commit("c", &diag) != ATT_OK; i++)
        wait_ms(100);
    ck_assert(has("a"));
    ck_assert(!has("b"));
    ck_assert(has("c"));
}
END_TEST

static void setting(const char *sql)
{
    char plain[128];
    const char *end = strstr(ts.conninfo, " options=");

    (void)snprintf(plain, sizeof(plain), "%.*s", (int)(end - ts.conninfo), ts.conninfo);
    storetest_pg_sql(plain, sql);
    storetest_pg_sql(plain, "SELECT pg_reload_conf(), pg_sleep(0.3)");
}

/* S-08: a server that cannot write says so, and nothing has to be started again when it can. */
START_TEST(store__waits_for_a_server_that_cannot_write)
{
    struct att_diag diag = {0};

    ck_assert_int_eq(one_commit("a", NULL), ATT_OK);
    setting("ALTER SYSTEM SET default_transaction_read_only = on");
    ck_assert_int_eq(one_commit("b", &diag), ATT_E_IO);
    ck_assert_int_eq(diag.reason, ATT_R_ST_FULL);
    ck_assert(has("a"));
    setting("ALTER SYSTEM RESET default_transaction_read_only");
    ck_assert_int_eq(one_commit("c", &diag), ATT_OK);
    ck_assert(!has("b"));
}
END_TEST

/* S-09: somebody holds what the transaction needs: a bounded wait, then not now, and nothing in part. */
START_TEST(store__does_not_wait_for_ever)
{
    struct att_diag diag = {0};
    PGconn *other = PQconnectdb(ts.conninfo);
    PGresult *r = PQexec(other, "BEGIN; UPDATE writer SET txn = txn");

    ck_assert_int_eq(PQresultStatus(r), PGRES_COMMAND_OK);
    PQclear(r);
    ck_assert_int_eq(one_commit("a", &diag), ATT_E_BUSY);
    ck_assert_int_eq(diag.reason, ATT_R_BUSY);
    ck_assert(!store_broken(ts.st));
    PQfinish(other);
    ck_assert_int_eq(one_commit("a", &diag), ATT_OK);
}
END_TEST

/* The process of the server that has the store's session. */
static pid_t session_of_the_store(void)
{
    PGconn *other = PQconnectdb(ts.conninfo);
    PGresult *r =
        PQexec(other, "SELECT pid FROM pg_stat_activity WHERE application_name = 'attestd'"
                      " AND pid <> pg_backend_pid()");
    pid_t pid;

    ck_assert_int_eq(PQntuples(r), 1);
    pid = (pid_t)atoi(PQgetvalue(r, 0, 0));
    ck_assert_int_gt(pid, 1);
    PQclear(r);
    PQfinish(other);
    return pid;
}

/* A server that says nothing any more, and a connection that stays: that is given up, and told as one that was lost. */
START_TEST(store__does_not_wait_for_one_that_is_silent)
{
    struct att_diag diag = {0};
    pid_t pid = session_of_the_store();

    pg_silence_ms = 200;
    ck_assert_int_eq(one_commit("a", NULL), ATT_OK);
    ck_assert_int_eq(kill(pid, SIGSTOP), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(one_commit("b", &diag), ATT_E_NETWORK);
        ck_assert_int_eq(diag.reason, ATT_R_ST_LOST);
        ck_assert(store_lost(ts.st));
    }
    ck_assert_int_eq(kill(pid, SIGCONT), 0);
    for (int i = 0; i < 50 && one_commit("c", &diag) != ATT_OK; i++)
        wait_ms(100);
    ck_assert(!store_broken(ts.st));
    ck_assert(has("a"));
    ck_assert(!has("b"));
    ck_assert(has("c"));
}
END_TEST

/* The answer to a commit comes too late: what became of it is found out once the server has done it. */
START_TEST(store_commit__outlives_a_silence)
{
    struct att_diag diag = {0};

    storetest_sql(
        "CREATE FUNCTION doze() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER doze AFTER INSERT ON meta DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION doze()");
    pg_silence_ms = 200;
    ck_assert_int_eq(one_commit("a", &diag), ATT_OK);
    ck_assert(!store_broken(ts.st));
    ck_assert(has("a"));
}
END_TEST

/* A commit that was answered is on the disk, whatever the role's settings are. */
START_TEST(store_open__makes_commits_durable)
{
    struct att_diag diag = {0};

    storetest_sql("ALTER ROLE attestd SET synchronous_commit = off");
    storetest_reopen();
    ck_assert_int_eq(one_commit("a", &diag), ATT_OK);
    storetest_pg_server("crash");
    storetest_pg_server("start");
    storetest_sql("ALTER ROLE attestd RESET synchronous_commit");
    storetest_reopen();
    ck_assert(has("a"));
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {store_open__refuses_other_tables, 8},
        {store_open__takes_no_password, 5},
        {store_open__says_when_there_is_no_server, 0},
        {store_open__gives_turns, 0},
        {store_begin__notices_that_the_turn_is_over, 0},
        {store_revive__notices_that_the_turn_is_over, 0},
        {store__connects_again, 0},
        {store__loses_a_transaction_whole, 0},
        {store_commit__says_when_it_was_none, 0},
        {store_commit__finds_out_that_it_was_one, 0},
        {store__outlives_the_server, 0},
        {store__waits_for_a_server_that_cannot_write, 0},
        {store__does_not_wait_for_ever, 0},
        {store__does_not_wait_for_one_that_is_silent, 0},
        {store_commit__outlives_a_silence, 0},
        {store_open__makes_commits_durable, 0},
    };

    storetest_pg_start();
    return SUITE_RUN_ROWS("store_pg", ROWS, &storetest_pg_fixture);
}
