/* The endorsement key: found by its certificate, made from a template when it does not stand in NV. */
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/guard.h"
#include "tpm/ek_internal.h"
#include "tpm/nv_internal.h"
#include "tpm/rc.h"
#include "tpm/template_internal.h"

#define EK_PERSISTENT_FIRST 0x81010000U
#define EK_PERSISTENT_LAST  0x8101ffffU
#define EK_PERSISTENT_MAX   16 /* handles looked at: each costs a command */
#define EK_NONCE_MAX        256

struct ek_row {
    enum hw_ek_kind kind;
    const char *name;
    uint32_t cert_index, template_index, nonce_index; /* profile 2.2.1.4 and 2.2.1.5; nonce: low */
};
/* In the order of preference. */
static const struct ek_row rows[] = {
    {HW_EK_H2, "H-2", 0x01c00014, 0x01c00015, 0},
    {HW_EK_L2, "L-2", 0x01c0000a, 0x01c0000c, 0x01c0000b},
    {HW_EK_H3, "H-3", 0x01c00016, 0x01c00017, 0},
    {HW_EK_H1, "H-1", 0x01c00012, 0x01c00013, 0},
    {HW_EK_L1, "L-1", 0x01c00002, 0x01c00004, 0x01c00003},
};

const char *hw_ek_kind_name(enum hw_ek_kind kind)
{
    for (size_t i = 0; i < ATT_COUNT(rows); i++)
        if (rows[i].kind == kind)
            return rows[i].name;
    return "any";
}

enum hw_ek_kind hw_ek_kind_find(const char *name)
{
    for (size_t i = 0; i < ATT_COUNT(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].kind;
    return HW_EK_ANY;
}

static const struct ek_row *row_of(enum hw_ek_kind kind)
{
    for (size_t i = 0; i < ATT_COUNT(rows); i++)
        if (rows[i].kind == kind)
            return &rows[i];
    return &rows[1];
}

static bool holds(struct att_slice certificate, const uint8_t *number, size_t len)
{
    return len >= 32 && memmem(certificate.p, certificate.len, number, len) != NULL;
}

/*
 * Does a certificate carry this public key? No certificate is parsed in the process that holds the TPM:
 * 32 bytes of a key and more do not occur by chance, and nothing is decided by it but which key to use.
 */
static bool certifies(const struct hw_ek_cert *cert, const TPM2B_PUBLIC *key)
{
    const TPMU_PUBLIC_ID *unique = &key->publicArea.unique;
    struct att_slice der = att_buf_slice(cert->der);

    if (key->publicArea.type == TPM2_ALG_RSA)
        return holds(der, unique->rsa.buffer, unique->rsa.size);
    return holds(der, unique->ecc.x.buffer, unique->ecc.x.size) &&
           holds(der, unique->ecc.y.buffer, unique->ecc.y.size);
}

static uint32_t certificate_of(const struct hw_ek_certs *certs, const TPM2B_PUBLIC *key)
{
    for (uint32_t i = 0; i < certs->count; i++)
        if (certifies(&certs->cert[i], key))
            return certs->cert[i].index;
    return 0;
}

/* Is it worth making this kind of key: a certificate at its index, or at one that we do not know? */
static bool may_have_certificate(const struct hw_ek_certs *certs, const struct ek_row *row)
{
    for (uint32_t i = 0; i < certs->count; i++) {
        bool known = false;

        for (size_t k = 0; k < ATT_COUNT(rows); k++)
            known = known || certs->cert[i].index == rows[k].cert_index;
        if (certs->cert[i].index == row->cert_index || !known)
            return true;
    }
    return false;
}

static void take(struct hw_ek *ek, const TPM2B_PUBLIC *key, uint32_t cert_index)
{
    if (hw_public_bytes(ek->public_area, &ek->public_len, key))
        ek->cert_index = cert_index;
}

/* A persistent key that fits the template and has a certificate: no primary has to be made. */
static enum att_err try_persistent(struct hw_ek *ek, struct hw_tpm *tpm,
                                   const struct hw_ek_certs *certs, const TPM2B_PUBLIC *tmpl,
                                   struct att_diag *diag)
{
    struct hw_tpm_handles list;
    enum att_err err = hw_tpm_handles(&list, tpm, EK_PERSISTENT_FIRST, diag);

