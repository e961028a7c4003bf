/* doctor: the TPM, from the node in /dev to the keys that stand in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/measurer/doctor.h"
#include "base/hex.h"
#include "crypto/ek_cert.h"
#include "crypto/key.h"
#include "tcg/pubarea.h"
#include "tpm/ident.h"

#define STACK_MAJOR 4 /* tpm2-tss 4.2.0 mended eleven reported weaknesses of what reads answers */
#define STACK_MINOR 2

/* The kernel's resource manager shares the TPM; the raw device and simulators do not. */
static void check_manager(struct doctor *d)
{
    const char *tcti = d->conf->tcti != NULL ? d->conf->tcti : "device:" HW_TPM_DEVICE;

    if (strncmp(tcti, "device:/dev/tpmrm", 17) == 0) {
        doctor_pass(d, DOCTOR_TPM_MANAGER, tcti);
        return;
    }
    if (strncmp(tcti, "device:", 7) == 0) {
        doctor_found(d, DOCTOR_TPM_MANAGER, SHOW_WARN, ATT_R_TPM_RES,
                     "this device has no resource manager: another program can take its slots, or "
                     "the whole of it; set tcti to device:/dev/tpmrm0");
        return;
    }
    show_check(d->show, doctor_name(DOCTOR_TPM_MANAGER), SHOW_WARN, NULL,
               show_tr(d->show, "a software TPM: for trying out, it protects nothing",
                       "ソフトウェア TPM です。試用のみで、何も保護しません"));
}

/* Built with: a distribution that mended an older one keeps its number, so this cannot be a failure. */
static void check_stack(struct doctor *d)
{
    char *end = NULL;
    unsigned long major = strtoul(hw_tpm_stack(), &end, 10);
    unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
    char text[DOCTOR_DETAIL];

    (void)snprintf(text, sizeof(text), "tpm2-tss %s", hw_tpm_stack());
    if (major > STACK_MAJOR || (major == STACK_MAJOR && minor >= STACK_MINOR)) {
        doctor_pass(d, DOCTOR_TPM_STACK, text);
        return;
    }
    doctor_found(d, DOCTOR_TPM_STACK, SHOW_WARN, ATT_R_TPM_STACK, text);
}

/* In failure mode a TPM answers the first two; the rest would only say the same again. */
static bool open_tpm(struct doctor *d)
{
    struct att_diag diag = {0};
    char detail[DOCTOR_DETAIL];

    if (hw_tpm_open(&d->tpm, d->conf->tcti, &diag) != ATT_OK) {
        doctor_failed(d, DOCTOR_TPM_OPEN, SHOW_FAIL, &diag);
        return false;
    }
    if (hw_tpm_self_test(d->tpm, &diag) != ATT_OK) {
        doctor_failed(d, DOCTOR_TPM_SELF_TEST, SHOW_FAIL, &diag);
        return false;
    }
    doctor_pass(d, DOCTOR_TPM_SELF_TEST, "");
    if (hw_tpm_info(&d->info, d->tpm, &diag) != ATT_OK) {
        doctor_failed(d, DOCTOR_TPM_OPEN, SHOW_FAIL, &diag);
        return false;
    }
    (void)snprintf(detail, sizeof(detail), "%s %s, firmware %llx", d->info.manufacturer,
                   d->info.vendor, (unsigned long long)d->info.firmware);
    doctor_pass(d, DOCTOR_TPM_OPEN, detail);
    return true;
}

static void check_clock(struct doctor *d)
{
    struct att_clock_info clock;
    struct att_diag diag = {0};
    char text[DOCTOR_DETAIL];

    if (hw_tpm_clock(&clock, d->tpm, &diag) != ATT_OK) {
        doctor_failed(d, DOCTOR_TPM_CLOCK, SHOW_FAIL, &diag);
        return;
    }
    (void)snprintf(text, sizeof(text), "resetCount %u, restartCount %u, %llu ms", clock.reset_count,
                   clock.restart_count, (unsigned long long)clock.clock_ms);
    if (!clock.safe) {
        doctor_found(d, DOCTOR_TPM_CLOCK, SHOW_WARN, ATT_R_TIME_UNSAFE, text);
        return;
    }
    doctor_pass(d, DOCTOR_TPM_CLOCK, text);
}

