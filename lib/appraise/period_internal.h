/* What the files of a period's figures share. */
#ifndef ATT_APPRAISE_PERIOD_INTERNAL_H
#define ATT_APPRAISE_PERIOD_INTERNAL_H

#include "appraise/audit_internal.h"
#include "appraise/period.h"

/* A gateway while entries come in. */
struct period_gateway {
    struct att_period_gateway g;
    int64_t since, exp; /* of the label that is in force; since when without a break */
    int64_t ended; /* when the last one ended; 0: it had none since it was enrolled, or is gone */
    int64_t held_exp; /* of the label that was suspended; 0: none was */
    int64_t enrolled_since;
    uint64_t index; /* of its last entry */
    uint8_t cti[ATT_ENTRY_CTI];
    bool in_force;
};

struct att_period_maker {
    struct att_period *p; /* owned, until it is finished */
    struct att_hasher *hasher;
    struct audit_map numbers; /* UEID to its number */
    uint8_t seed[AUDIT_SEED];
    struct period_gateway *gateway;
    size_t count, cap, tally_cap, rules_cap, gap_cap, event_cap;
    bool begun;
};

/* Room for one row more in a list of count; it doubles. NOMEM. */
ATT_MUST_USE enum att_err period_room(void **rows, size_t count, size_t *cap, size_t size);
/* The gateway with this UEID, made when it is not known; borrowed until the next. LIMIT NOMEM CRYPTO. */
ATT_MUST_USE enum att_err period_gateway_of(struct period_gateway **out, struct att_period_maker *m,
                                            const uint8_t ueid[32]);
/* What the entry says of its gateway. NOMEM. */
ATT_MUST_USE enum att_err period_gateway_take(struct att_period_maker *m, struct period_gateway *g,
                                              uint64_t index, const struct att_entry *e);
/* What held at the end of the period. NOMEM. */
ATT_MUST_USE enum att_err period_gateway_end(struct att_period_maker *m, struct period_gateway *g);

#endif
