/* Labels revoked, suspended and restored by an administrator. */
#include <stdio.h>
#include <string.h>

#include "admin_internal.h"
#include "base/hex.h"
#include "status.h"

#define WHY_MAX 200 /* bytes of the reason */

/* What was asked for. */
struct verb {
    enum store_label_status to;
    enum store_kind kind;
    enum att_reason code; /* that a gateway is held with */
    const char *word;
};
static const struct verb revoke = {STORE_LABEL_REVOKED, STORE_KIND_REVOKED, ATT_R_LBL_REVOKED,
                                   "revoked"};
static const struct verb suspend = {STORE_LABEL_SUSPENDED, STORE_KIND_SUSPENDED,
                                    ATT_R_LBL_SUSPENDED, "suspended"};
static const struct verb restore = {STORE_LABEL_VALID, STORE_KIND_RESTORED, ATT_R_NONE, "restored"};

/* A line that an auditor reads years later: no break, nothing that steers a terminal. */
static enum att_err read_why(const char **out, struct request *r)
{
    const char *why = json_string_value(json_object_get(r->body, "reason"));
    size_t len = why != NULL ? strlen(why) : 0;
    bool plain = true;

    for (size_t i = 0; i < len; i++)
        plain = plain && (unsigned char)why[i] >= 0x20 && why[i] != 0x7f;
    if (len == 0 || len > WHY_MAX || !plain)
        return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "reason",
                        "expected a line of 1 to %d bytes", WHY_MAX);
    *out = why;
    return ATT_OK;
}

static enum att_err answer(struct request *r, const struct verb *v, const char *device,
                           const struct status_changed *sum, int64_t outcome)
{
    return admin_reply(r, 200,
                       json_pack("{s:s, s:s, s:b, s:I, s:b, s:o}", "device", device, "status",
                                 v->word, "changed", outcome >= 0, "labels",
                                 (json_int_t)sum->labels, "unlisted", (int)sum->unlisted, "outcome",
                                 outcome >= 0 ? json_integer((json_int_t)outcome) : json_null()));
}

/* --- one label --- */

static enum att_err note_label(int64_t *index, struct request *r, const struct verb *v,
                               const struct store_label *l, const char *why)
{
    struct store_outcome made;
    struct store_outcome o = {.utc = r->k->opt.utc_s(), .kind = v->kind, .has_cti = true};
    enum att_err err = store_outcome_get(&made, r->k->st, l->outcome);

    if (err != ATT_OK)
        return att_fail(r->diag, err, ATT_R_ST_CORRUPT, "outcome", "that of the label: unreadable");
    o.has_subject = made.has_subject;
    memcpy(o.subject, made.subject, sizeof(o.subject));
    memcpy(o.cti, l->cti, sizeof(o.cti));
    (void)snprintf(o.device, sizeof(o.device), "%s", l->device);
    (void)snprintf(o.detail, sizeof(o.detail), "%s", why);
    return store_outcome_append(index, r->k->st, &o, r->diag);
}

static enum att_err find_label(struct store_label *l, struct request *r, const char *name)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    uint8_t cti[STORE_CTI_LEN];
    size_t len = 0;
    enum att_err err = att_hex_decode(cti, sizeof(cti), &len, name, strlen(name));

    if (err != ATT_OK || len != sizeof(cti))
        return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "cti",
                        "expected 32 hexadecimal digits");
    err = att_buf_new(&bytes, STORE_BYTES_MAX);
    if (err == ATT_OK)
        err = store_label_get(l, bytes, r->k->st, cti);
    if (err == ATT_E_NOT_FOUND)
        return att_fail(r->diag, err, ATT_R_LBL_NONE, "label", "there is no such label");
    return err == ATT_OK ? err
                         : att_fail(r->diag, err, ATT_R_ST_CORRUPT, "label", "it cannot be read");
}

static enum att_err change_label(struct request *r, const struct verb *v, const char *name,
                                 const char *why)
{
    struct status_change c = {.to = v->to};
    struct status_changed sum = {0};
    struct store_label l = {0};
    bool changed = false;
    enum att_err err = find_label(&l, r, name);

    if (err == ATT_OK)
        err = status_may_change(&changed, &l, v->to, r->diag);
    if (err != ATT_OK)
        return err;
    if (!changed)
        return answer(r, v, l.device, &sum, -1);
    err = note_label(&c.outcome, r, v, &l, why);
    l.alone = true;
    if (err == ATT_OK)
        err = status_mark_label(r->k, &l, &c, r->diag);
    sum.labels = 1;
    return err == ATT_OK ? answer(r, v, l.device, &sum, c.outcome) : err;
}

