/*
 * log audit: every entry of a published log against its tree, its signer and the entries before it.
 *
 * Memory does not grow with the log. With --state what was found so far is kept at the boundaries of bundles, so that an
 * audit that was interrupted goes on, and the next one begins where this one ended.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "appraise/audit.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/guard.h"
#include "base/hex.h"
#include "commands.h"
#include "log_tree.h"
#include "log_view.h"
#include "progress.h"
#include "trust.h"

#define EXIT_INTERRUPTED 130
#define SAVE_EVERY_MS    60000

static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

struct auditing {
    struct report r;
    struct log_options options;
    const char *state_path;
    struct log_view view;
    struct trust trust;
    struct att_audit *audit;
    struct att_hasher *hasher;
    struct att_tiler tiler;
    uint64_t resumed; /* entries that an earlier audit judged */
    int64_t saved_ms;
    struct progress progress;
};

static void clear(struct auditing *a)
{
    att_audit_free(a->audit);
    log_view_close(&a->view);
    trust_clear(&a->trust);
    att_hasher_free(a->hasher);
}

/* --- where it begins --- */

/* With --key alone there may be no trust folder: then nobody vouches for label keys, and the audit says so. */
static enum att_err load_anchors(struct auditing *a, struct att_diag *diag)
{
    struct stat st;

    if (a->options.key != NULL && stat(a->r.cli->trust, &st) != 0) {
        return att_anchors_new(&a->trust.anchors);
    }
    return trust_load(&a->trust, a->r.cli->trust, diag);
}

/* The log must begin with what was audited: the tiles of that size must lead to the root that was kept. */
static enum att_err compare_state(struct auditing *a, const uint8_t kept[ATT_MERKLE_LEN],
                                  struct att_diag *diag)
{
    uint64_t size = att_audit_report(a->audit)->size;
    uint8_t root[ATT_MERKLE_LEN];
    enum att_err err = ATT_OK;

    if (ATT_GUARD(AUDIT_SHORTER, size > a->view.tree->size)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_ROLLBACK, "size",
                        "expected at least %llu entries, which were audited, found %llu",
                        (unsigned long long)size, (unsigned long long)a->view.tree->size);
    }
    err = log_tree_edge(&a->tiler, a->view.source, size, a->view.tree->size, diag);
    if (err != ATT_OK) {
        return err;
    }
    if (att_tiler_root(root, &a->tiler, a->hasher) != ATT_OK) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "tile", "hashing failed");
    }
    if (ATT_GUARD(AUDIT_STATE,
                  size % ATT_TILE_WIDTH != 0 || memcmp(root, kept, sizeof(root)) != 0)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_CONSIST, "state",
                        "the first %llu entries are not those that were audited: the log was "
                        "rewritten, or the state is not of it",
                        (unsigned long long)size);
    }
    a->resumed = size;
    return ATT_OK;
}

static enum att_err begin(struct auditing *a, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *state = NULL;
    uint8_t root[ATT_MERKLE_LEN];
    struct att_diag none = {0};
    enum att_err err = att_hasher_new(&a->hasher);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, NULL, "no memory");
    }
    if (a->state_path == NULL) {
        return att_audit_new(&a->audit, a->trust.anchors, diag);
    }
    err = att_file_read_careful(&state, a->state_path, ATT_AUDIT_STATE_MAX, ATT_FILE_OWNED, &none);
    if (err == ATT_E_NOT_FOUND) {
        return att_audit_new(&a->audit, a->trust.anchors, diag);
    }
    if (err != ATT_OK) {
        *diag = none;
        return err;
    }
    err = att_audit_resume(&a->audit, root, att_buf_slice(state), a->view.origin, a->trust.anchors,
                           diag);
    return err == ATT_OK ? compare_state(a, root, diag) : err;
}

/* --- the state --- */

