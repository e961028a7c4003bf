/* attest-agent doctor: is this machine able to give evidence, and which grade can it reach? */
#include "agent/measurer/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "crypto/cert.h"
#include "logs/klog.h"
#include "tcg/evlog.h"
#include "tcg/ima.h"

#define SANE_UTC_S    1735689600 /* 2025-01-01: a clock before that was never set */
#define SOON_S        (14 * 86400)
#define DETAIL_LEN    224
#define LOG_LOOK_MAX  1048576 /* bytes of a log that are looked at */
#define CERT_FILE_MAX 32768

/* One examination: the report, the configuration, and the TPM while it is open. */
struct doctor {
    struct show *show;
    const struct agent_conf *conf;
    struct hw_tpm *tpm;
    struct hw_tpm_info info;
    bool enrolled;
    struct agent_ident ident;
};

static void pass(struct doctor *d, const char *id, const char *detail)
{
    show_check(d->show, id, SHOW_PASS, NULL, detail);
}

static void found(struct doctor *d, const char *id, enum show_state state, enum att_reason reason,
                  const char *text)
{
    struct att_diag diag = {0};

    (void)att_fail(&diag, ATT_E_MISMATCH, reason, NULL, "%s", text);
    show_check(d->show, id, state, &diag, "");
}

static void check_state_dir(struct doctor *d)
{
    const char *dir = d->conf->state_dir;
    char detail[DETAIL_LEN];
    struct att_diag diag = {0};
    struct stat st;

    if (lstat(dir, &st) != 0 && errno == ENOENT) {
        show_check(d->show, "state.folder", SHOW_NOT_RUN, NULL,
                   show_tr(d->show, "made by enrol", "enrol が作成します"));
        return;
    }
    if (lstat(dir, &st) != 0 || !S_ISDIR(st.st_mode) || (st.st_mode & 077) != 0 ||
        st.st_uid != geteuid()) {
        (void)att_fail(&diag, ATT_E_DENIED, ATT_R_CFG_PERM, NULL,
                       "%s must be a folder of this user with mode 0700", dir);
        show_check(d->show, "state.folder", SHOW_FAIL, &diag, "");
        return;
    }
    pass(d, "state.folder", dir);
    if (state_load(&d->ident, dir, &diag) == ATT_OK) {
        d->enrolled = true;
        (void)snprintf(detail, sizeof(detail), "%s @ %s", d->ident.device_id, d->ident.verifier_id);
        pass(d, "state.enrolled", detail);
        return;
    }
    show_check(d->show, "state.enrolled", SHOW_WARN, &diag, "");
}

/* The kernel's resource manager shares the TPM; the raw device and simulators do not. */
static void check_manager(struct doctor *d)
{
    const char *tcti = d->conf->tcti != NULL ? d->conf->tcti : "device:" HW_TPM_DEVICE;

    if (strncmp(tcti, "device:/dev/tpmrm", 17) == 0) {
        pass(d, "tpm.manager", tcti);
        return;
    }
    if (strncmp(tcti, "device:", 7) == 0) {
        found(d, "tpm.manager", SHOW_WARN, ATT_R_TPM_RES,
              "this device has no resource manager: another program can take its slots");
        return;
    }
    show_check(d->show, "tpm.manager", SHOW_WARN, NULL,
               show_tr(d->show, "a software TPM: for trying out, it protects nothing",
                       "ソフトウェア TPM です。試用のみで、何も保護しません"));
}

static bool open_tpm(struct doctor *d)
{
    struct att_diag diag = {0};
    char detail[DETAIL_LEN];
    enum att_err err = hw_tpm_open(&d->tpm, d->conf->tcti, &diag);

    if (err == ATT_OK) {
        err = hw_tpm_info(&d->info, d->tpm, &diag);
    }
    if (err != ATT_OK) {
        show_check(d->show, "tpm.open", SHOW_FAIL, &diag, "");
        return false;
    }
    (void)snprintf(detail, sizeof(detail), "%s %s, firmware %llx", d->info.manufacturer,
                   d->info.vendor, (unsigned long long)d->info.firmware);
    pass(d, "tpm.open", detail);
    return true;
}

