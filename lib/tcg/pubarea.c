/* TPMT_PUBLIC: parsed strictly; the key, its name, its attributes. */
#include "tcg/pubarea.h"

#include <string.h>

#include "base/guard.h"
#include "base/rd.h"
#include "base/wr.h"

#define TYPE_RSA 0x0001
#define TYPE_ECC 0x0023

#define ALG_TDES      0x0003
#define ALG_AES       0x0006
#define ALG_NULL      0x0010
#define ALG_SM4       0x0013
#define ALG_RSASSA    0x0014
#define ALG_RSAES     0x0015
#define ALG_RSAPSS    0x0016
#define ALG_OAEP      0x0017
#define ALG_ECDSA     0x0018
#define ALG_ECDH      0x0019
#define ALG_ECDAA     0x001a
#define ALG_SM2       0x001b
#define ALG_ECSCHNORR 0x001c
#define ALG_ECMQV     0x001d
#define ALG_CAMELLIA  0x0026

#define CURVE_P256 3
#define CURVE_P384 4
#define CURVE_P521 5
#define CURVE_LAST 0x0042 /* Curve448, the last of the TCG algorithm registry 1.34, 6.4 */

#define RSA_BYTES_MAX 512 /* MAX_RSA_KEY_BYTES */
#define ECC_BYTES_MAX 128 /* MAX_ECC_KEY_BYTES of the software stack */

/* TPMA_OBJECT, bits that Part 2, 8.3.3 keeps for later */
#define ATTRIBUTES_RESERVED 0xfff0f009U

static struct att_slice read_2b(struct att_rd *r, uint32_t max)
{
    uint32_t len = att_rd_count16be(r, max);

    return att_rd_bytes(r, len);
}

/* TPMT_SYM_DEF_OBJECT+ (Part 2, 11.1.7) */
static void read_symmetric(struct att_rd *r, struct att_pubarea *p)
{
    p->sym_alg = att_rd_u16be(r);
    switch (p->sym_alg) {
    case ALG_NULL:
        return;
    case ALG_TDES:
    case ALG_AES:
    case ALG_SM4:
    case ALG_CAMELLIA:
        p->sym_bits = att_rd_u16be(r);
        p->sym_mode = att_rd_u16be(r);
        return;
    default:
        att_rd_fail(r, ATT_E_UNSUPPORTED);
    }
}

static void read_scheme_hash(struct att_rd *r, struct att_pubarea *p)
{
    p->scheme_hash = (enum att_hash)att_rd_u16be(r);
    if (att_rd_ok(r) && att_hash_size(p->scheme_hash) == 0) {
        att_rd_fail(r, ATT_E_UNSUPPORTED);
    }
}

/* TPMT_RSA_SCHEME+ (Part 2, 11.2.4.2) */
static void read_rsa_scheme(struct att_rd *r, struct att_pubarea *p)
{
    p->scheme = att_rd_u16be(r);
    switch (p->scheme) {
    case ALG_NULL:
    case ALG_RSAES:
        return;
    case ALG_RSASSA:
    case ALG_RSAPSS:
    case ALG_OAEP:
        read_scheme_hash(r, p);
        return;
    default:
        att_rd_fail(r, ATT_E_UNSUPPORTED);
    }
}

/* TPMT_ECC_SCHEME+ (Part 2, 11.2.5.6) */
static void read_ecc_scheme(struct att_rd *r, struct att_pubarea *p)
{
    p->scheme = att_rd_u16be(r);
    switch (p->scheme) {
    case ALG_NULL:
        return;
    case ALG_ECDAA:
        read_scheme_hash(r, p);
        att_rd_skip(r, 2); /* count */
        return;
    case ALG_ECDSA:
    case ALG_ECDH:
    case ALG_SM2:
    case ALG_ECSCHNORR:
    case ALG_ECMQV:
        read_scheme_hash(r, p);
        return;
    default:
        att_rd_fail(r, ATT_E_UNSUPPORTED);
    }
}

static void read_rsa(struct att_rd *r, struct att_pubarea *p)
{
    read_symmetric(r, p);
    read_rsa_scheme(r, p);
    p->rsa_bits = att_rd_u16be(r);
    p->rsa_exponent = att_rd_u32be(r);
    p->rsa_n = read_2b(r, RSA_BYTES_MAX);
}

