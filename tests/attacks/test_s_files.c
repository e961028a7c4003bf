/* S-04 and S-07: what an attacker, or a bad restore, can do to the database's files, and what can be read from them. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attack.h"
#include "base/buf.h"
#include "base/file.h"
#include "keepertest.h"
#include "need.h"

#define FILE_MAX ((size_t)64 << 20)
#define DAMAGES  6

/* The two files that are the database, as a crash leaves them. */
struct image {
    struct att_buf *db, *wal;
};

static const char *path_of(const struct inproc *v, const char *name)
{
    static char path[400];

    (void)snprintf(path, sizeof(path), "%s/state/%s", v->dir, name);
    return path;
}

static struct image take(const struct inproc *v)
{
    struct image x = {0};

    NEED(att_file_read(&x.db, path_of(v, "attestd.db"), FILE_MAX, NULL) == ATT_OK);
    NEED(att_file_read(&x.wal, path_of(v, "attestd.db-wal"), FILE_MAX, NULL) == ATT_OK);
    NEED(att_buf_slice(x.wal).len > 0);
    return x;
}

static void image_free(struct image *x)
{
    att_buf_free(x->db);
    att_buf_free(x->wal);
}

static void put(const char *name, struct att_slice bytes)
{
    NEED(att_file_write(path_of(kt.v, name), bytes, 0600, NULL) == ATT_OK);
}

/* Another verifier's journal, of a database as young as ours. */
static struct att_buf *journal_of_another(void)
{
    struct inproc *other = inproc_new();
    struct inproc_gateway gw;
    struct image x = {0};
    char token[64];

    inproc_gateway_new(&gw, other, "gw-9", true);
    inproc_token(other, "gw-9", token);
    NEED(inproc_enrol(other, &gw, token) == ATT_R_NONE);
    x = take(other);
    inproc_gateway_free(&gw);
    inproc_free(other);
    att_buf_free(x.db);
    return x.wal;
}

/* The nth damage to what a crash left: each database file is ours, each journal something else than its own. */
static void damage(int n, const struct image *early, const struct image *late)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *foreign = NULL;
    struct att_slice db = att_buf_slice(late->db);
    struct att_slice wal = att_buf_slice(late->wal);
    uint8_t *zeros = NULL;

    put("attestd.db", db);
    switch (n) {
    case 0: /* removed */
        NEED(unlink(path_of(kt.v, "attestd.db-wal")) == 0 ||
             access(path_of(kt.v, "attestd.db-wal"), F_OK) != 0);
        return;
    case 1: /* cut in the middle of a frame */
        put("attestd.db-wal", att_slice_of(wal.p, wal.len / 2 + 7));
        return;
    case 2: /* an earlier one of the same database */
        put("attestd.db-wal", att_buf_slice(early->wal));
        return;
    case 3:
        foreign = journal_of_another();
        put("attestd.db-wal", att_buf_slice(foreign));
        return;
    case 4:
        zeros = calloc(1, wal.len);
        NEED(zeros != NULL);
        put("attestd.db-wal", att_slice_of(zeros, wal.len));
        free(zeros);
        return;
    default: /* the database itself is cut, and its journal is whole */
        put("attestd.db", att_slice_of(db.p, db.len / 2));
        put("attestd.db-wal", wal);
        return;
    }
}

/* Acknowledged entries are in the journal: without it, or with another, the service does not start and says why. */
START_TEST(S_04__journal_that_is_not_the_databases_own)
{
    static const enum att_reason REASON[DAMAGES] = {ATT_R_TL_ROLLBACK, ATT_R_TL_ROLLBACK,
                                                    ATT_R_TL_ROLLBACK, ATT_R_KEY_EVIDENCE,
                                                    ATT_R_TL_ROLLBACK, ATT_R_ST_CORRUPT};
    struct image early = {0}, late = {0};
    struct att_diag diag = {0};
    char *before = NULL;
    char *after = NULL;

    keepertest_fixture.set_up();
    early = take(kt.v);
    keepertest_enrol(&kt.gw);
    NEED(inproc_attest(kt.v, &kt.gw, kt.t) == 200);
    late = take(kt.v);
    before = inproc_dump(kt.v);
    inproc_stop(kt.v);
    damage(_i, &early, &late);
    ck_assert_int_ne(inproc_restart(kt.v, &diag), ATT_OK);
    ck_assert_msg(diag.reason == REASON[_i], "%s: %s", att_reason_code(diag.reason), diag.text);

    /* the refusal changed nothing that the right files could not mend */
    inproc_stop(kt.v);
    put("attestd.db", att_buf_slice(late.db));
    put("attestd.db-wal", att_buf_slice(late.wal));
    ck_assert_int_eq(inproc_restart(kt.v, &diag), ATT_OK);
    after = inproc_dump(kt.v);
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    image_free(&early);
    image_free(&late);
    keepertest_fixture.tear_down();
}
END_TEST

/* Is it anywhere in a file of the state folder? */
static bool stands_in_state(const void *what, size_t len)
{
    char folder[96];
    DIR *dir = NULL;
    bool found = false;
    size_t files = 0;

    (void)snprintf(folder, sizeof(folder), "%s/state", kt.v->dir);
    dir = opendir(folder);
    NEED(dir != NULL);
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;

        if (e->d_name[0] == '.' ||
            att_file_read(&file, path_of(kt.v, e->d_name), FILE_MAX, NULL) != ATT_OK) {
            continue;
        }
        files++;
        found = found || memmem(att_buf_slice(file).p, att_buf_slice(file).len, what, len) != NULL;
    }
    (void)closedir(dir);
    NEED(files >= 2);
    return found;
}

/* Whoever reads the files can neither enrol with an open token, nor answer an open challenge, nor sign. */
START_TEST(S_07__nothing_secret_is_readable_in_the_state)
{
    char token[64];

    keepertest_fixture.set_up();
    keepertest_enrol(&kt.gw);
    NEED(inproc_attest(kt.v, &kt.gw, kt.t) == 200);
    inproc_token(kt.v, "gw-2", token);
    NEED(inproc_session(kt.v, &kt.gw, kt.t) == ATT_R_NONE);
    ck_assert(stands_in_state("gw-2", 4)); /* the token's record is there */
    ck_assert(!stands_in_state(token, strlen(token)));
    ck_assert(!stands_in_state(kt.t->a.challenge.nonce.p, kt.t->a.challenge.nonce.len));
    ck_assert(!stands_in_state("PRIVATE KEY", 11));
    keepertest_fixture.tear_down();
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"S-04", S_04__journal_that_is_not_the_databases_own, DAMAGES, 60},
        {"S-07", S_07__nothing_secret_is_readable_in_the_state, 0, 60},
    };

    return attack_rows("attacks: files of the database", rows, ATT_COUNT(rows));
}
