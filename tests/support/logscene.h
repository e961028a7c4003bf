/* A verifier with a log of a few outcomes, for attacks on what it stored and on what it handed out. */
#ifndef ATT_TEST_LOGSCENE_H
#define ATT_TEST_LOGSCENE_H

#include "base/buf.h"
#include "inproc.h"

struct logscene {
    struct inproc *v;
    struct inproc_gateway gw;
    struct inproc_attempt *t;
    char state[96], head[112], database[112]; /* paths */
};

/* Enrolled and attested once. */
void logscene_open(struct logscene *s);
void logscene_close(struct logscene *s);
/* One more attestation; the label as the gateway got it, the caller's. */
struct att_buf *logscene_label(struct logscene *s);
/* Copy a file to PATH.kept, and back. */
void logscene_keep(const char *path);
void logscene_put_back(const char *path);
/* Change the database of a stopped verifier. */
void logscene_sql(const struct logscene *s, const char *sql);

#endif
