/* What is counted of a period. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/label.h"
#include "appraise/period.h"
#include "appraise/result.h"
#include "need.h"
#include "suite.h"

#define T0 INT64_C(1790000000)

static struct att_period_maker *maker;
static uint64_t next;

static void begin(int64_t from, int64_t until)
{
    next = 0;
    NEED(att_period_new(&maker, T0 + from, T0 + until) == ATT_OK);
}

static struct att_entry entry(int64_t at, uint8_t gateway, const char *kind)
{
    struct att_entry e = {.iat = T0 + at};
    uint8_t ek[32] = {gateway};

    (void)snprintf(e.issuer, sizeof(e.issuer), "verifier.test");
    (void)snprintf(e.kind, sizeof(e.kind), "%s", kind);
    if (gateway != 0)
        (void)att_label_subject(e.subject, sizeof(e.subject), ek);
    return e;
}

static void take(const struct att_entry *e)
{
    ck_assert_int_eq(att_period_entry(maker, next++, e, NULL), ATT_OK);
}

static void event(int64_t at, uint8_t gateway, const char *kind)
{
    struct att_entry e = entry(at, gateway, kind);

    take(&e);
}

/* A label of this id, good for some seconds. */
static void label(int64_t at, uint8_t gateway, int status, int64_t life_s, uint8_t cti)
{
    struct att_entry e =
        entry(at, gateway, status == ATT_TIER_CONTRAINDICATED ? "refused" : "label");

    if (status == ATT_TIER_CONTRAINDICATED)
        (void)snprintf(e.reason, sizeof(e.reason), "E_REF_MISMATCH");
    e.of_label = e.has_status = e.has_cti = e.has_policy = e.has_refvals = e.has_evidence = true;
    e.status = status;
    e.exp = e.iat + life_s;
    e.cti[0] = cti;
    e.policy[0] = 7;
    take(&e);
}

static void of_label(int64_t at, uint8_t gateway, const char *kind, uint8_t cti)
{
    struct att_entry e = entry(at, gateway, kind);

    e.has_cti = true;
    e.cti[0] = cti;
    take(&e);
}

static struct att_period *end(void)
{
    struct att_period *p = NULL;

    NEED(att_period_finish(&p, maker) == ATT_OK);
    att_period_maker_freep(&maker);
    return p;
}

/* Enrolled before it, a label over its beginning, a gap, one over its end: only what is inside is counted. */
START_TEST(period__counts_what_is_inside)
{
    struct att_period *p = NULL;
    const struct att_period_gateway *g = NULL;

    begin(100, 200);
    event(10, 1, "enrolled");
    label(50, 1, ATT_TIER_AFFIRMING, 70, 1);        /* to 120 */
    label(110, 1, ATT_TIER_CONTRAINDICATED, 70, 2); /* takes nothing back */
    label(150, 1, ATT_TIER_WARNING, 20, 3);         /* to 170: a gap of 30 */
    label(165, 1, ATT_TIER_AFFIRMING, 100, 4);      /* beyond the end */
    label(200, 1, ATT_TIER_AFFIRMING, 100, 5);      /* behind it */
    p = end();
    ck_assert_uint_eq(p->begin, 2);
    ck_assert_uint_eq(p->end, 5);
    ck_assert(p->closed);
    ck_assert_uint_eq(p->gateways, 1);
    g = &p->gateway[0];
    ck_assert_int_eq(g->standing, ATT_PERIOD_ENROLLED);
    ck_assert(!g->silent);
    ck_assert_uint_eq(g->affirming, 1);
    ck_assert_uint_eq(g->warning, 1);
    ck_assert_uint_eq(g->contraindicated, 1);
    ck_assert_uint_eq(g->enrolled_s, 100);
    ck_assert_uint_eq(g->covered_s, 20 + 50);
    ck_assert_uint_eq(g->gaps, 1);
    ck_assert_uint_eq(g->longest_gap_s, 30);
    ck_assert_int_eq(p->gap[0].from, T0 + 120);
    ck_assert_int_eq(p->gap[0].until, T0 + 150);
    ck_assert_uint_eq(p->gap[0].index, 3);
    ck_assert_uint_eq(att_period_count(p, NULL), 3);
    ck_assert_uint_eq(att_period_count(p, "refused"), 1);
    ck_assert_uint_eq(p->rule_sets, 1);
    ck_assert_uint_eq(p->rules[0].contraindicated, 1);
    ck_assert_uint_eq(p->events, 0);
    att_period_free(p);
}
END_TEST

