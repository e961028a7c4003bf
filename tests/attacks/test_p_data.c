/*
 * Data of a gateway in a bundle, and everything that can be false about it although each signature holds: the gateway's
 * data key, or whoever put the bundle together, says what is not so.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/bundle.h"
#include "attack.h"
#include "codec/cbor_wr.h"
#include "crypto/key.h"
#include "issuer.h"
#include "need.h"
#include "prov/batch_internal.h"
#include "provtest.h"
#include "tlog/entry.h"

#define LABELS 2

/* A gateway with two labels in a row, its data key, and a partner who trusts its issuer. */
struct world {
    struct issuer is;
    struct scene *s;
    struct prov_gateway g;
    struct att_signer *key;
    uint8_t point[64];
    struct att_buf *label[LABELS]; /* the older first */
    uint8_t digest[LABELS][32];
    uint64_t clock_ms; /* of the TPM at the quote of both */
    struct att_buf *batches;
    uint32_t batch_count;
    struct att_offline *out;
};

static void append(struct att_buf *to, struct att_slice file)
{
    uint8_t head[16];
    struct att_wr w = att_wr_into(head, sizeof(head));

    att_cbor_wr_bytes_head(&w, file.len);
    NEED(att_buf_add(to, head, w.len) == ATT_OK && att_buf_add_slice(to, file) == ATT_OK);
}

/* What a label says beside the usual. */
struct labelled {
    int64_t iat;
    uint8_t ek;
    bool no_key, no_spec, has_status;
    const uint8_t *head;
};

static struct att_buf *make_label(struct world *w, struct issuer *is, const struct labelled *l,
                                  uint8_t digest[32])
{
    uint8_t cti[ATT_CTI_LEN] = {0}, ek[32] = {0};
    struct att_label_facts facts = issuer_facts(is);
    struct att_buf *label = NULL;

    cti[0] = (uint8_t)(l->iat - ISSUER_NOW + 1);
    ek[0] = l->ek;
    facts.cti = cti;
    facts.ek_digest = ek;
    facts.iat = l->iat;
    facts.exp = l->iat + 3600;
    facts.data_key = l->no_key ? NULL : w->point;
    facts.batch_head = l->head;
    if (l->has_status) {
        facts.status_uri = ISSUER_URI;
        facts.status_index = 5;
    }
    w->s->result->carry.spec_count = l->no_spec ? 0 : 1;
    (void)snprintf(w->s->result->carry.spec[0].name, sizeof(w->s->result->carry.spec[0].name),
                   "test");
    memcpy(w->s->result->carry.spec[0].digest, w->g.spec->digest, 32);
    label = issuer_label(is, w->s, &facts);
    NEED(att_entry_of_label(digest, att_buf_slice(label), NULL) == ATT_OK);
    return label;
}

static uint64_t clock_of(const struct att_buf *label)
{
    static struct att_label l;
    struct att_cose cose;

    NEED(att_cose_parse(&cose, att_buf_slice(label), NULL) == ATT_OK);
    NEED(att_label_read(&l, cose.payload_untrusted, NULL) == ATT_OK);
    return l.tpm_clock_ms;
}

static void open_world(struct world *w, const struct labelled *older, const struct labelled *newer)
{
    struct att_privkey *key = NULL;
    size_t size = 0;

    memset(w, 0, sizeof(*w));
    issuer_open(&w->is);
    w->s = scene_new(NULL, NULL);
    scene_measure(w->s, NULL);
    NEED(scene_judge(w->s) == ATT_OK);
    prov_start(&w->g, NULL);
    NEED(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_signer_software(&w->key, key) == ATT_OK);
    NEED(att_pubkey_ec_point(w->key->public_key, w->point, &w->point[32], &size) == ATT_OK &&
         size == 32);
    w->label[0] = make_label(w, &w->is, older, w->digest[0]);
    w->label[1] = make_label(w, &w->is, newer, w->digest[1]);
    w->clock_ms = clock_of(w->label[0]);
    w->g.clock_ms = w->clock_ms + 1000;
    NEED(att_buf_new(&w->batches, ATT_BUNDLE_DATA_MAX) == ATT_OK);
    w->out = calloc(1, sizeof(*w->out));
    NEED(w->out != NULL);
}