/* --- a gateway: its labels in force, and those that it would get --- */

/* Revoked: until it enrols again. Suspended: until it is restored. What lasts is not made less. */
static enum att_err plan_hold(bool *changed, struct store_hold *hold, struct request *r,
                              const struct verb *v, const struct store_device *d)
{
    bool suspended;
    enum att_err err = store_hold_get(hold, r->k->st, d->enrolment);

    if (err != ATT_OK)
        return att_fail(r->diag, err, ATT_R_ST_CORRUPT, "device", "its hold cannot be read");
    suspended = strcmp(hold->reason, att_reason_code(ATT_R_LBL_SUSPENDED)) == 0;
    if (hold->lasting && v->to != STORE_LABEL_REVOKED)
        return att_fail(r->diag, ATT_E_CONFLICT, ATT_R_SL_FOR_GOOD, "device",
                        "%s is held until it enrols again: %s", d->id, hold->reason);
    *changed = v->to == STORE_LABEL_VALID     ? suspended
               : v->to == STORE_LABEL_REVOKED ? !hold->lasting
                                              : !suspended;
    hold->lasting = v->to == STORE_LABEL_REVOKED;
    if (hold->reason[0] == '\0')
        hold->since_utc = r->k->opt.utc_s();
    (void)snprintf(hold->reason, sizeof(hold->reason), "%s",
                   v->code == ATT_R_NONE ? "" : att_reason_code(v->code));
    return ATT_OK;
}

static enum att_err put_hold(struct request *r, const struct store_device *d,
                             const struct store_hold *hold)
{
    enum att_err err = hold->reason[0] == '\0'
                           ? store_hold_remove(r->k->st, d->enrolment, r->diag)
                           : store_hold_put(r->k->st, d->enrolment, hold, r->diag);

    unit_forget(r->k->units, d->id);
    if (err == ATT_OK && hold->reason[0] == '\0')
        keeper_rejudge_begin(r->k); /* nobody looked at its endorsement key meanwhile */
    return err;
}

static enum att_err find_device(struct store_device *d, struct request *r, const char *id)
{
    enum att_err err = att_device_id_check(att_slice_str(id), r->diag);

    if (err != ATT_OK)
        return err;
    err = store_device_get(d, r->k->st, id);
    if (err == ATT_OK)
        return ATT_OK;
    return att_fail(r->diag, err, err == ATT_E_NOT_FOUND ? ATT_R_ID_NONE : ATT_R_ST_CORRUPT,
                    "device", "no gateway is enrolled as %s", id);
}

static enum att_err change_device(struct request *r, const struct verb *v, const char *id,
                                  const char *why)
{
    struct status_change c = {.to = v->to, .outcome = -1};
    struct status_changed sum = {0};
    struct store_device d = {0};
    struct store_hold hold = {0};
    bool held = false;
    int64_t newest = -1;
    enum att_err err = find_device(&d, r, id);

    if (err == ATT_OK)
        err = plan_hold(&held, &hold, r, v, &d);
    if (err == ATT_OK)
        err = status_newest(&newest, r->k, d.enrolment, r->diag);
    if (err == ATT_OK)
        err = status_mark_all(&sum, r->k, newest, &c, r->diag);
    if (err != ATT_OK)
        return err;
    if (!held && sum.labels == 0)
        return answer(r, v, id, &sum, -1);
    err = keeper_note(r->k, v->kind, id, "", why, r->diag);
    if (err == ATT_OK)
        err = store_outcome_count(&c.outcome, r->k->st);
    c.outcome--;
    if (err == ATT_OK && held)
        err = put_hold(r, &d, &hold);
    if (err == ATT_OK)
        err = status_mark_all(&sum, r->k, newest, &c, r->diag);
    return err == ATT_OK ? answer(r, v, id, &sum, c.outcome) : err;
}

/* {"id" or "cti", "reason"} */
static enum att_err change(struct request *r, const struct verb *v)
{
    const char *id = json_string_value(json_object_get(r->body, "id"));
    const char *cti = json_string_value(json_object_get(r->body, "cti"));
    const char *why = NULL;
    enum att_err err = read_why(&why, r);

    if (err != ATT_OK)
        return err;
    if ((id == NULL) == (cti == NULL) || json_object_size(r->body) != 2)
        return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "body",
                        "expected id or cti, reason, and nothing else");
    return id != NULL ? change_device(r, v, id, why) : change_label(r, v, cti, why);
}

enum att_err admin_revoke(struct request *r)
{
    return change(r, &revoke);
}

enum att_err admin_suspend(struct request *r)
{
    return change(r, &suspend);
}

enum att_err admin_restore(struct request *r)
{
    return change(r, &restore);
}
