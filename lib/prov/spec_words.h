/* What a specification asks, in words for people who read no YAML: English and Japanese. */
#ifndef ATT_PROV_SPEC_WORDS_H
#define ATT_PROV_SPEC_WORDS_H

#include "prov/spec.h"

#define ATT_SPEC_WORDS_MAX 768

/* The limits of a channel's value, "" when none is asked. Returns out, terminated. */
char *att_channel_limits_words(char *out, size_t cap, const struct att_channel *c, bool ja);

/* The relations of a specification, one after another: 0 is the first. */
struct att_relation_words {
    const char *kind; /* the key of its list */
    const char *id;   /* borrowed from the specification */
    char en[ATT_SPEC_WORDS_MAX], ja[ATT_SPEC_WORDS_MAX];
};
/* False behind the last. */
bool att_relation_words(struct att_relation_words *out, const struct att_spec *s, size_t i);

#endif
