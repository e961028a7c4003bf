/* Data keys: what a gateway shows of one is judged here alone, and here alone it is authorised. */
#include "data_key.h"

#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "base/hex.h"
#include "common/log.h"
#include "common/wire.h"
#include "crypto/digest.h"
#include "evidence/certified.h"
#include "evidence/context.h"
#include "tcg/pubarea.h"

#define LOCATION  "/enrol/v1/certify/"
#define BOOT_PCRS 0x000000ffU /* what D10 binds of the firmware's: 0 to 7 */

static enum att_err need_authority(const struct keeper *k, struct att_diag *diag)
{
    if (k->issuer->data != NULL)
        return ATT_OK;
    return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_DK_OFF, "data_key", "attestd.yaml names no key");
}

/* authPolicy and policyRef of this device's data key under our authorising key. */
static enum att_err policy_of(uint8_t policy[ATT_POLICY_LEN], uint8_t ref[ATT_POLICY_REF_LEN],
                              const struct keeper *k, const char *device)
{
    const struct issuer *i = k->issuer;
    enum att_err err = att_data_key_ref(ref, device);

    return err != ATT_OK ? err
                         : att_data_key_policy(
                               policy, att_slice_of(i->authority_name, i->authority_name_len), ref);
}

static enum att_err write_challenge(struct keeper *k, const struct session *s, struct answer *a,
                                    struct att_diag *diag)
{
    uint8_t approved[ATT_POLICY_LEN], policy[ATT_POLICY_LEN], ref[ATT_POLICY_REF_LEN];
    uint8_t sig[ATT_GRANT_SIG_LEN];
    struct att_wr w = att_wr_into(k->room, sizeof(k->room));
    char hex[2 * ATT_SESSION_LEN + 1];
    struct att_slice body;
    struct wire_certify_challenge c = {
        .session = att_slice_of(s->id, sizeof(s->id)),
        .nonce = att_slice_of(s->nonce, sizeof(s->nonce)),
        .verifier_id = att_slice_str(k->cfg->verifier_id),
        .authority = att_slice_of(k->issuer->authority, k->issuer->authority_len),
        .signature = att_slice_of(sig, sizeof(sig)),
        .expires_ms = (uint64_t)(s->deadline_ms - k->opt.mono_ms()),
    };
    enum att_err err = policy_of(policy, ref, k, s->device_id);

    if (err == ATT_OK)
        err = att_data_key_certify_policy(approved);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "challenge", "hashing failed");
    err = issuer_authorise(sig, k->issuer, approved, ref, diag);
    if (err != ATT_OK)
        return err;
    err = wire_certify_challenge_encode(&w, &c);
    if (err == ATT_OK)
        err = att_wr_done(&w, &body);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "challenge", "the challenge does not fit");
    (void)snprintf(a->path, sizeof(a->path), LOCATION "%s",
                   att_hex_encode(hex, sizeof(hex), c.session));
    return answer_with(a, 201, MSG_TYPE_CBOR, body, diag);
}

enum att_err data_key_begin(struct keeper *k, const struct msg *m, struct answer *a,
                            struct att_diag *diag)
{
    const struct unit *u = NULL;
    struct session *s = NULL;
    enum att_err err = keeper_peer(&u, k, &m->peer, diag);

    if (err == ATT_OK)
        err = wire_certify_begin_parse(m->body, diag);
    if (err == ATT_OK)
        err = need_authority(k, diag);
    if (err == ATT_OK)
        err = session_open(&s, k->sessions, u->device.id, k->opt.mono_ms(), diag);
    if (err != ATT_OK)
        return err;
    s->certifies = true;
    s->enrolment = u->device.enrolment;
    err = write_challenge(k, s, a, diag);
    if (err != ATT_OK)
        session_drop(k->sessions, s);
    return err;
}

/* The names that a certification must carry: of the key, and of it under its parent in the owner hierarchy. */
struct names {
    uint8_t key[ATT_NAME_MAX], place[ATT_NAME_MAX];
    size_t key_len, place_len;
};

static enum att_err name(struct names *n, const struct att_pubarea *area, struct att_slice parent,
                         struct att_diag *diag)
{
    uint8_t above[ATT_NAME_MAX];
    size_t len = 0;
    enum att_err err = att_pubarea_name(n->key, &n->key_len, area);

