/* Names and digests out of tar, cpio (initrd), zip and Debian packages, through libarchive. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "unpack/box.h"

#define ENTRIES_MAX 8000000
#define KEY_LEN     16
#define HOLE_CHUNK  65536

/* The digest of a name that was read: a hard link to it has no content of its own. */
struct seen {
    uint8_t key[KEY_LEN]; /* first bytes of SHA-256 of the name */
    uint8_t digest[32];
};

/* A name whose content stands, or will stand, under another one. */
struct alias {
    char *name;
    uint8_t key[KEY_LEN];
    bool may_be_empty; /* cpio: the content comes with the last of the links, or there is none */
};

struct unpack {
    struct box *b;
    struct archive *a;
    struct att_diag *diag;
    struct seen *seen;
    size_t seen_count, seen_room;
    struct alias *alias;
    size_t alias_count, alias_room;
    size_t entries;
};

static enum att_err refuse(const struct unpack *u, const char *what, const char *at)
{
    char shown[96];

    return att_fail(u->diag, ATT_E_FORMAT, ATT_R_FMT_ARCHIVE, "archive", "entry %zu (%s): %s",
                    u->entries, att_escape(shown, sizeof(shown), at, strlen(at)), what);
}

/* libarchive's own words for what it does not accept. */
static enum att_err refuse_read(const struct unpack *u, const char *at)
{
    const char *why = archive_error_string(u->a);
    char shown[96] = "damaged";

    if (why != NULL) {
        (void)att_escape(shown, sizeof(shown), why, strlen(why));
    }
    return refuse(u, shown, at);
}

static enum att_err key_of(uint8_t key[KEY_LEN], const char *name)
{
    uint8_t full[32];
    enum att_err err = att_sha256(att_slice_str(name), full);

    memcpy(key, full, KEY_LEN);
    return err;
}

static void *grown(void *old, size_t count, size_t *room, size_t size)
{
    void *more = old;

    if (count == *room) {
        *room = *room == 0 ? 256 : *room * 2;
        more = reallocarray(old, *room, size);
    }
    return more;
}

static enum att_err remember(struct unpack *u, const char *name, const uint8_t digest[32])
{
    struct seen *more = grown(u->seen, u->seen_count, &u->seen_room, sizeof(*more));

    if (more == NULL) {
        return ATT_E_NOMEM;
    }
    u->seen = more;
    memcpy(more[u->seen_count].digest, digest, 32);
    return key_of(more[u->seen_count++].key, name);
}

static enum att_err await(struct unpack *u, const char *name, const char *target, bool may_be_empty)
{
    struct alias *more = grown(u->alias, u->alias_count, &u->alias_room, sizeof(*more));
    struct alias *x = NULL;

    if (more == NULL) {
        return ATT_E_NOMEM;
    }
    u->alias = more;
    x = &more[u->alias_count];
    *x = (struct alias){.name = strdup(name), .may_be_empty = may_be_empty};
    if (x->name == NULL) {
        return ATT_E_NOMEM;
    }
    u->alias_count++;
    return key_of(x->key, target);
}

static enum att_err hash_zeros(struct unpack *u, uint64_t len)
{
    static const uint8_t ZEROS[HOLE_CHUNK];
    enum att_err err = box_more(u->b, len, u->diag);

    while (err == ATT_OK && len > 0) {
        size_t n = len < sizeof(ZEROS) ? (size_t)len : sizeof(ZEROS);

        err = att_hasher_add(u->b->hasher, ZEROS, n);
        len -= n;
    }
    return err;
}

static enum att_err hash_block(struct unpack *u, const void *data, size_t len)
{
    enum att_err err = box_more(u->b, len, u->diag);

    return err == ATT_OK ? att_hasher_add(u->b->hasher, data, len) : err;
}

