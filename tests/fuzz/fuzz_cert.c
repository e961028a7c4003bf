/* Certificates and requests from anybody: what is read can be written and read again as the same. */
#include <stdlib.h>
#include <string.h>

#include "crypto/cert.h"
#include "crypto/devid_cert.h"
#include "crypto/ek_cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_key(struct att_pubkey *key)
{
    struct att_buf *spki = NULL;
    struct att_pubkey *again = NULL;

    must(att_pubkey_spki(&spki, key) == ATT_OK);
    must(att_pubkey_from_spki(&again, att_buf_slice(spki), NULL) == ATT_OK);
    must(att_pubkey_eq(key, again));
    att_pubkey_free(again);
    att_pubkey_free(key);
    att_buf_free(spki);
}

static void check_cert(struct att_cert *c, struct att_slice in)
{
    struct att_pubkey *key = NULL;
    struct att_tpm_name tpm = {0};
    struct att_devid_name devid = {0};
    char text[80], id[65] = "";

    must(strpbrk(att_cert_subject(text, sizeof(text), c), "\n\r\x1b") == NULL);
    must(att_cert_der(c).len <= in.len);
    must(att_cert_tpm_name(&tpm, c, NULL) != ATT_OK || strlen(tpm.model) <= ATT_TPM_MODEL_MAX);
    must(att_cert_devid_name(&devid, c, NULL) != ATT_OK ||
         (strpbrk(devid.hw_serial, "\n\r\x1b") == NULL &&
          strpbrk(devid.device_serial, "\n\r\x1b") == NULL));
    must(strlen(att_cert_serial(text, sizeof(text), c)) < sizeof(text));
    must(att_cert_device_id(id, sizeof(id), c) != ATT_OK || strlen(id) > 0);
    if (att_cert_key(&key, c, NULL) == ATT_OK) {
        check_key(key);
    }
    att_cert_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data, size);
    struct att_cert *c = NULL;
    struct att_pubkey *key = NULL;
    unsigned int fixes = 0;

    if (att_cert_parse(&c, in, NULL) == ATT_OK) {
        check_cert(c, in);
    }
    if (att_cert_parse_ek(&c, &fixes, in, ATT_EK_FIX_ALL, NULL) == ATT_OK) {
        check_cert(c, in);
    }
    if (att_csr_open(&key, in, NULL) == ATT_OK) {
        check_key(key);
    }
    return 0;
}
