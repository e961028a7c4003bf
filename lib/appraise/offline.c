/*
 * Judging a label with nothing but its bytes, the anchors and a clock value.
 *
 * Each check says what became of it; the verdict is the worst of them: malformed before false before
 * undecided. A check that could not run is never a pass.
 */
#include "appraise/offline_internal.h"

#include <string.h>

#include "appraise/x5chain.h"
#include "base/clock.h"
#include "base/guard.h"
#include "evidence/profile.h"
#include "sign/cose.h"

#define LIFE_MAX_S (90 * 86400) /* a label that lives longer is not short-lived */

struct opened {
    struct att_cose cose;
    struct att_x5chain signer;
    struct att_cose_verified *verified;
};

static void close_opened(struct opened *o)
{
    att_cose_verified_free(o->verified);
    att_x5chain_close(&o->signer);
}

struct att_check *offline_add(struct att_offline *out, const char *id, enum att_check_status status)
{
    struct att_check *c = &out->check[out->check_count++];

    c->id = id;
    c->status = status;
    return c;
}

void offline_worsen(struct att_offline *out, enum att_verdict verdict)
{
    /* ATT_VERDICT_UNDECIDED PASS FAIL MALFORMED: pass gives way to all, undecided to the worse two */
    static const int RANK[] = {[ATT_VERDICT_PASS] = 0,
                               [ATT_VERDICT_UNDECIDED] = 1,
                               [ATT_VERDICT_FAIL] = 2,
                               [ATT_VERDICT_MALFORMED] = 3};

    if (RANK[verdict] > RANK[out->verdict]) {
        out->verdict = verdict;
    }
}

bool offline_undecidable(enum att_err err)
{
    return err == ATT_E_NOMEM || err == ATT_E_CRYPTO || err == ATT_E_INTERNAL;
}

static enum att_err check_format(struct att_offline *out, struct opened *o, struct att_slice label)
{
    struct att_check *c = offline_add(out, "format", ATT_CHECK_PASS);
    enum att_err err = ATT_OK;

    if (label.len > ATT_LABEL_MAX) {
        err = att_fail(&c->why, ATT_E_LIMIT, ATT_R_LIM_SIZE, "label", "at most %d bytes, found %zu",
                       ATT_LABEL_MAX, label.len);
    } else {
        err = att_cose_parse(&o->cose, label, &c->why);
    }
    if (err == ATT_OK &&
        ATT_GUARD(LABEL_TYP, !att_slice_eq(o->cose.typ, att_slice_str(ATT_TYPE_LABEL)))) {
        err = att_fail(&c->why, ATT_E_FORMAT, ATT_R_FMT_COSE, "typ", "expected \"%s\"",
                       ATT_TYPE_LABEL);
    }
    if (err == ATT_OK && ATT_GUARD(LABEL_X5CHAIN, o->cose.x5chain_count == 0)) {
        err = att_fail(&c->why, ATT_E_FORMAT, ATT_R_FMT_COSE, "x5chain",
                       "expected the signer's certificate, found nothing");
    }
    if (err == ATT_OK) {
        err = att_label_read(&out->label, o->cose.payload_untrusted, &c->why);
        out->has_label = err == ATT_OK;
    }
    if (err == ATT_OK || offline_undecidable(err)) {
        return err;
    }
    c->status = ATT_CHECK_FAIL;
    /* Known headers and profiles that we refuse are "no". Bytes that are no label are malformed, and so is what does
     * not say with which algorithm it is signed. */
    offline_worsen(out, err == ATT_E_UNSUPPORTED && c->why.reason != ATT_R_LBL_ALG
                            ? ATT_VERDICT_FAIL
                            : ATT_VERDICT_MALFORMED);
    return err;
}

static enum att_err check_signature(struct att_offline *out, struct opened *o)
{
    static const struct att_slice NO_AAD;
    struct att_check *c = offline_add(out, "signature", ATT_CHECK_PASS);
    enum att_err err = att_x5chain_open(&o->signer, &o->cose, &c->why);

