/* The administrator's routes of the policy: which one is in force, and another one to follow it. */
#include <string.h>

#include "admin_internal.h"
#include "base/b64.h"
#include "base/file.h"
#include "base/hex.h"
#include "codec/json.h"

static json_t *policy_json(const struct att_policy *p, const struct att_policy_origin *from)
{
    char digest[65];
    char kid[65];

    return json_pack(
        "{s:s, s:I, s:s, s:o}", "policy", p->name, "version", (json_int_t)p->version, "digest",
        att_hex_encode(digest, sizeof(digest), att_slice_of(p->digest, 32)), "signer",
        from->is_signed ? json_string(att_hex_encode(kid, sizeof(kid), att_slice_of(from->kid, 32)))
                        : json_null());
}

enum att_err admin_show_policy(struct request *r)
{
    return admin_reply(r, 200, policy_json(r->k->policy, &r->k->origin));
}

static enum att_err body_message(uint8_t *out, size_t cap, size_t *len, struct request *r)
{
    const char *text = json_string_value(json_object_get(r->body, "cose"));

    if (text == NULL || json_object_size(r->body) != 1)
        return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "cose",
                        "expected an object with \"cose\" alone: base64url of a signed policy");
    if (att_b64_decode(out, cap, len, ATT_B64_URL, text, strlen(text)) != ATT_OK)
        return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "cose",
                        "expected base64url without padding");
    return ATT_OK;
}

/* Judged as the file would be, without the exception for texts; then it takes the file's place. */
enum att_err admin_load_policy(struct request *r)
{
    ATT_CLEANUP(att_policy_freep) struct att_policy *next = NULL;
    struct att_policy_origin from = {0};
    struct att_slice message;
    size_t len = 0;
    enum att_err err = body_message(r->k->room, sizeof(r->k->room), &len, r);

    message = att_slice_of(r->k->room, len);
    if (err == ATT_OK)
        err = keeper_may_follow(&next, r->k, message, &from, r->diag);
    if (err == ATT_OK)
        err = att_file_write(r->k->cfg->policy, message, 0644, r->diag);
    if (err != ATT_OK)
        return err;
    r->k->reload_wanted = true;
    return admin_reply(r, 202, policy_json(next, &from));
}

json_t *admin_title(const struct att_policy *p, const char *id)
{
    for (size_t i = 0; p != NULL && i < p->count; i++) {
        if (strcmp(p->requirement[i].id, id) == 0)
            return json_pack("{s:s, s:s}", "en", p->requirement[i].title_en, "ja",
                             p->requirement[i].title_ja);
    }
    return json_null();
}
