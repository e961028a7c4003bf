/* The signing port, and the signer over a software key. */
#include "sign/signer.h"

#include <stdlib.h>

#define SIGNATURE_CAP 512

/* How a key of each type signs: one scheme and one hash a type, so nothing is chosen by a message. */
static const struct {
    enum att_scheme scheme;
    enum att_hash hash;
} BY_TYPE[] = {
    [ATT_KEY_RSA] = {ATT_SCHEME_RSASSA, ATT_HASH_SHA256},
    [ATT_KEY_EC_P256] = {ATT_SCHEME_ECDSA, ATT_HASH_SHA256},
    [ATT_KEY_EC_P384] = {ATT_SCHEME_ECDSA, ATT_HASH_SHA384},
    [ATT_KEY_EC_P521] = {ATT_SCHEME_ECDSA, ATT_HASH_SHA512},
    [ATT_KEY_ED25519] = {ATT_SCHEME_ED25519, ATT_HASH_NONE},
};

struct software {
    struct att_privkey *key;
    struct att_pubkey *public_key;
    enum att_scheme scheme;
    enum att_hash hash;
};

static enum att_err software_sign(void *ctx, struct att_slice message, uint8_t *out, size_t cap,
                                  size_t *out_len)
{
    const struct software *sw = ctx;

    return att_sign(sw->key, sw->scheme, sw->hash, message, out, cap, out_len);
}

static void software_free(void *ctx)
{
    struct software *sw = ctx;

    att_privkey_free(sw->key);
    att_pubkey_free(sw->public_key);
    free(sw);
}

enum att_err att_signer_sign(const struct att_signer *s, struct att_slice message, uint8_t *out,
                             size_t cap, size_t *out_len)
{
    size_t len = 0;
    enum att_err err = ATT_OK;

    if (cap < SIGNATURE_CAP) {
        return ATT_E_INTERNAL;
    }
    err = s->sign(s->ctx, message, out, cap, &len);
    if (err != ATT_OK) {
        return err;
    }
    if (len == 0 || len > cap) {
        return ATT_E_INTERNAL;
    }
    *out_len = len;
    return ATT_OK;
}

void att_signer_free(struct att_signer *s)
{
    if (s == NULL) {
        return;
    }
    if (s->free != NULL) {
        s->free(s->ctx);
    }
    free(s);
}

void att_signer_freep(struct att_signer **s)
{
    att_signer_free(*s);
    *s = NULL;
}

enum att_err att_signer_software(struct att_signer **out, struct att_privkey *key)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *public_key = NULL;
    struct att_signer *s = NULL;
    struct software *sw = NULL;
    enum att_err err = att_privkey_public(&public_key, key);

    if (err != ATT_OK) {
        return err;
    }
    s = calloc(1, sizeof(*s));
    sw = calloc(1, sizeof(*sw));
    if (s == NULL || sw == NULL) {
        free(s);
        free(sw);
        return ATT_E_NOMEM;
    }
    sw->key = key;
    sw->scheme = BY_TYPE[att_pubkey_type(public_key)].scheme;
    sw->hash = BY_TYPE[att_pubkey_type(public_key)].hash;
    sw->public_key = public_key;
    public_key = NULL;
    *s = (struct att_signer){
        .key_class = ATT_KEY_CLASS_FILE,
        .scheme = sw->scheme,
        .hash = sw->hash,
        .public_key = sw->public_key,
        .sign = software_sign,
        .free = software_free,
        .ctx = sw,
    };
    *out = s;
    return ATT_OK;
}
