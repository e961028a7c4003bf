/* Which packages are asked for, and what the index of a repository says of them. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/hex.h"
#include "refvals_debian.h"

#define RELEASE_MAX 33554432
#define WANTED_MAX  200000

static void wanted_free(struct wanted *w)
{
    free(w->name);
    free(w->version);
    free(w->arch);
    free(w->path);
    free(w->file);
}

void wanted_clear(struct wanted_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        wanted_free(&l->at[i]);
    }
    free(l->at);
    *l = (struct wanted_list){0};
}

/* Of characters that Debian allows: no NUL is among them. NULL for an empty text, which asks for any. */
static char *copy(struct att_slice s)
{
    return s.len > 0 ? strndup((const char *)s.p, s.len) : NULL;
}

static enum att_err add(struct wanted_list *l, const struct att_deb_status *ask)
{
    struct wanted w = {.any_version = ask->version.len == 0, .any_arch = ask->arch.len == 0};

    if (l->count == l->room) {
        size_t room = l->room == 0 ? 1024 : l->room * 2;
        struct wanted *more = room <= WANTED_MAX ? reallocarray(l->at, room, sizeof(w)) : NULL;

        if (more == NULL) {
            return room <= WANTED_MAX ? ATT_E_NOMEM : ATT_E_LIMIT;
        }
        l->at = more;
        l->room = room;
    }
    w.name = copy(ask->name);
    w.version = copy(ask->version);
    w.arch = copy(ask->arch);
    if (w.name == NULL || (!w.any_version && w.version == NULL) ||
        (!w.any_arch && w.arch == NULL)) {
        wanted_free(&w);
        return ATT_E_NOMEM;
    }
    l->at[l->count++] = w;
    return ATT_OK;
}

static enum att_err add_status(struct wanted_list *l, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_deb822 it;
    struct att_deb_status s;
    bool more = true;
    enum att_err err = att_file_read(&file, path, MAKING_TEXT_MAX, diag);

    if (err != ATT_OK) {
        return err;
    }
    it = att_deb822_from(att_buf_slice(file));
    while (err == ATT_OK && more) {
        err = att_deb_status_next(&s, &it, &more, diag);
        if (err == ATT_OK && more && s.unpacked) {
            err = add(l, &s);
        }
    }
    return err;
}

static enum att_err add_ask(struct wanted_list *l, const char *text, struct att_diag *diag)
{
    struct att_deb_status ask;
    char shown[96];

    if (att_deb_ask_parse(&ask, att_slice_str(text)) != ATT_OK) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--package", "expected %s, found %s",
                        "NAME[:ARCHITECTURE][=VERSION]",
                        att_escape(shown, sizeof(shown), text, strlen(text)));
    }
    return add(l, &ask);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct wanted *)a)->name, ((const struct wanted *)b)->name);
}

enum att_err wanted_read(struct wanted_list *l, const struct sources *s, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && s->status[i] != NULL; i++) {
        err = sources_named(add_status(l, s->status[i], diag), s->status[i], diag);
    }
    for (size_t i = 0; err == ATT_OK && s->package[i] != NULL; i++) {
        err = add_ask(l, s->package[i], diag);
    }
    if (err == ATT_OK && l->count == 0) {
        err = att_fail(diag, ATT_E_NOT_FOUND, ATT_R_PKG_MISSING, "--status",
                       "nothing is installed there");
    }
    if (err == ATT_OK) {
        qsort(l->at, l->count, sizeof(*l->at), by_name);
    }
    return err;
}

static bool is_text(const char *mine, struct att_slice theirs)
{
    return att_slice_eq(att_slice_str(mine), theirs);
}

/* Another package that fits: the same one again, another one, or another content under the same version. */
static enum att_err settle_again(const struct wanted *w, const struct att_deb_package *p,
                                 struct att_diag *diag)
{
    char shown[64];
    bool same = is_text(w->version, p->version) && is_text(w->arch, p->arch);

    if (!same) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--package",
                        "%s is there as %s:%s and as another; ask for one: NAME:ARCH=VERSION",
                        text_safe(shown, sizeof(shown), w->name), w->version, w->arch);
    }
    if (ATT_GUARD(PKG_TWICE, w->size != p->size || memcmp(w->sha256, p->sha256, 32) != 0)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_PKG_INDEX, "index",
                        "%zu: %s %s stands here with another content than before", p->line,
                        text_safe(shown, sizeof(shown), w->name), w->version);
    }
    return ATT_OK;
}

static enum att_err settle(struct wanted *w, const struct att_deb_package *p, struct att_diag *diag)
{
    if (w->path != NULL) {
        return settle_again(w, p, diag);
    }
    w->path = copy(p->path);
    w->version = w->any_version ? copy(p->version) : w->version;
    w->arch = w->any_arch ? copy(p->arch) : w->arch;
    w->size = p->size;
    memcpy(w->sha256, p->sha256, sizeof(w->sha256));
    return w->path != NULL && w->version != NULL && w->arch != NULL ? ATT_OK : ATT_E_NOMEM;
}

