/*
 * Before anything is served: every device's row must hold what this release asks of it. One that does not is put
 * aside as it is, so that it neither stops the service nor is believed, and nobody else is touched.
 */
#include "base/guard.h"
#include "common/log.h"
#include "keeper_internal.h"
#include "tcg/pubarea.h"

/* What is wrong with it, or NULL. */
static const char *fault_of(const struct store_device *d, bool damaged)
{
    if (damaged)
        return "values of other types or sizes";
    if (att_device_id_check(att_slice_str(d->id), NULL) != ATT_OK)
        return "an id that is not allowed";
    if (!att_pubarea_has_name(att_slice_of(d->ek_public, d->ek_public_len),
                              att_slice_of(d->ek_name, d->ek_name_len)))
        return "the endorsement key is not the one of its name";
    if (!att_pubarea_has_name(att_slice_of(d->ak_public, d->ak_public_len),
                              att_slice_of(d->ak_name, d->ak_name_len)))
        return "the attestation key is not the one of its name";
    return NULL;
}

static enum att_err put_aside(struct keeper *k, const struct store_device *d, const char *why,
                              struct att_diag *diag)
{
    bool named = att_device_id_check(att_slice_str(d->id), NULL) == ATT_OK;
    int64_t newest = -1;
    enum att_err err = store_begin(k->st, diag);

    if (err != ATT_OK)
        return err;
    err = status_newest(&newest, k, d->enrolment, diag);
    if (err == ATT_OK)
        err = store_device_quarantine(k->st, d->enrolment, why, diag);
    if (err == ATT_OK)
        err = keeper_note(k, STORE_KIND_REMOVED, named ? d->id : "",
                          att_reason_code(ATT_R_ST_CORRUPT), why, diag);
    if (err == ATT_OK)
        err = status_follow(k, newest, STORE_LABEL_REVOKED, diag);
    if (err == ATT_OK)
        err = keeper_commit(k, diag);
    if (err != ATT_OK) {
        keeper_rollback(k);
        return err;
    }
    log_line(LOG_LEVEL_ERROR, "device.quarantined", "enrolment=%lld device=%s text=\"%s\"",
             (long long)d->enrolment, named ? d->id : "?", why);
    return ATT_OK;
}

enum att_err keeper_quarantine(struct keeper *k, struct att_diag *diag)
{
    struct store_device d = {0};
    bool damaged = false;
    enum att_err err = store_device_next(&d, &damaged, k->st, INT64_MIN);

    while (err == ATT_OK) {
        const char *why = fault_of(&d, damaged);

        if (ATT_GUARD(ROW_FITS, why != NULL))
            err = put_aside(k, &d, why, diag);
        if (err != ATT_OK)
            return err;
        err = store_device_next(&d, &damaged, k->st, d.enrolment);
    }
    if (err == ATT_E_NOT_FOUND)
        return ATT_OK;
    return att_fail(diag, err, ATT_R_ST_CORRUPT, "device", "the rows cannot be read");
}
