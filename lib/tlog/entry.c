/* Reading entries: all that one says stands in its protected header, so that its payload is nothing but a hash. */
#include "tlog/entry.h"

#include <string.h>

#include "base/guard.h"
#include "codec/cbor_rd.h"
#include "crypto/digest.h"
#include "evidence/profile.h"
#include "tlog/entry_internal.h"

static void read_outcome(struct att_cbor *c, struct att_entry *e)
{
    bool kind = false;

    (void)att_cbor_enter_map(c, OUTCOME_KEYS);
    while (att_cbor_more(c)) {
        switch (att_cbor_key_int(c)) {
        case KIND:
            att_cbor_word_copy(c, e->kind, sizeof(e->kind));
            kind = true;
            break;
        case REASON:
            att_cbor_word_copy(c, e->reason, sizeof(e->reason));
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
        case KEY_BEFORE:
            att_cbor_bytes_exact(c, e->key_before, sizeof(e->key_before));
            e->has_key_before = true;
            break;
        case KEY_NOW:
            att_cbor_bytes_exact(c, e->key_now, sizeof(e->key_now));
            e->has_key_now = true;
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

/* A change of keys names both, and why; nothing else names any. */
static bool keys_fit(const struct att_entry *e)
{
    bool change =
        strcmp(e->kind, ATT_ENTRY_LABEL_KEY) == 0 || strcmp(e->kind, ATT_ENTRY_LOG_KEY) == 0;

    if (e->has_key_before != change || e->has_key_now != change)
        return false;
    return !change || strcmp(e->reason, ATT_ENTRY_ROTATED) == 0 ||
           strcmp(e->reason, ATT_ENTRY_COMPROMISED) == 0;
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
        att_cbor_word_copy(c, e->issuer, sizeof(e->issuer));
        break;
    case ATT_CLAIM_SUB:
        att_cbor_word_copy(c, e->subject, sizeof(e->subject));
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
    if (att_cbor_ok(&c) &&
        (e->issuer[0] == '\0' || e->kind[0] == '\0' || e->iat == 0 ||
         e->of_label != (e->exp != 0) || e->of_label != e->has_status ||
         (e->of_label && (!e->has_cti || e->subject[0] == '\0')) || !keys_fit(e)))
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
    if (!m->has_payload_hash || m->payload_hash != ENTRY_HASH_SHA256 ||
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
