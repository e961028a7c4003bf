/* The deterministic CBOR of a change notice (docs/formats/notice.md), and lookups in it. */
#include "policy/notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "crypto/digest.h"

#define FORMAT_VERSION 1
#define HEAD_FIELDS    9
#define CHANGE_FIELDS  3

static enum att_err refuse(struct att_diag *diag, enum att_err err, const char *field,
                           const char *text)
{
    return att_fail(diag, err, ATT_R_CFG_NOTICE, field, "%s", text);
}

static void write_change(struct att_wr *w, const struct att_change *c)
{
    att_cbor_wr_array(w, CHANGE_FIELDS);
    att_cbor_wr_bytes(w, c->name);
    if (c->after == NULL) {
        att_cbor_wr_null(w);
    } else {
        att_cbor_wr_bytes(w, att_slice_of(c->after, 32));
    }
    att_cbor_wr_array(w, c->before_count);
    for (size_t i = 0; i < c->before_count; i++) {
        att_cbor_wr_bytes(w, att_slice_of(c->before[i], 32));
    }
}

static void write_notice(struct att_wr *w, const struct att_notice *n)
{
    att_cbor_wr_array(w, HEAD_FIELDS);
    att_cbor_wr_uint(w, FORMAT_VERSION);
    att_cbor_wr_text(w, n->id);
    att_cbor_wr_text(w, n->role);
    att_cbor_wr_uint(w, (uint64_t)n->from_s);
    att_cbor_wr_uint(w, (uint64_t)n->until_s);
    att_cbor_wr_array(w, n->device_count);
    for (size_t i = 0; i < n->device_count; i++) {
        att_cbor_wr_text(w, n->device[i]);
    }
    att_cbor_wr_text(w, n->title_en);
    att_cbor_wr_text(w, n->title_ja);
    att_cbor_wr_array(w, n->change_count);
    for (size_t i = 0; i < n->change_count; i++) {
        write_change(w, &n->change[i]);
    }
}

enum att_err att_notice_encode(struct att_buf **out, const struct att_notice *draft,
                               struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    ATT_CLEANUP(att_notice_freep) struct att_notice *again = NULL;
    struct att_wr w;
    uint8_t *room = NULL;
    enum att_err err = att_buf_new(&b, ATT_NOTICE_FILE_MAX);

    if (err == ATT_OK) {
        err = att_buf_room(b, ATT_NOTICE_FILE_MAX, &room);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "notice", "no memory");
    }
    w = att_wr_into(room, ATT_NOTICE_FILE_MAX);
    write_notice(&w, draft);
    if (!att_wr_ok(&w)) {
        return att_fail(diag, w.err, ATT_R_CFG_NOTICE, "notice", "expected at most %d bytes",
                        ATT_NOTICE_FILE_MAX);
    }
    att_buf_commit(b, w.len);
    err = att_notice_decode(&again, att_buf_slice(b), diag);
    if (err != ATT_OK) {
        return err;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}

/* Ids and roles are shown, compared with file names, and stand in messages. */
static bool is_word(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && text[0] != '.' &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static bool is_line(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            return false;
        }
    }
    return true;
}

static void read_devices(struct att_cbor *c, struct att_notice *n)
{
    (void)att_cbor_enter_array(c, ATT_NOTICE_DEVICES_MAX);
    while (att_cbor_more(c)) {
        att_cbor_text_copy(c, n->device[n->device_count], sizeof(n->device[0]));
        n->device_count++;
    }
    att_cbor_leave(c);
}

static const uint8_t *read_digest(struct att_cbor *c)
{
    struct att_slice s = att_cbor_bytes(c, 32);

    if (att_cbor_ok(c) && s.len != 32) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    return s.p;
}

static void read_change(struct att_cbor *c, struct att_change *out)
{
    if (att_cbor_enter_array(c, CHANGE_FIELDS) != CHANGE_FIELDS) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    out->name = att_cbor_bytes(c, ATT_NOTICE_NAME_MAX);
    if (att_cbor_peek(c) == ATT_CBOR_NULL) {
        att_cbor_null(c);
    } else {
        out->after = read_digest(c);
    }
    (void)att_cbor_enter_array(c, ATT_NOTICE_BEFORE_MAX);
    while (att_cbor_more(c)) {
        out->before[out->before_count] = read_digest(c);
        out->before_count++;
    }
    att_cbor_leave(c);
    att_cbor_leave(c);
}

