/* evidence show, export: an evidence collection as people and the usual TPM tools read it; unverified. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "appraise/record.h"
#include "artefacts.h"
#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "evidence/evidence.h"
#include "tcg/quote.h"

static enum att_err read_evidence(struct att_buf **file, struct att_evidence *ev, const char *path,
                                  struct att_diag *diag)
{
    struct att_record record;
    enum att_err err = att_file_read(file, path, ATT_RECORD_MAX, diag);
    struct att_slice bytes = {0};

    if (err != ATT_OK) {
        return err;
    }
    bytes = att_buf_slice(*file);
    if (att_record_decode(&record, bytes, NULL) == ATT_OK) {
        bytes = record.evidence; /* of evidence get: the evidence stands in it as it was sent */
    }
    return att_evidence_parse(ev, bytes, diag);
}

static void show_quote(struct report *r, const struct att_quote *q)
{
    char selection[128];
    char digest[2 * ATT_HASH_MAX + 1];

    (void)att_pcr_selection_print(selection, sizeof(selection), &q->selection);
    (void)att_hex_encode(digest, sizeof(digest), q->pcr_digest);
    (void)json_object_set_new(r->root, "quote",
                              json_pack("{s:s, s:s, s:I, s:I, s:I, s:b}", "selection", selection,
                                        "pcr_digest", digest, "clock_ms",
                                        (json_int_t)q->clock.clock_ms, "reset_count",
                                        (json_int_t)q->clock.reset_count, "restart_count",
                                        (json_int_t)q->clock.restart_count, "safe", q->clock.safe));
    report_field(r, "PCR", "%s", selection);
    report_field(r, tr(r->cli, "digest", "ダイジェスト"), "%s", digest);
    report_field(r, tr(r->cli, "TPM clock", "TPM の時計"), "%llu ms, reset %u, restart %u%s",
                 (unsigned long long)q->clock.clock_ms, (unsigned int)q->clock.reset_count,
                 (unsigned int)q->clock.restart_count,
                 q->clock.safe ? "" : tr(r->cli, ", not safe", "、信頼できない"));
}

static void show_health(struct report *r, const struct att_claims *c)
{
    json_t *banks = json_array();
    char text[256] = "";
    char maker[32];
    size_t at = 0;

    for (uint32_t i = 0; i < c->bank_count; i++) {
        const struct att_claims_bank *b = &c->bank[i];

        (void)json_array_append_new(
            banks, json_pack("{s:s, s:b}", "alg", att_hash_name(b->alg), "extended", b->extended));
        at += (size_t)snprintf(
            text + at, sizeof(text) - at, "%s%s%s", at > 0 ? ", " : "", att_hash_name(b->alg),
            b->extended ? "" : tr(r->cli, " (PCR 0-7 are zero)", " (PCR 0-7 は零)"));
    }
    (void)text_safe(maker, sizeof(maker), c->tpm_manufacturer);
    (void)json_object_set_new(r->root, "tpm",
                              json_pack("{s:s, s:I, s:I, s:o}", "manufacturer", maker, "firmware",
                                        (json_int_t)c->tpm_firmware, "lockout_counter",
                                        (json_int_t)c->lockout_counter, "banks", banks));
    report_field(r, "TPM", "%s%s%llx%s%llu", maker, tr(r->cli, ", firmware ", "、ファームウェア "),
                 (unsigned long long)c->tpm_firmware,
                 tr(r->cli, ", lockout counter ", "、ロックアウト計数 "),
                 (unsigned long long)c->lockout_counter);
    report_field(r, tr(r->cli, "banks", "PCR バンク"), "%s", text);
}

static void show_logs(struct report *r, const struct att_evidence *ev)
{
    json_t *logs = json_object();

    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        const char *name = att_log_name((enum att_log)i);

        if (!ev->claims.logs.has[i]) {
            continue;
        }
        (void)json_object_set_new(logs, name,
                                  json_pack("{s:I, s:I}", "offset",
                                            (json_int_t)ev->claims.logs.off[i], "bytes",
                                            (json_int_t)ev->log[i].len));
        report_field(r, name, "%zu %s %llu", ev->log[i].len,
                     tr(r->cli, "bytes from offset", "バイト、開始位置"),
                     (unsigned long long)ev->claims.logs.off[i]);
    }
    (void)json_object_set_new(r->root, "logs", logs);
}

int cmd_evidence_show(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.evidence-show.v1");
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_evidence ev;
    struct att_quote quote;
    struct att_diag diag = {0};
    char name[128];
    char version[128];
    int code = options_parse(&r, NULL, 0, &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    err = read_evidence(&file, &ev, argv[1], &diag);
    if (err == ATT_OK) {
        err = att_quote_parse(&quote, ev.attest, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    (void)json_object_set_new(r.root, "verified", json_false());
    report_line(&r, "%s",
                tr(cli, "NOT VERIFIED: these are the gateway's own words.",
                   "未検証: 以下は機器自身の記載です。"));
    (void)json_object_set_new(r.root, "note", json_string("shown; not verified"));
    report_field(&r, tr(cli, "agent", "エージェント"), "%s %s",
                 text_safe(name, sizeof(name), ev.claims.swname),
                 text_safe(version, sizeof(version), ev.claims.swversion));
    show_health(&r, &ev.claims);
    show_quote(&r, &quote);
    show_logs(&r, &ev);
    return report_finish(&r);
}

static enum att_err write_part(const char *dir, const char *name, struct att_slice part,
                               struct att_diag *diag)
{
    char path[1024];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return att_file_write(path, part, 0600, diag);
}

int cmd_evidence_export(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.evidence-export.v1");
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_evidence ev;
    struct att_diag diag = {0};
    char shown[512];
    int code = options_parse(&r, NULL, 0, &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    if (cli->output == NULL || strcmp(cli->output, "-") == 0) {
        return report_usage(&r, "--output", "expected %s, found %s", "--output DIR",
                            cli->output == NULL ? "nothing" : "-");
    }
    err = read_evidence(&file, &ev, argv[1], &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    (void)mkdir(cli->output, 0700);
    err = write_part(cli->output, "quote.attest", ev.attest, &diag);
    if (err == ATT_OK) {
        err = write_part(cli->output, "quote.sig", ev.signature, &diag);
    }
    if (err == ATT_OK) {
        err = write_part(cli->output, "claims.cbor", ev.claims_encoded, &diag);
    }
    for (size_t i = 0; err == ATT_OK && i < ATT_LOG__COUNT; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "%s.log", att_log_name((enum att_log)i));
        if (ev.claims.logs.has[i]) {
            err = write_part(cli->output, name, ev.log[i], &diag);
        }
    }
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    report_line(&r, "%s", text_safe(shown, sizeof(shown), cli->output));
    return report_finish(&r);
}
