/* Reading the compiled reference values: binary searches over mapped bytes. */
#include "policy/refval.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rd.h"
#include "crypto/digest.h"
#include "policy/refval_internal.h"

#define GUESSES 5

struct att_refvals {
    const uint8_t *entry; /* count times REFVAL_ENTRY */
    const uint8_t *index; /* count times 4, little endian */
    size_t count;
    uint8_t digest[32];
    void *map; /* NULL when the bytes are borrowed */
    size_t map_len;
};

void att_refvals_free(struct att_refvals *r)
{
    if (r == NULL) {
        return;
    }
    if (r->map != NULL) {
        (void)munmap(r->map, r->map_len);
    }
    free(r);
}

void att_refvals_freep(struct att_refvals **r)
{
    att_refvals_free(*r);
    *r = NULL;
}

enum att_err att_refvals_open(struct att_refvals **out, struct att_slice mapped,
                              struct att_diag *diag)
{
    struct att_rd rd = att_rd_slice(mapped);
    struct att_slice magic = att_rd_bytes(&rd, REFVAL_MAGIC_LEN);
    uint64_t count = att_rd_u64le(&rd);
    struct att_refvals *r = NULL;
    struct att_slice entries;
    struct att_slice index;
    uint8_t digest[32];
    enum att_err err = ATT_OK;

    att_rd_copy(&rd, digest, sizeof(digest));
    if (att_rd_ok(&rd) && !att_slice_eq(magic, att_slice_str(REFVAL_MAGIC))) {
        return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_REFVALS, "magic", 0, "expected \"%s\"",
                           REFVAL_MAGIC);
    }
    if (count > REFVAL_COUNT_MAX) {
        return att_fail_at(diag, ATT_E_LIMIT, ATT_R_FMT_REFVALS, "count", REFVAL_MAGIC_LEN,
                           "at most %u entries", REFVAL_COUNT_MAX);
    }
    entries = att_rd_bytes(&rd, (size_t)count * REFVAL_ENTRY);
    index = att_rd_bytes(&rd, (size_t)count * 4);
    err = att_rd_end_diag(&rd, ATT_R_FMT_REFVALS, "reference values", diag);
    if (err != ATT_OK) {
        return err;
    }
    r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "reference values", "no memory");
    }
    r->entry = entries.p;
    r->index = index.p;
    r->count = (size_t)count;
    memcpy(r->digest, digest, sizeof(digest));
    *out = r;
    return ATT_OK;
}

enum att_err att_refvals_map(struct att_refvals **out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    char shown[96];
    void *map = NULL;
    enum att_err err = ATT_OK;

    (void)att_escape(shown, sizeof(shown), path, strlen(path));
    if (fd < 0 || fstat(fd, &st) != 0) {
        err = errno == EACCES || errno == EPERM ? ATT_E_DENIED : ATT_E_NOT_FOUND;
        return att_fail(diag, err, ATT_R_FILE, "reference values", "cannot open %s: %s", shown,
                        strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_FILE, "reference values",
                        "%s is not a regular file", shown);
    }
    if (st.st_size <= 0) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_REFVALS, "reference values", "%s is empty",
                        shown);
    }
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        return att_fail(diag, ATT_E_IO, ATT_R_FILE, "reference values", "cannot map %s", shown);
    }
    err = att_refvals_open(out, att_slice_of(map, (size_t)st.st_size), diag);
    if (err != ATT_OK) {
        (void)munmap(map, (size_t)st.st_size);
        return err;
    }
    (*out)->map = map;
    (*out)->map_len = (size_t)st.st_size;
    return ATT_OK;
}

uint64_t att_refvals_count(const struct att_refvals *r)
{
    return r->count;
}

const uint8_t *att_refvals_digest(const struct att_refvals *r)
{
    return r->digest;
}

static const uint8_t *entry_at(const struct att_refvals *r, size_t i)
{
    return r->entry + i * REFVAL_ENTRY;
}

const uint8_t *att_refvals_entry(const struct att_refvals *r, size_t i)
{
    return entry_at(r, i);
}

/* The entry behind place i of the name index; the file is the operator's, but a bad number must not read
 * outside it. */
static const uint8_t *named_at(const struct att_refvals *r, size_t i)
{
    struct att_rd rd = att_rd_from(r->index + 4 * i, 4);
    size_t at = att_rd_u32le(&rd);

    return entry_at(r, at < r->count ? at : 0);
}

/* Digests sort as these numbers do, but for equal ones; a call for each byte would cost more than the search. */
static uint64_t first_bytes(const uint8_t *d)
{
    return (uint64_t)d[0] << 56 | (uint64_t)d[1] << 48 | (uint64_t)d[2] << 40 |
           (uint64_t)d[3] << 32 | (uint64_t)d[4] << 24 | (uint64_t)d[5] << 16 |
           (uint64_t)d[6] << 8 | (uint64_t)d[7];
}

/* A stretch of the entries, and bounds of the first bytes of what stands in it. */
struct stretch {
    size_t low, high;
    uint64_t least, most;
};

/* Where a digest would stand if the digests between were spread evenly, as hashes are. */
static size_t guess(const struct stretch *s, uint64_t wanted)
{
    uint64_t wide = (s->most - s->least) >> 32;
    uint64_t part = (wanted - s->least) >> 32;

    /* below 2^24 entries and 2^32: no product overflows */
    return wide == 0 || part >= wide ? s->high - 1
                                     : s->low + (size_t)(part * (s->high - s->low) / wide);
}

/* One digest being looked for. */
struct seeking {
    struct stretch s;
    const uint8_t *digest;
    uint64_t wanted;
    size_t at; /* where it is looked for next */
    int tries;
    bool found;
};

