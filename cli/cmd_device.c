/* device list, show, allow, remove: the operator's requests over the verifier's unix socket. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "codec/json.h"
#include "commands.h"
#include "crypto/cert.h"
#include "device_show.h"

#define PATH_ROOM 256
#define CA_MAX    60000 /* attest-agent takes 64 KiB with the token */
#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define TTL_MAX_S 2592000

#define SOCKET_OPTION(to)                                                                          \
    {                                                                                              \
        "socket", (to), NULL, "PATH", "the administrator's socket", "管理ソケット"           \
    }

static int bad_id(struct report *r, const char *id)
{
    char shown[64];

    return report_usage(r, "ID", "expected 1 to 64 of A-Z a-z 0-9 . _ -, found %s",
                        text_safe(shown, sizeof(shown), id));
}

int cmd_device_list(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.device-list.v1");
    struct online_request req = {.kind = "admin", .method = "GET", .socket = cli->socket};
    const struct option_spec options[] = {SOCKET_OPTION(&req.socket)};
    struct att_diag diag = {0};
    char path[PATH_ROOM] = "/admin/v1/devices";
    json_t *all = json_array();
    bool more = true;
    int code = OPTIONS_OK;

    (void)json_object_set_new(r.root, "devices", all);
    code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    if (code != OPTIONS_OK) {
        return code;
    }
    req.target = path;
    for (bool first = true; more; first = false) {
        ATT_CLEANUP(att_json_freep) json_t *page = NULL;
        enum att_err err = online_admin(&req, &page, &diag);

        if (err != ATT_OK) {
            return report_failure(&r, err, &diag);
        }
        if (first) {
            device_list_header(&r);
        }
        device_list_page(&r, page, all);
        more = device_next_page(path, sizeof(path), page);
    }
    if (json_array_size(all) == 0) {
        report_line(&r, "%s",
                    tr(cli, "no gateway is enrolled yet; next: attestctl device allow",
                       "登録機器はありません。次: attestctl device allow"));
    }
    return report_finish(&r);
}

int cmd_device_show(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.device-show.v1");
    ATT_CLEANUP(att_json_freep) json_t *answer = NULL;
    struct online_request req = {.kind = "admin", .method = "GET", .socket = cli->socket};
    const struct option_spec options[] = {SOCKET_OPTION(&req.socket)};
    struct att_diag diag = {0};
    char path[PATH_ROOM];
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    if (!plain_id(argv[1])) {
        return bad_id(&r, argv[1]);
    }
    (void)snprintf(path, sizeof(path), "/admin/v1/devices/%s", argv[1]);
    req.target = path;
    err = online_admin(&req, &answer, &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    (void)json_object_set(r.root, "device", answer);
    device_print(&r, answer);
    return report_finish(&r);
}

/* Seconds as a person writes them: decimal digits, 1 to 30 days. */
static bool read_ttl(json_int_t *out, const char *text)
{
    long long value = 0;

    if (text[0] == '\0' || strlen(text) > 9 || strspn(text, "0123456789") != strlen(text)) {
        return false;
    }
    value = strtoll(text, NULL, 10);
    *out = value;
    return value >= 1 && value <= TTL_MAX_S;
}

static enum att_err post_allow(struct online_request *req, const json_t *what, json_t **answer,
                               struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    enum att_err err = att_json_print(&text, what);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "request", "no memory");
    }
    req->body = att_buf_slice(text);
    err = online_admin(req, answer, diag);
    req->body = (struct att_slice){0};
    return err;
}

