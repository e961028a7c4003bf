/*
 * The attack matrix as tests: one running service for a suite, one Check case a row, and the outcome
 * words of the matrix (NS, FAIL, LIVE) as assertions.
 */
#ifndef ATT_TEST_ATTACK_H
#define ATT_TEST_ATTACK_H

#include <check.h>

#include "appraise/result.h"
#include "gateway.h"
#include "service.h"

/* One row: its id is the name of the Check case, so CK_RUN_CASE=Q-01 runs it alone. */
struct attack_row {
    const char *id;
    const TTest *test;
    int times;     /* a loop test with _i = 0 .. times-1; 0: once */
    int timeout_s; /* 0: 20 */
};

/* The suite's service; valid inside the tests. */
extern struct service *attack_service;

/* Run rows that need no service, or start their own. Returns the exit status of the test program. */
int attack_rows(const char *suite, const struct attack_row *rows, size_t count);

/* Start the service, run the rows, stop it. Returns the exit status of the test program. */
int attack_main(const char *suite, const struct attack_row *rows, size_t count,
                const struct service_options *options);

/* A software gateway of a fresh TPM (P-256 EK with certificate) that talks to s; booted, not enrolled. */
struct gateway *attack_stranger_at(struct service *s, const char *id);
struct gateway *attack_stranger(const char *id);
/* The same, enrolled with a token; and with one accepted evidence, so that it has an affirming label. */
struct gateway *attack_enrolled_at(struct service *s, const char *id);
struct gateway *attack_gateway_at(struct service *s, const char *id);
struct gateway *attack_gateway(const char *id);

/* NS: take the records before, compare after: byte for byte. */
char *attack_records(void);
void attack_same_records(char *before); /* frees before */

/*
 * FAIL: the answer in a refuses with 422 and code; the device failed with that reason; a contraindicated
 * label came with the answer, is stored and is the device's newest; the affirming label that stood before
 * (its bytes, or empty) is not current any more. Also no interface calls the device affirming.
 */
void attack_fails_at(struct service *s, struct gateway *g, struct gateway_attempt *a,
                     const char *code);
void attack_fails(struct gateway *g, struct gateway_attempt *a, const char *code);

/* Sign, seal and send what stands in a->attest, then FAIL with code. */
void attack_send_fails(struct gateway *g, struct gateway_attempt *a, const char *code);

/* The status and code of an answer. */
void attack_refused(const struct client_answer *answer, int status, const char *code);

/* LIVE: another gateway's valid request, on a connection of its own, is answered within a second. */
struct attack_live {
    struct gateway *g;
};
void attack_live_open(struct attack_live *l, struct service *s, const char *id);
void attack_live_check(struct attack_live *l);
void attack_live_close(struct attack_live *l);

/* The service's memory is at most this now. Not judged in a sanitizer's build, which keeps what is freed. */
void attack_memory_at_most(const struct service *s, size_t bytes);

/* True in tests/soak, where a row takes its long form; false in make check. */
bool attack_long(void);

int64_t attack_now_ms(void); /* monotonic */
void attack_nap_ms(long ms);

#endif
