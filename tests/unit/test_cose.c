/* COSE_Sign1: the working group's examples, and each attack on the envelope. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/b64.h"
#include "base/file.h"
#include "base/hex.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "need.h"
#include "sign/cose.h"

#define PAYLOAD "This is the content."

struct bytes {
    uint8_t p[8192];
    size_t len;
};

static struct bytes unhex(const char *text)
{
    struct bytes b = {0};

    ck_assert_int_eq(att_hex_decode(b.p, sizeof(b.p), &b.len, text, strlen(text)), ATT_OK);
    return b;
}

static struct att_slice slice(const struct bytes *b)
{
    return att_slice_of(b->p, b->len);
}

static struct att_signer *new_signer(enum att_key_type type)
{
    struct att_privkey *key = NULL;
    struct att_signer *s = NULL;

    NEED(att_privkey_generate(&key, type) == ATT_OK);
    NEED(att_signer_software(&s, key) == ATT_OK);
    return s;
}

/* One key for the whole program; each test runs in a process that inherits it. */
static struct att_signer *signer;

/* A message put together by hand, so that an attack changes one thing and its signature still holds. */
struct order {
    const char *context;          /* NULL: "Signature1" */
    const char *tag;              /* hex; NULL: d2 */
    const char *array;            /* hex; NULL: 84 */
    const char *protected_hex;    /* content of the bstr; NULL: alg ES256 */
    const char *unprotected_hex;  /* NULL: a0 */
    const char *payload_item_hex; /* encoded item; NULL: the bstr of PAYLOAD */
    const char *aad;              /* NULL: empty */
    const char *tail_hex;         /* appended; NULL: nothing */
};

static void add_hex(struct att_wr *w, const char *text, const char *otherwise)
{
    struct bytes b = unhex(text != NULL ? text : otherwise);

    att_wr_slice(w, slice(&b));
}

/* Sig_structure (RFC 9052 section 4.4) beside the code under test. */
static size_t sign_over(uint8_t *sig, const struct order *o, struct att_slice protected_bytes)
{
    uint8_t room[8192];
    struct att_wr w = att_wr_into(room, sizeof(room));
    const char *context = o->context != NULL ? o->context : "Signature1";
    const char *aad = o->aad != NULL ? o->aad : "";
    size_t len = 0;

    att_wr_u8(&w, 0x84);
    att_wr_u8(&w, (uint8_t)(0x60 + strlen(context)));
    att_wr_bytes(&w, context, strlen(context));
    att_cbor_wr_bytes(&w, protected_bytes);
    att_wr_u8(&w, (uint8_t)(0x40 + strlen(aad)));
    att_wr_bytes(&w, aad, strlen(aad));
    att_wr_u8(&w, 0x40 + sizeof(PAYLOAD) - 1);
    att_wr_bytes(&w, PAYLOAD, sizeof(PAYLOAD) - 1);
    NEED(w.err == ATT_OK);
    NEED(att_signer_sign(signer, att_slice_of(room, w.len), sig, 512, &len) == ATT_OK);
    return len;
}

static struct bytes message(const struct order *o)
{
    static const char PAYLOAD_ITEM[] = "54546869732069732074686520636f6e74656e742e";
    struct bytes protected_bytes = unhex(o->protected_hex != NULL ? o->protected_hex : "a10126");
    struct bytes out = {0};
    struct att_wr w = att_wr_into(out.p, sizeof(out.p));
    uint8_t sig[512];
    size_t sig_len = sign_over(sig, o, slice(&protected_bytes));

    add_hex(&w, o->tag, "d2");
    add_hex(&w, o->array, "84");
    att_cbor_wr_bytes(&w, slice(&protected_bytes));
    add_hex(&w, o->unprotected_hex, "a0");
    add_hex(&w, o->payload_item_hex, PAYLOAD_ITEM);
    att_cbor_wr_bytes(&w, att_slice_of(sig, sig_len));
    add_hex(&w, o->tail_hex, "");
    NEED(w.err == ATT_OK);
    out.len = w.len;
    return out;
}

/* Parse and verify in one: ATT_OK only when both hold. */
static enum att_err judge(struct att_slice in, const struct att_pubkey *key, struct att_slice aad,
                          struct att_diag *diag)
{
    struct att_cose m;
    struct att_cose_verified *v = NULL;
    enum att_err err = att_cose_parse(&m, in, diag);

    if (err == ATT_OK) {
        err = att_cose_verify(&v, &m, key, aad, diag);
    }
    if (err == ATT_OK) {
        ck_assert(att_slice_eq(att_cose_payload(v), m.payload_untrusted));
    }
    att_cose_verified_free(v);
    return err;
}

static struct att_slice none(void)
{
    return att_slice_of(NULL, 0);
}

static void expect(const struct order *o, enum att_err err, enum att_reason reason,
                   const char *what)
{
    struct bytes in = message(o);
    struct att_diag diag = {0};
    enum att_err got = judge(slice(&in), signer->public_key, none(), &diag);

    ck_assert_msg(got == err && diag.reason == reason, "%s: %s %s: %s", what, att_err_name(got),
                  att_reason_code(diag.reason), diag.text);
}

