/* Challenges: which nonce, which PCRs, from which byte of each log, and what the appraiser needs. */
#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "base/hex.h"
#include "common/wire.h"
#include "crypto/digest.h"
#include "keeper_internal.h"
#include "transfer.h"

#define LOCATION "/challenge-response/v1/session/"

enum att_err keeper_peer(const struct unit **out, struct keeper *k, const struct msg_peer *peer,
                         struct att_diag *diag)
{
    const struct unit *u = NULL;
    enum att_err err;

    if (ATT_GUARD(ID_CLIENT, !peer->known))
        return att_fail(diag, ATT_E_DENIED, ATT_R_ID_CLIENT, "peer", "no client certificate");
    err = unit_get(&u, k->units, k->st, peer->device_id, diag);
    if (err == ATT_E_NOT_FOUND && transfer_left(k, peer->device_id))
        return att_fail(diag, ATT_E_DENIED, ATT_R_ID_TRANSFERRED, "device",
                        "%s was given to another organisation", peer->device_id);
    if (err != ATT_OK)
        return err;
    /* After a removal and a new enrolment the old certificate still names this device. */
    if (ATT_GUARD(ID_CHANNEL_KEY, !att_digest_eq(u->device.tls_key, peer->key_digest, 32)))
        return att_fail(diag, ATT_E_DENIED, ATT_R_ID_CHANNEL, "peer",
                        "the certificate's key is not the one that %s enrolled with", u->device.id);
    err = keeper_check_held(k, u, diag);
    if (err != ATT_OK)
        return err;
    *out = u;
    return ATT_OK;
}

enum att_err known_load(struct known *out, struct keeper *k, const struct unit *u,
                        struct att_diag *diag)
{
    struct known known = {0};
    struct att_slice part[STORE_BLOBS];
    enum att_err err = store_state_get(&known.row, k->blobs, k->st, u->device.enrolment);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "state", "the state of %s cannot be read",
                        u->device.id);
    part[0] = known.row.boot;
    part[1] = known.row.carry;
    part[2] = known.row.windows;
    err = att_digest(ATT_HASH_SHA256, part, ATT_COUNT(part), known.digest);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "state", "hashing failed");
    *out = known;
    return ATT_OK;
}

static enum att_err decode_parts(struct keeper *k, const struct known *known,
                                 struct att_windows *windows, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (known->row.boot.len > 0)
        err = att_boot_state_decode(&k->boot, known->row.boot, diag);
    if (err == ATT_OK && known->row.boot.len > 0)
        err = att_carry_decode(&k->carry, known->row.carry, diag);
    if (err == ATT_OK && known->row.windows.len > 0) /* those of the enrolment before, too */
        err = att_windows_decode(windows, known->row.windows, diag);
    if (err == ATT_OK || err == ATT_E_NOMEM)
        return err;
    return att_fail(diag, err, ATT_R_ST_CORRUPT, "state", "the stored state is damaged");
}

enum att_err known_decode(struct keeper *k, const struct known *known, const struct session *s,
                          struct att_diag *diag)
{
    struct att_windows stored = {0};
    enum att_err err;

    memset(&k->boot, 0, sizeof(k->boot));
    memset(&k->carry, 0, sizeof(k->carry));
    err = decode_parts(k, known, &stored, diag);
    if (err == ATT_OK)
        att_windows_pick(&k->windows, &k->notices, &stored, s->device_id, s->asked_utc);
    return err;
}

/* What was judged goes on only in the same boot, under the same policy, references and windows. */
static bool may_continue(const struct keeper *k, const struct session *s,
                         const struct wire_new_session *w)
{
    const struct att_boot_state *b = &k->boot;
    const struct att_carry *c = &k->carry;

    if (!w->has_boot || !b->known || !c->known || c->overflow || c->whole)
        return false;
    if (w->reset_count != b->clock.reset_count || w->restart_count != b->clock.restart_count)
        return false;
    return memcmp(c->policy_digest, k->policy->digest, 32) == 0 &&
           memcmp(c->refvals_digest, k->refvals_digest, 32) == 0 &&
           memcmp(c->windows_digest, s->windows_digest, 32) == 0;
}

