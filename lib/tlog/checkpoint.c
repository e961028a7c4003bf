/* Checkpoints: the text, the log's signature, cosignatures, and forks that show at once. */
#include "tlog/checkpoint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "codec/lines.h"

/* SHA-256 of nothing: the root of the tree without leaves (RFC 9162 2.1.1). */
static const uint8_t EMPTY_ROOT[ATT_MERKLE_LEN] = {
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};

struct att_checkpoint {
    struct att_note_verified *note;
    struct att_tree_head head;
    size_t cosigned;
};

static enum att_err refuse(struct att_diag *diag, enum att_err err, const char *field,
                           const struct att_lines *it, const char *what)
{
    return att_fail_at(diag, err, ATT_R_TL_CKPT, field, it->off, "%s", what);
}

/* A line that must be there and hold something. */
static enum att_err next(struct att_slice *line, struct att_lines *it, const char *field,
                         struct att_diag *diag)
{
    bool more = false;
    enum att_err err = att_lines_next(line, it, &more);

    if (err != ATT_OK || !more) {
        return refuse(diag, ATT_E_TRUNCATED, field, it,
                      "expected lines of origin, size and root hash, each with its line break");
    }
    if (ATT_GUARD(CKPT_EMPTY_LINE, line->len == 0)) {
        return refuse(diag, ATT_E_FORMAT, field, it, "expected a line that is not empty");
    }
    return ATT_OK;
}

static enum att_err read_size(uint64_t *out, struct att_lines *it, struct att_diag *diag)
{
    struct att_slice line = {0};
    enum att_err err = next(&line, it, "size", diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_lines_decimal(out, line, ATT_MERKLE_SIZE_MAX);
    if (err != ATT_OK) {
        return refuse(diag, err, "size", it,
                      "expected a decimal number without leading zeros, below 2^63");
    }
    return ATT_OK;
}

static enum att_err read_root(struct att_tree_head *head, struct att_lines *it,
                              struct att_diag *diag)
{
    struct att_slice line = {0};
    enum att_err err = next(&line, it, "root", diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_lines_hash(head->tree.root, line);
    if (err != ATT_OK) {
        return refuse(diag, err, "root", it, "expected base64 of a SHA-256 hash");
    }
    if (ATT_GUARD(CKPT_EMPTY_ROOT, head->tree.size == 0 && memcmp(head->tree.root, EMPTY_ROOT,
                                                                  sizeof(EMPTY_ROOT)) != 0)) {
        return refuse(diag, ATT_E_MISMATCH, "root", it,
                      "expected the root of the empty tree for the size 0");
    }
    return ATT_OK;
}

/* Opaque lines, and none of them empty. */
static enum att_err read_extension(struct att_tree_head *head, struct att_lines *it,
                                   struct att_diag *diag)
{
    struct att_slice line = {0};
    enum att_err err = ATT_OK;

    head->extension = att_lines_rest(it);
    while (err == ATT_OK && att_lines_rest(it).len > 0) {
        err = next(&line, it, "extension", diag);
    }
    return err;
}

enum att_err att_tree_head_parse(struct att_tree_head *out, struct att_slice text,
                                 struct att_diag *diag)
{
    struct att_lines it = att_lines_from(text);
    struct att_tree_head head = {.tree = {.size = 0}};
    enum att_err err = next(&head.origin, &it, "origin", diag);

    if (err == ATT_OK) {
        err = read_size(&head.tree.size, &it, diag);
    }
    if (err == ATT_OK) {
        err = read_root(&head, &it, diag);
    }
    if (err == ATT_OK) {
        err = read_extension(&head, &it, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = head;
    return ATT_OK;
}

static enum att_err write_head(struct att_buf *b, const struct att_tree_head *head)
{
    enum att_err err = att_buf_add_slice(b, head->origin);

    if (err == ATT_OK) {
        err = att_lines_add_text(b, "\n");
    }
    if (err == ATT_OK) {
        err = att_lines_add_decimal(b, head->tree.size);
    }
    if (err == ATT_OK) {
        err = att_lines_add_text(b, "\n");
    }
    if (err == ATT_OK) {
        err = att_lines_add_base64(b, att_slice_of(head->tree.root, sizeof(head->tree.root)));
    }
    if (err == ATT_OK) {
        err = att_lines_add_text(b, "\n");
    }
    return err == ATT_OK ? att_buf_add_slice(b, head->extension) : err;
}

static bool same_head(const struct att_tree_head *a, const struct att_tree_head *b)
{
    return att_slice_eq(a->origin, b->origin) && a->tree.size == b->tree.size &&
           memcmp(a->tree.root, b->tree.root, sizeof(a->tree.root)) == 0 &&
           att_slice_eq(a->extension, b->extension);
}

enum att_err att_tree_head_encode(struct att_buf **out, const struct att_tree_head *head)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct att_tree_head again;
    enum att_err err = att_buf_new(&b, ATT_NOTE_MAX);

    if (err == ATT_OK) {
        err = write_head(b, head);
    }
    if (err != ATT_OK) {
        return err == ATT_E_LIMIT ? ATT_E_INTERNAL : err;
    }
    /* an origin with a line break in it would be another head */
    if (att_tree_head_parse(&again, att_buf_slice(b), NULL) != ATT_OK || !same_head(&again, head)) {
        return ATT_E_INTERNAL;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}

enum att_err att_checkpoint_make(struct att_buf **out, const struct att_tree_head *head,
                                 const struct att_signer *signer)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    struct att_note_order order = {.name = head->origin, .type = ATT_NOTE_ED25519};
    enum att_err err = att_tree_head_encode(&text, head);

    if (err != ATT_OK) {
        return err;
    }
    order.text = att_buf_slice(text);
    return att_note_make(out, &order, signer);
}

static bool keys_ok(const struct att_checkpoint_keys *keys)
{
    if (att_vkey_type(keys->log) != ATT_NOTE_ED25519 ||
        keys->witness_count > ATT_CHECKPOINT_WITNESSES) {
        return false;
    }
    for (size_t i = 0; i < keys->witness_count; i++) {
        if (att_vkey_type(keys->witness[i]) != ATT_NOTE_COSIGNATURE) {
            return false;
        }
    }
    return true;
}

static enum att_err verify_note(struct att_note_verified **out, const struct att_note *note,
                                const struct att_checkpoint_keys *keys, struct att_diag *diag)
{
    const struct att_vkey *all[1 + ATT_CHECKPOINT_WITNESSES] = {keys->log};

    for (size_t i = 0; i < keys->witness_count; i++) {
        all[1 + i] = keys->witness[i];
    }
    return att_note_verify(out, note, all, 1 + keys->witness_count, diag);
}

/* The origin is compared before any signature is, so that a mix-up is called by its name. */
static enum att_err check_origin(const struct att_tree_head *head, const struct att_vkey *log,
                                 struct att_diag *diag)
{
    struct att_slice name = att_vkey_name(log);
    char want[64];
    char found[64];

