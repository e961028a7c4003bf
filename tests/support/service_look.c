/* What the service keeps, read from a copy of its database; what it costs, read from /proc. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "codec/json.h"
#include "need.h"
#include "service.h"

static bool copy_file(const char *from, const char *to)
{
    char buf[65536];
    ssize_t n;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out;

    if (in < 0) {
        return false;
    }
    out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    NEED(out >= 0);
    while ((n = read(in, buf, sizeof(buf))) > 0) {
        NEED(write(out, buf, (size_t)n) == n);
    }
    close(in);
    close(out);
    return n == 0;
}

/* Copy the state folder, but not the folder of keys in it; shared-memory and lock files are the running process's own. */
static void copy_state(const struct service *s, const char *to)
{
    char from[96];
    char a[400];
    char b[400];
    const struct dirent *e;
    DIR *d;

    snprintf(from, sizeof(from), "%s/state", s->dir);
    d = opendir(from);
    NEED(d != NULL);
    while ((e = readdir(d)) != NULL) {
        size_t len = strlen(e->d_name);

        if (e->d_name[0] == '.' || e->d_type == DT_DIR ||
            (len > 4 && strcmp(e->d_name + len - 4, "-shm") == 0)) {
            continue;
        }
        snprintf(a, sizeof(a), "%s/%s", from, e->d_name);
        snprintf(b, sizeof(b), "%s/%s", to, e->d_name);
        NEED(copy_file(a, b));
    }
    closedir(d);
}

static void remove_copy(const char *dir)
{
    char path[400];
    const struct dirent *e;
    DIR *d = opendir(dir);

    NEED(d != NULL);
    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
            unlink(path);
        }
    }
    closedir(d);
    NEED(rmdir(dir) == 0);
}

static void with_copy(const struct service *s, void (*look)(void *ctx, struct store *st), void *ctx)
{
    char dir[] = "/tmp/attestd-copy-XXXXXX";
    struct att_diag diag = {0};
    struct store *st = NULL;
    char text[512];

    NEED(mkdtemp(dir) != NULL);
    copy_state(s, dir);
    if (store_open(&st, dir, false, &diag) != ATT_OK) {
        fprintf(stderr, "%s\n", att_diag_print(text, sizeof(text), &diag));
        NEED(false && "the copied database opens");
    }
    look(ctx, st);
    store_close(st);
    remove_copy(dir);
}

static void dump(void *ctx, struct store *st)
{
    char **out = ctx;
    size_t len = 0;
    FILE *f = open_memstream(out, &len);

    NEED(f != NULL && store_dump(st, f) == ATT_OK && fclose(f) == 0);
}

char *service_dump(const struct service *s)
{
    char *out = NULL;

    with_copy(s, dump, &out);
    return out;
}

struct device_ask {
    struct service_device *out;
    const char *id;
    bool found;
};

static void look_device(void *ctx, struct store *st)
{
    struct device_ask *ask = ctx;
    struct service_device *out = ask->out;
    struct store_outcome o;
    int64_t count = 0;
    int64_t i;

    memset(out, 0, sizeof(*out));
    ask->found = store_device_get(&out->device, st, ask->id) == ATT_OK;
    if (ask->found) {
        NEED(store_state_get(&out->state, NULL, st, out->device.enrolment) == ATT_OK);
    }
    NEED(store_outcome_count(&count, st) == ATT_OK);
    for (i = 0; i < count; i++) {
        NEED(store_outcome_get(&o, st, i) == ATT_OK);
        if (strcmp(o.device, ask->id) == 0) {
            out->last = o;
            out->outcomes++;
            out->labels += o.has_cti ? 1 : 0;
        }
    }
}

bool service_device(struct service_device *out, const struct service *s, const char *id)
{
    struct device_ask ask = {.out = out, .id = id};

    with_copy(s, look_device, &ask);
    return ask.found;
}

static void look_count(void *ctx, struct store *st)
{
    NEED(store_outcome_count(ctx, st) == ATT_OK);
}

