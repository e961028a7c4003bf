/* Writing the agent's own measurement log. */
#include <string.h>

#include "codec/cbor_wr.h"
#include "tcg/ownlog.h"

#define KIND_BOOT  1
#define KIND_ITEMS 2

/* The one PCR whose value a bank has, or ATT_PCR_COUNT. */
static uint32_t only_pcr(const struct att_pcr_bank *bank)
{
    for (uint32_t i = 0; i < ATT_PCR_COUNT; i++) {
        if (bank->has == 1U << i) {
            return i;
        }
    }
    return ATT_PCR_COUNT;
}

/* The bank with the smallest algorithm id above the last one written: map keys must rise. */
static const struct att_pcr_bank *next_bank(const struct att_pcr_values *v, uint32_t above)
{
    const struct att_pcr_bank *found = NULL;

    for (uint32_t i = 0; i < v->count; i++) {
        const struct att_pcr_bank *b = &v->bank[i];

        if ((uint32_t)b->bank > above && (found == NULL || b->bank < found->bank)) {
            found = b;
        }
    }
    return found;
}

enum att_err att_own_boot_content(struct att_wr *w, const struct att_own_boot *boot)
{
    const struct att_pcr_bank *bank = NULL;
    uint32_t above = 0;

    att_cbor_wr_map(w, 5);
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_uint(w, KIND_BOOT);
    att_cbor_wr_uint(w, 1);
    att_cbor_wr_uint(w, boot->reset_count);
    att_cbor_wr_uint(w, 2);
    att_cbor_wr_uint(w, boot->restart_count);
    att_cbor_wr_uint(w, 3);
    att_cbor_wr_text(w, boot->boot_id);
    att_cbor_wr_uint(w, 4);
    att_cbor_wr_map(w, boot->start.count);
    for (uint32_t i = 0; i < boot->start.count; i++) {
        uint32_t pcr = 0;

        bank = next_bank(&boot->start, above);
        pcr = bank == NULL ? ATT_PCR_COUNT : only_pcr(bank);
        if (pcr == ATT_PCR_COUNT) {
            att_wr_fail(w, ATT_E_INTERNAL);
            return w->err;
        }
        above = (uint32_t)bank->bank;
        att_cbor_wr_uint(w, above);
        att_cbor_wr_bytes(w, att_slice_of(bank->value[pcr], att_hash_size(bank->bank)));
    }
    return w->err;
}

static void write_item(struct att_wr *w, const struct att_own_item *item)
{
    if (item->name.len == 0) {
        att_wr_fail(w, ATT_E_INTERNAL);
    }
    if (item->name.len > ATT_OWN_NAME_MAX) {
        att_wr_fail(w, ATT_E_LIMIT);
    }
    att_cbor_wr_array(w, 4);
    att_cbor_wr_uint(w, item->type);
    att_cbor_wr_bytes(w, item->name);
    if (item->digest != NULL) {
        att_cbor_wr_bytes(w, att_slice_of(item->digest, 32));
    } else {
        att_cbor_wr_null(w);
    }
    att_cbor_wr_uint(w, item->detail);
}

enum att_err att_own_items_content(struct att_wr *w, const struct att_own_item *items, size_t count)
{
    if (count == 0 || count > ATT_OWN_ITEMS_MAX) {
        att_wr_fail(w, ATT_E_LIMIT);
        return w->err;
    }
    att_cbor_wr_map(w, 2);
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_uint(w, KIND_ITEMS);
    att_cbor_wr_uint(w, 1);
    att_cbor_wr_array(w, count);
    for (size_t i = 0; i < count; i++) {
        bool wants_digest = items[i].type <= ATT_OWN_CONFIG;

        if (items[i].type > ATT_OWN_UNSUPPORTED || wants_digest != (items[i].digest != NULL)) {
            att_wr_fail(w, ATT_E_INTERNAL);
        }
        write_item(w, &items[i]);
    }
    return w->err;
}

static enum att_err write_digest(struct att_wr *w, enum att_hash bank, struct att_slice content,
                                 struct att_hasher *h)
{
    uint8_t digest[ATT_HASH_MAX];
    enum att_err err = att_hasher_start(h, bank);

    if (err == ATT_OK) {
        err = att_hasher_add(h, content.p, content.len);
    }
    if (err == ATT_OK) {
        err = att_hasher_finish(h, digest);
    }
    if (err != ATT_OK) {
        return err;
    }
    att_cbor_wr_map(w, 2);
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_uint(w, bank);
    att_cbor_wr_uint(w, 1);
    att_cbor_wr_bytes(w, att_slice_of(digest, att_hash_size(bank)));
    return ATT_OK;
}

enum att_err att_own_record_write(struct att_wr *w, uint64_t recnum, uint32_t pcr,
                                  const enum att_hash *banks, size_t bank_count,
                                  struct att_slice content, struct att_hasher *h)
{
    size_t start = w->len;

    if (bank_count == 0 || bank_count > ATT_PCR_BANKS || pcr > ATT_OWN_PCR_MAX) {
        att_wr_fail(w, ATT_E_INTERNAL);
        return w->err;
    }
    att_cbor_wr_map(w, 4);
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_uint(w, recnum);
    att_cbor_wr_uint(w, 1);
    att_cbor_wr_uint(w, pcr);
    att_cbor_wr_uint(w, 3);
    att_cbor_wr_array(w, bank_count);
    for (size_t i = 0; i < bank_count; i++) {
        enum att_err err = write_digest(w, banks[i], content, h);

        if (err != ATT_OK) {
            att_wr_fail(w, err);
            return w->err;
        }
    }
    att_cbor_wr_uint(w, ATT_OWN_CONTENT_KEY);
    att_cbor_wr_bytes(w, content);
    if (w->err == ATT_OK && w->len - start > ATT_OWN_RECORD_MAX) {
        att_wr_fail(w, ATT_E_LIMIT);
    }
    return w->err;
}
