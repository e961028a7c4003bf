/* What every command of the agent shares: the enrolment, the courier, and one piece of work. */
#include "agent/measurer/agent.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "tpm/ident.h"

#define LOCK_WAIT_MS 30000
#define READ_LEN     16384

/* SHA-256 of our own executable, its first half: which build spoke. Empty when it cannot be read. */
static void read_build_id(char out[33])
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    ATT_CLEANUP(att_closep) int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    uint8_t part[READ_LEN];
    uint8_t digest[32];
    ssize_t n = 0;

    out[0] = '\0';
    if (fd < 0 || att_hasher_new(&h) != ATT_OK || att_hasher_start(h, ATT_HASH_SHA256) != ATT_OK) {
        return;
    }
    while ((n = read(fd, part, sizeof(part))) > 0) {
        if (att_hasher_add(h, part, (size_t)n) != ATT_OK) {
            return;
        }
    }
    if (n == 0 && att_hasher_finish(h, digest) == ATT_OK) {
        (void)att_hex_encode(out, 33, att_slice_of(digest, 16));
    }
}

enum att_err agent_open(struct agent *a, const struct agent_conf *conf, struct att_diag *diag)
{
    *a = (struct agent){.conf = conf};
    read_build_id(a->build_id);
    return state_load(&a->ident, conf->state_dir, diag);
}

void agent_close(struct agent *a)
{
    relay_stopp(&a->relay);
    table_stamps_free(&a->stamps);
}

void agent_work_close(struct agent_work *w)
{
    own_store_freep(&w->own);
    hw_tpm_closep(&w->tpm);
    att_closep(&w->lock_fd); /* last: the lock covers the others */
}

static bool same_ak(const struct hw_ak *a, const struct hw_ak *b)
{
    return a->public_len == b->public_len &&
           memcmp(a->public_area, b->public_area, a->public_len) == 0;
}

enum att_err agent_same_tpm(bool *same, struct hw_tpm *tpm, const struct agent_ident *ident,
                            struct att_diag *diag)
{
    ATT_CLEANUP(hw_ek_certs_free) struct hw_ek_certs none = {0};
    struct hw_ek ek;
    uint8_t name[ATT_NAME_MAX];
    size_t name_len = 0;
    enum att_err err = hw_tpm_ek(&ek, tpm, ident->ek_kind, &none, diag);

    if (err == ATT_OK) {
        err = state_name_of(name, &name_len, att_slice_of(ek.public_area, ek.public_len), STATE_EK,
                            diag);
    }
    if (err != ATT_OK && err != ATT_E_NOT_FOUND) {
        return err;
    }
    *same = err == ATT_OK && name_len == ident->ek_name_len &&
            memcmp(name, ident->ek_name, name_len) == 0;
    return ATT_OK;
}

/*
 * The attestation key cannot exist in another TPM, so finding it answers the question. Only when it is
 * not there is the endorsement key made and compared: then the key is made again, else somebody put
 * another TPM into this machine.
 */
static enum att_err check_tpm(struct hw_tpm *tpm, const struct agent_ident *ident,
                              struct att_diag *diag)
{
    struct hw_ak ak;
    bool same = false;
    enum att_err err = hw_tpm_ak_find(&ak, tpm, ident->ak.handle, diag);

    if (err == ATT_OK && same_ak(&ak, &ident->ak)) {
        return ATT_OK;
    }
    if (err != ATT_OK && err != ATT_E_NOT_FOUND && err != ATT_E_CONFLICT) {
        return err;
    }
    err = agent_same_tpm(&same, tpm, ident, diag);
    if (err == ATT_OK && same) {
        err = hw_tpm_ak_make(&ak, tpm, ident->ak.handle, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(AGENT_TPM_OTHER, !same || !same_ak(&ak, &ident->ak))) {
        return att_fail(diag, ATT_E_TPM, ATT_R_TPM_OTHER, same ? "AK" : "EK",
                        "the TPM does not have the %s key that was enrolled as %s",
                        same ? "attestation" : "endorsement", ident->device_id);
    }
    return ATT_OK;
}

enum att_err agent_work_open(struct agent_work *w, struct agent *a, struct att_diag *diag)
{
    struct agent_work v = {.lock_fd = -1};
    enum att_err err = state_lock(&v.lock_fd, a->conf->state_dir, LOCK_WAIT_MS, diag);

    if (err == ATT_OK) {
        err = hw_tpm_open(&v.tpm, a->conf->tcti, diag);
    }
    if (err == ATT_OK) {
        err = check_tpm(v.tpm, &a->ident, diag);
    }
    if (err == ATT_OK) {
        err = own_store_open(&v.own, a->conf->state_dir, a->conf->own_pcr, v.tpm, diag);
    }
    if (err != ATT_OK) {
        agent_work_close(&v);
        return err;
    }
    *w = v;
    return ATT_OK;
}

/* Measured against what the log says, which stands for the pass before where metadata did not move. */
static enum att_err find_changes(struct agent_pass *pass, struct table **now,
                                 struct table **changes, struct agent *a, struct agent_work *w,
                                 struct att_diag *diag)
{
    ATT_CLEANUP(table_freep) struct table *logged = NULL;
    enum att_err err = own_store_table(&logged, w->own, diag);

