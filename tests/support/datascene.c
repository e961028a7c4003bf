#include "datascene.h"

#include <check.h>
#include <string.h>

#include "crypto/verify.h"
#include "evidence/context.h"
#include "tpm/tpm.h"

void datascene_authority(struct datascene *s)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    struct att_pubarea area;

    memset(s, 0, sizeof(*s));
    ck_assert_int_eq(att_privkey_generate(&s->authority, ATT_KEY_EC_P256), ATT_OK);
    ck_assert_int_eq(att_privkey_public(&key, s->authority), ATT_OK);
    MUST(att_data_key_authority(s->authority_public, &s->authority_len, key, &diag));
    MUST(att_pubarea_parse(&area, att_slice_of(s->authority_public, s->authority_len), &diag));
    ck_assert_int_eq(att_pubarea_name(s->authority_name, &s->name_len, &area), ATT_OK);
    ck_assert_int_eq(att_data_key_ref(s->ref, DATASCENE_DEVICE), ATT_OK);
    ck_assert_int_eq(
        att_data_key_policy(s->policy, att_slice_of(s->authority_name, s->name_len), s->ref),
        ATT_OK);
}

void datascene_make(struct datascene *s, struct hw_tpm *tpm)
{
    datascene_authority(s);
    MUST(hw_tpm_data_make(&s->key, tpm, s->policy, &diag));
}

void datascene_clear(struct datascene *s)
{
    att_privkey_freep(&s->authority);
}

struct hw_permit datascene_permit(const struct datascene *s, const uint8_t approved[ATT_POLICY_LEN])
{
    struct hw_permit p = {.authority = att_slice_of(s->authority_public, s->authority_len)};
    uint8_t message[ATT_POLICY_LEN + ATT_POLICY_REF_LEN];
    uint8_t sig[512];
    size_t len = 0;

    memcpy(p.ref, s->ref, sizeof(p.ref));
    memcpy(p.approved, approved, sizeof(p.approved));
    memcpy(message, approved, ATT_POLICY_LEN);
    memcpy(message + ATT_POLICY_LEN, s->ref, ATT_POLICY_REF_LEN);
    ck_assert_int_eq(att_sign(s->authority, ATT_SCHEME_ECDSA, ATT_HASH_SHA256,
                              att_slice_of(message, sizeof(message)), sig, sizeof(sig), &len),
                     ATT_OK);
    ck_assert_uint_eq(len, sizeof(p.signature));
    memcpy(p.signature, sig, len);
    return p;
}

struct hw_permit datascene_certify_permit(const struct datascene *s)
{
    uint8_t approved[ATT_POLICY_LEN];

    ck_assert_int_eq(att_data_key_certify_policy(approved), ATT_OK);
    return datascene_permit(s, approved);
}

void datascene_sign(const struct datascene *s, struct att_grant *g)
{
    uint8_t approved[ATT_POLICY_LEN];
    struct hw_permit p;

    ck_assert_int_eq(att_grant_policy(approved, g), ATT_OK);
    p = datascene_permit(s, approved);
    memcpy(g->signature, p.signature, sizeof(g->signature));
}

struct att_grant datascene_grant(const struct datascene *s, struct hw_tpm *tpm, uint32_t pcrs,
                                 int64_t ms)
{
    struct att_grant g = {.selection = hwtest_select(ATT_HASH_SHA256, pcrs),
                          .until_utc = 1800000000};
    struct att_pcr_values values;
    struct att_clock_info clock;

    MUST(hw_tpm_pcr_read(&values, tpm, &g.selection, &diag));
    MUST(att_pcr_composite(g.pcr_digest, ATT_HASH_SHA256, &g.selection, &values, &diag));
    MUST(hw_tpm_clock(&clock, tpm, &diag));
    g.until_ms = clock.clock_ms + (uint64_t)ms;
    g.reset_count = clock.reset_count;
    g.restart_count = clock.restart_count;
    datascene_sign(s, &g);
    return g;
}

enum att_err datascene_use(const struct datascene *s, struct hw_tpm *tpm, const struct att_grant *g,
                           struct att_diag *why)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    const uint8_t digest[32] = {1, 2, 3};
    uint8_t sig[HW_SIGNATURE_LEN] = {0};
    struct att_pubarea area;
    struct hw_permit p = {.authority = att_slice_of(s->authority_public, s->authority_len)};
    enum att_err err;

    memcpy(p.ref, s->ref, sizeof(p.ref));
    ck_assert_int_eq(att_grant_policy(p.approved, g), ATT_OK);
    memcpy(p.signature, g->signature, sizeof(p.signature));
    err = hw_tpm_data_sign(sig, tpm, &s->key, &p, g, digest, why);
    hwtest_expect_nothing_left(tpm);
    if (err != ATT_OK)
        return err;
    MUST(att_pubarea_parse(&area, att_slice_of(s->key.public_area, s->key.public_len), &diag));
    MUST(att_pubarea_key(&key, &area, &diag));
    ck_assert_int_eq(att_verify_digest(key, ATT_SCHEME_ECDSA, ATT_HASH_SHA256,
                                       att_slice_of(digest, 32), att_slice_of(sig, sizeof(sig))),
                     ATT_OK);
    return ATT_OK;
}
