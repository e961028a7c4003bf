/*
 * Enrolment: who the TPM is was found by the appraiser from certificates; whether it may enrol is decided
 * here by a token or the allow-list, and that it holds both keys is proven to this process.
 */
#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "base/hex.h"
#include "base/rd.h"
#include "common/log.h"
#include "common/wire.h"
#include "crypto/digest.h"
#include "crypto/ek_cert.h"
#include "evidence/verify.h"
#include "factory.h"
#include "keeper_internal.h"
#include "tcg/ak.h"
#include "tcg/cred.h"
#include "tpm_deny.h"
#include "transfer.h"

static struct att_slice ek_name(const struct msg_enrol_facts *f)
{
    return att_slice_of(f->ek_name, f->ek_name_len);
}

/* Conflicts are worth a line in the log: somebody may be copying a gateway. */
static enum att_err conflict(struct att_diag *diag, enum att_err err, enum att_reason reason,
                             const char *id)
{
    char shown[LOG_TEXT_MAX];

    log_line(LOG_LEVEL_WARNING, "enrol.conflict", "device=%s code=%s",
             log_text(shown, id, strlen(id)), att_reason_code(reason));
    return att_fail(diag, err, reason, "device_id", "%s", att_reason_info(reason)->en);
}

static bool id_fits(const char *bound, const char *id)
{
    return bound[0] == '\0' || strcmp(bound, id) == 0;
}

/* What the records say of an enrolment, read once for each decision about it. */
struct standing {
    const struct msg_enrol_facts *f;
    bool listed;   /* its key is on the allow-list, for this id */
    bool token;    /* its token is there, current and for this id */
    bool replaces; /* and an administrator said that the gateway of this very id may enrol again */
    bool taken;    /* the id is somebody's: */
    struct store_device holder;
    bool iak_taken;   /* its factory's key is another gateway's */
    bool given;       /* its key was given away, and is not ours again */
    bool transferred; /* a transfer lets it in: */
    struct store_transfer transfer;
};

/* Absence is an answer; anything else that keeps a record from being read is not. */
static enum att_err found(bool *out, enum att_err err, struct att_diag *diag)
{
    if (err != ATT_OK && err != ATT_E_NOT_FOUND)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "enrolment", "the records cannot be read");
    *out = err == ATT_OK;
    return ATT_OK;
}

static enum att_err read_token(struct standing *s, struct keeper *k, struct att_diag *diag)
{
    struct store_token t = {0};
    bool there = false;
    enum att_err err = ATT_OK;

    if (!s->f->has_token)
        return ATT_OK;
    err = found(&there, store_token_get(&t, k->st, s->f->token_digest), diag);
    s->token = there && k->opt.utc_s() < t.expires_utc && id_fits(t.id, s->f->device_id);
    s->replaces = s->token && t.replaces && strcmp(t.id, s->f->device_id) == 0;
    return err;
}

/* One factory's key, one gateway; again under its own id, it may have it again. */
static enum att_err read_iak(struct standing *s, struct keeper *k, struct att_diag *diag)
{
    const struct msg_factory_key *iak = &s->f->iak;
    char holder[STORE_ID_MAX + 1] = "";
    struct att_pubarea area;
    uint8_t name[ATT_NAME_MAX];
    size_t len = 0;
    bool there = false;
    enum att_err err = ATT_OK;

    if (iak->public_len == 0)
        return ATT_OK;
    err = att_pubarea_parse(&area, att_slice_of(iak->public_area, iak->public_len), diag);
    if (err == ATT_OK)
        err = att_pubarea_name(name, &len, &area);
    if (err != ATT_OK)
        return err;
    err = found(&there,
                store_factory_holder(holder, k->st, STORE_FACTORY_IAK, att_slice_of(name, len)),
                diag);
    s->iak_taken = there && strcmp(holder, s->f->device_id) != 0;
    return err;
}

static enum att_err read_standing(struct standing *out, struct keeper *k,
                                  const struct msg_enrol_facts *f, struct att_diag *diag)
{
    struct standing s = {.f = f};
    char id[STORE_ID_MAX + 1] = "";
    enum att_err err = read_token(&s, k, diag);

    if (err == ATT_OK)
        err = read_iak(&s, k, diag);

    if (err == ATT_OK)
        err = found(&s.listed, store_allow_get(id, k->st, ek_name(f)), diag);
    if (err == ATT_OK)
        err = found(&s.taken, store_device_get(&s.holder, k->st, f->device_id), diag);
    if (err == ATT_OK)
        err = transfer_find(&s.transferred, &s.given, &s.transfer, k, f, diag);
    if (err != ATT_OK)
        return err;
    s.listed = (s.listed && id_fits(id, f->device_id)) || s.transferred;
    s.token = s.token && !s.transferred; /* it is not used up for nothing */
    *out = s;
    return ATT_OK;
}

