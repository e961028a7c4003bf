/*
 * What a factory's certificate (IDevID, IAK) says of the device that it was made for (IEEE 802.1AR-2018, 8;
 * TCG, TPM 2.0 Keys for Device Identity and Attestation 1.0, 8). For people to read: nothing is decided by it.
 */
#ifndef ATT_CRYPTO_DEVID_CERT_H
#define ATT_CRYPTO_DEVID_CERT_H

#include <stddef.h>

#include "base/err.h"
#include "crypto/cert.h"

#define ATT_DEVID_TEXT  128 /* characters of a serial number, escaped */
#define ATT_DEVID_OID   40
#define ATT_CERT_SERIAL 80 /* hexadecimal digits of a certificate's number at most */
#define ATT_CERT_ISSUER 160

struct att_devid_name {
    char
        device_serial[ATT_DEVID_TEXT + 1]; /* serialNumber of the subject; empty when it has none */
    char hw_type[ATT_DEVID_OID + 1];    /* of the HardwareModuleName, such as 2.23.133.1.2; empty */
    char hw_serial[ATT_DEVID_TEXT + 1]; /* text as it stands there, else hexadecimal; empty */
};

/* ATT_OK also when it says nothing. FORMAT (ID_IAKCERT): a HardwareModuleName of another form. */
ATT_MUST_USE enum att_err att_cert_devid_name(struct att_devid_name *out, const struct att_cert *c,
                                              struct att_diag *diag);

/* The certificate's own number in lower-case hexadecimal; empty when it does not fit. Returns out. */
char *att_cert_serial(char *out, size_t cap, const struct att_cert *c);

#endif
