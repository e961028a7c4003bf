/* What the factory of a gateway said of it, read from the certificates that were kept when it enrolled. */
#include <stdio.h>

#include "admin_internal.h"
#include "base/clock.h"
#include "base/hex.h"
#include "crypto/devid_cert.h"
#include "crypto/ek_cert.h"
#include "verifier/ek_chain.h"

static json_t *cert_json(const struct att_cert *c)
{
    char subject[ATT_CERT_ISSUER], issuer[ATT_CERT_ISSUER];
    char serial[ATT_CERT_SERIAL + 1], until[ATT_TIME_TEXT];
    struct att_devid_name name = {.hw_type = ""};
    uint8_t digest[32];

    if (att_cert_fingerprint(digest, c) != ATT_OK || att_cert_devid_name(&name, c, NULL) != ATT_OK)
        return json_null();
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:o}", "issuer",
                     att_cert_issuer(issuer, sizeof(issuer), c), "subject",
                     att_cert_subject(subject, sizeof(subject), c), "serial",
                     att_cert_serial(serial, sizeof(serial), c), "sha256",
                     admin_hex(true, digest, sizeof(digest)), "not_after",
                     att_time_print(until, sizeof(until), att_cert_not_after(c)), "device_serial",
                     admin_text(name.device_serial), "hw_type", admin_text(name.hw_type),
                     "hw_serial", admin_text(name.hw_serial));
}

json_t *admin_factory_json(struct request *r, int64_t enrolment, enum store_factory kind)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *certs = NULL;
    ATT_CLEANUP(att_cert_freep) struct att_cert *leaf = NULL;
    struct ek_chain chain = {0};
    enum att_err err = att_buf_new(&certs, EK_CHAIN_MAX);

    if (err == ATT_OK)
        err = store_factory_get(certs, r->k->st, enrolment, kind);
    if (err == ATT_OK)
        err = ek_chain_decode(&chain, att_buf_slice(certs), NULL);
    if (err == ATT_OK)
        err = att_cert_parse_ek(&leaf, NULL, chain.cert[0], ATT_EK_FIX_ALL, NULL);
    return err == ATT_OK ? cert_json(leaf) : json_null();
}
