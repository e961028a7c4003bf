/* A gateway that would have another data key certified than one of its own TPM, and a label that names none for it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/label.h"
#include "attack.h"
#include "base/wr.h"
#include "evidence/context.h"
#include "evidence/profile.h"
#include "need.h"
#include "sign/cose.h"
#include "tcg/datakey.h"

#define GOOD                                                                                       \
    (ATT_OBJ_FIXED_TPM | ATT_OBJ_FIXED_PARENT | ATT_OBJ_SENSITIVE_DATA_ORIGIN | ATT_OBJ_NO_DA |    \
     ATT_OBJ_ADMIN_WITH_POLICY | ATT_OBJ_SIGN)

/* One certification: everything that is sent lies open until it is. */
struct attempt {
    struct gateway *g;
    struct client_answer begin, answer;
    struct wire_certify_challenge c;
    uint32_t attributes;
    const char *device; /* that its policy is for */
    const struct softtpm_key *signer;
    uint32_t hierarchy; /* of its parent */
    struct softtpm_key key, parent;
    struct softtpm_bytes attest, signature;
};

static int ask(struct attempt *t)
{
    uint8_t room[16];
    struct att_wr w = att_wr_into(room, sizeof(room));

    NEED(wire_certify_begin_encode(&w) == ATT_OK);
    client_request(t->g->client, &t->begin, "POST", "/enrol/v1/certify", ATT_TYPE_CBOR,
                   att_slice_of(room, w.len));
    if (t->begin.status == 201)
        NEED(wire_certify_challenge_parse(&t->c, client_body(&t->begin), NULL) == ATT_OK);
    return t->begin.status;
}

static struct attempt *start(const char *id)
{
    struct attempt *t = calloc(1, sizeof(*t));

    NEED(t != NULL);
    t->g = attack_gateway(id);
    t->attributes = GOOD;
    t->device = t->g->id;
    t->signer = &t->g->tpm->ak;
    t->hierarchy = ATT_TPM_RH_OWNER;
    t->key.pkey = softtpm_p256();
    ck_assert_int_eq(ask(t), 201);
    return t;
}

static void finish(struct attempt *t)
{
    client_answer_clear(&t->begin);
    client_answer_clear(&t->answer);
    EVP_PKEY_free(t->key.pkey);
    gateway_free(t->g);
    free(t);
}

/* authPolicy for t->device under the authorising key of the challenge. */
static void policy_of(uint8_t policy[ATT_POLICY_LEN], const struct attempt *t)
{
    struct att_pubarea authority;
    uint8_t name[ATT_NAME_MAX], ref[ATT_POLICY_REF_LEN];
    size_t len = 0;

    NEED(att_pubarea_parse(&authority, t->c.authority, NULL) == ATT_OK);
    NEED(att_pubarea_name(name, &len, &authority) == ATT_OK);
    NEED(att_data_key_ref(ref, t->device) == ATT_OK);
    NEED(att_data_key_policy(policy, att_slice_of(name, len), ref) == ATT_OK);
}

/* The template of any key of ours, and behind it the point: both are at its end. */
static void describe(struct attempt *t)
{
    const struct softtpm_ak_order order = {SOFTTPM_ALG_ECC, SOFTTPM_AK_ATTRIBUTES,
                                           SOFTTPM_ALG_ECDSA, ATT_HASH_SHA256};
    uint8_t plain[ATT_PUBAREA_MAX], policy[ATT_POLICY_LEN];
    struct att_wr w = att_wr_into(t->key.public_area, sizeof(t->key.public_area));
    size_t len = 0;

    softtpm_describe_ak(&t->key, &order);
    len = t->key.public_len;
    memcpy(plain, t->key.public_area, len);
    policy_of(policy, t);
    att_wr_bytes(&w, plain, 4);
    att_wr_u32be(&w, t->attributes);
    att_wr_u16be(&w, ATT_POLICY_LEN);
    att_wr_bytes(&w, policy, sizeof(policy));
    att_wr_bytes(&w, plain + 10, len - 10); /* type, name algorithm, attributes, an empty policy */
    t->key.public_len = w.len;
}

