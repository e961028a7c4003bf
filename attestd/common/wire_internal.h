/* How every document of wire.h is read and written, for the files that hold them: small, so inline. */
#ifndef ATTESTD_COMMON_WIRE_INTERNAL_H
#define ATTESTD_COMMON_WIRE_INTERNAL_H

#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "common/wire.h"

#define ENTRIES_MAX 16 /* more than any map here has */

/* What a member may weigh; the verifier's and the gateway's own structures hold no more. */
#define ID_MAX          64
#define TOKEN_MAX       128
#define VERIFIER_ID_MAX 128
#define PUBLIC_MAX      1024 /* TPMT_PUBLIC */
#define CERT_MAX        16384
#define CSR_MAX         4096
#define ID_OBJECT_MAX   256
#define ENC_SECRET_MAX  640
#define SECRET_MAX      64
#define SELECTION_MAX   132
#define ATTEST_MAX      1024
#define LABEL_MAX       65536
#define CODE_MAX        64
#define TEXT_MAX        1024
#define DIGEST_LEN      32
#define OUTCOME_MAX     262144
#define GRANT_MAX       512
#define INTERVAL_MAX    31536000 /* seconds of a year */

/* A map under way: a key that was read and belongs to a later member waits in key. */
struct wire_map {
    struct att_cbor c;
    bool waiting;
    int64_t key;
};

/* Is the next member this one? Then its value comes next. */
static inline bool has(struct wire_map *m, int64_t key)
{
    if (!m->waiting && att_cbor_more(&m->c)) {
        m->key = att_cbor_key_int(&m->c);
        m->waiting = true;
    }
    if (!att_cbor_ok(&m->c) || !m->waiting || m->key != key) {
        return false;
    }
    m->waiting = false;
    return true;
}

static inline void need(struct wire_map *m, int64_t key)
{
    if (!has(m, key)) {
        att_cbor_fail(&m->c, ATT_E_FORMAT);
    }
}

static inline struct att_slice need_text(struct wire_map *m, int64_t key, size_t max)
{
    need(m, key);
    return att_cbor_text(&m->c, max);
}

static inline struct att_slice need_bytes(struct wire_map *m, int64_t key, size_t max)
{
    need(m, key);
    return att_cbor_bytes(&m->c, max);
}

static inline struct att_slice need_exact(struct wire_map *m, int64_t key, size_t len)
{
    struct att_slice s = need_bytes(m, key, len);

    if (s.len != len) {
        att_cbor_fail(&m->c, ATT_E_FORMAT);
    }
    return s;
}

static inline uint64_t need_uint(struct wire_map *m, int64_t key, uint64_t max)
{
    need(m, key);
    return att_cbor_uint_max(&m->c, max);
}

static inline struct wire_map open_map(struct att_slice in)
{
    struct wire_map m = {.c = att_cbor_from(in)};

    (void)att_cbor_enter_map(&m.c, ENTRIES_MAX);
    return m;
}

/* The map and its version, which is judged before anything else is read. UNSUPPORTED (FMT_VERSION) */
ATT_MUST_USE enum att_err wire_open_map(struct wire_map *out, struct att_slice in,
                                        const char *field, struct att_diag *diag);

/* Nothing may be left: an unknown key still waits, an unread one makes att_cbor_leave fail. */
static inline enum att_err close_map(struct wire_map *m, const char *field, struct att_diag *diag)
{
    if (m->waiting) {
        att_cbor_fail(&m->c, ATT_E_FORMAT);
    }
    att_cbor_leave(&m->c);
    return att_cbor_end_diag(&m->c, ATT_R_FMT_CBOR, field, diag);
}

static inline enum att_err written(const struct att_wr *w)
{
    struct att_slice all;

    return att_cbor_wr_done(w, &all);
}

static inline void head(struct att_wr *w, size_t entries)
{
    att_cbor_wr_map(w, entries);
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_uint(w, WIRE_VERSION);
}

static inline void put_text(struct att_wr *w, int64_t key, struct att_slice v)
{
    att_cbor_wr_int(w, key);
    att_cbor_wr_text_slice(w, v);
}

static inline void put_bytes(struct att_wr *w, int64_t key, struct att_slice v)
{
    att_cbor_wr_int(w, key);
    att_cbor_wr_bytes(w, v);
}

static inline void put_uint(struct att_wr *w, int64_t key, uint64_t v)
{
    att_cbor_wr_int(w, key);
    att_cbor_wr_uint(w, v);
}

#endif
