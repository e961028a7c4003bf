/* What the parts of `evidence appraise` share: the artefacts as loaded, and the report. */
#ifndef CLI_APPRAISE_INTERNAL_H
#define CLI_APPRAISE_INTERNAL_H

#include "cli.h"
#include "crypto/key.h"
#include "policy/ima_signed.h"
#include "policy/policy.h"
#include "policy/refval.h"
#include "replay.h"
#include "tcg/pcr.h"
#include "tcg/quote.h"

#define NONCE_MAX 64

struct raw {
    const char *quote, *signature, *ak, *nonce, *pcrs, *policy, *refvals, *cmdline;
    struct replay_files logs;
};

struct appraisal {
    struct report r;
    struct raw in;
    uint8_t nonce[NONCE_MAX];
    size_t nonce_len; /* 0: none given */
    struct att_buf *attest, *signature, *cmdline;
    struct att_pubkey *ak;
    struct att_quote quote;
    struct att_tpm_sig sig;
    struct att_pcr_values pcrs;
    struct replayed logs;
    struct att_policy *policy;
    struct att_refvals *refvals;
    /* what the checks found, for the policy */
    bool uefi_good, ima_good, own_good, cmdline_good;
    bool proven_known;            /* proven holds what the quote's digest proves */
    struct att_pcr_values proven; /* the quoted PCR values */
};

bool appraise_has_ima(const struct appraisal *a);

/* Do these values lead to the digest that the TPM signed? Fills why (Q_DIGEST) when not. */
bool appraise_composite_is(const struct appraisal *a, const struct att_pcr_values *values,
                           struct att_diag *why);

/* log.uefi, log.ima, log.own (cli/appraise_logs.c). */
void appraise_logs(struct appraisal *a);

/* A "no" that the policy only warns of passes, as attestd issues a label for it; its reason is told all the same. */
static inline enum check_state appraise_softened(enum check_state no, enum att_severity severity)
{
    return no == C_FAIL && severity == ATT_SEVERITY_WARN ? C_PASS : no;
}

/*
 * The rules of appraise/bootlog.h and appraise/listrules.h, as far as these artefacts say (cli/appraise_order.c):
 * log.uefi.order and log.ima.order, under a policy only; then requirements about single boot events.
 */
enum check_state appraise_orders(struct appraisal *a);
/* Of the list, which was read before. */
size_t appraise_violations(const struct appraisal *a);
enum check_state appraise_secure_boot(const struct appraisal *a, struct att_diag *why);

/* The quoted PCRs of the policy's bank. */
uint32_t appraise_selected(const struct appraisal *a);
/*
 * The quote covers the policy's bank, and the logs explain what it covers of others (cli/appraise_banks.c); after
 * appraise_logs. why: Q_BANK.
 */
enum check_state appraise_banks(const struct appraisal *a, struct att_diag *why);

/* ima_files: every file of the list, by the reference values; why names the first that deviates. */
enum check_state appraise_ima_files(const struct appraisal *a, struct att_diag *why);
/*
 * ima_signed (cli/appraise_signed.c): every file that the rule judges is signed; and how many are, how many are
 * not and why, as a line and in "signatures", with each that is not as a reason.
 */
enum check_state appraise_ima_signed(const struct appraisal *a, const struct att_requirement *q,
                                     struct att_diag *why);
void appraise_count_signed(struct appraisal *a, const struct att_requirement *q);
/* Is an entry good, or judged, by its signature, so that no reference value is asked? */
ATT_MUST_USE enum att_err appraise_by_signature(bool *done, const struct appraisal *a,
                                                struct att_signed *s,
                                                const struct att_ima_entry *e);
/* The others that deviate, each as a reason with its path; and the same for kernel parameters. */
void appraise_name_files(struct appraisal *a);
void appraise_name_params(struct appraisal *a);
/* An entry whose data does not have the digest that the list gives: the place of a careless edit. */
bool appraise_torn_entry(const struct appraisal *a, struct att_diag *why);
/* log.cmdline, when a command line was given: some quoted event has its digest (cli/appraise_files.c). */
void appraise_cmdline(struct appraisal *a);

/* quote.selection by the policy's needs, when it has any (cli/appraise_policy.c). */
void appraise_selection(struct appraisal *a);
/* policy, and one check for each requirement: "policy.R-01". */
void appraise_policy(struct appraisal *a);

#endif
