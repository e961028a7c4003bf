/* The TPM in software: keys as the TPM describes them, PCRs and clock. */
#include "softtpm.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "base/wr.h"
#include "need.h"

/* PolicySecret(TPM_RH_ENDORSEMENT), SHA-256: PolicyA of the EK profile, section B.3.3. */
static const uint8_t ek_policy[32] = {
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
    0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};

#define EK_ATTRIBUTES 0x000300b2U
#define TPM_AES       0x0006U
#define TPM_CFB       0x0043U
#define TPM_P256      0x0003U

static const enum att_hash banks[] = {ATT_HASH_SHA1, ATT_HASH_SHA256, ATT_HASH_SHA384};

static const EVP_MD *md_of(enum att_hash hash)
{
    switch (hash) {
    case ATT_HASH_SHA1:
        return EVP_sha1();
    case ATT_HASH_SHA384:
        return EVP_sha384();
    case ATT_HASH_SHA512:
        return EVP_sha512();
    default:
        return EVP_sha256();
    }
}

static size_t size_of(enum att_hash hash)
{
    return (size_t)EVP_MD_get_size(md_of(hash));
}

static void hash_two(uint8_t *out, enum att_hash hash, struct att_slice a, struct att_slice b)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    NEED(ctx != NULL && EVP_DigestInit_ex(ctx, md_of(hash), NULL) == 1);
    NEED(EVP_DigestUpdate(ctx, a.p, a.len) == 1 && EVP_DigestUpdate(ctx, b.p, b.len) == 1);
    NEED(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
    EVP_MD_CTX_free(ctx);
}

static void write_2b(struct att_wr *w, const void *p, size_t len)
{
    att_wr_u16be(w, (uint16_t)len);
    att_wr_bytes(w, p, len);
}

static void write_point(struct att_wr *w, EVP_PKEY *key)
{
    BIGNUM *x = NULL;
    BIGNUM *y = NULL;
    uint8_t bytes[64];

    NEED(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1);
    NEED(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1);
    NEED(BN_bn2binpad(x, bytes, 32) == 32 && BN_bn2binpad(y, bytes + 32, 32) == 32);
    write_2b(w, bytes, 32);
    write_2b(w, bytes + 32, 32);
    BN_free(x);
    BN_free(y);
}

static void write_modulus(struct att_wr *w, EVP_PKEY *key)
{
    BIGNUM *n = NULL;
    uint8_t bytes[256];

    NEED(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1);
    NEED(BN_bn2binpad(n, bytes, sizeof(bytes)) == (int)sizeof(bytes));
    write_2b(w, bytes, sizeof(bytes));
    BN_free(n);
}

/* Name (Part 1, 16) and, as a primary of the endorsement hierarchy, qualified name (16.5). */
static void name_key(struct softtpm_key *key)
{
    static const uint8_t endorsement[4] = {0x40, 0x00, 0x00, 0x0b};

    key->name[0] = 0x00;
    key->name[1] = 0x0b;
    hash_two(key->name + 2, ATT_HASH_SHA256, att_slice_of(key->public_area, key->public_len),
             att_slice_of(NULL, 0));
    key->name_len = 34;
    key->qualified[0] = 0x00;
    key->qualified[1] = 0x0b;
    hash_two(key->qualified + 2, ATT_HASH_SHA256, att_slice_of(endorsement, 4),
             att_slice_of(key->name, key->name_len));
    key->qualified_len = 34;
}

