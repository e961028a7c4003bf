/* report period, report verify: what a log says of a period, signed by an auditor, and whether that is so. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/hex.h"
#include "commands.h"
#include "report_make.h"
#include "signing.h"

#define SIGNED_MAX (ATT_STATEMENT_MAX + 4096)

/* --- report period --- */

struct signing {
    const char *key;
    bool file_ok;
};

static enum att_err write_signed(struct report *r, const struct att_statement *s,
                                 const struct signing *k, struct att_diag *diag)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *signer = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *encoded = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = NULL;
    uint8_t kid[32];
    char hex[65];
    enum att_err err = signing_open(&signer, k->key, k->file_ok, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_statement_encode(&encoded, s);
    if (err == ATT_OK) {
        err = att_statement_sign(&message, att_buf_slice(encoded), signer);
    }
    if (err == ATT_OK) {
        err = att_pubkey_fingerprint(kid, signer->public_key);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, err == ATT_E_LIMIT ? ATT_R_LIM_SIZE : ATT_R_INTERNAL,
                        "statement", "it cannot be made: %s", att_err_name(err));
    }
    err = att_file_write(r->cli->output, att_buf_slice(message), 0644, diag);
    if (err != ATT_OK) {
        return err;
    }
    (void)json_object_set_new(r->root, "signer", json_hex(att_slice_of(kid, 32)));
    report_field(r, tr(r->cli, "auditor's key", "監査人の鍵"), "%s",
                 att_hex_encode(hex, sizeof(hex), att_slice_of(kid, 32)));
    if (signer->key_class == ATT_KEY_CLASS_FILE) {
        report_reason(r, "E_KEY_FILE", "--sign",
                      "signed with a key in a file (--insecure-file-key)");
    }
    return ATT_OK;
}

static enum att_err make_period(struct report *r, struct report_making *m, const struct signing *k,
                                struct att_diag *diag)
{
    enum att_err err = report_making_prepare(m, diag);

    if (err == ATT_OK) {
        err = report_making_run(m, r, NULL, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    report_text(r, m, m->statement);
    (void)json_object_set_new(r->root, "statement", report_json(m, m->statement));
    return k->key != NULL ? write_signed(r, m->statement, k, diag) : ATT_OK;
}

int cmd_report_period(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.report-period.v1");
    struct report_making m = {.cli = cli};
    struct signing k = {0};
    const struct option_spec spec[] = {
        REPORT_OPTIONS(m),
        {"sign", &k.key, NULL, "KEY", "the auditor's key, pkcs11:URI or a file: write it signed",
         "監査人の鍵 (pkcs11:URI またはファイル) で署名して書き出す"},
        {"insecure-file-key", NULL, &k.file_ok, NULL, "the key may be a file",
         "ファイルの鍵を許可する"},
    };
    struct att_diag diag = {0};
    int code = options_parse(&r, spec, ATT_COUNT(spec), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    if ((k.key != NULL) != (cli->output != NULL)) {
        return report_usage(&r, "--sign", "expected %s, found %s", "--sign KEY with --output FILE",
                            k.key != NULL ? "--sign" : "--output");
    }
    m.log.options.place.where = argv[1];
    err = make_period(&r, &m, &k, &diag);
    code = err == ATT_OK ? report_finish(&r) : report_failure(&r, err, &diag);
    report_making_clear(&m);
    return code;
}

/* --- report verify --- */

struct verifying {
    struct report r;
    struct report_making again; /* --log: what it is made again with */
    const char *auditor;        /* a key in a file; NULL: those of the trust folder */
    struct att_signers *auditors;
    struct att_buf *file;
    struct att_cose_verified *signed_message;
    struct att_statement *statement;
};

static void clear(struct verifying *v)
{
    att_signers_free(v->auditors);
    att_cose_verified_free(v->signed_message);
    att_statement_free(v->statement);
    att_buf_free(v->file);
    report_making_clear(&v->again);
}

static enum att_err load_auditors(struct verifying *v, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    char folder[PATH_MAX];
    struct att_diag none = {0};
    enum att_err err = att_signers_new(&v->auditors);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, NULL, "no memory");
    }
    if (v->auditor != NULL) {
        err = att_file_read(&pem, v->auditor, 65536, diag);
        return err == ATT_OK ? att_signers_add(v->auditors, "--auditor", att_buf_slice(pem), diag)
                             : err;
    }
    if (snprintf(folder, sizeof(folder), "%s/auditors", v->r.cli->trust) >= (int)sizeof(folder)) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_PATH, "--trust", "the path is too long");
    }
    err = att_signers_load(v->auditors, folder, &none);
    if (err == ATT_E_NOT_FOUND) {
        return ATT_OK; /* nobody is known: the signature stays undecided */
    }
    if (err != ATT_OK) {
        *diag = none;
    }
    return err;
}

static void tell_trouble(struct report *r, const char *id, enum att_err err,
                         const struct att_diag *why)
{
    int code = exit_for(err, why->reason);

    report_check(r, id, code == EXIT_UNDECIDED ? C_NOT_RUN : C_FAIL, why);
    report_worsen(r, code == EXIT_MALFORMED   ? V_MALFORMED
                     : code == EXIT_UNDECIDED ? V_UNDECIDED
                                              : V_FAIL);
}

static bool is_ours(enum att_err err)
{
    return err == ATT_E_NOMEM || err == ATT_E_CRYPTO || err == ATT_E_INTERNAL;
}

/* Signed by somebody whom the trust folder names? What is inside is read in any case, and shown as what it is. */
static enum att_err check_signature(struct verifying *v, struct att_slice *payload,
                                    struct att_diag *diag)
{
    struct att_diag why = {0};
    const char *name = NULL;
    uint8_t kid[32];
    char hex[65];
    enum att_err err = att_statement_open(&v->signed_message, kid, &name, att_buf_slice(v->file),
                                          v->auditors, &why);

