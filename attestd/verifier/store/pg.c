/*
 * The PostgreSQL engine: the connection, the tables, and whose turn it is.
 *
 * Several attestd may have one database; one at a time writes. Two things see to that (docs/adr/0038):
 *   a lock that the server holds for the session: the next one gets it as soon as this session is over
 *   a row, "writer", with a number that each turn raises: every transaction begins with a change of that row that
 *   finds nothing when the number is not ours any more. An engine without such locks still has this.
 */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/guard.h"
#include "pg_internal.h"

#define RETRY_MS 1000

#define SQL_WORD_BEGIN       "BEGIN"
#define SQL_WORD_EMPTY       "'\\x'::bytea"
#define SQL_WORD_TAIL(x)     " substr(" x "::bytea, greatest(length(" x "::bytea) - 63, 1))"
#define SQL_WORD_LATER(a, b) " greatest(" a ", " b ")"
/* Space that was freed is used again and never given back: what is kept is what counts. */
#define SQL_WORD_SIZE                                                                              \
    "SELECT CAST(coalesce(sum(size), 0) AS bigint) FROM evidence WHERE dropped = 0"

const struct pg_text pg_texts[SQL__COUNT] = {
#define STORE_SQL(name, text) [SQL_##name] = {#name, text},
#include "sql.def"
#undef STORE_SQL
};

/* The tables of sqlite.c, column for column. Text is compared byte by byte, as there. */
#define TEXT "text COLLATE \"C\" NOT NULL"
static const char schema[] =
    "CREATE TABLE schema_version (application bigint NOT NULL, version bigint NOT NULL);"
    "CREATE TABLE writer (one bigint PRIMARY KEY CHECK (one = 1), epoch bigint NOT NULL,"
    " txn bigint NOT NULL);"
    "INSERT INTO writer (one, epoch, txn) VALUES (1, 0, 0);"
    "CREATE TABLE meta (key " TEXT " PRIMARY KEY, value bytea NOT NULL);"
    "CREATE TABLE device ("
    " enrolment bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id " TEXT " UNIQUE,"
    " ek_name bytea NOT NULL UNIQUE, ek_public bytea NOT NULL, ak_name bytea NOT NULL UNIQUE,"
    " ak_public bytea NOT NULL, tls_key bytea NOT NULL UNIQUE, ek_cert bytea NOT NULL,"
    " ek_verified bigint NOT NULL CHECK (ek_verified IN (0, 1)), enrolled_utc bigint NOT NULL);"
    "CREATE INDEX device_ek_key ON device ((substr(ek_public, greatest(length(ek_public) - 63, "
    "1))));"
    "CREATE TABLE quarantine ("
    " enrolment bigint PRIMARY KEY, why " TEXT ", id text COLLATE \"C\", ek_name bytea,"
    " ek_public bytea, ak_name bytea, ak_public bytea, tls_key bytea, ek_cert bytea,"
    " ek_verified bigint, enrolled_utc bigint);"
    "CREATE TABLE outcome ("
    " idx bigint PRIMARY KEY, utc bigint NOT NULL, kind bigint NOT NULL, device " TEXT ","
    " reason " TEXT ", detail " TEXT ", cti bytea, evidence bytea, policy bytea, refvals bytea,"
    " subject bytea);"
    "CREATE TABLE label ("
    " cti bytea NOT NULL UNIQUE, outcome bigint PRIMARY KEY REFERENCES outcome (idx),"
    " device " TEXT ", iat bigint NOT NULL, exp bigint NOT NULL, tier bigint NOT NULL,"
    " bytes bytea NOT NULL);"
    "CREATE TABLE evidence ("
    " outcome bigint PRIMARY KEY REFERENCES outcome (idx), enrolment bigint NOT NULL,"
    " utc bigint NOT NULL, size bigint NOT NULL, dropped bigint NOT NULL, bytes bytea NOT NULL);"
    "CREATE INDEX evidence_kept ON evidence (enrolment, outcome) WHERE dropped = 0;"
    "CREATE INDEX evidence_oldest ON evidence (outcome, size) WHERE dropped = 0;"
    "CREATE TABLE policy (digest bytea PRIMARY KEY, bytes bytea NOT NULL);"
    "CREATE TABLE device_state ("
    " enrolment bigint PRIMARY KEY REFERENCES device (enrolment) ON DELETE CASCADE,"
    " status bigint NOT NULL CHECK (status BETWEEN 0 AND 4), reason " TEXT ","
    " last_utc bigint NOT NULL, deadline_utc bigint NOT NULL, cti bytea REFERENCES label (cti),"
    " kept bigint NOT NULL, boot bytea NOT NULL, carry bytea NOT NULL, windows bytea NOT NULL);"
    "CREATE INDEX device_state_due ON device_state (deadline_utc) WHERE status <> 4;"
    "CREATE TABLE token (digest bytea PRIMARY KEY, id " TEXT ", expires_utc bigint NOT NULL,"
    " replaces bigint NOT NULL CHECK (replaces IN (0, 1)));"
    "CREATE TABLE ek_allow (ek_name bytea PRIMARY KEY, id " TEXT ");"
    "CREATE TABLE transfer ("
    " id bytea NOT NULL UNIQUE, role bigint NOT NULL CHECK (role IN (1, 2)), device " TEXT ","
    " ek_name bytea NOT NULL, ek_key bytea NOT NULL,"
    " outcome bigint PRIMARY KEY REFERENCES outcome (idx), expires_utc bigint NOT NULL,"
    " enrolment bigint NOT NULL, bytes bytea NOT NULL);"
    "CREATE INDEX transfer_device ON transfer (device, outcome) WHERE role = 1;"
    "CREATE INDEX transfer_ek ON transfer (ek_name);"
    "CREATE INDEX transfer_ek_key ON transfer (ek_key) WHERE length(ek_key) > 0;"
    "CREATE INDEX transfer_enrolment ON transfer (enrolment) WHERE role = 2;"
    "CREATE TABLE ek_chain ("
    " enrolment bigint PRIMARY KEY REFERENCES device (enrolment) ON DELETE CASCADE,"
    " certs bytea NOT NULL);"
    "CREATE TABLE hold ("
    " enrolment bigint PRIMARY KEY REFERENCES device (enrolment) ON DELETE CASCADE,"
    " reason " TEXT ", lasting bigint NOT NULL CHECK (lasting IN (0, 1)),"
    " since_utc bigint NOT NULL);"
    "CREATE TABLE factory_key ("
    " enrolment bigint NOT NULL REFERENCES device (enrolment) ON DELETE CASCADE,"
    " kind bigint NOT NULL CHECK (kind IN (1, 2)), name bytea NOT NULL, certs bytea NOT NULL,"
    " PRIMARY KEY (enrolment, kind), UNIQUE (kind, name));"
    "CREATE TABLE leaf (idx bigint PRIMARY KEY REFERENCES outcome (idx), salt bytea NOT NULL,"
    " bytes bytea NOT NULL);"
    "CREATE TABLE tile (place bigint PRIMARY KEY, hashes bytea NOT NULL);";

