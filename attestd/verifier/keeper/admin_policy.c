/* The administrator's routes of the policy: which one is in force, and another one to follow it. */
#include <string.h>

#include "admin_internal.h"
#include "base/b64.h"
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

/* An auditor sees that it was tried: the outcome is kept, though the answer is a refusal. */
static enum att_err refuse(struct request *r)
{
    const struct att_diag why = *r->diag;
    enum att_err err = keeper_note_refusal(r->k, &why, r->diag);

    if (err == ATT_OK)
        answer_refuse(&r->job->answer, &why);
    return err;
}

/* Judged as the file would be, without the exception for texts; then it takes the file's place. */
enum att_err admin_load_policy(struct request *r)
{
    ATT_CLEANUP(att_policy_freep) struct att_policy *next = NULL;
    struct att_policy_origin from = {0};
    enum att_err err = admin_body_message(&r->job->policy, r);

    if (err != ATT_OK)
        return err;
    err = keeper_may_follow(&next, r->k, att_buf_slice(r->job->policy), &from, r->diag);
    if (err != ATT_OK) {
        att_buf_freep(&r->job->policy);
        return refuse(r);
    }
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
