/*
 * attest-courier: carries requests of fixed kinds to the verifier and its answers back.
 *
 * Started by attest-agent (or attestctl) with a socket as descriptor 3; ends when that closes. It holds
 * the gateway's TLS key and nothing of the TPM. See docs/formats/courier.md.
 */
#include <getopt.h>
#include <limits.h>
#include <link.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <curl/curl.h>

#include "agent/courier/http.h"
#include "agent/courier/keys.h"
#include "base/hex.h"
#include "common/frame.h"
#include "common/relay.h"

#define URL_MAX     (RELAY_ARG_MAX + 512)
#define SESSION_LEN 16
#define ID_MAX      64
#define METHOD_MAX  8
#define REST_MS     500

#define TYPE_CBOR     "application/cbor"
#define TYPE_EVIDENCE "application/cmw+cbor"
#define TYPE_JSON     "application/json"
#define TYPE_TEXT     "text/plain"
#define ACCEPT_CBOR   "application/cbor, application/concise-problem-details+cbor"
#define ACCEPT_LABEL  "application/eat+cwt, application/concise-problem-details+cbor"
#define ACCEPT_ANY    "*/*"

struct courier {
    struct relay_settings set;
    struct http *http; /* made at the first request that needs it */
};

/* What a kind of the gateway's becomes, and what the request's argument is that stands in the path. */
enum part { PART_NONE, PART_SESSION, PART_DEVICE };

struct route {
    enum relay_kind kind;
    const char *method;
    const char *before, *after; /* of the path, around the part */
    enum part part;
    const char *content_type;
    const char *accept;
};

static const struct route ROUTES[] = {
    {RELAY_ENROL_BEGIN, "POST", "/enrol/v1/begin", "", PART_NONE, TYPE_CBOR, ACCEPT_CBOR},
    {RELAY_ENROL_ACTIVATE, "POST", "/enrol/v1/activate", "", PART_NONE, TYPE_CBOR, ACCEPT_CBOR},
    {RELAY_CERTIFY_BEGIN, "POST", "/enrol/v1/certify", "", PART_NONE, TYPE_CBOR, ACCEPT_CBOR},
    {RELAY_CERTIFY, "POST", "/enrol/v1/certify/", "", PART_SESSION, TYPE_CBOR, ACCEPT_CBOR},
    {RELAY_NEW_SESSION, "POST", "/challenge-response/v1/newSession", "", PART_NONE, TYPE_CBOR,
     ACCEPT_CBOR},
    {RELAY_EVIDENCE, "POST", "/challenge-response/v1/session/", "", PART_SESSION, TYPE_EVIDENCE,
     ACCEPT_CBOR},
    {RELAY_PART, "POST", "/challenge-response/v1/session/", "/part", PART_SESSION, TYPE_CBOR,
     ACCEPT_CBOR},
    {RELAY_SESSION_GET, "GET", "/challenge-response/v1/session/", "", PART_SESSION, NULL,
     ACCEPT_CBOR},
    {RELAY_LABEL, "GET", "/labels/v1/device/", "/current", PART_DEVICE, NULL, ACCEPT_LABEL},
    {RELAY_PROBE, "GET", "/healthz", "", PART_NONE, NULL, ACCEPT_ANY},
};

static const struct route *route_of(enum relay_kind kind)
{
    for (size_t i = 0; i < ATT_COUNT(ROUTES); i++) {
        if (ROUTES[i].kind == kind) {
            return &ROUTES[i];
        }
    }
    return NULL;
}

/* The part of a path that the request gives; out holds 2 * ID_MAX + 1 and is terminated. */
static enum att_err path_part(char *out, enum part part, struct att_slice a, struct att_diag *diag)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz"
                                  "0123456789._-";
    size_t min = part == PART_SESSION ? SESSION_LEN : part == PART_DEVICE ? 1 : 0;
    size_t max = part == PART_DEVICE ? ID_MAX : min;

    if (a.len < min || a.len > max) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_FRAME, "courier request",
                        "expected an argument of %zu to %zu bytes, found %zu", min, max, a.len);
    }
    if (part != PART_DEVICE) {
        (void)att_hex_encode(out, 2 * ID_MAX + 1, a);
        return ATT_OK;
    }
    memcpy(out, a.p, a.len);
    out[a.len] = '\0';
    if (strspn(out, allowed) != a.len || out[0] == '.') {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_ID, "courier request",
                        "the device id has characters that are not allowed");
    }
    return ATT_OK;
}

