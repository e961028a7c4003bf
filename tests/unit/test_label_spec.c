/* Transcription specifications in a label: those that stand in the own log now and that reference values approve. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/items_internal.h"
#include "appraise/label.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "issuer.h"
#include "need.h"
#include "suite.h"

#define OWN_PCR SCENE_OWN_PCR

static const char POLICY[] =
    "policy: plant\nversion: 1\nrequirements:\n"
    "  - {id: R-1, severity: fail, title: {en: x, ja: y}, own_items: {under: [\"/etc\"]}}\n"
    "  - {id: R-2, severity: fail, title: {en: x, ja: y}, own_items: {under: [\"spec:plant\"]}}\n"
    "  - {id: R-3, severity: warn, title: {en: x, ja: y}, own_items: {under: [\"spec:other\"], "
    "unlisted: ignore}}\n";
static const struct scene_reference REFS[] = {{"/etc/a.conf", "a = 1\n"},
                                              {"/etc/b.conf", "b = 2\n"},
                                              {"spec:plant", "whole 1"},
                                              {"spec:plant", "whole 2"},
                                              {"spec:plant/level", "level 1"},
                                              {"spec:plant/flow", "flow 1"},
                                              {NULL, NULL}};

static void measured(struct scene *s, const char *name, const char *content)
{
    struct att_own_item item = {.type = content == NULL ? ATT_OWN_ABSENT : ATT_OWN_CONFIG,
                                .name = att_slice_str(name)};
    uint8_t digest[32];

    if (content != NULL) {
        NEED(att_sha256(att_slice_str(content), digest) == ATT_OK);
        item.digest = digest;
    }
    softlog_own_items(&s->own, s->tpm, OWN_PCR, &item, 1);
}

static struct scene *plant(void)
{
    struct scene *s = scene_new(POLICY, REFS);

    measured(s, "spec:plant", "whole 1");
    measured(s, "spec:plant/level", "level 1");
    measured(s, "spec:plant/flow", "flow 1");
    return s;
}

/* What the scene's label says of specifications is these, in order, ended by NULL. */
static void label_has(struct scene *s, const char *const (*expected)[2])
{
    struct issuer is;
    struct att_label_facts facts;
    struct att_buf *label = NULL;
    struct att_offline *o = calloc(1, sizeof(*o));
    static const struct att_trust_rules NO_RULES;
    size_t n = 0;

    NEED(o != NULL);
    issuer_open(&is);
    facts = issuer_facts(&is);
    label = issuer_label(&is, s, &facts);
    ck_assert_int_eq(
        att_offline_check(o, att_buf_slice(label), is.anchors, &NO_RULES, ISSUER_NOW + 10), ATT_OK);
    ck_assert(o->has_label);
    for (; expected[n][0] != NULL; n++) {
        uint8_t digest[32];

        ck_assert_uint_lt(n, o->label.spec_count);
        ck_assert_str_eq(o->label.spec[n].name, expected[n][0]);
        NEED(att_sha256(att_slice_str(expected[n][1]), digest) == ATT_OK);
        ck_assert_mem_eq(o->label.spec[n].digest, digest, 32);
    }
    ck_assert_uint_eq(o->label.spec_count, n);
    free(o);
    att_buf_free(label);
    issuer_close(&is);
}

START_TEST(label__names_the_specification_and_its_channels)
{
    static const char *const EXPECTED[][2] = {
        {"plant", "whole 1"}, {"plant/flow", "flow 1"}, {"plant/level", "level 1"}, {NULL, NULL}};
    struct scene *s = plant();

    scene_attest(s);
    ck_assert_msg(s->result->status == ATT_TIER_AFFIRMING, "%s %s",
                  att_reason_code(s->result->reason[0].reason), s->result->reason[0].name);
    label_has(s, EXPECTED);
    scene_free(s);
}
END_TEST

/* Across attestations: the log goes on, the latest item of a name counts, and what went away is not named. */
START_TEST(label__names_what_stands_now)
{
    static const char *const EXPECTED[][2] = {
        {"plant", "whole 2"}, {"plant/level", "level 1"}, {NULL, NULL}};
    struct scene *s = plant();

    scene_attest(s);
    measured(s, "spec:plant", "whole 2");
    measured(s, "spec:plant/flow", NULL);
    scene_attest(s);
    label_has(s, EXPECTED);
    scene_free(s);
}
END_TEST

/* A changed channel is refused, and its digest is vouched for no more; nor is what a rule merely ignores. */
START_TEST(label__names_nothing_that_no_reference_approves)
{
    static const char *const EXPECTED[][2] = {
        {"plant", "whole 1"}, {"plant/flow", "flow 1"}, {NULL, NULL}};
    struct scene *s = plant();

    measured(s, "spec:plant/level", "level 2");
    measured(s, "spec:plant/new", "unlisted");
    measured(s, "spec:other", "ignored");
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_MISMATCH, "spec:plant/level");
    label_has(s, EXPECTED);
    scene_free(s);
}
END_TEST

START_TEST(label__without_a_specification_says_nothing_of_one)
{
    static const char *const NONE[][2] = {{NULL, NULL}};
    struct scene *s = scene_new(NULL, NULL);

    scene_attest(s);
    label_has(s, NONE);
    scene_free(s);
}
END_TEST

