/*
 * evidence get, reappraise: a decision of the verifier made again from its record, or made otherwise.
 *
 * With the rules of the record the result must be that of the record, byte for byte. With other rules
 * it is a what-if: the exit code says whether any verdict would change.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/record.h"
#include "artefacts.h"
#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "policy/policy_file.h"
#include "records.h"

#define LIST_MAX ((size_t)1 << 30) /* bytes of a kernel's list */

int cmd_evidence_get(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.evidence-get.v1");
    ATT_CLEANUP(att_buf_freep) struct att_buf *body = NULL;
    struct online_request req = {.kind = "admin", .method = "GET", .socket = cli->socket};
    const struct option_spec options[] = {
        {"socket", &req.socket, NULL, "PATH", "the administrator's socket", "管理ソケット"}};
    struct att_record record;
    struct att_diag diag = {0};
    char path[128];
    char shown[512];
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    code = output_needed(&r, true);
    if (code != OPTIONS_OK) {
        return code;
    }
    if (argv[1][strspn(argv[1], "0123456789")] != '\0' || strlen(argv[1]) > 18) {
        return report_usage(&r, "INDEX", "expected the number of an outcome, found %s",
                            text_safe(shown, 64, argv[1]));
    }
    (void)snprintf(path, sizeof(path), "/admin/v1/outcomes/%s/record", argv[1]);
    req.target = path;
    err = online_bytes(&req, &body, &diag);
    if (err == ATT_OK) {
        err = att_record_decode(&record, att_buf_slice(body), &diag);
    }
    if (err == ATT_OK) {
        err = att_file_write(cli->output, att_buf_slice(body), 0600, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    if (strcmp(cli->output, "-") == 0) {
        report_drop(&r);
        return EXIT_VERIFIED;
    }
    (void)json_object_set_new(r.root, "saved",
                              json_string(text_safe(shown, sizeof(shown), cli->output)));
    report_line(&r, "%s: attestctl evidence reappraise %s --refvals FILE",
                tr(cli, "saved. Next", "保存しました。次"), shown);
    return report_finish(&r);
}

/* What all records of one call are judged by. */
struct rules {
    const char *policy_path, *refvals_path, *ima_path;
    bool what_if;              /* other references are meant */
    struct att_policy *policy; /* --policy, or NULL: that of each record */
    struct att_refvals *refvals;
    struct att_buf *ima;       /* the kernel's list, for records over parts */
    struct record_trail trail; /* what continued logs go on from */
    json_t *list;
    size_t changed;
};

static void rules_clear(struct rules *u)
{
    att_policy_free(u->policy);
    att_refvals_free(u->refvals);
    att_buf_free(u->ima);
    record_trail_clear(&u->trail);
}

static enum att_err load_rules(struct rules *u, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (u->policy_path != NULL) {
        err = artefact_rules(&u->policy, u->policy_path, diag);
    }
    if (err == ATT_OK && u->refvals_path != NULL) {
        err = att_refvals_map(&u->refvals, u->refvals_path, diag);
        if (err == ATT_OK) {
            err = att_refvals_check(u->refvals, diag);
        }
    }
    if (err == ATT_OK && u->ima_path != NULL) {
        err = att_file_read(&u->ima, u->ima_path, LIST_MAX, diag);
    }
    return err;
}

/* Other references than those of the record are a what-if; none at all, where there were some, no answer. */
static enum att_err need_refvals(const struct rules *u, const struct att_result *before,
                                 struct att_diag *diag)
{
    static const uint8_t none[32];
    char hex[65];
    char found[65];
    const uint8_t *given = u->refvals != NULL ? att_refvals_digest(u->refvals) : none;

    if (u->what_if || memcmp(before->refvals_digest, given, sizeof(none)) == 0) {
        return ATT_OK;
    }
    (void)att_hex_encode(hex, sizeof(hex), att_slice_of(before->refvals_digest, 32));
    (void)att_hex_encode(found, sizeof(found), att_slice_of(given, 32));
    return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_REF_NONE, "--refvals", "expected %s, found %s",
                    hex, u->refvals != NULL ? found : "nothing");
}

static json_t *verdict_json(const struct att_result *x)
{
    char grade[8];
    json_t *reasons = json_array();

    (void)snprintf(grade, sizeof(grade), "E%d", x->grade);
    for (uint32_t i = 0; i < x->reason_count; i++) {
        (void)json_array_append_new(
            reasons, json_pack("{s:s, s:s, s:s}", "code", att_reason_code(x->reason[i].reason),
                               "requirement", x->reason[i].requirement, "name", x->reason[i].name));
    }
    return json_pack("{s:s, s:o, s:o}", "status", att_tier_name(x->status), "grade",
                     x->grade > 0 ? json_string(grade) : json_null(), "reasons", reasons);
}

static void print_reasons(struct report *r, const struct att_result *x)
{
    for (uint32_t i = 0; i < x->reason_count; i++) {
        const struct att_result_reason *y = &x->reason[i];
        char text[512];
        char expected[65] = "-";
        char found[65] = "-";

        if (y->has_expected) {
            (void)att_hex_encode(expected, sizeof(expected), att_slice_of(y->expected, 32));
        }
        if (y->has_found) {
            (void)att_hex_encode(found, sizeof(found), att_slice_of(y->found, 32));
        }
        (void)snprintf(text, sizeof(text), "expected %s, found %s", expected, found);
        report_reason(r, att_reason_code(y->reason), y->name,
                      y->has_expected || y->has_found ? text : y->text);
    }
}

/* The same rules: the same bytes, or something is wrong. Other rules: what would be. */
static void tell(struct report *r, struct rules *u, const char *name,
                 const struct att_reappraisal *a)
{
    struct att_diag why = {0};
    bool same_verdict = a->before->status == a->after->status;

    (void)json_array_append_new(u->list, json_pack("{s:s, s:s, s:b, s:b, s:b, s:o, s:o}", "file",
                                                   name, "device", a->device_id, "same", a->same,
                                                   "what_if", a->other_rules, "unseen", a->unseen,
                                                   "before", verdict_json(a->before), "after",
                                                   verdict_json(a->after)));
    if (a->unseen) {
        record_unseen(r, name, a, true);
        return;
    }
    u->changed += same_verdict ? 0 : 1;
    if (a->other_rules) {
        report_line(r, "%s  %s: %s -> %s", tr(r->cli, "what if", "仮定"), a->device_id,
                    att_tier_name(a->before->status), att_tier_name(a->after->status));
        if (!same_verdict) {
            (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_REAPPRAISE_OTHER, a->device_id,
                           "expected %s, found %s", att_tier_name(a->before->status),
                           att_tier_name(a->after->status));
        }
        report_check(r, name, same_verdict ? C_PASS : C_FAIL, &why);
        if (!same_verdict) {
            print_reasons(r, a->after);
        }
        return;
    }
    if (!a->same) {
        (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_REAPPRAISE_DIFFERS, a->device_id,
                       "expected %s, found %s", att_tier_name(a->before->status),
                       att_tier_name(a->after->status));
    }
    report_check(r, name, a->same ? C_PASS : C_FAIL, &why);
    report_field(r, a->device_id, "%s, %s", att_tier_name(a->after->status),
                 a->same ? tr(r->cli, "the same result byte for byte", "結果は完全に一致")
                         : tr(r->cli, "another result", "結果が異なる"));
}

/* The rules of one record: what was not given comes from the record itself. */
static enum att_err policy_of(const struct att_policy **out, struct att_policy **own,
                              const struct rules *u, const struct att_record *record,
                              struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (u->policy != NULL) {
        *out = u->policy;
        return ATT_OK;
    }
    if (record->policy.len == 0) {
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_POL_NONE, "--policy",
                        "the record travels without its policy: expected --policy FILE");
    }
    err = att_policy_decode(own, record->policy, diag);
    if (err == ATT_OK) {
        *out = *own;
    }
    return err;
}

