/* Subject key identifiers: how certificates, and the kernel's signatures, name a key. */
#include <openssl/crypto.h>
#include <openssl/x509v3.h>

#include "crypto/cert_internal.h"
#include "crypto/key_internal.h"

#define ED25519_LEN 32

enum att_err att_pubkey_key_id(uint8_t out[ATT_KEY_ID_LEN], const struct att_pubkey *k)
{
    uint8_t raw[ED25519_LEN];
    unsigned char *bits = NULL;
    struct att_slice key = att_slice_of(raw, sizeof(raw));
    enum att_err err = ATT_OK;

    if (k->type == ATT_KEY_ED25519) {
        err = att_pubkey_raw(k, raw, sizeof(raw));
    } else {
        int len = i2d_PublicKey(k->pkey, &bits); /* the contents of the BIT STRING */

        err = len > 0 ? ATT_OK : ATT_E_CRYPTO;
        key = att_slice_of(bits, len > 0 ? (size_t)len : 0);
    }
    if (err == ATT_OK) {
        err = att_digest(ATT_HASH_SHA1, &key, 1, out);
    }
    OPENSSL_free(bits);
    return err;
}

enum att_err att_cert_key_id(struct att_slice *out, const struct att_cert *c)
{
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(c->x509);
    int len = id == NULL ? 0 : ASN1_STRING_length(id);

    if (len <= 0) {
        return ATT_E_NOT_FOUND;
    }
    *out = att_slice_of(ASN1_STRING_get0_data(id), (size_t)len);
    return ATT_OK;
}