static void name_all(struct attempt *t)
{
    struct att_pubarea area;
    uint8_t above[ATT_NAME_MAX];
    size_t len = 0;

    t->parent.name_len = 34;
    memset(t->parent.name, 0x77, sizeof(t->parent.name));
    t->parent.name[0] = 0;
    t->parent.name[1] = ATT_HASH_SHA256;
    NEED(att_pubarea_parse(&area, att_slice_of(t->key.public_area, t->key.public_len), NULL) ==
         ATT_OK);
    NEED(att_pubarea_name(t->key.name, &t->key.name_len, &area) == ATT_OK);
    NEED(att_qualified_name(above, &len, t->hierarchy,
                            att_slice_of(t->parent.name, t->parent.name_len)) == ATT_OK);
    NEED(att_qualified_child(t->key.qualified, &t->key.qualified_len, att_slice_of(above, len),
                             att_slice_of(t->key.name, t->key.name_len)) == ATT_OK);
}

/* TPM2_Certify, signed by t->signer, for this challenge. */
static void certify(struct attempt *t)
{
    const struct att_pcr_selection none = softtpm_selection(ATT_HASH_SHA256, 1);
    uint8_t qualifying[32];
    struct softtpm_attest attest;
    struct softtpm_signature sig;
    const struct att_certify_context ctx = {.verifier_id = SERVICE_VERIFIER,
                                            .device_id = t->g->id,
                                            .nonce = t->c.nonce.p,
                                            .session = t->c.session.p,
                                            .ak_name = softtpm_name(&t->g->tpm->ak),
                                            .parent_name =
                                                att_slice_of(t->parent.name, t->parent.name_len),
                                            .key_name = att_slice_of(t->key.name, t->key.name_len)};

    NEED(att_certify_qualifying(qualifying, &ctx) == ATT_OK);
    attest = softtpm_attest(t->g->tpm, att_slice_of(qualifying, 32), &none);
    softtpm_attest_certify(&attest, &t->g->tpm->ak, &t->key); /* whoever signs it names ours */
    t->attest = softtpm_attest_encode(&attest);
    sig = softtpm_sign(t->signer, softtpm_slice(&t->attest));
    t->signature = softtpm_signature_encode(&sig);
}

static int send_to(struct attempt *t, const char *session)
{
    uint8_t room[4096];
    char path[160];
    struct att_wr w = att_wr_into(room, sizeof(room));
    const struct wire_certify m = {
        .key = att_slice_of(t->key.public_area, t->key.public_len),
        .parent = att_slice_of(t->parent.name, t->parent.name_len),
        .attest = softtpm_slice(&t->attest),
        .signature = softtpm_slice(&t->signature),
    };

    (void)snprintf(path, sizeof(path), "/enrol/v1/certify/%s", session);
    NEED(wire_certify_encode(&w, &m) == ATT_OK);
    client_answer_clear(&t->answer);
    client_request(t->g->client, &t->answer, "POST", path, ATT_TYPE_CBOR,
                   att_slice_of(room, w.len));
    return t->answer.status;
}

static int send(struct attempt *t)
{
    const char *slash = strrchr(t->begin.location, '/');

    NEED(slash != NULL);
    return send_to(t, slash + 1);
}

static int all(struct attempt *t)
{
    describe(t);
    name_all(t);
    certify(t);
    return send(t);
}

