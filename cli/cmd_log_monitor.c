/*
 * log monitor: does the log still begin with what it showed last time, and is there anything new about my gateways?
 *
 * Whatever contradicts what was kept is saved with it, because each of the two alone looks right.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/guard.h"
#include "base/hex.h"
#include "commands.h"
#include "log_memory.h"
#include "log_tree.h"
#include "log_view.h"
#include "tlog/entry.h"

#define LABEL_MAX  1048576
#define URN_PREFIX "urn:dev:ueid:"

struct monitoring {
    struct report r;
    struct log_options options;
    const char *watch[OPTION_MANY], *expect[OPTION_MANY];
    uint8_t expected[OPTION_MANY][32]; /* digests of labels */
    size_t expected_count;
    struct log_view view;
    struct att_buf *kept_note;
    struct att_checkpoint *kept; /* or NULL; borrows kept_note */
    struct att_tiler tiler;
    json_t *watched; /* owned by the report */
    uint64_t alerts;
};

static void clear(struct monitoring *m)
{
    att_checkpoint_free(m->kept);
    att_buf_free(m->kept_note);
    log_view_close(&m->view);
}

/* --- labels that are known --- */

static enum att_err load_expected(struct monitoring *m, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && m->expect[i] != NULL; i++) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;

        err = att_file_read(&label, m->expect[i], LABEL_MAX, diag);
        if (err == ATT_OK) {
            err = att_entry_of_label(m->expected[i], att_buf_slice(label), diag);
        }
        m->expected_count += err == ATT_OK ? 1 : 0;
    }
    return err;
}

static bool is_expected(const struct monitoring *m, const struct att_entry *e)
{
    for (size_t i = 0; i < m->expected_count; i++) {
        if (e->of_label && memcmp(m->expected[i], e->digest, sizeof(e->digest)) == 0) {
            return true;
        }
    }
    return false;
}

/* A watched gateway by its URN, or the hexadecimal digits at its end, as an audit prints them. */
static bool is_watched(const struct monitoring *m, const char *subject)
{
    size_t len = strlen(subject);

    for (size_t i = 0; m->watch[i] != NULL; i++) {
        size_t n = strlen(m->watch[i]);

        if (strcmp(subject, m->watch[i]) == 0 ||
            (n == 64 && len > n && strcmp(subject + len - n, m->watch[i]) == 0)) {
            return true;
        }
    }
    return false;
}

static int check_watch(struct monitoring *m)
{
    for (size_t i = 0; m->watch[i] != NULL; i++) {
        const char *w = m->watch[i];
        bool urn = strncmp(w, URN_PREFIX, strlen(URN_PREFIX)) == 0;

        if (!urn && (strlen(w) != 64 || strspn(w, "0123456789abcdef") != 64)) {
            return report_usage(&m->r, "--watch", "expected %s, found %s",
                                "64 lower-case hexadecimal digits or urn:dev:ueid:...", w);
        }
    }
    return OPTIONS_OK;
}

/* --- new entries --- */

static void tell_entry(struct monitoring *m, const struct att_entry *e, uint64_t index)
{
    char when[ATT_TIME_TEXT], path[40], cti[2 * ATT_ENTRY_CTI + 1] = "-";

    (void)att_time_print(when, sizeof(when), e->iat);
    (void)snprintf(path, sizeof(path), "entry %llu", (unsigned long long)index);
    if (e->has_cti) {
        (void)att_hex_encode(cti, sizeof(cti), att_slice_of(e->cti, sizeof(e->cti)));
    }
    report_field(&m->r, path, "%s %s %s %s", when, e->kind, cti, e->reason);
    (void)json_array_append_new(m->watched, json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}", "index",
                                                      (json_int_t)index, "time", when, "kind",
                                                      e->kind, "reason", e->reason, "subject",
                                                      e->subject, "cti", e->has_cti ? cti : ""));
    if (e->of_label && ATT_GUARD(MONITOR_WATCH, !is_expected(m, e))) {
        m->alerts++;
        report_reason(&m->r, att_reason_code(ATT_R_TL_WATCHED), path,
                      "expected none of the watched gateway, or one of --expect");
        report_worsen(&m->r, V_FAIL);
    }
}

