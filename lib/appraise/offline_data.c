/*
 * The data of a bundle: each batch signed by the key that a label names, while that label was in force, and each value
 * computed again.
 *
 * docs/formats/bundle.md says what each check promises, and what it does not.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/bundle.h"
#include "appraise/offline_internal.h"
#include "base/guard.h"
#include "tlog/entry.h"

/* What batches need of a label that was verified. */
struct in_force {
    uint8_t digest[32];     /* as its log entry has it */
    struct att_pubkey *key; /* owned; NULL: it names none */
    uint64_t clock_ms;      /* of the TPM at its quote */
    uint64_t life_ms;       /* from then on */
    int64_t iat;
    size_t spec_count;   /* specifications that it names: their digests */
    uint8_t (*spec)[32]; /* owned */
    bool has_head;
    uint8_t head[ATT_HEAD_LEN]; /* of the batches before it */
    bool used;
};

struct judging {
    struct att_offline *out;
    const struct att_bundle_file *b;
    const struct offline_judge *by;
    struct in_force *label; /* owned; the oldest first, the bundle's own label the last */
    size_t label_count;
    struct att_data *data; /* owned */
};

static void in_force_clear(struct in_force *f)
{
    att_pubkey_free(f->key);
    free(f->spec);
}

static void judging_clear(struct judging *j)
{
    for (size_t i = 0; i < j->label_count; i++)
        in_force_clear(&j->label[i]);
    free(j->label);
    att_data_free(j->data);
}

static struct att_check *add(struct judging *j, const char *id)
{
    return offline_add(j->out, id, ATT_CHECK_PASS);
}

/* --- labels --- */

/* Whole specifications; the label names their channels too, which a record names by itself. */
static enum att_err take_specs(struct in_force *f, const struct att_label *l)
{
    f->spec = calloc(l->spec_count + 1, sizeof(*f->spec));
    for (size_t i = 0; f->spec != NULL && i < l->spec_count; i++)
        if (strchr(l->spec[i].name, '/') == NULL)
            memcpy(f->spec[f->spec_count++], l->spec[i].digest, sizeof(*f->spec));
    return f->spec != NULL ? ATT_OK : ATT_E_NOMEM;
}

static enum att_err take_label(struct judging *j, const struct att_label *l, struct att_slice file,
                               struct att_diag *why)
{
    struct in_force *f = &j->label[j->label_count];
    enum att_err err = att_entry_of_label(f->digest, file, why);

    if (err == ATT_OK && l->has_data_key)
        err = att_pubkey_from_ec(&f->key, ATT_KEY_EC_P256, att_slice_of(l->data_key, 32),
                                 att_slice_of(&l->data_key[32], 32), why);
    if (err == ATT_OK)
        err = take_specs(f, l);
    if (err != ATT_OK) {
        in_force_clear(f);
        return err;
    }
    f->clock_ms = l->tpm_clock_ms;
    f->life_ms = l->exp > l->tpm_utc ? (uint64_t)(l->exp - l->tpm_utc) * 1000 : 0;
    f->iat = l->iat;
    f->has_head = l->has_batch_head;
    memcpy(f->head, l->batch_head, sizeof(f->head));
    j->label_count++;
    return ATT_OK;
}

/* Not a label, or not the issuer's: more than that somebody is not known here. */
static bool is_false(const struct att_offline *other)
{
    static const char *const ABOUT[] = {"format", "signature", "chain",
                                        "issuer", "log",       "label-key"};

    for (size_t i = 0; i < other->check_count; i++)
        for (size_t k = 0; k < ATT_COUNT(ABOUT); k++)
            if (other->check[i].status == ATT_CHECK_FAIL &&
                strcmp(other->check[i].id, ABOUT[k]) == 0)
                return true;
    return false;
}

/* It verifies as the bundle's own label does, is the same gateway's, was not revoked, and came before. */
static enum att_err judge_earlier(struct judging *j, const struct att_offline *other,
                                  struct att_diag *why)
{
    const struct att_label *own = &j->out->label;
    const struct att_label *l = &other->label;
    int64_t before = j->label_count > 0 ? j->label[j->label_count - 1].iat : 0;

    if (ATT_GUARD(EARLIER_BELIEVED, !offline_believed(other)))
        return att_fail(why, is_false(other) ? ATT_E_SIGNATURE : ATT_E_UNTRUSTED, ATT_R_PRV_BIND,
                        "labels", "an earlier label does not verify here");
    if (ATT_GUARD(EARLIER_SUBJECT,
                  strcmp(l->subject, own->subject) != 0 || strcmp(l->issuer, own->issuer) != 0))
        return att_fail(why, ATT_E_MISMATCH, ATT_R_PRV_BIND, "labels",
                        "an earlier label is another gateway's");
    if (ATT_GUARD(EARLIER_ORDER, l->iat < before || l->iat > own->iat))
        return att_fail(why, ATT_E_MISMATCH, ATT_R_PRV_BIND, "labels",
                        "expected earlier labels in the order in which they were issued");
    if (ATT_GUARD(EARLIER_STATUS, other->status.known && other->status.value != ATT_STATUS_VALID))
        return att_fail(why, ATT_E_STALE, ATT_R_LBL_REVOKED, "labels",
                        "an earlier label was revoked or suspended");
    return ATT_OK;
}

