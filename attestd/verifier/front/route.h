/*
 * The routes: what is served where, to whom, and by which function. Rows are in route.def; a row without
 * an access rule does not compile.
 */
#ifndef ATTESTD_VERIFIER_FRONT_ROUTE_H
#define ATTESTD_VERIFIER_FRONT_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "common/scan.h"

struct exchange;

/* Who may use a route. There is no zero: what was not thought about is not there. */
enum route_access {
    ACCESS_ENROL = 1, /* anybody: a token or an allow-listed key decides, in the keeper */
    ACCESS_DEVICE,    /* a client certificate of ours */
    ACCESS_LABEL,     /* the same, or anybody with `public: true` */
    ACCESS_PUBLIC,    /* anybody: it is published */
    ACCESS_OPERATOR,  /* whoever reaches the operator's address */
    ACCESS_ADMIN,     /* whoever may open the administrator's socket */
};

/* Where a connection was accepted. */
enum route_listener { LISTENER_GATEWAY, LISTENER_OPERATOR, LISTENER_ADMIN, LISTENER__COUNT };

#define ROUTE_PARTS 2

struct route {
    enum scan_method method;
    const char *pattern; /* "{}" stands for one segment; a "*" at the end for all that follows */
    enum route_access access;
    const char *type; /* Content-Type that a body must have; NULL: no body */
    void (*handle)(struct exchange *ex);
};

struct route_match {
    const struct route *route;
    size_t path_off[ROUTE_PARTS], path_len[ROUTE_PARTS]; /* what stood for "{}" and "*" */
};

enum route_found { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };

enum route_found route_find(struct route_match *out, enum route_listener listener,
                            enum scan_method method, const char *path);

/* All rows, for tests that enumerate them. */
const struct route *route_table(size_t *count);
enum route_listener route_listener_of(enum route_access access);

#endif
