/* Batch files: read, proven record by record, and cut down to single records. */
#include <string.h>

#include "base/guard.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "prov/batch_internal.h"
#include "sign/cose.h"

#define FIELD "batch"

enum key { KEY_PROFILE, KEY_STATEMENT, KEY_RECORDS, KEY_DISCLOSED };

/* --- out --- */

enum att_err att_batch_file_make(struct att_buf **out, struct att_slice statement, bool disclosed,
                                 size_t count, struct att_slice records)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    uint8_t head[128 + ATT_BATCH_STATEMENT_MAX + 256];
    struct att_wr w = att_wr_into(head, sizeof(head));
    struct att_slice done = {0};
    enum att_err err = att_buf_new(&b, ATT_BATCH_FILE_MAX);

    att_cbor_wr_map(&w, 3);
    att_cbor_wr_uint(&w, KEY_PROFILE);
    att_cbor_wr_text(&w, ATT_BATCH_PROFILE);
    att_cbor_wr_uint(&w, KEY_STATEMENT);
    att_cbor_wr_bytes(&w, statement);
    att_cbor_wr_uint(&w, disclosed ? KEY_DISCLOSED : KEY_RECORDS);
    att_cbor_wr_array(&w, count);
    if (err == ATT_OK)
        err = att_wr_done(&w, &done); /* the items of the array follow */
    if (err == ATT_OK)
        err = att_buf_add_slice(b, done);
    if (err == ATT_OK)
        err = att_buf_add_slice(b, records);
    if (err != ATT_OK)
        return err;
    *out = b;
    b = NULL;
    return ATT_OK;
}

/* --- in --- */

enum att_err att_batch_file_parse(struct att_batch_file *out, struct att_slice in,
                                  struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct att_batch_file f = {0};
    struct att_slice profile = {0};
    struct att_cbor inner;
    int64_t key = 0;
    enum att_err err = ATT_OK;

    if (in.len > ATT_BATCH_FILE_MAX)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_BATCH, FIELD,
                        "expected at most %d bytes, found %zu", ATT_BATCH_FILE_MAX, in.len);
    if (att_cbor_enter_map(&c, 3) != 3 || att_cbor_key_int(&c) != KEY_PROFILE)
        att_cbor_fail(&c, ATT_E_FORMAT);
    profile = att_cbor_text(&c, 128);
    if (att_cbor_ok(&c) && !att_slice_eq(profile, att_slice_str(ATT_BATCH_PROFILE)))
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_FMT_BATCH, FIELD, "expected the profile %s",
                        ATT_BATCH_PROFILE);
    if (att_cbor_key_int(&c) != KEY_STATEMENT)
        att_cbor_fail(&c, ATT_E_FORMAT);
    f.statement = att_cbor_bytes(&c, ATT_BATCH_STATEMENT_MAX + 1024);
    key = att_cbor_key_int(&c);
    if (key != KEY_RECORDS && key != KEY_DISCLOSED)
        att_cbor_fail(&c, ATT_E_FORMAT);
    f.disclosed = key == KEY_DISCLOSED;
    f.records = att_cbor_item(&c);
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_BATCH, FIELD, diag);
    if (err != ATT_OK)
        return err;
    inner = att_cbor_from(f.records);
    f.count = att_cbor_enter_array(&inner, ATT_BATCH_RECORDS_MAX);
    if (!att_cbor_ok(&inner) || f.count == 0)
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_BATCH, FIELD,
                        "expected an array of 1 to %d records", ATT_BATCH_RECORDS_MAX);
    *out = f;
    return ATT_OK;
}

static enum att_err read_statement(struct att_batch_statement *out, uint8_t head[ATT_HEAD_LEN],
                                   struct att_slice payload, struct att_diag *diag)
{
    enum att_err err = att_batch_statement_decode(out, payload, diag);

    if (err == ATT_OK && att_batch_head(head, payload) != ATT_OK)
        err = att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, FIELD, "hashing failed");
    return err;
}

