/*
 * Group C, the envelope: a genuine label in which one thing is another, signed by the issuer's own key over what stands
 * there then. What a partner's check says of it, with the exact code.
 */
#include <string.h>

#include "attack.h"
#include "labelforge.h"
#include "need.h"

static struct issuer is;

/* One label for each test, which runs in a process of its own. */
static struct att_slice genuine(void)
{
    static struct att_buf *label;
    struct att_label_facts facts;
    struct scene *s;

    if (label == NULL) {
        s = scene_new(NULL, NULL);
        facts = issuer_facts(&is);
        scene_attest(s);
        label = issuer_label(&is, s, &facts);
        scene_free(s);
    }
    return att_buf_slice(label);
}

static void expect(const struct labelforge *f, enum att_verdict verdict, const char *code,
                   const char *what)
{
    struct bytes label = labelforge_make(f, genuine(), &is);

    labelforge_expect(bytes_slice(&label), &is, NULL, verdict, code, what);
}

/* The yardstick of all attacks below: put together again it is good, also with what nobody has to look at. */
START_TEST(C_00__label_that_attacks_change)
{
    struct bytes again = labelforge_make(&(struct labelforge){0}, genuine(), &is);

    ck_assert_uint_eq(again.len, genuine().len);
    labelforge_expect(bytes_slice(&again), &is, NULL, ATT_VERDICT_PASS, "OK", "untouched");
    expect(&(struct labelforge){.mid = "044131", .pairs = 1}, ATT_VERDICT_PASS, "OK", "kid");
    expect(&(struct labelforge){.more = "1863f6", .pairs = 1}, ATT_VERDICT_PASS, "OK", "private");
}
END_TEST

START_TEST(C_01__no_algorithm)
{
    expect(&(struct labelforge){.alg = ""}, ATT_VERDICT_MALFORMED, "E_LBL_ALG", "no alg");
    expect(&(struct labelforge){.protected_hex = ""}, ATT_VERDICT_MALFORMED, "E_LBL_ALG", "empty");
    expect(&(struct labelforge){.protected_hex = "a0"}, ATT_VERDICT_MALFORMED, "E_LBL_ALG", "a0");
    expect(&(struct labelforge){.alg = "654553323536"}, ATT_VERDICT_MALFORMED, "E_LBL_ALG", "text");
}
END_TEST

START_TEST(C_02__algorithm_that_nobody_signed)
{
    expect(&(struct labelforge){.alg = "", .unprotected = "a10126"}, ATT_VERDICT_MALFORMED,
           "E_LBL_ALG", "outside");
    expect(&(struct labelforge){.protected_hex = "", .unprotected = "a10126"},
           ATT_VERDICT_MALFORMED, "E_LBL_ALG", "outside of nothing");
    expect(&(struct labelforge){.protected_hex = "a0", .unprotected = "a10126"},
           ATT_VERDICT_MALFORMED, "E_LBL_ALG", "outside of the empty map");
}
END_TEST

/* The certificate fixes the algorithm: every other one, each with a signature that holds over the lying header. */
START_TEST(C_03__another_algorithm)
{
    static const char *const ALGS[] = {
        "3822" /* ES384 */, "3824" /* PS256 */,        "27" /* EdDSA */,
        "3823" /* ES512 */, "390100" /* RS256 */,      "05" /* HMAC */,
        "28" /* ESP256 */,  "3903e6" /* unassigned */, "00",
    };

    for (size_t i = 0; i < ATT_COUNT(ALGS); i++)
        expect(&(struct labelforge){.alg = ALGS[i]}, ATT_VERDICT_FAIL, "E_LBL_ALG", ALGS[i]);
}
END_TEST

START_TEST(C_04__critical_headers)
{
    static const char *const CRIT[] = {
        "028118ff", /* an unknown label */
        "028104",   /* an absent one */
        "02810f",   /* one that is there and understood */
        "0280",     /* none */
        "02f6",     /* not even an array */
    };

    for (size_t i = 0; i < ATT_COUNT(CRIT); i++)
        expect(&(struct labelforge){.mid = CRIT[i], .pairs = 1}, ATT_VERDICT_FAIL, "E_LBL_CRIT",
               CRIT[i]);
    expect(&(struct labelforge){.unprotected = "a1028104"}, ATT_VERDICT_FAIL, "E_LBL_CRIT",
           "outside");
    expect(&(struct labelforge){.unprotected = "a10280"}, ATT_VERDICT_FAIL, "E_LBL_CRIT",
           "empty outside");
}
END_TEST

