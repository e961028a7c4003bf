/* What an administrator's request says: everything in it is from outside. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_internal.h"
#include "base/b64.h"
#include "base/hex.h"
#include "base/rd.h"
#include "codec/json.h"
#include "tcg/pubarea.h"

static enum att_err split_path(struct request *r, struct att_slice path)
{
    size_t n = 0;

    while (n < path.len && path.p[n] != '?')
        n++;
    if (n >= sizeof(r->path) || path.len - n >= sizeof(r->query))
        return att_fail(r->diag, ATT_E_NOT_FOUND, ATT_R_HTTP_ROUTE, "path", "it is too long");
    if (n > 0)
        memcpy(r->path, path.p, n);
    r->path[n] = '\0';
    if (n + 1 < path.len)
        memcpy(r->query, &path.p[n + 1], path.len - n - 1);
    return ATT_OK;
}

enum att_err admin_read(struct request *r, json_t **body, struct att_slice path,
                        struct att_slice text)
{
    enum att_err err = split_path(r, path);

    if (err == ATT_OK && text.len > 0)
        err = att_json_parse(body, text, r->diag);
    if (err != ATT_OK)
        return err;
    if (*body != NULL && !json_is_object(*body))
        return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "body", "expected an object");
    r->body = *body;
    return ATT_OK;
}

/* An optional device id of the body: empty when absent or null. */
static enum att_err body_device(struct request *r, char id[STORE_ID_MAX + 1])
{
    const json_t *v = json_object_get(r->body, "id");
    const char *text = json_string_value(v);
    enum att_err err;

    id[0] = '\0';
    if (v == NULL || json_is_null(v))
        return ATT_OK;
    if (text == NULL)
        return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "id", "expected a text");
    err = att_device_id_check(att_slice_str(text), r->diag);
    if (err == ATT_OK)
        (void)snprintf(id, STORE_ID_MAX + 1, "%s", text);
    return err;
}

static enum att_err only_keys(struct request *r, const char *a, const char *b, const char *c)
{
    const char *key;
    json_t *value;

    json_object_foreach(r->body, key, value)
    {
        if (strcmp(key, a) != 0 && strcmp(key, b) != 0 && strcmp(key, c) != 0)
            return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "body",
                            "expected no other members than %s, %s, %s", a, b, c);
    }
    return ATT_OK;
}

/* Only who is named may be replaced. */
static enum att_err body_replace(struct store_token *t, struct request *r)
{
    const json_t *v = json_object_get(r->body, "replace");

    if (v != NULL && !json_is_boolean(v))
        return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "replace", "expected true or false");
    t->replaces = json_is_true(v);
    if (t->replaces && t->id[0] == '\0')
        return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "id", "expected with replace");
    return ATT_OK;
}

enum att_err admin_body_token(struct store_token *t, int64_t *ttl_s, struct request *r)
{
    const json_t *ttl = json_object_get(r->body, "ttl_s");
    enum att_err err = only_keys(r, "id", "ttl_s", "replace");

    *ttl_s = json_is_integer(ttl) ? json_integer_value(ttl) : KEEPER_TOKEN_TTL_S;
    if (err == ATT_OK)
        err = body_device(r, t->id);
    if (err == ATT_OK)
        err = body_replace(t, r);
    if (err != ATT_OK)
        return err;
    if ((ttl != NULL && !json_is_integer(ttl)) || *ttl_s < 1 || *ttl_s > KEEPER_TOKEN_TTL_MAX_S)
        return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "ttl_s", "expected 1 to %d seconds",
                        KEEPER_TOKEN_TTL_MAX_S);
    return ATT_OK;
}

static enum att_err hex_of(uint8_t *out, size_t cap, size_t *len, struct request *r,
                           const char *field, const char *text)
{
    enum att_err err = att_hex_decode(out, cap, len, text, strlen(text));

    if (err != ATT_OK || *len == 0)
        return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_KEY, field, "expected hexadecimal digits");
    return ATT_OK;
}

