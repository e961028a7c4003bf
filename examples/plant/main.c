/*
 * plant - the water plant as a Modbus TCP device on a loopback port, with a control socket for what happens to it.
 *
 * One thread, one poll: requests are answered in the order in which they come, each with the plant as it is then.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <modbus/modbus.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "plant/control.h"

#define UNIT           1
#define CLIENTS        16 /* of each kind */
#define LINE_CAP       128
#define ANSWER_CAP     512
#define INPUTS         8 /* registers */
#define HOLDINGS       2
#define BITS           1
#define AT_FUNCTION    7 /* in a request by TCP, behind its header */
#define IDENTIFY       43
#define PATIENCE_US    200000 /* for the rest of a request that has begun */
#define CATCH_UP_STEPS 100000 /* at once, when the machine was busy or asleep */
#define SPEED_MAX      100000.0

struct server {
    struct plant_site site;
    modbus_t *bus;
    modbus_mapping_t *map;
    int modbus_fd, control_fd; /* that listen; control_fd is -1 without a socket */
    int device[CLIENTS];
    int control[CLIENTS];
    char line[CLIENTS][LINE_CAP];
    size_t line_len[CLIENTS];
    double speed, due; /* steps of the plant to catch up with */
    struct timespec last;
};

struct options {
    int port;
    const char *control;
    unsigned long long seed;
    double speed;
};

