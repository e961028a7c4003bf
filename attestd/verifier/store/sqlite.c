/* The SQLite engine: the file, its lock, its tables and the connection. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/guard.h"
#include "sqlite_internal.h"

/* What databases of the second schema have or have not. */
#define TRANSFERS                                                                                  \
    "CREATE TABLE IF NOT EXISTS transfer ("                                                        \
    " id BLOB NOT NULL UNIQUE, role INTEGER NOT NULL CHECK (role IN (1, 2)),"                      \
    " device TEXT NOT NULL, ek_name BLOB NOT NULL, ek_key BLOB NOT NULL,"                          \
    " outcome INTEGER PRIMARY KEY REFERENCES outcome (idx),"                                       \
    " expires_utc INTEGER NOT NULL, enrolment INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;"      \
    "CREATE INDEX IF NOT EXISTS transfer_device ON transfer (device, outcome) WHERE role = 1;"     \
    "CREATE INDEX IF NOT EXISTS transfer_ek ON transfer (ek_name);"                                \
    "CREATE INDEX IF NOT EXISTS transfer_ek_key ON transfer (ek_key) WHERE length(ek_key) > 0;"    \
    "CREATE INDEX IF NOT EXISTS transfer_enrolment ON transfer (enrolment) WHERE role = 2;"

/* What came with the third schema. */
#define SCHEMA_3                                                                                   \
    "CREATE TABLE ek_chain ("                                                                      \
    " enrolment INTEGER PRIMARY KEY REFERENCES device (enrolment) ON DELETE CASCADE,"              \
    " certs BLOB NOT NULL) STRICT;"                                                                \
    "CREATE TABLE hold ("                                                                          \
    " enrolment INTEGER PRIMARY KEY REFERENCES device (enrolment) ON DELETE CASCADE,"              \
    " reason TEXT NOT NULL, lasting INTEGER NOT NULL CHECK (lasting IN (0, 1)),"                   \
    " since_utc INTEGER NOT NULL) STRICT;"

/* And with the fourth: kind 1 is an IAK, 2 an IDevID. */
#define SCHEMA_4                                                                                   \
    "CREATE TABLE factory_key ("                                                                   \
    " enrolment INTEGER NOT NULL REFERENCES device (enrolment) ON DELETE CASCADE,"                 \
    " kind INTEGER NOT NULL CHECK (kind IN (1, 2)), name BLOB NOT NULL, certs BLOB NOT NULL,"      \
    " PRIMARY KEY (enrolment, kind), UNIQUE (kind, name)) STRICT;"

/* What came with the fifth schema. */
#define SCHEMA_5                                                                                   \
    "ALTER TABLE outcome ADD COLUMN subject BLOB;"                                                 \
    "CREATE TABLE leaf ("                                                                          \
    " idx INTEGER PRIMARY KEY REFERENCES outcome (idx), salt BLOB NOT NULL, bytes BLOB NOT NULL"   \
    ") STRICT;"                                                                                    \
    "CREATE TABLE tile (place INTEGER PRIMARY KEY, hashes BLOB NOT NULL) STRICT;"

/* And with the sixth: lists that say whether labels still count, and what they say beside "valid" (1 revoked, 2
 * suspended). */
#define SCHEMA_6                                                                                   \
    "CREATE TABLE status_list ("                                                                   \
    " number INTEGER PRIMARY KEY, key BLOB NOT NULL, entries INTEGER NOT NULL,"                    \
    " used INTEGER NOT NULL CHECK (used BETWEEN 0 AND entries), last_exp INTEGER NOT NULL,"        \
    " longest INTEGER NOT NULL) STRICT;"                                                           \
    "ALTER TABLE label ADD COLUMN list INTEGER REFERENCES status_list (number);"                   \
    "ALTER TABLE label ADD COLUMN place INTEGER;"                                                  \
    "ALTER TABLE label ADD COLUMN previous INTEGER;"                                               \
    "CREATE TABLE status ("                                                                        \
    " list INTEGER NOT NULL REFERENCES status_list (number), place INTEGER NOT NULL,"              \
    " value INTEGER NOT NULL CHECK (value IN (1, 2)),"                                             \
    " alone INTEGER NOT NULL CHECK (alone IN (0, 1)),"                                             \
    " label INTEGER NOT NULL REFERENCES label (outcome),"                                          \
    " outcome INTEGER NOT NULL REFERENCES outcome (idx),"                                          \
    " PRIMARY KEY (list, place)) STRICT, WITHOUT ROWID;"

