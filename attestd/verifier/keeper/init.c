/*
 * attestd init: everything that a first run on one machine needs, in one folder.
 *
 * Nothing that exists is overwritten: the first file that is there already stops it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "common/become.h"
#include "crypto/cert.h"
#include "policy/policy_file.h"
#include "policy/refval.h"
#include "sign/vkey.h"
#include "verifier/exit.h"
#include "verifier/keeper/archive.h"
#include "verifier/keeper/init_internal.h"
#include "verifier/keeper/issuer.h"
#include "verifier/process.h"
#include "verifier/store/store.h"

#define DAY_S       86400
#define ROOT_DAYS   7300
#define SIGNER_DAYS 1825
#define FILE_CAP    (64 * 1024 * 1024)

/* An authority or a leaf under way: its key, its certificate. */
struct identity {
    struct att_privkey *key;
    struct att_pubkey *public;
    struct att_cert *cert;
};

static void identity_clear(struct identity *id)
{
    att_privkey_free(id->key);
    att_pubkey_free(id->public);
    att_cert_free(id->cert);
}

static const char default_policy[] =
    "# What a gateway must show. Copy and extend it; attestctl policy check says what is wrong.\n"
    "policy: gateway-base\n"
    "version: 1\n"
    "bank: sha256\n"
    "own_pcrs: [13]\n"
    "label_ttl: 4h\n"
    "interval: 10m\n"
    "requirements:\n"
    "  - id: R-01\n"
    "    title: {en: The own measurements are there and led to by the quote, ja: "
    "機器自身の測定ログがクォートと一致する}\n"
    "    severity: fail\n"
    "    logs: [own]\n"
    "  - id: R-02\n"
    "    title: {en: Everything measured is the expected one, ja: 測定値がすべて期待どおりである}\n"
    "    severity: fail\n"
    "    own_items: {under: [\"/\"], unlisted: fail}\n"
    "  - id: R-03\n"
    "    title: {en: The TPM's firmware did not change, ja: TPM のファームウェアが変わっていない}\n"
    "    severity: fail\n"
    "    tpm_firmware: unchanged\n"
    "  - id: R-04\n"
    "    title: {en: Nothing is missing that the reference values were made from, ja: "
    "参照値の元になったものがすべて存在する}\n"
    "    severity: fail\n"
    "    own_complete: [\"/\"]\n";

static enum att_err write_key(struct init *in, const char *name, const struct att_privkey *k,
                              struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    enum att_err err = att_privkey_pem(&pem, k);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, name, "the key cannot be written");
    return folder_write(&in->folder, name, att_buf_slice(pem), 0600, diag);
}

static enum att_err write_cert(struct init *in, const char *name, const struct att_cert *c,
                               struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    enum att_err err = att_cert_pem(&pem, att_cert_der(c));

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, name, "the certificate cannot be written");
    return folder_write(&in->folder, name, att_buf_slice(pem), 0644, diag);
}

static enum att_err new_key(struct identity *id, struct att_diag *diag)
{
    enum att_err err = att_privkey_generate(&id->key, ATT_KEY_EC_P256);

    if (err == ATT_OK)
        err = att_privkey_public(&id->public, id->key);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_RNG, "key", "no key can be made");
    return ATT_OK;
}

/* issuer NULL: self-signed. */
static enum att_err certify(struct identity *id, struct att_cert_order *order,
                            const struct identity *issuer, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *der = NULL;
    enum att_err err;

    order->subject_key = id->public;
    err = att_cert_issue(&der, order, issuer != NULL ? issuer->cert : NULL,
                         issuer != NULL ? issuer->key : id->key, diag);
    if (err != ATT_OK)
        return err;
    return att_cert_parse(&id->cert, att_buf_slice(der), diag);
}

static struct att_cert_order order_of(struct init *in, enum att_cert_kind kind, const char *name,
                                      int64_t days)
{
    return (struct att_cert_order){
        .kind = kind,
        .common_name = name,
        .not_before = in->now - DAY_S,
        .not_after = in->now + days * DAY_S,
    };
}

