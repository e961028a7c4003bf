/* Making entries. */
#include <stdbool.h>

#include "codec/cbor_wr.h"
#include "evidence/profile.h"
#include "tlog/entry.h"
#include "tlog/entry_internal.h"

#define CLAIMS_ROOM 1024

static size_t present(bool there)
{
    return there ? 1 : 0;
}

static void write_digest(struct att_wr *w, enum entry_outcome key, const uint8_t *digest)
{
    if (digest == NULL)
        return;
    att_cbor_wr_uint(w, key);
    att_cbor_wr_bytes(w, att_slice_of(digest, 32));
}

static void write_outcome(struct att_wr *w, const struct att_entry_facts *f)
{
    bool reason = f->reason != NULL && f->reason[0] != '\0';

    att_cbor_wr_int(w, ATT_CLAIM_OUTCOME);
    att_cbor_wr_map(w, 1 + present(reason) + present(f->status != NULL) +
                           present(f->evidence != NULL) + present(f->policy != NULL) +
                           present(f->refvals != NULL) + present(f->key_before != NULL) +
                           present(f->key_now != NULL));
    att_cbor_wr_uint(w, KIND);
    att_cbor_wr_text(w, f->kind);
    if (reason) {
        att_cbor_wr_uint(w, REASON);
        att_cbor_wr_text(w, f->reason);
    }
    if (f->status != NULL) {
        att_cbor_wr_uint(w, STATUS);
        att_cbor_wr_int(w, *f->status);
    }
    write_digest(w, EVIDENCE, f->evidence);
    write_digest(w, POLICY, f->policy);
    write_digest(w, REFVALS, f->refvals);
    write_digest(w, KEY_BEFORE, f->key_before);
    write_digest(w, KEY_NOW, f->key_now);
}

static enum att_err write_claims(struct att_slice *out, struct att_wr *w,
                                 const struct att_entry_facts *f)
{
    att_cbor_wr_map(w, 3 + present(f->subject != NULL) + present(f->exp != 0) +
                           present(f->cti != NULL));
    att_cbor_wr_uint(w, ATT_CLAIM_ISS);
    att_cbor_wr_text(w, f->issuer);
    if (f->subject != NULL) {
        att_cbor_wr_uint(w, ATT_CLAIM_SUB);
        att_cbor_wr_text(w, f->subject);
    }
    if (f->exp != 0) {
        att_cbor_wr_uint(w, ATT_CLAIM_EXP);
        att_cbor_wr_int(w, f->exp);
    }
    att_cbor_wr_uint(w, ATT_CLAIM_IAT);
    att_cbor_wr_int(w, f->iat);
    if (f->cti != NULL) {
        att_cbor_wr_uint(w, ATT_CLAIM_CTI);
        att_cbor_wr_bytes(w, att_slice_of(f->cti, ATT_ENTRY_CTI));
    }
    write_outcome(w, f);
    return att_cbor_wr_done(w, out);
}

enum att_err att_entry_make(struct att_buf **out, const struct att_entry_facts *facts,
                            const struct att_signer *signer)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *made = NULL;
    uint8_t room[CLAIMS_ROOM], key[32];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_entry again;
    struct att_cose_order order = {
        .typ = ATT_TYPE_ENTRY,
        .kid = att_slice_of(key, sizeof(key)),
        .x5chain = facts->x5chain,
        .x5chain_count = facts->x5chain_count,
        .payload = att_slice_of(facts->digest, sizeof(facts->digest)),
        .payload_hash = ENTRY_HASH_SHA256,
        .preimage_type = facts->of_label ? ATT_TYPE_LABEL : ATT_TYPE_DETAIL,
    };
    enum att_err err = att_pubkey_fingerprint(key, signer->public_key);

    if (err == ATT_OK)
        err = write_claims(&order.cwt_claims, &w, facts);
    if (err == ATT_OK)
        err = att_cose_make(&made, &order, signer);
    if (err != ATT_OK)
        return err;
    if (att_entry_parse(&again, att_buf_slice(made), NULL) != ATT_OK)
        return ATT_E_INTERNAL;
    *out = made;
    made = NULL;
    return ATT_OK;
}
