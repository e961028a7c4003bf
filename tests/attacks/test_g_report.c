/* Group G, period statements: an auditor reports only on a log that stands its audit, and nobody else's word passes for theirs. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"
#include "base/clock.h"
#include "base/file.h"
#include "loghouse.h"
#include "need.h"
#include "report/statement.h"

/* A log with a period in it, and an auditor whom the trust folder knows. */
struct audited {
    struct loghouse h;
    char from[ATT_TIME_TEXT], until[ATT_TIME_TEXT];
    struct att_signer *auditor;
};

static char out[262144];

static void has(const char *text)
{
    ck_assert_msg(strstr(out, text) != NULL, "expected %s: %.2000s", text, out);
}

static void ctl(const struct audited *a, int code, const char *const *args)
{
    int got = loghouse_ctl(&a->h, out, sizeof(out), args);

    ck_assert_msg(got == code, "expected %d, found %d: %.2000s", code, got, out);
}

#define CTL(a, code, ...) ctl((a), (code), (const char *const[]){__VA_ARGS__, NULL})

static void write_pem(const struct audited *a, const char *name, struct att_buf *pem, int mode)
{
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/%s", a->h.dir, name);
    NEED(att_file_write(path, att_buf_slice(pem), (unsigned int)mode, NULL) == ATT_OK);
    att_buf_free(pem);
}

static void make_auditor(struct audited *a)
{
    struct att_privkey *key = NULL;
    struct att_buf *pem = NULL;

    NEED(att_privkey_generate(&key, ATT_KEY_ED25519) == ATT_OK);
    NEED(att_privkey_pem(&pem, key) == ATT_OK);
    write_pem(a, "auditor.pem", pem, 0600);
    NEED(att_signer_software(&a->auditor, key) == ATT_OK);
}

/* Its public half, where whoever reads statements has it. */
static void install_auditor(const struct audited *a)
{
    char command[256];

    (void)snprintf(command, sizeof(command),
                   "mkdir %s/auditors && openssl pkey -in %s/auditor.pem -pubout -out "
                   "%s/auditors/audit.pem",
                   a->h.trust, a->h.dir, a->h.trust);
    NEED(system(command) == 0);
}

/* Three gateways are enrolled before the period; lie may add to it; one label stands behind it. */
static void open_audited(struct audited *a, void (*lie)(struct loghouse *h))
{
    memset(a, 0, sizeof(*a));
    loghouse_open(&a->h);
    make_auditor(a);
    for (uint32_t i = 0; i < 3; i++)
        loghouse_enrol(&a->h, i);
    loghouse_attest(&a->h, 0);
    (void)att_time_print(a->from, sizeof(a->from), a->h.utc);
    for (uint32_t i = 0; i < 3; i++)
        loghouse_attest(&a->h, i);
    if (lie != NULL)
        lie(&a->h);
    (void)att_time_print(a->until, sizeof(a->until), a->h.utc);
    loghouse_attest(&a->h, 1);
    loghouse_sign(&a->h);
}

static void close_audited(struct audited *a)
{
    att_signer_free(a->auditor);
    loghouse_close(&a->h);
}

static void report(const struct audited *a, int code)
{
    CTL(a, code, "report", "period", "@log", "--from", a->from, "--until", a->until, "--sign",
        "@auditor.pem", "--insecure-file-key", "--output", "@a.report");
}

static bool is_there(const struct audited *a, const char *name)
{
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/%s", a->h.dir, name);
    return access(path, F_OK) == 0;
}

START_TEST(G_report__by_an_auditor_whom_nobody_knows)
{
    struct audited a;

    open_audited(&a, NULL);
    report(&a, 0);
    CTL(&a, 3, "report", "verify", "@a.report");
    has("\"code\":\"E_RPT_SIGNER\"");
    has("{\"id\":\"signature\",\"status\":\"not-run\"}");
    install_auditor(&a);
    CTL(&a, 0, "report", "verify", "@a.report");
    close_audited(&a);
}
END_TEST

/* --- what an auditor signs and the log does not say --- */

static void begins_elsewhere(struct att_statement *s)
{
    s->begin.tree.root[31] ^= 1;
}

static void ends_elsewhere(struct att_statement *s)
{
    s->end.path.hash[0][0] ^= 1;
}

static void audited_more(struct att_statement *s)
{
    s->audited++;
}

static void kinder(struct att_statement *s) /* the label came later */
{
    s->period->gateway[1].covered_s = (uint64_t)(s->period->until - s->period->from);
}

static void more_keys(struct att_statement *s)
{
    s->keys++;
}

static const struct {
    void (*lie)(struct att_statement *s);
    int offline, with_log; /* exit codes */
    const char *reason;
} LIES[] = {
    {begins_elsewhere, 1, 1, "E_TL_CONSIST"}, {ends_elsewhere, 1, 1, "E_TL_CONSIST"},
    {audited_more, 1, 1, "E_RPT_SUMS"},       {kinder, 0, 1, "E_RPT_DIFFERS"},
    {more_keys, 0, 1, "E_RPT_DIFFERS"},
};
enum { LIES_ABOUT_TREES = 2, LIES_ABOUT_SIZE = 3 };

