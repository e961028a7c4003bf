/*
 * Every file of the corpus folder tlog/, row by row of its manifest: notes and checkpoints under the keys that the
 * manifest names, each checkpoint against the tile and the entries of its size, and a proof of a public log of 53
 * million entries. One line a row; a row that nothing here knows is a failure.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64.h"
#include "base/file.h"
#include "codec/lines.h"
#include "need.h"
#include "suite.h"
#include "tlog/checkpoint.h"
#include "tlog/proof_text.h"
#include "tlog/tile.h"

#define LOG      "tlog/tessera-log/"
#define LOG_SIZE 15
#define LINE_MAX 4096

static const char *corpus;

/* As the manifest lists them, misspelt as they are. */
static const char *const ENTRIES[LOG_SIZE] = {"one",    "two",   "three",    "four",    "five",
                                              "six",    "seven", "eit",      "nain",    "ten",
                                              "ileven", "twelf", "threeten", "fourten", "fivten"};

static struct att_buf *read_file(const char *name)
{
    struct att_buf *b = NULL;
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", corpus, name);
    ck_assert_msg(att_file_read(&b, path, 1 << 20, NULL) == ATT_OK, "%s", path);
    return b;
}

/* The verifier key behind the word "vkey" of a manifest line. */
static struct att_vkey *vkey_of(const char *expected)
{
    const char *at = strstr(expected, "vkey ");
    struct att_vkey *k = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(at != NULL, "no vkey: %s", expected);
    at += 5;
    ck_assert_msg(att_vkey_parse(&k, att_slice_of(at, strcspn(at, "; \t\n")), &diag) == ATT_OK,
                  "%s: %s", at, diag.text);
    return k;
}

/* The tile path behind the folder of the log, as our own parser reads it. */
static struct att_tile tile_of(const char *name)
{
    struct att_tile t;

    ck_assert_msg(att_tile_path_parse(&t, att_slice_str(name + strlen(LOG)), NULL) == ATT_OK, "%s",
                  name);
    ck_assert_uint_eq(t.level, 0);
    ck_assert_uint_eq(t.index, 0);
    return t;
}

/* Leaf hashes of the tile of this width, from its file. */
static void leaves(uint8_t out[ATT_TILE_WIDTH][ATT_MERKLE_LEN], uint32_t width)
{
    const struct att_tile t = {.width = width};
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    char path[ATT_TILE_PATH_TEXT];
    char name[128];

    snprintf(name, sizeof(name), LOG "%s", att_tile_path(path, sizeof(path), &t));
    b = read_file(name);
    ck_assert_int_eq(att_tile_parse(out, att_buf_slice(b), width, NULL), ATT_OK);
}

static void root_of(uint8_t out[ATT_MERKLE_LEN], uint32_t size)
{
    uint8_t hash[ATT_TILE_WIDTH][ATT_MERKLE_LEN];
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_merkle_edge edge = {.size = 0};

    NEED(att_hasher_new(&h) == ATT_OK);
    if (size > 0) {
        leaves(hash, size);
    }
    for (uint32_t i = 0; i < size; i++) {
        ck_assert_int_eq(att_merkle_edge_add(&edge, h, hash[i]), ATT_OK);
    }
    ck_assert_int_eq(att_merkle_edge_root(out, h, &edge), ATT_OK);
}

/* checkpoint.N is the head at size N, "checkpoint" the last one: its root is that of the tile of this width. */
static void check_checkpoint(const char *name, const char *expected, char *words, size_t cap)
{
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *log = vkey_of(expected);
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = read_file(name);
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    const struct att_checkpoint_keys keys = {.log = log};
    const char *dot = strrchr(name, '.');
    uint32_t size = dot != NULL ? (uint32_t)strtoul(dot + 1, NULL, 10) : LOG_SIZE;
    const struct att_tree_head *head = NULL;
    struct att_diag diag = {0};
    uint8_t root[ATT_MERKLE_LEN];

    ck_assert_msg(att_checkpoint_open(&c, att_buf_slice(b), &keys, &diag) == ATT_OK, "%s: %s", name,
                  diag.text);
    head = att_checkpoint_head(c);
    ck_assert_uint_eq(head->tree.size, size);
    ck_assert_uint_eq(head->extension.len, 0);
    root_of(root, size);
    ck_assert_msg(memcmp(root, head->tree.root, sizeof(root)) == 0, "%s: another root", name);
    snprintf(words, cap, "signed by the log, size %u, root of the tile", size);
}

/* A tile begins with the tile before it. */
static void check_tile(const char *name, char *words, size_t cap)
{
    struct att_tile t = tile_of(name);
    uint8_t hash[ATT_TILE_WIDTH][ATT_MERKLE_LEN];
    uint8_t last[ATT_TILE_WIDTH][ATT_MERKLE_LEN];

    leaves(hash, t.width);
    leaves(last, LOG_SIZE);
    ck_assert_mem_eq(hash, last, (size_t)t.width * ATT_MERKLE_LEN);
    snprintf(words, cap, "%u hashes, those of the last tile", t.width);
}

