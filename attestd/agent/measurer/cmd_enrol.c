/* attest-agent enrol: once in the life of a gateway, by whoever installs it. */
#include "agent/measurer/cmd.h"

#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "crypto/digest.h"

#define TOKEN_FILE_MAX 65536
#define TOKEN_LINE_MAX 256
#define PEM_BEGIN      "-----BEGIN CERTIFICATE-----"

/*
 * The token's line, without the end that editors leave, and behind it what attestctl device allow --verifier-ca puts
 * there: the certificates by which the verifier is known.
 */
static enum att_err split_token(struct agent_enrolment *e, struct att_slice all,
                                struct att_diag *diag)
{
    const uint8_t *end = all.len == 0 ? NULL : memchr(all.p, '\n', all.len);
    size_t line = end == NULL ? all.len : (size_t)(end - all.p);
    size_t len = line > 0 && all.p[line - 1] == '\r' ? line - 1 : line;
    struct att_slice rest;

    if (len == 0) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--token-file",
                        "expected the line that attestctl device allow printed, found nothing");
    }
    e->token = att_slice_of(all.p, len);
    rest = att_slice_of(all.p + line, all.len - line);
    while (rest.len > 0 && (rest.p[0] == '\n' || rest.p[0] == '\r')) {
        rest = att_slice_of(rest.p + 1, rest.len - 1);
    }
    if (e->token.len > TOKEN_LINE_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_LIM_SIZE, NULL,
                        "at most %d bytes in the token's line, found %zu", TOKEN_LINE_MAX,
                        e->token.len);
    }
    if (rest.len > 0 &&
        (rest.len < sizeof(PEM_BEGIN) || memcmp(rest.p, PEM_BEGIN, sizeof(PEM_BEGIN) - 1) != 0)) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--token-file",
                        "expected certificates in PEM behind the token's line, found other text");
    }
    e->ca = rest;
    return ATT_OK;
}

static enum att_err read_token(struct att_buf **out, struct agent_enrolment *e, const char *path,
                               struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (path == NULL) {
        return ATT_OK;
    }
    err = att_file_read(out, path, TOKEN_FILE_MAX, diag);
    if (err == ATT_OK) {
        err = split_token(e, att_buf_slice(*out), diag);
    } else if (diag->reason != ATT_R_LIM_SIZE) {
        return err;
    }
    if (err != ATT_OK) {
        att_diag_in(diag, path);
    }
    return err;
}

static enum att_err enrol(struct agent_ident *ident, const struct agent_conf *conf,
                          const struct options *o, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *token = NULL;
    struct agent_enrolment e = {.device_id = o->id};
    enum att_err err = read_token(&token, &e, o->token_file, diag);

    if (err != ATT_OK) {
        return err;
    }
    e.url = o->verifier != NULL ? o->verifier : conf->verifier;
    e.ca_file = o->verifier_ca != NULL ? o->verifier_ca : conf->verifier_ca;
    if (e.url == NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, NULL,
                        "enrol needs --verifier URL, here or in agent.yaml");
    }
    if (e.ca_file == NULL && e.ca.len == 0) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, NULL,
                        "enrol needs the verifier's authority: behind the token (attestctl device "
                        "allow --verifier-ca), with --verifier-ca FILE, or in agent.yaml");
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
