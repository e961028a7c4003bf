/* Text that is put together piece by piece: into room of a fixed size, in one of two languages, or into a buffer. */
#ifndef ATT_BASE_TEXT_H
#define ATT_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* A sentence: what does not fit is cut off; out is always terminated. Start with out[0] = '\0'. */
struct att_words {
    char *out;
    size_t cap, len;
    bool ja;
};

void att_words_add(struct att_words *w, const char *fmt, ...) ATT_PRINTF(2, 3);

/* The one of two formats that the language asks for; both are literals, so the compiler checks them. */
#define ATT_WORDS_SAY(w, say_en, say_ja, ...)                                                      \
    do {                                                                                           \
        if ((w)->ja) {                                                                             \
            att_words_add((w), say_ja, __VA_ARGS__);                                               \
        } else {                                                                                   \
            att_words_add((w), say_en, __VA_ARGS__);                                               \
        }                                                                                          \
    } while (0)

/* A document: the first failure sticks (LIMIT also for a piece of more than 1,023 bytes), then nothing is written. */
struct att_text {
    struct att_buf *out;
    enum att_err err;
};

void att_text_add(struct att_text *t, const char *fmt, ...) ATT_PRINTF(2, 3);

#endif
