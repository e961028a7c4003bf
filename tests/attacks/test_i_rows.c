/* Attack matrix row I-19: rows that an earlier release, or a hand, left with looser values. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "attack.h"
#include "need.h"

/* The database as another program would change it, while the service is down. */
static void change(const struct service *s, const char *sql)
{
    sqlite3 *db = NULL;
    char path[160];
    char *why = NULL;

    snprintf(path, sizeof(path), "%s/state/attestd.db", s->dir);
    NEED(sqlite3_open(path, &db) == SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", sql, why);
        NEED(false && "the row can be changed");
    }
    NEED(sqlite3_close(db) == SQLITE_OK);
}

static bool log_says(const struct service *s, const char *text)
{
    char path[160], said[65536];
    FILE *f = NULL;
    size_t len = 0;

    snprintf(path, sizeof(path), "%s/log", s->dir);
    f = fopen(path, "r");
    NEED(f != NULL);
    len = fread(said, 1, sizeof(said) - 1, f);
    fclose(f);
    said[len] = '\0';
    return strstr(said, text) != NULL;
}

static const char *const LOOSE[] = {
    "UPDATE device SET id = 'i-19' || char(10) || 'bad' WHERE id = 'i-19-bad'",
    "UPDATE device SET id = '' WHERE id = 'i-19-bad'",
    "UPDATE device SET id = hex(zeroblob(200)) WHERE id = 'i-19-bad'",
    "UPDATE device SET ek_name = zeroblob(90) WHERE id = 'i-19-bad'",
    "UPDATE device SET ek_name = zeroblob(34) WHERE id = 'i-19-bad'",
    "UPDATE device SET ek_public = zeroblob(5000) WHERE id = 'i-19-bad'",
    "UPDATE device SET ak_public = x'00010203' WHERE id = 'i-19-bad'",
    "UPDATE device SET ak_name = zeroblob(34) WHERE id = 'i-19-bad'",
    "UPDATE device SET tls_key = zeroblob(31) WHERE id = 'i-19-bad'",
    "UPDATE device SET ek_cert = x'' WHERE id = 'i-19-bad'",
    "UPDATE device SET enrolment = 0 WHERE id = 'i-19-bad'",
};

START_TEST(I_19__loose_row_is_put_aside_and_harms_nobody)
{
    struct service *s = service_new(NULL);
    struct gateway *bad = NULL, *good = NULL;
    struct gateway_attempt a = {0};
    struct service_device d;
    struct client_answer label = {0};
    char said[65536];

    service_start(s);
    bad = attack_gateway_at(s, "i-19-bad");
    good = attack_gateway_at(s, "i-19-good");
    service_stop(s);
    change(s, LOOSE[_i]);
    service_start(s);
    ck_assert(log_says(s, "device.quarantined"));
    ck_assert_int_eq(gateway_attest(good, &a), 200);
    gateway_attempt_clear(&a);
    ck_assert(service_device(&d, s, "i-19-good"));
    ck_assert_int_eq(d.state.status, STORE_AFFIRMING);
    /* the one put aside gets nothing, and no interface calls it affirming */
    ck_assert_int_eq(gateway_session(bad, &a), 403);
    ck_assert_int_ne(gateway_label(bad, &label), 200);
    ck_assert(!service_device(&d, s, "i-19-bad"));
    ck_assert_int_eq(service_admin(s, "GET", "/devices", "", said, sizeof(said)), 200);
    ck_assert(strstr(said, "i-19-good") != NULL && strstr(said, "i-19-bad") == NULL);
    client_answer_clear(&label);
    gateway_attempt_clear(&a);
    gateway_free(bad);
    gateway_free(good);
    service_free(s);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"I-19", I_19__loose_row_is_put_aside_and_harms_nobody, (int)ATT_COUNT(LOOSE), 60},
    };

    return attack_main("attacks: rows of another release", rows, ATT_COUNT(rows), NULL);
}
