/* The value that follows from a frame under a specification: the one way, for gateway and partner. */
#ifndef ATT_PROV_VALUE_H
#define ATT_PROV_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "prov/curve.h"
#include "prov/past.h"

enum att_value_kind {
    ATT_VALUE_KNOWN,
    ATT_VALUE_NO_FRAME,   /* nothing was read */
    ATT_VALUE_UNREADABLE, /* the frame holds no number */
    ATT_VALUE_FAULT,      /* the raw number means a fault of the sensor or its wire */
    ATT_VALUE_OUTSIDE,    /* the raw number is outside of the channel's range */
    ATT_VALUE_FILLING,    /* the filter has not seen enough raw numbers in a row yet */
};

/* What a frame leads to. */
struct att_derived {
    enum att_value_kind kind;
    bool has_raw;
    int64_t raw;              /* of the frame, before the filter; steps of 10^-decimals */
    struct att_decimal value; /* when it is known; else zero */
};

/* past: of the channel, without this frame. */
struct att_derived att_derive(const struct att_curve *k, const struct att_past *past,
                              struct att_slice frame);
/* Why a frame gave no value: what was expected and found. Nothing to say of what is known. */
void att_derived_why(const struct att_derived *d, const struct att_curve *k, struct att_slice frame,
                     struct att_diag *why);

#endif