static enum att_err https_only(const char *url, struct att_diag *diag)
{
    if (url == NULL || strncmp(url, "https://", 8) != 0) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "verifier",
                        "expected a URL that starts with https://");
    }
    return ATT_OK;
}

static enum att_err gateway_client(struct courier *c, struct att_diag *diag)
{
    struct http_settings s = {
        .ca_file = c->set.ca_file,
        .proxy = c->set.proxy,
        .connect_timeout_ms = c->set.connect_timeout_ms,
        .timeout_ms = c->set.timeout_ms,
        .answer_max = RELAY_ANSWER_MAX,
    };
    enum att_err err = ATT_OK;

    if (c->http != NULL) {
        return ATT_OK;
    }
    err = https_only(c->set.url, diag);
    if (err != ATT_OK) {
        return err;
    }
    if (c->set.cert_file != NULL && access(c->set.cert_file, R_OK) == 0) {
        err = keys_check_mode(c->set.key_file, diag);
        s.cert_file = c->set.cert_file;
        s.key_file = c->set.key_file;
    }
    return err != ATT_OK ? err : http_new(&c->http, &s, diag);
}

static enum att_err exchange_and_tell(struct http *http, const struct http_request *q,
                                      struct att_diag *diag)
{
    ATT_CLEANUP(http_answer_free) struct http_answer a = {0};
    enum att_err err = http_exchange(&a, http, q, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = relay_send_answer(RELAY_FD, a.status, a.content_type, att_buf_slice(a.body));
    return err == ATT_OK ? ATT_OK : att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, NULL, "no peer");
}

static enum att_err serve_route(struct courier *c, const struct relay_request *q,
                                struct att_diag *diag)
{
    const struct route *route = route_of(q->kind);
    struct http_request h = {.body = q->body};
    char part[2 * ID_MAX + 1];
    char url[URL_MAX];
    size_t base = 0;
    enum att_err err = gateway_client(c, diag);

    if (err == ATT_OK) {
        err = path_part(part, route->part, q->a, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    base = strlen(c->set.url);
    while (base > 0 && c->set.url[base - 1] == '/') {
        base--;
    }
    if (snprintf(url, sizeof(url), "%.*s%s%s%s", (int)base, c->set.url, route->before, part,
                 route->after) >= (int)sizeof(url)) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "verifier", "the URL is too long");
    }
    h.method = route->method;
    h.url = url;
    h.content_type = route->content_type;
    h.accept = route->accept;
    return exchange_and_tell(c->http, &h, diag);
}

static enum att_err serve_key(struct courier *c, const struct relay_request *q,
                              struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *csr = NULL;
    enum att_err err = ATT_OK;

    if (c->set.key_file == NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--key", "no key file was named");
    }
    err = keys_request(&csr, c->set.key_file, q->a, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = relay_send_answer(RELAY_FD, 200, "application/pkcs10", att_buf_slice(csr));
    return err == ATT_OK ? ATT_OK : att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, NULL, "no peer");
}

static enum att_err serve_cert(struct courier *c, const struct relay_request *q,
                               struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (c->set.cert_file == NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--cert", "no certificate file was named");
    }
    err = keys_store_cert(c->set.cert_file, q->body, diag);
    if (err != ATT_OK) {
        return err;
    }
    http_freep(&c->http); /* the next connection is made with it */
    err = relay_send_answer(RELAY_FD, 200, "", (struct att_slice){0});
    return err == ATT_OK ? ATT_OK : att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, NULL, "no peer");
}

/* An argument as a string: printable ASCII, so that nothing can hide in a request line. */
static enum att_err text_of(char *out, size_t cap, struct att_slice a, struct att_diag *diag)
{
    for (size_t i = 0; i < a.len; i++) {
        if (a.p[i] <= ' ' || a.p[i] > '~') {
            return att_fail_at(diag, ATT_E_FORMAT, ATT_R_USAGE, "courier request", i,
                               "expected printable ASCII without spaces");
        }
    }
    if (a.len == 0 || a.len >= cap) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_USAGE, "courier request",
                        "expected 1 to %zu characters, found %zu", cap - 1, a.len);
    }
    memcpy(out, a.p, a.len);
    out[a.len] = '\0';
    return ATT_OK;
}

