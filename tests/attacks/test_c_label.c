/* Group C, what a label says: whose it is, when and for whom, and that bytes which mean the same are the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "base/file.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "labelforge.h"
#include "loghouse.h"
#include "need.h"

#define DAY 86400

static struct issuer is;

/* A label of gw-1 as these facts have it; the caller's. */
static struct att_buf *label_of(struct issuer *by, const struct att_label_facts *facts)
{
    struct scene *s = scene_new(NULL, NULL);
    struct att_buf *label = NULL;

    scene_attest(s);
    label = issuer_label(by, s, facts);
    scene_free(s);
    return label;
}

static struct att_buf *genuine(void)
{
    struct att_label_facts facts = issuer_facts(&is);

    return label_of(&is, &facts);
}

/* The genuine label with other claims, signed by the issuer, gets this from a partner. */
static void expect_claims(const char *from, const char *to, int head, enum att_verdict verdict,
                          const char *code)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = genuine();
    struct bytes claims = labelforge_claims(att_buf_slice(label), from, to, head);
    struct labelforge f = {.payload = bytes_slice(&claims)};
    struct bytes made = labelforge_make(&f, att_buf_slice(label), &is);

    labelforge_expect(bytes_slice(&made), &is, NULL, verdict, code, to);
}

static void expect(struct att_slice label, enum att_verdict verdict, const char *code,
                   const char *what)
{
    labelforge_expect(label, &is, NULL, verdict, code, what);
}

/* Headers that offer trust: kcwt, kccs (claims with a key), x5t, x5u, and one of nobody. Signed, and still nobody's word. */
START_TEST(C_09__trust_that_the_label_brings_along)
{
    static const char *const MID[] = {NULL, "0da0", "0ea108a10101", NULL, NULL, NULL};
    static const char *const MORE[] = {
        NULL, NULL, NULL, "1822822f4100", "182370687474703a2f2f6576696c2e74657374", "1863a10141aa"};
    ATT_CLEANUP(att_buf_freep) struct att_buf *own = genuine();
    ATT_CLEANUP(att_buf_freep) struct att_buf *theirs = NULL;
    struct att_label_facts facts;
    struct issuer stranger;
    struct att_slice chain[2];

    issuer_open(&stranger);
    facts = issuer_facts(&stranger);
    theirs = label_of(&stranger, &facts);
    for (size_t i = 0; i < ATT_COUNT(MID); i++) {
        struct labelforge f = {
            .mid = MID[i], .more = MORE[i], .pairs = MID[i] != NULL || MORE[i] != NULL ? 1 : 0};
        struct bytes made = labelforge_make(&f, att_buf_slice(theirs), &stranger);

        expect(bytes_slice(&made), ATT_VERDICT_UNDECIDED, "E_LBL_KEY", "a stranger's");
        made = labelforge_make(&f, att_buf_slice(own), &is);
        expect(bytes_slice(&made), ATT_VERDICT_PASS, "OK", "the issuer's");
    }
    chain[0] = stranger.chain[0];
    chain[1] = att_cert_der(stranger.root);
    facts.x5chain = chain;
    facts.x5chain_count = 2;
    att_buf_freep(&theirs);
    theirs = label_of(&stranger, &facts);
    expect(att_buf_slice(theirs), ATT_VERDICT_UNDECIDED, "E_LBL_KEY", "its own root inside");
    issuer_close(&stranger);
}
END_TEST

