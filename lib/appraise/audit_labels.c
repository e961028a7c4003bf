/* Do labels, revocations and enrolments of a log agree with each other? */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "appraise/audit_internal.h"
#include "appraise/result.h"
#include "base/guard.h"
#include "base/hex.h"
#include "base/rd.h"

#define UEID_PREFIX "urn:dev:ueid:01" /* a UEID of type RAND, in hexadecimal */

static bool is_kind(const struct att_entry *e, const char *kind)
{
    return strcmp(e->kind, kind) == 0;
}

/* 32 bytes of a subject such as att_label_subject writes. */
bool audit_ueid(uint8_t out[32], const char *subject)
{
    size_t prefix = strlen(UEID_PREFIX);
    size_t len = 0;

    return strncmp(subject, UEID_PREFIX, prefix) == 0 && strlen(subject) == prefix + 64 &&
           att_hex_decode(out, 32, &len, subject + prefix, 64) == ATT_OK && len == 32;
}

/* A verdict and its kind are one statement, and "no" has a reason. */
static void check_verdict(struct att_audit *a, const struct att_entry *e)
{
    bool refused = is_kind(e, "refused");

    if (ATT_GUARD(AUDIT_REASON, (refused || is_kind(e, "stale")) && e->reason[0] == '\0'))
        audit_found(a, ATT_E_MISMATCH, ATT_R_TL_LABELS, "expected a reason of \"%s\", found none",
                    e->kind);
    if (!e->of_label)
        return;
    if (ATT_GUARD(AUDIT_VERDICT, refused != (e->status == ATT_TIER_CONTRAINDICATED) ||
                                     (!refused && !is_kind(e, "label"))))
        audit_found(a, ATT_E_MISMATCH, ATT_R_TL_LABELS,
                    "expected a status that agrees with \"%s\", found %d", e->kind, e->status);
    if (ATT_GUARD(AUDIT_LIFE, e->exp <= e->iat))
        audit_found(a, ATT_E_MISMATCH, ATT_R_TL_LABELS,
                    "expected a label that ends after it begins, found %lld and %lld",
                    (long long)e->iat, (long long)e->exp);
}

static void note_gap(struct att_audit *a, const struct audit_device *d, int64_t until)
{
    int64_t from = d->exp;

    if (d->standing == STANDING_GONE || from == 0 || until <= from)
        return;
    if (a->r.gaps < ATT_AUDIT_KEPT) {
        struct att_audit_gap *g = &a->r.gap[a->r.gaps];

        *g = (struct att_audit_gap){.from = from, .until = until, .index = a->r.size};
        memcpy(g->ueid, d->ueid, sizeof(g->ueid));
    }
    a->r.gaps++;
    if (until - from > a->r.longest_gap_s)
        a->r.longest_gap_s = until - from;
}

/* One label, once; of a gateway that was not taken out. The newest is the one that is current. */
static enum att_err take_label(struct att_audit *a, const struct att_entry *e, uint32_t number)
{
    struct audit_device *d = &a->device[number];
    struct audit_row row = {.value = LABEL_VALUE(number, LABEL_VALID) + 1,
                            .exp = e->exp > UINT32_MAX ? UINT32_MAX : (uint32_t)e->exp};
    enum att_err err = audit_key(&row.key, a, e->cti, sizeof(e->cti));

    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(AUDIT_TWICE, audit_map_get(&a->labels, row.key) != NULL)) {
        audit_found(a, ATT_E_CONFLICT, ATT_R_TL_LABELS,
                    "expected a new label, found one that the log has already");
        return ATT_OK;
    }
    if (ATT_GUARD(AUDIT_GONE, d->standing == STANDING_GONE))
        audit_found(a, ATT_E_CONFLICT, ATT_R_TL_LABELS,
                    "expected a gateway that is enrolled, found one that was removed");
    a->r.strays += d->standing == STANDING_UNKNOWN ? 1 : 0;
    if (e->exp - e->iat > a->r.longest_life_s)
        a->r.longest_life_s = e->exp - e->iat;
    if (is_kind(e, "label")) {
        note_gap(a, d, e->iat);
        d->exp = e->exp;
    }
    return audit_map_put(&a->labels, &row, e->iat, AUDIT_LABELS_MAX);
}

/* What may follow what: revoked is for good, only what was suspended is restored. */
static bool may_become(enum audit_label is, const char *kind, enum audit_label *next)
{
    if (strcmp(kind, "restored") == 0) {
        *next = LABEL_VALID;
        return is == LABEL_SUSPENDED;
    }
    *next = strcmp(kind, "revoked") == 0 ? LABEL_REVOKED : LABEL_SUSPENDED;
    return is != LABEL_REVOKED && is != *next;
}

/*
 * Labels that ended are forgotten, so of an id that is not there it has to be told whether it could be in force: the ids
 * of labels begin with their time (docs/formats/label.md).
 */