    if (err != ATT_OK)
        return err;
    for (uint32_t i = 0; i < list.count && i < EK_PERSISTENT_MAX && ek->cert_index == 0; i++) {
        ATT_CLEANUP(hw_freep) TPM2B_PUBLIC *key = NULL;
        HW_SLOT(slot, tpm);
        TSS2_RC rc;

        if (list.handle[i] > EK_PERSISTENT_LAST)
            break;
        rc = hw_persistent(&slot, &key, NULL, list.handle[i]);
        if (rc != TSS2_RC_SUCCESS && hw_rc_is_final(tpm, rc))
            return hw_tpm_fail(tpm, diag, rc, "TPM2_ReadPublic");
        if (rc != TSS2_RC_SUCCESS || !hw_template_matches(key, tmpl))
            continue;
        take(ek, key, certificate_of(certs, key));
        ek->persistent = ek->cert_index != 0 ? list.handle[i] : 0;
    }
    return ATT_OK;
}

/* *rc tells an unsupported template (then ATT_OK) from a key that was made. */
static enum att_err try_primary(struct hw_ek *ek, struct hw_tpm *tpm,
                                const struct hw_ek_certs *certs, const TPM2B_PUBLIC *tmpl,
                                struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPM2B_PUBLIC *key = NULL;
    HW_SLOT(slot, tpm);
    TSS2_RC rc = hw_primary(&slot, &key, tmpl);

    if (rc != TSS2_RC_SUCCESS && !hw_rc_is_unsupported(rc))
        return hw_tpm_fail(tpm, diag, rc, "TPM2_CreatePrimary of the endorsement key");
    if (rc == TSS2_RC_SUCCESS)
        take(ek, key, certificate_of(certs, key));
    return ATT_OK;
}

/* The maker's nonce goes to the front of unique (profile 2.2.1.3). */
static void put_nonce(TPMT_PUBLIC *p, struct att_slice nonce)
{
    BYTE *to = p->type == TPM2_ALG_RSA ? p->unique.rsa.buffer : p->unique.ecc.x.buffer;
    size_t room = p->type == TPM2_ALG_RSA ? p->unique.rsa.size : p->unique.ecc.x.size;

    if (nonce.len <= room)
        memcpy(to, nonce.p, nonce.len);
}

/* A template from NV counts only when it describes an endorsement key. */
static bool parse_template(TPM2B_PUBLIC *out, struct att_slice in)
{
    struct att_pubarea area;
    size_t off = 0;

    memset(out, 0, sizeof *out);
    if (att_pubarea_parse(&area, in, NULL) != ATT_OK || att_pubarea_check_ek(&area, NULL) != ATT_OK)
        return false;
    return Tss2_MU_TPMT_PUBLIC_Unmarshal(area.encoded.p, area.encoded.len, &off,
                                         &out->publicArea) == TSS2_RC_SUCCESS;
}

bool hw_ek_nv_template(TPM2B_PUBLIC *out, struct hw_tpm *tpm, enum hw_ek_kind kind)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *stored = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *nonce = NULL;
    const struct ek_row *row = row_of(kind);
    bool own = hw_nv_read(&stored, tpm, row->template_index, ATT_PUBAREA_MAX) == TSS2_RC_SUCCESS &&
               parse_template(out, att_buf_slice(stored));

    if (!own)
        hw_template_ek(out, kind);
    if (row->nonce_index == 0 ||
        hw_nv_read(&nonce, tpm, row->nonce_index, EK_NONCE_MAX) != TSS2_RC_SUCCESS)
        return own;
    put_nonce(&out->publicArea, att_buf_slice(nonce));
    return true;
}

/* This kind with its certificate, by the cheapest way that gives it; cert_index 0: not found. */
static enum att_err find_certified(struct hw_ek *ek, struct hw_tpm *tpm,
                                   const struct hw_ek_certs *certs, struct att_diag *diag)
{
    TPM2B_PUBLIC tmpl;
    enum att_err err;

    hw_template_ek(&tmpl, ek->kind);
    err = try_persistent(ek, tpm, certs, &tmpl, diag);
    if (err != ATT_OK || ek->cert_index != 0)
        return err;
    err = try_primary(ek, tpm, certs, &tmpl, diag);
    if (err != ATT_OK || ek->cert_index != 0 || !hw_ek_nv_template(&tmpl, tpm, ek->kind))
        return err;
    err = try_primary(ek, tpm, certs, &tmpl, diag);
    ek->nv_template = ek->cert_index != 0;
    return err;
}

