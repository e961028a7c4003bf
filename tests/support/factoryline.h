/*
 * A factory's line for real TPMs: tpm2-tools make IAK and IDevID by the TCG's templates (TPM 2.0 Keys for Device
 * Identity and Attestation 1.0, 7.3), openssl certifies them, and both stand where they belong.
 */
#ifndef ATT_TEST_FACTORYLINE_H
#define ATT_TEST_FACTORYLINE_H

#include "swtpm.h"

/* A folder with the factory's authority: ca.pem, and what it made last. Removed by factoryline_free. */
struct factoryline {
    char dir[64], ca[96]; /* ca: PEM of the root */
};
struct factoryline *factoryline_new(void);
void factoryline_free(struct factoryline *l);

/* An all-zero order: H-2 (P-256) keys, certificates of ten years. */
struct factoryline_order {
    bool rsa;                   /* H-1: RSA 2048, the IAK with RSAPSS */
    const char *iak_eku;        /* NULL: 2.23.133.8.3; "": none */
    const char *iak_attributes; /* beside fixedtpm, ... sign; NULL: "|restricted" */
    bool expired;
    enum {
        LINE_NONE,
        LINE_BEHIND,
        LINE_APART
    } line; /* an authority between root and keys, see below */
};
/*
 * With a line's own authority its certificate stands behind each key's in the same index, or alone at 0x01c90101.
 * Keys at 0x81020001 and 0x81020000, certificates at 0x01c90100 and 0x01c90000; the TPM is started.
 */
void factoryline_provision(struct factoryline *l, const struct swtpm *t,
                           const struct factoryline_order *order);

#endif
