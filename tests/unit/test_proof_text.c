/* Proofs as text and requests to witnesses: read, written the same again, and each text that is refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "bytes.h"
#include "need.h"
#include "notetest.h"
#include "suite.h"
#include "tlog/checkpoint.h"
#include "tlog/proof_text.h"
#include "tlog/witness_request.h"

#define FIRST "c2sp.org/tlog-proof@v1\n"
#define HASH  "qxq38Hx8j+Dv9LpvqlPH5EEukaWZFT6KpOAb7s5beCU=\n" /* the leaf of "two" */

static struct att_slice str(const char *text)
{
    return att_slice_str(text);
}

START_TEST(att_proof_text_parse__proves_the_entry_of_the_example)
{
    static const char TEXT[] = FIRST "index 0\n" HASH "\n" NOTETEST_NOTE;
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *log = notetest_vkey(NOTETEST_LOG_VKEY);
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    const struct att_checkpoint_keys keys = {.log = log};
    const struct att_merkle_head *tree = NULL;
    struct att_proof_text p;
    uint8_t leaf[ATT_MERKLE_LEN];
    uint8_t extra[4];
    size_t len = 0;

    ck_assert_int_eq(att_proof_text_parse(&p, str(TEXT), NULL), ATT_OK);
    ck_assert_uint_eq(p.index, 0);
    ck_assert_uint_eq(p.path.count, 1);
    bytes_expect_text(p.checkpoint, NOTETEST_NOTE);
    ck_assert_int_eq(att_proof_text_extra(extra, sizeof(extra), &len, &p), ATT_E_NOT_FOUND);
    ck_assert_int_eq(att_checkpoint_open(&c, p.checkpoint, &keys, NULL), ATT_OK);
    tree = &att_checkpoint_head(c)->tree;
    NEED(att_hasher_new(&h) == ATT_OK && att_merkle_leaf(leaf, h, str("one")) == ATT_OK);
    ck_assert_int_eq(
        att_merkle_verify_inclusion(tree->root, p.index, tree->size, leaf, &p.path, NULL), ATT_OK);
    NEED(att_merkle_leaf(leaf, h, str("One")) == ATT_OK);
    ck_assert_int_eq(
        att_merkle_verify_inclusion(tree->root, p.index, tree->size, leaf, &p.path, NULL),
        ATT_E_MISMATCH);
}
END_TEST

START_TEST(att_proof_text_parse__takes_what_the_page_shows)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *page = NULL;
    struct att_slice text;
    static const char TEXT[] = FIRST "index 0\n" HASH "\n" NOTETEST_NOTE;
    static const char REQUEST[] = "old 1\n" HASH "\n" NOTETEST_TEXT "\n" NOTETEST_LOG_LINE;

    ck_assert_int_eq(att_file_read(&page, "docs/formats/log.md", 65536, NULL), ATT_OK);
    text = att_buf_slice(page);
    ck_assert_ptr_nonnull(memmem(text.p, text.len, TEXT, strlen(TEXT)));
    ck_assert_ptr_nonnull(memmem(text.p, text.len, REQUEST, strlen(REQUEST)));
}
END_TEST

START_TEST(att_proof_text_extra__gives_bytes_that_nothing_authenticates)
{
    static const char TEXT[] = FIRST "extra AQID\nindex 7\n\ncheckpoint";
    ATT_CLEANUP(att_buf_freep) struct att_buf *again = NULL;
    struct att_proof_text p;
    uint8_t extra[3];
    size_t len = 0;

    ck_assert_int_eq(att_proof_text_parse(&p, str(TEXT), NULL), ATT_OK);
    ck_assert_uint_eq(p.index, 7);
    ck_assert_uint_eq(p.path.count, 0);
    ck_assert_int_eq(att_proof_text_extra(extra, 2, &len, &p), ATT_E_LIMIT);
    ck_assert_int_eq(att_proof_text_extra(extra, sizeof(extra), &len, &p), ATT_OK);
    bytes_expect_hex(att_slice_of(extra, len), "010203");
    ck_assert_int_eq(att_proof_text_encode(&again, &p), ATT_OK);
    bytes_expect_text(att_buf_slice(again), TEXT);
}
END_TEST

