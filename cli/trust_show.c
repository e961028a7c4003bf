/* trust show: whose authority it is, EK certificates with their checks, public areas of TPM keys. */
#include "trust_show.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "crypto/ek_cert.h"
#include "policy/makers.h"
#include "tcg/pubarea.h"
#include "trust.h"

void show_maker(struct report *r, const struct att_cert *c, json_t *entry)
{
    struct att_diag diag = {0};
    struct att_maker m;
    uint8_t digest[32] = {0};
    char safe[256];
    /* a digest that could not be computed is in no list */
    enum att_err err = att_cert_fingerprint(digest, c);

    if (err == ATT_OK) {
        err = att_makers_find(&m, &(struct att_maker_wanted){.sha256 = digest}, &diag);
    }
    if (err == ATT_OK) {
        (void)json_object_set_new(
            entry, "known_maker",
            json_pack("{s:s, s:s, s:s}", "maker", m.maker, "kind", m.kind, "name", m.name));
        report_line(r, "%s %s: %s (%s)", tr(r->cli, "known TPM maker", "既知の TPM 製造者"),
                    strcmp(m.kind, "root") == 0 ? tr(r->cli, "root", "ルート")
                                                : tr(r->cli, "intermediate", "中間認証局"),
                    text_safe(safe, sizeof(safe), m.name), m.maker);
        return;
    }
    (void)json_object_set_new(entry, "known_maker", json_null());
    report_line(r, "%s",
                err == ATT_E_NOT_FOUND ? tr(r->cli, "not in the list of known makers",
                                            "既知の TPM 製造者の一覧にありません")
                                       : tr(r->cli, "the list of known makers could not be read",
                                            "既知の TPM 製造者の一覧を読めません"));
}

static void show_fixes(struct report *r, unsigned int fixes)
{
    json_t *list = json_array();
    char text[64];

    for (unsigned int bit = 1; bit <= ATT_EK_FIX_ALL; bit <<= 1) {
        if ((fixes & bit) != 0) {
            (void)json_array_append_new(list, json_string(att_ek_fix_name(bit)));
        }
    }
    (void)json_object_set_new(r->root, "workarounds", list);
    report_check(r, "ek.form", C_PASS, NULL);
    if (fixes != 0) {
        report_note(r, att_ek_fixes_print(text, sizeof(text), fixes));
    }
}

static void check_key(struct report *r, const struct att_cert *c)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    struct att_diag why = {0};
    bool good = att_cert_key(&key, c, &why) == ATT_OK;

    report_check(r, "ek.key", good ? C_PASS : C_FAIL, good ? NULL : &why);
}

static void check_tpm(struct report *r, const struct att_cert *c)
{
    struct att_tpm_name tpm = {0};
    struct att_diag why = {0};
    char maker[5];
    char version[16];
    enum att_err err = att_cert_tpm_name(&tpm, c, &why);

    if (err != ATT_OK) {
        (void)json_object_set_new(r->root, "tpm", json_null());
        report_check(r, "ek.tpm", err == ATT_E_NOT_FOUND ? C_NOT_APPLICABLE : C_FAIL,
                     err == ATT_E_NOT_FOUND ? NULL : &why);
        return;
    }
    (void)snprintf(version, sizeof(version), "%u.%u", tpm.version >> 16, tpm.version & 0xffffU);
    (void)att_tpm_vendor_print(maker, tpm.manufacturer);
    (void)json_object_set_new(r->root, "tpm",
                              json_pack("{s:s, s:s, s:s}", "manufacturer", maker, "model",
                                        tpm.model, "firmware", version));
    report_check(r, "ek.tpm", C_PASS, NULL);
    report_field(r, "TPM", "%s %s, %s %s", maker, tpm.model,
                 tr(r->cli, "certified with firmware", "証明時のファームウェア"), version);
}

