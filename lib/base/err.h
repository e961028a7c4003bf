/*
 * Errors by value, and the diagnosis a failure carries.
 *
 * An enum att_err says what kind of thing went wrong, so that a program can act. A struct att_diag
 * says it to a person: which stable reason code, which field, at which byte, what was expected and
 * what was found. A verdict is not an error: ATT_OK with a result "contraindicated" means that we
 * could decide; an error means that we could not.
 */
#ifndef ATT_BASE_ERR_H
#define ATT_BASE_ERR_H

#include <stddef.h>

#include "base/reason.h"

#define ATT_MUST_USE          __attribute__((warn_unused_result))
#define ATT_CLEANUP(fn)       __attribute__((cleanup(fn)))
#define ATT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define ATT_COUNT(array)      (sizeof(array) / sizeof((array)[0]))

enum att_err {
    ATT_OK = 0,
    ATT_E_TRUNCATED,   /* input ends inside a value */
    ATT_E_TRAILING,    /* bytes left over after the value */
    ATT_E_FORMAT,      /* bytes that no well-formed input has */
    ATT_E_LIMIT,       /* larger, deeper or more than we allow */
    ATT_E_UNSUPPORTED, /* well-formed, but an algorithm or version that we do not know */
    ATT_E_SIGNATURE,   /* a signature or tag does not verify */
    ATT_E_UNTRUSTED,   /* no chain to an anchor, unknown key */
    ATT_E_STALE,       /* expired, used, or not yet valid */
    ATT_E_MISMATCH,    /* two things that must agree do not */
    ATT_E_DENIED,      /* the caller may not do this */
    ATT_E_CONFLICT,    /* something else already holds this place */
    ATT_E_NOT_FOUND,   /* nothing there by that name */
    ATT_E_BUSY,        /* try again later */
    ATT_E_IO,          /* reading or writing failed */
    ATT_E_NETWORK,     /* a peer cannot be reached or breaks the protocol */
    ATT_E_TPM,         /* the TPM refused or is not there */
    ATT_E_CRYPTO,      /* the cryptographic library failed */
    ATT_E_NOMEM,       /* memory ran out */
    ATT_E_CONFIG,      /* configuration or command line is wrong */
    ATT_E_INTERNAL,    /* our own mistake */
    ATT_E__COUNT
};

/* The constant's name without its prefix, such as "TRUNCATED"; "OK" for ATT_OK. Never NULL. */
const char *att_err_name(enum att_err err);

#define ATT_OFF_NONE  ((size_t)-1)
#define ATT_DIAG_TEXT 192

/*
 * One failure, for a person. All strings are printable: text from outside is escaped on the way in.
 * field and clause are literals. An all-zero struct is an empty diagnosis.
 */
struct att_diag {
    enum att_err err;
    enum att_reason reason;
    size_t off;               /* byte from the start of the outermost input, or ATT_OFF_NONE */
    const char *field;        /* path of the field, or NULL */
    const char *clause;       /* where the rule comes from, or NULL */
    char text[ATT_DIAG_TEXT]; /* what was expected and what was found, in English */
};

/*
 * att_fail - fill a diagnosis and return err, so that a refusal is one statement.
 *
 * diag    may be NULL; an earlier diagnosis is kept only if err is ATT_OK
 * fmt     what was expected and found; text from outside goes through att_escape first
 */
enum att_err att_fail(struct att_diag *diag, enum att_err err, enum att_reason reason,
                      const char *field, const char *fmt, ...) ATT_PRINTF(5, 6);

/* The same, with the byte at which the input went wrong. */
enum att_err att_fail_at(struct att_diag *diag, enum att_err err, enum att_reason reason,
                         const char *field, size_t off, const char *fmt, ...) ATT_PRINTF(6, 7);

/*
 * att_escape - make bytes from outside safe to print: one line, no control or escape characters.
 *
 * out     always terminated; at most cap - 1 characters, cut with "..." when it does not fit
 * Returns out
 */
char *att_escape(char *out, size_t cap, const void *in, size_t len);

/* The same for text that another program escaped already: its backslashes stay as they are. */
char *att_printable(char *out, size_t cap, const void *in, size_t len);

/* Puts "PATH: " in front of the text: which of several files it was. diag may be NULL. */
void att_diag_in(struct att_diag *diag, const char *path);

/* One line for people: "E_CODE field at byte N: text". Returns out, always terminated. */
char *att_diag_print(char *out, size_t cap, const struct att_diag *diag);

#endif
