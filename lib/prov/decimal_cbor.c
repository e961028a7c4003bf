/* One spelling of each number in CBOR too: 1.50 is refused where 1.5 is meant. */
#include "prov/decimal_cbor.h"

#include "base/guard.h"

#define TAG 4

void att_decimal_write(struct att_wr *w, struct att_decimal d)
{
    att_cbor_wr_tag(w, TAG);
    att_cbor_wr_array(w, 2);
    att_cbor_wr_int(w, d.exponent);
    att_cbor_wr_int(w, d.mantissa);
}

struct att_decimal att_decimal_read(struct att_cbor *c)
{
    struct att_decimal d = {0, 0};
    int64_t exponent = 0;

    if (att_cbor_tag(c) != TAG) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    if (att_cbor_enter_array(c, 2) != 2) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    exponent = att_cbor_int(c);
    d.mantissa = att_cbor_int(c);
    att_cbor_leave(c);
    if (exponent < -ATT_DECIMAL_EXPONENT_MAX || exponent > ATT_DECIMAL_EXPONENT_MAX) {
        att_cbor_fail(c, ATT_E_LIMIT);
    }
    d.exponent = att_cbor_ok(c) ? (int)exponent : 0;
    if (att_cbor_ok(c) && ATT_GUARD(DECIMAL_SPELLING, !att_decimal_ok(d))) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    return att_cbor_ok(c) ? d : (struct att_decimal){0, 0};
}
