/* What the tests of attest-agent doctor share: the installed program, run in a folder of the test, and its report. */
#ifndef ATT_TEST_DOCTORTEST_H
#define ATT_TEST_DOCTORTEST_H

#include "base/slice.h"
#include "swtpm.h"

#define DOCTORTEST_NO_LOGS "uefi: none, ima: none"

extern char doctortest_dir[64], doctortest_conf[96]; /* the folder; agent.yaml in it */
extern char doctortest_out[65536];                   /* the report of the last run */

void doctortest_setup(void);
void doctortest_teardown(void);

/* Run it over this TPM and what stands in "logs: {...}"; the exit code. */
int doctortest_run(const char *tcti, const char *logs);
/* The same with more lines in agent.yaml. */
int doctortest_run_with(const char *tcti, const char *logs, const char *more);
int doctortest_examine(const struct swtpm *t); /* the same without logs */
/* Over these bytes as the log of "uefi" or "ima"; no TPM is asked. */
int doctortest_examine_log(const char *kind, struct att_slice bytes);

/* The line is there with this status; code NULL: detail has the words, else the reason's detail has them. */
void doctortest_says(const char *id, const char *status, const char *code, const char *words);
void doctortest_passes(const char *id, const char *words);

/* An enrolment with this TPM, as enrol leaves it. */
void doctortest_enrol(const struct swtpm *t);

#endif
