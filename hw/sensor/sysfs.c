#include "sensor/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/guard.h"

#define ROOT       "/sys"
#define DEVICE_CAP 256
#define NAME_OF    "name" /* the attribute that says what a device is, of IIO and of hwmon */

struct sysfs {
    int root;
    char device[DEVICE_CAP];
};

static int open_below(int folder, const char *path, int flags, bool links)
{
    struct open_how how = {
        .flags = (unsigned int)(flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | (links ? 0 : RESOLVE_NO_SYMLINKS),
    };

    return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}

/* Letters, digits and what the kernel's names have beside them; so no '/', and no "..". */
static bool is_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-:.";

    return name[0] != '\0' && name[0] != '.' && name[strspn(name, allowed)] == '\0';
}

static enum att_err refuse_errno(const struct sysfs *s, const char *name, int error,
                                 struct att_diag *diag)
{
    char shown[ATT_PROV_NAME];
    bool away = error == ENOENT || error == ENOTDIR || error == ENODEV || error == ENXIO;
    bool leaves = error == EXDEV || error == ELOOP;

    att_escape(shown, sizeof shown, name, strlen(name));
    return att_fail(diag,
                    away     ? ATT_E_NETWORK
                    : leaves ? ATT_E_DENIED
                             : ATT_E_IO,
                    ATT_R_PRV_SOURCE, "attribute", "%.80s/%.60s: %s", s->device, shown,
                    leaves ? "a link that leaves its folder" : strerror(error));
}

/* A regular file, as attributes are: a FIFO would keep the reader, a device is something else. */
static enum att_err open_attribute(int *out, const struct sysfs *s, const char *name,
                                   struct att_diag *diag)
{
    ATT_CLEANUP(att_closep)
    int device = open_below(s->root, s->device, O_PATH | O_DIRECTORY, true);
    ATT_CLEANUP(att_closep)
    int fd = device < 0 ? -1 : open_below(device, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, false);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0)
        return refuse_errno(s, name, errno, diag);
    if (ATT_GUARD(SYSFS_REGULAR, !S_ISREG(st.st_mode)))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_SOURCE, "attribute",
                        "expected a plain file, found a folder, FIFO or device");
    *out = fd;
    fd = -1;
    return ATT_OK;
}

static enum att_err read_attribute(const struct sysfs *s, const char *name,
                                   uint8_t frame[ATT_FRAME_MAX], size_t *len, struct att_diag *diag)
{
    ATT_CLEANUP(att_closep) int fd = -1;
    uint8_t bytes[ATT_FRAME_MAX + 1];
    size_t got = 0;
    ssize_t n = 1;

    if (ATT_GUARD(SYSFS_NAME, !is_name(name)))
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "attribute",
                        "expected the name of an attribute, without a folder");
    enum att_err err = open_attribute(&fd, s, name, diag);
    if (err != ATT_OK)
        return err;
    while (n > 0 && got < sizeof bytes) {
        n = read(fd, bytes + got, sizeof bytes - got);
        if (n < 0 && errno != EINTR)
            return refuse_errno(s, name, errno, diag);
        got += n > 0 ? (size_t)n : 0;
    }
    if (got == 0 || got > ATT_FRAME_MAX)
        return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_SOURCE, "attribute",
                        "expected 1 to %d bytes, found %s", ATT_FRAME_MAX,
                        got == 0 ? "none" : "more");
    memcpy(frame, bytes, got);
    *len = got;
    return ATT_OK;
}

static enum att_err read_frame(void *ctx, const struct att_channel_source *what,
                               uint8_t frame[ATT_FRAME_MAX], size_t *len, struct att_diag *diag)
{
    if (what->bus != ATT_BUS_SYSFS)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "source", "expected a sysfs channel");
    return read_attribute(ctx, what->name, frame, len, diag);
}

static enum att_err describe(void *ctx, const struct att_channel_source *what, char *out,
                             size_t cap, struct att_diag *diag)
{
    const struct sysfs *s = ctx;
    uint8_t frame[ATT_FRAME_MAX];
    char shown[4 * ATT_FRAME_MAX + 1];
    size_t len = 0;
    enum att_err err = read_attribute(s, NAME_OF, frame, &len, diag);

    (void)what;
    if (err == ATT_E_NETWORK && faccessat(s->root, s->device, F_OK, 0) == 0)
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_PRV_SOURCE, "identification",
                        "%.100s has no attribute \"name\"", s->device);
    if (err != ATT_OK)
        return err;
    len -= frame[len - 1] == '\n';
    att_escape(shown, sizeof shown, frame, len);
    if (strlen(shown) >= cap)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_PRV_SOURCE, "identification",
                        "expected at most %zu characters, found %zu", cap - 1, strlen(shown));
    memcpy(out, shown, strlen(shown) + 1);
    return ATT_OK;
}

static enum att_err write_frame(void *ctx, const struct att_channel_source *what,
                                const uint8_t *frame, size_t len, struct att_diag *diag)
{
    (void)ctx, (void)what, (void)frame, (void)len;
    return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_PRV_SOURCE, "source",
                    "attributes of the kernel are only read");
}

static void close_source(void *ctx)
{
    struct sysfs *s = ctx;

    att_closep(&s->root);
    free(s);
}

static const struct att_source_ops ops = {
    .read = read_frame, .describe = describe, .write = write_frame, .close = close_source};

/* A device that is not there yet is none of our business; a path that leaves the root is. */
static enum att_err device_check(const struct sysfs *s, struct att_diag *diag)
{
    ATT_CLEANUP(att_closep)
    int device = open_below(s->root, s->device, O_PATH | O_DIRECTORY, true);

    if (device >= 0 || errno == ENOENT || errno == ENOTDIR)
        return ATT_OK;
    if (errno == ENOSYS)
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_PRV_SOURCE, "device",
                        "needs openat2, which Linux has from 5.6 on");
    return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "device",
                    "expected a folder below the root, found one that leaves it: %s",
                    strerror(errno));
}

enum att_err hw_sysfs_open(struct att_source *out, const struct hw_sysfs_options *o,
                           struct att_diag *diag)
{
    const char *root = o->root != NULL ? o->root : ROOT;
    struct sysfs *s = NULL;
    enum att_err err = ATT_OK;

    if (o->device == NULL || o->device[0] == '\0' || strlen(o->device) >= DEVICE_CAP)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "device",
                        "expected a folder below the root, of at most %d bytes", DEVICE_CAP - 1);
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "out of memory");
    memcpy(s->device, o->device, strlen(o->device));
    s->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    err = s->root >= 0 ? device_check(s, diag)
                       : att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "root", "%.100s: %s", root,
                                  strerror(errno));
    if (err != ATT_OK) {
        close_source(s);
        return err;
    }
    out->ops = &ops;
    out->ctx = s;
    return ATT_OK;
}
