/*
 * The state of an audit in CBOR: [version, origin, root, numbers, issuer, seed, keys, gateways, labels, findings, gaps, keys in
 * force].
 *
 * Tables are byte strings of rows of one length: read in a loop over what is there, never by a number that somebody wrote.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/audit_internal.h"
#include "base/rd.h"
#include "base/wr.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"

#define VERSION   2
#define ORIGIN    255
#define NUMBERS   16
#define GAP_BYTES 56

/* In the order in which they are written. */
static void number_places(uint64_t *place[NUMBERS], struct att_audit_report *r, uint64_t time[4])
{
    uint64_t *const all[NUMBERS] = {&time[0],     &time[1],     &time[2],    &time[3],
                                    &r->size,     &r->labels,   &r->refused, &r->stale,
                                    &r->enrolled, &r->removed,  &r->revoked, &r->other,
                                    &r->strays,   &r->findings, &r->gaps,    &r->devices};

    memcpy(place, all, sizeof(all));
}

static size_t kept(uint64_t count)
{
    return count < ATT_AUDIT_KEPT ? (size_t)count : ATT_AUDIT_KEPT;
}

/* --- writing --- */

static void write_numbers(struct att_wr *w, const struct att_audit *a)
{
    struct att_audit_report r = a->r;
    uint64_t time[4] = {(uint64_t)r.first_utc, (uint64_t)r.last_utc, (uint64_t)r.longest_gap_s,
                        (uint64_t)r.longest_life_s};
    uint64_t *place[NUMBERS];

    number_places(place, &r, time);
    att_cbor_wr_array(w, NUMBERS);
    for (size_t i = 0; i < NUMBERS; i++)
        att_cbor_wr_uint(w, *place[i]);
}

static void write_keys(struct att_wr *w, const struct att_audit *a)
{
    att_cbor_wr_array(w, a->signer_count);
    for (size_t i = 0; i < a->signer_count; i++) {
        att_cbor_wr_array(w, 3);
        att_cbor_wr_uint(w, (uint64_t)a->signer[i].utc);
        att_cbor_wr_bytes(w, att_buf_slice(a->signer[i].der));
        att_cbor_wr_uint(w, audit_limit(a, a->signer[i].fingerprint));
    }
}

static void write_in_force(struct att_wr *w, const struct audit_keys *k)
{
    att_cbor_wr_array(w, 6);
    att_cbor_wr_uint(w, k->known);
    att_cbor_wr_bytes(w, att_slice_of(k->label, sizeof(k->label)));
    att_cbor_wr_uint(w, k->log_state);
    att_cbor_wr_uint(w, k->log_changed);
    att_cbor_wr_bytes(w, att_slice_of(k->log_before, sizeof(k->log_before)));
    att_cbor_wr_bytes(w, att_slice_of(k->log_now, sizeof(k->log_now)));
}

static void write_devices(struct att_wr *w, const struct att_audit *a)
{
    att_cbor_wr_bytes_head(w, a->device_count * AUDIT_DEVICE_BYTES);
    for (size_t i = 0; i < a->device_count; i++) {
        const struct audit_device *d = &a->device[i];

        att_wr_bytes(w, d->ueid, sizeof(d->ueid));
        att_wr_u64be(w, d->index);
        att_wr_u64be(w, (uint64_t)d->seen);
        att_wr_u64be(w, (uint64_t)d->exp);
        att_wr_u64be(w, (uint64_t)d->since);
        att_wr_u8(w, d->standing);
        att_wr_u8(w, d->wide ? 1 : 0);
    }
}

static void write_labels(struct att_wr *w, const struct att_audit *a)
{
    att_cbor_wr_bytes_head(w, a->labels.count * AUDIT_LABEL_BYTES);
    for (size_t i = 0; i < a->labels.cap; i++) {
        const struct audit_row *row = &a->labels.row[i];

        if (row->value == 0)
            continue;
        att_wr_u64be(w, row->key);
        att_wr_u32be(w, row->value);
        att_wr_u32be(w, row->exp);
    }
}

static void write_findings(struct att_wr *w, const struct att_audit *a)
{
    size_t n = kept(a->r.findings);

    att_cbor_wr_array(w, n);
    for (size_t i = 0; i < n; i++) {
        const struct att_audit_finding *f = &a->r.finding[i];

        att_cbor_wr_array(w, 4);
        att_cbor_wr_uint(w, f->index);
        att_cbor_wr_uint(w, (uint64_t)f->err);
        att_cbor_wr_text(w, att_reason_code(f->reason));
        att_cbor_wr_bytes(w, att_slice_str(f->text));
    }
}

