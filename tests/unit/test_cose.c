/* COSE_Sign1: each attack on the envelope. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "codec/cbor_wr.h"
#include "cosetest.h"
#include "need.h"
#include "suite.h"

static const struct att_slice NONE = {0};

/* One key for the whole program; each test runs in a process that inherits it. */
static struct att_signer *signer;
/* A message put together by hand, so that an attack changes one thing and its signature still holds. */
struct order {
    const char *context;          /* NULL: "Signature1" */
    const char *tag;              /* hex; NULL: d2 */
    const char *array;            /* hex; NULL: 84 */
    const char *protected_hex;    /* content of the bstr; NULL: alg ES256 */
    const char *unprotected_hex;  /* NULL: a0 */
    const char *payload_item_hex; /* encoded item; NULL: the bstr of COSETEST_PAYLOAD */
    const char *aad;              /* NULL: empty */
    const char *tail_hex;         /* appended; NULL: nothing */
};

static void add_hex(struct att_wr *w, const char *text, const char *otherwise)
{
    struct bytes b = bytes_unhex(text != NULL ? text : otherwise);

    att_wr_slice(w, bytes_slice(&b));
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
    att_wr_u8(&w, 0x40 + sizeof(COSETEST_PAYLOAD) - 1);
    att_wr_bytes(&w, COSETEST_PAYLOAD, sizeof(COSETEST_PAYLOAD) - 1);
    NEED(w.err == ATT_OK);
    NEED(att_signer_sign(signer, att_slice_of(room, w.len), sig, 512, &len) == ATT_OK);
    return len;
}

static struct bytes message(const struct order *o)
{
    static const char PAYLOAD_ITEM[] = "54546869732069732074686520636f6e74656e742e";
    struct bytes protected_bytes =
        bytes_unhex(o->protected_hex != NULL ? o->protected_hex : "a10126");
    struct bytes out = {0};
    struct att_wr w = att_wr_into(out.p, sizeof(out.p));
    uint8_t sig[512];
    size_t sig_len = sign_over(sig, o, bytes_slice(&protected_bytes));

    add_hex(&w, o->tag, "d2");
    add_hex(&w, o->array, "84");
    att_cbor_wr_bytes(&w, bytes_slice(&protected_bytes));
    add_hex(&w, o->unprotected_hex, "a0");
    add_hex(&w, o->payload_item_hex, PAYLOAD_ITEM);
    att_cbor_wr_bytes(&w, att_slice_of(sig, sig_len));
    add_hex(&w, o->tail_hex, "");
    NEED(w.err == ATT_OK);
    out.len = w.len;
    return out;
}

