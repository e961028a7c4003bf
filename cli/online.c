/* One exchange with a verifier, through the courier program: attestctl itself links no HTTP client. */
#include <string.h>

#include "cli.h"
#include "common/relay.h"

#define CONNECT_TIMEOUT_MS 5000
#define TIMEOUT_MS         30000

enum att_err online_exchange(const struct online_request *req, int *status, struct att_buf **body,
                             struct att_diag *diag)
{
    ATT_CLEANUP(relay_stopp) struct relay *courier = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *copy = NULL;
    bool admin = strcmp(req->kind, "admin") == 0;
    const struct relay_settings settings = {.operator_kinds = true,
                                            .admin_socket = req->socket,
                                            .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                            .timeout_ms = TIMEOUT_MS};
    const struct relay_request ask = {.kind = admin ? RELAY_ADMIN : RELAY_FETCH,
                                      .a = att_slice_str(admin ? req->method : req->target),
                                      .b = att_slice_str(admin             ? req->target
                                                         : req->ca != NULL ? req->ca
                                                                           : ""),
                                      .body = req->body};
    struct relay_answer answer = {0};
    enum att_err err = ATT_OK;

    if (!admin && req->ca == NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--ca",
                        "name the PEM file of the verifier's certificate authority");
    }
    err = relay_start(&courier, &settings, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = relay_ask(&answer, courier, &ask, diag);
    if (err == ATT_OK) {
        err = att_buf_new(&copy, answer.body.len + 1);
    }
    if (err == ATT_OK) {
        err = att_buf_add_slice(copy, answer.body);
    }
    if (err == ATT_OK) {
        *status = (int)answer.status;
        *body = copy;
        copy = NULL;
    }
    relay_answer_free(&answer);
    return err;
}
