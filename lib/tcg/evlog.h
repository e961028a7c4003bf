/*
 * The firmware event log of the TCG PC Client Platform Firmware Profile: SHA-1 and crypto-agile
 * form.
 *
 * What a replay proves is only: this digest went into this PCR in this order. Event types and data
 * are the sender's words until a rule ties them to a digest; struct att_event says so field by
 * field.
 */
#ifndef ATT_TCG_EVLOG_H
#define ATT_TCG_EVLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "tcg/pcr.h"

#define ATT_EVLOG_MAX        4194304 /* bytes */
#define ATT_EVLOG_EVENTS_MAX 65536

struct att_event_digest {
    enum att_hash alg;
    struct att_slice value;
};

struct att_event {
    uint32_t index; /* in the log, from 0; the Spec ID record counts */
    size_t off;     /* byte of the record */
    uint32_t pcr;   /* proven by replay, with the digests */
    struct att_event_digest digest[ATT_PCR_BANKS];
    uint32_t digest_count;
    bool extends; /* EV_NO_ACTION and PCR indexes above 23 do not */
    uint32_t type_unproven;
    struct att_slice data_unproven;
};

struct att_evlog; /* a parsed log; borrows its input */

/*
 * att_evlog_parse - Errors TRUNCATED FORMAT LIMIT, reason FMT_UEFI, with the byte of the record.
 * Trailing 0x00 or 0xff padding ends the log.
 */
ATT_MUST_USE enum att_err att_evlog_parse(struct att_evlog **out, struct att_slice in,
                                          struct att_diag *diag);
void att_evlog_free(struct att_evlog *log);
void att_evlog_freep(struct att_evlog **log);

bool att_evlog_crypto_agile(const struct att_evlog *log);
int att_evlog_locality(const struct att_evlog *log); /* StartupLocality: 0, 3, 4 (H-CRTM) */
size_t att_evlog_count(const struct att_evlog *log);
const struct att_event *att_evlog_at(const struct att_evlog *log, size_t i);
size_t att_evlog_banks(const struct att_evlog *log,
                       enum att_hash out[ATT_PCR_BANKS]); /* announced */
size_t att_evlog_consumed(const struct att_evlog *log);   /* bytes before padding */
const char *att_event_type_name(uint32_t type);

/*
 * att_evlog_replay - the PCR values of every announced bank that we can compute, for the PCRs that
 * the log extends (has bits). Starting values: StartupLocality, H-CRTM, zeros; 17 to 22 all ones.
 */
ATT_MUST_USE enum att_err att_evlog_replay(struct att_pcr_values *out, const struct att_evlog *log,
                                           struct att_diag *diag);

#endif
