/* Keys whose signature counts, and the one form of what they sign. */
#include "sign/document.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/hex.h"

#define KEY_FILE_MAX 65536
#define COSE_TAG     0xd2 /* tag 18 in its one-byte form; no text of ours begins with it */

struct signer_key {
    struct att_pubkey *key;
    uint8_t kid[32];
    char name[ATT_SIGNER_NAME_MAX + 1];
};

struct att_signers {
    struct signer_key key[ATT_SIGNERS_MAX];
    size_t count;
};

enum att_err att_signers_new(struct att_signers **out)
{
    struct att_signers *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return ATT_E_NOMEM;
    }
    *out = s;
    return ATT_OK;
}

void att_signers_free(struct att_signers *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        att_pubkey_free(s->key[i].key);
    }
    free(s);
}

void att_signers_freep(struct att_signers **s)
{
    att_signers_free(*s);
    *s = NULL;
}

enum att_err att_signers_add(struct att_signers *s, const char *name, struct att_slice text,
                             struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    struct signer_key *at = NULL;
    enum att_err err = ATT_OK;

    if (s->count >= ATT_SIGNERS_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_CFG_POLICYSIG, "signers",
                        "expected at most %d keys", ATT_SIGNERS_MAX);
    }
    at = &s->key[s->count];
    err = att_pubkey_from_text(&key, text, diag);
    if (err == ATT_OK) {
        err = att_pubkey_fingerprint(at->kid, key);
    }
    if (err != ATT_OK) {
        return err;
    }
    (void)snprintf(at->name, sizeof(at->name), "%s", name);
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

static enum att_err add_file(struct att_signers *s, const char *folder, const char *name,
                             struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    char path[PATH_MAX], role[NAME_MAX + 1];
    int len = snprintf(path, sizeof(path), "%s/%s", folder, name);
    enum att_err err = ATT_OK;

    if (len < 0 || (size_t)len >= sizeof(path)) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_PATH, "signers", "a path is too long");
    }
    (void)snprintf(role, sizeof(role), "%.*s", (int)(strlen(name) - strlen(".pem")), name);
    if (strlen(role) > ATT_SIGNER_NAME_MAX) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_PATH, "signers",
                        "expected a name of at most %d bytes before .pem", ATT_SIGNER_NAME_MAX);
    }
    err = att_file_read_careful(&file, path, KEY_FILE_MAX, ATT_FILE_OWNED, diag);
    return err == ATT_OK ? att_signers_add(s, role, att_buf_slice(file), diag) : err;
}

enum att_err att_signers_load(struct att_signers *s, const char *folder, struct att_diag *diag)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_key_name, by_name);
    enum att_err err = ATT_OK;
    char shown[96];

    if (count < 0) {
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_FILE, "signers", "expected a folder: %s",
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

bool att_document_is_signed(struct att_slice in)
{
    return in.len > 0 && in.p[0] == COSE_TAG;
}

static const struct signer_key *find(const struct att_signers *s, struct att_slice kid)
{
    for (size_t i = 0; s != NULL && i < s->count; i++) {
        if (att_slice_eq(kid, att_slice_of(s->key[i].kid, sizeof(s->key[i].kid)))) {
            return &s->key[i];
        }
    }
    return NULL;
}

const struct att_pubkey *att_signers_find(const struct att_signers *s, struct att_slice kid)
{
    const struct signer_key *key = find(s, kid);

    return key != NULL ? key->key : NULL;
}

enum att_err att_document_peek(struct att_cose *out, uint8_t kid[32],
                               const struct att_document_kind *kind, struct att_slice in,
                               struct att_diag *diag)
{
    struct att_diag why = {0};
    enum att_err err = att_cose_parse(out, in, &why);

    if (err != ATT_OK) {
        return att_fail(diag, err, kind->reason, kind->what, "no signed %s: %s", kind->what,
                        why.text);
    }
    if (ATT_GUARD(DOCUMENT_TYPE,
                  !att_slice_eq(out->content_type, att_slice_str(kind->content_type))) ||
        out->kid.len != 32) {
        return att_fail(diag, ATT_E_SIGNATURE, kind->reason, kind->what,
                        "what is signed is no %s, or does not name its signer", kind->what);
    }
    memcpy(kid, out->kid.p, 32);
    return ATT_OK;
}

enum att_err att_document_open(struct att_cose_verified **out, uint8_t kid[32], const char **name,
                               const struct att_document_kind *kind, struct att_slice in,
                               const struct att_signers *signers, struct att_diag *diag)
{
    struct att_diag why = {0};
    struct att_cose m;
    const struct signer_key *key = NULL;
    char hex[65];
    enum att_err err = att_document_peek(&m, kid, kind, in, diag);

    if (err != ATT_OK) {
        return err;
    }
    key = find(signers, m.kid);
    if (key == NULL) {
        return att_fail(diag, ATT_E_SIGNATURE, kind->reason, kind->what,
                        "expected a signer of %s, found %s", kind->folder,
                        att_hex_encode(hex, sizeof(hex), m.kid));
    }
    err = att_cose_verify(out, &m, key->key, att_slice_str(kind->purpose), &why);
    if (err == ATT_E_NOMEM || err == ATT_E_CRYPTO) {
        return att_fail(diag, err, ATT_R_NOMEM, kind->what, "it cannot be verified now");
    }
    if (err != ATT_OK) {
        return att_fail(diag, ATT_E_SIGNATURE, kind->reason, kind->what,
                        "its signature does not verify");
    }
    if (name != NULL) {
        *name = key->name;
    }
    return ATT_OK;
}

enum att_err att_document_sign(struct att_buf **out, const struct att_document_kind *kind,
                               struct att_slice payload, const struct att_signer *signer)
{
    uint8_t kid[32];
    enum att_err err = att_pubkey_fingerprint(kid, signer->public_key);
    const struct att_cose_order order = {
        .content_type = kind->content_type,
        .kid = att_slice_of(kid, sizeof(kid)),
        .external_aad = att_slice_str(kind->purpose),
        .payload = payload,
    };

    return err == ATT_OK ? att_cose_make(out, &order, signer) : err;
}
