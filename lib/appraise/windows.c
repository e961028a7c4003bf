/* Windows of a device: their encoding, and which of all notices they are. */
#include "appraise/windows.h"

#include <string.h>

#include "base/hex.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "crypto/digest.h"

#define FIELDS 5

/* Without the zeros at the end, so that there is one spelling. */
static void write_bits(struct att_wr *w, const uint8_t *bits)
{
    size_t len = ATT_WINDOW_BITS;

    while (len > 0 && bits[len - 1] == 0) {
        len--;
    }
    att_cbor_wr_bytes(w, att_slice_of(bits, len));
}

static void read_bits(struct att_cbor *c, uint8_t *bits)
{
    struct att_slice s = att_cbor_bytes(c, ATT_WINDOW_BITS);

    if (s.len > 0) {
        memcpy(bits, s.p, s.len);
        if (s.p[s.len - 1] == 0) {
            att_cbor_fail(c, ATT_E_FORMAT);
        }
    }
}

void att_windows_write(struct att_wr *w, const struct att_windows *x)
{
    att_cbor_wr_array(w, x->count);
    for (uint32_t i = 0; i < x->count; i++) {
        const struct att_window *one = &x->window[i];

        att_cbor_wr_array(w, FIELDS);
        att_cbor_wr_bytes(w, att_slice_of(one->notice, sizeof(one->notice)));
        att_cbor_wr_bool(w, one->open);
        att_cbor_wr_uint(w, one->reset_count);
        write_bits(w, one->earlier);
        write_bits(w, one->shown);
    }
}

enum att_err att_windows_decode(struct att_windows *out, struct att_slice in, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);

    memset(out, 0, sizeof(*out));
    (void)att_cbor_enter_array(&c, ATT_NOTICES_MAX);
    while (att_cbor_more(&c)) {
        struct att_window *one = &out->window[out->count];

        if (att_cbor_enter_array(&c, FIELDS) != FIELDS) {
            att_cbor_fail(&c, ATT_E_FORMAT);
        }
        att_cbor_bytes_exact(&c, one->notice, sizeof(one->notice));
        one->open = att_cbor_bool(&c);
        one->reset_count = (uint32_t)att_cbor_uint_max(&c, UINT32_MAX);
        read_bits(&c, one->earlier);
        read_bits(&c, one->shown);
        att_cbor_leave(&c);
        out->count++;
    }
    att_cbor_leave(&c);
    return att_cbor_end_diag(&c, ATT_R_FMT_FRAME, "windows", diag);
}

void att_windows_seen_write(struct att_wr *w, const struct att_windows_seen *x, uint32_t count)
{
    att_cbor_wr_array(w, count);
    for (uint32_t i = 0; i < count; i++) {
        write_bits(w, x->in_list[i]);
    }
}

void att_windows_seen_read(struct att_cbor *c, struct att_windows_seen *x, uint32_t count)
{
    memset(x, 0, sizeof(*x));
    if (att_cbor_enter_array(c, ATT_NOTICES_MAX) != count) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    for (uint32_t i = 0; att_cbor_more(c); i++) {
        read_bits(c, x->in_list[i]);
    }
    att_cbor_leave(c);
}

enum att_err att_windows_notices(const struct att_notice **out, const struct att_windows *w,
                                 const struct att_notice *const *given, size_t count,
                                 struct att_diag *diag)
{
    char hex[65];

    for (uint32_t i = 0; i < w->count; i++) {
        out[i] = att_notices_find(given, count, w->window[i].notice);
        if (out[i] == NULL) {
            return att_fail(
                diag, ATT_E_NOT_FOUND, ATT_R_REF_NOTICE, "change notice",
                "expected the one of SHA-256 %s",
                att_hex_encode(hex, sizeof(hex), att_slice_of(w->window[i].notice, 32)));
        }
    }
    return ATT_OK;
}

static const struct att_window *known_of(const struct att_windows *known, const uint8_t *notice)
{
    for (uint32_t i = 0; i < known->count; i++) {
        if (memcmp(known->window[i].notice, notice, 32) == 0) {
            return &known->window[i];
        }
    }
    return NULL;
}

static bool shows_any(const struct att_window *w)
{
    static const uint8_t none[ATT_WINDOW_BITS];

    return w != NULL && memcmp(w->shown, none, sizeof(none)) != 0;
}

void att_windows_pick(struct att_windows *out, const struct att_notices *all,
                      const struct att_windows *known, const char *device_id, int64_t now_s)
{
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < all->count; i++) {
        const struct att_notice *n = all->notice[i];
        const struct att_window *before = known_of(known, n->digest);
        bool open = att_notice_is_open(n, now_s) && att_notice_concerns(n, device_id);
        struct att_window *one = &out->window[out->count];

        if (!open && !shows_any(before)) {
            continue;
        }
        if (before != NULL) {
            *one = *before;
        }
        memcpy(one->notice, n->digest, sizeof(one->notice));
        one->open = open;
        out->count++;
    }
}

enum att_err att_windows_digest(uint8_t out[32], const struct att_windows *x)
{
    struct att_slice part[2 * ATT_NOTICES_MAX];
    size_t count = 0;

    if (x->count == 0) {
        memset(out, 0, 32);
        return ATT_OK;
    }
    for (uint32_t i = 0; i < x->count; i++) {
        part[count++] = att_slice_of(x->window[i].notice, 32);
        part[count++] = att_slice_str(x->window[i].open ? "open" : "over");
    }
    return att_digest(ATT_HASH_SHA256, part, count, out);
}
