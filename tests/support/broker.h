/* The broker mosquitto in a scratch folder, on a loopback port, with TLS and a certificate of each client. */
#ifndef ATT_TEST_BROKER_H
#define ATT_TEST_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sensor/mqtt.h"

struct broker {
    char folder[64]; /* ca.pem other.pem server.pem client.pem client.key */
    uint16_t port;
    pid_t pid; /* 0: stopped */
    bool plain;
};

/* False: there is no mosquitto or openssl here. plain: without TLS. */
bool broker_start(struct broker *b, bool plain);
void broker_stop(struct broker *b);  /* the process alone */
void broker_again(struct broker *b); /* on the same port, with nothing of what it had */
void broker_end(struct broker *b);   /* the process and the folder */

/* A file of the folder; valid until the eighth call after it. */
const char *broker_file(const struct broker *b, const char *name);
/* Options to connect with; the texts are the broker's. */
struct hw_mqtt_options broker_options(const struct broker *b, const char *client_id, int limit_ms);
/* Publish with mosquitto_pub, which shares no code of ours. */
void broker_publish(const struct broker *b, const char *topic, const char *payload, bool retain);

/* A port that takes connections and never says anything; its descriptor is the caller's to close. */
int broker_mute(uint16_t *port);

#endif
