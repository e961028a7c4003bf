/* policy load: a signed policy to a running verifier, until it is in force. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/b64.h"
#include "base/file.h"
#include "codec/json.h"
#include "commands.h"
#include "policy/policy_file.h"

#define PATIENCE_MS 20000
#define LOOK_MS     100
#define MESSAGE_MAX 65536 /* a request of the administrator is not larger */

static enum att_err offer(struct online_request *req, const char *path, json_t **answer,
                          struct att_diag *diag)
{
    static char text[ATT_B64_LEN(MESSAGE_MAX)];
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *body = NULL;
    ATT_CLEANUP(att_json_freep) json_t *doc = NULL;
    enum att_err err = att_file_read(&file, path, MESSAGE_MAX, diag);

    if (err == ATT_OK && !att_document_is_signed(att_buf_slice(file))) {
        err = att_fail(diag, ATT_E_SIGNATURE, ATT_R_CFG_POLICYSIG, "policy",
                       "expected a signed policy, found none (attestctl policy sign makes one)");
    }
    if (err != ATT_OK) {
        return err;
    }
    doc = json_pack("{s:s}", "cose",
                    att_b64_encode(text, sizeof(text), ATT_B64_URL, att_buf_slice(file)));
    if (doc == NULL || att_json_print(&body, doc) != ATT_OK) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "policy", "no memory");
    }
    req->method = "POST";
    req->body = att_buf_slice(body);
    return online_admin(req, answer, diag);
}

/* Whether the policy with this digest is what new challenges are under. */
static enum att_err in_force(struct online_request *req, const char *digest, bool *out,
                             struct att_diag *diag)
{
    ATT_CLEANUP(att_json_freep) json_t *answer = NULL;
    const char *now = NULL;
    enum att_err err = ATT_OK;

    req->method = "GET";
    req->body = att_slice_of(NULL, 0);
    err = online_admin(req, &answer, diag);
    if (err != ATT_OK) {
        return err;
    }
    now = json_string_value(json_object_get(answer, "digest"));
    *out = now != NULL && strcmp(now, digest) == 0;
    return ATT_OK;
}

static enum att_err await(struct online_request *req, const char *digest, struct att_diag *diag)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    bool done = false;

    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += LOOK_MS) {
        enum att_err err = in_force(req, digest, &done, diag);

        if (err != ATT_OK || done) {
            return err;
        }
        (void)nanosleep(&pause, NULL);
    }
    return att_fail(diag, ATT_E_BUSY, ATT_R_BUSY, "policy",
                    "it was taken and is not in force yet; the service's log says why");
}

int cmd_policy_load(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.policy-load.v1");
    ATT_CLEANUP(att_json_freep) json_t *answer = NULL;
    struct online_request req = {
        .kind = "admin", .target = "/admin/v1/policy", .socket = cli->socket};
    const struct option_spec spec[] = {
        {"socket", &req.socket, NULL, "PATH", "the administrator's socket", "管理ソケット"}};
    struct att_diag diag = {0};
    const char *digest = NULL;
    const char *name = NULL;
    char shown[128];
    int code = options_parse(&r, spec, ATT_COUNT(spec), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    err = offer(&req, argv[1], &answer, &diag);
    if (err == ATT_OK) {
        digest = json_string_value(json_object_get(answer, "digest"));
        name = json_string_value(json_object_get(answer, "policy"));
        err = digest != NULL && name != NULL
                  ? await(&req, digest, &diag)
                  : att_fail(&diag, ATT_E_NETWORK, ATT_R_NET_PROTOCOL, "verifier",
                             "the answer does not name the policy");
    }
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    (void)json_object_update(r.root, answer);
    report_field(&r, tr(cli, "in force", "有効"), "%s@%lld", text_safe(shown, sizeof(shown), name),
                 (long long)json_integer_value(json_object_get(answer, "version")));
    return report_finish(&r);
}
