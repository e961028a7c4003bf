/* Does the issuer still stand behind the label? Read from a list that was opened and verified before. */
#include <string.h>

#include "appraise/offline_internal.h"
#include "base/clock.h"
#include "base/guard.h"

static void say(struct att_offline *out, struct att_check *c, enum att_check_status status,
                enum att_verdict verdict)
{
    c->status = status;
    offline_worsen(out, verdict);
}

static void missing(struct att_offline *out, struct att_check *c, const char *text)
{
    (void)att_fail(&c->why, ATT_E_NOT_FOUND, ATT_R_SL_NONE, "status-list", "%s", text);
    say(out, c, ATT_CHECK_NOT_RUN, ATT_VERDICT_UNDECIDED);
}

/* Is it the list that the label means, from who issued the label? False: it was said. */
static bool belongs(struct att_offline *out, struct att_check *c,
                    const struct att_offline_list *given, const struct att_trust_rules *rules)
{
    const struct att_status_verified *list = given->list;
    const struct att_status_token *t = att_status_token_of(list);
    const struct att_label *label = &out->label;
    char shown[64];
    char found[64];

    if (ATT_GUARD(SL_KEY_REVOKED,
                  att_revoked_find(rules->revoked, rules->revoked_count, given->signer) != NULL)) {
        (void)att_fail(&c->why, ATT_E_UNTRUSTED, ATT_R_SL_KEY, "x5chain",
                       "the key that signed the list was revoked (trust.yaml)");
        say(out, c, ATT_CHECK_NOT_RUN, ATT_VERDICT_UNDECIDED);
        return false;
    }
    if (ATT_GUARD(SL_ISSUER, !att_status_speaks_for(list, label->issuer))) {
        (void)att_fail(&c->why, ATT_E_MISMATCH, ATT_R_SL_ISSUER, "x5chain",
                       "the certificate does not name \"%s\"",
                       att_escape(shown, sizeof(shown), label->issuer, strlen(label->issuer)));
    } else if (ATT_GUARD(SL_URI, strcmp(t->uri, label->status_uri) != 0)) {
        (void)att_fail(
            &c->why, ATT_E_MISMATCH, ATT_R_SL_URI, "sub", "expected \"%s\", found \"%s\"",
            att_escape(shown, sizeof(shown), label->status_uri, strlen(label->status_uri)),
            att_escape(found, sizeof(found), t->uri, strlen(t->uri)));
    } else {
        return true;
    }
    say(out, c, ATT_CHECK_FAIL, ATT_VERDICT_FAIL);
    return false;
}

/* Does the list speak of the time that is asked about? False: it was said. */
static bool current(struct att_offline *out, struct att_check *c, const struct att_status_token *t,
                    const struct att_trust_rules *rules, int64_t now)
{
    char shown[ATT_TIME_TEXT];
    char at[ATT_TIME_TEXT];

    (void)att_time_print(at, sizeof(at), now);
    if (ATT_GUARD(SL_EXPIRED, now >= t->exp)) {
        (void)att_fail(&c->why, ATT_E_STALE, ATT_R_SL_TIME, "exp", "it ended at %s, asked for %s",
                       att_time_print(shown, sizeof(shown), t->exp), at);
    } else if (ATT_GUARD(SL_FUTURE, t->iat > now + OFFLINE_SKEW_S)) {
        (void)att_fail(&c->why, ATT_E_STALE, ATT_R_SL_TIME, "iat", "it begins at %s, asked for %s",
                       att_time_print(shown, sizeof(shown), t->iat), at);
    } else if (ATT_GUARD(SL_AGE,
                         rules->status_max_age_s > 0 && now - t->iat > rules->status_max_age_s)) {
        (void)att_fail(&c->why, ATT_E_STALE, ATT_R_SL_TIME, "max-age",
                       "it is of %s, and trust.yaml takes it for %lld s",
                       att_time_print(shown, sizeof(shown), t->iat),
                       (long long)rules->status_max_age_s);
    } else {
        return true;
    }
    say(out, c, ATT_CHECK_NOT_RUN, ATT_VERDICT_UNDECIDED);
    return false;
}

static void refuse(struct att_offline *out, struct att_check *c, enum att_reason reason)
{
    char as_of[ATT_TIME_TEXT];

    (void)att_fail(&c->why, ATT_E_MISMATCH, reason, "status-list",
                   "entry %llu says %s (%u) as of %s", (unsigned long long)out->label.status_index,
                   att_status_name(out->status.value), out->status.value,
                   att_time_print(as_of, sizeof(as_of), out->status.as_of));
    say(out, c, ATT_CHECK_FAIL, ATT_VERDICT_FAIL);
}

/* A revocation is for good, so it counts however old its list is; all else only while the list is current. */
static void judge_entry(struct att_offline *out, struct att_check *c,
                        const struct att_status_token *t, const struct att_trust_rules *rules,
                        int64_t now)
{
    unsigned int value = 0;

    if (att_status_list_get(&value, t->list, out->label.status_index, &c->why) != ATT_OK) {
        say(out, c, ATT_CHECK_FAIL, ATT_VERDICT_FAIL);
        return;
    }
    out->status = (struct att_offline_status){.known = true, .value = value, .as_of = t->iat};
    if (t->ttl_s > 0 && t->ttl_s <= (uint64_t)(t->exp - t->iat)) {
        out->status.next = t->iat + (int64_t)t->ttl_s;
    }
    if (ATT_GUARD(SL_REVOKED, value == ATT_STATUS_INVALID)) {
        refuse(out, c, ATT_R_LBL_REVOKED);
        return;
    }
    if (!current(out, c, t, rules, now)) {
        return;
    }
    if (ATT_GUARD(SL_SUSPENDED, value == ATT_STATUS_SUSPENDED)) {
        refuse(out, c, ATT_R_LBL_SUSPENDED);
    } else if (ATT_GUARD(SL_VALUE, value != ATT_STATUS_VALID)) {
        refuse(out, c, ATT_R_SL_VALUE);
    }
}

void offline_check_status_list(struct att_offline *out, const struct att_trust_rules *rules,
                               int64_t now)
{
    const struct att_offline_list *given = rules->status_list;
    struct att_check *c = offline_add(out, "status-list", ATT_CHECK_PASS);

    if (given == NULL && ATT_GUARD(SL_REQUIRED, rules->status_required)) {
        missing(out, c, "trust.yaml asks for a status list and none was given");
        return;
    }
    if (given == NULL) {
        c->status = ATT_CHECK_NOT_APPLICABLE;
        return;
    }
    if (given->list == NULL) {
        c->why = given->why;
        say(out, c, given->verdict == ATT_VERDICT_UNDECIDED ? ATT_CHECK_NOT_RUN : ATT_CHECK_FAIL,
            given->verdict);
        return;
    }
    if (ATT_GUARD(SL_UNNAMED, !out->label.has_status_list)) {
        missing(out, c, "the label names no status list");
        return;
    }
    if (belongs(out, c, given, rules)) {
        judge_entry(out, c, att_status_token_of(given->list), rules, now);
    }
}
