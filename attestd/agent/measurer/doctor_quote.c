/*
 * doctor: a quote, made now and judged by the code that the verifier judges with.
 *
 * With the enrolled key, or before enrolment with one of the same template that leaves with the quote. Nobody else
 * can use what is made: the qualifying data are bytes of our own, not the hash of a challenge's context.
 */
#include <stdio.h>
#include <string.h>

#include "agent/measurer/doctor.h"
#include "base/clock.h"
#include "crypto/digest.h"
#include "evidence/verify.h"
#include "tcg/ak.h"

#define QUALIFYING_LEN 32
#define BOOT_PCRS      0xffffU /* 0 to 15: only a reset of the machine clears them */

/* One quote, what it was to say, and the PCRs on both sides of it. */
struct trial {
    struct att_pcr_selection selection;
    uint8_t qualifying[QUALIFYING_LEN];
    struct att_pcr_values before, after;
    struct hw_ak ak;
    struct hw_quote quote;
    int64_t took_ms;
    bool moved;
};

static enum att_err make(struct trial *t, struct doctor *d, struct att_diag *diag)
{
    const struct att_slice qualifying = att_slice_of(t->qualifying, sizeof(t->qualifying));
    int64_t start_ms = 0;
    enum att_err err = att_random(t->qualifying, sizeof(t->qualifying));

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "quote", "no random numbers");
    }
    err = hw_tpm_pcr_read(&t->before, d->tpm, &t->selection, diag);
    if (err != ATT_OK) {
        return err;
    }
    start_ms = att_clock_mono_ms();
    if (d->key_stands) {
        t->ak = d->ident.ak;
        err = hw_tpm_quote(&t->quote, d->tpm, &t->ak, qualifying, &t->selection, diag);
    } else {
        err = hw_tpm_quote_trial(&t->quote, &t->ak, d->tpm, qualifying, &t->selection, diag);
    }
    t->took_ms = att_clock_mono_ms() - start_ms;
    return err == ATT_OK ? hw_tpm_pcr_read(&t->after, d->tpm, &t->selection, diag) : err;
}

static enum att_err same_digest(bool *same, const struct trial *t, enum att_hash hash,
                                const struct att_pcr_values *values, struct att_slice digest,
                                struct att_diag *diag)
{
    uint8_t found[ATT_HASH_MAX];
    enum att_err err = att_pcr_composite(found, hash, &t->selection, values, diag);

    *same = err == ATT_OK && att_slice_eq(att_slice_of(found, att_hash_size(hash)), digest);
    return err;
}

/* What the TPM signed is what it lets read before or after; or a PCR moved on both sides of the quote. */
static enum att_err judge_values(struct trial *t, enum att_hash hash, struct att_slice digest,
                                 struct att_diag *diag)
{
    bool before = false;
    bool after = false;
    enum att_err err = same_digest(&before, t, hash, &t->before, digest, diag);

    if (err == ATT_OK) {
        err = same_digest(&after, t, hash, &t->after, digest, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    t->moved = memcmp(&t->before, &t->after, sizeof(t->before)) != 0;
    if (!before && !after && !t->moved) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_Q_DIGEST, "pcrDigest",
                        "the TPM signed other values than it lets read, and no PCR moved");
    }
    return ATT_OK;
}

/* The order of checks is the verifier's: format, magic, type, signature, signer, nonce, selection; then the values. */
static enum att_err judge(struct trial *t, struct att_diag *diag)
{
    const struct att_slice attest = att_slice_of(t->quote.attest, t->quote.attest_len);
    ATT_CLEANUP(att_quoted_freep) struct att_quoted *quoted = NULL;
    ATT_CLEANUP(att_ak_clear) struct att_ak ak = {.key = NULL};
    struct att_expect expect = {.selection = t->selection};
    enum att_err err = att_ak_parse(&ak, att_slice_of(t->ak.public_area, t->ak.public_len), diag);

    if (err != ATT_OK) {
        return err;
    }
    expect.ak = ak.key;
    expect.scheme = ak.scheme;
    expect.hash = ak.hash;
    expect.qualified_signer = att_slice_of(ak.qualified, ak.qualified_len);
    expect.qualifying = att_slice_of(t->qualifying, sizeof(t->qualifying));
    err = att_quote_verify(&quoted, attest, att_slice_of(t->quote.sig, t->quote.sig_len), &expect,
                           diag);
    if (err != ATT_OK) {
        return err;
    }
    return judge_values(t, ak.hash, att_quoted_quote(quoted)->pcr_digest, diag);
}

/* "r 31 s 32", or "256" of an RSA key: the bytes that the TPM gave, before any padding. */
static void print_numbers(char *out, size_t cap, const struct trial *t)
{
    struct att_tpm_sig sig;

    out[0] = '\0';
    if (att_tpm_sig_parse(&sig, att_slice_of(t->quote.sig, t->quote.sig_len), NULL) != ATT_OK) {
        return;
    }
    if (sig.scheme == ATT_SCHEME_ECDSA) {
        (void)snprintf(out, cap, "r %zu, s %zu", sig.a.len, sig.b.len);
    } else {
        (void)snprintf(out, cap, "%zu", sig.a.len);
    }
}

static void tell(struct doctor *d, const struct trial *t)
{
    const char *key = d->key_stands ? show_tr(d->show, "enrolled key", "登録鍵")
                                    : show_tr(d->show, "transient key", "一時鍵");
    const char *pcrs = t->moved
                           ? show_tr(d->show, "a PCR moved meanwhile; the logs will explain it",
                                     "途中で PCR が変化しましたが、ログが説明します")
                           : show_tr(d->show, "no PCR moved", "PCR の変化はありません");
    const char *right =
        show_tr(d->show, "magic, type, nonce, PCRs, endorsement hierarchy and signature are right",
                "マジック、種別、ノンス、PCR、保証階層、署名は正しい値です");
    char text[DOCTOR_DETAIL], numbers[32];

    print_numbers(numbers, sizeof(numbers), t);
    (void)snprintf(text, sizeof(text), "%s, %lld ms; %s %d / %u, %s %s; %s; %s", key,
                   (long long)t->took_ms,
                   show_tr(d->show, "bytes: qualifying data", "バイト数: 検証データ"),
                   QUALIFYING_LEN, d->info.digest_max == 0 ? 0 : d->info.digest_max + 2,
                   show_tr(d->show, "signature", "署名"), numbers, right, pcrs);
    doctor_pass(d, DOCTOR_TPM_QUOTE, text);
}

void doctor_quote(struct doctor *d)
{
    struct trial t = {.selection.count = 1};
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    t.selection.sel[0] = (struct att_pcr_sel){
        .bank = ATT_HASH_SHA256, .mask = BOOT_PCRS | 1U << d->conf->own_pcr, .size = 3};
    if (!d->sha256) {
        doctor_skip(d, DOCTOR_TPM_QUOTE, "there is no SHA-256 bank to quote",
                    "引用できる SHA-256 バンクがありません");
        return;
    }
    err = make(&t, d, &diag);
    if (err == ATT_OK) {
        err = judge(&t, &diag);
    }
    if (err != ATT_OK) {
        doctor_failed(d, DOCTOR_TPM_QUOTE, SHOW_FAIL, &diag);
        return;
    }
    tell(d, &t);
}
