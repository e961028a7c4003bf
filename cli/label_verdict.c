/* A judged label for people and for scripts. */
#include "label_verdict.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "label_text.h"
#include "tlog/entry.h"

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
        {"checkpoint", "what witnesses say of the log", "ログについての証人の確認"},
        {"newest", "whether there is a newer label (give --newer)",
         "より新しいラベルの有無 (--newer で指定)"},
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
    if (o->checkpoint.known && o->checkpoint.witnesses > 0) {
        report_line(r, "  %s %zu, %s %llu",
                    tr(r->cli, "Witnesses that confirmed the log:", "ログを確認した証人:"),
                    o->checkpoint.witnesses, tr(r->cli, "at a size of", "全件数"),
                    (unsigned long long)o->checkpoint.size);
        return;
    }
    report_line(r, "  %s",
                tr(r->cli, "No witness has confirmed the log: its operator alone vouches for it.",
                   "ログを確認した証人はいません。運用者だけが保証しています。"));
}

static json_t *json_receipt(const struct att_offline *r)
{
    const struct att_offline_receipt *p = &r->receipt;
    json_t *o = json_object();

    (void)json_object_set_new(o, "origin", json_string(p->origin));
    (void)json_object_set_new(o, "index", json_integer((json_int_t)p->index));
    (void)json_object_set_new(o, "size", json_integer((json_int_t)p->size));
    (void)json_object_set_new(o, "signed_at", label_json_time(p->iat));
    (void)json_object_set_new(o, "witnesses", json_integer((json_int_t)r->checkpoint.witnesses));
    if (r->checkpoint.known) {
        (void)json_object_set_new(o, "checkpoint_size",
                                  json_integer((json_int_t)r->checkpoint.size));
    }
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

void label_verdict_print(const struct report *r, enum verdict v, bool warning)
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

enum verdict label_verdict(const struct att_offline *o)
{
    return VERDICTS[o->verdict];
}

json_t *label_verdict_tell(struct report *r, const struct att_offline *o, struct att_slice file,
                           json_t *unchecked)
{
    json_t *label = NULL;

    for (size_t i = 0; i < o->check_count; i++) {
        report_one_check(r, o, &o->check[i], unchecked);
    }
    if (!o->has_label) {
        return NULL;
    }
    print_unchecked(r, unchecked);
    print_content(r, o);
    label = label_json(&o->label);
    (void)json_object_set_new(label, "verified", json_boolean(believed(o)));
    (void)json_object_set_new(label, "sha256", json_bare_digest(file));
    if (o->receipt.known) {
        (void)json_object_set_new(label, "log", json_receipt(o));
    }
    if (o->status.known) {
        (void)json_object_set_new(label, "status_list_says", json_status(&o->status));
    }
    return label;
}
