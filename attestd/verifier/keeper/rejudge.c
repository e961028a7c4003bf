/* One round after the other; what a round changes is written in one transaction a tick. */
#include "rejudge.h"

#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "common/log.h"
#include "crypto/digest.h"
#include "crypto/ek_cert.h"
#include "factory.h"
#include "keeper_internal.h"
#include "verifier/ek_chain.h"
#include "verifier/ek_makers.h"

enum att_err ek_trust_load(struct ek_trust *out, const struct config *cfg, struct att_diag *diag)
{
    ATT_CLEANUP(ek_trust_clear) struct ek_trust t = {0};
    enum att_err err = ek_makers_load(&t.makers, cfg, diag);

    if (err == ATT_OK)
        err = iak_makers_load(&t.factories, cfg, diag);
    if (err == ATT_OK && cfg->ek_deny != NULL)
        err = ek_deny_load(&t.deny, cfg->ek_deny, diag);
    if (err != ATT_OK)
        return err;
    *out = t;
    t = (struct ek_trust){0};
    return ATT_OK;
}

void ek_trust_clear(struct ek_trust *t)
{
    att_anchors_freep(&t->makers);
    att_anchors_freep(&t->factories);
    ek_deny_freep(&t->deny);
}

/* What is found of one device's endorsement key. */
struct verdict {
    enum att_reason reason; /* NONE: nothing against it */
    bool lasting;           /* what was revoked is not believed again because a list went away */
    bool unknown;           /* it enrolled with a release that kept no certificates */
    char text[ATT_DIAG_TEXT];
};

/* The certificates of a row, owned. */
struct parsed {
    struct att_cert *cert[WIRE_EK_CERTS_MAX];
    size_t count;
};

static void parsed_clear(struct parsed *p)
{
    for (size_t i = 0; i < p->count; i++)
        att_cert_free(p->cert[i]);
}

static enum att_err parse_all(struct parsed *p, const struct ek_chain *chain, unsigned int allowed,
                              struct att_diag *why)
{
    for (size_t i = 0; i < chain->count; i++) {
        enum att_err err = att_cert_parse_ek(&p->cert[i], NULL, chain->cert[i], allowed, why);

        if (err != ATT_OK)
            return err;
        p->count++;
    }
    return ATT_OK;
}

/* Rows cannot trade places: it is the certificate that this device enrolled with. */
static enum att_err check_leaf(const struct parsed *p, const struct store_device *d,
                               struct att_diag *why)
{
    uint8_t digest[32];
    enum att_err err = att_cert_fingerprint(digest, p->cert[0]);

    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(EK_KEPT, memcmp(digest, d->ek_cert, sizeof(digest)) != 0))
        return att_fail(why, ATT_E_MISMATCH, ATT_R_ST_CORRUPT, "certificate",
                        "it is not the one that the gateway enrolled with");
    return ATT_OK;
}

static enum att_err verify_path(struct keeper *k, const struct parsed *p,
                                const struct att_anchors *anchors, enum att_cert_use use,
                                struct att_diag *why)
{
    enum att_reason reason = use == ATT_USE_EK ? ATT_R_ID_EKCERT : ATT_R_ID_IAKCERT;

    if (anchors == NULL)
        return att_fail(why, ATT_E_UNTRUSTED, reason, "certificate.no-anchors",
                        "no anchors are configured");
    return att_chain_verify(p->cert[0], (const struct att_cert *const *)&p->cert[1], p->count - 1,
                            anchors, use, k->opt.utc_s(), reason, why);
}

static enum att_err judge_chain(struct keeper *k, const struct store_device *d,
                                struct att_slice certs, struct att_diag *why)
{
    ATT_CLEANUP(parsed_clear) struct parsed p = {0};
    struct ek_chain chain = {0};
    enum att_err err = ek_chain_decode(&chain, certs, why);

    if (err == ATT_OK)
        err = parse_all(&p, &chain, k->cfg->ek_workarounds, why);
    if (err == ATT_OK)
        err = check_leaf(&p, d, why);
    return err == ATT_OK ? verify_path(k, &p, k->trust.makers, ATT_USE_EK, why) : err;
}