    if (ATT_GUARD(CKPT_ORIGIN, !att_slice_eq(head->origin, name))) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_CKPT, "origin",
                        "expected a checkpoint of %s, found one of %s",
                        att_escape(want, sizeof(want), name.p, name.len),
                        att_escape(found, sizeof(found), head->origin.p, head->origin.len));
    }
    return ATT_OK;
}

static enum att_err check_signers(struct att_checkpoint *c, const struct att_checkpoint_keys *keys,
                                  struct att_diag *diag)
{
    if (ATT_GUARD(CKPT_UNSIGNED, !att_note_signed_by(c->note, keys->log, NULL))) {
        return att_fail(diag, ATT_E_UNTRUSTED, ATT_R_TL_CKPT, "signature",
                        "the log's own key, id %08" PRIx32 ", did not sign this checkpoint",
                        att_vkey_id(keys->log));
    }
    for (size_t i = 0; i < keys->witness_count; i++) {
        c->cosigned += att_note_signed_by(c->note, keys->witness[i], NULL) ? 1 : 0;
    }
    return ATT_OK;
}

enum att_err att_checkpoint_verify(struct att_checkpoint **out, const struct att_note *note,
                                   const struct att_checkpoint_keys *keys, struct att_diag *diag)
{
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    enum att_err err = ATT_OK;

    if (!keys_ok(keys)) {
        return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "keys",
                        "expected a log's key and at most 64 keys of witnesses");
    }
    c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory");
    }
    err = att_tree_head_parse(&c->head, note->text, diag);
    if (err == ATT_OK) {
        err = check_origin(&c->head, keys->log, diag);
    }
    if (err == ATT_OK) {
        err = verify_note(&c->note, note, keys, diag);
    }
    if (err == ATT_OK) {
        err = check_signers(c, keys, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = c;
    c = NULL;
    return ATT_OK;
}

enum att_err att_checkpoint_open(struct att_checkpoint **out, struct att_slice in,
                                 const struct att_checkpoint_keys *keys, struct att_diag *diag)
{
    struct att_note note;
    enum att_err err = att_note_parse(&note, in, diag);

    return err == ATT_OK ? att_checkpoint_verify(out, &note, keys, diag) : err;
}

void att_checkpoint_free(struct att_checkpoint *c)
{
    if (c != NULL) {
        att_note_verified_free(c->note);
        free(c);
    }
}

void att_checkpoint_freep(struct att_checkpoint **c)
{
    att_checkpoint_free(*c);
    *c = NULL;
}

const struct att_tree_head *att_checkpoint_head(const struct att_checkpoint *c)
{
    return &c->head;
}

bool att_checkpoint_cosigned_by(const struct att_checkpoint *c, const struct att_vkey *witness,
                                uint64_t *time_s)
{
    return att_vkey_type(witness) == ATT_NOTE_COSIGNATURE &&
           att_note_signed_by(c->note, witness, time_s);
}

size_t att_checkpoint_cosigned(const struct att_checkpoint *c)
{
    return c->cosigned;
}

enum att_err att_checkpoint_cosign(struct att_buf **line, const struct att_checkpoint *c,
                                   struct att_slice name, uint64_t time_s,
                                   const struct att_signer *signer)
{
    const struct att_note_order order = {
        .text = att_note_text(c->note),
        .name = name,
        .type = ATT_NOTE_COSIGNATURE,
        .time_s = time_s,
    };

    return att_note_sign(line, &order, signer);
}

enum att_err att_checkpoint_check_fork(const struct att_checkpoint *held,
                                       const struct att_checkpoint *seen, struct att_diag *diag)
{
    if (!att_slice_eq(held->head.origin, seen->head.origin)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_CKPT, "origin",
                        "the two checkpoints are of two logs");
    }
    if (ATT_GUARD(TL_FORK, held->head.tree.size == seen->head.tree.size &&
                               memcmp(held->head.tree.root, seen->head.tree.root,
                                      sizeof(held->head.tree.root)) != 0)) {
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_TL_FORK, "root",
                        "two checkpoints of size %" PRIu64 " have two roots", held->head.tree.size);
    }
    return ATT_OK;
}
