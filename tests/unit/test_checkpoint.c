/* Checkpoints: the text in one spelling, the log's own signature, witnesses, forks. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "bytes.h"
#include "cosetest.h"
#include "need.h"
#include "notetest.h"
#include "suite.h"
#include "tlog/checkpoint.h"

#define EMPTY "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" /* the root of the empty tree */

static struct att_slice str(const char *text)
{
    return att_slice_str(text);
}

START_TEST(att_tree_head_parse__reads_what_the_text_says)
{
    struct att_tree_head head;

    ck_assert_int_eq(att_tree_head_parse(&head, str(NOTETEST_TEXT "more\nlines\n"), NULL), ATT_OK);
    bytes_expect_text(head.origin, NOTETEST_LOG);
    ck_assert_uint_eq(head.tree.size, 2);
    bytes_expect_hex(att_slice_of(head.tree.root, 32),
                     "4f55f619d9215235778b2b9f17d6f4915b16171214d152381293669764de722e");
    bytes_expect_text(head.extension, "more\nlines\n");
    ck_assert_int_eq(att_tree_head_parse(&head, str("any origin + at all\n0\n" EMPTY "\n"), NULL),
                     ATT_OK);
    bytes_expect_text(head.origin, "any origin + at all");
    ck_assert_uint_eq(head.extension.len, 0);
    ck_assert_int_eq(att_tree_head_parse(&head, str("a\n9223372036854775807\n" EMPTY "\n"), NULL),
                     ATT_OK);
    ck_assert_uint_eq(head.tree.size, INT64_MAX);
}
END_TEST

static const struct {
    const char *text;
    enum att_err err;
    const char *field;
} REFUSED[] = {
    {"", ATT_E_TRUNCATED, "origin"},
    {"a", ATT_E_TRUNCATED, "origin"},
    {"a\n", ATT_E_TRUNCATED, "size"},
    {"a\n2\n", ATT_E_TRUNCATED, "root"},
    {"a\n2\n" NOTETEST_ROOT, ATT_E_TRUNCATED, "root"},
    {"a\n2\n" NOTETEST_ROOT "\nmore", ATT_E_TRUNCATED, "extension"},
    {"\n2\n" NOTETEST_ROOT "\n", ATT_E_FORMAT, "origin"},
    {"a\n\n" NOTETEST_ROOT "\n", ATT_E_FORMAT, "size"},
    {"a\n2\n\n" NOTETEST_ROOT "\n", ATT_E_FORMAT, "root"},
    {"a\n2\n" NOTETEST_ROOT "\n\n", ATT_E_FORMAT, "extension"},
    {"a\n2\n" NOTETEST_ROOT "\nx\n\ny\n", ATT_E_FORMAT, "extension"},
    {"a\n01\n" NOTETEST_ROOT "\n", ATT_E_FORMAT, "size"},
    {"a\n-1\n" NOTETEST_ROOT "\n", ATT_E_FORMAT, "size"},
    {"a\n 2\n" NOTETEST_ROOT "\n", ATT_E_FORMAT, "size"},
    {"a\n0x2\n" NOTETEST_ROOT "\n", ATT_E_FORMAT, "size"},
    {"a\n9223372036854775808\n" NOTETEST_ROOT "\n", ATT_E_LIMIT, "size"},
    {"a\n2\nnot base64\n", ATT_E_FORMAT, "root"},
    {"a\n2\nAQID\n", ATT_E_FORMAT, "root"},
    {"a\n2\n" NOTETEST_ROOT "=\n", ATT_E_FORMAT, "root"},
    {"a\n2\nT1X2GdkhUjV3iyufF9b0kVsWFxIU0VI4EpNml2Tecj4=\n", ATT_OK, NULL}, /* another root */
    {"a\n2\nT1X2GdkhUjV3iyufF9b0kVsWFxIU0VI4EpNml2Tecj5=\n", ATT_E_FORMAT, "root"},
    {"a\n0\n" NOTETEST_ROOT "\n", ATT_E_MISMATCH, "root"},
};

START_TEST(att_tree_head_parse__refuses_with_the_line)
{
    struct att_tree_head head = {.tree = {.size = 77}};
    struct att_diag diag = {0};

    ck_assert_msg(att_tree_head_parse(&head, str(REFUSED[_i].text), &diag) == REFUSED[_i].err,
                  "%s: %s", REFUSED[_i].text, diag.text);
    if (REFUSED[_i].err != ATT_OK) {
        ck_assert_int_eq(diag.reason, ATT_R_TL_CKPT);
        ck_assert_str_eq(diag.field, REFUSED[_i].field);
        ck_assert_uint_eq(head.tree.size, 77); /* written on success only */
    }
}
END_TEST

