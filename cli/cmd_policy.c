/* policy check, show: of policies, and of transcription specifications. */
#include <stdio.h>
#include <string.h>

#include "artefacts.h"
#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "policy/policy_file.h"
#include "policy/policy_prefix.h"
#include "policy/policy_words.h"
#include "sign/document.h"
#include "specs.h"

/* Warnings of one file, told behind its check. */
#define WARNINGS_MAX 32

struct warnings {
    struct att_diag what[WARNINGS_MAX];
    size_t count;
};

static void keep_warning(void *ctx, const struct att_diag *what)
{
    struct warnings *w = ctx;

    if (w->count < WARNINGS_MAX) {
        w->what[w->count++] = *what;
    }
}

/* What is well-formed and still never holds. A signed policy has no lines to point at: its text was checked before. */
static enum att_err check_text(struct artefact_document *out, struct warnings *w, const char *name,
                               const struct att_refvals *refs, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err = att_file_read(&file, name, ATT_POLICY_FILE_MAX, diag);
    struct att_slice text;

    if (err != ATT_OK) {
        return err;
    }
    text = att_buf_slice(file);
    if (att_spec_is(text)) {
        return att_spec_peek(&out->spec, name, text, NULL, diag);
    }
    err = att_policy_peek(&out->policy, name, text, NULL, diag);
    return err == ATT_OK && !att_document_is_signed(text)
               ? att_policy_check_prefixes(name, text, refs, keep_warning, w, diag)
               : err;
}

/* A policy that is not acceptable is "no"; one that cannot be read leaves the others to be checked. */
static void check_one(struct report *r, const char *name, const struct att_refvals *refs,
                      bool *denied)
{
    ATT_CLEANUP(artefact_document_clear) struct artefact_document doc = {0};
    struct warnings w = {.count = 0};
    struct att_diag diag = {0};
    char shown[512];
    enum att_err err = check_text(&doc, &w, name, refs, &diag);
    int code = err == ATT_OK ? EXIT_VERIFIED : exit_for(err, diag.reason);

    (void)text_safe(shown, sizeof(shown), name);
    if (code == EXIT_PERMISSION || code == EXIT_UNDECIDED) {
        *denied = *denied || code == EXIT_PERMISSION;
        report_check(r, shown, C_NOT_RUN, &diag);
        report_worsen(r, V_UNDECIDED);
        return;
    }
    report_check(r, shown, err == ATT_OK ? C_PASS : C_FAIL, &diag);
    if (code == EXIT_MALFORMED) {
        report_worsen(r,
                      V_MALFORMED); /* no policy at all, rather than one that is not acceptable */
    }
    for (size_t i = 0; i < w.count; i++) {
        report_reason(r, "E_CFG_PREFIX", tr(r->cli, "warning", "警告"), w.what[i].text);
    }
    if (err == ATT_OK && r->cli->verbose && doc.spec != NULL) {
        report_field(r, tr(r->cli, "specification", "転写仕様"), "%s@%llu", doc.spec->id,
                     (unsigned long long)doc.spec->version);
    } else if (err == ATT_OK && r->cli->verbose) {
        report_field(r, tr(r->cli, "policy", "方針"), "%s@%llu", doc.policy->name,
                     (unsigned long long)doc.policy->version);
    }
}

