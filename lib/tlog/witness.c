/* What a witness looks at before it cosigns. */
#include "tlog/witness.h"

#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "tlog/witness_request.h"

struct att_witness_ask {
    struct att_witness_request request;
    struct att_note note;
    struct att_checkpoint *checkpoint;
    const struct att_vkey *log;
};

void att_witness_ask_free(struct att_witness_ask *a)
{
    if (a == NULL) {
        return;
    }
    att_checkpoint_free(a->checkpoint);
    free(a);
}

void att_witness_ask_freep(struct att_witness_ask **a)
{
    att_witness_ask_free(*a);
    *a = NULL;
}

const struct att_checkpoint *att_witness_ask_checkpoint(const struct att_witness_ask *a)
{
    return a->checkpoint;
}

const struct att_note *att_witness_ask_note(const struct att_witness_ask *a)
{
    return &a->note;
}

struct att_slice att_witness_ask_bytes(const struct att_witness_ask *a)
{
    return a->request.checkpoint;
}

const struct att_vkey *att_witness_ask_log(const struct att_witness_ask *a)
{
    return a->log;
}

/*
 * An unknown log is answered otherwise than a known one whose key did not sign. A log may have several keys under one
 * name: the first that signed is taken.
 */
static enum att_err verify(struct att_witness_ask *a, const struct att_witness_policy *logs,
                           struct att_diag *diag)
{
    const struct att_witness_party *log = NULL;
    struct att_tree_head head;
    enum att_err err = att_tree_head_parse(&head, a->note.text, diag);
    char shown[96];

    if (err != ATT_OK) {
        return err;
    }
    err = att_fail(diag, ATT_E_NOT_FOUND, ATT_R_TL_UNKNOWN, "origin", "no log here is called %s",
                   att_escape(shown, sizeof(shown), head.origin.p, head.origin.len));
    for (size_t i = 0; (log = att_witness_policy_log(logs, i)) != NULL; i++) {
        const struct att_checkpoint_keys keys = {.log = log->key};

        if (!att_slice_eq(att_vkey_name(log->key), head.origin)) {
            continue;
        }
        a->log = log->key;
        err = att_checkpoint_verify(&a->checkpoint, &a->note, &keys, diag);
        if (err != ATT_E_UNTRUSTED) {
            return err;
        }
    }
    return err;
}

enum att_err att_witness_ask_open(struct att_witness_ask **out, struct att_slice in,
                                  const struct att_witness_policy *logs, struct att_diag *diag)
{
    ATT_CLEANUP(att_witness_ask_freep) struct att_witness_ask *a = calloc(1, sizeof(*a));
    enum att_err err = ATT_OK;

    if (a == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "request", "memory ran out");
    }
    err = att_witness_request_parse(&a->request, in, diag);
    if (err == ATT_OK) {
        err = att_note_parse(&a->note, a->request.checkpoint, diag);
    }
    if (err == ATT_OK) {
        err = verify(a, logs, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = a;
    a = NULL;
    return ATT_OK;
}

enum att_err att_witness_judge(const struct att_witness_ask *a, const struct att_checkpoint *held,
                               struct att_diag *diag)
{
    const struct att_merkle_head *now = &att_checkpoint_head(a->checkpoint)->tree;
    struct att_merkle_head seen = {.size = 0};
    enum att_err err = ATT_OK;

    if (held != NULL) {
        seen = att_checkpoint_head(held)->tree;
    } else if (now->size == 0) {
        seen =
            *now; /* there is one tree of nothing, and the reader of checkpoints knows its root */
    }

    if (ATT_GUARD(WITNESS_OLD, a->request.old > now->size)) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_TL_SEEN, "old",
                        "expected at most the new size %llu, found %llu",
                        (unsigned long long)now->size, (unsigned long long)a->request.old);
    }
    /* before the sizes are compared: two trees of one size are to be told whatever the request starts from */
    if (held != NULL) {
        err = att_checkpoint_check_fork(held, a->checkpoint, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(WITNESS_SEEN, a->request.old != seen.size)) {
        return att_fail(diag, ATT_E_STALE, ATT_R_TL_SEEN, "old", "expected %llu, found %llu",
                        (unsigned long long)seen.size, (unsigned long long)a->request.old);
    }
    return att_merkle_verify_consistency(&seen, now, &a->request.path, diag);
}
