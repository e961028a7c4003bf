/* Keys and certificates of the verifier, judged when they are loaded. */
#include "issuer.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/guard.h"
#include "sign/signer_p11.h"

#define PEM_MAX       65536
#define FILE_SCHEME   "file:"
#define PKCS11_SCHEME "pkcs11:"
#define PEM_BEGIN     "-----BEGIN "
#define DAY_S         86400

static struct att_slice from(struct att_slice s, size_t off)
{
    return att_slice_of(off == s.len ? NULL : &s.p[off], s.len - off);
}

/* The byte at which needle starts at or after off, or SIZE_MAX. */
static size_t find_text(struct att_slice in, size_t off, const char *needle)
{
    size_t len = strlen(needle);

    for (size_t i = off; i + len <= in.len; i++) {
        if (memcmp(&in.p[i], needle, len) == 0)
            return i;
    }
    return SIZE_MAX;
}

enum att_err issuer_read_chain(struct att_cert **out, size_t cap, size_t *count, const char *path,
                               struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_slice rest;
    size_t n = 0;
    enum att_err err = att_file_read(&file, path, PEM_MAX, diag);

    if (err != ATT_OK)
        return err;
    rest = att_buf_slice(file);
    while (err == ATT_OK && n < cap) {
        size_t next = find_text(rest, 1, PEM_BEGIN);
        struct att_slice one = next == SIZE_MAX ? rest : att_slice_of(rest.p, next);

        err = att_cert_parse(&out[n], one, diag);
        if (err != ATT_OK)
            break;
        n++;
        if (next == SIZE_MAX)
            break;
        rest = from(rest, next);
        if (n == cap)
            err = att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_CERT, "chain",
                           "expected at most %zu certificates in a chain", cap);
    }
    if (err != ATT_OK) {
        while (n > 0)
            att_cert_freep(&out[--n]);
        return err;
    }
    *count = n;
    return ATT_OK;
}

static enum att_err read_key_file(struct att_privkey **out, const char *path, bool allowed,
                                  const char *field, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    enum att_err err;

    if (ATT_GUARD(KEY_FILE, !allowed))
        return att_fail(diag, ATT_E_DENIED, ATT_R_KEY_FILE, field,
                        "expected pkcs11:, or insecure_file_key: true");
    err = att_file_read_careful(&pem, path, PEM_MAX, ATT_FILE_SECRET, diag);
    if (err != ATT_OK)
        return err;
    return att_privkey_from_pem(out, att_buf_slice(pem), diag);
}

/* A key that signs: in a token, or in a file where that is allowed. */
static enum att_err open_signer(struct att_signer **out, const char *at, bool file_allowed,
                                const char *field, struct att_diag *diag)
{
    ATT_CLEANUP(att_privkey_freep) struct att_privkey *key = NULL;
    enum att_err err;

    if (strncmp(at, PKCS11_SCHEME, strlen(PKCS11_SCHEME)) == 0)
        return att_signer_p11(out, at, NULL, diag);
    if (strncmp(at, FILE_SCHEME, strlen(FILE_SCHEME)) != 0)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, field, "expected pkcs11: or file:");
    err = read_key_file(&key, at + strlen(FILE_SCHEME), file_allowed, field, diag);
    if (err != ATT_OK)
        return err;
    err = att_signer_software(out, key);
    if (err == ATT_OK)
        key = NULL; /* the signer's now */
    return err;
}

enum att_err issuer_token_key(struct att_pubkey **out, const char *uri, struct att_diag *diag)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *signer = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *spki = NULL;
    enum att_err err = att_signer_p11(&signer, uri, NULL, diag);

    if (err != ATT_OK)
        return err;
    err = att_pubkey_spki(&spki, signer->public_key);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_KEY_STORE, "label.key", "the key cannot be read");
    return att_pubkey_from_spki(out, att_buf_slice(spki), diag);
}

static enum att_err check_pair(const struct att_cert *cert, const struct att_pubkey *key,
                               const char *field, struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *named = NULL;
    enum att_err err = att_cert_key(&named, cert, diag);

    if (err != ATT_OK)
        return err;
    if (!att_pubkey_eq(named, key))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_KEY_PAIR, field,
                        "the certificate is for another key");
    return ATT_OK;
}

static enum att_err check_time(const struct issuer_label *l, int64_t now_utc, struct att_diag *diag)
{
    if (ATT_GUARD(KEY_EXPIRED, now_utc < att_cert_not_before(l->chain[0]) ||
                                   now_utc > att_cert_not_after(l->chain[0])))
        return att_fail(diag, ATT_E_STALE, ATT_R_KEY_EXPIRED, "label.chain",
                        "the certificate of the label key is not valid now");
    return ATT_OK;
}

