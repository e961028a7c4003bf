/* Who the TPM is: EK certificates out of NV, endorsement keys by template, credential activation. */
#include "tpm/ident.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

#include "base/clock.h"
#include "base/file.h"
#include "crypto/cert.h"
#include "crypto/ek_cert.h"
#include "hwtest.h"
#include "tcg/cred.h"

static const enum hw_ek_kind kinds[] = {HW_EK_L1, HW_EK_L2, HW_EK_H1, HW_EK_H2, HW_EK_H3};

static struct swtpm *unit;

static void start_unit(void)
{
    unit = swtpm_new();
}

static void stop_unit(void)
{
    swtpm_free(unit);
    unit = NULL;
}

/* The certificate parses, leads to the maker's root as an EK certificate, and is for this key. */
static void expect_certified(const struct hw_ek *ek, const struct hw_ek_certs *certs,
                             const struct swtpm *maker)
{
    ATT_CLEANUP(att_anchors_freep) struct att_anchors *anchors = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    ATT_CLEANUP(att_cert_freep) struct att_cert *root = NULL;
    ATT_CLEANUP(att_cert_freep) struct att_cert *cert = NULL;
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *certified = NULL;
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    unsigned int fixes = 0;
    struct att_pubarea area;
    const struct hw_ek_cert *found = NULL;

    for (uint32_t i = 0; i < certs->count; i++)
        if (certs->cert[i].index == ek->cert_index)
            found = &certs->cert[i];
    ck_assert_ptr_nonnull(found);
    MUST(att_cert_parse_ek(&cert, &fixes, att_buf_slice(found->der), ATT_EK_FIX_ALL, &diag));
    ck_assert_uint_eq(fixes, 0);
    MUST(att_file_read(&pem, swtpm_ca_file(maker), 65536, &diag));
    MUST(att_cert_parse(&root, att_buf_slice(pem), &diag));
    ck_assert_int_eq(att_anchors_new(&anchors), ATT_OK);
    ck_assert_int_eq(att_anchors_add(anchors, root), ATT_OK);
    MUST(att_chain_verify(cert, NULL, 0, anchors, ATT_USE_EK, att_clock_utc_s(), ATT_R_ID_EKCERT,
                          &diag));
    MUST(att_pubarea_parse(&area, att_slice_of(ek->public_area, ek->public_len), &diag));
    MUST(att_pubarea_check_ek(&area, &diag));
    MUST(att_pubarea_key(&key, &area, &diag));
    MUST(att_cert_key(&certified, cert, &diag));
    ck_assert(att_pubkey_eq(key, certified));
}

START_TEST(ek_certs__are_found_and_lead_to_the_maker)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    ATT_CLEANUP(hw_ek_certs_free) struct hw_ek_certs certs = {.count = 0};
    struct hw_ek any, rsa;

    MUST(hw_tpm_ek_certs(&certs, tpm, &diag));
    ck_assert_uint_eq(certs.count, 2);
    ck_assert_uint_eq(certs.cert[0].index, 0x01c00002);
    ck_assert_uint_eq(certs.cert[1].index, 0x01c00016);
    ck_assert_uint_eq(certs.unreadable, 0);
    ck_assert_ptr_null(certs.chain);
    MUST(hw_tpm_ek(&any, tpm, HW_EK_ANY, &certs, &diag));
    ck_assert_int_eq(any.kind, HW_EK_H3);
    ck_assert_uint_eq(any.persistent, 0x81010016);
    expect_certified(&any, &certs, unit);
    MUST(hw_tpm_ek(&rsa, tpm, HW_EK_L1, &certs, &diag));
    ck_assert_uint_eq(rsa.persistent, 0x81010001);
    ck_assert_uint_eq(rsa.cert_index, 0x01c00002);
    expect_certified(&rsa, &certs, unit);
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(ek__is_made_from_the_template_when_it_does_not_persist)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    ATT_CLEANUP(hw_ek_certs_free) struct hw_ek_certs certs = {.count = 0};
    struct hw_ek before, after;

    MUST(hw_tpm_ek_certs(&certs, tpm, &diag));
    MUST(hw_tpm_ek(&before, tpm, HW_EK_L1, &certs, &diag));
    hwtest_disconnect(tpm);
    ck_assert_int_eq(swtpm_tool(unit, "tpm2_evictcontrol -Q -C o -c 0x81010001"), 0);
    tpm = hwtest_connect(unit);
    MUST(hw_tpm_ek(&after, tpm, HW_EK_L1, &certs, &diag));
    ck_assert_uint_eq(after.persistent, 0);
    ck_assert_uint_eq(after.cert_index, 0x01c00002);
    ck_assert(att_slice_eq(att_slice_of(before.public_area, before.public_len),
                           att_slice_of(after.public_area, after.public_len)));
    hwtest_disconnect(tpm);
}
END_TEST

