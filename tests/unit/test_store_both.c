/* One scenario with every operation of the store: both engines must answer the same and keep the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storetest.h"

/* What was asked and answered, a line each. */
static FILE *said;

static void answer(const char *what, enum att_err err)
{
    (void)fprintf(said, "%s: %s\n", what, att_err_name(err));
}

static void number(const char *what, int64_t n)
{
    (void)fprintf(said, "  %s=%lld\n", what, (long long)n);
}

static void bytes(const char *what, const void *p, size_t len)
{
    const uint8_t *b = p;

    (void)fprintf(said, "  %s=", what);
    for (size_t i = 0; i < len; i++)
        (void)fprintf(said, "%02x", b[i]);
    (void)fputc('\n', said);
}

static void buffer(const char *what, const struct att_buf *b)
{
    bytes(what, att_buf_slice(b).p, att_buf_len(b));
}

/* In a transaction of its own, undone when it fails. */
#define DO(call)                                                                                   \
    do {                                                                                           \
        enum att_err err_ = store_begin(ts.st, NULL);                                              \
                                                                                                   \
        ck_assert_int_eq(err_, ATT_OK);                                                            \
        err_ = (call);                                                                             \
        answer(#call, err_);                                                                       \
        if (err_ == ATT_OK)                                                                        \
            ck_assert_int_eq(store_commit(ts.st, NULL), ATT_OK);                                   \
        else                                                                                       \
            store_rollback(ts.st);                                                                 \
    } while (0)
#define ASK(call) answer(#call, (call))

static struct att_buf *room;

/* S-01: what a statement, a format or a shell would take for its own. */
static const char *const evil[] = {"'; DROP TABLE device; --",
                                   "\" OR 1=1 --",
                                   "%n%s",
                                   "x'00'",
                                   "?1",
                                   "$1",
                                   "\\x41",
                                   "E'\\n'",
                                   "/**/",
                                   "{1,2}",
                                   "NULL",
                                   "a\tb\nc",
                                   " ",
                                   "\xe3\x81\x82",
                                   "$$;$$",
                                   "\\"};

static void say_device(const struct store_device *d)
{
    number("enrolment", d->enrolment);
    bytes("id", d->id, strlen(d->id));
    bytes("ek", d->ek_public, d->ek_public_len);
    number("verified", d->ek_verified);
    number("iak", d->iak);
}

static void devices(void)
{
    struct store_device d = storetest_device("gw-1", 0x10);
    struct store_row rows[4];
    struct store_due due[4];
    size_t n = 0;
    int64_t e = 0;
    bool damaged = false;

    /* That a second one is refused has a test of its own (test_store.c): numbers may then leave a gap. */
    DO(store_device_add(&e, ts.st, &d, 2000, NULL));
    d = storetest_device("gw-2", 0x30);
    d.ek_public_len = 10; /* shorter than what keys are told apart by */
    d.ek_verified = false;
    DO(store_device_add(&e, ts.st, &d, 1000, NULL));
    ASK(store_device_get(&d, ts.st, "gw-2"));
    say_device(&d);
    ASK(store_device_get(&d, ts.st, "gw-3"));
    ASK(store_device_by_ek(&d, ts.st, att_slice_of(d.ek_public, d.ek_public_len)));
    say_device(&d);
    memset(d.ek_public, 0x11, 100); /* another area, the key the same: the last 64 bytes */
    ASK(store_device_by_ek(&d, ts.st, att_slice_of(d.ek_public, 100)));
    say_device(&d);
    ASK(store_device_by_ek(&d, ts.st, att_slice_of(NULL, 0)));
    ASK(store_device_next(&d, &damaged, ts.st, 0));
    say_device(&d);
    number("damaged", damaged);
    ASK(store_device_next(&d, &damaged, ts.st, INT64_MAX));
    ASK(store_device_list(rows, 4, &n, ts.st, ""));
    number("count", (int64_t)n);
    say_device(&rows[1].device);
    ASK(store_due_list(due, 4, &n, ts.st, 1500));
    number("count", (int64_t)n);
    ASK(store_due_list(due, 1, &n, ts.st, INT64_MAX));
    number("first", due[0].enrolment);
}

static int64_t enrolled(const char *id)
{
    struct store_device d;

    ck_assert_int_eq(store_device_get(&d, ts.st, id), ATT_OK);
    return d.enrolment;
}

static void keys(void)
{
    int64_t e = enrolled("gw-1"), other = enrolled("gw-2");
    const struct att_slice name = att_slice_str("name"), certs = att_slice_str("certs");
    struct store_hold hold = {.reason = "E_EK_REVOKED", .lasting = true, .since_utc = 7};
    char id[STORE_ID_MAX + 1] = "";
    struct store_device d;

    DO(store_ek_chain_put(ts.st, e, certs, NULL));
    DO(store_ek_chain_put(ts.st, e, certs, NULL));
    DO(store_ek_chain_put(ts.st, 99, certs, NULL));
    ASK(store_ek_chain_get(room, ts.st, e));
    buffer("certs", room);
    ASK(store_ek_chain_get(room, ts.st, other));
    DO(store_factory_put(ts.st, e, STORE_FACTORY_IAK, name, certs, NULL));
    DO(store_factory_put(ts.st, other, STORE_FACTORY_IAK, name, certs, NULL));
    DO(store_factory_put(ts.st, other, STORE_FACTORY_IDEVID, name, att_slice_of(NULL, 0), NULL));
    ASK(store_factory_get(room, ts.st, other, STORE_FACTORY_IDEVID));
    buffer("certs", room);
    ASK(store_factory_holder(id, ts.st, STORE_FACTORY_IAK, name));
    (void)fprintf(said, "  %s\n", id);
    ASK(store_factory_holder(id, ts.st, STORE_FACTORY_IAK, certs));
    ASK(store_device_get(&d, ts.st, "gw-1"));
    number("iak", d.iak);
    DO(store_hold_put(ts.st, e, &hold, NULL));
    hold.since_utc = 8;
    hold.lasting = false;
    DO(store_hold_put(ts.st, e, &hold, NULL));
    ASK(store_hold_get(&hold, ts.st, e));
    number("since", hold.since_utc);
    DO(store_hold_remove(ts.st, e, NULL));
    DO(store_hold_remove(ts.st, e, NULL));
    ASK(store_hold_get(&hold, ts.st, e));
    number("since", hold.since_utc);
}

static void state(void)
{
    int64_t e = enrolled("gw-1");
    struct store_state s = {0};
    struct store_label l;
    struct store_outcome o;
    struct store_mark mark = {.status = STORE_FAILED, .reason = "E_PCR", .deadline_utc = 5};
    uint8_t cti[STORE_CTI_LEN];
    int64_t n = 0;

    memset(cti, 3, sizeof(cti));
    DO(storetest_write_verdict(e, "gw-1", 3, STORE_AFFIRMING));
    ASK(store_state_get(&s, room, ts.st, e));
    number("status", s.status);
    bytes("boot", s.boot.p, s.boot.len);
    bytes("windows", s.windows.p, s.windows.len);
    number("deadline", s.deadline_utc);
    ASK(store_state_get(&s, NULL, ts.st, 99));
    ASK(store_label_get(&l, room, ts.st, cti));
    buffer("label", room);
    ASK(store_label_current(&l, room, ts.st, "gw-1"));
    number("tier", l.tier);
    DO(store_state_mark(ts.st, e, &mark,
                        NULL)); /* the deadline does not go back, the label stays */
    mark.deadline_utc = 90000;
    DO(store_state_mark(ts.st, e, &mark, NULL));
    DO(store_state_mark(ts.st, 99, &mark, NULL));
    ASK(store_state_get(&s, room, ts.st, e));
    number("deadline", s.deadline_utc);
    bytes("cti", s.cti, sizeof(s.cti));
    ASK(store_label_current(&l, room, ts.st, "gw-1"));
    mark.cti = (const uint8_t *)"a label that is no one's";
    DO(store_state_mark(ts.st, e, &mark, NULL));
    ASK(store_outcome_count(&n, ts.st));
    number("outcomes", n);
    ASK(store_outcome_get(&o, ts.st, 0));
    number("kind", o.kind);
    ASK(store_outcome_get(&o, ts.st, n));
}

static void say_list(const struct store_list *l)
{
    number("number", l->number);
    number("used", l->used);
    number("last_exp", l->last_exp);
    number("longest", l->longest);
}

static void status_lists(void)
{
    struct store_list list = {.number = 1, .key = {7}, .entries = 2, .longest = 5};
    struct store_outcome o = {.kind = STORE_KIND_REVOKED};
    enum store_label_status value = STORE_LABEL_VALID;
    struct store_label l = {0};
    int64_t place = -1;
    int64_t last = 0;
    uint8_t cti[STORE_CTI_LEN], before[STORE_CTI_LEN];

    ASK(store_list_last(&list, ts.st));
    DO(store_list_add(ts.st, &list, NULL));
    DO(store_list_add(ts.st, &list, NULL));
    DO(store_list_take(ts.st, 1, 100, 3, NULL));
    DO(store_list_take(ts.st, 1, 50, 9, NULL)); /* the later of two stays */
    DO(store_list_take(ts.st, 1, 50, 9, NULL)); /* it is full */
    ASK(store_list_get(&list, ts.st, 1));
    say_list(&list);
    ASK(store_list_get(&list, ts.st, 2));
    ASK(store_list_last(&list, ts.st));

    memset(before, 3, sizeof(before)); /* the label of state() */
    memset(cti, 4, sizeof(cti));
    memset(&l, 0, sizeof(l));
    memcpy(l.cti, cti, sizeof(cti));
    (void)snprintf(l.device, sizeof(l.device), "gw-1");
    l.exp = 60;
    l.list = 1;
    l.place = 1;
    o.kind = STORE_KIND_REFUSED;
    DO(store_outcome_append(&l.outcome, ts.st, &o, NULL));
    DO(store_label_put(ts.st, &l, before, att_slice_str("label"), NULL));
    ASK(store_label_at(&l, ts.st, l.outcome));
    number("previous", l.previous);
    number("status", l.status);
    l.status = STORE_LABEL_SUSPENDED;
    l.alone = true;
    DO(store_label_mark(ts.st, &l, l.outcome, NULL));
    l.status = STORE_LABEL_REVOKED;
    DO(store_label_mark(ts.st, &l, l.outcome, NULL));
    ASK(store_label_get(&l, room, ts.st, cti));
    number("status", l.status);
    number("alone", l.alone);
    ASK(store_list_next(&place, &value, ts.st, 1));
    number("place", place);
    ASK(store_list_next(&place, &value, ts.st, 1));
    l.status = STORE_LABEL_VALID;
    DO(store_label_mark(ts.st, &l, l.outcome, NULL));
    place = -1;
    ASK(store_list_next(&place, &value, ts.st, 1));
    ASK(store_label_last(&last, ts.st, enrolled("gw-1")));
    number("last", last);
    ASK(store_label_last(&last, ts.st, enrolled("gw-2")));
    ASK(store_label_at(&l, ts.st, 99));
}

static void say_key(const struct store_key *k)
{
    number("nth", k->nth);
    bytes("spki", k->spki, k->spki_len);
    (void)fprintf(said, "  name=%s\n", k->name);
    number("begins", k->begins);
    number("ends", k->ends);
    number("revoked", k->revoked);
    number("cosigns", k->cosigns_until);
}

static void signing_keys(void)
{
    struct store_key k = {.kind = STORE_KEY_LABEL, .spki = {1, 2, 3}, .spki_len = 3, .begins = 1};
    struct store_outcome o = {.kind = STORE_KIND_LABEL_KEY, .utc = 9, .has_rules = true};
    const int64_t all[2] = {0, 1000}, none[2] = {0, 0};
    int64_t outcome = 0, count = -1, place = -1;
    enum store_label_status value = STORE_LABEL_VALID;

    ASK(store_key_next(&k, ts.st, STORE_KEY_LABEL, 0));
    DO(store_key_add(ts.st, &k, NULL));
    DO(store_key_add(ts.st, &k, NULL)); /* this one again */
    k.spki[0] = 2;
    DO(store_key_add(ts.st, &k, NULL)); /* and another beside it */
    DO(store_key_end(ts.st, STORE_KEY_LOG, 5, 0, NULL));
    DO(store_key_end(ts.st, STORE_KEY_LABEL, 0, 0, NULL)); /* before it began */
    DO(store_key_end(ts.st, STORE_KEY_LABEL, 5, 77, NULL));
    k.begins = 5;
    (void)snprintf(k.name, sizeof(k.name), "label-2");
    DO(store_key_add(ts.st, &k, NULL));
    k.kind = STORE_KEY_LOG;
    DO(store_key_add(ts.st, &k, NULL)); /* of the other kind */
    ASK(store_key_next(&k, ts.st, STORE_KEY_LABEL, 0));
    say_key(&k);
    DO(store_key_revoke(ts.st, STORE_KEY_LABEL, k.nth, 6, NULL));
    DO(store_key_revoke(ts.st, STORE_KEY_LABEL, k.nth, 7, NULL));
    DO(store_key_revoke(ts.st, STORE_KEY_LABEL, 99, 7, NULL));
    ASK(store_key_next(&k, ts.st, STORE_KEY_LABEL, 0));
    say_key(&k);
    ASK(store_key_next(&k, ts.st, STORE_KEY_LABEL, k.nth));
    say_key(&k);
    ASK(store_key_next(&k, ts.st, STORE_KEY_LABEL, k.nth));

    DO(store_outcome_append(&outcome, ts.st, &o, NULL));
    DO(store_label_revoke_of_key(&count, ts.st, none, 0, outcome, NULL));
    number("revoked", count);
    DO(store_label_revoke_of_key(&count, ts.st, all, 60, outcome, NULL)); /* it has ended */
    number("revoked", count);
    DO(store_label_revoke_of_key(&count, ts.st, all, 59, outcome, NULL));
    number("revoked", count);
    DO(store_label_revoke_of_key(&count, ts.st, all, 59, outcome, NULL)); /* again */
    number("revoked", count);
    ASK(store_list_next(&place, &value, ts.st, 1));
    number("place", place);
    number("value", value);
}

static void evidence(void)
{
    struct store_evidence e = {.outcome = 0, .enrolment = enrolled("gw-1"), .utc = 5, .size = 3000};
    struct store_evidence old[3];
    enum store_dropped dropped = STORE_DROPPED_NOT;
    size_t n = 0;
    int64_t kept = 0;
    uint8_t digest[32] = {1};

    DO(store_evidence_put(ts.st, &e, att_slice_str("again"), NULL));
    ASK(store_evidence_get(&dropped, room, ts.st, 0));
    number("size", (int64_t)att_buf_len(room));
    ASK(store_evidence_kept(&kept, ts.st, e.enrolment));
    number("kept", kept);
    ASK(store_evidence_oldest(old, 3, &n, ts.st, 0));
    number("count", (int64_t)n);
    ASK(store_evidence_oldest(old, 3, &n, ts.st, 99));
    number("count", (int64_t)n);
    DO(store_evidence_drop(ts.st, &e, STORE_DROPPED_AGE, NULL));
    DO(store_evidence_drop(ts.st, &e, STORE_DROPPED_AGE, NULL));
    ASK(store_evidence_get(&dropped, room, ts.st, 0));
    number("dropped", dropped);
    ASK(store_evidence_kept(&kept, ts.st, e.enrolment));
    number("kept", kept);
    ASK(store_size(&kept, ts.st));
    DO(store_policy_put(ts.st, digest, att_slice_str("policy"), NULL));
    DO(store_policy_put(ts.st, digest, att_slice_str("policy"), NULL));
    ASK(store_policy_get(room, ts.st, digest));
    buffer("policy", room);
    digest[0] = 2;
    ASK(store_policy_get(room, ts.st, digest));
}

static void log_and_transfers(void)
{
    static const uint8_t salt[STORE_SALT_LEN] = {9}, hashes[64] = {8};
    uint8_t found[STORE_SALT_LEN], tile[64];
    struct store_transfer t = {.id = {5},
                               .role = STORE_TRANSFER_GIVEN,
                               .device = "gw-9",
                               .ek_name = {1, 2},
                               .ek_name_len = 2,
                               .ek_key = {6},
                               .has_ek_key = true};
    struct store_transfer got = {0};
    struct att_slice name = att_slice_of(t.ek_name, 2);
    uint8_t area[80] = {0};
    bool holds = false;
    int64_t n = 0;

    DO(store_leaf_put(ts.st, 0, salt, att_slice_str("entry"), NULL));
    DO(store_leaf_put(ts.st, 0, salt, att_slice_str("entry"), NULL));
    DO(store_leaf_put(ts.st, 77, salt, att_slice_str("of no outcome"), NULL));
    ASK(store_leaf_get(found, room, ts.st, 0));
    bytes("salt", found, sizeof(found));
    buffer("entry", room);
    ASK(store_leaf_get(found, room, ts.st, 1));
    ASK(store_leaf_count(&n, ts.st));
    number("leaves", n);
    DO(store_tile_put(ts.st, 1, 7, att_slice_of(hashes, 32), NULL));
    DO(store_tile_put(ts.st, 1, 7, att_slice_of(hashes, 64), NULL));
    ASK(store_tile_get(tile, 64, ts.st, 1, 7));
    ASK(store_tile_get(tile, 64, ts.st, 7, 1));
    DO(store_transfer_put(ts.st, &t, att_slice_str("signed"), NULL));
    DO(store_transfer_put(ts.st, &t, att_slice_str("signed"), NULL));
    ASK(store_transfer_get(&got, room, ts.st, t.id));
    buffer("transfer", room);
    ASK(store_transfer_given(&got, ts.st, "gw-9"));
    ASK(store_transfer_given(&got, ts.st, "gw-8"));
    ASK(store_transfer_last(&got, ts.st, name, att_slice_of(NULL, 0)));
    memcpy(&area[16], t.ek_key, sizeof(t.ek_key));
    ASK(store_transfer_last(&got, ts.st, att_slice_str("z"), att_slice_of(area, sizeof(area))));
    ASK(store_transfer_last(&got, ts.st, att_slice_str("z"), att_slice_of(NULL, 0)));
    ASK(store_transfer_of(&got, ts.st, 1));
    ASK(store_transfer_next(&got, room, ts.st, -1));
    ASK(store_transfer_next(&got, room, ts.st, 0));
    DO(store_transfer_use(ts.st, t.id, 1, NULL)); /* it was given, not received */
    DO(store_device_quarantine(ts.st, enrolled("gw-2"), "a damaged row", NULL));
    DO(store_device_quarantine(ts.st, 99, "no row", NULL));
    ASK(store_quarantine_count(&n, ts.st));
    number("quarantined", n);
    ASK(store_quarantine_holds(&holds, ts.st, "gw-2", att_slice_of(NULL, 0)));
    number("holds", holds);
    ASK(store_quarantine_holds(&holds, ts.st, "gw-7", att_slice_of(NULL, 0)));
    number("holds", holds);
    ASK(store_quarantine_holds(
        &holds, ts.st, "gw-7",
        storetest_device("", 0x30).ek_name_len == 34 ? att_slice_str("0") : att_slice_of(NULL, 0)));
    number("holds", holds);
}

static void tokens_and_names(void)
{
    uint8_t digest[32] = {1}, value[64];
    struct store_token t = {.expires_utc = 50, .replaces = true};
    char id[STORE_ID_MAX + 1] = "";
    size_t len = 0;

    DO(store_token_put(ts.st, digest, &t, NULL));
    DO(store_token_put(ts.st, digest, &t, NULL));
    ASK(store_token_get(&t, ts.st, digest));
    number("replaces", t.replaces);
    DO(store_token_expire(ts.st, 49, NULL));
    ASK(store_token_get(&t, ts.st, digest));
    DO(store_token_take(ts.st, digest, NULL));
    DO(store_token_take(ts.st, digest, NULL));
    DO(store_token_put(ts.st, digest, &t, NULL));
    DO(store_token_expire(ts.st, 50, NULL));
    ASK(store_token_get(&t, ts.st, digest));
    DO(store_allow_put(ts.st, att_slice_str("ek"), "gw-1", NULL));
    DO(store_allow_put(ts.st, att_slice_str("ek"), "", NULL));
    ASK(store_allow_get(id, ts.st, att_slice_str("ek")));
    number("length", (int64_t)strlen(id));
    DO(store_allow_remove(ts.st, att_slice_str("ek"), NULL));
    DO(store_allow_remove(ts.st, att_slice_str("ek"), NULL));
    DO(store_meta_put(ts.st, "a", att_slice_of(NULL, 0), NULL));
    ASK(store_meta_get(ts.st, "a", value, sizeof(value), &len));
    number("length", (int64_t)len);
    DO(store_meta_put(ts.st, "a", att_slice_str("longer than the room for it"), NULL));
    ASK(store_meta_get(ts.st, "a", value, 4, &len));
    ASK(store_meta_get(ts.st, "b", value, 4, &len));
}

/* Each in every column of text that something from outside may come into, and in bytes. */
static void metacharacters(void)
{
    for (size_t i = 0; i < ATT_COUNT(evil); i++) {
        const char *s = evil[i];
        struct store_device d = storetest_device(s, (uint8_t)(0x50 + 8 * i));
        struct store_outcome o = {.kind = STORE_KIND_REMOVED};
        struct store_token t = {0};
        struct store_mark mark = {.status = STORE_FAILED, .reason = s};
        struct store_hold hold = {0};
        uint8_t digest[32] = {(uint8_t)i, 7};
        int64_t e = 0;

        (void)snprintf(o.device, sizeof(o.device), "%s", s);
        (void)snprintf(o.reason, sizeof(o.reason), "%s", s);
        (void)snprintf(o.detail, sizeof(o.detail), "%s", s);
        (void)snprintf(t.id, sizeof(t.id), "%s", s);
        (void)snprintf(hold.reason, sizeof(hold.reason), "%s", s);
        DO(store_device_add(&e, ts.st, &d, 1, NULL));
        DO(store_outcome_append(&o.index, ts.st, &o, NULL));
        DO(store_token_put(ts.st, digest, &t, NULL));
        DO(store_state_mark(ts.st, e, &mark, NULL));
        DO(store_hold_put(ts.st, e, &hold, NULL));
        DO(store_allow_put(ts.st, att_slice_str(s), s, NULL));
        DO(store_meta_put(ts.st, s, att_slice_str(s), NULL));
        memset(&o, 0, sizeof(o));
        ASK(store_device_get(&d, ts.st, s));
        ck_assert_str_eq(d.id, s);
        ASK(store_hold_get(&hold, ts.st, e));
        ck_assert_str_eq(hold.reason, s);
        ASK(store_outcome_get(&o, ts.st, (int64_t)i + 2));
        ck_assert_str_eq(o.detail, s);
    }
    DO(store_device_remove(ts.st, evil[0], NULL));
    DO(store_device_remove(ts.st, evil[0], NULL));
}

static char *scenario(const struct suite_fixture *engine)
{
    char *text = NULL;
    size_t len = 0;
    char *kept;

    engine->set_up();
    said = open_memstream(&text, &len);
    ck_assert_ptr_nonnull(said);
    ck_assert_int_eq(att_buf_new(&room, STORE_BYTES_MAX), ATT_OK);
    devices();
    keys();
    state();
    status_lists();
    evidence();
    log_and_transfers();
    tokens_and_names();
    metacharacters();
    signing_keys();
    storetest_reopen();
    number("findings", (int64_t)storetest_findings());
    kept = storetest_dumped();
    (void)fputs(kept, said);
    free(kept);
    ck_assert_int_eq(fclose(said), 0);
    att_buf_freep(&room);
    engine->tear_down();
    return text;
}

/* Line by line, so that the first difference is told. */
static void compare(char *a, char *b)
{
    char *rest_a = NULL, *rest_b = NULL;
    size_t lines = 0;
    const char *x = strtok_r(a, "\n", &rest_a);
    const char *y = strtok_r(b, "\n", &rest_b);

    for (; x != NULL && y != NULL; lines++) {
        ck_assert_str_eq(x, y);
        x = strtok_r(NULL, "\n", &rest_a);
        y = strtok_r(NULL, "\n", &rest_b);
    }
    ck_assert_ptr_null(x);
    ck_assert_ptr_null(y);
    ck_assert_uint_gt(lines, 400);
}

START_TEST(engines__say_and_keep_the_same)
{
    char *first = scenario(&storetest_fixture);
    char *second = scenario(&storetest_pg_fixture);

    compare(first, second);
    free(first);
    free(second);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {{engines__say_and_keep_the_same, 0}};

    storetest_pg_start();
    return SUITE_RUN_ROWS("store_both", ROWS, NULL);
}
