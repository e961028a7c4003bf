/* What holds of channels that are said to belong together. */
#include <string.h>

#include "base/guard.h"
#include "prov/spec_internal.h"

static enum att_err tolerance_ok(struct att_decimal t, struct att_diag *diag)
{
    return t.mantissa >= 0 ? ATT_OK : att_spec_refuse(diag, "tolerance", "expected 0 or more");
}

/* Indexes rise: none stands twice, and there is one order. */
static enum att_err members_ok(const struct att_spec *s, const uint8_t *member, size_t count,
                               size_t least, const char *field, struct att_diag *diag)
{
    if (count < least || count > ATT_SPEC_MEMBERS_MAX) {
        return att_spec_refuse(diag, field, "expected %zu to %d channels", least,
                               ATT_SPEC_MEMBERS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (member[i] >= s->channel_count) {
            return att_spec_refuse(diag, field, "expected channels of this specification");
        }
        if (i > 0 && member[i - 1] >= member[i]) {
            return att_spec_refuse(diag, field, "expected each channel once, in order");
        }
    }
    return ATT_OK;
}

static enum att_err index_ok(const struct att_spec *s, uint8_t index, const char *field,
                             struct att_diag *diag)
{
    return index < s->channel_count
               ? ATT_OK
               : att_spec_refuse(diag, field, "expected a channel of this specification");
}

/* Two channels that read the same bytes agree whatever happens. */
static bool one_source(const struct att_channel *a, const struct att_channel *b)
{
    const struct att_channel_source *x = &a->source;
    const struct att_channel_source *y = &b->source;

    if (x->bus != y->bus || strcmp(x->device, y->device) != 0) {
        return false;
    }
    if (x->bus != ATT_BUS_MODBUS) {
        return strcmp(x->name, y->name) == 0 && strcmp(a->wire.field, b->wire.field) == 0;
    }
    return x->unit == y->unit && x->function == y->function && x->address < y->address + y->count &&
           y->address < x->address + x->count;
}

static enum att_err check_redundancy(const struct att_spec *s, const struct att_redundancy *r,
                                     struct att_diag *diag)
{
    enum att_err err = members_ok(s, r->channel, r->count, 2, "channels", diag);

    for (size_t i = 0; err == ATT_OK && i < r->count; i++) {
        const struct att_channel *c = &s->channel[r->channel[i]];

        if (c->output || strcmp(c->unit, s->channel[r->channel[0]].unit) != 0) {
            return att_spec_refuse(diag, "channels", "expected inputs of one unit, found %s",
                                   c->id);
        }
        for (size_t j = 0; j < i; j++) {
            const struct att_channel *other = &s->channel[r->channel[j]];

            if (ATT_GUARD(SPEC_ONE_SOURCE, one_source(c, other))) {
                return att_spec_refuse(diag, "channels",
                                       "expected sources of their own, found one of %s and %s",
                                       other->id, c->id);
            }
        }
    }
    return err == ATT_OK ? tolerance_ok(r->tolerance, diag) : err;
}

static enum att_err check_balance(const struct att_spec *s, const struct att_balance *b,
                                  struct att_diag *diag)
{
    enum att_err err = members_ok(s, b->channel, b->count, 2, "terms", diag);

    for (size_t i = 0; err == ATT_OK && i < b->count; i++) {
        if (b->factor[i].mantissa == 0) {
            return att_spec_refuse(diag, "terms", "expected factors other than 0");
        }
    }
    return err == ATT_OK ? tolerance_ok(b->tolerance, diag) : err;
}

static enum att_err check_command(const struct att_spec *s, uint8_t command, uint8_t other,
                                  const char *field, struct att_diag *diag)
{
    enum att_err err = index_ok(s, command, "command", diag);

    if (err == ATT_OK) {
        err = index_ok(s, other, field, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (!s->channel[command].output) {
        return att_spec_refuse(diag, "command", "expected an output, found %s",
                               s->channel[command].id);
    }
    return command != other ? ATT_OK : att_spec_refuse(diag, field, "expected another channel");
}

static enum att_err check_feedback(const struct att_spec *s, const struct att_feedback *f,
                                   struct att_diag *diag)
{
    enum att_err err = check_command(s, f->command, f->feedback, "feedback", diag);
    const struct att_channel *shows = NULL;

    if (err != ATT_OK) {
        return err;
    }
    shows = &s->channel[f->feedback];
    if (shows->output || strcmp(shows->unit, s->channel[f->command].unit) != 0) {
        return att_spec_refuse(diag, "feedback", "expected an input in %s, the command's unit",
                               s->channel[f->command].unit);
    }
    if (f->settling_ms < 1 || f->settling_ms > ATT_SPEC_TIME_MAX_MS) {
        return att_spec_refuse(diag, "settling", "expected 1ms to a day");
    }
    if (shows->has_range && (att_decimal_compare(f->fail_safe, shows->low) < 0 ||
                             att_decimal_compare(f->fail_safe, shows->high) > 0)) {
        return att_spec_refuse(diag, "fail_safe", "expected a value in the range of %s", shows->id);
    }
    return tolerance_ok(f->tolerance, diag);
}

static enum att_err check_interlock(const struct att_spec *s, const struct att_interlock *x,
                                    struct att_diag *diag)
{
    enum att_err err = check_command(s, x->command, x->state, "while", diag);

    if (err == ATT_OK && att_decimal_compare(x->low, x->high) > 0) {
        err = att_spec_refuse(diag, "low", "expected at most high");
    }
    return err;
}

static enum att_err check_seal(const struct att_spec *s, const struct att_seal *x,
                               struct att_diag *diag)
{
    enum att_err err = index_ok(s, x->channel, "switch", diag);

    if (err == ATT_OK && s->channel[x->channel].output) {
        err = att_spec_refuse(diag, "switch", "expected an input");
    }
    if (err == ATT_OK) {
        err = members_ok(s, x->covers, x->count, 1, "covers", diag);
    }
    for (size_t i = 0; err == ATT_OK && i < x->count; i++) {
        if (x->covers[i] == x->channel) {
            err = att_spec_refuse(diag, "covers", "expected other channels than the switch");
        }
    }
    return err;
}

enum att_err att_spec_check_relation(const struct att_spec *s, enum att_relation kind,
                                     const void *relation, struct att_diag *diag)
{
    if (!att_spec_word_ok(relation)) {
        return att_spec_refuse(diag, "id", "expected 1 to %d of a-z, 0-9, and - _ . between them",
                               ATT_PROV_ID - 1);
    }
    switch (kind) {
    case ATT_RELATION_REDUNDANCY:
        return check_redundancy(s, relation, diag);
    case ATT_RELATION_BALANCE:
        return check_balance(s, relation, diag);
    case ATT_RELATION_FEEDBACK:
        return check_feedback(s, relation, diag);
    case ATT_RELATION_INTERLOCK:
        return check_interlock(s, relation, diag);
    case ATT_RELATION_SEAL:
        break;
    }
    return check_seal(s, relation, diag);
}

enum att_err att_spec_check_output(const struct att_spec *s, size_t channel, struct att_diag *diag)
{
    const struct att_channel *c = &s->channel[channel];
    size_t pairs = 0;

    for (size_t i = 0; i < s->feedback_count; i++) {
        pairs += s->feedback[i].command == channel ? 1 : 0;
    }
    if (!c->output) {
        return ATT_OK;
    }
    if (pairs > 1) {
        return att_spec_refuse(diag, "output", "expected one feedback of this command, found %zu",
                               pairs);
    }
    if (ATT_GUARD(SPEC_NO_FEEDBACK, (pairs == 1) == (c->no_feedback[0] != '\0'))) {
        return att_spec_refuse(diag, "output",
                               "expected a feedback pair of this output, or no_feedback to say why "
                               "there is none");
    }
    return ATT_OK;
}
