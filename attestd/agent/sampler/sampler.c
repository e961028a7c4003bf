/* Read each channel when it is due, close a batch when it is time, keep it, publish it. */
#include "agent/sampler/sampler.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/measurer/datakey.h"
#include "agent/measurer/specification.h"
#include "agent/sampler/devices.h"
#include "agent/sampler/publish.h"
#include "agent/sampler/sampler_internal.h"
#include "agent/sampler/spool.h"
#include "base/clock.h"
#include "base/file.h"
#include "common/log.h"
#include "prov/channels.h"
#include "tlog/entry.h"

#define IDENTITY_MS    60000 /* a device is asked who it is this often, and after it was away */
#define REPLAY_BATCHES 4200  /* that the checks look back at when the sampler begins */

/* --- time --- */

static uint64_t tpm_now(const struct sampler *s)
{
    return s->clock_ms + (uint64_t)(att_clock_mono_ms() - s->clock_mono_ms);
}

static void set_clock(struct sampler *s, uint64_t clock_ms)
{
    int64_t utc_ms = att_clock_utc_ms();
    uint64_t was = s->clock_ms != 0 ? tpm_now(s) : 0;
    enum att_check_status seen =
        drift_judge(&s->drift, (struct two_clocks){.tpm_ms = clock_ms, .utc_ms = utc_ms});

    /* Estimates never go back: samples are in order even where the TPM's clock runs slower than the system's. */
    if (seen != ATT_CHECK_NOT_RUN)
        s->facts.clock = seen;
    s->clock_ms = clock_ms > was ? clock_ms : was;
    s->clock_mono_ms = att_clock_mono_ms();
    s->facts.utc_s = utc_ms / 1000;
}

static enum att_err read_clock(struct sampler *s, struct att_diag *diag)
{
    struct agent_work w = {.lock_fd = -1};
    struct att_clock_info c;
    enum att_err err = agent_work_open(&w, s->agent, diag);

    if (err == ATT_OK)
        err = hw_tpm_clock(&c, w.tpm, diag);
    agent_work_close(&w);
    if (err == ATT_OK)
        set_clock(s, c.clock_ms);
    return err;
}

/* --- the label in force --- */

/* Read again at each batch: the measurer replaces it. */
static enum att_err take_label(struct sampler *s, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_label *l = calloc(1, sizeof(*l));
    char path[STATE_PATH_MAX];
    uint8_t digest[32];
    struct att_cose cose;
    enum att_err err = l != NULL ? state_path(path, s->agent->conf->state_dir, STATE_LABEL, diag)
                                 : att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "label", "no memory");

    if (err == ATT_OK)
        err = att_file_read(&file, path, ATT_LABEL_MAX, diag);
    if (err == ATT_OK)
        err = att_cose_parse(&cose, att_buf_slice(file), diag);
    if (err == ATT_OK)
        err = att_label_read(l, cose.payload_untrusted, diag);
    if (err == ATT_OK)
        err = att_entry_of_label(digest, att_buf_slice(file), diag);
    if (err == ATT_OK && memcmp(digest, s->label, sizeof(digest)) != 0) {
        err = spool_keep_label(&s->spool, att_buf_slice(file), l->iat, digest, diag);
        memcpy(s->label, digest, sizeof(digest));
    }
    free(l);
    return err;
}

/* --- samples --- */

/* A frame of this source into room; empty when none came, which the checks say. */
static struct att_slice read_frame(struct sampler *s, const struct att_channel_source *what,
                                   uint8_t room[ATT_FRAME_MAX], bool *lost)
{
    struct att_source *source = devices_find(s->devices, what->device);
    struct att_diag diag = {0};
    size_t len = 0;

    if (source->ops->read(source->ctx, what, room, &len, &diag) == ATT_OK) {
        *lost = false;
        return att_slice_of(room, len);
    }
    if (!*lost)
        log_diag(LOG_LEVEL_WARNING, "sample.no-frame", &diag);
    *lost = true;
    return att_slice_of(NULL, 0);
}