static const char schema_status[] =
    "CREATE TABLE status_list ("
    " number bigint PRIMARY KEY, key bytea NOT NULL, entries bigint NOT NULL,"
    " used bigint NOT NULL CHECK (used BETWEEN 0 AND entries), last_exp bigint NOT NULL,"
    " longest bigint NOT NULL);"
    "ALTER TABLE label ADD COLUMN list bigint REFERENCES status_list (number);"
    "ALTER TABLE label ADD COLUMN place bigint;"
    "ALTER TABLE label ADD COLUMN previous bigint;"
    "CREATE TABLE status ("
    " list bigint NOT NULL REFERENCES status_list (number), place bigint NOT NULL,"
    " value bigint NOT NULL CHECK (value IN (1, 2)),"
    " alone bigint NOT NULL CHECK (alone IN (0, 1)),"
    " label bigint NOT NULL REFERENCES label (outcome),"
    " outcome bigint NOT NULL REFERENCES outcome (idx), PRIMARY KEY (list, place));";

static const char schema_keys[] =
    "CREATE TABLE signing_key ("
    " kind bigint NOT NULL CHECK (kind IN (1, 2)), nth bigint NOT NULL,"
    " key bytea NOT NULL, name " TEXT ","
    " begins bigint NOT NULL, ends bigint NOT NULL CHECK (ends = -1 OR ends >= begins),"
    " revoked bigint NOT NULL, cosigns_until bigint NOT NULL,"
    " PRIMARY KEY (kind, nth), UNIQUE (kind, key));"
    "CREATE UNIQUE INDEX signing_key_in_force ON signing_key (kind) WHERE ends = -1;";

