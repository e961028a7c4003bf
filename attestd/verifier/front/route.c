/* The table, and the search in it. */
#include "verifier/front/route.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "evidence/profile.h"
#include "verifier/front/handler.h"

#define ROUTE(method_, pattern_, access_, type_, handle_)                                          \
    _Static_assert((access_) >= ACCESS_ENROL && (access_) <= ACCESS_ADMIN,                         \
                   "a route names who may use it: " pattern_);
#include "verifier/front/route.def"
#undef ROUTE

static const struct route table[] = {
#define ROUTE(method_, pattern_, access_, type_, handle_)                                          \
    {.method = (method_),                                                                          \
     .pattern = (pattern_),                                                                        \
     .access = (access_),                                                                          \
     .type = (type_),                                                                              \
     .handle = (handle_)},
#include "verifier/front/route.def"
#undef ROUTE
};

const struct route *route_table(size_t *count)
{
    *count = ATT_COUNT(table);
    return table;
}

enum route_listener route_listener_of(enum route_access access)
{
    switch (access) {
    case ACCESS_OPERATOR:
        return LISTENER_OPERATOR;
    case ACCESS_ADMIN:
        return LISTENER_ADMIN;
    case ACCESS_ENROL:
    case ACCESS_DEVICE:
    case ACCESS_LABEL:
    case ACCESS_PUBLIC:
        break;
    }
    return LISTENER_GATEWAY;
}

static bool matches(struct route_match *m, const char *pattern, const char *path)
{
    const char *p = path;
    size_t parts = 0;

    while (*pattern != '\0') {
        bool rest = *pattern == '*';
        size_t len = rest ? strlen(p) : strcspn(p, "/");

        if (!rest && *pattern != '{') {
            if (*pattern != *p) {
                return false;
            }
            pattern++;
            p++;
            continue;
        }
        if ((len == 0 && !rest) || parts == ROUTE_PARTS) {
            return false;
        }
        m->path_off[parts] = (size_t)(p - path);
        m->path_len[parts] = len;
        parts++;
        p += len;
        pattern += rest ? 1 : 2;
    }
    return *p == '\0';
}

enum route_found route_find(struct route_match *out, enum route_listener listener,
                            enum scan_method method, const char *path)
{
    enum route_found found = ROUTE_NO_PATH;

    for (size_t i = 0; i < ATT_COUNT(table); i++) {
        struct route_match m = {.route = &table[i]};

        if (route_listener_of(table[i].access) != listener ||
            !matches(&m, table[i].pattern, path)) {
            continue;
        }
        if (table[i].method == method) {
            *out = m;
            return ROUTE_FOUND;
        }
        found = ROUTE_NO_METHOD;
    }
    return found;
}
