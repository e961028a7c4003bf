/* What the writer and the reader of statements share. */
#ifndef ATT_REPORT_STATEMENT_INTERNAL_H
#define ATT_REPORT_STATEMENT_INTERNAL_H

#include "report/statement.h"

enum statement_member {
    MEMBER_PROFILE,
    MEMBER_PERIOD,
    MEMBER_ISSUER,
    MEMBER_BEGIN,
    MEMBER_END,
    MEMBER_CHECKPOINT,
    MEMBER_CLOSED,
    MEMBER_TALLY,
    MEMBER_RULES,
    MEMBER_GATEWAYS,
    MEMBER_GAPS,
    MEMBER_EVENTS,
    MEMBER_FINDINGS,
    MEMBER_AUDIT,
    MEMBER_LIMITS,
    MEMBERS
};

#endif
