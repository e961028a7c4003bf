/* The administrator's routes of transfers: what to offer, what is completed, and what was. */
#include <string.h>

#include "admin_internal.h"
#include "base/hex.h"
#include "transfer.h"

#define PAGE_MAX 100

static json_t *hex(const uint8_t *p, size_t len)
{
    char text[2 * STORE_NAME_MAX + 1];

    return json_string(att_hex_encode(text, sizeof(text), att_slice_of(p, len)));
}

static json_t *last_json(const struct att_transfer_last *l)
{
    return json_pack(
        "{s:s, s:o, s:o, s:I}", "status", att_transfer_status_name(l->status), "counters",
        l->has_counters
            ? json_pack("{s:I, s:I, s:I}", "reset", (json_int_t)l->reset_count, "restart",
                        (json_int_t)l->restart_count, "clock_ms", (json_int_t)l->clock_ms)
            : json_null(),
        "label",
        l->has_label ? json_pack("{s:o, s:o}", "cti", hex(l->cti, sizeof(l->cti)), "sha256",
                                 hex(l->label_digest, sizeof(l->label_digest)))
                     : json_null(),
        "outcomes", (json_int_t)l->outcomes);
}

enum att_err admin_show_offer(struct request *r)
{
    struct att_transfer t;
    enum att_err err = transfer_offer(&t, r->k, r->rest, r->diag);

    if (err != ATT_OK)
        return err;
    return admin_reply(
        r, 200,
        json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "verifier", t.giver.verifier_id, "device",
                  t.giver.device_id, "ek_name", hex(t.ek_name, t.ek_name_len), "ek_cert",
                  t.has_ek_cert ? hex(t.ek_cert, sizeof(t.ek_cert)) : json_null(), "ak_name",
                  hex(t.ak_name, t.ak_name_len), "last", last_json(&t.last)));
}

static json_t *side_json(const struct att_transfer_side *s)
{
    return json_pack("{s:s, s:s, s:o}", "verifier", s->verifier_id, "device", s->device_id,
                     "signer", hex(s->kid, sizeof(s->kid)));
}

static json_t *transfer_json(const struct store_transfer *row, const struct att_transfer *t)
{
    bool received = row->role == STORE_TRANSFER_RECEIVED;

    return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:b}", "id",
                     hex(row->id, sizeof(row->id)), "role", received ? "received" : "given",
                     "device", row->device, "giver", side_json(&t->giver), "receiver",
                     side_json(&t->receiver), "ek_name", hex(row->ek_name, row->ek_name_len),
                     "expires", admin_time(row->expires_utc), "outcome", (json_int_t)row->outcome,
                     "enrolled", received && row->enrolment != 0);
}

/* As json; NULL when the stored statement cannot be read. */
static json_t *stored_json(const struct store_transfer *row, const struct att_buf *bytes)
{
    struct att_transfer t;

    return att_transfer_parse(&t, att_buf_slice(bytes), NULL) == ATT_OK ? transfer_json(row, &t)
                                                                        : NULL;
}

static enum att_err damaged(struct request *r, enum att_err err)
{
    return att_fail(r->diag, err, ATT_R_ST_CORRUPT, "transfer", "the record cannot be read");
}

enum att_err admin_list_transfers(struct request *r)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    json_t *list = json_array();
    int64_t at = admin_query_number(r, "from", 0);
    struct store_transfer row = {.outcome = at - 1};
    json_t *next = NULL;
    enum att_err err = att_buf_new(&bytes, ATT_TRANSFER_MAX);

    for (size_t i = 0; i < PAGE_MAX && err == ATT_OK; i++) {
        err = store_transfer_next(&row, bytes, r->k->st, row.outcome);
        if (err == ATT_OK && json_array_append_new(list, stored_json(&row, bytes)) != 0)
            err = ATT_E_FORMAT;
    }
    if (err != ATT_OK && err != ATT_E_NOT_FOUND) {
        json_decref(list);
        return damaged(r, err);
    }
    next = err == ATT_OK ? json_integer((json_int_t)row.outcome + 1) : json_null();
    return admin_reply(r, 200, json_pack("{s:o, s:o}", "transfers", list, "next", next));
}

enum att_err admin_show_transfer(struct request *r)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    struct store_transfer row;
    uint8_t id[STORE_TRANSFER_ID_LEN];
    size_t len = 0;
    enum att_err err = att_hex_decode(id, sizeof(id), &len, r->rest, strlen(r->rest));

    if (err == ATT_OK && len == sizeof(id))
        err = att_buf_new(&bytes, ATT_TRANSFER_MAX);
    else
        err = ATT_E_NOT_FOUND;
    if (err == ATT_OK)
        err = store_transfer_get(&row, bytes, r->k->st, id);
    if (err == ATT_E_NOT_FOUND)
        return att_fail(r->diag, err, ATT_R_HTTP_ROUTE, "transfer",
                        "expected the 32 digits of a transfer that was completed here");
    if (err != ATT_OK)
        return damaged(r, err);
    return answer_with(&r->job->answer, 200, MSG_TYPE_CBOR, att_buf_slice(bytes), r->diag);
}

enum att_err admin_complete_transfer(struct request *r)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = NULL;
    struct store_transfer row;
    struct att_transfer t;
    enum att_err err = admin_body_message(&message, r);

    if (err == ATT_OK)
        err = transfer_complete(&row, &t, r->k, r->job, att_buf_slice(message), r->diag);
    return err == ATT_OK ? admin_reply(r, 201, transfer_json(&row, &t)) : err;
}

static json_t *json_by_id(struct request *r, const uint8_t id[STORE_TRANSFER_ID_LEN])
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    struct store_transfer row;

    if (att_buf_new(&bytes, ATT_TRANSFER_MAX) != ATT_OK ||
        store_transfer_get(&row, bytes, r->k->st, id) != ATT_OK)
        return NULL;
    return stored_json(&row, bytes);
}

json_t *admin_transfer_of(struct request *r, int64_t enrolment)
{
    struct store_transfer row;
    enum att_err err = store_transfer_of(&row, r->k->st, enrolment);

    return err == ATT_OK ? json_by_id(r, row.id) : json_null();
}

enum att_err admin_show_given(struct request *r, const char *device)
{
    struct store_transfer row;
    json_t *transfer = NULL;
    enum att_err err = store_transfer_given(&row, r->k->st, device);

    if (err != ATT_OK)
        return damaged(r, err);
    transfer = json_by_id(r, row.id);
    if (transfer == NULL)
        return damaged(r, ATT_E_FORMAT);
    return admin_reply(r, 200,
                       json_pack("{s:s, s:s, s:s, s:n, s:o, s:o}", "id", device, "status",
                                 "transferred", "reason", att_reason_code(ATT_R_ID_TRANSFERRED),
                                 "label", "ek_name", hex(row.ek_name, row.ek_name_len), "transfer",
                                 transfer));
}
