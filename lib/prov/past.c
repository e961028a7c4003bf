/* A ring of samples, and a table of runs of frames by hash. */
#include "prov/past.h"

#include <stdlib.h>
#include <string.h>

#include "prov/value.h"

#define RUNS       4096 /* remembered; a power of two */
#define MULTIPLIER UINT64_C(0x100000001b3)
#define OFFSET     UINT64_C(0xcbf29ce484222325)

struct att_past {
    const struct att_curve *curve;
    size_t count, next; /* of the ring */
    struct att_past_sample ring[ATT_SPEC_WINDOW_MAX];
    uint64_t frame[ATT_SPEC_WINDOW_MAX]; /* hash of each sample's frame */
    uint64_t since_ms;
    bool has_last;
    struct att_past_sample last;
    uint64_t *run; /* by the lowest bits of its hash; 0: none. NULL when the channel does not ask */
};

enum att_err att_past_new(struct att_past **out, const struct att_curve *curve)
{
    ATT_CLEANUP(att_past_freep) struct att_past *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return ATT_E_NOMEM;
    p->curve = curve;
    if (curve->channel->replay_over > 0) {
        p->run = calloc(RUNS, sizeof(*p->run));
        if (p->run == NULL)
            return ATT_E_NOMEM;
    }
    *out = p;
    p = NULL;
    return ATT_OK;
}

void att_past_free(struct att_past *p)
{
    if (p == NULL)
        return;
    free(p->run);
    free(p);
}

void att_past_freep(struct att_past **p)
{
    att_past_free(*p);
    *p = NULL;
}

static size_t place(const struct att_past *p, size_t back)
{
    return (p->next + ATT_SPEC_WINDOW_MAX - 1 - back) % ATT_SPEC_WINDOW_MAX;
}

const struct att_past_sample *att_past_at(const struct att_past *p, size_t back)
{
    return back < p->count ? &p->ring[place(p, back)] : NULL;
}

size_t att_past_count(const struct att_past *p)
{
    return p->count;
}

uint64_t att_past_since_ms(const struct att_past *p)
{
    return p->since_ms;
}

/* --- runs --- */

/*
 * FNV-1a. It is no guard against frames that are made to collide: who can make frames does not need to replay old
 * ones, and two runs that collide by chance raise an alarm once in 2^50 or so.
 */
static uint64_t hash_of(struct att_slice frame)
{
    uint64_t h = OFFSET;

    for (size_t i = 0; i < frame.len; i++)
        h = (h ^ frame.p[i]) * MULTIPLIER;
    return h;
}

/* Of the run that ends with a frame of this hash; false when it is too short or nothing in it moves. */
static bool run_of(const struct att_past *p, uint64_t last, uint64_t *out)
{
    size_t over = p->curve->channel->replay_over;
    uint64_t h = (OFFSET ^ last) * MULTIPLIER;
    bool moves = false;

    if (p->count + 1 < over)
        return false;
    for (size_t back = 0; back + 1 < over; back++) {
        uint64_t one = p->frame[place(p, back)];

        moves = moves || one != last;
        h = (h ^ one) * MULTIPLIER;
        h ^= h >> 29;
    }
    *out = h != 0 ? h : 1;
    return moves;
}

bool att_past_replayed(const struct att_past *p, struct att_slice frame, bool *ready)
{
    uint64_t run = 0;

    *ready = p->run != NULL && p->count + 1 >= p->curve->channel->replay_over;
    return *ready && run_of(p, hash_of(frame), &run) && p->run[run % RUNS] == run;
}

/* --- */

static void remember_run(struct att_past *p, uint64_t frame)
{
    uint64_t run = 0;

    if (p->run != NULL && run_of(p, frame, &run))
        p->run[run % RUNS] = run;
}

const struct att_past_sample *att_past_last(const struct att_past *p)
{
    return p->has_last ? &p->last : NULL;
}

void att_past_rewind(struct att_past *p, const struct att_past_sample *last)
{
    struct att_past_sample kept = {0};

    if (last != NULL)
        kept = *last;
    p->has_last = last != NULL;
    p->last = kept;
    p->count = 0;
    p->next = 0;
    p->since_ms = 0;
    if (p->run != NULL)
        memset(p->run, 0, RUNS * sizeof(*p->run));
}

void att_past_meet(struct att_past *p, uint64_t sequence)
{
    if (p->has_last && p->count > 0 && sequence != p->last.sequence + 1)
        att_past_rewind(p, &p->last);
}

static bool same_value(const struct att_past_sample *a, const struct att_sample *b)
{
    return a->has_value == b->has_value && (!a->has_value || att_decimal_equal(a->value, b->value));
}

void att_past_add(struct att_past *p, const struct att_sample *s, const struct att_derived *d)
{
    const struct att_past_sample *last = att_past_at(p, 0);
    struct att_past_sample now = {.sequence = s->sequence,
                                  .from_ms = s->from_ms,
                                  .until_ms = s->until_ms,
                                  .has_raw = d->has_raw,
                                  .raw = d->raw,
                                  .has_value = s->has_value,
                                  .value = s->value};

    if (last == NULL || !same_value(last, s))
        p->since_ms = s->from_ms;
    if (p->run != NULL) {
        uint64_t frame = hash_of(s->frame);

        remember_run(p, frame);
        p->frame[p->next] = frame;
    }
    p->last = now;
    p->has_last = true;
    p->ring[p->next] = now;
    p->next = (p->next + 1) % ATT_SPEC_WINDOW_MAX;
    p->count += p->count < ATT_SPEC_WINDOW_MAX ? 1 : 0;
}
