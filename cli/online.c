/* One exchange with a verifier, through the courier program: attestctl itself links no HTTP client. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "codec/json.h"
#include "common/relay.h"

#define CONNECT_TIMEOUT_MS 5000
#define TIMEOUT_MS         30000

/* Before anybody is asked: the usual mistakes, named by the path. */
static enum att_err check_socket(const char *path, struct att_diag *diag)
{
    char shown[256];

    (void)text_safe(shown, sizeof(shown), path);
    if (access(path, W_OK) == 0) {
        return ATT_OK;
    }
    if (errno == EACCES) {
        return att_fail(diag, ATT_E_DENIED, ATT_R_CFG_PERM, "--socket",
                        "expected permission to write to %s", shown);
    }
    return att_fail(diag, ATT_E_NETWORK, ATT_R_NET_SOCKET, "--socket", "expected a socket at %s",
                    shown);
}

static enum att_err ask_courier(const struct relay_request *ask, struct relay_answer *answer,
                                const char *socket, struct att_diag *diag)
{
    ATT_CLEANUP(relay_stopp) struct relay *courier = NULL;
    const struct relay_settings settings = {.operator_kinds = true,
                                            .admin_socket = socket,
                                            .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                            .timeout_ms = TIMEOUT_MS};
    enum att_err err = relay_start(&courier, &settings, diag);

    return err == ATT_OK ? relay_ask(answer, courier, ask, diag) : err;
}

enum att_err online_exchange(const struct online_request *req, int *status, struct att_buf **body,
                             struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *copy = NULL;
    bool admin = strcmp(req->kind, "admin") == 0;
    struct relay_request ask = {.kind = admin ? RELAY_ADMIN : RELAY_FETCH,
                                .a = att_slice_str(admin ? req->method : req->target),
                                .body = req->body};
    struct relay_answer answer = {0};
    enum att_err err = ATT_OK;

    if (!admin && req->ca == NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--ca", "expected %s, found nothing",
                        "--ca FILE (PEM of the verifier's certificate authority)");
    }
    if (admin) {
        err = check_socket(req->socket, diag);
        if (err != ATT_OK) {
            return err;
        }
    }
    ask.b = att_slice_str(admin ? req->target : req->ca);
    err = ask_courier(&ask, &answer, admin ? req->socket : NULL, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = att_buf_new(&copy, answer.body.len + 1);
    if (err == ATT_OK) {
        err = att_buf_add_slice(copy, answer.body);
    }
    if (err == ATT_OK) {
        *status = (int)answer.status;
        *body = copy;
        copy = NULL;
    } else {
        (void)att_fail(diag, err, ATT_R_NOMEM, "verifier", "no memory");
    }
    relay_answer_free(&answer);
    return err;
}

static enum att_err error_of(int status)
{
    if (status == 401 || status == 403) {
        return ATT_E_DENIED;
    }
    if (status == 404 || status == 410) {
        return ATT_E_NOT_FOUND;
    }
    return status == 429 || status >= 500 ? ATT_E_BUSY : ATT_E_CONFLICT;
}

static enum att_err refused(const json_t *answer, int status, struct att_diag *diag)
{
    const char *code = json_string_value(json_object_get(answer, "code"));
    const char *detail = json_string_value(json_object_get(answer, "detail"));
    enum att_reason reason = att_reason_find(code != NULL ? code : "");
    char safe[128];

    return att_fail(diag, error_of(status), reason != ATT_R_NONE ? reason : ATT_R_NET_PROTOCOL,
                    "verifier", "the verifier answered %d %s", status,
                    text_safe(safe, sizeof(safe), detail != NULL ? detail : ""));
}

enum att_err online_admin(struct online_request *req, json_t **answer, struct att_diag *diag)
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
    if (err != ATT_OK) {
        return att_fail(diag, ATT_E_NETWORK, ATT_R_NET_PROTOCOL, "verifier",
                        "the verifier answered %d and no JSON", status);
    }
    return status >= 200 && status < 300 ? ATT_OK : refused(*answer, status, diag);
}

enum att_err online_bytes(const struct online_request *req, struct att_buf **body,
                          struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *got = NULL;
    ATT_CLEANUP(att_json_freep) json_t *problem = NULL;
    int status = 0;
    enum att_err err = online_exchange(req, &status, &got, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (status >= 200 && status < 300) {
        *body = got;
        got = NULL;
        return ATT_OK;
    }
    if (att_json_parse(&problem, att_buf_slice(got), diag) != ATT_OK) {
        return att_fail(diag, ATT_E_NETWORK, ATT_R_NET_PROTOCOL, "verifier",
                        "the verifier answered %d and no JSON", status);
    }
    return refused(problem, status, diag);
}

bool plain_id(const char *id)
{
    return id[0] != '\0' && strlen(id) <= 64 &&
           strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
               strlen(id);
}
