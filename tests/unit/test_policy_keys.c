/* ima_signed in a policy: its keys in both forms, what is refused, and what a change of them means. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "imasigs.h"
#include "need.h"
#include "policy/policy_internal.h"
#include "policy/policy_words.h"
#include "suite.h"

#define HEAD                                                                                       \
    "policy: p\nversion: 1\nrequirements:\n"                                                       \
    "  - {id: R-1, title: {en: a, ja: b}, severity: fail, ima_files: {unlisted: fail}}\n"
#define RULE HEAD "  - id: R-2\n    title: {en: a, ja: b}\n    severity: fail\n    "

static char text[32768];

/* In a pattern, R, P and Q after a dollar become keys as the policy has them: RSA, P-256, P-384. */
static const char *with_keys(const char *pattern)
{
    static const char NAMES[] = "RPQ";
    size_t at = 0;

    for (const char *p = pattern; *p != '\0'; p++) {
        const char *which = *p == '$' ? strchr(NAMES, p[1]) : NULL;

        NEED(at + 800 < sizeof(text));
        if (which == NULL) {
            text[at++] = *p;
            continue;
        }
        (void)imasigs_key(text + at, 800, (enum imasigs_key)(which - NAMES), NULL);
        at += strlen(text + at);
        p++;
    }
    text[at] = '\0';
    return text;
}

static struct att_policy *policy(const char *pattern)
{
    struct att_policy *p = NULL;
    struct att_diag diag = {0};
    enum att_err err =
        att_policy_parse_yaml(&p, "p.yaml", att_slice_str(with_keys(pattern)), &diag);

    ck_assert_msg(err == ATT_OK, "%s", diag.text);
    return p;
}

START_TEST(ima_signed__is_the_same_policy_in_every_form)
{
    struct att_policy *p =
        policy(RULE "ima_signed: {under: [/usr, /opt], unsigned: listed, keys: [$R, $P, $Q]}\n");
    struct att_policy *again = NULL;
    struct att_policy *printed = NULL;
    struct att_buf *encoded = NULL;
    struct att_buf *yaml = NULL;
    char words[ATT_POLICY_WORDS];

    ck_assert_uint_eq(p->requirement[1].key_count, 3);
    ck_assert_int_eq(p->requirement[1].unlisted, ATT_SEVERITY_IGNORE);
    ck_assert_int_eq(att_policy_encode(&encoded, p), ATT_OK);
    ck_assert_int_eq(att_policy_decode(&again, att_buf_slice(encoded), NULL), ATT_OK);
    ck_assert_mem_eq(p->digest, again->digest, 32);
    ck_assert_int_eq(att_policy_print_yaml(&yaml, p), ATT_OK);
    ck_assert_int_eq(att_policy_parse_yaml(&printed, "again", att_buf_slice(yaml), NULL), ATT_OK);
    ck_assert_mem_eq(p->digest, printed->digest, 32);
    for (size_t k = 0; k < 3; k++) {
        struct bytes id = bytes_unhex(imasigs_ids[k]);

        ck_assert_mem_eq(again->requirement[1].key[k].id, id.p, ATT_POLICY_KEYID_LEN);
        ck_assert(att_pubkey_eq(again->requirement[1].key[k].key, p->requirement[1].key[k].key));
    }
    (void)att_requirement_words(words, sizeof(words), &p->requirement[1], false);
    ck_assert_ptr_nonnull(strstr(words, "/usr, /opt is signed by one of 3 keys, or has"));
    for (size_t cut = 0; cut < att_buf_len(encoded); cut++) {
        struct att_policy *none = NULL;

        ck_assert_int_ne(
            att_policy_decode(&none, att_slice_of(att_buf_slice(encoded).p, cut), NULL), ATT_OK);
    }
    att_policy_free(p);
    att_policy_free(again);
    att_policy_free(printed);
    att_buf_free(encoded);
    att_buf_free(yaml);
}
END_TEST

