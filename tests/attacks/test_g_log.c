/* Group G, the log as it is stored: whoever changes it, or puts an old one back, finds a verifier that signs nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "base/file.h"
#include "base/hex.h"
#include "logscene.h"
#include "need.h"
#include "verifier/keeper/loghead.h"

/* Stopped, with changed records: the start is refused, before anything is signed. */
static void start_refused(struct logscene *s, enum att_reason reason, const char *text)
{
    struct att_diag diag = {0};

    ck_assert_int_ne(inproc_restart(s->v, &diag), ATT_OK);
    ck_assert_msg(diag.reason == reason, "%s %s", att_reason_code(diag.reason), diag.text);
    ck_assert_msg(strstr(diag.text, text) != NULL, "%s", diag.text);
}

static const struct {
    const char *sql, *text;
} CHANGES[] = {
    /* one byte of an entry; the outcome of it stays */
    {"UPDATE leaf SET bytes = CAST(substr(bytes, 1, 40) || CASE substr(bytes, 41, 1) WHEN x'00' "
     "THEN x'01' ELSE x'00' END || substr(bytes, 42) AS BLOB) WHERE idx = 2",
     "entry 2: it is not what was signed"},
    /* two swapped */
    {"UPDATE leaf SET idx = -1 WHERE idx = 1; UPDATE leaf SET idx = 1 WHERE idx = 2;"
     "UPDATE leaf SET idx = 2 WHERE idx = -1",
     "entry 1: it is not what was signed"},
};

START_TEST(G_06__changed_entry_is_named)
{
    struct logscene s;

    logscene_open(&s);
    inproc_stop(s.v);
    logscene_sql(&s, CHANGES[_i].sql);
    start_refused(&s, ATT_R_TL_FSCK, CHANGES[_i].text);
    logscene_close(&s);
}
END_TEST

static const char *const COUNTS[] = {
    "DELETE FROM leaf WHERE idx = (SELECT max(idx) FROM leaf)",
    "DELETE FROM leaf WHERE idx >= (SELECT max(idx) - 1 FROM leaf)",
    ("PRAGMA foreign_keys = 0;"
     "INSERT INTO leaf SELECT idx + 1, salt, bytes FROM leaf ORDER BY idx DESC LIMIT 1"),
};

START_TEST(G_07__entries_taken_away_or_put_in)
{
    struct logscene s;

    logscene_open(&s);
    inproc_stop(s.v);
    logscene_sql(&s, COUNTS[_i]);
    start_refused(&s, ATT_R_TL_FSCK, "a tree of");
    logscene_close(&s);
}
END_TEST

/* An insider who also makes the hashes of the tiles fit: the root was signed. */
START_TEST(G_07__entry_and_tile_changed_together)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *entry = NULL;
    uint8_t salt[STORE_SALT_LEN], leaf[ATT_MERKLE_LEN];
    char hex[2 * ATT_MERKLE_LEN + 1], sql[1024];
    struct store *st = NULL;
    struct logscene s;

    logscene_open(&s);
    inproc_stop(s.v);
    NEED(att_buf_new(&entry, STORE_LEAF_MAX) == ATT_OK && att_hasher_new(&h) == ATT_OK);
    NEED(store_open(&st, s.state, false, NULL) == ATT_OK);
    NEED(store_leaf_get(salt, entry, st, 2) == ATT_OK);
    store_close(st);
    NEED(att_merkle_leaf(leaf, h, att_slice_str("forged")) == ATT_OK);
    (void)snprintf(sql, sizeof(sql),
                   "UPDATE leaf SET bytes = CAST('forged' AS BLOB) WHERE idx = 2;"
                   "UPDATE tile SET hashes = CAST(substr(hashes, 1, 64) || x'%s' || substr(hashes, "
                   "97) AS BLOB)"
                   " WHERE place = 0",
                   att_hex_encode(hex, sizeof(hex), att_slice_of(leaf, sizeof(leaf))));
    logscene_sql(&s, sql);
    start_refused(&s, ATT_R_TL_FSCK, "the entries are not those of the tree that was signed");
    logscene_close(&s);
}
END_TEST

START_TEST(G_08__yesterdays_database)
{
    struct logscene s;

    logscene_open(&s);
    inproc_stop(s.v);
    logscene_keep(s.database);
    NEED(inproc_restart(s.v, NULL) == ATT_OK);
    att_buf_free(logscene_label(&s));
    att_buf_free(logscene_label(&s));
    inproc_stop(s.v);
    logscene_put_back(s.database);
    start_refused(&s, ATT_R_TL_ROLLBACK, "the database has a log of");
    logscene_close(&s);
}
END_TEST

START_TEST(G_09__yesterdays_head)
{
    struct logscene s;

    logscene_open(&s);
    inproc_stop(s.v);
    logscene_keep(s.head);
    NEED(inproc_restart(s.v, NULL) == ATT_OK);
    att_buf_free(logscene_label(&s));
    att_buf_free(logscene_label(&s));
    inproc_stop(s.v);
    logscene_put_back(s.head);
    start_refused(&s, ATT_R_TL_ROLLBACK, "the database has a log of");
    logscene_close(&s);
}
END_TEST

/* Neither of the two can be left out. */
START_TEST(G_08__one_of_the_two_is_gone)
{
    struct logscene s;

    logscene_open(&s);
    inproc_stop(s.v);
    if (_i == 0)
        NEED(remove(s.head) == 0);
    else
        logscene_sql(&s, "DELETE FROM meta WHERE key = 'log_head'");
    start_refused(&s, ATT_R_TL_ROLLBACK, "the database has a log of");
    logscene_close(&s);
}
END_TEST