static const struct {
    const char *text;
    enum att_err err;
    const char *field, *said;
} PROOFS[] = {
    {"", ATT_E_FORMAT, "proof", "expected \"c2sp.org"},
    {"c2sp.org/tlog-proof@v1", ATT_E_FORMAT, "proof", "expected \"c2sp.org"},
    {"c2sp.org/tlog-proof@v2\nindex 0\n\nx", ATT_E_FORMAT, "proof", "line 1: expected"},
    {" " FIRST "index 0\n\nx", ATT_E_FORMAT, "proof", "line 1: expected"},
    {FIRST, ATT_E_TRUNCATED, "index", "the text ends"},
    {FIRST "index 0", ATT_E_TRUNCATED, "index", "the text ends"},
    {FIRST "extra AQID\n", ATT_E_TRUNCATED, "index", "the text ends"},
    {FIRST "extra \nindex 0\n\nx", ATT_E_FORMAT, "extra", "line 2: expected base64"},
    {FIRST "extra AQI\nindex 0\n\nx", ATT_E_FORMAT, "extra", "line 2: expected base64"},
    {FIRST "extra AR==\nindex 0\n\nx", ATT_E_FORMAT, "extra", "line 2: expected base64"},
    {FIRST "extra AQID\nextra AQID\nindex 0\n\nx", ATT_E_FORMAT, "index", "line 3: expected"},
    {FIRST "index 0\nextra AQID\n\nx", ATT_E_FORMAT, "hash", "line 3: expected base64"},
    {FIRST "index\n\nx", ATT_E_FORMAT, "index", "line 2: expected \"index \""},
    {FIRST "Index 0\n\nx", ATT_E_FORMAT, "index", "line 2: expected \"index \""},
    {FIRST "index  0\n\nx", ATT_E_FORMAT, "index", "decimal number"},
    {FIRST "index 00\n\nx", ATT_E_FORMAT, "index", "decimal number"},
    {FIRST "index -1\n\nx", ATT_E_FORMAT, "index", "decimal number"},
    {FIRST "index 9223372036854775808\n\nx", ATT_E_LIMIT, "index", "below 2^63"},
    {FIRST "index 0\n" HASH, ATT_E_TRUNCATED, "hash", "before the blank line"},
    {FIRST "index 0\nAQID\n\nx", ATT_E_FORMAT, "hash", "line 3: expected base64"},
    {FIRST "index 0\n" HASH " " HASH "\nx", ATT_E_FORMAT, "hash", "line 4: expected base64"},
    {FIRST "index 0\n\n", ATT_E_TRUNCATED, "checkpoint", "behind the blank line"},
};

START_TEST(att_proof_text_parse__refuses_with_the_line)
{
    struct att_proof_text p = {.index = 77};
    struct att_diag diag = {0};

    ck_assert_msg(att_proof_text_parse(&p, str(PROOFS[_i].text), &diag) == PROOFS[_i].err, "%d: %s",
                  _i, diag.text);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_TLOG);
    ck_assert_str_eq(diag.field, PROOFS[_i].field);
    ck_assert_msg(strstr(diag.text, PROOFS[_i].said) != NULL, "%s", diag.text);
    ck_assert_uint_eq(p.index, 77); /* written on success only */
}
END_TEST

/* A text of so many hashes, and of so many bytes of extra (0: none). */
static struct att_buf *proof_of(size_t hashes, size_t extra)
{
    uint8_t *zeros = calloc(1, extra + 1);
    struct att_buf *b = NULL;

    NEED(zeros != NULL && att_buf_new(&b, 65536) == ATT_OK);
    NEED(att_buf_add_slice(b, str(FIRST)) == ATT_OK);
    if (extra > 0) {
        char *base64 = malloc(ATT_B64_LEN(extra));

        NEED(base64 != NULL);
        att_b64_encode(base64, ATT_B64_LEN(extra), ATT_B64_STD, att_slice_of(zeros, extra));
        NEED(att_buf_add_slice(b, str("extra ")) == ATT_OK);
        NEED(att_buf_add_slice(b, str(base64)) == ATT_OK);
        NEED(att_buf_add_slice(b, str("\n")) == ATT_OK);
        free(base64);
    }
    NEED(att_buf_add_slice(b, str("index 0\n")) == ATT_OK);
    for (size_t i = 0; i < hashes; i++) {
        NEED(att_buf_add_slice(b, str(HASH)) == ATT_OK);
    }
    NEED(att_buf_add_slice(b, str("\ncheckpoint")) == ATT_OK);
    free(zeros);
    return b;
}

static const struct {
    size_t hashes, extra;
    enum att_err err;
} SIZES[] = {
    {63, 0, ATT_OK},
    {64, 0, ATT_E_LIMIT},
    {0, ATT_PROOF_EXTRA, ATT_OK},
    {0, ATT_PROOF_EXTRA + 1, ATT_E_LIMIT},
};

START_TEST(att_proof_text_parse__has_limits)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = proof_of(SIZES[_i].hashes, SIZES[_i].extra);
    struct att_proof_text p;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_proof_text_parse(&p, att_buf_slice(b), &diag), SIZES[_i].err);
    if (SIZES[_i].err != ATT_OK) {
        ck_assert_int_eq(diag.reason, ATT_R_FMT_TLOG);
    }
}
END_TEST

START_TEST(att_proof_text_encode__refuses_what_nobody_could_read)
{
    struct att_proof_text good = {.index = 1, .path = {.count = 63}, .checkpoint = str("x")};
    struct att_proof_text bad[5];
    struct att_buf *b = NULL;

    ck_assert_int_eq(att_proof_text_encode(&b, &good), ATT_OK);
    att_buf_freep(&b);
    for (size_t i = 0; i < ATT_COUNT(bad); i++) {
        bad[i] = good;
    }
    bad[0].index = ATT_MERKLE_SIZE_MAX + 1;
    bad[1].path.count = 64;
    bad[2].path.count = SIZE_MAX;
    bad[3].checkpoint = str("");
    bad[4].extra = str("AQI");
    for (size_t i = 0; i < ATT_COUNT(bad); i++) {
        ck_assert_int_eq(att_proof_text_encode(&b, &bad[i]), ATT_E_INTERNAL);
    }
    ck_assert_ptr_null(b);
}
END_TEST