/* Each entry is the one of the manifest, and hashes to its place in the tile. */
static void check_bundle(const char *name, char *words, size_t cap)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = read_file(name);
    ATT_CLEANUP(att_buf_freep) struct att_buf *again = NULL;
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_tile t = tile_of(name);
    struct att_slice entry[ATT_TILE_WIDTH];
    uint8_t hash[ATT_TILE_WIDTH][ATT_MERKLE_LEN];

    NEED(att_hasher_new(&h) == ATT_OK && att_buf_new(&again, ATT_BUNDLE_MAX) == ATT_OK);
    ck_assert(t.entries && t.width <= LOG_SIZE);
    ck_assert_int_eq(att_bundle_parse(entry, att_buf_slice(b), t.width, NULL), ATT_OK);
    leaves(hash, t.width);
    for (uint32_t i = 0; i < t.width; i++) {
        uint8_t leaf[ATT_MERKLE_LEN];

        ck_assert(att_slice_eq(entry[i], att_slice_str(ENTRIES[i])));
        ck_assert_int_eq(att_merkle_leaf(leaf, h, entry[i]), ATT_OK);
        ck_assert_mem_eq(leaf, hash[i], sizeof(leaf));
        ck_assert_int_eq(att_bundle_add(again, entry[i]), ATT_OK);
    }
    ck_assert(att_slice_eq(att_buf_slice(again), att_buf_slice(b)));
    snprintf(words, cap, "%u entries, the leaves of the tile", t.width);
}

static void check_note(const char *name, const char *expected, char *words, size_t cap)
{
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *k = vkey_of(expected);
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = read_file(name);
    ATT_CLEANUP(att_note_verified_freep) struct att_note_verified *v = NULL;
    const struct att_vkey *keys[] = {k};
    struct att_note note;

    ck_assert_int_eq(att_note_parse(&note, att_buf_slice(b), NULL), ATT_OK);
    ck_assert_int_eq(att_note_verify(&v, &note, keys, 1, NULL), ATT_OK);
    ck_assert(att_note_signed_by(v, k, NULL));
    snprintf(words, cap, "verifies under its key");
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *v = json_string_value(json_object_get(o, key));

    ck_assert_msg(v != NULL, "%s", key);
    return v;
}

/* The members of the bundle as a proof in the text form, which is then read and verified. */
static struct att_buf *proof_of(const json_t *proof)
{
    const json_t *hashes = json_object_get(proof, "hashes");
    const char *envelope = text_of(json_object_get(proof, "checkpoint"), "envelope");
    struct att_proof_text p = {.checkpoint = att_slice_str(envelope)};
    struct att_buf *b = NULL;

    ck_assert_int_eq(
        att_lines_decimal(&p.index, att_slice_str(text_of(proof, "logIndex")), ATT_MERKLE_SIZE_MAX),
        ATT_OK);
    for (size_t i = 0; i < json_array_size(hashes); i++) {
        const char *hash = json_string_value(json_array_get(hashes, i));

        ck_assert(hash != NULL && p.path.count < ATT_PROOF_HASHES);
        ck_assert_int_eq(att_lines_hash(p.path.hash[p.path.count++], att_slice_str(hash)), ATT_OK);
    }
    ck_assert_int_eq(att_proof_text_encode(&b, &p), ATT_OK);
    return b;
}

static void leaf_of(uint8_t out[ATT_MERKLE_LEN], const char *base64)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    uint8_t body[8192];
    size_t len = 0;

    NEED(att_hasher_new(&h) == ATT_OK);
    ck_assert_int_eq(att_b64_decode(body, sizeof(body), &len, ATT_B64_STD, base64, strlen(base64)),
                     ATT_OK);
    ck_assert_int_eq(att_merkle_leaf(out, h, att_slice_of(body, len)), ATT_OK);
}

/*
 * An entry of rekor.sigstore.dev. Its checkpoint is signed with ECDSA, which is a signature of an unknown key here: the
 * proof leads to the root that it names, and whoever would believe the checkpoint is told that nobody known signed it.
 */
