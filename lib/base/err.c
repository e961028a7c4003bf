/* Names of errors, and how a diagnosis is filled and printed. */
#include "base/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

const char *att_err_name(enum att_err err)
{
    static const char *const NAMES[ATT_E__COUNT] = {
        [ATT_OK] = "OK",
        [ATT_E_TRUNCATED] = "TRUNCATED",
        [ATT_E_TRAILING] = "TRAILING",
        [ATT_E_FORMAT] = "FORMAT",
        [ATT_E_LIMIT] = "LIMIT",
        [ATT_E_UNSUPPORTED] = "UNSUPPORTED",
        [ATT_E_SIGNATURE] = "SIGNATURE",
        [ATT_E_UNTRUSTED] = "UNTRUSTED",
        [ATT_E_STALE] = "STALE",
        [ATT_E_MISMATCH] = "MISMATCH",
        [ATT_E_DENIED] = "DENIED",
        [ATT_E_CONFLICT] = "CONFLICT",
        [ATT_E_NOT_FOUND] = "NOT_FOUND",
        [ATT_E_BUSY] = "BUSY",
        [ATT_E_IO] = "IO",
        [ATT_E_NETWORK] = "NETWORK",
        [ATT_E_TPM] = "TPM",
        [ATT_E_CRYPTO] = "CRYPTO",
        [ATT_E_NOMEM] = "NOMEM",
        [ATT_E_CONFIG] = "CONFIG",
        [ATT_E_INTERNAL] = "INTERNAL",
    };

    if ((unsigned int)err >= ATT_E__COUNT) {
        return "INTERNAL";
    }
    return NAMES[err];
}

static void fill(struct att_diag *diag, enum att_err err, enum att_reason reason, const char *field,
                 size_t off)
{
    memset(diag, 0, sizeof(*diag));
    diag->err = err;
    diag->reason = reason;
    diag->field = field;
    diag->off = off;
}

enum att_err att_fail(struct att_diag *diag, enum att_err err, enum att_reason reason,
                      const char *field, const char *fmt, ...)
{
    va_list args;

    if (diag == NULL) {
        return err;
    }
    fill(diag, err, reason, field, ATT_OFF_NONE);
    va_start(args, fmt);
    (void)vsnprintf(diag->text, sizeof(diag->text), fmt, args);
    va_end(args);
    return err;
}

enum att_err att_fail_at(struct att_diag *diag, enum att_err err, enum att_reason reason,
                         const char *field, size_t off, const char *fmt, ...)
{
    va_list args;

    if (diag == NULL) {
        return err;
    }
    fill(diag, err, reason, field, off);
    va_start(args, fmt);
    (void)vsnprintf(diag->text, sizeof(diag->text), fmt, args);
    va_end(args);
    return err;
}

/* Length of the UTF-8 sequence at p that is safe to show, or 0. */
static size_t printable_at(const uint8_t *p, size_t len)
{
    uint32_t cp = 0;
    size_t n = 0;

    if (p[0] < 0x80) {
        return p[0] >= 0x20 && p[0] != 0x7f ? 1 : 0;
    }
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        n = 2;
        cp = p[0] & 0x1fU;
    } else if ((p[0] & 0xf0) == 0xe0) {
        n = 3;
        cp = p[0] & 0x0fU;
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        n = 4;
        cp = p[0] & 0x07U;
    }
    if (n == 0 || n > len) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        cp = (cp << 6) | (p[i] & 0x3fU);
    }
    if ((n == 3 && cp < 0x800) || (n == 4 && (cp < 0x10000 || cp > 0x10ffff)) ||
        (cp >= 0xd800 && cp <= 0xdfff)) {
        return 0;
    }
    /* C1 controls, line separators, and the marks that turn the reading direction around */
    if (cp < 0xa0 || (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
        (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff || cp == 0x061c) {
        return 0;
    }
    return n;
}

static char *escape(char *out, size_t cap, const void *in, size_t len, bool backslash)
{
    const uint8_t *p = in;
    size_t at = 0;
    size_t keep = 0; /* where "..." still fits */

    if (cap == 0) {
        return out;
    }
    for (size_t i = 0; i < len;) {
        size_t n = backslash && p[i] == '\\' ? 0 : printable_at(p + i, len - i);
        char piece[8];

        if (n == 0) {
            (void)snprintf(piece, sizeof(piece), "\\x%02x", p[i]);
        } else {
            memcpy(piece, p + i, n);
            piece[n] = '\0';
        }
        if (at + strlen(piece) + 1 > cap) {
            at = keep;
            for (size_t dot = 0; dot < 3 && at + 1 < cap; dot++) {
                out[at++] = '.';
            }
            break;
        }
        memcpy(out + at, piece, strlen(piece));
        at += strlen(piece);
        if (at + 4 <= cap) {
            keep = at;
        }
        i += n == 0 ? 1 : n;
    }
    out[at] = '\0';
    return out;
}

char *att_escape(char *out, size_t cap, const void *in, size_t len)
{
    return escape(out, cap, in, len, true);
}

char *att_printable(char *out, size_t cap, const void *in, size_t len)
{
    return escape(out, cap, in, len, false);
}

void att_diag_in(struct att_diag *diag, const char *path)
{
    char told[ATT_DIAG_TEXT];
    char shown[ATT_DIAG_TEXT / 2];

    if (diag == NULL) {
        return;
    }
    memcpy(told, diag->text, sizeof(told));
    (void)att_escape(shown, sizeof(shown), path, strlen(path));
    (void)snprintf(diag->text, sizeof(diag->text), "%s: %.*s", shown,
                   (int)(sizeof(diag->text) - sizeof(shown) - 2), told);
}

char *att_diag_print(char *out, size_t cap, const struct att_diag *diag)
{
    char at[32] = "";

    if (diag->off != ATT_OFF_NONE && diag->err != ATT_OK) {
        (void)snprintf(at, sizeof(at), " at byte %zu", diag->off);
    }
    (void)snprintf(out, cap, "%s%s%s%s%s%s", att_reason_code(diag->reason),
                   diag->field != NULL ? " " : "", diag->field != NULL ? diag->field : "", at,
                   diag->text[0] != '\0' ? ": " : "", diag->text);
    return out;
}
