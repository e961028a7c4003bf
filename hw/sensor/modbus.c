#include "sensor/modbus.h"

#include <arpa/inet.h>
#include <errno.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/guard.h"
#include "sensor/modbus_pdu.h"
#include "sensor/retry.h"

#define DATA_BITS     8
#define EXTENDED      3
#define BASIC         1
#define ILLEGAL_CODE  1
#define ILLEGAL_VALUE 3
#define MESSAGES_MAX  8 /* of one identity */
#define ADDRESS_CAP   64

struct modbus {
    modbus_t *bus; /* libmodbus': owned */
    char where[ADDRESS_CAP];
    bool tcp, open;
    uint16_t tid;
    int limit_ms;
    struct hw_retry retry;
};

/* One call: when it has to be over, and the answer to its present request. */
struct call {
    struct modbus *m;
    uint8_t unit;
    int64_t deadline_ms;
    uint8_t adu[HW_PDU_ADU_MAX];
    struct att_slice pdu; /* inside adu */
    uint8_t exception;
};

static int left_ms(const struct call *c)
{
    int64_t left = c->deadline_ms - att_clock_mono_ms();

    return left > 0 ? (int)left : 0;
}

static void hang_up(struct modbus *m)
{
    if (m->open)
        modbus_close(m->bus);
    m->open = false;
}

static enum att_err late(const struct call *c, struct att_diag *diag)
{
    return att_fail(diag, ATT_E_NETWORK, ATT_R_PRV_SOURCE, "source",
                    "%s: no whole answer of unit %u within %d ms: check power, cable, address and "
                    "unit",
                    c->m->where, c->unit, c->m->limit_ms);
}

/* What is left of the call is all that libmodbus may wait. */
static enum att_err limit(const struct call *c, struct att_diag *diag)
{
    int ms = left_ms(c);

    if (ms == 0)
        return late(c, diag);
    if (modbus_set_response_timeout(c->m->bus, (uint32_t)ms / 1000, (uint32_t)ms % 1000 * 1000) !=
        0)
        return att_fail(diag, ATT_E_INTERNAL, ATT_R_PRV_SOURCE, "source",
                        "no time limit can be set");
    return ATT_OK;
}

static enum att_err refuse_errno(const struct call *c, const char *what, int error,
                                 struct att_diag *diag)
{
    if (error == ETIMEDOUT || error == EINPROGRESS)
        return late(c, diag);
    return att_fail(diag, error > MODBUS_ENOBASE ? ATT_E_FORMAT : ATT_E_NETWORK, ATT_R_PRV_SOURCE,
                    "source", "%s: %s: %s", c->m->where, what, modbus_strerror(error));
}

static enum att_err dial(struct call *c, struct att_diag *diag)
{
    struct modbus *m = c->m;
    enum att_err err = limit(c, diag);

    if (err != ATT_OK || m->open)
        return err;
    if (modbus_connect(m->bus) != 0) {
        int error = errno;
        modbus_close(m->bus);
        return refuse_errno(c, "cannot connect", error, diag);
    }
    m->open = true;
    return ATT_OK;
}

/*
 * Nothing may stand in the input when a request goes out. A connection that was closed, or that brings what nobody
 * asked for, is made anew; a serial line is emptied.
 */
static enum att_err make_quiet(struct call *c, struct att_diag *diag)
{
    struct modbus *m = c->m;
    struct pollfd p = {.fd = modbus_get_socket(m->bus), .events = POLLIN};

    if (!m->tcp) {
        modbus_flush(m->bus);
        return ATT_OK;
    }
    if (poll(&p, 1, 0) == 0)
        return ATT_OK;
    hang_up(m);
    return dial(c, diag);
}

static enum att_err send_tcp(struct call *c, struct att_slice pdu, struct att_diag *diag)
{
    uint8_t adu[HW_PDU_ADU_MAX];
    size_t len = hw_pdu_wrap(adu, ++c->m->tid, c->unit, pdu);
    ssize_t n = send(modbus_get_socket(c->m->bus), adu, len, MSG_NOSIGNAL | MSG_DONTWAIT);