static enum att_err read_changes(struct att_cbor *c, struct att_notice *n)
{
    uint32_t count = att_cbor_enter_array(c, ATT_NOTICE_CHANGES_MAX);

    n->change = calloc((size_t)count + 1, sizeof(*n->change));
    if (n->change == NULL) {
        return ATT_E_NOMEM;
    }
    while (att_cbor_more(c)) {
        read_change(c, &n->change[n->change_count]);
        n->change_count++;
    }
    att_cbor_leave(c);
    return ATT_OK;
}

static enum att_err read_notice(struct att_notice *n, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(att_buf_slice(n->bytes));
    enum att_err err = ATT_OK;

    if (att_cbor_enter_array(&c, HEAD_FIELDS) != HEAD_FIELDS) {
        att_cbor_fail(&c, ATT_E_FORMAT);
    }
    if (att_cbor_uint(&c) != FORMAT_VERSION) {
        att_cbor_fail(&c, ATT_E_UNSUPPORTED);
    }
    att_cbor_text_copy(&c, n->id, sizeof(n->id));
    att_cbor_text_copy(&c, n->role, sizeof(n->role));
    n->from_s = (int64_t)att_cbor_uint_max(&c, INT64_MAX / 2);
    n->until_s = (int64_t)att_cbor_uint_max(&c, INT64_MAX / 2);
    read_devices(&c, n);
    att_cbor_text_copy(&c, n->title_en, sizeof(n->title_en));
    att_cbor_text_copy(&c, n->title_ja, sizeof(n->title_ja));
    err = read_changes(&c, n);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "notice", "no memory");
    }
    att_cbor_leave(&c);
    return att_cbor_end_diag(&c, ATT_R_CFG_NOTICE, "notice", diag);
}

static int compare_names(struct att_slice x, struct att_slice y)
{
    size_t len = x.len < y.len ? x.len : y.len;
    int order = len == 0 ? 0 : memcmp(x.p, y.p, len);

    if (order == 0 && x.len != y.len) {
        order = x.len < y.len ? -1 : 1;
    }
    return order;
}

/* Order of changes: by name, then what will be gone, then by the digest after. */
static int compare_changes(const struct att_change *x, const struct att_change *y)
{
    int order = compare_names(x->name, y->name);

    if (order != 0 || (x->after == NULL && y->after == NULL)) {
        return order;
    }
    if (x->after == NULL || y->after == NULL) {
        return x->after == NULL ? -1 : 1;
    }
    return memcmp(x->after, y->after, 32);
}

static enum att_err check_change(const struct att_change *c, struct att_diag *diag)
{
    if (c->name.len == 0 || memchr(c->name.p, '\0', c->name.len) != NULL) {
        return refuse(diag, ATT_E_FORMAT, "changes", "expected a name without a zero byte");
    }
    if (c->after == NULL && c->before_count == 0) {
        return refuse(diag, ATT_E_FORMAT, "changes", "what will be gone has no digest before");
    }
    for (size_t i = 0; i < c->before_count; i++) {
        if (c->after != NULL && memcmp(c->before[i], c->after, 32) == 0) {
            return refuse(diag, ATT_E_FORMAT, "changes", "before and after are the same");
        }
    }
    return ATT_OK;
}

static enum att_err check_changes(const struct att_notice *n, struct att_diag *diag)
{
    enum att_err err = n->change_count > 0
                           ? ATT_OK
                           : refuse(diag, ATT_E_FORMAT, "changes", "expected at least one change");

    for (size_t i = 0; err == ATT_OK && i < n->change_count; i++) {
        err = check_change(&n->change[i], diag);
        if (err == ATT_OK && i > 0 && compare_changes(&n->change[i - 1], &n->change[i]) >= 0) {
            err = refuse(diag, ATT_E_FORMAT, "changes", "expected each once, in order");
        }
    }
    return err;
}

static enum att_err check_head(const struct att_notice *n, struct att_diag *diag)
{
    if (!is_word(n->id) || !is_word(n->role)) {
        return refuse(diag, ATT_E_FORMAT, "id and role",
                      "expected letters, digits, '.', '_' and '-', not '.' first");
    }
    if (n->title_en[0] == '\0' || !is_line(n->title_en) || !is_line(n->title_ja)) {
        return refuse(diag, ATT_E_FORMAT, "title", "expected one line, the English one not empty");
    }
    if (n->until_s <= n->from_s || n->until_s - n->from_s > ATT_NOTICE_SECONDS_MAX) {
        return refuse(diag, ATT_E_FORMAT, "window",
                      "expected it to last more than 0 s and at most 7 days");
    }
    for (size_t i = 0; i < n->device_count; i++) {
        if (!is_word(n->device[i]) || (i > 0 && strcmp(n->device[i - 1], n->device[i]) >= 0)) {
            return refuse(diag, ATT_E_FORMAT, "devices", "expected ids, each once, in order");
        }
    }
    return ATT_OK;
}

