/* Which reader a file is for: by what it begins with, unless the caller says it. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unpack/box.h"

#define EXT_MAGIC_OFF 1080

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

enum att_err unpack(struct box *b, const char *what, struct att_diag *diag)
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