static enum att_err look_at(void *ctx, uint64_t index, struct att_slice entry,
                            struct att_diag *diag)
{
    struct monitoring *m = ctx;
    struct att_diag why = {0};
    struct att_entry e;
    enum att_err err = att_entry_parse(&e, entry, &why);

    if (err == ATT_E_NOMEM) {
        *diag = why;
        return err;
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, why.reason, "entry", "entry %llu: %s", (unsigned long long)index,
                        why.text);
    }
    if (is_watched(m, e.subject)) {
        tell_entry(m, &e, index);
    }
    return ATT_OK;
}

/* --- what was kept --- */

/* What was kept under one key of the log; it takes the place of what was kept of a smaller tree under another. */
static enum att_err load_under(struct monitoring *m, const struct att_vkey *key,
                               struct att_diag *diag)
{
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *kept = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *note = NULL;
    const struct att_vkey *by = NULL;
    struct att_diag why = {0};
    enum att_err err = log_memory_load(&note, key, &why);

    if (err == ATT_E_NOT_FOUND) {
        return ATT_OK;
    }
    if (err == ATT_OK) {
        err = log_view_verify(&kept, &by, &m->view, att_buf_slice(note), &why);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, why.reason, "kept", "what was kept of the log: %s", why.text);
    }
    if (m->kept != NULL &&
        att_checkpoint_head(m->kept)->tree.size >= att_checkpoint_head(kept)->tree.size) {
        return ATT_OK;
    }
    att_checkpoint_freep(&m->kept);
    att_buf_freep(&m->kept_note);
    m->kept = kept;
    m->kept_note = note;
    kept = NULL;
    note = NULL;
    return ATT_OK;
}

/* A log that changed its key is the same log: it is held to what any of its keys signed. */
static enum att_err load_kept(struct monitoring *m, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && i < m->view.keys.count; i++) {
        const struct att_vkey *key = m->view.keys.key[i];

        if (att_vkey_type(key) == ATT_NOTE_ED25519 &&
            att_slice_eq(att_vkey_name(key), att_vkey_name(m->view.key))) {
            err = load_under(m, key, diag);
        }
    }
    return err;
}

/* Smaller, forked, or not a continuation. */
static enum att_err compare_kept(struct monitoring *m, struct att_diag *diag)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *hasher = NULL;
    const struct att_merkle_head *kept = &att_checkpoint_head(m->kept)->tree;
    uint8_t root[ATT_MERKLE_LEN];
    enum att_err err = ATT_OK;

    if (ATT_GUARD(MONITOR_ROLLBACK, m->view.tree->size < kept->size)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_ROLLBACK, "size",
                        "expected at least %llu entries, which the log had, found %llu",
                        (unsigned long long)kept->size, (unsigned long long)m->view.tree->size);
    }
    err = att_checkpoint_check_fork(m->kept, m->view.checkpoint, diag);
    if (err == ATT_OK) {
        err = log_tree_edge(&m->tiler, m->view.source, kept->size, m->view.tree->size, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (att_hasher_new(&hasher) != ATT_OK || att_tiler_root(root, &m->tiler, hasher) != ATT_OK) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "tile", "no memory");
    }
    if (ATT_GUARD(MONITOR_CONSIST, memcmp(root, kept->root, sizeof(root)) != 0)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_CONSIST, "root",
                        "the first %llu entries are not those that the log signed before",
                        (unsigned long long)kept->size);
    }
    return ATT_OK;
}

static bool contradicts(enum att_reason reason)
{
    return reason == ATT_R_TL_ROLLBACK || reason == ATT_R_TL_FORK || reason == ATT_R_TL_CONSIST;
}

