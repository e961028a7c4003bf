/* ima_signed: files of the kernel's list by their signatures, beside and instead of reference values. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "imasigs.h"
#include "need.h"
#include "policy/ima_signed.h"
#include "scene.h"
#include "suite.h"

#define HEAD                                                                                       \
    "policy: signed\nversion: 1\nrequirements:\n"                                                  \
    "  - {id: items, severity: fail, title: {en: x, ja: y}, own_items: {under: [\"/etc\"]}}\n"     \
    "  - {id: files, severity: fail, title: {en: x, ja: y}, ima_files: {unlisted: fail}}\n"
#define RULE "  - id: signed\n    severity: fail\n    title: {en: x, ja: y}\n    ima_signed: "

static const struct scene_reference REFERENCES[] = {{"/etc/a.conf", "a = 1\n"},
                                                    {"/etc/b.conf", "b = 2\n"},
                                                    {"/usr/bin/listed", "listed\n"},
                                                    {NULL, NULL}};

static uint8_t room[1024];

/* "@" in a rule becomes the three keys. */
static struct scene *scene_with(const char *rule)
{
    const char *at = strchr(rule, '@');
    char keys[3][700];
    char text[8192];
    struct scene *s = NULL;

    for (int k = 0; k < IMASIGS__KEYS; k++) {
        (void)imasigs_key(keys[k], sizeof(keys[k]), (enum imasigs_key)k, NULL);
    }
    NEED(at != NULL);
    NEED(snprintf(text, sizeof(text), HEAD RULE "%.*s%s, %s, %s%s\n", (int)(at - rule), rule,
                  keys[0], keys[1], keys[2], at + 1) < (int)sizeof(text));
    s = scene_new(text, REFERENCES);
    softlog_ima_boot_aggregate(&s->ima, s->tpm);
    return s;
}

#define ALONE "{under: [/usr], unsigned: fail, keys: [@]}"

static void measure(struct scene *s, const struct imasigs_entry *e)
{
    imasigs_measure(&s->ima, s->tpm, e);
}

static struct imasigs_entry entry(size_t row)
{
    return imasigs_entry(room, &imasigs[row], "/usr/bin/f");
}

static void expect_affirming(struct scene *s)
{
    scene_attest(s);
    ck_assert_uint_eq(s->result->reason_count, 0);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    scene_free(s);
}

/* One reason, and no label. */
static void expect_only(struct scene *s, enum att_reason reason, const char *name)
{
    scene_attest(s);
    scene_expect_reason(s, reason, name);
    ck_assert_uint_eq(s->result->reason_count, 1);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    scene_free(s);
}

static const char *with_key(const char *path, enum imasigs_key key)
{
    static char name[128];

    (void)snprintf(name, sizeof(name), "%s (key %s)", path, imasigs_ids[key]);
    return name;
}

START_TEST(ima_signed__takes_a_file_of_a_listed_key_without_a_reference_value)
{
    struct scene *s = scene_with(ALONE);
    struct imasigs_entry e = entry((size_t)_i);

    measure(s, &e);
    expect_affirming(s);
}
END_TEST

START_TEST(ima_signed__names_file_key_and_digest_of_a_bad_signature)
{
    struct scene *s = scene_with(ALONE);
    struct imasigs_entry e = entry((size_t)_i);
    struct att_slice content = att_slice_str("another file\n");
    uint8_t digest[ATT_HASH_MAX];

    NEED(att_digest(e.hash, &content, 1, digest) == ATT_OK);
    e.content = "another file\n";
    measure(s, &e);
    scene_attest(s);
    ck_assert(s->result->reason[0].has_found == (e.hash == ATT_HASH_SHA256));
    if (e.hash == ATT_HASH_SHA256) {
        ck_assert_mem_eq(s->result->reason[0].found, digest, 32);
    }
    ck_assert_str_eq(s->result->reason[0].requirement, "signed");
    expect_only(s, ATT_R_IMA_SIGBAD, with_key("/usr/bin/f", imasigs[_i].key));
}
END_TEST

START_TEST(ima_signed__refuses_what_is_unsigned_though_it_be_listed)
{
    struct scene *s = scene_with(ALONE);
    struct imasigs_entry e = entry(3);

    e.path = "/usr/bin/listed";
    e.content = "listed\n";
    e.sig.len = 0;
    measure(s, &e);
    expect_only(s, ATT_R_IMA_UNSIGNED, "/usr/bin/listed");
}
END_TEST

