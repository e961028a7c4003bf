/* The checks, by what they look at. One family a file. */
#ifndef ATT_PROV_CHECK_INTERNAL_H
#define ATT_PROV_CHECK_INTERNAL_H

#include "prov/check.h"

typedef enum att_check_status att_check_fn(const struct att_check_in *in, struct att_diag *why);

/* check_gateway.c: what only the gateway sees */
att_check_fn att_tc_boot, att_tc_driver, att_tc_calibration, att_tc_command, att_tc_storage;
/* check_sample.c: the sample against its specification */
att_check_fn att_tc_identity, att_tc_register_map, att_tc_spec, att_tc_recomputed,
    att_tc_round_trip, att_tc_unit, att_tc_complete;
/* check_signal.c: the value, and how it moves */
att_check_fn att_tc_range, att_tc_rate, att_tc_quiet, att_tc_replay;
/* check_time.c: order and time */
att_check_fn att_tc_settings, att_tc_sequence, att_tc_clock, att_tc_age;
/* check_others.c: other readings of the same world */
att_check_fn att_tc_second_path, att_tc_stimulus, att_tc_redundancy, att_tc_balance, att_tc_seal;
/* check_output.c: commands and what follows them */
att_check_fn att_tc_interlock, att_tc_feedback, att_tc_fail_safe;

/* The latest value of a channel, when it is fresh beside the sample that is judged; else NULL. */
const struct att_past_sample *att_check_latest(const struct att_check_in *in, size_t channel);
size_t att_check_index(const struct att_check_in *in);

/* FAIL, with what was expected and found. */
enum att_check_status att_check_no(struct att_diag *why, const char *field, const char *fmt, ...)
    ATT_PRINTF(3, 4);
/* The worst outcome of several relations. */
enum att_check_status att_check_worse(enum att_check_status a, enum att_check_status b);
/* |a - b| <= tolerance; a difference that has too many digits is no. */
bool att_check_within(struct att_decimal a, struct att_decimal b, struct att_decimal tolerance);

#endif
