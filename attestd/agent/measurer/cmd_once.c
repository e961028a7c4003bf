/* One attestation at the terminal, and what became of the last one. */
#include "agent/measurer/cmd.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "common/wire.h"

#define NOTE_MAX 262144

/* {0: 1, 1: UTC seconds, 2: outcome document} */
static enum att_err write_note(const struct agent *a, const struct agent_outcome *o,
                               struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    char path[STATE_PATH_MAX];
    uint8_t *room = NULL;
    struct att_wr w;
    struct att_slice all;
    enum att_err err = state_path(path, a->conf->state_dir, STATE_OUTCOME, diag);

    if (err == ATT_OK) {
        err = att_buf_new(&b, NOTE_MAX);
    }
    if (err == ATT_OK) {
        err = att_buf_room(b, NOTE_MAX, &room);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, NULL, "no memory for the outcome");
    }
    w = att_wr_into(room, NOTE_MAX);
    att_cbor_wr_map(&w, 3);
    att_cbor_wr_uint(&w, 0);
    att_cbor_wr_uint(&w, 1);
    att_cbor_wr_uint(&w, 1);
    att_cbor_wr_uint(&w, (uint64_t)att_clock_utc_s());
    att_cbor_wr_uint(&w, 2);
    err = wire_outcome_encode(&w, &o->wire);
    if (err == ATT_OK) {
        err = att_cbor_wr_done(&w, &all);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, NULL, "the outcome could not be encoded");
    }
    return att_file_write(path, all, 0600, diag);
}

enum att_err keep_outcome(const struct agent *a, const struct agent_outcome *o,
                          const char *label_path, struct att_diag *diag)
{
    char path[STATE_PATH_MAX];
    enum att_err err = ATT_OK;

    if (label_path == NULL) {
        err = state_path(path, a->conf->state_dir, STATE_LABEL, diag);
        label_path = path;
    }
    if (err == ATT_OK && o->wire.label.len > 0) {
        err = att_file_write(label_path, o->wire.label, 0644, diag);
    }
    return err != ATT_OK ? err : write_note(a, o, diag);
}

static enum att_err measure_once(struct agent *a, struct agent_pass *pass, struct att_diag *diag)
{
    struct agent_work w = {.lock_fd = -1};
    enum att_err err = agent_work_open(&w, a, diag);

    if (err == ATT_OK) {
        err = agent_pass(pass, NULL, a, &w, diag);
    }
    agent_work_close(&w);
    return err;
}

static void show_kept_label(struct show *s, const struct agent_conf *conf, const char *label_path)
{
    char path[STATE_PATH_MAX];

    if (label_path == NULL && state_path(path, conf->state_dir, STATE_LABEL, NULL) == ATT_OK) {
        label_path = path;
    }
    show_text(s, "label", label_path);
    show_line(s, "  %s %s", show_tr(s, "label:", "ラベル:"), label_path);
}

int cmd_once(struct show *s, const struct agent_conf *conf, const struct options *o)
{
    ATT_CLEANUP(agent_outcome_free) struct agent_outcome outcome = {0};
    ATT_CLEANUP(agent_close) struct agent a = {0};
    struct agent_pass pass = {0};
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    show_start(s, "attestd.agent.once/1");
    err = agent_open(&a, conf, &diag);
    if (err == ATT_OK) {
        err = measure_once(&a, &pass, &diag);
    }
    if (err == ATT_OK) {
        show_number(s, "items", pass.stats.items);
        show_number(s, "changes", pass.changes);
        show_line(s, "%zu %s, %" PRIu64 " KiB %s, %zu %s", pass.stats.items,
                  show_tr(s, "items measured", "項目を測定"), (pass.stats.bytes + 1023) / 1024,
                  show_tr(s, "read", "読み取り"), pass.changes,
                  show_tr(s, "new or changed", "新規または変更"));
        if (pass.stats.spec_refused.reason != ATT_R_NONE) {
            show_check(s, "specification", SHOW_FAIL, &pass.stats.spec_refused, "");
        }
        err = agent_attest(&outcome, &a, &diag);
    }
    if (err == ATT_OK) {
        show_outcome(s, &a, &outcome);
        show_data_key_failure(s, &a);
        err = keep_outcome(&a, &outcome, o->label, &diag);
    }
    if (err == ATT_OK && outcome.wire.label.len > 0) {
        show_kept_label(s, conf, o->label);
    }
    if (err != ATT_OK) {
        show_failure(s, &diag);
    }
    return show_end(s);
}

