/* Policies of logs and witnesses: who counts, who counts once, and each line that is refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "need.h"
#include "notetest.h"
#include "suite.h"
#include "tlog/witness_policy.h"

#define WITNESSES 5
#define TREE      NOTETEST_LOG "\n2\n" NOTETEST_ROOT "\n"

/* Witnesses w0 to w4 with keys of this run; "w0" in a line of a test stands for name and key. */
static struct att_signer *signer[WITNESSES];
static char vkey[WITNESSES][ATT_VKEY_TEXT];

static const char *name_of(size_t i)
{
    static const char *const NAMES[WITNESSES] = {"w0.example", "w1.example", "w2.example",
                                                 "w3.example", "w4.example"};

    return NAMES[i];
}

static void make_witnesses(void)
{
    for (size_t i = 0; i < WITNESSES; i++) {
        ATT_CLEANUP(att_vkey_freep) struct att_vkey *k = NULL;
        struct att_privkey *key = NULL;

        NEED(att_privkey_generate(&key, ATT_KEY_ED25519) == ATT_OK);
        NEED(att_signer_software(&signer[i], key) == ATT_OK);
        NEED(att_vkey_new(&k, att_slice_str(name_of(i)), ATT_NOTE_COSIGNATURE,
                          signer[i]->public_key) == ATT_OK);
        att_vkey_print(vkey[i], sizeof(vkey[i]), k);
    }
}

/* "$N" becomes the verifier key of witness N, "$L" the log's. */
static struct att_buf *policy_text(const char *pattern)
{
    struct att_buf *b = NULL;

    NEED(att_buf_new(&b, ATT_WITNESS_POLICY_MAX + 1) == ATT_OK);
    for (const char *at = pattern; *at != '\0'; at++) {
        if (*at != '$') {
            NEED(att_buf_add(b, at, 1) == ATT_OK);
            continue;
        }
        at++;
        NEED(att_buf_add_slice(
                 b, att_slice_str(*at == 'L' ? NOTETEST_LOG_VKEY : vkey[*at - '0'])) == ATT_OK);
    }
    return b;
}

static enum att_err parse(struct att_witness_policy **out, const char *pattern,
                          struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = policy_text(pattern);

    return att_witness_policy_parse(out, att_buf_slice(text), diag);
}

/* The checkpoint of the example with the cosignatures of the witnesses in this set of bits. */
static struct att_buf *cosigned(unsigned int set)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *log = notetest_log_signer();
    struct att_buf *note = notetest_sign(att_slice_str(TREE), NOTETEST_LOG, &log, 1);

    for (size_t i = 0; i < WITNESSES; i++) {
        const struct att_note_order order = {.text = att_slice_str(TREE),
                                             .name = att_slice_str(name_of(i)),
                                             .type = ATT_NOTE_COSIGNATURE,
                                             .time_s = 1000 + i};
        ATT_CLEANUP(att_buf_freep) struct att_buf *line = NULL;

        if ((set >> i & 1U) == 0) {
            continue;
        }
        NEED(att_note_sign(&line, &order, signer[i]) == ATT_OK);
        NEED(att_buf_add_slice(note, att_buf_slice(line)) == ATT_OK);
    }
    return note;
}

static bool met(const struct att_witness_policy *p, unsigned int set)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = cosigned(set);
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    struct att_note note;

    NEED(att_note_parse(&note, att_buf_slice(text), NULL) == ATT_OK);
    ck_assert_int_eq(att_witness_policy_verify(&c, p, &note, NULL), ATT_OK);
    return att_witness_policy_met(p, c);
}

#define FIVE "log $L\nwitness a $0\nwitness b $1\nwitness c $2\nwitness d $3\nwitness e $4\n"

static bool bit(unsigned int set, unsigned int i)
{
    return (set >> i & 1U) != 0;
}

static unsigned int bits(unsigned int set)
{
    return (unsigned int)__builtin_popcount(set);
}

