/* Group G, who looks again: a log that goes back, forks or forgets what it promised is caught, and the proof is kept. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/label.h"
#include "attack.h"
#include "base/file.h"
#include "base/hex.h"
#include "loghouse.h"
#include "need.h"
#include "tlog/receipt.h"
#include "tlog/tree.h"
#include "tlog/witness_request.h"

static char out[262144];

static void has(const char *text)
{
    ck_assert_msg(strstr(out, text) != NULL, "expected %s: %.2000s", text, out);
}

static void ctl(const struct loghouse *h, int code, const char *const *args)
{
    int got = loghouse_ctl(h, out, sizeof(out), args);

    ck_assert_msg(got == code, "expected %d, found %d: %.2000s", code, got, out);
}

static void monitor(const struct loghouse *h, const char *log, int code)
{
    const char *const args[] = {"log", "monitor", log, NULL};

    ctl(h, code, args);
}

/* Files of the memory that end so. */
static size_t kept(const struct loghouse *h, const char *end, char *first, size_t cap)
{
    char pattern[128];
    glob_t g;
    size_t n = 0;

    (void)snprintf(pattern, sizeof(pattern), "%s/memory/attestctl/*%s", h->dir, end);
    if (glob(pattern, 0, NULL, &g) == 0) {
        n = g.gl_pathc;
        (void)snprintf(first, cap, "%s", g.gl_pathv[0]);
        globfree(&g);
    }
    return n;
}

static void open_house(struct loghouse *h, uint32_t labels)
{
    static char memory[64];

    loghouse_open(h);
    (void)snprintf(memory, sizeof(memory), "%s/memory", h->dir);
    NEED(setenv("XDG_STATE_HOME", memory, 1) == 0);
    loghouse_enrol(h, 1);
    for (uint32_t i = 0; i < labels; i++)
        loghouse_attest(h, 1);
    loghouse_sign(h);
}

/* The same key begins again and signs as many entries of another history. */
static void fork_house(struct loghouse *h, uint32_t labels)
{
    h->tiler = (struct att_tiler){0};
    att_buf_clear(h->bundle);
    h->introduced = false;
    loghouse_enrol(h, 2);
    for (uint32_t i = 0; i < labels; i++)
        loghouse_attest(h, 2);
    loghouse_sign(h);
}

static void same_file(const struct loghouse *h, const char *path, const char *name)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *a = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    char other[128];

    (void)snprintf(other, sizeof(other), "%s/%s", h->dir, name);
    NEED(att_file_read(&a, path, 65536, NULL) == ATT_OK);
    NEED(att_file_read(&b, other, 65536, NULL) == ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(a), att_buf_slice(b)));
}

/* _i 0: one size, two roots. 1: a larger tree of another history. Both notes are saved, and the kept one stays. */
START_TEST(G_04__fork_is_caught_and_both_notes_are_saved)
{
    struct loghouse h;
    char path[256] = "";

    open_house(&h, _i == 0 ? 300 : 255); /* 256 entries: none of them is read again */
    monitor(&h, "@log", 0);
    has(_i == 0 ? "\"new\":301" : "\"new\":256");
    loghouse_copy(&h, "one");
    fork_house(&h, _i == 0 ? 300 : 275);
    monitor(&h, "@log", 1);
    has(_i == 0 ? "E_TL_FORK" : "E_TL_CONSIST");
    ck_assert_uint_eq(kept(&h, ".held", path, sizeof(path)), 1);
    same_file(&h, path, "one/checkpoint");
    ck_assert_uint_eq(kept(&h, ".seen", path, sizeof(path)), 1);
    same_file(&h, path, "log/checkpoint");
    ck_assert_uint_eq(kept(&h, ".checkpoint", path, sizeof(path)), 1);
    same_file(&h, path, "one/checkpoint");
    monitor(&h, "@log", 1);
    monitor(&h, "@one", 0);
    loghouse_close(&h);
}
END_TEST

START_TEST(G_05__log_that_went_back)
{
    struct loghouse h;
    char path[256] = "";

    open_house(&h, 300);
    loghouse_copy(&h, "old");
    loghouse_attest(&h, 1);
    loghouse_sign(&h);
    monitor(&h, "@log", 0);
    monitor(&h, "@old", 1);
    has("E_TL_ROLLBACK");
    ck_assert_uint_eq(kept(&h, ".held", path, sizeof(path)), 1);
    same_file(&h, path, "log/checkpoint");
    ck_assert_uint_eq(kept(&h, ".seen", path, sizeof(path)), 1);
    same_file(&h, path, "old/checkpoint");
    monitor(&h, "@log", 0);
    has("\"new\":0");
    loghouse_close(&h);
}
END_TEST

