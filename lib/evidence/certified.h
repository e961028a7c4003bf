/*
 * One key of a TPM vouches for another one beside it: TPM2_Certify, judged against what we expect of it.
 *
 * A restricted key signs a structure that begins as the TPM's own ones do only when the TPM made it. So who trusts
 * the signer, by its certificate, knows that a key of the certified name, attributes included, is in the same TPM.
 */
#ifndef ATT_EVIDENCE_CERTIFIED_H
#define ATT_EVIDENCE_CERTIFIED_H

#include "base/err.h"
#include "base/reason.h"
#include "base/slice.h"
#include "tcg/ak.h"

struct att_certify_expect {
    const struct att_ak *signer;     /* a primary of the endorsement hierarchy */
    struct att_slice qualifying;     /* the exact extraData */
    struct att_slice name;           /* of the certified key */
    struct att_slice qualified_name; /* of the same */
    enum att_reason reason;          /* what a refusal is called */
};

/*
 * att_certify_verify - the order of checks is fixed: format, magic, type, signature with its algorithm, signer,
 * qualifying data, name, qualified name; the first that fails is reported.
 *
 * Errors  FORMAT... (FMT_ATTEST); MISMATCH SIGNATURE UNSUPPORTED (expect->reason), with a stable word in diag->field:
 *         certify.magic, .type, .signature, .signer, .nonce, .name, .place; CRYPTO NOMEM
 * Source  TPM 2.0 Part 2, 10.12.3; TCG, TPM 2.0 Keys for Device Identity and Attestation 1.0, 6
 */
ATT_MUST_USE enum att_err att_certify_verify(struct att_slice attest, struct att_slice signature,
                                             const struct att_certify_expect *expect,
                                             struct att_diag *diag);

#endif
