/* Signed notes and verifier keys: what is read, what is believed, and each text that is refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "cosetest.h"
#include "need.h"
#include "notetest.h"
#include "suite.h"

#define DASH "\xe2\x80\x94 "

/* C2SP signed-note, the example of the specification. */
#define C2SP_VKEY "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define C2SP_NOTE                                                                                  \
    "This is an example message.\n\n" DASH "example.com/foo "                                      \
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=" \
    "\n"

#define SIG "AAAAAQI=" /* a key id and one byte */

static struct att_slice str(const char *text)
{
    return att_slice_str(text);
}

START_TEST(att_note_parse__splits_at_the_last_blank_line)
{
    static const char TEXT[] = "one\n\ntwo\n\n";
    static const char NOTE[] = "one\n\ntwo\n\n\n" DASH "a " SIG "\n" DASH "b/c AAAAAgMEBQ==\n";
    struct att_note note;

    ck_assert_int_eq(att_note_parse(&note, str(NOTE), NULL), ATT_OK);
    bytes_expect_text(note.text, TEXT);
    ck_assert_uint_eq(note.sig_count, 2);
    bytes_expect_text(note.sig[0].name, "a");
    ck_assert_uint_eq(note.sig[0].key_id, 1);
    bytes_expect_text(note.sig[0].base64, SIG);
    bytes_expect_text(note.sig[0].line, DASH "a " SIG "\n");
    bytes_expect_text(note.sig[1].name, "b/c");
    ck_assert_uint_eq(note.sig[1].key_id, 2);
}
END_TEST

static const struct {
    const char *note;
    size_t len; /* 0: of the text */
    enum att_err err;
    const char *said;
} REFUSED[] = {
    {"", 0, ATT_E_FORMAT, "found no blank line"},
    {"\n", 0, ATT_E_FORMAT, "found no blank line"},
    {"text\n", 0, ATT_E_FORMAT, "found no blank line"},
    {"text\n" DASH "a " SIG "\n", 0, ATT_E_FORMAT, "found no blank line"},
    {"text\n\n", 0, ATT_E_FORMAT, "has no signature"},
    {"text\n\n" DASH "a " SIG, 0, ATT_E_TRUNCATED, "ends inside a line"},
    {"text\n\n" DASH "a " SIG "\n\n", 0, ATT_E_FORMAT, "has no signature"},
    {"text\n\n" DASH "a " SIG "\nmore\n", 0, ATT_E_FORMAT, "begins with U+2014"},
    {"text\n\n- a " SIG "\n", 0, ATT_E_FORMAT, "begins with U+2014"},
    {"text\n\n\xe2\x80\x93 a " SIG "\n", 0, ATT_E_FORMAT, "begins with U+2014"},
    {"text\n\n\xe2\x80\x94"
     "a " SIG "\n",
     0, ATT_E_FORMAT, "begins with U+2014"},
    {"text\n\n" DASH " " SIG "\n", 0, ATT_E_FORMAT, "the name of a key"},
    {"text\n\n" DASH "a\n", 0, ATT_E_FORMAT, "the name of a key"},
    {"text\n\n" DASH "\n", 0, ATT_E_FORMAT, "the name of a key"},
    {"text\n\n" DASH "a+b " SIG "\n", 0, ATT_E_FORMAT, "the name of a key"},
    {"text\n\n" DASH "a\xc2\xa0"
     "b " SIG "\n",
     0, ATT_E_FORMAT, "the name of a key"},
    {"text\n\n" DASH "a \n", 0, ATT_E_FORMAT, "base64 of a key id"},
    {"text\n\n" DASH "a  " SIG "\n", 0, ATT_E_FORMAT, "base64 of a key id"},
    {"text\n\n" DASH "a " SIG " \n", 0, ATT_E_FORMAT, "base64 of a key id"},
    {"text\n\n" DASH "a AAAAAQ==\n", 0, ATT_E_FORMAT, "base64 of a key id"}, /* no signature */
    {"text\n\n" DASH "a AAAAAQJ=\n", 0, ATT_E_FORMAT, "base64 of a key id"}, /* bits left over */
    {"text\n\n" DASH "a AAAAAQI\n", 0, ATT_E_FORMAT, "base64 of a key id"},
    {"text\r\n\n" DASH "a " SIG "\n", 0, ATT_E_FORMAT, "found the byte 0d"},
    {"te\txt\n\n" DASH "a " SIG "\n", 0, ATT_E_FORMAT, "found the byte 09"},
    {"te\0xt\n\n" DASH "a " SIG "\n", 22, ATT_E_FORMAT, "found the byte 00"},
    {"te\x1b[2Jxt\n\n" DASH "a " SIG "\n", 0, ATT_E_FORMAT, "found the byte 1b"},
    {"te\xffxt\n\n" DASH "a " SIG "\n", 0, ATT_E_FORMAT, "not UTF-8"},
    {"te\xc0\xafxt\n\n" DASH "a " SIG "\n", 0, ATT_E_FORMAT, "not UTF-8"},
};

