/*
 * The kernel's IMA measurement list: binary (and, for people, ASCII) form, parsed entry by entry.
 *
 * The reader is a cursor and allocates nothing: a list of a million entries costs its own bytes
 * only.
 */
#ifndef ATT_TCG_IMA_H
#define ATT_TCG_IMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rd.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "tcg/pcr.h"

#define ATT_IMA_MAX      134217728 /* bytes */
#define ATT_IMA_PATH_MAX 8192
#define ATT_IMA_OLD_NAME 256 /* template "ima" hashes the name padded with zeros to this size */

enum att_ima_template {
    ATT_IMA_TEMPLATE_IMA,
    ATT_IMA_TEMPLATE_NG,
    ATT_IMA_TEMPLATE_SIG,
    ATT_IMA_TEMPLATE_NGV2,
    ATT_IMA_TEMPLATE_SIGV2,
    ATT_IMA_TEMPLATE_BUF,
    ATT_IMA_TEMPLATE_MODSIG,
    ATT_IMA_TEMPLATE_EVM_SIG,
    ATT_IMA_TEMPLATE_CUSTOM
};

struct att_ima_entry {
    size_t off;
    uint32_t pcr;
    struct att_slice template_digest; /* as logged: SHA-1, or the list's hash */
    enum att_ima_template template_;
    struct att_slice template_name;
    struct att_slice template_data; /* as in the list, without the leading length: what is hashed,
                                       but for the template "ima" (see att_ima_extended) */
    enum att_hash alg;              /* of the file digest */
    struct att_slice digest;
    struct att_slice path; /* opaque bytes, the final NUL not included */
    bool has_sig;          /* the template has a field for the file's signature */
    struct att_slice sig;  /* that field, or evm-sig's; else empty */
    struct att_slice buf;  /* ima-buf; else empty */
    bool verity;           /* d-ngv2 "verity:" digest */
    bool violation;        /* all-zero template digest: 0xff.. is extended */
};

struct att_ima {
    struct att_rd rd;
    uint32_t count;     /* entries given out */
    size_t digest_size; /* of the template digests: 20, or that of a binary_..._<hash> list */
};

/*
 * A list from a byte that starts an entry. Kernels write in their native order; only little-endian
 * lists (or ima_canonical_fmt) are read, and a big-endian one is refused at its first entry.
 */
struct att_ima att_ima_from(struct att_slice in);

/* The next entry: ATT_OK and *more true; *more false at the clean end. FMT_IMA with the byte. */
ATT_MUST_USE enum att_err att_ima_next(struct att_ima *it, struct att_ima_entry *out, bool *more,
                                       struct att_diag *diag);

/*
 * att_ima_extended - the digest that the kernel extended into a bank for an entry: H(template
 * data), or all ones for a violation. The digest in the list is not used.
 *
 * padded  the SHA-1 digest, padded with zeros to the bank's size: the rule of kernels before 5.8,
 *         and of later ones for a bank whose hash they have only as a module (SHA-384, Debian 12)
 * Errors  UNSUPPORTED CRYPTO
 */
ATT_MUST_USE enum att_err att_ima_extended(uint8_t *out, const struct att_ima_entry *e,
                                           enum att_hash bank, bool padded, struct att_hasher *h);

/* "the bank's own hash" or "the SHA-1 padded with zeros": for messages. */
const char *att_ima_rule_words(bool padded);

/*
 * att_ima_replay - replay a whole list from zeros into the given banks (at most ATT_PCR_BANKS).
 *
 * entries  their number; may be NULL
 * Errors   those of att_ima_next; UNSUPPORTED CONFLICT (one bank twice) LIMIT CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err att_ima_replay(struct att_pcr_values *out, struct att_slice in,
                                         const enum att_hash *banks, size_t bank_count, bool padded,
                                         uint32_t *entries, struct att_diag *diag);

/*
 * att_ima_ascii_to_binary - one ASCII list to binary form in a new buffer, so that everything
 * behind is one path. Templates whose ASCII form does not say which fields are empty are refused
 * (ima-modsig, evm-sig, custom ones). Where a name could end in either of two places, the template
 * hash decides.
 *
 * Errors  FORMAT TRUNCATED LIMIT, reason FMT_IMA, with the byte of the line; NOMEM
 */
ATT_MUST_USE enum att_err att_ima_ascii_to_binary(struct att_buf **out, struct att_slice in,
                                                  struct att_diag *diag);

#endif
