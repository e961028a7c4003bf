/* What a transfer does to the records: one gateway ends here, or may begin. */
#include "transfer.h"

#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "base/hex.h"
#include "common/log.h"
#include "crypto/digest.h"

static enum att_err unreadable(struct att_diag *diag, enum att_err err)
{
    return att_fail(diag, err, ATT_R_ST_CORRUPT, "transfer", "the record cannot be read");
}

bool transfer_left(struct keeper *k, const char *device)
{
    struct store_transfer t;

    return store_transfer_given(&t, k->st, device) == ATT_OK;
}

/* Nor is a gateway given away whose endorsement key is not trusted any more. */
static enum att_err check_held(struct keeper *k, const struct store_device *d,
                               struct att_diag *diag)
{
    struct store_hold hold = {0};
    enum att_err err = store_hold_get(&hold, k->st, d->enrolment);

    if (err != ATT_OK)
        return unreadable(diag, err);
    if (ATT_GUARD(TRANSFER_HELD, hold.reason[0] != '\0'))
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_TRF_QUARANTINE, "device",
                        "%s is in quarantine: %s", d->id, hold.reason);
    return ATT_OK;
}

/* Nothing is said of a row that was put aside: it is not believed, whatever the statement says. */
static enum att_err find_device(struct store_device *d, struct keeper *k, const char *id,
                                struct att_slice ek_name, struct att_diag *diag)
{
    bool aside = false;
    enum att_err err = store_device_get(d, k->st, id);

    if (err == ATT_OK)
        return check_held(k, d, diag);
    if (err != ATT_E_NOT_FOUND)
        return unreadable(diag, err);
    err = store_quarantine_holds(&aside, k->st, id, ek_name);
    if (err != ATT_OK)
        return unreadable(diag, err);
    if (ATT_GUARD(TRANSFER_QUARANTINE, aside))
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_TRF_QUARANTINE, "device",
                        "the record of %s was put aside when the service started", id);
    return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_ID_NONE, "device", "no gateway is enrolled as %s",
                    id);
}

static enum att_err last_label(struct att_transfer_last *l, struct keeper *k,
                               const struct store_state *s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    struct store_label row;
    enum att_err err = att_buf_new(&bytes, STORE_BYTES_MAX);

    if (err == ATT_OK)
        err = store_label_get(&row, bytes, k->st, s->cti);
    if (err != ATT_OK)
        return err;
    l->has_label = true;
    memcpy(l->cti, s->cti, sizeof(l->cti));
    return att_sha256(att_buf_slice(bytes), l->label_digest);
}

static enum att_err last_known(struct att_transfer_last *l, struct keeper *k,
                               const struct store_device *d, struct att_diag *diag)
{
    struct store_state s;
    int64_t outcomes = 0;
    enum att_err err = store_state_get(&s, k->blobs, k->st, d->enrolment);

    if (err == ATT_OK)
        err = store_outcome_count(&outcomes, k->st);
    if (err == ATT_OK && s.has_cti)
        err = last_label(l, k, &s);
    if (err == ATT_OK && s.boot.len > 0)
        err = att_boot_state_decode(&k->boot, s.boot, NULL);
    if (err != ATT_OK)
        return unreadable(diag, err);
    l->status = (unsigned int)s.status;
    l->outcomes = (uint64_t)outcomes;
    if (s.boot.len > 0) {
        l->has_counters = k->boot.known;
        l->reset_count = k->boot.clock.reset_count;
        l->restart_count = k->boot.clock.restart_count;
        l->clock_ms = k->boot.clock.clock_ms;
    }
    return ATT_OK;
}

static bool is_zero(const uint8_t digest[32])
{
    static const uint8_t none[32];

    return memcmp(digest, none, sizeof(none)) == 0;
}

enum att_err transfer_offer(struct att_transfer *out, struct keeper *k, const char *device,
                            struct att_diag *diag)
{
    struct att_transfer t = {0};
    struct store_device d;
    enum att_err err = att_device_id_check(att_slice_str(device), diag);

    if (err == ATT_OK)
        err = find_device(&d, k, device, (struct att_slice){0}, diag);
    if (err == ATT_OK)
        err = last_known(&t.last, k, &d, diag);
    if (err != ATT_OK)
        return err;
    (void)snprintf(t.giver.verifier_id, sizeof(t.giver.verifier_id), "%s", k->cfg->verifier_id);
    (void)snprintf(t.giver.device_id, sizeof(t.giver.device_id), "%s", d.id);
    t.ek_name_len = d.ek_name_len;
    memcpy(t.ek_name, d.ek_name, d.ek_name_len);
    t.has_ek_cert = !is_zero(d.ek_cert);
    memcpy(t.ek_cert, d.ek_cert, sizeof(t.ek_cert));
    t.ak_name_len = d.ak_name_len;
    memcpy(t.ak_name, d.ak_name, d.ak_name_len);
    *out = t;
    return ATT_OK;
}

