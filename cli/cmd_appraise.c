/*
 * evidence appraise: raw artefacts judged with no service.
 *
 * What was not given is "not-run"; without a policy the verdict is undecided at best. The checks are those
 * of lib/evidence, asked one by one so that each can say what became of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "artefacts.h"
#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "evidence/verify.h"
#include "policy/policy.h"
#include "replay.h"
#include "tcg/ima.h"
#include "tcg/ownlog.h"

#define ARTEFACT_MAX 65536
#define NONCE_MAX    64

struct raw {
    const char *quote, *signature, *ak, *nonce, *pcrs, *policy;
    struct replay_files logs;
};

struct appraisal {
    struct report r;
    struct raw in;
    struct att_buf *attest, *signature;
    struct att_pubkey *ak;
    struct att_quote quote;
    struct att_tpm_sig sig;
    struct att_pcr_values pcrs;
    struct replayed logs;
};

static void clear(struct appraisal *a)
{
    att_buf_free(a->attest);
    att_buf_free(a->signature);
    att_pubkey_free(a->ak);
    replay_clear(&a->logs);
}

static void not_run(struct appraisal *a, const char *id)
{
    report_check(&a->r, id, C_NOT_RUN, NULL);
}

static void fail(struct appraisal *a, const char *id, const struct att_diag *why)
{
    report_check(&a->r, id, C_FAIL, why);
}

static void pass(struct appraisal *a, const char *id)
{
    report_check(&a->r, id, C_PASS, NULL);
}

static enum att_err load(struct appraisal *a, struct att_diag *diag)
{
    enum att_err err = att_file_read(&a->attest, a->in.quote, ARTEFACT_MAX, diag);

    if (err == ATT_OK) {
        err = att_file_read(&a->signature, a->in.signature, ARTEFACT_MAX, diag);
    }
    if (err == ATT_OK) {
        err = artefact_key(&a->ak, a->in.ak, diag);
    }
    if (err == ATT_OK && a->in.pcrs != NULL) {
        err = artefact_pcrs(&a->pcrs, a->in.pcrs, diag);
    }
    if (err == ATT_OK) {
        err = att_quote_parse(&a->quote, att_buf_slice(a->attest), diag);
    }
    if (err == ATT_OK) {
        err = att_tpm_sig_parse(&a->sig, att_buf_slice(a->signature), diag);
    }
    if (err == ATT_OK) {
        err = replay_load(&a->logs, &a->in.logs, diag);
    }
    return err;
}

static bool check_header(struct appraisal *a)
{
    struct att_diag why = {0};

    pass(a, "quote.format");
    if (a->quote.magic != ATT_TPM_GENERATED) {
        (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_Q_MAGIC, "magic", "expected %08x, found %08x",
                       ATT_TPM_GENERATED, (unsigned int)a->quote.magic);
        fail(a, "quote.magic", &why);
        return false;
    }
    pass(a, "quote.magic");
    if (a->quote.type != ATT_TPM_ST_ATTEST_QUOTE) {
        (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_Q_TYPE, "type", "expected %04x, found %04x",
                       ATT_TPM_ST_ATTEST_QUOTE, (unsigned int)a->quote.type);
        fail(a, "quote.type", &why);
        return false;
    }
    pass(a, "quote.type");
    return true;
}

/* The signature by itself: any hash that the TPM signed with, SHA-1 passing with a reason. */
static bool check_signature(struct appraisal *a)
{
    struct att_quoted *quoted = NULL;
    struct att_diag why = {0};
    const struct att_expect expect = {.ak = a->ak,
                                      .scheme = a->sig.scheme,
                                      .hash = a->sig.hash,
                                      .any_qualifying = true,
                                      .any_selection = true};
    enum att_err err = att_quote_verify(&quoted, att_buf_slice(a->attest),
                                        att_buf_slice(a->signature), &expect, &why);

    att_quoted_free(quoted);
    if (err != ATT_OK && why.reason != ATT_R_Q_PCRSEL) {
        fail(a, "quote.signature", &why);
        return false;
    }
    memset(&why, 0, sizeof(why));
    if (a->sig.hash == ATT_HASH_SHA1) {
        (void)att_fail(&why, ATT_OK, ATT_R_Q_WEAKHASH, "signature", "policies refuse it");
    }
    report_check(&a->r, "quote.signature", C_PASS, &why);
    return true;
}

