/* A list that is read answers for each of its entries and no other, is written again the same, and is nobody's. */
#include "appraise/status_list.h"
#include "fuzz.h"

static struct att_anchors *nobody;

static void same_again(const struct att_status_list *l)
{
    struct att_status_list *again = NULL;
    struct att_buf *map = NULL;
    uint64_t count = att_status_list_count(l);
    unsigned int a = 0;
    unsigned int b = 0;

    HOLDS(att_status_list_encode(&map, l) == ATT_OK);
    HOLDS(att_status_list_read(&again, att_buf_slice(map), NULL) == ATT_OK);
    HOLDS(att_status_list_count(again) == count);
    for (uint64_t i = 0; i < count; i += 1 + count / 4096) {
        HOLDS(att_status_list_get(&a, l, i, NULL) == ATT_OK);
        HOLDS(att_status_list_get(&b, again, i, NULL) == ATT_OK);
        HOLDS(a == b && a >> att_status_list_bits(l) == 0);
    }
    att_status_list_free(again);
    att_buf_free(map);
}

static void within_bounds(const struct att_status_list *l)
{
    unsigned int bits = att_status_list_bits(l);
    unsigned int value = 0;

    HOLDS(bits == 1 || bits == 2 || bits == 4 || bits == 8);
    HOLDS(att_status_list_count(l) <= ATT_STATUS_BYTES_MAX * (uint64_t)8 / bits);
    HOLDS(att_status_list_get(&value, l, att_status_list_count(l), NULL) == ATT_E_MISMATCH);
    same_again(l);
}

static void token(struct att_slice in)
{
    struct att_status_token *t = NULL;
    struct att_status_verified *v = NULL;
    struct att_diag diag = {0};

    if (att_status_token_parse(&t, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_STATUS || diag.reason == ATT_R_FMT_COSE ||
              diag.reason == ATT_R_FMT_CBOR);
        return;
    }
    HOLDS(att_status_uri_ok(t->uri) && t->exp > t->iat && t->iat >= 0);
    within_bounds(t->list);
    HOLDS(nobody != NULL || att_anchors_new(&nobody) == ATT_OK);
    HOLDS(att_status_token_verify(&v, t, nobody, NULL) != ATT_OK);
    att_status_token_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data, size);
    struct att_status_list *l = NULL;
    struct att_diag diag = {0};

    token(in);
    if (att_status_list_read(&l, in, &diag) == ATT_OK) {
        within_bounds(l);
        att_status_list_free(l);
    } else {
        HOLDS(diag.reason == ATT_R_FMT_STATUS);
    }
    return 0;
}
