/*
 * attestd fsck: does every record hold what it must, and is every label genuine? Repairs nothing.
 *
 * Exit status 0: clean; 1: findings, one a line on standard output; others: it could not be checked.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/label.h"
#include "appraise/offline.h"
#include "appraise/record.h"
#include "appraise/result.h"
#include "appraise/transfer.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "policy/policy.h"
#include "sign/cose.h"
#include "tcg/pubarea.h"
#include "verifier/exit.h"
#include "verifier/keeper/archive.h"
#include "verifier/keeper/fsck_log.h"
#include "verifier/keeper/issuer.h"
#include "verifier/keeper/unit.h"
#include "verifier/process.h"
#include "verifier/store/store.h"

#define PAGE 64

struct fsck {
    struct store *st;
    struct archive archive;
    struct att_anchors *anchors;
    struct att_buf *bytes;
    struct att_offline *offline;
    struct store_row *rows;
    struct att_boot_state boot;
    struct att_carry carry;
    struct att_windows windows;
    bool policy_known;
    uint8_t policy[32];
    size_t findings;
    int64_t outcomes, labels, devices, entries;
};

static void fsck_clear(struct fsck *f)
{
    store_close(f->st);
    archive_close(&f->archive);
    att_anchors_free(f->anchors);
    att_buf_free(f->bytes);
    free(f->offline);
    free(f->rows);
}

static void say(void *ctx, const char *text)
{
    struct fsck *f = ctx;

    (void)printf("%s\n", text);
    f->findings++;
}

static void say_outcome(struct fsck *f, int64_t index, const char *text)
{
    char line[256];

    (void)snprintf(line, sizeof(line), "outcome %lld: %s", (long long)index, text);
    say(f, line);
}

static void say_device(struct fsck *f, const char *id, const char *text)
{
    char line[256];

    (void)snprintf(line, sizeof(line), "device %s: %s", id, text);
    say(f, line);
}

/* Labels are judged by the roots beside the configuration: attestd init puts them into trust/. */
static enum att_err load_anchors(struct fsck *f, const struct config *cfg, struct att_diag *diag)
{
    char path[PATH_MAX];
    const char *slash = strrchr(cfg->path, '/');
    size_t len = slash != NULL ? (size_t)(slash - cfg->path) : 0;
    enum att_err err = att_anchors_new(&f->anchors);

    if (err != ATT_OK)
        return err;
    (void)snprintf(path, sizeof(path), "%.*s%strust", (int)len, cfg->path,
                   slash != NULL ? "/" : "");
    err = att_anchors_load(f->anchors, path, diag);
    if (err == ATT_OK && att_anchors_count(f->anchors) == 0)
        err = ATT_E_NOT_FOUND;
    if (err == ATT_E_NOT_FOUND)
        return att_fail(diag, err, ATT_R_TRUST_NONE, "trust", "no root for labels in %s", path);
    return err;
}

static bool passed(const struct att_offline *o, const char *id)
{
    for (size_t i = 0; i < o->check_count; i++) {
        if (strcmp(o->check[i].id, id) == 0)
            return o->check[i].status == ATT_CHECK_PASS;
    }
    return false;
}

/* The reason of an outcome is one of its label's; none where the label has none. */
static bool names_reason(const struct att_label *l, const char *reason)
{
    for (uint32_t i = 0; i < l->reason_count; i++) {
        if (strcmp(l->reason[i].code, reason) == 0)
            return true;
    }
    return l->reason_count == 0 && reason[0] == '\0';
}

