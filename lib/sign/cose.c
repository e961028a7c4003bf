/* COSE_Sign1: parse without belief, verify under one key, make. */
#include "sign/cose.h"

#include <stdlib.h>

#include "base/guard.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"

#define TAG_SIGN1          18    /* RFC 9052 section 2 */
#define TAG_SELF_DESCRIBED 55799 /* RFC 8949 section 3.4.6 */

/* Header parameters: RFC 9052 section 3.1, RFC 9597 (15), RFC 9596 (16), RFC 9360 (33). */
enum label {
    LABEL_ALG = 1,
    LABEL_CRIT = 2,
    LABEL_CONTENT_TYPE = 3,
    LABEL_KID = 4,
    LABEL_CWT_CLAIMS = 15,
    LABEL_TYP = 16,
    LABEL_X5CHAIN = 33,
};

#define NOTHING ((struct att_slice){.p = NULL, .len = 0})

/* Room for the heads and the fixed words around what is copied into a message or a Sig_structure. */
#define FRAME_ROOM 64

struct att_cose_verified {
    struct att_slice payload;
};

/* Each of our algorithms with the one kind of key that may use it. */
static const struct {
    int64_t alg;
    enum att_key_type type;
    enum att_scheme scheme;
    enum att_hash hash;
} ALGS[] = {
    {ATT_COSE_ES256, ATT_KEY_EC_P256, ATT_SCHEME_ECDSA, ATT_HASH_SHA256},
    {ATT_COSE_ES384, ATT_KEY_EC_P384, ATT_SCHEME_ECDSA, ATT_HASH_SHA384},
    {ATT_COSE_EDDSA, ATT_KEY_ED25519, ATT_SCHEME_ED25519, ATT_HASH_NONE},
};

/* The row of a key, or ATT_COUNT(ALGS). */
static size_t alg_of(const struct att_pubkey *key)
{
    size_t i = 0;

    while (i < ATT_COUNT(ALGS) && ALGS[i].type != att_pubkey_type(key)) {
        i++;
    }
    return i;
}

/* Did the reader stop at a map key that is the same as the one before it? */
static bool stopped_at_repeated_key(const struct att_cbor *c, struct att_slice in)
{
    struct att_rd r = att_rd_slice(in);
    struct att_slice before = c->depth == 0 ? NOTHING : c->level[c->depth - 1].key;

    att_rd_skip(&r, c->rd.err_off - c->rd.base);
    return before.len > 0 && att_slice_eq(att_rd_bytes(&r, before.len), before);
}

/* Is the slice one deterministic item? base is where it starts in the message. */
static enum att_err check_item(struct att_slice in, size_t base, const char *field,
                               struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    enum att_err err = ATT_OK;

    c.rd.base = base;
    (void)att_cbor_item(&c);
    err = att_cbor_end(&c);
    if (err == ATT_E_FORMAT && stopped_at_repeated_key(&c, in)) {
        return att_fail_at(diag, err, ATT_R_FMT_COSE, field, c.rd.err_off,
                           "a label stands twice in one header map");
    }
    return att_cbor_end_diag(&c, ATT_R_FMT_CBOR, field, diag);
}

/* x5chain = bstr / [2* bstr] (RFC 9360 section 2): one certificate is never wrapped. */
static void read_x5chain(struct att_cbor *c, struct att_cose *m)
{
    uint32_t count = 0;

    if (att_cbor_peek(c) == ATT_CBOR_BYTES) {
        m->x5chain[0] = att_cbor_bytes(c, ATT_CERT_MAX);
        m->x5chain_count = 1;
        return;
    }
    count = att_cbor_enter_array(c, ATT_CHAIN_MAX);
    if (ATT_GUARD(COSE_X5CHAIN_COUNT, count < 2)) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    while (att_cbor_more(c)) {
        m->x5chain[m->x5chain_count] = att_cbor_bytes(c, ATT_CERT_MAX);
        m->x5chain_count++;
    }
    att_cbor_leave(c);
}

