/* Collecting reference values: names as a gateway measures them, counts, and progress on a terminal. */
#include "refvals_make.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_FIRST_MS 1000
#define PROGRESS_EACH_MS  200
#define FOLDER_DEPTH      4

/* The names below one folder: what a policy's own_complete may name. */
struct folder_set {
    char *folder;
    struct att_name_set *names;
};

static int by_folder(const void *a, const void *b)
{
    return strcmp(((const struct folder_set *)a)->folder, ((const struct folder_set *)b)->folder);
}

static void folder_free(void *p)
{
    struct folder_set *f = p;

    free(f->folder);
    att_name_set_free(f->names);
    free(f);
}

static struct folder_set *folder_new(const char *path, size_t len)
{
    struct folder_set *f = calloc(1, sizeof(*f));

    if (f == NULL) {
        return NULL;
    }
    f->folder = strndup(path, len);
    if (f->folder == NULL || att_name_set_new(&f->names) != ATT_OK) {
        folder_free(f);
        return NULL;
    }
    return f;
}

static enum att_err add_to_folder(struct making *m, const char *path, size_t len,
                                  struct att_slice full)
{
    struct folder_set *f = folder_new(path, len);
    struct folder_set **at = f == NULL ? NULL : tsearch(f, &m->folders, by_folder);

    if (at == NULL) {
        if (f != NULL) {
            folder_free(f);
        }
        return ATT_E_NOMEM;
    }
    if (*at != f) {
        folder_free(f);
    }
    return att_name_set_add((*at)->names, full);
}

/* Each folder above a name, from the root down. */
static enum att_err add_to_folders(struct making *m, const char *name, struct att_slice full)
{
    const char *slash = name[0] == '/' ? strchr(name + 1, '/') : NULL;
    enum att_err err = ATT_OK;

    for (int depth = 0; err == ATT_OK && slash != NULL && depth < FOLDER_DEPTH; depth++) {
        err = add_to_folder(m, name, (size_t)(slash - name), full);
        slash = strchr(slash + 1, '/');
    }
    return err;
}

enum att_err making_start(struct making *m, struct report *r)
{
    enum att_err err = ATT_OK;

    *m = (struct making){.r = r};
    m->progress = !r->cli->json && !r->cli->quiet && isatty(STDERR_FILENO) == 1;
    (void)clock_gettime(CLOCK_MONOTONIC, &m->began);
    m->shown = m->began;
    m->chunk = malloc(MAKING_CHUNK);
    err = m->chunk == NULL ? ATT_E_NOMEM : att_refvals_maker_new(&m->maker);
    if (err == ATT_OK) {
        err = att_name_set_new(&m->all);
    }
    return err == ATT_OK ? att_hasher_new(&m->hasher) : err;
}

void making_clear(struct making *m)
{
    making_progress_end(m);
    att_refvals_maker_free(m->maker);
    att_hasher_free(m->hasher);
    att_name_set_freep(&m->all);
    att_name_set_freep(&m->tree);
    tdestroy(m->folders, folder_free);
    m->folders = NULL;
    free(m->chunk);
    for (size_t i = 0; i < m->kept_count; i++) {
        free(m->kept[i].name);
    }
    free(m->kept);
    making_left_clear(m);
    m->kept = NULL;
    m->kept_count = 0;
    m->maker = NULL;
    m->hasher = NULL;
    m->chunk = NULL;
}

static enum att_err keep(struct making *m, const char *name, const uint8_t digest[32])
{
    struct kept *more = m->kept;

    if (m->kept_count == m->kept_room) {
        m->kept_room = m->kept_room == 0 ? 1024 : m->kept_room * 2;
        more = reallocarray(m->kept, m->kept_room, sizeof(*more));
    }
    if (more == NULL) {
        return ATT_E_NOMEM;
    }
    m->kept = more;
    more[m->kept_count].name = strdup(name);
    memcpy(more[m->kept_count].digest, digest, 32);
    return more[m->kept_count++].name == NULL ? ATT_E_NOMEM : ATT_OK;
}

