/* Lines of RFC 4180 that spreadsheets take as text and numbers, and never as formulas. */
#ifndef CLI_REPORT_CSV_H
#define CLI_REPORT_CSV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct csv {
    struct att_buf *out; /* owned by whoever made it */
    enum att_err err;    /* the first that failed; what is written later is dropped */
    bool begun;          /* a cell stands in this line */
};

/* Quoted where it must be; a text that a spreadsheet would take as a formula gets an apostrophe in front. */
void csv_text(struct csv *c, const char *text);
void csv_number(struct csv *c, uint64_t n);
/* What att_decimal_print wrote, or nothing: below zero it is a number too, and no formula. */
void csv_decimal(struct csv *c, const char *digits);
void csv_time(struct csv *c, int64_t utc_s);
void csv_hex(struct csv *c, bool has, const uint8_t *p, size_t len); /* of at most 32 bytes */
void csv_end(struct csv *c);                                         /* of a line: CR LF */

#endif