START_TEST(ima_signed__refuses_a_key_that_is_not_listed)
{
    struct scene *s = scene_with(ALONE);
    struct imasigs_entry e = entry(3);

    memcpy(room + 3, "\x00\x11\x22\x33", 4);
    measure(s, &e);
    expect_only(s, ATT_R_IMA_SIGKEY, "/usr/bin/f (key 00112233)");
}
END_TEST

static void spoil(struct imasigs_entry *e, int how)
{
    switch (how) {
    case 0: /* a digest as long as SHA-256 that is none */
        e->prefix = "sm3:";
        break;
    case 1: /* fs-verity, or not said to be */
        e->template_ = "ima-sigv2";
        e->prefix = "verity:sha256:";
        break;
    case 2: /* EVM */
        room[0] = 5;
        break;
    case 3: /* left over */
        e->sig.len++;
        break;
    default: /* cut */
        e->sig.len = 5;
        break;
    }
}

START_TEST(ima_signed__refuses_other_forms)
{
    struct scene *s = scene_with(ALONE);
    struct imasigs_entry e = entry(3);

    spoil(&e, _i);
    measure(s, &e);
    expect_only(s, ATT_R_IMA_SIGFORM, _i < 2 ? with_key("/usr/bin/f", IMASIGS_P256) : "/usr/bin/f");
}
END_TEST

/* The digest of an fs-verity tree can be that of a file, under a template that does not tell them apart. */
START_TEST(ima_signed__refuses_an_fsverity_signature_where_the_list_does_not_say_so)
{
    struct scene *s = scene_with(ALONE);
    struct imasigs_entry e = entry(9);

    ck_assert(imasigs[9].verity);
    e.template_ = "ima-sig";
    e.prefix = "sha256:";
    measure(s, &e);
    expect_only(s, ATT_R_IMA_SIGFORM, with_key("/usr/bin/f", IMASIGS_P256));
}
END_TEST

START_TEST(ima_signed__says_once_that_a_list_has_no_signatures)
{
    struct scene *s = scene_with(ALONE);

    softlog_ima(&s->ima, s->tpm, "/usr/bin/a", att_slice_str("a"));
    softlog_ima(&s->ima, s->tpm, "/usr/bin/b", att_slice_str("b"));
    expect_only(s, ATT_R_IMA_NOFIELD, "ima");
}
END_TEST

/* Reference values judge what no prefix covers, by whatever it is signed. */
START_TEST(ima_signed__judges_nothing_outside_its_prefixes)
{
    struct scene *s = scene_with(ALONE);
    struct imasigs_entry e = entry(3);

    e.path = "/usrlocal/f";
    measure(s, &e);
    expect_only(s, ATT_R_REF_UNLISTED, "/usrlocal/f");
}
END_TEST

START_TEST(ima_signed__judges_no_buffer)
{
    struct scene *s = scene_with(ALONE);
    struct imasigs_entry e = entry(3);

    e.template_ = "ima-buf";
    measure(s, &e);
    expect_only(s, ATT_R_REF_UNLISTED, "/usr/bin/f");
}
END_TEST

START_TEST(ima_signed__leaves_violations_to_their_rule)
{
    struct scene *s = scene_with(ALONE);
    struct imasigs_entry e = entry(3);

    measure(s, &e);
    softlog_ima_violation(&s->ima, s->tpm, "/usr/bin/f");
    expect_only(s, ATT_R_LOG_VIOLATION, "ima");
}
END_TEST

/* listed: signature or reference value, and ima_files says what has neither. */
START_TEST(ima_signed__listed_takes_either)
{
    struct scene *s = scene_with("{under: [/usr], unsigned: listed, keys: [@]}");
    struct imasigs_entry e = entry(3);

    measure(s, &e);
    e.path = "/usr/bin/listed";
    e.content = "listed\n"; /* its signature is not good: the content is known */
    measure(s, &e);
    if (_i == 0) {
        expect_affirming(s);
        return;
    }
    e.path = "/usr/bin/neither";
    e.content = "neither\n";
    e.sig.len = _i == 1 ? 0 : e.sig.len;
    measure(s, &e);
    expect_only(s, ATT_R_REF_UNLISTED, "/usr/bin/neither");
}
END_TEST

START_TEST(ima_signed__warn_is_a_warning)
{
    struct scene *s = scene_with("{under: [/usr], unsigned: warn, keys: [@]}");
    struct imasigs_entry e = entry(3);

    e.sig.len = 0;
    measure(s, &e);
    scene_attest(s);
    scene_expect_reason(s, ATT_R_IMA_UNSIGNED, "/usr/bin/f");
    ck_assert_int_eq(s->result->status, ATT_TIER_WARNING);
    scene_free(s);
}
END_TEST