/* The very same gateway again. Only an administrator may forget what is known of it. */
static enum att_err check_reenrol(const struct standing *s, struct att_diag *diag)
{
    struct att_slice name = att_slice_of(s->holder.ek_name, s->holder.ek_name_len);

    if (ATT_GUARD(ID_REENROL, s->taken && att_slice_eq(name, ek_name(s->f)) && !s->replaces))
        return conflict(diag, ATT_E_DENIED, ATT_R_ID_REENROL, s->f->device_id);
    return ATT_OK;
}

/*
 * An id belongs to one TPM, a TPM to one id. Who is asked is the key: its name covers attributes, which a
 * gateway can tell otherwise and still activate.
 */
static enum att_err check_conflicts(const struct standing *s, struct keeper *k,
                                    struct att_diag *diag)
{
    const struct msg_enrol_facts *f = s->f;
    struct store_device d;
    bool known = false;
    enum att_err err = ATT_OK;

    if (ATT_GUARD(ID_CONFLICT, s->taken && !s->replaces))
        return conflict(diag, ATT_E_CONFLICT, ATT_R_ID_CONFLICT, f->device_id);
    err = found(&known, store_device_by_ek(&d, k->st, att_slice_of(f->ek_public, f->ek_public_len)),
                diag);
    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(ID_EKDUP, known && !(s->taken && s->replaces && strcmp(d.id, f->device_id) == 0)))
        return conflict(diag, ATT_E_CONFLICT, ATT_R_ID_EKDUP, f->device_id);
    if (ATT_GUARD(ID_IAKDUP, s->iak_taken))
        return conflict(diag, ATT_E_CONFLICT, ATT_R_ID_IAKDUP, f->device_id);
    return ATT_OK;
}

/*
 * Does somebody vouch for its TPM? The TPM's maker; or, where nobody here knows the maker, the gateway's factory,
 * whose key must prove before the end that the attestation key is in the same TPM.
 */
static bool is_vouched_for(const struct msg_enrol_facts *f)
{
    return f->ek_verified || (f->ek_unknown && f->iak.public_len > 0);
}

/*
 * May it enrol, and do we know what it is? One answer for every kind of wrong token. Who was given away is
 * another's: a token is not enough then, only a transfer back, or its key allow-listed by name.
 */
static enum att_err check_admission(const struct standing *s, const struct keeper *k,
                                    struct att_diag *diag)
{
    const struct msg_enrol_facts *f = s->f;

    if (ATT_GUARD(TRANSFER_GIVEN, s->given && !s->listed))
        return att_fail(diag, ATT_E_DENIED, ATT_R_ID_TRANSFERRED, "ek",
                        "expected a transfer back, or its key on the allow-list");
    if (ATT_GUARD(ID_TOKEN, !s->listed && !s->token))
        return att_fail(diag, ATT_E_DENIED, ATT_R_ID_TOKEN, "token",
                        "no valid token for this device id, and its key is not allow-listed");
    if (ATT_GUARD(IAK_REQUIRED, k->cfg->iak == CONFIG_IAK_REQUIRE && f->iak.public_len == 0))
        return att_fail(diag, ATT_E_DENIED, ATT_R_ID_IAKNONE, "iak", "none was sent");
    if (ATT_GUARD(ID_EKCERT, !s->listed && !is_vouched_for(f)))
        return att_fail(diag, ATT_E_UNTRUSTED,
                        f->ek_reason != ATT_R_NONE ? f->ek_reason : ATT_R_ID_EKCERT, "ek", "%s",
                        f->ek_text[0] != '\0' ? f->ek_text : "no EK certificate was sent");
    return ATT_OK;
}