/* Only public certificates may travel with the token: a key in that file would reach every gateway. */
static int read_ca(struct att_buf **out, struct report *r, const char *path)
{
    ATT_CLEANUP(att_anchors_freep) struct att_anchors *anchors = NULL;
    struct att_slice pem;
    struct att_diag diag = {0};
    enum att_err err = att_anchors_new(&anchors);

    if (err == ATT_OK) {
        err = att_anchors_add_pem(anchors, path, &diag);
    }
    if (err == ATT_OK) {
        err = att_file_read(out, path, CA_MAX, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(r, err, &diag);
    }
    pem = att_buf_slice(*out);
    if (memcmp(pem.p, PEM_BEGIN, sizeof(PEM_BEGIN) - 1) != 0 ||
        memmem(pem.p, pem.len, "PRIVATE KEY", 11) != NULL) {
        return report_usage(r, "--verifier-ca", "expected %s, found other text in %s",
                            "certificates in PEM alone", path);
    }
    return OPTIONS_OK;
}

/* The token on standard output, so that it can go into a file; the rest is for the person. */
static int allowed(struct report *r, json_t *answer, struct att_slice ca)
{
    char text[128];
    bool token = json_is_string(json_object_get(answer, "token"));

    (void)json_object_set(r->root, "allowed", answer);
    if (!token) {
        report_line(r, "%s",
                    tr(r->cli, "the endorsement key is allow-listed", "EK を許可しました"));
        return report_finish(r);
    }
    if (!r->cli->json) {
        (void)printf("%s\n", device_text(text, sizeof(text), answer, "token"));
    }
    if (!r->cli->json && ca.len > 0) {
        (void)fwrite(ca.p, 1, ca.len, stdout);
    }
    if (!r->cli->json && !r->cli->quiet) {
        (void)fprintf(stderr, "attestctl: %s %s\n",
                      tr(r->cli, "one use, until", "一回限り、有効期限"),
                      device_text(text, sizeof(text), answer, "expires"));
    }
    return report_finish(r);
}

/* What is asked for: members that were not given are left out. */
static json_t *permission(const char *id, const char *ek, json_int_t ttl_s, bool replace)
{
    json_t *what = json_object();

    if (id != NULL) {
        (void)json_object_set_new(what, "id", json_string(id));
    }
    if (ek != NULL) {
        (void)json_object_set_new(what, "ek_name", json_string(ek));
    }
    if (ttl_s > 0) {
        (void)json_object_set_new(what, "ttl_s", json_integer(ttl_s));
    }
    if (replace) {
        (void)json_object_set_new(what, "replace", json_true());
    }
    return what;
}

int cmd_device_allow(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.device-allow.v1");
    ATT_CLEANUP(att_json_freep) json_t *answer = NULL;
    ATT_CLEANUP(att_json_freep) json_t *what = NULL;
    struct online_request req = {
        .kind = "admin", .method = "POST", .target = "/admin/v1/allow", .socket = cli->socket};
    const char *ek = NULL;
    const char *ttl = NULL;
    const char *ca_file = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *ca = NULL;
    struct att_slice carried = {0};
    bool replace = false;
    const struct option_spec options[] = {
        SOCKET_OPTION(&req.socket),
        {"replace", NULL, &replace, NULL,
         "the gateway of this id may enrol again; its history stays",
         "この ID の機器の再登録を許可する (履歴は残る)"},
        {"ek", &ek, NULL, "HEX", "allow-list the endorsement key of this name instead",
         "代わりに、この名前の EK を許可する"},
        {"ttl", &ttl, NULL, "SECONDS", "how long the token is good: 1 to 2592000, else a day",
         "トークンの有効秒数 (1〜2592000、既定は一日)"},
        {"verifier-ca", &ca_file, NULL, "FILE",
         "put the authority of the verifier behind the token: one file to carry",
         "検証者の認証局証明書をトークンの後に付ける (運ぶファイルは一つ)"}};
    struct att_diag diag = {0};
    json_int_t ttl_s = 0;
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    if (argc == 2 && !plain_id(argv[1])) {
        return bad_id(&r, argv[1]);
    }
    if (ttl != NULL && !read_ttl(&ttl_s, ttl)) {
        return report_usage(&r, "--ttl", "expected 1 to 2592000 seconds, found %.40s", ttl);
    }
    if (replace && (argc != 2 || ek != NULL)) {
        return report_usage(&r, "--replace", "expected %s, found %s", "the id of a gateway",
                            ek != NULL ? "--ek" : "none");
    }
    if (ca_file != NULL) {
        code = read_ca(&ca, &r, ca_file);
        if (code != OPTIONS_OK) {
            return code;
        }
        carried = att_buf_slice(ca);
    }
    what = permission(argc == 2 ? argv[1] : NULL, ek, ttl != NULL ? ttl_s : 0, replace);
    err = post_allow(&req, what, &answer, &diag);
    return err != ATT_OK ? report_failure(&r, err, &diag) : allowed(&r, answer, carried);
}

int cmd_device_remove(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.device-remove.v1");
    ATT_CLEANUP(att_json_freep) json_t *answer = NULL;
    struct online_request req = {.kind = "admin", .method = "DELETE", .socket = cli->socket};
    const struct option_spec options[] = {SOCKET_OPTION(&req.socket)};
    struct att_diag diag = {0};
    char path[PATH_ROOM];
    char question[256];
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    if (!plain_id(argv[1])) {
        return bad_id(&r, argv[1]);
    }
    (void)snprintf(question, sizeof(question), "%s: %s", tr(cli, "will be removed", "を削除します"),
                   tr(cli, "it must enrol again afterwards", "再登録が必要になります"));
    if (!confirmed(cli, argv[1], question)) {
        return report_usage(&r, "--yes", "expected %s, found nothing",
                            "--yes: the gateway must enrol again afterwards");
    }
    (void)snprintf(path, sizeof(path), "/admin/v1/devices/%s", argv[1]);
    req.target = path;
    err = online_admin(&req, &answer, &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    report_line(&r, "%s %s", argv[1], tr(cli, "removed", "を削除しました"));
    return report_finish(&r);
}