START_TEST(att_note_parse__refuses)
{
    struct att_slice in = att_slice_of(
        REFUSED[_i].note, REFUSED[_i].len > 0 ? REFUSED[_i].len : strlen(REFUSED[_i].note));
    struct att_note note;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_note_parse(&note, in, &diag), REFUSED[_i].err);
    ck_assert_int_eq(diag.reason, ATT_R_TL_CKPT);
    ck_assert_msg(strstr(diag.text, REFUSED[_i].said) != NULL, "%s", diag.text);
}
END_TEST

/* count lines of signature behind a text. */
static struct att_buf *note_of(size_t count, size_t sig_len)
{
    struct att_buf *b = NULL;
    char *base64 = malloc(ATT_B64_LEN(sig_len));
    uint8_t *zeros = calloc(1, sig_len);

    NEED(base64 != NULL && zeros != NULL && att_buf_new(&b, 2 * ATT_NOTE_MAX) == ATT_OK);
    att_b64_encode(base64, ATT_B64_LEN(sig_len), ATT_B64_STD, att_slice_of(zeros, sig_len));
    NEED(att_buf_add_slice(b, str("text\n\n")) == ATT_OK);
    for (size_t i = 0; i < count; i++) {
        NEED(att_buf_add_slice(b, str(DASH "a ")) == ATT_OK);
        NEED(att_buf_add_slice(b, str(base64)) == ATT_OK);
        NEED(att_buf_add_slice(b, str("\n")) == ATT_OK);
    }
    free(zeros);
    free(base64);
    return b;
}

static const struct {
    size_t count, sig_len;
    enum att_err err;
} SIZES[] = {
    {16, 5000, ATT_OK}, /* what the specification asks for */
    {ATT_NOTE_SIGS, 76, ATT_OK},
    {ATT_NOTE_SIGS + 1, 76, ATT_E_LIMIT},
    {1, ATT_NOTE_SIG_MAX, ATT_OK},
    {1, ATT_NOTE_SIG_MAX + 1, ATT_E_LIMIT},
    {ATT_NOTE_SIGS, 5000, ATT_E_LIMIT}, /* the note is too long */
};

START_TEST(att_note_parse__has_limits_above_what_must_be_accepted)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = note_of(SIZES[_i].count, SIZES[_i].sig_len);
    struct att_note note;
    struct att_diag diag = {0};

    ck_assert_msg(att_note_parse(&note, att_buf_slice(b), &diag) == SIZES[_i].err, "%s", diag.text);
    if (SIZES[_i].err == ATT_OK) {
        ck_assert_uint_eq(note.sig_count, SIZES[_i].count);
    } else {
        ck_assert_int_eq(diag.reason, ATT_R_TL_CKPT);
    }
}
END_TEST

