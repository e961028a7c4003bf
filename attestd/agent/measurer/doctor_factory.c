/* doctor: the keys that the gateway's factory left in the TPM, and whether their certificates are for them. */
#include <stdio.h>

#include "agent/measurer/doctor.h"
#include "agent/measurer/factory.h"
#include "base/clock.h"
#include "crypto/devid_cert.h"
#include "crypto/ek_cert.h"
#include "tcg/pubarea.h"

/* One of the two, and the line that it has. */
struct kind {
    enum doctor_id id;
    uint32_t usual;
    enum att_err (*fit)(const struct att_pubarea *, struct att_diag *);
    const char *found_en, *found_ja;
};

/* They are shown once, when the gateway enrols: afterwards nothing fails without them. */
static enum show_state severity(const struct doctor *d)
{
    return d->enrolled ? SHOW_WARN : SHOW_FAIL;
}

/* Nobody asked for it; but who looks for such a key is told that one stands there. */
static void check_unnamed(struct doctor *d, const struct kind *k)
{
    struct hw_devid key;

    if (hw_tpm_devid_find(&key, d->tpm, k->usual, NULL) == ATT_OK) {
        doctor_skip(d, k->id, k->found_en, k->found_ja);
        return;
    }
    doctor_skip(d, k->id, "agent.yaml names none, and none stands at the usual handle",
                "agent.yaml に指定がなく、通常のハンドルにもありません");
}

static enum att_err read_key(struct att_pubkey **key, const struct agent_factory_found *f,
                             const struct kind *k, struct att_diag *diag)
{
    struct att_pubarea area;
    enum att_err err =
        att_pubarea_parse(&area, att_slice_of(f->key.public_area, f->key.public_len), diag);

    if (err == ATT_OK) {
        err = k->fit(&area, diag);
    }
    return err == ATT_OK ? att_pubarea_key(key, &area, diag) : err;
}

/* The certificate of this key; NOT_FOUND (ID_IAKCERT) when none of them is. */
static enum att_err find_leaf(struct att_cert **out, const struct wire_factory_key *w,
                              const struct att_pubkey *key, uint32_t handle, struct att_diag *diag)
{
    for (size_t i = 0; i < w->cert_count; i++) {
        ATT_CLEANUP(att_cert_freep) struct att_cert *c = NULL;
        ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *its = NULL;
        enum att_err err = att_cert_parse_ek(&c, NULL, w->cert[i], ATT_EK_FIX_ALL, diag);

        if (err != ATT_OK) {
            return err;
        }
        if (att_cert_key(&its, c, NULL) == ATT_OK && att_pubkey_eq(its, key)) {
            *out = c;
            c = NULL;
            return ATT_OK;
        }
    }
    return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_ID_IAKCERT, "certificate.other-key",
                    "none of the %zu certificates is for the key at 0x%08x", w->cert_count, handle);
}

static void tell(struct doctor *d, const struct kind *k, uint32_t handle, const struct att_cert *c)
{
    struct att_devid_name name = {.hw_type = ""};
    struct att_diag diag = {0};
    char until[ATT_TIME_TEXT], text[DOCTOR_DETAIL];

    if (att_cert_devid_name(&name, c, &diag) != ATT_OK) {
        doctor_failed(d, k->id, severity(d), &diag);
        return;
    }
    (void)att_time_print(until, sizeof(until), att_cert_not_after(c));
    (void)snprintf(text, sizeof(text), "0x%08x, device %.60s, module %.60s, until %s", handle,
                   name.device_serial[0] != '\0' ? name.device_serial : "-",
                   name.hw_serial[0] != '\0' ? name.hw_serial : "-", until);
    if (att_cert_not_after(c) < att_clock_utc_s()) {
        doctor_found(d, k->id, severity(d), ATT_R_ID_IAKCERT, text);
        return;
    }
    doctor_pass(d, k->id, text);
}

static void check_one(struct doctor *d, const struct agent_factory_key *conf, const struct kind *k)
{
    ATT_CLEANUP(agent_factory_free) struct agent_factory_found f = {.named = false};
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    ATT_CLEANUP(att_cert_freep) struct att_cert *leaf = NULL;
    struct wire_factory_key w;
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    if (conf->handle == 0) {
        check_unnamed(d, k);
        return;
    }
    err = agent_factory_find(&f, d->tpm, conf, &diag);
    if (err == ATT_OK) {
        err = read_key(&key, &f, k, &diag);
    }
    if (err == ATT_OK) {
        agent_factory_wire(&w, &f);
        err = find_leaf(&leaf, &w, key, conf->handle, &diag);
    }
    if (err != ATT_OK) {
        doctor_failed(d, k->id, severity(d), &diag);
        return;
    }
    tell(d, k, conf->handle, leaf);
}

void doctor_factory(struct doctor *d)
{
    static const struct kind iak = {DOCTOR_TPM_IAK, HW_IAK_HANDLE, att_pubarea_check_iak,
                                    "one stands at 0x81020001: name it (iak_handle, "
                                    "iak_certificates) to show it to the verifier",
                                    "0x81020001 にあります。検証者に示すには iak_handle と "
                                    "iak_certificates を指定してください"};
    static const struct kind idevid = {DOCTOR_TPM_IDEVID, HW_IDEVID_HANDLE,
                                       att_pubarea_check_idevid,
                                       "one stands at 0x81020000: name it (idevid_handle, "
                                       "idevid_certificates) to show it to the verifier",
                                       "0x81020000 にあります。検証者に示すには idevid_handle と "
                                       "idevid_certificates を指定してください"};

    check_one(d, &d->conf->iak, &iak);
    check_one(d, &d->conf->idevid, &idevid);
}