static void compare_label(struct fsck *f, const struct store_outcome *o,
                          const struct store_label *row)
{
    const struct att_label *l = &f->offline->label;

    if (memcmp(l->cti, row->cti, sizeof(row->cti)) != 0 || strcmp(l->device_id, o->device) != 0)
        say_outcome(f, o->index, "the label names another device or cti");
    if (l->iat != row->iat || l->exp != row->exp || (int)l->status != row->tier)
        say_outcome(f, o->index, "time or status of the label differ from its record");
    if (l->iat != o->utc || !names_reason(l, o->reason))
        say_outcome(f, o->index, "its time or reason is not that of the label");
    if (memcmp(l->evidence_digest, o->evidence, 32) != 0 ||
        memcmp(l->policy_digest, o->policy, 32) != 0 ||
        memcmp(l->refvals_digest, o->refvals, 32) != 0)
        say_outcome(f, o->index, "the label was made of other digests than the outcome");
    if ((o->kind == STORE_KIND_LABEL) !=
        (row->tier == ATT_TIER_AFFIRMING || row->tier == ATT_TIER_WARNING))
        say_outcome(f, o->index, "kind and label contradict each other");
}

static enum att_err check_label(struct fsck *f, const struct store_outcome *o)
{
    struct att_trust_rules rules = {0};
    struct store_label row;
    enum att_err err = store_label_get(&row, f->bytes, f->st, o->cti);

    if (err == ATT_E_NOT_FOUND)
        return ATT_OK; /* store_check says so */
    if (err != ATT_OK)
        return err;
    f->labels++;
    memset(f->offline, 0, sizeof(*f->offline));
    err = att_offline_check(f->offline, att_buf_slice(f->bytes), f->anchors, &rules, row.iat);
    if (err != ATT_OK)
        return err;
    if (!f->offline->has_label || !passed(f->offline, "signature") ||
        !passed(f->offline, "chain")) {
        say_outcome(f, o->index, "the label does not verify");
        return ATT_OK;
    }
    compare_label(f, o, &row);
    return ATT_OK;
}

static enum att_err check_evidence(struct fsck *f, const struct store_outcome *o)
{
    struct att_diag diag = {0};
    struct att_record record = {0};
    uint8_t digest[32];
    enum att_err err = ATT_OK;

    att_buf_clear(f->bytes);
    err = archive_get(f->bytes, &f->archive, f->st, o->index, o->device, &diag);
    if (err == ATT_E_NOT_FOUND)
        return ATT_OK;
    if (err == ATT_OK)
        err = att_record_decode(&record, att_buf_slice(f->bytes), &diag);
    if (err == ATT_E_NOMEM || err == ATT_E_IO)
        return err;
    if (err != ATT_OK) {
        say_outcome(f, o->index, "the record of its appraisal does not open");
        return ATT_OK;
    }
    err = att_sha256(record.evidence, digest);
    if (err != ATT_OK)
        return err;
    if (memcmp(digest, o->evidence, sizeof(digest)) != 0)
        say_outcome(f, o->index, "the evidence is not the one that was judged");
    return ATT_OK;
}

/* The policy that an outcome names is kept under its digest; the last one looked at is remembered. */
static enum att_err check_policy(struct fsck *f, const struct store_outcome *o)
{
    ATT_CLEANUP(att_policy_freep) struct att_policy *p = NULL;
    enum att_err err;

    if (f->policy_known && memcmp(f->policy, o->policy, sizeof(f->policy)) == 0)
        return ATT_OK;
    memcpy(f->policy, o->policy, sizeof(f->policy));
    f->policy_known = true;
    err = store_policy_get(f->bytes, f->st, o->policy);
    if (err == ATT_E_NOT_FOUND)
        return ATT_OK; /* store_check says so */
    if (err == ATT_OK)
        err = att_policy_decode(&p, att_buf_slice(f->bytes), NULL);
    if (err == ATT_E_NOMEM || err == ATT_E_IO)
        return err;
    if (err != ATT_OK || memcmp(p->digest, o->policy, sizeof(f->policy)) != 0)
        say_outcome(f, o->index, "the policy that it names is damaged");
    return ATT_OK;
}

static enum att_err check_outcomes(struct fsck *f)
{
    struct store_outcome o;
    enum att_err err = store_outcome_count(&f->outcomes, f->st);

    for (int64_t i = 0; i < f->outcomes && err == ATT_OK; i++) {
        err = store_outcome_get(&o, f->st, i);
        if (err == ATT_E_NOT_FOUND || err == ATT_E_FORMAT) {
            say_outcome(f, i, "it cannot be read");
            err = ATT_OK;
            continue;
        }
        if (err == ATT_OK && store_kind_makes_label(o.kind))
            err = check_label(f, &o);
        if (err == ATT_OK && o.has_rules)
            err = check_policy(f, &o);
        if (err == ATT_OK && o.has_evidence)
            err = check_evidence(f, &o);
    }
    return err;
}

