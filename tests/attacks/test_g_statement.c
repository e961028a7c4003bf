/* Group G, the bytes of a period statement: figures that contradict each other, and versions that nobody knows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/label.h"
#include "attack.h"
#include "need.h"
#include "report/statement.h"

#define FROM  INT64_C(0x6a000000) /* of the period; its bytes are found in the encoding */
#define UNTIL INT64_C(0x6a100000)

static struct att_period_maker *maker;
static uint64_t next;

static void take(int64_t utc, const char *kind, int64_t exp)
{
    struct att_entry e = {.iat = utc};
    uint8_t ek[32] = {9};

    (void)snprintf(e.issuer, sizeof(e.issuer), "verifier.test");
    (void)snprintf(e.kind, sizeof(e.kind), "%s", kind);
    (void)att_label_subject(e.subject, sizeof(e.subject), ek);
    if (exp != 0) {
        e.of_label = e.has_status = e.has_cti = e.has_policy = e.has_refvals = true;
        e.status = ATT_TIER_AFFIRMING;
        e.exp = exp;
    }
    NEED(att_period_entry(maker, next++, &e, NULL) == ATT_OK);
}

/* One of each: a gateway enrolled and labelled before the period, a gap, a label, an event, a finding. */
static struct att_buf *statement(void)
{
    ATT_CLEANUP(att_statement_freep) struct att_statement *s = calloc(1, sizeof(*s));
    struct att_buf *encoded = NULL;

    NEED(s != NULL);
    next = 0;
    NEED(att_period_new(&maker, FROM, UNTIL) == ATT_OK);
    take(FROM - 100, "enrolled", 0);
    take(FROM - 90, "label", FROM + 0x01122);
    take(FROM + 0x03344, "label", FROM + 0x05566);
    take(FROM + 0x04455, "looked", 0);
    take(UNTIL, "looked", 0);
    NEED(att_period_finish(&s->period, maker) == ATT_OK);
    att_period_maker_freep(&maker);
    NEED(att_buf_new(&s->checkpoint, 8) == ATT_OK);
    NEED(att_buf_add(s->checkpoint, "note\n", 5) == ATT_OK);
    s->begin.tree.size = s->period->begin;
    s->end.tree.size = s->period->end;
    s->audited = next;
    s->findings = 1;
    s->finding[0].index = 3;
    s->finding[0].reason = ATT_R_TL_LABELS;
    (void)snprintf(s->finding[0].text, sizeof(s->finding[0].text), "why");
    NEED(att_statement_encode(&encoded, s) == ATT_OK);
    return encoded;
}

/* Bytes that stand in it once, and what a lie puts there. */
struct patch {
    const char *find, *put;
    size_t len;
};
#define PATCH(find, put)                                                                           \
    {                                                                                              \
        find, put, sizeof(find) - 1                                                                \
    }

static size_t place_of(struct att_slice in, const struct patch *p)
{
    size_t at = in.len;

    for (size_t i = 0; i + p->len <= in.len; i++) {
        if (memcmp(in.p + i, p->find, p->len) != 0)
            continue;
        ck_assert_msg(at == in.len, "%zu and %zu", at, i);
        at = i;
    }
    ck_assert_uint_lt(at, in.len);
    return at;
}

static void refused(const struct patch *p, enum att_err want, enum att_reason reason)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *encoded = statement();
    ATT_CLEANUP(att_statement_freep) struct att_statement *s = NULL;
    struct att_slice in = att_buf_slice(encoded);
    struct att_diag diag = {0};
    uint8_t bad[4096];

    NEED(in.len <= sizeof(bad));
    memcpy(bad, in.p, in.len);
    memcpy(bad + place_of(in, p), p->put, p->len);
    ck_assert_int_eq(att_statement_decode(&s, att_slice_of(bad, in.len), &diag), want);
    ck_assert_int_eq(diag.reason, reason);
    ck_assert_ptr_null(s);
}

