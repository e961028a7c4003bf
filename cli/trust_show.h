/* What trust show prints beside a certificate's fields. */
#ifndef CLI_TRUST_SHOW_H
#define CLI_TRUST_SHOW_H

#include "base/slice.h"
#include "cli.h"
#include "crypto/cert.h"

/* "known TPM maker root: NAME" or "not in the list of known makers"; member "known_maker" of entry. */
void show_maker(struct report *r, const struct att_cert *c, json_t *entry);

/*
 * show_ek - judge an EK certificate as the verifier does: checks ek.form, ek.key, ek.chain, ek.revocation and
 * ek.tpm, against the trust folder and the lists in crls (a folder, or NULL). out is the caller's.
 */
ATT_MUST_USE enum att_err show_ek(struct report *r, struct att_cert **out, struct att_slice file,
                                  const char *crls, struct att_diag *diag);

/* Does it look like a public area of a TPM rather than like a certificate? */
bool is_public_area(struct att_slice file);
/* The name, kind and attributes of a TPMT_PUBLIC or TPM2B_PUBLIC; member "public" of the report. */
ATT_MUST_USE enum att_err show_public(struct report *r, struct att_slice file,
                                      struct att_diag *diag);

#endif
