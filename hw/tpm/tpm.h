/*
 * The TPM of this machine: what it is, who it is, and what it signs.
 *
 * Nothing of the TPM stack crosses this header: handles are numbers, keys and attestations are the
 * bytes that the TPM marshalled. Between two calls nothing of ours is loaded in the TPM: no transient
 * object, no session, so that a bare simulator with three slots is enough. Within a call there are at
 * most two objects and one session.
 *
 * Every function that takes a diagnosis refuses with one of
 *   TPM_ABSENT   no device, no simulator, no permission
 *   TPM_IO       the TPM or the link answered with an error, or with nonsense, or not at all
 *   TPM_LOCKOUT  too many wrong authorisations; nothing that needs one is tried again
 *   TPM_RES      no free slot for an object or session
 *   TPM_BUSY     still busy after ten tries in five seconds
 * (err is ATT_E_BUSY for the last, else ATT_E_TPM, unless a function says otherwise) and a text that
 * names the TPM command, the return code and what to do. Not for use by two threads at once.
 */
#ifndef ATT_TPM_TPM_H
#define ATT_TPM_TPM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "tcg/pcr.h"
#include "tcg/quote.h"

#define HW_TPM_DEVICE "/dev/tpmrm0"

struct hw_tpm; /* an open connection; costs memory only while it is open */

/*
 * hw_tpm_open - connect, and check that something answers.
 *
 * tcti    "device:/dev/tpmrm0", "swtpm:path=/abs/sock" (control socket /abs/sock.ctrl),
 *         "swtpm:host=127.0.0.1,port=N" (control port N+1), "mssim:host=...,port=N" or
 *         "mssim:path=/abs/sock"; NULL tries HW_TPM_DEVICE and nothing else. Another kind is CONFIG
 *         with CFG_KEY: it would load code by name.
 * A simulator that is freshly started answers everything with TPM_RC_INITIALIZE, because no firmware
 * sent TPM2_Startup; so one is sent (CLEAR) to simulators, and never to a device.
 * Side effect: the TPM stack's own log lines are switched off (environment variable TSS2_LOG).
 */
ATT_MUST_USE enum att_err hw_tpm_open(struct hw_tpm **out, const char *tcti, struct att_diag *diag);

/* Close and give back all memory; NULL is a no-op. The state of the TPM is not touched. */
void hw_tpm_close(struct hw_tpm *tpm);
void hw_tpm_closep(struct hw_tpm **tpm);

/* TPM2_Shutdown(CLEAR): for an orderly stop of a simulator. A device is shut down by its kernel. */
ATT_MUST_USE enum att_err hw_tpm_shutdown(struct hw_tpm *tpm, struct att_diag *diag);

/* What the TPM says about itself (TPM 2.0 Part 2, 6.13). */
struct hw_tpm_bank {
    enum att_hash alg;
    uint32_t mask;       /* PCRs that this bank holds; 0: the bank is not active */
    bool never_extended; /* active, yet PCR 0-7 are all zero: nobody measured the boot into it */
};
struct hw_tpm_info {
    char manufacturer[5]; /* such as "IFX " or "IBM " */
    char vendor[17];      /* vendor string, trailing spaces cut */
    uint64_t firmware;    /* as in TPMS_ATTEST */
    uint32_t spec_level;  /* 100 * revision, such as 138, 159 */
    uint32_t lockout_counter, lockout_max;
    uint32_t lockout_interval_s; /* seconds until the counter falls by one */
    bool in_lockout;
    uint32_t nv_buffer_max; /* bytes of one NV read */
    uint32_t digest_max;    /* bytes of the largest digest; 2 more are the most qualifying data */
    uint32_t transient_free, persistent_free, sessions_free;
    struct hw_tpm_bank bank[ATT_PCR_BANKS];
    uint32_t bank_count; /* active banks that we know */
};
ATT_MUST_USE enum att_err hw_tpm_info(struct hw_tpm_info *out, struct hw_tpm *tpm,
                                      struct att_diag *diag);

/*
 * hw_tpm_self_test - the TPM's own opinion: TPM2_GetTestResult, after TPM2_SelfTest where something was not
 * tested yet. In failure mode that is the one thing, beside properties, that a TPM still answers.
 * Errors  TPM_IO with the maker's failure data in the text; TPM_BUSY while it tests
 */
ATT_MUST_USE enum att_err hw_tpm_self_test(struct hw_tpm *tpm, struct att_diag *diag);

/* Version of the TPM software stack that this program was built with, such as "3.2.1"; "" if unknown. */
const char *hw_tpm_stack(void);

/* Handles of one kind, such as 0x80000000 transient, 0x81000000 persistent, 0x02000000 sessions. */
#define HW_TPM_HANDLES_MAX 256
struct hw_tpm_handles {
    uint32_t count;
    uint32_t handle[HW_TPM_HANDLES_MAX];
};
ATT_MUST_USE enum att_err hw_tpm_handles(struct hw_tpm_handles *out, struct hw_tpm *tpm,
                                         uint32_t first, struct att_diag *diag);

/* Clock and counters as TPM2_ReadClock gives them: not signed. */
ATT_MUST_USE enum att_err hw_tpm_clock(struct att_clock_info *out, struct hw_tpm *tpm,
                                       struct att_diag *diag);

/*
 * hw_tpm_pcr_read - values of the selected PCRs; a PCR that its bank does not hold stays without value.
 *
 * Consistent: when a PCR moves while reading, it is read again, five times at most (then TPM_BUSY).
 */
ATT_MUST_USE enum att_err hw_tpm_pcr_read(struct att_pcr_values *out, struct hw_tpm *tpm,
                                          const struct att_pcr_selection *sel,
                                          struct att_diag *diag);

/* One extend, all banks in one command. A bank that is left out is not extended. */
struct hw_pcr_digest {
    enum att_hash alg;
    uint8_t value[ATT_HASH_MAX]; /* att_hash_size(alg) bytes */
};
ATT_MUST_USE enum att_err hw_tpm_pcr_extend(struct hw_tpm *tpm, uint32_t pcr,
                                            const struct hw_pcr_digest *digests, size_t count,
                                            struct att_diag *diag);

#endif
