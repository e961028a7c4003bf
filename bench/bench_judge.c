/*
 * From evidence to verdict, and from verdict to label: what lib/ adds to the signatures themselves.
 *
 * The gateway has sent its logs before; what is judged is its second evidence, which brings nothing new.
 */
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "appraise/appraise.h"
#include "appraise/label.h"
#include "evidence/verify.h"
#include "gateway.h"
#include "harness.h"
#include "need.h"
#include "policy/policy.h"
#include "policy/refval.h"
#include "service.h"

#define FEW         1000
#define MANY        100000
#define LABEL_BYTES 1200 /* about what the label's signature covers */
#define BOOT_MASK   0xffU
#define IMA_PCR     10U

static const uint8_t nonce[ATT_NONCE_LEN] = {1};
static const uint8_t session[ATT_SESSION_LEN] = {2};

struct refs {
    struct att_buf *bytes;
    struct att_refvals *open;
};

struct scene {
    struct client_tls *tls;
    struct gateway *g;
    struct gateway_attempt attempt; /* the evidence that is judged */
    struct att_policy *policy;
    struct refs few, many;
    struct att_pubkey *ak;
    struct att_boot_state prior;
    struct att_carry carry;
    struct att_result *result;
    struct att_quoted *quoted;
    struct att_signer *signer;
    struct softtpm_ca *ca;
    struct att_slice chain; /* DER */
    EVP_PKEY *bare_key;
    EVP_MD_CTX *md;
};

static void refer_to(struct att_refvals_maker *m, const char *name, const uint8_t digest[32])
{
    NEED(att_refvals_maker_add(m, att_slice_str(name), digest) == ATT_OK);
}

/* What the gateway measures, among count digests of other things. */
static void make_refs(struct refs *out, const struct gateway *g, int count)
{
    ATT_CLEANUP(att_refvals_maker_freep) struct att_refvals_maker *m = NULL;
    uint8_t digest[32];
    char name[48];

    NEED(att_refvals_maker_new(&m) == ATT_OK);
    for (unsigned int i = 0; i < 10; i++) {
        snprintf(name, sizeof(name), "pcr/sha256/%u", i);
        refer_to(m, name, softtpm_pcr(g->tpm, ATT_HASH_SHA256, i));
    }
    for (int i = 0; i < GATEWAY_FILE_COUNT; i++) {
        NEED(att_sha256(att_slice_str(gateway_contents[i]), digest) == ATT_OK);
        refer_to(m, gateway_files[i], digest);
    }
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "/usr/lib/other-%d", i);
        NEED(RAND_bytes(digest, sizeof(digest)) == 1);
        refer_to(m, name, digest);
    }
    NEED(att_refvals_maker_finish(&out->bytes, m) == ATT_OK);
    NEED(att_refvals_open(&out->open, att_buf_slice(out->bytes), NULL) == ATT_OK);
}

/* Evidence as for a challenge that knows what the prior state knows. */
static void measure(struct scene *s)
{
    struct gateway_attempt *a = &s->attempt;

    gateway_attempt_clear(a);
    a->challenge.nonce = att_slice_of(nonce, sizeof(nonce));
    a->challenge.session = att_slice_of(session, sizeof(session));
    a->challenge.verifier_id = att_slice_str(SERVICE_VERIFIER);
    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        a->challenge.offset[i] = s->prior.log[i].off;
    }
    a->selection =
        softtpm_selection(ATT_HASH_SHA256, BOOT_MASK | 1U << IMA_PCR | 1U << GATEWAY_OWN_PCR);
    gateway_measure(s->g, a);
    gateway_sign(s->g, a);
    gateway_seal(s->g, a);
}

static struct att_expect expectation(const struct scene *s)
{
    const struct softtpm_key *ak = &s->g->tpm->ak;

    return (struct att_expect){.ak = s->ak,
                               .scheme = ATT_SCHEME_ECDSA,
                               .hash = ATT_HASH_SHA256,
                               .qualified_signer = att_slice_of(ak->qualified, ak->qualified_len),
                               .qualifying = att_slice_of(s->attempt.qualifying, 32),
                               .selection = s->attempt.selection};
}

/* What an appraiser does with one evidence. */
static void judge(struct scene *s, const struct att_refvals *refs)
{
    static const struct att_log_rules rules = {.bank = ATT_HASH_SHA256,
                                               .boot_mask = BOOT_MASK,
                                               .ima_pcr = IMA_PCR,
                                               .own_pcr = GATEWAY_OWN_PCR,
                                               .window = 64};
    ATT_CLEANUP(att_verified_freep) struct att_verified *v = NULL;
    struct att_device_facts facts = {.ek_verified = true, .carry = &s->carry};
    struct att_expect expect = expectation(s);
    struct att_evidence ev;

    NEED(att_evidence_parse(&ev, att_buf_slice(s->attempt.evidence), NULL) == ATT_OK);
    NEED(att_evidence_verify(&v, &ev, &expect, &rules, &s->prior, NULL) == ATT_OK);
    NEED(att_appraise(s->result, v, s->policy, refs, &facts) == ATT_OK);
    NEED(s->result->status == ATT_TIER_AFFIRMING);
}

