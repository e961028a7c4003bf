/* The documents that certify a data key; the rest of the wire is in wire.c. */
#include "common/wire_internal.h"

#define NAME_MAX_LEN  66
#define SIGNATURE_LEN 64

enum att_err wire_certify_begin_encode(struct att_wr *w)
{
    head(w, 1);
    return written(w);
}

enum att_err wire_certify_begin_parse(struct att_slice in, struct att_diag *diag)
{
    struct wire_map m;
    enum att_err err = wire_open_map(&m, in, "certify begin", diag);

    if (err != ATT_OK) {
        return err;
    }
    (void)has(&m, 1); /* what follows the version is refused */
    return close_map(&m, "certify begin", diag);
}

enum att_err wire_certify_challenge_encode(struct att_wr *w, const struct wire_certify_challenge *m)
{
    head(w, 7);
    put_bytes(w, 1, m->session);
    put_bytes(w, 2, m->nonce);
    put_text(w, 3, m->verifier_id);
    put_bytes(w, 4, m->authority);
    put_bytes(w, 5, m->signature);
    put_uint(w, 6, m->expires_ms);
    return written(w);
}

enum att_err wire_certify_challenge_parse(struct wire_certify_challenge *out, struct att_slice in,
                                          struct att_diag *diag)
{
    struct wire_certify_challenge v = {0};
    struct wire_map m;
    enum att_err err = wire_open_map(&m, in, "certify challenge", diag);

    if (err != ATT_OK) {
        return err;
    }
    v.session = need_exact(&m, 1, WIRE_SESSION_LEN);
    v.nonce = need_exact(&m, 2, WIRE_NONCE_LEN);
    v.verifier_id = need_text(&m, 3, VERIFIER_ID_MAX);
    v.authority = need_bytes(&m, 4, PUBLIC_MAX);
    v.signature = need_exact(&m, 5, SIGNATURE_LEN);
    v.expires_ms = need_uint(&m, 6, INT64_MAX);
    err = close_map(&m, "certify challenge", diag);
    if (err == ATT_OK) {
        *out = v;
    }
    return err;
}

enum att_err wire_certify_encode(struct att_wr *w, const struct wire_certify *m)
{
    head(w, 5);
    put_bytes(w, 1, m->key);
    put_bytes(w, 2, m->parent);
    put_bytes(w, 3, m->attest);
    put_bytes(w, 4, m->signature);
    return written(w);
}

enum att_err wire_certify_parse(struct wire_certify *out, struct att_slice in,
                                struct att_diag *diag)
{
    struct wire_certify v = {0};
    struct wire_map m;
    enum att_err err = wire_open_map(&m, in, "certify", diag);

    if (err != ATT_OK) {
        return err;
    }
    v.key = need_bytes(&m, 1, PUBLIC_MAX);
    v.parent = need_bytes(&m, 2, NAME_MAX_LEN);
    v.attest = need_bytes(&m, 3, ATTEST_MAX);
    v.signature = need_bytes(&m, 4, ATTEST_MAX);
    err = close_map(&m, "certify", diag);
    if (err == ATT_OK) {
        *out = v;
    }
    return err;
}

enum att_err wire_certify_done_encode(struct att_wr *w, const struct wire_certify_done *m)
{
    head(w, 2);
    put_bytes(w, 1, m->name);
    return written(w);
}

enum att_err wire_certify_done_parse(struct wire_certify_done *out, struct att_slice in,
                                     struct att_diag *diag)
{
    struct wire_certify_done v = {0};
    struct wire_map m;
    enum att_err err = wire_open_map(&m, in, "certify done", diag);

    if (err != ATT_OK) {
        return err;
    }
    v.name = need_bytes(&m, 1, NAME_MAX_LEN);
    err = close_map(&m, "certify done", diag);
    if (err == ATT_OK) {
        *out = v;
    }
    return err;
}
