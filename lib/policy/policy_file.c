/* Policies as files: signed, or the YAML itself. */
#include "policy/policy_file.h"

#include <string.h>

#include "base/guard.h"

static const struct att_document_kind POLICY = {.what = "policy",
                                                .content_type = ATT_POLICY_CONTENT_TYPE,
                                                .purpose = ATT_POLICY_PURPOSE,
                                                .folder = "policy_signers",
                                                .reason = ATT_R_CFG_POLICYSIG};

static enum att_err open_signed(struct att_policy **out, struct att_slice in,
                                const struct att_signers *signers, struct att_policy_origin *origin,
                                struct att_diag *diag)
{
    ATT_CLEANUP(att_cose_verified_freep) struct att_cose_verified *v = NULL;
    enum att_err err = att_document_open(&v, origin->kid, NULL, &POLICY, in, signers, diag);

    origin->is_signed = true;
    return err == ATT_OK ? att_policy_decode(out, att_cose_payload(v), diag) : err;
}

enum att_err att_policy_open(struct att_policy **out, const char *name, struct att_slice in,
                             const struct att_signers *signers, bool unsigned_ok,
                             struct att_policy_origin *origin, struct att_diag *diag)
{
    struct att_policy_origin from = {0};
    enum att_err err = ATT_OK;

    if (att_document_is_signed(in)) {
        err = open_signed(out, in, signers, &from, diag);
    } else if (ATT_GUARD(POLICY_UNSIGNED, !unsigned_ok)) {
        return att_fail(diag, ATT_E_SIGNATURE, ATT_R_CFG_POLICYSIG, "policy",
                        "expected a signed policy, found none (attestctl policy sign makes one)");
    } else {
        err = att_policy_parse_yaml(out, name, in, diag);
    }
    if (err == ATT_OK && origin != NULL) {
        *origin = from;
    }
    return err;
}

enum att_err att_policy_peek(struct att_policy **out, const char *name, struct att_slice in,
                             struct att_policy_origin *origin, struct att_diag *diag)
{
    struct att_policy_origin from = {0};
    struct att_cose m;
    enum att_err err = ATT_OK;

    if (!att_document_is_signed(in)) {
        err = att_policy_parse_yaml(out, name, in, diag);
    } else {
        from.is_signed = true;
        err = att_document_peek(&m, from.kid, &POLICY, in, diag);
        if (err == ATT_OK) {
            err = att_policy_decode(out, m.payload_untrusted, diag);
        }
    }
    if (err == ATT_OK && origin != NULL) {
        *origin = from;
    }
    return err;
}

enum att_err att_policy_sign(struct att_buf **out, const struct att_policy *p,
                             const struct att_signer *signer)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *encoded = NULL;
    enum att_err err = att_policy_encode(&encoded, p);

    return err == ATT_OK ? att_document_sign(out, &POLICY, att_buf_slice(encoded), signer) : err;
}
