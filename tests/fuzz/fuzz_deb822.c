/* Debian control files: values lie in their stanza, lines are counted, and what is accepted is of Debian's characters. */
#include <string.h>

#include "fuzz.h"
#include "policy/debian.h"

static void inside(struct att_slice s, const uint8_t *data, size_t size)
{
    HOLDS(s.p == NULL || (s.p >= data && s.p + s.len <= data + size));
}

static size_t breaks(const uint8_t *from, const uint8_t *to)
{
    size_t count = 0;

    for (; from < to; from++) {
        count += *from == '\n' ? 1 : 0;
    }
    return count;
}

static void raw(const uint8_t *data, size_t size)
{
    struct att_deb822 it = att_deb822_from(att_slice_of(data, size));
    struct att_deb822_field f[] = {{.name = "Package"}, {.name = "sha256"}};
    bool more = true;
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    while (err == ATT_OK && more) {
        const uint8_t *from = data + att_rd_off(&it.rd);

        err = att_deb822_next(&it, f, ATT_COUNT(f), &more, &diag);
        for (size_t i = 0; err == ATT_OK && i < ATT_COUNT(f); i++) {
            inside(f[i].value, from, size - (size_t)(from - data));
            HOLDS(f[i].value.p == NULL || f[i].line == breaks(data, f[i].value.p) + 1);
            HOLDS(f[i].value.p == NULL || more);
        }
        HOLDS(err != ATT_OK || it.line == breaks(data, data + att_rd_off(&it.rd)));
    }
    HOLDS(err == ATT_OK ? att_rd_off(&it.rd) == size : diag.reason == ATT_R_FMT_DEB822);
}

static void packages(const uint8_t *data, size_t size)
{
    struct att_deb822 it = att_deb822_from(att_slice_of(data, size));
    struct att_deb_package p;
    bool more = true;
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    while (err == ATT_OK && more) {
        err = att_deb_package_next(&p, &it, &more, &diag);
        if (err == ATT_OK && more) {
            inside(p.name, data, size);
            HOLDS(p.name.len > 0 && memchr(p.name.p, '/', p.name.len) == NULL);
            HOLDS(memchr(p.version.p, '/', p.version.len) == NULL);
            HOLDS(p.path.len > 0 && p.path.p[0] != '/');
            HOLDS(memmem(p.path.p, p.path.len, "/../", 4) == NULL);
        }
    }
    HOLDS(err == ATT_OK || diag.reason == ATT_R_FMT_DEB822);
}

static void status(const uint8_t *data, size_t size)
{
    struct att_deb822 it = att_deb822_from(att_slice_of(data, size));
    struct att_deb_status s;
    bool more = true;
    enum att_err err = ATT_OK;

    while (err == ATT_OK && more) {
        err = att_deb_status_next(&s, &it, &more, NULL);
        if (err == ATT_OK && more) {
            HOLDS(s.name.len > 0 && s.unpacked == (s.version.len > 0));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t digest[32];
    struct att_deb_status ask;
    struct att_diag diag = {0};
    bool named = false;
    enum att_err err = att_deb_release_names(&named, att_slice_of(data, size), digest, 0, &diag);

    HOLDS(err == ATT_OK || (!named && diag.reason == ATT_R_FMT_DEB822));
    HOLDS(att_deb_ask_parse(&ask, att_slice_of(data, size)) != ATT_OK || ask.name.len > 0);
    raw(data, size);
    packages(data, size);
    status(data, size);
    return 0;
}
