/* Lists of digests and paths, line by line. */
#include <string.h>

#include "base/hex.h"
#include "policy/import.h"
#include "tcg/ownlog.h"

#define NAME_ROOM  (ATT_OWN_NAME_MAX + 16)
#define HEX_DIGITS 64

/* What one line says, before escapes are undone; both borrow the line. */
struct line {
    struct att_slice hex, name;
};

static enum att_err refuse(struct att_diag *diag, enum att_err err, size_t number, const char *what)
{
    return att_fail(diag, err, ATT_R_FMT_REFVALS, "list", "%zu: %s", number, what);
}

/* "SHA256 (name) = <64 hex>", as sha256sum --tag and the BSD tools write it. */
static bool split_tagged(struct line *l, struct att_slice s)
{
    static const char HEAD[] = "SHA256 (";
    static const char MIDDLE[] = ") = ";
    const size_t head = sizeof(HEAD) - 1;
    const size_t tail = sizeof(MIDDLE) - 1 + HEX_DIGITS;

    if (s.len <= head + tail || memcmp(s.p, HEAD, head) != 0 ||
        memcmp(s.p + s.len - tail, MIDDLE, sizeof(MIDDLE) - 1) != 0) {
        return false;
    }
    l->name = att_slice_of(s.p + head, s.len - head - tail);
    l->hex = att_slice_of(s.p + s.len - HEX_DIGITS, HEX_DIGITS);
    return true;
}

/* "<64 hex>  name" or "<64 hex> *name". */
static bool split_plain(struct line *l, struct att_slice s)
{
    if (s.len < HEX_DIGITS + 3 || s.p[HEX_DIGITS] != ' ' ||
        (s.p[HEX_DIGITS + 1] != ' ' && s.p[HEX_DIGITS + 1] != '*')) {
        return false;
    }
    l->hex = att_slice_of(s.p, HEX_DIGITS);
    l->name = att_slice_of(s.p + HEX_DIGITS + 2, s.len - HEX_DIGITS - 2);
    return true;
}

/* The byte that stands for an escaped one; 0 for none. */
static char unescaped(uint8_t c)
{
    switch (c) {
    case '\\':
        return '\\';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    default:
        return '\0';
    }
}

/* Names with a line break in them are escaped, and their line begins with "\". FORMAT LIMIT */
static enum att_err copy_name(char out[NAME_ROOM], struct att_slice name, bool escaped)
{
    size_t len = 0;

    for (size_t i = 0; i < name.len; i++) {
        char c = (char)name.p[i];

        if (escaped && c == '\\') {
            i++;
            c = i < name.len ? unescaped(name.p[i]) : '\0';
        }
        if (c == '\0') {
            return ATT_E_FORMAT;
        }
        if (len + 1 >= NAME_ROOM) {
            return ATT_E_LIMIT;
        }
        out[len++] = c;
    }
    out[len] = '\0';
    return ATT_OK;
}

static bool climbs(const char *name)
{
    const char *at = name;

    while (at != NULL) {
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0')) {
            return true;
        }
        at = strchr(at, '/');
        at = at == NULL ? NULL : at + 1;
    }
    return false;
}

static enum att_err give(struct att_import *io, const char *name, const uint8_t digest[32],
                         bool rooted)
{
    char full[NAME_ROOM] = "/";

    name += name[0] == '.' && name[1] == '/' ? 1 : 0;
    if (!rooted || name[0] == '/') {
        io->values++;
        return io->take(io->ctx, att_slice_str(name), digest);
    }
    if (strlen(name) + 1 >= sizeof(full)) {
        return ATT_E_LIMIT; /* with its "/" it is longer than any name that is read */
    }
    io->values++;
    memcpy(full + 1, name, strlen(name) + 1);
    return io->take(io->ctx, att_slice_str(full), digest);
}

static enum att_err take_line(struct att_import *io, struct att_slice s, bool rooted, size_t number,
                              struct att_diag *diag)
{
    bool escaped = s.len > 0 && s.p[0] == '\\';
    struct att_slice rest = att_slice_of(s.p + (escaped ? 1 : 0), s.len - (escaped ? 1 : 0));
    struct line l;
    uint8_t digest[32];
    size_t len = 0;
    char name[NAME_ROOM];
    enum att_err err = ATT_E_FORMAT;

    if ((split_tagged(&l, rest) || split_plain(&l, rest)) &&
        att_hex_decode(digest, sizeof(digest), &len, (const char *)l.hex.p, l.hex.len) == ATT_OK) {
        err = copy_name(name, l.name, escaped);
    }
    if (err == ATT_E_FORMAT) {
        return refuse(diag, err, number, "expected 64 hexadecimal digits, two spaces and a path");
    }
    if (err == ATT_OK && rooted && climbs(name)) {
        return refuse(diag, ATT_E_FORMAT, number, "a path that leads out of the root");
    }
    if (err == ATT_OK) {
        err = give(io, name, digest, rooted);
    }
    return err == ATT_E_LIMIT ? refuse(diag, err, number, "a path that is too long") : err;
}

enum att_err att_digest_list_read(struct att_import *io, struct att_slice in, bool rooted,
                                  struct att_diag *diag)
{
    enum att_err err = ATT_OK;
    size_t number = 0;
    size_t pos = 0;

    while (err == ATT_OK && pos < in.len) {
        const uint8_t *at = in.p + pos;
        const uint8_t *end = memchr(at, '\n', in.len - pos);
        struct att_slice line = att_slice_of(at, end == NULL ? in.len - pos : (size_t)(end - at));

        number++;
        pos += line.len + 1;
        if (memchr(at, '\0', line.len) != NULL) {
            return refuse(diag, ATT_E_FORMAT, number, "a NUL in the line");
        }
        err = take_line(io, line, rooted, number, diag);
    }
    if (err == ATT_OK && number == 0) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_REFVALS, "list", "it lists nothing");
    }
    return err;
}
