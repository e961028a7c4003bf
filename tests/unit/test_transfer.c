/* Transfers: the documented example, and what is refused with which reason. */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/cbor_rd.h"
#include "need.h"
#include "suite.h"
#include "transfertest.h"

static uint8_t example[ATT_TRANSFER_MAX];
static size_t example_len;
static struct att_transfer t;

static int digit(int c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The fenced block of the page; what stands behind # is for people. */
static void read_example(void)
{
    FILE *f = fopen("docs/formats/transfer.md", "r");
    char line[512];
    bool inside = false;
    size_t digits = 0;

    ck_assert_msg(f != NULL, "run from the top of the tree");
    while (fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "```", 3) == 0) {
            inside = !inside && strcmp(line, "```hex\n") == 0;
            continue;
        }
        for (const char *c = line; inside && *c != '\0' && *c != '#'; c++) {
            if (digit(*c) < 0)
                continue;
            ck_assert_uint_lt(digits / 2, sizeof(example));
            example[digits / 2] = (uint8_t)(example[digits / 2] << 4 | digit(*c));
            digits++;
        }
    }
    fclose(f);
    example_len = digits / 2;
    ck_assert_uint_eq(digits % 2, 0);
}

static struct att_slice whole(void)
{
    return att_slice_of(example, example_len);
}

static struct att_signers *ring_of(struct att_slice spki)
{
    struct att_signers *ring = NULL;

    NEED(att_signers_new(&ring) == ATT_OK);
    NEED(att_signers_add(ring, "one", spki, NULL) == ATT_OK);
    return ring;
}

static void set_up(void)
{
    struct att_diag diag = {0};

    memset(example, 0, sizeof(example));
    read_example();
    ck_assert_msg(att_transfer_parse(&t, whole(), &diag) == ATT_OK, "%s", diag.text);
}

static void tear_down(void)
{
}

static enum att_reason verify(const struct att_transfer *one, enum att_transfer_role role,
                              const struct att_signers *ring)
{
    struct att_diag diag = {0};
    enum att_err err = att_transfer_verify(one, role, ring, &diag);

    ck_assert_int_eq(err == ATT_OK, diag.reason == ATT_R_NONE);
    return diag.reason;
}

START_TEST(transfer__the_documented_example_is_what_it_says)
{
    struct att_signers *giver = ring_of(att_slice_of(t.giver.key, t.giver.key_len));
    struct att_signers *receiver = ring_of(att_slice_of(t.receiver.key, t.receiver.key_len));

    ck_assert(t.accepted && t.has_ek_cert && t.last.has_counters && t.last.has_label);
    ck_assert_uint_eq(t.id[15], 0xaf);
    ck_assert_str_eq(t.giver.verifier_id, "a.example");
    ck_assert_str_eq(t.giver.device_id, "gateway-1");
    ck_assert_str_eq(t.receiver.verifier_id, "b.example");
    ck_assert_str_eq(t.receiver.device_id, "line-3");
    ck_assert_uint_eq(t.ek_name[33], 0x11);
    ck_assert_uint_eq(t.ak_name[33], 0x22);
    ck_assert_uint_eq(t.ek_cert[31], 0x33);
    ck_assert_int_eq(t.offered_utc, 1796083200);
    ck_assert_int_eq(t.expires_utc - t.offered_utc, 7 * 86400);
    ck_assert_int_eq(t.accepted_utc - t.offered_utc, 3600);
    ck_assert_str_eq(att_transfer_status_name(t.last.status), "affirming");
    ck_assert_uint_eq(t.last.reset_count, 41);
    ck_assert_uint_eq(t.last.clock_ms, 987654321);
    ck_assert_uint_eq(t.last.outcomes, 1203);
    ck_assert_int_eq(verify(&t, ATT_TRANSFER_GIVER, giver), ATT_R_NONE);
    ck_assert_int_eq(verify(&t, ATT_TRANSFER_RECEIVER, receiver), ATT_R_NONE);
    /* the key of the other side says nothing for ours */
    ck_assert_int_eq(verify(&t, ATT_TRANSFER_GIVER, receiver), ATT_R_TRF_SIGNER);
    ck_assert_int_eq(verify(&t, ATT_TRANSFER_RECEIVER, giver), ATT_R_TRF_SIGNER);
    ck_assert_int_eq(verify(&t, ATT_TRANSFER_GIVER, NULL), ATT_R_TRF_SIGNER);
    att_signers_free(giver);
    att_signers_free(receiver);
}
END_TEST

