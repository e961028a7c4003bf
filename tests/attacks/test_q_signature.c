/* Attack matrix 4.1, rows about the signature of one quote: key, scheme, hash, encoding. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>

#include "attack_scene.h"
#include "codec/cbor_wr.h"
#include "need.h"

START_TEST(Q_15__another_devices_key_is_refused)
{
    struct gateway *other = attack_gateway("q-15-other");
    struct service_device before;
    struct service_device after;
    struct attack_scene s;

    attack_scene_open(&s, "q-15");
    ck_assert(service_device(&before, attack_service, "q-15-other"));
    s.a.attest_bytes = softtpm_attest_encode(&s.a.attest);
    s.a.signature = softtpm_sign(&other->tpm->ak, softtpm_slice(&s.a.attest_bytes));
    s.a.signature_bytes = softtpm_signature_encode(&s.a.signature);
    gateway_seal(s.g, &s.a);
    gateway_send(s.g, &s.a);
    attack_fails(s.g, &s.a, "E_Q_SIG");
    ck_assert(service_device(&after, attack_service, "q-15-other"));
    ck_assert_mem_eq(&before, &after, sizeof(before));
    attack_scene_close(&s);
    gateway_free(other);
}
END_TEST

/* Sign the attest as it stands with another scheme or hash than the enrolled key's. */
static void send_signed_as(struct attack_scene *s, uint16_t scheme, enum att_hash hash,
                           enum att_hash said_hash, const char *code)
{
    s->a.attest_bytes = softtpm_attest_encode(&s->a.attest);
    s->a.signature =
        softtpm_sign_as(&s->g->tpm->ak, scheme, hash, softtpm_slice(&s->a.attest_bytes));
    s->a.signature.hash = (uint16_t)said_hash;
    s->a.signature_bytes = softtpm_signature_encode(&s->a.signature);
    gateway_seal(s->g, &s->a);
    gateway_send(s->g, &s->a);
    attack_fails(s->g, &s->a, code);
    attack_scene_close(s);
}

START_TEST(Q_16__ecdsa_with_sha1_is_refused)
{
    struct attack_scene s;

    attack_scene_open(&s, "q-16-sha1");
    send_signed_as(&s, SOFTTPM_ALG_ECDSA, ATT_HASH_SHA1, ATT_HASH_SHA1, "E_Q_SIGALG");
}
END_TEST

/* The header claims the enrolled hash: nothing is wrong with the algorithm, the signature is false. */
START_TEST(Q_16__sha1_under_a_sha256_header_is_refused)
{
    struct attack_scene s;

    attack_scene_open(&s, "q-16-header");
    send_signed_as(&s, SOFTTPM_ALG_ECDSA, ATT_HASH_SHA1, ATT_HASH_SHA256, "E_Q_SIG");
}
END_TEST

START_TEST(Q_16__rsapss_for_an_rsassa_key_is_refused)
{
    static const struct softtpm_ak_order rsa = {.type = SOFTTPM_ALG_RSA,
                                                .attributes = SOFTTPM_AK_ATTRIBUTES,
                                                .scheme = SOFTTPM_ALG_RSASSA,
                                                .hash = ATT_HASH_SHA256};
    struct attack_scene s = {0};
    char token[128];

    s.g = attack_stranger("q-16-pss");
    softtpm_replace_ak(s.g->tpm, &rsa);
    service_token(attack_service, s.g->id, token);
    ck_assert_int_eq(gateway_enrol(s.g, token), 200);
    ck_assert_int_eq(gateway_attest(s.g, &s.a), 200);
    gateway_attempt_clear(&s.a);
    ck_assert_int_eq(gateway_session(s.g, &s.a), 201);
    gateway_measure(s.g, &s.a);
    send_signed_as(&s, SOFTTPM_ALG_RSAPSS, ATT_HASH_SHA256, ATT_HASH_SHA256, "E_Q_SIGALG");
}
END_TEST

/* r and s as DER in the place of r, with a byte behind. */
static void put_der(struct softtpm_signature *sig)
{
    ECDSA_SIG *both = ECDSA_SIG_new();
    unsigned char *p = sig->a;
    BIGNUM *r = BN_bin2bn(sig->a, 32, NULL);
    BIGNUM *s = BN_bin2bn(sig->b, 32, NULL);
    int len;

    NEED(both != NULL && ECDSA_SIG_set0(both, r, s) == 1);
    len = i2d_ECDSA_SIG(both, &p);
    NEED(len > 0);
    sig->a[len] = 0;
    sig->a_len = (size_t)len + 1;
    ECDSA_SIG_free(both);
}

