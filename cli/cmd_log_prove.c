/*
 * log prove: that an entry is in a published log, or that the log still begins with an earlier tree, as a file that anybody
 * verifies offline (C2SP tlog-proof; for consistency the request to a witness, tlog-witness).
 *
 * Tiles are whoever's who serves them: a proof is verified here before it is handed out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/guard.h"
#include "codec/lines.h"
#include "commands.h"
#include "log_tree.h"
#include "log_view.h"
#include "sign/cose.h"
#include "tlog/entry.h"
#include "tlog/proof_text.h"
#include "tlog/receipt.h"
#include "tlog/witness_request.h"

#define LABEL_MAX   1048576
#define MERGE_DELAY 86400 /* seconds that a published log may be behind a receipt */

struct proving {
    struct report r;
    struct log_options options;
    const char *what;        /* index or label file; NULL with --consistency */
    const char *consistency; /* earlier size, or file of an earlier checkpoint; or NULL */
    const char *entry_out;
    struct log_view view;
    struct log_nodes *nodes;
    uint64_t index;
    struct att_buf *label;     /* or NULL */
    struct att_slice promised; /* the entry of its receipt; borrows label */
    struct att_slice receipt;
    int64_t promised_at; /* UTC seconds */
};

static void clear(struct proving *p)
{
    log_nodes_close(p->nodes);
    log_view_close(&p->view);
    att_buf_free(p->label);
}

/* A proof is believed by nobody but for what is verified of it; its nodes may come from anywhere. */
static enum att_err nodes_failed(const struct proving *p, enum att_err err, struct att_diag *diag)
{
    const struct att_diag *why = log_nodes_why(p->nodes);

    if (why->reason != ATT_R_NONE) {
        *diag = *why;
        return err;
    }
    return att_fail(diag, err, ATT_R_INTERNAL, "proof", "it cannot be made: %s", att_err_name(err));
}

/* --- an entry --- */

static enum att_err read_entry(struct att_slice *out, struct att_buf **file, struct proving *p,
                               struct att_diag *diag)
{
    struct att_slice entry[ATT_TILE_WIDTH];
    uint64_t number = p->index / ATT_TILE_WIDTH;
    const struct att_tile tile = {
        .entries = true, .index = number, .width = att_tile_width(0, number, p->view.tree->size)};
    enum att_err err = log_source_entries(entry, file, p->view.source, &tile, diag);

    if (err == ATT_OK) {
        *out = entry[p->index % ATT_TILE_WIDTH];
    }
    return err;
}

static enum att_err leaf_of(uint8_t leaf[ATT_MERKLE_LEN], struct att_slice entry,
                            struct att_diag *diag)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;

    if (att_hasher_new(&h) != ATT_OK || att_merkle_leaf(leaf, h, entry) != ATT_OK) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "entry", "hashing failed");
    }
    return ATT_OK;
}

/* The receipt was a promise, and the log shows something else: it is kept as evidence beside the output. */
static enum att_err not_merged(struct proving *p, enum att_err err, const char *what,
                               struct att_diag *diag)
{
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s.receipt", p->r.cli->output);
    if (att_file_write(path, p->receipt, 0644, diag) != ATT_OK) {
        return ATT_E_IO;
    }
    return att_fail(diag, err, ATT_R_TL_NOTMERGED, "receipt", "entry %" PRIu64 ": %s; see %.60s",
                    p->index, what, path);
}

/* Behind by less than a day is no lie yet: files are exported from time to time. */
static enum att_err check_merged(struct proving *p, struct att_diag *diag)
{
    bool late = p->r.cli->at - p->promised_at > MERGE_DELAY;

    if (p->index < p->view.tree->size) {
        return ATT_OK;
    }
    if (p->promised.len == 0) {
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_TL_MISSING, "index",
                        "expected an entry below %llu, found %llu",
                        (unsigned long long)p->view.tree->size, (unsigned long long)p->index);
    }
    return not_merged(p, ATT_GUARD(PROVE_LATE, late) ? ATT_E_MISMATCH : ATT_E_NOT_FOUND,
                      "promised, and not published", diag);
}

