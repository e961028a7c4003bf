/* Transfers read: from bytes to what both sides signed. */
#include "appraise/transfer.h"

#include <string.h>

#include "base/guard.h"
#include "base/hex.h"
#include "codec/cbor_rd.h"

#define VERSION    1
#define TIME_MAX   253402300799U /* the end of the year 9999 */
#define STATUS_MAX 4

const char *att_transfer_status_name(unsigned int status)
{
    static const char *const NAMES[] = {"enrolled", "affirming", "warning", "failed", "stale"};

    return status < ATT_COUNT(NAMES) ? NAMES[status] : "unknown";
}

static enum att_err malformed(struct att_diag *diag, enum att_err err, const char *field,
                              const char *text)
{
    return att_fail(diag, err, ATT_R_FMT_TRANSFER, field, "%s", text);
}

static int64_t read_time(struct att_cbor *c)
{
    return (int64_t)att_cbor_uint_max(c, TIME_MAX);
}

static size_t read_bytes(struct att_cbor *c, uint8_t *out, size_t cap)
{
    struct att_slice s = att_cbor_bytes(c, cap);

    if (s.len > 0) {
        memcpy(out, s.p, s.len);
    }
    return s.len;
}

/* An optional item: true when it is there, and not null. */
static bool present(struct att_cbor *c)
{
    if (att_cbor_peek(c) != ATT_CBOR_NULL) {
        return att_cbor_ok(c);
    }
    att_cbor_null(c);
    return false;
}

static void enter(struct att_cbor *c, uint32_t count)
{
    if (att_cbor_enter_array(c, count) != count) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
}

static void read_last(struct att_cbor *c, struct att_transfer_last *l)
{
    enter(c, 4);
    l->status = (unsigned int)att_cbor_uint_max(c, STATUS_MAX);
    l->has_counters = present(c);
    if (l->has_counters) {
        enter(c, 3);
        l->reset_count = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
        l->restart_count = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
        l->clock_ms = att_cbor_uint(c);
        att_cbor_leave(c);
    }
    l->has_label = present(c);
    if (l->has_label) {
        enter(c, 2);
        att_cbor_bytes_exact(c, l->cti, sizeof(l->cti));
        att_cbor_bytes_exact(c, l->label_digest, sizeof(l->label_digest));
        att_cbor_leave(c);
    }
    l->outcomes = att_cbor_uint_max(c, INT64_MAX);
    att_cbor_leave(c);
}

/* nameAlg and a digest of its size (TPM 2.0 Part 1, 16). */
static bool is_name(const uint8_t *name, size_t len)
{
    struct att_rd rd = att_rd_from(name, len);
    enum att_hash alg = (enum att_hash)att_rd_u16be(&rd);

    return att_hash_usable(alg) && len == 2 + att_hash_size(alg);
}

static enum att_err check_side(const struct att_transfer_side *s, struct att_diag *diag)
{
    if (s->verifier_id[0] == '\0') {
        return malformed(diag, ATT_E_FORMAT, "verifier", "the name of a verifier is empty");
    }
    return att_device_id_check(att_slice_str(s->device_id), diag);
}

static enum att_err check_offer(const struct att_transfer *t, struct att_diag *diag)
{
    if (!is_name(t->ek_name, t->ek_name_len) || !is_name(t->ak_name, t->ak_name_len)) {
        return malformed(diag, ATT_E_FORMAT, "name", "expected two TPM names");
    }
    if (t->expires_utc <= t->offered_utc ||
        t->expires_utc - t->offered_utc > ATT_TRANSFER_TTL_MAX_S) {
        return malformed(diag, ATT_E_FORMAT, "expires",
                         "expected an end after its beginning, by 30 days at most");
    }
    return check_side(&t->giver, diag);
}

static enum att_err read_offer(struct att_transfer *t, struct att_slice payload,
                               struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(payload);
    enum att_err err = ATT_OK;

    enter(&c, 11);
    if (att_cbor_uint(&c) != VERSION && att_cbor_ok(&c)) {
        return malformed(diag, ATT_E_UNSUPPORTED, "version", "expected an offer of version 1");
    }
    att_cbor_bytes_exact(&c, t->id, sizeof(t->id));
    att_cbor_text_copy(&c, t->giver.verifier_id, sizeof(t->giver.verifier_id));
    att_cbor_text_copy(&c, t->giver.device_id, sizeof(t->giver.device_id));
    t->ek_name_len = read_bytes(&c, t->ek_name, sizeof(t->ek_name));
    t->has_ek_cert = present(&c);
    if (t->has_ek_cert) {
        att_cbor_bytes_exact(&c, t->ek_cert, sizeof(t->ek_cert));
    }
    t->ak_name_len = read_bytes(&c, t->ak_name, sizeof(t->ak_name));
    t->receiver.key_len = read_bytes(&c, t->receiver.key, sizeof(t->receiver.key));
    t->offered_utc = read_time(&c);
    t->expires_utc = read_time(&c);
    read_last(&c, &t->last);
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_TRANSFER, "offer", diag);
    return err == ATT_OK ? check_offer(t, diag) : err;
}