/* Every byte of the keys is part of what the policy's digest names, or of a policy that is none. */
START_TEST(ima_signed__a_changed_byte_is_another_policy_or_none)
{
    struct att_policy *p = policy(RULE "ima_signed: {under: [/u], unsigned: fail, keys: [$P]}\n");
    struct att_buf *encoded = NULL;
    uint8_t copy[1024];
    size_t len = 0;

    ck_assert_int_eq(att_policy_encode(&encoded, p), ATT_OK);
    len = att_buf_len(encoded);
    ck_assert_uint_lt(len, sizeof(copy));
    memcpy(copy, att_buf_slice(encoded).p, len);
    for (size_t at = len - 110; at < len; at++) {
        struct att_policy *other = NULL;

        copy[at] ^= 1;
        if (att_policy_decode(&other, att_slice_of(copy, len), NULL) == ATT_OK) {
            ck_assert_mem_ne(other->digest, p->digest, 32);
        }
        att_policy_free(other);
        copy[at] ^= 1;
    }
    att_policy_free(p);
    att_buf_free(encoded);
}
END_TEST

#define SIGNED(rest) RULE "ima_signed: {under: [/usr], " rest "}\n"
#define ED25519      "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="

static const struct {
    const char *pattern, *says;
} REFUSED[] = {
    {SIGNED("unsigned: fail"), "missing key: keys"},
    {SIGNED("keys: [$P]"), "missing key: unsigned"},
    {RULE "ima_signed: {unsigned: fail, keys: [$P]}\n", "missing key: under"},
    {RULE "ima_signed: {under: [], unsigned: fail, keys: [$P]}\n", "not empty"},
    {SIGNED("unsigned: fail, keys: []"), "not empty"},
    {SIGNED("unsigned: ignore, keys: [$P]"), "fail, warn, listed"},
    {SIGNED("unsigned: fail, keys: [abc]"), ""},
    {SIGNED("unsigned: fail, keys: [{id: \"00112233\"}]"), "missing key: key"},
    {SIGNED("unsigned: fail, keys: [{key: \"AAAA\", colour: red}]"), "colour"},
    {SIGNED("unsigned: fail, keys: [{key: \"A\"}]"), "in base64"},
    {SIGNED("unsigned: fail, keys: [{key: \"\"}]"), "at most 640 bytes"},
    {SIGNED("unsigned: fail, keys: [{key: \"AAAA\"}]"), "SubjectPublicKeyInfo"},
    {SIGNED("unsigned: fail, keys: [{key: \"" ED25519 "\"}]"), "RSA or ECDSA"},
    {SIGNED("unsigned: fail, keys: [{key: \"" ED25519 "\", id: \"123\"}]"), "8 hexadecimal"},
    {SIGNED("unsigned: fail, keys: [{key: \"" ED25519 "\", id: \"0011223344\"}]"), "8 hexadecimal"},
    {SIGNED("unsigned: fail, keys: [$P, $R, $P]"), "listed twice"},
    {SIGNED("unsigned: fail, keys: [$P], colour: red"), "colour"},
    {RULE "not: {ima_signed: {under: [/usr], unsigned: fail, keys: [$P]}}\n", "stand alone"},
    /* nobody would judge what is outside of /usr */
    {"policy: p\nversion: 1\nrequirements:\n  - {id: R-2, title: {en: a, ja: b}, severity: fail, "
     "ima_signed: {under: [/usr], unsigned: fail, keys: [$P]}}\n",
     "needs a requirement ima_files"},
};

START_TEST(ima_signed__refusals_say_what_was_expected)
{
    struct att_policy *p = NULL;
    struct att_diag diag = {0};
    enum att_err err =
        att_policy_parse_yaml(&p, "p.yaml", att_slice_str(with_keys(REFUSED[_i].pattern)), &diag);

    ck_assert_int_ne(err, ATT_OK);
    ck_assert_ptr_null(p);
    ck_assert_msg(strncmp(diag.text, "p.yaml:", 7) == 0, "%s", diag.text);
    ck_assert_msg(strstr(diag.text, REFUSED[_i].says) != NULL, "row %d: \"%s\"", _i, diag.text);
}
END_TEST