    if (err == ATT_E_UNTRUSTED) {
        c->status = ATT_CHECK_NOT_RUN;
        offline_worsen(out, ATT_VERDICT_UNDECIDED);
        return err;
    }
    if (err != ATT_OK && !offline_undecidable(err)) {
        c->status = ATT_CHECK_FAIL;
        offline_worsen(out, ATT_VERDICT_MALFORMED);
        return err;
    }
    if (err == ATT_OK) {
        err = att_cose_verify(&o->verified, &o->cose, o->signer.key, NO_AAD, &c->why);
    }
    if (err != ATT_OK && !offline_undecidable(err)) {
        c->status = ATT_CHECK_FAIL;
        offline_worsen(out, ATT_VERDICT_FAIL);
    }
    return err;
}

/* The key decides: an unknown issuer is "cannot decide", a chain that is broken is "no". */
static enum att_err check_chain(struct att_offline *out, struct opened *o,
                                const struct att_anchors *anchors)
{
    struct att_check *c = offline_add(out, "chain", ATT_CHECK_PASS);
    enum att_err err = att_x5chain_verify(&o->signer, anchors, out->label.iat, ATT_R_LBL_CHAIN,
                                          ATT_R_LBL_KEY, &c->why);

    if (ATT_GUARD(LABEL_CHAIN, err == ATT_E_UNTRUSTED)) {
        c->status = ATT_CHECK_NOT_RUN;
        offline_worsen(out, ATT_VERDICT_UNDECIDED);
        return err;
    }
    if (err != ATT_OK && err != ATT_E_UNTRUSTED && !offline_undecidable(err)) {
        c->status = ATT_CHECK_FAIL;
        offline_worsen(out, ATT_VERDICT_FAIL);
    }
    return err;
}

/* Which anchor a certificate leads to says who may issue, not in whose name. */
static void check_issuer(struct att_offline *out, const struct opened *o)
{
    struct att_check *c = offline_add(out, "issuer", ATT_CHECK_PASS);
    char shown[64];

    if (ATT_GUARD(LABEL_ISSUER, !att_cert_names_verifier(o->signer.leaf, out->label.issuer))) {
        c->status = ATT_CHECK_FAIL;
        (void)att_fail(
            &c->why, ATT_E_MISMATCH, ATT_R_LBL_ISSUER, "iss",
            "the certificate does not name \"%s\"",
            att_escape(shown, sizeof(shown), out->label.issuer, strlen(out->label.issuer)));
        offline_worsen(out, ATT_VERDICT_FAIL);
    }
}

static void check_time(struct att_offline *out, int64_t now)
{
    struct att_check *c = offline_add(out, "time", ATT_CHECK_PASS);
    const struct att_label *label = &out->label;
    char at[ATT_TIME_TEXT];
    char shown[ATT_TIME_TEXT];

    if (ATT_GUARD(LABEL_EXPIRED, now >= label->exp)) {
        (void)att_fail(&c->why, ATT_E_STALE, ATT_R_LBL_TIME, "exp", "it ended at %s, asked for %s",
                       att_time_print(shown, sizeof(shown), label->exp),
                       att_time_print(at, sizeof(at), now));
    } else if (ATT_GUARD(LABEL_FUTURE, label->iat > now + OFFLINE_SKEW_S)) {
        (void)att_fail(&c->why, ATT_E_STALE, ATT_R_LBL_TIME, "iat", "it begins at %s, asked for %s",
                       att_time_print(shown, sizeof(shown), label->iat),
                       att_time_print(at, sizeof(at), now));
    } else if (ATT_GUARD(LABEL_LIFE,
                         label->exp <= label->iat || label->exp - label->iat > LIFE_MAX_S)) {
        (void)att_fail(&c->why, ATT_E_STALE, ATT_R_LBL_TIME, "exp", "its life is not short: %lld s",
                       (long long)(label->exp - label->iat));
    } else {
        return;
    }
    c->status = ATT_CHECK_FAIL;
    offline_worsen(out, ATT_VERDICT_FAIL);
}

static void check_subject(struct att_offline *out, const struct att_trust_rules *rules)
{
    struct att_check *c = offline_add(out, "subject", ATT_CHECK_PASS);

    if (rules->device_id == NULL) {
        c->status = ATT_CHECK_NOT_APPLICABLE;
        return;
    }
    if (ATT_GUARD(LABEL_SUBJECT, strcmp(rules->device_id, out->label.device_id) != 0)) {
        c->status = ATT_CHECK_FAIL;
        (void)att_fail(&c->why, ATT_E_MISMATCH, ATT_R_LBL_SUBJECT, "device",
                       "expected %s, found %s", rules->device_id, out->label.device_id);
        offline_worsen(out, ATT_VERDICT_FAIL);
    }
}