static enum att_err make_root(struct identity *id, struct init *in, const char *what,
                              struct att_diag *diag)
{
    char name[64];
    struct att_cert_order order;
    enum att_err err = new_key(id, diag);

    (void)snprintf(name, sizeof(name), "%.24s %s", in->verifier_id, what);
    order = order_of(in, ATT_CERT_ROOT, name, ROOT_DAYS);
    if (err == ATT_OK)
        err = certify(id, &order, NULL, diag);
    return err;
}

/* The TLS side: an authority that gateways pin, and the server's certificate under it. */
static enum att_err make_tls(struct init *in, struct att_diag *diag)
{
    ATT_CLEANUP(identity_clear) struct identity root = {0};
    ATT_CLEANUP(identity_clear) struct identity server = {0};
    struct att_cert_order order = order_of(in, ATT_CERT_TLS_SERVER, in->host[0], SIGNER_DAYS);
    enum att_err err = make_root(&root, in, "TLS authority", diag);

    order.hosts = in->host;
    order.host_count = in->host_count;
    if (err == ATT_OK)
        err = new_key(&server, diag);
    if (err == ATT_OK)
        err = certify(&server, &order, &root, diag);
    if (err == ATT_OK)
        err = write_cert(in, "ca.pem", root.cert, diag);
    if (err == ATT_OK)
        err = write_key(in, "ca.key", root.key, diag);
    if (err == ATT_OK)
        err = write_cert(in, "tls.pem", server.cert, diag);
    if (err == ATT_OK)
        err = write_key(in, "tls.key", server.key, diag);
    return err;
}

static enum att_err make_device_ca(struct init *in, struct att_diag *diag)
{
    ATT_CLEANUP(identity_clear) struct identity root = {0};
    enum att_err err = make_root(&root, in, "gateways", diag);

    if (err == ATT_OK)
        err = write_cert(in, "device-ca.pem", root.cert, diag);
    if (err == ATT_OK)
        err = write_key(in, "device-ca.key", root.key, diag);
    return err;
}

/* The label key itself: a file of ours, or the public half of one that a token keeps. */
static enum att_err label_key(struct identity *id, struct init *in, struct att_diag *diag)
{
    enum att_err err;

    if (in->label_key != NULL)
        return issuer_token_key(&id->public, in->label_key, diag);
    err = new_key(id, diag);
    if (err == ATT_OK)
        err = write_key(in, "label.key", id->key, diag);
    return err;
}

/* What partners get; without a file key of ours there is no reason to take one from anybody. */
static const char trust_text[] =
    "# What a label must fulfil for this folder (attestctl --trust), beside signature, chain, time "
    "and\n"
    "# status, which are always required.\n"
    "log: required       # optional: a label without a receipt of the log (log.vkey) is taken too\n"
    "file-key: %s   # forbidden: labels made with a key in a file are refused; absent: allowed\n";

static enum att_err write_trust(struct init *in, struct att_diag *diag)
{
    char text[sizeof(trust_text) + 16];

    (void)snprintf(text, sizeof(text), trust_text, in->insecure_file_key ? "allowed" : "forbidden");
    return folder_write(&in->folder, "trust/trust.yaml", att_slice_str(text), 0644, diag);
}

static enum att_err make_label(struct init *in, struct att_diag *diag)
{
    ATT_CLEANUP(identity_clear) struct identity root = {0};
    ATT_CLEANUP(identity_clear) struct identity signer = {0};
    struct att_cert_order order;
    char name[64];
    enum att_err err = make_root(&root, in, "label root", diag);

