/* The administrator's routes. */
#include "admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_internal.h"
#include "appraise/record.h"
#include "base/b64.h"
#include "base/guard.h"
#include "base/hex.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "tcg/pubarea.h"
#include "transfer.h"

#define PAGE_MAX   100
#define TOKEN_TEXT (ATT_B64_LEN(KEEPER_TOKEN_BYTES) + 1)

enum att_err admin_reply(struct request *r, int http, json_t *doc)
{
    ATT_CLEANUP(att_json_freep) json_t *owned = doc;
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    enum att_err err = owned != NULL ? att_json_print(&text, owned) : ATT_E_NOMEM;

    if (err != ATT_OK)
        return att_fail(r->diag, err, ATT_R_NOMEM, "admin", "memory ran out");
    return answer_with(&r->job->answer, http, MSG_TYPE_JSON, att_buf_slice(text), r->diag);
}

static size_t page_of(const struct request *r)
{
    int64_t n = admin_query_number(r, "limit", PAGE_MAX);

    return n < 1 || n > PAGE_MAX ? PAGE_MAX : (size_t)n;
}

static enum att_err list_devices(struct request *r)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    ATT_CLEANUP(att_json_freep) json_t *list = json_array();
    struct store_row *rows = calloc(PAGE_MAX, sizeof(*rows));
    char after[STORE_ID_MAX + 1];
    size_t limit = page_of(r);
    size_t count = 0;
    enum att_err err = att_buf_new(&bytes, STORE_BYTES_MAX);
    json_t *next = NULL;

    if (list == NULL || rows == NULL || err != ATT_OK) {
        free(rows);
        return att_fail(r->diag, ATT_E_NOMEM, ATT_R_NOMEM, "admin", "memory ran out");
    }
    admin_query_text(r, "after", after, sizeof(after));
    err = store_device_list(rows, limit, &count, r->k->st, after);
    for (size_t i = 0; i < count && err == ATT_OK; i++) {
        if (json_array_append_new(list, admin_device_json(r, &rows[i], bytes, false)) != 0)
            err = ATT_E_NOMEM;
    }
    next = count == limit ? json_string(rows[count - 1].device.id) : json_null();
    free(rows);
    if (err != ATT_OK) {
        json_decref(next);
        return att_fail(r->diag, err, ATT_R_ST_CORRUPT, "devices", "the list cannot be made");
    }
    return admin_reply(r, 200, json_pack("{s:O, s:o}", "devices", list, "next", next));
}

static enum att_err find_device(struct store_row *row, struct request *r, const char *id)
{
    enum att_err err = att_device_id_check(att_slice_str(id), r->diag);

    if (err != ATT_OK)
        return err;
    err = store_device_get(&row->device, r->k->st, id);
    if (err == ATT_OK)
        err = store_state_get(&row->state, NULL, r->k->st, row->device.enrolment);
    if (err == ATT_OK)
        err = store_hold_get(&row->hold, r->k->st, row->device.enrolment);
    if (err == ATT_OK)
        return ATT_OK;
    return att_fail(r->diag, err, err == ATT_E_NOT_FOUND ? ATT_R_ID_NONE : ATT_R_ST_CORRUPT,
                    "device", "no gateway is enrolled as %s", id);
}

static enum att_err show_device(struct request *r)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    struct store_row row = {0};
    json_t *doc;
    enum att_err err = find_device(&row, r, r->rest);

    if (err == ATT_E_NOT_FOUND && transfer_left(r->k, r->rest))
        return admin_show_given(r, r->rest);
    if (err != ATT_OK)
        return err;
    err = att_buf_new(&bytes, STORE_BYTES_MAX);
    doc = err == ATT_OK ? admin_device_json(r, &row, bytes, true) : NULL;
    if (doc != NULL) {
        (void)json_object_set_new(doc, "iak",
                                  admin_factory_json(r, row.device.enrolment, STORE_FACTORY_IAK));
        (void)json_object_set_new(
            doc, "idevid", admin_factory_json(r, row.device.enrolment, STORE_FACTORY_IDEVID));
        (void)json_object_set_new(doc, "transfer", admin_transfer_of(r, row.device.enrolment));
    }
    return admin_reply(r, 200, doc);
}

