/*
 * Signed notes (C2SP signed-note v1.0.0): a text, a blank line, and lines of signatures.
 *
 * Opening is in two steps with two types, as in sign/cose.h: att_note_parse believes nothing; only att_note_verify
 * makes an att_note_verified. Signatures of type 01 (Ed25519) and 04 (timestamped cosignature, C2SP tlog-cosignature
 * v1.0) are verified; every other is one of an unknown key, and ignored.
 */
#ifndef ATT_SIGN_NOTE_H
#define ATT_SIGN_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "sign/signer.h"
#include "sign/vkey.h"

#define ATT_NOTE_MAX     262144 /* bytes of a note; room for 16 signatures of 5 kB, base64 */
#define ATT_NOTE_SIGS    64     /* lines of signatures; the specification asks for 16 at least */
#define ATT_NOTE_SIG_MAX 8192   /* bytes of a signature with its key id */

/* Seconds since 1970 that a cosignature may have at most. */
#define ATT_NOTE_TIME_MAX INT64_MAX

/* One line of signature as it stands there; every slice is borrowed from the note. */
struct att_note_sig {
    struct att_slice line; /* with its break */
    struct att_slice name;
    uint32_t key_id;
    struct att_slice base64; /* canonical, of at least 5 and at most ATT_NOTE_SIG_MAX bytes */
};

struct att_note {
    struct att_slice text; /* with its last line break; believed by nobody */
    size_t sig_count;
    struct att_note_sig sig[ATT_NOTE_SIGS];
};

/*
 * att_note_parse - split at the last blank line and read the lines of signatures. Borrows in.
 *
 * Errors  FORMAT TRUNCATED LIMIT (TL_CKPT)
 * Source  C2SP signed-note, Format
 */
ATT_MUST_USE enum att_err att_note_parse(struct att_note *out, struct att_slice in,
                                         struct att_diag *diag);

struct att_note_verified; /* opaque */

/*
 * att_note_verify - each signature whose name and id are those of one of the keys must verify.
 *
 * keys    borrowed by the result, as the note's input is
 * Errors  SIGNATURE (TL_CKPT): the signature of one of the keys does not verify, and so nothing does;
 *         UNTRUSTED (TL_CKPT): none of the keys signed; CRYPTO NOMEM
 * Source  C2SP signed-note, Signatures; tlog-cosignature, Ed25519 signed message
 */
ATT_MUST_USE enum att_err att_note_verify(struct att_note_verified **out,
                                          const struct att_note *note,
                                          const struct att_vkey *const *keys, size_t key_count,
                                          struct att_diag *diag);
void att_note_verified_free(struct att_note_verified *v);
void att_note_verified_freep(struct att_note_verified **v);

struct att_slice att_note_text(const struct att_note_verified *v);
/*
 * Did this key (the object that was passed) sign? *time_s, which may be NULL, is then the newest time that its
 * cosignatures claim, in seconds since 1970, and 0 for a signature of type 01.
 */
bool att_note_signed_by(const struct att_note_verified *v, const struct att_vkey *key,
                        uint64_t *time_s);

/*
 * att_note_keep - the note with the lines of these keys alone, into a new buffer.
 *
 * What strangers put under it goes. Whether the lines verify is not looked at: keep what att_note_verify passed.
 * Errors  LIMIT NOMEM
 */
ATT_MUST_USE enum att_err att_note_keep(struct att_buf **out, const struct att_note *note,
                                        const struct att_vkey *const *keys, size_t key_count);

struct att_note_order {
    struct att_slice text; /* ends in a line break */
    struct att_slice name; /* of the key */
    enum att_note_type type;
    uint64_t time_s; /* of a cosignature, at most ATT_NOTE_TIME_MAX; else 0 */
};

/*
 * att_note_sign - one line of signature into a new buffer.
 *
 * Errors  UNSUPPORTED (the signer is not Ed25519), INTERNAL (an order that att_note_parse would refuse), NOMEM and
 *         what the signer says
 */
ATT_MUST_USE enum att_err att_note_sign(struct att_buf **line, const struct att_note_order *order,
                                        const struct att_signer *signer);

/* The whole note with that one line. The same errors. */
ATT_MUST_USE enum att_err att_note_make(struct att_buf **out, const struct att_note_order *order,
                                        const struct att_signer *signer);

#endif