static void die(const char *what)
{
    fprintf(stderr, "plant: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* --- time --- */

static void catch_up(struct server *s)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    s->due +=
        s->speed *
        ((double)(now.tv_sec - s->last.tv_sec) + 1e-9 * (double)(now.tv_nsec - s->last.tv_nsec)) /
        PLANT_STEP_S;
    s->last = now;
    s->due = fmin(s->due, CATCH_UP_STEPS);
    for (; s->due >= 1.0; s->due -= 1.0)
        plant_step(&s->site.plant);
}

/* --- registers --- */

static void put_float(uint16_t *to, double v)
{
    float f = (float)fmax(-1e9, fmin(v, 1e9));
    uint32_t bits = 0;

    memcpy(&bits, &f, sizeof bits);
    to[0] = (uint16_t)(bits >> 16);
    to[1] = (uint16_t)bits;
}

static void fill_registers(struct server *s)
{
    const struct plant *p = &s->site.plant;
    uint16_t *in = s->map->tab_input_registers;
    size_t levels = s->site.swapped ? 4 : 0, flow = s->site.swapped ? 0 : 4;

    in[levels] = plant_loop_ua(p, PLANT_LEVEL_A);
    in[levels + 1] = plant_loop_ua(p, PLANT_LEVEL_B);
    put_float(in + 2, p->reading[PLANT_FLOW_IN].says);
    put_float(in + flow, p->reading[PLANT_FLOW_OUT].says);
    in[6] = plant_valve_permille(p);
    in[7] = p->pump > 0.5;
    s->map->tab_registers[0] = (uint16_t)lround(1000.0 * p->valve_command);
    s->map->tab_registers[1] = p->pump_command;
    s->map->tab_bits[0] = p->door_open;
    s->map->tab_input_bits[0] = p->door_open;
}

/* What a write has changed is a command. A value that no valve and no pump has is not one. */
static bool take_commands(struct server *s, const uint16_t before[HOLDINGS])
{
    const uint16_t *after = s->map->tab_registers;

    if (after[0] > 1000 || after[1] > 1)
        return false;
    if (after[0] != before[0])
        plant_set_valve(&s->site.plant, after[0] / 1000.0);
    if (after[1] != before[1])
        plant_set_pump(&s->site.plant, after[1] == 1);
    return true;
}

static bool is_write(uint8_t function)
{
    return function == 6 || function == 16;
}

/* The values of a write, from the request alone: libmodbus confirms before anybody could object. */
static bool write_is_legal(const uint8_t *q, int len)
{
    unsigned int first = (unsigned int)q[8] << 8 | q[9];
    unsigned int count = q[AT_FUNCTION] == 6 ? 1 : (unsigned int)q[10] << 8 | q[11];
    int values = q[AT_FUNCTION] == 6 ? 10 : 13;

    for (unsigned int i = 0; i < count && values + 2 * (int)i + 1 < len; i++) {
        unsigned int v = (unsigned int)q[values + 2 * (int)i] << 8 | q[values + 2 * (int)i + 1];
        if ((first + i == 0 && v > 1000) || (first + i == 1 && v > 1))
            return false;
    }
    return true;
}

/* --- identity: function 43/14, which libmodbus does not know: it leaves the rest of the request in the socket --- */

static size_t add_object(uint8_t *to, uint8_t id, const char *text)
{
    size_t len = strlen(text);

    to[0] = id;
    to[1] = (uint8_t)len;
    memcpy(to + 2, text, len);
    return 2 + len;
}

static bool identify(struct server *s, int fd, const uint8_t *q)
{
    uint8_t rest[3], a[MODBUS_TCP_MAX_ADU_LENGTH] = {q[0], q[1], 0, 0, 0, 0, q[6], IDENTIFY, 14};
    size_t len = 14;

    if (recv(fd, rest, sizeof rest, MSG_WAITALL) != (ssize_t)sizeof rest)
        return false;
    a[9] = rest[1];
    a[10] = 0x83; /* basic, regular and extended objects, as a stream or one by one */
    a[13] = 4;
    len += add_object(a + len, 0, "Example Works");
    len += add_object(a + len, 1, "WTP-1");
    len += add_object(a + len, 2, "1.0");
    len += add_object(a + len, 0x80, s->site.plant.serial);
    a[5] = (uint8_t)(len - 6);
    return send(fd, a, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* --- requests --- */

static bool answer(struct server *s, int fd)
{
    uint8_t q[MODBUS_TCP_MAX_ADU_LENGTH] = {0};
    uint16_t before[HOLDINGS];
    int n = 0;

    modbus_set_socket(s->bus, fd);
    n = modbus_receive(s->bus, q);
    if (n < AT_FUNCTION + 1)
        return false;
    catch_up(s);
    fill_registers(s);
    memcpy(before, s->map->tab_registers, sizeof before);
    if (q[AT_FUNCTION - 1] != UNIT)
        return modbus_reply_exception(s->bus, q, MODBUS_EXCEPTION_GATEWAY_TARGET) >= 0;
    if (q[AT_FUNCTION] == IDENTIFY)
        return identify(s, fd, q);
    if (is_write(q[AT_FUNCTION]) && !write_is_legal(q, n))
        return modbus_reply_exception(s->bus, q, MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE) >= 0;
    if (modbus_reply(s->bus, q, n, s->map) < 0)
        return false;
    return take_commands(s, before);
}

static void reply(struct server *s, int fd, const char *line)
{
    char text[ANSWER_CAP + 1];

    catch_up(s);
    plant_control(&s->site, line, text, ANSWER_CAP);
    strcat(text, "\n");
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static bool listen_to(struct server *s, size_t i)
{
    char *line = s->line[i], *end = NULL;
    ssize_t n = recv(s->control[i], line + s->line_len[i], LINE_CAP - 1 - s->line_len[i], 0);

    if (n <= 0)
        return false;
    s->line_len[i] += (size_t)n;
    line[s->line_len[i]] = '\0';
    while ((end = strchr(line, '\n')) != NULL) {
        *end = '\0';
        reply(s, s->control[i], line);
        s->line_len[i] -= (size_t)(end + 1 - line);
        memmove(line, end + 1, s->line_len[i] + 1);
    }
    return s->line_len[i] < LINE_CAP - 1;
}

/* --- connections --- */

static void accept_into(int listening, int places[CLIENTS])
{
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

    for (int i = 0; fd >= 0 && i < CLIENTS; i++)
        if (places[i] < 0) {
            places[i] = fd;
            return;
        }
    if (fd >= 0)
        close(fd);
}

static void hang_up(int *fd)
{
    close(*fd);
    *fd = -1;
}

static void turn(struct server *s)
{
    struct pollfd p[2 + 2 * CLIENTS] = {{.fd = s->modbus_fd, .events = POLLIN},
                                        {.fd = s->control_fd, .events = POLLIN}};

    for (int i = 0; i < CLIENTS; i++) {
        p[2 + i] = (struct pollfd){.fd = s->device[i], .events = POLLIN};
        p[2 + CLIENTS + i] = (struct pollfd){.fd = s->control[i], .events = POLLIN};
    }
    if (poll(p, sizeof p / sizeof p[0], 100) < 0 && errno != EINTR)
        die("poll");
    catch_up(s);
    for (int i = 0; i < CLIENTS; i++) {
        if (p[2 + i].revents != 0 && !answer(s, s->device[i]))
            hang_up(&s->device[i]);
        if (p[2 + CLIENTS + i].revents != 0 && !listen_to(s, (size_t)i)) {
            hang_up(&s->control[i]);
            s->line_len[i] = 0;
        }
    }
    if (p[0].revents != 0)
        accept_into(s->modbus_fd, s->device);
    if (p[1].revents != 0)
        accept_into(s->control_fd, s->control);
}

/* --- start --- */

static int listen_modbus(struct server *s, int port)
{
    struct sockaddr_in at;
    socklen_t len = sizeof at;

    s->bus = modbus_new_tcp("127.0.0.1", port);
    s->map = modbus_mapping_new(BITS, BITS, HOLDINGS, INPUTS);
    s->modbus_fd = s->bus == NULL ? -1 : modbus_tcp_listen(s->bus, CLIENTS);
    if (s->map == NULL || s->modbus_fd < 0 ||
        getsockname(s->modbus_fd, (struct sockaddr *)&at, &len) != 0)
        die("cannot listen");
    modbus_set_indication_timeout(s->bus, 0, PATIENCE_US);
    return ntohs(at.sin_port);
}

static int listen_control(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof at.sun_path) {
        errno = ENAMETOOLONG;
        die(path);
    }
    memcpy(at.sun_path, path, strlen(path));
    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, CLIENTS) != 0)
        die(path);
    return fd;
}

static void usage(FILE *to)
{
    fprintf(to,
            "usage: plant [--port N] [--control PATH] [--seed N] [--speed FACTOR]\n"
            "A water plant as a Modbus TCP device on 127.0.0.1; port 0, the default, takes a free "
            "one and tells it.\n"
            "Speed 60 lets an hour pass in a minute; 0 lets time stand but for \"run\". Commands "
            "on the control socket:\n%s",
            plant_commands);
}

static struct options parse(int argc, char **argv)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'}, {"control", required_argument, NULL, 'c'},
        {"seed", required_argument, NULL, 's'}, {"speed", required_argument, NULL, 'x'},
        {"help", no_argument, NULL, 'h'},       {0},
    };
    struct options o = {.seed = 1, .speed = 1.0};
    int c = 0;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c == 'p')
            o.port = atoi(optarg);
        if (c == 'c')
            o.control = optarg;
        if (c == 's')
            o.seed = strtoull(optarg, NULL, 10);
        if (c == 'x')
            o.speed = strtod(optarg, NULL);
        if (c == 'h') {
            usage(stdout);
            exit(0);
        }
        if (c == '?')
            exit(2);
    }
    if (optind != argc || o.port < 0 || o.port > 65535 ||
        !(o.speed >= 0.0 && o.speed <= SPEED_MAX)) {
        usage(stderr);
        exit(2);
    }
    return o;
}

int main(int argc, char **argv)
{
    struct options o = parse(argc, argv);
    static struct server s;

    signal(SIGPIPE, SIG_IGN);
    plant_init(&s.site.plant, o.seed);
    s.speed = o.speed;
    for (int i = 0; i < CLIENTS; i++)
        s.device[i] = s.control[i] = -1;
    s.control_fd = o.control == NULL ? -1 : listen_control(o.control);
    clock_gettime(CLOCK_MONOTONIC, &s.last);
    printf("plant: port %d seed %llu speed %g\n", listen_modbus(&s, o.port), o.seed, o.speed);
    fflush(stdout);
    while (!s.site.quit)
        turn(&s);
    if (o.control != NULL)
        unlink(o.control);
    return 0;
}