/* Carry counts under one set of references: each set sees the logs once. */
static void first_contact(struct scene *s, const struct att_refvals *refs)
{
    memset(&s->prior, 0, sizeof(s->prior));
    memset(&s->carry, 0, sizeof(s->carry));
    measure(s);
    judge(s, refs);
    s->prior = s->result->state;
    s->carry = s->result->carry;
    measure(s);
}

static void open_scene(struct scene *s)
{
    struct att_privkey *key = NULL;
    struct att_pubarea area;
    struct att_expect expect;
    unsigned char *der = NULL;

    s->tls = client_tls_new(NULL);
    s->g = gateway_new(s->tls, "127.0.0.1", 1, "gw-1", softtpm_new(NULL, SOFTTPM_EK_P256));
    gateway_boot(s->g);
    NEED(att_policy_parse_yaml(&s->policy, "policy.yaml", att_slice_str(service_policy), NULL) ==
         ATT_OK);
    make_refs(&s->few, s->g, FEW);
    make_refs(&s->many, s->g, MANY);
    NEED(att_pubarea_parse(&area, softtpm_public(&s->g->tpm->ak), NULL) == ATT_OK);
    NEED(att_pubarea_key(&s->ak, &area, NULL) == ATT_OK);
    s->result = att_result_new();
    NEED(s->result != NULL);
    first_contact(s, s->few.open);
    expect = expectation(s);
    NEED(att_quote_verify(&s->quoted, softtpm_slice(&s->attempt.attest_bytes),
                          softtpm_slice(&s->attempt.signature_bytes), &expect, NULL) == ATT_OK);
    NEED(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_signer_software(&s->signer, key) == ATT_OK);
    s->ca = softtpm_ca_new("label signer");
    s->chain.len = (size_t)i2d_X509(s->ca->root, &der);
    s->chain.p = der;
    s->bare_key = softtpm_p256();
    s->md = EVP_MD_CTX_new();
    NEED(s->md != NULL);
}

static void close_scene(struct scene *s)
{
    EVP_MD_CTX_free(s->md);
    EVP_PKEY_free(s->bare_key);
    OPENSSL_free((void *)(uintptr_t)s->chain.p);
    softtpm_ca_free(s->ca);
    att_signer_free(s->signer);
    att_quoted_free(s->quoted);
    att_result_free(s->result);
    att_pubkey_free(s->ak);
    att_refvals_free(s->few.open);
    att_buf_free(s->few.bytes);
    att_refvals_free(s->many.open);
    att_buf_free(s->many.bytes);
    att_policy_free(s->policy);
    gateway_attempt_clear(&s->attempt);
    gateway_free(s->g);
    client_tls_free(s->tls);
}

static void make_label(void *ctx)
{
    const struct scene *s = ctx;
    static const uint8_t id[32] = {3};
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    const struct att_label_facts facts = {.issuer = SERVICE_VERIFIER,
                                          .device_id = s->g->id,
                                          .ek_digest = id,
                                          .cti = id,
                                          .iat = 1790000000,
                                          .exp = 1790014400,
                                          .policy_name = s->policy->name,
                                          .policy_version = s->policy->version,
                                          .manufacturer = "Example",
                                          .model = "Gateway",
                                          .x5chain = &s->chain,
                                          .x5chain_count = 1};

    NEED(att_label_make(&label, &facts, s->quoted, s->result, s->signer) == ATT_OK);
}

static void bare_sign(void *ctx)
{
    static const uint8_t text[LABEL_BYTES];
    const struct scene *s = ctx;
    uint8_t sig[80];
    size_t len = sizeof(sig);

    NEED(EVP_DigestSignInit(s->md, NULL, EVP_sha256(), NULL, s->bare_key) == 1);
    NEED(EVP_DigestSign(s->md, sig, &len, text, sizeof(text)) == 1);
}

static void judge_few(void *ctx)
{
    struct scene *s = ctx;

    judge(s, s->few.open);
}

static void judge_many(void *ctx)
{
    struct scene *s = ctx;

    judge(s, s->many.open);
}

/* The alternation of bench_ops would change the references under the carry: a sample sets them up. */
static double few_us(void *ctx)
{
    struct scene *s = ctx;

    first_contact(s, s->few.open);
    return bench_op_us(judge_few, s);
}

static double many_us(void *ctx)
{
    struct scene *s = ctx;

    first_contact(s, s->many.open);
    return bench_op_us(judge_many, s);
}

int main(void)
{
    static const struct bench_row label = {"label, claims to signed bytes", "us", BENCH_AT_MOST,
                                           1.5};
    static const struct bench_row refs = {"appraisal, 100,000 references beside 1,000", "us",
                                          BENCH_AT_MOST, 1.1};
    static struct scene s;

    open_scene(&s);
    bench_ops(&label, make_label, bare_sign, &s);
    bench_pairs(&refs, many_us, few_us, &s);
    close_scene(&s);
    return 0;
}
