/* Entries are made of the outcomes as they are stored, so that what an auditor reads is what was recorded. */
#include "sequencer_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/label.h"
#include "base/guard.h"
#include "base/hex.h"
#include "common/log.h"
#include "tlog/checkpoint.h"
#include "tlog/receipt.h"
#include "tlog/tree.h"

void sequencer_free(struct sequencer *s)
{
    if (s == NULL)
        return;
    att_tree_free(s->tree);
    loghead_close(s->file);
    att_buf_free(s->checkpoint);
    att_buf_free(s->bytes);
    att_hasher_free(s->hasher);
    free(s);
}

bool sequencer_broken(const struct sequencer *s)
{
    return s->broken;
}

uint64_t sequencer_size(const struct sequencer *s)
{
    return s->last.tree.size;
}

enum att_err sequencer_unreadable(struct att_diag *diag, enum att_err err, int64_t index,
                                  const char *what)
{
    if (err == ATT_E_NOMEM)
        return att_fail(diag, err, ATT_R_NOMEM, "log", "memory ran out");
    return att_fail(diag, ATT_E_FORMAT, ATT_R_TL_FSCK, "log", "entry %lld: %s", (long long)index,
                    what);
}

/* --- entries --- */

/* What a label's entry says beside the outcome: read from the label itself. */
struct label_facts {
    int status;
    char subject[ATT_ENTRY_NAME_MAX];
};

/* Outcomes of before there was a log name no subject; their labels do. */
static enum att_err read_subject(struct label_facts *l, struct att_slice label,
                                 struct att_diag *diag)
{
    struct att_label *read = calloc(1, sizeof(*read));
    struct att_cose m;
    enum att_err err;

    if (read == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "log", "memory ran out");
    err = att_cose_parse(&m, label, diag);
    if (err == ATT_OK)
        err = att_label_read(read, m.payload_untrusted, diag);
    if (err == ATT_OK)
        (void)snprintf(l->subject, sizeof(l->subject), "%s", read->subject);
    free(read);
    return err;
}

static enum att_err add_label(struct att_entry_facts *f, struct label_facts *l, struct sequencer *s,
                              const struct store_outcome *o, struct att_diag *diag)
{
    struct store_label row;
    enum att_err err = store_label_get(&row, s->bytes, s->opt.st, o->cti);

    if (err != ATT_OK)
        return sequencer_unreadable(diag, err, o->index, "its label cannot be read");
    err = att_entry_of_label(f->digest, att_buf_slice(s->bytes), diag);
    if (err == ATT_OK && f->subject == NULL) {
        err = read_subject(l, att_buf_slice(s->bytes), diag);
        f->subject = l->subject;
    }
    l->status = row.tier;
    f->of_label = true;
    f->status = &l->status;
    f->exp = row.exp;
    return err;
}

/* The words of an outcome, behind a salt: nobody finds them by trying. A label hides nothing and has none. */
static enum att_err add_detail(struct att_entry_facts *f, uint8_t salt[STORE_SALT_LEN],
                               struct sequencer *s, const struct store_outcome *o,
                               struct att_diag *diag)
{
    enum att_err err = s->opt.random(salt, STORE_SALT_LEN);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_RNG, "salt", "no random bytes");
    return att_entry_detail(f->digest, salt, o->detail);
}

static const char *subject_of(char *out, size_t cap, const struct store_outcome *o)
{
    return o->has_subject ? att_label_subject(out, cap, o->subject) : NULL;
}

static enum att_err make_entry(struct att_buf **out, uint8_t salt[STORE_SALT_LEN],
                               struct sequencer *s, const struct store_outcome *o, bool with_chain,
                               struct att_diag *diag)
{
    const struct issuer *is = s->opt.issuer;
    char subject[ATT_ENTRY_NAME_MAX];
    struct label_facts l;
    struct att_entry_facts f = {
        .issuer = s->opt.cfg->verifier_id,
        .subject = subject_of(subject, sizeof(subject), o),
        .kind = store_kind_name(o->kind),
        .reason = o->reason,
        .iat = o->utc,
        .evidence = o->has_evidence ? o->evidence : NULL,
        .policy = o->has_rules ? o->policy : NULL,
        .refvals = o->has_rules ? o->refvals : NULL,
        .x5chain = with_chain ? is->label.x5chain : NULL,
        .x5chain_count = with_chain ? is->label.count : 0,
    };
    enum att_err err;

