/*
 * CEL in CBOR (TCG CEL 1.0, 5.4): a record is a map {0: number, 1 or 2: register, 3: digests, content type:
 * content}, of four entries in deterministic order.
 */
#include "base/guard.h"
#include "tcg/cel_internal.h"

#define ENTRIES 4

static bool known_content(int64_t type)
{
    return type == ATT_CEL_MANAGEMENT || type == ATT_CEL_PCCLIENT || type == ATT_CEL_IMA_TEMPLATE ||
           type == ATT_CEL_IMA_TLV || type == ATT_CEL_SYSTEMD || type >= ATT_CEL_VENDOR;
}

/* [ {0: algorithm, 1: digest} ... ] */
static void read_digests(struct att_cbor *c, struct att_cel_record *rec)
{
    (void)att_cbor_enter_array(c, ATT_PCR_BANKS);
    while (att_cbor_more(c)) {
        uint64_t alg = 0;
        struct att_slice value = {0};

        if (att_cbor_enter_map(c, 2) != 2) {
            att_cbor_fail(c, ATT_E_FORMAT);
        }
        att_cbor_key_is(c, 0);
        alg = att_cbor_uint_max(c, UINT16_MAX);
        att_cbor_key_is(c, 1);
        value = att_cbor_bytes(c, ATT_HASH_MAX);
        att_cbor_leave(c);
        if (att_cbor_ok(c) && !att_cel_add_digest(rec, alg, value)) {
            att_cbor_fail(c, ATT_E_FORMAT);
        }
    }
    att_cbor_leave(c);
}

/* {0: event type, 1: event data} */
static void read_pcclient(struct att_cbor *c, struct att_cel_record *rec)
{
    if (att_cbor_enter_map(c, 2) != 2) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    att_cbor_key_is(c, 0);
    rec->event_type = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
    att_cbor_key_is(c, 1);
    rec->event = att_cbor_bytes(c, ATT_CEL_RECORD_MAX);
    att_cbor_leave(c);
    rec->has_event = true;
}

static void read_content(struct att_cbor *c, struct att_cel_record *rec)
{
    int64_t type = att_cbor_key_int(c);
    struct att_cbor inner = *c;

    if (!att_cbor_ok(c) || !known_content(type)) {
        att_cbor_fail(c, ATT_E_FORMAT);
        return;
    }
    rec->content_type = (uint64_t)type;
    rec->content = att_cbor_item(c);
    if (att_cbor_ok(c) && type == ATT_CEL_PCCLIENT) {
        read_pcclient(&inner, rec);
        if (!att_cbor_ok(&inner)) {
            att_cbor_fail(c, ATT_E_FORMAT);
        }
    }
}

enum att_err att_cel_read_cbor(struct att_cel_record *rec, struct att_slice in,
                               struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    int64_t key = 0;

    c.rd.base = rec->off;
    if (att_cbor_enter_map(&c, ENTRIES) != ENTRIES) {
        att_cbor_fail(&c, ATT_E_FORMAT);
    }
    att_cbor_key_is(&c, ATT_CEL_RECNUM);
    rec->recnum = att_cbor_uint(&c);
    key = att_cbor_key_int(&c);
    if (key != ATT_CEL_PCR && key != ATT_CEL_NV_INDEX) {
        att_cbor_fail(&c, ATT_E_FORMAT);
    }
    rec->register_type = (uint8_t)key;
    rec->index = (uint32_t)att_cbor_uint_max(&c, UINT32_MAX);
    att_cbor_key_is(&c, ATT_CEL_DIGESTS);
    read_digests(&c, rec);
    read_content(&c, rec);
    att_cbor_leave(&c);
    return att_cbor_end_diag(&c, ATT_R_FMT_CEL, "record", diag);
}
