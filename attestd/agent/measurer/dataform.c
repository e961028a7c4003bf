/* The bytes of what the state folder keeps of the data key. */
#include "agent/measurer/datakey.h"

#include <string.h>

#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"

#define VERSION 1
#define MEMBERS 6

enum att_err data_key_parse(struct data_key *out, struct att_slice in, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct data_key k = {.certified = false};
    uint64_t version = 0;
    enum att_err err = ATT_OK;

    if (att_cbor_enter_map(&c, MEMBERS) != MEMBERS) {
        att_cbor_fail(&c, ATT_E_FORMAT);
    }
    att_cbor_key_is(&c, 0);
    version = att_cbor_uint(&c);
    if (att_cbor_ok(&c) && version != VERSION) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_FMT_VERSION, STATE_DATA_KEY,
                        "expected version %d, found %llu", VERSION, (unsigned long long)version);
    }
    att_cbor_key_is(&c, 1);
    k.key.public_len = att_cbor_bytes_copy(&c, k.key.public_area, sizeof(k.key.public_area));
    att_cbor_key_is(&c, 2);
    k.key.private_len = att_cbor_bytes_copy(&c, k.key.private_area, sizeof(k.key.private_area));
    att_cbor_key_is(&c, 3);
    k.key.parent_len = att_cbor_bytes_copy(&c, k.key.parent_name, sizeof(k.key.parent_name));
    att_cbor_key_is(&c, 4);
    k.authority_len = att_cbor_bytes_copy(&c, k.authority, sizeof(k.authority));
    att_cbor_key_is(&c, 5);
    k.certified = att_cbor_bool(&c);
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_CBOR, STATE_DATA_KEY, diag);
    if (err == ATT_OK) {
        *out = k;
    }
    return err;
}

enum att_err data_key_encode(struct att_slice *out, uint8_t *room, size_t cap,
                             const struct data_key *k, struct att_diag *diag)
{
    struct att_wr w = att_wr_into(room, cap);
    enum att_err err = ATT_OK;

    att_cbor_wr_map(&w, MEMBERS);
    att_cbor_wr_uint(&w, 0);
    att_cbor_wr_uint(&w, VERSION);
    att_cbor_wr_uint(&w, 1);
    att_cbor_wr_bytes(&w, att_slice_of(k->key.public_area, k->key.public_len));
    att_cbor_wr_uint(&w, 2);
    att_cbor_wr_bytes(&w, att_slice_of(k->key.private_area, k->key.private_len));
    att_cbor_wr_uint(&w, 3);
    att_cbor_wr_bytes(&w, att_slice_of(k->key.parent_name, k->key.parent_len));
    att_cbor_wr_uint(&w, 4);
    att_cbor_wr_bytes(&w, att_slice_of(k->authority, k->authority_len));
    att_cbor_wr_uint(&w, 5);
    att_cbor_wr_bool(&w, k->certified);
    err = att_cbor_wr_done(&w, out);
    return err == ATT_OK ? ATT_OK
                         : att_fail(diag, err, ATT_R_INTERNAL, STATE_DATA_KEY, "it does not fit");
}

enum att_err data_refusal_encode(struct att_slice *out, uint8_t *room, size_t cap,
                                 const struct data_refusal *r)
{
    struct att_wr w = att_wr_into(room, cap);

    att_cbor_wr_map(&w, 4);
    att_cbor_wr_uint(&w, 0);
    att_cbor_wr_uint(&w, VERSION);
    att_cbor_wr_uint(&w, 1);
    att_cbor_wr_uint(&w, (uint64_t)r->utc_s);
    att_cbor_wr_uint(&w, 2);
    att_cbor_wr_text(&w, r->code);
    att_cbor_wr_uint(&w, 3);
    att_cbor_wr_text(&w, r->text);
    return att_cbor_wr_done(&w, out);
}

enum att_err data_refusal_parse(struct data_refusal *out, struct att_slice in,
                                struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct data_refusal r = {.utc_s = 0};
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_map(&c, 4);
    att_cbor_key_is(&c, 0);
    if (att_cbor_uint(&c) != VERSION) {
        att_cbor_fail(&c, ATT_E_FORMAT);
    }
    att_cbor_key_is(&c, 1);
    r.utc_s = (int64_t)att_cbor_uint_max(&c, INT64_MAX);
    att_cbor_key_is(&c, 2);
    att_cbor_word_copy(&c, r.code, sizeof(r.code));
    att_cbor_key_is(&c, 3);
    att_cbor_text_copy(&c, r.text, sizeof(r.text));
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_CBOR, STATE_DATA_REFUSAL, diag);
    if (err == ATT_OK) {
        *out = r;
    }
    return err;
}
