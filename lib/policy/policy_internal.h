/* Shared by the YAML and the CBOR side of a policy. */
#ifndef ATT_POLICY_POLICY_INTERNAL_H
#define ATT_POLICY_POLICY_INTERNAL_H

#include "policy/policy.h"

/* PCRs that can be reset at runtime prove nothing (TCG PC Client profile: 16 and 21 to 23; DRTM 17-20). */
#define ATT_POLICY_PCR_MASK 0x0000ffffU

#define ATT_POLICY_OWN_NAMES_MAX 128 /* names of all own_measured lists together: bits of a carry */

extern const char *const att_predicate_names[];
#define ATT_PRED__COUNT (ATT_PRED_LOGS + 1)

ATT_MUST_USE enum att_err att_policy_new(struct att_policy **out);

/* Room for one more requirement; LIMIT NOMEM. The pointer is valid until the next call. */
ATT_MUST_USE enum att_err att_policy_add(struct att_policy *p, struct att_requirement **out);

/* Append a copy of a name; LIMIT NOMEM. */
ATT_MUST_USE enum att_err att_requirement_add_name(struct att_requirement *r,
                                                   struct att_slice name);
ATT_MUST_USE enum att_err att_requirement_add_value(struct att_requirement *r, const uint8_t *value,
                                                    size_t len);

/* Rules that hold for both forms, and the digest over the encoded form. CONFIG, reason CFG_POLICY. */
ATT_MUST_USE enum att_err att_policy_seal(struct att_policy *p, struct att_diag *diag);

#endif
