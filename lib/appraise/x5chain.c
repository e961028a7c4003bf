/* Opening and judging the chain in a COSE header: the same for labels and status lists. */
#include "appraise/x5chain.h"

enum att_err att_x5chain_open(struct att_x5chain *o, const struct att_cose *m,
                              struct att_diag *diag)
{
    enum att_err err = att_cert_parse(&o->leaf, m->x5chain[0], diag);

    for (size_t i = 1; err == ATT_OK && i < m->x5chain_count; i++) {
        err = att_cert_parse(&o->chain[o->count], m->x5chain[i], diag);
        o->count += err == ATT_OK ? 1 : 0;
    }
    if (err == ATT_OK) {
        err = att_cert_key(&o->key, o->leaf, diag);
    }
    return err;
}

enum att_err att_x5chain_verify(const struct att_x5chain *o, const struct att_anchors *anchors,
                                int64_t utc_s, enum att_reason broken, enum att_reason unknown,
                                struct att_diag *diag)
{
    const struct att_cert *chain[ATT_CHAIN_MAX];
    struct att_diag why = {0};
    enum att_err err = ATT_OK;

    if (att_anchors_count(anchors) == 0) {
        return att_fail(diag, ATT_E_UNTRUSTED, ATT_R_TRUST_NONE, "trust", "no anchor is installed");
    }
    for (size_t i = 0; i < o->count; i++) {
        chain[i] = o->chain[i];
    }
    err = att_chain_verify(o->leaf, chain, o->count, anchors, ATT_USE_LABEL, utc_s, broken, &why);
    if (err == ATT_E_UNTRUSTED) {
        why.reason = unknown;
    }
    if (err != ATT_OK && diag != NULL) {
        *diag = why;
    }
    return err;
}

void att_x5chain_close(struct att_x5chain *o)
{
    att_pubkey_free(o->key);
    att_cert_free(o->leaf);
    for (size_t i = 0; i < o->count; i++) {
        att_cert_free(o->chain[i]);
    }
    *o = (struct att_x5chain){0};
}
