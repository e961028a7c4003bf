/*
 * Texts of lines, as transparency logs write them (C2SP): one line at a time, and one spelling for each number,
 * hash and run of bytes in it. Nothing is copied or allocated when they are read.
 */
#ifndef ATT_CODEC_LINES_H
#define ATT_CODEC_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rd.h"
#include "base/slice.h"

#define ATT_LINES_HASH_LEN 32

struct att_lines {
    struct att_rd rd;
    size_t line; /* the number of the line read last, from 1 */
    size_t off;  /* where it begins, from the start of the outermost input */
};

/* Borrows text, as every line does. */
struct att_lines att_lines_from(struct att_slice text);

/*
 * att_lines_next - the next line, without its break.
 *
 * *more   false at the end of the text, and then line is empty
 * Errors  TRUNCATED: the text ends inside a line
 */
ATT_MUST_USE enum att_err att_lines_next(struct att_slice *line, struct att_lines *it, bool *more);

/* All that is behind the line read last, without consuming it. Borrowed. */
struct att_slice att_lines_rest(const struct att_lines *it);

/* Does line begin with word? Then *rest is what follows it. */
bool att_lines_after(struct att_slice *rest, struct att_slice line, const char *word);

/* A decimal number without sign and leading zeros. FORMAT; LIMIT above max, which is at most 2^63 - 1. */
ATT_MUST_USE enum att_err att_lines_decimal(uint64_t *out, struct att_slice text, uint64_t max);

/* Padded base64 of at most cap bytes (base/b64.h). FORMAT, also when it is empty; LIMIT. */
ATT_MUST_USE enum att_err att_lines_base64(uint8_t *out, size_t cap, size_t *len,
                                           struct att_slice text);

/* Padded base64 of a SHA-256 hash. FORMAT. */
ATT_MUST_USE enum att_err att_lines_hash(uint8_t out[ATT_LINES_HASH_LEN], struct att_slice text);

/* The same into a buffer, without a line break. LIMIT NOMEM. */
ATT_MUST_USE enum att_err att_lines_add_text(struct att_buf *b, const char *text);
ATT_MUST_USE enum att_err att_lines_add_decimal(struct att_buf *b, uint64_t n);
ATT_MUST_USE enum att_err att_lines_add_base64(struct att_buf *b, struct att_slice bytes);

#endif