static const struct {
    const char *name;
    bool ok;
} NAMES[] = {
    {"example.com/log", true},
    {"a", true},
    {"\xe3\x83\xad\xe3\x82\xb0", true},
    {"a\x7f", true},
    {"", false},
    {"a b", false},
    {"a+b", false},
    {"a\nb", false},
    {"a\tb", false},
    {"a\xc2\x85", false},
    {"\xe1\x9a\x80", false},
    {"a\xe2\x80\x80", false},
    {"a\xe2\x80\x8a", false},
    {"a\xe2\x80\x8b", true},
    {"a\xe2\x80\xa8", false},
    {"a\xe2\x80\xa9", false},
    {"a\xe2\x80\xaf", false},
    {"a\xe2\x81\x9f", false},
    {"\xe3\x80\x80z", false},
    {"a\xff", false},
};

START_TEST(att_note_name_ok__has_no_space_of_unicode_and_no_plus)
{
    ck_assert_msg(att_note_name_ok(str(NAMES[_i].name)) == NAMES[_i].ok, "%d: %s", _i,
                  NAMES[_i].name);
}
END_TEST

START_TEST(att_vkey_parse__prints_what_it_read)
{
    static const char *const KEYS[] = {C2SP_VKEY, NOTETEST_LOG_VKEY, NOTETEST_WITNESS_VKEY};
    char text[ATT_VKEY_TEXT];

    for (size_t i = 0; i < ATT_COUNT(KEYS); i++) {
        ATT_CLEANUP(att_vkey_freep) struct att_vkey *k = notetest_vkey(KEYS[i]);

        ck_assert_str_eq(att_vkey_print(text, sizeof(text), k), KEYS[i]);
        ck_assert_str_eq(att_vkey_print(text, sizeof(text) - 1, k), "");
    }
}
END_TEST

START_TEST(att_vkey_new__is_the_key_of_the_specification)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *signer = notetest_witness_signer();
    ATT_CLEANUP(att_signer_freep) struct att_signer *ec = cosetest_signer(ATT_KEY_EC_P256);
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *k = NULL;
    char text[ATT_VKEY_TEXT];
    char name[ATT_NOTE_NAME_MAX + 1];

    ck_assert_int_eq(
        att_vkey_new(&k, str(NOTETEST_WITNESS), ATT_NOTE_COSIGNATURE, signer->public_key), ATT_OK);
    ck_assert_str_eq(att_vkey_print(text, sizeof(text), k), NOTETEST_WITNESS_VKEY);
    ck_assert_uint_eq(att_vkey_id(k), 0x04d2d833);
    ck_assert_int_eq(att_vkey_type(k), ATT_NOTE_COSIGNATURE);
    att_vkey_freep(&k);
    /* the same key and name under the other type is another key */
    ck_assert_int_eq(att_vkey_new(&k, str(NOTETEST_WITNESS), ATT_NOTE_ED25519, signer->public_key),
                     ATT_OK);
    ck_assert_uint_eq(att_vkey_id(k), 0xd3188955);
    att_vkey_freep(&k);
    ck_assert_int_eq(att_vkey_new(&k, str("a b"), ATT_NOTE_ED25519, signer->public_key),
                     ATT_E_FORMAT);
    ck_assert_int_eq(att_vkey_new(&k, str("a"), ATT_NOTE_ED25519, ec->public_key),
                     ATT_E_UNSUPPORTED);
    memset(name, 'n', sizeof(name));
    ck_assert_int_eq(
        att_vkey_new(&k, att_slice_of(name, sizeof(name)), ATT_NOTE_ED25519, signer->public_key),
        ATT_E_FORMAT);
    ck_assert_int_eq(att_vkey_new(&k, att_slice_of(name, ATT_NOTE_NAME_MAX), ATT_NOTE_ED25519,
                                  signer->public_key),
                     ATT_OK);
    ck_assert_uint_eq(strlen(att_vkey_print(text, sizeof(text), k)), ATT_VKEY_TEXT - 1);
}
END_TEST

#define KEY33 "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"

