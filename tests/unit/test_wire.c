/* Messages between gateway and verifier. */
#include <check.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"
#include "suite.h"

#define BIG 131072

static uint8_t big[BIG]; /* zeros: also valid UTF-8 */

static struct att_slice zeros(size_t len)
{
    ck_assert_uint_le(len, BIG);
    return att_slice_of(big, len);
}

/* One sample of every document, and how it is read. */
struct sample {
    struct wire_enrol_begin begin;
    struct wire_enrol_challenge enrol_challenge;
    struct wire_enrol_activate activate;
    struct wire_enrol_done done;
    struct wire_new_session new_session;
    struct wire_challenge challenge;
    struct wire_part part;
    struct wire_outcome outcome;
    struct wire_problem problem;
};

static void sample_enrolment(struct sample *s)
{
    s->begin = (struct wire_enrol_begin){
        .device_id = att_slice_str("gw-1"),
        .token = att_slice_str("t0ken"),
        .ek_public = zeros(300),
        .ek_cert = {zeros(900), zeros(1200)},
        .ek_cert_count = 2,
        .ak_public = zeros(90),
        .csr = zeros(250),
        .iak = {.public_area = zeros(120), .cert = {zeros(700), zeros(600)}, .cert_count = 2},
        .idevid = {.public_area = zeros(110), .cert = {zeros(700)}, .cert_count = 1},
    };
    s->enrol_challenge = (struct wire_enrol_challenge){
        .session = zeros(WIRE_SESSION_LEN),
        .nonce = zeros(WIRE_NONCE_LEN),
        .verifier_id = att_slice_str("verifier.example"),
        .id_object = zeros(80),
        .secret = zeros(258),
        .selection = zeros(10),
    };
    s->activate = (struct wire_enrol_activate){
        .session = zeros(WIRE_SESSION_LEN),
        .secret = zeros(32),
        .attest = zeros(145),
        .signature = zeros(72),
        .ak = {zeros(161), zeros(72)},
        .idevid = {zeros(161), zeros(72)},
    };
    s->done = (struct wire_enrol_done){
        .device_id = att_slice_str("gw-1"), .client_cert = zeros(600), .interval_s = 600};
}

static void sample_session(struct sample *s)
{
    s->new_session = (struct wire_new_session){
        .log_mask = 5, .own_pcr = 13, .has_boot = true, .reset_count = 7, .restart_count = 2};
    s->challenge = (struct wire_challenge){
        .session = zeros(WIRE_SESSION_LEN),
        .nonce = zeros(WIRE_NONCE_LEN),
        .verifier_id = att_slice_str("verifier.example"),
        .selection = zeros(10),
        .offset = {0, 4711, 65536},
        .expires_ms = 60000,
    };
    s->part = (struct wire_part){
        .log = 1,
        .reset_count = UINT32_MAX,
        .restart_count = UINT32_MAX,
        .off = INT64_MAX,
        .padded = true,
        .bytes = zeros(70000),
    };
}

static void sample_answers(struct sample *s)
{
    s->outcome = (struct wire_outcome){
        .status = 96,
        .label = zeros(900),
        .reason = {{.code = att_slice_str("E_REF_MISMATCH"),
                    .requirement = att_slice_str("own-files"),
                    .name = att_slice_str("/etc/gateway.conf"),
                    .expected = zeros(32),
                    .found = zeros(32),
                    .text = att_slice_str("restore it")},
                   {.code = att_slice_str("E_LOG_COVERAGE"), .severity = 1}},
        .reason_count = 2,
        .next_s = 60,
        .unattested = 12,
        .state = {{att_slice_str("E_TIME_UNCLEAN"), att_slice_str("resetCount 1 to 2")},
                  {att_slice_str("E_TIME_KEXEC"), att_slice_str("")}},
        .state_count = 2,
    };
    s->problem = (struct wire_problem){
        .title = att_slice_str("refused"),
        .detail = att_slice_str("two reasons"),
        .code = att_slice_str("E_REF_MISMATCH"),
        .fix = att_slice_str("restore the item"),
        .outcome = zeros(40),
    };
}

