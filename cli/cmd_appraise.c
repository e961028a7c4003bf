/*
 * evidence appraise: raw artefacts judged with no service.
 *
 * What was not given is "not-run"; without a policy the verdict is undecided at best. The checks are those
 * of lib/evidence, asked one by one so that each can say what became of it.
 */
#include <stdio.h>
#include <string.h>

#include "appraise_internal.h"
#include "artefacts.h"
#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "evidence/verify.h"
#include "policy/policy_file.h"
#include "tcg/cmdline.h"

#define ARTEFACT_MAX 65536

static const char *const CHECKS[] = {"quote.format",     "quote.magic", "quote.type",
                                     "quote.signature",  "quote.nonce", "quote.selection",
                                     "quote.pcr-digest", "log.uefi",    "log.ima",
                                     "log.own",          "policy"};

static void clear(struct appraisal *a)
{
    att_buf_free(a->attest);
    att_buf_free(a->signature);
    att_buf_free(a->cmdline);
    att_pubkey_free(a->ak);
    att_policy_free(a->policy);
    att_refvals_free(a->refvals);
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

static enum att_err load_policy(struct appraisal *a, struct att_diag *diag)
{
    enum att_err err =
        a->in.policy == NULL ? ATT_OK : artefact_rules(&a->policy, a->in.policy, diag);

    if (err != ATT_OK || a->in.refvals == NULL) {
        return err;
    }
    err = att_refvals_map(&a->refvals, a->in.refvals, diag);
    if (err == ATT_OK) {
        err = att_refvals_check(a->refvals, diag);
    }
    return err;
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
    if (err == ATT_OK && a->in.cmdline != NULL) {
        err = att_file_read(&a->cmdline, a->in.cmdline, ATT_CMDLINE_MAX, diag);
    }
    if (err == ATT_OK) {
        err = load_policy(a, diag);
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

/* The check that malformed input belongs to, or NULL. */
static const char *check_of(enum att_reason reason)
{
    switch (reason) {
    case ATT_R_FMT_ATTEST:
    case ATT_R_Q_SIGALG:
        return "quote.format";
    case ATT_R_FMT_UEFI:
    case ATT_R_LOG_DIGEST:
        return "log.uefi";
    case ATT_R_FMT_IMA:
        return "log.ima";
    case ATT_R_FMT_CEL:
        return "log.own";
    default:
        return NULL;
    }
}

/* Nothing could be judged: every check is named, and the one that the input broke. */
static int unloadable(struct appraisal *a, enum att_err err, const struct att_diag *diag)
{
    int code = exit_for(err, diag->reason);
    const char *broken = code == EXIT_MALFORMED ? check_of(diag->reason) : NULL;

    for (size_t i = 0; i < ATT_COUNT(CHECKS); i++) {
        bool this_one = broken != NULL && strcmp(broken, CHECKS[i]) == 0;

        if (a->r.cli->json || this_one) {
            report_check(&a->r, CHECKS[i], this_one ? C_FAIL : C_NOT_RUN, NULL);
        }
    }
    clear(a);
    return report_failure(&a->r, err, diag);
}

/* After a lie in the header nothing behind it means what it should: every later check is not run. */
static void refuse_header(struct appraisal *a, const char *id, const struct att_diag *why)
{
    bool after = false;

    for (size_t i = 0; i < ATT_COUNT(CHECKS); i++) {
        if (after) {
            not_run(a, CHECKS[i]);
        }
        if (strcmp(CHECKS[i], id) == 0) {
            fail(a, id, why);
            after = true;
        }
    }
}

static bool check_header(struct appraisal *a)
{
    struct att_diag why = {0};

    pass(a, "quote.format");
    if (a->quote.magic != ATT_TPM_GENERATED) {
        (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_Q_MAGIC, "magic", "expected %08x, found %08x",
                       ATT_TPM_GENERATED, (unsigned int)a->quote.magic);
        refuse_header(a, "quote.magic", &why);
        return false;
    }
    pass(a, "quote.magic");
    if (a->quote.type != ATT_TPM_ST_ATTEST_QUOTE) {
        (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_Q_TYPE, "type", "expected %04x, found %04x",
                       ATT_TPM_ST_ATTEST_QUOTE, (unsigned int)a->quote.type);
        refuse_header(a, "quote.type", &why);
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
    struct att_diag why = {0};

    if (a->nonce_len == 0) {
        not_run(a, "quote.nonce");
        return;
    }
    if (!att_slice_eq(a->quote.extra_data, att_slice_of(a->nonce, a->nonce_len))) {
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
    appraise_selection(a);
}

bool appraise_composite_is(const struct appraisal *a, const struct att_pcr_values *values,
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
    if (appraise_composite_is(a, &a->pcrs, &why)) {
        a->proven = a->pcrs;
        a->proven_known = true;
        pass(a, "quote.pcr-digest");
    } else {
        fail(a, "quote.pcr-digest", &why);
    }
}

/* A verdict that is not "pass" has a reason: no policy, or too little for the one given. */
static void say_undecided(struct appraisal *a)
{
    /* no proof of when, or of which values: a policy cannot make up for it */
    if (a->nonce_len == 0 || (!a->proven_known && a->in.pcrs == NULL)) {
        report_worsen(&a->r, V_UNDECIDED);
    }
    if (a->r.verdict != V_UNDECIDED) {
        return;
    }
    if (a->policy == NULL) {
        report_reason(&a->r, "E_POL_NONE", "--policy", "");
    } else if (!att_policy_judges(a->policy)) {
        report_reason(&a->r, "E_POL_NONE", "requirements",
                      "expected one that asks something, found only such as relax a default");
    } else {
        report_reason(&a->r, "E_POL_PARTIAL", a->nonce_len == 0 ? "--nonce" : "policy", "");
    }
}

static void judge(struct appraisal *a)
{
    if (!check_header(a)) {
        return;
    }
    (void)check_signature(a);
    check_nonce(a);
    check_selection(a);
    check_pcr_digest(a);
    appraise_logs(a);
    appraise_cmdline(a);
    appraise_policy(a);
    say_undecided(a);
}

static void print_outcome(const struct appraisal *a)
{
    static const char *const EN[] = {
        "PASS: every check and every requirement of the policy holds.",
        "UNDECIDED: nothing was found wrong, but not everything was given.",
        "FAIL: at least one check does not hold.", "MALFORMED."};
    static const char *const JA[] = {"適合: すべての検査と方針の要件を満たしています。",
                                     "判定不能: 誤りはありませんが、すべてが渡されていません。",
                                     "不適合: 満たさない検査があります。", "形式不正。"};

    report_line(&a->r, "%s", tr(a->r.cli, EN[a->r.verdict], JA[a->r.verdict]));
}

static bool read_nonce(struct appraisal *a)
{
    return a->in.nonce == NULL || (att_hex_decode(a->nonce, sizeof(a->nonce), &a->nonce_len,
                                                  a->in.nonce, strlen(a->in.nonce)) == ATT_OK &&
                                   a->nonce_len > 0);
}

static const char *missing_option(const struct raw *in)
{
    if (in->quote == NULL) {
        return "--quote FILE";
    }
    if (in->signature == NULL) {
        return "--signature FILE";
    }
    return in->ak == NULL ? "--ak FILE" : NULL;
}

static int run(struct appraisal *a)
{
    struct att_diag diag = {0};
    enum att_err err = load(a, &diag);

    if (err != ATT_OK) {
        return unloadable(a, err, &diag);
    }
    judge(a);
    print_outcome(a);
    clear(a);
    return report_finish(&a->r);
}

int cmd_evidence_appraise(struct cli *cli, int argc, char **argv)
{
    struct appraisal a = {.r = report_start(cli, "attestctl.evidence-appraise.v1")};
    struct raw *in = &a.in;
    const struct option_spec options[] = {
        {"quote", &in->quote, NULL, "FILE", "TPMS_ATTEST", "TPMS_ATTEST"},
        {"signature", &in->signature, NULL, "FILE", "TPMT_SIGNATURE", "TPMT_SIGNATURE"},
        {"ak", &in->ak, NULL, "FILE", "the attestation key: PEM, DER or TPMT_PUBLIC",
         "証明鍵: PEM、DER または TPMT_PUBLIC"},
        {"nonce", &in->nonce, NULL, "HEX", "what the quote must have been made for, 1 to 64 bytes",
         "クォートのナンス (1〜64 バイト)"},
        {"pcrs", &in->pcrs, NULL, "FILE", "PCR values: JSON, or as tpm2_pcrread prints them",
         "PCR 値: JSON または tpm2_pcrread の出力"},
        REPLAY_OPTIONS(in->logs),
        {"cmdline", &in->cmdline, NULL, "FILE",
         "the kernel command line, as /proc/cmdline gives it",
         "カーネルコマンドライン (/proc/cmdline)"},
        {"policy", &in->policy, NULL, "FILE", "judge by this policy", "この方針で判定する"},
        {"refvals", &in->refvals, NULL, "FILE",
         "reference values for the policy's boot PCRs and files",
         "方針の起動 PCR とファイルの参照値"}};
    int code = options_parse(&a.r, options, ATT_COUNT(options), &argc, argv);
    char shown[96];

    if (code != OPTIONS_OK) {
        return code;
    }
    if (missing_option(in) != NULL) {
        return report_usage(&a.r, "arguments", "expected %s, found nothing", missing_option(in));
    }
    if (!read_nonce(&a)) {
        return report_usage(&a.r, "--nonce",
                            "expected 1 to 64 bytes in hexadecimal digits, found %s",
                            text_safe(shown, sizeof(shown), in->nonce));
    }
    if (in->logs.ima != NULL && in->logs.ima_ascii != NULL) {
        return report_usage(&a.r, "--ima-ascii", "one too many: %s", "--ima");
    }
    return run(&a);
}