int64_t service_outcomes(const struct service *s)
{
    int64_t count = 0;

    with_copy(s, look_count, &count);
    return count;
}

static size_t rss_of(pid_t pid)
{
    char path[64];
    char line[256];
    size_t kib = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    f = fopen(path, "r");
    if (f == NULL) {
        return 0;
    }
    while (fgets(line, sizeof(line), f) != NULL) {
        if (sscanf(line, "Rss: %zu kB", &kib) == 1) {
            break;
        }
    }
    fclose(f);
    return kib * 1024;
}

/* The supervisor leads a process group of its own, which all its children stay in. */
size_t service_memory(const struct service *s)
{
    size_t sum = 0;
    const struct dirent *e;
    DIR *d = opendir("/proc");

    NEED(d != NULL);
    while ((e = readdir(d)) != NULL) {
        pid_t pid = (pid_t)atoi(e->d_name);

        if (pid > 0 && getpgid(pid) == s->pid) {
            sum += rss_of(pid);
        }
    }
    closedir(d);
    return sum;
}

void service_token(const struct service *s, const char *id, char out[128])
{
    ATT_CLEANUP(att_json_freep) json_t *j = NULL;
    char body[160] = "{}";
    char answer[1024];
    const char *token;

    if (id != NULL) {
        snprintf(body, sizeof(body), "{\"id\":\"%s\"}", id);
    }
    NEED(service_admin(s, "POST", "/allow", body, answer, sizeof(answer)) == 201);
    NEED(att_json_parse(&j, att_slice_str(answer), NULL) == ATT_OK);
    token = json_string_value(json_object_get(j, "token"));
    NEED(token != NULL && strlen(token) < 128);
    snprintf(out, 128, "%s", token);
}

int service_remove(const struct service *s, const char *id)
{
    char path[160];

    snprintf(path, sizeof(path), "/devices/%s", id);
    return service_admin(s, "DELETE", path, "", NULL, 0);
}

static int run_for_a_while(const struct service *s, const char *env, const char *option)
{
    const char *build = getenv("BUILD");
    char command[1024];
    int status;

    snprintf(command, sizeof(command),
             "env %s timeout 3 %s/attestd run %s --config %s/attestd.yaml >%s/said 2>&1",
             env != NULL ? env : "", build != NULL && build[0] != '\0' ? build : "build/release",
             option, s->dir, s->dir);
    status = system(command);
    NEED(status != -1 && WIFEXITED(status));
    return WEXITSTATUS(status);
}

int service_try(const struct service *s, const char *env)
{
    return run_for_a_while(s, env, "");
}

int service_check(const struct service *s, const char *env)
{
    return run_for_a_while(s, env, "--check-config");
}

bool service_said(const struct service *s, const char *word)
{
    char path[128];
    char text[16384];
    size_t len;
    FILE *f;

    snprintf(path, sizeof(path), "%s/said", s->dir);
    f = fopen(path, "r");
    NEED(f != NULL);
    len = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[len] = '\0';
    return strstr(text, word) != NULL;
}

size_t service_logged(const struct service *s, const char *word)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    char path[128];
    size_t count = 0;
    struct att_slice in;

    (void)snprintf(path, sizeof(path), "%s/log", s->dir);
    NEED(att_file_read(&b, path, 4 << 20, NULL) == ATT_OK);
    in = att_buf_slice(b);
    for (const char *at = memmem(in.p, in.len, word, strlen(word)); at != NULL; count++) {
        size_t done = (size_t)(at - (const char *)in.p) + strlen(word);

        at = memmem(in.p + done, in.len - done, word, strlen(word));
    }
    return count;
}

void service_reload(struct service *s)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    size_t before = service_logged(s, " reload.");

    NEED(kill(s->pid, SIGHUP) == 0);
    for (int waited_ms = 0; service_logged(s, " reload.") == before; waited_ms += 5) {
        NEED(waited_ms < 10000 && "an answer to SIGHUP");
        (void)nanosleep(&pause, NULL);
    }
}