/* The keys of the example, and the log's and the witness's signer. */
struct scene {
    struct att_vkey *log, *witness;
    const struct att_vkey *witnesses[1];
    struct att_signer *log_signer, *witness_signer;
    struct att_checkpoint_keys keys;
};

static struct scene scene;

static void set_up(void)
{
    scene.log = notetest_vkey(NOTETEST_LOG_VKEY);
    scene.witness = notetest_vkey(NOTETEST_WITNESS_VKEY);
    scene.witnesses[0] = scene.witness;
    scene.log_signer = notetest_log_signer();
    scene.witness_signer = notetest_witness_signer();
    scene.keys = (struct att_checkpoint_keys){
        .log = scene.log, .witness = scene.witnesses, .witness_count = 1};
}

static void tear_down(void)
{
    att_vkey_free(scene.log);
    att_vkey_free(scene.witness);
    att_signer_free(scene.log_signer);
    att_signer_free(scene.witness_signer);
}

/* A head of the log with this first byte of the root. */
static struct att_tree_head head_of(uint64_t size, uint8_t first)
{
    return (struct att_tree_head){.origin = str(NOTETEST_LOG),
                                  .tree = {.size = size, .root = {first}}};
}

/* Made, and opened again; *note is what it borrows. */
static struct att_checkpoint *made(struct att_buf **note, const struct att_tree_head *head)
{
    struct att_checkpoint *c = NULL;

    NEED(att_checkpoint_make(note, head, scene.log_signer) == ATT_OK);
    NEED(att_checkpoint_open(&c, att_buf_slice(*note), &scene.keys, NULL) == ATT_OK);
    return c;
}

START_TEST(att_checkpoint_open__takes_the_example)
{
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    uint64_t time_s = 0;

    ck_assert_int_eq(att_checkpoint_open(&c, str(NOTETEST_NOTE), &scene.keys, NULL), ATT_OK);
    ck_assert_uint_eq(att_checkpoint_head(c)->tree.size, 2);
    ck_assert_uint_eq(att_checkpoint_cosigned(c), 1);
    ck_assert(att_checkpoint_cosigned_by(c, scene.witness, &time_s));
    ck_assert_uint_eq(time_s, NOTETEST_TIME);
    ck_assert(!att_checkpoint_cosigned_by(c, scene.log, NULL)); /* a log is no witness of itself */
}
END_TEST

/* The page that others read has this very example. */
START_TEST(att_checkpoint_open__takes_what_the_page_shows)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *page = NULL;
    static const char *const SHOWN[] = {NOTETEST_LOG_VKEY "\n" NOTETEST_WITNESS_VKEY "\n",
                                        NOTETEST_NOTE};
    struct att_slice text;

    ck_assert_int_eq(att_file_read(&page, "docs/formats/log.md", 65536, NULL), ATT_OK);
    text = att_buf_slice(page);
    for (size_t i = 0; i < ATT_COUNT(SHOWN); i++) {
        ck_assert_ptr_nonnull(memmem(text.p, text.len, SHOWN[i], strlen(SHOWN[i])));
    }
}
END_TEST

START_TEST(att_checkpoint_open__says_when_there_is_no_witness)
{
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;

    ck_assert_int_eq(
        att_checkpoint_open(&c, str(NOTETEST_TEXT "\n" NOTETEST_LOG_LINE), &scene.keys, NULL),
        ATT_OK);
    ck_assert_uint_eq(att_checkpoint_cosigned(c), 0);
    ck_assert(!att_checkpoint_cosigned_by(c, scene.witness, NULL));
}
END_TEST

#define OTHER_TEXT "other.example/log\n2\n" NOTETEST_ROOT "\n"

START_TEST(att_checkpoint_open__refuses_the_head_of_another_log)
{
    struct att_checkpoint *c = NULL;
    struct att_diag diag = {0};
    /* the key is the right one, and it signed: the text is another log's all the same */
    ATT_CLEANUP(att_buf_freep)
    struct att_buf *note = notetest_sign(str(OTHER_TEXT), NOTETEST_LOG, &scene.log_signer, 1);

    ck_assert_int_eq(att_checkpoint_open(&c, att_buf_slice(note), &scene.keys, &diag),
                     ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_TL_CKPT);
    ck_assert_str_eq(diag.text,
                     "expected a checkpoint of " NOTETEST_LOG ", found one of other.example/log");
    ck_assert_ptr_null(c);
}
END_TEST

