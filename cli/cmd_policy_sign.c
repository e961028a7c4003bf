/* policy sign: of policies, and of transcription specifications. */
#include "artefacts.h"
#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "crypto/key.h"
#include "policy/policy_file.h"
#include "prov/spec.h"
#include "signing.h"

/* What was signed, by whom. */
static void tell(struct report *r, const char *key, const char *name, const char *id,
                 uint64_t version, const uint8_t digest[32])
{
    char hex[65];

    (void)json_object_set_new(r->root, key, json_string(id));
    (void)json_object_set_new(r->root, "version", json_integer((json_int_t)version));
    (void)json_object_set_new(r->root, "digest", json_hex(att_slice_of(digest, 32)));
    report_field(r, name, "%s@%llu", id, (unsigned long long)version);
    report_field(r, "SHA-256", "%s", att_hex_encode(hex, sizeof(hex), att_slice_of(digest, 32)));
}

static enum att_err sign_document(struct report *r, const struct artefact_document *doc,
                                  const struct att_signer *signer, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = NULL;
    enum att_err err = doc->spec != NULL ? att_spec_sign(&message, doc->spec, signer)
                                         : att_policy_sign(&message, doc->policy, signer);

    return err == ATT_OK ? att_file_write(r->cli->output, att_buf_slice(message), 0644, diag) : err;
}

static enum att_err sign_file(struct report *r, const char *path, const struct att_signer *signer,
                              struct att_diag *diag)
{
    ATT_CLEANUP(artefact_document_clear) struct artefact_document doc = {0};
    uint8_t kid[32];
    char hex[65];
    enum att_err err = artefact_document(&doc, path, diag);

    if (err == ATT_OK) {
        err = sign_document(r, &doc, signer, diag);
    }
    if (err == ATT_OK) {
        err = att_pubkey_fingerprint(kid, signer->public_key);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (doc.spec != NULL) {
        tell(r, "specification", tr(r->cli, "specification", "転写仕様"), doc.spec->id,
             doc.spec->version, doc.spec->digest);
    } else {
        tell(r, "policy", tr(r->cli, "policy", "方針"), doc.policy->name, doc.policy->version,
             doc.policy->digest);
    }
    (void)json_object_set_new(r->root, "signer", json_hex(att_slice_of(kid, 32)));
    report_field(r, tr(r->cli, "signer", "署名者"), "%s",
                 att_hex_encode(hex, sizeof(hex), att_slice_of(kid, 32)));
    return ATT_OK;
}

int cmd_policy_sign(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.policy-sign.v1");
    ATT_CLEANUP(att_signer_freep) struct att_signer *signer = NULL;
    struct att_diag diag = {0};
    const char *key = NULL;
    bool file_key = false;
    const struct option_spec spec[] = {
        {"key", &key, NULL, "KEY", "pkcs11:URI, or a file", "pkcs11:URI またはファイル"},
        {"insecure-file-key", NULL, &file_key, NULL, "the key may be a file",
         "ファイルの鍵を許可する"},
    };
    int code = options_parse(&r, spec, ATT_COUNT(spec), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    if (key == NULL) {
        return report_usage(&r, "--key", "expected %s, found nothing", "--key KEY");
    }
    code = output_needed(&r, false);
    if (code != OPTIONS_OK) {
        return code;
    }
    err = signing_open(&signer, key, file_key, &diag);
    if (err == ATT_OK) {
        err = sign_file(&r, argv[1], signer, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    if (signer->key_class == ATT_KEY_CLASS_FILE) {
        report_reason(&r, "E_KEY_FILE", key, "signed with a key in a file (--insecure-file-key)");
    }
    return report_finish(&r);
}
