/* A relay in front of the tests' PostgreSQL that can lose the answer to a commit, as a network does. */
#ifndef ATT_TEST_PGPROXY_H
#define ATT_TEST_PGPROXY_H

#include <stdbool.h>
#include <sys/types.h>

struct pgproxy {
    char folder[64]; /* of its socket: what conninfo names as host */
    pid_t pid;
    volatile int *
        armed; /* set it: the next commit is done, and both sides lose the connection instead of hearing so */
};

/* server is the folder of the server's socket. */
void pgproxy_start(struct pgproxy *p, const char *server);
void pgproxy_stop(struct pgproxy *p);

#endif