static enum att_err remove_device(struct request *r)
{
    struct store_row row = {0};
    int64_t newest = -1;
    enum att_err err = find_device(&row, r, r->rest);

    if (err == ATT_OK)
        err = status_newest(&newest, r->k, row.device.enrolment, r->diag);
    if (err == ATT_OK)
        err = keeper_note(r->k, STORE_KIND_REMOVED, r->rest, "", "by the administrator", r->diag);
    if (err == ATT_OK)
        err = status_follow(r->k, newest, STORE_LABEL_REVOKED, r->diag);
    if (err == ATT_OK)
        err = store_device_remove(r->k->st, r->rest, r->diag);
    if (err != ATT_OK)
        return err;
    unit_forget(r->k->units, r->rest);
    (void)snprintf(r->job->removed, sizeof(r->job->removed), "%s", r->rest);
    return admin_reply(r, 200, json_pack("{s:s}", "removed", r->rest));
}

static enum att_err make_token(char text[TOKEN_TEXT], uint8_t digest[32], struct request *r)
{
    uint8_t random[KEEPER_TOKEN_BYTES];
    enum att_err err = r->k->opt.random(random, sizeof(random));

    if (err != ATT_OK)
        return att_fail(r->diag, err, ATT_R_RNG, "token", "no random bytes");
    (void)att_b64_encode(text, TOKEN_TEXT, ATT_B64_URL, att_slice_of(random, sizeof(random)));
    att_wipe(random, sizeof(random));
    return att_sha256(att_slice_str(text), digest);
}

static enum att_err add_token(struct request *r)
{
    struct store_token t = {0};
    int64_t ttl_s = 0;
    char text[TOKEN_TEXT];
    uint8_t digest[32];
    enum att_err err = admin_body_token(&t, &ttl_s, r);

    if (err != ATT_OK)
        return err;
    t.expires_utc = r->k->opt.utc_s() + ttl_s;
    err = make_token(text, digest, r);
    if (err == ATT_OK)
        err = store_token_put(r->k->st, digest, &t, r->diag);
    if (err == ATT_OK)
        err = keeper_note(r->k, STORE_KIND_ALLOWED, t.id, "",
                          t.replaces ? "token to enrol again" : "token", r->diag);
    if (err != ATT_OK)
        return err;
    return admin_reply(r, 201,
                       json_pack("{s:s, s:o, s:o}", "token", text, "id", admin_text(t.id),
                                 "expires", admin_time(t.expires_utc)));
}

static enum att_err allow_key(struct request *r)
{
    uint8_t name[ATT_NAME_MAX];
    char id[STORE_ID_MAX + 1];
    size_t len = 0;
    enum att_err err = admin_body_key(name, &len, id, r);

    if (err == ATT_OK)
        err = store_allow_put(r->k->st, att_slice_of(name, len), id, r->diag);
    if (err == ATT_OK)
        err = keeper_note(r->k, STORE_KIND_ALLOWED, id, "", "endorsement key", r->diag);
    if (err != ATT_OK)
        return err;
    return admin_reply(
        r, 201,
        json_pack("{s:o, s:o}", "ek_name", admin_hex(true, name, len), "id", admin_text(id)));
}

static enum att_err disallow_key(struct request *r)
{
    uint8_t name[ATT_NAME_MAX];
    size_t len = 0;
    enum att_err err = admin_hex_name(name, &len, r, r->rest);

    if (err != ATT_OK)
        return err;
    err = store_allow_remove(r->k->st, att_slice_of(name, len), r->diag);
    if (err == ATT_E_NOT_FOUND)
        return att_fail(r->diag, err, ATT_R_HTTP_ROUTE, "ek_name", "the key is not on the list");
    if (err == ATT_OK)
        err = keeper_note(r->k, STORE_KIND_ALLOWED, "", "", "endorsement key taken off the list",
                          r->diag);
    if (err != ATT_OK)
        return err;
    return admin_reply(r, 200, json_pack("{s:o}", "removed", admin_hex(true, name, len)));
}

