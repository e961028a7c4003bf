/* bundle show, extract, disclose: what a bundle holds, for people and for other programs; nothing is verified here. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "appraise/bundle.h"
#include "base/clock.h"
#include "base/file.h"
#include "bundle_data.h"
#include "commands.h"
#include "data_view.h"
#include "label_text.h"
#include "tlog/checkpoint.h"

#define PATH_ROOM 4096
#define FORM_MAX  (256U * 1024 * 1024)

static enum att_err read_bundle(struct att_buf **file, struct att_bundle_file *b, const char *path,
                                struct att_diag *diag)
{
    enum att_err err = att_file_read(file, path, ATT_BUNDLE_MAX, diag);

    return err == ATT_OK ? att_bundle_file_parse(b, att_buf_slice(*file), diag) : err;
}

static void show_checkpoint(struct report *r, struct att_slice in)
{
    struct att_tree_head head;
    struct att_note note;
    char origin[256];
    char safe[256];
    json_t *o = json_object();

    if (att_note_parse(&note, in, NULL) == ATT_OK &&
        att_tree_head_parse(&head, note.text, NULL) == ATT_OK) {
        (void)att_escape(origin, sizeof(origin), head.origin.p, head.origin.len);
        (void)text_safe(safe, sizeof(safe), origin);
        (void)json_object_set_new(o, "origin", json_string(safe));
        (void)json_object_set_new(o, "size", json_integer((json_int_t)head.tree.size));
        (void)json_object_set_new(o, "signatures", json_integer((json_int_t)note.sig_count));
        report_field(r, tr(r->cli, "checkpoint", "チェックポイント"), "%s, %llu %s, %zu %s", safe,
                     (unsigned long long)head.tree.size, tr(r->cli, "entries", "件"),
                     note.sig_count, tr(r->cli, "signatures", "署名"));
    } else {
        report_field(r, tr(r->cli, "checkpoint", "チェックポイント"), "%s",
                     tr(r->cli, "malformed", "形式不正"));
    }
    (void)json_object_set_new(r->root, "checkpoint", o);
}

static void show_status(struct report *r, struct att_slice in)
{
    struct att_status_token *t = NULL;
    char from[ATT_TIME_TEXT];

    if (att_status_token_parse(&t, in, NULL) != ATT_OK) {
        report_field(r, tr(r->cli, "status list", "失効リスト"), "%s",
                     tr(r->cli, "malformed", "形式不正"));
        return;
    }
    report_field(r, tr(r->cli, "status list", "失効リスト"), "%s, %s %s", t->uri,
                 tr(r->cli, "as of", "時点"), att_time_print(from, sizeof(from), t->iat));
    (void)json_object_set_new(r->root, "status_list",
                              json_pack("{s:s, s:s}", "uri", t->uri, "as_of", from));
    att_status_token_free(t);
}

static enum att_err show_label(struct report *r, struct att_slice in, struct att_diag *diag)
{
    struct att_label *label = calloc(1, sizeof(*label));
    struct att_cose cose;
    enum att_err err = label == NULL
                           ? att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "label", "no memory")
                           : att_cose_parse(&cose, in, diag);

    if (err == ATT_OK) {
        err = att_label_read(label, cose.payload_untrusted, diag);
    }
    if (err == ATT_OK) {
        (void)json_object_set_new(r->root, "label", label_json(label));
        label_print(r, label);
        label_reasons(r, label);
    }
    free(label);
    return err;
}

/* --- data --- */

#define CHANNELS_SHOWN ATT_SPEC_CHANNELS_MAX

/* One line a channel: how many, between which values, how many failed. */
struct summary {
    size_t count;
    struct {
        char id[ATT_PROV_ID], unit[ATT_SPEC_UNIT];
        uint64_t records, failed;
        bool has_value;
        struct att_decimal low, high, last;
    } channel[CHANNELS_SHOWN];
};

static enum att_err summarise(void *ctx, const struct data_row *row, struct att_diag *diag)
{
    struct summary *s = ctx;
    struct att_decimal v = row->sample->value;
    size_t i = 0;