static const struct labelled OLDER = {.iat = ISSUER_NOW, .ek = 9};
static const struct labelled NEWER = {.iat = ISSUER_NOW + 10, .ek = 9};

static void open_usual(struct world *w)
{
    open_world(w, &OLDER, &NEWER);
}

static void close_world(struct world *w)
{
    for (size_t i = 0; i < LABELS; i++)
        att_buf_free(w->label[i]);
    att_buf_free(w->batches);
    att_signer_free(w->key);
    prov_stop(&w->g);
    scene_free(w->s);
    issuer_close(&w->is);
    free(w->out);
}

/* The next batch of two samples; lie changes the second, or the statement before it is signed. */
struct lie {
    void (*sample)(struct att_sample *s);
    void (*statement)(struct att_batch_statement *s);
};

static struct att_buf *make_batch(struct world *w, uint64_t number, uint8_t head[ATT_HEAD_LEN],
                                  const uint8_t previous[ATT_HEAD_LEN], const struct lie *lie)
{
    ATT_CLEANUP(att_batch_freep) struct att_batch *b = NULL;
    struct att_batch_statement draft = prov_draft(&w->g, number, previous);
    struct att_buf *file = NULL;
    struct att_diag diag = {0};
    uint8_t frame[4];

    NEED(att_batch_new(&b, 16) == ATT_OK);
    for (int i = 0; i < 2; i++) {
        struct att_sample s = prov_sample(
            &w->g, "level-a",
            prov_register(frame, (uint16_t)(12000 + w->g.clock_ms / 1000 % 97 * 7)), NULL);

        if (lie != NULL && lie->sample != NULL && i == 1)
            lie->sample(&s);
        NEED(att_batch_add(b, &s) == ATT_OK);
        w->g.clock_ms += 1000;
    }
    draft.clock_ms = w->g.clock_ms;
    memcpy(draft.label, w->digest[0], sizeof(draft.label));
    if (lie != NULL && lie->statement != NULL)
        lie->statement(&draft);
    NEED(att_batch_close(&file, head, b, &draft, w->key, &diag) == ATT_OK);
    return file;
}

static void add_batch(struct world *w, struct att_buf *file)
{
    append(w->batches, att_buf_slice(file));
    w->batch_count++;
    att_buf_free(file);
}

static void judge(struct world *w, struct att_slice newest, struct att_slice older,
                  const struct att_trust_rules *rules)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *earlier = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *bundle = NULL;
    struct att_bundle_file b = {.label = newest,
                                .spec_count = 1,
                                .batch_count = w->batch_count,
                                .batches = att_buf_slice(w->batches)};

    b.spec[0] = att_buf_slice(w->g.spec->bytes);
    NEED(att_buf_new(&earlier, ATT_BUNDLE_DATA_MAX) == ATT_OK);
    if (older.len > 0) {
        append(earlier, older);
        b.earlier = att_buf_slice(earlier);
        b.earlier_count = 1;
    }
    NEED(att_bundle_file_encode(&bundle, &b) == ATT_OK);
    NEED(att_offline_check_bundle(w->out, att_buf_slice(bundle), w->is.anchors, rules,
                                  ISSUER_NOW + 60) == ATT_OK);
}

static void expect(struct world *w, enum att_verdict verdict, enum att_reason reason)
{
    static const struct att_trust_rules NONE;
    enum att_reason found = ATT_R_NONE;
    const char *text = "";

    judge(w, att_buf_slice(w->label[1]), att_buf_slice(w->label[0]), &NONE);
    for (size_t i = w->out->check_count; i-- > 0;) {
        const struct att_check *c = &w->out->check[i];

        if (c->status == ATT_CHECK_PASS || c->why.reason == ATT_R_NONE)
            continue;
        found = c->why.reason;
        text = c->why.text;
    }
    ck_assert_msg(w->out->verdict == verdict && (reason == ATT_R_NONE || found == reason),
                  "%d %s: %s", w->out->verdict, att_reason_code(found), text);
}

