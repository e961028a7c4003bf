/* What the subject alternative name of an EK certificate says of the TPM. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "crypto/cert_internal.h"
#include "crypto/ek_cert.h"

#define OID_MANUFACTURER                                                                           \
    "2.23.133.2.1" /* tcg-at-tpmManufacturer (EK Credential Profile 2.5, 3.1.2) */
#define OID_MODEL   "2.23.133.2.2"
#define OID_VERSION "2.23.133.2.3"
#define ID_PREFIX   "id:"

/* The one value of an attribute in a name, borrowed; empty when there is none. */
static struct att_slice value_of(const X509_NAME *name, const char *dotted)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(dotted, 1);
    int at = oid == NULL ? -1 : X509_NAME_get_index_by_OBJ(name, oid, -1);
    const ASN1_STRING *text = NULL;

    ASN1_OBJECT_free(oid);
    if (at < 0) {
        return att_slice_of(NULL, 0);
    }
    text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    return att_slice_of(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
}

/* "id:" and up to eight hexadecimal digits; makers write odd numbers of them and either case. */
static bool number_of(uint32_t *out, struct att_slice text)
{
    const size_t head = strlen(ID_PREFIX);
    uint32_t value = 0;

    if (text.len <= head || text.len > head + 8 || memcmp(text.p, ID_PREFIX, head) != 0) {
        return false;
    }
    for (size_t i = head; i < text.len; i++) {
        static const char DIGITS[] = "0123456789abcdef0123456789ABCDEF";
        const char *at = memchr(DIGITS, text.p[i], sizeof(DIGITS) - 1);

        if (at == NULL) {
            return false;
        }
        value = value << 4 | ((uint32_t)(at - DIGITS) & 15);
    }
    *out = value;
    return true;
}

static enum att_err read_name(struct att_tpm_name *out, const X509_NAME *dir, struct att_diag *diag)
{
    struct att_tpm_name n = {0};
    struct att_slice model = value_of(dir, OID_MODEL);

    if (!number_of(&n.manufacturer, value_of(dir, OID_MANUFACTURER)) ||
        !number_of(&n.version, value_of(dir, OID_VERSION))) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ID_EKCERT, "certificate.tpm",
                        "expected the TPM's manufacturer and version as id: and digits");
    }
    (void)att_escape(n.model, sizeof(n.model), (const char *)model.p, model.len);
    *out = n;
    return ATT_OK;
}

enum att_err att_cert_tpm_name(struct att_tpm_name *out, const struct att_cert *c,
                               struct att_diag *diag)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(c->x509, NID_subject_alt_name, NULL, NULL);
    enum att_err err = ATT_E_NOT_FOUND;

    for (int i = 0; err == ATT_E_NOT_FOUND && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);

        if (one->type == GEN_DIRNAME && value_of(one->d.directoryName, OID_MANUFACTURER).len > 0) {
            err = read_name(out, one->d.directoryName, diag);
        }
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return err;
}

char *att_tpm_vendor_print(char out[5], uint32_t manufacturer)
{
    size_t len = 0;

    for (size_t i = 0; i < 4; i++) {
        uint8_t c = (uint8_t)(manufacturer >> (24 - 8 * i) & 0xff);
        bool printable = c >= 0x20 && c < 0x7f;

        out[i] = c == 0 ? ' ' : (printable ? (char)c : '?');
        len = out[i] != ' ' ? i + 1 : len;
    }
    out[len] = '\0';
    return out;
}