/* typ and content type are text or a CoAP number; only text is offered to callers. */
static struct att_slice read_type(struct att_cbor *c)
{
    if (att_cbor_peek(c) == ATT_CBOR_TEXT) {
        return att_cbor_text(c, SIZE_MAX);
    }
    (void)att_cbor_uint_max(c, UINT16_MAX);
    return NOTHING;
}

static struct att_slice read_map(struct att_cbor *c)
{
    if (att_cbor_peek(c) != ATT_CBOR_MAP) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    return att_cbor_item(c);
}

/* What the two header maps said about who may read this, and how. */
struct seen {
    bool alg;      /* a number in the protected map */
    bool alg_text; /* a private name there */
    bool alg_outside;
    bool crit;
};

static void read_alg(struct att_cbor *c, struct att_cose *m, struct seen *seen)
{
    if (att_cbor_peek(c) == ATT_CBOR_TEXT) {
        seen->alg_text = true;
        (void)att_cbor_item(c);
        return;
    }
    m->alg = att_cbor_int(c);
    seen->alg = true;
}

static void read_protected_value(struct att_cbor *c, int64_t label, struct att_cose *m,
                                 struct seen *seen)
{
    switch (label) {
    case LABEL_ALG:
        read_alg(c, m, seen);
        break;
    case LABEL_CRIT:
        seen->crit = true;
        (void)att_cbor_item(c);
        break;
    case LABEL_CONTENT_TYPE:
        m->content_type = read_type(c);
        break;
    case LABEL_KID:
        m->kid = att_cbor_bytes(c, SIZE_MAX);
        break;
    case LABEL_CWT_CLAIMS:
        m->cwt_claims = read_map(c);
        break;
    case LABEL_TYP:
        m->typ = read_type(c);
        break;
    case LABEL_X5CHAIN:
        read_x5chain(c, m);
        break;
    default:
        (void)att_cbor_item(c);
        break;
    }
}

/*
 * The protected map. No bytes at all is the empty map, and so is a0, which other makers write (RFC 9052
 * section 3); both lack alg, so how each is hashed is never asked.
 */
static enum att_err read_protected(struct att_cose *m, size_t base, struct seen *seen,
                                   struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(m->protected_bytes);
    enum att_err err = ATT_OK;

    if (m->protected_bytes.len == 0) {
        return ATT_OK;
    }
    err = check_item(m->protected_bytes, base, "protected", diag);
    if (err != ATT_OK) {
        return err;
    }
    c.rd.base = base;
    (void)att_cbor_enter_map(&c, ATT_COSE_HEADERS);
    while (att_cbor_more(&c)) {
        struct att_cbor_key key = att_cbor_key(&c);

        read_protected_value(&c, key.is_int ? key.num : 0, m, seen);
    }
    att_cbor_leave(&c);
    return att_cbor_end_diag(&c, ATT_R_FMT_COSE, "protected", diag);
}

/* Is the label in the protected map, which was checked before? */
static bool protected_has(struct att_slice map, const struct att_cbor_key *label)
{
    struct att_cbor c = att_cbor_from(map);

    if (map.len == 0) {
        return false;
    }
    (void)att_cbor_enter_map(&c, ATT_COSE_HEADERS);
    while (att_cbor_more(&c)) {
        struct att_cbor_key key = att_cbor_key(&c);

        (void)att_cbor_item(&c);
        if (key.is_int == label->is_int && key.num == label->num &&
            att_slice_eq(key.text, label->text)) {
            return true;
        }
    }
    return false;
}

/* The unprotected map gives nothing to rely on; it is read for what must not be in it. */
static enum att_err read_unprotected(const struct att_cose *m, size_t base, struct seen *seen,
                                     struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(m->unprotected);

    c.rd.base = base;
    (void)att_cbor_enter_map(&c, ATT_COSE_HEADERS);
    while (att_cbor_more(&c)) {
        size_t off = att_rd_off(&c.rd);
        struct att_cbor_key key = att_cbor_key(&c);

        (void)att_cbor_item(&c);
        if (ATT_GUARD(COSE_BOTH_MAPS, protected_has(m->protected_bytes, &key))) {
            return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_COSE, "unprotected", off,
                               "a label stands in both header maps");
        }
        seen->alg_outside = seen->alg_outside || (key.is_int && key.num == LABEL_ALG);
        seen->crit = seen->crit || (key.is_int && key.num == LABEL_CRIT);
    }
    att_cbor_leave(&c);
    return att_cbor_end_diag(&c, ATT_R_FMT_COSE, "unprotected", diag);
}

