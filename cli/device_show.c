/* Gateways as text for people. */
#include "device_show.h"

#include <stdio.h>
#include <string.h>

/* A member as text that may be printed; "-" when there is none. */
const char *device_text(char *out, size_t cap, const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text_safe(out, cap, text != NULL ? text : "-");
}

enum { COLUMNS = 6 };

static void print_row(const struct report *r, const char *const cell[COLUMNS])
{
    static const int WIDTHS[COLUMNS] = {24, 11, 5, 20, 20, 0};
    char line[1024];
    size_t at = 0;

    for (size_t i = 0; i < COLUMNS; i++) {
        char padded[256];

        (void)text_pad(padded, sizeof(padded), cell[i], WIDTHS[i]);
        at += (size_t)snprintf(line + at, sizeof(line) - at, "%s%s", padded,
                               i + 1 < COLUMNS ? " " : "");
        if (at >= sizeof(line)) {
            break;
        }
    }
    report_line(r, "%s", line);
}

void device_list_header(const struct report *r)
{
    static const char *const EN[COLUMNS] = {"ID",        "STATUS",   "GRADE",
                                            "LAST SEEN", "DEADLINE", "REASON"};
    static const char *const JA[COLUMNS] = {"ID", "状態", "等級", "最終確認", "期限", "理由"};

    print_row(r, r->cli->lang == LANG_JA ? JA : EN);
}

void device_list_page(struct report *r, const json_t *page, json_t *all)
{
    json_t *devices = json_object_get(page, "devices");

    for (size_t i = 0; i < json_array_size(devices); i++) {
        static const char *const KEYS[COLUMNS] = {"id",        "status",   "grade",
                                                  "last_seen", "deadline", "reason"};
        json_t *d = json_array_get(devices, i);
        char text[COLUMNS][128];
        const char *cell[COLUMNS];

        for (size_t k = 0; k < COLUMNS; k++) {
            cell[k] = device_text(text[k], sizeof(text[k]), d, KEYS[k]);
        }
        (void)json_array_append(all, d);
        print_row(r, cell);
    }
}

/* The next page's path; false when this was the last. An id that is none ends the list too. */
bool device_next_page(char *path, size_t cap, const json_t *page)
{
    const char *next = json_string_value(json_object_get(page, "next"));

    if (next == NULL || !plain_id(next)) {
        return false;
    }
    (void)snprintf(path, cap, "/admin/v1/devices?after=%s", next);
    return true;
}

static const char *member_name(const struct cli *cli, const char *key)
{
    static const struct {
        const char *key, *ja;
    } NAMES[] = {{"id", "ID"},
                 {"status", "状態"},
                 {"reason", "理由"},
                 {"grade", "等級"},
                 {"enrolled", "登録"},
                 {"last_seen", "最終確認"},
                 {"deadline", "期限"},
                 {"ek_name", "EK 名"},
                 {"device_serial", "機器の製造番号"},
                 {"hw_serial", "TPM の番号"},
                 {"issuer", "発行者"},
                 {"subject", "名義"},
                 {"not_after", "有効期限"},
                 {"ak_name", "AK 名"},
                 {"ek_verified", "EK 証明書"},
                 {"cti", "ラベル ID"},
                 {"outcome", "結果番号"},
                 {"issued", "発行"},
                 {"expires", "有効期限"},
                 {"current", "現行"},
                 {"verifier", "検証者"},
                 {"device", "機器"},
                 {"signer", "署名者"},
                 {"role", "役割"},
                 {"quarantine", "隔離"}};

    for (size_t i = 0; cli->lang == LANG_JA && i < ATT_COUNT(NAMES); i++) {
        if (strcmp(NAMES[i].key, key) == 0) {
            return NAMES[i].ja;
        }
    }
    return key;
}

static void print_members(const struct report *r, const json_t *o)
{
    const char *key = NULL;
    json_t *value = NULL;
    char safe[256];
    char name[128];

    json_object_foreach((json_t *)(uintptr_t)o, key, value)
    {
        (void)text_safe(name, sizeof(name), member_name(r->cli, key)); /* others name it too */

        if (json_is_string(value)) {
            report_field(r, name, "%s", text_safe(safe, sizeof(safe), json_string_value(value)));
        } else if (json_is_integer(value)) {
            report_field(r, name, "%lld", (long long)json_integer_value(value));
        } else if (json_is_boolean(value)) {
            report_field(r, name, "%s",
                         json_is_true(value) ? tr(r->cli, "yes", "はい")
                                             : tr(r->cli, "no", "いいえ"));
        } else if (json_is_null(value)) {
            report_field(r, name, "-");
        }
    }
}