/* The yardstick of all attacks below: the untouched message verifies. */
START_TEST(att_cose_verify__accepts_the_message_that_attacks_change)
{
    expect(&(struct order){0}, ATT_OK, ATT_R_NONE, "untouched");
    expect(&(struct order){.unprotected_hex = "a1044131"}, ATT_OK, ATT_R_NONE, "kid outside");
    expect(&(struct order){.unprotected_hex = "a119018a8141a0"}, ATT_OK, ATT_R_NONE, "receipts");
    expect(&(struct order){.protected_hex = "a201260300"}, ATT_OK, ATT_R_NONE, "numeric type");
    expect(&(struct order){.protected_hex = "a2012639fffe00"}, ATT_OK, ATT_R_NONE, "private label");
}
END_TEST

/* C-01, C-02 */
START_TEST(att_cose_parse__wants_alg_in_the_protected_header)
{
    static const struct order CASES[] = {
        {.protected_hex = ""},
        {.protected_hex = "a0"},
        {.protected_hex = "a1044131"},
        {.protected_hex = "", .unprotected_hex = "a10126"},
        {.protected_hex = "a0", .unprotected_hex = "a10126"},
        {.protected_hex = "a1044131", .unprotected_hex = "a10126"},
        {.protected_hex = "a101654553323536"},
    };

    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        expect(&CASES[i], ATT_E_UNSUPPORTED, ATT_R_LBL_ALG, CASES[i].protected_hex);
    }
}
END_TEST

/* C-03: every other algorithm, each with a signature that holds over the lying header. */
START_TEST(att_cose_verify__the_key_fixes_the_algorithm)
{
    static const char *const ALGS[] = {
        "a1013822" /* ES384 */,   "a1013823" /* ES512 */,        "a10127" /* EdDSA */,
        "a1013824" /* PS256 */,   "a101390100" /* RS256 */,      "a10105" /* HMAC */,
        "a10128" /* ESP256 */,    "a1013903e6" /* unassigned */, "a10100",
        "a1011b7fffffffffffffff",
    };

    for (size_t i = 0; i < ATT_COUNT(ALGS); i++) {
        expect(&(struct order){.protected_hex = ALGS[i]}, ATT_E_MISMATCH, ATT_R_LBL_ALG, ALGS[i]);
    }
    expect(&(struct order){.protected_hex = "a1011b8000000000000000"}, ATT_E_LIMIT, ATT_R_FMT_COSE,
           "alg above int64");
    expect(&(struct order){.protected_hex = "a10140"}, ATT_E_FORMAT, ATT_R_FMT_COSE, "alg bstr");
}
END_TEST

/* C-04 */
START_TEST(att_cose_parse__refuses_crit_wherever_it_is)
{
    static const struct order CASES[] = {
        {.protected_hex = "a20126028118ff"}, /* unknown label */
        {.protected_hex = "a20126028104"},   /* an absent label */
        {.protected_hex = "a20126028101"},   /* a label that is known */
        {.protected_hex = "a201260280"},     /* empty */
        {.protected_hex = "a2012602f6"},     /* not even an array */
        {.unprotected_hex = "a1028104"},     {.unprotected_hex = "a10280"},
    };

    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        expect(&CASES[i], ATT_E_UNSUPPORTED, ATT_R_LBL_CRIT, "crit");
    }
}
END_TEST

/* C-05 */
START_TEST(att_cose_parse__refuses_a_label_that_stands_twice)
{
    static const struct order CASES[] = {
        {.protected_hex = "a201260126"},
        {.protected_hex = "a30126044131044132"},
        {.protected_hex = "a30126616100616100"},
        {.unprotected_hex = "a2044131044132"},
        {.unprotected_hex = "a2616100616100"},
        {.unprotected_hex = "a10126"},
        {.protected_hex = "a20126044131", .unprotected_hex = "a1044131"},
        {.protected_hex = "a20126182141aa", .unprotected_hex = "a1182141aa"},
        {.protected_hex = "a20126616100", .unprotected_hex = "a1616100"},
    };

    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        expect(&CASES[i], ATT_E_FORMAT, ATT_R_FMT_COSE, "twice");
    }
}
END_TEST

