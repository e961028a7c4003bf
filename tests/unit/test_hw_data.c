/* The data key in a real TPM: it signs in the state that was authorised, and the TPM says why not in every other. */
#include "tpm/data.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>

#include "datascene.h"
#include "evidence/certified.h"
#include "evidence/context.h"
#include "fault_tcti.h"
#include "suite.h"
#include "tcg/ak.h"
#include "tpm/tpm_internal.h"

static struct swtpm *unit;

static void start_unit(void)
{
    unit = swtpm_new_blank();
}

static void stop_unit(void)
{
    swtpm_free(unit);
    unit = NULL;
}

static void extend(struct hw_tpm *tpm, uint32_t pcr)
{
    const struct hw_pcr_digest d = {.alg = ATT_HASH_SHA256, .value = {7}};

    MUST(hw_tpm_pcr_extend(tpm, pcr, &d, 1, &diag));
}

static void refused(const struct datascene *s, struct hw_tpm *tpm, const struct att_grant *g,
                    enum att_reason reason, const char *code)
{
    struct att_diag why = {0};

    ck_assert_int_ne(datascene_use(s, tpm, g, &why), ATT_OK);
    ck_assert_str_eq(att_reason_code(why.reason), att_reason_code(reason));
    ck_assert_msg(strstr(why.text, code) != NULL, "no %s in: %s", code, why.text);
}

static void signs(const struct datascene *s, struct hw_tpm *tpm, const struct att_grant *g)
{
    MUST(datascene_use(s, tpm, g, &diag));
}

/* Part 3, 23.7, 23.10, 23.11 and 23.16: what we hash is what a trial session of the TPM hashes. */
START_TEST(policies__are_those_of_a_trial_session)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    const TPMT_SYM_DEF none = {.algorithm = TPM2_ALG_NULL};
    const TPM2B_DIGEST any = {.size = 0};
    TPM2B_OPERAND operand = {.size = 8};
    TPM2B_NAME name;
    TPM2B_NONCE ref = {.size = 32};
    TPM2B_DIGEST approved = {.size = 0}; /* a trial session takes any */
    TPMT_TK_VERIFIED ticket = {.tag = TPM2_ST_VERIFIED, .hierarchy = TPM2_RH_OWNER};
    TPM2B_DIGEST *found = NULL;
    TPML_PCR_SELECTION pcrs;
    uint8_t until[8], counters[8], own[32];
    struct datascene s;
    struct att_grant g;
    ESYS_TR trial;

    datascene_make(&s, tpm);
    extend(tpm, 13);
    g = datascene_grant(&s, tpm, DATASCENE_PCRS, 0x123456789aLL);
    att_grant_operands(until, counters, &g);
    hw_selection_to_tss(&pcrs, &g.selection);
    for (int what = 0; what < 3; what++) {
        ck_assert_uint_eq(Esys_StartAuthSession(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                                ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_TRIAL,
                                                &none, TPM2_ALG_SHA256, &trial),
                          TSS2_RC_SUCCESS);
        if (what == 0) {
            ck_assert_uint_eq(Esys_PolicyPCR(tpm->esys, trial, ESYS_TR_NONE, ESYS_TR_NONE,
                                             ESYS_TR_NONE, &any, &pcrs),
                              TSS2_RC_SUCCESS);
            memcpy(operand.buffer, until, 8);
            ck_assert_uint_eq(Esys_PolicyCounterTimer(tpm->esys, trial, ESYS_TR_NONE, ESYS_TR_NONE,
                                                      ESYS_TR_NONE, &operand, 8,
                                                      TPM2_EO_UNSIGNED_LE),
                              TSS2_RC_SUCCESS);
            memcpy(operand.buffer, counters, 8);
            ck_assert_uint_eq(Esys_PolicyCounterTimer(tpm->esys, trial, ESYS_TR_NONE, ESYS_TR_NONE,
                                                      ESYS_TR_NONE, &operand, 16, TPM2_EO_EQ),
                              TSS2_RC_SUCCESS);
            ck_assert_int_eq(att_grant_policy(own, &g), ATT_OK);
        } else if (what == 1) {
            name.size = (UINT16)s.name_len;
            memcpy(name.name, s.authority_name, s.name_len);
            memcpy(ref.buffer, s.ref, 32);
            ck_assert_uint_eq(Esys_PolicyAuthorize(tpm->esys, trial, ESYS_TR_NONE, ESYS_TR_NONE,
                                                   ESYS_TR_NONE, &approved, &ref, &name, &ticket),
                              TSS2_RC_SUCCESS);
            memcpy(own, s.policy, 32);
        } else {
            ck_assert_uint_eq(Esys_PolicyCommandCode(tpm->esys, trial, ESYS_TR_NONE, ESYS_TR_NONE,
                                                     ESYS_TR_NONE, TPM2_CC_Certify),
                              TSS2_RC_SUCCESS);
            ck_assert_int_eq(att_data_key_certify_policy(own), ATT_OK);
        }
        ck_assert_uint_eq(Esys_PolicyGetDigest(tpm->esys, trial, ESYS_TR_NONE, ESYS_TR_NONE,
                                               ESYS_TR_NONE, &found),
                          TSS2_RC_SUCCESS);
        ck_assert_uint_eq(found->size, 32);
        ck_assert_mem_eq(found->buffer, own, 32);
        Esys_Free(found);
        found = NULL;
        ck_assert_uint_eq(Esys_FlushContext(tpm->esys, trial), TSS2_RC_SUCCESS);
    }
    datascene_clear(&s);
    hwtest_disconnect(tpm);
}
END_TEST

