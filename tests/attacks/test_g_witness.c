/*
 * Group G, witnesses: a checkpoint counts as witnessed only when as many parties as the policy says have cosigned it, and
 * no line of a policy makes one of them count twice.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "attack.h"
#include "need.h"
#include "notetest.h"
#include "tlog/witness_policy.h"

/* The log of the example, and the one witness that cosigned it. */
#define HEAD "log " NOTETEST_LOG_VKEY "\nwitness w " NOTETEST_WITNESS_VKEY "\n"

/* HEAD, a witness v with this key under another name, and these lines. */
static enum att_err policy(struct att_witness_policy **out, const struct att_signer *v,
                           const char *lines, struct att_diag *diag)
{
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *k = NULL;
    char text[2048];
    char vkey[ATT_VKEY_TEXT];

    NEED(att_vkey_new(&k, att_slice_str("v.example"), ATT_NOTE_COSIGNATURE, v->public_key) ==
         ATT_OK);
    NEED(snprintf(text, sizeof(text), HEAD "witness v %s\n%s",
                  att_vkey_print(vkey, sizeof(vkey), k), lines) < (int)sizeof(text));
    return att_witness_policy_parse(out, att_slice_str(text), diag);
}

static void refused(const struct att_signer *v, const char *lines)
{
    struct att_witness_policy *p = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(policy(&p, v, lines, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_WITNESSES);
    ck_assert_ptr_null(p);
}

static bool met(const struct att_witness_policy *p)
{
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    struct att_note note;

    NEED(att_note_parse(&note, att_slice_str(NOTETEST_NOTE), NULL) == ATT_OK);
    NEED(att_witness_policy_verify(&c, p, &note, NULL) == ATT_OK);
    ck_assert_uint_eq(att_checkpoint_cosigned(c), 1);
    return att_witness_policy_met(p, c);
}

/* One of two has cosigned: that is any, and is neither all nor two. */
START_TEST(G_quorum__one_witness_is_not_two)
{
    static const struct {
        const char *lines;
        bool met;
    } RULES[] = {
        {"group g any w v\nquorum g\n", true},
        {"group g all w v\nquorum g\n", false},
        {"group g 2 w v\nquorum g\n", false},
        {"quorum w\n", true},
        {"quorum v\n", false},
    };
    ATT_CLEANUP(att_signer_freep) struct att_signer *other = notetest_log_signer();

    for (size_t i = 0; i < ATT_COUNT(RULES); i++) {
        ATT_CLEANUP(att_witness_policy_freep) struct att_witness_policy *p = NULL;

        ck_assert_int_eq(policy(&p, other, RULES[i].lines, NULL), ATT_OK);
        ck_assert_msg(met(p) == RULES[i].met, "%s", RULES[i].lines);
    }
}
END_TEST

START_TEST(G_quorum_key__one_key_is_no_two_witnesses)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *same = notetest_witness_signer();

    refused(same, "group g 2 w v\nquorum g\n");
}
END_TEST

START_TEST(G_quorum_member__one_member_counts_once)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *other = notetest_log_signer();

    refused(other, "group g 2 w w\nquorum g\n");
    refused(other, "group a any w\ngroup b any w v\ngroup g all a b\nquorum g\n");
}
END_TEST

START_TEST(G_quorum_name__name_means_one_thing)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *other = notetest_log_signer();

    refused(other, "group v any w\nquorum v\n");
}
END_TEST

START_TEST(G_quorum_threshold__nobody_is_not_enough)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *other = notetest_log_signer();

    refused(other, "group g 0 v\nquorum g\n");
    refused(other, "group g 2 v\nquorum g\n");
}
END_TEST

/* Whoever can append a line does not switch the quorum off. */
START_TEST(G_quorum_twice__second_quorum_is_refused)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *other = notetest_log_signer();

    refused(other, "quorum v\nquorum none\n");
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-quorum", G_quorum__one_witness_is_not_two, 0, 0},
        {"G-quorum-key", G_quorum_key__one_key_is_no_two_witnesses, 0, 0},
        {"G-quorum-member", G_quorum_member__one_member_counts_once, 0, 0},
        {"G-quorum-name", G_quorum_name__name_means_one_thing, 0, 0},
        {"G-quorum-threshold", G_quorum_threshold__nobody_is_not_enough, 0, 0},
        {"G-quorum-twice", G_quorum_twice__second_quorum_is_refused, 0, 0},
    };

    return attack_rows("attacks: witnesses", rows, ATT_COUNT(rows));
}
