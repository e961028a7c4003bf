/* Base64 of RFC 4648, one spelling: padded standard alphabet (4), or unpadded URL alphabet (5). */
#ifndef ATT_BASE_B64_H
#define ATT_BASE_B64_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum att_b64 { ATT_B64_STD, ATT_B64_URL };

#define ATT_B64_LEN(bytes) (((bytes) + 2) / 3 * 4 + 1)

/* Returns out, terminated; an empty string when cap is too small. */
char *att_b64_encode(char *out, size_t cap, enum att_b64 form, struct att_slice in);

/* FORMAT (character, padding, bits left over) LIMIT. White space is refused. */
ATT_MUST_USE enum att_err att_b64_decode(uint8_t *out, size_t cap, size_t *out_len,
                                         enum att_b64 form, const char *text, size_t text_len);

#endif
