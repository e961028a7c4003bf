/* Hexadecimal, one spelling: lower case out; upper or lower case in, even length, nothing else. */
#ifndef ATT_BASE_HEX_H
#define ATT_BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

/* out needs 2 * len + 1 characters and is terminated. Returns out. */
char *att_hex_encode(char *out, size_t cap, struct att_slice in);

/* FORMAT (odd length, other character) LIMIT (more than cap bytes). out_len in bytes. */
ATT_MUST_USE enum att_err att_hex_decode(uint8_t *out, size_t cap, size_t *out_len,
                                         const char *text, size_t text_len);

#endif