enum att_err att_batch_peek(struct att_batch_statement *out, uint8_t kid[32],
                            const struct att_batch_file *file, struct att_diag *diag)
{
    struct att_cose m;
    enum att_err err = att_document_peek(&m, kid, &att_batch_kind, file->statement, diag);

    return err == ATT_OK ? att_batch_statement_decode(out, m.payload_untrusted, diag) : err;
}

/* --- proving --- */

struct proving {
    const struct att_batch_statement *s;
    struct att_hasher *hasher;
    struct att_merkle_edge edge;
    uint32_t next; /* the least index that the next record may have */
};

/* One record of a whole batch: its bytes are the item. */
static enum att_err add_whole(struct proving *p, struct att_slice bytes)
{
    uint8_t leaf[ATT_MERKLE_LEN];
    enum att_err err = att_merkle_leaf(leaf, p->hasher, bytes);

    return err == ATT_OK ? att_merkle_edge_add(&p->edge, p->hasher, leaf) : err;
}

static enum att_err prove_whole(struct proving *p, const struct att_batch_file *file,
                                struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(file->records);
    uint32_t count = att_cbor_enter_array(&c, ATT_BATCH_RECORDS_MAX);
    uint8_t root[ATT_MERKLE_LEN];
    enum att_err err = ATT_OK;

    for (uint32_t i = 0; err == ATT_OK && i < count && att_cbor_ok(&c); i++)
        err = add_whole(p, att_cbor_bytes(&c, ATT_SAMPLE_MAX));
    att_cbor_leave(&c);
    if (err == ATT_OK)
        err = att_cbor_end_diag(&c, ATT_R_FMT_BATCH, "records", diag);
    if (err == ATT_OK)
        err = att_merkle_edge_root(root, p->hasher, &p->edge);
    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(BATCH_ROOT, count != p->s->size || memcmp(root, p->s->root, sizeof(root)) != 0))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_PRV_DIGEST, "records",
                        "expected the %u records that batch %llu was signed over, found %u others",
                        p->s->size, (unsigned long long)p->s->number, count);
    return ATT_OK;
}

static void read_path(struct att_merkle_path *path, struct att_cbor *c)
{
    path->count = att_cbor_enter_array(c, ATT_MERKLE_PATH_MAX - 1);
    for (size_t i = 0; i < path->count && att_cbor_ok(c); i++)
        att_cbor_bytes_exact(c, path->hash[i], ATT_MERKLE_LEN);
    att_cbor_leave(c);
}

/* [index, record, path] */
static void read_disclosed(struct att_batch_record *r, struct att_merkle_path *path,
                           struct att_cbor *c)
{
    if (att_cbor_enter_array(c, 3) != 3)
        att_cbor_fail(c, ATT_E_FORMAT);
    r->index = (uint32_t)att_cbor_uint_max(c, ATT_BATCH_RECORDS_MAX);
    r->bytes = att_cbor_bytes(c, ATT_SAMPLE_MAX);
    read_path(path, c);
    att_cbor_leave(c);
}

static enum att_err prove_one(struct proving *p, struct att_batch_record *r, struct att_cbor *c,
                              struct att_diag *diag)
{
    struct att_merkle_path path = {0};
    uint8_t leaf[ATT_MERKLE_LEN];
    enum att_err err = ATT_OK;

    read_disclosed(r, &path, c);
    if (r->index < p->next)
        att_cbor_fail(c, ATT_E_FORMAT);
    if (!att_cbor_ok(c))
        return ATT_OK; /* the end of the array says so */
    p->next = r->index + 1;
    err = att_merkle_leaf(leaf, p->hasher, r->bytes);
    if (err == ATT_OK)
        err = att_merkle_verify_inclusion(p->s->root, r->index, p->s->size, leaf, &path, NULL);
    if (ATT_GUARD(BATCH_PATH, err == ATT_E_MISMATCH))
        return att_fail(diag, err, ATT_R_PRV_DIGEST, "records",
                        "expected record %u of batch %llu, found bytes that are not in its tree",
                        r->index, (unsigned long long)p->s->number);
    return err == ATT_E_MISMATCH ? ATT_OK : err;
}

