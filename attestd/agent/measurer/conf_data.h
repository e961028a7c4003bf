/*
 * The part of agent.yaml that says where the specification's devices are and where data goes.
 *
 *   devices:
 *     - {id: plc, modbus: {tcp: 192.0.2.7, port: 502, limit: 500ms}}
 *     - {id: meter, modbus: {line: /dev/ttyS1, baud: 19200, parity: even, limit: 500ms}}
 *     - {id: board, sysfs: {device: "bus/iio/devices/iio:device0"}}
 *     - {id: broker, mqtt: {host: broker.example, ca: ca.pem, certificate: c.pem, key: k.pem, client: gw-1}}
 *     - {id: app, line: {socket: /run/attest-agent/app.sock, users: [1001]}}
 *   data: {folder: /var/lib/attest-agent/data, limit: 1073741824}
 *   publish: {host: broker.example, ca: ca.pem, certificate: c.pem, key: k.pem, client: gw-1, topic: plant/gw-1}
 *
 * An address is not part of the specification: which plc it is at this site is the site's.
 */
#ifndef ATTESTD_AGENT_CONF_DATA_H
#define ATTESTD_AGENT_CONF_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "prov/source.h"

#define AGENT_DEVICES_MAX 32
#define AGENT_USERS_MAX   8
#define AGENT_DATA_LIMIT  (INT64_C(1) << 30) /* bytes that are kept when nothing else is said */

/* A broker; texts are kept by the configuration, NULL is absent. */
struct agent_broker {
    const char *host, *client, *ca, *certificate, *key, *topic;
    uint16_t port; /* 0: the usual one */
    bool plain;    /* no TLS */
};

struct agent_device {
    char id[ATT_PROV_ID];
    enum att_bus bus;
    int limit_ms;
    const char *address; /* MODBUS by TCP; else NULL */
    uint16_t port;
    const char *line; /* MODBUS by RTU */
    int baud;
    char parity;        /* N, E or O */
    const char *device; /* SYSFS: folder below the root */
    const char *root;   /* SYSFS; NULL: /sys */
    struct agent_broker broker;
    const char *socket; /* LINE */
    uid_t user[AGENT_USERS_MAX];
    size_t user_count;
};

struct agent_data {
    size_t device_count;
    struct agent_device *device; /* in the configuration's pool */
    const char *folder;          /* NULL: data in the state folder */
    int64_t limit;               /* bytes */
    struct agent_broker publish; /* host NULL: nowhere */
};

#endif
