/*
 * X.509 certificates: read one, judge a chain at a given time, and issue the few that we issue.
 *
 * Path validation is OpenSSL's; what it is asked (purpose, time, anchors) is ours.
 */
#ifndef ATT_CRYPTO_CERT_H
#define ATT_CRYPTO_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/key.h"

#define ATT_CERT_MAX  16384 /* bytes of one DER certificate */
#define ATT_CHAIN_MAX 8     /* certificates in one chain */

struct att_cert;    /* immutable */
struct att_anchors; /* a set of trust anchors, loaded and named */

/* in is PEM or DER; trailing bytes are refused. FORMAT LIMIT, reason FMT_CERT. */
ATT_MUST_USE enum att_err att_cert_parse(struct att_cert **out, struct att_slice in,
                                         struct att_diag *diag);
void att_cert_free(struct att_cert *c);
void att_cert_freep(struct att_cert **c);

struct att_slice att_cert_der(const struct att_cert *c); /* borrowed from c */
ATT_MUST_USE enum att_err att_cert_key(struct att_pubkey **out, const struct att_cert *c,
                                       struct att_diag *diag);
ATT_MUST_USE enum att_err att_cert_fingerprint(uint8_t out[32],
                                               const struct att_cert *c); /* SHA-256 of DER */
/* The subject key identifier, borrowed from c; NOT_FOUND when it has none. */
ATT_MUST_USE enum att_err att_cert_key_id(struct att_slice *out, const struct att_cert *c);
/* RFC 2253 text, escaped for printing. Return out. */
char *att_cert_subject(char *out, size_t cap, const struct att_cert *c);
char *att_cert_issuer(char *out, size_t cap, const struct att_cert *c);
/* The issuer's common name, the first of several; "" when it has none. Escaped like the others. */
char *att_cert_issuer_cn(char *out, size_t cap, const struct att_cert *c);
int64_t att_cert_not_before(const struct att_cert *c); /* UTC seconds */
int64_t att_cert_not_after(const struct att_cert *c);
bool att_cert_is_ca(const struct att_cert *c);
/* The URI subject alternative name "urn:attestd:device:ID" as ID; NOT_FOUND when there is none or two. */
ATT_MUST_USE enum att_err att_cert_device_id(char *out, size_t cap, const struct att_cert *c);

/*
 * att_cert_names_verifier - does a URI name "urn:attestd:verifier:ID" of this certificate say this id? What
 * a label says of its issuer counts only when the certificate of its key says it too: with two anchors, one
 * issuer could else speak in the other's name.
 */
bool att_cert_names_verifier(const struct att_cert *c, const char *id);

ATT_MUST_USE enum att_err att_anchors_new(struct att_anchors **out);
ATT_MUST_USE enum att_err att_anchors_add(struct att_anchors *a, const struct att_cert *c);
/* The certificates of one file, in PEM alone: that is what TLS libraries read. FORMAT (FMT_CERT) names the file. */
ATT_MUST_USE enum att_err att_anchors_add_pem(struct att_anchors *a, const char *path,
                                              struct att_diag *diag);
/* Every *.pem, *.crt, *.cer and *.der of a folder, in name order. NOT_FOUND when there is no folder. */
ATT_MUST_USE enum att_err att_anchors_load(struct att_anchors *a, const char *folder,
                                           struct att_diag *diag);
/*
 * Revocation lists for the certificates that a set is asked about. Each certificate below the anchor needs a list of its
 * issuer that is in force at the time asked about; an anchor is what the operator chose.
 */
enum att_crl_rule {
    ATT_CRL_OFF,        /* lists are not looked at */
    ATT_CRL_IF_PRESENT, /* what a list names is refused; a missing or outdated list is no fault */
    ATT_CRL_REQUIRED,
};
/* Every *.crl, *.pem and *.der of a folder. NOT_FOUND when there is no folder; FORMAT (FMT_CERT). */
ATT_MUST_USE enum att_err att_anchors_load_crls(struct att_anchors *a, const char *folder,
                                                enum att_crl_rule rule, struct att_diag *diag);
