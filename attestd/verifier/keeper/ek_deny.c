/* Sorted, so that a fleet is compared with a long list. */
#include "ek_deny.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/rd.h"
#include "crypto/digest.h"
#include "tcg/pubarea.h"

struct entry {
    uint8_t len;
    uint8_t bytes[ATT_NAME_MAX];
};

struct ek_deny {
    struct entry *entry;
    size_t count, cap;
};

static int compare(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;

    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return memcmp(x->bytes, y->bytes, x->len);
}

void ek_deny_free(struct ek_deny *d)
{
    if (d == NULL)
        return;
    free(d->entry);
    free(d);
}

void ek_deny_freep(struct ek_deny **d)
{
    ek_deny_free(*d);
    *d = NULL;
}

/* Where a message points to. */
struct place {
    const char *name;
    size_t line;
};

static enum att_err bad_line(const struct place *at, size_t len, struct att_diag *diag)
{
    return att_fail(
        diag, ATT_E_FORMAT, ATT_R_CFG_KEY, "ek_deny",
        "%s:%zu: expected the SHA-256 of a certificate (64 hexadecimal digits) or a TPM "
        "name (000b and 64, 000c and 96, 000d and 128), and a # before words; found %zu characters",
        at->name, at->line, len);
}

/* 32 bytes are a certificate's digest; a name is nameAlg and a digest of its size (TPM 2.0 Part 1, 16). */
static bool is_entry(const struct entry *e)
{
    struct att_rd r = att_rd_from(e->bytes, e->len);
    enum att_hash alg = (enum att_hash)att_rd_u16be(&r);

    return e->len == 32 || (att_hash_usable(alg) && e->len == 2 + att_hash_size(alg));
}

static enum att_err add(struct ek_deny *d, const struct entry *e)
{
    if (d->count == d->cap) {
        size_t cap = d->cap == 0 ? 64 : 2 * d->cap;
        struct entry *more = realloc(d->entry, cap * sizeof(*more));

        if (more == NULL)
            return ATT_E_NOMEM;
        d->entry = more;
        d->cap = cap;
    }
    d->entry[d->count++] = *e;
    return ATT_OK;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* The line without what stands behind #, and without the blanks at its end. */
static struct att_slice words_of(struct att_slice line)
{
    const uint8_t *hash = line.len > 0 ? memchr(line.p, '#', line.len) : NULL;

    if (hash != NULL)
        line.len = (size_t)(hash - line.p);
    while (line.len > 0 && is_space(line.p[line.len - 1]))
        line.len--;
    return line;
}

static enum att_err take_line(struct ek_deny *d, struct att_slice line, const struct place *at,
                              struct att_diag *diag)
{
    struct att_slice word = words_of(line);
    struct entry e = {0};
    size_t len = 0;

    if (word.len == 0)
        return ATT_OK;
    if (att_hex_decode(e.bytes, sizeof(e.bytes), &len, (const char *)word.p, word.len) != ATT_OK)
        return bad_line(at, word.len, diag);
    e.len = (uint8_t)len;
    if (!is_entry(&e))
        return bad_line(at, word.len, diag);
    if (d->count == EK_DENY_MAX)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_CFG_KEY, "ek_deny",
                        "%s:%zu: expected at most %d entries", at->name, at->line, EK_DENY_MAX);
    if (add(d, &e) != ATT_OK)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "ek_deny", "memory ran out");
    return ATT_OK;
}

enum att_err ek_deny_parse(struct ek_deny **out, const char *name, struct att_slice in,
                           struct att_diag *diag)
{
    ATT_CLEANUP(ek_deny_freep) struct ek_deny *d = calloc(1, sizeof(*d));
    const char *slash = strrchr(name, '/');
    struct place at = {.name = slash != NULL ? slash + 1 : name};
    struct att_rd r = att_rd_slice(in);

    if (d == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "ek_deny", "memory ran out");
    while (att_rd_left(&r) > 0) {
        struct att_slice rest = att_slice_of(&r.p[r.pos], att_rd_left(&r));
        const uint8_t *end = memchr(rest.p, '\n', rest.len);
        size_t len = end != NULL ? (size_t)(end - rest.p) : rest.len;
        enum att_err err;

        at.line++;
        err = take_line(d, att_rd_bytes(&r, len), &at, diag);
        if (err != ATT_OK)
            return err;
        if (end != NULL)
            (void)att_rd_u8(&r);
    }
    if (d->count > 0)
        qsort(d->entry, d->count, sizeof(*d->entry), compare);
    *out = d;
    d = NULL;
    return ATT_OK;
}

enum att_err ek_deny_load(struct ek_deny **out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err = att_file_read_careful(&file, path, EK_DENY_FILE_MAX, ATT_FILE_OWNED, diag);

    return err == ATT_OK ? ek_deny_parse(out, path, att_buf_slice(file), diag) : err;
}

bool ek_deny_has(const struct ek_deny *d, struct att_slice what)
{
    struct entry key = {.len = (uint8_t)what.len};

    if (d == NULL || d->count == 0 || what.len == 0 || what.len > sizeof(key.bytes))
        return false;
    memcpy(key.bytes, what.p, what.len);
    return bsearch(&key, d->entry, d->count, sizeof(key), compare) != NULL;
}

size_t ek_deny_count(const struct ek_deny *d)
{
    return d == NULL ? 0 : d->count;
}