/* With the seventh: every key that ever signed labels (kind 1) or trees of the log (2). One of each kind is in force, never
 * two: ends is -1 for that one alone, else the first entry of the log that it does not sign any more. */
#define SCHEMA_7                                                                                   \
    "CREATE TABLE signing_key ("                                                                   \
    " kind INTEGER NOT NULL CHECK (kind IN (1, 2)), nth INTEGER NOT NULL,"                         \
    " key BLOB NOT NULL, name TEXT NOT NULL,"                                                      \
    " begins INTEGER NOT NULL, ends INTEGER NOT NULL CHECK (ends = -1 OR ends >= begins),"         \
    " revoked INTEGER NOT NULL, cosigns_until INTEGER NOT NULL,"                                   \
    " PRIMARY KEY (kind, nth), UNIQUE (kind, key)) STRICT, WITHOUT ROWID;"                         \
    "CREATE UNIQUE INDEX signing_key_in_force ON signing_key (kind) WHERE ends = -1;"

/* And with the eighth: the key of a device that its TPM uses in an authorised state alone, and the proof of it. */
#define SCHEMA_8                                                                                   \
    "CREATE TABLE data_key ("                                                                      \
    " enrolment INTEGER PRIMARY KEY REFERENCES device (enrolment) ON DELETE CASCADE,"              \
    " area BLOB NOT NULL, parent BLOB NOT NULL, attest BLOB NOT NULL, signature BLOB NOT NULL,"    \
    " certified_utc INTEGER NOT NULL) STRICT;"

static const char schema[] =
    "CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE device ("
    " enrolment INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " ek_name BLOB NOT NULL UNIQUE, ek_public BLOB NOT NULL, ak_name BLOB NOT NULL UNIQUE,"
    " ak_public BLOB NOT NULL, tls_key BLOB NOT NULL UNIQUE, ek_cert BLOB NOT NULL,"
    " ek_verified INTEGER NOT NULL CHECK (ek_verified IN (0, 1)), enrolled_utc INTEGER NOT NULL"
    ") STRICT;"
    "CREATE TABLE quarantine ("
    " enrolment INTEGER PRIMARY KEY, why TEXT NOT NULL, id ANY, ek_name ANY, ek_public ANY,"
    " ak_name ANY, ak_public ANY, tls_key ANY, ek_cert ANY, ek_verified ANY, enrolled_utc ANY"
    ") STRICT;"
    "CREATE INDEX device_ek_key ON device (substr(ek_public, -64));"
    "CREATE TABLE outcome ("
    " idx INTEGER PRIMARY KEY, utc INTEGER NOT NULL, kind INTEGER NOT NULL, device TEXT NOT NULL,"
    " reason TEXT NOT NULL, detail TEXT NOT NULL, cti BLOB, evidence BLOB, policy BLOB, refvals "
    "BLOB"
    ") STRICT;"
    "CREATE TABLE label ("
    " cti BLOB NOT NULL UNIQUE, outcome INTEGER PRIMARY KEY REFERENCES outcome (idx),"
    " device TEXT NOT NULL, iat INTEGER NOT NULL, exp INTEGER NOT NULL, tier INTEGER NOT NULL,"
    " bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE evidence ("
    " outcome INTEGER PRIMARY KEY REFERENCES outcome (idx), enrolment INTEGER NOT NULL,"
    " utc INTEGER NOT NULL, size INTEGER NOT NULL, dropped INTEGER NOT NULL, bytes BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX evidence_kept ON evidence (enrolment, outcome) WHERE dropped = 0;"
    "CREATE INDEX evidence_oldest ON evidence (outcome) WHERE dropped = 0;"
    "CREATE TABLE policy (digest BLOB PRIMARY KEY NOT NULL, bytes BLOB NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE device_state ("
    " enrolment INTEGER PRIMARY KEY REFERENCES device (enrolment) ON DELETE CASCADE,"
    " status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 4), reason TEXT NOT NULL,"
    " last_utc INTEGER NOT NULL, deadline_utc INTEGER NOT NULL, cti BLOB REFERENCES label (cti),"
    " kept INTEGER NOT NULL,"
    " boot BLOB NOT NULL, carry BLOB NOT NULL, windows BLOB NOT NULL) STRICT;"
    "CREATE INDEX device_state_due ON device_state (deadline_utc) WHERE status <> 4;"
    "CREATE TABLE token (digest BLOB PRIMARY KEY NOT NULL, id TEXT NOT NULL,"
    " expires_utc INTEGER NOT NULL, replaces INTEGER NOT NULL CHECK (replaces IN (0, 1)))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE ek_allow (ek_name BLOB PRIMARY KEY NOT NULL, id TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID;";

