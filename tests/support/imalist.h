/*
 * The IMA list of a test in the kernel's binary form, built field by field, right or wrong.
 *
 * A program has one. An entry is what stands between imalist_begin and imalist_end; a test spoils bytes
 * where it likes.
 */
#ifndef ATT_TEST_IMALIST_H
#define ATT_TEST_IMALIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/wr.h"
#include "tcg/ima.h"

struct imalist {
    uint8_t bytes[65536];
    struct att_wr w;
    size_t data_at; /* where the template data of the entry being built starts */
};

extern struct imalist imalist;

/* Empty again; a checked fixture. */
void imalist_setup(void);
struct att_slice imalist_slice(void); /* borrowed from the list */

/* The template digest is hash_len bytes, or 20; its value is nobody's hash. */
void imalist_begin_sized(uint32_t pcr, const char *name, size_t hash_len);
void imalist_begin(uint32_t pcr, const char *name);
void imalist_field(const void *in, size_t len);
/* prefix with its colon; a zero byte; len bytes of fill. */
void imalist_digest(const char *prefix, uint8_t fill, size_t len);
void imalist_path(const char *path); /* with its zero byte */
void imalist_end(void);              /* writes the length of the template data */

/* An entry of PCR 10 with a digest of 32 bytes and a path. */
void imalist_whole(const char *name, const char *prefix, const char *path);
/* An entry of the first template, "ima", which has no lengths. */
void imalist_old_entry(const char *path, size_t len);

/* The list is read, and it has this one entry. */
struct att_ima_entry imalist_only_entry(void);

#endif
