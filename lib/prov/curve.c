/* Calibration over whole numbers. Every bound is computed once, with the largest raw number of the range. */
#include "prov/curve.h"

#include "prov/wire.h"

#define EIGHTEEN_DIGITS ((att_i128)1000000000 * 1000000000)

static att_i128 size_of(att_i128 v)
{
    return v < 0 ? -v : v;
}

static enum att_err too_large(struct att_diag *diag)
{
    return att_fail(diag, ATT_E_LIMIT, ATT_R_CFG_SPEC, "calibration",
                    "expected values of at most 18 digits and steps of at most 126 bits over the "
                    "whole raw range");
}

/* sum += factor * size, all of them not negative */
static enum att_err add_product(att_i128 *sum, att_i128 factor, att_i128 size)
{
    att_i128 v = 0;
    enum att_err err = att_i128_multiply(&v, factor, size);

    return err == ATT_OK ? att_i128_add(sum, *sum, v) : err;
}

/* --- one scale --- */

/* The exponent that a coefficient has when it meets raw numbers counted in steps. */
static int scaled_exponent(const struct att_curve *k, size_t i)
{
    const struct att_calibration *c = &k->channel->calibration;
    int power = c->is_table ? 0 : (int)i;

    return c->value[i].exponent - power * k->channel->wire.decimals;
}

static enum att_err scale_values(struct att_curve *k)
{
    const struct att_calibration *c = &k->channel->calibration;
    enum att_err err = ATT_OK;

    k->exponent = INT16_MAX;
    for (size_t i = 0; i < k->count; i++)
        if (c->value[i].mantissa != 0 && scaled_exponent(k, i) < k->exponent)
            k->exponent = scaled_exponent(k, i);
    if (k->exponent == INT16_MAX)
        k->exponent = 0; /* nothing but zeros */
    for (size_t i = 0; err == ATT_OK && i < k->count; i++)
        if (c->value[i].mantissa != 0)
            err =
                att_i128_shift(&k->a[i], c->value[i].mantissa, scaled_exponent(k, i) - k->exponent);
    return err;
}

/* value / resolution = (a of the curve) * factor / divisor */
static enum att_err scale_resolution(struct att_curve *k)
{
    struct att_decimal r = k->channel->resolution;
    int up = k->exponent - r.exponent;
    enum att_err err = att_i128_shift(&k->factor, 1, up > 0 ? up : 0);

    return err == ATT_OK ? att_i128_shift(&k->divisor, r.mantissa, up < 0 ? -up : 0) : err;
}

static enum att_err steps(int64_t *out, const struct att_channel *c, struct att_decimal d,
                          struct att_diag *diag)
{
    enum att_err err = att_wire_steps(out, &c->wire, d);

    if (err == ATT_OK)
        return ATT_OK;
    return att_fail(diag, err == ATT_E_LIMIT ? ATT_E_LIMIT : ATT_E_CONFIG, ATT_R_CFG_SPEC, "raw",
                    "expected raw numbers of at most %d decimals and 18 digits, as the wire has",
                    c->wire.decimals);
}

static enum att_err scale_raws(struct att_curve *k, struct att_diag *diag)
{
    const struct att_channel *c = k->channel;
    enum att_err err = steps(&k->least, c, c->raw_min, diag);

    if (err == ATT_OK)
        err = steps(&k->most, c, c->raw_max, diag);
    for (size_t i = 0; err == ATT_OK && c->calibration.is_table && i < k->count; i++)
        err = steps(&k->raw[i], c, c->calibration.raw[i], diag);
    for (size_t i = 0; err == ATT_OK && i < c->fault_count; i++) {
        err = steps(&k->fault_from[i], c, c->fault[i].from, diag);
        if (err == ATT_OK)
            err = steps(&k->fault_to[i], c, c->fault[i].to, diag);
    }
    if (err == ATT_OK && k->least > k->most)
        err = att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_SPEC, "raw", "expected min below max");
    for (size_t i = 1; err == ATT_OK && c->calibration.is_table && i < k->count; i++)
        if (k->raw[i] <= k->raw[i - 1])
            err = att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_SPEC, "calibration",
                           "expected the raw numbers of a table to rise");
    return err;
}

/* --- bounds --- */

/* A result of at most bound * factor / (divisor * width) steps of the resolution fits in 18 digits. */
static enum att_err fits(const struct att_curve *k, att_i128 bound, att_i128 width)
{
    att_i128 numerator = 0;
    att_i128 denominator = 0;
    att_i128 mantissa = 0;
    enum att_err err = att_i128_multiply(&numerator, bound, k->factor);

    if (err == ATT_OK)
        err = att_i128_multiply(&denominator, k->divisor, width);
    if (err == ATT_OK)
        err = att_i128_multiply(&mantissa, numerator / denominator + 1,
                                k->channel->resolution.mantissa);
    if (err == ATT_OK && k->channel->resolution.exponent > 0)
        err = att_i128_shift(&mantissa, mantissa, k->channel->resolution.exponent);
    return err == ATT_OK && mantissa >= EIGHTEEN_DIGITS ? ATT_E_LIMIT : err;
}

/* Horner's intermediate results are no larger than the sum of all terms at the largest raw number. */
static enum att_err bound_polynomial(const struct att_curve *k)
{
    att_i128 largest = size_of(k->least) > size_of(k->most) ? size_of(k->least) : size_of(k->most);
    att_i128 power = 1;
    att_i128 bound = 0;
    enum att_err err = ATT_OK;