static const char schema_since[] = TRANSFERS SCHEMA_3 SCHEMA_4 SCHEMA_5 SCHEMA_6 SCHEMA_7 SCHEMA_8;

#define SQL_WORD_BEGIN       "BEGIN IMMEDIATE"
#define SQL_WORD_EMPTY       "x''"
#define SQL_WORD_TAIL(x)     " substr(" x ", -64)"
#define SQL_WORD_LATER(a, b) " max(" a ", " b ")"
#define SQL_WORD_SIZE                                                                              \
    "SELECT (page_count - freelist_count) * page_size"                                             \
    " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"

static const struct {
    const char *name;
    const char *text;
} statements[SQL__COUNT] = {
#define STORE_SQL(name, text) [SQL_##name] = {#name, text},
#include "sql.def"
#undef STORE_SQL
};

static enum att_err exec(struct sqlite *st, const char *sql, const char *what,
                         struct att_diag *diag)
{
    int rc = sqlite3_exec(st->db, sql, NULL, NULL, NULL);

    if (rc != SQLITE_OK)
        return sqlite_fail(st, rc, what, diag);
    return ATT_OK;
}

static int count_wal(void *ctx, sqlite3 *db, const char *name, int pages)
{
    struct sqlite *st = ctx;

    (void)db;
    (void)name;
    st->wal_pages = pages;
    return SQLITE_OK;
}

/* One process at a time, before SQLite opens anything: its own locks are taken too late for that. */
static enum att_err take_lock(struct sqlite *st, const char *folder, struct att_diag *diag)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/attestd.lock", folder);

    if (n < 0 || (size_t)n >= sizeof(path))
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "state_dir", "the path is too long");
    st->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (st->lock_fd < 0)
        return att_fail(diag, ATT_E_IO, ATT_R_FILE, "attestd.lock", "%s", strerror(errno));
    if (ATT_GUARD(ST_LOCK, flock(st->lock_fd, LOCK_EX | LOCK_NB) != 0))
        return att_fail(diag, ATT_E_BUSY, ATT_R_ST_LOCK, "attestd.lock",
                        "another process holds the database");
    return ATT_OK;
}

/* The file exists with mode 0600 before SQLite sees it; the log beside it inherits the mode. */
static enum att_err prepare_file(const char *path, bool create, struct att_diag *diag)
{
    int flags =
        O_RDWR | O_CLOEXEC | (ATT_GUARD(ST_LINK, true) ? O_NOFOLLOW : 0) | (create ? O_CREAT : 0);
    int fd = open(path, flags, 0600);
    struct stat sb;
    int rc;

    if (fd < 0 && errno == ENOENT)
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_FILE, "attestd.db",
                        "there is no database; attestd init makes one");
    if (fd < 0)
        return att_fail(diag, ATT_E_IO, ATT_R_FILE, "attestd.db", "%s", strerror(errno));
    rc = fstat(fd, &sb);
    (void)close(fd);
    if (rc != 0)
        return att_fail(diag, ATT_E_IO, ATT_R_FILE, "attestd.db", "%s", strerror(errno));
    if (ATT_GUARD(ST_PRIVATE,
                  !S_ISREG(sb.st_mode) || sb.st_uid != geteuid() || (sb.st_mode & 077) != 0))
        return att_fail(diag, ATT_E_DENIED, ATT_R_CFG_PERM, "attestd.db",
                        "expected a regular file of this user with mode 0600, found mode %04o",
                        (unsigned int)(sb.st_mode & 07777));
    if (create && sb.st_size != 0)
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_FILE, "attestd.db", "the database exists");
    return ATT_OK;
}

static enum att_err configure(struct sqlite *st, struct att_diag *diag)
{
    enum att_err err;

