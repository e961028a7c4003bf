/* A kernel list in parts: what is decided is what one message would have decided, wherever it is cut. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/parts.h"
#include "need.h"
#include "scene.h"
#include "suite.h"
#include "tcg/ima.h"

#define CUTS 12 /* ways of cutting each list */

static const char POLICY[] =
    "policy: parts\n"
    "version: 1\n"
    "boot_log_pcrs: [0, 1, 2, 3, 4, 5, 6, 7]\n"
    "requirements:\n"
    "  - {id: own, severity: fail, own_items: {under: [/etc], unlisted: fail}, title: {en: a, ja: "
    "a}}\n"
    "  - {id: ima, severity: fail, ima_files: {unlisted: fail}, title: {en: b, ja: b}}\n"
    "  - {id: clean, severity: warn, ima_violations: warn, title: {en: c, ja: c}}\n"
    "  - {id: kexec, severity: warn, ima_kexec: warn, title: {en: d, ja: d}}\n"
    "  - {id: deny, severity: fail, event_absent: {logs: [ima], sha256: [\n"
    "     \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"]},\n"
    "     title: {en: e, ja: e}}\n";

static const struct scene_reference REFERENCES[] = {{"/etc/a.conf", "a = 1\n"},
                                                    {"/etc/b.conf", "b = 2\n"},
                                                    {"/usr/bin/tool", "tool"},
                                                    {"/usr/bin/updated", "old"},
                                                    {NULL, NULL}};

static struct scene *s;

static void set_up(void)
{
    s = scene_new(POLICY, REFERENCES);
}

static bool says_padded; /* the sender, of its kernel */

static void tear_down(void)
{
    says_padded = false;
    scene_free(s);
}

enum list { GOOD, STRANGE, MANY_STRANGE, VIOLATION, KEXEC, NO_START, DENIED, WINDOW, LISTS };

/* An update that a change notice tells of, and the state before once more behind it. */
static void fill_update(int i)
{
    static const struct scene_change CHANGES[] = {{"/usr/bin/updated", "old", "new"},
                                                  {NULL, NULL, NULL}};

    if (i == 0) {
        s->now_s = 1000;
        scene_notify(s, "update", 900, 2000, CHANGES);
    }
    if (i % 30 == 10) {
        softlog_ima(&s->ima, s->tpm, "/usr/bin/updated", att_slice_str(i == 40 ? "new" : "old"));
    }
}

static void fill(enum list kind)
{
    char name[64];

    softlog_uefi_boot(&s->uefi, s->tpm, "firmware 1");
    if (kind != NO_START) {
        softlog_ima_boot_aggregate(&s->ima, s->tpm);
    }
    for (int i = 0; i < 100; i++) {
        bool strange = (kind == STRANGE && i % 40 == 3) || (kind == MANY_STRANGE && i < 70);

        (void)snprintf(name, sizeof(name), "/usr/bin/%s-%d", strange ? "strange" : "tool", i);
        softlog_ima(&s->ima, s->tpm, name, att_slice_str(strange ? name : "tool"));
        if (kind == WINDOW) {
            fill_update(i);
        }
        if (kind == VIOLATION && i % 30 == 7) {
            softlog_ima_violation(&s->ima, s->tpm, name);
        }
        if (kind == KEXEC && i % 50 == 20) {
            softlog_ima_boot_aggregate(&s->ima, s->tpm);
        }
        if (kind == DENIED && i == 31) {
            softlog_ima(&s->ima, s->tpm, name, att_slice_str("abc"));
        }
    }
}

static void context_of(struct att_appraisal_context *c)
{
    memset(c, 0, sizeof(*c));
    c->prior = s->prior;
    c->carry = s->carry;
    c->parts = s->parts;
    c->seen = s->seen;
    att_windows_pick(&c->windows, &s->notices, &s->windows, "gw-1", s->now_s);
}

