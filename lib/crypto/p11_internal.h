/* The parts of an RFC 7512 address, and the question that libp11 cannot ask. */
#ifndef ATT_CRYPTO_P11_INTERNAL_H
#define ATT_CRYPTO_P11_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

#define ATT_P11_TEXT 256
#define ATT_P11_PATH 4096

/* Percent decoding done; an empty text was not given. */
struct att_p11_uri {
    char token[ATT_P11_TEXT];
    char manufacturer[ATT_P11_TEXT];
    char serial[ATT_P11_TEXT];
    char model[ATT_P11_TEXT];
    char slot_id[ATT_P11_TEXT]; /* decimal */
    char object[ATT_P11_TEXT];
    char id[ATT_P11_TEXT]; /* bytes, which may be zero */
    size_t id_len;
    char type[ATT_P11_TEXT];
    char module_path[ATT_P11_PATH];
    char pin_source[ATT_P11_PATH];
};

/* CONFIG, reason CFG_KEY. */
ATT_MUST_USE enum att_err att_p11_uri_parse(struct att_p11_uri *out, const char *uri,
                                            struct att_diag *diag);

/*
 * att_p11_is_sealed - does the token say that no private key of this name can be taken out of it?
 *
 * module  the path that libp11 loaded, so that the library is the same one and initialised
 * label   may be empty
 * Errors  DENIED (extractable, or it does not say); NOT_FOUND (no such key); CRYPTO
 */
ATT_MUST_USE enum att_err att_p11_is_sealed(const char *module, unsigned long slot,
                                            struct att_slice id, struct att_slice label,
                                            struct att_diag *diag);

#endif
