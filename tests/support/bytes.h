/* Bytes that a test writes as hex and compares with hex or text. */
#ifndef ATT_TEST_BYTES_H
#define ATT_TEST_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct bytes {
    uint8_t p[8192];
    size_t len;
};

/* What is no hex, or too long, fails the test. */
struct bytes bytes_unhex(const char *text);
struct att_slice bytes_slice(const struct bytes *b); /* borrowed from b */
void bytes_expect_hex(struct att_slice got, const char *want);
void bytes_expect_text(struct att_slice got, const char *want);

#endif