/* Told at half of the way: our keys never count, so somebody else's do, or somebody guesses. */
static void check_lockout(struct doctor *d)
{
    const struct hw_tpm_info *i = &d->info;
    char text[DOCTOR_DETAIL];

    (void)snprintf(text, sizeof(text), "%u / %u; one is forgotten every %u s", i->lockout_counter,
                   i->lockout_max, i->lockout_interval_s);
    if (i->in_lockout) {
        doctor_found(d, DOCTOR_TPM_LOCKOUT, SHOW_FAIL, ATT_R_TPM_LOCKOUT, text);
        return;
    }
    if (i->lockout_counter > 0 && i->lockout_counter >= i->lockout_max - i->lockout_max / 2) {
        doctor_found(d, DOCTOR_TPM_LOCKOUT, SHOW_WARN, ATT_R_TPM_LOCKOUT_NEAR, text);
        return;
    }
    doctor_pass(d, DOCTOR_TPM_LOCKOUT, text);
}

/* The three numbers are the TPM's estimates: "at least one more" (Part 2, 6.13), so only zero tells. */
static void check_slots(struct doctor *d)
{
    const struct hw_tpm_info *i = &d->info;
    bool no_room = i->persistent_free == 0 && !d->enrolled;
    char text[DOCTOR_DETAIL];

    (void)snprintf(text, sizeof(text),
                   "free: transient %u, sessions %u, persistent %u; NV read %u bytes",
                   i->transient_free, i->sessions_free, i->persistent_free, i->nv_buffer_max);
    if (i->transient_free == 0 || i->sessions_free == 0 || no_room) {
        doctor_found(d, DOCTOR_TPM_SLOTS, SHOW_WARN, ATT_R_TPM_RES, text);
        return;
    }
    doctor_pass(d, DOCTOR_TPM_SLOTS, text);
}

static void check_banks(struct doctor *d)
{
    bool sha256 = false;
    char names[DOCTOR_DETAIL] = "";

    for (uint32_t i = 0; i < d->info.bank_count; i++) {
        const struct hw_tpm_bank *b = &d->info.bank[i];
        char text[DOCTOR_DETAIL];

        sha256 = sha256 || b->alg == ATT_HASH_SHA256;
        (void)strncat(names, att_hash_name(b->alg), sizeof(names) - strlen(names) - 2);
        (void)strncat(names, " ", sizeof(names) - strlen(names) - 1);
        if (!b->never_extended) {
            continue;
        }
        (void)snprintf(text, sizeof(text),
                       "PCR 0 to 7 of bank %s are all zero: the firmware "
                       "measured nothing into it (no grade E3)",
                       att_hash_name(b->alg));
        doctor_found(d, DOCTOR_TPM_BANK_EXTENDED, SHOW_WARN, ATT_R_LOG_BANK, text);
    }
    d->sha256 = sha256;
    if (!sha256) {
        doctor_found(d, DOCTOR_TPM_BANKS, SHOW_FAIL, ATT_R_Q_BANK, names);
        return;
    }
    doctor_pass(d, DOCTOR_TPM_BANKS, names);
}

/* The own PCR must be zero, or hold what our log of this boot says. */
static void check_own_pcr(struct doctor *d)
{
    struct att_pcr_selection sel = {.count = 1};
    struct att_pcr_values v = {0};
    struct att_clock_info clock;
    struct att_diag diag = {0};
    const struct att_pcr_bank *bank = NULL;
    static const uint8_t zero[ATT_HASH_MAX];
    char path[STATE_PATH_MAX];
    char text[DOCTOR_DETAIL];
    enum att_err err = ATT_OK;

    sel.sel[0] =
        (struct att_pcr_sel){.bank = ATT_HASH_SHA256, .mask = 1U << d->conf->own_pcr, .size = 3};
    err = hw_tpm_pcr_read(&v, d->tpm, &sel, &diag);
    if (err == ATT_OK) {
        err = hw_tpm_clock(&clock, d->tpm, &diag);
    }
    if (err != ATT_OK) {
        doctor_failed(d, DOCTOR_OWN_PCR, SHOW_FAIL, &diag);
        return;
    }
    bank = att_pcr_bank_find(&v, ATT_HASH_SHA256);
    (void)snprintf(text, sizeof(text), "PCR %u", d->conf->own_pcr);
    (void)snprintf(path, sizeof(path), "%s/own-%u-%u.cel", d->conf->state_dir, clock.reset_count,
                   clock.restart_count);
    if (bank != NULL && memcmp(bank->value[d->conf->own_pcr], zero, 32) != 0 &&
        access(path, F_OK) != 0) {
        (void)snprintf(text, sizeof(text),
                       "PCR %u is not zero and there is no own log of this boot: another program "
                       "uses it (systemd-stub does so with 13); name another one as own_pcr",
                       d->conf->own_pcr);
        doctor_found(d, DOCTOR_OWN_PCR, SHOW_FAIL, ATT_R_OWN_FOREIGN, text);
        return;
    }
    doctor_pass(d, DOCTOR_OWN_PCR, text);
}