    (void)diag;
    while (i < s->count && strcmp(s->channel[i].id, row->channel->id) != 0) {
        i++;
    }
    if (i == CHANNELS_SHOWN) {
        return ATT_OK;
    }
    if (i == s->count) {
        (void)snprintf(s->channel[i].id, sizeof(s->channel[i].id), "%s", row->channel->id);
        (void)snprintf(s->channel[i].unit, sizeof(s->channel[i].unit), "%s", row->channel->unit);
        s->count++;
    }
    s->channel[i].records++;
    s->channel[i].failed += att_check_failed(row->sample->check) ? 1 : 0;
    if (!row->sample->has_value) {
        return ATT_OK;
    }
    if (!s->channel[i].has_value || att_decimal_compare(v, s->channel[i].low) < 0) {
        s->channel[i].low = v;
    }
    if (!s->channel[i].has_value || att_decimal_compare(v, s->channel[i].high) > 0) {
        s->channel[i].high = v;
    }
    s->channel[i].last = v;
    s->channel[i].has_value = true;
    return ATT_OK;
}

static enum att_err show_data(struct report *r, const struct att_bundle_file *b,
                              struct att_diag *diag)
{
    struct summary *s = calloc(1, sizeof(*s));
    json_t *rows = json_array();
    char low[ATT_DECIMAL_TEXT], high[ATT_DECIMAL_TEXT], last[ATT_DECIMAL_TEXT];
    enum att_err err = s == NULL ? att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "data", "no memory")
                                 : data_view(b, summarise, s, diag);

    for (size_t i = 0; err == ATT_OK && i < s->count; i++) {
        (void)att_decimal_print(low, sizeof(low), s->channel[i].low);
        (void)att_decimal_print(high, sizeof(high), s->channel[i].high);
        (void)att_decimal_print(last, sizeof(last), s->channel[i].last);
        report_field(r, s->channel[i].id, "%llu %s, %s - %s %s, %s %s, %s: %llu",
                     (unsigned long long)s->channel[i].records, tr(r->cli, "records", "件"), low,
                     high, s->channel[i].unit, tr(r->cli, "last", "最新"), last,
                     tr(r->cli, "failed checks", "検査不合格"),
                     (unsigned long long)s->channel[i].failed);
        (void)json_array_append_new(rows, json_pack("{s:s,s:s,s:I,s:I,s:s,s:s,s:s}", "channel",
                                                    s->channel[i].id, "unit", s->channel[i].unit,
                                                    "records", (json_int_t)s->channel[i].records,
                                                    "failed", (json_int_t)s->channel[i].failed,
                                                    "low", low, "high", high, "last", last));
    }
    (void)json_object_set_new(r->root, "channels", rows);
    free(s);
    return err;
}

/* The forms of other programs: one of them, as it is, on standard output or into --output. */
struct form {
    bool senml, csv;
    const char *svg;
};

static enum att_err subject_of(char *out, size_t cap, struct att_slice label, struct att_diag *diag)
{
    struct att_label *l = calloc(1, sizeof(*l));
    struct att_cose cose;
    enum att_err err = l == NULL ? att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "label", "no memory")
                                 : att_cose_parse(&cose, label, diag);

    if (err == ATT_OK) {
        err = att_label_read(l, cose.payload_untrusted, diag);
    }
    if (err == ATT_OK) {
        (void)snprintf(out, cap, "%s", l->subject);
    }
    free(l);
    return err;
}

static enum att_err make_form(struct att_buf *out, const struct form *f, const struct cli *cli,
                              const struct att_bundle_file *b, struct att_diag *diag)
{
    char subject[160];
    struct data_order o = {
        .bundle = b, .channel = f->svg, .subject = subject, .ja = cli->lang == LANG_JA};
    enum att_err err = subject_of(subject, sizeof(subject), b->label, diag);

    if (err == ATT_OK && b->batch_count == 0) {
        err = att_fail(diag, ATT_E_NOT_FOUND, ATT_R_USAGE, "bundle",
                       "expected a bundle with data, found one without");
    }
    if (err != ATT_OK) {
        return err;
    }
    if (f->senml) {
        return data_senml(out, &o, diag);
    }
    return f->csv ? data_csv(out, &o, diag) : data_svg(out, &o, diag);
}

