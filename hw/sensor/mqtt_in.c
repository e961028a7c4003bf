#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/guard.h"
#include "sensor/mqtt.h"
#include "sensor/mqtt_link.h"

#define TURNS_MAX 256 /* messages taken in before one is given out: then the caller has a turn */

/* With QoS 1 or 2 a broker sends some twenty, and more when it knows that they came: so long is listened for that. */
#define MORE_MS 5

struct topic {
    char name[ATT_PROV_NAME];
    uint8_t frame[ATT_FRAME_MAX];
    size_t len;
    bool is_new, is_bad; /* bad: empty or too long, and not kept */
};

struct mqtt_in {
    struct mqtt_link link;
    bool retained;
    int qos;
    size_t heard; /* messages of this call */
    size_t topic_count;
    struct topic topics[HW_MQTT_TOPICS_MAX];
};

static struct topic *find_topic(struct mqtt_in *in, const char *name)
{
    for (size_t i = 0; i < in->topic_count; i++)
        if (strcmp(in->topics[i].name, name) == 0)
            return &in->topics[i];
    return NULL;
}

/* A refusal by the broker shows as silence: BUSY. */
static void subscribe(void *owner, struct mosquitto *m)
{
    struct mqtt_in *in = owner;

    for (size_t i = 0; i < in->topic_count; i++)
        (void)mosquitto_subscribe(m, NULL, in->topics[i].name, in->qos);
}

static void hear(void *owner, const struct mosquitto_message *message)
{
    struct mqtt_in *in = owner;
    struct topic *t = find_topic(in, message->topic);

    in->heard++;
    if (t == NULL || ATT_GUARD(MQTT_RETAINED, message->retain && !in->retained))
        return;
    t->is_new = true;
    t->is_bad = message->payloadlen < 1 || message->payloadlen > ATT_FRAME_MAX;
    if (t->is_bad)
        return;
    t->len = (size_t)message->payloadlen;
    memcpy(t->frame, message->payload, t->len);
}

static const struct mqtt_heard heard = {.connected = subscribe, .message = hear};

/* All that has come; then, when the topic has nothing new, what comes within the limit. */
static enum att_err take_in(struct mqtt_in *in, const struct topic *t, int64_t until,
                            struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    in->heard = 0;
    for (int i = 0; err == ATT_OK && i < TURNS_MAX; i++) {
        if (!mqtt_link_has_input(&in->link, in->heard > 0 ? MORE_MS : 0))
            break;
        err = mqtt_link_turn(&in->link, 0, diag);
    }
    while (err == ATT_OK && !t->is_new) {
        int64_t left = until - att_clock_mono_ms();
        if (left <= 0)
            return att_fail(diag, ATT_E_BUSY, ATT_R_PRV_SOURCE, "source",
                            "no message of this topic since it was read last");
        err = mqtt_link_turn(&in->link, (int)left, diag);
    }
    return err;
}

static enum att_err read_frame(void *ctx, const struct att_channel_source *what,
                               uint8_t frame[ATT_FRAME_MAX], size_t *len, struct att_diag *diag)
{
    struct mqtt_in *in = ctx;
    struct topic *t = find_topic(in, what->name);
    int64_t until = att_clock_mono_ms() + in->link.o.limit_ms;
    enum att_err err = ATT_OK;

    if (what->bus != ATT_BUS_MQTT || t == NULL)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "source",
                        "this topic is not among those of the configuration");
    err = mqtt_link_up(&in->link, until, diag);
    if (err == ATT_OK)
        err = take_in(in, t, until, diag);
    if (err != ATT_OK && !t->is_new)
        return err; /* what came before a connection broke is given out */
    t->is_new = false;
    if (ATT_GUARD(MQTT_PAYLOAD, t->is_bad))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_SOURCE, "payload",
                        "expected 1 to %d bytes, found none or more", ATT_FRAME_MAX);
    memcpy(frame, t->frame, t->len);
    *len = t->len;
    return ATT_OK;
}

static enum att_err describe(void *ctx, const struct att_channel_source *what, char *out,
                             size_t cap, struct att_diag *diag)
{
    (void)ctx, (void)what, (void)out, (void)cap;
    return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_PRV_SOURCE, "identification",
                    "a topic does not say which device is behind it");
}

static enum att_err write_frame(void *ctx, const struct att_channel_source *what,
                                const uint8_t *frame, size_t len, struct att_diag *diag)
{
    (void)ctx, (void)what, (void)frame, (void)len;
    return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_PRV_SOURCE, "source",
                    "a topic is only read here: nothing would read a command back");
}

static void close_source(void *ctx)
{
    struct mqtt_in *in = ctx;

    mqtt_link_end(&in->link);
    free(in);
}

static const struct att_source_ops ops = {
    .read = read_frame, .describe = describe, .write = write_frame, .close = close_source};

static enum att_err topics_take(struct mqtt_in *in, const struct hw_mqtt_in_options *o,
                                struct att_diag *diag)
{
    if (o->topic_count < 1 || o->topic_count > HW_MQTT_TOPICS_MAX || o->qos < 0 || o->qos > 2)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "topics",
                        "expected 1 to %d topics, and QoS 0, 1 or 2", HW_MQTT_TOPICS_MAX);
    for (size_t i = 0; i < o->topic_count; i++) {
        const char *name = o->topics[i];
        if (name[0] == '\0' || strlen(name) >= ATT_PROV_NAME ||
            mosquitto_pub_topic_check(name) != MOSQ_ERR_SUCCESS)
            return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "topics",
                            "expected a topic of at most %d bytes, without + and #",
                            ATT_PROV_NAME - 1);
        memcpy(in->topics[i].name, name, strlen(name));
    }
    in->topic_count = o->topic_count;
    in->qos = o->qos;
    in->retained = o->retained;
    return ATT_OK;
}

enum att_err hw_mqtt_in_open(struct att_source *out, const struct hw_mqtt_in_options *o,
                             struct att_diag *diag)
{
    struct mqtt_in *in = calloc(1, sizeof *in);
    enum att_err err = ATT_OK;

    if (in == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "out of memory");
    err = mqtt_link_begin(&in->link, &o->link, &heard, in, diag);
    if (err == ATT_OK)
        err = topics_take(in, o, diag);
    if (err != ATT_OK) {
        close_source(in);
        return err;
    }
    out->ops = &ops;
    out->ctx = in;
    return ATT_OK;
}