static enum att_err judge_headers(const struct seen *seen, struct att_diag *diag)
{
    if (ATT_GUARD(COSE_CRIT, seen->crit)) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_LBL_CRIT, "crit",
                        "no critical header is supported");
    }
    if (seen->alg_text) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_LBL_ALG, "alg",
                        "expected a registered number, found text");
    }
    if (ATT_GUARD(COSE_ALG_PROTECTED, !seen->alg)) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_LBL_ALG, "alg",
                        seen->alg_outside ? "alg stands in the unprotected header only"
                                          : "the protected header has no alg");
    }
    return ATT_OK;
}

/* Tag 18 and nothing else: another structure must not be read as this one (RFC 9052 section 2). */
static enum att_err read_tag(struct att_cbor *c, struct att_diag *diag)
{
    uint64_t tag = 0;

    if (att_cbor_peek(c) != ATT_CBOR_TAG) {
        return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_COSE, "tag", 0,
                           "expected tag 18, found no tag");
    }
    tag = att_cbor_tag(c);
    if (tag == TAG_SELF_DESCRIBED) {
        return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_CBOR, "tag", 0,
                           "the self-described tag in front is a second spelling");
    }
    if (ATT_GUARD(COSE_TAG, tag != TAG_SIGN1)) {
        return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_COSE, "tag", 0,
                           "expected tag 18, found tag %llu", (unsigned long long)tag);
    }
    return ATT_OK;
}

/* Where each header map starts in the message. */
struct places {
    size_t protected_bytes, unprotected;
};

/* COSE_Sign1 = [protected bstr, unprotected map, payload bstr, signature bstr]. */
static enum att_err read_body(struct att_cbor *c, struct att_cose *m, struct places *at,
                              struct att_diag *diag)
{
    uint32_t count = att_cbor_enter_array(c, 4);
    size_t payload_off = 0;

    if (att_cbor_ok(c) && count != 4) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    m->protected_bytes = att_cbor_bytes(c, SIZE_MAX);
    at->protected_bytes = att_rd_off(&c->rd) - m->protected_bytes.len;
    at->unprotected = att_rd_off(&c->rd);
    m->unprotected = read_map(c);
    payload_off = att_rd_off(&c->rd);
    if (att_cbor_peek(c) == ATT_CBOR_NULL) { /* no guard: the read below refuses it as well */
        return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_COSE, "payload", payload_off,
                           "expected the payload inside, found a detached one");
    }
    m->payload_untrusted = att_cbor_bytes(c, SIZE_MAX);
    m->signature = att_cbor_bytes(c, ATT_COSE_SIG_MAX);
    att_cbor_leave(c);
    if (att_cbor_ok(c) && ATT_GUARD(COSE_PAYLOAD_EMPTY, m->payload_untrusted.len == 0)) {
        return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_COSE, "payload", payload_off,
                           "the payload is empty");
    }
    return att_cbor_end_diag(c, ATT_R_FMT_COSE, "message", diag);
}

