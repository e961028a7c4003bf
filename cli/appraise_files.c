/* `evidence appraise`: files of the IMA list and kernel parameters, named one by one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise_internal.h"
#include "base/file.h"
#include "base/guard.h"
#include "base/hex.h"
#include "policy/refval_log.h"
#include "tcg/cmdline.h"
#include "tcg/evlog.h"
#include "tcg/ima.h"

#define NAMED_MAX 32 /* files that are told one by one */

/* Called for each entry that is not expected; false stops. */
typedef bool (*deviates)(void *ctx, const struct att_ima_entry *e,
                         const struct att_refvals_verdict *v);

/* Every file and buffer of the list. ATT_OK means that each was looked up. *files grows by their number. */
static enum att_err each_deviation(size_t *files, const struct appraisal *a, deviates call,
                                   void *ctx)
{
    ATT_CLEANUP(att_signed_freep) struct att_signed *s = NULL;
    struct att_ima it = att_ima_from(att_buf_slice(a->logs.ima_bytes));
    struct att_ima_entry e;
    bool more = true;
    enum att_err err = att_signed_new(&s, a->policy);

    while (err == ATT_OK) {
        struct att_refvals_verdict v = {0};
        bool done = false;

        err = att_ima_next(&it, &e, &more, NULL);
        if (err != ATT_OK || !more) {
            break;
        }
        if (e.violation || att_slice_eq(e.path, att_slice_str("boot_aggregate"))) {
            continue; /* no file; violations are judged by a rule of their own */
        }
        *files += 1;
        err = att_refvals_judge_ima(&v, a->refvals, &e);
        if (err == ATT_OK && s != NULL) {
            err = appraise_by_signature(&done, a, s, &e);
        }
        if (err == ATT_OK && !done && v.reason != ATT_R_NONE && !call(ctx, &e, &v)) {
            break;
        }
    }
    return err;
}

static void short_hex(char out[20], const uint8_t *digest, size_t len)
{
    (void)att_hex_encode(out, 17, att_slice_of(digest, len < 8 ? len : 8));
    (void)strcat(out, ".."); /* 16 digits and these fit */
}

struct first {
    struct att_diag *why;
    size_t count;
};

static bool take_first(void *ctx, const struct att_ima_entry *e,
                       const struct att_refvals_verdict *v)
{
    struct first *f = ctx;
    char name[96];
    char found[20];
    char wanted[20];

    if (f->count++ > 0) {
        return true;
    }
    (void)att_escape(name, sizeof(name), e->path.p, e->path.len);
    short_hex(found, e->digest.p, e->digest.len);
    if (v->has_expected) {
        short_hex(wanted, v->expected, 32);
        (void)att_fail(f->why, ATT_E_MISMATCH, v->reason, "ima", "%s: expected %s, found %s", name,
                       wanted, found);
    } else {
        (void)att_fail(f->why, ATT_E_MISMATCH, v->reason, "ima",
                       "%s: no reference value has the digest %s", name, found);
    }
    return true;
}

enum check_state appraise_ima_files(const struct appraisal *a, struct att_diag *why)
{
    struct first f = {.why = why};
    size_t files = 0;

    if (!appraise_has_ima(a) || each_deviation(&files, a, take_first, &f) != ATT_OK) {
        return C_NOT_RUN;
    }
    if (ATT_GUARD(RAW_COVERAGE, files == 0)) {
        (void)att_fail(why, ATT_E_MISMATCH, ATT_R_LOG_COVERAGE, "ima",
                       "the kernel listed no file: it has no IMA policy");
        return C_FAIL;
    }
    if (f.count > 0) {
        return a->refvals != NULL ? C_FAIL : C_NOT_RUN; /* nothing was given to find it in */
    }
    return a->ima_good ? C_PASS : C_NOT_RUN; /* a list that leads nowhere says nothing */
}

struct naming {
    struct appraisal *a;
    size_t count;
};

static bool take_name(void *ctx, const struct att_ima_entry *e, const struct att_refvals_verdict *v)
{
    struct naming *n = ctx;
    char name[256];
    char text[192];
    char found[2 * ATT_HASH_MAX + 1];
    char wanted[65];

    if (n->count++ == 0) {
        return true; /* told with the check */
    }
    if (n->count > NAMED_MAX) {
        return false;
    }
    (void)att_escape(name, sizeof(name), e->path.p, e->path.len);
    (void)att_hex_encode(found, sizeof(found), e->digest);
    if (v->has_expected) {
        (void)snprintf(text, sizeof(text), "expected %s, found %s",
                       att_hex_encode(wanted, sizeof(wanted), att_slice_of(v->expected, 32)),
                       found);
    } else {
        (void)snprintf(text, sizeof(text), "no reference value has the digest %s", found);
    }
    report_reason(&n->a->r, att_reason_code(v->reason), name, text);
    return true;
}

