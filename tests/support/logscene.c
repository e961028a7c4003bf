#include "logscene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "need.h"
#include "storetest.h"

#define COPY_MAX (64 * 1024 * 1024)

void logscene_open(struct logscene *s)
{
    char token[64];

    memset(s, 0, sizeof(*s));
    s->v = inproc_new();
    s->t = calloc(1, sizeof(*s->t));
    NEED(s->t != NULL);
    (void)snprintf(s->state, sizeof(s->state), "%s/state", s->v->dir);
    (void)snprintf(s->head, sizeof(s->head), "%s/log-head", s->state);
    (void)snprintf(s->database, sizeof(s->database), "%s/attestd.db", s->state);
    inproc_gateway_new(&s->gw, s->v, "gw-1", true);
    inproc_token(s->v, "gw-1", token);
    NEED(inproc_enrol(s->v, &s->gw, token) == ATT_R_NONE);
    att_buf_free(logscene_label(s));
}

void logscene_close(struct logscene *s)
{
    inproc_attempt_clear(s->t);
    free(s->t);
    inproc_gateway_free(&s->gw);
    inproc_free(s->v);
}

struct att_buf *logscene_label(struct logscene *s)
{
    struct att_buf *label = NULL;

    inproc_attempt_clear(s->t);
    NEED(inproc_attest(s->v, &s->gw, s->t) == 200);
    NEED(att_buf_new(&label, s->t->outcome.label.len) == ATT_OK);
    NEED(att_buf_add_slice(label, s->t->outcome.label) == ATT_OK);
    return label;
}

static void copy(const char *from, const char *to)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;

    NEED(att_file_read(&bytes, from, COPY_MAX, NULL) == ATT_OK);
    NEED(att_file_write(to, att_buf_slice(bytes), 0600, NULL) == ATT_OK);
}

void logscene_keep(const char *path)
{
    char kept[128];

    (void)snprintf(kept, sizeof(kept), "%s.kept", path);
    copy(path, kept);
}

void logscene_put_back(const char *path)
{
    char kept[128];

    (void)snprintf(kept, sizeof(kept), "%s.kept", path);
    copy(kept, path);
}

void logscene_sql(const struct logscene *s, const char *sql)
{
    (void)snprintf(ts.folder, sizeof(ts.folder), "%.60s", s->state);
    storetest_sql(sql);
}
