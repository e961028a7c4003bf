/* device transfer: a gateway from one organisation to another, signed by both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "artefacts.h"
#include "base/b64.h"
#include "base/clock.h"
#include "base/file.h"
#include "codec/json.h"
#include "commands.h"
#include "signing.h"
#include "transfer.h"
#include "transfer_facts.h"

#define PATH_ROOM 256

static enum att_err take_receiver(struct att_transfer *t, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *spki = NULL;
    struct att_slice der;
    enum att_err err = artefact_key(&key, path, diag);

    if (err == ATT_OK) {
        err = att_pubkey_spki(&spki, key);
    }
    if (err != ATT_OK) {
        return err;
    }
    der = att_buf_slice(spki);
    if (der.len > sizeof(t->receiver.key)) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_KEY, "--to", "the key is too large");
    }
    memcpy(t->receiver.key, der.p, der.len);
    t->receiver.key_len = der.len;
    return ATT_OK;
}

static int saved(struct report *r, struct att_slice statement, const struct att_signer *signer,
                 const char *key, const char *next)
{
    struct att_transfer t;
    struct att_diag diag = {0};
    enum att_err err = att_transfer_parse(&t, statement, &diag);

    if (err == ATT_OK) {
        err = att_file_write(r->cli->output, statement, 0644, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(r, err, &diag);
    }
    (void)json_object_set_new(r->root, "transfer", transfer_json(&t));
    transfer_print(r, &t);
    report_line(r, "%s %s", tr(r->cli, "next:", "次:"), next);
    if (signer->key_class == ATT_KEY_CLASS_FILE) {
        report_reason(r, "E_KEY_FILE", key, "signed with a key in a file (--insecure-file-key)");
    }
    return report_finish(r);
}

static bool read_ttl(int64_t *out, const char *text)
{
    if (text == NULL) {
        *out = ATT_TRANSFER_TTL_S;
        return true;
    }
    if (text[0] == '\0' || strlen(text) > 9 || strspn(text, "0123456789") != strlen(text)) {
        return false;
    }
    *out = strtoll(text, NULL, 10);
    return *out >= 1 && *out <= ATT_TRANSFER_TTL_MAX_S;
}

static enum att_err ask_facts(struct att_transfer *t, const struct transfer_options *o,
                              const char *id, struct att_diag *diag)
{
    ATT_CLEANUP(att_json_freep) json_t *facts = NULL;
    char path[PATH_ROOM];
    struct online_request req = {
        .kind = "admin", .method = "GET", .target = path, .socket = o->socket};
    enum att_err err = ATT_OK;

    (void)snprintf(path, sizeof(path), "/admin/v1/offers/%s", id);
    err = online_admin(&req, &facts, diag);
    return err == ATT_OK ? transfer_facts_read(t, facts, diag) : err;
}

static int offer(struct report *r, const struct transfer_options *o, int argc, char **argv)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *signer = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *statement = NULL;
    struct att_transfer t = {.offered_utc = r->cli->at};
    struct att_diag diag = {0};
    int64_t ttl_s = 0;
    enum att_err err = ATT_OK;

    (void)argc;
    if (!plain_id(argv[2])) {
        return report_usage(r, "ID", "expected %s, found %.40s", "the id of a gateway", argv[2]);
    }
    if (!read_ttl(&ttl_s, o->ttl)) {
        return report_usage(r, "--ttl", "expected 1 to 2592000 seconds, found %.40s", o->ttl);
    }
    t.expires_utc = t.offered_utc + ttl_s;
    err = take_receiver(&t, o->to, &diag);
    if (err == ATT_OK) {
        err = signing_open(&signer, o->key, o->file_key, &diag);
    }
    if (err == ATT_OK) {
        err = ask_facts(&t, o, argv[2], &diag);
    }
    if (err == ATT_OK) {
        err = att_random(t.id, sizeof(t.id));
    }
    if (err == ATT_OK) {
        err = att_transfer_offer_make(&statement, &t, signer);
    }
    if (err != ATT_OK) {
        return report_failure(r, err, &diag);
    }
    return saved(
        r, att_buf_slice(statement), signer, o->key,
        "attestctl device transfer accept FILE --from GIVER.pem --key KEY --verifier NAME");
}

static int accept_offer(struct report *r, const struct transfer_options *o, int argc, char **argv)
{
    ATT_CLEANUP(transfer_file_clear) struct transfer_file f = {0};
    ATT_CLEANUP(att_signers_freep) struct att_signers *ring = NULL;
    ATT_CLEANUP(att_signer_freep) struct att_signer *signer = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *statement = NULL;
    struct att_transfer_side *to = &f.t.receiver;
    struct att_diag diag = {0};
    enum att_err err = transfer_read(&f, argv[2], &diag);

    (void)argc;
    if (strlen(o->verifier) >= sizeof(to->verifier_id) || (o->id != NULL && !plain_id(o->id))) {
        return report_usage(r, o->id != NULL ? "--id" : "--verifier", "expected %s, found %.40s",
                            "a name", o->id != NULL ? o->id : o->verifier);
    }
    if (err == ATT_OK) {
        err = transfer_ring(&ring, o->from, &diag);
    }
    if (err == ATT_OK) {
        err = signing_open(&signer, o->key, o->file_key, &diag);
    }
    if (err == ATT_OK) {
        err = att_transfer_verify_offer(&f.t, ring, signer->public_key, &diag);
    }
    if (err == ATT_OK) {
        err = att_transfer_check_time(&f.t, r->cli->at, &diag);
    }
    if (err == ATT_OK && strcmp(o->verifier, f.t.giver.verifier_id) == 0) {
        return report_usage(r, "--verifier", "expected %s, found %.40s",
                            "the receiving verifier's id, not the giver's", o->verifier);
    }
    if (err == ATT_OK) {
        (void)snprintf(to->verifier_id, sizeof(to->verifier_id), "%s", o->verifier);
        (void)snprintf(to->device_id, sizeof(to->device_id), "%s",
                       o->id != NULL ? o->id : f.t.giver.device_id);
        f.t.accepted_utc = r->cli->at;
        err = att_transfer_accept_make(&statement, &f.t, att_buf_slice(f.bytes),
                                       att_signers_find(ring, att_slice_of(f.t.giver.kid, 32)),
                                       signer);
    }
    if (err != ATT_OK) {
        return report_failure(r, err, &diag);
    }
    return saved(r, att_buf_slice(statement), signer, o->key,
                 "attestctl device transfer complete FILE");
}

static enum att_err post(json_t **answer, const struct transfer_options *o, const char *path,
                         struct att_diag *diag)
{
    char text[ATT_B64_LEN(ATT_TRANSFER_MAX) + 1];
    ATT_CLEANUP(transfer_file_clear) struct transfer_file f = {0};
    ATT_CLEANUP(att_buf_freep) struct att_buf *body = NULL;
    ATT_CLEANUP(att_json_freep) json_t *doc = NULL;
    struct online_request req = {
        .kind = "admin", .method = "POST", .target = "/admin/v1/transfers", .socket = o->socket};
    enum att_err err = transfer_read(&f, path, diag);

    if (err != ATT_OK) {
        return err;
    }
    doc = json_pack("{s:s}", "cose",
                    att_b64_encode(text, sizeof(text), ATT_B64_URL, att_buf_slice(f.bytes)));
    if (doc == NULL || att_json_print(&body, doc) != ATT_OK) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "transfer", "no memory");
    }
    req.body = att_buf_slice(body);
    return online_admin(&req, answer, diag);
}

static int complete(struct report *r, const struct transfer_options *o, int argc, char **argv)
{
    ATT_CLEANUP(att_json_freep) json_t *answer = NULL;
    struct att_diag diag = {0};
    const char *role = NULL;
    const char *device = NULL;
    char shown[128];
    enum att_err err = post(&answer, o, argv[2], &diag);

    (void)argc;
    if (err != ATT_OK) {
        return report_failure(r, err, &diag);
    }
    (void)json_object_set(r->root, "transfer", answer);
    role = json_string_value(json_object_get(answer, "role"));
    device = json_string_value(json_object_get(answer, "device"));
    (void)text_safe(shown, sizeof(shown), device != NULL ? device : "?");
    if (role != NULL && strcmp(role, "given") == 0) {
        report_line(r, "%s %s", shown,
                    tr(r->cli, "is given away and gets no label here any more",
                       "を譲渡しました。ここではラベルを発行しません"));
    } else {
        report_line(r, "%s %s", shown,
                    tr(r->cli, "may enrol here without a token: attest-agent enrol --id",
                       "はトークンなしで登録できます: attest-agent enrol --id"));
    }
    return report_finish(r);
}

static int get(struct report *r, const struct transfer_options *o, int argc, char **argv)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *body = NULL;
    char path[PATH_ROOM];
    struct online_request req = {
        .kind = "admin", .method = "GET", .target = path, .socket = o->socket};
    struct att_transfer t;
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    (void)argc;
    if (!plain_id(argv[2])) {
        return report_usage(r, "ID", "expected %s, found %.40s", "the id of a transfer", argv[2]);
    }
    (void)snprintf(path, sizeof(path), "/admin/v1/transfers/%s", argv[2]);
    err = online_bytes(&req, &body, &diag);
    if (err == ATT_OK) {
        err = att_transfer_parse(&t, att_buf_slice(body), &diag);
    }
    if (err == ATT_OK) {
        err = att_file_write(r->cli->output, att_buf_slice(body), 0644, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(r, err, &diag);
    }
    (void)json_object_set_new(r->root, "verified", json_false());
    (void)json_object_set_new(r->root, "transfer", transfer_json(&t));
    report_line(r, "%s: attestctl device transfer verify",
                tr(r->cli, "saved, NOT VERIFIED. Next", "保存しました (未検証)。次"));
    return report_finish(r);
}

enum { TO = 1, FROM = 2, KEY = 4, FILE_KEY = 8, TTL = 16, VERIFIER = 32, ID = 64, SOCKET = 128 };

static const struct action {
    const char *name;
    int needs, takes; /* options */
    bool output, many;
    int (*run)(struct report *r, const struct transfer_options *o, int argc, char **argv);
} ACTIONS[] = {
    {"offer", TO | KEY, FILE_KEY | TTL | SOCKET, true, false, offer},
    {"accept", FROM | KEY | VERIFIER, FILE_KEY | ID, true, false, accept_offer},
    {"complete", 0, SOCKET, false, false, complete},
    {"get", 0, SOCKET, true, false, get},
    {"show", 0, 0, false, false, transfer_show},
    {"verify", FROM, TO, false, true, transfer_verify},
};

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; i < ATT_COUNT(ACTIONS); i++) {
        if (strcmp(ACTIONS[i].name, name) == 0) {
            return &ACTIONS[i];
        }
    }
    return NULL;
}

