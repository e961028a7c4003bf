/* Opening a status list once for many labels: the part of the offline check that decompresses. */
#include "appraise/offline_internal.h"

static enum att_verdict verdict_of(enum att_err err)
{
    switch (err) {
    case ATT_E_UNTRUSTED:
        return ATT_VERDICT_UNDECIDED; /* as for a label: an issuer whom nobody here vouches for */
    case ATT_E_SIGNATURE:
    case ATT_E_MISMATCH:
    case ATT_E_STALE:
        return ATT_VERDICT_FAIL;
    default:
        return ATT_VERDICT_MALFORMED;
    }
}

enum att_err att_offline_list_open(struct att_offline_list *out, struct att_slice file,
                                   const struct att_anchors *anchors)
{
    struct att_status_token *t = NULL;
    enum att_err err = ATT_OK;

    *out = (struct att_offline_list){.verdict = ATT_VERDICT_PASS};
    err = att_status_token_parse(&t, file, &out->why);
    if (err == ATT_OK) {
        err = att_status_token_verify(&out->list, t, anchors, &out->why);
    }
    if (err == ATT_OK) {
        t = NULL; /* the list's now */
        err = att_status_signer(out->signer, out->list);
    }
    if (err == ATT_OK) {
        return ATT_OK;
    }
    att_status_token_free(t);
    if (offline_undecidable(err)) {
        return err;
    }
    out->verdict = verdict_of(err);
    /* a chain that is there and wrong is a false list, not a malformed one: FORMAT is a wrong use there */
    if (out->why.reason == ATT_R_SL_CHAIN) {
        out->verdict = ATT_VERDICT_FAIL;
    }
    return ATT_OK;
}

void att_offline_list_close(struct att_offline_list *l)
{
    att_status_verified_freep(&l->list);
}