static const struct {
    const char *text;
    enum att_err err;
} VKEYS[] = {
    {"", ATT_E_FORMAT},
    {"example.com/foo", ATT_E_FORMAT},
    {"example.com/foo+530d903a", ATT_E_FORMAT},
    {"+530d903a+" KEY33, ATT_E_FORMAT},
    {"example.com/ foo+530d903a+" KEY33, ATT_E_FORMAT},
    {"example.com/foo+530D903A+" KEY33, ATT_E_FORMAT},
    {"example.com/foo+530d903+" KEY33, ATT_E_FORMAT},
    {"example.com/foo+530d903a0+" KEY33, ATT_E_FORMAT},
    {"example.com/foo+530d903a00+" KEY33, ATT_E_FORMAT},
    {"example.com/foo+530d903g+" KEY33, ATT_E_FORMAT},
    {"example.com/foo++" KEY33, ATT_E_FORMAT},
    {"example.com/foo+530d903a+", ATT_E_FORMAT},
    {"example.com/foo+530d903a+" KEY33 "\n", ATT_E_FORMAT},
    {"example.com/foo+530d903a+AQ==", ATT_E_FORMAT},          /* a type and no key */
    {"example.com/foo+530d903a+" KEY33 "AAAA", ATT_E_FORMAT}, /* 35 bytes of key */
    {"example.com/foo+530d903b+" KEY33, ATT_E_MISMATCH},
    {"example.com/fop+530d903a+" KEY33, ATT_E_MISMATCH},
    {"example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", ATT_E_MISMATCH},
    {"example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", ATT_E_UNSUPPORTED},
    {"example.com/foo+530d903a+BukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", ATT_E_UNSUPPORTED},
    {"example.com/foo+530d903a+AOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", ATT_E_UNSUPPORTED},
};

START_TEST(att_vkey_parse__refuses)
{
    struct att_vkey *k = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(att_vkey_parse(&k, str(VKEYS[_i].text), &diag) == VKEYS[_i].err, "%s: %s",
                  VKEYS[_i].text, diag.text);
    ck_assert_ptr_null(k);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_KEY);
}
END_TEST

START_TEST(att_vkey_parse__has_limits)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    char name[ATT_NOTE_NAME_MAX + 2] = "";
    struct att_vkey *k = NULL;
    uint8_t *room = NULL;

    NEED(att_buf_new(&b, 16384) == ATT_OK);
    memset(name, 'n', sizeof(name) - 1);
    NEED(att_buf_add_slice(b, str(name)) == ATT_OK);
    NEED(att_buf_add_slice(b, str("+530d903a+" KEY33)) == ATT_OK);
    ck_assert_int_eq(att_vkey_parse(&k, att_buf_slice(b), NULL), ATT_E_LIMIT);
    att_buf_clear(b);
    NEED(att_buf_add_slice(b, str("n+530d903a+")) == ATT_OK);
    NEED(att_buf_room(b, 8192, &room) == ATT_OK);
    memset(room, 'A', 8192);
    att_buf_commit(b, 8192);
    ck_assert_int_eq(att_vkey_parse(&k, att_buf_slice(b), NULL), ATT_E_LIMIT);
}
END_TEST

/* Parse and verify under keys in one. */
static enum att_err judge(struct att_note_verified **out, struct att_slice in,
                          const struct att_vkey *const *keys, size_t count, struct att_diag *diag)
{
    struct att_note note;
    enum att_err err = att_note_parse(&note, in, diag);

    return err == ATT_OK ? att_note_verify(out, &note, keys, count, diag) : err;
}

START_TEST(att_note_verify__takes_the_example_of_the_specification)
{
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *k = notetest_vkey(C2SP_VKEY);
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *other = notetest_vkey(NOTETEST_LOG_VKEY);
    ATT_CLEANUP(att_note_verified_freep) struct att_note_verified *v = NULL;
    const struct att_vkey *keys[] = {other, k};
    uint64_t time_s = 7;

    ck_assert_int_eq(judge(&v, str(C2SP_NOTE), keys, 2, NULL), ATT_OK);
    bytes_expect_text(att_note_text(v), "This is an example message.\n");
    ck_assert(att_note_signed_by(v, k, &time_s));
    ck_assert_uint_eq(time_s, 0);
    ck_assert(!att_note_signed_by(v, other, &time_s));
}
END_TEST