size_t att_anchors_count(const struct att_anchors *a);
const struct att_cert *att_anchors_at(const struct att_anchors *a, size_t i); /* borrowed */
void att_anchors_free(struct att_anchors *a);
void att_anchors_freep(struct att_anchors **a);

enum att_cert_use {
    ATT_USE_EK, /* extended key usage 2.23.133.8.1 must be there, not a CA */
    /* digitalSignature, not a CA, and its issuer says that the key is a restricted one of a TPM: extended key usage
     * 2.23.133.8.3 (tcg-kp-AIKCertificate) or certificate policy 2.23.133.11.1.3 (tcg-cap-verifiedTPMRestricted) */
    ATT_USE_IAK,
    ATT_USE_IDEVID, /* digitalSignature, not a CA; that its key is in a TPM must be proven otherwise */
    ATT_USE_LABEL, /* digitalSignature, not a CA, our extended key usage for labels */
    ATT_USE_TLS_CLIENT,
    ATT_USE_TLS_SERVER,
};

/* Our extended key usage: signs security labels. An arc for documentation, one macro. */
#define ATT_OID_LABEL_SIGNING "2.25.201733148930402743019284756120934857201"

/*
 * att_chain_verify - is there a path from leaf over the given certificates to an anchor at utc_s?
 *
 * chain   intermediates, any order; gives no trust by itself
 * Errors  UNTRUSTED (no path), STALE (expired or not yet valid), FORMAT (wrong use, CA flag, critical
 *         extension that nobody understands), CRYPTO NOMEM; reason is the caller's, or ID_REVOKED for what
 *         revocation lists say. diag->field is a stable word for what is wrong: certificate.self-signed,
 *         .other-ca, .signature, .expired, .not-yet-valid, .ca, .use, .usage, .critical, .key, .hash,
 *         .revoked, .crl-missing, .crl-expired, .crl-invalid, .path
 */
ATT_MUST_USE enum att_err att_chain_verify(const struct att_cert *leaf,
                                           const struct att_cert *const *chain, size_t chain_count,
                                           const struct att_anchors *anchors, enum att_cert_use use,
                                           int64_t utc_s, enum att_reason reason,
                                           struct att_diag *diag);

/* Issuing: for attestd init (its own authorities) and for enrolment (client certificates). */
enum att_cert_kind {
    ATT_CERT_ROOT,
    ATT_CERT_LABEL_SIGNER,
    ATT_CERT_TLS_SERVER,
    ATT_CERT_TLS_CLIENT
};
struct att_cert_order {
    enum att_cert_kind kind;
    const char *common_name;  /* ASCII */
    const char *device_id;    /* TLS_CLIENT: becomes the URI name */
    const char *verifier_id;  /* LABEL_SIGNER: becomes the URI name; NULL: none, for tests */
    const char *const *hosts; /* TLS_SERVER: DNS names and IP addresses */
    size_t host_count;
    int64_t not_before, not_after; /* UTC seconds */
    const struct att_pubkey *subject_key;
};
/* issuer NULL: self-signed with issuer_key. out is DER. */
ATT_MUST_USE enum att_err att_cert_issue(struct att_buf **out, const struct att_cert_order *order,
                                         const struct att_cert *issuer,
                                         const struct att_privkey *issuer_key,
                                         struct att_diag *diag);
ATT_MUST_USE enum att_err att_cert_pem(struct att_buf **out, struct att_slice der);

/* PKCS#10. make: with a software key. open: the proof of possession is verified (ID_CSR). */
ATT_MUST_USE enum att_err att_csr_make(struct att_buf **out_der, const struct att_privkey *key,
                                       const char *common_name);
ATT_MUST_USE enum att_err att_csr_open(struct att_pubkey **out_key, struct att_slice der,
                                       struct att_diag *diag);

#endif
