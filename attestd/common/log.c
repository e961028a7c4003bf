/* Log lines for journald or a terminal. */
#include "common/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/wr.h"

#define LINE_MAX_LEN     1024
#define WARNINGS_BURST   200 /* lines that strangers may cause in a row ... */
#define WARNINGS_EACH_MS 100 /* ... and one more each */
#define TEXT_CUT         64

static struct {
    const char *process;
    enum log_level most;
    bool prefix;
    int64_t bucket_ms; /* when the limiter was last filled */
    unsigned int left;
    unsigned long dropped;
} state = {.process = "attest", .most = LOG_LEVEL_INFO, .prefix = true, .left = WARNINGS_BURST};

void log_open(const char *process, enum log_level most)
{
    state.process = process;
    state.most = most;
    state.prefix = isatty(STDERR_FILENO) != 1;
}

static int priority_of(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return 3;
    case LOG_LEVEL_WARNING:
        return 4;
    case LOG_LEVEL_INFO:
        return 6;
    case LOG_LEVEL_DEBUG:
        break;
    }
    return 7;
}

/* Whatever came into the line, it stays one line that every terminal and every log takes. */
static void plain(char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char b = (unsigned char)line[i];

        if (b < 0x20 || b >= 0x7f) {
            line[i] = '?';
        }
    }
}

/* One write a line, so that lines of several processes do not mix. */
static void put(enum log_level level, const char *event, const char *pairs)
{
    char line[LINE_MAX_LEN];
    char prefix[8] = "";
    int n = 0;

    if (state.prefix) {
        (void)snprintf(prefix, sizeof(prefix), "<%d>", priority_of(level));
    }
    n = snprintf(line, sizeof(line) - 1, "%s%s: %s%s%s", prefix, state.process, event,
                 pairs[0] == '\0' ? "" : " ", pairs);
    if (n < 0) {
        return;
    }
    if ((size_t)n > sizeof(line) - 2) {
        n = (int)sizeof(line) - 2;
    }
    plain(line, (size_t)n);
    line[n] = '\n';
    if (att_write_all(STDERR_FILENO, line, (size_t)n + 1) != ATT_OK) {
        state.dropped++; /* nobody can be told now; the next line that gets through says how many */
    }
}

/* May this line be written? The count of those that may not is told with the next that may. */
static bool allowed(void)
{
    int64_t now = att_clock_mono_ms();
    int64_t more = (now - state.bucket_ms) / WARNINGS_EACH_MS;

    if (more > 0) {
        state.bucket_ms = now;
        state.left = more >= WARNINGS_BURST - (int64_t)state.left ? WARNINGS_BURST
                                                                  : state.left + (unsigned int)more;
    }
    if (state.left == 0) {
        state.dropped++;
        return false;
    }
    state.left--;
    return true;
}

void log_line(enum log_level level, const char *event, const char *fmt, ...)
{
    char pairs[LINE_MAX_LEN - 64] = "";

    if (level > state.most) {
        return;
    }
    if (level <= LOG_LEVEL_WARNING && !allowed()) {
        return;
    }
    if (state.dropped > 0) {
        (void)snprintf(pairs, sizeof(pairs), "count=%lu", state.dropped);
        state.dropped = 0;
        put(LOG_LEVEL_WARNING, "log.suppressed", pairs);
    }
    pairs[0] = '\0';
    if (fmt != NULL) {
        va_list args;

        va_start(args, fmt);
        (void)vsnprintf(pairs, sizeof(pairs), fmt, args);
        va_end(args);
    }
    put(level, event, pairs);
}

void log_diag(enum log_level level, const char *event, const struct att_diag *diag)
{
    log_line(level, event, "code=%s field=\"%s\" text=\"%s\"", att_reason_code(diag->reason),
             diag->field == NULL ? "-" : diag->field, diag->text);
}

char *log_text(char *out, const void *in, size_t len)
{
    char inner[LOG_TEXT_MAX - 2];

    (void)att_escape(inner, TEXT_CUT + 1, in, len);
    for (char *p = inner; *p != '\0'; p++) {
        if (*p == '"') {
            *p = '\''; /* the value stays one token */
        }
    }
    (void)snprintf(out, LOG_TEXT_MAX, "\"%s\"", inner);
    return out;
}