static void describe_ek(struct softtpm_key *key, enum softtpm_ek_kind kind)
{
    bool rsa = kind == SOFTTPM_EK_RSA2048;
    struct att_wr w = att_wr_into(key->public_area, sizeof(key->public_area));

    att_wr_u16be(&w, rsa ? SOFTTPM_ALG_RSA : SOFTTPM_ALG_ECC);
    att_wr_u16be(&w, ATT_HASH_SHA256);
    att_wr_u32be(&w, EK_ATTRIBUTES);
    write_2b(&w, ek_policy, sizeof(ek_policy));
    att_wr_u16be(&w, TPM_AES);
    att_wr_u16be(&w, 128);
    att_wr_u16be(&w, TPM_CFB);
    att_wr_u16be(&w, SOFTTPM_ALG_NULL);
    if (rsa) {
        att_wr_u16be(&w, 2048);
        att_wr_u32be(&w, 0);
        write_modulus(&w, key->pkey);
    } else {
        att_wr_u16be(&w, TPM_P256);
        att_wr_u16be(&w, SOFTTPM_ALG_NULL);
        write_point(&w, key->pkey);
    }
    NEED(att_wr_ok(&w));
    key->public_len = w.len;
    name_key(key);
}

void softtpm_describe_ak(struct softtpm_key *key, const struct softtpm_ak_order *order)
{
    struct att_wr w = att_wr_into(key->public_area, sizeof(key->public_area));

    att_wr_u16be(&w, order->type);
    att_wr_u16be(&w, ATT_HASH_SHA256);
    att_wr_u32be(&w, order->attributes);
    att_wr_u16be(&w, 0);
    att_wr_u16be(&w, SOFTTPM_ALG_NULL);
    att_wr_u16be(&w, order->scheme);
    if (order->scheme != SOFTTPM_ALG_NULL) {
        att_wr_u16be(&w, (uint16_t)order->hash);
    }
    if (order->type == SOFTTPM_ALG_RSA) {
        att_wr_u16be(&w, 2048);
        att_wr_u32be(&w, 0);
        write_modulus(&w, key->pkey);
    } else {
        att_wr_u16be(&w, TPM_P256);
        att_wr_u16be(&w, SOFTTPM_ALG_NULL);
        write_point(&w, key->pkey);
    }
    NEED(att_wr_ok(&w));
    key->public_len = w.len;
    key->scheme = order->scheme;
    key->hash = order->hash;
    name_key(key);
}

EVP_PKEY *softtpm_p256(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    NEED(key != NULL);
    return key;
}

void softtpm_replace_ak(struct softtpm *tpm, const struct softtpm_ak_order *order)
{
    EVP_PKEY_free(tpm->ak.pkey);
    tpm->ak.pkey = order->type == SOFTTPM_ALG_RSA ? EVP_RSA_gen(2048) : softtpm_p256();
    NEED(tpm->ak.pkey != NULL);
    softtpm_describe_ak(&tpm->ak, order);
}

struct softtpm *softtpm_new(const struct softtpm_ca *ca, enum softtpm_ek_kind kind)
{
    static const struct softtpm_ak_order usual = {.type = SOFTTPM_ALG_ECC,
                                                  .attributes = SOFTTPM_AK_ATTRIBUTES,
                                                  .scheme = SOFTTPM_ALG_ECDSA,
                                                  .hash = ATT_HASH_SHA256};
    static const struct softtpm_cert_order ordinary;
    struct softtpm *tpm = calloc(1, sizeof(*tpm));
    size_t i;

    NEED(tpm != NULL);
    tpm->ek.pkey = kind == SOFTTPM_EK_RSA2048 ? EVP_RSA_gen(2048) : softtpm_p256();
    NEED(tpm->ek.pkey != NULL);
    describe_ek(&tpm->ek, kind);
    softtpm_replace_ak(tpm, &usual);
    if (ca != NULL) {
        softtpm_certify_ek(tpm, ca, &ordinary);
    }
    tpm->pcrs.count = ATT_COUNT(banks);
    for (i = 0; i < ATT_COUNT(banks); i++) {
        tpm->pcrs.bank[i].bank = banks[i];
    }
    tpm->clock.clock_ms = 60000;
    tpm->firmware_version = 0x2023102400120000ULL;
    softtpm_reset(tpm);
    return tpm;
}

