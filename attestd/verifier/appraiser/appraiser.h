/*
 * The appraiser: evidence in, a sealed judgement out, nothing else in reach. A master keeps one worker
 * running; a worker that met malformed input, or judged enough, is replaced by a fresh one.
 */
#ifndef ATTESTD_VERIFIER_APPRAISER_APPRAISER_H
#define ATTESTD_VERIFIER_APPRAISER_APPRAISER_H

#include <stdbool.h>
#include <stdint.h>

#include "appraise/context.h"
#include "appraise/result.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/cert.h"
#include "policy/policy.h"
#include "policy/refval.h"
#include "tcg/ak.h"
#include "verifier/config.h"
#include "verifier/msg.h"
#include "verifier/rules.h"

/* What every worker starts with: read by the master, shared by fork. */
struct appraiser {
    const struct config *cfg;
    const uint8_t *seal_key;
    struct att_policy *policy;
    struct rules_earlier earlier;
    struct att_refvals *refvals; /* NULL when there are none */
    struct att_notices notices;
    struct att_anchors *ek_anchors;  /* NULL when there are none */
    struct att_anchors *iak_anchors; /* the same, of factories */
    unsigned int ek_workarounds;     /* defects of EK certificates that are forgiven (att_ek_fix) */
};

/* Errors CONFIG FORMAT IO NOMEM with the place. Free with appraiser_close. */
ATT_MUST_USE enum att_err appraiser_open(struct appraiser *out, const struct config *cfg,
                                         const uint8_t *seal_key, struct att_diag *diag);
void appraiser_close(struct appraiser *a);
/*
 * Read policy, reference values, TPM makers and revocation lists again; workers that start from now on know the
 * first two beside the earlier ones. As above; then everything stays as it was.
 */
ATT_MUST_USE enum att_err appraiser_reload(struct appraiser *a, struct att_diag *diag);

/* The end of a worker, as its master sees it. */
enum worker_exit {
    WORKER_SPENT = 0, /* judged enough, or met malformed input: replace it */
    WORKER_ALONE = 3, /* the front has gone */
};
/* Serves the stream socket until it is spent; returns the exit status. */
int worker_main(const struct appraiser *a, int fd, uint64_t generation);

/* Key objects of the last gateways: building one costs as much as a third of an appraisal. */
struct key_cache;
ATT_MUST_USE enum att_err key_cache_new(struct key_cache **out, size_t room);
void key_cache_free(struct key_cache *c);
/* Borrowed from the cache until the next call. Errors of att_ak_parse. */
ATT_MUST_USE enum att_err key_cache_get(const struct att_ak **out, struct key_cache *c,
                                        struct att_slice ak_public, struct att_diag *diag);

/*
 * judge_evidence - one MSG_APPRAISE. ATT_OK: sealed is the judgement, good or bad. Otherwise nothing is
 * decided and the diagnosis says why: malformed input (reason with status 400 or 413), a context that is
 * not the keeper's, or no memory.
 * scratch  at least one struct of each kind, reused from call to call
 */
struct judge_scratch {
    struct att_appraisal_context context;
    struct att_result result;
    struct msg_folded folded;
};
ATT_MUST_USE enum att_err judge_evidence(struct att_buf **sealed, const struct appraiser *a,
                                         struct key_cache *keys, struct judge_scratch *scratch,
                                         const struct msg *question, struct att_diag *diag);

/* judge_part - one MSG_FOLD; likewise, sealed is where the list stands now. Also PART_ORDER LOG_PCR. */
ATT_MUST_USE enum att_err judge_part(struct att_buf **sealed, const struct appraiser *a,
                                     struct judge_scratch *scratch, const struct msg *question,
                                     struct att_diag *diag);

/* judge_enrolment - one MSG_ENROL_CHECK at utc_s; likewise. */
ATT_MUST_USE enum att_err judge_enrolment(struct att_buf **sealed, const struct appraiser *a,
                                          struct att_slice body, int64_t utc_s,
                                          struct att_diag *diag);

#endif