START_TEST(att_checkpoint_open__needs_the_signature_of_the_log_itself)
{
    struct att_checkpoint *c = NULL;
    struct att_diag diag = {0};

    /* the witness alone */
    ck_assert_int_eq(
        att_checkpoint_open(&c, str(NOTETEST_TEXT "\n" NOTETEST_WITNESS_LINE), &scene.keys, &diag),
        ATT_E_UNTRUSTED);
    ck_assert_int_eq(diag.reason, ATT_R_TL_CKPT);
    ck_assert_ptr_nonnull(strstr(diag.text, "id d60e1bef, did not sign"));
    /* and nobody who is known */
    ck_assert_int_eq(
        att_checkpoint_open(&c, str(NOTETEST_TEXT "\n\xe2\x80\x94 " NOTETEST_LOG " AAAAAQI=\n"),
                            &scene.keys, &diag),
        ATT_E_UNTRUSTED);
    ck_assert_int_eq(diag.reason, ATT_R_TL_CKPT);
    ck_assert_ptr_null(c);
}
END_TEST

/* Another key under the log's name has another id, and one that copies the id as well cannot sign. */
START_TEST(att_checkpoint_open__refuses_the_key_of_another)
{
    ATT_CLEANUP(att_buf_freep)
    struct att_buf *note =
        notetest_sign(str(NOTETEST_TEXT), NOTETEST_LOG, &scene.witness_signer, 1);
    struct att_checkpoint *c = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_checkpoint_open(&c, att_buf_slice(note), &scene.keys, &diag),
                     ATT_E_UNTRUSTED);
    ck_assert_int_eq(diag.reason, ATT_R_TL_CKPT);
    ck_assert_ptr_null(c);
}
END_TEST

START_TEST(att_checkpoint_open__refuses_all_when_a_witness_fails)
{
    struct att_checkpoint *c = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(
        att_checkpoint_open(&c,
                            str(NOTETEST_TEXT "\n" NOTETEST_LOG_LINE
                                              "\xe2\x80\x94 " NOTETEST_WITNESS " BNLYMwA=\n"),
                            &scene.keys, &diag),
        ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_TL_CKPT);
    ck_assert_ptr_null(c);
}
END_TEST

START_TEST(att_checkpoint_verify__takes_keys_of_their_own_type_only)
{
    const struct att_vkey *many[ATT_CHECKPOINT_WITNESSES + 1];
    const struct att_vkey *log_as_witness[] = {scene.log};
    const struct att_checkpoint_keys wrong[] = {
        {.log = scene.witness},
        {.log = scene.log, .witness = log_as_witness, .witness_count = 1},
        {.log = scene.log, .witness = many, .witness_count = ATT_COUNT(many)},
    };
    struct att_checkpoint *c = NULL;

    for (size_t i = 0; i < ATT_COUNT(many); i++) {
        many[i] = scene.witness;
    }
    for (size_t i = 0; i < ATT_COUNT(wrong); i++) {
        ck_assert_int_eq(att_checkpoint_open(&c, str(NOTETEST_NOTE), &wrong[i], NULL),
                         ATT_E_INTERNAL);
    }
    ck_assert_ptr_null(c);
}
END_TEST

START_TEST(att_checkpoint_make__gives_the_example_byte_for_byte)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *note = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *line = NULL;
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    struct att_tree_head head;

    ck_assert_int_eq(att_tree_head_parse(&head, str(NOTETEST_TEXT), NULL), ATT_OK);
    c = made(&note, &head);
    bytes_expect_text(att_buf_slice(note), NOTETEST_TEXT "\n" NOTETEST_LOG_LINE);
    ck_assert_int_eq(
        att_checkpoint_cosign(&line, c, str(NOTETEST_WITNESS), NOTETEST_TIME, scene.witness_signer),
        ATT_OK);
    bytes_expect_text(att_buf_slice(line), NOTETEST_WITNESS_LINE);
}
END_TEST

START_TEST(att_checkpoint_make__refuses_a_head_that_would_be_refused)
{
    struct att_tree_head heads[] = {
        head_of(0, 1),                       /* not the root of the empty tree */
        head_of((uint64_t)INT64_MAX + 1, 1), /* too large */
        head_of(1, 1),
        head_of(1, 1),
        head_of(1, 1),
        head_of(1, 1),
    };
    struct att_buf *b = NULL;

    heads[2].origin = str("");
    heads[3].origin = str("a\n5");
    heads[4].extension = str("no break");
    heads[5].extension = str("\n");
    for (size_t i = 0; i < ATT_COUNT(heads); i++) {
        ck_assert_int_eq(att_tree_head_encode(&b, &heads[i]), ATT_E_INTERNAL);
        ck_assert_int_eq(att_checkpoint_make(&b, &heads[i], scene.log_signer), ATT_E_INTERNAL);
    }
    heads[2].origin = str("an origin with spaces"); /* is one, and cannot be the name of a key */
    ck_assert_int_eq(att_checkpoint_make(&b, &heads[2], scene.log_signer), ATT_E_INTERNAL);
    ck_assert_ptr_null(b);
}
END_TEST

