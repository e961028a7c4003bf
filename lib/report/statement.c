/* Period statements: written, signed, and held to the log that they are about. */
#include "report/statement.h"

#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "base/wr.h"
#include "codec/cbor_wr.h"
#include "evidence/profile.h"
#include "report/statement_internal.h"
#include "tlog/checkpoint.h"

static const struct att_document_kind STATEMENT = {.what = "period statement",
                                                   .content_type =
                                                       "application/vnd.attestd.period-report+cbor",
                                                   .purpose = "attestd period report 1",
                                                   .folder = "the trust folder (auditors/NAME.pem)",
                                                   .reason = ATT_R_RPT_SIGNATURE};

void att_statement_free(struct att_statement *s)
{
    if (s == NULL)
        return;
    att_period_free(s->period);
    att_buf_free(s->checkpoint);
    free(s);
}

void att_statement_freep(struct att_statement **s)
{
    att_statement_free(*s);
    *s = NULL;
}

/* --- writing --- */

static void write_word(struct att_wr *w, const char *word)
{
    if (word[0] == '\0')
        att_cbor_wr_null(w);
    else
        att_cbor_wr_text(w, word);
}

static void write_digest(struct att_wr *w, bool has, const uint8_t digest[32])
{
    if (has)
        att_cbor_wr_bytes(w, att_slice_of(digest, 32));
    else
        att_cbor_wr_null(w);
}

static void write_end(struct att_wr *w, const struct att_statement_end *e)
{
    att_cbor_wr_array(w, 3);
    att_cbor_wr_uint(w, e->tree.size);
    att_cbor_wr_bytes(w, att_slice_of(e->tree.root, ATT_MERKLE_LEN));
    att_cbor_wr_array(w, e->path.count);
    for (size_t i = 0; i < e->path.count; i++)
        att_cbor_wr_bytes(w, att_slice_of(e->path.hash[i], ATT_MERKLE_LEN));
}

static void write_tally(struct att_wr *w, const struct att_period *p)
{
    att_cbor_wr_array(w, p->tallies);
    for (size_t i = 0; i < p->tallies; i++) {
        const struct att_period_tally *t = &p->tally[i];

        att_cbor_wr_array(w, 4);
        att_cbor_wr_text(w, t->kind);
        write_word(w, t->reason);
        if (t->status == ATT_PERIOD_NO_STATUS)
            att_cbor_wr_null(w);
        else
            att_cbor_wr_uint(w, (uint64_t)t->status);
        att_cbor_wr_uint(w, t->count);
    }
}

static void write_rules(struct att_wr *w, const struct att_period *p)
{
    att_cbor_wr_array(w, p->rule_sets);
    for (size_t i = 0; i < p->rule_sets; i++) {
        const struct att_period_rules *r = &p->rules[i];

        att_cbor_wr_array(w, 6);
        write_digest(w, true, r->policy);
        write_digest(w, true, r->refvals);
        att_cbor_wr_uint(w, r->affirming);
        att_cbor_wr_uint(w, r->warning);
        att_cbor_wr_uint(w, r->contraindicated);
        att_cbor_wr_uint(w, (uint64_t)r->first_utc);
    }
}

static void write_gateways(struct att_wr *w, const struct att_period *p)
{
    att_cbor_wr_array(w, p->gateways);
    for (size_t i = 0; i < p->gateways; i++) {
        const struct att_period_gateway *g = &p->gateway[i];
        const uint64_t number[] = {g->affirming, g->warning, g->contraindicated,
                                   g->stale,     g->taken,   g->enrolled_s,
                                   g->covered_s, g->gaps,    g->longest_gap_s};

        att_cbor_wr_array(w, 3 + ATT_COUNT(number));
        write_digest(w, true, g->ueid);
        att_cbor_wr_uint(w, (uint64_t)g->standing);
        att_cbor_wr_bool(w, g->silent);
        for (size_t n = 0; n < ATT_COUNT(number); n++)
            att_cbor_wr_uint(w, number[n]);
    }
}

