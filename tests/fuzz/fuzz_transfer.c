/*
 * A statement that is read is written again with the same payloads, and no key of ours ever verifies it. Signed by
 * two keys of ours it verifies for either side, and for neither in the other's place.
 */
#include <string.h>

#include "appraise/transfer.h"
#include "cbor_mutate.h"
#include "codec/cbor_rd.h"
#include "fuzz.h"

static struct att_signer *signer, *other;
static struct att_signers *ours, *others;

/* A fresh key: no input can hold a signature of it. */
static void make_key(struct att_signer **out, struct att_signers **ring)
{
    struct att_privkey *key = NULL;
    struct att_buf *spki = NULL;

    HOLDS(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    HOLDS(att_signer_software(out, key) == ATT_OK);
    HOLDS(att_pubkey_spki(&spki, (*out)->public_key) == ATT_OK);
    HOLDS(att_signers_new(ring) == ATT_OK);
    HOLDS(att_signers_add(*ring, "ours", att_buf_slice(spki), NULL) == ATT_OK);
    att_buf_free(spki);
}

static void make_keys(void)
{
    if (signer == NULL) {
        make_key(&signer, &ours);
        make_key(&other, &others);
    }
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

static void verified_for_each_side(struct att_slice accepted)
{
    struct att_transfer t;
    struct att_diag diag = {0};

    HOLDS(att_transfer_parse(&t, accepted, NULL) == ATT_OK && t.accepted);
    HOLDS(att_transfer_verify(&t, ATT_TRANSFER_GIVER, ours, NULL) == ATT_OK);
    HOLDS(att_transfer_verify(&t, ATT_TRANSFER_RECEIVER, others, NULL) == ATT_OK);
    HOLDS(att_transfer_verify(&t, ATT_TRANSFER_GIVER, others, &diag) == ATT_E_SIGNATURE);
    HOLDS(diag.reason == ATT_R_TRF_SIGNER);
    HOLDS(att_transfer_verify_offer(&t, ours, other->public_key, &diag) == ATT_E_CONFLICT);
    t.giver.kid[0] ^= 1; /* the offer names another giver than the acceptance */
    HOLDS(att_transfer_verify(&t, ATT_TRANSFER_RECEIVER, others, &diag) == ATT_E_SIGNATURE);
    HOLDS(diag.reason == ATT_R_TRF_GIVER);
    t.giver.kid[0] ^= 1;
    t.receiver.kid[0] ^= 1;
    HOLDS(att_transfer_verify(&t, ATT_TRANSFER_GIVER, ours, &diag) == ATT_E_SIGNATURE);
    HOLDS(diag.reason == ATT_R_TRF_RECEIVER);
    t.receiver.kid[0] ^= 1;
    t.message.signature = t.offer_message.signature;
    HOLDS(att_transfer_verify(&t, ATT_TRANSFER_GIVER, ours, &diag) == ATT_E_SIGNATURE);
    HOLDS(diag.reason == ATT_R_TRF_SIG);
    t.receiver.key_len--;
    HOLDS(att_transfer_verify(&t, ATT_TRANSFER_GIVER, ours, &diag) != ATT_OK);
    HOLDS(diag.reason == ATT_R_FMT_TRANSFER);
}

/* The same gateway, given by one key of ours to another. */
static void between_us(const struct att_transfer *t)
{
    struct att_transfer mine = *t;
    struct att_transfer offered;
    struct att_buf *spki = NULL;
    struct att_buf *offer = NULL;
    struct att_buf *accepted = NULL;
    struct att_diag diag = {0};

    HOLDS(att_pubkey_spki(&spki, other->public_key) == ATT_OK);
    mine.receiver.key_len = att_buf_len(spki);
    memcpy(mine.receiver.key, att_buf_slice(spki).p, mine.receiver.key_len);
    HOLDS(att_transfer_offer_make(&offer, &mine, signer) == ATT_OK);
    HOLDS(att_transfer_parse(&offered, att_buf_slice(offer), NULL) == ATT_OK);
    HOLDS(att_transfer_verify(&offered, ATT_TRANSFER_GIVER, ours, NULL) == ATT_E_SIGNATURE);
    HOLDS(att_transfer_verify_offer(&offered, ours, other->public_key, NULL) == ATT_OK);
    HOLDS(att_transfer_verify_offer(&offered, others, other->public_key, NULL) == ATT_E_SIGNATURE);
    HOLDS(att_transfer_verify_offer(&offered, ours, signer->public_key, &diag) == ATT_E_SIGNATURE);
    HOLDS(diag.reason == ATT_R_TRF_RECEIVER);
    (void)snprintf(mine.receiver.verifier_id, sizeof(mine.receiver.verifier_id), "%s",
                   strcmp(mine.giver.verifier_id, "b") == 0 ? "c" : "b");
    (void)snprintf(mine.receiver.device_id, sizeof(mine.receiver.device_id), "there");
    mine.accepted_utc = mine.offered_utc;
    HOLDS(att_transfer_accept_make(&accepted, &mine, att_buf_slice(offer), signer->public_key,
                                   other) == ATT_OK);
    verified_for_each_side(att_buf_slice(accepted));
    att_buf_free(spki);
    att_buf_free(offer);
    att_buf_free(accepted);
}

static void open_in_its_time(const struct att_transfer *t)
{
    HOLDS(att_transfer_check_time(t, t->offered_utc, NULL) == ATT_OK);
    HOLDS(att_transfer_check_time(t, t->offered_utc - ATT_TRANSFER_SKEW_S - 1, NULL) ==
          ATT_E_STALE);
    HOLDS(att_transfer_check_time(t, t->expires_utc, NULL) == ATT_E_STALE);
    HOLDS(strcmp(att_transfer_status_name(t->last.status), "unknown") != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_diag diag = {0};
    struct att_transfer t;

    make_keys();
    if (att_transfer_parse(&t, att_slice_of(data, size), &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_TRANSFER || diag.reason == ATT_R_FMT_ID);
        return 0;
    }
    HOLDS(t.expires_utc > t.offered_utc);
    HOLDS(t.expires_utc - t.offered_utc <= ATT_TRANSFER_TTL_MAX_S);
    HOLDS(!t.accepted || t.accepted_utc < t.expires_utc);
    offer_again(&t);
    between_us(&t);
    open_in_its_time(&t);
    if (t.accepted) {
        acceptance_again(&t);
    }
    HOLDS(att_transfer_verify(&t, ATT_TRANSFER_GIVER, ours, NULL) != ATT_OK);
    HOLDS(att_transfer_verify(&t, ATT_TRANSFER_RECEIVER, ours, NULL) != ATT_OK);
    return 0;
}

FUZZ_MUTATES_CBOR(0)
