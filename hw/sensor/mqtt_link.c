#include "sensor/mqtt_link.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

#define PORT_TLS    8883
#define PORT_PLAIN  1883
#define KEEPALIVE_S 60
#define CLIENT_ID   65
#define STEP_MS     50 /* that a wait is cut into, to see a connection that failed */
#define TLS_LEAST   "tlsv1.2"
#define VERIFY_PEER 1

static void on_connect(struct mosquitto *m, void *ctx, int code)
{
    struct mqtt_link *l = ctx;

    l->refused = code;
    l->up = code == 0;
    if (l->up && l->heard->connected != NULL)
        l->heard->connected(l->owner, m);
}

static void on_message(struct mosquitto *m, void *ctx, const struct mosquitto_message *message)
{
    struct mqtt_link *l = ctx;

    (void)m;
    if (l->heard->message != NULL)
        l->heard->message(l->owner, message);
}

static void on_publish(struct mosquitto *m, void *ctx, int mid)
{
    struct mqtt_link *l = ctx;

    (void)m;
    if (l->heard->acknowledged != NULL)
        l->heard->acknowledged(l->owner, mid);
}

static void give_up(struct mqtt_link *l)
{
    bool was_up = l->up;

    mosquitto_destroy(l->m);
    l->m = NULL;
    l->up = false;
    if (was_up && l->heard->lost != NULL)
        l->heard->lost(l->owner);
}

enum att_err mqtt_link_fail(struct mqtt_link *l, const char *why, struct att_diag *diag)
{
    give_up(l);
    hw_retry_failed(&l->retry);
    return att_fail(diag, ATT_E_NETWORK, ATT_R_PRV_SOURCE, "broker", "%.60s port %u: %s", l->o.host,
                    l->o.port, why);
}

/* libmosquitto speaks of a system error by errno. */
static const char *why_of(int rc)
{
    return rc == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(rc);
}

static int set_up(struct mqtt_link *l)
{
    int rc = MOSQ_ERR_SUCCESS;

    mosquitto_connect_callback_set(l->m, on_connect);
    mosquitto_message_callback_set(l->m, on_message);
    mosquitto_publish_callback_set(l->m, on_publish);
    if (l->o.user != NULL)
        rc = mosquitto_username_pw_set(l->m, l->o.user, l->o.password);
    if (rc != MOSQ_ERR_SUCCESS || l->o.plain)
        return rc;
    rc = mosquitto_tls_set(l->m, l->o.ca, NULL, l->o.certificate, l->o.key, NULL);
    return rc != MOSQ_ERR_SUCCESS ? rc : mosquitto_tls_opts_set(l->m, VERIFY_PEER, TLS_LEAST, NULL);
}

static enum att_err dial(struct mqtt_link *l, struct att_diag *diag)
{
    enum att_err err = hw_retry_due(&l->retry, diag);
    int rc = MOSQ_ERR_SUCCESS;

    if (err != ATT_OK)
        return err;
    l->refused = 0;
    l->m = mosquitto_new(l->o.client_id, true, l);
    if (l->m == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "out of memory");
    rc = set_up(l);
    /* the call that does not wait for TCP; the limit is kept by our turns */
    if (rc == MOSQ_ERR_SUCCESS)
        rc = mosquitto_connect_async(l->m, l->o.host, l->o.port, KEEPALIVE_S);
    return rc == MOSQ_ERR_SUCCESS ? ATT_OK : mqtt_link_fail(l, why_of(rc), diag);
}