static struct att_slice identity_of(struct sampler *s, size_t i, int64_t now_ms)
{
    const struct att_channel *c = &s->spec->channel[i];
    struct sampled *state = &s->channel[i];
    struct att_source *source = devices_find(s->devices, c->source.device);

    if (c->sensor[0] == '\0')
        return att_slice_of(NULL, 0);
    if (now_ms >= state->identity_at || state->lost) {
        state->identity_at = now_ms + IDENTITY_MS;
        if (source->ops->describe(source->ctx, &c->source, state->identity, sizeof(state->identity),
                                  NULL) != ATT_OK)
            state->identity[0] = '\0';
    }
    return att_slice_str(state->identity);
}

/* Once for each change of what failed, not for each sample. */
static void tell(struct sampler *s, size_t i, const struct att_sample *sample,
                 const struct att_diag *why)
{
    struct sampled *state = &s->channel[i];
    bool failed = att_check_failed(sample->check);

    if (memcmp(state->check, sample->check, sizeof(state->check)) == 0)
        return;
    for (size_t n = 0; n < ATT_CHECKS; n++)
        if (sample->check[n] == ATT_CHECK_FAIL && state->check[n] != ATT_CHECK_FAIL)
            log_line(LOG_LEVEL_WARNING, "check.failed",
                     "channel=%s check=%s sequence=%" PRIu64 " why=\"%s\"", s->spec->channel[i].id,
                     att_checks[n].id, sample->sequence,
                     failed && why->reason != ATT_R_NONE ? why->text : "");
    memcpy(state->check, sample->check, sizeof(state->check));
}

static enum att_err add(struct sampler *s, const struct att_sample *sample, struct att_diag *diag)
{
    enum att_err err = att_batch_add(s->batch, sample);

    if (err == ATT_E_BUSY) {
        err = sampler_close(s, diag);
        if (err == ATT_OK)
            err = att_batch_add(s->batch, sample);
    }
    return err == ATT_OK ? err
                         : att_fail(diag, err, ATT_R_INTERNAL, "sample", "it cannot be taken in");
}

/* A power cut may have set the TPM's clock back since the last run; then nothing before it is compared with. */
static void meet(struct sampler *s, size_t i, uint64_t from_ms)
{
    const struct att_past_sample *last = att_past_last(s->channels->past[i]);

    if (!s->channel[i].met && last != NULL && from_ms < last->from_ms)
        att_past_rewind(s->channels->past[i], NULL);
    s->channel[i].met = true;
}

static enum att_err take(struct sampler *s, size_t i, struct att_diag *diag)
{
    const struct att_channel *c = &s->spec->channel[i];
    struct sampled *state = &s->channel[i];
    struct att_sample sample = {.channel = att_slice_str(c->id), .from_ms = tpm_now(s)};
    struct att_diag why = {0};

    sample.sequence = spool_next_sequence(&s->spool, c->id);
    meet(s, i, sample.from_ms);
    sample.frame = read_frame(s, &c->source, s->frame[0], &state->lost);
    if (c->has_second)
        sample.second = read_frame(s, &c->second.source, s->frame[1], &state->second_lost);
    if (c->has_stimulus)
        sample.stimulus = read_frame(s, &c->stimulus.source, s->frame[2], &state->stimulus_lost);
    sample.identity = identity_of(s, i, att_clock_mono_ms());
    sample.until_ms = tpm_now(s);
    s->facts.utc_s = att_clock_utc_s();
    att_channels_make(s->channels, i, &sample, &s->facts, &why);
    spool_note_sequence(&s->spool, c->id, sample.sequence);
    tell(s, i, &sample, &why);
    return add(s, &sample, diag);
}