/* Whoever vouches for it, and also when the operator pinned it once. */
static enum att_err check_denied(const struct keeper *k, const struct msg_enrol_facts *f,
                                 struct att_diag *diag)
{
    if (ATT_GUARD(EK_DENIED, keeper_ek_denied(k, ek_name(f), f->ek_cert_digest)))
        return att_fail(diag, ATT_E_DENIED, ATT_R_ID_EKDENY, "ek_deny", "its key is on the list");
    if (ATT_GUARD(IAK_DENIED, keeper_certs_denied(k, f->iak.chain)))
        return att_fail(diag, ATT_E_DENIED, ATT_R_ID_EKDENY, "ek_deny",
                        "the certificate of its factory's key is on the list");
    return ATT_OK;
}

/* The appraiser said so already; these decide what is stored and signed, so they are asked again. */
static enum att_err check_keys(struct att_pubarea *ek, struct pending *p, struct att_diag *diag)
{
    const struct msg_enrol_facts *f = &p->facts;
    struct att_pubarea ak;
    uint8_t name[ATT_NAME_MAX];
    size_t name_len = 0;
    enum att_err err = att_device_id_check(att_slice_str(f->device_id), diag);

    if (err == ATT_OK)
        err = att_pubarea_parse(ek, att_slice_of(f->ek_public, f->ek_public_len), diag);
    if (err == ATT_OK)
        err = att_pubarea_check_ek(ek, diag);
    if (err == ATT_OK)
        err = att_pubarea_ek_name(name, &name_len, ek);
    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(EK_NAME, !att_slice_eq(att_slice_of(name, name_len), ek_name(f))))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_FMT_FRAME, "ek", "the name is not the key's");
    err = att_pubarea_parse(&ak, att_slice_of(f->ak_public, f->ak_public_len), diag);
    if (err == ATT_OK)
        err = att_pubarea_check_ak(&ak, diag);
    if (err == ATT_OK)
        err = att_pubarea_name(p->ak_name, &p->ak_name_len, &ak);
    return err == ATT_OK ? factory_check(p, diag) : err;
}

static uint32_t own_pcr_bit(uint32_t mask)
{
    return mask & (~mask + 1U);
}

static enum att_err write_enrol_challenge(struct keeper *k, struct pending *p,
                                          const struct att_pubarea *ek, struct answer *a,
                                          struct att_diag *diag)
{
    struct att_credential cred;
    uint8_t room[256];
    struct att_wr sel = att_wr_into(room, sizeof(room));
    struct att_wr w = att_wr_into(k->room, sizeof(k->room));
    struct att_slice body;
    struct wire_enrol_challenge c = {
        .session = att_slice_of(p->id, sizeof(p->id)),
        .nonce = att_slice_of(p->nonce, sizeof(p->nonce)),
        .verifier_id = att_slice_str(k->cfg->verifier_id),
    };
    enum att_err err = att_credential_make(&cred, ek, att_slice_of(p->ak_name, p->ak_name_len),
                                           att_slice_of(p->secret, sizeof(p->secret)), diag);

    if (err != ATT_OK)
        return err;
    c.id_object = att_slice_of(cred.id_object, cred.id_object_len);
    c.secret = att_slice_of(cred.secret, cred.secret_len);
    p->selection = (struct att_pcr_selection){.count = 1};
    p->selection.sel[0] = (struct att_pcr_sel){
        .bank = k->policy->bank, .mask = own_pcr_bit(k->policy->own_pcr_mask), .size = 3};
    att_pcr_selection_write(&sel, &p->selection);
    err = att_wr_done(&sel, &c.selection);
    if (err == ATT_OK)
        err = wire_enrol_challenge_encode(&w, &c);
    if (err == ATT_OK)
        err = att_wr_done(&w, &body);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "challenge", "the challenge does not fit");
    return answer_with(a, 200, MSG_TYPE_CBOR, body, diag);
}

/* They outlive the message that they came in. */
static enum att_err keep_facts(struct pending *p, const struct msg_enrol_facts *f,
                               struct att_diag *diag)
{
    const struct att_slice part[] = {f->ek_chain, f->iak.chain, f->idevid.chain};
    struct att_slice *const own[] = {&p->facts.ek_chain, &p->facts.iak.chain,
                                     &p->facts.idevid.chain};
    size_t bytes = part[0].len + part[1].len + part[2].len;
    struct att_rd r = {0};
    enum att_err err = ATT_OK;

    p->facts = *f;
    err = att_buf_new(&p->certs, bytes > 0 ? bytes : 1);
    for (size_t i = 0; i < ATT_COUNT(part) && err == ATT_OK; i++)
        err = att_buf_add_slice(p->certs, part[i]);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_NOMEM, "enrolment", "memory ran out");
    r = att_rd_slice(att_buf_slice(p->certs)); /* now that it grows no more */
    for (size_t i = 0; i < ATT_COUNT(part); i++)
        *own[i] = att_rd_bytes(&r, part[i].len);
    return ATT_OK;
}

