/*
 * Endorsement key certificates as TPM makers wrote them.
 *
 * What is forgiven is the wrapping and the name of the key's algorithm, never the signature. Each
 * thing forgiven is named, so that a result can say so.
 */
#include "crypto/ek_cert.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "base/guard.h"
#include "base/rd.h"
#include "crypto/cert_internal.h"
#include "crypto/key_internal.h"
#include "crypto/pem_internal.h"

#define TAG_STORED_CERT 0x1001 /* TPM_TAG_PCCLIENT_STORED_CERT (TCG PC Client 1.2, 7.4.2) */
#define TAG_FULL_CERT   0x1002 /* TPM_TAG_PCCLIENT_FULL_CERT */
#define CERT_TYPE_FULL  0x00
#define DER_SEQUENCE    0x30

static const struct {
    unsigned int bit;
    const char *name;
} FIXES[] = {
    {ATT_EK_FIX_HEADER, "tcg-header"},
    {ATT_EK_FIX_PADDING, "padding"},
    {ATT_EK_FIX_OAEP, "rsaes-oaep"},
    {ATT_EK_FIX_BER, "ber"},
};

unsigned int att_ek_fix_find(const char *name)
{
    for (size_t i = 0; i < ATT_COUNT(FIXES); i++) {
        if (strcmp(FIXES[i].name, name) == 0) {
            return FIXES[i].bit;
        }
    }
    return 0;
}

const char *att_ek_fix_name(unsigned int bit)
{
    for (size_t i = 0; i < ATT_COUNT(FIXES); i++) {
        if (FIXES[i].bit == bit) {
            return FIXES[i].name;
        }
    }
    return "";
}

char *att_ek_fixes_print(char *out, size_t cap, unsigned int fixes)
{
    size_t at = 0;

    if (cap > 0) {
        out[0] = '\0';
    }
    for (size_t i = 0; i < ATT_COUNT(FIXES) && at < cap; i++) {
        if ((fixes & FIXES[i].bit) != 0) {
            int len = snprintf(out + at, cap - at, "%s%s", at == 0 ? "" : ", ", FIXES[i].name);

            at += len > 0 ? (size_t)len : 0;
        }
    }
    return out;
}

static struct att_slice cut_header(struct att_slice in, unsigned int *done)
{
    struct att_rd r = att_rd_slice(in);
    uint16_t stored = att_rd_u16be(&r);
    uint8_t kind = att_rd_u8(&r);
    uint16_t full = 0;

    (void)att_rd_u16be(
        &r); /* the length: the DER below has its own, which is held against the bytes */
    full = att_rd_u16be(&r);
    if (!att_rd_ok(&r) || stored != TAG_STORED_CERT || kind != CERT_TYPE_FULL ||
        full != TAG_FULL_CERT) {
        return in;
    }
    *done |= ATT_EK_FIX_HEADER;
    return att_rd_rest(&r);
}

/* NV space that nobody wrote reads as all ones or all zeros; anything else is not padding. */
static bool is_padding(struct att_slice rest)
{
    for (size_t i = 0; i < rest.len; i++) {
        if (rest.p[i] != rest.p[0]) {
            return false;
        }
    }
    return rest.len > 0 && (rest.p[0] == 0x00 || rest.p[0] == 0xff);
}

static struct att_slice cut_padding(struct att_slice in, unsigned int *done)
{
    struct att_rd r = att_rd_slice(in);
    uint8_t tag = att_rd_u8(&r);
    uint8_t form = att_rd_u8(&r);
    uint32_t len = 0;
    size_t head = 0;

    if (tag == DER_SEQUENCE && form == 0x82) {
        len = att_rd_count16be(&r, ATT_CERT_MAX);
    } else if (tag == DER_SEQUENCE && form == 0x81) {
        len = att_rd_count8(&r, UINT8_MAX);
    } else {
        return in;
    }
    head = att_rd_off(&r);
    att_rd_skip(&r, len);
    if (!att_rd_ok(&r) || !is_padding(att_rd_rest(&r))) {
        return in;
    }
    *done |= ATT_EK_FIX_PADDING;
    r = att_rd_slice(in);
    return att_rd_bytes(&r, head + len);
}