/* Two answers to one question would let the reader pick: such a label is none. */
START_TEST(label_read__refuses_specifications_that_stand_twice)
{
    struct scene *s = plant();
    struct issuer is;
    struct att_label_facts facts;
    struct att_buf *label = NULL;
    struct att_offline *o = calloc(1, sizeof(*o));
    static const struct att_trust_rules NO_RULES;

    NEED(o != NULL);
    scene_attest(s);
    s->result->carry.spec[1] = s->result->carry.spec[0];
    s->result->carry.spec[1].digest[0] ^= 1;
    issuer_open(&is);
    facts = issuer_facts(&is);
    label = issuer_label(&is, s, &facts);
    ck_assert_int_eq(
        att_offline_check(o, att_buf_slice(label), is.anchors, &NO_RULES, ISSUER_NOW + 10), ATT_OK);
    ck_assert_int_ne(o->verdict, ATT_VERDICT_PASS);
    ck_assert(!o->has_label);
    free(o);
    att_buf_free(label);
    issuer_close(&is);
    scene_free(s);
}
END_TEST

/* --- the list itself --- */

static struct att_carry *carry_new(void)
{
    struct att_carry *c = calloc(1, sizeof(*c));

    NEED(c != NULL);
    return c;
}

START_TEST(judge_spec__keeps_names_in_order_and_no_more_than_there_is_room_for)
{
    static const uint8_t DIGEST[32] = {7};
    struct att_carry *c = carry_new();
    struct att_own_item item = {.type = ATT_OWN_CONFIG, .digest = DIGEST};
    char name[ATT_SPEC_ITEM_NAME + 8];

    for (unsigned int i = 0; i < ATT_SPEC_ITEMS_MAX + 10; i++) {
        (void)snprintf(name, sizeof(name), "spec:plant/c%03u", (i * 37) % 75);
        item.name = att_slice_str(name);
        att_judge_spec(c, &item, true);
    }
    ck_assert_uint_eq(c->spec_count, ATT_SPEC_ITEMS_MAX);
    for (uint32_t i = 1; i < c->spec_count; i++) {
        ck_assert_int_lt(strcmp(c->spec[i - 1].name, c->spec[i].name), 0);
    }
    free(c);
}
END_TEST

static const char *const NO_SPEC[] = {
    "spec:",       "spec",
    "/spec:plant", "spec:a b",
    "spec:\x01",   "spec:\xe6\xb0\xb4",
    "Spec:plant",  "spec:0123456789012345678901234567890123456789012345678901234567890123456",
};

START_TEST(judge_spec__takes_names_of_specifications_alone)
{
    static const uint8_t DIGEST[32] = {7};
    struct att_carry *c = carry_new();
    struct att_own_item item = {
        .type = ATT_OWN_CONFIG, .digest = DIGEST, .name = att_slice_str(NO_SPEC[_i])};

    att_judge_spec(c, &item, true);
    ck_assert_uint_eq(c->spec_count, 0);
    free(c);
}
END_TEST

/* Between processes and in the store; a carry without specifications is spelt as it was before there were any. */
START_TEST(carry__survives_encoding)
{
    static uint8_t room[ATT_CARRY_BOUND + 1024];
    struct att_carry *c = carry_new();
    struct att_carry *back = carry_new();
    struct att_slice bytes[3];

    for (size_t n = 0; n < ATT_COUNT(bytes); n++) {
        struct att_wr w = att_wr_into(room, sizeof(room));

        c->spec_count = (uint32_t)n;
        for (size_t i = 0; i < n; i++) {
            (void)snprintf(c->spec[i].name, sizeof(c->spec[i].name), "plant/c%zu", i);
            memset(c->spec[i].digest, (int)i + 1, 32);
        }
        ck_assert_int_eq(att_carry_encode(&w, c), ATT_OK);
        ck_assert_int_eq(room[0], n == 0 ? 0x8d : 0x8e);
        ck_assert_int_eq(att_carry_decode(back, att_slice_of(room, w.len), NULL), ATT_OK);
        ck_assert_uint_eq(back->spec_count, n);
        ck_assert_mem_eq(back->spec, c->spec, sizeof(c->spec));
    }
    free(c);
    free(back);
}
END_TEST

START_TEST(carry__refuses_specifications_out_of_order)
{
    static uint8_t room[ATT_CARRY_BOUND + 1024];
    static const char *const NAMES[][2] = {{"b", "a"}, {"a", "a"}};
    struct att_carry *c = carry_new();
    struct att_carry *back = carry_new();

    for (size_t i = 0; i < ATT_COUNT(NAMES); i++) {
        struct att_wr w = att_wr_into(room, sizeof(room));

        c->spec_count = 2;
        strcpy(c->spec[0].name, NAMES[i][0]);
        strcpy(c->spec[1].name, NAMES[i][1]);
        ck_assert_int_eq(att_carry_encode(&w, c), ATT_OK);
        ck_assert_int_eq(att_carry_decode(back, att_slice_of(room, w.len), NULL), ATT_E_FORMAT);
    }
    free(c);
    free(back);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {label__names_the_specification_and_its_channels, 0},
        {label__names_what_stands_now, 0},
        {label__names_nothing_that_no_reference_approves, 0},
        {label__without_a_specification_says_nothing_of_one, 0},
        {label_read__refuses_specifications_that_stand_twice, 0},
        {judge_spec__keeps_names_in_order_and_no_more_than_there_is_room_for, 0},
        {judge_spec__takes_names_of_specifications_alone, (int)ATT_COUNT(NO_SPEC)},
        {carry__survives_encoding, 0},
        {carry__refuses_specifications_out_of_order, 0},
    };

    return SUITE_RUN_ROWS("label_spec", rows, NULL);
}