/* The rule in words of C, for each set of witnesses. */
static bool want(int rule, unsigned int s)
{
    switch (rule) {
    case 0:
        return true;
    case 1:
        return bit(s, 2);
    case 2:
        return s != 0;
    case 3:
        return s == 31;
    case 4:
        return bits(s) >= 3;
    case 5:
        return bits(s & 7) >= 2 && (bit(s, 3) || bit(s, 4));
    case 6:
        return (bit(s, 0) && bit(s, 1)) || bit(s, 4);
    default:
        return bit(s, 0);
    }
}

static const char *const RULES[] = {
    FIVE "quorum none\n",
    FIVE "quorum c\n",
    FIVE "group g any a b c d e\nquorum g\n",
    FIVE "group g all a b c d e\nquorum g\n",
    FIVE "group g 3 a b c d e\nquorum g\n",
    FIVE "group X 2 a b c\ngroup Y any d e\ngroup both all X Y\nquorum both\n",
    FIVE "group p all a b\ngroup q 1 p e\nquorum q\n",
    /* a group beside the quorum decides nothing, and lines behind the quorum are read */
    "log $L\nwitness a $0\nquorum a\nwitness b $1\ngroup g any b\n",
};

START_TEST(att_witness_policy_met__is_the_rule_for_every_set_of_witnesses)
{
    ATT_CLEANUP(att_witness_policy_freep) struct att_witness_policy *p = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(parse(&p, RULES[_i], &diag) == ATT_OK, "%s", diag.text);
    ck_assert_int_eq(att_witness_policy_asks_nobody(p), _i == 0);
    for (unsigned int set = 0; set < 32; set++) {
        ck_assert_msg(met(p, set) == want(_i, set), "rule %d, witnesses %x", _i, set);
    }
}
END_TEST

START_TEST(att_witness_policy_parse__reads_blanks_comments_and_urls)
{
    ATT_CLEANUP(att_witness_policy_freep) struct att_witness_policy *p = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(parse(&p,
                        "# a comment\n\n \t\n  # another\nlog $L https://log.example/\n"
                        "\t witness  \xe2\x84\xaa\t$0 \t https://w0.example \n"
                        "witness # $1\nquorum \xe2\x84\xaa\n",
                        &diag) == ATT_OK,
                  "%s", diag.text);
    bytes_expect_text(att_witness_policy_log(p, 0)->url, "https://log.example/");
    bytes_expect_text(att_vkey_name(att_witness_policy_log(p, 0)->key), NOTETEST_LOG);
    ck_assert_ptr_null(att_witness_policy_log(p, 1));
    bytes_expect_text(att_witness_policy_witness(p, 0)->name, "\xe2\x84\xaa");
    bytes_expect_text(att_witness_policy_witness(p, 0)->url, "https://w0.example");
    bytes_expect_text(att_witness_policy_witness(p, 1)->name, "#");
    ck_assert_uint_eq(att_witness_policy_witness(p, 1)->url.len, 0);
    ck_assert_ptr_null(att_witness_policy_witness(p, 2));
}
END_TEST

