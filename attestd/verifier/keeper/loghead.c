/* A head in CBOR: [size, root, size before, root before, signed root]. */
#include "loghead.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rd.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "sign/cose.h"

#define PLACES      2
#define PLACE_BYTES 4096 /* a place: its length in 4 bytes, then the head */

struct loghead_file {
    int fd;
    unsigned int next; /* the place that is written next */
};

enum att_err loghead_encode(struct att_wr *w, const struct loghead *h)
{
    struct att_slice written;

    att_cbor_wr_array(w, 5);
    att_cbor_wr_uint(w, h->tree.size);
    att_cbor_wr_bytes(w, att_slice_of(h->tree.root, sizeof(h->tree.root)));
    att_cbor_wr_uint(w, h->before.size);
    att_cbor_wr_bytes(w, att_slice_of(h->before.root, sizeof(h->before.root)));
    att_cbor_wr_bytes(w, att_slice_of(h->signed_root, h->signed_len));
    return att_cbor_wr_done(w, &written);
}

static enum att_err check_signature(const struct loghead *h, const struct loghead_keys *keys,
                                    struct att_diag *diag)
{
    struct att_cose m;
    enum att_err err =
        att_cose_parse_detached(&m, att_slice_of(h->signed_root, h->signed_len), diag);

    if (err == ATT_OK)
        err = ATT_E_SIGNATURE;
    for (size_t i = 0; err == ATT_E_SIGNATURE && i < keys->count; i++) {
        ATT_CLEANUP(att_cose_verified_freep) struct att_cose_verified *v = NULL;

        err = att_cose_verify_detached(&v, &m, att_slice_of(h->tree.root, sizeof(h->tree.root)),
                                       keys->key[i], diag);
    }
    return err;
}

enum att_err loghead_decode(struct loghead *out, struct att_slice in,
                            const struct loghead_keys *keys, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct loghead h = {0};
    struct att_slice s;
    enum att_err err;

    if (att_cbor_enter_array(&c, 5) != 5)
        att_cbor_fail(&c, ATT_E_FORMAT);
    h.tree.size = att_cbor_uint_max(&c, ATT_MERKLE_SIZE_MAX);
    att_cbor_bytes_exact(&c, h.tree.root, sizeof(h.tree.root));
    h.before.size = att_cbor_uint_max(&c, ATT_MERKLE_SIZE_MAX);
    att_cbor_bytes_exact(&c, h.before.root, sizeof(h.before.root));
    s = att_cbor_bytes(&c, sizeof(h.signed_root));
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_TL_FSCK, "log head", diag);
    if (err != ATT_OK)
        return err;
    if (s.len > 0)
        memcpy(h.signed_root, s.p, s.len);
    h.signed_len = s.len;
    err = check_signature(&h, keys, diag);
    if (err != ATT_OK)
        return err;
    *out = h;
    return ATT_OK;
}

/* What a place holds; false for one that was never written, or torn. */
static bool read_place(struct loghead *out, const struct loghead_file *f, unsigned int place,
                       const struct loghead_keys *keys, bool *written)
{
    uint8_t bytes[PLACE_BYTES];
    ssize_t n = pread(f->fd, bytes, sizeof(bytes), (off_t)place * PLACE_BYTES);
    struct att_rd r = att_rd_from(bytes, n > 0 ? (size_t)n : 0);
    struct att_slice head = att_rd_bytes(&r, att_rd_u32be(&r));

    *written = *written || n > 0;
    return att_rd_ok(&r) && head.len > 0 && loghead_decode(out, head, keys, NULL) == ATT_OK;
}

static enum att_err read_all(struct loghead *last, bool *any, struct loghead_file *f,
                             const struct loghead_keys *keys, struct att_diag *diag)
{
    bool written = false;

    *any = false;
    for (unsigned int place = 0; place < PLACES; place++) {
        struct loghead h;

        if (!read_place(&h, f, place, keys, &written))
            continue;
        if (*any && h.tree.size < last->tree.size)
            continue;
        *last = h;
        *any = true;
        f->next = (place + 1) % PLACES;
    }
    if (written && !*any)
        return att_fail(diag, ATT_E_FORMAT, ATT_R_TL_FSCK, "log.head",
                        "it holds nothing that this log signed");
    return ATT_OK;
}

static enum att_err open_alone(struct loghead_file *f, const char *path, bool create,
                               struct att_diag *diag)
{
    struct stat st;

    f->fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
    if (f->fd < 0 && errno == ENOENT && !create)
        return ATT_E_NOT_FOUND;
    if (f->fd < 0 || fstat(f->fd, &st) != 0)
        return att_fail(diag, ATT_E_IO, ATT_R_FILE, "log.head", "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0)
        return att_fail(diag, ATT_E_DENIED, ATT_R_CFG_PERM, "log.head",
                        "%s: expected a file of this user with mode 0600", path);
    if (flock(f->fd, LOCK_EX | LOCK_NB) != 0)
        return att_fail(diag, ATT_E_BUSY, ATT_R_TL_LOCK, "log.head",
                        "another process signs this log");
    return create ? att_file_keep_name(path, diag) : ATT_OK;
}

enum att_err loghead_open(struct loghead_file **out, struct loghead *last, bool *any,
                          const char *path, bool create, const struct loghead_keys *keys,
                          struct att_diag *diag)
{
    struct loghead_file *f = calloc(1, sizeof(*f));
    enum att_err err;

    if (f == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "log.head", "memory ran out");
    f->fd = -1;
    err = open_alone(f, path, create, diag);
    if (err == ATT_OK)
        err = read_all(last, any, f, keys, diag);
    if (err != ATT_OK) {
        loghead_close(f);
        if (err != ATT_E_NOT_FOUND)
            return err;
        f = NULL;
        *any = false;
    }
    *out = f;
    return ATT_OK;
}

void loghead_close(struct loghead_file *f)
{
    if (f == NULL)
        return;
    att_closep(&f->fd);
    free(f);
}

enum att_err loghead_write(struct loghead_file *f, const struct loghead *h, struct att_diag *diag)
{
    uint8_t bytes[PLACE_BYTES] = {0};
    struct att_wr head = att_wr_into(&bytes[4], LOGHEAD_MAX);
    struct att_wr len = att_wr_into(bytes, 4);
    enum att_err err = loghead_encode(&head, h);
    ssize_t n;

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "log.head", "it does not fit");
    att_wr_u32be(&len, (uint32_t)head.len);
    n = pwrite(f->fd, bytes, sizeof(bytes), (off_t)f->next * PLACE_BYTES);
    if (n != (ssize_t)sizeof(bytes) || fdatasync(f->fd) != 0)
        return att_fail(diag, ATT_E_IO, ATT_R_FILE, "log.head", "it cannot be written: %s",
                        n < 0 || n == (ssize_t)sizeof(bytes) ? strerror(errno) : "cut short");
    f->next = (f->next + 1) % PLACES;
    return ATT_OK;
}
