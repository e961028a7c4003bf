/* The state between two parts of a kernel list as CBOR. */
#include <string.h>

#include "appraise/parts.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"

#define PARTS_FIELDS     7
#define AGGREGATE_FIELDS 3

static void write_parts(struct att_wr *w, const struct att_ima_parts *p)
{
    att_cbor_wr_array(w, PARTS_FIELDS);
    att_cbor_wr_uint(w, p->reset_count);
    att_cbor_wr_uint(w, p->restart_count);
    att_cbor_wr_uint(w, p->off);
    att_cbor_wr_uint(w, p->count);
    att_cbor_wr_bool(w, p->padded);
    att_cbor_wr_bytes(w, att_slice_of(p->pcr, sizeof(p->pcr)));
    att_cbor_wr_array(w, p->aggregate_count);
    for (uint32_t i = 0; i < p->aggregate_count; i++) {
        const struct att_ima_aggregate *a = &p->aggregate[i];

        att_cbor_wr_array(w, AGGREGATE_FIELDS);
        att_cbor_wr_uint(w, a->index);
        att_cbor_wr_uint(w, (uint64_t)a->alg);
        att_cbor_wr_bytes(w, att_slice_of(a->digest, a->len));
    }
}

static void read_aggregate(struct att_cbor *c, struct att_ima_aggregate *a)
{
    struct att_slice digest = {0};

    (void)att_cbor_enter_array(c, AGGREGATE_FIELDS);
    a->index = att_cbor_uint(c);
    a->alg = (enum att_hash)att_cbor_uint_max(c, UINT16_MAX);
    digest = att_cbor_bytes(c, sizeof(a->digest));
    att_cbor_leave(c);
    a->len = (uint32_t)digest.len;
    if (digest.len > 0) {
        memcpy(a->digest, digest.p, digest.len);
    }
}

static void read_parts(struct att_cbor *c, struct att_ima_parts *p)
{
    memset(p, 0, sizeof(*p));
    p->known = true;
    (void)att_cbor_enter_array(c, PARTS_FIELDS);
    p->reset_count = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
    p->restart_count = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
    p->off = att_cbor_uint(c);
    p->count = att_cbor_uint(c);
    p->padded = att_cbor_bool(c);
    att_cbor_bytes_exact(c, p->pcr, sizeof(p->pcr));
    (void)att_cbor_enter_array(c, ATT_PARTS_AGGREGATES_MAX);
    while (att_cbor_more(c)) {
        read_aggregate(c, &p->aggregate[p->aggregate_count]);
        p->aggregate_count++;
    }
    att_cbor_leave(c);
    att_cbor_leave(c);
}

enum att_err att_parts_encode(struct att_wr *w, const struct att_ima_parts *p,
                              const struct att_windows_seen *seen, uint32_t windows)
{
    att_cbor_wr_array(w, 2);
    write_parts(w, p);
    att_windows_seen_write(w, seen, windows);
    return w->err;
}

enum att_err att_parts_decode(struct att_ima_parts *p, struct att_windows_seen *seen,
                              uint32_t windows, struct att_slice in, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);

    (void)att_cbor_enter_array(&c, 2);
    read_parts(&c, p);
    att_windows_seen_read(&c, seen, windows);
    att_cbor_leave(&c);
    return att_cbor_end_diag(&c, ATT_R_FMT_FRAME, "parts", diag);
}

enum att_err att_folded_encode(struct att_wr *w, const struct att_folded *f)
{
    enum att_err err = ATT_OK;

    att_cbor_wr_array(w, 3);
    att_windows_write(w, &f->windows);
    err = att_carry_encode(w, &f->carry);
    return err != ATT_OK ? err : att_parts_encode(w, &f->parts, &f->seen, f->windows.count);
}

enum att_err att_folded_decode(struct att_folded *f, struct att_slice in, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct att_slice windows = {0};
    struct att_slice carry = {0};
    struct att_slice parts = {0};
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_array(&c, 3);
    windows = att_cbor_item(&c);
    carry = att_cbor_item(&c);
    parts = att_cbor_item(&c);
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_FRAME, "parts", diag);
    if (err == ATT_OK) {
        err = att_windows_decode(&f->windows, windows, diag);
    }
    if (err == ATT_OK) {
        err = att_carry_decode(&f->carry, carry, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    return att_parts_decode(&f->parts, &f->seen, f->windows.count, parts, diag);
}
