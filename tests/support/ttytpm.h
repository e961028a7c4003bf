/*
 * The device TCTI, which gateways use. No machine that builds this has a TPM, so a raw terminal stands in
 * for /dev/tpmrm0: a relay behind it hands each command to swtpm and each answer back.
 */
#ifndef ATT_TEST_TTYTPM_H
#define ATT_TEST_TTYTPM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "swtpm.h"

/* What one that sits between program and TPM does; each may be NULL. Runs in the relay's thread. */
struct ttytpm;
struct ttytpm_liar {
    void (*command)(struct ttytpm *t, uint8_t *command, size_t len);
    /* len: what the TPM said, at most TTYTPM_MAX bytes when it leaves */
    void (*answer)(struct ttytpm *t, const uint8_t *command, uint8_t *answer, size_t *len);
};
#define TTYTPM_MAX 4096

struct ttytpm {
    int master, tpm;
    int stop[2];    /* a pipe: a byte in it ends the relay */
    char tcti[128]; /* "device:/dev/pts/N" */
    pthread_t thread;
    atomic_bool silent; /* commands arrive, answers do not leave */
    _Atomic(const struct ttytpm_liar *) liar;
};

uint32_t ttytpm_code(const uint8_t *command); /* the command code in a header (Part 3, 4.4) */
/* For a liar: a command of its own, whose answer is room for TTYTPM_MAX bytes. The length of the answer. */
size_t ttytpm_ask(struct ttytpm *t, const uint8_t *command, size_t len, uint8_t *answer);

/* Takes swtpm's one connection. What nobody started stays so: no TPM2_Startup is sent. */
void ttytpm_start(struct ttytpm *t, struct swtpm *unit);
void ttytpm_stop(struct ttytpm *t);

#endif
