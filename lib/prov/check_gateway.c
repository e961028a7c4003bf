/* What the gateway found out about itself. A partner knows none of it, and says so. */
#include <inttypes.h>

#include "prov/check_internal.h"

static enum att_check_status told(enum att_check_status state, struct att_diag *why,
                                  const char *field, const char *what)
{
    if (state == ATT_CHECK_FAIL)
        return att_check_no(why, field, "%s", what);
    return state;
}

enum att_check_status att_tc_boot(const struct att_check_in *in, struct att_diag *why)
{
    if (in->gateway == NULL)
        return ATT_CHECK_NOT_RUN;
    return told(in->gateway->boot, why, "boot",
                "expected the state that the label in force was issued for");
}

enum att_check_status att_tc_driver(const struct att_check_in *in, struct att_diag *why)
{
    if (in->gateway == NULL)
        return ATT_CHECK_NOT_RUN;
    return told(in->gateway->driver, why, "driver",
                "expected the measured programs of the path to be the attested ones");
}

enum att_check_status att_tc_storage(const struct att_check_in *in, struct att_diag *why)
{
    if (in->gateway == NULL)
        return ATT_CHECK_NOT_RUN;
    return told(in->gateway->storage, why, "storage",
                "expected every kept batch to verify, without a gap");
}

enum att_check_status att_tc_command(const struct att_check_in *in, struct att_diag *why)
{
    if (!in->channel->output)
        return ATT_CHECK_NOT_APPLICABLE;
    if (in->gateway == NULL)
        return ATT_CHECK_NOT_RUN;
    return told(in->gateway->command, why, "command",
                "expected a signed command with a counter that rises");
}

enum att_check_status att_tc_calibration(const struct att_check_in *in, struct att_diag *why)
{
    const struct att_calibration *c = &in->channel->calibration;

    if (in->gateway == NULL || in->gateway->utc_s == 0)
        return ATT_CHECK_NOT_RUN;
    if (in->gateway->utc_s >= c->from_s && in->gateway->utc_s < c->until_s)
        return ATT_CHECK_PASS;
    return att_check_no(why, "calibration",
                        "expected a time from %" PRId64 " to before %" PRId64 ", found %" PRId64,
                        c->from_s, c->until_s, in->gateway->utc_s);
}