/* A message of this kind, whose signer is named by a fingerprint. */
static enum att_err take_message(struct att_cose *m, uint8_t kid[32], const char *type,
                                 struct att_diag *diag)
{
    if (ATT_GUARD(TRANSFER_TYPE, !att_slice_eq(m->content_type, att_slice_str(type)))) {
        return malformed(diag, ATT_E_FORMAT, "content type",
                         "what is signed is no statement of a transfer");
    }
    if (m->kid.len != 32) {
        return malformed(diag, ATT_E_FORMAT, "kid", "it does not name its signer");
    }
    memcpy(kid, m->kid.p, 32);
    return ATT_OK;
}

static enum att_err parse_message(struct att_cose *m, struct att_slice in, struct att_diag *diag)
{
    struct att_diag why = {0};
    enum att_err err = in.len <= ATT_TRANSFER_MAX ? att_cose_parse(m, in, &why) : ATT_E_LIMIT;

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_FMT_TRANSFER, "statement", "no signed statement: %s",
                        err == ATT_E_LIMIT ? "it is too long" : why.text);
    }
    return ATT_OK;
}

static enum att_err parse_offer(struct att_transfer *t, struct att_slice in, struct att_diag *diag)
{
    enum att_err err = parse_message(&t->offer_message, in, diag);

    if (err == ATT_OK) {
        err = take_message(&t->offer_message, t->giver.kid, ATT_TRANSFER_OFFER_TYPE, diag);
    }
    return err == ATT_OK ? read_offer(t, t->offer_message.payload_untrusted, diag) : err;
}

static enum att_err check_acceptance(const struct att_transfer *t, struct att_diag *diag)
{
    if (t->accepted_utc < t->offered_utc - ATT_TRANSFER_SKEW_S ||
        t->accepted_utc >= t->expires_utc) {
        return malformed(diag, ATT_E_FORMAT, "accepted", "it was not accepted while it was open");
    }
    if (strcmp(t->giver.verifier_id, t->receiver.verifier_id) == 0) {
        return malformed(diag, ATT_E_FORMAT, "verifier", "expected two verifiers, found one");
    }
    return check_side(&t->receiver, diag);
}

static enum att_err read_acceptance(struct att_transfer *t, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(t->message.payload_untrusted);
    struct att_slice offer;
    enum att_err err = ATT_OK;

    enter(&c, 6);
    if (att_cbor_uint(&c) != VERSION && att_cbor_ok(&c)) {
        return malformed(diag, ATT_E_UNSUPPORTED, "version", "expected a transfer of version 1");
    }
    offer = att_cbor_bytes(&c, ATT_TRANSFER_MAX);
    t->giver.key_len = read_bytes(&c, t->giver.key, sizeof(t->giver.key));
    att_cbor_text_copy(&c, t->receiver.verifier_id, sizeof(t->receiver.verifier_id));
    att_cbor_text_copy(&c, t->receiver.device_id, sizeof(t->receiver.device_id));
    t->accepted_utc = read_time(&c);
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_TRANSFER, "acceptance", diag);
    if (err == ATT_OK) {
        err = parse_offer(t, offer, diag);
    }
    return err == ATT_OK ? check_acceptance(t, diag) : err;
}

