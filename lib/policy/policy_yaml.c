/* Policies as people write them: strict YAML, every refusal with file:line:column. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "codec/yaml.h"
#include "policy/policy_internal.h"

#define REASON ATT_R_CFG_POLICY

static enum att_err need(const struct att_yaml_node *map, const char *key,
                         const struct att_yaml_node **out, struct att_diag *diag)
{
    *out = att_yaml_get(map, key);
    if (*out == NULL) {
        return att_yaml_fail(map, REASON, diag, "missing key: %s", key);
    }
    return ATT_OK;
}

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

/* One of the words; its index. */
static enum att_err read_word(const struct att_yaml_node *n, const char *const *words, size_t count,
                              int *out, struct att_diag *diag)
{
    const char *text = NULL;
    char list[128] = "";
    size_t at = 0;
    enum att_err err = att_yaml_text(n, &text, 64, diag);

    if (err != ATT_OK) {
        return err;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = (int)i;
            return ATT_OK;
        }
        at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i == 0 ? "" : ", ", words[i]);
    }
    return att_yaml_fail(n, REASON, diag, "expected one of %s, found \"%s\"", list, text);
}

static enum att_err read_severity(const struct att_yaml_node *n, size_t words,
                                  enum att_severity *out, struct att_diag *diag)
{
    static const char *const WORDS[] = {"fail", "warn", "ignore"};
    int i = 0;
    enum att_err err = read_word(n, WORDS, words, &i, diag);

    if (err != ATT_OK) {
        return err;
    }
    *out = (enum att_severity)i;
    return ATT_OK;
}

static enum att_err read_pcr(const struct att_yaml_node *n, uint32_t *mask, struct att_diag *diag)
{
    int64_t pcr = 0;
    enum att_err err = att_yaml_int(n, 0, 15, &pcr, diag);

    if (err != ATT_OK) {
        return att_yaml_fail(n, REASON, diag,
                             "expected a PCR from 0 to 15 (16 to 23 can be reset at runtime)");
    }
    if ((*mask & (1U << pcr)) != 0) {
        return att_yaml_fail(n, REASON, diag, "PCR %d is listed twice", (int)pcr);
    }
    *mask |= 1U << pcr;
    return ATT_OK;
}

static enum att_err need_list(const struct att_yaml_node *n, struct att_diag *diag)
{
    if (att_yaml_type(n) != ATT_YAML_LIST || att_yaml_count(n) == 0) {
        return att_yaml_fail(n, REASON, diag, "expected a list that is not empty");
    }
    return ATT_OK;
}

static enum att_err read_pcr_list(const struct att_yaml_node *n, uint32_t *mask,
                                  struct att_diag *diag)
{
    enum att_err err = need_list(n, diag);

    *mask = 0;
    for (size_t i = 0; err == ATT_OK && i < att_yaml_count(n); i++) {
        err = read_pcr(att_yaml_item(n, i), mask, diag);
    }
    return err;
}

static enum att_err read_names(const struct att_yaml_node *n, struct att_requirement *r,
                               struct att_diag *diag)
{
    enum att_err err = need_list(n, diag);

    for (size_t i = 0; err == ATT_OK && i < att_yaml_count(n); i++) {
        const char *text = NULL;

        err = att_yaml_text(att_yaml_item(n, i), &text, 4095, diag);
        if (err == ATT_OK && att_requirement_add_name(r, att_slice_str(text)) != ATT_OK) {
            err = att_yaml_fail(att_yaml_item(n, i), REASON, diag, "expected at most %d names",
                                ATT_POLICY_NAMES_MAX);
        }
    }
    return err;
}

static enum att_err read_grade(const struct att_yaml_node *n, struct att_requirement *r,
                               struct att_diag *diag)
{
    static const char *const GRADES[] = {"E1", "E2", "E3"};
    int i = 0;
    enum att_err err = read_word(n, GRADES, ATT_COUNT(GRADES), &i, diag);

    r->grade = i + 1;
    return err;
}

static enum att_err read_own_items(const struct att_yaml_node *n, struct att_requirement *r,
                                   struct att_diag *diag)
{
    static const char *const KEYS[] = {"under", "unlisted", NULL};
    const struct att_yaml_node *under = NULL;
    const struct att_yaml_node *unlisted = NULL;
    enum att_err err = att_yaml_only(n, KEYS, diag);

