/* doctor: the firmware's event log and the kernel's list, looked at as the verifier will. */
#include <stdio.h>
#include <string.h>

#include "agent/measurer/doctor.h"
#include "agent/measurer/kernelrule.h"
#include "appraise/bootlog.h"
#include "logs/klog.h"
#include "tcg/evlog.h"
#include "tcg/ima.h"

#define AGGREGATE "boot_aggregate"

/* Open and read; without it the grade is lower, which the policy may accept. */
static bool read_log(struct doctor *d, struct hw_log_part *part, enum doctor_id id,
                     const char *path)
{
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    if (path == NULL) {
        doctor_skip(d, id, "not used", "使いません");
        return false;
    }
    err = hw_log_read(part, path, 0, AGENT_LOG_ROOM, &diag);
    if (err != ATT_OK) {
        diag.reason = err == ATT_E_DENIED ? ATT_R_FILE : ATT_R_LOG_COVERAGE;
        doctor_failed(d, id, SHOW_WARN, &diag);
        return false;
    }
    return true;
}

/* The banks that its header announces: a log of SHA-1 alone explains no SHA-256 PCR. */
static bool check_bank(struct doctor *d, const struct att_evlog *log)
{
    enum att_hash bank[ATT_PCR_BANKS];
    size_t count = att_evlog_banks(log, bank);
    char names[DOCTOR_DETAIL] = "";
    bool covered = false;

    for (size_t i = 0; i < count; i++) {
        covered = covered || bank[i] == ATT_HASH_SHA256;
        (void)strncat(names, att_hash_name(bank[i]), sizeof(names) - strlen(names) - 2);
        (void)strncat(names, " ", sizeof(names) - strlen(names) - 1);
    }
    if (!covered) {
        doctor_found(d, DOCTOR_LOG_BANK, SHOW_WARN, ATT_R_LOG_BANK, names);
        return false;
    }
    doctor_pass(d, DOCTOR_LOG_BANK, names);
    return true;
}

/* Who sends the log says what type an event has; an unknown one is judged by PCR and digest like the others. */
static size_t count_unknown(const struct att_evlog *log)
{
    size_t count = 0;

    for (size_t i = 0; i < att_evlog_count(log); i++) {
        const char *name = att_event_type_name(att_evlog_at(log, i)->type_unproven);

        count += strcmp(name, "unknown") == 0 ? 1 : 0;
    }
    return count;
}

/* One deviation, and what policies say to it: boot_order relaxes the order alone. */
static void tell_deviation(struct doctor *d, const struct att_boot_finding *f)
{
    char where[48], text[DOCTOR_DETAIL];

    (void)snprintf(where, sizeof(where), "PCR %u", (unsigned int)f->pcr);
    if (f->has_event) {
        (void)snprintf(where, sizeof(where), "PCR %u, event %u", (unsigned int)f->pcr,
                       (unsigned int)f->event);
    }
    (void)snprintf(text, sizeof(text), "%s: %s", where,
                   f->reason != ATT_R_LOG_ORDER ? "every policy refuses"
                   : f->has_event
                       ? "a second separator, or an event behind it; refused unless the "
                         "policy's boot_order allows it"
                       : "no separator; refused unless the policy's boot_order allows it");
    doctor_found(d, DOCTOR_LOG_ORDER, SHOW_WARN, f->reason, text);
}

/* Judged as the verifier will, by the strictest rule, over what the digests of SHA-256 say. */
static void check_order(struct doctor *d, const struct att_evlog *log)
{
    const struct att_boot_rules strict = {.bank = ATT_HASH_SHA256, .pcrs = 0xffffffU};
    struct att_boot_findings found = {0};
    struct att_diag diag = {0};
    char text[DOCTOR_DETAIL];
    enum att_err err = att_bootlog_check(&found, log, &strict);

    if (err != ATT_OK) {
        (void)att_fail(&diag, err, ATT_R_INTERNAL, "log", "the digests could not be computed");
        doctor_failed(d, DOCTOR_LOG_ORDER, SHOW_FAIL, &diag);
        return;
    }
    for (size_t i = 0; i < found.count; i++) {
        tell_deviation(d, &found.at[i]);
    }
    if (found.count == 0) {
        (void)snprintf(text, sizeof(text), "%s: %zu",
                       show_tr(d->show, "separators and data are right; events of unknown type",
                               "区切りとデータは正しい値です。種別が未知のイベント数"),
                       count_unknown(log));
        doctor_pass(d, DOCTOR_LOG_ORDER, text);
    }
}

static void check_boot_log(struct doctor *d, struct hw_log_part *part)
{
    ATT_CLEANUP(att_evlog_freep) struct att_evlog *log = NULL;
    struct att_diag diag = {0};
    char text[DOCTOR_DETAIL];

    if (!read_log(d, part, DOCTOR_LOG_UEFI, d->conf->uefi_log)) {
        return;
    }
    if (part->more) {
        return; /* log.size tells */
    }
    if (att_evlog_parse(&log, att_buf_slice(part->data), &diag) != ATT_OK) {
        doctor_failed(d, DOCTOR_LOG_UEFI, SHOW_FAIL, &diag);
        return;
    }
    (void)snprintf(text, sizeof(text), "%zu events", att_evlog_count(log));
    doctor_pass(d, DOCTOR_LOG_UEFI, text);
    if (check_bank(d, log)) {
        check_order(d, log);
    }
}

/* What one look over the kernel's list finds. */
struct listed {
    uint32_t entries, violations;
    bool without_tpm; /* it starts with a boot_aggregate of zeros */
};

