/* label verify: offline, with the code that the verifier itself uses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/offline.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "label_text.h"
#include "trust.h"

struct verifying {
    struct report r;
    struct trust trust;
    struct att_buf *list_file; /* --status, or NULL; the list borrows it */
    struct att_offline_list list;
    json_t *files;
    bool several, denied;
    size_t count[V_MALFORMED + 1];
};

static const enum verdict VERDICTS[] = {[ATT_VERDICT_UNDECIDED] = V_UNDECIDED,
                                        [ATT_VERDICT_PASS] = V_PASS,
                                        [ATT_VERDICT_FAIL] = V_FAIL,
                                        [ATT_VERDICT_MALFORMED] = V_MALFORMED};

/* A check's line and entry; what does not apply is collected, so that nobody reads silence as a pass. */
static void report_one_check(struct report *r, const struct att_offline *o,
                             const struct att_check *c, json_t *unchecked)
{
    static const enum check_state STATES[] = {[ATT_CHECK_NOT_RUN] = C_NOT_RUN,
                                              [ATT_CHECK_PASS] = C_PASS,
                                              [ATT_CHECK_FAIL] = C_FAIL,
                                              [ATT_CHECK_NOT_APPLICABLE] = C_NOT_APPLICABLE};
    struct att_diag why = c->why;

    if (c->status == ATT_CHECK_NOT_APPLICABLE) {
        (void)json_array_append_new(unchecked, json_string(c->id));
    }
    if (strcmp(c->id, "status") == 0 && c->status == ATT_CHECK_PASS &&
        o->label.status == ATT_TIER_WARNING) {
        (void)att_fail(&why, ATT_OK, ATT_R_LBL_NOT_AFFIRMING, "ear_status",
                       "--accept warning allows it");
    }
    report_check(r, c->id, STATES[c->status], &why);
}

static void print_unchecked(const struct report *r, const json_t *unchecked)
{
    static const struct {
        const char *id, *en, *ja;
    } WORDS[] = {
        {"subject", "for which device it is (give --device)", "どの機器のものか (--device で指定)"},
        {"log", "the transparency log", "透明性ログへの記録"},
        {"status-list", "revocation before its expiry (give --status)",
         "有効期限前の失効 (--status で指定)"},
    };
    char text[512];
    size_t at = 0;

    text[0] = '\0';
    for (size_t i = 0; i < json_array_size(unchecked); i++) {
        const char *id = json_string_value(json_array_get(unchecked, i));

        for (size_t k = 0; k < ATT_COUNT(WORDS) && at < sizeof(text); k++) {
            if (strcmp(WORDS[k].id, id) == 0) {
                at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s",
                                       at > 0 ? tr(r->cli, ", ", "、") : "",
                                       tr(r->cli, WORDS[k].en, WORDS[k].ja));
            }
        }
    }
    if (at > 0) {
        report_line(r, "  %s %s", tr(r->cli, "Not checked:", "確認していないこと:"), text);
    }
}

/* Signed, by a key that an anchor vouches for, in the issuer's own name. */
static bool believed(const struct att_offline *o)
{
    static const char *const NEEDED[] = {"signature", "chain", "issuer"};
    size_t passed = 0;

    for (size_t i = 0; i < o->check_count; i++) {
        for (size_t k = 0; k < ATT_COUNT(NEEDED); k++) {
            passed +=
                o->check[i].status == ATT_CHECK_PASS && strcmp(o->check[i].id, NEEDED[k]) == 0;
        }
    }
    return passed == ATT_COUNT(NEEDED);
}

/* A list is of the past: it is told with its time, never as "valid". */
static void print_status(const struct report *r, const struct att_offline *o)
{
    static const char *const JA[] = {"有効", "失効", "一時停止"};
    const struct att_offline_status *s = &o->status;
    char as_of[ATT_TIME_TEXT];
    char next[ATT_TIME_TEXT];

    if (!s->known) {
        return;
    }
    report_line(r, "  %s %s%s %s", tr(r->cli, "Status as of", "失効の状態:"),
                att_time_print(as_of, sizeof(as_of), s->as_of), tr(r->cli, ":", " 時点で"),
                tr(r->cli, att_status_name(s->value),
                   s->value < ATT_COUNT(JA) ? JA[s->value] : "未知の値"));
    if (s->next != 0 && s->next <= r->cli->at) {
        report_line(r, "  %s %s", tr(r->cli, "There is a newer list since", "新しいリストの予定:"),
                    att_time_print(next, sizeof(next), s->next));
    }
}

