/* notice show. */
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "notice_tell.h"

#define SHOWN_CHANGES 20 /* of which people see a line each, without -v */

static void tell_head(struct report *r, const struct att_notice *n)
{
    const struct cli *cli = r->cli;
    char from[32], until[32];
    json_t *devices = json_array();

    (void)att_time_print(from, sizeof(from), n->from_s);
    (void)att_time_print(until, sizeof(until), n->until_s);
    for (size_t i = 0; i < n->device_count; i++) {
        (void)json_array_append_new(devices, json_string(n->device[i]));
    }
    (void)json_object_set_new(r->root, "notice",
                              json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "id", n->id, "role",
                                        n->role, "from", from, "until", until, "en", n->title_en,
                                        "ja", n->title_ja, "devices", devices));
    report_field(r, tr(cli, "notice", "通知"), "%s: %s", n->id,
                 tr(cli, n->title_en, n->title_ja[0] != '\0' ? n->title_ja : n->title_en));
    report_field(r, tr(cli, "role", "役割"), "%s", n->role);
    report_field(r, tr(cli, "window", "期間"), "%s - %s", from, until);
    for (size_t i = 0; i < n->device_count; i++) {
        report_field(r, tr(cli, "gateway", "機器"), "%s", n->device[i]);
    }
    if (n->device_count == 0) {
        report_field(r, tr(cli, "gateways", "機器"), "%s", tr(cli, "all", "すべて"));
    }
    report_field(r, tr(cli, "changes", "変更"), "%zu", n->change_count);
}

static void tell_change(struct report *r, const struct att_change *c, bool line, json_t *list)
{
    char name[512], safe[512], hex[65];
    json_t *before = json_array();

    (void)att_escape(name, sizeof(name), c->name.p, c->name.len);
    for (size_t i = 0; i < c->before_count; i++) {
        (void)json_array_append_new(before, json_hex(att_slice_of(c->before[i], 32)));
    }
    (void)json_array_append_new(
        list, json_pack("{s:s, s:o, s:o}", "name", name, "after",
                        c->after != NULL ? json_hex(att_slice_of(c->after, 32)) : json_null(),
                        "before", before));
    if (line) {
        report_line(r, "  %-12.12s %s %s",
                    c->after != NULL ? att_hex_encode(hex, sizeof(hex), att_slice_of(c->after, 32))
                                     : tr(r->cli, "gone", "削除"),
                    c->before_count == 0 ? "+" : "~", text_safe(safe, sizeof(safe), name));
    }
}

static void tell_changes(struct report *r, const struct att_notice *n)
{
    json_t *list = json_array();

    (void)json_object_set_new(r->root, "changes", list);
    for (size_t i = 0; i < n->change_count; i++) {
        tell_change(r, &n->change[i], i < SHOWN_CHANGES || r->cli->verbose, list);
    }
    if (n->change_count > SHOWN_CHANGES && !r->cli->verbose) {
        report_line(r, "  ... %zu %s", n->change_count - SHOWN_CHANGES,
                    tr(r->cli, "more (-v shows all)", "件 (-v ですべて表示)"));
    }
}

void notice_tell(struct report *r, const struct att_notice *n)
{
    tell_head(r, n);
    tell_changes(r, n);
}

static enum att_err open_notice(struct att_notice **out, uint8_t kid[32], struct report *r,
                                const char *path, const char *signers, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    ATT_CLEANUP(att_signers_freep) struct att_signers *listed = NULL;
    ATT_CLEANUP(att_notice_freep) struct att_notice *verified = NULL;
    enum att_err err = att_file_read(&file, path, ATT_NOTICE_FILE_MAX, diag);

    if (err == ATT_OK) {
        err = att_notice_peek(out, kid, att_buf_slice(file), diag);
    }
    if (err != ATT_OK || signers == NULL) {
        return err;
    }
    err = att_signers_new(&listed);
    if (err == ATT_OK) {
        err = att_signers_load(listed, signers, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = att_notice_open(&verified, att_buf_slice(file), listed, diag);
    if (err == ATT_E_NOMEM || err == ATT_E_CRYPTO) {
        return err;
    }
    report_check(r, "notice.signature", err == ATT_OK ? C_PASS : C_FAIL, diag);
    return ATT_OK;
}

int cmd_notice_show(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.notice-show.v1");
    ATT_CLEANUP(att_notice_freep) struct att_notice *n = NULL;
    const char *signers = NULL;
    const struct option_spec options[] = {{"signers", &signers, NULL, "DIR",
                                           "verify by the public keys of this folder, ROLE.pem",
                                           "このフォルダーの公開鍵 (役割名.pem) で検証する"}};
    struct att_diag diag = {0};
    uint8_t kid[32];
    char hex[65];
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    err = open_notice(&n, kid, &r, argv[1], signers, &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    if (signers == NULL) {
        report_line(&r, "%s",
                    tr(cli, "NOT VERIFIED: the verifier's notice_signers decide.",
                       "未検証: 検証サーバーの notice_signers が判定します。"));
    }
    (void)json_object_set_new(r.root, "signer", json_hex(att_slice_of(kid, 32)));
    (void)json_object_set_new(r.root, "digest", json_hex(att_slice_of(n->digest, 32)));
    report_field(&r, tr(cli, "signer", "署名者"), "%s",
                 att_hex_encode(hex, sizeof(hex), att_slice_of(kid, 32)));
    notice_tell(&r, n);
    return report_finish(&r);
}
