/* One predicate of a requirement, from its YAML: the closed set, and all, any, not. */
#include <stdio.h>
#include <string.h>

#include "base/b64.h"
#include "base/hex.h"
#include "codec/yaml.h"
#include "policy/policy_internal.h"

#define REASON ATT_R_CFG_POLICY

enum att_err att_policy_yaml_need(const struct att_yaml_node *map, const char *key,
                                  const struct att_yaml_node **out, struct att_diag *diag)
{
    *out = att_yaml_get(map, key);
    if (*out == NULL) {
        return att_yaml_fail(map, REASON, diag, "missing key: %s", key);
    }
    return ATT_OK;
}

/* What reads a node into the requirement. */
typedef enum att_err node_reader(const struct att_yaml_node *n, struct att_requirement *r,
                                 struct att_diag *diag);

/* The member that must be there, by its reader. */
static enum att_err read_member(const struct att_yaml_node *map, const char *key, node_reader *read,
                                struct att_requirement *r, struct att_diag *diag)
{
    const struct att_yaml_node *n = NULL;
    enum att_err err = att_policy_yaml_need(map, key, &n, diag);

    return err == ATT_OK ? read(n, r, diag) : err;
}

/* One of the words; its index. */
enum att_err att_policy_yaml_word(const struct att_yaml_node *n, const char *const *words,
                                  size_t count, int *out, struct att_diag *diag)
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

enum att_err att_policy_yaml_severity(const struct att_yaml_node *n, size_t words,
                                      enum att_severity *out, struct att_diag *diag)
{
    int i = 0;
    enum att_err err = att_policy_yaml_word(n, att_severity_words, words, &i, diag);

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

enum att_err att_policy_yaml_list(const struct att_yaml_node *n, struct att_diag *diag)
{
    if (att_yaml_type(n) != ATT_YAML_LIST || att_yaml_count(n) == 0) {
        return att_yaml_fail(n, REASON, diag, "expected a list that is not empty");
    }
    return ATT_OK;
}

enum att_err att_policy_yaml_pcrs(const struct att_yaml_node *n, uint32_t *mask,
                                  struct att_diag *diag)
{
    enum att_err err = att_policy_yaml_list(n, diag);

    *mask = 0;
    for (size_t i = 0; err == ATT_OK && i < att_yaml_count(n); i++) {
        err = read_pcr(att_yaml_item(n, i), mask, diag);
    }
    return err;
}

static enum att_err add_name(const struct att_yaml_node *n, struct att_requirement *r,
                             struct att_diag *diag)
{
    const char *text = NULL;
    enum att_err err = att_yaml_text(n, &text, 4095, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (text[0] == '\0') {
        return att_yaml_fail(n, REASON, diag, "expected a name that is not empty");
    }
    if (att_requirement_add_name(r, att_slice_str(text)) != ATT_OK) {
        return att_yaml_fail(n, REASON, diag, "expected at most %d names", ATT_POLICY_NAMES_MAX);
    }
    return ATT_OK;
}

static enum att_err read_names(const struct att_yaml_node *n, struct att_requirement *r,
                               struct att_diag *diag)
{
    enum att_err err = att_policy_yaml_list(n, diag);

    for (size_t i = 0; err == ATT_OK && i < att_yaml_count(n); i++) {
        err = add_name(att_yaml_item(n, i), r, diag);
    }
    return err;
}

static enum att_err read_grade(const struct att_yaml_node *n, struct att_requirement *r,
                               struct att_diag *diag)
{
    static const char *const GRADES[] = {"E1", "E2", "E3"};
    int i = 0;
    enum att_err err = att_policy_yaml_word(n, GRADES, ATT_COUNT(GRADES), &i, diag);

    r->grade = i + 1;
    return err;
}

static enum att_err read_own_items(const struct att_yaml_node *n, struct att_requirement *r,
                                   struct att_diag *diag)
{
    static const char *const KEYS[] = {"under", "unlisted", "allow_any", NULL};
    const struct att_yaml_node *unlisted = att_yaml_get(n, "unlisted");
    const struct att_yaml_node *any = att_yaml_get(n, "allow_any");
    enum att_err err = att_yaml_only(n, KEYS, diag);

