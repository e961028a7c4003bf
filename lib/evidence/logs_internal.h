/*
 * The ends that a log may have had when the quote was made: for verify.c.
 *
 * The agent quotes first and reads each log afterwards, so a log is never shorter than the quote but may
 * be longer (D4). Each candidate end is a place in the log and the PCR value after it; the newest are kept.
 */
#ifndef ATT_EVIDENCE_LOGS_INTERNAL_H
#define ATT_EVIDENCE_LOGS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "evidence/verify.h"
#include "tcg/pcr.h"

struct att_log_end {
    size_t len;     /* bytes of the sent part up to here */
    uint64_t count; /* entries, or the next record number, since the start of the boot */
    uint8_t pcr[ATT_HASH_MAX];
    bool boot_known; /* own log: a boot record stands in the sent part before this end */
    bool in_boot;    /* the counters are known: of the last boot record, or of the judged part */
    uint32_t reset_count, restart_count;
    bool kexec; /* the last boot record names the counters of the one before it */
};

/* A ring of the newest ends. */
struct att_log_ends {
    struct att_log_end *end;
    size_t room; /* slots */
    size_t used;
    size_t next;                       /* slot that is written next */
    const struct att_clock_info *boot; /* own log that goes on: the boot that was judged; or NULL */
};

ATT_MUST_USE enum att_err att_log_ends_init(struct att_log_ends *e, size_t room);
void att_log_ends_clear(struct att_log_ends *e);
void att_log_ends_forget(struct att_log_ends *e); /* empty, memory kept */
void att_log_ends_push(struct att_log_ends *e, const struct att_log_end *end);
/* 0 is the newest. */
const struct att_log_end *att_log_ends_at(const struct att_log_ends *e, size_t age);

/*
 * Replay each log from where it starts; the ring ends with the whole log.
 * padded  the extend rule of kernels that lacked a bank's hash: see tcg/ima.h
 */
ATT_MUST_USE enum att_err att_ima_ends(struct att_log_ends *out, const struct att_evidence *ev,
                                       const struct att_log_rules *rules,
                                       const struct att_log_state *from, bool padded,
                                       struct att_diag *diag);
ATT_MUST_USE enum att_err att_own_ends(struct att_log_ends *out, const struct att_evidence *ev,
                                       const struct att_log_rules *rules,
                                       const struct att_log_state *from, struct att_diag *diag);

/* What stands in the selected PCRs before any log: zeros, ones in 17 to 22 (Part 4, 4.6.3). LIMIT: too many banks. */
ATT_MUST_USE enum att_err att_values_initial(struct att_pcr_values *values,
                                             const struct att_pcr_selection *sel);
/* Those of from, in banks that to has. */
void att_values_take(struct att_pcr_values *to, const struct att_pcr_values *from);

#endif
