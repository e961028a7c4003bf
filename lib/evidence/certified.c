/* One certification judged, in the order in which a quote is. */
#include "evidence/certified.h"

#include "base/guard.h"
#include "crypto/digest.h"
#include "evidence/signed_internal.h"
#include "tcg/certify.h"

static enum att_err refuse(struct att_diag *diag, const struct att_certify_expect *expect,
                           const char *word, const char *what)
{
    return att_fail(diag, ATT_E_MISMATCH, expect->reason, word, "%s", what);
}

/* Part 2, 10.12.12: a restricted key signs nothing else that starts with TPM_GENERATED_VALUE. */
static enum att_err check_header(const struct att_certify *c,
                                 const struct att_certify_expect *expect, struct att_diag *diag)
{
    if (ATT_GUARD(CERTIFY_MAGIC, c->magic != ATT_TPM_GENERATED)) {
        return att_fail(diag, ATT_E_MISMATCH, expect->reason, "certify.magic",
                        "expected %08x, found %08x", ATT_TPM_GENERATED, (unsigned int)c->magic);
    }
    if (ATT_GUARD(CERTIFY_TYPE, c->type != ATT_TPM_ST_ATTEST_CERTIFY)) {
        return att_fail(diag, ATT_E_MISMATCH, expect->reason, "certify.type",
                        "expected a certification (%04x), found %04x", ATT_TPM_ST_ATTEST_CERTIFY,
                        (unsigned int)c->type);
    }
    return ATT_OK;
}

static enum att_err check_signature(struct att_slice attest, struct att_slice signature,
                                    const struct att_certify_expect *expect, struct att_diag *diag)
{
    const struct att_ak *signer = expect->signer;
    struct att_diag why = {0};
    enum att_err err =
        att_signed_check(signer->key, signer->scheme, signer->hash, attest, signature, &why);

    if (err == ATT_E_SIGNATURE || err == ATT_E_UNSUPPORTED) {
        return att_fail(diag, err, expect->reason, "certify.signature",
                        "it was not signed by that key with its own scheme (%s with %s)",
                        signer->scheme == ATT_SCHEME_ECDSA ? "ECDSA" : "RSA",
                        att_hash_name(signer->hash));
    }
    if (err != ATT_OK && diag != NULL) {
        *diag = why;
    }
    return err;
}

static enum att_err check_fields(const struct att_certify *c,
                                 const struct att_certify_expect *expect, struct att_diag *diag)
{
    const struct att_ak *signer = expect->signer;
    bool fresh = c->extra_data.len == expect->qualifying.len &&
                 att_digest_eq(c->extra_data.p, expect->qualifying.p, c->extra_data.len);

    if (ATT_GUARD(CERTIFY_SIGNER,
                  !att_slice_eq(c->qualified_signer,
                                att_slice_of(signer->qualified, signer->qualified_len)))) {
        return refuse(diag, expect, "certify.signer",
                      "the signer is not that key under the endorsement hierarchy");
    }
    if (ATT_GUARD(CERTIFY_NONCE, !fresh)) {
        return refuse(diag, expect, "certify.nonce", "it was not made for this challenge");
    }
    if (ATT_GUARD(CERTIFY_NAME, !att_slice_eq(c->name, expect->name))) {
        return refuse(diag, expect, "certify.name", "it is about another key");
    }
    if (ATT_GUARD(CERTIFY_PLACE, !att_slice_eq(c->qualified_name, expect->qualified_name))) {
        return refuse(diag, expect, "certify.place",
                      "the key stands elsewhere in the hierarchies of the TPM");
    }
    return ATT_OK;
}

enum att_err att_certify_verify(struct att_slice attest, struct att_slice signature,
                                const struct att_certify_expect *expect, struct att_diag *diag)
{
    struct att_certify c = {0};
    enum att_err err = att_certify_parse(&c, attest, diag);

    if (err == ATT_OK) {
        err = check_header(&c, expect, diag);
    }
    if (err == ATT_OK) {
        err = check_signature(attest, signature, expect, diag);
    }
    return err != ATT_OK ? err : check_fields(&c, expect, diag);
}
