/* A folder of roots, and one of revocation lists. */
#include "verifier/ek_makers.h"

enum att_err ek_makers_load(struct att_anchors **out, const struct config *cfg,
                            struct att_diag *diag)
{
    ATT_CLEANUP(att_anchors_freep) struct att_anchors *a = NULL;
    enum att_err err = ATT_OK;

    if (cfg->ek_anchors == NULL) {
        *out = NULL;
        return ATT_OK;
    }
    err = att_anchors_new(&a);
    if (err == ATT_OK) {
        err = att_anchors_load(a, cfg->ek_anchors, diag);
    }
    if (err == ATT_OK && cfg->ek_crls != NULL) {
        err = att_anchors_load_crls(a, cfg->ek_crls, cfg->ek_revocation, diag);
    }
    if (err == ATT_OK) {
        *out = a;
        a = NULL;
    }
    return err;
}