static json_t *outcome_json(const struct store_outcome *o)
{
    return json_pack(
        "{s:I, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "index", (json_int_t)o->index, "time",
        admin_time(o->utc), "kind", store_kind_name(o->kind), "device", admin_text(o->device),
        "reason", admin_text(o->reason), "detail", admin_text(o->detail), "cti",
        admin_hex(o->has_cti, o->cti, sizeof(o->cti)), "evidence",
        admin_hex(o->has_evidence, o->evidence, 32), "policy",
        admin_hex(o->has_rules, o->policy, 32), "refvals", admin_hex(o->has_rules, o->refvals, 32));
}

static enum att_err list_outcomes(struct request *r)
{
    ATT_CLEANUP(att_json_freep) json_t *list = json_array();
    int64_t at = admin_query_number(r, "from", 0);
    size_t limit = page_of(r);
    struct store_outcome o;
    enum att_err err = list != NULL ? ATT_OK : ATT_E_NOMEM;

    for (size_t i = 0; i < limit && err == ATT_OK; i++) {
        err = store_outcome_get(&o, r->k->st, at);
        if (err == ATT_OK && json_array_append_new(list, outcome_json(&o)) != 0)
            err = ATT_E_NOMEM;
        at += err == ATT_OK ? 1 : 0;
    }
    if (err != ATT_OK && err != ATT_E_NOT_FOUND)
        return att_fail(r->diag, err, ATT_R_ST_CORRUPT, "outcomes", "the list cannot be made");
    return admin_reply(r, 200,
                       json_pack("{s:O, s:o}", "outcomes", list, "next",
                                 err == ATT_OK ? json_integer((json_int_t)at) : json_null()));
}

/* The record with policy and change notices of its time: all that attestctl evidence reappraise needs but references. */
static enum att_err show_record(struct request *r)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *sealed = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *policy = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *out = NULL;
    ATT_CLEANUP(notice_bytes_clear) struct notice_bytes notices = {0};
    struct att_record record = {0};
    struct store_outcome o = {0};
    int64_t n = 0;
    enum att_err err = admin_rest_outcome(&n, r);

    if (err != ATT_OK)
        return err;
    if (att_buf_new(&sealed, STORE_BYTES_MAX) != ATT_OK ||
        att_buf_new(&policy, STORE_BYTES_MAX) != ATT_OK ||
        att_buf_new(&out, STORE_BYTES_MAX) != ATT_OK)
        return att_fail(r->diag, ATT_E_NOMEM, ATT_R_NOMEM, "admin", "memory ran out");
    err = store_outcome_get(&o, r->k->st, n);
    if (err == ATT_E_NOT_FOUND)
        return att_fail(r->diag, err, ATT_R_EVIDENCE_NONE, "outcome", "there is no outcome %lld",
                        (long long)n);
    if (err != ATT_OK)
        return att_fail(r->diag, err, ATT_R_ST_CORRUPT, "outcome", "outcome %lld cannot be read",
                        (long long)n);
    err = archive_get(sealed, &r->k->archive, r->k->st, n, o.device, r->diag);
    if (err == ATT_OK)
        err = att_record_decode(&record, att_buf_slice(sealed), r->diag);
    if (err != ATT_OK)
        return err;
    err = store_policy_get(policy, r->k->st, o.policy);
    record.policy = att_buf_slice(policy);
    if (err == ATT_OK)
        err = keeper_add_notices(&record, &notices, r->k, r->diag);
    if (err == ATT_OK)
        err = att_record_encode(out, &record);
    if (err != ATT_OK)
        return att_fail(r->diag, err, ATT_R_ST_CORRUPT, "policy",
                        "policy and change notices cannot be added");
    return answer_with(&r->job->answer, 200, MSG_TYPE_CBOR, att_buf_slice(out), r->diag);
}