static enum att_err prove_entry(struct att_buf **out, struct proving *p, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_merkle_nodes nodes = log_nodes_of(p->nodes);
    struct att_proof_text text = {.index = p->index, .checkpoint = att_buf_slice(p->view.note)};
    uint8_t leaf[ATT_MERKLE_LEN];
    struct att_slice entry;
    enum att_err err = check_merged(p, diag);

    if (err == ATT_OK) {
        err = read_entry(&entry, &file, p, diag);
    }
    if (err == ATT_OK) {
        err = leaf_of(leaf, entry, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(PROVE_PROMISE, p->promised.len > 0 && !att_slice_eq(p->promised, entry))) {
        return not_merged(p, ATT_E_MISMATCH, "another one than was promised", diag);
    }
    err = att_merkle_prove_inclusion(&text.path, &nodes, p->index, p->view.tree->size);
    if (err != ATT_OK) {
        return nodes_failed(p, err, diag);
    }
    err = att_merkle_verify_inclusion(p->view.tree->root, p->index, p->view.tree->size, leaf,
                                      &text.path, diag);
    if (ATT_GUARD(PROVE_VERIFIED, err != ATT_OK)) {
        return err;
    }
    if (att_proof_text_encode(out, &text) != ATT_OK) {
        return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "proof", "it cannot be written");
    }
    return p->entry_out != NULL ? att_file_write(p->entry_out, entry, 0644, diag) : ATT_OK;
}

/* --- a label --- */

/* Under whichever key of the log signed it. */
static enum att_err verify_receipt(struct att_receipt *out, const struct proving *p,
                                   struct att_slice receipt, const char *origin,
                                   struct att_diag *diag)
{
    enum att_err err = ATT_E_SIGNATURE;

    for (size_t i = 0; err == ATT_E_SIGNATURE && i < p->view.keys.count; i++) {
        const struct att_vkey *key = p->view.keys.key[i];

        if (att_vkey_type(key) == ATT_NOTE_ED25519 &&
            att_slice_eq(att_vkey_name(key), att_slice_str(origin))) {
            err = att_receipt_verify(out, receipt, origin, att_vkey_key(key), diag);
        }
    }
    return err;
}

/* Its receipt of this log says where it stands. */
static enum att_err read_receipt(struct proving *p, struct att_slice receipt, bool *found,
                                 struct att_diag *diag)
{
    char origin[ATT_ENTRY_NAME_MAX];
    struct att_receipt r;
    enum att_err err = att_receipt_origin(origin, sizeof(origin), receipt, diag);

    if (err != ATT_OK || !att_slice_eq(att_slice_str(origin), att_vkey_name(p->view.key))) {
        return err;
    }
    err = verify_receipt(&r, p, receipt, origin, diag);
    if (err != ATT_OK) {
        return err;
    }
    *found = true;
    p->index = r.index;
    p->promised = r.entry;
    p->promised_at = r.iat;
    p->receipt = receipt;
    return ATT_OK;
}

static enum att_err check_label(const struct proving *p, struct att_diag *diag)
{
    uint8_t digest[32];
    struct att_entry e;
    enum att_err err = att_entry_of_label(digest, att_buf_slice(p->label), diag);

    if (err == ATT_OK) {
        err = att_entry_parse(&e, p->promised, diag);
    }
    if (err == ATT_OK && ATT_GUARD(PROVE_LABEL, memcmp(digest, e.digest, sizeof(digest)) != 0)) {
        err = att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_LEAF, "receipt", "it is of another label");
    }
    return err;
}

static enum att_err find_label(struct proving *p, struct att_diag *diag)
{
    struct att_slice receipt[ATT_RECEIPTS_MAX];
    struct att_cose m;
    size_t count = 0;
    bool found = false;
    enum att_err err = att_file_read(&p->label, p->what, LABEL_MAX, diag);