    if (largest == 0)
        largest = 1;
    for (size_t i = 0; err == ATT_OK && i < k->count; i++) {
        if (i > 0)
            err = att_i128_multiply(&power, power, largest);
        if (err == ATT_OK)
            err = add_product(&bound, size_of(k->a[i]), power);
    }
    return err == ATT_OK ? fits(k, bound, 1) : err;
}

/* y0 * width + (raw - x0) * (y1 - y0), raw anywhere in the range: the first and the last segment go on. */
static enum att_err bound_segment(const struct att_curve *k, size_t i)
{
    att_i128 x0 = k->raw[i];
    att_i128 width = k->raw[i + 1] - x0;
    att_i128 down = size_of(k->least - x0);
    att_i128 up = size_of(k->most - x0);
    att_i128 bound = 0;
    enum att_err err = add_product(&bound, size_of(k->a[i]), width);

    if (err == ATT_OK)
        err = add_product(&bound, size_of(k->a[i + 1] - k->a[i]), down > up ? down : up);
    return err == ATT_OK ? fits(k, bound, width) : err;
}

static enum att_err bound_all(const struct att_curve *k)
{
    enum att_err err = ATT_OK;

    if (!k->channel->calibration.is_table)
        return bound_polynomial(k);
    for (size_t i = 0; err == ATT_OK && i + 1 < k->count; i++)
        err = bound_segment(k, i);
    return err;
}

/* A straight line has the sign of its slope, a table the one that all its segments share. */
static int direction_of(const struct att_curve *k)
{
    int sign = 0;

    if (!k->channel->calibration.is_table)
        return k->count != 2 || k->a[1] == 0 ? 0 : k->a[1] > 0 ? 1 : -1;
    sign = k->a[1] > k->a[0] ? 1 : -1;
    for (size_t i = 0; i + 1 < k->count; i++)
        if ((k->a[i + 1] - k->a[i]) * sign <= 0)
            return 0;
    return sign;
}

static bool counts_ok(const struct att_channel *c)
{
    const struct att_calibration *cal = &c->calibration;

    return cal->is_table ? cal->count >= 2 && cal->count <= ATT_SPEC_POINTS_MAX
                         : cal->count >= 1 && cal->count <= ATT_SPEC_DEGREE_MAX + 1;
}

enum att_err att_curve_make(struct att_curve *out, const struct att_channel *c,
                            struct att_diag *diag)
{
    struct att_curve k = {.channel = c, .count = c->calibration.count};
    enum att_err err = ATT_OK;

    if (!counts_ok(c))
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_SPEC, "calibration",
                        "expected a polynomial of 1 to %d numbers, or a table of 2 to %d points",
                        ATT_SPEC_DEGREE_MAX + 1, ATT_SPEC_POINTS_MAX);
    if (c->resolution.mantissa <= 0)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_SPEC, "resolution",
                        "expected a number above zero");
    err = scale_raws(&k, diag);
    if (err != ATT_OK)
        return err;
    err = scale_values(&k);
    if (err == ATT_OK)
        err = scale_resolution(&k);
    if (err == ATT_OK)
        err = bound_all(&k);
    if (err != ATT_OK)
        return too_large(diag);
    k.direction = direction_of(&k);
    *out = k;
    return ATT_OK;
}

/* --- values --- */

static att_i128 polynomial(const struct att_curve *k, int64_t raw)
{
    att_i128 p = k->a[k->count - 1];

    for (size_t i = k->count - 1; i-- > 0;)
        p = p * raw + k->a[i];
    return p;
}

/* The last segment that begins at or before raw; the first when none does. */
static size_t segment_of(const struct att_curve *k, int64_t raw)
{
    size_t i = 0;

    while (i + 2 < k->count && k->raw[i + 1] <= raw)
        i++;
    return i;
}

enum att_err att_curve_value(struct att_decimal *out, const struct att_curve *k, int64_t raw)
{
    att_i128 numerator = 0;
    att_i128 denominator = k->divisor;
    att_i128 steps_of_resolution = 0;

    if (raw < k->least || raw > k->most)
        return ATT_E_LIMIT;
    if (k->channel->calibration.is_table) {
        size_t i = segment_of(k, raw);
        att_i128 width = k->raw[i + 1] - k->raw[i];

        numerator = k->a[i] * width + (raw - k->raw[i]) * (k->a[i + 1] - k->a[i]);
        denominator *= width;
    } else {
        numerator = polynomial(k, raw);
    }
    steps_of_resolution = att_i128_divide(numerator * k->factor, denominator, k->channel->rounding);
    return att_decimal_make(out, (int64_t)(steps_of_resolution * k->channel->resolution.mantissa),
                            k->channel->resolution.exponent);
}

const char *att_curve_fault(const struct att_curve *k, int64_t raw)
{
    for (size_t i = 0; i < k->channel->fault_count; i++)
        if (raw >= k->fault_from[i] && raw <= k->fault_to[i])
            return k->channel->fault[i].means;
    return NULL;
}

enum att_err att_curve_reaches(const struct att_curve *k, struct att_decimal value)
{
    int64_t low = k->least;
    int64_t high = k->most;
    struct att_decimal v = {0};
    enum att_err err = ATT_OK;

    if (k->direction == 0)
        return ATT_E_UNSUPPORTED;
    /* The first raw number whose value is not before this one, in the curve's direction. */
    while (err == ATT_OK && low < high) {
        int64_t middle = low + (high - low) / 2;

        err = att_curve_value(&v, k, middle);
        if (att_decimal_compare(v, value) * k->direction >= 0)
            high = middle;
        else
            low = middle + 1;
    }
    if (err == ATT_OK)
        err = att_curve_value(&v, k, low);
    if (err != ATT_OK)
        return err;
    return att_decimal_equal(v, value) ? ATT_OK : ATT_E_MISMATCH;
}
