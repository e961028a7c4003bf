/*
 * A real TPM in a process of its own: swtpm in a private folder, with EK certificates of a local CA.
 *
 * A janitor process stands between the test and swtpm: when the test ends, in whatever way (an assertion,
 * a signal, SIGKILL), the janitor kills swtpm and removes the folder. Needs no root. Several at once are
 * fine. What must work for a test to mean anything stops the program (need.h).
 *
 * swtpm serves one connection at a time, has no resource manager and three transient slots: what leaks
 * shows at once.
 */
#ifndef ATT_TEST_SWTPM_H
#define ATT_TEST_SWTPM_H

#include <stdbool.h>
#include <sys/types.h>

struct swtpm;

/* The programs are installed; else the test says so and exits 77. */
bool swtpm_available(void);

/* Made with EK certificates (RSA 2048 at 0x01c00002, P-384 at 0x01c00016) and started. */
struct swtpm *swtpm_new(void);
/* The same under the authority of another one: another unit of the same maker. */
struct swtpm *swtpm_new_sibling(const struct swtpm *other);
/* As it leaves the wafer: no EK certificates, no persistent key. */
struct swtpm *swtpm_new_blank(void);
void swtpm_free(struct swtpm *t); /* stops it and removes everything; NULL is a no-op */

/* "swtpm:path=...", for hw_tpm_open and tpm2-tools. Borrowed. */
const char *swtpm_tcti(const struct swtpm *t);
const char *swtpm_folder(const struct swtpm *t);  /* private, absolute */
const char *swtpm_ca_file(const struct swtpm *t); /* PEM of the authority; "" for a blank one */
pid_t swtpm_pid(const struct swtpm *t);           /* 0 while it is stopped */

void swtpm_stop(struct swtpm *t);      /* SIGTERM: orderly if TPM2_Shutdown was sent before */
void swtpm_start(struct swtpm *t);     /* power-up; the next user sends TPM2_Startup */
void swtpm_power_cut(struct swtpm *t); /* SIGKILL, then start: an unorderly stop */

/* Run a tool against it: printf-formatted shell command with TPM2TOOLS_TCTI set; its exit status. */
int swtpm_tool(const struct swtpm *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
