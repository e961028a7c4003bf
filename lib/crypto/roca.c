/*
 * Does an RSA modulus carry the mark of CVE-2017-15361?
 *
 * The library of some TPMs and smart cards made its primes as k * M + (65537^a mod M) with M a product of
 * the first small primes. A modulus of two such primes is a power of 65537 modulo each of these small primes;
 * any other modulus is that by chance once in about 2^27 times.
 */
#include <openssl/bn.h>

#include "base/err.h"
#include "crypto/key_internal.h"

#define GENERATOR 65537U

/* Up to 167 they divide the M of every key length that the library knows. */
static const unsigned int PRIMES[] = {
    3,  5,  7,  11, 13, 17,  19,  23,  29,  31,  37,  41,  43,  47,  53,  59,  61,  67,  71,
    73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};

static bool is_power(unsigned int rest, unsigned int prime)
{
    unsigned int power = 1;

    do {
        if (power == rest) {
            return true;
        }
        power = power * (GENERATOR % prime) % prime;
    } while (power != 1);
    return false;
}

bool att_rsa_is_roca(const BIGNUM *n)
{
    for (size_t i = 0; i < ATT_COUNT(PRIMES); i++) {
        if (!is_power((unsigned int)BN_mod_word(n, PRIMES[i]), PRIMES[i])) {
            return false;
        }
    }
    return true;
}