/* What an application wrote: each of it a sample, and one without a frame where nothing came in time. */
static enum att_err take_what_came(struct sampler *s, size_t i, const struct att_source *source,
                                   int64_t now, struct att_diag *diag)
{
    const struct att_channel *c = &s->spec->channel[i];
    size_t count = source->ops->waiting(source->ctx, &c->source);
    enum att_err err = ATT_OK;

    if (count == 0 && now < s->channel[i].late_at)
        return ATT_OK;
    s->channel[i].late_at = now + c->period_ms + c->period_ms / 2;
    for (size_t n = 0; err == ATT_OK && n < (count > 0 ? count : 1); n++)
        err = take(s, i, diag);
    return err;
}

static enum att_err take_due(struct sampler *s, size_t i, int64_t now, struct att_diag *diag)
{
    const struct att_source *source = devices_find(s->devices, s->spec->channel[i].source.device);

    return source->ops->waiting != NULL ? take_what_came(s, i, source, now, diag)
                                        : take(s, i, diag);
}

/* --- batches --- */

/* What was not signed is as if it had not been seen: the past ends with the last signed sample of each channel. */
static enum att_err drop_open(struct sampler *s, const struct att_diag *why, struct att_diag *diag)
{
    log_line(LOG_LEVEL_ERROR, "data.dropped", "records=%zu code=%s why=\"%s\"",
             att_batch_count(s->batch), att_reason_code(why->reason), why->text);
    att_batch_freep(&s->batch);
    for (size_t i = 0; i < s->spec->channel_count; i++)
        att_past_rewind(s->channels->past[i],
                        s->channel[i].has_signed ? &s->channel[i].signed_last : NULL);
    s->facts.boot = ATT_CHECK_FAIL;
    return att_batch_new(&s->batch, s->spec->batch_size) == ATT_OK
               ? ATT_OK
               : att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "batch", "no memory");
}

static void note_signed(struct sampler *s)
{
    for (size_t i = 0; i < s->spec->channel_count; i++) {
        const struct att_past_sample *last = att_past_last(s->channels->past[i]);

        s->channel[i].has_signed = last != NULL;
        if (last != NULL)
            s->channel[i].signed_last = *last;
    }
    s->facts.boot = ATT_CHECK_PASS;
}

static void draft_of(const struct sampler *s, struct att_batch_statement *draft)
{
    *draft = (struct att_batch_statement){.device = att_slice_str(s->agent->ident.device_id),
                                          .number = s->spool.last + 1,
                                          .clock_ms = tpm_now(s),
                                          .utc_s = att_clock_utc_s()};
    memcpy(draft->previous, s->spool.head, sizeof(draft->previous));
    memcpy(draft->spec, s->spec->digest, sizeof(draft->spec));
    memcpy(draft->label, s->label, sizeof(draft->label));
}

/* Waiting helps with a lock and a TPM that is busy; with everything else the samples of this time are not for signing. */
static bool may_wait(const struct sampler *s, enum att_err err)
{
    return (err == ATT_E_BUSY || err == ATT_E_TPM) &&
           att_batch_count(s->batch) < s->spec->batch_size;
}

static enum att_err keep(struct sampler *s, struct att_slice file, uint64_t number,
                         const uint8_t head[ATT_HEAD_LEN], struct att_diag *diag)
{
    enum att_err err = spool_keep(&s->spool, number, file, head, diag);

    if (err == ATT_OK)
        err = batch_head_store(head, s->agent->conf->state_dir, diag);
    if (err != ATT_OK)
        return err;
    note_signed(s);
    s->closed++;
    log_line(LOG_LEVEL_DEBUG, "batch.closed", "number=%" PRIu64 " bytes=%zu", number, file.len);
    publish_batch(s->publisher, &s->spool);
    return ATT_OK;
}

/* So long after it was due, not after it is done; a batch that was full early begins the interval anew. */
static void schedule_close(struct sampler *s)
{
    int64_t now = att_clock_mono_ms();
    int64_t at = s->close_at + s->spec->batch_ms;

    s->close_at = at > now && at <= now + s->spec->batch_ms ? at : now + s->spec->batch_ms;
}

