/*
 * Endorsement keys judged again after enrolment: makers revoke, operators deny, certificates expire.
 *
 * At the start, on SIGHUP and once a day every enrolled device's certificates are judged by the makers, the
 * revocation lists and the deny list as they are then, some at each tick. Whoever does not pass is held: no
 * challenge, no label, no current label. While a round is under way, who asks and was not judged in it yet is
 * judged at once, so that no label is given by rules that are not in force any more (docs/adr/0025).
 */
#ifndef ATTESTD_VERIFIER_KEEPER_REJUDGE_H
#define ATTESTD_VERIFIER_KEEPER_REJUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/cert.h"
#include "verifier/config.h"
#include "verifier/keeper/ek_deny.h"

#define REJUDGE_SOME     64               /* devices of one tick */
#define REJUDGE_EVERY_MS (86400LL * 1000) /* from the start of one round to the next */

/* What endorsement keys are judged by; all zeros: no makers, nobody denied. Factories' keys likewise. */
struct ek_trust {
    struct att_anchors *makers, *factories;
    struct ek_deny *deny;
};
/* Errors of ek_makers_load and ek_deny_load. */
ATT_MUST_USE enum att_err ek_trust_load(struct ek_trust *out, const struct config *cfg,
                                        struct att_diag *diag);
void ek_trust_clear(struct ek_trust *t);

/* The round under way. */
struct rejudge {
    bool running;
    int64_t after;      /* enrolments up to this one are done */
    int64_t started_ms; /* of the last round */
    uint64_t held, freed, unknown;
};

struct keeper;
struct unit;

/* Is it on the deny list, by TPM name or by the SHA-256 of its certificate (zeros: there is none)? */
bool keeper_ek_denied(const struct keeper *k, struct att_slice name, const uint8_t cert[32]);
/* The same of the first certificate in what is kept of a chain; no to an empty one. */
bool keeper_certs_denied(const struct keeper *k, struct att_slice certs);
/* Begin a round from its first device. */
void keeper_rejudge_begin(struct keeper *k);
/* Some devices of the round; a day after the last one began, read the rules again and begin another. */
void keeper_rejudge_some(struct keeper *k);
/* May this device be answered? DENIED with the reason that its endorsement key is not trusted for. */
ATT_MUST_USE enum att_err keeper_check_held(struct keeper *k, const struct unit *u,
                                            struct att_diag *diag);

#endif
