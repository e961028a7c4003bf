/* A verifier with an enrolled gateway: its records are put back before each fault. */
#include <dirent.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "common/log.h"
#include "faults.h"
#include "need.h"
#include "remove_tree.h"
#include "verifier/store/store.h"

#define STATE_MAX (64 * 1024 * 1024)

/* As the policy of other tests, and nobody falls silent while thousands of faults are walked through. */
static const char policy[] = "policy: faults\n"
                             "version: 1\n"
                             "boot_log_pcrs: [0, 1, 2, 3, 4, 5, 6, 7]\n"
                             "label_ttl: 48h\n"
                             "interval: 12h\n"
                             "requirements:\n"
                             "  - {id: grade, severity: fail, grade_at_least: E1,\n"
                             "     title: {en: graded, ja: E1}}\n"
                             "  - {id: files, severity: fail, own_items: {under: [/usr, /etc],\n"
                             "     unlisted: fail}, title: {en: known files, ja: files}}\n";

/* --- PostgreSQL --- */

static void quiet(void *ctx, const char *message)
{
    (void)ctx;
    (void)message;
}

static void sql(const struct scene *s, const char *text)
{
    char conninfo[128];
    PGconn *c;
    PGresult *r;

    (void)snprintf(conninfo, sizeof(conninfo), "host=%s/socket dbname=postgres user=attestd",
                   s->server);
    c = PQconnectdb(conninfo);
    (void)PQsetNoticeProcessor(c, quiet, NULL);
    r = PQexec(c, text);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK) {
        fprintf(stderr, "%s: %s\n", text, PQerrorMessage(c));
        abort();
    }
    PQclear(r);
    PQfinish(c);
}

static void server(const struct scene *s, const char *act)
{
    char line[160];
    int status;

    (void)snprintf(line, sizeof(line), "exec tests/support/pgserver %s %s %ld", act, s->server,
                   (long)getpid());
    status = system(line); /* its words are ours */
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        exit(77);
    NEED(status == 0);
}

void scene_settle(const struct scene *s)
{
    if (s->server[0] != '\0')
        sql(s, "DO $$BEGIN WHILE EXISTS (SELECT FROM pg_stat_activity WHERE datname = 'point')"
               " LOOP PERFORM pg_sleep(0.005), pg_stat_clear_snapshot(); END LOOP; END$$");
}

/* --- files --- */

static void read_state(struct scene *s)
{
    char folder[96], path[400];
    struct dirent *e;
    DIR *d;

    (void)snprintf(folder, sizeof(folder), "%s/state", s->v->dir);
    d = opendir(folder);
    NEED(d != NULL);
    while ((e = readdir(d)) != NULL) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
        struct scene_file *f = &s->file[s->file_count];

        if (e->d_type != DT_REG)
            continue;
        NEED(s->file_count < ATT_COUNT(s->file) && strlen(e->d_name) < sizeof(f->name));
        (void)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        NEED(att_file_read(&bytes, path, STATE_MAX, NULL) == ATT_OK);
        (void)snprintf(f->name, sizeof(f->name), "%.63s", e->d_name);
        f->len = att_buf_len(bytes);
        f->bytes = malloc(f->len + 1);
        NEED(f->bytes != NULL);
        memcpy(f->bytes, att_buf_slice(bytes).p, f->len);
        s->file_count++;
    }
    (void)closedir(d);
}