static void read_ecc(struct att_rd *r, struct att_pubarea *p)
{
    uint16_t kdf = 0;

    read_symmetric(r, p);
    read_ecc_scheme(r, p);
    p->ecc_curve = att_rd_u16be(r);
    if (att_rd_ok(r) && (p->ecc_curve == 0 || p->ecc_curve > CURVE_LAST)) {
        att_rd_fail(r, ATT_E_UNSUPPORTED);
    }
    kdf = att_rd_u16be(r);
    if (kdf != ALG_NULL) {
        att_rd_skip(r, 2); /* the KDF's hash */
    }
    p->ecc_x = read_2b(r, ECC_BYTES_MAX);
    p->ecc_y = read_2b(r, ECC_BYTES_MAX);
}

static void read_public(struct att_rd *r, struct att_pubarea *p)
{
    p->type = att_rd_u16be(r);
    p->name_alg = (enum att_hash)att_rd_u16be(r);
    if (att_rd_ok(r) && !att_hash_usable(p->name_alg)) {
        att_rd_fail(r, ATT_E_UNSUPPORTED);
    }
    p->attributes = att_rd_u32be(r);
    if ((p->attributes & ATTRIBUTES_RESERVED) != 0) {
        att_rd_fail(r, ATT_E_FORMAT);
    }
    p->auth_policy = read_2b(r, ATT_HASH_MAX);
    if (p->auth_policy.len != 0 && p->auth_policy.len != att_hash_size(p->name_alg)) {
        att_rd_fail(r, ATT_E_FORMAT);
    }
    switch (p->type) {
    case TYPE_RSA:
        read_rsa(r, p);
        return;
    case TYPE_ECC:
        read_ecc(r, p);
        return;
    default:
        att_rd_fail(r, ATT_E_UNSUPPORTED);
    }
}

/* The TPMT_PUBLIC inside a TPM2B_PUBLIC whose size covers the input, else the input itself. */
static struct att_slice without_size(struct att_slice in)
{
    struct att_rd r = att_rd_slice(in);
    uint16_t size = att_rd_u16be(&r);

    if (att_rd_ok(&r) && size == att_rd_left(&r)) {
        return att_rd_rest(&r);
    }
    return in;
}

enum att_err att_pubarea_parse(struct att_pubarea *out, struct att_slice in, struct att_diag *diag)
{
    struct att_pubarea p = {.encoded = without_size(in)};
    struct att_rd r = att_rd_slice(p.encoded);
    enum att_err err = ATT_OK;

    if (in.len > ATT_PUBAREA_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_KEY, "public",
                        "expected at most %d bytes, found %zu", ATT_PUBAREA_MAX, in.len);
    }
    r.base = in.len - p.encoded.len;
    read_public(&r, &p);
    err = att_rd_end_diag(&r, ATT_R_FMT_KEY, "public", diag);
    if (err == ATT_E_UNSUPPORTED) {
        return att_fail_at(diag, err, ATT_R_FMT_KEY, "public", r.err_off,
                           "an algorithm of this key (type 0x%04x) is not supported", p.type);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = p;
    return ATT_OK;
}

/* alg || H(parts), the form of every name. */
static enum att_err make_name(uint8_t *out, size_t *out_len, enum att_hash alg,
                              const struct att_slice *parts, size_t count)
{
    struct att_wr w = att_wr_into(out, ATT_NAME_MAX);
    uint8_t digest[ATT_HASH_MAX];
    struct att_slice name = {0};
    enum att_err err = att_digest(alg, parts, count, digest);

    if (err != ATT_OK) {
        return err;
    }
    att_wr_u16be(&w, (uint16_t)alg);
    att_wr_bytes(&w, digest, att_hash_size(alg));
    err = att_wr_done(&w, &name);
    if (err != ATT_OK) {
        return err;
    }
    *out_len = name.len;
    return ATT_OK;
}

enum att_err att_pubarea_name(uint8_t *out, size_t *out_len, const struct att_pubarea *p)
{
    return make_name(out, out_len, p->name_alg, &p->encoded, 1);
}

bool att_pubarea_has_name(struct att_slice encoded, struct att_slice name)
{
    struct att_pubarea p;
    uint8_t own[ATT_NAME_MAX];
    size_t own_len = 0;

    return att_pubarea_parse(&p, encoded, NULL) == ATT_OK &&
           att_pubarea_name(own, &own_len, &p) == ATT_OK &&
           att_slice_eq(att_slice_of(own, own_len), name);
}