/* Judged against the folder's anchors alone; true when it leads to one. */
static bool check_chain(struct report *r, const struct att_cert *c,
                        const struct att_anchors *anchors)
{
    struct att_diag why = {0};
    enum att_err err =
        att_chain_verify(c, NULL, 0, anchors, ATT_USE_EK, r->cli->at, ATT_R_ID_EKCERT, &why);

    report_check(r, "ek.chain", err == ATT_OK ? C_PASS : C_FAIL, &why);
    return err == ATT_OK;
}

/* And with lists: a certificate of which no list in force speaks is neither good nor revoked. */
static void check_revocation(struct report *r, const struct att_cert *c,
                             const struct att_anchors *listed)
{
    struct att_diag why = {0};
    enum att_err err =
        att_chain_verify(c, NULL, 0, listed, ATT_USE_EK, r->cli->at, ATT_R_ID_EKCERT, &why);

    if (err == ATT_OK || strcmp(why.field, "certificate.revoked") == 0) {
        report_check(r, "ek.revocation", err == ATT_OK ? C_PASS : C_FAIL, &why);
        return;
    }
    report_check(r, "ek.revocation", C_NOT_RUN, &why);
    report_worsen(r, V_UNDECIDED);
}

enum att_err show_ek(struct report *r, struct att_cert **out, struct att_slice file,
                     const char *crls, struct att_diag *diag)
{
    ATT_CLEANUP(trust_clear) struct trust trust = {0};
    ATT_CLEANUP(trust_clear) struct trust listed = {0};
    unsigned int fixes = 0;
    enum att_err err = trust_load(&trust, r->cli->trust, diag);

    if (err == ATT_OK && crls != NULL) {
        err = trust_load(&listed, r->cli->trust, diag);
    }
    if (err == ATT_OK && crls != NULL) {
        err = att_anchors_load_crls(listed.anchors, crls, ATT_CRL_REQUIRED, diag);
    }
    if (err == ATT_OK) {
        err = att_cert_parse_ek(out, &fixes, file, ATT_EK_FIX_ALL, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    show_fixes(r, fixes);
    check_key(r, *out);
    if (!check_chain(r, *out, trust.anchors)) {
        report_check(r, "ek.revocation", crls != NULL ? C_NOT_RUN : C_NOT_APPLICABLE, NULL);
    } else if (crls == NULL) {
        report_check(r, "ek.revocation", C_NOT_APPLICABLE, NULL);
    } else {
        check_revocation(r, *out, listed.anchors);
    }
    check_tpm(r, *out);
    return ATT_OK;
}

bool is_public_area(struct att_slice file)
{
    struct att_pubarea area;

    return att_pubarea_parse(&area, file, NULL) == ATT_OK;
}

enum att_err show_public(struct report *r, struct att_slice file, struct att_diag *diag)
{
    struct att_pubarea area;
    uint8_t bytes[ATT_NAME_MAX];
    char name[2 * ATT_NAME_MAX + 1];
    char policy[2 * ATT_HASH_MAX + 1];
    char attributes[16];
    const char *kind = "other";
    size_t len = 0;
    enum att_err err = att_pubarea_parse(&area, file, diag);

    if (err == ATT_OK) {
        err = att_pubarea_name(bytes, &len, &area);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (att_pubarea_check_ek(&area, NULL) == ATT_OK) {
        kind = "endorsement-key";
    } else if (att_pubarea_check_ak(&area, NULL) == ATT_OK) {
        kind = "attestation-key";
    }
    (void)att_hex_encode(name, sizeof(name), att_slice_of(bytes, len));
    (void)att_hex_encode(policy, sizeof(policy), area.auth_policy);
    (void)snprintf(attributes, sizeof(attributes), "0x%08x", area.attributes);
    (void)json_object_set_new(r->root, "public",
                              json_pack("{s:s, s:s, s:s, s:s}", "kind", kind, "name", name,
                                        "attributes", attributes, "policy", policy));
    report_field(r, tr(r->cli, "TPM key", "TPM の鍵"), "%s", kind);
    report_field(r, tr(r->cli, "name", "名前"), "%s", name);
    report_field(r, tr(r->cli, "attributes", "属性"), "%s", attributes);
    return ATT_OK;
}
