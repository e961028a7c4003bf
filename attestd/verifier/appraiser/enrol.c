/* One enrolment request: what is claimed, and which of it proves itself. Whether it may is the keeper's. */
#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "common/log.h"
#include "common/wire.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "crypto/ek_cert.h"
#include "crypto/key.h"
#include "tcg/pubarea.h"
#include "verifier/appraiser/enrol_internal.h"
#include "verifier/ek_chain.h"

enum att_err enrol_keep(uint8_t *out, size_t cap, size_t *len, struct att_slice in,
                        const char *field, struct att_diag *diag)
{
    if (in.len > cap) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_LIM_SIZE, field, "at most %zu bytes, found %zu",
                        cap, in.len);
    }
    memcpy(out, in.p, in.len);
    *len = in.len;
    return ATT_OK;
}

static enum att_err read_identity(struct msg_enrol_facts *f, const struct wire_enrol_begin *m,
                                  struct att_diag *diag)
{
    enum att_err err = att_device_id_check(m->device_id, diag);

    if (err != ATT_OK) {
        return err;
    }
    memcpy(f->device_id, m->device_id.p, m->device_id.len);
    f->device_id[m->device_id.len] = '\0';
    f->has_token = m->token.len > 0;
    return f->has_token ? att_sha256(m->token, f->token_digest) : ATT_OK;
}