static const struct patch SUMS[] = {
    /* the period backwards; its trees backwards, and another number of entries than it counts */
    PATCH("\x82\x1a\x6a\x00\x00\x00\x1a\x6a\x10\x00\x00",
          "\x82\x1a\x6a\x20\x00\x00\x1a\x6a\x10\x00\x00"),
    PATCH("\x03\x83\x02\x58", "\x03\x83\x05\x58"),
    PATCH("\x04\x83\x04\x58", "\x04\x83\x03\x58"),
    PATCH("\x84\x66looked\xf6\xf6\x01", "\x84\x66looked\xf6\xf6\x02"),
    /* more was audited and still nothing closed it, and the other way round */
    PATCH("\x06\xf5", "\x06\xf4"),
    PATCH("\x0d\x82\x05", "\x0d\x82\x04"),
    /* a gateway with labels that nobody counted, enrolled for longer than the period, covered, with gaps */
    PATCH("\x01\xf5\x01\x00\x00\x00\x00", "\x01\xf5\x02\x00\x00\x00\x00"),
    PATCH("\x01\xf5\x01\x00\x00\x00\x00", "\x01\xf5\x01\x01\x00\x00\x00"),
    PATCH("\x01\xf5\x01\x00\x00\x00\x00", "\x01\xf5\x01\x00\x01\x00\x00"),
    PATCH("\x1a\x00\x10\x00\x00\x19\x33\x44", "\x1a\x00\x10\x00\x01\x19\x33\x44"),
    /* gaps before and behind the period, and without a length */
    PATCH("\x1a\x6a\x00\x11\x22\x1a\x6a\x00\x33\x44", "\x1a\x69\x00\x11\x22\x1a\x6a\x00\x33\x44"),
    PATCH("\x1a\x6a\x00\x11\x22\x1a\x6a\x00\x33\x44", "\x1a\x6a\x00\x11\x22\x1a\x6a\x20\x33\x44"),
    PATCH("\x1a\x6a\x00\x11\x22\x1a\x6a\x00\x33\x44", "\x1a\x6a\x00\x33\x44\x1a\x6a\x00\x33\x44"),
    /* an event and a finding of other entries; more of each than are listed */
    PATCH("\x89\x03\x1a\x6a\x00\x44\x55", "\x89\x04\x1a\x6a\x00\x44\x55"),
    PATCH("\x83\x03\x6b\x45_TL_LABELS", "\x83\x01\x6b\x45_TL_LABELS"),
    PATCH("\x0b\x82\x01\x81\x89", "\x0b\x82\x02\x81\x89"),
    PATCH("\x0a\x82\x02\x82\x84", "\x0a\x82\x03\x82\x84"),
    /* labels of rules beyond the labels that there are */
    PATCH("\x01\x00\x00\x1a\x6a\x00\x33\x44\x09", "\x02\x00\x00\x1a\x6a\x00\x33\x44\x09"),
};

START_TEST(G_report__figures_that_contradict_each_other)
{
    refused(&SUMS[_i], ATT_E_MISMATCH, ATT_R_RPT_SUMS);
}
END_TEST

static const struct patch VERSIONS[] = {
    PATCH("period-report#1", "period-report#2"),
    PATCH("\x0e\x77"
          "attestd-period-limits-1",
          "\x0e\x77"
          "attestd-period-limits-2"),
    PATCH("\x0e\x77"
          "attestd-period-limits-1",
          "\x0f\x77"
          "attestd-period-limits-1"),
};

START_TEST(G_report__versions_that_nobody_knows)
{
    refused(&VERSIONS[_i], ATT_E_UNSUPPORTED, ATT_R_RPT_VERSION);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-report-sums", G_report__figures_that_contradict_each_other, (int)ATT_COUNT(SUMS), 20},
        {"G-report-version", G_report__versions_that_nobody_knows, (int)ATT_COUNT(VERSIONS), 20},
    };

    return attack_rows("attacks: bytes of a period statement", rows, ATT_COUNT(rows));
}
