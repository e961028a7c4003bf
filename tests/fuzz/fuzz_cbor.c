/*
 * Whatever the reader accepts, walked item by item and written again, gives the same bytes. Whatever is asked for
 * first, at whatever place: a reader that has refused once gives nothing more, and says why.
 */
#include "cbor_mutate.h"
#include <string.h>

#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "fuzz.h"

static void copy_key(struct att_cbor *c, struct att_wr *w)
{
    struct att_cbor_key key = att_cbor_key(c);

    if (key.is_int) {
        att_cbor_wr_int(w, key.num);
    } else {
        att_cbor_wr_text_slice(w, key.text);
    }
}

/* Integers below int64 have no getter: those are copied as they are. */
static void copy_negative(struct att_cbor *c, struct att_wr *w)
{
    struct att_cbor before = *c;
    int64_t v = att_cbor_int(c);

    if (c->rd.err == ATT_E_LIMIT) {
        *c = before;
        att_cbor_wr_raw(w, att_cbor_item(c));
        return;
    }
    att_cbor_wr_int(w, v);
}

static void copy_one(struct att_cbor *c, struct att_wr *w)
{
    switch (att_cbor_peek(c)) {
    case ATT_CBOR_UINT:
        att_cbor_wr_uint(w, att_cbor_uint(c));
        break;
    case ATT_CBOR_NINT:
        copy_negative(c, w);
        break;
    case ATT_CBOR_BYTES:
        att_cbor_wr_bytes(w, att_cbor_bytes(c, SIZE_MAX));
        break;
    case ATT_CBOR_TEXT:
        att_cbor_wr_text_slice(w, att_cbor_text(c, SIZE_MAX));
        break;
    case ATT_CBOR_ARRAY:
        att_cbor_wr_array(w, att_cbor_enter_array(c, UINT32_MAX));
        break;
    case ATT_CBOR_MAP:
        att_cbor_wr_map(w, att_cbor_enter_map(c, UINT32_MAX));
        break;
    case ATT_CBOR_TAG:
        att_cbor_wr_tag(w, att_cbor_tag(c));
        break;
    case ATT_CBOR_BOOL:
        att_cbor_wr_bool(w, att_cbor_bool(c));
        break;
    case ATT_CBOR_NULL:
        att_cbor_null(c);
        att_cbor_wr_null(w);
        break;
    default:
        att_cbor_fail(c, ATT_E_TRUNCATED);
        break;
    }
}

static void copy_next(struct att_cbor *c, struct att_wr *w)
{
    const struct att_cbor_level *top = c->depth == 0 ? NULL : &c->level[c->depth - 1];

    if (top != NULL && top->left == 0) {
        att_cbor_leave(c);
    } else if (top != NULL && top->map && top->left % 2 == 0) {
        copy_key(c, w);
    } else {
        copy_one(c, w);
    }
}

static void copy_item(struct att_cbor *c, struct att_wr *w)
{
    do {
        copy_next(c, w);
    } while (att_cbor_ok(c) && (c->depth > 0 || c->tags > 0));
}

#define QUESTIONS 16
#define PLACES    8 /* items in front of the question, at most */

/* The key that is there is the one expected; another one is refused. */
static void ask_key(struct att_cbor *c)
{
    struct att_cbor same = *c;
    struct att_cbor other = *c;
    int64_t key = att_cbor_key_int(c);

    att_cbor_key_is(&same, key);
    HOLDS(att_cbor_ok(&same) == att_cbor_ok(c));
    att_cbor_key_is(&other, key == 0 ? 1 : 0);
    HOLDS(!att_cbor_ok(&other));
}

static void ask_content(struct att_cbor *c, unsigned int question)
{
    struct att_cbor again;
    uint8_t exact[4] = {1, 1, 1, 1};
    char text[4];

    switch (question) {
    case 0:
        HOLDS(att_cbor_uint_max(c, 10) <= 10);
        break;
    case 1:
        (void)att_cbor_int(c);
        break;
    case 2:
        again = *c;
        HOLDS(att_cbor_bytes_copy(&again, exact, 3) == att_cbor_bytes(c, 3).len);
        break;
    case 3:
        HOLDS(att_cbor_text(c, 3).len <= 3);
        break;
    case 4:
        att_cbor_bytes_exact(c, exact, sizeof(exact));
        HOLDS(att_cbor_ok(c) || memcmp(exact, "\0\0\0\0", sizeof(exact)) == 0);
        break;
    case 5:
        att_cbor_text_copy(c, text, sizeof(text));
        HOLDS(strnlen(text, sizeof(text)) < sizeof(text));
        HOLDS(att_cbor_ok(c) || text[0] == '\0');
        break;
    case 6:
        HOLDS(!att_cbor_bool(c) || att_cbor_ok(c));
        break;
    default:
        att_cbor_null(c);
        break;
    }
}

static void ask(struct att_cbor *c, unsigned int question)
{
    switch (question) {
    case 8:
        (void)att_cbor_tag(c);
        break;
    case 9:
        HOLDS(att_cbor_enter_array(c, 3) <= 3);
        break;
    case 10:
        HOLDS(att_cbor_enter_map(c, 3) <= 3);
        break;
    case 11:
        att_cbor_leave(c);
        break;
    case 12:
        (void)att_cbor_key(c);
        break;
    case 13:
        ask_key(c);
        break;
    case 14:
        (void)att_cbor_item(c);
        break;
    case 15:
        (void)att_cbor_peek(c);
        break;
    default:
        ask_content(c, question);
        break;
    }
}

static void stays_refused(struct att_cbor *c)
{
    struct att_diag diag = {0};
    enum att_err err = att_cbor_end(c);

    for (unsigned int q = 0; q < QUESTIONS; q++) {
        ask(c, q);
    }
    HOLDS(att_cbor_uint(c) == 0 && att_cbor_item(c).p == NULL && !att_cbor_more(c));
    HOLDS(err != ATT_OK && att_cbor_end_diag(c, ATT_R_FMT_CBOR, "fuzz", &diag) == err);
    HOLDS(diag.reason == (err == ATT_E_INTERNAL ? ATT_R_INTERNAL : ATT_R_FMT_CBOR));
}

static void ask_anything(struct att_slice in, unsigned int question, unsigned int place)
{
    struct att_wr nowhere = att_wr_into(NULL, 0);
    struct att_cbor c = place % 2 == 0 ? att_cbor_from(in) : att_cbor_from_any_order(in);

    for (unsigned int i = 0; i < place && att_cbor_ok(&c); i++) {
        copy_next(&c, &nowhere);
    }
    ask(&c, question);
    if (!att_cbor_ok(&c)) {
        stays_refused(&c);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data, size);
    enum att_err err = att_cbor_check(in, NULL);
    struct att_cbor c = att_cbor_from(in);
    uint8_t *room = malloc(size + 16);
    struct att_wr w = att_wr_into(room, size + 16);
    struct att_slice out;

    HOLDS(room != NULL);
    copy_item(&c, &w);
    HOLDS(att_cbor_end(&c) == err);
    if (err == ATT_OK) {
        HOLDS(att_cbor_wr_done(&w, &out) == ATT_OK);
        HOLDS(att_slice_eq(out, in));
    }
    free(room);
    for (unsigned int place = 0; place < PLACES; place++) {
        ask_anything(in, (unsigned int)size % QUESTIONS, place);
    }
    return 0;
}

FUZZ_MUTATES_CBOR(0)