/* Quirk 13: whatever stands at 0x81010001 is compared before it is used. */
START_TEST(ek__ignores_another_key_at_the_usual_handle)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    ATT_CLEANUP(hw_ek_certs_free) struct hw_ek_certs certs = {.count = 0};
    struct hw_ek ek;

    hw_tpm_close(tpm);
    ck_assert_int_eq(swtpm_tool(unit, "tpm2_evictcontrol -Q -C o -c 0x81010001 2>/dev/null; "
                                      "tpm2_createprimary -Q -C o -G rsa -c x.ctx && "
                                      "tpm2_evictcontrol -Q -C o -c x.ctx 0x81010001"),
                     0);
    tpm = hwtest_connect(unit);
    MUST(hw_tpm_ek_certs(&certs, tpm, &diag));
    MUST(hw_tpm_ek(&ek, tpm, HW_EK_L1, &certs, &diag));
    ck_assert_uint_eq(ek.persistent, 0);
    expect_certified(&ek, &certs, unit);
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(ek__of_every_kind_opens_a_credential)
{
    static const char secret[] = "a secret of at most 32 bytes";
    struct hwtest_credential c;
    struct hw_tpm *tpm;
    struct hw_ak ak;

    for (size_t i = 0; i < ATT_COUNT(kinds); i++) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *opened = NULL;
        struct hw_ek ek;

        tpm = hwtest_connect(unit);
        MUST(hw_tpm_ak_make(&ak, tpm, HW_AK_HANDLE, &diag));
        MUST(hw_tpm_ek(&ek, tpm, kinds[i], NULL, &diag));
        ck_assert_int_eq(ek.kind, kinds[i]);
        hwtest_expect_nothing_left(tpm);
        hwtest_make_credential(&c, unit, &ek, &ak, secret);
        MUST(hw_tpm_activate(&opened, tpm, &ek, &ak, &c.cred, &diag));
        ck_assert(att_slice_eq(att_buf_slice(opened), att_slice_str(secret)));
        hwtest_disconnect(tpm);
    }
}
END_TEST

/* What the verifier makes, a real TPM opens: for every kind of endorsement key. */
START_TEST(activate__opens_what_the_verifier_makes)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    uint8_t name[ATT_NAME_MAX];
    struct att_pubarea area;
    size_t name_len;
    struct hw_ak ak;

    MUST(hw_tpm_ak_make(&ak, tpm, HW_AK_HANDLE, &diag));
    MUST(att_pubarea_parse(&area, att_slice_of(ak.public_area, ak.public_len), &diag));
    ck_assert_int_eq(att_pubarea_name(name, &name_len, &area), ATT_OK);
    for (size_t i = 0; i < ATT_COUNT(kinds); i++) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *opened = NULL;
        struct att_credential made;
        struct hw_credential cred;
        struct hw_ek ek;

        MUST(hw_tpm_ek(&ek, tpm, kinds[i], NULL, &diag));
        MUST(att_pubarea_parse(&area, att_slice_of(ek.public_area, ek.public_len), &diag));
        MUST(att_credential_make(&made, &area, att_slice_of(name, name_len),
                                 att_slice_str("thirty-two bytes of a secret 123"), &diag));
        cred = (struct hw_credential){att_slice_of(made.id_object, made.id_object_len),
                                      att_slice_of(made.secret, made.secret_len)};
        MUST(hw_tpm_activate(&opened, tpm, &ek, &ak, &cred, &diag));
        ck_assert(
            att_slice_eq(att_buf_slice(opened), att_slice_str("thirty-two bytes of a secret 123")));
        hwtest_expect_nothing_left(tpm);
    }
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(activate__works_with_the_persistent_certified_key)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    ATT_CLEANUP(hw_ek_certs_free) struct hw_ek_certs certs = {.count = 0};
    ATT_CLEANUP(att_buf_freep) struct att_buf *opened = NULL;
    struct hwtest_credential c;
    struct hw_ek ek;
    struct hw_ak ak;

    MUST(hw_tpm_ak_make(&ak, tpm, HW_AK_HANDLE, &diag));
    MUST(hw_tpm_ek_certs(&certs, tpm, &diag));
    MUST(hw_tpm_ek(&ek, tpm, HW_EK_ANY, &certs, &diag));
    ck_assert_uint_ne(ek.persistent, 0);
    hwtest_make_credential(&c, unit, &ek, &ak, "persistent");
    MUST(hw_tpm_activate(&opened, tpm, &ek, &ak, &c.cred, &diag));
    ck_assert(att_slice_eq(att_buf_slice(opened), att_slice_str("persistent")));
    hwtest_disconnect(tpm);
}
END_TEST

