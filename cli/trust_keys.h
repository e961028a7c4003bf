/* Keys of transparency logs and witnesses in a trust folder: *.vkey, one verifier key of C2SP signed-note a file. */
#ifndef CLI_TRUST_KEYS_H
#define CLI_TRUST_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "cli.h"
#include "sign/vkey.h"

#define TRUST_KEYS_MAX 64
#define TRUST_KEY_FILE 1024 /* bytes of a file */
#define TRUST_KEY_ENDS ".vkey"

struct trust_keys {
    struct att_vkey *key[TRUST_KEYS_MAX]; /* owned */
    size_t count;
};

/*
 * Every *.vkey of the folder, in name order; out is cleared by the caller also when it fails.
 * Errors  LIMIT (more than TRUST_KEYS_MAX), and those of trust_key_read and of reading files
 */
ATT_MUST_USE enum att_err trust_keys_load(struct trust_keys *out, const char *dir,
                                          struct att_diag *diag);
void trust_keys_clear(struct trust_keys *k);
size_t trust_keys_count(const struct trust_keys *k, enum att_note_type type);

/* Does it look like a verifier key rather than like a certificate? */
bool trust_key_looks(struct att_slice file);
/* One line, with its line break or without. Errors of att_vkey_parse, FORMAT (FMT_KEY) for its MISMATCH and for more than a line. */
ATT_MUST_USE enum att_err trust_key_read(struct att_vkey **out, struct att_slice file,
                                         struct att_diag *diag);

/* Its fields as text, and as an entry of list. */
void trust_key_describe(struct report *r, const struct att_vkey *k, json_t *list);

#endif
