/* Group F, signed policies: who may say what is judged by, and that it never goes back. */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "appraise/label.h"
#include "attack.h"
#include "base/file.h"
#include "crypto/key.h"
#include "need.h"
#include "policy/policy_file.h"
#include "sign/cose.h"

#define DIGESTS 3

/* service_policy with another version. */
static void policy_text(char *out, size_t cap, unsigned int version)
{
    const char *at = strstr(service_policy, "version: ");

    NEED(at != NULL);
    (void)snprintf(out, cap, "%.*sversion: %u%s", (int)(at - service_policy), service_policy,
                   version, at + strcspn(at, "\n"));
}

static struct att_policy *policy_of(unsigned int version)
{
    char text[8192];
    struct att_policy *p = NULL;

    policy_text(text, sizeof(text), version);
    NEED(att_policy_parse_yaml(&p, "p", att_slice_str(text), NULL) == ATT_OK);
    return p;
}

static void digest_of(uint8_t out[32], unsigned int version)
{
    struct att_policy *p = policy_of(version);

    memcpy(out, p->digest, 32);
    att_policy_free(p);
}

/* The key that attestd init made for this folder, or a fresh one that nobody lists. */
static struct att_signer *signer_of(const struct service *s, bool listed)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    struct att_privkey *key = NULL;
    struct att_signer *signer = NULL;
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/policy-signer.key", s->dir);
    if (listed) {
        NEED(att_file_read(&pem, path, 65536, NULL) == ATT_OK);
        NEED(att_privkey_from_pem(&key, att_buf_slice(pem), NULL) == ATT_OK);
    } else {
        NEED(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    }
    NEED(att_signer_software(&signer, key) == ATT_OK);
    return signer;
}

static void put(const struct service *s, struct att_slice bytes)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/policy.cose", s->dir);
    NEED(att_file_write(path, bytes, 0600, NULL) == ATT_OK);
}

static void put_signed(const struct service *s, unsigned int version, bool listed)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *signer = signer_of(s, listed);
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = NULL;
    struct att_policy *p = policy_of(version);

    NEED(att_policy_sign(&message, p, signer) == ATT_OK);
    put(s, att_buf_slice(message));
    att_policy_free(p);
}

static struct service *signed_service(unsigned int version)
{
    static const struct service_options options = {.signed_policy = true};
    struct service *s = service_new(&options);

    put_signed(s, version, true);
    service_start(s);
    return s;
}

/* The version under which this evidence was judged: what its label says, digest and number agreeing. */
static unsigned int judged_under(const struct gateway_attempt *a)
{
    struct att_label *label = calloc(1, sizeof(*label));
    struct att_cose m;
    unsigned int version = 0;

    NEED(label != NULL);
    ck_assert_int_eq(att_cose_parse(&m, a->outcome.label, NULL), ATT_OK);
    ck_assert_int_eq(att_label_read(label, m.payload_untrusted, NULL), ATT_OK);
    for (unsigned int v = 1; v <= DIGESTS; v++) {
        uint8_t digest[32];
        char name[32];

        digest_of(digest, v);
        (void)snprintf(name, sizeof(name), "@%u", v);
        if (memcmp(digest, label->policy_digest, 32) == 0) {
            ck_assert_ptr_nonnull(strstr(label->policy_id, name));
            version = v;
        }
    }
    free(label);
    ck_assert_uint_ne(version, 0);
    return version;
}

static unsigned int attest_now(struct service *s, const char *id)
{
    struct gateway *g = attack_enrolled_at(s, id);
    struct gateway_attempt a = {0};
    unsigned int version = 0;

    ck_assert_int_eq(gateway_attest(g, &a), 200);
    version = judged_under(&a);
    gateway_attempt_clear(&a);
    gateway_free(g);
    return version;
}

