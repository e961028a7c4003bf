/* Base64, both alphabets, one spelling for each value. */
#include "base/b64.h"

#include <string.h>

static const char STD[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char URL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *att_b64_encode(char *out, size_t cap, enum att_b64 form, struct att_slice in)
{
    const char *set = form == ATT_B64_STD ? STD : URL;
    size_t at = 0;

    if (cap == 0) {
        return out;
    }
    if (cap < ATT_B64_LEN(in.len)) {
        out[0] = '\0';
        return out;
    }
    for (size_t i = 0; i < in.len; i += 3) {
        size_t n = in.len - i < 3 ? in.len - i : 3;
        uint32_t v = (uint32_t)in.p[i] << 16;

        v |= n > 1 ? (uint32_t)in.p[i + 1] << 8 : 0;
        v |= n > 2 ? (uint32_t)in.p[i + 2] : 0;
        for (size_t k = 0; k <= n; k++) {
            out[at++] = set[(v >> (18 - 6 * k)) & 63];
        }
        for (size_t k = n; k < 3 && form == ATT_B64_STD; k++) {
            out[at++] = '=';
        }
    }
    out[at] = '\0';
    return out;
}

/* 0..63, or 255. */
static uint8_t sextet(const char *set, char c)
{
    const char *at = c == '\0' ? NULL : strchr(set, c);

    return at == NULL ? 255 : (uint8_t)(at - set);
}

enum att_err att_b64_decode(uint8_t *out, size_t cap, size_t *out_len, enum att_b64 form,
                            const char *text, size_t text_len)
{
    const char *set = form == ATT_B64_STD ? STD : URL;
    uint32_t acc = 0;
    unsigned int bits = 0;
    size_t n = text_len;
    size_t len = 0;

    if (form == ATT_B64_STD) {
        if (text_len % 4 != 0) {
            return ATT_E_FORMAT;
        }
        for (size_t pad = 0; pad < 2 && n > 0 && text[n - 1] == '='; pad++) {
            n--;
        }
    }
    if (n % 4 == 1) {
        return ATT_E_FORMAT;
    }
    if (n / 4 * 3 + (n % 4 > 0 ? n % 4 - 1 : 0) > cap) {
        return ATT_E_LIMIT;
    }
    for (size_t i = 0; i < n; i++) {
        uint8_t v = sextet(set, text[i]);

        if (v > 63) {
            return ATT_E_FORMAT;
        }
        acc = (acc << 6 | v) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[len++] = (uint8_t)(acc >> bits);
        }
    }
    if ((acc & ((1U << bits) - 1)) != 0) {
        return ATT_E_FORMAT; /* a second spelling of the same bytes */
    }
    *out_len = len;
    return ATT_OK;
}