static size_t field_size(uint16_t curve)
{
    switch (curve) {
    case CURVE_P256:
        return 32;
    case CURVE_P384:
        return 48;
    case CURVE_P521:
        return 66;
    default:
        return 0;
    }
}

static void write_padded(struct att_wr *w, struct att_slice coordinate, size_t field)
{
    att_wr_u16be(w, (uint16_t)field);
    att_wr_zeros(w, field - coordinate.len);
    att_wr_slice(w, coordinate);
}

enum att_err att_pubarea_padded(struct att_slice *out, uint8_t room[ATT_PUBAREA_MAX],
                                const struct att_pubarea *p)
{
    struct att_rd r = att_rd_slice(p->encoded);
    struct att_wr w = att_wr_into(room, ATT_PUBAREA_MAX);
    size_t field = p->type == TYPE_ECC ? field_size(p->ecc_curve) : 0;
    size_t tail = 4 + p->ecc_x.len + p->ecc_y.len;

    /* Other kinds have nothing to pad; longer coordinates are refused by att_pubarea_key. */
    bool pads = field != 0 && p->ecc_x.len <= field && p->ecc_y.len <= field;

    if (ATT_GUARD(EK_PADDED, pads)) {
        att_wr_slice(&w, att_rd_bytes(&r, p->encoded.len - tail));
        write_padded(&w, p->ecc_x, field);
        write_padded(&w, p->ecc_y, field);
        return att_wr_done(&w, out);
    }
    att_wr_slice(&w, p->encoded);
    return att_wr_done(&w, out);
}

enum att_err att_pubarea_ek_name(uint8_t *out, size_t *out_len, const struct att_pubarea *p)
{
    uint8_t room[ATT_PUBAREA_MAX];
    struct att_slice padded = {0};
    enum att_err err = att_pubarea_padded(&padded, room, p);

    return err == ATT_OK ? make_name(out, out_len, p->name_alg, &padded, 1) : err;
}

/* nameAlg of the object || H(what it stands under || its name) */
static enum att_err qualify(uint8_t *out, size_t *out_len, struct att_slice under,
                            struct att_slice name)
{
    struct att_rd r = att_rd_slice(name);
    enum att_hash alg = (enum att_hash)att_rd_u16be(&r);
    const struct att_slice parts[2] = {under, name};

    if (!att_hash_usable(alg)) {
        return ATT_E_UNSUPPORTED;
    }
    if (att_rd_left(&r) != att_hash_size(alg)) {
        return ATT_E_FORMAT;
    }
    return make_name(out, out_len, alg, parts, ATT_COUNT(parts));
}

enum att_err att_qualified_name(uint8_t *out, size_t *out_len, uint32_t hierarchy,
                                struct att_slice name)
{
    uint8_t handle[4];
    struct att_wr w = att_wr_into(handle, sizeof(handle));

    att_wr_u32be(&w, hierarchy);
    return qualify(out, out_len, att_slice_of(handle, sizeof(handle)), name);
}

enum att_err att_qualified_child(uint8_t *out, size_t *out_len, struct att_slice parent,
                                 struct att_slice name)
{
    return qualify(out, out_len, parent, name);
}

enum att_err att_pubarea_key(struct att_pubkey **out, const struct att_pubarea *p,
                             struct att_diag *diag)
{
    enum att_key_type curve = ATT_KEY_EC_P256;

    if (p->type == TYPE_RSA) {
        if (p->rsa_n.len * 8 != p->rsa_bits) {
            return att_fail(diag, ATT_E_FORMAT, ATT_R_ID_KEY, "public.unique",
                            "a modulus of %zu bytes for a key of %u bits", p->rsa_n.len,
                            (unsigned int)p->rsa_bits);
        }
        return att_pubkey_from_rsa(out, p->rsa_n, p->rsa_exponent, diag);
    }
    switch (p->ecc_curve) {
    case CURVE_P256:
        curve = ATT_KEY_EC_P256;
        break;
    case CURVE_P384:
        curve = ATT_KEY_EC_P384;
        break;
    case CURVE_P521:
        curve = ATT_KEY_EC_P521;
        break;
    default:
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_ID_WEAKKEY, "public.curve",
                        "curve 0x%04x is not supported", p->ecc_curve);
    }
    return att_pubkey_from_ec(out, curve, p->ecc_x, p->ecc_y, diag);
}