static enum att_err judge_factory_chain(struct keeper *k, struct att_slice certs,
                                        enum att_cert_use use, struct att_diag *why)
{
    ATT_CLEANUP(parsed_clear) struct parsed p = {0};
    struct ek_chain chain = {0};
    enum att_err err = ek_chain_decode(&chain, certs, why);

    if (err == ATT_OK && keeper_certs_denied(k, certs))
        err = att_fail(why, ATT_E_DENIED, ATT_R_ID_EKDENY, "ek_deny",
                       "the certificate of its factory's key is on the list");
    if (err == ATT_OK)
        err = parse_all(&p, &chain, k->cfg->ek_workarounds, why);
    return err == ATT_OK ? verify_path(k, &p, k->trust.factories, use, why) : err;
}

/* What the factory said of it then, judged now. Errors of reading: NOMEM IO FORMAT (diag), and *why stays empty. */
static enum att_err judge_factory(bool *good, struct keeper *k, const struct store_device *d,
                                  struct att_diag *why, struct att_diag *diag)
{
    static const struct {
        enum store_factory kind;
        enum att_cert_use use;
    } keys[] = {{STORE_FACTORY_IAK, ATT_USE_IAK}, {STORE_FACTORY_IDEVID, ATT_USE_IDEVID}};
    ATT_CLEANUP(att_buf_freep) struct att_buf *certs = NULL;
    enum att_err err = att_buf_new(&certs, EK_CHAIN_MAX);

    *good = true;
    for (size_t i = 0; i < ATT_COUNT(keys) && err == ATT_OK && *good; i++) {
        err = store_factory_get(certs, k->st, d->enrolment, keys[i].kind);
        if (err == ATT_E_NOT_FOUND) {
            err = ATT_OK;
            continue;
        }
        if (err == ATT_OK) {
            enum att_err found = judge_factory_chain(k, att_buf_slice(certs), keys[i].use, why);

            *good = found == ATT_OK;
            err = found == ATT_E_NOMEM || found == ATT_E_CRYPTO ? found : ATT_OK;
        }
    }
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "factory_key",
                        "the certificates of %s cannot be judged now", d->id);
    return ATT_OK;
}

bool keeper_ek_denied(const struct keeper *k, struct att_slice name, const uint8_t cert[32])
{
    static const uint8_t none[32];

    return ek_deny_has(k->trust.deny, name) ||
           (memcmp(cert, none, sizeof(none)) != 0 &&
            ek_deny_has(k->trust.deny, att_slice_of(cert, sizeof(none))));
}

bool keeper_certs_denied(const struct keeper *k, struct att_slice certs)
{
    uint8_t digest[32];

    return certs.len > 0 && factory_leaf_digest(digest, certs) == ATT_OK &&
           ek_deny_has(k->trust.deny, att_slice_of(digest, sizeof(digest)));
}

static void say(struct verdict *v, const struct att_diag *why)
{
    const char *field = why->field == NULL ? "" : why->field;

    v->reason = why->reason != ATT_R_NONE ? why->reason : ATT_R_ID_EKCERT;
    v->lasting = strcmp(field, "certificate.revoked") == 0;
    (void)snprintf(v->text, sizeof(v->text), "%.40s: %.140s", field, why->text);
}

/* An error: it could not be judged now, and nothing is known. */
static enum att_err judge(struct verdict *out, struct keeper *k, const struct store_device *d,
                          struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *certs = NULL;
    struct verdict v = {0};
    struct att_diag why = {0};
    enum att_err err = ATT_OK;

    if (keeper_ek_denied(k, att_slice_of(d->ek_name, d->ek_name_len), d->ek_cert)) {
        (void)att_fail(&why, ATT_E_DENIED, ATT_R_ID_EKDENY, "ek_deny", "its key is on the list");
        say(&v, &why);
    } else if (d->ek_verified) {
        err = att_buf_new(&certs, EK_CHAIN_MAX);
        if (err == ATT_OK)
            err = store_ek_chain_get(certs, k->st, d->enrolment);
        v.unknown = err == ATT_E_NOT_FOUND;
        if (err != ATT_OK && !v.unknown)
            return att_fail(diag, err, ATT_R_ST_CORRUPT, "ek_chain",
                            "the certificates of %s cannot be read", d->id);
        err = v.unknown ? ATT_OK : judge_chain(k, d, att_buf_slice(certs), &why);
        if (err == ATT_E_NOMEM || err == ATT_E_CRYPTO)
            return att_fail(diag, err, ATT_R_NOMEM, "ek_chain", "%s cannot be judged now", d->id);
        if (err != ATT_OK)
            say(&v, &why);
    }
    /* with iak: off nobody looks at it; but a gateway that nobody else vouches for gets nothing then */
    if (v.reason == ATT_R_NONE && d->iak && (k->cfg->iak != CONFIG_IAK_OFF || !d->ek_verified)) {
        bool good = false;

        err = judge_factory(&good, k, d, &why, diag);
        if (err != ATT_OK)
            return err;
        if (ATT_GUARD(IAK_KEPT, !good))
            say(&v, &why);
    }
    *out = v;
    return ATT_OK;
}

