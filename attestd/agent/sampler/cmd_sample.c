/* attest-agent sample: the sampler as a service of its own, or for so many batches. */
#include <signal.h>
#include <string.h>

#include "agent/measurer/cmd.h"
#include "agent/sampler/sampler.h"
#include "common/log.h"
#include "common/notify.h"

static volatile sig_atomic_t stop;

static void on_signal(int signal_number)
{
    (void)signal_number;
    stop = 1;
}

static void take_signals(void)
{
    struct sigaction a;

    memset(&a, 0, sizeof(a));
    a.sa_handler = on_signal;
    (void)sigaction(SIGTERM, &a, NULL);
    (void)sigaction(SIGINT, &a, NULL);
}

int cmd_sample(struct show *s, const struct agent_conf *conf, const struct options *o)
{
    struct agent a;
    struct att_diag diag = {0};
    enum att_err err = agent_open(&a, conf, &diag);

    show_start(s, "attestd.agent.sample/1");
    take_signals();
    if (err == ATT_OK) {
        log_line(LOG_LEVEL_INFO, "sample.start", "device=%s", a.ident.device_id);
        notify_send("READY=1");
        err = sampler_run(&a, o->batches, &stop, &diag);
        notify_send("STOPPING=1");
        log_line(LOG_LEVEL_INFO, "sample.stop", NULL);
    }
    if (err != ATT_OK)
        show_failure(s, &diag);
    agent_close(&a);
    return show_end(s);
}