static enum att_err save(struct auditing *a, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *state = NULL;
    uint8_t root[ATT_MERKLE_LEN];
    enum att_err err = ATT_OK;

    if (a->state_path == NULL) {
        return ATT_OK;
    }
    err = att_tiler_root(root, &a->tiler, a->hasher);
    if (err == ATT_OK) {
        err = att_audit_save(&state, a->audit, a->view.origin, root);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "--state", "the state cannot be made: %s",
                        att_err_name(err));
    }
    a->saved_ms = att_clock_mono_ms();
    return att_file_write(a->state_path, att_buf_slice(state), 0600, diag);
}

/* --- the entries --- */

/* The first hash of a published tile that is not the one that the entries lead to. */
static void compare_hashes(struct auditing *a, const struct att_tile *t, const uint8_t *ours,
                           const uint8_t *theirs)
{
    struct att_diag why = {0};

    for (uint32_t i = 0; i < t->width; i++) {
        uint64_t index = (t->index * ATT_TILE_WIDTH + i) << (8 * t->level);
        char want[17], found[17];

        if (!ATT_GUARD(AUDIT_TILE, memcmp(&ours[i * ATT_MERKLE_LEN], &theirs[i * ATT_MERKLE_LEN],
                                          ATT_MERKLE_LEN) != 0)) {
            continue;
        }
        (void)att_hex_encode(want, sizeof(want), att_slice_of(&theirs[i * ATT_MERKLE_LEN], 8));
        (void)att_hex_encode(found, sizeof(found), att_slice_of(&ours[i * ATT_MERKLE_LEN], 8));
        (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_TL_TREE, "tile",
                       "expected the hash of tile level %u to be %s..., found %s...",
                       (unsigned int)t->level, want, found);
        att_audit_find(a->audit, index, &why);
        return;
    }
}

static enum att_err compare_tile(void *ctx, const struct att_tile *tile, struct att_slice hashes,
                                 struct att_diag *diag)
{
    struct auditing *a = ctx;
    uint8_t theirs[ATT_TILE_WIDTH][ATT_MERKLE_LEN];
    struct att_diag why = {0};
    enum att_err err = log_source_hashes(theirs, a->view.source, tile, &why);

    if (err == ATT_OK) {
        compare_hashes(a, tile, hashes.p, theirs[0]);
        return ATT_OK;
    }
    if (err == ATT_E_NOMEM || err == ATT_E_NETWORK || err == ATT_E_BUSY) {
        *diag = why;
        return err;
    }
    att_audit_find(a->audit, (tile->index * ATT_TILE_WIDTH) << (8 * tile->level), &why);
    return ATT_OK;
}

static enum att_err take_entry(struct auditing *a, struct att_slice entry, struct att_diag *diag)
{
    const struct att_tile_sink sink = {.take = compare_tile, .ctx = a};
    uint8_t leaf[ATT_MERKLE_LEN];
    enum att_err err = att_merkle_leaf(leaf, a->hasher, entry);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "entry", "hashing failed");
    }
    err = att_audit_entry(a->audit, entry, diag);
    return err == ATT_OK ? att_tiler_add(&a->tiler, a->hasher, leaf, &sink, diag) : err;
}

static enum att_err take_bundle(struct auditing *a, uint64_t index, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_slice entry[ATT_TILE_WIDTH];
    const struct att_tile tile = {
        .entries = true, .index = index, .width = att_tile_width(0, index, a->view.tree->size)};
    struct att_diag why = {0};
    enum att_err err = log_source_entries(entry, &file, a->view.source, &tile, &why);

    if (err != ATT_OK) {
        return att_fail(diag, err, why.reason, why.field, "entries %llu to %llu: %s",
                        (unsigned long long)(index * ATT_TILE_WIDTH),
                        (unsigned long long)(index * ATT_TILE_WIDTH + tile.width - 1), why.text);
    }
    for (uint32_t i = 0; err == ATT_OK && i < tile.width; i++) {
        err = take_entry(a, entry[i], diag);
    }
    return err;
}