/* The content as it will be read on the gateway: holes of a sparse file are zeros. */
static enum att_err hash_entry(struct unpack *u, struct archive_entry *e, const char *name,
                               uint8_t digest[32])
{
    uint64_t pos = 0;
    uint64_t size = archive_entry_size_is_set(e) != 0 && archive_entry_size(e) > 0
                        ? (uint64_t)archive_entry_size(e)
                        : 0;
    enum att_err err = att_hasher_start(u->b->hasher, ATT_HASH_SHA256);

    while (err == ATT_OK) {
        const void *data = NULL;
        size_t len = 0;
        la_int64_t off = 0;
        int got = archive_read_data_block(u->a, &data, &len, &off);

        if (got == ARCHIVE_EOF) {
            break;
        }
        if (got != ARCHIVE_OK || off < 0 || (uint64_t)off < pos) {
            return refuse_read(u, name);
        }
        err = hash_zeros(u, (uint64_t)off - pos);
        err = err == ATT_OK ? hash_block(u, data, len) : err;
        pos = (uint64_t)off + len;
    }
    if (err == ATT_OK && pos < size) {
        err = hash_zeros(u, size - pos);
    }
    return err == ATT_OK ? att_hasher_finish(u->b->hasher, digest) : err;
}

static enum att_err take_content(struct unpack *u, struct archive_entry *e, const char *name)
{
    uint8_t digest[32];
    enum att_err err = hash_entry(u, e, name, digest);

    err = err == ATT_OK ? remember(u, name, digest) : err;
    return err == ATT_OK ? box_file(u->b, name, digest) : err;
}

static enum att_err take_hard_link(struct unpack *u, struct archive_entry *e, const char *name)
{
    char target[UNPACK_NAME_ROOM];
    uint8_t digest[32];
    enum att_err err = box_name(target, archive_entry_hardlink(e), u->diag);

    if (err != ATT_OK || archive_entry_size_is_set(e) == 0 || archive_entry_size(e) <= 0) {
        return err == ATT_OK ? await(u, name, target, false) : err;
    }
    err = hash_entry(u, e, name, digest);
    err = err == ATT_OK ? remember(u, target, digest) : err; /* cpio: the content of them all */
    err = err == ATT_OK ? remember(u, name, digest) : err;
    return err == ATT_OK ? box_file(u->b, name, digest) : err;
}

static enum att_err take_entry(struct unpack *u, struct archive_entry *e)
{
    const char *raw = archive_entry_pathname(e);
    char name[UNPACK_NAME_ROOM];
    enum att_err err = ATT_OK;

    if (raw == NULL) {
        return refuse(u, "a name that is no text", "");
    }
    err = box_name(name, raw, u->diag);
    if (err != ATT_OK || name[0] == '\0') {
        return err;
    }
    if (archive_entry_hardlink(e) != NULL) {
        return take_hard_link(u, e, name);
    }
    if (archive_entry_filetype(e) == AE_IFLNK) {
        const char *target = archive_entry_symlink(e);

        return target == NULL ? refuse(u, "a link without a target", name)
                              : box_link(u->b, name, target);
    }
    if (archive_entry_filetype(e) != AE_IFREG) {
        return ATT_OK;
    }
    if (archive_entry_nlink(e) > 1 && archive_entry_size(e) == 0) {
        return await(u, name, name, true);
    }
    return take_content(u, e, name);
}

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, KEY_LEN);
}

/* Among the first of those seen, which are sorted. */
static const struct seen *find(const struct unpack *u, size_t sorted, const uint8_t key[KEY_LEN])
{
    return sorted == 0 ? NULL : bsearch(key, u->seen, sorted, sizeof(*u->seen), by_key);
}

/* A file of cpio with several names and no content with any of them is empty. */
static enum att_err settle_empty(struct unpack *u)
{
    uint8_t empty[32];
    enum att_err err = att_sha256(att_slice_str(""), empty);

    if (u->seen_count > 0) {
        qsort(u->seen, u->seen_count, sizeof(*u->seen), by_key);
    }
    for (size_t i = 0, known = u->seen_count; err == ATT_OK && i < u->alias_count; i++) {
        if (u->alias[i].may_be_empty && find(u, known, u->alias[i].key) == NULL) {
            err = remember(u, u->alias[i].name, empty);
        }
    }
    if (u->seen_count > 0) {
        qsort(u->seen, u->seen_count, sizeof(*u->seen), by_key);
    }
    return err;
}

/* Hard links, when everything that they may lead to was read. */
static enum att_err take_aliases(struct unpack *u)
{
    enum att_err err = u->alias_count == 0 ? ATT_OK : settle_empty(u);

