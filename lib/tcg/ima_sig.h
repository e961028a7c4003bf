/*
 * File signatures of the kernel's list: the extended attribute security.ima as the field "sig" holds it.
 *
 * A signature of version 2 is over the file's digest; one of version 3 over the hash of what says which kind
 * of digest it is (struct ima_file_id), so that the digest of a file and that of its fs-verity tree cannot
 * stand for one another. (Linux, security/integrity/integrity.h, digsig_asymmetric.c, ima_appraise.c)
 */
#ifndef ATT_TCG_IMA_SIG_H
#define ATT_TCG_IMA_SIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "tcg/ima.h"

#define ATT_IMA_SIG_MAX   1024 /* bytes of the signature itself; RSA of 4096 bits has 512 */
#define ATT_IMA_KEYID_LEN 4

struct att_ima_sig {
    bool verity;                      /* over an fs-verity digest */
    uint8_t type, version;            /* as they stand there: 3 or 6, 2 or 3 */
    uint8_t hash_id;                  /* the kernel's number of the hash */
    enum att_hash hash;               /* SHA-256, SHA-384 or SHA-512 */
    uint8_t keyid[ATT_IMA_KEYID_LEN]; /* a hint: the end of the signer's subject key identifier */
    struct att_slice sig;             /* PKCS#1 v1.5, or r and s in DER; borrowed from the input */
};

/*
 * att_ima_sig_parse - one file signature.
 *
 * Errors  NOT_FOUND (the field is empty: no signature); UNSUPPORTED (a hash, an HMAC, an EVM signature,
 *         another version or hash); FORMAT TRUNCATED TRAILING LIMIT; reason IMA_SIGFORM, which says what
 *         was found
 */
ATT_MUST_USE enum att_err att_ima_sig_parse(struct att_ima_sig *out, struct att_slice in,
                                            struct att_diag *diag);

/*
 * att_ima_sig_verify - is this a signature by that key over the digest of an entry?
 *
 * Errors  MISMATCH (over a digest of another algorithm or kind than the list has; reason IMA_SIGFORM),
 *         SIGNATURE (reason IMA_SIGBAD), UNSUPPORTED (a key that signs no files), CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err att_ima_sig_verify(const struct att_ima_sig *s,
                                             const struct att_ima_entry *e,
                                             const struct att_pubkey *key, struct att_diag *diag);

#endif
