/* Messages between the verifier's processes, their seals, and the channel that carries them. */
#include <check.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/frame.h"
#include "verifier/channel.h"
#include "verifier/msg.h"

static const uint8_t key[MSG_SEAL_LEN] = {1, 2, 3};
static const uint8_t other_key[MSG_SEAL_LEN] = {1, 2, 4};
static uint8_t room[1 << 16];

static const enum msg_kind kinds[] = {
    MSG_ENROL_BEGIN, MSG_NEW_SESSION,    MSG_CONTEXT,  MSG_COMMIT,      MSG_ENROL_ACTIVATE,
    MSG_SESSION_GET, MSG_SESSION_DELETE, MSG_LABEL,    MSG_ADMIN,       MSG_STATUS,
    MSG_DONE,        MSG_FAILED,         MSG_APPRAISE, MSG_ENROL_CHECK, MSG_JUDGED,
    MSG_CHECKED,     MSG_HELLO,          MSG_PART,     MSG_FOLD,        MSG_FOLDED,
    MSG_STATUS_LIST,
};

static struct msg full(enum msg_kind kind)
{
    struct msg m = {.kind = kind,
                    .id = 0x1234567890ULL,
                    .peer = {.known = true, .device_id = "gw-1", .key_digest = {9}},
                    .session = {1, 2, 3},
                    .name = att_slice_str("name"),
                    .path = att_slice_str("/path"),
                    .body = att_slice_str("body bytes"),
                    .sealed = att_slice_str("sealed bytes"),
                    .number = 422,
                    .type = MSG_TYPE_CBOR};

    return m;
}

static struct att_slice encode(const struct msg *m)
{
    struct att_wr w = att_wr_into(room, sizeof(room));

    ck_assert_int_eq(msg_encode(&w, m), ATT_OK);
    ck_assert_uint_le(w.len, msg_size(m));
    return att_slice_of(room, w.len);
}

START_TEST(msg_decode__gives_back_what_was_encoded)
{
    const struct msg m = full(kinds[_i]);
    struct att_slice bytes = encode(&m);
    struct msg back = {0};
    static uint8_t again[1 << 16];
    struct att_wr w = att_wr_into(again, sizeof(again));

    ck_assert_int_eq(msg_decode(&back, bytes, NULL), ATT_OK);
    ck_assert_int_eq(back.kind, m.kind);
    ck_assert_uint_eq(back.id, m.id);
    ck_assert_int_eq(msg_encode(&w, &back), ATT_OK);
    ck_assert(att_slice_eq(bytes, att_slice_of(again, w.len)));
}
END_TEST

START_TEST(msg_decode__keeps_each_member_of_a_commit)
{
    const struct msg m = full(MSG_COMMIT);
    struct msg back = {0};

    ck_assert_int_eq(msg_decode(&back, encode(&m), NULL), ATT_OK);
    ck_assert(back.peer.known && !back.peer.administrator);
    ck_assert_str_eq(back.peer.device_id, "gw-1");
    ck_assert_mem_eq(back.peer.key_digest, m.peer.key_digest, 32);
    ck_assert_mem_eq(back.session, m.session, sizeof(m.session));
    ck_assert(att_slice_eq(back.body, m.body));
    ck_assert(att_slice_eq(back.sealed, m.sealed));
    ck_assert_uint_eq(back.name.len, 0);
}
END_TEST

START_TEST(msg_decode__refuses_every_truncation_and_a_trailing_byte)
{
    const struct msg m = full(kinds[_i]);
    struct att_slice bytes = encode(&m);
    struct att_diag diag = {0};
    struct msg back = {0};

    for (size_t len = 0; len < bytes.len; len++) {
        ck_assert_int_ne(msg_decode(&back, att_slice_of(bytes.p, len), &diag), ATT_OK);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_FRAME);
    }
    room[bytes.len] = 0;
    ck_assert_int_eq(msg_decode(&back, att_slice_of(bytes.p, bytes.len + 1), &diag),
                     ATT_E_TRAILING);
}
END_TEST

