/* A bundle as bytes: a map of few members, each bounded, and none that is not known. */
#include "appraise/bundle.h"

#include <string.h>

#include "base/guard.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "evidence/profile.h"
#include "prov/batch.h"
#include "prov/spec.h"

enum member { PROFILE, LABEL, CHECKPOINT, PATH, STATUS, SPECS, BATCHES, EARLIER, MEMBERS };

#define PROFILE_MAX 64
#define FRAME_ROOM  256 /* heads and the profile */

bool att_bundle_file_looks(struct att_slice in)
{
    return in.len > 2 && in.p[0] > 0xa0 && in.p[0] < 0xb8 && in.p[1] == PROFILE;
}

static enum att_err other_version(struct att_diag *diag, const char *field, const char *text)
{
    return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_BND_VERSION, field, "%s", text);
}

static void read_path(struct att_cbor *c, struct att_bundle_file *b)
{
    uint32_t count = att_cbor_enter_array(c, ATT_MERKLE_PATH_MAX);

    for (uint32_t i = 0; i < count && att_cbor_ok(c); i++)
        att_cbor_bytes_exact(c, b->path.hash[i], ATT_MERKLE_LEN);
    att_cbor_leave(c);
    b->path.count = count;
    b->has_path = true;
}

static struct att_slice read_bytes(struct att_cbor *c, size_t max)
{
    struct att_slice s = att_cbor_bytes(c, max);

    if (att_cbor_ok(c) && s.len == 0)
        att_cbor_fail(c, ATT_E_FORMAT);
    return s;
}

static void read_specs(struct att_cbor *c, struct att_bundle_file *b)
{
    b->spec_count = att_cbor_enter_array(c, ATT_BUNDLE_SPECS_MAX);
    for (size_t i = 0; i < b->spec_count && att_cbor_ok(c); i++)
        b->spec[i] = read_bytes(c, ATT_SPEC_FILE_MAX);
    att_cbor_leave(c);
    if (b->spec_count == 0)
        att_cbor_fail(c, ATT_E_FORMAT);
}

/* The items of an array of byte strings, without its head: how many there are is known. */
static struct att_slice read_files(struct att_cbor *c, uint32_t *count, uint32_t most,
                                   size_t largest)
{
    struct att_slice ahead, items = {0};
    size_t start = 0;

    *count = att_cbor_enter_array(c, most);
    ahead = att_rd_ahead(&c->rd);
    start = att_rd_off(&c->rd);
    for (uint32_t i = 0; i < *count && att_cbor_ok(c); i++)
        (void)read_bytes(c, largest);
    if (att_cbor_ok(c))
        items = att_slice_of(ahead.p, att_rd_off(&c->rd) - start);
    att_cbor_leave(c);
    if (*count == 0)
        att_cbor_fail(c, ATT_E_FORMAT);
    return items;
}

struct att_bundle_files att_bundle_batches(const struct att_bundle_file *b)
{
    return (struct att_bundle_files){att_cbor_from(b->batches), b->batch_count};
}

struct att_bundle_files att_bundle_earlier(const struct att_bundle_file *b)
{
    return (struct att_bundle_files){att_cbor_from(b->earlier), b->earlier_count};
}

bool att_bundle_next(struct att_bundle_files *it, struct att_slice *out)
{
    struct att_slice file;

    if (it->left == 0)
        return false;
    /* A sequence of items (RFC 8742), each of which was read before. */
    file = att_cbor_bytes(&it->c, ATT_BATCH_FILE_MAX);
    if (!att_cbor_ok(&it->c))
        return false;
    it->left--;
    *out = file;
    return true;
}

/* False: a member of a later version, of which nothing can be said. */
static bool read_member(struct att_cbor *c, struct att_bundle_file *b, struct att_slice *profile)
{
    switch (att_cbor_key_int(c)) {
    case PROFILE:
        *profile = att_cbor_text(c, PROFILE_MAX);
        return true;
    case LABEL:
        b->label = read_bytes(c, ATT_LABEL_MAX);
        return true;
    case CHECKPOINT:
        b->checkpoint = read_bytes(c, ATT_NOTE_MAX);
        return true;
    case PATH:
        read_path(c, b);
        return true;
    case STATUS:
        b->status = read_bytes(c, ATT_STATUS_FILE_MAX);
        return true;
    case SPECS:
        read_specs(c, b);
        return true;
    case BATCHES:
        b->batches = read_files(c, &b->batch_count, ATT_BUNDLE_BATCHES_MAX, ATT_BATCH_FILE_MAX);
        return true;
    case EARLIER:
        b->earlier = read_files(c, &b->earlier_count, ATT_BUNDLE_EARLIER_MAX, ATT_LABEL_MAX);
        return true;
    default:
        (void)att_cbor_item(c);
        return !att_cbor_ok(c); /* what is no CBOR at all is malformed */
    }
}

