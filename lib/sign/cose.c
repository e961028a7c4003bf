/* COSE_Sign1: parse without belief. */
#include "sign/cose_internal.h"

#include "base/guard.h"
#include "codec/cbor_rd.h"

#define TAG_SELF_DESCRIBED 55799 /* RFC 8949 section 3.4.6 */

#define NOTHING ((struct att_slice){.p = NULL, .len = 0})

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
    case COSE_LABEL_ALG:
        read_alg(c, m, seen);
        break;
    case COSE_LABEL_CRIT:
        seen->crit = true;
        (void)att_cbor_item(c);
        break;
    case COSE_LABEL_CONTENT_TYPE:
        m->content_type = read_type(c);
        break;
    case COSE_LABEL_KID:
        m->kid = att_cbor_bytes(c, SIZE_MAX);
        break;
    case COSE_LABEL_CWT_CLAIMS:
        m->cwt_claims = read_map(c);
        break;
    case COSE_LABEL_TYP:
        m->typ = read_type(c);
        break;
    case COSE_LABEL_X5CHAIN:
        read_x5chain(c, m);
        break;
    case COSE_LABEL_PAYLOAD_HASH:
        m->payload_hash = att_cbor_int(c);
        m->has_payload_hash = true;
        break;
    case COSE_LABEL_PREIMAGE_TYPE:
        m->preimage_type = read_type(c);
        break;
    case COSE_LABEL_VDS:
        m->vds = att_cbor_int(c);
        m->has_vds = true;
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
        seen->alg_outside = seen->alg_outside || (key.is_int && key.num == COSE_LABEL_ALG);
        seen->crit = seen->crit || (key.is_int && key.num == COSE_LABEL_CRIT);
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
    if (ATT_GUARD(COSE_TAG, tag != COSE_TAG_SIGN1)) {
        return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_COSE, "tag", 0,
                           "expected tag 18, found tag %llu", (unsigned long long)tag);
    }
    return ATT_OK;
}

/* Where each header map starts in the message. */
struct places {
    size_t protected_bytes, unprotected;
};

/* nil, or bytes: whichever the caller asked for. The other one is told apart from what is neither. */
static enum att_err read_payload(struct att_cbor *c, struct att_cose *m, bool detached,
                                 struct att_diag *diag)
{
    size_t off = att_rd_off(&c->rd);
    bool nil = att_cbor_peek(c) == ATT_CBOR_NULL;

    if (nil != detached && att_cbor_ok(c)) { /* no guard: the reads below refuse it as well */
        return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_COSE, "payload", off,
                           detached ? "expected a detached payload, found one inside"
                                    : "expected the payload inside, found a detached one");
    }
    if (detached) {
        att_cbor_null(c);
        return ATT_OK;
    }
    m->payload_untrusted = att_cbor_bytes(c, SIZE_MAX);
    if (att_cbor_ok(c) && ATT_GUARD(COSE_PAYLOAD_EMPTY, m->payload_untrusted.len == 0)) {
        return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_COSE, "payload", off,
                           "the payload is empty");
    }
    return ATT_OK;
}

/* COSE_Sign1 = [protected bstr, unprotected map, payload bstr, signature bstr]. */
static enum att_err read_body(struct att_cbor *c, struct att_cose *m, struct places *at,
                              bool detached, struct att_diag *diag)
{
    enum att_err err = ATT_OK;
    uint32_t count = att_cbor_enter_array(c, 4);

    if (att_cbor_ok(c) && count != 4) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    m->protected_bytes = att_cbor_bytes(c, SIZE_MAX);
    at->protected_bytes = att_rd_off(&c->rd) - m->protected_bytes.len;
    at->unprotected = att_rd_off(&c->rd);
    m->unprotected = read_map(c);
    err = read_payload(c, m, detached, diag);
    if (err != ATT_OK) {
        return err;
    }
    m->signature = att_cbor_bytes(c, ATT_COSE_SIG_MAX);
    att_cbor_leave(c);
    return att_cbor_end_diag(c, ATT_R_FMT_COSE, "message", diag);
}

static enum att_err parse(struct att_cose *out, struct att_slice in, bool detached,
                          struct att_diag *diag)
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
        err = read_body(&c, &m, &at, detached, diag);
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

enum att_err att_cose_parse(struct att_cose *out, struct att_slice in, struct att_diag *diag)
{
    return parse(out, in, false, diag);
}

enum att_err att_cose_parse_detached(struct att_cose *out, struct att_slice in,
                                     struct att_diag *diag)
{
    return parse(out, in, true, diag);
}