static enum att_err judge_one(struct att_reappraisal *out, struct rules *u, const char *path,
                              struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    ATT_CLEANUP(att_policy_freep) struct att_policy *own = NULL;
    struct att_reappraise_rules rules = {.refvals = u->refvals};
    ATT_CLEANUP(att_notices_clear) struct att_notices notices = {0};
    struct att_reappraisal done = {0};
    struct att_record record;
    enum att_err err = att_file_read(&file, path, ATT_RECORD_MAX, diag);

    if (err == ATT_OK) {
        err = att_record_decode(&record, att_buf_slice(file), diag);
    }
    if (err == ATT_OK) {
        err = policy_of(&rules.policy, &own, u, &record, diag);
    }
    if (err == ATT_OK) {
        err = record_notices(&notices, &record, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    rules.notices = (const struct att_notice *const *)notices.notice;
    rules.notice_count = notices.count;
    rules.ima_list = u->ima != NULL ? att_buf_slice(u->ima) : (struct att_slice){0};
    err = record_trail_find(&rules.earlier, &u->trail, &record, diag);
    if (err == ATT_OK) {
        err = att_reappraise(&done, &record, &rules, diag);
    }
    if (err == ATT_OK) {
        err = need_refvals(u, done.before, diag);
    }
    if (err == ATT_OK && done.notices_missing > 0 && !u->what_if) {
        err = att_fail(diag, ATT_E_NOT_FOUND, ATT_R_REF_NOTICE, "record",
                       "expected %u more than it holds", (unsigned int)done.notices_missing);
    }
    if (err != ATT_OK) {
        att_reappraisal_clear(&done);
        return err;
    }
    *out = done;
    return ATT_OK;
}

static void one(struct report *r, struct rules *u, const char *path)
{
    struct att_reappraisal a = {0};
    struct att_diag diag = {0};
    char name[512];
    enum att_err err = judge_one(&a, u, path, &diag);

    (void)text_safe(name, sizeof(name), path);
    if (err == ATT_OK) {
        tell(r, u, name, &a);
        err = record_trail_take(&u->trail, &a, &diag);
        att_reappraisal_clear(&a);
    }
    if (err == ATT_OK) {
        return;
    }
    report_check(r, name, C_NOT_RUN, &diag);
    report_worsen(r, exit_for(err, diag.reason) == EXIT_MALFORMED ? V_MALFORMED : V_UNDECIDED);
}

int cmd_evidence_reappraise(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.evidence-reappraise.v1");
    ATT_CLEANUP(rules_clear) struct rules u = {0};
    const struct option_spec options[] = {
        {"policy", &u.policy_path, NULL, "FILE", "another policy: what if", "別の方針で仮に判定"},
        {"refvals", &u.refvals_path, NULL, "FILE", "the reference values", "参照値ファイル"},
        {"ima", &u.ima_path, NULL, "FILE",
         "what if: the kernel's list, for records whose list came in parts",
         "仮の判定: 分割で届いたカーネルのリスト"},
        {"what-if", NULL, &u.what_if, NULL, "other references than those of the record are meant",
         "記録と別の参照値で仮に判定"}};
    struct att_diag diag = {0};
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    u.what_if = u.what_if || u.policy_path != NULL;
    u.list = json_array();
    (void)json_object_set_new(r.root, "records", u.list);
    err = load_rules(&u, &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    for (int i = 1; i < argc; i++) {
        one(&r, &u, argv[i]);
    }
    (void)json_object_set_new(r.root, "changed", json_integer((json_int_t)u.changed));
    return report_finish(&r);
}
