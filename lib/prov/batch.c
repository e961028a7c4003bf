/* Collecting samples, and closing them into a signed file. */
#include "prov/batch.h"

#include <stdlib.h>
#include <string.h>

#include "codec/cbor_wr.h"
#include "prov/batch_internal.h"

#define ITEM_HEAD 9 /* most bytes in front of a byte string */

struct att_batch {
    size_t at_most;
    uint32_t count;
    struct att_buf *records; /* items of the array */
    struct att_merkle_edge edge;
    struct att_hasher *hasher;
    size_t channel_count;
    struct {
        char id[ATT_PROV_ID];
        uint64_t first, last;
    } channel[ATT_SPEC_CHANNELS_MAX]; /* in order of id */
};

enum att_err att_batch_new(struct att_batch **out, size_t at_most)
{
    ATT_CLEANUP(att_batch_freep) struct att_batch *b = NULL;
    enum att_err err = ATT_OK;

    if (at_most == 0 || at_most > ATT_BATCH_RECORDS_MAX)
        return ATT_E_LIMIT;
    b = calloc(1, sizeof(*b));
    if (b == NULL)
        return ATT_E_NOMEM;
    b->at_most = at_most;
    err = att_buf_new(&b->records, ATT_BATCH_FILE_MAX - ATT_BATCH_STATEMENT_MAX - 1024);
    if (err == ATT_OK)
        err = att_hasher_new(&b->hasher);
    if (err != ATT_OK)
        return err;
    *out = b;
    b = NULL;
    return ATT_OK;
}

void att_batch_free(struct att_batch *b)
{
    if (b == NULL)
        return;
    att_buf_free(b->records);
    att_hasher_free(b->hasher);
    free(b);
}

void att_batch_freep(struct att_batch **b)
{
    att_batch_free(*b);
    *b = NULL;
}

size_t att_batch_count(const struct att_batch *b)
{
    return b->count;
}

/* --- channels --- */

/* The place of this id, or where it belongs; *found says which. */
static size_t find_channel(const struct att_batch *b, struct att_slice id, bool *found)
{
    size_t i = 0;

    *found = false;
    for (; i < b->channel_count; i++) {
        size_t len = strlen(b->channel[i].id);
        int order = memcmp(b->channel[i].id, id.p, len < id.len ? len : id.len);

        *found = order == 0 && len == id.len;
        if (*found || order > 0 || (order == 0 && len > id.len))
            return i;
    }
    return i;
}

static enum att_err may_take(const struct att_batch *b, const struct att_sample *s, size_t *place,
                             bool *found)
{
    if (b->count >= b->at_most)
        return ATT_E_BUSY;
    if (s->channel.len == 0 || s->channel.len >= ATT_PROV_ID)
        return ATT_E_LIMIT;
    *place = find_channel(b, s->channel, found);
    if (*found)
        return s->sequence > b->channel[*place].last ? ATT_OK : ATT_E_CONFLICT;
    return b->channel_count < ATT_SPEC_CHANNELS_MAX ? ATT_OK : ATT_E_LIMIT;
}

static void note_channel(struct att_batch *b, const struct att_sample *s, size_t place, bool found)
{
    if (!found) {
        memmove(&b->channel[place + 1], &b->channel[place],
                (b->channel_count - place) * sizeof(b->channel[0]));
        memset(&b->channel[place], 0, sizeof(b->channel[0]));
        memcpy(b->channel[place].id, s->channel.p, s->channel.len);
        b->channel[place].first = s->sequence;
        b->channel_count++;
    }
    b->channel[place].last = s->sequence;
}

/* --- samples --- */

enum att_err att_batch_add(struct att_batch *b, const struct att_sample *s)
{
    uint8_t bytes[ATT_SAMPLE_MAX];
    uint8_t leaf[ATT_MERKLE_LEN];
    size_t len = 0;
    size_t place = 0;
    bool found = false;
    uint8_t *room = NULL;
    struct att_wr w;
    enum att_err err = may_take(b, s, &place, &found);

    if (err == ATT_OK)
        err = att_sample_encode(bytes, sizeof(bytes), &len, s);
    if (err == ATT_OK)
        err = att_buf_room(b->records, len + ITEM_HEAD, &room);
    if (err == ATT_OK)
        err = att_merkle_leaf(leaf, b->hasher, att_slice_of(bytes, len));
    if (err == ATT_OK)
        err = att_merkle_edge_add(&b->edge, b->hasher, leaf);
    if (err != ATT_OK)
        return err == ATT_E_LIMIT && b->count > 0 && len > 0 ? ATT_E_BUSY : err;
    w = att_wr_into(room, len + ITEM_HEAD);
    att_cbor_wr_bytes(&w, att_slice_of(bytes, len));
    att_buf_commit(b->records, w.len);
    note_channel(b, s, place, found);
    b->count++;
    return ATT_OK;
}

/* --- closing --- */

static enum att_err fill_in(struct att_batch_statement *s, const struct att_batch *b)
{
    s->size = b->count;
    s->channel_count = b->channel_count;
    for (size_t i = 0; i < b->channel_count; i++)
        s->channel[i] = (struct att_batch_channel){att_slice_str(b->channel[i].id),
                                                   b->channel[i].first, b->channel[i].last};
    return att_merkle_edge_root(s->root, b->hasher, &b->edge);
}

static void empty(struct att_batch *b)
{
    att_buf_clear(b->records);
    memset(&b->edge, 0, sizeof(b->edge));
    memset(b->channel, 0, sizeof(b->channel));
    b->channel_count = 0;
    b->count = 0;
}

enum att_err att_batch_close(struct att_buf **out, uint8_t head[ATT_HEAD_LEN], struct att_batch *b,
                             const struct att_batch_statement *draft,
                             const struct att_signer *signer, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *payload = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *statement = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_batch_statement s = *draft;
    uint8_t of_this[ATT_HEAD_LEN];
    enum att_err err = b->count > 0 ? fill_in(&s, b) : ATT_E_NOT_FOUND;

    if (err == ATT_OK)
        err = att_batch_statement_encode(&payload, &s);
    if (err == ATT_OK)
        err = att_batch_head(of_this, att_buf_slice(payload));
    if (err == ATT_OK)
        err = att_document_sign(&statement, &att_batch_kind, att_buf_slice(payload), signer);
    if (err == ATT_OK)
        err = att_batch_file_make(&file, att_buf_slice(statement), false, b->count,
                                  att_buf_slice(b->records));
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_PRV_SIGNATURE, "batch",
                        "expected to close a batch of %u samples: %s", b->count, att_err_name(err));
    memcpy(head, of_this, ATT_HEAD_LEN);
    empty(b);
    *out = file;
    file = NULL;
    return ATT_OK;
}