    if (o->kind == STORE_KIND_LABEL_KEY || o->kind == STORE_KIND_LOG_KEY) {
        f.key_before = f.policy;
        f.key_now = f.refvals;
        f.policy = f.refvals = NULL;
    }

    f.cti = o->has_cti ? o->cti : NULL;
    err = store_kind_makes_label(o->kind) ? add_label(&f, &l, s, o, diag)
                                          : add_detail(&f, salt, s, o, diag);
    if (err != ATT_OK)
        return err;
    err = att_entry_make(out, &f, is->label.signer);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_KEY_STORE, "entry", "the entry of outcome %lld: %s",
                        (long long)o->index, att_err_name(err));
    return ATT_OK;
}

/* Time in the log goes forward: an auditor could not tell a clock that was put back from an entry that was. */
static enum att_err go_on_to(struct sequencer *s, int64_t utc, struct att_diag *diag)
{
    if (ATT_GUARD(TL_TIME, utc < s->utc))
        return att_fail(diag, ATT_E_STALE, ATT_R_CLK_BACK, "log",
                        "the log is at %lld already, the clock says %lld (seconds since 1970)",
                        (long long)s->utc, (long long)utc);
    s->utc = utc;
    return ATT_OK;
}

/* Partners get this entry alone, and learn from it who says so (attestctl trust revoke). */
static bool ends_a_key(const struct store_outcome *o)
{
    return o->kind == STORE_KIND_LABEL_KEY && strcmp(o->reason, ATT_ENTRY_COMPROMISED) == 0;
}

static enum att_err sequence_one(struct sequencer *s, int64_t index, bool with_chain,
                                 struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *entry = NULL;
    uint8_t salt[STORE_SALT_LEN] = {0}, leaf[ATT_MERKLE_LEN];
    struct store_outcome o;
    enum att_err err = store_outcome_get(&o, s->opt.st, index);

    if (err != ATT_OK)
        return sequencer_unreadable(diag, err, index, "its outcome cannot be read");
    if (!s->starting)
        err = go_on_to(s, o.utc, diag);
    if (err != ATT_OK)
        return err;
    err = make_entry(&entry, salt, s, &o, with_chain || ends_a_key(&o), diag);
    if (err == ATT_OK)
        err = store_leaf_put(s->opt.st, index, salt, att_buf_slice(entry), diag);
    if (err != ATT_OK)
        return err;
    err = att_merkle_leaf(leaf, s->hasher, att_buf_slice(entry));
    if (err == ATT_OK)
        err = att_tree_add(s->tree, leaf);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "log",
                        "entry %lld does not go into the tree: %s", (long long)index,
                        att_err_name(err));
    return ATT_OK;
}

struct tile_writer {
    struct store *st;
    struct att_diag *diag;
};

static enum att_err write_tile(void *ctx, const struct att_tile_change *c)
{
    const struct tile_writer *w = ctx;

    return store_tile_put(w->st, c->level, c->index, c->hashes, w->diag);
}

/* --- the signed tree --- */

static enum att_err sign_tree(struct loghead *out, struct sequencer *s, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *signed_root = NULL;
    struct att_merkle_nodes nodes = att_tree_nodes(s->tree);
    struct loghead h = {.before = s->last.tree};
    struct att_receipt_root r = {.origin = s->opt.cfg->log.origin, .iat = s->opt.utc_s()};
    enum att_err err = go_on_to(s, r.iat, diag);

    if (err != ATT_OK)
        return err;
    r.head.size = att_tree_size(s->tree);
    err = att_merkle_root(r.head.root, &nodes, r.head.size);
    if (err == ATT_OK)
        err = att_receipt_sign(&signed_root, &r, s->opt.issuer->log);
    if (err == ATT_OK && att_buf_len(signed_root) > sizeof(h.signed_root))
        err = ATT_E_LIMIT;
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "log", "the tree cannot be signed: %s",
                        att_err_name(err));
    h.tree = r.head;
    h.signed_len = att_buf_len(signed_root);
    memcpy(h.signed_root, att_buf_slice(signed_root).p, h.signed_len);
    *out = h;
    return ATT_OK;
}

