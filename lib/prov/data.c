/* Batches in order, records one after the other, nothing kept but what the checks look back at. */
#include "prov/data.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "prov/channels.h"

#define FIELD "record"

/* A specification, what came before under it, and the same without a past for records that are alone. */
struct ready {
    struct att_spec *spec; /* owned */
    struct att_channels *channels, *alone;
};

struct att_data {
    size_t count;
    struct ready ready[ATT_DATA_SPECS_MAX];
    struct ready *now; /* of the batch before; NULL before the first */
    bool gap; /* records were left out since the last whole batch: there is no past any more */
    uint8_t last_label[32];
    bool new_label; /* the batch names another label than the one before it */
    struct att_data_totals totals;
};

enum att_err att_data_new(struct att_data **out)
{
    struct att_data *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return ATT_E_NOMEM;
    *out = d;
    return ATT_OK;
}

static void ready_clear(struct ready *r)
{
    att_channels_free(r->channels);
    att_channels_free(r->alone);
    att_spec_free(r->spec);
}

void att_data_free(struct att_data *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->count; i++)
        ready_clear(&d->ready[i]);
    free(d);
}

void att_data_freep(struct att_data **d)
{
    att_data_free(*d);
    *d = NULL;
}

/* --- specifications --- */

enum att_err att_data_add_spec(struct att_data *d, struct att_spec *spec, struct att_diag *diag)
{
    struct ready r = {.spec = spec};
    enum att_err err = ATT_OK;

    if (d->count == ATT_DATA_SPECS_MAX)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_CFG_SPEC, "specification",
                        "expected at most %d specifications", ATT_DATA_SPECS_MAX);
    err = att_channels_new(&r.channels, spec, diag);
    if (err == ATT_OK)
        err = att_channels_new(&r.alone, spec, diag);
    if (err != ATT_OK) {
        att_channels_free(r.channels);
        return err;
    }
    d->ready[d->count++] = r;
    return ATT_OK;
}

static struct ready *find_ready(struct att_data *d, const uint8_t digest[32])
{
    for (size_t i = 0; i < d->count; i++)
        if (memcmp(d->ready[i].spec->digest, digest, 32) == 0)
            return &d->ready[i];
    return NULL;
}

/* --- records --- */

struct reading {
    struct att_data *d;
    const struct att_batch_statement *statement;
    bool alone; /* records of a batch of which others were left out */
    att_data_record_fn *each;
    void *ctx;
};

static const struct att_channel *channel_of(const struct ready *r, const struct att_sample *s)
{
    for (size_t i = 0; i < r->spec->channel_count; i++)
        if (att_slice_eq(s->channel, att_slice_str(r->spec->channel[i].id)))
            return &r->spec->channel[i];
    return NULL;
}

/* Its number must be among those that the statement says of its channel. */
static bool is_announced(const struct att_batch_statement *st, const struct att_sample *s)
{
    for (size_t i = 0; i < st->channel_count; i++)
        if (att_slice_eq(st->channel[i].id, s->channel))
            return s->sequence >= st->channel[i].first && s->sequence <= st->channel[i].last;
    return false;
}

/*
 * A power cut may set the clock of a TPM back, and no authorisation outlives it: behind a new label a clock that went
 * back begins anew. Under one label it is false.
 */
static void after_power_cut(const struct att_data *d, struct att_past *past,
                            const struct att_sample *s)
{
    const struct att_past_sample *last = att_past_last(past);

    if (d->new_label && last != NULL && s->from_ms < last->from_ms)
        att_past_rewind(past, NULL);
}

static enum att_err judge(struct reading *r, struct att_data_record *out, struct att_diag *diag)
{
    struct ready *ready = r->d->now;
    size_t index = (size_t)(out->channel - ready->spec->channel);
    struct att_check_in in;
    enum att_err err = ATT_OK;

    if (!r->alone)
        after_power_cut(r->d, ready->channels->past[index], out->sample);
    in = att_channels_in(r->alone ? ready->alone : ready->channels, index, out->sample, NULL);
    err = att_check_repeat(&out->repeated, &in, diag);
    if (err != ATT_OK)
        return err;
    out->recomputed = out->sample->check[ATT_TC_08_RECOMPUTED] == ATT_CHECK_PASS &&
                      att_checks[ATT_TC_08_RECOMPUTED].run(&in, NULL) == ATT_CHECK_PASS;
    if (!r->alone)
        att_past_add(ready->channels->past[index], out->sample, &in.derived);
    return ATT_OK;
}

static void count(struct att_data_totals *t, const struct att_data_record *r)
{
    t->records++;
    t->values += r->sample->has_value ? 1 : 0;
    t->recomputed += r->recomputed ? 1 : 0;
    t->checks_repeated += r->repeated;
    t->failed += att_check_failed(r->sample->check) ? 1 : 0;
}

static enum att_err one(struct reading *r, const struct att_batch_record *bytes,
                        struct att_diag *diag)
{
    struct att_sample s;
    struct att_data_record out = {
        .batch = r->statement->number, .index = bytes->index, .sample = &s};
    enum att_err err = att_sample_decode(&s, bytes->bytes, diag);

