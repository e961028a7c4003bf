/* Packages, Release and dpkg's status: which fields must be there, and what may stand in them. */
#include "policy/debian.h"

#include <string.h>

#include "base/guard.h"
#include "base/hex.h"
#include "base/rd.h"

#define SIGNED_BEGIN    "-----BEGIN PGP SIGNED MESSAGE-----\n"
#define SIGNATURE_BEGIN "\n-----BEGIN PGP SIGNATURE-----\n"
#define SIGNATURE_END   "\n-----END PGP SIGNATURE-----\n"
#define SIZE_DIGITS     15

/* In every locale the same. */
static bool is_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Policy 5.6.1, 5.6.12 and 5.6.8. */
static bool only(struct att_slice s, const char *others)
{
    if (s.len == 0 || s.len > ATT_DEB_WORD_MAX || !is_alnum(s.p[0])) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (!is_alnum(s.p[i]) && (s.p[i] == 0 || strchr(others, s.p[i]) == NULL)) {
            return false;
        }
    }
    return true;
}

static bool is_package(struct att_slice s)
{
    return only(s, "+-.");
}

static bool is_version(struct att_slice s)
{
    return only(s, ".+-~:");
}

static bool is_arch(struct att_slice s)
{
    return only(s, "-");
}

/* Nothing that a path of the pool could be joined with and lead elsewhere. */
static bool is_below(struct att_slice s)
{
    size_t part = 0;

    if (s.len == 0 || s.len > ATT_DEB_PATH_MAX || s.p[0] == '/') {
        return false;
    }
    for (size_t i = 0; i <= s.len; i++) {
        if (i < s.len && (s.p[i] <= ' ' || s.p[i] == 0x7f)) {
            return false;
        }
        if (i < s.len && s.p[i] != '/') {
            continue;
        }
        if (i - part == 2 && s.p[part] == '.' && s.p[part + 1] == '.') {
            return false;
        }
        part = i + 1;
    }
    return true;
}

static bool read_size(uint64_t *out, struct att_slice s)
{
    uint64_t n = 0;

    if (s.len == 0 || s.len > SIZE_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
        n = n * 10 + (uint64_t)(s.p[i] - '0');
    }
    *out = n;
    return true;
}

static bool read_digest(uint8_t out[32], struct att_slice s)
{
    size_t len = 0;

    return s.len == 64 && att_hex_decode(out, 32, &len, (const char *)s.p, s.len) == ATT_OK;
}

/* A field that must be there. */
static enum att_err need(const struct att_deb822_field *f, size_t stanza, bool good,
                         const char *expected, struct att_diag *diag)
{
    char shown[80];

    if (f->value.p == NULL) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_DEB822, f->name,
                        "%zu: the stanza has no field %s", stanza, f->name);
    }
    if (good) {
        return ATT_OK;
    }
    return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_DEB822, f->name,
                    "%zu: %s: expected %s, found \"%s\"", f->line, f->name, expected,
                    att_escape(shown, sizeof(shown), (const char *)f->value.p,
                               f->value.len < 40 ? f->value.len : 40));
}

enum { NAME, VERSION, ARCH, PATH, SIZE, DIGEST, PACKAGE_FIELDS };

static enum att_err read_package(struct att_deb_package *p, const struct att_deb822_field *f,
                                 struct att_diag *diag)
{
    const struct {
        bool good;
        const char *expected;
    } judged[PACKAGE_FIELDS] = {
        [NAME] = {is_package(f[NAME].value), "the name of a package"},
        [VERSION] = {is_version(f[VERSION].value), "a version"},
        [ARCH] = {is_arch(f[ARCH].value), "an architecture"},
        [PATH] = {!ATT_GUARD(DEB_PATH, !is_below(f[PATH].value)), "a path below the repository"},
        [SIZE] = {read_size(&p->size, f[SIZE].value), "a number of bytes"},
        [DIGEST] = {read_digest(p->sha256, f[DIGEST].value), "64 hexadecimal digits"},
    };
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && i < PACKAGE_FIELDS; i++) {
        err = need(&f[i], p->line, judged[i].good, judged[i].expected, diag);
    }
    p->name = f[NAME].value;
    p->version = f[VERSION].value;
    p->arch = f[ARCH].value;
    p->path = f[PATH].value;
    return err;
}

enum att_err att_deb_package_next(struct att_deb_package *out, struct att_deb822 *it, bool *more,
                                  struct att_diag *diag)
{
    struct att_deb822_field f[PACKAGE_FIELDS] = {
        [NAME] = {.name = "Package"},      [VERSION] = {.name = "Version"},
        [ARCH] = {.name = "Architecture"}, [PATH] = {.name = "Filename"},
        [SIZE] = {.name = "Size"},         [DIGEST] = {.name = "SHA256"}};
    struct att_deb_package p = {.line = it->line + 1};
    enum att_err err = att_deb822_next(it, f, PACKAGE_FIELDS, more, diag);

