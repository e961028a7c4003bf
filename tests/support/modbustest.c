#include "modbustest.h"

#include <arpa/inet.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "need.h"
#include "sensor/modbus.h"

#define ENTRIES 10
#define STUCK   9
#define HEAD    7

static pid_t child(void)
{
    pid_t pid = fork();

    NEED(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
    }
    return pid;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in a;
    socklen_t len = sizeof a;

    NEED(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    return ntohs(a.sin_port);
}

/* libmodbus 3.1.6 knows no function 43: it reads the request up to it, and the rest stands in the socket. */
static void identify(modbus_t *bus, const uint8_t *query)
{
    static const char *const objects[] = {"Aqua Works", "LT-500", "2.1", "SN 4711"};
    uint8_t a[260] = {query[0], query[1], 0, 0, 0, 0, query[6], 43, 14, 3, 0x83, 0, 0, 4};
    uint8_t rest[3];
    size_t at = 14;

    NEED(recv(modbus_get_socket(bus), rest, sizeof rest, MSG_WAITALL) == (ssize_t)sizeof rest);
    for (uint8_t i = 0; i < 4; i++) {
        size_t len = strlen(objects[i]);
        a[at++] = i == 3 ? 0x80 : i;
        a[at++] = (uint8_t)len;
        memcpy(a + at, objects[i], len);
        at += len;
    }
    a[5] = (uint8_t)(at - 6);
    NEED(send(modbus_get_socket(bus), a, at, MSG_NOSIGNAL) == (ssize_t)at);
}

static modbus_mapping_t *make_map(void)
{
    modbus_mapping_t *map = modbus_mapping_new(ENTRIES, ENTRIES, ENTRIES, ENTRIES);

    NEED(map != NULL);
    for (uint16_t i = 0; i < ENTRIES; i++) {
        map->tab_input_registers[i] = (uint16_t)(100 + i);
        map->tab_input_bits[i] = i % 3 == 0;
    }
    return map;
}

static void serve(modbus_t *bus, modbus_mapping_t *map, bool tcp)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int n;

    while ((n = modbus_receive(bus, query)) >= 0) {
        if (tcp && n > 0 && query[HEAD] == 43) {
            identify(bus, query);
            continue;
        }
        if (n > 0)
            modbus_reply(bus, query, n, map);
        map->tab_registers[STUCK] = 0;
    }
}

struct modbustest modbustest_tcp(void)
{
    return modbustest_tcp_at(0);
}

struct modbustest modbustest_tcp_at(uint16_t port)
{
    struct modbustest d = {0};
    modbus_t *bus = modbus_new_tcp("127.0.0.1", port);
    int listening = bus == NULL ? -1 : modbus_tcp_listen(bus, 4);

    NEED(listening >= 0);
    d.port = port_of(listening);
    d.pid[0] = child();
    if (d.pid[0] == 0) {
        modbus_mapping_t *map = make_map();
        while (modbus_tcp_accept(bus, &listening) >= 0) {
            serve(bus, map, true);
            modbus_close(bus);
        }
        _exit(1);
    }
    close(listening);
    modbus_free(bus);
    return d;
}

