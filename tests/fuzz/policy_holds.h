/* What holds of every policy that either form gives. */
#ifndef ATT_TEST_POLICY_HOLDS_H
#define ATT_TEST_POLICY_HOLDS_H

#include <string.h>

#include "crypto/digest.h"
#include "fuzz.h"
#include "policy/policy_words.h"

/* Another policy with the same ids: everything that can be more or less is. */
static inline void policy_change(struct att_requirement *r)
{
    r->name_count -= r->name_count > 1 ? 1 : 0;
    r->value_count -= r->value_count > 1 ? 1 : 0;
    r->severity = r->severity == ATT_SEVERITY_FAIL ? ATT_SEVERITY_WARN : ATT_SEVERITY_FAIL;
    r->unlisted = (enum att_severity)(((int)r->unlisted + 1) % 3);
    r->grade = 3 - r->grade;
    r->at_least++;
    r->at_most += 2;
    r->pcr_mask ^= 3;
    r->log_mask ^= 1;
    r->title_en[0] = 'x';
}

/* Its words end, whatever changes; and a change is seen from both sides. */
static inline void policy_differs(const struct att_policy *p, struct att_policy *other)
{
    struct att_policy_diff *there = NULL;
    struct att_policy_diff *back = NULL;
    bool shrunk[ATT_POLICY_REQUIREMENTS_MAX][2];

    for (size_t i = 0; i < other->count; i++) {
        struct att_requirement *r = &other->requirement[i];

        shrunk[i][0] = r->name_count > 1;
        shrunk[i][1] = r->value_count > 1;
        policy_change(r);
    }
    other->name[0] = 'x';
    other->label_ttl_s++;
    other->version += 2;
    HOLDS(att_policy_diff(&there, p, other) == ATT_OK && there->count >= p->count);
    for (size_t i = 0; i < there->count; i++) {
        HOLDS(strnlen(there->change[i].en, sizeof(there->change[i].en)) <
              sizeof(there->change[i].en));
        HOLDS(there->change[i].en[0] != '\0' && there->change[i].ja[0] != '\0');
    }
    other->requirement[0].id[0] = (char)(other->requirement[0].id[0] ^ 1);
    HOLDS(att_policy_diff(&back, other, p) == ATT_OK && back->count >= p->count);
    for (size_t i = 0; i < other->count; i++) { /* what was hidden is freed with the rest */
        other->requirement[i].name_count += shrunk[i][0] ? 1 : 0;
        other->requirement[i].value_count += shrunk[i][1] ? 1 : 0;
    }
    att_policy_diff_free(there);
    att_policy_diff_free(back);
}

/* As text again it is the same policy, or no text can hold its names. */
static inline bool policy_text_holds(const struct att_policy *p)
{
    struct att_buf *text = NULL;
    struct att_policy *again = NULL;
    bool readable = false;

    HOLDS(att_policy_print_yaml(&text, p) == ATT_OK);
    readable = att_policy_parse_yaml(&again, "print", att_buf_slice(text), NULL) == ATT_OK;
    HOLDS(!readable || memcmp(again->digest, p->digest, 32) == 0);
    att_policy_free(again);
    att_buf_free(text);
    return readable;
}

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
    (void)policy_text_holds(p);
    policy_differs(p, again);
    att_policy_diff_free(diff);
    att_policy_free(again);
    att_buf_free(encoded);
}

#endif
