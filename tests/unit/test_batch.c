/* Batches: made, proven, cut down, and refused at the first byte that is another one. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/key.h"
#include "provtest.h"

#define RECORDS 9

static struct prov_gateway g;
static struct att_signer *signer;
static struct att_buf *file; /* one batch of RECORDS samples */
static uint8_t head[ATT_HEAD_LEN];
static const uint8_t none[ATT_HEAD_LEN];
static size_t failed; /* samples that the gateway itself marked */

static struct att_signer *new_signer(void)
{
    struct att_privkey *key = NULL;
    struct att_signer *s = NULL;

    ck_assert(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    ck_assert(att_signer_software(&s, key) == ATT_OK);
    return s;
}

static void fill(struct att_batch *b, size_t count)
{
    uint8_t frame[4];
    struct att_sample s;

    for (size_t i = 0; i < count; i++) {
        if (i % 3 == 2)
            s = prov_sample(&g, "temperature", att_slice_str("21.50"), NULL);
        else
            s = prov_sample(&g, "level-a", prov_register(frame, (uint16_t)(12000 + i * i)), NULL);
        ck_assert(att_batch_add(b, &s) == ATT_OK);
        failed += att_check_failed(s.check) ? 1 : 0;
        g.clock_ms += i == 4 ? 1600 : 500;
    }
}

static struct att_buf *close_batch(size_t count, uint64_t number, uint8_t now[ATT_HEAD_LEN],
                                   const uint8_t previous[ATT_HEAD_LEN])
{
    ATT_CLEANUP(att_batch_freep) struct att_batch *b = NULL;
    struct att_batch_statement draft = prov_draft(&g, number, previous);
    struct att_buf *out = NULL;
    struct att_diag diag = {0};

    ck_assert(att_batch_new(&b, 1024) == ATT_OK);
    fill(b, count);
    draft.clock_ms = g.clock_ms;
    ck_assert_msg(att_batch_close(&out, now, b, &draft, signer, &diag) == ATT_OK, "%s", diag.text);
    ck_assert_uint_eq(att_batch_count(b), 0);
    return out;
}

static void set_up(void)
{
    prov_start(&g, NULL);
    failed = 0;
    signer = new_signer();
    file = close_batch(RECORDS, 1, head, none);
}

static void tear_down(void)
{
    att_buf_free(file);
    att_signer_free(signer);
    prov_stop(&g);
}

struct seen {
    size_t count;
    uint32_t index[RECORDS];
};

static enum att_err see(void *ctx, const struct att_batch_record *r, struct att_diag *diag)
{
    struct seen *s = ctx;
    struct att_sample sample;

    ck_assert(att_sample_decode(&sample, r->bytes, diag) == ATT_OK);
    ck_assert(s->count < RECORDS);
    s->index[s->count++] = r->index;
    return ATT_OK;
}

static enum att_err verify(struct att_slice in, struct seen *seen, struct att_diag *diag)
{
    struct att_batch_file f;
    struct att_batch_statement s;
    uint8_t now[ATT_HEAD_LEN];
    enum att_err err = att_batch_file_parse(&f, in, diag);

    return err == ATT_OK ? att_batch_verify(&s, now, &f, signer->public_key, see, seen, diag) : err;
}

START_TEST(a_batch_verifies)
{
    struct att_batch_file f;
    struct att_batch_statement s;
    uint8_t now[ATT_HEAD_LEN];
    struct seen seen = {0};
    struct att_diag diag = {0};

    ck_assert(att_batch_file_parse(&f, att_buf_slice(file), &diag) == ATT_OK);
    ck_assert_msg(att_batch_verify(&s, now, &f, signer->public_key, see, &seen, &diag) == ATT_OK,
                  "%s", diag.text);
    ck_assert_uint_eq(seen.count, RECORDS);
    ck_assert_mem_eq(now, head, sizeof(head));
    ck_assert(s.number == 1 && s.size == RECORDS && s.channel_count == 2);
    ck_assert(att_slice_eq(s.channel[0].id, att_slice_str("level-a")));
    ck_assert(s.channel[0].first == 1 && s.channel[0].last == 6);
    ck_assert(att_slice_eq(s.channel[1].id, att_slice_str("temperature")));
    ck_assert(s.channel[1].first == 1 && s.channel[1].last == 3);
}
END_TEST

/* Every byte of the file: with another bit anywhere it is refused, and no record is given out. */
START_TEST(every_byte_counts)
{
    struct att_slice whole = att_buf_slice(file);
    uint8_t *copy = malloc(whole.len);

    for (size_t i = 0; i < whole.len; i++) {
        struct seen seen = {0};

        memcpy(copy, whole.p, whole.len);
        copy[i] ^= (uint8_t)(1U << (i % 8));
        ck_assert_msg(verify(att_slice_of(copy, whole.len), &seen, NULL) != ATT_OK, "byte %zu", i);
        ck_assert_uint_eq(seen.count, 0);
        ck_assert(verify(att_slice_of(copy, i), &seen, NULL) != ATT_OK);
    }
    free(copy);
}
END_TEST

START_TEST(another_key)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *other = new_signer();
    struct att_batch_file f;
    struct att_batch_statement s;
    struct att_diag diag = {0};
    uint8_t now[ATT_HEAD_LEN];