enum att_err enrol_begin(struct keeper *k, const struct msg *m, struct answer *a,
                         struct att_diag *diag)
{
    struct msg_enrol_facts f;
    struct att_pubarea ek;
    struct pending *p = NULL;
    struct standing s;
    enum att_err err = msg_facts_open(&f, m->sealed, k->seal_key, diag);

    if (err == ATT_OK)
        err = read_standing(&s, k, &f, diag);
    if (err == ATT_OK)
        err = check_reenrol(&s, diag);
    if (err == ATT_OK)
        err = check_admission(&s, k, diag);
    if (err == ATT_OK)
        err = check_denied(k, &f, diag);
    if (err == ATT_OK)
        err = check_conflicts(&s, k, diag);
    if (err == ATT_OK)
        err = pending_open(&p, k->pendings, k->opt.mono_ms(), diag);
    if (err != ATT_OK)
        return err;
    err = keep_facts(p, &f, diag);
    if (err == ATT_OK)
        err = check_keys(&ek, p, diag);
    if (err == ATT_OK)
        err = write_enrol_challenge(k, p, &ek, a, diag);
    if (err != ATT_OK)
        pending_drop(k->pendings, p);
    return err;
}

/* The secret was for a TPM with this EK that holds an object of this AK's name: both keys at once. */
static enum att_err check_secret(struct keeper *k, struct pending *p, struct att_slice secret,
                                 struct att_diag *diag)
{
    if (ATT_GUARD(ID_ACTIVATE, secret.len != sizeof(p->secret) ||
                                   !att_digest_eq(secret.p, p->secret, sizeof(p->secret)))) {
        pending_failed(k->pendings, p);
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_ID_ACTIVATE, "secret",
                        "the secret of the credential was not returned");
    }
    return ATT_OK;
}

/* What whoever speaks about this enrolment must name: its TLS key, its names, our nonce. */
static enum att_err qualifying_of(uint8_t out[32], const struct keeper *k, const struct pending *p,
                                  struct att_diag *diag)
{
    struct att_enrol_context ctx = {
        .verifier_id = k->cfg->verifier_id,
        .device_id = p->facts.device_id,
        .nonce = p->nonce,
        .ek_name = ek_name(&p->facts),
        .ak_name = att_slice_of(p->ak_name, p->ak_name_len),
        .csr_digest = p->facts.csr_digest,
    };
    enum att_err err = att_enrol_qualifying(out, &ctx);

    return err == ATT_OK
               ? ATT_OK
               : att_fail(diag, err, ATT_R_INTERNAL, "quote", "the qualifying data does not fit");
}

/* The AK speaks, and beside it the factory's key, when there is one. */
static enum att_err check_quote(const struct keeper *k, struct pending *p,
                                const struct wire_enrol_activate *w, struct att_diag *diag)
{
    ATT_CLEANUP(att_quoted_freep) struct att_quoted *quoted = NULL;
    ATT_CLEANUP(att_ak_clear) struct att_ak ak = {0};
    uint8_t qualifying[32];
    struct att_expect expect = {.selection = p->selection,
                                .qualifying = att_slice_of(qualifying, sizeof(qualifying))};
    enum att_err err = qualifying_of(qualifying, k, p, diag);

    if (err != ATT_OK)
        return err;
    err = att_ak_parse(&ak, att_slice_of(p->facts.ak_public, p->facts.ak_public_len), diag);
    if (err != ATT_OK)
        return err;
    expect.ak = ak.key;
    expect.scheme = ak.scheme;
    expect.hash = ak.hash;
    expect.qualified_signer = att_slice_of(ak.qualified, ak.qualified_len);
    err = att_quote_verify(&quoted, w->attest, w->signature, &expect, diag);
    if (err == ATT_OK)
        err = factory_prove(p, w, expect.qualifying, diag);
    return err != ATT_OK ? err
                         : tpm_deny_check(&p->firmware_warned, k->cfg, p->facts.tpm_manufacturer,
                                          att_quoted_quote(quoted)->firmware_version, diag);
}

