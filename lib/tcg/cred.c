/*
 * Credential protection (TPM 2.0 Part 1, 24) made in software: what only the TPM that holds both
 * keys can open. The seed goes to the endorsement key, the attestation key's name goes into every
 * derived key.
 */
#include "tcg/cred.h"

#include <string.h>

#include "base/buf.h"
#include "base/wr.h"
#include "crypto/key.h"
#include "crypto/seal.h"

#define ALG_AES      0x0006
#define ALG_NULL     0x0010
#define ALG_CFB      0x0043
#define TYPE_RSA     0x0001
#define EC_BYTES_MAX 66

/* What is derived on the way; wiped on every path. */
struct secrets {
    uint8_t seed[ATT_HASH_MAX];
    uint8_t sym_key[32];
    uint8_t mac_key[ATT_HASH_MAX];
};

/* A label as the standard hashes it: with its terminating zero. */
static struct att_slice label_of(const char *text)
{
    return att_slice_of(text, strlen(text) + 1);
}

static void put_u32be(uint8_t out[4], uint32_t v)
{
    struct att_wr w = att_wr_into(out, 4);

    att_wr_u32be(&w, v);
}

/*
 * KDFa (Part 1, 11.4.10.2): HMAC(key, i || label || contextU || bits); contextV is empty in all our
 * uses. One block is enough: no key is longer than the hash.
 */
static enum att_err kdfa(uint8_t *out, size_t len, enum att_hash alg, struct att_slice seed,
                         const char *label, struct att_slice context)
{
    uint8_t counter[4];
    uint8_t bits[4];
    uint8_t block[ATT_HASH_MAX];
    struct att_slice parts[4] = {att_slice_of(counter, 4), label_of(label), context,
                                 att_slice_of(bits, 4)};
    enum att_err err = ATT_OK;

    if (len > att_hash_size(alg)) {
        return ATT_E_UNSUPPORTED;
    }
    put_u32be(counter, 1);
    put_u32be(bits, (uint32_t)len * 8);
    err = att_hmac(alg, seed, parts, ATT_COUNT(parts), block);
    if (err == ATT_OK) {
        memcpy(out, block, len);
    }
    att_wipe(block, sizeof(block));
    return err;
}

/* The seed under RSA-OAEP (Part 1, B.10.4): the hash is the key's name algorithm. */
static enum att_err seed_to_rsa(struct secrets *s, struct att_wr *w, const struct att_pubarea *ek,
                                const struct att_pubkey *key)
{
    size_t size = att_hash_size(ek->name_alg);
    uint8_t sealed[512];
    size_t len = 0;
    enum att_err err = att_random(s->seed, size);

    if (err != ATT_OK) {
        return err;
    }
    err = att_oaep_encrypt(key, ek->name_alg, label_of("IDENTITY"), att_slice_of(s->seed, size),
                           sealed, sizeof(sealed), &len);
    if (err != ATT_OK) {
        return err;
    }
    att_wr_u16be(w, (uint16_t)len);
    att_wr_bytes(w, sealed, len);
    return ATT_OK;
}

static void put_2b(struct att_wr *w, const uint8_t *p, size_t len)
{
    att_wr_u16be(w, (uint16_t)len);
    att_wr_bytes(w, p, len);
}

/* KDFe (Part 1, 11.4.10.3): H(1 || Z || label || x of the ephemeral key || x of the EK). */
static enum att_err seed_to_ecc(struct secrets *s, struct att_wr *w, const struct att_pubarea *ek,
                                const struct att_pubkey *key)
{
    uint8_t x[EC_BYTES_MAX];
    uint8_t y[EC_BYTES_MAX];
    uint8_t z[EC_BYTES_MAX];
    uint8_t ek_x[EC_BYTES_MAX];
    uint8_t ek_y[EC_BYTES_MAX];
    uint8_t counter[4];
    size_t size = 0;
    size_t ek_size = 0;
    enum att_err err = att_pubkey_ec_point(key, ek_x, ek_y, &ek_size);

    if (err != ATT_OK) {
        return err;
    }
    err = att_ecdh_ephemeral(key, x, y, z, &size);
    if (err != ATT_OK) {
        return err;
    }
    put_u32be(counter, 1);
    {
        struct att_slice parts[5] = {att_slice_of(counter, 4), att_slice_of(z, size),
                                     label_of("IDENTITY"), att_slice_of(x, size),
                                     att_slice_of(ek_x, ek_size)};

        err = att_digest(ek->name_alg, parts, ATT_COUNT(parts), s->seed);
    }
    att_wipe(z, sizeof(z));
    if (err != ATT_OK) {
        return err;
    }
    att_wr_u16be(w, (uint16_t)(4 + 2 * size)); /* TPMS_ECC_POINT */
    put_2b(w, x, size);
    put_2b(w, y, size);
    return ATT_OK;
}

