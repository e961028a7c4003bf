/*
 * key create: a key for the verifier's folder of keys, where it waits until key rotate.
 *
 * No service is asked: the key of the authority that certifies label keys is not on the verifier's machine, as a rule.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "crypto/cert.h"
#include "sign/signer_p11.h"
#include "trust_keys.h"

#define PATH_ROOM     4200
#define FILE_MAX      65536
#define DAY_S         86400
#define DAYS          1825
#define KEYS_FOLDER   "/var/lib/attestd/state/keys"
#define PKCS11_SCHEME "pkcs11:"

struct creating {
    struct report r;
    const char *name, *folder, *issuer, *token, *ca, *ca_key;
    bool file_key, log;
    struct att_privkey *key;     /* made here; or NULL: */
    struct att_signer *in_token; /* of --key */
    struct att_pubkey *public;   /* of key */
};

static void clear(struct creating *c)
{
    att_privkey_free(c->key);
    att_signer_free(c->in_token);
    att_pubkey_free(c->public);
}

static const struct att_pubkey *public_of(const struct creating *c)
{
    return c->in_token != NULL ? c->in_token->public_key : c->public;
}

/* --- files --- */

static enum att_err path_of(char out[PATH_ROOM], const struct creating *c, const char *ends,
                            struct att_diag *diag)
{
    int len = snprintf(out, PATH_ROOM, "%s/%s.%s", c->folder, c->name, ends);

    return len > 0 && len < PATH_ROOM
               ? ATT_OK
               : att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--keys", "the path is too long");
}

/* A key of this name may be in force: nothing of it is touched. */
static enum att_err check_free(const struct creating *c, struct att_diag *diag)
{
    static const char *const ends[] = {"key", "uri", "pem", "csr", "vkey"};
    enum att_err err = att_dir_private(c->folder, diag);

    for (size_t i = 0; err == ATT_OK && i < ATT_COUNT(ends); i++) {
        char path[PATH_ROOM];
        struct stat st;

        err = path_of(path, c, ends[i], diag);
        if (err == ATT_OK && (lstat(path, &st) == 0 || errno != ENOENT)) {
            err = att_fail(diag, ATT_E_CONFIG, ATT_R_FILE, "NAME",
                           "expected a name that is free, found %.120s", path);
        }
    }
    return err;
}

static enum att_err save(struct creating *c, const char *ends, struct att_slice bytes, mode_t mode,
                         struct att_diag *diag)
{
    char path[PATH_ROOM], shown[512];
    enum att_err err = path_of(path, c, ends, diag);

    if (err == ATT_OK) {
        err = att_file_write(path, bytes, mode, diag);
    }
    if (err == ATT_OK) {
        report_line(&c->r, "  %s", text_safe(shown, sizeof(shown), path));
    }
    return err;
}

/* --- the key --- */

static enum att_err open_token(struct creating *c, struct att_diag *diag)
{
    char line[2048];
    int len = snprintf(line, sizeof(line), "%s\n", c->token);
    enum att_err err = ATT_OK;

    if (len < 0 || (size_t)len >= sizeof(line) || strchr(c->token, '\n') != NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--key", "the URI is too long");
    }
    err = att_signer_p11(&c->in_token, c->token, NULL, diag);
    return err == ATT_OK ? save(c, "uri", att_slice_str(line), 0600, diag) : err;
}

static enum att_err make_file(struct creating *c, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    enum att_err err = att_privkey_generate(&c->key, c->log ? ATT_KEY_ED25519 : ATT_KEY_EC_P256);

    if (err == ATT_OK) {
        err = att_privkey_public(&c->public, c->key);
    }
    if (err == ATT_OK) {
        err = att_privkey_pem(&pem, c->key);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_RNG, "key", "no key can be made");
    }
    return save(c, "key", att_buf_slice(pem), 0600, diag);
}

/* --- what says whose it is --- */

