/*
 * The device TCTI, which gateways use. No machine that builds this has a TPM, so a raw terminal stands in
 * for /dev/tpmrm0: a relay behind it hands each command to swtpm and each answer back.
 */
#ifndef ATT_TEST_TTYTPM_H
#define ATT_TEST_TTYTPM_H

#include <pthread.h>
#include <stdatomic.h>

#include "swtpm.h"

struct ttytpm {
    int master, tpm;
    int stop[2];    /* a pipe: a byte in it ends the relay */
    char tcti[128]; /* "device:/dev/pts/N" */
    pthread_t thread;
    atomic_bool silent; /* commands arrive, answers do not leave */
};

/* Takes swtpm's one connection. What nobody started stays so: no TPM2_Startup is sent. */
void ttytpm_start(struct ttytpm *t, struct swtpm *unit);
void ttytpm_stop(struct ttytpm *t);

#endif