    if (err == ATT_OK && *more) {
        err = read_package(&p, f, diag);
    }
    if (err == ATT_OK && *more) {
        *out = p;
    }
    return err;
}

/* "want flag state" (dpkg-query(1)): the state alone says whether files are there. */
static bool read_state(bool *unpacked, struct att_slice s)
{
    static const char *const STATES[] = {"unpacked",         "half-configured", "triggers-awaited",
                                         "triggers-pending", "installed",       "half-installed",
                                         "not-installed",    "config-files"};
    const uint8_t *blank = s.len > 0 ? memrchr(s.p, ' ', s.len) : NULL;
    struct att_slice state = s;

    if (blank != NULL) {
        state = att_slice_of(blank + 1, s.len - (size_t)(blank + 1 - s.p));
    }
    for (size_t i = 0; i < ATT_COUNT(STATES); i++) {
        if (att_slice_eq(state, att_slice_str(STATES[i]))) {
            *unpacked = i < 6;
            return true;
        }
    }
    return false;
}

enum att_err att_deb_status_next(struct att_deb_status *out, struct att_deb822 *it, bool *more,
                                 struct att_diag *diag)
{
    struct att_deb822_field f[] = {
        {.name = "Package"}, {.name = "Status"}, {.name = "Version"}, {.name = "Architecture"}};
    struct att_deb_status s = {.line = it->line + 1};
    enum att_err err = att_deb822_next(it, f, ATT_COUNT(f), more, diag);

    if (err != ATT_OK || !*more) {
        return err;
    }
    err = need(&f[0], s.line, is_package(f[0].value), "the name of a package", diag);
    if (err == ATT_OK) {
        err = need(&f[1], s.line, read_state(&s.unpacked, f[1].value), "a state of dpkg", diag);
    }
    if (err == ATT_OK && s.unpacked) {
        err = need(&f[2], s.line, is_version(f[2].value), "a version", diag);
    }
    if (err == ATT_OK && s.unpacked) {
        err = need(&f[3], s.line, is_arch(f[3].value), "an architecture", diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    s.name = f[0].value;
    if (s.unpacked) {
        s.version = f[2].value;
        s.arch = f[3].value;
    }
    *out = s;
    return ATT_OK;
}

static bool begins(struct att_slice s, const char *with)
{
    size_t len = strlen(with);

    return s.len >= len && memcmp(s.p, with, len) == 0;
}

static enum att_err not_clear_signed(struct att_diag *diag, const char *what)
{
    return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_DEB822, "InRelease", "%s", what);
}

/* RFC 4880, 7: header lines, an empty line, the text, the signature, and nothing else. */
static enum att_err signed_text(struct att_slice *out, struct att_slice file, struct att_diag *diag)
{
    struct att_slice s = file;
    const uint8_t *end = NULL;
    const uint8_t *last = NULL;

    if (!begins(file, "-----")) {
        *out = file;
        return ATT_OK;
    }
    if (!begins(file, SIGNED_BEGIN)) {
        return not_clear_signed(diag, "expected a text signed with OpenPGP, found another armour");
    }
    s = att_slice_of(s.p + strlen(SIGNED_BEGIN), s.len - strlen(SIGNED_BEGIN));
    while (begins(s, "Hash: ") && memchr(s.p, '\n', s.len) != NULL) {
        const uint8_t *line = memchr(s.p, '\n', s.len);

        s = att_slice_of(line + 1, s.len - (size_t)(line + 1 - s.p));
    }
    if (!begins(s, "\n")) {
        return not_clear_signed(diag, "expected Hash and an empty line before the signed text");
    }
    s = att_slice_of(s.p + 1, s.len - 1);
    end = memmem(s.p, s.len, SIGNATURE_BEGIN, strlen(SIGNATURE_BEGIN));
    last = memmem(file.p, file.len, SIGNATURE_END, strlen(SIGNATURE_END));
    if (end == NULL || last == NULL || last < end) {
        return not_clear_signed(diag, "it ends before its signature does");
    }
    if (ATT_GUARD(DEB_UNSIGNED, last + strlen(SIGNATURE_END) != file.p + file.len)) {
        return not_clear_signed(diag, "text stands behind the signed one");
    }
    *out = att_slice_of(s.p, (size_t)(end + 1 - s.p));
    return ATT_OK;
}

/* The next word of a line; empty at its end. */
static struct att_slice word(struct att_slice *line)
{
    size_t skip = 0;
    size_t len = 0;
    struct att_slice out;