/* One part from where the list stands; what is cut at its end is left. */
static enum att_err fold(uint64_t off, size_t len)
{
    static struct att_appraisal_context context;
    static struct att_folded folded;
    static struct att_result room;
    struct att_part_input in = {.context = &context,
                                .policy = s->policy,
                                .refvals = s->refs,
                                .notices = (const struct att_notice *const *)s->notices.notice,
                                .notice_count = s->notices.count,
                                .reset_count = s->tpm->clock.reset_count,
                                .restart_count = s->tpm->clock.restart_count,
                                .padded = says_padded,
                                .off = off,
                                .part = softlog_from(&s->ima, off),
                                .log_max = 1U << 20};
    enum att_err err = ATT_OK;

    in.part.len = len < in.part.len ? len : in.part.len;
    context_of(&context);
    err = att_part_fold(&folded, &room, &in, &s->diag);
    if (err == ATT_OK) {
        s->parts = folded.parts;
        s->seen = folded.seen;
        s->carry = folded.carry;
        s->windows = folded.windows;
        s->from.off[ATT_LOG_IMA] = s->parts.off;
    }
    return err;
}

/* Parts of uneven lengths up to some place of the list. */
static void fold_to(uint64_t end, unsigned int seed)
{
    while (s->from.off[ATT_LOG_IMA] < end) {
        seed = seed * 1103515245U + 12345U;
        ck_assert_int_eq(fold(s->from.off[ATT_LOG_IMA], 150 + (seed >> 16) % 3000), ATT_OK);
    }
}

static bool same_reason(const struct att_result_reason *a, const struct att_result_reason *b)
{
    return a->reason == b->reason && a->severity == b->severity &&
           strcmp(a->requirement, b->requirement) == 0 && strcmp(a->name, b->name) == 0 &&
           a->has_expected == b->has_expected && a->has_found == b->has_found &&
           memcmp(a->expected, b->expected, 32) == 0 && memcmp(a->found, b->found, 32) == 0;
}

/* The same reasons; in their order what came in parts stands first. */
static void expect_same_result(const struct att_result *a, const struct att_result *b)
{
    ck_assert_int_eq(a->status, b->status);
    ck_assert_int_eq(a->grade, b->grade);
    ck_assert_int_eq(a->kexec, b->kexec);
    ck_assert_mem_eq(a->vector, b->vector, sizeof(a->vector));
    ck_assert_uint_eq(a->reason_count, b->reason_count);
    for (uint32_t i = 0; i < a->reason_count; i++) {
        uint32_t k = 0;

        while (k < b->reason_count && !same_reason(&a->reason[i], &b->reason[k])) {
            k++;
        }
        ck_assert_msg(k < b->reason_count, "no %s about \"%s\"",
                      att_reason_code(a->reason[i].reason), a->reason[i].name);
    }
    ck_assert_uint_eq(a->carry.ima_judged, b->carry.ima_judged);
    ck_assert_uint_eq(a->carry.ima_violations, b->carry.ima_violations);
    ck_assert_uint_eq(a->carry.items_judged, b->carry.items_judged);
    ck_assert_uint_eq(a->carry.deviation_count, b->carry.deviation_count);
    ck_assert_int_eq(a->carry.overflow, b->carry.overflow);
    ck_assert_mem_eq(a->carry.measured_mask, b->carry.measured_mask,
                     sizeof(a->carry.measured_mask));
    ck_assert_uint_eq(a->carry.windows_used, b->carry.windows_used);
    ck_assert_mem_eq(&a->windows, &b->windows, sizeof(a->windows));
    for (int i = 0; i < ATT_LOG__COUNT; i++) {
        ck_assert_uint_eq(a->state.log[i].off, b->state.log[i].off);
        ck_assert_uint_eq(a->state.log[i].count, b->state.log[i].count);
        ck_assert_mem_eq(a->state.log[i].pcr, b->state.log[i].pcr, ATT_HASH_MAX);
    }
}

