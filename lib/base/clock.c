/* Reading clocks, and times as text. */
#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec ts = {0};

    /* A clock that cannot be read leaves every deadline passed: fail closed. */
    if (clock_gettime(id, &ts) != 0) {
        return INT64_MAX;
    }
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t att_clock_utc_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

int64_t att_clock_utc_s(void)
{
    return att_clock_utc_ms() / 1000;
}

int64_t att_clock_mono_ms(void)
{
    return read_ms(CLOCK_BOOTTIME);
}

char *att_time_print(char *out, size_t cap, int64_t utc_s)
{
    time_t t = (time_t)utc_s;
    struct tm tm;
    int n = 0;

    if (cap == 0) {
        return out;
    }
    if (gmtime_r(&t, &tm) == NULL) {
        out[0] = '\0';
        return out;
    }
    /* not strftime, whose %Y writes the year 24 with two digits */
    n = snprintf(out, cap, "%04lld-%02d-%02dT%02d:%02d:%02dZ", (long long)tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (n < 0 || (size_t)n >= cap) {
        out[0] = '\0';
    }
    return out;
}

/* Exactly count digits at text. */
static bool digits(const char *text, size_t count, int *out)
{
    int v = 0;

    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        v = v * 10 + (text[i] - '0');
    }
    *out = v;
    return true;
}

static enum att_err parse_seconds(int64_t *utc_s, const char *text)
{
    int64_t v = 0;

    if (text[0] == '\0' || strlen(text) > 12) {
        return ATT_E_FORMAT;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9') {
            return ATT_E_FORMAT;
        }
        v = v * 10 + (*p - '0');
    }
    *utc_s = v;
    return ATT_OK;
}

enum att_err att_time_parse(int64_t *utc_s, const char *text)
{
    struct tm tm = {0};
    struct tm again;
    time_t t = 0;

    if (text[0] == '@') {
        return parse_seconds(utc_s, text + 1);
    }
    if (strlen(text) != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
        text[13] != ':' || text[16] != ':' || text[19] != 'Z') {
        return ATT_E_FORMAT;
    }
    if (!digits(text, 4, &tm.tm_year) || !digits(text + 5, 2, &tm.tm_mon) ||
        !digits(text + 8, 2, &tm.tm_mday) || !digits(text + 11, 2, &tm.tm_hour) ||
        !digits(text + 14, 2, &tm.tm_min) || !digits(text + 17, 2, &tm.tm_sec)) {
        return ATT_E_FORMAT;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    again = tm;
    t = timegm(&again);
    /* timegm turns the 31st of February into March: what comes back must be what went in */
    if (again.tm_mon != tm.tm_mon || again.tm_mday != tm.tm_mday || again.tm_hour != tm.tm_hour ||
        again.tm_min != tm.tm_min || again.tm_sec != tm.tm_sec) {
        return ATT_E_FORMAT;
    }
    *utc_s = (int64_t)t;
    return ATT_OK;
}
