/* The policy object: memory, and the rules that every form obeys. */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "policy/policy_internal.h"

static const char *const PREDICATES[ATT_PRED__COUNT] = {
    [ATT_PRED_GRADE] = "grade_at_least",
    [ATT_PRED_OWN_ITEMS] = "own_items",
    [ATT_PRED_OWN_MEASURED] = "own_measured",
    [ATT_PRED_BOOT_PCRS] = "boot_pcrs",
    [ATT_PRED_PCR_IN] = "pcr_in",
    [ATT_PRED_IMA_FILES] = "ima_files",
    [ATT_PRED_IMA_VIOLATIONS] = "ima_violations",
    [ATT_PRED_FIRMWARE] = "tpm_firmware",
    [ATT_PRED_LOGS] = "logs",
    [ATT_PRED_SHA256_IN] = "sha256_in",
    [ATT_PRED_EVENT_ABSENT] = "event_absent",
    [ATT_PRED_MIN_VERSION] = "min_version",
    [ATT_PRED_MAX_AGE] = "max_age_seconds",
    [ATT_PRED_ALL] = "all",
    [ATT_PRED_ANY] = "any",
    [ATT_PRED_NOT] = "not",
    [ATT_PRED_BOOT_ORDER] = "boot_order",
    [ATT_PRED_SECURE_BOOT] = "secure_boot",
    [ATT_PRED_IMA_KEXEC] = "ima_kexec",
    [ATT_PRED_OWN_COMPLETE] = "own_complete",
    [ATT_PRED_IMA_SIGNED] = "ima_signed",
};

const char *att_predicate_name(enum att_predicate predicate)
{
    return (size_t)predicate < ATT_COUNT(PREDICATES) ? PREDICATES[predicate] : "";
}

static bool starts_with(struct att_slice name, const char *prefix, size_t len)
{
    return name.len >= len && memcmp(name.p, prefix, len) == 0;
}

const char *const att_severity_words[3] = {"fail", "warn", "ignore"};
const char *const att_policy_logs[3] = {"uefi", "ima", "own"};
const char *const att_policy_unsigned[3] = {"fail", "warn", "listed"};

bool att_requirement_covers(const struct att_requirement *r, struct att_slice name)
{
    for (size_t i = 0; i < r->name_count; i++) {
        size_t len = strlen(r->name[i]);

        if (!starts_with(name, r->name[i], len)) {
            continue;
        }
        if (name.len == len || r->name[i][len - 1] == '/' || name.p[len] == '/' ||
            name.p[len] == '#') {
            return true;
        }
    }
    return false;
}

enum att_err att_policy_new(struct att_policy **out)
{
    struct att_policy *p = calloc(1, sizeof(*p));

    if (p == NULL) {
        return ATT_E_NOMEM;
    }
    p->bank = ATT_HASH_SHA256;
    p->boot_mask = 0xff;
    p->ima_pcr = 10;
    p->own_pcr_mask = 1U << 13;
    p->label_ttl_s = INT64_C(4) * 3600;
    p->interval_s = 600;
    *out = p;
    return ATT_OK;
}

/* Depth is bounded before anything is read: at most ATT_POLICY_DEPTH calls stand in one another. */
static void clear(struct att_requirement *r)
{
    for (size_t k = 0; k < r->name_count; k++) {
        free(r->name[k]);
    }
    free(r->name);
    free(r->value);
    att_requirement_clear_keys(r);
    for (size_t k = 0; k < r->child_count; k++) {
        clear(&r->child[k]);
    }
    free(r->child);
}

void att_policy_free(struct att_policy *p)
{
    if (p == NULL) {
        return;
    }
    for (size_t i = 0; i < p->count; i++) {
        clear(&p->requirement[i]);
    }
    free(p->requirement);
    free(p->leaf);
    free(p);
}

void att_policy_freep(struct att_policy **p)
{
    att_policy_free(*p);
    *p = NULL;
}

enum att_err att_policy_add(struct att_policy *p, struct att_requirement **out)
{
    struct att_requirement *more = NULL;

    if (p->count >= ATT_POLICY_REQUIREMENTS_MAX) {
        return ATT_E_LIMIT;
    }
    more = realloc(p->requirement, (p->count + 1) * sizeof(*more));
    if (more == NULL) {
        return ATT_E_NOMEM;
    }
    p->requirement = more;
    memset(&more[p->count], 0, sizeof(*more));
    *out = &more[p->count++];
    return ATT_OK;
}

enum att_err att_requirement_add_child(struct att_requirement *r, struct att_requirement **out)
{
    struct att_requirement *more = NULL;

    if (r->child_count >= ATT_POLICY_PARTS_MAX) {
        return ATT_E_LIMIT;
    }
    more = realloc(r->child, (r->child_count + 1) * sizeof(*more));
    if (more == NULL) {
        return ATT_E_NOMEM;
    }
    r->child = more;
    memset(&more[r->child_count], 0, sizeof(*more));
    *out = &more[r->child_count++];
    return ATT_OK;
}