/* The keys that will take over stand in a folder in there. */
static void write_state(const struct scene *s)
{
    char path[200];

    (void)snprintf(path, sizeof(path), "%s/state", s->v->dir);
    remove_tree(path);
    NEED(att_dir_private(path, NULL) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/state/keys", s->v->dir);
    NEED(att_dir_private(path, NULL) == ATT_OK);
    for (size_t i = 0; i < s->file_count; i++) {
        ATT_CLEANUP(att_closep) int fd = -1;

        (void)snprintf(path, sizeof(path), "%s/state/%s", s->v->dir, s->file[i].name);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        NEED(fd >= 0 && att_write_all(fd, s->file[i].bytes, s->file[i].len) == ATT_OK);
    }
}

static void add_file(struct scene *s, const char *name, struct att_slice bytes)
{
    struct scene_file *f = &s->file[s->file_count++];

    NEED(s->file_count <= ATT_COUNT(s->file));
    (void)snprintf(f->name, sizeof(f->name), "%s", name);
    f->len = bytes.len;
    f->bytes = malloc(f->len + 1);
    NEED(f->bytes != NULL);
    memcpy(f->bytes, bytes.p, f->len);
}

static void read_pem(struct att_buf **out, const struct scene *s, const char *name)
{
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/%s", s->v->dir, name);
    NEED(att_file_read(out, path, 65536, NULL) == ATT_OK);
}

/* Made once, as attestctl key create does. */
static void make_keys(struct scene *s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *ca_pem = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *ca_secret = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *der = NULL;
    ATT_CLEANUP(att_cert_freep) struct att_cert *ca = NULL;
    ATT_CLEANUP(att_privkey_freep) struct att_privkey *ca_key = NULL;
    ATT_CLEANUP(att_privkey_freep) struct att_privkey *label = NULL;
    ATT_CLEANUP(att_privkey_freep) struct att_privkey *log = NULL;
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *public = NULL;
    struct att_cert_order order = {.kind = ATT_CERT_LABEL_SIGNER,
                                   .common_name = "labels",
                                   .verifier_id = s->v->cfg->verifier_id,
                                   .not_before = inproc_utc_s - 60,
                                   .not_after = inproc_utc_s + 86400};

    read_pem(&ca_pem, s, "label-root.pem");
    read_pem(&ca_secret, s, "label-root.key");
    NEED(att_cert_parse(&ca, att_buf_slice(ca_pem), NULL) == ATT_OK);
    NEED(att_privkey_from_pem(&ca_key, att_buf_slice(ca_secret), NULL) == ATT_OK);
    NEED(att_privkey_generate(&label, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_privkey_generate(&log, ATT_KEY_ED25519) == ATT_OK);
    NEED(att_privkey_public(&public, label) == ATT_OK);
    order.subject_key = public;
    NEED(att_cert_issue(&der, &order, ca, ca_key, NULL) == ATT_OK);
    NEED(att_cert_pem(&s->key[0], att_buf_slice(der)) == ATT_OK);
    NEED(att_privkey_pem(&s->key[1], label) == ATT_OK);
    NEED(att_privkey_pem(&s->key[2], log) == ATT_OK);
    att_pubkey_freep(&public);
    NEED(att_privkey_public(&public, log) == ATT_OK);
    NEED(att_vkey_new(&s->log_next, att_slice_str(s->v->cfg->log.origin), ATT_NOTE_ED25519,
                      public) == ATT_OK);
}

static void forget_state(struct scene *s)
{
    for (size_t i = 0; i < s->file_count; i++)
        free(s->file[i].bytes);
    s->file_count = 0;
}

void scene_keep(struct scene *s)
{
    forget_state(s);
    read_state(s);
    add_file(s, "keys/label-2.pem", att_buf_slice(s->key[0]));
    add_file(s, "keys/label-2.key", att_buf_slice(s->key[1]));
    add_file(s, "keys/log-2.key", att_buf_slice(s->key[2]));
    if (s->server[0] == '\0')
        return;
    scene_settle(s);
    sql(s, "DROP DATABASE IF EXISTS scene");
    sql(s, "ALTER DATABASE point RENAME TO scene");
}

void scene_restore(struct scene *s)
{
    write_state(s);
    if (s->server[0] == '\0')
        return;
    scene_settle(s);
    sql(s, "DROP DATABASE IF EXISTS point");
    sql(s, "CREATE DATABASE point TEMPLATE scene");
}

/* --- how it begins --- */

static void open_trust(struct scene *s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/trust/log.vkey", s->v->dir);
    NEED(att_file_read(&text, path, 4096, NULL) == ATT_OK);
    NEED(att_vkey_parse(&s->log, att_slice_of(att_buf_slice(text).p, att_buf_len(text) - 1),
                        NULL) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/trust", s->v->dir);
    NEED(att_anchors_new(&s->anchors) == ATT_OK);
    NEED(att_anchors_load(s->anchors, path, NULL) == ATT_OK);
}

static void first_label(struct scene *s)
{
    struct inproc_attempt *t = calloc(1, sizeof(*t));
    char token[64];

    NEED(t != NULL);
    inproc_gateway_new(&s->gw, s->v, "gw-1", true);
    inproc_token(s->v, "gw-1", token);
    NEED(inproc_enrol(s->v, &s->gw, token) == ATT_R_NONE);
    NEED(inproc_attest(s->v, &s->gw, t) == 200);
    record_keep_label(&s->before, t->outcome.label);
    inproc_attempt_clear(t);
    free(t);
}

void scene_open(struct scene *s, bool postgresql)
{
    char conninfo[128];

    memset(s, 0, sizeof(*s));
    log_open("faults", LOG_LEVEL_ERROR);
    inproc_utc_s = (int64_t)time(NULL); /* the process has the real clock */
    if (postgresql) {
        (void)snprintf(s->server, sizeof(s->server), "/tmp/attestd-faults-XXXXXX");
        NEED(mkdtemp(s->server) != NULL);
        server(s, "start");
        sql(s, "CREATE DATABASE point");
        /* the server's own durability is not what is tried here */
        sql(s, "ALTER SYSTEM SET fsync = off");
        sql(s, "ALTER SYSTEM SET full_page_writes = off");
        sql(s, "SELECT pg_reload_conf()");
        (void)snprintf(conninfo, sizeof(conninfo), "host=%s/socket dbname=point user=attestd",
                       s->server);
        s->v = inproc_new_postgresql(conninfo);
    } else {
        s->v = inproc_new();
    }
    inproc_set_policy(s->v, policy);
    NEED(inproc_restart(s->v, NULL) == ATT_OK);
    open_trust(s);
    make_keys(s);
    first_label(s);
    inproc_stop(s->v);
    scene_keep(s);
    NEED(inproc_appraise(s->v, NULL) == ATT_OK);
}

void scene_close(struct scene *s)
{
    forget_state(s);
    for (size_t i = 0; i < ATT_COUNT(s->key); i++)
        att_buf_free(s->key[i]);
    att_vkey_free(s->log);
    att_vkey_free(s->log_next);
    att_anchors_free(s->anchors);
    inproc_gateway_free(&s->gw);
    inproc_free(s->v);
    if (s->server[0] != '\0')
        server(s, "remove");
}
