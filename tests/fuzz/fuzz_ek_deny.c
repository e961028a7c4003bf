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

/* What is no name is on no list; a list that cannot be read is none. */
static void nothing_else(const struct ek_deny *d)
{
    static const uint8_t bytes[ATT_NAME_MAX + 1];
    struct ek_deny *none = NULL;
    struct att_diag diag = {0};

    HOLDS(!ek_deny_has(d, att_slice_of(bytes, sizeof(bytes))));
    HOLDS(!ek_deny_has(d, att_slice_of(bytes, 3)));
    HOLDS(ek_deny_load(&none, "/nonexistent/list", &diag) == ATT_E_NOT_FOUND && none == NULL);
}

/* One line more than a list may have. */
static void too_many(void)
{
    static const char LINE[] = "00000000000000000000000000000000"
                               "00000000000000000000000000000000\n";
    static bool done;
    const size_t len = sizeof(LINE) - 1;
    uint8_t *text = done ? NULL : malloc((EK_DENY_MAX + 1) * len);
    struct ek_deny *d = NULL;
    struct att_diag diag = {0};

    if (done) {
        return;
    }
    done = true;
    HOLDS(text != NULL);
    for (size_t i = 0; i <= EK_DENY_MAX; i++) {
        memcpy(text + i * len, LINE, len);
    }
    HOLDS(ek_deny_parse(&d, "list", att_slice_of(text, EK_DENY_MAX * len), NULL) == ATT_OK);
    ek_deny_freep(&d);
    HOLDS(ek_deny_parse(&d, "list", att_slice_of(text, (EK_DENY_MAX + 1) * len), &diag) ==
          ATT_E_LIMIT);
    HOLDS(d == NULL && strstr(diag.text, "list:65537:") != NULL);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ek_deny *d = NULL;
    struct att_diag diag = {0};
    size_t lines = 0;

    too_many();
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
    nothing_else(d);
    ek_deny_free(d);
    return 0;
}
