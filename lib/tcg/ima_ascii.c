/*
 * The ASCII form of the IMA list, turned into the binary one. A line is
 *
 *   pcr SP template-hash SP template SP [alg:]digest SP name [SP [hex]]
 *
 * and names may hold spaces, so a line is read from both ends.
 */
#include <string.h>

#include "base/hex.h"
#include "base/wr.h"
#include "tcg/ima_internal.h"

#define OVERHEAD_MAX 512 /* bytes that an entry can have beyond those of its line */

/* The parts of one line, all borrowed from it. */
struct line {
    const struct att_ima_format *format;
    uint32_t pcr;
    uint8_t hash[ATT_HASH_MAX]; /* template hash */
    size_t hash_len;
    struct att_slice prefix; /* "sha256:" or "ima:sha256:"; empty for the template "ima" */
    struct att_slice digest; /* hexadecimal */
    struct att_slice tail;   /* the name, and perhaps a hexadecimal field after it */
};

static bool is_hex(struct att_slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';

        if (!digit && (s.p[i] < 'a' || s.p[i] > 'f')) {
            return false;
        }
    }
    return s.len > 0 && s.len % 2 == 0;
}

/* The bytes before the next delimiter, which is taken too; false when there is none. */
static bool take_until(struct att_rd *r, uint8_t delimiter, struct att_slice *out)
{
    struct att_rd from = *r;
    struct att_slice rest = att_rd_rest(&from);
    const uint8_t *at = rest.len == 0 ? NULL : memchr(rest.p, delimiter, rest.len);

    if (at == NULL) {
        return false;
    }
    *out = att_rd_bytes(r, (size_t)(at - rest.p));
    att_rd_skip(r, 1);
    return true;
}

/* s up to its last delimiter, and what follows that; false when there is none. */
static bool split_last(struct att_slice s, uint8_t delimiter, struct att_slice *head,
                       struct att_slice *tail)
{
    struct att_rd r = att_rd_slice(s);

    for (size_t i = s.len; i > 0; i--) {
        if (s.p[i - 1] == delimiter) {
            *head = att_rd_bytes(&r, i - 1);
            att_rd_skip(&r, 1);
            *tail = att_rd_rest(&r);
            return true;
        }
    }
    return false;
}

static bool is_hash_size(size_t len)
{
    return len == 20 || len == 32 || len == 48 || len == 64;
}

static bool parse_pcr(struct att_slice text, uint32_t *out)
{
    uint32_t v = 0;

    if (text.len == 0 || text.len > 2) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
        v = v * 10 + (uint32_t)(text.p[i] - '0');
    }
    *out = v;
    return true;
}

static bool parse_hash(struct line *out, struct att_slice hex)
{
    enum att_err err =
        att_hex_decode(out->hash, sizeof(out->hash), &out->hash_len, (const char *)hex.p, hex.len);

    return err == ATT_OK && is_hash_size(out->hash_len);
}

/* NULL, or what is wrong with the line. */
static const char *parse_line(struct line *out, struct att_slice text)
{
    struct att_rd r = att_rd_slice(text);
    struct att_slice word = {0};

    if (att_rd_peek(&r) == ' ') {
        att_rd_skip(&r, 1); /* the kernel prints the PCR two characters wide */
    }
    if (!take_until(&r, ' ', &word) || !parse_pcr(word, &out->pcr)) {
        return "no PCR number";
    }
    if (!take_until(&r, ' ', &word) || !parse_hash(out, word)) {
        return "no template hash";
    }
    if (!take_until(&r, ' ', &word)) {
        return "no template";
    }
    out->format = att_ima_format_find(word);
    if (out->format == NULL || out->format->count > 3) {
        return "a template whose text does not say which fields are empty; send the binary list";
    }
    if (!take_until(&r, ' ', &word)) {
        return "no file digest";
    }
    out->digest = word;
    out->prefix = att_slice_of(NULL, 0);
    if (out->format->id != ATT_IMA_TEMPLATE_IMA &&
        !split_last(word, ':', &out->prefix, &out->digest)) {
        return "no algorithm before the file digest";
    }
    if (!is_hex(out->digest)) {
        return "a file digest that is not hexadecimal";
    }
    out->tail = att_rd_rest(&r);
    return NULL;
}

static void put_hex(struct att_wr *w, struct att_slice hex)
{
    uint8_t *room = att_wr_room(w, hex.len / 2);
    size_t len = 0;

    if (room == NULL || hex.len == 0) {
        return;
    }
    if (att_hex_decode(room, hex.len / 2, &len, (const char *)hex.p, hex.len) != ATT_OK) {
        att_wr_fail(w, ATT_E_FORMAT);
    }
}

static uint32_t u32(size_t len)
{
    return (uint32_t)len; /* a line is at most ATT_IMA_MAX bytes */
}

/* The template data with the leading length, but for the template "ima", which has none. */
static void put_data(struct att_wr *w, const struct line *l, struct att_slice name,
                     struct att_slice extra)
{
    size_t digest_len = l->prefix.len + 2 + l->digest.len / 2;
    size_t total = 4 + digest_len + 4 + name.len + 1;