START_TEST(msg_decode__refuses_unknown_kinds_and_other_members)
{
    static const uint8_t unknown[] = {0x82, 0x18, 0x7f, 0x01};        /* [127, 1] */
    static const uint8_t too_few[] = {0x82, 0x0a, 0x01};              /* [STATUS, 1] */
    static const uint8_t too_many[] = {0x84, 0x0a, 0x01, 0x00, 0x00}; /* [STATUS, 1, 0, 0] */
    static const uint8_t not_array[] = {0xa0};
    static const uint8_t text_id[] = {0x83, 0x0a, 0x61, 0x31, 0x00};
    const struct att_slice bad[] = {
        att_slice_of(unknown, sizeof(unknown)),   att_slice_of(too_few, sizeof(too_few)),
        att_slice_of(too_many, sizeof(too_many)), att_slice_of(not_array, sizeof(not_array)),
        att_slice_of(text_id, sizeof(text_id)),
    };
    struct msg back = {0};

    for (size_t i = 0; i < ATT_COUNT(bad); i++) {
        struct att_diag diag = {0};

        ck_assert_int_eq(msg_decode(&back, bad[i], &diag), ATT_E_FORMAT);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_FRAME);
    }
}
END_TEST

START_TEST(msg_encode__refuses_what_is_no_kind_or_does_not_fit)
{
    struct msg m = full((enum msg_kind)99);
    struct att_wr w = att_wr_into(room, sizeof(room));

    ck_assert_int_eq(msg_encode(&w, &m), ATT_E_INTERNAL);
    m = full(MSG_DONE);
    w = att_wr_into(room, 12);
    ck_assert_int_eq(msg_encode(&w, &m), ATT_E_LIMIT);
}
END_TEST

static struct att_appraisal_context *context_new(void)
{
    struct att_appraisal_context *c = calloc(1, sizeof(*c));

    ck_assert_ptr_nonnull(c);
    strcpy(c->verifier_id, "verifier.example");
    strcpy(c->device_id, "gw-1");
    memset(c->session, 5, sizeof(c->session));
    memset(c->nonce, 6, sizeof(c->nonce));
    c->selection.count = 1;
    c->selection.sel[0] = (struct att_pcr_sel){.bank = ATT_HASH_SHA256, .mask = 0x24ff, .size = 3};
    c->own_pcr = 13;
    memset(c->ak_public, 7, 90);
    c->ak_public_len = 90;
    c->ek_verified = true;
    memset(c->policy_digest, 8, 32);
    memset(c->refvals_digest, 9, 32);
    c->prior.known = true;
    c->prior.clock =
        (struct att_clock_info){.clock_ms = 99, .reset_count = 3, .restart_count = 1, .safe = true};
    c->carry.known = true;
    c->carry.spec_count = ATT_SPEC_ITEMS_MAX;
    for (size_t i = 0; i < ATT_SPEC_ITEMS_MAX; i++) {
        struct att_spec_item *x = &c->carry.spec[i];

        memset(x->name, 'n', sizeof(x->name) - 1);
        x->name[0] = (char)('!' + i);
    }
    c->carry.deviation_count = ATT_DEVIATIONS_MAX;
    for (size_t i = 0; i < ATT_DEVIATIONS_MAX; i++) {
        struct att_deviation *d = &c->carry.deviation[i];

        d->name_hash = i;
        d->reason = ATT_R_REF_MISMATCH;
        d->has_expected = d->has_found = true;
        memset(d->name, 'n', sizeof(d->name) - 1);
    }
    return c;
}

START_TEST(msg_context__survives_sealing_at_its_largest)
{
    struct att_appraisal_context *c = context_new();
    struct att_appraisal_context *back = calloc(1, sizeof(*back));
    ATT_CLEANUP(att_buf_freep) struct att_buf *sealed = NULL;

    ck_assert_int_eq(msg_context_seal(&sealed, c, key), ATT_OK);
    ck_assert_int_eq(msg_context_open(back, att_buf_slice(sealed), key, NULL), ATT_OK);
    ck_assert_str_eq(back->verifier_id, c->verifier_id);
    ck_assert_str_eq(back->device_id, c->device_id);
    ck_assert_mem_eq(back->session, c->session, sizeof(c->session));
    ck_assert_mem_eq(back->nonce, c->nonce, sizeof(c->nonce));
    ck_assert(att_pcr_selection_eq(&back->selection, &c->selection));
    ck_assert_uint_eq(back->own_pcr, 13);
    ck_assert_mem_eq(back->ak_public, c->ak_public, 90);
    ck_assert(back->ek_verified && back->prior.known && back->carry.known);
    ck_assert_uint_eq(back->prior.clock.reset_count, 3);
    ck_assert_uint_eq(back->carry.deviation_count, ATT_DEVIATIONS_MAX);
    ck_assert_str_eq(back->carry.deviation[63].name, c->carry.deviation[63].name);
    ck_assert_uint_eq(back->carry.spec_count, ATT_SPEC_ITEMS_MAX);
    free(c);
    free(back);
}
END_TEST