static const uint8_t none[ATT_HEAD_LEN];

START_TEST(P_data_that_is_true)
{
    struct world w;
    uint8_t head[ATT_HEAD_LEN], second[ATT_HEAD_LEN];

    open_usual(&w);
    add_batch(&w, make_batch(&w, 1, head, none, NULL));
    add_batch(&w, make_batch(&w, 2, second, head, NULL));
    expect(&w, ATT_VERDICT_PASS, ATT_R_NONE);
    ck_assert(w.out->data.known && w.out->data.totals.records == 4);
    ck_assert_uint_eq(w.out->data.totals.recomputed, 4);
    ck_assert(w.out->data.from_label && w.out->data.confirmed == 0);
    close_world(&w);
}
END_TEST

/* One row: what is said that is not so, and what it is refused with. */
static void later(struct att_batch_statement *s)
{
    s->number = 3;
}
static void of_nothing(struct att_batch_statement *s)
{
    s->previous[0] ^= 1;
}
static void earlier_clock(struct att_batch_statement *s)
{
    s->clock_ms -= 3500;
}
static void other_device(struct att_batch_statement *s)
{
    s->device = att_slice_str("gw-2");
}
static void other_label(struct att_batch_statement *s)
{
    s->label[0] ^= 1;
}
static void other_spec(struct att_batch_statement *s)
{
    s->spec[0] ^= 1;
}
static void after_the_end(struct att_batch_statement *s)
{
    s->clock_ms += 3601000;
}
static void other_value(struct att_sample *s)
{
    s->value.mantissa++;
}
static void better(struct att_sample *s)
{
    s->check[ATT_TC_09_SECOND_PATH] = ATT_CHECK_PASS;
}
static void other_channel(struct att_sample *s)
{
    s->channel = att_slice_str("level-x");
}
static void other_sensor(struct att_sample *s)
{
    s->identity = att_slice_str("acme level 8");
    s->check[ATT_TC_01_IDENTITY] = ATT_CHECK_FAIL;
}

static const struct {
    struct lie lie;
    enum att_reason reason;
} LIES[] = {
    {{NULL, later}, ATT_R_PRV_SEQ},
    {{NULL, of_nothing}, ATT_R_PRV_CHAIN},
    {{NULL, earlier_clock}, ATT_R_PRV_CHAIN},
    {{NULL, other_device}, ATT_R_PRV_BIND},
    {{NULL, other_label}, ATT_R_PRV_BIND},
    {{NULL, other_spec}, ATT_R_PRV_SPEC},
    {{NULL, after_the_end}, ATT_R_PRV_WINDOW},
    {{other_value, NULL}, ATT_R_PRV_CHECK},
    {{better, NULL}, ATT_R_PRV_CHECK},
    {{other_channel, NULL}, ATT_R_PRV_SPEC},
    {{other_sensor, NULL}, ATT_R_PRV_CHECK},
};

static void one_lie(int which)
{
    struct world w;
    uint8_t head[ATT_HEAD_LEN], second[ATT_HEAD_LEN];

    open_usual(&w);
    add_batch(&w, make_batch(&w, 1, head, none, NULL));
    add_batch(&w, make_batch(&w, 2, second, head, &LIES[which].lie));
    expect(&w, ATT_VERDICT_FAIL, LIES[which].reason);
    close_world(&w);
}

#define ROW(name, call)                                                                            \
    START_TEST(name)                                                                               \
    {                                                                                              \
        call;                                                                                      \
    }                                                                                              \
    END_TEST

ROW(P_14_number, one_lie(0))
ROW(P_07_previous, one_lie(1))
ROW(P_07_clock, one_lie(2))
ROW(P_02_device, one_lie(3))
ROW(P_02_label, one_lie(4))
ROW(P_02_spec, one_lie(5))
ROW(P_12_window, one_lie(6))
ROW(P_01_value, one_lie(7))
ROW(P_01_better, one_lie(8))
ROW(P_02_channel, one_lie(9))
ROW(P_13_sensor, one_lie(10))