/* The kid of the issuer's own key, whole or nearly, makes a stranger's label no issuer's; nor does a path, or 4 KiB. */
START_TEST(C_10__kid_of_somebody_else)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *own = genuine();
    ATT_CLEANUP(att_buf_freep) struct att_buf *theirs = NULL;
    static char kid[5][8300];
    uint8_t print[32];
    char hex[65];
    struct att_label_facts facts;
    struct issuer stranger;

    issuer_open(&stranger);
    facts = issuer_facts(&stranger);
    theirs = label_of(&stranger, &facts);
    NEED(att_pubkey_fingerprint(print, is.signer->public_key) == ATT_OK);
    (void)att_hex_encode(hex, sizeof(hex), att_slice_of(print, sizeof(print)));
    (void)snprintf(kid[0], sizeof(kid[0]), "045820%s", hex);
    (void)snprintf(kid[1], sizeof(kid[1]), "04581f%.62s", hex);
    (void)snprintf(kid[2], sizeof(kid[2]), "04582100%s", hex);
    (void)snprintf(kid[3], sizeof(kid[3]), "04542e2e2f2e2e2f74727573742f726f6f742e70656d");
    (void)snprintf(kid[4], sizeof(kid[4]), "04591000%08192d", 0); /* 4 KiB */
    for (size_t i = 0; i < ATT_COUNT(kid); i++) {
        struct labelforge f = {.mid = kid[i], .pairs = 1};
        struct bytes made = labelforge_make(&f, att_buf_slice(theirs), &stranger);

        expect(bytes_slice(&made), ATT_VERDICT_UNDECIDED, "E_LBL_KEY", kid[i]);
        made = labelforge_make(&f, att_buf_slice(own), &is);
        expect(bytes_slice(&made), ATT_VERDICT_PASS, "OK", kid[i]);
    }
    issuer_close(&stranger);
}
END_TEST

/* Where a kid does name the key, in entries of the log: it is that key or it is not, to the last bit. */
START_TEST(C_10__kid_that_is_nearly_the_keys)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *entry = NULL;
    struct loghouse_room room;
    struct att_entry_facts f;
    struct att_diag diag = {0};
    struct att_entry e;
    struct loghouse h;
    uint8_t *kid = NULL;
    uint8_t print[32];

    loghouse_open(&h);
    f = loghouse_label(&h, &room, 1);
    NEED(att_entry_make(&entry, &f, h.is.signer) == ATT_OK);
    NEED(att_pubkey_fingerprint(print, h.is.signer->public_key) == ATT_OK);
    kid = memmem(att_buf_slice(entry).p, att_buf_len(entry), print, sizeof(print));
    NEED(kid != NULL && att_entry_parse(&e, att_buf_slice(entry), NULL) == ATT_OK);
    ck_assert_int_eq(att_entry_verify(&e, h.is.signer->public_key, NULL), ATT_OK);
    e.key[_i == 0 ? 0 : 31] ^= 1;
    ck_assert_int_eq(att_entry_verify(&e, h.is.signer->public_key, &diag), ATT_E_UNTRUSTED);
    ck_assert_str_eq(att_reason_code(diag.reason), "E_TL_SIGNATURE");
    loghouse_close(&h);
}
END_TEST

/* The other form of the signature holds as well: the label is the same one, and whatever was said of it is said of this. */
START_TEST(C_12__other_s_is_no_other_label)
{
    struct att_label_facts facts = issuer_facts(&is);
    struct att_status_facts list_facts = issuer_status_facts(&is);
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *list = NULL;
    struct att_offline_list l = {0};
    struct att_trust_rules rules = {.status_list = &l};
    struct att_cose m;
    struct bytes other;
    uint8_t sig[64];

    facts.status_uri = ISSUER_URI;
    facts.status_index = 13;
    label = label_of(&is, &facts);
    NEED(att_cose_parse(&m, att_buf_slice(label), NULL) == ATT_OK);
    labelforge_other_s(sig, m.signature);
    other = labelforge_sign_with(att_buf_slice(label), att_slice_of(sig, sizeof(sig)));
    expect(bytes_slice(&other), ATT_VERDICT_PASS, "OK", "other s");
    list = issuer_list(&is, &list_facts, 13, ATT_STATUS_INVALID);
    NEED(att_offline_list_open(&l, att_buf_slice(list), is.anchors) == ATT_OK);
    labelforge_expect(att_buf_slice(label), &is, &rules, ATT_VERDICT_FAIL, "E_LBL_REVOKED",
                      "label");
    labelforge_expect(bytes_slice(&other), &is, &rules, ATT_VERDICT_FAIL, "E_LBL_REVOKED",
                      "other s of a revoked label");
    att_offline_list_close(&l);
}
END_TEST

