/* G-10: several attestd on one PostgreSQL, and S-07: what an operator may write into the configuration. */
#include <string.h>

#include "attack.h"
#include "storetest.h"
#include "treetest.h"
#include "verifier/keeper/sequencer_internal.h"

static enum att_err write_one(struct store *st, struct att_diag *diag)
{
    enum att_err err = store_begin(st, diag);

    if (err == ATT_OK)
        err = store_meta_put(st, "key", att_slice_str("value"), diag);
    if (err == ATT_OK)
        return store_commit(st, diag);
    store_rollback(st);
    return err;
}

START_TEST(G_10__second_attestd)
{
    struct att_diag diag = {0};
    struct store *other = NULL;

    storetest_pg_fixture.set_up();
    ck_assert_int_eq(store_open_at(&other, &ts.place, STORE_AS_IT_IS, &diag), ATT_E_BUSY);
    ck_assert_int_eq(diag.reason, ATT_R_TL_LOCK);
    ck_assert_int_eq(write_one(ts.st, NULL), ATT_OK);
    storetest_pg_fixture.tear_down();
}
END_TEST

/* The lock is broken: somebody else had a turn, and the first still has its connection. */
START_TEST(G_10__turn_that_is_over)
{
    struct att_diag diag = {0};

    storetest_pg_fixture.set_up();
    storetest_sql("UPDATE writer SET epoch = epoch + 1");
    ck_assert_int_eq(write_one(ts.st, &diag), ATT_E_BUSY);
    ck_assert_int_eq(diag.reason, ATT_R_TL_LOCK);
    ck_assert(store_broken(ts.st));
    storetest_pg_fixture.tear_down();
}
END_TEST

/* What this host knows is not the beginning of what the database says. */
START_TEST(G_10__another_history)
{
    struct att_merkle_head known = {.size = 5};
    struct att_merkle_nodes nodes;
    struct att_diag diag = {0};
    struct treetest t;

    treetest_open(&t, 9);
    nodes = treetest_nodes(&t);
    treetest_root(known.root, &t, known.size);
    ck_assert_int_eq(sequencer_begins_with(&nodes, &known, t.size, &diag), ATT_OK);
    known.root[_i] ^= 1;
    ck_assert_int_eq(sequencer_begins_with(&nodes, &known, t.size, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_TL_ROLLBACK);
    treetest_close(&t);
}
END_TEST

START_TEST(S_07__password_in_the_configuration)
{
    static const char *const conninfo[] = {"host=/tmp password=hunter2",
                                           "postgresql://u:hunter2@localhost/db",
                                           "host=/tmp sslkey=k sslpassword=hunter2"};
    struct att_diag diag = {0};

    ck_assert_int_eq(store_conninfo_check(conninfo[_i], &diag), ATT_E_CONFIG);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_KEY);
    ck_assert_ptr_null(strstr(diag.text, "hunter2"));
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-10-second", G_10__second_attestd, 0, 60},
        {"G-10-turn", G_10__turn_that_is_over, 0, 60},
        {"G-10-history", G_10__another_history, ATT_MERKLE_LEN, 0},
        {"S-07-password", S_07__password_in_the_configuration, 3, 0},
    };

    storetest_pg_start();
    return attack_rows("attacks: turns at one database", rows, ATT_COUNT(rows));
}
