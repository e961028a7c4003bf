/* Which folder and database the store opens, and that both are private. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storetest.h"

START_TEST(store_open__admits_one_process)
{
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct store *second = NULL;
        struct att_diag diag = {0};
        enum att_err err = store_open(&second, ts.folder, false, &diag);

        /* before SQLite sees the file: its own locks come too late */
        _exit(err == ATT_E_BUSY && diag.reason == ATT_R_ST_LOCK &&
                      strcmp(diag.field, "attestd.lock") == 0
                  ? 0
                  : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

START_TEST(store_open__makes_a_database_only_when_told_to)
{
    struct att_diag diag = {0};
    char path[96];
    struct store *second = NULL;

    store_closep(&ts.st);
    ck_assert_int_eq(store_open(&second, ts.folder, true, &diag), ATT_E_CONFLICT);
    (void)snprintf(path, sizeof(path), "%s/attestd.db", ts.folder);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(store_open(&second, ts.folder, false, &diag), ATT_E_NOT_FOUND);
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert_ptr_null(second);
}
END_TEST

START_TEST(store_open__refuses_another_schema_and_another_program)
{
    static const char *const others[] = {"PRAGMA user_version = 9", "PRAGMA user_version = 0",
                                         "PRAGMA application_id = 7"};
    struct att_diag diag = {0};

    store_closep(&ts.st);
    storetest_sql(others[_i]);
    ck_assert_int_eq(store_open(&ts.st, ts.folder, false, &diag), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(diag.reason, ATT_R_ST_SCHEMA);
}
END_TEST

START_TEST(store_open__refuses_what_is_no_database)
{
    static const char text[] = "this is not the database that you are looking for, is it?";
    struct att_diag diag = {0};
    char path[96];
    int fd;

    store_closep(&ts.st);
    (void)snprintf(path, sizeof(path), "%s/attestd.db", ts.folder);
    fd = open(path, O_WRONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, sizeof(text)), (ssize_t)sizeof(text));
    (void)close(fd);
    ck_assert_int_eq(store_open(&ts.st, ts.folder, false, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ST_CORRUPT);
    ck_assert_ptr_null(ts.st);
}
END_TEST

START_TEST(store_open__refuses_a_missing_table)
{
    struct att_diag diag = {0};

    store_closep(&ts.st);
    storetest_sql("DROP TABLE token");
    ck_assert_int_eq(store_open(&ts.st, ts.folder, false, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ST_CORRUPT);
}
END_TEST

/* S-06: everything in the folder is for this user alone, while open and after. */
START_TEST(store__files_are_private)
{
    static const char *const names[] = {"attestd.db", "attestd.db-wal", "attestd.lock"};
    mode_t old = umask(0);
    struct stat sb;
    char path[96];

    storetest_commit_verdict(storetest_add_device("gw-1", 0x10), "gw-1", 1);
    for (size_t i = 0; i < ATT_COUNT(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", ts.folder, names[i]);
        ck_assert_int_eq(stat(path, &sb), 0);
        ck_assert_uint_eq(sb.st_mode & 07777, 0600);
    }
    (void)umask(old);
}
END_TEST

START_TEST(store_open__refuses_what_others_can_read)
{
    struct att_diag diag = {0};
    char path[96];

    store_closep(&ts.st);
    (void)snprintf(path, sizeof(path), "%s/attestd.db", ts.folder);
    ck_assert_int_eq(chmod(path, 0640), 0);
    ck_assert_int_eq(store_open(&ts.st, ts.folder, false, &diag), ATT_E_DENIED);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_PERM);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_int_eq(chmod(ts.folder, 0755), 0);
    ck_assert_int_ne(store_open(&ts.st, ts.folder, false, &diag), ATT_OK);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_PERM);
    ck_assert_int_eq(chmod(ts.folder, 0700), 0);
}
END_TEST

/* S-02: a link in place of a file is not followed. */
START_TEST(store_open__follows_no_link)
{
    static const char *const names[] = {"attestd.db", "attestd.lock"};
    char path[96], victim[96];
    struct stat sb;

    store_closep(&ts.st);
    (void)snprintf(path, sizeof(path), "%s/%s", ts.folder, names[_i]);
    (void)snprintf(victim, sizeof(victim), "%s/victim", ts.folder);
    ck_assert_int_eq(rename(path, victim), 0);
    ck_assert_int_eq(symlink(victim, path), 0);
    ck_assert_int_eq(stat(victim, &sb), 0);
    ck_assert_int_eq(store_open(&ts.st, ts.folder, false, NULL), ATT_E_IO);
    ck_assert_ptr_null(ts.st);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {store_open__admits_one_process, 0},
        {store_open__makes_a_database_only_when_told_to, 0},
        {store_open__refuses_another_schema_and_another_program, 3},
        {store_open__refuses_what_is_no_database, 0},
        {store_open__refuses_a_missing_table, 0},
        {store__files_are_private, 0},
        {store_open__refuses_what_others_can_read, 0},
        {store_open__follows_no_link, 2},
    };

    return SUITE_RUN_ROWS("store_open", ROWS, &storetest_fixture);
}
