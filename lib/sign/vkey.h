/*
 * Verifier keys of signed notes (C2SP signed-note v1.0.0): name, type and public key, and the id that follows from
 * them. Written NAME+ID+KEY: eight lower-case hexadecimal digits, and base64 of the type and the key.
 */
#ifndef ATT_SIGN_VKEY_H
#define ATT_SIGN_VKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/b64.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/key.h"

/* The types that we verify: a signature of the text, and a timestamped cosignature (C2SP tlog-cosignature v1.0). */
enum att_note_type { ATT_NOTE_ED25519 = 0x01, ATT_NOTE_COSIGNATURE = 0x04 };

#define ATT_NOTE_NAME_MAX 255 /* bytes of the name of a key that we hold */
#define ATT_VKEY_TEXT     (ATT_NOTE_NAME_MAX + 1 + 8 + 1 + ATT_B64_LEN(1 + ATT_ED25519_LEN))

/* May this be the name of a key? UTF-8, not empty, no space of Unicode, no plus, no control character. */
bool att_note_name_ok(struct att_slice name);

struct att_vkey; /* opaque; what it holds never changes */

/*
 * att_vkey_parse - a verifier key from its text, without white space around it.
 *
 * Errors  FORMAT LIMIT (FMT_KEY); MISMATCH (FMT_KEY): the id is not that of name and key; UNSUPPORTED (FMT_KEY): a
 *         type that we do not verify: whoever has several keys leaves such a one out; CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err att_vkey_parse(struct att_vkey **out, struct att_slice text,
                                         struct att_diag *diag);
/* The verifier key of an Ed25519 key; copies what it needs. FORMAT (name) UNSUPPORTED (key) CRYPTO NOMEM. */
ATT_MUST_USE enum att_err att_vkey_new(struct att_vkey **out, struct att_slice name,
                                       enum att_note_type type, const struct att_pubkey *key);
void att_vkey_free(struct att_vkey *k);
void att_vkey_freep(struct att_vkey **k);

/* Returns out, terminated; an empty string when cap is below ATT_VKEY_TEXT. */
char *att_vkey_print(char *out, size_t cap, const struct att_vkey *k);

struct att_slice att_vkey_name(const struct att_vkey *k); /* borrowed from k */
enum att_note_type att_vkey_type(const struct att_vkey *k);
uint32_t att_vkey_id(const struct att_vkey *k);
const struct att_pubkey *att_vkey_key(const struct att_vkey *k); /* borrowed from k */

/* SHA-256 over what the key id is the beginning of: name, line break, type, key. What people compare. CRYPTO. */
ATT_MUST_USE enum att_err att_vkey_fingerprint(uint8_t out[32], const struct att_vkey *k);

/* The id that a key of this name and type has (C2SP signed-note, Signatures). CRYPTO. */
ATT_MUST_USE enum att_err att_note_key_id(uint32_t *out, struct att_slice name,
                                          enum att_note_type type,
                                          const uint8_t key[ATT_ED25519_LEN]);

#endif