/* a.report with a lie in it, signed by the same auditor. */
static void sign_again(const struct audited *a, void (*lie)(struct att_statement *s))
{
    ATT_CLEANUP(att_statement_freep) struct att_statement *s = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *encoded = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = NULL;
    struct att_slice payload;
    uint8_t kid[32];
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/a.report", a->h.dir);
    NEED(att_file_read(&file, path, 65536, NULL) == ATT_OK);
    NEED(att_statement_peek(&payload, kid, att_buf_slice(file), NULL) == ATT_OK);
    NEED(att_statement_decode(&s, payload, NULL) == ATT_OK);
    lie(s);
    NEED(att_statement_encode(&encoded, s) == ATT_OK);
    NEED(att_statement_sign(&message, att_buf_slice(encoded), a->auditor) == ATT_OK);
    NEED(att_file_write(path, att_buf_slice(message), 0644, NULL) == ATT_OK);
}

static void tell_lie(size_t i)
{
    struct audited a;

    open_audited(&a, NULL);
    install_auditor(&a);
    report(&a, 0);
    CTL(&a, 0, "report", "verify", "@a.report", "--log", "@log");
    sign_again(&a, LIES[i].lie);
    CTL(&a, LIES[i].offline, "report", "verify", "@a.report");
    if (LIES[i].offline != 0)
        has(LIES[i].reason);
    CTL(&a, LIES[i].with_log, "report", "verify", "@a.report", "--log", "@log");
    has(LIES[i].reason);
    close_audited(&a);
}

START_TEST(G_report__trees_that_the_log_never_had)
{
    tell_lie((size_t)_i);
}
END_TEST

START_TEST(G_report__checkpoint_of_another_size)
{
    tell_lie(LIES_ABOUT_TREES);
}
END_TEST

START_TEST(G_report__figures_that_the_log_does_not_lead_to)
{
    tell_lie(LIES_ABOUT_SIZE + (size_t)_i);
}
END_TEST

/* --- logs that are no ground for a statement --- */

static void unknown_label_key(struct loghouse *h)
{
    struct issuer ours = h->is, other;

    issuer_open(&other);
    loghouse_turn(h, &other);
    loghouse_attest(h, 1);
    loghouse_turn(h, &ours);
    issuer_close(&other);
}

START_TEST(G_report__log_that_does_not_stand_its_audit)
{
    struct audited a;

    open_audited(&a, _i == 0 ? NULL : unknown_label_key);
    if (_i == 0)
        loghouse_flip(&a.h, "tile/0/000.p/8", 3);
    report(&a, _i == 0 ? 1 : 3);
    has("\"code\":\"E_RPT_AUDIT\"");
    has(_i == 0 ? "\"code\":\"E_TL_TREE\"" : "\"code\":\"E_LBL_KEY\"");
    ck_assert(!is_there(&a, "a.report"));
    close_audited(&a);
}
END_TEST

static void twice(struct loghouse *h)
{
    struct loghouse_room room;
    struct att_entry_facts f = loghouse_label(h, &room, 1);

    loghouse_add(h, &f);
    f.iat = h->utc;
    loghouse_add(h, &f);
}

/* A contradiction is told by the statement of its period, and by no other. */
START_TEST(G_report__contradiction_of_the_period)
{
    struct audited a;

    open_audited(&a, twice);
    install_auditor(&a);
    report(&a, 1);
    has("\"code\":\"E_TL_LABELS\"");
    has("\"path\":\"entry 8\"");
    has("{\"id\":\"agree\",\"status\":\"fail\"}");
    has("\"findings\":1");
    CTL(&a, 1, "report", "verify", "@a.report");
    has("\"code\":\"E_TL_LABELS\"");
    CTL(&a, 0, "report", "period", "@log", "--from", "2001-01-01T00:00:00Z", "--until", a.from);
    has("\"findings\":0");
    close_audited(&a);
}
END_TEST

/* --- tables --- */

#define FORMULA "=HYPERLINK(\"http://x\")"

static void formula(struct loghouse *h)
{
    struct loghouse_room room;
    struct att_entry_facts f = loghouse_event(h, &room, 1, "@SUM(A1)");

    f.reason = FORMULA;
    loghouse_add(h, &f);
}

START_TEST(G_report__formulas_of_a_log_are_texts)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *table = NULL;
    struct audited a;
    char path[96];

    open_audited(&a, formula);
    CTL(&a, 0, "report", "csv", "@log", "--from", a.from, "--until", a.until, "--table", "events",
        "--output", "@events.csv");
    (void)snprintf(path, sizeof(path), "%s/events.csv", a.h.dir);
    NEED(att_file_read(&table, path, sizeof(out) - 1, NULL) == ATT_OK);
    memcpy(out, att_buf_slice(table).p, att_buf_len(table));
    out[att_buf_len(table)] = '\0';
    has(",\"'@SUM(A1)\",\"'=HYPERLINK(\"\"http://x\"\")\",");
    close_audited(&a);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-report-signer", G_report__by_an_auditor_whom_nobody_knows, 0, 60},
        {"G-report-trees", G_report__trees_that_the_log_never_had, LIES_ABOUT_TREES, 60},
        {"G-report-size", G_report__checkpoint_of_another_size, 0, 60},
        {"G-report-repeat", G_report__figures_that_the_log_does_not_lead_to,
         (int)ATT_COUNT(LIES) - LIES_ABOUT_SIZE, 60},
        {"G-report-audit", G_report__log_that_does_not_stand_its_audit, 2, 60},
        {"G-report-findings", G_report__contradiction_of_the_period, 0, 60},
        {"G-report-csv", G_report__formulas_of_a_log_are_texts, 0, 60},
    };

    return attack_rows("attacks: period statements", rows, ATT_COUNT(rows));
}
