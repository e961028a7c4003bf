/* Group F, reference values: others come into force while the service runs, whole or not at all. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "appraise/label.h"
#include "attack.h"
#include "base/file.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "need.h"
#include "policy/refval.h"
#include "sign/cose.h"

static const char *path_of(const struct service *s)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/refvals.bin", s->dir);
    return path;
}

static void put(const struct service *s, struct att_slice bytes)
{
    NEED(att_file_write(path_of(s), bytes, 0644, NULL) == ATT_OK);
}

static struct att_buf *file_of(const struct service *s)
{
    struct att_buf *b = NULL;

    NEED(att_file_read(&b, path_of(s), 1 << 20, NULL) == ATT_OK);
    return b;
}

static void digest_of(uint8_t out[32], const struct service *s)
{
    ATT_CLEANUP(att_refvals_freep) struct att_refvals *r = NULL;

    NEED(att_refvals_map(&r, path_of(s), NULL) == ATT_OK);
    memcpy(out, att_refvals_digest(r), 32);
}

/* Other reference values: one name more than before; or that name and nothing of a gateway. */
static struct att_buf *others(const struct service *s, const char *name, bool keep)
{
    ATT_CLEANUP(att_refvals_maker_freep) struct att_refvals_maker *m = NULL;
    ATT_CLEANUP(att_refvals_freep) struct att_refvals *before = NULL;
    struct att_buf *out = NULL;
    uint8_t digest[32];

    NEED(att_refvals_maker_new(&m) == ATT_OK);
    NEED(att_refvals_map(&before, path_of(s), NULL) == ATT_OK);
    NEED(!keep || att_refvals_maker_merge(m, before) == ATT_OK);
    NEED(att_sha256(att_slice_str(name), digest) == ATT_OK);
    NEED(att_refvals_maker_add(m, att_slice_str(name), digest) == ATT_OK);
    NEED(att_refvals_maker_finish(&out, m) == ATT_OK);
    return out;
}

static void put_others(const struct service *s, const char *name, bool keep)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = others(s, name, keep);

    put(s, att_buf_slice(b));
}

/* What the label of an answer says: its status, and the reference values that it was judged by. */
static enum att_tier judged_by(const struct gateway_attempt *a, const uint8_t digest[32])
{
    struct att_label *label = calloc(1, sizeof(*label));
    struct att_cose m;
    enum att_tier status = ATT_TIER_NONE;

    NEED(label != NULL);
    ck_assert_int_eq(att_cose_parse(&m, a->outcome.label, NULL), ATT_OK);
    ck_assert_int_eq(att_label_read(label, m.payload_untrusted, NULL), ATT_OK);
    ck_assert_mem_eq(label->refvals_digest, digest, 32);
    status = label->status;
    free(label);
    return status;
}

static enum att_tier attest_by(struct gateway *g, const uint8_t digest[32])
{
    struct gateway_attempt a = {0};
    enum att_tier status = ATT_TIER_NONE;

    ck_assert_int_ge(gateway_attest(g, &a), 200);
    status = judged_by(&a, digest);
    gateway_attempt_clear(&a);
    return status;
}

/* The newest record of what is in force names them. */
static void is_recorded(const struct service *s, const uint8_t digest[32])
{
    static char said[65536];
    char hex[65];
    const char *last = NULL;

    ck_assert_int_eq(service_admin(s, "GET", "/outcomes?limit=100", "", said, sizeof(said)), 200);
    for (const char *at = said; (at = strstr(at, "\"kind\":\"policy\"")) != NULL; at++)
        last = at;
    NEED(last != NULL);
    last = strstr(last, "\"refvals\":");
    NEED(last != NULL);
    ck_assert_int_eq(strncmp(last + strlen("\"refvals\":\""),
                             att_hex_encode(hex, sizeof(hex), att_slice_of(digest, 32)), 64),
                     0);
}

/* New challenges are under the new ones, and what was asked for before is judged by what was then expected. */
START_TEST(F_10_each_evidence_is_judged_by_the_references_of_its_challenge)
{
    struct service *s = service_new(NULL);
    struct gateway *old = NULL;
    struct gateway *same = NULL;
    struct gateway_attempt a = {0};
    uint8_t before[32], after[32];

    service_start(s);
    old = attack_enrolled_at(s, "f-10-refs-old");
    same = attack_gateway_at(s, "f-10-refs-same");
    digest_of(before, s);
    is_recorded(s, before);
    ck_assert_int_eq(gateway_prepare(old, &a), 201);
    put_others(s, "/no/gateway/has/this", false);
    digest_of(after, s);
    service_reload(s);
    ck_assert_uint_eq(service_logged(s, " reload.done"), 1);
    is_recorded(s, after);

    ck_assert_int_eq(gateway_send(old, &a), 200);
    ck_assert_int_eq(judged_by(&a, before), ATT_TIER_AFFIRMING);
    gateway_attempt_clear(&a);
    ck_assert_int_eq(attest_by(old, after), ATT_TIER_CONTRAINDICATED);
    /* its log was judged already, by others: it is judged again from its start */
    ck_assert_int_eq(attest_by(same, after), ATT_TIER_CONTRAINDICATED);
    gateway_free(old);
    gateway_free(same);
    service_free(s);
}
END_TEST