/* C-06 */
START_TEST(att_cose_parse__refuses_what_is_not_deterministic)
{
    static const struct {
        struct order order;
        enum att_err err;
    } CASES[] = {
        {{.tag = "d812"}, ATT_E_FORMAT},
        {{.tag = "d90012"}, ATT_E_FORMAT},
        {{.tag = "d9d9f7d2"}, ATT_E_FORMAT},
        {{.array = "9804"}, ATT_E_FORMAT},
        {{.array = "9f", .tail_hex = "ff"}, ATT_E_FORMAT},
        {{.protected_hex = "a1013806"}, ATT_E_FORMAT},
        {{.protected_hex = "a1180126"}, ATT_E_FORMAT},
        {{.protected_hex = "bf0126ff"}, ATT_E_FORMAT},
        {{.protected_hex = "a20441310126"}, ATT_E_FORMAT},
        {{.protected_hex = "a1012600"}, ATT_E_TRAILING},
        {{.protected_hex = "a2012604f93c00"}, ATT_E_FORMAT},
        {{.protected_hex = "a20126"}, ATT_E_TRUNCATED},
        {{.unprotected_hex = "a104f93c00"}, ATT_E_FORMAT},
        {{.unprotected_hex = "a2182100044131"}, ATT_E_FORMAT},
        {{.unprotected_hex = "bfff"}, ATT_E_FORMAT},
        {{.payload_item_hex = "5814546869732069732074686520636f6e74656e742e"}, ATT_E_FORMAT},
        {{.payload_item_hex = "5f54546869732069732074686520636f6e74656e742eff"}, ATT_E_FORMAT},
        {{.tail_hex = "00"}, ATT_E_TRAILING},
        {{.tail_hex = "f6"}, ATT_E_TRAILING},
    };

    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        expect(&CASES[i].order, CASES[i].err, ATT_R_FMT_CBOR, "not deterministic");
    }
}
END_TEST

/* C-07 */
START_TEST(att_cose_parse__refuses_other_structures)
{
    static const char *const TAGS[] = {"", "d862", "d1", "d0", "d861", "d83d", "d903e6"};

    for (size_t i = 0; i < ATT_COUNT(TAGS); i++) {
        expect(&(struct order){.tag = TAGS[i]}, ATT_E_FORMAT, ATT_R_FMT_COSE, TAGS[i]);
    }
    expect(&(struct order){.tag = "d2d2"}, ATT_E_FORMAT, ATT_R_FMT_COSE, "tag in tag");
    expect(&(struct order){.array = "85", .tail_hex = "40"}, ATT_E_LIMIT, ATT_R_FMT_COSE, "five");
    expect(&(struct order){.unprotected_hex = "80"}, ATT_E_FORMAT, ATT_R_FMT_COSE, "no map");
    expect(&(struct order){.protected_hex = "80"}, ATT_E_FORMAT, ATT_R_FMT_COSE, "no map inside");
    expect(&(struct order){.context = "Signature"}, ATT_E_SIGNATURE, ATT_R_LBL_SIG, "Signature");
    expect(&(struct order){.context = "CounterSignature"}, ATT_E_SIGNATURE, ATT_R_LBL_SIG,
           "CounterSignature");
}
END_TEST

/* C-08 */
START_TEST(att_cose_parse__wants_a_payload_inside)
{
    static const char *const PAYLOADS[] = {"f6", "40", "60", "80", "a0", "00"};

    for (size_t i = 0; i < ATT_COUNT(PAYLOADS); i++) {
        expect(&(struct order){.payload_item_hex = PAYLOADS[i]}, ATT_E_FORMAT, ATT_R_FMT_COSE,
               PAYLOADS[i]);
    }
    expect(&(struct order){.array = "83", .payload_item_hex = ""}, ATT_E_FORMAT, ATT_R_FMT_COSE,
           "absent");
}
END_TEST

/* C-09: what the message offers as its own proof is not even shown when it is not signed. */
START_TEST(att_cose_parse__takes_kid_and_chain_from_the_protected_header_only)
{
    struct order o = {.unprotected_hex = "a404423131182142aabb182240182360"};
    struct bytes in = message(&o);
    struct att_cose m;

    ck_assert_int_eq(att_cose_parse(&m, slice(&in), NULL), ATT_OK);
    ck_assert_uint_eq(m.kid.len, 0);
    ck_assert_uint_eq(m.x5chain_count, 0);
    o = (struct order){.protected_hex = "a3012604423131182142aabb"};
    in = message(&o);
    ck_assert_int_eq(att_cose_parse(&m, slice(&in), NULL), ATT_OK);
    ck_assert(att_slice_eq(m.kid, att_slice_str("11")));
    ck_assert_uint_eq(m.x5chain_count, 1);
    ck_assert(att_slice_eq(m.x5chain[0], att_slice_of("\xaa\xbb", 2)));
}
END_TEST

/* C-10: a kid is bytes and nothing more; whoever looks it up sees all of it. */
START_TEST(att_cose_parse__gives_the_whole_kid)
{
    static const char DOTS[] = "../../etc/attestd/key\0tail";
    struct att_cose_order order = {.payload = att_slice_str(PAYLOAD)};
    uint8_t long_kid[4096];
    struct att_slice kids[2];

    memset(long_kid, 0x2f, sizeof(long_kid));
    kids[0] = att_slice_of(DOTS, sizeof(DOTS) - 1);
    kids[1] = att_slice_of(long_kid, sizeof(long_kid));
    for (size_t i = 0; i < ATT_COUNT(kids); i++) {
        struct att_buf *b = NULL;
        struct att_cose m;

        order.kid = kids[i];
        ck_assert_int_eq(att_cose_make(&b, &order, signer), ATT_OK);
        ck_assert_int_eq(att_cose_parse(&m, att_buf_slice(b), NULL), ATT_OK);
        ck_assert(att_slice_eq(m.kid, kids[i]));
        att_buf_free(b);
    }
}
END_TEST

