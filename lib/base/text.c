#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

#define PIECE_MAX 1024

void att_words_add(struct att_words *w, const char *fmt, ...)
{
    va_list args;
    int n = 0;

    va_start(args, fmt);
    n = vsnprintf(w->out + w->len, w->cap - w->len, fmt, args);
    va_end(args);
    if (n > 0) {
        w->len += (size_t)n < w->cap - w->len ? (size_t)n : w->cap - w->len - 1;
    }
}

void att_text_add(struct att_text *t, const char *fmt, ...)
{
    char piece[PIECE_MAX];
    va_list args;
    int n = 0;

    va_start(args, fmt);
    n = vsnprintf(piece, sizeof(piece), fmt, args);
    va_end(args);
    if (t->err == ATT_OK) {
        t->err = n < 0 || (size_t)n >= sizeof(piece) ? ATT_E_LIMIT
                                                     : att_buf_add(t->out, piece, (size_t)n);
    }
}
