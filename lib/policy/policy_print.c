/* A policy as YAML again: what was signed can be read and edited without the text that it came from. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "policy/policy_internal.h"
#include "policy/policy_words.h"

struct printer {
    struct att_buf *out;
    enum att_err err; /* the first; then nothing more is written */
};

static void put(struct printer *p, const char *text, size_t len)
{
    if (p->err == ATT_OK) {
        p->err = att_buf_add(p->out, text, len);
    }
}

static void say(struct printer *p, const char *fmt, ...) ATT_PRINTF(2, 3);

static void say(struct printer *p, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    int n = 0;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(text)) {
        p->err = p->err == ATT_OK ? ATT_E_LIMIT : p->err;
        return;
    }
    put(p, text, (size_t)n);
}

/*
 * Characters that YAML takes for line ends or does not print: U+0080 to U+009F, U+2028, U+2029, U+FEFF. Zero
 * when another one stands here; else *len is its bytes.
 */
static unsigned int special(const char *at, size_t *len)
{
    const unsigned char *u = (const unsigned char *)at;

    *len = 2;
    if (u[0] == 0xc2 && u[1] >= 0x80 && u[1] <= 0x9f) {
        return u[1];
    }
    *len = 3;
    if (u[0] == 0xe2 && u[1] == 0x80 && (u[2] == 0xa8 || u[2] == 0xa9)) {
        return 0x2000U + u[2] - 0x80U;
    }
    return u[0] == 0xef && u[1] == 0xbb && u[2] == 0xbf ? 0xfeffU : 0;
}

/* Always quoted, so that no word of it is taken for something else. */
static void quote(struct printer *p, const char *text)
{
    put(p, "\"", 1);
    for (const char *at = text; *at != '\0'; at++) {
        size_t len = 0;
        unsigned int code = special(at, &len);

        if (code != 0) {
            say(p, "\\u%04x", code);
            at += len - 1;
            continue;
        }
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            say(p, "\\x%02x", (unsigned int)(unsigned char)*at);
            continue;
        }
        if (*at == '"' || *at == '\\') {
            put(p, "\\", 1);
        }
        put(p, at, 1);
    }
    put(p, "\"", 1);
}

static void names(struct printer *p, const struct att_requirement *r)
{
    put(p, "[", 1);
    for (size_t i = 0; i < r->name_count; i++) {
        say(p, "%s", i > 0 ? ", " : "");
        quote(p, r->name[i]);
    }
    put(p, "]", 1);
}

static void values(struct printer *p, const struct att_requirement *r, enum att_hash bank)
{
    char hex[2 * ATT_HASH_MAX + 1];
    size_t len = att_requirement_value_len(r, bank);

    put(p, "[", 1);
    for (size_t i = 0; i < r->value_count; i++) {
        say(p, "%s\"%s\"", i > 0 ? ", " : "",
            att_hex_encode(hex, sizeof(hex), att_slice_of(r->value[i], len)));
    }
    put(p, "]", 1);
}

static void pcrs(struct printer *p, uint32_t mask)
{
    const char *between = "";

    put(p, "[", 1);
    for (unsigned int pcr = 0; pcr < 32; pcr++) {
        if ((mask >> pcr & 1) != 0) {
            say(p, "%s%u", between, pcr);
            between = ", ";
        }
    }
    put(p, "]", 1);
}

static void logs(struct printer *p, uint32_t mask)
{
    const char *between = "";

    put(p, "[", 1);
    for (size_t i = 0; i < ATT_COUNT(att_policy_logs); i++) {
        if ((mask >> i & 1) != 0) {
            say(p, "%s%s", between, att_policy_logs[i]);
            between = ", ";
        }
    }
    put(p, "]", 1);
}

static void rule(struct printer *p, const struct att_requirement *r, enum att_hash bank);

/* The depth is bounded where policies are read. */
static void parts(struct printer *p, const struct att_requirement *r, enum att_hash bank)
{
    bool list = r->predicate != ATT_PRED_NOT;

    say(p, "%s", list ? "[" : "");
    for (size_t i = 0; i < r->child_count; i++) {
        say(p, "%s{", i > 0 ? ", " : "");
        rule(p, &r->child[i], bank);
        put(p, "}", 1);
    }
    say(p, "%s", list ? "]" : "");
}

static void own_items(struct printer *p, const struct att_requirement *r)
{
    say(p, "{under: ");
    names(p, r);
    say(p, ", unlisted: %s%s}", att_severity_words[r->unlisted],
        r->allow_any ? ", allow_any: true" : "");
}

static void boot_order(struct printer *p, const struct att_requirement *r)
{
    say(p, "{verdict: %s", att_severity_words[r->unlisted]);
    if (r->pcr_mask != 0) {
        say(p, ", late: ");
        pcrs(p, r->pcr_mask);
    }
    put(p, "}", 1);
}

