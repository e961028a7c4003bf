/*
 * syscalls - SIGKILL, EIO and ENOSPC at every system call of one scripted run, each in a run of its own.
 *
 *   syscalls [--postgresql] [--sample N | --call NAME [--when N]] [--at-least N] [--verbose]
 *   syscalls --self-check        what is not so has to be noticed: 0 when it all is
 *
 * Exit status 0: no complaint; 1: some, or fewer points than --at-least; 77: it cannot be done here (no strace, no
 * PostgreSQL).
 *
 * Without --sample every N of every call is walked until a run ends before its fault. It is done twice: from records that
 * were closed in order, and from those that a SIGKILL left when the database was a step ahead of the log's file. --sample
 * takes every sync, which is where durability is decided, and N points that lie evenly among the others, the same ones
 * each time.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"
#include "need.h"
#include "remove_tree.h"

/* What became of the points of one kind and call. */
struct tally {
    size_t points, killed, refused_start, stopped, refused, passed;
};

struct walk {
    struct stage stage;
    struct calls calls;
    struct complaints sum;
    size_t points, acknowledged;
    bool verbose;
    const char *only;     /* one call, or NULL */
    unsigned long when;   /* one of its points, or 0 */
    unsigned long sample; /* 0: all points */
    size_t at_least;
};

static void add_complaints(struct walk *w, const struct run *run)
{
    for (size_t i = 0; i < COMPLAINT__COUNT; i++)
        w->sum.count[i] += run->c.count[i];
}

/* --- one point --- */

static void count_it(struct tally *t, const struct run *run, const struct fault *f)
{
    t->points++;
    if (fault_kills(f))
        t->killed++;
    else if (!run->up)
        t->refused_start++;
    else if (!run->to_the_end)
        t->stopped++;
    else if (run->script.refusals > 0)
        t->refused++;
    else
        t->passed++;
}

static void show_it(const struct walk *w, const struct run *run)
{
    char *said = run_text(w->stage.proc.log);

    printf("%s      %s: up=%d end=%d refusals=%u status=%#x\n", said, run->c.where, run->up,
           run->to_the_end, run->script.refusals, (unsigned int)w->stage.proc.status);
    free(said);
}

/* True: the fault was reached. */
static bool point(struct walk *w, struct tally *t, const struct fault *f)
{
    static struct run run;
    bool hit;

    run_begin(&run, &w->stage);
    (void)snprintf(run.c.where, sizeof(run.c.where), "%s, %s at %s %lu", w->stage.from, f->kind,
                   f->call, f->when);
    hit = run_faulted(&run, &w->stage, f);
    if (hit && w->verbose)
        show_it(w, &run);
    if (hit) {
        w->points++;
        w->acknowledged += record_count(&run.r) - record_count(&w->stage.scene.before);
        count_it(t, &run, f);
        run_again(&run, &w->stage);
        add_complaints(w, &run);
    }
    run_end(&run);
    return hit;
}

/* A run without a fault, which has to be without a complaint too. */
static void count_calls(struct walk *w)
{
    static struct run run;
    struct proc_order order;

    run_begin(&run, &w->stage);
    (void)snprintf(run.c.where, sizeof(run.c.where), "%s, no fault", w->stage.from);
    if (!run_whole(&run, &w->stage, PROC_COUNT))
        complain(&run.c, COMPLAINT_STUCK, "the script does not come to its end");
    calls_count(&w->calls, w->stage.proc.trace);
    order = proc_order(&w->stage.proc);
    NEED(order.writes > 0 && order.answers > 0);
    if (order.early > 0)
        complain(&run.c, COMPLAINT_SYNC, "%zu answers before what was written was synced",
                 order.early);
    run_again(&run, &w->stage);
    add_complaints(w, &run);
    run_end(&run);
}

/* --- all points, or some --- */

static void print_head(void)
{
    printf("%-6s %-18s %7s %7s %9s %8s %8s %7s\n", "kind", "call", "points", "killed", "no start",
           "stopped", "refused", "passed");
}

static void print_tally(const char *kind, const char *call, const struct tally *t)
{
    if (t->points > 0)
        printf("%-6s %-18s %7zu %7zu %9zu %8zu %8zu %7zu\n", kind, call, t->points, t->killed,
               t->refused_start, t->stopped, t->refused, t->passed);
    (void)fflush(stdout);
}

/* All of a kind and a call; a run may have a call more or less than the one that was counted. */
static void walk_pair(struct walk *w, struct fault *f)
{
    struct tally t = {0};

    if (w->only != NULL && strcmp(w->only, f->call) != 0)
        return;
    f->when = w->when > 0 ? w->when : 1;
    while (point(w, &t, f) && w->when == 0)
        f->when++;
    print_tally(f->kind, f->call, &t);
}

static void walk_all(struct walk *w)
{
    struct fault f;

    printf("from %s:\n", w->stage.from);
    print_head();
    for (size_t i = 0; calls_pair(&f, &w->calls, i); i++)
        walk_pair(w, &f);
}

static bool is_sync(const struct fault *f)
{
    return strcmp(f->call, "fsync") == 0 || strcmp(f->call, "fdatasync") == 0;
}

/* How many points are not syncs, as the run without a fault had them. */
static unsigned long count_others(const struct walk *w)
{
    unsigned long sum = 0;
    struct fault f;

    for (size_t i = 0; calls_pair(&f, &w->calls, i); i++)
        sum += is_sync(&f) ? 0 : calls_of(&w->calls, f.call);
    return sum;
}