/* Where it stands in the log; and that nobody but the log says so, as long as there are no witnesses. */
static void print_receipt(const struct report *r, const struct att_offline *o)
{
    const struct att_offline_receipt *p = &o->receipt;
    char at[ATT_TIME_TEXT];
    char origin[2 * ATT_ENTRY_NAME_MAX];

    if (!p->known) {
        return;
    }
    (void)text_safe(origin, sizeof(origin), p->origin);
    report_line(r, "  %s %s, %s %llu %s %llu, %s %s", tr(r->cli, "In the log", "ログ"), origin,
                tr(r->cli, "entry", "項目"), (unsigned long long)p->index,
                tr(r->cli, "of a tree of", "全件数"), (unsigned long long)p->size,
                tr(r->cli, "signed", "署名"), att_time_print(at, sizeof(at), p->iat));
    report_line(r, "  %s",
                tr(r->cli, "No witness has confirmed the log: its operator alone vouches for it.",
                   "ログを確認した証人はいません。運用者だけが保証しています。"));
}

static json_t *json_receipt(const struct att_offline_receipt *p)
{
    json_t *o = json_object();

    (void)json_object_set_new(o, "origin", json_string(p->origin));
    (void)json_object_set_new(o, "index", json_integer((json_int_t)p->index));
    (void)json_object_set_new(o, "size", json_integer((json_int_t)p->size));
    (void)json_object_set_new(o, "signed_at", label_json_time(p->iat));
    (void)json_object_set_new(o, "witnesses", json_integer(0));
    return o;
}

static json_t *json_status(const struct att_offline_status *s)
{
    json_t *o = json_object();

    (void)json_object_set_new(o, "value", json_string(att_status_name(s->value)));
    (void)json_object_set_new(o, "number", json_integer((json_int_t)s->value));
    (void)json_object_set_new(o, "as_of", label_json_time(s->as_of));
    if (s->next != 0) {
        (void)json_object_set_new(o, "next", label_json_time(s->next));
    }
    return o;
}

static void print_content(struct report *r, const struct att_offline *o)
{
    if (!believed(o)) {
        report_line(r, "  %s",
                    tr(r->cli, "NOT VERIFIED: what follows is only what the file says of itself.",
                       "未検証: 以下はファイル自身の記載にすぎません。"));
    }
    label_print(r, &o->label);
    print_receipt(r, o);
    print_status(r, o);
    if (o->label.reason_count > 0) {
        report_line(r, "  %s", tr(r->cli, "The issuer's reasons:", "発行者が示す理由:"));
    }
    label_reasons(r, &o->label);
    if (believed(o)) {
        label_print_limits(r, &o->label);
    }
}

static void print_verdict(const struct report *r, enum verdict v, bool warning)
{
    static const char *const EN[] = {"VERIFIED: the label is authentic, current and affirming.",
                                     "UNDECIDED: something needed to decide is missing.",
                                     "NOT VERIFIED: do not rely on it.",
                                     "MALFORMED: this is not a well-formed label."};
    static const char *const JA[] = {"検証済み: ラベルは本物で、有効期間内にあり、状態は肯定です。",
                                     "判定不能: 判定に必要なものが不足しています。",
                                     "不合格: このラベルを信頼しないでください。",
                                     "形式不正: ラベルの形式が正しくありません。"};

    if (v == V_PASS && warning) {
        report_line(r, "%s",
                    tr(r->cli,
                       "VERIFIED WITH A WARNING: authentic and current; its status is a warning, "
                       "which --accept warning allows.",
                       "警告付きで検証済み: 本物で有効期間内ですが、状態は警告です "
                       "(--accept warning により許可)。"));
        return;
    }
    report_line(r, "%s", tr(r->cli, EN[v], JA[v]));
}