    if (err == ATT_OK) {
        err = att_cose_parse(&m, att_buf_slice(p->label), diag);
    }
    if (err == ATT_OK) {
        err = att_receipts_of(receipt, &count, &m, diag);
    }
    for (size_t i = 0; err == ATT_OK && i < count && !found; i++) {
        err = read_receipt(p, receipt[i], &found, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (!found) {
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_TL_NORECEIPT, "label",
                        "expected a receipt of %.60s, which says where it stands, found none",
                        p->view.origin);
    }
    return check_label(p, diag);
}

/* --- an earlier tree --- */

/* A size alone proves nothing about who saw what; an earlier checkpoint does. */
static enum att_err read_old(struct att_merkle_head *old, bool *has_root, struct proving *p,
                             struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *note = NULL;
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    const struct att_vkey *key = NULL;
    enum att_err err = ATT_OK;

    *has_root = false;
    if (att_lines_decimal(&old->size, att_slice_str(p->consistency), ATT_MERKLE_SIZE_MAX) ==
        ATT_OK) {
        return ATT_OK;
    }
    err = att_file_read(&note, p->consistency, ATT_NOTE_MAX, diag);
    if (err == ATT_OK) {
        err = log_view_verify(&c, &key, &p->view, att_buf_slice(note), diag);
    }
    if (err == ATT_OK) {
        err = att_checkpoint_check_fork(c, p->view.checkpoint, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *old = att_checkpoint_head(c)->tree;
    *has_root = true;
    return ATT_OK;
}

static enum att_err root_of(uint8_t root[ATT_MERKLE_LEN], struct proving *p, uint64_t size,
                            struct att_diag *diag)
{
    struct att_merkle_nodes nodes = log_nodes_of(p->nodes);
    enum att_err err = att_merkle_root(root, &nodes, size);

    return err == ATT_OK ? ATT_OK : nodes_failed(p, err, diag);
}

static enum att_err prove_consistency(struct att_buf **out, struct proving *p,
                                      struct att_diag *diag)
{
    struct att_merkle_nodes nodes = log_nodes_of(p->nodes);
    struct att_witness_request q = {.checkpoint = att_buf_slice(p->view.note)};
    struct att_merkle_head old = {0};
    bool has_root = false;
    enum att_err err = read_old(&old, &has_root, p, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(PROVE_ROLLBACK, old.size == 0 || old.size > p->view.tree->size)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_ROLLBACK, "--consistency",
                        "expected a size of 1 to %llu, found %llu",
                        (unsigned long long)p->view.tree->size, (unsigned long long)old.size);
    }
    if (!has_root) {
        err = root_of(old.root, p, old.size, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    q.old = old.size;
    err = att_merkle_prove_consistency(&q.path, &nodes, old.size, p->view.tree->size);
    if (err != ATT_OK) {
        return nodes_failed(p, err, diag);
    }
    err = att_merkle_verify_consistency(&old, p->view.tree, &q.path, diag);
    if (ATT_GUARD(PROVE_CONSIST, err != ATT_OK)) {
        return err;
    }
    (void)json_object_set_new(p->r.root, "old", json_integer((json_int_t)old.size));
    if (att_witness_request_encode(out, &q) != ATT_OK) {
        return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "proof", "it cannot be written");
    }
    return ATT_OK;
}

/* --- the command --- */

static enum att_err prove(struct att_buf **out, struct proving *p, struct att_diag *diag)
{
    enum att_err err = log_view_open(&p->view, p->r.cli, &p->options, diag);

    if (err == ATT_OK && log_nodes_open(&p->nodes, p->view.source, p->view.tree->size) != ATT_OK) {
        err = att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory");
    }
    if (err != ATT_OK) {
        return err;
    }
    if (p->consistency != NULL) {
        return prove_consistency(out, p, diag);
    }
    if (att_lines_decimal(&p->index, att_slice_str(p->what), ATT_MERKLE_SIZE_MAX) != ATT_OK) {
        err = find_label(p, diag);
    }
    return err == ATT_OK ? prove_entry(out, p, diag) : err;
}

static int run(struct proving *p)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *proof = NULL;
    struct att_diag diag = {0};
    enum att_err err = prove(&proof, p, &diag);

    if (err == ATT_OK) {
        err = att_file_write(p->r.cli->output, att_buf_slice(proof), 0644, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&p->r, err, &diag);
    }
    report_check(&p->r, p->consistency != NULL ? "consistency" : "inclusion", C_PASS, NULL);
    log_view_tell(&p->r, &p->view);
    if (p->consistency == NULL) {
        report_field(&p->r, tr(p->r.cli, "entry", "エントリー"), "%llu",
                     (unsigned long long)p->index);
        (void)json_object_set_new(p->r.root, "index", json_integer((json_int_t)p->index));
    }
    return report_finish(&p->r);
}

int cmd_log_prove(struct cli *cli, int argc, char **argv)
{
    struct proving p = {.r = report_start(cli, "attestctl.log-prove.v1"),
                        .options = {.place = {.socket = cli->socket}}};
    const struct option_spec options[] = {
        {"from", &p.options.place.where, NULL, "URL|DIR",
         "where the log is published; without it, the administrator's socket",
         "公開元。省略時は管理用ソケットから読む"},
        LOG_OPTIONS(p.options),
        {"socket", &p.options.place.socket, NULL, "PATH", "the verifier's administrator socket",
         "検証サーバーの管理用ソケット"},
        {"consistency", &p.consistency, NULL, "OLD",
         "that it begins with this size, or the tree of this checkpoint",
         "この件数またはチェックポイントの木から始まることの証明"},
        {"entry", &p.entry_out, NULL, "FILE", "write the entry there, for log verify",
         "エントリーの書き出し先 (log verify 用)"}};
    int code = options_parse(&p.r, options, ATT_COUNT(options), &argc, argv);

    if (code == OPTIONS_OK && (argc > 1) == (p.consistency != NULL)) {
        return report_usage(&p.r, "arguments", "expected %s, found %s",
                            "an index, a label file, or --consistency",
                            argc > 1 ? "two of them" : "nothing");
    }
    if (code == OPTIONS_OK) {
        code = output_needed(&p.r, false);
    }
    if (code != OPTIONS_OK) {
        return code;
    }
    p.what = argc > 1 ? argv[1] : NULL;
    code = run(&p);
    clear(&p);
    return code;
}