static struct sample *sample_new(void)
{
    struct sample *s = calloc(1, sizeof(*s));

    ck_assert_ptr_nonnull(s);
    sample_enrolment(s);
    sample_session(s);
    sample_answers(s);
    return s;
}

enum doc {
    BEGIN,
    ENROL_CHALLENGE,
    ACTIVATE,
    DONE,
    NEW_SESSION,
    CHALLENGE,
    PART,
    OUTCOME,
    PROBLEM,
    DOCS
};

/* As the agent does: the head, and the bytes behind it. */
static enum att_err encode_part(struct att_wr *w, const struct wire_part *m)
{
    enum att_err err = wire_part_encode_head(w, m, m->bytes.len);

    ck_assert_uint_le(w->len, WIRE_PART_HEAD);
    att_wr_slice(w, m->bytes);
    return err;
}

static enum att_err encode(struct att_wr *w, enum doc d, const struct sample *s)
{
    switch (d) {
    case BEGIN:
        return wire_enrol_begin_encode(w, &s->begin);
    case ENROL_CHALLENGE:
        return wire_enrol_challenge_encode(w, &s->enrol_challenge);
    case ACTIVATE:
        return wire_enrol_activate_encode(w, &s->activate);
    case DONE:
        return wire_enrol_done_encode(w, &s->done);
    case NEW_SESSION:
        return wire_new_session_encode(w, &s->new_session);
    case CHALLENGE:
        return wire_challenge_encode(w, &s->challenge);
    case PART:
        return encode_part(w, &s->part);
    case OUTCOME:
        return wire_outcome_encode(w, &s->outcome);
    default:
        return wire_problem_encode(w, &s->problem);
    }
}

static enum att_err parse(struct sample *s, enum doc d, struct att_slice in, struct att_diag *diag)
{
    switch (d) {
    case BEGIN:
        return wire_enrol_begin_parse(&s->begin, in, diag);
    case ENROL_CHALLENGE:
        return wire_enrol_challenge_parse(&s->enrol_challenge, in, diag);
    case ACTIVATE:
        return wire_enrol_activate_parse(&s->activate, in, diag);
    case DONE:
        return wire_enrol_done_parse(&s->done, in, diag);
    case NEW_SESSION:
        return wire_new_session_parse(&s->new_session, in, diag);
    case CHALLENGE:
        return wire_challenge_parse(&s->challenge, in, diag);
    case PART:
        return wire_part_parse(&s->part, in, diag);
    case OUTCOME:
        return wire_outcome_parse(&s->outcome, in, diag);
    default:
        return wire_problem_parse(&s->problem, in, diag);
    }
}

static uint8_t enc[4 * BIG];

static struct att_slice encoded(enum doc d, const struct sample *s)
{
    struct att_wr w = att_wr_into(enc, sizeof(enc));
    struct att_slice all;

    ck_assert_int_eq(encode(&w, d, s), ATT_OK);
    ck_assert_int_eq(att_wr_done(&w, &all), ATT_OK);
    return all;
}

START_TEST(wire_parse__gives_back_what_was_encoded)
{
    static uint8_t first[4 * BIG];
    struct sample *in = sample_new();
    struct sample *out = calloc(1, sizeof(*out));
    struct att_slice a = encoded((enum doc)_i, in);
    struct att_diag diag = {0};

    ck_assert_uint_gt(a.len, 8);
    memcpy(first, a.p, a.len);
    a.p = first;
    ck_assert_int_eq(parse(out, (enum doc)_i, a, &diag), ATT_OK);
    ck_assert(att_slice_eq(a, encoded((enum doc)_i, out)));
    free(in);
    free(out);
}
END_TEST

