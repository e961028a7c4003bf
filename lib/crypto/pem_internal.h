/* PEM armour: exactly one block, whatever text stands around it. */
#ifndef ATT_CRYPTO_PEM_INTERNAL_H
#define ATT_CRYPTO_PEM_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/bio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define ATT_PEM_MAX  ((size_t)65536) /* bytes of one file with one key or certificate */
#define ATT_PEM_NAME 32

struct att_pem {
    char name[ATT_PEM_NAME]; /* such as "CERTIFICATE" */
    struct att_buf *der;     /* owned */
};

/*
 * att_pem_next - the next block of a text, or NOT_FOUND at its end.
 *
 * Encrypted blocks are refused: nothing here ever asks for a passphrase. FORMAT UNSUPPORTED NOMEM.
 */
ATT_MUST_USE enum att_err att_pem_next(struct att_pem *out, BIO *text);
void att_pem_clear(struct att_pem *pem); /* for ATT_CLEANUP; wipes */

/* The only block of a text: NOT_FOUND when there is none, TRAILING when a second one follows. */
ATT_MUST_USE enum att_err att_pem_only(struct att_pem *out, struct att_slice text);

/* A text with one block. */
ATT_MUST_USE enum att_err att_pem_write(struct att_buf **out, const char *name,
                                        struct att_slice der);

/* Does this look like a DER SEQUENCE rather than like text? */
bool att_pem_is_der(struct att_slice in);

/* The text in a BIO, copied into a buffer of ours. */
ATT_MUST_USE enum att_err att_pem_from_bio(struct att_buf **out, BIO *bio);

#endif
