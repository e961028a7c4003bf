/*
 * What tests of the keeper share: a verifier in one process with a gateway that is not enrolled yet, the
 * administrator's view of it, and the promise that a refusal changed nothing.
 */
#ifndef ATT_TEST_KEEPERTEST_H
#define ATT_TEST_KEEPERTEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inproc.h"
#include "suite.h"

/* Made anew for each test; t and e are empty, for the test to use. */
struct keepertest {
    struct inproc *v;
    struct inproc_gateway gw; /* gw-1, with a certificate of the trusted maker */
    struct inproc_attempt *t;
    struct gateway_enrolment *e;
};
extern struct keepertest kt;
extern const struct suite_fixture keepertest_fixture;

/* Enrol with a token: it must succeed. */
void keepertest_enrol(struct inproc_gateway *g);

/* kt.gw answers another nonce than the challenge's: it must be refused. The answer is in kt.t. */
void keepertest_attest_badly(void);

/*
 * Nothing changed in between: the canonical dumps are equal. _remember returns its dump, borrowed until
 * the check.
 */
const char *keepertest_remember(void);
void keepertest_check_unchanged(void);

/* An administrator's request that must be answered with http; the caller frees the document. */
json_t *keepertest_admin(const char *method, const char *path, const char *body, int http);
/* The reason of the one answer to such a request. */
enum att_reason keepertest_admin_reason(const char *method, const char *path, const char *body);
/* A member of GET /devices/ID; "null" for null. Valid until the next call. */
const char *keepertest_device(const char *id, const char *key);
/* How many outcomes of a kind GET /outcomes names. */
size_t keepertest_outcomes(const char *kind);

/* A token with which the gateway of this id may enrol again. */
void keepertest_replace_token(const char *id, char out[64]);
/* A counter of the keeper's metrics. */
uint64_t keepertest_counter(const char *name);

/* Ask for the current label of a device: the answer, and its reason. */
enum att_reason keepertest_label(const char *device, const struct msg_peer *peer,
                                 struct inproc_answer *a);
/* Has the gateway a current label? */
bool keepertest_has_current(void);
/* The label is the gateway's, says status, and a stranger with the anchors verifies it. */
void keepertest_check_label(struct att_slice label, enum att_tier status);

#endif
