/* device list, show, allow, remove: the operator's requests over the verifier's unix socket. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/json.h"
#include "commands.h"

#define PATH_ROOM 256
#define TTL_MAX_S 2592000

#define SOCKET_OPTION(to)                                                                          \
    {                                                                                              \
        "socket", (to), NULL, "PATH", "the administrator's socket", "管理ソケット"           \
    }

static int bad_id(struct report *r, const char *id)
{
    char shown[64];

    return report_usage(r, "ID", "expected 1 to 64 of A-Z a-z 0-9 . _ -, found %s",
                        text_safe(shown, sizeof(shown), id));
}

/* A member as text that may be printed; "-" when there is none. */
static const char *text_of(char *out, size_t cap, const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text != NULL ? text_safe(out, cap, text) : "-";
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

static void print_header(const struct report *r)
{
    static const char *const EN[COLUMNS] = {"ID",        "STATUS",   "GRADE",
                                            "LAST SEEN", "DEADLINE", "REASON"};
    static const char *const JA[COLUMNS] = {"ID", "状態", "等級", "最終確認", "期限", "理由"};

    print_row(r, r->cli->lang == LANG_JA ? JA : EN);
}

static void list_page(struct report *r, const json_t *page, json_t *all)
{
    json_t *devices = json_object_get(page, "devices");

    for (size_t i = 0; i < json_array_size(devices); i++) {
        static const char *const KEYS[COLUMNS] = {"id",        "status",   "grade",
                                                  "last_seen", "deadline", "reason"};
        json_t *d = json_array_get(devices, i);
        char text[COLUMNS][128];
        const char *cell[COLUMNS];

        for (size_t k = 0; k < COLUMNS; k++) {
            cell[k] = text_of(text[k], sizeof(text[k]), d, KEYS[k]);
        }
        (void)json_array_append(all, d);
        print_row(r, cell);
    }
}

/* The next page's path; false when this was the last. An id that is none ends the list too. */
static bool next_page(char *path, size_t cap, const json_t *page)
{
    const char *next = json_string_value(json_object_get(page, "next"));

    if (next == NULL || !plain_id(next)) {
        return false;
    }
    (void)snprintf(path, cap, "/admin/v1/devices?after=%s", next);
    return true;
}

int cmd_device_list(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.device-list.v1");
    struct online_request req = {.kind = "admin", .method = "GET", .socket = cli->socket};
    const struct option_spec options[] = {SOCKET_OPTION(&req.socket)};
    struct att_diag diag = {0};
    char path[PATH_ROOM] = "/admin/v1/devices";
    json_t *all = json_array();
    bool more = true;
    int code = OPTIONS_OK;

    (void)json_object_set_new(r.root, "devices", all);
    code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    if (code != OPTIONS_OK) {
        return code;
    }
    req.target = path;
    for (bool first = true; more; first = false) {
        ATT_CLEANUP(att_json_freep) json_t *page = NULL;
        enum att_err err = online_admin(&req, &page, &diag);

        if (err != ATT_OK) {
            return report_failure(&r, err, &diag);
        }
        if (first) {
            print_header(&r);
        }
        list_page(&r, page, all);
        more = next_page(path, sizeof(path), page);
    }
    if (json_array_size(all) == 0) {
        report_line(&r, "%s",
                    tr(cli, "no gateway is enrolled yet; next: attestctl device allow",
                       "登録機器はありません。次: attestctl device allow"));
    }
    return report_finish(&r);
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

    json_object_foreach((json_t *)(uintptr_t)o, key, value)
    {
        const char *name = member_name(r->cli, key);

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
        (void)snprintf(line, sizeof(line), "%s: %s", text_of(id, sizeof(id), reason, "requirement"),
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
                           text_of(expected, sizeof(expected), x, "expected"),
                           text_of(found, sizeof(found), x, "found"));
        }
        report_reason(r, text_of(code, sizeof(code), x, "code"),
                      text_of(name, sizeof(name), x, "name"), text);
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

        (void)text_of(code, sizeof(code), x, "code");
        info = att_reason_info(att_reason_find(code));
        report_line(r, "i %s  %s", code, tr(r->cli, info->en, info->ja));
        report_note(r, text_of(clocks, sizeof(clocks), x, "detail"));
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
                text_of(since, sizeof(since), q, "since"));
    report_reason(r, text_of(code, sizeof(code), q, "code"), "", "");
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

int cmd_device_show(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.device-show.v1");
    ATT_CLEANUP(att_json_freep) json_t *answer = NULL;
    struct online_request req = {.kind = "admin", .method = "GET", .socket = cli->socket};
    const struct option_spec options[] = {SOCKET_OPTION(&req.socket)};
    struct att_diag diag = {0};
    char path[PATH_ROOM];
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    if (!plain_id(argv[1])) {
        return bad_id(&r, argv[1]);
    }
    (void)snprintf(path, sizeof(path), "/admin/v1/devices/%s", argv[1]);
    req.target = path;
    err = online_admin(&req, &answer, &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    (void)json_object_set(r.root, "device", answer);
    print_members(&r, answer);
    if (json_is_object(json_object_get(answer, "label"))) {
        report_line(&r, "%s", tr(cli, "last label:", "最新のラベル:"));
        print_members(&r, json_object_get(answer, "label"));
    }
    print_factory(&r, answer);
    print_transfer(&r, json_object_get(answer, "transfer"));
    print_quarantine(&r, answer);
    print_states(&r, answer);
    print_reasons(&r, answer);
    return report_finish(&r);
}

/* Seconds as a person writes them: decimal digits, 1 to 30 days. */
static bool read_ttl(json_int_t *out, const char *text)
{
    long long value = 0;

    if (text[0] == '\0' || strlen(text) > 9 || strspn(text, "0123456789") != strlen(text)) {
        return false;
    }
    value = strtoll(text, NULL, 10);
    *out = value;
    return value >= 1 && value <= TTL_MAX_S;
}

static enum att_err post_allow(struct online_request *req, const json_t *what, json_t **answer,
                               struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    enum att_err err = att_json_print(&text, what);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "request", "no memory");
    }
    req->body = att_buf_slice(text);
    err = online_admin(req, answer, diag);
    req->body = (struct att_slice){0};
    return err;
}