static enum att_err read_ak(struct msg_enrol_facts *f, struct att_slice in, struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    struct att_pubarea area = {0};
    enum att_err err = att_pubarea_parse(&area, in, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_pubarea_check_ak(&area, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = att_pubarea_key(&key, &area, diag);
    if (err != ATT_OK) {
        return err;
    }
    return enrol_keep(f->ak_public, sizeof(f->ak_public), &f->ak_public_len, area.encoded, "AK",
                      diag);
}

static enum att_err read_ek(struct msg_enrol_facts *f, struct att_pubkey **key, struct att_slice in,
                            struct att_diag *diag)
{
    uint8_t room[ATT_PUBAREA_MAX];
    struct att_slice padded = {0};
    struct att_pubarea area = {0};
    enum att_err err = att_pubarea_parse(&area, in, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_pubarea_check_ek(&area, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = att_pubarea_key(key, &area, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = att_pubarea_ek_name(f->ek_name, &f->ek_name_len, &area);
    if (err == ATT_OK) {
        err = att_pubarea_padded(&padded, room, &area);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_FMT_KEY, "EK", "its name cannot be computed");
    }
    return enrol_keep(f->ek_public, sizeof(f->ek_public), &f->ek_public_len, padded, "EK", diag);
}

void shown_free(struct shown *s)
{
    for (size_t i = 0; i < s->count; i++) {
        att_cert_free(s->cert[i]);
    }
}

/* TPMs keep certificates for keys that nobody here uses, such as SM2's: well-formed, and no matter. */
static bool is_for_another_kind_of_key(enum att_err err, const struct att_diag *why)
{
    return err == ATT_E_UNSUPPORTED ||
           (why->reason == ATT_R_ID_WEAKKEY && err != ATT_E_NOMEM && err != ATT_E_CRYPTO);
}

enum att_err shown_read(struct shown *out, const struct att_slice *sent, size_t count,
                        const struct judging *at)
{
    for (size_t i = 0; i < count; i++) {
        struct att_diag why = {0};
        enum att_err err = att_cert_parse_ek(&out->cert[out->count], &out->fixes[out->count],
                                             sent[i], at->a->ek_workarounds, &why);

        if (err == ATT_OK) {
            out->count++;
        } else if (!is_for_another_kind_of_key(err, &why)) {
            *at->diag = why;
            return err;
        }
    }
    return ATT_OK;
}

size_t shown_leaf(const struct shown *s, const struct att_pubkey *wanted)
{
    size_t i = 0;

    for (i = 0; i < s->count; i++) {
        ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;

        if (att_cert_key(&key, s->cert[i], NULL) == ATT_OK && att_pubkey_eq(key, wanted)) {
            break;
        }
    }
    return i;
}

/* A result, not a failure: the keeper may still admit it by the allow-list. */
static enum att_err not_verified(struct msg_enrol_facts *f, const struct att_diag *why)
{
    f->ek_reason = why->reason;
    (void)snprintf(f->ek_text, sizeof(f->ek_text), "%.40s: %.140s",
                   why->field == NULL ? "" : why->field, why->text);
    return ATT_OK;
}

enum att_err shown_verify(const struct shown *s, size_t leaf, const struct att_anchors *anchors,
                          enum att_cert_use use, const struct judging *at, struct att_diag *why)
{
    const struct att_cert *chain[WIRE_EK_CERTS_MAX];
    enum att_reason reason = use == ATT_USE_EK ? ATT_R_ID_EKCERT : ATT_R_ID_IAKCERT;
    size_t count = 0;

    if (anchors == NULL) {
        return att_fail(why, ATT_E_UNTRUSTED, reason, "certificate.no-anchors",
                        "no anchors are configured");
    }
    for (size_t i = 0; i < s->count; i++) {
        if (i != leaf) {
            chain[count++] = s->cert[i];
        }
    }
    return att_chain_verify(s->cert[leaf], chain, count, anchors, use, at->utc_s, reason, why);
}

/* What the maker vouches for beside the key. */
static enum att_err read_tpm_name(struct msg_enrol_facts *f, const struct att_cert *leaf,
                                  struct att_diag *why)
{
    struct att_tpm_name name = {0};
    enum att_err err = att_cert_tpm_name(&name, leaf, why);

    if (err != ATT_OK && err != ATT_E_NOT_FOUND) {
        return err;
    }
    f->tpm_manufacturer = name.manufacturer;
    return ATT_OK;
}

/* What it was judged by is kept, so that the keeper can judge it again when lists and makers are others. */
enum att_err shown_keep(struct att_slice *out, struct att_buf **room, const struct shown *s,
                        size_t leaf, const struct judging *at)
{
    struct ek_chain chain = {.cert[0] = att_cert_der(s->cert[leaf]), .count = 1};
    struct att_wr w = {0};
    uint8_t *p = NULL;
    enum att_err err = att_buf_new(room, EK_CHAIN_MAX);

    if (err == ATT_OK) {
        err = att_buf_room(*room, EK_CHAIN_MAX, &p);
    }
    if (err != ATT_OK) {
        return att_fail(at->diag, err, ATT_R_NOMEM, "certificates", "memory ran out");
    }
    w = att_wr_into(p, EK_CHAIN_MAX);
    for (size_t i = 0; i < s->count; i++) {
        if (i != leaf) {
            chain.cert[chain.count++] = att_cert_der(s->cert[i]);
        }
    }
    if (ek_chain_encode(&w, &chain) != ATT_OK) {
        return att_fail(at->diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "certificates",
                        "they do not fit");
    }
    att_buf_commit(*room, w.len);
    *out = att_buf_slice(*room);
    return ATT_OK;
}

/* Nobody here knows its maker: no word against it, and none for it. */
static bool is_unknown(const struct att_diag *why)
{
    return why->field != NULL && (strcmp(why->field, "certificate.other-ca") == 0 ||
                                  strcmp(why->field, "certificate.no-anchors") == 0);
}

static void say_workarounds(const struct msg_enrol_facts *f)
{
    char names[64];

    if (f->ek_fixes != 0) {
        log_line(LOG_LEVEL_WARNING, "enrol.workaround", "device=%s what=\"%s\"", f->device_id,
                 att_ek_fixes_print(names, sizeof(names), f->ek_fixes));
    }
}

static enum att_err judge_chain(struct msg_enrol_facts *f, const struct shown *s, size_t leaf,
                                const struct judging *at)
{
    struct att_diag why = {0};
    enum att_err err = att_cert_fingerprint(f->ek_cert_digest, s->cert[leaf]);

    if (err != ATT_OK) {
        return err;
    }
    f->ek_fixes = s->fixes[leaf];
    say_workarounds(f);
    err = shown_verify(s, leaf, at->a->ek_anchors, ATT_USE_EK, at, &why);
    if (err == ATT_E_NOMEM || err == ATT_E_CRYPTO) {
        return err;
    }
    if (ATT_GUARD(EK_CHAIN, err != ATT_OK)) {
        f->ek_unknown = is_unknown(&why);
        return not_verified(f, &why);
    }
    err = read_tpm_name(f, s->cert[leaf], &why);
    if (err != ATT_OK) {
        return not_verified(f, &why);
    }
    err = shown_keep(&f->ek_chain, at->room, s, leaf, at);
    if (err != ATT_OK) {
        return err;
    }
    f->ek_verified = true;
    return ATT_OK;
}

/* What the certificates say of the key. None at all is no fault; one for another key is. */
static enum att_err read_ek_certs(struct msg_enrol_facts *f, const struct wire_enrol_begin *m,
                                  const struct att_pubkey *ek, const struct judging *at)
{
    ATT_CLEANUP(shown_free) struct shown s = {0};
    struct att_diag why = {0};
    size_t leaf = 0;
    enum att_err err = shown_read(&s, m->ek_cert, m->ek_cert_count, at);

    if (err != ATT_OK) {
        return err;
    }
    if (s.count == 0) {
        f->ek_unknown = true;
        return ATT_OK;
    }
    leaf = shown_leaf(&s, ek);
    if (ATT_GUARD(EK_CERT_KEY, leaf == s.count)) {
        (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_ID_EKCERT, "certificate.other-key",
                       "none of the %zu certificates is for the endorsement key", s.count);
        return not_verified(f, &why);
    }
    return judge_chain(f, &s, leaf == s.count ? 0 : leaf, at);
}

static enum att_err read_csr(struct msg_enrol_facts *f, struct att_slice csr, struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *spki = NULL;
    enum att_err err = att_csr_open(&key, csr, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_sha256(csr, f->csr_digest);
    if (err == ATT_OK) {
        err = att_pubkey_spki(&spki, key);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "CSR", "%s", att_err_name(err));
    }
    return enrol_keep(f->tls_spki, sizeof(f->tls_spki), &f->tls_spki_len, att_buf_slice(spki),
                      "CSR", diag);
}

/* The id is the first member behind the version, so what is wrong at its place is wrong with it. */
#define ID_OFF 4

static enum att_err read_request(struct wire_enrol_begin *out, struct att_slice body,
                                 struct att_diag *diag)
{
    enum att_err err = wire_enrol_begin_parse(out, body, diag);

    if (err != ATT_OK && diag->reason == ATT_R_FMT_CBOR && diag->off == ID_OFF) {
        return att_fail_at(diag, err, ATT_R_FMT_ID, "device id", ID_OFF,
                           "expected 1 to %d of A-Z a-z 0-9 . _ -", ATT_DEVICE_ID_MAX);
    }
    return err;
}

enum att_err judge_enrolment(struct att_buf **sealed, const struct appraiser *a,
                             struct att_slice body, int64_t utc_s, struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *ek = NULL;
    ATT_CLEANUP(att_buf_freep)
    struct att_buf *ek_room = NULL, *iak_room = NULL, *idevid_room = NULL;
    struct judging at = {.a = a, .utc_s = utc_s, .room = &ek_room, .diag = diag};
    struct wire_enrol_begin m = {0};
    struct msg_enrol_facts f = {0};
    enum att_err err = read_request(&m, body, diag);

    if (err == ATT_OK) {
        err = read_identity(&f, &m, diag);
    }
    if (err == ATT_OK) {
        err = read_ak(&f, m.ak_public, diag);
    }
    if (err == ATT_OK) {
        err = read_ek(&f, &ek, m.ek_public, diag);
    }
    if (err == ATT_OK) {
        err = read_ek_certs(&f, &m, ek, &at);
    }
    at.room = &iak_room;
    if (err == ATT_OK) {
        err = read_iak(&f.iak, &m.iak, &at);
    }
    at.room = &idevid_room;
    if (err == ATT_OK) {
        err = read_idevid(&f.idevid, &m.idevid, &at);
    }
    if (err == ATT_OK) {
        err = read_csr(&f, m.csr, diag);
    }
    return err != ATT_OK ? err : msg_facts_seal(sealed, &f, a->seal_key);
}
