/* What every TPMS_ATTEST begins with, read once for those of this folder that read one kind of it. */
#ifndef ATT_TCG_ATTEST_INTERNAL_H
#define ATT_TCG_ATTEST_INTERNAL_H

#include <stdint.h>

#include "base/rd.h"
#include "tcg/quote.h"

/* The fields before the body, which depends on the type (Part 2, 10.12.12). */
struct att_attest_head {
    uint32_t magic;
    uint16_t type;
    struct att_slice qualified_signer, extra_data;
    struct att_clock_info clock;
    uint64_t firmware_version;
};
void att_attest_head_read(struct att_rd *r, struct att_attest_head *out);

/* The bytes of a TPM2B of at most max. */
struct att_slice att_attest_2b(struct att_rd *r, uint32_t max);

#endif
