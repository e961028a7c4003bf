/*
 * Appraisal policy: numbered requirements over measured facts, from strict YAML; what runs and what a
 * label cites is the digest of the deterministic CBOR form.
 */
#ifndef ATT_POLICY_POLICY_H
#define ATT_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "crypto/key.h"

#define ATT_POLICY_REQUIREMENTS_MAX 128
#define ATT_POLICY_NAMES_MAX        64
#define ATT_POLICY_TEXT             256

#define ATT_POLICY_DEPTH      4   /* all, any, not inside one another */
#define ATT_POLICY_PARTS_MAX  16  /* of one all or any */
#define ATT_POLICY_LEAVES_MAX 512 /* predicates in a policy */
#define ATT_POLICY_FILE_MAX   262144

#define ATT_POLICY_KEYS_MAX  16  /* of one ima_signed */
#define ATT_POLICY_KEY_MAX   640 /* bytes of a SubjectPublicKeyInfo; RSA of 4096 bits has 550 */
#define ATT_POLICY_KEYID_LEN 4

enum att_severity { ATT_SEVERITY_FAIL, ATT_SEVERITY_WARN, ATT_SEVERITY_IGNORE };
extern const char *const att_severity_words[3]; /* "fail", "warn", "ignore": as a policy has them */

enum att_predicate {
    ATT_PRED_GRADE, /* grade_at_least: E1 | E2 | E3 */
    ATT_PRED_OWN_ITEMS, /* own_items: {under: [prefix...], unlisted: fail|warn|ignore} judged by references */
    ATT_PRED_OWN_MEASURED, /* own_measured: [name...]: each must have been measured and be present */
    ATT_PRED_BOOT_PCRS, /* boot_pcrs: [0, 1, ...]: each value must be a reference value "pcr/<bank>/<n>" */
    ATT_PRED_PCR_IN,         /* pcr_in: {pcr: 7, values: [hex...]} */
    ATT_PRED_IMA_FILES,      /* ima_files: {unlisted: fail|warn} judged by references */
    ATT_PRED_IMA_VIOLATIONS, /* ima_violations: fail | warn | ignore */
    ATT_PRED_FIRMWARE,       /* tpm_firmware: unchanged */
    ATT_PRED_LOGS,      /* logs: [uefi, ima, own]: each must be there and covered by the quote */
    ATT_PRED_SHA256_IN, /* sha256_in: {name: "/etc/x", values: [hex...]}: the own item's latest digest */
    ATT_PRED_EVENT_ABSENT, /* event_absent: {logs: [uefi, ima, own], sha256: [hex...]}: a deny list */
    ATT_PRED_MIN_VERSION, /* min_version: {name: "f#key", at_least: N, at_most: M}: a measured number */
    ATT_PRED_MAX_AGE, /* max_age_seconds: N: since the boot was first judged, by the TPM's clock */
    ATT_PRED_ALL,     /* all: [...] */
    ATT_PRED_ANY,     /* any: [...] */
    ATT_PRED_NOT,     /* not: {...} */
    ATT_PRED_BOOT_ORDER, /* boot_order: {verdict: fail|warn|ignore, late: [1]}: relaxes the rules */
    ATT_PRED_SECURE_BOOT, /* secure_boot: enabled, as the firmware measured it */
    ATT_PRED_IMA_KEXEC, /* ima_kexec: fail | warn | ignore: a kernel list that goes on after kexec */
    ATT_PRED_OWN_COMPLETE, /* own_complete: [prefix...]: all that the references were made from is there */
    ATT_PRED_IMA_SIGNED, /* ima_signed: {under: [prefix...], keys: [...], unsigned: fail|warn|listed} */
};

static inline bool att_predicate_is_operator(enum att_predicate p)
{
    return p == ATT_PRED_ALL || p == ATT_PRED_ANY || p == ATT_PRED_NOT;
}

/* A key that signs files. The id only finds it: what a signature names, and the end of a certificate's key id. */
struct att_file_key {
    uint8_t id[ATT_POLICY_KEYID_LEN];
    size_t spki_len;
    uint8_t spki[ATT_POLICY_KEY_MAX]; /* SubjectPublicKeyInfo, DER: one spelling of each key */
    struct att_pubkey *key;           /* the same, owned */
};

