/*
 * Attack matrix 4.2, what is about endorsement keys: certificates, weak and impossible keys, revocation,
 * older protocols, TPMs with known defects. Nothing that is refused may leave a trace in the records.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/ec.h>

#include "attack.h"
#include "base/wr.h"
#include "evidence/profile.h"
#include "need.h"
#include "roca.h"

#define EK_ATTRIBUTES 0x000300b2U /* templates L-1 and L-2 of the EK Credential Profile 2.5, B.3 */
#define CURVE_P192    1
#define CURVE_P256    3
#define CURVE_P521    5
#define CURVE_SM2     0x20

static void enrol_refused(struct gateway *g, struct gateway_enrolment *e, int status,
                          const char *code, const char *word)
{
    char *before = attack_records();
    struct att_slice body;

    ck_assert_int_ne(gateway_enrol_begin(g, e), 200);
    attack_refused(&e->begin_answer, status, code);
    body = client_body(&e->begin_answer);
    ck_assert_msg(word == NULL || memmem(body.p, body.len, word, strlen(word)) != NULL,
                  "the answer does not say %s: %.*s", word, (int)body.len, (const char *)body.p);
    attack_same_records(before);
}

/* Prepared with a token that this service gave out for the id. */
static struct gateway_enrolment *prepare(struct gateway *g, char token[128])
{
    struct gateway_enrolment *e = calloc(1, sizeof(*e));

    NEED(e != NULL);
    service_token(attack_service, g->id, token);
    gateway_enrol_prepare(g, e, token);
    return e;
}

static void finish(struct gateway_enrolment *e, struct gateway *g)
{
    gateway_enrol_clear(e);
    free(e);
    gateway_free(g);
}

/* ---- certificates --------------------------------------------------------------------------- */

static const struct {
    struct softtpm_cert_order order;
    bool other_ca;
    const char *word;
} UNFIT[] = {
    {{.self_signed = true}, false, "certificate.self-signed"},
    {{0}, true, "certificate.other-ca"},
    {{.not_before_s = -7200, .not_after_s = -3600}, false, "certificate.expired"},
    {{.not_before_s = 3600, .not_after_s = 7200}, false, "certificate.not-yet-valid"},
    {{.is_ca = true}, false, "certificate.ca"},
    {{.without_ek_usage = true}, false, "certificate.use"},
    {{.manufacturer = "FAKE"}, false, "certificate.tpm"},
};

START_TEST(I_07__unfit_certificate_is_refused_with_its_reason)
{
    struct softtpm_ca *other = softtpm_ca_new("Another maker of TPMs");
    struct gateway *g = NULL;
    struct gateway_enrolment *e = NULL;
    char id[32], token[128];

    snprintf(id, sizeof(id), "i-07-%d", _i);
    g = attack_stranger(id);
    softtpm_certify_ek(g->tpm, UNFIT[_i].other_ca ? other : attack_service->ek_ca,
                       &UNFIT[_i].order);
    e = prepare(g, token);
    enrol_refused(g, e, 422, "E_ID_EKCERT", UNFIT[_i].word);
    softtpm_ca_free(other);
    finish(e, g);
}
END_TEST

START_TEST(I_07__certificate_for_another_key_is_refused)
{
    struct gateway *g = attack_stranger("i-07-key");
    struct softtpm *other = softtpm_new(attack_service->ek_ca, SOFTTPM_EK_P256);
    char token[128];
    struct gateway_enrolment *e = prepare(g, token);

    e->begin.ek_cert[0] = softtpm_ek_cert(other);
    enrol_refused(g, e, 422, "E_ID_EKCERT", "certificate.other-key");
    softtpm_free(other);
    finish(e, g);
}
END_TEST

/* What is not an attack: the maker's intermediate comes along from NV 0x01C00100, in any order. */
START_TEST(I_07__chain_that_comes_along_is_used)
{
    struct softtpm_ca *middle = softtpm_ca_below(attack_service->ek_ca, "Plant 7");
    struct gateway *g = attack_stranger("i-07-chain");
    const struct softtpm_cert_order usual = {0};
    uint8_t der[2048];
    uint8_t *p = der;
    char token[128];
    struct gateway_enrolment *e = NULL;
    int len = i2d_X509(middle->root, &p);

    NEED(len > 0 && (size_t)len <= sizeof(der));
    softtpm_certify_ek(g->tpm, middle, &usual);
    e = prepare(g, token);
    enrol_refused(g, e, 422, "E_ID_EKCERT", "certificate.other-ca");
    client_answer_clear(&e->begin_answer);
    e->begin.ek_cert[1] = e->begin.ek_cert[0];
    e->begin.ek_cert[0] = att_slice_of(der, (size_t)len);
    e->begin.ek_cert_count = 2;
    ck_assert_int_eq(gateway_enrol_begin(g, e), 200);
    softtpm_ca_free(middle);
    finish(e, g);
}
END_TEST

