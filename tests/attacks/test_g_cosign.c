/*
 * Group G, what a witness cosigns: a log that only grew since this witness saw it last, and nothing else. Each row is
 * one request to the real answers, with the folder that they keep.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attack.h"
#include "need.h"
#include "notetest.h"
#include "remove_tree.h"
#include "tlog/witness_request.h"
#include "treetest.h"
#include "witness/witness.h"

#define SIZE 20
#define NOW  1790000000

/* A witness with its folder, and a log of up to SIZE entries that grows and, when asked to, lies. */
struct scene {
    char dir[64];
    struct att_signer *log_signer, *own_signer;
    struct att_witness_policy *logs;
    struct att_vkey *own;
    struct witness w;
    struct treetest tree, lie;
};

static int64_t now_s;

static int64_t clock_s(void)
{
    return now_s;
}

static void open_store(struct scene *s)
{
    NEED(witness_store_open(&s->w.store, s->dir, s->own, NULL) == ATT_OK);
}

static void scene_open(struct scene *s)
{
    *s = (struct scene){.dir = "/tmp/attestd-test-XXXXXX"};
    now_s = NOW;
    NEED(mkdtemp(s->dir) != NULL);
    s->log_signer = notetest_log_signer();
    s->own_signer = notetest_witness_signer();
    NEED(att_witness_policy_parse(
             &s->logs, att_slice_str("log " NOTETEST_LOG_VKEY "\nquorum none\n"), NULL) == ATT_OK);
    s->own = notetest_vkey(NOTETEST_WITNESS_VKEY);
    s->w = (struct witness){
        .quiet = true, .utc_s = clock_s, .logs = s->logs, .key = s->own, .signer = s->own_signer};
    open_store(s);
    treetest_open(&s->tree, SIZE);
    treetest_open(&s->lie, SIZE);
    s->lie.leaf[0][0] ^= 1;
}

static void scene_close(struct scene *s)
{
    witness_store_close(&s->w.store);
    treetest_close(&s->tree);
    treetest_close(&s->lie);
    att_vkey_free(s->own);
    att_witness_policy_free(s->logs);
    att_signer_free(s->log_signer);
    att_signer_free(s->own_signer);
    remove_tree(s->dir);
}

/* The first n entries of a tree, signed by the log or by whoever is given. */
static struct att_buf *head_of(const struct treetest *t, uint64_t n, const char *origin,
                               const struct att_signer *signer)
{
    struct att_tree_head h = {.origin = att_slice_str(origin), .tree = {.size = n}};
    struct att_buf *b = NULL;

    treetest_root(h.tree.root, t, n);
    NEED(att_checkpoint_make(&b, &h, signer) == ATT_OK);
    return b;
}

static int post(struct scene *s, struct att_slice body, struct att_buf **answer)
{
    const struct scan_request head = {.method = SCAN_POST, .path = "/add-checkpoint"};
    struct serve_answer a = {0};

    witness_answer(&s->w, &head, body, &a);
    if (answer != NULL)
        *answer = a.body;
    else
        att_buf_free(a.body);
    return a.status;
}

/* A request from old to this checkpoint with the right proof of the tree. */
static struct att_buf *request(const struct treetest *t, uint64_t old, uint64_t n,
                               struct att_slice checkpoint)
{
    struct att_witness_request r = {.old = old, .checkpoint = checkpoint};
    struct att_buf *b = NULL;

    if (old > 0 && old < n)
        treetest_consistency(&r.path, t, old, n);
    NEED(att_witness_request_encode(&b, &r) == ATT_OK);
    return b;
}

static int ask(struct scene *s, const struct treetest *t, uint64_t old, uint64_t n,
               struct att_buf **answer)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *cp = head_of(t, n, NOTETEST_LOG, s->log_signer);
    ATT_CLEANUP(att_buf_freep) struct att_buf *body = request(t, old, n, att_buf_slice(cp));

    return post(s, att_buf_slice(body), answer);
}

/* Whether the answer is this witness's cosignature of that head, at this time. */
static bool cosigned(const struct scene *s, const struct treetest *t, uint64_t n,
                     struct att_slice line, uint64_t at)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *cp = head_of(t, n, NOTETEST_LOG, s->log_signer);
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *log = notetest_vkey(NOTETEST_LOG_VKEY);
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    const struct att_vkey *const own[] = {s->own};
    const struct att_checkpoint_keys keys = {.log = log, .witness = own, .witness_count = 1};
    uint64_t time_s = 0;

    NEED(att_buf_add_slice(cp, line) == ATT_OK);
    return att_checkpoint_open(&c, att_buf_slice(cp), &keys, NULL) == ATT_OK &&
           att_checkpoint_cosigned_by(c, s->own, &time_s) && time_s == at;
}