/* A log that takes the same statement in once more under the other s does not get past its auditor. */
START_TEST(C_12__other_s_is_no_other_entry)
{
    static char out[65536];
    static const char *const args[] = {"log", "audit", "@log", NULL};
    ATT_CLEANUP(att_buf_freep) struct att_buf *entry = NULL;
    struct loghouse_room room;
    struct att_entry_facts f;
    struct bytes other;
    struct att_cose m;
    struct loghouse h;
    uint8_t sig[64];

    loghouse_open(&h);
    loghouse_enrol(&h, 1);
    f = loghouse_label(&h, &room, 1);
    NEED(att_entry_make(&entry, &f, h.is.signer) == ATT_OK);
    loghouse_add_bytes(&h, att_buf_slice(entry));
    loghouse_sign(&h);
    ck_assert_int_eq(loghouse_ctl(&h, out, sizeof(out), args), 0);
    NEED(att_cose_parse(&m, att_buf_slice(entry), NULL) == ATT_OK);
    labelforge_other_s(sig, m.signature);
    other = labelforge_sign_with(att_buf_slice(entry), att_slice_of(sig, sizeof(sig)));
    loghouse_add_bytes(&h, bytes_slice(&other));
    loghouse_sign(&h);
    ck_assert_int_eq(loghouse_ctl(&h, out, sizeof(out), args), 1);
    ck_assert_msg(strstr(out, "\"code\":\"E_TL_LABELS\"") != NULL, "%s", out);
    loghouse_close(&h);
}
END_TEST

static const struct {
    const char *what;
    int64_t iat, exp; /* seconds after now */
    enum att_verdict verdict;
} TIMES[] = {
    {"an hour, from now", 0, 3600, ATT_VERDICT_PASS},
    {"in the last second", -3600, 1, ATT_VERDICT_PASS},
    {"ended just now", -3600, 0, ATT_VERDICT_FAIL},
    {"ended long ago", -3600, -1800, ATT_VERDICT_FAIL},
    {"ends before it begins", 200, 100, ATT_VERDICT_FAIL},
    {"ends when it begins", 100, 100, ATT_VERDICT_FAIL},
    {"ends in a hundred years", 0, 36525LL * DAY, ATT_VERDICT_FAIL},
    {"90 days", 0, 90 * DAY, ATT_VERDICT_PASS},
    {"90 days and a second", 0, 90 * DAY + 1, ATT_VERDICT_FAIL},
    {"begins within the skew of clocks", 300, 3600, ATT_VERDICT_PASS},
    {"begins later", 301, 3600, ATT_VERDICT_FAIL},
    {"begins tomorrow", DAY, 2 * DAY, ATT_VERDICT_FAIL},
};

START_TEST(C_13__time)
{
    struct att_label_facts facts = issuer_facts(&is);
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    bool pass = TIMES[_i].verdict == ATT_VERDICT_PASS;

    facts.iat = ISSUER_NOW + TIMES[_i].iat;
    facts.exp = ISSUER_NOW + TIMES[_i].exp;
    label = label_of(&is, &facts);
    expect(att_buf_slice(label), TIMES[_i].verdict, pass ? "OK" : "E_LBL_TIME", TIMES[_i].what);
}
END_TEST

START_TEST(C_13__no_end)
{
    char exp[32];

    (void)snprintf(exp, sizeof(exp), "041a%08x", ISSUER_NOW + 3600);
    expect_claims(exp, "", 0xaf, ATT_VERDICT_MALFORMED, "E_LBL_TIME");
}
END_TEST