/* ---- keys ----------------------------------------------------------------------------------- */

struct area {
    uint8_t p[ATT_PUBAREA_MAX];
    struct att_wr w;
};

static void area_head(struct area *a, uint16_t type, uint32_t attributes)
{
    static const uint8_t policy[32] = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8,
                                       0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
                                       0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64,
                                       0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};

    a->w = att_wr_into(a->p, sizeof(a->p));
    att_wr_u16be(&a->w, type);
    att_wr_u16be(&a->w, 0x000b); /* SHA-256 */
    att_wr_u32be(&a->w, attributes);
    att_wr_u16be(&a->w, sizeof(policy));
    att_wr_bytes(&a->w, policy, sizeof(policy));
    att_wr_u16be(&a->w, 0x0006); /* AES 128 CFB */
    att_wr_u16be(&a->w, 128);
    att_wr_u16be(&a->w, 0x0043);
    att_wr_u16be(&a->w, SOFTTPM_ALG_NULL);
}

static struct att_slice area_end(struct area *a)
{
    struct att_slice out = {0};

    NEED(att_wr_done(&a->w, &out) == ATT_OK);
    return out;
}

static struct att_slice rsa_area(struct area *a, const uint8_t *n, size_t len)
{
    area_head(a, SOFTTPM_ALG_RSA, EK_ATTRIBUTES);
    att_wr_u16be(&a->w, (uint16_t)(len * 8));
    att_wr_u32be(&a->w, 0);
    att_wr_u16be(&a->w, (uint16_t)len);
    att_wr_bytes(&a->w, n, len);
    return area_end(a);
}

static struct att_slice ecc_area(struct area *a, uint16_t curve, uint32_t attributes,
                                 struct att_slice x, struct att_slice y)
{
    area_head(a, SOFTTPM_ALG_ECC, attributes);
    att_wr_u16be(&a->w, curve);
    att_wr_u16be(&a->w, SOFTTPM_ALG_NULL);
    att_wr_u16be(&a->w, (uint16_t)x.len);
    att_wr_slice(&a->w, x);
    att_wr_u16be(&a->w, (uint16_t)y.len);
    att_wr_slice(&a->w, y);
    return area_end(a);
}

static void area_refused(const char *id, struct att_slice area, const char *code)
{
    struct gateway *g = attack_stranger(id);
    char token[128];
    struct gateway_enrolment *e = prepare(g, token);

    e->begin.ek_public = area;
    enrol_refused(g, e, 422, code, NULL);
    finish(e, g);
}

START_TEST(I_09__roca_modulus_is_refused)
{
    struct area a;
    uint8_t n[256];

    roca_modulus(n, sizeof(n));
    area_refused("i-09-roca", rsa_area(&a, n, sizeof(n)), "E_ID_WEAKKEY");
}
END_TEST

START_TEST(I_09__short_rsa_modulus_is_refused)
{
    EVP_PKEY *key = EVP_RSA_gen(1024);
    BIGNUM *bn = NULL;
    struct area a;
    uint8_t n[128];

    NEED(key != NULL && EVP_PKEY_get_bn_param(key, "n", &bn) == 1);
    NEED(BN_bn2binpad(bn, n, sizeof(n)) == sizeof(n));
    area_refused("i-09-rsa", rsa_area(&a, n, sizeof(n)), "E_ID_WEAKKEY");
    BN_free(bn);
    EVP_PKEY_free(key);
}
END_TEST

START_TEST(I_09__other_curve_is_refused)
{
    static const struct {
        uint16_t curve;
        size_t field;
    } OTHERS[] = {{CURVE_P192, 24}, {2, 28}, {CURVE_P521, 66}, {0x10, 32}, {CURVE_SM2, 32}};
    static const uint8_t number[66] = {0, 0, 7};
    struct area a;
    struct att_slice one = att_slice_of(number, OTHERS[_i].field);

    area_refused("i-09-curve", ecc_area(&a, OTHERS[_i].curve, EK_ATTRIBUTES, one, one),
                 "E_ID_WEAKKEY");
}
END_TEST

/* The coordinates of a gateway's endorsement key on P-256. */
static void coordinates(uint8_t x[32], uint8_t y[32], const struct gateway *g)
{
    uint8_t point[65];
    size_t len = 0;

    NEED(EVP_PKEY_get_octet_string_param(g->tpm->ek.pkey, "pub", point, sizeof(point), &len) == 1);
    NEED(len == sizeof(point));
    memcpy(x, point + 1, 32);
    memcpy(y, point + 33, 32);
}