static bool says(struct att_buf *answer, const char *text)
{
    return att_slice_eq(att_buf_slice(answer), att_slice_str(text));
}

static bool there(const struct scene *s, const char *suffix)
{
    char place[WITNESS_PLACE_LEN], path[192];
    struct stat st;

    NEED(witness_place(place, att_slice_str(NOTETEST_LOG)) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/%s.%s", s->dir, place, suffix);
    return stat(path, &st) == 0;
}

START_TEST(G_witness__log_that_grows_is_cosigned_and_remembered)
{
    static const uint64_t SIZES[] = {1, 1, 2, 7, 8, 20};
    struct scene s;
    uint64_t old = 0;

    scene_open(&s);
    for (size_t i = 0; i < ATT_COUNT(SIZES); i++) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *line = NULL;

        now_s++;
        ck_assert_int_eq(ask(&s, &s.tree, old, SIZES[i], &line), 200);
        ck_assert(cosigned(&s, &s.tree, SIZES[i], att_buf_slice(line), (uint64_t)now_s));
        old = SIZES[i];
        /* as after a restart */
        witness_store_close(&s.w.store);
        open_store(&s);
    }
    scene_close(&s);
}
END_TEST

/* Who starts elsewhere than the witness stands is told where that is, and gets no signature. */
START_TEST(G_witness_seen__other_size_is_answered_with_the_size)
{
    static const struct {
        uint64_t old, size;
    } ROWS[] = {{0, 9}, {4, 9}, {6, 9}, {0, 3}, {3, 3}};
    struct scene s;

    scene_open(&s);
    ck_assert_int_eq(ask(&s, &s.tree, 0, 5, NULL), 200);
    for (size_t i = 0; i < ATT_COUNT(ROWS); i++) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *answer = NULL;

        ck_assert_int_eq(ask(&s, &s.tree, ROWS[i].old, ROWS[i].size, &answer), 409);
        ck_assert(says(answer, "5\n"));
    }
    scene_close(&s);
}
END_TEST

START_TEST(G_witness_old__start_behind_the_end_is_refused)
{
    struct scene s;

    scene_open(&s);
    ck_assert_int_eq(ask(&s, &s.tree, 0, 5, NULL), 200);
    ck_assert_int_eq(ask(&s, &s.tree, 5, 3, NULL), 400);
    ck_assert_int_eq(ask(&s, &s.tree, 6, 5, NULL), 400);
    scene_close(&s);
}
END_TEST

/* G-04 at the witness: both stories are kept before anybody is told. */
START_TEST(G_04_witness__fork_is_refused_and_kept)
{
    struct scene s;
    ATT_CLEANUP(att_buf_freep) struct att_buf *answer = NULL;

    scene_open(&s);
    ck_assert_int_eq(ask(&s, &s.tree, 0, 5, NULL), 200);
    ck_assert_int_eq(ask(&s, &s.lie, 5, 5, &answer), 409);
    ck_assert(says(answer, "5\n"));
    ck_assert(there(&s, "fork-5-held"));
    ck_assert(there(&s, "fork-5-seen"));
    /* and the story that was seen first goes on */
    ck_assert_int_eq(ask(&s, &s.tree, 5, 9, NULL), 200);
    scene_close(&s);
}
END_TEST

START_TEST(G_witness_rewritten__log_that_rewrote_its_past_is_refused)
{
    struct scene s;

    scene_open(&s);
    ck_assert_int_eq(ask(&s, &s.tree, 0, 5, NULL), 200);
    ck_assert_int_eq(ask(&s, &s.lie, 5, 9, NULL), 422);
    ck_assert_int_eq(ask(&s, &s.tree, 5, 9, NULL), 200);
    scene_close(&s);
}
END_TEST