static void check_lockout(struct doctor *d)
{
    char text[DETAIL_LEN];

    (void)snprintf(text, sizeof(text), "%u / %u, -1 / %u s", d->info.lockout_counter,
                   d->info.lockout_max, d->info.lockout_interval_s);
    if (d->info.in_lockout) {
        found(d, "tpm.lockout", SHOW_FAIL, ATT_R_TPM_LOCKOUT, text);
        return;
    }
    pass(d, "tpm.lockout", text);
}

static void check_banks(struct doctor *d)
{
    bool sha256 = false;
    char names[DETAIL_LEN] = "";

    for (uint32_t i = 0; i < d->info.bank_count; i++) {
        const struct hw_tpm_bank *b = &d->info.bank[i];
        char text[DETAIL_LEN];

        sha256 = sha256 || b->alg == ATT_HASH_SHA256;
        (void)strncat(names, att_hash_name(b->alg), sizeof(names) - strlen(names) - 2);
        (void)strncat(names, " ", sizeof(names) - strlen(names) - 1);
        if (!b->never_extended) {
            continue;
        }
        (void)snprintf(text, sizeof(text),
                       "PCR 0 to 7 of bank %s are all zero: the firmware "
                       "measured nothing into it (no grade E3)",
                       att_hash_name(b->alg));
        found(d, "tpm.bank-extended", SHOW_WARN, ATT_R_LOG_BANK, text);
    }
    if (!sha256) {
        found(d, "tpm.banks", SHOW_FAIL, ATT_R_Q_BANK, names);
        return;
    }
    pass(d, "tpm.banks", names);
}

/* The own PCR must be zero, or hold what our log of this boot says. */
static void check_own_pcr(struct doctor *d)
{
    struct att_pcr_selection sel = {.count = 1};
    struct att_pcr_values v = {0};
    struct att_clock_info clock;
    struct att_diag diag = {0};
    const struct att_pcr_bank *bank = NULL;
    static const uint8_t zero[ATT_HASH_MAX];
    char path[STATE_PATH_MAX];
    char text[DETAIL_LEN];
    enum att_err err = ATT_OK;

    sel.sel[0] =
        (struct att_pcr_sel){.bank = ATT_HASH_SHA256, .mask = 1U << d->conf->own_pcr, .size = 3};
    err = hw_tpm_pcr_read(&v, d->tpm, &sel, &diag);
    if (err == ATT_OK) {
        err = hw_tpm_clock(&clock, d->tpm, &diag);
    }
    if (err != ATT_OK) {
        show_check(d->show, "own.pcr", SHOW_FAIL, &diag, "");
        return;
    }
    bank = att_pcr_bank_find(&v, ATT_HASH_SHA256);
    (void)snprintf(text, sizeof(text), "PCR %u", d->conf->own_pcr);
    (void)snprintf(path, sizeof(path), "%s/own-%u-%u.cel", d->conf->state_dir, clock.reset_count,
                   clock.restart_count);
    if (bank != NULL && memcmp(bank->value[d->conf->own_pcr], zero, 32) != 0 &&
        access(path, F_OK) != 0) {
        (void)snprintf(text, sizeof(text),
                       "PCR %u is not zero and there is no own log of this boot: another program "
                       "uses it (systemd-stub does so with 13); name another one as own_pcr",
                       d->conf->own_pcr);
        found(d, "own.pcr", SHOW_FAIL, ATT_R_OWN_FOREIGN, text);
        return;
    }
    pass(d, "own.pcr", text);
}

static void check_ek(struct doctor *d)
{
    ATT_CLEANUP(hw_ek_certs_free) struct hw_ek_certs certs = {0};
    struct att_diag diag = {0};
    char text[DETAIL_LEN];
    uint32_t in_files = 0;
    enum att_err err = agent_ek_certs(&certs, d->tpm, d->conf, &diag);

    if (err != ATT_OK) {
        show_check(d->show, "tpm.ek-certificate", SHOW_FAIL, &diag, "");
        return;
    }
    if (certs.count == 0) {
        found(d, "tpm.ek-certificate", SHOW_WARN, ATT_R_ID_EKCERT,
              "the TPM holds no certificate of its maker: look for one on the maker's web site "
              "(ek_certificates), or the operator must allow-list its key (grade E1)");
        return;
    }
    for (uint32_t i = 0; i < certs.count; i++) {
        in_files += certs.cert[i].index >= AGENT_EK_FILE_INDEX ? 1 : 0;
    }
    (void)snprintf(text, sizeof(text), "%u in NV, %u in files, first 0x%08x",
                   certs.count - in_files, in_files, certs.cert[0].index);
    pass(d, "tpm.ek-certificate", text);
}

