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
enum att_err online_socket(const char *path, struct att_diag *diag)
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
    bool post = strcmp(req->kind, "witness") == 0;
    struct relay_request ask = {.kind = admin  ? RELAY_ADMIN
                                        : post ? RELAY_WITNESS
                                               : RELAY_FETCH,
                                .a = att_slice_str(admin ? req->method : req->target),
                                .body = req->body};
    struct relay_answer answer = {0};
    enum att_err err = ATT_OK;

    if (!admin && req->ca == NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--ca", "expected %s, found nothing",
                        "--ca FILE (PEM of the verifier's certificate authority)");
    }
    if (admin) {
        err = online_socket(req->socket, diag);
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

enum att_err online_admin(struct online_request *req, json_t **answer, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *body = NULL;
    int status = 0;
    enum att_err err = online_exchange(req, &status, &body, diag);

    return err == ATT_OK ? online_answer(answer, status, att_buf_slice(body), diag) : err;
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
    if (!online_is_good(status)) {
        return online_answer(&problem, status, att_buf_slice(got), diag);
    }
    *body = got;
    got = NULL;
    return ATT_OK;
}