    if (err == ATT_OK) {
        err = need(n, "under", &under, diag);
    }
    if (err == ATT_OK) {
        err = read_names(under, r, diag);
    }
    unlisted = att_yaml_get(n, "unlisted");
    if (err == ATT_OK && unlisted != NULL) {
        err = read_severity(unlisted, 3, &r->unlisted, diag);
    }
    return err;
}

static enum att_err read_ima_files(const struct att_yaml_node *n, struct att_requirement *r,
                                   struct att_diag *diag)
{
    static const char *const KEYS[] = {"unlisted", NULL};
    const struct att_yaml_node *unlisted = NULL;
    enum att_err err = att_yaml_only(n, KEYS, diag);

    if (err == ATT_OK) {
        err = need(n, "unlisted", &unlisted, diag);
    }
    return err == ATT_OK ? read_severity(unlisted, 2, &r->unlisted, diag) : err;
}

static enum att_err read_value(const struct att_yaml_node *n, struct att_requirement *r,
                               size_t size, struct att_diag *diag)
{
    uint8_t value[ATT_HASH_MAX];
    size_t len = 0;
    const char *text = NULL;
    enum att_err err = att_yaml_text(n, &text, 2 * ATT_HASH_MAX, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_hex_decode(value, sizeof(value), &len, text, strlen(text));
    if (err != ATT_OK || len != size) {
        return att_yaml_fail(n, REASON, diag, "expected %zu hexadecimal digits", 2 * size);
    }
    if (att_requirement_add_value(r, value, len) != ATT_OK) {
        return att_yaml_fail(n, REASON, diag, "expected at most %d values", ATT_POLICY_NAMES_MAX);
    }
    return ATT_OK;
}

static enum att_err read_pcr_in(const struct att_yaml_node *n, struct att_requirement *r,
                                enum att_hash bank, struct att_diag *diag)
{
    static const char *const KEYS[] = {"pcr", "values", NULL};
    const struct att_yaml_node *pcr = NULL;
    const struct att_yaml_node *values = NULL;
    enum att_err err = att_yaml_only(n, KEYS, diag);

    if (err == ATT_OK) {
        err = need(n, "pcr", &pcr, diag);
    }
    if (err == ATT_OK) {
        err = read_pcr(pcr, &r->pcr_mask, diag);
    }
    if (err == ATT_OK) {
        err = need(n, "values", &values, diag);
    }
    if (err == ATT_OK) {
        err = need_list(values, diag);
    }
    for (size_t i = 0; err == ATT_OK && i < att_yaml_count(values); i++) {
        err = read_value(att_yaml_item(values, i), r, att_hash_size(bank), diag);
    }
    return err;
}

static enum att_err read_firmware(const struct att_yaml_node *n, struct att_diag *diag)
{
    static const char *const WORDS[] = {"unchanged"};
    int i = 0;

    return read_word(n, WORDS, 1, &i, diag);
}

static enum att_err read_logs(const struct att_yaml_node *n, struct att_requirement *r,
                              struct att_diag *diag)
{
    static const char *const LOGS[] = {"uefi", "ima", "own"}; /* in the order of enum att_log */
    enum att_err err = need_list(n, diag);

    for (size_t i = 0; err == ATT_OK && i < att_yaml_count(n); i++) {
        int log = 0;

        err = read_word(att_yaml_item(n, i), LOGS, ATT_COUNT(LOGS), &log, diag);
        r->log_mask |= 1U << (unsigned int)log;
    }
    return err;
}

static enum att_err read_predicate(const struct att_yaml_node *n, struct att_requirement *r,
                                   const struct att_policy *p, struct att_diag *diag)
{
    switch (r->predicate) {
    case ATT_PRED_GRADE:
        return read_grade(n, r, diag);
    case ATT_PRED_OWN_ITEMS:
        return read_own_items(n, r, diag);
    case ATT_PRED_OWN_MEASURED:
        return read_names(n, r, diag);
    case ATT_PRED_BOOT_PCRS:
        return read_pcr_list(n, &r->pcr_mask, diag);
    case ATT_PRED_PCR_IN:
        return read_pcr_in(n, r, p->bank, diag);
    case ATT_PRED_IMA_FILES:
        return read_ima_files(n, r, diag);
    case ATT_PRED_IMA_VIOLATIONS:
        return read_severity(n, 3, &r->unlisted, diag);
    case ATT_PRED_FIRMWARE:
        return read_firmware(n, diag);
    case ATT_PRED_LOGS:
        return read_logs(n, r, diag);
    }
    return att_yaml_fail(n, REASON, diag, "unknown predicate");
}

/* Exactly one predicate of the closed set stands in a requirement. */
static enum att_err find_predicate(const struct att_yaml_node *map, struct att_requirement *r,
                                   const struct att_yaml_node **out, struct att_diag *diag)
{
    size_t found = 0;

    for (int i = 0; i < ATT_PRED__COUNT; i++) {
        const struct att_yaml_node *n = att_yaml_get(map, att_predicate_names[i]);

        if (n != NULL) {
            r->predicate = (enum att_predicate)i;
            *out = n;
            found++;
        }
    }
    if (found != 1) {
        return att_yaml_fail(map, REASON, diag, "expected exactly one predicate, found %zu", found);
    }
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
        err = need(n, "en", &en, diag);
    }
    if (err == ATT_OK) {
        err = need(n, "ja", &ja, diag);
    }
    if (err == ATT_OK) {
        err = copy_text(r->title_en, sizeof(r->title_en), en, diag);
    }
    return err == ATT_OK ? copy_text(r->title_ja, sizeof(r->title_ja), ja, diag) : err;
}

