/* A policy's predicates in words, and what changes between two policies: for people, in two languages. */
#ifndef ATT_POLICY_POLICY_WORDS_H
#define ATT_POLICY_POLICY_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "policy/policy.h"

#define ATT_POLICY_WORDS 768

/* What a requirement's predicate asks, as a clause without a full stop; cut with "..." when it does not fit.
 * Names from the policy are escaped. Returns out. */
char *att_requirement_words(char *out, size_t cap, const struct att_requirement *r, bool ja);

/* A key of ima_signed as the YAML map of one line that stands in a policy. Returns out. */
#define ATT_FILE_KEY_TEXT 960
char *att_file_key_text(char *out, size_t cap, const struct att_file_key *k);

/*
 * att_policy_print_yaml - the policy as text, from which att_policy_parse_yaml makes the same policy; above each
 * requirement stands what it asks, as a comment. Names that are not UTF-8 have no text: they are printed as they
 * are and refused when the text is read.
 * Errors  LIMIT NOMEM
 */
ATT_MUST_USE enum att_err att_policy_print_yaml(struct att_buf **out, const struct att_policy *p);

enum att_policy_effect {
    ATT_EFFECT_STRICTER, /* what was good may not be good any more */
    ATT_EFFECT_LOOSER,   /* what was not good may be good now */
    ATT_EFFECT_OTHER     /* neither, or it depends on the evidence */
};

struct att_policy_change {
    char id[32]; /* of the requirement; empty for the policy as a whole */
    enum att_policy_effect effect;
    char en[2 * ATT_POLICY_WORDS], ja[2 * ATT_POLICY_WORDS];
};

struct att_policy_diff {
    size_t count;
    struct att_policy_change *change; /* owned */
};

/* What judges differently in b than in a, in the order of b; titles and sources count too. NOMEM */
ATT_MUST_USE enum att_err att_policy_diff(struct att_policy_diff **out, const struct att_policy *a,
                                          const struct att_policy *b);
void att_policy_diff_free(struct att_policy_diff *d);
void att_policy_diff_freep(struct att_policy_diff **d);

#endif