static _Noreturn void pump(int a, int b)
{
    struct pollfd p[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
    char bytes[256];

    for (;;) {
        /* the far end of a pseudo terminal that nobody has open hangs up: wait for somebody */
        poll(p, 2, -1);
        for (int i = 0; i < 2; i++) {
            ssize_t n = p[i].revents & POLLIN ? read(p[i].fd, bytes, sizeof bytes) : 0;
            if (n > 0)
                NEED(write(p[1 - i].fd, bytes, (size_t)n) == n);
            if (n <= 0 && p[i].revents & POLLHUP)
                usleep(1000);
        }
    }
}

struct line {
    int near[2], far[2]; /* masters and terminals */
    char near_name[64], far_name[64];
};

/* Whoever opens near_name talks with whoever opens far_name; the process that carries the bytes keeps both open. */
static pid_t make_line(struct line *l)
{
    struct termios raw = {0};
    pid_t pid = 0;

    cfmakeraw(&raw);
    NEED(openpty(&l->near[0], &l->near[1], l->near_name, &raw, NULL) == 0);
    NEED(openpty(&l->far[0], &l->far[1], l->far_name, &raw, NULL) == 0);
    pid = child();
    if (pid == 0)
        pump(l->near[0], l->far[0]);
    close(l->near[0]);
    close(l->far[0]);
    return pid;
}

struct modbustest modbustest_rtu(void)
{
    struct modbustest d = {0};
    struct line l;

    d.pid[1] = make_line(&l);
    memcpy(d.line, l.near_name, sizeof d.line);
    d.pid[0] = child();
    if (d.pid[0] == 0) {
        modbus_t *bus = modbus_new_rtu(l.far_name, 115200, 'N', 8, 1);
        NEED(bus != NULL && modbus_set_slave(bus, MODBUSTEST_UNIT) == 0 &&
             modbus_connect(bus) == 0);
        for (;;)
            serve(bus, make_map(), false);
    }
    close(l.near[1]);
    close(l.far[1]);
    return d;
}

/* A liar's answer to one request. */
struct answer {
    uint8_t adu[700];
    size_t len;
};

static void set_length(struct answer *a)
{
    a->adu[4] = (uint8_t)((a->len - 6) >> 8);
    a->adu[5] = (uint8_t)(a->len - 6);
}

/* A read gets registers that have the request's number; a write is confirmed; an identity is one object "X". */
static struct answer honest(const uint8_t *request, int number, size_t registers)
{
    struct answer a = {.len = HEAD + 2 + 2 * registers};

    memcpy(a.adu, request, HEAD + 1);
    a.adu[HEAD + 1] = (uint8_t)(2 * registers);
    for (size_t i = 0; i < registers; i++)
        a.adu[HEAD + 3 + 2 * i] = (uint8_t)number;
    if (request[HEAD] == 6 || request[HEAD] == 16) {
        a.len = HEAD + 5;
        memcpy(a.adu, request, a.len);
    }
    if (request[HEAD] == 43) {
        const uint8_t id[] = {43, 14, 1, 1, 0, 0, 1, 0, 1, 'X'};
        memcpy(a.adu + HEAD, id, sizeof id);
        a.len = HEAD + sizeof id;
    }
    set_length(&a);
    return a;
}

static void twist(struct answer *a, enum modbustest_lie lie)
{
    uint8_t *pdu = a->adu + HEAD;

    if (lie == LIE_TRANSACTION)
        a->adu[1] ^= 1;
    if (lie == LIE_PROTOCOL)
        a->adu[3] = 1;
    if (lie == LIE_UNIT)
        a->adu[6]++;
    if (lie == LIE_LENGTH)
        a->adu[5]++;
    if (lie == LIE_FUNCTION)
        pdu[0] ^= 7;
    if (lie == LIE_ODD) {
        pdu[1]++;
        a->len++;
        set_length(a);
    }
    if (lie == LIE_TRUNCATED)
        a->len -= 3;
    if (lie == LIE_OVERSIZED) {
        pdu[1] = 255;
        a->len = sizeof a->adu;
        set_length(a);
    }
    if (lie == LIE_EXCEPTION || lie == LIE_EXCEPTION_LONG) {
        pdu[0] |= 0x80;
        pdu[1] = 2;
        a->len = HEAD + (lie == LIE_EXCEPTION ? 2 : 3);
        set_length(a);
    }
    if (lie == LIE_ECHO && (pdu[0] == 6 || pdu[0] == 16))
        pdu[2]++;
    if (lie == LIE_IDENTITY_LOOP && pdu[0] == 43)
        pdu[4] = 0xff, pdu[5] = 1;
    if (lie == LIE_IDENTITY_SHORT && pdu[0] == 43)
        pdu[8] = 200;
}

static void say(int fd, const struct answer *a, enum modbustest_lie lie, int number)
{
    if (lie == LIE_SILENT)
        return;
    if (lie == LIE_LATE && number == 1)
        usleep(1200000);
    for (size_t i = 0; lie == LIE_DRIP && i < a->len; i++) {
        if (send(fd, a->adu + i, 1, MSG_NOSIGNAL) != 1)
            return;
        usleep(40000);
    }
    if (lie != LIE_DRIP && send(fd, a->adu, a->len, MSG_NOSIGNAL) < 0)
        return;
    if (lie == LIE_TRUNCATED)
        shutdown(fd, SHUT_RDWR);
    if (lie == LIE_TWICE) {
        usleep(20000);
        if (send(fd, a->adu, a->len, MSG_NOSIGNAL) < 0)
            return;
    }
}

static bool receive_request(int fd, uint8_t request[260])
{
    ssize_t head = recv(fd, request, HEAD, MSG_WAITALL);
    size_t rest = head == HEAD ? (size_t)(request[4] << 8 | request[5]) - 1 : 0;

    return rest > 0 && rest <= 253 && recv(fd, request + HEAD, rest, MSG_WAITALL) == (ssize_t)rest;
}

static void lie_to(int fd, enum modbustest_lie lie, int *number)
{
    uint8_t request[260] = {0};

    while (receive_request(fd, request)) {
        size_t registers = request[HEAD] <= 4 ? (size_t)(request[10] << 8 | request[11]) : 0;
        registers += lie == LIE_MORE;
        registers -= lie == LIE_FEWER && registers > 1;
        struct answer a = honest(request, ++*number, registers);
        twist(&a, lie);
        say(fd, &a, lie, *number);
    }
}

struct modbustest modbustest_liar(enum modbustest_lie lie)
{
    struct modbustest d = {0};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), number = 0;

    NEED(listening >= 0 && bind(listening, (struct sockaddr *)&at, sizeof at) == 0);
    NEED(listen(listening, 4) == 0);
    d.port = port_of(listening);
    d.pid[0] = child();
    if (d.pid[0] == 0)
        for (;;) {
            int fd = accept(listening, NULL, NULL);
            lie_to(fd, lie, &number);
            close(fd);
        }
    close(listening);
    return d;
}