    for (size_t i = 0; err == ATT_OK && i < u->alias_count; i++) {
        const struct alias *x = &u->alias[i];
        const struct seen *to = find(u, u->seen_count, x->key);

        err = to == NULL ? refuse(u, "a hard link to what is not in the archive", x->name)
                         : box_file(u->b, x->name, to->digest);
    }
    return err;
}

static void forget(struct unpack *u)
{
    for (size_t i = 0; i < u->alias_count; i++) {
        free(u->alias[i].name);
    }
    free(u->alias);
    free(u->seen);
    u->alias = NULL;
    u->seen = NULL;
    u->alias_count = u->alias_room = u->seen_count = u->seen_room = 0;
}

static enum att_err take_entries(struct unpack *u)
{
    struct archive_entry *e = NULL;
    enum att_err err = ATT_OK;

    while (err == ATT_OK) {
        int got = archive_read_next_header(u->a, &e);

        if (got == ARCHIVE_EOF) {
            break;
        }
        u->entries++;
        if (u->entries > ENTRIES_MAX) {
            return att_fail(u->diag, ATT_E_LIMIT, ATT_R_FMT_ARCHIVE, "archive",
                            "expected at most %d entries", ENTRIES_MAX);
        }
        /* ARCHIVE_WARN is a name or attribute that this locale has no form for */
        err = got == ARCHIVE_OK || got == ARCHIVE_WARN ? take_entry(u, e) : refuse_read(u, "");
    }
    if (err == ATT_OK) {
        err = take_aliases(u);
    }
    forget(u);
    return err;
}

/* Only what libarchive decodes itself: a filter that it would start a program for is not read. */
static void add_filters(struct archive *a)
{
    (void)archive_read_support_filter_gzip(a);
    (void)archive_read_support_filter_bzip2(a);
    (void)archive_read_support_filter_xz(a);
    (void)archive_read_support_filter_lzma(a);
    (void)archive_read_support_filter_zstd(a);
    (void)archive_read_support_filter_lz4(a);
    (void)archive_read_support_filter_compress(a);
}

static struct archive *new_reader(bool deb)
{
    struct archive *a = archive_read_new();

    if (a == NULL) {
        return NULL;
    }
    if (deb) {
        (void)archive_read_support_format_ar(a);
        return a;
    }
    add_filters(a);
    (void)archive_read_support_format_tar(a);
    (void)archive_read_support_format_cpio(a);
    (void)archive_read_support_format_zip(a);
    return a;
}

