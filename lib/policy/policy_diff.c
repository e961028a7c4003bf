/* What changes between two policies, said so that it can be decided upon. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "policy/policy_internal.h"
#include "policy/policy_words.h"

void att_policy_diff_free(struct att_policy_diff *d)
{
    if (d == NULL) {
        return;
    }
    free(d->change);
    free(d);
}

void att_policy_diff_freep(struct att_policy_diff **d)
{
    att_policy_diff_free(*d);
    *d = NULL;
}

/* Room for one more; NULL without memory. */
static struct att_policy_change *add(struct att_policy_diff *d, const char *id,
                                     enum att_policy_effect effect)
{
    struct att_policy_change *more = realloc(d->change, (d->count + 1) * sizeof(*more));
    struct att_policy_change *c = NULL;

    if (more == NULL) {
        return NULL;
    }
    d->change = more;
    c = &more[d->count++];
    memset(c, 0, sizeof(*c));
    (void)snprintf(c->id, sizeof(c->id), "%s", id);
    c->effect = effect;
    return c;
}

static bool same_names(const struct att_requirement *a, const struct att_requirement *b)
{
    if (a->name_count != b->name_count) {
        return false;
    }
    for (size_t i = 0; i < a->name_count; i++) {
        if (strcmp(a->name[i], b->name[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool has_key(const struct att_requirement *r, const struct att_file_key *k)
{
    for (size_t i = 0; i < r->key_count; i++) {
        const struct att_file_key *mine = &r->key[i];

        if (memcmp(mine->id, k->id, sizeof(k->id)) == 0 && mine->spki_len == k->spki_len &&
            memcmp(mine->spki, k->spki, k->spki_len) == 0) {
            return true;
        }
    }
    return false;
}

/* How many of the keys of a are not those of b. */
static size_t missing_keys(const struct att_requirement *a, const struct att_requirement *b)
{
    size_t count = 0;

    for (size_t i = 0; i < a->key_count; i++) {
        count += has_key(b, &a->key[i]) ? 0 : 1;
    }
    return count;
}

/* The depth is bounded where policies are read. */
static bool same_rule(const struct att_requirement *a, const struct att_requirement *b)
{
    if (a->predicate != b->predicate || a->grade != b->grade || a->unlisted != b->unlisted ||
        a->pcr_mask != b->pcr_mask || a->log_mask != b->log_mask || a->allow_any != b->allow_any ||
        a->at_least != b->at_least || a->at_most != b->at_most ||
        a->value_count != b->value_count || a->child_count != b->child_count || !same_names(a, b) ||
        a->key_count != b->key_count || missing_keys(a, b) > 0) {
        return false;
    }
    if (a->value_count > 0 &&
        memcmp(a->value, b->value, a->value_count * sizeof(a->value[0])) != 0) {
        return false;
    }
    for (size_t i = 0; i < a->child_count; i++) {
        if (!same_rule(&a->child[i], &b->child[i])) {
            return false;
        }
    }
    return true;
}

static bool has_value(const struct att_requirement *r, const uint8_t *value)
{
    for (size_t i = 0; i < r->value_count; i++) {
        if (memcmp(r->value[i], value, sizeof(r->value[0])) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_name(const struct att_requirement *r, const char *name)
{
    for (size_t i = 0; i < r->name_count; i++) {
        if (strcmp(r->name[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* How many of the names and values of a are not those of b. */
static size_t missing(const struct att_requirement *a, const struct att_requirement *b)
{
    size_t count = 0;

    for (size_t i = 0; i < a->name_count; i++) {
        count += has_name(b, a->name[i]) ? 0 : 1;
    }
    for (size_t i = 0; i < a->value_count; i++) {
        count += has_value(b, a->value[i]) ? 0 : 1;
    }
    return count;
}

/* stricter and looser: what was found in favour of each; both is neither. */
static enum att_policy_effect effect_of(bool stricter, bool looser)
{
    if (stricter == looser) {
        return ATT_EFFECT_OTHER;
    }
    return stricter ? ATT_EFFECT_STRICTER : ATT_EFFECT_LOOSER;
}

/* From a list: more of what must be is stricter, more of what may be is looser. */
static enum att_policy_effect effect_of_lists(const struct att_requirement *a,
                                              const struct att_requirement *b)
{
    bool more =
        missing(b, a) > 0 || (b->pcr_mask & ~a->pcr_mask) != 0 || (b->log_mask & ~a->log_mask) != 0;
    bool fewer =
        missing(a, b) > 0 || (a->pcr_mask & ~b->pcr_mask) != 0 || (a->log_mask & ~b->log_mask) != 0;

    if (b->predicate == ATT_PRED_SHA256_IN || b->predicate == ATT_PRED_PCR_IN) {
        bool other = !same_names(a, b) || a->pcr_mask != b->pcr_mask;

        return other ? ATT_EFFECT_OTHER : effect_of(fewer, more);
    }
    return effect_of(more, fewer);
}

static enum att_policy_effect effect_of_rule(const struct att_requirement *a,
                                             const struct att_requirement *b)
{
    if (a->predicate != b->predicate) {
        return ATT_EFFECT_OTHER;
    }
    switch (b->predicate) {
    case ATT_PRED_GRADE:
        return effect_of(b->grade > a->grade, b->grade < a->grade);
    case ATT_PRED_OWN_MEASURED:
    case ATT_PRED_OWN_COMPLETE:
    case ATT_PRED_BOOT_PCRS:
    case ATT_PRED_PCR_IN:
    case ATT_PRED_LOGS:
    case ATT_PRED_SHA256_IN:
    case ATT_PRED_EVENT_ABSENT:
        return effect_of_lists(a, b);
    case ATT_PRED_MIN_VERSION:
        return !same_names(a, b) ? ATT_EFFECT_OTHER
                                 : effect_of(b->at_least > a->at_least || b->at_most < a->at_most,
                                             b->at_least < a->at_least || b->at_most > a->at_most);
    case ATT_PRED_MAX_AGE:
        return effect_of(b->at_most<a->at_most, b->at_most> a->at_most);
    case ATT_PRED_OWN_ITEMS:
        return !same_names(a, b) ? ATT_EFFECT_OTHER
                                 : effect_of(b->unlisted<a->unlisted, b->unlisted> a->unlisted);
    case ATT_PRED_IMA_SIGNED:
        return !same_names(a, b) ? ATT_EFFECT_OTHER
                                 : effect_of(b->unlisted < a->unlisted || missing_keys(a, b) > 0,
                                             b->unlisted > a->unlisted || missing_keys(b, a) > 0);
    case ATT_PRED_IMA_FILES:
    case ATT_PRED_IMA_VIOLATIONS:
    case ATT_PRED_IMA_KEXEC:
        return effect_of(b->unlisted<a->unlisted, b->unlisted> a->unlisted);
    case ATT_PRED_BOOT_ORDER:
        return effect_of(b->unlisted < a->unlisted || (a->pcr_mask & ~b->pcr_mask) != 0,
                         b->unlisted > a->unlisted || (b->pcr_mask & ~a->pcr_mask) != 0);
    case ATT_PRED_FIRMWARE:
    case ATT_PRED_SECURE_BOOT:
    case ATT_PRED_ALL:
    case ATT_PRED_ANY:
    case ATT_PRED_NOT:
        break;
    }
    return ATT_EFFECT_OTHER;
}

/* The first few that are in r and not in other, for a person. */
static void list_missing(char *out, size_t cap, const struct att_requirement *r,
                         const struct att_requirement *other)
{
    size_t at = 0;
    size_t shown = 0;
    char text[96];

    out[0] = '\0';
    for (size_t i = 0; i < r->name_count && shown < 6 && at + sizeof(text) < cap; i++) {
        if (!has_name(other, r->name[i])) {
            at += (size_t)snprintf(out + at, cap - at, " %s",
                                   att_escape(text, sizeof(text), r->name[i], strlen(r->name[i])));
            shown++;
        }
    }
    for (size_t i = 0; i < r->key_count && shown < 6 && at + sizeof(text) < cap; i++) {
        if (!has_key(other, &r->key[i])) {
            at +=
                (size_t)snprintf(out + at, cap - at, " %s",
                                 att_hex_encode(text, sizeof(text),
                                                att_slice_of(r->key[i].id, sizeof(r->key[i].id))));
            shown++;
        }
    }
    for (size_t i = 0; i < r->value_count && shown < 6 && at + sizeof(text) < cap; i++) {
        if (!has_value(other, r->value[i])) {
            at +=
                (size_t)snprintf(out + at, cap - at, " %s...",
                                 att_hex_encode(text, sizeof(text), att_slice_of(r->value[i], 8)));
            shown++;
        }
    }
}

static enum att_err rule_changed(struct att_policy_diff *d, const struct att_requirement *a,
                                 const struct att_requirement *b)
{
    struct att_policy_change *c = add(d, b->id, effect_of_rule(a, b));
    char en[2][ATT_POLICY_WORDS - 200];
    char ja[2][ATT_POLICY_WORDS - 200];
    char more[384];
    char fewer[384];

    if (c == NULL) {
        return ATT_E_NOMEM;
    }
    list_missing(more, sizeof(more), b, a);
    list_missing(fewer, sizeof(fewer), a, b);
    (void)snprintf(c->en, sizeof(c->en), "now: %s; before: %s",
                   att_requirement_words(en[0], sizeof(en[0]), b, false),
                   att_requirement_words(en[1], sizeof(en[1]), a, false));
    (void)snprintf(c->ja, sizeof(c->ja), "変更後: %s。変更前: %s",
                   att_requirement_words(ja[0], sizeof(ja[0]), b, true),
                   att_requirement_words(ja[1], sizeof(ja[1]), a, true));
    if (a->predicate == b->predicate && (more[0] != '\0' || fewer[0] != '\0')) {
        size_t at_en = strlen(c->en);
        size_t at_ja = strlen(c->ja);

        (void)snprintf(c->en + at_en, sizeof(c->en) - at_en, "%s%s%s%s",
                       more[0] != '\0' ? "; added:" : "", more, fewer[0] != '\0' ? "; gone:" : "",
                       fewer);
        (void)snprintf(c->ja + at_ja, sizeof(c->ja) - at_ja, "%s%s%s%s",
                       more[0] != '\0' ? "。追加:" : "", more, fewer[0] != '\0' ? "。削除:" : "",
                       fewer);
    }
    return ATT_OK;
}

static enum att_err compare(struct att_policy_diff *d, const struct att_requirement *a,
                            const struct att_requirement *b)
{
    struct att_policy_change *c = NULL;

    if (a->severity != b->severity) {
        bool looser = b->severity == ATT_SEVERITY_WARN;

        c = add(d, b->id, looser ? ATT_EFFECT_LOOSER : ATT_EFFECT_STRICTER);
        if (c == NULL) {
            return ATT_E_NOMEM;
        }
        (void)snprintf(c->en, sizeof(c->en), "%s",
                       looser ? "only warns now, and failed before"
                              : "fails now, and only warned before");
        (void)snprintf(c->ja, sizeof(c->ja), "%s",
                       looser ? "不合格から警告に変わる" : "警告から不合格に変わる");
    }
    if (!same_rule(a, b)) {
        enum att_err err = rule_changed(d, a, b);

        if (err != ATT_OK) {
            return err;
        }
    }
    if (strcmp(a->title_en, b->title_en) != 0 || strcmp(a->title_ja, b->title_ja) != 0 ||
        strcmp(a->source, b->source) != 0) {
        c = add(d, b->id, ATT_EFFECT_OTHER);
        if (c == NULL) {
            return ATT_E_NOMEM;
        }
        (void)snprintf(c->en, sizeof(c->en), "another title or source: %s (%s)", b->title_en,
                       b->source);
        (void)snprintf(c->ja, sizeof(c->ja), "題名または出典の変更: %s(%s)", b->title_ja,
                       b->source);
    }
    return ATT_OK;
}

static const struct att_requirement *find(const struct att_policy *p, const char *id)
{
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->requirement[i].id, id) == 0) {
            return &p->requirement[i];
        }
    }
    return NULL;
}

/* The PCRs that may be extended late: each boot_order must allow it. */
static uint32_t late_of(const struct att_policy *p)
{
    uint32_t mask = UINT32_MAX;
    bool any = false;

    for (size_t i = 0; i < p->count; i++) {
        if (p->requirement[i].predicate == ATT_PRED_BOOT_ORDER) {
            mask &= p->requirement[i].pcr_mask;
            any = true;
        }
    }
    return any ? mask : 0;
}

/* A rule that relaxes a default counts by what it makes of the whole policy: the strictest of its kind holds. */
static enum att_policy_effect effect_on_default(const struct att_policy *a,
                                                const struct att_policy *b, enum att_predicate kind)
{
    enum att_severity before = att_policy_verdict_of(a, kind).severity;
    enum att_severity after = att_policy_verdict_of(b, kind).severity;
    uint32_t late_before = kind == ATT_PRED_BOOT_ORDER ? late_of(a) : 0;
    uint32_t late_after = kind == ATT_PRED_BOOT_ORDER ? late_of(b) : 0;

    return effect_of(after < before || (late_before & ~late_after) != 0,
                     after > before || (late_after & ~late_before) != 0);
}

/* Of a requirement r that only one of the policies a, before, and b, after, has. */
static enum att_policy_effect effect_of_one(const struct att_policy *a, const struct att_policy *b,
                                            const struct att_requirement *r, bool added)
{
    switch (r->predicate) {
    case ATT_PRED_IMA_VIOLATIONS:
    case ATT_PRED_IMA_KEXEC:
    case ATT_PRED_BOOT_ORDER:
        return effect_on_default(a, b, r->predicate);
    default:
        break;
    }
    if (att_predicate_stands_alone(r->predicate)) {
        return ATT_EFFECT_OTHER; /* an item that no rule covers fails, as does another firmware */
    }
    return added ? ATT_EFFECT_STRICTER : ATT_EFFECT_LOOSER;
}

/* A requirement that only one of the two has. */
static enum att_err one_sided(struct att_policy_diff *d, const struct att_requirement *r,
                              bool added, enum att_policy_effect effect)
{
    struct att_policy_change *c = add(d, r->id, effect);
    const char *en = r->severity == ATT_SEVERITY_FAIL ? "fails" : "warns";
    const char *ja = r->severity == ATT_SEVERITY_FAIL ? "不合格" : "警告";
    char words[2][ATT_POLICY_WORDS];

    if (c == NULL) {
        return ATT_E_NOMEM;
    }
    (void)att_requirement_words(words[0], sizeof(words[0]), r, false);
    (void)att_requirement_words(words[1], sizeof(words[1]), r, true);
    (void)snprintf(c->en, sizeof(c->en), "%s (%s): %s", added ? "is new" : "is gone", en, words[0]);
    (void)snprintf(c->ja, sizeof(c->ja), "%s(%s): %s", added ? "追加" : "削除", ja, words[1]);
    return ATT_OK;
}

struct number {
    const char *en, *ja;
    uint64_t before, after;
    bool is_effect; /* less is stricter */
};

static enum att_err compare_head(struct att_policy_diff *d, const struct att_policy *a,
                                 const struct att_policy *b)
{
    const struct number rows[] = {
        {"version", "版", a->version, b->version, false},
        {"PCR bank (algorithm)", "PCR バンク(方式)", a->bank, b->bank, false},
        {"PCRs of the boot log (mask)", "起動ログの PCR(マスク)", a->boot_mask, b->boot_mask,
         false},
        {"PCR of the kernel's list", "カーネル一覧の PCR", a->ima_pcr, b->ima_pcr, false},
        {"PCRs of the own log (mask)", "専用ログの PCR(マスク)", a->own_pcr_mask, b->own_pcr_mask,
         false},
        {"seconds that a label is good", "ラベルの有効秒数", (uint64_t)a->label_ttl_s,
         (uint64_t)b->label_ttl_s, true},
        {"seconds between attestations", "判定の間隔(秒)", (uint64_t)a->interval_s,
         (uint64_t)b->interval_s, true},
    };

    for (size_t i = 0; i < ATT_COUNT(rows); i++) {
        const struct number *n = &rows[i];
        struct att_policy_change *c = NULL;

        if (n->before == n->after) {
            continue;
        }
        c = add(d, "",
                !n->is_effect          ? ATT_EFFECT_OTHER
                : n->after < n->before ? ATT_EFFECT_STRICTER
                                       : ATT_EFFECT_LOOSER);
        if (c == NULL) {
            return ATT_E_NOMEM;
        }
        (void)snprintf(c->en, sizeof(c->en), "%s: %" PRIu64 ", before %" PRIu64, n->en, n->after,
                       n->before);
        (void)snprintf(c->ja, sizeof(c->ja), "%s: %" PRIu64 "(変更前 %" PRIu64 ")", n->ja, n->after,
                       n->before);
    }
    return ATT_OK;
}

static enum att_err compare_requirements(struct att_policy_diff *d, const struct att_policy *a,
                                         const struct att_policy *b)
{
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && i < b->count; i++) {
        const struct att_requirement *r = &b->requirement[i];
        const struct att_requirement *before = find(a, r->id);

        err = before == NULL ? one_sided(d, r, true, effect_of_one(a, b, r, true))
                             : compare(d, before, r);
    }
    for (size_t i = 0; err == ATT_OK && i < a->count; i++) {
        const struct att_requirement *r = &a->requirement[i];

        if (find(b, r->id) == NULL) {
            err = one_sided(d, r, false, effect_of_one(a, b, r, false));
        }
    }
    return err;
}

/* An item is judged by the first own_items that covers it. */
static enum att_err compare_order(struct att_policy_diff *d, const struct att_policy *a,
                                  const struct att_policy *b)
{
    size_t at = 0;
    struct att_policy_change *c = NULL;

    for (size_t i = 0; i < b->count; i++) {
        const struct att_requirement *before = find(a, b->requirement[i].id);

        if (before == NULL || b->requirement[i].predicate != ATT_PRED_OWN_ITEMS) {
            continue;
        }
        if ((size_t)(before - a->requirement) < at) {
            c = add(d, b->requirement[i].id, ATT_EFFECT_OTHER);
            if (c == NULL) {
                return ATT_E_NOMEM;
            }
            (void)snprintf(c->en, sizeof(c->en),
                           "stands elsewhere: the first own_items that covers "
                           "an item judges it");
            (void)snprintf(c->ja, sizeof(c->ja),
                           "順序の変更: 項目は最初に該当する own_items で判定される");
        }
        at = (size_t)(before - a->requirement);
    }
    return ATT_OK;
}

enum att_err att_policy_diff(struct att_policy_diff **out, const struct att_policy *a,
                             const struct att_policy *b)
{
    ATT_CLEANUP(att_policy_diff_freep) struct att_policy_diff *d = calloc(1, sizeof(*d));
    struct att_policy_change *c = NULL;
    enum att_err err = ATT_OK;

    if (d == NULL) {
        return ATT_E_NOMEM;
    }
    if (strcmp(a->name, b->name) != 0) {
        c = add(d, "", ATT_EFFECT_OTHER);
        if (c == NULL) {
            return ATT_E_NOMEM;
        }
        (void)snprintf(c->en, sizeof(c->en), "another name: %s, before %s", b->name, a->name);
        (void)snprintf(c->ja, sizeof(c->ja), "名前の変更: %s(変更前 %s)", b->name, a->name);
    }
    err = compare_head(d, a, b);
    if (err == ATT_OK) {
        err = compare_requirements(d, a, b);
    }
    if (err == ATT_OK) {
        err = compare_order(d, a, b);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = d;
    d = NULL;
    return ATT_OK;
}