/*
 * OpenSSL has no decoder for RSA keys that are named rsaesOaep. The key is put in by hand; the signed
 * bytes, which OpenSSL keeps as they came, stay as they are, so the issuer's signature still decides.
 */
static enum att_err read_oaep(struct att_cert *c, unsigned int *done, struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    bool was_oaep = false;
    enum att_err err =
        att_pubkey_from_x509(&key, X509_get_X509_PUBKEY(c->x509), true, &was_oaep, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (!was_oaep) {
        return ATT_OK;
    }
    if (X509_set_pubkey(c->x509, key->pkey) != 1) {
        ERR_clear_error();
        return ATT_E_CRYPTO;
    }
    *done |= ATT_EK_FIX_OAEP;
    return ATT_OK;
}

/* Does OpenSSL write the same bytes when it encodes every field anew? Asked of a copy: it forgets its own. */
static bool is_der(const struct att_cert *c)
{
    unsigned char *whole = NULL;
    unsigned char *again = NULL;
    X509 *copy = X509_dup(c->x509);
    int whole_len = i2d_X509(c->x509, &whole);
    int again_len = copy == NULL ? 0 : i2d_re_X509_tbs(copy, &again);
    bool same = whole_len > 0 && again_len > 0 &&
                att_slice_eq(att_slice_of(whole, (size_t)whole_len), att_cert_der(c)) &&
                memmem(whole, (size_t)whole_len, again, (size_t)again_len) != NULL;

    OPENSSL_free(whole);
    OPENSSL_free(again);
    X509_free(copy);
    ERR_clear_error();
    return same;
}

static enum att_err parse_blob(struct att_cert **out, struct att_slice in, unsigned int *done,
                               struct att_diag *diag)
{
    ATT_CLEANUP(att_cert_freep) struct att_cert *c = NULL;
    struct att_slice der = cut_padding(cut_header(in, done), done);
    enum att_err err = att_cert_from_der(&c, der, true, diag);

    if (err != ATT_OK) {
        return err;
    }
    *done |= is_der(c) ? 0 : (unsigned int)ATT_EK_FIX_BER;
    err = read_oaep(c, done, diag);
    if (err != ATT_OK) {
        return err;
    }
    *out = c;
    c = NULL;
    return ATT_OK;
}

enum att_err att_cert_parse_ek(struct att_cert **out, unsigned int *fixes, struct att_slice in,
                               unsigned int allowed, struct att_diag *diag)
{
    ATT_CLEANUP(att_pem_clear) struct att_pem pem = {0};
    ATT_CLEANUP(att_cert_freep) struct att_cert *c = NULL;
    unsigned int done = 0;
    char names[64];
    enum att_err err = ATT_OK;

    /* Only text is searched for armour: a blob from NV begins with one of these two bytes. */
    if (!att_pem_is_der(in) && in.len > 0 && in.p[0] != (TAG_STORED_CERT >> 8) &&
        att_pem_only(&pem, in) == ATT_OK && strcmp(pem.name, "CERTIFICATE") == 0) {
        in = att_buf_slice(pem.der);
    }
    err = parse_blob(&c, in, &done, diag);
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(EK_FIXES, (done & ~allowed) != 0)) {
        return att_fail(diag, ATT_E_DENIED, ATT_R_ID_EKCERT, "certificate.form",
                        "it would have to be read with workarounds that are not allowed: %s",
                        att_ek_fixes_print(names, sizeof(names), done & ~allowed));
    }
    if (fixes != NULL) {
        *fixes = done;
    }
    *out = c;
    c = NULL;
    return ATT_OK;
}
