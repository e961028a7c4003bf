/*
 * Enrolled devices as the keeper uses them: the record, and the attestation key as an object.
 *
 * A bounded cache before the store: building a key from its point costs as much as a third of a
 * signature check. What is cached never changes under its enrolment number; a removal, another hold or
 * another data key forgets it.
 */
#ifndef ATTESTD_VERIFIER_KEEPER_UNIT_H
#define ATTESTD_VERIFIER_KEEPER_UNIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tcg/ak.h"
#include "verifier/store/store.h"

struct unit {
    struct store_device device;
    struct store_hold hold;
    struct store_data_key data_key;
    struct att_ak ak;
};

struct units;

ATT_MUST_USE enum att_err units_new(struct units **out, size_t cap);
void units_free(struct units *u);
void units_freep(struct units **u);

/*
 * unit_get - borrowed until the next call of this module.
 * Errors  NOT_FOUND (ID_UNKNOWN), FORMAT (ST_CORRUPT: the record contradicts itself), IO NOMEM CRYPTO
 */
ATT_MUST_USE enum att_err unit_get(const struct unit **out, struct units *u, struct store *st,
                                   const char *id, struct att_diag *diag);
void unit_forget(struct units *u, const char *id);
void units_clear(struct units *u); /* after a transaction was rolled back */

#endif