START_TEST(msg_facts__survive_sealing)
{
    struct msg_enrol_facts f = {.device_id = "gw-1",
                                .has_token = true,
                                .token_digest = {1},
                                .ek_public_len = sizeof(f.ek_public),
                                .ek_name_len = 34,
                                .ek_reason = ATT_R_ID_EKCERT,
                                .ek_text = "why not",
                                .ek_chain = att_slice_str("certificates"),
                                .ak_public_len = sizeof(f.ak_public),
                                .ek_unknown = true,
                                .csr_digest = {2},
                                .tls_spki_len = sizeof(f.tls_spki),
                                .iak = {.public_area = {7},
                                        .public_len = sizeof(f.iak.public_area),
                                        .chain = att_slice_str("of the factory")},
                                .idevid = {.public_area = {8}, .public_len = 1}};
    struct msg_enrol_facts back = {0};
    ATT_CLEANUP(att_buf_freep) struct att_buf *sealed = NULL;

    ck_assert_int_eq(msg_facts_seal(&sealed, &f, key), ATT_OK);
    ck_assert_int_eq(msg_facts_open(&back, att_buf_slice(sealed), key, NULL), ATT_OK);
    ck_assert_mem_eq(&f.token_digest, &back.token_digest, 32);
    ck_assert_str_eq(back.ek_text, "why not");
    ck_assert_int_eq(back.ek_reason, ATT_R_ID_EKCERT);
    ck_assert_uint_eq(back.ek_public_len, sizeof(f.ek_public));
    ck_assert_uint_eq(back.tls_spki_len, sizeof(f.tls_spki));
    ck_assert(att_slice_eq(back.ek_chain, f.ek_chain));
    ck_assert(back.has_token && !back.ek_verified && back.ek_unknown);
    ck_assert_uint_eq(back.iak.public_len, sizeof(f.iak.public_area));
    ck_assert_uint_eq(back.iak.public_area[0], 7);
    ck_assert(att_slice_eq(back.iak.chain, f.iak.chain));
    ck_assert_uint_eq(back.idevid.public_len, 1);
    ck_assert_uint_eq(back.idevid.public_area[0], 8);
    ck_assert_uint_eq(back.idevid.chain.len, 0);
}
END_TEST

static struct att_buf *judged_sealed(void)
{
    const struct msg_judged j = {.context_digest = {1},
                                 .evidence_digest = {2},
                                 .claims_digest = {3},
                                 .offsets = {.has = {true, false, true}, .off = {7, 0, 9}},
                                 .attest = att_slice_str("attest"),
                                 .signature = att_slice_str("signature"),
                                 .result = att_slice_str("result")};
    struct att_buf *sealed = NULL;

    ck_assert_int_eq(msg_judged_seal(&sealed, &j, key), ATT_OK);
    return sealed;
}

START_TEST(msg_judged__survives_sealing)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *sealed = judged_sealed();
    struct msg_judged back = {0};

    ck_assert_int_eq(msg_judged_open(&back, att_buf_slice(sealed), key, NULL), ATT_OK);
    ck_assert_int_eq(back.context_digest[0], 1);
    ck_assert_int_eq(back.evidence_digest[0], 2);
    ck_assert_int_eq(back.claims_digest[0], 3);
    ck_assert(back.offsets.has[0] && !back.offsets.has[1] && back.offsets.has[2]);
    ck_assert_uint_eq(back.offsets.off[2], 9);
    ck_assert(att_slice_eq(back.attest, att_slice_str("attest")));
    ck_assert(att_slice_eq(back.signature, att_slice_str("signature")));
    ck_assert(att_slice_eq(back.result, att_slice_str("result")));
}
END_TEST

START_TEST(msg_open__refuses_every_flipped_bit_another_key_and_another_purpose)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *sealed = judged_sealed();
    struct att_slice s = att_buf_slice(sealed);
    struct att_appraisal_context *context = calloc(1, sizeof(*context));
    struct msg_enrol_facts facts = {0};
    struct msg_judged j = {0};
    uint8_t *copy = malloc(s.len);

    ck_assert(copy != NULL && context != NULL);
    memcpy(copy, s.p, s.len);
    for (size_t bit = 0; bit < s.len * 8; bit++) {
        struct att_diag diag = {0};

        copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
        ck_assert_int_eq(msg_judged_open(&j, att_slice_of(copy, s.len), key, &diag),
                         ATT_E_UNTRUSTED);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_FRAME);
        copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    ck_assert_int_eq(msg_judged_open(&j, s, other_key, NULL), ATT_E_UNTRUSTED);
    ck_assert_int_eq(msg_context_open(context, s, key, NULL), ATT_E_UNTRUSTED);
    ck_assert_int_eq(msg_facts_open(&facts, s, key, NULL), ATT_E_UNTRUSTED);
    for (size_t len = 0; len < s.len; len++) {
        ck_assert_int_eq(msg_judged_open(&j, att_slice_of(s.p, len), key, NULL), ATT_E_UNTRUSTED);
    }
    free(copy);
    free(context);
}
END_TEST

