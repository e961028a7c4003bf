/*
 * Whatever the gate lets through, evhttp reads alike: the same method, path and body, in the same order.
 * Bytes go through a socket to evhttp as it is, and through the gate's scanner beside it.
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/scan.h"
#include "fuzz.h"

#define REQUESTS_MAX 32

static struct event_base *base;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static struct scan_request expected[REQUESTS_MAX];
static size_t scanned, seen;

static void on_request(struct evhttp_request *req, void *ctx)
{
    static const enum evhttp_cmd_type cmd[] = {0, EVHTTP_REQ_GET, EVHTTP_REQ_POST,
                                               EVHTTP_REQ_DELETE};
    (void)ctx;
    if (seen < scanned) {
        const struct scan_request *e = &expected[seen];

        HOLDS(evhttp_request_get_command(req) == cmd[e->method]);
        HOLDS(strcmp(evhttp_request_get_uri(req), e->path) == 0);
        HOLDS(evbuffer_get_length(evhttp_request_get_input_buffer(req)) == e->length);
    }
    seen++;
    evhttp_send_reply(req, 204, "No Content", NULL);
}

static void start(void)
{
    struct evhttp *http = NULL;
    struct evconnlistener *l = NULL;

    (void)signal(SIGPIPE, SIG_IGN);
    base = event_base_new();
    http = evhttp_new(base);
    (void)snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "fuzz-http-%d", getpid());
    l = evconnlistener_new_bind(base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE, 16,
                                (struct sockaddr *)&address, sizeof(address));
    HOLDS(http != NULL && l != NULL && evhttp_bind_listener(http, l) != NULL);
    evhttp_set_max_headers_size(http, SCAN_HEAD_MAX);
    evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_DELETE);
    evhttp_set_gencb(http, on_request, NULL);
}

static void scan_all(struct att_slice in)
{
    struct scan s;
    enum scan_event event = SCAN_MORE;
    size_t used = 0;

    scan_init(&s, false);
    for (scanned = 0; scanned < REQUESTS_MAX && event != SCAN_BAD;) {
        used += scan_feed(&s, att_slice_of(in.p + used, in.len - used), &event);
        if (event == SCAN_DONE) {
            expected[scanned++] = s.req;
            scan_next(&s);
        } else if (event == SCAN_MORE) {
            return;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    size_t sent = 0;

    if (base == NULL) {
        start();
    }
    scan_all(att_slice_of(data, size));
    seen = 0;
    HOLDS(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    while (sent < size) {
        ssize_t n = send(fd, data + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

        sent += n > 0 ? (size_t)n : 0;
        HOLDS(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
        if (n <= 0) {
            break;
        }
    }
    (void)shutdown(fd, SHUT_WR);
    for (int i = 0; i < 8; i++) {
        HOLDS(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
    }
    (void)close(fd);
    HOLDS(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
    return 0;
}
