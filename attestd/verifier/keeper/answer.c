/* What is asked and changes nothing: labels, readiness, counters. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "keeper_internal.h"

/* Labels are for their gateway and the administrator, unless the deployment opens them. */
static enum att_err may_read(struct keeper *k, const struct msg_peer *peer, const char *device,
                             struct att_diag *diag)
{
    const struct unit *u = NULL;
    enum att_err err;

    if (k->cfg->public_labels || peer->administrator)
        return ATT_OK;
    err = keeper_peer(&u, k, peer, diag);
    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(LABEL_READER, strcmp(u->device.id, device) != 0))
        return att_fail(diag, ATT_E_DENIED, ATT_R_ID_CHANNEL, "label",
                        "the label is of another gateway");
    return ATT_OK;
}

static enum att_err no_label(struct att_diag *diag)
{
    return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_LBL_NONE, "label", "there is no such label");
}

static enum att_err unreadable(enum att_err err, struct att_diag *diag)
{
    return att_fail(diag, err, ATT_R_ST_CORRUPT, "label", "it cannot be read");
}

static enum att_err current_label(struct keeper *k, const struct msg *m, struct store_label *l,
                                  struct att_buf *bytes, struct att_diag *diag)
{
    char id[STORE_ID_MAX + 1];
    enum att_err err = att_device_id_check(m->name, diag);

    if (err != ATT_OK)
        return err;
    memcpy(id, m->name.p, m->name.len);
    id[m->name.len] = '\0';
    err = may_read(k, &m->peer, id, diag);
    if (err != ATT_OK)
        return err;
    err = store_label_current(l, bytes, k->st, id);
    if (err == ATT_E_NOT_FOUND || (err == ATT_OK && k->opt.utc_s() >= l->exp))
        return no_label(diag);
    return err == ATT_OK ? ATT_OK : unreadable(err, diag);
}

enum att_err keeper_label(struct keeper *k, const struct msg *m, struct answer *a,
                          struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *dressed = NULL;
    struct store_label l;
    enum att_err err = att_buf_new(&bytes, STORE_BYTES_MAX);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_NOMEM, "label", "memory ran out");
    if (m->name.len > 0) {
        err = current_label(k, m, &l, bytes, diag);
    } else {
        err = store_label_get(&l, bytes, k->st, m->session);
        if (err == ATT_E_NOT_FOUND && !k->cfg->public_labels && !m->peer.administrator &&
            !m->peer.known)
            return att_fail(diag, ATT_E_DENIED, ATT_R_ID_CLIENT, "peer", "no client certificate");
        if (err == ATT_E_NOT_FOUND)
            return no_label(diag);
        if (err != ATT_OK)
            return unreadable(err, diag);
        err = may_read(k, &m->peer, l.device, diag);
    }
    if (err != ATT_OK)
        return err;
    err = sequencer_dress(&dressed, k->sequencer, l.outcome, att_buf_slice(bytes), diag);
    if (err != ATT_OK)
        return err;
    return answer_with(a, 200, MSG_TYPE_LABEL, att_buf_slice(dressed), diag);
}

enum att_err keeper_status(struct keeper *k, const struct msg *m, struct answer *a,
                           struct att_diag *diag)
{
    const struct keeper_counters *c = &k->count;
    char text[4096];

    if (store_broken(k->st))
        return att_fail(diag, ATT_E_IO, ATT_R_ST_CORRUPT, "store", "the database failed");
    if (m->number == MSG_ASK_READY)
        return answer_with(a, 200, MSG_TYPE_TEXT, att_slice_str("ready\n"), diag);
    (void)snprintf(
        text, sizeof(text),
        "# TYPE attestd_verdicts_total counter\n"
        "attestd_verdicts_total{tier=\"affirming\"} %" PRIu64 "\n"
        "attestd_verdicts_total{tier=\"warning\"} %" PRIu64 "\n"
        "attestd_verdicts_total{tier=\"contraindicated\"} %" PRIu64 "\n"
        "attestd_verdicts_total{tier=\"refused\"} %" PRIu64 "\n"
        "# TYPE attestd_challenges_total counter\nattestd_challenges_total %" PRIu64 "\n"
        "# TYPE attestd_enrolments_total counter\nattestd_enrolments_total %" PRIu64 "\n"
        "# TYPE attestd_certified_total counter\nattestd_certified_total %" PRIu64 "\n"
        "# TYPE attestd_removals_total counter\nattestd_removals_total %" PRIu64 "\n"
        "# TYPE attestd_quarantined_total counter\nattestd_quarantined_total %" PRIu64 "\n"
        "# TYPE attestd_stale_total counter\nattestd_stale_total %" PRIu64 "\n"
        "# TYPE attestd_commits_total counter\nattestd_commits_total %" PRIu64 "\n"
        "# TYPE attestd_commits_failed_total counter\nattestd_commits_failed_total %" PRIu64 "\n"
        "# TYPE attestd_decisions_total counter\nattestd_decisions_total %" PRIu64 "\n"
        "# TYPE attestd_evidence_dropped_total counter\nattestd_evidence_dropped_total %" PRIu64
        "\n"
        "# TYPE attestd_sessions gauge\nattestd_sessions %zu\n"
        "# TYPE attestd_enrolments_pending gauge\nattestd_enrolments_pending %zu\n",
        c->affirming, c->warning, c->contraindicated, c->refused, c->sessions, c->enrolled,
        c->certified, c->removed, c->held, c->stale, c->commits, c->full, c->decisions, c->dropped,
        sessions_count(k->sessions), pendings_count(k->pendings));
    return answer_with(a, 200, MSG_TYPE_TEXT, att_slice_str(text), diag);
}