/* Which options were given. The socket always has a value: what counts is that it is another. */
static int given_options(const struct transfer_options *o, const char *socket)
{
    return (o->to != NULL ? TO : 0) | (o->from != NULL ? FROM : 0) | (o->key != NULL ? KEY : 0) |
           (o->file_key ? FILE_KEY : 0) | (o->ttl != NULL ? TTL : 0) |
           (o->verifier != NULL ? VERIFIER : 0) | (o->id != NULL ? ID : 0) |
           (o->socket != socket ? SOCKET : 0);
}

static const char *option_name(int mask)
{
    static const char *const NAMES[] = {"--to",  "--from",     "--key", "--insecure-file-key",
                                        "--ttl", "--verifier", "--id",  "--socket"};

    for (size_t i = 0; i < ATT_COUNT(NAMES); i++) {
        if ((mask & (1 << i)) != 0) {
            return NAMES[i];
        }
    }
    return "--help";
}

static int check_usage(struct report *r, const struct action *a, const struct transfer_options *o,
                       int argc)
{
    int given = given_options(o, r->cli->socket);
    int missing = a->needs & ~given;
    int surplus = given & ~(a->needs | a->takes);

    if (argc < 3 || (argc > 3 && !a->many)) {
        return report_usage(r, "arguments", "expected %s, found %s",
                            a->many ? "one file or more" : "one argument behind the action",
                            argc < 3 ? "nothing" : "more");
    }
    if (missing != 0) {
        return report_usage(r, option_name(missing), "expected %s, found nothing",
                            option_name(missing));
    }
    if (surplus != 0) {
        return report_usage(r, option_name(surplus), "%s takes no %s", a->name,
                            option_name(surplus));
    }
    return a->output ? output_needed(r, false) : OPTIONS_OK;
}