static void check_rekor(const char *name, char *words, size_t cap)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = read_file(name);
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    struct att_slice in = att_buf_slice(b);
    json_t *bundle = json_loadb((const char *)in.p, in.len, 0, NULL);
    const json_t *entry = json_array_get(
        json_object_get(json_object_get(bundle, "verificationMaterial"), "tlogEntries"), 0);
    struct att_note_verified *v = NULL;
    struct att_proof_text p;
    struct att_note note;
    struct att_tree_head head;
    uint8_t leaf[ATT_MERKLE_LEN];

    ck_assert_ptr_nonnull(entry);
    text = proof_of(json_object_get(entry, "inclusionProof"));
    leaf_of(leaf, text_of(entry, "canonicalizedBody"));
    ck_assert_int_eq(att_proof_text_parse(&p, att_buf_slice(text), NULL), ATT_OK);
    ck_assert_int_eq(att_note_parse(&note, p.checkpoint, NULL), ATT_OK);
    ck_assert_int_eq(att_note_verify(&v, &note, NULL, 0, NULL), ATT_E_UNTRUSTED);
    ck_assert_int_eq(att_tree_head_parse(&head, note.text, NULL), ATT_OK);
    ck_assert_uint_eq(head.tree.size, 53604735);
    ck_assert_uint_eq(p.index, 53604734);
    ck_assert_uint_eq(p.path.count, 16);
    ck_assert_int_eq(
        att_merkle_verify_inclusion(head.tree.root, p.index, head.tree.size, leaf, &p.path, NULL),
        ATT_OK);
    p.path.hash[7][7] ^= 1;
    ck_assert_int_eq(
        att_merkle_verify_inclusion(head.tree.root, p.index, head.tree.size, leaf, &p.path, NULL),
        ATT_E_MISMATCH);
    json_decref(bundle);
    snprintf(words, cap, "16 hashes lead from the entry to the root of the checkpoint");
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void check_row(const char *name, const char *expected)
{
    char words[128] = "";

    if (starts(name, LOG "checkpoint")) {
        check_checkpoint(name, expected, words, sizeof(words));
    } else if (starts(name, LOG "tile/0/")) {
        check_tile(name, words, sizeof(words));
    } else if (starts(name, LOG "tile/entries/")) {
        check_bundle(name, words, sizeof(words));
    } else if (strcmp(name, "tlog/rekor-oci-attestation.sigstore.json") == 0) {
        check_rekor(name, words, sizeof(words));
    } else if (strcmp(name, "tlog/c2sp-example-note.txt") == 0) {
        check_note(name, expected, words, sizeof(words));
    }
    ck_assert_msg(words[0] != '\0', "%s: no check knows this row", name);
    printf("ok   %-48s %s\n", name, words);
}

START_TEST(tlog__every_row_of_the_corpus)
{
    char path[512];
    char line[LINE_MAX];
    size_t seen = 0;
    FILE *f = NULL;

    snprintf(path, sizeof(path), "%s/MANIFEST.tsv", corpus);
    f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        size_t len = strcspn(line, "\t\n");

        if (line[len] == '\t' && starts(line, "tlog/")) {
            line[len] = '\0';
            check_row(line, line + len + 1);
            seen++;
        }
    }
    fclose(f);
    fflush(stdout);
    ck_assert_uint_ge(seen, 49);
}
END_TEST

/* The log only grew: each checkpoint proves to be the beginning of every later one, with proofs that we make. */
static enum att_err leaf_node(void *ctx, unsigned int level, uint64_t index,
                              uint8_t out[ATT_MERKLE_LEN])
{
    const uint8_t(*hash)[ATT_MERKLE_LEN] = ctx;
    uint8_t level_hash[16][ATT_MERKLE_LEN];
    struct att_hasher *h = NULL;
    enum att_err err = att_hasher_new(&h);

    memcpy(level_hash, hash, sizeof(level_hash));
    for (unsigned int l = 0; err == ATT_OK && l < level; l++) {
        for (size_t i = 0; err == ATT_OK && i < (16U >> (l + 1)); i++) {
            err = att_merkle_node(level_hash[i], h, level_hash[2 * i], level_hash[2 * i + 1]);
        }
    }
    memcpy(out, level_hash[index], ATT_MERKLE_LEN);
    att_hasher_free(h);
    return err;
}

START_TEST(tlog__checkpoints_are_consistent_with_each_other)
{
    uint8_t hash[ATT_TILE_WIDTH][ATT_MERKLE_LEN] = {{0}};
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_merkle_nodes nodes = {.node = leaf_node, .ctx = hash};
    size_t pairs = 0;

    NEED(att_hasher_new(&h) == ATT_OK);
    nodes.hasher = h;
    leaves(hash, LOG_SIZE);
    for (uint32_t old = 1; old <= LOG_SIZE; old++) {
        for (uint32_t now = old; now <= LOG_SIZE; now++) {
            struct att_merkle_head from = {.size = old};
            struct att_merkle_head to = {.size = now};
            struct att_merkle_path path;

            root_of(from.root, old);
            root_of(to.root, now);
            ck_assert_int_eq(att_merkle_prove_consistency(&path, &nodes, old, now), ATT_OK);
            ck_assert_int_eq(att_merkle_verify_consistency(&from, &to, &path, NULL), ATT_OK);
            from.root[0] ^= 1;
            ck_assert_int_eq(att_merkle_verify_consistency(&from, &to, &path, NULL),
                             ATT_E_MISMATCH);
            pairs++;
        }
    }
    ck_assert_uint_eq(pairs, 120);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        tlog__every_row_of_the_corpus,
        tlog__checkpoints_are_consistent_with_each_other,
    };

    corpus = getenv("CORPUS");
    if (corpus == NULL || corpus[0] == '\0') {
        printf("no corpus: set CORPUS to its folder\n");
        return 77;
    }
    return SUITE_RUN("tlog_corpus", tests);
}