enum att_err att_transfer_parse(struct att_transfer *out, struct att_slice in,
                                struct att_diag *diag)
{
    struct att_transfer t = {0};
    enum att_err err = parse_message(&t.message, in, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (att_slice_eq(t.message.content_type, att_slice_str(ATT_TRANSFER_OFFER_TYPE))) {
        err = parse_offer(&t, in, diag);
    } else {
        t.accepted = true;
        err = take_message(&t.message, t.receiver.kid, ATT_TRANSFER_TYPE, diag);
        if (err == ATT_OK) {
            err = read_acceptance(&t, diag);
        }
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = t;
    return ATT_OK;
}

/* The key that one side's statement must be signed with, as the other side's has it. */
static enum att_err named_key(struct att_pubkey **out, uint8_t kid[32],
                              const struct att_transfer_side *side, struct att_diag *diag)
{
    struct att_diag why = {0};
    enum att_err err = att_pubkey_from_spki(out, att_slice_of(side->key, side->key_len), &why);

    if (err == ATT_OK) {
        err = att_pubkey_fingerprint(kid, *out);
    }
    if (err == ATT_OK || err == ATT_E_NOMEM || err == ATT_E_CRYPTO) {
        return err == ATT_OK ? ATT_OK
                             : att_fail(diag, err, ATT_R_NOMEM, "key", "it cannot be read now");
    }
    return att_fail(diag, err, ATT_R_FMT_TRANSFER, "key", "a key in it is none: %s", why.text);
}

static enum att_err verify_one(const struct att_cose *m, const struct att_pubkey *key,
                               const char *purpose, const char *whose, struct att_diag *diag)
{
    ATT_CLEANUP(att_cose_verified_freep) struct att_cose_verified *v = NULL;
    struct att_diag why = {0};
    enum att_err err = att_cose_verify(&v, m, key, att_slice_str(purpose), &why);

    if (err == ATT_OK) {
        return ATT_OK;
    }
    if (err == ATT_E_NOMEM || err == ATT_E_CRYPTO) {
        return att_fail(diag, err, ATT_R_NOMEM, "signature", "it cannot be verified now");
    }
    return att_fail(diag, ATT_E_SIGNATURE, ATT_R_TRF_SIG, "signature",
                    "the signature of the %s does not verify", whose);
}

static enum att_err check_signer(const struct att_signers *ring, const uint8_t kid[32],
                                 struct att_diag *diag)
{
    char hex[65];

    if (ATT_GUARD(TRANSFER_SIGNER, att_signers_find(ring, att_slice_of(kid, 32)) == NULL)) {
        return att_fail(diag, ATT_E_SIGNATURE, ATT_R_TRF_SIGNER, "kid",
                        "expected a key that counts here, found %s",
                        att_hex_encode(hex, sizeof(hex), att_slice_of(kid, 32)));
    }
    return ATT_OK;
}

/* Each side's signer is whom the other side named. */
static enum att_err check_named(const struct att_transfer *t, const uint8_t giver[32],
                                const uint8_t receiver[32], struct att_diag *diag)
{
    if (ATT_GUARD(TRANSFER_RECEIVER, memcmp(t->receiver.kid, receiver, 32) != 0)) {
        return att_fail(diag, ATT_E_SIGNATURE, ATT_R_TRF_RECEIVER, "kid",
                        "it is accepted with another key than the offer names");
    }
    if (ATT_GUARD(TRANSFER_GIVER, memcmp(t->giver.kid, giver, 32) != 0)) {
        return att_fail(diag, ATT_E_SIGNATURE, ATT_R_TRF_GIVER, "kid",
                        "it is offered with another key than the acceptance names");
    }
    return ATT_OK;
}

enum att_err att_transfer_verify(const struct att_transfer *t, enum att_transfer_role ours,
                                 const struct att_signers *ring, struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *giver = NULL;
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *receiver = NULL;
    uint8_t giver_kid[32];
    uint8_t receiver_kid[32];
    enum att_err err = ATT_OK;

    if (ATT_GUARD(TRANSFER_ONE, !t->accepted)) {
        return att_fail(diag, ATT_E_SIGNATURE, ATT_R_TRF_ONE, "statement",
                        "expected two signatures, found the giver's alone");
    }
    err = check_signer(ring, ours == ATT_TRANSFER_GIVER ? t->giver.kid : t->receiver.kid, diag);
    if (err == ATT_OK) {
        err = named_key(&giver, giver_kid, &t->giver, diag);
    }
    if (err == ATT_OK) {
        err = named_key(&receiver, receiver_kid, &t->receiver, diag);
    }
    if (err == ATT_OK) {
        err = check_named(t, giver_kid, receiver_kid, diag);
    }
    if (err == ATT_OK) {
        err = verify_one(&t->message, receiver, ATT_TRANSFER_PURPOSE, "receiver", diag);
    }
    if (err == ATT_OK) {
        err = verify_one(&t->offer_message, giver, ATT_TRANSFER_OFFER_PURPOSE, "giver", diag);
    }
    return err;
}

enum att_err att_transfer_verify_offer(const struct att_transfer *t, const struct att_signers *ring,
                                       const struct att_pubkey *receiver, struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *named = NULL;
    uint8_t kid[32];
    enum att_err err = ATT_OK;

    if (t->accepted) {
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_TRF_DONE, "statement",
                        "expected an offer, found one that is accepted already");
    }
    err = check_signer(ring, t->giver.kid, diag);
    if (err == ATT_OK) {
        err = named_key(&named, kid, &t->receiver, diag);
    }
    if (err == ATT_OK && !att_pubkey_eq(named, receiver)) {
        return att_fail(diag, ATT_E_SIGNATURE, ATT_R_TRF_RECEIVER, "--key",
                        "the offer is for another key than this one");
    }
    return err == ATT_OK ? verify_one(&t->offer_message,
                                      att_signers_find(ring, att_slice_of(t->giver.kid, 32)),
                                      ATT_TRANSFER_OFFER_PURPOSE, "giver", diag)
                         : err;
}

enum att_err att_transfer_check_time(const struct att_transfer *t, int64_t now_utc,
                                     struct att_diag *diag)
{
    if (ATT_GUARD(TRANSFER_TIME,
                  now_utc >= t->expires_utc || now_utc < t->offered_utc - ATT_TRANSFER_SKEW_S)) {
        return att_fail(diag, ATT_E_STALE, ATT_R_TRF_TIME, "expires",
                        now_utc >= t->expires_utc ? "its validity ended %lld seconds ago"
                                                  : "its validity begins %lld seconds later",
                        (long long)(now_utc >= t->expires_utc ? now_utc - t->expires_utc
                                                              : t->offered_utc - now_utc));
    }
    return ATT_OK;
}
