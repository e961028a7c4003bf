/*
 * What keeper and appraiser seal for each other opens with their key and purpose alone, and is sealed again as the
 * same bytes. The first byte chooses the structure: 0 to 3 sealed here as it stands, 4 certificates as they are kept;
 * from 128 on the input carries its own seal, and is refused.
 */
#include <string.h>

#include "cbor_mutate.h"
#include "crypto/digest.h"
#include "fuzz.h"
#include "verifier/ek_chain.h"
#include "verifier/msg.h"

#define BODY_MAX 65536

enum { KINDS = 4, CHAIN = 4, FORGED = 128 };

typedef enum att_err (*opener)(struct att_buf **again, struct att_slice sealed, const uint8_t *key,
                               struct att_diag *diag);

static const uint8_t key[MSG_SEAL_LEN] = {7};
static const uint8_t other_key[MSG_SEAL_LEN] = {8};

/* Opened into a struct of its kind and sealed again. */
#define OPENER(kind, type)                                                                         \
    static enum att_err open_##kind(struct att_buf **again, struct att_slice sealed,               \
                                    const uint8_t *with, struct att_diag *diag)                    \
    {                                                                                              \
        static struct type s;                                                                      \
        enum att_err err = ATT_OK;                                                                 \
                                                                                                   \
        memset(&s, 0, sizeof(s));                                                                  \
        err = msg_##kind##_open(&s, sealed, with, diag);                                           \
        if (err == ATT_OK)                                                                         \
            HOLDS(msg_##kind##_seal(again, &s, key) == ATT_OK);                                    \
        return err;                                                                                \
    }

OPENER(context, att_appraisal_context)
OPENER(facts, msg_enrol_facts)
OPENER(judged, msg_judged)
OPENER(folded, msg_folded)

static const opener openers[KINDS] = {open_context, open_facts, open_judged, open_folded};

static struct att_slice sealed_here(struct att_slice body, unsigned int kind)
{
    static uint8_t room[BODY_MAX + MSG_SEAL_LEN];
    uint8_t purpose = (uint8_t)(kind + 1);
    struct att_slice part[2] = {att_slice_of(&purpose, 1), body};

    if (body.len > 0) {
        memcpy(room, body.p, body.len);
    }
    HOLDS(att_hmac(ATT_HASH_SHA256, att_slice_of(key, sizeof(key)), part, 2, room + body.len) ==
          ATT_OK);
    return att_slice_of(room, body.len + MSG_SEAL_LEN);
}

static void refused(struct att_slice sealed, unsigned int kind, const uint8_t *with)
{
    struct att_buf *again = NULL;
    struct att_diag diag = {0};

    HOLDS(openers[kind](&again, sealed, with, &diag) == ATT_E_UNTRUSTED && again == NULL);
    HOLDS(diag.reason == ATT_R_FMT_FRAME);
}

static void sealed_structure(struct att_slice body, unsigned int kind)
{
    struct att_slice sealed = sealed_here(body, kind);
    struct att_buf *again = NULL;
    struct att_diag diag = {0};

    refused(sealed, kind, other_key);
    refused(sealed, (kind + 1) % KINDS, key);
    if (openers[kind](&again, sealed, key, &diag) != ATT_OK) {
        HOLDS(diag.reason != ATT_R_NONE);
        return;
    }
    HOLDS(att_slice_eq(att_buf_slice(again), sealed));
    att_buf_free(again);
}

static void kept_chain(struct att_slice in)
{
    static uint8_t room[BODY_MAX];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct ek_chain c = {.count = 0};
    struct att_diag diag = {0};

    if (ek_chain_decode(&c, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_ST_CORRUPT && c.count == 0);
        return;
    }
    HOLDS(c.count > 0 && ek_chain_encode(&w, &c) == ATT_OK);
    HOLDS(att_slice_eq(att_slice_of(room, w.len), in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data + (size > 0), size > 0 ? size - 1 : 0);

    if (size == 0 || in.len > BODY_MAX) {
        return 0;
    }
    if (data[0] >= FORGED) {
        refused(in, data[0] % KINDS, key);
    } else if (data[0] % (KINDS + 1) == CHAIN) {
        kept_chain(in);
    } else {
        sealed_structure(in, data[0] % (KINDS + 1));
    }
    return 0;
}

FUZZ_MUTATES_CBOR(1)
