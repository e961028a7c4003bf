/* Policies as people write them: strict YAML, every refusal with file:line:column. */
#include <stdio.h>
#include <string.h>

#include "codec/yaml.h"
#include "policy/policy_internal.h"

#define REASON ATT_R_CFG_POLICY

static enum att_err copy_text(char *out, size_t cap, const struct att_yaml_node *n,
                              struct att_diag *diag)
{
    const char *text = NULL;
    enum att_err err = att_yaml_text(n, &text, cap - 1, diag);

    if (err != ATT_OK) {
        return err;
    }
    (void)snprintf(out, cap, "%s", text);
    return ATT_OK;
}

static enum att_err read_title(const struct att_yaml_node *n, struct att_requirement *r,
                               struct att_diag *diag)
{
    static const char *const KEYS[] = {"en", "ja", NULL};
    const struct att_yaml_node *en = NULL;
    const struct att_yaml_node *ja = NULL;
    enum att_err err = att_yaml_only(n, KEYS, diag);

    if (err == ATT_OK) {
        err = att_policy_yaml_need(n, "en", &en, diag);
    }
    if (err == ATT_OK) {
        err = att_policy_yaml_need(n, "ja", &ja, diag);
    }
    if (err == ATT_OK) {
        err = copy_text(r->title_en, sizeof(r->title_en), en, diag);
    }
    return err == ATT_OK ? copy_text(r->title_ja, sizeof(r->title_ja), ja, diag) : err;
}

static enum att_err read_requirement_head(const struct att_yaml_node *n, struct att_requirement *r,
                                          struct att_diag *diag)
{
    static const char *const KEYS[] = {"id",
                                       "title",
                                       "source",
                                       "severity",
                                       "grade_at_least",
                                       "own_items",
                                       "own_measured",
                                       "boot_pcrs",
                                       "pcr_in",
                                       "pcr_equals",
                                       "ima_files",
                                       "ima_violations",
                                       "tpm_firmware",
                                       "logs",
                                       "sha256_in",
                                       "event_absent",
                                       "min_version",
                                       "max_age_seconds",
                                       "all",
                                       "any",
                                       "not",
                                       "boot_order",
                                       "secure_boot",
                                       "ima_kexec",
                                       "own_complete",
                                       "ima_signed",
                                       NULL};
    const struct att_yaml_node *node = NULL;
    enum att_err err = att_yaml_only(n, KEYS, diag);

    if (err == ATT_OK) {
        err = att_policy_yaml_need(n, "id", &node, diag);
    }
    if (err == ATT_OK) {
        err = copy_text(r->id, sizeof(r->id), node, diag);
    }
    if (err == ATT_OK) {
        err = att_policy_yaml_need(n, "title", &node, diag);
    }
    if (err == ATT_OK) {
        err = read_title(node, r, diag);
    }
    node = att_yaml_get(n, "source");
    if (err == ATT_OK && node != NULL) {
        err = copy_text(r->source, sizeof(r->source), node, diag);
    }
    if (err == ATT_OK) {
        err = att_policy_yaml_need(n, "severity", &node, diag);
    }
    return err == ATT_OK ? att_policy_yaml_severity(node, 2, &r->severity, diag) : err;
}

/* The id of the last requirement must be new. att_policy_seal asks the same of both forms, without a place. */
static enum att_err only_one_of(const struct att_policy *p, const struct att_yaml_node *id,
                                struct att_diag *diag)
{
    const char *last = p->requirement[p->count - 1].id;

    for (size_t i = 0; i + 1 < p->count; i++) {
        if (strcmp(p->requirement[i].id, last) == 0) {
            return att_yaml_fail(id, REASON, diag, "two requirements have one id: %s", last);
        }
    }
    return ATT_OK;
}

static enum att_err read_requirement(const struct att_yaml_node *n, struct att_policy *p,
                                     struct att_diag *diag)
{
    struct att_requirement *r = NULL;
    enum att_err err = ATT_OK;

    if (att_yaml_type(n) != ATT_YAML_MAP) {
        return att_yaml_fail(n, REASON, diag, "expected a requirement (a map)");
    }
    err = att_policy_add(p, &r);
    if (err != ATT_OK) {
        return att_yaml_fail(n, REASON, diag, "expected at most %d requirements",
                             ATT_POLICY_REQUIREMENTS_MAX);
    }
    err = read_requirement_head(n, r, diag);
    if (err == ATT_OK) {
        err = only_one_of(p, att_yaml_get(n, "id"), diag);
    }
    return err == ATT_OK ? att_requirement_read_yaml(r, n, 0, p, diag) : err;
}

static enum att_err read_bank(const struct att_yaml_node *n, struct att_policy *p,
                              struct att_diag *diag)
{
    static const char *const BANKS[] = {"sha256", "sha384", "sha512"};
    static const enum att_hash ALGS[] = {ATT_HASH_SHA256, ATT_HASH_SHA384, ATT_HASH_SHA512};
    int i = 0;
    enum att_err err = att_policy_yaml_word(n, BANKS, ATT_COUNT(BANKS), &i, diag);

    p->bank = ALGS[i];
    return err;
}

static enum att_err read_seconds(const struct att_yaml_node *n, int64_t *out, struct att_diag *diag)
{
    int64_t ms = 0;
    enum att_err err = att_yaml_duration_ms(n, 1000, INT64_C(90) * 86400 * 1000, &ms, diag);