/* {name: ..., values: [...]}, {pcr: ..., values: [...]}, {logs: [...], sha256: [...]} */
static void with_values(struct printer *p, const struct att_requirement *r, enum att_hash bank)
{
    if (r->predicate == ATT_PRED_PCR_IN) {
        say(p, "{pcr: %d, values: ", __builtin_ctz(r->pcr_mask));
    } else if (r->predicate == ATT_PRED_SHA256_IN) {
        say(p, "{name: ");
        quote(p, r->name[0]);
        say(p, ", values: ");
    } else {
        say(p, "{logs: ");
        logs(p, r->log_mask);
        say(p, ", sha256: ");
    }
    values(p, r, bank);
    put(p, "}", 1);
}

static void ima_signed(struct printer *p, const struct att_requirement *r)
{
    say(p, "\n      under: ");
    names(p, r);
    say(p, "\n      unsigned: %s\n      keys:", att_policy_unsigned[r->unlisted]);
    for (size_t i = 0; i < r->key_count; i++) {
        char line[ATT_FILE_KEY_TEXT];

        say(p, "\n        - %s", att_file_key_text(line, sizeof(line), &r->key[i]));
    }
}

static void min_version(struct printer *p, const struct att_requirement *r)
{
    say(p, "{name: ");
    quote(p, r->name[0]);
    say(p, ", at_least: %" PRIu64 ", at_most: %" PRIu64 "}", r->at_least, r->at_most);
}

static void rule(struct printer *p, const struct att_requirement *r, enum att_hash bank)
{
    say(p, "%s: ", att_predicate_name(r->predicate));
    switch (r->predicate) {
    case ATT_PRED_GRADE:
        say(p, "E%d", r->grade);
        break;
    case ATT_PRED_OWN_ITEMS:
        own_items(p, r);
        break;
    case ATT_PRED_OWN_MEASURED:
    case ATT_PRED_OWN_COMPLETE:
        names(p, r);
        break;
    case ATT_PRED_BOOT_PCRS:
        pcrs(p, r->pcr_mask);
        break;
    case ATT_PRED_IMA_FILES:
        say(p, "{unlisted: %s}", att_severity_words[r->unlisted]);
        break;
    case ATT_PRED_IMA_VIOLATIONS:
    case ATT_PRED_IMA_KEXEC:
        say(p, "%s", att_severity_words[r->unlisted]);
        break;
    case ATT_PRED_FIRMWARE:
        say(p, "unchanged");
        break;
    case ATT_PRED_SECURE_BOOT:
        say(p, "enabled");
        break;
    case ATT_PRED_LOGS:
        logs(p, r->log_mask);
        break;
    case ATT_PRED_PCR_IN:
    case ATT_PRED_SHA256_IN:
    case ATT_PRED_EVENT_ABSENT:
        with_values(p, r, bank);
        break;
    case ATT_PRED_MIN_VERSION:
        min_version(p, r);
        break;
    case ATT_PRED_MAX_AGE:
        say(p, "%" PRIu64, r->at_most);
        break;
    case ATT_PRED_BOOT_ORDER:
        boot_order(p, r);
        break;
    case ATT_PRED_IMA_SIGNED: /* on lines of its own: it stands in no all, any, not */
        ima_signed(p, r);
        break;
    case ATT_PRED_ALL:
    case ATT_PRED_ANY:
    case ATT_PRED_NOT:
        parts(p, r, bank);
        break;
    }
}

static void requirement(struct printer *p, const struct att_requirement *r, enum att_hash bank)
{
    char words[ATT_POLICY_WORDS];

    say(p, "  # %s\n  - id: ", att_requirement_words(words, sizeof(words), r, false));
    quote(p, r->id);
    say(p, "\n    title:\n      en: ");
    quote(p, r->title_en);
    say(p, "\n      ja: ");
    quote(p, r->title_ja);
    if (r->source[0] != '\0') {
        say(p, "\n    source: ");
        quote(p, r->source);
    }
    say(p, "\n    severity: %s\n    ", att_severity_words[r->severity]);
    rule(p, r, bank);
    put(p, "\n", 1);
}

enum att_err att_policy_print_yaml(struct att_buf **out, const struct att_policy *policy)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct printer p = {.err = att_buf_new(&b, 4 * ATT_POLICY_FILE_MAX)};

    p.out = b;
    say(&p, "policy: ");
    quote(&p, policy->name);
    say(&p, "\nversion: %" PRIu64 "\nbank: %s\nboot_log_pcrs: ", policy->version,
        att_hash_name(policy->bank));
    pcrs(&p, policy->boot_mask);
    say(&p, "\nima_pcr: %u\nown_pcrs: ", (unsigned int)policy->ima_pcr);
    pcrs(&p, policy->own_pcr_mask);
    say(&p, "\nlabel_ttl: %" PRId64 "s\ninterval: %" PRId64 "s\nrequirements:\n",
        policy->label_ttl_s, policy->interval_s);
    for (size_t i = 0; i < policy->count; i++) {
        requirement(&p, &policy->requirement[i], policy->bank);
    }
    if (p.err != ATT_OK) {
        return p.err;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}