    (void)sqlite3_extended_result_codes(st->db, 1);
    (void)sqlite3_db_config(st->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(st->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_limit(st->db, SQLITE_LIMIT_LENGTH, STORE_BYTES_MAX + 4096);
    /* Exclusive before the first access: the log's index lives in our memory, no second connection can
     * meet the WAL-reset race of SQLite below 3.51.3. */
    err = exec(st, "PRAGMA locking_mode = EXCLUSIVE", "locking_mode", diag);
    if (err != ATT_OK)
        return err;
    return exec(st,
                "PRAGMA cell_size_check = 1; PRAGMA foreign_keys = 1; PRAGMA temp_store = MEMORY;"
                "PRAGMA wal_autocheckpoint = 0; PRAGMA mmap_size = 0; PRAGMA cache_size = -8192",
                "pragma", diag);
}

static enum att_err pragma_number(int64_t *out, struct sqlite *st, const char *sql,
                                  struct att_diag *diag)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(st->db, sql, -1, &s, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(s, 0);
    (void)sqlite3_finalize(s);
    if (rc != SQLITE_ROW)
        return sqlite_fail(st, rc, "header", diag);
    return ATT_OK;
}

/* 32 bytes of zeros in CBOR */
#define NONE_32 "58200000000000000000000000000000000000000000000000000000000000000000"

/* From one schema to the next; a process that ends within a step leaves the one before. */
static const char *const steps[STORE_SCHEMA - 1] = {
    "BEGIN IMMEDIATE; ALTER TABLE device_state ADD COLUMN windows BLOB NOT NULL DEFAULT x'';"
    /* windows: none, an empty CBOR array. carry: one that is not known, so that logs are judged from their start */
    "UPDATE device_state SET windows = x'80', carry = x'8df4" NONE_32 NONE_32 NONE_32
    "000000000000f4f480' WHERE length(boot) > 0;"
    "PRAGMA user_version = 2; COMMIT",
    "BEGIN IMMEDIATE; " TRANSFERS SCHEMA_3 " PRAGMA user_version = 3; COMMIT",
    "BEGIN IMMEDIATE; " SCHEMA_4 " PRAGMA user_version = 4; COMMIT",
    "BEGIN IMMEDIATE; " SCHEMA_5 " PRAGMA user_version = 5; COMMIT",
    "BEGIN IMMEDIATE; " SCHEMA_6 " PRAGMA user_version = 6; COMMIT",
    "BEGIN IMMEDIATE; " SCHEMA_7 " PRAGMA user_version = 7; COMMIT",
    "BEGIN IMMEDIATE; " SCHEMA_8 " PRAGMA user_version = 8; COMMIT",
};

static enum att_err check_header(struct sqlite *st, bool upgrade, struct att_diag *diag)
{
    int64_t application = 0, version = 0;
    enum att_err err = pragma_number(&application, st, "PRAGMA application_id", diag);

    if (err != ATT_OK)
        return err;
    err = pragma_number(&version, st, "PRAGMA user_version", diag);
    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(ST_PROGRAM, application != STORE_APPLICATION_ID))
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_ST_SCHEMA, "application_id",
                        "expected %#x, found %#llx: the file belongs to another program",
                        STORE_APPLICATION_ID, (unsigned long long)application);
    for (; upgrade && err == ATT_OK && version >= 1 && version < STORE_SCHEMA; version++)
        err = exec(st, steps[version - 1], "schema", diag);
    if (err != ATT_OK || !ATT_GUARD(ST_SCHEMA, version != STORE_SCHEMA))
        return err;
    return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_ST_SCHEMA, "user_version",
                    "expected %d, found %lld%s", STORE_SCHEMA, (long long)version,
                    version >= 1 && version < STORE_SCHEMA ? ": attestd run brings it up to date"
                                                           : "");
}

static enum att_err make_schema(struct sqlite *st, struct att_diag *diag)
{
    char head[96];
    enum att_err err = exec(st, "BEGIN IMMEDIATE", "schema", diag);

    if (err != ATT_OK)
        return err;
    (void)snprintf(head, sizeof(head), "PRAGMA application_id = %d; PRAGMA user_version = %d",
                   STORE_APPLICATION_ID, STORE_SCHEMA);
    err = exec(st, head, "schema", diag);
    if (err == ATT_OK)
        err = exec(st, schema, "schema", diag);
    if (err == ATT_OK)
        err = exec(st, schema_since, "schema", diag);
    if (err == ATT_OK)
        err = exec(st, "COMMIT", "schema", diag);
    return err;
}