    if (err == ATT_OK)
        err = att_qualified_name(above, &len, ATT_TPM_RH_OWNER, parent);
    if (err == ATT_OK)
        err = att_qualified_child(n->place, &n->place_len, att_slice_of(above, len),
                                  att_slice_of(n->key, n->key_len));
    if (err == ATT_E_NOMEM || err == ATT_E_CRYPTO || err == ATT_OK)
        return err;
    return att_fail(diag, err, ATT_R_DK_CERTIFY, "certify.parent",
                    "expected the name of the storage key that it stands under");
}

/* The key's own word for it is nothing: what it is, and that it is in this TPM, is proven to this process. */
static enum att_err judge(struct names *n, const struct keeper *k, const struct unit *u,
                          const struct session *s, const struct wire_certify *w,
                          struct att_diag *diag)
{
    uint8_t policy[ATT_POLICY_LEN], ref[ATT_POLICY_REF_LEN], qualifying[32];
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL; /* a point on the curve, that is */
    struct att_pubarea area;
    struct att_certify_context ctx = {
        .verifier_id = k->cfg->verifier_id,
        .device_id = u->device.id,
        .nonce = s->nonce,
        .session = s->id,
        .ak_name = att_slice_of(u->ak.name, u->ak.name_len),
        .parent_name = w->parent,
    };
    struct att_certify_expect expect = {
        .signer = &u->ak, .qualifying = att_slice_of(qualifying, 32), .reason = ATT_R_DK_CERTIFY};
    enum att_err err = policy_of(policy, ref, k, u->device.id);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "data key", "hashing failed");
    err = att_pubarea_parse(&area, w->key, diag);
    if (err == ATT_OK)
        err = att_data_key_check(&area, policy, diag);
    if (err == ATT_OK)
        err = att_pubarea_key(&key, &area, diag);
    if (err == ATT_OK)
        err = name(n, &area, w->parent, diag);
    if (err != ATT_OK)
        return err;
    ctx.key_name = att_slice_of(n->key, n->key_len);
    err = att_certify_qualifying(qualifying, &ctx);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "data key", "hashing failed");
    expect.name = ctx.key_name;
    expect.qualified_name = att_slice_of(n->place, n->place_len);
    return att_certify_verify(w->attest, w->signature, &expect, diag);
}

static size_t put(uint8_t *out, struct att_slice in)
{
    memcpy(out, in.p, in.len);
    return in.len;
}

/* Its name is in the record; the log says that one was certified, and no more. */
static enum att_err keep(struct keeper *k, const struct unit *u, const struct names *n,
                         const struct wire_certify *w, struct att_diag *diag)
{
    struct store_data_key row = {.certified_utc = k->opt.utc_s()};
    char hex[2 * ATT_NAME_MAX + 1], detail[STORE_DETAIL_MAX], id[STORE_ID_MAX + 1];
    int64_t enrolment = u->device.enrolment;
    enum att_err err;

    if (att_slice_eq(w->key, att_slice_of(u->data_key.area, u->data_key.area_len)))
        return ATT_OK;
    row.area_len = put(row.area, w->key);
    row.parent_len = put(row.parent, w->parent);
    row.attest_len = put(row.attest, w->attest);
    row.signature_len = put(row.signature, w->signature);
    (void)snprintf(id, sizeof(id), "%s", u->device.id);
    (void)snprintf(detail, sizeof(detail), "data key %s",
                   att_hex_encode(hex, sizeof(hex), att_slice_of(n->key, n->key_len)));
    err = keeper_note(k, STORE_KIND_CERTIFIED, id, "", detail, diag);
    if (err == ATT_OK)
        err = store_data_key_put(k->st, enrolment, &row, diag);
    if (err == ATT_OK)
        unit_forget(k->units, id);
    return err;
}

static enum att_err write_done(struct keeper *k, const struct names *n, struct answer *a,
                               struct att_diag *diag)
{
    struct att_wr w = att_wr_into(k->room, sizeof(k->room));
    const struct wire_certify_done done = {.name = att_slice_of(n->key, n->key_len)};
    struct att_slice body;
    enum att_err err = wire_certify_done_encode(&w, &done);

    if (err == ATT_OK)
        err = att_wr_done(&w, &body);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "done", "the answer does not fit");
    return answer_with(a, 200, MSG_TYPE_CBOR, body, diag);
}

enum att_err data_key_certify(struct keeper *k, struct job *job, struct att_diag *diag)
{
    const struct unit *u = NULL;
    struct session *s = NULL;
    struct wire_certify w;
    struct names n;
    enum att_err err = keeper_peer(&u, k, &job->m.peer, diag);