static void expect_no_secret(struct hw_tpm *tpm, const struct hw_ek *ek, const struct hw_ak *ak,
                             const struct hw_credential *cred, enum att_err expected)
{
    struct att_buf *opened = NULL;
    struct att_diag diag;

    ck_assert_int_eq(hw_tpm_activate(&opened, tpm, ek, ak, cred, &diag), expected);
    ck_assert_int_eq(diag.reason, ATT_R_ID_ACTIVATE);
    ck_assert_ptr_null(opened);
    hwtest_expect_nothing_left(tpm);
}

START_TEST(activate__refuses_what_is_not_for_these_keys)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct hwtest_credential c;
    struct hw_credential odd;
    struct hw_ek ek;
    struct hw_ak ak, other;

    MUST(hw_tpm_ak_make(&ak, tpm, HW_AK_HANDLE, &diag));
    MUST(hw_tpm_ek(&ek, tpm, HW_EK_L2, NULL, &diag));
    other = ak;
    other.public_area[other.public_len - 1] ^= 1;
    hwtest_make_credential(&c, unit, &ek, &other, "for another attestation key");
    expect_no_secret(tpm, &ek, &ak, &c.cred, ATT_E_MISMATCH);
    hwtest_make_credential(&c, unit, &ek, &ak, "damaged on the way");
    c.bytes[sizeof(uint32_t) * 2 + 6] ^= 1;
    expect_no_secret(tpm, &ek, &ak, &c.cred, ATT_E_MISMATCH);
    odd = (struct hw_credential){att_slice_of(c.cred.id_object.p, c.cred.id_object.len - 1),
                                 c.cred.enc_secret};
    expect_no_secret(tpm, &ek, &ak, &odd, ATT_E_FORMAT);
    odd = (struct hw_credential){c.cred.id_object, att_slice_of("\0", 2)};
    expect_no_secret(tpm, &ek, &ak, &odd, ATT_E_FORMAT);
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(activate__notices_another_tpm)
{
    struct swtpm *sibling = swtpm_new_sibling(unit);
    struct hw_tpm *here = hwtest_connect(unit);
    struct hw_tpm *there = hwtest_connect(sibling);
    ATT_CLEANUP(hw_ek_certs_free) struct hw_ek_certs certs = {.count = 0};
    struct hwtest_credential c;
    struct att_buf *opened = NULL;
    struct att_diag diag;
    struct hw_ek ek, other_ek;
    struct hw_ak ak, other_ak;

    ck_assert_int_eq(hw_tpm_ak_make(&ak, here, HW_AK_HANDLE, &diag), ATT_OK);
    ck_assert_int_eq(hw_tpm_ek(&ek, here, HW_EK_L2, NULL, &diag), ATT_OK);
    ck_assert_int_eq(hw_tpm_ak_make(&other_ak, there, HW_AK_HANDLE, &diag), ATT_OK);
    ck_assert_int_eq(hw_tpm_ek_certs(&certs, there, &diag), ATT_OK);
    ck_assert_int_eq(hw_tpm_ek(&other_ek, there, HW_EK_L1, &certs, &diag), ATT_OK);
    expect_certified(&other_ek, &certs, unit); /* one maker */
    ck_assert_int_eq(hw_tpm_ek(&other_ek, there, HW_EK_L2, NULL, &diag), ATT_OK);
    ck_assert(!att_slice_eq(att_slice_of(ek.public_area, ek.public_len),
                            att_slice_of(other_ek.public_area, other_ek.public_len)));
    ck_assert(!att_slice_eq(att_slice_of(ak.public_area, ak.public_len),
                            att_slice_of(other_ak.public_area, other_ak.public_len)));
    hwtest_make_credential(&c, unit, &ek, &other_ak, "spread over two TPMs");
    ck_assert_int_eq(hw_tpm_activate(&opened, there, &ek, &other_ak, &c.cred, &diag),
                     ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_TPM_OTHER);
    ck_assert_ptr_null(opened);
    hwtest_disconnect(here);
    hwtest_disconnect(there);
    swtpm_free(sibling);
}
END_TEST

