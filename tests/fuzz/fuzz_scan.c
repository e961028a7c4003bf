/*
 * The gate reads a stream alike however it is cut, and never past what it was given. The first byte is
 * the size of the pieces; from 128 on, a query may follow the path.
 */
#include <string.h>

#include "common/scan.h"
#include "fuzz.h"
#include "verifier/front/route.h"

struct reading {
    size_t requests, used;
    struct scan last;
    enum scan_event event;
};

/* What stands for a segment lies in the path and has no slash; what is found is of the listener that asked. */
static void routed(const struct scan_request *req)
{
    size_t count = 0;
    const struct route *table = route_table(&count);

    for (int l = 0; l < LISTENER__COUNT; l++) {
        struct route_match m;

        if (route_find(&m, (enum route_listener)l, req->method, req->path) != ROUTE_FOUND) {
            continue;
        }
        HOLDS(m.route >= table && m.route < table + count && m.route->method == req->method);
        HOLDS(route_listener_of(m.route->access) == (enum route_listener)l);
        for (size_t i = 0; i < ROUTE_PARTS; i++) {
            HOLDS(m.path_off[i] + m.path_len[i] <= strlen(req->path));
        }
    }
}

static struct reading read_in_pieces(struct att_slice in, size_t piece, bool query_allowed)
{
    struct reading r = {.event = SCAN_MORE};

    scan_init(&r.last, query_allowed);
    HOLDS(scan_idle(&r.last));
    for (;;) {
        size_t n = in.len - r.used < piece ? in.len - r.used : piece;
        size_t took = scan_feed(&r.last, att_slice_of(in.p + r.used, n), &r.event);

        HOLDS(took <= n);
        r.used += took;
        if (r.event == SCAN_DONE) {
            r.requests++;
            routed(&r.last.req);
            scan_next(&r.last);
        }
        if (r.event == SCAN_BAD || (r.event == SCAN_MORE && r.used == in.len)) {
            return r;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data + (size > 0), size > 0 ? size - 1 : 0);
    bool query_allowed = size > 0 && data[0] > 127;
    struct reading a = read_in_pieces(in, size > 0 && data[0] > 0 ? data[0] : 1, query_allowed);
    struct reading b = read_in_pieces(in, in.len + 1, query_allowed);

    HOLDS(a.requests == b.requests && a.used == b.used && a.event == b.event);
    HOLDS(strcmp(a.last.req.path, b.last.req.path) == 0);
    HOLDS(a.last.req.length == b.last.req.length && a.last.status == b.last.status);
    HOLDS(a.event != SCAN_BAD || (a.last.status >= 400 && a.last.why.reason != ATT_R_NONE));
    return 0;
}