static enum att_err issue(struct att_buf **pem, const struct creating *c, const struct att_cert *ca,
                          const struct att_privkey *ca_key, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *der = NULL;
    char name[64];
    struct att_cert_order order = {.kind = ATT_CERT_LABEL_SIGNER,
                                   .common_name = name,
                                   .verifier_id = c->issuer,
                                   .not_before = att_clock_utc_s() - DAY_S,
                                   .not_after = att_clock_utc_s() + (int64_t)DAYS * DAY_S,
                                   .subject_key = public_of(c)};
    enum att_err err = ATT_OK;

    (void)snprintf(name, sizeof(name), "%.24s labels", c->issuer);
    if (order.not_before < att_cert_not_before(ca)) {
        order.not_before = att_cert_not_before(ca);
    }
    if (order.not_after > att_cert_not_after(ca)) {
        order.not_after = att_cert_not_after(ca);
    }
    err = att_cert_issue(&der, &order, ca, ca_key, diag);
    return err == ATT_OK ? att_cert_pem(pem, att_buf_slice(der)) : err;
}

static enum att_err certify(struct creating *c, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *secret = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    ATT_CLEANUP(att_cert_freep) struct att_cert *ca = NULL;
    ATT_CLEANUP(att_privkey_freep) struct att_privkey *ca_key = NULL;
    enum att_err err = att_file_read(&file, c->ca, FILE_MAX, diag);

    if (err == ATT_OK) {
        err = att_cert_parse(&ca, att_buf_slice(file), diag);
    }
    if (err == ATT_OK) {
        err = att_file_read_careful(&secret, c->ca_key, FILE_MAX, ATT_FILE_SECRET, diag);
    }
    if (err == ATT_OK) {
        err = att_privkey_from_pem(&ca_key, att_buf_slice(secret), diag);
    }
    if (err == ATT_OK) {
        err = issue(&pem, c, ca, ca_key, diag);
    }
    return err == ATT_OK ? save(c, "pem", att_buf_slice(pem), 0644, diag) : err;
}

/* Another authority certifies it: of a key in a file with this request, of one in a token as the token's own tools do. */
static enum att_err ask_for_certificate(struct creating *c, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *der = NULL;
    enum att_err err = ATT_OK;

    if (c->key != NULL) {
        err = att_csr_make(&der, c->key, c->issuer);
        if (err == ATT_OK) {
            err = save(c, "csr", att_buf_slice(der), 0644, diag);
        }
    }
    if (err == ATT_OK) {
        report_line(&c->r, "%s %s.pem, urn:attestd:verifier:%s",
                    tr(c->r.cli, "still to come from your authority, with that URI name:",
                       "認証局から入手する証明書チェーン (URI 名が必要):"),
                    c->name, c->issuer);
    }
    return err;
}

static enum att_err name_log_key(struct creating *c, struct att_diag *diag)
{
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *vkey = NULL;
    char text[ATT_VKEY_TEXT], line[ATT_VKEY_TEXT + 1];
    json_t *keys = json_array();
    enum att_err err = att_vkey_new(&vkey, att_slice_str(c->issuer), ATT_NOTE_ED25519, c->public);

    (void)json_object_set_new(c->r.root, "keys", keys);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_USAGE, "--issuer", "expected the name of a log");
    }
    (void)snprintf(line, sizeof(line), "%s\n", att_vkey_print(text, sizeof(text), vkey));
    err = save(c, "vkey", att_slice_str(line), 0644, diag);
    if (err == ATT_OK) {
        trust_key_describe(&c->r, vkey, keys);
    }
    return err;
}

static enum att_err name_label_key(struct creating *c, struct att_diag *diag)
{
    uint8_t print[32];
    char hex[65];
    enum att_err err = c->ca != NULL ? certify(c, diag) : ask_for_certificate(c, diag);

    if (err == ATT_OK && att_pubkey_fingerprint(print, public_of(c)) != ATT_OK) {
        err = att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "key", "hashing failed");
    }
    if (err == ATT_OK) {
        (void)att_hex_encode(hex, sizeof(hex), att_slice_of(print, sizeof(print)));
        (void)json_object_set_new(c->r.root, "key", json_string(hex));
        report_field(&c->r, "SHA-256", "%s", hex);
    }
    return err;
}

static enum att_err create(struct creating *c, struct att_diag *diag)
{
    enum att_err err = check_free(c, diag);

