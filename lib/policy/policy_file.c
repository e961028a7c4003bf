/* Signed policies, and the keys whose signature counts. */
#include "policy/policy_file.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/hex.h"
#include "sign/cose.h"

#define KEY_FILE_MAX 65536
#define COSE_TAG     0xd2 /* tag 18 in its one-byte form; no text of ours begins with it */

struct signer_key {
    struct att_pubkey *key;
    uint8_t kid[32];
};

struct att_policy_signers {
    struct signer_key key[ATT_POLICY_SIGNERS_MAX];
    size_t count;
};

enum att_err att_policy_signers_new(struct att_policy_signers **out)
{
    struct att_policy_signers *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return ATT_E_NOMEM;
    }
    *out = s;
    return ATT_OK;
}

void att_policy_signers_free(struct att_policy_signers *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        att_pubkey_free(s->key[i].key);
    }
    free(s);
}

void att_policy_signers_freep(struct att_policy_signers **s)
{
    att_policy_signers_free(*s);
    *s = NULL;
}

size_t att_policy_signers_count(const struct att_policy_signers *s)
{
    return s->count;
}

enum att_err att_policy_signers_add(struct att_policy_signers *s, struct att_slice text,
                                    struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    struct signer_key *at = NULL;
    enum att_err err = ATT_OK;

    if (s->count >= ATT_POLICY_SIGNERS_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_CFG_POLICYSIG, "policy_signers",
                        "expected at most %d keys", ATT_POLICY_SIGNERS_MAX);
    }
    at = &s->key[s->count];
    err = att_pubkey_from_text(&key, text, diag);
    if (err == ATT_OK) {
        err = att_pubkey_fingerprint(at->kid, key);
    }
    if (err != ATT_OK) {
        return err;
    }
    at->key = key;
    key = NULL;
    s->count++;
    return ATT_OK;
}

static int is_key_name(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 4 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 4, ".pem") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum att_err add_file(struct att_policy_signers *s, const char *folder, const char *name,
                             struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/%s", folder, name);
    enum att_err err = ATT_OK;

    if (len < 0 || (size_t)len >= sizeof(path)) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_PATH, "policy_signers", "a path is too long");
    }
    err = att_file_read_careful(&file, path, KEY_FILE_MAX, ATT_FILE_OWNED, diag);
    return err == ATT_OK ? att_policy_signers_add(s, att_buf_slice(file), diag) : err;
}

enum att_err att_policy_signers_load(struct att_policy_signers *s, const char *folder,
                                     struct att_diag *diag)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_key_name, by_name);
    enum att_err err = ATT_OK;
    char shown[96];

    if (count < 0) {
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_FILE, "policy_signers",
                        "expected a folder: %s",
                        att_escape(shown, sizeof(shown), folder, strlen(folder)));
    }
    for (int i = 0; i < count; i++) {
        if (err == ATT_OK) {
            err = add_file(s, folder, entries[i]->d_name, diag);
        }
        free(entries[i]);
    }
    free(entries);
    return err;
}

bool att_policy_is_signed(struct att_slice in)
{
    return in.len > 0 && in.p[0] == COSE_TAG;
}

static const struct signer_key *find(const struct att_policy_signers *s, struct att_slice kid)
{
    for (size_t i = 0; s != NULL && i < s->count; i++) {
        if (att_slice_eq(kid, att_slice_of(s->key[i].kid, sizeof(s->key[i].kid)))) {
            return &s->key[i];
        }
    }
    return NULL;
}

static enum att_err no_signature(struct att_diag *diag, const char *text)
{
    return att_fail(diag, ATT_E_SIGNATURE, ATT_R_CFG_POLICYSIG, "policy", "%s", text);
}