START_TEST(att_part_fold__decides_as_one_message_does)
{
    static struct att_result whole;
    struct scene first;

    fill((enum list)_i);
    first = *s;
    scene_attest(s);
    whole = *s->result;
    ck_assert_int_eq(scene_has_reason(s, ATT_R_REF_RETIRED, "/usr/bin/updated"), _i == WINDOW);
    ck_assert_int_eq(whole.status == ATT_TIER_AFFIRMING, _i == GOOD);
    ck_assert_int_eq(whole.kexec, _i == KEXEC);
    for (unsigned int cut = 1; cut <= CUTS; cut++) {
        s->prior = first.prior;
        s->carry = first.carry;
        s->parts = first.parts;
        s->windows = first.windows;
        s->from = first.from;
        fold_to(s->ima.len * cut / CUTS, cut * 7919U);
        scene_attest(s);
        expect_same_result(&whole, s->result);
    }
}
END_TEST

/* After an accepted evidence the next step is too long for one message. */
START_TEST(att_part_fold__goes_on_from_what_was_accepted)
{
    uint64_t first = 0;

    fill(GOOD);
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    first = s->ima.len;
    for (int i = 0; i < 60; i++) {
        softlog_ima(&s->ima, s->tpm, i == 20 ? "/usr/bin/strange" : "/usr/bin/tool",
                    att_slice_str(i == 20 ? "strange" : "tool"));
    }
    ck_assert_int_eq(fold(0, 4000), ATT_E_CONFLICT);
    ck_assert_int_eq(s->diag.reason, ATT_R_PART_ORDER);
    fold_to(first + (s->ima.len - first) / 2, 5);
    scene_attest(s);
    scene_expect_reason(s, ATT_R_REF_UNLISTED, "/usr/bin/strange");
    ck_assert_uint_eq(s->result->carry.ima_judged, 160);
    ck_assert_uint_eq(s->result->state.log[ATT_LOG_IMA].off, s->ima.len);
}
END_TEST

/* By the rule that the sender names, and by that one alone. */
START_TEST(att_parts_walk__leads_where_a_whole_replay_does)
{
    static const enum att_hash BANK[] = {ATT_HASH_SHA1, ATT_HASH_SHA256, ATT_HASH_SHA384};
    struct att_ima_parts p = {.padded = _i >= 3};
    struct att_pcr_values whole = {0};
    uint32_t entries = 0;
    enum att_hash bank = BANK[_i % 3];

    fill(VIOLATION);
    while (p.off < s->ima.len) {
        struct att_parts_walk w = {.bank = bank, .ima_pcr = 10};
        struct att_slice rest = softlog_from(&s->ima, p.off);
        struct att_ima_entry e;
        bool more = true;

        rest.len = rest.len < 1111 ? rest.len : 1111;
        ck_assert_int_eq(att_parts_walk_start(&w, &p, rest, &s->diag), ATT_OK);
        while (more) {
            ck_assert_int_eq(att_parts_walk_next(&w, &e, &more, &s->diag), ATT_OK);
        }
        ck_assert_uint_le(w.taken, rest.len);
        ck_assert_uint_eq(w.to.off, p.off + w.taken);
        p = w.to;
        att_parts_walk_end(&w);
    }
    ck_assert_int_eq(
        att_ima_replay(&whole, softlog_slice(&s->ima), &bank, 1, p.padded, &entries, NULL), ATT_OK);
    ck_assert_uint_eq(p.count, entries);
    ck_assert_mem_eq(p.pcr, whole.bank[0].value[10], att_hash_size(bank));
}
END_TEST

