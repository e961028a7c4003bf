/* bundle create, verify, show, extract: files and words. What a bundle is worth lib/appraise decides. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "appraise/bundle.h"
#include "appraise/offline.h"
#include "base/clock.h"
#include "base/file.h"
#include "commands.h"
#include "label_text.h"
#include "label_verdict.h"
#include "tlog/checkpoint.h"
#include "tlog/proof_text.h"
#include "trust.h"

#define PROOF_HEAD "c2sp.org/tlog-proof@"
#define PATH_ROOM  4096

/* --- create --- */

/* The files that a bundle is made of; it borrows them. */
struct making {
    struct att_buf *label, *checkpoint, *status; /* owned */
    struct att_proof_text proof;
    struct att_bundle_file bundle;
};

static void making_clear(struct making *m)
{
    att_buf_free(m->label);
    att_buf_free(m->checkpoint);
    att_buf_free(m->status);
}

/* What is no label at all is not packed as one. */
static enum att_err take_label(struct making *m, const char *path, struct att_diag *diag)
{
    struct att_label *label = calloc(1, sizeof(*label));
    struct att_cose cose;
    enum att_err err = att_file_read(&m->label, path, ATT_LABEL_MAX, diag);

    if (label == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "label", "no memory");
    }
    if (err == ATT_OK) {
        m->bundle.label = att_buf_slice(m->label);
        err = att_cose_parse(&cose, m->bundle.label, diag);
    }
    if (err == ATT_OK) {
        err = att_label_read(label, cose.payload_untrusted, diag);
    }
    free(label);
    return err;
}

/* A checkpoint, or a proof of C2SP, which has one and the way to it. */
static enum att_err take_checkpoint(struct making *m, const char *path, struct att_diag *diag)
{
    struct att_tree_head head;
    struct att_note note;
    struct att_slice in;
    enum att_err err = att_file_read(&m->checkpoint, path, ATT_NOTE_MAX, diag);

    if (err != ATT_OK) {
        return err;
    }
    in = att_buf_slice(m->checkpoint);
    if (in.len > strlen(PROOF_HEAD) && memcmp(in.p, PROOF_HEAD, strlen(PROOF_HEAD)) == 0) {
        err = att_proof_text_parse(&m->proof, in, diag);
        m->bundle.path = m->proof.path;
        m->bundle.has_path = true;
        in = m->proof.checkpoint;
    }
    if (err == ATT_OK) {
        err = att_note_parse(&note, in, diag);
    }
    if (err == ATT_OK) {
        err = att_tree_head_parse(&head, note.text, diag);
    }
    m->bundle.checkpoint = in;
    return err;
}

static enum att_err take_status(struct making *m, const char *path, struct att_diag *diag)
{
    struct att_status_token *t = NULL;
    enum att_err err = att_file_read(&m->status, path, ATT_STATUS_FILE_MAX, diag);

    if (err == ATT_OK) {
        m->bundle.status = att_buf_slice(m->status);
        err = att_status_token_parse(&t, m->bundle.status, diag);
    }
    att_status_token_free(t);
    return err;
}

static enum att_err make(struct making *m, const char *output, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *made = NULL;
    enum att_err err = att_bundle_file_encode(&made, &m->bundle);

    if (err != ATT_OK) {
        return att_fail(diag, err, err == ATT_E_NOMEM ? ATT_R_NOMEM : ATT_R_INTERNAL, "bundle",
                        "it could not be made");
    }
    return att_file_write(output, att_buf_slice(made), 0644, diag);
}

