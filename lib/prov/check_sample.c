/* The sample against its specification: nothing else is looked at, so that everybody comes to the same outcome. */
#include <string.h>

#include "base/guard.h"
#include "prov/check_internal.h"

enum att_check_status att_tc_identity(const struct att_check_in *in, struct att_diag *why)
{
    char found[64];

    if (in->channel->sensor[0] == '\0')
        return ATT_CHECK_NOT_APPLICABLE;
    if (in->now->identity.len == 0)
        return ATT_CHECK_NOT_RUN;
    if (att_slice_eq(in->now->identity, att_slice_str(in->channel->sensor)))
        return ATT_CHECK_PASS;
    (void)att_fail(why, ATT_E_MISMATCH, ATT_R_PRV_SENSOR, "identity",
                   "expected the device \"%s\", found \"%s\"", in->channel->sensor,
                   att_escape(found, sizeof(found), in->now->identity.p, in->now->identity.len));
    return ATT_CHECK_FAIL;
}

enum att_check_status att_tc_register_map(const struct att_check_in *in, struct att_diag *why)
{
    if (in->derived.has_raw)
        return ATT_CHECK_PASS;
    if (in->derived.kind == ATT_VALUE_NO_FRAME)
        return ATT_CHECK_NOT_RUN;
    att_derived_why(&in->derived, in->curve, in->now->frame, why);
    return ATT_CHECK_FAIL;
}

enum att_check_status att_tc_spec(const struct att_check_in *in, struct att_diag *why)
{
    if (memcmp(in->now->spec, in->channel->digest, sizeof(in->now->spec)) == 0)
        return ATT_CHECK_PASS;
    return att_check_no(why, "spec",
                        "expected the digest of channel %s of specification %s version %llu",
                        in->channel->id, in->spec->id, (unsigned long long)in->spec->version);
}

enum att_check_status att_tc_recomputed(const struct att_check_in *in, struct att_diag *why)
{
    char expected[ATT_DECIMAL_TEXT], found[ATT_DECIMAL_TEXT];
    enum att_value_kind kind = in->derived.kind;

    if (kind == ATT_VALUE_FILLING || (kind != ATT_VALUE_KNOWN && !in->now->has_value))
        return ATT_CHECK_NOT_RUN;
    if (kind != ATT_VALUE_KNOWN)
        return att_check_no(why, "value", "expected none, because the frame gives none");
    if (in->now->has_value && att_decimal_equal(in->derived.value, in->now->value))
        return ATT_CHECK_PASS;
    return att_check_no(why, "value", "expected %s, found %s",
                        att_decimal_print(expected, sizeof(expected), in->derived.value),
                        in->now->has_value ? att_decimal_print(found, sizeof(found), in->now->value)
                                           : "none");
}

enum att_check_status att_tc_round_trip(const struct att_check_in *in, struct att_diag *why)
{
    enum att_err err = ATT_OK;

    if (in->curve->direction == 0)
        return ATT_CHECK_NOT_APPLICABLE;
    if (!in->now->has_value)
        return ATT_CHECK_NOT_RUN;
    /* What the frame's own raw number gives needs no search. */
    if (in->derived.kind == ATT_VALUE_KNOWN && att_decimal_equal(in->derived.value, in->now->value))
        return ATT_CHECK_PASS;
    err = att_curve_reaches(in->curve, in->now->value);
    return err == ATT_OK ? ATT_CHECK_PASS
                         : att_check_no(why, "value", "expected one that some raw number gives");
}

/* A whole number of steps of the resolution? */
static bool is_multiple(struct att_decimal v, struct att_decimal resolution)
{
    att_i128 steps = 0;

    if (v.mantissa == 0)
        return true;
    if (v.exponent < resolution.exponent ||
        att_i128_shift(&steps, v.mantissa, v.exponent - resolution.exponent) != ATT_OK)
        return false;
    return steps % resolution.mantissa == 0;
}

enum att_check_status att_tc_unit(const struct att_check_in *in, struct att_diag *why)
{
    char found[ATT_PROV_ID * 4];

    if (!att_slice_eq(in->now->unit, att_slice_str(in->channel->unit)))
        return att_check_no(why, "unit", "expected %s, found %s", in->channel->unit,
                            att_escape(found, sizeof(found), in->now->unit.p, in->now->unit.len));
    if (!in->now->has_value || is_multiple(in->now->value, in->channel->resolution))
        return ATT_CHECK_PASS;
    return att_check_no(why, "value", "expected a multiple of %s",
                        att_decimal_print(found, sizeof(found), in->channel->resolution));
}

enum att_check_status att_tc_complete(const struct att_check_in *in, struct att_diag *why)
{
    if (in->now->frame.len == 0)
        return att_check_no(why, "frame", "expected a raw frame, found none");
    if (in->channel->sensor[0] != '\0' && in->now->identity.len == 0)
        return att_check_no(why, "identity", "expected the device's identity, found none");
    if (in->channel->has_second && in->now->second.len == 0)
        return att_check_no(why, "second", "expected the frame of the second path, found none");
    if (in->channel->has_stimulus && in->now->stimulus.len == 0)
        return att_check_no(why, "stimulus", "expected the frame of the reference, found none");
    return ATT_CHECK_PASS;
}
