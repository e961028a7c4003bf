/*
 * PCR values as TPM tools keep them: each bank once, a value of the bank's size for each PCR that is there; written
 * as such a tool does they are the same. As a selection, the text printed again is the same selection.
 */
#include <string.h>

#include "base/hex.h"
#include "fuzz.h"
#include "tcg/pcr.h"

static char text[131072];

static size_t put_bank(size_t at, const struct att_pcr_bank *b)
{
    char hex[2 * ATT_HASH_MAX + 1];

    at += (size_t)snprintf(text + at, sizeof(text) - at, "%s:\n", att_hash_name(b->bank));
    for (unsigned int i = 0; i < ATT_PCR_COUNT; i++) {
        if ((b->has >> i & 1) != 0) {
            struct att_slice value = att_slice_of(b->value[i], att_hash_size(b->bank));

            at += (size_t)snprintf(text + at, sizeof(text) - at, "  %u : 0x%s\n", i,
                                   att_hex_encode(hex, sizeof(hex), value));
        }
    }
    return at;
}

static void values_again(const struct att_pcr_values *v)
{
    static struct att_pcr_values again;
    size_t at = 0;

    for (uint32_t i = 0; i < v->count; i++) {
        at = put_bank(at, &v->bank[i]);
    }
    HOLDS(att_pcr_values_parse_text(&again, att_slice_of(text, at), NULL) == ATT_OK);
    HOLDS(again.count == v->count);
    for (uint32_t i = 0; i < v->count; i++) {
        HOLDS(again.bank[i].bank == v->bank[i].bank && again.bank[i].has == v->bank[i].has);
        HOLDS(memcmp(again.bank[i].value, v->bank[i].value, sizeof(again.bank[i].value)) == 0);
    }
}

static void selection(const uint8_t *data, size_t size)
{
    struct att_pcr_selection sel, again;
    struct att_diag diag = {0};
    char printed[512];

    if (size >= sizeof(text)) {
        return;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    if (att_pcr_selection_parse_text(&sel, text, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_USAGE);
        return;
    }
    HOLDS(att_pcr_selection_parse_text(
              &again, att_pcr_selection_print(printed, sizeof(printed), &sel), NULL) == ATT_OK);
    HOLDS(att_pcr_selection_eq(&sel, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct att_pcr_values v;
    struct att_diag diag = {0};

    memset(&v, 0, sizeof(v));
    selection(data, size);
    if (att_pcr_values_parse_text(&v, att_slice_of(data, size), &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_YAML);
        return 0;
    }
    HOLDS(v.count <= ATT_PCR_BANKS);
    for (uint32_t i = 0; i < v.count; i++) {
        HOLDS(att_hash_size(v.bank[i].bank) > 0 && v.bank[i].has >> ATT_PCR_COUNT == 0);
        HOLDS(att_pcr_bank_find(&v, v.bank[i].bank) == &v.bank[i]);
    }
    if (v.count > 0) { /* a dump may hold no value at all */
        values_again(&v);
    }
    return 0;
}
