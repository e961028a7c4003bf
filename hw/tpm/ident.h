/*
 * Who the TPM is: the certificates of its maker, its endorsement key, and our attestation key.
 */
#ifndef ATT_TPM_IDENT_H
#define ATT_TPM_IDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "tcg/pcr.h"
#include "tcg/pubarea.h"
#include "tcg/quote.h"
#include "tpm/tpm.h"

#define HW_EK_CERTS_MAX 8
#define HW_EK_CERT_MAX  8192  /* bytes of one NV index */
#define HW_EK_CHAIN_MAX 32768 /* bytes of all chain indexes together */

/* EK certificates as they stand in NV (TCG EK Credential Profile 2.2.1), byte for byte. */
struct hw_ek_cert {
    uint32_t index;      /* NV index */
    struct att_buf *der; /* as read: may carry a TCG header and padding; see att_cert_parse_ek */
};
struct hw_ek_certs {
    struct hw_ek_cert cert[HW_EK_CERTS_MAX];
    uint32_t count; /* 0 is a normal state: some makers keep them on a web site */
    struct att_buf
        *chain;          /* 0x01C00100-0x01C001FF: DER certificates one behind the other; or NULL */
    uint32_t unreadable; /* indexes in the range that could not be read, and were left out */
};

/*
 * hw_tpm_ek_certs - every certificate in NV 0x01C00000-0x01C07FFF, found by enumeration.
 *
 * Owner read is tried first, then the index's own empty authorisation, the latter only where a failure
 * does not count towards a lockout. *out is owned by the caller: hw_ek_certs_free.
 */
ATT_MUST_USE enum att_err hw_tpm_ek_certs(struct hw_ek_certs *out, struct hw_tpm *tpm,
                                          struct att_diag *diag);
void hw_ek_certs_free(
    struct hw_ek_certs *certs); /* the contents, not the struct; for ATT_CLEANUP */

/* Templates of the EK Credential Profile, low and high range (B.3, B.4). */
enum hw_ek_kind {
    HW_EK_ANY = 0,
    HW_EK_L1, /* RSA 2048, PolicyA */
    HW_EK_L2, /* ECC P-256, PolicyA */
    HW_EK_H1, /* RSA 2048, PolicyB */
    HW_EK_H2, /* ECC P-256, PolicyB */
    HW_EK_H3, /* ECC P-384, PolicyB */
};
const char *hw_ek_kind_name(enum hw_ek_kind kind); /* "L-1"; "any" */
enum hw_ek_kind hw_ek_kind_find(const char *name); /* HW_EK_ANY when unknown */

/* An endorsement key by value: nothing stays loaded. */
struct hw_ek {
    enum hw_ek_kind kind;
    bool nv_template;    /* made from the template that the maker stored in NV */
    uint32_t persistent; /* handle where it stands, or 0: it is made again when it is needed */
    uint32_t cert_index; /* NV index of the certificate that holds this public key, or 0 */
    uint8_t public_area[ATT_PUBAREA_MAX]; /* TPMT_PUBLIC */
    size_t public_len;
};

/*
 * hw_tpm_ek - the endorsement key that a certificate is for.
 *
 * kind    HW_EK_ANY: the first of H-2, L-2, H-3, H-1, L-1 that has a certificate, else the first of
 *         L-2, L-1 that the TPM can make (ECC first: RSA primaries take up to minutes on real chips).
 *         Another kind: that one, with its certificate if there is one. An enrolled agent keeps the
 *         kind in its state and asks for it.
 * certs   from hw_tpm_ek_certs. A certificate belongs to a key when it contains its modulus or point:
 *         that chooses, it proves nothing; the verifier compares the keys.
 * Errors  NOT_FOUND with TPM_IO when the TPM can make no key of that kind
 */
ATT_MUST_USE enum att_err hw_tpm_ek(struct hw_ek *out, struct hw_tpm *tpm, enum hw_ek_kind kind,
                                    const struct hw_ek_certs *certs, struct att_diag *diag);