/* New entries that do not lead to the new root are not looked at, and the new checkpoint is not kept. */
START_TEST(G_06__new_entries_of_another_tree)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bundle = NULL;
    struct loghouse h;

    open_house(&h, 300);
    monitor(&h, "@log", 0);
    loghouse_attest(&h, 1);
    loghouse_sign(&h);
    bundle = loghouse_read(&h, "tile/entries/001.p/46");
    loghouse_flip(&h, "tile/entries/001.p/46", _i == 0 ? att_buf_len(bundle) - 5 : 20);
    monitor(&h, "@log", 1);
    has(_i == 0 ? "E_TL_TREE" : "E_TL_CONSIST");
    loghouse_close(&h);
}
END_TEST

/* A label of a gateway of mine that I did not ask for. */
START_TEST(G_watch__label_that_nobody_expected)
{
    struct loghouse h;
    char ueid[65] = "00000001";
    const char *const args[] = {"log", "monitor", "@log", "--watch", ueid, NULL};

    memset(ueid + 8, '0', 56);
    open_house(&h, 0);
    loghouse_attest(&h, 2);
    loghouse_sign(&h);
    ctl(&h, 0, args);
    has("\"kind\":\"enrolled\"");
    loghouse_attest(&h, 1);
    loghouse_sign(&h);
    ctl(&h, 1, args);
    has("E_TL_WATCHED");
    has("\"path\":\"entry 2\"");
    ctl(&h, 0, args); /* told once */
    loghouse_close(&h);
}
END_TEST

/* --- promises --- */

/* A label of the log, with a receipt that the log's key signed over the tree of h. */
static void promise(struct loghouse *h, const char *name)
{
    struct scene *scene = scene_new(NULL, NULL);
    struct att_label_facts facts;
    struct att_buf *label, *signed_root = NULL, *receipt = NULL, *dressed = NULL, *entry = NULL;
    struct att_entry_facts f;
    struct loghouse_room room;
    struct att_receipt_root root = {.origin = LOGHOUSE_ORIGIN};
    struct att_merkle_path path = {.count = 0};
    struct att_receipt_place place = {.path = &path};
    char file[128];

    scene_attest(scene);
    facts = issuer_facts(&h->is);
    label = issuer_label(&h->is, scene, &facts);
    f = loghouse_label(h, &room, 9);
    f.cti = facts.cti;
    f.iat = facts.iat;
    f.exp = facts.exp;
    NEED(att_entry_of_label(f.digest, att_buf_slice(label), NULL) == ATT_OK);
    NEED(att_entry_make(&entry, &f, h->is.signer) == ATT_OK);
    /* a tree of this entry alone: what a log with two faces shows its victim */
    root.head.size = 1;
    root.iat = h->utc;
    place.size = 1;
    NEED(att_merkle_leaf(root.head.root, h->hasher, att_buf_slice(entry)) == ATT_OK);
    NEED(att_receipt_sign(&signed_root, &root, h->key) == ATT_OK);
    NEED(att_receipt_make(&receipt, att_buf_slice(signed_root), &place, att_buf_slice(entry)) ==
         ATT_OK);
    NEED(att_receipt_attach(&dressed, att_buf_slice(label), att_buf_slice(receipt), NULL) ==
         ATT_OK);
    (void)snprintf(file, sizeof(file), "%s/%s", h->dir, name);
    NEED(att_file_write(file, att_buf_slice(dressed), 0644, NULL) == ATT_OK);
    if (h->tiler.size == 0)
        loghouse_add_bytes(h, att_buf_slice(entry)); /* an honest log keeps it */
    scene_free(scene);
    att_buf_free(label);
    att_buf_free(signed_root);
    att_buf_free(receipt);
    att_buf_free(dressed);
    att_buf_free(entry);
}

static void prove_label(const struct loghouse *h, int code)
{
    const char *const args[] = {"log",  "prove", "@gw.label", "--from",
                                "@log", "-o",    "@proof",    NULL};

    ctl(h, code, args);
}

/* 0: the log shows another entry there. 1: it has none there, after a day; and 2: before. 3: it kept its promise. */
START_TEST(G_15__promise_that_was_not_kept)
{
    static const int CODES[] = {1, 1, 3, 0};
    struct loghouse h;
    char path[128];
    ATT_CLEANUP(att_buf_freep) struct att_buf *receipt = NULL;

    loghouse_open(&h);
    if (_i == 0)
        loghouse_enrol(&h, 1);
    promise(&h, "gw.label");
    if (_i == 1 || _i == 2) {
        h.tiler = (struct att_tiler){0};
        att_buf_clear(h.bundle);
    }
    loghouse_sign(&h);
    h.utc += _i == 1 ? 2 * 86400 : 0;
    prove_label(&h, CODES[_i]);
    if (_i < 3) {
        has("E_TL_NOTMERGED");
        (void)snprintf(path, sizeof(path), "%s/proof.receipt", h.dir);
        ck_assert_int_eq(att_file_read(&receipt, path, 65536, NULL), ATT_OK);
    }
    loghouse_close(&h);
}
END_TEST