/* What the newest record about a policy says. */
static void last_policy_record(const struct service *s, const char *has)
{
    char *dump = service_dump(s);

    ck_assert_msg(strstr(dump, has) != NULL, "%s is not in the records", has);
    free(dump);
}

/* Each kind of policy that nobody who counts has signed, over a service that runs under version 2. */
enum forged { UNSIGNED, STRANGER, BAD_SIGNATURE, OTHER_PURPOSE, OTHER_CONTENT, EMPTY, FORGED };

static void put_other_message(const struct service *s, enum forged kind)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *signer = signer_of(s, true);
    ATT_CLEANUP(att_buf_freep) struct att_buf *encoded = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = NULL;
    struct att_policy *p = policy_of(3);
    uint8_t kid[32];
    struct att_cose_order order = {.kid = att_slice_of(kid, 32)};

    NEED(att_pubkey_fingerprint(kid, signer->public_key) == ATT_OK);
    NEED(att_policy_encode(&encoded, p) == ATT_OK);
    order.payload = att_buf_slice(encoded);
    order.content_type = kind == OTHER_CONTENT ? "application/cbor" : ATT_POLICY_CONTENT_TYPE;
    order.external_aad = att_slice_str(kind == OTHER_PURPOSE ? "" : ATT_POLICY_PURPOSE);
    NEED(att_cose_make(&message, &order, signer) == ATT_OK);
    put(s, att_buf_slice(message));
    att_policy_free(p);
}

static void put_flipped(const struct service *s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    uint8_t bytes[16384];
    char path[128];
    size_t len = 0;

    put_signed(s, 3, true);
    (void)snprintf(path, sizeof(path), "%s/policy.cose", s->dir);
    NEED(att_file_read(&b, path, sizeof(bytes), NULL) == ATT_OK);
    len = att_buf_len(b);
    memcpy(bytes, att_buf_slice(b).p, len);
    bytes[len - 1] ^= 1;
    put(s, att_slice_of(bytes, len));
}

static void forge(const struct service *s, enum forged kind)
{
    char text[8192];

    policy_text(text, sizeof(text), 3);
    switch (kind) {
    case UNSIGNED:
        put(s, att_slice_str(text));
        break;
    case STRANGER:
        put_signed(s, 3, false);
        break;
    case BAD_SIGNATURE:
        put_flipped(s);
        break;
    case EMPTY:
        put(s, att_slice_str(""));
        break;
    default:
        put_other_message(s, kind);
        break;
    }
}

static void does_not_start(const struct service *s, const char *code)
{
    ck_assert_int_eq(service_try(s, NULL), 2);
    ck_assert_msg(service_said(s, code), "%s was not said", code);
}

START_TEST(F_03_policy_that_nobody_who_counts_signed_is_not_loaded)
{
    struct service *s = signed_service(2);

    for (int kind = 0; kind < FORGED; kind++) {
        forge(s, (enum forged)kind);
        service_reload(s);
        ck_assert_uint_eq(service_logged(s, " rules.refused code=E_CFG_POLICYSIG"),
                          (size_t)kind + 1);
        ck_assert_uint_eq(service_logged(s, " reload.refused"), (size_t)kind + 1);
    }
    last_policy_record(s, "E_CFG_POLICYSIG");
    ck_assert_uint_eq(attest_now(s, "f-03"), 2); /* the old one stays */
    put_signed(s, 3, true);
    service_reload(s);
    ck_assert_uint_eq(service_logged(s, " reload.done"), 1);
    ck_assert_uint_eq(attest_now(s, "f-03-after"), 3);
    service_free(s);
}
END_TEST

START_TEST(F_03_service_does_not_start_without_a_signature)
{
    struct service *s = signed_service(2);

    service_stop(s);
    for (int kind = 0; kind < FORGED; kind++) {
        forge(s, (enum forged)kind);
        does_not_start(s, "E_CFG_POLICYSIG");
    }
    put_signed(s, 2, true);
    ck_assert_int_eq(service_try(s, NULL), SERVICE_RAN);
    service_free(s);
}
END_TEST

