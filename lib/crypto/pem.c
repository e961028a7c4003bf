/* PEM in and out over OpenSSL's reader. */
#include "crypto/pem_internal.h"

#include <limits.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

void att_pem_clear(struct att_pem *pem)
{
    att_buf_freep(&pem->der);
    pem->name[0] = '\0';
}

/* The end of the text is what OpenSSL calls "no start line", an error like any other to it. */
static enum att_err why_none(void)
{
    unsigned long e = ERR_peek_last_error();

    ERR_clear_error();
    if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE) {
        return ATT_E_NOMEM;
    }
    return ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE
               ? ATT_E_NOT_FOUND
               : ATT_E_FORMAT;
}

static enum att_err keep(struct att_pem *out, const char *name, const char *header,
                         struct att_slice der)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    enum att_err err = ATT_OK;

    if (strlen(name) >= sizeof(out->name)) {
        return ATT_E_FORMAT;
    }
    /* Headers inside the armour mean the old encryption, and nothing else that we use. */
    if (header[0] != '\0') {
        return ATT_E_UNSUPPORTED;
    }
    err = att_buf_new(&b, ATT_PEM_MAX);
    if (err == ATT_OK) {
        err = att_buf_add_slice(b, der);
    }
    if (err != ATT_OK) {
        return err;
    }
    memcpy(out->name, name, strlen(name) + 1);
    out->der = b;
    b = NULL;
    return ATT_OK;
}

enum att_err att_pem_next(struct att_pem *out, BIO *text)
{
    char *name = NULL;
    char *header = NULL;
    unsigned char *data = NULL;
    long len = 0;
    enum att_err err = ATT_OK;

    ERR_clear_error();
    if (PEM_read_bio(text, &name, &header, &data, &len) != 1) {
        return why_none();
    }
    err = keep(out, name, header, att_slice_of(data, (size_t)len));
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, (size_t)len);
    return err;
}

enum att_err att_pem_only(struct att_pem *out, struct att_slice text)
{
    struct att_pem first = {0};
    struct att_pem second = {0};
    enum att_err err = ATT_OK;
    BIO *bio = NULL;

    if (text.len == 0) {
        return ATT_E_NOT_FOUND;
    }
    if (text.len > ATT_PEM_MAX) {
        return ATT_E_LIMIT;
    }
    bio = BIO_new_mem_buf(text.p, (int)text.len);
    err = bio == NULL ? ATT_E_NOMEM : att_pem_next(&first, bio);
    if (err == ATT_OK) {
        err = att_pem_next(&second, bio);
        err = err == ATT_E_NOT_FOUND ? ATT_OK : err == ATT_OK ? ATT_E_TRAILING : err;
    }
    BIO_free(bio);
    att_pem_clear(&second);
    if (err != ATT_OK) {
        att_pem_clear(&first);
        return err;
    }
    *out = first;
    return ATT_OK;
}

enum att_err att_pem_from_bio(struct att_buf **out, BIO *bio)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);
    enum att_err err = ATT_OK;

    if (len <= 0) {
        return ATT_E_CRYPTO;
    }
    err = att_buf_new(&b, ATT_PEM_MAX);
    if (err == ATT_OK) {
        err = att_buf_add(b, text, (size_t)len);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}

enum att_err att_pem_write(struct att_buf **out, const char *name, struct att_slice der)
{
    enum att_err err = ATT_E_NOMEM;
    BIO *bio = NULL;

    if (der.len == 0 || der.len > ATT_PEM_MAX / 2) {
        return ATT_E_LIMIT;
    }
    bio = BIO_new(BIO_s_mem());
    if (bio != NULL) {
        err = PEM_write_bio(bio, name, "", der.p, (long)der.len) > 0 ? att_pem_from_bio(out, bio)
                                                                     : ATT_E_CRYPTO;
    }
    BIO_free(bio);
    return err;
}

bool att_pem_is_der(struct att_slice in)
{
    return in.len > 0 && in.p[0] == 0x30;
}