START_TEST(att_note_verify__takes_a_cosignature_that_openssl_made)
{
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *log = notetest_vkey(NOTETEST_LOG_VKEY);
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *witness = notetest_vkey(NOTETEST_WITNESS_VKEY);
    ATT_CLEANUP(att_note_verified_freep) struct att_note_verified *v = NULL;
    const struct att_vkey *keys[] = {log, witness};
    uint64_t time_s = 0;

    ck_assert_int_eq(judge(&v, str(NOTETEST_NOTE), keys, 2, NULL), ATT_OK);
    bytes_expect_text(att_note_text(v), NOTETEST_TEXT);
    ck_assert(att_note_signed_by(v, log, NULL));
    ck_assert(att_note_signed_by(v, witness, &time_s));
    ck_assert_uint_eq(time_s, NOTETEST_TIME);
}
END_TEST

/* A key that is not asked for is unknown: its signature is ignored, and counts for nothing. */
START_TEST(att_note_verify__ignores_keys_that_it_does_not_know)
{
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *log = notetest_vkey(NOTETEST_LOG_VKEY);
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *other = notetest_vkey(C2SP_VKEY);
    ATT_CLEANUP(att_note_verified_freep) struct att_note_verified *v = NULL;
    const struct att_vkey *keys[] = {log};
    const struct att_vkey *others[] = {other};
    struct att_diag diag = {0};
    static const char NOISE[] = NOTETEST_TEXT "\n" DASH NOTETEST_LOG " AAAAAQI=\n" /* other id */
        DASH "else.example 1g4b7wA=\n"                                             /* other name */
        NOTETEST_LOG_LINE;

    ck_assert_int_eq(judge(&v, str(NOISE), keys, 1, NULL), ATT_OK);
    ck_assert(att_note_signed_by(v, log, NULL));
    att_note_verified_freep(&v);
    ck_assert_int_eq(judge(&v, str(NOISE), others, 1, &diag), ATT_E_UNTRUSTED);
    ck_assert_int_eq(diag.reason, ATT_R_TL_CKPT);
    ck_assert_int_eq(judge(&v, str(NOISE), NULL, 0, &diag), ATT_E_UNTRUSTED);
    ck_assert_ptr_null(v);
}
END_TEST

#define LOG_ID "1g4b7" /* base64 of d60e1bef begins so */

static const char *const BAD[] = {
    /* one letter of the signature */
    NOTETEST_TEXT "\n" DASH NOTETEST_LOG " 1g4b71R4161kHVgHgn6QEYsHmQPRpQM+JKqDiaf0/"
                  "B5HehuQqE0qCxDRWMWK9l+sWj+Bm2EELJIbuU7F+sVL9Sl5uA0=\n",
    /* another size under the same signature */
    NOTETEST_LOG "\n3\n" NOTETEST_ROOT "\n\n" NOTETEST_LOG_LINE,
    /* a byte too few, one too many, and as many as a cosignature has */
    NOTETEST_TEXT "\n" DASH NOTETEST_LOG " " LOG_ID "wA=\n",
    NOTETEST_TEXT "\n" DASH NOTETEST_LOG " 1g4b71R4161kHVgHgn6QEYsHmQPRpQM+JKqDiaf0/"
                  "B5HehuQqE0qCxDRWMWK9l+sWj+Bm2EELJIbuU7F+sVL9Sl5uQ0A\n",
    NOTETEST_TEXT "\n" DASH NOTETEST_LOG " 1g4b7wAAAABpKg1QVHjXrWQdWAeCfpARiweZA9GlAz4kqoOJp/"
                  "T8Hkd6G5CoTSoLENFYxYr2X6xaP4GbYQQskhu5TsX6xUv1KXm5DQ==\n",
    /* a good signature beside it does not help */
    NOTETEST_TEXT "\n" DASH NOTETEST_LOG " " LOG_ID "wA=\n" NOTETEST_LOG_LINE,
    NOTETEST_NOTE DASH NOTETEST_WITNESS " BNLYMwA=\n",
    /* the time of a cosignature is signed with it */
    NOTETEST_TEXT "\n" NOTETEST_LOG_LINE DASH NOTETEST_WITNESS
                  " BNLYMwAAAABpKg1RiT8cEJ+uKe+kufy38ZuioyNA8YxqXCD+"
                  "8pooFVHQnU3uNcr9mXbVVx2BREQxqfUUzbc/rfZmeTVwpBGLcMVgDw==\n",
};

