/* One run with a fault, and what is there when it is over. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/file.h"
#include "faults.h"
#include "need.h"
#include "verifier/process.h"
#include "verifier/store/pg_internal.h"

#define SILENCE_MS      30000 /* a server on a busy machine */
#define SILENCE_SOON_MS 3000  /* what a fault can bring about is not waited for that long */

void run_begin(struct run *run, struct stage *w)
{
    memset(run, 0, sizeof(*run));
    run->r = w->scene.before;
    run->script = (struct script){.v = w->scene.v,
                                  .gw = &w->scene.gw,
                                  .proc = &w->proc,
                                  .r = &run->r,
                                  .c = &run->c,
                                  .log = w->scene.log,
                                  .log_next = w->scene.log_next,
                                  .attempt = calloc(1, sizeof(struct inproc_attempt))};
    NEED(run->script.attempt != NULL);
    scene_restore(&w->scene);
}

void run_end(struct run *run)
{
    inproc_attempt_clear(run->script.attempt);
    free(run->script.attempt);
}

/*
 * After a sync that failed nobody knows what is on the disk: that file is not synced again, as if that could tell,
 * nobody is answered, and the process ends as one that failed; or it was ending anyway.
 */
void run_check_sync(struct run *run, const struct proc *p)
{
    const struct proc_sync s = proc_failed_sync(p);

    if (!run->to_the_end && WIFEXITED(p->status) && WEXITSTATUS(p->status) == 0)
        complain(&run->c, COMPLAINT_SYNC, "the process ends as if nothing had been");
    if (s.answers > 0 && !s.safe)
        complain(&run->c, COMPLAINT_SYNC, "%zu answers come after it", s.answers);
    if (s.again > 0)
        complain(&run->c, COMPLAINT_SYNC, "the file is synced %zu times after it", s.again);
}

/* With the fault. False: it was not reached. */
bool run_faulted(struct run *run, struct stage *w, const struct fault *f)
{
    run->script.faulted = true;
    pg_silence_ms = SILENCE_SOON_MS;
    run->up = proc_start(&w->proc, PROC_FAULT, f);
    if (run->up) {
        run->to_the_end = script_run(&run->script);
        proc_stop(&w->proc);
    }
    if (w->proc.hung)
        complain(&run->c, COMPLAINT_STUCK, "it neither answers nor ends");
    if (!w->proc.hung && !proc_was_hit(&w->proc, f))
        return false;
    if (fault_of_sync(f))
        run_check_sync(run, &w->proc);
    return true;
}

char *run_text(const char *path)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    char *text;

    NEED(att_file_read(&b, path, STORE_BYTES_MAX, NULL) == ATT_OK);
    text = strndup((const char *)att_buf_slice(b).p, att_buf_len(b));
    NEED(text != NULL);
    return text;
}

/* The tools of the service over what it left. */
static void look(struct found *f, struct run *run, struct stage *w)
{
    char path[96];
    int status;

    (void)snprintf(path, sizeof(path), "%s/fsck", w->folder);
    scene_settle(&w->scene);
    status = proc_program(w->scene.v, keeper_fsck_main, path);
    if (status != 0) {
        char *said = run_text(path);

        complain(&run->c, COMPLAINT_FSCK, "exit %d: %s", status, said);
        free(said);
    }
    scene_settle(&w->scene);
    (void)snprintf(path, sizeof(path), "%s/dump", w->folder);
    if (proc_program(w->scene.v, keeper_dump_main, path) == 0)
        f->dump = run_text(path);
}

/* Without a fault: it starts, the script ends, and all that was acknowledged is there. */
void run_again(struct run *run, struct stage *w)
{
    struct found f = {.origin = w->scene.v->cfg->log.origin,
                      .log = {w->scene.log, w->scene.log_next},
                      .anchors = w->scene.anchors};

    run->script.faulted = false;
    pg_silence_ms = SILENCE_MS;
    scene_settle(&w->scene);
    if (!proc_start(&w->proc, PROC_ALONE, NULL)) {
        char *said = run_text(w->proc.log);

        complain(&run->c, COMPLAINT_STUCK, "it does not start again: %s", said);
        free(said);
        return;
    }
    if (!script_run(&run->script) || !script_find(&run->script, &f))
        complain(&run->c, COMPLAINT_STUCK, "the script does not come to its end");
    proc_stop(&w->proc);
    if (!WIFEXITED(w->proc.status) || WEXITSTATUS(w->proc.status) != 0)
        complain(&run->c, COMPLAINT_STUCK, "its end is %#x", (unsigned int)w->proc.status);
    look(&f, run, w);
    w->proved += record_prove(&run->r, &f, &run->c);
    found_clear(&f);
}

/* A run without a fault that has to succeed, as the beginning of something else. */
bool run_whole(struct run *run, struct stage *w, enum proc_trace how)
{
    bool good;

    pg_silence_ms = SILENCE_MS;
    good = proc_start(&w->proc, how, NULL) && script_run(&run->script);
    proc_stop(&w->proc);
    return good;
}
