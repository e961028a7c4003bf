/* The part of attestd.yaml that says which TPMs may enrol. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verifier/config.h"

#define VERSION_TEXT 16

/* key: its own name; lists: the folder that it is about, or NULL. */
static enum att_err read_revocation(enum att_crl_rule *out, const struct att_yaml_node *root,
                                    const char *key, const char *lists, struct att_diag *diag)
{
    const struct att_yaml_node *n = att_yaml_get(root, key);
    const char *text = NULL;
    enum att_err err = n == NULL ? ATT_OK : att_yaml_text(n, &text, 16, diag);

    if (err != ATT_OK || n == NULL) {
        return err;
    }
    if (lists == NULL) {
        return att_yaml_fail(n, ATT_R_CFG_KEY, diag, "%s says nothing without %.*s_crls", key,
                             (int)strcspn(key, "_"), key);
    }
    if (strcmp(text, "required") != 0 && strcmp(text, "if-present") != 0) {
        return att_yaml_fail(n, ATT_R_CFG_KEY, diag, "%s: expected required or if-present", key);
    }
    *out = strcmp(text, "required") == 0 ? ATT_CRL_REQUIRED : ATT_CRL_IF_PRESENT;
    return ATT_OK;
}

static enum att_err read_iak_word(struct config *cfg, const struct att_yaml_node *root,
                                  struct att_diag *diag)
{
    static const char *const words[] = {
        [CONFIG_IAK_OFF] = "off",
        [CONFIG_IAK_ACCEPT] = "accept",
        [CONFIG_IAK_REQUIRE] = "require",
    };
    const struct att_yaml_node *n = att_yaml_get(root, "iak");
    const char *text = NULL;
    enum att_err err = n == NULL ? ATT_OK : att_yaml_text(n, &text, 16, diag);

    if (err != ATT_OK || n == NULL) {
        return err;
    }
    for (size_t i = 0; i < ATT_COUNT(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            cfg->iak = (enum config_iak)i;
            return ATT_OK;
        }
    }
    return att_yaml_fail(n, ATT_R_CFG_KEY, diag, "iak: expected off, accept or require");
}

/* Whoever asks for such keys says whose, and who says whose asks for them. */
static enum att_err read_iak(struct config *cfg, const struct att_yaml_node *root,
                             struct att_diag *diag)
{
    enum att_err err = read_iak_word(cfg, root, diag);

