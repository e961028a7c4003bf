/*
 * Exact decimal numbers: what a sensor says, a calibration and a limit are. No binary floating point anywhere.
 *
 * A number is mantissa * 10^exponent. Arithmetic inside is over 128 bits and is refused when it does not fit; it
 * never loses a digit: only att_i128_divide rounds, and it is told how.
 */
#ifndef ATT_PROV_DECIMAL_H
#define ATT_PROV_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

#define ATT_DECIMAL_DIGITS       18 /* of a mantissa: every one of them fits in int64_t */
#define ATT_DECIMAL_EXPONENT_MAX 18 /* and as little as -18 */
#define ATT_DECIMAL_TEXT         48 /* room to print any */

__extension__ typedef __int128 att_i128;

/* One spelling of each number: the mantissa ends in no zero, and 0 is {0, 0}. */
struct att_decimal {
    int64_t mantissa;
    int exponent;
};

/* How a result that lies between two steps becomes one of them. */
enum att_rounding {
    ATT_ROUND_HALF_EVEN, /* to the nearer; in the middle to the even one (the default of metrology) */
    ATT_ROUND_HALF_AWAY, /* to the nearer; in the middle away from zero */
    ATT_ROUND_DOWN,      /* towards minus infinity */
    ATT_ROUND_UP,        /* towards plus infinity */
    ATT_ROUND_ZERO,      /* towards zero */
};
#define ATT_ROUNDING__COUNT 5
extern const char *const att_rounding_words[ATT_ROUNDING__COUNT];

/*
 * att_decimal_parse - "-12.50", "0.003", "4e-3". At most 18 digits; no sign but '-', no leading zero, no "-0", no
 * point without digits on both sides, nothing that is not a number ("NaN", "inf").
 *
 * Errors  FORMAT; LIMIT: more digits, or an exponent outside -18..18
 */
ATT_MUST_USE enum att_err att_decimal_parse(struct att_decimal *out, struct att_slice text);
/*
 * att_decimal_parse_json - a number of RFC 8259 section 6, exactly: "1.50E+3", "-0" and "2e05" too, which people need not
 * write and programs do. Errors as above; a mantissa of more than 18 digits is LIMIT, zeros at its end among them.
 */
ATT_MUST_USE enum att_err att_decimal_parse_json(struct att_decimal *out, struct att_slice text);
/* As text without an exponent, the way that people write it. Returns out. */
char *att_decimal_print(char *out, size_t cap, struct att_decimal d);

/* The one spelling of mantissa * 10^exponent. LIMIT when it has none. */
ATT_MUST_USE enum att_err att_decimal_make(struct att_decimal *out, int64_t mantissa, int exponent);
bool att_decimal_ok(struct att_decimal d); /* is it that spelling, and within the limits? */

int att_decimal_compare(struct att_decimal a, struct att_decimal b); /* -1, 0, 1 */
static inline bool att_decimal_equal(struct att_decimal a, struct att_decimal b)
{
    return a.mantissa == b.mantissa && a.exponent == b.exponent;
}
/* LIMIT when the result has more than 18 digits. */
ATT_MUST_USE enum att_err att_decimal_add(struct att_decimal *out, struct att_decimal a,
                                          struct att_decimal b);
ATT_MUST_USE enum att_err att_decimal_subtract(struct att_decimal *out, struct att_decimal a,
                                               struct att_decimal b);
ATT_MUST_USE enum att_err att_decimal_multiply(struct att_decimal *out, struct att_decimal a,
                                               struct att_decimal b);
struct att_decimal att_decimal_abs(struct att_decimal d);

/* --- for code that computes with 128 bits --- */

/* a * b, a + b. LIMIT outside 126 bits. */
ATT_MUST_USE enum att_err att_i128_multiply(att_i128 *out, att_i128 a, att_i128 b);
ATT_MUST_USE enum att_err att_i128_add(att_i128 *out, att_i128 a, att_i128 b);
/* v * 10^power, power >= 0 */
ATT_MUST_USE enum att_err att_i128_shift(att_i128 *out, att_i128 v, int power);
/* numerator / denominator (> 0) to a whole number */
att_i128 att_i128_divide(att_i128 numerator, att_i128 denominator, enum att_rounding how);

#endif
