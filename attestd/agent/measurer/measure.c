/* A pass: find everything first, then let the threads take entry after entry. */
#include "agent/measurer/measure.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/measurer/measure_internal.h"
#include "agent/measurer/specification.h"
#include "common/notify.h"

#define STACK_LEN 262144 /* bytes; a path buffer or two and OpenSSL's frames */

/* Rows first..end of the table came from one entry of the configuration. */
struct span {
    size_t first, end;
    int root_fd; /* a tree's root, else -1 */
    size_t root_len;
    bool block;
};

struct pass {
    struct table *table;
    const struct table *before;
    struct span span[AGENT_ROOTS_MAX + 1]; /* the last: the specification */
    size_t span_count;
    atomic_size_t next; /* row that nobody took yet */
    atomic_int err;     /* the first failure */
};

struct worker {
    struct pass *pass;
    struct measure_reader reader;
    pthread_t thread;
    bool started;
};

static const struct span *span_of(const struct pass *p, size_t row)
{
    for (size_t i = 0; i < p->span_count; i++) {
        if (row < p->span[i].end) {
            return &p->span[i];
        }
    }
    return NULL;
}

static enum att_err take_one(struct pass *p, struct measure_reader *r, size_t i)
{
    struct table_row *row = table_at(p->table, i);
    const struct span *s = span_of(p, i);
    char path[ATT_OWN_NAME_MAX + 1];
    struct measure_entry e = {.dirfd = AT_FDCWD, .rel = path, .block = s->block};

    if (row->stamp == MEASURE_DONE) {
        return ATT_OK;
    }
    memcpy(path, row->name, row->name_len);
    path[row->name_len] = '\0';
    if (s->root_fd >= 0) {
        e.dirfd = s->root_fd;
        e.rel = &path[s->root_len];
    }
    return measure_entry(row, r, &e,
                         p->before == NULL ? NULL : table_find(p->before, table_name(row)));
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct pass *p = w->pass;

    while (atomic_load(&p->err) == ATT_OK) {
        size_t i = atomic_fetch_add(&p->next, 1);
        enum att_err err = ATT_OK;

        if (i >= table_count(p->table)) {
            break;
        }
        notify_alive(); /* as long as this goes on, nothing hangs */
        err = take_one(p, &w->reader, i);
        if (err != ATT_OK) {
            int none = ATT_OK;

            (void)atomic_compare_exchange_strong(&p->err, &none, (int)err);
        }
    }
    return NULL;
}

static enum att_err worker_init(struct worker *w, struct pass *p)
{
    w->pass = p;
    w->reader.buffer = malloc(MEASURE_READ_LEN);
    if (w->reader.buffer == NULL) {
        return ATT_E_NOMEM;
    }
    return att_hasher_new(&w->reader.hasher);
}

static void worker_end(struct worker *w, struct measure_stats *stats)
{
    if (w->started) {
        (void)pthread_join(w->thread, NULL);
    }
    stats->bytes += w->reader.bytes;
    stats->hashed += w->reader.hashed;
    att_hasher_free(w->reader.hasher);
    free(w->reader.buffer);
}

/* The caller's thread is the first worker; a thread that cannot be started only costs time. */
static enum att_err hash_rows(struct pass *p, int threads, struct measure_stats *stats)
{
    struct worker w[AGENT_THREADS_MAX] = {0};
    pthread_attr_t attr;
    enum att_err err = ATT_OK;

    if (pthread_attr_init(&attr) != 0) {
        return ATT_E_NOMEM;
    }
    (void)pthread_attr_setstacksize(&attr, STACK_LEN);
    for (int i = 0; i < threads && err == ATT_OK; i++) {
        err = worker_init(&w[i], p);
        if (err == ATT_OK && i > 0) {
            w[i].started = pthread_create(&w[i].thread, &attr, work, &w[i]) == 0;
        }
    }
    if (err == ATT_OK) {
        (void)work(&w[0]);
        err = (enum att_err)atomic_load(&p->err);
    } else {
        atomic_store(&p->err, (int)err);
    }
    for (int i = 0; i < threads; i++) {
        worker_end(&w[i], stats);
    }
    (void)pthread_attr_destroy(&attr);
    return err;
}

static enum att_err find_rows(struct pass *p, const struct agent_conf *conf,
                              const struct agent_root *root, struct att_diag *diag)
{
    struct span *s = &p->span[p->span_count];
    struct table_row *row = NULL;
    enum att_err err = ATT_OK;

    *s = (struct span){
        .first = table_count(p->table), .root_fd = -1, .block = root->kind == ROOT_BLOCK};
    p->span_count++;
    switch (root->kind) {
    case ROOT_TREE:
        s->root_len = strcmp(root->path, "/") == 0 ? 1 : strlen(root->path) + 1;
        err = measure_walk(p->table, &s->root_fd, root, conf->state_dir, diag);
        break;
    case ROOT_CONFIG:
        err = measure_config(p->table, root, diag);
        break;
    default:
        err = table_add(p->table, att_slice_str(root->path), &row);
        if (err != ATT_OK) {
            err = att_fail(diag, err, ATT_R_LIM_SIZE, "measure", "too many items, or no memory");
        }
        break;
    }
    s->end = table_count(p->table);
    return err;
}

/* What is in force and its rows, which nobody reads again. */
static enum att_err find_specification(struct pass *p, struct measure_stats *stats,
                                       const struct agent_conf *conf, struct att_diag *diag)
{
    ATT_CLEANUP(att_spec_freep) struct att_spec *s = NULL;
    struct span *rows = &p->span[p->span_count];
    enum att_err err = specification_in_force(&s, &stats->spec_refused, conf, diag);

    if (err != ATT_OK || s == NULL) {
        return err;
    }
    *rows = (struct span){.first = table_count(p->table), .root_fd = -1};
    p->span_count++;
    err = specification_rows(p->table, s, diag);
    rows->end = table_count(p->table);
    return err;
}

enum att_err measure_run(struct table **out, struct measure_stats *stats,
                         const struct agent_conf *conf, const struct table *before,
                         struct att_diag *diag)
{
    ATT_CLEANUP(table_freep) struct table *t = NULL;
    struct pass *p = calloc(1, sizeof(*p));
    struct measure_stats s = {0};
    enum att_err err = p == NULL ? ATT_E_NOMEM : table_new(&t);

    if (err != ATT_OK) {
        free(p);
        return att_fail(diag, err, ATT_R_NOMEM, "measure", "no memory");
    }
    p->table = t;
    p->before = before;
    for (size_t i = 0; i < conf->root_count && err == ATT_OK; i++) {
        err = find_rows(p, conf, &conf->root[i], diag);
    }
    if (err == ATT_OK) {
        err = find_specification(p, &s, conf, diag);
    }
    if (err == ATT_OK) {
        err = hash_rows(p, conf->hash_threads, &s);
        if (err != ATT_OK) {
            (void)att_fail(diag, err, ATT_R_INTERNAL, "measure", "hashing failed");
        }
    }
    for (size_t i = 0; i < p->span_count; i++) {
        if (p->span[i].root_fd >= 0) {
            (void)close(p->span[i].root_fd);
        }
    }
    free(p);
    if (err != ATT_OK) {
        return err;
    }
    table_sort(t, TABLE_CONFLICT);
    s.items = table_count(t);
    *stats = s;
    *out = t;
    t = NULL;
    return ATT_OK;
}