/* The rest of the tree, and whether it is the one that was signed. */
static enum att_err finish_tree(struct auditing *a, struct att_diag *diag)
{
    const struct att_tile_sink sink = {.take = compare_tile, .ctx = a};
    uint8_t root[ATT_MERKLE_LEN];
    struct att_diag why = {0};
    enum att_err err = att_tiler_rest(&a->tiler, &sink, diag);

    if (err == ATT_OK && att_tiler_root(root, &a->tiler, a->hasher) != ATT_OK) {
        err = att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "root", "hashing failed");
    }
    if (err == ATT_OK &&
        ATT_GUARD(AUDIT_ROOT, memcmp(root, a->view.tree->root, sizeof(root)) != 0)) {
        char want[17], found[17];

        (void)att_hex_encode(want, sizeof(want), att_slice_of(a->view.tree->root, 8));
        (void)att_hex_encode(found, sizeof(found), att_slice_of(root, 8));
        (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_TL_TREE, "root",
                       "expected the root of the checkpoint, %s..., found %s...", want, found);
        att_audit_find(a->audit, a->view.tree->size, &why);
    }
    return err;
}

/* Up to the last full bundle there is a state that the next audit can go on from. */
static enum att_err audit_all(struct auditing *a, struct att_diag *diag)
{
    uint64_t full = a->view.tree->size / ATT_TILE_WIDTH;
    uint64_t i = a->resumed / ATT_TILE_WIDTH;
    enum att_err err = ATT_OK;

    a->saved_ms = att_clock_mono_ms();
    for (; err == ATT_OK && i < full && interrupted == 0; i++) {
        progress_tell(&a->progress, i * ATT_TILE_WIDTH, a->view.tree->size);
        err = take_bundle(a, i, diag);
        if (err == ATT_OK && att_clock_mono_ms() - a->saved_ms > SAVE_EVERY_MS) {
            err = save(a, diag);
        }
    }
    progress_end(&a->progress);
    if (err == ATT_OK) {
        err = save(a, diag);
    }
    if (err != ATT_OK || interrupted != 0) {
        return err;
    }
    if (a->view.tree->size % ATT_TILE_WIDTH != 0) {
        err = take_bundle(a, full, diag);
    }
    return err == ATT_OK ? finish_tree(a, diag) : err;
}

/* --- the report --- */

static const char *const CHECKS[] = {"tree", "entries", "signatures", "time", "labels"};

static size_t check_of(enum att_reason reason)
{
    switch (reason) {
    case ATT_R_TL_TREE:
    case ATT_R_TL_MISSING:
    case ATT_R_FMT_TLOG:
        return 0;
    case ATT_R_TL_SIGNATURE:
        return 2;
    case ATT_R_CLK_BACK:
        return 3;
    case ATT_R_TL_LABELS:
        return 4;
    default:
        return 1;
    }
}

static void worsen(struct report *r, enum att_err err, enum att_reason reason)
{
    int code = exit_for(err, reason);

    report_worsen(r, code == EXIT_MALFORMED   ? V_MALFORMED
                     : code == EXIT_UNDECIDED ? V_UNDECIDED
                                              : V_FAIL);
}

/* Each finding is a reason with the entry that it is about; all are counted. */
static void tell_findings(struct auditing *a)
{
    const struct att_audit_report *p = att_audit_report(a->audit);
    enum check_state state[ATT_COUNT(CHECKS)] = {C_PASS, C_PASS, C_PASS, C_PASS, C_PASS};

    for (size_t i = 0; i < p->findings && i < ATT_AUDIT_KEPT; i++) {
        size_t k = check_of(p->finding[i].reason);

        if (exit_for(p->finding[i].err, p->finding[i].reason) != EXIT_UNDECIDED) {
            state[k] = C_FAIL;
        } else if (state[k] == C_PASS) {
            state[k] = C_NOT_RUN;
        }
        worsen(&a->r, p->finding[i].err, p->finding[i].reason);
    }
    for (size_t i = 0; i < ATT_COUNT(CHECKS); i++) {
        report_check(&a->r, CHECKS[i], state[i], NULL);
    }
    report_check(&a->r, "keys", p->unvouched == 0 ? C_PASS : C_NOT_RUN, &p->unvouched_why);
    if (p->unvouched > 0) {
        worsen(&a->r, p->unvouched_why.err, p->unvouched_why.reason);
    }
    for (size_t i = 0; i < p->findings && i < ATT_AUDIT_KEPT; i++) {
        char path[40];

        (void)snprintf(path, sizeof(path), "entry %" PRIu64, p->finding[i].index);
        report_reason(&a->r, att_reason_code(p->finding[i].reason), path, p->finding[i].text);
    }
}