START_TEST(F_04_older_policy_is_refused_while_the_service_runs)
{
    struct service *s = signed_service(2);

    put_signed(s, 1, true);
    service_reload(s);
    ck_assert_uint_eq(service_logged(s, " rules.refused code=E_CFG_ROLLBACK"), 1);
    last_policy_record(s, "E_CFG_ROLLBACK");
    ck_assert_uint_eq(attest_now(s, "f-04"), 2);
    service_free(s);
}
END_TEST

/* The version that was reached is kept with the records, and not with the process. */
START_TEST(F_04_older_policy_is_refused_across_restarts)
{
    struct service *s = signed_service(1);

    put_signed(s, 3, true);
    service_reload(s);
    ck_assert_uint_eq(attest_now(s, "f-04-up"), 3);
    service_kill(s);
    for (unsigned int version = 1; version < 3; version++) {
        put_signed(s, version, true);
        does_not_start(s, "E_CFG_ROLLBACK");
    }
    put_signed(s, 3, true);
    ck_assert_int_eq(service_try(s, NULL), SERVICE_RAN);
    service_free(s);
}
END_TEST

/* The same number and another content is no newer policy. */
START_TEST(F_04_other_policy_of_the_same_version_is_refused)
{
    struct service *s = signed_service(2);
    ATT_CLEANUP(att_signer_freep) struct att_signer *signer = signer_of(s, true);
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = NULL;
    ATT_CLEANUP(att_policy_freep) struct att_policy *other = policy_of(2);

    other->requirement[0].severity = ATT_SEVERITY_WARN;
    (void)snprintf(other->name, sizeof(other->name), "another");
    NEED(att_policy_sign(&message, other, signer) == ATT_OK);
    put(s, att_buf_slice(message));
    service_reload(s);
    ck_assert_uint_eq(service_logged(s, " rules.refused code=E_CFG_ROLLBACK"), 1);
    ck_assert_uint_eq(attest_now(s, "f-04-same"), 2);
    service_free(s);
}
END_TEST

/* A key that lies in a file signs only where that was said. */
START_TEST(F_03_signing_with_a_file_needs_a_word)
{
    struct service *s = service_new(NULL);
    char yaml[128];
    char key[128];
    char out[128];
    char text[8192];
    const char *args[] = {"policy", "sign", yaml, "--key", key, "--output", out, NULL, NULL};

    (void)snprintf(yaml, sizeof(yaml), "%s/policy.yaml", s->dir);
    (void)snprintf(key, sizeof(key), "%s/policy-signer.key", s->dir);
    (void)snprintf(out, sizeof(out), "%s/new.cose", s->dir);
    ck_assert_int_eq(service_program(text, sizeof(text), "attestctl", args), 7);
    ck_assert_ptr_nonnull(strstr(text, "E_KEY_FILE"));
    ck_assert_int_ne(access(out, F_OK), 0);
    args[7] = "--insecure-file-key";
    ck_assert_int_eq(service_program(text, sizeof(text), "attestctl", args), 0);
    ck_assert_int_eq(access(out, F_OK), 0);
    service_free(s);
}
END_TEST

#define FLIGHT  100
#define SENDERS 4

/* One that is sent: prepared before the reload, or asked for at any moment of it. */
struct flight {
    struct gateway *g;
    struct gateway_attempt a;
    bool prepared;
    int status;
};

struct sender {
    struct flight *first;
    size_t count;
};

static void *send_all(void *arg)
{
    const struct sender *s = arg;

    for (size_t i = 0; i < s->count; i++) {
        struct flight *f = &s->first[i];

        f->status = f->prepared ? gateway_send(f->g, &f->a) : gateway_attest(f->g, &f->a);
    }
    return NULL;
}