/* The token alone on standard output, so that it can go into a file; the rest is for the person. */
static int allowed(struct report *r, json_t *answer)
{
    char text[128];
    bool token = json_is_string(json_object_get(answer, "token"));

    (void)json_object_set(r->root, "allowed", answer);
    if (!token) {
        report_line(r, "%s",
                    tr(r->cli, "the endorsement key is allow-listed", "EK を許可しました"));
        return report_finish(r);
    }
    if (!r->cli->json) {
        (void)printf("%s\n", text_of(text, sizeof(text), answer, "token"));
    }
    if (!r->cli->json && !r->cli->quiet) {
        (void)fprintf(stderr, "attestctl: %s %s\n",
                      tr(r->cli, "one use, until", "一回限り、有効期限"),
                      text_of(text, sizeof(text), answer, "expires"));
    }
    return report_finish(r);
}

/* What is asked for: members that were not given are left out. */
static json_t *permission(const char *id, const char *ek, json_int_t ttl_s, bool replace)
{
    json_t *what = json_object();

    if (id != NULL) {
        (void)json_object_set_new(what, "id", json_string(id));
    }
    if (ek != NULL) {
        (void)json_object_set_new(what, "ek_name", json_string(ek));
    }
    if (ttl_s > 0) {
        (void)json_object_set_new(what, "ttl_s", json_integer(ttl_s));
    }
    if (replace) {
        (void)json_object_set_new(what, "replace", json_true());
    }
    return what;
}

int cmd_device_allow(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.device-allow.v1");
    ATT_CLEANUP(att_json_freep) json_t *answer = NULL;
    ATT_CLEANUP(att_json_freep) json_t *what = NULL;
    struct online_request req = {
        .kind = "admin", .method = "POST", .target = "/admin/v1/allow", .socket = cli->socket};
    const char *ek = NULL;
    const char *ttl = NULL;
    bool replace = false;
    const struct option_spec options[] = {
        SOCKET_OPTION(&req.socket),
        {"replace", NULL, &replace, NULL,
         "the gateway of this id may enrol again; its history stays",
         "この ID の機器の再登録を許可する (履歴は残る)"},
        {"ek", &ek, NULL, "HEX", "allow-list the endorsement key of this name instead",
         "代わりに、この名前の EK を許可する"},
        {"ttl", &ttl, NULL, "SECONDS", "how long the token is good: 1 to 2592000, else a day",
         "トークンの有効秒数 (1〜2592000、既定は一日)"}};
    struct att_diag diag = {0};
    json_int_t ttl_s = 0;
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    if (argc == 2 && !plain_id(argv[1])) {
        return bad_id(&r, argv[1]);
    }
    if (ttl != NULL && !read_ttl(&ttl_s, ttl)) {
        return report_usage(&r, "--ttl", "expected 1 to 2592000 seconds, found %.40s", ttl);
    }
    if (replace && (argc != 2 || ek != NULL)) {
        return report_usage(&r, "--replace", "expected %s, found %s", "the id of a gateway",
                            ek != NULL ? "--ek" : "none");
    }
    what = permission(argc == 2 ? argv[1] : NULL, ek, ttl != NULL ? ttl_s : 0, replace);
    err = post_allow(&req, what, &answer, &diag);
    return err != ATT_OK ? report_failure(&r, err, &diag) : allowed(&r, answer);
}

/* Asked on a terminal only; elsewhere --yes is the answer. */
static bool confirmed(const struct cli *cli, const char *id)
{
    char line[16] = "";

    if (cli->yes) {
        return true;
    }
    if (cli->no_input || isatty(STDIN_FILENO) == 0) {
        return false;
    }
    (void)fprintf(stderr, "%s %s: %s [y/N] ", id, tr(cli, "will be removed", "を削除します"),
                  tr(cli, "it must enrol again afterwards", "再登録が必要になります"));
    return fgets(line, sizeof(line), stdin) != NULL && (line[0] == 'y' || line[0] == 'Y');
}

int cmd_device_remove(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.device-remove.v1");
    ATT_CLEANUP(att_json_freep) json_t *answer = NULL;
    struct online_request req = {.kind = "admin", .method = "DELETE", .socket = cli->socket};
    const struct option_spec options[] = {SOCKET_OPTION(&req.socket)};
    struct att_diag diag = {0};
    char path[PATH_ROOM];
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    if (!plain_id(argv[1])) {
        return bad_id(&r, argv[1]);
    }
    if (!confirmed(cli, argv[1])) {
        return report_usage(&r, "--yes", "expected %s, found nothing",
                            "--yes: the gateway must enrol again afterwards");
    }
    (void)snprintf(path, sizeof(path), "/admin/v1/devices/%s", argv[1]);
    req.target = path;
    err = online_admin(&req, &answer, &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    report_line(&r, "%s %s", argv[1], tr(cli, "removed", "を削除しました"));
    return report_finish(&r);
}
