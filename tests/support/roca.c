/* Moduli with the mark, made without the library that left it. */
#include "roca.h"

#include <openssl/bn.h>

#include "base/err.h"
#include "need.h"

static BIGNUM *small_primes(void)
{
    static const unsigned int PRIMES[] = {
        2,  3,  5,  7,  11, 13,  17,  19,  23,  29,  31,  37,  41,  43,  47,  53,  59,  61,  67, 71,
        73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};
    BIGNUM *m = BN_new();

    NEED(m != NULL && BN_one(m) == 1);
    for (size_t i = 0; i < ATT_COUNT(PRIMES); i++) {
        NEED(BN_mul_word(m, PRIMES[i]) == 1);
    }
    return m;
}

/* One factor: random upper bits, and below them a power of 65537 modulo m. */
static BIGNUM *factor(const BIGNUM *m, int bits, BN_CTX *ctx)
{
    BIGNUM *f = BN_new();
    BIGNUM *rest = BN_new();
    BIGNUM *e = BN_new();
    BIGNUM *g = BN_new();

    NEED(f != NULL && rest != NULL && e != NULL && g != NULL && BN_set_word(g, 65537) == 1);
    NEED(BN_rand(f, bits, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY) == 1);
    NEED(BN_rand(e, 60, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1);
    NEED(BN_mod_exp(e, g, e, m, ctx) == 1 && BN_mod(rest, f, m, ctx) == 1);
    NEED(BN_sub(f, f, rest) == 1 && BN_add(f, f, e) == 1);
    BN_free(rest);
    BN_free(e);
    BN_free(g);
    return f;
}

void roca_modulus(uint8_t *out, size_t len)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *m = small_primes();
    BIGNUM *n = BN_new();

    NEED(ctx != NULL && n != NULL);
    do {
        BIGNUM *p = factor(m, (int)len * 4, ctx);
        BIGNUM *q = factor(m, (int)len * 4, ctx);

        NEED(BN_mul(n, p, q, ctx) == 1);
        BN_free(p);
        BN_free(q);
    } while (BN_num_bits(n) != (int)len * 8);
    NEED(BN_bn2binpad(n, out, (int)len) == (int)len);
    BN_free(m);
    BN_free(n);
    BN_CTX_free(ctx);
}