static uint32_t lowest_pcr(uint32_t mask)
{
    uint32_t pcr = 0;

    while (pcr < ATT_PCR_COUNT - 1 && (mask & (1U << pcr)) == 0)
        pcr++;
    return pcr;
}

static void choose(struct session *s, const struct keeper *k, const struct wire_new_session *w)
{
    const struct att_policy *p = k->policy;
    bool allowed = w->own_pcr < ATT_PCR_COUNT && (p->own_pcr_mask & (1U << w->own_pcr)) != 0;
    uint32_t mask;

    memcpy(s->policy_digest, p->digest, sizeof(s->policy_digest));
    memcpy(s->refvals_digest, k->refvals_digest, sizeof(s->refvals_digest));
    s->own_pcr = allowed ? (uint32_t)w->own_pcr : lowest_pcr(p->own_pcr_mask);
    s->log_mask = w->log_mask;
    mask = 1U << s->own_pcr;
    if ((w->log_mask & (1U << ATT_LOG_UEFI)) != 0)
        mask |= p->boot_mask;
    if ((w->log_mask & (1U << ATT_LOG_IMA)) != 0)
        mask |= 1U << p->ima_pcr;
    s->selection = (struct att_pcr_selection){.count = 1};
    s->selection.sel[0] = (struct att_pcr_sel){.bank = p->bank, .mask = mask, .size = 3};
}

/* k->context is that of the session: where each log stands in it is what is wanted next. */
static void want_offsets(uint64_t offset[ATT_LOG__COUNT], const struct keeper *k,
                         const struct session *s)
{
    const struct att_appraisal_context *c = &k->context;

    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        if ((s->log_mask & (1U << i)) != 0 && c->prior.log[i].known)
            offset[i] = c->prior.log[i].off;
    }
    if (c->parts.known)
        offset[ATT_LOG_IMA] = c->parts.off;
}

static enum att_err write_challenge(struct keeper *k, const struct session *s, struct answer *a,
                                    int http, struct att_diag *diag)
{
    uint8_t room[256];
    struct att_wr sel = att_wr_into(room, sizeof(room));
    struct att_wr w = att_wr_into(k->room, sizeof(k->room));
    char hex[2 * ATT_SESSION_LEN + 1];
    struct att_slice body;
    struct wire_challenge c = {
        .session = att_slice_of(s->id, sizeof(s->id)),
        .nonce = att_slice_of(s->nonce, sizeof(s->nonce)),
        .verifier_id = att_slice_str(k->cfg->verifier_id),
        .expires_ms = (uint64_t)(s->deadline_ms - k->opt.mono_ms()),
    };
    enum att_err err;

    att_pcr_selection_write(&sel, &s->selection);
    err = att_wr_done(&sel, &c.selection);
    want_offsets(c.offset, k, s);
    if (err == ATT_OK)
        err = wire_challenge_encode(&w, &c);
    if (err == ATT_OK)
        err = att_wr_done(&w, &body);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "challenge", "the challenge does not fit");
    (void)snprintf(a->path, sizeof(a->path), LOCATION "%s",
                   att_hex_encode(hex, sizeof(hex), c.session));
    return answer_with(a, http, MSG_TYPE_CBOR, body, diag);
}

enum att_err attest_fill_context(struct keeper *k, const struct session *s, const struct unit *u,
                                 struct att_diag *diag)
{
    struct att_appraisal_context *c = &k->context;
    enum att_err err = s->parts != NULL ? parts_load(k, s, diag) : ATT_OK;

    if (err != ATT_OK)
        return err;

