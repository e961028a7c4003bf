/* The keeper's life, its queue, and the transaction that many decisions share. */
#include "keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/guard.h"
#include "common/log.h"
#include "crypto/digest.h"
#include "data_key.h"
#include "keeper_internal.h"
#include "verifier/keeper/admin.h"

#define UNITS_CACHED 512

static enum att_err make_tables(struct keeper *k, struct att_diag *diag)
{
    const struct config_limits *l = &k->cfg->limits;
    struct session_limits limits = {
        .total = l->sessions,
        .per_device = l->sessions_per_device,
        .uploads = l->uploads,
        .ttl_ms = k->cfg->nonce_ttl_ms,
        .random = k->opt.random,
    };
    enum att_err err = sessions_new(&k->sessions, &limits);

    if (err == ATT_OK)
        err = pendings_new(&k->pendings, l->enrolments, k->cfg->nonce_ttl_ms, k->opt.random);
    if (err == ATT_OK)
        err = units_new(&k->units, UNITS_CACHED);
    if (err == ATT_OK)
        err = att_buf_new(&k->blobs, STORE_BLOBS * (size_t)STORE_BLOB_MAX);
    if (err != ATT_OK)
        return att_fail(diag, err, err == ATT_E_CRYPTO ? ATT_R_RNG : ATT_R_NOMEM, "keeper",
                        "the tables cannot be made");
    k->result = att_result_new();
    if (k->result == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "keeper", "memory ran out");
    return ATT_OK;
}

/* Whom it is about, where that is known: the log names gateways by their keys. */
static enum att_err find_subject(struct store_outcome *o, struct keeper *k, struct att_diag *diag)
{
    struct store_device d;
    enum att_err err =
        o->device[0] == '\0' ? ATT_E_NOT_FOUND : store_device_get(&d, k->st, o->device);

    if (err == ATT_E_NOT_FOUND)
        return ATT_OK;
    if (err == ATT_OK)
        err = att_sha256(att_slice_of(d.ek_name, d.ek_name_len), o->subject);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "device", "its record cannot be read");
    o->has_subject = true;
    return ATT_OK;
}

enum att_err keeper_note(struct keeper *k, enum store_kind kind, const char *device,
                         const char *reason, const char *detail, struct att_diag *diag)
{
    struct store_outcome o = {.utc = k->opt.utc_s(), .kind = kind};
    enum att_err err;

    (void)snprintf(o.device, sizeof(o.device), "%s", device);
    (void)snprintf(o.reason, sizeof(o.reason), "%s", reason);
    (void)snprintf(o.detail, sizeof(o.detail), "%s", detail);
    err = find_subject(&o, k, diag);
    return err == ATT_OK ? store_outcome_append(&o.index, k->st, &o, diag) : err;
}

enum att_err keeper_commit(struct keeper *k, struct att_diag *diag)
{
    enum att_err err = sequencer_seal(k->sequencer, diag);

    if (err == ATT_OK)
        err = store_commit(k->st, diag);
    if (err == ATT_OK)
        return sequencer_settle(k->sequencer, diag);
    keeper_rollback(k);
    return err;
}

void keeper_rollback(struct keeper *k)
{
    store_rollback(k->st);
    sequencer_revert(k->sequencer);
}

/* Quotes and labels name the verifier: another name would orphan every record. */
static enum att_err check_name(struct keeper *k, struct att_diag *diag)
{
    uint8_t name[ATT_VERIFIER_ID_MAX];
    struct att_slice want = att_slice_str(k->cfg->verifier_id);
    size_t len = 0;
    enum att_err err = store_meta_get(k->st, "verifier_id", name, sizeof(name), &len);

    if (err == ATT_E_NOT_FOUND)
        return store_meta_put(k->st, "verifier_id", want, diag);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "verifier_id", "it cannot be read");
    if (!att_slice_eq(att_slice_of(name, len), want))
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "verifier_id",
                        "the database was made for another verifier_id");
    return ATT_OK;
}