static void check_nonce(struct appraisal *a)
{
    uint8_t nonce[NONCE_MAX];
    size_t len = 0;
    struct att_diag why = {0};

    if (a->in.nonce == NULL) {
        not_run(a, "quote.nonce");
        return;
    }
    if (att_hex_decode(nonce, sizeof(nonce), &len, a->in.nonce, strlen(a->in.nonce)) != ATT_OK ||
        len == 0) {
        (void)att_fail(&why, ATT_E_CONFIG, ATT_R_USAGE, "--nonce", "expected 1 to 64 bytes in hex");
        a->r.exit_override = EXIT_USAGE;
        fail(a, "quote.nonce", &why);
        return;
    }
    if (!att_slice_eq(a->quote.extra_data, att_slice_of(nonce, len))) {
        (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_Q_NONCE, "extraData",
                       "the quote was made for another nonce");
        fail(a, "quote.nonce", &why);
        return;
    }
    pass(a, "quote.nonce");
}

static void check_selection(struct appraisal *a)
{
    struct att_diag why = {0};

    if (att_pcr_selection_empty(&a->quote.selection)) {
        (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_Q_PCRSEL, "pcrSelect",
                       "the quote covers no PCR");
        fail(a, "quote.selection", &why);
        return;
    }
    not_run(a, "quote.selection"); /* nothing here says what it should be */
}

static bool composite_is(struct appraisal *a, const struct att_pcr_values *values,
                         struct att_diag *why)
{
    uint8_t digest[ATT_HASH_MAX];
    enum att_err err = att_pcr_composite(digest, a->sig.hash, &a->quote.selection, values, why);

    if (err != ATT_OK) {
        why->reason = ATT_R_Q_DIGEST;
        return false;
    }
    if (!att_slice_eq(a->quote.pcr_digest, att_slice_of(digest, att_hash_size(a->sig.hash)))) {
        (void)att_fail(why, ATT_E_MISMATCH, ATT_R_Q_DIGEST, "pcrDigest",
                       "the PCR values lead to another digest");
        return false;
    }
    return true;
}

static void check_pcr_digest(struct appraisal *a)
{
    struct att_diag why = {0};

    if (a->in.pcrs == NULL) {
        not_run(a, "quote.pcr-digest");
        return;
    }
    if (composite_is(a, &a->pcrs, &why)) {
        pass(a, "quote.pcr-digest");
    } else {
        fail(a, "quote.pcr-digest", &why);
    }
}

/* Compare what a log leads to with the given values, PCR by PCR, where both say something. */
static bool values_agree(const struct att_pcr_values *log, const struct att_pcr_values *given,
                         struct att_diag *why)
{
    size_t compared = 0;

    for (uint32_t i = 0; i < log->count; i++) {
        const struct att_pcr_bank *mine = &log->bank[i];
        const struct att_pcr_bank *theirs = att_pcr_bank_find(given, mine->bank);

        for (uint32_t pcr = 0; theirs != NULL && pcr < ATT_PCR_COUNT; pcr++) {
            if ((mine->has & theirs->has & (1U << pcr)) == 0) {
                continue;
            }
            compared++;
            if (memcmp(mine->value[pcr], theirs->value[pcr], att_hash_size(mine->bank)) != 0) {
                (void)att_fail(why, ATT_E_MISMATCH, ATT_R_LOG_PCR, "log",
                               "it leads to another value of PCR %u in bank %s", (unsigned int)pcr,
                               att_hash_name(mine->bank));
                return false;
            }
        }
    }
    if (compared == 0) {
        (void)att_fail(why, ATT_E_MISMATCH, ATT_R_LOG_BANK, "log",
                       "no bank and PCR that both the log and the values have");
        return false;
    }
    return true;
}

