/*
 * Signatures as the kernel and X.509 have them: RSA as PKCS#1 v1.5, ECDSA as a DER sequence of r and s.
 *
 * The DER is taken apart here, strictly: one spelling of each signature, and OpenSSL never sees bytes
 * from outside as DER.
 */
#include <string.h>

#include "base/rd.h"
#include "crypto/key_internal.h"
#include "crypto/verify.h"

#define DER_INTEGER  0x02
#define DER_SEQUENCE 0x30

/* A length below 256 in its shortest form (X.690 10.1). */
static uint8_t read_len(struct att_rd *r)
{
    uint8_t len = att_rd_u8(r);

    if (len < 0x80) {
        return len;
    }
    if (len != 0x81 || att_rd_peek(r) < 0x80) {
        att_rd_fail(r, ATT_E_FORMAT);
    }
    return att_rd_u8(r);
}

/* A positive INTEGER in its shortest form, left padded to the field (X.690 8.3). */
static void read_number(struct att_rd *r, uint8_t *out, size_t field)
{
    struct att_slice s = {0};
    struct att_rd digits;
    uint8_t tag = att_rd_u8(r);
    uint8_t len = read_len(r);

    if (tag != DER_INTEGER) {
        att_rd_fail(r, ATT_E_FORMAT);
    }
    s = att_rd_bytes(r, len);
    if (s.len == 0 || (s.p[0] & 0x80) != 0 || (s.len > 1 && s.p[0] == 0 && s.p[1] < 0x80)) {
        att_rd_fail(r, ATT_E_FORMAT);
        return;
    }
    digits = att_rd_slice(s);
    if (att_rd_peek(&digits) == 0) {
        att_rd_skip(&digits, 1);
    }
    s = att_rd_rest(&digits);
    if (s.len > field) {
        att_rd_fail(r, ATT_E_FORMAT);
        return;
    }
    memset(out, 0, field - s.len);
    if (s.len > 0) {
        memcpy(out + (field - s.len), s.p, s.len);
    }
}

static bool read_ecdsa(uint8_t *out, size_t field, struct att_slice der)
{
    struct att_rd r = att_rd_slice(der);
    uint8_t tag = att_rd_u8(&r);
    uint8_t len = read_len(&r);

    if (tag != DER_SEQUENCE || len != att_rd_left(&r)) {
        return false;
    }
    read_number(&r, out, field);
    read_number(&r, out + field, field);
    return att_rd_end(&r) == ATT_OK;
}

enum att_err att_verify_digest_der(const struct att_pubkey *key, enum att_hash hash,
                                   struct att_slice digest, struct att_slice sig)
{
    size_t field = att_key_field_size(key->type);
    uint8_t raw[2 * ATT_EC_FIELD_MAX];

    if (key->type == ATT_KEY_RSA) {
        return att_verify_digest(key, ATT_SCHEME_RSASSA, hash, digest, sig);
    }
    if (field == 0) {
        return ATT_E_UNSUPPORTED;
    }
    if (!read_ecdsa(raw, field, sig)) {
        return ATT_E_SIGNATURE;
    }
    return att_verify_digest(key, ATT_SCHEME_ECDSA, hash, digest, att_slice_of(raw, 2 * field));
}
