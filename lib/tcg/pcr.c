/* PCR selections, values, extension and the composite digest. */
#include "tcg/pcr.h"

#include <string.h>

#include "base/guard.h"

#define SELECTIONS_IN_LIST_MAX 16 /* TPM2_NUM_PCR_BANKS, the most that a TPM sends */
#define SELECT_SIZE_MAX        4

static bool has_bank(const struct att_pcr_selection *sel, uint32_t count, enum att_hash bank)
{
    for (uint32_t i = 0; i < count; i++) {
        if (sel->sel[i].bank == bank) {
            return true;
        }
    }
    return false;
}

/* TPMS_PCR_SELECT: the octets are in rising order, bit 0 of the first is PCR 0. */
static uint32_t read_mask(struct att_rd *r, uint8_t size)
{
    uint32_t mask = 0;

    for (unsigned int i = 0; i < size; i++) {
        mask |= (uint32_t)att_rd_u8(r) << (8 * i);
    }
    return mask;
}

static void read_one(struct att_rd *r, const struct att_pcr_selection *so_far,
                     struct att_pcr_sel *out)
{
    size_t off = att_rd_off(r);

    out->bank = (enum att_hash)att_rd_u16be(r);
    out->size = att_rd_u8(r);
    if (!att_rd_ok(r)) {
        return;
    }
    if (ATT_GUARD(PCRSEL_SIZE, out->size < ATT_PCR_SELECT_MIN || out->size > SELECT_SIZE_MAX)) {
        att_rd_fail_at(r, ATT_E_FORMAT, off);
        return;
    }
    if (ATT_GUARD(PCRSEL_BANK, att_hash_size(out->bank) == 0)) {
        att_rd_fail_at(r, ATT_E_FORMAT, off);
        return;
    }
    if (ATT_GUARD(PCRSEL_TWICE, has_bank(so_far, so_far->count, out->bank))) {
        att_rd_fail_at(r, ATT_E_FORMAT, off);
        return;
    }
    out->mask = read_mask(r, out->size);
    if (ATT_GUARD(PCRSEL_BITS, (out->mask >> ATT_PCR_COUNT) != 0)) {
        att_rd_fail_at(r, ATT_E_FORMAT, off);
    }
}

void att_pcr_selection_read(struct att_rd *r, struct att_pcr_selection *out)
{
    struct att_pcr_selection list = {0};
    uint32_t max = ATT_PCR_BANKS < SELECTIONS_IN_LIST_MAX ? ATT_PCR_BANKS : SELECTIONS_IN_LIST_MAX;
    uint32_t count = att_rd_count32be(r, max);

    for (uint32_t i = 0; i < count && att_rd_ok(r); i++) {
        struct att_pcr_sel one = {0};

        read_one(r, &list, &one);
        list.sel[list.count] = one;
        list.count++;
    }
    if (att_rd_ok(r)) {
        *out = list;
    }
}

void att_pcr_selection_write(struct att_wr *w, const struct att_pcr_selection *sel)
{
    att_wr_u32be(w, sel->count);
    for (uint32_t i = 0; i < sel->count; i++) {
        const struct att_pcr_sel *s = &sel->sel[i];
        unsigned int size = s->size == 0 ? ATT_PCR_SELECT_MIN : s->size;

        att_wr_u16be(w, (uint16_t)s->bank);
        att_wr_u8(w, (uint8_t)size);
        for (unsigned int k = 0; k < size; k++) {
            att_wr_u8(w, (uint8_t)(k < sizeof(s->mask) ? s->mask >> (8 * k) : 0));
        }
    }
}

bool att_pcr_selection_eq(const struct att_pcr_selection *a, const struct att_pcr_selection *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->sel[i].bank != b->sel[i].bank || a->sel[i].mask != b->sel[i].mask) {
            return false;
        }
    }
    return true;
}

