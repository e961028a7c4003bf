/* TPMs with known defects: by manufacturer, which a certificate proves, and firmware, which a quote does. */
#include "tpm_deny.h"

#include <string.h>

#include "base/guard.h"

static bool matches(const struct config_tpm_deny *d, uint32_t manufacturer, uint64_t version)
{
    char maker[5];

    if (d->manufacturer[0] != '\0' && manufacturer != 0 &&
        strcmp(att_tpm_vendor_print(maker, manufacturer), d->manufacturer) != 0) {
        return false;
    }
    return d->from <= version && version < d->below;
}

enum att_err tpm_deny_check(bool *warned, const struct config *cfg, uint32_t manufacturer,
                            uint64_t firmware, struct att_diag *diag)
{
    uint64_t version = firmware >> 32;
    bool warn = false;
    char maker[5];

    for (size_t i = 0; i < cfg->tpm_deny_count; i++) {
        const struct config_tpm_deny *d = &cfg->tpm_deny[i];
        bool hit = matches(d, manufacturer, version);

        if (ATT_GUARD(TPM_DENY, hit && !d->warn)) {
            return att_fail(diag, ATT_E_DENIED, ATT_R_ID_TPMFW, "tpm",
                            "manufacturer %s, firmware %u.%u: row %zu of tpm_deny",
                            manufacturer == 0 ? "unknown"
                                              : att_tpm_vendor_print(maker, manufacturer),
                            (unsigned int)(version >> 16), (unsigned int)(version & 0xffff), i + 1);
        }
        warn = warn || hit;
    }
    *warned = warn;
    return ATT_OK;
}
