/* trust list, add, show. A fingerprint is typed by a person, never taken from what it should prove. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "trust.h"
#include "trust_keys.h"
#include "trust_show.h"

#define CERT_FILE_MAX 65536

static void hex_of(char out[65], const struct att_cert *c)
{
    uint8_t digest[32] = {0};

    /* a digest that could not be computed stays zero and so matches no certificate */
    (void)!att_cert_fingerprint(digest, c);
    (void)att_hex_encode(out, 65, att_slice_of(digest, 32));
}

static const char *validity(const struct cli *cli, const struct att_cert *c)
{
    if (cli->at < att_cert_not_before(c)) {
        return tr(cli, "not valid yet", "まだ有効ではありません");
    }
    return cli->at > att_cert_not_after(c) ? tr(cli, "expired", "期限切れ")
                                           : tr(cli, "valid", "有効");
}

static const char *validity_code(const struct cli *cli, const struct att_cert *c)
{
    if (cli->at < att_cert_not_before(c)) {
        return "not-yet-valid";
    }
    return cli->at > att_cert_not_after(c) ? "expired" : "valid";
}

static void describe(struct report *r, const struct att_cert *c, json_t *list)
{
    char hex[65];
    char subject[256];
    char safe[256];
    char from[ATT_TIME_TEXT];
    char until[ATT_TIME_TEXT];

    hex_of(hex, c);
    (void)att_cert_subject(subject, sizeof(subject), c);
    (void)text_safe(safe, sizeof(safe), subject);
    (void)att_time_print(from, sizeof(from), att_cert_not_before(c));
    (void)att_time_print(until, sizeof(until), att_cert_not_after(c));
    (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "subject", safe,
                                                "sha256", hex, "not_before", from, "not_after",
                                                until, "validity", validity_code(r->cli, c), "ca",
                                                (int)att_cert_is_ca(c)));
    report_line(r, "%s", safe);
    report_field(r, "SHA-256", "%s", hex);
    report_field(r, tr(r->cli, "valid", "有効期間"), "%s \u2013 %s  (%s)", from, until,
                 validity(r->cli, c));
    if (!att_cert_is_ca(c)) {
        report_field(
            r, tr(r->cli, "note", "注意"), "%s",
            tr(r->cli, "this is no certificate authority", "認証局の証明書ではありません"));
    }
}