enum att_err att_requirement_add_name(struct att_requirement *r, struct att_slice name)
{
    char **more = NULL;
    char *copy = NULL;

    if (r->name_count >= ATT_POLICY_NAMES_MAX || name.len == 0 || name.len >= 4096) {
        return ATT_E_LIMIT;
    }
    more = realloc(r->name, (r->name_count + 1) * sizeof(*more));
    if (more == NULL) {
        return ATT_E_NOMEM;
    }
    r->name = more;
    copy = malloc(name.len + 1);
    if (copy == NULL) {
        return ATT_E_NOMEM;
    }
    memcpy(copy, name.p, name.len);
    copy[name.len] = '\0';
    r->name[r->name_count++] = copy;
    return ATT_OK;
}

enum att_err att_requirement_add_value(struct att_requirement *r, const uint8_t *value, size_t len)
{
    uint8_t(*more)[ATT_HASH_MAX] = NULL;

    if (r->value_count >= ATT_POLICY_NAMES_MAX || len == 0 || len > ATT_HASH_MAX) {
        return ATT_E_LIMIT;
    }
    more = realloc(r->value, (r->value_count + 1) * sizeof(*more));
    if (more == NULL) {
        return ATT_E_NOMEM;
    }
    r->value = more;
    memset(more[r->value_count], 0, ATT_HASH_MAX);
    memcpy(more[r->value_count], value, len);
    r->value_count++;
    return ATT_OK;
}

static enum att_err refuse(struct att_diag *diag, const char *field, const char *text)
{
    return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_POLICY, field, "%s", text);
}

size_t att_requirement_value_len(const struct att_requirement *r, enum att_hash bank)
{
    return r->predicate == ATT_PRED_PCR_IN ? att_hash_size(bank) : 32;
}

/* Does it call every measured item good, whatever it is? */
static bool covers_all(const struct att_requirement *r)
{
    for (size_t i = 0; r->predicate == ATT_PRED_OWN_ITEMS && i < r->name_count; i++) {
        if (r->name[i][strspn(r->name[i], "/")] == '\0') {
            return r->unlisted == ATT_SEVERITY_IGNORE;
        }
    }
    return false;
}

static enum att_err check_lists(const struct att_requirement *r, struct att_diag *diag)
{
    bool names = r->predicate == ATT_PRED_OWN_ITEMS || r->predicate == ATT_PRED_OWN_MEASURED ||
                 r->predicate == ATT_PRED_SHA256_IN || r->predicate == ATT_PRED_MIN_VERSION ||
                 r->predicate == ATT_PRED_OWN_COMPLETE || r->predicate == ATT_PRED_IMA_SIGNED;
    bool keys = r->predicate == ATT_PRED_IMA_SIGNED;
    bool values = r->predicate == ATT_PRED_PCR_IN || r->predicate == ATT_PRED_SHA256_IN ||
                  r->predicate == ATT_PRED_EVENT_ABSENT;
    bool logs = r->predicate == ATT_PRED_LOGS || r->predicate == ATT_PRED_EVENT_ABSENT;
    bool pcrs = r->predicate == ATT_PRED_BOOT_PCRS || r->predicate == ATT_PRED_PCR_IN;

    if (ATT_GUARD(POLICY_LIST, (names && r->name_count == 0) || (values && r->value_count == 0) ||
                                   (keys && r->key_count == 0) || (logs && r->log_mask == 0) ||
                                   (pcrs && r->pcr_mask == 0))) {
        return refuse(diag, "requirements", "expected a list that is not empty");
    }
    if (ATT_GUARD(POLICY_ANY, covers_all(r) && !r->allow_any)) {
        return refuse(diag, "requirements",
                      "under \"/\" with unlisted: ignore passes everything; say allow_any: true to "
                      "mean it, and labels will be a warning");
    }
    return ATT_OK;
}

static enum att_err check_ranges(const struct att_requirement *r, struct att_diag *diag)
{
    if (r->predicate == ATT_PRED_GRADE && (r->grade < 1 || r->grade > 3)) {
        return refuse(diag, "requirements", "expected a grade from E1 to E3");
    }
    if (r->predicate == ATT_PRED_IMA_FILES && r->unlisted == ATT_SEVERITY_IGNORE) {
        return refuse(diag, "requirements", "expected one of fail, warn for unlisted files");
    }
    if (r->predicate == ATT_PRED_MIN_VERSION &&
        (r->at_most < r->at_least || r->at_most - r->at_least >= ATT_POLICY_VERSIONS_MAX)) {
        return refuse(diag, "requirements",
                      "expected at_most to be from at_least to 255 more: the log holds a digest, "
                      "and each number is tried");
    }
    if (r->predicate == ATT_PRED_MAX_AGE && (r->at_most < 1 || r->at_most > INT32_MAX)) {
        return refuse(diag, "requirements", "expected a number of seconds from 1 to 2147483647");
    }
    return ATT_OK;
}

