/* What holds of every policy that either form gives. */
#ifndef ATT_TEST_POLICY_HOLDS_H
#define ATT_TEST_POLICY_HOLDS_H

#include <string.h>

#include "crypto/digest.h"
#include "fuzz.h"
#include "policy/policy_words.h"

/* Both forms are one policy, its words end, it does not differ from itself, and it is frugal. */
static inline void policy_holds(const struct att_policy *p)
{
    struct att_buf *encoded = NULL;
    struct att_policy *again = NULL;
    struct att_policy_diff *diff = NULL;
    uint8_t digest[32];

    HOLDS(p->count > 0 && p->count <= ATT_POLICY_REQUIREMENTS_MAX);
    HOLDS(p->leaf_count > 0 && p->leaf_count <= ATT_POLICY_LEAVES_MAX);
    HOLDS(att_policy_encode(&encoded, p) == ATT_OK);
    HOLDS(att_sha256(att_buf_slice(encoded), digest) == ATT_OK);
    HOLDS(memcmp(digest, p->digest, 32) == 0);
    HOLDS(att_policy_decode(&again, att_buf_slice(encoded), NULL) == ATT_OK);
    HOLDS(memcmp(again->digest, p->digest, 32) == 0 && again->leaf_count == p->leaf_count);
    HOLDS(att_policy_diff(&diff, p, again) == ATT_OK && diff->count == 0);
    for (size_t i = 0; i < p->count; i++) {
        char words[96];

        HOLDS(strnlen(att_requirement_words(words, sizeof(words), &p->requirement[i], i % 2 != 0),
                      sizeof(words)) < sizeof(words));
        HOLDS(!p->requirement[i].allow_any || p->requirement[i].predicate == ATT_PRED_OWN_ITEMS);
    }
    att_policy_diff_free(diff);
    att_policy_free(again);
    att_buf_free(encoded);
}

#endif