/* C-11 */
START_TEST(att_cose_verify__refuses_signatures_of_other_lengths)
{
    static const size_t LENGTHS[] = {0, 1, 32, 63, 65, 72, 96, 128, 1024};
    struct order o = {0};
    struct bytes good = message(&o);
    struct att_cose m;
    uint8_t sig[1024];

    ck_assert_int_eq(att_cose_parse(&m, slice(&good), NULL), ATT_OK);
    memset(sig, 0, sizeof(sig));
    memcpy(sig, m.signature.p, m.signature.len);
    for (size_t i = 0; i < ATT_COUNT(LENGTHS); i++) {
        struct att_cose_verified *v = NULL;
        struct att_diag diag = {0};
        struct att_cose changed = m;

        changed.signature = att_slice_of(sig, LENGTHS[i]);
        ck_assert_int_eq(att_cose_verify(&v, &changed, signer->public_key, none(), &diag),
                         ATT_E_SIGNATURE);
        ck_assert_int_eq(diag.reason, ATT_R_LBL_SIG);
        ck_assert_ptr_null(v);
    }
}
END_TEST

/* C-20 */
START_TEST(att_cose_verify__external_aad_is_signed)
{
    struct order with = {.aad = "context"};
    struct bytes in = message(&with);
    struct att_diag diag = {0};
    const struct att_pubkey *key = signer->public_key;

    ck_assert_int_eq(judge(slice(&in), key, att_slice_str("context"), NULL), ATT_OK);
    ck_assert_int_eq(judge(slice(&in), key, none(), &diag), ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_LBL_SIG);
    ck_assert_int_eq(judge(slice(&in), key, att_slice_str("Context"), NULL), ATT_E_SIGNATURE);
    in = message(&(struct order){0});
    ck_assert_int_eq(judge(slice(&in), key, att_slice_str("context"), NULL), ATT_E_SIGNATURE);
}
END_TEST

/* C-20: the same header and payload said otherwise are other bytes. */
START_TEST(att_cose_verify__the_bytes_that_were_signed_are_hashed)
{
    struct order o = {0};
    struct bytes in = message(&o);
    struct att_cose m;
    struct att_cose_verified *v = NULL;
    struct att_cose changed;

    ck_assert_int_eq(att_cose_parse(&m, slice(&in), NULL), ATT_OK);
    changed = m;
    changed.protected_bytes = att_slice_of("\xa1\x01\x38\x06", 4);
    ck_assert_int_eq(att_cose_verify(&v, &changed, signer->public_key, none(), NULL),
                     ATT_E_SIGNATURE);
    changed = m;
    changed.payload_untrusted = att_slice_str("This is the content");
    ck_assert_int_eq(att_cose_verify(&v, &changed, signer->public_key, none(), NULL),
                     ATT_E_SIGNATURE);
    ck_assert_ptr_null(v);
}
END_TEST

static const enum att_key_type OUR_KEYS[] = {ATT_KEY_EC_P256, ATT_KEY_EC_P384, ATT_KEY_ED25519};
static const int64_t OUR_ALGS[] = {ATT_COSE_ES256, ATT_COSE_ES384, ATT_COSE_EDDSA};

static struct att_cose_order full_order(void)
{
    static const uint8_t LEAF[] = {0x30, 0x01, 0x00};
    static const uint8_t ROOT[] = {0x30, 0x02, 0x00, 0x00};
    static struct att_slice chain[2];

    chain[0] = att_slice_of(LEAF, sizeof(LEAF));
    chain[1] = att_slice_of(ROOT, sizeof(ROOT));
    return (struct att_cose_order){
        .typ = "application/eat+cwt",
        .content_type = "application/cbor",
        .x5chain = chain,
        .x5chain_count = 2,
        .kid = att_slice_str("key one"),
        .cwt_claims = att_slice_of("\xa2\x01\x61\x69\x02\x61\x73", 7),
        .payload = att_slice_str(PAYLOAD),
    };
}

