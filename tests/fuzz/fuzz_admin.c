/*
 * What an administrator asks for is within its limits, or refused with the member that is wrong. The first line is the
 * path with its query, the rest the body. Each body is read as each of the three that routes know.
 */
#include <string.h>

#include "base/b64.h"
#include "base/hex.h"
#include "codec/json.h"
#include "fuzz.h"
#include "verifier/keeper/admin_internal.h"
#include "verifier/keeper/keeper_internal.h"

static struct keeper keeper;

static void refused(const struct request *r, enum att_err err)
{
    HOLDS(r->diag->err == err && r->diag->reason != ATT_R_NONE && r->diag->text[0] != '\0');
}

/* nameAlg, and a digest of its size. */
static bool is_name(const uint8_t *name, size_t len)
{
    enum att_hash alg = len < 2 ? ATT_HASH_NONE : (enum att_hash)(name[0] << 8 | name[1]);

    return att_hash_usable(alg) && len == 2 + att_hash_size(alg);
}

static void token(struct request *r)
{
    struct store_token t = {0};
    int64_t ttl_s = 0;
    enum att_err err = admin_body_token(&t, &ttl_s, r);

    if (err != ATT_OK) {
        refused(r, err);
        return;
    }
    HOLDS(ttl_s >= 1 && ttl_s <= KEEPER_TOKEN_TTL_MAX_S);
    HOLDS(t.id[0] == '\0' || att_device_id_check(att_slice_str(t.id), NULL) == ATT_OK);
    HOLDS(!t.replaces || t.id[0] != '\0');
}

static void key(struct request *r)
{
    uint8_t name[ATT_NAME_MAX];
    char id[STORE_ID_MAX + 1];
    size_t len = 0;
    enum att_err err = admin_body_key(name, &len, id, r);

    if (err != ATT_OK) {
        refused(r, err);
        return;
    }
    HOLDS(is_name(name, len));
    HOLDS(id[0] == '\0' || att_device_id_check(att_slice_str(id), NULL) == ATT_OK);
}

/* What is decoded is what stands there: base64url has one form. */
static void message(struct request *r)
{
    static char again[ATT_B64_LEN(sizeof(keeper.room)) + 1];
    struct att_buf *out = NULL;
    enum att_err err = admin_body_message(&out, r);

    HOLDS((err == ATT_OK) == (out != NULL));
    if (err != ATT_OK) {
        refused(r, err);
        return;
    }
    HOLDS(strcmp(att_b64_encode(again, sizeof(again), ATT_B64_URL, att_buf_slice(out)),
                 json_string_value(json_object_get(r->body, "cose"))) == 0);
    att_buf_free(out);
}

static void path(struct request *r)
{
    char after[STORE_ID_MAX + 1];
    uint8_t name[ATT_NAME_MAX];
    int64_t n = 0;
    size_t len = 0;

    HOLDS(strchr(r->path, '?') == NULL);
    HOLDS(admin_query_number(r, "limit", 100) >= 0);
    admin_query_text(r, "after", after, sizeof(after));
    HOLDS(strlen(after) < sizeof(after) && strchr(after, '&') == NULL);
    r->rest = r->path;
    if (admin_rest_outcome(&n, r) == ATT_OK) {
        HOLDS(n >= 0 && strstr(r->path, "/record") != NULL);
    }
    if (admin_hex_name(name, &len, r, r->path) == ATT_OK) {
        HOLDS(len > 0 && len <= sizeof(name) && 2 * len == strlen(r->path));
    }
}

/* A body that is larger than what may be signed says so, and not that it is no base64. */
static void too_large(void)
{
    static char text[ATT_B64_LEN(sizeof(keeper.room)) + 8];
    struct att_diag diag = {0};
    struct request r = {.k = &keeper, .diag = &diag};
    struct att_buf *out = NULL;

    memset(text, 'A', sizeof(text) - 1);
    text[(sizeof(text) - 1) / 4 * 4] = '\0';
    r.body = json_pack("{s:s}", "cose", text);
    HOLDS(r.body != NULL && admin_body_message(&out, &r) == ATT_E_LIMIT);
    HOLDS(diag.reason == ATT_R_LIM_SIZE && out == NULL);
    json_decref(r.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t len = end != NULL ? (size_t)(end - data) : size;
    struct att_slice text =
        att_slice_of(data + len + (end != NULL), size - len - (end != NULL ? 1 : 0));
    struct att_diag diag = {0};
    struct request r = {.k = &keeper, .diag = &diag};
    json_t *body = NULL;
    enum att_err err = ATT_OK;

    if (!started) {
        too_large();
        started = true;
    }
    err = admin_read(&r, &body, att_slice_of(data, len), text);
    if (err != ATT_OK) {
        refused(&r, err);
        HOLDS(body == NULL || !json_is_object(body));
    } else {
        path(&r);
        token(&r);
        key(&r);
        message(&r);
    }
    json_decref(body);
    return 0;
}
