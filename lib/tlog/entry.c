/* All that an entry says stands in its protected header, so that its payload is nothing but a hash. */
#include "tlog/entry.h"

#include <string.h>

#include "base/guard.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "crypto/digest.h"
#include "evidence/profile.h"

#define HASH_SHA256 (-16) /* COSE algorithm of RFC 9054, for label 258 */
#define CLAIMS_ROOM 1024

enum outcome_key { KIND, REASON, STATUS, EVIDENCE, POLICY, REFVALS, OUTCOME_KEYS };

static size_t present(bool there)
{
    return there ? 1 : 0;
}

static void write_digest(struct att_wr *w, enum outcome_key key, const uint8_t *digest)
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
                           present(f->refvals != NULL));
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
        .payload_hash = HASH_SHA256,
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

/* A word of ours: printable, no blanks, so that it can stand in a line of a report. */
static void read_word(struct att_cbor *c, char *out, size_t cap)
{
    att_cbor_text_copy(c, out, cap);
    if (att_cbor_ok(c) && out[0] == '\0')
        att_cbor_fail(c, ATT_E_FORMAT);
    for (const char *p = out; att_cbor_ok(c) && *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~')
            att_cbor_fail(c, ATT_E_FORMAT);
    }
}

static void read_outcome(struct att_cbor *c, struct att_entry *e)
{
    bool kind = false;

    (void)att_cbor_enter_map(c, OUTCOME_KEYS);
    while (att_cbor_more(c)) {
        switch (att_cbor_key_int(c)) {
        case KIND:
            read_word(c, e->kind, sizeof(e->kind));
            kind = true;
            break;
        case REASON:
            read_word(c, e->reason, sizeof(e->reason));
            break;
        case STATUS:
            e->status = (int)att_cbor_uint_max(c, INT8_MAX);
            e->has_status = true;
            break;
        case EVIDENCE:
            att_cbor_bytes_exact(c, e->evidence, sizeof(e->evidence));
            e->has_evidence = true;
            break;
        case POLICY:
            att_cbor_bytes_exact(c, e->policy, sizeof(e->policy));
            e->has_policy = true;
            break;
        case REFVALS:
            att_cbor_bytes_exact(c, e->refvals, sizeof(e->refvals));
            e->has_refvals = true;
            break;
        default:
            att_cbor_fail(c, ATT_E_FORMAT);
            break;
        }
    }
    att_cbor_leave(c);
    if (att_cbor_ok(c) && !kind)
        att_cbor_fail(c, ATT_E_FORMAT);
}

/* UTC seconds that a calendar has. */
static int64_t read_time(struct att_cbor *c)
{
    return (int64_t)att_cbor_uint_max(c, 253402300799U); /* the end of the year 9999 */
}

static void read_claim(struct att_cbor *c, int64_t key, struct att_entry *e)
{
    switch (key) {
    case ATT_CLAIM_ISS:
        read_word(c, e->issuer, sizeof(e->issuer));
        break;
    case ATT_CLAIM_SUB:
        read_word(c, e->subject, sizeof(e->subject));
        break;
    case ATT_CLAIM_EXP:
        e->exp = read_time(c);
        break;
    case ATT_CLAIM_IAT:
        e->iat = read_time(c);
        break;
    case ATT_CLAIM_CTI:
        att_cbor_bytes_exact(c, e->cti, sizeof(e->cti));
        e->has_cti = true;
        break;
    case ATT_CLAIM_OUTCOME:
        read_outcome(c, e);
        break;
    default:
        att_cbor_fail(c, ATT_E_FORMAT);
        break;
    }
}

static enum att_err read_claims(struct att_entry *e, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(e->message.cwt_claims);

    (void)att_cbor_enter_map(&c, 6);
    while (att_cbor_more(&c))
        read_claim(&c, att_cbor_key_int(&c), e);
    att_cbor_leave(&c);
    /* A label has a time at which it ends, a name and a verdict; nothing else has. */
    if (att_cbor_ok(&c) && (e->issuer[0] == '\0' || e->kind[0] == '\0' || e->iat == 0 ||
                            e->of_label != (e->exp != 0) || e->of_label != e->has_status ||
                            (e->of_label && (!e->has_cti || e->subject[0] == '\0'))))
        att_cbor_fail(&c, ATT_E_FORMAT);
    return att_cbor_end_diag(&c, ATT_R_TL_ENTRY, "claims", diag);
}