/* What a round found that differs from what is written. */
struct change {
    int64_t enrolment;
    char id[STORE_ID_MAX + 1];
    struct store_hold hold; /* reason empty: it ends */
    char text[ATT_DIAG_TEXT];
};

static bool differs(struct change *out, const struct store_device *d, const struct store_hold *was,
                    const struct verdict *v, int64_t now_utc)
{
    const char *code = v->reason == ATT_R_NONE ? "" : att_reason_code(v->reason);
    struct change c = {.enrolment = d->enrolment,
                       .hold = {.lasting = v->lasting, .since_utc = now_utc}};

    if (strcmp(code, was->reason) == 0 && v->lasting == was->lasting)
        return false;
    if (ATT_GUARD(EK_LASTING, was->lasting))
        return false;
    /* what an administrator suspended, an administrator restores */
    if (ATT_GUARD(STATUS_HELD, strcmp(was->reason, att_reason_code(ATT_R_LBL_SUSPENDED)) == 0))
        return false;
    (void)snprintf(c.id, sizeof(c.id), "%s", d->id);
    (void)snprintf(c.hold.reason, sizeof(c.hold.reason), "%s", code);
    (void)snprintf(c.text, sizeof(c.text), "%s", v->text);
    *out = c;
    return true;
}

/* Its labels in force share its fate. */
static enum store_label_status told(const struct store_hold *hold)
{
    if (hold->reason[0] == '\0')
        return STORE_LABEL_VALID;
    return hold->lasting ? STORE_LABEL_REVOKED : STORE_LABEL_SUSPENDED;
}

static enum att_err write_one(struct keeper *k, const struct change *c, struct att_diag *diag)
{
    bool ends = c->hold.reason[0] == '\0';
    enum att_err err = ends ? store_hold_remove(k->st, c->enrolment, diag)
                            : store_hold_put(k->st, c->enrolment, &c->hold, diag);
    int64_t newest = -1;

    if (err == ATT_OK)
        err = keeper_note(k, ends ? STORE_KIND_FREED : STORE_KIND_HELD, c->id, c->hold.reason,
                          c->text, diag);
    if (err == ATT_OK)
        err = status_newest(&newest, k, c->enrolment, diag);
    return err == ATT_OK ? status_follow(k, newest, told(&c->hold), diag) : err;
}

static enum att_err write_all(struct keeper *k, const struct change *c, size_t count,
                              struct att_diag *diag)
{
    enum att_err err = store_begin(k->st, diag);

    if (err != ATT_OK)
        return err;
    for (size_t i = 0; i < count && err == ATT_OK; i++)
        err = write_one(k, &c[i], diag);
    if (err == ATT_OK)
        return keeper_commit(k, diag);
    keeper_rollback(k);
    return err;
}

static void tell_all(struct keeper *k, const struct change *c, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unit_forget(k->units, c[i].id);
        if (c[i].hold.reason[0] != '\0') {
            k->rejudge.held++;
            k->count.held++;
            log_line(LOG_LEVEL_WARNING, "device.quarantined", "device=%s code=%s text=\"%s\"",
                     c[i].id, c[i].hold.reason, c[i].text);
        } else {
            k->rejudge.freed++;
            log_line(LOG_LEVEL_INFO, "device.released", "device=%s", c[i].id);
        }
    }
}