enum att_err issuer_check_time(const struct issuer *i, int64_t now_utc, struct att_diag *diag)
{
    return check_time(&i->label, now_utc, diag);
}

static enum att_err read_label(struct issuer_label *l, const struct config *cfg,
                               const struct issuer_place *place, int64_t now_utc,
                               struct att_diag *diag)
{
    enum att_err err = issuer_read_chain(l->chain, ATT_CHAIN_MAX, &l->count, place->chain, diag);

    if (err != ATT_OK)
        return err;
    for (size_t n = 0; n < l->count; n++)
        l->x5chain[n] = att_cert_der(l->chain[n]);
    err = check_time(l, now_utc, diag);
    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(KEY_ISSUER, !att_cert_names_verifier(l->chain[0], cfg->verifier_id)))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_KEY_PAIR, "label.chain",
                        "the certificate of the label key does not name this verifier (URI name "
                        "urn:attestd:verifier:ID)");
    err = open_signer(&l->signer, place->key, cfg->insecure_file_key, place->field, diag);
    if (err != ATT_OK)
        return err;
    return check_pair(l->chain[0], l->signer->public_key, place->field, diag);
}

void issuer_label_clear(struct issuer_label *l)
{
    att_signer_free(l->signer);
    for (size_t n = 0; n < l->count; n++)
        att_cert_free(l->chain[n]);
    *l = (struct issuer_label){0};
}

enum att_err issuer_read_label(struct issuer_label *out, const struct config *cfg,
                               const struct issuer_place *place, int64_t now_utc,
                               struct att_diag *diag)
{
    ATT_CLEANUP(issuer_label_clear) struct issuer_label l = {0};
    enum att_err err = read_label(&l, cfg, place, now_utc, diag);

    if (err != ATT_OK)
        return err;
    *out = l;
    l = (struct issuer_label){0};
    return ATT_OK;
}

struct issuer_place issuer_label_place(const struct config *cfg)
{
    return (struct issuer_place){
        .key = cfg->label_key, .chain = cfg->label_chain, .field = "label.key"};
}

struct issuer_place issuer_log_place(const struct config *cfg)
{
    return (struct issuer_place){.key = cfg->log.key, .field = "log.key"};
}

static enum att_err open_device_ca(struct issuer *i, const struct config *cfg,
                                   struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    size_t count = 0;
    enum att_err err = issuer_read_chain(&i->ca, 1, &count, cfg->device_ca.cert, diag);

    if (err != ATT_OK)
        return err;
    if (!att_cert_is_ca(i->ca))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_KEY_PAIR, "device_ca.cert",
                        "the certificate is not that of an authority");
    if (strncmp(cfg->device_ca.key, FILE_SCHEME, strlen(FILE_SCHEME)) != 0)
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_KEY_STORE, "device_ca.key",
                        "the device authority's key must be a file");
    err = read_key_file(&i->ca_key, cfg->device_ca.key + strlen(FILE_SCHEME), true, "device_ca.key",
                        diag);
    if (err == ATT_OK)
        err = att_privkey_public(&key, i->ca_key);
    if (err != ATT_OK)
        return err;
    return check_pair(i->ca, key, "device_ca.key", diag);
}

/* Checkpoints are Ed25519, which tokens rarely have: a file that only this process reads, in every deployment. */
enum att_err issuer_read_log(struct att_signer **out, const struct issuer_place *place,
                             struct att_diag *diag)
{
    ATT_CLEANUP(att_privkey_freep) struct att_privkey *key = NULL;
    ATT_CLEANUP(att_signer_freep) struct att_signer *log = NULL;
    enum att_err err;

    if (strncmp(place->key, FILE_SCHEME, strlen(FILE_SCHEME)) != 0)
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_KEY_STORE, place->field,
                        "the log's key must be a file");
    err = read_key_file(&key, place->key + strlen(FILE_SCHEME), true, place->field, diag);
    if (err == ATT_OK)
        err = att_signer_software(&log, key);
    if (err != ATT_OK)
        return err;
    key = NULL; /* the signer's now */
    if (ATT_GUARD(LOG_KEY_TYPE, att_pubkey_type(log->public_key) != ATT_KEY_ED25519))
        return att_fail(
            diag, ATT_E_MISMATCH, ATT_R_KEY_PAIR, place->field,
            "expected an Ed25519 key, of the log alone: openssl genpkey -algorithm ed25519");
    *out = log;
    log = NULL;
    return ATT_OK;
}

enum att_err issuer_check_data(const struct issuer *i, const struct att_pubkey *label,
                               struct att_diag *diag)
{
    if (ATT_GUARD(DK_OWN_KEY, i->data != NULL && att_pubkey_eq(i->data->public_key, label)))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_KEY_PAIR, "data_key.key",
                        "expected a key of its own, found a label key");
    return ATT_OK;
}

