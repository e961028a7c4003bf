/* Keys that an enrolment is shown beside its own. */
#include "factorytest.h"

#include <stdlib.h>

#include "need.h"
#include "tcg/quote.h"

#define IAK_ATTRIBUTES (SOFTTPM_AK_ATTRIBUTES & ~ATT_OBJ_NO_DA)

void factorytest_certify_iak(struct factorytest *f, const struct softtpm_ca *ca,
                             const struct softtpm_devid_order *order)
{
    f->iak_cert = softtpm_certify_devid(f->iak.pkey, ca, order);
}

struct factorytest *factorytest_new(const struct softtpm_ca *ca)
{
    const struct softtpm_ak_order iak = {.type = SOFTTPM_ALG_ECC,
                                         .attributes = IAK_ATTRIBUTES,
                                         .scheme = SOFTTPM_ALG_ECDSA,
                                         .hash = ATT_HASH_SHA256};
    const struct softtpm_ak_order idevid = {.type = SOFTTPM_ALG_ECC,
                                            .attributes = IAK_ATTRIBUTES & ~ATT_OBJ_RESTRICTED,
                                            .scheme = SOFTTPM_ALG_NULL};
    const struct softtpm_devid_order usual = {.usage = NULL};
    const struct softtpm_devid_order identity = {.usage = "clientAuth"};
    struct factorytest *f = calloc(1, sizeof(*f));

    NEED(f != NULL);
    f->iak.pkey = softtpm_p256();
    f->idevid.pkey = softtpm_p256();
    softtpm_describe_ak(&f->iak, &iak);
    softtpm_describe_ak(&f->idevid, &idevid);
    factorytest_certify_iak(f, ca, &usual);
    f->idevid_cert = softtpm_certify_devid(f->idevid.pkey, ca, &identity);
    return f;
}

void factorytest_free(struct factorytest *f)
{
    EVP_PKEY_free(f->iak.pkey);
    EVP_PKEY_free(f->idevid.pkey);
    free(f);
}

void factorytest_show_iak(struct factorytest *f, struct gateway_enrolment *e)
{
    e->begin.iak = (struct wire_factory_key){.public_area = softtpm_public(&f->iak),
                                             .cert = {softtpm_slice(&f->iak_cert)},
                                             .cert_count = 1};
}

void factorytest_show_idevid(struct factorytest *f, struct gateway_enrolment *e)
{
    e->begin.idevid = (struct wire_factory_key){.public_area = softtpm_public(&f->idevid),
                                                .cert = {softtpm_slice(&f->idevid_cert)},
                                                .cert_count = 1};
}

static struct wire_certified said(struct softtpm_bytes *attest, struct softtpm_bytes *signature,
                                  const struct factorytest *f, const struct gateway *g,
                                  const struct gateway_enrolment *e,
                                  const struct softtpm_key *object)
{
    const struct att_pcr_selection none = softtpm_selection(ATT_HASH_SHA256, 1);
    struct softtpm_attest a;
    struct softtpm_signature sig;
    struct att_quote q;

    NEED(att_quote_parse(&q, softtpm_slice(&e->attest), NULL) == ATT_OK);
    a = softtpm_attest(g->tpm, q.extra_data, &none);
    softtpm_attest_certify(&a, &f->iak, object);
    *attest = softtpm_attest_encode(&a);
    sig = softtpm_sign(&f->iak, softtpm_slice(attest));
    *signature = softtpm_signature_encode(&sig);
    return (struct wire_certified){.attest = softtpm_slice(attest),
                                   .signature = softtpm_slice(signature)};
}

void factorytest_say(struct factorytest *f, struct gateway *g, struct gateway_enrolment *e,
                     const struct softtpm_key *object)
{
    e->activate.ak = said(&f->ak_said, &f->ak_signed, f, g, e, object);
}

void factorytest_say_idevid(struct factorytest *f, struct gateway *g, struct gateway_enrolment *e,
                            const struct softtpm_key *object)
{
    e->activate.idevid = said(&f->idevid_said, &f->idevid_signed, f, g, e, object);
}

int factorytest_enrol(struct factorytest *f, struct gateway *g, const char *token)
{
    struct gateway_enrolment *e = calloc(1, sizeof(*e));
    int status = 0;

    NEED(e != NULL);
    gateway_enrol_prepare(g, e, token);
    factorytest_show_iak(f, e);
    factorytest_show_idevid(f, e);
    status = gateway_enrol_begin(g, e);
    if (status == 200) {
        gateway_enrol_solve(g, e);
        factorytest_say(f, g, e, &g->tpm->ak);
        factorytest_say_idevid(f, g, e, &f->idevid);
        status = gateway_enrol_activate(g, e);
    }
    gateway_enrol_clear(e);
    free(e);
    return status;
}