/* What the next attestation of a gateway says: does its label name a data key, and does the answer authorise one? */
static void attested(struct gateway *g, int status, bool key)
{
    struct gateway_attempt *a = calloc(1, sizeof(*a));
    struct att_cose cose;
    struct att_label l;

    NEED(a != NULL);
    ck_assert_int_eq(gateway_prepare(g, a), 201);
    ck_assert_int_eq(gateway_send(g, a), status);
    ck_assert(a->has_outcome);
    ck_assert_int_eq(att_cose_parse(&cose, a->outcome.label, NULL), ATT_OK);
    ck_assert_int_eq(att_label_read(&l, cose.payload_untrusted, NULL), ATT_OK);
    ck_assert_int_eq(l.has_data_key, key);
    ck_assert_int_eq(a->outcome.grant.len > 0, key);
    gateway_attempt_clear(a);
    free(a);
}

START_TEST(certify__honest_key_is_named_and_authorised)
{
    struct attempt *t = start("dk-honest");
    struct gateway_attempt *a = calloc(1, sizeof(*a));
    struct att_grant g;
    uint8_t policy[ATT_POLICY_LEN], ref[ATT_POLICY_REF_LEN], message[64];
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *authority = NULL;
    struct att_pubarea area;

    NEED(a != NULL);
    attested(t->g, 200, false);
    ck_assert_int_eq(all(t), 200);
    attested(t->g, 200, true);
    /* the authorisation: over the values that stand in this TPM, its counters, and the label's end */
    ck_assert_int_eq(gateway_prepare(t->g, a), 201);
    ck_assert_int_eq(gateway_send(t->g, a), 200);
    ck_assert_int_eq(att_grant_parse(&g, a->outcome.grant, NULL), ATT_OK);
    ck_assert_uint_eq(g.selection.sel[0].mask, 0xff | 1U << GATEWAY_OWN_PCR);
    ck_assert_uint_eq(g.reset_count, t->g->tpm->clock.reset_count);
    ck_assert_uint_eq(g.restart_count, t->g->tpm->clock.restart_count);
    {
        uint8_t digest[32];

        ck_assert_int_eq(
            att_pcr_composite(digest, ATT_HASH_SHA256, &g.selection, &t->g->tpm->pcrs, NULL),
            ATT_OK);
        ck_assert_mem_eq(digest, g.pcr_digest, 32);
    }
    ck_assert_int_eq(att_grant_policy(policy, &g), ATT_OK);
    ck_assert_int_eq(att_data_key_ref(ref, t->g->id), ATT_OK);
    memcpy(message, policy, 32);
    memcpy(message + 32, ref, 32);
    ck_assert_int_eq(att_pubarea_parse(&area, t->c.authority, NULL), ATT_OK);
    ck_assert_int_eq(att_pubarea_key(&authority, &area, NULL), ATT_OK);
    ck_assert_int_eq(att_verify(authority, ATT_SCHEME_ECDSA, ATT_HASH_SHA256,
                                att_slice_of(message, 64), att_slice_of(g.signature, 64)),
                     ATT_OK);
    gateway_attempt_clear(a);
    free(a);
    finish(t);
}
END_TEST

/* Nothing of a refused attempt stays: the next label names no key. */
static void refused(struct attempt *t, int status, const char *code)
{
    attack_refused(&t->answer, status, code);
    attested(t->g, 200, false);
    finish(t);
}

START_TEST(certify__key_that_a_password_opens_is_refused)
{
    struct attempt *t = start("dk-password");

    t->attributes |= ATT_OBJ_USER_WITH_AUTH;
    (void)all(t);
    refused(t, 422, "E_DK_ATTR");
}
END_TEST

START_TEST(certify__key_for_another_device_is_refused)
{
    struct attempt *t = start("dk-device");

    t->device = "dk-honest";
    (void)all(t);
    refused(t, 422, "E_DK_ATTR");
}
END_TEST

/* Another gateway's attestation key vouches for it. */
START_TEST(certify__word_of_another_ak_is_refused)
{
    struct attempt *t = start("dk-ak");
    struct gateway *other = attack_stranger("dk-ak-other");

    t->signer = &other->tpm->ak;
    (void)all(t);
    gateway_free(other);
    refused(t, 422, "E_DK_CERTIFY");
}
END_TEST

