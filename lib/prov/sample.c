/* Samples as bytes. */
#include "prov/sample.h"

#include <string.h>

#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "prov/decimal_cbor.h"

#define FIELD  "sample"
#define STATES (ATT_CHECKS / 4)

enum key {
    KEY_CHANNEL = 1,
    KEY_SEQUENCE,
    KEY_TIME,
    KEY_FRAME,
    KEY_VALUE,
    KEY_UNIT,
    KEY_SPEC,
    KEY_CHECKS,
    KEY_SECOND,
    KEY_STIMULUS,
    KEY_IDENTITY,
};
#define KEYS_ALWAYS 8

const char *const att_check_words[ATT_CHECK__COUNT] = {"not-run", "pass", "fail", "not-applicable"};

/* --- out --- */

static void write_value(struct att_wr *w, const struct att_sample *s)
{
    att_cbor_wr_uint(w, KEY_VALUE);
    if (!s->has_value) {
        att_cbor_wr_null(w);
        return;
    }
    att_decimal_write(w, s->value);
}

/* Two bits each, the first check in the highest bits of the first byte. */
static void write_checks(struct att_wr *w, const uint8_t check[ATT_CHECKS])
{
    uint8_t packed[STATES] = {0};

    for (size_t i = 0; i < ATT_CHECKS; i++)
        packed[i / 4] = (uint8_t)(packed[i / 4] << 2 | (check[i] & 3));
    att_cbor_wr_uint(w, KEY_CHECKS);
    att_cbor_wr_bytes(w, att_slice_of(packed, sizeof(packed)));
}

static void write_optional(struct att_wr *w, const struct att_sample *s)
{
    if (s->second.len > 0) {
        att_cbor_wr_uint(w, KEY_SECOND);
        att_cbor_wr_bytes(w, s->second);
    }
    if (s->stimulus.len > 0) {
        att_cbor_wr_uint(w, KEY_STIMULUS);
        att_cbor_wr_bytes(w, s->stimulus);
    }
    if (s->identity.len > 0) {
        att_cbor_wr_uint(w, KEY_IDENTITY);
        att_cbor_wr_text_slice(w, s->identity);
    }
}

static size_t optional_count(const struct att_sample *s)
{
    return (s->second.len > 0 ? 1U : 0U) + (s->stimulus.len > 0 ? 1U : 0U) +
           (s->identity.len > 0 ? 1U : 0U);
}

static bool sizes_ok(const struct att_sample *s)
{
    return s->channel.len > 0 && s->channel.len < ATT_PROV_ID && s->frame.len <= ATT_FRAME_MAX &&
           s->second.len <= ATT_FRAME_MAX && s->stimulus.len <= ATT_FRAME_MAX &&
           s->identity.len < ATT_PROV_NAME && s->unit.len < ATT_PROV_ID && s->sequence > 0 &&
           s->from_ms <= s->until_ms && (!s->has_value || att_decimal_ok(s->value));
}

enum att_err att_sample_encode(uint8_t *out, size_t cap, size_t *len, const struct att_sample *s)
{
    struct att_wr w = att_wr_into(out, cap < ATT_SAMPLE_MAX ? cap : ATT_SAMPLE_MAX);
    struct att_slice done = {0};
    enum att_err err = ATT_OK;

    if (!sizes_ok(s))
        return ATT_E_LIMIT;
    att_cbor_wr_map(&w, KEYS_ALWAYS + optional_count(s));
    att_cbor_wr_uint(&w, KEY_CHANNEL);
    att_cbor_wr_text_slice(&w, s->channel);
    att_cbor_wr_uint(&w, KEY_SEQUENCE);
    att_cbor_wr_uint(&w, s->sequence);
    att_cbor_wr_uint(&w, KEY_TIME);
    att_cbor_wr_array(&w, 2);
    att_cbor_wr_uint(&w, s->from_ms);
    att_cbor_wr_uint(&w, s->until_ms);
    att_cbor_wr_uint(&w, KEY_FRAME);
    att_cbor_wr_bytes(&w, s->frame);
    write_value(&w, s);
    att_cbor_wr_uint(&w, KEY_UNIT);
    att_cbor_wr_text_slice(&w, s->unit);
    att_cbor_wr_uint(&w, KEY_SPEC);
    att_cbor_wr_bytes(&w, att_slice_of(s->spec, sizeof(s->spec)));
    write_checks(&w, s->check);
    write_optional(&w, s);
    err = att_cbor_wr_done(&w, &done);
    if (err == ATT_OK)
        *len = done.len;
    return err;
}