/* TPM2B_ID_OBJECT: an HMAC and the encrypted TPM2B of the secret (Part 2, 12.4.3). */
static enum att_err seal_identity(struct secrets *s, struct att_wr *w, const struct att_pubarea *ek,
                                  struct att_slice ak_name, struct att_slice secret)
{
    enum att_hash alg = ek->name_alg;
    size_t size = att_hash_size(alg);
    struct att_slice seed = att_slice_of(s->seed, size);
    size_t key_len = ek->sym_bits / 8;
    uint8_t inner[2 + ATT_HASH_MAX];
    uint8_t mac[ATT_HASH_MAX];
    struct att_wr plain = att_wr_into(inner, sizeof(inner));
    enum att_err err = kdfa(s->sym_key, key_len, alg, seed, "STORAGE", ak_name);

    put_2b(&plain, secret.p, secret.len);
    if (err == ATT_OK) {
        err = att_aes_cfb_encrypt(att_slice_of(s->sym_key, key_len), att_slice_of(inner, plain.len),
                                  inner);
    }
    if (err == ATT_OK) {
        err = kdfa(s->mac_key, size, alg, seed, "INTEGRITY", att_slice_of(NULL, 0));
    }
    if (err == ATT_OK) {
        struct att_slice parts[2] = {att_slice_of(inner, plain.len), ak_name};

        err = att_hmac(alg, att_slice_of(s->mac_key, size), parts, ATT_COUNT(parts), mac);
    }
    if (err == ATT_OK) {
        att_wr_u16be(w, (uint16_t)(2 + size + plain.len));
        put_2b(w, mac, size);
        att_wr_bytes(w, inner, plain.len);
    }
    att_wipe(inner, sizeof(inner));
    return err;
}

static enum att_err check_input(const struct att_pubarea *ek, struct att_slice ak_name,
                                struct att_slice secret, struct att_diag *diag)
{
    size_t size = att_hash_size(ek->name_alg);

    if (ek->sym_alg != ALG_AES || ek->sym_mode != ALG_CFB ||
        (ek->sym_bits != 128 && ek->sym_bits != 256) || ek->scheme != ALG_NULL) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_ID_KEY, "ek",
                        "expected a storage key with AES-CFB of 128 or 256 bits");
    }
    if (!att_hash_usable(ek->name_alg) || ek->name_alg == ATT_HASH_SHA1) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_ID_KEY, "ek.nameAlg",
                        "expected SHA-256, SHA-384 or SHA-512");
    }
    if (secret.len == 0 || secret.len > size) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_INTERNAL, "secret",
                        "expected 1 to %zu bytes, found %zu", size, secret.len);
    }
    if (ak_name.len < 2 || ak_name.len > ATT_NAME_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_ID_KEY, "ak", "not a name: %zu bytes",
                        ak_name.len);
    }
    return ATT_OK;
}

static enum att_err make(struct att_credential *out, const struct att_pubarea *ek,
                         struct att_slice ak_name, struct att_slice secret, struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    struct secrets s = {{0}, {0}, {0}};
    struct att_wr sealed = att_wr_into(out->secret, sizeof(out->secret));
    struct att_wr id = att_wr_into(out->id_object, sizeof(out->id_object));
    enum att_err err = att_pubarea_key(&key, ek, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = ek->type == TYPE_RSA ? seed_to_rsa(&s, &sealed, ek, key)
                               : seed_to_ecc(&s, &sealed, ek, key);
    if (err == ATT_OK) {
        err = seal_identity(&s, &id, ek, ak_name, secret);
    }
    att_wipe(&s, sizeof(s));
    if (err == ATT_OK && (!att_wr_ok(&sealed) || !att_wr_ok(&id))) {
        err = ATT_E_INTERNAL;
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "credential", "it could not be made");
    }
    out->secret_len = sealed.len;
    out->id_object_len = id.len;
    return ATT_OK;
}

enum att_err att_credential_make(struct att_credential *out, const struct att_pubarea *ek,
                                 struct att_slice ak_name, struct att_slice secret,
                                 struct att_diag *diag)
{
    struct att_credential made = {.id_object_len = 0};
    enum att_err err = check_input(ek, ak_name, secret, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = make(&made, ek, ak_name, secret, diag);
    if (err != ATT_OK) {
        return err;
    }
    *out = made;
    return ATT_OK;
}