/* The name under which the TPM knows the authorising key is ours: else no policy would ever hold. */
START_TEST(authority__has_the_name_that_the_tpm_computes)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *p384 = NULL;
    ATT_CLEANUP(att_privkey_freep) struct att_privkey *other = NULL;
    struct att_diag diag = {0};
    uint8_t room[ATT_PUBAREA_MAX];
    size_t len = 0;
    struct datascene s;
    struct att_grant g;

    datascene_make(&s, tpm);
    ck_assert_uint_eq(s.name_len, 34);
    g = datascene_grant(&s, tpm, DATASCENE_PCRS, 600000);
    signs(&s, tpm, &g); /* PolicyAuthorize compares the ticket's name with it */
    ck_assert_int_eq(att_privkey_generate(&other, ATT_KEY_EC_P384), ATT_OK);
    ck_assert_int_eq(att_privkey_public(&p384, other), ATT_OK);
    ck_assert_int_eq(att_data_key_authority(room, &len, p384, &diag), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(diag.reason, ATT_R_KEY_STORE);
    datascene_clear(&s);
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(data_key__is_what_the_verifier_asks_for)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct att_pubarea area;
    uint8_t other[ATT_POLICY_LEN];
    struct att_diag why = {0};
    struct datascene s;

    datascene_make(&s, tpm);
    hwtest_expect_nothing_left(tpm);
    MUST(att_pubarea_parse(&area, att_slice_of(s.key.public_area, s.key.public_len), &diag));
    MUST(att_data_key_check(&area, s.policy, &diag));
    memcpy(other, s.policy, sizeof(other));
    other[31] ^= 1;
    ck_assert_int_eq(att_data_key_check(&area, other, &why), ATT_E_DENIED);
    ck_assert_int_eq(why.reason, ATT_R_DK_ATTR);
    datascene_clear(&s);
    hwtest_disconnect(tpm);
}
END_TEST