static void check_status(struct att_offline *out, const struct att_trust_rules *rules)
{
    struct att_check *c = offline_add(out, "status", ATT_CHECK_PASS);
    enum att_tier status = out->label.status;
    bool accepted =
        status == ATT_TIER_AFFIRMING || (status == ATT_TIER_WARNING && rules->accept_warning);

    if (ATT_GUARD(LABEL_AFFIRMING, !accepted)) {
        c->status = ATT_CHECK_FAIL;
        (void)att_fail(&c->why, ATT_E_MISMATCH, ATT_R_LBL_NOT_AFFIRMING, "ear_status",
                       "expected affirming, found %s", att_tier_name(status));
        offline_worsen(out, ATT_VERDICT_FAIL);
    }
}

static void check_key_class(struct att_offline *out, const struct att_trust_rules *rules)
{
    struct att_check *c = offline_add(out, "key-class", ATT_CHECK_PASS);

    if (out->label.key_class != ATT_KEY_CLASS_FILE) {
        return;
    }
    if (!ATT_GUARD(LABEL_FILE_KEY, rules->forbid_file_key)) {
        (void)att_fail(&c->why, ATT_OK, ATT_R_LBL_FILE_KEY, "key",
                       "for tests and demonstrations only");
        return;
    }
    c->status = ATT_CHECK_FAIL;
    (void)att_fail(&c->why, ATT_E_DENIED, ATT_R_LBL_FILE_KEY_REFUSED, "key",
                   "trust.yaml asks for a key in hardware");
    offline_worsen(out, ATT_VERDICT_FAIL);
}

static enum att_err judge(struct att_offline *out, struct opened *o, struct att_slice label,
                          const struct att_anchors *anchors, const struct att_trust_rules *rules,
                          int64_t now)
{
    struct offline_signed s;
    enum att_err err = check_format(out, o, label);

    if (err != ATT_OK) {
        return err;
    }
    err = check_signature(out, o);
    if (err != ATT_OK && (offline_undecidable(err) || o->signer.leaf == NULL)) {
        return err;
    }
    if (o->verified != NULL) {
        err = check_chain(out, o, anchors);
        if (offline_undecidable(err)) {
            return err;
        }
    }
    check_issuer(out, o);
    check_time(out, now);
    check_subject(out, rules);
    check_status(out, rules);
    check_key_class(out, rules);
    s = (struct offline_signed){label, &out->label, o->signer.key};
    err = offline_check_receipt(out, &o->cose, &s, rules);
    if (err == ATT_OK) {
        err = offline_check_key(out, o->signer.key, rules);
    }
    if (err != ATT_OK) {
        return err;
    }
    offline_check_status_list(out, rules, now);
    return ATT_OK;
}

bool offline_believed(const struct att_offline *out)
{
    static const char *const needed[] = {"signature", "chain", "issuer", "log", "label-key"};
    size_t found = 0;

    for (size_t i = 0; i < out->check_count; i++) {
        const struct att_check *c = &out->check[i];

        for (size_t k = 0; k < ATT_COUNT(needed); k++) {
            if (strcmp(c->id, needed[k]) != 0) {
                continue;
            }
            if (c->status != ATT_CHECK_PASS && c->status != ATT_CHECK_NOT_APPLICABLE) {
                return false;
            }
            found++;
        }
    }
    return found >= 4; /* the last one stands there only where trust.yaml names keys */
}

enum att_err offline_check_label(struct att_offline *out, struct att_slice label,
                                 const struct offline_judge *by)
{
    struct opened o = {0};
    enum att_err err = ATT_OK;

    memset(out, 0, sizeof(*out));
    out->verdict = ATT_VERDICT_PASS; /* worsened by each check that does not pass */
    err = judge(out, &o, label, by->anchors, by->rules, by->now);
    close_opened(&o);
    if (offline_undecidable(err)) {
        out->verdict = ATT_VERDICT_UNDECIDED;
        return err;
    }
    return ATT_OK;
}

enum att_err att_offline_check(struct att_offline *out, struct att_slice label,
                               const struct att_anchors *anchors,
                               const struct att_trust_rules *rules, int64_t now)
{
    const struct offline_judge by = {anchors, rules, now};
    enum att_err err = offline_check_label(out, label, &by);

    if (err == ATT_OK) {
        offline_check_witnesses(out, rules);
    }
    return err;
}
