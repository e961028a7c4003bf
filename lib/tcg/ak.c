/* What a quote's signature is judged against, built once from the enrolled public area. */
#include "tcg/ak.h"

#include <string.h>

static enum att_err scheme_and_names(struct att_ak *ak, const struct att_pubarea *area,
                                     struct att_diag *diag)
{
    enum att_err err = att_pubarea_scheme(&ak->scheme, &ak->hash, area);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_ID_AKATTR, "scheme",
                        "the attestation key names no signature scheme that is accepted");
    }
    err = att_pubarea_name(ak->name, &ak->name_len, area);
    if (err == ATT_OK) {
        err = att_qualified_name(ak->qualified, &ak->qualified_len, ATT_TPM_RH_ENDORSEMENT,
                                 att_slice_of(ak->name, ak->name_len));
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_ID_KEY, "name", "the key's name cannot be computed");
    }
    return ATT_OK;
}

enum att_err att_ak_parse(struct att_ak *out, struct att_slice public_area, struct att_diag *diag)
{
    struct att_pubarea area = {0};
    struct att_ak ak = {0};
    enum att_err err = att_pubarea_parse(&area, public_area, diag);

    if (err == ATT_OK) {
        err = scheme_and_names(&ak, &area, diag);
    }
    if (err == ATT_OK) {
        err = att_pubarea_key(&ak.key, &area, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = ak;
    return ATT_OK;
}

void att_ak_clear(struct att_ak *ak)
{
    att_pubkey_free(ak->key);
    memset(ak, 0, sizeof(*ak));
}
