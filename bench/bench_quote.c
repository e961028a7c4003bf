/*
 * The check of one quote beside the bare signature check that it contains.
 *
 * ours   att_quote_verify: wire bytes to a believed quote, the key object kept
 * limit  EVP_DigestVerify over the same bytes with a kept key object, the signature already in DER
 */
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "evidence/verify.h"
#include "harness.h"
#include "need.h"
#include "softtpm.h"

struct scene {
    struct softtpm *tpm;
    struct att_pubkey *ak;
    struct att_expect expect;
    uint8_t qualifying[32];
    struct softtpm_bytes attest, signature;
    uint8_t der[80];
    size_t der_len;
    EVP_MD_CTX *md;
};

static void make_der(struct scene *s, const struct softtpm_signature *sig)
{
    ECDSA_SIG *both = ECDSA_SIG_new();
    unsigned char *p = s->der;
    int len;

    NEED(both != NULL && ECDSA_SIG_set0(both, BN_bin2bn(sig->a, (int)sig->a_len, NULL),
                                        BN_bin2bn(sig->b, (int)sig->b_len, NULL)) == 1);
    len = i2d_ECDSA_SIG(both, &p);
    NEED(len > 0);
    s->der_len = (size_t)len;
    ECDSA_SIG_free(both);
}

static void open_scene(struct scene *s)
{
    struct att_pubarea area;
    struct softtpm_attest attest;
    struct softtpm_signature sig;

    s->tpm = softtpm_new(NULL, SOFTTPM_EK_P256);
    NEED(att_pubarea_parse(&area, softtpm_public(&s->tpm->ak), NULL) == ATT_OK);
    NEED(att_pubarea_key(&s->ak, &area, NULL) == ATT_OK);
    s->expect = (struct att_expect){
        .ak = s->ak,
        .scheme = ATT_SCHEME_ECDSA,
        .hash = ATT_HASH_SHA256,
        .qualified_signer = att_slice_of(s->tpm->ak.qualified, s->tpm->ak.qualified_len),
        .qualifying = att_slice_of(s->qualifying, 32),
        .selection = softtpm_selection(ATT_HASH_SHA256, 0x24ff)};
    attest = softtpm_attest(s->tpm, s->expect.qualifying, &s->expect.selection);
    s->attest = softtpm_attest_encode(&attest);
    sig = softtpm_sign(&s->tpm->ak, softtpm_slice(&s->attest));
    s->signature = softtpm_signature_encode(&sig);
    make_der(s, &sig);
    s->md = EVP_MD_CTX_new();
    NEED(s->md != NULL);
}

static void ours(void *ctx)
{
    const struct scene *s = ctx;
    struct att_quoted *q = NULL;

    NEED(att_quote_verify(&q, softtpm_slice(&s->attest), softtpm_slice(&s->signature), &s->expect,
                          NULL) == ATT_OK);
    att_quoted_free(q);
}

static void bare(void *ctx)
{
    const struct scene *s = ctx;

    NEED(EVP_DigestVerifyInit(s->md, NULL, EVP_sha256(), NULL, s->tpm->ak.pkey) == 1);
    NEED(EVP_DigestVerify(s->md, s->der, s->der_len, s->attest.p, s->attest.len) == 1);
}

int main(void)
{
    static const struct bench_row row = {"quote check", "1/s", BENCH_AT_LEAST, 0.87};
    static struct scene s;

    open_scene(&s);
    bench_ops(&row, ours, bare, &s);
    EVP_MD_CTX_free(s.md);
    att_pubkey_free(s.ak);
    softtpm_free(s.tpm);
    return 0;
}