/* Whom it was given to, or received from: the other side of the statement. */
static void print_transfer(const struct report *r, const json_t *t)
{
    bool received = strcmp(json_is_string(json_object_get(t, "role"))
                               ? json_string_value(json_object_get(t, "role"))
                               : "",
                           "received") == 0;
    const json_t *other = json_object_get(t, received ? "giver" : "receiver");

    if (!json_is_object(t)) {
        return;
    }
    report_line(r, "%s",
                received ? tr(r->cli, "received by a transfer from:", "移管による受領元:")
                         : tr(r->cli, "given by a transfer to:", "移管先:"));
    print_members(r, other);
    print_members(r, t);
}

/* What its factory certified, when it showed that at its enrolment. */
static void print_factory(const struct report *r, const json_t *device)
{
    static const struct {
        const char *key, *en, *ja;
    } KEYS[] = {
        {"iak", "attestation key of its factory (IAK), proven:", "出荷時の証明鍵 (IAK)、証明済み:"},
        {"idevid",
         "identity key of its factory (IDevID), proven:", "出荷時の識別鍵 (IDevID)、証明済み:"}};

    for (size_t i = 0; i < ATT_COUNT(KEYS); i++) {
        const json_t *one = json_object_get(device, KEYS[i].key);

        if (json_is_object(one)) {
            report_line(r, "%s", tr(r->cli, KEYS[i].en, KEYS[i].ja));
            print_members(r, one);
        }
    }
}

/* The requirement that was not met, in the words of the policy. */
static void print_requirement(const struct report *r, const json_t *reason)
{
    const char *title = json_string_value(
        json_object_get(json_object_get(reason, "title"), tr(r->cli, "en", "ja")));
    char id[64];
    char shown[512];
    char line[640];

    if (title != NULL) {
        (void)snprintf(line, sizeof(line), "%s: %s",
                       device_text(id, sizeof(id), reason, "requirement"),
                       text_safe(shown, sizeof(shown), title));
        report_note(r, line);
    }
}

/* Why the last label is not affirming, with what to do: the words that the agent prints too. */
static void print_reasons(struct report *r, const json_t *device)
{
    const json_t *reasons = json_object_get(device, "reasons");

    for (size_t i = 0; i < json_array_size(reasons); i++) {
        const json_t *x = json_array_get(reasons, i);
        char code[64];
        char name[256];
        char expected[80];
        char found[80];
        char text[256] = "";

        if (json_is_string(json_object_get(x, "expected")) ||
            json_is_string(json_object_get(x, "found"))) {
            (void)snprintf(text, sizeof(text), "expected %s, found %s",
                           device_text(expected, sizeof(expected), x, "expected"),
                           device_text(found, sizeof(found), x, "found"));
        }
        report_reason(r, device_text(code, sizeof(code), x, "code"),
                      device_text(name, sizeof(name), x, "name"), text);
        print_requirement(r, x);
    }
}

/* What happened to its time before the last attestation: no fault, and no reason. */
static void print_states(const struct report *r, const json_t *device)
{
    const json_t *states = json_object_get(device, "states");

    for (size_t i = 0; i < json_array_size(states); i++) {
        const json_t *x = json_array_get(states, i);
        const struct att_reason_info *info = NULL;
        char code[64];
        char clocks[256];
        char advice[512];

        (void)device_text(code, sizeof(code), x, "code");
        info = att_reason_info(att_reason_find(code));
        report_line(r, "i %s  %s", code, tr(r->cli, info->en, info->ja));
        report_note(r, device_text(clocks, sizeof(clocks), x, "detail"));
        (void)snprintf(advice, sizeof(advice), "\u2192 %s", tr(r->cli, info->fix_en, info->fix_ja));
        report_note(r, advice);
    }
}

/* What holds it, and how that ends. */
static void print_quarantine(struct report *r, const json_t *device)
{
    const json_t *q = json_object_get(device, "quarantine");
    char code[64];
    char since[64];

    if (!json_is_object(q)) {
        return;
    }
    report_line(r, "%s %s", tr(r->cli, "in quarantine since", "隔離開始:"),
                device_text(since, sizeof(since), q, "since"));
    report_reason(r, device_text(code, sizeof(code), q, "code"), "", "");
    report_note(r, json_is_true(json_object_get(q, "lasting"))
                       ? tr(r->cli,
                            "it lasts until the gateway enrols again: attestctl device allow "
                            "ID --replace",
                            "機器を登録し直すまで続きます: attestctl device allow ID --replace")
                       : tr(r->cli,
                            "it ends when the cause is gone and the verifier judges again (SIGHUP, "
                            "or once a day)",
                            "原因がなくなり、検証者が再判定すると (SIGHUP または 1 日 1 "
                            "回) 終わります"));
}

void device_print(struct report *r, const json_t *device)
{
    const json_t *label = json_object_get(device, "label");

    print_members(r, device);
    if (json_is_object(label)) {
        report_line(r, "%s", tr(r->cli, "last label:", "最新のラベル:"));
        print_members(r, label);
    }
    print_factory(r, device);
    print_transfer(r, json_object_get(device, "transfer"));
    print_quarantine(r, device);
    print_states(r, device);
    print_reasons(r, device);
}