START_TEST(P_07_first)
{
    struct world w;
    uint8_t head[ATT_HEAD_LEN];
    static const struct lie LIE = {NULL, of_nothing};

    open_usual(&w);
    add_batch(&w, make_batch(&w, 1, head, none, &LIE));
    expect(&w, ATT_VERDICT_FAIL, ATT_R_PRV_CHAIN);
    close_world(&w);
}
END_TEST

/* The last byte of the last sample: of a whole batch, and of one that was cut down. */
START_TEST(P_01_record)
{
    struct world w;
    uint8_t head[ATT_HEAD_LEN];
    struct att_buf *file = NULL;
    uint8_t *copy = NULL;

    open_usual(&w);
    file = make_batch(&w, 1, head, none, NULL);
    copy = malloc(att_buf_len(file));
    memcpy(copy, att_buf_slice(file).p, att_buf_len(file));
    copy[att_buf_len(file) - 1] = 'X'; /* of the sensor's identity */
    append(w.batches, att_slice_of(copy, att_buf_len(file)));
    w.batch_count = 1;
    expect(&w, ATT_VERDICT_FAIL, ATT_R_PRV_DIGEST);
    free(copy);
    att_buf_free(file);
    close_world(&w);
}
END_TEST

static struct att_buf *cut_down(struct att_buf *whole, uint32_t index)
{
    struct att_batch_file f;
    struct att_buf *cut = NULL;

    NEED(att_batch_file_parse(&f, att_buf_slice(whole), NULL) == ATT_OK);
    NEED(att_batch_disclose(&cut, &f, &index, 1, NULL) == ATT_OK);
    att_buf_free(whole);
    return cut;
}

START_TEST(P_01_disclosed)
{
    struct world w;
    uint8_t head[ATT_HEAD_LEN];
    struct att_buf *cut = NULL;
    uint8_t *copy = NULL;

    open_usual(&w);
    cut = cut_down(make_batch(&w, 1, head, none, NULL), 0);
    copy = malloc(att_buf_len(cut));
    memcpy(copy, att_buf_slice(cut).p, att_buf_len(cut));
    copy[att_buf_len(cut) - 1] ^= 1; /* of its path */
    append(w.batches, att_slice_of(copy, att_buf_len(cut)));
    w.batch_count = 1;
    expect(&w, ATT_VERDICT_FAIL, ATT_R_PRV_DIGEST);
    free(copy);
    att_buf_free(cut);
    close_world(&w);
}
END_TEST

START_TEST(P_14_disclosed_backwards)
{
    struct world w;
    uint8_t head[ATT_HEAD_LEN], second[ATT_HEAD_LEN];
    struct att_buf *one = NULL;

    open_usual(&w);
    one = make_batch(&w, 1, head, none, NULL);
    add_batch(&w, cut_down(make_batch(&w, 2, second, head, NULL), 0));
    add_batch(&w, cut_down(one, 0));
    expect(&w, ATT_VERDICT_FAIL, ATT_R_PRV_SEQ);
    close_world(&w);
}
END_TEST

static void other_numbers(struct att_batch_statement *s)
{
    s->channel[0].first = s->channel[0].last = 7;
}

/* The statement of a batch changed or cut short, and signed anew: as another kind, for another purpose, by another key. */
static const struct {
    const char *content_type, *purpose;
    bool other_key;
    void (*statement)(struct att_batch_statement *s);
    size_t cut;
    enum att_verdict verdict;
    enum att_reason reason;
} ANEW[] = {
    {NULL, NULL, false, other_numbers, 0, ATT_VERDICT_FAIL, ATT_R_PRV_SEQ},
    {"application/x", NULL, false, NULL, 0, ATT_VERDICT_FAIL, ATT_R_PRV_SIGNATURE},
    {NULL, "attestd policy 1", false, NULL, 0, ATT_VERDICT_FAIL, ATT_R_PRV_SIGNATURE},
    {NULL, NULL, true, NULL, 0, ATT_VERDICT_FAIL, ATT_R_PRV_SIGNATURE},
    {NULL, NULL, false, NULL, 1, ATT_VERDICT_MALFORMED, ATT_R_FMT_BATCH},
};