    if (err != ATT_OK) {
        return err;
    }
    *out = ms / 1000;
    return ATT_OK;
}

static enum att_err read_optional(const struct att_yaml_node *root, struct att_policy *p,
                                  struct att_diag *diag)
{
    const struct att_yaml_node *n = att_yaml_get(root, "bank");
    int64_t pcr = 0;
    enum att_err err = n != NULL ? read_bank(n, p, diag) : ATT_OK;

    n = att_yaml_get(root, "boot_log_pcrs");
    if (err == ATT_OK && n != NULL) {
        err = att_policy_yaml_pcrs(n, &p->boot_mask, diag);
    }
    n = att_yaml_get(root, "ima_pcr");
    if (err == ATT_OK && n != NULL) {
        err = att_yaml_int(n, 0, 15, &pcr, diag);
        p->ima_pcr = (uint32_t)pcr;
    }
    n = att_yaml_get(root, "own_pcrs");
    if (err == ATT_OK && n != NULL) {
        err = att_policy_yaml_pcrs(n, &p->own_pcr_mask, diag);
    }
    n = att_yaml_get(root, "label_ttl");
    if (err == ATT_OK && n != NULL) {
        err = read_seconds(n, &p->label_ttl_s, diag);
    }
    n = att_yaml_get(root, "interval");
    return err == ATT_OK && n != NULL ? read_seconds(n, &p->interval_s, diag) : err;
}

static uint32_t boot_pcrs_of(const struct att_requirement *r)
{
    uint32_t mask = r->predicate == ATT_PRED_BOOT_PCRS ? r->pcr_mask : 0;

    for (size_t i = 0; i < r->child_count; i++) {
        mask |= boot_pcrs_of(&r->child[i]);
    }
    return mask;
}

/* Without a list of its own, the log explains what the requirements ask of it: it is quoted then, too. */
static void add_boot_pcrs(struct att_policy *p, const struct att_yaml_node *root)
{
    if (att_yaml_get(root, "boot_log_pcrs") != NULL) {
        return;
    }
    for (size_t i = 0; i < p->count; i++) {
        p->boot_mask |= boot_pcrs_of(&p->requirement[i]);
    }
}

static enum att_err read_root(const struct att_yaml_node *root, struct att_policy *p,
                              struct att_diag *diag)
{
    static const char *const KEYS[] = {"policy",       "version",  "bank",      "boot_log_pcrs",
                                       "ima_pcr",      "own_pcrs", "label_ttl", "interval",
                                       "requirements", NULL};
    const struct att_yaml_node *n = NULL;
    int64_t version = 0;
    enum att_err err = att_yaml_only(root, KEYS, diag);

    if (err == ATT_OK) {
        err = att_policy_yaml_need(root, "policy", &n, diag);
    }
    if (err == ATT_OK) {
        err = copy_text(p->name, sizeof(p->name), n, diag);
    }
    if (err == ATT_OK) {
        err = att_policy_yaml_need(root, "version", &n, diag);
    }
    if (err == ATT_OK) {
        err = att_yaml_int(n, 1, INT32_MAX, &version, diag);
    }
    p->version = (uint64_t)version;
    if (err == ATT_OK) {
        err = read_optional(root, p, diag);
    }
    if (err == ATT_OK) {
        err = att_policy_yaml_need(root, "requirements", &n, diag);
    }
    if (err == ATT_OK) {
        err = att_policy_yaml_list(n, diag);
    }
    for (size_t i = 0; err == ATT_OK && i < att_yaml_count(n); i++) {
        err = read_requirement(att_yaml_item(n, i), p, diag);
    }
    if (err == ATT_OK) {
        add_boot_pcrs(p, root);
    }
    return err;
}

/* What holds only of the whole is refused at the key that it is about, or where the policy begins. */
static enum att_err seal(struct att_policy *p, const struct att_yaml_node *root,
                         struct att_diag *diag)
{
    struct att_diag why = {0};
    const struct att_yaml_node *at = NULL;
    enum att_err err = att_policy_seal(p, &why);

    if (err != ATT_E_CONFIG) {
        return err == ATT_OK ? err : att_fail(diag, err, why.reason, why.field, "%s", why.text);
    }
    at = att_yaml_get(root, why.field);
    return att_yaml_fail(at != NULL ? at : root, REASON, diag, "%s", why.text);
}

enum att_err att_policy_parse_yaml(struct att_policy **out, const char *name, struct att_slice in,
                                   struct att_diag *diag)
{
    ATT_CLEANUP(att_yaml_freep) struct att_yaml *y = NULL;
    ATT_CLEANUP(att_policy_freep) struct att_policy *p = NULL;
    enum att_err err = att_yaml_parse(&y, name, in, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (att_yaml_type(att_yaml_root(y)) != ATT_YAML_MAP) {
        return att_yaml_fail(att_yaml_root(y), REASON, diag, "expected a policy (a map)");
    }
    err = att_policy_new(&p);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "policy", "no memory");
    }
    err = read_root(att_yaml_root(y), p, diag);
    if (err == ATT_OK) {
        err = seal(p, att_yaml_root(y), diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = p;
    p = NULL;
    return ATT_OK;
}
