/* A folder of roots, and one of revocation lists: of TPM makers, and of the factories of gateways. */
#include "verifier/ek_makers.h"

static enum att_err load(struct att_anchors **out, const char *roots, const char *lists,
                         enum att_crl_rule rule, struct att_diag *diag)
{
    ATT_CLEANUP(att_anchors_freep) struct att_anchors *a = NULL;
    enum att_err err = ATT_OK;

    if (roots == NULL) {
        *out = NULL;
        return ATT_OK;
    }
    err = att_anchors_new(&a);
    if (err == ATT_OK) {
        err = att_anchors_load(a, roots, diag);
    }
    if (err == ATT_OK && lists != NULL) {
        err = att_anchors_load_crls(a, lists, rule, diag);
    }
    if (err == ATT_OK) {
        *out = a;
        a = NULL;
    }
    return err;
}

enum att_err ek_makers_load(struct att_anchors **out, const struct config *cfg,
                            struct att_diag *diag)
{
    return load(out, cfg->ek_anchors, cfg->ek_crls, cfg->ek_revocation, diag);
}

enum att_err iak_makers_load(struct att_anchors **out, const struct config *cfg,
                             struct att_diag *diag)
{
    return load(out, cfg->iak_anchors, cfg->iak_crls, cfg->iak_revocation, diag);
}