/* "In my TPM, under the owner's storage key": both are in the names that the attestation key signs. */
START_TEST(certify__proves_key_and_place)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    const uint8_t nonce[ATT_NONCE_LEN] = {1};
    const uint8_t session[ATT_SESSION_LEN] = {2};
    ATT_CLEANUP(att_ak_clear) struct att_ak ak_known = {0};
    struct att_pubarea area;
    uint8_t name[ATT_NAME_MAX], parent[ATT_NAME_MAX], qualified[ATT_NAME_MAX], qualifying[32];
    size_t name_len = 0, parent_len = 0, qualified_len = 0;
    struct att_certify_expect expect = {.reason = ATT_R_DK_CERTIFY};
    struct hw_permit permit;
    struct hw_quote q;
    struct datascene s;
    struct hw_ak ak;

    datascene_make(&s, tpm);
    MUST(hw_tpm_ak_make(&ak, tpm, HW_AK_HANDLE, &diag));
    MUST(att_ak_parse(&ak_known, att_slice_of(ak.public_area, ak.public_len), &diag));
    MUST(att_pubarea_parse(&area, att_slice_of(s.key.public_area, s.key.public_len), &diag));
    ck_assert_int_eq(att_pubarea_name(name, &name_len, &area), ATT_OK);
    ck_assert_int_eq(att_qualified_name(parent, &parent_len, ATT_TPM_RH_OWNER,
                                        att_slice_of(s.key.parent_name, s.key.parent_len)),
                     ATT_OK);
    ck_assert_int_eq(att_qualified_child(qualified, &qualified_len,
                                         att_slice_of(parent, parent_len),
                                         att_slice_of(name, name_len)),
                     ATT_OK);
    ck_assert_int_eq(
        att_certify_qualifying(qualifying,
                               &(struct att_certify_context){
                                   .verifier_id = "v",
                                   .device_id = DATASCENE_DEVICE,
                                   .nonce = nonce,
                                   .session = session,
                                   .ak_name = att_slice_of(ak_known.name, ak_known.name_len),
                                   .parent_name = att_slice_of(s.key.parent_name, s.key.parent_len),
                                   .key_name = att_slice_of(name, name_len)}),
        ATT_OK);
    permit = datascene_certify_permit(&s);
    MUST(hw_tpm_data_certify(&q, tpm, &s.key, &ak, att_slice_of(qualifying, 32), &permit, &diag));
    hwtest_expect_nothing_left(tpm);
    expect.signer = &ak_known;
    expect.qualifying = att_slice_of(qualifying, 32);
    expect.name = att_slice_of(name, name_len);
    expect.qualified_name = att_slice_of(qualified, qualified_len);
    MUST(att_certify_verify(att_slice_of(q.attest, q.attest_len), att_slice_of(q.sig, q.sig_len),
                            &expect, &diag));
    datascene_clear(&s);
    hwtest_disconnect(tpm);
}
END_TEST

/* What is authorised for TPM2_Certify signs nothing, and what is authorised for signing certifies nothing. */
START_TEST(permit__is_for_one_purpose)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct hw_permit permit;
    struct att_diag why = {0};
    struct hw_quote q;
    struct datascene s;
    struct att_grant g;
    struct hw_ak ak;

    datascene_make(&s, tpm);
    MUST(hw_tpm_ak_make(&ak, tpm, HW_AK_HANDLE, &diag));
    g = datascene_grant(&s, tpm, DATASCENE_PCRS, 600000);
    ck_assert_int_eq(att_grant_policy(permit.approved, &g), ATT_OK);
    permit = datascene_permit(&s, permit.approved);
    ck_assert_int_eq(
        hw_tpm_data_certify(&q, tpm, &s.key, &ak, att_slice_str("nonce"), &permit, &why),
        ATT_E_DENIED);
    ck_assert_int_eq(why.reason, ATT_R_DK_GRANT);
    permit = datascene_certify_permit(&s);
    memcpy(g.signature, permit.signature, sizeof(g.signature));
    refused(&s, tpm, &g, ATT_R_DK_GRANT, "TPM_RC_SIGNATURE");
    datascene_clear(&s);
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(sign__needs_the_pcrs_that_were_authorised)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct datascene s;
    struct att_grant g;

    datascene_make(&s, tpm);
    g = datascene_grant(&s, tpm, DATASCENE_PCRS, 600000);
    signs(&s, tpm, &g);
    signs(&s, tpm, &g); /* as often as one likes */
    extend(tpm, 10);
    signs(&s, tpm, &g); /* another PCR than those is nothing to it */
    extend(tpm, 13);
    refused(&s, tpm, &g, ATT_R_DK_STATE,
            "TPM2_PolicyAuthorize: TPM_RC_VALUE of parameter 1 (0x1c4)");
    g = datascene_grant(&s, tpm, DATASCENE_PCRS, 600000);
    signs(&s, tpm, &g); /* the same key after an approved change */
    datascene_clear(&s);
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(sign__ends_with_the_clock)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    const struct timespec pause = {.tv_sec = 2};
    struct datascene s;
    struct att_grant g;

    datascene_make(&s, tpm);
    g = datascene_grant(&s, tpm, DATASCENE_PCRS, 1500);
    signs(&s, tpm, &g);
    (void)nanosleep(&pause, NULL);
    refused(&s, tpm, &g, ATT_R_DK_EXPIRED, "clock: TPM_RC_POLICY (0x126)");
    g.until_ms += 600000; /* nobody signed that */
    refused(&s, tpm, &g, ATT_R_DK_GRANT, "TPM2_VerifySignature: TPM_RC_SIGNATURE");
    datascene_clear(&s);
    hwtest_disconnect(tpm);
}
END_TEST

