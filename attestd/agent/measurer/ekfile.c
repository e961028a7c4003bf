/* EK certificates from files: some makers keep them on a web site, and the TPM holds none. */
#include "agent/measurer/agent.h"

#include <string.h>

#include "base/file.h"

#define DER_SEQUENCE 0x30

static enum att_err add_file(struct hw_ek_certs *certs, const char *path, uint32_t index,
                             struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    char shown[96];
    enum att_err err = att_file_read(&bytes, path, HW_EK_CERT_MAX, diag);

    if (err != ATT_OK) {
        return err;
    }
    (void)att_escape(shown, sizeof(shown), path, strlen(path));
    if (att_buf_len(bytes) == 0 || att_buf_slice(bytes).p[0] != DER_SEQUENCE) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "ek_certificates",
                        "expected a certificate in DER (openssl x509 -outform DER): %s", shown);
    }
    if (certs->count == HW_EK_CERTS_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_CFG_KEY, "ek_certificates",
                        "the TPM holds %d certificates already: no room for %s", HW_EK_CERTS_MAX,
                        shown);
    }
    certs->cert[certs->count].index = index;
    certs->cert[certs->count++].der = bytes;
    bytes = NULL;
    return ATT_OK;
}

enum att_err agent_ek_certs(struct hw_ek_certs *out, struct hw_tpm *tpm,
                            const struct agent_conf *conf, struct att_diag *diag)
{
    ATT_CLEANUP(hw_ek_certs_free) struct hw_ek_certs certs = {.count = 0};
    enum att_err err = hw_tpm_ek_certs(&certs, tpm, diag);

    for (size_t i = 0; err == ATT_OK && i < conf->ek_file_count; i++) {
        err = add_file(&certs, conf->ek_file[i], AGENT_EK_FILE_INDEX + (uint32_t)i, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = certs;
    certs = (struct hw_ek_certs){.count = 0};
    return ATT_OK;
}
