/* The policy object: memory, the rules that every form obeys, and its deterministic CBOR. */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "policy/policy_internal.h"

#define ENCODED_MAX    262144
#define FORMAT_VERSION 1

const char *const att_predicate_names[ATT_PRED__COUNT] = {
    [ATT_PRED_GRADE] = "grade_at_least",
    [ATT_PRED_OWN_ITEMS] = "own_items",
    [ATT_PRED_OWN_MEASURED] = "own_measured",
    [ATT_PRED_BOOT_PCRS] = "boot_pcrs",
    [ATT_PRED_PCR_IN] = "pcr_in",
    [ATT_PRED_IMA_FILES] = "ima_files",
    [ATT_PRED_IMA_VIOLATIONS] = "ima_violations",
    [ATT_PRED_FIRMWARE] = "tpm_firmware",
    [ATT_PRED_LOGS] = "logs",
};

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

void att_policy_free(struct att_policy *p)
{
    if (p == NULL) {
        return;
    }
    for (size_t i = 0; i < p->count; i++) {
        for (size_t k = 0; k < p->requirement[i].name_count; k++) {
            free(p->requirement[i].name[k]);
        }
        free(p->requirement[i].name);
        free(p->requirement[i].value);
    }
    free(p->requirement);
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

static enum att_err check_pcrs(const struct att_policy *p, struct att_diag *diag)
{
    uint32_t named = p->boot_mask | p->own_pcr_mask;

    if (p->ima_pcr >= 32) {
        return refuse(diag, "ima_pcr", "expected a PCR from 0 to 15");
    }
    named |= 1U << p->ima_pcr;
    for (size_t i = 0; i < p->count; i++) {
        named |= p->requirement[i].pcr_mask;
    }
    if (ATT_GUARD(POLICY_PCR, (named & ~ATT_POLICY_PCR_MASK) != 0)) {
        return refuse(diag, "pcr", "PCRs 16 to 23 can be reset at runtime and are no evidence");
    }
    if (p->own_pcr_mask == 0 || (p->own_pcr_mask & (p->boot_mask | 1U << p->ima_pcr)) != 0) {
        return refuse(diag, "own_pcrs", "the own log needs a PCR of its own");
    }
    return ATT_OK;
}

static enum att_err check_requirements(const struct att_policy *p, struct att_diag *diag)
{
    size_t own_names = 0;

    if (ATT_GUARD(POLICY_EMPTY, p->count == 0)) {
        return refuse(diag, "requirements", "a policy without requirements would pass everything");
    }
    for (size_t i = 0; i < p->count; i++) {
        const struct att_requirement *r = &p->requirement[i];

        for (size_t k = 0; k < i; k++) {
            if (strcmp(r->id, p->requirement[k].id) == 0) {
                return refuse(diag, "requirements.id", "two requirements have one id");
            }
        }
        own_names += r->predicate == ATT_PRED_OWN_MEASURED ? r->name_count : 0;
    }
    if (own_names > ATT_POLICY_OWN_NAMES_MAX) {
        return refuse(diag, "own_measured", "at most 128 names in all own_measured lists");
    }
    return ATT_OK;
}

enum att_err att_policy_seal(struct att_policy *p, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *encoded = NULL;
    enum att_err err = check_pcrs(p, diag);

    if (err == ATT_OK) {
        err = check_requirements(p, diag);
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

static void write_requirement(struct att_wr *w, const struct att_requirement *r, size_t value_len)
{
    att_cbor_wr_array(w, 11);
    att_cbor_wr_text(w, r->id);
    att_cbor_wr_text(w, r->title_en);
    att_cbor_wr_text(w, r->title_ja);
    att_cbor_wr_text(w, r->source);
    att_cbor_wr_uint(w, (uint64_t)r->severity);
    att_cbor_wr_uint(w, (uint64_t)r->predicate);
    att_cbor_wr_uint(w, (uint64_t)r->grade);
    att_cbor_wr_uint(w, (uint64_t)r->unlisted);
    att_cbor_wr_uint(w, (uint64_t)r->log_mask << 32 | r->pcr_mask);
    att_cbor_wr_array(w, r->name_count);
    for (size_t i = 0; i < r->name_count; i++) {
        att_cbor_wr_bytes(w, att_slice_str(r->name[i]));
    }
    att_cbor_wr_array(w, r->value_count);
    for (size_t i = 0; i < r->value_count; i++) {
        att_cbor_wr_bytes(w, att_slice_of(r->value[i], value_len));
    }
}

enum att_err att_policy_encode(struct att_buf **out, const struct att_policy *p)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    uint8_t *at = NULL;
    struct att_wr w;
    struct att_slice encoded;
    enum att_err err = att_buf_new(&b, ENCODED_MAX);

    if (err == ATT_OK) {
        err = att_buf_room(b, ENCODED_MAX, &at);
    }
    if (err != ATT_OK) {
        return err;
    }
    w = att_wr_into(at, ENCODED_MAX);
    att_cbor_wr_array(&w, 10);
    att_cbor_wr_uint(&w, FORMAT_VERSION);
    att_cbor_wr_text(&w, p->name);
    att_cbor_wr_uint(&w, p->version);
    att_cbor_wr_uint(&w, (uint64_t)p->bank);
    att_cbor_wr_uint(&w, p->boot_mask);
    att_cbor_wr_uint(&w, p->ima_pcr);
    att_cbor_wr_uint(&w, p->own_pcr_mask);
    att_cbor_wr_uint(&w, (uint64_t)p->label_ttl_s);
    att_cbor_wr_uint(&w, (uint64_t)p->interval_s);
    att_cbor_wr_array(&w, p->count);
    for (size_t i = 0; i < p->count; i++) {
        write_requirement(&w, &p->requirement[i], att_hash_size(p->bank));
    }
    err = att_cbor_wr_done(&w, &encoded);
    if (err != ATT_OK) {
        return err;
    }
    att_buf_commit(b, encoded.len);
    *out = b;
    b = NULL;
    return ATT_OK;
}

static enum att_err read_names(struct att_cbor *c, struct att_requirement *r)
{
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_array(c, ATT_POLICY_NAMES_MAX);
    while (err == ATT_OK && att_cbor_more(c)) {
        struct att_slice name = att_cbor_bytes(c, 4095);

        if (att_cbor_ok(c)) {
            err = att_requirement_add_name(r, name);
        }
    }
    att_cbor_leave(c);
    return err;
}

static enum att_err read_values(struct att_cbor *c, struct att_requirement *r, size_t value_len)
{
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_array(c, ATT_POLICY_NAMES_MAX);
    while (err == ATT_OK && att_cbor_more(c)) {
        uint8_t value[ATT_HASH_MAX];

        att_cbor_bytes_exact(c, value, value_len);
        err = att_requirement_add_value(r, value, value_len);
    }
    att_cbor_leave(c);
    return err;
}

static enum att_err read_requirement(struct att_cbor *c, struct att_policy *p)
{
    struct att_requirement *r = NULL;
    uint64_t masks = 0;
    enum att_err err = att_policy_add(p, &r);

    if (err != ATT_OK) {
        return err;
    }
    (void)att_cbor_enter_array(c, 11);
    att_cbor_text_copy(c, r->id, sizeof(r->id));
    att_cbor_text_copy(c, r->title_en, sizeof(r->title_en));
    att_cbor_text_copy(c, r->title_ja, sizeof(r->title_ja));
    att_cbor_text_copy(c, r->source, sizeof(r->source));
    r->severity = (enum att_severity)att_cbor_uint_max(c, ATT_SEVERITY_WARN);
    r->predicate = (enum att_predicate)att_cbor_uint_max(c, ATT_PRED__COUNT - 1);
    r->grade = (int)att_cbor_uint_max(c, 3);
    r->unlisted = (enum att_severity)att_cbor_uint_max(c, ATT_SEVERITY_IGNORE);
    masks = att_cbor_uint(c);
    r->pcr_mask = (uint32_t)masks;
    r->log_mask = (uint32_t)(masks >> 32);
    err = read_names(c, r);
    if (err == ATT_OK) {
        err = read_values(c, r, att_hash_size(p->bank));
    }
    att_cbor_leave(c);
    return err;
}

static enum att_err read_head(struct att_cbor *c, struct att_policy *p)
{
    (void)att_cbor_enter_array(c, 10);
    if (att_cbor_uint(c) != FORMAT_VERSION) {
        att_cbor_fail(c, ATT_E_UNSUPPORTED);
    }
    att_cbor_text_copy(c, p->name, sizeof(p->name));
    p->version = att_cbor_uint(c);
    p->bank = (enum att_hash)att_cbor_uint_max(c, UINT16_MAX);
    p->boot_mask = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
    p->ima_pcr = (uint32_t)att_cbor_uint_max(c, 23);
    p->own_pcr_mask = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
    p->label_ttl_s = (int64_t)att_cbor_uint_max(c, INT32_MAX);
    p->interval_s = (int64_t)att_cbor_uint_max(c, INT32_MAX);
    return att_hash_usable(p->bank) ? ATT_OK : ATT_E_UNSUPPORTED;
}

enum att_err att_policy_decode(struct att_policy **out, struct att_slice in, struct att_diag *diag)
{
    ATT_CLEANUP(att_policy_freep) struct att_policy *p = NULL;
    struct att_cbor c = att_cbor_from(in);
    enum att_err err = att_policy_new(&p);

    if (err == ATT_OK) {
        err = read_head(&c, p);
    }
    if (err == ATT_OK) {
        (void)att_cbor_enter_array(&c, ATT_POLICY_REQUIREMENTS_MAX);
        while (err == ATT_OK && att_cbor_more(&c)) {
            err = read_requirement(&c, p);
        }
        att_cbor_leave(&c);
    }
    att_cbor_leave(&c);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_CFG_POLICY, "policy",
                        "the compiled policy is not acceptable");
    }
    err = att_cbor_end_diag(&c, ATT_R_CFG_POLICY, "policy", diag);
    if (err == ATT_OK) {
        err = att_policy_seal(p, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = p;
    p = NULL;
    return ATT_OK;
}