static void take_off(struct service *s, struct flight *f)
{
    for (size_t i = 0; i < FLIGHT; i++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "f-10-%zu", i);
        f[i].g = attack_enrolled_at(s, id);
        f[i].prepared = i % 2 == 0;
        if (f[i].prepared) {
            ck_assert_int_eq(gateway_prepare(f[i].g, &f[i].a), 201);
        }
    }
}

START_TEST(F_10_each_evidence_is_judged_under_one_policy)
{
    struct service *s = signed_service(1);
    struct flight *f = calloc(FLIGHT, sizeof(*f));
    pthread_t thread[SENDERS];
    struct sender sender[SENDERS];
    size_t under[DIGESTS + 1] = {0};

    NEED(f != NULL);
    take_off(s, f);
    for (size_t i = 0; i < SENDERS; i++) {
        sender[i] = (struct sender){.first = &f[i * FLIGHT / SENDERS], .count = FLIGHT / SENDERS};
        NEED(pthread_create(&thread[i], NULL, send_all, &sender[i]) == 0);
    }
    attack_nap_ms(20);
    put_signed(s, 2, true);
    service_reload(s);
    for (size_t i = 0; i < SENDERS; i++) {
        NEED(pthread_join(thread[i], NULL) == 0);
    }
    ck_assert_uint_eq(service_logged(s, " reload.done"), 1);
    for (size_t i = 0; i < FLIGHT; i++) {
        unsigned int version = 0;

        ck_assert_msg(f[i].status == 200, "%zu: %d %s", i, f[i].status, f[i].a.answer.code);
        ck_assert_uint_eq(f[i].a.outcome.status, ATT_TIER_AFFIRMING);
        version = judged_under(&f[i].a);
        under[version]++;
        ck_assert_msg(!f[i].prepared || version == 1, "asked for under 1, judged under %u",
                      version);
        gateway_attempt_clear(&f[i].a);
        gateway_free(f[i].g);
    }
    ck_assert_uint_eq(under[1] + under[2], FLIGHT);
    ck_assert_uint_ge(under[1], FLIGHT / 2);
    ck_assert_uint_eq(attest_now(s, "f-10-after"), 2);
    free(f);
    service_free(s);
}
END_TEST

/* A challenge outlives three changes of policy, and not a fourth: then it is asked for again. */
START_TEST(F_10_challenge_of_a_forgotten_policy_is_stale)
{
    struct service *s = signed_service(1);
    struct gateway *g = attack_gateway_at(s, "f-10-old");
    struct gateway_attempt a = {0};

    ck_assert_int_eq(gateway_prepare(g, &a), 201);
    for (unsigned int version = 2; version <= 5; version++) {
        put_signed(s, version, true);
        service_reload(s);
    }
    ck_assert_uint_eq(service_logged(s, " reload.done"), 4);
    ck_assert_int_ge(gateway_send(g, &a), 400);
    gateway_attempt_clear(&a);
    ck_assert_int_eq(gateway_attest(g, &a), 200);
    gateway_attempt_clear(&a);
    gateway_free(g);
    service_free(s);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"F-03", F_03_policy_that_nobody_who_counts_signed_is_not_loaded, 0, 60},
        {"F-03-start", F_03_service_does_not_start_without_a_signature, 0, 60},
        {"F-03-key", F_03_signing_with_a_file_needs_a_word, 0, 60},
        {"F-04", F_04_older_policy_is_refused_while_the_service_runs, 0, 60},
        {"F-04-restart", F_04_older_policy_is_refused_across_restarts, 0, 60},
        {"F-04-same", F_04_other_policy_of_the_same_version_is_refused, 0, 60},
        {"F-10", F_10_each_evidence_is_judged_under_one_policy, 0, 120},
        {"F-10-old", F_10_challenge_of_a_forgotten_policy_is_stale, 0, 60},
    };

    return attack_rows("attacks: signed policies", rows, ATT_COUNT(rows));
}