static bool lacks(const struct att_pubarea *p, uint32_t attribute)
{
    return (p->attributes & attribute) == 0;
}

static enum att_err refuse_ak(struct att_diag *diag, const char *what)
{
    return att_fail(diag, ATT_E_DENIED, ATT_R_ID_AKATTR, "ak", "the attestation key %s", what);
}

static enum att_err refuse_ek(struct att_diag *diag, const char *what)
{
    return att_fail(diag, ATT_E_DENIED, ATT_R_ID_EKCERT, "ek", "the endorsement key %s", what);
}

/* SHA-1 makes a forged quote a matter of collisions, so it is refused before a key is enrolled. */
static bool hash_good(const struct att_pubarea *p)
{
    return p->scheme_hash == ATT_HASH_SHA256 || p->scheme_hash == ATT_HASH_SHA384 ||
           p->scheme_hash == ATT_HASH_SHA512;
}

static bool ak_scheme_good(const struct att_pubarea *p)
{
    return hash_good(p) && p->scheme == (p->type == TYPE_RSA ? ALG_RSASSA : ALG_ECDSA);
}

/* The templates ask for RSAPSS, makers use either. */
static bool iak_scheme_good(const struct att_pubarea *p)
{
    return ak_scheme_good(p) || (hash_good(p) && p->type == TYPE_RSA && p->scheme == ALG_RSAPSS);
}

/* What a key must have, or must not, to speak for the TPM that it is in; the flaw of whatever differs. */
struct attribute_rule {
    uint32_t bit;
    bool set;
    const char *flaw;
};

static const struct attribute_rule SIGNS_INSIDE[] = {
    {ATT_OBJ_SIGN, true, "is not a signing key"},
    {ATT_OBJ_FIXED_TPM, true, "is not fixedTPM: it could leave the TPM"},
    {ATT_OBJ_FIXED_PARENT, true, "is not fixedParent: it could be duplicated"},
    {ATT_OBJ_SENSITIVE_DATA_ORIGIN, true,
     "was not generated by the TPM (sensitiveDataOrigin is clear)"},
    {ATT_OBJ_DECRYPT, false, "may decrypt as well as sign"},
};

static const char *flaw_of(const struct att_pubarea *p)
{
    for (size_t i = 0; i < ATT_COUNT(SIGNS_INSIDE); i++) {
        if (((p->attributes & SIGNS_INSIDE[i].bit) != 0) != SIGNS_INSIDE[i].set) {
            return SIGNS_INSIDE[i].flaw;
        }
    }
    return NULL;
}

enum att_err att_pubarea_check_ak(const struct att_pubarea *p, struct att_diag *diag)
{
    if (ATT_GUARD(AK_RESTRICTED, lacks(p, ATT_OBJ_RESTRICTED))) {
        return refuse_ak(diag, "is not restricted: it would sign forged structures");
    }
    if (ATT_GUARD(AK_SIGN, lacks(p, ATT_OBJ_SIGN))) {
        return refuse_ak(diag, "is not a signing key");
    }
    if (ATT_GUARD(AK_FIXED_TPM, lacks(p, ATT_OBJ_FIXED_TPM))) {
        return refuse_ak(diag, "is not fixedTPM: it could leave the TPM");
    }
    if (ATT_GUARD(AK_FIXED_PARENT, lacks(p, ATT_OBJ_FIXED_PARENT))) {
        return refuse_ak(diag, "is not fixedParent: it could be duplicated");
    }
    if (ATT_GUARD(AK_ORIGIN, lacks(p, ATT_OBJ_SENSITIVE_DATA_ORIGIN))) {
        return refuse_ak(diag, "was not generated by the TPM (sensitiveDataOrigin is clear)");
    }
    if (ATT_GUARD(AK_DECRYPT, !lacks(p, ATT_OBJ_DECRYPT))) {
        return refuse_ak(diag, "may decrypt as well as sign");
    }
    if (ATT_GUARD(AK_ST_CLEAR, !lacks(p, ATT_OBJ_ST_CLEAR))) {
        return refuse_ak(diag, "is stClear: it would be gone after a restart");
    }
    if (ATT_GUARD(AK_NO_DA, lacks(p, ATT_OBJ_NO_DA))) {
        return refuse_ak(diag, "is not noDA: power cuts would lock it");
    }
    if (ATT_GUARD(AK_SCHEME, !ak_scheme_good(p))) {
        return refuse_ak(diag, "must fix ECDSA or RSASSA with SHA-256 or better as its scheme");
    }
    return ATT_OK;
}

