/* Curves and pasts of all channels, and the one way to complete a sample. */
#include "prov/channels.h"

#include <stdlib.h>
#include <string.h>

enum att_err att_channels_new(struct att_channels **out, const struct att_spec *spec,
                              struct att_diag *diag)
{
    ATT_CLEANUP(att_channels_freep) struct att_channels *c = calloc(1, sizeof(*c));
    enum att_err err = ATT_OK;

    if (c == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "specification", "no memory");
    c->spec = spec;
    c->curve = calloc(spec->channel_count, sizeof(*c->curve));
    c->past = calloc(spec->channel_count, sizeof(struct att_past *));
    if (c->curve == NULL || c->past == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "specification", "no memory");
    for (size_t i = 0; i < spec->channel_count; i++) {
        err = att_curve_make(&c->curve[i], &spec->channel[i], diag);
        if (err != ATT_OK)
            return err;
        err = att_past_new(&c->past[i], &c->curve[i]);
        if (err != ATT_OK)
            return att_fail(diag, err, ATT_R_NOMEM, "specification", "no memory");
    }
    *out = c;
    c = NULL;
    return ATT_OK;
}

void att_channels_free(struct att_channels *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; c->past != NULL && i < c->spec->channel_count; i++)
        att_past_free(c->past[i]);
    free(c->past);
    free(c->curve);
    free(c);
}

void att_channels_freep(struct att_channels **c)
{
    att_channels_free(*c);
    *c = NULL;
}

struct att_check_in att_channels_in(struct att_channels *c, size_t index,
                                    const struct att_sample *now,
                                    const struct att_gateway_facts *gateway)
{
    att_past_meet(c->past[index], now->sequence);
    return (struct att_check_in){.spec = c->spec,
                                 .channel = &c->spec->channel[index],
                                 .curve = &c->curve[index],
                                 .now = now,
                                 .derived =
                                     att_derive(&c->curve[index], c->past[index], now->frame),
                                 .past = c->past,
                                 .gateway = gateway};
}

void att_channels_make(struct att_channels *c, size_t index, struct att_sample *s,
                       const struct att_gateway_facts *gateway, struct att_diag *why)
{
    const struct att_channel *channel = &c->spec->channel[index];
    struct att_check_in in = att_channels_in(c, index, s, gateway);

    s->channel = att_slice_str(channel->id);
    s->unit = att_slice_str(channel->unit);
    memcpy(s->spec, channel->digest, sizeof(s->spec));
    s->has_value = in.derived.kind == ATT_VALUE_KNOWN;
    s->value = in.derived.value;
    att_check_run(s->check, &in, why);
    att_past_add(c->past[index], s, &in.derived);
}

void att_channels_carry_over(struct att_channels *to, struct att_channels *from)
{
    for (size_t i = 0; i < to->spec->channel_count; i++) {
        for (size_t j = 0; j < from->spec->channel_count; j++) {
            struct att_past *kept = to->past[i];

            if (memcmp(to->spec->channel[i].digest, from->spec->channel[j].digest, 32) != 0)
                continue;
            to->past[i] = from->past[j];
            from->past[j] = kept;
        }
    }
}
