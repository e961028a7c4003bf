/*
 * The agent's measuring of a tree beside `openssl dgst -sha256` over the same files: one thread each, the
 * files in the cache, processor time of the kernel included.
 *
 * BENCH_TREE names another tree than /usr/bin.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/measurer/measure.h"
#include "harness.h"
#include "need.h"

struct scene {
    struct agent_root root;
    struct agent_conf conf;
    char **command; /* openssl dgst -sha256 FILE... */
    double mib;
};

static struct table *measure(const struct scene *s, struct measure_stats *stats)
{
    struct table *t = NULL;

    NEED(measure_run(&t, stats, &s->conf, NULL, NULL) == ATT_OK);
    return t;
}

/* The regular files that the agent reads, each by its path. */
static void make_command(struct scene *s)
{
    struct measure_stats stats;
    struct table *t = measure(s, &stats);
    size_t count = 0;

    s->mib = (double)stats.bytes / 1048576;
    s->command = calloc(table_count(t) + 4, sizeof(char *));
    NEED(s->command != NULL);
    s->command[count++] = strdup("openssl");
    s->command[count++] = strdup("dgst");
    s->command[count++] = strdup("-sha256");
    for (size_t i = 0; i < table_count(t); i++) {
        const struct table_row *row = table_at(t, i);

        if (row->type == ATT_OWN_FILE) {
            s->command[count++] = strndup((const char *)row->name, row->name_len);
        }
    }
    NEED(count == stats.hashed + 3);
    table_free(t);
}

static double ours(void *ctx)
{
    const struct scene *s = ctx;
    struct measure_stats stats;
    double start = bench_cpu_s();

    table_free(measure(s, &stats));
    return s->mib / (bench_cpu_s() - start);
}

static double children_s(void)
{
    struct rusage u;

    NEED(getrusage(RUSAGE_CHILDREN, &u) == 0);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double openssl(void *ctx)
{
    const struct scene *s = ctx;
    double start = children_s();
    int status = 0;
    pid_t pid = fork();

    NEED(pid >= 0);
    if (pid == 0) {
        int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

        (void)dup2(fd, STDOUT_FILENO);
        execvp(s->command[0], s->command);
        _exit(127);
    }
    NEED(waitpid(pid, &status, 0) == pid && status == 0);
    return s->mib / (children_s() - start);
}

int main(void)
{
    static const struct bench_row row = {"files hashed beside openssl dgst", "MiB/s",
                                         BENCH_AT_LEAST, 0.9};
    const char *tree = getenv("BENCH_TREE");
    struct scene s = {.root = {.kind = ROOT_TREE, .path = tree != NULL ? tree : "/usr/bin"},
                      .conf = {.hash_threads = 1, .root_count = 1}};

    s.conf.root = &s.root;
    make_command(&s);
    bench_pairs(&row, ours, openssl, &s);
    for (size_t i = 0; s.command[i] != NULL; i++) {
        free(s.command[i]);
    }
    free(s.command);
    return 0;
}