static const struct {
    const char *text;
    enum att_err err;
    const char *said;
} REFUSED[] = {
    {"", ATT_E_FORMAT, "0: the file ends without a quorum"},
    {"log $L\n", ATT_E_FORMAT, "1: the file ends without a quorum"},
    {"quorum none", ATT_E_TRUNCATED, "1: the file ends inside a line"},
    {"quorum none\nquorum none\n", ATT_E_FORMAT, "2: expected one quorum"},
    {"quorum none\r\n", ATT_E_FORMAT, "1: expected text, found the byte 0d"},
    {"# \x7f\nquorum none\n", ATT_E_FORMAT, "1: expected text, found the byte 7f"},
    {"threshold 1\n", ATT_E_FORMAT, "1: expected log, witness, group or quorum, found"},
    {"Log $L\n", ATT_E_FORMAT, "1: expected log, witness, group or quorum, found"},
    {"log\n", ATT_E_FORMAT, "1: expected: log VKEY [URL]"},
    {"log $L url more\n", ATT_E_FORMAT, "1: expected: log VKEY [URL]"},
    {"log nothing\n", ATT_E_FORMAT, "1: expected NAME+ID+KEY"},
    {"log $0\n", ATT_E_UNSUPPORTED, "1: expected the key of a log, of type 01"},
    {"log a+11223344+BukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n", ATT_E_UNSUPPORTED,
     "1: expected a key of type 01 (Ed25519) or 04"},
    {"log a+11223344+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n", ATT_E_MISMATCH,
     "1: expected the id"},
    {"log $L\nlog $L\n", ATT_E_FORMAT, "2: the key of this log stands in an earlier line"},
    {"witness a\n", ATT_E_FORMAT, "1: expected: witness NAME VKEY [URL]"},
    {"witness a $0 url more\n", ATT_E_FORMAT, "1: expected: witness NAME VKEY [URL]"},
    {"witness a $L\n", ATT_E_UNSUPPORTED, "1: expected the key of a witness, of type 04"},
    {"witness none $0\n", ATT_E_FORMAT, "1: \"none\" is no name"},
    {"witness a $0\nwitness a $1\n", ATT_E_FORMAT, "2: the name is taken: \"a\""},
    {"witness a $0\nwitness b $0\n", ATT_E_FORMAT, "2: the key of this witness stands in"},
    {"group g any\n", ATT_E_FORMAT, "1: expected: group NAME all|any|K MEMBER..."},
    {"witness a $0\ngroup none any a\n", ATT_E_FORMAT, "2: \"none\" is no name"},
    {"witness a $0\ngroup a any a\n", ATT_E_FORMAT, "2: the name is taken: \"a\""},
    {"group g any g\n", ATT_E_FORMAT, "1: expected a name that is defined above, found \"g\""},
    {"group g any none\n", ATT_E_FORMAT, "1: expected a name that is defined above"},
    {"group g any a\nwitness a $0\n", ATT_E_FORMAT, "1: expected a name that is defined above"},
    {"witness a $0\ngroup g 0 a\n", ATT_E_FORMAT, "2: expected a number from 1"},
    {"witness a $0\ngroup g 2 a\n", ATT_E_FORMAT, "2: expected a number from 1"},
    {"witness a $0\ngroup g 01 a\n", ATT_E_FORMAT, "2: expected all, any or a number"},
    {"witness a $0\ngroup g ANY a\n", ATT_E_FORMAT, "2: expected all, any or a number"},
    {"witness a $0\ngroup g 99999999999999999999 a\n", ATT_E_FORMAT, "2: expected all, any"},
    {"witness a $0\ngroup g 2 a a\n", ATT_E_FORMAT, "2: a group has this member already: \"a\""},
    {"witness a $0\ngroup g any a\ngroup h any a\n", ATT_E_FORMAT, "3: a group has this member"},
    {"quorum\n", ATT_E_FORMAT, "1: expected: quorum NAME, or quorum none"},
    {"quorum none none\n", ATT_E_FORMAT, "1: expected: quorum NAME, or quorum none"},
    {"quorum a\nwitness a $0\n", ATT_E_FORMAT, "1: expected a name that is defined above"},
};

START_TEST(att_witness_policy_parse__refuses_with_the_line)
{
    struct att_witness_policy *p = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(parse(&p, REFUSED[_i].text, &diag) == REFUSED[_i].err, "%d: %s", _i, diag.text);
    ck_assert_ptr_null(p);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_WITNESSES);
    ck_assert_msg(strstr(diag.text, REFUSED[_i].said) == diag.text, "%s", diag.text);
}
END_TEST

START_TEST(att_witness_policy_parse__refuses_what_is_too_long)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = policy_text("quorum none\n#");
    struct att_witness_policy *p = NULL;
    struct att_diag diag = {0};
    uint8_t *room = NULL;
    size_t left = ATT_WITNESS_POLICY_MAX - att_buf_len(b);

    NEED(att_buf_room(b, left + 1, &room) == ATT_OK);
    memset(room, 'x', left + 1);
    room[left - 1] = '\n';
    room[left] = '\n';
    att_buf_commit(b, left);
    ck_assert_int_eq(att_witness_policy_parse(&p, att_buf_slice(b), NULL), ATT_OK);
    att_witness_policy_freep(&p);
    att_buf_commit(b, 1);
    ck_assert_int_eq(att_witness_policy_parse(&p, att_buf_slice(b), &diag), ATT_E_LIMIT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_WITNESSES);
    ck_assert_ptr_null(p);
}
END_TEST

