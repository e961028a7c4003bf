/*
 * attest-unpack image|deb|text: standard input is the file, standard output takes records (record.h).
 *
 * Started by `attestctl refvals make`; the one program that links libraries for archives and images.
 */
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/wr.h"
#include "unpack/box.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN
#endif
#endif

#define CONTENT_MAX   (UINT64_C(1) << 40)
#define RATIO_MAX     2000
#define RATIO_FREE    (UINT64_C(1) << 28)
#define MEMORY_MAX    (UINT64_C(3) << 30)
#define CPU_SECONDS   7200
#define EXT_MAGIC_OFF 1080

static enum att_err send_record(struct box *b, const struct unpack_head *h, const char *text,
                                const uint8_t *digest)
{
    uint8_t raw[UNPACK_HEAD_LEN];
    struct att_wr w = att_wr_into(raw, sizeof(raw));

    att_wr_u8(&w, h->kind);
    att_wr_u8(&w, h->err);
    att_wr_u16le(&w, h->len);
    att_wr_u8(&w, h->reason);
    if (fwrite(raw, 1, sizeof(raw), b->to) != sizeof(raw) ||
        fwrite(text, 1, h->len, b->to) != h->len ||
        (digest != NULL && fwrite(digest, 1, 32, b->to) != 32)) {
        return ATT_E_IO;
    }
    return ATT_OK;
}

enum att_err box_more(struct box *b, uint64_t bytes, struct att_diag *diag)
{
    uint64_t most =
        b->len > CONTENT_MAX / RATIO_MAX ? CONTENT_MAX : b->len * RATIO_MAX + RATIO_FREE;

    if (bytes > most || b->content > most - bytes) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_ARCHIVE, "archive",
                        "it unpacks to more than %d times its size", RATIO_MAX);
    }
    b->content += bytes;
    return ATT_OK;
}

enum att_err box_file(struct box *b, const char *name, const uint8_t digest[32])
{
    struct unpack_head h = {.kind = UNPACK_FILE, .len = (uint16_t)strlen(name)};

    return send_record(b, &h, name, digest);
}

enum att_err box_link(struct box *b, const char *name, const char *target)
{
    struct unpack_head h = {.kind = UNPACK_LINK, .len = (uint16_t)strlen(name)};
    uint8_t digest[32];
    enum att_err err = att_sha256(att_slice_str(target), digest);

    return err == ATT_OK ? send_record(b, &h, name, digest) : err;
}

enum att_err box_package(struct box *b)
{
    struct unpack_head h = {.kind = UNPACK_PACKAGE};

    return send_record(b, &h, "", NULL);
}

enum att_err box_text(struct box *b, const char *part, size_t len)
{
    struct unpack_head h = {.kind = UNPACK_TEXT, .len = (uint16_t)len};

    return send_record(b, &h, part, NULL);
}

/* One component of a name onto what is there. */
static enum att_err add_part(char room[UNPACK_NAME_ROOM], size_t *len, const char *part,
                             size_t part_len)
{
    if (part_len == 0 || (part_len == 1 && part[0] == '.')) {
        return ATT_OK;
    }
    if (part_len == 2 && part[0] == '.' && part[1] == '.') {
        return ATT_E_FORMAT;
    }
    if (*len + 1 + part_len >= UNPACK_NAME_MAX) {
        return ATT_E_LIMIT;
    }
    room[(*len)++] = '/';
    memcpy(room + *len, part, part_len);
    *len += part_len;
    return ATT_OK;
}

enum att_err box_name(char room[UNPACK_NAME_ROOM], const char *name, struct att_diag *diag)
{
    const char *at = name;
    size_t len = 0;
    enum att_err err = ATT_OK;
    char shown[96];

    while (err == ATT_OK && *at != '\0') {
        size_t part = strcspn(at, "/");

        err = add_part(room, &len, at, part);
        at += part + (at[part] == '/' ? 1 : 0);
    }
    room[len] = '\0';
    return err == ATT_OK ? err
                         : att_fail(diag, err, ATT_R_FMT_ARCHIVE, "name",
                                    "a path that leads out of the root or is too long: %s",
                                    att_escape(shown, sizeof(shown), name, strlen(name)));
}

static void limit(int what, rlim_t value)
{
    struct rlimit r = {value, value};

    (void)setrlimit((__rlimit_resource_t)what, &r);
}

static void confine(void)
{
#ifndef UNDER_ASAN /* its shadow is terabytes of address space */
    limit(RLIMIT_AS, MEMORY_MAX);
#endif
    limit(RLIMIT_CPU, CPU_SECONDS);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

typedef enum att_err (*reader)(struct box *b, struct att_diag *diag);

static bool holds(int fd, off_t off, const char *magic, size_t len)
{
    char found[16];

    return pread(fd, found, len, off) == (ssize_t)len && memcmp(found, magic, len) == 0;
}

static reader reader_for(int fd)
{
    if (holds(fd, 0, "hsqs", 4)) {
        return read_squashfs;
    }
    if (holds(fd, EXT_MAGIC_OFF, "\x53\xef", 2)) {
        return read_ext;
    }
    return holds(fd, 0, "!<arch>\n", 8) ? read_deb : read_archive;
}

static enum att_err unpack(struct box *b, const char *what, struct att_diag *diag)
{
    struct stat st;
    reader read = NULL;
    enum att_err err = att_hasher_new(&b->hasher);

    if (err != ATT_OK || fstat(b->fd, &st) != 0) {
        return err != ATT_OK ? err : ATT_E_IO;
    }
    b->len = (uint64_t)st.st_size;
    if (strcmp(what, "text") == 0) {
        return read_text(b, diag);
    }
    read = strcmp(what, "deb") == 0 ? read_deb : reader_for(b->fd);
    if (read == read_deb) {
        err = box_package(b);
    }
    return err == ATT_OK ? read(b, diag) : err;
}

int main(int argc, char **argv)
{
    struct box b = {.fd = STDIN_FILENO, .to = stdout};
    struct att_diag diag = {0};
    struct unpack_head h = {.kind = UNPACK_END};
    enum att_err err = ATT_OK;

    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* names in archives may be converted by it */
    confine();
    if (argc != 2) {
        return 2;
    }
    err = unpack(&b, argv[1], &diag);
    if (err != ATT_OK) {
        h = (struct unpack_head){UNPACK_FAIL, (uint8_t)err, (uint16_t)strlen(diag.text),
                                 (uint8_t)diag.reason};
    }
    if (send_record(&b, &h, diag.text, NULL) != ATT_OK || fflush(stdout) != 0) {
        return 1;
    }
    att_hasher_free(b.hasher);
    return 0;
}
