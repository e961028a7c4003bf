/* The whole store as text in a fixed order, and its structure checked. */
#include "store.h"

#include <string.h>

#include "base/guard.h"
#include "store_internal.h"

static const struct {
    const char *table;
    const char *sql;
} dumped[] = {
    {"device", "SELECT * FROM device ORDER BY enrolment"},
    {"quarantine", "SELECT * FROM quarantine ORDER BY enrolment"},
    {"ek_chain", "SELECT * FROM ek_chain ORDER BY enrolment"},
    {"factory_key", "SELECT * FROM factory_key ORDER BY enrolment, kind"},
    {"data_key", "SELECT * FROM data_key ORDER BY enrolment"},
    {"hold", "SELECT * FROM hold ORDER BY enrolment"},
    {"device_state", "SELECT * FROM device_state ORDER BY enrolment"},
    {"token", "SELECT * FROM token ORDER BY digest"},
    {"ek_allow", "SELECT * FROM ek_allow ORDER BY ek_name"},
    {"outcome", "SELECT * FROM outcome ORDER BY idx"},
    {"leaf", "SELECT * FROM leaf ORDER BY idx"},
    {"tile", "SELECT * FROM tile ORDER BY place"},
    {"label", "SELECT * FROM label ORDER BY outcome"},
    {"status_list", "SELECT * FROM status_list ORDER BY number"},
    {"status", "SELECT * FROM status ORDER BY list, place"},
    {"signing_key", "SELECT * FROM signing_key ORDER BY kind, nth"},
    {"evidence", "SELECT * FROM evidence ORDER BY outcome"},
    {"policy", "SELECT * FROM policy ORDER BY digest"},
    {"transfer", "SELECT * FROM transfer ORDER BY outcome"},
};

static void print_hex(FILE *out, const unsigned char *p, int len)
{
    (void)fputs("x'", out);
    for (int i = 0; i < len; i++)
        (void)fprintf(out, "%02x", p[i]);
    (void)fputc('\'', out);
}

/* Text of the store is ASCII by its makers' rules; whatever is not is shown as bytes. */
static void print_text(FILE *out, const unsigned char *p, int len)
{
    for (int i = 0; i < len; i++) {
        if (p[i] >= 0x7f || p[i] < 0x20 || p[i] == '"' || p[i] == '\\') {
            print_hex(out, p, len);
            return;
        }
    }
    (void)fprintf(out, "\"%.*s\"", len, (const char *)p);
}

static void print_value(FILE *out, const struct sql *q, int column)
{
    const struct store_engine *e = q->st->engine;
    struct att_slice v;

    switch (e->type(q, column)) {
    case SQL_TYPE_INT:
        (void)fprintf(out, "%lld", (long long)e->get_int(q, column));
        return;
    case SQL_TYPE_NULL:
        (void)fputs("null", out);
        return;
    case SQL_TYPE_TEXT:
        v = e->get_text(q, column);
        print_text(out, v.p, (int)v.len);
        return;
    default:
        v = e->get_blob(q, column);
        print_hex(out, v.p, (int)v.len);
        return;
    }
}

static enum att_err dump_table(struct store *st, size_t i, FILE *out)
{
    const struct store_engine *e = st->engine;
    struct sql q;
    enum att_err err = e->prepare(&q, st, dumped[i].sql, NULL);

    while (err == ATT_OK) {
        err = e->step(&q, NULL);
        if (err != ATT_OK)
            break;
        (void)fputs(dumped[i].table, out);
        for (int c = 0; c < e->columns(&q); c++) {
            (void)fprintf(out, " %s=", e->column_name(&q, c));
            print_value(out, &q, c);
        }
        (void)fputc('\n', out);
    }
    e->drop(&q);
    return err == ATT_E_NOT_FOUND ? ATT_OK : err;
}

enum att_err store_dump(struct store *st, FILE *out)
{
    for (size_t i = 0; i < ATT_COUNT(dumped); i++) {
        enum att_err err = dump_table(st, i, out);

        if (err != ATT_OK)
            return err;
    }
    if (fflush(out) != 0 || ferror(out) != 0)
        return ATT_E_IO;
    return ATT_OK;
}

