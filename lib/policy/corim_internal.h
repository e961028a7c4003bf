/* What reading and writing CoRIM share. */
#ifndef ATT_POLICY_CORIM_INTERNAL_H
#define ATT_POLICY_CORIM_INTERNAL_H

/* Our own profile: a measurement's key is a name of docs/formats/refvals.md, PCRs are integrity registers. */
#define CORIM_PROFILE "tag:attestd,2026:refvals#1"

/* That of Parsec: one measurement a PCR, its key the index, its value digests. */
#define CORIM_PARSEC_TPM "tag:github.com/parallaxsecond,2023-03-03:tpm"

#endif
