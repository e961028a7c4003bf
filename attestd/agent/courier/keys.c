/* The TLS key in its file, its certificate request, and the certificate that comes back. */
#include "agent/courier/keys.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/cert.h"
#include "crypto/key.h"

#define PEM_MAX 16384
#define MODE    0600
#define ID_MAX  64

enum att_err keys_check_mode(const char *key_file, struct att_diag *diag)
{
    struct stat st;

    if (lstat(key_file, &st) != 0) {
        return att_fail(diag, errno == ENOENT ? ATT_E_NOT_FOUND : ATT_E_IO, ATT_R_FILE, "tls key",
                        "cannot look at %s: %s", key_file, strerror(errno));
    }
    if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0 || st.st_uid != geteuid()) {
        return att_fail(diag, ATT_E_DENIED, ATT_R_CFG_PERM, "tls key",
                        "%s must be a regular file of this user with mode 0600", key_file);
    }
    return ATT_OK;
}

static enum att_err make_key(struct att_privkey **out, const char *key_file, struct att_diag *diag)
{
    ATT_CLEANUP(att_privkey_freep) struct att_privkey *key = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    enum att_err err = att_privkey_generate(&key, ATT_KEY_EC_P256);

    if (err == ATT_OK) {
        err = att_privkey_pem(&pem, key);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "tls key", "cannot make a P-256 key");
    }
    err = att_file_write(key_file, att_buf_slice(pem), MODE, diag);
    if (err == ATT_OK) {
        *out = key;
        key = NULL;
    }
    return err;
}

static enum att_err load_key(struct att_privkey **out, const char *key_file, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    enum att_err err = keys_check_mode(key_file, diag);

    if (err == ATT_E_NOT_FOUND) {
        return make_key(out, key_file, diag);
    }
    if (err == ATT_OK) {
        err = att_file_read(&pem, key_file, PEM_MAX, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    return att_privkey_from_pem(out, att_buf_slice(pem), diag);
}

enum att_err keys_request(struct att_buf **out_der, const char *key_file,
                          struct att_slice device_id, struct att_diag *diag)
{
    ATT_CLEANUP(att_privkey_freep) struct att_privkey *key = NULL;
    char name[ID_MAX + 1] = {0};
    enum att_err err = ATT_OK;

    if (device_id.len == 0 || device_id.len > ID_MAX) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_ID, "device id",
                        "expected 1 to %d bytes, found %zu", ID_MAX, device_id.len);
    }
    memcpy(name, device_id.p, device_id.len);
    err = load_key(&key, key_file, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = att_csr_make(out_der, key, name);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_ID_CSR, "tls key", "cannot make a certificate request");
    }
    return ATT_OK;
}

enum att_err keys_store_cert(const char *cert_file, struct att_slice der, struct att_diag *diag)
{
    ATT_CLEANUP(att_cert_freep) struct att_cert *cert = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    enum att_err err = att_cert_parse(&cert, der, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_cert_pem(&pem, der);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_FMT_CERT, "client certificate", "cannot write it as PEM");
    }
    return att_file_write(cert_file, att_buf_slice(pem), MODE, diag);
}
