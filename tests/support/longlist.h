/*
 * A long IMA list of a real TPM: a file as the kernel's, and PCR 10 extended as the kernel does, by raw
 * commands, since a list of a million entries is a million of them.
 */
#ifndef ATT_TEST_LONGLIST_H
#define ATT_TEST_LONGLIST_H

#include <stdint.h>

#include "swtpm.h"

struct longlist;

/* The file is made; nobody else uses the TPM until longlist_close, and it was started up before. */
struct longlist *longlist_new(const char *path, const struct swtpm *tpm);
/* Goes on at the end of the file. */
struct longlist *longlist_again(const char *path, const struct swtpm *tpm);
/* An ima-ng entry with this SHA-256 of the file. */
void longlist_add(struct longlist *l, const char *name, const uint8_t digest[32]);
/* count entries of files whose names have about 60 characters; boot_aggregate before when first is 0. */
void longlist_fill(struct longlist *l, uint32_t first, uint32_t count, const uint8_t digest[32]);
/* Extends from now on as kernels before 5.8: the SHA-1 padded with zeros. */
void longlist_padded(struct longlist *l);
uint64_t longlist_close(struct longlist *l); /* bytes of the file */

#endif
