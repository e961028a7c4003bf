/* Two keys that may be there, handled alike. */
#include "factory.h"

#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "evidence/certified.h"
#include "tcg/ak.h"
#include "tcg/pubarea.h"
#include "verifier/ek_chain.h"

static enum att_err check_one(uint8_t *name, size_t *len, const struct msg_factory_key *k,
                              enum att_err (*fit)(const struct att_pubarea *, struct att_diag *),
                              struct att_diag *diag)
{
    struct att_pubarea area;
    enum att_err err = ATT_OK;

    if (k->public_len == 0)
        return ATT_OK;
    err = att_pubarea_parse(&area, att_slice_of(k->public_area, k->public_len), diag);
    if (err == ATT_OK)
        err = fit(&area, diag);
    return err == ATT_OK ? att_pubarea_name(name, len, &area) : err;
}

enum att_err factory_check(struct pending *p, struct att_diag *diag)
{
    enum att_err err =
        check_one(p->iak_name, &p->iak_name_len, &p->facts.iak, att_pubarea_check_iak, diag);

    return err != ATT_OK ? err
                         : check_one(p->idevid_name, &p->idevid_name_len, &p->facts.idevid,
                                     att_pubarea_check_idevid, diag);
}

/* of: which key it is about, for people. */
static enum att_err prove_one(const struct att_ak *iak, const char *of, struct att_slice name,
                              const struct wire_certified *said, struct att_slice qualifying,
                              struct att_diag *diag)
{
    uint8_t qualified[ATT_NAME_MAX];
    size_t len = 0;
    struct att_diag why = {0};
    struct att_certify_expect expect = {
        .signer = iak, .qualifying = qualifying, .name = name, .reason = ATT_R_ID_IAKPROOF};
    enum att_err err = att_qualified_name(qualified, &len, ATT_TPM_RH_ENDORSEMENT, name);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ID_KEY, "name", "its place cannot be computed");
    expect.qualified_name = att_slice_of(qualified, len);
    if (ATT_GUARD(IAK_SAYS, said->attest.len == 0))
        err = att_fail(&why, ATT_E_MISMATCH, ATT_R_ID_IAKPROOF, "certify.missing",
                       "the IAK says nothing of this key");
    else
        err = att_certify_verify(said->attest, said->signature, &expect, &why);
    if (err != ATT_OK) /* the word goes with the text: it is all that the gateway is told */
        return att_fail(diag, err, why.reason, why.field, "%.40s, of the %s key: %.140s",
                        why.field == NULL ? "" : why.field, of, why.text);
    return ATT_OK;
}

enum att_err factory_prove(const struct pending *p, const struct wire_enrol_activate *w,
                           struct att_slice qualifying, struct att_diag *diag)
{
    ATT_CLEANUP(att_ak_clear) struct att_ak iak = {0};
    const struct msg_factory_key *key = &p->facts.iak;
    enum att_err err = ATT_OK;

    if (p->iak_name_len == 0)
        return ATT_OK;
    err = att_ak_parse(&iak, att_slice_of(key->public_area, key->public_len), diag);
    if (err != ATT_OK)
        return err;
    err = prove_one(&iak, "attestation", att_slice_of(p->ak_name, p->ak_name_len), &w->ak,
                    qualifying, diag);
    if (ATT_GUARD(IAK_PROOF, err != ATT_OK))
        return err;
    if (p->idevid_name_len == 0)
        return ATT_OK;
    err = prove_one(&iak, "IDevID", att_slice_of(p->idevid_name, p->idevid_name_len), &w->idevid,
                    qualifying, diag);
    return ATT_GUARD(IDEVID_PROOF, err != ATT_OK) ? err : ATT_OK;
}

enum att_err factory_store(struct store *st, int64_t enrolment, const struct pending *p,
                           struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (p->iak_name_len > 0)
        err =
            store_factory_put(st, enrolment, STORE_FACTORY_IAK,
                              att_slice_of(p->iak_name, p->iak_name_len), p->facts.iak.chain, diag);
    if (err == ATT_OK && p->idevid_name_len > 0)
        err = store_factory_put(st, enrolment, STORE_FACTORY_IDEVID,
                                att_slice_of(p->idevid_name, p->idevid_name_len),
                                p->facts.idevid.chain, diag);
    return err;
}

enum att_err factory_leaf_digest(uint8_t out[32], struct att_slice certs)
{
    struct ek_chain chain = {0};
    enum att_err err = ek_chain_decode(&chain, certs, NULL);

    return err == ATT_OK ? att_sha256(chain.cert[0], out) : err;
}

char *factory_note(char *out, size_t cap, const struct pending *p)
{
    uint8_t digest[32];
    char hex[65];

    out[0] = '\0';
    if (p->iak_name_len == 0 || factory_leaf_digest(digest, p->facts.iak.chain) != ATT_OK)
        return out;
    (void)snprintf(out, cap, "; iak %s%s",
                   att_hex_encode(hex, sizeof(hex), att_slice_of(digest, sizeof(digest))),
                   p->idevid_name_len > 0 ? "; idevid" : "");
    return out;
}
