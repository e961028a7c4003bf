/* label verify, show, get. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/offline.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "sign/cose.h"
#include "trust.h"

static const char *const CLAIM_NAMES[ATT_TRUST__COUNT] = {
    "instance-identity", "configuration",  "executables",    "file-system",
    "hardware",          "runtime-opaque", "storage-opaque", "sourced-data"};

static json_t *json_time(int64_t utc_s)
{
    char text[ATT_TIME_TEXT];

    return json_string(att_time_print(text, sizeof(text), utc_s));
}

static json_t *json_vector(const struct att_label *l)
{
    json_t *v = json_object();

    for (size_t i = 0; i < ATT_TRUST__COUNT; i++) {
        if (l->vector[i] != 0) {
            (void)json_object_set_new(v, CLAIM_NAMES[i], json_integer(l->vector[i]));
        }
    }
    return v;
}

static json_t *json_label(const struct att_label *l)
{
    static const char *const KEYS[] = {"file", "pkcs11", "tpm"};
    json_t *o = json_object();
    json_t *reasons = json_array();
    char grade[8];

    for (uint32_t i = 0; i < l->reason_count; i++) {
        const struct att_label_reason *x = &l->reason[i];
        json_t *reason = json_pack("{s:s, s:s, s:s}", "code", x->code, "requirement",
                                   x->requirement, "path", x->name);

        if (x->has_expected) {
            (void)json_object_set_new(reason, "expected", json_hex(att_slice_of(x->expected, 32)));
        }
        if (x->has_found) {
            (void)json_object_set_new(reason, "found", json_hex(att_slice_of(x->found, 32)));
        }
        (void)json_array_append_new(reasons, reason);
    }
    (void)snprintf(grade, sizeof(grade), "E%d", l->grade);
    (void)json_object_set_new(o, "issuer", json_string(l->issuer));
    (void)json_object_set_new(o, "subject", json_string(l->subject));
    (void)json_object_set_new(o, "device", json_string(l->device_id));
    (void)json_object_set_new(o, "id", json_hex(att_slice_of(l->cti, ATT_CTI_LEN)));
    (void)json_object_set_new(o, "status", json_string(att_tier_name(l->status)));
    (void)json_object_set_new(o, "grade", json_string(grade));
    (void)json_object_set_new(o, "vector", json_vector(l));
    (void)json_object_set_new(o, "policy", json_string(l->policy_id));
    (void)json_object_set_new(o, "policy_digest", json_hex(att_slice_of(l->policy_digest, 32)));
    (void)json_object_set_new(o, "references_digest",
                              json_hex(att_slice_of(l->refvals_digest, 32)));
    (void)json_object_set_new(o, "evidence_digest", json_hex(att_slice_of(l->evidence_digest, 32)));
    (void)json_object_set_new(o, "issued", json_time(l->iat));
    (void)json_object_set_new(o, "expires", json_time(l->exp));
    (void)json_object_set_new(o, "key_class", json_string(KEYS[l->key_class]));
    (void)json_object_set_new(o, "items_judged", json_integer((json_int_t)l->items_judged));
    (void)json_object_set_new(o, "reasons", reasons);
    return o;
}

/* What the grade does not prove, in words: nobody should read more into a label than it says. */
static void print_limits(const struct report *r, const struct att_label *l)
{
    if (l->grade < 3) {
        report_line(
            r, "  %s",
            tr(r->cli,
               "Below grade E3 the gateway's own agent is the only witness: this shows drift, "
               "mistakes and "
               "the TPM's identity, not a deliberate change by whoever administers the gateway.",
               "E3 未満では機器自身のエージェントだけが証人です。変化や誤り、TPM "
               "の同一性は示しますが、"
               "管理者による意図的な変更の不在は示しません。"));
    }
    report_line(r, "  %s",
                tr(r->cli,
                   "This label describes what was measured at the time it was issued. It says "
                   "nothing about "
                   "vulnerabilities, and it is no approval by an authority.",
                   "このラベルは発行時に測定した状態を示すものです。脆弱性の有無や公的な承認を示す"
                   "ものではありません。"));
}

