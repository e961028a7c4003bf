/* Who signed a status list: the key that signs labels, under the same anchors, in the same name. */
#include <stdlib.h>

#include "appraise/status_list.h"
#include "appraise/x5chain.h"
#include "base/guard.h"

struct att_status_verified {
    struct att_status_token *token; /* owned */
    struct att_x5chain signer;
};

static enum att_err check_signature(const struct att_x5chain *signer, const struct att_cose *m,
                                    struct att_diag *diag)
{
    static const struct att_slice NO_AAD;
    struct att_cose_verified *v = NULL;
    struct att_diag why = {0};
    enum att_err err = att_cose_verify(&v, m, signer->key, NO_AAD, &why);

    att_cose_verified_free(v);
    if (why.reason == ATT_R_LBL_SIG || why.reason == ATT_R_LBL_ALG) {
        why.reason = ATT_R_SL_SIG; /* the same "no", said of the list */
        err = err == ATT_E_UNSUPPORTED ? ATT_E_MISMATCH : err;
    }
    if (err != ATT_OK && diag != NULL) {
        *diag = why;
    }
    return err;
}

static enum att_err check(struct att_status_verified *v, const struct att_status_token *t,
                          const struct att_anchors *anchors, struct att_diag *diag)
{
    enum att_err err = att_x5chain_open(&v->signer, &t->cose, diag);

    if (err == ATT_OK) {
        err = check_signature(&v->signer, &t->cose, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = att_x5chain_verify(&v->signer, anchors, t->iat, ATT_R_SL_CHAIN, ATT_R_SL_KEY, diag);
    return ATT_GUARD(SL_CHAIN, err != ATT_OK) ? err : ATT_OK;
}

enum att_err att_status_token_verify(struct att_status_verified **out, struct att_status_token *t,
                                     const struct att_anchors *anchors, struct att_diag *diag)
{
    ATT_CLEANUP(att_status_verified_freep) struct att_status_verified *v = calloc(1, sizeof(*v));
    enum att_err err = ATT_OK;

    if (v == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "status list", "no memory");
    }
    err = check(v, t, anchors, diag);
    if (err != ATT_OK) {
        return err;
    }
    v->token = t;
    *out = v;
    v = NULL;
    return ATT_OK;
}

const struct att_status_token *att_status_token_of(const struct att_status_verified *v)
{
    return v->token;
}

enum att_err att_status_signer(uint8_t out[32], const struct att_status_verified *v)
{
    return att_pubkey_fingerprint(out, v->signer.key);
}

bool att_status_speaks_for(const struct att_status_verified *v, const char *verifier_id)
{
    return att_cert_names_verifier(v->signer.leaf, verifier_id);
}

void att_status_verified_free(struct att_status_verified *v)
{
    if (v == NULL) {
        return;
    }
    att_status_token_free(v->token);
    att_x5chain_close(&v->signer);
    free(v);
}

void att_status_verified_freep(struct att_status_verified **v)
{
    att_status_verified_free(*v);
    *v = NULL;
}
