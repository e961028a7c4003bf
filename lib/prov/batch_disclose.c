/* Single records out of a batch, each with the path that proves its place. */
#include <stdlib.h>
#include <string.h>

#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "prov/batch_internal.h"

#define FIELD     "batch"
#define LEVELS    17 /* of a tree over ATT_BATCH_RECORDS_MAX records */
#define ENTRY_MAX (ATT_SAMPLE_MAX + 64 + 40 * LEVELS)

/* Every full node: level 0 are the leaves, each level above has half as many. */
struct levels {
    uint8_t (*node[LEVELS])[ATT_MERKLE_LEN];
    size_t count[LEVELS];
    uint8_t (*all)[ATT_MERKLE_LEN]; /* owned */
    struct att_slice *bytes;        /* owned; the samples, borrowed from the file */
    struct att_hasher *hasher;      /* owned */
};

static void levels_free(struct levels *l)
{
    free(l->all);
    free(l->bytes);
    att_hasher_free(l->hasher);
}

static enum att_err levels_alloc(struct levels *l, size_t count)
{
    size_t used = 0;

    l->all = calloc(2 * count, sizeof(*l->all));
    l->bytes = calloc(count, sizeof(*l->bytes));
    if (l->all == NULL || l->bytes == NULL)
        return ATT_E_NOMEM;
    for (size_t i = 0; i < LEVELS; i++) {
        l->node[i] = &l->all[used];
        l->count[i] = count >> i;
        used += l->count[i];
    }
    return att_hasher_new(&l->hasher);
}

static enum att_err levels_fill(struct levels *l, struct att_cbor *c)
{
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && i < l->count[0] && att_cbor_ok(c); i++) {
        l->bytes[i] = att_cbor_bytes(c, ATT_SAMPLE_MAX);
        err = att_merkle_leaf(l->node[0][i], l->hasher, l->bytes[i]);
    }
    for (size_t up = 1; err == ATT_OK && up < LEVELS; up++)
        for (size_t i = 0; err == ATT_OK && i < l->count[up]; i++)
            err = att_merkle_node(l->node[up][i], l->hasher, l->node[up - 1][2 * i],
                                  l->node[up - 1][2 * i + 1]);
    return err;
}

static enum att_err node(void *ctx, unsigned int level, uint64_t index, uint8_t out[ATT_MERKLE_LEN])
{
    const struct levels *l = ctx;

    if (level >= LEVELS || index >= l->count[level])
        return ATT_E_INTERNAL;
    memcpy(out, l->node[level][index], ATT_MERKLE_LEN);
    return ATT_OK;
}

static enum att_err add_entry(struct att_buf *b, struct levels *l, uint32_t index)
{
    struct att_merkle_nodes nodes = {.node = node, .ctx = l, .hasher = l->hasher};
    struct att_merkle_path path;
    uint8_t *room = NULL;
    struct att_wr w;
    struct att_slice done = {0};
    enum att_err err = att_merkle_prove_inclusion(&path, &nodes, index, l->count[0]);

    if (err == ATT_OK)
        err = att_buf_room(b, ENTRY_MAX, &room);
    if (err != ATT_OK)
        return err;
    w = att_wr_into(room, ENTRY_MAX);
    att_cbor_wr_array(&w, 3);
    att_cbor_wr_uint(&w, index);
    att_cbor_wr_bytes(&w, l->bytes[index]);
    att_cbor_wr_array(&w, path.count);
    for (size_t i = 0; i < path.count; i++)
        att_cbor_wr_bytes(&w, att_slice_of(path.hash[i], ATT_MERKLE_LEN));
    err = att_cbor_wr_done(&w, &done);
    if (err == ATT_OK)
        att_buf_commit(b, done.len);
    return err;
}

static enum att_err disclose(struct att_buf **out, struct levels *l,
                             const struct att_batch_file *file, const uint32_t *index, size_t count)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *records = NULL;
    struct att_cbor c = att_cbor_from(file->records);
    enum att_err err = levels_alloc(l, att_cbor_enter_array(&c, ATT_BATCH_RECORDS_MAX));

    if (err == ATT_OK)
        err = levels_fill(l, &c);
    if (err == ATT_OK && !att_cbor_ok(&c))
        err = ATT_E_FORMAT;
    if (err == ATT_OK)
        err = att_buf_new(&records, ATT_BATCH_FILE_MAX);
    for (size_t i = 0; err == ATT_OK && i < count; i++)
        err = add_entry(records, l, index[i]);
    return err == ATT_OK
               ? att_batch_file_make(out, file->statement, true, count, att_buf_slice(records))
               : err;
}

enum att_err att_batch_disclose(struct att_buf **out, const struct att_batch_file *file,
                                const uint32_t *index, size_t count, struct att_diag *diag)
{
    struct levels l = {0};
    enum att_err err = ATT_OK;

    if (file->disclosed)
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_FMT_BATCH, FIELD,
                        "expected a whole batch, found one of single records");
    for (size_t i = 0; i < count; i++)
        if (index[i] >= file->count || (i > 0 && index[i] <= index[i - 1]))
            return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_BATCH, FIELD,
                            "expected records of 0 to %u, rising, found %u", file->count - 1,
                            index[i]);
    if (count == 0)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_BATCH, FIELD, "expected a record to disclose");
    err = disclose(out, &l, file, index, count);
    levels_free(&l);
    return err == ATT_OK ? err
                         : att_fail(diag, err, ATT_R_FMT_BATCH, FIELD, "cannot be cut down: %s",
                                    att_err_name(err));
}
