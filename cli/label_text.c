/* A label in words and in JSON. Every text in it is the issuer's and made safe before a terminal sees it. */
#include "label_text.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/hex.h"
#include "crypto/key.h"

#define VALUE_ROOM 320

static const char *const CLAIM_NAMES[ATT_TRUST__COUNT] = {
    "instance-identity", "configuration",  "executables",    "file-system",
    "hardware",          "runtime-opaque", "storage-opaque", "sourced-data"};

json_t *label_json_time(int64_t utc_s)
{
    char text[ATT_TIME_TEXT];

    return json_string(att_time_print(text, sizeof(text), utc_s));
}

bool label_is_id(const char *text)
{
    return strlen(text) == 2 * ATT_CTI_LEN && strspn(text, "0123456789abcdef") == 2 * ATT_CTI_LEN;
}

static json_t *json_safe(const char *in)
{
    char safe[VALUE_ROOM];

    return json_string(text_safe(safe, sizeof(safe), in));
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

static json_t *json_reasons(const struct att_label *l)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < l->reason_count; i++) {
        const struct att_label_reason *x = &l->reason[i];
        json_t *reason = json_object();

        (void)json_object_set_new(reason, "code", json_safe(x->code));
        (void)json_object_set_new(reason, "requirement", json_safe(x->requirement));
        (void)json_object_set_new(reason, "path", json_safe(x->name));
        if (x->has_expected) {
            (void)json_object_set_new(reason, "expected", json_hex(att_slice_of(x->expected, 32)));
        }
        if (x->has_found) {
            (void)json_object_set_new(reason, "found", json_hex(att_slice_of(x->found, 32)));
        }
        (void)json_array_append_new(list, reason);
    }
    return list;
}

/* Transcription specifications and their channels: what records of data name. */
static json_t *json_specs(const struct att_label *l)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < l->spec_count; i++) {
        (void)json_array_append_new(list, json_pack("{s:o, s:o}", "name",
                                                    json_safe(l->spec[i].name), "digest",
                                                    json_hex(att_slice_of(l->spec[i].digest, 32))));
    }
    return list;
}

/* The fingerprint that attest-agent status shows too: SHA-256 of the key as SubjectPublicKeyInfo. "" for no point. */
static const char *data_key_print(char hex[65], const struct att_label *l)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    const size_t half = ATT_DATA_KEY_POINT / 2;
    uint8_t print[32];

    hex[0] = '\0';
    if (att_pubkey_from_ec(&key, ATT_KEY_EC_P256, att_slice_of(l->data_key, half),
                           att_slice_of(l->data_key + half, half), NULL) == ATT_OK &&
        att_pubkey_fingerprint(print, key) == ATT_OK) {
        (void)att_hex_encode(hex, 65, att_slice_of(print, sizeof(print)));
    }
    return hex;
}

static void json_data_key(json_t *o, const struct att_label *l)
{
    const size_t half = ATT_DATA_KEY_POINT / 2;
    char hex[65];

    if (l->has_data_key) {
        (void)json_object_set_new(o, "data_key",
                                  json_pack("{s:s, s:o, s:o}", "sha256", data_key_print(hex, l),
                                            "x", json_hex(att_slice_of(l->data_key, half)), "y",
                                            json_hex(att_slice_of(l->data_key + half, half))));
    }
    if (l->has_batch_head) {
        (void)json_object_set_new(o, "batch_head",
                                  json_hex(att_slice_of(l->batch_head, sizeof(l->batch_head))));
    }
}

json_t *label_json(const struct att_label *l)
{
    static const char *const KEYS[] = {"file", "pkcs11", "tpm"};
    json_t *o = json_object();
    char grade[8];

    (void)snprintf(grade, sizeof(grade), "E%d", l->grade);
    (void)json_object_set_new(o, "issuer", json_safe(l->issuer));
    (void)json_object_set_new(o, "subject", json_safe(l->subject));
    (void)json_object_set_new(o, "device", json_safe(l->device_id));
    (void)json_object_set_new(o, "id", json_hex(att_slice_of(l->cti, ATT_CTI_LEN)));
    (void)json_object_set_new(o, "status", json_string(att_tier_name(l->status)));
    (void)json_object_set_new(o, "grade", json_string(grade));
    (void)json_object_set_new(o, "vector", json_vector(l));
    (void)json_object_set_new(o, "policy", json_safe(l->policy_id));
    (void)json_object_set_new(o, "policy_digest", json_hex(att_slice_of(l->policy_digest, 32)));
    (void)json_object_set_new(o, "references_digest",
                              json_hex(att_slice_of(l->refvals_digest, 32)));
    (void)json_object_set_new(o, "evidence_digest", json_hex(att_slice_of(l->evidence_digest, 32)));
    (void)json_object_set_new(o, "issued", label_json_time(l->iat));
    (void)json_object_set_new(o, "expires", label_json_time(l->exp));
    (void)json_object_set_new(o, "key_class", json_string(KEYS[l->key_class]));
    (void)json_object_set_new(o, "items_judged", json_integer((json_int_t)l->items_judged));
    (void)json_object_set_new(o, "specifications", json_specs(l));
    if (l->has_status_list) {
        (void)json_object_set_new(
            o, "status_list",
            json_pack("{s:s, s:I}", "uri", l->status_uri, "index", (json_int_t)l->status_index));
    }
    json_data_key(o, l);
    (void)json_object_set_new(o, "reasons", json_reasons(l));
    return o;
}