/* A status says what the last label says; stale says nothing of it. */
static enum att_err check_status(struct fsck *f, const struct store_device *d,
                                 const struct store_state *s)
{
    static const int tiers[] = {[STORE_AFFIRMING] = ATT_TIER_AFFIRMING,
                                [STORE_WARNING] = ATT_TIER_WARNING,
                                [STORE_FAILED] = ATT_TIER_CONTRAINDICATED};
    struct store_label row;
    enum att_err err = store_label_get(&row, f->bytes, f->st, s->cti);

    if (err == ATT_E_NOT_FOUND)
        return ATT_OK; /* store_check says so */
    if (err != ATT_OK)
        return err;
    if (strcmp(row.device, d->id) != 0)
        say_device(f, d->id, "its last label is another device's");
    if (s->status != STORE_ENROLLED && s->status != STORE_STALE && row.tier != tiers[s->status])
        say_device(f, d->id, "its status is not that of its last label");
    return ATT_OK;
}

static enum att_err check_device(struct fsck *f, const struct store_device *d)
{
    struct store_state s;
    enum att_err err = store_state_get(&s, f->bytes, f->st, d->enrolment);

    if (err == ATT_E_NOT_FOUND)
        return ATT_OK;
    if (err != ATT_OK)
        return err;
    f->devices++;
    if (att_device_id_check(att_slice_str(d->id), NULL) != ATT_OK)
        say(f, "a device has an id that is not allowed");
    if (!att_pubarea_has_name(att_slice_of(d->ek_public, d->ek_public_len),
                              att_slice_of(d->ek_name, d->ek_name_len)))
        say_device(f, d->id, "the endorsement key is not the one of its name");
    if (!att_pubarea_has_name(att_slice_of(d->ak_public, d->ak_public_len),
                              att_slice_of(d->ak_name, d->ak_name_len)))
        say_device(f, d->id, "the attestation key is not the one of its name");
    if ((s.boot.len > 0 && (att_boot_state_decode(&f->boot, s.boot, NULL) != ATT_OK ||
                            att_carry_decode(&f->carry, s.carry, NULL) != ATT_OK)) ||
        (s.windows.len > 0 && att_windows_decode(&f->windows, s.windows, NULL) != ATT_OK))
        say_device(f, d->id, "its state is damaged");
    if ((s.status == STORE_AFFIRMING || s.status == STORE_WARNING) && !s.has_cti)
        say_device(f, d->id, "good status without a label");
    return s.has_cti ? check_status(f, d, &s) : ATT_OK;
}

static enum att_err check_quarantine(struct fsck *f)
{
    int64_t count = 0;
    char line[96];
    enum att_err err = store_quarantine_count(&count, f->st);

    if (err == ATT_OK && count > 0) {
        (void)snprintf(line, sizeof(line), "%lld rows of devices are in quarantine",
                       (long long)count);
        say(f, line);
    }
    return err;
}

/* What is kept of a transfer is what both sides signed; whose keys counted then is not known any more. */
static void compare_transfer(struct fsck *f, const struct store_transfer *row)
{
    struct att_transfer t;
    bool given = row->role == STORE_TRANSFER_GIVEN;
    const char *device;

    if (att_transfer_parse(&t, att_buf_slice(f->bytes), NULL) != ATT_OK || !t.accepted) {
        say_outcome(f, row->outcome, "the statement of its transfer is damaged");
        return;
    }
    device = given ? t.giver.device_id : t.receiver.device_id;
    if (memcmp(t.id, row->id, sizeof(row->id)) != 0 || strcmp(device, row->device) != 0 ||
        !att_slice_eq(att_slice_of(t.ek_name, t.ek_name_len),
                      att_slice_of(row->ek_name, row->ek_name_len)) ||
        t.expires_utc != row->expires_utc)
        say_outcome(f, row->outcome, "the record of its transfer differs from the statement");
}

