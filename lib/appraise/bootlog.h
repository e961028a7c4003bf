/*
 * What a firmware event log must look like beyond leading to the quoted PCRs: for appraisal.
 *
 * Only what a digest of the quoted bank proves is judged. A separator is recognized by its digest, not by
 * the type that the log gives it; data counts only where its hash is the digest. docs/formats/logs.md.
 */
#ifndef ATT_APPRAISE_BOOTLOG_H
#define ATT_APPRAISE_BOOTLOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/digest.h"
#include "policy/policy.h"
#include "tcg/evlog.h"

#define ATT_BOOT_FINDINGS_MAX 16 /* the first ones; one is enough to refuse */

struct att_boot_rules {
    enum att_hash bank; /* whose digests the quote proves */
    uint32_t pcrs;      /* the PCRs that the quote covers; others are the sender's word */
    uint32_t
        late; /* PCRs that this machine's firmware extends after its separator, or with zeros */
};

struct att_boot_finding {
    enum att_reason reason; /* LOG_ORDER LOG_DIGEST LOG_BOOT_ERROR */
    uint32_t pcr;
    bool has_event;
    uint32_t event; /* index in the log */
};

struct att_boot_findings {
    size_t count;
    struct att_boot_finding at[ATT_BOOT_FINDINGS_MAX];
};

/*
 * att_bootlog_check - one separator in each of PCR 0 to 7, none that reports an error, nothing behind it
 * in PCR 0 to 3 and 6 but for rules->late, and data that has its digest for the types whose digest is
 * that of the data (PC Client Platform Firmware Profile 1.06, 3.3.4 and 10.4.1).
 *
 * Errors  NOMEM CRYPTO UNSUPPORTED (the bank cannot be computed)
 */
ATT_MUST_USE enum att_err att_bootlog_check(struct att_boot_findings *out,
                                            const struct att_evlog *log,
                                            const struct att_boot_rules *rules);

/* What all boot_order requirements of a policy allow together: the strictest of each. */
struct att_boot_order {
    enum att_severity verdict;
    uint32_t late;
    uint32_t requirement; /* index, or UINT32_MAX */
};
struct att_boot_order att_boot_order_of(const struct att_policy *p);
/* What becomes of a finding: a policy relaxes the order that firmware keeps, never what is false or failed. */
enum att_severity att_boot_order_says(const struct att_boot_order *order,
                                      const struct att_boot_finding *finding);

enum att_boot_claim { ATT_BOOT_CLAIM_ABSENT, ATT_BOOT_CLAIM_NO, ATT_BOOT_CLAIM_YES };

/*
 * att_bootlog_secure_boot - what the variable SecureBoot was when the firmware measured it into PCR 7.
 * Absent when PCR 7 is not quoted, no such event has its digest, or two of them differ.
 */
ATT_MUST_USE enum att_err att_bootlog_secure_boot(enum att_boot_claim *out,
                                                  const struct att_evlog *log,
                                                  const struct att_boot_rules *rules);

/* A boot_aggregate is over PCR 0 to 7, or 0 to 9 where the kernel's hash is not SHA-1 (since 5.8). */
ATT_MUST_USE enum att_err att_bootlog_aggregate(bool *same, const struct att_pcr_values *boot,
                                                enum att_hash alg, struct att_slice digest);

#endif