int cmd_bundle_create(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.bundle-create.v1");
    ATT_CLEANUP(making_clear) struct making m = {0};
    const char *checkpoint = NULL;
    const char *status = NULL;
    const struct option_spec options[] = {
        {"checkpoint", &checkpoint, NULL, "FILE",
         "a checkpoint of the log, or a proof (tlog-proof) of the label's entry",
         "ログのチェックポイント、またはラベルの項目の証明 (tlog-proof)"},
        {"status", &status, NULL, "FILE", "the status list that the label names",
         "ラベルが示すステータスリスト"}};
    struct att_diag diag = {0};
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
    err = take_label(&m, argv[1], &diag);
    if (err == ATT_OK && checkpoint != NULL) {
        err = take_checkpoint(&m, checkpoint, &diag);
    }
    if (err == ATT_OK && status != NULL) {
        err = take_status(&m, status, &diag);
    }
    if (err == ATT_OK) {
        err = make(&m, cli->output, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    (void)text_safe(shown, sizeof(shown), cli->output);
    (void)json_object_set_new(r.root, "verified", json_false());
    (void)json_object_set_new(r.root, "saved", json_string(shown));
    if (strcmp(cli->output, "-") == 0) {
        report_drop(&r);
        return EXIT_VERIFIED;
    }
    report_line(&r, "%s: attestctl bundle verify %s",
                tr(cli, "packed, NOT VERIFIED. Next", "まとめました (未検証)。次"), shown);
    return report_finish(&r);
}

/* --- verify --- */

struct verifying {
    struct report r;
    struct trust trust;
    struct att_buf *file, *newer, *list_file; /* owned */
    struct att_offline_list list;
};

static void verifying_clear(struct verifying *v)
{
    att_offline_list_close(&v->list);
    att_buf_freep(&v->file);
    att_buf_freep(&v->newer);
    att_buf_freep(&v->list_file);
    trust_clear(&v->trust);
}

/* A newer list than the one inside. */
static enum att_err open_list(struct verifying *v, const char *path, struct att_diag *diag)
{
    enum att_err err = att_file_read(&v->list_file, path, ATT_STATUS_FILE_MAX + 1, diag);

    if (err == ATT_OK) {
        err = att_offline_list_open(&v->list, att_buf_slice(v->list_file), v->trust.anchors);
        v->trust.rules.status_list = &v->list;
    }
    return err;
}

static enum att_err open_newer(struct verifying *v, const char *path, struct att_diag *diag)
{
    enum att_err err = att_file_read(&v->newer, path, ATT_BUNDLE_MAX, diag);

    if (err == ATT_OK && att_buf_len(v->newer) == 0) {
        err = att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_BUNDLE, "--newer", "the file is empty");
    }
    if (err == ATT_OK) {
        v->trust.rules.newer = att_buf_slice(v->newer);
    }
    return err;
}

/* The label inside, for its name; empty when the bundle is none. */
static struct att_slice label_of(struct att_slice bundle)
{
    struct att_bundle_file b = {0};

    return att_bundle_file_parse(&b, bundle, NULL) == ATT_OK ? b.label : (struct att_slice){0};
}

static int judge(struct verifying *v)
{
    struct att_offline *o = calloc(1, sizeof(*o));
    struct att_diag diag = {0};
    json_t *unchecked = json_array();
    json_t *label = NULL;
    enum att_err err = o == NULL
                           ? ATT_E_NOMEM
                           : att_offline_check_bundle(o, att_buf_slice(v->file), v->trust.anchors,
                                                      &v->trust.rules, v->r.cli->at);

    if (err != ATT_OK) {
        free(o);
        json_decref(unchecked);
        (void)att_fail(&diag, err, err == ATT_E_NOMEM ? ATT_R_NOMEM : ATT_R_INTERNAL, "bundle",
                       "it could not be judged");
        return report_failure(&v->r, err, &diag);
    }
    label = label_verdict_tell(&v->r, o, label_of(att_buf_slice(v->file)), unchecked);
    (void)json_object_set_new(v->r.root, "not_checked", unchecked);
    if (label != NULL) {
        (void)json_object_set_new(v->r.root, "label", label);
    }
    report_worsen(&v->r, label_verdict(o));
    label_verdict_print(&v->r, label_verdict(o),
                        o->has_label && o->label.status == ATT_TIER_WARNING);
    free(o);
    return report_finish(&v->r);
}

int cmd_bundle_verify(struct cli *cli, int argc, char **argv)
{
    ATT_CLEANUP(verifying_clear)
    struct verifying v = {.r = report_start(cli, "attestctl.bundle-verify.v1")};
    const char *accept = NULL;
    const char *device = NULL;
    const char *status = NULL;
    const char *newer = NULL;
    const struct option_spec options[] = {
        {"accept", &accept, NULL, "warning", "also take a status that is a warning, and show it",
         "状態が警告でも受け入れ、そう表示する"},
        {"device", &device, NULL, "ID", "the label must be for this device",
         "この機器のラベルであること"},
        {"status", &status, NULL, "FILE", "a newer status list than the one inside",
         "バンドル内より新しいステータスリスト"},
        {"newer", &newer, NULL, "FILE",
         "a bundle, label or checkpoint of later: is this label superseded?",
         "より新しいバンドル、ラベル、チェックポイント (置き換えの確認)"}};
    struct att_diag diag = {0};
    int code = options_parse(&v.r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;
    char shown[64];

    if (code != OPTIONS_OK) {
        return code;
    }
    if (accept != NULL && strcmp(accept, "warning") != 0) {
        return report_usage(&v.r, "--accept", "expected warning, found %s",
                            text_safe(shown, sizeof(shown), accept));
    }
    err = trust_load(&v.trust, cli->trust, &diag);
    if (err == ATT_OK && status != NULL) {
        err = open_list(&v, status, &diag);
    }
    if (err == ATT_OK && newer != NULL) {
        err = open_newer(&v, newer, &diag);
    }
    if (err == ATT_OK) {
        err = att_file_read(&v.file, argv[1], ATT_BUNDLE_MAX + 1, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&v.r, err, &diag);
    }
    v.trust.rules.accept_warning = accept != NULL;
    v.trust.rules.device_id = device;
    (void)json_object_set_new(v.r.root, "evaluated_at", label_json_time(cli->at));
    return judge(&v);
}

/* --- show, extract --- */

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

int cmd_bundle_show(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.bundle-show.v1");
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_bundle_file b = {0};
    struct att_diag diag = {0};
    int code = options_parse(&r, NULL, 0, &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    err = read_bundle(&file, &b, argv[1], &diag);
    if (err == ATT_OK) {
        report_line(&r, "%s",
                    tr(cli,
                       "NOT VERIFIED: these are the bundle's own words. Next: attestctl bundle "
                       "verify",
                       "未検証: 以下はバンドル自身の記載です。次: attestctl bundle verify"));
        (void)json_object_set_new(r.root, "verified", json_false());
        err = show_label(&r, b.label, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    if (b.checkpoint.len > 0) {
        show_checkpoint(&r, b.checkpoint);
    }
    if (b.status.len > 0) {
        show_status(&r, b.status);
    }
    return report_finish(&r);
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
