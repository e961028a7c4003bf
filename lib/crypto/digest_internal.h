/* The fetched algorithm objects, for the other files of this folder. */
#ifndef ATT_CRYPTO_DIGEST_INTERNAL_H
#define ATT_CRYPTO_DIGEST_INTERNAL_H

#include <openssl/types.h>

#include "crypto/digest.h"

/* Borrowed for the life of the process; NULL when the algorithm is not usable here. */
const EVP_MD *att_hash_evp(enum att_hash alg);

#endif