static enum att_err set_journal(struct sqlite *st, struct att_diag *diag)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(st->db, "PRAGMA journal_mode = WAL", -1, &s, NULL);
    bool wal;

    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    wal = rc == SQLITE_ROW && sqlite3_column_text(s, 0) != NULL &&
          strcmp((const char *)sqlite3_column_text(s, 0), "wal") == 0;
    (void)sqlite3_finalize(s);
    if (rc != SQLITE_ROW)
        return sqlite_fail(st, rc, "journal_mode", diag);
    if (!wal)
        return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "journal_mode", "expected wal");
    (void)sqlite3_wal_hook(st->db, count_wal, st);
    return exec(st, "PRAGMA synchronous = FULL", "synchronous", diag);
}

static enum att_err prepare_all(struct sqlite *st, struct att_diag *diag)
{
    for (size_t i = 0; i < SQL__COUNT; i++) {
        int rc = sqlite3_prepare_v3(st->db, statements[i].text, -1, SQLITE_PREPARE_PERSISTENT,
                                    &st->stmt[i], NULL);

        if (rc == SQLITE_ERROR)
            return att_fail(diag, ATT_E_FORMAT, ATT_R_ST_CORRUPT, statements[i].name, "%s",
                            sqlite3_errmsg(st->db));
        if (rc != SQLITE_OK)
            return sqlite_fail(st, rc, statements[i].name, diag);
    }
    return ATT_OK;
}

static enum att_err open_database(struct sqlite *st, const char *path, enum store_how how,
                                  struct att_diag *diag)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
                SQLITE_OPEN_PRIVATECACHE;
    int rc = sqlite3_open_v2(path, &st->db, flags, NULL);
    enum att_err err;

    if (rc != SQLITE_OK)
        return sqlite_fail(st, rc, "attestd.db", diag);
    err = configure(st, diag);
    if (err == ATT_OK && how != STORE_CREATE)
        err = check_header(st, how == STORE_UPGRADE, diag);
    if (err == ATT_OK && how == STORE_CREATE)
        err = make_schema(st, diag);
    if (err == ATT_OK)
        err = set_journal(st, diag);
    if (err == ATT_OK)
        err = prepare_all(st, diag);
    /* The log is there by now. SQLite syncs its folder too, with the first commit, and does not look whether it can. */
    if (err == ATT_OK)
        err = att_file_keep_name(path, diag);
    return err;
}

static void sqlite_freep(struct sqlite **st)
{
    if (*st != NULL)
        store_close(&(*st)->base);
    *st = NULL;
}

enum att_err store_open_sqlite(struct store **out, const char *folder, enum store_how how,
                               struct att_diag *diag)
{
    ATT_CLEANUP(sqlite_freep) struct sqlite *st = NULL;
    char path[PATH_MAX];
    char real[PATH_MAX];
    enum att_err err;

    if (sqlite3_libversion_number() < 3037000)
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_ST_SCHEMA, "sqlite",
                        "expected SQLite 3.37 or later, found %s", sqlite3_libversion());
    err = att_dir_private(folder, diag);
    if (err != ATT_OK)
        return err;
    /* SQLITE_OPEN_NOFOLLOW refuses a link anywhere in the path; the folder was judged just now. */
    if (realpath(folder, real) == NULL)
        return att_fail(diag, ATT_E_IO, ATT_R_FILE, "state_dir", "%s", strerror(errno));
    if (snprintf(path, sizeof(path), "%s/attestd.db", real) >= (int)sizeof(path))
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "state_dir", "the path is too long");
    st = calloc(1, sizeof(*st));
    if (st == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "store", "memory ran out");
    st->base.engine = &sqlite_engine;
    st->lock_fd = -1;
    err = take_lock(st, real, diag);
    if (err == ATT_OK)
        err = prepare_file(path, how == STORE_CREATE, diag);
    if (err == ATT_OK)
        err = open_database(st, path, how, diag);
    if (err != ATT_OK)
        return err;
    *out = &st->base;
    st = NULL;
    return ATT_OK;
}
