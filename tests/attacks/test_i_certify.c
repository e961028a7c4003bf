/*
 * The word of a factory's key (IAK) about another key of its TPM, falsified field by field; and factory keys that
 * would speak for no TPM. Beyond the attack matrix: it has no row for IDevID and IAK.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "evidence/certified.h"
#include "need.h"
#include "tcg/certify.h"

#define TYPE_CREATION 0x801aU

static const struct softtpm_ak_order IAK = {.type = SOFTTPM_ALG_ECC,
                                            .attributes = SOFTTPM_AK_ATTRIBUTES & ~ATT_OBJ_NO_DA,
                                            .scheme = SOFTTPM_ALG_ECDSA,
                                            .hash = ATT_HASH_SHA256};

/* Two keys of one TPM, what the first says of the second, and what a verifier expects of that. */
struct scene {
    struct softtpm *tpm;
    struct softtpm_ca *ca;
    struct softtpm_key iak;
    struct softtpm_attest attest;
    struct softtpm_bytes attest_bytes, signature;
    struct att_ak signer;
    uint8_t qualifying[32];
    struct att_certify_expect expect;
};

static struct scene *scene_new(const struct softtpm_ak_order *order)
{
    struct scene *s = calloc(1, sizeof(*s));
    const struct att_pcr_selection none = softtpm_selection(ATT_HASH_SHA256, 1);

    NEED(s != NULL);
    s->ca = softtpm_ca_new("A maker of TPMs");
    s->tpm = softtpm_new(s->ca, SOFTTPM_EK_P256);
    s->iak.pkey = order->type == SOFTTPM_ALG_RSA ? EVP_RSA_gen(2048) : softtpm_p256();
    softtpm_describe_ak(&s->iak, order);
    memset(s->qualifying, 0x42, sizeof(s->qualifying));
    s->attest = softtpm_attest(s->tpm, att_slice_of(s->qualifying, 32), &none);
    softtpm_attest_certify(&s->attest, &s->iak, &s->tpm->ak);
    NEED(att_ak_parse(&s->signer, softtpm_public(&s->iak), NULL) == ATT_OK);
    s->expect = (struct att_certify_expect){
        .reason = ATT_R_ID_IAKPROOF,
        .signer = &s->signer,
        .qualifying = att_slice_of(s->qualifying, 32),
        .name = softtpm_name(&s->tpm->ak),
        .qualified_name = att_slice_of(s->tpm->ak.qualified, s->tpm->ak.qualified_len)};
    return s;
}

static void scene_free(struct scene *s)
{
    att_ak_clear(&s->signer);
    EVP_PKEY_free(s->iak.pkey);
    softtpm_free(s->tpm);
    softtpm_ca_free(s->ca);
    free(s);
}

static enum att_err judge(struct scene *s, struct att_diag *diag)
{
    return att_certify_verify(softtpm_slice(&s->attest_bytes), softtpm_slice(&s->signature),
                              &s->expect, diag);
}

static void sign(struct scene *s, const struct softtpm_key *key)
{
    struct softtpm_signature sig;

    s->attest_bytes = softtpm_attest_encode(&s->attest);
    sig = softtpm_sign(key, softtpm_slice(&s->attest_bytes));
    s->signature = softtpm_signature_encode(&sig);
}

static void refused(struct scene *s, const char *word)
{
    struct att_diag diag = {0};

    ck_assert_int_ne(judge(s, &diag), ATT_OK);
    ck_assert_int_eq(diag.reason, ATT_R_ID_IAKPROOF);
    ck_assert_str_eq(diag.field, word);
    ck_assert_str_ne(diag.text, "");
    scene_free(s);
}

START_TEST(certify__honest_word_is_taken_in_each_scheme)
{
    static const struct softtpm_ak_order SCHEMES[] = {
        {SOFTTPM_ALG_ECC, SOFTTPM_AK_ATTRIBUTES, SOFTTPM_ALG_ECDSA, ATT_HASH_SHA256},
        {SOFTTPM_ALG_RSA, SOFTTPM_AK_ATTRIBUTES, SOFTTPM_ALG_RSAPSS, ATT_HASH_SHA256},
        {SOFTTPM_ALG_RSA, SOFTTPM_AK_ATTRIBUTES, SOFTTPM_ALG_RSASSA, ATT_HASH_SHA384},
    };
    struct scene *s = scene_new(&SCHEMES[_i]);
    struct att_diag diag = {0};

    sign(s, &s->iak);
    ck_assert_msg(judge(s, &diag) == ATT_OK, "%s", diag.text);
    scene_free(s);
}
END_TEST

