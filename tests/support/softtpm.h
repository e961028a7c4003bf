/*
 * A TPM in software, for tests and the load generator: it makes exactly the bytes that a TPM makes, and
 * on request bytes that no TPM makes, so that an attack changes one thing and nothing else.
 *
 * It shares no code with what it tests beyond the byte writer: keys, names, quotes and credentials are
 * made here with OpenSSL alone (TPM 2.0 Library, Part 1: 16, 24 and Annexes B, C; Part 2: 10.12, 12.2).
 * Whatever must work for a test to mean anything stops the program when it does not (need.h).
 */
#ifndef ATT_TEST_SOFTTPM_H
#define ATT_TEST_SOFTTPM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/slice.h"
#include "crypto/digest.h"
#include "tcg/pcr.h"
#include "tcg/pubarea.h"
#include "tcg/quote.h"

#define SOFTTPM_ALG_RSA    0x0001U
#define SOFTTPM_ALG_ECC    0x0023U
#define SOFTTPM_ALG_NULL   0x0010U
#define SOFTTPM_ALG_RSASSA 0x0014U
#define SOFTTPM_ALG_RSAPSS 0x0016U
#define SOFTTPM_ALG_ECDSA  0x0018U
#define SOFTTPM_AK_ATTRIBUTES                                                                      \
    (ATT_OBJ_FIXED_TPM | ATT_OBJ_FIXED_PARENT | ATT_OBJ_SENSITIVE_DATA_ORIGIN |                    \
     ATT_OBJ_USER_WITH_AUTH | ATT_OBJ_NO_DA | ATT_OBJ_RESTRICTED | ATT_OBJ_SIGN)

/* A certification authority of the tests: one self-signed root. */
struct softtpm_ca {
    EVP_PKEY *key;
    X509 *root;
};

struct softtpm_ca *softtpm_ca_new(const char *name);
void softtpm_ca_free(struct softtpm_ca *ca);
void softtpm_ca_write_pem(const struct softtpm_ca *ca, const char *path);

/* An authority from files, such as the service's own: both PEM. */
struct softtpm_ca *softtpm_ca_load(const char *cert_path, const char *key_path);

/* A TLS certificate; alt is a subject alternative name in OpenSSL's text form, or NULL for none. */
struct softtpm_tls_order {
    const char *common_name;
    const char *alt;   /* "DNS:localhost,IP:127.0.0.1", "URI:urn:attestd:device:x" */
    const char *usage; /* "clientAuth", "serverAuth"; NULL for no extended usage */
    int64_t not_before_s, not_after_s; /* from now; both 0: an hour ago, a year ahead */
    const char *url;                   /* as above */
};
X509 *softtpm_issue(const struct softtpm_ca *ca, EVP_PKEY *key,
                    const struct softtpm_tls_order *order);

/* What a certificate says; an all-zero order is an ordinary EK certificate. */
struct softtpm_cert_order {
    int64_t not_before_s, not_after_s; /* from now; both 0: an hour ago, ten years ahead */
    bool is_ca;
    bool without_ek_usage;
    bool self_signed;         /* by the endorsement key itself, in a name of its own */
    const char *manufacturer; /* NULL: "id:46414B45", which is FAKE */
    const char *url; /* issuer's certificate and revocation list are said to be there; NULL: none */
};

/* An authority whose certificate the root signed. */
struct softtpm_ca *softtpm_ca_below(const struct softtpm_ca *root, const char *name);

/* A revocation list by ca, over these certificates (DER); times from now. PEM. */
struct softtpm_crl_order {
    struct att_slice revoked[4];
    size_t revoked_count;
    int64_t this_update_s, next_update_s; /* both 0: a minute ago, a day ahead */
    EVP_PKEY *other_key;                  /* signs in the name of ca; NULL: its own */
};
void softtpm_ca_write_crl(const struct softtpm_ca *ca, const char *path,
                          const struct softtpm_crl_order *order);

/* What a factory's certificate says; an all-zero order is an ordinary IAK certificate. */
struct softtpm_devid_order {
    int64_t not_before_s, not_after_s; /* from now; both 0: an hour ago, until 9999 */
    bool is_ca;
    const char *usage;  /* extended key usage; NULL: 2.23.133.8.3; "": none */
    const char *policy; /* certificate policies, commas between them; NULL: none */
    const char *serial; /* of the device; NULL: "GW-0001" */
    const char *module; /* hwSerialNum; NULL: "FAKE:0a0b:0c" */
};

struct softtpm_key {
    EVP_PKEY *pkey;
    uint8_t public_area[ATT_PUBAREA_MAX]; /* TPMT_PUBLIC */
    size_t public_len;
    uint8_t name[ATT_NAME_MAX];
    size_t name_len;
    uint8_t qualified[ATT_NAME_MAX]; /* as a primary of the endorsement hierarchy */
    size_t qualified_len;
    uint16_t scheme; /* signing keys: TPM_ALG_ID */
    enum att_hash hash;
};

struct softtpm {
    struct softtpm_key ek, ak;
    uint8_t ek_cert[4096]; /* DER */
    size_t ek_cert_len;
    struct att_pcr_values pcrs; /* sha1, sha256, sha384 */
    struct att_clock_info clock;
    uint64_t firmware_version;
};

enum softtpm_ek_kind { SOFTTPM_EK_P256, SOFTTPM_EK_RSA2048 }; /* templates L-2 and L-1 */

