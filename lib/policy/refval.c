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
#include "base/guard.h"
#include "base/rd.h"
#include "crypto/digest.h"
#include "policy/refval_internal.h"

#define GUESSES 4

struct att_refvals {
    const uint8_t *ends;   /* 256 times 4: how many digests begin with at most this byte */
    const uint8_t *rest;   /* count times REFVAL_REST: digests without their first byte, sorted */
    const uint8_t *starts; /* ends of the buckets of names, 1 << bits times 4 */
    const uint8_t *word;   /* count times 8: name and entry, sorted in each bucket */
    size_t count;
    struct refval_shape shape;
    uint8_t digest[32];
    struct att_slice body; /* what the digest is of */
    void *map;             /* NULL when the bytes are borrowed */
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

struct refval_shape att_refval_shape(size_t count)
{
    struct refval_shape s = {.entry_bits = REFVAL_SLACK_BITS};

    while (count >> s.entry_bits != 0) {
        s.entry_bits++;
    }
    s.bucket_bits = s.entry_bits - REFVAL_SLACK_BITS;
    return s;
}

enum att_err att_refvals_open(struct att_refvals **out, struct att_slice mapped,
                              struct att_diag *diag)
{
    struct att_rd rd = att_rd_slice(mapped);
    struct att_slice magic = att_rd_bytes(&rd, REFVAL_MAGIC_LEN);
    uint64_t count = att_rd_u64le(&rd);
    struct att_refvals made = {.count = (size_t)count};
    struct att_refvals *r = NULL;
    enum att_err err = ATT_OK;

    att_rd_copy(&rd, made.digest, sizeof(made.digest));
    if (att_rd_ok(&rd) && !att_slice_eq(magic, att_slice_str(REFVAL_MAGIC))) {
        return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_REFVALS, "magic", 0, "expected \"%s\"",
                           REFVAL_MAGIC);
    }
    if (count > REFVAL_COUNT_MAX) {
        return att_fail_at(diag, ATT_E_LIMIT, ATT_R_FMT_REFVALS, "count", REFVAL_MAGIC_LEN,
                           "at most %u entries", REFVAL_COUNT_MAX);
    }
    made.shape = att_refval_shape(made.count);
    made.body = att_rd_ahead(&rd);
    made.ends = att_rd_bytes(&rd, REFVAL_FIRST * 4).p;
    made.rest = att_rd_bytes(&rd, made.count * REFVAL_REST).p;
    made.starts = att_rd_bytes(&rd, ((size_t)1 << made.shape.bucket_bits) * 4).p;
    made.word = att_rd_bytes(&rd, made.count * 8).p;
    err = att_rd_end_diag(&rd, ATT_R_FMT_REFVALS, "reference values", diag);
    if (err != ATT_OK) {
        return err;
    }
    r = malloc(sizeof(*r));
    if (r == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "reference values", "no memory");
    }
    *r = made;
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

size_t att_refvals_bytes(const struct att_refvals *r)
{
    return r->body.len + REFVAL_HEADER;
}

const uint8_t *att_refvals_digest(const struct att_refvals *r)
{
    return r->digest;
}

static uint32_t u32_at(const uint8_t *table, size_t i)
{
    struct att_rd rd = att_rd_from(table + 4 * i, 4);

    return att_rd_u32le(&rd);
}

static uint64_t word_at(const struct att_refvals *r, size_t i)
{
    struct att_rd rd = att_rd_from(r->word + 8 * i, 8);

    return att_rd_u64be(&rd);
}

/* Part of a sorted list. The file is the operator's, but a bad number must not read outside it. */
struct range {
    size_t low, high;
};

static struct range bucket(const uint8_t *ends, size_t i, size_t count)
{
    struct range g = {.low = i == 0 ? 0 : u32_at(ends, i - 1), .high = u32_at(ends, i)};

    g.high = g.high > count ? count : g.high;
    g.low = g.low > g.high ? g.high : g.low;
    return g;
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