    ck_assert(att_batch_file_parse(&f, att_buf_slice(file), NULL) == ATT_OK);
    ck_assert(att_batch_verify(&s, now, &f, other->public_key, NULL, NULL, &diag) ==
              ATT_E_SIGNATURE);
    ck_assert(diag.reason == ATT_R_PRV_SIGNATURE);
}
END_TEST

START_TEST(records_are_disclosed)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *some = NULL;
    static const uint32_t WHICH[] = {0, 4, RECORDS - 1};
    static const uint32_t BAD[][2] = {{4, 4}, {5, 4}, {0, RECORDS}};
    struct att_batch_file f, cut;
    struct seen seen = {0};
    struct att_diag diag = {0};

    ck_assert(att_batch_file_parse(&f, att_buf_slice(file), NULL) == ATT_OK);
    ck_assert(att_batch_disclose(&some, &f, WHICH, 3, &diag) == ATT_OK);
    ck_assert_msg(verify(att_buf_slice(some), &seen, &diag) == ATT_OK, "%s", diag.text);
    ck_assert_uint_eq(seen.count, 3);
    ck_assert_mem_eq(seen.index, WHICH, sizeof(WHICH));
    for (size_t i = 0; i < att_buf_len(some); i++) {
        uint8_t *copy = malloc(att_buf_len(some));

        seen.count = 0;
        memcpy(copy, att_buf_slice(some).p, att_buf_len(some));
        copy[i] ^= (uint8_t)(1U << (i % 8));
        ck_assert_msg(verify(att_slice_of(copy, att_buf_len(some)), &seen, NULL) != ATT_OK,
                      "byte %zu", i);
        ck_assert_uint_eq(seen.count, 0);
        free(copy);
    }
    ck_assert(att_batch_file_parse(&cut, att_buf_slice(some), NULL) == ATT_OK && cut.disclosed);
    for (size_t i = 0; i < ATT_COUNT(BAD); i++) {
        struct att_buf *b = NULL;

        ck_assert(att_batch_disclose(&b, &f, BAD[i], 2, NULL) == ATT_E_LIMIT);
        ck_assert(att_batch_disclose(&b, &cut, WHICH, 1, NULL) == ATT_E_UNSUPPORTED);
    }
}
END_TEST

/* A batch of 65,536 records: the proof of one of them stays below 600 bytes (16 hashes and their heads). */
START_TEST(a_proof_is_small)
{
    ATT_CLEANUP(att_batch_freep) struct att_batch *b = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *large = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *one = NULL;
    struct att_batch_statement draft = prov_draft(&g, 1, none);
    struct att_batch_file f;
    static const uint32_t WHICH[] = {12345};
    struct seen seen = {0};
    struct att_diag diag = {0};
    uint8_t frame[4];
    struct att_sample s = prov_sample(&g, "level-a", prov_register(frame, 12000), NULL);
    uint8_t bytes[ATT_SAMPLE_MAX];
    size_t len = 0;

    ck_assert(att_batch_new(&b, ATT_BATCH_RECORDS_MAX) == ATT_OK);
    for (size_t i = 0; i < ATT_BATCH_RECORDS_MAX; i++) {
        s.sequence = i + 1;
        ck_assert(att_batch_add(b, &s) == ATT_OK);
    }
    s.sequence++;
    ck_assert(att_batch_add(b, &s) == ATT_E_BUSY);
    ck_assert(att_batch_close(&large, head, b, &draft, signer, &diag) == ATT_OK);
    ck_assert(att_batch_file_parse(&f, att_buf_slice(large), &diag) == ATT_OK);
    ck_assert(att_batch_disclose(&one, &f, WHICH, 1, &diag) == ATT_OK);
    ck_assert_msg(verify(att_buf_slice(one), &seen, &diag) == ATT_OK, "%s", diag.text);
    s.sequence = WHICH[0] + 1;
    ck_assert(att_sample_encode(bytes, sizeof(bytes), &len, &s) == ATT_OK);
    ck_assert_uint_le(att_buf_len(one) - len - f.statement.len, 600);
}
END_TEST