static void write_gaps(struct att_wr *w, const struct att_period *p)
{
    att_cbor_wr_array(w, 2);
    att_cbor_wr_uint(w, p->gaps);
    att_cbor_wr_array(w, p->gaps_kept);
    for (size_t i = 0; i < p->gaps_kept; i++) {
        att_cbor_wr_array(w, 4);
        write_digest(w, true, p->gap[i].ueid);
        att_cbor_wr_uint(w, (uint64_t)p->gap[i].from);
        att_cbor_wr_uint(w, (uint64_t)p->gap[i].until);
        att_cbor_wr_uint(w, p->gap[i].index);
    }
}

static void write_event(struct att_wr *w, const struct att_period_event *v)
{
    att_cbor_wr_array(w, 9);
    att_cbor_wr_uint(w, v->index);
    att_cbor_wr_uint(w, (uint64_t)v->utc);
    att_cbor_wr_text(w, v->kind);
    write_word(w, v->reason);
    write_digest(w, v->has_ueid, v->ueid);
    if (v->has_cti)
        att_cbor_wr_bytes(w, att_slice_of(v->cti, sizeof(v->cti)));
    else
        att_cbor_wr_null(w);
    write_digest(w, v->has_policy, v->policy);
    write_digest(w, v->has_refvals, v->refvals);
    write_digest(w, v->has_about, v->about);
}

static void write_events(struct att_wr *w, const struct att_period *p)
{
    att_cbor_wr_array(w, 2);
    att_cbor_wr_uint(w, p->events);
    att_cbor_wr_array(w, p->events_kept);
    for (size_t i = 0; i < p->events_kept; i++)
        write_event(w, &p->event[i]);
}

static size_t findings_kept(const struct att_statement *s)
{
    return s->findings < ATT_AUDIT_KEPT ? (size_t)s->findings : ATT_AUDIT_KEPT;
}

static void write_findings(struct att_wr *w, const struct att_statement *s)
{
    att_cbor_wr_array(w, 2);
    att_cbor_wr_uint(w, s->findings);
    att_cbor_wr_array(w, findings_kept(s));
    for (size_t i = 0; i < findings_kept(s); i++) {
        att_cbor_wr_array(w, 3);
        att_cbor_wr_uint(w, s->finding[i].index);
        att_cbor_wr_text(w, att_reason_code(s->finding[i].reason));
        att_cbor_wr_bytes(w, att_slice_str(s->finding[i].text));
    }
}

static void write_all(struct att_wr *w, const struct att_statement *s)
{
    const struct att_period *p = s->period;

    att_cbor_wr_map(w, MEMBERS);
    att_cbor_wr_uint(w, MEMBER_PROFILE);
    att_cbor_wr_text(w, ATT_PROFILE_REPORT);
    att_cbor_wr_uint(w, MEMBER_PERIOD);
    att_cbor_wr_array(w, 2);
    att_cbor_wr_uint(w, (uint64_t)p->from);
    att_cbor_wr_uint(w, (uint64_t)p->until);
    att_cbor_wr_uint(w, MEMBER_ISSUER);
    write_word(w, p->issuer);
    att_cbor_wr_uint(w, MEMBER_BEGIN);
    write_end(w, &s->begin);
    att_cbor_wr_uint(w, MEMBER_END);
    write_end(w, &s->end);
    att_cbor_wr_uint(w, MEMBER_CHECKPOINT);
    att_cbor_wr_bytes(w, att_buf_slice(s->checkpoint));
    att_cbor_wr_uint(w, MEMBER_CLOSED);
    att_cbor_wr_bool(w, p->closed);
    att_cbor_wr_uint(w, MEMBER_TALLY);
    write_tally(w, p);
    att_cbor_wr_uint(w, MEMBER_RULES);
    write_rules(w, p);
    att_cbor_wr_uint(w, MEMBER_GATEWAYS);
    write_gateways(w, p);
    att_cbor_wr_uint(w, MEMBER_GAPS);
    write_gaps(w, p);
    att_cbor_wr_uint(w, MEMBER_EVENTS);
    write_events(w, p);
    att_cbor_wr_uint(w, MEMBER_FINDINGS);
    write_findings(w, s);
    att_cbor_wr_uint(w, MEMBER_AUDIT);
    att_cbor_wr_array(w, 2);
    att_cbor_wr_uint(w, s->audited);
    att_cbor_wr_uint(w, s->keys);
    att_cbor_wr_uint(w, MEMBER_LIMITS);
    att_cbor_wr_text(w, ATT_STATEMENT_LIMITS);
}

