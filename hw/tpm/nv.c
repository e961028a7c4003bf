/* EK certificates in NV: enumerated, never guessed (TCG EK Credential Profile 2.2.1). */
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "tpm/ident.h"
#include "tpm/nv_internal.h"
#include "tpm/rc.h"

#define EK_RANGE_FIRST 0x01c00000U
#define EK_RANGE_LAST  0x01c07fffU
#define CHAIN_FIRST    0x01c00100U
#define CHAIN_LAST     0x01c001ffU

/* Which authorisation may read an index. A failure of the second must not count towards a lockout. */
static bool may_read(TPMA_NV attributes, bool by_owner)
{
    if (by_owner)
        return (attributes & TPMA_NV_OWNERREAD) != 0;
    return (attributes & TPMA_NV_AUTHREAD) != 0 && (attributes & TPMA_NV_NO_DA) != 0;
}

static TSS2_RC read_chunks(struct att_buf *data, struct hw_slot *index, ESYS_TR auth, uint16_t size)
{
    uint32_t chunk = index->tpm->nv_buffer_max;

    for (uint32_t off = 0; off < size;) {
        ATT_CLEANUP(hw_freep) TPM2B_MAX_NV_BUFFER *part = NULL;
        uint32_t want = size - off < chunk ? size - off : chunk;
        TSS2_RC rc = Esys_NV_Read(index->tpm->esys, auth, index->tr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                  ESYS_TR_NONE, (uint16_t)want, (uint16_t)off, &part);

        if (rc != TSS2_RC_SUCCESS)
            return rc;
        if (part->size != want || att_buf_add(data, part->buffer, part->size) != ATT_OK)
            return TSS2_ESYS_RC_MEMORY;
        off += want;
    }
    return TSS2_RC_SUCCESS;
}

/* Owner first, then the index itself; not one more after a lockout or when the link is gone. */
static TSS2_RC read_authorised(struct att_buf *data, struct hw_slot *index, TPMA_NV attributes,
                               uint16_t size)
{
    TSS2_RC rc = TPM2_RC_NV_AUTHORIZATION;

    if (may_read(attributes, true))
        rc = read_chunks(data, index, ESYS_TR_RH_OWNER, size);
    if (rc == TSS2_RC_SUCCESS || hw_rc_is_final(index->tpm, rc) || !may_read(attributes, false))
        return rc;
    att_buf_clear(data);
    return read_chunks(data, index, index->tr, size);
}

bool hw_rc_is_final(const struct hw_tpm *tpm, TSS2_RC rc)
{
    return hw_link_broken(tpm->link) != NULL || hw_link_busy(tpm->link) != 0 ||
           hw_rc_base(rc) == TPM2_RC_LOCKOUT || rc == TSS2_ESYS_RC_MEMORY ||
           rc == TPM2_RC_FAILURE || rc == TPM2_RC_INITIALIZE;
}

TSS2_RC hw_nv_read(struct att_buf **out, struct hw_tpm *tpm, uint32_t index, size_t max)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *data = NULL;
    ATT_CLEANUP(hw_freep) TPM2B_NV_PUBLIC *about = NULL;
    HW_SLOT(slot, tpm);
    TSS2_RC rc = hw_slot_open(&slot, index);

    if (rc != TSS2_RC_SUCCESS)
        return rc;
    rc = Esys_NV_ReadPublic(tpm->esys, slot.tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &about,
                            NULL);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    if ((about->nvPublic.attributes & TPMA_NV_WRITTEN) == 0)
        return TPM2_RC_NV_UNINITIALIZED;
    if (about->nvPublic.dataSize == 0 || about->nvPublic.dataSize > max)
        return TPM2_RC_SIZE;
    if (att_buf_new(&data, max) != ATT_OK)
        return TSS2_ESYS_RC_MEMORY;
    rc = read_authorised(data, &slot, about->nvPublic.attributes, about->nvPublic.dataSize);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    *out = data;
    data = NULL;
    return TSS2_RC_SUCCESS;
}

/* DER, or the header that TPM 1.2 put before it. Nonces and templates stand in the range too. */
static bool looks_like_certificate(struct att_slice in)
{
    struct att_rd r = att_rd_slice(in);
    uint16_t start = att_rd_u16be(&r);

    return att_rd_ok(&r) && (start == 0x3081 || start == 0x3082 || start == 0x1001);
}

static bool add_to_chain(struct hw_ek_certs *certs, struct att_slice part)
{
    if (certs->chain == NULL && att_buf_new(&certs->chain, HW_EK_CHAIN_MAX) != ATT_OK)
        return false;
    return att_buf_add_slice(certs->chain, part) == ATT_OK;
}

/* One index into the list. False: memory ran out or the chain is longer than we take. */
static bool sort_in(struct hw_ek_certs *certs, uint32_t index, struct att_buf **data)
{
    if (index >= CHAIN_FIRST && index <= CHAIN_LAST)
        return add_to_chain(certs, att_buf_slice(*data));
    if (!looks_like_certificate(att_buf_slice(*data)))
        return true;
    if (certs->count == HW_EK_CERTS_MAX)
        return false;
    certs->cert[certs->count].index = index;
    certs->cert[certs->count++].der = *data;
    *data = NULL;
    return true;
}

static enum att_err read_one(struct hw_ek_certs *certs, struct hw_tpm *tpm, uint32_t index,
                             struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *data = NULL;
    TSS2_RC rc = hw_nv_read(&data, tpm, index, HW_EK_CERT_MAX);

    if (rc != TSS2_RC_SUCCESS && hw_rc_is_final(tpm, rc))
        return hw_tpm_fail(tpm, diag, rc, "TPM2_NV_Read");
    if (rc != TSS2_RC_SUCCESS || !sort_in(certs, index, &data))
        certs->unreadable++;
    return ATT_OK;
}

enum att_err hw_tpm_ek_certs(struct hw_ek_certs *out, struct hw_tpm *tpm, struct att_diag *diag)
{
    ATT_CLEANUP(hw_ek_certs_free) struct hw_ek_certs certs = {.count = 0};
    struct hw_tpm_handles nv;
    uint32_t chunk;
    enum att_err err;

    hw_tpm_begin(tpm);
    err = hw_tpm_nv_buffer(&chunk, tpm, diag);
    if (err != ATT_OK)
        return err;
    err = hw_tpm_handles(&nv, tpm, EK_RANGE_FIRST, diag);
    for (uint32_t i = 0; err == ATT_OK && i < nv.count; i++)
        if (nv.handle[i] >= EK_RANGE_FIRST && nv.handle[i] <= EK_RANGE_LAST)
            err = read_one(&certs, tpm, nv.handle[i], diag);
    if (err != ATT_OK)
        return err;
    *out = certs;
    certs = (struct hw_ek_certs){.count = 0};
    return ATT_OK;
}

void hw_ek_certs_free(struct hw_ek_certs *certs)
{
    for (uint32_t i = 0; i < certs->count; i++)
        att_buf_freep(&certs->cert[i].der);
    att_buf_freep(&certs->chain);
    certs->count = 0;
}
