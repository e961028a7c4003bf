/*
 * Signed notes in tests: two fixed keys (RFC 8032 7.1, tests 1 and 2) and the worked example of docs/formats/log.md,
 * which openssl signed, not we.
 */
#ifndef ATT_TEST_NOTETEST_H
#define ATT_TEST_NOTETEST_H

#include "sign/note.h"
#include "sign/signer.h"

#define NOTETEST_LOG     "log.example/gateways"
#define NOTETEST_WITNESS "witness.example/w1"
#define NOTETEST_TIME    1764363600 /* of the witness's cosignature */

#define NOTETEST_LOG_VKEY NOTETEST_LOG "+d60e1bef+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
#define NOTETEST_WITNESS_VKEY                                                                      \
    NOTETEST_WITNESS "+04d2d833+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM"

/* The head of a tree of the entries "one" and "two". */
#define NOTETEST_ROOT "T1X2GdkhUjV3iyufF9b0kVsWFxIU0VI4EpNml2Teci4="
#define NOTETEST_TEXT NOTETEST_LOG "\n2\n" NOTETEST_ROOT "\n"
#define NOTETEST_LOG_LINE                                                                          \
    "\xe2\x80\x94 " NOTETEST_LOG " 1g4b71R4161kHVgHgn6QEYsHmQPRpQM+JKqDiaf0/"                      \
    "B5HehuQqE0qCxDRWMWK9l+sWj+Bm2EELJIbuU7F+sVL9Sl5uQ0=\n"
#define NOTETEST_WITNESS_LINE                                                                      \
    "\xe2\x80\x94 " NOTETEST_WITNESS " BNLYMwAAAABpKg1QiT8cEJ+uKe+kufy38ZuioyNA8YxqXCD+"           \
    "8pooFVHQnU3uNcr9mXbVVx2BREQxqfUUzbc/rfZmeTVw"                                                 \
    "pBGLcMVgDw==\n"
#define NOTETEST_NOTE NOTETEST_TEXT "\n" NOTETEST_LOG_LINE NOTETEST_WITNESS_LINE

/* The keys of the example; the caller's. */
struct att_signer *notetest_log_signer(void);
struct att_signer *notetest_witness_signer(void);
struct att_vkey *notetest_vkey(const char *text); /* what is no verifier key fails the test */

/* A text signed by these signers under this name, with signatures of type 01; one line each. The caller's. */
struct att_buf *notetest_sign(struct att_slice text, const char *name,
                              struct att_signer *const *signers, size_t count);

#endif