/* Both notes, so that others can see what this program saw. */
static void save_evidence(struct monitoring *m)
{
    const struct att_slice note[2] = {att_buf_slice(m->kept_note), att_buf_slice(m->view.note)};
    const uint64_t size[2] = {att_checkpoint_head(m->kept)->tree.size, m->view.tree->size};
    char path[LOG_MEMORY_PATH], shown[LOG_MEMORY_PATH];
    struct att_diag diag = {0};

    if (log_memory_evidence(path, m->view.key, note, size, &diag) != ATT_OK) {
        report_trouble(&m->r, &diag);
        return;
    }
    (void)text_safe(shown, sizeof(shown), path);
    report_field(&m->r, tr(m->r.cli, "evidence", "証拠"), "%s, .seen", shown);
    (void)json_object_set_new(m->r.root, "evidence", json_string(shown));
}

static enum att_err follow(struct monitoring *m, struct att_diag *diag)
{
    const struct log_visitor visitor = {.each = look_at, .ctx = m};
    enum att_err err = ATT_OK;

    if (m->kept != NULL) {
        err = compare_kept(m, diag);
    }
    if (err == ATT_OK) {
        err = log_tree_follow(&m->tiler, &m->view, &visitor, diag);
    }
    if (err != ATT_OK && m->kept != NULL && contradicts(diag->reason)) {
        save_evidence(m);
    }
    return err;
}

static void tell(struct monitoring *m)
{
    const struct cli *cli = m->r.cli;
    uint64_t from = m->kept != NULL ? att_checkpoint_head(m->kept)->tree.size : 0;

    log_view_tell(&m->r, &m->view);
    report_field(&m->r, tr(cli, "new entries", "新しい項目"), "%llu",
                 (unsigned long long)(m->view.tree->size - from));
    if (m->kept == NULL) {
        report_line(&m->r, "%s",
                    tr(cli, "First look at this log: from now on it is held to this checkpoint.",
                       "このログの初回の確認です。以後はこのチェックポイントと照合します。"));
    }
    (void)json_object_set_new(m->r.root, "since",
                              m->kept != NULL ? json_integer((json_int_t)from) : json_null());
    (void)json_object_set_new(m->r.root, "new",
                              json_integer((json_int_t)(m->view.tree->size - from)));
}

static int run(struct monitoring *m)
{
    struct att_diag diag = {0};
    enum att_err err = load_expected(m, &diag);

    if (err == ATT_OK) {
        err = log_view_open(&m->view, m->r.cli, &m->options, &diag);
    }
    if (err == ATT_OK) {
        err = load_kept(m, &diag);
    }
    if (err == ATT_OK) {
        err = follow(m, &diag);
    }
    if (err == ATT_OK) {
        err = log_memory_keep(m->view.key, att_buf_slice(m->view.note), &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&m->r, err, &diag);
    }
    report_check(&m->r, "consistency", m->kept != NULL ? C_PASS : C_NOT_APPLICABLE, NULL);
    report_check(&m->r, "watched",
                 m->watch[0] == NULL ? C_NOT_APPLICABLE
                 : m->alerts == 0    ? C_PASS
                                     : C_FAIL,
                 NULL);
    tell(m);
    return report_finish(&m->r);
}

int cmd_log_monitor(struct cli *cli, int argc, char **argv)
{
    static struct monitoring m; /* large */
    const struct option_spec options[] = {
        LOG_OPTIONS(m.options),
        {"watch", m.watch, NULL, "UEID...", "a gateway of which no new label is expected",
         "新しいラベルを想定しない機器"},
        {"expect", m.expect, NULL, "FILE...", "labels of watched gateways that are known",
         "監視対象の機器の既知のラベル"}};
    int code = OPTIONS_OK;

    m = (struct monitoring){.r = report_start(cli, "attestctl.log-monitor.v1")};
    code = options_parse(&m.r, options, ATT_COUNT(options), &argc, argv);
    if (code == OPTIONS_OK) {
        code = check_watch(&m);
    }
    if (code != OPTIONS_OK) {
        return code;
    }
    m.watched = json_array();
    (void)json_object_set_new(m.r.root, "watched", m.watched);
    m.options.place.where = argv[1];
    code = run(&m);
    clear(&m);
    return code;
}