    if (err == ATT_OK) {
        err = c->token != NULL ? open_token(c, diag) : make_file(c, diag);
    }
    if (err == ATT_OK) {
        err = c->log ? name_log_key(c, diag) : name_label_key(c, diag);
    }
    return err;
}

/* --- the command line --- */

static int check_kind(struct creating *c, const char *kind)
{
    char shown[80];

    c->log = strcmp(kind, "log") == 0;
    if (!c->log && strcmp(kind, "label") != 0) {
        return report_usage(&c->r, "arguments", "expected %s, found %s", "label or log",
                            text_safe(shown, sizeof(shown), kind));
    }
    if (!key_name_ok(c->name)) {
        return report_usage(&c->r, "arguments", "expected %s, found %s",
                            "a name of 1 to 64 of a-z 0-9 - _",
                            text_safe(shown, sizeof(shown), c->name));
    }
    if (c->issuer == NULL || c->issuer[0] == '\0') {
        return report_usage(&c->r, "--issuer", "expected %s, found nothing",
                            "the verifier_id (of a log its origin), as key show --json prints it");
    }
    return OPTIONS_OK;
}

static int check_options(struct creating *c, const char *kind)
{
    int code = check_kind(c, kind);

    if (code != OPTIONS_OK) {
        return code;
    }
    if (c->log && (c->token != NULL || c->ca != NULL || c->ca_key != NULL)) {
        return report_usage(&c->r, "arguments", "expected %s, found %s",
                            "no --key, --ca, --ca-key for a log: its key is a file and has no "
                            "certificate",
                            "one of them");
    }
    if (!c->log && (c->token != NULL) == c->file_key) {
        return report_usage(&c->r, "--key", "expected %s, found %s",
                            "--key pkcs11:... or --insecure-file-key",
                            c->file_key ? "both" : "neither");
    }
    if (c->token != NULL && strncmp(c->token, PKCS11_SCHEME, strlen(PKCS11_SCHEME)) != 0) {
        return report_usage(&c->r, "--key", "expected %s, found %s", "pkcs11:...", "another form");
    }
    if ((c->ca == NULL) != (c->ca_key == NULL)) {
        return report_usage(&c->r, "--ca", "expected %s, found %s", "--ca with --ca-key",
                            "one of them");
    }
    return OPTIONS_OK;
}

int cmd_key_create(struct cli *cli, int argc, char **argv)
{
    struct creating c = {.r = report_start(cli, "attestctl.key-create.v1"), .folder = KEYS_FOLDER};
    const struct option_spec options[] = {
        {"keys", &c.folder, NULL, "DIR", "the verifier's folder of keys (" KEYS_FOLDER ")",
         "検証サーバーの鍵フォルダー (" KEYS_FOLDER ")"},
        {"issuer", &c.issuer, NULL, "ID", "verifier_id of attestd.yaml; of a log its origin",
         "attestd.yaml の verifier_id。log の場合は origin"},
        {"key", &c.token, NULL, "URI", "label: a key that a token keeps, pkcs11:...",
         "label: トークン内の鍵 (pkcs11:...)"},
        {"insecure-file-key", NULL, &c.file_key, NULL, "label: make one in a file",
         "label: ファイルに鍵を作る"},
        {"ca", &c.ca, NULL, "FILE", "label: certificate of the authority that vouches for it",
         "label: 証明書を発行する認証局の証明書"},
        {"ca-key", &c.ca_key, NULL, "FILE", "and its key", "その認証局の鍵"}};
    struct att_diag diag = {0};
    int code = options_parse(&c.r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code == OPTIONS_OK) {
        c.name = argv[2];
        code = check_options(&c, argv[1]);
    }
    if (code != OPTIONS_OK) {
        return code;
    }
    (void)json_object_set_new(c.r.root, "name", json_string(c.name));
    err = create(&c, &diag);
    if (err == ATT_OK) {
        report_line(&c.r, "%s: attestctl key rotate %s %s", tr(cli, "next", "次"), argv[1], c.name);
    }
    code = err == ATT_OK ? report_finish(&c.r) : report_failure(&c.r, err, &diag);
    clear(&c);
    return code;
}