static bool all_zero(struct att_slice s)
{
    uint8_t any = 0;

    for (size_t i = 0; i < s.len; i++) {
        any |= s.p[i];
    }
    return any == 0;
}

static enum att_err look(struct listed *out, const struct hw_log_part *part, struct att_diag *diag)
{
    struct att_ima it = att_ima_from(att_buf_slice(part->data));
    struct att_ima_entry e;
    bool more = true;

    for (;;) {
        enum att_err err = att_ima_next(&it, &e, &more, diag);

        if (err == ATT_E_TRUNCATED && part->more) {
            return ATT_OK; /* we looked at the beginning only */
        }
        if (err != ATT_OK || !more) {
            return err;
        }
        if (out->entries++ == 0 && att_slice_eq(e.path, att_slice_str(AGGREGATE))) {
            out->without_tpm = all_zero(e.digest);
        }
        out->violations += e.violation ? 1 : 0;
    }
}

static void tell_list(struct doctor *d, const struct listed *found)
{
    char text[DOCTOR_DETAIL];

    (void)snprintf(text, sizeof(text), "%u entries", found->entries);
    if (found->entries <= 1) {
        doctor_found(d, DOCTOR_LOG_IMA, SHOW_WARN, ATT_R_LOG_COVERAGE,
                     "only boot_aggregate is in the list: no IMA policy is loaded (kernel option "
                     "ima_policy=tcb)");
    } else {
        doctor_pass(d, DOCTOR_LOG_IMA, text);
    }
    if (found->without_tpm) {
        doctor_found(d, DOCTOR_LOG_IMA_START, SHOW_WARN, ATT_R_LOG_LATE,
                     "the list starts with a boot_aggregate of zeros");
    } else if (found->entries > 0) {
        doctor_pass(d, DOCTOR_LOG_IMA_START, AGGREGATE);
    }
    (void)snprintf(text, sizeof(text), "%u of %u entries", found->violations, found->entries);
    if (found->violations > 0) {
        doctor_found(d, DOCTOR_LOG_VIOLATIONS, SHOW_WARN, ATT_R_LOG_VIOLATION, text);
    } else if (found->entries > 0) {
        doctor_pass(d, DOCTOR_LOG_VIOLATIONS, text);
    }
}

/* Does the list lead to the PCR, and how does the kernel extend? The verifier refuses one that does not. */
static void check_ima_pcr(struct doctor *d)
{
    enum kernel_rule rule = KERNEL_RULE_UNKNOWN;
    struct att_diag diag = {0};

    if (d->pcrs.has == 0) {
        return; /* no TPM, or no such bank: told before */
    }
    if (kernel_rule_find(&rule, d->conf->ima_log, &d->pcrs, &diag) != ATT_OK) {
        doctor_failed(d, DOCTOR_LOG_IMA_PCR, SHOW_WARN, &diag);
    } else if (rule == KERNEL_RULE_UNKNOWN) {
        doctor_found(d, DOCTOR_LOG_IMA_PCR, SHOW_WARN, ATT_R_LOG_PCR,
                     "no part of the kernel's list leads to the PCR that it extends, in bank "
                     "sha256");
    } else {
        doctor_pass(d, DOCTOR_LOG_IMA_PCR, att_ima_rule_words(rule == KERNEL_RULE_PADDED));
    }
}

static void check_ima_list(struct doctor *d, struct hw_log_part *part)
{
    struct listed found = {0};
    struct att_diag diag = {0};

    if (!read_log(d, part, DOCTOR_LOG_IMA, d->conf->ima_log)) {
        return;
    }
    if (look(&found, part, &diag) != ATT_OK) {
        doctor_failed(d, DOCTOR_LOG_IMA, SHOW_FAIL, &diag);
        return;
    }
    tell_list(d, &found);
    if (found.entries > 0) {
        check_ima_pcr(d);
    }
}

/*
 * The kernel's list only grows: told at half of what one message carries, while there is time to plan a reboot.
 * Past that it goes in parts, up to what the verifier takes; the firmware's log does not.
 */
static void check_size(struct doctor *d, const struct hw_log_part *uefi,
                       const struct hw_log_part *ima)
{
    size_t len = (uefi->data == NULL ? 0 : att_buf_len(uefi->data)) +
                 (ima->data == NULL ? 0 : att_buf_len(ima->data));
    bool over = uefi->more; /* read up to AGENT_LOG_ROOM */
    bool long_ = ima->more || len > AGENT_LOG_ROOM / 2;
    char text[DOCTOR_DETAIL];

    if (uefi->data == NULL && ima->data == NULL) {
        return;
    }
    (void)snprintf(text, sizeof(text), "%zu%s / %zu KiB", len / 1024,
                   uefi->more || ima->more ? "+" : "", (size_t)AGENT_LOG_ROOM / 1024);
    if (over || long_) {
        doctor_found(d, DOCTOR_LOG_SIZE, over ? SHOW_FAIL : SHOW_WARN, ATT_R_LOG_LONG, text);
        return;
    }
    doctor_pass(d, DOCTOR_LOG_SIZE, text);
}

void doctor_logs(struct doctor *d)
{
    ATT_CLEANUP(hw_log_part_free) struct hw_log_part uefi = {0};
    ATT_CLEANUP(hw_log_part_free) struct hw_log_part ima = {0};

    check_boot_log(d, &uefi);
    check_ima_list(d, &ima);
    check_size(d, &uefi, &ima);
}
