/*
 * MQTT (3.1.1) through libmosquitto: topics behind the port of prov/source.h, and a publisher for what goes out.
 *
 * One connection each, to one broker, by TLS 1.2 or later with the broker's name checked; in plain text only when it is
 * asked for. A lost connection is made anew, later each time, inside of the calls below: nothing runs beside
 * them. The process must ignore SIGPIPE. A host that is a name is looked up by the system's resolver, whose time is
 * not ours to limit; numbers are not looked up.
 */
#ifndef HW_SENSOR_MQTT_H
#define HW_SENSOR_MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "prov/source.h"

#define HW_MQTT_TOPICS_MAX  64
#define HW_MQTT_LIMIT_MIN   10 /* milliseconds */
#define HW_MQTT_LIMIT_MAX   60000
#define HW_MQTT_PAYLOAD_MAX 1048576 /* that goes out; what comes in is at most ATT_FRAME_MAX */
#define HW_MQTT_QUEUE_MAX   1024    /* messages that wait */

struct hw_mqtt_options {
    const char *host;      /* as in the broker's certificate */
    uint16_t port;         /* 0 is 8883, or 1883 in plain text */
    const char *client_id; /* 1 to 65 bytes; two connections with one id throw each other out */
    const char *ca;        /* file of PEM: who certifies the broker. NULL only with plain */
    bool plain;            /* no TLS: whoever is on the way reads and changes what he likes */
    const char *certificate, *key; /* files of PEM: who we are; both or none */
    const char *user, *password;   /* or NULL */
    int limit_ms;                  /* for one call as a whole */
    int retry_ms, retry_most_ms;   /* as in modbus.h */
};

/* --- in --- */

struct hw_mqtt_in_options {
    struct hw_mqtt_options link;
    const char *const *topics; /* 1 to HW_MQTT_TOPICS_MAX; no wildcards */
    size_t topic_count;
    int qos; /* 0 to 2 */
    /* What the broker kept from before comes as if it were new: nobody can tell how old it is. Off: it is passed over */
    bool retained;
};

/*
 * hw_mqtt_in_open - a source of messages; the broker may be absent until it is read.
 *
 * read      the payload of the newest message of the topic what->name since it was read last. BUSY: none within limit_ms;
 *           NETWORK: not connected, or refused; FORMAT: the newest is empty or longer than ATT_FRAME_MAX
 * describe  UNSUPPORTED; write UNSUPPORTED
 *
 * out       closed by its ops->close
 * Errors    CONFIG (PRV_SOURCE) NOMEM
 */
ATT_MUST_USE enum att_err
hw_mqtt_in_open(struct att_source *out, const struct hw_mqtt_in_options *o, struct att_diag *diag);

/* --- out --- */

struct hw_mqtt_out;

/* queue_bytes: of payloads that wait, at most. Errors CONFIG (PRV_SOURCE) NOMEM. The caller's, for hw_mqtt_out_free. */
ATT_MUST_USE enum att_err hw_mqtt_out_open(struct hw_mqtt_out **out,
                                           const struct hw_mqtt_options *o, size_t queue_bytes,
                                           struct att_diag *diag);

/*
 * hw_mqtt_out_send - put a message in the queue, to be published with QoS 1. It is copied; nothing is sent yet.
 *
 * number  of the message: from 1, each one more than the one before
 * Errors  BUSY: the queue is full: keep it, and come again. LIMIT: larger than HW_MQTT_PAYLOAD_MAX or the queue. CONFIG: a
 *         topic with a wildcard. NOMEM
 */
ATT_MUST_USE enum att_err hw_mqtt_out_send(struct hw_mqtt_out *q, const char *topic,
                                           struct att_slice payload, uint64_t *number,
                                           struct att_diag *diag);

/*
 * hw_mqtt_out_work - connect if need be, send what waits, take in what the broker acknowledges: until nothing waits, for at
 * most limit_ms. What was sent and not acknowledged when a connection broke is sent again: the broker may have it twice.
 *
 * Errors  NETWORK (PRV_SOURCE): not connected, refused, or no acknowledgement in limit_ms. Nothing is lost by it.
 */
ATT_MUST_USE enum att_err hw_mqtt_out_work(struct hw_mqtt_out *q, struct att_diag *diag);

/* All messages up to this number are the broker's; 0: none yet. */
uint64_t hw_mqtt_out_acknowledged(const struct hw_mqtt_out *q);
size_t hw_mqtt_out_waiting(const struct hw_mqtt_out *q); /* in the queue, sent or not */
void hw_mqtt_out_freep(struct hw_mqtt_out **q);          /* what waits is forgotten */

#endif
