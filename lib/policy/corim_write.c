/*
 * Writing CoRIM, one CoMID. Under our own profile PCRs are integrity registers and names measurement keys; in the form
 * for verifiers that know PCRs alone, each PCR is a measurement under its index.
 */
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

/* A document under way. */
struct doc {
    const char *id, *profile;
    const struct att_export *values;
    size_t count;
    bool registers; /* PCRs as integrity registers */
};

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

/* {1: {14: {index: digests}}} */
static void write_register(struct att_wr *w, uint64_t pcr, const struct run *r)
{
    att_cbor_wr_map(w, 1);
    att_cbor_wr_uint(w, 1);
    att_cbor_wr_map(w, 1);
    att_cbor_wr_uint(w, 14);
    att_cbor_wr_map(w, 1);
    att_cbor_wr_uint(w, pcr);
    write_digests(w, r);
}

/* {0: name or index, 1: {2: digests}} */
static void write_measurement(struct att_wr *w, const struct doc *d, const struct run *r)
{
    uint64_t pcr = 0;
    bool index = is_pcr(r->v->name, &pcr);

    if (index && d->registers) {
        write_register(w, pcr, r);
        return;
    }
    att_cbor_wr_map(w, 2);
    att_cbor_wr_uint(w, 0);
    if (index) {
        att_cbor_wr_uint(w, pcr);
    } else {
        att_cbor_wr_text(w, r->v->name);
    }
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

static void write_comid(struct att_wr *w, const struct doc *d)
{
    att_cbor_wr_map(w, 2);
    att_cbor_wr_uint(w, 1);
    att_cbor_wr_map(w, 1);
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_text(w, d->id);
    att_cbor_wr_uint(w, 4);
    att_cbor_wr_map(w, 1);
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_array(w, 1);
    att_cbor_wr_array(w, 2);
    att_cbor_wr_map(w, 1); /* environment: class: model */
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_map(w, 1);
    att_cbor_wr_uint(w, 2);
    att_cbor_wr_text(w, d->id);
    att_cbor_wr_array(w, names_of(d->values, d->count));
    for (size_t i = 0; i < d->count;) {
        struct run r = next_name(d->values + i, d->count - i);

        write_measurement(w, d, &r);
        i += r.count;
    }
}

static void write_corim(struct att_wr *w, const struct doc *d, struct att_slice comid)
{
    att_cbor_wr_tag(w, 501);
    att_cbor_wr_map(w, 3);
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_text(w, d->id);
    att_cbor_wr_uint(w, 1);
    att_cbor_wr_array(w, 1);
    att_cbor_wr_tag(w, 506);
    att_cbor_wr_bytes(w, comid);
    att_cbor_wr_uint(w, 3);
    att_cbor_wr_tag(w, 32);
    att_cbor_wr_text(w, d->profile);
}

static enum att_err write_doc(struct att_buf **out, const struct doc *d)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *inner = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *outer = NULL;
    size_t bound = FIXED_BOUND + 2 * strlen(d->id);
    uint8_t *at = NULL;
    struct att_slice done;
    struct att_wr w;
    enum att_err err = ATT_OK;

    for (size_t i = 0; i < d->count; i++) {
        bound += VALUE_BOUND + strlen(d->values[i].name);
    }
    err = att_buf_new(&inner, bound);
    err = err == ATT_OK ? att_buf_room(inner, bound, &at) : err;
    if (err == ATT_OK) {
        w = att_wr_into(at, bound);
        write_comid(&w, d);
        err = att_cbor_wr_done(&w, &done);
    }
    if (err == ATT_OK) {
        err = att_buf_new(&outer, bound + FIXED_BOUND);
    }
    err = err == ATT_OK ? att_buf_room(outer, bound + FIXED_BOUND, &at) : err;
    if (err == ATT_OK) {
        w = att_wr_into(at, bound + FIXED_BOUND);
        write_corim(&w, d, done);
        err = att_cbor_wr_done(&w, &done);
    }
    if (err == ATT_OK) {
        att_buf_commit(outer, done.len);
        *out = outer;
        outer = NULL;
    }
    return err;
}

enum att_err att_corim_write(struct att_buf **out, const char *id, const struct att_export *values,
                             size_t count)
{
    const struct doc d = {
        .id = id, .profile = CORIM_PROFILE, .values = values, .count = count, .registers = true};

    return write_doc(out, &d);
}

enum att_err att_corim_write_pcrs(struct att_buf **out, const char *id,
                                  const struct att_export *values, size_t count, size_t *left_out)
{
    struct doc d = {.id = id, .profile = CORIM_PARSEC_TPM, .values = values};
    uint64_t pcr = 0;
    enum att_err err = ATT_OK;

    /* sorted by name, so that PCRs stand together */
    for (size_t i = 0; i < count && !is_pcr(values[i].name, &pcr); i++) {
        d.values++;
    }
    while (d.values + d.count < values + count && is_pcr(d.values[d.count].name, &pcr)) {
        d.count++;
    }
    err = d.count > 0 ? write_doc(out, &d) : ATT_E_NOT_FOUND;
    if (err == ATT_OK) {
        *left_out = count - d.count;
    }
    return err;
}