void appraise_name_files(struct appraisal *a)
{
    struct naming n = {.a = a};
    size_t files = 0;

    if (each_deviation(&files, a, take_name, &n) == ATT_OK && n.count > NAMED_MAX) {
        report_note(&a->r, tr(a->r.cli, "more files deviate than are listed here",
                              "ここに示した以外にも異なるファイルがあります"));
    }
}

bool appraise_torn_entry(const struct appraisal *a, struct att_diag *why)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_ima it = att_ima_from(att_buf_slice(a->logs.ima_bytes));
    struct att_ima_entry e;
    bool more = att_hasher_new(&h) == ATT_OK;
    static const enum att_hash BY_SIZE[] = {ATT_HASH_SHA1, ATT_HASH_SHA256, ATT_HASH_SHA384,
                                            ATT_HASH_SHA512};

    while (more && att_ima_next(&it, &e, &more, NULL) == ATT_OK && more) {
        uint8_t digest[ATT_HASH_MAX];
        enum att_hash alg = ATT_HASH_NONE;
        char name[96];

        for (size_t i = 0; i < ATT_COUNT(BY_SIZE); i++) {
            alg = att_hash_size(BY_SIZE[i]) == e.template_digest.len ? BY_SIZE[i] : alg;
        }
        if (e.violation || att_ima_extended(digest, &e, alg, false, h) != ATT_OK ||
            att_slice_eq(e.template_digest, att_slice_of(digest, att_hash_size(alg)))) {
            continue;
        }
        (void)att_fail(why, ATT_E_MISMATCH, ATT_R_LOG_DIGEST, "log",
                       "entry %u (%s) does not have the digest that the list gives it", it.count,
                       att_escape(name, sizeof(name), e.path.p, e.path.len));
        return true;
    }
    return false;
}

/* ---- kernel parameters ---- */

struct params {
    struct att_cmdline_finding finding[ATT_CMDLINE_FINDINGS_MAX];
    uint8_t room[ATT_CMDLINE_MAX];
};

static void tell_params(struct appraisal *a, struct params *x, struct att_slice text)
{
    size_t count = 0;

    if (att_refvals_judge_cmdline(x->finding, &count, a->refvals, text) != ATT_OK) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct att_cmdline_finding *f = &x->finding[i];
        char said[192];

        (void)snprintf(said, sizeof(said), "kernel parameter, found: %s", f->value);
        report_reason(&a->r, att_reason_code(f->verdict.reason), f->name, said);
    }
}

/* The PCR already decided: this finds words for it, out of texts that an extended digest covers. */
void appraise_name_params(struct appraisal *a)
{
    ATT_CLEANUP(att_evlog_freep) struct att_evlog *log = NULL;
    struct params *x = calloc(1, sizeof(*x));
    struct att_slice text;

    if (x != NULL && a->refvals != NULL && a->logs.uefi_bytes != NULL &&
        att_evlog_parse(&log, att_buf_slice(a->logs.uefi_bytes), NULL) == ATT_OK) {
        for (size_t i = 0; i < att_evlog_count(log); i++) {
            if (att_cmdline_of_event(&text, att_evlog_at(log, i), a->policy->bank, x->room) ==
                    ATT_OK &&
                text.len > 0) {
                tell_params(a, x, text);
            }
        }
        if (a->cmdline_good) {
            tell_params(a, x, att_cmdline_trim(att_buf_slice(a->cmdline)));
        }
    }
    free(x);
}

void appraise_cmdline(struct appraisal *a)
{
    ATT_CLEANUP(att_evlog_freep) struct att_evlog *log = NULL;
    struct att_diag why = {0};
    int pcr = -1;

    if (a->in.cmdline == NULL) {
        return;
    }
    if (a->logs.uefi_bytes == NULL || !a->uefi_good ||
        att_evlog_parse(&log, att_buf_slice(a->logs.uefi_bytes), NULL) != ATT_OK) {
        report_check(&a->r, "log.cmdline", C_NOT_RUN, NULL);
        return;
    }
    for (size_t i = 0; i < a->quote.selection.count && pcr < 0; i++) {
        if (a->policy != NULL && a->quote.selection.sel[i].bank != a->policy->bank) {
            continue;
        }
        if (att_cmdline_measured(&pcr, log, a->quote.selection.sel[i].bank,
                                 att_cmdline_trim(att_buf_slice(a->cmdline))) != ATT_OK ||
            (pcr >= 0 && (a->quote.selection.sel[i].mask >> pcr & 1) == 0)) {
            pcr = -1;
        }
    }
    a->cmdline_good = pcr >= 0;
    (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_LOG_DIGEST, "cmdline",
                   "no quoted event of the boot log has the digest of this command line");
    report_check(&a->r, "log.cmdline", pcr >= 0 ? C_PASS : C_FAIL, pcr >= 0 ? NULL : &why);
}