/* count lines of one kind, with a key of its own for each. */
static struct att_buf *many(const char *kind, size_t count)
{
    struct att_buf *b = policy_text("");
    char line[ATT_VKEY_TEXT + 64];

    for (size_t i = 0; i < count; i++) {
        ATT_CLEANUP(att_privkey_freep) struct att_privkey *key = NULL;
        ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *pub = NULL;
        ATT_CLEANUP(att_vkey_freep) struct att_vkey *k = NULL;
        char text[ATT_VKEY_TEXT];
        bool log = strcmp(kind, "log") == 0;

        NEED(att_privkey_generate(&key, ATT_KEY_ED25519) == ATT_OK);
        NEED(att_privkey_public(&pub, key) == ATT_OK);
        NEED(att_vkey_new(&k, att_slice_str("n"), log ? ATT_NOTE_ED25519 : ATT_NOTE_COSIGNATURE,
                          pub) == ATT_OK);
        att_vkey_print(text, sizeof(text), k);
        if (log) {
            snprintf(line, sizeof(line), "log %s\n", text);
        } else {
            snprintf(line, sizeof(line), "witness w%zu %s\n", i, text);
        }
        NEED(att_buf_add_slice(b, att_slice_str(line)) == ATT_OK);
    }
    return b;
}

static enum att_err judge_many(struct att_buf *b, struct att_diag *diag)
{
    ATT_CLEANUP(att_witness_policy_freep) struct att_witness_policy *p = NULL;

    NEED(att_buf_add_slice(b, att_slice_str("quorum none\n")) == ATT_OK);
    return att_witness_policy_parse(&p, att_buf_slice(b), diag);
}

START_TEST(att_witness_policy_parse__takes_64_of_each_and_no_more)
{
    static const char *const KINDS[] = {"log", "witness"};
    struct att_diag diag = {0};

    for (size_t i = 0; i < ATT_COUNT(KINDS); i++) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *most = many(KINDS[i], 64);
        ATT_CLEANUP(att_buf_freep) struct att_buf *more = many(KINDS[i], 65);

        ck_assert_msg(judge_many(most, &diag) == ATT_OK, "%s", diag.text);
        ck_assert_int_eq(judge_many(more, &diag), ATT_E_LIMIT);
        ck_assert_ptr_nonnull(strstr(diag.text, "65: expected at most 64"));
    }
}
END_TEST

/* A chain of groups, each around the one before: walked once, whatever its depth. */
START_TEST(att_witness_policy_parse__takes_64_groups_of_any_depth)
{
    for (size_t count = 64; count <= 65; count++) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *b = policy_text("log $L\nwitness g $0\n");
        ATT_CLEANUP(att_witness_policy_freep) struct att_witness_policy *p = NULL;
        char line[64];

        for (size_t i = 0; i < count; i++) {
            if (i == 0) {
                snprintf(line, sizeof(line), "group g0 all g\n");
            } else {
                snprintf(line, sizeof(line), "group g%zu all g%zu\n", i, i - 1);
            }
            NEED(att_buf_add_slice(b, att_slice_str(line)) == ATT_OK);
        }
        snprintf(line, sizeof(line), "quorum g%zu\n", count - 1);
        NEED(att_buf_add_slice(b, att_slice_str(line)) == ATT_OK);
        ck_assert_int_eq(att_witness_policy_parse(&p, att_buf_slice(b), NULL),
                         count == 64 ? ATT_OK : ATT_E_LIMIT);
        if (count == 64) {
            ck_assert(met(p, 1));
            ck_assert(!met(p, 0));
        }
    }
}
END_TEST

START_TEST(att_witness_policy_parse__refuses_a_line_of_too_many_words)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = policy_text("group g any");
    struct att_witness_policy *p = NULL;

    for (size_t i = 0; i < 129; i++) {
        NEED(att_buf_add_slice(b, att_slice_str(" x")) == ATT_OK);
    }
    NEED(att_buf_add_slice(b, att_slice_str("\nquorum none\n")) == ATT_OK);
    ck_assert_int_eq(att_witness_policy_parse(&p, att_buf_slice(b), NULL), ATT_E_LIMIT);
    ck_assert_ptr_null(p);
}
END_TEST

