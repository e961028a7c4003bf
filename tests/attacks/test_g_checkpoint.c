/*
 * Group G, checkpoints: what an attacker, a careless mirror or the log itself may write into one, and the one code that
 * each comes out with.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "attack.h"
#include "cosetest.h"
#include "need.h"
#include "notetest.h"
#include "tlog/checkpoint.h"
#include "tlog/tile.h"

#define OTHER_LOG "log.example/gateway" /* one letter less */

static struct att_slice str(const char *text)
{
    return att_slice_str(text);
}

/* As whoever holds the example's keys opens a checkpoint. */
static enum att_err open_with(struct att_slice in, const char *log_vkey, enum att_reason *reason)
{
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *log = notetest_vkey(log_vkey);
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *witness = notetest_vkey(NOTETEST_WITNESS_VKEY);
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    const struct att_vkey *witnesses[] = {witness};
    const struct att_checkpoint_keys keys = {.log = log, .witness = witnesses, .witness_count = 1};
    struct att_diag diag = {0};
    enum att_err err = att_checkpoint_open(&c, in, &keys, &diag);

    *reason = diag.reason;
    return err;
}

static void refused(struct att_slice in, enum att_err want)
{
    enum att_reason reason = ATT_R_NONE;

    ck_assert_int_eq(open_with(in, NOTETEST_LOG_VKEY, &reason), want);
    ck_assert_int_eq(reason, ATT_R_TL_CKPT);
}

/* Texts that the log's own key signed: a forger who got it to sign anything, or a log gone wrong. */
static const struct {
    const char *text;
    enum att_err err;
} SIGNED[] = {
    {"\n2\n" NOTETEST_ROOT "\n", ATT_E_FORMAT},
    {NOTETEST_LOG "\n02\n" NOTETEST_ROOT "\n", ATT_E_FORMAT},
    {NOTETEST_LOG "\n-2\n" NOTETEST_ROOT "\n", ATT_E_FORMAT},
    {NOTETEST_LOG "\n9223372036854775808\n" NOTETEST_ROOT "\n", ATT_E_LIMIT},
    {NOTETEST_LOG "\n2\nT1X2GdkhUjV3iyufF9b0kVsWFxIU0VI4EpNml2Tec*4=\n", ATT_E_FORMAT},
    {NOTETEST_LOG "\n2\n", ATT_E_TRUNCATED},
};

START_TEST(G_03__checkpoint_of_another_form_is_refused)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *log = notetest_log_signer();
    ATT_CLEANUP(att_buf_freep)
    struct att_buf *good = notetest_sign(str(NOTETEST_TEXT), NOTETEST_LOG, &log, 1);
    ATT_CLEANUP(att_buf_freep)
    struct att_buf *bad = notetest_sign(str(SIGNED[_i].text), NOTETEST_LOG, &log, 1);
    enum att_reason reason = ATT_R_NONE;

    ck_assert_int_eq(open_with(att_buf_slice(good), NOTETEST_LOG_VKEY, &reason), ATT_OK);
    refused(att_buf_slice(bad), SIGNED[_i].err);
}
END_TEST

/* Lines of the text behind an empty one; lines behind the signatures. */
START_TEST(G_03_trailing__lines_that_no_checkpoint_has_are_refused)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *log = notetest_log_signer();
    static const char *const TEXTS[] = {NOTETEST_TEXT "\n", NOTETEST_TEXT "\nhidden\n"};

    for (size_t i = 0; i < ATT_COUNT(TEXTS); i++) {
        ATT_CLEANUP(att_buf_freep)
        struct att_buf *bad = notetest_sign(str(TEXTS[i]), NOTETEST_LOG, &log, 1);

        refused(att_buf_slice(bad), ATT_E_FORMAT);
    }
    refused(str(NOTETEST_NOTE "trailing\n"), ATT_E_FORMAT);
    refused(str(NOTETEST_NOTE "\n"), ATT_E_FORMAT);
    refused(str(NOTETEST_NOTE "trailing"), ATT_E_TRUNCATED);
}
END_TEST

