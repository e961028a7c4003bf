/*
 * From a leaf to an anchor at a given time.
 *
 * The path is OpenSSL's to find and to check: names, signatures, dates, CA flags, path lengths, name
 * constraints. What the leaf may be used for and how strong the path must be is checked here.
 */
#include "crypto/cert.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/guard.h"
#include "crypto/cert_internal.h"

#define OID_EK_CERTIFICATE                                                                         \
    "2.23.133.8.1" /* tcg-kp-EKCertificate (TCG EK Credential Profile 2.5, 3.2.16) */
#define OID_AIK_CERTIFICATE "2.23.133.8.3" /* tcg-kp-AIKCertificate */
#define OID_TPM_RESTRICTED                                                                         \
    "2.23.133.11.1.3" /* tcg-cap-verifiedTPMRestricted (TPM 2.0 Keys for Device Identity 1.0, 8.2) */
#define OID_SERVER_AUTH "1.3.6.1.5.5.7.3.1" /* RFC 5280 4.2.1.12 */
#define OID_CLIENT_AUTH "1.3.6.1.5.5.7.3.2"

/* Bits of security of a signature's hash: SHA-1 counts 63, MD5 39. */
#define STRENGTH_MIN    112
#define STRENGTH_MIN_EK 63

struct use_rule {
    enum att_cert_use use;
    int purpose;        /* OpenSSL's, or 0 for none */
    const char *eku;    /* must be there; NULL: none is asked for */
    const char *policy; /* a certificate policy that says the same; NULL: there is none */
    unsigned int strength;
    uint32_t usage;    /* one of these key usages; 0 for any */
    bool usage_needed; /* also when the certificate names no usage at all */
    const char *what;
};

static const struct use_rule USES[] = {
    /* Makers' old authorities sign with SHA-1 what lies in TPMs that are sold today. A second
     * preimage is as hard as ever, and their signing was over before collisions came. */
    {ATT_USE_EK, 0, OID_EK_CERTIFICATE, NULL, STRENGTH_MIN_EK,
     KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT, false, "an endorsement key certificate"},
    /* What a public area says of its attributes is a claim; that this key has them is its issuer's word alone. */
    {ATT_USE_IAK, 0, OID_AIK_CERTIFICATE, OID_TPM_RESTRICTED, STRENGTH_MIN, KU_DIGITAL_SIGNATURE,
     false, "the certificate of an initial attestation key"},
    {ATT_USE_IDEVID, 0, NULL, NULL, STRENGTH_MIN, KU_DIGITAL_SIGNATURE, false,
     "the certificate of a device identity key"},
    {ATT_USE_LABEL, 0, ATT_OID_LABEL_SIGNING, NULL, STRENGTH_MIN, KU_DIGITAL_SIGNATURE, true,
     "a label signer"},
    {ATT_USE_TLS_CLIENT, X509_PURPOSE_SSL_CLIENT, OID_CLIENT_AUTH, NULL, STRENGTH_MIN, 0, false,
     "a TLS client"},
    {ATT_USE_TLS_SERVER, X509_PURPOSE_SSL_SERVER, OID_SERVER_AUTH, NULL, STRENGTH_MIN, 0, false,
     "a TLS server"},
};

static const struct use_rule *rule_of(enum att_cert_use use)
{
    for (size_t i = 0; i < ATT_COUNT(USES); i++) {
        if (USES[i].use == use) {
            return &USES[i];
        }
    }
    return NULL;
}

static bool has_eku(X509 *x509, const char *dotted)
{
    EXTENDED_KEY_USAGE *uses = X509_get_ext_d2i(x509, NID_ext_key_usage, NULL, NULL);
    ASN1_OBJECT *want = OBJ_txt2obj(dotted, 1);
    bool found = false;

    for (int i = 0; want != NULL && i < sk_ASN1_OBJECT_num(uses); i++) {
        if (OBJ_cmp(sk_ASN1_OBJECT_value(uses, i), want) == 0) {
            found = true;
        }
    }
    ASN1_OBJECT_free(want);
    EXTENDED_KEY_USAGE_free(uses);
    return found;
}

