/* Hexadecimal. */
#include "base/hex.h"

char *att_hex_encode(char *out, size_t cap, struct att_slice in)
{
    static const char DIGITS[] = "0123456789abcdef";
    size_t at = 0;

    if (cap == 0) {
        return out;
    }
    for (size_t i = 0; i < in.len && at + 3 <= cap; i++) {
        out[at++] = DIGITS[in.p[i] >> 4];
        out[at++] = DIGITS[in.p[i] & 15];
    }
    out[at] = '\0';
    return out;
}

/* 0..15, or 255. */
static uint8_t nibble(char c)
{
    if (c >= '0' && c <= '9') {
        return (uint8_t)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (uint8_t)(c - 'a' + 10);
    }
    if (c >= 'A' && c <= 'F') {
        return (uint8_t)(c - 'A' + 10);
    }
    return 255;
}

enum att_err att_hex_decode(uint8_t *out, size_t cap, size_t *out_len, const char *text,
                            size_t text_len)
{
    if (text_len % 2 != 0) {
        return ATT_E_FORMAT;
    }
    if (text_len / 2 > cap) {
        return ATT_E_LIMIT;
    }
    for (size_t i = 0; i < text_len / 2; i++) {
        uint8_t high = nibble(text[2 * i]);
        uint8_t low = nibble(text[2 * i + 1]);

        if (high > 15 || low > 15) {
            return ATT_E_FORMAT;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    *out_len = text_len / 2;
    return ATT_OK;
}
