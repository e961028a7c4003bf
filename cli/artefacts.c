/* Reading raw artefacts. */
#include "artefacts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "codec/json.h"
#include "policy/policy_file.h"
#include "tcg/ima.h"
#include "tcg/pubarea.h"

#define KEY_FILE_MAX 16384
#define PCR_FILE_MAX 262144

static bool looks_like_text(struct att_slice in)
{
    return in.len > 10 && memcmp(in.p, "-----BEGIN", 10) == 0;
}

enum att_err artefact_key(struct att_pubkey **out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_pubarea area;
    struct att_slice in;
    enum att_err err = att_file_read(&file, path, KEY_FILE_MAX, diag);

    if (err != ATT_OK) {
        return err;
    }
    in = att_buf_slice(file);
    /* DER starts with a SEQUENCE, which no TPMT_PUBLIC or TPM2B_PUBLIC does */
    if (looks_like_text(in) || (in.len > 0 && in.p[0] == 0x30)) {
        return att_pubkey_from_text(out, in, diag);
    }
    err = att_pubarea_parse(&area, in, diag);
    return err == ATT_OK ? att_pubarea_key(out, &area, diag) : err;
}

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

enum att_err artefact_pcrs(struct att_pcr_values *out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    ATT_CLEANUP(att_json_freep) json_t *root = NULL;
    struct att_pcr_values values = {0};
    struct att_slice in;
    size_t at = 0;
    enum att_err err = att_file_read(&file, path, PCR_FILE_MAX, diag);

    if (err != ATT_OK) {
        return err;
    }
    in = att_buf_slice(file);
    while (at < in.len && (in.p[at] == ' ' || in.p[at] == '\n')) {
        at++;
    }
    if (at < in.len && in.p[at] == '{') {
        err = att_json_parse(&root, in, diag);
        if (err == ATT_OK) {
            err = pcrs_from_json(&values, root, diag);
        }
    } else {
        err = att_pcr_values_parse_text(&values, in, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = values;
    return ATT_OK;
}

enum att_err artefact_policy(struct att_policy **out, const char *path,
                             struct att_policy_origin *from, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err = att_file_read(&file, path, ATT_POLICY_FILE_MAX, diag);

    return err == ATT_OK ? att_policy_peek(out, path, att_buf_slice(file), from, diag) : err;
}

enum att_err artefact_rules(struct att_policy **out, const char *path, struct att_diag *diag)
{
    enum att_err err = artefact_policy(out, path, NULL, diag);
    bool text = err == ATT_E_FORMAT || err == ATT_E_LIMIT || err == ATT_E_UNSUPPORTED;

    return text ? ATT_E_CONFIG : err;
}

enum att_err artefact_log(struct att_buf **out, const char *path, size_t max, struct att_diag *diag)
{
    return att_file_read(out, path, max, diag);
}

enum att_err artefact_ima_ascii(struct att_buf **out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err = att_file_read(&file, path, ATT_IMA_MAX, diag);

    return err == ATT_OK ? att_ima_ascii_to_binary(out, att_buf_slice(file), diag) : err;
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
