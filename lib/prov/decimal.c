/* Exact decimal numbers over 128 bits. */
#include "prov/decimal.h"

#include <stdio.h>
#include <string.h>

#define I128_LIMIT ((att_i128)1 << 126)

const char *const att_rounding_words[ATT_ROUNDING__COUNT] = {"half-even", "half-away", "down", "up",
                                                             "zero"};

static const int64_t POWER[ATT_DECIMAL_DIGITS + 1] = {1,
                                                      10,
                                                      100,
                                                      1000,
                                                      10000,
                                                      100000,
                                                      1000000,
                                                      10000000,
                                                      100000000,
                                                      1000000000,
                                                      10000000000,
                                                      100000000000,
                                                      1000000000000,
                                                      10000000000000,
                                                      100000000000000,
                                                      1000000000000000,
                                                      10000000000000000,
                                                      100000000000000000,
                                                      1000000000000000000};

/* --- 128 bits --- */

enum att_err att_i128_multiply(att_i128 *out, att_i128 a, att_i128 b)
{
    att_i128 v = 0;

    if (__builtin_mul_overflow(a, b, &v) || v >= I128_LIMIT || v <= -I128_LIMIT) {
        return ATT_E_LIMIT;
    }
    *out = v;
    return ATT_OK;
}

enum att_err att_i128_add(att_i128 *out, att_i128 a, att_i128 b)
{
    att_i128 v = 0;

    if (__builtin_add_overflow(a, b, &v) || v >= I128_LIMIT || v <= -I128_LIMIT) {
        return ATT_E_LIMIT;
    }
    *out = v;
    return ATT_OK;
}

enum att_err att_i128_shift(att_i128 *out, att_i128 v, int power)
{
    while (power > 0) {
        int step = power < ATT_DECIMAL_DIGITS ? power : ATT_DECIMAL_DIGITS;

        if (att_i128_multiply(&v, v, POWER[step]) != ATT_OK) {
            return ATT_E_LIMIT;
        }
        power -= step;
    }
    *out = v;
    return ATT_OK;
}

/* Of a remainder of the sign of the numerator: does the truncated quotient move away from zero? */
static bool moves_away(att_i128 quotient, att_i128 remainder, att_i128 denominator, bool negative,
                       enum att_rounding how)
{
    att_i128 rest = remainder < 0 ? -remainder : remainder;
    att_i128 other = denominator - rest;

    switch (how) {
    case ATT_ROUND_HALF_EVEN:
        return rest > other || (rest == other && quotient % 2 != 0);
    case ATT_ROUND_HALF_AWAY:
        return rest >= other;
    case ATT_ROUND_DOWN:
        return negative;
    case ATT_ROUND_UP:
        return !negative;
    case ATT_ROUND_ZERO:
        break;
    }
    return false;
}

att_i128 att_i128_divide(att_i128 numerator, att_i128 denominator, enum att_rounding how)
{
    att_i128 quotient = 0;
    att_i128 remainder = 0;

    /* Of 64 bits, as almost all are, the processor divides itself. */
    if (numerator == (int64_t)numerator && denominator == (int64_t)denominator) {
        quotient = (int64_t)numerator / (int64_t)denominator;
        remainder = (int64_t)numerator % (int64_t)denominator;
    } else {
        quotient = numerator / denominator;
        remainder = numerator - quotient * denominator;
    }
    if (remainder == 0 || !moves_away(quotient, remainder, denominator, numerator < 0, how)) {
        return quotient;
    }
    return numerator < 0 ? quotient - 1 : quotient + 1;
}

/* --- decimals --- */

static bool within(att_i128 mantissa, int exponent)
{
    return mantissa < POWER[ATT_DECIMAL_DIGITS] && mantissa > -POWER[ATT_DECIMAL_DIGITS] &&
           exponent >= -ATT_DECIMAL_EXPONENT_MAX && exponent <= ATT_DECIMAL_EXPONENT_MAX;
}

bool att_decimal_ok(struct att_decimal d)
{
    return d.mantissa == 0 ? d.exponent == 0
                           : within(d.mantissa, d.exponent) && d.mantissa % 10 != 0;
}