START_TEST(wire_parse__keeps_each_field)
{
    struct sample *in = sample_new();
    struct wire_outcome o;
    struct wire_new_session n;
    struct wire_challenge c;

    ck_assert_int_eq(wire_outcome_parse(&o, encoded(OUTCOME, in), NULL), ATT_OK);
    ck_assert_uint_eq(o.status, 96);
    ck_assert_uint_eq(o.reason_count, 2);
    ck_assert(att_slice_eq(o.reason[0].name, att_slice_str("/etc/gateway.conf")));
    ck_assert_uint_eq(o.reason[0].found.len, 32);
    ck_assert_uint_eq(o.reason[1].expected.len, 0);
    ck_assert_uint_eq(o.reason[1].severity, 1);
    ck_assert_uint_eq(o.next_s, 60);
    ck_assert_uint_eq(o.unattested, 12);
    ck_assert_uint_eq(o.state_count, 2);
    ck_assert(att_slice_eq(o.state[0].code, att_slice_str("E_TIME_UNCLEAN")));
    ck_assert(att_slice_eq(o.state[0].text, att_slice_str("resetCount 1 to 2")));
    ck_assert_int_eq(wire_new_session_parse(&n, encoded(NEW_SESSION, in), NULL), ATT_OK);
    ck_assert(n.has_boot);
    ck_assert_uint_eq(n.reset_count, 7);
    ck_assert_uint_eq(n.restart_count, 2);
    ck_assert_int_eq(wire_challenge_parse(&c, encoded(CHALLENGE, in), NULL), ATT_OK);
    ck_assert_uint_eq(c.offset[1], 4711);
    ck_assert_uint_eq(c.offset[2], 65536);
    free(in);
}
END_TEST

START_TEST(wire_parse__leaves_out_what_is_optional)
{
    struct sample *in = sample_new();
    struct wire_enrol_begin b;
    struct wire_new_session n;
    struct wire_outcome o;
    struct wire_problem p;

    in->begin.token.len = 0;
    in->begin.ek_cert_count = 0;
    in->new_session.has_boot = false;
    in->problem.outcome.len = 0;
    in->outcome.state_count = 0;
    ck_assert_int_eq(wire_outcome_parse(&o, encoded(OUTCOME, in), NULL), ATT_OK);
    ck_assert_uint_eq(o.state_count, 0);
    ck_assert_int_eq(wire_enrol_begin_parse(&b, encoded(BEGIN, in), NULL), ATT_OK);
    ck_assert_uint_eq(b.token.len, 0);
    ck_assert_uint_eq(b.ek_cert_count, 0);
    ck_assert_int_eq(wire_new_session_parse(&n, encoded(NEW_SESSION, in), NULL), ATT_OK);
    ck_assert(!n.has_boot);
    ck_assert_int_eq(wire_problem_parse(&p, encoded(PROBLEM, in), NULL), ATT_OK);
    ck_assert_uint_eq(p.outcome.len, 0);
    free(in);
}
END_TEST

START_TEST(wire_parse__refuses_every_truncation_and_a_trailing_byte)
{
    struct sample *in = sample_new();
    struct sample *out = calloc(1, sizeof(*out));
    struct att_slice a = encoded((enum doc)_i, in);

    for (size_t len = 0; len < a.len; len++) {
        struct att_diag diag = {0};
        uint8_t *copy = malloc(len + 1); /* its own block, so that a sanitizer sees an overread */

        memcpy(copy, a.p, len);
        ck_assert_int_ne(parse(out, (enum doc)_i, att_slice_of(copy, len), &diag), ATT_OK);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_CBOR);
        free(copy);
    }
    enc[a.len] = 0;
    ck_assert_int_eq(parse(out, (enum doc)_i, att_slice_of(enc, a.len + 1), NULL), ATT_E_TRAILING);
    ck_assert_uint_eq(out->outcome.status, 0); /* nothing was written on the way */
    free(in);
    free(out);
}
END_TEST

START_TEST(wire_parse__refuses_another_version)
{
    struct sample *in = sample_new();
    struct att_slice a = encoded((enum doc)_i, in);
    struct att_diag diag = {0};

    ck_assert_uint_eq(enc[2], WIRE_VERSION);
    enc[2] = WIRE_VERSION + 1;
    ck_assert_int_eq(parse(in, (enum doc)_i, a, &diag), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_VERSION);
    free(in);
}
END_TEST

