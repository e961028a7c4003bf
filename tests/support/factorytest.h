/*
 * A factory of gateways in software: its authority, and the two keys (IAK, IDevID) that it leaves in one TPM. Each
 * step of an enrolment with them lies open, as gateway.h has it.
 */
#ifndef ATT_TEST_FACTORYTEST_H
#define ATT_TEST_FACTORYTEST_H

#include "gateway.h"
#include "service.h"
#include "softtpm.h"

struct factorytest {
    struct softtpm_key iak, idevid;
    struct softtpm_bytes iak_cert, idevid_cert;
    struct softtpm_bytes ak_said, ak_signed, idevid_said, idevid_signed;
};

/* Keys and ordinary certificates by ca. */
struct factorytest *factorytest_new(const struct softtpm_ca *ca);
void factorytest_free(struct factorytest *f);
void factorytest_certify_iak(struct factorytest *f, const struct softtpm_ca *ca,
                             const struct softtpm_devid_order *order);

/* Into a prepared enrolment: the IAK, and the IDevID beside it. */
void factorytest_show_iak(struct factorytest *f, struct gateway_enrolment *e);
void factorytest_show_idevid(struct factorytest *f, struct gateway_enrolment *e);
/* Into a solved one: what the IAK says of object, for the same challenge that the quote is for. */
void factorytest_say(struct factorytest *f, struct gateway *g, struct gateway_enrolment *e,
                     const struct softtpm_key *object);
void factorytest_say_idevid(struct factorytest *f, struct gateway *g, struct gateway_enrolment *e,
                            const struct softtpm_key *object);
/* All of it with both keys: the status of the last answer. */
int factorytest_enrol(struct factorytest *f, struct gateway *g, const char *token);

#endif
