/* The deterministic CBOR of a policy (docs/formats/policy.md): what is signed, and what a label cites. */
#include <string.h>

#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "policy/policy_internal.h"

#define FORMAT_VERSION 2
#define HEAD_FIELDS    10
#define REQ_FIELDS     6
#define NAME_MAX_LEN   4095

static void write_names(struct att_wr *w, const struct att_requirement *r)
{
    att_cbor_wr_array(w, r->name_count);
    for (size_t i = 0; i < r->name_count; i++) {
        att_cbor_wr_bytes(w, att_slice_str(r->name[i]));
    }
}

static void write_values(struct att_wr *w, const struct att_requirement *r, enum att_hash bank)
{
    size_t len = att_requirement_value_len(r, bank);

    att_cbor_wr_array(w, r->value_count);
    for (size_t i = 0; i < r->value_count; i++) {
        att_cbor_wr_bytes(w, att_slice_of(r->value[i], len));
    }
}

/* How many items follow the predicate's number. */
static uint32_t arguments(enum att_predicate p)
{
    switch (p) {
    case ATT_PRED_FIRMWARE:
    case ATT_PRED_SECURE_BOOT:
        return 0;
    case ATT_PRED_OWN_ITEMS:
    case ATT_PRED_MIN_VERSION:
    case ATT_PRED_IMA_SIGNED:
        return 3;
    case ATT_PRED_PCR_IN:
    case ATT_PRED_SHA256_IN:
    case ATT_PRED_EVENT_ABSENT:
    case ATT_PRED_BOOT_ORDER:
        return 2;
    case ATT_PRED_GRADE:
    case ATT_PRED_OWN_MEASURED:
    case ATT_PRED_OWN_COMPLETE:
    case ATT_PRED_BOOT_PCRS:
    case ATT_PRED_IMA_FILES:
    case ATT_PRED_IMA_VIOLATIONS:
    case ATT_PRED_LOGS:
    case ATT_PRED_MAX_AGE:
    case ATT_PRED_IMA_KEXEC:
    case ATT_PRED_ALL:
    case ATT_PRED_ANY:
    case ATT_PRED_NOT:
        break;
    }
    return 1;
}

static void write_rule(struct att_wr *w, const struct att_requirement *r, enum att_hash bank);

static void write_parts(struct att_wr *w, const struct att_requirement *r, enum att_hash bank)
{
    if (r->predicate != ATT_PRED_NOT) {
        att_cbor_wr_array(w, r->child_count);
    }
    for (size_t i = 0; i < r->child_count; i++) {
        write_rule(w, &r->child[i], bank);
    }
}

static void write_own_items(struct att_wr *w, const struct att_requirement *r)
{
    att_cbor_wr_uint(w, (uint64_t)r->unlisted);
    att_cbor_wr_bool(w, r->allow_any);
    write_names(w, r);
}

static void write_signed(struct att_wr *w, const struct att_requirement *r)
{
    att_cbor_wr_uint(w, (uint64_t)r->unlisted);
    write_names(w, r);
    att_cbor_wr_array(w, r->key_count);
    for (size_t i = 0; i < r->key_count; i++) {
        att_cbor_wr_array(w, 2);
        att_cbor_wr_bytes(w, att_slice_of(r->key[i].id, ATT_POLICY_KEYID_LEN));
        att_cbor_wr_bytes(w, att_slice_of(r->key[i].spki, r->key[i].spki_len));
    }
}

static void write_min_version(struct att_wr *w, const struct att_requirement *r)
{
    att_cbor_wr_bytes(w, att_slice_str(r->name_count > 0 ? r->name[0] : ""));
    att_cbor_wr_uint(w, r->at_least);
    att_cbor_wr_uint(w, r->at_most);
}