bool att_pcr_selection_empty(const struct att_pcr_selection *sel)
{
    for (uint32_t i = 0; i < sel->count; i++) {
        if (sel->sel[i].mask != 0) {
            return false;
        }
    }
    return true;
}

const struct att_pcr_bank *att_pcr_bank_find(const struct att_pcr_values *v, enum att_hash bank)
{
    for (uint32_t i = 0; i < v->count; i++) {
        if (v->bank[i].bank == bank) {
            return &v->bank[i];
        }
    }
    return NULL;
}

struct att_pcr_bank *att_pcr_bank_get(struct att_pcr_values *v, enum att_hash bank)
{
    for (uint32_t i = 0; i < v->count; i++) {
        if (v->bank[i].bank == bank) {
            return &v->bank[i];
        }
    }
    return NULL;
}

struct att_pcr_bank *att_pcr_bank_add(struct att_pcr_values *v, enum att_hash bank)
{
    struct att_pcr_bank *found = att_pcr_bank_get(v, bank);

    if (found != NULL) {
        return found;
    }
    if (v->count >= ATT_PCR_BANKS || att_hash_size(bank) == 0) {
        return NULL;
    }
    found = &v->bank[v->count];
    memset(found, 0, sizeof(*found));
    found->bank = bank;
    v->count++;
    return found;
}

/* Value and digest in one piece: a call into the hash costs as much as a block of it. */
enum att_err att_pcr_extend(struct att_hasher *h, enum att_hash bank, uint8_t *value,
                            const uint8_t *digest)
{
    size_t size = att_hash_size(bank);
    uint8_t both[2 * ATT_HASH_MAX];
    enum att_err err = att_hasher_start(h, bank);

    if (err != ATT_OK) {
        return err;
    }
    memcpy(both, value, size);
    memcpy(both + size, digest, size);
    err = att_hasher_add(h, both, 2 * size);
    return err == ATT_OK ? att_hasher_finish(h, value) : err;
}

/* Feed one bank's selected values, ascending. */
static enum att_err add_selected(struct att_hasher *h, const struct att_pcr_sel *sel,
                                 const struct att_pcr_values *values, struct att_diag *diag)
{
    const struct att_pcr_bank *bank = att_pcr_bank_find(values, sel->bank);
    size_t size = att_hash_size(sel->bank);

    for (uint32_t i = 0; i < ATT_PCR_COUNT; i++) {
        enum att_err err = ATT_OK;

        if ((sel->mask >> i & 1U) == 0) {
            continue;
        }
        if (ATT_GUARD(PCR_VALUE_KNOWN, bank == NULL || (bank->has >> i & 1U) == 0)) {
            return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_Q_DIGEST, "pcrs",
                            "the quote selects PCR %u of bank %s, whose value is not known",
                            (unsigned int)i, att_hash_name(sel->bank));
        }
        err = att_hasher_add(h, bank->value[i], size);
        if (err != ATT_OK) {
            return err;
        }
    }
    return ATT_OK;
}

enum att_err att_pcr_composite(uint8_t *out, enum att_hash hash,
                               const struct att_pcr_selection *sel,
                               const struct att_pcr_values *values, struct att_diag *diag)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    uint8_t digest[ATT_HASH_MAX] = {0};
    enum att_err err = ATT_OK;

    if (!att_hash_usable(hash)) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_Q_SIGALG, "hash",
                        "a composite with algorithm 0x%04x cannot be computed", (unsigned int)hash);
    }
    err = att_hasher_new(&h);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, NULL, "no hashing context");
    }
    err = att_hasher_start(h, hash);
    for (uint32_t i = 0; i < sel->count && err == ATT_OK; i++) {
        err = add_selected(h, &sel->sel[i], values, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = att_hasher_finish(h, digest);
    if (err != ATT_OK) {
        return err;
    }
    memcpy(out, digest, att_hash_size(hash));
    return ATT_OK;
}