    (void)snprintf(name, sizeof(name), "%.24s labels", in->verifier_id);
    order = order_of(in, ATT_CERT_LABEL_SIGNER, name, SIGNER_DAYS);
    order.verifier_id = in->verifier_id;
    if (err == ATT_OK)
        err = label_key(&signer, in, diag);
    if (err == ATT_OK)
        err = certify(&signer, &order, &root, diag);
    if (err == ATT_OK)
        err = write_cert(in, "label.pem", signer.cert, diag);
    if (err == ATT_OK)
        err = write_key(in, "label-root.key", root.key, diag);
    if (err == ATT_OK)
        err = write_cert(in, "label-root.pem", root.cert, diag);
    if (err == ATT_OK)
        err = write_cert(in, "trust/label-root.pem", root.cert, diag);
    if (err == ATT_OK)
        err = write_trust(in, diag);
    if (err == ATT_OK)
        err = att_cert_fingerprint(in->root_print, root.cert);
    if (err == ATT_OK)
        err = att_cert_fingerprint(in->signer_print, signer.cert);
    return err;
}

/* The key that signs trees of the log, of no use for anything else; and what partners need of it. */
static enum att_err make_log_key(struct init *in, struct att_diag *diag)
{
    ATT_CLEANUP(att_privkey_freep) struct att_privkey *key = NULL;
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *public = NULL;
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *vkey = NULL;
    char name[ATT_VKEY_TEXT], text[ATT_VKEY_TEXT + 1];
    enum att_err err;

    if (att_privkey_generate(&key, ATT_KEY_ED25519) != ATT_OK)
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_RNG, "log.key", "no key can be made");
    err = write_key(in, "log.key", key, diag);
    if (err == ATT_OK)
        err = att_privkey_public(&public, key);
    if (err == ATT_OK)
        err = att_vkey_new(&vkey, att_slice_str(in->verifier_id), ATT_NOTE_ED25519, public);
    if (err != ATT_OK)
        return err;
    (void)snprintf(text, sizeof(text), "%s\n", att_vkey_print(name, sizeof(name), vkey));
    return folder_write(&in->folder, "trust/log.vkey", att_slice_str(text), 0644, diag);
}

/* The key that authorises data keys, of no use for anything else: TPMs take no other once a data key is made. */
static enum att_err make_data_key(struct init *in, struct att_diag *diag)
{
    ATT_CLEANUP(identity_clear) struct identity id = {0};
    enum att_err err = new_key(&id, diag);

    return err == ATT_OK ? write_key(in, "data-key.key", id.key, diag) : err;
}

/* Whose signature under a policy counts from now on: a key to be kept elsewhere, and its certificate. */
static enum att_err make_policy_signer(struct identity *id, struct init *in, struct att_diag *diag)
{
    enum att_err err = make_root(id, in, "policies", diag);

    if (err == ATT_OK)
        err = write_cert(in, "policy-signers/init.pem", id->cert, diag);
    if (err == ATT_OK)
        err = write_key(in, "policy-signer.key", id->key, diag);
    return err;
}

static enum att_err sign_policy(struct init *in, const struct att_policy *p, struct att_diag *diag)
{
    ATT_CLEANUP(identity_clear) struct identity id = {0};
    ATT_CLEANUP(att_signer_freep) struct att_signer *signer = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = NULL;
    enum att_err err = make_policy_signer(&id, in, diag);

    if (err != ATT_OK)
        return err;
    err = att_signer_software(&signer, id.key);
    if (err == ATT_OK) {
        id.key = NULL; /* the signer's now */
        err = att_policy_sign(&message, p, signer);
    }
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "policy.cose", "the policy cannot be signed");
    return folder_write(&in->folder, "policy.cose", att_buf_slice(message), 0644, diag);
}

/* The text to go on from, and the same signed: what is judged by. */
static enum att_err copy_policy(struct init *in, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    ATT_CLEANUP(att_policy_freep) struct att_policy *p = NULL;
    struct att_slice text = att_slice_str(default_policy);
    enum att_err err = ATT_OK;

    if (in->policy != NULL) {
        err = att_file_read(&file, in->policy, FILE_CAP, diag);
        if (err != ATT_OK)
            return err;
        text = att_buf_slice(file);
    }
    err = att_policy_parse_yaml(&p, in->policy != NULL ? in->policy : "policy.yaml", text, diag);
    if (err == ATT_OK)
        err = folder_write(&in->folder, "policy.yaml", text, 0644, diag);
    return err == ATT_OK ? sign_policy(in, p, diag) : err;
}

