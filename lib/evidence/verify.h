/*
 * From bytes to believed: the only makers of att_quoted and att_verified.
 *
 * att_quoted: one TPMS_ATTEST whose magic, type, signature, signer, nonce and selection are what the
 * caller expects. att_verified: an att_quoted whose PCR digest the logs explain, with the prefix of each
 * log that does.
 */
#ifndef ATT_EVIDENCE_VERIFY_H
#define ATT_EVIDENCE_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/key.h"
#include "crypto/verify.h"
#include "evidence/context.h"
#include "evidence/evidence.h"
#include "evidence/parts.h"
#include "tcg/evlog.h"
#include "tcg/pcr.h"
#include "tcg/quote.h"

/* What must have been signed, from what we know ourselves. */
struct att_expect {
    const struct att_pubkey *ak;
    enum att_scheme scheme;
    enum att_hash hash;
    struct att_slice qualified_signer; /* empty: not judged (raw appraisal only) */
    struct att_slice qualifying;       /* the exact extraData */
    bool any_qualifying;               /* raw appraisal without --nonce */
    struct att_pcr_selection selection;
    bool any_selection; /* raw appraisal: any but the empty one */
};

struct att_quoted;

/*
 * att_quote_verify - the order of checks is fixed: format, magic, type, algorithm, signature, signer,
 * nonce, selection; the first that fails is reported.
 * Errors  FORMAT... (FMT_ATTEST), MISMATCH (Q_MAGIC Q_TYPE Q_SIGNER Q_NONCE Q_PCRSEL), SIGNATURE
 *         (Q_SIG), UNSUPPORTED (Q_SIGALG), CRYPTO NOMEM
 * Source  TPM 2.0 Part 2, 10.12; RFC 9683 section 5
 */
ATT_MUST_USE enum att_err att_quote_verify(struct att_quoted **out, struct att_slice attest,
                                           struct att_slice signature,
                                           const struct att_expect *expect, struct att_diag *diag);
const struct att_quote *att_quoted_quote(const struct att_quoted *q); /* borrows the attest bytes */
void att_quoted_free(struct att_quoted *q);
void att_quoted_freep(struct att_quoted **q);

/*
 * att_clock_check - Q_CLOCK unless (resetCount, restartCount, clock) rose, compared in that order (D6).
 * The counters may stay while the clock rises; a clock that is not safe is no failure by itself.
 */
ATT_MUST_USE enum att_err att_clock_check(const struct att_clock_info *now,
                                          const struct att_clock_info *prior,
                                          struct att_diag *diag);

/* Where the verifier stands in one log of one boot. */
struct att_log_state {
    bool known;
    uint64_t off;                 /* bytes judged */
    uint64_t count;               /* entries judged; for the own log the next record number */
    uint8_t pcr[ATT_HASH_MAX];    /* ima and own: the PCR after them, in the policy's bank */
    struct att_pcr_values values; /* uefi only: the PCRs that the log explains */
};

/* What the verifier keeps of a device between attestations. */
struct att_boot_state {
    bool known; /* false before the first accepted evidence */
    struct att_clock_info clock;
    uint64_t firmware_version;
    uint64_t first_clock_ms; /* the clock when this resetCount was first accepted */
    struct att_log_state log[ATT_LOG__COUNT]; /* of boot (clock.reset_count, clock.restart_count) */
};

/* A state of a boot beside the quote that it is said to be the state of. */
struct att_stated {
    const struct att_quoted *quoted;
    enum att_hash hash; /* of the scheme that the quote is signed with */
    const struct att_boot_state *state;
    uint32_t ima_pcr, own_pcr;
};

/*
 * att_stated_values - the quoted PCR values, without a log: those of the state, when the TPM signed just these.
 * Errors  MISMATCH (LOG_PCR) it did not; LIMIT NOT_FOUND UNSUPPORTED CRYPTO
 */
ATT_MUST_USE enum att_err att_stated_values(struct att_pcr_values *out, const struct att_stated *s,
                                            struct att_diag *diag);

/* Which PCR belongs to which log. */
struct att_log_rules {
    enum att_hash bank;
    uint32_t boot_mask; /* PCRs of the firmware log, such as 0x3ff */
    uint32_t ima_pcr;
    uint32_t own_pcr;
    uint32_t window; /* entries at the end of ima and own that the quote may be older than */
    const struct att_ima_parts
        *parts; /* where the kernel list goes on; NULL: no part came before */
};

struct att_verified;

/*
 * att_evidence_verify - att_quote_verify, then the clock rules against prior, that the PCRs of each sent
 * log are quoted, then the replay of the logs and the search for the prefix that reproduces pcrDigest (D4).
 * prior   NULL or not known: no clock rules, every log starts at offset 0
 * Errors  as att_quote_verify; MISMATCH (Q_CLOCK Q_RESET Q_BANK LOG_PCR OWN_FOREIGN OWN_LOG PART_BOOT
 *         PART_ORDER); FORMAT of a log (FMT_UEFI FMT_IMA FMT_CEL LOG_DIGEST)
 */
ATT_MUST_USE enum att_err
att_evidence_verify(struct att_verified **out, const struct att_evidence *ev,
                    const struct att_expect *expect, const struct att_log_rules *rules,
                    const struct att_boot_state *prior, struct att_diag *diag);
void att_verified_free(struct att_verified *v);
void att_verified_freep(struct att_verified **v);

const struct att_quote *att_verified_quote(const struct att_verified *v);
const struct att_evidence *att_verified_evidence(const struct att_verified *v);
const struct att_pcr_values *
att_verified_pcrs(const struct att_verified *v); /* the quoted values */
/* The part of a log that the quote covers, borrowed from the evidence; the rest is unattested. */
struct att_slice att_verified_log(const struct att_verified *v, enum att_log log);
uint64_t att_verified_unattested(const struct att_verified *v,
                                 enum att_log log); /* bytes behind it */
/* The state to keep when this evidence is accepted. */
const struct att_boot_state *att_verified_state(const struct att_verified *v);
/* The firmware log, when this evidence brought it; NULL when it was judged before or is not sent. */
const struct att_evlog *att_verified_boot_log(const struct att_verified *v);
/* What it leads to, in every bank; for a log judged before only the policy's. NULL when none is sent. */
const struct att_pcr_values *att_verified_boot_values(const struct att_verified *v);
/* The number of the sent part's first entry; for the own log the record number it must carry. */
uint64_t att_verified_log_first(const struct att_verified *v, enum att_log log);
/* The TPM's firmware version is not the one of the last accepted evidence. */
bool att_verified_firmware_changed(const struct att_verified *v);
/* The own log, as far as the quote covers it, tells of another kernel without a reset of the TPM. */
bool att_verified_kexec(const struct att_verified *v);
const struct att_quoted *att_verified_quoted(const struct att_verified *v); /* borrowed */
/* True when a log was judged from the prior state and brought nothing new. */
bool att_verified_log_continued(const struct att_verified *v, enum att_log log);

#endif
