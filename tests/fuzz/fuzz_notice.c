/*
 * A change notice that decodes is written again as the same bytes, and its lookups find what it lists. Signed by us
 * it opens when our key is listed as the role that it claims, and no other way.
 */
#include <string.h>

#include "cbor_mutate.h"
#include "fuzz.h"
#include "policy/notice.h"

static struct att_signer *signer;

static void make_key(void)
{
    struct att_privkey *key = NULL;

    if (signer == NULL) {
        HOLDS(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
        HOLDS(att_signer_software(&signer, key) == ATT_OK);
    }
}

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

/* Our key alone, in this role. */
static struct att_signers *listed_as(const char *role)
{
    struct att_signers *s = NULL;
    struct att_buf *spki = NULL;

    HOLDS(att_pubkey_spki(&spki, signer->public_key) == ATT_OK);
    HOLDS(att_signers_new(&s) == ATT_OK);
    HOLDS(att_signers_add(s, role, att_buf_slice(spki), NULL) == ATT_OK);
    att_buf_free(spki);
    return s;
}

static void when_signed(const struct att_notice *n, struct att_slice in)
{
    struct att_signers *right = listed_as(n->role);
    struct att_signers *wrong = listed_as("another role");
    struct att_notices all = {0};
    struct att_notice *again = NULL;
    struct att_buf *message = NULL;
    struct att_diag diag = {0};

    HOLDS(att_notice_sign(&message, in, signer) == ATT_OK);
    HOLDS(att_notice_open(&again, att_buf_slice(message), wrong, &diag) == ATT_E_SIGNATURE);
    HOLDS(diag.reason == ATT_R_CFG_NOTICESIG);
    HOLDS(att_notice_open(&again, att_buf_slice(message), right, NULL) == ATT_OK);
    HOLDS(memcmp(again->digest, n->digest, 32) == 0);
    HOLDS(att_notices_add(&all, again, NULL) == ATT_OK);
    HOLDS(att_notice_open(&again, att_buf_slice(message), right, NULL) == ATT_OK);
    HOLDS(att_notices_add(&all, again, NULL) == ATT_E_CONFLICT && all.count == 1);
    att_notices_clear(&all);
    att_signers_free(right);
    att_signers_free(wrong);
    att_buf_free(message);
}

static void told_when_and_whom(const struct att_notice *n)
{
    HOLDS(att_notice_is_open(n, n->from_s) && !att_notice_is_open(n, n->until_s));
    HOLDS(!att_notice_is_open(n, n->from_s - 1));
    HOLDS(att_notice_concerns(n, "no id at all") == (n->device_count == 0));
    for (size_t i = 0; i < n->device_count; i++) {
        HOLDS(att_notice_concerns(n, n->device[i]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct att_slice in = att_slice_of(data, size);
    struct att_notice *n = NULL;
    struct att_buf *again = NULL;
    struct att_diag diag = {0};
    uint8_t kid[32];

    make_key();
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
    told_when_and_whom(n);
    when_signed(n, in);
    att_buf_free(again);
    att_notice_free(n);
    return 0;
}

FUZZ_MUTATES_CBOR(0)
