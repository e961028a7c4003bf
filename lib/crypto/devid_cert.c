/* Names in a factory's certificate: one attribute of the subject, one otherName. */
#include "crypto/devid_cert.h"

#include <ctype.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/hex.h"
#include "base/rd.h"
#include "crypto/cert_internal.h"

#define OID_HARDWARE_MODULE_NAME "1.3.6.1.5.5.7.8.4" /* id-on-hardwareModuleName (RFC 4108, 5) */
#define DER_SEQUENCE             0x30
#define DER_OID                  0x06
#define DER_OCTET_STRING         0x04

static enum att_err refuse(struct att_diag *diag, const char *what)
{
    return att_fail(diag, ATT_E_FORMAT, ATT_R_ID_IAKCERT, "certificate.hardware",
                    "hardwareModuleName: %s", what);
}

/* One DER value of this tag, below 64 KiB; empty and failed when it is another. */
static struct att_slice read_tlv(struct att_rd *r, uint8_t tag)
{
    uint8_t found = att_rd_u8(r);
    uint8_t form = att_rd_u8(r);
    uint32_t len = form;

    if (found != tag || (form & 0x80 && form != 0x81 && form != 0x82)) {
        att_rd_fail(r, ATT_E_FORMAT);
        return att_slice_of(NULL, 0);
    }
    if (form == 0x81) {
        len = att_rd_count8(r, UINT8_MAX);
    } else if (form == 0x82) {
        len = att_rd_count16be(r, UINT16_MAX);
    }
    return att_rd_bytes(r, len);
}

static bool is_text(struct att_slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!isascii(s.p[i]) || !isprint(s.p[i])) {
            return false;
        }
    }
    return s.len > 0;
}

/* HardwareModuleName ::= SEQUENCE { hwType OBJECT IDENTIFIER, hwSerialNum OCTET STRING } */
static enum att_err read_module(struct att_devid_name *out, struct att_slice der,
                                struct att_diag *diag)
{
    struct att_rd outer = att_rd_slice(der);
    struct att_rd r = att_rd_slice(read_tlv(&outer, DER_SEQUENCE));
    size_t start = att_rd_off(&outer) - att_rd_left(&r);
    struct att_slice type = read_tlv(&r, DER_OID);
    size_t type_end = start + att_rd_off(&r);
    struct att_slice serial = read_tlv(&r, DER_OCTET_STRING);
    const unsigned char *at = der.p + start;
    ASN1_OBJECT *oid = NULL;
    int len = 0;

    if (att_rd_end(&r) != ATT_OK || att_rd_end(&outer) != ATT_OK || type.len == 0) {
        return refuse(diag, "expected a type and a serial number");
    }
    oid = d2i_ASN1_OBJECT(NULL, &at, (long)(type_end - start));
    len = oid == NULL ? 0 : OBJ_obj2txt(out->hw_type, sizeof(out->hw_type), oid, 1);
    ASN1_OBJECT_free(oid);
    if (len <= 0 || (size_t)len >= sizeof(out->hw_type)) {
        return refuse(diag, "the type is no object identifier that can be shown");
    }
    if (is_text(serial)) {
        (void)att_escape(out->hw_serial, sizeof(out->hw_serial), (const char *)serial.p,
                         serial.len);
        return ATT_OK;
    }
    if (serial.len > ATT_DEVID_TEXT / 2) {
        return refuse(diag, "the serial number is too long to be shown");
    }
    (void)att_hex_encode(out->hw_serial, sizeof(out->hw_serial), serial);
    return ATT_OK;
}

static bool is_module_name(const GENERAL_NAME *name)
{
    ASN1_OBJECT *want = NULL;
    bool is = false;

    if (name->type != GEN_OTHERNAME) {
        return false;
    }
    want = OBJ_txt2obj(OID_HARDWARE_MODULE_NAME, 1);
    is = want != NULL && OBJ_cmp(name->d.otherName->type_id, want) == 0;
    ASN1_OBJECT_free(want);
    return is;
}

static enum att_err read_names(struct att_devid_name *out, const GENERAL_NAMES *names,
                               struct att_diag *diag)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);
        const ASN1_TYPE *value = NULL;

        if (!is_module_name(one)) {
            continue;
        }
        value = one->d.otherName->value;
        if (value->type != V_ASN1_SEQUENCE) {
            return refuse(diag, "expected a sequence");
        }
        return read_module(out,
                           att_slice_of(ASN1_STRING_get0_data(value->value.sequence),
                                        (size_t)ASN1_STRING_length(value->value.sequence)),
                           diag);
    }
    return ATT_OK;
}

static void read_subject(struct att_devid_name *out, const struct att_cert *c)
{
    const X509_NAME *subject = X509_get_subject_name(c->x509);
    int at = X509_NAME_get_index_by_NID(subject, NID_serialNumber, -1);
    const ASN1_STRING *text = NULL;

    if (at < 0) {
        return;
    }
    text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    (void)att_escape(out->device_serial, sizeof(out->device_serial),
                     (const char *)ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
}

enum att_err att_cert_devid_name(struct att_devid_name *out, const struct att_cert *c,
                                 struct att_diag *diag)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(c->x509, NID_subject_alt_name, NULL, NULL);
    struct att_devid_name n = {.hw_type = ""};
    enum att_err err = read_names(&n, names, diag);

    GENERAL_NAMES_free(names);
    ERR_clear_error();
    if (err != ATT_OK) {
        return err;
    }
    read_subject(&n, c);
    *out = n;
    return ATT_OK;
}

char *att_cert_serial(char *out, size_t cap, const struct att_cert *c)
{
    const ASN1_INTEGER *number = X509_get0_serialNumber(c->x509);
    size_t len = (size_t)ASN1_STRING_length(number);

    if (2 * len + 1 > cap) {
        if (cap > 0) {
            out[0] = '\0';
        }
        return out;
    }
    return att_hex_encode(out, cap, att_slice_of(ASN1_STRING_get0_data(number), len));
}