/* What assigns measured items to a rule, or replaces a strict default, is no question with an answer. */
bool att_predicate_stands_alone(enum att_predicate p)
{
    return p == ATT_PRED_OWN_ITEMS || p == ATT_PRED_IMA_FILES || p == ATT_PRED_IMA_VIOLATIONS ||
           p == ATT_PRED_FIRMWARE || p == ATT_PRED_BOOT_ORDER || p == ATT_PRED_IMA_KEXEC ||
           p == ATT_PRED_IMA_SIGNED;
}

static enum att_err check_operator(const struct att_requirement *r, int depth,
                                   struct att_diag *diag)
{
    if (depth >= ATT_POLICY_DEPTH) {
        return refuse(diag, "requirements", "all, any and not stand at most 4 deep");
    }
    if (r->child_count == 0 || (r->predicate == ATT_PRED_NOT && r->child_count != 1)) {
        return refuse(diag, "requirements", "expected a list that is not empty");
    }
    for (size_t i = 0; i < r->child_count; i++) {
        enum att_err err = att_requirement_check(&r->child[i], depth + 1, diag);

        if (err != ATT_OK) {
            return err;
        }
    }
    return ATT_OK;
}

enum att_err att_requirement_check(const struct att_requirement *r, int depth,
                                   struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (att_predicate_is_operator(r->predicate)) {
        return check_operator(r, depth, diag);
    }
    if (depth > 0 && att_predicate_stands_alone(r->predicate)) {
        return refuse(diag, "requirements",
                      "own_items, ima_files, ima_signed, ima_violations, ima_kexec, boot_order "
                      "and tpm_firmware stand alone in a requirement, not in all, any or not");
    }
    err = check_lists(r, diag);
    return err == ATT_OK ? check_ranges(r, diag) : err;
}

static enum att_err check_pcrs(const struct att_policy *p, struct att_diag *diag)
{
    uint32_t named = p->boot_mask | p->own_pcr_mask;

    if (p->boot_mask == 0) {
        return refuse(diag, "boot_log_pcrs", "expected a list that is not empty");
    }
    named |= 1U << p->ima_pcr; /* both readers end at PCR 23 */
    for (size_t i = 0; i < p->leaf_count; i++) {
        named |= p->leaf[i]->pcr_mask;
    }
    if (ATT_GUARD(POLICY_PCR, (named & ~ATT_POLICY_PCR_MASK) != 0)) {
        return refuse(diag, "pcr", "PCRs 16 to 23 can be reset at runtime and are no evidence");
    }
    if (p->own_pcr_mask == 0 || (p->own_pcr_mask & (p->boot_mask | 1U << p->ima_pcr)) != 0) {
        return refuse(diag, "own_pcrs", "the own log needs a PCR of its own");
    }
    return ATT_OK;
}

/* Text that people will read: there, and without characters that steer a terminal. */
static bool readable(const char *text, bool may_be_empty)
{
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            return false;
        }
    }
    return may_be_empty || text[0] != '\0';
}

/* What no prefix covers must be judged too, or a file outside of all of them passes by silence. */
static enum att_err check_signed(const struct att_policy *p, struct att_diag *diag)
{
    bool some = false;
    bool files = false;

    for (size_t i = 0; i < p->count; i++) {
        some = some || p->requirement[i].predicate == ATT_PRED_IMA_SIGNED;
        files = files || p->requirement[i].predicate == ATT_PRED_IMA_FILES;
    }
    if (ATT_GUARD(POLICY_SIGNED, some && !files)) {
        return refuse(diag, "requirements",
                      "ima_signed needs a requirement ima_files, which judges the files that no "
                      "prefix covers");
    }
    return ATT_OK;
}

/* Is all that is asked that listed items are as listed? Without reference values that passes everything. */
static bool only_ignores(const struct att_policy *p)
{
    bool some = false;

    for (size_t i = 0; i < p->count; i++) {
        const struct att_requirement *r = &p->requirement[i];

        if (r->predicate == ATT_PRED_OWN_ITEMS && r->unlisted == ATT_SEVERITY_IGNORE &&
            !r->allow_any) {
            some = true;
        } else if (att_requirement_asks(r)) {
            return false;
        }
    }
    return some;
}

