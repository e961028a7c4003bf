/* Hashing by algorithm. Every hash of the project is made here. */
#ifndef ATT_CRYPTO_DIGEST_H
#define ATT_CRYPTO_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

/* The values are the TCG algorithm ids (TCG Algorithm Registry), so tcg/ needs no table to convert. */
enum att_hash {
    ATT_HASH_NONE = 0,
    ATT_HASH_SHA1 = 0x0004,
    ATT_HASH_SHA256 = 0x000b,
    ATT_HASH_SHA384 = 0x000c,
    ATT_HASH_SHA512 = 0x000d,
    ATT_HASH_SM3 = 0x0012, /* size known, never computed */
};

#define ATT_HASH_MAX 64

size_t att_hash_size(enum att_hash alg);      /* bytes; 0 for an unknown algorithm */
const char *att_hash_name(enum att_hash alg); /* "sha256"; "none" */
/* As TPM tools or Linux write it; ATT_HASH_NONE when unknown. */
enum att_hash att_hash_find(const char *name, size_t len);
bool att_hash_usable(enum att_hash alg); /* we can compute it: SHA-1 and the SHA-2 three */

/* A reusable hashing context: one allocation for any number of hashes. */
struct att_hasher;
ATT_MUST_USE enum att_err att_hasher_new(struct att_hasher **out);
void att_hasher_free(struct att_hasher *h);
void att_hasher_freep(struct att_hasher **h);
ATT_MUST_USE enum att_err att_hasher_start(struct att_hasher *h,
                                           enum att_hash alg); /* UNSUPPORTED CRYPTO */
ATT_MUST_USE enum att_err att_hasher_add(struct att_hasher *h, const void *in, size_t len);
ATT_MUST_USE enum att_err att_hasher_finish(struct att_hasher *h,
                                            uint8_t *out); /* att_hash_size bytes */

/* One hash over parts in order; out holds att_hash_size(alg) bytes. UNSUPPORTED CRYPTO. */
ATT_MUST_USE enum att_err att_digest(enum att_hash alg, const struct att_slice *parts, size_t count,
                                     uint8_t *out);
ATT_MUST_USE enum att_err att_sha256(struct att_slice in, uint8_t out[32]);

/* In constant time for equal lengths. */
bool att_digest_eq(const void *a, const void *b, size_t len);

/* out = HMAC(key, parts). CRYPTO UNSUPPORTED. */
ATT_MUST_USE enum att_err att_hmac(enum att_hash alg, struct att_slice key,
                                   const struct att_slice *parts, size_t count, uint8_t *out);

/* Random bytes for nonces and keys. CRYPTO when the source fails: then nothing may be issued. */
ATT_MUST_USE enum att_err att_random(void *out, size_t len);

#endif
