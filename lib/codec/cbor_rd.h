/*
 * Strict deterministic CBOR (RFC 8949 section 4.2.1), pulled item by item from a bounded reader.
 *
 * Heads are decoded by libcbor's streaming decoder; everything it is too kind about is refused here:
 * long forms, indefinite lengths, floats, simple values other than false, true and null, duplicate or
 * unsorted keys, counts larger than the bytes left, invalid UTF-8, more than ATT_CBOR_DEPTH levels.
 * The one-byte tags 6 to 23, which libcbor 0.8 cannot decode, are read here. Nothing is allocated.
 *
 * The first failure sticks in the inner reader, as in base/rd.h; off is always that of the outermost
 * input. Map keys are integers or text; the reader checks that they rise.
 *
 * Errors of a refused input: TRUNCATED (it ends inside an item, or a count promises more than the
 * bytes left can hold), TRAILING, LIMIT (a caller's max, or the depth), FORMAT (everything else).
 * Reading past the last item of an array or map is FORMAT: no read ever crosses into the level above.
 * Reading a key as a value or a value as a key is our own mistake: INTERNAL.
 */
#ifndef ATT_CODEC_CBOR_RD_H
#define ATT_CODEC_CBOR_RD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rd.h"
#include "base/slice.h"

#define ATT_CBOR_DEPTH 16

enum att_cbor_type {
    ATT_CBOR_NONE, /* the end of the input, or a failed reader */
    ATT_CBOR_UINT,
    ATT_CBOR_NINT,
    ATT_CBOR_BYTES,
    ATT_CBOR_TEXT,
    ATT_CBOR_ARRAY,
    ATT_CBOR_MAP,
    ATT_CBOR_TAG,
    ATT_CBOR_BOOL,
    ATT_CBOR_NULL,
};

struct att_cbor_level {
    uint32_t
        left; /* items still to come; in a map each entry is two, so even means a key is next */
    bool map;
    struct att_slice key; /* the previous key's encoding; empty before the first */
};

struct att_cbor {
    struct att_rd rd;
    uint32_t depth; /* arrays and maps entered */
    uint32_t tags;  /* tags read whose content is still to come; they count as depth */
    bool
        any_order; /* keys may come in any order: who reads the map refuses the ones that come twice */
    struct att_cbor_level level[ATT_CBOR_DEPTH];
};

/* Borrows in for the life of the reader and of every slice that it gives out. */
struct att_cbor att_cbor_from(struct att_slice in);

/*
 * The same for documents of others that are never encoded again: map keys in any order. Everything else is
 * as strict. A key that stands twice is the caller's to refuse.
 */
struct att_cbor att_cbor_from_any_order(struct att_slice in);

/* The type of the next item, without consuming it. */
enum att_cbor_type att_cbor_peek(struct att_cbor *c);

uint64_t att_cbor_uint(struct att_cbor *c);                   /* major type 0 */
uint64_t att_cbor_uint_max(struct att_cbor *c, uint64_t max); /* LIMIT above max */
int64_t att_cbor_int(struct att_cbor *c); /* major type 0 or 1; LIMIT outside int64 */
bool att_cbor_bool(struct att_cbor *c);
void att_cbor_null(struct att_cbor *c);
uint64_t att_cbor_tag(struct att_cbor *c); /* the tag's number; its content follows */
struct att_slice att_cbor_bytes(struct att_cbor *c, size_t max); /* borrowed; LIMIT above max */
struct att_slice att_cbor_text(struct att_cbor *c,
                               size_t max); /* borrowed, valid UTF-8, not terminated */

/* Exactly len bytes into out; zeros on failure. */
void att_cbor_bytes_exact(struct att_cbor *c, void *out, size_t len);
size_t att_cbor_bytes_copy(struct att_cbor *c, void *out,
                           size_t cap); /* how many; LIMIT above cap */

/* Copy text into a terminated array of ours; a NUL inside is FORMAT. */
void att_cbor_text_copy(struct att_cbor *c, char *out, size_t cap);
/* The same for a word of ours, which can stand in a line of a report: FORMAT when it is empty, or not all of it is
 * printable ASCII without blanks. */
void att_cbor_word_copy(struct att_cbor *c, char *out, size_t cap);

/* Enter an array or map; the number of items or entries, LIMIT above max. Each must be left again. */
uint32_t att_cbor_enter_array(struct att_cbor *c, uint32_t max);
uint32_t att_cbor_enter_map(struct att_cbor *c, uint32_t max);
void att_cbor_leave(struct att_cbor *c); /* FORMAT when items are left over */

/* True while the entered array or map has another item or entry and nothing failed. */
bool att_cbor_more(const struct att_cbor *c);

/*
 * The next map key. Integers that fit int64 give is_int and num; text gives the slice. The order of
 * keys is checked against the previous one (FORMAT when it does not rise).
 */
struct att_cbor_key {
    bool is_int;
    int64_t num;
    struct att_slice text;
};
struct att_cbor_key att_cbor_key(struct att_cbor *c);
int64_t att_cbor_key_int(struct att_cbor *c); /* FORMAT when the key is text */
void att_cbor_key_is(struct att_cbor *c,
                     int64_t key); /* the next key; FORMAT when it is another one */

/* One whole item of any type, checked as strictly as everything else; its encoding, borrowed. */
struct att_slice att_cbor_item(struct att_cbor *c);

bool att_cbor_ok(const struct att_cbor *c);
void att_cbor_fail(struct att_cbor *c, enum att_err err);

/* ATT_OK only when nothing failed, every level was left and no byte is left over. */
ATT_MUST_USE enum att_err att_cbor_end(const struct att_cbor *c);
ATT_MUST_USE enum att_err att_cbor_end_diag(const struct att_cbor *c, enum att_reason reason,
                                            const char *field, struct att_diag *diag);

/* Check a whole input of one item, without reading anything out of it. */
ATT_MUST_USE enum att_err att_cbor_check(struct att_slice in, struct att_diag *diag);

#endif