static void walk_some(struct walk *w)
{
    unsigned long others = count_others(w), nth = 0, chosen = 0;
    struct tally t = {0};
    struct fault f;

    for (size_t i = 0; calls_pair(&f, &w->calls, i); i++) {
        for (f.when = 1; f.when <= calls_of(&w->calls, f.call); f.when++) {
            if (!is_sync(&f)) {
                nth++;
                if (nth * w->sample / others == (nth - 1) * w->sample / others)
                    continue;
            }
            chosen++;
            (void)point(w, &t, &f);
        }
    }
    printf("from %s: %zu points: killed %zu, no start %zu, stopped %zu, refused %zu, passed %zu\n",
           w->stage.from, t.points, t.killed, t.refused_start, t.stopped, t.refused, t.passed);
    /* a run differs from the next by a call or two, not by many */
    if (t.points < chosen * 9 / 10)
        complain(&w->sum, COMPLAINT_STUCK, "only %zu of %lu faults were reached", t.points, chosen);
}

/* --- where it begins --- */

/* What is published before any fault: it has to be there for ever after. */
static void begin_published(struct stage *st)
{
    static struct run run;

    run_begin(&run, st);
    run.script.next = STEP_SHOW_AGAIN;
    NEED(run_whole(&run, st, PROC_ALONE) && run.r.label_count == 1 && run.r.leaf_count > 0);
    run_end(&run);
    st->scene.before = run.r;
    st->scene.before.base = run.r.leaf_count;
    scene_keep(&st->scene);
}

/* Records that a SIGKILL left: the database is a step ahead of what the log's file knows. */
static void begin_a_step_behind(struct walk *w)
{
    static struct run run;
    struct fault f = {"pwrite64", "KILL", calls_of(&w->calls, "pwrite64")};
    struct stage *st = &w->stage;
    bool found = false;

    for (; !found && f.when > 0; f.when--) {
        run_begin(&run, st);
        found = run_faulted(&run, st, &f) && run.up && proc_died_at(&st->proc, "/log-head>");
        run_end(&run);
    }
    NEED(found);
    st->scene.before = run.r;
    scene_keep(&st->scene);
    st->from = "records that SIGKILL left";
}

static void open_walk(struct walk *w, bool postgresql)
{
    struct stage *st = &w->stage;

    (void)snprintf(st->folder, sizeof(st->folder), "/tmp/attestd-syscalls-XXXXXX");
    NEED(mkdtemp(st->folder) != NULL);
    scene_open(&st->scene, postgresql);
    st->scene.v->carry = proc_ask;
    st->scene.v->carry_ctx = &st->proc;
    st->proc.v = st->scene.v;
    st->proc.fd = -1;
    (void)snprintf(st->proc.trace, sizeof(st->proc.trace), "%s/trace", st->folder);
    (void)snprintf(st->proc.log, sizeof(st->proc.log), "%s/log", st->folder);
    begin_published(st);
    st->from = "records that were closed";
}

static void close_walk(struct walk *w)
{
    scene_close(&w->stage.scene);
    remove_tree(w->stage.folder);
}

/* --- the program --- */

static void walk_both(struct walk *w)
{
    for (int from = 0; from < 2; from++) {
        if (from == 1)
            begin_a_step_behind(w);
        count_calls(w);
        if (w->sample > 0)
            walk_some(w);
        else
            walk_all(w);
    }
}

static int result(const struct walk *w, const char *engine)
{
    bool enough = w->points > 0 && w->points >= w->at_least;

    printf("%s: %zu points, %zu acknowledgements, %zu proofs;", engine, w->points, w->acknowledged,
           w->stage.proved);
    for (size_t i = 0; i < COMPLAINT__COUNT; i++)
        printf(" %s %zu", complaint_name((enum complaint)i), w->sum.count[i]);
    printf("\n");
    if (!enough)
        printf("FAIL  expected at least %zu points\n", w->at_least);
    return complaints_total(&w->sum) == 0 && enough ? 0 : 1;
}

static unsigned long number_after(int *i, int argc, char **argv)
{
    NEED(*i + 1 < argc);
    return strtoul(argv[++*i], NULL, 10);
}

static int usage(const char *option)
{
    fprintf(stderr,
            "syscalls: %s is none of its options: see the head of tests/faults/syscalls.c\n",
            option);
    return 64;
}

int main(int argc, char **argv)
{
    static struct walk w;
    bool postgresql = false, self_check = false;
    int status;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--postgresql") == 0)
            postgresql = true;
        else if (strcmp(argv[i], "--self-check") == 0)
            self_check = true;
        else if (strcmp(argv[i], "--verbose") == 0)
            w.verbose = true;
        else if (strcmp(argv[i], "--sample") == 0)
            w.sample = number_after(&i, argc, argv);
        else if (strcmp(argv[i], "--at-least") == 0)
            w.at_least = number_after(&i, argc, argv);
        else if (strcmp(argv[i], "--when") == 0)
            w.when = number_after(&i, argc, argv);
        else if (strcmp(argv[i], "--call") == 0 && i + 1 < argc)
            w.only = argv[++i];
        else
            return usage(argv[i]);
    }
    open_walk(&w, postgresql);
    if (self_check) {
        status = lies_check(&w.stage) == 0 ? 0 : 1;
    } else {
        walk_both(&w);
        status = result(&w, postgresql ? "PostgreSQL" : "SQLite");
    }
    close_walk(&w);
    return status;
}