static enum att_err give_disclosed(struct proving *p, const struct att_batch_file *file,
                                   att_batch_record_fn *each, void *ctx, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(file->records);
    uint32_t count = att_cbor_enter_array(&c, ATT_BATCH_RECORDS_MAX);
    struct att_batch_record r = {0};
    enum att_err err = ATT_OK;

    p->next = 0;
    for (uint32_t i = 0; err == ATT_OK && i < count && att_cbor_ok(&c); i++) {
        err = prove_one(p, &r, &c, diag);
        if (err == ATT_OK && each != NULL && att_cbor_ok(&c))
            err = each(ctx, &r, diag);
    }
    att_cbor_leave(&c);
    return err == ATT_OK ? att_cbor_end_diag(&c, ATT_R_FMT_BATCH, "records", diag) : err;
}

enum att_err att_batch_each(const struct att_batch_file *file, att_batch_record_fn *each, void *ctx,
                            struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(file->records);
    uint32_t count = att_cbor_enter_array(&c, ATT_BATCH_RECORDS_MAX);
    struct att_batch_record r = {0};
    struct att_merkle_path path;
    enum att_err err = ATT_OK;

    for (uint32_t i = 0; i < count; i++) {
        r.index = i;
        if (file->disclosed)
            read_disclosed(&r, &path, &c);
        else
            r.bytes = att_cbor_bytes(&c, ATT_SAMPLE_MAX);
        if (!att_cbor_ok(&c))
            break;
        err = each(ctx, &r, diag);
        if (err != ATT_OK)
            return err; /* what is left over says nothing then */
    }
    att_cbor_leave(&c);
    return att_cbor_end_diag(&c, ATT_R_FMT_BATCH, "records", diag);
}

static enum att_err verify_records(const struct att_batch_statement *s,
                                   const struct att_batch_file *file, att_batch_record_fn *each,
                                   void *ctx, struct att_diag *diag)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *hasher = NULL;
    struct proving p = {.s = s};
    enum att_err err = att_hasher_new(&hasher);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, FIELD, "hashing failed");
    p.hasher = hasher;
    /* Twice over disclosed records: none is given out before all of them are proven. */
    err =
        file->disclosed ? give_disclosed(&p, file, NULL, NULL, diag) : prove_whole(&p, file, diag);
    if (err != ATT_OK || each == NULL)
        return err;
    return file->disclosed ? give_disclosed(&p, file, each, ctx, diag)
                           : att_batch_each(file, each, ctx, diag);
}

enum att_err att_batch_verify(struct att_batch_statement *out, uint8_t head[ATT_HEAD_LEN],
                              const struct att_batch_file *file, const struct att_pubkey *key,
                              att_batch_record_fn *each, void *ctx, struct att_diag *diag)
{
    ATT_CLEANUP(att_cose_verified_freep) struct att_cose_verified *v = NULL;
    struct att_batch_statement s;
    uint8_t of_this[ATT_HEAD_LEN], kid[32];
    struct att_cose m;
    struct att_diag why = {0};
    enum att_err err = att_document_peek(&m, kid, &att_batch_kind, file->statement, diag);

    if (err != ATT_OK)
        return err;
    err = att_cose_verify(&v, &m, key, att_slice_str(ATT_BATCH_PURPOSE), &why);
    if (err == ATT_E_SIGNATURE || err == ATT_E_MISMATCH || err == ATT_E_UNSUPPORTED)
        return att_fail(diag, ATT_E_SIGNATURE, ATT_R_PRV_SIGNATURE, FIELD,
                        "expected a signature of the data key that the label names");
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, FIELD, "%s", why.text);
    err = read_statement(&s, of_this, att_cose_payload(v), diag);
    if (err == ATT_OK)
        err = verify_records(&s, file, each, ctx, diag);
    if (err != ATT_OK)
        return err;
    memcpy(head, of_this, ATT_HEAD_LEN);
    *out = s;
    return ATT_OK;
}
