/* TPMS_ATTEST of a quote and TPMT_SIGNATURE: strict parsers, and the way to raw signature forms. */
#include "tcg/quote.h"

#include <string.h>

#include "base/guard.h"
#include "base/rd.h"
#include "base/wr.h"
#include "tcg/attest_internal.h"
#include "tcg/pubarea.h"

#define QUALIFYING_MAX (2 + ATT_HASH_MAX) /* TPM2B_DATA: the size of TPMT_HA (Part 2, 10.4.3) */

#define ALG_RSASSA 0x0014
#define ALG_RSAPSS 0x0016
#define ALG_ECDSA  0x0018

struct att_slice att_attest_2b(struct att_rd *r, uint32_t max)
{
    uint32_t len = att_rd_count16be(r, max);

    return att_rd_bytes(r, len);
}

/* TPMI_YES_NO has two values (Part 2, 9.2). */
static bool read_yes_no(struct att_rd *r)
{
    uint8_t v = att_rd_u8(r);

    if (v > 1) {
        att_rd_fail(r, ATT_E_FORMAT);
    }
    return v == 1;
}

/* TPMS_CLOCK_INFO (Part 2, 10.11.1). */
static void read_clock(struct att_rd *r, struct att_clock_info *out)
{
    out->clock_ms = att_rd_u64be(r);
    out->reset_count = att_rd_u32be(r);
    out->restart_count = att_rd_u32be(r);
    out->safe = read_yes_no(r);
}

void att_attest_head_read(struct att_rd *r, struct att_attest_head *out)
{
    out->magic = att_rd_u32be(r);
    out->type = att_rd_u16be(r);
    out->qualified_signer = att_attest_2b(r, ATT_NAME_MAX);
    out->extra_data = att_attest_2b(r, QUALIFYING_MAX);
    read_clock(r, &out->clock);
    out->firmware_version = att_rd_u64be(r);
}

enum att_err att_quote_parse(struct att_quote *out, struct att_slice in, struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(in);
    struct att_attest_head head = {0};
    struct att_quote q = {0};
    enum att_err err = ATT_OK;

    if (in.len > ATT_QUOTE_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_ATTEST, "attest",
                        "expected at most %d bytes, found %zu", ATT_QUOTE_MAX, in.len);
    }
    att_attest_head_read(&r, &head);
    q.magic = head.magic;
    q.type = head.type;
    q.qualified_signer = head.qualified_signer;
    q.extra_data = head.extra_data;
    q.clock = head.clock;
    q.firmware_version = head.firmware_version;
    if (q.magic == ATT_TPM_GENERATED && q.type == ATT_TPM_ST_ATTEST_QUOTE) {
        att_pcr_selection_read(&r, &q.selection);
        q.pcr_digest = att_attest_2b(&r, ATT_HASH_MAX);
    } else {
        (void)att_rd_rest(&r); /* an unknown body; the verifier refuses magic and type by name */
    }
    err = att_rd_end_diag(&r, ATT_R_FMT_ATTEST, "attest", diag);
    if (ATT_GUARD(QUOTE_FORM, err != ATT_OK)) {
        return err;
    }
    *out = q;
    return ATT_OK;
}

static enum att_err refuse_sigalg(struct att_diag *diag, const char *what, unsigned int found)
{
    return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_Q_SIGALG, what,
                    "expected RSASSA, RSAPSS or ECDSA with SHA-1 or SHA-2, found 0x%04x", found);
}

static bool scheme_of(uint16_t alg, enum att_scheme *out)
{
    switch (alg) {
    case ALG_RSASSA:
        *out = ATT_SCHEME_RSASSA;
        return true;
    case ALG_RSAPSS:
        *out = ATT_SCHEME_RSAPSS;
        return true;
    case ALG_ECDSA:
        *out = ATT_SCHEME_ECDSA;
        return true;
    default:
        return false;
    }
}