START_TEST(att_cose_make__what_was_ordered_comes_out_again)
{
    struct att_signer *s = new_signer(OUR_KEYS[_i]);
    struct att_cose_order order = full_order();
    struct att_buf *b = NULL;
    struct att_cose_verified *v = NULL;
    struct att_diag diag = {0};
    struct att_cose m;

    ck_assert_int_eq(att_cose_make(&b, &order, s), ATT_OK);
    ck_assert_int_eq(att_cbor_check(att_buf_slice(b), NULL), ATT_OK);
    ck_assert_msg(att_cose_parse(&m, att_buf_slice(b), &diag) == ATT_OK, "%s", diag.text);
    ck_assert_int_eq(m.alg, OUR_ALGS[_i]);
    ck_assert(att_slice_eq(m.typ, att_slice_str(order.typ)));
    ck_assert(att_slice_eq(m.content_type, att_slice_str(order.content_type)));
    ck_assert(att_slice_eq(m.kid, order.kid));
    ck_assert(att_slice_eq(m.cwt_claims, order.cwt_claims));
    ck_assert_uint_eq(m.x5chain_count, 2);
    ck_assert(att_slice_eq(m.x5chain[0], order.x5chain[0]));
    ck_assert(att_slice_eq(m.x5chain[1], order.x5chain[1]));
    ck_assert(att_slice_eq(m.unprotected, att_slice_of("\xa0", 1)));
    ck_assert_int_eq(att_cose_verify(&v, &m, s->public_key, none(), NULL), ATT_OK);
    ck_assert(att_slice_eq(att_cose_payload(v), order.payload));
    att_cose_verified_freep(&v);
    ck_assert_ptr_null(v);
    att_buf_free(b);
    att_signer_free(s);
}
END_TEST

