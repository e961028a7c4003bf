/* The keys of ima_signed: who may sign files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64.h"
#include "base/hex.h"
#include "policy/policy_internal.h"
#include "policy/policy_words.h"

static enum att_err refuse(struct att_diag *diag, const char *text)
{
    return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_POLICY, "keys", "%s", text);
}

/* One key has one spelling, so that one policy has one digest. */
static enum att_err check_spelling(const struct att_pubkey *key, struct att_slice spki,
                                   struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *again = NULL;
    enum att_err err = att_pubkey_spki(&again, key);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_CFG_POLICY, "keys", "the key cannot be written again");
    }
    return att_slice_eq(att_buf_slice(again), spki)
               ? ATT_OK
               : refuse(diag, "expected the key as attestctl policy key prints it");
}

static enum att_err read_key(struct att_pubkey **out, struct att_slice spki, struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    struct att_diag why = {0};
    enum att_err err = att_pubkey_from_spki(&key, spki, &why);

    if (err != ATT_OK) {
        err = err == ATT_E_NOMEM || err == ATT_E_CRYPTO ? err : ATT_E_CONFIG;
        return att_fail(diag, err, ATT_R_CFG_POLICY, "keys", "%s", why.text);
    }
    if (att_pubkey_type(key) == ATT_KEY_ED25519) {
        return refuse(diag, "expected an RSA or ECDSA key: the kernel knows no file signed by "
                            "Ed25519");
    }
    err = check_spelling(key, spki, diag);
    if (err == ATT_OK) {
        *out = key;
        key = NULL;
    }
    return err;
}

static enum att_err set_id(struct att_file_key *k, const uint8_t *id)
{
    uint8_t whole[ATT_KEY_ID_LEN];
    enum att_err err = ATT_OK;

    if (id != NULL) {
        memcpy(k->id, id, sizeof(k->id));
        return ATT_OK;
    }
    err = att_pubkey_key_id(whole, k->key);
    if (err == ATT_OK) {
        memcpy(k->id, whole + sizeof(whole) - sizeof(k->id), sizeof(k->id));
    }
    return err;
}

static bool has(const struct att_requirement *r, const struct att_file_key *k)
{
    for (size_t i = 0; i < r->key_count; i++) {
        if (memcmp(r->key[i].id, k->id, sizeof(k->id)) == 0 &&
            att_pubkey_eq(r->key[i].key, k->key)) {
            return true;
        }
    }
    return false;
}

/* Takes the key over on ATT_OK only. */
static enum att_err append(struct att_requirement *r, const struct att_file_key *k,
                           struct att_diag *diag)
{
    struct att_file_key *more = NULL;

    if (has(r, k)) {
        return refuse(diag, "one key is listed twice");
    }
    more = realloc(r->key, (r->key_count + 1) * sizeof(*more));
    if (more == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "keys", "no memory");
    }
    r->key = more;
    r->key[r->key_count++] = *k;
    return ATT_OK;
}

enum att_err att_requirement_add_key(struct att_requirement *r, const uint8_t *id,
                                     struct att_slice spki, struct att_diag *diag)
{
    struct att_file_key k = {.spki_len = spki.len};
    enum att_err err = ATT_OK;

    if (r->key_count >= ATT_POLICY_KEYS_MAX) {
        return refuse(diag, "expected at most 16 keys");
    }
    if (spki.len == 0 || spki.len > sizeof(k.spki)) {
        return refuse(diag, "expected a key of at most 640 bytes");
    }
    err = read_key(&k.key, spki, diag);
    if (err != ATT_OK) {
        return err;
    }
    memcpy(k.spki, spki.p, spki.len);
    err = set_id(&k, id);
    err = err == ATT_OK
              ? append(r, &k, diag)
              : att_fail(diag, err, ATT_R_CFG_POLICY, "keys", "the key's id cannot be computed");
    if (err != ATT_OK) {
        att_pubkey_free(k.key);
    }
    return err;
}

void att_requirement_clear_keys(struct att_requirement *r)
{
    for (size_t i = 0; i < r->key_count; i++) {
        att_pubkey_free(r->key[i].key);
    }
    free(r->key);
    r->key = NULL;
    r->key_count = 0;
}

char *att_file_key_text(char *out, size_t cap, const struct att_file_key *k)
{
    char id[2 * ATT_POLICY_KEYID_LEN + 1];
    char key[ATT_B64_LEN(ATT_POLICY_KEY_MAX)];

    (void)snprintf(
        out, cap, "{id: \"%s\", key: \"%s\"}",
        att_hex_encode(id, sizeof(id), att_slice_of(k->id, sizeof(k->id))),
        att_b64_encode(key, sizeof(key), ATT_B64_STD, att_slice_of(k->spki, k->spki_len)));
    return out;
}