void softtpm_free(struct softtpm *tpm)
{
    if (tpm == NULL) {
        return;
    }
    EVP_PKEY_free(tpm->ek.pkey);
    EVP_PKEY_free(tpm->ak.pkey);
    free(tpm);
}

struct att_slice softtpm_public(const struct softtpm_key *key)
{
    return att_slice_of(key->public_area, key->public_len);
}

struct att_slice softtpm_name(const struct softtpm_key *key)
{
    return att_slice_of(key->name, key->name_len);
}

struct att_slice softtpm_ek_cert(const struct softtpm *tpm)
{
    return att_slice_of(tpm->ek_cert, tpm->ek_cert_len);
}

void softtpm_tick(struct softtpm *tpm, uint64_t ms)
{
    tpm->clock.clock_ms += ms;
}

/* PC Client profile: 17 to 22 are all ones until a dynamic launch, the others zero. */
static void clear_pcrs(struct softtpm *tpm)
{
    uint32_t i;
    uint32_t pcr;

    for (i = 0; i < tpm->pcrs.count; i++) {
        tpm->pcrs.bank[i].has = (1U << ATT_PCR_COUNT) - 1;
        for (pcr = 0; pcr < ATT_PCR_COUNT; pcr++) {
            memset(tpm->pcrs.bank[i].value[pcr], pcr >= 17 && pcr <= 22 ? 0xff : 0, ATT_HASH_MAX);
        }
    }
}

void softtpm_reset(struct softtpm *tpm)
{
    clear_pcrs(tpm);
    tpm->clock.reset_count++;
    tpm->clock.restart_count = 0;
    tpm->clock.safe = true;
}

void softtpm_restart(struct softtpm *tpm)
{
    clear_pcrs(tpm);
    tpm->clock.restart_count++;
    tpm->clock.safe = true;
}

static struct att_pcr_bank *bank_of(struct softtpm *tpm, enum att_hash bank)
{
    size_t i;

    for (i = 0; i < tpm->pcrs.count; i++) {
        if (tpm->pcrs.bank[i].bank == bank) {
            return &tpm->pcrs.bank[i];
        }
    }
    NEED(false && "a bank that this TPM has");
    return NULL;
}

void softtpm_extend(struct softtpm *tpm, uint32_t pcr, enum att_hash bank, const uint8_t *digest)
{
    uint8_t *value;

    NEED(pcr < ATT_PCR_COUNT);
    value = bank_of(tpm, bank)->value[pcr];
    hash_two(value, bank, att_slice_of(value, size_of(bank)), att_slice_of(digest, size_of(bank)));
}

void softtpm_event(struct softtpm *tpm, uint32_t pcr, struct att_slice data)
{
    uint8_t digest[ATT_HASH_MAX];
    size_t i;

    for (i = 0; i < ATT_COUNT(banks); i++) {
        hash_two(digest, banks[i], data, att_slice_of(NULL, 0));
        softtpm_extend(tpm, pcr, banks[i], digest);
    }
}

void softtpm_pcr_set(struct softtpm *tpm, uint32_t pcr, uint8_t fill)
{
    size_t i;

    for (i = 0; i < ATT_COUNT(banks); i++) {
        memset(bank_of(tpm, banks[i])->value[pcr], fill, ATT_HASH_MAX);
    }
}

const uint8_t *softtpm_pcr(const struct softtpm *tpm, enum att_hash bank, uint32_t pcr)
{
    size_t i;

    for (i = 0; i < tpm->pcrs.count; i++) {
        if (tpm->pcrs.bank[i].bank == bank) {
            return tpm->pcrs.bank[i].value[pcr];
        }
    }
    return NULL;
}

struct att_pcr_selection softtpm_selection(enum att_hash bank, uint32_t mask)
{
    return (struct att_pcr_selection){.count = 1,
                                      .sel[0] = {.bank = bank, .mask = mask, .size = 3}};
}
