/*
 * What attest-unpack makes of any archive or image are records that attestctl takes: names below the root, each with
 * what its kind has, and nothing after a refusal. The first byte chooses: "image" (by what the file begins with),
 * "deb" or "text"; with 64 the rest are runs, each a count of zeros (in eights) and of bytes that follow it, of two
 * bytes each, for images are mostly zeros; from 128 on it is records, as a reader that was taken over could write them.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/rd.h"
#include "base/wr.h"
#include "fuzz.h"
#include "unpack/box.h"
#include "unpack_record.h"

#define IMAGE_MAX    262144
#define CONTENT_LEFT 262144
enum { RUNS = 64, RECORDS = 128 };

/*
 * The program has its memory limited, and a library that is told of a huge file asks for it: refused here too. What a
 * library loses on the way out of a refusal ends with the process that the reader is.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=64";
}

/* No part of a name is empty, "." or "..". */
static bool below_root(const char *name)
{
    const char *at = name;

    while (at[0] == '/') {
        size_t len = strcspn(at + 1, "/");

        if (len == 0 || strncmp(at, "/.", len + 1) == 0 || strncmp(at, "/..", len + 1) == 0) {
            return false;
        }
        at += 1 + len;
    }
    return at > name && *at == '\0';
}

/* All records to the end; how many. */
static size_t taken(FILE *from, bool ours)
{
    static struct unpack_record r;
    size_t count = 0;

    while (unpack_receive(&r, from)) {
        bool named = r.head.kind == UNPACK_FILE || r.head.kind == UNPACK_LINK;

        HOLDS(strlen(r.text) == r.head.len && r.head.len < sizeof(r.text));
        HOLDS(!ours || named || r.head.kind == UNPACK_TEXT || r.head.kind == UNPACK_PACKAGE);
        HOLDS(!ours || !named || below_root(r.text));
        count++;
    }
    return count;
}

static FILE *memory(const uint8_t *p, size_t len)
{
    FILE *f = fmemopen((void *)(uintptr_t)p, len, "r");

    HOLDS(f != NULL);
    return f;
}

static void read_by_us(const char *what, struct att_slice in)
{
    struct att_diag diag = {0};
    char *out = NULL;
    size_t len = 0;
    struct box b = {.to = open_memstream(&out, &len), .fd = memfd_create("fuzz", MFD_CLOEXEC)};
    enum att_err err = ATT_OK;

    /* as if most of what it may unpack to had come: no time goes into hashing zeros */
    b.content = in.len * BOX_RATIO_MAX + BOX_RATIO_FREE - CONTENT_LEFT;
    HOLDS(b.to != NULL && b.fd >= 0);
    HOLDS(write(b.fd, in.p, in.len) == (ssize_t)in.len && lseek(b.fd, 0, SEEK_SET) == 0);
    err = unpack(&b, what, &diag);
    HOLDS(fclose(b.to) == 0 && close(b.fd) == 0);
    HOLDS(err == ATT_OK || (diag.reason == ATT_R_FMT_ARCHIVE && diag.text[0] != '\0'));
    if (len > 0 && strcmp(what, "text") != 0) {
        FILE *f = memory((const uint8_t *)out, len);

        (void)taken(f, true);
        HOLDS(feof(f) != 0 && fclose(f) == 0); /* to the last byte */
    }
    att_hasher_free(b.hasher);
    free(out);
}

static struct att_slice from_runs(struct att_slice in)
{
    static uint8_t image[IMAGE_MAX];
    struct att_rd r = att_rd_slice(in);
    struct att_wr w = att_wr_into(image, sizeof(image));

    while (att_rd_ok(&r) && att_rd_left(&r) >= 4 && att_wr_ok(&w)) {
        for (unsigned int zeros = att_rd_u16be(&r); zeros > 0 && att_wr_ok(&w); zeros--) {
            att_wr_u64be(&w, 0);
        }
        att_wr_slice(&w, att_rd_bytes(&r, att_rd_count16be(&r, (uint32_t)att_rd_left(&r))));
    }
    return att_slice_of(image, w.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const WHAT[] = {"image", "deb", "text"};
    struct att_slice in = att_slice_of(data + (size > 0), size > 0 ? size - 1 : 0);

    if (size < 2) {
        return 0;
    }
    if (data[0] >= RECORDS) {
        FILE *f = memory(in.p, in.len);

        HOLDS(taken(f, false) <= size / UNPACK_HEAD_LEN && fclose(f) == 0);
        return 0;
    }
    in = (data[0] & RUNS) != 0 ? from_runs(in) : in;
    if (in.len > 0) {
        read_by_us(WHAT[data[0] % RUNS % 3], in);
    }
    return 0;
}
