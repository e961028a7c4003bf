/*
 * A specification as text again, and what differs between two of them, in words.
 *
 * What people see of a channel in a comparison is what they would write in the file: one printer for both.
 */
#ifndef ATT_PROV_SPEC_PRINT_H
#define ATT_PROV_SPEC_PRINT_H

#include "prov/spec.h"

/*
 * att_spec_print_yaml - text that att_spec_parse_yaml makes the same specification of; everything that it says stands
 * there, defaults too. One of more than ATT_YAML_CAP bytes can be read by people alone. NOMEM
 */
ATT_MUST_USE enum att_err att_spec_print_yaml(struct att_buf **out, const struct att_spec *s);

/* What a channel has, as it is written behind the key: terminated, empty when it has none. NOMEM LIMIT */
ATT_MUST_USE enum att_err att_channel_print(struct att_buf **out, const struct att_channel *c,
                                            size_t key);
#define ATT_CHANNEL_KEYS 22 /* every one but the id */
const char *att_channel_key(size_t key);

#define ATT_SPEC_WORDS 480
struct att_spec_change {
    bool counter;         /* a counter that had to rise: the second may not follow the first */
    char id[ATT_PROV_ID]; /* of the channel or relation; empty: of the whole */
    char en[ATT_SPEC_WORDS], ja[ATT_SPEC_WORDS]; /* cut where they are longer */
};
struct att_spec_diff {
    size_t count;
    struct att_spec_change *change; /* owned */
};

/*
 * att_spec_diff - what the second has otherwise than the first: the whole, channels in order of id, relations, then the
 * counters that fell or had to rise. None when their digests are equal. NOMEM
 */
ATT_MUST_USE enum att_err att_spec_diff(struct att_spec_diff **out, const struct att_spec *a,
                                        const struct att_spec *b);
void att_spec_diff_free(struct att_spec_diff *d);
void att_spec_diff_freep(struct att_spec_diff **d);

#endif