START_TEST(ek__without_a_certificate_is_a_normal_state)
{
    struct swtpm *blank = swtpm_new_blank();
    struct hw_tpm *tpm = hwtest_connect(blank);
    struct hw_ek_certs certs;
    struct hw_ek ek, again;

    MUST(hw_tpm_ek_certs(&certs, tpm, &diag));
    ck_assert_uint_eq(certs.count, 0);
    MUST(hw_tpm_ek(&ek, tpm, HW_EK_ANY, &certs, &diag));
    ck_assert_int_eq(ek.kind, HW_EK_L2);
    ck_assert_uint_eq(ek.cert_index, 0);
    MUST(hw_tpm_ek(&again, tpm, ek.kind, &certs, &diag));
    ck_assert_mem_eq(&ek, &again, sizeof ek);
    hwtest_disconnect(tpm);
    swtpm_free(blank);
}
END_TEST

/* Define an index and fill it with size bytes of a file made by head. */
static void define_index(const struct swtpm *t, const char *index, const char *options, int size,
                         const char *content)
{
    ck_assert_int_eq(swtpm_tool(t,
                                "(printf '%s'; head -c %d /dev/zero) | head -c %d >nv && "
                                "tpm2_nvdefine -Q -C o -s %d %s %s && "
                                "tpm2_nvwrite -Q -C o -i nv %s",
                                content, size, size, size, options, index, index),
                     0);
}

START_TEST(ek_certs__reads_long_indexes_in_parts_and_joins_the_chain)
{
    struct swtpm *t = swtpm_new_blank();
    struct hw_tpm *tpm = hwtest_connect(t);
    ATT_CLEANUP(hw_ek_certs_free) struct hw_ek_certs certs = {.count = 0};
    struct hw_tpm_info info;

    MUST(hw_tpm_info(&info, tpm, &diag));
    hw_tpm_close(tpm);
    ck_assert_uint_lt(info.nv_buffer_max, 2000);
    define_index(t, "0x01c0000a", "-a 'ownerwrite|ownerread|no_da'", 2000, "\\060\\202abc");
    define_index(t, "0x01c00101", "-a 'ownerwrite|ownerread|no_da'", 1500, "second");
    define_index(t, "0x01c00100", "-a 'ownerwrite|ownerread|no_da'", 1100, "first");
    define_index(t, "0x01c00003", "-a 'ownerwrite|ownerread|no_da'", 20, "nonce");
    define_index(t, "0x01c08000", "-a 'ownerwrite|ownerread|no_da'", 20, "\\060\\202outside");
    tpm = hwtest_connect(t);
    MUST(hw_tpm_ek_certs(&certs, tpm, &diag));
    ck_assert_uint_eq(certs.count, 1);
    ck_assert_uint_eq(certs.cert[0].index, 0x01c0000a);
    ck_assert_uint_eq(att_buf_len(certs.cert[0].der), 2000);
    ck_assert_mem_eq(att_buf_slice(certs.cert[0].der).p, "0\202abc\0", 6);
    ck_assert_uint_eq(att_buf_len(certs.chain), 2600);
    ck_assert_mem_eq(att_buf_slice(certs.chain).p, "first", 5);
    ck_assert_mem_eq(att_buf_slice(certs.chain).p + 1100, "second", 6);
    hwtest_disconnect(tpm);
    swtpm_free(t);
}
END_TEST

START_TEST(ek_certs__never_count_towards_a_lockout)
{
    struct swtpm *t = swtpm_new_blank();
    struct hw_tpm *tpm = hwtest_connect(t);
    ATT_CLEANUP(hw_ek_certs_free) struct hw_ek_certs certs = {.count = 0};
    struct hw_tpm_info info;

    hw_tpm_close(tpm);
    /* readable by itself; with a password that counts; never written; nobody may read it */
    define_index(t, "0x01c00002", "-a 'ownerwrite|authread|no_da'", 100, "\\060\\202open");
    define_index(t, "0x01c0000a", "-a 'ownerwrite|authread' -p password", 100, "\\060\\202shut");
    define_index(t, "0x01c00012", "-a 'ownerwrite|policyread|no_da'", 100, "\\060\\202policy");
    ck_assert_int_eq(swtpm_tool(t, "tpm2_nvdefine -Q -C o -s 64 -a 'ownerwrite|ownerread|no_da' "
                                   "0x01c00014"),
                     0);
    tpm = hwtest_connect(t);
    for (int i = 0; i < 5; i++) {
        hw_ek_certs_free(&certs);
        MUST(hw_tpm_ek_certs(&certs, tpm, &diag));
        ck_assert_uint_eq(certs.count, 1);
        ck_assert_uint_eq(certs.cert[0].index, 0x01c00002);
        ck_assert_uint_eq(certs.unreadable, 3);
    }
    MUST(hw_tpm_info(&info, tpm, &diag));
    ck_assert_uint_eq(info.lockout_counter, 0);
    hwtest_disconnect(tpm);
    swtpm_free(t);
}
END_TEST