static enum att_err open_log(struct keeper *k, struct att_diag *diag)
{
    const struct sequencer_options options = {
        .cfg = k->cfg,
        .issuer = k->issuer,
        .st = k->st,
        .utc_s = k->opt.utc_s,
        .random = k->opt.random,
    };

    enum att_err err = sequencer_open(&k->sequencer, &options, diag);

    return err == ATT_OK ? witnessed_open(&k->witnessed, k->cfg, k->st, k->sequencer, diag) : err;
}

static enum att_err open_records(struct keeper *k, struct att_diag *diag)
{
    const struct store_place place = config_store(k->cfg);
    enum att_err err = archive_open(&k->archive, &k->cfg->evidence, diag);

    if (err == ATT_OK && k->st == NULL)
        err = store_open_at(&k->st, &place, STORE_UPGRADE, diag);
    if (err == ATT_OK)
        err = archive_check(&k->archive, k->st, true, diag);
    if (err == ATT_OK)
        err = check_name(k, diag);
    if (err == ATT_OK)
        err = keys_open(&k->issuer, k->cfg, k->st, k->opt.utc_s(), diag);
    return err == ATT_OK ? open_log(k, diag) : err;
}

enum att_err keeper_new(struct keeper **out, const struct keeper_options *opt,
                        struct att_diag *diag)
{
    ATT_CLEANUP(keeper_freep) struct keeper *k = calloc(1, sizeof(*k));
    enum att_err err;

    if (k == NULL) {
        store_close(opt->st);
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "keeper", "memory ran out");
    }
    k->opt = *opt;
    k->st = opt->st;
    k->cfg = opt->cfg;
    memcpy(k->seal_key, opt->seal_key, sizeof(k->seal_key));
    STAILQ_INIT(&k->jobs);
    err = ek_trust_load(&k->trust, k->cfg, diag);
    if (err == ATT_OK)
        err = make_tables(k, diag);
    if (err == ATT_OK)
        err = open_records(k, diag);
    if (err == ATT_OK)
        err = keeper_load_rules(k, diag);
    if (err == ATT_OK)
        err = keeper_note_rules(k, diag);
    if (err == ATT_OK)
        err = keeper_quarantine(k, diag);
    if (err == ATT_OK)
        err = keeper_mark_stale(k, diag);
    if (err != ATT_OK)
        return err;
    keeper_rejudge_begin(k);
    *out = k;
    k = NULL;
    return ATT_OK;
}

static void job_free(struct job *job)
{
    if (job->bytes != NULL)
        free(job->bytes);
    att_buf_free(job->answer.body);
    att_buf_free(job->answer.sealed);
    att_buf_free(job->policy);
    att_buf_free(job->label);
    key_change_free(job->keys);
    free(job);
}

void keeper_free(struct keeper *k)
{
    if (k == NULL)
        return;
    while (!STAILQ_EMPTY(&k->jobs)) {
        struct job *job = STAILQ_FIRST(&k->jobs);

        STAILQ_REMOVE_HEAD(&k->jobs, link);
        job_free(job);
    }
    sessions_free(k->sessions);
    pendings_free(k->pendings);
    units_free(k->units);
    witnessed_free(k->witnessed);
    sequencer_free(k->sequencer);
    issuer_free(k->issuer);
    att_policy_free(k->policy);
    keeper_drop_next(k);
    att_notices_clear(&k->notices);
    status_cache_clear(&k->lists);
    rules_clear(&k->earlier);
    ek_trust_clear(&k->trust);
    att_result_free(k->result);
    att_buf_free(k->blobs);
    store_close(k->st);
    archive_close(&k->archive);
    att_wipe(k->seal_key, sizeof(k->seal_key));
    free(k);
}

void keeper_freep(struct keeper **k)
{
    keeper_free(*k);
    *k = NULL;
}

bool keeper_must_stop(const struct keeper *k)
{
    return store_broken(k->st) || sequencer_broken(k->sequencer);
}

size_t keeper_waiting(const struct keeper *k)
{
    return k->job_count;
}