static json_t *gap_json(const struct att_audit_gap *g)
{
    char from[ATT_TIME_TEXT], until[ATT_TIME_TEXT];
    json_t *o = json_object();

    (void)json_object_set_new(o, "ueid", json_hex(att_slice_of(g->ueid, sizeof(g->ueid))));
    (void)json_object_set_new(
        o, "from",
        g->from == 0 ? json_null() : json_string(att_time_print(from, sizeof(from), g->from)));
    (void)json_object_set_new(o, "until",
                              json_string(att_time_print(until, sizeof(until), g->until)));
    (void)json_object_set_new(o, "index", json_integer((json_int_t)g->index));
    return o;
}

static void tell_gap(struct auditing *a, const char *name, const struct att_audit_gap *g)
{
    char from[ATT_TIME_TEXT] = "-", until[ATT_TIME_TEXT], ueid[17];

    (void)att_hex_encode(ueid, sizeof(ueid), att_slice_of(g->ueid, 8));
    if (g->from != 0) {
        (void)att_time_print(from, sizeof(from), g->from);
    }
    report_field(&a->r, name, "%s..., %s - %s, %s %llu", ueid, from,
                 att_time_print(until, sizeof(until), g->until), tr(a->r.cli, "entry", "項目"),
                 (unsigned long long)g->index);
}

/* Gateways without a label in force: between two labels, and now. Listed, and wrong only to whoever owns them. */
static void tell_gaps(struct auditing *a)
{
    const struct att_audit_report *p = att_audit_report(a->audit);
    struct att_audit_gap silent[ATT_AUDIT_KEPT];
    uint64_t count = att_audit_silent(silent, ATT_AUDIT_KEPT, a->audit, a->r.cli->at);
    json_t *gaps = json_array(), *silents = json_array();

    for (size_t i = 0; i < p->gaps && i < ATT_AUDIT_KEPT; i++) {
        tell_gap(a, tr(a->r.cli, "no label", "ラベルなし"), &p->gap[i]);
        (void)json_array_append_new(gaps, gap_json(&p->gap[i]));
    }
    for (size_t i = 0; i < count && i < ATT_AUDIT_KEPT; i++) {
        tell_gap(a, tr(a->r.cli, "silent", "応答なし"), &silent[i]);
        (void)json_array_append_new(silents, gap_json(&silent[i]));
    }
    (void)json_object_set_new(a->r.root, "gaps", gaps);
    (void)json_object_set_new(a->r.root, "silent", silents);
    (void)json_object_set_new(a->r.root, "gaps_count", json_integer((json_int_t)p->gaps));
    (void)json_object_set_new(a->r.root, "silent_count", json_integer((json_int_t)count));
    (void)json_object_set_new(a->r.root, "longest_gap_s", json_integer(p->longest_gap_s));
    report_field(&a->r, tr(a->r.cli, "gaps", "空白期間"), "%llu, %s %lld s",
                 (unsigned long long)p->gaps, tr(a->r.cli, "longest", "最長"),
                 (long long)p->longest_gap_s);
    report_field(&a->r, tr(a->r.cli, "silent now", "現在応答なし"), "%llu",
                 (unsigned long long)count);
}