/*
 * A P-256 endorsement key whose unique field starts with a nonce, by the stack alone. (tpm2_createek 5.4
 * copies the address of the nonce, so it cannot be the oracle.)
 */
static void make_ecc_ek(const struct swtpm *t, const struct hw_ek *plain, const char *nonce,
                        uint8_t *out, size_t *out_len)
{
    TSS2_TCTI_CONTEXT *tcti = NULL;
    ESYS_CONTEXT *esys = NULL;
    TPM2B_SENSITIVE_CREATE sensitive = {.size = 0};
    TPM2B_DATA outside = {.size = 0};
    TPML_PCR_SELECTION pcrs = {.count = 0};
    TPM2B_PUBLIC want = {.size = 0};
    TPM2B_PUBLIC *key = NULL;
    ESYS_TR tr;
    size_t off = 0;

    ck_assert_uint_eq(Tss2_MU_TPMT_PUBLIC_Unmarshal(plain->public_area, plain->public_len, &off,
                                                    &want.publicArea),
                      TSS2_RC_SUCCESS);
    memset(want.publicArea.unique.ecc.x.buffer, 0, 32);
    memset(want.publicArea.unique.ecc.y.buffer, 0, 32);
    memcpy(want.publicArea.unique.ecc.x.buffer, nonce, strlen(nonce));
    ck_assert_uint_eq(Tss2_TctiLdr_Initialize(swtpm_tcti(t), &tcti), TSS2_RC_SUCCESS);
    ck_assert_uint_eq(Esys_Initialize(&esys, tcti, NULL), TSS2_RC_SUCCESS);
    ck_assert_uint_eq(Esys_CreatePrimary(esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD,
                                         ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &want, &outside,
                                         &pcrs, &tr, &key, NULL, NULL, NULL),
                      TSS2_RC_SUCCESS);
    ck_assert_uint_eq(Esys_FlushContext(esys, tr), TSS2_RC_SUCCESS);
    *out_len = 0;
    ck_assert_uint_eq(Tss2_MU_TPMT_PUBLIC_Marshal(&key->publicArea, out, ATT_PUBAREA_MAX, out_len),
                      TSS2_RC_SUCCESS);
    Esys_Free(key);
    Esys_Finalize(&esys);
    Tss2_TctiLdr_Finalize(&tcti);
}

/* Profile 2.2.1.3: a maker's nonce makes another key of the same template. */
START_TEST(ek__takes_the_nonce_that_the_maker_left)
{
    struct swtpm *t = swtpm_new_blank();
    struct hw_tpm *tpm = hwtest_connect(t);
    ATT_CLEANUP(hw_ek_certs_free) struct hw_ek_certs certs = {.count = 0};
    ATT_CLEANUP(att_buf_freep) struct att_buf *opened = NULL;
    struct hwtest_credential c;
    uint8_t made[ATT_PUBAREA_MAX];
    size_t made_len;
    char path[128];
    struct hw_ek plain, ek;
    struct hw_ak ak;

    MUST(hw_tpm_ek(&plain, tpm, HW_EK_L2, NULL, &diag));
    hw_tpm_close(tpm);
    make_ecc_ek(t, &plain, "maker nonce", made, &made_len);
    define_index(t, "0x01c0000b", "-a 'ownerwrite|ownerread|no_da'", 11, "maker nonce");
    (void)snprintf(path, sizeof path, "%s/n.pub", swtpm_folder(t));
    MUST(att_file_write(path, att_slice_of(made, made_len), 0600, &diag));
    /* What stands for a certificate holds the public area, and that is all that is looked for. */
    ck_assert_int_eq(swtpm_tool(t,
                                "(printf '0\\202'; cat n.pub) >nv && tpm2_nvdefine -Q -C o -s "
                                "%zu -a 'ownerwrite|ownerread|no_da' 0x01c0000a && tpm2_nvwrite "
                                "-Q -C o -i nv 0x01c0000a",
                                made_len + 2),
                     0);
    tpm = hwtest_connect(t);
    MUST(hw_tpm_ek_certs(&certs, tpm, &diag));
    MUST(hw_tpm_ek(&ek, tpm, HW_EK_ANY, &certs, &diag));
    ck_assert_int_eq(ek.kind, HW_EK_L2);
    ck_assert(ek.nv_template);
    ck_assert_uint_eq(ek.cert_index, 0x01c0000a);
    ck_assert(
        att_slice_eq(att_slice_of(ek.public_area, ek.public_len), att_slice_of(made, made_len)));
    ck_assert_mem_ne(ek.public_area, plain.public_area, plain.public_len);
    MUST(hw_tpm_ak_make(&ak, tpm, HW_AK_HANDLE, &diag));
    hwtest_make_credential(&c, t, &ek, &ak, "nonce");
    MUST(hw_tpm_activate(&opened, tpm, &ek, &ak, &c.cred, &diag));
    ck_assert(att_slice_eq(att_buf_slice(opened), att_slice_str("nonce")));
    hwtest_disconnect(tpm);
    swtpm_free(t);
}
END_TEST