int cmd_trust_list(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.trust-list.v1");
    struct trust trust = {0};
    struct att_diag diag = {0};
    json_t *list = json_array();
    json_t *keys = json_array();
    char folder[512];
    int code = OPTIONS_OK;
    enum att_err err = ATT_OK;

    (void)json_object_set_new(r.root, "anchors", list);
    (void)json_object_set_new(r.root, "keys", keys);
    code = options_parse(&r, NULL, 0, &argc, argv);
    if (code != OPTIONS_OK) {
        return code;
    }
    (void)json_object_set_new(r.root, "trust",
                              json_string(text_safe(folder, sizeof(folder), cli->trust)));
    err = trust_load(&trust, cli->trust, &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    for (size_t i = 0; i < att_anchors_count(trust.anchors); i++) {
        describe(&r, att_anchors_at(trust.anchors, i), list);
    }
    for (size_t i = 0; i < trust.keys.count; i++) {
        trust_key_describe(&r, trust.keys.key[i], keys);
    }
    if (att_anchors_count(trust.anchors) == 0) {
        report_reason(&r, "E_TRUST_NONE", folder, "no anchor is installed");
        report_worsen(&r, V_UNDECIDED);
    }
    trust_clear(&trust);
    return report_finish(&r);
}

static enum att_err show_key(struct report *r, struct att_slice file, struct att_diag *diag)
{
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *key = NULL;
    json_t *keys = json_array();
    enum att_err err = trust_key_read(&key, file, diag);

    (void)json_object_set_new(r->root, "keys", keys);
    if (err == ATT_OK) {
        report_line(r, "%s",
                    tr(r->cli,
                       "NOT VERIFIED: compare the SHA-256 with the log's operator by another way.",
                       "未検証: ログの運用者に別の経路で SHA-256 を確認してください。"));
        trust_key_describe(r, key, keys);
    }
    return err;
}

/* A certificate as it stands there, the verifier key of a log, or the public area of a TPM's key, for device allow. */
static enum att_err show_file(struct report *r, struct att_cert **out, struct att_slice file,
                              struct att_diag *diag)
{
    (void)json_object_set_new(r->root, "verified", json_false());
    if (is_public_area(file)) {
        report_line(r, "%s",
                    tr(r->cli, "NOT VERIFIED: any TPM key may say this of itself.",
                       "未検証: 鍵自身の記載です。"));
        return show_public(r, file, diag);
    }
    if (trust_key_looks(file)) {
        return show_key(r, file, diag);
    }
    return att_cert_parse(out, file, diag);
}

static void show_cert(struct report *r, const struct att_cert *cert, json_t *list, bool judged)
{
    if (!judged) {
        report_line(r, "%s",
                    tr(r->cli,
                       "NOT VERIFIED: compare the fingerprint with the issuer by another way.",
                       "未検証: 発行者に別の経路で指紋を確認してください。"));
    }
    describe(r, cert, list);
    if (!judged) {
        show_maker(r, cert, json_array_get(list, 0));
    }
}

int cmd_trust_show(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.trust-show.v1");
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    ATT_CLEANUP(att_cert_freep) struct att_cert *cert = NULL;
    bool ek = false;
    const char *crls = NULL;
    const struct option_spec options[] = {
        {"ek", NULL, &ek, NULL, "judge it as the certificate of an endorsement key",
         "EK 証明書として判定する"},
        {"crls", &crls, NULL, "DIR", "with --ek: revocation lists, which are then required",
         "--ek とともに: 失効リストのフォルダー (必須になる)"}};
    struct att_diag diag = {0};
    json_t *list = json_array();
    int code = OPTIONS_OK;
    enum att_err err = ATT_OK;

    (void)json_object_set_new(r.root, "certificates", list);
    code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    if (code != OPTIONS_OK) {
        return code;
    }
    if (crls != NULL && !ek) {
        return report_usage(&r, "--crls", "expected %s, found %s", "--ek with it", "--crls alone");
    }
    err = att_file_read(&file, argv[1], CERT_FILE_MAX, &diag);
    if (err == ATT_OK) {
        err = ek ? show_ek(&r, &cert, att_buf_slice(file), crls, &diag)
                 : show_file(&r, &cert, att_buf_slice(file), &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    if (cert != NULL) {
        show_cert(&r, cert, list, ek);
    }
    return report_finish(&r);
}

/* Spaces and colons are what people put between digits. */
static enum att_err typed_digest(uint8_t out[32], const char *text, struct att_diag *diag)
{
    char digits[65];
    char shown[96];
    size_t n = 0;
    size_t len = 0;

    for (const char *p = text; *p != '\0' && n < sizeof(digits); p++) {
        if (isspace((unsigned char)*p) == 0 && *p != ':') {
            digits[n++] = *p;
        }
    }
    if (n != 64 || att_hex_decode(out, 32, &len, digits, n) != ATT_OK || len != 32) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--fingerprint",
                        "expected 64 hexadecimal digits, found %s",
                        text_safe(shown, sizeof(shown), text));
    }
    return ATT_OK;
}

/* What a person is asked to vouch for: a certificate, or the verifier key of a log or witness. */
struct candidate {
    struct att_cert *cert; /* one of the two; owned */
    struct att_vkey *key;
};

static void clear_candidate(struct candidate *c)
{
    att_cert_freep(&c->cert);
    att_vkey_freep(&c->key);
}

static enum att_err read_candidate(struct candidate *c, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err = att_file_read(&file, path, CERT_FILE_MAX, diag);

    if (err != ATT_OK) {
        return err;
    }
    return trust_key_looks(att_buf_slice(file))
               ? trust_key_read(&c->key, att_buf_slice(file), diag)
               : att_cert_parse(&c->cert, att_buf_slice(file), diag);
}

static const char *claimed_name(char *out, size_t cap, const struct candidate *c)
{
    char raw[256];
    struct att_slice name;

    if (c->cert != NULL) {
        (void)att_cert_subject(raw, sizeof(raw), c->cert);
    } else {
        name = att_vkey_name(c->key);
        (void)snprintf(raw, sizeof(raw), "%.*s", (int)name.len, (const char *)name.p);
    }
    return text_safe(out, cap, raw);
}

/* The person sees whose it claims to be, and never the fingerprint that should be typed. */
static enum att_err ask_fingerprint(const struct cli *cli, const struct candidate *c,
                                    const char *given, uint8_t out[32], struct att_diag *diag)
{
    char safe[256];
    char line[256] = "";

    if (given != NULL) {
        return typed_digest(out, given, diag);
    }
    if (cli->no_input || cli->json || isatty(STDIN_FILENO) == 0) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--fingerprint",
                        "expected %s, found nothing",
                        "--fingerprint HEX: the SHA-256 that the issuer told you");
    }
    (void)fprintf(
        stderr, "%s\n  %s\n%s\n> ",
        c->cert != NULL
            ? tr(cli,
                 "The file says that it is the certificate of:", "ファイルの証明書の名義 (自称):")
            : tr(cli, "The file says that it is the key of:", "ファイルの鍵の名義 (自称):"),
        claimed_name(safe, sizeof(safe), c),
        tr(cli, "Type the SHA-256 fingerprint that the issuer told you by another way:",
           "発行者から別の経路で聞いた SHA-256 指紋を入力してください:"));
    if (fgets(line, sizeof(line), stdin) == NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--fingerprint",
                        "expected %s, found nothing", "a fingerprint");
    }
    line[strcspn(line, "\r\n")] = '\0';
    return typed_digest(out, line, diag);
}