/* What is sealed for a part opens as that alone. */
START_TEST(msg_folded__survives_sealing_and_passes_for_nothing_else)
{
    struct msg_folded *f = calloc(2, sizeof(*f));
    struct att_buf *sealed = NULL;
    struct msg_judged j = {0};

    ck_assert_ptr_nonnull(f);
    f->context_digest[0] = 1;
    f->folded.parts = (struct att_ima_parts){.known = true,
                                             .reset_count = 7,
                                             .off = 4711,
                                             .count = 33,
                                             .padded = true,
                                             .pcr = {2},
                                             .aggregate_count = 1,
                                             .aggregate = {{5, ATT_HASH_SHA256, {4}, 32}}};
    f->folded.windows.count = 1;
    f->folded.windows.window[0].shown[3] = 5;
    f->folded.seen.in_list[0][3] = 4;
    f->folded.carry = (struct att_carry){.known = true, .ima_judged = 32};
    ck_assert_int_eq(msg_folded_seal(&sealed, f, key), ATT_OK);
    ck_assert_int_eq(msg_folded_open(&f[1], att_buf_slice(sealed), key, NULL), ATT_OK);
    ck_assert_mem_eq(&f[0], &f[1], sizeof(*f));
    ck_assert_int_eq(msg_folded_open(&f[1], att_buf_slice(sealed), other_key, NULL),
                     ATT_E_UNTRUSTED);
    ck_assert_int_eq(msg_judged_open(&j, att_buf_slice(sealed), key, NULL), ATT_E_UNTRUSTED);
    att_buf_free(sealed);
    sealed = judged_sealed();
    ck_assert_int_eq(msg_folded_open(&f[1], att_buf_slice(sealed), key, NULL), ATT_E_UNTRUSTED);
    att_buf_free(sealed);
    free(f);
}
END_TEST

/* One end of a channel, and what came out of it. */
struct end {
    struct event_base *base;
    struct channel *ch;
    size_t frames, idles;
    uint64_t last_id;
    size_t last_len;
    bool closed;
    enum att_err why;
};

static void on_frame(void *ctx, struct channel *ch, struct att_slice body)
{
    struct end *e = ctx;
    struct msg m = {0};

    (void)ch;
    ck_assert_int_eq(msg_decode(&m, body, NULL), ATT_OK);
    ck_assert_uint_eq(m.id, e->last_id + 1);
    e->last_id = m.id;
    e->last_len = m.body.len;
    e->frames++;
}

static void on_idle(void *ctx, struct channel *ch)
{
    (void)ch;
    ((struct end *)ctx)->idles++;
}

static void on_closed(void *ctx, struct channel *ch, enum att_err why)
{
    struct end *e = ctx;

    e->closed = true;
    e->why = why;
    channel_free(ch);
    e->ch = NULL;
}

static void open_end(struct end *e, int fd, size_t max)
{
    const struct channel_events events = {
        .frame = on_frame, .idle = on_idle, .closed = on_closed, .ctx = e};

    *e = (struct end){.base = event_base_new()};
    ck_assert_ptr_nonnull(e->base);
    ck_assert_int_eq(channel_new(&e->ch, e->base, fd, max, &events), ATT_OK);
}

static void close_end(struct end *e)
{
    channel_free(e->ch);
    event_base_free(e->base);
}

START_TEST(channel__carries_many_frames_in_one_write)
{
    struct msg m = full(MSG_NEW_SESSION);
    struct end e = {0};
    struct end out = {0};
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    open_end(&e, pair[0], 4096);
    open_end(&out, pair[1], 4096);
    for (m.id = 1; m.id <= 20; m.id++) {
        ck_assert_int_eq(channel_send(out.ch, &m), ATT_OK);
    }
    ck_assert_uint_gt(channel_queued(out.ch), 0);
    ck_assert_int_ge(event_base_loop(out.base, EVLOOP_NONBLOCK), 0);
    ck_assert_uint_eq(channel_queued(out.ch), 0);
    ck_assert_int_ge(event_base_loop(e.base, EVLOOP_ONCE), 0);
    ck_assert_uint_eq(e.frames, 20);
    ck_assert_uint_eq(e.idles, 1);
    close_end(&out);
    ck_assert_int_ge(event_base_loop(e.base, EVLOOP_ONCE), 0);
    ck_assert(e.closed);
    ck_assert_int_eq(e.why, ATT_E_NOT_FOUND);
    close_end(&e);
}
END_TEST

