/* One courier serves all requests for a log: it keeps its connection. */
#include "log_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli.h"
#include "common/relay.h"

#define CONNECT_TIMEOUT_MS 5000
#define TIMEOUT_MS         60000
#define BUSY_TRIES         5
#define BUSY_WAIT_US       500000
#define ADDRESS_MAX        1024

struct log_source {
    struct log_place place;
    struct relay *courier; /* NULL for a folder */
    size_t where_len;      /* without the slash at its end */
};

void log_source_close(struct log_source *s)
{
    if (s == NULL) {
        return;
    }
    relay_stop(s->courier);
    free(s);
}

void log_source_closep(struct log_source **s)
{
    log_source_close(*s);
    *s = NULL;
}

static bool is_address(const char *where)
{
    return where != NULL && strstr(where, "://") != NULL;
}

static enum att_err check_place(const struct log_place *p, struct att_diag *diag)
{
    char shown[256];
    struct stat st;

    if (p->where == NULL) {
        return online_socket(p->socket, diag);
    }
    (void)text_safe(shown, sizeof(shown), p->where);
    if (!is_address(p->where)) {
        return stat(p->where, &st) == 0 && S_ISDIR(st.st_mode)
                   ? ATT_OK
                   : att_fail(diag, ATT_E_NOT_FOUND, ATT_R_FILE, "log", "no folder \"%s\"", shown);
    }
    if (strlen(p->where) > ADDRESS_MAX) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "log", "the address is too long");
    }
    if (strncmp(p->where, "https://", 8) != 0) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "log", "expected %s, found %s",
                        "https://... or a folder", shown);
    }
    if (p->ca == NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--ca", "expected %s, found nothing",
                        "--ca FILE (PEM of the verifier's certificate authority)");
    }
    return ATT_OK;
}

enum att_err log_source_open(struct log_source **out, const struct log_place *place,
                             struct att_diag *diag)
{
    ATT_CLEANUP(log_source_closep) struct log_source *s = calloc(1, sizeof(*s));
    const struct relay_settings settings = {.operator_kinds = true,
                                            .admin_socket =
                                                place->where == NULL ? place->socket : NULL,
                                            .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                            .timeout_ms = TIMEOUT_MS};
    enum att_err err = ATT_OK;

    if (s == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory");
    }
    err = check_place(place, diag);
    if (err != ATT_OK) {
        return err;
    }
    s->place = *place;
    s->where_len = place->where == NULL ? 0 : strlen(place->where);
    while (s->where_len > 1 && place->where[s->where_len - 1] == '/') {
        s->where_len--;
    }
    if (place->where == NULL || is_address(place->where)) {
        err = relay_start(&s->courier, &settings, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = s;
    s = NULL;
    return ATT_OK;
}

static enum att_err missing(struct att_diag *diag, const char *path)
{
    /* a diagnosis keeps its field as a pointer, and this path is often on somebody's stack */
    return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_TL_MISSING, "log", "expected %s, found nothing",
                    path);
}

static enum att_err get_file(struct att_buf **out, const struct log_source *s, const char *path,
                             size_t cap, struct att_diag *diag)
{
    char full[4096];
    int len = snprintf(full, sizeof(full), "%.*s/%s", (int)s->where_len, s->place.where, path);
    enum att_err err = ATT_OK;

    if (len < 0 || (size_t)len >= sizeof(full)) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "log", "the path is too long");
    }
    err = att_file_read(out, full, cap, diag);
    return err == ATT_E_NOT_FOUND ? missing(diag, path) : err;
}

static enum att_err ask(struct relay_answer *answer, const struct log_source *s, const char *path,
                        struct att_diag *diag)
{
    char target[ADDRESS_MAX + 128];
    struct relay_request req = {.kind = RELAY_FETCH};

    if (s->place.where == NULL) {
        (void)snprintf(target, sizeof(target), "/admin/v1/log/%s", path);
        req = (struct relay_request){
            .kind = RELAY_ADMIN, .a = att_slice_str("GET"), .b = att_slice_str(target)};
        return relay_ask(answer, s->courier, &req, diag);
    }
    (void)snprintf(target, sizeof(target), "%.*s/%s", (int)s->where_len, s->place.where, path);
    req.a = att_slice_str(target);
    req.b = att_slice_str(s->place.ca);
    return relay_ask(answer, s->courier, &req, diag);
}

