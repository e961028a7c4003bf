/* The data key and its verifier: made for its authorising key, certified by the attestation key. */
#include <string.h>

#include "agent/measurer/datakey.h"
#include "base/guard.h"
#include "common/wire.h"
#include "evidence/context.h"

#define DOCUMENT_MAX 4096

/* One certification under way. */
struct certifying {
    struct relay_answer asked; /* owned; lends to challenge */
    struct wire_certify_challenge challenge;
    struct hw_permit permit;
    uint8_t policy[ATT_POLICY_LEN]; /* that the key must have */
    struct data_key k;
    uint8_t name[ATT_NAME_MAX];
    size_t name_len;
    struct hw_quote said; /* by the attestation key */
};

static void certifying_clear(struct certifying *c)
{
    relay_answer_free(&c->asked);
}

static enum att_err ask(struct certifying *c, struct agent *a, struct att_diag *diag)
{
    uint8_t room[16];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct relay_request q = {.kind = RELAY_CERTIFY_BEGIN};
    enum att_err err = wire_certify_begin_encode(&w);

    if (err == ATT_OK) {
        err = att_wr_done(&w, &q.body);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "certify begin", "it could not be encoded");
    }
    err = agent_ask(&c->asked, a, &q, diag);
    if (err == ATT_OK && c->asked.status != 201) {
        err = agent_refusal(&c->asked, diag);
    }
    return err == ATT_OK ? wire_certify_challenge_parse(&c->challenge, c->asked.body, diag) : err;
}

/* Whose word the key is to follow: the verifier that enrolled us, for this device. */
static enum att_err take_authority(struct certifying *c, const struct agent *a,
                                   struct att_diag *diag)
{
    uint8_t name[ATT_NAME_MAX];
    size_t name_len = 0;
    struct att_pubarea area;
    enum att_err err = ATT_OK;

    if (ATT_GUARD(AGENT_CERTIFY_VERIFIER,
                  !att_slice_eq(c->challenge.verifier_id, att_slice_str(a->ident.verifier_id)))) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_NET_PROTOCOL, "certify challenge.verifier",
                        "this is not %s, the verifier that enrolled us", a->ident.verifier_id);
    }
    err = att_pubarea_parse(&area, c->challenge.authority, diag);
    if (err != ATT_OK) {
        return err;
    }
    c->permit.authority = c->challenge.authority;
    memcpy(c->permit.signature, c->challenge.signature.p, sizeof(c->permit.signature));
    err = att_pubarea_name(name, &name_len, &area);
    if (err == ATT_OK) {
        err = att_data_key_ref(c->permit.ref, a->ident.device_id);
    }
    if (err == ATT_OK) {
        err = att_data_key_certify_policy(c->permit.approved);
    }
    if (err == ATT_OK) {
        err = att_data_key_policy(c->policy, att_slice_of(name, name_len), c->permit.ref);
    }
    return err == ATT_OK ? ATT_OK : att_fail(diag, err, ATT_R_INTERNAL, "data key", "no digest");
}

/* Kept before it is shown to anybody: what the verifier certifies must not be lost to a power cut. */
static enum att_err make(struct certifying *c, const struct agent *a, struct agent_work *w,
                         struct att_diag *diag)
{
    struct att_slice authority = c->challenge.authority;
    enum att_err err = hw_tpm_data_make(&c->k.key, w->tpm, c->policy, diag);

    if (err != ATT_OK) {
        return err;
    }
    memcpy(c->k.authority, authority.p, authority.len);
    c->k.authority_len = authority.len;
    c->k.certified = false;
    return data_key_store(&c->k, a->conf->state_dir, diag);
}

/* The one that is kept, when it follows this authority; else a new one. */
static enum att_err find(struct certifying *c, const struct agent *a, struct agent_work *w,
                         struct att_diag *diag)
{
    enum att_err err = data_key_load(&c->k, a->conf->state_dir, NULL);

    if (err == ATT_OK &&
        att_slice_eq(att_slice_of(c->k.authority, c->k.authority_len), c->challenge.authority)) {
        return ATT_OK;
    }
    return make(c, a, w, diag);
}