/* What came with the eighth schema. */
#define SCHEMA_8                                                                                   \
    "CREATE TABLE data_key ("                                                                      \
    " enrolment bigint PRIMARY KEY REFERENCES device (enrolment) ON DELETE CASCADE,"               \
    " area bytea NOT NULL, parent bytea NOT NULL, attest bytea NOT NULL,"                          \
    " signature bytea NOT NULL, certified_utc bigint NOT NULL);"

static const char schema_data_key[] = SCHEMA_8;

/* From one schema to the next. The first that this engine had is the sixth. */
#define FIRST_SCHEMA 6
static const char *const steps[STORE_SCHEMA - FIRST_SCHEMA] = {schema_keys, SCHEMA_8};

static void quiet(void *ctx, const char *message)
{
    (void)ctx;
    (void)message;
}

/* --- what is asked of the operator --- */

/* A message of the parser would repeat what it could not read, which may be a password. */
enum att_err store_conninfo_check(const char *conninfo, struct att_diag *diag)
{
    static const char *const secrets[] = {"password", "sslpassword"};
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    enum att_err err = ATT_OK;

    if (options == NULL)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "store.postgresql",
                        "it is no connection string of PostgreSQL (host=... dbname=...)");
    for (const PQconninfoOption *o = options; o->keyword != NULL && err == ATT_OK; o++) {
        for (size_t i = 0; i < ATT_COUNT(secrets) && o->val != NULL; i++) {
            if (ATT_GUARD(PG_PASSWORD, strcmp(o->keyword, secrets[i]) == 0))
                err = att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "store.postgresql",
                               "it has a %s in clear: use passfile=FILE, a client certificate or "
                               "peer authentication",
                               secrets[i]);
        }
    }
    PQconninfoFree(options);
    return err;
}

/* --- the connection --- */

/* Whatever the server's or the role's defaults are: a commit that was answered is on the disk, and nobody waits long. */
static enum att_err set_up(struct pg *st, struct att_diag *diag)
{
    PGresult *res = pg_ask(st->conn, "SELECT set_config('synchronous_commit', 'on', false)"
                                     " WHERE current_setting('synchronous_commit')"
                                     " NOT IN ('on', 'remote_apply')");
    enum att_err err = ATT_OK;

    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        err = pg_fail(st, res, "synchronous_commit", diag);
    PQclear(res);
    if (err == ATT_OK)
        err = pg_exec(st,
                      "SET default_transaction_isolation = 'read committed';"
                      "SET lock_timeout = '2s'",
                      "settings", diag);
    return err;
}

enum att_err pg_connect(struct pg *st, struct att_diag *diag)
{
    /* What stands in conninfo counts for more than what comes before it, and less than what comes after. */
    static const char *const keys[] = {"connect_timeout",
                                       "tcp_user_timeout",
                                       "keepalives_idle",
                                       "dbname",
                                       "client_encoding",
                                       "fallback_application_name",
                                       NULL};
    const char *const values[] = {"5", "10000", "10", st->conninfo, "UTF8", "attestd", NULL};

    if (st->conn != NULL)
        PQfinish(st->conn);
    st->conn = PQconnectdbParams(keys, values, 1);
    if (st->conn == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "database", "memory ran out");
    if (PQstatus(st->conn) != CONNECTION_OK)
        return pg_lost(st, "connect", diag);
    (void)PQsetNoticeProcessor(st->conn, quiet, NULL);
    return set_up(st, diag);
}

/* '?1' is '$1' here. The texts are ours, and none has a question mark elsewhere. */
static enum att_err prepare_one(struct pg *st, const struct pg_text *t, struct att_diag *diag)
{
    char *text = strdup(t->text);
    enum att_err err = ATT_OK;
    PGresult *res;

    if (text == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, t->name, "memory ran out");
    for (char *c = text; *c != '\0'; c++) {
        if (*c == '?')
            *c = '$';
    }
    res = pg_ask_prepare(st->conn, t->name, text);
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        err = pg_fail(st, res, t->name, diag);
    PQclear(res);
    free(text);
    return err;
}