/* One entry of files[]: what a script needs of each, in the order given. */
static void keep_file(struct verifying *w, const char *path, enum verdict v, json_t *label,
                      json_t *unchecked)
{
    static const char *const NAMES[] = {"pass", "undecided", "fail", "fail"};
    static const int CODES[] = {EXIT_VERIFIED, EXIT_UNDECIDED, EXIT_FALSE, EXIT_MALFORMED};
    json_t *codes = json_array();
    json_t *entry = json_pack("{s:s, s:s, s:i, s:o, s:o}", "file", path, "verdict", NAMES[v],
                              "exit", CODES[v], "reasons", codes, "not_checked", unchecked);
    size_t i = 0;
    json_t *reason = NULL;

    json_array_foreach(w->r.reasons, i, reason)
    {
        const char *file = json_string_value(json_object_get(reason, "file"));

        if (!w->several || (file != NULL && strcmp(file, path) == 0)) {
            (void)json_array_append(codes, json_object_get(reason, "code"));
        }
    }
    if (label != NULL) {
        (void)json_object_set(entry, "label", label);
    }
    (void)json_array_append_new(w->files, entry);
    if (!w->several) {
        (void)json_object_set(w->r.root, "not_checked", unchecked);
        if (label != NULL) {
            (void)json_object_set(w->r.root, "label", label);
        }
    }
    json_decref(label);
    w->count[v]++;
    report_worsen(&w->r, v);
}

/* A file that cannot be read leaves the others to be judged. Too large to be a label is malformed. */
static void unreadable(struct verifying *w, const char *path, enum att_err err,
                       const struct att_diag *diag)
{
    int code = exit_for(err, diag->reason);
    enum verdict v = code == EXIT_MALFORMED ? V_MALFORMED : V_UNDECIDED;

    report_trouble(&w->r, diag);
    print_verdict(&w->r, v, false);
    w->denied = w->denied || code == EXIT_PERMISSION;
    keep_file(w, path, v, NULL, json_array());
}

/* What a label is called by elsewhere: the hash of what was signed, whichever receipts it travels with. */
static json_t *json_bare_digest(struct att_slice file)
{
    uint8_t digest[32];
    char hex[2 * sizeof(digest) + 1];

    if (att_entry_of_label(digest, file, NULL) != ATT_OK) {
        return json_null();
    }
    return json_string(att_hex_encode(hex, sizeof(hex), att_slice_of(digest, sizeof(digest))));
}

static void verify_one(struct verifying *w, const char *name, struct att_offline *o)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    json_t *unchecked = NULL;
    json_t *label = NULL;
    struct att_diag diag = {0};
    char path[512];
    enum att_err err = att_file_read(&file, name, ATT_LABEL_MAX + 1, &diag);

    (void)text_safe(path, sizeof(path), name);
    w->r.about = w->several ? path : NULL;
    report_line(&w->r, "%s", path);
    if (err == ATT_OK) {
        err = att_offline_check(o, att_buf_slice(file), w->trust.anchors, &w->trust.rules,
                                w->r.cli->at);
        if (err != ATT_OK) {
            (void)att_fail(&diag, err, err == ATT_E_NOMEM ? ATT_R_NOMEM : ATT_R_INTERNAL, "label",
                           "it could not be judged");
        }
    }
    if (err != ATT_OK) {
        unreadable(w, path, err, &diag);
        return;
    }
    unchecked = json_array();
    for (size_t i = 0; i < o->check_count; i++) {
        report_one_check(&w->r, o, &o->check[i], unchecked);
    }
    if (o->has_label) {
        print_unchecked(&w->r, unchecked);
        print_content(&w->r, o);
        label = label_json(&o->label);
        (void)json_object_set_new(label, "verified", json_boolean(believed(o)));
        (void)json_object_set_new(label, "sha256", json_bare_digest(att_buf_slice(file)));
        if (o->receipt.known) {
            (void)json_object_set_new(label, "log", json_receipt(&o->receipt));
        }
        if (o->status.known) {
            (void)json_object_set_new(label, "status_list_says", json_status(&o->status));
        }
    }
    print_verdict(&w->r, VERDICTS[o->verdict], o->has_label && o->label.status == ATT_TIER_WARNING);
    keep_file(w, path, VERDICTS[o->verdict], label, unchecked);
}

