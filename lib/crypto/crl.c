/* Certificate revocation lists: read from a folder into the set that paths are judged with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/file.h"
#include "crypto/cert_internal.h"
#include "crypto/pem_internal.h"

#define CRL_FILE_MAX ((size_t)16 << 20) /* bytes; makers' lists have up to some hundred thousand */
#define CRLS_MAX     4096

static enum att_err add_der(struct att_anchors *a, struct att_slice der)
{
    const unsigned char *at = der.p;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    enum att_err err = ATT_OK;

    if (crl == NULL || at != der.p + der.len) {
        err = ATT_E_FORMAT;
    } else if (a->crl_count == CRLS_MAX) {
        err = ATT_E_LIMIT;
    } else if (X509_STORE_add_crl(a->store, crl) != 1) {
        err = ATT_E_CRYPTO;
    } else {
        a->crl_count++;
    }
    X509_CRL_free(crl);
    ERR_clear_error();
    return err;
}

static enum att_err add_text(struct att_anchors *a, struct att_slice text)
{
    BIO *bio = BIO_new_mem_buf(text.p, (int)text.len);
    enum att_err err = bio == NULL ? ATT_E_NOMEM : ATT_OK;
    size_t found = 0;

    while (err == ATT_OK) {
        struct att_pem pem = {0};

        err = att_pem_next(&pem, bio);
        if (err == ATT_OK) {
            err = strcmp(pem.name, "X509 CRL") == 0 ? add_der(a, att_buf_slice(pem.der))
                                                    : ATT_E_FORMAT;
            found++;
        }
        att_pem_clear(&pem);
    }
    BIO_free(bio);
    return err == ATT_E_NOT_FOUND ? (found > 0 ? ATT_OK : ATT_E_FORMAT) : err;
}

static enum att_err add_file(struct att_anchors *a, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    enum att_err err = att_file_read(&bytes, path, CRL_FILE_MAX, diag);
    char shown[96];

    if (err != ATT_OK) {
        return err;
    }
    err = att_pem_is_der(att_buf_slice(bytes)) ? add_der(a, att_buf_slice(bytes))
                                               : add_text(a, att_buf_slice(bytes));
    if (err == ATT_OK) {
        return ATT_OK;
    }
    return att_fail(diag, err, ATT_R_FMT_CERT, "crl",
                    "expected revocation lists in PEM (X509 CRL) or one in DER: %s",
                    att_escape(shown, sizeof(shown), path, strlen(path)));
}

enum att_err att_anchors_load_crls(struct att_anchors *a, const char *folder,
                                   enum att_crl_rule rule, struct att_diag *diag)
{
    static const char *const ends[] = {".crl", ".pem", ".der", NULL};
    static const struct att_folder_walk walk = {ends, add_file};
    enum att_err err = att_anchors_walk(a, folder, &walk, diag);

    if (err == ATT_OK) {
        a->crl_rule = rule;
    }
    return err;
}