START_TEST(C_05__label_that_stands_twice)
{
    static const struct labelforge CASES[] = {
        {.front = "0126", .pairs = 1},
        {.front = "013822", .pairs = 1},
        {.mid = "044131044132", .pairs = 2},
        {.more = "616100616100", .pairs = 2},
        {.unprotected = "a2044131044132"},
        {.unprotected = "a2616100616100"},
        {.unprotected = "a10126"},
        {.mid = "044131", .pairs = 1, .unprotected = "a1044131"},
        {.more = "616100", .pairs = 1, .unprotected = "a1616100"},
    };

    for (size_t i = 0; i < ATT_COUNT(CASES); i++)
        expect(&CASES[i], ATT_VERDICT_MALFORMED, "E_FMT_COSE", "twice");
}
END_TEST

START_TEST(C_06__not_deterministic)
{
    static const struct labelforge CASES[] = {
        {.tag = "d812"},
        {.tag = "d90012"},
        {.tag = "d9d9f7d2"}, /* self-described */
        {.array = "9804"},
        {.array = "9f", .tail = "ff"},
        {.alg = "3806"},
        {.alg = "", .front = "180126", .pairs = 1},
        {.head = "bf", .more = "ff"},
        {.head = "b804"},
        {.more = "044131", .pairs = 1}, /* behind 33 */
        {.more = "00"},                 /* behind the map */
        {.more = "1863f93c00", .pairs = 1},
        {.pairs = 1}, /* the map ends before its last pair */
        {.unprotected = "a104f93c00"},
        {.unprotected = "a2182100044131"},
        {.unprotected = "bfff"},
        {.payload_item = "580100"},
        {.payload_item = "5f4100ff"},
        {.tail = "00"},
        {.tail = "f6"},
    };

    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        char what[32];

        (void)snprintf(what, sizeof(what), "case %zu", i);
        expect(&CASES[i], ATT_VERDICT_MALFORMED, "E_FMT_CBOR", what);
    }
}
END_TEST

START_TEST(C_07__another_structure)
{
    static const char *const TAGS[] = {
        "", "d862" /* COSE_Sign */, "d1" /* COSE_Mac0 */, "d0", "d861", "d83d", "d903e6"};

    for (size_t i = 0; i < ATT_COUNT(TAGS); i++)
        expect(&(struct labelforge){.tag = TAGS[i]}, ATT_VERDICT_MALFORMED, "E_FMT_COSE", TAGS[i]);
    expect(&(struct labelforge){.tag = "d2d2"}, ATT_VERDICT_MALFORMED, "E_FMT_COSE", "tag in tag");
    expect(&(struct labelforge){.array = "85", .tail = "40"}, ATT_VERDICT_MALFORMED, "E_FMT_COSE",
           "five");
    expect(&(struct labelforge){.unprotected = "80"}, ATT_VERDICT_MALFORMED, "E_FMT_COSE",
           "no map");
    expect(&(struct labelforge){.protected_hex = "80"}, ATT_VERDICT_MALFORMED, "E_FMT_COSE",
           "no map inside");
    expect(&(struct labelforge){.context = "Signature"}, ATT_VERDICT_FAIL, "E_LBL_SIG",
           "Signature");
    expect(&(struct labelforge){.context = "CounterSignature"}, ATT_VERDICT_FAIL, "E_LBL_SIG",
           "CounterSignature");
}
END_TEST

START_TEST(C_08__no_payload)
{
    static const char *const PAYLOADS[] = {"f6", "40", "60", "80", "a0", "00"};

    for (size_t i = 0; i < ATT_COUNT(PAYLOADS); i++)
        expect(&(struct labelforge){.payload_item = PAYLOADS[i]}, ATT_VERDICT_MALFORMED,
               "E_FMT_COSE", PAYLOADS[i]);
    expect(&(struct labelforge){.array = "83", .payload_item = ""}, ATT_VERDICT_MALFORMED,
           "E_FMT_COSE", "absent");
}
END_TEST