    if (l->format->id == ATT_IMA_TEMPLATE_IMA) {
        put_hex(w, l->digest);
        att_wr_u32le(w, u32(name.len));
        att_wr_slice(w, name);
        return;
    }
    if (l->format->count == 3) {
        total += 4 + extra.len / 2;
    }
    att_wr_u32le(w, u32(total));
    att_wr_u32le(w, u32(digest_len));
    att_wr_slice(w, l->prefix);
    att_wr_u8(w, ':');
    att_wr_u8(w, 0);
    put_hex(w, l->digest);
    att_wr_u32le(w, u32(name.len + 1));
    att_wr_slice(w, name);
    att_wr_u8(w, 0);
    if (l->format->count == 3) {
        att_wr_u32le(w, u32(extra.len / 2));
        put_hex(w, extra);
    }
}

static enum att_err put_entry(struct att_wr *w, const struct line *l, struct att_slice name,
                              struct att_slice extra)
{
    struct att_slice template_name = att_slice_str(l->format->name);
    struct att_slice written = {0};

    att_wr_u32le(w, l->pcr);
    att_wr_bytes(w, l->hash, l->hash_len);
    att_wr_u32le(w, u32(template_name.len));
    att_wr_slice(w, template_name);
    put_data(w, l, name, extra);
    return att_wr_done(w, &written);
}

/* Does the entry hash to the template hash of its line? */
static bool hash_fits(const struct att_wr *w, const struct line *l, struct att_hasher *h)
{
    static const enum att_hash ALGS[] = {ATT_HASH_SHA1, ATT_HASH_SHA256, ATT_HASH_SHA384,
                                         ATT_HASH_SHA512};
    struct att_ima it = att_ima_from(att_slice_of(w->p, w->len));
    struct att_ima_entry e;
    uint8_t digest[ATT_HASH_MAX];
    bool more = false;

    if (att_ima_next(&it, &e, &more, NULL) != ATT_OK || !more) {
        return false;
    }
    for (size_t i = 0; i < ATT_COUNT(ALGS); i++) {
        if (l->hash_len == att_hash_size(ALGS[i])) {
            return att_ima_extended(digest, &e, ALGS[i], false, h) == ATT_OK &&
                   memcmp(digest, l->hash, l->hash_len) == 0;
        }
    }
    return false;
}

/* The name, and the field after it: hexadecimal, or nothing after a space. */
static bool split_extra(const struct line *l, struct att_slice *name, struct att_slice *extra)
{
    if (l->format->count != 3 || !split_last(l->tail, ' ', name, extra)) {
        return false;
    }
    return extra->len == 0 || is_hex(*extra);
}

/*
 * One entry at the end of the buffer. The kernel prints a space before every field, the empty ones
 * too; text that lost its last space on the way is read the other way when only that hashes.
 */
static enum att_err add_entry(struct att_buf *out, const struct line *l, struct att_slice text,
                              struct att_hasher *h)
{
    struct att_slice none = {0};
    struct att_slice name = {0};
    struct att_slice extra = {0};
    uint8_t *room = NULL;
    struct att_wr w;
    enum att_err err = att_buf_room(out, text.len + OVERHEAD_MAX, &room);

    if (err != ATT_OK) {
        return err;
    }
    w = att_wr_into(room, text.len + OVERHEAD_MAX);
    err = put_entry(&w, l, l->tail, none);
    if (err == ATT_OK && split_extra(l, &name, &extra) && !hash_fits(&w, l, h)) {
        w = att_wr_into(room, text.len + OVERHEAD_MAX);
        err = put_entry(&w, l, name, extra);
    }
    if (err == ATT_OK) {
        att_buf_commit(out, w.len);
    }
    return err;
}

static enum att_err convert(struct att_buf *out, struct att_rd *r, struct att_hasher *h,
                            struct att_diag *diag)
{
    size_t hash_len = 0;

    while (att_rd_left(r) > 0) {
        size_t off = att_rd_off(r);
        struct line l = {0};
        struct att_slice text = {0};
        const char *wrong = NULL;
        enum att_err err = ATT_OK;

        if (!take_until(r, '\n', &text)) {
            text = att_rd_rest(r);
        }
        wrong = parse_line(&l, text);
        if (wrong == NULL && hash_len != 0 && l.hash_len != hash_len) {
            wrong = "a template hash of another size than in the lines before";
        }
        if (wrong != NULL) {
            return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_IMA, "line", off, "%s", wrong);
        }
        hash_len = l.hash_len;
        err = add_entry(out, &l, text, h);
        if (err != ATT_OK) {
            return att_fail_at(diag, err, ATT_R_FMT_IMA, "line", off, "it cannot be converted");
        }
    }
    return ATT_OK;
}

enum att_err att_ima_ascii_to_binary(struct att_buf **out, struct att_slice in,
                                     struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_rd r = att_rd_slice(in);
    enum att_err err = ATT_OK;

    if (in.len > ATT_IMA_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_IMA, "list",
                        "expected at most %d bytes, found %zu", ATT_IMA_MAX, in.len);
    }
    err = att_buf_new(&b, ATT_IMA_MAX);
    if (err == ATT_OK) {
        err = att_hasher_new(&h);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, NULL, "no memory for the list");
    }
    err = convert(b, &r, h, diag);
    if (err != ATT_OK) {
        return err;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}
