/* Places of factory keys: a handle, and NV indexes or files. */
#include "agent/measurer/factory.h"

#include <string.h>

#include "base/file.h"
#include "base/rd.h"

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

static void add(struct wire_factory_key *out, struct att_slice cert)
{
    if (out->cert_count < WIRE_EK_CERTS_MAX && cert.len > 0 && cert.len <= CERT_MAX) {
        out->cert[out->cert_count++] = cert;
    }
}

/* Bytes from here on begin a certificate: a SEQUENCE of 256 bytes or more, which each is (X.690, 8.1.3). */
static size_t sequence_at(struct att_rd look)
{
    uint8_t tag = att_rd_u8(&look);
    uint8_t form = att_rd_u8(&look);
    uint16_t len = att_rd_u16be(&look);

    return att_rd_ok(&look) && tag == DER_SEQUENCE && form == 0x82 ? (size_t)len + 4 : 0;
}

/*
 * Certificates one behind the other are cut; what is behind the last, such as the padding of an index, stays with it:
 * the verifier knows which padding is none.
 */
static void add_all(struct wire_factory_key *out, struct att_slice bytes)
{
    struct att_rd r = att_rd_slice(bytes);

    while (att_rd_left(&r) > 0) {
        struct att_rd after = r;
        size_t len = sequence_at(r);

        att_rd_skip(&after, len);
        if (len == 0 || !att_rd_ok(&after) || sequence_at(after) == 0) {
            add(out, att_rd_rest(&r));
            return;
        }
        add(out, att_rd_bytes(&r, len));
    }
}

void agent_factory_wire(struct wire_factory_key *out, const struct agent_factory_found *f)
{
    *out = (struct wire_factory_key){0};
    if (!f->named) {
        return;
    }
    out->public_area = att_slice_of(f->key.public_area, f->key.public_len);
    for (size_t i = 0; i < f->count; i++) {
        add_all(out, att_buf_slice(f->certs[i]));
    }
}
