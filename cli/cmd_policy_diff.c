/*
 * policy diff: what changes between two policies, in words; and with stored evidence, for which gateways.
 *
 * Evidence is judged twice, under the old policy and under the new one, each in the context in which it was
 * asked for: a verdict that differs between the two is what the new policy changes.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "appraise/record.h"
#include "artefacts.h"
#include "base/file.h"
#include "commands.h"
#include "policy/policy_file.h"
#include "policy/policy_words.h"
#include "records.h"
#include "specs.h"

#define RECORDS_MAX 4096
#define PATH_ROOM   1024

struct trial {
    struct report *r;
    struct att_policy *policy[2]; /* old, new */
    struct att_spec *spec[2];     /* of specifications, instead */
    struct att_refvals *refvals;
    struct att_notices notices; /* of the record at hand */
    struct record_trail trail[2];
    size_t records, changed;
    json_t *devices;
};

static void trial_clear(struct trial *t)
{
    for (size_t i = 0; i < ATT_COUNT(t->policy); i++) {
        record_trail_clear(&t->trail[i]);
        att_policy_free(t->policy[i]);
        att_spec_free(t->spec[i]);
    }
    att_refvals_free(t->refvals);
    att_notices_clear(&t->notices);
}

static void tell_change(struct trial *t, const struct att_policy_change *c, json_t *list)
{
    static const char *const EN[] = {"stricter", "looser", "other"};
    static const char *const JA[] = {"厳しく", "緩く", "その他"};
    const struct cli *cli = t->r->cli;
    char padded[64];

    (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "id", c->id, "effect",
                                                EN[c->effect], "en", c->en, "ja", c->ja));
    (void)text_pad(padded, sizeof(padded), tr(cli, EN[c->effect], JA[c->effect]), 8);
    report_line(t->r, "  %s %-8s %s", padded, c->id[0] != '\0' ? c->id : "-",
                tr(cli, c->en, c->ja));
}

/* The words; *count is how many changes there are. */
static enum att_err tell_changes(struct trial *t, size_t *count, json_t *list)
{
    ATT_CLEANUP(att_policy_diff_freep) struct att_policy_diff *d = NULL;
    const struct att_policy *a = t->policy[0];
    const struct att_policy *b = t->policy[1];
    enum att_err err = att_policy_diff(&d, a, b);

    if (err != ATT_OK) {
        return err;
    }
    report_line(t->r, "%s@%llu -> %s@%llu", a->name, (unsigned long long)a->version, b->name,
                (unsigned long long)b->version);
    for (size_t i = 0; i < d->count; i++) {
        tell_change(t, &d->change[i], list);
    }
    if (b->version <= a->version && memcmp(a->digest, b->digest, 32) != 0) {
        report_line(t->r, "%s",
                    tr(t->r->cli,
                       "A verifier that runs the first will not load the second: its version is "
                       "not higher.",
                       "版が上がっていないため、前者を使う検証サーバーは後者を読み込みません。"));
    }
    *count = d->count;
    return ATT_OK;
}

/* One record under one policy, going on from what the same policy said of the record before. */
static enum att_err judge(struct att_reappraisal *out, const struct trial *t, size_t side,
                          const struct att_record *record, struct att_diag *diag)
{
    struct att_reappraise_rules rules = {.policy = t->policy[side],
                                         .refvals = t->refvals,
                                         .notices =
                                             (const struct att_notice *const *)t->notices.notice,
                                         .notice_count = t->notices.count};
    enum att_err err = record_trail_find(&rules.earlier, &t->trail[side], record, diag);

    return err == ATT_OK ? att_reappraise(out, record, &rules, diag) : err;
}