    /* a request is a few bytes on an idle connection: what does not take it whole is broken */
    if (len == 0 || n != (ssize_t)len)
        return refuse_errno(c, "cannot send", n < 0 ? errno : EPIPE, diag);
    return ATT_OK;
}

static enum att_err send_rtu(struct call *c, struct att_slice pdu, struct att_diag *diag)
{
    uint8_t raw[1 + HW_PDU_MAX] = {c->unit};

    memcpy(raw + 1, pdu.p, pdu.len);
    if (modbus_set_slave(c->m->bus, c->unit) != 0 ||
        modbus_send_raw_request(c->m->bus, raw, (int)pdu.len + 1) < 0)
        return refuse_errno(c, "cannot send", errno, diag);
    return ATT_OK;
}

/* libmodbus does not know function 43 and leaves the rest of its answer: as much as the header says. */
static enum att_err receive_rest(struct call *c, size_t *len, struct att_diag *diag)
{
    size_t want = 6 + (size_t)(c->adu[4] << 8 | c->adu[5]);

    if (want < *len || want > sizeof c->adu)
        return refuse_errno(c, "cannot read the answer", EMBBADDATA, diag);
    while (*len < want) {
        struct pollfd p = {.fd = modbus_get_socket(c->m->bus), .events = POLLIN};
        if (poll(&p, 1, left_ms(c)) <= 0)
            return late(c, diag);
        ssize_t n = recv(p.fd, c->adu + *len, want - *len, MSG_DONTWAIT);
        if (n <= 0)
            return refuse_errno(c, "cannot read the answer", n < 0 ? errno : ECONNRESET, diag);
        *len += (size_t)n;
    }
    return ATT_OK;
}

static enum att_err receive(struct call *c, uint8_t function, struct att_diag *diag)
{
    enum att_err err = limit(c, diag);
    int n = err != ATT_OK ? -1 : modbus_receive_confirmation(c->m->bus, c->adu);
    size_t len = n > 0 ? (size_t)n : 0;

    if (err != ATT_OK)
        return err;
    if (n < 0)
        return refuse_errno(c, "cannot read the answer", errno, diag);
    if (c->m->tcp && function == HW_PDU_MEI && len > HW_PDU_HEAD && c->adu[HW_PDU_HEAD] == function)
        err = receive_rest(c, &len, diag);
    if (err != ATT_OK)
        return err;
    if (c->m->tcp)
        return hw_pdu_unwrap(&c->pdu, att_slice_of(c->adu, len), c->m->tid, c->unit, diag);
    /* by RTU it gives 0 for another unit's answer, and lets that of unit 0 pass, which never answers */
    if (len < 4 || ATT_GUARD(MODBUS_RTU_UNIT, c->adu[0] != c->unit))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_SOURCE, "unit",
                        "%s: expected an answer of unit %u, found another one", c->m->where,
                        c->unit);
    /* the check sum, which was right, is behind the PDU */
    c->pdu = att_slice_of(c->adu + 1, len - 3);
    return ATT_OK;
}

/* Without the rule for failures: whoever calls it applies that. */
static enum att_err ask(struct call *c, struct att_slice pdu, struct att_diag *diag)
{
    enum att_err err = dial(c, diag);

    c->exception = 0;
    if (err == ATT_OK)
        err = make_quiet(c, diag);
    if (err == ATT_OK)
        err = c->m->tcp ? send_tcp(c, pdu, diag) : send_rtu(c, pdu, diag);
    if (err == ATT_OK)
        err = receive(c, pdu.p[0], diag);
    return err != ATT_OK ? err : hw_pdu_function_check(&c->exception, c->pdu, pdu.p[0], diag);
}

