/* device list, show, allow, remove: the operator's requests over the verifier's unix socket. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "commands.h"

#define DEFAULT_SOCKET "/run/attestd/admin.sock"
#define PATH_ROOM      256

static const char *socket_path(const char *given)
{
    const char *named = getenv("ATTEST_ADMIN_SOCKET");

    if (given != NULL) {
        return given;
    }
    return named != NULL ? named : DEFAULT_SOCKET;
}

static enum att_err refused(const json_t *answer, int status, struct att_diag *diag)
{
    const char *code = json_string_value(json_object_get(answer, "code"));
    const char *detail = json_string_value(json_object_get(answer, "detail"));
    enum att_reason reason = att_reason_find(code != NULL ? code : "");

    return att_fail(diag, status == 404 ? ATT_E_NOT_FOUND : ATT_E_CONFLICT,
                    reason != ATT_R_NONE ? reason : ATT_R_NET_PROTOCOL, "verifier", "%d %s", status,
                    detail != NULL ? detail : "");
}

/* Ask, and turn a problem answer into a reason. answer is the caller's to free. */
static enum att_err ask(struct online_request *req, json_t **answer, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *body = NULL;
    int status = 0;
    enum att_err err = online_exchange(req, &status, &body, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_json_parse(answer, att_buf_slice(body), diag);
    if (err != ATT_OK && status >= 200 && status < 300 && att_buf_len(body) == 0) {
        *answer = json_object();
        err = ATT_OK;
    }
    if (err != ATT_OK || (status >= 200 && status < 300)) {
        return err;
    }
    return refused(*answer, status, diag);
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text != NULL ? text : "-";
}

static int usage(struct report *r, const char *text)
{
    (void)fprintf(stderr, "attestctl: %s\n", text);
    r->exit_override = EXIT_USAGE;
    r->verdict = V_UNDECIDED;
    return report_finish(r);
}

static void list_page(struct report *r, const json_t *page, json_t *all)
{
    json_t *devices = json_object_get(page, "devices");

    for (size_t i = 0; i < json_array_size(devices); i++) {
        json_t *d = json_array_get(devices, i);

        (void)json_array_append(all, d);
        report_line(r, "%-24s %-12s %-20s %s", text_of(d, "id"), text_of(d, "status"),
                    text_of(d, "last_seen"), text_of(d, "reason"));
    }
}

int cmd_device_list(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.device-list.v1");
    const char *socket = NULL;
    const struct option_spec options[] = {{"socket", &socket, NULL, "PATH"}};
    struct online_request req = {.kind = "admin", .method = "GET"};
    struct att_diag diag = {0};
    char path[PATH_ROOM] = "/admin/v1/devices";
    json_t *all = json_array();
    bool more = true;
    int code = options_parse(cli, options, ATT_COUNT(options), &argc, argv);

    (void)json_object_set_new(r.root, "devices", all);
    if (code != 0 || argc != 1) {
        return usage(&r, "device list [--socket PATH]");
    }
    req.socket = socket_path(socket);
    req.target = path;
    while (more) {
        ATT_CLEANUP(att_json_freep) json_t *page = NULL;
        enum att_err err = ask(&req, &page, &diag);

        if (err != ATT_OK) {
            return report_failure(&r, err, &diag);
        }
        list_page(&r, page, all);
        more = json_is_string(json_object_get(page, "next"));
        (void)snprintf(path, sizeof(path), "/admin/v1/devices?after=%s", text_of(page, "next"));
    }
    return report_finish(&r);
}

static void print_members(const struct report *r, const json_t *o)
{
    const char *key = NULL;
    json_t *value = NULL;

    json_object_foreach((json_t *)(uintptr_t)o, key, value)
    {
        if (json_is_string(value)) {
            report_line(r, "  %-16s %s", key, json_string_value(value));
        } else if (json_is_integer(value)) {
            report_line(r, "  %-16s %lld", key, (long long)json_integer_value(value));
        } else if (json_is_boolean(value)) {
            report_line(r, "  %-16s %s", key, json_is_true(value) ? "yes" : "no");
        }
    }
}

static bool plain_id(const char *id)
{
    return id[0] != '\0' && strlen(id) <= 64 &&
           strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
               strlen(id);
}

int cmd_device_show(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.device-show.v1");
    ATT_CLEANUP(att_json_freep) json_t *answer = NULL;
    const char *socket = NULL;
    const struct option_spec options[] = {{"socket", &socket, NULL, "PATH"}};
    struct online_request req = {.kind = "admin", .method = "GET"};
    struct att_diag diag = {0};
    char path[PATH_ROOM];
    int code = options_parse(cli, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != 0 || argc != 2 || !plain_id(argv[1])) {
        return usage(&r, "device show ID [--socket PATH]");
    }
    (void)snprintf(path, sizeof(path), "/admin/v1/devices/%s", argv[1]);
    req.target = path;
    req.socket = socket_path(socket);
    err = ask(&req, &answer, &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    (void)json_object_set(r.root, "device", answer);
    report_line(&r, "%s", argv[1]);
    print_members(&r, answer);
    return report_finish(&r);
}

int cmd_device_allow(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.device-allow.v1");
    ATT_CLEANUP(att_json_freep) json_t *answer = NULL;
    ATT_CLEANUP(att_json_freep) json_t *ask_body = json_object();
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    const char *socket = NULL;
    const char *ek = NULL;
    const char *ttl = NULL;
    const struct option_spec options[] = {{"socket", &socket, NULL, "PATH"},
                                          {"ek", &ek, NULL, "NAME-HEX"},
                                          {"ttl", &ttl, NULL, "SECONDS"}};
    struct online_request req = {.kind = "admin", .method = "POST", .target = "/admin/v1/allow"};
    struct att_diag diag = {0};
    int code = options_parse(cli, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != 0 || argc > 2 || (argc == 2 && !plain_id(argv[1]))) {
        return usage(&r, "device allow [ID] [--ek NAME-HEX] [--ttl SECONDS] [--socket PATH]");
    }
    if (argc == 2) {
        (void)json_object_set_new(ask_body, "id", json_string(argv[1]));
    }
    if (ek != NULL) {
        (void)json_object_set_new(ask_body, "ek_name", json_string(ek));
    }
    if (ttl != NULL) {
        (void)json_object_set_new(ask_body, "ttl_s", json_integer(atoll(ttl)));
    }
    err = att_json_print(&text, ask_body);
    if (err == ATT_OK) {
        req.body = att_buf_slice(text);
        req.socket = socket_path(socket);
        err = ask(&req, &answer, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    (void)json_object_set(r.root, "allowed", answer);
    if (json_is_string(json_object_get(answer, "token"))) {
        /* the token alone on standard output, so that it can go into a file */
        report_line(&r, "%s", text_of(answer, "token"));
    } else {
        report_line(&r, "%s", tr(cli, "the endorsement key is allow-listed", "EK を許可しました"));
    }
    return report_finish(&r);
}

int cmd_device_remove(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.device-remove.v1");
    ATT_CLEANUP(att_json_freep) json_t *answer = NULL;
    const char *socket = NULL;
    const struct option_spec options[] = {{"socket", &socket, NULL, "PATH"}};
    struct online_request req = {.kind = "admin", .method = "DELETE"};
    struct att_diag diag = {0};
    char path[PATH_ROOM];
    int code = options_parse(cli, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != 0 || argc != 2 || !plain_id(argv[1])) {
        return usage(&r, "device remove ID [--yes] [--socket PATH]");
    }
    if (!cli->yes) {
        return usage(&r, "device remove needs --yes: the gateway must enrol again afterwards");
    }
    (void)snprintf(path, sizeof(path), "/admin/v1/devices/%s", argv[1]);
    req.target = path;
    req.socket = socket_path(socket);
    err = ask(&req, &answer, &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    report_line(&r, "%s %s", argv[1], tr(cli, "removed", "を削除しました"));
    return report_finish(&r);
}
