/*
 * The transcription checks TC-01 to TC-28: what speaks for and against a sample.
 *
 * Each is a pure function over the specification, the sample and what came before it, so that a partner repeats it
 * with the same outcome. Some only the gateway can run, because they look at the gateway: those repeat what it was
 * told, and a partner takes them as its word, which the attestation of its state backs.
 */
#ifndef ATT_PROV_CHECK_H
#define ATT_PROV_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "prov/curve.h"
#include "prov/past.h"
#include "prov/sample.h"
#include "prov/spec.h"
#include "prov/value.h"

/* Indexes of checks; the number in the name is that of the check. */
enum att_tc {
    ATT_TC_01_IDENTITY,
    ATT_TC_02_BOOT,
    ATT_TC_03_DRIVER,
    ATT_TC_04_REGISTER_MAP,
    ATT_TC_05_CALIBRATION,
    ATT_TC_06_SPEC,
    ATT_TC_07_SETTINGS,
    ATT_TC_08_RECOMPUTED,
    ATT_TC_09_SECOND_PATH,
    ATT_TC_10_STIMULUS,
    ATT_TC_11_ROUND_TRIP,
    ATT_TC_12_UNIT,
    ATT_TC_13_RANGE,
    ATT_TC_14_RATE,
    ATT_TC_15_QUIET,
    ATT_TC_16_REDUNDANCY,
    ATT_TC_17_BALANCE,
    ATT_TC_18_REPLAY,
    ATT_TC_19_SEQUENCE,
    ATT_TC_20_CLOCK,
    ATT_TC_21_AGE,
    ATT_TC_22_COMMAND,
    ATT_TC_23_INTERLOCK,
    ATT_TC_24_FEEDBACK,
    ATT_TC_25_FAIL_SAFE,
    ATT_TC_26_COMPLETE,
    ATT_TC_27_STORAGE,
    ATT_TC_28_SEAL,
};

/* What a partner can do with an outcome. */
enum att_repeat {
    ATT_REPEAT_EXACT, /* from the sample alone: the same outcome, or the sample is false */
    ATT_REPEAT_PAST, /* from samples before it: never worse than it says; with fewer of them it may not run */
    ATT_REPEAT_WORD, /* the gateway's word */
};

/* What the gateway knows of itself; of a partner there is none. */
struct att_gateway_facts {
    int64_t utc_s; /* seconds since 1970; 0: unknown */
    /* outcomes of TC-02, TC-03, TC-20 (beyond order), TC-22 and TC-27, found out elsewhere */
    enum att_check_status boot, driver, clock, command, storage;
};

struct att_check_in {
    const struct att_spec *spec;
    const struct att_channel *channel;
    const struct att_curve *curve; /* of the channel */
    const struct att_sample *now;
    struct att_derived derived;   /* what its frame leads to */
    struct att_past *const *past; /* by index of the specification's channels; without now */
    const struct att_gateway_facts *gateway; /* NULL: not known */
};

struct att_check_row {
    const char *id;                  /* "TC-08" */
    const char *title_en, *title_ja; /* what it compares */
    const char *risk;                /* CPSF risks, as ids of docs/formats/specification.md */
    const char *control;             /* CPSF measures that it is evidence for */
    enum att_repeat repeat;
    enum att_check_status (*run)(const struct att_check_in *in, struct att_diag *why);
};
extern const struct att_check_row att_checks[ATT_CHECKS];

/* The past of the channel that is judged. */
const struct att_past *att_check_past(const struct att_check_in *in);

/* Every check, into out. first, if not NULL, gets the diagnosis of the first that failed. */
void att_check_run(uint8_t out[ATT_CHECKS], const struct att_check_in *in, struct att_diag *first);

/*
 * att_check_repeat - do the outcomes of in->now agree with those that its fields and its past lead to?
 *
 * An outcome may be better here only where fewer samples are known here; it may never be worse.
 *
 * repeated  how many of the checks were run here with the same outcome; may be NULL
 * Errors    MISMATCH (PRV_CHECK): which one, and what both say
 */
ATT_MUST_USE enum att_err att_check_repeat(unsigned int *repeated, const struct att_check_in *in,
                                           struct att_diag *diag);

/* T0 to T3 by the outcomes of one sample (reference: docs/formats/specification.md); only "pass" counts. */
int att_check_grade(const uint8_t check[ATT_CHECKS], bool output);
/* Did any check fail? */
bool att_check_failed(const uint8_t check[ATT_CHECKS]);

#endif