static enum att_err serve_admin(struct courier *c, const struct relay_request *q,
                                struct att_diag *diag)
{
    ATT_CLEANUP(http_freep) struct http *http = NULL;
    struct http_settings s = {
        .unix_socket = c->set.admin_socket,
        .connect_timeout_ms = c->set.connect_timeout_ms,
        .timeout_ms = c->set.timeout_ms,
        .answer_max = RELAY_BULK_MAX,
    };
    char method[METHOD_MAX];
    char path[RELAY_ARG_MAX + 1];
    char url[URL_MAX];
    struct http_request h = {.method = method, .url = url, .accept = ACCEPT_ANY, .body = q->body};
    enum att_err err = text_of(method, sizeof(method), q->a, diag);

    if (err == ATT_OK) {
        err = text_of(path, sizeof(path), q->b, diag);
    }
    if (err == ATT_OK && (path[0] != '/' || c->set.admin_socket == NULL)) {
        err = att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "courier request",
                       "expected --admin-socket and a path that starts with /");
    }
    if (err == ATT_OK) {
        err = http_new(&http, &s, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    h.content_type = q->body.len > 0 ? TYPE_JSON : NULL;
    (void)snprintf(url, sizeof(url), "http://localhost%s", path);
    return exchange_and_tell(http, &h, diag);
}

/* GET, or POST of a text, over https and nothing else. */
static enum att_err serve_url(struct courier *c, const struct relay_request *q, const char *method,
                              struct att_diag *diag)
{
    ATT_CLEANUP(http_freep) struct http *http = NULL;
    char url[RELAY_ARG_MAX + 1];
    char ca[PATH_MAX];
    struct http_settings s = {
        .ca_file = ca,
        .proxy = c->set.proxy,
        .connect_timeout_ms = c->set.connect_timeout_ms,
        .timeout_ms = c->set.timeout_ms,
        .answer_max = RELAY_BULK_MAX,
    };
    struct http_request h = {.method = method, .url = url, .accept = ACCEPT_ANY, .body = q->body};
    enum att_err err = text_of(url, sizeof(url), q->a, diag);

    if (err == ATT_OK) {
        err = https_only(url, diag);
    }
    if (err == ATT_OK) {
        err = text_of(ca, sizeof(ca), q->b, diag);
    }
    if (err == ATT_OK) {
        err = http_new(&http, &s, diag);
    }
    h.content_type = q->body.len > 0 ? TYPE_TEXT : NULL;
    return err != ATT_OK ? err : exchange_and_tell(http, &h, diag);
}

static enum att_err serve(struct courier *c, const struct relay_request *q, struct att_diag *diag)
{
    bool for_operator = q->kind >= RELAY_ADMIN;

    if (for_operator != c->set.operator_kinds) {
        return att_fail(diag, ATT_E_DENIED, ATT_R_FMT_FRAME, "courier request",
                        "this courier does not serve requests of kind %d", (int)q->kind);
    }
    switch (q->kind) {
    case RELAY_KEY:
        return serve_key(c, q, diag);
    case RELAY_CERT:
        return serve_cert(c, q, diag);
    case RELAY_ADMIN:
        return serve_admin(c, q, diag);
    case RELAY_FETCH:
        return serve_url(c, q, "GET", diag);
    case RELAY_WITNESS:
        return serve_url(c, q, "POST", diag);
    default:
        break;
    }
    if (route_of(q->kind) == NULL) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_FRAME, "courier request",
                        "there is no request of kind %d", (int)q->kind);
    }
    return serve_route(c, q, diag);
}

/* Drop the pages of program text that one segment has mapped: they come back from the file when used. */
static int drop_text(struct dl_phdr_info *info, size_t size, void *arg)
{
    long page = sysconf(_SC_PAGESIZE);

    (void)size;
    (void)arg;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        uintptr_t from = (info->dlpi_addr + ph->p_vaddr) & ~((uintptr_t)page - 1);
        uintptr_t to = info->dlpi_addr + ph->p_vaddr + ph->p_memsz;

        /* executable and never written: nothing of ours is in these pages */
        if (ph->p_type == PT_LOAD && (ph->p_flags & PF_X) != 0 && (ph->p_flags & PF_W) == 0) {
            (void)madvise((void *)from, to - from, MADV_DONTNEED);
        }
    }
    return 0;
}

/* Between two attestations lie minutes: what the libraries touched is given back. */
static void rest_until_asked(void)
{
    struct pollfd fd = {.fd = RELAY_FD, .events = POLLIN};

    (void)malloc_trim(0);
    if (poll(&fd, 1, REST_MS) == 0) {
        (void)dl_iterate_phdr(drop_text, NULL);
    }
}