static enum att_err copy_refvals(struct init *in, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    ATT_CLEANUP(att_refvals_freep) struct att_refvals *r = NULL;
    enum att_err err;

    if (in->refvals == NULL)
        return ATT_OK;
    err = att_file_read(&file, in->refvals, FILE_CAP, diag);
    if (err == ATT_OK)
        err = att_refvals_open(&r, att_buf_slice(file), diag);
    if (err == ATT_OK)
        err = att_refvals_check(r, diag);
    if (err != ATT_OK)
        return err;
    return folder_write(&in->folder, "refvals.bin", att_buf_slice(file), 0644, diag);
}

/* Where strangers get status lists: the first host, with the port unless the system chooses it. */
static void print_status_uri(char *out, size_t cap, const struct init *in)
{
    const char *host = in->host[0];
    const char *port = strrchr(in->listen, ':');
    bool chosen = port == NULL || strcmp(port, ":0") == 0 || strcmp(port, ":443") == 0;
    bool v6 = strchr(host, ':') != NULL;

    (void)snprintf(out, cap, "https://%s%s%s%s", v6 ? "[" : "", host, v6 ? "]" : "",
                   chosen ? "" : port);
}

static enum att_err write_config(struct init *in, struct att_diag *diag)
{
    char text[4096];
    char uri[640];
    const char *key = in->label_key != NULL ? in->label_key : "file:label.key";
    int len = 0;

    print_status_uri(uri, sizeof(uri), in);
    len = snprintf(
        text, sizeof(text),
        "# The verifier service; attestd(8) explains each key.\n"
        "verifier_id: %s\n"
        "listen: \"%s\"\n"
        "operator: \"%s\"            # /healthz, /readyz, /metrics\n"
        "admin_socket: admin.sock\n"
        "state_dir: state\n"
        "%s%s%s"
        "tls: {cert: tls.pem, key: tls.key}\n"
        "device_ca: {cert: device-ca.pem, key: \"file:device-ca.key\"}\n"
        "label: {chain: label.pem, key: \"%s\"}\n"
        "log: {key: \"file:log.key\"}   # head: a path on another disk makes old backups tell\n"
        "data_key: {key: \"file:data-key.key\"}   # authorises gateways' data keys; keep a copy\n"
        "status: {uri: \"%s\"}   # in front of /status/v1/N: where strangers get status lists\n"
        "policy: policy.cose          # attestctl policy sign makes it of policy.yaml\n"
        "policy_signers: policy-signers\n"
        "transfer_signers: transfer-signers\n"
        "notices: notices             # attestctl notice make\n"
        "notice_signers: notice-signers   # ROLE.pem of whoever may sign one\n"
        "%srefvals: refvals.bin\n"
        "ek_anchors: ek.d\n"
        "insecure_file_key: %s\n",
        in->verifier_id, in->listen, in->operator_at,
        in->postgresql != NULL ? "store: {postgresql: \"" : "",
        in->postgresql != NULL ? in->postgresql : "", in->postgresql != NULL ? "\"}\n" : "", key,
        uri, in->refvals != NULL ? "" : "# ", in->insecure_file_key ? "true" : "false");

    if (len < 0 || (size_t)len >= sizeof(text))
        return att_fail(diag, ATT_E_LIMIT, ATT_R_USAGE, "attestd.yaml", "a name is too long");
    return folder_write(&in->folder, "attestd.yaml", att_slice_of(text, (size_t)len), 0644, diag);
}

static enum att_err claim_files(struct init *in, struct att_diag *diag)
{
    static const char *const files[] = {"state/attestd.lock", "state/attestd.db",
                                        "state/attestd.db-wal", "state/attestd.db-shm"};
    enum att_err err = ATT_OK;

    for (size_t i = 0; in->postgresql == NULL && i < ATT_COUNT(files) && err == ATT_OK; i++)
        err = folder_claim(&in->folder, files[i], diag);
    return err;
}