/* What was read is written again as the same bytes. */
START_TEST(transfer__payloads_are_written_again)
{
    struct transfertest x;
    struct att_pubkey *giver = NULL;
    struct att_transfer again;

    transfertest_new(&x, "a.example", "b.example", 0);
    NEED(att_pubkey_from_spki(&giver, att_slice_of(t.giver.key, t.giver.key_len), NULL) == ATT_OK);
    ck_assert_int_eq(att_transfer_offer_make(&x.offer, &t, x.giver), ATT_OK);
    ck_assert_int_eq(att_transfer_parse(&again, att_buf_slice(x.offer), NULL), ATT_OK);
    ck_assert(!again.accepted);
    ck_assert(
        att_slice_eq(again.offer_message.payload_untrusted, t.offer_message.payload_untrusted));
    att_buf_freep(&x.offer);
    NEED(att_buf_new(&x.offer, example_len) == ATT_OK);
    {
        struct att_cbor c = att_cbor_from(t.message.payload_untrusted);
        struct att_slice offer;

        (void)att_cbor_enter_array(&c, 6);
        (void)att_cbor_uint(&c);
        offer = att_cbor_bytes(&c, sizeof(example));
        NEED(offer.len > 0 && att_buf_add_slice(x.offer, offer) == ATT_OK);
    }
    ck_assert_int_eq(
        att_transfer_accept_make(&x.statement, &t, att_buf_slice(x.offer), giver, x.receiver),
        ATT_OK);
    ck_assert_int_eq(att_transfer_parse(&again, att_buf_slice(x.statement), NULL), ATT_OK);
    ck_assert(att_slice_eq(again.message.payload_untrusted, t.message.payload_untrusted));
    att_pubkey_free(giver);
    transfertest_clear(&x);
}
END_TEST

/* Every byte counts: none can be another, and none can be missing. */
START_TEST(transfer__no_byte_can_change)
{
    struct att_signers *giver = ring_of(att_slice_of(t.giver.key, t.giver.key_len));
    struct att_transfer other;
    struct att_diag diag;

    for (size_t i = 0; i < example_len; i++) {
        example[i] ^= 0x01;
        diag = (struct att_diag){0};
        if (att_transfer_parse(&other, whole(), &diag) == ATT_OK) {
            ck_assert_msg(verify(&other, ATT_TRANSFER_GIVER, giver) != ATT_R_NONE, "byte %zu", i);
        } else {
            ck_assert(diag.reason == ATT_R_FMT_TRANSFER || diag.reason == ATT_R_FMT_ID);
        }
        example[i] ^= 0x01;
        ck_assert_int_ne(att_transfer_parse(&other, att_slice_of(example, i), NULL), ATT_OK);
    }
    ck_assert_int_eq(att_transfer_parse(&other, att_slice_of(example, example_len + 1), NULL),
                     ATT_E_TRAILING);
    att_signers_free(giver);
}
END_TEST

/* One part of the example replaced by another of the same length. */
static const struct {
    const char *from, *to;
    enum att_reason reason;
} wrong[] = {
    {"gateway-1", "gateway/1", ATT_R_FMT_ID},
    {"line-3", "line 3", ATT_R_FMT_ID},
    {"a.example", "b.example", ATT_R_FMT_TRANSFER},       /* one verifier on both sides */
    {"\x00\x0b\x11", "\x00\x0f\x11", ATT_R_FMT_TRANSFER}, /* no hash of ours in the EK's name */
    {"\x00\x0b\x22", "\x00\x0c\x22", ATT_R_FMT_TRANSFER}, /* a hash of another size */
    {"\x6b\x17\x48\x80", "\x6b\x0e\x0e\x00", ATT_R_FMT_TRANSFER}, /* ends where it begins */
    {"\x6b\x17\x48\x80", "\x6b\x35\x9b\x01", ATT_R_FMT_TRANSFER}, /* 30 days and a second */
    {"\x6b\x0e\x1c\x10", "\x6b\x17\x48\x80", ATT_R_FMT_TRANSFER}, /* accepted when it was over */
    {"\x6b\x0e\x1c\x10", "\x6b\x0e\x0c\xd3", ATT_R_FMT_TRANSFER}, /* accepted 301 s before */
    {"\x84\x01\x83\x18", "\x84\x05\x83\x18", ATT_R_FMT_TRANSFER}, /* a status that is none */
    {"\x84\x01\x83\x18", "\x83\x01\x83\x18", ATT_R_FMT_TRANSFER}, /* one item less */
    {"transfer+cbor", "transfer+cbo2", ATT_R_FMT_TRANSFER},
    {"transfer-offer+cbor", "transfer-offer+cbo2", ATT_R_FMT_TRANSFER},
    {"\x8b\x01\x50", "\x8b\x02\x50", ATT_R_FMT_TRANSFER}, /* version 2 */
};

START_TEST(transfer__refuses_what_does_not_fit)
{
    size_t len = 3;
    struct att_transfer other;
    struct att_diag diag = {0};
    uint8_t *at = NULL;

    if (isprint((unsigned char)wrong[_i].from[0]) && isprint((unsigned char)wrong[_i].from[3]))
        len = strlen(wrong[_i].from);
    else if (wrong[_i].from[0] == '\x6b' || wrong[_i].from[0] == '\x84')
        len = 4;
    at = memmem(example, example_len, wrong[_i].from, len);
    ck_assert_ptr_nonnull(at);
    memcpy(at, wrong[_i].to, len);
    ck_assert_int_ne(att_transfer_parse(&other, whole(), &diag), ATT_OK);
    ck_assert_str_eq(att_reason_code(diag.reason), att_reason_code(wrong[_i].reason));
}
END_TEST