/* The attestation key: a primary of the endorsement hierarchy (D2), kept at a persistent handle. */
#define HW_AK_HANDLE 0x81000a11U

struct hw_ak {
    uint32_t handle;
    uint8_t public_area[ATT_PUBAREA_MAX]; /* TPMT_PUBLIC */
    size_t public_len;
};

/*
 * hw_tpm_ak_find - the attestation key at a handle.
 *
 * handle  0x81000000-0x817fffff (owner range)
 * Errors  NOT_FOUND (TPM_IO) nothing there. CONFLICT (CFG_KEY) something else is there: another
 *         template, or not a primary of the endorsement hierarchy. CONFIG (CFG_KEY) bad handle.
 */
ATT_MUST_USE enum att_err hw_tpm_ak_find(struct hw_ak *out, struct hw_tpm *tpm, uint32_t handle,
                                         struct att_diag *diag);

/*
 * hw_tpm_ak_make - find it, or make it (ECDSA P-256, else RSASSA 2048) and persist it there.
 *
 * The same TPM makes the same key each time until its endorsement seed changes. Errors as for
 * hw_tpm_ak_find, without NOT_FOUND.
 */
ATT_MUST_USE enum att_err hw_tpm_ak_make(struct hw_ak *out, struct hw_tpm *tpm, uint32_t handle,
                                         struct att_diag *diag);

/* Remove it from its handle (decommissioning). NOT_FOUND and CONFLICT as for hw_tpm_ak_find. */
ATT_MUST_USE enum att_err hw_tpm_ak_remove(struct hw_tpm *tpm, uint32_t handle,
                                           struct att_diag *diag);

/*
 * hw_tpm_activate - TPM2_ActivateCredential: the secret, if the TPM holds both keys.
 *
 * secret     at least 64 bytes; wipe it after use
 * cred       id_object: TPM2B_ID_OBJECT; enc_secret: TPM2B_ENCRYPTED_SECRET; sizes included
 * Errors     also MISMATCH (ID_ACTIVATE): the credential is not for these keys. FORMAT (ID_ACTIVATE).
 */
struct hw_credential {
    struct att_slice id_object, enc_secret;
};
ATT_MUST_USE enum att_err hw_tpm_activate(struct att_buf **secret, struct hw_tpm *tpm,
                                          const struct hw_ek *ek, const struct hw_ak *ak,
                                          const struct hw_credential *cred, struct att_diag *diag);

/* A quote as the TPM marshals it. */
struct hw_quote {
    uint8_t attest[ATT_QUOTE_MAX]; /* TPMS_ATTEST */
    size_t attest_len;
    uint8_t sig[ATT_QUOTE_MAX]; /* TPMT_SIGNATURE */
    size_t sig_len;
};

/*
 * hw_tpm_quote - TPM2_Quote with the scheme of the key.
 *
 * ak          as found or made; MISMATCH (TPM_OTHER) when its handle now holds another key
 * qualifying  at most 32 bytes, so that TPMs with SHA-256 as their largest hash take it
 * sel         not empty
 */
ATT_MUST_USE enum att_err hw_tpm_quote(struct hw_quote *out, struct hw_tpm *tpm,
                                       const struct hw_ak *ak, struct att_slice qualifying,
                                       const struct att_pcr_selection *sel, struct att_diag *diag);

/*
 * hw_tpm_quote_trial - the same with an attestation key that is made for this quote and leaves with it: what a TPM
 * can do before it enrols. *ak is that key, with handle 0. Errors as making one in hw_tpm_ak_make, and TPM2_Quote's.
 */
ATT_MUST_USE enum att_err hw_tpm_quote_trial(struct hw_quote *out, struct hw_ak *ak,
                                             struct hw_tpm *tpm, struct att_slice qualifying,
                                             const struct att_pcr_selection *sel,
                                             struct att_diag *diag);

#endif
