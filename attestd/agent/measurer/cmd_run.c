/*
 * The daemon: measure when something changed and when a timer says so, attest as often as the verifier
 * asks, and sleep in between with nothing open but a socket.
 */
#include "agent/measurer/cmd.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/measurer/watch.h"
#include "appraise/result.h"
#include "base/clock.h"
#include "base/file.h"
#include "common/log.h"
#include "common/notify.h"
#include "crypto/digest.h"

#define DEBOUNCE_MS     500   /* after an event: more of the same are on their way */
#define CHANGE_PAUSE_MS 10000 /* at least, between two attestations because of changes */
#define REASONS_LOGGED  8     /* the rest is in attest-agent status */
#define BACKOFF_MIN_MS  5000
#define BACKOFF_MAX_MS  45000 /* so that a healed network is noticed within a minute */
#define TPM_RETRY_MS    5000  /* local and cheap: a TPM that came back is found soon */

struct daemon_state {
    struct agent agent;
    const struct agent_conf *conf;
    const char *label_path;
    struct watch *watch;
    int signal_fd;
    int64_t attest_at, rescan_at, rehash_at; /* ms of the monotonic clock */
    int64_t last_attest;
    int64_t backoff_ms; /* of the next failure; 0 after a success */
};

/* Between 80 and 120 percent: a thousand gateways must not come back in the same second. */
static int64_t jitter(int64_t ms)
{
    uint32_t r = 0;

    if (att_random(&r, sizeof(r)) != ATT_OK) {
        return ms;
    }
    return ms - ms / 5 + (int64_t)(r % 1000) * (2 * ms / 5) / 1000;
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void back_off(struct daemon_state *d)
{
    d->backoff_ms = d->backoff_ms == 0 ? BACKOFF_MIN_MS : min64(2 * d->backoff_ms, BACKOFF_MAX_MS);
    d->attest_at = att_clock_mono_ms() + jitter(d->backoff_ms);
}

static const char *found_text(enum own_found f)
{
    static const char *const text[] = {"equal",        "new-boot", "extended-last-record",
                                       "cut-torn-end", "resumed",  "other-kernel"};

    return text[f];
}

/* One pass. True when it worked; changes bring the next attestation near. */
static bool measure(struct daemon_state *d)
{
    ATT_CLEANUP(table_freep) struct table *found = NULL;
    struct agent_work w = {.lock_fd = -1};
    struct agent_pass pass;
    struct att_diag diag = {0};
    int64_t now = 0;
    enum att_err err = agent_work_open(&w, &d->agent, &diag);

    if (err == ATT_OK) {
        err = agent_pass(&pass, &found, &d->agent, &w, &diag);
    }
    agent_work_close(&w);
    now = att_clock_mono_ms();
    d->rescan_at = now + d->conf->rescan_ms;
    if (err != ATT_OK) {
        log_diag(LOG_LEVEL_ERROR, "measure.failed", &diag);
        return false;
    }
    log_line(pass.changes > 0 ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "measure.done",
             "items=%zu hashed=%zu changes=%zu log=%s", pass.stats.items, pass.stats.hashed,
             pass.changes, found_text(pass.found));
    if (pass.stats.spec_refused.reason != ATT_R_NONE) {
        log_diag(LOG_LEVEL_WARNING, "specification.refused", &pass.stats.spec_refused);
    }
    if (!watch_table(d->watch, found)) {
        log_line(LOG_LEVEL_WARNING, "watch.limit", "fix=\"raise fs.inotify.max_user_watches\"");
    }
    if (pass.changes > 0 && d->backoff_ms == 0) {
        int64_t soon = d->last_attest + CHANGE_PAUSE_MS;

        d->attest_at = min64(d->attest_at, soon > now ? soon : now);
    }
    return true;
}

/* Beside the attestation, which went on without; a verifier that authorises none is no fault. */
static void log_data_key(const struct agent *a)
{
    if (a->data_key.err != ATT_OK && a->data_key.reason != ATT_R_DK_OFF &&
        a->data_key.reason != ATT_R_HTTP_ROUTE) {
        log_diag(LOG_LEVEL_WARNING, "data_key.none", &a->data_key);
    }
}

static void log_outcome(const struct wire_outcome *w)
{
    char name[LOG_TEXT_MAX];
    char code[LOG_TEXT_MAX];

    log_line(LOG_LEVEL_INFO, "attest.done", "status=%s reasons=%zu next_s=%llu",
             att_tier_name((enum att_tier)w->status), w->reason_count,
             (unsigned long long)w->next_s);
    for (size_t i = 0; i < w->reason_count && i < REASONS_LOGGED; i++) {
        log_line(LOG_LEVEL_WARNING, "attest.reason", "code=%s name=%s",
                 log_text(code, w->reason[i].code.p, w->reason[i].code.len),
                 log_text(name, w->reason[i].name.p, w->reason[i].name.len));
    }
    for (size_t i = 0; i < w->state_count; i++) {
        log_line(LOG_LEVEL_INFO, "attest.state", "code=%s words=%s",
                 log_text(code, w->state[i].code.p, w->state[i].code.len),
                 log_text(name, w->state[i].text.p, w->state[i].text.len));
    }
}

static void attest(struct daemon_state *d)
{
    ATT_CLEANUP(agent_outcome_free) struct agent_outcome o = {0};
    struct att_diag diag = {0};
    int64_t wait = d->conf->interval_ms;
    enum att_err err = agent_attest(&o, &d->agent, &diag);

    d->last_attest = att_clock_mono_ms();
    if (err != ATT_OK) {
        log_diag(LOG_LEVEL_ERROR, "attest.failed", &diag);
        back_off(d);
        return;
    }
    if (o.wire.next_s > 0) {
        wait = min64(wait, (int64_t)o.wire.next_s * 1000);
    }
    d->backoff_ms = 0;
    d->attest_at = d->last_attest + jitter(wait - wait / 5); /* never later than asked for */
    log_outcome(&o.wire);
    log_data_key(&d->agent);
    if (keep_outcome(&d->agent, &o, d->label_path, &diag) != ATT_OK) {
        log_diag(LOG_LEVEL_ERROR, "label.not-kept", &diag);
    }
}

/* What is due now. A full pass forgets the stamps, so that metadata alone is never believed for long. */
static void work(struct daemon_state *d)
{
    int64_t now = att_clock_mono_ms();
    bool full = now >= d->rehash_at;

    if (full) {
        table_stamps_free(&d->agent.stamps);
        d->rehash_at = now + d->conf->rehash_ms;
    }
    if (full || now >= d->rescan_at || now >= d->attest_at) {
        if (!measure(d)) {
            d->attest_at = att_clock_mono_ms() + TPM_RETRY_MS;
            return;
        }
    }
    if (att_clock_mono_ms() >= d->attest_at) {
        attest(d);
    }
    (void)malloc_trim(0);
}

/* Sleep until something is due or happens. False: asked to end. */
static bool wait_for(struct daemon_state *d)
{
    struct pollfd fd[] = {{.fd = d->signal_fd, .events = POLLIN},
                          {.fd = watch_fd(d->watch), .events = POLLIN}};
    int64_t now = att_clock_mono_ms();
    int64_t until = min64(d->attest_at, min64(d->rescan_at, d->rehash_at)) - now;
    int64_t watchdog_ms = notify_watchdog_ms();
    int ready = 0;

    notify_alive();
    until = min64(until, watchdog_ms > 0 ? watchdog_ms : 3600000);
    ready = poll(fd, ATT_COUNT(fd), until < 0 ? 0 : (int)until);
    if (ready < 0 && errno != EINTR) {
        return false;
    }
    if (ready > 0 && fd[0].revents != 0) {
        return false;
    }
    if (ready > 0 && fd[1].revents != 0 && watch_drain(d->watch)) {
        d->rescan_at = min64(d->rescan_at, att_clock_mono_ms() + DEBOUNCE_MS);
    }
    return true;
}

static enum att_err prepare(struct daemon_state *d, struct att_diag *diag)
{
    sigset_t mask;
    enum att_err err = agent_open(&d->agent, d->conf, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = watch_new(&d->watch);
    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGTERM);
    (void)sigaddset(&mask, SIGINT);
    if (err != ATT_OK || sigprocmask(SIG_BLOCK, &mask, NULL) != 0) {
        return att_fail(diag, ATT_E_IO, ATT_R_INTERNAL, NULL, "no inotify or no signal mask");
    }
    d->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (d->signal_fd < 0) {
        return att_fail(diag, ATT_E_IO, ATT_R_INTERNAL, NULL, "no signal descriptor");
    }
    return ATT_OK;
}

int cmd_run(struct show *s, const struct agent_conf *conf, const struct options *o)
{
    struct daemon_state d = {.conf = conf, .label_path = o->label, .signal_fd = -1};
    struct att_diag diag = {0};
    enum att_err err = prepare(&d, &diag);

    show_start(s, "attestd.agent.run/1");
    if (err != ATT_OK) {
        show_failure(s, &diag);
    } else {
        log_line(LOG_LEVEL_INFO, "start", "device=%s verifier=%s entries=%zu",
                 d.agent.ident.device_id, d.agent.ident.verifier_id, conf->root_count);
        notify_send("READY=1");
        work(&d);
        while (wait_for(&d)) {
            work(&d);
        }
        notify_send("STOPPING=1");
        log_line(LOG_LEVEL_INFO, "stop", NULL);
    }
    att_closep(&d.signal_fd);
    watch_freep(&d.watch);
    agent_close(&d.agent);
    return show_end(s);
}
