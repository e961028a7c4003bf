/* An appraisal's context as deterministic CBOR: an array, one member a field. */
#include "appraise/context.h"

#include <string.h>

#include "appraise/parts.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"

#define FIELDS          13
#define FIELDS_PARTS    14   /* when the kernel list came in parts */
#define FIXED_BOUND     4096 /* everything of fixed size, heads included */
#define DEVIATION_BOUND (ATT_RESULT_NAME_MAX + 160)
#define SELECTION_MAX   132

static void write_selection(struct att_wr *w, const struct att_pcr_selection *sel)
{
    uint8_t bytes[SELECTION_MAX];
    struct att_wr inner = att_wr_into(bytes, sizeof(bytes));
    struct att_slice done = {0};

    att_pcr_selection_write(&inner, sel);
    if (att_wr_done(&inner, &done) != ATT_OK) {
        att_wr_fail(w, ATT_E_INTERNAL);
        return;
    }
    att_cbor_wr_bytes(w, done);
}

static void read_selection(struct att_cbor *c, struct att_pcr_selection *sel)
{
    struct att_rd r = att_rd_slice(att_cbor_bytes(c, SELECTION_MAX));

    att_pcr_selection_read(&r, sel);
    if (att_rd_end(&r) != ATT_OK) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
}

static void write_array(struct att_wr *w, const void *p, size_t len)
{
    att_cbor_wr_bytes(w, att_slice_of(p, len));
}

/* At most sizeof(ak_public) bytes. */
static void read_key(struct att_cbor *c, struct att_appraisal_context *out)
{
    struct att_slice s = att_cbor_bytes(c, sizeof(out->ak_public));

    if (s.len > 0) {
        memcpy(out->ak_public, s.p, s.len);
    }
    out->ak_public_len = s.len;
}

size_t att_appraisal_context_bound(const struct att_appraisal_context *c)
{
    size_t values = 0;

    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        values += c->prior.log[i].values.count;
    }
    return FIXED_BOUND + ATT_PARTS_BOUND + c->ak_public_len +
           c->carry.deviation_count * (size_t)DEVIATION_BOUND +
           values * (size_t)ATT_PCR_COUNT * (ATT_HASH_MAX + 4) +
           c->windows.count * ATT_WINDOWS_BOUND / ATT_NOTICES_MAX;
}

enum att_err att_appraisal_context_encode(struct att_wr *w, const struct att_appraisal_context *c)
{
    enum att_err err = ATT_OK;

    att_cbor_wr_array(w, c->parts.known ? FIELDS_PARTS : FIELDS);
    att_cbor_wr_text(w, c->verifier_id);
    att_cbor_wr_text(w, c->device_id);
    write_array(w, c->session, sizeof(c->session));
    write_array(w, c->nonce, sizeof(c->nonce));
    write_selection(w, &c->selection);
    att_cbor_wr_uint(w, c->own_pcr);
    write_array(w, c->ak_public, c->ak_public_len);
    att_cbor_wr_bool(w, c->ek_verified);
    write_array(w, c->policy_digest, sizeof(c->policy_digest));
    write_array(w, c->refvals_digest, sizeof(c->refvals_digest));
    err = att_boot_state_encode(w, &c->prior);
    if (err != ATT_OK) {
        return err;
    }
    err = att_carry_encode(w, &c->carry);
    if (err != ATT_OK) {
        return err;
    }
    att_windows_write(w, &c->windows);
    if (!c->parts.known) {
        return w->err;
    }
    return att_parts_encode(w, &c->parts, &c->seen, c->windows.count);
}

/* What is not known has one spelling: no byte of a context can change without changing its meaning. */
static enum att_err check_unknown(const struct att_appraisal_context *c, struct att_diag *diag)
{
    static const struct att_boot_state no_state;
    static const struct att_carry no_carry;

    if ((!c->prior.known && memcmp(&c->prior, &no_state, sizeof(no_state)) != 0) ||
        (!c->carry.known && memcmp(&c->carry, &no_carry, sizeof(no_carry)) != 0)) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_FRAME, "context",
                        "a state that is not known has content");
    }
    return ATT_OK;
}

enum att_err att_appraisal_context_decode(struct att_appraisal_context *out, struct att_slice in,
                                          struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct att_slice prior = {0};
    struct att_slice carry = {0};
    struct att_slice windows = {0};
    struct att_slice parts = {0};
    uint32_t fields = att_cbor_enter_array(&c, FIELDS_PARTS);
    enum att_err err = ATT_OK;

    if (fields < FIELDS) {
        att_cbor_fail(&c, ATT_E_FORMAT);
    }
    att_cbor_text_copy(&c, out->verifier_id, sizeof(out->verifier_id));
    att_cbor_text_copy(&c, out->device_id, sizeof(out->device_id));
    att_cbor_bytes_exact(&c, out->session, sizeof(out->session));
    att_cbor_bytes_exact(&c, out->nonce, sizeof(out->nonce));
    read_selection(&c, &out->selection);
    out->own_pcr = (uint32_t)att_cbor_uint_max(&c, ATT_PCR_COUNT - 1);
    read_key(&c, out);
    out->ek_verified = att_cbor_bool(&c);
    att_cbor_bytes_exact(&c, out->policy_digest, sizeof(out->policy_digest));
    att_cbor_bytes_exact(&c, out->refvals_digest, sizeof(out->refvals_digest));
    prior = att_cbor_item(&c);
    carry = att_cbor_item(&c);
    windows = att_cbor_item(&c);
    if (fields == FIELDS_PARTS) {
        parts = att_cbor_item(&c);
    }
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_FRAME, "context", diag);
    if (err != ATT_OK) {
        return err;
    }
    err = att_boot_state_decode(&out->prior, prior, diag);
    if (err == ATT_OK) {
        err = att_carry_decode(&out->carry, carry, diag);
    }
    if (err == ATT_OK) {
        err = att_windows_decode(&out->windows, windows, diag);
    }
    memset(&out->parts, 0, sizeof(out->parts));
    memset(&out->seen, 0, sizeof(out->seen));
    if (err == ATT_OK && fields == FIELDS_PARTS) {
        err = att_parts_decode(&out->parts, &out->seen, out->windows.count, parts, diag);
    }
    return err == ATT_OK ? check_unknown(out, diag) : err;
}