    /* below 2^27 entries and 2^32: no product overflows */
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

static const uint8_t *rest_at(const struct att_refvals *r, size_t i)
{
    return r->rest + i * REFVAL_REST;
}

/*
 * Each guess touches one entry, and one or two of them leave a stretch that fits a page; a bucket that is not
 * spread evenly is halved as ever. False when there is nowhere left to look.
 */
static bool aim(struct seeking *k, const struct att_refvals *r)
{
    if (k->s.low >= k->s.high) {
        return false;
    }
    k->at = k->tries++ < GUESSES ? guess(&k->s, k->wanted) : k->s.low + (k->s.high - k->s.low) / 2;
    __builtin_prefetch(rest_at(r, k->at));
    return true;
}

static bool start(struct seeking *k, const struct att_refvals *r, const uint8_t *digest)
{
    struct range g = bucket(r->ends, digest[0], r->count);

    *k = (struct seeking){.s = {.low = g.low, .high = g.high, .most = UINT64_MAX},
                          .digest = digest,
                          .wanted = first_bytes(digest + 1)};
    return aim(k, r);
}

/* Look, then aim again; false when the search is over. */
static bool step(struct seeking *k, const struct att_refvals *r)
{
    const uint8_t *rest = rest_at(r, k->at);
    uint64_t first = first_bytes(rest);
    int order = first != k->wanted ? (first < k->wanted ? -1 : 1)
                                   : memcmp(rest, k->digest + 1, REFVAL_REST);

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

/* The digest of an entry; its first byte is the bucket that it lies in. */
static void digest_at(uint8_t out[32], const struct att_refvals *r, size_t entry)
{
    size_t low = 0;
    size_t high = REFVAL_FIRST - 1;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (u32_at(r->ends, mid) <= entry) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    out[0] = (uint8_t)low;
    memcpy(out + 1, r->rest + entry * REFVAL_REST, REFVAL_REST);
}

enum att_err att_refval_name_hash(uint64_t *out, struct att_slice name)
{
    uint8_t full[32];
    enum att_err err = att_sha256(name, full);
    struct att_rd rd = att_rd_from(full, 8);

    if (err == ATT_OK) {
        *out = att_rd_u64be(&rd) >> REFVAL_SLACK_BITS;
    }
    return err;
}

/* Where a name's words are, and what stands in them above the entry's number. */
struct named {
    struct range at;
    uint64_t tag;
};

static struct named find_name(const struct att_refvals *r, uint64_t hash)
{
    unsigned int tag_bits = 64 - r->shape.entry_bits;
    struct named n = {.tag = hash & ((UINT64_C(1) << tag_bits) - 1)};

    n.at = bucket(r->starts, (size_t)(hash >> tag_bits), r->count);
    while (n.at.low < n.at.high) {
        size_t mid = n.at.low + (n.at.high - n.at.low) / 2;

        if (word_at(r, mid) >> r->shape.entry_bits < n.tag) {
            n.at.low = mid + 1;
        } else {
            n.at.high = mid;
        }
    }
    n.at.high = bucket(r->starts, (size_t)(hash >> tag_bits), r->count).high;
    return n;
}

/* The next entry of a name: false when there is none. */
static bool next_named(struct named *n, const struct att_refvals *r, uint8_t digest[32])
{
    uint64_t mask = (UINT64_C(1) << r->shape.entry_bits) - 1;
    uint64_t word = n->at.low < n->at.high ? word_at(r, n->at.low) : 0;

    if (n->at.low >= n->at.high || word >> r->shape.entry_bits != n->tag) {
        return false;
    }
    n->at.low++;
    digest_at(digest, r, (word & mask) < r->count ? (size_t)(word & mask) : 0);
    return true;
}

enum att_err att_refvals_look(struct att_refvals_found *out, const struct att_refvals *r,
                              struct att_slice name, const uint8_t *digest)
{
    uint8_t one[32];
    uint64_t hash = 0;
    enum att_err err = att_refval_name_hash(&hash, name);
    struct named n;

    if (err != ATT_OK) {
        return err;
    }
    *out = (struct att_refvals_found){.count = 0};
    n = find_name(r, hash);
    while (next_named(&n, r, one)) {
        if (out->count == 0) {
            memcpy(out->room, one, 32);
            out->first = out->room;
        }
        out->same = out->same || (digest != NULL && memcmp(one, digest, 32) == 0);
        out->count++;
    }
    return ATT_OK;
}

enum att_err att_refvals_expected(size_t *count, const struct att_refvals *r, struct att_slice name,
                                  uint8_t (*out)[32], size_t cap)
{
    uint8_t one[32];
    uint64_t hash = 0;
    size_t found = 0;
    enum att_err err = att_refval_name_hash(&hash, name);
    struct named n;

    if (err != ATT_OK) {
        return err;
    }
    n = find_name(r, hash);
    while (next_named(&n, r, one)) {
        if (found < cap) {
            memcpy(out[found], one, 32);
        }
        found++;
    }
    *count = found;
    return ATT_OK;
}

enum att_err att_refvals_each(const struct att_refvals *r, att_refvals_entry call, void *ctx)
{
    size_t buckets = (size_t)1 << r->shape.bucket_bits;
    unsigned int tag_bits = 64 - r->shape.entry_bits;
    enum att_err err = ATT_OK;

    for (size_t b = 0; err == ATT_OK && b < buckets; b++) {
        struct range g = bucket(r->starts, b, r->count);

        for (; err == ATT_OK && g.low < g.high; g.low++) {
            uint64_t word = word_at(r, g.low);
            size_t entry = (size_t)(word & ((UINT64_C(1) << r->shape.entry_bits) - 1));
            uint8_t digest[32];

            digest_at(digest, r, entry < r->count ? entry : 0);
            err = call(ctx, (uint64_t)b << tag_bits | word >> r->shape.entry_bits, digest);
        }
    }
    return err;
}

/* A table of ends rises and closes with the count. */
static bool ends_fit(const uint8_t *ends, size_t buckets, size_t count)
{
    for (size_t i = 1; i < buckets; i++) {
        if (u32_at(ends, i - 1) > u32_at(ends, i)) {
            return false;
        }
    }
    return u32_at(ends, buckets - 1) == count;
}

static enum att_err check_digests(const struct att_refvals *r, struct att_diag *diag)
{
    for (size_t b = 0; b < REFVAL_FIRST; b++) {
        struct range g = bucket(r->ends, b, r->count);

        for (size_t i = g.low + 1; i < g.high; i++) {
            if (memcmp(r->rest + (i - 1) * REFVAL_REST, r->rest + i * REFVAL_REST, REFVAL_REST) >
                0) {
                return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_REFVALS, "entries",
                                "entry %zu is not above the one before", i);
            }
        }
    }
    return ATT_OK;
}

static enum att_err check_names(const struct att_refvals *r, struct att_diag *diag)
{
    uint64_t mask = (UINT64_C(1) << r->shape.entry_bits) - 1;
    size_t buckets = (size_t)1 << r->shape.bucket_bits;

    for (size_t b = 0; b < buckets; b++) {
        struct range g = bucket(r->starts, b, r->count);

        for (size_t i = g.low; i < g.high; i++) {
            uint64_t word = word_at(r, i);

            if ((word & mask) >= r->count || (i > g.low && word_at(r, i - 1) >= word)) {
                return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_REFVALS, "index",
                                "place %zu is not above the one before", i);
            }
        }
    }
    return ATT_OK;
}

enum att_err att_refvals_check(const struct att_refvals *r, struct att_diag *diag)
{
    uint8_t digest[32];
    enum att_err err = att_sha256(r->body, digest);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "reference values", "hashing failed");
    }
    if (ATT_GUARD(REFVALS_DIGEST, memcmp(digest, r->digest, 32) != 0)) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_REFVALS, "digest",
                        "the file does not have the digest of its header");
    }
    if (!ends_fit(r->ends, REFVAL_FIRST, r->count) ||
        !ends_fit(r->starts, (size_t)1 << r->shape.bucket_bits, r->count)) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_REFVALS, "buckets", "they do not rise");
    }
    err = check_digests(r, diag);
    return err == ATT_OK ? check_names(r, diag) : err;
}
