/* The real verifier in a temporary folder: made, started, watched and stopped. */
#include "service.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gateway.h"
#include "need.h"
#include "policy/refval.h"

#define READY_MS   10000
#define STOP_MS    10000
#define CONFIG_MAX 8192

const char service_policy[] =
    "policy: attacks\n"
    "version: 1\n"
    "boot_log_pcrs: [0, 1, 2, 3, 4, 5, 6, 7]\n"
    "label_ttl: 4h\n"
    "interval: 10m\n"
    "requirements:\n"
    "  - {id: grade, severity: fail, grade_at_least: E3, title: {en: graded E3, ja: E3}}\n"
    "  - {id: logs, severity: fail, logs: [uefi, ima, own], title: {en: all logs, ja: logs}}\n"
    "  - {id: boot, severity: fail, boot_pcrs: [0, 1, 2, 3, 4, 5, 6, 7],\n"
    "     title: {en: known firmware, ja: firmware}}\n"
    "  - {id: files, severity: fail, own_items: {under: [/usr, /etc], unlisted: fail},\n"
    "     title: {en: known files, ja: files}}\n"
    "  - {id: needed, severity: fail, own_measured: [/etc/gateway.conf],\n"
    "     title: {en: what must be measured, ja: files}}\n"
    "  - {id: ima, severity: fail, ima_files: {unlisted: fail}, title: {en: known code, ja: ima}}\n"
    "  - {id: clean, severity: fail, ima_violations: fail, title: {en: no violation, ja: ima}}\n"
    "  - {id: tpm, severity: fail, tpm_firmware: unchanged, title: {en: same TPM, ja: tpm}}\n";

static int64_t now_ms(void)
{
    struct timespec t;

    NEED(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void nap_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

static const char *build_folder(void)
{
    const char *build = getenv("BUILD");

    return build != NULL && build[0] != '\0' ? build : "build/release";
}

static void write_text(const char *dir, const char *name, const char *text, size_t len)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "wb");
    NEED(f != NULL && fwrite(text, 1, len, f) == len && fclose(f) == 0);
    NEED(chmod(path, 0600) == 0);
}

static void pin(int only_cpu)
{
    cpu_set_t set;
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    long i;

    CPU_ZERO(&set);
    for (i = 0; i < count; i++) {
        if (only_cpu == 0 || i == only_cpu - 1) {
            CPU_SET((size_t)i, &set);
        }
    }
    if (CPU_COUNT(&set) > 0) {
        (void)sched_setaffinity(0, sizeof(set), &set);
    }
}

static pid_t spawn(const char *path, char *const *args, int out_fd,
                   const struct service_options *options)
{
    pid_t pid = fork();

    NEED(pid >= 0);
    if (pid > 0) {
        return pid;
    }
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that is killed leaves no service behind */
    if (out_fd >= 0) {
        (void)dup2(out_fd, STDOUT_FILENO);
        (void)dup2(out_fd, STDERR_FILENO);
    }
    if (options != NULL) {
        pin(options->only_cpu);
    }
    if (options != NULL && options->preload != NULL) {
        (void)setenv("LD_PRELOAD", options->preload, 1);
    }
    execv(path, args);
    _exit(127);
}

static int read_all(int fd, char *out, size_t cap)
{
    size_t len = 0;

    for (;;) {
        char sink[512];
        bool room = len + 1 < cap;
        ssize_t n = room ? read(fd, out + len, cap - 1 - len) : read(fd, sink, sizeof(sink));

        if (n <= 0) {
            break;
        }
        len += room ? (size_t)n : 0;
    }
    if (cap != 0) {
        out[len] = '\0';
    }
    return (int)len;
}

