/* Labels give the clock of the TPM a time, specifications give channels a name. */
#include "data_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/label.h"
#include "sign/cose.h"
#include "tlog/entry.h"

/* When a clock of the TPM stood where, by one label. */
struct pair {
    uint8_t digest[32];
    uint64_t clock_ms;
    int64_t utc_s;
};

struct view {
    const struct att_bundle_file *b;
    size_t spec_count, pair_count;
    struct att_spec *spec[ATT_BUNDLE_SPECS_MAX]; /* owned */
    struct pair *pair;                           /* owned */
    struct att_batch_statement batch;
    const struct att_spec *now; /* of the batch */
    const struct pair *clock;   /* of the batch; NULL: no label of it */
    data_row_fn *each;
    void *ctx;
};

static void view_clear(struct view *v)
{
    for (size_t i = 0; i < v->spec_count; i++)
        att_spec_free(v->spec[i]);
    free(v->pair);
}

static enum att_err add_label(struct view *v, struct att_slice file, struct att_diag *diag)
{
    struct att_label *l = calloc(1, sizeof(*l));
    struct pair *p = &v->pair[v->pair_count];
    struct att_cose cose;
    enum att_err err = l != NULL ? att_cose_parse(&cose, file, diag)
                                 : att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "label", "no memory");

    if (err == ATT_OK)
        err = att_label_read(l, cose.payload_untrusted, diag);
    if (err == ATT_OK)
        err = att_entry_of_label(p->digest, file, diag);
    if (err == ATT_OK) {
        p->clock_ms = l->tpm_clock_ms;
        p->utc_s = l->tpm_utc;
        v->pair_count++;
    }
    free(l);
    return err;
}

static enum att_err prepare(struct view *v, struct att_diag *diag)
{
    struct att_bundle_files it = att_bundle_earlier(v->b);
    struct att_slice file;
    enum att_err err = ATT_OK;

    v->pair = calloc(v->b->earlier_count + 1, sizeof(*v->pair));
    if (v->pair == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "bundle", "no memory");
    while (err == ATT_OK && att_bundle_next(&it, &file))
        err = add_label(v, file, diag);
    if (err == ATT_OK)
        err = add_label(v, v->b->label, diag);
    for (size_t i = 0; err == ATT_OK && i < v->b->spec_count; i++) {
        err = att_spec_decode(&v->spec[i], v->b->spec[i], diag);
        v->spec_count += err == ATT_OK ? 1 : 0;
    }
    return err;
}

static void choose(struct view *v)
{
    v->now = NULL;
    v->clock = NULL;
    for (size_t i = 0; i < v->spec_count; i++)
        if (memcmp(v->spec[i]->digest, v->batch.spec, sizeof(v->batch.spec)) == 0)
            v->now = v->spec[i];
    for (size_t i = 0; i < v->pair_count; i++)
        if (memcmp(v->pair[i].digest, v->batch.label, sizeof(v->batch.label)) == 0)
            v->clock = &v->pair[i];
}

static const struct att_channel *channel_of(const struct att_spec *s, struct att_slice id)
{
    for (size_t i = 0; s != NULL && i < s->channel_count; i++)
        if (att_slice_eq(id, att_slice_str(s->channel[i].id)))
            return &s->channel[i];
    return NULL;
}

static enum att_err on_record(void *ctx, const struct att_batch_record *r, struct att_diag *diag)
{
    struct view *v = ctx;
    struct att_sample s;
    struct data_row row = {.batch = &v->batch, .index = r->index, .sample = &s};
    enum att_err err = att_sample_decode(&s, r->bytes, diag);

    if (err != ATT_OK)
        return err;
    row.channel = channel_of(v->now, s.channel);
    if (row.channel == NULL)
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_PRV_SPEC, "record",
                        "expected a channel of the specification that the batch names");
    row.utc_claimed = v->clock == NULL;
    row.utc_ms = v->clock != NULL
                     ? v->clock->utc_s * 1000 + (int64_t)(s.from_ms - v->clock->clock_ms)
                     : v->batch.utc_s * 1000 - (int64_t)(v->batch.clock_ms - s.from_ms);
    return v->each(v->ctx, &row, diag);
}

static enum att_err view_batch(struct view *v, struct att_slice file, struct att_diag *diag)
{
    struct att_batch_file f;
    uint8_t kid[32];
    enum att_err err = att_batch_file_parse(&f, file, diag);

    if (err == ATT_OK)
        err = att_batch_peek(&v->batch, kid, &f, diag);
    if (err != ATT_OK)
        return err;
    choose(v);
    return att_batch_each(&f, on_record, v, diag);
}

enum att_err data_view(const struct att_bundle_file *b, data_row_fn *each, void *ctx,
                       struct att_diag *diag)
{
    ATT_CLEANUP(view_clear) struct view v = {.b = b, .each = each, .ctx = ctx};
    struct att_bundle_files it = att_bundle_batches(b);
    struct att_slice file;
    enum att_err err = prepare(&v, diag);

    while (err == ATT_OK && att_bundle_next(&it, &file))
        err = view_batch(&v, file, diag);
    return err;
}

char *data_failed(char out[DATA_FAILED_ROOM], const uint8_t check[ATT_CHECKS])
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < ATT_CHECKS; i++)
        if (check[i] == ATT_CHECK_FAIL)
            at += (size_t)snprintf(&out[at], DATA_FAILED_ROOM - at, "%s%s", at > 0 ? " " : "",
                                   att_checks[i].id);
    return out;
}
