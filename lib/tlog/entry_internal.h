/* What making and reading entries share. */
#ifndef ATT_TLOG_ENTRY_INTERNAL_H
#define ATT_TLOG_ENTRY_INTERNAL_H

#define ENTRY_HASH_SHA256 (-16) /* COSE algorithm of RFC 9054, for label 258 */

/* Keys of the claim ATT_CLAIM_OUTCOME. */
enum entry_outcome {
    KIND,
    REASON,
    STATUS,
    EVIDENCE,
    POLICY,
    REFVALS,
    KEY_BEFORE,
    KEY_NOW,
    OUTCOME_KEYS
};

#endif
