/* Reading one NV index, for the files of hw/tpm. */
#ifndef ATT_TPM_NV_INTERNAL_H
#define ATT_TPM_NV_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "tpm/tpm_internal.h"

/*
 * hw_nv_read - a whole index of at most max bytes; the caller frees *out.
 *
 * tpm->nv_buffer_max must be known. Returns a code of the stack: TPM2_RC_HANDLE no such index,
 * TPM2_RC_SIZE larger than max, TPM2_RC_NV_AUTHORIZATION nobody that we are may read it.
 */
ATT_MUST_USE TSS2_RC hw_nv_read(struct att_buf **out, struct hw_tpm *tpm, uint32_t index,
                                size_t max);

/* After this code no further command should be tried: the link is gone, busy, locked out. */
bool hw_rc_is_final(const struct hw_tpm *tpm, TSS2_RC rc);

#endif