START_TEST(C_14__label_of_another_device)
{
    static const char *const IDS[] = {"gw-2", "gw-10", "gw", "GW-1", ""};
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = genuine();
    struct att_trust_rules rules = {.device_id = "gw-1"};

    labelforge_expect(att_buf_slice(label), &is, &rules, ATT_VERDICT_PASS, "OK", "its own");
    for (size_t i = 0; i < ATT_COUNT(IDS); i++) {
        rules.device_id = IDS[i];
        labelforge_expect(att_buf_slice(label), &is, &rules, ATT_VERDICT_FAIL, "E_LBL_SUBJECT",
                          IDS[i]);
    }
}
END_TEST

/* "aud" behind "sub": one name, several, no text at all. */
START_TEST(C_14__label_for_another_audience)
{
    static const char *const AUD[] = {
        "037268747470733a2f2f6f746865722e74657374",
        "038261616162",
        "036d76657269666965722e74657374", /* not even its issuer */
        "0340",
    };
    char exp[32];

    (void)snprintf(exp, sizeof(exp), "041a%08x", ISSUER_NOW + 3600);
    for (size_t i = 0; i < ATT_COUNT(AUD); i++) {
        char with[96];

        (void)snprintf(with, sizeof(with), "%s%s", AUD[i], exp);
        expect_claims(exp, with, 0xb1, ATT_VERDICT_FAIL, "E_LBL_AUD");
    }
}
END_TEST

/* ear_status of the label as a whole: 1000 behind the gateway's part, followed by 1004. */
START_TEST(C_15__status_of_another_form)
{
    static const char *const STATUS[] = {
        "1903e86961666669726d696e67",   /* "affirming" */
        "1903e8c249010000000000000000", /* 2^64 */
        "1903e81bffffffffffffffff",     "1903e803", "1903e8f5", "1903e8f6", "1903e821",
    };

    for (size_t i = 0; i < ATT_COUNT(STATUS); i++) {
        char claims[96];

        (void)snprintf(claims, sizeof(claims), "%s1903ec", STATUS[i]);
        expect_claims("1903e8021903ec", claims, 0, ATT_VERDICT_MALFORMED, "E_LBL_CLAIM");
    }
}
END_TEST

/* Missing beside a gateway whose own status is "none": no other check would look at it. */
START_TEST(C_15__no_status)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = genuine();
    struct labelforge f = {0};
    struct bytes claims, made;

    expect_claims("1903e8021903ec", "1903ec", 0xaf, ATT_VERDICT_MALFORMED, "E_LBL_CLAIM");
    claims = labelforge_claims(att_buf_slice(label), "1903e8021903e9", "1903e8001903e9", 0);
    f.payload = bytes_slice(&claims);
    made = labelforge_make(&f, att_buf_slice(label), &is);
    claims = labelforge_claims(bytes_slice(&made), "1903e8021903ec", "1903ec", 0xaf);
    f.payload = bytes_slice(&claims);
    made = labelforge_make(&f, att_buf_slice(label), &is);
    expect(bytes_slice(&made), ATT_VERDICT_MALFORMED, "E_LBL_CLAIM", "none");
}
END_TEST

/* A profile that is not known may ask for anything: nothing of such a label is judged. */
START_TEST(C_16__unknown_profile)
{
    static const char EAR[] = "6561722330"
                              "34",
                      OTHER[] = "6561722330"
                                "35"; /* ear#04 */
    static const char GATEWAY[] = "676174657761792331", NEXT[] = "676174657761792332";

    expect_claims(EAR, OTHER, 0, ATT_VERDICT_FAIL, "E_LBL_PROFILE");
    expect_claims(GATEWAY, NEXT, 0, ATT_VERDICT_FAIL, "E_LBL_PROFILE");
}
END_TEST

/* Only a profile can make a claim mandatory: one that ours does not know is passed over. */
START_TEST(C_16__unknown_claim)
{
    expect_claims("1903e8021903ec", "1903e7f51903e8021903ec", 0xb1, ATT_VERDICT_PASS, "OK");
}
END_TEST