static int by_digest(const void *a, const void *b)
{
    const struct att_change_ref *x = a;
    const struct att_change_ref *y = b;
    int order = memcmp(x->digest, y->digest, 32);

    if (order != 0 || x->change != y->change) {
        return order != 0 ? order : x->change < y->change ? -1 : 1;
    }
    return (int)x->after - (int)y->after;
}

static enum att_err make_refs(struct att_notice *n)
{
    size_t count = 0;

    for (size_t i = 0; i < n->change_count; i++) {
        count += n->change[i].before_count + (n->change[i].after != NULL ? 1 : 0);
    }
    n->ref = calloc(count + 1, sizeof(*n->ref));
    if (n->ref == NULL) {
        return ATT_E_NOMEM;
    }
    for (uint32_t i = 0; i < n->change_count; i++) {
        const struct att_change *c = &n->change[i];

        for (size_t k = 0; k < c->before_count; k++) {
            n->ref[n->ref_count++] = (struct att_change_ref){.digest = c->before[k], .change = i};
        }
        if (c->after != NULL) {
            n->ref[n->ref_count++] =
                (struct att_change_ref){.digest = c->after, .change = i, .after = true};
        }
    }
    qsort(n->ref, n->ref_count, sizeof(*n->ref), by_digest);
    return ATT_OK;
}

static enum att_err keep(struct att_notice *n, struct att_slice in)
{
    enum att_err err = att_buf_new(&n->bytes, ATT_NOTICE_FILE_MAX);

    if (err == ATT_OK) {
        err = att_buf_add_slice(n->bytes, in);
    }
    return err == ATT_OK ? att_sha256(in, n->digest) : err;
}

enum att_err att_notice_decode(struct att_notice **out, struct att_slice in, struct att_diag *diag)
{
    ATT_CLEANUP(att_notice_freep) struct att_notice *n = calloc(1, sizeof(*n));
    enum att_err err = n == NULL ? ATT_E_NOMEM : keep(n, in);

    if (err == ATT_E_LIMIT) {
        return att_fail(diag, err, ATT_R_CFG_NOTICE, "notice", "expected at most %d bytes",
                        ATT_NOTICE_FILE_MAX);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "notice", "no memory");
    }
    err = read_notice(n, diag);
    if (err == ATT_OK) {
        err = check_head(n, diag);
    }
    if (err == ATT_OK) {
        err = check_changes(n, diag);
    }
    if (err == ATT_OK) {
        err = make_refs(n);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = n;
    n = NULL;
    return ATT_OK;
}

void att_notice_free(struct att_notice *n)
{
    if (n == NULL) {
        return;
    }
    free(n->change);
    free(n->ref);
    att_buf_free(n->bytes);
    free(n);
}

void att_notice_freep(struct att_notice **n)
{
    att_notice_free(*n);
    *n = NULL;
}

bool att_notice_concerns(const struct att_notice *n, const char *device_id)
{
    for (size_t i = 0; i < n->device_count; i++) {
        if (strcmp(n->device[i], device_id) == 0) {
            return true;
        }
    }
    return n->device_count == 0;
}

bool att_notice_is_open(const struct att_notice *n, int64_t now_s)
{
    return n->from_s <= now_s && now_s < n->until_s;
}

const struct att_change *att_notice_named(const struct att_notice *n, struct att_slice name,
                                          size_t *count)
{
    size_t low = 0;
    size_t high = n->change_count;
    size_t end = 0;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (compare_names(n->change[mid].name, name) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    for (end = low; end < n->change_count && att_slice_eq(n->change[end].name, name); end++) {
    }
    *count = end - low;
    return *count > 0 ? &n->change[low] : NULL;
}

const struct att_change_ref *att_notice_find(const struct att_notice *n, const uint8_t digest[32],
                                             size_t *count)
{
    size_t low = 0;
    size_t high = n->ref_count;
    size_t end = 0;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (memcmp(n->ref[mid].digest, digest, 32) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    for (end = low; end < n->ref_count && memcmp(n->ref[end].digest, digest, 32) == 0; end++) {
    }
    *count = end - low;
    return *count > 0 ? &n->ref[low] : NULL;
}
