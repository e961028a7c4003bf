#include "labelforge.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>

#include "codec/cbor_wr.h"
#include "ecvector.h"
#include "need.h"

static void add_hex(struct att_wr *w, const char *text, const char *otherwise)
{
    struct bytes b = bytes_unhex(text != NULL ? text : otherwise);

    att_wr_slice(w, bytes_slice(&b));
}

/* alg, CWT claims, typ and x5chain of the genuine header, and what the attack puts between them. */
static struct bytes header_of(const struct labelforge *f, const struct att_cose *m)
{
    bool has_alg = f->alg == NULL || f->alg[0] != '\0';
    struct bytes out = {0};
    struct att_wr w = att_wr_into(out.p, sizeof(out.p));

    if (f->protected_hex != NULL)
        return bytes_unhex(f->protected_hex);
    NEED(m->x5chain_count == 1);
    if (f->head != NULL)
        add_hex(&w, f->head, "");
    else
        att_cbor_wr_map(&w, (size_t)(3 + (has_alg ? 1 : 0) + f->pairs));
    add_hex(&w, f->front, "");
    if (has_alg) {
        att_cbor_wr_uint(&w, 1);
        add_hex(&w, f->alg, "26");
    }
    add_hex(&w, f->mid, "");
    att_cbor_wr_uint(&w, 15);
    att_cbor_wr_raw(&w, m->cwt_claims);
    att_cbor_wr_uint(&w, 16);
    att_cbor_wr_text_slice(&w, m->typ);
    att_cbor_wr_uint(&w, 33);
    att_cbor_wr_bytes(&w, m->x5chain[0]);
    add_hex(&w, f->more, "");
    NEED(att_wr_ok(&w));
    out.len = w.len;
    return out;
}

/* Sig_structure (RFC 9052 section 4.4), written here beside the code under test. */
static size_t sign_over(uint8_t *sig, const struct labelforge *f, struct att_slice header,
                        struct att_slice payload, const struct att_signer *signer)
{
    static uint8_t room[32768];
    struct att_wr w = att_wr_into(room, sizeof(room));
    size_t len = 0;

    att_cbor_wr_array(&w, 4);
    att_cbor_wr_text(&w, f->context != NULL ? f->context : "Signature1");
    att_cbor_wr_bytes(&w, header);
    att_cbor_wr_bytes(&w, att_slice_str(f->aad != NULL ? f->aad : ""));
    att_cbor_wr_bytes(&w, payload);
    NEED(att_wr_ok(&w));
    NEED(att_signer_sign(signer, att_slice_of(room, w.len), sig, 512, &len) == ATT_OK);
    return len;
}

struct bytes labelforge_make(const struct labelforge *f, struct att_slice genuine,
                             const struct issuer *is)
{
    struct bytes out = {0}, header;
    struct att_wr w = att_wr_into(out.p, sizeof(out.p));
    struct att_slice payload;
    struct att_cose m;
    uint8_t sig[512];
    size_t sig_len;

    NEED(att_cose_parse(&m, genuine, NULL) == ATT_OK);
    payload = f->payload.len > 0 ? f->payload : m.payload_untrusted;
    header = header_of(f, &m);
    sig_len = sign_over(sig, f, bytes_slice(&header), payload, is->signer);
    add_hex(&w, f->tag, "d2");
    add_hex(&w, f->array, "84");
    att_cbor_wr_bytes(&w, bytes_slice(&header));
    add_hex(&w, f->unprotected, "a0");
    if (f->payload_item != NULL)
        add_hex(&w, f->payload_item, "");
    else
        att_cbor_wr_bytes(&w, payload);
    att_cbor_wr_bytes(&w, att_slice_of(sig, sig_len));
    add_hex(&w, f->tail, "");
    NEED(att_wr_ok(&w));
    out.len = w.len;
    return out;
}

struct bytes labelforge_sign_with(struct att_slice genuine, struct att_slice signature)
{
    struct bytes out = {0};
    struct att_wr w = att_wr_into(out.p, sizeof(out.p));
    struct att_cose m;

    NEED(att_cose_parse(&m, genuine, NULL) == ATT_OK);
    att_cbor_wr_tag(&w, 18);
    att_cbor_wr_array(&w, 4);
    att_cbor_wr_bytes(&w, m.protected_bytes);
    att_cbor_wr_raw(&w, m.unprotected);
    att_cbor_wr_bytes(&w, m.payload_untrusted);
    att_cbor_wr_bytes(&w, signature);
    NEED(att_wr_ok(&w));
    out.len = w.len;
    return out;
}

void labelforge_other_s(uint8_t out[64], struct att_slice signature)
{
    BIGNUM *n = NULL;
    BIGNUM *s = BN_new();

    NEED(signature.len == 64 && s != NULL && BN_hex2bn(&n, ECVECTOR[0].n) == 64);
    NEED(BN_bin2bn(signature.p + 32, 32, s) != NULL && BN_sub(s, n, s) == 1);
    memcpy(out, signature.p, 32);
    NEED(BN_bn2binpad(s, out + 32, 32) == 32);
    NEED(memcmp(out, signature.p, 64) != 0);
    BN_free(n);
    BN_free(s);
}

static size_t last_place(struct att_slice in, struct att_slice what)
{
    for (size_t at = in.len - what.len + 1; at-- > 0;) {
        if (memcmp(in.p + at, what.p, what.len) == 0)
            return at;
    }
    NEED(false && "the label says this");
    return 0;
}

struct bytes labelforge_claims(struct att_slice genuine, const char *from, const char *to, int head)
{
    struct bytes old = bytes_unhex(from), new = bytes_unhex(to), out = {0};
    struct att_wr w = att_wr_into(out.p, sizeof(out.p));
    struct att_slice claims;
    struct att_cose m;
    size_t at;

    NEED(att_cose_parse(&m, genuine, NULL) == ATT_OK);
    claims = m.payload_untrusted;
    at = last_place(claims, bytes_slice(&old));
    att_wr_bytes(&w, claims.p, at);
    att_wr_slice(&w, bytes_slice(&new));
    att_wr_bytes(&w, claims.p + at + old.len, claims.len - at - old.len);
    NEED(att_wr_ok(&w));
    out.len = w.len;
    if (head != 0)
        out.p[0] = (uint8_t)head;
    return out;
}

void labelforge_expect(struct att_slice label, const struct issuer *is,
                       const struct att_trust_rules *rules, enum att_verdict verdict,
                       const char *code, const char *what)
{
    static const struct att_trust_rules none;
    struct att_offline *o = calloc(1, sizeof(*o));
    const struct att_check *c = NULL;

    NEED(o != NULL);
    ck_assert_int_eq(
        att_offline_check(o, label, is->anchors, rules != NULL ? rules : &none, ISSUER_NOW),
        ATT_OK);
    for (size_t i = 0; i < o->check_count && c == NULL; i++) {
        if (o->check[i].status == ATT_CHECK_FAIL || o->check[i].status == ATT_CHECK_NOT_RUN)
            c = &o->check[i];
    }
    ck_assert_msg(o->verdict == verdict, "%s: verdict %d, %s: %s", what, o->verdict,
                  c != NULL ? att_reason_code(c->why.reason) : "no reason",
                  c != NULL ? c->why.text : "");
    ck_assert_str_eq(c != NULL ? att_reason_code(c->why.reason) : "OK", code);
    free(o);
}