/* Folders above are private, as for all of a user's data; the trust folder holds nothing secret. */
static enum att_err make_folder(const char *path, struct att_diag *diag)
{
    char part[1024];
    char shown[128];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof(part)) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--trust", "expected %s, found %s",
                        "a folder", "no usable path");
    }
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        (void)snprintf(part, sizeof(part), "%.*s", (int)i, path);
        if (mkdir(part, i == len ? 0755 : 0700) != 0 && errno != EEXIST) {
            return att_fail(diag, errno == EACCES || errno == EPERM ? ATT_E_DENIED : ATT_E_IO,
                            ATT_R_FILE, "--trust", "cannot write %s: %s",
                            text_safe(shown, sizeof(shown), part), strerror(errno));
        }
    }
    return ATT_OK;
}

/* What is installed is written anew from what was read: nothing that stood beside it comes along. */
static enum att_err printed(struct att_buf **out, const struct candidate *c)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    char line[ATT_VKEY_TEXT + 1];
    enum att_err err = ATT_OK;

    if (c->cert != NULL) {
        return att_cert_pem(out, att_cert_der(c->cert));
    }
    err = att_buf_new(&b, sizeof(line));
    (void)att_vkey_print(line, sizeof(line), c->key);
    if (err == ATT_OK) {
        err = att_buf_add(b, line, strlen(line));
    }
    if (err == ATT_OK) {
        err = att_buf_add(b, "\n", 1);
    }
    if (err == ATT_OK) {
        *out = b;
        b = NULL;
    }
    return err;
}

static enum att_err install(const struct cli *cli, const struct candidate *c,
                            const uint8_t digest[32], bool *already, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    char path[1280];
    char hex[65];
    enum att_err err = printed(&text, c);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "anchor", "it could not be written as text");
    }
    err = make_folder(cli->trust, diag);
    if (err != ATT_OK) {
        return err;
    }
    (void)snprintf(path, sizeof(path), "%s/%s%s", cli->trust,
                   att_hex_encode(hex, sizeof(hex), att_slice_of(digest, 32)),
                   c->cert != NULL ? ".pem" : TRUST_KEY_ENDS);
    *already = access(path, F_OK) == 0;
    return att_file_write(path, att_buf_slice(text), 0644, diag);
}

static enum att_err add_anchor(const struct cli *cli, const struct candidate *c, const char *given,
                               bool *already, struct att_diag *diag)
{
    uint8_t digest[32];
    uint8_t typed[32];
    enum att_err err = c->cert != NULL ? att_cert_fingerprint(digest, c->cert)
                                       : att_vkey_fingerprint(digest, c->key);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "anchor", "it could not be hashed");
    }
    err = ask_fingerprint(cli, c, given, typed, diag);
    if (err != ATT_OK) {
        return err;
    }
    if (memcmp(typed, digest, sizeof(digest)) != 0) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TRUST_FINGERPRINT, "--fingerprint",
                        c->cert != NULL
                            ? "the certificate in the file has another one; nothing was added"
                            : "the key in the file has another one; nothing was added");
    }
    return install(cli, c, digest, already, diag);
}

int cmd_trust_add(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.trust-add.v1");
    ATT_CLEANUP(clear_candidate) struct candidate c = {0};
    const char *given = NULL;
    const struct option_spec options[] = {{"fingerprint", &given, NULL, "HEX",
                                           "the SHA-256 that the issuer told you",
                                           "発行者から聞いた SHA-256 指紋"}};
    struct att_diag diag = {0};
    json_t *list = json_array();
    json_t *keys = json_array();
    char folder[512];
    bool already = false;
    int code = OPTIONS_OK;
    enum att_err err = ATT_OK;

    (void)json_object_set_new(r.root, "certificates", list);
    (void)json_object_set_new(r.root, "keys", keys);
    code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    if (code != OPTIONS_OK) {
        return code;
    }
    err = read_candidate(&c, argv[1], &diag);
    if (err == ATT_OK) {
        err = add_anchor(cli, &c, given, &already, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    (void)text_safe(folder, sizeof(folder), cli->trust);
    (void)json_object_set_new(r.root, "trust", json_string(folder));
    report_line(&r, "%s %s",
                already ? tr(cli, "it was already in", "既に入っています:")
                        : tr(cli, "added to", "追加しました:"),
                folder);
    if (c.key != NULL) {
        trust_key_describe(&r, c.key, keys);
        return report_finish(&r);
    }
    describe(&r, c.cert, list);
    show_maker(&r, c.cert, json_array_get(list, 0));
    return report_finish(&r);
}