    while (skip < line->len && (line->p[skip] == ' ' || line->p[skip] == '\t')) {
        skip++;
    }
    while (skip + len < line->len && line->p[skip + len] != ' ' && line->p[skip + len] != '\t') {
        len++;
    }
    out = att_slice_of(line->p + skip, len);
    *line = att_slice_of(line->p + skip + len, line->len - skip - len);
    return out;
}

/* The last component is Packages, or Packages with one extension. */
static bool is_index(struct att_slice path)
{
    const uint8_t *slash = memrchr(path.p, '/', path.len);
    struct att_slice name = path;

    if (slash != NULL) {
        name = att_slice_of(slash + 1, path.len - (size_t)(slash + 1 - path.p));
    }
    return begins(name, "Packages") && (name.len == 8 || name.p[8] == '.');
}

static enum att_err take_entry(bool *same, struct att_slice line, size_t number,
                               const uint8_t sha256[32], uint64_t size, struct att_diag *diag)
{
    uint8_t digest[32];
    uint64_t bytes = 0;
    struct att_slice hex = word(&line);
    struct att_slice count = word(&line);
    struct att_slice path = word(&line);

    if (!read_digest(digest, hex) || !read_size(&bytes, count) || path.len == 0 ||
        word(&line).len > 0) {
        return att_deb822_refuse(diag, number, "expected a SHA-256, a size and a path");
    }
    *same = *same || (bytes == size && memcmp(digest, sha256, 32) == 0 && is_index(path));
    return ATT_OK;
}

/* One entry a line; the first line is behind the field's name, and empty. */
static enum att_err look_for(bool *same, const struct att_deb822_field *list,
                             const uint8_t sha256[32], uint64_t size, struct att_diag *diag)
{
    struct att_rd rd = att_rd_slice(list->value);
    enum att_err err = ATT_OK;

    for (size_t number = list->line; err == ATT_OK && att_rd_left(&rd) > 0; number++) {
        struct att_slice ahead = att_rd_ahead(&rd);
        const uint8_t *end = memchr(ahead.p, '\n', ahead.len);
        struct att_slice line =
            att_rd_bytes(&rd, end != NULL ? (size_t)(end - ahead.p) : ahead.len);

        att_rd_skip(&rd, end != NULL ? 1 : 0);
        if (number > list->line) {
            err = take_entry(same, line, number, sha256, size, diag);
        }
    }
    return err;
}

static size_t lines_before(struct att_slice file, const uint8_t *at)
{
    size_t count = 0;

    for (const uint8_t *p = file.p; p < at; p++) {
        count += *p == '\n' ? 1 : 0;
    }
    return count;
}

enum att_err att_deb_release_names(bool *named, struct att_slice file, const uint8_t sha256[32],
                                   uint64_t size, struct att_diag *diag)
{
    struct att_slice text = file;
    struct att_deb822 it;
    struct att_deb822_field list = {.name = "SHA256"};
    bool more = false;
    bool same = false;
    enum att_err err = signed_text(&text, file, diag);

    if (err != ATT_OK) {
        return err;
    }
    it = att_deb822_from(text);
    it.line = lines_before(file, text.p);
    err = att_deb822_next(&it, &list, 1, &more, diag);
    if (err == ATT_OK && list.value.p == NULL) {
        return att_deb822_refuse(diag, it.line, "it has no list SHA256");
    }
    if (err == ATT_OK) {
        err = look_for(&same, &list, sha256, size, diag);
    }
    if (err == ATT_OK) {
        *named = same;
    }
    return err;
}

enum att_err att_deb_ask_parse(struct att_deb_status *out, struct att_slice text)
{
    struct att_deb_status ask = {.name = text};
    const uint8_t *mark = text.len > 0 ? memchr(text.p, '=', text.len) : NULL;

    if (mark != NULL) {
        ask.version = att_slice_of(mark + 1, text.len - (size_t)(mark + 1 - text.p));
        ask.name.len = (size_t)(mark - text.p);
    }
    mark = ask.name.len > 0 ? memchr(ask.name.p, ':', ask.name.len) : NULL;
    if (mark != NULL) {
        ask.arch = att_slice_of(mark + 1, ask.name.len - (size_t)(mark + 1 - ask.name.p));
        ask.name.len = (size_t)(mark - ask.name.p);
    }
    if (!is_package(ask.name) || (ask.version.p != NULL && !is_version(ask.version)) ||
        (ask.arch.p != NULL && !is_arch(ask.arch))) {
        return ATT_E_FORMAT;
    }
    *out = ask;
    return ATT_OK;
}