    if (err == ATT_OK)
        err = keeper_certify_session(&s, k, &job->m, u, diag);
    if (err == ATT_OK)
        err = need_authority(k, diag);
    if (err == ATT_OK)
        err = wire_certify_parse(&w, job->m.body, diag);
    if (err == ATT_OK)
        err = judge(&n, k, u, s, &w, diag);
    if (err == ATT_OK)
        err = write_done(k, &n, &job->answer, diag);
    if (err == ATT_OK)
        err = keep(k, u, &n, &w, diag);
    if (err != ATT_OK)
        return err;
    session_use(s);
    job->session = s;
    job->counter = &k->count.certified;
    return ATT_OK;
}

/* The stored key, while it is one under our present authorising key. */
static bool current(struct att_pubarea *area, uint8_t ref[ATT_POLICY_REF_LEN],
                    const struct keeper *k, const struct unit *u)
{
    uint8_t policy[ATT_POLICY_LEN];

    return k->issuer->data != NULL && u->data_key.area_len > 0 &&
           policy_of(policy, ref, k, u->device.id) == ATT_OK &&
           att_pubarea_parse(area, att_slice_of(u->data_key.area, u->data_key.area_len), NULL) ==
               ATT_OK &&
           att_data_key_check(area, policy, NULL) == ATT_OK;
}

static void put_coordinate(uint8_t out[32], struct att_slice in)
{
    memset(out, 0, 32);
    memcpy(out + 32 - in.len, in.p, in.len);
}

/* The PCRs that the data key is bound to: of the quoted ones, the boot's first eight and the own log's. */
static struct att_pcr_selection bound_to(const struct session *s)
{
    struct att_pcr_selection sel = s->selection;
    uint32_t boot = (s->log_mask & (1U << ATT_LOG_UEFI)) != 0 ? BOOT_PCRS : 0;

    sel.sel[0].mask &= boot | 1U << s->own_pcr;
    return sel;
}

static enum att_err authorise(struct data_key_grant *out, const struct keeper *k,
                              struct att_grant *g, const uint8_t ref[ATT_POLICY_REF_LEN],
                              struct att_diag *diag)
{
    struct att_wr w = att_wr_into(out->bytes, sizeof(out->bytes));
    uint8_t policy[ATT_POLICY_LEN];
    struct att_slice all;
    enum att_err err = att_grant_policy(policy, g);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "authorisation", "hashing failed");
    err = issuer_authorise(g->signature, k->issuer, policy, ref, diag);
    if (err != ATT_OK)
        return err;
    err = att_grant_encode(&w, g);
    if (err == ATT_OK)
        err = att_wr_done(&w, &all);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "authorisation", "it does not fit");
    out->len = all.len;
    out->given = true;
    return ATT_OK;
}

enum att_err data_key_grant(struct data_key_grant *out, const struct keeper *k,
                            const struct unit *u, const struct data_key_state *s,
                            struct att_diag *diag)
{
    const struct att_clock_info *clock = &att_quoted_quote(s->quoted)->clock;
    const struct att_stated stated = {.quoted = s->quoted,
                                      .hash = u->ak.hash,
                                      .state = s->boot,
                                      .ima_pcr = s->ima_pcr,
                                      .own_pcr = s->session->own_pcr};
    uint8_t ref[ATT_POLICY_REF_LEN];
    struct att_grant g = {.selection = bound_to(s->session),
                          .until_ms = clock->clock_ms + (uint64_t)s->seconds * 1000,
                          .reset_count = clock->reset_count,
                          .restart_count = clock->restart_count,
                          .until_utc = s->exp};
    struct att_diag why = {0};
    struct att_pcr_values values;
    struct att_pubarea area;
    enum att_err err;

    if (!current(&area, ref, k, u) || att_grant_check(&g, NULL) != ATT_OK)
        return ATT_OK;
    err = att_stated_values(&values, &stated, &why);
    if (err == ATT_OK)
        err = att_pcr_composite(g.pcr_digest, ATT_HASH_SHA256, &g.selection, &values, &why);
    if (err != ATT_OK) { /* the label is as good as without it, and the operator has to know */
        log_diag(LOG_LEVEL_ERROR, "data_key.state", &why);
        return ATT_OK;
    }
    put_coordinate(out->point, area.ecc_x);
    put_coordinate(out->point + ATT_DATA_KEY_POINT / 2, area.ecc_y);
    return authorise(out, k, &g, ref, diag);
}