    if (err == ATT_OK) {
        err = read_member(n, "under", read_names, r, diag);
    }
    if (err == ATT_OK && unlisted != NULL) {
        err = att_policy_yaml_severity(unlisted, 3, &r->unlisted, diag);
    }
    return err == ATT_OK && any != NULL ? att_yaml_bool(any, &r->allow_any, diag) : err;
}

static enum att_err read_ima_files(const struct att_yaml_node *n, struct att_requirement *r,
                                   struct att_diag *diag)
{
    static const char *const KEYS[] = {"unlisted", NULL};
    const struct att_yaml_node *unlisted = NULL;
    enum att_err err = att_yaml_only(n, KEYS, diag);

    if (err == ATT_OK) {
        err = att_policy_yaml_need(n, "unlisted", &unlisted, diag);
    }
    return err == ATT_OK ? att_policy_yaml_severity(unlisted, 2, &r->unlisted, diag) : err;
}

static enum att_err read_base64(const struct att_yaml_node *n, uint8_t *out, size_t cap,
                                size_t *len, struct att_diag *diag)
{
    const char *text = NULL;
    enum att_err err = att_yaml_text(n, &text, ATT_B64_LEN(cap), diag);

    if (err == ATT_OK && att_b64_decode(out, cap, len, ATT_B64_STD, text, strlen(text)) != ATT_OK) {
        return att_yaml_fail(n, REASON, diag,
                             "expected a public key in base64, as attestctl policy key prints it");
    }
    return err;
}

static enum att_err read_id(const struct att_yaml_node *n, uint8_t out[ATT_POLICY_KEYID_LEN],
                            struct att_diag *diag)
{
    const char *text = NULL;
    size_t len = 0;
    enum att_err err = att_yaml_text(n, &text, 64, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_hex_decode(out, ATT_POLICY_KEYID_LEN, &len, text, strlen(text));
    if (err != ATT_OK || len != ATT_POLICY_KEYID_LEN) {
        return att_yaml_fail(n, REASON, diag, "expected %d hexadecimal digits",
                             2 * ATT_POLICY_KEYID_LEN);
    }
    return ATT_OK;
}

/* {key: BASE64, id: HEX}: what `attestctl policy key` prints. The id may be left out. */
static enum att_err read_key(const struct att_yaml_node *n, struct att_requirement *r,
                             struct att_diag *diag)
{
    static const char *const KEYS[] = {"key", "id", NULL};
    const struct att_yaml_node *key = NULL;
    const struct att_yaml_node *id = NULL;
    uint8_t spki[ATT_POLICY_KEY_MAX];
    uint8_t wanted[ATT_POLICY_KEYID_LEN];
    size_t len = 0;
    struct att_diag why = {0};
    enum att_err err = att_yaml_only(n, KEYS, diag);

