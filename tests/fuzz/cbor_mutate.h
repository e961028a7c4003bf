/*
 * Mutations of CBOR that leave it well-formed: one item is dropped, doubled, replaced or changed inside, also
 * in strings that hold CBOR themselves, and all lengths and counts around it follow. Bytes changed blindly
 * seldom get past the first head that lies; these reach what a format says of its members.
 *
 * A target with FUZZ_MUTATES_CBOR(n) keeps its first n bytes, which choose, and mutates the rest.
 */
#ifndef ATT_TEST_CBOR_MUTATE_H
#define ATT_TEST_CBOR_MUTATE_H

#include <string.h>

#include "base/rd.h"
#include "base/wr.h"
#include "codec/cbor_wr.h"
#include "fuzz.h"

#define CBOR_MUTATE_DEPTH 24
#define CBOR_MUTATE_ROOM  65536

/* Of libFuzzer; absent where inputs are only replayed. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);

enum cbor_change { CBOR_KEEP, CBOR_DROP, CBOR_DOUBLE, CBOR_REPLACE, CBOR_BORROW, CBOR_INSIDE };

struct cbor_mutation {
    struct att_rd in;
    struct att_wr out;
    enum cbor_change change;
    size_t target, seen; /* the item to change, items met so far */
    size_t lender;       /* the item whose bytes stand in place of the target's */
    struct att_slice lent;
    unsigned int seed;
};

static unsigned int cbor_draw(struct cbor_mutation *m, unsigned int below)
{
    m->seed = m->seed * 1103515245U + 12345U;
    return (m->seed >> 12) % below;
}

/* Items of every type, and the numbers where lengths and types change. */
static void cbor_write_any(struct cbor_mutation *m)
{
    static const uint8_t OTHER[][3] = {
        {1, 0x40},       {1, 0x60},       {1, 0x80},       {1, 0xa0},       {1, 0xf4},
        {1, 0xf5},       {1, 0xf6},       {1, 0xf7},       {1, 0xe0},       {1, 0x20},
        {2, 0x41, 0x00}, {2, 0x61, 0x41}, {2, 0x81, 0x00}, {2, 0xc1, 0x00}, {2, 0x61, 0x00}};
    static const uint64_t NUMBER[] = {
        0,         1,         2,     3,     4,          5,          23, 24,
        255,       256,       65535, 65536, 0x7fffffff, 0xffffffff, 12, UINT64_C(1) << 32,
        INT64_MAX, UINT64_MAX};
    const uint8_t *other = OTHER[cbor_draw(m, ATT_COUNT(OTHER))];

    switch (cbor_draw(m, 4)) {
    case 0:
        att_wr_bytes(&m->out, other + 1, other[0]);
        return;
    case 1:
        att_cbor_wr_int(&m->out, -1 - (int64_t)cbor_draw(m, 300));
        return;
    case 2:
        att_cbor_wr_uint(&m->out, cbor_draw(m, 300));
        return;
    default:
        att_cbor_wr_uint(&m->out, NUMBER[cbor_draw(m, ATT_COUNT(NUMBER))]);
        return;
    }
}

static void cbor_write_head(struct att_wr *w, uint8_t major, uint64_t value)
{
    size_t at = w->len;

    att_cbor_wr_uint(w, value);
    if (att_wr_ok(w)) {
        w->p[at] = (uint8_t)(w->p[at] | major << 5);
    }
}

static uint64_t cbor_read_head(struct att_rd *r, uint8_t *major, uint8_t *info)
{
    uint8_t first = att_rd_u8(r);

    *major = first >> 5;
    *info = first & 31;
    switch (*info) {
    case 24:
        return att_rd_u8(r);
    case 25:
        return att_rd_u16be(r);
    case 26:
        return att_rd_u32be(r);
    case 27:
        return att_rd_u64be(r);
    default:
        if (*info > 23) {
            att_rd_fail(r, ATT_E_FORMAT);
        }
        return *info;
    }
}

