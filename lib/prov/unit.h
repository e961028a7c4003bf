/*
 * Units of measure as UCUM writes them: "m", "Cel", "L/s", "m[H2O]", "10*3/uL", "kg.m/s2".
 *
 * The grammar is checked and not the table of atoms: a unit is compared and shown, never converted.
 */
#ifndef ATT_PROV_UNIT_H
#define ATT_PROV_UNIT_H

#include <stdbool.h>

#define ATT_UNIT_MAX 24 /* bytes */

/* Is this a term of UCUM (case sensitive), without blanks, of 1 to ATT_UNIT_MAX bytes? */
bool att_unit_ok(const char *text);

#endif