static void print_label(const struct report *r, const struct att_label *l)
{
    char from[ATT_TIME_TEXT];
    char to[ATT_TIME_TEXT];
    char digest[65];

    report_line(r, "  %-14s %s", tr(r->cli, "device", "機器"), l->device_id);
    report_line(r, "  %-14s %s", tr(r->cli, "subject", "識別子"), l->subject);
    report_line(r, "  %-14s %s", tr(r->cli, "issuer", "発行者"), l->issuer);
    report_line(r, "  %-14s %s  (E%d)", tr(r->cli, "status", "状態"), att_tier_name(l->status),
                l->grade);
    report_line(r, "  %-14s %s \u2013 %s", tr(r->cli, "valid", "有効期間"),
                att_time_print(from, sizeof(from), l->iat), att_time_print(to, sizeof(to), l->exp));
    report_line(r, "  %-14s %s  (sha256 %.16s...)", tr(r->cli, "policy", "方針"), l->policy_id,
                att_hex_encode(digest, sizeof(digest), att_slice_of(l->policy_digest, 32)));
    report_line(r, "  %-14s %llu", tr(r->cli, "items judged", "判定項目数"),
                (unsigned long long)l->items_judged);
    if (l->manufacturer[0] != '\0' || l->model[0] != '\0') {
        report_line(r, "  %-14s %s %s %s", tr(r->cli, "product", "製品"), l->manufacturer, l->model,
                    l->hardware_version);
    }
}

static void report_label_reasons(struct report *r, const struct att_label *l)
{
    for (uint32_t i = 0; i < l->reason_count; i++) {
        const struct att_label_reason *x = &l->reason[i];
        char expected[65] = "-";
        char found[65] = "-";
        char text[256] = "";

        if (x->has_expected) {
            (void)att_hex_encode(expected, sizeof(expected), att_slice_of(x->expected, 32));
        }
        if (x->has_found) {
            (void)att_hex_encode(found, sizeof(found), att_slice_of(x->found, 32));
        }
        if (x->has_expected || x->has_found) {
            (void)snprintf(text, sizeof(text), "%s %s, %s %s", tr(r->cli, "expected", "期待値"),
                           expected, tr(r->cli, "found", "実際"), found);
        }
        report_reason(r, x->code, x->name, text);
    }
}

static void report_offline(struct report *r, const struct att_offline *o)
{
    static const enum check_state STATES[] = {[ATT_CHECK_NOT_RUN] = C_NOT_RUN,
                                              [ATT_CHECK_PASS] = C_PASS,
                                              [ATT_CHECK_FAIL] = C_FAIL,
                                              [ATT_CHECK_NOT_APPLICABLE] = C_NOT_APPLICABLE};
    static const enum verdict VERDICTS[] = {[ATT_VERDICT_UNDECIDED] = V_UNDECIDED,
                                            [ATT_VERDICT_PASS] = V_PASS,
                                            [ATT_VERDICT_FAIL] = V_FAIL,
                                            [ATT_VERDICT_MALFORMED] = V_MALFORMED};

    for (size_t i = 0; i < o->check_count; i++) {
        const struct att_check *c = &o->check[i];

        report_check(r, c->id, STATES[c->status], &c->why);
    }
    report_worsen(r, VERDICTS[o->verdict]);
}

static int verify_one(struct report *r, const char *path, const struct trust *trust)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_offline *o = calloc(1, sizeof(*o));
    struct att_diag diag = {0};
    enum att_err err = att_file_read(&file, path, ATT_LABEL_MAX + 1, &diag);

    if (o == NULL) {
        return EXIT_UNDECIDED;
    }
    report_line(r, "%s", path);
    if (err == ATT_OK) {
        err = att_offline_check(o, att_buf_slice(file), trust->anchors, &trust->rules, r->cli->at);
    }
    if (err != ATT_OK) {
        complain(r->cli, &diag);
        report_worsen(r, V_UNDECIDED);
        free(o);
        return EXIT_UNDECIDED;
    }
    report_offline(r, o);
    if (o->has_label) {
        report_line(r, "%s", "");
        print_label(r, &o->label);
        report_label_reasons(r, &o->label);
        print_limits(r, &o->label);
        (void)json_object_set_new(r->root, "label", json_label(&o->label));
    }
    free(o);
    return 0;
}

static void print_verdict(const struct report *r)
{
    static const char *const EN[] = {"VERIFIED: the label is authentic, current and affirming.",
                                     "UNDECIDED: something needed to decide is missing.",
                                     "NOT VERIFIED.",
                                     "MALFORMED: this is not a well-formed label."};
    static const char *const JA[] = {"検証済み: ラベルは本物で、有効期間内にあり、状態は肯定です。",
                                     "判定不能: 判定に必要なものが不足しています。",
                                     "検証できませんでした。",
                                     "形式不正: ラベルの形式が正しくありません。"};

    report_line(r, "%s", tr(r->cli, EN[r->verdict], JA[r->verdict]));
}

