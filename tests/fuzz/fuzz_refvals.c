/*
 * A file that opens is searched without leaving it, however its tables lie; one that is checked finds what it
 * lists, and made again from its entries it is no larger. The same bytes mapped from a file are the same.
 */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rd.h"
#include "fuzz.h"
#include "policy/refval.h"

#define HEADER 48  /* docs/formats/refvals.md */
#define FIRST  256 /* buckets of digests */

static uint32_t bucket_end(const uint8_t *data, size_t i)
{
    struct att_rd r = att_rd_from(data + HEADER + 4 * i, 4);

    return att_rd_u32le(&r);
}

/* Names that hash alike are found under one; a digest and none are both answers. */
static void looked_up(const struct att_refvals *r, const uint8_t digest[32])
{
    static const uint8_t zero[32];
    const uint8_t *asked[ATT_REFVALS_EACH + 1] = {digest, NULL, zero};
    bool has[ATT_REFVALS_EACH + 1];
    struct att_refvals_found found;
    uint8_t expected[2][32];
    size_t count = 0;

    HOLDS(att_refvals_look(&found, r, att_slice_str("/etc/a.conf"), digest) == ATT_OK);
    HOLDS(found.count <= att_refvals_count(r) && (found.first != NULL) == (found.count > 0));
    HOLDS(att_refvals_expected(&count, r, att_slice_str("/etc/a.conf"), expected, 2) == ATT_OK);
    HOLDS(count == found.count);
    HOLDS(count == 0 || memcmp(expected[0], found.first, 32) == 0);
    att_refvals_has_each(has, r, asked, ATT_REFVALS_EACH + 1);
    HOLDS(has[0] == att_refvals_has(r, digest) && !has[1] && has[2] == att_refvals_has(r, zero));
}

static void made_again(const struct att_refvals *r, struct att_slice in, bool checked)
{
    ATT_CLEANUP(att_refvals_maker_freep) struct att_refvals_maker *m = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *again = NULL;

    HOLDS(att_refvals_maker_new(&m) == ATT_OK);
    HOLDS(att_refvals_maker_merge(m, r) == ATT_OK);
    HOLDS(att_refvals_maker_finish(&again, m) == ATT_OK);
    HOLDS(!checked || att_buf_len(again) <= in.len);
}

/* From a file, and from what is no file of reference values. */
static void mapped(struct att_slice in)
{
    char path[] = "/tmp/att-fuzz-refvals-XXXXXX";
    ATT_CLEANUP(att_refvals_freep) struct att_refvals *r = NULL;
    ATT_CLEANUP(att_refvals_freep) struct att_refvals *same = NULL;
    struct att_diag diag = {0};
    int fd = mkstemp(path);

    HOLDS(fd >= 0 && att_write_all(fd, in.p, in.len) == ATT_OK && close(fd) == 0);
    HOLDS((att_refvals_map(&r, path, &diag) == ATT_OK) ==
          (att_refvals_open(&same, in, NULL) == ATT_OK));
    HOLDS(unlink(path) == 0);
    HOLDS(r == NULL || att_refvals_bytes(r) == in.len);
    HOLDS(r == NULL || memcmp(att_refvals_digest(r), att_refvals_digest(same), 32) == 0);
    att_refvals_freep(&r);
    HOLDS(att_refvals_map(&r, path, &diag) == ATT_E_NOT_FOUND && diag.reason == ATT_R_FILE);
    HOLDS(att_refvals_map(&r, "/tmp", &diag) == ATT_E_NOT_FOUND && diag.reason == ATT_R_FILE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ATT_CLEANUP(att_refvals_freep) struct att_refvals *r = NULL;
    struct att_slice in = att_slice_of(data, size);
    struct att_diag diag = {0};
    uint8_t digest[32] = {0};
    bool checked = false;

    mapped(in);
    if (att_refvals_open(&r, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_REFVALS);
        return 0;
    }
    HOLDS(att_refvals_count(r) <= size / 39);
    checked = att_refvals_check(r, &diag) == ATT_OK;
    HOLDS(checked || diag.reason == ATT_R_FMT_REFVALS);
    while (att_refvals_count(r) > 0 && digest[0] < FIRST - 1 && bucket_end(data, digest[0]) == 0) {
        digest[0]++;
    }
    if (att_refvals_count(r) > 0) {
        memcpy(digest + 1, data + HEADER + FIRST * 4, sizeof(digest) - 1);
        HOLDS(!checked || att_refvals_has(r, digest));
    }
    looked_up(r, digest);
    made_again(r, in, checked);
    return 0;
}
