/* policy key: certificates and public keys as the lines that a policy's ima_signed has. */
#include <stdio.h>
#include <string.h>

#include "base/b64.h"
#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "crypto/cert.h"
#include "policy/policy_words.h"

#define FILE_MAX 65536

/* The end of a subject key identifier: what the kernel finds a key by. */
static enum att_err id_from(uint8_t out[ATT_POLICY_KEYID_LEN], struct att_slice whole)
{
    if (whole.len < ATT_POLICY_KEYID_LEN) {
        return ATT_E_FORMAT;
    }
    memcpy(out, whole.p + whole.len - ATT_POLICY_KEYID_LEN, ATT_POLICY_KEYID_LEN);
    return ATT_OK;
}

static enum att_err own_id(uint8_t out[ATT_POLICY_KEYID_LEN], const struct att_pubkey *key)
{
    uint8_t whole[ATT_KEY_ID_LEN];
    enum att_err err = att_pubkey_key_id(whole, key);

    return err == ATT_OK ? id_from(out, att_slice_of(whole, sizeof(whole))) : err;
}

/* A certificate's own id counts, whatever it was made from; without one it is made as the kernel's tools do. */
static enum att_err from_cert(struct att_file_key *k, const struct att_cert *c,
                              struct att_diag *diag)
{
    struct att_slice id = {0};
    enum att_err err = att_cert_key(&k->key, c, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (att_cert_key_id(&id, c) == ATT_OK && id_from(k->id, id) == ATT_OK) {
        return ATT_OK;
    }
    return own_id(k->id, k->key);
}

static enum att_err from_bytes(struct att_file_key *k, struct att_slice in, struct att_diag *diag)
{
    ATT_CLEANUP(att_cert_freep) struct att_cert *cert = NULL;
    enum att_err err = ATT_OK;

    if (att_cert_parse(&cert, in, NULL) == ATT_OK) {
        return from_cert(k, cert, diag);
    }
    err = att_pubkey_from_text(&k->key, in, diag);
    return err == ATT_OK ? own_id(k->id, k->key) : err;
}

static enum att_err spell(struct att_file_key *k, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *spki = NULL;
    enum att_err err = att_pubkey_spki(&spki, k->key);

    if (err != ATT_OK) {
        return err;
    }
    if (att_pubkey_type(k->key) == ATT_KEY_ED25519 || att_buf_len(spki) > sizeof(k->spki)) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_ID_KEY, "key",
                        "expected an RSA or ECDSA key, which the kernel's signatures are made by");
    }
    k->spki_len = att_buf_len(spki);
    memcpy(k->spki, att_buf_slice(spki).p, k->spki_len);
    return ATT_OK;
}

static void print_key(struct report *r, json_t *list, const char *path,
                      const struct att_file_key *k)
{
    char line[ATT_FILE_KEY_TEXT];
    char id[2 * ATT_POLICY_KEYID_LEN + 1];
    char key[ATT_B64_LEN(ATT_POLICY_KEY_MAX)];
    char shown[256];

    report_line(r, "        - %s # %s", att_file_key_text(line, sizeof(line), k),
                text_safe(shown, sizeof(shown), path));
    (void)json_array_append_new(
        list, json_pack("{s:s, s:s, s:s}", "file", path, "id",
                        att_hex_encode(id, sizeof(id), att_slice_of(k->id, sizeof(k->id))), "key",
                        att_b64_encode(key, sizeof(key), ATT_B64_STD,
                                       att_slice_of(k->spki, k->spki_len))));
}

static enum att_err print_file(struct report *r, json_t *list, const char *path,
                               struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *in = NULL;
    struct att_file_key k = {0};
    enum att_err err = att_file_read(&in, path, FILE_MAX, diag);

    if (err == ATT_OK) {
        err = from_bytes(&k, att_buf_slice(in), diag);
    }
    if (err == ATT_OK) {
        err = spell(&k, diag);
    }
    if (err == ATT_OK) {
        print_key(r, list, path, &k);
    }
    att_pubkey_free(k.key);
    return err;
}

int cmd_policy_key(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.policy-key.v1");
    json_t *list = json_array();
    int code = OPTIONS_OK;

    (void)json_object_set_new(r.root, "keys", list);
    code = options_parse(&r, NULL, 0, &argc, argv);
    if (code != OPTIONS_OK) {
        return code;
    }
    for (int i = 1; i < argc; i++) {
        struct att_diag diag = {0};
        enum att_err err = print_file(&r, list, argv[i], &diag);

        if (err != ATT_OK) {
            return report_failure(&r, err, &diag);
        }
    }
    return report_finish(&r);
}
