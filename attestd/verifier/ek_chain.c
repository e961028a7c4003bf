/* Deterministic, so that the same certificates are the same bytes. */
#include "verifier/ek_chain.h"

#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"

enum att_err ek_chain_encode(struct att_wr *w, const struct ek_chain *c)
{
    struct att_slice all = {0};

    att_cbor_wr_array(w, c->count);
    for (size_t i = 0; i < c->count; i++) {
        att_cbor_wr_bytes(w, c->cert[i]);
    }
    return att_cbor_wr_done(w, &all);
}

enum att_err ek_chain_decode(struct ek_chain *out, struct att_slice in, struct att_diag *diag)
{
    struct ek_chain chain = {0};
    struct att_cbor c = att_cbor_from(in);
    enum att_err err = ATT_OK;

    chain.count = att_cbor_enter_array(&c, WIRE_EK_CERTS_MAX);
    if (chain.count == 0) {
        att_cbor_fail(&c, ATT_E_FORMAT);
    }
    for (size_t i = 0; i < chain.count; i++) {
        chain.cert[i] = att_cbor_bytes(&c, ATT_CERT_MAX);
    }
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_ST_CORRUPT, "EK certificates", diag);
    if (err != ATT_OK) {
        return err;
    }
    *out = chain;
    return ATT_OK;
}
