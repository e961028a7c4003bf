/* The TLS key of the gateway: made here, kept here, and never seen by the process that measures. */
#ifndef ATTESTD_AGENT_COURIER_KEYS_H
#define ATTESTD_AGENT_COURIER_KEYS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/*
 * keys_request - a certificate request (PKCS#10 DER) by the key in a file; the key (P-256, PEM, mode
 * 0600) is made when there is no file.
 *
 * Errors  DENIED (CFG_PERM) when others can read the file; what reading and writing files gives
 */
ATT_MUST_USE enum att_err keys_request(struct att_buf **out_der, const char *key_file,
                                       struct att_slice device_id, struct att_diag *diag);

/* Keep the certificate that was issued (DER in, PEM in the file). FORMAT (FMT_CERT) IO. */
ATT_MUST_USE enum att_err keys_store_cert(const char *cert_file, struct att_slice der,
                                          struct att_diag *diag);

/* CFG_PERM unless a file that exists is ours alone. NOT_FOUND when there is none. */
ATT_MUST_USE enum att_err keys_check_mode(const char *key_file, struct att_diag *diag);

#endif