static bool has_policy(X509 *x509, const char *dotted)
{
    CERTIFICATEPOLICIES *all = X509_get_ext_d2i(x509, NID_certificate_policies, NULL, NULL);
    ASN1_OBJECT *want = OBJ_txt2obj(dotted, 1);
    bool found = false;

    for (int i = 0; want != NULL && i < sk_POLICYINFO_num(all); i++) {
        if (OBJ_cmp(sk_POLICYINFO_value(all, i)->policyid, want) == 0) {
            found = true;
        }
    }
    ASN1_OBJECT_free(want);
    CERTIFICATEPOLICIES_free(all);
    return found;
}

static bool has_purpose(X509 *x509, const struct use_rule *rule)
{
    return rule->eku == NULL || has_eku(x509, rule->eku) ||
           (rule->policy != NULL && has_policy(x509, rule->policy));
}

static bool has_usage(X509 *x509, const struct use_rule *rule)
{
    if ((X509_get_extension_flags(x509) & EXFLAG_KUSAGE) == 0) {
        return !rule->usage_needed;
    }
    return rule->usage == 0 || (X509_get_key_usage(x509) & rule->usage) != 0;
}

static enum att_err check_leaf(const struct att_cert *leaf, const struct use_rule *rule,
                               enum att_reason reason, struct att_diag *diag)
{
    /* OpenSSL calls nothing a CA whose key usage forbids it; who sets the flag is refused all the same */
    bool ca = att_cert_is_ca(leaf) || (X509_get_extension_flags(leaf->x509) & EXFLAG_CA) != 0;

    if (ATT_GUARD(CHAIN_LEAF_IS_CA, ca)) {
        return att_fail(diag, ATT_E_FORMAT, reason, "certificate.ca",
                        "expected %s, found a certificate authority", rule->what);
    }
    if (ATT_GUARD(CHAIN_EKU, !has_purpose(leaf->x509, rule))) {
        return att_fail(diag, ATT_E_FORMAT, reason, "certificate.use",
                        "expected %s (extended key usage %s%s%s)", rule->what, rule->eku,
                        rule->policy != NULL ? " or certificate policy " : "",
                        rule->policy != NULL ? rule->policy : "");
    }
    if (ATT_GUARD(CHAIN_KEY_USAGE, !has_usage(leaf->x509, rule))) {
        return att_fail(diag, ATT_E_FORMAT, reason, "certificate.usage",
                        "expected the key usage of %s", rule->what);
    }
    return ATT_OK;
}

/* The last one is the anchor, whose own signature proves nothing and is not looked at. */
static enum att_err check_strength(STACK_OF(X509) * path, const struct use_rule *rule,
                                   enum att_reason reason, struct att_diag *diag)
{
    int count = sk_X509_num(path);

    for (int i = 0; i < count; i++) {
        X509 *one = sk_X509_value(path, i);
        EVP_PKEY *key = X509_get0_pubkey(one);
        int hash_bits = 0;

        if (ATT_GUARD(CHAIN_WEAK_KEY,
                      key == NULL || EVP_PKEY_get_security_bits(key) < STRENGTH_MIN)) {
            return att_fail(diag, ATT_E_UNTRUSTED, reason, "certificate.key",
                            "certificate %d of the path has a key that is too weak", i);
        }
        if (i == count - 1) {
            break;
        }
        if (ATT_GUARD(CHAIN_WEAK_HASH,
                      X509_get_signature_info(one, NULL, NULL, &hash_bits, NULL) != 1 ||
                          hash_bits < (int)rule->strength)) {
            return att_fail(diag, ATT_E_UNTRUSTED, reason, "certificate.hash",
                            "certificate %d of the path is signed with a hash that is too weak", i);
        }
    }
    return ATT_OK;
}

