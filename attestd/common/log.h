/*
 * One line an event on standard error: a name, then key=value pairs.
 *
 * Lines start with <N>, the priority that journald reads, unless standard error is a terminal. Text
 * from outside goes through log_text, which escapes and cuts it. Errors and warnings are what
 * strangers can cause, so they are limited: what is over is counted and told in one line.
 */
#ifndef ATTESTD_COMMON_LOG_H
#define ATTESTD_COMMON_LOG_H

#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"

enum log_level {
    LOG_LEVEL_ERROR,   /* someone must act */
    LOG_LEVEL_WARNING, /* refused input */
    LOG_LEVEL_INFO,    /* state */
    LOG_LEVEL_DEBUG,   /* off by default */
};

#define LOG_TEXT_MAX 68 /* 64 characters, two quotes and the end */

/* The process's name in each line, such as "front"; borrowed, a literal. */
void log_open(const char *process, enum log_level most);

/* event is a literal such as "tls.refused"; fmt gives the pairs, or is NULL. */
void log_line(enum log_level level, const char *event, const char *fmt, ...) ATT_PRINTF(3, 4);

/* The same with a diagnosis: code=E_... text="..." behind the event. */
void log_diag(enum log_level level, const char *event, const struct att_diag *diag);

/* Text from outside as a quoted value: out holds LOG_TEXT_MAX. Returns out. */
char *log_text(char *out, const void *in, size_t len);

#endif