/* What an unrestricted key signs is data, and data can look like anything but this. */
START_TEST(certify__wrong_magic_is_refused)
{
    struct scene *s = scene_new(&IAK);

    s->attest.magic = 0;
    sign(s, &s->iak);
    refused(s, "certify.magic");
}
END_TEST

/* The creation of a key has a body of the same form: a name, and a digest of any bytes of its maker. */
START_TEST(certify__other_kind_of_attestation_is_refused)
{
    struct scene *s = scene_new(&IAK);

    s->attest.type = TYPE_CREATION;
    sign(s, &s->iak);
    refused(s, "certify.type");
}
END_TEST

START_TEST(certify__signature_of_another_key_is_refused)
{
    struct scene *s = scene_new(&IAK);

    sign(s, &s->tpm->ak);
    refused(s, "certify.signature");
}
END_TEST

/* The key's own scheme is SHA-256; a signature over SHA-1 of the same key is weaker than what was certified. */
START_TEST(certify__weaker_hash_than_the_key_names_is_refused)
{
    struct scene *s = scene_new(&IAK);
    struct softtpm_signature sig;

    s->attest_bytes = softtpm_attest_encode(&s->attest);
    sig =
        softtpm_sign_as(&s->iak, SOFTTPM_ALG_ECDSA, ATT_HASH_SHA1, softtpm_slice(&s->attest_bytes));
    s->signature = softtpm_signature_encode(&sig);
    refused(s, "certify.signature");
}
END_TEST

/* The same key under another parent is where its owner, not the endorsement hierarchy, decides. */
START_TEST(certify__signer_of_another_place_is_refused)
{
    struct scene *s = scene_new(&IAK);

    s->attest.signer[10] ^= 1;
    sign(s, &s->iak);
    refused(s, "certify.signer");
}
END_TEST

START_TEST(certify__word_of_another_enrolment_is_refused)
{
    struct scene *s = scene_new(&IAK);

    s->attest.extra[31] ^= 1;
    sign(s, &s->iak);
    refused(s, "certify.nonce");
}
END_TEST

START_TEST(certify__cut_qualifying_data_is_refused)
{
    struct scene *s = scene_new(&IAK);

    s->attest.extra_len = 31;
    sign(s, &s->iak);
    refused(s, "certify.nonce");
}
END_TEST

START_TEST(certify__word_about_another_key_is_refused)
{
    struct scene *s = scene_new(&IAK);

    softtpm_attest_certify(&s->attest, &s->iak, &s->tpm->ek);
    sign(s, &s->iak);
    refused(s, "certify.name");
}
END_TEST

START_TEST(certify__key_of_another_place_is_refused)
{
    struct scene *s = scene_new(&IAK);

    s->attest.body[s->attest.body_len - 1] ^= 1;
    sign(s, &s->iak);
    refused(s, "certify.place");
}
END_TEST

/* Truncations and what hangs behind: signed as they are, so that the form alone is left to judge. */
START_TEST(certify__malformed_structure_is_refused)
{
    struct scene *s = scene_new(&IAK);
    struct softtpm_bytes whole;
    struct softtpm_signature sig;

    sign(s, &s->iak);
    whole = s->attest_bytes;
    for (size_t len = 0; len <= whole.len + 1; len++) {
        struct att_diag diag = {0};

        if (len == whole.len) {
            continue;
        }
        s->attest_bytes = whole;
        s->attest_bytes.len = len;
        sig = softtpm_sign(&s->iak, softtpm_slice(&s->attest_bytes));
        s->signature = softtpm_signature_encode(&sig);
        ck_assert_int_ne(judge(s, &diag), ATT_OK);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_ATTEST);
    }
    scene_free(s);
}
END_TEST

/* ---- what a factory's key may be ------------------------------------------------------------- */

static enum att_err check(bool idevid, const struct softtpm_ak_order *order, struct att_diag *diag)
{
    struct softtpm_key key = {.pkey = order->type == SOFTTPM_ALG_RSA ? EVP_RSA_gen(2048)
                                                                     : softtpm_p256()};
    struct att_pubarea area;
    enum att_err err = ATT_OK;