static enum att_err write_head(struct sequencer *s, const struct loghead *h, struct att_diag *diag)
{
    uint8_t room[LOGHEAD_MAX];
    struct att_wr w = att_wr_into(room, sizeof(room));
    enum att_err err = loghead_encode(&w, h);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "log", "the head does not fit");
    return store_meta_put(s->opt.st, SEQUENCER_HEAD, att_slice_of(room, w.len), diag);
}

/* The certificates of the label key stand in the first entry that it signs. */
static enum att_err note_signer(bool *first, struct sequencer *s, struct att_diag *diag)
{
    uint8_t now[32], known[32];
    size_t len = 0;
    enum att_err err = att_pubkey_fingerprint(now, s->opt.issuer->label.signer->public_key);

    *first = false;
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "log", "hashing failed");
    if (s->signer_known)
        return ATT_OK;
    err = store_meta_get(s->opt.st, SEQUENCER_SIGNER, known, sizeof(known), &len);
    if (err == ATT_OK && len == sizeof(known) && memcmp(known, now, sizeof(now)) == 0)
        return ATT_OK;
    if (err != ATT_OK && err != ATT_E_NOT_FOUND)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "log", "its signer cannot be read");
    *first = true;
    return store_meta_put(s->opt.st, SEQUENCER_SIGNER, att_slice_of(now, sizeof(now)), diag);
}

enum att_err sequencer_seal(struct sequencer *s, struct att_diag *diag)
{
    struct tile_writer w = {.st = s->opt.st, .diag = diag};
    int64_t next = (int64_t)att_tree_size(s->tree);
    int64_t count = 0;
    bool first = false;
    enum att_err err = store_outcome_count(&count, s->opt.st);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "outcome", "they cannot be counted");
    if (count == next)
        return ATT_OK;
    if (count - next > ATT_TREE_BATCH)
        count = next + ATT_TREE_BATCH; /* the rest in the next transaction */
    err = note_signer(&first, s, diag);
    for (; err == ATT_OK && next < count; next++, first = false)
        err = sequence_one(s, next, first, diag);
    if (err == ATT_OK)
        err = att_tree_changes(s->tree, write_tile, &w);
    if (err == ATT_OK)
        err = sign_tree(&s->next, s, diag);
    if (err == ATT_OK)
        err = write_head(s, &s->next, diag);
    if (err != ATT_OK)
        return err;
    s->sealed = true;
    return ATT_OK;
}

enum att_err sequencer_settle(struct sequencer *s, struct att_diag *diag)
{
    enum att_err err;

    if (!s->sealed)
        return ATT_OK;
    err = loghead_write(s->file, &s->next, diag);
    if (err != ATT_OK) {
        s->broken = true;
        return err;
    }
    att_tree_settle(s->tree);
    s->last = s->next;
    s->settled_utc = s->utc;
    att_buf_freep(&s->checkpoint);
    s->sealed = false;
    s->signer_known = true;
    return ATT_OK;
}

void sequencer_revert(struct sequencer *s)
{
    att_tree_revert(s->tree);
    s->utc = s->settled_utc;
    s->sealed = false;
}

void sequencer_keys_changed(struct sequencer *s)
{
    s->signer_known = false;
    att_buf_freep(&s->checkpoint);
}

/* While a key hands over, its line stands behind that of its successor: whoever knows only one of them can go on. */
static enum att_err add_line_of_before(struct att_buf *note, const struct sequencer *s,
                                       const struct att_tree_head *h)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *line = NULL;
    struct att_note_order order = {.name = h->origin, .type = ATT_NOTE_ED25519};
    enum att_err err = att_tree_head_encode(&text, h);

    if (err != ATT_OK)
        return err;
    order.text = att_buf_slice(text);
    err = att_note_sign(&line, &order, s->opt.issuer->log_before);
    return err == ATT_OK ? att_buf_add_slice(note, att_buf_slice(line)) : err;
}