static void write_gaps(struct att_wr *w, const struct att_audit *a)
{
    size_t n = kept(a->r.gaps);

    att_cbor_wr_bytes_head(w, n * GAP_BYTES);
    for (size_t i = 0; i < n; i++) {
        const struct att_audit_gap *g = &a->r.gap[i];

        att_wr_bytes(w, g->ueid, sizeof(g->ueid));
        att_wr_u64be(w, (uint64_t)g->from);
        att_wr_u64be(w, (uint64_t)g->until);
        att_wr_u64be(w, g->index);
    }
}

static size_t room_for(const struct att_audit *a)
{
    return 4096 + a->device_count * AUDIT_DEVICE_BYTES + a->labels.count * AUDIT_LABEL_BYTES +
           ATT_AUDIT_KEPT * (ATT_AUDIT_TEXT + 64 + GAP_BYTES) +
           a->signer_count * (ATT_ENTRY_MAX + 32);
}

enum att_err att_audit_save(struct att_buf **out, const struct att_audit *a, const char *origin,
                            const uint8_t root[ATT_MERKLE_LEN])
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    size_t room = room_for(a);
    uint8_t *p = NULL;
    struct att_slice done;
    struct att_wr w;
    enum att_err err = att_buf_new(&b, ATT_AUDIT_STATE_MAX);

    if (err == ATT_OK)
        err = att_buf_room(b, room, &p);
    if (err != ATT_OK)
        return err;
    w = att_wr_into(p, room);
    att_cbor_wr_array(&w, 12);
    att_cbor_wr_uint(&w, VERSION);
    att_cbor_wr_bytes(&w, att_slice_str(origin));
    att_cbor_wr_bytes(&w, att_slice_of(root, ATT_MERKLE_LEN));
    write_numbers(&w, a);
    att_cbor_wr_bytes(&w, att_slice_str(a->r.issuer));
    att_cbor_wr_bytes(&w, att_slice_of(a->seed, sizeof(a->seed)));
    write_keys(&w, a);
    write_devices(&w, a);
    write_labels(&w, a);
    write_findings(&w, a);
    write_gaps(&w, a);
    write_in_force(&w, &a->keys);
    err = att_wr_done(&w, &done);
    if (err != ATT_OK)
        return err;
    att_buf_commit(b, done.len);
    *out = b;
    b = NULL;
    return ATT_OK;
}

/* --- reading --- */

/* What a state says before anything is made of it; borrows it. */
struct state {
    char origin[ORIGIN + 1];
    uint8_t root[ATT_MERKLE_LEN];
    struct att_slice keys, devices, labels, findings, gaps;
};

static void read_text(struct att_cbor *c, char *out, size_t cap)
{
    struct att_slice s = att_cbor_bytes(c, cap - 1);

    if (s.len > 0 && memchr(s.p, '\0', s.len) != NULL)
        att_cbor_fail(c, ATT_E_FORMAT);
    if (att_cbor_ok(c))
        (void)snprintf(out, cap, "%.*s", (int)s.len, (const char *)s.p);
}

static void read_numbers(struct att_cbor *c, struct att_audit_report *r)
{
    uint64_t time[4] = {0};
    uint64_t *place[NUMBERS];

    number_places(place, r, time);
    if (att_cbor_enter_array(c, NUMBERS) != NUMBERS)
        att_cbor_fail(c, ATT_E_FORMAT);
    for (size_t i = 0; i < NUMBERS; i++)
        *place[i] = att_cbor_uint_max(c, ATT_MERKLE_SIZE_MAX);
    att_cbor_leave(c);
    r->first_utc = (int64_t)time[0];
    r->last_utc = (int64_t)time[1];
    r->longest_gap_s = (int64_t)time[2];
    r->longest_life_s = (int64_t)time[3];
}

static void read_findings(struct att_cbor *c, struct att_audit_report *r)
{
    size_t n = 0;

    (void)att_cbor_enter_array(c, ATT_AUDIT_KEPT);
    while (att_cbor_more(c)) {
        struct att_audit_finding *f = &r->finding[n++];
        char code[64] = "";

        if (att_cbor_enter_array(c, 4) != 4)
            att_cbor_fail(c, ATT_E_FORMAT);
        f->index = att_cbor_uint_max(c, ATT_MERKLE_SIZE_MAX);
        f->err = (enum att_err)att_cbor_uint_max(c, INT8_MAX);
        att_cbor_text_copy(c, code, sizeof(code));
        f->reason = att_reason_find(code);
        read_text(c, f->text, sizeof(f->text));
        att_cbor_leave(c);
        if (f->err == ATT_OK || f->reason == ATT_R_NONE)
            att_cbor_fail(c, ATT_E_FORMAT);
    }
    att_cbor_leave(c);
    if (n != kept(r->findings))
        att_cbor_fail(c, ATT_E_FORMAT);
}

