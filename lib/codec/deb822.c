/* Debian control files, line by line. */
#include "codec/deb822.h"

#include <string.h>
#include <strings.h>

#include "base/guard.h"

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

enum att_err att_deb822_refuse(struct att_diag *diag, size_t line, const char *what)
{
    return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_DEB822, "line", "%zu: %s", line, what);
}

struct att_deb822 att_deb822_from(struct att_slice text)
{
    return (struct att_deb822){.rd = att_rd_slice(text)};
}

static enum att_err check_bytes(const struct att_deb822 *it, struct att_slice line,
                                struct att_diag *diag)
{
    for (size_t i = 0; i < line.len; i++) {
        if ((line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7f) {
            return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_DEB822, "line",
                            "%zu: expected text, found the byte %02x", it->line,
                            (unsigned int)line.p[i]);
        }
    }
    return ATT_OK;
}

/* Without its line break. *more is false where the text ends. */
static enum att_err next_line(struct att_slice *out, struct att_deb822 *it, bool *more,
                              struct att_diag *diag)
{
    struct att_slice ahead = att_rd_ahead(&it->rd);
    const uint8_t *end = ahead.len > 0 ? memchr(ahead.p, '\n', ahead.len) : NULL;

    *more = ahead.len > 0;
    if (ahead.len == 0) {
        return ATT_OK;
    }
    it->line++;
    if (end == NULL) {
        return att_fail(diag, ATT_E_TRUNCATED, ATT_R_FMT_DEB822, "line",
                        "%zu: the text ends inside a line", it->line);
    }
    *out = att_rd_bytes(&it->rd, (size_t)(end - ahead.p));
    att_rd_skip(&it->rd, 1);
    if (out->len > ATT_DEB822_LINE_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_DEB822, "line",
                        "%zu: expected at most %d bytes, found %zu", it->line, ATT_DEB822_LINE_MAX,
                        out->len);
    }
    return check_bytes(it, *out, diag);
}

static struct att_slice trimmed(struct att_slice s)
{
    while (s.len > 0 && is_blank(s.p[0])) {
        s = att_slice_of(s.p + 1, s.len - 1);
    }
    while (s.len > 0 && is_blank(s.p[s.len - 1])) {
        s.len--;
    }
    return s;
}

/* Policy 5.1: printable ASCII but blanks and the colon; "#" and "-" begin no name. */
static bool is_name(struct att_slice s)
{
    if (s.len == 0 || s.p[0] == '#' || s.p[0] == '-') {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] <= ' ' || s.p[i] > '~') {
            return false;
        }
    }
    return true;
}

static struct att_deb822_field *wanted(struct att_deb822_field *field, size_t count,
                                       struct att_slice name)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(field[i].name) == name.len &&
            strncasecmp(field[i].name, (const char *)name.p, name.len) == 0) {
            return &field[i];
        }
    }
    return NULL;
}

/* "Name: value"; *at is the field when it is asked for. */
static enum att_err take_field(struct att_deb822_field **at, const struct att_deb822 *it,
                               struct att_slice line, struct att_deb822_field *field, size_t count,
                               struct att_diag *diag)
{
    const uint8_t *colon = memchr(line.p, ':', line.len);
    size_t name_len = colon != NULL ? (size_t)(colon - line.p) : 0;
    struct att_slice name = att_slice_of(line.p, name_len);

    if (colon == NULL || !is_name(name)) {
        return att_deb822_refuse(diag, it->line, "expected a field, such as \"Package: x\"");
    }
    *at = wanted(field, count, name);
    if (*at == NULL) {
        return ATT_OK;
    }
    if (ATT_GUARD(DEB_TWICE, (*at)->value.p != NULL)) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_DEB822, "line",
                        "%zu: the field %s stands twice in one stanza", it->line, (*at)->name);
    }
    (*at)->value = trimmed(att_slice_of(colon + 1, line.len - name_len - 1));
    (*at)->line = it->line;
    return ATT_OK;
}

/* A line of continuation belongs to the field before it; NULL when that was not asked for. */
static void take_more(struct att_deb822_field *at, struct att_slice line)
{
    if (at != NULL) {
        at->value.len = (size_t)(line.p + line.len - at->value.p);
        at->value = trimmed(at->value);
    }
}

enum att_err att_deb822_next(struct att_deb822 *it, struct att_deb822_field *field, size_t count,
                             bool *more, struct att_diag *diag)
{
    struct att_deb822_field *at = NULL;
    struct att_slice line = {0};
    bool first = true;
    bool left = true;
    enum att_err err = ATT_OK;

    for (size_t i = 0; i < count; i++) {
        field[i].value = (struct att_slice){0};
        field[i].line = 0;
    }
    for (;;) {
        err = next_line(&line, it, &left, diag);
        if (err != ATT_OK || !left || (line.len == 0 && !first)) {
            break;
        }
        if (line.len == 0) {
            continue; /* before the first field */
        }
        if (is_blank(line.p[0]) && !first) {
            take_more(at, line);
            continue;
        }
        err = take_field(&at, it, line, field, count, diag);
        if (err != ATT_OK) {
            break;
        }
        first = false;
    }
    *more = !first;
    return err;
}
