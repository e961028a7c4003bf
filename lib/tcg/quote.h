/*
 * TPMS_ATTEST of a quote and TPMT_SIGNATURE (TPM 2.0 Library Part 2, 10.12 and 11.3): parsed
 * strictly, believing nothing.
 */
#ifndef ATT_TCG_QUOTE_H
#define ATT_TCG_QUOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "crypto/verify.h"
#include "tcg/pcr.h"

#define ATT_QUOTE_MAX           1024
#define ATT_TPM_SIG_MAX         131078 /* the largest TPMT_SIGNATURE that its size fields can say */
#define ATT_TPM_GENERATED       0xff544347U
#define ATT_TPM_ST_ATTEST_QUOTE 0x8018U

struct att_clock_info {
    uint64_t clock_ms; /* powered time since the TPM was last cleared, not wall time */
    uint32_t reset_count;
    uint32_t restart_count;
    bool safe;
};

struct att_quote {
    uint32_t magic; /* judged by the verifier, not here: see below */
    uint16_t type;
    struct att_slice qualified_signer; /* TPM2B_NAME content */
    struct att_slice extra_data;       /* qualifying data */
    struct att_clock_info clock;
    uint64_t firmware_version;
    struct att_pcr_selection selection; /* only when type is QUOTE */
    struct att_slice pcr_digest;        /* only when type is QUOTE */
};

/*
 * att_quote_parse - decode one TPMS_ATTEST; slices are borrowed from in.
 *
 * A wrong magic, or another type of attestation structure, is no malformed input but a lie with its
 * own code: such a structure parses up to firmware_version, with its body left unread and
 * pcr_digest empty, and the verifier refuses it (Q_MAGIC, Q_TYPE).
 * Errors  TRUNCATED TRAILING FORMAT LIMIT, reason FMT_ATTEST
 */
ATT_MUST_USE enum att_err att_quote_parse(struct att_quote *out, struct att_slice in,
                                          struct att_diag *diag);

struct att_tpm_sig {
    uint16_t alg; /* 0x0014 RSASSA, 0x0016 RSAPSS, 0x0018 ECDSA */
    enum att_scheme scheme;
    enum att_hash hash;
    struct att_slice a; /* RSA: the signature. ECDSA: r */
    struct att_slice b; /* ECDSA: s */
};

/* Strict TPMT_SIGNATURE. UNSUPPORTED scheme or hash is reported with Q_SIGALG, else FMT_ATTEST. */
ATT_MUST_USE enum att_err att_tpm_sig_parse(struct att_tpm_sig *out, struct att_slice in,
                                            struct att_diag *diag);

/*
 * The raw form of crypto/verify.h for a key: r and s left padded. SIGNATURE (Q_SIG) when they
 * cannot fit; UNSUPPORTED (Q_SIGALG) when scheme and key are of two kinds.
 */
ATT_MUST_USE enum att_err att_tpm_sig_raw(const struct att_tpm_sig *sig,
                                          const struct att_pubkey *key, uint8_t *out, size_t cap,
                                          size_t *out_len, struct att_diag *diag);

#endif