/* A verifier that is busy with gateways says so, and is asked again a little later. */
static enum att_err ask_patiently(struct relay_answer *answer, const struct log_source *s,
                                  const char *path, struct att_diag *diag)
{
    enum att_err err = ask(answer, s, path, diag);

    for (int i = 0; err == ATT_OK && answer->status == 503 && i < BUSY_TRIES; i++) {
        relay_answer_free(answer);
        (void)usleep(BUSY_WAIT_US);
        err = ask(answer, s, path, diag);
    }
    return err;
}

static enum att_err get_online(struct att_buf **out, const struct log_source *s, const char *path,
                               size_t cap, struct att_diag *diag)
{
    ATT_CLEANUP(relay_answer_free) struct relay_answer answer = {0};
    ATT_CLEANUP(att_buf_freep) struct att_buf *copy = NULL;
    enum att_err err = ask_patiently(&answer, s, path, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (answer.status == 404 || answer.status == 410) {
        return missing(diag, path);
    }
    if (answer.status != 200) {
        return att_fail(diag, answer.status == 503 ? ATT_E_BUSY : ATT_E_NETWORK,
                        answer.status == 503 ? ATT_R_BUSY : ATT_R_NET_PROTOCOL, "log",
                        "expected 200, found %u", answer.status);
    }
    if (answer.body.len > cap) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_TLOG, "log",
                        "expected at most %zu bytes, found %zu", cap, answer.body.len);
    }
    err = att_buf_new(&copy, answer.body.len + 1);
    if (err == ATT_OK) {
        err = att_buf_add_slice(copy, answer.body);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "log", "no memory");
    }
    *out = copy;
    copy = NULL;
    return ATT_OK;
}

enum att_err log_source_get(struct att_buf **out, struct log_source *s, const char *path,
                            size_t cap, struct att_diag *diag)
{
    return s->courier == NULL ? get_file(out, s, path, cap, diag)
                              : get_online(out, s, path, cap, diag);
}

/* The tile, or the full one in its place: *full. */
static enum att_err get_tile(struct att_buf **out, bool *full, struct log_source *s,
                             const struct att_tile *tile, struct att_diag *diag)
{
    struct att_tile t = *tile;
    size_t cap = t.entries ? ATT_BUNDLE_MAX : ATT_TILE_MAX;
    char path[ATT_TILE_PATH_TEXT];
    struct att_diag other = {0};
    enum att_err err = log_source_get(out, s, att_tile_path(path, sizeof(path), &t), cap, diag);

    *full = tile->width == ATT_TILE_WIDTH;
    if (err != ATT_E_NOT_FOUND || *full) {
        return err;
    }
    t.width = ATT_TILE_WIDTH;
    if (log_source_get(out, s, att_tile_path(path, sizeof(path), &t), cap, &other) != ATT_OK) {
        return err;
    }
    *full = true;
    return ATT_OK;
}

enum att_err log_source_hashes(uint8_t out[ATT_TILE_WIDTH][ATT_MERKLE_LEN], struct log_source *s,
                               const struct att_tile *tile, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    bool full = false;
    enum att_err err = get_tile(&file, &full, s, tile, diag);

    if (err != ATT_OK) {
        return err;
    }
    return att_tile_parse(out, att_buf_slice(file), full ? ATT_TILE_WIDTH : tile->width, diag);
}

enum att_err log_source_entries(struct att_slice out[ATT_TILE_WIDTH], struct att_buf **file,
                                struct log_source *s, const struct att_tile *tile,
                                struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *got = NULL;
    bool full = false;
    enum att_err err = get_tile(&got, &full, s, tile, diag);

    if (err == ATT_OK) {
        err = att_bundle_parse(out, att_buf_slice(got), full ? ATT_TILE_WIDTH : tile->width, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *file = got;
    got = NULL;
    return ATT_OK;
}
