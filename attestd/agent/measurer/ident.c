/* The enrolment as it stands on disk: deterministic CBOR, one schema. */
#include <string.h>

#include "agent/measurer/state.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"

#define VERSION 1

enum att_err agent_ident_parse(struct agent_ident *out, struct att_slice in, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct agent_ident v = {0};
    uint64_t version = 0;
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_map(&c, 9);
    att_cbor_key_is(&c, 0);
    version = att_cbor_uint(&c);
    if (att_cbor_ok(&c) && version != VERSION) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_FMT_VERSION, STATE_ENROLMENT,
                        "expected version %d, found %llu", VERSION, (unsigned long long)version);
    }
    att_cbor_key_is(&c, 1);
    att_cbor_text_copy(&c, v.device_id, sizeof(v.device_id));
    att_cbor_key_is(&c, 2);
    att_cbor_text_copy(&c, v.verifier_id, sizeof(v.verifier_id));
    att_cbor_key_is(&c, 3);
    att_cbor_text_copy(&c, v.url, sizeof(v.url));
    att_cbor_key_is(&c, 4);
    v.ek_kind = (enum hw_ek_kind)att_cbor_uint_max(&c, HW_EK_H3);
    att_cbor_key_is(&c, 5);
    v.ek_name_len = att_cbor_bytes_copy(&c, v.ek_name, sizeof(v.ek_name));
    att_cbor_key_is(&c, 6);
    v.ak.handle = (uint32_t)att_cbor_uint_max(&c, UINT32_MAX);
    att_cbor_key_is(&c, 7);
    v.ak.public_len = att_cbor_bytes_copy(&c, v.ak.public_area, sizeof(v.ak.public_area));
    att_cbor_key_is(&c, 8);
    v.interval_s = att_cbor_uint(&c);
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_CBOR, STATE_ENROLMENT, diag);
    if (err == ATT_OK) {
        *out = v;
    }
    return err;
}

enum att_err agent_ident_encode(struct att_slice *out, uint8_t *room, size_t cap,
                                const struct agent_ident *ident, struct att_diag *diag)
{
    struct att_wr w = att_wr_into(room, cap);
    enum att_err err = ATT_OK;

    att_cbor_wr_map(&w, 9);
    att_cbor_wr_uint(&w, 0);
    att_cbor_wr_uint(&w, VERSION);
    att_cbor_wr_uint(&w, 1);
    att_cbor_wr_text(&w, ident->device_id);
    att_cbor_wr_uint(&w, 2);
    att_cbor_wr_text(&w, ident->verifier_id);
    att_cbor_wr_uint(&w, 3);
    att_cbor_wr_text(&w, ident->url);
    att_cbor_wr_uint(&w, 4);
    att_cbor_wr_uint(&w, (uint64_t)ident->ek_kind);
    att_cbor_wr_uint(&w, 5);
    att_cbor_wr_bytes(&w, att_slice_of(ident->ek_name, ident->ek_name_len));
    att_cbor_wr_uint(&w, 6);
    att_cbor_wr_uint(&w, ident->ak.handle);
    att_cbor_wr_uint(&w, 7);
    att_cbor_wr_bytes(&w, att_slice_of(ident->ak.public_area, ident->ak.public_len));
    att_cbor_wr_uint(&w, 8);
    att_cbor_wr_uint(&w, ident->interval_s);
    err = att_cbor_wr_done(&w, out);
    return err == ATT_OK
               ? err
               : att_fail(diag, err, ATT_R_INTERNAL, STATE_ENROLMENT, "it could not be encoded");
}
