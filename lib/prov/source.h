/*
 * The port through which raw frames come: a Modbus device, an attribute of the kernel, a broker, an application.
 *
 * hw/sensor implements it. A driver reads and describes; it knows nothing of values, limits or keys.
 */
#ifndef ATT_PROV_SOURCE_H
#define ATT_PROV_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ATT_FRAME_MAX 512 /* bytes of a raw frame */
#define ATT_PROV_ID   33  /* bytes of an id, with its terminator */
#define ATT_PROV_NAME 129 /* of a name */

enum att_bus {
    ATT_BUS_MODBUS, /* the response PDU: function, byte count, data */
    ATT_BUS_SYSFS,  /* what reading an attribute of IIO or hwmon gave */
    ATT_BUS_MQTT,   /* a message's payload */
    ATT_BUS_LINE,   /* a line that an application wrote */
};
#define ATT_BUS__COUNT 4
extern const char *const att_bus_words[ATT_BUS__COUNT];

struct att_channel_source {
    enum att_bus bus;
    char device
        [ATT_PROV_ID]; /* which of the agent's devices; its address is the agent's configuration */
    uint8_t unit;      /* MODBUS: unit id 0..247 */
    uint8_t function;  /* MODBUS: 1..4 */
    uint16_t address, count;  /* MODBUS: first register or coil (from 0), and how many */
    char name[ATT_PROV_NAME]; /* SYSFS attribute, MQTT topic, LINE key; empty for MODBUS */
};

struct att_source {
    const struct att_source_ops *ops;
    void *ctx; /* the driver's */
};

struct att_source_ops {
    /*
     * One raw frame of what, as the bus brought it. NETWORK IO (PRV_SOURCE): nothing came in time; BUSY: nothing new
     * since the last read (buses that bring what they have); FORMAT: what came is no answer
     */
    enum att_err (*read)(void *ctx, const struct att_channel_source *what,
                         uint8_t frame[ATT_FRAME_MAX], size_t *len, struct att_diag *diag);
    /*
     * How many frames of what came by themselves and wait to be read. NULL: a bus that brings one when it is asked, or
     * keeps the newest alone
     */
    size_t (*waiting)(void *ctx, const struct att_channel_source *what);
    /* The identity that the device reports of itself, as one line of text. UNSUPPORTED: it has none */
    enum att_err (*describe)(void *ctx, const struct att_channel_source *what, char *out,
                             size_t cap, struct att_diag *diag);
    /* Send a command frame to an output. UNSUPPORTED for buses without */
    enum att_err (*write)(void *ctx, const struct att_channel_source *what, const uint8_t *frame,
                          size_t len, struct att_diag *diag);
    void (*close)(void *ctx);
};

#endif