/* Sizes are judged against the key in att_tpm_sig_raw: one too large is a false signature. */
enum att_err att_tpm_sig_parse(struct att_tpm_sig *out, struct att_slice in, struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(in);
    struct att_tpm_sig s = {0};
    enum att_err err = ATT_OK;

    s.alg = att_rd_u16be(&r);
    s.hash = (enum att_hash)att_rd_u16be(&r);
    if (att_rd_ok(&r) && !scheme_of(s.alg, &s.scheme)) {
        return refuse_sigalg(diag, "signature.sigAlg", s.alg);
    }
    if (att_rd_ok(&r) && !att_hash_usable(s.hash)) {
        return refuse_sigalg(diag, "signature.hash", (unsigned int)s.hash);
    }
    s.a = att_attest_2b(&r, UINT16_MAX);
    if (s.scheme == ATT_SCHEME_ECDSA) {
        s.b = att_attest_2b(&r, UINT16_MAX);
    }
    err = att_rd_end_diag(&r, ATT_R_FMT_ATTEST, "signature", diag);
    if (err != ATT_OK) {
        return err;
    }
    *out = s;
    return ATT_OK;
}

/* Bytes of a coordinate; 0 when the key is not on one of the TPM's NIST curves. */
static size_t ec_size(enum att_key_type type)
{
    switch (type) {
    case ATT_KEY_EC_P256:
        return 32;
    case ATT_KEY_EC_P384:
        return 48;
    case ATT_KEY_EC_P521:
        return 66;
    default:
        return 0;
    }
}

static enum att_err refuse_size(struct att_diag *diag, const char *field, size_t found, size_t max)
{
    return att_fail(diag, ATT_E_SIGNATURE, ATT_R_Q_SIG, field,
                    "%zu bytes cannot be part of a signature of this key (%zu bytes)", found, max);
}

static void put_padded(struct att_wr *w, struct att_slice v, size_t size)
{
    if (v.len > size) {
        att_wr_fail(w, ATT_E_LIMIT);
        return;
    }
    att_wr_zeros(w, size - v.len);
    att_wr_slice(w, v);
}

static enum att_err raw_rsa(const struct att_tpm_sig *sig, const struct att_pubkey *key,
                            struct att_wr *w, struct att_diag *diag)
{
    size_t size = (att_pubkey_bits(key) + 7) / 8;

    if (att_pubkey_type(key) != ATT_KEY_RSA) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_Q_SIGALG, "signature.sigAlg",
                        "an RSA signature for a key that is not RSA");
    }
    if (ATT_GUARD(SIG_RSA_SIZE, sig->a.len != size)) {
        return refuse_size(diag, "signature.sig", sig->a.len, size);
    }
    att_wr_slice(w, sig->a);
    return ATT_OK;
}

static enum att_err raw_ecdsa(const struct att_tpm_sig *sig, const struct att_pubkey *key,
                              struct att_wr *w, struct att_diag *diag)
{
    size_t size = ec_size(att_pubkey_type(key));

    if (size == 0) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_Q_SIGALG, "signature.sigAlg",
                        "an ECDSA signature for a key that is not on a NIST curve");
    }
    if (ATT_GUARD(SIG_EC_R_SIZE, sig->a.len == 0 || sig->a.len > size)) {
        return refuse_size(diag, "signature.r", sig->a.len, size);
    }
    if (ATT_GUARD(SIG_EC_S_SIZE, sig->b.len == 0 || sig->b.len > size)) {
        return refuse_size(diag, "signature.s", sig->b.len, size);
    }
    put_padded(w, sig->a, size);
    put_padded(w, sig->b, size);
    return ATT_OK;
}

enum att_err att_tpm_sig_raw(const struct att_tpm_sig *sig, const struct att_pubkey *key,
                             uint8_t *out, size_t cap, size_t *out_len, struct att_diag *diag)
{
    struct att_wr w = att_wr_into(out, cap);
    struct att_slice written = {0};
    enum att_err err = ATT_OK;

    err = sig->scheme == ATT_SCHEME_ECDSA ? raw_ecdsa(sig, key, &w, diag)
                                          : raw_rsa(sig, key, &w, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = att_wr_done(&w, &written);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "signature", "no room for the raw signature");
    }
    *out_len = written.len;
    return ATT_OK;
}