static void check_ek_count(struct doctor *d, const struct hw_ek_certs *certs)
{
    char text[DOCTOR_DETAIL];
    uint32_t in_files = 0;

    if (certs->count == 0) {
        (void)snprintf(text, sizeof(text),
                       "the TPM holds no certificate of its maker (%u NV indexes could not be "
                       "read): look for one on the maker's web site (ek_certificates), or the "
                       "operator must allow-list its key (grade E1)",
                       certs->unreadable);
        doctor_found(d, DOCTOR_TPM_EK_CERTIFICATE, SHOW_WARN, ATT_R_ID_EKCERT, text);
        return;
    }
    for (uint32_t i = 0; i < certs->count; i++) {
        in_files += certs->cert[i].index >= AGENT_EK_FILE_INDEX ? 1 : 0;
    }
    (void)snprintf(text, sizeof(text), "%u in NV, %u in files, first 0x%08x, %u unreadable",
                   certs->count - in_files, in_files, certs->cert[0].index, certs->unreadable);
    doctor_pass(d, DOCTOR_TPM_EK_CERTIFICATE, text);
}

/* Padding and headers that makers left are forgiven by name, unless the verifier's operator says otherwise. */
static void check_ek_form(struct doctor *d, const struct hw_ek_certs *certs)
{
    unsigned int all = 0;
    uint32_t bad = 0;
    char text[DOCTOR_DETAIL];

    for (uint32_t i = 0; i < certs->count; i++) {
        ATT_CLEANUP(att_cert_freep) struct att_cert *cert = NULL;
        struct att_diag diag = {0};
        unsigned int fixes = 0;
        enum att_err err = att_cert_parse_ek(&cert, &fixes, att_buf_slice(certs->cert[i].der),
                                             ATT_EK_FIX_ALL, &diag);

        all |= fixes;
        if (err == ATT_OK) {
            continue;
        }
        bad++;
        (void)snprintf(text, sizeof(text), "0x%08x: %.180s", certs->cert[i].index, diag.text);
        doctor_found(d, DOCTOR_TPM_EK_FORM, SHOW_WARN, ATT_R_FMT_CERT, text);
    }
    if (bad == 0 && certs->count > 0) {
        (void)snprintf(text, sizeof(text), "%s", all == 0 ? "DER" : "ek_workarounds: ");
        (void)att_ek_fixes_print(text + strlen(text), sizeof(text) - strlen(text), all);
        doctor_pass(d, DOCTOR_TPM_EK_FORM, text);
    }
}

/* The key itself is what the verifier will ask for: strong, and the one that a certificate is for. */
static void check_ek_key(struct doctor *d, const struct hw_ek_certs *certs)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    struct att_diag diag = {0};
    struct att_pubarea area;
    struct hw_ek ek;
    char text[DOCTOR_DETAIL];
    enum att_err err = hw_tpm_ek(&ek, d->tpm, HW_EK_ANY, certs, &diag);

    if (err == ATT_OK) {
        err = att_pubarea_parse(&area, att_slice_of(ek.public_area, ek.public_len), &diag);
    }
    if (err == ATT_OK) {
        err = att_pubarea_key(&key, &area, &diag);
    }
    if (err != ATT_OK) {
        doctor_failed(d, DOCTOR_TPM_EK_KEY, SHOW_FAIL, &diag);
        return;
    }
    if (certs->count > 0 && ek.cert_index == 0) {
        doctor_found(d, DOCTOR_TPM_EK_KEY, SHOW_WARN, ATT_R_ID_EKCERT,
                     "no certificate is for a key that this TPM makes: it belongs to another TPM, "
                     "or the TPM's seed was changed");
        return;
    }
    (void)snprintf(text, sizeof(text), "%s, handle 0x%08x, certificate 0x%08x",
                   hw_ek_kind_name(ek.kind), ek.persistent, ek.cert_index);
    doctor_pass(d, DOCTOR_TPM_EK_KEY, text);
}