static int name_against(const void *key, const void *member)
{
    const struct att_slice *name = key;
    const char *other = ((const struct wanted *)member)->name;
    size_t len = strlen(other);
    int order = memcmp(name->p, other, name->len < len ? name->len : len);

    return order != 0 ? order : (name->len > len) - (name->len < len);
}

static enum att_err match(struct wanted_list *l, const struct att_deb_package *p,
                          struct att_diag *diag)
{
    const struct wanted *hit = bsearch(&p->name, l->at, l->count, sizeof(*l->at), name_against);
    size_t i = hit != NULL ? (size_t)(hit - l->at) : l->count;
    enum att_err err = ATT_OK;

    while (i > 0 && i < l->count && is_text(l->at[i - 1].name, p->name)) {
        i--;
    }
    for (; err == ATT_OK && i < l->count && is_text(l->at[i].name, p->name); i++) {
        struct wanted *w = &l->at[i];

        if ((w->any_version || is_text(w->version, p->version)) &&
            (w->any_arch || is_text(w->arch, p->arch))) {
            err = settle(w, p, diag);
        }
    }
    return err;
}

static bool compressed(struct att_slice s)
{
    static const char *const MAGIC[] = {"\x1f\x8b", "\xfd\x37zXZ", "\x28\xb5\x2f\xfd",
                                        "\x04\x22\x4d\x18", "BZh"};

    for (size_t i = 0; i < ATT_COUNT(MAGIC); i++) {
        size_t len = strlen(MAGIC[i]);

        if (s.len >= len && memcmp(s.p, MAGIC[i], len) == 0) {
            return true;
        }
    }
    return false;
}

/* What was hashed is what is unpacked: the bytes go there in a file that has no name. */
static enum att_err unpack(struct att_buf **out, struct making *m, struct att_slice file,
                           struct att_diag *diag)
{
    ATT_CLEANUP(att_closep) int fd = memfd_create("index", MFD_CLOEXEC);
    enum att_err err = fd < 0 ? ATT_E_NOMEM : att_write_all(fd, file.p, file.len);

    if (err == ATT_OK && lseek(fd, 0, SEEK_SET) != 0) {
        err = ATT_E_IO;
    }
    return err == ATT_OK ? making_text_fd(out, m, fd, diag) : err;
}

/* Whether a Release file names these bytes. */
static enum att_err named(bool *out, const struct sources *s, struct att_slice bytes,
                          struct att_diag *diag)
{
    uint8_t digest[32];
    enum att_err err = att_sha256(bytes, digest);

    for (size_t i = 0; err == ATT_OK && !*out && s->release[i] != NULL; i++) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;

        err = att_file_read(&file, s->release[i], RELEASE_MAX, diag);
        if (err == ATT_OK) {
            err = att_deb_release_names(out, att_buf_slice(file), digest, bytes.len, diag);
        }
        err = sources_named(err, s->release[i], diag);
    }
    return err;
}

/* apt keeps an index unpacked, a mirror has it compressed: Release names both. */
static enum att_err check_release(const struct sources *s, struct att_slice file,
                                  struct att_slice text, const char *path, struct att_diag *diag)
{
    bool good = false;
    char shown[96];
    enum att_err err = named(&good, s, file, diag);

    if (err == ATT_OK && !good && file.p != text.p) {
        err = named(&good, s, text, diag);
    }
    if (err == ATT_OK && ATT_GUARD(PKG_INDEX, !good)) {
        err = att_fail(diag, ATT_E_MISMATCH, ATT_R_PKG_INDEX, "index",
                       "%s: no Release file that was given names its SHA-256 and size",
                       text_safe(shown, sizeof(shown), path));
    }
    return err;
}

static enum att_err read_packages(struct wanted_list *l, struct making *m, struct att_slice text,
                                  struct att_diag *diag)
{
    struct att_deb822 it = att_deb822_from(text);
    struct att_deb_package p;
    bool more = true;
    enum att_err err = ATT_OK;

    while (err == ATT_OK && more) {
        err = att_deb_package_next(&p, &it, &more, diag);
        if (err == ATT_OK && more) {
            making_progress(m, "Packages");
            err = match(l, &p, diag);
        }
    }
    return err;
}

static enum att_err read_index(struct wanted_list *l, struct making *m, const struct sources *s,
                               const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *unpacked = NULL;
    struct att_slice text;
    enum att_err err = att_file_read(&file, path, MAKING_TEXT_MAX, diag);

    if (err == ATT_OK && compressed(att_buf_slice(file))) {
        err = unpack(&unpacked, m, att_buf_slice(file), diag);
    }
    if (err != ATT_OK) {
        return sources_named(err, path, diag);
    }
    text = att_buf_slice(unpacked != NULL ? unpacked : file);
    if (s->release[0] != NULL) {
        err = check_release(s, att_buf_slice(file), text, path, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = read_packages(l, m, text, diag);
    return err == ATT_E_CONFIG ? err : sources_named(err, path, diag);
}

enum att_err wanted_index(struct wanted_list *l, struct making *m, const struct sources *s,
                          struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && s->index[i] != NULL; i++) {
        err = read_index(l, m, s, s->index[i], diag);
    }
    m->indexed = true;
    m->released = s->release[0] != NULL;
    return err;
}
