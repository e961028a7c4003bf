/*
 * The kernel's IMA measurement list: binary (and, for people, ASCII) form, parsed entry by entry.
 *
 * The reader is a cursor and allocates nothing: a list of a million entries costs its own bytes only.
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
    struct att_slice template_data; /* the hashed bytes, without the leading length */
    enum att_hash alg;              /* of the file digest */
    struct att_slice digest;
    struct att_slice path; /* opaque bytes, the final NUL not included */
    struct att_slice sig;  /* ima-sig and its kin; else empty */
    struct att_slice buf;  /* ima-buf; else empty */
    bool verity;           /* d-ngv2 "verity:" digest */
    bool violation;        /* all-zero template digest: 0xff.. is extended */
};

struct att_ima {
    struct att_rd rd;
    uint32_t count; /* entries given out */
};

struct att_ima att_ima_from(struct att_slice in); /* starts at an entry */

/* The next entry: ATT_OK and *more true; *more false at the clean end. Errors: FMT_IMA with the byte. */
ATT_MUST_USE enum att_err att_ima_next(struct att_ima *it, struct att_ima_entry *out, bool *more,
                                       struct att_diag *diag);

/*
 * The digest that the kernel extended into a bank for an entry: H(template data), or all ones for a
 * violation. padded: the rule of kernels before 5.8, the SHA-1 digest padded with zeros.
 */
ATT_MUST_USE enum att_err att_ima_extended(uint8_t *out, const struct att_ima_entry *e,
                                           enum att_hash bank, bool padded, struct att_hasher *h);

/* Replay a whole list from zeros into the given banks. */
ATT_MUST_USE enum att_err att_ima_replay(struct att_pcr_values *out, struct att_slice in,
                                         const enum att_hash *banks, size_t bank_count, bool padded,
                                         uint32_t *entries, struct att_diag *diag);

/* One ASCII list to binary form in a new buffer (so that everything behind is one path). */
ATT_MUST_USE enum att_err att_ima_ascii_to_binary(struct att_buf **out, struct att_slice in,
                                                  struct att_diag *diag);

#endif