/* What the record says of how the TPM came to be trusted. */
static void note_of(char *out, size_t cap, const struct pending *p, const struct standing *s)
{
    const char *how = s->transferred ? "ek named by the transfer"
                      : s->listed    ? "ek allow-listed"
                                     : "ek vouched for by the iak";
    char iak[96];
    char names[64];
    char id[2 * STORE_TRANSFER_ID_LEN + 1] = "";

    if (s->transferred)
        (void)att_hex_encode(id, sizeof(id), att_slice_of(s->transfer.id, sizeof(s->transfer.id)));
    (void)snprintf(out, cap, "%s%s%s%s%s%s", p->facts.ek_verified ? "ek verified" : how,
                   p->facts.ek_fixes != 0 ? ", read with " : "",
                   att_ek_fixes_print(names, sizeof(names), p->facts.ek_fixes),
                   s->transferred ? ", by transfer " : "", id, factory_note(iak, sizeof(iak), p));
}

static enum att_err store_enrolment(struct keeper *k, const struct pending *p,
                                    const struct standing *s, int64_t now_utc,
                                    struct att_diag *diag)
{
    const struct msg_enrol_facts *f = &p->facts;
    struct store_device d = {.ek_verified = f->ek_verified, .enrolled_utc = now_utc};
    char note[STORE_DETAIL_MAX];
    int64_t number = 0;
    int64_t deadline = now_utc + WIRE_STALE_AFTER * k->policy->interval_s;
    enum att_err err = att_sha256(att_slice_of(f->tls_spki, f->tls_spki_len), d.tls_key);

    if (err != ATT_OK)
        return err;
    (void)snprintf(d.id, sizeof(d.id), "%s", f->device_id);
    d.ek_name_len = f->ek_name_len;
    memcpy(d.ek_name, f->ek_name, f->ek_name_len);
    d.ek_public_len = f->ek_public_len;
    memcpy(d.ek_public, f->ek_public, f->ek_public_len);
    d.ak_name_len = p->ak_name_len;
    memcpy(d.ak_name, p->ak_name, p->ak_name_len);
    d.ak_public_len = f->ak_public_len;
    memcpy(d.ak_public, f->ak_public, f->ak_public_len);
    memcpy(d.ek_cert, f->ek_cert_digest, sizeof(d.ek_cert));
    err = store_device_add(&number, k->st, &d, deadline, diag);
    if (err == ATT_E_CONFLICT)
        return conflict(diag, err, ATT_R_ID_CONFLICT, f->device_id);
    if (err == ATT_OK && s->transferred)
        err = store_transfer_use(k->st, s->transfer.id, number, diag);
    if (err == ATT_OK && f->ek_chain.len > 0)
        err = store_ek_chain_put(k->st, number, f->ek_chain, diag);
    if (err == ATT_OK)
        err = factory_store(k->st, number, p, diag);
    if (err == ATT_E_CONFLICT)
        return conflict(diag, err, ATT_R_ID_IAKDUP, f->device_id);
    if (err != ATT_OK)
        return err;
    note_of(note, sizeof(note), p, s);
    return keeper_note(k, STORE_KIND_ENROLLED, f->device_id,
                       p->firmware_warned ? att_reason_code(ATT_R_ID_TPMFW) : "", note, diag);
}

static enum att_err write_done(struct keeper *k, const struct pending *p, struct answer *a,
                               int64_t now_utc, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *cert = NULL;
    struct att_wr w = att_wr_into(k->room, sizeof(k->room));
    struct wire_enrol_done done = {.device_id = att_slice_str(p->facts.device_id),
                                   .interval_s = (uint64_t)k->policy->interval_s};
    struct att_slice body;
    enum att_err err =
        issuer_client_cert(&cert, k->issuer, p->facts.device_id,
                           att_slice_of(p->facts.tls_spki, p->facts.tls_spki_len), now_utc, diag);

    if (err != ATT_OK)
        return err;
    done.client_cert = att_buf_slice(cert);
    err = wire_enrol_done_encode(&w, &done);
    if (err == ATT_OK)
        err = att_wr_done(&w, &body);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "done", "the answer does not fit");
    return answer_with(a, 200, MSG_TYPE_CBOR, body, diag);
}

/* A copy of what the gateway showed inside windows (the state after an update); NULL when there is nothing. */
static enum att_err windows_of(struct att_buf **out, struct keeper *k, int64_t enrolment,
                               struct att_diag *diag)
{
    struct store_state s = {0};
    enum att_err err = store_state_get(&s, k->blobs, k->st, enrolment);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "state", "its state cannot be read");
    if (s.windows.len == 0)
        return ATT_OK;
    err = att_buf_new(out, s.windows.len);
    if (err == ATT_OK)
        err = att_buf_add_slice(*out, s.windows);
    return err == ATT_OK ? err : att_fail(diag, err, ATT_R_NOMEM, "state", "no memory");
}