static struct hw_tpm *after_power(int how)
{
    if (how == 1) {
        swtpm_power_cut(unit);
        return hwtest_connect(unit);
    }
    ck_assert_int_eq(swtpm_tool(unit, "tpm2_shutdown %s", how == 0 ? "-c" : ""), 0);
    swtpm_stop(unit);
    swtpm_start(unit);
    ck_assert_int_eq(swtpm_tool(unit, "tpm2_startup %s", how == 3 ? "" : "-c"), 0);
    return hwtest_connect(unit);
}

/* An orderly reboot, a power cut, Shutdown(STATE) with Startup(CLEAR), where resetCount stays, and a resume. */
START_TEST(sign__ends_with_the_boot)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct datascene s;
    struct att_grant g;

    datascene_make(&s, tpm);
    extend(tpm, 13);
    g = datascene_grant(&s, tpm, DATASCENE_PCRS, 600000);
    signs(&s, tpm, &g);
    hwtest_disconnect(tpm);
    tpm = after_power(_i);
    if (_i < 3)
        extend(tpm, 13); /* the very same measurements again */
    refused(&s, tpm, &g, ATT_R_DK_REBOOT, "counters: TPM_RC_POLICY (0x126)");
    g = datascene_grant(&s, tpm, DATASCENE_PCRS, 600000);
    signs(&s, tpm, &g);
    datascene_clear(&s);
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(sign__does_not_outlive_a_clear)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct datascene s;
    struct att_grant g;

    datascene_make(&s, tpm);
    g = datascene_grant(&s, tpm, DATASCENE_PCRS, 600000);
    signs(&s, tpm, &g);
    hwtest_disconnect(tpm);
    ck_assert_int_eq(swtpm_tool(unit, "tpm2_clear -Q -c p"), 0);
    tpm = hwtest_connect(unit);
    refused(&s, tpm, &g, ATT_R_DK_GONE, "TPM2_Load");
    datascene_clear(&s);
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(sign__is_for_one_device_and_one_authority)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct datascene s, other;
    struct att_grant g;

    datascene_make(&s, tpm);
    datascene_authority(&other);
    g = datascene_grant(&other, tpm, DATASCENE_PCRS, 600000);
    refused(&s, tpm, &g, ATT_R_DK_GRANT, "TPM_RC_SIGNATURE");
    other.key = s.key; /* with its own authority named beside it, the key's policy does not hold */
    refused(&other, tpm, &g, ATT_R_DK_STATE, "TPM2_Sign: TPM_RC_POLICY_FAIL of session 1 (0x99d)");
    ck_assert_int_eq(att_data_key_ref(s.ref, "gateway-2"), ATT_OK);
    g = datascene_grant(&s, tpm, DATASCENE_PCRS, 600000);
    refused(&s, tpm, &g, ATT_R_DK_STATE, "TPM2_Sign: TPM_RC_POLICY_FAIL of session 1 (0x99d)");
    datascene_clear(&s);
    datascene_clear(&other);
    hwtest_disconnect(tpm);
}
END_TEST

