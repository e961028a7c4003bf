/* attest-agent enrol: once in the life of a gateway, by whoever installs it. */
#include "agent/measurer/cmd.h"

#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "crypto/digest.h"

#define TOKEN_FILE_MAX 256

/* The token's text without the line's end that editors leave. */
static enum att_err read_token(struct att_buf **out, struct att_slice *token, const char *path,
                               struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    *token = att_slice_of(NULL, 0);
    if (path == NULL) {
        return ATT_OK;
    }
    err = att_file_read(out, path, TOKEN_FILE_MAX, diag);
    if (err != ATT_OK) {
        if (diag->reason == ATT_R_LIM_SIZE) {
            att_diag_in(diag, path);
        }
        return err;
    }
    *token = att_buf_slice(*out);
    while (token->len > 0 &&
           (token->p[token->len - 1] == '\n' || token->p[token->len - 1] == '\r')) {
        token->len--;
    }
    if (token->len > 0) {
        return ATT_OK;
    }
    err = att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--token-file",
                   "expected the line that attestctl device allow printed, found nothing");
    att_diag_in(diag, path);
    return err;
}

static enum att_err enrol(struct agent_ident *ident, const struct agent_conf *conf,
                          const struct options *o, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *token = NULL;
    struct agent_enrolment e = {.device_id = o->id};
    enum att_err err = read_token(&token, &e.token, o->token_file, diag);

    if (err != ATT_OK) {
        return err;
    }
    e.url = o->verifier != NULL ? o->verifier : conf->verifier;
    e.ca_file = o->verifier_ca != NULL ? o->verifier_ca : conf->verifier_ca;
    if (e.url == NULL || e.ca_file == NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, NULL,
                        "enrol needs --verifier URL and --verifier-ca FILE, here or in agent.yaml");
    }
    return agent_enrol(ident, conf, &e, diag);
}

int cmd_enrol(struct show *s, const struct agent_conf *conf, const struct options *o)
{
    struct agent_ident ident = {0};
    struct att_diag diag = {0};
    char name[2 * ATT_NAME_MAX + 1];
    enum att_err err = ATT_OK;

    show_start(s, "attestd.agent.enrol/1");
    err = enrol(&ident, conf, o, &diag);
    if (err != ATT_OK) {
        show_failure(s, &diag);
        return show_end(s);
    }
    (void)att_hex_encode(name, sizeof(name), att_slice_of(ident.ek_name, ident.ek_name_len));
    show_text(s, "device", ident.device_id);
    show_text(s, "verifier", ident.verifier_id);
    show_text(s, "ek_name", name);
    show_text(s, "ek_kind", hw_ek_kind_name(ident.ek_kind));
    show_number(s, "interval_s", ident.interval_s);
    show_line(s, "\u2714 %s %s @ %s", show_tr(s, "enrolled", "登録しました:"), ident.device_id,
              ident.verifier_id);
    show_line(s, "  EK %s (%s)", name, hw_ek_kind_name(ident.ek_kind));
    show_line(s, "  %s", show_tr(s, "next: attest-agent once", "次に: attest-agent once"));
    return show_end(s);
}