enum att_err answer_with(struct answer *a, int http, enum msg_type type, struct att_slice body,
                         struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *copy = NULL;

    if (body.len > 0) {
        enum att_err err = att_buf_new(&copy, body.len);

        if (err == ATT_OK)
            err = att_buf_add_slice(copy, body);
        if (err != ATT_OK)
            return att_fail(diag, err, ATT_R_NOMEM, "answer", "memory ran out");
    }
    a->reason = ATT_R_NONE;
    a->http = http;
    a->type = type;
    att_buf_free(a->body);
    a->body = copy;
    copy = NULL;
    return ATT_OK;
}

void answer_refuse(struct answer *a, const struct att_diag *diag)
{
    att_buf_freep(&a->body);
    att_buf_freep(&a->sealed);
    a->reason = diag->reason != ATT_R_NONE ? diag->reason : ATT_R_INTERNAL;
    (void)snprintf(a->text, sizeof(a->text), "%s", diag->text);
}

/* A read that failed for want of a server says nothing of the records. */
static void refuse_failed(const struct keeper *k, struct answer *a, struct att_diag *diag)
{
    if (store_lost(k->st))
        (void)att_fail(diag, ATT_E_NETWORK, ATT_R_ST_LOST, "store", "it is tried again");
    answer_refuse(a, diag);
}

static void send_answer(const struct answer *a, uint64_t id, const struct keeper_client *client)
{
    struct msg m = {.id = id};

    if (client->answer == NULL)
        return;
    if (a->reason != ATT_R_NONE) {
        m.kind = MSG_FAILED;
        m.number = (uint64_t)a->reason;
        m.name = att_slice_str(a->text);
    } else {
        m.kind = MSG_DONE;
        m.number = (uint64_t)a->http;
        m.type = a->type;
        m.path = att_slice_str(a->path);
        if (a->body != NULL)
            m.body = att_buf_slice(a->body);
        if (a->sealed != NULL)
            m.sealed = att_buf_slice(a->sealed);
    }
    client->answer(client->ctx, &m);
}

static enum att_err answer_now(struct keeper *k, const struct msg *m, struct answer *a,
                               struct att_diag *diag)
{
    switch (m->kind) {
    case MSG_ENROL_BEGIN:
        return enrol_begin(k, m, a, diag);
    case MSG_NEW_SESSION:
        return attest_new_session(k, m, a, diag);
    case MSG_CONTEXT:
        return attest_context(k, m, a, diag);
    case MSG_PART:
        return attest_part(k, m, a, diag);
    case MSG_SESSION_GET:
        return attest_session_get(k, m, a, diag);
    case MSG_SESSION_DELETE:
        return attest_session_delete(k, m, a, diag);
    case MSG_LABEL:
        return keeper_label(k, m, a, diag);
    case MSG_STATUS:
        return keeper_status(k, m, a, diag);
    case MSG_LOG:
        return keeper_published(k, m, a, diag);
    case MSG_STATUS_LIST:
        return keeper_status_list(k, m, a, diag);
    case MSG_CERTIFY_BEGIN:
        return data_key_begin(k, m, a, diag);
    default:
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_FRAME, "kind",
                        "not a question to the keeper");
    }
}

/* Copy a message that waits; its slices move into one allocation of the job. */
static struct job *job_of(const struct msg *m, const struct keeper_client *client)
{
    struct job *job = calloc(1, sizeof(*job));
    struct att_slice *part[4];
    size_t len = m->name.len + m->path.len + m->body.len + m->sealed.len;
    size_t at = 0;

    if (job == NULL)
        return NULL;
    job->m = *m;
    job->client = *client;
    job->bytes = malloc(len + 1);
    if (job->bytes == NULL) {
        free(job);
        return NULL;
    }
    part[0] = &job->m.name;
    part[1] = &job->m.path;
    part[2] = &job->m.body;
    part[3] = &job->m.sealed;
    for (size_t i = 0; i < ATT_COUNT(part); i++) {
        if (part[i]->len > 0)
            memcpy(&job->bytes[at], part[i]->p, part[i]->len);
        part[i]->p = &job->bytes[at];
        at += part[i]->len;
    }
    return job;
}

