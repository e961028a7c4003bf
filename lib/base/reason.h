/*
 * The stable reason codes: what a verdict, an answer and an exit code are explained with.
 *
 * A code is the contract with scripts, partners and tests; its texts may be improved, its meaning
 * may not. reason.def holds one row a code, in both languages, with what to do about it.
 */
#ifndef ATT_BASE_REASON_H
#define ATT_BASE_REASON_H

enum att_reason {
    ATT_R_NONE = 0,
#define ATT_REASON(name, http, en, fix_en, ja, fix_ja) ATT_R_##name,
#include "base/reason.def"
#undef ATT_REASON
    ATT_R__COUNT
};

struct att_reason_info {
    const char *code;   /* "E_..." */
    int http;           /* status when an HTTP answer carries it */
    const char *en;     /* what it means */
    const char *fix_en; /* what to do */
    const char *ja;
    const char *fix_ja;
};

/* The row of a reason. Never NULL: an unknown value gives the row of INTERNAL. */
const struct att_reason_info *att_reason_info(enum att_reason reason);

/* The code's text, such as "E_Q_MAGIC"; "OK" for ATT_R_NONE. */
const char *att_reason_code(enum att_reason reason);

/* The reason of a code's text, or ATT_R_NONE when there is no such code. */
enum att_reason att_reason_find(const char *code);

#endif