static void tell_record(struct trial *t, const char *name, const struct att_reappraisal side[2])
{
    const char *before = att_tier_name(side[0].after->status);
    const char *after = att_tier_name(side[1].after->status);
    bool same = side[0].after->status == side[1].after->status;
    struct att_diag why = {0};

    if (side[0].unseen || side[1].unseen) {
        record_unseen(t->r, name, side[1].unseen ? &side[1] : &side[0], false);
        return;
    }
    t->records++;
    t->changed += same ? 0 : 1;
    (void)json_array_append_new(t->devices, json_pack("{s:s, s:s, s:s, s:s, s:b}", "device",
                                                      side[1].device_id, "file", name, "before",
                                                      before, "after", after, "same", same));
    report_line(t->r, "  %s: %s -> %s", side[1].device_id, before, after);
    if (!same) {
        (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_REAPPRAISE_OTHER, side[1].device_id,
                       "expected %s, found %s", before, after);
    }
    report_check(t->r, name, same ? C_PASS : C_FAIL, &why);
    for (uint32_t i = 0; !same && i < side[1].after->reason_count; i++) {
        const struct att_result_reason *x = &side[1].after->reason[i];

        report_reason(t->r, att_reason_code(x->reason), x->name, x->text);
    }
}

/* Without the references that were used then, both verdicts would say nothing. */
static enum att_err need_refvals(const struct trial *t, const struct att_result *before,
                                 struct att_diag *diag)
{
    static const uint8_t none[32];

    if (t->refvals != NULL || memcmp(before->refvals_digest, none, sizeof(none)) == 0) {
        return ATT_OK;
    }
    return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_REF_NONE, "--refvals",
                    "expected %s, found nothing", "--refvals FILE");
}

static enum att_err try_record(struct trial *t, const char *path, const char *name,
                               struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_reappraisal side[2] = {0};
    struct att_record record;
    enum att_err err = att_file_read(&file, path, ATT_RECORD_MAX, diag);

    if (err == ATT_OK) {
        err = att_record_decode(&record, att_buf_slice(file), diag);
    }
    if (err == ATT_OK) {
        att_notices_clear(&t->notices);
        err = record_notices(&t->notices, &record, diag);
    }
    for (size_t i = 0; err == ATT_OK && i < ATT_COUNT(side); i++) {
        err = judge(&side[i], t, i, &record, diag);
    }
    if (err == ATT_OK) {
        err = need_refvals(t, side[0].before, diag);
    }
    if (err == ATT_OK) {
        tell_record(t, name, side);
    }
    for (size_t i = 0; i < ATT_COUNT(side); i++) {
        if (err == ATT_OK) {
            err = record_trail_take(&t->trail[i], &side[i], diag);
        }
        att_reappraisal_clear(&side[i]);
    }
    return err;
}

static void one_file(struct trial *t, const char *path)
{
    struct att_diag diag = {0};
    char name[512];
    enum att_err err = ATT_OK;

    (void)text_safe(name, sizeof(name), path);
    err = try_record(t, path, name, &diag);
    if (err != ATT_OK) {
        report_check(t->r, name, C_NOT_RUN, &diag);
        report_worsen(t->r,
                      exit_for(err, diag.reason) == EXIT_MALFORMED ? V_MALFORMED : V_UNDECIDED);
    }
}

static int is_plain_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* A verdict over a part of the records is none over all. */
static void left_out(struct trial *t, const char *folder, const char *name)
{
    struct att_diag why = {0};
    char shown[96];

    (void)att_fail(&why, ATT_E_LIMIT, ATT_R_LIM_SIZE, "--evidence",
                   "%s: not judged; at most %d records of one folder, with paths below %d bytes",
                   text_safe(shown, sizeof(shown), name), RECORDS_MAX, PATH_ROOM);
    report_check(t->r, folder, C_NOT_RUN, &why);
    report_worsen(t->r, V_UNDECIDED);
}

static void found_nothing(struct trial *t, const char *folder)
{
    struct att_diag why = {0};
    char shown[96];

    (void)att_fail(&why, ATT_E_NOT_FOUND, ATT_R_FILE, "--evidence",
                   "expected records of evidence get in %s, found none",
                   text_safe(shown, sizeof(shown), folder));
    report_check(t->r, folder, C_NOT_RUN, &why);
    report_worsen(t->r, V_UNDECIDED);
}

