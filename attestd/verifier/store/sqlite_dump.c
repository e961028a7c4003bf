/* The whole store as text in a fixed order, and its structure checked. */
#include "store.h"

#include <string.h>

#include "sqlite_internal.h"

static const struct {
    const char *table;
    const char *sql;
} dumped[] = {
    {"device", "SELECT * FROM device ORDER BY enrolment"},
    {"quarantine", "SELECT * FROM quarantine ORDER BY enrolment"},
    {"ek_chain", "SELECT * FROM ek_chain ORDER BY enrolment"},
    {"factory_key", "SELECT * FROM factory_key ORDER BY enrolment, kind"},
    {"hold", "SELECT * FROM hold ORDER BY enrolment"},
    {"device_state", "SELECT * FROM device_state ORDER BY enrolment"},
    {"token", "SELECT * FROM token ORDER BY digest"},
    {"ek_allow", "SELECT * FROM ek_allow ORDER BY ek_name"},
    {"outcome", "SELECT * FROM outcome ORDER BY idx"},
    {"leaf", "SELECT * FROM leaf ORDER BY idx"},
    {"tile", "SELECT * FROM tile ORDER BY place"},
    {"label", "SELECT * FROM label ORDER BY outcome"},
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

static void print_value(FILE *out, sqlite3_stmt *s, int column)
{
    switch (sqlite3_column_type(s, column)) {
    case SQLITE_INTEGER:
        (void)fprintf(out, "%lld", (long long)sqlite3_column_int64(s, column));
        return;
    case SQLITE_NULL:
        (void)fputs("null", out);
        return;
    case SQLITE_TEXT: {
        const unsigned char *text = sqlite3_column_text(s, column);

        print_text(out, text, sqlite3_column_bytes(s, column));
        return;
    }
    default: {
        const unsigned char *blob = sqlite3_column_blob(s, column);

        print_hex(out, blob, sqlite3_column_bytes(s, column));
        return;
    }
    }
}

static enum att_err dump_table(struct store *st, size_t i, FILE *out)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(st->db, dumped[i].sql, -1, &s, NULL);

    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(s);
        if (rc != SQLITE_ROW)
            break;
        (void)fputs(dumped[i].table, out);
        for (int c = 0; c < sqlite3_column_count(s); c++) {
            (void)fprintf(out, " %s=", sqlite3_column_name(s, c));
            print_value(out, s, c);
        }
        (void)fputc('\n', out);
    }
    (void)sqlite3_finalize(s);
    if (rc != SQLITE_DONE)
        return sql_fail(st, rc, dumped[i].table, NULL);
    return ATT_OK;
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
    "PRAGMA integrity_check(100)",
    "SELECT 'foreign key of ' || \"table\" || ' row ' || coalesce(rowid, '?')"
    " FROM pragma_foreign_key_check LIMIT 100",
    "SELECT 'outcome ' || idx || ': the index before it is missing' FROM outcome"
    " WHERE idx > 0 AND idx - 1 NOT IN (SELECT idx FROM outcome) LIMIT 100",
    "SELECT 'device ' || id || ': no state' FROM device"
    " WHERE enrolment NOT IN (SELECT enrolment FROM device_state) LIMIT 100",
    "SELECT 'outcome ' || idx || ': its label is missing' FROM outcome AS o"
    " WHERE cti IS NOT NULL"
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
    " WHERE policy IS NOT NULL AND policy NOT IN (SELECT digest FROM policy) LIMIT 100",
    "SELECT 'outcome ' || idx || ': a verdict without label or digests' FROM outcome"
    " WHERE kind IN (3, 4) AND (cti IS NULL OR evidence IS NULL OR policy IS NULL"
    " OR refvals IS NULL) LIMIT 100",
    "SELECT 'outcome ' || idx || ': its transfer is missing' FROM outcome WHERE kind = 10"
    " AND idx NOT IN (SELECT outcome FROM transfer) LIMIT 100",
    "SELECT 'transfer of outcome ' || t.outcome || ': the outcome names another gateway'"
    " FROM transfer AS t WHERE NOT EXISTS (SELECT 1 FROM outcome AS o WHERE o.idx = t.outcome"
    " AND o.kind = 10 AND o.device = t.device) LIMIT 100",
};

static enum att_err run_check(struct store *st, const char *sql,
                              void (*say)(void *ctx, const char *text), void *ctx, size_t *found)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(st->db, sql, -1, &s, NULL);

    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        const char *text;

        rc = sqlite3_step(s);
        if (rc != SQLITE_ROW)
            break;
        text = (const char *)sqlite3_column_text(s, 0);
        if (text == NULL || strcmp(text, "ok") == 0)
            continue;
        say(ctx, text);
        (*found)++;
    }
    (void)sqlite3_finalize(s);
    if ((rc & 0xff) == SQLITE_CORRUPT) {
        say(ctx, "the database is damaged");
        (*found)++;
        return ATT_OK;
    }
    if (rc != SQLITE_DONE)
        return sql_fail(st, rc, "check", NULL);
    return ATT_OK;
}

enum att_err store_check(struct store *st, void (*say)(void *ctx, const char *text), void *ctx,
                         size_t *findings)
{
    size_t found = 0;

    for (size_t i = 0; i < ATT_COUNT(checks); i++) {
        enum att_err err = run_check(st, checks[i], say, ctx, &found);

        if (err != ATT_OK)
            return err;
    }
    *findings = found;
    return ATT_OK;
}