/* Only new entries are sent: what was found stays, what comes is judged. */
START_TEST(ima_signed__goes_on_with_the_list)
{
    struct scene *s = scene_with(ALONE);
    struct imasigs_entry e = entry(3);

    measure(s, &e);
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    e = entry(0);
    e.path = "/usr/bin/g";
    measure(s, &e);
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    e.path = "/usr/bin/h";
    e.sig.len = 0;
    measure(s, &e);
    scene_attest(s);
    scene_expect_reason(s, ATT_R_IMA_UNSIGNED, "/usr/bin/h");
    softlog_own_file(&s->own, s->tpm, SCENE_OWN_PCR, "/etc/a.conf", att_slice_str("a = 1\n"));
    e = entry(0);
    e.path = "/usr/bin/h"; /* signed now; the unsigned one has run */
    measure(s, &e);
    expect_only(s, ATT_R_IMA_UNSIGNED, "/usr/bin/h");
}
END_TEST

/* A change notice ends a state, and a signature does not bring it back; a window excuses no signature. */
START_TEST(ima_signed__does_not_bring_back_what_a_notice_ended)
{
    static const struct scene_change CHANGES[] = {{"/usr/bin/f", IMASIGS_FILE, "new\n"},
                                                  {NULL, NULL, NULL}};
    struct scene *s = scene_with(_i == 0 ? "{under: [/usr], unsigned: listed, keys: [@]}" : ALONE);
    struct imasigs_entry e = entry(3);

    s->now_s = 1000000;
    scene_notify(s, "n-1", 999999, 1086400, CHANGES);
    measure(s, &e);
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    e.content = "new\n";
    e.sig.len = 0;
    measure(s, &e);
    scene_attest(s);
    if (_i != 0) {
        scene_expect_reason(s, ATT_R_IMA_UNSIGNED, "/usr/bin/f");
        scene_free(s);
        return;
    }
    ck_assert_int_eq(s->result->status, ATT_TIER_WARNING);
    e = entry(3);
    e.path = "/usr/bin/g"; /* by another name */
    measure(s, &e);
    scene_attest(s);
    scene_expect_reason(s, ATT_R_REF_RETIRED, "/usr/bin/g");
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    scene_free(s);
}
END_TEST

/* ---- keys ------------------------------------------------------------------------------------ */

/* One rule with these keys, under these ids. */
static struct scene *scene_with_keys(enum imasigs_key a, const char *id_a, enum imasigs_key b,
                                     const char *id_b)
{
    char keys[2][700];
    char text[4096];
    struct scene *s = NULL;

    NEED(snprintf(text, sizeof(text), HEAD RULE "{under: [/usr], unsigned: fail, keys: [%s, %s]}\n",
                  imasigs_key(keys[0], sizeof(keys[0]), a, id_a),
                  imasigs_key(keys[1], sizeof(keys[1]), b, id_b)) < (int)sizeof(text));
    s = scene_new(text, REFERENCES);
    softlog_ima_boot_aggregate(&s->ima, s->tpm);
    return s;
}

/* An id only finds keys: each that has it is tried, in whatever order they stand. */
START_TEST(ima_signed__tries_every_key_of_an_id)
{
    const char *id = imasigs_ids[IMASIGS_P256];
    struct scene *s = _i == 0 ? scene_with_keys(IMASIGS_RSA, id, IMASIGS_P256, id)
                              : scene_with_keys(IMASIGS_P256, id, IMASIGS_RSA, id);
    struct imasigs_entry e = entry(3);

    measure(s, &e);
    expect_affirming(s);
}
END_TEST

START_TEST(ima_signed__finds_a_key_by_the_id_that_the_policy_gives)
{
    struct scene *s = scene_with_keys(IMASIGS_P256, "00112233", IMASIGS_RSA, NULL);
    struct imasigs_entry e = entry(3);

    if (_i == 0) {
        measure(s, &e);
        expect_only(s, ATT_R_IMA_SIGKEY, with_key("/usr/bin/f", IMASIGS_P256));
        return;
    }
    memcpy(room + 3, "\x00\x11\x22\x33", 4);
    measure(s, &e);
    expect_affirming(s);
}
END_TEST

/* ---- what a hostile list costs --------------------------------------------------------------- */