/* Serial line guide 6.2.2: CRC-16, the low byte first. */
static void add_crc(uint8_t *adu, size_t len)
{
    unsigned int crc = 0xffff;

    for (size_t i = 0; i < len; i++) {
        crc ^= adu[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1;
    }
    adu[len] = (uint8_t)crc;
    adu[len + 1] = (uint8_t)(crc >> 8);
}

/* Reads of one register alone: eight bytes, of which the answer has the number of the request. */
static void lie_on_line(int fd, enum modbustest_lie lie)
{
    uint8_t q[8];
    size_t have = 0;

    for (int number = 1;; number++) {
        for (have = 0; have < sizeof q;) {
            ssize_t n = read(fd, q + have, sizeof q - have);
            NEED(n > 0);
            have += (size_t)n;
        }
        uint8_t a[7] = {q[0], q[1], 2, 0, (uint8_t)number};
        a[0] = (uint8_t)(lie == LIE_UNIT ? 0 : a[0] + (lie == LIE_PROTOCOL));
        a[1] ^= lie == LIE_FUNCTION ? 7 : 0;
        add_crc(a, 5);
        a[6] ^= lie == LIE_TRUNCATED;
        if (lie == LIE_LATE && number == 1)
            usleep(1200000);
        for (int i = 0; i < (lie == LIE_TWICE ? 2 : 1); i++) {
            NEED(write(fd, a, sizeof a) == (ssize_t)sizeof a);
            usleep(20000);
        }
    }
}

struct modbustest modbustest_rtu_liar(enum modbustest_lie lie)
{
    struct modbustest d = {0};
    struct line l;

    d.pid[1] = make_line(&l);
    memcpy(d.line, l.near_name, sizeof d.line);
    d.pid[0] = child();
    if (d.pid[0] == 0)
        lie_on_line(l.far[1], lie);
    close(l.near[1]);
    close(l.far[1]);
    return d;
}

/* The queue of a listener that accepts nobody is full after a few. They stay open until the test ends. */
struct modbustest modbustest_deaf(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct modbustest d = {0};

    NEED(listening >= 0 && bind(listening, (struct sockaddr *)&at, sizeof at) == 0);
    NEED(listen(listening, 0) == 0);
    d.port = port_of(listening);
    at.sin_port = htons(d.port);
    for (int i = 0; i < 4; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        NEED(fd >= 0);
        (void)!connect(fd, (struct sockaddr *)&at, sizeof at);
    }
    usleep(50000);
    return d;
}

void modbustest_stop(struct modbustest *d)
{
    for (int i = 0; i < 2; i++)
        if (d->pid[i] > 0) {
            kill(d->pid[i], SIGKILL);
            waitpid(d->pid[i], NULL, 0);
        }
    *d = (struct modbustest){0};
}

struct att_source modbustest_open(const struct modbustest *d, int limit_ms)
{
    struct hw_modbus_options o = {.limit_ms = limit_ms, .retry_ms = 1, .retry_most_ms = 1};
    struct att_source s = {0};

    if (d->line[0] != '\0') {
        o.line = d->line;
        o.baud = 115200;
        o.parity = 'N';
    } else {
        o.address = "127.0.0.1";
        o.port = d->port;
    }
    NEED(hw_modbus_open(&s, &o, NULL) == ATT_OK);
    return s;
}

struct att_channel_source modbustest_at(uint8_t function, uint16_t address, uint16_t count)
{
    return (struct att_channel_source){
        .bus = ATT_BUS_MODBUS,
        .device = "plc",
        .unit = MODBUSTEST_UNIT,
        .function = function,
        .address = address,
        .count = count,
    };
}
