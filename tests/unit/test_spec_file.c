/* Specifications as signed files, and which may take the place of which. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/key.h"
#include "need.h"
#include "policy/policy_file.h"
#include "prov/spec.h"
#include "prov/unit.h"
#include "spectest.h"

static struct att_signer *new_signer(struct att_signers *list)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *spki = NULL;
    struct att_privkey *key = NULL;
    struct att_signer *signer = NULL;

    NEED(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_signer_software(&signer, key) == ATT_OK);
    NEED(att_pubkey_spki(&spki, signer->public_key) == ATT_OK);
    if (list != NULL) {
        NEED(att_signers_add(list, "plant", att_buf_slice(spki), NULL) == ATT_OK);
    }
    return signer;
}

static struct att_buf *signed_by(const struct att_spec *s, const struct att_signer *signer)
{
    struct att_buf *out = NULL;

    NEED(att_spec_sign(&out, s, signer) == ATT_OK);
    return out;
}

START_TEST(spec_open__takes_what_a_listed_signer_signed)
{
    struct att_signers *list = NULL;
    struct att_spec *s = spec_of(spec_text);
    struct att_spec *opened = NULL;
    struct att_signer *signer = NULL;
    struct att_buf *file = NULL;
    struct att_spec_origin from = {0};
    uint8_t kid[32];

    NEED(att_signers_new(&list) == ATT_OK);
    signer = new_signer(list);
    file = signed_by(s, signer);
    ck_assert_int_eq(att_spec_open(&opened, att_buf_slice(file), list, NULL), ATT_OK);
    ck_assert_mem_eq(opened->digest, s->digest, 32);
    att_spec_freep(&opened);
    ck_assert_int_eq(att_spec_peek(&opened, "f", att_buf_slice(file), &from, NULL), ATT_OK);
    NEED(att_pubkey_fingerprint(kid, signer->public_key) == ATT_OK);
    ck_assert(from.is_signed);
    ck_assert_mem_eq(from.kid, kid, 32);
    att_spec_free(opened);
    att_buf_free(file);
    att_signer_free(signer);
    att_signers_free(list);
    att_spec_free(s);
}
END_TEST

static void refused(struct att_slice in, const struct att_signers *list)
{
    struct att_spec *s = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_spec_open(&s, in, list, &diag), ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_SPECSIG);
    ck_assert_ptr_null(s);
}

START_TEST(spec_open__refuses_every_other_signature_and_none)
{
    struct att_signers *list = NULL;
    struct att_spec *s = spec_of(spec_text);
    struct att_signer *listed = NULL;
    struct att_signer *other = new_signer(NULL);
    struct att_buf *file = signed_by(s, other);
    uint8_t bytes[8192];
    size_t len = 0;

    NEED(att_signers_new(&list) == ATT_OK);
    listed = new_signer(list);
    refused(att_buf_slice(file), list);
    refused(att_buf_slice(file), NULL);
    refused(att_slice_str(spec_text), list);
    att_buf_free(file);
    file = signed_by(s, listed);
    len = att_buf_len(file);
    NEED(len <= sizeof(bytes));
    memcpy(bytes, att_buf_slice(file).p, len);
    bytes[len - 1] ^= 1;
    refused(att_slice_of(bytes, len), list);
    att_buf_free(file);
    att_signer_free(listed);
    att_signer_free(other);
    att_signers_free(list);
    att_spec_free(s);
}
END_TEST

/* A policy's signature is for a policy, although one key signs both. */
START_TEST(spec_open__takes_no_signed_policy)
{
    static const char POLICY[] = "policy: p\nversion: 1\nrequirements:\n  - id: R-1\n    title: "
                                 "{en: a, ja: b}\n    severity: fail\n    logs: [own]\n";
    struct att_signers *list = NULL;
    struct att_policy *p = NULL;
    struct att_spec *s = spec_of(spec_text);
    struct att_signer *signer = NULL;
    struct att_buf *file = NULL;
    struct att_diag diag = {0};

    NEED(att_signers_new(&list) == ATT_OK);
    signer = new_signer(list);
    NEED(att_policy_parse_yaml(&p, "p", att_slice_str(POLICY), NULL) == ATT_OK);
    NEED(att_policy_sign(&file, p, signer) == ATT_OK);
    refused(att_buf_slice(file), list);
    att_policy_freep(&p);
    att_buf_free(file);
    file = signed_by(s, signer);
    ck_assert_int_eq(att_policy_open(&p, "p", att_buf_slice(file), list, false, NULL, &diag),
                     ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_POLICYSIG);
    att_buf_free(file);
    att_signer_free(signer);
    att_signers_free(list);
    att_spec_free(s);
}
END_TEST

/* --- counters --- */

#define NEXT "version: 8\ntitle: {en: A"
#define NOW  "version: 7\ntitle: {en: A"
#define TERM "until: 2027-01-01, polynomial: [-1.25, 0.0003125]"