/* Each query gives one row of text a finding. */
static const char *const checks[] = {
    "SELECT 'outcome ' || idx || ': the index before it is missing' FROM outcome"
    " WHERE idx > 0 AND idx - 1 NOT IN (SELECT idx FROM outcome) LIMIT 100",
    "SELECT 'device ' || id || ': no state' FROM device"
    " WHERE enrolment NOT IN (SELECT enrolment FROM device_state) LIMIT 100",
    "SELECT 'outcome ' || idx || ': its label is missing' FROM outcome AS o"
    " WHERE kind IN (3, 4) AND cti IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM label AS l WHERE l.cti = o.cti AND l.outcome = o.idx)"
    " LIMIT 100",
    "SELECT 'label of outcome ' || outcome || ': the outcome names another' FROM label AS l"
    " WHERE NOT EXISTS (SELECT 1 FROM outcome AS o WHERE o.idx = l.outcome AND o.cti = l.cti"
    " AND o.device = l.device) LIMIT 100",
    "SELECT 'outcome ' || idx || ': its evidence is missing' FROM outcome"
    " WHERE evidence IS NOT NULL AND idx NOT IN (SELECT outcome FROM evidence) LIMIT 100",
    "SELECT 'evidence of outcome ' || outcome || ': dropped and there, or neither' FROM evidence"
    " WHERE (dropped = 0) <> (length(bytes) > 0) LIMIT 100",
    "SELECT 'device ' || d.id || ': the size of its evidence differs' FROM device AS d"
    " JOIN device_state AS s ON s.enrolment = d.enrolment WHERE s.kept <>"
    " (SELECT coalesce(sum(size), 0) FROM evidence WHERE enrolment = d.enrolment AND dropped = 0)"
    " LIMIT 100",
    "SELECT 'outcome ' || idx || ': its policy is missing' FROM outcome"
    " WHERE kind NOT IN (16, 17) AND policy IS NOT NULL"
    " AND policy NOT IN (SELECT digest FROM policy) LIMIT 100",
    "SELECT 'outcome ' || idx || ': a verdict without label or digests' FROM outcome"
    " WHERE kind IN (3, 4) AND (cti IS NULL OR evidence IS NULL OR policy IS NULL"
    " OR refvals IS NULL) LIMIT 100",
    "SELECT 'label of outcome ' || outcome || ': its list has no such place' FROM label AS l"
    " WHERE (list IS NULL) <> (place IS NULL) OR (list IS NOT NULL AND NOT EXISTS"
    " (SELECT 1 FROM status_list AS s WHERE s.number = l.list AND l.place BETWEEN 0 AND s.entries "
    "- 1"
    " AND s.last_exp >= l.exp)) LIMIT 100",
    "SELECT 'label of outcome ' || l.outcome || ': the label before it is another gateway''s, or "
    "later'"
    " FROM label AS l WHERE previous IS NOT NULL AND NOT EXISTS (SELECT 1 FROM label AS p"
    " WHERE p.outcome = l.previous AND p.outcome < l.outcome AND p.device = l.device) LIMIT 100",
    "SELECT 'status list ' || number || ': other labels than it counts' FROM status_list AS s"
    " LEFT JOIN (SELECT list, count(DISTINCT place) AS n FROM label WHERE list IS NOT NULL"
    " GROUP BY list) AS c ON c.list = s.number WHERE s.used <> coalesce(c.n, 0) LIMIT 100",
    "SELECT 'outcome ' || idx || ': it speaks of a label that is not there' FROM outcome AS o"
    " WHERE kind NOT IN (3, 4) AND cti IS NOT NULL AND NOT EXISTS"
    " (SELECT 1 FROM label AS l WHERE l.cti = o.cti AND l.outcome < o.idx AND l.device = o.device)"
    " LIMIT 100",
    "SELECT 'status of label ' || label || ': its list, place or outcome is another' FROM status "
    "AS s"
    " WHERE NOT EXISTS (SELECT 1 FROM label AS l WHERE l.outcome = s.label AND l.list = s.list"
    " AND l.place = s.place) OR NOT EXISTS (SELECT 1 FROM outcome AS o WHERE o.idx = s.outcome"
    " AND o.idx > s.label) LIMIT 100",
    "SELECT 'signing key of kind ' || kind || ': none is in force' FROM signing_key"
    " GROUP BY kind HAVING max(CASE WHEN ends = -1 THEN 1 ELSE 0 END) = 0",
    "SELECT 'signing key from entry ' || begins || ': not where the one before it ends'"
    " FROM signing_key AS n WHERE nth > 1 AND NOT EXISTS (SELECT 1 FROM signing_key AS b"
    " WHERE b.kind = n.kind AND b.nth = n.nth - 1 AND b.ends = n.begins)",
    "SELECT 'outcome ' || idx || ': its transfer is missing' FROM outcome WHERE kind = 10"
    " AND idx NOT IN (SELECT outcome FROM transfer) LIMIT 100",
    "SELECT 'transfer of outcome ' || t.outcome || ': the outcome names another gateway'"
    " FROM transfer AS t WHERE NOT EXISTS (SELECT 1 FROM outcome AS o WHERE o.idx = t.outcome"
    " AND o.kind = 10 AND o.device = t.device) LIMIT 100",
};

static enum att_err run_check(struct store *st, const char *sql,
                              void (*say)(void *ctx, const char *text), void *ctx, size_t *found)
{
    const struct store_engine *e = st->engine;
    struct sql q;
    enum att_err err = e->prepare(&q, st, sql, NULL);

    while (err == ATT_OK) {
        struct att_slice text;

        err = e->step(&q, NULL);
        if (err != ATT_OK)
            break;
        text = e->get_text(&q, 0);
        if (!ATT_GUARD(ST_FINDING, text.p != NULL && !att_slice_eq(text, att_slice_str("ok"))))
            continue;
        say(ctx, (const char *)text.p);
        (*found)++;
    }
    e->drop(&q);
    if (err == ATT_E_FORMAT) {
        say(ctx, "the database is damaged");
        (*found)++;
        return ATT_OK;
    }
    return err == ATT_E_NOT_FOUND ? ATT_OK : err;
}

enum att_err store_check(struct store *st, void (*say)(void *ctx, const char *text), void *ctx,
                         size_t *findings)
{
    enum att_err err = ATT_OK;
    size_t found = 0;

    for (size_t i = 0; i < st->engine->check_count && err == ATT_OK; i++)
        err = run_check(st, st->engine->checks[i], say, ctx, &found);
    for (size_t i = 0; i < ATT_COUNT(checks) && err == ATT_OK; i++)
        err = run_check(st, checks[i], say, ctx, &found);
    if (err != ATT_OK)
        return err;
    *findings = found;
    return ATT_OK;
}