/* A PCR that moves costs a session, five at most: the TPM's answer to TPM2_Sign is replaced on its way. */
START_TEST(sign__builds_the_session_again_when_a_pcr_moved)
{
    enum { SESSION = 7 };
    TSS2_TCTI_CONTEXT *line = fault_tcti_new(swtpm_tcti(unit));
    struct fault_plan plan = {.fault = FAULT_NONE};
    struct att_diag why = {0};
    struct hw_tpm *tpm = NULL;
    uint8_t sig[HW_SIGNATURE_LEN];
    const uint8_t digest[32] = {9};
    uint32_t once = 0, first = 0;
    struct hw_permit permit;
    struct datascene s;
    struct att_grant g;

    MUST(hw_tpm_open_tcti(&tpm, line, fault_tcti_close, true, &diag));
    datascene_make(&s, tpm);
    g = datascene_grant(&s, tpm, DATASCENE_PCRS, 600000);
    ck_assert_int_eq(att_grant_policy(permit.approved, &g), ATT_OK);
    permit = datascene_permit(&s, permit.approved);
    fault_tcti_plan(line, &plan);
    MUST(hw_tpm_data_sign(sig, tpm, &s.key, &permit, &g, digest, &diag));
    once = fault_tcti_commands(line); /* the last three: TPM2_Sign, and two flushed */
    first = once - 3;
    plan = (struct fault_plan){.fault = FAULT_CODE, .first = first, .count = 1, .value = 0x128};
    fault_tcti_plan(line, &plan);
    MUST(hw_tpm_data_sign(sig, tpm, &s.key, &permit, &g, digest, &diag));
    ck_assert_uint_eq(fault_tcti_commands(line), once + SESSION);
    plan.count = 0;
    fault_tcti_plan(line, &plan);
    ck_assert_int_ne(hw_tpm_data_sign(sig, tpm, &s.key, &permit, &g, digest, &why), ATT_OK);
    ck_assert_int_eq(why.reason, ATT_R_DK_MOVED);
    ck_assert_ptr_nonnull(strstr(why.text, "5 times; TPM2_StartAuthSession"));
    datascene_clear(&s);
    hw_tpm_close(tpm);
}
END_TEST

/* No authorisation names a PCR that the kernel moves all day, or one that can be reset. */
START_TEST(grant__names_no_pcr_that_moves_or_resets)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    static const uint32_t masks[] = {1U << 10, 1U << 13 | 1U << 10, 1U << 16, 1U << 23, 0};
    struct datascene s;

    datascene_make(&s, tpm);
    for (size_t i = 0; i < ATT_COUNT(masks); i++) {
        struct att_grant g = datascene_grant(&s, tpm, DATASCENE_PCRS, 600000);

        g.selection = hwtest_select(ATT_HASH_SHA256, masks[i]);
        datascene_sign(&s, &g);
        refused(&s, tpm, &g, ATT_R_DK_GRANT, "expected PCRs of one bank");
    }
    datascene_clear(&s);
    hwtest_disconnect(tpm);
}
END_TEST

int main(void)
{
    static const struct suite_fixture fixture = {start_unit, stop_unit};
    const struct suite_row rows[] = {
        {policies__are_those_of_a_trial_session, 0},
        {authority__has_the_name_that_the_tpm_computes, 0},
        {data_key__is_what_the_verifier_asks_for, 0},
        {certify__proves_key_and_place, 0},
        {permit__is_for_one_purpose, 0},
        {sign__needs_the_pcrs_that_were_authorised, 0},
        {sign__ends_with_the_clock, 0},
        {sign__ends_with_the_boot, 4},
        {sign__does_not_outlive_a_clear, 0},
        {sign__is_for_one_device_and_one_authority, 0},
        {sign__builds_the_session_again_when_a_pcr_moved, 0},
        {grant__names_no_pcr_that_moves_or_resets, 0},
    };

    if (!swtpm_available())
        return 77;
    return SUITE_RUN_ROWS("hw_data", rows, &fixture);
}
