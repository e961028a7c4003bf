/* Windows of a device as CBOR. */
#include "appraise/windows.h"

#include <string.h>

#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"

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
