/* What the parts of doctor share: one examination, and how a finding is told. */
#ifndef ATTESTD_AGENT_DOCTOR_H
#define ATTESTD_AGENT_DOCTOR_H

#include <stdbool.h>

#include "agent/measurer/agent.h"
#include "agent/measurer/conf.h"
#include "agent/measurer/show.h"
#include "tpm/tpm.h"

#define DOCTOR_DETAIL 320 /* bytes of a finding's words */

enum doctor_id {
#define DOCTOR(name, id) DOCTOR_##name,
#include "agent/measurer/doctor.def"
#undef DOCTOR
};

/* The report, the configuration, and the TPM while it is open. */
struct doctor {
    struct show *show;
    const struct agent_conf *conf;
    struct hw_tpm *tpm;
    struct hw_tpm_info info;
    struct att_pcr_bank pcrs; /* of SHA-256, read while it was open; has 0: not read */
    bool sha256;              /* that bank is active */
    bool enrolled;
    struct agent_ident ident; /* when enrolled */
    bool key_stands;          /* the enrolled attestation key, at its handle */
};

const char *doctor_name(enum doctor_id id);
void doctor_pass(struct doctor *d, enum doctor_id id, const char *detail);
/* Of no use here, in the words of the reader's language. */
void doctor_skip(struct doctor *d, enum doctor_id id, const char *en, const char *ja);
/* A finding: its reason tells what to do, text what was seen. */
void doctor_found(struct doctor *d, enum doctor_id id, enum show_state state,
                  enum att_reason reason, const char *text);
/* The same from the diagnosis of a call that failed. */
void doctor_failed(struct doctor *d, enum doctor_id id, enum show_state state,
                   const struct att_diag *diag);

/* The keys of the gateway's factory, while the TPM is open (doctor_factory.c). */
void doctor_factory(struct doctor *d);
/* A quote by the attestation key, judged as the verifier does, while the TPM is open (doctor_quote.c). */
void doctor_quote(struct doctor *d);
/* Who signed the certificates of the endorsement key (doctor_issuer.c). */
void doctor_issuers(struct doctor *d, const struct hw_ek_certs *certs);
/* PCR 0 to 7 beside those of the last accepted attestation, while the TPM is open (doctor_boot.c). */
void doctor_boot_pcrs(struct doctor *d);
/* Does the data key sign, while the TPM is open (doctor_data.c)? */
void doctor_data_key(struct doctor *d);
/* The TPM and its keys (doctor_tpm.c); the logs of firmware and kernel (doctor_log.c). */
void doctor_tpm(struct doctor *d);
void doctor_logs(struct doctor *d);

#endif
