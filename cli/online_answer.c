/* What a verifier answered: JSON, and with a status that is none of success a reason. */
#include <string.h>

#include "cli.h"
#include "codec/json.h"

bool online_is_good(int status)
{
    return status >= 200 && status < 300;
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

enum att_err online_answer(json_t **answer, int status, struct att_slice body,
                           struct att_diag *diag)
{
    if (online_is_good(status) && body.len == 0) {
        *answer = json_object();
        return *answer != NULL ? ATT_OK : ATT_E_NOMEM;
    }
    if (att_json_parse(answer, body, diag) != ATT_OK) {
        return att_fail(diag, ATT_E_NETWORK, ATT_R_NET_PROTOCOL, "verifier",
                        "the verifier answered %d and no JSON", status);
    }
    return online_is_good(status) ? ATT_OK : refused(*answer, status, diag);
}

bool plain_id(const char *id)
{
    return id[0] != '\0' && strlen(id) <= 64 &&
           strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
               strlen(id);
}
