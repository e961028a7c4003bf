/* Drivers by bus. Topics and keys are gathered from the channels, for a broker and a socket want to know them first. */
#include "agent/sampler/devices.h"

#include <stdlib.h>
#include <string.h>

#include "sensor/line.h"
#include "sensor/modbus.h"
#include "sensor/mqtt.h"
#include "sensor/sysfs.h"

#define NAMES_MAX (3 * ATT_SPEC_CHANNELS_MAX)

struct devices {
    const struct agent_conf *conf;
    size_t count;
    struct {
        const struct agent_device *device;
        struct att_source source;
    } open[AGENT_DEVICES_MAX];
};

/* Every source that the specification names: of channels, of second paths, of references. */
static size_t sources_of(const struct att_channel *c, const struct att_channel_source *out[3])
{
    size_t count = 0;

    out[count++] = &c->source;
    if (c->has_second)
        out[count++] = &c->second.source;
    if (c->has_stimulus)
        out[count++] = &c->stimulus.source;
    return count;
}

static size_t names_of(const char *out[NAMES_MAX], const struct att_spec *spec, const char *device)
{
    size_t count = 0;

    for (size_t i = 0; i < spec->channel_count; i++) {
        const struct att_channel_source *s[3];
        size_t n = sources_of(&spec->channel[i], s);

        for (size_t j = 0; j < n; j++) {
            bool known = strcmp(s[j]->device, device) != 0;

            for (size_t k = 0; k < count && !known; k++)
                known = strcmp(out[k], s[j]->name) == 0;
            if (!known)
                out[count++] = s[j]->name;
        }
    }
    return count;
}

static enum att_err open_modbus(struct att_source *out, const struct agent_device *d,
                                struct att_diag *diag)
{
    const struct hw_modbus_options o = {.address = d->address,
                                        .port = d->port,
                                        .line = d->line,
                                        .baud = d->baud,
                                        .parity = d->parity,
                                        .limit_ms = d->limit_ms};

    return hw_modbus_open(out, &o, diag);
}

static enum att_err open_mqtt(struct att_source *out, const struct agent_device *d,
                              const struct att_spec *spec, struct att_diag *diag)
{
    const char *topic[NAMES_MAX];
    struct hw_mqtt_in_options o = {.link = {.host = d->broker.host,
                                            .port = d->broker.port,
                                            .client_id = d->broker.client,
                                            .ca = d->broker.ca,
                                            .plain = d->broker.plain,
                                            .certificate = d->broker.certificate,
                                            .key = d->broker.key,
                                            .limit_ms = HW_MQTT_LIMIT_MIN},
                                   .topics = topic,
                                   .qos = 1};

    o.topic_count = names_of(topic, spec, d->id);
    return hw_mqtt_in_open(out, &o, diag);
}

static enum att_err open_line(struct att_source *out, const struct agent_device *d,
                              const struct att_spec *spec, struct att_diag *diag)
{
    const char *key[NAMES_MAX];
    struct hw_line_options o = {
        .path = d->socket, .keys = key, .uids = d->user, .uid_count = d->user_count};

    o.key_count = names_of(key, spec, d->id);
    return hw_line_open(out, &o, diag);
}

static enum att_err open_one(struct att_source *out, const struct agent_device *d,
                             const struct att_spec *spec, struct att_diag *diag)
{
    const struct hw_sysfs_options sysfs = {.root = d->root, .device = d->device};

    switch (d->bus) {
    case ATT_BUS_MODBUS:
        return open_modbus(out, d, diag);
    case ATT_BUS_SYSFS:
        return hw_sysfs_open(out, &sysfs, diag);
    case ATT_BUS_MQTT:
        return open_mqtt(out, d, spec, diag);
    case ATT_BUS_LINE:
        break;
    }
    return open_line(out, d, spec, diag);
}

static const struct agent_device *configured(const struct agent_conf *conf, const char *id)
{
    for (size_t i = 0; i < conf->data.device_count; i++)
        if (strcmp(conf->data.device[i].id, id) == 0)
            return &conf->data.device[i];
    return NULL;
}

static enum att_err ensure(struct devices *d, const struct att_channel_source *s,
                           const struct att_spec *spec, struct att_diag *diag)
{
    const struct agent_device *device = configured(d->conf, s->device);
    enum att_err err = ATT_OK;

    if (devices_find(d, s->device) != NULL)
        return ATT_OK;
    if (device == NULL)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "devices",
                        "expected the device %s of the specification in agent.yaml", s->device);
    if (device->bus != s->bus)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "devices",
                        "expected the device %s to be of %s, as in the specification, found %s",
                        s->device, att_bus_words[s->bus], att_bus_words[device->bus]);
    err = open_one(&d->open[d->count].source, device, spec, diag);
    if (err == ATT_OK)
        d->open[d->count++].device = device;
    return err;
}

enum att_err devices_open(struct devices **out, const struct agent_conf *conf,
                          const struct att_spec *spec, struct att_diag *diag)
{
    ATT_CLEANUP(devices_freep) struct devices *d = calloc(1, sizeof(*d));
    enum att_err err = ATT_OK;

    if (d == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "devices", "no memory");
    d->conf = conf;
    for (size_t i = 0; err == ATT_OK && i < spec->channel_count; i++) {
        const struct att_channel_source *s[3];
        size_t n = sources_of(&spec->channel[i], s);

        for (size_t j = 0; err == ATT_OK && j < n; j++)
            err = ensure(d, s[j], spec, diag);
    }
    if (err != ATT_OK)
        return err;
    *out = d;
    d = NULL;
    return ATT_OK;
}

void devices_free(struct devices *d)
{
    for (size_t i = 0; d != NULL && i < d->count; i++)
        d->open[i].source.ops->close(d->open[i].source.ctx);
    free(d);
}

void devices_freep(struct devices **d)
{
    devices_free(*d);
    *d = NULL;
}

struct att_source *devices_find(struct devices *d, const char *id)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->open[i].device->id, id) == 0)
            return &d->open[i].source;
    return NULL;
}
