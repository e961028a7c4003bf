/* The TPM in software: what its maker takes back. */
#include <stdio.h>
#include <time.h>

#include <openssl/pem.h>

#include "need.h"
#include "softtpm.h"

#define DAY_S 86400

static void add_revoked(X509_CRL *crl, struct att_slice der)
{
    const unsigned char *at = der.p;
    X509 *cert = d2i_X509(NULL, &at, (long)der.len);
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *when = X509_gmtime_adj(NULL, -DAY_S);

    NEED(cert != NULL && entry != NULL && when != NULL);
    NEED(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(cert)) == 1);
    NEED(X509_REVOKED_set_revocationDate(entry, when) == 1);
    NEED(X509_CRL_add0_revoked(crl, entry) == 1);
    ASN1_TIME_free(when);
    X509_free(cert);
}

void softtpm_ca_write_crl(const struct softtpm_ca *ca, const char *path,
                          const struct softtpm_crl_order *order)
{
    bool usual = order->this_update_s == 0 && order->next_update_s == 0;
    ASN1_TIME *from = X509_gmtime_adj(NULL, usual ? -60 : (long)order->this_update_s);
    ASN1_TIME *until = X509_gmtime_adj(NULL, usual ? DAY_S : (long)order->next_update_s);
    X509_CRL *crl = X509_CRL_new();
    FILE *f = fopen(path, "w");

    NEED(crl != NULL && from != NULL && until != NULL && f != NULL);
    NEED(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1);
    NEED(X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->root)) == 1);
    NEED(X509_CRL_set1_lastUpdate(crl, from) == 1 && X509_CRL_set1_nextUpdate(crl, until) == 1);
    for (size_t i = 0; i < order->revoked_count; i++) {
        add_revoked(crl, order->revoked[i]);
    }
    NEED(X509_CRL_sort(crl) == 1);
    NEED(X509_CRL_sign(crl, order->other_key != NULL ? order->other_key : ca->key, EVP_sha256()) >
         0);
    NEED(PEM_write_X509_CRL(f, crl) == 1 && fclose(f) == 0);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    X509_CRL_free(crl);
}