/* Bounded: att_requirement_check was asked before, or the reader counted. */
static void write_rule(struct att_wr *w, const struct att_requirement *r, enum att_hash bank)
{
    att_cbor_wr_array(w, 1 + (size_t)arguments(r->predicate));
    att_cbor_wr_uint(w, (uint64_t)r->predicate);
    switch (r->predicate) {
    case ATT_PRED_GRADE:
        att_cbor_wr_uint(w, (uint64_t)r->grade);
        break;
    case ATT_PRED_OWN_ITEMS:
        write_own_items(w, r);
        break;
    case ATT_PRED_OWN_MEASURED:
    case ATT_PRED_OWN_COMPLETE:
        write_names(w, r);
        break;
    case ATT_PRED_BOOT_PCRS:
        att_cbor_wr_uint(w, r->pcr_mask);
        break;
    case ATT_PRED_PCR_IN:
        att_cbor_wr_uint(w, r->pcr_mask != 0 ? (uint64_t)__builtin_ctz(r->pcr_mask) : 0);
        write_values(w, r, bank);
        break;
    case ATT_PRED_IMA_FILES:
    case ATT_PRED_IMA_VIOLATIONS:
    case ATT_PRED_IMA_KEXEC:
        att_cbor_wr_uint(w, (uint64_t)r->unlisted);
        break;
    case ATT_PRED_BOOT_ORDER:
        att_cbor_wr_uint(w, (uint64_t)r->unlisted);
        att_cbor_wr_uint(w, r->pcr_mask);
        break;
    case ATT_PRED_FIRMWARE:
    case ATT_PRED_SECURE_BOOT:
        break;
    case ATT_PRED_LOGS:
        att_cbor_wr_uint(w, r->log_mask);
        break;
    case ATT_PRED_SHA256_IN:
        att_cbor_wr_bytes(w, att_slice_str(r->name_count > 0 ? r->name[0] : ""));
        write_values(w, r, bank);
        break;
    case ATT_PRED_EVENT_ABSENT:
        att_cbor_wr_uint(w, r->log_mask);
        write_values(w, r, bank);
        break;
    case ATT_PRED_MIN_VERSION:
        write_min_version(w, r);
        break;
    case ATT_PRED_MAX_AGE:
        att_cbor_wr_uint(w, r->at_most);
        break;
    case ATT_PRED_IMA_SIGNED:
        write_signed(w, r);
        break;
    case ATT_PRED_ALL:
    case ATT_PRED_ANY:
    case ATT_PRED_NOT:
        write_parts(w, r, bank);
        break;
    }
}

static void write_requirement(struct att_wr *w, const struct att_requirement *r, enum att_hash bank)
{
    att_cbor_wr_array(w, REQ_FIELDS);
    att_cbor_wr_text(w, r->id);
    att_cbor_wr_text(w, r->title_en);
    att_cbor_wr_text(w, r->title_ja);
    att_cbor_wr_text(w, r->source);
    att_cbor_wr_uint(w, (uint64_t)r->severity);
    write_rule(w, r, bank);
}

static void write_policy(struct att_wr *w, const struct att_policy *p)
{
    att_cbor_wr_array(w, HEAD_FIELDS);
    att_cbor_wr_uint(w, FORMAT_VERSION);
    att_cbor_wr_text(w, p->name);
    att_cbor_wr_uint(w, p->version);
    att_cbor_wr_uint(w, (uint64_t)p->bank);
    att_cbor_wr_uint(w, p->boot_mask);
    att_cbor_wr_uint(w, p->ima_pcr);
    att_cbor_wr_uint(w, p->own_pcr_mask);
    att_cbor_wr_uint(w, (uint64_t)p->label_ttl_s);
    att_cbor_wr_uint(w, (uint64_t)p->interval_s);
    att_cbor_wr_array(w, p->count);
    for (size_t i = 0; i < p->count; i++) {
        write_requirement(w, &p->requirement[i], p->bank);
    }
}

enum att_err att_policy_encode(struct att_buf **out, const struct att_policy *p)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    uint8_t *at = NULL;
    struct att_wr w;
    struct att_slice encoded;
    enum att_err err = att_buf_new(&b, ATT_POLICY_FILE_MAX);

    if (err == ATT_OK) {
        err = att_buf_room(b, ATT_POLICY_FILE_MAX, &at);
    }
    if (err != ATT_OK) {
        return err;
    }
    w = att_wr_into(at, ATT_POLICY_FILE_MAX);
    write_policy(&w, p);
    err = att_cbor_wr_done(&w, &encoded);
    if (err != ATT_OK) {
        return err;
    }
    att_buf_commit(b, encoded.len);
    *out = b;
    b = NULL;
    return ATT_OK;
}

static enum att_err read_name(struct att_cbor *c, struct att_requirement *r)
{
    struct att_slice name = att_cbor_bytes(c, NAME_MAX_LEN);

    if (!att_cbor_ok(c)) {
        return ATT_OK; /* the reader says why */
    }
    if (name.len == 0 || memchr(name.p, '\0', name.len) != NULL) {
        return ATT_E_FORMAT;
    }
    return att_requirement_add_name(r, name);
}

static enum att_err read_names(struct att_cbor *c, struct att_requirement *r)
{
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_array(c, ATT_POLICY_NAMES_MAX);
    while (err == ATT_OK && att_cbor_more(c)) {
        err = read_name(c, r);
    }
    att_cbor_leave(c);
    return err;
}

