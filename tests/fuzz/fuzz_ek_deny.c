/* A deny list that is read denies each line of it that is an entry, and has no more entries than lines. */
#include <string.h>

#include "base/hex.h"
#include "fuzz.h"
#include "tcg/pubarea.h"
#include "verifier/keeper/ek_deny.h"

/* The digits at the head of a line. */
static size_t digits_of(struct att_slice line)
{
    size_t n = 0;

    while (n < line.len && strchr("0123456789abcdefABCDEF", line.p[n]) != NULL && line.p[n] != 0)
        n++;
    return n;
}

static void is_denied(const struct ek_deny *d, struct att_slice line)
{
    uint8_t bytes[ATT_NAME_MAX];
    size_t len = 0;
    size_t digits = digits_of(line);

    if (digits == 0)
        return;
    HOLDS(att_hex_decode(bytes, sizeof(bytes), &len, (const char *)line.p, digits) == ATT_OK);
    HOLDS(ek_deny_has(d, att_slice_of(bytes, len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ek_deny *d = NULL;
    struct att_diag diag = {0};
    size_t lines = 0;

    if (ek_deny_parse(&d, "list", att_slice_of(data, size), &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_CFG_KEY && strncmp(diag.text, "list:", 5) == 0 && d == NULL);
        return 0;
    }
    for (size_t at = 0; at < size; lines++) {
        const uint8_t *end = memchr(&data[at], '\n', size - at);
        size_t len = end == NULL ? size - at : (size_t)(end - &data[at]);

        is_denied(d, att_slice_of(&data[at], len));
        at += len + 1;
    }
    HOLDS(ek_deny_count(d) <= lines);
    ek_deny_free(d);
    return 0;
}