/* A row's rest is checked by att_rd_end: what does not divide is refused. */
static enum att_err read_gaps(struct att_audit_report *r, struct att_slice in)
{
    struct att_rd rd = att_rd_slice(in);
    size_t n = 0;

    for (; att_rd_left(&rd) > 0 && att_rd_ok(&rd) && n < ATT_AUDIT_KEPT; n++) {
        struct att_audit_gap *g = &r->gap[n];

        att_rd_copy(&rd, g->ueid, sizeof(g->ueid));
        g->from = (int64_t)(att_rd_u64be(&rd) & INT64_MAX);
        g->until = (int64_t)(att_rd_u64be(&rd) & INT64_MAX);
        g->index = att_rd_u64be(&rd);
    }
    if (n != kept(r->gaps))
        return ATT_E_FORMAT;
    return att_rd_end(&rd);
}

static enum att_err read_devices(struct att_audit *a, struct att_slice in)
{
    struct att_rd rd = att_rd_slice(in);
    uint64_t want = a->r.devices;
    enum att_err err = ATT_OK;

    while (err == ATT_OK && att_rd_left(&rd) > 0 && att_rd_ok(&rd)) {
        struct audit_device d = {0};
        uint32_t number = 0;
        uint8_t wide;

        att_rd_copy(&rd, d.ueid, sizeof(d.ueid));
        d.index = att_rd_u64be(&rd);
        d.seen = (int64_t)(att_rd_u64be(&rd) & INT64_MAX);
        d.exp = (int64_t)(att_rd_u64be(&rd) & INT64_MAX);
        d.since = (int64_t)(att_rd_u64be(&rd) & INT64_MAX);
        d.standing = att_rd_u8(&rd);
        wide = att_rd_u8(&rd);
        d.wide = wide == 1;
        if (!att_rd_ok(&rd) || d.standing > STANDING_GONE || wide > 1)
            return ATT_E_FORMAT;
        err = audit_device(&number, a, d.ueid);
        if (err == ATT_OK)
            a->device[number] = d;
    }
    if (err == ATT_OK)
        err = att_rd_end(&rd);
    return err == ATT_OK && a->device_count != want ? ATT_E_FORMAT : err;
}

static enum att_err read_labels(struct att_audit *a, struct att_slice in)
{
    struct att_rd rd = att_rd_slice(in);
    enum att_err err = ATT_OK;

    while (err == ATT_OK && att_rd_left(&rd) > 0 && att_rd_ok(&rd)) {
        struct audit_row row = {0};

        row.key = att_rd_u64be(&rd);
        row.value = att_rd_u32be(&rd);
        row.exp = att_rd_u32be(&rd);
        if (!att_rd_ok(&rd) || row.value == 0 || LABEL_DEVICE(row.value - 1) >= a->device_count ||
            LABEL_STATUS(row.value - 1) > LABEL_SUSPENDED ||
            audit_map_get(&a->labels, row.key) != NULL)
            return ATT_E_FORMAT;
        err = audit_map_put(&a->labels, &row, 0, AUDIT_LABELS_MAX);
    }
    return err == ATT_OK ? att_rd_end(&rd) : err;
}

static void read_in_force(struct att_cbor *c, struct audit_keys *k)
{
    if (att_cbor_enter_array(c, 6) != 6)
        att_cbor_fail(c, ATT_E_FORMAT);
    k->known = att_cbor_uint_max(c, 1);
    att_cbor_bytes_exact(c, k->label, sizeof(k->label));
    k->log_state = att_cbor_uint_max(c, LOG_KEY__END - 1);
    k->log_changed = att_cbor_uint_max(c, ATT_MERKLE_SIZE_MAX);
    att_cbor_bytes_exact(c, k->log_before, sizeof(k->log_before));
    att_cbor_bytes_exact(c, k->log_now, sizeof(k->log_now));
    att_cbor_leave(c);
}

/* What a state says of a label key. */
struct key_row {
    int64_t utc;
    struct att_slice der;
    uint64_t limit;
};