int service_program(char *out, size_t cap, const char *name, const char *const *args)
{
    char path[512];
    char *argv[40] = {path};
    int fd[2];
    int status = 0;
    size_t i;
    pid_t pid;

    snprintf(path, sizeof(path), "%s/%s", build_folder(), name);
    for (i = 0; args[i] != NULL; i++) {
        NEED(i + 2 < ATT_COUNT(argv));
        argv[i + 1] = strdup(args[i]);
        NEED(argv[i + 1] != NULL);
    }
    NEED(pipe2(fd, O_CLOEXEC) == 0);
    pid = spawn(path, argv, fd[1], NULL);
    close(fd[1]);
    read_all(fd[0], out, out != NULL ? cap : 0);
    close(fd[0]);
    NEED(waitpid(pid, &status, 0) == pid);
    for (i = 1; argv[i] != NULL; i++) {
        free(argv[i]);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * Test programs that run beside this one draw ports too. Whoever bound the abstract name of a port has it until the
 * process ends, so that no other takes it between the draw and the start.
 */
static bool port_is_ours(uint16_t port)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int len = snprintf(&name.sun_path[1], sizeof(name.sun_path) - 1, "att-test-port-%u", port);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);

    NEED(fd >= 0);
    if (bind(fd, (struct sockaddr *)&name, size) == 0) {
        return true; /* fd stays open on purpose */
    }
    close(fd);
    return false;
}

/* Below the range that the kernel gives to connections. */
static uint16_t free_port(void)
{
    for (int tries = 0; tries < 1000; tries++) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        uint16_t random = 0;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int rc;

        NEED(fd >= 0 && att_random(&random, sizeof(random)) == ATT_OK);
        a.sin_port = htons((uint16_t)(16384 + random % 16000));
        rc = bind(fd, (struct sockaddr *)&a, sizeof(a));
        close(fd);
        if (rc == 0 && port_is_ours(ntohs(a.sin_port))) {
            return ntohs(a.sin_port);
        }
    }
    NEED(false && "a port is free");
    return 0;
}

/* Those of files that no gateway has. */
static void add_others(struct att_refvals_maker *m, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t digest[32];
        char name[48];

        (void)snprintf(name, sizeof(name), "/usr/lib/other/file-%u", (unsigned int)i);
        NEED(att_sha256(att_slice_str(name), digest) == ATT_OK);
        NEED(att_refvals_maker_add(m, att_slice_str(name), digest) == ATT_OK);
    }
}

/* Reference values of what gateway_boot measures, found by booting a gateway that talks to nobody. */
static void write_refvals(const struct service *s)
{
    struct gateway *g =
        gateway_new(s->tls, "127.0.0.1", 1, "model", softtpm_new(NULL, SOFTTPM_EK_P256));
    ATT_CLEANUP(att_refvals_maker_freep) struct att_refvals_maker *m = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *out = NULL;
    char name[32];
    uint32_t i;

    gateway_boot(g);
    NEED(att_refvals_maker_new(&m) == ATT_OK);
    for (i = 0; i < 10; i++) {
        snprintf(name, sizeof(name), "pcr/sha256/%u", (unsigned int)i);
        NEED(att_refvals_maker_add(m, att_slice_str(name),
                                   softtpm_pcr(g->tpm, ATT_HASH_SHA256, i)) == ATT_OK);
    }
    for (i = 0; i < GATEWAY_FILE_COUNT; i++) {
        uint8_t digest[32];

        NEED(att_sha256(att_slice_str(gateway_contents[i]), digest) == ATT_OK);
        NEED(att_refvals_maker_add(m, att_slice_str(gateway_files[i]), digest) == ATT_OK);
    }
    add_others(m, s->options.more_refvals);
    NEED(att_refvals_maker_finish(&out, m) == ATT_OK);
    write_text(s->dir, "refvals.bin", (const char *)att_buf_slice(out).p, att_buf_slice(out).len);
    gateway_free(g);
}