enum att_err admin_hex_name(uint8_t name[ATT_NAME_MAX], size_t *len, struct request *r,
                            const char *text)
{
    return hex_of(name, ATT_NAME_MAX, len, r, "ek_name", text);
}

/* nameAlg and a digest of its size (TPM 2.0 Part 1, 16): what is cut short would allow nobody. */
static enum att_err check_name(struct request *r, const uint8_t *name, size_t len)
{
    struct att_rd rd = att_rd_from(name, len);
    enum att_hash alg = (enum att_hash)att_rd_u16be(&rd);

    if (!att_hash_usable(alg) || len != 2 + att_hash_size(alg))
        return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_KEY, "ek_name",
                        "expected a TPM name: 000b and 32 bytes, or 000c and 48");
    return ATT_OK;
}

static enum att_err body_ek_name(uint8_t name[ATT_NAME_MAX], size_t *len, struct request *r)
{
    const char *given = json_string_value(json_object_get(r->body, "ek_name"));
    const char *public = json_string_value(json_object_get(r->body, "ek_public"));
    uint8_t area[ATT_PUBAREA_MAX];
    struct att_pubarea p;
    size_t n = 0;
    enum att_err err;

    if ((given == NULL) == (public == NULL))
        return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "ek_name",
                        "expected ek_name or ek_public");
    if (given != NULL) {
        err = admin_hex_name(name, len, r, given);
        return err == ATT_OK ? check_name(r, name, *len) : err;
    }
    err = hex_of(area, sizeof(area), &n, r, "ek_public", public);
    if (err == ATT_OK)
        err = att_pubarea_parse(&p, att_slice_of(area, n), r->diag);
    if (err == ATT_OK)
        err = att_pubarea_ek_name(name, len, &p);
    return err;
}

enum att_err admin_body_key(uint8_t name[ATT_NAME_MAX], size_t *len, char id[STORE_ID_MAX + 1],
                            struct request *r)
{
    enum att_err err = only_keys(r, "id", "ek_name", "ek_public");

    if (err == ATT_OK)
        err = body_device(r, id);
    return err == ATT_OK ? body_ek_name(name, len, r) : err;
}

enum att_err admin_body_message(struct att_buf **out, struct request *r)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    const char *text = json_string_value(json_object_get(r->body, "cose"));
    uint8_t *room = r->k->room;
    size_t len = 0;
    enum att_err err;

    if (text == NULL || json_object_size(r->body) != 1)
        return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "cose",
                        "expected an object with \"cose\" alone: base64url of what is signed");
    err = att_b64_decode(room, sizeof(r->k->room), &len, ATT_B64_URL, text, strlen(text));
    if (err == ATT_E_LIMIT)
        return att_fail(r->diag, err, ATT_R_LIM_SIZE, "cose",
                        "expected at most %zu bytes in base64url, found %zu characters",
                        sizeof(r->k->room), strlen(text));
    if (err != ATT_OK || len == 0)
        return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "cose",
                        "expected base64url without padding");
    err = att_buf_new(&b, len);
    if (err == ATT_OK)
        err = att_buf_add_slice(b, att_slice_of(room, len));
    if (err != ATT_OK)
        return att_fail(r->diag, err, ATT_R_NOMEM, "cose", "memory ran out");
    *out = b;
    b = NULL;
    return ATT_OK;
}

/* "NUMBER/record": everything before the slash is digits. */
enum att_err admin_rest_outcome(int64_t *out, struct request *r)
{
    char *end = NULL;
    long long n = 0;

    if (r->rest[0] >= '0' && r->rest[0] <= '9')
        n = strtoll(r->rest, &end, 10);
    if (end == NULL || strcmp(end, "/record") != 0)
        return att_fail(r->diag, ATT_E_NOT_FOUND, ATT_R_HTTP_ROUTE, "path",
                        "expected /outcomes/NUMBER/record");
    *out = n;
    return ATT_OK;
}