enum att_err sampler_close(struct sampler *s, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_batch_statement draft;
    struct att_diag why = {0};
    uint8_t head[ATT_HEAD_LEN];
    enum att_err err = read_clock(s, &why);

    schedule_close(s);
    if (err == ATT_OK)
        err = take_label(s, &why);
    if (err == ATT_OK) {
        draft_of(s, &draft);
        s->refusal = (struct att_diag){0};
        err = att_batch_close(&file, head, s->batch, &draft, s->signer, &why);
        if (err != ATT_OK && s->refusal.reason != ATT_R_NONE)
            why = s->refusal;
    }
    if (err == ATT_OK)
        return keep(s, att_buf_slice(file), draft.number, head, diag);
    if (may_wait(s, err)) {
        log_diag(LOG_LEVEL_WARNING, "batch.waits", &why);
        return ATT_OK;
    }
    return drop_open(s, &why, diag);
}

/* --- beginning --- */

static enum att_err remember(void *ctx, const struct att_batch_record *r, struct att_diag *diag)
{
    struct sampler *s = ctx;
    struct att_sample sample;
    enum att_err err = att_sample_decode(&sample, r->bytes, diag);

    for (size_t i = 0; err == ATT_OK && i < s->spec->channel_count; i++) {
        struct att_check_in in;

        if (memcmp(s->spec->channel[i].digest, sample.spec, sizeof(sample.spec)) != 0 ||
            !att_slice_eq(sample.channel, att_slice_str(s->spec->channel[i].id)))
            continue;
        in = att_channels_in(s->channels, i, &sample, NULL);
        att_past_add(s->channels->past[i], &sample, &in.derived);
    }
    return err;
}

/* What a partner remembers of the kept batches is remembered here too, or both would judge differently. */
static enum att_err look_back(struct sampler *s, struct att_diag *diag)
{
    uint64_t from = s->spool.last > REPLAY_BATCHES ? s->spool.last - REPLAY_BATCHES : 1;
    enum att_err err = ATT_OK;

    if (s->spool.last == 0)
        return ATT_OK;
    for (uint64_t n = from > s->spool.first ? from : s->spool.first;
         err == ATT_OK && n <= s->spool.last; n++) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
        struct att_batch_file f;

        if (spool_read(&file, &s->spool, n, NULL) != ATT_OK)
            continue;
        err = att_batch_file_parse(&f, att_buf_slice(file), diag);
        if (err == ATT_OK)
            err = att_batch_each(&f, remember, s, diag);
    }
    note_signed(s);
    s->facts.boot = ATT_CHECK_NOT_RUN;
    return err;
}

/* Is the program that reads the sensors among what is measured? Then the attested state speaks of it. */
static enum att_check_status driver_measured(const struct agent_conf *conf)
{
    char self[STATE_PATH_MAX] = {0};

    if (readlink("/proc/self/exe", self, sizeof(self) - 1) <= 0)
        return ATT_CHECK_NOT_RUN;
    for (size_t i = 0; i < conf->root_count; i++) {
        size_t len = strlen(conf->root[i].path);

        if (strncmp(self, conf->root[i].path, len) == 0 && (self[len] == '\0' || self[len] == '/'))
            return ATT_CHECK_PASS;
    }
    return ATT_CHECK_NOT_RUN;
}

static enum att_err start_data(struct sampler *s, struct att_diag *diag)
{
    bool intact = false;
    const char *folder = s->agent->conf->data.folder;
    enum att_err err = ATT_OK;

    if (folder == NULL) {
        err = state_path(s->folder, s->agent->conf->state_dir, "data", diag);
        folder = s->folder;
    }
    if (err == ATT_OK)
        err = data_key_signer(&s->signer, s->agent, &s->refusal, diag);
    if (err == ATT_OK)
        err = spool_open(&s->spool, &intact, folder, s->agent->conf->data.limit,
                         s->signer->public_key, diag);
    if (err == ATT_OK)
        err = spool_keep_spec(&s->spool, s->spec, diag);
    s->facts.storage = intact ? ATT_CHECK_PASS : ATT_CHECK_FAIL;
    return err;
}