/* Without PCR values only the digest speaks: all logs together must lead to it. */
static bool logs_reach_digest(struct appraisal *a, struct att_diag *why)
{
    struct att_pcr_values values = {0};

    for (uint32_t i = 0; i < a->quote.selection.count; i++) {
        struct att_pcr_bank *b = att_pcr_bank_add(&values, a->quote.selection.sel[i].bank);

        if (b == NULL) {
            return false;
        }
        b->has = a->quote.selection.sel[i].mask;
        for (uint32_t pcr = 17; pcr <= 22; pcr++) {
            memset(b->value[pcr], 0xff, ATT_HASH_MAX);
        }
    }
    replay_merge(&values, &a->logs.uefi);
    replay_merge(&values, &a->logs.ima);
    replay_merge(&values, &a->logs.own);
    if (composite_is(a, &values, why)) {
        return true;
    }
    why->reason = ATT_R_LOG_PCR;
    return false;
}

static void check_log(struct appraisal *a, const char *id, bool given,
                      const struct att_pcr_values *log)
{
    struct att_diag why = {0};
    bool good = false;

    if (!given) {
        not_run(a, id);
        return;
    }
    good = a->in.pcrs != NULL ? values_agree(log, &a->pcrs, &why) : logs_reach_digest(a, &why);
    if (good) {
        pass(a, id);
    } else {
        fail(a, id, &why);
    }
}

/*
 * An IMA list may be longer than the moment of the PCR values: some prefix must reach them, in each bank
 * that has a value, under the extend rule of kernels since 5.8 or the padded one before.
 */
static bool ima_prefix_reaches(struct att_slice list, const struct att_pcr_bank *given, bool padded)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_ima it = att_ima_from(list);
    struct att_ima_entry e;
    uint8_t value[ATT_PCR_COUNT][ATT_HASH_MAX] = {{0}};
    bool more = att_hasher_new(&h) == ATT_OK;

    while (more && att_ima_next(&it, &e, &more, NULL) == ATT_OK && more) {
        uint8_t digest[ATT_HASH_MAX];

        if (e.pcr >= ATT_PCR_COUNT ||
            att_ima_extended(digest, &e, given->bank, padded, h) != ATT_OK ||
            att_pcr_extend(h, given->bank, value[e.pcr], digest) != ATT_OK) {
            return false;
        }
        if ((given->has >> e.pcr & 1) != 0 &&
            memcmp(value[e.pcr], given->value[e.pcr], att_hash_size(given->bank)) == 0) {
            return true;
        }
    }
    return false;
}

static bool ima_reaches_values(struct appraisal *a, struct att_diag *why)
{
    struct att_slice list = att_buf_slice(a->logs.ima_bytes);
    size_t compared = 0;

    for (uint32_t i = 0; i < a->pcrs.count; i++) {
        const struct att_pcr_bank *given = &a->pcrs.bank[i];
        const struct att_pcr_bank *mine = att_pcr_bank_find(&a->logs.ima, given->bank);

        if (mine == NULL || (mine->has & given->has) == 0) {
            continue;
        }
        compared++;
        if (!ima_prefix_reaches(list, given, false) && !ima_prefix_reaches(list, given, true)) {
            (void)att_fail(why, ATT_E_MISMATCH, ATT_R_LOG_PCR, "log",
                           "no part of the list leads to the value in bank %s",
                           att_hash_name(given->bank));
            return false;
        }
    }
    if (compared == 0) {
        (void)att_fail(why, ATT_E_MISMATCH, ATT_R_LOG_BANK, "log",
                       "no bank and PCR that both the list and the values have");
    }
    return compared > 0;
}

static void check_ima(struct appraisal *a)
{
    bool given = a->in.logs.ima != NULL || a->in.logs.ima_ascii != NULL;
    struct att_diag why = {0};

    if (!given || a->in.pcrs == NULL) {
        check_log(a, "log.ima", given, &a->logs.ima);
        return;
    }
    if (ima_reaches_values(a, &why)) {
        pass(a, "log.ima");
    } else {
        fail(a, "log.ima", &why);
    }
}

