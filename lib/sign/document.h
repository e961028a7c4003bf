/*
 * Whose signature counts, and documents that carry one: policies, change notices and specifications have one form.
 *
 * A document is a COSE_Sign1 (RFC 9052) over deterministic CBOR. Its content type says what it is, its kid
 * names the signer's key, and the external data says what the signature is for, so that none made for one
 * purpose is one for another.
 */
#ifndef ATT_SIGN_DOCUMENT_H
#define ATT_SIGN_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/reason.h"
#include "base/slice.h"
#include "crypto/key.h"
#include "sign/cose.h"
#include "sign/signer.h"

#define ATT_SIGNERS_MAX     32
#define ATT_SIGNER_NAME_MAX 63

/* Public keys, each with a name: that of its file without ".pem", which is the role of whoever holds it. */
struct att_signers;
ATT_MUST_USE enum att_err att_signers_new(struct att_signers **out);
/* text: PEM or DER key, or PEM certificate, of which the key alone counts. FORMAT LIMIT NOMEM */
ATT_MUST_USE enum att_err att_signers_add(struct att_signers *s, const char *name,
                                          struct att_slice text, struct att_diag *diag);
/*
 * att_signers_load - every *.pem of a folder, in byte order of names; whoever can write the folder
 * can sign, so it is read as ATT_FILE_OWNED. CONFIG (CFG_PATH) DENIED (CFG_PERM) NOT_FOUND FORMAT
 */
ATT_MUST_USE enum att_err att_signers_load(struct att_signers *s, const char *folder,
                                           struct att_diag *diag);
/* The key of this fingerprint, borrowed; NULL when it is not there, or s is NULL. */
const struct att_pubkey *att_signers_find(const struct att_signers *s, struct att_slice kid);
void att_signers_free(struct att_signers *s);
void att_signers_freep(struct att_signers **s);

/* One kind of document. */
struct att_document_kind {
    const char *what; /* "policy": the field of its diagnoses */
    const char *content_type;
    const char *purpose; /* external data of the signature */
    const char *folder;  /* the configuration key of its signers, for messages */
    enum att_reason reason;
};

/* Bytes that are a COSE message rather than text. */
bool att_document_is_signed(struct att_slice in);

/* The message as it stands, of this kind, its payload not verified; kid is the signer's. SIGNATURE FORMAT ... */
ATT_MUST_USE enum att_err att_document_peek(struct att_cose *out, uint8_t kid[32],
                                            const struct att_document_kind *kind,
                                            struct att_slice in, struct att_diag *diag);
/*
 * att_document_open - the payload of a document that one of signers (NULL: nobody) signed.
 *
 * name    the signer's, borrowed from signers; may be NULL
 * Errors  SIGNATURE (kind->reason: none, of another, or false), FORMAT, NOMEM CRYPTO
 */
ATT_MUST_USE enum att_err att_document_open(struct att_cose_verified **out, uint8_t kid[32],
                                            const char **name, const struct att_document_kind *kind,
                                            struct att_slice in, const struct att_signers *signers,
                                            struct att_diag *diag);
/* Sign a payload as one. What the signer says, NOMEM. */
ATT_MUST_USE enum att_err att_document_sign(struct att_buf **out,
                                            const struct att_document_kind *kind,
                                            struct att_slice payload,
                                            const struct att_signer *signer);

#endif
