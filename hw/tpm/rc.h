/* Return codes of the TPM and of the layers above it, in words. */
#ifndef ATT_TPM_RC_H
#define ATT_TPM_RC_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/reason.h"

#define HW_RC_TEXT 160

/* "TPM_RC_LOCKOUT (0x921): locked out; wait ..., see attest-agent doctor". Returns out. */
char *hw_rc_print(char *out, size_t cap, uint32_t rc);

/* The same without advice, for who gives better: "TPM_RC_VALUE of parameter 1 (0x1c4)". Returns out. */
char *hw_rc_code(char *out, size_t cap, uint32_t rc);

/* Which of the TPM_... reasons a code belongs to. */
enum att_reason hw_rc_reason(uint32_t rc);

/* The code without layer and parameter number: TPM_RC_HANDLE (0x8b) for 0x18b. */
uint32_t hw_rc_base(uint32_t rc);

/* Fill a diagnosis for a failed TPM command and return ATT_E_BUSY or ATT_E_TPM. */
enum att_err hw_rc_fail(struct att_diag *diag, uint32_t rc, const char *command);

#endif
