/* A statement that is read is written again with the same payloads, and no key of ours ever verifies it. */
#include "appraise/transfer.h"
#include "codec/cbor_rd.h"
#include "fuzz.h"

static struct att_signer *signer;
static struct att_policy_signers *ours;

/* A fresh key: no input can hold a signature of it. */
static void make_key(void)
{
    struct att_privkey *key = NULL;
    struct att_buf *spki = NULL;

    if (signer != NULL) {
        return;
    }
    HOLDS(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    HOLDS(att_signer_software(&signer, key) == ATT_OK);
    HOLDS(att_pubkey_spki(&spki, signer->public_key) == ATT_OK);
    HOLDS(att_policy_signers_new(&ours) == ATT_OK);
    HOLDS(att_policy_signers_add(ours, "ours", att_buf_slice(spki), NULL) == ATT_OK);
    att_buf_free(spki);
}

static void offer_again(const struct att_transfer *t)
{
    struct att_buf *out = NULL;
    struct att_transfer again;

    HOLDS(att_transfer_offer_make(&out, t, signer) == ATT_OK);
    HOLDS(att_transfer_parse(&again, att_buf_slice(out), NULL) == ATT_OK);
    HOLDS(att_slice_eq(again.offer_message.payload_untrusted, t->offer_message.payload_untrusted));
    att_buf_free(out);
}

static void acceptance_again(const struct att_transfer *t)
{
    struct att_cbor c = att_cbor_from(t->message.payload_untrusted);
    struct att_pubkey *giver = NULL;
    struct att_buf *out = NULL;
    struct att_transfer again;
    struct att_slice offer;

    if (att_pubkey_from_spki(&giver, att_slice_of(t->giver.key, t->giver.key_len), NULL) !=
        ATT_OK) {
        return;
    }
    (void)att_cbor_enter_array(&c, 6);
    (void)att_cbor_uint(&c);
    offer = att_cbor_bytes(&c, ATT_TRANSFER_MAX);
    if (att_transfer_accept_make(&out, t, offer, giver, signer) == ATT_OK) {
        HOLDS(att_transfer_parse(&again, att_buf_slice(out), NULL) == ATT_OK);
        HOLDS(again.accepted_utc == t->accepted_utc && again.expires_utc == t->expires_utc);
        att_buf_free(out);
    }
    att_pubkey_free(giver);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_diag diag = {0};
    struct att_transfer t;

    make_key();
    if (att_transfer_parse(&t, att_slice_of(data, size), &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_TRANSFER || diag.reason == ATT_R_FMT_ID);
        return 0;
    }
    HOLDS(t.expires_utc > t.offered_utc);
    HOLDS(t.expires_utc - t.offered_utc <= ATT_TRANSFER_TTL_MAX_S);
    HOLDS(!t.accepted || t.accepted_utc < t.expires_utc);
    offer_again(&t);
    if (t.accepted) {
        acceptance_again(&t);
    }
    HOLDS(att_transfer_verify(&t, ATT_TRANSFER_GIVER, ours, NULL) != ATT_OK);
    HOLDS(att_transfer_verify(&t, ATT_TRANSFER_RECEIVER, ours, NULL) != ATT_OK);
    return 0;
}