static enum att_err begin(struct call *c, struct modbus *m, const struct att_channel_source *what,
                          struct att_diag *diag)
{
    *c = (struct call){
        .m = m,
        .unit = what->unit,
        .deadline_ms = att_clock_mono_ms() + m->limit_ms,
    };
    if (what->bus != ATT_BUS_MODBUS || what->unit > 247)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "source",
                        "expected a Modbus channel of unit 0 to 247");
    return hw_retry_due(&m->retry, diag);
}

/* A device that answers in good order keeps its connection, whatever it says; any other failure ends it. */
static enum att_err end(struct call *c, enum att_err err)
{
    if (err == ATT_E_CONFIG)
        return err; /* it was not even asked */
    if (err == ATT_OK || err == ATT_E_MISMATCH || c->exception != 0) {
        hw_retry_went_well(&c->m->retry);
        return err;
    }
    hang_up(c->m);
    hw_retry_failed(&c->m->retry);
    return err;
}

static enum att_err ask_to_read(struct call *c, const struct att_channel_source *what,
                                struct att_diag *diag)
{
    uint8_t request[HW_PDU_READ];
    enum att_err err = hw_pdu_read_request(request, what, diag);

    if (err == ATT_OK)
        err = ask(c, att_slice_of(request, sizeof request), diag);
    return err != ATT_OK ? err : hw_pdu_read_check(c->pdu, what, diag);
}

static enum att_err read_frame(void *ctx, const struct att_channel_source *what,
                               uint8_t frame[ATT_FRAME_MAX], size_t *len, struct att_diag *diag)
{
    struct call c;
    enum att_err err = begin(&c, ctx, what, diag);

    if (err != ATT_OK)
        return err;
    err = end(&c, ask_to_read(&c, what, diag));
    if (err != ATT_OK)
        return err;
    memcpy(frame, c.pdu.p, c.pdu.len);
    *len = c.pdu.len;
    return ATT_OK;
}

/* Everything that the device has; one that knows only the basic objects answers with those, or with an exception. */
static enum att_err identify_tcp(struct call *c, struct hw_pdu_identity *id, struct att_diag *diag)
{
    uint8_t request[HW_PDU_IDENTIFY], code = EXTENDED;
    enum att_err err = ATT_OK;

    for (int i = 0; i < MESSAGES_MAX; i++) {
        hw_pdu_identity_request(request, code, id->next);
        err = ask(c, att_slice_of(request, sizeof request), diag);
        if (c->exception == ILLEGAL_VALUE && code == EXTENDED && id->objects == 0) {
            code = BASIC;
            continue;
        }
        if (err == ATT_OK)
            err = hw_pdu_identity_read(id, c->pdu, diag);
        if (err != ATT_OK || id->next == 0)
            return err;
    }
    return att_fail(diag, ATT_E_LIMIT, ATT_R_PRV_SOURCE, "identification",
                    "%s: no end after %d messages", c->m->where, MESSAGES_MAX);
}

static enum att_err identify_rtu(struct call *c, struct hw_pdu_identity *id, struct att_diag *diag)
{
    const uint8_t request[] = {HW_PDU_SERVER_ID};
    enum att_err err = ask(c, att_slice_of(request, sizeof request), diag);

    return err != ATT_OK ? err : hw_pdu_server_id_read(id, c->pdu, diag);
}

static enum att_err describe(void *ctx, const struct att_channel_source *what, char *out,
                             size_t cap, struct att_diag *diag)
{
    struct modbus *m = ctx;
    struct hw_pdu_identity id = {0};
    struct call c;
    enum att_err err = begin(&c, m, what, diag);

    if (err != ATT_OK)
        return err;
    err = end(&c, m->tcp ? identify_tcp(&c, &id, diag) : identify_rtu(&c, &id, diag));
    if (c.exception == ILLEGAL_CODE)
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_PRV_SOURCE, "identification",
                        "%s: unit %u has no identity to read", m->where, what->unit);
    if (err != ATT_OK)
        return err;
    if (strlen(id.text) >= cap)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_PRV_SOURCE, "identification",
                        "%s: expected at most %zu characters, found %zu", m->where, cap - 1,
                        strlen(id.text));
    memcpy(out, id.text, strlen(id.text) + 1);
    return ATT_OK;
}