START_TEST(att_checkpoint_make__keeps_extension_lines)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *note = NULL;
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    struct att_tree_head head = head_of(3, 1);

    head.extension = str("one\ntwo\n");
    c = made(&note, &head);
    bytes_expect_text(att_checkpoint_head(c)->extension, "one\ntwo\n");
}
END_TEST

START_TEST(att_checkpoint_make__signs_with_ed25519_only)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *ec = cosetest_signer(ATT_KEY_EC_P256);
    const struct att_tree_head head = head_of(1, 1);
    struct att_buf *b = NULL;

    ck_assert_int_eq(att_checkpoint_make(&b, &head, ec), ATT_E_UNSUPPORTED);
    ck_assert_ptr_null(b);
}
END_TEST

START_TEST(att_checkpoint_check_fork__tells_one_size_with_two_roots)
{
    struct att_buf *n[4] = {NULL};
    const struct att_tree_head heads[] = {head_of(5, 1), head_of(5, 1), head_of(5, 2),
                                          head_of(6, 2)};
    struct att_checkpoint *c[4];
    struct att_diag diag = {0};

    for (size_t i = 0; i < 4; i++) {
        c[i] = made(&n[i], &heads[i]);
    }
    ck_assert_int_eq(att_checkpoint_check_fork(c[0], c[1], NULL), ATT_OK);
    ck_assert_int_eq(att_checkpoint_check_fork(c[0], c[3], NULL), ATT_OK);
    ck_assert_int_eq(att_checkpoint_check_fork(c[0], c[2], &diag), ATT_E_CONFLICT);
    ck_assert_int_eq(diag.reason, ATT_R_TL_FORK);
    ck_assert_str_eq(diag.text, "two checkpoints of size 5 have two roots");
    for (size_t i = 0; i < 4; i++) {
        att_checkpoint_free(c[i]);
        att_buf_free(n[i]);
    }
}
END_TEST

START_TEST(att_checkpoint_check_fork__compares_heads_of_one_log_only)
{
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *other = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *mine = NULL;
    ATT_CLEANUP(att_buf_freep)
    struct att_buf *theirs =
        notetest_sign(str(OTHER_TEXT), "other.example/log", &scene.log_signer, 1);
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *a = NULL;
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *b = NULL;
    const struct att_tree_head head = head_of(2, 1);
    struct att_checkpoint_keys keys = {0};
    struct att_diag diag = {0};

    ck_assert_int_eq(att_vkey_new(&other, str("other.example/log"), ATT_NOTE_ED25519,
                                  scene.log_signer->public_key),
                     ATT_OK);
    keys.log = other;
    a = made(&mine, &head);
    ck_assert_int_eq(att_checkpoint_open(&b, att_buf_slice(theirs), &keys, NULL), ATT_OK);
    ck_assert_int_eq(att_checkpoint_check_fork(a, b, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_TL_CKPT);
}
END_TEST

int main(void)
{
    static const struct suite_fixture FIXTURE = {set_up, tear_down};
    const struct suite_row rows[] = {
        {att_tree_head_parse__reads_what_the_text_says, 0},
        {att_tree_head_parse__refuses_with_the_line, (int)ATT_COUNT(REFUSED)},
        {att_checkpoint_open__takes_the_example, 0},
        {att_checkpoint_open__takes_what_the_page_shows, 0},
        {att_checkpoint_open__says_when_there_is_no_witness, 0},
        {att_checkpoint_open__refuses_the_head_of_another_log, 0},
        {att_checkpoint_open__needs_the_signature_of_the_log_itself, 0},
        {att_checkpoint_open__refuses_the_key_of_another, 0},
        {att_checkpoint_open__refuses_all_when_a_witness_fails, 0},
        {att_checkpoint_verify__takes_keys_of_their_own_type_only, 0},
        {att_checkpoint_make__gives_the_example_byte_for_byte, 0},
        {att_checkpoint_make__refuses_a_head_that_would_be_refused, 0},
        {att_checkpoint_make__keeps_extension_lines, 0},
        {att_checkpoint_make__signs_with_ed25519_only, 0},
        {att_checkpoint_check_fork__tells_one_size_with_two_roots, 0},
        {att_checkpoint_check_fork__compares_heads_of_one_log_only, 0},
    };

    return SUITE_RUN_ROWS("checkpoint", rows, &FIXTURE);
}