START_TEST(G_03_empty__empty_tree_has_the_root_of_the_empty_tree)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *log = notetest_log_signer();
    ATT_CLEANUP(att_buf_freep)
    struct att_buf *bad =
        notetest_sign(str(NOTETEST_LOG "\n0\n" NOTETEST_ROOT "\n"), NOTETEST_LOG, &log, 1);

    refused(att_buf_slice(bad), ATT_E_MISMATCH);
}
END_TEST

START_TEST(G_03_origin__head_of_another_log_under_the_right_signature_is_refused)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *log = notetest_log_signer();
    ATT_CLEANUP(att_buf_freep)
    struct att_buf *bad =
        notetest_sign(str(OTHER_LOG "\n2\n" NOTETEST_ROOT "\n"), NOTETEST_LOG, &log, 1);

    refused(att_buf_slice(bad), ATT_E_MISMATCH);
}
END_TEST

START_TEST(G_03_signature__changed_size_and_root_are_refused)
{
    refused(str(NOTETEST_LOG "\n3\n" NOTETEST_ROOT "\n\n" NOTETEST_LOG_LINE), ATT_E_SIGNATURE);
    refused(
        str(NOTETEST_LOG "\n2\nT1X2GdkhUjV3iyufF9b0kVsWFxIU0VI4EpNml2Tecj4=\n\n" NOTETEST_LOG_LINE),
        ATT_E_SIGNATURE);
    /* a witness's word for another time */
    refused(
        str(NOTETEST_TEXT
            "\n" NOTETEST_LOG_LINE "\xe2\x80\x94 " NOTETEST_WITNESS
            " BNLYMwAAAABpKg1RiT8cEJ+uKe+kufy38ZuioyNA8YxqXCD+8pooFVHQnU3uNcr9mXbVVx2BREQxqfUUzbc"
            "/rfZmeTVwpBGLcMVgDw==\n"),
        ATT_E_SIGNATURE);
}
END_TEST

/* An attacker's key under the log's name; and the cosignature of a trusted witness, which is no log's signature. */
START_TEST(G_03_key__only_the_key_of_the_log_signs_for_it)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *attacker = notetest_witness_signer();
    ATT_CLEANUP(att_buf_freep)
    struct att_buf *bad = notetest_sign(str(NOTETEST_TEXT), NOTETEST_LOG, &attacker, 1);

    refused(att_buf_slice(bad), ATT_E_UNTRUSTED);
    refused(str(NOTETEST_TEXT "\n" NOTETEST_WITNESS_LINE), ATT_E_UNTRUSTED);
}
END_TEST

/* A note that nobody of those asked for has signed. */
START_TEST(G_03_nobody__note_without_a_known_signature_is_refused)
{
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *witness = notetest_vkey(NOTETEST_WITNESS_VKEY);
    const struct att_vkey *keys[] = {witness};
    struct att_note_verified *v = NULL;
    struct att_note note;
    struct att_diag diag = {0};

    NEED(att_note_parse(&note, str(NOTETEST_TEXT "\n" NOTETEST_LOG_LINE), NULL) == ATT_OK);
    ck_assert_int_eq(att_note_verify(&v, &note, keys, 1, &diag), ATT_E_UNTRUSTED);
    ck_assert_int_eq(diag.reason, ATT_R_TL_CKPT);
}
END_TEST

/* The attacker's key under the log's name and the id of the log's key: what a copied line of configuration shows. */
START_TEST(G_03_vkey__verifier_key_with_the_id_of_another_is_refused)
{
    struct att_vkey *k = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(
        att_vkey_parse(
            &k, str(NOTETEST_LOG "+d60e1bef+AT1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM"), &diag),
        ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_KEY);
    ck_assert_ptr_null(k);
}
END_TEST