/* The folder is read each time: who may sign for us is the operator's to change while the service runs. */
static enum att_err load_ring(struct att_signers **out, const struct config *cfg,
                              struct att_diag *diag)
{
    ATT_CLEANUP(att_signers_freep) struct att_signers *ring = NULL;
    enum att_err err = att_signers_new(&ring);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_NOMEM, "transfer_signers", "memory ran out");
    if (cfg->transfer_signers != NULL)
        err = att_signers_load(ring, cfg->transfer_signers, diag);
    if (err != ATT_OK)
        return err;
    *out = ring;
    ring = NULL;
    return ATT_OK;
}

/* Which of the two this verifier is. An offer alone has one only; att_transfer_verify refuses it. */
static enum att_err find_role(enum att_transfer_role *out, const struct keeper *k,
                              const struct att_transfer *t, struct att_diag *diag)
{
    bool gives = strcmp(t->giver.verifier_id, k->cfg->verifier_id) == 0;

    if (ATT_GUARD(TRANSFER_PLACE, t->accepted && !gives &&
                                      strcmp(t->receiver.verifier_id, k->cfg->verifier_id) != 0))
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_TRF_PLACE, "verifier",
                        "expected %s, found another giver and another receiver",
                        k->cfg->verifier_id);
    *out = gives || !t->accepted ? ATT_TRANSFER_GIVER : ATT_TRANSFER_RECEIVER;
    return ATT_OK;
}

/* Each statement is good once, also when the gateway was removed meanwhile. */
static enum att_err check_new(struct keeper *k, const struct att_transfer *t, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    struct store_transfer row;
    enum att_err err = att_buf_new(&bytes, ATT_TRANSFER_MAX);

    if (err == ATT_OK)
        err = store_transfer_get(&row, bytes, k->st, t->id);
    if (ATT_GUARD(TRANSFER_DONE, err == ATT_OK))
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_TRF_DONE, "id",
                        "it was completed here with outcome %lld", (long long)row.outcome);
    return err == ATT_OK || err == ATT_E_NOT_FOUND ? ATT_OK : unreadable(diag, err);
}

/* "given ID, giver KID, receiver KID": both signers, for whoever reads the outcomes. */
static enum att_err record(struct store_transfer *row, struct keeper *k,
                           const struct att_transfer *t, struct att_slice message,
                           struct att_diag *diag)
{
    struct store_outcome o = {.utc = k->opt.utc_s(), .kind = STORE_KIND_TRANSFERRED};
    char id[2 * ATT_TRANSFER_ID_LEN + 1];
    char giver[65];
    char receiver[65];
    enum att_err err;

    (void)snprintf(o.device, sizeof(o.device), "%s", row->device);
    (void)snprintf(o.detail, sizeof(o.detail), "%s %s, giver %s, receiver %s",
                   row->role == STORE_TRANSFER_GIVEN ? "given" : "received",
                   att_hex_encode(id, sizeof(id), att_slice_of(t->id, sizeof(t->id))),
                   att_hex_encode(giver, sizeof(giver), att_slice_of(t->giver.kid, 32)),
                   att_hex_encode(receiver, sizeof(receiver), att_slice_of(t->receiver.kid, 32)));
    err = att_sha256(att_slice_of(t->ek_name, t->ek_name_len), o.subject);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "ek", "hashing failed");
    o.has_subject = true;
    err = store_outcome_append(&row->outcome, k->st, &o, diag);
    if (err == ATT_OK)
        err = store_transfer_put(k->st, row, message, diag);
    return err;
}

/* The gateway of the statement must be the one of the record: it may have been enrolled again since. */
static enum att_err check_device(const struct store_device *d, const struct att_transfer *t,
                                 struct att_diag *diag)
{
    bool same_ek = att_slice_eq(att_slice_of(d->ek_name, d->ek_name_len),
                                att_slice_of(t->ek_name, t->ek_name_len));
    bool same_ak = att_slice_eq(att_slice_of(d->ak_name, d->ak_name_len),
                                att_slice_of(t->ak_name, t->ak_name_len));
    bool same_cert = memcmp(d->ek_cert, t->ek_cert, sizeof(d->ek_cert)) == 0;

    if (ATT_GUARD(TRANSFER_DEVICE, !same_ek || !same_ak || !same_cert))
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_TRF_DEVICE, "device",
                        "%s has another %s than the statement", d->id,
                        !same_ek   ? "endorsement key"
                        : !same_ak ? "attestation key"
                                   : "endorsement key certificate");
    return ATT_OK;
}

/* Its record goes, with what would let it in again; outcomes, labels and evidence stay. */
static enum att_err end_device(struct keeper *k, struct job *job, const struct store_device *d,
                               struct att_diag *diag)
{
    enum att_err err = store_allow_remove(k->st, att_slice_of(d->ek_name, d->ek_name_len), diag);

    if (err == ATT_OK || err == ATT_E_NOT_FOUND)
        err = store_device_remove(k->st, d->id, diag);
    if (err != ATT_OK)
        return err;
    unit_forget(k->units, d->id);
    (void)snprintf(job->removed, sizeof(job->removed), "%s", d->id);
    return ATT_OK;
}