/* Numbers in names count as numbers: record 9 was made before record 10. */
static void evidence(struct trial *t, const char *path)
{
    struct dirent **entries = NULL;
    struct stat st;
    int count = 0;

    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        one_file(t, path);
        return;
    }
    count = scandir(path, &entries, is_plain_name, versionsort);
    for (int i = 0; i < count; i++) {
        char file[PATH_ROOM];
        int len = snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);

        if (i < RECORDS_MAX && len > 0 && (size_t)len < sizeof(file)) {
            one_file(t, file);
        } else {
            left_out(t, path, entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    if (count <= 0) {
        found_nothing(t, path);
    }
}

static int finish(struct trial *t, bool with_evidence, size_t changes)
{
    struct att_diag why = {0};

    if (with_evidence) {
        report_line(t->r, "%zu / %zu %s", t->changed, t->records,
                    tr(t->r->cli, "verdicts change", "件の判定が変わります"));
    } else {
        if (changes > 0) {
            (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_POL_DIFFERS, "policy", "%zu changes",
                           changes);
        }
        report_check(t->r, "policy", changes == 0 ? C_PASS : C_FAIL, &why);
    }
    (void)json_object_set_new(t->r->root, "changed", json_integer((json_int_t)t->changed));
    return report_finish(t->r);
}

static enum att_err take_documents(struct trial *t, char **argv, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && i < ATT_COUNT(t->policy); i++) {
        struct artefact_document doc = {0};

        err = artefact_document(&doc, argv[1 + i], diag);
        t->policy[i] = doc.policy;
        t->spec[i] = doc.spec;
    }
    return err;
}

int cmd_policy_diff(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.policy-diff.v1");
    ATT_CLEANUP(trial_clear) struct trial t = {.r = &r};
    const char *refvals = NULL;
    const char *records[OPTION_MANY] = {NULL};
    const struct option_spec spec[] = {
        {"evidence", records, NULL, "PATH...", "a record, or a folder of records, to judge by both",
         "両方の方針で判定する記録、またはそのフォルダー"},
        {"refvals", &refvals, NULL, "FILE", "the reference values", "参照値ファイル"}};
    struct att_diag diag = {0};
    json_t *list = json_array();
    size_t changes = 0;
    int code = OPTIONS_OK;
    enum att_err err = ATT_OK;

    t.devices = json_array();
    (void)json_object_set_new(r.root, "changes", list);
    (void)json_object_set_new(r.root, "devices", t.devices);
    code = options_parse(&r, spec, ATT_COUNT(spec), &argc, argv);
    if (code != OPTIONS_OK) {
        return code;
    }
    err = take_documents(&t, argv, &diag);
    if (err == ATT_OK && t.spec[0] != NULL && t.spec[1] != NULL && records[0] == NULL &&
        refvals == NULL) {
        return spec_diff(&r, t.spec[0], t.spec[1]);
    }
    if (err == ATT_OK && (t.spec[0] != NULL || t.spec[1] != NULL)) {
        return report_usage(&r, "OLD NEW", "expected %s, found %s",
                            "two policies, or two specifications without other options",
                            t.spec[0] == NULL || t.spec[1] == NULL ? "one of each"
                                                                   : "--evidence or --refvals");
    }
    if (err == ATT_OK && refvals != NULL) {
        err = att_refvals_map(&t.refvals, refvals, &diag);
    }
    if (err == ATT_OK && refvals != NULL) {
        err = att_refvals_check(t.refvals, &diag);
    }
    if (err == ATT_OK) {
        err = tell_changes(&t, &changes, list);
    }
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    for (size_t i = 0; i < OPTION_MANY && records[i] != NULL; i++) {
        evidence(&t, records[i]);
    }
    return finish(&t, records[0] != NULL, changes);
}