    softtpm_describe_ak(&key, order);
    NEED(att_pubarea_parse(&area, softtpm_public(&key), NULL) == ATT_OK);
    err = idevid ? att_pubarea_check_idevid(&area, diag) : att_pubarea_check_iak(&area, diag);
    EVP_PKEY_free(key.pkey);
    return err;
}

static void key_refused(bool idevid, const struct softtpm_ak_order *order)
{
    struct att_diag diag = {0};

    ck_assert_int_eq(check(idevid, order, &diag), ATT_E_DENIED);
    ck_assert_int_eq(diag.reason, ATT_R_ID_IAKATTR);
    ck_assert_str_eq(diag.field, idevid ? "idevid" : "iak");
}

static const uint32_t NEEDED[] = {ATT_OBJ_SIGN, ATT_OBJ_FIXED_TPM, ATT_OBJ_FIXED_PARENT,
                                  ATT_OBJ_SENSITIVE_DATA_ORIGIN, ATT_OBJ_DECRYPT};

START_TEST(iak__each_missing_attribute_is_refused)
{
    struct softtpm_ak_order order = IAK;

    ck_assert_int_eq(check(false, &order, NULL), ATT_OK);
    order.attributes ^= NEEDED[_i];
    key_refused(false, &order);
}
END_TEST

START_TEST(iak__unrestricted_key_is_refused)
{
    struct softtpm_ak_order order = IAK;

    order.attributes &= ~ATT_OBJ_RESTRICTED;
    key_refused(false, &order);
}
END_TEST

START_TEST(iak__weak_or_open_scheme_is_refused)
{
    static const struct softtpm_ak_order WEAK[] = {
        {SOFTTPM_ALG_ECC, SOFTTPM_AK_ATTRIBUTES, SOFTTPM_ALG_ECDSA, ATT_HASH_SHA1},
        {SOFTTPM_ALG_RSA, SOFTTPM_AK_ATTRIBUTES, SOFTTPM_ALG_RSAPSS, ATT_HASH_SHA1},
        {SOFTTPM_ALG_ECC, SOFTTPM_AK_ATTRIBUTES, SOFTTPM_ALG_NULL, ATT_HASH_NONE},
    };

    key_refused(false, &WEAK[_i]);
}
END_TEST

/* An IDevID key signs data, so it is not restricted; all the rest is asked of it as well. */
START_TEST(idevid__each_missing_attribute_is_refused)
{
    struct softtpm_ak_order order = IAK;

    order.attributes &= ~ATT_OBJ_RESTRICTED;
    order.scheme = SOFTTPM_ALG_NULL;
    ck_assert_int_eq(check(true, &order, NULL), ATT_OK);
    order.attributes ^= NEEDED[_i];
    key_refused(true, &order);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"I-23-honest", certify__honest_word_is_taken_in_each_scheme, 3, 60},
        {"I-23-magic", certify__wrong_magic_is_refused, 0, 0},
        {"I-23-type", certify__other_kind_of_attestation_is_refused, 0, 0},
        {"I-23-signature", certify__signature_of_another_key_is_refused, 0, 0},
        {"I-23-hash", certify__weaker_hash_than_the_key_names_is_refused, 0, 0},
        {"I-23-signer", certify__signer_of_another_place_is_refused, 0, 0},
        {"I-23-nonce", certify__word_of_another_enrolment_is_refused, 0, 0},
        {"I-23-short", certify__cut_qualifying_data_is_refused, 0, 0},
        {"I-23-name", certify__word_about_another_key_is_refused, 0, 0},
        {"I-23-place", certify__key_of_another_place_is_refused, 0, 0},
        {"I-23-form", certify__malformed_structure_is_refused, 0, 0},
        {"I-24", iak__unrestricted_key_is_refused, 0, 0},
        {"I-24-attributes", iak__each_missing_attribute_is_refused, 5, 0},
        {"I-24-scheme", iak__weak_or_open_scheme_is_refused, 3, 60},
        {"I-24-idevid", idevid__each_missing_attribute_is_refused, 5, 0},
    };

    return attack_rows("attacks: certifications", rows, ATT_COUNT(rows));
}