enum att_err pg_prepare_all(struct pg *st, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    for (size_t i = 0; i < SQL__COUNT && err == ATT_OK; i++) {
        st->stmt[i].name = pg_texts[i].name;
        st->stmt[i].reads = strncmp(pg_texts[i].text, "SELECT", strlen("SELECT")) == 0;
        err = prepare_one(st, &pg_texts[i], diag);
    }
    return err;
}

/* --- whose turn it is --- */

enum att_err pg_take_lock(struct pg *st, struct att_diag *diag)
{
    const int64_t application = STORE_APPLICATION_ID;
    int64_t row[2];
    enum att_err err = pg_numbers(row, st,
                                  "SELECT CASE WHEN pg_try_advisory_lock(($1::bigint << 32)"
                                  " | 'writer'::regclass::oid::bigint) THEN 1 ELSE 0 END, 0",
                                  &application, 1, diag);

    if (err == ATT_OK && ATT_GUARD(PG_LOCK, row[0] != 1))
        return att_fail(diag, ATT_E_BUSY, ATT_R_TL_LOCK, "database",
                        "another attestd writes to it, and signs its log");
    return err;
}

/* A turn begins: whatever an earlier one still wants to write finds another number. */
static enum att_err begin_turn(struct pg *st, struct att_diag *diag)
{
    int64_t row[2];
    enum att_err err = pg_numbers(
        row, st, "UPDATE writer SET epoch = epoch + 1 WHERE one = 1 RETURNING epoch, txn", NULL, 0,
        diag);

    if (err != ATT_OK)
        return err == ATT_E_NOT_FOUND
                   ? att_fail(diag, ATT_E_FORMAT, ATT_R_ST_CORRUPT, "writer", "its row is missing")
                   : err;
    st->epoch = row[0];
    st->txn = row[1];
    st->ours = true;
    return ATT_OK;
}

static enum att_err still_ours(struct pg *st, struct att_diag *diag)
{
    int64_t row[2];
    enum att_err err =
        pg_numbers(row, st, "SELECT epoch, txn FROM writer WHERE one = 1", NULL, 0, diag);

    if (err != ATT_OK)
        return err;
    if (row[0] == st->epoch)
        return ATT_OK;
    st->base.broken = true;
    return att_fail(diag, ATT_E_BUSY, ATT_R_TL_LOCK, "database",
                    "another attestd had its turn meanwhile");
}

static enum att_err reconnect(struct pg *st, struct att_diag *diag)
{
    enum att_err err = pg_connect(st, diag);

    if (err == ATT_OK)
        err = pg_take_lock(st, diag);
    if (err == ATT_OK)
        err = still_ours(st, diag);
    return err == ATT_OK ? pg_prepare_all(st, diag) : err;
}

enum att_err pg_revive(struct pg *st, bool at_once, struct att_diag *diag)
{
    int64_t now_ms = att_clock_mono_ms();
    struct att_diag why = {0};
    enum att_err err;

    if (!at_once && st->tried_ms != 0 && now_ms - st->tried_ms < RETRY_MS)
        return pg_lost(st, "connect", diag);
    st->tried_ms = now_ms;
    err = reconnect(st, &why);
    if (err == ATT_OK) {
        st->tried_ms = 0;
        st->lost = false;
        return ATT_OK;
    }
    /* A session that the server has not yet given up may hold the lock: that passes. */
    PQfinish(st->conn);
    st->conn = NULL;
    st->lost = true;
    if (st->base.broken) {
        if (diag != NULL)
            *diag = why;
        return err;
    }
    return att_fail(diag, ATT_E_NETWORK, ATT_R_ST_LOST, "connect", "%s", why.text);
}

/* --- the tables --- */

static enum att_err make_schema(struct pg *st, struct att_diag *diag)
{
    char version[128];
    enum att_err err = pg_exec(st, "BEGIN", "schema", diag);