/* Without a key the permission is a token. */
static enum att_err allow(struct request *r)
{
    if (json_object_get(r->body, "ek_name") != NULL ||
        json_object_get(r->body, "ek_public") != NULL)
        return allow_key(r);
    return add_token(r);
}

/* POST /log/checkpoint {"note": text}: the witnesses' cosignatures. */
static enum att_err take_checkpoint(struct request *r)
{
    const json_t *note = json_object_get(r->body, "note");
    enum att_err err;

    if (r->k->witnessed == NULL)
        return att_fail(r->diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "log.witnesses",
                        "expected witnesses in the configuration, found none");
    if (!json_is_string(note) || json_object_size(r->body) != 1)
        return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "note", "expected {\"note\": text}");
    err = witnessed_take(
        r->k->witnessed,
        att_slice_of((const uint8_t *)json_string_value(note), json_string_length(note)), r->diag);
    return err == ATT_OK ? admin_reply(r, 200, json_pack("{s:b}", "published", 1)) : err;
}

static const struct route {
    const char *method;
    const char *path;
    bool exact; /* else something follows */
    enum att_err (*run)(struct request *r);
} routes[] = {
    {"GET", "/devices", true, list_devices},
    {"GET", "/devices/", false, show_device},
    {"DELETE", "/devices/", false, remove_device},
    {"POST", "/allow", true, allow},
    {"DELETE", "/allow/", false, disallow_key},
    {"GET", "/outcomes", true, list_outcomes},
    {"GET", "/outcomes/", false, show_record},
    {"POST", "/log/checkpoint", true, take_checkpoint},
    {"GET", "/keys", true, admin_list_keys},
    {"GET", "/keys/", false, admin_show_revocation},
    {"POST", "/keys/rotate", true, admin_rotate_key},
    {"POST", "/keys/revoke", true, admin_revoke_key},
    {"GET", "/policy", true, admin_show_policy},
    {"POST", "/policy", true, admin_load_policy},
    {"POST", "/labels/revoke", true, admin_revoke},
    {"POST", "/labels/suspend", true, admin_suspend},
    {"POST", "/labels/restore", true, admin_restore},
    {"GET", "/offers/", false, admin_show_offer},
    {"GET", "/transfers", true, admin_list_transfers},
    {"POST", "/transfers", true, admin_complete_transfer},
    {"GET", "/transfers/", false, admin_show_transfer},
};

static enum att_err dispatch(struct request *r, struct att_slice method)
{
    bool known = false;

    for (size_t i = 0; i < ATT_COUNT(routes); i++) {
        size_t len = strlen(routes[i].path);

        if (strncmp(r->path, routes[i].path, len) != 0 ||
            (routes[i].exact ? r->path[len] != '\0' : r->path[len] == '\0'))
            continue;
        known = true;
        if (!att_slice_eq(method, att_slice_str(routes[i].method)))
            continue;
        r->rest = &r->path[len];
        return routes[i].run(r);
    }
    return att_fail(r->diag, ATT_E_NOT_FOUND, known ? ATT_R_HTTP_METHOD : ATT_R_HTTP_ROUTE, "path",
                    known ? "not with this method" : "there is no such route");
}

bool admin_changes_keys(const struct msg *m)
{
    static const char prefix[] = "/keys/";

    return m->kind == MSG_ADMIN && att_slice_eq(m->name, att_slice_str("POST")) &&
           m->path.len >= strlen(prefix) && memcmp(m->path.p, prefix, strlen(prefix)) == 0;
}

enum att_err admin_run(struct keeper *k, struct job *job, struct att_diag *diag)
{
    ATT_CLEANUP(att_json_freep) json_t *body = NULL;
    struct request r = {.k = k, .job = job, .diag = diag};
    enum att_err err = admin_read(&r, &body, job->m.path, job->m.body);

    return err == ATT_OK ? dispatch(&r, job->m.name) : err;
}
