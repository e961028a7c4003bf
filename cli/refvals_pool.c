/* The packages themselves: found in a pool, checked against the index, and only then opened. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/guard.h"
#include "crypto/digest.h"
#include "refvals_debian.h"

#define DEB_MAX (UINT64_C(1) << 32)

/* As apt names what it keeps in /var/cache/apt/archives: "_" and ":" and "%" become "%5f" and their like. */
static void quote(char *out, size_t cap, const char *in)
{
    size_t n = 0;

    for (; *in != '\0' && n + 4 < cap; in++) {
        if (strchr("_:%", *in) != NULL) {
            n += (size_t)snprintf(out + n, cap - n, "%%%02x", (unsigned int)(unsigned char)*in);
        } else {
            out[n++] = *in;
        }
    }
    out[n] = '\0';
}

enum place { IN_MIRROR, IN_FOLDER, IN_CACHE, PLACES };

/* Where a pool may have it: as the index says, by its name there alone, and by apt's name. */
static bool place_of(char *out, size_t cap, const char *pool, const struct wanted *w,
                     enum place place)
{
    const char *slash = strrchr(w->path, '/');
    char name[3 * ATT_DEB_WORD_MAX + 8];
    char version[3 * ATT_DEB_WORD_MAX + 8];
    int n = 0;

    if (place == IN_CACHE) {
        quote(name, sizeof(name), w->name);
        quote(version, sizeof(version), w->version);
        n = snprintf(out, cap, "%s/%s_%s_%s.deb", pool, name, version, w->arch);
    } else {
        n = snprintf(out, cap, "%s/%s", pool,
                     place == IN_MIRROR || slash == NULL ? w->path : slash + 1);
    }
    return n > 0 && (size_t)n < cap;
}

static enum att_err locate(struct wanted *w, const struct sources *s)
{
    char path[PATH_MAX];
    struct stat st;

    for (size_t i = 0; w->path != NULL && w->file == NULL && s->pool[i] != NULL; i++) {
        for (int place = IN_MIRROR; place < PLACES && w->file == NULL; place++) {
            if (place_of(path, sizeof(path), s->pool[i], w, (enum place)place) &&
                stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
                w->file = strdup(path);
                if (w->file == NULL) {
                    return ATT_E_NOMEM;
                }
            }
        }
    }
    return ATT_OK;
}

static void full_name(char *out, size_t cap, const struct wanted *w)
{
    (void)snprintf(out, cap, "%s%s%s%s%s", w->name, w->arch != NULL ? ":" : "",
                   w->arch != NULL ? w->arch : "", w->version != NULL ? "=" : "",
                   w->version != NULL ? w->version : "");
}

/* Each by its name, in JSON or on standard error. */
static void name_missing(const struct making *m, json_t *list, const struct wanted *w)
{
    const struct cli *cli = m->r->cli;
    char name[3 * ATT_DEB_WORD_MAX + 8];
    bool indexed = w->path != NULL;

    full_name(name, sizeof(name), w);
    (void)json_array_append_new(
        list, json_pack("{s:s, s:s}", "package", name, "not_in", indexed ? "pool" : "index"));
    if (!cli->json) {
        (void)fprintf(stderr, "attestctl: %s: %s\n",
                      indexed ? tr(cli, "not in the pool", "プールにない")
                              : tr(cli, "not in the index", "索引にない"),
                      name);
    }
}

static enum att_err find_all(struct wanted_list *l, struct making *m, const struct sources *s,
                             struct att_diag *diag)
{
    json_t *list = json_array();
    size_t missing = 0;
    enum att_err err = list == NULL ? ATT_E_NOMEM : ATT_OK;