/* An RSA key takes a TPM up to minutes to make: once enrolled, tpm.key answers the same question. */
static void check_ek(struct doctor *d)
{
    ATT_CLEANUP(hw_ek_certs_free) struct hw_ek_certs certs = {0};
    struct att_diag diag = {0};

    if (agent_ek_certs(&certs, d->tpm, d->conf, &diag) != ATT_OK) {
        doctor_failed(d, DOCTOR_TPM_EK_CERTIFICATE, SHOW_FAIL, &diag);
        return;
    }
    check_ek_count(d, &certs);
    check_ek_form(d, &certs);
    doctor_issuers(d, &certs);
    if (!d->enrolled) {
        check_ek_key(d, &certs);
    }
}

/* Not at its handle: evicted, then it is made again; or the TPM was cleared or exchanged. */
static void check_absent_key(struct doctor *d)
{
    struct att_diag diag = {0};
    bool same = false;

    if (agent_same_tpm(&same, d->tpm, &d->ident, &diag) != ATT_OK) {
        doctor_failed(d, DOCTOR_TPM_KEY, SHOW_FAIL, &diag);
        return;
    }
    if (same) {
        doctor_found(d, DOCTOR_TPM_KEY, SHOW_WARN, ATT_R_TPM_KEY_GONE,
                     "the endorsement key is the enrolled one");
        return;
    }
    doctor_found(d, DOCTOR_TPM_KEY, SHOW_FAIL, ATT_R_TPM_OTHER,
                 "the endorsement key is not the enrolled one: another TPM, or its seed was "
                 "changed");
}

static void check_key(struct doctor *d)
{
    struct hw_ak ak;
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    if (!d->enrolled) {
        return;
    }
    err = hw_tpm_ak_find(&ak, d->tpm, d->ident.ak.handle, &diag);
    if (err == ATT_E_NOT_FOUND) {
        check_absent_key(d);
        return;
    }
    if (err != ATT_OK) {
        doctor_failed(d, DOCTOR_TPM_KEY, SHOW_FAIL, &diag);
        return;
    }
    if (ak.public_len == d->ident.ak.public_len &&
        memcmp(ak.public_area, d->ident.ak.public_area, ak.public_len) == 0) {
        d->key_stands = true;
        doctor_pass(d, DOCTOR_TPM_KEY, show_tr(d->show, "the enrolled one", "登録時の鍵です"));
        return;
    }
    doctor_found(d, DOCTOR_TPM_KEY, SHOW_FAIL, ATT_R_TPM_OTHER,
                 "another attestation key stands where the enrolled one was");
}

/* For the kernel's list, which is read later and so is never shorter. A TPM that gives none was told of before. */
static void keep_values(struct doctor *d)
{
    struct att_pcr_selection sel = {.count = 1};
    struct att_pcr_values v = {0};
    const struct att_pcr_bank *found = NULL;

    sel.sel[0] = (struct att_pcr_sel){.bank = ATT_HASH_SHA256, .mask = 0xffffffU, .size = 3};
    if (hw_tpm_pcr_read(&v, d->tpm, &sel, NULL) == ATT_OK) {
        found = att_pcr_bank_find(&v, ATT_HASH_SHA256);
    }
    if (found != NULL) {
        d->pcrs = *found;
    }
}

void doctor_tpm(struct doctor *d)
{
    static void (*const checks[])(struct doctor *) = {
        check_clock, check_lockout, check_slots,      check_banks,     check_own_pcr,  check_ek,
        check_key,   doctor_quote,  doctor_boot_pcrs, doctor_data_key, doctor_factory, keep_values};

    check_manager(d);
    check_stack(d);
    if (open_tpm(d)) {
        for (size_t i = 0; i < ATT_COUNT(checks); i++) {
            checks[i](d);
        }
    }
    hw_tpm_closep(&d->tpm);
}
