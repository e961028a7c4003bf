/* Shared by the YAML and the CBOR side of a policy. */
#ifndef ATT_POLICY_POLICY_INTERNAL_H
#define ATT_POLICY_POLICY_INTERNAL_H

#include "policy/policy.h"

/* PCRs that can be reset at runtime prove nothing (TCG PC Client profile: 16 and 21 to 23; DRTM 17-20). */
#define ATT_POLICY_PCR_MASK 0x0000ffffU

#define ATT_POLICY_OWN_NAMES_MAX 128 /* names that must have been measured: bits of a carry */
#define ATT_POLICY_SECONDS_MAX   (INT64_C(90) * 86400)
#define ATT_POLICY_LOG_UEFI      0 /* evidence/context.h is above this folder: its ATT_LOG_UEFI */
#define ATT_POLICY_LOGS_ALL      7U
#define ATT_POLICY_VERSIONS_MAX  256 /* numbers that one min_version takes */

#define ATT_PRED__COUNT (ATT_PRED_IMA_SIGNED + 1)

/* Words of both directions, YAML in and out: by enum att_log, and by what becomes of unsigned files. */
extern const char *const att_policy_logs[3];
extern const char *const att_policy_unsigned[3];

ATT_MUST_USE enum att_err att_policy_new(struct att_policy **out);

/* Room for one more requirement; LIMIT NOMEM. The pointer is valid until the next call. */
ATT_MUST_USE enum att_err att_policy_add(struct att_policy *p, struct att_requirement **out);

/* Room for one more part of all, any or not; LIMIT NOMEM. The pointer is valid until the next call. */
ATT_MUST_USE enum att_err att_requirement_add_child(struct att_requirement *r,
                                                    struct att_requirement **out);

/*
 * att_requirement_check - what holds for one predicate in both forms, its parts included: lists that are
 * not empty, ranges, and no rule that would call everything good without saying so. CONFIG, CFG_POLICY.
 * depth  operators that r stands in: 0 for a requirement's own predicate
 */
ATT_MUST_USE enum att_err att_requirement_check(const struct att_requirement *r, int depth,
                                                struct att_diag *diag);

/* What assigns measured items to a rule, or replaces a strict default: it stands in no all, any, not. */
bool att_predicate_stands_alone(enum att_predicate p);

/* Does it only relax a strict default, and ask nothing itself? */
bool att_requirement_relaxes(const struct att_requirement *r);

/* Is there evidence that it does not hold for? What stands in "not" does not count: see policy_verdict.c. */
bool att_requirement_asks(const struct att_requirement *r);

/* The length of the values of a predicate. */
size_t att_requirement_value_len(const struct att_requirement *r, enum att_hash bank);

/* Read one predicate from the map that has it as its only key beside others; CONFIG with the place. */
struct att_yaml_node;
ATT_MUST_USE enum att_err att_requirement_read_yaml(struct att_requirement *r,
                                                    const struct att_yaml_node *map, int depth,
                                                    const struct att_policy *p,
                                                    struct att_diag *diag);

/* Small readers that both YAML files use; REASON is CFG_POLICY. */
ATT_MUST_USE enum att_err att_policy_yaml_need(const struct att_yaml_node *map, const char *key,
                                               const struct att_yaml_node **out,
                                               struct att_diag *diag);
ATT_MUST_USE enum att_err att_policy_yaml_list(const struct att_yaml_node *n,
                                               struct att_diag *diag);
ATT_MUST_USE enum att_err att_policy_yaml_word(const struct att_yaml_node *n,
                                               const char *const *words, size_t count, int *out,
                                               struct att_diag *diag);
ATT_MUST_USE enum att_err att_policy_yaml_severity(const struct att_yaml_node *n, size_t words,
                                                   enum att_severity *out, struct att_diag *diag);
ATT_MUST_USE enum att_err att_policy_yaml_pcrs(const struct att_yaml_node *n, uint32_t *mask,
                                               struct att_diag *diag);

/* Append a copy of a name; LIMIT NOMEM. */
ATT_MUST_USE enum att_err att_requirement_add_name(struct att_requirement *r,
                                                   struct att_slice name);
ATT_MUST_USE enum att_err att_requirement_add_value(struct att_requirement *r, const uint8_t *value,
                                                    size_t len);

/*
 * att_requirement_add_key - one more key that signs files (policy_keys.c): RSA or ECDSA, in its one spelling, once.
 *
 * id      ATT_POLICY_KEYID_LEN bytes, or NULL: the end of SHA-1 of the key
 * Errors  CONFIG, CFG_POLICY; NOMEM CRYPTO
 */
ATT_MUST_USE enum att_err att_requirement_add_key(struct att_requirement *r, const uint8_t *id,
                                                  struct att_slice spki, struct att_diag *diag);
void att_requirement_clear_keys(struct att_requirement *r);

/* Rules that hold for both forms, and the digest over the encoded form. CONFIG, reason CFG_POLICY. */
ATT_MUST_USE enum att_err att_policy_seal(struct att_policy *p, struct att_diag *diag);

#endif