/* C-21, and every byte cut off. */
START_TEST(att_cose_verify__refuses_every_flipped_bit_and_every_cut)
{
    struct att_signer *s = new_signer(OUR_KEYS[_i]);
    struct att_cose_order order = full_order();
    struct att_buf *b = NULL;
    struct att_slice good;
    uint8_t *copy = NULL;

    ck_assert_int_eq(att_cose_make(&b, &order, s), ATT_OK);
    good = att_buf_slice(b);
    ck_assert_int_eq(judge(good, s->public_key, none(), NULL), ATT_OK);
    for (size_t bit = 0; bit < good.len * 8; bit++) {
        copy = malloc(good.len);
        NEED(copy != NULL);
        memcpy(copy, good.p, good.len);
        copy[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        ck_assert_msg(judge(att_slice_of(copy, good.len), s->public_key, none(), NULL) != ATT_OK,
                      "bit %zu", bit);
        free(copy);
    }
    for (size_t len = 0; len < good.len; len++) {
        copy = malloc(len + 1); /* its own allocation: a read past the cut is seen */
        NEED(copy != NULL);
        memcpy(copy, good.p, len);
        ck_assert_int_eq(judge(att_slice_of(copy, len), s->public_key, none(), NULL),
                         ATT_E_TRUNCATED);
        free(copy);
    }
    att_buf_free(b);
    att_signer_free(s);
}
END_TEST

START_TEST(att_cose_verify__refuses_another_key)
{
    struct att_signer *other = new_signer(ATT_KEY_EC_P256);
    struct att_signer *p521 = new_signer(ATT_KEY_EC_P521);
    struct att_signer *rsa = new_signer(ATT_KEY_RSA);
    struct order o = {0};
    struct bytes in = message(&o);
    struct att_diag diag = {0};

    ck_assert_int_eq(judge(slice(&in), other->public_key, none(), &diag), ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_LBL_SIG);
    ck_assert_int_eq(judge(slice(&in), p521->public_key, none(), &diag), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(diag.reason, ATT_R_LBL_ALG);
    ck_assert_int_eq(judge(slice(&in), rsa->public_key, none(), &diag), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(diag.reason, ATT_R_LBL_ALG);
    att_signer_free(other);
    att_signer_free(p521);
    att_signer_free(rsa);
}
END_TEST

START_TEST(att_cose_parse__x5chain_is_one_certificate_or_an_array_of_two_to_eight)
{
    static const struct {
        const char *value;
        enum att_err err;
        size_t count;
    } CASES[] = {
        {"41aa", ATT_OK, 1},
        {"8241aa41bb", ATT_OK, 2},
        {"8841aa41aa41aa41aa41aa41aa41aa41aa", ATT_OK, 8},
        {"80", ATT_E_FORMAT, 0},
        {"8141aa", ATT_E_FORMAT, 0},
        {"8941aa41aa41aa41aa41aa41aa41aa41aa41aa", ATT_E_LIMIT, 0},
        {"8241aa61bb", ATT_E_FORMAT, 0},
        {"61aa", ATT_E_FORMAT, 0},
        {"626161", ATT_E_FORMAT, 0},
        {"a0", ATT_E_FORMAT, 0},
        {"f6", ATT_E_FORMAT, 0},
    };

    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        char head[128];
        struct order o = {.protected_hex = head};
        struct att_cose m = {.x5chain_count = 77};
        struct bytes in;

        (void)snprintf(head, sizeof(head), "a201261821%s", CASES[i].value);
        in = message(&o);
        ck_assert_msg(att_cose_parse(&m, slice(&in), NULL) == CASES[i].err, "%s", CASES[i].value);
        ck_assert_uint_eq(m.x5chain_count, CASES[i].err == ATT_OK ? CASES[i].count : 77);
    }
}
END_TEST

START_TEST(att_cose_parse__refuses_known_labels_of_the_wrong_type)
{
    static const char *const HEADS[] = {
        "a201260340", "a20126031a00010000", "a2012603f6", "a201260460", "a201260400",
        "a201260f40", "a201260f80",         "a201261040", "a2012610f6",
    };

    for (size_t i = 0; i < ATT_COUNT(HEADS); i++) {
        struct order o = {.protected_hex = HEADS[i]};
        struct bytes in = message(&o);
        struct att_cose m;
        enum att_err want = i == 1 ? ATT_E_LIMIT : ATT_E_FORMAT;

        ck_assert_msg(att_cose_parse(&m, slice(&in), NULL) == want, "%s", HEADS[i]);
    }
}
END_TEST

START_TEST(att_cose_parse__a_header_map_has_32_labels_at_most)
{
    for (size_t count = ATT_COSE_HEADERS; count <= ATT_COSE_HEADERS + 1; count++) {
        char head[512] = "b8";
        char outside[512];
        struct order o = {.protected_hex = head};
        struct bytes in;
        struct att_cose m;
        enum att_err want = count > ATT_COSE_HEADERS ? ATT_E_LIMIT : ATT_OK;
        size_t at = 0;

        at = (size_t)snprintf(head, sizeof(head), "b8%02zx0126", count);
        for (size_t i = 1; i < count; i++) {
            at += (size_t)snprintf(head + at, sizeof(head) - at, "39%04zxf6", 1000 + i);
        }
        in = message(&o);
        ck_assert_int_eq(att_cose_parse(&m, slice(&in), NULL), want);
        at = (size_t)snprintf(outside, sizeof(outside), "b8%02zx", count);
        for (size_t i = 0; i < count; i++) {
            at += (size_t)snprintf(outside + at, sizeof(outside) - at, "39%04zxf6", 1000 + i);
        }
        o = (struct order){.unprotected_hex = outside};
        in = message(&o);
        ck_assert_int_eq(att_cose_parse(&m, slice(&in), NULL), want);
    }
}
END_TEST

START_TEST(att_cose_parse__a_signature_is_1024_bytes_at_most)
{
    uint8_t room[2048];
    uint8_t sig[1025] = {0};

    for (size_t len = 1024; len <= 1025; len++) {
        struct att_wr w = att_wr_into(room, sizeof(room));
        struct att_cose m;

        att_wr_bytes(&w, "\xd2\x84\x43\xa1\x01\x26\xa0\x41\x00", 9);
        att_cbor_wr_bytes(&w, att_slice_of(sig, len));
        ck_assert_int_eq(att_cose_parse(&m, att_slice_of(room, w.len), NULL),
                         len > 1024 ? ATT_E_LIMIT : ATT_OK);
    }
}
END_TEST

START_TEST(att_cose_make__refuses_what_nobody_could_read)
{
    static const uint8_t UNSORTED[] = {0xa2, 0x02, 0x00, 0x01, 0x00};
    struct att_signer *rsa = new_signer(ATT_KEY_RSA);
    struct att_signer *p521 = new_signer(ATT_KEY_EC_P521);
    struct att_signer wrong = *signer;
    struct att_cose_order order = {.payload = none()};
    struct att_buf *b = NULL;

    ck_assert_int_eq(att_cose_make(&b, &order, signer), ATT_E_INTERNAL);
    order.payload = att_slice_str(PAYLOAD);
    ck_assert_int_eq(att_cose_make(&b, &order, rsa), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(att_cose_make(&b, &order, p521), ATT_E_UNSUPPORTED);
    wrong.hash = ATT_HASH_SHA384;
    ck_assert_int_eq(att_cose_make(&b, &order, &wrong), ATT_E_UNSUPPORTED);
    order.cwt_claims = att_slice_of(UNSORTED, sizeof(UNSORTED));
    ck_assert_int_eq(att_cose_make(&b, &order, signer), ATT_E_INTERNAL);
    order.cwt_claims = att_slice_of("\x80", 1);
    ck_assert_int_eq(att_cose_make(&b, &order, signer), ATT_E_INTERNAL);
    order.cwt_claims = none();
    order.typ = "\xff";
    ck_assert_int_eq(att_cose_make(&b, &order, signer), ATT_E_INTERNAL);
    ck_assert_ptr_null(b);
    att_signer_free(rsa);
    att_signer_free(p521);
}
END_TEST

/* The examples of the COSE working group. */

static json_t *example(const char *name)
{
    char path[512];
    struct att_buf *b = NULL;
    json_t *j = NULL;

    (void)snprintf(path, sizeof(path), "%s/cose/%s", getenv("CORPUS"), name);
    NEED(att_file_read(&b, path, 1U << 20, NULL) == ATT_OK);
    j = json_loadb((const char *)att_buf_slice(b).p, att_buf_len(b), 0, NULL);
    NEED(j != NULL);
    att_buf_free(b);
    return j;
}

/* A coordinate, which the examples give as base64url or as hex. */
static struct bytes coordinate(const json_t *key, const char *name)
{
    struct bytes b = {0};
    char hex_name[8];
    const char *text = json_string_value(json_object_get(key, name));

    if (text != NULL) {
        NEED(att_b64_decode(b.p, sizeof(b.p), &b.len, ATT_B64_URL, text, strlen(text)) == ATT_OK);
        return b;
    }
    (void)snprintf(hex_name, sizeof(hex_name), "%s_hex", name);
    text = json_string_value(json_object_get(key, hex_name));
    NEED(text != NULL);
    return unhex(text);
}

static struct att_pubkey *example_key(const json_t *key)
{
    const char *curve = json_string_value(json_object_get(key, "crv"));
    struct bytes x = coordinate(key, "x");
    struct att_pubkey *out = NULL;
    struct bytes y;
    enum att_key_type type = strcmp(curve, "P-256") == 0 ? ATT_KEY_EC_P256 : ATT_KEY_EC_P521;

    if (strcmp(curve, "Ed25519") == 0) {
        struct bytes spki = unhex("302a300506032b6570032100"); /* RFC 8410 section 10.1 */

        memcpy(spki.p + spki.len, x.p, x.len);
        spki.len += x.len;
        NEED(att_pubkey_from_spki(&out, slice(&spki), NULL) == ATT_OK);
        return out;
    }
    y = coordinate(key, "y");
    NEED(att_pubkey_from_ec(&out, type, slice(&x), slice(&y), NULL) == ATT_OK);
    return out;
}

static const struct {
    const char *name;
    enum att_err err;
    enum att_reason reason;
} EXAMPLES[] = {
    {"ecdsa-examples-ecdsa-sig-01.json", ATT_OK, ATT_R_NONE},
    {"eddsa-examples-eddsa-sig-01.json", ATT_OK, ATT_R_NONE},
    {"CWT-A_3.json", ATT_OK, ATT_R_NONE},
    {"countersign-signed1-01.json", ATT_E_FORMAT, ATT_R_FMT_CBOR}, /* label 7 before label 4 */
    {"ecdsa-examples-ecdsa-sig-03.json", ATT_E_UNSUPPORTED, ATT_R_LBL_ALG}, /* ES512 */
    {"sign1-tests-sign-fail-01.json", ATT_E_FORMAT, ATT_R_FMT_COSE},        /* tag 998 */
    {"sign1-tests-sign-fail-03.json", ATT_E_MISMATCH, ATT_R_LBL_ALG},       /* alg -999 */
    {"sign1-tests-sign-fail-06.json", ATT_E_SIGNATURE, ATT_R_LBL_SIG},
    /* valid COSE, and outside what we accept: alg not protected; no tag */
    {"sign1-tests-sign-pass-01.json", ATT_E_UNSUPPORTED, ATT_R_LBL_ALG},
    {"sign1-tests-sign-pass-03.json", ATT_E_FORMAT, ATT_R_FMT_COSE},
};

START_TEST(att_cose__judges_the_working_groups_examples)
{
    json_t *j = example(EXAMPLES[_i].name);
    json_t *sign0 = json_object_get(json_object_get(j, "input"), "sign0");
    const char *hex = json_string_value(json_object_get(json_object_get(j, "output"), "cbor"));
    struct att_pubkey *key = example_key(json_object_get(sign0, "key"));
    struct bytes in = unhex(hex);
    struct att_diag diag = {0};
    enum att_err err = judge(slice(&in), key, none(), &diag);

    ck_assert_msg(err == EXAMPLES[_i].err && diag.reason == EXAMPLES[_i].reason, "%s: %s %s: %s",
                  EXAMPLES[_i].name, att_err_name(err), att_reason_code(diag.reason), diag.text);
    att_pubkey_free(key);
    json_decref(j);
}
END_TEST

/* Messages of other kinds: several signatures, MACs, encryption. None is a COSE_Sign1 of ours. */
static const char *const OTHERS[] = {
    "x509-examples-signed-01.json", "x509-examples-signed-03.json",
    "x509-examples-signed-05.json", "RFC8152-Appendix_C_1_2.json",
    "RFC8152-Appendix_C_1_4.json",  "RFC8152-Appendix_C_3_1.json",
    "RFC8152-Appendix_C_3_3.json",  "RFC8152-Appendix_C_4_1.json",
    "RFC8152-Appendix_C_5_1.json",  "RFC8152-Appendix_C_5_3.json",
    "RFC8152-Appendix_C_6_1.json",  "countersign-signed-02.json",
    "ecdsa-examples-ecdsa-01.json", "eddsa-examples-eddsa-01.json",
    "mac0-tests-HMac-01.json",      "rsa-pss-examples-rsa-pss-01.json",
    "sign-tests-ecdsa-01.json",     "sign-tests-sign-pass-02.json",
};

START_TEST(att_cose_parse__refuses_other_messages_of_the_examples)
{
    json_t *j = example(OTHERS[_i]);
    struct bytes in =
        unhex(json_string_value(json_object_get(json_object_get(j, "output"), "cbor")));
    struct att_diag diag = {0};
    struct att_cose m;

    ck_assert_msg(att_cose_parse(&m, slice(&in), &diag) == ATT_E_FORMAT, "%s: %s", OTHERS[_i],
                  diag.text);
    ck_assert(diag.reason == ATT_R_FMT_COSE || diag.reason == ATT_R_FMT_CBOR);
    json_decref(j);
}
END_TEST

/* Real statements with hash envelopes, chains, claims and receipts: RSA-PSS, which we do not use. */
static const struct {
    const char *name;
    int64_t alg;
    size_t chain;
} STATEMENTS[] = {
    {"cts-hashv-cwtclaims-b64url.cose", -37, 3},
    {"manifest.spdx.json.sha384.digest.cose", -38, 3},
    {"uvm_0.2.10.cose", -38, 3},
};

START_TEST(att_cose_parse__reads_real_statements)
{
    char path[512];
    struct att_buf *b = NULL;
    struct att_cose m;
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    (void)snprintf(path, sizeof(path), "%s/scitt/%s", getenv("CORPUS"), STATEMENTS[_i].name);
    NEED(att_file_read(&b, path, 1U << 20, NULL) == ATT_OK);
    err = att_cose_parse(&m, att_buf_slice(b), &diag);
    ck_assert_msg(err == ATT_OK, "%s: %s at %zu: %s", STATEMENTS[_i].name, att_err_name(err),
                  diag.off, diag.text);
    ck_assert_int_eq(m.alg, STATEMENTS[_i].alg);
    ck_assert_uint_eq(m.x5chain_count, STATEMENTS[_i].chain);
    ck_assert_uint_gt(m.cwt_claims.len, 0);
    ck_assert_int_eq(judge(att_buf_slice(b), signer->public_key, none(), &diag), ATT_E_MISMATCH);
    att_buf_free(b);
}
END_TEST

static void add_corpus(Suite *s)
{
    TCase *t = tcase_create("corpus");

    tcase_add_loop_test(t, att_cose__judges_the_working_groups_examples, 0,
                        (int)ATT_COUNT(EXAMPLES));
    tcase_add_loop_test(t, att_cose_parse__refuses_other_messages_of_the_examples, 0,
                        (int)ATT_COUNT(OTHERS));
    tcase_add_loop_test(t, att_cose_parse__reads_real_statements, 0, (int)ATT_COUNT(STATEMENTS));
    suite_add_tcase(s, t);
}

static Suite *suite(void)
{
    Suite *s = suite_create("cose");
    TCase *t = tcase_create("cose");
    const char *corpus = getenv("CORPUS");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, att_cose_verify__accepts_the_message_that_attacks_change);
    tcase_add_test(t, att_cose_parse__wants_alg_in_the_protected_header);
    tcase_add_test(t, att_cose_verify__the_key_fixes_the_algorithm);
    tcase_add_test(t, att_cose_parse__refuses_crit_wherever_it_is);
    tcase_add_test(t, att_cose_parse__refuses_a_label_that_stands_twice);
    tcase_add_test(t, att_cose_parse__refuses_what_is_not_deterministic);
    tcase_add_test(t, att_cose_parse__refuses_other_structures);
    tcase_add_test(t, att_cose_parse__wants_a_payload_inside);
    tcase_add_test(t, att_cose_parse__takes_kid_and_chain_from_the_protected_header_only);
    tcase_add_test(t, att_cose_parse__gives_the_whole_kid);
    tcase_add_test(t, att_cose_verify__refuses_signatures_of_other_lengths);
    tcase_add_test(t, att_cose_verify__external_aad_is_signed);
    tcase_add_test(t, att_cose_verify__the_bytes_that_were_signed_are_hashed);
    tcase_add_loop_test(t, att_cose_make__what_was_ordered_comes_out_again, 0,
                        (int)ATT_COUNT(OUR_KEYS));
    tcase_add_loop_test(t, att_cose_verify__refuses_every_flipped_bit_and_every_cut, 0,
                        (int)ATT_COUNT(OUR_KEYS));
    tcase_add_test(t, att_cose_verify__refuses_another_key);
    tcase_add_test(t, att_cose_parse__x5chain_is_one_certificate_or_an_array_of_two_to_eight);
    tcase_add_test(t, att_cose_parse__refuses_known_labels_of_the_wrong_type);
    tcase_add_test(t, att_cose_parse__a_header_map_has_32_labels_at_most);
    tcase_add_test(t, att_cose_parse__a_signature_is_1024_bytes_at_most);
    tcase_add_test(t, att_cose_make__refuses_what_nobody_could_read);
    suite_add_tcase(s, t);
    if (corpus != NULL && corpus[0] != '\0') {
        add_corpus(s);
    } else {
        puts("CORPUS is not set: the examples of the COSE working group are left out");
    }
    return s;
}

int main(void)
{
    SRunner *r = NULL;
    int failed = 0;

    signer = new_signer(ATT_KEY_EC_P256);
    r = srunner_create(suite());
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    att_signer_free(signer);
    return failed == 0 ? 0 : 1;
}