static enum att_err command(struct call *c, const struct att_channel_source *what,
                            struct att_slice request, struct att_diag *diag)
{
    struct att_channel_source back;
    enum att_err err = ask(c, request, diag);

    if (err == ATT_OK)
        err = hw_pdu_echo_check(c->pdu, request, diag);
    if (err != ATT_OK)
        return err;
    hw_pdu_read_back(&back, request, what);
    err = ask_to_read(c, &back, diag);
    return err != ATT_OK ? err : hw_pdu_read_back_check(c->pdu, request, diag);
}

static enum att_err write_frame(void *ctx, const struct att_channel_source *what,
                                const uint8_t *frame, size_t len, struct att_diag *diag)
{
    struct att_slice request = att_slice_of(frame, len);
    struct call c;
    enum att_err err = begin(&c, ctx, what, diag);

    if (err == ATT_OK)
        err = hw_pdu_write_check(request, what, diag);
    return err != ATT_OK ? err : end(&c, command(&c, what, request, diag));
}

static void close_source(void *ctx)
{
    struct modbus *m = ctx;

    hang_up(m);
    modbus_free(m->bus);
    free(m);
}

static const struct att_source_ops ops = {
    .read = read_frame, .describe = describe, .write = write_frame, .close = close_source};

static bool is_numeric(const char *address)
{
    uint8_t ignored[16];

    return inet_pton(AF_INET, address, ignored) == 1 || inet_pton(AF_INET6, address, ignored) == 1;
}

static enum att_err options_check(const struct hw_modbus_options *o, struct att_diag *diag)
{
    if ((o->address == NULL) == (o->line == NULL))
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "address",
                        "expected either an address or a serial line");
    if (o->address != NULL && !is_numeric(o->address))
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "address",
                        "expected IPv4 or IPv6 in numbers, such as 192.0.2.7");
    if (o->limit_ms < HW_MODBUS_LIMIT_MIN || o->limit_ms > HW_MODBUS_LIMIT_MAX)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "limit_ms",
                        "expected %d to %d, found %d", HW_MODBUS_LIMIT_MIN, HW_MODBUS_LIMIT_MAX,
                        o->limit_ms);
    if (o->line != NULL && o->parity != 0 && strchr("NEO", o->parity) == NULL)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "parity", "expected N, E or O");
    return ATT_OK;
}

static modbus_t *make_bus(const struct hw_modbus_options *o)
{
    char port[8];

    if (o->line != NULL)
        return modbus_new_rtu(o->line, o->baud > 0 ? o->baud : 19200,
                              o->parity != 0 ? o->parity : 'E', DATA_BITS,
                              o->stop_bits > 0 ? o->stop_bits : 1);
    snprintf(port, sizeof port, "%u", o->port != 0 ? o->port : HW_MODBUS_PORT);
    return modbus_new_tcp_pi(o->address, port);
}

enum att_err hw_modbus_open(struct att_source *out, const struct hw_modbus_options *o,
                            struct att_diag *diag)
{
    enum att_err err = options_check(o, diag);
    struct modbus *m = err != ATT_OK ? NULL : calloc(1, sizeof *m);
    const char *name = o->line != NULL ? o->line : o->address;

    if (err != ATT_OK)
        return err;
    if (m == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "out of memory");
    m->bus = make_bus(o);
    /* no limit between bytes: the one of the whole answer holds, however slowly it drips */
    if (m->bus == NULL || modbus_set_byte_timeout(m->bus, 0, 0) != 0) {
        int error = errno;
        modbus_free(m->bus);
        free(m);
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "source", "%s",
                        modbus_strerror(error));
    }
    att_escape(m->where, sizeof m->where, name, strlen(name));
    m->tcp = o->line == NULL;
    m->limit_ms = o->limit_ms;
    hw_retry_init(&m->retry, o->retry_ms, o->retry_most_ms);
    out->ops = &ops;
    out->ctx = m;
    return ATT_OK;
}
