/* policy check, show. */
#include <stdio.h>

#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "policy/policy.h"

#define POLICY_FILE_MAX 262144

static enum att_err read_policy(struct att_policy **out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err = att_file_read(&file, path, POLICY_FILE_MAX, diag);

    return err == ATT_OK ? att_policy_parse_yaml(out, path, att_buf_slice(file), diag) : err;
}

int cmd_policy_check(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.policy-check.v1");
    int code = options_parse(cli, NULL, 0, &argc, argv);

    if (code != 0 || argc < 2) {
        (void)fprintf(stderr, "attestctl: policy check FILE...\n");
        r.exit_override = EXIT_USAGE;
        r.verdict = V_UNDECIDED;
        return report_finish(&r);
    }
    for (int i = 1; i < argc; i++) {
        ATT_CLEANUP(att_policy_freep) struct att_policy *policy = NULL;
        struct att_diag diag = {0};
        enum att_err err = read_policy(&policy, argv[i], &diag);

        if (err == ATT_E_NOT_FOUND || err == ATT_E_DENIED || err == ATT_E_IO) {
            return report_failure(&r, err, &diag);
        }
        report_check(&r, argv[i], err == ATT_OK ? C_PASS : C_FAIL, err == ATT_OK ? NULL : &diag);
        if (err != ATT_OK && !cli->json) {
            (void)fprintf(stderr, "%s\n", diag.text);
        }
    }
    return report_finish(&r);
}

static void print_requirement(const struct report *r, const struct att_requirement *q, json_t *list)
{
    static const char *const SEVERITIES[] = {"fail", "warn", "ignore"};

    (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", q->id, "en",
                                                q->title_en, "ja", q->title_ja, "source", q->source,
                                                "severity", SEVERITIES[q->severity]));
    report_line(r, "  %-8s %-5s %s", q->id, SEVERITIES[q->severity],
                tr(r->cli, q->title_en, q->title_ja));
    if (q->source[0] != '\0') {
        report_line(r, "                 %s", q->source);
    }
}

int cmd_policy_show(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.policy-show.v1");
    ATT_CLEANUP(att_policy_freep) struct att_policy *policy = NULL;
    struct att_diag diag = {0};
    json_t *list = json_array();
    char hex[65];
    int code = options_parse(cli, NULL, 0, &argc, argv);
    enum att_err err = ATT_OK;

    (void)json_object_set_new(r.root, "requirements", list);
    if (code != 0 || argc != 2) {
        (void)fprintf(stderr, "attestctl: policy show FILE\n");
        r.exit_override = EXIT_USAGE;
        r.verdict = V_UNDECIDED;
        return report_finish(&r);
    }
    err = read_policy(&policy, argv[1], &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    (void)att_hex_encode(hex, sizeof(hex), att_slice_of(policy->digest, 32));
    (void)json_object_set_new(r.root, "policy", json_string(policy->name));
    (void)json_object_set_new(r.root, "version", json_integer((json_int_t)policy->version));
    (void)json_object_set_new(r.root, "digest", json_string(hex));
    report_line(&r, "%s@%llu  sha256 %s", policy->name, (unsigned long long)policy->version, hex);
    for (size_t i = 0; i < policy->count; i++) {
        print_requirement(&r, &policy->requirement[i], list);
    }
    return report_finish(&r);
}