/* One request, answered or refused. False: the other end is gone, or sends nonsense. */
static bool serve_one(struct courier *c)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *frame = NULL;
    struct att_diag diag = {0};
    struct relay_request q;

    if (frame_receive(&frame, RELAY_FD, FRAME_MAX) != ATT_OK ||
        relay_request_parse(&q, att_buf_slice(frame), &diag) != ATT_OK) {
        return false;
    }
    if (serve(c, &q, &diag) != ATT_OK) {
        return relay_send_failure(RELAY_FD, &diag) == ATT_OK;
    }
    return true;
}

static bool number(uint32_t *out, const char *text)
{
    char *end = NULL;
    unsigned long v = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || v == 0 || v > 3600000) {
        return false;
    }
    *out = (uint32_t)v;
    return true;
}

static bool options(struct relay_settings *s, int argc, char **argv)
{
    static const struct option known[] = {
        {"url", required_argument, NULL, 'u'},
        {"ca", required_argument, NULL, 'a'},
        {"key", required_argument, NULL, 'k'},
        {"cert", required_argument, NULL, 'c'},
        {"proxy", required_argument, NULL, 'p'},
        {"admin-socket", required_argument, NULL, 's'},
        {"operator", no_argument, NULL, 'o'},
        {"connect-timeout-ms", required_argument, NULL, 'C'},
        {"timeout-ms", required_argument, NULL, 'T'},
        {NULL, 0, NULL, 0},
    };
    int opt = 0;
    bool good = true;

    while ((opt = getopt_long(argc, argv, "", known, NULL)) != -1) {
        const char **const place[] = {
            ['u'] = &s->url,       ['a'] = &s->ca_file, ['k'] = &s->key_file,
            ['c'] = &s->cert_file, ['p'] = &s->proxy,   ['s'] = &s->admin_socket};

        if (opt == 'o') {
            s->operator_kinds = true;
        } else if (opt == 'C') {
            good = good && number(&s->connect_timeout_ms, optarg);
        } else if (opt == 'T') {
            good = good && number(&s->timeout_ms, optarg);
        } else if (opt < (int)ATT_COUNT(place) && place[opt] != NULL) {
            *place[opt] = optarg;
        } else {
            good = false;
        }
    }
    return good && optind == argc;
}

/* No core files, no new rights: it holds a key and talks to the world. */
static void harden(void)
{
    static const struct rlimit none = {0};

    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)clearenv();
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_MMAP_THRESHOLD, 65536);
}

/*
 * The command line of a courier that a service manager started, which the other end sends first. The strings stay in the
 * frame, which stays as long as the process.
 */
static bool options_from_socket(struct relay_settings *s)
{
    static struct att_buf *frame;
    static char *argv[RELAY_OPTIONS_MAX + 1];
    struct relay_request q;
    size_t at = 0;
    int argc = 0;

    if (frame_receive(&frame, RELAY_FD, RELAY_SETTINGS_MAX + RELAY_HEAD_MAX) != ATT_OK ||
        relay_request_parse(&q, att_buf_slice(frame), NULL) != ATT_OK || q.kind != RELAY_SETTINGS ||
        q.body.len == 0 || q.body.p[q.body.len - 1] != '\0') {
        return false;
    }
    while (at < q.body.len && argc < RELAY_OPTIONS_MAX) {
        union {
            const uint8_t *from;
            char *to; /* getopt_long(3) reorders the vector and changes no string */
        } word = {.from = q.body.p + at};

        argv[argc++] = word.to;
        at += strlen(word.to) + 1;
    }
    return at == q.body.len && options(s, argc, argv);
}

static bool take_options(struct relay_settings *s, int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], RELAY_SETTINGS_OPTION) == 0) {
        return options_from_socket(s);
    }
    return options(s, argc, argv);
}

int main(int argc, char **argv)
{
    struct courier c = {.set = {.connect_timeout_ms = 10000, .timeout_ms = 60000}};

    harden();
    if (!take_options(&c.set, argc, argv)) {
        (void)fputs("attest-courier is started by attest-agent and attestctl\n", stderr);
        return 2;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return 70;
    }
    while (serve_one(&c)) {
        rest_until_asked();
    }
    http_freep(&c.http);
    curl_global_cleanup();
    return 0;
}