/* As with policies: three changes are remembered, and after a fourth the gateway asks again. */
START_TEST(F_10_challenge_of_forgotten_references_is_asked_for_again)
{
    struct service *s = service_new(NULL);
    struct gateway *third = NULL;
    struct gateway *fourth = NULL;
    struct gateway_attempt a = {0}, b = {0};
    uint8_t before[32], after[32];
    char name[32];

    service_start(s);
    third = attack_enrolled_at(s, "f-10-refs-3");
    fourth = attack_enrolled_at(s, "f-10-refs-4");
    digest_of(before, s);
    ck_assert_int_eq(gateway_prepare(third, &a), 201);
    ck_assert_int_eq(gateway_prepare(fourth, &b), 201);
    for (unsigned int i = 1; i <= 4; i++) {
        (void)snprintf(name, sizeof(name), "/more/%u", i);
        put_others(s, name, true);
        service_reload(s);
        ck_assert_uint_eq(service_logged(s, " reload.done"), i);
        if (i == 3) {
            ck_assert_int_eq(gateway_send(third, &a), 200);
            ck_assert_int_eq(judged_by(&a, before), ATT_TIER_AFFIRMING);
        }
    }
    digest_of(after, s);
    ck_assert_int_ge(gateway_send(fourth, &b), 500); /* try again: nothing is decided */
    gateway_attempt_clear(&a);
    gateway_attempt_clear(&b);
    ck_assert_int_eq(attest_by(fourth, after), ATT_TIER_AFFIRMING);
    gateway_free(third);
    gateway_free(fourth);
    service_free(s);
}
END_TEST

enum damaged { FLIPPED, CUT, LONGER, EMPTY, FOLDER, ABSENT, DAMAGED };

static const char *const CODE[DAMAGED] = {
    [FLIPPED] = "E_FMT_REFVALS", [CUT] = "E_FMT_REFVALS", [LONGER] = "E_FMT_REFVALS",
    [EMPTY] = "E_FMT_REFVALS",   [FOLDER] = "E_FILE",     [ABSENT] = "E_FILE",
};

static void put_bytes(const struct service *s, enum damaged how, struct att_slice good)
{
    uint8_t *bytes = calloc(1, good.len + 1);
    size_t len = how == EMPTY ? 0 : how == CUT ? good.len - 1 : good.len;

    NEED(bytes != NULL);
    memcpy(bytes, good.p, good.len);
    bytes[good.len - 1] ^= how == FLIPPED ? 0x80 : 0;
    put(s, att_slice_of(bytes, how == LONGER ? good.len + 1 : len));
    free(bytes);
}

/* Over whatever stands there. */
static void put_damaged(const struct service *s, enum damaged how, struct att_slice good)
{
    (void)rmdir(path_of(s));
    (void)unlink(path_of(s));
    if (how == FOLDER) {
        NEED(mkdir(path_of(s), 0755) == 0);
    } else if (how != ABSENT) {
        put_bytes(s, how, good);
    }
}

START_TEST(F_10_references_that_are_damaged_change_nothing)
{
    struct service *s = service_new(NULL);
    struct gateway *g = NULL;
    uint8_t before[32], after[32];
    ATT_CLEANUP(att_buf_freep) struct att_buf *good = others(s, "/no/gateway/has/this", false);
    char refused[64];

    service_start(s);
    g = attack_gateway_at(s, "f-10-refs-bad");
    digest_of(before, s);
    for (int how = 0; how < DAMAGED; how++) {
        char *records = NULL;

        put_damaged(s, (enum damaged)how, att_buf_slice(good));
        service_reload(s);
        ck_assert_uint_eq(service_logged(s, " reload.refused"), (size_t)how + 1);
        (void)snprintf(refused, sizeof(refused), " rules.refused code=%s", CODE[how]);
        ck_assert_msg(service_logged(s, refused) > 0, "%d: no %s", how, CODE[how]);
        records = service_dump(s);
        ck_assert_msg(strstr(records, CODE[how]) != NULL, "%d is not recorded", how);
        free(records);
        ck_assert_int_eq(attest_by(g, before), ATT_TIER_AFFIRMING);
    }
    put_damaged(s, ABSENT, att_buf_slice(good));
    put(s, att_buf_slice(good));
    digest_of(after, s);
    service_reload(s);
    ck_assert_uint_eq(service_logged(s, " reload.done"), 1);
    ck_assert_int_eq(attest_by(g, after), ATT_TIER_CONTRAINDICATED);
    gateway_free(g);
    service_free(s);
}
END_TEST

/* The same file again is no change: no record, and logs go on from where they were. */
START_TEST(F_10_same_references_again_change_nothing)
{
    struct service *s = service_new(NULL);
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = file_of(s);
    char *before = NULL;
    char *after = NULL;

    service_start(s);
    before = service_dump(s);
    put(s, att_buf_slice(bytes));
    service_reload(s);
    ck_assert_uint_eq(service_logged(s, " reload.same"), 1);
    after = service_dump(s);
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    service_free(s);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"F-10-refs", F_10_each_evidence_is_judged_by_the_references_of_its_challenge, 0, 60},
        {"F-10-refs-bad", F_10_references_that_are_damaged_change_nothing, 0, 60},
        {"F-10-refs-old", F_10_challenge_of_forgotten_references_is_asked_for_again, 0, 60},
        {"F-10-refs-same", F_10_same_references_again_change_nothing, 0, 60},
    };

    return attack_rows("attacks: reference values of a running service", rows, ATT_COUNT(rows));
}