/*
 * Each guess touches one entry, and two or three of them leave a stretch that fits a page; a set that is not
 * spread evenly is halved as ever. False when there is nowhere left to look.
 */
static bool aim(struct seeking *k, const struct att_refvals *r)
{
    if (k->s.low >= k->s.high) {
        return false;
    }
    k->at = k->tries++ < GUESSES ? guess(&k->s, k->wanted) : k->s.low + (k->s.high - k->s.low) / 2;
    __builtin_prefetch(entry_at(r, k->at));
    return true;
}

static bool start(struct seeking *k, const struct att_refvals *r, const uint8_t *digest)
{
    *k = (struct seeking){.s = {.high = r->count, .most = UINT64_MAX},
                          .digest = digest,
                          .wanted = first_bytes(digest)};
    return aim(k, r);
}

/* Look, then aim again; false when the search is over. */
static bool step(struct seeking *k, const struct att_refvals *r)
{
    uint64_t first = first_bytes(entry_at(r, k->at));
    int order = first != k->wanted ? (first < k->wanted ? -1 : 1)
                                   : memcmp(entry_at(r, k->at), k->digest, 32);

    if (order == 0) {
        k->found = true;
        return false;
    }
    if (order < 0) {
        k->s.low = k->at + 1;
        k->s.least = first;
    } else {
        k->s.high = k->at;
        k->s.most = first;
    }
    return aim(k, r);
}

bool att_refvals_has(const struct att_refvals *r, const uint8_t digest[32])
{
    struct seeking k;
    bool open = start(&k, r, digest);

    while (open) {
        open = step(&k, r);
    }
    return k.found;
}

/* Memory answers late: while one search waits, the others go on. */
void att_refvals_has_each(bool *out, const struct att_refvals *r, const uint8_t *const *digest,
                          size_t count)
{
    struct seeking k[ATT_REFVALS_EACH];
    bool open[ATT_REFVALS_EACH] = {false};
    size_t left = 0;

    for (size_t i = 0; i < count && i < ATT_REFVALS_EACH; i++) {
        k[i].found = false;
        open[i] = digest[i] != NULL && start(&k[i], r, digest[i]);
        left += open[i] ? 1 : 0;
    }
    while (left > 0) {
        for (size_t i = 0; i < count && i < ATT_REFVALS_EACH; i++) {
            if (open[i] && !step(&k[i], r)) {
                open[i] = false;
                left--;
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        out[i] = i < ATT_REFVALS_EACH && k[i].found;
    }
}

/* The first place of the index whose name hash is not below the wanted one. */
static size_t first_named(const struct att_refvals *r, const uint8_t name_hash[REFVAL_NAME])
{
    size_t low = 0;
    size_t high = r->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (memcmp(named_at(r, mid) + 32, name_hash, REFVAL_NAME) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

enum att_err att_refval_name_hash(uint8_t out[REFVAL_NAME], struct att_slice name)
{
    uint8_t full[32];
    enum att_err err = att_sha256(name, full);

    if (err == ATT_OK) {
        memcpy(out, full, REFVAL_NAME);
    }
    return err;
}

enum att_err att_refvals_look(struct att_refvals_found *out, const struct att_refvals *r,
                              struct att_slice name, const uint8_t *digest)
{
    struct att_refvals_found found = {0};
    uint8_t hash[REFVAL_NAME];
    enum att_err err = att_refval_name_hash(hash, name);

    if (err != ATT_OK) {
        return err;
    }
    for (size_t i = first_named(r, hash); i < r->count; i++) {
        const uint8_t *e = named_at(r, i);

        if (memcmp(e + 32, hash, REFVAL_NAME) != 0) {
            break;
        }
        found.first = found.first == NULL ? e : found.first;
        found.same = found.same || (digest != NULL && memcmp(e, digest, 32) == 0);
        found.count++;
    }
    *out = found;
    return ATT_OK;
}

enum att_err att_refvals_expected(size_t *count, const struct att_refvals *r, struct att_slice name,
                                  const uint8_t **out, size_t cap)
{
    uint8_t hash[REFVAL_NAME];
    size_t found = 0;
    enum att_err err = att_refval_name_hash(hash, name);

    if (err != ATT_OK) {
        return err;
    }
    for (size_t i = first_named(r, hash); i < r->count; i++) {
        const uint8_t *e = named_at(r, i);

        if (memcmp(e + 32, hash, REFVAL_NAME) != 0) {
            break;
        }
        if (found < cap) {
            out[found] = e;
        }
        found++;
    }
    *count = found;
    return ATT_OK;
}

static enum att_err check_order(const struct att_refvals *r, struct att_diag *diag)
{
    for (size_t i = 1; i < r->count; i++) {
        if (memcmp(entry_at(r, i - 1), entry_at(r, i), REFVAL_ENTRY) >= 0) {
            return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_REFVALS, "entries",
                            "entry %zu is not above the one before", i);
        }
        if (memcmp(named_at(r, i - 1) + 32, named_at(r, i) + 32, REFVAL_NAME) > 0) {
            return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_REFVALS, "index",
                            "place %zu is not above the one before", i);
        }
    }
    return ATT_OK;
}

enum att_err att_refvals_check(const struct att_refvals *r, struct att_diag *diag)
{
    struct att_slice part[2] = {att_slice_of(r->entry, r->count * REFVAL_ENTRY),
                                att_slice_of(r->index, r->count * 4)};
    uint8_t digest[32];
    enum att_err err = att_digest(ATT_HASH_SHA256, part, 2, digest);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "reference values", "hashing failed");
    }
    if (memcmp(digest, r->digest, 32) != 0) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_FMT_REFVALS, "digest",
                        "the file does not have the digest of its header");
    }
    return check_order(r, diag);
}
