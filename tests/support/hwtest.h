/* What the tests of hw/tpm share. */
#ifndef ATT_TEST_HWTEST_H
#define ATT_TEST_HWTEST_H

#include <check.h>
#include <stdint.h>

#include "base/err.h"
#include "swtpm.h"
#include "tpm/ident.h"
#include "tpm/tpm.h"

/* The call must work; on failure its diagnosis is shown. It fills "diag", which the macro declares. */
#define MUST(call)                                                                                 \
    do {                                                                                           \
        struct att_diag diag = {.err = ATT_OK};                                                    \
        enum att_err err_ = (call);                                                                \
        char line_[512];                                                                           \
        ck_assert_msg(err_ == ATT_OK, "%s: %s", #call,                                             \
                      att_diag_print(line_, sizeof line_, &diag));                                 \
    } while (0)

struct hw_tpm *hwtest_connect(const struct swtpm *t);
/* Nothing of ours stays in the TPM: no transient object, no session, loaded or saved. */
void hwtest_expect_nothing_left(struct hw_tpm *tpm);
void hwtest_disconnect(struct hw_tpm *tpm); /* with that check */
struct att_pcr_selection hwtest_select(enum att_hash bank, uint32_t mask);
/* The signature verifies with the key, and the key is one that may attest. */
bool hwtest_quote_verifies(const struct hw_quote *q, const struct hw_ak *ak);

/* A credential by tpm2_makecredential, which is no code of ours. Needs no TPM. */
struct hwtest_credential {
    uint8_t bytes[2048];
    struct hw_credential cred; /* slices of bytes */
};
void hwtest_make_credential(struct hwtest_credential *out, const struct swtpm *folder,
                            const struct hw_ek *ek, const struct hw_ak *ak, const char *secret);

#endif
