/* Signing with the data key, for whoever signs data on this gateway. */
#include <stdlib.h>
#include <string.h>

#include "agent/measurer/datakey.h"
#include "base/clock.h"
#include "base/file.h"
#include "crypto/digest.h"

#define LOCK_WAIT_MS 30000

/* Key and authorisation as they were kept, in the form that the TPM asks for. */
static enum att_err load(struct data_key *k, struct att_grant *g, struct hw_permit *p,
                         const struct agent *a, struct att_diag *diag)
{
    enum att_err err = data_key_load(k, a->conf->state_dir, diag);

    if (err == ATT_OK) {
        err = data_grant_load(g, a->conf->state_dir, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    p->authority = att_slice_of(k->authority, k->authority_len);
    memcpy(p->signature, g->signature, sizeof(p->signature));
    err = att_data_key_ref(p->ref, a->ident.device_id);
    if (err == ATT_OK) {
        err = att_grant_policy(p->approved, g);
    }
    return err == ATT_OK ? ATT_OK : att_fail(diag, err, ATT_R_INTERNAL, "data key", "no digest");
}

enum att_err data_key_sign_with(uint8_t out[HW_SIGNATURE_LEN], struct hw_tpm *tpm,
                                const struct agent *a, const uint8_t digest[32],
                                struct att_diag *diag)
{
    struct att_diag why = {0};
    struct data_key k;
    struct att_grant g;
    struct hw_permit p = {.authority = {0}};
    enum att_err err = load(&k, &g, &p, a, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = hw_tpm_data_sign(out, tpm, &k.key, &p, &g, digest, &why);
    if (err == ATT_OK) {
        return ATT_OK;
    }
    data_key_refused(a, att_clock_utc_s(), &why);
    if (diag != NULL) {
        *diag = why;
    }
    return err;
}

enum att_err data_key_sign(uint8_t out[HW_SIGNATURE_LEN], const struct agent *a,
                           const uint8_t digest[32], struct att_diag *diag)
{
    ATT_CLEANUP(att_closep) int lock_fd = -1;
    ATT_CLEANUP(hw_tpm_closep) struct hw_tpm *tpm = NULL; /* given back before the lock */
    enum att_err err = state_lock(&lock_fd, a->conf->state_dir, LOCK_WAIT_MS, diag);

    if (err == ATT_OK) {
        err = hw_tpm_open(&tpm, a->conf->tcti, diag);
    }
    return err == ATT_OK ? data_key_sign_with(out, tpm, a, digest, diag) : err;
}

struct signer {
    const struct agent *a;
    struct att_diag *why;
    struct att_pubkey *key;
};

static enum att_err sign(void *ctx, struct att_slice message, uint8_t *out, size_t cap,
                         size_t *out_len)
{
    const struct signer *s = ctx;
    struct att_diag why = {0};
    uint8_t digest[32];
    enum att_err err = cap < HW_SIGNATURE_LEN ? ATT_E_INTERNAL : att_sha256(message, digest);

    if (err == ATT_OK) {
        err = data_key_sign(out, s->a, digest, &why);
    }
    if (err != ATT_OK && s->why != NULL) {
        *s->why = why;
    }
    if (err == ATT_OK) {
        *out_len = HW_SIGNATURE_LEN;
    }
    return err;
}

static void signer_free(void *ctx)
{
    struct signer *s = ctx;

    att_pubkey_free(s->key);
    free(s);
}

enum att_err data_key_signer(struct att_signer **out, const struct agent *a, struct att_diag *why,
                             struct att_diag *diag)
{
    struct data_key k;
    struct att_pubarea area;
    struct att_signer *port = calloc(1, sizeof(*port));
    struct signer *s = calloc(1, sizeof(*s));
    enum att_err err = port == NULL || s == NULL
                           ? att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "data key", "no memory")
                           : data_key_load(&k, a->conf->state_dir, diag);

    if (err == ATT_OK) {
        err = att_pubarea_parse(&area, att_slice_of(k.key.public_area, k.key.public_len), diag);
    }
    if (err == ATT_OK) {
        err = att_pubarea_key(&s->key, &area, diag);
    }
    if (err != ATT_OK) {
        free(port);
        free(s);
        return err;
    }
    s->a = a;
    s->why = why;
    *port = (struct att_signer){.key_class = ATT_KEY_CLASS_TPM,
                                .scheme = ATT_SCHEME_ECDSA,
                                .hash = ATT_HASH_SHA256,
                                .public_key = s->key,
                                .sign = sign,
                                .free = signer_free,
                                .ctx = s};
    *out = port;
    return ATT_OK;
}