static void check_ak(struct doctor *d)
{
    struct hw_ak ak;
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    if (!d->enrolled) {
        return;
    }
    err = hw_tpm_ak_find(&ak, d->tpm, d->ident.ak.handle, &diag);
    if (err == ATT_OK && ak.public_len == d->ident.ak.public_len &&
        memcmp(ak.public_area, d->ident.ak.public_area, ak.public_len) == 0) {
        pass(d, "tpm.key", show_tr(d->show, "the enrolled one", "登録時の鍵です"));
        return;
    }
    found(d, "tpm.key", err == ATT_E_NOT_FOUND ? SHOW_WARN : SHOW_FAIL, ATT_R_TPM_OTHER,
          err == ATT_E_NOT_FOUND ? "the attestation key is not at its handle; it will be made again"
                                 : "another key stands where the enrolled one was");
}

/* Open and look: readable, and the beginning is what it should be. */
static bool read_log(struct doctor *d, struct hw_log_part *part, const char *id, const char *path)
{
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    if (path == NULL) {
        show_check(d->show, id, SHOW_NOT_RUN, NULL, show_tr(d->show, "not used", "使いません"));
        return false;
    }
    err = hw_log_read(part, path, 0, LOG_LOOK_MAX, &diag);
    if (err != ATT_OK) {
        /* without it the grade is lower, which the policy may accept */
        diag.reason = err == ATT_E_DENIED ? ATT_R_FILE : ATT_R_LOG_COVERAGE;
        show_check(d->show, id, SHOW_WARN, &diag, "");
        return false;
    }
    return true;
}

static void check_boot_log(struct doctor *d)
{
    ATT_CLEANUP(hw_log_part_free) struct hw_log_part part = {0};
    ATT_CLEANUP(att_evlog_freep) struct att_evlog *log = NULL;
    struct att_diag diag = {0};
    char text[DETAIL_LEN];

    if (!read_log(d, &part, "log.uefi", d->conf->uefi_log)) {
        return;
    }
    if (!part.more && att_evlog_parse(&log, att_buf_slice(part.data), &diag) != ATT_OK) {
        show_check(d->show, "log.uefi", SHOW_FAIL, &diag, "");
        return;
    }
    (void)snprintf(text, sizeof(text), "%zu events", log == NULL ? 0 : att_evlog_count(log));
    pass(d, "log.uefi", text);
}

static void check_ima_list(struct doctor *d)
{
    ATT_CLEANUP(hw_log_part_free) struct hw_log_part part = {0};
    struct att_ima it;
    struct att_ima_entry e;
    struct att_diag diag = {0};
    bool more = true;
    char text[DETAIL_LEN];

    if (!read_log(d, &part, "log.ima", d->conf->ima_log)) {
        return;
    }
    it = att_ima_from(att_buf_slice(part.data));
    while (more) {
        enum att_err err = att_ima_next(&it, &e, &more, &diag);

        if (err == ATT_E_TRUNCATED && part.more) {
            break; /* we looked at the beginning only */
        }
        if (err != ATT_OK) {
            show_check(d->show, "log.ima", SHOW_FAIL, &diag, "");
            return;
        }
    }
    if (it.count <= 1) {
        found(d, "log.ima", SHOW_WARN, ATT_R_LOG_COVERAGE,
              "only boot_aggregate is in the list: no IMA policy is loaded (kernel option "
              "ima_policy=tcb)");
        return;
    }
    (void)snprintf(text, sizeof(text), "%u entries", it.count);
    pass(d, "log.ima", text);
}

static void check_clock(struct doctor *d)
{
    struct timex t = {0};
    char now[ATT_TIME_TEXT];
    int state = adjtimex(&t);

    (void)att_time_print(now, sizeof(now), att_clock_utc_s());
    if (att_clock_utc_s() < SANE_UTC_S) {
        found(d, "clock", SHOW_FAIL, ATT_R_CLOCK, now);
        return;
    }
    if (state < 0 || (t.status & STA_UNSYNC) != 0) {
        found(d, "clock", SHOW_WARN, ATT_R_CLOCK, "nothing keeps the clock right");
        return;
    }
    pass(d, "clock", now);
}