START_TEST(att_note_verify__refuses_all_when_a_known_key_fails)
{
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *log = notetest_vkey(NOTETEST_LOG_VKEY);
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *witness = notetest_vkey(NOTETEST_WITNESS_VKEY);
    const struct att_vkey *keys[] = {log, witness};
    struct att_note_verified *v = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(judge(&v, str(BAD[_i]), keys, 2, &diag) == ATT_E_SIGNATURE, "%s", diag.text);
    ck_assert_ptr_null(v);
    ck_assert_int_eq(diag.reason, ATT_R_TL_CKPT);
    ck_assert_ptr_nonnull(strstr(diag.text, "does not verify"));
}
END_TEST

START_TEST(att_note_verify__refuses_every_flipped_bit_of_text_and_signature)
{
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *log = notetest_vkey(NOTETEST_LOG_VKEY);
    const struct att_vkey *keys[] = {log};
    static const char NOTE[] = NOTETEST_TEXT "\n" NOTETEST_LOG_LINE;
    char changed[sizeof(NOTE)];
    struct att_note_verified *v = NULL;

    for (size_t bit = 0; bit < 8 * (sizeof(NOTE) - 1); bit++) {
        memcpy(changed, NOTE, sizeof(NOTE));
        changed[bit / 8] ^= (char)(1U << (bit % 8));
        ck_assert_msg(judge(&v, att_slice_of(changed, sizeof(NOTE) - 1), keys, 1, NULL) != ATT_OK,
                      "bit %zu", bit);
    }
}
END_TEST

START_TEST(att_note_make__gives_the_example_byte_for_byte)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *log = notetest_log_signer();
    ATT_CLEANUP(att_signer_freep) struct att_signer *witness = notetest_witness_signer();
    ATT_CLEANUP(att_buf_freep) struct att_buf *note = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *line = NULL;
    const struct att_note_order order = {
        .text = str(NOTETEST_TEXT), .name = str(NOTETEST_LOG), .type = ATT_NOTE_ED25519};
    const struct att_note_order cosign = {.text = str(NOTETEST_TEXT),
                                          .name = str(NOTETEST_WITNESS),
                                          .type = ATT_NOTE_COSIGNATURE,
                                          .time_s = NOTETEST_TIME};

    ck_assert_int_eq(att_note_make(&note, &order, log), ATT_OK);
    bytes_expect_text(att_buf_slice(note), NOTETEST_TEXT "\n" NOTETEST_LOG_LINE);
    ck_assert_int_eq(att_note_sign(&line, &cosign, witness), ATT_OK);
    bytes_expect_text(att_buf_slice(line), NOTETEST_WITNESS_LINE);
}
END_TEST

/* One witness may have cosigned twice: the newer word counts. */
START_TEST(att_note_signed_by__gives_the_newest_time)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *witness = notetest_witness_signer();
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *k = notetest_vkey(NOTETEST_WITNESS_VKEY);
    ATT_CLEANUP(att_note_verified_freep) struct att_note_verified *v = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *note = NULL;
    struct att_note_order order = {
        .text = str("text\n"), .name = str(NOTETEST_WITNESS), .type = ATT_NOTE_COSIGNATURE};
    static const uint64_t TIMES[] = {100, INT64_MAX, 5};
    const struct att_vkey *keys[] = {k};
    uint64_t time_s = 0;

    order.time_s = TIMES[0];
    ck_assert_int_eq(att_note_make(&note, &order, witness), ATT_OK);
    for (size_t i = 1; i < ATT_COUNT(TIMES); i++) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *line = NULL;

        order.time_s = TIMES[i];
        ck_assert_int_eq(att_note_sign(&line, &order, witness), ATT_OK);
        ck_assert_int_eq(att_buf_add_slice(note, att_buf_slice(line)), ATT_OK);
    }
    ck_assert_int_eq(judge(&v, att_buf_slice(note), keys, 1, NULL), ATT_OK);
    ck_assert(att_note_signed_by(v, k, &time_s));
    ck_assert_uint_eq(time_s, INT64_MAX);
}
END_TEST

