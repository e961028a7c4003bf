/* Which system calls a run makes, and at which of them which fault makes sense. */
#include <string.h>

#include "faults.h"
#include "need.h"

static const char *const kinds[] = {"KILL", "EIO", "ENOSPC"};

/* A run cannot fail at these; a process can be killed at each of them. */
static const char *const never_fail[] = {
    "brk",           "mmap",           "munmap",          "mprotect",        "madvise",
    "getpid",        "gettid",         "getuid",          "geteuid",         "futex",
    "rt_sigaction",  "rt_sigprocmask", "rt_sigreturn",    "getrandom",       "nanosleep",
    "clock_gettime", "rt_sigpending",  "restart_syscall", "clock_nanosleep", "getgid",
    "getegid",
};
/* The harness's own, and the last one of all. */
static const char *const not_walked[] = {"rt_sigtimedwait", "exit_group"};

static bool among(const char *const *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], name) == 0)
            return true;
    }
    return false;
}

static struct call *call_of(struct calls *all, const char *name, size_t len)
{
    struct call *c;

    for (size_t i = 0; i < all->count; i++) {
        c = &all->call[i];
        if (strncmp(c->name, name, len) == 0 && c->name[len] == '\0')
            return c;
    }
    NEED(all->count < ATT_COUNT(all->call));
    c = &all->call[all->count++];
    memcpy(c->name, name, len);
    return c;
}

static void count_line(struct calls *all, const char *line)
{
    size_t len = strcspn(line, "(");
    char name[sizeof(all->call[0].name)] = "";

    if (line[len] != '(' || len == 0 || len >= sizeof(name) ||
        strspn(line, "abcdefghijklmnopqrstuvwxyz_0123456789") != len)
        return;
    memcpy(name, line, len);
    if (!among(not_walked, ATT_COUNT(not_walked), name))
        call_of(all, name, len)->count++;
}

void calls_count(struct calls *out, const char *trace)
{
    FILE *file = fopen(trace, "r");
    char line[4096];

    memset(out, 0, sizeof(*out));
    NEED(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL)
        count_line(out, line);
    (void)fclose(file);
    NEED(out->count > 0);
}

unsigned long calls_of(const struct calls *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->call[i].name, name) == 0)
            return all->call[i].count;
    }
    return 0;
}

static bool can_be(const char *kind, const char *call)
{
    return strcmp(kind, "KILL") == 0 || !among(never_fail, ATT_COUNT(never_fail), call);
}

bool calls_pair(struct fault *out, const struct calls *all, size_t n)
{
    for (size_t k = 0; k < ATT_COUNT(kinds); k++) {
        for (size_t i = 0; i < all->count; i++) {
            if (!can_be(kinds[k], all->call[i].name) || n-- > 0)
                continue;
            *out = (struct fault){all->call[i].name, kinds[k], 1};
            return true;
        }
    }
    return false;
}