enum att_err att_bundle_file_parse(struct att_bundle_file *out, struct att_slice in,
                                   struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct att_slice profile = {0};
    struct att_bundle_file b = {0};
    bool known = true;
    enum att_err err = ATT_OK;

    if (in.len > ATT_BUNDLE_MAX)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_LIM_SIZE, "bundle",
                        "expected at most %d bytes, found %zu", ATT_BUNDLE_MAX, in.len);
    (void)att_cbor_enter_map(&c, 2 * MEMBERS);
    while (att_cbor_more(&c))
        known = read_member(&c, &b, &profile) && known;
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_BUNDLE, "bundle", diag);
    if (err != ATT_OK)
        return err;
    if (profile.len == 0 || b.label.len == 0 || (b.has_path && b.checkpoint.len == 0))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_BUNDLE, "bundle",
                        "expected a profile and a label, and a path only with a checkpoint");
    if ((b.batch_count > 0) != (b.spec_count > 0) || (b.earlier_count > 0 && b.batch_count == 0))
        return att_fail(
            diag, ATT_E_FORMAT, ATT_R_FMT_BUNDLE, "bundle",
            "expected batches with their specifications, and earlier labels only with them");
    if (ATT_GUARD(BUNDLE_VERSION, !att_slice_eq(profile, att_slice_str(ATT_PROFILE_BUNDLE))))
        return other_version(diag, "profile", "expected \"" ATT_PROFILE_BUNDLE "\"");
    if (ATT_GUARD(BUNDLE_MEMBER, !known))
        return other_version(diag, "member", "expected the members 0 to 7 alone");
    *out = b;
    return ATT_OK;
}

static void write_bytes(struct att_wr *w, enum member key, struct att_slice v)
{
    if (v.len == 0)
        return;
    att_cbor_wr_uint(w, key);
    att_cbor_wr_bytes(w, v);
}

static void write_data(struct att_wr *w, const struct att_bundle_file *b)
{
    att_cbor_wr_uint(w, SPECS);
    att_cbor_wr_array(w, b->spec_count);
    for (size_t i = 0; i < b->spec_count; i++)
        att_cbor_wr_bytes(w, b->spec[i]);
    att_cbor_wr_uint(w, BATCHES);
    att_cbor_wr_array(w, b->batch_count);
    att_wr_slice(w, b->batches);
    if (b->earlier_count == 0)
        return;
    att_cbor_wr_uint(w, EARLIER);
    att_cbor_wr_array(w, b->earlier_count);
    att_wr_slice(w, b->earlier);
}

/* Bytes that the encoding takes at most. */
static size_t room_of(const struct att_bundle_file *b)
{
    size_t room = FRAME_ROOM + b->label.len + b->checkpoint.len + b->status.len + b->batches.len +
                  b->earlier.len + (size_t)ATT_MERKLE_PATH_MAX * (ATT_MERKLE_LEN + 2);

    for (size_t i = 0; i < b->spec_count; i++)
        room += b->spec[i].len + 9;
    return room;
}

static void write_all(struct att_wr *w, const struct att_bundle_file *b)
{
    att_cbor_wr_map(w, 2U + (b->checkpoint.len > 0 ? 1 : 0) + (b->has_path ? 1 : 0) +
                           (b->status.len > 0 ? 1 : 0) + (b->batch_count > 0 ? 2 : 0) +
                           (b->earlier_count > 0 ? 1 : 0));
    att_cbor_wr_uint(w, PROFILE);
    att_cbor_wr_text(w, ATT_PROFILE_BUNDLE);
    write_bytes(w, LABEL, b->label);
    write_bytes(w, CHECKPOINT, b->checkpoint);
    if (b->has_path) {
        att_cbor_wr_uint(w, PATH);
        att_cbor_wr_array(w, b->path.count);
        for (size_t i = 0; i < b->path.count; i++)
            att_cbor_wr_bytes(w, att_slice_of(b->path.hash[i], ATT_MERKLE_LEN));
    }
    write_bytes(w, STATUS, b->status);
    if (b->batch_count > 0)
        write_data(w, b);
}

enum att_err att_bundle_file_encode(struct att_buf **out, const struct att_bundle_file *b)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *made = NULL;
    size_t room = room_of(b);
    struct att_bundle_file again;
    struct att_slice written;
    struct att_wr w;
    uint8_t *at = NULL;
    enum att_err err = b->path.count > ATT_MERKLE_PATH_MAX || b->spec_count > ATT_BUNDLE_SPECS_MAX
                           ? ATT_E_INTERNAL
                           : ATT_OK;

    if (err == ATT_OK)
        err = att_buf_new(&made, room);
    if (err == ATT_OK)
        err = att_buf_room(made, room, &at);
    if (err != ATT_OK)
        return err;
    w = att_wr_into(at, room);
    write_all(&w, b);
    err = att_cbor_wr_done(&w, &written);
    if (err != ATT_OK)
        return err;
    if (att_bundle_file_parse(&again, written, NULL) != ATT_OK)
        return ATT_E_INTERNAL;
    att_buf_commit(made, written.len);
    *out = made;
    made = NULL;
    return ATT_OK;
}
