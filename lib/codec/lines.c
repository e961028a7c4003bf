/* Texts of lines: taken apart and written. */
#include "codec/lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/b64.h"

struct att_lines att_lines_from(struct att_slice text)
{
    return (struct att_lines){.rd = att_rd_slice(text)};
}

enum att_err att_lines_next(struct att_slice *line, struct att_lines *it, bool *more)
{
    struct att_slice ahead = att_rd_ahead(&it->rd);
    const uint8_t *end = ahead.len > 0 ? memchr(ahead.p, '\n', ahead.len) : NULL;

    *more = ahead.len > 0;
    *line = att_slice_of(NULL, 0);
    if (ahead.len == 0) {
        return ATT_OK;
    }
    it->line++;
    it->off = att_rd_off(&it->rd);
    if (end == NULL) {
        return ATT_E_TRUNCATED;
    }
    *line = att_rd_bytes(&it->rd, (size_t)(end - ahead.p));
    att_rd_skip(&it->rd, 1);
    return ATT_OK;
}

struct att_slice att_lines_rest(const struct att_lines *it)
{
    return att_rd_ahead(&it->rd);
}

bool att_lines_after(struct att_slice *rest, struct att_slice line, const char *word)
{
    struct att_rd r = att_rd_slice(line);
    struct att_slice head = att_rd_bytes(&r, strlen(word));

    if (!att_rd_ok(&r) || !att_slice_eq(head, att_slice_str(word))) {
        return false;
    }
    *rest = att_rd_rest(&r);
    return true;
}

enum att_err att_lines_decimal(uint64_t *out, struct att_slice text, uint64_t max)
{
    uint64_t n = 0;

    if (text.len == 0 || (text.len > 1 && text.p[0] == '0')) {
        return ATT_E_FORMAT;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return ATT_E_FORMAT;
        }
    }
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)text.p[i] - '0';

        if (digit > max || n > (max - digit) / 10) {
            return ATT_E_LIMIT;
        }
        n = n * 10 + digit;
    }
    *out = n;
    return ATT_OK;
}

enum att_err att_lines_base64(uint8_t *out, size_t cap, size_t *len, struct att_slice text)
{
    if (text.len == 0) {
        return ATT_E_FORMAT;
    }
    return att_b64_decode(out, cap, len, ATT_B64_STD, (const char *)text.p, text.len);
}

enum att_err att_lines_hash(uint8_t out[ATT_LINES_HASH_LEN], struct att_slice text)
{
    uint8_t hash[ATT_LINES_HASH_LEN];
    size_t len = 0;

    if (att_lines_base64(hash, sizeof(hash), &len, text) != ATT_OK || len != sizeof(hash)) {
        return ATT_E_FORMAT;
    }
    memcpy(out, hash, sizeof(hash));
    return ATT_OK;
}

enum att_err att_lines_add_text(struct att_buf *b, const char *text)
{
    return att_buf_add(b, text, strlen(text));
}

enum att_err att_lines_add_decimal(struct att_buf *b, uint64_t n)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, n);
    return att_lines_add_text(b, text);
}

enum att_err att_lines_add_base64(struct att_buf *b, struct att_slice bytes)
{
    uint8_t *room = NULL;
    size_t len = ATT_B64_LEN(bytes.len);
    enum att_err err = att_buf_room(b, len, &room);

    if (err != ATT_OK) {
        return err;
    }
    (void)att_b64_encode((char *)room, len, ATT_B64_STD, bytes);
    att_buf_commit(b, len - 1); /* without the terminator */
    return ATT_OK;
}