START_TEST(wire_parse__refuses_an_unknown_and_a_missing_member)
{
    struct sample *in = sample_new();
    struct att_slice a = encoded((enum doc)_i, in);
    struct att_diag diag = {0};

    enc[0]++;
    enc[a.len] = _i == PROBLEM ? 0x22 : 0x17; /* -3, or 23: behind every other key */
    enc[a.len + 1] = 0;
    ck_assert_int_eq(parse(in, (enum doc)_i, att_slice_of(enc, a.len + 2), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_CBOR);
    free(in);
    in = sample_new();
    a = encoded((enum doc)_i, in);
    enc[0]--;
    ck_assert_int_ne(parse(in, (enum doc)_i, a, &diag), ATT_OK);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_CBOR);
    free(in);
}
END_TEST

START_TEST(wire_parse__refuses_a_member_of_another_type)
{
    struct sample *in = sample_new();
    struct att_slice a = encoded((enum doc)_i, in);
    /* the value of the second member (of the first for problem details, whose keys take two bytes) */
    size_t at = _i == PROBLEM ? 3 : 4;

    ck_assert_uint_gt(a.len, at);
    enc[at] = 0xf5; /* true */
    ck_assert_int_eq(parse(in, (enum doc)_i, a, NULL), ATT_E_FORMAT);
    free(in);
}
END_TEST

/* Members that are bytes or text, and their bounds. */
#define MEMBER(doc, name, bound)                                                                   \
    {                                                                                              \
        (doc), offsetof(struct sample, name), (bound)                                              \
    }

static const struct {
    enum doc doc;
    size_t at;
    size_t bound;
} MEMBERS[] = {
    MEMBER(BEGIN, begin.device_id, 64),
    MEMBER(BEGIN, begin.token, 128),
    MEMBER(BEGIN, begin.ek_public, 1024),
    MEMBER(BEGIN, begin.ek_cert[1], 16384),
    MEMBER(BEGIN, begin.ak_public, 1024),
    MEMBER(BEGIN, begin.csr, 4096),
    MEMBER(ENROL_CHALLENGE, enrol_challenge.session, 16),
    MEMBER(ENROL_CHALLENGE, enrol_challenge.nonce, 32),
    MEMBER(ENROL_CHALLENGE, enrol_challenge.verifier_id, 128),
    MEMBER(ENROL_CHALLENGE, enrol_challenge.id_object, 256),
    MEMBER(ENROL_CHALLENGE, enrol_challenge.secret, 640),
    MEMBER(ENROL_CHALLENGE, enrol_challenge.selection, 132),
    MEMBER(ACTIVATE, activate.session, 16),
    MEMBER(ACTIVATE, activate.secret, 64),
    MEMBER(ACTIVATE, activate.attest, 1024),
    MEMBER(ACTIVATE, activate.signature, 1024),
    MEMBER(DONE, done.device_id, 64),
    MEMBER(DONE, done.client_cert, 16384),
    MEMBER(CHALLENGE, challenge.session, 16),
    MEMBER(CHALLENGE, challenge.nonce, 32),
    MEMBER(CHALLENGE, challenge.verifier_id, 128),
    MEMBER(CHALLENGE, challenge.selection, 132),
    MEMBER(OUTCOME, outcome.label, 65536),
    MEMBER(OUTCOME, outcome.reason[0].code, 64),
    MEMBER(OUTCOME, outcome.reason[0].name, 1024),
    MEMBER(OUTCOME, outcome.reason[0].expected, 32),
    MEMBER(OUTCOME, outcome.reason[0].found, 32),
    MEMBER(OUTCOME, outcome.reason[0].text, 1024),
    MEMBER(PROBLEM, problem.code, 64),
    MEMBER(PROBLEM, problem.fix, 1024),
    MEMBER(PROBLEM, problem.title, 1024),
    MEMBER(PROBLEM, problem.detail, 1024),
};

/* The member one byte above its bound. */
static void exceed(struct sample *s, int which)
{
    struct att_slice over = zeros(MEMBERS[which].bound + 1);

    memcpy((uint8_t *)s + MEMBERS[which].at, &over, sizeof(over));
}

