/*
 * Time as a parameter, so that tests own it.
 *
 * Deadlines use the monotonic clock, what a person reads uses UTC; no function of lib/ asks a clock
 * by itself.
 */
#ifndef ATT_BASE_CLOCK_H
#define ATT_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

int64_t att_clock_utc_s(void); /* seconds since 1970-01-01T00:00:00Z */
int64_t att_clock_utc_ms(void);
int64_t att_clock_mono_ms(void); /* milliseconds of CLOCK_BOOTTIME: goes on while suspended */

#define ATT_TIME_TEXT 24

/* "2026-11-24T19:00:00Z". Returns out, terminated. */
char *att_time_print(char *out, size_t cap, int64_t utc_s);

/* RFC 3339 in UTC ("Z" only), or "@" and decimal seconds. FORMAT. */
ATT_MUST_USE enum att_err att_time_parse(int64_t *utc_s, const char *text);

#endif