static void cbor_mutate_item(struct cbor_mutation *m, unsigned int depth);

/* A string, sometimes of another length or with other bytes. */
static void cbor_write_string(struct cbor_mutation *m, uint8_t major, struct att_slice s)
{
    static const uint16_t LENGTH[] = {0, 1, 31, 32, 33, 64, 65, 128, 255, 1024, 4096};
    static uint8_t room[CBOR_MUTATE_ROOM];
    size_t len = s.len < sizeof(room) ? s.len : sizeof(room);

    if (len > 0) {
        memcpy(room, s.p, len);
    }
    if (cbor_draw(m, 2) == 0) {
        size_t other = LENGTH[cbor_draw(m, ATT_COUNT(LENGTH))];

        if (other > len) {
            memset(room + len, 'x', other - len);
        }
        len = other;
    } else {
        len = LLVMFuzzerMutate(room, len, len + 8 < sizeof(room) ? len + 8 : sizeof(room));
    }
    cbor_write_head(&m->out, major, len);
    att_wr_bytes(&m->out, room, len);
}

/* What stands behind a head whose length or count is known only when it is written. */
static void cbor_put_head_before(struct att_wr *w, size_t at, uint8_t major, uint64_t value)
{
    uint8_t room[9];
    struct att_wr head = att_wr_into(room, sizeof(room));
    size_t len = w->len - at;

    cbor_write_head(&head, major, value);
    att_wr_zeros(w, head.len);
    if (att_wr_ok(w)) {
        memmove(w->p + at + head.len, w->p + at, len);
        memcpy(w->p + at, room, head.len);
    }
}

/* One element of a list, or one pair of a map. */
static void cbor_mutate_pair(struct cbor_mutation *m, uint8_t major, unsigned int depth)
{
    cbor_mutate_item(m, depth);
    if (major == 5) {
        cbor_mutate_item(m, depth);
    }
}

static void cbor_mutate_children(struct cbor_mutation *m, uint8_t major, uint64_t count,
                                 unsigned int depth)
{
    size_t start = m->out.len;
    uint64_t written = 0;

    for (uint64_t i = 0; i < count && att_rd_ok(&m->in) && att_wr_ok(&m->out); i++) {
        size_t at = m->out.len;
        bool mine = m->seen == m->target;

        cbor_mutate_pair(m, major, depth);
        if (mine && m->change == CBOR_DROP) {
            m->out.len = at;
            continue;
        }
        if (mine && m->change == CBOR_DOUBLE && att_wr_ok(&m->out)) {
            att_wr_bytes(&m->out, m->out.p + at, m->out.len - at);
            written++;
        }
        written++;
    }
    cbor_put_head_before(&m->out, start, major, written);
}

/* CBOR in a byte string, as in COSE: lists, maps and tags, nothing behind them. */
static bool cbor_mutate_inside(struct cbor_mutation *m, struct att_slice s, unsigned int depth)
{
    struct cbor_mutation before = *m;
    size_t at = m->out.len;

    if (s.len == 0 || s.p[0] < 0x80 || s.p[0] >= 0xe0) {
        return false;
    }
    m->in = att_rd_slice(s);
    cbor_mutate_item(m, depth);
    if (!att_rd_ok(&m->in) || att_rd_left(&m->in) > 0 || !att_wr_ok(&m->out)) {
        *m = before;
        return false;
    }
    m->in = before.in;
    cbor_put_head_before(&m->out, at, 2, m->out.len - at);
    return true;
}