/* G-04: the same key, the same size, two stories. Each of them verifies. */
START_TEST(G_04__two_roots_of_one_size_are_a_fork)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *signer = notetest_log_signer();
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *log = notetest_vkey(NOTETEST_LOG_VKEY);
    ATT_CLEANUP(att_buf_freep)
    struct att_buf *other =
        notetest_sign(str(NOTETEST_LOG "\n2\nT1X2GdkhUjV3iyufF9b0kVsWFxIU0VI4EpNml2Tecj4=\n"),
                      NOTETEST_LOG, &signer, 1);
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *a = NULL;
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *b = NULL;
    const struct att_checkpoint_keys keys = {.log = log};
    struct att_diag diag = {0};

    ck_assert_int_eq(att_checkpoint_open(&a, str(NOTETEST_NOTE), &keys, NULL), ATT_OK);
    ck_assert_int_eq(att_checkpoint_open(&b, att_buf_slice(other), &keys, NULL), ATT_OK);
    ck_assert_int_eq(att_checkpoint_check_fork(a, a, NULL), ATT_OK);
    ck_assert_int_eq(att_checkpoint_check_fork(a, b, &diag), ATT_E_CONFLICT);
    ck_assert_int_eq(diag.reason, ATT_R_TL_FORK);
}
END_TEST

/* G-17: a label's key is of another kind; an operator who gives it to the log all the same gets no checkpoint. */
START_TEST(G_17__key_of_labels_signs_no_checkpoint)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *label = cosetest_signer(ATT_KEY_EC_P256);
    struct att_tree_head head = {.origin = str(NOTETEST_LOG), .tree = {.size = 1}};
    struct att_buf *b = NULL;

    ck_assert_int_eq(att_checkpoint_make(&b, &head, label), ATT_E_UNSUPPORTED);
    ck_assert_ptr_null(b);
}
END_TEST

/* G-18: one tile has one name, so nothing else leads to a file. */
static const char *const PATHS[] = {
    "tile/0/x000/001",
    "tile/0/001/",
    "tile/0/001/../../checkpoint",
    "tile/0/001/..",
    "tile/0/001.p/5/..",
    "tile/0/001.p/5/",
    "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    "tile/../../etc/passwd",
};

START_TEST(G_18__tile_has_one_name)
{
    struct att_tile tile;
    struct att_diag diag = {0};
    enum att_err err = att_tile_path_parse(&tile, str(PATHS[_i]), &diag);

    ck_assert_msg(err == ATT_E_FORMAT || err == ATT_E_LIMIT, "%s: %s", PATHS[_i],
                  att_err_name(err));
    ck_assert_int_eq(diag.reason, ATT_R_FMT_TLOG);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-03", G_03__checkpoint_of_another_form_is_refused, (int)ATT_COUNT(SIGNED), 0},
        {"G-03-trailing", G_03_trailing__lines_that_no_checkpoint_has_are_refused, 0, 0},
        {"G-03-empty", G_03_empty__empty_tree_has_the_root_of_the_empty_tree, 0, 0},
        {"G-03-origin", G_03_origin__head_of_another_log_under_the_right_signature_is_refused, 0,
         0},
        {"G-03-signature", G_03_signature__changed_size_and_root_are_refused, 0, 0},
        {"G-03-key", G_03_key__only_the_key_of_the_log_signs_for_it, 0, 0},
        {"G-03-nobody", G_03_nobody__note_without_a_known_signature_is_refused, 0, 0},
        {"G-03-vkey", G_03_vkey__verifier_key_with_the_id_of_another_is_refused, 0, 0},
        {"G-04", G_04__two_roots_of_one_size_are_a_fork, 0, 0},
        {"G-17", G_17__key_of_labels_signs_no_checkpoint, 0, 0},
        {"G-18", G_18__tile_has_one_name, (int)ATT_COUNT(PATHS), 0},
    };

    return attack_rows("attacks: checkpoints", rows, ATT_COUNT(rows));
}
