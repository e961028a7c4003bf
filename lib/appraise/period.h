/*
 * What a log says of a period: the figures of an auditor's statement (docs/formats/report.md).
 *
 * Entries come in from the first of the log on, because what held when the period began is told by those before it. Nobody is
 * judged here: whoever feeds it audits the same entries (appraise/audit.h). Times are UTC seconds; the period
 * is from <= time < until, and ends at the first entry that is of until or later.
 */
#ifndef ATT_APPRAISE_PERIOD_H
#define ATT_APPRAISE_PERIOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tlog/entry.h"

#define ATT_PERIOD_GATEWAYS  100000 /* that one statement may be about */
#define ATT_PERIOD_TALLIES   512
#define ATT_PERIOD_RULES     1024
#define ATT_PERIOD_KEPT      4096 /* gaps and events that are kept; all are counted */
#define ATT_PERIOD_NO_STATUS (-1)

/* Entries of the period of one kind, reason and status. */
struct att_period_tally {
    char kind[ATT_ENTRY_KIND_MAX], reason[ATT_ENTRY_REASON_MAX]; /* reason "" when there is none */
    int status; /* EAR tier of a label, or ATT_PERIOD_NO_STATUS */
    uint64_t count;
};

/* Labels that were judged by one policy and one set of reference values. */
struct att_period_rules {
    uint8_t policy[32], refvals[32];
    uint64_t affirming, warning, contraindicated;
    int64_t first_utc; /* when it judged for the first time in the period */
};

enum att_period_standing { ATT_PERIOD_UNKNOWN, ATT_PERIOD_ENROLLED, ATT_PERIOD_GONE };

struct att_period_gateway {
    uint8_t ueid[32]; /* SHA-256 of its EK name */
    enum att_period_standing
        standing; /* at the end; UNKNOWN: the log does not have its enrolment */
    bool silent;  /* at the end it is enrolled, and no label is in force */
    uint64_t affirming, warning, contraindicated; /* labels */
    uint64_t stale;                               /* times that it was silent for too long */
    uint64_t taken;      /* times that a label, or all, were revoked or suspended */
    uint64_t enrolled_s; /* seconds of the period in which it was enrolled, */
    uint64_t covered_s;  /* and in which a label (affirming or warning) was in force */
    uint64_t gaps, longest_gap_s;
};

/* A gateway had no label in force, though it had one since it was enrolled. */
struct att_period_gap {
    uint8_t ueid[32];
    int64_t from, until;
    uint64_t
        index; /* of the entry that ended it; of the gateway's last when it is open at the end */
};

/* What is neither a label nor a silence: enrolments, what an administrator did, policies, windows, keys. */
struct att_period_event {
    uint64_t index;
    int64_t utc;
    char kind[ATT_ENTRY_KIND_MAX], reason[ATT_ENTRY_REASON_MAX];
    bool has_ueid, has_cti, has_policy, has_refvals, has_about;
    uint8_t ueid[32], cti[ATT_ENTRY_CTI], policy[32], refvals[32];
    uint8_t about[32]; /* what the entry has as its evidence: of a key, the SHA-256 of its SPKI */
};

struct att_period {
    int64_t from, until;
    char issuer[ATT_ENTRY_NAME_MAX];
    uint64_t begin, end; /* the entries of the period: begin <= index < end */
    bool closed; /* an entry of until or later is there: no other can come into the period */
    struct att_period_tally *tally;     /* by kind, reason and status */
    struct att_period_rules *rules;     /* in the order in which they came */
    struct att_period_gateway *gateway; /* by UEID; those that the log named up to the end */
    struct att_period_gap *gap;         /* the first, in the order in which they ended */
    struct att_period_event *event;     /* the first */
    size_t tallies, rule_sets, gateways, gaps_kept, events_kept;
    uint64_t gaps, events; /* all */
};

struct att_period_maker; /* opaque */
ATT_MUST_USE enum att_err att_period_new(struct att_period_maker **out, int64_t from,
                                         int64_t until);
/*
 * att_period_entry - the next entry of the log. What is behind the period is not looked at.
 * Errors  LIMIT (LIM_SIZE: more gateways, reasons or policies than a statement holds) NOMEM CRYPTO
 */
ATT_MUST_USE enum att_err att_period_entry(struct att_period_maker *m, uint64_t index,
                                           const struct att_entry *e, struct att_diag *diag);
/* The figures, once the log's last entry came; the maker keeps nothing of them. */
ATT_MUST_USE enum att_err att_period_finish(struct att_period **out, struct att_period_maker *m);
void att_period_maker_free(struct att_period_maker *m);
void att_period_maker_freep(struct att_period_maker **m);
void att_period_free(struct att_period *p);
void att_period_freep(struct att_period **p);

/* Entries of the period of this kind, whatever their reason; kind NULL: all. */
uint64_t att_period_count(const struct att_period *p, const char *kind);

#endif
