#include "broker.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "need.h"
#include "remove_tree.h"

#define PATH_CAP 160

static void run(const char *command)
{
    NEED(system(command) == 0);
}

const char *broker_file(const struct broker *b, const char *name)
{
    static char paths[8][PATH_CAP];
    static size_t next;
    char *p = paths[next++ % 8];

    snprintf(p, PATH_CAP, "%s/%s", b->folder, name);
    return p;
}

/* A key, and a certificate of it by the authority: for this machine's name, or for a client. */
static void issue(const struct broker *b, const char *name, const char *extensions)
{
    char command[2048];

    snprintf(
        command, sizeof command,
        "cd %s && { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out %s.key && "
        "openssl req -new -key %s.key -subj /CN=%s -out %s.csr && echo '%s' >%s.ext && "
        "openssl x509 -req -in %s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
        "-extfile %s.ext -out %s.pem; } 2>/dev/null",
        b->folder, name, name, name, name, extensions, name, name, name, name);
    run(command);
}

static void authority(const struct broker *b, const char *name)
{
    char command[1024];

    snprintf(
        command, sizeof command,
        "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "
        "%s.key -subj '/CN=%s' -days 2 -addext basicConstraints=critical,CA:TRUE -out %s.pem "
        "2>/dev/null",
        b->folder, name, name, name);
    run(command);
}

static int bound(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    NEED(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0);
    NEED(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    *port = ntohs(at.sin_port);
    return fd;
}

int broker_mute(uint16_t *port)
{
    int fd = bound(port);

    NEED(listen(fd, 8) == 0);
    return fd;
}

static void configure(const struct broker *b)
{
    FILE *f = fopen(broker_file(b, "mosquitto.conf"), "w");

    NEED(f != NULL);
    fprintf(f, "listener %u 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type error\n",
            b->port);
    if (geteuid() == 0)
        fprintf(f, "user root\n");
    if (!b->plain)
        fprintf(f,
                "cafile %s\ncertfile %s\nkeyfile %s\nrequire_certificate true\n"
                "tls_version tlsv1.3\n",
                broker_file(b, "ca.pem"), broker_file(b, "localhost.pem"),
                broker_file(b, "localhost.key"));
    NEED(fclose(f) == 0);
}

static bool answers(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = connect(fd, (struct sockaddr *)&at, sizeof at) == 0;

    close(fd);
    return yes;
}

void broker_again(struct broker *b)
{
    const char *conf = broker_file(b, "mosquitto.conf");

    b->pid = fork();
    NEED(b->pid >= 0);
    if (b->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setenv("PATH", "/usr/sbin:/usr/local/sbin:/usr/bin:/bin", 1);
        execlp("mosquitto", "mosquitto", "-c", conf, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 500 && !answers(b->port); i++)
        usleep(10000);
    NEED(answers(b->port));
}

bool broker_start(struct broker *b, bool plain)
{
    *b = (struct broker){.plain = plain};
    if (system(
            "PATH=/usr/sbin:/usr/local/sbin:$PATH; command -v mosquitto >/dev/null && command -v "
            "mosquitto_pub >/dev/null && command -v openssl >/dev/null") != 0)
        return false;
    signal(SIGPIPE, SIG_IGN);
    snprintf(b->folder, sizeof b->folder, "/tmp/att-broker-XXXXXX");
    NEED(mkdtemp(b->folder) != NULL);
    if (!plain) {
        authority(b, "ca");
        authority(b, "other");
        issue(b, "localhost", "subjectAltName=DNS:localhost");
        issue(b, "client", "extendedKeyUsage=clientAuth");
    }
    close(bound(&b->port));
    configure(b);
    broker_again(b);
    return true;
}

void broker_stop(struct broker *b)
{
    if (b->pid > 0) {
        kill(b->pid, SIGKILL);
        waitpid(b->pid, NULL, 0);
    }
    b->pid = 0;
}

void broker_end(struct broker *b)
{
    broker_stop(b);
    if (b->folder[0] != '\0')
        remove_tree(b->folder);
}

struct hw_mqtt_options broker_options(const struct broker *b, const char *client_id, int limit_ms)
{
    struct hw_mqtt_options o = {.host = "localhost",
                                .port = b->port,
                                .client_id = client_id,
                                .plain = b->plain,
                                .limit_ms = limit_ms,
                                .retry_ms = 1,
                                .retry_most_ms = 1};

    if (!b->plain) {
        o.ca = broker_file(b, "ca.pem");
        o.certificate = broker_file(b, "client.pem");
        o.key = broker_file(b, "client.key");
    }
    return o;
}

void broker_publish(const struct broker *b, const char *topic, const char *payload, bool retain)
{
    char command[4096], tls[640] = "";

    if (!b->plain)
        snprintf(tls, sizeof tls, "--cafile %s --cert %s --key %s", broker_file(b, "ca.pem"),
                 broker_file(b, "client.pem"), broker_file(b, "client.key"));
    snprintf(command, sizeof command, "mosquitto_pub -h localhost -p %u %s -q 1 %s -t '%s' -m '%s'",
             b->port, tls, retain ? "-r" : "", topic, payload);
    run(command);
}