    (void)snprintf(version, sizeof(version), "INSERT INTO schema_version VALUES (%d, %d)",
                   STORE_APPLICATION_ID, STORE_SCHEMA);
    if (err == ATT_OK)
        err = pg_exec(st, schema, "schema", diag);
    if (err == ATT_OK)
        err = pg_exec(st, schema_status, "schema", diag);
    if (err == ATT_OK)
        err = pg_exec(st, schema_keys, "schema", diag);
    if (err == ATT_OK)
        err = pg_exec(st, schema_data_key, "schema", diag);
    if (err == ATT_OK)
        err = pg_exec(st, version, "schema", diag);
    if (err == ATT_OK)
        err = pg_exec(st, "COMMIT", "schema", diag);
    return err;
}

static enum att_err schema_exists(bool *out, struct pg *st, struct att_diag *diag)
{
    int64_t row[2];
    enum att_err err = pg_numbers(row, st,
                                  "SELECT CASE WHEN to_regclass('schema_version') IS NULL THEN 0"
                                  " ELSE 1 END, 0",
                                  NULL, 0, diag);

    if (err == ATT_OK)
        *out = row[0] == 1;
    return err;
}

static enum att_err upgrade(struct pg *st, int64_t version, struct att_diag *diag)
{
    char text[96];
    enum att_err err = pg_exec(st, "BEGIN", "schema", diag);

    (void)snprintf(text, sizeof(text), "UPDATE schema_version SET version = %d", (int)version + 1);
    if (err == ATT_OK)
        err = pg_exec(st, steps[version - FIRST_SCHEMA], "schema", diag);
    if (err == ATT_OK)
        err = pg_exec(st, text, "schema", diag);
    if (err == ATT_OK)
        err = pg_exec(st, "COMMIT", "schema", diag);
    return err;
}

static enum att_err check_version(struct pg *st, bool may_upgrade, struct att_diag *diag)
{
    int64_t row[2] = {0, 0};
    enum att_err err =
        pg_numbers(row, st, "SELECT application, version FROM schema_version", NULL, 0, diag);

    if (err != ATT_OK && err != ATT_E_NOT_FOUND)
        return err;
    if (row[0] != STORE_APPLICATION_ID)
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_ST_SCHEMA, "schema_version",
                        "expected application %d, found %lld: the tables belong to another program",
                        STORE_APPLICATION_ID, (long long)row[0]);
    for (; may_upgrade && err == ATT_OK && row[1] >= FIRST_SCHEMA && row[1] < STORE_SCHEMA;
         row[1]++)
        err = upgrade(st, row[1], diag);
    if (err != ATT_OK || row[1] == STORE_SCHEMA)
        return err;
    return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_ST_SCHEMA, "schema_version",
                    "expected %d, found %lld%s", STORE_SCHEMA, (long long)row[1],
                    row[1] >= FIRST_SCHEMA && row[1] < STORE_SCHEMA
                        ? ": attestd run brings it up to date"
                        : "");
}

static enum att_err open_tables(struct pg *st, enum store_how how, struct att_diag *diag)
{
    bool there = false;
    enum att_err err = schema_exists(&there, st, diag);

    if (err != ATT_OK)
        return err;
    if (how == STORE_CREATE && there)
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_FILE, "database",
                        "it has tables of attestd already");
    if (how != STORE_CREATE && !there)
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_FILE, "database",
                        "it has no tables of attestd; attestd init makes them");
    if (how == STORE_CREATE)
        err = make_schema(st, diag);
    if (err == ATT_OK)
        err = pg_take_lock(st, diag);
    if (err == ATT_OK)
        err = check_version(st, how == STORE_UPGRADE, diag);
    if (err == ATT_OK)
        err = pg_prepare_all(st, diag);
    return err == ATT_OK ? begin_turn(st, diag) : err;
}

enum att_err store_open_postgresql(struct store **out, const char *conninfo, enum store_how how,
                                   struct att_diag *diag)
{
    struct pg *st = calloc(1, sizeof(*st));
    enum att_err err;

    if (st == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "store", "memory ran out");
    st->base.engine = &pg_engine;
    st->conninfo = strdup(conninfo);
    err = st->conninfo == NULL ? att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "store", "memory ran out")
                               : store_conninfo_check(conninfo, diag);
    if (err == ATT_OK)
        err = pg_connect(st, diag);
    if (err == ATT_OK)
        err = open_tables(st, how, diag);
    if (err != ATT_OK) {
        store_close(&st->base);
        return err;
    }
    *out = &st->base;
    return ATT_OK;
}
