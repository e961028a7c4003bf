/* evidence replay: structure only; what comes out says nothing about trust. */
#include <stdio.h>

#include "artefacts.h"
#include "base/hex.h"
#include "commands.h"
#include "replay.h"

static void print_values(const struct report *r, const struct att_pcr_values *v)
{
    for (uint32_t i = 0; i < v->count; i++) {
        const struct att_pcr_bank *b = &v->bank[i];

        if (b->has != 0) {
            report_line(r, "%s:", att_hash_name(b->bank));
        }
        for (uint32_t pcr = 0; pcr < ATT_PCR_COUNT; pcr++) {
            char hex[2 * ATT_HASH_MAX + 1];

            if ((b->has >> pcr & 1) != 0) {
                report_line(r, "  %2u  %s", (unsigned int)pcr,
                            att_hex_encode(hex, sizeof(hex),
                                           att_slice_of(b->value[pcr], att_hash_size(b->bank))));
            }
        }
    }
}

int cmd_evidence_replay(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.evidence-replay.v1");
    struct replay_files files = {0};
    const struct option_spec options[] = {
        REPLAY_OPTIONS(files),
        {"cel", &files.cel, NULL, "FILE", "a canonical event log, TLV or CBOR", "CEL 形式のログ"}};
    struct replayed logs = {0};
    struct att_pcr_values all = {0};
    struct att_diag diag = {0};
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    if (files.uefi == NULL && files.ima == NULL && files.ima_ascii == NULL && files.own == NULL &&
        files.cel == NULL) {
        return report_usage(&r, "arguments", "expected %s, found nothing",
                            "--uefi, --ima, --ima-ascii, --own or --cel");
    }
    if (files.ima != NULL && files.ima_ascii != NULL) {
        return report_usage(&r, "--ima-ascii", "one too many: %s", "--ima");
    }
    err = replay_load(&logs, &files, &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    replay_merge(&all, &logs.uefi);
    replay_merge(&all, &logs.ima);
    replay_merge(&all, &logs.own);
    replay_merge(&all, &logs.cel.pcr);
    (void)json_object_set_new(r.root, "pcrs", artefact_pcrs_json(&all));
    (void)json_object_set(r.root, "events", logs.events);
    (void)json_object_set_new(r.root, "note",
                              json_string("well-formed and replayed; nothing about trust"));
    print_values(&r, &all);
    if (logs.cel.ccmr.count > 0) {
        (void)json_object_set_new(r.root, "ccmrs", artefact_pcrs_json(&logs.cel.ccmr));
        report_line(&r, "%s",
                    tr(cli, "registers of a confidential machine, no PCRs:",
                       "機密マシンのレジスタ（PCR ではない）:"));
        print_values(&r, &logs.cel.ccmr);
    }
    report_line(
        &r, "%s",
        tr(cli, "The logs are well-formed and lead to these values. This says nothing about trust.",
           "ログは正しい形式で、上の値に至ります。信頼性については何も示しません。"));
    replay_clear(&logs);
    return report_finish(&r);
}