int cmd_policy_check(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.policy-check.v1");
    ATT_CLEANUP(att_refvals_freep) struct att_refvals *refs = NULL;
    const char *refvals = NULL;
    const struct option_spec spec[] = {{"refvals", &refvals, NULL, "FILE",
                                        "warn of paths that these reference values do not have",
                                        "この参照値にないパスを警告する"}};
    struct att_diag diag = {0};
    bool denied = false;
    int code = options_parse(&r, spec, ATT_COUNT(spec), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    err = refvals != NULL ? att_refvals_map(&refs, refvals, &diag) : ATT_OK;
    err = err == ATT_OK && refs != NULL ? att_refvals_check(refs, &diag) : err;
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    for (int i = 1; i < argc; i++) {
        check_one(&r, argv[i], refs, &denied);
    }
    if (r.verdict == V_UNDECIDED && denied) {
        r.exit_override = EXIT_PERMISSION;
    }
    return report_finish(&r);
}

static void print_requirement(const struct report *r, const struct att_requirement *q, json_t *list)
{
    static const char *const JA[] = {"必須", "警告", "無視"};
    char padded[128];
    char words[2][ATT_POLICY_WORDS];

    (void)att_requirement_words(words[0], sizeof(words[0]), q, false);
    (void)att_requirement_words(words[1], sizeof(words[1]), q, true);
    (void)json_array_append_new(
        list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", q->id, "en", q->title_en, "ja",
                        q->title_ja, "source", q->source, "severity",
                        att_severity_words[q->severity], "asks_en", words[0], "asks_ja", words[1]));
    (void)text_pad(padded, sizeof(padded),
                   tr(r->cli, att_severity_words[q->severity], JA[q->severity]), 5);
    report_line(r, "  %-8s %s %s", q->id, padded, tr(r->cli, q->title_en, q->title_ja));
    report_line(r, "                 %s", tr(r->cli, words[0], words[1]));
    if (q->source[0] != '\0') {
        report_line(r, "                 %s", q->source);
    }
}

/* Who says to have signed it: only a verifier that lists the key believes that. */
static void print_origin(struct report *r, const struct artefact_document *from)
{
    char hex[65];

    (void)json_object_set_new(
        r->root, "signer", from->is_signed ? json_hex(att_slice_of(from->kid, 32)) : json_null());
    if (from->is_signed) {
        report_line(r, "%s",
                    tr(r->cli, "NOT VERIFIED: the verifier's policy_signers decide.",
                       "未検証: 検証サーバーの policy_signers が判定します。"));
        report_field(r, tr(r->cli, "signer", "署名者"), "%s",
                     att_hex_encode(hex, sizeof(hex), att_slice_of(from->kid, 32)));
    }
}

static int print_yaml(struct report *r, const struct att_policy *policy)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    enum att_err err = att_policy_print_yaml(&text, policy);

    return report_as_text(r, err, text);
}

static int show_policy(struct report *r, const struct artefact_document *doc, json_t *list)
{
    const struct att_policy *policy = doc->policy;
    char hex[65];

    print_origin(r, doc);
    (void)att_hex_encode(hex, sizeof(hex), att_slice_of(policy->digest, 32));
    (void)json_object_set_new(r->root, "policy", json_string(policy->name));
    (void)json_object_set_new(r->root, "version", json_integer((json_int_t)policy->version));
    (void)json_object_set_new(r->root, "digest", json_string(hex));
    report_line(r, "%s@%llu  sha256 %s", policy->name, (unsigned long long)policy->version, hex);
    for (size_t i = 0; i < policy->count; i++) {
        print_requirement(r, &policy->requirement[i], list);
    }
    return report_finish(r);
}

int cmd_policy_show(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.policy-show.v1");
    ATT_CLEANUP(artefact_document_clear) struct artefact_document doc = {0};
    bool yaml = false;
    const struct option_spec spec[] = {{"yaml", NULL, &yaml, NULL,
                                        "as text that can be edited and signed again",
                                        "編集して署名し直せる YAML で出力する"}};
    struct att_diag diag = {0};
    json_t *list = json_array();
    int code = OPTIONS_OK;
    enum att_err err = ATT_OK;

    (void)json_object_set_new(r.root, "requirements", list);
    code = options_parse(&r, spec, ATT_COUNT(spec), &argc, argv);
    if (code != OPTIONS_OK) {
        return code;
    }
    err = artefact_document(&doc, argv[1], &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    if (yaml && cli->json) {
        return report_usage(&r, "--yaml", "expected %s, found %s", "one form", "--json");
    }
    if (doc.spec != NULL) {
        struct att_spec_origin from = {.is_signed = doc.is_signed};

        memcpy(from.kid, doc.kid, sizeof(from.kid));
        return yaml ? spec_show_yaml(&r, doc.spec) : spec_show(&r, doc.spec, &from);
    }
    return yaml ? print_yaml(&r, doc.policy) : show_policy(&r, &doc, list);
}
