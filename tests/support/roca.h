/* RSA moduli that carry the mark of CVE-2017-15361. */
#ifndef ATT_TEST_ROCA_H
#define ATT_TEST_ROCA_H

#include <stddef.h>
#include <stdint.h>

/* len bytes with the top bit set: the product of two numbers k * M + (65537^a mod M), primes or not. */
void roca_modulus(uint8_t *out, size_t len);

#endif
