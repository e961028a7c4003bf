/* What holds of every specification that either form gives. */
#ifndef ATT_TEST_SPEC_HOLDS_H
#define ATT_TEST_SPEC_HOLDS_H

#include <string.h>

#include "crypto/digest.h"
#include "fuzz.h"
#include "prov/curve.h"
#include "prov/spec.h"
#include "prov/spec_print.h"

/* As text again it is the same, and does not differ from itself; what was changed is seen from both sides. */
static inline void spec_text_holds(const struct att_spec *s, struct att_spec *other)
{
    struct att_buf *text = NULL;
    struct att_spec *again = NULL;
    struct att_spec_diff *diff = NULL;

    HOLDS(att_spec_print_yaml(&text, s) == ATT_OK);
    HOLDS(att_spec_parse_yaml(&again, "print", att_buf_slice(text), NULL) == ATT_OK);
    HOLDS(memcmp(again->digest, s->digest, 32) == 0);
    HOLDS(att_spec_diff(&diff, s, again) == ATT_OK && diff->count == 0);
    att_spec_diff_freep(&diff);
    other->channel[0].period_ms++;
    other->channel[other->channel_count - 1].id[0] ^= 1;
    other->batch_size++;
    other->balance_count = 0;
    other->seal_count = 0;
    HOLDS(att_spec_diff(&diff, s, other) == ATT_OK && diff->count >= 2);
    att_spec_diff_freep(&diff);
    HOLDS(att_spec_diff(&diff, other, s) == ATT_OK && diff->count >= 2);
    att_spec_diff_free(diff);
    att_spec_free(again);
    att_buf_free(text);
}

/* Its bytes are it, each channel has its own digest and can be computed, and it may follow itself. */
static inline void spec_holds(const struct att_spec *s)
{
    struct att_spec *again = NULL;
    uint8_t digest[32];

    HOLDS(s->channel_count > 0 && s->channel_count <= ATT_SPEC_CHANNELS_MAX);
    HOLDS(att_sha256(att_buf_slice(s->bytes), digest) == ATT_OK);
    HOLDS(memcmp(digest, s->digest, 32) == 0);
    HOLDS(att_spec_decode(&again, att_buf_slice(s->bytes), NULL) == ATT_OK);
    HOLDS(memcmp(again->digest, s->digest, 32) == 0);
    HOLDS(att_spec_check_next(s, again, NULL) == ATT_OK);
    for (size_t i = 0; i < s->channel_count; i++) {
        const struct att_channel *c = &s->channel[i];
        struct att_curve k;
        struct att_decimal v;

        HOLDS(att_spec_channel(s, c->id) == c && att_spec_channel_of(again, c->digest) != NULL);
        HOLDS(att_curve_make(&k, c, NULL) == ATT_OK);
        HOLDS(att_curve_value(&v, &k, k.least) == ATT_OK && att_decimal_ok(v));
        HOLDS(att_curve_value(&v, &k, k.most) == ATT_OK && att_decimal_ok(v));
    }
    spec_text_holds(s, again);
    att_spec_free(again);
}

#endif