    if (err == ATT_OK) {
        err = read_revocation(&cfg->iak_revocation, root, "iak_revocation", cfg->iak_crls, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (cfg->iak != CONFIG_IAK_OFF && cfg->iak_anchors == NULL) {
        return att_yaml_fail(att_yaml_get(root, "iak"), ATT_R_CFG_KEY, diag,
                             "iak: the folder of the factories' roots is missing (iak_anchors)");
    }
    if (cfg->iak == CONFIG_IAK_OFF && att_yaml_get(root, "iak_anchors") != NULL) {
        return att_yaml_fail(att_yaml_get(root, "iak_anchors"), ATT_R_CFG_KEY, diag,
                             "iak_anchors says nothing without iak: accept or require");
    }
    if (cfg->iak == CONFIG_IAK_OFF && att_yaml_get(root, "iak_crls") != NULL) {
        return att_yaml_fail(att_yaml_get(root, "iak_crls"), ATT_R_CFG_KEY, diag,
                             "iak_crls says nothing without iak: accept or require");
    }
    return ATT_OK;
}

static enum att_err need_list(const struct att_yaml_node *n, const char *key, size_t max,
                              struct att_diag *diag)
{
    if (att_yaml_type(n) != ATT_YAML_LIST || att_yaml_count(n) > max) {
        return att_yaml_fail(n, ATT_R_CFG_KEY, diag, "%s: expected a list of at most %zu", key,
                             max);
    }
    return ATT_OK;
}

static enum att_err read_workarounds(struct config *cfg, const struct att_yaml_node *root,
                                     struct att_diag *diag)
{
    const struct att_yaml_node *n = att_yaml_get(root, "ek_workarounds");
    unsigned int allowed = 0;
    enum att_err err = n == NULL ? ATT_OK : need_list(n, "ek_workarounds", 8, diag);

    if (err != ATT_OK || n == NULL) {
        return err;
    }
    for (size_t i = 0; i < att_yaml_count(n); i++) {
        const char *name = NULL;
        unsigned int bit = 0;

        err = att_yaml_text(att_yaml_item(n, i), &name, 32, diag);
        if (err != ATT_OK) {
            return err;
        }
        bit = att_ek_fix_find(name);
        if (bit == 0) {
            return att_yaml_fail(att_yaml_item(n, i), ATT_R_CFG_KEY, diag,
                                 "expected tcg-header, padding, rsaes-oaep or ber");
        }
        allowed |= bit;
    }
    cfg->ek_workarounds = allowed;
    return ATT_OK;
}

/* "MAJOR.MINOR", 0 to 65535 each, no leading zeros. */
static bool parse_version(uint64_t *out, const char *text)
{
    unsigned int major = 0;
    unsigned int minor = 0;
    char again[VERSION_TEXT];

    if (sscanf(text, "%5u.%5u", &major, &minor) != 2 || major > UINT16_MAX || minor > UINT16_MAX) {
        return false;
    }
    (void)snprintf(again, sizeof(again), "%u.%u", major, minor);
    *out = (uint64_t)major << 16 | minor;
    return strcmp(again, text) == 0;
}

static enum att_err read_version(uint64_t *out, const struct att_yaml_node *row, const char *key,
                                 struct att_diag *diag)
{
    const struct att_yaml_node *n = att_yaml_get(row, key);
    const char *text = NULL;
    enum att_err err = n == NULL ? ATT_OK : att_yaml_text(n, &text, VERSION_TEXT - 1, diag);

    if (err != ATT_OK || n == NULL) {
        return err;
    }
    if (!parse_version(out, text)) {
        return att_yaml_fail(n, ATT_R_CFG_KEY, diag, "%s: expected \"MAJOR.MINOR\"", key);
    }
    return ATT_OK;
}

static enum att_err read_maker(struct config_tpm_deny *d, const struct att_yaml_node *row,
                               struct att_diag *diag)
{
    const struct att_yaml_node *n = att_yaml_get(row, "manufacturer");
    const char *text = NULL;
    enum att_err err = n == NULL ? ATT_OK : att_yaml_text(n, &text, 4, diag);

    if (err != ATT_OK || n == NULL) {
        return err;
    }
    if (text[0] == '\0' || text[strlen(text) - 1] == ' ') {
        return att_yaml_fail(n, ATT_R_CFG_KEY, diag, "manufacturer: expected 1 to 4 letters");
    }
    (void)snprintf(d->manufacturer, sizeof(d->manufacturer), "%s", text);
    return ATT_OK;
}

static enum att_err read_action(struct config_tpm_deny *d, const struct att_yaml_node *row,
                                struct att_diag *diag)
{
    const struct att_yaml_node *n = att_yaml_get(row, "action");
    const char *text = NULL;
    enum att_err err = n == NULL ? ATT_OK : att_yaml_text(n, &text, 16, diag);

    if (err != ATT_OK || n == NULL) {
        return err;
    }
    if (strcmp(text, "refuse") != 0 && strcmp(text, "warn") != 0) {
        return att_yaml_fail(n, ATT_R_CFG_KEY, diag, "action: expected refuse or warn");
    }
    d->warn = strcmp(text, "warn") == 0;
    return ATT_OK;
}

static enum att_err read_deny_row(struct config_tpm_deny *out, const struct att_yaml_node *row,
                                  struct att_diag *diag)
{
    static const char *const keys[] = {"manufacturer", "firmware_from", "firmware_below", "action",
                                       NULL};
    struct config_tpm_deny d = {.below = UINT64_MAX};
    enum att_err err = ATT_OK;

    if (att_yaml_type(row) != ATT_YAML_MAP) {
        return att_yaml_fail(row, ATT_R_CFG_KEY, diag, "tpm_deny: expected a map");
    }
    err = att_yaml_only(row, keys, diag);
    if (err == ATT_OK) {
        err = read_maker(&d, row, diag);
    }
    if (err == ATT_OK) {
        err = read_version(&d.from, row, "firmware_from", diag);
    }
    if (err == ATT_OK) {
        err = read_version(&d.below, row, "firmware_below", diag);
    }
    if (err == ATT_OK) {
        err = read_action(&d, row, diag);
    }
    if (err == ATT_OK && (att_yaml_count(row) == 0 || d.from >= d.below)) {
        err = att_yaml_fail(row, ATT_R_CFG_KEY, diag, "tpm_deny: this row names no TPM");
    }
    if (err == ATT_OK) {
        *out = d;
    }
    return err;
}

static enum att_err read_deny(struct config *cfg, const struct att_yaml_node *root,
                              struct att_diag *diag)
{
    const struct att_yaml_node *n = att_yaml_get(root, "tpm_deny");
    enum att_err err = n == NULL ? ATT_OK : need_list(n, "tpm_deny", CONFIG_TPM_DENY_MAX, diag);

    for (size_t i = 0; n != NULL && err == ATT_OK && i < att_yaml_count(n); i++) {
        err = read_deny_row(&cfg->tpm_deny[i], att_yaml_item(n, i), diag);
        cfg->tpm_deny_count = i + 1;
    }
    return err;
}

enum att_err config_read_ek(struct config *cfg, const struct att_yaml_node *root,
                            struct att_diag *diag)
{
    enum att_err err =
        read_revocation(&cfg->ek_revocation, root, "ek_revocation", cfg->ek_crls, diag);

    if (err == ATT_OK) {
        err = read_workarounds(cfg, root, diag);
    }
    if (err == ATT_OK) {
        err = read_iak(cfg, root, diag);
    }
    return err == ATT_OK ? read_deny(cfg, root, diag) : err;
}