static enum att_err refuse_factory_key(struct att_diag *diag, const char *what, const char *flaw)
{
    return att_fail(diag, ATT_E_DENIED, ATT_R_ID_IAKATTR, what, "the %s key %s",
                    strcmp(what, "iak") == 0 ? "initial attestation" : "device identity", flaw);
}

enum att_err att_pubarea_check_iak(const struct att_pubarea *p, struct att_diag *diag)
{
    const char *flaw = flaw_of(p);

    if (ATT_GUARD(IAK_RESTRICTED, lacks(p, ATT_OBJ_RESTRICTED))) {
        return refuse_factory_key(diag, "iak",
                                  "is not restricted: it would sign forged structures");
    }
    if (ATT_GUARD(IAK_ATTRIBUTES, flaw != NULL)) {
        return refuse_factory_key(diag, "iak", flaw);
    }
    if (ATT_GUARD(IAK_SCHEME, !iak_scheme_good(p))) {
        return refuse_factory_key(
            diag, "iak", "must fix ECDSA, RSASSA or RSAPSS with SHA-256 or better as its scheme");
    }
    return ATT_OK;
}

enum att_err att_pubarea_check_idevid(const struct att_pubarea *p, struct att_diag *diag)
{
    const char *flaw = flaw_of(p);

    if (ATT_GUARD(IDEVID_ATTRIBUTES, flaw != NULL)) {
        return refuse_factory_key(diag, "idevid", flaw);
    }
    return ATT_OK;
}

enum att_err att_pubarea_check_ek(const struct att_pubarea *p, struct att_diag *diag)
{
    if (ATT_GUARD(EK_RESTRICTED, lacks(p, ATT_OBJ_RESTRICTED))) {
        return refuse_ek(diag, "is not restricted");
    }
    if (ATT_GUARD(EK_DECRYPT, lacks(p, ATT_OBJ_DECRYPT))) {
        return refuse_ek(diag, "is not a decryption key");
    }
    if (ATT_GUARD(EK_SIGN, !lacks(p, ATT_OBJ_SIGN))) {
        return refuse_ek(diag, "may sign as well as decrypt");
    }
    if (ATT_GUARD(EK_FIXED_TPM, lacks(p, ATT_OBJ_FIXED_TPM))) {
        return refuse_ek(diag, "is not fixedTPM");
    }
    if (ATT_GUARD(EK_FIXED_PARENT, lacks(p, ATT_OBJ_FIXED_PARENT))) {
        return refuse_ek(diag, "is not fixedParent");
    }
    if (ATT_GUARD(EK_ORIGIN, lacks(p, ATT_OBJ_SENSITIVE_DATA_ORIGIN))) {
        return refuse_ek(diag, "was not generated by the TPM (sensitiveDataOrigin is clear)");
    }
    /* What the credential profile has templates for and every TPM can make */
    if (ATT_GUARD(EK_CURVE, p->type == TYPE_ECC && p->ecc_curve != CURVE_P256 &&
                                p->ecc_curve != CURVE_P384)) {
        return att_fail(diag, ATT_E_DENIED, ATT_R_ID_WEAKKEY, "ek.curve",
                        "expected the curve P-256 or P-384, found 0x%04x", p->ecc_curve);
    }
    return ATT_OK;
}

enum att_err att_pubarea_scheme(enum att_scheme *scheme, enum att_hash *hash,
                                const struct att_pubarea *p)
{
    enum att_scheme found = ATT_SCHEME_ECDSA;

    if (p->type == TYPE_RSA && p->scheme == ALG_RSASSA) {
        found = ATT_SCHEME_RSASSA;
    } else if (p->type == TYPE_RSA && p->scheme == ALG_RSAPSS) {
        found = ATT_SCHEME_RSAPSS;
    } else if (p->type != TYPE_ECC || p->scheme != ALG_ECDSA) {
        return ATT_E_UNSUPPORTED;
    }
    *scheme = found;
    *hash = p->scheme_hash;
    return ATT_OK;
}