/* A receipt of another label in a label. */
START_TEST(G_15__receipt_of_another_label)
{
    struct loghouse h;
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    struct att_slice receipt[ATT_RECEIPTS_MAX];
    ATT_CLEANUP(att_buf_freep) struct att_buf *other = NULL;
    struct scene *scene = scene_new(NULL, NULL);
    struct att_label_facts facts;
    struct att_cose m;
    struct att_buf *bare;
    size_t count = 0;
    char path[128];

    loghouse_open(&h);
    promise(&h, "gw.label");
    loghouse_sign(&h);
    (void)snprintf(path, sizeof(path), "%s/gw.label", h.dir);
    NEED(att_file_read(&label, path, 65536, NULL) == ATT_OK);
    NEED(att_cose_parse(&m, att_buf_slice(label), NULL) == ATT_OK);
    NEED(att_receipts_of(receipt, &count, &m, NULL) == ATT_OK && count == 1);
    scene_attest(scene);
    facts = issuer_facts(&h.is);
    facts.exp += 1;
    bare = issuer_label(&h.is, scene, &facts);
    NEED(att_receipt_attach(&other, att_buf_slice(bare), receipt[0], NULL) == ATT_OK);
    NEED(att_file_write(path, att_buf_slice(other), 0644, NULL) == ATT_OK);
    prove_label(&h, 1);
    has("E_TL_LEAF");
    scene_free(scene);
    att_buf_free(bare);
    loghouse_close(&h);
}
END_TEST

/* Tiles that do not lead to the signed root give no proof. */
START_TEST(G_01__proof_from_wrong_tiles_is_not_handed_out)
{
    struct loghouse h;
    const char *const inclusion[] = {"log", "prove", "3", "--from", "@log", "-o", "@proof", NULL};
    const char *const consistency[] = {
        "log", "prove", "--consistency", "@old/checkpoint", "--from", "@log", "-o", "@proof", NULL};
    char path[128];
    FILE *f;

    open_house(&h, 20);
    loghouse_copy(&h, "old");
    for (int i = 0; i < 20; i++)
        loghouse_attest(&h, 1);
    loghouse_sign(&h);
    ctl(&h, 0, _i == 0 ? inclusion : consistency);
    (void)snprintf(path, sizeof(path), "%s/proof", h.dir);
    NEED(remove(path) == 0);
    loghouse_flip(&h, "tile/0/000.p/41", _i == 0 ? 2 * 32 : 22 * 32);
    ctl(&h, 1, _i == 0 ? inclusion : consistency);
    has(_i == 0 ? "E_TL_PROOF" : "E_TL_CONSIST");
    f = fopen(path, "rb");
    ck_assert_ptr_null(f);
    loghouse_close(&h);
}
END_TEST

START_TEST(G_05__no_proof_of_what_is_later)
{
    struct loghouse h;
    const char *const args[] = {
        "log", "prove", "--consistency", "@new/checkpoint", "--from", "@log", "-o", "@proof", NULL};
    ATT_CLEANUP(att_buf_freep) struct att_buf *old = NULL;

    open_house(&h, 20);
    old = loghouse_read(&h, "checkpoint");
    loghouse_attest(&h, 1);
    loghouse_sign(&h);
    loghouse_copy(&h, "new");
    loghouse_write(&h, "checkpoint", att_buf_slice(old));
    ctl(&h, 1, args);
    has("E_TL_ROLLBACK");
    loghouse_close(&h);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-01-prove", G_01__proof_from_wrong_tiles_is_not_handed_out, 2, 60},
        {"G-04-monitor", G_04__fork_is_caught_and_both_notes_are_saved, 2, 60},
        {"G-05-monitor", G_05__log_that_went_back, 0, 60},
        {"G-05-prove", G_05__no_proof_of_what_is_later, 0, 60},
        {"G-06-monitor", G_06__new_entries_of_another_tree, 2, 60},
        {"G-15", G_15__promise_that_was_not_kept, 4, 60},
        {"G-15-label", G_15__receipt_of_another_label, 0, 60},
        {"G-watch", G_watch__label_that_nobody_expected, 0, 60},
    };

    return attack_rows("attacks: who looks at a log again", rows, ATT_COUNT(rows));
}
