/* PCR values as others write them, and as attestctl does. */
#include "pcr_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "artefacts.h"
#include "base/hex.h"
#include "codec/json.h"

static enum att_err take_value(struct att_pcr_bank *bank, const char *index, const json_t *value,
                               struct att_diag *diag)
{
    const char *text = json_string_value(value);
    char *end = NULL;
    long pcr = strtol(index, &end, 10);
    size_t len = 0;

    if (text == NULL || *end != '\0' || pcr < 0 || pcr >= ATT_PCR_COUNT) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "pcrs",
                        "expected \"0\"..\"23\": \"<hex>\"");
    }
    if (strncmp(text, "0x", 2) == 0) {
        text += 2;
    }
    if (att_hex_decode(bank->value[pcr], ATT_HASH_MAX, &len, text, strlen(text)) != ATT_OK ||
        len != att_hash_size(bank->bank)) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "pcrs", "PCR %ld of %s needs %zu bytes",
                        pcr, att_hash_name(bank->bank), att_hash_size(bank->bank));
    }
    bank->has |= 1U << pcr;
    return ATT_OK;
}

static enum att_err pcrs_from_json(struct att_pcr_values *out, const json_t *root,
                                   struct att_diag *diag)
{
    const char *name = NULL;
    json_t *values = NULL;

    if (!json_is_object(root)) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "pcrs", "expected an object of banks");
    }
    json_object_foreach((json_t *)(uintptr_t)root, name, values)
    {
        enum att_hash alg = att_hash_find(name, strlen(name));
        struct att_pcr_bank *bank = alg == ATT_HASH_NONE ? NULL : att_pcr_bank_add(out, alg);
        const char *index = NULL;
        json_t *value = NULL;

        if (bank == NULL) {
            return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "pcrs", "unknown bank or too many");
        }
        if (!json_is_object(values)) {
            return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "pcrs", "expected an object for %s",
                            att_hash_name(alg));
        }
        json_object_foreach(values, index, value)
        {
            enum att_err err = take_value(bank, index, value, diag);

            if (err != ATT_OK) {
                return err;
            }
        }
    }
    return ATT_OK;
}

static bool is_json(struct att_slice in)
{
    size_t at = 0;

    while (at < in.len && (in.p[at] == ' ' || in.p[at] == '\n')) {
        at++;
    }
    return at < in.len && in.p[at] == '{';
}

enum att_err pcr_file_read(struct att_pcr_values *out, struct att_slice in, struct att_diag *diag)
{
    ATT_CLEANUP(att_json_freep) json_t *root = NULL;
    struct att_pcr_values values = {0};
    enum att_err err = ATT_OK;

    if (!is_json(in)) {
        return att_pcr_values_parse_text(out, in, diag);
    }
    err = att_json_parse(&root, in, diag);
    if (err == ATT_OK) {
        err = pcrs_from_json(&values, root, diag);
    }
    if (err == ATT_OK) {
        *out = values;
    }
    return err;
}

json_t *artefact_pcrs_json(const struct att_pcr_values *values)
{
    json_t *root = json_object();

    for (uint32_t i = 0; i < values->count; i++) {
        const struct att_pcr_bank *b = &values->bank[i];
        json_t *bank = json_object();

        for (uint32_t pcr = 0; pcr < ATT_PCR_COUNT; pcr++) {
            char index[8];
            char hex[2 * ATT_HASH_MAX + 1];

            if ((b->has >> pcr & 1) == 0) {
                continue;
            }
            (void)snprintf(index, sizeof(index), "%u", (unsigned int)pcr);
            (void)json_object_set_new(
                bank, index,
                json_string(att_hex_encode(hex, sizeof(hex),
                                           att_slice_of(b->value[pcr], att_hash_size(b->bank)))));
        }
        (void)json_object_set_new(root, att_hash_name(b->bank), bank);
    }
    return root;
}