/* Suspended labels are out of force until they are restored; another label's revocation does not matter; removal ends all. */
START_TEST(period__follows_labels_that_are_taken_back)
{
    struct att_period *p = NULL;
    const struct att_period_gateway *g = NULL;

    begin(0, 1000);
    event(0, 1, "enrolled");
    label(0, 1, ATT_TIER_AFFIRMING, 500, 1);
    event(100, 1, "suspended");
    event(150, 1, "restored");
    of_label(160, 1, "revoked", 9);
    of_label(200, 1, "suspended", 1);
    of_label(250, 1, "restored", 1);
    of_label(300, 1, "revoked", 1);
    event(320, 1, "restored"); /* what is revoked stays so */
    label(400, 1, ATT_TIER_AFFIRMING, 500, 2);
    event(450, 1, "quarantined");
    event(460, 1, "released");
    event(600, 1, "removed");
    p = end();
    g = &p->gateway[0];
    ck_assert(!p->closed);
    ck_assert_int_eq(g->standing, ATT_PERIOD_GONE);
    ck_assert_uint_eq(g->taken, 4);
    ck_assert_uint_eq(g->covered_s, 100 + 50 + 50 + 50 + 140);
    ck_assert_uint_eq(g->enrolled_s, 600);
    ck_assert_uint_eq(g->gaps, 4);
    ck_assert_uint_eq(g->longest_gap_s, 100);
    ck_assert(!g->silent);
    ck_assert_uint_eq(p->events, 11);
    ck_assert_uint_eq(p->events_kept, 11);
    att_period_free(p);
}
END_TEST

/* Silent at the end: a label that ended, and one that never came. Enrolled anew, the wait for a label is no gap. */
START_TEST(period__lists_silent_gateways)
{
    struct att_period *p = NULL;

    begin(100, 1000);
    event(10, 1, "enrolled");
    label(20, 1, ATT_TIER_AFFIRMING, 200, 1);
    event(30, 2, "enrolled");
    event(40, 3, "enrolled");
    label(50, 3, ATT_TIER_AFFIRMING, 100, 2);
    event(300, 3, "enrolled");
    label(400, 3, ATT_TIER_AFFIRMING, 5000, 3);
    event(500, 2, "stale");
    event(600, 0, "allowed");
    label(700, 4, ATT_TIER_AFFIRMING, 10, 4); /* the log does not have its enrolment */
    p = end();
    ck_assert_uint_eq(p->gateways, 4);
    ck_assert(p->gateway[0].silent);
    ck_assert_uint_eq(p->gateway[0].longest_gap_s, 780);
    ck_assert(p->gateway[1].silent);
    ck_assert_uint_eq(p->gateway[1].gaps, 0);
    ck_assert_uint_eq(p->gateway[1].stale, 1);
    ck_assert(!p->gateway[2].silent);
    ck_assert_uint_eq(p->gateway[2].gaps, 1); /* before it was enrolled again */
    ck_assert_uint_eq(p->gateway[2].longest_gap_s, 150);
    ck_assert_uint_eq(p->gateway[2].covered_s, 50 + 600);
    ck_assert_uint_eq(p->gateway[2].enrolled_s, 900);
    ck_assert_int_eq(p->gateway[3].standing, ATT_PERIOD_UNKNOWN);
    ck_assert_uint_eq(p->gateway[3].enrolled_s, 0);
    ck_assert_uint_eq(p->gaps, 3);
    ck_assert_int_eq(p->gap[0].until, T0 + 300);
    ck_assert_uint_eq(p->gap[0].index, 5);
    ck_assert_uint_eq(p->events, 2); /* enrolled, allowed: a silence is none */
    att_period_free(p);
}
END_TEST

START_TEST(period__refuses_more_than_it_holds)
{
    struct att_diag diag = {0};
    struct att_entry e = entry(1, 0, "policy");
    enum att_err err = ATT_OK;

    begin(0, 10);
    for (unsigned int i = 0; err == ATT_OK && i <= ATT_PERIOD_TALLIES; i++) {
        (void)snprintf(e.reason, sizeof(e.reason), "E_%u", i);
        err = att_period_entry(maker, next++, &e, &diag);
    }
    ck_assert_int_eq(err, ATT_E_LIMIT);
    ck_assert_int_eq(diag.reason, ATT_R_LIM_SIZE);
    ck_assert_uint_eq(next, ATT_PERIOD_TALLIES + 1);
    att_period_maker_freep(&maker);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {period__counts_what_is_inside, 0},
        {period__follows_labels_that_are_taken_back, 0},
        {period__lists_silent_gateways, 0},
        {period__refuses_more_than_it_holds, 0},
    };

    return SUITE_RUN_ROWS("period", ROWS, NULL);
}