    memset(c, 0, sizeof(*c));
    (void)snprintf(c->verifier_id, sizeof(c->verifier_id), "%s", k->cfg->verifier_id);
    (void)snprintf(c->device_id, sizeof(c->device_id), "%s", u->device.id);
    memcpy(c->session, s->id, sizeof(c->session));
    memcpy(c->nonce, s->nonce, sizeof(c->nonce));
    c->selection = s->selection;
    c->own_pcr = s->own_pcr;
    memcpy(c->ak_public, u->device.ak_public, u->device.ak_public_len);
    c->ak_public_len = u->device.ak_public_len;
    c->ek_verified = u->device.ek_verified || (u->device.iak && k->cfg->iak != CONFIG_IAK_OFF);
    memcpy(c->policy_digest, s->policy_digest, sizeof(c->policy_digest));
    memcpy(c->refvals_digest, s->refvals_digest, sizeof(c->refvals_digest));
    c->prior = k->boot;
    if (s->continues)
        c->carry = k->carry;
    else
        memset(c->prior.log, 0, sizeof(c->prior.log)); /* the clock still counts, the logs do not */
    c->windows = k->windows;
    if (s->parts != NULL) {
        c->parts = k->folded.folded.parts;
        c->seen = k->folded.folded.seen;
        c->carry = k->folded.folded.carry;
        c->windows = k->folded.folded.windows;
    }
    return ATT_OK;
}

/* What the appraiser will be asked with; k->boot and k->carry are those of the gateway. */
static enum att_err give_context(struct keeper *k, struct session *s, const struct unit *u,
                                 struct answer *a, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *sealed = NULL;
    enum att_err err = attest_fill_context(k, s, u, diag);

    if (err != ATT_OK)
        return err;
    err = att_windows_digest(s->windows_digest, &k->context.windows);
    if (err == ATT_OK)
        err = msg_context_seal(&sealed, &k->context, k->seal_key);
    if (err == ATT_OK)
        err = att_sha256(att_buf_slice(sealed), s->context_digest);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "context", "the context cannot be sealed");
    s->has_context = true;
    a->sealed = sealed;
    sealed = NULL;
    return ATT_OK;
}

enum att_err attest_challenge(struct keeper *k, struct session *s, const struct unit *u,
                              struct answer *a, int http, struct att_diag *diag)
{
    enum att_err err = give_context(k, s, u, a, diag);

    return err != ATT_OK ? err : write_challenge(k, s, a, http, diag);
}

enum att_err attest_new_session(struct keeper *k, const struct msg *m, struct answer *a,
                                struct att_diag *diag)
{
    const struct unit *u = NULL;
    struct wire_new_session w;
    struct session *s = NULL;
    struct known known;
    enum att_err err = keeper_peer(&u, k, &m->peer, diag);

    if (err != ATT_OK)
        return err;
    err = wire_new_session_parse(&w, m->body, diag);
    if (err != ATT_OK)
        return err;
    err = known_load(&known, k, u, diag);
    if (err == ATT_OK)
        err = session_open(&s, k->sessions, u->device.id, k->opt.mono_ms(), diag);
    if (err != ATT_OK)
        return err;
    s->asked_utc = k->opt.utc_s();
    s->enrolment = u->device.enrolment;
    memcpy(s->state_digest, known.digest, sizeof(s->state_digest));
    s->has_boot = w.has_boot;
    s->reset_count = (uint32_t)w.reset_count;
    s->restart_count = (uint32_t)w.restart_count;
    err = known_decode(k, &known, s, diag);
    if (err == ATT_OK)
        err = att_windows_digest(s->windows_digest, &k->windows);
    if (err == ATT_OK) {
        s->continues = may_continue(k, s, &w);
        choose(s, k, &w);
        parts_take_over(k, s);
        err = attest_challenge(k, s, u, a, 201, diag);
    }
    if (err != ATT_OK)
        session_drop(k->sessions, s);
    else
        k->count.sessions++;
    return err;
}

/* A nonce has one purpose: evidence, or the certification of a data key. */
static enum att_err claim(struct session **out, struct keeper *k, const struct msg *m,
                          const struct unit *u, struct att_diag *diag)
{
    struct session *s = NULL;
    enum att_err err = session_claim(&s, k->sessions, att_slice_of(m->session, sizeof(m->session)),
                                     u->device.id, k->opt.mono_ms(), diag);

    if (err != ATT_OK)
        return err;
    if (s->enrolment != u->device.enrolment)
        return att_fail(diag, ATT_E_DENIED, ATT_R_ID_UNKNOWN, "session",
                        "the gateway was removed and enrolled again meanwhile");
    *out = s;
    return ATT_OK;
}

