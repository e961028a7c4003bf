/* One certificate: from bytes to fields. Nothing here trusts it. */
#include "crypto/cert.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/rd.h"
#include "crypto/cert_internal.h"
#include "crypto/key_internal.h"
#include "crypto/pem_internal.h"

#define NAME_MAX_TEXT 4096 /* bytes of a printed name that are looked at */

void att_cert_free(struct att_cert *c)
{
    if (c == NULL) {
        return;
    }
    X509_free(c->x509);
    att_buf_free(c->der);
    free(c);
}

void att_cert_freep(struct att_cert **c)
{
    att_cert_free(*c);
    *c = NULL;
}

/* Takes x509, also when it fails. */
static enum att_err wrap(struct att_cert **out, X509 *x509, struct att_slice der)
{
    struct att_cert *c = calloc(1, sizeof(*c));
    enum att_err err = ATT_E_NOMEM;

    if (c == NULL) {
        X509_free(x509);
        return ATT_E_NOMEM;
    }
    c->x509 = x509;
    err = att_buf_new(&c->der, ATT_CERT_MAX);
    if (err == ATT_OK) {
        err = att_buf_add_slice(c->der, der);
    }
    if (err != ATT_OK) {
        att_cert_free(c);
        return err;
    }
    *out = c;
    return ATT_OK;
}

enum att_err att_cert_share(struct att_cert **out, const struct att_cert *c)
{
    if (X509_up_ref(c->x509) != 1) {
        return ATT_E_CRYPTO;
    }
    return wrap(out, c->x509, att_buf_slice(c->der));
}

/* Would OpenSSL write the same bytes? Only DER has one spelling. */
static bool is_canonical(X509 *x509, struct att_slice der)
{
    unsigned char *again = NULL;
    int len = i2d_X509(x509, &again);
    bool same = len > 0 && att_slice_eq(att_slice_of(again, (size_t)len), der);

    OPENSSL_free(again);
    return same;
}

enum att_err att_cert_from_der(struct att_cert **out, struct att_slice der, bool lenient,
                               struct att_diag *diag)
{
    const unsigned char *at = der.p;
    size_t used = 0;
    X509 *x509 = NULL;

    if (der.len > ATT_CERT_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_CERT, "certificate",
                        "expected at most %d bytes, found %zu", ATT_CERT_MAX, der.len);
    }
    x509 = d2i_X509(NULL, &at, (long)der.len);
    ERR_clear_error();
    if (x509 == NULL) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_CERT, "certificate",
                        "%zu bytes that are not a DER certificate", der.len);
    }
    used = (size_t)(at - der.p);
    if (used != der.len) {
        X509_free(x509);
        return att_fail_at(diag, ATT_E_TRAILING, ATT_R_FMT_CERT, "certificate", used,
                           "%zu bytes left over after the certificate", der.len - used);
    }
    if (!lenient && !is_canonical(x509, der)) {
        X509_free(x509);
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_CERT, "certificate",
                        "the encoding is not DER");
    }
    return wrap(out, x509, der);
}

enum att_err att_cert_parse(struct att_cert **out, struct att_slice in, struct att_diag *diag)
{
    ATT_CLEANUP(att_pem_clear) struct att_pem pem = {0};
    enum att_err err = ATT_OK;

    if (att_pem_is_der(in)) {
        return att_cert_from_der(out, in, false, diag);
    }
    err = att_pem_only(&pem, in);
    if (err == ATT_OK && strcmp(pem.name, "CERTIFICATE") != 0) {
        err = ATT_E_FORMAT;
    }
    if (err != ATT_OK) {
        err = err == ATT_E_NOT_FOUND ? ATT_E_FORMAT : err;
        return att_fail(diag, err, ATT_R_FMT_CERT, "certificate",
                        "expected one PEM block \"CERTIFICATE\", or DER");
    }
    return att_cert_from_der(out, att_buf_slice(pem.der), false, diag);
}

struct att_slice att_cert_der(const struct att_cert *c)
{
    return att_buf_slice(c->der);
}

enum att_err att_cert_key(struct att_pubkey **out, const struct att_cert *c, struct att_diag *diag)
{
    return att_pubkey_from_x509(out, X509_get_X509_PUBKEY(c->x509), false, NULL, diag);
}

enum att_err att_cert_fingerprint(uint8_t out[32], const struct att_cert *c)
{
    return att_sha256(att_cert_der(c), out);
}

/*
 * RFC 2253 escapes with backslashes, which att_escape would escape again: so the pieces between them
 * go through it one by one.
 */
static void escape_name(char *out, size_t cap, const char *text)
{
    size_t at = 0;

    out[0] = '\0';
    while (*text != '\0' && at + 1 < cap) {
        size_t len = strcspn(text, "\\");

        att_escape(out + at, cap - at, text, len);
        at += strlen(out + at);
        text += len;
        if (*text == '\\' && at + 1 < cap) {
            out[at++] = '\\';
            out[at] = '\0';
            text++;
        }
    }
}

