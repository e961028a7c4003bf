/* The log as the keeper publishes it: checkpoints of what was settled, and tiles that lead to their roots. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "keepertest.h"
#include "need.h"
#include "sign/vkey.h"
#include "tlog/checkpoint.h"
#include "tlog/entry.h"
#include "tlog/tile.h"

static struct inproc_answer answer;

static struct att_slice get(const char *path)
{
    const struct msg m = {.kind = MSG_LOG, .path = att_slice_str(path)};

    inproc_answer_clear(&answer);
    inproc_ask(kt.v, &m, &answer, false);
    ck_assert_msg(answer.http == 200, "%s: %d %s", path, answer.http,
                  att_reason_code(answer.reason));
    return inproc_body(&answer);
}

static struct att_merkle_head head(void)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *key = NULL;
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    struct att_checkpoint_keys keys = {0};
    struct att_slice text;
    char path[112];

    (void)snprintf(path, sizeof(path), "%s/trust/log.vkey", kt.v->dir);
    NEED(att_file_read(&file, path, ATT_VKEY_TEXT + 1, NULL) == ATT_OK);
    text = att_buf_slice(file);
    text.len--;
    NEED(att_vkey_parse(&key, text, NULL) == ATT_OK);
    keys.log = key;
    ck_assert_int_eq(att_checkpoint_open(&c, get("checkpoint"), &keys, NULL), ATT_OK);
    return att_checkpoint_head(c)->tree;
}

/* Every entry of the bundle leads to its hash in the tile, and all of them to the root. */
static void check_tree(const struct att_merkle_head *h)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *hasher = NULL;
    static uint8_t leaf[ATT_TILE_WIDTH][ATT_MERKLE_LEN];
    struct att_slice entry[ATT_TILE_WIDTH];
    struct att_merkle_edge edge = {0};
    uint8_t root[ATT_MERKLE_LEN];
    char path[ATT_TILE_PATH_TEXT];
    struct att_tile t = {.width = (uint32_t)h->size};

    NEED(att_hasher_new(&hasher) == ATT_OK);
    ck_assert_int_eq(
        att_tile_parse(leaf, get(att_tile_path(path, sizeof(path), &t)), t.width, NULL), ATT_OK);
    t.entries = true;
    ck_assert_int_eq(
        att_bundle_parse(entry, get(att_tile_path(path, sizeof(path), &t)), t.width, NULL), ATT_OK);
    for (size_t i = 0; i < h->size; i++) {
        struct att_entry e;
        uint8_t hash[ATT_MERKLE_LEN];

        ck_assert_int_eq(att_entry_parse(&e, entry[i], NULL), ATT_OK);
        ck_assert_str_eq(e.issuer, "verifier.test");
        NEED(att_merkle_leaf(hash, hasher, entry[i]) == ATT_OK);
        ck_assert_mem_eq(hash, leaf[i], sizeof(hash));
        NEED(att_merkle_edge_add(&edge, hasher, hash) == ATT_OK);
    }
    NEED(att_merkle_edge_root(root, hasher, &edge) == ATT_OK);
    ck_assert_mem_eq(root, h->root, sizeof(root));
}

START_TEST(published__grows_with_each_outcome_and_leads_to_its_root)
{
    struct att_merkle_head was = head(), now;

    ck_assert_uint_gt(was.size, 0);
    check_tree(&was);
    keepertest_enrol(&kt.gw);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
        now = head();
        ck_assert_uint_gt(now.size, was.size);
        check_tree(&now);
        was = now;
    }
}
END_TEST

/* A partial tile of a tree that had a checkpoint stays to be had (C2SP tlog-tiles, Partial Tiles). */
START_TEST(published__keeps_the_tiles_of_earlier_trees)
{
    struct att_merkle_head was = head();
    uint8_t before[ATT_TILE_MAX];
    char path[ATT_TILE_PATH_TEXT];
    struct att_tile t = {.width = (uint32_t)was.size};
    struct att_slice bytes;

    bytes = get(att_tile_path(path, sizeof(path), &t));
    memcpy(before, bytes.p, bytes.len);
    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    bytes = get(path);
    ck_assert_uint_eq(bytes.len, was.size * ATT_MERKLE_LEN);
    ck_assert_mem_eq(bytes.p, before, bytes.len);
}
END_TEST

/* One size, one root, one text: whoever asks, and whenever the process was started. */
START_TEST(published__signs_one_text_for_one_tree)
{
    char first[1024] = "";
    struct att_slice note = get("checkpoint");

    ck_assert_uint_lt(note.len, sizeof(first));
    memcpy(first, note.p, note.len);
    ck_assert(att_slice_eq(get("checkpoint"), att_slice_str(first)));
    ck_assert_int_eq(inproc_restart(kt.v, NULL), ATT_OK);
    ck_assert(att_slice_eq(get("checkpoint"), att_slice_str(first)));
    inproc_answer_clear(&answer);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {published__grows_with_each_outcome_and_leads_to_its_root, 0},
        {published__keeps_the_tiles_of_earlier_trees, 0},
        {published__signs_one_text_for_one_tree, 0},
    };

    return SUITE_RUN_ROWS("keeper_log", ROWS, &keepertest_fixture);
}