    if (err == ATT_OK) {
        err = att_policy_yaml_need(n, "key", &key, diag);
    }
    if (err == ATT_OK) {
        err = read_base64(key, spki, sizeof(spki), &len, diag);
    }
    id = err == ATT_OK ? att_yaml_get(n, "id") : NULL;
    if (id != NULL) {
        err = read_id(id, wanted, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = att_requirement_add_key(r, id != NULL ? wanted : NULL, att_slice_of(spki, len), &why);
    return err == ATT_OK ? ATT_OK : att_yaml_fail(n, REASON, diag, "%s", why.text);
}

static enum att_err read_keys(const struct att_yaml_node *n, struct att_requirement *r,
                              struct att_diag *diag)
{
    enum att_err err = att_policy_yaml_list(n, diag);

    for (size_t i = 0; err == ATT_OK && i < att_yaml_count(n); i++) {
        err = read_key(att_yaml_item(n, i), r, diag);
    }
    return err;
}

/* What becomes of a file that no listed key signed; listed: ima_files judges it. */
static enum att_err read_unsigned(const struct att_yaml_node *n, struct att_requirement *r,
                                  struct att_diag *diag)
{
    int i = 0;
    enum att_err err =
        att_policy_yaml_word(n, att_policy_unsigned, ATT_COUNT(att_policy_unsigned), &i, diag);

    r->unlisted = (enum att_severity)i;
    return err;
}

static enum att_err read_ima_signed(const struct att_yaml_node *n, struct att_requirement *r,
                                    struct att_diag *diag)
{
    static const char *const KEYS[] = {"under", "keys", "unsigned", NULL};
    enum att_err err = att_yaml_only(n, KEYS, diag);

    if (err == ATT_OK) {
        err = read_member(n, "under", read_names, r, diag);
    }
    if (err == ATT_OK) {
        err = read_member(n, "keys", read_keys, r, diag);
    }
    return err == ATT_OK ? read_member(n, "unsigned", read_unsigned, r, diag) : err;
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

static enum att_err read_values(const struct att_yaml_node *n, struct att_requirement *r,
                                size_t size, struct att_diag *diag)
{
    enum att_err err = att_policy_yaml_list(n, diag);

    for (size_t i = 0; err == ATT_OK && i < att_yaml_count(n); i++) {
        err = read_value(att_yaml_item(n, i), r, size, diag);
    }
    return err;
}

/* {pcr: N, KEY: ...}: the PCR, and the node under the other key. */
static enum att_err read_one_pcr(const struct att_yaml_node **other, const struct att_yaml_node *n,
                                 const char *key, struct att_requirement *r, struct att_diag *diag)
{
    const char *const keys[] = {"pcr", key, NULL};
    const struct att_yaml_node *pcr = NULL;
    enum att_err err = att_yaml_only(n, keys, diag);

    if (err == ATT_OK) {
        err = att_policy_yaml_need(n, "pcr", &pcr, diag);
    }
    if (err == ATT_OK) {
        err = read_pcr(pcr, &r->pcr_mask, diag);
    }
    return err == ATT_OK ? att_policy_yaml_need(n, key, other, diag) : err;
}

static enum att_err read_pcr_in(const struct att_yaml_node *n, struct att_requirement *r,
                                enum att_hash bank, struct att_diag *diag)
{
    const struct att_yaml_node *values = NULL;
    enum att_err err = read_one_pcr(&values, n, "values", r, diag);

    return err == ATT_OK ? read_values(values, r, att_hash_size(bank), diag) : err;
}

/* pcr_in with one value, as people say it. */
static enum att_err read_pcr_equals(const struct att_yaml_node *n, struct att_requirement *r,
                                    enum att_hash bank, struct att_diag *diag)
{
    const struct att_yaml_node *value = NULL;
    enum att_err err = read_one_pcr(&value, n, "value", r, diag);

    return err == ATT_OK ? read_value(value, r, att_hash_size(bank), diag) : err;
}

/* A predicate with one possible answer. */
static enum att_err read_only(const struct att_yaml_node *n, const char *word,
                              struct att_diag *diag)
{
    const char *const words[] = {word};
    int i = 0;

    return att_policy_yaml_word(n, words, 1, &i, diag);
}

/* {verdict: fail, late: [1]}: one of them may be left out. */
static enum att_err read_boot_order(const struct att_yaml_node *n, struct att_requirement *r,
                                    struct att_diag *diag)
{
    static const char *const KEYS[] = {"verdict", "late", NULL};
    const struct att_yaml_node *verdict = att_yaml_get(n, "verdict");
    const struct att_yaml_node *late = att_yaml_get(n, "late");
    enum att_err err = att_yaml_only(n, KEYS, diag);

    if (err == ATT_OK && verdict == NULL && late == NULL) {
        return att_yaml_fail(n, REASON, diag, "expected verdict or late");
    }
    if (err == ATT_OK && verdict != NULL) {
        err = att_policy_yaml_severity(verdict, 3, &r->unlisted, diag);
    }
    return err == ATT_OK && late != NULL ? att_policy_yaml_pcrs(late, &r->pcr_mask, diag) : err;
}

static enum att_err read_logs(const struct att_yaml_node *n, struct att_requirement *r,
                              struct att_diag *diag)
{
    enum att_err err = att_policy_yaml_list(n, diag);

    for (size_t i = 0; err == ATT_OK && i < att_yaml_count(n); i++) {
        int log = 0;

        err = att_policy_yaml_word(att_yaml_item(n, i), att_policy_logs, ATT_COUNT(att_policy_logs),
                                   &log, diag);
        r->log_mask |= 1U << (unsigned int)log;
    }
    return err;
}

static enum att_err read_sha256s(const struct att_yaml_node *n, struct att_requirement *r,
                                 struct att_diag *diag)
{
    return read_values(n, r, 32, diag);
}

static enum att_err read_sha256_in(const struct att_yaml_node *n, struct att_requirement *r,
                                   struct att_diag *diag)
{
    static const char *const KEYS[] = {"name", "values", NULL};
    enum att_err err = att_yaml_only(n, KEYS, diag);

    if (err == ATT_OK) {
        err = read_member(n, "name", add_name, r, diag);
    }
    return err == ATT_OK ? read_member(n, "values", read_sha256s, r, diag) : err;
}

static enum att_err read_event_absent(const struct att_yaml_node *n, struct att_requirement *r,
                                      struct att_diag *diag)
{
    static const char *const KEYS[] = {"logs", "sha256", NULL};
    enum att_err err = att_yaml_only(n, KEYS, diag);

    if (err == ATT_OK) {
        err = read_member(n, "logs", read_logs, r, diag);
    }
    return err == ATT_OK ? read_member(n, "sha256", read_sha256s, r, diag) : err;
}

static enum att_err read_number(const struct att_yaml_node *map, const char *key, uint64_t *out,
                                struct att_diag *diag)
{
    const struct att_yaml_node *n = NULL;
    int64_t v = 0;
    enum att_err err = att_policy_yaml_need(map, key, &n, diag);

    if (err == ATT_OK) {
        err = att_yaml_int(n, 0, INT32_MAX, &v, diag);
    }
    *out = (uint64_t)v;
    return err;
}

static enum att_err read_min_version(const struct att_yaml_node *n, struct att_requirement *r,
                                     struct att_diag *diag)
{
    static const char *const KEYS[] = {"name", "at_least", "at_most", NULL};
    enum att_err err = att_yaml_only(n, KEYS, diag);

    if (err == ATT_OK) {
        err = read_member(n, "name", add_name, r, diag);
    }
    if (err == ATT_OK) {
        err = read_number(n, "at_least", &r->at_least, diag);
    }
    return err == ATT_OK ? read_number(n, "at_most", &r->at_most, diag) : err;
}

static enum att_err read_max_age(const struct att_yaml_node *n, struct att_requirement *r,
                                 struct att_diag *diag)
{
    int64_t v = 0;
    enum att_err err = att_yaml_int(n, 1, INT32_MAX, &v, diag);

    r->at_most = (uint64_t)v;
    return err;
}

static enum att_err read_part(const struct att_yaml_node *n, struct att_requirement *r, int depth,
                              const struct att_policy *p, struct att_diag *diag)
{
    struct att_requirement *part = NULL;

    if (att_yaml_type(n) != ATT_YAML_MAP) {
        return att_yaml_fail(n, REASON, diag, "expected a predicate (a map)");
    }
    if (att_yaml_count(n) != 1) {
        return att_yaml_fail(n, REASON, diag, "expected exactly one predicate, found %zu",
                             att_yaml_count(n));
    }
    if (att_requirement_add_child(r, &part) != ATT_OK) {
        return att_yaml_fail(n, REASON, diag, "expected at most %d parts", ATT_POLICY_PARTS_MAX);
    }
    return att_requirement_read_yaml(part, n, depth + 1, p, diag);
}

/* The depth is bounded before it is entered: it is that of our own calls. */
static enum att_err read_parts(const struct att_yaml_node *n, struct att_requirement *r, int depth,
                               const struct att_policy *p, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (depth >= ATT_POLICY_DEPTH) {
        return att_yaml_fail(n, REASON, diag, "all, any and not stand at most %d deep",
                             ATT_POLICY_DEPTH);
    }
    if (r->predicate == ATT_PRED_NOT) {
        return read_part(n, r, depth, p, diag);
    }
    err = att_policy_yaml_list(n, diag);
    for (size_t i = 0; err == ATT_OK && i < att_yaml_count(n); i++) {
        err = read_part(att_yaml_item(n, i), r, depth, p, diag);
    }
    return err;
}

static enum att_err read_simple(const struct att_yaml_node *n, struct att_requirement *r,
                                const struct att_policy *p, struct att_diag *diag)
{
    switch (r->predicate) {
    case ATT_PRED_GRADE:
        return read_grade(n, r, diag);
    case ATT_PRED_OWN_ITEMS:
        return read_own_items(n, r, diag);
    case ATT_PRED_OWN_MEASURED:
    case ATT_PRED_OWN_COMPLETE:
        return read_names(n, r, diag);
    case ATT_PRED_BOOT_PCRS:
        return att_policy_yaml_pcrs(n, &r->pcr_mask, diag);
    case ATT_PRED_PCR_IN:
        return read_pcr_in(n, r, p->bank, diag);
    case ATT_PRED_IMA_FILES:
        return read_ima_files(n, r, diag);
    case ATT_PRED_IMA_VIOLATIONS:
    case ATT_PRED_IMA_KEXEC:
        return att_policy_yaml_severity(n, 3, &r->unlisted, diag);
    case ATT_PRED_FIRMWARE:
        return read_only(n, "unchanged", diag);
    case ATT_PRED_BOOT_ORDER:
        return read_boot_order(n, r, diag);
    case ATT_PRED_SECURE_BOOT:
        return read_only(n, "enabled", diag);
    case ATT_PRED_LOGS:
        return read_logs(n, r, diag);
    case ATT_PRED_SHA256_IN:
        return read_sha256_in(n, r, diag);
    case ATT_PRED_EVENT_ABSENT:
        return read_event_absent(n, r, diag);
    case ATT_PRED_MIN_VERSION:
        return read_min_version(n, r, diag);
    case ATT_PRED_MAX_AGE:
        return read_max_age(n, r, diag);
    case ATT_PRED_IMA_SIGNED:
        return read_ima_signed(n, r, diag);
    case ATT_PRED_ALL:
    case ATT_PRED_ANY:
    case ATT_PRED_NOT:
        break;
    }
    return att_yaml_fail(n, REASON, diag, "unknown predicate");
}

/* pcr_equals is another way to write pcr_in. */
#define PCR_EQUALS "pcr_equals"

/* Exactly one predicate of the closed set stands in a map. */
static enum att_err find_predicate(const struct att_yaml_node *map, struct att_requirement *r,
                                   const struct att_yaml_node **out, struct att_diag *diag)
{
    const struct att_yaml_node *equals = att_yaml_get(map, PCR_EQUALS);
    size_t found = 0;

    for (int i = 0; i < ATT_PRED__COUNT; i++) {
        const struct att_yaml_node *n =
            att_yaml_get(map, att_predicate_name((enum att_predicate)i));

        if (n != NULL) {
            r->predicate = (enum att_predicate)i;
            *out = n;
            found++;
        }
    }
    if (equals != NULL) {
        r->predicate = ATT_PRED_PCR_IN;
        *out = equals;
        found++;
    }
    if (found != 1) {
        return att_yaml_fail(map, REASON, diag, "expected exactly one predicate, found %zu", found);
    }
    return ATT_OK;
}

/* What holds of one predicate in every form is refused at its place. */
static enum att_err check(const struct att_requirement *r, int depth,
                          const struct att_yaml_node *at, struct att_diag *diag)
{
    struct att_diag why = {0};
    enum att_err err = att_requirement_check(r, depth, &why);

    return err == ATT_OK ? ATT_OK : att_yaml_fail(at, REASON, diag, "%s", why.text);
}

enum att_err att_requirement_read_yaml(struct att_requirement *r, const struct att_yaml_node *map,
                                       int depth, const struct att_policy *p, struct att_diag *diag)
{
    const struct att_yaml_node *n = NULL;
    enum att_err err = find_predicate(map, r, &n, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (att_predicate_is_operator(r->predicate)) {
        err = read_parts(n, r, depth, p, diag);
    } else if (att_yaml_get(map, PCR_EQUALS) != NULL) {
        err = read_pcr_equals(n, r, p->bank, diag);
    } else {
        err = read_simple(n, r, p, diag);
    }
    return err == ATT_OK ? check(r, depth, n, diag) : err;
}