START_TEST(signed_judge__stops_verifying_after_many_bad_ones)
{
    struct scene *s = scene_with(ALONE);
    ATT_CLEANUP(att_signed_freep) struct att_signed *judge = NULL;
    struct imasigs_entry e = entry(3);
    struct att_signed_verdict v;
    struct att_ima_entry one = {.alg = ATT_HASH_SHA256, .has_sig = true, .sig = e.sig};
    uint8_t digest[32] = {0};

    one.path = att_slice_str("/usr/x");
    one.digest = att_slice_of(digest, sizeof(digest));
    NEED(att_signed_new(&judge, s->policy) == ATT_OK);
    for (uint32_t i = 0; i < ATT_SIGNED_BAD_MAX; i++) {
        memcpy(digest, &i, sizeof(i));
        ck_assert_int_eq(att_signed_judge(&v, judge, &s->policy->requirement[2], &one), ATT_OK);
        ck_assert_int_eq(v.reason, ATT_R_IMA_SIGBAD);
        ck_assert_ptr_null(strstr(v.text, "too many"));
    }
    NEED(att_sha256(att_slice_str(IMASIGS_FILE), digest) == ATT_OK);
    ck_assert_int_eq(att_signed_judge(&v, judge, &s->policy->requirement[2], &one), ATT_OK);
    ck_assert_int_eq(v.reason, ATT_R_IMA_SIGBAD);
    ck_assert_ptr_nonnull(strstr(v.text, "too many"));
    scene_free(s);
}
END_TEST

/* What was good is known again: by all of it, and not by the digest or the signature alone. */
START_TEST(signed_judge__knows_again_only_the_whole)
{
    struct scene *s = scene_with(ALONE);
    ATT_CLEANUP(att_signed_freep) struct att_signed *judge = NULL;
    struct imasigs_entry e = entry(3);
    struct att_signed_verdict v;
    struct att_ima_entry one = {.alg = ATT_HASH_SHA256, .has_sig = true, .sig = e.sig};
    uint8_t digest[32];

    NEED(att_sha256(att_slice_str(IMASIGS_FILE), digest) == ATT_OK);
    one.digest = att_slice_of(digest, sizeof(digest));
    NEED(att_signed_new(&judge, s->policy) == ATT_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(att_signed_judge(&v, judge, &s->policy->requirement[2], &one), ATT_OK);
        ck_assert_int_eq(v.reason, ATT_R_NONE);
    }
    one.verity = true;
    ck_assert_int_eq(att_signed_judge(&v, judge, &s->policy->requirement[2], &one), ATT_OK);
    ck_assert_int_eq(v.reason, ATT_R_IMA_SIGFORM);
    one.verity = false;
    one.alg = ATT_HASH_SM3;
    ck_assert_int_eq(att_signed_judge(&v, judge, &s->policy->requirement[2], &one), ATT_OK);
    ck_assert_int_eq(v.reason, ATT_R_IMA_SIGFORM);
    one.alg = ATT_HASH_SHA256;
    digest[31] ^= 1;
    ck_assert_int_eq(att_signed_judge(&v, judge, &s->policy->requirement[2], &one), ATT_OK);
    ck_assert_int_eq(v.reason, ATT_R_IMA_SIGBAD);
    digest[31] ^= 1;
    room[40] ^= 1;
    ck_assert_int_eq(att_signed_judge(&v, judge, &s->policy->requirement[2], &one), ATT_OK);
    ck_assert_int_eq(v.reason, ATT_R_IMA_SIGBAD);
    scene_free(s);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {ima_signed__takes_a_file_of_a_listed_key_without_a_reference_value, IMASIGS__ROWS},
        {ima_signed__names_file_key_and_digest_of_a_bad_signature, IMASIGS__ROWS},
        {ima_signed__refuses_what_is_unsigned_though_it_be_listed, 0},
        {ima_signed__refuses_a_key_that_is_not_listed, 0},
        {ima_signed__refuses_other_forms, 5},
        {ima_signed__refuses_an_fsverity_signature_where_the_list_does_not_say_so, 0},
        {ima_signed__says_once_that_a_list_has_no_signatures, 0},
        {ima_signed__judges_nothing_outside_its_prefixes, 0},
        {ima_signed__judges_no_buffer, 0},
        {ima_signed__leaves_violations_to_their_rule, 0},
        {ima_signed__listed_takes_either, 3},
        {ima_signed__warn_is_a_warning, 0},
        {ima_signed__goes_on_with_the_list, 0},
        {ima_signed__does_not_bring_back_what_a_notice_ended, 2},
        {ima_signed__tries_every_key_of_an_id, 2},
        {ima_signed__finds_a_key_by_the_id_that_the_policy_gives, 2},
        {signed_judge__stops_verifying_after_many_bad_ones, 0},
        {signed_judge__knows_again_only_the_whole, 0},
    };

    return SUITE_RUN_ROWS("ima_signed", rows, NULL);
}
