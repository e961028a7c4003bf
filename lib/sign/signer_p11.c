/* A struct att_signer around an open PKCS#11 key. */
#include "sign/signer_p11.h"

#include <stdlib.h>

#include "crypto/p11.h"

static enum att_err sign_in_token(void *ctx, struct att_slice message, uint8_t *out, size_t cap,
                                  size_t *out_len)
{
    const struct att_p11_key *key = ctx;

    return att_p11_sign(key, message, out, cap, out_len);
}

static void free_key(void *ctx)
{
    att_p11_free(ctx);
}

enum att_err att_signer_p11(struct att_signer **out, const char *uri, const char *pin_file,
                            struct att_diag *diag)
{
    ATT_CLEANUP(att_p11_freep) struct att_p11_key *key = NULL;
    struct att_signer *s = NULL;
    enum att_err err = att_p11_open(&key, uri, pin_file, diag);

    if (err != ATT_OK) {
        return err;
    }
    s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return ATT_E_NOMEM;
    }
    s->key_class = ATT_KEY_CLASS_PKCS11;
    s->scheme = ATT_SCHEME_ECDSA;
    s->hash = att_p11_hash(key);
    s->public_key = att_p11_public(key);
    s->sign = sign_in_token;
    s->free = free_key;
    s->ctx = key;
    key = NULL;
    *out = s;
    return ATT_OK;
}
