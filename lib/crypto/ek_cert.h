/*
 * Certificates of endorsement keys as TPM makers wrote them and as TPMs keep them.
 *
 * What is forgiven is the wrapping and the spelling, each defect by its name and only when it is allowed; what
 * the certificate says is judged like any other (att_chain_verify with ATT_USE_EK).
 */
#ifndef ATT_CRYPTO_EK_CERT_H
#define ATT_CRYPTO_EK_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/cert.h"

/* Defects that can be forgiven, one bit each. */
enum att_ek_fix {
    ATT_EK_FIX_HEADER = 1,  /* "tcg-header": the header of TPM 1.2 storage stands before it */
    ATT_EK_FIX_PADDING = 2, /* "padding": ones or zeros up to the end of the NV index */
    ATT_EK_FIX_OAEP = 4,    /* "rsaes-oaep": the RSA key is named after a scheme */
    ATT_EK_FIX_BER = 8,     /* "ber": lengths or values that are not spelled as DER asks */
    ATT_EK_FIX_ALL = 15,
};
/* The bit of a name, 0 for none; the name of one bit. */
unsigned int att_ek_fix_find(const char *name);
const char *att_ek_fix_name(unsigned int bit);
/* "tcg-header, padding"; empty for 0. Returns out. */
char *att_ek_fixes_print(char *out, size_t cap, unsigned int fixes);

/*
 * att_cert_parse_ek - an EK certificate from NV or a file: DER or PEM.
 *
 * fixes    what had to be forgiven, bits of att_ek_fix; may be NULL
 * allowed  what may be
 * Errors   FORMAT LIMIT TRAILING (FMT_CERT); DENIED (ID_EKCERT): a defect that is not allowed
 */
ATT_MUST_USE enum att_err att_cert_parse_ek(struct att_cert **out, unsigned int *fixes,
                                            struct att_slice in, unsigned int allowed,
                                            struct att_diag *diag);

#define ATT_TPM_MODEL_MAX 64

/* What the maker says of the TPM in the subject alternative name (EK Credential Profile 2.5, 3.1.2). */
struct att_tpm_name {
    uint32_t manufacturer;             /* vendor id, such as 0x494e5443 */
    char model[ATT_TPM_MODEL_MAX + 1]; /* escaped */
    uint32_t version; /* firmware when it was certified: TPM_PT_FIRMWARE_VERSION_1 */
};
/* NOT_FOUND: the certificate does not say. FORMAT (ID_EKCERT): it says it in another form. */
ATT_MUST_USE enum att_err att_cert_tpm_name(struct att_tpm_name *out, const struct att_cert *c,
                                            struct att_diag *diag);
/* "INTC" for 0x494e5443; what is no printable ASCII becomes '?', trailing zeros and spaces go. */
char *att_tpm_vendor_print(char out[5], uint32_t manufacturer);

#endif