static enum att_err make_checkpoint(struct sequencer *s, bool hands_over)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *alone = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *note = NULL;
    const struct att_tree_head h = {.origin = att_slice_str(s->opt.cfg->log.origin),
                                    .tree = s->last.tree};
    enum att_err err = att_checkpoint_make(&alone, &h, s->opt.issuer->log);

    if (err == ATT_OK)
        err = att_buf_new(&note, ATT_NOTE_MAX);
    if (err == ATT_OK)
        err = att_buf_add_slice(note, att_buf_slice(alone));
    if (err == ATT_OK && hands_over)
        err = add_line_of_before(note, s, &h);
    if (err != ATT_OK)
        return err;
    att_buf_freep(&s->checkpoint);
    s->checkpoint = note;
    s->hands_over = hands_over;
    note = NULL;
    return ATT_OK;
}

enum att_err sequencer_checkpoint(struct att_slice *out, struct sequencer *s, struct att_diag *diag)
{
    const struct issuer *is = s->opt.issuer;
    bool hands_over = is->log_before != NULL && s->opt.utc_s() < is->log_before_until;
    enum att_err err = ATT_OK;

    if (s->checkpoint == NULL || s->hands_over != hands_over)
        err = make_checkpoint(s, hands_over);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "log", "the checkpoint cannot be signed: %s",
                        att_err_name(err));
    *out = att_buf_slice(s->checkpoint);
    return ATT_OK;
}

enum att_err sequencer_had(struct sequencer *s, const struct att_merkle_head *head,
                           struct att_diag *diag)
{
    struct att_merkle_nodes nodes = att_tree_nodes(s->tree);
    uint8_t root[ATT_MERKLE_LEN];
    enum att_err err;

    if (head->size > s->last.tree.size)
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_TL_FORK, "size",
                        "this log has %llu entries, the checkpoint says %llu",
                        (unsigned long long)s->last.tree.size, (unsigned long long)head->size);
    err = att_merkle_root(root, &nodes, head->size);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "log", "a tile cannot be read");
    if (ATT_GUARD(TL_OWN_TREE, memcmp(root, head->root, sizeof(root)) != 0))
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_TL_FORK, "root",
                        "it is not the tree that this log had with %llu entries",
                        (unsigned long long)head->size);
    return ATT_OK;
}

/* --- receipts --- */

static const struct loghead *newest(const struct sequencer *s)
{
    return s->sealed ? &s->next : &s->last;
}

enum att_err sequencer_receipt(struct att_buf **out, struct sequencer *s, int64_t index,
                               struct att_diag *diag)
{
    const struct loghead *h = newest(s);
    struct att_merkle_nodes nodes = att_tree_nodes(s->tree);
    struct att_merkle_path path;
    struct att_receipt_place place = {
        .index = (uint64_t)index, .size = h->tree.size, .path = &path};
    uint8_t salt[STORE_SALT_LEN];
    enum att_err err;

    if (index < 0 || (uint64_t)index >= h->tree.size)
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_EVIDENCE_NONE, "index",
                        "the log has %llu entries", (unsigned long long)h->tree.size);
    err = store_leaf_get(salt, s->bytes, s->opt.st, index);
    if (err != ATT_OK)
        return sequencer_unreadable(diag, err, index, "it cannot be read");
    err = att_merkle_prove_inclusion(&path, &nodes, place.index, place.size);
    if (err == ATT_OK)
        err = att_receipt_make(out, att_slice_of(h->signed_root, h->signed_len), &place,
                               att_buf_slice(s->bytes));
    return err == ATT_OK ? err
                         : sequencer_unreadable(diag, err, index, "no receipt can be made of it");
}

enum att_err sequencer_dress(struct att_buf **out, struct sequencer *s, int64_t index,
                             struct att_slice label, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *receipt = NULL;
    enum att_err err = sequencer_receipt(&receipt, s, index, diag);

    return err == ATT_OK ? att_receipt_attach(out, label, att_buf_slice(receipt), diag) : err;
}