    if (err != ATT_OK)
        return err;
    out.channel = channel_of(r->d->now, &s);
    if (ATT_GUARD(PRV_CHANNEL, out.channel == NULL))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_PRV_SPEC, FIELD,
                        "expected a channel of the specification that the batch names");
    if (out.channel == NULL)
        return ATT_OK;
    if (ATT_GUARD(PRV_ANNOUNCED, !is_announced(r->statement, &s)))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_PRV_SEQ, FIELD,
                        "expected a number that the batch names for channel %s, found %" PRIu64,
                        out.channel->id, s.sequence);
    err = judge(r, &out, diag);
    if (err != ATT_OK)
        return err;
    count(&r->d->totals, &out);
    return r->each != NULL ? r->each(r->ctx, &out, diag) : ATT_OK;
}

/* Which record it was stands in front of what is wrong with it. */
static enum att_err on_record(void *ctx, const struct att_batch_record *bytes,
                              struct att_diag *diag)
{
    struct reading *r = ctx;
    char place[64];
    enum att_err err = one(r, bytes, diag);

    if (err == ATT_OK)
        return err;
    (void)snprintf(place, sizeof(place), "batch %" PRIu64 ", record %" PRIu32, r->statement->number,
                   bytes->index);
    att_diag_in(diag, place);
    return err;
}

/* --- batches --- */

/* Single records say nothing about what lies between them, only that it went forward. */
static enum att_err follows_loosely(const struct att_data_totals *t,
                                    const struct att_batch_statement *s, struct att_diag *diag)
{
    if (ATT_GUARD(PRV_FORWARD, s->number <= t->last_batch))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_PRV_SEQ, "batch",
                        "expected a batch after batch %" PRIu64 ", found batch %" PRIu64,
                        t->last_batch, s->number);
    return ATT_OK;
}

static enum att_err follows(const struct att_data *d, const struct att_batch_statement *s,
                            struct att_diag *diag)
{
    static const uint8_t NONE[ATT_HEAD_LEN];
    const struct att_data_totals *t = &d->totals;

    if (ATT_GUARD(PRV_FIRST, s->number == 1 && memcmp(s->previous, NONE, sizeof(NONE)) != 0))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_PRV_CHAIN, "batch",
                        "expected no batch before the first one");
    if (t->batches == 0)
        return ATT_OK;
    if (d->gap)
        return follows_loosely(t, s, diag);
    if (ATT_GUARD(PRV_NUMBER, s->number != t->last_batch + 1))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_PRV_SEQ, "batch",
                        "expected batch %" PRIu64 ", found batch %" PRIu64, t->last_batch + 1,
                        s->number);
    if (ATT_GUARD(PRV_PREVIOUS, memcmp(s->previous, t->last_head, sizeof(t->last_head)) != 0))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_PRV_CHAIN, "batch",
                        "expected batch %" PRIu64
                        " to follow the one before it, found another head",
                        s->number);
    if (ATT_GUARD(PRV_CLOCK, !d->new_label && s->clock_ms < t->last_clock))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_PRV_CHAIN, "batch",
                        "expected batch %" PRIu64 " to be signed after the one before it",
                        s->number);
    return ATT_OK;
}

static void note_batch(struct att_data *d, const struct att_batch_statement *s,
                       const uint8_t head[ATT_HEAD_LEN])
{
    struct att_data_totals *t = &d->totals;

    if (t->batches == 0) {
        t->first_batch = s->number;
        t->first_clock = s->clock_ms;
    }
    t->batches++;
    t->last_batch = s->number;
    t->last_clock = s->clock_ms;
    memcpy(t->last_head, head, ATT_HEAD_LEN);
    memcpy(d->last_label, s->label, sizeof(d->last_label));
}

static enum att_err choose_spec(struct att_data *d, const struct att_batch_statement *s,
                                struct att_diag *diag)
{
    struct ready *next = find_ready(d, s->spec);

    if (next == NULL)
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_PRV_SPEC, "batch",
                        "expected the specification that batch %" PRIu64
                        " names, found none of its digest",
                        s->number);
    if (d->now != NULL && d->now != next)
        att_channels_carry_over(next->channels, d->now->channels);
    d->now = next;
    return ATT_OK;
}

enum att_err att_data_batch(struct att_data *d, struct att_batch_statement *out,
                            const struct att_batch_file *file, const struct att_pubkey *key,
                            att_data_record_fn *each, void *ctx, struct att_diag *diag)
{
    struct att_batch_statement s, verified;
    struct reading reading = {.d = d, .statement = &s, .each = each, .ctx = ctx};
    uint8_t head[ATT_HEAD_LEN], kid[32];
    enum att_err err = att_batch_peek(&s, kid, file, diag);

    d->gap = d->gap || file->disclosed;
    d->new_label = err == ATT_OK && memcmp(d->last_label, s.label, sizeof(s.label)) != 0;
    /* What is looked at here is what is verified below: both read the same bytes. */
    if (err == ATT_OK)
        err = follows(d, &s, diag);
    if (err == ATT_OK)
        err = choose_spec(d, &s, diag);
    if (err != ATT_OK)
        return err;
    reading.alone = d->gap;
    err = att_batch_verify(&verified, head, file, key, on_record, &reading, diag);
    if (err != ATT_OK)
        return err;
    note_batch(d, &verified, head);
    *out = verified;
    return ATT_OK;
}

const struct att_data_totals *att_data_totals(const struct att_data *d)
{
    return &d->totals;
}