static bool must_be_known(const struct att_audit *a, const struct att_entry *e)
{
    struct att_rd r = att_rd_from(e->cti, sizeof(e->cti));
    int64_t made = att_rd_u32be(&r);

    return made + a->r.longest_life_s > e->iat;
}

/* A revocation names a label of this gateway that the log has, or had. */
static enum att_err mark_label(struct att_audit *a, const struct att_entry *e, uint32_t number)
{
    struct audit_row *row = NULL;
    enum audit_label next = LABEL_VALID;
    uint64_t key = 0;
    enum att_err err = audit_key(&key, a, e->cti, sizeof(e->cti));

    if (err != ATT_OK)
        return err;
    row = audit_map_get(&a->labels, key);
    if (row == NULL && !must_be_known(a, e))
        return ATT_OK;
    if (ATT_GUARD(AUDIT_REVOKES, row == NULL || LABEL_DEVICE(row->value - 1) != number)) {
        audit_found(a, ATT_E_MISMATCH, ATT_R_TL_LABELS,
                    "expected a label of this gateway that is in force, found none that is \"%s\"",
                    e->kind);
        return ATT_OK;
    }
    if (!may_become(LABEL_STATUS(row->value - 1), e->kind, &next) &&
        ATT_GUARD(AUDIT_FOLLOWS, !a->device[number].wide)) {
        audit_found(a, ATT_E_MISMATCH, ATT_R_TL_LABELS,
                    "expected a label that can become \"%s\", found one that is that, or revoked",
                    e->kind);
        return ATT_OK;
    }
    row->value = LABEL_VALUE(number, next) + 1;
    return ATT_OK;
}

static bool is_revocation(const struct att_entry *e)
{
    return is_kind(e, "revoked") || is_kind(e, "suspended") || is_kind(e, "restored");
}

static void count_kind(struct att_audit_report *r, const struct att_entry *e)
{
    const struct {
        const char *kind;
        uint64_t *count;
    } kinds[] = {{"label", &r->labels},      {"refused", &r->refused}, {"stale", &r->stale},
                 {"enrolled", &r->enrolled}, {"removed", &r->removed}, {"revoked", &r->revoked},
                 {"suspended", &r->revoked}};

    for (size_t i = 0; i < ATT_COUNT(kinds); i++) {
        if (is_kind(e, kinds[i].kind)) {
            (*kinds[i].count)++;
            return;
        }
    }
    r->other++;
}

static void change_standing(struct audit_device *d, const struct att_entry *e)
{
    if (is_kind(e, "enrolled")) {
        *d = (struct audit_device){.standing = STANDING_ENROLLED, .since = e->iat};
        return;
    }
    /* what is said of a gateway is said of all its labels, which are not looked for one by one */
    if ((is_revocation(e) && !e->has_cti) || is_kind(e, "quarantined") || is_kind(e, "removed") ||
        is_kind(e, "transferred"))
        d->wide = true;
    if (is_kind(e, "removed"))
        d->standing = STANDING_GONE;
    if (is_kind(e, "transferred")) {
        /* given or received: the entry does not say which, so the next enrolment tells */
        d->standing = STANDING_UNKNOWN;
        d->exp = 0;
    }
}

enum att_err audit_outcome(struct att_audit *a, const struct att_entry *e)
{
    struct audit_device *d = NULL;
    uint8_t ueid[32];
    uint32_t number = 0;
    enum att_err err = ATT_OK;

    count_kind(&a->r, e);
    check_verdict(a, e);
    if (e->subject[0] == '\0')
        return ATT_OK;
    if (!audit_ueid(ueid, e->subject)) {
        audit_found(a, ATT_E_FORMAT, ATT_R_TL_ENTRY,
                    "expected a UEID as the subject, found another name");
        return ATT_OK;
    }
    err = audit_device(&number, a, ueid);
    if (err == ATT_OK && e->of_label)
        err = take_label(a, e, number);
    if (err == ATT_OK && is_revocation(e) && e->has_cti)
        err = mark_label(a, e, number);
    if (err != ATT_OK)
        return err;
    d = &a->device[number];
    change_standing(d, e);
    memcpy(d->ueid, ueid, sizeof(d->ueid));
    d->seen = e->iat;
    d->index = a->r.size;
    return ATT_OK;
}

uint64_t att_audit_silent(struct att_audit_gap *out, size_t cap, const struct att_audit *a,
                          int64_t now_utc)
{
    uint64_t count = 0;

    for (size_t i = 0; i < a->device_count; i++) {
        const struct audit_device *d = &a->device[i];

        if (d->standing == STANDING_GONE || d->exp > now_utc ||
            (d->exp == 0 && d->standing == STANDING_UNKNOWN))
            continue;
        if (count < cap) {
            out[count] =
                (struct att_audit_gap){.from = d->exp, .until = now_utc, .index = d->index};
            memcpy(out[count].ueid, d->ueid, sizeof(d->ueid));
        }
        count++;
    }
    return count;
}
