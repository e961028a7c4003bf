/*
 * The verdict: an AR4SI trustworthiness vector, a grade, and a reason for everything that is not
 * affirming. Flat and bounded, so that it crosses a process border and can be stored.
 */
#ifndef ATT_APPRAISE_RESULT_H
#define ATT_APPRAISE_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "appraise/windows.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/wr.h"
#include "evidence/verify.h"
#include "policy/policy.h"

/* Tiers of AR4SI; the values are those of ear_status. */
enum att_tier {
    ATT_TIER_NONE = 0,
    ATT_TIER_AFFIRMING = 2,
    ATT_TIER_WARNING = 32,
    ATT_TIER_CONTRAINDICATED = 96
};

enum att_trust_claim {
    ATT_TRUST_IDENTITY,
    ATT_TRUST_CONFIGURATION,
    ATT_TRUST_EXECUTABLES,
    ATT_TRUST_FILE_SYSTEM,
    ATT_TRUST_HARDWARE,
    ATT_TRUST_RUNTIME,
    ATT_TRUST_STORAGE,
    ATT_TRUST_SOURCED_DATA,
    ATT_TRUST__COUNT
};

#define ATT_RESULT_REASONS_MAX 48
#define ATT_RESULT_NAME_MAX    256
#define ATT_DEVIATIONS_MAX     64

struct att_result_reason {
    enum att_reason reason;
    enum att_severity severity;
    char requirement[32];           /* id in the policy; empty when a rule of ours */
    char name[ATT_RESULT_NAME_MAX]; /* path or PCR, escaped; may be empty */
    bool has_expected, has_found;
    uint8_t expected[32], found[32];
    char text[ATT_DIAG_TEXT]; /* further words, English; may be empty */
};

/* One measured item that deviates now; kept between attestations so that a repair clears it. */
struct att_deviation {
    uint64_t name_hash;
    uint32_t requirement; /* its index in the policy */
    enum att_severity severity;
    enum att_reason reason;
    char name[ATT_RESULT_NAME_MAX];
    bool has_expected, has_found;
    uint8_t expected[32], found[32];
};

/*
 * A transcription specification, or one channel of it, that stands in the own log now and that the reference values
 * approve: the label names it.
 */
#define ATT_SPEC_ITEM      "spec:" /* how such a name begins in the own log */
#define ATT_SPEC_ITEM_NAME 66      /* "ID" or "ID/CHANNEL", with its terminator */
#define ATT_SPEC_ITEMS_MAX 65      /* a specification and its channels */
struct att_spec_item {
    char name[ATT_SPEC_ITEM_NAME];
    uint8_t digest[32];
};

/* What appraisal remembers of the logs' content, beside att_boot_state. */
struct att_carry {
    bool known;
    uint8_t policy_digest[32],
        refvals_digest[32];     /* judged under these; others need the whole log again */
    uint8_t windows_digest[32]; /* the same of att_windows_digest */
    uint32_t windows_used;      /* bit i: window i made something expected that stands in a log */
    uint64_t items_judged;      /* own items, over all records */
    uint64_t ima_judged; /* files of the kernel's list, without boot_aggregate and violations */
    uint64_t ima_violations;
    uint64_t measured_mask[2]; /* bit i: name i of the policy's own_measured lists is there now */
    uint32_t deviation_count;
    bool overflow; /* more deviations than we keep: next time the whole log */
    bool whole;    /* own_complete did not hold: only the whole log can show that it does again */
    struct att_deviation deviation[ATT_DEVIATIONS_MAX];
    uint32_t spec_count; /* in bytewise order of name */
    struct att_spec_item spec[ATT_SPEC_ITEMS_MAX];
};
/* Bytes that an encoded carry needs at most, beside a few. */
#define ATT_CARRY_BOUND                                                                            \
    ((size_t)ATT_DEVIATIONS_MAX * 500 + (size_t)ATT_SPEC_ITEMS_MAX * (ATT_SPEC_ITEM_NAME + 40))

struct att_result {
    enum att_tier status;
    int8_t vector[ATT_TRUST__COUNT]; /* 0: no assertion */
    int grade;                       /* 1..3; 0: none */
    uint32_t reason_count;
    uint32_t reasons_left_out;
    struct att_result_reason reason[ATT_RESULT_REASONS_MAX];
    uint8_t evidence_digest[32], policy_digest[32], refvals_digest[32];
    uint64_t unattested[ATT_LOG__COUNT]; /* bytes behind the quote */
    bool accepted;                       /* state and carry are those to keep */
    bool kexec; /* what is new in the logs tells of another kernel in the same boot of the TPM */
    struct att_boot_state state;
    struct att_carry carry;
    struct att_windows windows; /* with what was shown */
};

struct att_result *att_result_new(void); /* zeroed; NULL when memory ran out (it is large) */
void att_result_free(struct att_result *r);
void att_result_freep(struct att_result **r);

/* A refusal as a result: contraindicated, identity 99, one reason. For evidence that does not verify. */
void att_result_refuse(struct att_result *r, const struct att_diag *diag);

/* Bytes that an encoded result needs at most. */
#define ATT_RESULT_BOUND                                                                           \
    ((size_t)ATT_RESULT_REASONS_MAX * 800 + ATT_CARRY_BOUND +                                      \
     (size_t)ATT_LOG__COUNT * ATT_PCR_BANKS * ATT_PCR_COUNT * (ATT_HASH_MAX + 4) +                 \
     ATT_WINDOWS_BOUND + 4096)

/* Deterministic CBOR between appraiser and keeper, and in the store. FMT_FRAME on the way in. */
ATT_MUST_USE enum att_err att_result_encode(struct att_wr *w, const struct att_result *r);
ATT_MUST_USE enum att_err att_result_decode(struct att_result *r, struct att_slice in,
                                            struct att_diag *diag);
/* Parts of it, for the context that the keeper hands out. */
ATT_MUST_USE enum att_err att_boot_state_encode(struct att_wr *w, const struct att_boot_state *s);
ATT_MUST_USE enum att_err att_boot_state_decode(struct att_boot_state *s, struct att_slice in,
                                                struct att_diag *diag);
ATT_MUST_USE enum att_err att_carry_encode(struct att_wr *w, const struct att_carry *c);
ATT_MUST_USE enum att_err att_carry_decode(struct att_carry *c, struct att_slice in,
                                           struct att_diag *diag);

const char *att_tier_name(enum att_tier tier); /* "affirming" ... */
enum att_tier att_tier_of(int8_t value);       /* the tier of a vector entry */

#endif
