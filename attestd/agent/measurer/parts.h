/* Sending the kernel's list ahead of its evidence, when it is longer than one message. */
#ifndef ATTESTD_AGENT_PARTS_H
#define ATTESTD_AGENT_PARTS_H

#include "agent/measurer/agent.h"
#include "base/slice.h"
#include "common/relay.h"

#define PARTS_LEN 524288 /* bytes of a part at most */

struct parts_request {
    const char *path;                    /* of the list */
    struct att_slice new_session;        /* the document that asks for a challenge again */
    uint32_t reset_count, restart_count; /* the boot that it names */
    bool padded;                         /* how the kernel extends: kernelrule.h */
};

/*
 * parts_send - parts from where the challenge wants the list on, until what is left fits into one message.
 *
 * challenge  in: the answer that brought the challenge; out: the answer with the one to quote for
 * A connection that is lost is tried again some times, and the verifier says how far it got. Then, and when
 * the process is asked to end, it is given up: the next attestation goes on there, or begins anew.
 *
 * Errors  what the courier and the verifier give; those of hw_log_begin; BUSY when asked to end; LIMIT
 *         (NET_PROTOCOL) a challenge that does not go on
 */
ATT_MUST_USE enum att_err parts_send(struct relay_answer *challenge, struct agent *a,
                                     const struct parts_request *request, struct att_diag *diag);

#endif
