/*
 * From the raw number to the value: calibration and rounding, exact over whole numbers.
 *
 * A curve is a channel's calibration brought to one scale. att_curve_make refuses what could leave 126 bits for any
 * raw number of the channel's range, so that computing a value cannot fail.
 */
#ifndef ATT_PROV_CURVE_H
#define ATT_PROV_CURVE_H

#include <stdint.h>

#include "base/err.h"
#include "prov/decimal.h"
#include "prov/spec.h"

/* All of one scale; raw numbers are whole multiples of 10^-decimals. */
struct att_curve {
    const struct att_channel *channel; /* borrowed */
    int exponent;                      /* of a */
    size_t count;
    int64_t raw[ATT_SPEC_POINTS_MAX]; /* of a table's points */
    /* a table's values, or the coefficients of the scaled raw number */
    att_i128 a[ATT_SPEC_POINTS_MAX];
    /* value / resolution = result * factor / divisor, of a table also / the segment's width */
    att_i128 factor, divisor;
    int64_t least, most; /* raw_min, raw_max in steps of 10^-decimals */
    int64_t fault_from[ATT_SPEC_FAULTS_MAX], fault_to[ATT_SPEC_FAULTS_MAX];
    int direction; /* 1: rises, -1: falls, 0: neither, so that a value has no one raw number */
};

/*
 * att_curve_make - bring the calibration of c to one scale. Reads of c: wire, raw_min, raw_max, calibration,
 * resolution, rounding.
 *
 * Errors  LIMIT (CFG_SPEC, field "calibration", "raw" or "resolution"): a value of the range would leave 126 bits or
 *         18 digits; CONFIG (CFG_SPEC): a raw number between the steps of the wire
 */
ATT_MUST_USE enum att_err att_curve_make(struct att_curve *out, const struct att_channel *c,
                                         struct att_diag *diag);
/*
 * The value for a raw number in steps of 10^-decimals. One outside of raw_min..raw_max is LIMIT; a table goes on
 * straight from its last two points.
 */
ATT_MUST_USE enum att_err att_curve_value(struct att_decimal *out, const struct att_curve *k,
                                          int64_t raw);

/* Which fault of the channel a raw number means; NULL when none. Borrowed from the channel. */
const char *att_curve_fault(const struct att_curve *k, int64_t raw);
/*
 * Does some raw number of the range give this value? UNSUPPORTED for a curve of no direction, MISMATCH when none does.
 */
ATT_MUST_USE enum att_err att_curve_reaches(const struct att_curve *k, struct att_decimal value);

#endif
