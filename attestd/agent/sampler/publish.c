/* The data folder is the queue; the broker's acknowledgements move the mark in it. */
#include "agent/sampler/publish.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "common/log.h"
#include "sensor/mqtt.h"

#define AT_ONCE     64 /* batches in the driver's queue */
#define QUEUE_BYTES (8 * 1024 * 1024)
#define PATH_ROOM   4096

struct publisher {
    const struct agent_conf *conf;
    struct hw_mqtt_out *out;
    bool knows;                /* where the last run ended */
    uint64_t done;             /* batches up to here are the broker's */
    uint64_t sent;             /* and up to here in the driver's queue */
    uint64_t message[AT_ONCE]; /* the driver's number of batch done + 1 + i */
    bool away;
};

enum att_err publish_open(struct publisher **out, const struct agent_conf *conf,
                          struct att_diag *diag)
{
    const struct agent_broker *b = &conf->data.publish;
    const struct hw_mqtt_options o = {.host = b->host,
                                      .port = b->port,
                                      .client_id = b->client,
                                      .ca = b->ca,
                                      .plain = b->plain,
                                      .certificate = b->certificate,
                                      .key = b->key,
                                      .limit_ms = 200};
    struct publisher *p = NULL;
    enum att_err err = ATT_OK;

    *out = NULL;
    if (b->host == NULL)
        return ATT_OK;
    p = calloc(1, sizeof(*p));
    if (p == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "publish", "no memory");
    p->conf = conf;
    err = hw_mqtt_out_open(&p->out, &o, QUEUE_BYTES, diag);
    if (err != ATT_OK) {
        free(p);
        return err;
    }
    *out = p;
    return ATT_OK;
}

void publish_close(struct publisher *p)
{
    if (p == NULL)
        return;
    hw_mqtt_out_freep(&p->out);
    free(p);
}

/* --- the mark --- */

static bool mark_path(char out[PATH_ROOM], const struct spool *s)
{
    int len = snprintf(out, PATH_ROOM, "%s/published", s->folder);

    return len > 0 && len < PATH_ROOM;
}

/* A mark that is not there or is damaged: from the oldest batch on. A broker may get one twice, and none is left out. */
static void read_mark(struct publisher *p, const struct spool *s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    char path[PATH_ROOM], text[32] = {0};

    p->knows = true;
    if (mark_path(path, s) && att_file_read(&file, path, sizeof(text) - 1, NULL) == ATT_OK) {
        memcpy(text, att_buf_slice(file).p, att_buf_len(file));
        p->done = strtoull(text, NULL, 10);
    }
    if (p->done > s->last)
        p->done = 0;
    p->sent = p->done;
}

static void write_mark(const struct publisher *p, const struct spool *s)
{
    char path[PATH_ROOM], text[32];
    struct att_diag diag = {0};
    int len = snprintf(text, sizeof(text), "%" PRIu64 "\n", p->done);

    if (mark_path(path, s) &&
        att_file_write(path, att_slice_of(text, (size_t)len), 0640, &diag) != ATT_OK)
        log_diag(LOG_LEVEL_WARNING, "publish.mark", &diag);
}

/* --- */

/*
 * The next batches into the driver's queue, until it is full. What the folder's limit or somebody's hand took meanwhile is
 * passed over: the batches behind it are not to wait for it for ever.
 */
static void fill(struct publisher *p, const struct spool *s)
{
    uint64_t missing = 0;
    enum att_err err = ATT_OK;

    while (err == ATT_OK && p->sent < s->last && p->sent - p->done < AT_ONCE) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
        uint64_t number = 0; /* of no message: nothing is waited for */
        bool gone = false;

        err = spool_read(&file, s, p->sent + 1, NULL);
        gone = err == ATT_E_NOT_FOUND;
        if (err == ATT_OK)
            err = hw_mqtt_out_send(p->out, p->conf->data.publish.topic, att_buf_slice(file),
                                   &number, NULL);
        if (gone)
            err = ATT_OK;
        missing += gone ? 1 : 0;
        if (err == ATT_OK)
            p->message[p->sent++ % AT_ONCE] = number;
    }
    if (missing > 0)
        log_line(LOG_LEVEL_WARNING, "publish.missing", "batches=%" PRIu64, missing);
}

void publish_batch(struct publisher *p, const struct spool *s)
{
    struct att_diag diag = {0};
    uint64_t before = 0;
    enum att_err err = ATT_OK;

    if (p == NULL)
        return;
    if (!p->knows)
        read_mark(p, s);
    before = p->done;
    fill(p, s);
    err = hw_mqtt_out_work(p->out, &diag);
    while (p->done < p->sent && p->message[p->done % AT_ONCE] <= hw_mqtt_out_acknowledged(p->out))
        p->done++;
    if (p->done != before)
        write_mark(p, s);
    if (err != ATT_OK && !p->away)
        log_diag(LOG_LEVEL_WARNING, "publish.waits", &diag);
    if (err == ATT_OK && p->away)
        log_line(LOG_LEVEL_INFO, "publish.again", "waiting=%" PRIu64, s->last - p->done);
    p->away = err != ATT_OK;
}
