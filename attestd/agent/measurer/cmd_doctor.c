/* attest-agent doctor: is this machine able to give evidence, and which grade can it reach? */
#include "agent/measurer/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include "agent/measurer/doctor.h"
#include "base/clock.h"
#include "base/file.h"
#include "crypto/cert.h"

#define SANE_UTC_S    1735689600 /* 2025-01-01: a clock before that was never set */
#define SOON_S        (14 * 86400)
#define CERT_FILE_MAX 32768

const char *doctor_name(enum doctor_id id)
{
    static const char *const name[] = {
#define DOCTOR(NAME, text) [DOCTOR_##NAME] = (text),
#include "agent/measurer/doctor.def"
#undef DOCTOR
    };

    return name[id];
}

void doctor_pass(struct doctor *d, enum doctor_id id, const char *detail)
{
    show_check(d->show, doctor_name(id), SHOW_PASS, NULL, detail);
}

void doctor_skip(struct doctor *d, enum doctor_id id, const char *en, const char *ja)
{
    show_check(d->show, doctor_name(id), SHOW_NOT_RUN, NULL, show_tr(d->show, en, ja));
}

void doctor_failed(struct doctor *d, enum doctor_id id, enum show_state state,
                   const struct att_diag *diag)
{
    show_check(d->show, doctor_name(id), state, diag, "");
}

void doctor_found(struct doctor *d, enum doctor_id id, enum show_state state,
                  enum att_reason reason, const char *text)
{
    struct att_diag diag = {0};

    (void)att_fail(&diag, ATT_E_MISMATCH, reason, NULL, "%s", text);
    doctor_failed(d, id, state, &diag);
}

static void check_state_dir(struct doctor *d)
{
    const char *dir = d->conf->state_dir;
    char detail[DOCTOR_DETAIL];
    struct att_diag diag = {0};
    struct stat st;

    if (lstat(dir, &st) != 0 && errno == ENOENT) {
        doctor_skip(d, DOCTOR_STATE_FOLDER, "made by enrol", "enrol が作成します");
        return;
    }
    if (lstat(dir, &st) != 0 || !S_ISDIR(st.st_mode) || (st.st_mode & 077) != 0 ||
        st.st_uid != geteuid()) {
        (void)att_fail(&diag, ATT_E_DENIED, ATT_R_CFG_PERM, NULL,
                       "%s must be a folder of this user with mode 0700", dir);
        doctor_failed(d, DOCTOR_STATE_FOLDER, SHOW_FAIL, &diag);
        return;
    }
    doctor_pass(d, DOCTOR_STATE_FOLDER, dir);
    if (state_load(&d->ident, dir, &diag) == ATT_OK) {
        d->enrolled = true;
        (void)snprintf(detail, sizeof(detail), "%s @ %s", d->ident.device_id, d->ident.verifier_id);
        doctor_pass(d, DOCTOR_STATE_ENROLLED, detail);
        return;
    }
    doctor_failed(d, DOCTOR_STATE_ENROLLED, SHOW_WARN, &diag);
}

static void check_clock(struct doctor *d)
{
    struct timex t = {0};
    char now[ATT_TIME_TEXT];
    int state = adjtimex(&t);

    (void)att_time_print(now, sizeof(now), att_clock_utc_s());
    if (att_clock_utc_s() < SANE_UTC_S) {
        doctor_found(d, DOCTOR_CLOCK, SHOW_FAIL, ATT_R_CLOCK, now);
        return;
    }
    if (state < 0 || (t.status & STA_UNSYNC) != 0) {
        doctor_found(d, DOCTOR_CLOCK, SHOW_WARN, ATT_R_CLOCK, "nothing keeps the clock right");
        return;
    }
    doctor_pass(d, DOCTOR_CLOCK, now);
}

static void check_roots(struct doctor *d)
{
    size_t bad = 0;
    char text[DOCTOR_DETAIL];

    for (size_t i = 0; i < d->conf->root_count; i++) {
        const char *path = d->conf->root[i].path;
        struct stat st;

        /* a link is measured as a link: where it leads does not matter */
        if (lstat(path, &st) == 0 &&
            (S_ISLNK(st.st_mode) || faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0)) {
            continue;
        }
        bad++;
        (void)snprintf(text, sizeof(text), "%.100s: %s", path, strerror(errno));
        doctor_found(d, DOCTOR_MEASURE_ENTRY, SHOW_WARN,
                     errno == EACCES ? ATT_R_REF_UNREADABLE : ATT_R_REF_ABSENT, text);
    }
    if (d->conf->root_count == 0) {
        doctor_found(d, DOCTOR_MEASURE, SHOW_WARN, ATT_R_REF_MISSING,
                     "agent.yaml lists nothing to measure");
        return;
    }
    (void)snprintf(text, sizeof(text), "%zu / %zu", d->conf->root_count - bad, d->conf->root_count);
    if (bad == 0) {
        doctor_pass(d, DOCTOR_MEASURE, text);
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
        doctor_failed(d, DOCTOR_TLS_CERTIFICATE, SHOW_FAIL, &diag);
        return;
    }
    (void)att_time_print(until, sizeof(until), att_cert_not_after(cert));
    if (att_cert_not_after(cert) - att_clock_utc_s() < SOON_S) {
        doctor_found(d, DOCTOR_TLS_CERTIFICATE, SHOW_WARN, ATT_R_LBL_TIME, until);
        return;
    }
    doctor_pass(d, DOCTOR_TLS_CERTIFICATE, until);
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
        doctor_skip(d, DOCTOR_VERIFIER, "no address yet", "アドレスが未設定です");
        return;
    }
    err = agent_ask(&answer, &a, &q, &diag);
    if (err == ATT_OK) {
        doctor_pass(d, DOCTOR_VERIFIER, url);
    } else {
        show_check(d->show, doctor_name(DOCTOR_VERIFIER), SHOW_FAIL, &diag, url);
    }
    agent_close(&a);
}

int cmd_doctor(struct show *s, const struct agent_conf *conf, const struct options *o)
{
    struct doctor d = {.show = s, .conf = conf};
    static void (*const checks[])(struct doctor *) = {
        check_state_dir, doctor_tpm,        doctor_logs,   check_clock,
        check_roots,     check_certificate, check_verifier};

    (void)o;
    s->manual = "attest-agent(8) DOCTOR";
    show_start(s, "attestd.agent.doctor/1");
    for (size_t i = 0; i < ATT_COUNT(checks); i++) {
        checks[i](&d);
    }
    return show_end(s);
}