START_TEST(att_witness_policy_verify__knows_its_logs_and_their_keys)
{
    ATT_CLEANUP(att_witness_policy_freep) struct att_witness_policy *p = NULL;
    ATT_CLEANUP(att_witness_policy_freep) struct att_witness_policy *other = NULL;
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = cosigned(1);
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *old = NULL;
    char pattern[2 * ATT_VKEY_TEXT];
    char old_text[ATT_VKEY_TEXT];
    struct att_note note;
    struct att_diag diag = {0};
    uint64_t time_s = 0;

    /* another key of the same log, in front: that one did not sign, and the next did */
    ck_assert_int_eq(
        att_vkey_new(&old, att_slice_str(NOTETEST_LOG), ATT_NOTE_ED25519, signer[3]->public_key),
        ATT_OK);
    snprintf(pattern, sizeof(pattern), "log %s\nlog $L\nwitness a $0\nquorum a\n",
             att_vkey_print(old_text, sizeof(old_text), old));
    ck_assert_int_eq(parse(&p, pattern, NULL), ATT_OK);
    NEED(att_note_parse(&note, att_buf_slice(text), NULL) == ATT_OK);
    ck_assert_int_eq(att_witness_policy_verify(&c, p, &note, NULL), ATT_OK);
    ck_assert(att_checkpoint_cosigned_by(c, att_witness_policy_witness(p, 0)->key, &time_s));
    ck_assert_uint_eq(time_s, 1000);
    att_checkpoint_freep(&c);
    /* a policy without this log */
    ck_assert_int_eq(parse(&other, "witness a $0\nquorum a\n", NULL), ATT_OK);
    ck_assert_int_eq(att_witness_policy_verify(&c, other, &note, &diag), ATT_E_UNTRUSTED);
    ck_assert_int_eq(diag.reason, ATT_R_TL_CKPT);
    ck_assert_str_eq(diag.text, "no log of the policy is " NOTETEST_LOG);
    ck_assert_ptr_null(c);
}
END_TEST

START_TEST(att_witness_policy_verify__refuses_a_false_cosignature)
{
    ATT_CLEANUP(att_witness_policy_freep) struct att_witness_policy *p = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = cosigned(0);
    ATT_CLEANUP(att_buf_freep) struct att_buf *line = NULL;
    const struct att_note_order order = {.text = att_slice_str("another text\n"),
                                         .name = att_slice_str(name_of(0)),
                                         .type = ATT_NOTE_COSIGNATURE};
    struct att_checkpoint *c = NULL;
    struct att_note note;
    struct att_diag diag = {0};

    ck_assert_int_eq(parse(&p, "log $L\nwitness a $0\nquorum none\n", NULL), ATT_OK);
    NEED(att_note_sign(&line, &order, signer[0]) == ATT_OK);
    NEED(att_buf_add_slice(text, att_buf_slice(line)) == ATT_OK);
    NEED(att_note_parse(&note, att_buf_slice(text), NULL) == ATT_OK);
    ck_assert_int_eq(att_witness_policy_verify(&c, p, &note, &diag), ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_TL_CKPT);
    ck_assert_ptr_null(c);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {att_witness_policy_met__is_the_rule_for_every_set_of_witnesses, (int)ATT_COUNT(RULES)},
        {att_witness_policy_parse__reads_blanks_comments_and_urls, 0},
        {att_witness_policy_parse__refuses_with_the_line, (int)ATT_COUNT(REFUSED)},
        {att_witness_policy_parse__refuses_what_is_too_long, 0},
        {att_witness_policy_parse__takes_64_of_each_and_no_more, 0},
        {att_witness_policy_parse__takes_64_groups_of_any_depth, 0},
        {att_witness_policy_parse__refuses_a_line_of_too_many_words, 0},
        {att_witness_policy_verify__knows_its_logs_and_their_keys, 0},
        {att_witness_policy_verify__refuses_a_false_cosignature, 0},
    };
    int status = 0;

    make_witnesses();
    status = SUITE_RUN_ROWS("witness_policy", rows, NULL);
    for (size_t i = 0; i < WITNESSES; i++) {
        att_signer_free(signer[i]);
    }
    return status;
}