static void check_policy(struct appraisal *a)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    ATT_CLEANUP(att_policy_freep) struct att_policy *policy = NULL;
    struct att_diag why = {0};
    enum att_err err = ATT_OK;

    if (a->in.policy == NULL) {
        not_run(a, "policy");
        report_worsen(&a->r, V_UNDECIDED);
        return;
    }
    err = att_file_read(&file, a->in.policy, ARTEFACT_MAX * 4, &why);
    if (err == ATT_OK) {
        err = att_policy_parse_yaml(&policy, a->in.policy, att_buf_slice(file), &why);
    }
    if (err == ATT_OK && a->sig.hash == ATT_HASH_SHA1) {
        err = att_fail(&why, ATT_E_UNSUPPORTED, ATT_R_Q_WEAKHASH, "signature", "SHA-1");
    }
    for (uint32_t i = 0; err == ATT_OK && i < a->quote.selection.count; i++) {
        if (a->quote.selection.sel[i].bank != policy->bank) {
            err = att_fail(&why, ATT_E_MISMATCH, ATT_R_Q_BANK, "pcrSelect", "expected bank %s",
                           att_hash_name(policy->bank));
        }
    }
    if (err != ATT_OK) {
        fail(a, "policy", &why);
        return;
    }
    not_run(
        a,
        "policy"); /* its requirements need the identity and references that only a service has */
    report_worsen(&a->r, V_UNDECIDED);
}

static void judge(struct appraisal *a)
{
    static const char *const AFTER_HEADER[] = {"quote.signature",  "quote.nonce", "quote.selection",
                                               "quote.pcr-digest", "log.uefi",    "log.ima",
                                               "log.own",          "policy"};

    if (!check_header(a)) {
        for (size_t i = 0; i < ATT_COUNT(AFTER_HEADER); i++) {
            not_run(a, AFTER_HEADER[i]);
        }
        return;
    }
    (void)check_signature(a);
    check_nonce(a);
    check_selection(a);
    check_pcr_digest(a);
    check_log(a, "log.uefi", a->in.logs.uefi != NULL, &a->logs.uefi);
    check_ima(a);
    check_log(a, "log.own", a->in.logs.own != NULL, &a->logs.own);
    check_policy(a);
}

int cmd_evidence_appraise(struct cli *cli, int argc, char **argv)
{
    struct appraisal a = {.r = report_start(cli, "attestctl.evidence-appraise.v1")};
    const struct option_spec options[] = {
        {"quote", &a.in.quote, NULL, "FILE"},  {"signature", &a.in.signature, NULL, "FILE"},
        {"ak", &a.in.ak, NULL, "FILE"},        {"nonce", &a.in.nonce, NULL, "HEX"},
        {"pcrs", &a.in.pcrs, NULL, "FILE"},    {"uefi", &a.in.logs.uefi, NULL, "FILE"},
        {"ima", &a.in.logs.ima, NULL, "FILE"}, {"ima-ascii", &a.in.logs.ima_ascii, NULL, "FILE"},
        {"own", &a.in.logs.own, NULL, "FILE"}, {"policy", &a.in.policy, NULL, "FILE"}};
    struct att_diag diag = {0};
    int code = options_parse(cli, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != 0 || argc != 1 || a.in.quote == NULL || a.in.signature == NULL || a.in.ak == NULL) {
        (void)fprintf(stderr,
                      "attestctl: evidence appraise --quote F --signature F --ak F [--nonce HEX]"
                      " [--pcrs F] [--uefi F] [--ima F] [--own F] [--policy F]\n");
        a.r.exit_override = EXIT_USAGE;
        a.r.verdict = V_UNDECIDED;
        return report_finish(&a.r);
    }
    err = load(&a, &diag);
    if (err != ATT_OK) {
        clear(&a);
        return report_failure(&a.r, err, &diag);
    }
    judge(&a);
    clear(&a);
    return report_finish(&a.r);
}
