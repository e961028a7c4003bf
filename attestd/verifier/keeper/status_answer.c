/* The lists as strangers get them: signed when they are asked for, and kept until something changes or they age. */
#include <string.h>

#include "appraise/status_list.h"
#include "base/guard.h"
#include "keeper_internal.h"

static enum att_err no_list(struct att_diag *diag)
{
    return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_SL_GONE, "list",
                    "there is no such list, or each of its labels has expired");
}

static enum att_err fill(struct att_status_list *list, struct keeper *k, int64_t number,
                         struct att_diag *diag)
{
    enum store_label_status value = STORE_LABEL_VALID;
    int64_t place = -1;
    enum att_err err = ATT_OK;

    while (err == ATT_OK) {
        err = store_list_next(&place, &value, k->st, number);
        if (err == ATT_OK)
            err = att_status_list_set(list, (uint64_t)place, (unsigned int)value);
    }
    if (err != ATT_E_NOT_FOUND)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "status list", "it cannot be read");
    return ATT_OK;
}

static enum att_err sign(struct att_buf **out, struct keeper *k, const struct store_list *l,
                         const struct att_status_list *list, struct att_diag *diag)
{
    const struct config_status *cfg = &k->cfg->status;
    struct status_place named = {0};
    struct att_status_facts facts = {
        .uri = named.uri,
        .iat = k->opt.utc_s(),
        .ttl_s = (uint64_t)(cfg->ttl_ms / 1000),
        .x5chain = k->issuer->label.x5chain,
        .x5chain_count = k->issuer->label.count,
    };
    enum att_err err = issuer_check_time(k->issuer, facts.iat, diag);

    if (err != ATT_OK)
        return err;
    status_uri(named.uri, sizeof(named.uri), k, l->number);
    facts.exp = facts.iat + cfg->life_ms / 1000;
    err = att_status_token_make(out, &facts, list, k->issuer->label.signer);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_KEY_STORE, "status list", "it cannot be signed: %s",
                        att_err_name(err));
    return ATT_OK;
}

static enum att_err make_token(struct att_buf **out, struct keeper *k, const struct store_list *l,
                               struct att_diag *diag)
{
    ATT_CLEANUP(att_status_list_freep) struct att_status_list *list = NULL;
    enum att_err err = att_status_list_new(&list, ATT_STATUS_BITS, (uint64_t)l->entries);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_NOMEM, "status list", "memory ran out");
    err = fill(list, k, l->number, diag);
    return err == ATT_OK ? sign(out, k, l, list, diag) : err;
}

/* A token is good while nothing changed (a change clears them all) and for half of what it promises. */
static const struct att_buf *cached(const struct keeper *k, int64_t number)
{
    int64_t now = k->opt.utc_s();

    for (size_t i = 0; i < STATUS_CACHED; i++) {
        const struct status_cached *c = &k->lists.slot[i];

        if (c->number == number && now < c->until)
            return c->token;
    }
    return NULL;
}

static void keep(struct keeper *k, int64_t number, struct att_buf *token)
{
    struct status_cached *c = &k->lists.slot[k->lists.next];

    att_buf_free(c->token);
    c->number = number;
    c->until = k->opt.utc_s() + k->cfg->status.ttl_ms / 2000;
    c->token = token;
    k->lists.next = (k->lists.next + 1) % STATUS_CACHED;
}

enum att_err keeper_status_list(struct keeper *k, const struct msg *m, struct answer *a,
                                struct att_diag *diag)
{
    const struct att_buf *ready = NULL;
    struct att_buf *token = NULL;
    struct store_list l;
    enum att_err err = ATT_OK;

    if (m->number == 0 || m->number > INT32_MAX)
        return no_list(diag);
    ready = cached(k, (int64_t)m->number);
    if (ready != NULL)
        return answer_with(a, 200, MSG_TYPE_STATUS_LIST, att_buf_slice(ready), diag);
    err = store_list_get(&l, k->st, (int64_t)m->number);
    if (err == ATT_E_NOT_FOUND || (err == ATT_OK && k->opt.utc_s() >= l.last_exp))
        return no_list(diag);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "status list", "it cannot be read");
    err = make_token(&token, k, &l, diag);
    if (err != ATT_OK)
        return err;
    keep(k, l.number, token);
    return answer_with(a, 200, MSG_TYPE_STATUS_LIST, att_buf_slice(token), diag);
}