static void impossible_signature(struct softtpm_signature *sig, int i)
{
    /* n of P-256 */
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                      0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

    switch (i) {
    case 0:
        memset(sig->a, 0, 32);
        break;
    case 1:
        memset(sig->b, 0, 32);
        break;
    case 2:
        memcpy(sig->a, order, 32);
        break;
    case 3:
        memset(sig->a, 0xff, 32);
        break;
    case 4:
        sig->a_len = 0;
        sig->b_len = 0;
        break;
    default:
        put_der(sig);
        break;
    }
}

START_TEST(Q_17__impossible_signature_is_refused)
{
    struct attack_scene s;

    attack_scene_open_numbered(&s, "q-17", _i);
    gateway_sign(s.g, &s.a);
    impossible_signature(&s.a.signature, _i);
    s.a.signature_bytes = softtpm_signature_encode(&s.a.signature);
    gateway_seal(s.g, &s.a);
    gateway_send(s.g, &s.a);
    attack_fails(s.g, &s.a, "E_Q_SIG");
    attack_scene_close(&s);
}
END_TEST

/* The evidence again with other bytes for its signature: longer than our own encoder writes. */
static void exchange_signature(struct gateway_attempt *a, struct att_slice signature)
{
    struct att_slice honest = softtpm_slice(&a->signature_bytes);
    struct att_slice all = att_buf_slice(a->evidence);
    struct att_slice attest = softtpm_slice(&a->attest_bytes);
    const uint8_t *at = memmem(all.p, all.len, attest.p, attest.len);
    uint8_t quote_room[70000];
    struct att_wr q = att_wr_into(quote_room, sizeof(quote_room));
    struct att_buf *out = NULL;
    uint8_t head[16];
    struct att_wr h = att_wr_into(head, sizeof(head));
    struct att_slice old;
    size_t before;
    size_t inner;
    size_t outer;

    NEED(at != NULL);
    att_cbor_wr_array(&q, 2);
    att_cbor_wr_bytes(&q, attest);
    before = q.len; /* up to here the inner item is what it was */
    att_cbor_wr_bytes(&q, signature);
    att_cbor_wr_bytes_head(&h, q.len);
    NEED(att_wr_ok(&q) && att_wr_ok(&h) &&
         att_buf_new(&out, all.len + sizeof(quote_room)) == ATT_OK);
    /* the old member: its head, and the inner item, whose signature has a two-byte head */
    inner = before + 2 + honest.len;
    outer = inner < 256 ? 2 : 3;
    old = att_slice_of(at + attest.len - before - outer, outer + inner);
    NEED(att_buf_add(out, all.p, (size_t)(old.p - all.p)) == ATT_OK);
    NEED(att_buf_add(out, head, h.len) == ATT_OK && att_buf_add(out, q.p, q.len) == ATT_OK);
    NEED(att_buf_add(out, old.p + old.len, (size_t)(all.p + all.len - old.p) - old.len) == ATT_OK);
    att_buf_free(a->evidence);
    a->evidence = out;
}

/* The largest r that its size field can say. */
START_TEST(Q_17__signature_of_64_kib_is_refused)
{
    struct attack_scene s;
    uint8_t *big = calloc(1, 65536 + 8);

    NEED(big != NULL);
    attack_scene_open(&s, "q-17-big");
    gateway_sign(s.g, &s.a);
    gateway_seal(s.g, &s.a);
    memcpy(big, "\x00\x18\x00\x0b\xff\xff", 6);
    exchange_signature(&s.a, att_slice_of(big, 6 + 65535 + 2));
    gateway_send(s.g, &s.a);
    attack_fails(s.g, &s.a, "E_Q_SIG");
    attack_scene_close(&s);
    free(big);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"Q-15", Q_15__another_devices_key_is_refused, 0, 0},
        {"Q-16", Q_16__ecdsa_with_sha1_is_refused, 0, 0},
        {"Q-16-header", Q_16__sha1_under_a_sha256_header_is_refused, 0, 0},
        {"Q-16-pss", Q_16__rsapss_for_an_rsassa_key_is_refused, 0, 0},
        {"Q-17", Q_17__impossible_signature_is_refused, 6, 0},
        {"Q-17-big", Q_17__signature_of_64_kib_is_refused, 0, 0},
    };

    return attack_main("attacks: signature", rows, ATT_COUNT(rows), NULL);
}