static void expect(const struct order *o, enum att_err err, enum att_reason reason,
                   const char *what)
{
    struct bytes in = message(o);
    struct att_diag diag = {0};
    enum att_err got = cosetest_judge(bytes_slice(&in), signer->public_key, NONE, &diag);

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

    ck_assert_int_eq(att_cose_parse(&m, bytes_slice(&in), NULL), ATT_OK);
    ck_assert_uint_eq(m.kid.len, 0);
    ck_assert_uint_eq(m.x5chain_count, 0);
    o = (struct order){.protected_hex = "a3012604423131182142aabb"};
    in = message(&o);
    ck_assert_int_eq(att_cose_parse(&m, bytes_slice(&in), NULL), ATT_OK);
    ck_assert(att_slice_eq(m.kid, att_slice_str("11")));
    ck_assert_uint_eq(m.x5chain_count, 1);
    ck_assert(att_slice_eq(m.x5chain[0], att_slice_of("\xaa\xbb", 2)));
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

    ck_assert_int_eq(att_cose_parse(&m, bytes_slice(&good), NULL), ATT_OK);
    memset(sig, 0, sizeof(sig));
    memcpy(sig, m.signature.p, m.signature.len);
    for (size_t i = 0; i < ATT_COUNT(LENGTHS); i++) {
        struct att_cose_verified *v = NULL;
        struct att_diag diag = {0};
        struct att_cose changed = m;

        changed.signature = att_slice_of(sig, LENGTHS[i]);
        ck_assert_int_eq(att_cose_verify(&v, &changed, signer->public_key, NONE, &diag),
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

    ck_assert_int_eq(cosetest_judge(bytes_slice(&in), key, att_slice_str("context"), NULL), ATT_OK);
    ck_assert_int_eq(cosetest_judge(bytes_slice(&in), key, NONE, &diag), ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_LBL_SIG);
    ck_assert_int_eq(cosetest_judge(bytes_slice(&in), key, att_slice_str("Context"), NULL),
                     ATT_E_SIGNATURE);
    in = message(&(struct order){0});
    ck_assert_int_eq(cosetest_judge(bytes_slice(&in), key, att_slice_str("context"), NULL),
                     ATT_E_SIGNATURE);
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

    ck_assert_int_eq(att_cose_parse(&m, bytes_slice(&in), NULL), ATT_OK);
    changed = m;
    changed.protected_bytes = att_slice_of("\xa1\x01\x38\x06", 4);
    ck_assert_int_eq(att_cose_verify(&v, &changed, signer->public_key, NONE, NULL),
                     ATT_E_SIGNATURE);
    changed = m;
    changed.payload_untrusted = att_slice_str("This is the content");
    ck_assert_int_eq(att_cose_verify(&v, &changed, signer->public_key, NONE, NULL),
                     ATT_E_SIGNATURE);
    ck_assert_ptr_null(v);
}
END_TEST

START_TEST(att_cose_verify__refuses_another_key)
{
    struct att_signer *other = cosetest_signer(ATT_KEY_EC_P256);
    struct att_signer *p521 = cosetest_signer(ATT_KEY_EC_P521);
    struct att_signer *rsa = cosetest_signer(ATT_KEY_RSA);
    struct order o = {0};
    struct bytes in = message(&o);
    struct att_diag diag = {0};

    ck_assert_int_eq(cosetest_judge(bytes_slice(&in), other->public_key, NONE, &diag),
                     ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_LBL_SIG);
    ck_assert_int_eq(cosetest_judge(bytes_slice(&in), p521->public_key, NONE, &diag),
                     ATT_E_UNSUPPORTED);
    ck_assert_int_eq(diag.reason, ATT_R_LBL_ALG);
    ck_assert_int_eq(cosetest_judge(bytes_slice(&in), rsa->public_key, NONE, &diag),
                     ATT_E_UNSUPPORTED);
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
        ck_assert_msg(att_cose_parse(&m, bytes_slice(&in), NULL) == CASES[i].err, "%s",
                      CASES[i].value);
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

        ck_assert_msg(att_cose_parse(&m, bytes_slice(&in), NULL) == want, "%s", HEADS[i]);
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
        ck_assert_int_eq(att_cose_parse(&m, bytes_slice(&in), NULL), want);
        at = (size_t)snprintf(outside, sizeof(outside), "b8%02zx", count);
        for (size_t i = 0; i < count; i++) {
            at += (size_t)snprintf(outside + at, sizeof(outside) - at, "39%04zxf6", 1000 + i);
        }
        o = (struct order){.unprotected_hex = outside};
        in = message(&o);
        ck_assert_int_eq(att_cose_parse(&m, bytes_slice(&in), NULL), want);
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

int main(void)
{
    const TTest *const TESTS[] = {
        att_cose_verify__accepts_the_message_that_attacks_change,
        att_cose_parse__wants_alg_in_the_protected_header,
        att_cose_verify__the_key_fixes_the_algorithm,
        att_cose_parse__refuses_crit_wherever_it_is,
        att_cose_parse__refuses_a_label_that_stands_twice,
        att_cose_parse__refuses_what_is_not_deterministic,
        att_cose_parse__refuses_other_structures,
        att_cose_parse__wants_a_payload_inside,
        att_cose_parse__takes_kid_and_chain_from_the_protected_header_only,
        att_cose_verify__refuses_signatures_of_other_lengths,
        att_cose_verify__external_aad_is_signed,
        att_cose_verify__the_bytes_that_were_signed_are_hashed,
        att_cose_verify__refuses_another_key,
        att_cose_parse__x5chain_is_one_certificate_or_an_array_of_two_to_eight,
        att_cose_parse__refuses_known_labels_of_the_wrong_type,
        att_cose_parse__a_header_map_has_32_labels_at_most,
        att_cose_parse__a_signature_is_1024_bytes_at_most,
    };
    int status = 0;

    signer = cosetest_signer(ATT_KEY_EC_P256);
    status = SUITE_RUN("cose", TESTS);
    att_signer_free(signer);
    return status;
}