    if (err != ATT_OK) {
        return err;
    }
    table_stamps_give(logged, &a->stamps);
    table_stamps_free(&a->stamps);
    err = measure_run(now, &pass->stats, a->conf, logged, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = table_changes(changes, logged, *now);
    return err == ATT_OK ? ATT_OK
                         : att_fail(diag, err, ATT_R_NOMEM, "measure", "no memory to compare");
}

enum att_err agent_pass(struct agent_pass *out, struct table **now, struct agent *a,
                        struct agent_work *w, struct att_diag *diag)
{
    ATT_CLEANUP(table_freep) struct table *t = NULL;
    ATT_CLEANUP(table_freep) struct table *changes = NULL;
    struct agent_pass pass = {.found = own_store_found(w->own)};
    enum att_err err = find_changes(&pass, &t, &changes, a, w, diag);

    if (err == ATT_OK) {
        pass.changes = table_count(changes);
        err = own_store_append(w->own, changes, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (table_stamps_take(&a->stamps, t) != ATT_OK) {
        a->stamps = (struct table_stamps){0}; /* then the next pass reads everything */
    }
    *out = pass;
    if (now != NULL) {
        *now = t;
        t = NULL;
    }
    return ATT_OK;
}

enum att_err agent_courier_settings(struct agent_courier *out, const struct agent_conf *conf,
                                    const char *url, struct att_diag *diag)
{
    enum att_err err = state_path(out->key, conf->state_dir, STATE_TLS_KEY, diag);

    if (err == ATT_OK) {
        err = state_path(out->cert, conf->state_dir, STATE_TLS_CERT, diag);
    }
    if (err == ATT_OK) {
        err = state_path(out->ca, conf->state_dir, STATE_CA, diag);
    }
    out->settings = (struct relay_settings){
        .service = conf->courier,
        .url = url,
        .ca_file = conf->verifier_ca != NULL ? conf->verifier_ca : out->ca,
        .key_file = out->key,
        .cert_file = out->cert,
        .proxy = conf->proxy,
        .connect_timeout_ms = AGENT_CONNECT_MS,
        .timeout_ms = AGENT_REQUEST_MS,
    };
    return err;
}

static enum att_err start_courier(struct agent *a, struct att_diag *diag)
{
    struct agent_courier *c = NULL;
    const char *url = a->conf->verifier != NULL ? a->conf->verifier : a->ident.url;
    enum att_err err = ATT_OK;

    if (a->relay != NULL) {
        return ATT_OK;
    }
    c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory for the courier");
    }
    err = agent_courier_settings(c, a->conf, url, diag);
    if (err == ATT_OK) {
        err = relay_start(&a->relay, &c->settings, diag);
    }
    free(c);
    return err;
}

enum att_err agent_ask(struct relay_answer *out, struct agent *a,
                       const struct relay_request *request, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    for (int i = 0; i < 2; i++) {
        err = start_courier(a, diag);
        if (err != ATT_OK) {
            return err;
        }
        err = relay_ask(out, a->relay, request, diag);
        if (err != ATT_E_IO && err != ATT_E_FORMAT) {
            return err;
        }
        relay_stopp(&a->relay); /* it is gone, or speaks nonsense: the next one starts clean */
    }
    return err;
}

/* Which kind of failure a problem document is for us. */
static enum att_err kind_of(unsigned int status)
{
    if (status == 410) {
        return ATT_E_STALE;
    }
    if (status == 429 || status == 503 || status == 408) {
        return ATT_E_BUSY;
    }
    return status >= 500 ? ATT_E_NETWORK : ATT_E_DENIED;
}

enum att_err agent_refusal(const struct relay_answer *answer, struct att_diag *diag)
{
    struct wire_problem p;
    enum att_reason reason = ATT_R_NONE;
    char code[65] = {0};
    char detail[ATT_DIAG_TEXT];

    if (wire_problem_parse(&p, answer->body, NULL) == ATT_OK) {
        memcpy(code, p.code.p, p.code.len < 64 ? p.code.len : 64);
        reason = att_reason_find(code);
    }
    if (reason == ATT_R_NONE) {
        return att_fail(diag, ATT_E_NETWORK, ATT_R_NET_PROTOCOL, NULL,
                        "the verifier answered with status %u and no reason that we know",
                        answer->status);
    }
    att_printable(detail, sizeof(detail), p.detail.p, p.detail.len);
    return att_fail(diag, kind_of(answer->status), reason, NULL, "%s", detail);
}