/*
 * The new record goes on with the windows of the one before: a gateway that showed the state after an update
 * is not let back to the state before it by enrolling again.
 */
static enum att_err keep_windows(struct keeper *k, const char *id, const struct att_buf *windows,
                                 struct att_diag *diag)
{
    struct store_device d = {0};
    struct store_state s = {0};
    enum att_err err = store_device_get(&d, k->st, id);

    if (err == ATT_OK)
        err = store_state_get(&s, k->blobs, k->st, d.enrolment);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "state", "its state cannot be read");
    s.windows = att_buf_slice(windows);
    return store_state_put(k->st, d.enrolment, &s, diag);
}

/* The record before this one goes; labels and outcomes of the id stay, and say what became of it. */
static enum att_err take_over(struct keeper *k, struct job *job, const char *id,
                              struct att_buf **windows, struct att_diag *diag)
{
    struct store_device d;
    int64_t newest = -1;
    enum att_err err = store_device_get(&d, k->st, id);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "device", "its record cannot be read");
    err = windows_of(windows, k, d.enrolment, diag);
    if (err != ATT_OK)
        return err;
    err = status_newest(&newest, k, d.enrolment, diag);
    if (err == ATT_OK)
        err = keeper_note(k, STORE_KIND_REMOVED, id, "", "enrols again, as the administrator said",
                          diag);
    if (err == ATT_OK)
        err = status_follow(k, newest, STORE_LABEL_REVOKED, diag);
    if (err == ATT_OK)
        err = store_device_remove(k->st, id, diag);
    if (err != ATT_OK)
        return err;
    unit_forget(k->units, id);
    (void)snprintf(job->removed, sizeof(job->removed), "%s", id);
    return ATT_OK;
}

/* Admission is asked again, in the transaction that uses it up. */
static enum att_err bind(struct keeper *k, struct pending *p, struct job *job,
                         struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *windows = NULL;
    int64_t now_utc = k->opt.utc_s();
    struct standing s = {0};
    enum att_err err = read_standing(&s, k, &p->facts, diag);

    if (err == ATT_OK)
        err = check_conflicts(&s, k, diag);
    if (err == ATT_OK)
        err = check_admission(&s, k, diag);
    if (err == ATT_OK)
        err = check_denied(k, &p->facts, diag);
    if (err == ATT_OK && s.token)
        err = store_token_take(k->st, p->facts.token_digest, diag);
    if (err == ATT_OK && s.taken && s.replaces)
        err = take_over(k, job, p->facts.device_id, &windows, diag);
    if (err == ATT_OK)
        err = store_enrolment(k, p, &s, now_utc, diag);
    if (err == ATT_OK && windows != NULL)
        err = keep_windows(k, p->facts.device_id, windows, diag);
    if (err == ATT_OK)
        err = write_done(k, p, &job->answer, now_utc, diag);
    return err;
}

enum att_err enrol_activate(struct keeper *k, struct job *job, struct att_diag *diag)
{
    struct wire_enrol_activate w;
    struct pending *p = NULL;
    enum att_err err = wire_enrol_activate_parse(&w, job->m.body, diag);

    if (err == ATT_OK)
        err = pending_find(&p, k->pendings, w.session, k->opt.mono_ms(), diag);
    if (err != ATT_OK)
        return err;
    if (p->binding)
        return att_fail(diag, ATT_E_BUSY, ATT_R_BUSY, "session", "it is being activated");
    err = check_secret(k, p, w.secret, diag);
    if (err != ATT_OK)
        return err;
    if (p->answer != NULL) /* the first answer was lost on its way */
        return answer_with(&job->answer, 200, MSG_TYPE_CBOR, att_buf_slice(p->answer), diag);
    err = check_quote(k, p, &w, diag);
    if (err != ATT_OK) {
        if (err != ATT_E_NOMEM && err != ATT_E_CRYPTO)
            pending_failed(k->pendings, p);
        return err;
    }
    err = bind(k, p, job, diag);
    if (err != ATT_OK)
        return err;
    p->binding = true;
    job->pending = p;
    return ATT_OK;
}