/* The last thing that is made: the tables of a server are not taken back when something else fails. */
static enum att_err make_database(struct init *in, struct att_diag *diag)
{
    ATT_CLEANUP(store_closep) struct store *st = NULL;
    struct store_outcome o = {.utc = in->now, .kind = STORE_KIND_INIT};
    char path[PATH_MAX];
    const struct store_place place = {.folder = path, .postgresql = in->postgresql};
    int64_t index = 0;
    enum att_err err = claim_files(in, diag);

    if (err == ATT_OK)
        err = folder_path(path, sizeof(path), &in->folder, "state", diag);
    if (err == ATT_OK)
        err = store_open_at(&st, &place, STORE_CREATE, diag);
    if (err != ATT_OK)
        return err;
    return store_outcome_append(&index, st, &o, diag);
}

static enum att_err make_evidence_key(struct init *in, struct att_diag *diag)
{
    static const char name[] = "state/evidence.key";
    char path[PATH_MAX];
    enum att_err err = folder_claim(&in->folder, name, diag);

    if (err == ATT_OK)
        err = folder_path(path, sizeof(path), &in->folder, name, diag);
    return err == ATT_OK ? archive_key_make(path, diag) : err;
}

static enum att_err make_all(struct init *in, struct att_diag *diag)
{
    static const char *const folders[] = {"state",          "state/keys",      "trust",
                                          "ek.d",           "policy-signers",  "notices",
                                          "notice-signers", "transfer-signers"};
    enum att_err err = become_owner(in->dir, true, diag);

    if (err == ATT_OK && in->postgresql != NULL)
        err = store_conninfo_check(in->postgresql, diag);
    if (err == ATT_OK)
        err = folder_open(&in->folder, in->dir, diag);
    for (size_t i = 0; i < ATT_COUNT(folders) && err == ATT_OK; i++)
        err = folder_sub(&in->folder, folders[i], diag);
    if (err == ATT_OK)
        err = make_evidence_key(in, diag);
    if (err == ATT_OK)
        err = make_tls(in, diag);
    if (err == ATT_OK)
        err = make_device_ca(in, diag);
    if (err == ATT_OK)
        err = make_label(in, diag);
    if (err == ATT_OK)
        err = make_log_key(in, diag);
    if (err == ATT_OK)
        err = make_data_key(in, diag);
    if (err == ATT_OK)
        err = copy_policy(in, diag);
    if (err == ATT_OK)
        err = copy_refvals(in, diag);
    if (err == ATT_OK)
        err = write_config(in, diag);
    if (err == ATT_OK)
        err = make_database(in, diag);
    return err;
}

int keeper_init_main(int argc, char **argv)
{
    char name[HOST_NAME_MAX + 1] = "";
    struct init in = {
        .listen = "127.0.0.1:8443", .operator_at = "127.0.0.1:9464", .now = att_clock_utc_s()};
    struct att_diag diag = {0};
    enum att_err err;

    if (!init_parse(&in, argc, argv)) {
        return EXIT_USAGE;
    }
    if (gethostname(name, sizeof(name) - 1) != 0 || !init_plain(name, HOST_NAME_MAX))
        (void)snprintf(name, sizeof(name), "localhost");
    if (in.verifier_id == NULL)
        in.verifier_id = in.host_count > 0 ? in.host[0] : name;
    (void)init_add_host(&in, "localhost");
    (void)init_add_host(&in, "127.0.0.1");
    (void)init_add_host(&in, "::1");
    if (!init_names_are_plain(&in)) {
        (void)fprintf(stderr, "attestd init: a name has characters that are not allowed\n");
        return EXIT_USAGE;
    }
    (void)umask(022);
    err = make_all(&in, &diag);
    if (err != ATT_OK) {
        folder_undo(&in.folder);
        return exit_told("attestd init", err, &diag);
    }
    init_print_next(&in);
    return EXIT_SUCCESS;
}
