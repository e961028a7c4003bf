/* The evidence claims: an unprotected CWT claims set (RFC 9781) that the quote's qualifying data hashes. */
#include "evidence/evidence.h"

#include <string.h>

#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "evidence/profile.h"

#define CLAIMS_MAX 1024
#define UEID_MAX   33

static void write_health(struct att_wr *w, const struct att_claims *c)
{
    att_cbor_wr_int(w, ATT_CLAIM_TPM_HEALTH);
    att_cbor_wr_map(w, 4);
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_text(w, c->tpm_manufacturer);
    att_cbor_wr_uint(w, 1);
    att_cbor_wr_uint(w, c->tpm_firmware);
    att_cbor_wr_uint(w, 2);
    att_cbor_wr_uint(w, c->lockout_counter);
    att_cbor_wr_uint(w, 3);
    att_cbor_wr_array(w, c->bank_count);
    for (uint32_t i = 0; i < c->bank_count; i++) {
        att_cbor_wr_array(w, 2);
        att_cbor_wr_uint(w, c->bank[i].alg);
        att_cbor_wr_bool(w, c->bank[i].extended);
    }
}

static void write_offsets(struct att_wr *w, const struct att_log_offsets *logs)
{
    size_t count = 0;

    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        count += logs->has[i] ? 1 : 0;
    }
    att_cbor_wr_int(w, ATT_CLAIM_LOG_OFFSETS);
    att_cbor_wr_map(w, count);
    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        if (logs->has[i]) {
            att_cbor_wr_uint(w, i);
            att_cbor_wr_uint(w, logs->off[i]);
        }
    }
}

enum att_err att_claims_encode(struct att_buf **out, const struct att_claims *c)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    uint8_t room[CLAIMS_MAX];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_slice encoded;
    enum att_err err = ATT_OK;

    att_cbor_wr_map(&w, c->has_batch_head ? 9 : 8);
    att_cbor_wr_uint(&w, ATT_CLAIM_UEID);
    att_cbor_wr_bytes(&w, c->ueid);
    att_cbor_wr_uint(&w, ATT_CLAIM_UPTIME);
    att_cbor_wr_uint(&w, c->uptime_s);
    att_cbor_wr_uint(&w, ATT_CLAIM_BOOTCOUNT);
    att_cbor_wr_uint(&w, c->bootcount);
    att_cbor_wr_uint(&w, ATT_CLAIM_SWNAME);
    att_cbor_wr_text(&w, c->swname);
    att_cbor_wr_uint(&w, ATT_CLAIM_SWVERSION);
    att_cbor_wr_array(&w, 1);
    att_cbor_wr_text(&w, c->swversion);
    write_offsets(&w, &c->logs);
    write_health(&w, c);
    att_cbor_wr_int(&w, ATT_CLAIM_BUILD_ID);
    att_cbor_wr_text(&w, c->build_id);
    if (c->has_batch_head) {
        att_cbor_wr_int(&w, ATT_CLAIM_BATCH_HEAD);
        att_cbor_wr_bytes(&w, att_slice_of(c->batch_head, sizeof(c->batch_head)));
    }
    err = att_cbor_wr_done(&w, &encoded);
    if (err != ATT_OK) {
        return err;
    }
    err = att_buf_new(&b, CLAIMS_MAX);
    if (err != ATT_OK) {
        return err;
    }
    err = att_buf_add_slice(b, encoded);
    if (err != ATT_OK) {
        return err;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}

static void read_offsets(struct att_cbor *c, struct att_log_offsets *out)
{
    (void)att_cbor_enter_map(c, ATT_LOG__COUNT);
    while (att_cbor_more(c)) {
        int64_t log = att_cbor_key_int(c);
        uint64_t off = att_cbor_uint_max(c, UINT32_MAX);

        if (log < 0 || log >= ATT_LOG__COUNT) {
            att_cbor_fail(c, ATT_E_FORMAT);
            return;
        }
        out->has[log] = true;
        out->off[log] = off;
    }
    att_cbor_leave(c);
}

static void read_banks(struct att_cbor *c, struct att_claims *out)
{
    out->bank_count = 0;
    (void)att_cbor_enter_array(c, ATT_CLAIMS_BANKS);
    while (att_cbor_more(c)) {
        struct att_claims_bank *b = &out->bank[out->bank_count++];

        (void)att_cbor_enter_array(c, 2);
        b->alg = (enum att_hash)att_cbor_uint_max(c, UINT16_MAX);
        b->extended = att_cbor_bool(c);
        att_cbor_leave(c);
    }
    att_cbor_leave(c);
}

static void read_health(struct att_cbor *c, struct att_claims *out)
{
    (void)att_cbor_enter_map(c, 8);
    while (att_cbor_more(c)) {
        switch (att_cbor_key_int(c)) {
        case 0:
            att_cbor_text_copy(c, out->tpm_manufacturer, sizeof(out->tpm_manufacturer));
            break;
        case 1:
            out->tpm_firmware = att_cbor_uint(c);
            break;
        case 2:
            out->lockout_counter = att_cbor_uint_max(c, UINT32_MAX);
            break;
        case 3:
            read_banks(c, out);
            break;
        default:
            (void)att_cbor_item(c);
            break;
        }
    }
    att_cbor_leave(c);
}

static void read_version(struct att_cbor *c, struct att_claims *out)
{
    (void)att_cbor_enter_array(c, 2);
    att_cbor_text_copy(c, out->swversion, sizeof(out->swversion));
    if (att_cbor_more(c)) {
        (void)att_cbor_item(c); /* the version scheme: nothing depends on it */
    }
    att_cbor_leave(c);
}

static void read_claim(struct att_cbor *c, int64_t key, struct att_claims *out)
{
    switch (key) {
    case ATT_CLAIM_UEID:
        out->ueid = att_cbor_bytes(c, UEID_MAX);
        break;
    case ATT_CLAIM_UPTIME:
        out->uptime_s = att_cbor_uint(c);
        break;
    case ATT_CLAIM_BOOTCOUNT:
        out->bootcount = att_cbor_uint(c);
        break;
    case ATT_CLAIM_SWNAME:
        att_cbor_text_copy(c, out->swname, sizeof(out->swname));
        break;
    case ATT_CLAIM_SWVERSION:
        read_version(c, out);
        break;
    case ATT_CLAIM_LOG_OFFSETS:
        read_offsets(c, &out->logs);
        break;
    case ATT_CLAIM_TPM_HEALTH:
        read_health(c, out);
        break;
    case ATT_CLAIM_BUILD_ID:
        att_cbor_text_copy(c, out->build_id, sizeof(out->build_id));
        break;
    case ATT_CLAIM_BATCH_HEAD:
        out->has_batch_head = true;
        att_cbor_bytes_exact(c, out->batch_head, sizeof(out->batch_head));
        break;
    default:
        (void)att_cbor_item(c); /* claims are the gateway's words: unknown ones are ignored */
        break;
    }
}

enum att_err att_claims_parse(struct att_claims *out, struct att_slice in, struct att_diag *diag)
{
    struct att_claims claims = {0};
    struct att_cbor c = att_cbor_from(in);
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_map(&c, 32);
    while (att_cbor_more(&c)) {
        int64_t key = att_cbor_key_int(&c);

        read_claim(&c, key, &claims);
    }
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_EVIDENCE, "claims", diag);
    if (err != ATT_OK) {
        return err;
    }
    *out = claims;
    return ATT_OK;
}