static enum att_err check_requirements(const struct att_policy *p, struct att_diag *diag)
{
    if (ATT_GUARD(POLICY_EMPTY, p->count == 0)) {
        return refuse(diag, "requirements", "a policy without requirements would pass everything");
    }
    if (ATT_GUARD(POLICY_IGNORES, only_ignores(p))) {
        return refuse(
            diag, "requirements",
            "own_items with unlisted: ignore alone passes what has no reference value; add a "
            "requirement that asks for something outside of \"not\", or say allow_any: true: "
            "labels are a warning");
    }
    for (size_t i = 0; i < p->count; i++) {
        const struct att_requirement *r = &p->requirement[i];

        for (size_t k = 0; k < i; k++) {
            if (strcmp(r->id, p->requirement[k].id) == 0) {
                return refuse(diag, "requirements.id", "two requirements have one id");
            }
        }
        if (!readable(r->id, false) || !readable(r->title_en, false) ||
            !readable(r->title_ja, false) || !readable(r->source, true)) {
            return refuse(diag, "requirements",
                          "id and titles are text of one line, and not empty");
        }
    }
    return ATT_OK;
}

static enum att_err check_head(const struct att_policy *p, struct att_diag *diag)
{
    if (!readable(p->name, false)) {
        return refuse(diag, "policy", "expected a name of one line");
    }
    if (p->version < 1 || p->version > INT32_MAX) {
        return refuse(diag, "version", "expected a number from 1 to 2147483647");
    }
    if (p->label_ttl_s < 1 || p->label_ttl_s > ATT_POLICY_SECONDS_MAX) {
        return refuse(diag, "label_ttl", "expected 1s to 90d");
    }
    if (p->interval_s < 1 || p->interval_s > ATT_POLICY_SECONDS_MAX) {
        return refuse(diag, "interval", "expected 1s to 90d");
    }
    return ATT_OK;
}

/* What is compared with digests that only this bank has would never hold in another one. */
static enum att_err check_bank(const struct att_policy *p, const struct att_requirement *r,
                               struct att_diag *diag)
{
    if (p->bank == ATT_HASH_SHA256) {
        return ATT_OK;
    }
    if (r->predicate == ATT_PRED_EVENT_ABSENT && (r->log_mask >> ATT_POLICY_LOG_UEFI & 1) != 0) {
        return refuse(diag, "bank", "event_absent asks the boot log in the sha256 bank alone");
    }
    if (r->predicate == ATT_PRED_BOOT_PCRS) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_POLICY, "bank",
                        "expected sha256 beside boot_pcrs, found %s: reference values of PCRs are "
                        "pcr/sha256/N; use bank: sha256, or pcr_in with the values of this bank",
                        att_hash_name(p->bank));
    }
    return ATT_OK;
}

static enum att_err add_leaf(struct att_policy *p, struct att_requirement *r, uint32_t *bits,
                             struct att_diag *diag)
{
    const struct att_requirement **more = NULL;
    enum att_err err = check_bank(p, r, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (p->leaf_count >= ATT_POLICY_LEAVES_MAX) {
        return refuse(diag, "requirements", "expected at most 512 predicates");
    }
    more = realloc(p->leaf, (p->leaf_count + 1) * sizeof(*more));
    if (more == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "policy", "no memory");
    }
    p->leaf = more;
    p->leaf[p->leaf_count++] = r;
    r->bit = *bits;
    if (r->predicate == ATT_PRED_OWN_MEASURED || r->predicate == ATT_PRED_SHA256_IN ||
        r->predicate == ATT_PRED_MIN_VERSION || r->predicate == ATT_PRED_OWN_COMPLETE) {
        *bits += (uint32_t)r->name_count;
    }
    if (*bits > ATT_POLICY_OWN_NAMES_MAX) {
        return refuse(diag, "requirements",
                      "at most 128 names in all own_measured, own_complete, sha256_in and "
                      "min_version together");
    }
    return ATT_OK;
}

static enum att_err add_leaves(struct att_policy *p, struct att_requirement *r, uint32_t *bits,
                               struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (!att_predicate_is_operator(r->predicate)) {
        return add_leaf(p, r, bits, diag);
    }
    for (size_t i = 0; err == ATT_OK && i < r->child_count; i++) {
        err = add_leaves(p, &r->child[i], bits, diag);
    }
    return err;
}

enum att_err att_policy_seal(struct att_policy *p, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *encoded = NULL;
    uint32_t bits = 0;
    enum att_err err = check_head(p, diag);

    for (size_t i = 0; err == ATT_OK && i < p->count; i++) {
        err = add_leaves(p, &p->requirement[i], &bits, diag);
    }
    if (err == ATT_OK) {
        err = check_pcrs(p, diag);
    }
    if (err == ATT_OK) {
        err = check_requirements(p, diag);
    }
    if (err == ATT_OK) {
        err = check_signed(p, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = att_policy_encode(&encoded, p);
    if (err == ATT_OK) {
        err = att_sha256(att_buf_slice(encoded), p->digest);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_CFG_POLICY, "policy", "it is too large");
    }
    return ATT_OK;
}