START_TEST(what_a_batch_takes)
{
    ATT_CLEANUP(att_batch_freep) struct att_batch *b = NULL;
    struct att_batch_statement draft = prov_draft(&g, 1, none);
    struct att_buf *out = NULL;
    uint8_t frame[4];
    struct att_sample s = prov_sample(&g, "level-a", prov_register(frame, 12000), NULL);

    ck_assert(att_batch_new(&b, 0) == ATT_E_LIMIT);
    ck_assert(att_batch_new(&b, 2) == ATT_OK);
    ck_assert(att_batch_close(&out, head, b, &draft, signer, NULL) == ATT_E_NOT_FOUND);
    ck_assert(att_batch_add(b, &s) == ATT_OK);
    ck_assert(att_batch_add(b, &s) == ATT_E_CONFLICT);
    s.sequence--;
    ck_assert(att_batch_add(b, &s) == ATT_E_CONFLICT);
    s.sequence += 5; /* a gap is told, by TC-19 */
    ck_assert(att_batch_add(b, &s) == ATT_OK);
    s.sequence++;
    ck_assert(att_batch_add(b, &s) == ATT_E_BUSY);
    ck_assert_uint_eq(att_batch_count(b), 2);
}
END_TEST

/* --- data --- */

static enum att_err feed(struct att_data *d, const struct att_buf *b, struct att_diag *diag)
{
    struct att_batch_file f;
    struct att_batch_statement s;

    ck_assert(att_batch_file_parse(&f, att_buf_slice(b), NULL) == ATT_OK);
    return att_data_batch(d, &s, &f, signer->public_key, NULL, NULL, diag);
}

static struct att_data *partner(void)
{
    struct att_data *d = NULL;
    struct att_spec *spec = NULL;

    ck_assert(att_data_new(&d) == ATT_OK);
    ck_assert(att_spec_decode(&spec, att_buf_slice(g.spec->bytes), NULL) == ATT_OK);
    ck_assert(att_data_add_spec(d, spec, NULL) == ATT_OK);
    return d;
}

START_TEST(a_partner_recomputes)
{
    ATT_CLEANUP(att_data_freep) struct att_data *d = partner();
    ATT_CLEANUP(att_buf_freep) struct att_buf *second = close_batch(6, 2, head, head);
    struct att_diag diag = {0};

    ck_assert_msg(feed(d, file, &diag) == ATT_OK, "%s", diag.text);
    ck_assert_msg(feed(d, second, &diag) == ATT_OK, "%s", diag.text);
    ck_assert_uint_eq(att_data_totals(d)->records, RECORDS + 6);
    ck_assert_uint_eq(att_data_totals(d)->recomputed, RECORDS + 6);
    ck_assert_uint_eq(att_data_totals(d)->values, RECORDS + 6);
    ck_assert_uint_gt(failed, 0); /* the pause */
    ck_assert_uint_eq(att_data_totals(d)->failed, failed);
}
END_TEST

START_TEST(batches_follow_each_other)
{
    uint8_t second_head[ATT_HEAD_LEN], third_head[ATT_HEAD_LEN];
    ATT_CLEANUP(att_buf_freep) struct att_buf *second = close_batch(3, 2, second_head, head);
    ATT_CLEANUP(att_buf_freep) struct att_buf *third = close_batch(3, 3, third_head, second_head);
    ATT_CLEANUP(att_data_freep) struct att_data *d = partner();
    ATT_CLEANUP(att_buf_freep) struct att_buf *stranger = NULL;
    struct att_diag diag = {0};

    ck_assert(feed(d, file, NULL) == ATT_OK);
    ck_assert(feed(d, third, &diag) == ATT_E_MISMATCH && diag.reason == ATT_R_PRV_SEQ);
    ck_assert(feed(d, file, &diag) == ATT_E_MISMATCH && diag.reason == ATT_R_PRV_SEQ);
    ck_assert(feed(d, second, NULL) == ATT_OK);
    stranger = close_batch(3, 3, third_head, head);
    ck_assert(feed(d, stranger, &diag) == ATT_E_MISMATCH && diag.reason == ATT_R_PRV_CHAIN);
    ck_assert_msg(feed(d, third, &diag) == ATT_OK, "%s", diag.text);
}
END_TEST