static enum att_err other_purpose(struct att_diag *diag, const char *expected)
{
    return att_fail(diag, ATT_E_STALE, ATT_R_Q_NONCE_EXPIRED, "session",
                    "expected a challenge for %s, found one for another purpose", expected);
}

enum att_err keeper_session(struct session **out, struct keeper *k, const struct msg *m,
                            const struct unit *u, struct att_diag *diag)
{
    struct session *s = NULL;
    enum att_err err = claim(&s, k, m, u, diag);

    if (err != ATT_OK)
        return err;
    if (s->certifies)
        return other_purpose(diag, "evidence");
    *out = s;
    return ATT_OK;
}

enum att_err keeper_certify_session(struct session **out, struct keeper *k, const struct msg *m,
                                    const struct unit *u, struct att_diag *diag)
{
    struct session *s = NULL;
    enum att_err err = claim(&s, k, m, u, diag);

    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(SESSION_PURPOSE, !s->certifies))
        return other_purpose(diag, "a data key");
    *out = s;
    return ATT_OK;
}

enum att_err keeper_same_state(const struct session *s, const struct known *known,
                               struct att_diag *diag)
{
    if (ATT_GUARD(SESSION_OVERTAKEN, memcmp(s->state_digest, known->digest, 32) != 0))
        return att_fail(diag, ATT_E_STALE, ATT_R_Q_NONCE_EXPIRED, "session",
                        "a later challenge of this gateway was answered first");
    return ATT_OK;
}

enum att_err keeper_open_session(const struct unit **unit, struct session **session,
                                 struct keeper *k, const struct msg *m, struct att_diag *diag)
{
    const struct unit *u = NULL;
    struct session *s = NULL;
    struct known known;
    enum att_err err = keeper_peer(&u, k, &m->peer, diag);

    if (err == ATT_OK)
        err = keeper_session(&s, k, m, u, diag);
    if (err == ATT_OK)
        err = known_load(&known, k, u, diag);
    if (err == ATT_OK)
        err = keeper_same_state(s, &known, diag);
    if (err == ATT_OK)
        err = known_decode(k, &known, s, diag);
    if (err != ATT_OK)
        return err;
    *unit = u;
    *session = s;
    return ATT_OK;
}

enum att_err attest_context(struct keeper *k, const struct msg *m, struct answer *a,
                            struct att_diag *diag)
{
    const struct unit *u = NULL;
    struct session *s = NULL;
    enum att_err err = keeper_open_session(&u, &s, k, m, diag);

    if (err != ATT_OK)
        return err;
    err = give_context(k, s, u, a, diag);
    if (err != ATT_OK)
        return err;
    a->http = 200;
    a->body = a->sealed;
    a->sealed = NULL;
    return ATT_OK;
}

/* The session that a message names, when it is its sender's. */
static enum att_err session_of(struct session **out, struct keeper *k, const struct msg *m,
                               struct att_diag *diag)
{
    const struct unit *u = NULL;
    enum att_err err = keeper_peer(&u, k, &m->peer, diag);

    return err != ATT_OK
               ? err
               : session_look(out, k->sessions, att_slice_of(m->session, sizeof(m->session)),
                              u->device.id, k->opt.mono_ms(), diag);
}

enum att_err attest_session_get(struct keeper *k, const struct msg *m, struct answer *a,
                                struct att_diag *diag)
{
    struct session *s = NULL;
    enum att_err err = session_of(&s, k, m, diag);

    if (err != ATT_OK)
        return err;
    if (s->phase != SESSION_SETTLED)
        return answer_with(a, 202, MSG_TYPE_NONE, att_slice_of(NULL, 0), diag);
    return answer_with(a, s->http_status, MSG_TYPE_OUTCOME, att_buf_slice(s->answer), diag);
}

enum att_err attest_session_delete(struct keeper *k, const struct msg *m, struct answer *a,
                                   struct att_diag *diag)
{
    struct session *s = NULL;
    enum att_err err = session_of(&s, k, m, diag);

    if (err != ATT_OK)
        return err;
    session_drop(k->sessions, s);
    return answer_with(a, 204, MSG_TYPE_NONE, att_slice_of(NULL, 0), diag);
}