enum att_err att_cose_parse(struct att_cose *out, struct att_slice in, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct att_cose m = {0};
    struct places at = {0};
    struct seen seen = {0};
    enum att_err err = check_item(in, 0, "message", diag);

    if (err == ATT_OK) {
        err = read_tag(&c, diag);
    }
    if (err == ATT_OK) {
        err = read_body(&c, &m, &at, diag);
    }
    if (err == ATT_OK) {
        err = read_protected(&m, at.protected_bytes, &seen, diag);
    }
    if (err == ATT_OK) {
        err = read_unprotected(&m, at.unprotected, &seen, diag);
    }
    if (err == ATT_OK) {
        err = judge_headers(&seen, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = m;
    return ATT_OK;
}

/* A buffer of exactly this room, and a writer over it. */
static enum att_err open_writer(struct att_buf **out, size_t room, struct att_wr *w)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    uint8_t *p = NULL;
    enum att_err err = att_buf_new(&b, room);

    if (err == ATT_OK) {
        err = att_buf_room(b, room, &p);
    }
    if (err != ATT_OK) {
        return err;
    }
    *w = att_wr_into(p, room);
    *out = b;
    b = NULL;
    return ATT_OK;
}

/* Sig_structure = ["Signature1", body_protected, external_aad, payload] (RFC 9052 section 4.4). */
static enum att_err sig_structure(struct att_buf **out, struct att_slice protected_bytes,
                                  struct att_slice external_aad, struct att_slice payload)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    size_t room = FRAME_ROOM + protected_bytes.len + external_aad.len + payload.len;
    struct att_slice written;
    struct att_wr w;
    enum att_err err = open_writer(&b, room, &w);

    if (err != ATT_OK) {
        return err;
    }
    att_cbor_wr_array(&w, 4);
    att_cbor_wr_text(&w, "Signature1");
    att_cbor_wr_bytes(&w, protected_bytes);
    att_cbor_wr_bytes(&w, external_aad);
    att_cbor_wr_bytes(&w, payload);
    err = att_cbor_wr_done(&w, &written);
    if (err != ATT_OK) {
        return err;
    }
    att_buf_commit(b, written.len);
    *out = b;
    b = NULL;
    return ATT_OK;
}

enum att_err att_cose_verify(struct att_cose_verified **out, const struct att_cose *m,
                             const struct att_pubkey *key, struct att_slice external_aad,
                             struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *tbs = NULL;
    struct att_cose_verified *v = NULL;
    size_t row = alg_of(key);
    enum att_err err = ATT_OK;

    if (row == ATT_COUNT(ALGS)) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_LBL_ALG, "key",
                        "expected a P-256, P-384 or Ed25519 key");
    }
    if (ATT_GUARD(COSE_ALG_KEY, m->alg != ALGS[row].alg)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_LBL_ALG, "alg",
                        "expected %lld, which is the key's, found %lld", (long long)ALGS[row].alg,
                        (long long)m->alg);
    }
    err = sig_structure(&tbs, m->protected_bytes, external_aad, m->payload_untrusted);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, NULL, "no memory for the signed bytes");
    }
    err = att_verify(key, ALGS[row].scheme, ALGS[row].hash, att_buf_slice(tbs), m->signature);
    if (ATT_GUARD(COSE_SIGNATURE, err == ATT_E_SIGNATURE)) {
        return att_fail(diag, err, ATT_R_LBL_SIG, "signature",
                        "the signature does not verify under the key");
    }
    if (err != ATT_OK && err != ATT_E_SIGNATURE) {
        return att_fail(diag, err, ATT_R_INTERNAL, "signature",
                        "the signature could not be checked");
    }
    v = calloc(1, sizeof(*v));
    if (v == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory");
    }
    v->payload = m->payload_untrusted;
    *out = v;
    return ATT_OK;
}

struct att_slice att_cose_payload(const struct att_cose_verified *v)
{
    return v->payload;
}

void att_cose_verified_free(struct att_cose_verified *v)
{
    free(v);
}

void att_cose_verified_freep(struct att_cose_verified **v)
{
    att_cose_verified_free(*v);
    *v = NULL;
}

/* Upper bound for the message of an order; SIZE_MAX sums cannot happen with slices that are in memory. */
static size_t protected_room(const struct att_cose_order *o)
{
    size_t room = FRAME_ROOM + o->kid.len + o->cwt_claims.len;

    room += o->typ == NULL ? 0 : strlen(o->typ) + FRAME_ROOM;
    room += o->content_type == NULL ? 0 : strlen(o->content_type) + FRAME_ROOM;
    for (size_t i = 0; i < o->x5chain_count; i++) {
        room += o->x5chain[i].len + FRAME_ROOM;
    }
    return room;
}

static void write_x5chain(struct att_wr *w, const struct att_slice *chain, size_t count)
{
    att_cbor_wr_uint(w, LABEL_X5CHAIN);
    if (count > 1) {
        att_cbor_wr_array(w, count);
    }
    for (size_t i = 0; i < count; i++) {
        att_cbor_wr_bytes(w, chain[i]);
    }
}