/* The note that the last attestation left. */
static enum att_err read_note(struct agent_outcome *out, int64_t *utc_s, const char *dir,
                              struct att_diag *diag)
{
    char path[STATE_PATH_MAX];
    struct att_cbor c;
    struct att_slice doc;
    enum att_err err = state_path(path, dir, STATE_OUTCOME, diag);

    if (err == ATT_OK) {
        err = att_file_read(&out->answer.frame, path, NOTE_MAX, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    c = att_cbor_from(att_buf_slice(out->answer.frame));
    (void)att_cbor_enter_map(&c, 3);
    if (att_cbor_key_int(&c) != 0 || att_cbor_uint(&c) != 1 || att_cbor_key_int(&c) != 1) {
        att_cbor_fail(&c, ATT_E_FORMAT);
    }
    *utc_s = (int64_t)att_cbor_uint_max(&c, INT64_MAX);
    if (att_cbor_key_int(&c) != 2) {
        att_cbor_fail(&c, ATT_E_FORMAT);
    }
    doc = att_cbor_item(&c);
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_CBOR, STATE_OUTCOME, diag);
    return err != ATT_OK ? err : wire_outcome_parse(&out->wire, doc, diag);
}

/* An answer counts as long as the verifier lets it count; what failed since left no answer. */
static void judge_age(struct show *s, int64_t answered_utc_s, uint64_t interval_s)
{
    struct att_diag diag = {0};
    char when[ATT_TIME_TEXT];

    if (interval_s == 0 ||
        att_clock_utc_s() - answered_utc_s <= WIRE_STALE_AFTER * (int64_t)interval_s) {
        return;
    }
    (void)att_fail(&diag, ATT_E_STALE, ATT_R_STALE, NULL, "no attestation was answered since %s",
                   att_time_print(when, sizeof(when), answered_utc_s));
    show_check(s, "attestation.recent", SHOW_NOT_RUN, &diag, "");
    show_worsen(s, AGENT_EXIT_UNDECIDED);
}

int cmd_status(struct show *s, const struct agent_conf *conf, const struct options *o)
{
    ATT_CLEANUP(agent_outcome_free) struct agent_outcome last = {0};
    ATT_CLEANUP(agent_close) struct agent a = {0};
    struct att_diag diag = {0};
    char when[ATT_TIME_TEXT];
    int64_t utc_s = 0;
    enum att_err err = ATT_OK;

    (void)o;
    show_start(s, "attestd.agent.status/1");
    err = agent_open(&a, conf, &diag);
    if (err == ATT_OK) {
        show_text(s, "device", a.ident.device_id);
        show_text(s, "verifier", conf->verifier != NULL ? conf->verifier : a.ident.url);
        show_line(s, "%s %s @ %s (%s)", show_tr(s, "enrolled as", "登録名:"), a.ident.device_id,
                  a.ident.verifier_id, conf->verifier != NULL ? conf->verifier : a.ident.url);
        err = read_note(&last, &utc_s, conf->state_dir, &diag);
    }
    if (err == ATT_E_NOT_FOUND && diag.reason == ATT_R_FILE) {
        show_line(s, "%s", show_tr(s, "it has not attested yet", "まだ証明していません"));
        show_text(s, "status", "none");
        show_worsen(s, AGENT_EXIT_UNDECIDED);
        return show_end(s);
    }
    if (err == ATT_OK) {
        (void)att_time_print(when, sizeof(when), utc_s);
        show_text(s, "last_attestation", when);
        show_line(s, "%s %s", show_tr(s, "last attestation:", "前回の証明:"), when);
        show_outcome(s, &a, &last);
        judge_age(s, utc_s, last.wire.next_s);
        show_data_key(s, &a);
    }
    if (err != ATT_OK) {
        show_failure(s, &diag);
    }
    return show_end(s);
}
