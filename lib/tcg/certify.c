/* TPMS_ATTEST of a certification: a strict parser. */
#include "tcg/certify.h"

#include "base/guard.h"
#include "tcg/attest_internal.h"
#include "tcg/pubarea.h"

enum att_err att_certify_parse(struct att_certify *out, struct att_slice in, struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(in);
    struct att_attest_head head = {0};
    struct att_certify c = {0};
    enum att_err err = ATT_OK;

    if (in.len > ATT_QUOTE_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_ATTEST, "certify",
                        "expected at most %d bytes, found %zu", ATT_QUOTE_MAX, in.len);
    }
    att_attest_head_read(&r, &head);
    if (head.magic == ATT_TPM_GENERATED && head.type == ATT_TPM_ST_ATTEST_CERTIFY) {
        c.name = att_attest_2b(&r, ATT_NAME_MAX);
        c.qualified_name = att_attest_2b(&r, ATT_NAME_MAX);
    } else {
        (void)att_rd_rest(&r); /* an unknown body; the verifier refuses magic and type by name */
    }
    err = att_rd_end_diag(&r, ATT_R_FMT_ATTEST, "certify", diag);
    if (ATT_GUARD(CERTIFY_FORM, err != ATT_OK)) {
        return err;
    }
    c.magic = head.magic;
    c.type = head.type;
    c.qualified_signer = head.qualified_signer;
    c.extra_data = head.extra_data;
    c.clock = head.clock;
    c.firmware_version = head.firmware_version;
    *out = c;
    return ATT_OK;
}