/* What OpenSSL's many answers mean to a caller: a kind of failure, and a stable word for people. */
static const struct {
    int code;
    enum att_err err;
    const char *field;
} ANSWERS[] = {
    {X509_V_ERR_CERT_NOT_YET_VALID, ATT_E_STALE, "certificate.not-yet-valid"},
    {X509_V_ERR_CERT_HAS_EXPIRED, ATT_E_STALE, "certificate.expired"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, ATT_E_UNTRUSTED, "certificate.self-signed"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, ATT_E_UNTRUSTED, "certificate.other-ca"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, ATT_E_UNTRUSTED, "certificate.other-ca"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, ATT_E_UNTRUSTED, "certificate.other-ca"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, ATT_E_UNTRUSTED, "certificate.other-ca"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, ATT_E_UNTRUSTED, "certificate.signature"},
    {X509_V_ERR_INVALID_PURPOSE, ATT_E_FORMAT, "certificate.use"},
    {X509_V_ERR_INVALID_CA, ATT_E_FORMAT, "certificate.ca"},
    {X509_V_ERR_INVALID_NON_CA, ATT_E_FORMAT, "certificate.ca"},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, ATT_E_FORMAT, "certificate.ca"},
    {X509_V_ERR_INVALID_EXTENSION, ATT_E_FORMAT, "certificate.critical"},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, ATT_E_FORMAT, "certificate.critical"},
    {X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, ATT_E_FORMAT, "certificate.path"},
    {X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, ATT_E_FORMAT, "certificate.path"},
    {X509_V_ERR_CERT_REVOKED, ATT_E_UNTRUSTED, "certificate.revoked"},
    {X509_V_ERR_UNABLE_TO_GET_CRL, ATT_E_UNTRUSTED, "certificate.crl-missing"},
    {X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, ATT_E_UNTRUSTED, "certificate.crl-missing"},
    {X509_V_ERR_CRL_HAS_EXPIRED, ATT_E_STALE, "certificate.crl-expired"},
    {X509_V_ERR_CRL_NOT_YET_VALID, ATT_E_STALE, "certificate.crl-expired"},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE, ATT_E_UNTRUSTED, "certificate.crl-invalid"},
    {X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, ATT_E_UNTRUSTED, "certificate.crl-invalid"},
    {X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, ATT_E_UNTRUSTED, "certificate.crl-invalid"},
    {X509_V_ERR_DIFFERENT_CRL_SCOPE, ATT_E_UNTRUSTED, "certificate.crl-invalid"},
    {X509_V_ERR_OUT_OF_MEM, ATT_E_NOMEM, "certificate.path"},
};

static enum att_err refuse_path(X509_STORE_CTX *ctx, enum att_reason reason, struct att_diag *diag)
{
    int code = X509_STORE_CTX_get_error(ctx);
    enum att_err err = ATT_E_UNTRUSTED;
    const char *field = "certificate.path";

    for (size_t i = 0; i < ATT_COUNT(ANSWERS); i++) {
        if (ANSWERS[i].code == code) {
            err = ANSWERS[i].err;
            field = ANSWERS[i].field;
        }
    }
    if (strstr(field, ".crl-") != NULL || code == X509_V_ERR_CERT_REVOKED) {
        reason = ATT_R_ID_REVOKED;
    }
    return att_fail(diag, err, reason, field, "certificate %d: %s",
                    X509_STORE_CTX_get_error_depth(ctx), X509_verify_cert_error_string(code));
}

static bool is_gap(int code)
{
    return code == X509_V_ERR_UNABLE_TO_GET_CRL || code == X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER ||
           code == X509_V_ERR_CRL_HAS_EXPIRED || code == X509_V_ERR_CRL_NOT_YET_VALID;
}

/* Asked by OpenSSL at each fault: 1 goes on. Only what revocation lists leave open may be passed over. */
static int pass_over(int ok, X509_STORE_CTX *ctx)
{
    const struct att_anchors *a = X509_STORE_CTX_get_app_data(ctx);
    int code = X509_STORE_CTX_get_error(ctx);
    bool anchor =
        X509_STORE_CTX_get_error_depth(ctx) == sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) - 1;

    if (ok == 1) {
        return 1;
    }
    if (code == X509_V_ERR_CERT_REVOKED) {
        return ATT_GUARD(CRL_REVOKED, true) ? 0 : 1;
    }
    if (!is_gap(code)) {
        return 0;
    }
    return ATT_GUARD(CRL_REQUIRED, a->crl_rule == ATT_CRL_REQUIRED && !anchor) ? 0 : 1;
}

