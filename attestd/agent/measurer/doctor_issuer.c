/*
 * doctor: whose authority signed the endorsement key's certificates. A name alone, which proves nothing: the
 * verifier judges the chain, with roots that its operator put there; this says which one to ask for.
 */
#include <stdio.h>
#include <string.h>

#include "agent/measurer/doctor.h"
#include "crypto/ek_cert.h"
#include "policy/makers.h"

#define NAME_TEXT 128

static void tell(struct doctor *d, const char *issuer)
{
    const struct att_maker_wanted wanted = {.name = issuer};
    struct att_maker m;
    struct att_diag diag = {0};
    char text[DOCTOR_DETAIL];
    enum att_err err = att_makers_find(&m, &wanted, &diag);

    if (err == ATT_OK) {
        (void)snprintf(text, sizeof(text), "%s: %s, %s", issuer, m.maker, m.kind);
        doctor_pass(d, DOCTOR_TPM_EK_ISSUER, text);
        return;
    }
    (void)snprintf(
        text, sizeof(text), "%s: %s", issuer,
        err == ATT_E_NOT_FOUND
            ? "not in the list of makers' authorities; the verifier's operator needs its root"
            : "no list of makers' authorities here; the verifier's operator needs its root");
    doctor_found(d, DOCTOR_TPM_EK_ISSUER, SHOW_WARN, ATT_R_ID_EKCERT, text);
}

/* Certificates that cannot be read are told by tpm.ek-form. */
void doctor_issuers(struct doctor *d, const struct hw_ek_certs *certs)
{
    char before[NAME_TEXT] = "";

    for (uint32_t i = 0; i < certs->count; i++) {
        ATT_CLEANUP(att_cert_freep) struct att_cert *cert = NULL;
        char issuer[NAME_TEXT];

        if (att_cert_parse_ek(&cert, NULL, att_buf_slice(certs->cert[i].der), ATT_EK_FIX_ALL,
                              NULL) != ATT_OK) {
            continue;
        }
        (void)att_cert_issuer_cn(issuer, sizeof(issuer), cert);
        if (issuer[0] == '\0') {
            (void)att_cert_issuer(issuer, sizeof(issuer), cert);
        }
        if (strcmp(issuer, before) != 0) {
            tell(d, issuer);
        }
        (void)snprintf(before, sizeof(before), "%s", issuer);
    }
}
