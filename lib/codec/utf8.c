/* UTF-8 well-formedness: one sequence at a time, eight ASCII bytes at a time. */
#include "codec/utf8.h"

#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* The first two bytes decide the form and exclude what RFC 3629 forbids; the others are tails. */
struct form {
    uint8_t first_low, first_high;
    uint8_t second_low, second_high;
    uint8_t tails; /* after the second byte */
};

static const struct form FORMS[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 0}, {0xe0, 0xe0, 0xa0, 0xbf, 1}, {0xe1, 0xec, 0x80, 0xbf, 1},
    {0xed, 0xed, 0x80, 0x9f, 1}, {0xee, 0xef, 0x80, 0xbf, 1}, {0xf0, 0xf0, 0x90, 0xbf, 2},
    {0xf1, 0xf3, 0x80, 0xbf, 2}, {0xf4, 0xf4, 0x80, 0x8f, 2},
};

static bool within(uint8_t v, uint8_t low, uint8_t high)
{
    return v >= low && v <= high;
}

/* Length of the multi-byte sequence at i, or 0. */
static size_t sequence(struct att_slice in, size_t i)
{
    for (size_t k = 0; k < sizeof(FORMS) / sizeof(FORMS[0]); k++) {
        const struct form *f = &FORMS[k];
        size_t len = (size_t)f->tails + 2;

        if (!within(in.p[i], f->first_low, f->first_high)) {
            continue;
        }
        if (len > in.len - i || !within(in.p[i + 1], f->second_low, f->second_high)) {
            return 0;
        }
        for (size_t t = 2; t < len; t++) {
            if (!within(in.p[i + t], 0x80, 0xbf)) {
                return 0;
            }
        }
        return len;
    }
    return 0;
}

static bool eight_ascii(struct att_slice in, size_t i)
{
    uint64_t eight = 0;

    if (in.len - i < sizeof(eight)) {
        return false;
    }
    memcpy(&eight, in.p + i, sizeof(eight));
    return (eight & HIGH_BITS) == 0;
}

bool att_utf8_ok(struct att_slice in)
{
    size_t i = 0;

    while (i < in.len) {
        size_t step = 1;

        if (eight_ascii(in, i)) {
            step = 8;
        } else if (in.p[i] >= 0x80) {
            step = sequence(in, i);
        }
        if (step == 0) {
            return false;
        }
        i += step;
    }
    return true;
}
