/* What children tell the supervisor, and new rules: who is asked when, and what is said of the outcome. */
#include "verifier/reload.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "common/log.h"
#include "verifier/process.h"

#define REPLY_MS 10000 /* a worker may have to finish a long log first */

void process_ready(int *ready_fd)
{
    if (*ready_fd < 0) {
        return;
    }
    if (att_write_all(*ready_fd, "r", 1) != ATT_OK) {
        log_line(LOG_LEVEL_ERROR, "ready.pipe", NULL); /* the supervisor has gone: so will we */
    }
    att_closep(ready_fd);
}

void process_reloaded(int reload_fd, enum process_reload what)
{
    const char byte = (char)what;

    if (att_write_all(reload_fd, &byte, 1) != ATT_OK) {
        log_line(LOG_LEVEL_ERROR, "reload.pipe", NULL); /* the supervisor has gone: so will we */
    }
}

/* What was said too late, to a signal that nobody waits for any more. */
static void drop_old_replies(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char byte = 0;

    while (poll(&p, 1, 0) == 1 && read(fd, &byte, 1) == 1) {
    }
}

/* As many replies as were asked for; the worst of them, and refused when one does not come. */
static enum process_reload replies(int fd, size_t count)
{
    int64_t deadline_ms = att_clock_mono_ms() + REPLY_MS;
    enum process_reload worst = RELOAD_READY;

    while (count > 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left_ms = deadline_ms - att_clock_mono_ms();
        char byte = 0;

        if (left_ms <= 0 || poll(&p, 1, (int)left_ms) != 1 || read(fd, &byte, 1) != 1) {
            return RELOAD_REFUSED;
        }
        if (byte != (char)RELOAD_READY) {
            worst = byte == (char)RELOAD_SAME ? RELOAD_SAME : RELOAD_REFUSED;
        }
        count--;
    }
    return worst;
}

static enum process_reload ask(int fd, const pid_t *pid, size_t count, int sig)
{
    for (size_t i = 0; i < count; i++) {
        if (pid[i] > 0) {
            (void)kill(pid[i], sig);
        }
    }
    return replies(fd, count);
}

void reload_rules(int reply_fd, pid_t keeper, const pid_t *appraiser, size_t count)
{
    enum process_reload said = RELOAD_READY;
    bool same = false;

    drop_old_replies(reply_fd);
    said = ask(reply_fd, &keeper, 1, SIGHUP);
    same = said == RELOAD_SAME;
    if (said != RELOAD_REFUSED) {
        said = ask(reply_fd, appraiser, count, SIGHUP); /* TPM makers may be others even so */
    }
    if (same && said == RELOAD_READY) {
        log_line(LOG_LEVEL_INFO, "reload.same",
                 "text=\"policy, reference values and notices are those in force; anchors were "
                 "read again\"");
        return;
    }
    if (said == RELOAD_READY) {
        said = ask(reply_fd, &keeper, 1, SIGUSR1);
    }
    if (said != RELOAD_READY) {
        log_line(LOG_LEVEL_WARNING, "reload.refused", "kept=\"what is in force\"");
        return;
    }
    log_line(LOG_LEVEL_INFO, "reload.done", NULL);
}