/* More than the longest row of each table takes. */
static size_t room_for(const struct att_statement *s)
{
    const struct att_period *p = s->period;

    return 16384 + att_buf_len(s->checkpoint) + p->tallies * 100 + p->rule_sets * 120 +
           p->gateways * 128 + p->gaps_kept * 80 + p->events_kept * 320 +
           findings_kept(s) * (ATT_AUDIT_TEXT + 64);
}

enum att_err att_statement_encode(struct att_buf **out, const struct att_statement *s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *made = NULL;
    ATT_CLEANUP(att_statement_freep) struct att_statement *again = NULL;
    struct att_slice written;
    struct att_wr w;
    uint8_t *at = NULL;
    size_t room = room_for(s);
    enum att_err err = att_buf_new(&made, room);

    if (err == ATT_OK)
        err = att_buf_room(made, room, &at);
    if (err != ATT_OK)
        return err;
    w = att_wr_into(at, room);
    write_all(&w, s);
    err = att_cbor_wr_done(&w, &written);
    if (err != ATT_OK)
        return err;
    if (written.len > ATT_STATEMENT_MAX)
        return ATT_E_LIMIT;
    err = att_statement_decode(&again, written, NULL);
    if (err != ATT_OK)
        return err == ATT_E_NOMEM ? err : ATT_E_INTERNAL;
    att_buf_commit(made, written.len);
    *out = made;
    made = NULL;
    return ATT_OK;
}

/* --- the signature --- */

enum att_err att_statement_sign(struct att_buf **out, struct att_slice encoded,
                                const struct att_signer *signer)
{
    return att_document_sign(out, &STATEMENT, encoded, signer);
}

enum att_err att_statement_peek(struct att_slice *payload, uint8_t kid[32], struct att_slice in,
                                struct att_diag *diag)
{
    struct att_cose m;
    enum att_err err = att_document_peek(&m, kid, &STATEMENT, in, diag);

    if (err == ATT_OK)
        *payload = m.payload_untrusted;
    return err;
}

enum att_err att_statement_open(struct att_cose_verified **out, uint8_t kid[32], const char **name,
                                struct att_slice in, const struct att_signers *auditors,
                                struct att_diag *diag)
{
    struct att_slice payload;
    enum att_err err = att_statement_peek(&payload, kid, in, diag);

    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(REPORT_SIGNER, att_signers_find(auditors, att_slice_of(kid, 32)) == NULL))
        return att_fail(diag, ATT_E_UNTRUSTED, ATT_R_RPT_SIGNER, "kid",
                        "expected an auditor of %s, found another", STATEMENT.folder);
    return att_document_open(out, kid, name, &STATEMENT, in, auditors, diag);
}

/* --- the log --- */

enum att_err att_statement_origin(struct att_slice *out, const struct att_statement *s,
                                  struct att_diag *diag)
{
    struct att_note note;
    struct att_tree_head head;
    enum att_err err = att_note_parse(&note, att_buf_slice(s->checkpoint), diag);

    if (err == ATT_OK)
        err = att_tree_head_parse(&head, note.text, diag);
    if (err == ATT_OK)
        *out = head.origin;
    return err;
}

static enum att_err check_end(const struct att_statement_end *e, const struct att_merkle_head *now,
                              struct att_diag *diag)
{
    enum att_err err = att_merkle_verify_consistency(&e->tree, now, &e->path, diag);

    return ATT_GUARD(REPORT_CONSIST, err != ATT_OK) ? err : ATT_OK;
}

enum att_err att_statement_check_log(const struct att_statement *s, const struct att_vkey *log,
                                     struct att_diag *diag)
{
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    const struct att_checkpoint_keys keys = {.log = log};
    const struct att_merkle_head *tree = NULL;
    enum att_err err = att_checkpoint_open(&c, att_buf_slice(s->checkpoint), &keys, diag);

    if (err != ATT_OK)
        return err;
    tree = &att_checkpoint_head(c)->tree;
    if (ATT_GUARD(REPORT_SIZE, tree->size != s->audited))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_RPT_SUMS, "checkpoint",
                        "the statement is about %llu entries, its checkpoint about %llu",
                        (unsigned long long)s->audited, (unsigned long long)tree->size);
    err = check_end(&s->begin, tree, diag);
    return err == ATT_OK ? check_end(&s->end, tree, diag) : err;
}