START_TEST(C_21__any_bit)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = genuine();
    struct att_offline *o = calloc(1, sizeof(*o));
    static const struct att_trust_rules none;
    size_t len = att_buf_len(label);
    uint8_t *copy = malloc(len);

    NEED(o != NULL && copy != NULL);
    memcpy(copy, att_buf_slice(label).p, len);
    for (size_t bit = 0; bit < len * 8; bit++) {
        copy[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        ck_assert_int_eq(
            att_offline_check(o, att_slice_of(copy, len), is.anchors, &none, ISSUER_NOW), ATT_OK);
        ck_assert_msg(o->verdict != ATT_VERDICT_PASS, "bit %zu verifies", bit);
        copy[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    free(copy);
    free(o);
}
END_TEST

/* The same at a partner's desk: what the program answers, and with which exit code. */
START_TEST(C_exit__codes_of_the_program)
{
    static const struct {
        struct labelforge f;
        bool stranger;
        int code;
        const char *reason;
    } CASES[] = {
        {{0}, false, 0, "\"verdict\""},
        {{.alg = ""}, false, 4, "E_LBL_ALG"},
        {{.alg = "", .unprotected = "a10126"}, false, 4, "E_LBL_ALG"},
        {{.alg = "3822"}, false, 1, "E_LBL_ALG"},
        {{.mid = "0280", .pairs = 1}, false, 1, "E_LBL_CRIT"},
        {{.tail = "00"}, false, 4, "E_FMT_CBOR"},
        {{.payload_item = "f6"}, false, 4, "E_FMT_COSE"},
        {{.aad = "x"}, false, 1, "E_LBL_SIG"},
        {{0}, true, 3, "E_LBL_KEY"},
    };
    static const char *const args[] = {"label", "verify", "@a.label", NULL};
    static char out[65536];
    struct loghouse h;
    struct issuer stranger;
    struct att_label_facts facts;

    loghouse_open(&h);
    issuer_open(&stranger);
    (void)remove(h.vkey); /* a partner who does not ask for the log */
    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
        struct issuer *by = CASES[i].stranger ? &stranger : &h.is;
        struct bytes made;
        char path[64];
        int code;

        facts = issuer_facts(by);
        label = label_of(by, &facts);
        made = labelforge_make(&CASES[i].f, att_buf_slice(label), by);
        (void)snprintf(path, sizeof(path), "%s/a.label", h.dir);
        NEED(att_file_write(path, bytes_slice(&made), 0644, NULL) == ATT_OK);
        code = loghouse_ctl(&h, out, sizeof(out), args);
        ck_assert_msg(code == CASES[i].code && strstr(out, CASES[i].reason) != NULL,
                      "case %zu: %d %s", i, code, out);
    }
    issuer_close(&stranger);
    loghouse_close(&h);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"C-09", C_09__trust_that_the_label_brings_along, 0, 0},
        {"C-10", C_10__kid_of_somebody_else, 0, 0},
        {"C-10-entry", C_10__kid_that_is_nearly_the_keys, 2, 0},
        {"C-12", C_12__other_s_is_no_other_label, 0, 0},
        {"C-12-entry", C_12__other_s_is_no_other_entry, 0, 0},
        {"C-13", C_13__time, (int)ATT_COUNT(TIMES), 0},
        {"C-13-end", C_13__no_end, 0, 0},
        {"C-14", C_14__label_of_another_device, 0, 0},
        {"C-14-audience", C_14__label_for_another_audience, 0, 0},
        {"C-15-status", C_15__status_of_another_form, 0, 0},
        {"C-15-none", C_15__no_status, 0, 0},
        {"C-16", C_16__unknown_profile, 0, 0},
        {"C-16-claim", C_16__unknown_claim, 0, 0},
        {"C-21", C_21__any_bit, 0, 60},
        {"C-exit", C_exit__codes_of_the_program, 0, 60},
    };

    issuer_open(&is);
    return attack_rows("attacks: what a label says", rows, ATT_COUNT(rows));
}
