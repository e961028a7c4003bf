/* Decimal numbers in CBOR: tag 4 of [exponent, mantissa] (RFC 8949 section 3.4.4), in the one spelling of decimal.h. */
#ifndef ATT_PROV_DECIMAL_CBOR_H
#define ATT_PROV_DECIMAL_CBOR_H

#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "prov/decimal.h"

void att_decimal_write(struct att_wr *w, struct att_decimal d);
/* Zero on failure, which sticks in c: FORMAT, also for another spelling of a number; LIMIT. */
struct att_decimal att_decimal_read(struct att_cbor *c);

#endif
