/* A witness: what it knows, and its answers (C2SP tlog-witness v0.1). */
#ifndef ATTESTD_WITNESS_WITNESS_H
#define ATTESTD_WITNESS_WITNESS_H

#include <stdbool.h>

#include "sign/signer.h"
#include "tlog/witness_policy.h"
#include "witness/serve.h"
#include "witness/store.h"

#define WITNESS_BODY_MAX (512 * 1024) /* bytes of a request */

struct witness {
    bool quiet;             /* no lines on standard output */
    int64_t (*utc_s)(void); /* att_clock_utc_s */
    const struct att_witness_policy *logs;
    const struct att_vkey *key; /* its own, type 04 */
    const struct att_signer *signer;
    struct witness_store store;
};

/*
 * witness_answer - add-checkpoint, and GET /PLACE/checkpoint. ctx is a struct witness.
 *
 * Nothing is cosigned that is not durable before. Each decision is one line on standard output.
 */
void witness_answer(void *ctx, const struct scan_request *head, struct att_slice body,
                    struct serve_answer *answer);

#endif