START_TEST(channel__carries_a_frame_larger_than_the_socket_holds)
{
    const size_t len = 3 * 1024 * 1024;
    uint8_t *body = calloc(1, len);
    struct msg m = {.kind = MSG_ENROL_CHECK, .id = 1, .body = att_slice_of(body, len)};
    struct end e = {0};
    struct end out = {0};
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    open_end(&e, pair[0], FRAME_MAX);
    open_end(&out, pair[1], FRAME_MAX);
    ck_assert_int_eq(channel_send(out.ch, &m), ATT_OK);
    m = (struct msg){.kind = MSG_HELLO, .id = 2};
    ck_assert_int_eq(channel_send(out.ch, &m), ATT_OK);
    for (int i = 0; i < 1000 && e.frames < 1; i++) {
        ck_assert_int_ge(event_base_loop(out.base, EVLOOP_NONBLOCK), 0);
        ck_assert_int_ge(event_base_loop(e.base, EVLOOP_NONBLOCK), 0);
    }
    ck_assert_uint_ge(e.frames, 1);
    if (e.frames == 1) {
        ck_assert_uint_eq(e.last_len, len);
        channel_drain(e.ch);
    }
    ck_assert_uint_eq(e.frames, 2);
    close_end(&out);
    close_end(&e);
    free(body);
}
END_TEST

START_TEST(channel__refuses_a_frame_above_its_bound)
{
    static const uint8_t head[] = {0, 0, 0x10, 0x01};
    struct end e = {0};
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    open_end(&e, pair[0], 4096);
    ck_assert_int_eq(write(pair[1], head, sizeof(head)), (int)sizeof(head));
    ck_assert_int_ge(event_base_loop(e.base, EVLOOP_ONCE), 0);
    ck_assert(e.closed);
    ck_assert_int_eq(e.why, ATT_E_LIMIT);
    close_end(&e);
    (void)close(pair[1]);
}
END_TEST

START_TEST(channel__drain_gives_what_a_dead_peer_still_said)
{
    struct msg m = {.kind = MSG_HELLO, .id = 1};
    struct end e = {0};
    struct end out = {0};
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    open_end(&e, pair[0], 4096);
    open_end(&out, pair[1], 4096);
    ck_assert_int_eq(channel_send(out.ch, &m), ATT_OK);
    m.id = 2;
    ck_assert_int_eq(channel_send(out.ch, &m), ATT_OK);
    ck_assert_int_eq(channel_finish(out.ch, 100), ATT_OK);
    close_end(&out);
    channel_drain(e.ch);
    ck_assert_uint_eq(e.frames, 2);
    ck_assert(e.closed);
    close_end(&e);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("msg");
    TCase *tc = tcase_create("msg");
    SRunner *runner = NULL;
    int failed = 0;

    tcase_add_loop_test(tc, msg_decode__gives_back_what_was_encoded, 0, (int)ATT_COUNT(kinds));
    tcase_add_test(tc, msg_decode__keeps_each_member_of_a_commit);
    tcase_add_loop_test(tc, msg_decode__refuses_every_truncation_and_a_trailing_byte, 0,
                        (int)ATT_COUNT(kinds));
    tcase_add_test(tc, msg_decode__refuses_unknown_kinds_and_other_members);
    tcase_add_test(tc, msg_encode__refuses_what_is_no_kind_or_does_not_fit);
    tcase_add_test(tc, msg_context__survives_sealing_at_its_largest);
    tcase_add_test(tc, msg_facts__survive_sealing);
    tcase_add_test(tc, msg_judged__survives_sealing);
    tcase_add_test(tc, msg_folded__survives_sealing_and_passes_for_nothing_else);
    tcase_add_test(tc, msg_open__refuses_every_flipped_bit_another_key_and_another_purpose);
    tcase_add_test(tc, channel__carries_many_frames_in_one_write);
    tcase_add_test(tc, channel__carries_a_frame_larger_than_the_socket_holds);
    tcase_add_test(tc, channel__refuses_a_frame_above_its_bound);
    tcase_add_test(tc, channel__drain_gives_what_a_dead_peer_still_said);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
