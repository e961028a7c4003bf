/* A policy as YAML again: what was signed can be read and edited without the text that it came from. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/text.h"
#include "policy/policy_internal.h"
#include "policy/policy_words.h"

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
static void quote(struct att_text *p, const char *text)
{
    att_text_add(p, "\"");
    for (const char *at = text; *at != '\0'; at++) {
        size_t len = 0;
        unsigned int code = special(at, &len);

        if (code != 0) {
            att_text_add(p, "\\u%04x", code);
            at += len - 1;
            continue;
        }
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            att_text_add(p, "\\x%02x", (unsigned int)(unsigned char)*at);
            continue;
        }
        if (*at == '"' || *at == '\\') {
            att_text_add(p, "\\");
        }
        att_text_add(p, "%c", *at);
    }
    att_text_add(p, "\"");
}

static void names(struct att_text *p, const struct att_requirement *r)
{
    att_text_add(p, "[");
    for (size_t i = 0; i < r->name_count; i++) {
        att_text_add(p, "%s", i > 0 ? ", " : "");
        quote(p, r->name[i]);
    }
    att_text_add(p, "]");
}

static void values(struct att_text *p, const struct att_requirement *r, enum att_hash bank)
{
    char hex[2 * ATT_HASH_MAX + 1];
    size_t len = att_requirement_value_len(r, bank);

    att_text_add(p, "[");
    for (size_t i = 0; i < r->value_count; i++) {
        att_text_add(p, "%s\"%s\"", i > 0 ? ", " : "",
                     att_hex_encode(hex, sizeof(hex), att_slice_of(r->value[i], len)));
    }
    att_text_add(p, "]");
}

static void pcrs(struct att_text *p, uint32_t mask)
{
    const char *between = "";

    att_text_add(p, "[");
    for (unsigned int pcr = 0; pcr < 32; pcr++) {
        if ((mask >> pcr & 1) != 0) {
            att_text_add(p, "%s%u", between, pcr);
            between = ", ";
        }
    }
    att_text_add(p, "]");
}

static void logs(struct att_text *p, uint32_t mask)
{
    const char *between = "";

    att_text_add(p, "[");
    for (size_t i = 0; i < ATT_COUNT(att_policy_logs); i++) {
        if ((mask >> i & 1) != 0) {
            att_text_add(p, "%s%s", between, att_policy_logs[i]);
            between = ", ";
        }
    }
    att_text_add(p, "]");
}

static void rule(struct att_text *p, const struct att_requirement *r, enum att_hash bank);

/* The depth is bounded where policies are read. */
static void parts(struct att_text *p, const struct att_requirement *r, enum att_hash bank)
{
    bool list = r->predicate != ATT_PRED_NOT;

    att_text_add(p, "%s", list ? "[" : "");
    for (size_t i = 0; i < r->child_count; i++) {
        att_text_add(p, "%s{", i > 0 ? ", " : "");
        rule(p, &r->child[i], bank);
        att_text_add(p, "}");
    }
    att_text_add(p, "%s", list ? "]" : "");
}

static void own_items(struct att_text *p, const struct att_requirement *r)
{
    att_text_add(p, "{under: ");
    names(p, r);
    att_text_add(p, ", unlisted: %s%s}", att_severity_words[r->unlisted],
                 r->allow_any ? ", allow_any: true" : "");
}

static void boot_order(struct att_text *p, const struct att_requirement *r)
{
    att_text_add(p, "{verdict: %s", att_severity_words[r->unlisted]);
    if (r->pcr_mask != 0) {
        att_text_add(p, ", late: ");
        pcrs(p, r->pcr_mask);
    }
    att_text_add(p, "}");
}

/* {name: ..., values: [...]}, {pcr: ..., values: [...]}, {logs: [...], sha256: [...]} */
static void with_values(struct att_text *p, const struct att_requirement *r, enum att_hash bank)
{
    if (r->predicate == ATT_PRED_PCR_IN) {
        att_text_add(p, "{pcr: %d, values: ", __builtin_ctz(r->pcr_mask));
    } else if (r->predicate == ATT_PRED_SHA256_IN) {
        att_text_add(p, "{name: ");
        quote(p, r->name[0]);
        att_text_add(p, ", values: ");
    } else {
        att_text_add(p, "{logs: ");
        logs(p, r->log_mask);
        att_text_add(p, ", sha256: ");
    }
    values(p, r, bank);
    att_text_add(p, "}");
}

static void ima_signed(struct att_text *p, const struct att_requirement *r)
{
    att_text_add(p, "\n      under: ");
    names(p, r);
    att_text_add(p, "\n      unsigned: %s\n      keys:", att_policy_unsigned[r->unlisted]);
    for (size_t i = 0; i < r->key_count; i++) {
        char line[ATT_FILE_KEY_TEXT];

        att_text_add(p, "\n        - %s", att_file_key_text(line, sizeof(line), &r->key[i]));
    }
}

static void min_version(struct att_text *p, const struct att_requirement *r)
{
    att_text_add(p, "{name: ");
    quote(p, r->name[0]);
    att_text_add(p, ", at_least: %" PRIu64 ", at_most: %" PRIu64 "}", r->at_least, r->at_most);
}

static void rule(struct att_text *p, const struct att_requirement *r, enum att_hash bank)
{
    att_text_add(p, "%s: ", att_predicate_name(r->predicate));
    switch (r->predicate) {
    case ATT_PRED_GRADE:
        att_text_add(p, "E%d", r->grade);
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
        att_text_add(p, "{unlisted: %s}", att_severity_words[r->unlisted]);
        break;
    case ATT_PRED_IMA_VIOLATIONS:
    case ATT_PRED_IMA_KEXEC:
        att_text_add(p, "%s", att_severity_words[r->unlisted]);
        break;
    case ATT_PRED_FIRMWARE:
        att_text_add(p, "unchanged");
        break;
    case ATT_PRED_SECURE_BOOT:
        att_text_add(p, "enabled");
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
        att_text_add(p, "%" PRIu64, r->at_most);
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

static void requirement(struct att_text *p, const struct att_requirement *r, enum att_hash bank)
{
    char words[ATT_POLICY_WORDS];

    att_text_add(p, "  # %s\n  - id: ", att_requirement_words(words, sizeof(words), r, false));
    quote(p, r->id);
    att_text_add(p, "\n    title:\n      en: ");
    quote(p, r->title_en);
    att_text_add(p, "\n      ja: ");
    quote(p, r->title_ja);
    if (r->source[0] != '\0') {
        att_text_add(p, "\n    source: ");
        quote(p, r->source);
    }
    att_text_add(p, "\n    severity: %s\n    ", att_severity_words[r->severity]);
    rule(p, r, bank);
    att_text_add(p, "\n");
}

enum att_err att_policy_print_yaml(struct att_buf **out, const struct att_policy *policy)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct att_text p = {.err = att_buf_new(&b, 4 * ATT_POLICY_FILE_MAX)};

    p.out = b;
    att_text_add(&p, "policy: ");
    quote(&p, policy->name);
    att_text_add(&p, "\nversion: %" PRIu64 "\nbank: %s\nboot_log_pcrs: ", policy->version,
                 att_hash_name(policy->bank));
    pcrs(&p, policy->boot_mask);
    att_text_add(&p, "\nima_pcr: %u\nown_pcrs: ", (unsigned int)policy->ima_pcr);
    pcrs(&p, policy->own_pcr_mask);
    att_text_add(&p, "\nlabel_ttl: %" PRId64 "s\ninterval: %" PRId64 "s\nrequirements:\n",
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