int cmd_label_verify(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.label-verify.v1");
    const char *accept = NULL;
    const char *device = NULL;
    const struct option_spec options[] = {{"accept", &accept, NULL, "warning"},
                                          {"device", &device, NULL, "ID"}};
    struct trust trust = {0};
    struct att_diag diag = {0};
    int code = options_parse(cli, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code == 0 && (argc < 2 || (accept != NULL && strcmp(accept, "warning") != 0))) {
        (void)fprintf(stderr, "attestctl: label verify FILE... [--accept warning] [--device ID]\n");
        code = EXIT_USAGE;
    }
    if (code != 0) {
        r.exit_override = code;
        r.verdict = V_UNDECIDED;
        return report_finish(&r);
    }
    err = trust_load(&trust, cli->trust, &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    trust.rules.accept_warning = accept != NULL;
    trust.rules.device_id = device;
    for (int i = 1; i < argc; i++) {
        (void)verify_one(&r, argv[i], &trust);
    }
    (void)json_object_set_new(r.root, "evaluated_at", json_time(cli->at));
    print_verdict(&r);
    trust_clear(&trust);
    return report_finish(&r);
}

int cmd_label_show(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.label-show.v1");
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_label *label = calloc(1, sizeof(*label));
    struct att_cose cose;
    struct att_diag diag = {0};
    int code = options_parse(cli, NULL, 0, &argc, argv);
    enum att_err err = ATT_OK;

    if (code != 0 || argc != 2 || label == NULL) {
        (void)fprintf(stderr, "attestctl: label show FILE\n");
        free(label);
        r.exit_override = EXIT_USAGE;
        r.verdict = V_UNDECIDED;
        return report_finish(&r);
    }
    err = att_file_read(&file, argv[1], ATT_LABEL_MAX, &diag);
    if (err == ATT_OK) {
        err = att_cose_parse(&cose, att_buf_slice(file), &diag);
    }
    if (err == ATT_OK) {
        err = att_label_read(label, cose.payload_untrusted, &diag);
    }
    if (err != ATT_OK) {
        free(label);
        return report_failure(&r, err, &diag);
    }
    report_line(&r, "%s",
                tr(cli, "NOT VERIFIED: these are the label's own words.",
                   "未検証: 以下はラベル自身の記載です。"));
    (void)json_object_set_new(r.root, "verified", json_false());
    (void)json_object_set_new(r.root, "label", json_label(label));
    print_label(&r, label);
    report_label_reasons(&r, label);
    free(label);
    r.verdict = V_UNDECIDED; /* shown is not verified */
    r.exit_override = 0;
    code = report_finish(&r);
    return code == EXIT_UNDECIDED ? EXIT_VERIFIED : code;
}

int cmd_label_get(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.label-get.v1");
    ATT_CLEANUP(att_buf_freep) struct att_buf *body = NULL;
    struct online_request req = {.kind = "fetch", .method = "GET"};
    const char *socket = NULL;
    const struct option_spec options[] = {{"ca", &req.ca, NULL, "FILE"},
                                          {"socket", &socket, NULL, "PATH"}};
    struct att_diag diag = {0};
    int status = 0;
    int code = options_parse(cli, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != 0 || argc != 2 || cli->output == NULL) {
        (void)fprintf(stderr, "attestctl: label get URL --output FILE [--ca FILE]\n");
        r.exit_override = EXIT_USAGE;
        r.verdict = V_UNDECIDED;
        return report_finish(&r);
    }
    req.target = argv[1];
    if (socket != NULL) {
        req.kind = "admin";
        req.socket = socket;
    }
    err = online_exchange(&req, &status, &body, &diag);
    if (err == ATT_OK && status != 200) {
        err = att_fail(&diag, ATT_E_NOT_FOUND, ATT_R_HTTP_ROUTE, "label",
                       "the verifier answered %d", status);
    }
    if (err == ATT_OK) {
        err = att_file_write(cli->output, att_buf_slice(body), 0644, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    report_line(&r, "%s: attestctl label verify %s",
                tr(cli, "saved, not verified. Next", "保存しました(未検証)。次"), cli->output);
    return report_finish(&r);
}