    if (is_ours(err)) {
        *diag = why;
        return err;
    }
    if (err != ATT_OK) {
        tell_trouble(&v->r, "signature", err, &why);
        return att_statement_peek(payload, kid, att_buf_slice(v->file), &why) == ATT_OK ? ATT_OK
                                                                                        : err;
    }
    *payload = att_cose_payload(v->signed_message);
    report_check(&v->r, "signature", C_PASS, NULL);
    report_field(&v->r, tr(v->r.cli, "auditor", "監査人"), "%s", name);
    report_field(&v->r, tr(v->r.cli, "auditor's key", "監査人の鍵"), "%s",
                 att_hex_encode(hex, sizeof(hex), att_slice_of(kid, 32)));
    (void)json_object_set_new(v->r.root, "auditor", json_string(name));
    (void)json_object_set_new(v->r.root, "signer", json_hex(att_slice_of(kid, 32)));
    return ATT_OK;
}

/* Under one of the keys of the log: a log that changed its key has several. */
static enum att_err check_keys(const struct verifying *v, const struct log_view *view,
                               struct att_slice origin, struct att_diag *diag)
{
    enum att_err err = att_fail(diag, ATT_E_UNTRUSTED, ATT_R_TL_CKPT, "origin",
                                "no key here is of the log of this statement");

    for (size_t i = 0; err == ATT_E_UNTRUSTED && i < view->keys.count; i++) {
        if (att_vkey_type(view->keys.key[i]) == ATT_NOTE_ED25519 &&
            att_slice_eq(att_vkey_name(view->keys.key[i]), origin)) {
            err = att_statement_check_log(v->statement, view->keys.key[i], diag);
        }
    }
    return err;
}

/* The checkpoint is the log's, and its tree begins with the trees of both ends. */
static enum att_err check_log(struct verifying *v, struct att_diag *diag)
{
    struct log_view view = {0};
    struct att_slice origin = att_slice_of(NULL, 0);
    struct att_diag why = {0};
    enum att_err err = att_statement_origin(&origin, v->statement, &why);

    if (err == ATT_OK) {
        err = log_view_keys(&view, v->r.cli, v->again.log.options.key, &why);
    }
    if (err == ATT_OK) {
        err = check_keys(v, &view, origin, &why);
    }
    if (err == ATT_OK) {
        report_check(&v->r, "log", C_PASS, NULL);
    } else if (!is_ours(err) && err != ATT_E_CONFIG) {
        tell_trouble(&v->r, "log", err, &why);
        err = ATT_OK;
    } else {
        *diag = why;
    }
    log_view_close(&view);
    return err;
}

/* The same statement, made again from the log: byte for byte, or not. */
static enum att_err check_again(struct verifying *v, struct att_slice payload,
                                struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *made = NULL;
    struct att_diag why = {0};
    enum att_err err = ATT_OK;

    if (v->again.log.options.place.where == NULL) {
        report_check(&v->r, "repeated", C_NOT_APPLICABLE, NULL);
        return ATT_OK;
    }
    v->again.from = v->statement->period->from;
    v->again.until = v->statement->period->until;
    err = report_making_run(&v->again, &v->r, v->statement, diag);
    if (err == ATT_OK) {
        err = att_statement_encode(&made, v->again.statement);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(REPORT_REPEAT, !att_slice_eq(att_buf_slice(made), payload))) {
        (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_RPT_DIFFERS, "statement",
                       "made again from the log it is another one");
        report_check(&v->r, "repeated", C_FAIL, &why);
        return ATT_OK;
    }
    report_check(&v->r, "repeated", C_PASS, NULL);
    return ATT_OK;
}

static enum att_err verify(struct verifying *v, const char *path, struct att_diag *diag)
{
    struct att_slice payload = att_slice_of(NULL, 0);
    enum att_err err = load_auditors(v, diag);

    if (err == ATT_OK) {
        err = att_file_read(&v->file, path, SIGNED_MAX, diag);
    }
    if (err == ATT_OK) {
        err = check_signature(v, &payload, diag);
    }
    if (err != ATT_OK || payload.len == 0) {
        return err;
    }
    err = att_statement_decode(&v->statement, payload, diag);
    if (err != ATT_OK) {
        return err;
    }
    report_check(&v->r, "figures", C_PASS, NULL);
    err = check_log(v, diag);
    if (err == ATT_OK) {
        err = check_again(v, payload, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    report_tell(&v->r, v->statement);
    report_text(&v->r, &v->again, v->statement);
    (void)json_object_set_new(v->r.root, "statement", report_json(&v->again, v->statement));
    return ATT_OK;
}

int cmd_report_verify(struct cli *cli, int argc, char **argv)
{
    struct verifying v = {.r = report_start(cli, "attestctl.report-verify.v1"),
                          .again = {.cli = cli}};
    const struct option_spec spec[] = {{"auditor", &v.auditor, NULL, "FILE",
                                        "the auditor's public key, instead of auditors/*.pem",
                                        "監査人の公開鍵 (省略時は信頼フォルダーの auditors/*.pem)"},
                                       {"log", &v.again.log.options.place.where, NULL, "DIR|URL",
                                        "make the statement again from the log, and compare",
                                        "ログから報告書を作り直して照合する"},
                                       LOG_OPTIONS(v.again.log.options)};
    struct att_diag diag = {0};
    int code = options_parse(&v.r, spec, ATT_COUNT(spec), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    err = verify(&v, argv[1], &diag);
    code = err == ATT_OK ? report_finish(&v.r) : report_failure(&v.r, err, &diag);
    clear(&v);
    return code;
}
