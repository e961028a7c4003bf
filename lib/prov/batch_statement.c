/* The signed part of a batch as bytes. */
#include <string.h>

#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "prov/batch_internal.h"

#define FIELD "batch"

enum key {
    KEY_DEVICE = 1,
    KEY_NUMBER,
    KEY_PREVIOUS,
    KEY_ROOT,
    KEY_SIZE,
    KEY_SPEC,
    KEY_LABEL,
    KEY_CLOCK,
    KEY_UTC,
    KEY_CHANNELS,
};
#define KEYS 10

const struct att_document_kind att_batch_kind = {.what = FIELD,
                                                 .content_type = ATT_BATCH_CONTENT_TYPE,
                                                 .purpose = ATT_BATCH_PURPOSE,
                                                 .folder = "",
                                                 .reason = ATT_R_PRV_SIGNATURE};

static void write_hash(struct att_wr *w, enum key key, const uint8_t hash[32])
{
    att_cbor_wr_uint(w, key);
    att_cbor_wr_bytes(w, att_slice_of(hash, 32));
}

static void write_number(struct att_wr *w, enum key key, uint64_t v)
{
    att_cbor_wr_uint(w, key);
    att_cbor_wr_uint(w, v);
}

static void write_channels(struct att_wr *w, const struct att_batch_statement *s)
{
    att_cbor_wr_uint(w, KEY_CHANNELS);
    att_cbor_wr_array(w, s->channel_count);
    for (size_t i = 0; i < s->channel_count; i++) {
        att_cbor_wr_array(w, 3);
        att_cbor_wr_text_slice(w, s->channel[i].id);
        att_cbor_wr_uint(w, s->channel[i].first);
        att_cbor_wr_uint(w, s->channel[i].last);
    }
}

enum att_err att_batch_statement_encode(struct att_buf **out, const struct att_batch_statement *s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct att_batch_statement again;
    struct att_slice done = {0};
    uint8_t *room = NULL;
    struct att_wr w;
    enum att_err err = att_buf_new(&b, ATT_BATCH_STATEMENT_MAX);

    if (err == ATT_OK)
        err = att_buf_room(b, ATT_BATCH_STATEMENT_MAX, &room);
    if (err != ATT_OK)
        return err;
    w = att_wr_into(room, ATT_BATCH_STATEMENT_MAX);
    att_cbor_wr_map(&w, KEYS);
    att_cbor_wr_uint(&w, KEY_DEVICE);
    att_cbor_wr_text_slice(&w, s->device);
    write_number(&w, KEY_NUMBER, s->number);
    write_hash(&w, KEY_PREVIOUS, s->previous);
    write_hash(&w, KEY_ROOT, s->root);
    write_number(&w, KEY_SIZE, s->size);
    write_hash(&w, KEY_SPEC, s->spec);
    write_hash(&w, KEY_LABEL, s->label);
    write_number(&w, KEY_CLOCK, s->clock_ms);
    write_number(&w, KEY_UTC, (uint64_t)s->utc_s);
    write_channels(&w, s);
    err = att_cbor_wr_done(&w, &done);
    if (err == ATT_OK && att_batch_statement_decode(&again, done, NULL) != ATT_OK)
        err = ATT_E_INTERNAL;
    if (err != ATT_OK)
        return err;
    att_buf_commit(b, done.len);
    *out = b;
    b = NULL;
    return ATT_OK;
}

enum att_err att_batch_head(uint8_t out[ATT_HEAD_LEN], struct att_slice payload)
{
    return att_sha256(payload, out);
}

/* --- in --- */

static bool before(struct att_slice a, struct att_slice b)
{
    int order = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);

    return order < 0 || (order == 0 && a.len < b.len);
}

static void read_channel(struct att_batch_channel *out, struct att_cbor *c)
{
    if (att_cbor_enter_array(c, 3) != 3)
        att_cbor_fail(c, ATT_E_FORMAT);
    out->id = att_cbor_text(c, ATT_PROV_ID - 1);
    out->first = att_cbor_uint(c);
    out->last = att_cbor_uint(c);
    att_cbor_leave(c);
    if (out->id.len == 0 || out->first == 0 || out->first > out->last)
        att_cbor_fail(c, ATT_E_FORMAT);
}

static void read_channels(struct att_batch_statement *s, struct att_cbor *c)
{
    s->channel_count = att_cbor_enter_array(c, ATT_SPEC_CHANNELS_MAX);
    for (size_t i = 0; i < s->channel_count && att_cbor_ok(c); i++) {
        read_channel(&s->channel[i], c);
        if (att_cbor_ok(c) && i > 0 && !before(s->channel[i - 1].id, s->channel[i].id))
            att_cbor_fail(c, ATT_E_FORMAT);
    }
    att_cbor_leave(c);
}

static void read_hash(struct att_cbor *c, enum key key, uint8_t out[32])
{
    att_cbor_key_is(c, key);
    att_cbor_bytes_exact(c, out, 32);
}

static uint64_t read_number(struct att_cbor *c, enum key key, uint64_t most)
{
    att_cbor_key_is(c, key);
    return att_cbor_uint_max(c, most);
}

enum att_err att_batch_statement_decode(struct att_batch_statement *out, struct att_slice in,
                                        struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct att_batch_statement s = {0};
    enum att_err err = ATT_OK;

    if (att_cbor_enter_map(&c, KEYS) != KEYS)
        att_cbor_fail(&c, ATT_E_FORMAT);
    att_cbor_key_is(&c, KEY_DEVICE);
    s.device = att_cbor_text(&c, ATT_BATCH_DEVICE_MAX);
    s.number = read_number(&c, KEY_NUMBER, INT64_MAX);
    read_hash(&c, KEY_PREVIOUS, s.previous);
    read_hash(&c, KEY_ROOT, s.root);
    s.size = (uint32_t)read_number(&c, KEY_SIZE, ATT_BATCH_RECORDS_MAX);
    read_hash(&c, KEY_SPEC, s.spec);
    read_hash(&c, KEY_LABEL, s.label);
    s.clock_ms = read_number(&c, KEY_CLOCK, INT64_MAX);
    s.utc_s = (int64_t)read_number(&c, KEY_UTC, INT64_MAX);
    att_cbor_key_is(&c, KEY_CHANNELS);
    read_channels(&s, &c);
    att_cbor_leave(&c);
    if (s.device.len == 0 || s.number == 0 || s.size == 0)
        att_cbor_fail(&c, ATT_E_FORMAT);
    err = att_cbor_end_diag(&c, ATT_R_FMT_BATCH, FIELD, diag);
    if (err == ATT_OK)
        *out = s;
    return err;
}
