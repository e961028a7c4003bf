/* The sticky reader's scalars. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "prov/spec_yaml.h"

#define REASON ATT_R_CFG_SPEC

bool att_sy_ok(const struct att_spec_yaml *y)
{
    return y->err == ATT_OK;
}

/* Is there nothing to read: refused before, or absent? */
static bool nothing(const struct att_spec_yaml *y, const struct att_yaml_node *n)
{
    return y->err != ATT_OK || n == NULL;
}

void att_sy_refuse(struct att_spec_yaml *y, const struct att_yaml_node *n, const char *fmt, ...)
{
    char what[ATT_DIAG_TEXT];
    va_list args;

    if (y->err != ATT_OK) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    y->err = att_yaml_fail(n, REASON, y->diag, "%s", what);
}

void att_sy_rule(struct att_spec_yaml *y, enum att_err err, const struct att_diag *why,
                 const struct att_yaml_node *map)
{
    const struct att_yaml_node *at = NULL;

    if (y->err != ATT_OK || err == ATT_OK) {
        return;
    }
    if (err != ATT_E_CONFIG) {
        y->err = att_fail(y->diag, err, why->reason, why->field, "%s", why->text);
        return;
    }
    at = why->field == NULL ? NULL : att_yaml_get(map, why->field);
    att_sy_refuse(y, at != NULL ? at : map, "%s", why->text);
}

void att_sy_only(struct att_spec_yaml *y, const struct att_yaml_node *map, const char *const *keys)
{
    if (!nothing(y, map)) {
        y->err = att_yaml_only(map, keys, y->diag);
    }
}

const struct att_yaml_node *att_sy_maybe(struct att_spec_yaml *y, const struct att_yaml_node *map,
                                         const char *key)
{
    return nothing(y, map) ? NULL : att_yaml_get(map, key);
}

const struct att_yaml_node *att_sy_need(struct att_spec_yaml *y, const struct att_yaml_node *map,
                                        const char *key)
{
    const struct att_yaml_node *n = att_sy_maybe(y, map, key);

    if (n == NULL && map != NULL) {
        att_sy_refuse(y, map, "missing key: %s", key);
    }
    return n;
}

size_t att_sy_list(struct att_spec_yaml *y, const struct att_yaml_node *n, size_t least,
                   size_t most)
{
    if (nothing(y, n)) {
        return 0;
    }
    if (att_yaml_type(n) != ATT_YAML_LIST || att_yaml_count(n) < least ||
        att_yaml_count(n) > most) {
        att_sy_refuse(y, n, "expected a list of %zu to %zu", least, most);
        return 0;
    }
    return att_yaml_count(n);
}

void att_sy_text(struct att_spec_yaml *y, const struct att_yaml_node *n, char *out, size_t cap)
{
    const char *text = NULL;

    if (nothing(y, n)) {
        return;
    }
    y->err = att_yaml_text(n, &text, cap - 1, y->diag);
    if (y->err == ATT_OK) {
        (void)snprintf(out, cap, "%s", text);
    }
    /* Absent is how nothing is said; "" would be another way of it. */
    if (y->err == ATT_OK && out[0] == '\0') {
        att_sy_refuse(y, n, "expected text, found \"\"");
    }
}

bool att_sy_bool(struct att_spec_yaml *y, const struct att_yaml_node *n)
{
    bool v = false;

    if (!nothing(y, n)) {
        y->err = att_yaml_bool(n, &v, y->diag);
    }
    return v;
}

int64_t att_sy_int(struct att_spec_yaml *y, const struct att_yaml_node *n, int64_t min, int64_t max)
{
    int64_t v = 0;

    if (!nothing(y, n)) {
        y->err = att_yaml_int(n, min, max, &v, y->diag);
    }
    return v;
}

int64_t att_sy_ms(struct att_spec_yaml *y, const struct att_yaml_node *n)
{
    int64_t v = 0;

    if (!nothing(y, n)) {
        y->err = att_yaml_duration_ms(n, 1, ATT_SPEC_TIME_MAX_MS, &v, y->diag);
    }
    return v;
}

struct att_decimal att_sy_decimal(struct att_spec_yaml *y, const struct att_yaml_node *n)
{
    struct att_decimal d = {0, 0};
    struct att_slice text = {0};
    enum att_err err = ATT_OK;

    if (nothing(y, n)) {
        return d;
    }
    y->err = att_yaml_plain(n, &text, "a decimal number", y->diag);
    if (y->err != ATT_OK) {
        return d;
    }
    err = att_decimal_parse(&d, text);
    if (err == ATT_E_LIMIT) {
        att_sy_refuse(y, n, "expected at most %d digits and an exponent of -%d to %d",
                      ATT_DECIMAL_DIGITS, ATT_DECIMAL_EXPONENT_MAX, ATT_DECIMAL_EXPONENT_MAX);
    } else if (err != ATT_OK) {
        char shown[64];

        att_sy_refuse(y, n, "expected a decimal number such as 0, -12.5 or 4e-3, found %s",
                      att_escape(shown, sizeof(shown), text.p, text.len));
    }
    return d;
}

int64_t att_sy_date(struct att_spec_yaml *y, const struct att_yaml_node *n)
{
    const char *text = NULL;
    char full[ATT_TIME_TEXT + 1] = "";
    int64_t s = 0;

    if (nothing(y, n)) {
        return 0;
    }
    y->err = att_yaml_text(n, &text, ATT_TIME_TEXT - 1, y->diag);
    if (y->err != ATT_OK) {
        return 0;
    }
    (void)snprintf(full, sizeof(full), "%s%s", text, strlen(text) == 10 ? "T00:00:00Z" : "");
    if (text[0] == '@' || att_time_parse(&s, full) != ATT_OK) {
        att_sy_refuse(y, n, "expected a date in UTC such as 2026-04-01 or 2026-04-01T09:00:00Z");
        return 0;
    }
    return s;
}

int att_sy_word(struct att_spec_yaml *y, const struct att_yaml_node *n, const char *const *words,
                size_t count)
{
    const char *text = NULL;
    char all[ATT_DIAG_TEXT / 2] = "";
    size_t len = 0;

    if (nothing(y, n)) {
        return 0;
    }
    y->err = att_yaml_text(n, &text, ATT_PROV_NAME, y->diag);
    for (size_t i = 0; y->err == ATT_OK && i < count; i++) {
        if (strcmp(text, words[i]) == 0) {
            return (int)i;
        }
        len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    att_sy_refuse(y, n, "expected %s%s", count > 1 ? "one of " : "", all);
    return 0;
}

void att_sy_title(struct att_spec_yaml *y, const struct att_yaml_node *n, char en[ATT_PROV_NAME],
                  char ja[ATT_PROV_NAME])
{
    static const char *const KEYS[] = {"en", "ja", NULL};

    att_sy_only(y, n, KEYS);
    att_sy_text(y, att_sy_need(y, n, "en"), en, ATT_PROV_NAME);
    att_sy_text(y, att_sy_need(y, n, "ja"), ja, ATT_PROV_NAME);
}