/* Of spec_text of version 7 and calibration 3: two changes, and whether the result may follow. */
static const struct {
    const char *from, *to, *from2, *to2;
    bool may;
    const char *says;
} FOLLOWS[] = {
    {NOW, NOW, NOW, NOW, true, ""}, /* the same again */
    {NOW, NEXT, NEXT, NEXT, true, ""},
    {NOW, "version: 6\ntitle: {en: A", "specification: plant", "specification: plant", false,
     "above 7, found 6"},
    {"high: 4.8", "high: 4.7", NOW, NOW, false, "above 7, found 7"},
    {"high: 4.8", "high: 4.7", NOW, NEXT, true, ""},
    {"specification: plant", "specification: plant-2", NOW, NEXT, false, "expected plant"},
    {"version: 3, from", "version: 2, from", NOW, NEXT, false,
     "level-b: expected a calibration of version 3 or more, found 2"},
    {TERM, "until: 2028-01-01, polynomial: [-1.25, 0.0003125]", NOW, NEXT, false,
     "level-b: expected a version above 3"},
    {TERM, "until: 2027-01-01, polynomial: [-1.25, 0.0003126]", NOW, NEXT, false,
     "level-b: expected a version above 3"},
    {TERM, "until: 2027-01-01, polynomial: [-1.25, 0.0003125, 1e-12]", NOW, NEXT, false, "level-b"},
    {TERM, "until: 2027-01-01, table: [[4000, 0], [20000, 5]]", NOW, NEXT, false, "level-b"},
    {"[12000, 2.5]", "[12001, 2.5]", NOW, NEXT, false, "level-a: expected a version above 1"},
    {"version: 3, from: 2026-01-01, " TERM,
     "version: 4, from: 2026-01-01, until: 2028-01-01, polynomial: [-1.25, 0.0003126]", NOW, NEXT,
     true, ""},
    {"version: 3, from", "version: 4, from", NOW, NEXT, true, ""},
    {"id: air", "id: wind", NOW, NEXT, true, ""}, /* one comes, one goes */
};

static struct att_spec *changed(int row)
{
    char text[16384];
    char *at = NULL;
    char rest[16384];

    (void)spec_text_with(text, sizeof(text), FOLLOWS[row].from, FOLLOWS[row].to);
    at = strstr(text, FOLLOWS[row].from2);
    NEED(at != NULL);
    (void)snprintf(rest, sizeof(rest), "%s", at + strlen(FOLLOWS[row].from2));
    (void)snprintf(at, sizeof(text) - (size_t)(at - text), "%s%s", FOLLOWS[row].to2, rest);
    return spec_of(text);
}

START_TEST(spec_check_next__counters_rise_and_never_fall)
{
    struct att_spec *now = spec_of(spec_text);
    struct att_spec *next = changed(_i);
    struct att_diag diag = {0};
    enum att_err err = att_spec_check_next(now, next, &diag);

    ck_assert_msg(err == (FOLLOWS[_i].may ? ATT_OK : ATT_E_CONFLICT), "row %d: %s %s", _i,
                  att_err_name(err), diag.text);
    if (!FOLLOWS[_i].may) {
        ck_assert_int_eq(diag.reason, ATT_R_CFG_SPECOLD);
        ck_assert_msg(strstr(diag.text, FOLLOWS[_i].says) != NULL, "row %d: %s", _i, diag.text);
    }
    att_spec_free(now);
    att_spec_free(next);
}
END_TEST

/* --- units --- */

static const char *const UNITS[] = {"m",        "1",      "%",       "Cel",  "L/s",        "m3/h",
                                    "kg.m/s2",  "m[H2O]", "10*3/uL", "/min", "mm[Hg]",     "10^-3",
                                    "{events}", "m{wet}", "(m/s).h", "dB",   "[in_i'H2O]", "uS/cm",
                                    "m-1",      "s+2",    "2.m",     "((m))"};
static const char *const NO_UNITS[] = {"",
                                       "m ",
                                       " m",
                                       "m/",
                                       "m//s",
                                       "m.",
                                       "(m",
                                       "m)",
                                       "[m",
                                       "m]",
                                       "{",
                                       "{}",
                                       "m^2",
                                       "02.m",
                                       "m--1",
                                       "m+",
                                       "°C",
                                       "m\t",
                                       "()",
                                       "[]",
                                       "m{a{b}}",
                                       "mmmmmmmmmmmmmmmmmmmmmmmmm",
                                       "(((((m)))))",
                                       "a=b",
                                       "m{ }"};

START_TEST(unit_ok__is_the_grammar_of_ucum)
{
    for (size_t i = 0; i < ATT_COUNT(UNITS); i++) {
        ck_assert_msg(att_unit_ok(UNITS[i]), "%s", UNITS[i]);
    }
    for (size_t i = 0; i < ATT_COUNT(NO_UNITS); i++) {
        ck_assert_msg(!att_unit_ok(NO_UNITS[i]), "%s", NO_UNITS[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spec_file");
    TCase *c = tcase_create("file");
    SRunner *runner = NULL;
    int failed = 0;

    tcase_add_test(c, spec_open__takes_what_a_listed_signer_signed);
    tcase_add_test(c, spec_open__refuses_every_other_signature_and_none);
    tcase_add_test(c, spec_open__takes_no_signed_policy);
    tcase_add_loop_test(c, spec_check_next__counters_rise_and_never_fall, 0,
                        (int)ATT_COUNT(FOLLOWS));
    tcase_add_test(c, unit_ok__is_the_grammar_of_ucum);
    suite_add_tcase(suite, c);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
