/* One connection to a broker, made and kept inside of calls that have an end. */
#ifndef HW_SENSOR_MQTT_LINK_H
#define HW_SENSOR_MQTT_LINK_H

#include <mosquitto.h>

#include "sensor/mqtt.h"
#include "sensor/retry.h"

/* What its owner wants to hear of. */
struct mqtt_heard {
    void (*connected)(void *owner, struct mosquitto *m); /* subscribe here */
    void (*message)(void *owner, const struct mosquitto_message *message);
    void (*acknowledged)(void *owner, int mid);
    void (*lost)(void *owner);
};

#define MQTT_TEXTS 7

struct mqtt_link {
    struct mosquitto *m; /* NULL: none, and none under way */
    bool up;
    int refused;             /* what the broker answered to CONNECT, or 0 */
    char *texts[MQTT_TEXTS]; /* copies of those of the options */
    struct hw_mqtt_options o;
    struct hw_retry retry;
    const struct mqtt_heard *heard;
    void *owner;
};

/* Errors CONFIG NOMEM; ended by mqtt_link_end in any case. The owner must not move. */
ATT_MUST_USE enum att_err mqtt_link_begin(struct mqtt_link *l, const struct hw_mqtt_options *o,
                                          const struct mqtt_heard *heard, void *owner,
                                          struct att_diag *diag);
void mqtt_link_end(struct mqtt_link *l);

/* Connected until then (monotonic milliseconds)? NETWORK. */
ATT_MUST_USE enum att_err mqtt_link_up(struct mqtt_link *l, int64_t deadline_ms,
                                       struct att_diag *diag);
/* Send and hear, waiting for at most wait_ms. NETWORK: the connection is lost, and given up. */
ATT_MUST_USE enum att_err mqtt_link_turn(struct mqtt_link *l, int wait_ms, struct att_diag *diag);
/* Something to hear, now or within wait_ms? */
bool mqtt_link_has_input(const struct mqtt_link *l, int wait_ms);
/* Give it up, and wait before the next one. Returns NETWORK with this text. */
ATT_MUST_USE enum att_err mqtt_link_fail(struct mqtt_link *l, const char *why,
                                         struct att_diag *diag);

#endif
