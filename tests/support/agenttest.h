/*
 * The whole agent against a running verifier and a real software TPM: the programs as they are installed, from
 * the folder that BUILD names. A program has one of each.
 */
#ifndef ATT_TEST_AGENTTEST_H
#define ATT_TEST_AGENTTEST_H

#include <stdbool.h>

#include "service.h"
#include "swtpm.h"

extern struct service *agenttest_service;
extern struct swtpm *agenttest_tpm;
/* A folder with files/1 ("one") and files/2 ("two"), which are measured and known; the configuration; what
 * the last command printed. */
extern char agenttest_dir[64], agenttest_conf[96], agenttest_out[65536];

/* Before and after each test, in its own process. */
void agenttest_setup(void);
void agenttest_teardown(void);

void agenttest_write(const char *path, const char *text);
void agenttest_configure(const char *tcti);
void agenttest_put(const char *name, const char *content); /* into files/ */

/* The agent with these words behind --config and --json (more may be NULL): its exit code. */
int agenttest_run(const char *command, const char *const *more);
bool agenttest_said(const char *text);
int agenttest_enrol_as(const char *id); /* with a fresh token */
void agenttest_enrolled(void);
void agenttest_affirmed(void);                        /* attests once, grade E2 */
void agenttest_refused(int code, const char *reason); /* attests once */

#endif