static int give_form(struct report *r, const struct form *f, const struct att_bundle_file *b)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *out = NULL;
    struct att_diag diag = {0};
    enum att_err err = att_buf_new(&out, FORM_MAX);

    if (err == ATT_OK) {
        err = make_form(out, f, r->cli, b, &diag);
    }
    if (err == ATT_OK) {
        err = att_file_write(r->cli->output != NULL ? r->cli->output : "-", att_buf_slice(out),
                             0644, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(r, err, &diag);
    }
    report_drop(r);
    return EXIT_VERIFIED;
}

int cmd_bundle_show(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.bundle-show.v1");
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct form f = {0};
    const struct option_spec options[] = {
        {"senml", NULL, &f.senml, NULL, "the data's values as SenML (RFC 8428)",
         "データの値を SenML (RFC 8428) で出力"},
        {"csv", NULL, &f.csv, NULL, "every record as a line of a table", "全記録を表 (CSV) で出力"},
        {"svg", &f.svg, NULL, "CHANNEL", "a picture of this channel, failed checks marked",
         "このチャネルの図。不合格の検査に印を付ける"}};
    struct att_bundle_file b = {0};
    struct att_diag diag = {0};
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    if ((f.senml ? 1 : 0) + (f.csv ? 1 : 0) + (f.svg != NULL ? 1 : 0) > 1) {
        return report_usage(&r, "options", "expected one of --senml, --csv and --svg");
    }
    err = read_bundle(&file, &b, argv[1], &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    if (f.senml || f.csv || f.svg != NULL) {
        return give_form(&r, &f, &b);
    }
    report_line(&r, "%s",
                tr(cli,
                   "NOT VERIFIED: these are the bundle's own words. Next: attestctl bundle verify",
                   "未検証: 以下はバンドル自身の記載です。次: attestctl bundle verify"));
    (void)json_object_set_new(r.root, "verified", json_false());
    err = show_label(&r, b.label, &diag);
    if (err == ATT_OK && b.checkpoint.len > 0) {
        show_checkpoint(&r, b.checkpoint);
    }
    if (err == ATT_OK && b.status.len > 0) {
        show_status(&r, b.status);
    }
    if (err == ATT_OK && b.batch_count > 0) {
        err = show_data(&r, &b, &diag);
    }
    return err == ATT_OK ? report_finish(&r) : report_failure(&r, err, &diag);
}

static enum att_err write_part(struct report *r, const char *dir, const char *name,
                               struct att_slice bytes, struct att_diag *diag)
{
    char path[PATH_ROOM];
    char shown[512];
    int len = snprintf(path, sizeof(path), "%s/%s", dir, name);
    enum att_err err = len < 0 || (size_t)len >= sizeof(path) ? ATT_E_CONFIG : ATT_OK;

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_USAGE, "--output", "expected %s, found %s",
                        "a path that fits", "a longer one");
    }
    if (bytes.len == 0) {
        return ATT_OK;
    }
    err = att_file_write(path, bytes, 0644, diag);
    if (err == ATT_OK) {
        report_line(r, "%s", text_safe(shown, sizeof(shown), path));
        (void)json_array_append_new(json_object_get(r->root, "files"), json_string(name));
    }
    return err;
}

int cmd_bundle_extract(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.bundle-extract.v1");
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_bundle_file b = {0};
    struct att_diag diag = {0};
    int code = options_parse(&r, NULL, 0, &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    code = output_needed(&r, false);
    if (code != OPTIONS_OK) {
        return code;
    }
    (void)json_object_set_new(r.root, "verified", json_false());
    (void)json_object_set_new(r.root, "files", json_array());
    err = read_bundle(&file, &b, argv[1], &diag);
    if (err == ATT_OK && mkdir(cli->output, 0755) != 0 && errno != EEXIST) {
        err = att_fail(&diag, errno == EACCES ? ATT_E_DENIED : ATT_E_IO, ATT_R_FILE, "--output",
                       "cannot make the folder: %s", strerror(errno));
    }
    if (err == ATT_OK) {
        err = write_part(&r, cli->output, "bundle.label", b.label, &diag);
    }
    if (err == ATT_OK) {
        err = write_part(&r, cli->output, "bundle.checkpoint", b.checkpoint, &diag);
    }
    if (err == ATT_OK) {
        err = write_part(&r, cli->output, "bundle.status", b.status, &diag);
    }
    return err == ATT_OK ? report_finish(&r) : report_failure(&r, err, &diag);
}
