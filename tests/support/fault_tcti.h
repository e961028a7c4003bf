/*
 * A line to a TPM on which things go wrong: a TCTI around swtpm's that changes the n-th answer.
 *
 * Faults are counted from when they are set. The command reaches the TPM unless the fault says
 * otherwise, as on a real line.
 */
#ifndef ATT_TEST_FAULT_TCTI_H
#define ATT_TEST_FAULT_TCTI_H

#include <stdbool.h>
#include <stdint.h>
#include <tss2/tss2_tcti.h>

enum fault {
    FAULT_NONE,
    FAULT_CODE,       /* the TPM is not asked; the answer is a header with this code */
    FAULT_CUT,        /* the answer's last byte is missing, its size field is not changed */
    FAULT_SHORT,      /* five bytes */
    FAULT_SIZE_FIELD, /* the size field is value */
    FAULT_TAG,        /* the tag is value */
    FAULT_FLIP,       /* byte number value (modulo the length) is inverted */
    FAULT_BYTE,       /* byte number value / 256 is value % 256 */
    FAULT_SILENCE,    /* no answer, and polling says so */
    FAULT_READ,       /* reading fails */
    FAULT_WRITE,      /* writing fails */
};

struct fault_plan {
    enum fault fault;
    uint32_t first; /* command number, from 0 */
    uint32_t count; /* how many in a row; 0: all from first */
    uint32_t value;
};

/* Connect to a fixture's TCTI ("swtpm:path=..."). Close through fault_tcti_close. */
TSS2_TCTI_CONTEXT *fault_tcti_new(const char *tcti);
void fault_tcti_close(TSS2_TCTI_CONTEXT **tcti);
void fault_tcti_plan(TSS2_TCTI_CONTEXT *tcti, const struct fault_plan *plan);
uint32_t fault_tcti_commands(const TSS2_TCTI_CONTEXT *tcti); /* sent since the plan was set */

#endif
