/* A key to sign with: in a token, or in a file when that was said. */
#include "signing.h"

#include <string.h>

#include "base/file.h"
#include "base/guard.h"
#include "sign/signer_p11.h"

#define FILE_SCHEME   "file:"
#define PKCS11_SCHEME "pkcs11:"
#define KEY_FILE_MAX  65536

static enum att_err open_file(struct att_signer **out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    ATT_CLEANUP(att_privkey_freep) struct att_privkey *key = NULL;
    enum att_err err = att_file_read_careful(&pem, path, KEY_FILE_MAX, ATT_FILE_SECRET, diag);

    if (err == ATT_OK) {
        err = att_privkey_from_pem(&key, att_buf_slice(pem), diag);
    }
    if (err == ATT_OK) {
        err = att_signer_software(out, key);
    }
    if (err == ATT_OK) {
        key = NULL; /* the signer's now */
    }
    return err;
}

enum att_err signing_open(struct att_signer **out, const char *key, bool file_ok,
                          struct att_diag *diag)
{
    if (strncmp(key, PKCS11_SCHEME, strlen(PKCS11_SCHEME)) == 0) {
        return att_signer_p11(out, key, NULL, diag);
    }
    if (ATT_GUARD(SIGN_KEY_FILE, !file_ok)) {
        return att_fail(diag, ATT_E_DENIED, ATT_R_KEY_FILE, "--key",
                        "expected pkcs11:, or --insecure-file-key");
    }
    return open_file(
        out, strncmp(key, FILE_SCHEME, strlen(FILE_SCHEME)) == 0 ? key + strlen(FILE_SCHEME) : key,
        diag);
}