/* The one spelling: no zero at the end of a mantissa. */
static enum att_err normal(struct att_decimal *out, att_i128 wide, int exponent)
{
    int64_t mantissa = 0;

    while (wide != 0 && wide != (int64_t)wide && wide % 10 == 0) {
        wide /= 10;
        exponent++;
    }
    if (wide != (int64_t)wide) {
        return ATT_E_LIMIT;
    }
    for (mantissa = (int64_t)wide; mantissa != 0 && mantissa % 10 == 0; mantissa /= 10) {
        exponent++;
    }
    if (mantissa == 0) {
        exponent = 0;
    }
    if (!within(mantissa, exponent)) {
        return ATT_E_LIMIT;
    }
    *out = (struct att_decimal){mantissa, exponent};
    return ATT_OK;
}

enum att_err att_decimal_make(struct att_decimal *out, int64_t mantissa, int exponent)
{
    return normal(out, mantissa, exponent);
}

/* Both at the smaller of their exponents. */
static enum att_err align(att_i128 *x, att_i128 *y, int *exponent, struct att_decimal a,
                          struct att_decimal b)
{
    int e = a.exponent < b.exponent ? a.exponent : b.exponent;
    int up = a.exponent > b.exponent ? a.exponent - e : b.exponent - e;
    enum att_err err = ATT_OK;

    *exponent = e;
    if (up <= ATT_DECIMAL_DIGITS) { /* 18 digits and 18 more are below 2^126 */
        *x = (att_i128)a.mantissa * POWER[a.exponent - e];
        *y = (att_i128)b.mantissa * POWER[b.exponent - e];
        return ATT_OK;
    }
    err = att_i128_shift(x, a.mantissa, a.exponent - e);

    return err == ATT_OK ? att_i128_shift(y, b.mantissa, b.exponent - e) : err;
}

static int sign_of(struct att_decimal d)
{
    return d.mantissa < 0 ? -1 : d.mantissa > 0 ? 1 : 0;
}

int att_decimal_compare(struct att_decimal a, struct att_decimal b)
{
    att_i128 x = 0;
    att_i128 y = 0;
    int exponent = 0;

    if (a.exponent == b.exponent) {
        return a.mantissa < b.mantissa ? -1 : a.mantissa > b.mantissa ? 1 : 0;
    }
    if (sign_of(a) != sign_of(b)) {
        return sign_of(a) < sign_of(b) ? -1 : 1;
    }
    if (align(&x, &y, &exponent, a, b) == ATT_OK) {
        return x < y ? -1 : x > y ? 1 : 0;
    }
    /* More than 20 decades apart: the larger exponent is the larger in size. */
    return (a.exponent < b.exponent) == (sign_of(a) > 0) ? -1 : 1;
}

enum att_err att_decimal_add(struct att_decimal *out, struct att_decimal a, struct att_decimal b)
{
    att_i128 x = 0;
    att_i128 y = 0;
    int exponent = 0;
    enum att_err err = align(&x, &y, &exponent, a, b);

    if (err == ATT_OK) {
        err = att_i128_add(&x, x, y);
    }
    return err == ATT_OK ? normal(out, x, exponent) : err;
}

enum att_err att_decimal_subtract(struct att_decimal *out, struct att_decimal a,
                                  struct att_decimal b)
{
    b.mantissa = -b.mantissa;
    return att_decimal_add(out, a, b);
}

enum att_err att_decimal_multiply(struct att_decimal *out, struct att_decimal a,
                                  struct att_decimal b)
{
    att_i128 product = 0;
    enum att_err err = att_i128_multiply(&product, a.mantissa, b.mantissa);

    return err == ATT_OK ? normal(out, product, a.exponent + b.exponent) : err;
}

struct att_decimal att_decimal_abs(struct att_decimal d)
{
    d.mantissa = d.mantissa < 0 ? -d.mantissa : d.mantissa;
    return d;
}

/* --- text --- */

struct scan {
    const uint8_t *p, *end;
    bool json; /* any spelling that RFC 8259 has, and not the shortest alone */
};

