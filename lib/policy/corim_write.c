/* Writing CoRIM under our own profile: one CoMID; PCRs as integrity registers, names as measurement keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/cbor_wr.h"
#include "policy/corim_internal.h"
#include "policy/import.h"
#include "tcg/pcr.h"

#define PCR_PREFIX  "pcr/sha256/"
#define FIXED_BOUND 1024
#define VALUE_BOUND 96 /* heads and digest of one value, beside its name */

struct run {
    const struct att_export *v;
    size_t count; /* values of one name */
};

static struct run next_name(const struct att_export *v, size_t left)
{
    struct run r = {.v = v, .count = 1};

    while (r.count < left && strcmp(v[0].name, v[r.count].name) == 0) {
        r.count++;
    }
    return r;
}

static bool is_pcr(const char *name, uint64_t *pcr)
{
    char same[32];

    for (*pcr = 0; *pcr < ATT_PCR_COUNT; (*pcr)++) {
        (void)snprintf(same, sizeof(same), PCR_PREFIX "%u", (unsigned int)*pcr);
        if (strcmp(name, same) == 0) {
            return true;
        }
    }
    return false;
}

static void write_digests(struct att_wr *w, const struct run *r)
{
    att_cbor_wr_array(w, r->count);
    for (size_t i = 0; i < r->count; i++) {
        att_cbor_wr_array(w, 2);
        att_cbor_wr_uint(w, 1); /* sha-256 */
        att_cbor_wr_bytes(w, att_slice_of(r->v[i].digest, 32));
    }
}

static void write_measurement(struct att_wr *w, const struct run *r)
{
    uint64_t pcr = 0;

    if (is_pcr(r->v->name, &pcr)) {
        att_cbor_wr_map(w, 1);
        att_cbor_wr_uint(w, 1);
        att_cbor_wr_map(w, 1);
        att_cbor_wr_uint(w, 14);
        att_cbor_wr_map(w, 1);
        att_cbor_wr_uint(w, pcr);
        write_digests(w, r);
        return;
    }
    att_cbor_wr_map(w, 2);
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_text(w, r->v->name);
    att_cbor_wr_uint(w, 1);
    att_cbor_wr_map(w, 1);
    att_cbor_wr_uint(w, 2);
    write_digests(w, r);
}

static size_t names_of(const struct att_export *values, size_t count)
{
    size_t names = 0;

    for (size_t i = 0; i < count; names++) {
        i += next_name(values + i, count - i).count;
    }
    return names;
}

static void write_comid(struct att_wr *w, const char *id, const struct att_export *values,
                        size_t count)
{
    att_cbor_wr_map(w, 2);
    att_cbor_wr_uint(w, 1);
    att_cbor_wr_map(w, 1);
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_text(w, id);
    att_cbor_wr_uint(w, 4);
    att_cbor_wr_map(w, 1);
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_array(w, 1);
    att_cbor_wr_array(w, 2);
    att_cbor_wr_map(w, 1); /* environment: class: model */
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_map(w, 1);
    att_cbor_wr_uint(w, 2);
    att_cbor_wr_text(w, id);
    att_cbor_wr_array(w, names_of(values, count));
    for (size_t i = 0; i < count;) {
        struct run r = next_name(values + i, count - i);

        write_measurement(w, &r);
        i += r.count;
    }
}

static void write_corim(struct att_wr *w, const char *id, struct att_slice comid)
{
    att_cbor_wr_tag(w, 501);
    att_cbor_wr_map(w, 3);
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_text(w, id);
    att_cbor_wr_uint(w, 1);
    att_cbor_wr_array(w, 1);
    att_cbor_wr_tag(w, 506);
    att_cbor_wr_bytes(w, comid);
    att_cbor_wr_uint(w, 3);
    att_cbor_wr_tag(w, 32);
    att_cbor_wr_text(w, CORIM_PROFILE);
}

enum att_err att_corim_write(struct att_buf **out, const char *id, const struct att_export *values,
                             size_t count)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *inner = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *outer = NULL;
    size_t bound = FIXED_BOUND + 2 * strlen(id);
    uint8_t *at = NULL;
    struct att_slice done;
    struct att_wr w;
    enum att_err err = ATT_OK;

    for (size_t i = 0; i < count; i++) {
        bound += VALUE_BOUND + strlen(values[i].name);
    }
    err = att_buf_new(&inner, bound);
    err = err == ATT_OK ? att_buf_room(inner, bound, &at) : err;
    if (err == ATT_OK) {
        w = att_wr_into(at, bound);
        write_comid(&w, id, values, count);
        err = att_cbor_wr_done(&w, &done);
    }
    if (err == ATT_OK) {
        err = att_buf_new(&outer, bound + FIXED_BOUND);
    }
    err = err == ATT_OK ? att_buf_room(outer, bound + FIXED_BOUND, &at) : err;
    if (err == ATT_OK) {
        w = att_wr_into(at, bound + FIXED_BOUND);
        write_corim(&w, id, done);
        err = att_cbor_wr_done(&w, &done);
    }
    if (err == ATT_OK) {
        att_buf_commit(outer, done.len);
        *out = outer;
        outer = NULL;
    }
    return err;
}
