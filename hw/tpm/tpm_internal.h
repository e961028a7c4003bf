/* What the files of hw/tpm share: the stack's context, and slots that give back what they hold. */
#ifndef ATT_TPM_TPM_INTERNAL_H
#define ATT_TPM_TPM_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_esys.h>

#include "base/err.h"
#include "base/slice.h"
#include "tcg/pcr.h"
#include "tpm/link.h"
#include "tpm/tpm.h"

#define HW_STUCK_MAX 4

struct hw_tpm {
    struct hw_link *link;
    ESYS_CONTEXT *esys;
    uint32_t nv_buffer_max; /* 0: not asked yet */
    /* objects that could not be flushed when their call ended; tried again at the next one */
    ESYS_TR stuck[HW_STUCK_MAX];
    uint32_t stuck_count;
};

/*
 * hw_tpm_open_tcti - the same as hw_tpm_open over a TCTI that somebody made; owned from here on.
 *
 * simulator  send TPM2_Startup and flush what a dead client left
 */
ATT_MUST_USE enum att_err hw_tpm_open_tcti(struct hw_tpm **out, TSS2_TCTI_CONTEXT *tcti,
                                           void (*close_tcti)(TSS2_TCTI_CONTEXT **), bool simulator,
                                           struct att_diag *diag);

/* Refuse with the code of a failed command; says TPM_BUSY with the true code where that was hidden. */
enum att_err hw_tpm_fail(struct hw_tpm *tpm, struct att_diag *diag, TSS2_RC rc,
                         const char *command);

/* A handle of the stack that is given back when its owner leaves: an object, a session, an index. */
struct hw_slot {
    struct hw_tpm *tpm;
    ESYS_TR tr;  /* ESYS_TR_NONE: empty */
    bool loaded; /* takes a slot in the TPM (transient object or session): flush, not only forget */
};
#define HW_SLOT(slot, tpm_)                                                                        \
    ATT_CLEANUP(hw_slot_release) struct hw_slot slot = {.tpm = (tpm_), .tr = ESYS_TR_NONE}
void hw_slot_release(struct hw_slot *slot);

/* Begin a call: flush what the last one could not. */
void hw_tpm_begin(struct hw_tpm *tpm);

/* Open a persistent object or an NV index. rc of the stack. */
ATT_MUST_USE TSS2_RC hw_slot_open(struct hw_slot *slot, uint32_t handle);

/* One TPM2_GetCapability; free(*out). */
ATT_MUST_USE enum att_err hw_tpm_capability(TPMS_CAPABILITY_DATA **out, struct hw_tpm *tpm,
                                            const uint32_t what[3], struct att_diag *diag);

/* Our selection in the stack's form. */
void hw_selection_to_tss(TPML_PCR_SELECTION *out, const struct att_pcr_selection *sel);

/* NV_BUFFER_MAX, asked once. */
ATT_MUST_USE enum att_err hw_tpm_nv_buffer(uint32_t *out, struct hw_tpm *tpm,
                                           struct att_diag *diag);

/* Results of the stack are heap memory: for ATT_CLEANUP on locals of any pointer type. */
void hw_freep(void *pointer_to_pointer);

#endif