/* The quote proves the rule: the right one affirms, a wrong one is refused and named, in both directions. */
START_TEST(att_part_fold__rule_of_the_kernel_is_proven_by_the_quote)
{
    const bool pads = _i / 2 == 1;
    static const char *const WORDS[] = {"the bank's own hash", "the SHA-1 padded with zeros"};

    s->ima.padded = pads;
    says_padded = _i % 2 == 1;
    fill(GOOD);
    fold_to(s->ima.len / 2, 11);
    scene_measure(s, NULL);
    if (pads == says_padded) {
        ck_assert_int_eq(scene_judge(s), ATT_OK);
        ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
        return;
    }
    ck_assert_int_eq(scene_judge(s), ATT_E_MISMATCH);
    ck_assert_int_eq(s->diag.reason, ATT_R_LOG_PCR);
    ck_assert_msg(strstr(s->diag.text, WORDS[says_padded]) != NULL, "%s", s->diag.text);
}
END_TEST

START_TEST(att_part_fold__leaves_everything_when_it_refuses)
{
    struct att_ima_parts before;
    uint64_t at = 0;

    fill(GOOD);
    fold_to(3000, 1);
    before = s->parts;
    at = s->parts.off;
    ck_assert_int_eq(fold(at, 60), ATT_E_TRUNCATED);
    ck_assert_int_eq(s->diag.reason, ATT_R_FMT_IMA);
    s->ima.p[at + 4 + 20 + 4] = 'x'; /* no template's name */
    ck_assert_int_eq(fold(at, 2000), ATT_E_FORMAT);
    ck_assert_int_eq(s->diag.reason, ATT_R_FMT_IMA);
    ck_assert_mem_eq(&before, &s->parts, sizeof(before));
}
END_TEST

/* Kernels that took over from one another, more than are kept: not good by silence. */
START_TEST(att_part_fold__names_what_finds_no_room)
{
    softlog_uefi_boot(&s->uefi, s->tpm, "firmware 1");
    for (int i = 0; i < ATT_PARTS_AGGREGATES_MAX + 2; i++) {
        softlog_ima_boot_aggregate(&s->ima, s->tpm);
        softlog_ima(&s->ima, s->tpm, "/usr/bin/tool", att_slice_str("tool"));
    }
    fold_to(s->ima.len - 200, 3);
    scene_attest(s);
    scene_expect_reason(s, ATT_R_LOG_AGGREGATE, "ima/32/boot_aggregate");
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
}
END_TEST

START_TEST(att_appraisal_context__carries_parts_and_has_one_spelling_without)
{
    static struct att_appraisal_context c;
    static struct att_appraisal_context back;
    uint8_t room[65536];
    uint8_t again[65536];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_wr v = att_wr_into(again, sizeof(again));

    fill(STRANGE);
    if (_i == 1) {
        fold_to(9000, 2);
    }
    context_of(&c);
    ck_assert_int_eq(att_appraisal_context_encode(&w, &c), ATT_OK);
    ck_assert_uint_eq(room[0], _i == 1 ? 0x8e : 0x8d);
    ck_assert_uint_le(w.len, att_appraisal_context_bound(&c));
    ck_assert_int_eq(att_appraisal_context_decode(&back, att_slice_of(room, w.len), NULL), ATT_OK);
    ck_assert_int_eq(back.parts.known, _i == 1);
    ck_assert_int_eq(att_appraisal_context_encode(&v, &back), ATT_OK);
    ck_assert_uint_eq(v.len, w.len);
    ck_assert_mem_eq(room, again, w.len);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {att_part_fold__decides_as_one_message_does, LISTS},
        {att_part_fold__goes_on_from_what_was_accepted, 0},
        {att_parts_walk__leads_where_a_whole_replay_does, 6},
        {att_part_fold__rule_of_the_kernel_is_proven_by_the_quote, 4},
        {att_part_fold__leaves_everything_when_it_refuses, 0},
        {att_part_fold__names_what_finds_no_room, 0},
        {att_appraisal_context__carries_parts_and_has_one_spelling_without, 2},
    };

    static const struct suite_fixture fixture = {set_up, tear_down};

    return SUITE_RUN_ROWS("parts", rows, &fixture);
}