static bool must_wait(enum msg_kind kind)
{
    return kind == MSG_COMMIT || kind == MSG_ENROL_ACTIVATE || kind == MSG_ADMIN ||
           kind == MSG_CERTIFY;
}

void keeper_take(struct keeper *k, const struct msg *m, const struct keeper_client *client)
{
    struct answer a = {0};
    struct att_diag diag = {0};
    struct job *job;

    if (!must_wait(m->kind)) {
        if (answer_now(k, m, &a, &diag) != ATT_OK)
            refuse_failed(k, &a, &diag);
        send_answer(&a, m->id, client);
        att_buf_free(a.body);
        att_buf_free(a.sealed);
        return;
    }
    job = job_of(m, client);
    if (job == NULL) {
        (void)att_fail(&diag, ATT_E_NOMEM, ATT_R_BUSY, "keeper", "memory ran out");
        answer_refuse(&a, &diag);
        send_answer(&a, m->id, client);
        return;
    }
    STAILQ_INSERT_TAIL(&k->jobs, job, link);
    k->job_count++;
}

void keeper_forget(struct keeper *k, const void *ctx)
{
    struct job *job;

    STAILQ_FOREACH(job, &k->jobs, link)
    {
        if (job->client.ctx == ctx)
            job->client.answer = NULL;
    }
}

static enum att_err run_job(struct keeper *k, struct job *job, struct att_diag *diag)
{
    switch (job->m.kind) {
    case MSG_COMMIT:
        return commit_run(k, job, diag);
    case MSG_ENROL_ACTIVATE:
        return enrol_activate(k, job, diag);
    case MSG_CERTIFY:
        return data_key_certify(k, job, diag);
    default:
        return admin_run(k, job, diag);
    }
}

/* With what it wrote goes what would come of it. */
static void nothing_follows(struct keeper *k, struct job *job)
{
    keys_undo(k, job);
    key_change_free(job->keys);
    job->keys = NULL;
    job->removed[0] = '\0';
    job->dropped = 0;
    att_buf_freep(&job->policy);
    att_buf_freep(&job->label);
}

/* A failure of the disk takes the whole batch with it; a refusal only the one. */
static enum att_err run_marked(struct keeper *k, struct job *job, struct att_diag *batch)
{
    struct att_diag diag = {0};
    enum att_err err = store_mark(k->st, batch);

    if (err != ATT_OK)
        return err;
    err = run_job(k, job, &diag);
    if (err == ATT_OK)
        return store_mark_keep(k->st, batch);
    if (diag.reason == ATT_R_ST_FULL || store_broken(k->st) || store_lost(k->st)) {
        *batch = diag;
        return err;
    }
    answer_refuse(&job->answer, &diag);
    nothing_follows(k, job);
    return store_mark_undo(k->st, batch);
}

static enum att_err run_batch(struct keeper *k, struct job_queue *batch, struct att_diag *diag)
{
    struct job *job;
    enum att_err err = store_begin(k->st, diag);

    if (err != ATT_OK)
        return err;
    STAILQ_FOREACH(job, batch, link)
    {
        err = run_marked(k, job, diag);
        if (err != ATT_OK)
            break;
    }
    if (err == ATT_OK)
        return keeper_commit(k, diag);
    keeper_rollback(k);
    return err;
}

/* The file is outside of the transaction: it changes when nothing can take the answer back any more. */
static void put_policy(struct keeper *k, struct job *job)
{
    struct att_diag diag = {0};

    if (job->policy == NULL)
        return;
    if (att_file_write(k->cfg->policy, att_buf_slice(job->policy), 0644, &diag) == ATT_OK) {
        k->reload_wanted = true;
        return;
    }
    log_diag(LOG_LEVEL_ERROR, "policy.file", &diag);
    answer_refuse(&job->answer, &diag);
}