static enum att_err give(struct store_transfer *row, struct keeper *k, struct job *job,
                         const struct att_transfer *t, struct att_diag *diag)
{
    struct store_device d;
    enum att_err err =
        find_device(&d, k, t->giver.device_id, att_slice_of(t->ek_name, t->ek_name_len), diag);

    if (err == ATT_OK)
        err = check_device(&d, t, diag);
    if (err == ATT_OK)
        err = end_device(k, job, &d, diag);
    if (err != ATT_OK)
        return err;
    row->role = STORE_TRANSFER_GIVEN;
    row->enrolment = d.enrolment;
    row->has_ek_key = d.ek_public_len >= sizeof(row->ek_key);
    if (row->has_ek_key)
        memcpy(row->ek_key, &d.ek_public[d.ek_public_len - sizeof(row->ek_key)],
               sizeof(row->ek_key));
    (void)snprintf(row->device, sizeof(row->device), "%s", d.id);
    return ATT_OK;
}

static enum att_err put_into_effect(struct store_transfer *row, struct keeper *k, struct job *job,
                                    const struct att_transfer *t, enum att_transfer_role role,
                                    struct att_diag *diag)
{
    memcpy(row->id, t->id, sizeof(row->id));
    row->ek_name_len = t->ek_name_len;
    memcpy(row->ek_name, t->ek_name, t->ek_name_len);
    row->expires_utc = t->expires_utc;
    if (role == ATT_TRANSFER_GIVER)
        return give(row, k, job, t, diag);
    row->role = STORE_TRANSFER_RECEIVED;
    (void)snprintf(row->device, sizeof(row->device), "%s", t->receiver.device_id);
    return ATT_OK;
}

/* Labels of a gateway that is given away end here: its newest, while it is enrolled. */
static enum att_err newest_given(int64_t *out, struct keeper *k, const struct att_transfer *t,
                                 enum att_transfer_role role, struct att_diag *diag)
{
    struct store_device d;
    enum att_err err = ATT_E_NOT_FOUND;

    *out = -1;
    if (role == ATT_TRANSFER_GIVER)
        err = store_device_get(&d, k->st, t->giver.device_id);
    if (err == ATT_E_NOT_FOUND)
        return ATT_OK; /* who is not there is refused behind */
    return err == ATT_OK ? status_newest(out, k, d.enrolment, diag) : unreadable(diag, err);
}

enum att_err transfer_complete(struct store_transfer *row, struct att_transfer *t, struct keeper *k,
                               struct job *job, struct att_slice message, struct att_diag *diag)
{
    ATT_CLEANUP(att_signers_freep) struct att_signers *ring = NULL;
    struct store_transfer stored = {0};
    enum att_transfer_role role = ATT_TRANSFER_GIVER;
    int64_t newest = -1;
    enum att_err err = att_transfer_parse(t, message, diag);

    if (err == ATT_OK)
        err = find_role(&role, k, t, diag);
    if (err == ATT_OK)
        err = load_ring(&ring, k->cfg, diag);
    if (err == ATT_OK)
        err = att_transfer_verify(t, role, ring, diag);
    if (err == ATT_OK)
        err = check_new(k, t, diag);
    if (err == ATT_OK)
        err = att_transfer_check_time(t, k->opt.utc_s(), diag);
    if (err == ATT_OK)
        err = newest_given(&newest, k, t, role, diag);
    if (err == ATT_OK)
        err = put_into_effect(&stored, k, job, t, role, diag);
    if (err == ATT_OK)
        err = record(&stored, k, t, message, diag);
    if (err == ATT_OK)
        err = status_follow(k, newest, STORE_LABEL_REVOKED, diag);
    if (err != ATT_OK)
        return err;
    *row = stored;
    return ATT_OK;
}

/* The permission of a statement: once, in time, under the id that the receiver chose. */
static bool permits(const struct store_transfer *t, const struct msg_enrol_facts *f,
                    int64_t now_utc)
{
    if (ATT_GUARD(TRANSFER_USED, t->enrolment != 0))
        return false;
    if (ATT_GUARD(TRANSFER_WINDOW, now_utc >= t->expires_utc))
        return false;
    if (ATT_GUARD(TRANSFER_ID, strcmp(t->device, f->device_id) != 0))
        return false;
    return true;
}

enum att_err transfer_find(bool *admits, bool *given, struct store_transfer *row, struct keeper *k,
                           const struct msg_enrol_facts *f, struct att_diag *diag)
{
    struct store_transfer t = {0};
    enum att_err err = store_transfer_last(&t, k->st, att_slice_of(f->ek_name, f->ek_name_len),
                                           att_slice_of(f->ek_public, f->ek_public_len));

    if (err != ATT_OK && err != ATT_E_NOT_FOUND)
        return unreadable(diag, err);
    *given = err == ATT_OK && t.role == STORE_TRANSFER_GIVEN;
    *admits = err == ATT_OK && t.role == STORE_TRANSFER_RECEIVED && permits(&t, f, k->opt.utc_s());
    *row = t;
    return ATT_OK;
}
