/*
 * A period statement: what an auditor signs about a log and a period (docs/formats/report.md).
 *
 * It has the figures, the log's tree at both ends of the period, and the checkpoint of the log that was audited with the proofs
 * that it begins with both trees: who has the log's key checks these without the log, and who has the log makes the same bytes.
 */
#ifndef ATT_REPORT_STATEMENT_H
#define ATT_REPORT_STATEMENT_H

#include <stdint.h>

#include "appraise/audit.h"
#include "appraise/period.h"
#include "base/buf.h"
#include "crypto/merkle.h"
#include "sign/document.h"
#include "sign/vkey.h"

#define ATT_STATEMENT_MAX (32U * 1024 * 1024) /* bytes */
/* Which text says what a statement does not show (docs/formats/report.md). */
#define ATT_STATEMENT_LIMITS "attestd-period-limits-1"

/* The tree of the first entries, and the proof that the audited tree begins with it. */
struct att_statement_end {
    struct att_merkle_head tree;
    struct att_merkle_path path;
};

struct att_statement_finding {
    uint64_t index;
    enum att_reason reason;
    char text[ATT_AUDIT_TEXT];
};

struct att_statement {
    struct att_period *period;  /* owned */
    struct att_buf *checkpoint; /* owned: the note, as the log signed it */
    struct att_statement_end begin, end;
    uint64_t audited; /* entries of the checkpoint's tree */
    uint64_t
        keys; /* label keys that signed entries up to there, each vouched for by an anchor of the auditor */
    uint64_t findings; /* contradictions among the entries of the period */
    struct att_statement_finding finding[ATT_AUDIT_KEPT]; /* the first */
};
void att_statement_free(struct att_statement *s);
void att_statement_freep(struct att_statement **s);

/* Deterministic CBOR. LIMIT (more than ATT_STATEMENT_MAX) INTERNAL (what att_statement_decode would refuse) NOMEM. */
ATT_MUST_USE enum att_err att_statement_encode(struct att_buf **out, const struct att_statement *s);
/*
 * att_statement_decode - well-formed, and figures that agree with each other; nothing else is believed.
 * Errors  FORMAT TRUNCATED TRAILING (FMT_REPORT) LIMIT (LIM_SIZE FMT_REPORT) UNSUPPORTED (RPT_VERSION) NOMEM;
 *         MISMATCH (RPT_SUMS)
 */
ATT_MUST_USE enum att_err att_statement_decode(struct att_statement **out, struct att_slice in,
                                               struct att_diag *diag);

/* Sign encoded bytes; what the signer says, NOMEM. */
ATT_MUST_USE enum att_err att_statement_sign(struct att_buf **out, struct att_slice encoded,
                                             const struct att_signer *signer);
/*
 * att_statement_open - the payload of a signed statement, borrowed from in by *out.
 *
 * name    the auditor's, as the trust folder has it; kid is written also when nobody knows the signer
 * Errors  UNTRUSTED (RPT_SIGNER: none of auditors) SIGNATURE (RPT_SIGNATURE) FORMAT (RPT_SIGNATURE: no signed statement)
 */
ATT_MUST_USE enum att_err att_statement_open(struct att_cose_verified **out, uint8_t kid[32],
                                             const char **name, struct att_slice in,
                                             const struct att_signers *auditors,
                                             struct att_diag *diag);
/* The same payload with nobody asked, for what is shown as not verified. FORMAT SIGNATURE (RPT_SIGNATURE). */
ATT_MUST_USE enum att_err att_statement_peek(struct att_slice *payload, uint8_t kid[32],
                                             struct att_slice in, struct att_diag *diag);

/*
 * att_statement_check_log - did this log sign the checkpoint, and does its tree begin with those of both ends?
 * Errors  those of att_checkpoint_open; MISMATCH (TL_CONSIST, RPT_SUMS: the statement says another size) CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err att_statement_check_log(const struct att_statement *s,
                                                  const struct att_vkey *log,
                                                  struct att_diag *diag);
/* The origin of the checkpoint, whose signature is not verified by this. Borrowed from s. TL_CKPT. */
ATT_MUST_USE enum att_err att_statement_origin(struct att_slice *out, const struct att_statement *s,
                                               struct att_diag *diag);

#endif