static enum att_err read_values(struct att_cbor *c, struct att_requirement *r, enum att_hash bank)
{
    size_t len = att_requirement_value_len(r, bank);
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_array(c, ATT_POLICY_NAMES_MAX);
    while (err == ATT_OK && att_cbor_more(c)) {
        uint8_t value[ATT_HASH_MAX];

        att_cbor_bytes_exact(c, value, len);
        err = att_requirement_add_value(r, value, len);
    }
    att_cbor_leave(c);
    return err;
}

static enum att_err read_rule(struct att_cbor *c, struct att_requirement *r, enum att_hash bank,
                              int depth);

static enum att_err read_parts(struct att_cbor *c, struct att_requirement *r, enum att_hash bank,
                               int depth)
{
    bool list = r->predicate != ATT_PRED_NOT;
    struct att_requirement *part = NULL;
    enum att_err err = ATT_OK;

    if (depth >= ATT_POLICY_DEPTH) {
        return ATT_E_LIMIT; /* before it is entered: it is the depth of our own calls */
    }
    if (list) {
        (void)att_cbor_enter_array(c, ATT_POLICY_PARTS_MAX);
    }
    while (err == ATT_OK && att_cbor_ok(c) && (list ? att_cbor_more(c) : r->child_count == 0)) {
        err = att_requirement_add_child(r, &part);
        if (err == ATT_OK) {
            err = read_rule(c, part, bank, depth + 1);
        }
    }
    if (list) {
        att_cbor_leave(c);
    }
    return err;
}

static enum att_err read_own_items(struct att_cbor *c, struct att_requirement *r)
{
    r->unlisted = (enum att_severity)att_cbor_uint_max(c, ATT_SEVERITY_IGNORE);
    r->allow_any = att_cbor_bool(c);
    return read_names(c, r);
}

static enum att_err read_key(struct att_cbor *c, struct att_requirement *r)
{
    uint8_t id[ATT_POLICY_KEYID_LEN];
    struct att_slice spki = {0};

    if (att_cbor_enter_array(c, 2) != 2) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    att_cbor_bytes_exact(c, id, sizeof(id));
    spki = att_cbor_bytes(c, ATT_POLICY_KEY_MAX);
    att_cbor_leave(c);
    return att_cbor_ok(c) ? att_requirement_add_key(r, id, spki, NULL) : ATT_OK;
}

static enum att_err read_signed(struct att_cbor *c, struct att_requirement *r)
{
    enum att_err err = ATT_OK;

    r->unlisted = (enum att_severity)att_cbor_uint_max(c, ATT_SEVERITY_IGNORE);
    err = read_names(c, r);
    if (err != ATT_OK) {
        return err;
    }
    (void)att_cbor_enter_array(c, ATT_POLICY_KEYS_MAX);
    while (err == ATT_OK && att_cbor_more(c)) {
        err = read_key(c, r);
    }
    att_cbor_leave(c);
    return err;
}

static enum att_err read_min_version(struct att_cbor *c, struct att_requirement *r)
{
    enum att_err err = read_name(c, r);

    r->at_least = att_cbor_uint(c);
    r->at_most = att_cbor_uint(c);
    return err;
}

static enum att_err read_named_values(struct att_cbor *c, struct att_requirement *r,
                                      enum att_hash bank)
{
    enum att_err err = read_name(c, r);

    return err == ATT_OK ? read_values(c, r, bank) : err;
}

static enum att_err read_arguments(struct att_cbor *c, struct att_requirement *r,
                                   enum att_hash bank, int depth)
{
    switch (r->predicate) {
    case ATT_PRED_GRADE:
        r->grade = (int)att_cbor_uint_max(c, 3);
        break;
    case ATT_PRED_OWN_ITEMS:
        return read_own_items(c, r);
    case ATT_PRED_OWN_MEASURED:
    case ATT_PRED_OWN_COMPLETE:
        return read_names(c, r);
    case ATT_PRED_BOOT_PCRS:
        r->pcr_mask = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
        break;
    case ATT_PRED_PCR_IN:
        r->pcr_mask = 1U << att_cbor_uint_max(c, 31);
        return read_values(c, r, bank);
    case ATT_PRED_IMA_FILES:
    case ATT_PRED_IMA_VIOLATIONS:
    case ATT_PRED_IMA_KEXEC:
        r->unlisted = (enum att_severity)att_cbor_uint_max(c, ATT_SEVERITY_IGNORE);
        break;
    case ATT_PRED_BOOT_ORDER:
        r->unlisted = (enum att_severity)att_cbor_uint_max(c, ATT_SEVERITY_IGNORE);
        r->pcr_mask = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
        break;
    case ATT_PRED_FIRMWARE:
    case ATT_PRED_SECURE_BOOT:
        break;
    case ATT_PRED_LOGS:
        r->log_mask = (uint32_t)att_cbor_uint_max(c, ATT_POLICY_LOGS_ALL);
        break;
    case ATT_PRED_SHA256_IN:
        return read_named_values(c, r, bank);
    case ATT_PRED_EVENT_ABSENT:
        r->log_mask = (uint32_t)att_cbor_uint_max(c, ATT_POLICY_LOGS_ALL);
        return read_values(c, r, bank);
    case ATT_PRED_MIN_VERSION:
        return read_min_version(c, r);
    case ATT_PRED_MAX_AGE:
        r->at_most = att_cbor_uint(c);
        break;
    case ATT_PRED_IMA_SIGNED:
        return read_signed(c, r);
    case ATT_PRED_ALL:
    case ATT_PRED_ANY:
    case ATT_PRED_NOT:
        return read_parts(c, r, bank, depth);
    }
    return ATT_OK;
}

