/*
 * frame - one frame from a source of hw/sensor, as a script asks for it; or its identity; or a command to it.
 *
 *     frame modbus ADDRESS PORT UNIT FUNCTION FIRST COUNT [identity | write HEX]
 *     frame rtu LINE BAUD UNIT FUNCTION FIRST COUNT [identity | write HEX]
 *     frame sysfs ROOT DEVICE ATTRIBUTE [identity]
 *     frame line SOCKET UID KEY
 *     frame mqtt HOST PORT CA CERTIFICATE KEY TOPIC       CA "-": in plain text
 *     frame publish HOST PORT CA CERTIFICATE KEY TOPIC TEXT
 *
 * Prints hex for Modbus and text for the others. Exit status 0, or 1 with the diagnosis on standard error.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "sensor/line.h"
#include "sensor/modbus.h"
#include "sensor/mqtt.h"
#include "sensor/sysfs.h"

#define LIMIT_MS 5000

static int fail(const struct att_diag *diag)
{
    char line[512];

    fprintf(stderr, "frame: %s %s\n", att_err_name(diag->err),
            att_diag_print(line, sizeof line, diag));
    return 1;
}

static void name(struct att_channel_source *what, const char *text)
{
    snprintf(what->name, sizeof what->name, "%s", text);
}

static void modbus_what(struct att_channel_source *what, char **a)
{
    what->bus = ATT_BUS_MODBUS;
    what->unit = (uint8_t)atoi(a[0]);
    what->function = (uint8_t)atoi(a[1]);
    what->address = (uint16_t)atoi(a[2]);
    what->count = (uint16_t)atoi(a[3]);
}

static enum att_err open_source(struct att_source *s, struct att_channel_source *what, char **a,
                                struct att_diag *diag)
{
    if (strcmp(a[1], "modbus") == 0 || strcmp(a[1], "rtu") == 0) {
        struct hw_modbus_options o = {.limit_ms = LIMIT_MS};
        if (a[1][0] == 'm') {
            o.address = a[2];
            o.port = (uint16_t)atoi(a[3]);
        } else {
            o.line = a[2];
            o.baud = atoi(a[3]);
            o.parity = 'N';
        }
        modbus_what(what, a + 4);
        return hw_modbus_open(s, &o, diag);
    }
    if (strcmp(a[1], "sysfs") == 0) {
        struct hw_sysfs_options o = {.root = a[2], .device = a[3]};
        what->bus = ATT_BUS_SYSFS;
        name(what, a[4]);
        return hw_sysfs_open(s, &o, diag);
    }
    if (strcmp(a[1], "line") == 0) {
        uid_t uid = (uid_t)atoi(a[3]);
        const char *key = a[4];
        struct hw_line_options o = {.path = a[2],
                                    .keys = &key,
                                    .key_count = 1,
                                    .uids = &uid,
                                    .uid_count = 1,
                                    .limit_ms = LIMIT_MS};
        what->bus = ATT_BUS_LINE;
        name(what, key);
        return hw_line_open(s, &o, diag);
    }
    return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, NULL, "no such source");
}

static struct hw_mqtt_options broker(char **a)
{
    struct hw_mqtt_options o = {
        .host = a[2], .port = (uint16_t)atoi(a[3]), .client_id = "frame", .limit_ms = LIMIT_MS};

    o.plain = strcmp(a[4], "-") == 0;
    if (o.plain)
        return o;
    o.ca = a[4];
    o.certificate = a[5];
    o.key = a[6];
    return o;
}

static enum att_err open_topic(struct att_source *s, struct att_channel_source *what, char **a,
                               struct att_diag *diag)
{
    const char *topic = a[7];
    struct hw_mqtt_in_options o = {
        .link = broker(a), .topics = &topic, .topic_count = 1, .qos = 1, .retained = true};

    what->bus = ATT_BUS_MQTT;
    name(what, topic);
    return hw_mqtt_in_open(s, &o, diag);
}

static int publish(char **a)
{
    struct hw_mqtt_options o = broker(a);
    struct hw_mqtt_out *q = NULL;
    struct att_diag diag = {0};
    uint64_t number = 0;
    enum att_err err = hw_mqtt_out_open(&q, &o, HW_MQTT_PAYLOAD_MAX, &diag);

    if (err == ATT_OK)
        err = hw_mqtt_out_send(q, a[7], att_slice_str(a[8]), &number, &diag);
    if (err == ATT_OK)
        err = hw_mqtt_out_work(q, &diag);
    if (err == ATT_OK)
        printf("acknowledged %llu of %llu\n", (unsigned long long)hw_mqtt_out_acknowledged(q),
               (unsigned long long)number);
    hw_mqtt_out_freep(&q);
    return err == ATT_OK ? 0 : fail(&diag);
}

static enum att_err tell_frame(struct att_source s, const struct att_channel_source *what,
                               struct att_diag *diag)
{
    uint8_t frame[ATT_FRAME_MAX];
    size_t len = 0;
    enum att_err err = s.ops->read(s.ctx, what, frame, &len, diag);

    if (err != ATT_OK)
        return err;
    for (size_t i = 0; what->bus == ATT_BUS_MODBUS && i < len; i++)
        printf("%02x", frame[i]);
    if (what->bus != ATT_BUS_MODBUS)
        fwrite(frame, 1, len, stdout);
    printf("\n");
    return ATT_OK;
}

static enum att_err tell_identity(struct att_source s, const struct att_channel_source *what,
                                  struct att_diag *diag)
{
    char text[ATT_PROV_NAME];
    enum att_err err = s.ops->describe(s.ctx, what, text, sizeof text, diag);

    if (err == ATT_OK)
        printf("%s\n", text);
    return err;
}

static enum att_err command(struct att_source s, const struct att_channel_source *what,
                            const char *hex, struct att_diag *diag)
{
    uint8_t bytes[ATT_FRAME_MAX];
    size_t len = 0;

    if (att_hex_decode(bytes, sizeof bytes, &len, hex, strlen(hex)) != ATT_OK)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, NULL, "expected hex");
    return s.ops->write(s.ctx, what, bytes, len, diag);
}

int main(int argc, char **argv)
{
    struct att_source s = {0};
    struct att_channel_source what = {0};
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;
    const char *last = argv[argc - 1];

    signal(SIGPIPE, SIG_IGN);
    if (argc == 9 && strcmp(argv[1], "publish") == 0)
        return publish(argv);
    if (argc < 5) {
        fprintf(stderr, "usage: see tests/integration/frame.c\n");
        return 2;
    }
    err = argc == 8 && strcmp(argv[1], "mqtt") == 0 ? open_topic(&s, &what, argv, &diag)
                                                    : open_source(&s, &what, argv, &diag);
    if (err != ATT_OK)
        return fail(&diag);
    if (strcmp(last, "identity") == 0)
        err = tell_identity(s, &what, &diag);
    else if (strcmp(argv[argc - 2], "write") == 0)
        err = command(s, &what, last, &diag);
    else
        err = tell_frame(s, &what, &diag);
    s.ops->close(s.ctx);
    return err == ATT_OK ? 0 : fail(&diag);
}
