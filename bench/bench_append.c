/*
 * Durable appends beside a bare group commit of the same bytes.
 *
 * ours   entries of the log through the keeper's own path: a message is decoded, an outcome, its signed entry, the tree's
 *        tiles, the signed head and a token are stored in one transaction with the others of its group, log-head is
 *        written, and each is answered
 * limit  rows of as many bytes into one table of SQLite (WAL, synchronous FULL), a transaction a group
 *
 * Both on one core and one disk, by turns. Each entry is signed (P-256), which a row of the limit is not: a second row
 * shows the limit with that. A single append waits for two syncs, that of the database and that of log-head: it is held
 * against one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include <sqlite3.h>

#include "harness.h"
#include "inproc.h"
#include "need.h"
#include "verifier/keeper/keeper.h"

#define GROUP   KEEPER_BATCH_MAX
#define GROUPS  8 /* a sample */
#define SINGLES 300

struct scene {
    struct inproc *v;
    sqlite3 *db;
    sqlite3_stmt *insert;
    uint8_t *row;
    int row_bytes;
    EVP_PKEY *key;
    EVP_MD_CTX *md;
    int fd;
};

static void run_sql(sqlite3 *db, const char *sql)
{
    NEED(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

/* --- ours --- */

static void append(struct inproc *v, size_t count)
{
    const struct msg m = {.kind = MSG_ADMIN,
                          .name = att_slice_str("POST"),
                          .path = att_slice_str("/allow"),
                          .body = att_slice_str("{\"id\": \"gateway-1\"}")};
    struct inproc_answer a = {0};

    for (size_t i = 0; i < count; i++)
        inproc_ask(v, &m, &a, i + 1 == count);
    NEED(a.count == count && a.http == 201);
    inproc_answer_clear(&a);
}

static double ours_rate(void *ctx)
{
    const struct scene *s = ctx;
    double start = bench_wall_s();

    for (size_t i = 0; i < GROUPS; i++)
        append(s->v, GROUP);
    return GROUPS * GROUP / (bench_wall_s() - start);
}

/* --- the limit --- */

static void sign_row(const struct scene *s)
{
    uint8_t sig[80];
    size_t len = sizeof(sig);

    NEED(EVP_DigestSignInit(s->md, NULL, EVP_sha256(), NULL, s->key) == 1);
    NEED(EVP_DigestSign(s->md, sig, &len, s->row, (size_t)s->row_bytes) == 1);
}

static double rows_rate(const struct scene *s, bool sign)
{
    double start = bench_wall_s();

    for (size_t i = 0; i < GROUPS; i++) {
        run_sql(s->db, "BEGIN IMMEDIATE");
        for (size_t n = 0; n < GROUP; n++) {
            s->row[n % 32]++;
            if (sign)
                sign_row(s);
            NEED(sqlite3_bind_blob(s->insert, 1, s->row, s->row_bytes, SQLITE_STATIC) == SQLITE_OK);
            NEED(sqlite3_step(s->insert) == SQLITE_DONE && sqlite3_reset(s->insert) == SQLITE_OK);
        }
        run_sql(s->db, "COMMIT");
    }
    return GROUPS * GROUP / (bench_wall_s() - start);
}

static double limit_rate(void *ctx)
{
    return rows_rate(ctx, false);
}

static double signed_rate(void *ctx)
{
    return rows_rate(ctx, true);
}

/* What an append stores, without the tiles: the values of its rows. */
static int bytes_of_a_row(const struct scene *s)
{
    static const char sql[] =
        "SELECT (SELECT avg(length(salt) + length(bytes)) FROM leaf WHERE idx > 10)"
        " + (SELECT avg(24 + length(device) + length(detail)) FROM outcome WHERE idx > 10)"
        " + (SELECT avg(16 + length(digest) + length(id)) FROM token)";
    char path[96];
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    int bytes;

    (void)snprintf(path, sizeof(path), "%s/state/attestd.db", s->v->dir);
    NEED(sqlite3_open(path, &db) == SQLITE_OK);
    NEED(sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW);
    bytes = sqlite3_column_int(q, 0);
    (void)sqlite3_finalize(q);
    (void)sqlite3_close(db);
    NEED(bytes > 200);
    return bytes;
}

static void open_limit(struct scene *s)
{
    char path[96];

    s->row_bytes = bytes_of_a_row(s);
    s->row = calloc(1, (size_t)s->row_bytes);
    (void)snprintf(path, sizeof(path), "%s/bare.db", s->v->dir);
    s->key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    s->md = EVP_MD_CTX_new();
    NEED(s->key != NULL && s->md != NULL);
    NEED(s->row != NULL && sqlite3_open(path, &s->db) == SQLITE_OK);
    run_sql(s->db,
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE;"
            "CREATE TABLE entry (idx INTEGER PRIMARY KEY, bytes BLOB NOT NULL)");
    NEED(sqlite3_prepare_v2(s->db, "INSERT INTO entry (bytes) VALUES (?1)", -1, &s->insert, NULL) ==
         SQLITE_OK);
}

/* --- one at a time --- */

static double sync_ms(const struct scene *s)
{
    static const uint8_t page[4096];
    double start = bench_wall_s();

    NEED(write(s->fd, page, sizeof(page)) == (ssize_t)sizeof(page) && fdatasync(s->fd) == 0);
    return (bench_wall_s() - start) * 1e3;
}

static double single_ms(const struct scene *s)
{
    double start = bench_wall_s();

    append(s->v, 1);
    return (bench_wall_s() - start) * 1e3;
}

/* By turns: both see the same disk. The 99th of a hundred of both, because a disk has its slow moments. */
static void singles(struct scene *s)
{
    const struct bench_row slow = {"single append, 99 of 100, beside fdatasync", "ms",
                                   BENCH_AT_MOST, 3};
    const struct bench_row usual = {"single append, median, beside fdatasync", "ms", BENCH_TOLD, 0};
    static double ours[SINGLES], limit[SINGLES];
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/sync", s->v->dir);
    s->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    NEED(s->fd >= 0);
    for (size_t i = 0; i < SINGLES; i++) {
        limit[i] = sync_ms(s);
        ours[i] = single_ms(s);
    }
    (void)close(s->fd);
    bench_report(&slow, bench_percentile(ours, SINGLES, 99), bench_percentile(limit, SINGLES, 99));
    bench_report(&usual, bench_median(ours, SINGLES), bench_median(limit, SINGLES));
}

int main(void)
{
    const struct bench_row rate = {"durable appends in groups of 256", "1/s", BENCH_AT_LEAST, 0.70};
    const struct bench_row with = {"the same, the limit with a signature a row", "1/s", BENCH_TOLD,
                                   0};
    struct scene s = {0};

    (void)bench_pin(BENCH_FIRST_CORE);
    s.v = inproc_new();
    append(s.v, GROUP);
    inproc_stop(s.v);
    open_limit(&s);
    NEED(inproc_restart(s.v, NULL) == ATT_OK);
    (void)bench_pairs(&rate, ours_rate, limit_rate, &s);
    (void)bench_pairs(&with, ours_rate, signed_rate, &s);
    singles(&s);
    (void)sqlite3_finalize(s.insert);
    (void)sqlite3_close(s.db);
    EVP_MD_CTX_free(s.md);
    EVP_PKEY_free(s.key);
    free(s.row);
    inproc_free(s.v);
    return 0;
}