static bool is_text(struct att_slice s, const char *text)
{
    return att_slice_eq(s, att_slice_str(text));
}

static enum att_err read_header(struct att_entry *e, struct att_diag *diag)
{
    const struct att_cose *m = &e->message;

    if (ATT_GUARD(ENTRY_TYP, !is_text(m->typ, ATT_TYPE_ENTRY)))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_TL_ENTRY, "typ", "expected %s", ATT_TYPE_ENTRY);
    if (!m->has_payload_hash || m->payload_hash != HASH_SHA256 ||
        m->payload_untrusted.len != sizeof(e->digest))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_TL_ENTRY, "payload",
                        "expected a hash envelope of SHA-256 (RFC 9995)");
    e->of_label = is_text(m->preimage_type, ATT_TYPE_LABEL);
    if (!e->of_label && !is_text(m->preimage_type, ATT_TYPE_DETAIL))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_TL_ENTRY, "preimage",
                        "expected the hash of a label or of an outcome's detail");
    if (m->kid.len != sizeof(e->key))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_TL_ENTRY, "kid",
                        "expected the SHA-256 of the key that signed, found %zu bytes", m->kid.len);
    /* Whatever stood there could be changed, and the entry would be another one (C-12, G-12). */
    if (ATT_GUARD(ENTRY_UNPROTECTED, m->unprotected.len != 1))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_TL_ENTRY, "unprotected",
                        "expected no unprotected header");
    return ATT_OK;
}

enum att_err att_entry_parse(struct att_entry *out, struct att_slice in, struct att_diag *diag)
{
    struct att_entry e = {0};
    enum att_err err;

    if (in.len > ATT_ENTRY_MAX)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_LIM_SIZE, "entry",
                        "expected at most %d bytes, found %zu", ATT_ENTRY_MAX, in.len);
    err = att_cose_parse(&e.message, in, diag);
    if (err == ATT_OK)
        err = read_header(&e, diag);
    if (err == ATT_OK)
        err = read_claims(&e, diag);
    if (err != ATT_OK)
        return err;
    memcpy(e.key, e.message.kid.p, sizeof(e.key));
    memcpy(e.digest, e.message.payload_untrusted.p, sizeof(e.digest));
    *out = e;
    return ATT_OK;
}

enum att_err att_entry_verify(const struct att_entry *e, const struct att_pubkey *key,
                              struct att_diag *diag)
{
    ATT_CLEANUP(att_cose_verified_freep) struct att_cose_verified *v = NULL;
    uint8_t found[32];
    enum att_err err = att_pubkey_fingerprint(found, key);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "key", "hashing failed");
    if (ATT_GUARD(ENTRY_KEY, memcmp(found, e->key, sizeof(found)) != 0))
        return att_fail(diag, ATT_E_UNTRUSTED, ATT_R_TL_SIGNATURE, "kid",
                        "the entry names another key");
    err = att_cose_verify(&v, &e->message, key, att_slice_of(NULL, 0), diag);
    if (err == ATT_E_SIGNATURE)
        return att_fail(diag, err, ATT_R_TL_SIGNATURE, "signature",
                        "the signature of the entry does not verify");
    return err;
}

enum att_err att_entry_detail(uint8_t out[32], const uint8_t salt[ATT_ENTRY_SALT], const char *text)
{
    const struct att_slice part[] = {att_slice_of(salt, ATT_ENTRY_SALT), att_slice_str(text)};

    return att_digest(ATT_HASH_SHA256, part, ATT_COUNT(part), out);
}

enum att_err att_entry_of_label(uint8_t out[32], struct att_slice label, struct att_diag *diag)
{
    static const uint8_t none = 0xa0;
    ATT_CLEANUP(att_buf_freep) struct att_buf *bare = NULL;
    struct att_cose m;
    enum att_err err = att_cose_parse(&m, label, diag);

    if (err != ATT_OK)
        return err;
    err = att_cose_with_unprotected(&bare, &m, att_slice_of(&none, 1));
    if (err == ATT_OK)
        err = att_sha256(att_buf_slice(bare), out);
    return err == ATT_OK ? err : att_fail(diag, err, ATT_R_INTERNAL, "label", "hashing failed");
}
