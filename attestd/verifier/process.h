/*
 * The processes of the verifier and where each begins.
 *
 * A child gets the configuration and descriptors that were made before the fork; everything else is
 * closed. It returns its exit status, and returns when its peers are gone. Who holds what is drawn in
 * docs/ARCHITECTURE.md; in short: fronts are forked before the seal key exists.
 */
#ifndef ATTESTD_VERIFIER_PROCESS_H
#define ATTESTD_VERIFIER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verifier/beat.h"
#include "verifier/config.h"
#include "verifier/msg.h"

/* Tell the supervisor that this child is up: one byte on the descriptor, which is then closed. */
void process_ready(int *ready_fd);

/*
 * A new policy or other reference values, without a gap: SIGHUP at the supervisor; SIGHUP to the keeper, which
 * judges whether they may follow the present ones; SIGHUP to the appraisers, whose next workers know both; SIGUSR1
 * to the keeper, which asks for them from then on. Each answers with one byte. Whatever fails on the way leaves the
 * present ones.
 */
enum process_reload { RELOAD_READY = 'y', RELOAD_SAME = 's', RELOAD_REFUSED = 'n' };
void process_reloaded(int reload_fd, enum process_reload what);

struct keeper_wiring {
    const int *front_fd; /* one stream socket a front, non-blocking; frames of msg.h both ways */
    size_t front_count;
    int ready_fd;            /* process_ready when the database is open and keys are usable */
    int reload_fd;           /* what became of a policy: one enum process_reload a signal */
    const uint8_t *seal_key; /* MSG_SEAL_LEN */
    struct beat *beat;       /* NULL: nobody listens */
    volatile int *stop;      /* becomes true with SIGTERM, which also interrupts system calls */
};
int keeper_main(const struct config *cfg, const struct keeper_wiring *wiring);

struct appraiser_wiring {
    int front_fd; /* SOCK_SEQPACKET: each new worker's stream socket is passed to the front over it */
    int ready_fd;
    int reload_fd; /* as the keeper's */
    const uint8_t *seal_key;
    volatile int *stop;
};
int appraiser_main(const struct config *cfg, const struct appraiser_wiring *wiring);

struct front_wiring {
    size_t index; /* front 0 also serves operator and administrator */
    int listen_fd;
    int operator_fd, admin_fd; /* -1 when there is none */
    int keeper_fd;             /* stream, non-blocking */
    int appraiser_fd;          /* SOCK_SEQPACKET, see above */
    int ready_fd;
    const uint8_t
        *ticket_key; /* 80 bytes shared by all fronts: TLS sessions resume at any of them */
    struct front_counters *counters; /* shared memory, one a front, config.fronts of them */
    struct beat *beat;               /* this front's; NULL: nobody listens */
    volatile int *stop;
};
int front_main(const struct config *cfg, const struct front_wiring *wiring);

/* attestd init --dir DIR ... and attestd fsck [--config FILE], with their arguments behind the word. */
int keeper_init_main(int argc, char **argv);
int keeper_fsck_main(const struct config *cfg);
/* attestd fsck --dump: every record as text, for comparing two states. */
int keeper_dump_main(const struct config *cfg);

/* Fork, wire, watch, stop. Returns the exit status of the program. */
int supervisor_run(const struct config *cfg);

#endif