START_TEST(I_10__impossible_point_is_refused)
{
    struct gateway *g = attack_stranger("i-10-source");
    uint8_t x[40] = {0};
    uint8_t y[40] = {0};
    size_t x_len = 32;
    struct area a;

    coordinates(x, y, g);
    switch (_i) {
    case 0: /* beside the curve */
        y[31] ^= 1;
        break;
    case 1: /* not below p */
        memset(x, 0xff, 32);
        break;
    case 2: /* the point at infinity has no coordinates */
        memset(x, 0, 32);
        memset(y, 0, 32);
        break;
    case 3: /* longer than the field */
        memmove(x + 1, x, 32);
        x[0] = 0;
        x_len = 33;
        break;
    default:
        x_len = 0;
        break;
    }
    area_refused(
        "i-10",
        ecc_area(&a, CURVE_P256, EK_ATTRIBUTES, att_slice_of(x, x_len), att_slice_of(y, 32)),
        "E_ID_KEY");
    gateway_free(g);
}
END_TEST

/* A TPM whose endorsement key has a coordinate that starts with a zero: one in 256. */
static struct gateway *leading_zero(const char *id)
{
    struct gateway *g = NULL;
    uint8_t x[32], y[32];

    for (;;) {
        g = attack_stranger(id);
        coordinates(x, y, g);
        if (y[0] == 0) {
            return g;
        }
        gateway_free(g);
    }
}

/* Leading zeros, and attributes that were told otherwise, make no second key of it. */
START_TEST(I_10__other_spelling_is_the_same_key)
{
    struct gateway *g = leading_zero("i-10-first");
    uint8_t x[32], y[32];
    struct area a;
    struct gateway_enrolment *e = NULL;
    char token[128];

    service_token(attack_service, "i-10-first", token);
    ck_assert_int_eq(gateway_enrol(g, token), 200);
    coordinates(x, y, g);
    snprintf(g->id, sizeof(g->id), "i-10-second");
    e = prepare(g, token);
    e->begin.ek_public = _i == 0 ? ecc_area(&a, CURVE_P256, EK_ATTRIBUTES, att_slice_of(x, 32),
                                            att_slice_of(y + 1, 31))
                                 : ecc_area(&a, CURVE_P256, EK_ATTRIBUTES | ATT_OBJ_USER_WITH_AUTH,
                                            att_slice_of(x, 32), att_slice_of(y, 32));
    enrol_refused(g, e, 409, "E_ID_EKDUP", NULL);
    service_remove(attack_service, "i-10-first");
    finish(e, g);
}
END_TEST

/* ---- older protocols ------------------------------------------------------------------------ */

/* Every document from a gateway begins with its version: {0: version, ...}. */
START_TEST(I_18__older_version_is_refused_not_followed)
{
    struct gateway *g = attack_stranger("i-18");
    char token[128];
    struct gateway_enrolment *e = prepare(g, token);
    uint8_t doc[8192];
    struct att_wr w = att_wr_into(doc, sizeof(doc));
    struct client_answer answer = {0};
    const char *path = _i == 0 ? "/enrol/v1/begin" : "/enrol/v1/activate";
    char *before = NULL;

    if (_i == 1) {
        ck_assert_int_eq(gateway_enrol_begin(g, e), 200);
        gateway_enrol_solve(g, e);
    }
    before = attack_records();
    NEED((_i == 0 ? wire_enrol_begin_encode(&w, &e->begin)
                  : wire_enrol_activate_encode(&w, &e->activate)) == ATT_OK);
    NEED(doc[1] == 0 && doc[2] == WIRE_VERSION);
    doc[2] = WIRE_VERSION - 1;
    client_request(g->client, &answer, "POST", path, ATT_TYPE_CBOR, att_slice_of(doc, w.len));
    attack_refused(&answer, 400, "E_FMT_VERSION");
    attack_same_records(before);
    client_answer_clear(&answer);
    finish(e, g);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"I-07", I_07__unfit_certificate_is_refused_with_its_reason, (int)ATT_COUNT(UNFIT), 0},
        {"I-07-key", I_07__certificate_for_another_key_is_refused, 0, 0},
        {"I-07-chain", I_07__chain_that_comes_along_is_used, 0, 0},
        {"I-09", I_09__roca_modulus_is_refused, 0, 0},
        {"I-09-rsa", I_09__short_rsa_modulus_is_refused, 0, 0},
        {"I-09-curve", I_09__other_curve_is_refused, 5, 0},
        {"I-10", I_10__impossible_point_is_refused, 5, 0},
        {"I-10-same", I_10__other_spelling_is_the_same_key, 2, 60},
        {"I-18", I_18__older_version_is_refused_not_followed, 2, 0},
    };

    return attack_main("attacks: endorsement keys", rows, ATT_COUNT(rows), NULL);
}