static enum att_err read_rule(struct att_cbor *c, struct att_requirement *r, enum att_hash bank,
                              int depth)
{
    uint32_t items = att_cbor_enter_array(c, 4);
    enum att_err err = ATT_OK;

    r->predicate = (enum att_predicate)att_cbor_uint_max(c, ATT_PRED__COUNT - 1);
    if (att_cbor_ok(c) && items != 1 + arguments(r->predicate)) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    if (att_cbor_ok(c)) {
        err = read_arguments(c, r, bank, depth);
    }
    att_cbor_leave(c);
    return err;
}

static enum att_err read_requirement(struct att_cbor *c, struct att_policy *p,
                                     struct att_diag *diag)
{
    struct att_requirement *r = NULL;
    enum att_err err = att_policy_add(p, &r);

    if (err == ATT_OK) {
        (void)att_cbor_enter_array(c, REQ_FIELDS);
        att_cbor_text_copy(c, r->id, sizeof(r->id));
        att_cbor_text_copy(c, r->title_en, sizeof(r->title_en));
        att_cbor_text_copy(c, r->title_ja, sizeof(r->title_ja));
        att_cbor_text_copy(c, r->source, sizeof(r->source));
        r->severity = (enum att_severity)att_cbor_uint_max(c, ATT_SEVERITY_WARN);
        err = read_rule(c, r, p->bank, 0);
        att_cbor_leave(c);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_CFG_POLICY, "policy",
                        "the compiled policy is not acceptable");
    }
    return att_cbor_ok(c) ? att_requirement_check(r, 0, diag) : ATT_OK;
}

static void read_head(struct att_cbor *c, struct att_policy *p)
{
    (void)att_cbor_enter_array(c, HEAD_FIELDS);
    if (att_cbor_uint(c) != FORMAT_VERSION) {
        att_cbor_fail(c, ATT_E_UNSUPPORTED);
    }
    att_cbor_text_copy(c, p->name, sizeof(p->name));
    p->version = att_cbor_uint(c);
    p->bank = (enum att_hash)att_cbor_uint_max(c, UINT16_MAX);
    if (p->bank != ATT_HASH_SHA256 && p->bank != ATT_HASH_SHA384 && p->bank != ATT_HASH_SHA512) {
        att_cbor_fail(c, ATT_E_UNSUPPORTED);
        p->bank = ATT_HASH_SHA256;
    }
    p->boot_mask = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
    p->ima_pcr = (uint32_t)att_cbor_uint_max(c, 23);
    p->own_pcr_mask = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
    p->label_ttl_s = (int64_t)att_cbor_uint_max(c, INT32_MAX);
    p->interval_s = (int64_t)att_cbor_uint_max(c, INT32_MAX);
}

enum att_err att_policy_decode(struct att_policy **out, struct att_slice in, struct att_diag *diag)
{
    ATT_CLEANUP(att_policy_freep) struct att_policy *p = NULL;
    struct att_cbor c = att_cbor_from(in);
    enum att_err err = att_policy_new(&p);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "policy", "no memory");
    }
    if (in.len > ATT_POLICY_FILE_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_CFG_POLICY, "policy", "it is too large");
    }
    read_head(&c, p);
    (void)att_cbor_enter_array(&c, ATT_POLICY_REQUIREMENTS_MAX);
    while (err == ATT_OK && att_cbor_more(&c)) {
        err = read_requirement(&c, p, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    att_cbor_leave(&c);
    att_cbor_leave(&c);
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
