/*
 * Faults at every system call of one scripted run (make faults).
 *
 * The keeper's own process (verifier/process.h) is forked and traced; this program speaks to it as a front does,
 * through its socket, and so is what an acknowledgement is counted by: what arrived here. strace injects one fault a
 * run: SIGKILL, or an error instead of the N-th call of a kind. Then the keeper is started again without a fault, the
 * script is brought to its end, and every acknowledgement is proved again from what is published and what is stored.
 */
#ifndef ATT_TEST_FAULTS_H
#define ATT_TEST_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "crypto/cert.h"
#include "inproc.h"
#include "sign/vkey.h"

#define FAULTS_ENTRIES  255 /* one tile, and not a full one */
#define FAULTS_ITEMS    16
#define FAULTS_LABEL    8192
#define FAULTS_LOG_KEYS 2

/* ---- what went wrong: counted by what it is, and said with where ---- */
enum complaint {
    COMPLAINT_LOST,   /* acknowledged, and not there */
    COMPLAINT_FORK,   /* two histories */
    COMPLAINT_UNDONE, /* refused, and done all the same */
    COMPLAINT_TWICE,  /* more entries than were asked for */
    COMPLAINT_SYNC, /* answered without a sync that succeeded, or synced again after one that failed */
    COMPLAINT_FSCK,
    COMPLAINT_STUCK, /* does not start, answer or end when nothing is wrong any more */
    COMPLAINT__COUNT
};
const char *complaint_name(enum complaint c);
struct complaints {
    size_t count[COMPLAINT__COUNT];
    char where[96]; /* the fault, for the words */
    bool quiet;     /* it is expected: nothing is said */
};
void complain(struct complaints *c, enum complaint what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
size_t complaints_total(const struct complaints *c);

/* ---- a fault ---- */
struct fault {
    const char *call; /* name of the system call; NULL: none */
    const char *kind; /* "KILL", or the error's name */
    unsigned long when;
};
bool fault_kills(const struct fault *f);
bool fault_of_sync(const struct fault *f);

/* ---- the keeper's process (process.c) ---- */
#define PROC_PATIENCE_S 30 /* an answer, a start or an end on a busy machine */
enum proc_trace { PROC_ALONE, PROC_FAULT, PROC_COUNT };
struct proc {
    struct inproc *v;
    char trace[96], log[96]; /* files: what strace saw; what the keeper said */
    pid_t pid, tracer;       /* 0: it does not run */
    int fd;                  /* the front's end */
    int status;              /* of waitpid, when it has ended */
    bool mute;               /* the last question was not answered */
    bool hung;               /* because it waits for what will not come: it was killed */
};
/* False: it ended before it was ready (p->status). */
bool proc_start(struct proc *p, enum proc_trace how, const struct fault *f);
/* struct inproc's carry: ctx is a struct proc. Without an answer a->count stays 0 and a->reason is E_BUSY. */
void proc_ask(void *ctx, const struct msg *m, struct inproc_answer *a);
/* As when all fronts have gone: it ends in order. Also reaps one that has ended. */
void proc_stop(struct proc *p);
/* Of the last traced run: was the call reached? And what came after a sync that failed? */
bool proc_was_hit(const struct proc *p, const struct fault *f);
struct proc_sync {
    size_t again;   /* syncs of the same file */
    size_t answers; /* what was answered */
    bool
        safe; /* it was the folder of the records, which had been synced before since all is in it */
};
struct proc_sync proc_failed_sync(const struct proc *p);
/* Of a run under PROC_COUNT: answers that were sent while something that was written was not yet synced. */
struct proc_order {
    size_t writes, answers, early;
};
struct proc_order proc_order(const struct proc *p);
/* It was killed at a write into the file of this name ("/name>"). */
bool proc_died_at(const struct proc *p, const char *name);
/* Exit status of one of the programs of verifier/process.h over the records; what it prints goes to a file. */
int proc_program(struct inproc *v, int (*program)(const struct config *cfg), const char *output);

/* ---- what was acknowledged (record.c) ---- */
struct record_head {
    uint64_t size;
    uint8_t root[32];
};
struct record_label {
    uint8_t bytes[FAULTS_LABEL]; /* with its receipt */
    size_t len;
    uint8_t cti[16];
};
struct record_revoked {
    uint8_t cti[16];
    uint64_t list, place;
    int64_t outcome; /* -1: it was revoked before, by a question that got no answer */
};
struct record {
    char allowed[FAULTS_ITEMS][32]; /* device ids */
    size_t allowed_count;
    char refused[FAULTS_ITEMS][32]; /* those that were refused */
    size_t refused_count;
    struct record_head head[FAULTS_ITEMS]; /* checkpoints as published */
    size_t head_count;
    uint8_t leaf[FAULTS_ENTRIES]
                [32]; /* hashes of the entries as published with the newest of them */
    size_t leaf_count;
    struct record_label label[FAULTS_ITEMS / 4];
    size_t label_count;
    struct record_revoked revoked[FAULTS_ITEMS / 4];
    size_t revoked_count;
    bool label_key, log_key; /* asked for, and not refused: in force, or not */
    size_t base;             /* entries that were there before any of this */
    size_t entries;          /* acknowledged since */
    size_t unclear;          /* asked for, and refused or not answered: there, or not */
};

/* What is there at the end, from the service itself and from its tools. */
struct found {
    struct record_head head;
    uint8_t leaf[FAULTS_ENTRIES][32];
    struct att_buf *entries, *list; /* as published */
    uint64_t list_number;
    char *dump;                                  /* attestd fsck --dump */
    const char *origin;                          /* borrowed, as the two below */
    const struct att_vkey *log[FAULTS_LOG_KEYS]; /* the one at first, and the one that takes over */
    const struct att_anchors *anchors;
};
void found_clear(struct found *f);

/* Hashes of entries and roots by the words of RFC 9162, 2.1.1, and by none of our code. */
void record_leaf(uint8_t out[32], struct att_slice entry);
void record_root(uint8_t out[32], const uint8_t (*leaf)[32], size_t count);
/* Where a label's status is told. */
bool record_place(uint64_t *list, uint64_t *place, struct att_slice label);
void record_keep_label(struct record *r, struct att_slice label);
size_t record_count(const struct record *r); /* acknowledgements */
/* Each acknowledgement against what is there. Returns how many were proved. */
size_t record_prove(const struct record *r, const struct found *f, struct complaints *c);

/* ---- the script (script.c) ---- */
enum step {
    STEP_ALLOW,
    STEP_SHOW,
    STEP_LABEL,
    STEP_REVOKE,
    STEP_LABEL_KEY,
    STEP_LOG_KEY,
    STEP_SHOW_AGAIN,
    STEP__COUNT
};
struct script {
    struct inproc *v;
    struct inproc_gateway *gw;
    struct proc *proc;
    struct record *r;
    struct complaints *c;
    const struct att_vkey *log, *log_next;
    struct inproc_attempt *attempt;
    enum step next;
    unsigned int refusals; /* answers that said no */
    bool
        gullible; /* self-check: what was asked counts as acknowledged, as if it were answered before it is durable */
    bool faulted; /* a fault may come: a refusal is allowed */
};
/* From s->next on, until the end or until the process does not answer any more. True: to the end. */
bool script_run(struct script *s);
/* The newest checkpoint with all entries, the status list of the first label: false when they cannot be had. */
bool script_find(struct script *s, struct found *f);

/* ---- where it begins (scene.c) ---- */
struct scene {
    struct inproc *v;
    struct inproc_gateway gw;
    struct att_vkey *log, *log_next;
    struct att_anchors *anchors; /* what a partner has */
    struct record before;        /* acknowledged before the point begins */
    char server[64];             /* folder of the PostgreSQL; empty: SQLite */
    struct att_buf *key[3]; /* keys that take over: certificate and key of labels, key of the log */
    struct scene_file {
        char name[64];
        uint8_t *bytes;
        size_t len;
    } file[16];
    size_t file_count;
};
/* An enrolled gateway that has had one label. Exit status 77 when PostgreSQL is not installed. */
void scene_open(struct scene *s, bool postgresql);
void scene_close(struct scene *s);
void scene_keep(struct scene *s);    /* the records as they are now are where a point begins */
void scene_restore(struct scene *s); /* put them back */
void scene_settle(
    const struct scene *s); /* until the server has noticed that a session has ended */

/* ---- one run (run.c) ---- */
struct stage {
    struct scene scene;
    struct proc proc;
    char folder[64]; /* of what this program writes */
    const char *from;
    size_t proved;
};
struct run {
    struct record r;
    struct complaints c;
    struct script script;
    bool up, to_the_end;
};
void run_begin(struct run *run, struct stage *w);
void run_end(struct run *run);
/* With the fault. False: it was not reached. */
bool run_faulted(struct run *run, struct stage *w, const struct fault *f);
/* Without one, as the beginning of something else: true when all went well. */
bool run_whole(struct run *run, struct stage *w, enum proc_trace how);
/* After either: the keeper starts, the script comes to its end, and all that was acknowledged is there. */
void run_again(struct run *run, struct stage *w);
void run_check_sync(struct run *run, const struct proc *p); /* part of run_faulted */
char *run_text(const char *path);                           /* of a file; the caller frees it */

/* ---- which calls there are (calls.c) ---- */
#define CALLS_MAX 128
struct calls {
    struct call {
        char name[32];
        unsigned long count;
    } call[CALLS_MAX];
    size_t count;
};
void calls_count(struct calls *out, const char *trace);
unsigned long calls_of(const struct calls *all, const char *name);
/* The n-th pair of a call and a fault that can happen to it. False: there are not so many. */
bool calls_pair(struct fault *out, const struct calls *all, size_t n);

/* ---- what is not so has to be noticed (lies.c): how much of it was not ---- */
size_t lies_check(struct stage *w);

#endif