static enum att_err read_earlier(struct judging *j, struct att_slice file, struct att_diag *why)
{
    struct att_trust_rules rules = {.key = j->by->rules->key,
                                    .key_count = j->by->rules->key_count,
                                    .log_required = j->by->rules->log_required,
                                    .status_list = j->by->rules->status_list,
                                    .revoked = j->by->rules->revoked,
                                    .revoked_count = j->by->rules->revoked_count};
    const struct offline_judge plain = {j->by->anchors, &rules, j->by->now};
    struct att_offline *other = calloc(1, sizeof(*other));
    enum att_err err = other != NULL ? offline_check_label(other, file, &plain) : ATT_E_NOMEM;

    if (err == ATT_OK)
        err = judge_earlier(j, other, why);
    if (err == ATT_OK)
        err = take_label(j, &other->label, file, why);
    free(other);
    return err;
}

static enum att_err check_labels(struct judging *j)
{
    struct att_check *c = add(j, "labels");
    struct att_bundle_files it = att_bundle_earlier(j->b);
    struct att_slice file;
    enum att_err err = ATT_OK;

    if (!j->out->has_label) {
        c->status = ATT_CHECK_NOT_RUN;
        return ATT_OK;
    }
    j->label = calloc(j->b->earlier_count + 1, sizeof(*j->label));
    if (j->label == NULL)
        return ATT_E_NOMEM;
    while (err == ATT_OK && att_bundle_next(&it, &file))
        err = read_earlier(j, file, &c->why);
    if (err == ATT_OK)
        err = take_label(j, &j->out->label, j->b->label, &c->why);
    return err == ATT_OK ? ATT_OK : offline_refuse(j->out, c, err);
}

static struct in_force *find_label(const struct judging *j, const uint8_t digest[32])
{
    for (size_t i = 0; i < j->label_count; i++)
        if (memcmp(j->label[i].digest, digest, 32) == 0)
            return &j->label[i];
    return NULL;
}

/* --- specifications --- */

static enum att_err add_spec(struct judging *j, struct att_slice bytes, struct att_diag *why)
{
    struct att_spec *spec = NULL;
    enum att_err err = att_spec_decode(&spec, bytes, why);

    if (err == ATT_OK)
        err = att_data_add_spec(j->data, spec, why);
    if (err != ATT_OK)
        att_spec_free(spec);
    return err;
}

static enum att_err check_specs(struct judging *j)
{
    struct att_check *c = add(j, "specification");
    enum att_err err = att_data_new(&j->data);

    for (size_t i = 0; err == ATT_OK && i < j->b->spec_count; i++)
        err = add_spec(j, j->b->spec[i], &c->why);
    return err == ATT_OK ? ATT_OK : offline_refuse(j->out, c, err);
}

/* --- batches --- */

/* Signed by the key of which label? What is said here of it is verified by that key. */
static enum att_err choose_label(struct in_force **out, const struct judging *j,
                                 const struct att_batch_file *f, struct att_diag *why)
{
    struct att_batch_statement s;
    uint8_t kid[32];
    enum att_err err = att_batch_peek(&s, kid, f, why);

    if (err != ATT_OK)
        return err;
    *out = find_label(j, s.label);
    if (*out == NULL)
        return att_fail(why, ATT_E_MISMATCH, ATT_R_PRV_BIND, "batch",
                        "expected batch %" PRIu64 " to name a label of the bundle, found another",
                        s.number);
    if ((*out)->key == NULL)
        return att_fail(why, ATT_E_MISMATCH, ATT_R_PRV_BIND, "batch",
                        "expected the label of batch %" PRIu64 " to name a data key, found none",
                        s.number);
    return ATT_OK;
}

static enum att_err check_device(struct judging *j, const struct att_batch_statement *s,
                                 struct att_diag *why)
{
    const struct att_label *l = &j->out->label;
    char found[80];

    if (!ATT_GUARD(DATA_DEVICE, !att_slice_eq(s->device, att_slice_str(l->device_id))))
        return ATT_OK;
    return att_fail(why, ATT_E_MISMATCH, ATT_R_PRV_BIND, "batch",
                    "expected batch %" PRIu64 " of gateway %s, found %s", s->number, l->device_id,
                    att_escape(found, sizeof(found), s->device.p, s->device.len));
}

/* The verifier approved of the specification that was in force, and its label says so. */
static enum att_err check_approved(const struct in_force *l, const struct att_batch_statement *s,
                                   struct att_diag *why)
{
    bool approved = false;