static void print_counts(const struct verifying *w)
{
    const struct cli *cli = w->r.cli;

    report_line(&w->r, "%s %zu, %s %zu, %s %zu, %s %zu", tr(cli, "verified", "検証済み"),
                w->count[V_PASS], tr(cli, "not verified", "不合格"), w->count[V_FAIL],
                tr(cli, "undecided", "判定不能"), w->count[V_UNDECIDED],
                tr(cli, "malformed", "形式不正"), w->count[V_MALFORMED]);
}

static int verify_all(struct verifying *w, int argc, char **argv)
{
    struct att_offline *o = calloc(1, sizeof(*o));
    struct att_diag diag = {0};

    if (o == NULL) {
        (void)att_fail(&diag, ATT_E_NOMEM, ATT_R_NOMEM, "label", "no memory");
        return report_failure(&w->r, ATT_E_NOMEM, &diag);
    }
    w->several = argc > 2;
    for (int i = 1; i < argc; i++) {
        verify_one(w, argv[i], o);
    }
    free(o);
    w->r.about = NULL;
    if (w->several) {
        print_counts(w);
    }
    if (w->r.verdict == V_UNDECIDED && w->denied) {
        w->r.exit_override = EXIT_PERMISSION;
    }
    return report_finish(&w->r);
}

/* What the list is worth is said at each label; here only that it can be read. */
static enum att_err open_status_list(struct verifying *w, const char *path, struct att_diag *diag)
{
    enum att_err err = att_file_read(&w->list_file, path, ATT_STATUS_FILE_MAX + 1, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_offline_list_open(&w->list, att_buf_slice(w->list_file), w->trust.anchors);
    if (err != ATT_OK) {
        *diag = w->list.why;
        return err;
    }
    w->trust.rules.status_list = &w->list;
    return ATT_OK;
}

static void close_all(struct verifying *w)
{
    att_offline_list_close(&w->list);
    att_buf_freep(&w->list_file);
    trust_clear(&w->trust);
}

int cmd_label_verify(struct cli *cli, int argc, char **argv)
{
    struct verifying w = {.r = report_start(cli, "attestctl.label-verify.v1")};
    const char *accept = NULL;
    const char *device = NULL;
    const char *status = NULL;
    const struct option_spec options[] = {
        {"accept", &accept, NULL, "warning", "also take a status that is a warning, and show it",
         "状態が警告でも受け入れ、そう表示する"},
        {"device", &device, NULL, "ID", "the label must be for this device",
         "この機器のラベルであること"},
        {"status", &status, NULL, "FILE", "the issuer's status list: was the label revoked?",
         "発行者のステータスリスト (失効の確認)"}};
    struct att_diag diag = {0};
    int code = options_parse(&w.r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;
    char shown[64];

    if (code != OPTIONS_OK) {
        return code;
    }
    if (accept != NULL && strcmp(accept, "warning") != 0) {
        return report_usage(&w.r, "--accept", "expected warning, found %s",
                            text_safe(shown, sizeof(shown), accept));
    }
    err = trust_load(&w.trust, cli->trust, &diag);
    if (err == ATT_OK && status != NULL) {
        err = open_status_list(&w, status, &diag);
    }
    if (err != ATT_OK) {
        close_all(&w);
        return report_failure(&w.r, err, &diag);
    }
    w.trust.rules.accept_warning = accept != NULL;
    w.trust.rules.device_id = device;
    w.files = json_array();
    (void)json_object_set_new(w.r.root, "files", w.files);
    (void)json_object_set_new(w.r.root, "evaluated_at", label_json_time(cli->at));
    code = verify_all(&w, argc, argv);
    close_all(&w);
    return code;
}