static bool is_cpio(struct archive *a)
{
    return (archive_format(a) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_CPIO;
}

/* One archive of a file that may hold several, as an initrd does. *used is how far it went. */
static enum att_err take_segment(struct unpack *u, struct att_slice in, size_t *used)
{
    enum att_err err = ATT_OK;

    u->a = new_reader(false);
    if (u->a == NULL) {
        return ATT_E_NOMEM;
    }
    *used = in.len;
    err = archive_read_open_memory(u->a, in.p, in.len) == ARCHIVE_OK ? take_entries(u)
                                                                     : refuse_read(u, "");
    if (err == ATT_OK && is_cpio(u->a) && archive_filter_bytes(u->a, -1) > 0) {
        *used = (size_t)archive_filter_bytes(u->a, -1);
    }
    (void)archive_read_free(u->a);
    u->a = NULL;
    return err;
}

static enum att_err take_segments(struct unpack *u, struct att_slice in)
{
    size_t pos = 0;
    enum att_err err = ATT_OK;

    while (err == ATT_OK && pos < in.len) {
        size_t used = 0;

        if (pos > 0 && in.p[pos] == 0) {
            pos++; /* padding between the parts of an initrd */
            continue;
        }
        err = take_segment(u, att_slice_of(in.p + pos, in.len - pos), &used);
        pos = used > in.len - pos ? in.len : pos + used;
    }
    return err == ATT_OK && u->entries == 0 ? refuse(u, "it holds nothing", "") : err;
}

enum att_err read_archive(struct box *b, struct att_diag *diag)
{
    struct unpack u = {.b = b, .diag = diag};
    void *map = mmap(NULL, (size_t)b->len, PROT_READ, MAP_PRIVATE, b->fd, 0);
    enum att_err err = ATT_OK;

    if (map == MAP_FAILED) {
        return att_fail(diag, ATT_E_IO, ATT_R_FILE, "archive", "cannot map it");
    }
    err = take_segments(&u, att_slice_of(map, (size_t)b->len));
    (void)munmap(map, (size_t)b->len);
    return err;
}

/* ---- Debian packages: an ar archive whose member data.tar.* is what will be installed ---- */

struct member {
    struct archive *outer;
};

static la_ssize_t read_member(struct archive *a, void *ctx, const void **out)
{
    struct member *m = ctx;
    size_t len = 0;
    la_int64_t off = 0;
    int got = archive_read_data_block(m->outer, out, &len, &off);

    if (got == ARCHIVE_EOF) {
        return 0;
    }
    if (got != ARCHIVE_OK) {
        archive_set_error(a, EILSEQ, "%s", "the package ends inside it");
        return -1;
    }
    return (la_ssize_t)len;
}

static enum att_err take_data(struct unpack *u, struct archive *outer)
{
    struct member m = {.outer = outer};
    enum att_err err = ATT_OK;

    u->a = new_reader(false);
    if (u->a == NULL) {
        return ATT_E_NOMEM;
    }
    err = archive_read_open(u->a, &m, NULL, read_member, NULL) == ARCHIVE_OK
              ? take_entries(u)
              : refuse_read(u, "data.tar");
    (void)archive_read_free(u->a);
    u->a = outer;
    return err;
}

static enum att_err take_members(struct unpack *u, size_t *data)
{
    struct archive *outer = u->a;
    struct archive_entry *e = NULL;
    int got = ARCHIVE_OK;
    enum att_err err = ATT_OK;

    while (err == ATT_OK && (got = archive_read_next_header(outer, &e)) == ARCHIVE_OK) {
        const char *name = archive_entry_pathname(e);

        if (name != NULL && strncmp(name, "data.tar", 8) == 0) {
            (*data)++;
            err = take_data(u, outer);
        }
    }
    return err == ATT_OK && got != ARCHIVE_EOF ? refuse_read(u, "package") : err;
}

enum att_err read_deb(struct box *b, struct att_diag *diag)
{
    struct unpack u = {.b = b, .diag = diag, .a = new_reader(true)};
    struct archive *outer = u.a;
    size_t data = 0;
    enum att_err err = ATT_OK;

    if (outer == NULL) {
        return ATT_E_NOMEM;
    }
    err = archive_read_open_fd(outer, b->fd, HOLE_CHUNK) == ARCHIVE_OK ? take_members(&u, &data)
                                                                       : refuse_read(&u, "package");
    if (err == ATT_OK && data != 1) {
        err = att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_ARCHIVE, "archive",
                       "expected a Debian package with one data.tar, found %zu of them", data);
    }
    (void)archive_read_free(outer);
    return err;
}

/* ---- one compressed text, such as the index of a repository ---- */

static enum att_err send_text(struct unpack *u)
{
    static char part[UNPACK_NAME_MAX];
    la_ssize_t len = 0;
    enum att_err err = ATT_OK;

    while (err == ATT_OK && (len = archive_read_data(u->a, part, sizeof(part))) > 0) {
        err = box_more(u->b, (uint64_t)len, u->diag);
        err = err == ATT_OK ? box_text(u->b, part, (size_t)len) : err;
    }
    return err == ATT_OK && len < 0 ? refuse_read(u, "text") : err;
}

enum att_err read_text(struct box *b, struct att_diag *diag)
{
    struct unpack u = {.b = b, .diag = diag, .a = archive_read_new()};
    struct archive_entry *e = NULL;
    enum att_err err = ATT_OK;

    if (u.a == NULL) {
        return ATT_E_NOMEM;
    }
    add_filters(u.a);
    (void)archive_read_support_format_raw(u.a);
    err = archive_read_open_fd(u.a, b->fd, HOLE_CHUNK) == ARCHIVE_OK &&
                  archive_read_next_header(u.a, &e) == ARCHIVE_OK
              ? send_text(&u)
              : refuse_read(&u, "text");
    (void)archive_read_free(u.a);
    return err;
}
