/* One quote judged against what we expect of it: the only maker of att_quoted. */
#include <stdlib.h>

#include "base/guard.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "evidence/signed_internal.h"
#include "evidence/verify.h"

struct att_quoted {
    struct att_quote quote;
};

void att_quoted_free(struct att_quoted *q)
{
    free(q);
}

void att_quoted_freep(struct att_quoted **q)
{
    att_quoted_free(*q);
    *q = NULL;
}

const struct att_quote *att_quoted_quote(const struct att_quoted *q)
{
    return &q->quote;
}

/* TPM 2.0 Part 2, 10.12.8: only a TPM's own structures start with TPM_GENERATED_VALUE, and a
 * restricted key signs nothing else that does. */
static enum att_err check_header(const struct att_quote *q, struct att_diag *diag)
{
    if (ATT_GUARD(Q_MAGIC, q->magic != ATT_TPM_GENERATED)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_Q_MAGIC, "magic", "expected %08x, found %08x",
                        ATT_TPM_GENERATED, (unsigned int)q->magic);
    }
    if (ATT_GUARD(Q_TYPE, q->type != ATT_TPM_ST_ATTEST_QUOTE)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_Q_TYPE, "type",
                        "expected a quote (%04x), found %04x", ATT_TPM_ST_ATTEST_QUOTE,
                        (unsigned int)q->type);
    }
    return ATT_OK;
}

enum att_err att_signed_check(const struct att_pubkey *key, enum att_scheme scheme,
                              enum att_hash hash, struct att_slice attest,
                              struct att_slice signature, struct att_diag *diag)
{
    uint8_t raw[512];
    size_t raw_len = 0;
    struct att_tpm_sig sig;
    enum att_err err = att_tpm_sig_parse(&sig, signature, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(Q_SIGALG, sig.scheme != scheme || sig.hash != hash)) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_Q_SIGALG, "signature",
                        "expected the enrolled scheme with %s, found algorithm %04x with %s",
                        att_hash_name(hash), (unsigned int)sig.alg, att_hash_name(sig.hash));
    }
    err = att_tpm_sig_raw(&sig, key, raw, sizeof(raw), &raw_len, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = att_verify(key, sig.scheme, sig.hash, attest, att_slice_of(raw, raw_len));
    if (ATT_GUARD(Q_SIG, err == ATT_E_SIGNATURE)) {
        return att_fail(diag, err, ATT_R_Q_SIG, "signature",
                        "it does not verify with the enrolled key");
    }
    if (err != ATT_OK && err != ATT_E_SIGNATURE) {
        return att_fail(diag, err, ATT_R_BUSY, "signature", "it could not be checked");
    }
    return ATT_OK;
}

static enum att_err check_signer(const struct att_expect *expect, const struct att_quote *q,
                                 struct att_diag *diag)
{
    if (expect->qualified_signer.len == 0) {
        return ATT_OK;
    }
    if (ATT_GUARD(Q_SIGNER, !att_slice_eq(q->qualified_signer, expect->qualified_signer))) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_Q_SIGNER, "qualifiedSigner",
                        "it is not the enrolled key under the endorsement hierarchy");
    }
    return ATT_OK;
}

/* The expected value is not shown: an answer never holds what the requester had to compute. */
static enum att_err check_nonce(const struct att_expect *expect, const struct att_quote *q,
                                struct att_diag *diag)
{
    bool same = expect->qualifying.len == q->extra_data.len &&
                att_digest_eq(expect->qualifying.p, q->extra_data.p, q->extra_data.len);

    if (expect->any_qualifying) {
        return ATT_OK;
    }
    if (ATT_GUARD(Q_NONCE, !same)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_Q_NONCE, "extraData",
                        "the %zu bytes are not the hash of this challenge's context",
                        q->extra_data.len);
    }
    return ATT_OK;
}

static bool bank_expected(const struct att_pcr_selection *expected, enum att_hash bank)
{
    for (uint32_t i = 0; i < expected->count; i++) {
        if (expected->sel[i].bank == bank) {
            return true;
        }
    }
    return false;
}

static enum att_err check_selection(const struct att_expect *expect, const struct att_quote *q,
                                    struct att_diag *diag)
{
    char want[128];
    char got[128];

    if (ATT_GUARD(Q_PCRSEL_EMPTY, att_pcr_selection_empty(&q->selection))) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_Q_PCRSEL, "pcrSelect",
                        "the quote covers no PCR");
    }
    if (expect->any_selection) {
        return ATT_OK;
    }
    for (uint32_t i = 0; i < q->selection.count; i++) {
        if (ATT_GUARD(Q_BANK, !bank_expected(&expect->selection, q->selection.sel[i].bank))) {
            return att_fail(diag, ATT_E_MISMATCH, ATT_R_Q_BANK, "pcrSelect",
                            "expected %s, found %s",
                            att_pcr_selection_print(want, sizeof(want), &expect->selection),
                            att_pcr_selection_print(got, sizeof(got), &q->selection));
        }
    }
    if (ATT_GUARD(Q_PCRSEL, !att_pcr_selection_eq(&q->selection, &expect->selection))) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_Q_PCRSEL, "pcrSelect", "expected %s, found %s",
                        att_pcr_selection_print(want, sizeof(want), &expect->selection),
                        att_pcr_selection_print(got, sizeof(got), &q->selection));
    }
    return ATT_OK;
}

static enum att_err judge(struct att_quote *q, struct att_slice attest, struct att_slice signature,
                          const struct att_expect *expect, struct att_diag *diag)
{
    enum att_err err = att_quote_parse(q, attest, diag);

    if (err == ATT_OK) {
        err = check_header(q, diag);
    }
    if (err == ATT_OK) {
        err = att_signed_check(expect->ak, expect->scheme, expect->hash, attest, signature, diag);
    }
    if (err == ATT_OK) {
        err = check_signer(expect, q, diag);
    }
    if (err == ATT_OK) {
        err = check_nonce(expect, q, diag);
    }
    if (err == ATT_OK) {
        err = check_selection(expect, q, diag);
    }
    if (err == ATT_OK && q->pcr_digest.len != att_hash_size(expect->hash)) {
        err = att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_ATTEST, "pcrDigest",
                       "expected %zu bytes, found %zu", att_hash_size(expect->hash),
                       q->pcr_digest.len);
    }
    return err;
}

enum att_err att_quote_verify(struct att_quoted **out, struct att_slice attest,
                              struct att_slice signature, const struct att_expect *expect,
                              struct att_diag *diag)
{
    struct att_quote quote;
    struct att_quoted *q = NULL;
    enum att_err err = judge(&quote, attest, signature, expect, diag);

    if (err != ATT_OK) {
        return err;
    }
    q = malloc(sizeof(*q));
    if (q == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "quote", "no memory");
    }
    q->quote = quote;
    *out = q;
    return ATT_OK;
}
