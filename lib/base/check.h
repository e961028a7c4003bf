/* What a check says. Only one of the four is good; what was not run never counts as passed. */
#ifndef ATT_BASE_CHECK_H
#define ATT_BASE_CHECK_H

enum att_check_status {
    ATT_CHECK_NOT_RUN,
    ATT_CHECK_PASS,
    ATT_CHECK_FAIL,
    ATT_CHECK_NOT_APPLICABLE,
};
#define ATT_CHECK__COUNT 4

/* The word for scripts and records: "not-run", "pass", "fail", "not-applicable". Never NULL. */
const char *att_check_word(enum att_check_status status);

#endif