/* Records that are signed, and false: a gateway that lies about a value, an outcome, a unit or an order. */
START_TEST(a_signature_does_not_make_it_true)
{
    static const char *const REASON[] = {"TC-08", "TC-13", "TC-12", "TC-06", "TC-19", "channel"};

    for (int lie = 0; lie < (int)ATT_COUNT(REASON); lie++) {
        ATT_CLEANUP(att_batch_freep) struct att_batch *b = NULL;
        ATT_CLEANUP(att_buf_freep) struct att_buf *out = NULL;
        ATT_CLEANUP(att_data_freep) struct att_data *d = partner();
        struct att_batch_statement draft = prov_draft(&g, 2, head);
        uint8_t frame[4];
        struct att_diag diag = {0};
        struct att_sample s =
            prov_sample(&g, "level-a", prov_register(frame, (uint16_t)(12100 + lie)), NULL);
        uint8_t now[ATT_HEAD_LEN];

        draft.clock_ms = g.clock_ms;
        if (lie == 0)
            s.value.mantissa++;
        if (lie == 1)
            s.check[ATT_TC_13_RANGE] = ATT_CHECK_NOT_RUN;
        if (lie == 2)
            s.unit = att_slice_str("cm");
        if (lie == 3)
            s.spec[31] ^= 1;
        if (lie == 4)
            s.sequence += 7;
        if (lie == 5)
            s.channel = att_slice_str("level-x");
        ck_assert(att_batch_new(&b, 8) == ATT_OK && att_batch_add(b, &s) == ATT_OK);
        ck_assert(att_batch_close(&out, now, b, &draft, signer, NULL) == ATT_OK);
        ck_assert(feed(d, file, NULL) == ATT_OK);
        ck_assert_msg(feed(d, out, &diag) == ATT_E_MISMATCH, "lie %d", lie);
        ck_assert_msg(strstr(diag.text, REASON[lie]) != NULL, "lie %d: %s", lie, diag.text);
        ck_assert_msg(strstr(diag.text, "batch 2, record 0") != NULL, "%s", diag.text);
    }
}
END_TEST

START_TEST(a_specification_that_is_not_there)
{
    ATT_CLEANUP(att_data_freep) struct att_data *d = NULL;
    struct att_diag diag = {0};

    ck_assert(att_data_new(&d) == ATT_OK);
    ck_assert(feed(d, file, &diag) == ATT_E_MISMATCH && diag.reason == ATT_R_PRV_SPEC);
}
END_TEST

START_TEST(single_records_are_recomputed)
{
    ATT_CLEANUP(att_data_freep) struct att_data *d = partner();
    ATT_CLEANUP(att_buf_freep) struct att_buf *some = NULL;
    static const uint32_t WHICH[] = {3, 5};
    struct att_batch_file f;
    struct att_diag diag = {0};

    ck_assert(att_batch_file_parse(&f, att_buf_slice(file), NULL) == ATT_OK);
    ck_assert(att_batch_disclose(&some, &f, WHICH, 2, NULL) == ATT_OK);
    ck_assert_msg(feed(d, some, &diag) == ATT_OK, "%s", diag.text);
    ck_assert_uint_eq(att_data_totals(d)->recomputed, 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("batch");
    TCase *t = tcase_create("batch");
    SRunner *r = NULL;
    int bad = 0;

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_batch_verifies);
    tcase_add_test(t, every_byte_counts);
    tcase_add_test(t, another_key);
    tcase_add_test(t, records_are_disclosed);
    tcase_add_test(t, a_proof_is_small);
    tcase_add_test(t, what_a_batch_takes);
    tcase_add_test(t, a_partner_recomputes);
    tcase_add_test(t, batches_follow_each_other);
    tcase_add_test(t, a_signature_does_not_make_it_true);
    tcase_add_test(t, a_specification_that_is_not_there);
    tcase_add_test(t, single_records_are_recomputed);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    bad = srunner_ntests_failed(r);
    srunner_free(r);
    return bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