static const struct {
    const char *text, *name;
    int type;
    uint64_t time_s;
} ORDERS[] = {
    {"text", "a", 1, 0},     {"", "a", 1, 0},
    {"te\rxt\n", "a", 1, 0}, {"te\xffxt\n", "a", 1, 0},
    {"text\n", "", 1, 0},    {"text\n", "a b", 1, 0},
    {"text\n", "a+b", 1, 0}, {"text\n", "a", 1, 5},
    {"text\n", "a", 2, 0},   {"text\n", "a", 4, (uint64_t)INT64_MAX + 1},
};

START_TEST(att_note_make__refuses_what_nobody_could_read)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *signer = notetest_log_signer();
    const struct att_note_order order = {.text = str(ORDERS[_i].text),
                                         .name = str(ORDERS[_i].name),
                                         .type = (enum att_note_type)ORDERS[_i].type,
                                         .time_s = ORDERS[_i].time_s};
    struct att_buf *b = NULL;

    ck_assert_int_eq(att_note_make(&b, &order, signer), ATT_E_INTERNAL);
    ck_assert_int_eq(att_note_sign(&b, &order, signer), ATT_E_INTERNAL);
    ck_assert_ptr_null(b);
}
END_TEST

START_TEST(att_note_make__signs_with_ed25519_only)
{
    static const enum att_key_type TYPES[] = {ATT_KEY_EC_P256, ATT_KEY_RSA};
    const struct att_note_order order = {
        .text = str("text\n"), .name = str("a"), .type = ATT_NOTE_ED25519};

    for (size_t i = 0; i < ATT_COUNT(TYPES); i++) {
        ATT_CLEANUP(att_signer_freep) struct att_signer *signer = cosetest_signer(TYPES[i]);
        struct att_buf *b = NULL;

        ck_assert_int_eq(att_note_make(&b, &order, signer), ATT_E_UNSUPPORTED);
        ck_assert_ptr_null(b);
    }
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {att_note_parse__splits_at_the_last_blank_line, 0},
        {att_note_parse__refuses, (int)ATT_COUNT(REFUSED)},
        {att_note_parse__has_limits_above_what_must_be_accepted, (int)ATT_COUNT(SIZES)},
        {att_note_name_ok__has_no_space_of_unicode_and_no_plus, (int)ATT_COUNT(NAMES)},
        {att_vkey_parse__prints_what_it_read, 0},
        {att_vkey_new__is_the_key_of_the_specification, 0},
        {att_vkey_parse__refuses, (int)ATT_COUNT(VKEYS)},
        {att_vkey_parse__has_limits, 0},
        {att_note_verify__takes_the_example_of_the_specification, 0},
        {att_note_verify__takes_a_cosignature_that_openssl_made, 0},
        {att_note_verify__ignores_keys_that_it_does_not_know, 0},
        {att_note_verify__refuses_all_when_a_known_key_fails, (int)ATT_COUNT(BAD)},
        {att_note_verify__refuses_every_flipped_bit_of_text_and_signature, 0},
        {att_note_make__gives_the_example_byte_for_byte, 0},
        {att_note_signed_by__gives_the_newest_time, 0},
        {att_note_make__refuses_what_nobody_could_read, (int)ATT_COUNT(ORDERS)},
        {att_note_make__signs_with_ed25519_only, 0},
    };

    return SUITE_RUN_ROWS("note", rows, NULL);
}