int cmd_device_transfer(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.device-transfer.v1");
    struct transfer_options o = {.socket = cli->socket};
    const struct option_spec options[] = {
        {"to", &o.to, NULL, "FILE", "offer, verify: the receiver's public key",
         "offer, verify: 受領側の公開鍵"},
        {"from", &o.from, NULL, "FILE", "accept, verify: the giver's public key",
         "accept, verify: 譲渡側の公開鍵"},
        {"key", &o.key, NULL, "KEY", "offer, accept: to sign with; pkcs11:URI, or a file",
         "offer, accept: 署名鍵。pkcs11:URI またはファイル"},
        {"insecure-file-key", NULL, &o.file_key, NULL, "the key may be a file",
         "ファイルの鍵を許可する"},
        {"ttl", &o.ttl, NULL, "SECONDS", "offer: how long it is good, 1 to 2592000, else a week",
         "offer: 有効秒数 (1〜2592000、既定は一週間)"},
        {"verifier", &o.verifier, NULL, "NAME", "accept: verifier_id of the receiving verifier",
         "accept: 受領側の検証者の verifier_id"},
        {"id", &o.id, NULL, "ID", "accept: what the gateway will be called there",
         "accept: 受領側での機器 ID"},
        {"socket", &o.socket, NULL, "PATH", "the administrator's socket", "管理ソケット"}};
    const struct action *a = NULL;
    char shown[64];
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);

    if (code != OPTIONS_OK) {
        return code;
    }
    a = find_action(argv[1]);
    if (a == NULL) {
        return report_usage(&r, "action", "expected %s, found %s",
                            "offer, accept, complete, get, show or verify",
                            text_safe(shown, sizeof(shown), argv[1]));
    }
    code = check_usage(&r, a, &o, argc);
    return code == OPTIONS_OK ? a->run(&r, &o, argc, argv) : code;
}