static bool is_digit(const struct scan *s)
{
    return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

/* Digits, each added to the mantissa; how many. LIMIT is left to the count: 18 digits always fit. */
static int digits(struct scan *s, int64_t *mantissa, int *significant)
{
    int count = 0;

    while (is_digit(s)) {
        if (*mantissa != 0 || *s->p != '0') {
            (*significant)++;
        }
        if (*significant <= ATT_DECIMAL_DIGITS) {
            *mantissa = *mantissa * 10 + (*s->p - '0');
        }
        s->p++;
        count++;
    }
    return count;
}

/* JSON alone: 'E', '+' and zeros in front. */
static void skip_longer_spelling(struct scan *s, bool negative)
{
    if (!s->json) {
        return;
    }
    if (!negative && s->p < s->end && *s->p == '+') {
        s->p++;
    }
    while (is_digit(s) && *s->p == '0' && s->end - s->p > 1) {
        s->p++;
    }
}

/* "e-3" at the end. */
static enum att_err read_exponent(struct scan *s, int *exponent)
{
    bool negative = false;
    int v = 0;
    int count = 0;

    s->p++;
    if (s->p < s->end && *s->p == '-') {
        negative = true;
        s->p++;
    }
    skip_longer_spelling(s, negative);
    if (!is_digit(s) || (!s->json && *s->p == '0')) {
        return ATT_E_FORMAT; /* none, or "e0", "e-0", "e03": not the shortest */
    }
    while (is_digit(s)) {
        v = count < 3 ? v * 10 + (*s->p - '0') : v;
        s->p++;
        count++;
    }
    if (count > 3) {
        return ATT_E_LIMIT;
    }
    *exponent += negative ? -v : v;
    return ATT_OK;
}

static enum att_err parse(struct att_decimal *out, struct att_slice text, bool json)
{
    struct scan s = {text.p, text.p == NULL ? NULL : text.p + text.len, json};
    bool negative = s.p < s.end && *s.p == '-';
    bool zero_first = false;
    int64_t mantissa = 0;
    int significant = 0;
    int whole = 0;
    int fraction = 0;
    int exponent = 0;
    enum att_err err = ATT_OK;

    s.p += negative ? 1 : 0;
    zero_first = is_digit(&s) && *s.p == '0';
    whole = digits(&s, &mantissa, &significant);
    if (whole == 0 || (zero_first && whole > 1)) {
        return ATT_E_FORMAT;
    }
    if (s.p < s.end && *s.p == '.') {
        s.p++;
        fraction = digits(&s, &mantissa, &significant);
        if (fraction == 0) {
            return ATT_E_FORMAT;
        }
    }
    if (s.p < s.end && (*s.p == 'e' || (json && *s.p == 'E'))) {
        err = read_exponent(&s, &exponent);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (s.p != s.end || (negative && mantissa == 0 && !json)) {
        return ATT_E_FORMAT;
    }
    if (significant > ATT_DECIMAL_DIGITS || fraction > 64) {
        return ATT_E_LIMIT;
    }
    return normal(out, negative ? -mantissa : mantissa, exponent - fraction);
}

enum att_err att_decimal_parse(struct att_decimal *out, struct att_slice text)
{
    return parse(out, text, false);
}

enum att_err att_decimal_parse_json(struct att_decimal *out, struct att_slice text)
{
    return parse(out, text, true);
}

char *att_decimal_print(char *out, size_t cap, struct att_decimal d)
{
    char digit[ATT_DECIMAL_TEXT];
    uint64_t size = d.mantissa < 0 ? (uint64_t)-d.mantissa : (uint64_t)d.mantissa;
    const char *sign = d.mantissa < 0 ? "-" : "";
    int len = snprintf(digit, sizeof(digit), "%llu", (unsigned long long)size);
    int behind = d.exponent < 0 ? -d.exponent : 0;

    if (d.exponent >= 0) {
        (void)snprintf(out, cap, "%s%s%.*s", sign, digit, d.mantissa == 0 ? 0 : d.exponent,
                       "000000000000000000");
    } else if (len > behind) {
        (void)snprintf(out, cap, "%s%.*s.%s", sign, len - behind, digit, digit + len - behind);
    } else {
        (void)snprintf(out, cap, "%s0.%.*s%s", sign, behind - len, "000000000000000000", digit);
    }
    return out;
}