static int by_name(const void *a, const void *b)
{
    const struct kept *x = a;
    const struct kept *y = b;
    int order = strcmp(x->name, y->name);

    return order != 0 ? order : memcmp(x->digest, y->digest, 32);
}

void making_sort(struct making *m)
{
    size_t count = 0;

    if (m->kept_count > 0) {
        qsort(m->kept, m->kept_count, sizeof(*m->kept), by_name);
    }
    for (size_t i = 0; i < m->kept_count; i++) {
        if (count > 0 && by_name(&m->kept[count - 1], &m->kept[i]) == 0) {
            free(m->kept[i].name);
        } else {
            m->kept[count++] = m->kept[i];
        }
    }
    m->kept_count = count;
}

static enum att_err put(struct making *m, const char *prefix, const char *name,
                        const uint8_t digest[32])
{
    char full[MAKING_NAME_ROOM];
    int n = snprintf(full, sizeof(full), "%s%s", prefix, name);

    if (n < 0 || (size_t)n >= sizeof(full)) {
        return ATT_E_LIMIT;
    }
    m->values++;
    if (m->keep) {
        return keep(m, full, digest);
    }
    return att_refvals_maker_add(m->maker, att_slice_of(full, (size_t)n), digest);
}

/* "/lib/modules/RELEASE/...": the release, or NULL. */
static const char *module_release(const char *name, size_t *len)
{
    static const char *const FOLDERS[] = {"/lib/modules/", "/usr/lib/modules/"};

    for (size_t i = 0; i < ATT_COUNT(FOLDERS); i++) {
        size_t skip = strlen(FOLDERS[i]);

        if (strncmp(name, FOLDERS[i], skip) == 0) {
            *len = strcspn(name + skip, "/");
            return name[skip + *len] == '/' && *len > 0 ? name + skip : NULL;
        }
    }
    return NULL;
}

static enum att_err add_release(struct making *m, const char *name)
{
    uint8_t digest[32];
    size_t len = 0;
    const char *release = module_release(name, &len);
    enum att_err err = ATT_OK;

    if (release == NULL || len >= sizeof(m->release) ||
        (strncmp(m->release, release, len) == 0 && m->release[len] == '\0')) {
        return ATT_OK;
    }
    (void)snprintf(m->release, sizeof(m->release), "%.*s", (int)len, release);
    err = att_sha256(att_slice_of(release, len), digest);
    return err == ATT_OK ? put(m, "ima-buf:", "kernel_version", digest) : err;
}

/* The merged /usr: these are links into it on the gateway. */
static bool merged(const char *name)
{
    static const char *const FOLDERS[] = {"/bin/",   "/sbin/",   "/lib/",   "/lib32/",
                                          "/lib64/", "/libx32/", "/libo32/"};

    for (size_t i = 0; i < ATT_COUNT(FOLDERS); i++) {
        if (strncmp(name, FOLDERS[i], strlen(FOLDERS[i])) == 0) {
            return true;
        }
    }
    return false;
}

enum att_err making_add(struct making *m, const char *prefix, const char *name,
                        const uint8_t digest[32])
{
    enum att_err err = put(m, prefix, name, digest);
    char below_usr[MAKING_NAME_ROOM];

    if (err == ATT_OK && m->usrmerge && merged(name)) {
        int n = snprintf(below_usr, sizeof(below_usr), "%s/usr", prefix);

        err = n < 0 ? ATT_E_INTERNAL : put(m, below_usr, name, digest);
    }
    return err == ATT_OK && prefix[0] == '\0' ? add_release(m, name) : err;
}

/* Under the one path that it is measured by: that in /usr, where /bin is a link. */
enum att_err making_listed(struct making *m, bool link, const char *name)
{
    char full[MAKING_NAME_ROOM];
    const size_t prefix = link ? strlen(ATT_LINK_PREFIX) : 0;
    int n = snprintf(full, sizeof(full), "%s%s%s", link ? ATT_LINK_PREFIX : "",
                     m->usrmerge && merged(name) ? "/usr" : "", name);
    struct att_slice whole = att_slice_of(full, n > 0 ? (size_t)n : 0);
    enum att_err err = n < 0 || (size_t)n >= sizeof(full) ? ATT_E_LIMIT : ATT_OK;