static enum att_err start(struct sampler *s, struct att_diag *diag)
{
    struct att_diag refused = {0};
    enum att_err err = specification_in_force(&s->spec, &refused, s->agent->conf, diag);

    if (refused.reason != ATT_R_NONE)
        log_diag(LOG_LEVEL_WARNING, "specification.refused", &refused);
    if (err == ATT_OK && s->spec == NULL)
        err = att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_SPEC, "specification",
                       "expected specification: FILE in agent.yaml, found none");
    if (err == ATT_OK)
        err = att_channels_new(&s->channels, s->spec, diag);
    if (err == ATT_OK)
        err = devices_open(&s->devices, s->agent->conf, s->spec, diag);
    if (err == ATT_OK)
        err = start_data(s, diag);
    if (err == ATT_OK)
        err = look_back(s, diag);
    if (err == ATT_OK)
        err = publish_open(&s->publisher, s->agent->conf, diag);
    if (err == ATT_OK && att_batch_new(&s->batch, s->spec->batch_size) != ATT_OK)
        err = att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "batch", "no memory");
    if (err == ATT_OK)
        err = read_clock(s, diag);
    s->facts.driver = driver_measured(s->agent->conf);
    return err;
}

static void sampler_clear(struct sampler *s)
{
    publish_close(s->publisher);
    att_batch_free(s->batch);
    att_signer_free(s->signer);
    devices_free(s->devices);
    att_channels_free(s->channels);
    att_spec_free(s->spec);
}

/* --- the loop --- */

static int64_t next_due(const struct sampler *s)
{
    int64_t at = s->close_at;

    for (size_t i = 0; i < s->spec->channel_count; i++)
        at = s->channel[i].due < at ? s->channel[i].due : at;
    return at;
}

/* A channel that fell behind does not hurry after: what was not read is a gap in time. */
static void schedule(struct sampler *s, size_t i, int64_t now)
{
    struct sampled *c = &s->channel[i];

    c->due += s->spec->channel[i].period_ms;
    if (c->due <= now)
        c->due = now + s->spec->channel[i].period_ms;
}

static enum att_err turn(struct sampler *s, struct att_diag *diag)
{
    int64_t now = att_clock_mono_ms();
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && i < s->spec->channel_count; i++) {
        if (s->channel[i].due > now)
            continue;
        err = take_due(s, i, now, diag);
        schedule(s, i, now);
    }
    now = att_clock_mono_ms();
    if (err == ATT_OK && now >= s->close_at && att_batch_count(s->batch) > 0)
        err = sampler_close(s, diag);
    else if (now >= s->close_at)
        s->close_at = now + s->spec->batch_ms;
    return err;
}

enum att_err sampler_run(struct agent *a, uint64_t batches, const volatile sig_atomic_t *stop,
                         struct att_diag *diag)
{
    struct sampler *s = calloc(1, sizeof(*s));
    enum att_err err = ATT_E_NOMEM;
    int64_t now = att_clock_mono_ms();

    if (s == NULL)
        return att_fail(diag, err, ATT_R_NOMEM, "sampler", "no memory");
    s->agent = a;
    err = start(s, diag);
    for (size_t i = 0; err == ATT_OK && i < s->spec->channel_count; i++)
        s->channel[i].due = now;
    s->close_at = err == ATT_OK ? now + s->spec->batch_ms : 0;
    while (err == ATT_OK && !*stop && (batches == 0 || s->closed < batches)) {
        int64_t wait = 0;

        err = turn(s, diag);
        wait = next_due(s) - att_clock_mono_ms();
        if (err == ATT_OK && wait > 0)
            (void)poll(NULL, 0, (int)(wait < 1000 ? wait : 1000));
    }
    if (err == ATT_OK && att_batch_count(s->batch) > 0)
        err = sampler_close(s, diag);
    sampler_clear(s);
    free(s);
    return err;
}
