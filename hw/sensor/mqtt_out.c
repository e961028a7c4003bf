#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sensor/mqtt.h"
#include "sensor/mqtt_link.h"

#define IN_FLIGHT                                                                                  \
    16 /* sent and not acknowledged: fewer than libmosquitto would put in a queue of its own */
#define TURN_MS   50
#define QOS       1
#define TOPIC_CAP 256

enum state { WAITS, SENT, DONE };

struct message {
    uint64_t number;
    enum state state;
    int mid;
    int64_t sent_ms;
    char topic[TOPIC_CAP];
    uint8_t *payload; /* owned */
    size_t len;
};

/* A ring: what is done at its head leaves it. */
struct hw_mqtt_out {
    struct mqtt_link link;
    size_t bytes, bytes_max, head, count;
    uint64_t numbers;
    struct message ring[HW_MQTT_QUEUE_MAX];
};

static struct message *at(struct hw_mqtt_out *q, size_t i)
{
    return &q->ring[(q->head + i) % HW_MQTT_QUEUE_MAX];
}

static void acknowledged(void *owner, int mid)
{
    struct hw_mqtt_out *q = owner;

    for (size_t i = 0; i < q->count; i++)
        if (at(q, i)->state == SENT && at(q, i)->mid == mid)
            at(q, i)->state = DONE;
    while (q->count > 0 && at(q, 0)->state == DONE) {
        struct message *m = at(q, 0);
        q->bytes -= m->len;
        free(m->payload);
        *m = (struct message){0};
        q->head = (q->head + 1) % HW_MQTT_QUEUE_MAX;
        q->count--;
    }
}

static void lost(void *owner)
{
    struct hw_mqtt_out *q = owner;

    for (size_t i = 0; i < q->count; i++)
        if (at(q, i)->state == SENT)
            at(q, i)->state = WAITS;
}

static const struct mqtt_heard heard = {.acknowledged = acknowledged, .lost = lost};

enum att_err hw_mqtt_out_open(struct hw_mqtt_out **out, const struct hw_mqtt_options *o,
                              size_t queue_bytes, struct att_diag *diag)
{
    struct hw_mqtt_out *q = calloc(1, sizeof *q);
    enum att_err err = ATT_OK;

    if (q == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "out of memory");
    q->bytes_max = queue_bytes;
    err = mqtt_link_begin(&q->link, o, &heard, q, diag);
    if (err != ATT_OK) {
        hw_mqtt_out_freep(&q);
        return err;
    }
    *out = q;
    return ATT_OK;
}

static enum att_err room_check(const struct hw_mqtt_out *q, const char *topic,
                               struct att_slice payload, struct att_diag *diag)
{
    if (topic[0] == '\0' || strlen(topic) >= TOPIC_CAP ||
        mosquitto_pub_topic_check(topic) != MOSQ_ERR_SUCCESS)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "topic",
                        "expected a topic of at most %d bytes, without + and #", TOPIC_CAP - 1);
    if (payload.len > HW_MQTT_PAYLOAD_MAX || payload.len > q->bytes_max)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_PRV_SOURCE, "payload",
                        "%zu bytes are more than a message or the queue may have", payload.len);
    if (q->count == HW_MQTT_QUEUE_MAX || payload.len > q->bytes_max - q->bytes)
        return att_fail(diag, ATT_E_BUSY, ATT_R_PRV_SOURCE, "broker",
                        "%zu messages of %zu bytes wait for the broker", q->count, q->bytes);
    return ATT_OK;
}

enum att_err hw_mqtt_out_send(struct hw_mqtt_out *q, const char *topic, struct att_slice payload,
                              uint64_t *number, struct att_diag *diag)
{
    enum att_err err = room_check(q, topic, payload, diag);
    struct message m = {.number = q->numbers + 1, .len = payload.len};

    if (err != ATT_OK)
        return err;
    m.payload = malloc(payload.len > 0 ? payload.len : 1);
    if (m.payload == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "out of memory");
    if (payload.len > 0)
        memcpy(m.payload, payload.p, payload.len);
    memcpy(m.topic, topic, strlen(topic));
    *at(q, q->count) = m;
    q->count++;
    q->bytes += payload.len;
    q->numbers++;
    *number = q->numbers;
    return ATT_OK;
}

/* In order, as many as may be on their way at once. */
static enum att_err send_some(struct hw_mqtt_out *q, struct att_diag *diag)
{
    size_t on_way = 0;

    for (size_t i = 0; i < q->count && on_way < IN_FLIGHT; i++) {
        struct message *m = at(q, i);
        int rc = m->state != WAITS ? MOSQ_ERR_SUCCESS
                                   : mosquitto_publish(q->link.m, &m->mid, m->topic, (int)m->len,
                                                       m->payload, QOS, false);
        if (rc != MOSQ_ERR_SUCCESS)
            return mqtt_link_fail(&q->link, mosquitto_strerror(rc), diag);
        on_way += m->state != DONE;
        if (m->state == WAITS) {
            m->state = SENT;
            m->sent_ms = att_clock_mono_ms();
        }
    }
    return ATT_OK;
}

/* The oldest one tells: a broker that acknowledges nothing is as good as none. */
static enum att_err patience(struct hw_mqtt_out *q, struct att_diag *diag)
{
    const struct message *m = at(q, 0);

    if (q->count == 0 || m->state != SENT || att_clock_mono_ms() - m->sent_ms <= q->link.o.limit_ms)
        return ATT_OK;
    return mqtt_link_fail(&q->link, "no acknowledgement within the limit", diag);
}

enum att_err hw_mqtt_out_work(struct hw_mqtt_out *q, struct att_diag *diag)
{
    int64_t until = att_clock_mono_ms() + q->link.o.limit_ms, left = 1;
    enum att_err err = mqtt_link_up(&q->link, until, diag);

    /* at least one turn: with nothing to send it answers the broker's questions */
    do {
        if (err == ATT_OK)
            err = send_some(q, diag);
        if (err == ATT_OK)
            err = mqtt_link_turn(&q->link,
                                 q->count == 0    ? 0
                                 : left < TURN_MS ? (int)left
                                                  : TURN_MS,
                                 diag);
        if (err == ATT_OK)
            err = patience(q, diag);
        left = until - att_clock_mono_ms();
    } while (err == ATT_OK && q->count > 0 && left > 0);
    return err;
}

uint64_t hw_mqtt_out_acknowledged(const struct hw_mqtt_out *q)
{
    return q->numbers - q->count;
}

size_t hw_mqtt_out_waiting(const struct hw_mqtt_out *q)
{
    return q->count;
}

void hw_mqtt_out_freep(struct hw_mqtt_out **q)
{
    if (*q == NULL)
        return;
    mqtt_link_end(&(*q)->link);
    for (size_t i = 0; i < (*q)->count; i++)
        free(at(*q, i)->payload);
    free(*q);
    *q = NULL;
}