/* libmosquitto goes on writing to a socket whose connection was refused. */
static int socket_error(struct mqtt_link *l)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (mosquitto_socket(l->m) < 0)
        return ENOTCONN;
    if (getsockopt(mosquitto_socket(l->m), SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return errno;
    return error;
}

enum att_err mqtt_link_turn(struct mqtt_link *l, int wait_ms, struct att_diag *diag)
{
    int rc = mosquitto_loop(l->m, wait_ms, 1);
    int error = rc == MOSQ_ERR_SUCCESS ? socket_error(l) : 0;

    if (l->refused != 0)
        return mqtt_link_fail(l, mosquitto_connack_string(l->refused), diag);
    if (rc != MOSQ_ERR_SUCCESS)
        return mqtt_link_fail(l, why_of(rc), diag);
    return error == 0 ? ATT_OK : mqtt_link_fail(l, strerror(error), diag);
}

bool mqtt_link_has_input(const struct mqtt_link *l, int wait_ms)
{
    struct pollfd p = {.fd = l->m == NULL ? -1 : mosquitto_socket(l->m), .events = POLLIN};

    return poll(&p, 1, wait_ms) == 1;
}

enum att_err mqtt_link_up(struct mqtt_link *l, int64_t deadline_ms, struct att_diag *diag)
{
    enum att_err err = l->m == NULL ? dial(l, diag) : ATT_OK;

    while (err == ATT_OK && !l->up) {
        int64_t left = deadline_ms - att_clock_mono_ms();
        if (left <= 0)
            return mqtt_link_fail(l, "no connection within the limit", diag);
        err = mqtt_link_turn(l, left < STEP_MS ? (int)left : STEP_MS, diag);
    }
    if (err == ATT_OK)
        hw_retry_went_well(&l->retry);
    return err;
}

static enum att_err options_check(const struct hw_mqtt_options *o, struct att_diag *diag)
{
    size_t id = o->client_id == NULL ? 0 : strlen(o->client_id);

    if (o->host == NULL || o->host[0] == '\0')
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "host", "expected a broker's name");
    if (id < 1 || id > CLIENT_ID)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "client_id",
                        "expected 1 to %d bytes, found %zu", CLIENT_ID, id);
    if (o->plain == (o->ca != NULL))
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "ca",
                        "expected the file of who certifies the broker; without TLS only when that "
                        "is asked for");
    if ((o->certificate == NULL) != (o->key == NULL) || (o->plain && o->key != NULL))
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "key",
                        "expected a certificate and its key, with TLS, or neither");
    if (o->limit_ms < HW_MQTT_LIMIT_MIN || o->limit_ms > HW_MQTT_LIMIT_MAX)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "limit_ms",
                        "expected %d to %d, found %d", HW_MQTT_LIMIT_MIN, HW_MQTT_LIMIT_MAX,
                        o->limit_ms);
    return ATT_OK;
}

static enum att_err copy_texts(struct mqtt_link *l, struct att_diag *diag)
{
    const char **const texts[MQTT_TEXTS] = {&l->o.host,        &l->o.client_id, &l->o.ca,
                                            &l->o.certificate, &l->o.key,       &l->o.user,
                                            &l->o.password};

    for (size_t i = 0; i < MQTT_TEXTS; i++) {
        if (*texts[i] == NULL)
            continue;
        l->texts[i] = strdup(*texts[i]);
        if (l->texts[i] == NULL)
            return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "out of memory");
        *texts[i] = l->texts[i];
    }
    return ATT_OK;
}

enum att_err mqtt_link_begin(struct mqtt_link *l, const struct hw_mqtt_options *o,
                             const struct mqtt_heard *heard, void *owner, struct att_diag *diag)
{
    enum att_err err = options_check(o, diag);

    *l = (struct mqtt_link){.heard = heard, .owner = owner};
    if (err != ATT_OK)
        return err;
    l->o = *o;
    if (l->o.port == 0)
        l->o.port = o->plain ? PORT_PLAIN : PORT_TLS;
    hw_retry_init(&l->retry, o->retry_ms, o->retry_most_ms);
    /* never taken back: that would unload what OpenSSL has for the rest of the process */
    if (mosquitto_lib_init() != MOSQ_ERR_SUCCESS)
        return att_fail(diag, ATT_E_INTERNAL, ATT_R_PRV_SOURCE, "broker", "no libmosquitto");
    return copy_texts(l, diag);
}

void mqtt_link_end(struct mqtt_link *l)
{
    if (l->m != NULL && l->up)
        (void)mosquitto_disconnect(l->m); /* a word to the broker, if the socket takes it at once */
    mosquitto_destroy(l->m);
    for (size_t i = 0; i < MQTT_TEXTS; i++)
        free(l->texts[i]);
    *l = (struct mqtt_link){0};
}
