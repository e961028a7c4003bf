/* Reading a YAML document: by place, and typed as the reader wants it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "codec/yaml_internal.h"

#define NAME_MAX_SHOWN 96 /* characters of the document's name in a message */
#define SHOWN_MAX      64 /* and of a value */

enum att_yaml_type att_yaml_type(const struct att_yaml_node *n)
{
    return n->type;
}

size_t att_yaml_count(const struct att_yaml_node *n)
{
    return n->type == ATT_YAML_MAP ? n->children / 2 : n->children;
}

const struct att_yaml_node *att_yaml_item(const struct att_yaml_node *list, size_t i)
{
    return list->type == ATT_YAML_LIST && i < list->children ? list->child[i] : NULL;
}

static const struct att_yaml_node *key_at(const struct att_yaml_node *map, size_t i)
{
    return map->type == ATT_YAML_MAP && i < map->children / 2 ? map->child[2 * i] : NULL;
}

const char *att_yaml_key(const struct att_yaml_node *map, size_t i)
{
    const struct att_yaml_node *key = key_at(map, i);

    return key == NULL ? NULL : key->text;
}

const struct att_yaml_node *att_yaml_value(const struct att_yaml_node *map, size_t i)
{
    return key_at(map, i) == NULL ? NULL : map->child[2 * i + 1];
}

const struct att_yaml_node *att_yaml_get(const struct att_yaml_node *map, const char *key)
{
    for (size_t i = 0; i < att_yaml_count(map) && map->type == ATT_YAML_MAP; i++) {
        if (strcmp(att_yaml_key(map, i), key) == 0) {
            return att_yaml_value(map, i);
        }
    }
    return NULL;
}

enum att_err att_yaml_fail(const struct att_yaml_node *n, enum att_reason reason,
                           struct att_diag *diag, const char *fmt, ...)
{
    char what[ATT_DIAG_TEXT];
    char name[NAME_MAX_SHOWN + 1];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    return att_fail(diag, ATT_E_CONFIG, reason, NULL, "%s:%zu:%zu: %s",
                    att_escape(name, sizeof(name), n->doc_name, strlen(n->doc_name)), n->line,
                    n->column, what);
}

/* "expected ..., found ...": the value is shown as far as it fits. */
static enum att_err expected(const struct att_yaml_node *n, struct att_diag *diag, const char *what)
{
    char shown[SHOWN_MAX + 1];

    if (n->type != ATT_YAML_SCALAR) {
        return att_yaml_fail(n, ATT_R_CFG_KEY, diag, "expected %s, found a %s", what,
                             n->type == ATT_YAML_MAP ? "map" : "list");
    }
    if (n->plain && n->len == 0) {
        return att_yaml_fail(n, ATT_R_CFG_KEY, diag, "expected %s, found nothing", what);
    }
    (void)att_escape(shown, sizeof(shown), n->text, n->len);
    return att_yaml_fail(n, ATT_R_CFG_KEY, diag,
                         n->plain ? "expected %s, found %s" : "expected %s, found \"%s\"", what,
                         shown);
}

enum att_err att_yaml_text(const struct att_yaml_node *n, const char **out, size_t max_len,
                           struct att_diag *diag)
{
    if (n->type != ATT_YAML_SCALAR || (n->plain && n->len == 0)) {
        return expected(n, diag, "text");
    }
    if (n->len > max_len) {
        return att_yaml_fail(n, ATT_R_CFG_KEY, diag,
                             "expected at most %zu bytes of text, found %zu", max_len, n->len);
    }
    *out = n->text;
    return ATT_OK;
}

enum att_err att_yaml_plain(const struct att_yaml_node *n, struct att_slice *out, const char *what,
                            struct att_diag *diag)
{
    if (n->type != ATT_YAML_SCALAR || !n->plain || n->len == 0) {
        return expected(n, diag, what);
    }
    *out = att_slice_of(n->text, n->len);
    return ATT_OK;
}

