/*
 * From a raw frame to the raw number that it carries: which bytes, in which order, of which type.
 *
 * A raw number is a whole count of steps of 10^-decimals (of ones for the types without decimals), so that nothing
 * between the wire and the calibration rounds, but a binary32, which says how.
 */
#ifndef ATT_PROV_WIRE_H
#define ATT_PROV_WIRE_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "prov/spec.h"

/*
 * att_wire_raw - the raw number of a frame that was read from source.
 *
 * MODBUS  the response PDU: function, byte count, data (MODBUS Application Protocol 1.1b3, 6.1 to 6.4). A binary32 is
 *         rounded to decimals, half to even
 * others  text: the number itself, or a JSON object whose member wire->field it is. An end of line behind it is not
 *         part of it
 *
 * Errors  FORMAT (PRV_FRAME): an exception, another function or length, no number, a digit that is none, NaN and
 *         infinities; LIMIT (PRV_FRAME): more decimals than the specification has, or more than 18 digits; NOMEM
 */
ATT_MUST_USE enum att_err att_wire_raw(int64_t *raw, const struct att_channel_source *source,
                                       const struct att_channel_wire *wire, struct att_slice frame,
                                       struct att_diag *diag);

/* The raw number as a decimal: raw * 10^-decimals. LIMIT when it has more than 18 digits. */
ATT_MUST_USE enum att_err att_wire_decimal(struct att_decimal *out,
                                           const struct att_channel_wire *wire, int64_t raw);
/* The count of steps that a decimal is. LIMIT (more than 18 digits), MISMATCH (it lies between two steps). */
ATT_MUST_USE enum att_err att_wire_steps(int64_t *out, const struct att_channel_wire *wire,
                                         struct att_decimal d);

/* Registers that a type takes; 0 for text. */
unsigned int att_wire_registers(enum att_wire_type type);

#endif