static char *print_name(char *out, size_t cap, const X509_NAME *name)
{
    /* Letters beyond ASCII stay letters; att_escape takes what is not safe to print. */
    unsigned long flags = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
    char text[NAME_MAX_TEXT] = "";
    BIO *bio = NULL;
    int len = 0;

    if (cap == 0) {
        return out;
    }
    out[0] = '\0';
    bio = BIO_new(BIO_s_mem());
    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, flags) >= 0) {
        len = BIO_read(bio, text, (int)sizeof(text) - 1);
        text[len > 0 ? len : 0] = '\0';
        escape_name(out, cap, text);
    }
    BIO_free(bio);
    ERR_clear_error();
    return out;
}

char *att_cert_subject(char *out, size_t cap, const struct att_cert *c)
{
    return print_name(out, cap, X509_get_subject_name(c->x509));
}

char *att_cert_issuer(char *out, size_t cap, const struct att_cert *c)
{
    return print_name(out, cap, X509_get_issuer_name(c->x509));
}

char *att_cert_issuer_cn(char *out, size_t cap, const struct att_cert *c)
{
    const X509_NAME *name = X509_get_issuer_name(c->x509);
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    unsigned char *text = NULL;
    int len = at < 0 ? -1
                     : ASN1_STRING_to_UTF8(&text,
                                           X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));

    (void)att_escape(out, cap, len > 0 ? text : NULL, len > 0 ? (size_t)len : 0);
    OPENSSL_free(text);
    ERR_clear_error();
    return out;
}

static int64_t seconds_of(const ASN1_TIME *t, int64_t unreadable)
{
    struct tm tm = {0};

    if (ASN1_TIME_to_tm(t, &tm) != 1) {
        return unreadable;
    }
    return (int64_t)timegm(&tm);
}

/* A time that cannot be read makes a certificate that is never valid. */
int64_t att_cert_not_before(const struct att_cert *c)
{
    return seconds_of(X509_get0_notBefore(c->x509), INT64_MAX);
}

int64_t att_cert_not_after(const struct att_cert *c)
{
    return seconds_of(X509_get0_notAfter(c->x509), INT64_MIN);
}

/* Every way in which OpenSSL would take this for a CA counts, old ones without the flag too. */
bool att_cert_is_ca(const struct att_cert *c)
{
    return X509_check_ca(c->x509) != 0;
}

bool att_device_id_ok(const char *id, size_t len)
{
    static const char LETTERS[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    if (len == 0 || len > ATT_DEVICE_ID_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (memchr(LETTERS, id[i], sizeof(LETTERS) - 1) == NULL) {
            return false;
        }
    }
    return true;
}

/* What follows a prefix in one URI name, or an empty slice. */
static struct att_slice id_after(const GENERAL_NAME *name, const char *urn)
{
    struct att_rd r = {0};
    struct att_slice head = {0};
    int len = 0;

    if (name->type != GEN_URI) {
        return head;
    }
    len = ASN1_STRING_length(name->d.uniformResourceIdentifier);
    r = att_rd_from(ASN1_STRING_get0_data(name->d.uniformResourceIdentifier), (size_t)len);
    head = att_rd_bytes(&r, strlen(urn));
    if (!att_slice_eq(head, att_slice_str(urn))) {
        return att_slice_of(NULL, 0);
    }
    return att_rd_rest(&r);
}

enum att_err att_cert_device_id(char *out, size_t cap, const struct att_cert *c)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(c->x509, NID_subject_alt_name, NULL, NULL);
    char id[ATT_DEVICE_ID_MAX + 1] = "";
    enum att_err err = ATT_OK;
    int found = 0;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        struct att_slice one = id_after(sk_GENERAL_NAME_value(names, i), ATT_DEVICE_URN);

        if (one.len == 0) {
            continue;
        }
        found++;
        if (!att_device_id_ok((const char *)one.p, one.len)) {
            err = ATT_E_FORMAT;
            continue;
        }
        memcpy(id, one.p, one.len);
        id[one.len] = '\0';
    }
    GENERAL_NAMES_free(names);
    if (found != 1) {
        return ATT_E_NOT_FOUND;
    }
    if (err == ATT_OK && strlen(id) >= cap) {
        err = ATT_E_LIMIT;
    }
    if (err == ATT_OK) {
        memcpy(out, id, strlen(id) + 1);
    }
    return err;
}

bool att_cert_names_verifier(const struct att_cert *c, const char *id)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(c->x509, NID_subject_alt_name, NULL, NULL);
    bool named = false;

    for (int i = 0; id[0] != '\0' && i < sk_GENERAL_NAME_num(names); i++) {
        struct att_slice one = id_after(sk_GENERAL_NAME_value(names, i), ATT_VERIFIER_URN);

        named = named || att_slice_eq(one, att_slice_str(id));
    }
    GENERAL_NAMES_free(names);
    return named;
}

enum att_err att_cert_pem(struct att_buf **out, struct att_slice der)
{
    return att_pem_write(out, "CERTIFICATE", der);
}
