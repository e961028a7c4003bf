/*
 * What logs list against reference values: entries of the kernel's IMA list, and kernel parameters.
 */
#ifndef ATT_POLICY_REFVAL_LOG_H
#define ATT_POLICY_REFVAL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "policy/refval.h"
#include "tcg/ima.h"

/* NONE: expected. Else REF_MISMATCH (its name is listed with another digest) or REF_UNLISTED. */
struct att_refvals_verdict {
    enum att_reason reason;
    bool has_expected;
    uint8_t expected[32];
};

/*
 * att_refvals_judge_ima - a file is expected when its SHA-256 is listed under any name: one file has several
 * paths (initrd, container, bind mount). A buffer (ima-buf) is expected only as "ima-buf:" and its name.
 *
 * r       may be NULL: nothing is expected then
 * Errors  NOMEM CRYPTO
 */
/* The name of a buffer that the kernel measured, as reference values spell it; empty when it is too long. */
#define ATT_REFVALS_BUFFER_ROOM (ATT_IMA_PATH_MAX + 16)
struct att_slice att_refvals_buffer_name(uint8_t room[ATT_REFVALS_BUFFER_ROOM],
                                         struct att_slice path);

ATT_MUST_USE enum att_err att_refvals_judge_ima(struct att_refvals_verdict *out,
                                                const struct att_refvals *r,
                                                const struct att_ima_entry *e);

#define ATT_CMDLINE_FINDINGS_MAX 16

/* One parameter that is not as expected; name is "cmdline#NAME", escaped, value what was found. */
struct att_cmdline_finding {
    struct att_refvals_verdict verdict;
    char name[128];
    char value[96];
    uint8_t found[32];
};

/*
 * att_refvals_judge_cmdline - a proven kernel command line, parameter by parameter. Nothing is found when
 * the whole is listed under "cmdline", or when the reference values know no command line.
 *
 * Errors  NOMEM CRYPTO
 */
ATT_MUST_USE enum att_err
att_refvals_judge_cmdline(struct att_cmdline_finding out[ATT_CMDLINE_FINDINGS_MAX], size_t *count,
                          const struct att_refvals *r, struct att_slice text);

#endif