/* Under the endorsement hierarchy TPM2_Clear would leave it. */
START_TEST(certify__key_of_another_hierarchy_is_refused)
{
    struct attempt *t = start("dk-place");

    t->hierarchy = ATT_TPM_RH_ENDORSEMENT;
    (void)all(t);
    refused(t, 422, "E_DK_CERTIFY");
}
END_TEST

/* What was certified for one challenge is nothing in the next. */
START_TEST(certify__replay_is_refused)
{
    struct attempt *t = start("dk-replay");

    describe(t);
    name_all(t);
    certify(t);
    client_answer_clear(&t->begin);
    ck_assert_int_eq(ask(t), 201);
    (void)send(t);
    refused(t, 422, "E_DK_CERTIFY");
}
END_TEST

START_TEST(certify__answered_challenge_is_used)
{
    struct attempt *t = start("dk-twice");

    ck_assert_int_eq(all(t), 200);
    (void)send(t);
    attack_refused(&t->answer, 410, "E_Q_NONCE_USED");
    finish(t);
}
END_TEST

/* A nonce has one purpose: that of an attestation certifies nothing, though the key signed just this. */
START_TEST(certify__nonce_of_an_attestation_is_refused)
{
    struct attempt *t = start("dk-purpose");
    struct gateway_attempt *a = calloc(1, sizeof(*a));

    NEED(a != NULL);
    ck_assert_int_eq(gateway_session(t->g, a), 201);
    t->c.nonce = a->challenge.nonce;
    t->c.session = a->challenge.session;
    describe(t);
    name_all(t);
    certify(t);
    (void)send_to(t, strrchr(a->path, '/') + 1);
    gateway_attempt_clear(a);
    free(a);
    refused(t, 410, "E_Q_NONCE_EXPIRED");
}
END_TEST

/* And the other way round: evidence for a challenge that was for a key. */
START_TEST(certify__its_challenge_takes_no_evidence)
{
    struct attempt *t = start("dk-evidence");
    struct gateway_attempt *a = calloc(1, sizeof(*a));

    NEED(a != NULL);
    ck_assert_int_eq(gateway_prepare(t->g, a), 201);
    (void)snprintf(a->path, sizeof(a->path), "/challenge-response/v1/session/%s",
                   strrchr(t->begin.location, '/') + 1);
    ck_assert_int_eq(gateway_send(t->g, a), 410);
    attack_refused(&a->answer, 410, "E_Q_NONCE_EXPIRED");
    gateway_attempt_clear(a);
    free(a);
    finish(t);
}
END_TEST

/* A gateway whose state is not approved gets no authorisation, and no label that names its key. */
START_TEST(grant__of_an_unapproved_state_is_not_made)
{
    struct attempt *t = start("dk-state");
    ck_assert_int_eq(all(t), 200);
    attested(t->g, 200, true);
    softlog_own_file(&t->g->log[ATT_LOG_OWN], t->g->tpm, GATEWAY_OWN_PCR, gateway_files[0],
                     att_slice_str("something else"));
    attested(t->g, 422, false);
    finish(t);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"DK-10", certify__honest_key_is_named_and_authorised, 0, 0},
        {"DK-11", certify__key_that_a_password_opens_is_refused, 0, 0},
        {"DK-12", certify__key_for_another_device_is_refused, 0, 0},
        {"DK-13", certify__word_of_another_ak_is_refused, 0, 0},
        {"DK-14", certify__key_of_another_hierarchy_is_refused, 0, 0},
        {"DK-15", certify__replay_is_refused, 0, 0},
        {"DK-15-used", certify__answered_challenge_is_used, 0, 0},
        {"DK-16", certify__nonce_of_an_attestation_is_refused, 0, 0},
        {"DK-16-evidence", certify__its_challenge_takes_no_evidence, 0, 0},
        {"DK-17", grant__of_an_unapproved_state_is_not_made, 0, 0},
    };

    return attack_main("attacks: certified data keys", rows, ATT_COUNT(rows), NULL);
}