/* Seventeen keys, by one key under as many ids: a bound is on what is listed. */
START_TEST(ima_signed__takes_sixteen_keys_and_no_more)
{
    struct bytes der = bytes_unhex(imasigs_spki[IMASIGS_P256]);
    struct att_requirement r = {.predicate = ATT_PRED_IMA_SIGNED};

    for (uint8_t i = 0; i <= ATT_POLICY_KEYS_MAX; i++) {
        const uint8_t id[ATT_POLICY_KEYID_LEN] = {0, 0, 0, i};

        ck_assert_int_eq(att_requirement_add_key(&r, id, bytes_slice(&der), NULL),
                         i < ATT_POLICY_KEYS_MAX ? ATT_OK : ATT_E_CONFIG);
    }
    ck_assert_uint_eq(r.key_count, ATT_POLICY_KEYS_MAX);
    att_requirement_clear_keys(&r);
    ck_assert_uint_eq(r.key_count, 0);
}
END_TEST

/* Bytes behind a key, or another spelling of it, would be another policy for the same keys. */
START_TEST(ima_signed__one_key_has_one_spelling)
{
    struct bytes der = bytes_unhex(imasigs_spki[IMASIGS_RSA]);
    struct att_requirement r = {.predicate = ATT_PRED_IMA_SIGNED};
    struct att_diag diag = {0};

    der.p[der.len++] = 0;
    ck_assert_int_eq(att_requirement_add_key(&r, NULL, bytes_slice(&der), &diag), ATT_E_CONFIG);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_POLICY);
    der.len = ATT_POLICY_KEY_MAX + 1;
    ck_assert_int_eq(att_requirement_add_key(&r, NULL, bytes_slice(&der), &diag), ATT_E_CONFIG);
    ck_assert_uint_eq(r.key_count, 0);
}
END_TEST

static const struct {
    const char *before, *after;
    enum att_policy_effect effect;
} CHANGES[] = {
    {"unsigned: fail, keys: [$P]", "unsigned: fail, keys: [$P, $R]", ATT_EFFECT_LOOSER},
    {"unsigned: fail, keys: [$P, $R]", "unsigned: fail, keys: [$R]", ATT_EFFECT_STRICTER},
    {"unsigned: fail, keys: [$P]", "unsigned: fail, keys: [$R]", ATT_EFFECT_OTHER},
    {"unsigned: fail, keys: [$P]", "unsigned: warn, keys: [$P]", ATT_EFFECT_LOOSER},
    {"unsigned: listed, keys: [$P, $Q]", "unsigned: fail, keys: [$P]", ATT_EFFECT_STRICTER},
    {"unsigned: listed, keys: [$P]", "unsigned: fail, keys: [$P, $Q]", ATT_EFFECT_OTHER},
};

START_TEST(ima_signed__a_change_of_keys_is_stricter_or_looser)
{
    char pattern[1024];
    struct att_policy *p[2];
    struct att_policy_diff *d = NULL;

    for (int i = 0; i < 2; i++) {
        (void)snprintf(pattern, sizeof(pattern), RULE "ima_signed: {under: [/usr], %s}\n",
                       i == 0 ? CHANGES[_i].before : CHANGES[_i].after);
        p[i] = policy(pattern);
    }
    ck_assert_int_eq(att_policy_diff(&d, p[0], p[1]), ATT_OK);
    ck_assert_uint_eq(d->count, 1);
    ck_assert_int_eq(d->change[0].effect, CHANGES[_i].effect);
    att_policy_diff_free(d);
    att_policy_free(p[0]);
    att_policy_free(p[1]);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {ima_signed__is_the_same_policy_in_every_form, 0},
        {ima_signed__a_changed_byte_is_another_policy_or_none, 0},
        {ima_signed__refusals_say_what_was_expected, (int)ATT_COUNT(REFUSED)},
        {ima_signed__takes_sixteen_keys_and_no_more, 0},
        {ima_signed__one_key_has_one_spelling, 0},
        {ima_signed__a_change_of_keys_is_stricter_or_looser, (int)ATT_COUNT(CHANGES)},
    };

    return SUITE_RUN_ROWS("policy_keys", rows, NULL);
}