static enum att_err check_transfers(struct fsck *f)
{
    struct store_transfer row = {.outcome = -1};
    enum att_err err = store_transfer_next(&row, f->bytes, f->st, row.outcome);

    while (err == ATT_OK) {
        compare_transfer(f, &row);
        err = store_transfer_next(&row, f->bytes, f->st, row.outcome);
    }
    return err == ATT_E_NOT_FOUND ? ATT_OK : err;
}

static enum att_err check_devices(struct fsck *f)
{
    char after[STORE_ID_MAX + 1] = "";
    size_t count = 0;
    enum att_err err;

    do {
        err = store_device_list(f->rows, PAGE, &count, f->st, after);
        for (size_t i = 0; i < count && err == ATT_OK; i++)
            err = check_device(f, &f->rows[i].device);
        if (count > 0)
            memcpy(after, f->rows[count - 1].device.id, sizeof(after));
    } while (err == ATT_OK && count == PAGE);
    return err;
}

static enum att_err check_all(struct fsck *f, const struct config *cfg, struct att_diag *diag)
{
    const struct store_place place = config_store(cfg);
    enum att_err err = store_open_at(&f->st, &place, STORE_AS_IT_IS, diag);

    if (err == ATT_OK)
        err = archive_open(&f->archive, &cfg->evidence, diag);
    if (err == ATT_OK)
        err = archive_check(&f->archive, f->st, false, diag);
    if (err == ATT_OK)
        err = load_anchors(f, cfg, diag);
    if (err == ATT_OK)
        err = att_buf_new(&f->bytes, STORE_BYTES_MAX);
    f->offline = calloc(1, sizeof(*f->offline));
    f->rows = calloc(PAGE, sizeof(*f->rows));
    if (err == ATT_OK && (f->offline == NULL || f->rows == NULL))
        err = att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "fsck", "memory ran out");
    if (err != ATT_OK)
        return err;
    err = store_check(f->st, say, f, &(size_t){0});
    if (err == ATT_OK)
        err = check_devices(f);
    if (err == ATT_OK)
        err = check_quarantine(f);
    if (err == ATT_OK)
        err = check_outcomes(f);
    if (err == ATT_OK)
        err = check_transfers(f);
    if (err == ATT_OK) {
        const struct fsck_log_options log = {cfg, f->st, f->anchors, say, f};

        err = fsck_log(&f->entries, &log, diag);
        if (err != ATT_OK && diag->reason != ATT_R_NONE)
            return err;
    }
    if (err == ATT_OK)
        return ATT_OK;
    return att_fail(diag, err, ATT_R_ST_CORRUPT, "database", "it cannot be read to its end: %s",
                    att_err_name(err));
}

int keeper_fsck_main(const struct config *cfg)
{
    ATT_CLEANUP(fsck_clear) struct fsck f = {0};
    struct att_diag diag = {0};
    enum att_err err = check_all(&f, cfg, &diag);

    if (err != ATT_OK)
        return exit_told("attestd fsck", err, &diag);
    (void)printf("%lld devices, %lld outcomes, %lld labels, %lld log entries: %zu findings\n",
                 (long long)f.devices, (long long)f.outcomes, (long long)f.labels,
                 (long long)f.entries, f.findings);
    return f.findings == 0 ? EXIT_SUCCESS : EXIT_FOUND;
}

int keeper_dump_main(const struct config *cfg)
{
    ATT_CLEANUP(store_closep) struct store *st = NULL;
    struct att_diag diag = {0};
    const struct store_place place = config_store(cfg);
    enum att_err err = store_open_at(&st, &place, STORE_AS_IT_IS, &diag);

    if (err != ATT_OK)
        return exit_told("attestd fsck", err, &diag);
    err = store_dump(st, stdout);
    if (err != ATT_OK) {
        (void)att_fail(&diag, err, ATT_R_ST_CORRUPT, "dump", "it cannot be written or read");
        return exit_told("attestd fsck", err, &diag);
    }
    return EXIT_SUCCESS;
}
