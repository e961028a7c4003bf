/* A change notice that decodes is written again as the same bytes, and its lookups find what it lists. */
#include "fuzz.h"
#include "policy/notice.h"

static void finds_all(const struct att_notice *n)
{
    for (size_t i = 0; i < n->change_count; i++) {
        const struct att_change *c = &n->change[i];
        size_t count = 0;
        const struct att_change *named = att_notice_named(n, c->name, &count);

        HOLDS(named != NULL && named <= c && c < named + count);
        HOLDS(c->after == NULL || att_notice_find(n, c->after, &count) != NULL);
        for (size_t k = 0; k < c->before_count; k++) {
            HOLDS(att_notice_find(n, c->before[k], &count) != NULL && count > 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct att_slice in = att_slice_of(data, size);
    struct att_notice *n = NULL;
    struct att_buf *again = NULL;
    struct att_diag diag = {0};
    uint8_t kid[32];

    if (att_notice_peek(&n, kid, in, &diag) == ATT_OK) {
        finds_all(n);
        att_notice_freep(&n);
    }
    if (att_notice_decode(&n, in, &diag) != ATT_OK) {
        HOLDS(n == NULL && diag.reason == ATT_R_CFG_NOTICE);
        return 0;
    }
    finds_all(n);
    HOLDS(n->until_s - n->from_s <= ATT_NOTICE_SECONDS_MAX && n->change_count > 0);
    HOLDS(att_notice_encode(&again, n, NULL) == ATT_OK);
    HOLDS(att_slice_eq(att_buf_slice(again), in));
    att_buf_free(again);
    att_notice_free(n);
    return 0;
}