START_TEST(wire_parse__refuses_a_member_above_its_bound)
{
    struct sample *in = sample_new();
    struct att_diag diag = {0};
    struct att_slice a;

    exceed(in, _i);
    a = encoded(MEMBERS[_i].doc, in);
    ck_assert_int_eq(parse(in, MEMBERS[_i].doc, a, &diag), ATT_E_LIMIT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_CBOR);
    free(in);
}
END_TEST

START_TEST(wire_parse__refuses_a_short_session_nonce_or_digest)
{
    struct sample *in = sample_new();

    in->challenge.session = zeros(15);
    ck_assert_int_eq(parse(in, CHALLENGE, encoded(CHALLENGE, in), NULL), ATT_E_FORMAT);
    in->enrol_challenge.nonce = zeros(31);
    ck_assert_int_eq(parse(in, ENROL_CHALLENGE, encoded(ENROL_CHALLENGE, in), NULL), ATT_E_FORMAT);
    in->activate.session = zeros(0);
    ck_assert_int_eq(parse(in, ACTIVATE, encoded(ACTIVATE, in), NULL), ATT_E_FORMAT);
    in->outcome.reason[0].found = zeros(31);
    ck_assert_int_eq(parse(in, OUTCOME, encoded(OUTCOME, in), NULL), ATT_E_FORMAT);
    free(in);
}
END_TEST

START_TEST(wire_parse__refuses_numbers_out_of_range)
{
    struct sample *in = sample_new();

    in->new_session.own_pcr = 24;
    ck_assert_int_eq(parse(in, NEW_SESSION, encoded(NEW_SESSION, in), NULL), ATT_E_LIMIT);
    in->new_session.own_pcr = 13;
    in->new_session.log_mask = 8;
    ck_assert_int_eq(parse(in, NEW_SESSION, encoded(NEW_SESSION, in), NULL), ATT_E_LIMIT);
    in->new_session.log_mask = 7;
    in->new_session.reset_count = 1ULL << 32;
    ck_assert_int_eq(parse(in, NEW_SESSION, encoded(NEW_SESSION, in), NULL), ATT_E_LIMIT);
    in->outcome.reason[0].severity = 2;
    ck_assert_int_eq(parse(in, OUTCOME, encoded(OUTCOME, in), NULL), ATT_E_LIMIT);
    in->outcome.reason[0].severity = 0;
    in->outcome.status = 128;
    ck_assert_int_eq(parse(in, OUTCOME, encoded(OUTCOME, in), NULL), ATT_E_LIMIT);
    in->done.interval_s = 31536001;
    ck_assert_int_eq(parse(in, DONE, encoded(DONE, in), NULL), ATT_E_LIMIT);
    free(in);
}
END_TEST

START_TEST(wire_parse__refuses_too_many_elements)
{
    struct sample *in = sample_new();
    struct wire_outcome o;
    struct att_slice a = encoded(BEGIN, in);
    const uint8_t *list = memchr(enc, 0x82, a.len); /* the array of two certificates */

    ck_assert_ptr_nonnull(list);
    enc[list - enc] = 0x89;
    ck_assert_int_eq(parse(in, BEGIN, a, NULL), ATT_E_LIMIT);
    free(in);
    in = sample_new();
    in->outcome.reason_count = 0;
    in->outcome.label = zeros(0);
    a = encoded(OUTCOME, in);
    ck_assert_int_eq(wire_outcome_parse(&o, a, NULL), ATT_OK);
    free(in);
}
END_TEST

/* {0: 1, 1: 2, 2: '', 3: [], 4: 0, 5: 0, 6: [...]}: absent has one spelling, and there are four at most */
START_TEST(wire_parse__refuses_no_states_and_too_many)
{
    static const uint8_t head[] = {0xa7, 0x00, 0x01, 0x01, 0x02, 0x02, 0x40,
                                   0x03, 0x80, 0x04, 0x00, 0x05, 0x00, 0x06};
    uint8_t in[64];
    struct wire_outcome o;

    memcpy(in, head, sizeof(head));
    for (size_t n = 0; n <= WIRE_STATES_MAX + 1; n++) {
        size_t len = sizeof(head);
        enum att_err want = n == 0 ? ATT_E_FORMAT : (n > WIRE_STATES_MAX ? ATT_E_LIMIT : ATT_OK);

        in[len++] = (uint8_t)(0x80 + n);
        for (size_t i = 0; i < n; i++) {
            memcpy(&in[len], "\x82\x61x\x60", 4);
            len += 4;
        }
        ck_assert_int_eq(wire_outcome_parse(&o, att_slice_of(in, len), NULL), want);
    }
}
END_TEST

