/* What a certificate and a set of anchors are inside, for the other files of this folder. */
#ifndef ATT_CRYPTO_CERT_INTERNAL_H
#define ATT_CRYPTO_CERT_INTERNAL_H

#include <stdbool.h>

#include <openssl/x509.h>

#include "base/buf.h"
#include "crypto/cert.h"

#define ATT_DEVICE_URN    "urn:attestd:device:"
#define ATT_VERIFIER_URN  "urn:attestd:verifier:"
#define ATT_VERIFIER_MAX  128 /* characters of a verifier id */
#define ATT_DEVICE_ID_MAX 64

struct att_cert {
    X509 *x509;
    struct att_buf *der; /* as it came in: what fingerprints are made of */
};

struct att_anchors {
    struct att_cert **certs;
    size_t count;
    X509_STORE *store; /* the same certificates, for path validation; and the revocation lists */
    enum att_crl_rule crl_rule;
    size_t crl_count;
};

/* The files of a folder whose names end in one of these, in byte order: called for each. */
struct att_folder_walk {
    const char *const *ends; /* four characters each; NULL-terminated */
    enum att_err (*file)(struct att_anchors *a, const char *path, struct att_diag *diag);
};
ATT_MUST_USE enum att_err att_anchors_walk(struct att_anchors *a, const char *folder,
                                           const struct att_folder_walk *walk,
                                           struct att_diag *diag);

/* 1 to 64 of A-Z a-z 0-9 . _ - (the rule for device ids everywhere). */
bool att_device_id_ok(const char *id, size_t len);

/* Another reference to the same certificate object. NOMEM. */
ATT_MUST_USE enum att_err att_cert_share(struct att_cert **out, const struct att_cert *c);

/* One certificate from DER that is already cut to its length. lenient: any form OpenSSL can read. */
ATT_MUST_USE enum att_err att_cert_from_der(struct att_cert **out, struct att_slice der,
                                            bool lenient, struct att_diag *diag);

/* Our choice of hash for a signing key's type; NULL for Ed25519, which has its own. */
const EVP_MD *att_cert_md(enum att_key_type type);

#endif