/* A TPM after its first power-up, with an EK, its certificate from ca, and the usual AK. */
struct softtpm *softtpm_new(const struct softtpm_ca *ca, enum softtpm_ek_kind kind);
void softtpm_free(struct softtpm *tpm);
void softtpm_certify_ek(struct softtpm *tpm, const struct softtpm_ca *ca,
                        const struct softtpm_cert_order *order);

struct softtpm_ak_order {
    uint16_t type;       /* SOFTTPM_ALG_ECC (P-256) or SOFTTPM_ALG_RSA (2048) */
    uint32_t attributes; /* TPMA_OBJECT */
    uint16_t scheme;
    enum att_hash hash;
};

/* Another AK in place of the one before. */
void softtpm_replace_ak(struct softtpm *tpm, const struct softtpm_ak_order *order);
struct att_slice softtpm_public(const struct softtpm_key *key);
struct att_slice softtpm_name(const struct softtpm_key *key);
struct att_slice softtpm_ek_cert(const struct softtpm *tpm);
/* TPMT_PUBLIC, name and qualified name again from the key and an order: for forged public areas. */
void softtpm_describe_ak(struct softtpm_key *key, const struct softtpm_ak_order *order);

/* Power and time. tick: powered milliseconds. reset: TPM2_Startup(CLEAR) after a power loss. */
void softtpm_tick(struct softtpm *tpm, uint64_t ms);
void softtpm_reset(struct softtpm *tpm);
void softtpm_restart(struct softtpm *tpm); /* Shutdown(STATE), Startup(CLEAR) */

/* Extend one bank with a digest of its size. */
void softtpm_extend(struct softtpm *tpm, uint32_t pcr, enum att_hash bank, const uint8_t *digest);
/* Extend all banks with their own hash of the same bytes, as TPM2_PCR_Event does. */
void softtpm_event(struct softtpm *tpm, uint32_t pcr, struct att_slice data);
void softtpm_pcr_set(struct softtpm *tpm, uint32_t pcr, uint8_t fill); /* every bank */
const uint8_t *softtpm_pcr(const struct softtpm *tpm, enum att_hash bank, uint32_t pcr);

/* One selection of one bank: sizeofSelect 3. */
struct att_pcr_selection softtpm_selection(enum att_hash bank, uint32_t mask);

/*
 * An attestation structure before it is signed: every field can be changed.
 * body: when body_len is not 0 it replaces the quote's selection and digest, byte for byte.
 */
struct softtpm_attest {
    uint32_t magic;
    uint16_t type;
    uint8_t signer[ATT_NAME_MAX];
    size_t signer_len;
    uint8_t extra[128];
    size_t extra_len;
    struct att_clock_info clock;
    uint64_t firmware_version;
    struct att_pcr_selection selection;
    uint8_t digest[ATT_HASH_MAX];
    size_t digest_len;
    uint8_t body[512];
    size_t body_len;
};

/* A TPMT_SIGNATURE before it is encoded: ECDSA r and s, or RSA the signature in a. */
struct softtpm_signature {
    uint16_t alg;
    uint16_t hash;
    uint8_t a[512];
    size_t a_len;
    uint8_t b[128];
    size_t b_len;
};

struct softtpm_bytes {
    uint8_t p[2048];
    size_t len;
};
static inline struct att_slice softtpm_slice(const struct softtpm_bytes *b)
{
    return att_slice_of(b->p, b->len);
}

/* What this TPM would attest now over these PCRs. */
struct softtpm_attest softtpm_attest(const struct softtpm *tpm, struct att_slice qualifying,
                                     const struct att_pcr_selection *selection);
/* The body of TPM2_NV_Certify: index name, offset, contents (Part 2, 10.12.8); sets the type too. */
void softtpm_attest_nv(struct softtpm_attest *attest, struct att_slice contents);
struct softtpm_bytes softtpm_attest_encode(const struct softtpm_attest *attest);

/* Sign bytes by a key with a scheme and hash, which may be other than the key's own. */
struct softtpm_signature softtpm_sign_as(const struct softtpm_key *key, uint16_t scheme,
                                         enum att_hash hash, struct att_slice message);
struct softtpm_signature softtpm_sign(const struct softtpm_key *key, struct att_slice message);
struct softtpm_bytes softtpm_signature_encode(const struct softtpm_signature *sig);

/* An honest TPM2_Quote with the AK. */
void softtpm_quote(struct softtpm_bytes *attest, struct softtpm_bytes *signature,
                   const struct softtpm *tpm, struct att_slice qualifying,
                   const struct att_pcr_selection *selection);

/*
 * TPM2_ActivateCredential: the secret that was sealed to the EK and to this AK name.
 *
 * id_object and secret are TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET, size fields included.
 * Returns false where a TPM answers TPM_RC_INTEGRITY or TPM_RC_SIZE.
 */
bool softtpm_activate(uint8_t *out, size_t *out_len, const struct softtpm *tpm,
                      struct att_slice ak_name, struct att_slice id_object,
                      struct att_slice secret);

/* The factory's certificate for a key of the TPM, DER. */
struct softtpm_bytes softtpm_certify_devid(EVP_PKEY *key, const struct softtpm_ca *ca,
                                           const struct softtpm_devid_order *order);
/* TPM2_Certify: what stands in attest becomes signer's word that object is loaded beside it. */
void softtpm_attest_certify(struct softtpm_attest *attest, const struct softtpm_key *signer,
                            const struct softtpm_key *object);

/* A new P-256 key, and a PKCS#10 request for it: the gateway's TLS identity. */
EVP_PKEY *softtpm_p256(void);
struct softtpm_bytes softtpm_csr(EVP_PKEY *key, const char *common_name);

#endif