void service_configure(struct service *s)
{
    const struct service_options *o = &s->options;
    const char *policy = o->policy != NULL ? o->policy : service_policy;
    char text[CONFIG_MAX];
    int len =
        snprintf(text, sizeof(text),
                 "verifier_id: " SERVICE_VERIFIER "\n"
                 "listen: \"127.0.0.1:%u\"\n"
                 "operator: \"127.0.0.1:%u\"\n"
                 "admin_socket: admin.sock\n"
                 "state_dir: state\n"
                 "tls: {cert: tls.pem, key: tls.key}\n"
                 "device_ca: {cert: device-ca.pem, key: \"file:device-ca.key\"}\n"
                 "label: {chain: label.pem, key: \"file:label.key\"}\n"
                 "log: {key: \"file:log.key\"}\n"
                 "data_key: {key: \"file:data-key.key\"}\n"
                 "%s"
                 "%s"
                 "ek_anchors: ek.d\n"
                 "insecure_file_key: true\n"
                 "public: %s\n"
                 "fronts: %d\n"
                 "nonce_ttl: %s\n"
                 "%s%s\n%s",
                 (unsigned int)s->port, (unsigned int)s->operator_port,
                 o->signed_policy ? "policy: policy.cose\npolicy_signers: policy-signers\n"
                                  : "policy: policy.yaml\ninsecure_unsigned_policy: true\n",
                 o->without_refvals ? "" : "refvals: refvals.bin\n",
                 o->public_labels ? "true" : "false", o->fronts > 0 ? o->fronts : 1,
                 o->nonce_ttl != NULL ? o->nonce_ttl : "2m", o->limits != NULL ? "limits: " : "",
                 o->limits != NULL ? o->limits : "", o->extra != NULL ? o->extra : "");

    NEED(len > 0 && (size_t)len < sizeof(text));
    write_text(s->dir, "attestd.yaml", text, (size_t)len);
    write_text(s->dir, "policy.yaml", policy, strlen(policy));
}

struct service *service_new(const struct service_options *options)
{
    struct service *s = calloc(1, sizeof(*s));
    const char *init[] = {"init",          "--dir",          NULL, "--insecure-file-key",
                          "--verifier-id", SERVICE_VERIFIER, NULL};
    char path[160];
    char said[2048];

    NEED(s != NULL);
    if (options != NULL) {
        s->options = *options;
    }
    snprintf(s->dir, sizeof(s->dir), "/tmp/attestd-test-XXXXXX");
    NEED(mkdtemp(s->dir) != NULL);
    init[2] = s->dir;
    if (service_program(said, sizeof(said), "attestd", init) != 0) {
        fprintf(stderr, "attestd init: %s\n", said);
        NEED(false && "attestd init works");
    }
    snprintf(s->ca_path, sizeof(s->ca_path), "%s/ca.pem", s->dir);
    snprintf(s->admin_path, sizeof(s->admin_path), "%s/admin.sock", s->dir);
    s->port = free_port();
    s->operator_port = free_port();
    s->ek_ca = softtpm_ca_new("Test maker of TPMs");
    snprintf(path, sizeof(path), "%s/ek.d", s->dir);
    NEED(mkdir(path, 0700) == 0 || errno == EEXIST);
    snprintf(path, sizeof(path), "%s/ek.d/maker.pem", s->dir);
    softtpm_ca_write_pem(s->ek_ca, path);
    s->tls = client_tls_new(s->ca_path);
    if (!s->options.without_refvals) {
        write_refvals(s);
    }
    service_configure(s);
    return s;
}

static void show_log(const struct service *s)
{
    char path[96];
    char text[8192];
    int fd;

    snprintf(path, sizeof(path), "%s/log", s->dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        read_all(fd, text, sizeof(text));
        close(fd);
        fprintf(stderr, "%s\n", text);
    }
}

void service_start(struct service *s)
{
    char path[512];
    char config[128];
    char log_path[96];
    char *args[] = {path, (char[]){"run"}, (char[]){"--config"}, config, NULL};
    int64_t deadline = now_ms() + READY_MS;
    int fd;

    NEED(s->pid == 0);
    snprintf(path, sizeof(path), "%s/attestd", build_folder());
    snprintf(config, sizeof(config), "%s/attestd.yaml", s->dir);
    snprintf(log_path, sizeof(log_path), "%s/log", s->dir);
    fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    NEED(fd >= 0);
    s->pid = spawn(path, args, fd, &s->options);
    close(fd);
    while (service_operator(s, "/readyz", NULL, 0) != 200) {
        int status;

        if (now_ms() > deadline || waitpid(s->pid, &status, WNOHANG) == s->pid) {
            show_log(s);
            service_kill(s);
            NEED(false && "attestd becomes ready");
        }
        nap_ms(10);
    }
}