static void cbor_mutate_content(struct cbor_mutation *m, bool mine, unsigned int depth)
{
    uint8_t major = 0;
    uint8_t info = 0;
    size_t at = m->in.pos;
    uint64_t value = cbor_read_head(&m->in, &major, &info);

    switch (major) {
    case 2:
    case 3: {
        struct att_slice s = att_rd_bytes(&m->in, value > SIZE_MAX ? SIZE_MAX : (size_t)value);

        if (mine && m->change == CBOR_INSIDE) {
            cbor_write_string(m, major, s);
        } else if (major == 3 || !cbor_mutate_inside(m, s, depth)) {
            cbor_write_head(&m->out, major, s.len);
            att_wr_slice(&m->out, s);
        }
        return;
    }
    case 4:
    case 5:
        cbor_mutate_children(m, major, value, depth);
        return;
    case 6:
        cbor_write_head(&m->out, major, value);
        cbor_mutate_item(m, depth);
        return;
    case 7:
        att_wr_bytes(&m->out, m->in.p + at, m->in.pos - at);
        return;
    default:
        if (mine && m->change == CBOR_INSIDE) {
            value += cbor_draw(m, 2) == 0 ? 1 : UINT64_MAX;
        }
        cbor_write_head(&m->out, major, value);
        return;
    }
}

static void cbor_mutate_item(struct cbor_mutation *m, unsigned int depth)
{
    size_t number = m->seen++;
    bool mine = number == m->target;
    size_t from = m->in.pos;
    size_t at = m->out.len;

    if (depth == CBOR_MUTATE_DEPTH) {
        att_rd_fail(&m->in, ATT_E_LIMIT);
        return;
    }
    cbor_mutate_content(m, mine, depth + 1);
    if (!att_rd_ok(&m->in)) {
        return;
    }
    if (number == m->lender) {
        m->lent = att_slice_of(m->in.p + from, m->in.pos - from);
    }
    if (mine && m->change == CBOR_REPLACE) {
        m->out.len = at;
        cbor_write_any(m);
    } else if (mine && m->change == CBOR_BORROW && m->lent.p != NULL) {
        m->out.len = at;
        att_wr_slice(&m->out, m->lent);
    }
}

/* One walk over the input; false when it is no CBOR or the result has no room. */
static bool cbor_mutate_walk(struct cbor_mutation *m, struct att_slice in, struct att_wr out)
{
    m->in = att_rd_slice(in);
    m->out = out;
    m->seen = 0;
    cbor_mutate_item(m, 0);
    return att_rd_ok(&m->in) && att_rd_left(&m->in) == 0 && att_wr_ok(&m->out) && m->out.len > 0;
}

static size_t cbor_mutate(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
    static uint8_t room[CBOR_MUTATE_ROOM];
    struct att_wr out = att_wr_into(room, max < sizeof(room) ? max : sizeof(room));
    struct cbor_mutation m = {.target = SIZE_MAX, .lender = SIZE_MAX, .seed = seed};

    if (cbor_draw(&m, 4) == 0 || !cbor_mutate_walk(&m, att_slice_of(data, size), out)) {
        return LLVMFuzzerMutate(data, size, max);
    }
    m.target = cbor_draw(&m, (unsigned int)m.seen);
    m.lender = cbor_draw(&m, (unsigned int)m.seen);
    m.change = (enum cbor_change)(1 + cbor_draw(&m, CBOR_INSIDE));
    if (m.change == CBOR_BORROW) { /* the lender may come later: it is found in a walk of its own */
        size_t target = m.target;

        m.target = SIZE_MAX;
        (void)cbor_mutate_walk(&m, att_slice_of(data, size), out);
        m.target = target;
    }
    if (!cbor_mutate_walk(&m, att_slice_of(data, size), out)) {
        return LLVMFuzzerMutate(data, size, max);
    }
    memcpy(data, room, m.out.len);
    return m.out.len;
}

#define FUZZ_MUTATES_CBOR(kept)                                                                    \
    size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)      \
    {                                                                                              \
        if (size <= (kept) || seed % 16 == 0) {                                                    \
            return LLVMFuzzerMutate(data, size, max);                                              \
        }                                                                                          \
        return (kept) + cbor_mutate(data + (kept), size - (kept), max - (kept), seed);             \
    }

#endif
