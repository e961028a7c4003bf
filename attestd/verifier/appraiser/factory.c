/* The keys that a factory left in the TPM: which of what is claimed their certificates bear out. */
#include <string.h>

#include "base/guard.h"
#include "crypto/devid_cert.h"
#include "tcg/pubarea.h"
#include "verifier/appraiser/enrol_internal.h"

static enum att_err read_key(struct msg_factory_key *out, struct att_pubkey **key,
                             struct att_slice in, enum att_cert_use use, struct att_diag *diag)
{
    struct att_pubarea area = {0};
    enum att_err err = att_pubarea_parse(&area, in, diag);

    if (err == ATT_OK) {
        err = use == ATT_USE_IAK ? att_pubarea_check_iak(&area, diag)
                                 : att_pubarea_check_idevid(&area, diag);
    }
    if (err == ATT_OK) {
        err = att_pubarea_key(key, &area, diag);
    }
    return err != ATT_OK ? err
                         : enrol_keep(out->public_area, sizeof(out->public_area), &out->public_len,
                                      area.encoded, "factory key", diag);
}

static enum att_err judge_certs(struct msg_factory_key *out, const struct wire_factory_key *sent,
                                const struct att_pubkey *key, enum att_cert_use use,
                                const struct judging *at)
{
    ATT_CLEANUP(shown_free) struct shown s = {0};
    struct att_devid_name name;
    size_t leaf = 0;
    enum att_err err = shown_read(&s, sent->cert, sent->cert_count, at);

    if (err != ATT_OK) {
        return err;
    }
    leaf = shown_leaf(&s, key);
    if (ATT_GUARD(IAK_CERT_KEY, leaf == s.count)) {
        return att_fail(at->diag, ATT_E_MISMATCH, ATT_R_ID_IAKCERT, "certificate.other-key",
                        "none of the %zu certificates is for the %s key", s.count,
                        use == ATT_USE_IAK ? "IAK" : "IDevID");
    }
    leaf = leaf == s.count ? 0 : leaf;
    err = shown_verify(&s, leaf, at->a->iak_anchors, use, at, at->diag);
    if (ATT_GUARD(IAK_CHAIN, err != ATT_OK)) {
        return err;
    }
    err =
        att_cert_devid_name(&name, s.cert[leaf], at->diag); /* what cannot be shown is not taken */
    return err != ATT_OK ? err : shown_keep(&out->chain, at->room, &s, leaf, at);
}

static enum att_err read_factory_key(struct msg_factory_key *out,
                                     const struct wire_factory_key *sent, enum att_cert_use use,
                                     const struct judging *at)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    enum att_err err = ATT_OK;

    if (sent->public_area.len == 0 || at->a->cfg->iak == CONFIG_IAK_OFF) {
        return ATT_OK;
    }
    err = read_key(out, &key, sent->public_area, use, at->diag);
    return err != ATT_OK ? err : judge_certs(out, sent, key, use, at);
}

enum att_err read_iak(struct msg_factory_key *out, const struct wire_factory_key *sent,
                      const struct judging *at)
{
    return read_factory_key(out, sent, ATT_USE_IAK, at);
}

enum att_err read_idevid(struct msg_factory_key *out, const struct wire_factory_key *sent,
                         const struct judging *at)
{
    return read_factory_key(out, sent, ATT_USE_IDEVID, at);
}