static enum att_err run(X509_STORE_CTX *ctx, const struct use_rule *rule, bool lists, int64_t utc_s,
                        enum att_reason reason, struct att_diag *diag)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    /* An anchor is what the operator chose, whether or not it signed itself. */
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;

    if (lists) {
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
        X509_STORE_CTX_set_verify_cb(ctx, pass_over);
    }
    X509_VERIFY_PARAM_set_time(param, (time_t)utc_s);
    X509_VERIFY_PARAM_set_depth(param, ATT_CHAIN_MAX);
    if (X509_VERIFY_PARAM_set_flags(param, flags) != 1 ||
        (rule->purpose != 0 && X509_VERIFY_PARAM_set_purpose(param, rule->purpose) != 1)) {
        return ATT_E_CRYPTO;
    }
    /* The strength of the path is judged below, where anchors and old makers are told apart. */
    X509_VERIFY_PARAM_set_auth_level(param, 0);
    if (ATT_GUARD(CHAIN_VERIFIES, X509_verify_cert(ctx) != 1)) {
        return refuse_path(ctx, reason, diag);
    }
    return check_strength(X509_STORE_CTX_get0_chain(ctx), rule, reason, diag);
}

static enum att_err walk(const struct att_cert *leaf, STACK_OF(X509) * others,
                         const struct att_anchors *anchors, const struct use_rule *rule, bool lists,
                         int64_t utc_s, enum att_reason reason, struct att_diag *diag)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    enum att_err err = ATT_E_NOMEM;

    if (ctx != NULL && X509_STORE_CTX_init(ctx, anchors->store, leaf->x509, others) == 1 &&
        X509_STORE_CTX_set_app_data(ctx, (void *)(uintptr_t)anchors) == 1) {
        err = run(ctx, rule, lists, utc_s, reason, diag);
    }
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    return err;
}

static enum att_err stack_of(STACK_OF(X509) * *out, const struct att_cert *const *chain,
                             size_t count)
{
    STACK_OF(X509) *all = sk_X509_new_null();

    if (all == NULL) {
        return ATT_E_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        if (sk_X509_push(all, chain[i]->x509) <= 0) {
            sk_X509_free(all);
            return ATT_E_NOMEM;
        }
    }
    *out = all;
    return ATT_OK;
}

enum att_err att_chain_verify(const struct att_cert *leaf, const struct att_cert *const *chain,
                              size_t chain_count, const struct att_anchors *anchors,
                              enum att_cert_use use, int64_t utc_s, enum att_reason reason,
                              struct att_diag *diag)
{
    const struct use_rule *rule = rule_of(use);
    STACK_OF(X509) *others = NULL;
    enum att_err err = ATT_OK;

    if (rule == NULL) {
        return ATT_E_INTERNAL;
    }
    if (chain_count > ATT_CHAIN_MAX) {
        return att_fail(diag, ATT_E_LIMIT, reason, "certificate.chain",
                        "expected at most %d certificates, found %zu", ATT_CHAIN_MAX, chain_count);
    }
    err = stack_of(&others, chain, chain_count);
    if (err == ATT_OK) {
        err = walk(leaf, others, anchors, rule, false, utc_s, reason, diag);
    }
    /* Lists are asked about a path that holds: OpenSSL looks at them before dates and signatures. */
    if (err == ATT_OK && anchors->crl_rule != ATT_CRL_OFF) {
        err = walk(leaf, others, anchors, rule, true, utc_s, reason, diag);
    }
    sk_X509_free(others);
    return err == ATT_OK ? check_leaf(leaf, rule, reason, diag) : err;
}
