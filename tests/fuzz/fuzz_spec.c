/*
 * Bytes that are a compiled specification are its only encoding; a signature is believed of who is listed alone. What
 * follows it is asked of the same with other counters.
 */
#include "cbor_mutate.h"
#include "crypto/key.h"
#include "spec_holds.h"

static struct att_signers *listed;
static struct att_signers *nobody;
static struct att_signer *signer;

static void make_signer(void)
{
    struct att_privkey *key = NULL;
    struct att_buf *spki = NULL;

    HOLDS(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    HOLDS(att_signer_software(&signer, key) == ATT_OK);
    HOLDS(att_pubkey_spki(&spki, signer->public_key) == ATT_OK);
    HOLDS(att_signers_new(&listed) == ATT_OK && att_signers_new(&nobody) == ATT_OK);
    HOLDS(att_signers_add(listed, "plant", att_buf_slice(spki), NULL) == ATT_OK);
    att_buf_free(spki);
}

/* Only with the signature as it is, and only where the signer is listed. */
static void when_signed(const struct att_spec *s, size_t salt)
{
    static uint8_t flipped[ATT_SPEC_FILE_MAX + 4096];
    struct att_buf *message = NULL;
    struct att_spec *t = NULL;
    struct att_spec_origin from = {0};
    size_t len = 0;

    HOLDS(att_spec_sign(&message, s, signer) == ATT_OK);
    HOLDS(att_spec_open(&t, att_buf_slice(message), listed, NULL) == ATT_OK);
    HOLDS(memcmp(t->digest, s->digest, 32) == 0);
    att_spec_freep(&t);
    HOLDS(att_spec_peek(&t, "fuzz", att_buf_slice(message), &from, NULL) == ATT_OK);
    HOLDS(from.is_signed && memcmp(t->digest, s->digest, 32) == 0);
    att_spec_freep(&t);
    HOLDS(att_spec_open(&t, att_buf_slice(message), nobody, NULL) == ATT_E_SIGNATURE);
    len = att_buf_len(message);
    HOLDS(len <= sizeof(flipped));
    memcpy(flipped, att_buf_slice(message).p, len);
    flipped[1 + salt % (len - 1)] ^= (uint8_t)(1U << salt % 8);
    HOLDS(att_spec_open(&t, att_slice_of(flipped, len), listed, NULL) != ATT_OK);
    att_buf_free(message);
}

/* Counters that fall, and a calibration that changed under its number. */
static void what_follows(struct att_slice in)
{
    struct att_spec *a = NULL;
    struct att_spec *b = NULL;
    struct att_calibration *k = NULL;

    HOLDS(att_spec_decode(&a, in, NULL) == ATT_OK && att_spec_decode(&b, in, NULL) == ATT_OK);
    k = &b->channel[b->channel_count - 1].calibration;
    b->version++;
    HOLDS(att_spec_check_next(a, b, NULL) == ATT_OK);
    HOLDS(att_spec_check_next(b, a, NULL) == ATT_E_CONFLICT);
    k->value[k->count - 1].mantissa++;
    HOLDS(att_spec_check_next(a, b, NULL) == ATT_E_CONFLICT);
    k->version++;
    HOLDS(att_spec_check_next(a, b, NULL) == ATT_OK);
    k->version -= 2;
    HOLDS(att_spec_check_next(a, b, NULL) == ATT_E_CONFLICT);
    k->version++;
    k->until_s++;
    HOLDS(att_spec_check_next(a, b, NULL) == ATT_E_CONFLICT);
    b->id[0] = b->id[0] == 'a' ? 'b' : 'a';
    HOLDS(att_spec_check_next(a, b, NULL) == ATT_E_CONFLICT);
    att_spec_free(a);
    att_spec_free(b);
}

static void as_a_file(struct att_slice in)
{
    struct att_spec *s = NULL;
    struct att_diag diag = {0};

    HOLDS(att_spec_open(&s, in, listed, &diag) != ATT_OK && s == NULL);
    HOLDS(diag.reason == ATT_R_CFG_SPECSIG);
    (void)att_spec_is(in);
    if (att_spec_peek(&s, "fuzz", in, NULL, NULL) == ATT_OK) {
        HOLDS(att_spec_is(in));
        spec_holds(s);
        att_spec_free(s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data, size);
    struct att_spec *s = NULL;
    struct att_diag diag = {0};

    if (signer == NULL) {
        make_signer();
    }
    if (att_spec_decode(&s, in, &diag) == ATT_OK) {
        HOLDS(att_slice_eq(att_buf_slice(s->bytes), in));
        spec_holds(s);
        when_signed(s, size + data[size / 2]);
        what_follows(in);
        att_spec_free(s);
    } else {
        HOLDS(s == NULL && diag.reason == ATT_R_CFG_SPEC);
    }
    as_a_file(in);
    return 0;
}

FUZZ_MUTATES_CBOR(0)