static enum att_err read_requirement_head(const struct att_yaml_node *n, struct att_requirement *r,
                                          struct att_diag *diag)
{
    static const char *const KEYS[] = {
        "id",           "title",     "source", "severity",  "grade_at_least", "own_items",
        "own_measured", "boot_pcrs", "pcr_in", "ima_files", "ima_violations", "tpm_firmware",
        "logs",         NULL};
    const struct att_yaml_node *node = NULL;
    enum att_err err = att_yaml_only(n, KEYS, diag);

    if (err == ATT_OK) {
        err = need(n, "id", &node, diag);
    }
    if (err == ATT_OK) {
        err = copy_text(r->id, sizeof(r->id), node, diag);
    }
    if (err == ATT_OK) {
        err = need(n, "title", &node, diag);
    }
    if (err == ATT_OK) {
        err = read_title(node, r, diag);
    }
    node = att_yaml_get(n, "source");
    if (err == ATT_OK && node != NULL) {
        err = copy_text(r->source, sizeof(r->source), node, diag);
    }
    if (err == ATT_OK) {
        err = need(n, "severity", &node, diag);
    }
    return err == ATT_OK ? read_severity(node, 2, &r->severity, diag) : err;
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
    const struct att_yaml_node *predicate = NULL;
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
    if (err == ATT_OK) {
        err = find_predicate(n, r, &predicate, diag);
    }
    return err == ATT_OK ? read_predicate(predicate, r, p, diag) : err;
}

static enum att_err read_bank(const struct att_yaml_node *n, struct att_policy *p,
                              struct att_diag *diag)
{
    static const char *const BANKS[] = {"sha256", "sha384", "sha512"};
    static const enum att_hash ALGS[] = {ATT_HASH_SHA256, ATT_HASH_SHA384, ATT_HASH_SHA512};
    int i = 0;
    enum att_err err = read_word(n, BANKS, ATT_COUNT(BANKS), &i, diag);

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
        err = read_pcr_list(n, &p->boot_mask, diag);
    }
    n = att_yaml_get(root, "ima_pcr");
    if (err == ATT_OK && n != NULL) {
        err = att_yaml_int(n, 0, 15, &pcr, diag);
        p->ima_pcr = (uint32_t)pcr;
    }
    n = att_yaml_get(root, "own_pcrs");
    if (err == ATT_OK && n != NULL) {
        err = read_pcr_list(n, &p->own_pcr_mask, diag);
    }
    n = att_yaml_get(root, "label_ttl");
    if (err == ATT_OK && n != NULL) {
        err = read_seconds(n, &p->label_ttl_s, diag);
    }
    n = att_yaml_get(root, "interval");
    return err == ATT_OK && n != NULL ? read_seconds(n, &p->interval_s, diag) : err;
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
        err = need(root, "policy", &n, diag);
    }
    if (err == ATT_OK) {
        err = copy_text(p->name, sizeof(p->name), n, diag);
    }
    if (err == ATT_OK) {
        err = need(root, "version", &n, diag);
    }
    if (err == ATT_OK) {
        err = att_yaml_int(n, 1, INT32_MAX, &version, diag);
    }
    p->version = (uint64_t)version;
    if (err == ATT_OK) {
        err = read_optional(root, p, diag);
    }
    if (err == ATT_OK) {
        err = need(root, "requirements", &n, diag);
    }
    if (err == ATT_OK) {
        err = need_list(n, diag);
    }
    for (size_t i = 0; err == ATT_OK && i < att_yaml_count(n); i++) {
        err = read_requirement(att_yaml_item(n, i), p, diag);
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
