/* The signing port over a key in a PKCS#11 token. */
#ifndef ATT_SIGN_SIGNER_P11_H
#define ATT_SIGN_SIGNER_P11_H

#include "base/err.h"
#include "sign/signer.h"

/* uri, pin_file and errors as in crypto/p11.h. The signer owns the open token. */
ATT_MUST_USE enum att_err att_signer_p11(struct att_signer **out, const char *uri,
                                         const char *pin_file, struct att_diag *diag);

#endif