static void sign_anew(int row)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *whole = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *payload = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *statement = NULL;
    struct att_document_kind kind = att_batch_kind;
    struct att_privkey *key = NULL;
    struct att_signer *other = NULL;
    struct att_buf *file = NULL;
    struct att_batch_file f;
    struct att_batch_statement s;
    struct world w;
    uint8_t head[ATT_HEAD_LEN], kid[32];

    open_usual(&w);
    whole = make_batch(&w, 1, head, none, NULL);
    NEED(att_batch_file_parse(&f, att_buf_slice(whole), NULL) == ATT_OK);
    NEED(att_batch_peek(&s, kid, &f, NULL) == ATT_OK);
    if (ANEW[row].statement != NULL)
        ANEW[row].statement(&s);
    kind.content_type = ANEW[row].content_type != NULL ? ANEW[row].content_type : kind.content_type;
    kind.purpose = ANEW[row].purpose != NULL ? ANEW[row].purpose : kind.purpose;
    NEED(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_signer_software(&other, key) == ATT_OK);
    NEED(att_batch_statement_encode(&payload, &s) == ATT_OK);
    NEED(att_document_sign(
             &statement, &kind,
             att_slice_of(att_buf_slice(payload).p, att_buf_len(payload) - ANEW[row].cut),
             ANEW[row].other_key ? other : w.key) == ATT_OK);
    NEED(att_batch_file_make(&file, att_buf_slice(statement), false, f.count,
                             att_slice_of(f.records.p + 1, f.records.len - 1)) == ATT_OK);
    add_batch(&w, file);
    expect(&w, ANEW[row].verdict, ANEW[row].reason);
    att_signer_free(other);
    close_world(&w);
}

ROW(P_14_announced, sign_anew(0))
ROW(P_03_type, sign_anew(1))
ROW(P_03_purpose, sign_anew(2))
ROW(P_09_key, sign_anew(3))
ROW(P_04_payload, sign_anew(4))

/* Labels that do not belong to the data: which, and what becomes of it. */
static void labels(const struct labelled *older, const struct labelled *newer,
                   enum att_verdict verdict, enum att_reason reason)
{
    struct world w;
    uint8_t head[ATT_HEAD_LEN];

    open_world(&w, older, newer);
    add_batch(&w, make_batch(&w, 1, head, none, NULL));
    expect(&w, verdict, reason);
    close_world(&w);
}

START_TEST(P_02_labels)
{
    static const struct labelled OTHER_GATEWAY = {.iat = ISSUER_NOW, .ek = 8};
    static const struct labelled TOO_LATE = {.iat = ISSUER_NOW + 20, .ek = 9};
    static const struct labelled NO_KEY = {.iat = ISSUER_NOW, .ek = 9, .no_key = true};
    static const struct labelled NO_SPEC = {.iat = ISSUER_NOW, .ek = 9, .no_spec = true};
    static const struct labelled *const ROW[] = {&OTHER_GATEWAY, &TOO_LATE, &NO_KEY, &NO_SPEC};

    labels(ROW[_i], &NEWER, ATT_VERDICT_FAIL, _i == 3 ? ATT_R_PRV_SPEC : ATT_R_PRV_BIND);
}
END_TEST