    for (size_t i = 0; err == ATT_OK && i < l->count; i++) {
        err = locate(&l->at[i], s);
        if (err == ATT_OK && l->at[i].file == NULL) {
            making_progress_end(m);
            name_missing(m, list, &l->at[i]);
            missing++;
        }
    }
    (void)json_object_set_new(m->r->root, "missing", list);
    if (err != ATT_OK || missing == 0 || (s->skip_missing && missing < l->count)) {
        return err;
    }
    return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_PKG_MISSING, "packages",
                    "%zu of %zu packages are missing", missing, l->count);
}

static enum att_err other_content(const struct wanted *w, struct att_diag *diag, const char *what)
{
    char shown[128];

    return att_fail(diag, ATT_E_MISMATCH, ATT_R_PKG_DIGEST, "package",
                    "%s: it has another %s than the index says",
                    text_safe(shown, sizeof(shown), w->file), what);
}

/* What is hashed is what will be opened: a copy without a name, that nobody changes meanwhile. */
static enum att_err copy_checked(int to, struct making *m, const struct wanted *w, int from,
                                 struct att_diag *diag)
{
    uint8_t digest[32];
    uint64_t size = 0;
    ssize_t n = 1;
    enum att_err err = att_hasher_start(m->hasher, ATT_HASH_SHA256);

    while (err == ATT_OK && n > 0 && size <= w->size) {
        n = read(from, m->chunk, MAKING_CHUNK);
        if (n > 0) {
            size += (uint64_t)n;
            err = att_hasher_add(m->hasher, m->chunk, (size_t)n);
            err = err == ATT_OK ? att_write_all(to, m->chunk, (size_t)n) : err;
        }
    }
    if (err != ATT_OK || n < 0) {
        return err != ATT_OK ? err : ATT_E_IO;
    }
    if (ATT_GUARD(PKG_SIZE, size != w->size)) {
        return other_content(w, diag, "size");
    }
    err = att_hasher_finish(m->hasher, digest);
    if (err == ATT_OK && ATT_GUARD(PKG_DIGEST, memcmp(digest, w->sha256, 32) != 0)) {
        return other_content(w, diag, "SHA-256");
    }
    return err;
}

static enum att_err open_package(int *out, const struct wanted *w, struct att_diag *diag)
{
    char shown[128];

    if (w->size > DEB_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_DEB822, "Size",
                        "%s: expected at most %llu bytes", w->name, (unsigned long long)DEB_MAX);
    }
    *out = open(w->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*out < 0) {
        return att_fail(diag, errno == EACCES ? ATT_E_DENIED : ATT_E_NOT_FOUND, ATT_R_FILE,
                        "package", "cannot open %s: %s", text_safe(shown, sizeof(shown), w->file),
                        strerror(errno));
    }
    return ATT_OK;
}

static enum att_err add_package(struct making *m, const struct wanted *w, struct att_diag *diag)
{
    ATT_CLEANUP(att_closep) int from = -1;
    ATT_CLEANUP(att_closep) int copy = memfd_create("package", MFD_CLOEXEC);
    enum att_err err = copy < 0 ? ATT_E_NOMEM : open_package(&from, w, diag);

    making_progress(m, w->name);
    if (err == ATT_OK) {
        err = copy_checked(copy, m, w, from, diag);
    }
    if (err == ATT_OK && lseek(copy, 0, SEEK_SET) != 0) {
        err = ATT_E_IO;
    }
    if (err != ATT_OK) {
        return err;
    }
    m->packages++;
    return sources_named(making_deb_fd(m, copy, diag), w->file, diag);
}

enum att_err making_repository(struct making *m, const struct sources *s, struct att_diag *diag)
{
    struct wanted_list l = {0};
    enum att_err err = wanted_read(&l, s, diag);

    if (err == ATT_OK) {
        err = wanted_index(&l, m, s, diag);
    }
    if (err == ATT_OK) {
        err = find_all(&l, m, s, diag);
    }
    for (size_t i = 0; err == ATT_OK && i < l.count; i++) {
        err = l.at[i].file != NULL ? add_package(m, &l.at[i], diag) : ATT_OK;
    }
    wanted_clear(&l);
    return err;
}
