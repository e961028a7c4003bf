/* What a log showed last time, kept in $XDG_STATE_HOME/attestctl: one checkpoint for each key of a log. */
#ifndef CLI_LOG_MEMORY_H
#define CLI_LOG_MEMORY_H

#include "base/buf.h"
#include "base/err.h"
#include "log_view.h"

#define LOG_MEMORY_PATH 1024

/* The kept note: NOT_FOUND when there is none yet; CONFIG (no home) and those of reading files. */
ATT_MUST_USE enum att_err log_memory_load(struct att_buf **out, const struct att_vkey *key,
                                          struct att_diag *diag);
/* In its place, in one step. */
ATT_MUST_USE enum att_err log_memory_keep(const struct att_vkey *key, struct att_slice note,
                                          struct att_diag *diag);
/*
 * Two notes that contradict each other, as KEY-SIZE-SIZE.held and .seen beside it; held is the path of the first. What
 * was saved before stays.
 */
ATT_MUST_USE enum att_err log_memory_evidence(char path[LOG_MEMORY_PATH],
                                              const struct att_vkey *key,
                                              const struct att_slice note[2],
                                              const uint64_t size[2], struct att_diag *diag);

#endif