static enum att_err prove(struct certifying *c, const struct agent *a, struct agent_work *w,
                          struct att_diag *diag)
{
    uint8_t ak_name[ATT_NAME_MAX], qualifying[32];
    size_t ak_len = 0;
    struct att_certify_context ctx = {
        .verifier_id = a->ident.verifier_id,
        .device_id = a->ident.device_id,
        .nonce = c->challenge.nonce.p,
        .session = c->challenge.session.p,
        .parent_name = att_slice_of(c->k.key.parent_name, c->k.key.parent_len),
    };
    enum att_err err = state_name_of(ak_name, &ak_len,
                                     att_slice_of(a->ident.ak.public_area, a->ident.ak.public_len),
                                     STATE_AK, diag);

    if (err == ATT_OK) {
        err =
            state_name_of(c->name, &c->name_len,
                          att_slice_of(c->k.key.public_area, c->k.key.public_len), STATE_AK, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    ctx.ak_name = att_slice_of(ak_name, ak_len);
    ctx.key_name = att_slice_of(c->name, c->name_len);
    err = att_certify_qualifying(qualifying, &ctx);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "certify", "no qualifying data");
    }
    return hw_tpm_data_certify(&c->said, w->tpm, &c->k.key, &a->ident.ak,
                               att_slice_of(qualifying, sizeof(qualifying)), &c->permit, diag);
}

static enum att_err send(struct certifying *c, struct agent *a, struct att_diag *diag)
{
    ATT_CLEANUP(relay_answer_free) struct relay_answer answer = {0};
    const struct wire_certify m = {
        .key = att_slice_of(c->k.key.public_area, c->k.key.public_len),
        .parent = att_slice_of(c->k.key.parent_name, c->k.key.parent_len),
        .attest = att_slice_of(c->said.attest, c->said.attest_len),
        .signature = att_slice_of(c->said.sig, c->said.sig_len),
    };
    struct relay_request q = {.kind = RELAY_CERTIFY, .a = c->challenge.session};
    struct wire_certify_done done;
    uint8_t room[DOCUMENT_MAX];
    struct att_wr w = att_wr_into(room, sizeof(room));
    enum att_err err = wire_certify_encode(&w, &m);

    if (err == ATT_OK) {
        err = att_wr_done(&w, &q.body);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "certify", "it could not be encoded");
    }
    err = agent_ask(&answer, a, &q, diag);
    if (err == ATT_OK && answer.status != 200) {
        err = agent_refusal(&answer, diag);
    }
    if (err == ATT_OK) {
        err = wire_certify_done_parse(&done, answer.body, diag);
    }
    if (err == ATT_OK && !att_slice_eq(done.name, att_slice_of(c->name, c->name_len))) {
        err = att_fail(diag, ATT_E_MISMATCH, ATT_R_NET_PROTOCOL, "certify done.name",
                       "the verifier certified another key");
    }
    return err;
}

enum att_err data_key_prepare(struct agent *a, struct agent_work *w, struct att_diag *diag)
{
    ATT_CLEANUP(certifying_clear) struct certifying c = {.name_len = 0};
    enum att_err err = data_key_load(&c.k, a->conf->state_dir, NULL);

    if (err == ATT_OK && c.k.certified) {
        return ATT_OK;
    }
    err = ask(&c, a, diag);
    if (err == ATT_OK) {
        err = take_authority(&c, a, diag);
    }
    if (err == ATT_OK) {
        err = find(&c, a, w, diag);
    }
    if (err == ATT_OK) {
        err = prove(&c, a, w, diag);
    }
    if (err == ATT_E_NOT_FOUND &&
        diag->reason == ATT_R_DK_GONE) { /* TPM2_Clear, or a damaged file */
        err = make(&c, a, w, diag);
        if (err == ATT_OK) {
            err = prove(&c, a, w, diag);
        }
    }
    if (err == ATT_OK) {
        err = send(&c, a, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    c.k.certified = true;
    return data_key_store(&c.k, a->conf->state_dir, diag);
}
