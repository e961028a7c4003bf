/* Places of factory keys: a handle, and NV indexes or files. */
#include "agent/measurer/factory.h"

#include <string.h>

#include "agent/measurer/certs.h"
#include "base/file.h"

#define DER_SEQUENCE 0x30
#define CERT_MAX     16384

void agent_factory_free(struct agent_factory_found *f)
{
    for (size_t i = 0; i < f->count; i++) {
        att_buf_freep(&f->certs[i]);
    }
    f->count = 0;
}

static enum att_err read_file(struct att_buf **out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    char shown[96];
    enum att_err err = att_file_read(&bytes, path, HW_DEVID_CERTS_MAX, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (att_buf_len(bytes) == 0 || att_buf_slice(bytes).p[0] != DER_SEQUENCE) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "certificates",
                        "expected certificates in DER (openssl x509 -outform DER): %s",
                        att_escape(shown, sizeof(shown), path, strlen(path)));
    }
    *out = bytes;
    bytes = NULL;
    return ATT_OK;
}

enum att_err agent_factory_find(struct agent_factory_found *out, struct hw_tpm *tpm,
                                const struct agent_factory_key *conf, struct att_diag *diag)
{
    ATT_CLEANUP(agent_factory_free) struct agent_factory_found f = {.named = true};
    enum att_err err = ATT_OK;

    if (conf->handle == 0) {
        return ATT_OK;
    }
    err = hw_tpm_devid_find(&f.key, tpm, conf->handle, diag);
    for (size_t i = 0; err == ATT_OK && i < conf->count; i++) {
        const struct agent_factory_cert *c = &conf->cert[i];

        err = c->path != NULL ? read_file(&f.certs[f.count], c->path, diag)
                              : hw_tpm_nv_certificates(&f.certs[f.count], tpm, c->index, diag);
        f.count += err == ATT_OK ? 1 : 0;
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = f;
    f.count = 0;
    return ATT_OK;
}

void agent_factory_wire(struct wire_factory_key *out, const struct agent_factory_found *f)
{
    const struct agent_certs to = {.cert = out->cert,
                                   .count = &out->cert_count,
                                   .max = ATT_COUNT(out->cert),
                                   .cert_max = CERT_MAX};

    *out = (struct wire_factory_key){0};
    if (!f->named) {
        return;
    }
    out->public_area = att_slice_of(f->key.public_area, f->key.public_len);
    for (size_t i = 0; i < f->count; i++) {
        agent_certs_cut(&to, att_buf_slice(f->certs[i]), true);
    }
}