struct att_requirement {
    char id[32];
    char title_en[ATT_POLICY_TEXT], title_ja[ATT_POLICY_TEXT], source[ATT_POLICY_TEXT];
    enum att_severity severity; /* FAIL or WARN */
    enum att_predicate predicate;
    int grade; /* GRADE: 1..3 */
    enum att_severity
        unlisted; /* OWN_ITEMS, IMA_FILES; the verdict of IMA_VIOLATIONS, IMA_KEXEC, BOOT_ORDER;
                     IMA_SIGNED: of what is not signed, IGNORE: ima_files judges it */
    size_t name_count;  /* OWN_ITEMS, OWN_COMPLETE, IMA_SIGNED prefixes; OWN_MEASURED names */
    char **name;        /* terminated, owned by the policy */
    uint32_t pcr_mask;  /* BOOT_PCRS; PCR_IN: one bit; BOOT_ORDER: late, may be none */
    size_t value_count; /* PCR_IN */
    uint8_t (*value)[ATT_HASH_MAX];
    uint32_t log_mask; /* LOGS, EVENT_ABSENT: 1 << enum att_log */
    bool allow_any; /* OWN_ITEMS: "everything is good" was said on purpose; labels are a warning */
    uint64_t at_least, at_most; /* MIN_VERSION; MAX_AGE: at_most seconds */
    size_t child_count;         /* ALL ANY NOT: parts without id, titles, source */
    struct att_requirement *child;
    size_t key_count; /* IMA_SIGNED */
    struct att_file_key *key;
    uint32_t bit; /* first of its bits in a carry's mask; set when the policy is sealed */
};

struct att_policy {
    char name[64];
    uint64_t version;
    enum att_hash bank;
    uint32_t boot_mask;    /* PCRs that the firmware log must explain; default 0-7 */
    uint32_t ima_pcr;      /* default 10 */
    uint32_t own_pcr_mask; /* PCRs that an agent may use for its own log; default {13} */
    int64_t label_ttl_s;   /* default 4 h */
    int64_t interval_s;    /* how often a gateway must attest; default 10 min */
    size_t count;
    struct att_requirement *requirement;
    size_t leaf_count; /* every predicate that is not all, any or not, in the order of the text */
    const struct att_requirement **leaf; /* into requirement and its parts */
    uint8_t digest[32];                  /* SHA-256 of the encoded form */
};

/* name is for messages: "file:line:column: ...". Errors CONFIG FORMAT LIMIT NOMEM, reason CFG_POLICY. */
ATT_MUST_USE enum att_err att_policy_parse_yaml(struct att_policy **out, const char *name,
                                                struct att_slice in, struct att_diag *diag);
ATT_MUST_USE enum att_err att_policy_encode(struct att_buf **out, const struct att_policy *p);
ATT_MUST_USE enum att_err att_policy_decode(struct att_policy **out, struct att_slice in,
                                            struct att_diag *diag);
/*
 * att_requirement_covers - does a rule's list of prefixes cover a name? "/etc" covers "/etc", "/etc/x" and
 * "/etc#key", not "/etcetera".
 */
bool att_requirement_covers(const struct att_requirement *r, struct att_slice name);
/* A strict default, or what the rules that may relax it say: the strictest of them. */
struct att_policy_verdict {
    enum att_severity severity;
    const struct att_requirement *rule; /* borrowed from the policy; NULL: the default */
};
/*
 * att_policy_verdict_of - what becomes of a finding that a rule of kind speaks of.
 *
 * kind  IMA_VIOLATIONS, IMA_KEXEC, BOOT_ORDER. Without a rule: FAIL, but violations where no rule judges the files of
 *       the list: IGNORE
 */
struct att_policy_verdict att_policy_verdict_of(const struct att_policy *p,
                                                enum att_predicate kind);
/*
 * att_requirement_no - what the "no" of a requirement does to a label: FAIL or WARN, by the reason of it.
 *
 * Not of own_items, whose items have reasons of several kinds each.
 */
enum att_severity att_requirement_no(const struct att_policy *p, const struct att_requirement *r,
                                     enum att_reason why);
/* Does any requirement ask something? One that only relaxes a default does not, nor does what stands in "not". */
bool att_policy_judges(const struct att_policy *p);
/* The name of a predicate as it is written. */
const char *att_predicate_name(enum att_predicate predicate);
void att_policy_free(struct att_policy *p);
void att_policy_freep(struct att_policy **p);

#endif
