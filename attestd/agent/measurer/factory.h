/* The keys that the gateway's factory left in its TPM, read as agent.yaml names them. */
#ifndef ATTESTD_AGENT_FACTORY_H
#define ATTESTD_AGENT_FACTORY_H

#include "agent/measurer/conf.h"
#include "base/buf.h"
#include "base/err.h"
#include "common/wire.h"
#include "tpm/devid.h"

/* One key and its certificates. All zero: agent.yaml names none. */
struct agent_factory_found {
    bool named;
    struct hw_devid key;
    struct att_buf
        *certs[AGENT_FACTORY_CERTS_MAX]; /* owned: one index or file each, as it stands */
    size_t count;
};
void agent_factory_free(struct agent_factory_found *f); /* the contents, for ATT_CLEANUP */

/*
 * agent_factory_find - the key at its handle and the bytes of its certificates; nothing is judged.
 * Errors  NOT_FOUND (TPM_DEVID: no such key or index) CONFIG (CFG_KEY: a file that is no DER) and of the TPM
 */
ATT_MUST_USE enum att_err agent_factory_find(struct agent_factory_found *out, struct hw_tpm *tpm,
                                             const struct agent_factory_key *conf,
                                             struct att_diag *diag);

/* What is sent of it: certificates cut one from the other. *out borrows f. */
void agent_factory_wire(struct wire_factory_key *out, const struct agent_factory_found *f);

#endif