static enum att_err read_key(struct att_audit *a, const struct key_row *row, struct att_diag *diag)
{
    struct att_slice cert[ATT_CHAIN_MAX];
    struct att_rd rd = att_rd_slice(row->der);
    size_t count = 0;
    enum att_err err;

    while (att_rd_left(&rd) > 0 && att_rd_ok(&rd) && count < ATT_CHAIN_MAX) {
        size_t len = att_rd_count16be(&rd, UINT16_MAX);

        cert[count++] = att_rd_bytes(&rd, len);
    }
    if (att_rd_end(&rd) != ATT_OK || count == 0)
        return ATT_E_FORMAT;
    err = audit_introduce(a, cert, count, row->utc, diag);
    if (err == ATT_OK)
        a->signer[a->signer_count - 1].limit = row->limit;
    return err;
}

/* Judged by the anchors of now, so that a state cannot bring a key of its own. */
static enum att_err read_keys(struct att_audit *a, struct att_slice in, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_array(&c, ATT_AUDIT_SIGNERS);
    while (err == ATT_OK && att_cbor_more(&c)) {
        struct key_row row;

        if (att_cbor_enter_array(&c, 3) != 3)
            att_cbor_fail(&c, ATT_E_FORMAT);
        row.utc = (int64_t)att_cbor_uint_max(&c, INT64_MAX);
        row.der = att_cbor_bytes(&c, ATT_ENTRY_MAX);
        row.limit = att_cbor_uint(&c);
        att_cbor_leave(&c);
        if (att_cbor_ok(&c))
            err = read_key(a, &row, diag);
    }
    if (err == ATT_OK && !att_cbor_ok(&c))
        err = ATT_E_FORMAT;
    return err;
}

static enum att_err read_state(struct state *s, struct att_audit *a, struct att_slice in,
                               struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);

    if (att_cbor_enter_array(&c, 12) != 12 || att_cbor_uint(&c) != VERSION)
        att_cbor_fail(&c, ATT_E_FORMAT);
    read_text(&c, s->origin, sizeof(s->origin));
    att_cbor_bytes_exact(&c, s->root, sizeof(s->root));
    read_numbers(&c, &a->r);
    read_text(&c, a->r.issuer, sizeof(a->r.issuer));
    att_cbor_bytes_exact(&c, a->seed, sizeof(a->seed));
    s->keys = att_cbor_item(&c);
    s->devices = att_cbor_bytes(&c, (size_t)AUDIT_DEVICES_MAX * AUDIT_DEVICE_BYTES);
    s->labels = att_cbor_bytes(&c, (size_t)AUDIT_LABELS_MAX * AUDIT_LABEL_BYTES);
    read_findings(&c, &a->r);
    s->gaps = att_cbor_bytes(&c, ATT_AUDIT_KEPT * GAP_BYTES);
    read_in_force(&c, &a->keys);
    att_cbor_leave(&c);
    return att_cbor_end_diag(&c, ATT_R_FMT_AUDIT, "state", diag);
}

static enum att_err fill(struct att_audit *a, const struct state *s, struct att_diag *diag)
{
    struct att_diag why = {0};
    enum att_err err = read_gaps(&a->r, s->gaps);

    if (err == ATT_OK)
        err = read_devices(a, s->devices);
    if (err == ATT_OK)
        err = read_labels(a, s->labels);
    if (err == ATT_OK)
        err = read_keys(a, s->keys, &why);
    if (err == ATT_OK || err == ATT_E_NOMEM || err == ATT_E_CRYPTO)
        return err;
    return att_fail(diag, err, ATT_R_FMT_AUDIT, "state", "expected tables of an audit: %s",
                    att_err_name(err));
}

enum att_err att_audit_resume(struct att_audit **out, uint8_t root[ATT_MERKLE_LEN],
                              struct att_slice in, const char *origin,
                              const struct att_anchors *anchors, struct att_diag *diag)
{
    ATT_CLEANUP(att_audit_freep) struct att_audit *a = NULL;
    struct state s = {0};
    enum att_err err = att_audit_new(&a, anchors, diag);

    if (err == ATT_OK)
        err = read_state(&s, a, in, diag);
    if (err == ATT_OK && strcmp(s.origin, origin) != 0)
        err = att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_AUDIT, "state",
                       "expected the state of an audit of %.60s, found one of %.60s", origin,
                       s.origin);
    if (err == ATT_OK)
        err = fill(a, &s, diag);
    if (err != ATT_OK)
        return err;
    memcpy(root, s.root, sizeof(s.root));
    *out = a;
    a = NULL;
    return ATT_OK;
}