/* An end between the commit and the head is the one difference that happens by itself: it is finished. */
START_TEST(G_09__one_step_behind_is_an_interrupted_step)
{
    struct logscene s;

    logscene_open(&s);
    logscene_keep(s.head);
    att_buf_free(logscene_label(&s));
    inproc_stop(s.v);
    logscene_put_back(s.head);
    ck_assert_int_eq(inproc_restart(s.v, NULL), ATT_OK);
    att_buf_free(logscene_label(&s));
    inproc_stop(s.v);
    ck_assert_int_eq(inproc_restart(s.v, NULL), ATT_OK);
    logscene_close(&s);
}
END_TEST

START_TEST(G_10__second_sequencer)
{
    struct logscene s;
    struct att_diag diag = {0};
    struct loghead last;
    struct loghead_file *f = NULL;
    ATT_CLEANUP(att_privkey_freep) struct att_privkey *key = NULL;
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *public = NULL;
    struct loghead_keys keys = {.key = &public, .count = 1};
    bool any = false;

    logscene_open(&s);
    NEED(att_privkey_generate(&key, ATT_KEY_ED25519) == ATT_OK);
    NEED(att_privkey_public(&public, key) == ATT_OK);
    ck_assert_int_eq(loghead_open(&f, &last, &any, s.head, true, &keys, &diag), ATT_E_BUSY);
    ck_assert_int_eq(diag.reason, ATT_R_TL_LOCK);
    logscene_close(&s);
}
END_TEST

/* Another byte at a place of an entry or of the first tile. One in 256 is what stood there. */
static void change_byte(const struct logscene *s, bool tile)
{
    unsigned int at = (unsigned int)rand() % 96; /* three hashes; the head of an entry */
    unsigned int value = (unsigned int)rand() % 256;
    char sql[256];

    if (tile)
        (void)snprintf(sql, sizeof(sql),
                       "UPDATE tile SET hashes = CAST(substr(hashes, 1, %u) || x'%02x' ||"
                       " substr(hashes, %u) AS BLOB) WHERE place = 0",
                       at, value, at + 2);
    else
        (void)snprintf(sql, sizeof(sql),
                       "UPDATE leaf SET bytes = CAST(substr(bytes, 1, %u) || x'%02x' ||"
                       " substr(bytes, %u) AS BLOB) WHERE idx = %u",
                       at, value, at + 2, (unsigned int)rand() % 3);
    logscene_sql(s, sql);
}

/* Everything else of the database has its own tests (S-03). */
START_TEST(G_11__random_bytes)
{
    unsigned int rounds = attack_long() ? 1000 : 60;
    unsigned int found = 0;
    struct logscene s;

    srand(11);
    logscene_open(&s);
    inproc_stop(s.v);
    logscene_keep(s.database);
    for (unsigned int i = 0; i < rounds; i++) {
        struct att_diag diag = {0};
        enum att_err err;

        change_byte(&s, i % 2 == 0);
        err = inproc_restart(s.v, &diag);
        ck_assert_msg(err == ATT_OK || diag.reason == ATT_R_TL_FSCK, "%s %s",
                      att_reason_code(diag.reason), diag.text);
        found += err != ATT_OK ? 1 : 0;
        if (err == ATT_OK)
            inproc_stop(s.v);
        logscene_put_back(s.database);
    }
    ck_assert_uint_ge(found, rounds - rounds / 20);
    logscene_close(&s);
}
END_TEST

/* One place of the head file torn: the other one stands. Both: nothing is known, nothing is signed. */
START_TEST(G_11__torn_head)
{
    static const uint8_t garbage[64] = {0xff, 0xff, 0xff};
    struct logscene s;
    FILE *f;

    logscene_open(&s);
    inproc_stop(s.v);
    f = fopen(s.head, "r+b");
    NEED(f != NULL);
    NEED(fwrite(garbage, 1, sizeof(garbage), f) == sizeof(garbage));
    NEED(fseek(f, 4096, SEEK_SET) == 0);
    NEED(fwrite(garbage, 1, sizeof(garbage), f) == sizeof(garbage));
    NEED(fclose(f) == 0);
    start_refused(&s, ATT_R_TL_FSCK, "it holds nothing that this log signed");
    logscene_close(&s);
}
END_TEST

START_TEST(G_17__label_key_as_log_key)
{
    struct logscene s;
    char key[112], label[112];
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;

    logscene_open(&s);
    inproc_stop(s.v);
    (void)snprintf(key, sizeof(key), "%s/log.key", s.v->dir);
    (void)snprintf(label, sizeof(label), "%s/label.key", s.v->dir);
    NEED(att_file_read(&pem, label, 65536, NULL) == ATT_OK);
    NEED(att_file_write(key, att_buf_slice(pem), 0600, NULL) == ATT_OK);
    start_refused(&s, ATT_R_KEY_PAIR, "expected an Ed25519 key");
    logscene_close(&s);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-06", G_06__changed_entry_is_named, (int)ATT_COUNT(CHANGES), 60},
        {"G-07", G_07__entries_taken_away_or_put_in, (int)ATT_COUNT(COUNTS), 60},
        {"G-07-tile", G_07__entry_and_tile_changed_together, 0, 60},
        {"G-08", G_08__yesterdays_database, 0, 60},
        {"G-08-gone", G_08__one_of_the_two_is_gone, 2, 60},
        {"G-09", G_09__yesterdays_head, 0, 60},
        {"G-09-step", G_09__one_step_behind_is_an_interrupted_step, 0, 60},
        {"G-10", G_10__second_sequencer, 0, 60},
        {"G-11", G_11__random_bytes, 0, 300},
        {"G-11-head", G_11__torn_head, 0, 60},
        {"G-17", G_17__label_key_as_log_key, 0, 60},
    };

    return attack_rows("attacks: the stored log", rows, ATT_COUNT(rows));
}