/* What was revoked since does not stand for its data either. */
START_TEST(P_02_revoked)
{
    static const struct labelled LISTED = {.iat = ISSUER_NOW, .ek = 9, .has_status = true};
    struct att_trust_rules rules = {0};
    struct att_offline_list list = {0};
    struct att_status_facts facts;
    struct world w;
    ATT_CLEANUP(att_buf_freep) struct att_buf *token = NULL;
    uint8_t head[ATT_HEAD_LEN];

    open_world(&w, &LISTED, &NEWER);
    facts = issuer_status_facts(&w.is);
    token = issuer_list(&w.is, &facts, 5, ATT_STATUS_INVALID);
    NEED(att_offline_list_open(&list, att_buf_slice(token), w.is.anchors) == ATT_OK);
    rules.status_list = &list;
    add_batch(&w, make_batch(&w, 1, head, none, NULL));
    judge(&w, att_buf_slice(w.label[1]), att_buf_slice(w.label[0]), &rules);
    ck_assert(!w.out->data.known);
    ck_assert_int_eq(w.out->verdict, ATT_VERDICT_FAIL);
    att_offline_list_close(&list);
    close_world(&w);
}
END_TEST

/* P-18: an earlier label of somebody who is not known here leaves all of it open. */
START_TEST(P_18_stranger)
{
    static const struct att_trust_rules NONE;
    struct world w;
    struct issuer other;
    ATT_CLEANUP(att_buf_freep) struct att_buf *strange = NULL;
    uint8_t head[ATT_HEAD_LEN];

    open_usual(&w);
    issuer_open(&other);
    strange = make_label(&w, &other, &OLDER, w.digest[0]);
    add_batch(&w, make_batch(&w, 1, head, none, NULL));
    judge(&w, att_buf_slice(w.label[1]), att_buf_slice(strange), &NONE);
    ck_assert_int_eq(w.out->verdict, ATT_VERDICT_UNDECIDED);
    ck_assert(!w.out->data.known);
    issuer_close(&other);
    close_world(&w);
}
END_TEST

/* The gateway marks a record itself: genuine, and no until that is accepted. */
START_TEST(P_data_marked)
{
    static const struct att_trust_rules ACCEPT = {.accept_failed_checks = true};
    struct world w;
    uint8_t head[ATT_HEAD_LEN], second[ATT_HEAD_LEN];

    open_usual(&w);
    add_batch(&w, make_batch(&w, 1, head, none, NULL));
    w.g.clock_ms += 60000; /* a pause that TC-07 sees */
    add_batch(&w, make_batch(&w, 2, second, head, NULL));
    judge(&w, att_buf_slice(w.label[1]), att_buf_slice(w.label[0]), &ACCEPT);
    ck_assert_int_eq(w.out->verdict, ATT_VERDICT_PASS);
    ck_assert_uint_eq(w.out->data.totals.failed, 1);
    expect(&w, ATT_VERDICT_FAIL, ATT_R_PRV_CHECK);
    close_world(&w);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"P-data", P_data_that_is_true, 0, 60},
        {"P-data-marked", P_data_marked, 0, 60},
        {"P-01-value", P_01_value, 0, 60},
        {"P-01-better", P_01_better, 0, 60},
        {"P-01-record", P_01_record, 0, 60},
        {"P-01-disclosed", P_01_disclosed, 0, 60},
        {"P-02-device", P_02_device, 0, 60},
        {"P-02-label", P_02_label, 0, 60},
        {"P-02-spec", P_02_spec, 0, 60},
        {"P-02-channel", P_02_channel, 0, 60},
        {"P-02-labels", P_02_labels, 4, 60},
        {"P-02-revoked", P_02_revoked, 0, 60},
        {"P-03-type", P_03_type, 0, 60},
        {"P-03-purpose", P_03_purpose, 0, 60},
        {"P-04-payload", P_04_payload, 0, 60},
        {"P-09-key", P_09_key, 0, 60},
        {"P-07-previous", P_07_previous, 0, 60},
        {"P-07-clock", P_07_clock, 0, 60},
        {"P-07-first", P_07_first, 0, 60},
        {"P-12-window", P_12_window, 0, 60},
        {"P-13-sensor", P_13_sensor, 0, 60},
        {"P-14-number", P_14_number, 0, 60},
        {"P-14-announced", P_14_announced, 0, 60},
        {"P-14-backwards", P_14_disclosed_backwards, 0, 60},
        {"P-18-stranger", P_18_stranger, 0, 60},
    };

    return attack_rows("data", rows, ATT_COUNT(rows));
}