static void write_protected(struct att_wr *w, const struct att_cose_order *o, int64_t alg)
{
    size_t count = 1;

    count += o->content_type != NULL ? 1 : 0;
    count += o->kid.len > 0 ? 1 : 0;
    count += o->cwt_claims.len > 0 ? 1 : 0;
    count += o->typ != NULL ? 1 : 0;
    count += o->x5chain_count > 0 ? 1 : 0;
    att_cbor_wr_map(w, count);
    att_cbor_wr_uint(w, LABEL_ALG);
    att_cbor_wr_int(w, alg);
    if (o->content_type != NULL) {
        att_cbor_wr_uint(w, LABEL_CONTENT_TYPE);
        att_cbor_wr_text(w, o->content_type);
    }
    if (o->kid.len > 0) {
        att_cbor_wr_uint(w, LABEL_KID);
        att_cbor_wr_bytes(w, o->kid);
    }
    if (o->cwt_claims.len > 0) {
        att_cbor_wr_uint(w, LABEL_CWT_CLAIMS);
        att_cbor_wr_raw(w, o->cwt_claims);
    }
    if (o->typ != NULL) {
        att_cbor_wr_uint(w, LABEL_TYP);
        att_cbor_wr_text(w, o->typ);
    }
    if (o->x5chain_count > 0) {
        write_x5chain(w, o->x5chain, o->x5chain_count);
    }
}

static enum att_err encode_protected(struct att_buf **out, const struct att_cose_order *o,
                                     int64_t alg)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    size_t room = protected_room(o);
    struct att_slice written;
    struct att_wr w;
    enum att_err err = open_writer(&b, room, &w);

    if (err != ATT_OK) {
        return err;
    }
    write_protected(&w, o, alg);
    err = att_cbor_wr_done(&w, &written);
    if (err != ATT_OK) {
        return err;
    }
    att_buf_commit(b, written.len);
    *out = b;
    b = NULL;
    return ATT_OK;
}

static enum att_err encode_message(struct att_buf **out, struct att_slice protected_bytes,
                                   struct att_slice payload, struct att_slice signature)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    size_t room = FRAME_ROOM + protected_bytes.len + payload.len + signature.len;
    struct att_cose again;
    struct att_wr w;
    enum att_err err = open_writer(&b, room, &w);

    if (err != ATT_OK) {
        return err;
    }
    att_cbor_wr_tag(&w, TAG_SIGN1);
    att_cbor_wr_array(&w, 4);
    att_cbor_wr_bytes(&w, protected_bytes);
    att_cbor_wr_map(&w, 0);
    att_cbor_wr_bytes(&w, payload);
    att_cbor_wr_bytes(&w, signature);
    /* what nobody could read back must not go out */
    if (!att_wr_ok(&w) || att_cose_parse(&again, att_slice_of(w.p, w.len), NULL) != ATT_OK) {
        return ATT_E_INTERNAL;
    }
    att_buf_commit(b, w.len);
    *out = b;
    b = NULL;
    return ATT_OK;
}

enum att_err att_cose_make(struct att_buf **out, const struct att_cose_order *order,
                           const struct att_signer *signer)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *head = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *tbs = NULL;
    uint8_t sig[ATT_COSE_SIG_MAX];
    size_t row = alg_of(signer->public_key);
    size_t sig_len = 0;
    enum att_err err = ATT_OK;

    if (row == ATT_COUNT(ALGS) || signer->scheme != ALGS[row].scheme ||
        signer->hash != ALGS[row].hash) {
        return ATT_E_UNSUPPORTED;
    }
    err = encode_protected(&head, order, ALGS[row].alg);
    if (err == ATT_OK) {
        err = sig_structure(&tbs, att_buf_slice(head), order->external_aad, order->payload);
    }
    if (err == ATT_OK) {
        err = att_signer_sign(signer, att_buf_slice(tbs), sig, sizeof(sig), &sig_len);
    }
    if (err != ATT_OK) {
        return err;
    }
    return encode_message(out, att_buf_slice(head), order->payload, att_slice_of(sig, sig_len));
}
