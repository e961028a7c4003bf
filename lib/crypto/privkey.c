/* Private keys in memory and in files: for tests, for the agent's transport, never for a real issuer. */
#include "crypto/key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include "crypto/key_internal.h"
#include "crypto/pem_internal.h"

#define RSA_BITS_NEW ((size_t)2048)

enum att_err att_privkey_wrap(struct att_privkey **out, EVP_PKEY *pkey, enum att_key_type type)
{
    struct att_privkey *k = calloc(1, sizeof(*k));
    struct att_key_op *op = calloc(1, sizeof(*op));

    if (k == NULL || op == NULL) {
        free(k);
        free(op);
        EVP_PKEY_free(pkey);
        return ATT_E_NOMEM;
    }
    k->type = type;
    k->pkey = pkey;
    k->op = op;
    *out = k;
    return ATT_OK;
}

void att_privkey_free(struct att_privkey *k)
{
    if (k == NULL) {
        return;
    }
    EVP_PKEY_CTX_free(k->op->ctx);
    free(k->op);
    EVP_PKEY_free(k->pkey); /* wipes the private part */
    free(k);
}

void att_privkey_freep(struct att_privkey **k)
{
    att_privkey_free(*k);
    *k = NULL;
}

enum att_err att_privkey_generate(struct att_privkey **out, enum att_key_type type)
{
    EVP_PKEY *pkey = NULL;

    switch (type) {
    case ATT_KEY_RSA:
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", RSA_BITS_NEW);
        break;
    case ATT_KEY_EC_P256:
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
        break;
    case ATT_KEY_EC_P384:
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
        break;
    case ATT_KEY_EC_P521:
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-521");
        break;
    case ATT_KEY_ED25519:
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        break;
    default:
        return ATT_E_UNSUPPORTED;
    }
    ERR_clear_error();
    if (pkey == NULL) {
        return ATT_E_CRYPTO;
    }
    return att_privkey_wrap(out, pkey, type);
}

/* Nobody is at the keyboard of a service: an encrypted key is a refusal, not a prompt. */
static int no_passphrase(char *buf, int size, int rwflag, void *data)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)data;
    return -1;
}

static EVP_PKEY *read_pem(struct att_slice pem)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);
    EVP_PKEY *pkey = NULL;

    if (bio != NULL) {
        pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    }
    BIO_free(bio);
    ERR_clear_error();
    return pkey;
}

enum att_err att_privkey_from_pem(struct att_privkey **out, struct att_slice pem,
                                  struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *pub = NULL;
    EVP_PKEY *pkey = NULL;
    enum att_err err = ATT_OK;

    if (pem.len == 0 || pem.len > ATT_PEM_MAX) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_KEY, "key",
                        "expected a PEM private key, found %zu bytes", pem.len);
    }
    pkey = read_pem(pem);
    if (pkey == NULL) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_KEY, "key",
                        "expected a PEM private key without a passphrase");
    }
    /* The public half goes through the rules that hold for everybody's keys. */
    err = att_pubkey_from_evp(&pub, pkey, diag);
    if (err != ATT_OK) {
        EVP_PKEY_free(pkey);
        return err;
    }
    return att_privkey_wrap(out, pkey, att_pubkey_type(pub));
}

enum att_err att_privkey_pem(struct att_buf **out, const struct att_privkey *k)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    enum att_err err = ATT_E_CRYPTO;

    if (bio == NULL) {
        return ATT_E_NOMEM;
    }
    if (PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL) == 1) {
        err = att_pem_from_bio(out, bio);
    }
    BIO_free(bio);
    return err;
}

enum att_err att_privkey_public(struct att_pubkey **out, const struct att_privkey *k)
{
    return att_pubkey_from_evp(out, k->pkey, NULL);
}