/* One device of the round: NOT_FOUND behind the last. */
static enum att_err judge_next(struct change *out, bool *changed, int64_t *after, struct keeper *k,
                               struct att_diag *diag)
{
    struct store_device d = {0};
    struct store_hold was = {0};
    struct verdict v = {0};
    bool damaged = false;
    enum att_err err = store_device_next(&d, &damaged, k->st, *after);

    *changed = false;
    if (err == ATT_E_NOT_FOUND)
        return err;
    if (err == ATT_OK && !damaged)
        err = store_hold_get(&was, k->st, d.enrolment);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "device", "the rows cannot be read");
    if (!damaged) /* such a row is put aside at the next start, and nobody believes it until then */
        err = judge(&v, k, &d, diag);
    if (err != ATT_OK)
        return err;
    k->rejudge.unknown += v.unknown ? 1 : 0;
    *changed = !damaged && differs(out, &d, &was, &v, k->opt.utc_s());
    *after = d.enrolment;
    return ATT_OK;
}

static void end_round(struct keeper *k)
{
    const struct rejudge *r = &k->rejudge;

    k->rejudge.running = false;
    if (r->unknown > 0)
        log_line(LOG_LEVEL_WARNING, "ek.unknown",
                 "count=%llu why=\"enrolled before certificates were kept: let them enrol again\"",
                 (unsigned long long)r->unknown);
    log_line(LOG_LEVEL_INFO, "ek.judged", "quarantined=%llu released=%llu denied_keys=%zu",
             (unsigned long long)r->held, (unsigned long long)r->freed,
             ek_deny_count(k->trust.deny));
}

static enum att_err judge_some(struct keeper *k, struct att_diag *diag)
{
    struct change change[REJUDGE_SOME];
    int64_t after = k->rejudge.after;
    size_t count = 0;
    enum att_err err = ATT_OK;

    for (int i = 0; i < REJUDGE_SOME && err == ATT_OK; i++) {
        bool changed = false;

        err = judge_next(&change[count], &changed, &after, k, diag);
        count += err == ATT_OK && changed ? 1 : 0;
    }
    if (err != ATT_OK && err != ATT_E_NOT_FOUND)
        return err;
    if (count > 0) {
        enum att_err wrote = write_all(k, change, count, diag);

        if (wrote != ATT_OK)
            return wrote;
    }
    tell_all(k, change, count);
    k->rejudge.after = after;
    if (err == ATT_E_NOT_FOUND)
        end_round(k);
    return ATT_OK;
}

void keeper_rejudge_begin(struct keeper *k)
{
    k->rejudge =
        (struct rejudge){.running = true, .after = INT64_MIN, .started_ms = k->opt.mono_ms()};
}

/* Lists that cannot be read leave those from before, by which time has its say all the same. */
static void begin_again(struct keeper *k)
{
    struct ek_trust next = {0};
    struct att_diag diag = {0};

    if (ek_trust_load(&next, k->cfg, &diag) != ATT_OK) {
        log_diag(LOG_LEVEL_ERROR, "ek.rules", &diag);
    } else {
        ek_trust_clear(&k->trust);
        k->trust = next;
    }
    keeper_rejudge_begin(k);
}

void keeper_rejudge_some(struct keeper *k)
{
    struct att_diag diag = {0};

    if (!k->rejudge.running) {
        if (k->opt.mono_ms() - k->rejudge.started_ms < REJUDGE_EVERY_MS)
            return;
        begin_again(k);
    }
    if (judge_some(k, &diag) != ATT_OK)
        log_diag(LOG_LEVEL_ERROR, "ek.judge", &diag);
}

enum att_err keeper_check_held(struct keeper *k, const struct unit *u, struct att_diag *diag)
{
    struct verdict v = {0};
    enum att_err err = ATT_OK;

    if (ATT_GUARD(EK_HELD, u->hold.reason[0] != '\0'))
        return att_fail(diag, ATT_E_DENIED, att_reason_find(u->hold.reason), "device",
                        "%s is in quarantine", u->device.id);
    if (!k->rejudge.running || u->device.enrolment <= k->rejudge.after)
        return ATT_OK;
    err = judge(&v, k, &u->device, diag);
    if (err == ATT_OK && ATT_GUARD(EK_ASKS_FIRST, v.reason != ATT_R_NONE))
        err = att_fail(diag, ATT_E_DENIED, v.reason, "device", "%s", v.text);
    return err;
}