START_TEST(wire_parse__refuses_an_empty_token)
{
    /* {0: 1, 1: "a", 2: "", ...}: absent has one spelling */
    static const uint8_t in[] = {0xa7, 0x00, 0x01, 0x01, 0x61, 'a',  0x02, 0x60,
                                 0x03, 0x40, 0x04, 0x80, 0x05, 0x40, 0x06, 0x40};
    struct wire_enrol_begin b;

    ck_assert_int_eq(wire_enrol_begin_parse(&b, att_slice_of(in, sizeof(in)), NULL), ATT_E_FORMAT);
}
END_TEST

/* A key of the factory has a certificate, an IDevID an IAK beside it, a certification its signature. */
START_TEST(wire_parse__refuses_halves_of_factory_keys)
{
#define REST 0x03, 0x40, 0x04, 0x80, 0x05, 0x40, 0x06, 0x40
    static const uint8_t bare[] = {0xa7, 0x00, 0x01, 0x01, 0x61, 'a',
                                   REST, 0x07, 0x82, 0x41, 'k',  0x80};
    static const uint8_t empty[] = {0xa7, 0x00, 0x01, 0x01, 0x61, 'a', REST,
                                    0x07, 0x82, 0x40, 0x81, 0x41, 'c'};
    static const uint8_t alone[] = {0xa7, 0x00, 0x01, 0x01, 0x61, 'a',  REST,
                                    0x08, 0x82, 0x41, 'k',  0x81, 0x41, 'c'};
    const struct att_slice in[] = {att_slice_of(bare, sizeof(bare)),
                                   att_slice_of(empty, sizeof(empty)),
                                   att_slice_of(alone, sizeof(alone))};
    struct sample *s = sample_new();
    struct wire_enrol_begin b;
    struct wire_enrol_activate a;
    uint8_t room[1024];
    struct att_wr w = att_wr_into(room, sizeof(room));

    for (size_t i = 0; i < ATT_COUNT(in); i++) {
        ck_assert_int_eq(wire_enrol_begin_parse(&b, in[i], NULL), ATT_E_FORMAT);
    }
    s->activate.ak.signature.len = 0;
    ck_assert_int_eq(wire_enrol_activate_encode(&w, &s->activate), ATT_OK);
    ck_assert_int_eq(wire_enrol_activate_parse(&a, att_slice_of(room, w.len), NULL), ATT_E_FORMAT);
    free(s);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("wire");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, wire_parse__gives_back_what_was_encoded, 0, DOCS);
    tcase_add_test(tc, wire_parse__keeps_each_field);
    tcase_add_test(tc, wire_parse__leaves_out_what_is_optional);
    tcase_add_loop_test(tc, wire_parse__refuses_every_truncation_and_a_trailing_byte, 0, DOCS);
    tcase_add_loop_test(tc, wire_parse__refuses_another_version, 0, PROBLEM);
    tcase_add_loop_test(tc, wire_parse__refuses_an_unknown_and_a_missing_member, 0, DOCS);
    tcase_add_loop_test(tc, wire_parse__refuses_a_member_of_another_type, 0, DOCS);
    tcase_add_loop_test(tc, wire_parse__refuses_a_member_above_its_bound, 0,
                        (int)ATT_COUNT(MEMBERS));
    tcase_add_test(tc, wire_parse__refuses_a_short_session_nonce_or_digest);
    tcase_add_test(tc, wire_parse__refuses_numbers_out_of_range);
    tcase_add_test(tc, wire_parse__refuses_too_many_elements);
    tcase_add_test(tc, wire_parse__refuses_no_states_and_too_many);
    tcase_add_test(tc, wire_parse__refuses_an_empty_token);
    tcase_add_test(tc, wire_parse__refuses_halves_of_factory_keys);
    return suite_run_case("wire", tc);
}