/* This kind from the standard template, certificate or not; public_len 0: the TPM cannot. */
static enum att_err make_plain(struct hw_ek *ek, struct hw_tpm *tpm,
                               const struct hw_ek_certs *certs, struct att_diag *diag)
{
    TPM2B_PUBLIC tmpl;

    hw_template_ek(&tmpl, ek->kind);
    return try_primary(ek, tpm, certs, &tmpl, diag);
}

static enum att_err find_any(struct hw_ek *ek, struct hw_tpm *tpm, const struct hw_ek_certs *certs,
                             struct att_diag *diag)
{
    static const enum hw_ek_kind plain[] = {HW_EK_L2, HW_EK_L1};

    for (size_t i = 0; i < ATT_COUNT(rows); i++) {
        enum att_err err = ATT_OK;

        *ek = (struct hw_ek){.kind = rows[i].kind};
        if (may_have_certificate(certs, &rows[i]))
            err = find_certified(ek, tpm, certs, diag);
        if (err != ATT_OK || ek->cert_index != 0)
            return err;
    }
    for (size_t i = 0; i < ATT_COUNT(plain); i++) {
        enum att_err err;

        *ek = (struct hw_ek){.kind = plain[i]};
        err = make_plain(ek, tpm, certs, diag);
        if (err != ATT_OK || ek->public_len != 0)
            return err;
    }
    return ATT_OK;
}

enum att_err hw_tpm_ek(struct hw_ek *out, struct hw_tpm *tpm, enum hw_ek_kind kind,
                       const struct hw_ek_certs *certs, struct att_diag *diag)
{
    static const struct hw_ek_certs none = {.count = 0};
    const struct hw_ek_certs *known = certs == NULL ? &none : certs;
    struct hw_ek ek = {.kind = kind};
    enum att_err err;

    hw_tpm_begin(tpm);
    if (kind == HW_EK_ANY) {
        err = find_any(&ek, tpm, known, diag);
    } else {
        err = may_have_certificate(known, row_of(kind)) ? find_certified(&ek, tpm, known, diag)
                                                        : ATT_OK;
        if (err == ATT_OK && ek.cert_index == 0)
            err = make_plain(&ek, tpm, known, diag);
    }
    if (err != ATT_OK)
        return err;
    if (ek.public_len == 0)
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_TPM_IO, "ek",
                        "this TPM can make no endorsement key of kind %s", hw_ek_kind_name(kind));
    *out = ek;
    return ATT_OK;
}

static bool is_this_key(const struct hw_ek *ek, const TPM2B_PUBLIC *key)
{
    uint8_t bytes[ATT_PUBAREA_MAX];
    size_t len;

    return hw_public_bytes(bytes, &len, key) &&
           att_slice_eq(att_slice_of(bytes, len), att_slice_of(ek->public_area, ek->public_len));
}

enum att_err hw_ek_load(struct hw_slot *slot, const struct hw_ek *ek, struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPM2B_PUBLIC *key = NULL;
    struct hw_tpm *tpm = slot->tpm;
    TPM2B_PUBLIC tmpl;
    TSS2_RC rc;

    if (ek->persistent != 0) {
        rc = hw_persistent(slot, &key, NULL, ek->persistent);
        if (rc == TSS2_RC_SUCCESS && is_this_key(ek, key))
            return ATT_OK;
        hw_slot_release(slot);
        hw_freep(&key);
        if (rc != TSS2_RC_SUCCESS && hw_rc_is_final(tpm, rc))
            return hw_tpm_fail(tpm, diag, rc, "TPM2_ReadPublic");
    }
    hw_template_ek(&tmpl, ek->kind);
    if (ek->nv_template)
        (void)hw_ek_nv_template(&tmpl, tpm, ek->kind);
    rc = hw_primary(slot, &key, &tmpl);
    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(tpm, diag, rc, "TPM2_CreatePrimary of the endorsement key");
    if (ATT_GUARD(HW_EK_OTHER, !is_this_key(ek, key)))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TPM_OTHER, "ek",
                        "the TPM makes another endorsement key than before");
    return ATT_OK;
}
