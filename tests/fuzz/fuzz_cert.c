/* Certificates and requests from anybody: what is read can be written and read again as the same. */
#include <string.h>

#include "crypto/cert.h"
#include "crypto/cert_internal.h"
#include "crypto/devid_cert.h"
#include "crypto/ek_cert.h"
#include "fuzz.h"

static void check_key(struct att_pubkey *key)
{
    struct att_buf *spki = NULL;
    struct att_pubkey *again = NULL;

    HOLDS(att_pubkey_spki(&spki, key) == ATT_OK);
    HOLDS(att_pubkey_from_spki(&again, att_buf_slice(spki), NULL) == ATT_OK);
    HOLDS(att_pubkey_eq(key, again));
    att_pubkey_free(again);
    att_pubkey_free(key);
    att_buf_free(spki);
}

static bool one_line(const char *text)
{
    return strpbrk(text, "\n\r\x1b") == NULL;
}

/* The same certificate, shared and from its PEM, has the same fingerprint. */
static void check_again(const struct att_cert *c)
{
    struct att_cert *shared = NULL;
    struct att_cert *again = NULL;
    struct att_buf *pem = NULL;
    uint8_t print[2][32];

    HOLDS(att_cert_share(&shared, c) == ATT_OK && att_cert_fingerprint(print[0], c) == ATT_OK);
    HOLDS(att_cert_pem(&pem, att_cert_der(shared)) == ATT_OK);
    HOLDS(att_cert_parse(&again, att_buf_slice(pem), NULL) == ATT_OK ||
          att_cert_parse_ek(&again, NULL, att_buf_slice(pem), ATT_EK_FIX_ALL, NULL) == ATT_OK);
    HOLDS(att_cert_fingerprint(print[1], again) == ATT_OK);
    HOLDS(memcmp(print[0], print[1], sizeof(print[0])) == 0);
    att_cert_free(shared);
    att_cert_free(again);
    att_buf_free(pem);
}

static void check_names(const struct att_cert *c)
{
    struct att_tpm_name tpm = {0};
    struct att_devid_name devid = {0};
    char text[2][80], id[65] = "", maker[5];

    HOLDS(one_line(att_cert_subject(text[0], sizeof(text[0]), c)));
    HOLDS(one_line(att_cert_issuer(text[1], sizeof(text[1]), c)));
    HOLDS(one_line(att_cert_issuer_cn(text[1], sizeof(text[1]), c)));
    HOLDS(att_cert_subject(text[0], 0, c) == text[0]);
    HOLDS(att_cert_tpm_name(&tpm, c, NULL) != ATT_OK || strlen(tpm.model) <= ATT_TPM_MODEL_MAX);
    HOLDS(one_line(att_tpm_vendor_print(maker, tpm.manufacturer)) && strlen(maker) <= 4);
    HOLDS(att_cert_devid_name(&devid, c, NULL) != ATT_OK ||
          (one_line(devid.hw_serial) && one_line(devid.device_serial)));
    HOLDS(strlen(att_cert_serial(text[0], sizeof(text[0]), c)) < sizeof(text[0]));
    HOLDS(att_cert_serial(text[0], 1, c)[0] == '\0');
    if (att_cert_device_id(id, sizeof(id), c) == ATT_OK) {
        HOLDS(att_device_id_ok(id, strlen(id)));
        HOLDS(att_cert_device_id(id, 1, c) == ATT_E_LIMIT);
    }
    /* a time that cannot be read is none at which the certificate holds */
    HOLDS(att_cert_not_before(c) != INT64_MIN && att_cert_not_after(c) != INT64_MAX);
    (void)att_cert_is_ca(c);
    HOLDS(!att_cert_names_verifier(c, ""));
    (void)att_cert_names_verifier(c, "v.example");
}

/* A name for each bit, and back. */
static void check_fixes(unsigned int fixes)
{
    char text[64];
    size_t len = strlen(att_ek_fixes_print(text, sizeof(text), fixes));

    HOLDS((len == 0) == (fixes == 0) && len < sizeof(text));
    for (unsigned int bit = 1; bit <= ATT_EK_FIX_ALL; bit <<= 1) {
        const char *name = att_ek_fix_name(bit);

        HOLDS(att_ek_fix_find(name) == bit);
        HOLDS((strstr(text, name) != NULL) == ((fixes & bit) != 0));
    }
    HOLDS(att_ek_fix_find("none") == 0 && att_ek_fix_name(64)[0] == '\0');
}

/* A request that we make opens to our key, and not with a byte more. */
static void check_our_request(void)
{
    static struct att_buf *der;
    struct att_pubkey *key = NULL;
    struct att_pubkey *found = NULL;
    struct att_privkey *mine = NULL;
    uint8_t longer[1024] = {0};

    if (der != NULL) {
        return;
    }
    HOLDS(att_privkey_generate(&mine, ATT_KEY_EC_P256) == ATT_OK);
    HOLDS(att_privkey_public(&key, mine) == ATT_OK);
    HOLDS(att_csr_make(&der, mine, "gateway-1") == ATT_OK && att_buf_len(der) < sizeof(longer));
    HOLDS(att_csr_open(&found, att_buf_slice(der), NULL) == ATT_OK && att_pubkey_eq(key, found));
    memcpy(longer, att_buf_slice(der).p, att_buf_len(der));
    att_pubkey_freep(&found);
    HOLDS(att_csr_open(&found, att_slice_of(longer, att_buf_len(der) + 1), NULL) == ATT_E_TRAILING);
    att_pubkey_free(key);
    att_privkey_free(mine);
}

static void check_cert(struct att_cert *c, struct att_slice in)
{
    struct att_pubkey *key = NULL;

    HOLDS(att_cert_der(c).len <= in.len);
    check_names(c);
    check_again(c);
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
    struct att_diag diag = {0};
    unsigned int fixes = 0;

    if (att_cert_parse(&c, in, NULL) == ATT_OK) {
        check_cert(c, in);
    }
    if (att_cert_parse_ek(&c, &fixes, in, ATT_EK_FIX_ALL, &diag) == ATT_OK) {
        check_fixes(fixes);
        check_cert(c, in);
    } else {
        HOLDS(diag.reason != ATT_R_NONE);
    }
    if (att_cert_parse_ek(&c, NULL, in, 0, NULL) == ATT_OK) {
        HOLDS(fixes == 0);
        att_cert_free(c);
    }
    check_our_request();
    if (att_csr_open(&key, in, NULL) == ATT_OK) {
        check_key(key);
    }
    return 0;
}