void service_stop(struct service *s)
{
    int64_t deadline = now_ms() + STOP_MS;
    int status = 0;

    if (s->pid == 0) {
        return;
    }
    NEED(kill(s->pid, SIGTERM) == 0);
    while (waitpid(s->pid, &status, WNOHANG) == 0) {
        if (now_ms() > deadline) {
            show_log(s);
            service_kill(s);
            NEED(false && "attestd stops in time");
        }
        nap_ms(5);
    }
    s->pid = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        show_log(s);
        NEED(false && "attestd stops cleanly");
    }
}

void service_kill(struct service *s)
{
    if (s->pid == 0) {
        return;
    }
    kill(-s->pid, SIGKILL); /* the group that spawn made: all its processes */
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
    nap_ms(20); /* grandchildren let go of port and lock */
}

static void remove_folder(const char *path)
{
    char *args[] = {(char[]){"rm"}, (char[]){"-rf"}, strdup(path), NULL};
    pid_t pid;

    NEED(strncmp(path, "/tmp/attestd-test-", 18) == 0);
    pid = spawn("/bin/rm", args, -1, NULL);
    NEED(waitpid(pid, NULL, 0) == pid);
    free(args[2]);
}

void service_free(struct service *s)
{
    if (s == NULL) {
        return;
    }
    service_stop(s);
    if (getenv("KEEP") == NULL) {
        remove_folder(s->dir);
    }
    client_tls_free(s->tls);
    softtpm_ca_free(s->ek_ca);
    free(s);
}

/* All of one answer is here: its head, and as many bytes as it says. */
static bool answer_complete(const char *text, size_t len)
{
    const char *body = strstr(text, "\r\n\r\n");
    const char *said = strcasestr(text, "\r\nContent-Length:");

    if (body == NULL) {
        return false;
    }
    return said == NULL || said > body ||
           len - (size_t)(body + 4 - text) >= strtoul(said + 17, NULL, 10);
}

/* One plain HTTP/1.1 exchange over a connected socket, which is closed; the status, or 0. */
static int plain_exchange(int fd, const char *request, char *out, size_t cap)
{
    enum { ROOM = 1 << 20 };
    struct timeval wait = {.tv_sec = 5};
    char *text = calloc(1, ROOM);
    const char *body;
    size_t len = 0;
    int status = 0;
    ssize_t n = 1;

    NEED(text != NULL && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0);
    if (write(fd, request, strlen(request)) != (ssize_t)strlen(request)) {
        n = 0;
    }
    while (n > 0 && len < ROOM - 1 && !answer_complete(text, len)) {
        n = read(fd, text + len, ROOM - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (sscanf(text, "HTTP/1.1 %d", &status) != 1) {
        status = 0;
    }
    body = strstr(text, "\r\n\r\n");
    if (out != NULL && cap != 0) {
        snprintf(out, cap, "%s", body != NULL ? body + 4 : "");
    }
    free(text);
    close(fd);
    return status;
}

int service_operator(const struct service *s, const char *path, char *out, size_t cap)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(s->operator_port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char request[256];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    NEED(fd >= 0);
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
        close(fd);
        return 0;
    }
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    return plain_exchange(fd, request, out, cap);
}

int service_admin(const struct service *s, const char *method, const char *path, const char *body,
                  char *out, size_t cap)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char request[2048];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int len;

    NEED(fd >= 0 && strlen(s->admin_path) < sizeof(a.sun_path));
    memcpy(a.sun_path, s->admin_path, strlen(s->admin_path));
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
        close(fd);
        return 0;
    }
    len = snprintf(request, sizeof(request),
                   "%s /admin/v1%s HTTP/1.1\r\nHost: localhost\r\n"
                   "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                   method, path, strlen(body), body);
    NEED(len > 0 && (size_t)len < sizeof(request));
    return plain_exchange(fd, request, out, cap);
}