    for (size_t i = 0; i < l->spec_count; i++)
        approved = approved || memcmp(l->spec[i], s->spec, sizeof(s->spec)) == 0;
    if (!ATT_GUARD(DATA_SPEC, !approved))
        return ATT_OK;
    return att_fail(why, ATT_E_MISMATCH, ATT_R_PRV_SPEC, "batch",
                    "expected batch %" PRIu64
                    " under a specification that its label names, found another",
                    s->number);
}

/* The TPM's clock was between that of the label's quote and where it is when the label ends. */
static void check_window(struct judging *j, const struct att_batch_statement *s,
                         const struct in_force *l, struct att_check *time)
{
    bool outside = s->clock_ms < l->clock_ms || s->clock_ms - l->clock_ms > l->life_ms;

    if (time->status != ATT_CHECK_PASS || !ATT_GUARD(DATA_WINDOW, outside))
        return;
    time->status = ATT_CHECK_FAIL;
    (void)att_fail(&time->why, ATT_E_STALE, ATT_R_PRV_WINDOW, "batch",
                   "expected batch %" PRIu64 " to be signed while its label was in force",
                   s->number);
    offline_worsen(j->out, ATT_VERDICT_FAIL);
}

static void note(struct judging *j, const struct att_batch_statement *s, struct in_force *l)
{
    const struct att_data_totals *t = att_data_totals(j->data);
    struct att_offline_data *d = &j->out->data;

    d->labels += l->used ? 0 : 1;
    l->used = true;
    if (t->batches == 1)
        d->from_label =
            s->number == 1 || (l->has_head && memcmp(s->previous, l->head, sizeof(l->head)) == 0);
    for (size_t i = 0; i < j->label_count; i++)
        if (j->label[i].has_head && memcmp(j->label[i].head, t->last_head, ATT_HEAD_LEN) == 0)
            d->confirmed = t->batches;
}

static enum att_err one_batch(struct judging *j, struct att_slice file, struct att_check *data,
                              struct att_check *time)
{
    struct att_batch_file f;
    struct att_batch_statement s;
    struct in_force *l = NULL;
    enum att_err err = att_batch_file_parse(&f, file, &data->why);

    if (err == ATT_OK)
        err = choose_label(&l, j, &f, &data->why);
    if (err == ATT_OK)
        err = att_data_batch(j->data, &s, &f, l->key, j->by->rules->record,
                             j->by->rules->record_ctx, &data->why);
    if (err == ATT_OK)
        err = check_device(j, &s, &data->why);
    if (err == ATT_OK)
        err = check_approved(l, &s, &data->why);
    if (err != ATT_OK)
        return err;
    check_window(j, &s, l, time);
    note(j, &s, l);
    return ATT_OK;
}

static enum att_err check_batches(struct judging *j)
{
    struct att_bundle_files it = att_bundle_batches(j->b);
    struct att_check *data = add(j, "data");
    struct att_check *time = add(j, "data-time");
    struct att_slice file;
    enum att_err err = ATT_OK;

    while (err == ATT_OK && att_bundle_next(&it, &file))
        err = one_batch(j, file, data, time);
    if (err != ATT_OK) {
        time->status = time->status == ATT_CHECK_FAIL ? ATT_CHECK_FAIL : ATT_CHECK_NOT_RUN;
        return offline_refuse(j->out, data, err);
    }
    j->out->data.totals = *att_data_totals(j->data);
    j->out->data.known = true;
    return ATT_OK;
}

/* Records that are genuine, and that the gateway itself doubts. */
static void check_records(struct judging *j)
{
    struct att_check *c = add(j, "records");
    uint64_t failed = j->out->data.totals.failed;

    if (!j->out->data.known) {
        c->status = ATT_CHECK_NOT_RUN;
        return;
    }
    if (!ATT_GUARD(DATA_CHECKS, failed > 0))
        return;
    (void)att_fail(&c->why, ATT_E_MISMATCH, ATT_R_PRV_CHECK, "records",
                   "the gateway itself marked %" PRIu64 " of %" PRIu64 " records", failed,
                   j->out->data.totals.records);
    if (j->by->rules->accept_failed_checks)
        return;
    c->status = ATT_CHECK_FAIL;
    offline_worsen(j->out, ATT_VERDICT_FAIL);
}

enum att_err offline_check_data(struct att_offline *out, const struct att_bundle_file *b,
                                const struct offline_judge *by)
{
    ATT_CLEANUP(judging_clear) struct judging j = {.out = out, .b = b, .by = by};
    bool good = false;
    enum att_err err = check_labels(&j);

    good = j.label_count == b->earlier_count + 1U;
    if (err == ATT_OK)
        err = check_specs(&j);
    if (err != ATT_OK || !good || out->check[out->check_count - 1].status != ATT_CHECK_PASS)
        return err;
    err = check_batches(&j);
    if (err == ATT_OK)
        check_records(&j);
    return err;
}