/* The message as it stands; that it is one at all, and a policy's. */
static enum att_err parse_message(struct att_cose *m, struct att_slice in,
                                  struct att_policy_origin *origin, struct att_diag *diag)
{
    struct att_diag why = {0};
    enum att_err err = att_cose_parse(m, in, &why);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_CFG_POLICYSIG, "policy", "no signed policy: %s", why.text);
    }
    if (!att_slice_eq(m->content_type, att_slice_str(ATT_POLICY_CONTENT_TYPE)) ||
        m->kid.len != sizeof(origin->kid)) {
        return no_signature(diag, "what is signed is no policy, or does not name its signer");
    }
    origin->is_signed = true;
    memcpy(origin->kid, m->kid.p, sizeof(origin->kid));
    return ATT_OK;
}

static enum att_err open_signed(struct att_policy **out, struct att_slice in,
                                const struct att_policy_signers *signers,
                                struct att_policy_origin *origin, struct att_diag *diag)
{
    ATT_CLEANUP(att_cose_verified_freep) struct att_cose_verified *v = NULL;
    struct att_diag why = {0};
    struct att_cose m;
    const struct signer_key *key = NULL;
    char hex[65];
    enum att_err err = parse_message(&m, in, origin, diag);

    if (err != ATT_OK) {
        return err;
    }
    key = find(signers, m.kid);
    if (key == NULL) {
        return att_fail(diag, ATT_E_SIGNATURE, ATT_R_CFG_POLICYSIG, "policy",
                        "expected a signer of policy_signers, found %s",
                        att_hex_encode(hex, sizeof(hex), m.kid));
    }
    err = att_cose_verify(&v, &m, key->key, att_slice_str(ATT_POLICY_PURPOSE), &why);
    if (err == ATT_E_NOMEM || err == ATT_E_CRYPTO) {
        return att_fail(diag, err, ATT_R_NOMEM, "policy", "it cannot be verified now");
    }
    if (err != ATT_OK) {
        return no_signature(diag, "its signature does not verify");
    }
    return att_policy_decode(out, att_cose_payload(v), diag);
}

enum att_err att_policy_open(struct att_policy **out, const char *name, struct att_slice in,
                             const struct att_policy_signers *signers, bool unsigned_ok,
                             struct att_policy_origin *origin, struct att_diag *diag)
{
    struct att_policy_origin from = {0};
    enum att_err err = ATT_OK;

    if (att_policy_is_signed(in)) {
        err = open_signed(out, in, signers, &from, diag);
    } else if (ATT_GUARD(POLICY_UNSIGNED, !unsigned_ok)) {
        return no_signature(diag, "expected a signed policy, found none (attestctl policy sign "
                                  "makes one)");
    } else {
        err = att_policy_parse_yaml(out, name, in, diag);
    }
    if (err == ATT_OK && origin != NULL) {
        *origin = from;
    }
    return err;
}

enum att_err att_policy_peek(struct att_policy **out, const char *name, struct att_slice in,
                             struct att_policy_origin *origin, struct att_diag *diag)
{
    struct att_policy_origin from = {0};
    struct att_cose m;
    enum att_err err = ATT_OK;

    if (!att_policy_is_signed(in)) {
        err = att_policy_parse_yaml(out, name, in, diag);
    } else {
        err = parse_message(&m, in, &from, diag);
        if (err == ATT_OK) {
            err = att_policy_decode(out, m.payload_untrusted, diag);
        }
    }
    if (err == ATT_OK && origin != NULL) {
        *origin = from;
    }
    return err;
}

enum att_err att_policy_sign(struct att_buf **out, const struct att_policy *p,
                             const struct att_signer *signer)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *encoded = NULL;
    uint8_t kid[32];
    enum att_err err = att_policy_encode(&encoded, p);

    if (err == ATT_OK) {
        err = att_pubkey_fingerprint(kid, signer->public_key);
    }
    if (err == ATT_OK) {
        const struct att_cose_order order = {
            .content_type = ATT_POLICY_CONTENT_TYPE,
            .kid = att_slice_of(kid, sizeof(kid)),
            .external_aad = att_slice_str(ATT_POLICY_PURPOSE),
            .payload = att_buf_slice(encoded),
        };

        err = att_cose_make(out, &order, signer);
    }
    return err;
}