START_TEST(transfer__is_valid_between_its_times)
{
    struct att_diag diag = {0};

    ck_assert_int_eq(att_transfer_check_time(&t, t.offered_utc - 300, &diag), ATT_OK);
    ck_assert_int_eq(att_transfer_check_time(&t, t.expires_utc - 1, &diag), ATT_OK);
    ck_assert_int_eq(att_transfer_check_time(&t, t.expires_utc, &diag), ATT_E_STALE);
    ck_assert_int_eq(diag.reason, ATT_R_TRF_TIME);
    ck_assert_str_eq(diag.text, "its validity ended 0 seconds ago");
    ck_assert_int_eq(att_transfer_check_time(&t, t.offered_utc - 301, &diag), ATT_E_STALE);
    ck_assert_str_eq(diag.text, "its validity begins 301 seconds later");
}
END_TEST

/* Whoever is to accept knows the giver's key and has the key that the offer names. */
START_TEST(transfer__offer_is_verified_before_it_is_accepted)
{
    struct transfertest x;
    struct att_signers *giver = NULL;
    struct att_buf *spki = NULL;
    struct att_transfer offer;
    struct att_diag diag = {0};

    transfertest_new(&x, "a.example", "b.example", 1796083200);
    transfertest_sign(&x);
    NEED(att_pubkey_spki(&spki, x.giver->public_key) == ATT_OK);
    giver = ring_of(att_buf_slice(spki));
    NEED(att_transfer_parse(&offer, att_buf_slice(x.offer), NULL) == ATT_OK);
    ck_assert_int_eq(att_transfer_verify_offer(&offer, giver, x.receiver->public_key, &diag),
                     ATT_OK);
    ck_assert_int_eq(verify(&offer, ATT_TRANSFER_GIVER, giver), ATT_R_TRF_ONE);
    ck_assert_int_eq(att_transfer_verify_offer(&offer, giver, x.stranger->public_key, &diag),
                     ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_TRF_RECEIVER);
    ck_assert_int_eq(att_transfer_verify_offer(&offer, NULL, x.receiver->public_key, &diag),
                     ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_TRF_SIGNER);
    ck_assert_int_eq(att_transfer_verify_offer(&t, giver, x.receiver->public_key, &diag),
                     ATT_E_CONFLICT);
    ck_assert_int_eq(diag.reason, ATT_R_TRF_DONE);
    offer.offer_message.payload_untrusted = t.offer_message.payload_untrusted;
    ck_assert_int_eq(att_transfer_verify_offer(&offer, giver, x.receiver->public_key, &diag),
                     ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_TRF_SIG);
    att_signers_free(giver);
    att_buf_free(spki);
    transfertest_clear(&x);
}
END_TEST

/* What a reader would refuse is not signed. */
START_TEST(transfer__signs_nothing_that_nobody_would_take)
{
    struct transfertest x;
    struct att_buf *out = NULL;

    transfertest_new(&x, "a.example", "b.example", 1796083200);
    x.t.expires_utc = x.t.offered_utc + ATT_TRANSFER_TTL_MAX_S + 1;
    ck_assert_int_eq(att_transfer_offer_make(&out, &x.t, x.giver), ATT_E_INTERNAL);
    x.t.expires_utc--;
    x.t.ek_name_len--;
    ck_assert_int_eq(att_transfer_offer_make(&out, &x.t, x.giver), ATT_E_INTERNAL);
    x.t.ek_name_len++;
    ck_assert_int_eq(att_transfer_offer_make(&out, &x.t, x.giver), ATT_OK);
    x.t.accepted_utc = x.t.expires_utc;
    ck_assert_int_eq(att_transfer_accept_make(&x.statement, &x.t, att_buf_slice(out),
                                              x.giver->public_key, x.receiver),
                     ATT_E_INTERNAL);
    ck_assert_ptr_null(x.statement);
    att_buf_free(out);
    transfertest_clear(&x);
}
END_TEST

int main(void)
{
    static const struct suite_fixture fixture = {set_up, tear_down};
    const struct suite_row rows[] = {
        {transfer__the_documented_example_is_what_it_says, 0},
        {transfer__payloads_are_written_again, 0},
        {transfer__no_byte_can_change, 0},
        {transfer__refuses_what_does_not_fit, ATT_COUNT(wrong)},
        {transfer__is_valid_between_its_times, 0},
        {transfer__offer_is_verified_before_it_is_accepted, 0},
        {transfer__signs_nothing_that_nobody_would_take, 0},
    };

    return SUITE_RUN_ROWS("transfer", rows, &fixture);
}