    if (err == ATT_OK) {
        err = att_name_set_add(m->all, whole);
    }
    if (err == ATT_OK) {
        err = add_to_folders(m, full + prefix, whole);
    }
    return err == ATT_OK && m->tree != NULL ? att_name_set_add(m->tree, whole) : err;
}

enum att_err making_item(struct making *m, bool link, const char *name, const uint8_t digest[32])
{
    enum att_err err = making_listed(m, link, name);

    return err == ATT_OK ? making_add(m, link ? ATT_LINK_PREFIX : "", name, digest) : err;
}

static enum att_err complete(struct making *m, struct att_name_set *set, const char *prefix)
{
    uint8_t digest[32];
    size_t count = 0;
    enum att_err err = att_name_set_digest(digest, &count, set);

    return err == ATT_OK && count > 0 ? put(m, ATT_COMPLETE_PREFIX, prefix, digest) : err;
}

enum att_err making_tree_begin(struct making *m)
{
    att_name_set_freep(&m->tree);
    return att_name_set_new(&m->tree);
}

enum att_err making_tree_end(struct making *m, const char *tree)
{
    enum att_err err = strcmp(tree, "/") == 0 ? ATT_OK : complete(m, m->tree, tree);

    att_name_set_freep(&m->tree);
    return err;
}

enum att_err making_finish(struct making *m)
{
    enum att_err err = complete(m, m->all, "/");

    while (err == ATT_OK && m->folders != NULL) {
        struct folder_set *f = *(struct folder_set **)m->folders;

        err = complete(m, f->names, f->folder);
        (void)tdelete(f, &m->folders, by_folder);
        folder_free(f);
    }
    return err;
}

enum att_err making_file(struct making *m, const char *name, const uint8_t digest[32])
{
    m->files++;
    making_progress(m, name);
    return making_item(m, false, name, digest);
}

enum att_err making_link(struct making *m, const char *name, const char *target)
{
    uint8_t digest[32];
    enum att_err err = att_sha256(att_slice_str(target), digest);

    m->links++;
    return err == ATT_OK ? making_item(m, true, name, digest) : err;
}

enum att_err making_hash_fd(struct making *m, int fd, uint8_t digest[32])
{
    enum att_err err = att_hasher_start(m->hasher, ATT_HASH_SHA256);
    ssize_t n = 1;

    while (err == ATT_OK && n > 0) {
        if (m->at != NULL) {
            making_progress(m, m->at);
        }
        n = read(fd, m->chunk, MAKING_CHUNK);
        if (n < 0) {
            return ATT_E_IO;
        }
        err = att_hasher_add(m->hasher, m->chunk, (size_t)n);
    }
    return err == ATT_OK ? att_hasher_finish(m->hasher, digest) : err;
}

static long ms_since(const struct timespec *then, const struct timespec *now)
{
    return (now->tv_sec - then->tv_sec) * 1000 + (now->tv_nsec - then->tv_nsec) / 1000000;
}

void making_progress(struct making *m, const char *at)
{
    struct timespec now;
    char shown[60];

    if (!m->progress || clock_gettime(CLOCK_MONOTONIC, &now) != 0 ||
        ms_since(&m->began, &now) < PROGRESS_FIRST_MS ||
        ms_since(&m->shown, &now) < PROGRESS_EACH_MS) {
        return;
    }
    m->shown = now;
    m->drawn = true;
    (void)fprintf(stderr, "\r\033[K%zu %s  %s", m->files, tr(m->r->cli, "files", "ファイル"),
                  text_safe(shown, sizeof(shown), at));
    (void)fflush(stderr);
}

void making_progress_end(struct making *m)
{
    if (m->drawn) {
        (void)fputs("\r\033[K", stderr);
        m->drawn = false;
    }
}