/* Without one, the label is none that a partner who asks for the log would take: the gateway asks again. */
static void put_receipt(struct keeper *k, struct job *job)
{
    struct att_diag diag = {0};

    if (job->label == NULL || commit_dress(k, job, &diag) == ATT_OK)
        return;
    log_diag(LOG_LEVEL_ERROR, "log.receipt", &diag);
    answer_refuse(&job->answer, &diag);
}

/* Durable: what was decided becomes what everybody is told, now and later. */
static void settle(struct keeper *k, struct job *job)
{
    struct answer *a = &job->answer;

    keys_settle(k, job);
    put_policy(k, job);
    put_receipt(k, job);
    send_answer(a, job->m.id, &job->client);
    k->count.dropped += job->dropped;
    if (job->session != NULL) {
        if (job->refused != NULL)
            log_line(LOG_LEVEL_WARNING, "evidence.refused", "device=%s code=%s",
                     job->session->device_id, job->refused);
        (*job->counter)++;
        k->count.decisions += job->session->certifies ? 0 : 1;
        session_settle(k->sessions, job->session, a->http, a->body, k->opt.mono_ms());
        a->body = NULL;
    }
    if (job->removed[0] != '\0') {
        sessions_drop_device(k->sessions, job->removed);
        k->count.removed++;
        log_line(LOG_LEVEL_INFO, "device.removed", "device=%s", job->removed);
    }
    if (job->pending != NULL) {
        job->pending->binding = false;
        job->pending->answer = a->body;
        a->body = NULL;
        k->count.enrolled++;
        log_line(LOG_LEVEL_INFO, "device.enrolled", "device=%s", job->pending->facts.device_id);
    }
}

/* Nothing happened: nonces are good again, and the next try may succeed. */
static void undo(struct keeper *k, struct job *job, const struct att_diag *diag)
{
    if (job->session != NULL)
        session_release(job->session);
    if (job->pending != NULL)
        job->pending->binding = false;
    keys_undo(k, job);
    answer_refuse(&job->answer, diag);
    send_answer(&job->answer, job->m.id, &job->client);
}

static void flush_batch(struct keeper *k, struct job_queue *batch)
{
    struct att_diag diag = {0};
    struct job *job;
    enum att_err err = run_batch(k, batch, &diag);

    if (err == ATT_OK) {
        STAILQ_FOREACH(job, batch, link) settle(k, job);
        k->count.commits++;
        return;
    }
    units_clear(k->units);
    log_diag(LOG_LEVEL_ERROR, "store.failed", &diag);
    if (keeper_must_stop(k))
        return; /* nobody knows what is on the disk: say nothing */
    if (store_lost(k->st))
        diag.reason = ATT_R_ST_LOST;
    else if (diag.reason != ATT_R_ST_FULL)
        diag.reason = ATT_R_BUSY;
    k->count.full++;
    STAILQ_FOREACH(job, batch, link) undo(k, job, &diag);
}

void keeper_flush(struct keeper *k)
{
    while (!STAILQ_EMPTY(&k->jobs) && !keeper_must_stop(k)) {
        struct job_queue batch = STAILQ_HEAD_INITIALIZER(batch);

        for (size_t n = 0; n < KEEPER_BATCH_MAX && !STAILQ_EMPTY(&k->jobs); n++) {
            struct job *job = STAILQ_FIRST(&k->jobs);
            bool alone = admin_changes_keys(&job->m);

            if (alone && n > 0)
                break;
            STAILQ_REMOVE_HEAD(&k->jobs, link);
            STAILQ_INSERT_TAIL(&batch, job, link);
            k->job_count--;
            if (alone)
                break;
        }
        flush_batch(k, &batch);
        while (!STAILQ_EMPTY(&batch)) {
            struct job *job = STAILQ_FIRST(&batch);

            STAILQ_REMOVE_HEAD(&batch, link);
            job_free(job);
        }
    }
}

void keeper_tidy(struct keeper *k)
{
    struct att_diag diag = {0};

    if (!store_broken(k->st) && store_tidy(k->st, &diag) != ATT_OK)
        log_diag(LOG_LEVEL_ERROR, "store.tidy", &diag);
}
