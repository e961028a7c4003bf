/*
 * A gateway in one process: a software TPM with its logs, a policy, reference values, and what a verifier
 * knows between attestations. Tests change one thing of a scene that affirms.
 */
#ifndef ATT_TEST_SCENE_H
#define ATT_TEST_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include "appraise/appraise.h"
#include "base/buf.h"
#include "evidence/verify.h"
#include "policy/policy.h"
#include "policy/refval.h"
#include "softlog.h"
#include "softtpm.h"

#define SCENE_OWN_PCR 13

struct scene {
    struct softtpm_ca *ca;
    struct softtpm *tpm;
    struct softlog own, ima, uefi; /* ima and uefi are sent only when they are not empty */
    struct att_policy *policy;
    struct att_buf *refs_bytes;
    struct att_refvals *refs;
    struct att_pubkey *ak;
    uint8_t nonce[ATT_NONCE_LEN], session[ATT_SESSION_LEN];
    struct att_log_offsets from; /* where the next evidence sends each log from */
    uint32_t not_asked; /* PCRs that the challenge does not ask for, whatever logs are sent */
    uint64_t lie;       /* added to the offset that the claims name for the own log */
    bool ek_verified;
    struct att_boot_state prior;
    struct att_carry carry;
    struct att_notices notices; /* the verifier's, at now_s */
    struct att_windows windows;
    int64_t now_s;
    struct att_ima_parts parts;   /* known: the beginning of the kernel's list came before, */
    struct att_windows_seen seen; /* and this stood in it */
    struct att_result *result;
    struct att_buf *evidence;
    struct att_diag diag;
};

/* Named contents that become reference values; ends with a NULL name. */
struct scene_reference {
    const char *name, *content;
};

/* Boots, and measures /etc/a.conf ("a = 1\n") and /etc/b.conf ("b = 2\n") when the policy text is NULL. */
struct scene *scene_new(const char *policy, const struct scene_reference *references);
void scene_free(struct scene *s);

/* Reference values again, from these and from PCR values of the bank as they are now (mask 0: none). */
void scene_refer(struct scene *s, const struct scene_reference *references, uint32_t pcr_mask);

/* One change of a notice: contents, or NULL for what is not there. */
struct scene_change {
    const char *name, *before, *after;
};
/* A change notice for every gateway; changes in order, ended by a NULL name. */
void scene_notify(struct scene *s, const char *id, int64_t from_s, int64_t until_s,
                  const struct scene_change *changes);

/* The gateway quotes, then reads its logs. late: a file measured after the quote, or NULL. */
void scene_measure(struct scene *s, const char *late);

/* What the appraiser does; state, carry and offsets are kept when the result says so. */
enum att_err scene_judge(struct scene *s);

/* Both, for evidence that must verify; fails the test with the reason when it does not. */
void scene_attest(struct scene *s);
bool scene_has_reason(const struct scene *s, enum att_reason reason, const char *name);
void scene_expect_reason(const struct scene *s, enum att_reason reason, const char *name);

/* What is expected of the quote in the present evidence. qualifying: 32 bytes, borrowed by the result. */
struct att_expect scene_expect(const struct scene *s, uint8_t qualifying[32]);

#endif