enum att_err att_yaml_bool(const struct att_yaml_node *n, bool *out, struct att_diag *diag)
{
    if (n->type == ATT_YAML_SCALAR && n->plain && strcmp(n->text, "true") == 0) {
        *out = true;
        return ATT_OK;
    }
    if (n->type == ATT_YAML_SCALAR && n->plain && strcmp(n->text, "false") == 0) {
        *out = false;
        return ATT_OK;
    }
    return expected(n, diag, "true or false");
}

/*
 * Decimal digits without a leading zero at *text, which moves behind them. Nineteen digits are more than
 * any limit here and can still be added up.
 */
static bool digits(const char **text, uint64_t *out)
{
    const char *p = *text;
    uint64_t v = 0;

    while (*p >= '0' && *p <= '9') {
        if (p - *text >= 19) {
            return false;
        }
        v = v * 10 + (uint64_t)(*p - '0');
        p++;
    }
    if (p == *text || (**text == '0' && p - *text > 1)) {
        return false;
    }
    *text = p;
    *out = v;
    return true;
}

enum att_err att_yaml_int(const struct att_yaml_node *n, int64_t min, int64_t max, int64_t *out,
                          struct att_diag *diag)
{
    const char *p = n->type == ATT_YAML_SCALAR && n->plain ? n->text : "";
    bool negative = *p == '-';
    uint64_t magnitude = 0;
    int64_t v = 0;
    char what[96];

    if (negative) {
        p++;
    }
    if (!digits(&p, &magnitude) || *p != '\0' || magnitude > INT64_MAX ||
        (negative && magnitude == 0)) {
        return expected(n, diag, "a decimal whole number");
    }
    v = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    if (v < min || v > max) {
        (void)snprintf(what, sizeof(what), "a number from %lld to %lld", (long long)min,
                       (long long)max);
        return expected(n, diag, what);
    }
    *out = v;
    return ATT_OK;
}

static const struct {
    const char *name;
    uint64_t ms;
} UNITS[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

/* Milliseconds of a number and its unit; false for anything else. */
static bool duration(const char *p, uint64_t *ms)
{
    uint64_t v = 0;

    if (!digits(&p, &v)) {
        return false;
    }
    for (size_t i = 0; i < ATT_COUNT(UNITS); i++) {
        if (strcmp(p, UNITS[i].name) == 0 && v <= INT64_MAX / UNITS[i].ms) {
            *ms = v * UNITS[i].ms;
            return true;
        }
    }
    return false;
}

enum att_err att_yaml_duration_ms(const struct att_yaml_node *n, int64_t min_ms, int64_t max_ms,
                                  int64_t *out, struct att_diag *diag)
{
    const char *p = n->type == ATT_YAML_SCALAR && n->plain ? n->text : "";
    uint64_t ms = 0;
    char what[96];

    if (!duration(p, &ms)) {
        return expected(n, diag, "a number and one of ms, s, m, h, d");
    }
    if ((int64_t)ms < min_ms || (int64_t)ms > max_ms) {
        (void)snprintf(what, sizeof(what), "%lldms to %lldms", (long long)min_ms,
                       (long long)max_ms);
        return expected(n, diag, what);
    }
    *out = (int64_t)ms;
    return ATT_OK;
}

static bool listed(const char *key, const char *const *keys)
{
    while (*keys != NULL && strcmp(*keys, key) != 0) {
        keys++;
    }
    return *keys != NULL;
}

enum att_err att_yaml_only(const struct att_yaml_node *map, const char *const *keys,
                           struct att_diag *diag)
{
    if (map->type != ATT_YAML_MAP) {
        return expected(map, diag, "a map");
    }
    for (size_t i = 0; i < att_yaml_count(map); i++) {
        const struct att_yaml_node *key = key_at(map, i);
        char shown[SHOWN_MAX + 1];

        if (ATT_GUARD(YAML_UNKNOWN, !listed(key->text, keys))) {
            return att_yaml_fail(key, ATT_R_CFG_KEY, diag, "unknown key: %s",
                                 att_escape(shown, sizeof(shown), key->text, key->len));
        }
    }
    return ATT_OK;
}