static void check_roots(struct doctor *d)
{
    size_t bad = 0;
    char text[DETAIL_LEN];

    for (size_t i = 0; i < d->conf->root_count; i++) {
        const char *path = d->conf->root[i].path;
        struct stat st;

        /* a link is measured as a link: where it leads does not matter */
        if (lstat(path, &st) == 0 && (S_ISLNK(st.st_mode) || access(path, R_OK) == 0)) {
            continue;
        }
        bad++;
        (void)snprintf(text, sizeof(text), "%.100s: %s", path, strerror(errno));
        found(d, "measure.entry", SHOW_WARN,
              errno == EACCES ? ATT_R_REF_UNREADABLE : ATT_R_REF_ABSENT, text);
    }
    if (d->conf->root_count == 0) {
        found(d, "measure", SHOW_WARN, ATT_R_REF_MISSING, "agent.yaml lists nothing to measure");
        return;
    }
    (void)snprintf(text, sizeof(text), "%zu / %zu", d->conf->root_count - bad, d->conf->root_count);
    if (bad == 0) {
        pass(d, "measure", text);
    }
}

/* How long the TLS certificate is still good. */
static void check_certificate(struct doctor *d)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    ATT_CLEANUP(att_cert_freep) struct att_cert *cert = NULL;
    char path[STATE_PATH_MAX];
    char until[ATT_TIME_TEXT];
    struct att_diag diag = {0};
    enum att_err err = state_path(path, d->conf->state_dir, STATE_TLS_CERT, &diag);

    if (!d->enrolled) {
        return;
    }
    if (err == ATT_OK) {
        err = att_file_read(&pem, path, CERT_FILE_MAX, &diag);
    }
    if (err == ATT_OK) {
        err = att_cert_parse(&cert, att_buf_slice(pem), &diag);
    }
    if (err != ATT_OK) {
        show_check(d->show, "tls.certificate", SHOW_FAIL, &diag, "");
        return;
    }
    (void)att_time_print(until, sizeof(until), att_cert_not_after(cert));
    if (att_cert_not_after(cert) - att_clock_utc_s() < SOON_S) {
        found(d, "tls.certificate", SHOW_WARN, ATT_R_LBL_TIME, until);
        return;
    }
    pass(d, "tls.certificate", until);
}

static void check_verifier(struct doctor *d)
{
    struct agent a = {.conf = d->conf, .ident = d->ident};
    struct relay_request q = {.kind = RELAY_PROBE};
    ATT_CLEANUP(relay_answer_free) struct relay_answer answer = {0};
    struct att_diag diag = {0};
    const char *url = d->conf->verifier != NULL ? d->conf->verifier : d->ident.url;
    enum att_err err = ATT_OK;

    if (url[0] == '\0' || (d->conf->verifier_ca == NULL && !d->enrolled)) {
        show_check(d->show, "verifier", SHOW_NOT_RUN, NULL,
                   show_tr(d->show, "no address yet", "アドレスが未設定です"));
        return;
    }
    err = agent_ask(&answer, &a, &q, &diag);
    if (err == ATT_OK) {
        pass(d, "verifier", url);
    } else {
        show_check(d->show, "verifier", SHOW_FAIL, &diag, url);
    }
    agent_close(&a);
}

int cmd_doctor(struct show *s, const struct agent_conf *conf, const struct options *o)
{
    struct doctor d = {.show = s, .conf = conf};
    static void (*const of_tpm[])(struct doctor *) = {check_lockout, check_banks, check_own_pcr,
                                                      check_ek, check_ak};
    static void (*const of_machine[])(struct doctor *) = {check_boot_log,    check_ima_list,
                                                          check_clock,       check_roots,
                                                          check_certificate, check_verifier};

    (void)o;
    show_start(s, "attestd.agent.doctor/1");
    check_state_dir(&d);
    check_manager(&d);
    if (open_tpm(&d)) {
        for (size_t i = 0; i < ATT_COUNT(of_tpm); i++) {
            of_tpm[i](&d);
        }
    }
    hw_tpm_closep(&d.tpm);
    for (size_t i = 0; i < ATT_COUNT(of_machine); i++) {
        of_machine[i](&d);
    }
    return show_end(s);
}