static void tell_counts(struct auditing *a)
{
    const struct att_audit_report *p = att_audit_report(a->audit);
    char first[ATT_TIME_TEXT] = "", last[ATT_TIME_TEXT] = "";

    log_view_tell(&a->r, &a->view);
    (void)att_time_print(first, sizeof(first), p->first_utc);
    (void)att_time_print(last, sizeof(last), p->last_utc);
    report_field(&a->r, tr(a->r.cli, "times", "時刻"), "%s - %s", first, last);
    report_field(&a->r, tr(a->r.cli, "gateways", "機器"), "%llu", (unsigned long long)p->devices);
    report_field(&a->r, tr(a->r.cli, "labels", "ラベル"), "%llu, %s %llu, %s %llu",
                 (unsigned long long)p->labels, tr(a->r.cli, "refused", "拒否"),
                 (unsigned long long)p->refused, tr(a->r.cli, "revoked", "失効"),
                 (unsigned long long)p->revoked);
    if (a->resumed > 0) {
        report_field(&a->r, tr(a->r.cli, "earlier audit", "前回の監査"), "%s %llu, %s",
                     tr(a->r.cli, "entries 0 to", "項目 0 から"),
                     (unsigned long long)(a->resumed - 1),
                     tr(a->r.cli, "as the state file has it", "状態ファイルの記載による"));
    }
    (void)json_object_set_new(
        a->r.root, "counts",
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "entries",
                  (json_int_t)p->size, "labels", (json_int_t)p->labels, "refused",
                  (json_int_t)p->refused, "stale", (json_int_t)p->stale, "enrolled",
                  (json_int_t)p->enrolled, "removed", (json_int_t)p->removed, "revoked",
                  (json_int_t)p->revoked, "other", (json_int_t)p->other, "gateways",
                  (json_int_t)p->devices, "strays", (json_int_t)p->strays, "findings",
                  (json_int_t)p->findings));
    (void)json_object_set_new(a->r.root, "resumed_at", json_integer((json_int_t)a->resumed));
}

/* --- the command --- */

static enum att_err run(struct auditing *a, struct att_diag *diag)
{
    enum att_err err = load_anchors(a, diag);

    if (err == ATT_OK) {
        err = log_view_open(&a->view, a->r.cli, &a->options, diag);
    }
    if (err == ATT_OK) {
        report_check(&a->r, "checkpoint", C_PASS, NULL);
        err = begin(a, diag);
    }
    return err == ATT_OK ? audit_all(a, diag) : err;
}

static int finish(struct auditing *a)
{
    if (interrupted != 0) {
        report_line(&a->r, "%s",
                    tr(a->r.cli, "Interrupted: with --state the same command goes on from here.",
                       "中断しました。--state を指定した同じコマンドで続きから再開できます。"));
        a->r.verdict = V_UNDECIDED;
        a->r.exit_override = EXIT_INTERRUPTED;
        return report_finish(&a->r);
    }
    tell_counts(a);
    tell_findings(a);
    tell_gaps(a);
    return report_finish(&a->r);
}

int cmd_log_audit(struct cli *cli, int argc, char **argv)
{
    struct auditing *a = calloc(1, sizeof(*a));
    struct report r = report_start(cli, "attestctl.log-audit.v1");
    const struct sigaction stop = {.sa_handler = interrupt,
                                   .sa_flags = (int)(SA_RESETHAND | SA_RESTART)};
    struct att_diag diag = {0};
    enum att_err err = ATT_E_NOMEM;
    int code = OPTIONS_OK;

    if (a == NULL) {
        return report_failure(&r, err, &diag);
    }
    a->r = r;
    a->progress = progress_start(cli);
    {
        const struct option_spec options[] = {LOG_OPTIONS(a->options),
                                              {"state", &a->state_path, NULL, "FILE",
                                               "go on from there, and keep there how far it came",
                                               "このファイルから再開し、進み具合を保存する"}};

        code = options_parse(&a->r, options, ATT_COUNT(options), &argc, argv);
    }
    if (code != OPTIONS_OK) {
        free(a);
        return code;
    }
    a->options.place.where = argv[1];
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGTERM, &stop, NULL);
    err = run(a, &diag);
    code = err == ATT_OK ? finish(a) : report_failure(&a->r, err, &diag);
    clear(a);
    free(a);
    return code;
}