/*
 * It says nothing to anybody but TPMs, and nothing better than "sign while this holds": as with the log's key a file
 * that only this process reads will do. Its public half is in every data key's policy.
 */
static enum att_err open_data(struct issuer *i, const struct config *cfg, struct att_diag *diag)
{
    struct att_pubarea area;
    enum att_err err;

    if (cfg->data_key == NULL)
        return ATT_OK;
    err = open_signer(&i->data, cfg->data_key, true, "data_key.key", diag);
    if (err == ATT_OK)
        err = att_data_key_authority(i->authority, &i->authority_len, i->data->public_key, diag);
    if (err == ATT_OK)
        err = att_pubarea_parse(&area, att_slice_of(i->authority, i->authority_len), diag);
    if (err == ATT_OK)
        err = att_pubarea_name(i->authority_name, &i->authority_name_len, &area);
    return err;
}

enum att_err issuer_authorise(uint8_t out[ATT_GRANT_SIG_LEN], const struct issuer *i,
                              const uint8_t policy[ATT_POLICY_LEN],
                              const uint8_t ref[ATT_POLICY_REF_LEN], struct att_diag *diag)
{
    uint8_t message[ATT_POLICY_LEN + ATT_POLICY_REF_LEN];
    uint8_t sig[512];
    size_t len = 0;
    enum att_err err;

    if (i->data == NULL)
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_DK_OFF, "data_key.key", "there is none");
    memcpy(message, policy, ATT_POLICY_LEN);
    memcpy(message + ATT_POLICY_LEN, ref, ATT_POLICY_REF_LEN);
    err = att_signer_sign(i->data, att_slice_of(message, sizeof(message)), sig, sizeof(sig), &len);
    if (err != ATT_OK || len != ATT_GRANT_SIG_LEN)
        return att_fail(diag, err != ATT_OK ? err : ATT_E_CRYPTO, ATT_R_KEY_STORE, "data_key.key",
                        "it cannot sign: %s", att_err_name(err));
    memcpy(out, sig, ATT_GRANT_SIG_LEN);
    return ATT_OK;
}

enum att_err issuer_open_authority(struct issuer **out, const struct config *cfg,
                                   struct att_diag *diag)
{
    ATT_CLEANUP(issuer_freep) struct issuer *i = calloc(1, sizeof(*i));
    enum att_err err;

    if (i == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "issuer", "memory ran out");
    err = open_device_ca(i, cfg, diag);
    if (err == ATT_OK)
        err = open_data(i, cfg, diag);
    if (err != ATT_OK)
        return err;
    *out = i;
    i = NULL;
    return ATT_OK;
}

enum att_err issuer_open(struct issuer **out, const struct config *cfg, int64_t now_utc,
                         struct att_diag *diag)
{
    ATT_CLEANUP(issuer_freep) struct issuer *i = NULL;
    const struct issuer_place label = issuer_label_place(cfg), log = issuer_log_place(cfg);
    enum att_err err = issuer_open_authority(&i, cfg, diag);

    if (err == ATT_OK)
        err = issuer_read_label(&i->label, cfg, &label, now_utc, diag);
    if (err == ATT_OK)
        err = issuer_read_log(&i->log, &log, diag);
    if (err != ATT_OK)
        return err;
    *out = i;
    i = NULL;
    return ATT_OK;
}

void issuer_free(struct issuer *i)
{
    if (i == NULL)
        return;
    issuer_label_clear(&i->label);
    att_signer_free(i->log);
    att_signer_free(i->log_before);
    for (size_t n = 0; n < i->log_known_count; n++)
        att_pubkey_free(i->log_known[n]);
    att_signer_free(i->data);
    att_cert_free(i->ca);
    att_privkey_free(i->ca_key);
    free(i);
}

void issuer_freep(struct issuer **i)
{
    issuer_free(*i);
    *i = NULL;
}

enum att_err issuer_client_cert(struct att_buf **out, const struct issuer *i, const char *device_id,
                                struct att_slice spki, int64_t now_utc, struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    struct att_cert_order order = {
        .kind = ATT_CERT_TLS_CLIENT,
        .common_name = device_id,
        .device_id = device_id,
        .not_before = now_utc - DAY_S, /* a gateway's clock may be behind before its first sync */
        .not_after = now_utc + (int64_t)ISSUER_CLIENT_DAYS * DAY_S,
    };
    enum att_err err = att_pubkey_from_spki(&key, spki, diag);

    if (err != ATT_OK)
        return err;
    if (order.not_before < att_cert_not_before(i->ca))
        order.not_before = att_cert_not_before(i->ca);
    if (order.not_after > att_cert_not_after(i->ca))
        order.not_after = att_cert_not_after(i->ca);
    order.subject_key = key;
    return att_cert_issue(out, &order, i->ca, i->ca_key, diag);
}