/* The example of the specification. */
START_TEST(att_witness_request_parse__reads_the_example)
{
    static const char TEXT[] =
        "old 20852014\n"
        "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
        "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
        "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
        "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
        "\n"
        "example.com/behind-the-sofa\n"
        "20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        "\n"
        "\xe2\x80\x94 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+"
        "ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
    ATT_CLEANUP(att_buf_freep) struct att_buf *again = NULL;
    struct att_witness_request r;
    struct att_tree_head head;
    struct att_note note;

    ck_assert_int_eq(att_witness_request_parse(&r, str(TEXT), NULL), ATT_OK);
    ck_assert_uint_eq(r.old, 20852014);
    ck_assert_uint_eq(r.path.count, 4);
    ck_assert_int_eq(att_note_parse(&note, r.checkpoint, NULL), ATT_OK);
    ck_assert_uint_eq(note.sig[0].key_id, 0x033de0ae);
    ck_assert_int_eq(att_tree_head_parse(&head, note.text, NULL), ATT_OK);
    ck_assert_uint_eq(head.tree.size, 20852163);
    ck_assert_int_eq(att_witness_request_encode(&again, &r), ATT_OK);
    bytes_expect_text(att_buf_slice(again), TEXT);
}
END_TEST

static const struct {
    const char *text;
    enum att_err err;
    const char *field;
} REQUESTS[] = {
    {"", ATT_E_TRUNCATED, "old"},
    {"old 1", ATT_E_TRUNCATED, "old"},
    {"\nold 1\n\nx", ATT_E_FORMAT, "old"},
    {"new 1\n\nx", ATT_E_FORMAT, "old"},
    {"old\n\nx", ATT_E_FORMAT, "old"},
    {"old 01\n\nx", ATT_E_FORMAT, "old"},
    {"old 1 \n\nx", ATT_E_FORMAT, "old"},
    {"old 9223372036854775808\n\nx", ATT_E_LIMIT, "old"},
    {"old 1\n" HASH, ATT_E_TRUNCATED, "hash"},
    {"old 1\nx\n\nx", ATT_E_FORMAT, "hash"},
    {"old 1\n\n", ATT_E_TRUNCATED, "checkpoint"},
};

START_TEST(att_witness_request_parse__refuses)
{
    struct att_witness_request r = {.old = 77};
    struct att_diag diag = {0};

    ck_assert_msg(att_witness_request_parse(&r, str(REQUESTS[_i].text), &diag) == REQUESTS[_i].err,
                  "%d: %s", _i, diag.text);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_TLOG);
    ck_assert_str_eq(diag.field, REQUESTS[_i].field);
    ck_assert_uint_eq(r.old, 77);
}
END_TEST

START_TEST(att_witness_request_encode__takes_63_hashes_and_no_more)
{
    struct att_witness_request r = {.old = 0, .path = {.count = 63}, .checkpoint = str("x")};
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct att_witness_request again;

    ck_assert_int_eq(att_witness_request_encode(&b, &r), ATT_OK);
    ck_assert_int_eq(att_witness_request_parse(&again, att_buf_slice(b), NULL), ATT_OK);
    ck_assert_uint_eq(again.path.count, 63);
    att_buf_freep(&b);
    r.path.count = 64;
    ck_assert_int_eq(att_witness_request_encode(&b, &r), ATT_E_INTERNAL);
    r.path.count = 1;
    r.old = ATT_MERKLE_SIZE_MAX + 1;
    ck_assert_int_eq(att_witness_request_encode(&b, &r), ATT_E_INTERNAL);
    r.old = 1;
    r.checkpoint = str("");
    ck_assert_int_eq(att_witness_request_encode(&b, &r), ATT_E_INTERNAL);
    ck_assert_ptr_null(b);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {att_proof_text_parse__proves_the_entry_of_the_example, 0},
        {att_proof_text_parse__takes_what_the_page_shows, 0},
        {att_proof_text_extra__gives_bytes_that_nothing_authenticates, 0},
        {att_proof_text_parse__refuses_with_the_line, (int)ATT_COUNT(PROOFS)},
        {att_proof_text_parse__has_limits, (int)ATT_COUNT(SIZES)},
        {att_proof_text_encode__refuses_what_nobody_could_read, 0},
        {att_witness_request_parse__reads_the_example, 0},
        {att_witness_request_parse__refuses, (int)ATT_COUNT(REQUESTS)},
        {att_witness_request_encode__takes_63_hashes_and_no_more, 0},
    };

    return SUITE_RUN_ROWS("proof_text", rows, NULL);
}