/* The genuine signature as X9.62 writes it: SEQUENCE { r, s }. */
static struct bytes der_of(struct att_slice sig)
{
    struct bytes out = {.len = 2};

    for (size_t half = 0; half < 2; half++) {
        const uint8_t *n = sig.p + 32 * half;
        size_t pad = n[0] >= 0x80 ? 1 : 0;

        out.p[out.len++] = 0x02;
        out.p[out.len++] = (uint8_t)(32 + pad);
        out.p[out.len] = 0;
        memcpy(&out.p[out.len + pad], n, 32);
        out.len += 32 + pad;
    }
    out.p[0] = 0x30;
    out.p[1] = (uint8_t)(out.len - 2);
    return out;
}

START_TEST(C_11__signature_of_another_length)
{
    static const size_t LENGTHS[] = {0, 1, 32, 63, 65, 72, 96, 128, 1024};
    struct bytes label, der;
    struct att_cose m;
    uint8_t sig[1024] = {0};

    NEED(att_cose_parse(&m, genuine(), NULL) == ATT_OK);
    memcpy(sig, m.signature.p, m.signature.len);
    for (size_t i = 0; i < ATT_COUNT(LENGTHS); i++) {
        label = labelforge_sign_with(genuine(), att_slice_of(sig, LENGTHS[i]));
        labelforge_expect(bytes_slice(&label), &is, NULL, ATT_VERDICT_FAIL, "E_LBL_SIG", "length");
    }
    der = der_of(m.signature);
    label = labelforge_sign_with(genuine(), bytes_slice(&der));
    labelforge_expect(bytes_slice(&label), &is, NULL, ATT_VERDICT_FAIL, "E_LBL_SIG", "DER");
}
END_TEST

/* What was signed is bytes, and nothing beside them: not a context of somebody's, not the same claims said otherwise. */
START_TEST(C_20__another_context_or_another_spelling)
{
    /* 1003: an array of one policy, and the same policy as older drafts wrote it */
    static const char ARRAY[] = "1903eb8167736365", TEXT[] = "1903eb67736365";
    struct bytes otherwise = labelforge_claims(genuine(), ARRAY, TEXT, 0);
    struct labelforge f = {.payload = bytes_slice(&otherwise)};
    struct att_cose m, genuine_m;
    struct bytes label;

    expect(&f, ATT_VERDICT_PASS, "OK", "signed so it means the same");
    label = labelforge_make(&f, genuine(), &is);
    NEED(att_cose_parse(&genuine_m, genuine(), NULL) == ATT_OK);
    NEED(att_cose_parse(&m, bytes_slice(&label), NULL) == ATT_OK);
    label = labelforge_sign_with(bytes_slice(&label), genuine_m.signature);
    labelforge_expect(bytes_slice(&label), &is, NULL, ATT_VERDICT_FAIL, "E_LBL_SIG", "respelt");
    expect(&(struct labelforge){.aad = "context"}, ATT_VERDICT_FAIL, "E_LBL_SIG", "aad");
    expect(&(struct labelforge){.aad = " "}, ATT_VERDICT_FAIL, "E_LBL_SIG", "blank aad");
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"C-00", C_00__label_that_attacks_change, 0, 0},
        {"C-01", C_01__no_algorithm, 0, 0},
        {"C-02", C_02__algorithm_that_nobody_signed, 0, 0},
        {"C-03", C_03__another_algorithm, 0, 0},
        {"C-04", C_04__critical_headers, 0, 0},
        {"C-05", C_05__label_that_stands_twice, 0, 0},
        {"C-06", C_06__not_deterministic, 0, 0},
        {"C-07", C_07__another_structure, 0, 0},
        {"C-08", C_08__no_payload, 0, 0},
        {"C-11", C_11__signature_of_another_length, 0, 0},
        {"C-20", C_20__another_context_or_another_spelling, 0, 0},
    };

    issuer_open(&is);
    return attack_rows("attacks: the envelope of a label", rows, ATT_COUNT(rows));
}
