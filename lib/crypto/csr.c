/* Certificate requests (PKCS#10): the asker shows that it holds the private key, and no more. */
#include "crypto/cert.h"

#include <string.h>

#include <openssl/err.h>

#include "base/guard.h"
#include "crypto/cert_internal.h"
#include "crypto/key_internal.h"

static enum att_err to_der(struct att_buf **out, X509_REQ *req)
{
    unsigned char *der = NULL;
    int len = i2d_X509_REQ(req, &der);

    return att_der_take(out, der, len);
}

static int fill(X509_REQ *req, const struct att_privkey *key, const char *common_name)
{
    X509_NAME *name = X509_REQ_get_subject_name(req);

    return X509_REQ_set_version(req, 0) == 1 &&
           X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)common_name, -1, -1, 0) == 1 &&
           X509_REQ_set_pubkey(req, key->pkey) == 1 &&
           X509_REQ_sign(req, key->pkey, att_cert_md(key->type)) > 0;
}

enum att_err att_csr_make(struct att_buf **out_der, const struct att_privkey *key,
                          const char *common_name)
{
    X509_REQ *req = X509_REQ_new();
    enum att_err err = ATT_E_CRYPTO;

    if (req == NULL) {
        return ATT_E_NOMEM;
    }
    if (fill(req, key, common_name) == 1) {
        err = to_der(out_der, req);
    }
    X509_REQ_free(req);
    ERR_clear_error();
    return err;
}

/* The key of the request, when the request is signed with it. */
static enum att_err open_req(struct att_pubkey **out_key, X509_REQ *req, struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    enum att_err err = att_pubkey_from_x509(&key, X509_REQ_get_X509_PUBKEY(req), false, NULL, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(CSR_POSSESSION, X509_REQ_verify(req, key->pkey) != 1)) {
        return att_fail(diag, ATT_E_SIGNATURE, ATT_R_ID_CSR, "csr.signature",
                        "the request is not signed with its own key");
    }
    *out_key = key;
    key = NULL;
    return ATT_OK;
}

enum att_err att_csr_open(struct att_pubkey **out_key, struct att_slice der, struct att_diag *diag)
{
    const unsigned char *at = der.p;
    X509_REQ *req = NULL;
    enum att_err err = ATT_OK;

    if (der.len == 0 || der.len > ATT_CERT_MAX) {
        return att_fail(diag, der.len == 0 ? ATT_E_FORMAT : ATT_E_LIMIT, ATT_R_ID_CSR, "csr",
                        "expected a DER request of at most %d bytes, found %zu", ATT_CERT_MAX,
                        der.len);
    }
    req = d2i_X509_REQ(NULL, &at, (long)der.len);
    if (req == NULL) {
        err = att_fail(diag, ATT_E_FORMAT, ATT_R_ID_CSR, "csr", "expected a DER PKCS#10 request");
    } else if (at != der.p + der.len) {
        err = att_fail_at(diag, ATT_E_TRAILING, ATT_R_ID_CSR, "csr", (size_t)(at - der.p),
                          "bytes left over after the request");
    } else {
        err = open_req(out_key, req, diag);
    }
    X509_REQ_free(req);
    ERR_clear_error();
    return err;
}
