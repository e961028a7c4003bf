/*
 * TPMS_ATTEST of TPM2_Certify (TPM 2.0 Library Part 2, 10.12.3; Part 3, 18.2): a key of a TPM says that another one
 * is loaded beside it. Parsed strictly, believing nothing.
 */
#ifndef ATT_TCG_CERTIFY_H
#define ATT_TCG_CERTIFY_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "tcg/quote.h"

#define ATT_TPM_ST_ATTEST_CERTIFY 0x8017U

struct att_certify {
    uint32_t magic; /* judged by the verifier, not here: as in att_quote */
    uint16_t type;
    struct att_slice qualified_signer; /* TPM2B_NAME content */
    struct att_slice extra_data;       /* qualifying data */
    struct att_clock_info clock;
    uint64_t firmware_version;
    struct att_slice name;           /* of the certified object; only when type is CERTIFY */
    struct att_slice qualified_name; /* the same with its place in the TPM's hierarchies */
};

/*
 * att_certify_parse - decode one TPMS_ATTEST; slices are borrowed from in.
 *
 * A wrong magic or another type parses up to firmware_version, and name stays empty: the verifier refuses it.
 * Errors  TRUNCATED TRAILING FORMAT LIMIT, reason FMT_ATTEST
 */
ATT_MUST_USE enum att_err att_certify_parse(struct att_certify *out, struct att_slice in,
                                            struct att_diag *diag);

#endif