START_TEST(G_witness_stranger__unknown_logs_and_keys_are_refused)
{
    struct scene s;
    ATT_CLEANUP(att_buf_freep) struct att_buf *other = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *forged = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *flipped = NULL;
    const struct {
        struct att_buf **checkpoint;
        int status;
    } rows[] = {{&other, 404}, {&forged, 403}, {&flipped, 403}};

    scene_open(&s);
    other = head_of(&s.tree, 5, "other.example/log", s.log_signer);
    forged = head_of(&s.tree, 5, NOTETEST_LOG, s.own_signer);
    /* the log's line under another text */
    NEED(att_buf_new(&flipped, ATT_NOTE_MAX) == ATT_OK);
    NEED(att_buf_add_slice(
             flipped, att_slice_str(NOTETEST_LOG "\n3\n" NOTETEST_ROOT "\n\n" NOTETEST_LOG_LINE)) ==
         ATT_OK);
    for (size_t i = 0; i < ATT_COUNT(rows); i++) {
        ATT_CLEANUP(att_buf_freep)
        struct att_buf *body = request(&s.tree, 0, 5, att_buf_slice(*rows[i].checkpoint));

        ck_assert_int_eq(post(&s, att_buf_slice(body), NULL), rows[i].status);
    }
    ck_assert(!there(&s, "checkpoint"));
    ck_assert_int_eq(post(&s, att_slice_str("old x\n"), NULL), 400);
    ck_assert_int_eq(post(&s, att_slice_str(""), NULL), 400);
    scene_close(&s);
}
END_TEST

/* An insider who puts an older or foreign head into the folder: the log's signature alone is not enough. */
START_TEST(G_witness_held__remembered_head_without_own_signature_stops_it)
{
    struct scene s;
    char place[WITNESS_PLACE_LEN], path[192];
    ATT_CLEANUP(att_buf_freep) struct att_buf *old = NULL;
    FILE *f;

    scene_open(&s);
    ck_assert_int_eq(ask(&s, &s.tree, 0, 9, NULL), 200);
    old = head_of(&s.tree, 5, NOTETEST_LOG, s.log_signer);
    NEED(witness_place(place, att_slice_str(NOTETEST_LOG)) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/%s.checkpoint", s.dir, place);
    f = fopen(path, "w");
    NEED(f != NULL);
    NEED(fwrite(att_buf_slice(old).p, 1, att_buf_len(old), f) == att_buf_len(old));
    NEED(fclose(f) == 0);
    ck_assert_int_eq(ask(&s, &s.tree, 5, 9, NULL), 503);
    scene_close(&s);
}
END_TEST

/* G-20 at the witness. */
START_TEST(G_20_witness__clock_that_goes_back_signs_nothing)
{
    struct scene s;

    scene_open(&s);
    ck_assert_int_eq(ask(&s, &s.tree, 0, 5, NULL), 200);
    now_s = NOW - 1;
    ck_assert_int_eq(ask(&s, &s.tree, 5, 9, NULL), 503);
    now_s = NOW;
    ck_assert_int_eq(ask(&s, &s.tree, 5, 9, NULL), 200);
    scene_close(&s);
}
END_TEST

START_TEST(G_witness_lock__second_witness_on_one_folder_ends)
{
    struct scene s;
    struct witness_store second;
    struct att_diag diag = {0};

    scene_open(&s);
    ck_assert_int_eq(witness_store_open(&second, s.dir, s.own, &diag), ATT_E_BUSY);
    ck_assert_int_eq(diag.reason, ATT_R_TL_LOCK);
    scene_close(&s);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-witness", G_witness__log_that_grows_is_cosigned_and_remembered, 0, 0},
        {"G-witness-seen", G_witness_seen__other_size_is_answered_with_the_size, 0, 0},
        {"G-witness-old", G_witness_old__start_behind_the_end_is_refused, 0, 0},
        {"G-04-witness", G_04_witness__fork_is_refused_and_kept, 0, 0},
        {"G-witness-rewritten", G_witness_rewritten__log_that_rewrote_its_past_is_refused, 0, 0},
        {"G-witness-stranger", G_witness_stranger__unknown_logs_and_keys_are_refused, 0, 0},
        {"G-witness-held", G_witness_held__remembered_head_without_own_signature_stops_it, 0, 0},
        {"G-20-witness", G_20_witness__clock_that_goes_back_signs_nothing, 0, 0},
        {"G-witness-lock", G_witness_lock__second_witness_on_one_folder_ends, 0, 0},
    };

    return attack_rows("witness", rows, ATT_COUNT(rows));
}