/* --- in --- */

static void read_time(struct att_sample *s, struct att_cbor *c)
{
    if (att_cbor_enter_array(c, 2) != 2)
        att_cbor_fail(c, ATT_E_FORMAT);
    s->from_ms = att_cbor_uint(c);
    s->until_ms = att_cbor_uint(c);
    att_cbor_leave(c);
    if (s->from_ms > s->until_ms)
        att_cbor_fail(c, ATT_E_FORMAT);
}

static void read_value(struct att_sample *s, struct att_cbor *c)
{
    if (att_cbor_peek(c) == ATT_CBOR_NULL) {
        att_cbor_null(c);
        return;
    }
    s->value = att_decimal_read(c);
    s->has_value = att_cbor_ok(c);
}

static void read_checks(struct att_sample *s, struct att_cbor *c)
{
    uint8_t packed[STATES];

    att_cbor_bytes_exact(c, packed, sizeof(packed));
    for (size_t i = 0; i < ATT_CHECKS; i++)
        s->check[i] = packed[i / 4] >> (6 - 2 * (i % 4)) & 3;
}

/* A member that may be left out is there with something in it. */
static struct att_slice not_empty(struct att_cbor *c, struct att_slice v)
{
    if (v.len == 0)
        att_cbor_fail(c, ATT_E_FORMAT);
    return v;
}

static void read_member(struct att_sample *s, struct att_cbor *c, int64_t key)
{
    switch (key) {
    case KEY_CHANNEL:
        s->channel = not_empty(c, att_cbor_text(c, ATT_PROV_ID - 1));
        return;
    case KEY_SEQUENCE:
        s->sequence = att_cbor_uint(c);
        if (s->sequence == 0)
            att_cbor_fail(c, ATT_E_FORMAT);
        return;
    case KEY_TIME:
        read_time(s, c);
        return;
    case KEY_FRAME:
        s->frame = att_cbor_bytes(c, ATT_FRAME_MAX);
        return;
    case KEY_VALUE:
        read_value(s, c);
        return;
    case KEY_UNIT:
        s->unit = att_cbor_text(c, ATT_PROV_ID - 1);
        return;
    case KEY_SPEC:
        att_cbor_bytes_exact(c, s->spec, sizeof(s->spec));
        return;
    case KEY_CHECKS:
        read_checks(s, c);
        return;
    case KEY_SECOND:
        s->second = not_empty(c, att_cbor_bytes(c, ATT_FRAME_MAX));
        return;
    case KEY_STIMULUS:
        s->stimulus = not_empty(c, att_cbor_bytes(c, ATT_FRAME_MAX));
        return;
    case KEY_IDENTITY:
        s->identity = not_empty(c, att_cbor_text(c, ATT_PROV_NAME - 1));
        return;
    default:
        att_cbor_fail(c, ATT_E_FORMAT);
    }
}

enum att_err att_sample_decode(struct att_sample *out, struct att_slice in, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct att_sample s = {0};
    uint32_t count = att_cbor_enter_map(&c, KEY_IDENTITY);
    enum att_err err = ATT_OK;

    /* Keys rise, so the first eight are there when none of them is another one. */
    for (uint32_t i = 0; i < count && att_cbor_ok(&c); i++) {
        int64_t key = att_cbor_key_int(&c);

        if (i < KEYS_ALWAYS && key != (int64_t)i + 1)
            att_cbor_fail(&c, ATT_E_FORMAT);
        read_member(&s, &c, key);
    }
    if (count < KEYS_ALWAYS)
        att_cbor_fail(&c, ATT_E_FORMAT);
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_SAMPLE, FIELD, diag);
    if (err == ATT_OK)
        *out = s;
    return err;
}