/* What the grade does not prove: nobody should read more into a label than it says. */
void label_print_limits(const struct report *r, const struct att_label *l)
{
    if (l->grade < 3) {
        report_line(
            r, "  %s",
            tr(r->cli,
               "Below grade E3 the gateway's own agent is the only witness: this shows drift, "
               "mistakes and the TPM's identity, not a deliberate change by whoever administers "
               "the gateway.",
               "E3 未満では機器自身のエージェントだけが証人です。変化や誤り、TPM の同一性は"
               "示しますが、管理者による意図的な変更の不在は示しません。"));
    }
    report_line(r, "  %s",
                tr(r->cli,
                   "This label describes what was measured at the time it was issued. It says "
                   "nothing about vulnerabilities, and it is no approval by an authority.",
                   "このラベルは発行時に測定した状態を示すものです。脆弱性の有無や公的な承認を示す"
                   "ものではありません。"));
    if (l->has_data_key) {
        report_line(
            r, "  %s",
            tr(r->cli,
               "The gateway's TPM begins to use the data key in this state, in this boot and until "
               "this label expires, and not else. What was begun before then (63 times on a "
               "usual TPM) can each sign once later, and the TPM's clock may run slow by 15 %: "
               "only data that a later label's batch head covers has a confirmed time.",
               "機器の TPM は、この状態、この起動、このラベルの期限内でのみデータ鍵の使用を開始"
               "します。ただし期限前に開始した分 (通常の TPM で 63 回) は後から各 1 回署名でき、"
               "TPM の時計は最大 15 % 遅れることがあります。時刻が確認できるのは、後のラベルの"
               "バッチ先頭に含まれるデータだけです。"));
    }
}

static void print_text(const struct report *r, const char *name, const char *value)
{
    char safe[VALUE_ROOM];

    report_field(r, name, "%s", text_safe(safe, sizeof(safe), value));
}

static void print_product(const struct report *r, const struct att_label *l)
{
    char text[VALUE_ROOM];

    if (l->manufacturer[0] == '\0' && l->model[0] == '\0') {
        return;
    }
    (void)snprintf(text, sizeof(text), "%s %s %s", l->manufacturer, l->model, l->hardware_version);
    print_text(r, tr(r->cli, "product", "製品"), text);
}

static const char *status_word(const struct cli *cli, enum att_tier status)
{
    static const char *const JA[] = {[ATT_TIER_NONE] = "なし",
                                     [ATT_TIER_AFFIRMING] = "肯定 (affirming)",
                                     [ATT_TIER_WARNING] = "警告 (warning)",
                                     [ATT_TIER_CONTRAINDICATED] = "否定 (contraindicated)"};

    switch (status) {
    case ATT_TIER_NONE:
    case ATT_TIER_AFFIRMING:
    case ATT_TIER_WARNING:
    case ATT_TIER_CONTRAINDICATED:
        return tr(cli, att_tier_name(status), cli->lang == LANG_JA ? JA[status] : "");
    }
    return "?";
}

void label_print(const struct report *r, const struct att_label *l)
{
    const struct cli *cli = r->cli;
    char from[ATT_TIME_TEXT];
    char to[ATT_TIME_TEXT];
    char digest[65];
    char policy[VALUE_ROOM];

    print_text(r, tr(cli, "device", "機器"), l->device_id);
    print_text(r, tr(cli, "subject", "識別子"), l->subject);
    print_text(r, tr(cli, "issuer", "発行者"), l->issuer);
    report_field(r, tr(cli, "status", "状態"), "%s", status_word(cli, l->status));
    report_field(r, tr(cli, "grade", "等級"), "E%d", l->grade);
    report_field(r, tr(cli, "valid", "有効期間"), "%s \u2013 %s",
                 att_time_print(from, sizeof(from), l->iat),
                 att_time_print(to, sizeof(to), l->exp));
    report_field(r, tr(cli, "policy", "方針"), "%s  (sha256 %.16s...)",
                 text_safe(policy, sizeof(policy), l->policy_id),
                 att_hex_encode(digest, sizeof(digest), att_slice_of(l->policy_digest, 32)));
    report_field(r, tr(cli, "items judged", "判定項目数"), "%llu",
                 (unsigned long long)l->items_judged);
    for (uint32_t i = 0; i < l->spec_count; i++) {
        if (strchr(l->spec[i].name, '/') == NULL || cli->verbose) {
            report_field(
                r, tr(cli, "specification", "転写仕様"), "%s  (sha256 %.16s...)", l->spec[i].name,
                att_hex_encode(digest, sizeof(digest), att_slice_of(l->spec[i].digest, 32)));
        }
    }
    if (l->has_status_list) {
        report_field(r, tr(cli, "status list", "失効リスト"), "%s #%llu", l->status_uri,
                     (unsigned long long)l->status_index);
    }
    if (l->has_data_key) {
        report_field(r, tr(cli, "data key", "データ鍵"), "sha256 %s", data_key_print(digest, l));
    }
    if (l->has_batch_head) {
        report_field(r, tr(cli, "batch head", "バッチ先頭"), "%s",
                     att_hex_encode(digest, sizeof(digest),
                                    att_slice_of(l->batch_head, sizeof(l->batch_head))));
    }
    print_product(r, l);
}

void label_reasons(struct report *r, const struct att_label *l)
{
    for (uint32_t i = 0; i < l->reason_count; i++) {
        const struct att_label_reason *x = &l->reason[i];
        char expected[65] = "nothing";
        char found[65] = "nothing";
        char text[256] = "";

        if (x->has_expected) {
            (void)att_hex_encode(expected, sizeof(expected), att_slice_of(x->expected, 32));
        }
        if (x->has_found) {
            (void)att_hex_encode(found, sizeof(found), att_slice_of(x->found, 32));
        }
        if (x->has_expected || x->has_found) {
            (void)snprintf(text, sizeof(text), "expected %s, found %s", expected, found);
        }
        report_reason(r, x->code, x->name, text);
    }
}