/* The same keys as the usual tool makes from the same templates. */
START_TEST(ek__agrees_with_tpm2_createek)
{
    static const struct {
        enum hw_ek_kind kind;
        const char *algorithm;
    } rows[] = {{HW_EK_L1, "rsa"}, {HW_EK_L2, "ecc"}};

    for (size_t i = 0; i < ATT_COUNT(rows); i++) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
        struct hw_tpm *tpm = hwtest_connect(unit);
        char path[128];
        struct hw_ek ek;

        MUST(hw_tpm_ek(&ek, tpm, rows[i].kind, NULL, &diag));
        hwtest_disconnect(tpm);
        ck_assert_int_eq(swtpm_tool(unit,
                                    "tpm2_createek -Q -G %s -c e.ctx && tpm2_readpublic -Q -c "
                                    "e.ctx -f tpmt -o e.pub && tpm2_flushcontext -t",
                                    rows[i].algorithm),
                         0);
        (void)snprintf(path, sizeof path, "%s/e.pub", swtpm_folder(unit));
        MUST(att_file_read(&file, path, 1024, &diag));
        ck_assert(att_slice_eq(att_slice_of(ek.public_area, ek.public_len), att_buf_slice(file)));
    }
}
END_TEST

START_TEST(ek_kind__names_are_found_again)
{
    for (size_t i = 0; i < ATT_COUNT(kinds); i++)
        ck_assert_int_eq(hw_ek_kind_find(hw_ek_kind_name(kinds[i])), kinds[i]);
    ck_assert_int_eq(hw_ek_kind_find("L-9"), HW_EK_ANY);
    ck_assert_str_eq(hw_ek_kind_name(HW_EK_ANY), "any");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("hw_ident");
    TCase *t = tcase_create("swtpm");

    tcase_set_timeout(t, 120);
    tcase_add_unchecked_fixture(t, start_unit, stop_unit);
    tcase_add_test(t, ek_kind__names_are_found_again);
    tcase_add_test(t, ek_certs__are_found_and_lead_to_the_maker);
    tcase_add_test(t, ek__of_every_kind_opens_a_credential);
    tcase_add_test(t, ek__agrees_with_tpm2_createek);
    tcase_add_test(t, activate__opens_what_the_verifier_makes);
    tcase_add_test(t, activate__works_with_the_persistent_certified_key);
    tcase_add_test(t, activate__refuses_what_is_not_for_these_keys);
    tcase_add_test(t, activate__notices_another_tpm);
    tcase_add_test(t, ek__is_made_from_the_template_when_it_does_not_persist);
    tcase_add_test(t, ek__ignores_another_key_at_the_usual_handle);
    tcase_add_test(t, ek__without_a_certificate_is_a_normal_state);
    tcase_add_test(t, ek_certs__reads_long_indexes_in_parts_and_joins_the_chain);
    tcase_add_test(t, ek_certs__never_count_towards_a_lockout);
    tcase_add_test(t, ek__takes_the_nonce_that_the_maker_left);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r;
    int failed;

    if (!swtpm_available()) {
        puts("swtpm is not installed; scripts/setup does it");
        return 77;
    }
    r = srunner_create(suite());
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
